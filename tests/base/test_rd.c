/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rd.h"

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
                                0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0xff, 0xfe, 0xfd};

static void test_reads_numbers_in_network_order(void **state) {
  (void)state;
  struct paw_rd rd = paw_rd_init(bytes, sizeof bytes);
  assert_int_equal(paw_rd_u8(&rd), 0x01);
  assert_int_equal(paw_rd_u16(&rd), 0x0203);
  assert_int_equal(paw_rd_u24(&rd), 0x040506);
  assert_int_equal(paw_rd_u32(&rd), 0x0708090a);
  assert_true(paw_rd_u64(&rd) == UINT64_C(0x0b0c0d0e0ffffefd));
  assert_true(paw_rd_end(&rd));
}

static void test_high_bits_do_not_spread(void **state) {
  (void)state;
  static const uint8_t ones[18] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  struct paw_rd rd = paw_rd_init(ones, sizeof ones);
  assert_true(paw_rd_u8(&rd) == UINT8_MAX);
  assert_true(paw_rd_u16(&rd) == UINT16_MAX);
  assert_true(paw_rd_u24(&rd) == UINT32_C(0xffffff));
  assert_true(paw_rd_u32(&rd) == UINT32_MAX);
  assert_true(paw_rd_u64(&rd) == UINT64_MAX);
}

/* Read a number of `size` bytes out of exactly `len`. */
static uint64_t read_number(size_t size, size_t len, bool *bad, size_t *left) {
  uint8_t *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, len);
  struct paw_rd rd = paw_rd_init(copy, len);
  uint64_t value = size == 1   ? paw_rd_u8(&rd)
                   : size == 2 ? paw_rd_u16(&rd)
                   : size == 3 ? paw_rd_u24(&rd)
                   : size == 4 ? paw_rd_u32(&rd)
                               : paw_rd_u64(&rd);
  *bad = rd.bad;
  *left = rd.left;
  free(copy);
  return value;
}

static void test_past_the_end_is_zero_and_bad(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 2, 3, 4, 8};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    for (size_t len = 0; len <= sizes[i]; len++) {
      bool bad = false;
      size_t left = 99;
      uint64_t value = read_number(sizes[i], len, &bad, &left);
      assert_int_equal(bad, len < sizes[i]);
      assert_int_equal(value == 0, len < sizes[i]);
    }
  }
}

static void test_bad_sticks(void **state) {
  (void)state;
  struct paw_rd rd = paw_rd_init(bytes, 3);
  assert_int_equal(paw_rd_u32(&rd), 0);
  assert_true(rd.bad);
  assert_int_equal(paw_rd_u8(&rd), 0); /* there would be one */
  assert_int_equal(paw_rd_bytes(&rd, 1).len, 0);
  assert_int_equal(paw_rd_bytes(&rd, 0).len, 0);
  assert_true(paw_rd_sub(&rd, 0).bad);
  assert_false(paw_rd_end(&rd));
  rd.left = 0;
  assert_false(paw_rd_end(&rd));
}

static void test_slices(void **state) {
  (void)state;
  struct paw_rd rd = paw_rd_init(bytes, 4);
  struct paw_slice slice = paw_rd_bytes(&rd, 3);
  assert_ptr_equal(slice.data, bytes);
  assert_int_equal(slice.len, 3);
  slice = paw_rd_bytes(&rd, 0);
  assert_int_equal(slice.len, 0);
  assert_false(rd.bad);
  paw_rd_skip(&rd, 1);
  assert_true(paw_rd_end(&rd));
  paw_rd_skip(&rd, 1);
  assert_true(rd.bad);
}

static void test_lengths_that_would_wrap(void **state) {
  (void)state;
  static const size_t lengths[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1, 5};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    struct paw_rd rd = paw_rd_init(bytes, 4);
    paw_rd_skip(&rd, 1);
    assert_int_equal(paw_rd_bytes(&rd, lengths[i]).len, 0);
    assert_true(rd.bad);
    assert_int_equal(rd.left, 3);
  }
}

static void test_sub_cursors_are_fenced(void **state) {
  (void)state;
  struct paw_rd rd = paw_rd_init(bytes, 6);
  struct paw_rd sub = paw_rd_sub(&rd, 2);
  assert_int_equal(paw_rd_u16(&sub), 0x0102);
  assert_true(paw_rd_end(&sub));
  assert_int_equal(paw_rd_u8(&sub), 0);
  assert_true(sub.bad);
  assert_false(rd.bad); /* a bad part leaves the whole good */
  assert_int_equal(paw_rd_u8(&rd), 0x03);
  sub = paw_rd_sub(&rd, 4);
  assert_true(sub.bad);
  assert_true(rd.bad);
}

static void test_copies_or_zeroes(void **state) {
  (void)state;
  uint8_t out[4] = {9, 9, 9, 9};
  struct paw_rd rd = paw_rd_init(bytes, 6);
  paw_rd_copy(&rd, out, 4);
  assert_memory_equal(out, bytes, 4);
  paw_rd_copy(&rd, out, 3);
  assert_true(rd.bad);
  assert_memory_equal(out, ((const uint8_t[]){0, 0, 0, 4}), 4);
}

static void test_padding(void **state) {
  (void)state;
  for (unsigned padding = 0; padding < 256; padding++) {
    uint8_t block[5] = {1, 2, 3, 4, (uint8_t)padding};
    struct paw_rd rd = paw_rd_init(block, sizeof block);
    bool good = padding >= 1 && padding <= 5;
    assert_int_equal(paw_rd_drop_padding(&rd), good ? padding : 0);
    assert_int_equal(rd.bad, !good);
    assert_int_equal(rd.left, good ? 5 - padding : 5);
  }
  struct paw_rd empty = paw_rd_init(bytes, 0);
  assert_int_equal(paw_rd_drop_padding(&empty), 0);
  assert_true(empty.bad);
  struct paw_rd bad = paw_rd_init(bytes, 1);
  paw_rd_skip(&bad, 2);
  assert_int_equal(paw_rd_drop_padding(&bad), 0);
  assert_int_equal(bad.left, 1);
}

static void test_nothing_at_no_address(void **state) {
  (void)state;
  struct paw_rd rd = paw_rd_init(NULL, 0);
  assert_int_equal(paw_rd_bytes(&rd, 0).len, 0);
  assert_true(paw_rd_end(&rd));
  assert_int_equal(paw_rd_u8(&rd), 0);
  assert_true(rd.bad);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads_numbers_in_network_order),
      cmocka_unit_test(test_high_bits_do_not_spread),
      cmocka_unit_test(test_past_the_end_is_zero_and_bad),
      cmocka_unit_test(test_bad_sticks),
      cmocka_unit_test(test_slices),
      cmocka_unit_test(test_lengths_that_would_wrap),
      cmocka_unit_test(test_sub_cursors_are_fenced),
      cmocka_unit_test(test_copies_or_zeroes),
      cmocka_unit_test(test_padding),
      cmocka_unit_test(test_nothing_at_no_address),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
