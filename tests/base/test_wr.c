/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/wr.h"

static void test_writes_numbers_in_network_order(void **state) {
  (void)state;
  static const uint8_t expected[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
                                     0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0xff, 0xfe, 0xfd};
  uint8_t bytes[sizeof expected];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_wr_u8(&wr, 0x01);
  paw_wr_u16(&wr, 0x0203);
  paw_wr_u24(&wr, 0xaa040506); /* the top byte has no place */
  paw_wr_u32(&wr, 0x0708090a);
  paw_wr_u64(&wr, UINT64_C(0x0b0c0d0e0ffffefd));
  assert_false(wr.bad);
  assert_int_equal(wr.len, sizeof expected);
  assert_memory_equal(bytes, expected, sizeof expected);
}

static void write_number(struct paw_wr *wr, size_t size) {
  switch (size) {
  case 1:
    paw_wr_u8(wr, 0xff);
    break;
  case 2:
    paw_wr_u16(wr, 0xffff);
    break;
  case 3:
    paw_wr_u24(wr, 0xffffff);
    break;
  case 4:
    paw_wr_u32(wr, 0xffffffff);
    break;
  default:
    paw_wr_bytes(wr, "12345", size);
    break;
  }
}

static void test_past_the_end_writes_nothing(void **state) {
  (void)state;
  for (size_t size = 1; size <= 5; size++) {
    for (size_t room = 0; room <= size; room++) {
      uint8_t *block = malloc(room > 0 ? room : 1);
      assert_non_null(block);
      memset(block, 0, room);
      struct paw_wr wr = paw_wr_init(block, room);
      write_number(&wr, size);
      assert_int_equal(wr.bad, room < size);
      assert_int_equal(wr.len, room < size ? 0 : size);
      for (size_t i = 0; i < room; i++) {
        assert_int_equal(block[i] != 0, room == size);
      }
      free(block);
    }
  }
}

static void test_bad_sticks(void **state) {
  (void)state;
  uint8_t bytes[4] = {0};
  struct paw_wr wr = paw_wr_init(bytes, 3);
  paw_wr_u8(&wr, 7);
  paw_wr_u32(&wr, 1);
  assert_true(wr.bad);
  paw_wr_u8(&wr, 8); /* there would be room */
  assert_int_equal(wr.len, 1);
  assert_int_equal(bytes[1], 0);
  assert_null(paw_wr_claim(&wr, 1));
  assert_null(paw_wr_claim(&wr, 0));
  paw_wr_patch_u16(&wr, 0, 0xffff);
  assert_int_equal(bytes[0], 7);
  assert_true(wr.bad);
}

static void test_lengths_that_would_wrap(void **state) {
  (void)state;
  static const size_t lengths[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1, 4};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    uint8_t bytes[4] = {0};
    struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
    paw_wr_u8(&wr, 1);
    assert_null(paw_wr_claim(&wr, lengths[i]));
    assert_true(wr.bad);
    assert_int_equal(wr.len, 1);
  }
}

static void test_claims(void **state) {
  (void)state;
  uint8_t bytes[6] = {9, 9, 9, 9, 9, 9};
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  uint8_t *at = paw_wr_claim(&wr, 2);
  assert_ptr_equal(at, bytes);
  at[0] = 1;
  at[1] = 2;
  paw_wr_zeros(&wr, 3);
  paw_wr_zeros(&wr, 0);
  paw_wr_bytes(&wr, NULL, 0);
  assert_false(wr.bad);
  assert_int_equal(wr.len, 5);
  assert_memory_equal(bytes, ((const uint8_t[]){1, 2, 0, 0, 0, 9}), 6);
  paw_wr_zeros(&wr, 2);
  assert_true(wr.bad);
  assert_int_equal(bytes[5], 9);
}

static void test_patches(void **state) {
  (void)state;
  uint8_t bytes[8] = {0};
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_wr_u32(&wr, 0);
  paw_wr_patch_u16(&wr, 0, 0x0102);
  paw_wr_patch_u16(&wr, 2, 0x0304);
  assert_false(wr.bad);
  assert_memory_equal(bytes, ((const uint8_t[]){1, 2, 3, 4}), 4);
  static const size_t beyond[] = {3, 4, 5, SIZE_MAX, SIZE_MAX - 1};
  for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
    struct paw_wr copy = wr;
    paw_wr_patch_u16(&copy, beyond[i], 0xffff); /* not written yet, though there is room */
    assert_true(copy.bad);
    assert_int_equal(bytes[4], 0);
  }
  struct paw_wr empty = paw_wr_init(bytes, sizeof bytes);
  paw_wr_u8(&empty, 1);
  paw_wr_patch_u16(&empty, 0, 0xffff);
  assert_true(empty.bad);
  assert_int_equal(bytes[0], 1);
}

static void test_nothing_at_no_address(void **state) {
  (void)state;
  struct paw_wr wr = paw_wr_init(NULL, 0);
  paw_wr_bytes(&wr, NULL, 0);
  paw_wr_zeros(&wr, 0);
  assert_false(wr.bad);
  paw_wr_u8(&wr, 1);
  assert_true(wr.bad);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_writes_numbers_in_network_order),
      cmocka_unit_test(test_past_the_end_writes_nothing),
      cmocka_unit_test(test_bad_sticks),
      cmocka_unit_test(test_lengths_that_would_wrap),
      cmocka_unit_test(test_claims),
      cmocka_unit_test(test_patches),
      cmocka_unit_test(test_nothing_at_no_address),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
