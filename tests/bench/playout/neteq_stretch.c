/* SPDX-License-Identifier: MIT */
#include "bench/playout/neteq_stretch.h"

#include <math.h>

/* The period is looked for at 4 kHz: 2.5 to 15 ms. */
#define LOW_FACTOR 12
#define LOW_FRAMES (NETEQ_STRETCH_FRAMES / LOW_FACTOR)
#define LAG_MIN 10
#define LAG_MAX 60
#define WINDOW 50

#define CORRELATION_LEAST 0.9
#define CORRELATION_LEAST_FAST 0.5

/* So much above the background is speech. */
#define SPEECH_FACTOR 8.0

static size_t find_period(const int16_t *pcm) {
  double low[LOW_FRAMES];
  for (size_t i = 0; i < LOW_FRAMES; i++) {
    low[i] = 0;
    for (size_t k = 0; k < LOW_FACTOR; k++) {
      low[i] += pcm[i * LOW_FACTOR + k];
    }
  }
  double best = -INFINITY;
  size_t best_lag = LAG_MIN;
  for (size_t lag = LAG_MIN; lag < LAG_MAX; lag++) {
    double sum = 0;
    for (size_t i = 0; i < WINDOW; i++) {
      sum += low[LAG_MAX + i] * low[LAG_MAX + i - lag];
    }
    if (sum > best) {
      best = sum;
      best_lag = lag;
    }
  }
  return best_lag * LOW_FACTOR;
}

struct neteq_stretch neteq_stretch_look(const int16_t *pcm, double noise, bool fast) {
  struct neteq_stretch stretch = {.period = find_period(pcm)};
  const int16_t *before = &pcm[NETEQ_STRETCH_MIDDLE - stretch.period];
  const int16_t *after = &pcm[NETEQ_STRETCH_MIDDLE];
  double product = 0;
  double before_energy = 0;
  double after_energy = 0;
  for (size_t i = 0; i < stretch.period; i++) {
    product += (double)before[i] * after[i];
    before_energy += (double)before[i] * before[i];
    after_energy += (double)after[i] * after[i];
  }
  double mean = (before_energy + after_energy) / 2 / (double)stretch.period;
  double least = fast ? CORRELATION_LEAST_FAST : CORRELATION_LEAST;
  stretch.is_possible =
      mean <= SPEECH_FACTOR * noise || product > least * sqrt(before_energy * after_energy);
  if (fast) {
    stretch.period *= NETEQ_STRETCH_MIDDLE / stretch.period;
  }
  return stretch;
}

void neteq_fade(const int16_t *from, const int16_t *to, int16_t *out, size_t frames) {
  for (size_t i = 0; i < frames; i++) {
    double share = ((double)i + 1) / ((double)frames + 1);
    out[i] = (int16_t)lrint((1 - share) * from[i] + share * to[i]);
  }
}
