/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtcp/rtcp.h"

static struct paw_rtcp_packet packet_of(const uint8_t *bytes, size_t len) {
  struct paw_rd compound = paw_rd_init(bytes, len);
  struct paw_rtcp_packet packet;
  assert_true(paw_rtcp_next(&compound, &packet));
  return packet;
}

static void test_sdes_round_trip_of_every_length(void **state) {
  (void)state;
  char cname[257];
  for (size_t len = 0; len <= 255; len++) {
    memset(cname, 'c', len);
    cname[len] = '\0';
    uint8_t bytes[300];
    struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
    paw_rtcp_write_sdes(&wr, 0xabcdef01, cname);
    assert_false(wr.bad);
    assert_int_equal(wr.len % 4, 0);
    assert_int_equal(bytes[wr.len - 1], 0); /* the items are ended */
    struct paw_rtcp_packet packet = packet_of(bytes, wr.len);
    uint32_t ssrc = 0;
    struct paw_slice read;
    assert_int_equal(paw_rtcp_read_sdes(&packet, &ssrc, &read), PAW_OK);
    assert_int_equal(ssrc, 0xabcdef01);
    assert_int_equal(read.len, len);
    assert_memory_equal(read.data, cname, len);
  }
}

static void test_sdes_writer_refuses_a_longer_name(void **state) {
  (void)state;
  char cname[257];
  memset(cname, 'c', 256);
  cname[256] = '\0';
  uint8_t bytes[512];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtcp_write_sdes(&wr, 1, cname);
  assert_true(wr.bad);
}

/* Two chunks: the first has a tool and a PRIV item, the second the CNAME between two others. */
static const uint8_t two_chunks[] = {
    0x82, 202, 0,   8,                            /**/
    0,    0,   0,   1,   6,   1,   'T', 8,        /* TOOL, PRIV */
    2,    1,   'p', 0,                            /* PRIV "\1p", end: the chunk fills its word */
    0,    0,   0,   2,   2,   3,   'a', 'b', 'c', /* NAME */
    1,    4,   'n', 'a', 'm', 'e',                /* CNAME */
    1,    1,   'x',                               /* a second one, not the first */
    0,    0,
};

static void test_sdes_finds_the_first_cname(void **state) {
  (void)state;
  struct paw_rtcp_packet packet = packet_of(two_chunks, sizeof two_chunks);
  uint32_t ssrc = 0;
  struct paw_slice cname;
  assert_int_equal(paw_rtcp_read_sdes(&packet, &ssrc, &cname), PAW_OK);
  assert_int_equal(ssrc, 2);
  assert_int_equal(cname.len, 4);
  assert_memory_equal(cname.data, "name", 4);
}

static void test_sdes_chunks_begin_at_words(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x82, 202, 0, 6, 0, 0, 0, 1, 6,   2, 'T', 'o', 0, 0,
                                  0,    0,   0, 0, 0, 2, 1, 1, 'n', 0, 0,   0,   0, 0};
  struct paw_rtcp_packet packet = packet_of(bytes, sizeof bytes);
  uint32_t ssrc = 0;
  struct paw_slice cname;
  assert_int_equal(paw_rtcp_read_sdes(&packet, &ssrc, &cname), PAW_OK);
  assert_int_equal(ssrc, 2);
  assert_int_equal(cname.len, 1);
  assert_memory_equal(cname.data, "n", 1);
}

static void test_sdes_without_cname(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x81, 202, 0, 2, 0, 0, 0, 9, 6, 1, 'T', 0};
  struct paw_rtcp_packet packet = packet_of(bytes, sizeof bytes);
  uint32_t ssrc = 77;
  struct paw_slice cname;
  assert_int_equal(paw_rtcp_read_sdes(&packet, &ssrc, &cname), PAW_OK);
  assert_int_equal(ssrc, 0);
  assert_int_equal(cname.len, 0);
  static const uint8_t no_chunk[] = {0x80, 202, 0, 0};
  packet = packet_of(no_chunk, sizeof no_chunk);
  assert_int_equal(paw_rtcp_read_sdes(&packet, &ssrc, &cname), PAW_OK);
  assert_int_equal(ssrc, 0);
}

static void test_sdes_misparses_are_refused(void **state) {
  (void)state;
  static const struct {
    uint8_t bytes[16];
    size_t len;
  } cases[] = {
      {{0x81, 202, 0, 0}, 4},                                        /* no chunk */
      {{0x81, 202, 0, 1, 0, 0, 0, 1}, 8},                            /* no end of items */
      {{0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 'a', 'b'}, 12},           /* no end of items */
      {{0x81, 202, 0, 2, 0, 0, 0, 1, 1, 3, 'a', 'b'}, 12},           /* item too long */
      {{0x81, 202, 0, 2, 0, 0, 0, 1, 1, 255, 'a', 'b'}, 12},         /**/
      {{0x81, 202, 0, 2, 0, 0, 0, 1, 1, 1, 'a', 1}, 12},             /* type, no length */
      {{0x82, 202, 0, 2, 0, 0, 0, 1, 1, 1, 'a', 0}, 12},             /* a chunk is missing */
      {{0x82, 202, 0, 3, 0, 0, 0, 1, 1, 1, 'a', 0, 0, 0, 0, 2}, 16}, /* half a chunk */
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t *copy = malloc(cases[i].len);
    assert_non_null(copy);
    memcpy(copy, cases[i].bytes, cases[i].len);
    struct paw_rtcp_packet packet = packet_of(copy, cases[i].len);
    uint32_t ssrc = 0;
    struct paw_slice cname;
    assert_int_equal(paw_rtcp_read_sdes(&packet, &ssrc, &cname), PAW_ERR_MALFORMED);
    free(copy);
  }
}

static void test_bye_round_trip(void **state) {
  (void)state;
  uint8_t bytes[8];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtcp_write_bye(&wr, 0x01020304);
  assert_false(wr.bad);
  static const uint8_t expected[] = {0x81, 203, 0, 1, 1, 2, 3, 4};
  assert_memory_equal(bytes, expected, sizeof expected);
  struct paw_rtcp_packet packet = packet_of(bytes, wr.len);
  uint32_t ssrcs[31];
  size_t count = 0;
  assert_int_equal(paw_rtcp_read_bye(&packet, ssrcs, &count), PAW_OK);
  assert_int_equal(count, 1);
  assert_int_equal(ssrcs[0], 0x01020304);
}

static void test_bye_with_many_sources_and_a_reason(void **state) {
  (void)state;
  uint8_t bytes[4 + 31 * 4 + 8] = {0x9f, 203, 0, 33};
  for (size_t i = 0; i < 31; i++) {
    bytes[4 + 4 * i + 3] = (uint8_t)i;
  }
  memcpy(bytes + 4 + 31 * 4, "\x06reason", 7);
  struct paw_rtcp_packet packet = packet_of(bytes, sizeof bytes);
  uint32_t ssrcs[31];
  size_t count = 0;
  assert_int_equal(paw_rtcp_read_bye(&packet, ssrcs, &count), PAW_OK);
  assert_int_equal(count, 31);
  assert_int_equal(ssrcs[30], 30);
}

static void test_bye_count_beyond_the_packet(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x82, 203, 0, 1, 1, 2, 3, 4};
  struct paw_rtcp_packet packet = packet_of(bytes, sizeof bytes);
  uint32_t ssrcs[31];
  size_t count = 9;
  assert_int_equal(paw_rtcp_read_bye(&packet, ssrcs, &count), PAW_ERR_MALFORMED);
  assert_int_equal(count, 0);
  static const uint8_t none[] = {0x80, 203, 0, 0};
  packet = packet_of(none, sizeof none);
  assert_int_equal(paw_rtcp_read_bye(&packet, ssrcs, &count), PAW_OK);
  assert_int_equal(count, 0);
}

static void test_other_types_are_the_callers_error(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x80, 201, 0, 1, 0, 0, 0, 1};
  struct paw_rtcp_packet packet = packet_of(bytes, sizeof bytes);
  uint32_t ssrcs[31];
  size_t count = 0;
  struct paw_slice cname;
  assert_int_equal(paw_rtcp_read_bye(&packet, ssrcs, &count), PAW_ERR_INVALID);
  assert_int_equal(paw_rtcp_read_sdes(&packet, ssrcs, &cname), PAW_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sdes_round_trip_of_every_length),
      cmocka_unit_test(test_sdes_writer_refuses_a_longer_name),
      cmocka_unit_test(test_sdes_finds_the_first_cname),
      cmocka_unit_test(test_sdes_chunks_begin_at_words),
      cmocka_unit_test(test_sdes_without_cname),
      cmocka_unit_test(test_sdes_misparses_are_refused),
      cmocka_unit_test(test_bye_round_trip),
      cmocka_unit_test(test_bye_with_many_sources_and_a_reason),
      cmocka_unit_test(test_bye_count_beyond_the_packet),
      cmocka_unit_test(test_other_types_are_the_callers_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
