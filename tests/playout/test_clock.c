/* SPDX-License-Identifier: MIT */
/* Clocks that drift apart, paths that change, a first packet that was late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "playout/stage.h"

/* The delay stays within the 1.5 ms that are tolerated and what the base delay lags behind: 2 ms
 * in its 10 s. Nothing is invented or left out. */
static void run_drifting(double sender_ppm, double device_ppm, int minutes) {
  struct stage *stage = stage_new(1, 5);
  stage->encoder_config.application = PAW_OPUS_RESTRICTED_LOWDELAY;
  stage->encoder_config.frame_frames = 960;
  stage->encoder_config.complexity = 0;
  stage->chunk_frames = 960;
  stage->forgets = true;
  stage->sender_ppm = sender_ppm;
  stage->device_ppm = device_ppm;
  stage_begin(stage);
  for (int second = 0; second < minutes * 60; second++) {
    stage_run_ms(stage, 1000);
    uint64_t delay_ns = stage_stats(stage).delay_ns;
    assert_in_range(delay_ns, 36500 * 1000, 43500 * 1000);
    assert_true(fabs(stage_early_ms(stage)) < 1.5);
  }
  struct paw_playout_stats stats = stage_stats(stage);
  double drift_ms = minutes * 60 * 1e-3 * fabs(device_ppm - sender_ppm);
  double moved_ms = (double)(stats.inserted_samples + stats.removed_samples) / 48;
  assert_true(moved_ms > drift_ms - 3.6 && moved_ms < drift_ms + 3.6);
  assert_int_equal(stats.resyncs, 0);
  assert_int_equal(stats.concealed_samples, 0);
  assert_int_equal(stats.packets_late, 0);
  assert_int_equal(stats.packets_lost, 0);
  assert_int_equal(stats.packets_dropped, 0);
  assert_int_equal(stage->stalled, 0);
  stage_free(stage);
}

static void a_slow_device_is_followed(void **state) {
  (void)state;
  run_drifting(0, -200, 8);
}

static void a_fast_device_is_followed(void **state) {
  (void)state;
  run_drifting(0, 200, 8);
}

static void a_slow_sender_is_followed(void **state) {
  (void)state;
  run_drifting(-200, 0, 8);
}

static void a_fast_sender_is_followed(void **state) {
  (void)state;
  run_drifting(200, 0, 8);
}

static void clocks_that_agree_need_no_correction(void **state) {
  (void)state;
  run_drifting(0, 0, 5);
}

static void delay_the_first(struct stage *stage, struct stage_packet *packet) {
  if (stage->sent_count == 0) {
    packet->arrival_ns += *(const uint64_t *)stage->user_data * PAW_NS_PER_MS;
  }
}

/* It is heard at its arrival + 40 ms, but within two seconds all is as if it had been in time. */
static void a_late_first_packet_does_not_fix_the_delay(void **state) {
  (void)state;
  static const uint64_t late_ms[] = {10, 30, 100, 190, 400};
  for (size_t i = 0; i < 5; i++) {
    struct stage *stage = stage_new(1, 5);
    uint64_t late = late_ms[i];
    stage->fate = delay_the_first;
    stage->user_data = &late;
    stage_begin(stage);
    stage_run_ms(stage, 3000);
    struct paw_playout_stats stats = stage_stats(stage);
    assert_in_range(stats.delay_ns, 25 * PAW_NS_PER_MS, 56 * PAW_NS_PER_MS);
    assert_true(fabs(stage_early_ms(stage)) < 1.0);
    assert_true(stats.resyncs <= 1);
    stage_free(stage);
  }
}

/* The path becomes longer or shorter for good. */
static void a_changed_path_is_followed(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 45);
  stage_begin(stage);
  stage_run_ms(stage, 2000);
  stage->delay_ns = 35 * PAW_NS_PER_MS;
  stage_run_ms(stage, 15000);
  struct paw_playout_stats longer = stage_stats(stage);
  assert_in_range(longer.delay_ns, 25 * PAW_NS_PER_MS, 55 * PAW_NS_PER_MS);
  assert_true(fabs(stage_early_ms(stage)) < 1.0);
  assert_int_equal(longer.resyncs, 0);
  assert_in_range(longer.inserted_samples, 28 * 48, 32 * 48);
  assert_int_equal(longer.concealed_samples, 0);
  assert_int_equal(longer.packets_lost, 0);
  stage->delay_ns = 5 * PAW_NS_PER_MS;
  stage_run_ms(stage, 3000);
  assert_in_range(stage_stats(stage).delay_ns, 25 * PAW_NS_PER_MS, 55 * PAW_NS_PER_MS);
  stage_run_ms(stage, 9000);
  struct paw_playout_stats shorter = stage_stats(stage);
  assert_true(fabs(stage_early_ms(stage)) < 1.0);
  assert_int_equal(shorter.resyncs, 0);
  assert_in_range(shorter.removed_samples, 28 * 48, 32 * 48);
  assert_int_equal(shorter.concealed_samples, 0);
  assert_int_equal(shorter.packets_lost, 0);
  stage_free(stage);
}

/* The position moves by 25 ms without a click, and the stream goes on exactly. */
static void corrections_do_not_click(void **state) {
  (void)state;
  for (int forward = 0; forward <= 1; forward++) {
    struct stage *stage = stage_new(1, 20);
    stage->delay_ns = (forward ? 30 : 5) * PAW_NS_PER_MS;
    stage_begin(stage);
    stage_run_ms(stage, 2000);
    int step = stage_greatest_step(stage, 4800, stage->heard_frames);
    stage->delay_ns = (forward ? 5 : 30) * PAW_NS_PER_MS;
    stage_run_ms(stage, 14000);
    assert_int_equal(stage_stats(stage).resyncs, 0);
    assert_int_equal(stage_stats(stage).concealed_samples, 0);
    assert_true(stage_greatest_step(stage, 4800, stage->heard_frames) < 2 * step);
    size_t end = stage->wanted_frames - 48000;
    size_t before = stage_find(stage, 9600, 48000);
    size_t after = stage_find(stage, end - 48000, 48000);
    if (forward) {
      assert_in_range(before - after, 24 * 48, 26 * 48);
    } else {
      assert_in_range(after - before, 24 * 48, 26 * 48);
    }
    stage_free(stage);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_slow_device_is_followed),
      cmocka_unit_test(a_fast_device_is_followed),
      cmocka_unit_test(a_slow_sender_is_followed),
      cmocka_unit_test(a_fast_sender_is_followed),
      cmocka_unit_test(clocks_that_agree_need_no_correction),
      cmocka_unit_test(a_late_first_packet_does_not_fix_the_delay),
      cmocka_unit_test(a_changed_path_is_followed),
      cmocka_unit_test(corrections_do_not_click),
  };
  return cmocka_run_group_tests_name("playout clock", tests, NULL, NULL);
}
