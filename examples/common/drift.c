/* SPDX-License-Identifier: MIT */
#include "drift.h"

#include <math.h>
#include <string.h>

/* The smoothing forgets with a time constant of about 2 s of 20 ms reads: far above the period of a
 * device, far below the seconds in which clocks drift by a millisecond. */
#define SMOOTHING 0.01

/* An error of the queue's length is worked off in 20 s: 1 ms bends the ratio by 50 ppm. */
#define CORRECTION_S 20.0

void drift_init(struct drift *drift, uint8_t channels, unsigned rate_hz) {
  *drift = (struct drift){.channels = channels, .base_ratio = (double)rate_hz / 48000.0};
}

static double frames_of_ms(const struct drift *drift, double ms) {
  return ms * 48.0 * drift->base_ratio;
}

static void drop(struct drift *drift, size_t frames) {
  drift->head = (drift->head + frames) % DRIFT_QUEUE_FRAMES;
  drift->count -= frames;
}

static int16_t *slot(struct drift *drift, size_t index) {
  return &drift->queue[(drift->head + index) % DRIFT_QUEUE_FRAMES * drift->channels];
}

void drift_push(struct drift *drift, const int16_t *pcm, size_t frames) {
  for (size_t i = 0; i < frames; i++) {
    if (drift->count == DRIFT_QUEUE_FRAMES) {
      drop(drift, 1);
      drift->dropped++;
    }
    memcpy(slot(drift, drift->count), pcm + i * drift->channels, drift->channels * sizeof pcm[0]);
    drift->count++;
  }
}

/* Too long a queue is latency that would stay: cut it to the target. */
static void cut_excess(struct drift *drift) {
  double target = frames_of_ms(drift, DRIFT_TARGET_MS);
  if ((double)drift->count > target + frames_of_ms(drift, DRIFT_EXCESS_MS)) {
    size_t excess = drift->count - (size_t)target;
    drop(drift, excess);
    drift->dropped += excess;
    drift->length = target;
  }
}

static double bend(const struct drift *drift) {
  double target = frames_of_ms(drift, DRIFT_TARGET_MS);
  double error_s = (drift->length - target) / (48000.0 * drift->base_ratio);
  return fmax(-DRIFT_BEND_MAX, fmin(DRIFT_BEND_MAX, error_s / CORRECTION_S));
}

static bool start_or_go_on(struct drift *drift) {
  if (!drift->playing && (double)drift->count >= frames_of_ms(drift, DRIFT_TARGET_MS)) {
    drift->playing = true;
    drift->position = 0;
    cut_excess(drift);
    drift->length = (double)drift->count;
  }
  return drift->playing;
}

static void make_frame(struct drift *drift, int16_t *pcm) {
  const int16_t *a = slot(drift, 0);
  const int16_t *b = slot(drift, 1);
  for (uint8_t c = 0; c < drift->channels; c++) {
    pcm[c] = (int16_t)lrint(a[c] + (b[c] - a[c]) * drift->position);
  }
}

size_t drift_pull(struct drift *drift, int16_t *pcm, size_t frames) {
  if (!start_or_go_on(drift)) {
    return 0;
  }
  cut_excess(drift);
  drift->length += SMOOTHING * ((double)drift->count - drift->length);
  double step = drift->base_ratio * (1.0 + bend(drift));
  for (size_t i = 0; i < frames; i++) {
    if (drift->count < 2) {
      drift->playing = false;
      return i;
    }
    make_frame(drift, pcm + i * drift->channels);
    drift->position += step;
    size_t whole = (size_t)drift->position;
    whole = whole < drift->count ? whole : drift->count;
    drop(drift, whole);
    drift->position -= (double)whole;
  }
  return frames;
}

uint64_t drift_get_delay_ns(const struct drift *drift) {
  return (uint64_t)(drift->length / drift->base_ratio * 1e9 / 48000.0);
}

double drift_get_bend_ppm(const struct drift *drift) {
  return bend(drift) * 1e6;
}
