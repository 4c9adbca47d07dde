/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pawebrtc/base.h>

#include "allowance.h"

#define TICK_NS (20 * PAW_NS_PER_MS)

static void an_endless_device_is_read_in_real_time(void **state) {
  struct allowance allowance;
  size_t total = 0;
  (void)state;
  allowance_init(&allowance, 48000, 9600, 0);
  for (uint64_t now_ns = 0; now_ns <= 10 * PAW_NS_PER_S; now_ns += TICK_NS) {
    size_t frames = allowance_get(&allowance, now_ns);
    assert_true(frames <= 9600);
    allowance_take(&allowance, frames);
    assert_int_equal(allowance_is_ahead(&allowance), now_ns >= ALLOWANCE_AHEAD_NS);
    total += frames;
  }
  assert_in_range(total, 480000, 480000 + 9600 + 480);
}

static void a_real_device_a_little_fast_is_never_held_back(void **state) {
  struct allowance allowance;
  double there = 0;
  (void)state;
  allowance_init(&allowance, 48000, 9600, 0);
  for (uint64_t now_ns = 0; now_ns <= 600 * PAW_NS_PER_S; now_ns += TICK_NS) {
    there += 960 * 1.0009;
    size_t frames = (size_t)there;
    assert_true(allowance_get(&allowance, now_ns) >= frames);
    allowance_take(&allowance, frames);
    there -= (double)frames;
    assert_false(allowance_is_ahead(&allowance));
  }
}

static void one_full_buffer_after_a_hold_up_is_not_ahead(void **state) {
  struct allowance allowance;
  (void)state;
  allowance_init(&allowance, 48000, 9600, 0);
  allowance_take(&allowance, 9600);
  assert_int_equal(allowance_get(&allowance, 5 * PAW_NS_PER_S), 9600);
  allowance_take(&allowance, 960);
  assert_false(allowance_is_ahead(&allowance));
  /* A clock that goes back gives nothing and takes nothing. */
  assert_int_equal(allowance_get(&allowance, PAW_NS_PER_S), 8640);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_endless_device_is_read_in_real_time),
      cmocka_unit_test(a_real_device_a_little_fast_is_never_held_back),
      cmocka_unit_test(one_full_buffer_after_a_hold_up_is_not_ahead),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
