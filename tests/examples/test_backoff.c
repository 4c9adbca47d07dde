/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "backoff.h"
#include <cmocka.h>

#define MS UINT64_C(1000000)

static void doubles_up_to_the_cap(void **state) {
  (void)state;
  struct backoff backoff;
  backoff_init(&backoff, 200 * MS, 5000 * MS);
  assert_int_equal(backoff_next(&backoff, UINT32_MAX, 0), 200 * MS);
  assert_int_equal(backoff_next(&backoff, UINT32_MAX, 0), 400 * MS);
  for (int i = 0; i < 40; i++) {
    (void)backoff_next(&backoff, 0, 0);
  }
  assert_int_equal(backoff_next(&backoff, UINT32_MAX, 0), 5000 * MS);
}

static void jitter_takes_at_most_half(void **state) {
  (void)state;
  struct backoff backoff;
  backoff_init(&backoff, 1000 * MS, 1000 * MS);
  assert_int_equal(backoff_next(&backoff, 0, 0), 500 * MS);
  uint64_t middle = backoff_next(&backoff, UINT32_MAX / 2, 0);
  assert_true(middle > 700 * MS && middle < 800 * MS);
}

static void waits_as_long_as_the_server_asks(void **state) {
  (void)state;
  struct backoff backoff;
  backoff_init(&backoff, 200 * MS, 5000 * MS);
  assert_int_equal(backoff_next(&backoff, 0, 30000 * MS), 30000 * MS);
  assert_int_equal(backoff_next(&backoff, UINT32_MAX, 1), 400 * MS);
}

static void those_sent_away_together_do_not_come_back_together(void **state) {
  (void)state;
  struct backoff backoff;
  backoff_init(&backoff, 200 * MS, 5000 * MS);
  assert_int_equal(backoff_next(&backoff, UINT32_MAX, 30000 * MS), 45000 * MS);
  uint64_t middle = backoff_next(&backoff, UINT32_MAX / 2, 30000 * MS);
  assert_true(middle > 37000 * MS && middle < 38000 * MS);
}

static void starts_small_again(void **state) {
  (void)state;
  struct backoff backoff;
  backoff_init(&backoff, 200 * MS, 5000 * MS);
  for (int i = 0; i < 10; i++) {
    (void)backoff_next(&backoff, 0, 0);
  }
  backoff_reset(&backoff);
  assert_int_equal(backoff_next(&backoff, UINT32_MAX, 0), 200 * MS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(doubles_up_to_the_cap),
      cmocka_unit_test(jitter_takes_at_most_half),
      cmocka_unit_test(waits_as_long_as_the_server_asks),
      cmocka_unit_test(those_sent_away_together_do_not_come_back_together),
      cmocka_unit_test(starts_small_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
