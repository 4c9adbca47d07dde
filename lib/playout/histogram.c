/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "playout/playout.h"

/* What was seen fades to 1/e in so much sound. */
#define FADE_NS ((float)(30 * PAW_NS_PER_S))

/* Floats hold sums of 30 s of packets this large, and of small ones beside them. */
#define UNIT_MAX 1e6f

/* The first delay counts as two packets: in a live programme it is given up after about 4 s. */
#define PRIOR_PACKETS 2.0f

void paw_playout_histogram_init(struct paw_playout_histogram *histogram, int64_t ns) {
  *histogram = (struct paw_playout_histogram){.unit = 1};
  size_t bin = paw_playout_histogram_bin(ns > 0 ? ns : 0);
  histogram->weights[bin < PAW_PLAYOUT_BINS ? bin : PAW_PLAYOUT_BINS - 1] = PRIOR_PACKETS;
}

void paw_playout_histogram_age(struct paw_playout_histogram *histogram, int64_t duration_ns) {
  histogram->unit *= 1 + (float)duration_ns / FADE_NS;
  if (histogram->unit < UNIT_MAX) {
    return;
  }
  for (size_t i = 0; i <= PAW_PLAYOUT_BINS; i++) {
    histogram->weights[i] /= histogram->unit;
  }
  histogram->unit = 1;
}

void paw_playout_histogram_add(struct paw_playout_histogram *histogram, size_t bin) {
  histogram->weights[bin] += histogram->unit;
}

void paw_playout_histogram_shift(struct paw_playout_histogram *histogram, size_t bins) {
  size_t shift = bins < PAW_PLAYOUT_BINS ? bins : PAW_PLAYOUT_BINS;
  float *weights = histogram->weights;
  for (size_t i = 1; i <= shift; i++) {
    weights[0] += weights[i];
  }
  size_t kept = PAW_PLAYOUT_BINS - shift;
  memmove(&weights[1], &weights[shift + 1], kept * sizeof weights[0]);
  memset(&weights[1 + kept], 0, shift * sizeof weights[0]);
}

void paw_playout_histogram_cut(struct paw_playout_histogram *histogram, size_t bin) {
  if (bin < PAW_PLAYOUT_BINS) {
    memset(&histogram->weights[bin + 1], 0,
           (PAW_PLAYOUT_BINS - bin) * sizeof histogram->weights[0]);
  }
}

/* A delay serves its own bin and all below; half a bin more is the margin's business. With each
 * millisecond less, all packets up to a packet's length above lose one more of their sound; those
 * further above have none left. */
int64_t paw_playout_histogram_best_ns(const struct paw_playout_histogram *histogram,
                                      int64_t packet_ns, double late_weight_ms) {
  const float *weights = histogram->weights;
  size_t packet_ms = (size_t)(packet_ns / (int64_t)PAW_NS_PER_MS);
  size_t top = PAW_PLAYOUT_BINS - 1;
  while (top > 0 && weights[top] <= 0) {
    top--;
  }
  double total = (double)weights[PAW_PLAYOUT_BINS];
  for (size_t i = 0; i <= top; i++) {
    total += (double)weights[i];
  }
  packet_ms = packet_ms > 0 ? packet_ms : 1;
  double weight = 100 * late_weight_ms / (total * (double)packet_ms);
  double losing = 0;
  double cost = 0;
  double least = cost;
  size_t best = top;
  for (size_t delay = top; delay-- > 0;) {
    losing += (double)weights[delay + 1];
    if (delay + 1 + packet_ms <= top) {
      losing -= (double)weights[delay + 1 + packet_ms];
    }
    cost += weight * losing - 1;
    if (cost <= least) {
      least = cost;
      best = delay;
    }
  }
  return (int64_t)(best * PAW_NS_PER_MS);
}
