/* SPDX-License-Identifier: MIT */
#include "raw_stun.h"
#include "kit/hmac.h"

#define FINGERPRINT_LEN 8

void raw_set_length(struct raw *raw, size_t len) {
  raw->data[2] = (uint8_t)(len >> 8);
  raw->data[3] = (uint8_t)len;
}

void raw_begin(struct raw *raw, uint16_t type) {
  memset(raw, 0, sizeof *raw);
  struct paw_wr wr = paw_wr_init(raw->data, sizeof raw->data);
  paw_wr_u16(&wr, type);
  paw_wr_u16(&wr, 0);
  paw_wr_u32(&wr, 0x2112a442);
  paw_wr_bytes(&wr, "transaction1", PAW_STUN_ID_LEN);
  raw->len = wr.len;
}

void raw_attribute(struct raw *raw, uint16_t type, const void *value, size_t len) {
  struct paw_wr wr = paw_wr_init(raw->data + raw->len, sizeof raw->data - raw->len);
  paw_wr_u16(&wr, type);
  paw_wr_u16(&wr, (uint16_t)len);
  paw_wr_bytes(&wr, value, len);
  paw_wr_zeros(&wr, (4 - len % 4) % 4);
  raw->len += wr.len;
  raw_set_length(raw, raw->len - PAW_STUN_HEADER_LEN);
}

void raw_text(struct raw *raw, uint16_t type, const char *text) {
  raw_attribute(raw, type, text, strlen(text));
}

void raw_integrity(struct raw *raw, const char *password) {
  uint8_t mac[PAW_HMAC_LEN] = {0};
  struct paw_slice covered = {.data = raw->data, .len = raw->len};
  raw_set_length(raw, raw->len + 4 + sizeof mac - PAW_STUN_HEADER_LEN);
  (void)kit_hmac((const uint8_t *)password, strlen(password), covered, mac);
  raw_attribute(raw, 0x0008, mac, sizeof mac);
}

void raw_mend_fingerprint(struct raw *raw) {
  uint32_t sum = paw_stun_crc32(raw->data, raw->len - FINGERPRINT_LEN) ^ 0x5354554e;
  struct paw_wr wr = paw_wr_init(raw->data + raw->len - 4, 4);
  paw_wr_u32(&wr, sum);
}

void raw_fingerprint(struct raw *raw) {
  raw_attribute(raw, 0x8028, "\0\0\0", 4);
  raw_mend_fingerprint(raw);
}
