/* SPDX-License-Identifier: MIT */
/* Which delay NetEQ aims at: a reimplementation of the published algorithm, in ms of its own clock,
 * which goes in steps of 10. README.md says where it comes from. */
#ifndef BENCH_NETEQ_DELAY_H
#define BENCH_NETEQ_DELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETEQ_TICK_MS 10
#define NETEQ_BUCKETS 100
#define NETEQ_BUCKET_MS 20
#define NETEQ_HISTORY_MAX 1024 /* packets of 2 s, were all of them 2.5 ms long */

/* A histogram that forgets; quickly at first. */
struct neteq_histogram {
  double buckets[NETEQ_BUCKETS];
  double forget; /* in the long run */
  size_t count;
};

void neteq_histogram_init(struct neteq_histogram *histogram, double forget);
void neteq_histogram_add(struct neteq_histogram *histogram, size_t bucket);
size_t neteq_histogram_quantile(const struct neteq_histogram *histogram, double share);

struct neteq_arrival {
  int64_t media_ms;
  int64_t transit_ms;
};

struct neteq_delay {
  struct neteq_arrival arrivals[NETEQ_HISTORY_MAX];
  size_t first;
  size_t count;
  int64_t newest_media_ms;
  struct neteq_histogram underruns; /* of the longest delay in each half second */
  struct neteq_histogram reorders;  /* of every packet; 0 for those in order */
  int64_t interval_begin_ms;        /* < 0: none yet */
  int64_t interval_max_ms;
  int64_t underrun_target_ms;
  int64_t target_ms;
};

void neteq_delay_init(struct neteq_delay *delay);

/* A packet came. */
void neteq_delay_note(struct neteq_delay *delay, int64_t media_ms, int64_t now_ms,
                      bool is_reordered);

/* How late something is, heard now, against the fastest packet of the last 2 s. */
int64_t neteq_delay_relative_ms(const struct neteq_delay *delay, int64_t media_ms, int64_t now_ms);

/* The slowest packet of the last 2 s. */
int64_t neteq_delay_most_ms(const struct neteq_delay *delay);

#endif
