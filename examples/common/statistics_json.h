/* SPDX-License-Identifier: MIT */
/* What a speaker tells about itself once a second: as a JSON object, and as a line for people. All
 * counts and sums are totals since the program started. */
#ifndef COMMON_STATISTICS_JSON_H
#define COMMON_STATISTICS_JSON_H

#include <stddef.h>
#include <stdint.h>

/* Unknown values are NaN and become null. */
struct speaker_statistics {
  double t_s;        /* since the program started */
  const char *state; /* letters only */
  uint64_t packets;
  uint64_t lost;
  uint64_t late;
  uint64_t duplicates;
  double jitter_ms;
  double target_ms;
  double delay_ms; /* from a packet's arrival to its sound, the sound device included */
  double concealed_ms;
  uint64_t recovered_nack;
  uint64_t recovered_red;
  uint64_t recovered_fec;
  uint64_t recovered_late;
  double rtt_ms;
  double drift_ppm;
  double sync_error_ms;
  uint64_t xruns;
  double level_dbfs;             /* highest peak since the last object, after the gain */
  double longest_gap_ms;         /* concealed in one go */
  uint64_t nacks;                /* packets asked for again */
  double stretched_ms;           /* put in and left out to change the delay */
  uint64_t rewinds;              /* the decoder was set right after a repair that came late */
  uint64_t outages;              /* packets held up for longer than the delay may be */
  uint64_t resyncs;              /* jumps of the playout */
  double jitter_buffer_delay_ms; /* mean since the last object: from a packet's arrival until its
                                    samples were taken */
};

/* Room for the longest object and its NUL. */
#define STATISTICS_JSON_SIZE 1024

/* One object without a newline. */
void statistics_json_write(const struct speaker_statistics *statistics,
                           char out[STATISTICS_JSON_SIZE]);

/* One line for people, without a newline; it fits STATISTICS_JSON_SIZE too. */
void statistics_text_write(const struct speaker_statistics *statistics,
                           char out[STATISTICS_JSON_SIZE]);

#endif
