/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/seq.h"

static void test_difference_of_sequence_numbers(void **state) {
  (void)state;
  static const struct {
    uint16_t a, b;
    int32_t diff;
  } cases[] = {{0, 0, 0},           {1, 0, 1},           {0, 1, -1},          {0, 65535, 1},
               {65535, 0, -1},      {0x7fff, 0, 0x7fff}, {0x8000, 0, -32768}, {0, 0x8000, -32768},
               {0x8001, 0, -32767}, {100, 65500, 136},   {65500, 100, -136}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(paw_seq_diff(cases[i].a, cases[i].b), cases[i].diff);
  }
}

static void test_difference_is_antisymmetric_but_for_opposites(void **state) {
  (void)state;
  for (uint32_t step = 0; step < 65536; step++) {
    uint16_t a = (uint16_t)(12345 + step);
    int32_t forward = paw_seq_diff(a, 12345);
    int32_t back = paw_seq_diff(12345, a);
    assert_int_equal(forward + back, step == 0x8000 ? -65536 : 0);
    assert_int_equal((uint16_t)forward, step);
  }
}

static void test_difference_of_time_stamps(void **state) {
  (void)state;
  static const struct {
    uint32_t a, b;
    int64_t diff;
  } cases[] = {{0, 0, 0},
               {960, 0, 960},
               {0, 960, -960},
               {0, UINT32_MAX, 1},
               {UINT32_MAX, 0, -1},
               {0x7fffffff, 0, INT64_C(0x7fffffff)},
               {0x80000000, 0, -INT64_C(0x80000000)},
               {0, 0x80000000, -INT64_C(0x80000000)}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_true(paw_rtp_diff(cases[i].a, cases[i].b) == cases[i].diff);
  }
}

static void test_extending_follows_the_wrap_both_ways(void **state) {
  (void)state;
  uint64_t near = (UINT64_C(1) << 32) + 65530;
  for (uint32_t step = 0; step < 200000; step += 17) {
    uint64_t extended = paw_seq_extend(near, (uint16_t)(near + 17));
    assert_true(extended == near + 17);
    near = extended;
  }
  assert_true(paw_seq_extend(near, (uint16_t)(near - 1000)) == near - 1000);
  assert_true(paw_seq_extend(near, (uint16_t)near) == near);
  assert_true(paw_seq_extend(near, (uint16_t)(near + 32767)) == near + 32767);
  assert_true(paw_seq_extend(near, (uint16_t)(near + 32768)) == near - 32768);
}

static void test_extending_time_stamps(void **state) {
  (void)state;
  uint64_t near = (UINT64_C(5) << 32) - 480;
  assert_true(paw_rtp_extend(near, 480) == (UINT64_C(5) << 32) + 480);
  assert_true(paw_rtp_extend((UINT64_C(5) << 32) + 480, UINT32_MAX) == (UINT64_C(5) << 32) - 1);
  assert_true(paw_rtp_extend(near, (uint32_t)near) == near);
}

static void test_before_zero_comes_out_huge(void **state) {
  (void)state;
  assert_true(paw_seq_extend(0, 65535) == UINT64_MAX);
  assert_true(paw_rtp_extend(0, UINT32_MAX) == UINT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_difference_of_sequence_numbers),
      cmocka_unit_test(test_difference_is_antisymmetric_but_for_opposites),
      cmocka_unit_test(test_difference_of_time_stamps),
      cmocka_unit_test(test_extending_follows_the_wrap_both_ways),
      cmocka_unit_test(test_extending_time_stamps),
      cmocka_unit_test(test_before_zero_comes_out_huge),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
