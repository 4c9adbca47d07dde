/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtp/rtp.h"

/* Read a copy of exactly `len` bytes, so that a sanitizer sees any read past the end. */
static int read_exact(const uint8_t *bytes, size_t len, struct paw_rtp_header *header,
                      size_t *payload_len) {
  uint8_t *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, len);
  struct paw_slice payload = {0};
  int status = paw_rtp_read(copy, len, header, &payload);
  *payload_len = payload.len;
  free(copy);
  return status;
}

static void test_reads_plain_header(void **state) {
  (void)state;
  static const uint8_t packet[] = {0x80, 0xef, 0x12, 0x34, 0x01, 0x02, 0x03,
                                   0x04, 0xca, 0xfe, 0xba, 0xbe, 0xaa, 0xbb};
  struct paw_rtp_header header;
  struct paw_slice payload;
  assert_int_equal(paw_rtp_read(packet, sizeof packet, &header, &payload), PAW_OK);
  assert_true(header.marker);
  assert_int_equal(header.payload_type, 111);
  assert_int_equal(header.sequence, 0x1234);
  assert_int_equal(header.timestamp_rtp, 0x01020304);
  assert_int_equal(header.ssrc, 0xcafebabe);
  assert_int_equal(header.csrc_count, 0);
  assert_int_equal(header.extension_profile, 0);
  assert_int_equal(header.extension.len, 0);
  assert_ptr_equal(payload.data, packet + 12);
  assert_int_equal(payload.len, 2);
}

static void test_payload_may_be_empty(void **state) {
  (void)state;
  static const uint8_t packet[12] = {0x80, 0x6f};
  struct paw_rtp_header header;
  size_t payload_len = 99;
  assert_int_equal(read_exact(packet, sizeof packet, &header, &payload_len), PAW_OK);
  assert_int_equal(payload_len, 0);
}

static void test_reads_csrcs(void **state) {
  (void)state;
  uint8_t packet[12 + 15 * 4 + 1] = {0x8f, 0x6f};
  for (int i = 0; i < 15; i++) {
    packet[12 + 4 * i + 3] = (uint8_t)(i + 1);
  }
  packet[sizeof packet - 1] = 0x55;
  struct paw_rtp_header header;
  struct paw_slice payload;
  assert_int_equal(paw_rtp_read(packet, sizeof packet, &header, &payload), PAW_OK);
  assert_int_equal(header.csrc_count, 15);
  assert_int_equal(header.csrcs.len, 60);
  assert_memory_equal(header.csrcs.data, packet + 12, 60);
  assert_int_equal(payload.len, 1);
  assert_int_equal(payload.data[0], 0x55);
}

static void test_reads_extension_block(void **state) {
  (void)state;
  struct paw_rtp_header header;
  struct paw_slice payload;
  static const uint8_t packet[] = {0x90, 0x6f, 0,    1,    0,    0,   0,   2,   0,   0,  0,
                                   3,    0xab, 0xcd, 0x00, 0x01, 'e', 'x', 't', '!', 'p'};
  assert_int_equal(paw_rtp_read(packet, sizeof packet, &header, &payload), PAW_OK);
  assert_int_equal(header.extension_profile, 0xabcd);
  assert_int_equal(header.extension.len, 4);
  assert_memory_equal(header.extension.data, "ext!", 4);
  assert_int_equal(payload.len, 1);
}

static void test_refuses_extension_beyond_packet(void **state) {
  (void)state;
  uint8_t packet[] = {0x90, 0x6f, 0,    1, 0, 0, 0, 2, 0, 0, 0, 3,
                      0xbe, 0xde, 0x00, 2, 1, 2, 3, 4, 5, 6, 7};
  struct paw_rtp_header header;
  size_t payload_len = 0;
  assert_int_equal(read_exact(packet, sizeof packet, &header, &payload_len), PAW_ERR_MALFORMED);
  packet[14] = 0xff;
  packet[15] = 0xff;
  assert_int_equal(read_exact(packet, sizeof packet, &header, &payload_len), PAW_ERR_MALFORMED);
  packet[14] = 0;
  packet[15] = 1;
  assert_int_equal(read_exact(packet, sizeof packet, &header, &payload_len), PAW_OK);
  assert_int_equal(payload_len, 3);
}

static void test_takes_padding_away(void **state) {
  (void)state;
  uint8_t packet[12 + 8] = {0xa0, 0x6f};
  struct paw_rtp_header header;
  size_t payload_len = 0;
  static const struct {
    uint8_t padding;
    int status;
    size_t payload_len;
  } cases[] = {
      {1, PAW_OK, 7},
      {4, PAW_OK, 4},
      {7, PAW_OK, 1},
      {8, PAW_OK, 0},
      {9, PAW_ERR_MALFORMED, 0},
      {255, PAW_ERR_MALFORMED, 0},
      {0, PAW_ERR_MALFORMED, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    packet[sizeof packet - 1] = cases[i].padding;
    assert_int_equal(read_exact(packet, sizeof packet, &header, &payload_len), cases[i].status);
    assert_int_equal(payload_len, cases[i].payload_len);
  }
}

static void test_padding_never_reaches_into_the_header(void **state) {
  (void)state;
  /* No payload at all: the last byte is the SSRC's, not a count. */
  static const uint8_t packet[12] = {0xa0, 0x6f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4};
  struct paw_rtp_header header;
  size_t payload_len = 0;
  assert_int_equal(read_exact(packet, sizeof packet, &header, &payload_len), PAW_ERR_MALFORMED);
}

static void test_refuses_other_versions(void **state) {
  (void)state;
  for (unsigned version = 0; version < 4; version++) {
    uint8_t packet[12] = {(uint8_t)(version << 6), 0x6f};
    struct paw_rtp_header header;
    size_t payload_len = 0;
    int expected = version == 2 ? PAW_OK : PAW_ERR_MALFORMED;
    assert_int_equal(read_exact(packet, sizeof packet, &header, &payload_len), expected);
  }
}

static void test_refuses_every_truncation_of_the_header(void **state) {
  (void)state;
  static const uint8_t packet[] = {0xb2, 0x6f, 0, 1, 0, 0,    0,    2, 0, 0, 0, 3, 1, 1,   1,
                                   1,    2,    2, 2, 2, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, 'p', 1};
  struct paw_rtp_header header;
  size_t payload_len = 0;
  assert_int_equal(read_exact(packet, sizeof packet, &header, &payload_len), PAW_OK);
  assert_int_equal(payload_len, 1);
  for (size_t len = 0; len <= 28; len++) {
    assert_int_equal(read_exact(packet, len, &header, &payload_len), PAW_ERR_MALFORMED);
    assert_int_equal(payload_len, 0);
  }
}

static void test_peeks_without_reading_the_body(void **state) {
  (void)state;
  /* All flags set, as if lengths followed: an encrypted packet may hold anything there. */
  static const uint8_t packet[12] = {0xbf, 0xff, 0, 0, 0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44};
  uint32_t ssrc = 0;
  uint8_t payload_type = 0;
  assert_true(paw_rtp_peek(packet, sizeof packet, &ssrc, &payload_type));
  assert_int_equal(ssrc, 0x11223344);
  assert_int_equal(payload_type, 127);
  assert_false(paw_rtp_peek(packet, 11, &ssrc, &payload_type));
  assert_false(paw_rtp_peek(packet, 0, &ssrc, &payload_type));
  static const uint8_t version_1[12] = {0x40};
  assert_false(paw_rtp_peek(version_1, sizeof version_1, &ssrc, &payload_type));
}

static void test_writes_what_it_reads(void **state) {
  (void)state;
  const struct paw_rtp_header header = {.marker = true,
                                        .payload_type = 63,
                                        .sequence = 65535,
                                        .timestamp_rtp = 0xfffffff0,
                                        .ssrc = 0xdeadbeef};
  uint8_t bytes[64];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtp_write_header(&wr, &header, false);
  assert_false(wr.bad);
  assert_int_equal(wr.len, 12);
  struct paw_rtp_header read;
  struct paw_slice payload;
  assert_int_equal(paw_rtp_read(bytes, wr.len, &read, &payload), PAW_OK);
  assert_true(read.marker);
  assert_int_equal(read.payload_type, header.payload_type);
  assert_int_equal(read.sequence, header.sequence);
  assert_int_equal(read.timestamp_rtp, header.timestamp_rtp);
  assert_int_equal(read.ssrc, header.ssrc);
}

static void test_writer_refuses_what_does_not_fit(void **state) {
  (void)state;
  uint8_t bytes[12];
  struct paw_rtp_header header = {.payload_type = 111};
  struct paw_wr wr = paw_wr_init(bytes, 11);
  paw_rtp_write_header(&wr, &header, false);
  assert_true(wr.bad);
  header.payload_type = 128;
  wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtp_write_header(&wr, &header, false);
  assert_true(wr.bad);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads_plain_header),
      cmocka_unit_test(test_payload_may_be_empty),
      cmocka_unit_test(test_reads_csrcs),
      cmocka_unit_test(test_reads_extension_block),
      cmocka_unit_test(test_refuses_extension_beyond_packet),
      cmocka_unit_test(test_takes_padding_away),
      cmocka_unit_test(test_padding_never_reaches_into_the_header),
      cmocka_unit_test(test_refuses_other_versions),
      cmocka_unit_test(test_refuses_every_truncation_of_the_header),
      cmocka_unit_test(test_peeks_without_reading_the_body),
      cmocka_unit_test(test_writes_what_it_reads),
      cmocka_unit_test(test_writer_refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
