/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "drift.h"
#include "tone.h"

#define FRAME 960

static struct drift drift;
static int16_t made[FRAME * 2];

/* 440 Hz, as long as 44 periods at 48 kHz. */
#define SIGNAL_FRAMES 4800
static int16_t signal_pcm[SIGNAL_FRAMES];

/* A device whose clock is off by `ppm`, asked `reads` times 20 ms. Returns the frames that lacked
 * after it had begun to play. */
static size_t run(unsigned rate_hz, double ppm, unsigned reads) {
  double given = 0;
  uint64_t position = 0;
  size_t lacking = 0;
  bool playing = false;
  drift_init(&drift, 1, rate_hz);
  for (unsigned i = 0; i < reads; i++) {
    int16_t captured[4096];
    given += rate_hz * 0.02 * (1.0 + ppm / 1e6);
    size_t frames = (size_t)(given - (double)position);
    for (size_t j = 0; j < frames; j++) {
      captured[j] = signal_pcm[(position + j) % SIGNAL_FRAMES];
    }
    position += frames;
    drift_push(&drift, captured, frames);
    size_t got = drift_pull(&drift, made, FRAME);
    playing = playing || got > 0;
    lacking += playing ? FRAME - got : 0;
  }
  return lacking;
}

static void equal_clocks_pass_the_signal_through(void **state) {
  (void)state;
  assert_int_equal(run(48000, 0, 500), 0);
  assert_true(fabs(drift_get_bend_ppm(&drift)) < 1000);
  for (size_t i = 1; i < FRAME; i++) {
    assert_true(abs(made[i] - made[i - 1]) < 500);
  }
}

static void differing_clocks_are_followed_without_a_gap(void **state) {
  static const double offsets[] = {-200, -50, 50, 200};
  (void)state;
  for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
    assert_int_equal(run(48000, offsets[i], 10000), 0);
    assert_int_equal(drift.dropped, 0);
    assert_true(fabs(drift_get_bend_ppm(&drift) - offsets[i]) < 25);
    double delay_ms = (double)drift_get_delay_ns(&drift) / 1e6;
    assert_true(delay_ms > DRIFT_TARGET_MS - 6 && delay_ms < DRIFT_TARGET_MS + 12);
  }
}

static void other_rates_become_48_khz(void **state) {
  (void)state;
  assert_int_equal(run(44100, 0, 2000), 0);
  assert_int_equal(run(96000, 100, 2000), 0);
  assert_int_equal(drift.dropped, 0);
}

static void a_burst_is_cut_to_the_target(void **state) {
  static int16_t burst[6000];
  (void)state;
  assert_int_equal(run(48000, 0, 100), 0);
  drift_push(&drift, burst, 6000);
  assert_int_equal(drift_pull(&drift, made, FRAME), FRAME);
  assert_true(drift.dropped > 0);
  double delay_ms = (double)drift_get_delay_ns(&drift) / 1e6;
  assert_true(delay_ms < DRIFT_TARGET_MS + 12);
}

static void the_queue_never_overflows(void **state) {
  static int16_t flood[3 * DRIFT_QUEUE_FRAMES];
  (void)state;
  drift_init(&drift, 1, 48000);
  drift_push(&drift, flood, 3 * DRIFT_QUEUE_FRAMES);
  assert_int_equal(drift.count, DRIFT_QUEUE_FRAMES);
  assert_int_equal(drift.dropped, 2 * DRIFT_QUEUE_FRAMES);
}

static void after_a_dropout_it_waits_for_its_target(void **state) {
  int16_t some[480] = {0};
  (void)state;
  assert_int_equal(run(48000, 0, 100), 0);
  while (drift_pull(&drift, made, FRAME) == FRAME) {
  }
  drift_push(&drift, some, 480);
  assert_int_equal(drift_pull(&drift, made, FRAME), 0);
  for (int i = 0; i < 3; i++) {
    drift_push(&drift, some, 480);
  }
  assert_int_equal(drift_pull(&drift, made, FRAME), FRAME);
}

static void stereo_stays_apart(void **state) {
  int16_t captured[2 * 4000];
  (void)state;
  for (size_t i = 0; i < 4000; i++) {
    captured[2 * i] = 1000;
    captured[2 * i + 1] = -2000;
  }
  drift_init(&drift, 2, 44100);
  drift_push(&drift, captured, 4000);
  assert_int_equal(drift_pull(&drift, made, FRAME), FRAME);
  for (size_t i = 0; i < FRAME; i++) {
    assert_int_equal(made[2 * i], 1000);
    assert_int_equal(made[2 * i + 1], -2000);
  }
}

int main(void) {
  tone_render(440.0, 0, signal_pcm, SIGNAL_FRAMES);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_clocks_pass_the_signal_through),
      cmocka_unit_test(differing_clocks_are_followed_without_a_gap),
      cmocka_unit_test(other_rates_become_48_khz),
      cmocka_unit_test(a_burst_is_cut_to_the_target),
      cmocka_unit_test(the_queue_never_overflows),
      cmocka_unit_test(after_a_dropout_it_waits_for_its_target),
      cmocka_unit_test(stereo_stays_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
