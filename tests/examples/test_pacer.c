/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pacer.h"

#define START_NS UINT64_C(123456789)

static struct pacer pacer;

static void go_to(uint64_t index) {
  pacer.index = index;
}

static void frames_are_due_at_exact_multiples(void **state) {
  (void)state;
  pacer_init(&pacer, 120, START_NS);
  assert_true(pacer_due_ns(&pacer) == START_NS);
  pacer_advance(&pacer);
  assert_true(pacer_due_ns(&pacer) == START_NS + 2500000);
  assert_true(pacer_media_rtp(&pacer) == 120);
}

static void nothing_accumulates_in_a_year(void **state) {
  (void)state;
  pacer_init(&pacer, 960, START_NS);
  uint64_t year_frames = UINT64_C(365) * 86400 * 50;
  go_to(year_frames);
  assert_true(pacer_due_ns(&pacer) == START_NS + UINT64_C(365) * 86400 * PAW_NS_PER_S);
  assert_true(pacer_media_rtp(&pacer) == year_frames * 960);
}

static void a_little_lateness_is_caught_up_with(void **state) {
  (void)state;
  pacer_init(&pacer, 480, START_NS);
  assert_true(pacer_catch_up(&pacer, START_NS + PACER_BEHIND_MAX_NS) == 0);
  assert_true(pacer.index == 0);
}

static void much_lateness_leaves_frames_out_and_media_time_follows(void **state) {
  (void)state;
  pacer_init(&pacer, 480, START_NS);
  uint64_t now_ns = START_NS + 5 * PAW_NS_PER_S + 3 * PAW_NS_PER_MS;
  assert_true(pacer_catch_up(&pacer, now_ns) == 500);
  assert_true(pacer.skipped == 500);
  assert_true(pacer_media_rtp(&pacer) == 240000);
  assert_true(pacer_due_ns(&pacer) <= now_ns);
  assert_true(pacer_due_ns(&pacer) + 10 * PAW_NS_PER_MS > now_ns);
}

static void before_the_time_nothing_is_late(void **state) {
  (void)state;
  pacer_init(&pacer, 480, START_NS);
  assert_true(pacer_catch_up(&pacer, 0) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_are_due_at_exact_multiples),
      cmocka_unit_test(nothing_accumulates_in_a_year),
      cmocka_unit_test(a_little_lateness_is_caught_up_with),
      cmocka_unit_test(much_lateness_leaves_frames_out_and_media_time_follows),
      cmocka_unit_test(before_the_time_nothing_is_late),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
