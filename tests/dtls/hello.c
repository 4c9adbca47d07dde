/* SPDX-License-Identifier: MIT */
#include "dtls/hello.h"

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"

#define HEADERS_LEN 25

static void write_headers(struct paw_wr *wr, uint64_t sequence, size_t message_len, size_t from,
                          size_t len) {
  paw_wr_u8(wr, 22);
  paw_wr_u16(wr, 0xfeff);
  paw_wr_u64(wr, sequence);
  paw_wr_u16(wr, (uint16_t)(12 + len));
  paw_wr_u8(wr, 1);
  paw_wr_u24(wr, (uint32_t)message_len);
  paw_wr_u16(wr, 0);
  paw_wr_u24(wr, (uint32_t)from);
  paw_wr_u24(wr, (uint32_t)len);
}

struct hello_datagram hello_make(size_t message_len, uint8_t fill) {
  struct hello_datagram whole;
  struct paw_wr wr = paw_wr_init(whole.data, sizeof whole.data);
  write_headers(&wr, 0, message_len, 0, message_len);
  for (size_t i = 0; i < message_len; i++) {
    paw_wr_u8(&wr, (uint8_t)(i * 31 + i / 256 + fill));
  }
  whole.len = wr.len;
  return whole;
}

struct hello_datagram hello_cut(const struct hello_datagram *whole, size_t from, size_t until,
                                uint64_t sequence) {
  struct hello_datagram cut;
  struct paw_wr wr = paw_wr_init(cut.data, sizeof cut.data);
  write_headers(&wr, sequence, whole->len - HEADERS_LEN, from, until - from);
  paw_wr_bytes(&wr, whole->data + HEADERS_LEN + from, until - from);
  cut.len = wr.len;
  return cut;
}

void hello_append(struct hello_datagram *to, const struct hello_datagram *more) {
  memcpy(to->data + to->len, more->data, more->len);
  to->len += more->len;
}

size_t hello_message_len(const uint8_t *data, size_t len) {
  struct paw_rd rd = paw_rd_init(data, len);
  uint8_t content = paw_rd_u8(&rd);
  paw_rd_skip(&rd, 2);
  uint16_t epoch = paw_rd_u16(&rd);
  paw_rd_skip(&rd, 8);
  uint8_t type = paw_rd_u8(&rd);
  uint32_t message_len = paw_rd_u24(&rd);
  paw_rd_skip(&rd, 2);
  uint32_t from = paw_rd_u24(&rd);
  bool whole = !rd.bad && content == 22 && epoch == 0 && type == 1 && from == 0 &&
               paw_rd_u24(&rd) == message_len;
  return whole ? message_len : 0;
}
