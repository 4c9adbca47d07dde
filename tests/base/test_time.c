/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/time.h"

static void test_adding_ends_at_never(void **state) {
  (void)state;
  assert_true(paw_time_add(5, 7) == 12);
  assert_true(paw_time_add(PAW_TIME_NEVER, 0) == PAW_TIME_NEVER);
  assert_true(paw_time_add(PAW_TIME_NEVER, 1) == PAW_TIME_NEVER);
  assert_true(paw_time_add(1, PAW_TIME_NEVER) == PAW_TIME_NEVER);
  assert_true(paw_time_add(PAW_TIME_NEVER - 5, 4) == PAW_TIME_NEVER - 1);
  assert_true(paw_time_add(PAW_TIME_NEVER - 5, 6) == PAW_TIME_NEVER);
}

static void test_elapsed_is_never_negative(void **state) {
  (void)state;
  assert_true(paw_time_elapsed(10, 4) == 6);
  assert_true(paw_time_elapsed(4, 10) == 0);
  assert_true(paw_time_elapsed(4, 4) == 0);
  assert_true(paw_time_elapsed(4, PAW_TIME_NEVER) == 0);
  assert_true(paw_time_elapsed(PAW_TIME_NEVER, 0) == PAW_TIME_NEVER);
}

static void test_what_can_wait_meets(void **state) {
  (void)state;
  static const uint64_t laxes[] = {PAW_LAX_NS, PAW_LAX_IDLE_NS};
  for (size_t i = 0; i < 2; i++) {
    uint64_t lax = laxes[i];
    assert_true(paw_time_lax(0, lax) == 0);
    assert_true(paw_time_lax(1, lax) == lax);
    assert_true(paw_time_lax(lax, lax) == lax);
    assert_true(paw_time_lax(lax + 1, lax) == 2 * lax);
    assert_true(paw_time_lax(PAW_TIME_NEVER, lax) == PAW_TIME_NEVER);
  }
  /* Who waited for the longer one waits no more for the shorter. */
  assert_true(paw_time_lax(paw_time_lax(1, PAW_LAX_IDLE_NS), PAW_LAX_NS) == PAW_LAX_IDLE_NS);
}

static void test_due(void **state) {
  (void)state;
  assert_true(paw_time_due(5, 5));
  assert_true(paw_time_due(0, 5));
  assert_false(paw_time_due(6, 5));
  assert_false(paw_time_due(PAW_TIME_NEVER, PAW_TIME_NEVER));
}

static void test_the_earliest_deadline_keeps_its_reason(void **state) {
  (void)state;
  struct paw_timeout timeout = {.deadline_ns = PAW_TIME_NEVER, .reason = PAW_TIMEOUT_NONE};
  paw_timeout_earliest(&timeout, PAW_TIME_NEVER, PAW_TIMEOUT_DTLS);
  assert_int_equal(timeout.reason, PAW_TIMEOUT_NONE);
  paw_timeout_earliest(&timeout, 100, PAW_TIMEOUT_RTCP);
  paw_timeout_earliest(&timeout, 200, PAW_TIMEOUT_ICE_CHECK);
  assert_true(timeout.deadline_ns == 100);
  assert_int_equal(timeout.reason, PAW_TIMEOUT_RTCP);
  paw_timeout_earliest(&timeout, 100, PAW_TIMEOUT_NACK); /* the first of two */
  assert_int_equal(timeout.reason, PAW_TIMEOUT_RTCP);
  paw_timeout_earliest(&timeout, 99, PAW_TIMEOUT_NACK);
  assert_true(timeout.deadline_ns == 99);
  assert_int_equal(timeout.reason, PAW_TIMEOUT_NACK);
}

static void test_the_clock_never_goes_back(void **state) {
  (void)state;
  struct paw_clock clock = {0};
  assert_true(paw_clock_advance(&clock, 100) == 100);
  assert_true(paw_clock_advance(&clock, 100) == 100);
  assert_true(clock.backwards == 0);
  assert_true(paw_clock_advance(&clock, 40) == 100);
  assert_true(paw_clock_advance(&clock, 0) == 100);
  assert_true(clock.backwards == 2);
  assert_true(paw_clock_advance(&clock, UINT64_MAX - 1) == UINT64_MAX - 1);
  assert_true(clock.backwards == 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_adding_ends_at_never),
      cmocka_unit_test(test_elapsed_is_never_negative),
      cmocka_unit_test(test_what_can_wait_meets),
      cmocka_unit_test(test_due),
      cmocka_unit_test(test_the_earliest_deadline_keeps_its_reason),
      cmocka_unit_test(test_the_clock_never_goes_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
