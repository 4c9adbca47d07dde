/* SPDX-License-Identifier: MIT */
/* The resampler against sines whose value is known at any time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kit/rng.h"
#include "playout/playout.h"

#define TURN 6.283185307179586
#define FRAMES 48000
#define BEFORE PAW_PLAYOUT_RESAMPLE_BEFORE
#define ONE (UINT64_C(1) << 32)

static const struct paw_allocator no_allocator = {0};

/* Full scale less the rounding. */
#define LEVEL 32766.0

static double ideal(double level, double hz, double at) {
  return level * sin(TURN * hz * at / 48000 + 0.1);
}

struct line {
  int16_t in[2 * FRAMES * 2];
  int16_t out[FRAMES * 2];
  double at[FRAMES]; /* where in `in` each frame lies */
};

static void fill_sine(struct line *line, uint8_t channels, uint8_t channel, double level,
                      double hz) {
  for (size_t i = 0; i < 2 * FRAMES; i++) {
    line->in[i * channels + channel] = (int16_t)lrint(ideal(level, hz, (double)i));
  }
}

/* Rates as a function of the frame, in ppm; blocks of any size. */
typedef double rate_at(size_t frame);

static size_t run(struct line *line, uint8_t channels, rate_at *rate, size_t from, size_t frames,
                  struct paw_playout_resample *resample) {
  size_t at = BEFORE + 1;
  size_t block = 1;
  for (size_t done = from; done < from + frames; done += block) {
    block = 1 + done * 7 % PAW_PLAYOUT_RESAMPLE_BLOCK;
    block = block < from + frames - done ? block : from + frames - done;
    uint64_t step = (uint64_t)llrint((1 + rate(done) * 1e-6) * (double)ONE);
    for (size_t i = 0; i < block; i++) {
      line->at[done + i] =
          (double)at + ((double)resample->fraction + (double)(step * i)) / (double)ONE;
    }
    size_t needs = paw_playout_resample_needs(resample, block, step);
    assert_true(at + needs <= 2 * FRAMES);
    size_t moved = paw_playout_resample_run(resample, &line->in[(at - BEFORE) * channels],
                                            &line->out[done * channels], block, step, channels);
    assert_int_equal(moved + PAW_PLAYOUT_RESAMPLE_AFTER, needs);
    at += moved;
  }
  return at;
}

static double snr_db(const struct line *line, uint8_t channels, uint8_t channel, double level,
                     double hz) {
  double signal = 0;
  double noise = 0;
  for (size_t i = 0; i < FRAMES; i++) {
    double wanted = ideal(level, hz, line->at[i]);
    double wrong = line->out[i * channels + channel] - wanted;
    signal += wanted * wanted;
    noise += wrong * wrong;
  }
  return 10 * log10(signal / noise);
}

static double slow(size_t frame) {
  (void)frame;
  return 500;
}
static double grows(size_t frame) {
  (void)frame;
  return -10000;
}
static double shrinks(size_t frame) {
  (void)frame;
  return 3000;
}
static double most(size_t frame) {
  (void)frame;
  return 20000;
}
static double wanders(size_t frame) {
  return 10000 * sin((double)frame / 5000);
}

static struct paw_playout_resample make(void) {
  struct paw_playout_resample resample;
  assert_int_equal(paw_playout_resample_init(&resample, &no_allocator), PAW_OK);
  return resample;
}

static void sines_stay_sines(void **state) {
  (void)state;
  static rate_at *const rates[] = {slow, grows, shrinks, most, wanders};
  static const struct {
    double hz, least_db;
  } sines[] = {{100, 90}, {1000, 90}, {5000, 88}, {10000, 85}, {15000, 80}};
  struct line *line = malloc(sizeof *line);
  for (size_t i = 0; i < sizeof sines / sizeof sines[0]; i++) {
    double worst = 200;
    for (size_t j = 0; j < sizeof rates / sizeof rates[0]; j++) {
      struct paw_playout_resample resample = make();
      fill_sine(line, 1, 0, LEVEL, sines[i].hz);
      (void)run(line, 1, rates[j], 0, FRAMES, &resample);
      worst = fmin(worst, snr_db(line, 1, 0, LEVEL, sines[i].hz));
      paw_playout_resample_wipe(&resample, &no_allocator);
    }
    print_message("%5.0f Hz: %.1f dB\n", sines[i].hz, worst);
    assert_true(worst >= sines[i].least_db);
  }
  free(line);
}

static void whole_steps_pass_through_exactly(void **state) {
  (void)state;
  struct line *line = malloc(sizeof *line);
  struct kit_rng rng;
  kit_rng_init(&rng, 1);
  struct paw_playout_resample resample = make();
  for (size_t i = 0; i < 4 * FRAMES; i++) {
    line->in[i] = (int16_t)kit_rng_u64(&rng);
  }
  for (uint8_t channels = 1; channels <= 2; channels++) {
    size_t moved = paw_playout_resample_run(&resample, line->in, line->out, 480, ONE, channels);
    assert_int_equal(moved, 480);
    assert_memory_equal(line->out, &line->in[BEFORE * channels],
                        480 * channels * sizeof line->in[0]);
  }
  paw_playout_resample_wipe(&resample, &no_allocator);
  free(line);
}

static void channels_do_not_mix(void **state) {
  (void)state;
  struct line *line = malloc(sizeof *line);
  struct paw_playout_resample resample = make();
  fill_sine(line, 2, 0, LEVEL, 1000);
  fill_sine(line, 2, 1, LEVEL, 1300);
  (void)run(line, 2, wanders, 0, FRAMES, &resample);
  assert_true(snr_db(line, 2, 0, LEVEL, 1000) >= 90);
  assert_true(snr_db(line, 2, 1, LEVEL, 1300) >= 90);
  memset(line->in, 0, sizeof line->in);
  fill_sine(line, 2, 0, LEVEL, 1000);
  resample.fraction = 0;
  (void)run(line, 2, wanders, 0, FRAMES, &resample);
  for (size_t i = 0; i < FRAMES; i++) {
    assert_int_equal(line->out[2 * i + 1], 0);
  }
  paw_playout_resample_wipe(&resample, &no_allocator);
  free(line);
}

/* A square wave overshoots between its samples: that is cut off, and does not wrap. */
static void what_is_too_loud_is_cut_off(void **state) {
  (void)state;
  struct line *line = malloc(sizeof *line);
  struct paw_playout_resample resample = make();
  for (size_t i = 0; i < 2 * FRAMES; i++) {
    line->in[i] = i / 24 % 2 == 0 ? INT16_MAX : INT16_MIN;
  }
  (void)run(line, 1, grows, 0, FRAMES, &resample);
  size_t greatest = 0;
  size_t least = 0;
  for (size_t i = 0; i < FRAMES; i++) {
    double in_period = fmod(line->at[i], 48);
    if (in_period > 1 && in_period < 22) {
      assert_true(line->out[i] > 20000);
    } else if (in_period > 25 && in_period < 46) {
      assert_true(line->out[i] < -20000);
    }
    greatest += line->out[i] == INT16_MAX;
    least += line->out[i] == INT16_MIN;
  }
  assert_true(greatest > 100 && least > 100);
  paw_playout_resample_wipe(&resample, &no_allocator);
  free(line);
}

/* What a call leaves on the stack. */
static float leave_nonsense(void) {
  volatile float nonsense[8192];
  for (size_t i = 0; i < 8192; i++) {
    nonsense[i] = INFINITY;
  }
  return nonsense[0];
}

/* Where a block ends before the next whole sample, its last frame needs all taps as well. */
static void blocks_make_no_difference(void **state) {
  (void)state;
  enum { COUNT = 400, STEPS = COUNT + PAW_PLAYOUT_RESAMPLE_TAPS };
  const uint64_t step = ONE - ONE / 100;
  int16_t in[STEPS];
  int16_t whole[COUNT];
  int16_t single[COUNT];
  for (size_t i = 0; i < STEPS; i++) {
    in[i] = (int16_t)lrint(ideal(LEVEL, 14000, (double)i));
  }
  struct paw_playout_resample resample = make();
  (void)paw_playout_resample_run(&resample, in, whole, COUNT, step, 1);
  resample.fraction = 0;
  size_t at = 0;
  for (size_t i = 0; i < COUNT; i++) {
    assert_true(leave_nonsense() > 0);
    at += paw_playout_resample_run(&resample, &in[at], &single[i], 1, step, 1);
    assert_int_equal(single[i], whole[i]);
  }
  paw_playout_resample_wipe(&resample, &no_allocator);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sines_stay_sines),
      cmocka_unit_test(whole_steps_pass_through_exactly),
      cmocka_unit_test(channels_do_not_mix),
      cmocka_unit_test(what_is_too_loud_is_cut_off),
      cmocka_unit_test(blocks_make_no_difference),
  };
  return cmocka_run_group_tests_name("playout resample", tests, NULL, NULL);
}
