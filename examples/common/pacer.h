/* SPDX-License-Identifier: MIT */
/* When each frame of a programme is due: exact to the sample for ever, by the monotonic clock. */
#ifndef COMMON_PACER_H
#define COMMON_PACER_H

#include <pawebrtc/base.h>

/* Behind by more than this (the process was stopped, the machine slept), the missed frames are left
 * out instead of sent in a burst: receivers would throw them away as late anyway. */
#define PACER_BEHIND_MAX_NS (200 * PAW_NS_PER_MS)

struct pacer {
  uint64_t start_ns;
  uint32_t frame_frames; /* samples per channel in a frame, at 48 kHz */
  uint64_t index;        /* of the next frame */
  uint64_t skipped;      /* frames left out so far */
};

/* The first frame is due at `start_ns`. */
void pacer_init(struct pacer *pacer, uint32_t frame_frames, uint64_t start_ns);

/* Time at which the next frame is due. */
uint64_t pacer_due_ns(const struct pacer *pacer);

/* Media time of the next frame's first sample. */
uint64_t pacer_media_rtp(const struct pacer *pacer);

/* The next frame was made: go on to the one after it. */
void pacer_advance(struct pacer *pacer);

/* Before making a frame: leave out those that are hopelessly late. Returns how many. */
uint64_t pacer_catch_up(struct pacer *pacer, uint64_t now_ns);

#endif
