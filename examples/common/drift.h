/* SPDX-License-Identifier: MIT */
/* Capture by one clock, sending by another: a bounded queue that is read at 48 kHz of the monotonic
 * clock by linear interpolation, its ratio steered so slowly that nobody hears it and its length
 * stays what it should be. */
#ifndef COMMON_DRIFT_H
#define COMMON_DRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DRIFT_CHANNELS_MAX 2

/* Frames (at the device's rate, up to 192 kHz) that can wait: 170 ms at 48 kHz. */
#define DRIFT_QUEUE_FRAMES 8192

/* The queue aims at this before a read; it rides out a device that gives 10 ms at a time. */
#define DRIFT_TARGET_MS 30

/* More than this above the target is thrown away at once instead of played faster. */
#define DRIFT_EXCESS_MS 60

/* Furthest that the ratio is bent: 0.1 %, more than any two clocks differ. */
#define DRIFT_BEND_MAX 0.001

struct drift {
  uint8_t channels;
  bool playing;      /* the queue has reached its target since it was last empty */
  double base_ratio; /* device frames in a frame at 48 kHz */
  double position;   /* of the next frame to make, from the head of the queue, 0..1 */
  double length;     /* smoothed length of the queue before a read, device frames */
  size_t head;
  size_t count;
  uint64_t dropped; /* frames thrown away */
  int16_t queue[DRIFT_QUEUE_FRAMES * DRIFT_CHANNELS_MAX];
};

void drift_init(struct drift *drift, uint8_t channels, unsigned rate_hz);

/* Frames from the device; what does not fit throws away the oldest. */
void drift_push(struct drift *drift, const int16_t *pcm, size_t frames);

/* Make `frames` frames at 48 kHz. Returns how many there were: after the queue was empty, none
 * until it has reached its target again. */
size_t drift_pull(struct drift *drift, int16_t *pcm, size_t frames);

/* How long the frame that is read next has waited: the smoothed length of the queue. */
uint64_t drift_get_delay_ns(const struct drift *drift);

/* The ratio in use, in parts per million above the device's nominal rate. */
double drift_get_bend_ppm(const struct drift *drift);

#endif
