/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtcp/rtcp.h"

static int read_xr(const uint8_t *bytes, size_t len, uint32_t own_ssrc, struct paw_rtcp_xr *out) {
  uint8_t *copy = malloc(len);
  assert_non_null(copy);
  memcpy(copy, bytes, len);
  struct paw_rd compound = paw_rd_init(copy, len);
  struct paw_rtcp_packet packet;
  assert_true(paw_rtcp_next(&compound, &packet));
  int status = paw_rtcp_read_xr(&packet, own_ssrc, out);
  free(copy);
  return status;
}

static void test_rrtr_round_trip(void **state) {
  (void)state;
  uint8_t bytes[32];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtcp_write_rrtr(&wr, 0x0a0b0c0d, UINT64_C(0x1122334455667788));
  static const uint8_t expected[] = {0x80, 207, 0,    4,    0x0a, 0x0b, 0x0c, 0x0d, 4,    0,
                                     0,    2,   0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
  assert_int_equal(wr.len, sizeof expected);
  assert_memory_equal(bytes, expected, sizeof expected);
  struct paw_rtcp_xr xr;
  assert_int_equal(read_xr(bytes, wr.len, 1, &xr), PAW_OK);
  assert_int_equal(xr.ssrc, 0x0a0b0c0d);
  assert_true(xr.has_reference_time);
  assert_true(xr.reference_ntp == UINT64_C(0x1122334455667788));
  assert_false(xr.has_dlrr);
}

static void test_dlrr_round_trip(void **state) {
  (void)state;
  uint8_t bytes[32];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtcp_write_dlrr(&wr, 1, 2, 3, 4);
  static const uint8_t expected[] = {0x80, 207, 0, 5, 0, 0, 0, 1, 5, 0, 0, 3,
                                     0,    0,   0, 2, 0, 0, 0, 3, 0, 0, 0, 4};
  assert_int_equal(wr.len, sizeof expected);
  assert_memory_equal(bytes, expected, sizeof expected);
  struct paw_rtcp_xr xr;
  assert_int_equal(read_xr(bytes, wr.len, 2, &xr), PAW_OK);
  assert_true(xr.has_dlrr);
  assert_int_equal(xr.last_rr, 3);
  assert_int_equal(xr.delay_since_last_rr, 4);
  assert_int_equal(read_xr(bytes, wr.len, 7, &xr), PAW_OK);
  assert_false(xr.has_dlrr); /* about somebody else */
}

/* An unknown block, DLRR about 8 and 9, RRTR, and an empty DLRR. */
static const uint8_t mixed[] = {
    0x80, 207, 0, 15, 0,  0, 0, 1,                         /**/
    99,   7,   0, 1,  1,  2, 3, 4,                         /**/
    5,    0,   0, 6,  0,  0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2, /**/
    0,    0,   0, 9,  0,  0, 0, 3, 0, 0, 0, 4,             /**/
    4,    0,   0, 2,  0,  0, 0, 5, 0, 0, 0, 6,             /**/
    5,    0,   0, 0,  99, 0, 0, 0,
};

static void test_blocks_side_by_side(void **state) {
  (void)state;
  struct paw_rtcp_xr xr;
  assert_int_equal(read_xr(mixed, sizeof mixed, 9, &xr), PAW_OK);
  assert_int_equal(xr.ssrc, 1);
  assert_true(xr.has_dlrr);
  assert_int_equal(xr.last_rr, 3);
  assert_int_equal(xr.delay_since_last_rr, 4);
  assert_true(xr.has_reference_time);
  assert_true(xr.reference_ntp == UINT64_C(0x0000000500000006));
  assert_int_equal(read_xr(mixed, sizeof mixed, 8, &xr), PAW_OK);
  assert_int_equal(xr.last_rr, 1);
}

static void test_wrong_block_lengths(void **state) {
  (void)state;
  static const struct {
    uint8_t bytes[24];
    size_t len;
  } cases[] = {
      {{0x80, 207, 0, 0}, 4},                                      /* no SSRC */
      {{0x80, 207, 0, 2, 0, 0, 0, 1, 4, 0, 0, 2}, 12},             /* beyond it all */
      {{0x80, 207, 0, 2, 0, 0, 0, 1, 4, 0, 0xff, 0xff}, 12},       /**/
      {{0x80, 207, 0, 2, 0, 0, 0, 1, 99, 0, 0, 1}, 12},            /* of unknown type */
      {{0x80, 207, 0, 2, 0, 0, 0, 1, 4, 0, 0, 0}, 12},             /* RRTR of 0 words */
      {{0x80, 207, 0, 3, 0, 0, 0, 1, 4, 0, 0, 1, 1, 1, 1, 1}, 16}, /* of 1 word */
      {{0x80, 207, 0, 5, 0, 0, 0, 1, 4, 0, 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 24}, /* of 3 */
      {{0x80, 207, 0, 4, 0, 0, 0, 1, 5, 0, 0, 2, 0, 0, 0, 1, 1, 1, 1, 1}, 20},    /* DLRR of 2 */
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct paw_rtcp_xr xr;
    assert_int_equal(read_xr(cases[i].bytes, cases[i].len, 1, &xr), PAW_ERR_MALFORMED);
    assert_false(xr.has_reference_time);
    assert_false(xr.has_dlrr);
  }
}

static void test_no_block_at_all(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x80, 207, 0, 1, 0, 0, 0, 6};
  struct paw_rtcp_xr xr;
  assert_int_equal(read_xr(bytes, sizeof bytes, 1, &xr), PAW_OK);
  assert_int_equal(xr.ssrc, 6);
}

static void test_other_types_are_the_callers_error(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x80, 201, 0, 1, 0, 0, 0, 6};
  struct paw_rtcp_xr xr;
  assert_int_equal(read_xr(bytes, sizeof bytes, 1, &xr), PAW_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rrtr_round_trip),
      cmocka_unit_test(test_dlrr_round_trip),
      cmocka_unit_test(test_blocks_side_by_side),
      cmocka_unit_test(test_wrong_block_lengths),
      cmocka_unit_test(test_no_block_at_all),
      cmocka_unit_test(test_other_types_are_the_callers_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
