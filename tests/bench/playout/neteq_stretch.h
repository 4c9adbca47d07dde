/* SPDX-License-Identifier: MIT */
/* NetEQ's time stretching of 30 ms of mono sound by one period of its pitch, reimplemented. */
#ifndef BENCH_NETEQ_STRETCH_H
#define BENCH_NETEQ_STRETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETEQ_STRETCH_FRAMES 1440 /* what it looks at: 30 ms */
#define NETEQ_STRETCH_MIDDLE 720

struct neteq_stretch {
  size_t period;    /* to leave out or put in, at the middle */
  bool is_possible; /* the sound repeats itself, or there is hardly any */
};

/* `noise` is the mean square of the background. */
struct neteq_stretch neteq_stretch_look(const int16_t *pcm, double noise, bool fast);

/* Fade from `from` to `to`, into `out`, which may be either. */
void neteq_fade(const int16_t *from, const int16_t *to, int16_t *out, size_t frames);

#endif
