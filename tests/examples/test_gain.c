/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gain.h"

#define FRAMES (2 * GAIN_FADE_FRAMES)

static void fill(int16_t *pcm, int16_t left, int16_t right) {
  for (size_t i = 0; i < FRAMES; i++) {
    pcm[2 * i] = left;
    pcm[2 * i + 1] = right;
  }
}

static void is_silent_until_opened(void **state) {
  (void)state;
  struct gain gain;
  int16_t pcm[2 * FRAMES];
  gain_init(&gain, 0, 2);
  fill(pcm, 1000, -1000);
  gain_apply(&gain, pcm, FRAMES);
  for (size_t i = 0; i < 2 * FRAMES; i++) {
    assert_int_equal(pcm[i], 0);
  }
}

static void opens_softly_and_then_changes_nothing_at_0_db(void **state) {
  (void)state;
  struct gain gain;
  int16_t pcm[2 * FRAMES];
  gain_init(&gain, 0, 2);
  gain_open(&gain);
  fill(pcm, 16000, -16000);
  gain_apply(&gain, pcm, FRAMES);
  assert_int_equal(pcm[0], 0);
  assert_in_range(pcm[GAIN_FADE_FRAMES], 3990, 4010);
  for (size_t i = 0; i < FRAMES; i++) {
    assert_int_equal(pcm[2 * i + 1], -pcm[2 * i]);
    assert_true(i == 0 || pcm[2 * i] >= pcm[2 * i - 2]);
    assert_true(i < GAIN_FADE_FRAMES || pcm[2 * i] == 16000);
  }
  gain_open(&gain);
  assert_int_equal(gain.state, GAIN_OPEN);
}

static void decibels_are_amplitude(void **state) {
  (void)state;
  struct gain gain;
  int16_t pcm[2 * FRAMES];
  gain_init(&gain, -20, 2);
  gain_open(&gain);
  fill(pcm, 20000, -10000);
  gain_apply(&gain, pcm, FRAMES);
  assert_int_equal(pcm[2 * FRAMES - 2], 2000);
  assert_int_equal(pcm[2 * FRAMES - 1], -1000);
}

static void loud_samples_stay_at_full_scale(void **state) {
  (void)state;
  struct gain gain;
  int16_t pcm[2 * FRAMES];
  gain_init(&gain, 12, 2);
  gain_open(&gain);
  fill(pcm, 32767, -32768);
  gain_apply(&gain, pcm, FRAMES);
  assert_int_equal(pcm[2 * FRAMES - 2], 32767);
  assert_int_equal(pcm[2 * FRAMES - 1], -32768);
}

static void fades_again_after_mute(void **state) {
  (void)state;
  struct gain gain;
  int16_t pcm[2 * FRAMES];
  gain_init(&gain, 0, 2);
  gain_open(&gain);
  fill(pcm, 14400, 14400);
  gain_apply(&gain, pcm, FRAMES);
  gain_mute(&gain);
  gain_open(&gain);
  fill(pcm, 14400, 14400);
  gain_apply(&gain, pcm, 1);
  assert_int_equal(pcm[0], 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_silent_until_opened),
      cmocka_unit_test(opens_softly_and_then_changes_nothing_at_0_db),
      cmocka_unit_test(decibels_are_amplitude),
      cmocka_unit_test(loud_samples_stay_at_full_scale),
      cmocka_unit_test(fades_again_after_mute),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
