/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "level.h"
#include "tone.h"

#define SECOND 48000

static int16_t pcm[CHIME_FRAMES + SECOND];

/* Power of one frequency in a second of sound, in dB of full scale (Goertzel). */
static double power_db(const int16_t *samples, double hz) {
  double coefficient = 2.0 * cos(2.0 * M_PI * hz / 48000.0);
  double before = 0.0;
  double last = 0.0;
  for (size_t i = 0; i < SECOND; i++) {
    double next = samples[i] / 32768.0 + coefficient * last - before;
    before = last;
    last = next;
  }
  double power = last * last + before * before - coefficient * last * before;
  return 10.0 * log10(2.0 * power / ((double)SECOND * SECOND) + 1e-30);
}

static void a_sine_has_its_level_and_frequency(void **state) {
  (void)state;
  tone_render(440.0, 0, pcm, SECOND);
  assert_true(fabs(level_dbfs(pcm, SECOND) + 15.01) < 0.02);
  assert_true(fabs(power_db(pcm, 440.0) + 15.01) < 0.02);
  assert_true(power_db(pcm, 880.0) < -90.0);
}

static void a_sine_goes_on_where_it_was_even_after_a_week(void **state) {
  int16_t whole[1000];
  int16_t parts[1000];
  uint64_t week = UINT64_C(7) * 86400 * SECOND;
  (void)state;
  tone_render(997.3, week, whole, 1000);
  tone_render(997.3, week, parts, 333);
  tone_render(997.3, week + 333, parts + 333, 667);
  assert_memory_equal(whole, parts, sizeof whole);
  /* 997 whole turns a second bring it back to the beginning. */
  tone_render(997.0, 0, whole, 1000);
  tone_render(997.0, week, parts, 1000);
  for (size_t i = 0; i < 1000; i++) {
    assert_true(abs(whole[i] - parts[i]) <= 1);
  }
}

static void the_gong_is_two_tones_that_die_away(void **state) {
  (void)state;
  chime_render(0, pcm, CHIME_FRAMES + SECOND);
  assert_int_equal(pcm[0], 0);
  assert_true(level_dbfs(pcm, SECOND / 2) > -25.0);
  assert_true(power_db(pcm, 659.26) > -30.0);
  assert_true(power_db(pcm + SECOND, 523.25) > -35.0);
  assert_true(power_db(pcm + SECOND, 523.25) > power_db(pcm + SECOND, 659.26) + 3.0);
  assert_true(level_dbfs(pcm + 3 * SECOND, SECOND) < level_dbfs(pcm + SECOND, SECOND) - 10.0);
  assert_true(abs(pcm[CHIME_FRAMES - 1]) <= 1);
  for (size_t i = CHIME_FRAMES; i < CHIME_FRAMES + SECOND; i++) {
    assert_int_equal(pcm[i], 0);
  }
}

static void the_gong_does_not_clip_or_click(void **state) {
  (void)state;
  chime_render(0, pcm, CHIME_FRAMES);
  for (size_t i = 1; i < CHIME_FRAMES; i++) {
    assert_true(abs(pcm[i]) < 16000);
    assert_true(abs(pcm[i] - pcm[i - 1]) < 2500);
  }
}

static void levels_are_bounded(void **state) {
  (void)state;
  memset(pcm, 0, sizeof pcm);
  assert_true(level_dbfs(pcm, SECOND) == -127.0);
  assert_int_equal(level_rfc6464(pcm, SECOND), 127);
  for (size_t i = 0; i < SECOND; i++) {
    pcm[i] = INT16_MIN;
  }
  assert_int_equal(level_rfc6464(pcm, SECOND), 0);
  tone_render(1000.0, 0, pcm, SECOND);
  assert_int_equal(level_rfc6464(pcm, SECOND), 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sine_has_its_level_and_frequency),
      cmocka_unit_test(a_sine_goes_on_where_it_was_even_after_a_week),
      cmocka_unit_test(the_gong_is_two_tones_that_die_away),
      cmocka_unit_test(the_gong_does_not_clip_or_click),
      cmocka_unit_test(levels_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
