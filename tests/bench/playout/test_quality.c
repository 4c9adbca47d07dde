/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/playout/quality.h"
#include "kit/rng.h"

#define FRAMES ((size_t)48000 * 6)

/* Something like speech: syllables of a buzz with a moving pitch, and pauses. */
static int16_t *make_speech(void) {
  int16_t *pcm = calloc(FRAMES, sizeof *pcm);
  double phase = 0;
  for (size_t i = 0; i < FRAMES; i++) {
    double t = (double)i / 48000;
    double syllable = fmod(t, 1.5) < 1 ? fabs(sin(9 * t)) : 0;
    phase += (120 + 30 * sin(3 * t)) / 48000;
    double sum = 0;
    for (int k = 1; k <= 30; k++) {
      double formant = exp(-pow((k * 120 - 700 - 400 * sin(5 * t)) / 500, 2)) + 0.1;
      sum += formant * sin(2 * 3.14159265 * k * phase);
    }
    pcm[i] = (int16_t)lrint(1200 * syllable * sum);
  }
  return pcm;
}

static int16_t *add_noise(const int16_t *pcm, double amplitude) {
  struct kit_rng rng;
  kit_rng_init(&rng, 1);
  int16_t *noisy = calloc(FRAMES, sizeof *noisy);
  for (size_t i = 0; i < FRAMES; i++) {
    double value = pcm[i] + amplitude * (kit_rng_unit(&rng) - 0.5) * 2;
    noisy[i] = (int16_t)lrint(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
  }
  return noisy;
}

static void what_is_equal_is_perfect(void **state) {
  (void)state;
  int16_t *speech = make_speech();
  assert_true(quality_stoi(speech, speech, FRAMES) > 0.99999);
  assert_true(fabs(quality_segmental_snr_db(speech, speech, FRAMES) - 35) < 1e-9);
  assert_true(fabs(quality_snr_db(speech, speech, FRAMES) - 100) < 1e-9);
  free(speech);
}

/* Loudness is no damage to understanding. */
static void twice_as_loud_is_as_intelligible(void **state) {
  (void)state;
  int16_t *speech = make_speech();
  int16_t *loud = calloc(FRAMES, sizeof *loud);
  for (size_t i = 0; i < FRAMES; i++) {
    loud[i] = (int16_t)(speech[i] * 2);
  }
  assert_true(quality_stoi(speech, loud, FRAMES) > 0.999);
  assert_true(fabs(quality_snr_db(speech, loud, FRAMES)) < 0.1);
  free(loud);
  free(speech);
}

static void more_noise_is_worse(void **state) {
  (void)state;
  int16_t *speech = make_speech();
  double stoi = 1;
  double snr_db = 36;
  for (double amplitude = 100; amplitude < 30000; amplitude *= 3) {
    int16_t *noisy = add_noise(speech, amplitude);
    double next_stoi = quality_stoi(speech, noisy, FRAMES);
    double next_snr_db = quality_segmental_snr_db(speech, noisy, FRAMES);
    assert_true(next_stoi < stoi);
    assert_true(next_snr_db < snr_db);
    stoi = next_stoi;
    snr_db = next_snr_db;
    free(noisy);
  }
  assert_true(stoi < 0.6);
  free(speech);
}

static void more_holes_are_worse(void **state) {
  (void)state;
  int16_t *speech = make_speech();
  double stoi = 1;
  for (size_t every = 20; every >= 2; every /= 2) {
    int16_t *holes = calloc(FRAMES, sizeof *holes);
    memcpy(holes, speech, FRAMES * sizeof *holes);
    for (size_t at = 0; at + 960 <= FRAMES; at += 960 * every) {
      memset(&holes[at], 0, 960 * sizeof *holes);
    }
    double next = quality_stoi(speech, holes, FRAMES);
    assert_true(next < stoi);
    stoi = next;
    free(holes);
  }
  assert_in_range((int)(stoi * 100), 20, 85);
  free(speech);
}

static void silence_does_not_count(void **state) {
  (void)state;
  int16_t *speech = make_speech();
  int16_t *damaged = add_noise(speech, 0);
  for (size_t i = 0; i < FRAMES; i++) {
    if (fmod((double)i / 48000, 1.5) > 1.05 && fmod((double)i / 48000, 1.5) < 1.45) {
      damaged[i] = (int16_t)(i % 50 * 4);
    }
  }
  assert_true(quality_stoi(speech, damaged, FRAMES) > 0.995);
  assert_true(quality_segmental_snr_db(speech, damaged, FRAMES) > 34.9);
  free(damaged);
  free(speech);
}

static void segments_are_kept_within_bounds(void **state) {
  (void)state;
  int16_t *speech = make_speech();
  int16_t *inverse = calloc(FRAMES, sizeof *inverse);
  for (size_t i = 0; i < FRAMES; i++) {
    inverse[i] = (int16_t)(-4 * (speech[i] / 4) * 3 / 4);
  }
  assert_in_range((int)(-quality_segmental_snr_db(speech, inverse, FRAMES) * 10), 40, 55);
  for (size_t i = 0; i < FRAMES; i++) {
    speech[i] = (int16_t)(speech[i] / 16);
    inverse[i] = (int16_t)(speech[i] * -15);
  }
  assert_in_range((int)(-quality_segmental_snr_db(speech, inverse, FRAMES) * 10), 99, 101);
  free(inverse);
  free(speech);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_equal_is_perfect),
      cmocka_unit_test(twice_as_loud_is_as_intelligible),
      cmocka_unit_test(more_noise_is_worse),
      cmocka_unit_test(more_holes_are_worse),
      cmocka_unit_test(silence_does_not_count),
      cmocka_unit_test(segments_are_kept_within_bounds),
  };
  return cmocka_run_group_tests_name("bench_quality", tests, NULL, NULL);
}
