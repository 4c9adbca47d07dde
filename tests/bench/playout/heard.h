/* SPDX-License-Identifier: MIT */
/* What came out of a receiver, by media time, and how long after it could have been there. */
#ifndef BENCH_HEARD_H
#define BENCH_HEARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEARD_BINS 20000 /* of 0.1 ms: 2 s */

struct heard {
  uint64_t earliest_ns; /* sample 0 could have been heard then */
  uint64_t samples;     /* of sound, of which the delay is known */
  double delay_sum_ms;  /* over them */
  uint64_t bins[HEARD_BINS];
  double *second_sums_ms; /* the same by the second of the time of playing */
  uint64_t *second_samples;
  size_t seconds;
  double start_ms;   /* the delay one second after the first sound; below 0: not known */
  uint64_t first_ns; /* the first sound; 0: none yet */
  int16_t *by_media; /* the sound at each place of the stream; NULL: not kept */
  size_t media_frames;
  struct wav_writer *wav; /* all that came out; NULL */
};

/* A piece that came out in one go. */
struct heard_piece {
  const int16_t *pcm;
  size_t frames;
  uint64_t play_ns;
  int64_t media; /* place in the stream of its first sample */
  bool is_there; /* there is such a place */
  bool is_sound; /* of the stream, not concealment */
};

/* `media_frames` 0: keep no sound. */
void heard_init(struct heard *heard, uint64_t earliest_ns, size_t seconds, size_t media_frames);
void heard_wipe(struct heard *heard);
void heard_note(struct heard *heard, const struct heard_piece *piece);

double heard_mean_ms(const struct heard *heard);
double heard_quantile_ms(const struct heard *heard, double share);

/* Mean of one second of playing; below 0: nothing was heard in it. */
double heard_second_ms(const struct heard *heard, size_t second);

#endif
