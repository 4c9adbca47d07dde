/* SPDX-License-Identifier: MIT */
/* The sound between the samples, by a sinc with a Kaiser window, for ratios near one. */
#include <assert.h>
#include <math.h>

#include "base/mem.h"
#include "playout/playout.h"

#define TAPS PAW_PLAYOUT_RESAMPLE_TAPS
#define BEFORE PAW_PLAYOUT_RESAMPLE_BEFORE
#define PI 3.14159265358979323846

/* Linear between rows: wrong by (w / PHASES)^2 / 8 for w radians a sample, -102 dB at 15 kHz. */
#define PHASES 256
#define PHASE_BITS 24 /* of the fraction, below those that choose the row */

/* Images and ripple at -100 dB; flat up to 19 kHz with so many taps. */
#define KAISER_BETA 10.0

/* A block, 2 % more for the greatest ratio, and the taps around. */
#define LINE_FRAMES (PAW_PLAYOUT_RESAMPLE_BLOCK + PAW_PLAYOUT_RESAMPLE_BLOCK / 50 + 2 + TAPS)

/* The modified Bessel function of order zero, by its series. */
static double bessel_i0(double x) {
  double sum = 1;
  double term = 1;
  for (int i = 1; term > sum * 1e-17; i++) {
    term *= x / (2 * i) * x / (2 * i);
    sum += term;
  }
  return sum;
}

static double windowed_sinc(double distance) {
  double edge = 2 * distance / TAPS;
  double window = bessel_i0(KAISER_BETA * sqrt(fmax(0, 1 - edge * edge))) / bessel_i0(KAISER_BETA);
  return window * sin(PI * distance) / (PI * distance);
}

int paw_playout_resample_init(struct paw_playout_resample *resample,
                              const struct paw_allocator *allocator) {
  *resample = (struct paw_playout_resample){
      .table = paw_mem_alloc(allocator, sizeof *resample->table * (PHASES + 1) * TAPS)};
  if (resample->table == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  for (size_t phase = 0; phase <= PHASES; phase++) {
    float *row = &resample->table[phase * TAPS];
    for (size_t tap = 0; tap < TAPS; tap++) {
      double distance = (double)tap - BEFORE - (double)phase / PHASES;
      bool is_whole = phase % PHASES == 0; /* a sample itself: exact */
      row[tap] =
          is_whole ? (float)(tap == BEFORE + phase / PHASES) : (float)windowed_sinc(distance);
    }
  }
  return PAW_OK;
}

void paw_playout_resample_wipe(struct paw_playout_resample *resample,
                               const struct paw_allocator *allocator) {
  paw_mem_free(allocator, resample->table);
  resample->table = NULL;
}

static void interpolate_taps(const struct paw_playout_resample *resample, float *taps) {
  const float *row = &resample->table[(size_t)(resample->fraction >> PHASE_BITS) * TAPS];
  float weight = (float)(resample->fraction & ((1u << PHASE_BITS) - 1)) / (1u << PHASE_BITS);
  for (size_t i = 0; i < TAPS; i++) {
    taps[i] = row[i] + weight * (row[TAPS + i] - row[i]);
  }
}

/* Four sums on their own: compilers may then work on them at once. */
static float dot(const float *taps, const float *line) {
  float sums[4] = {0};
  for (size_t i = 0; i < TAPS; i += 4) {
    for (size_t j = 0; j < 4; j++) {
      /* The analyser does not follow that moved + TAPS values were filled, and at <= moved. */
      sums[j] += taps[i + j] * line[i + j]; // NOLINT(clang-analyzer-core.UndefinedBinary*)
    }
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* The shift makes it positive, so that cutting off rounds. */
static int16_t to_sample(float value) {
  if (value >= INT16_MAX) {
    return INT16_MAX;
  }
  return value <= INT16_MIN ? INT16_MIN : (int16_t)((int32_t)(value + 65536.5f) - 65536);
}

static size_t moved_frames(const struct paw_playout_resample *resample, size_t frames,
                           uint64_t step) {
  return (size_t)((resample->fraction + step * frames) >> 32);
}

size_t paw_playout_resample_needs(const struct paw_playout_resample *resample, size_t frames,
                                  uint64_t step) {
  return moved_frames(resample, frames, step) + PAW_PLAYOUT_RESAMPLE_AFTER;
}

size_t paw_playout_resample_run(struct paw_playout_resample *resample, const int16_t *in,
                                int16_t *out, size_t frames, uint64_t step, uint8_t channels) {
  float lines[PAW_PLAYOUT_CHANNELS_MAX][LINE_FRAMES];
  float taps[TAPS];
  size_t moved = moved_frames(resample, frames, step);
  assert(frames <= PAW_PLAYOUT_RESAMPLE_BLOCK && moved + TAPS <= LINE_FRAMES);
  for (size_t channel = 0; channel < channels; channel++) {
    for (size_t i = 0; i < moved + TAPS; i++) {
      lines[channel][i] = in[i * channels + channel];
    }
  }
  size_t at = 0;
  for (size_t i = 0; i < frames; i++) {
    interpolate_taps(resample, taps);
    for (size_t channel = 0; channel < channels; channel++) {
      out[i * channels + channel] = to_sample(dot(taps, &lines[channel][at]));
    }
    uint64_t next = resample->fraction + step;
    at += (size_t)(next >> 32);
    resample->fraction = (uint32_t)next;
  }
  return moved;
}
