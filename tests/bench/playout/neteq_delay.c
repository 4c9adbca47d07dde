/* SPDX-License-Identifier: MIT */
#include "bench/playout/neteq_delay.h"

#define WINDOW_MS 2000
#define START_TARGET_MS 80
#define INTERVAL_MS 500
#define QUANTILE 0.95
#define UNDERRUN_FORGET 0.983
#define REORDER_FORGET 0.9993
#define START_WEIGHT 2.0

/* Delay that 1 % of packets lost by reordering is worth. */
#define MS_PER_LOSS_PERCENT 20.0

void neteq_histogram_init(struct neteq_histogram *histogram, double forget) {
  *histogram = (struct neteq_histogram){.forget = forget};
  double share = 0.5;
  for (size_t i = 0; i < NETEQ_BUCKETS; i++) {
    histogram->buckets[i] = share;
    share /= 2;
  }
}

void neteq_histogram_add(struct neteq_histogram *histogram, size_t bucket) {
  histogram->count++;
  double start = 1 - START_WEIGHT / (double)(histogram->count + 1);
  double forget = start < histogram->forget ? start : histogram->forget;
  forget = forget < 0 ? 0 : forget;
  for (size_t i = 0; i < NETEQ_BUCKETS; i++) {
    histogram->buckets[i] *= forget;
  }
  histogram->buckets[bucket] += 1 - forget;
}

size_t neteq_histogram_quantile(const struct neteq_histogram *histogram, double share) {
  double sum = histogram->buckets[0];
  size_t i = 0;
  while (sum < share && i + 1 < NETEQ_BUCKETS) {
    i++;
    sum += histogram->buckets[i];
  }
  return i;
}

void neteq_delay_init(struct neteq_delay *delay) {
  *delay = (struct neteq_delay){
      .interval_begin_ms = -1,
      .underrun_target_ms = START_TARGET_MS,
      .target_ms = START_TARGET_MS,
  };
  neteq_histogram_init(&delay->underruns, UNDERRUN_FORGET);
  neteq_histogram_init(&delay->reorders, REORDER_FORGET);
}

static int64_t fastest(const struct neteq_delay *delay) {
  int64_t least_ms = INT64_MAX;
  for (size_t i = 0; i < delay->count; i++) {
    int64_t transit_ms = delay->arrivals[(delay->first + i) % NETEQ_HISTORY_MAX].transit_ms;
    least_ms = transit_ms < least_ms ? transit_ms : least_ms;
  }
  return least_ms;
}

int64_t neteq_delay_relative_ms(const struct neteq_delay *delay, int64_t media_ms, int64_t now_ms) {
  return delay->count > 0 ? now_ms - media_ms - fastest(delay) : 0;
}

int64_t neteq_delay_most_ms(const struct neteq_delay *delay) {
  int64_t most_ms = INT64_MIN;
  for (size_t i = 0; i < delay->count; i++) {
    int64_t transit_ms = delay->arrivals[(delay->first + i) % NETEQ_HISTORY_MAX].transit_ms;
    most_ms = transit_ms > most_ms ? transit_ms : most_ms;
  }
  return delay->count > 0 ? most_ms - fastest(delay) : 0;
}

static void remember(struct neteq_delay *delay, int64_t media_ms, int64_t now_ms) {
  if (delay->count == 0 || media_ms > delay->newest_media_ms) {
    delay->newest_media_ms = media_ms;
  }
  while (delay->count > 0 &&
         (delay->count == NETEQ_HISTORY_MAX ||
          delay->arrivals[delay->first].media_ms < delay->newest_media_ms - WINDOW_MS)) {
    delay->first = (delay->first + 1) % NETEQ_HISTORY_MAX;
    delay->count--;
  }
  delay->arrivals[(delay->first + delay->count++) % NETEQ_HISTORY_MAX] =
      (struct neteq_arrival){.media_ms = media_ms, .transit_ms = now_ms - media_ms};
}

static size_t bucket_of(int64_t ms) {
  size_t bucket = ms > 0 ? (size_t)ms / NETEQ_BUCKET_MS : 0;
  return bucket < NETEQ_BUCKETS ? bucket : NETEQ_BUCKETS - 1;
}

/* Packets in order: of each half second the longest delay counts. */
static void note_underrun(struct neteq_delay *delay, int64_t relative_ms, int64_t now_ms) {
  if (delay->interval_begin_ms < 0) {
    delay->interval_begin_ms = now_ms;
  }
  if (now_ms - delay->interval_begin_ms > INTERVAL_MS) {
    neteq_histogram_add(&delay->underruns, bucket_of(delay->interval_max_ms));
    size_t bucket = neteq_histogram_quantile(&delay->underruns, QUANTILE);
    delay->underrun_target_ms = (int64_t)(1 + bucket) * NETEQ_BUCKET_MS;
    delay->interval_begin_ms = now_ms;
    delay->interval_max_ms = 0;
  }
  if (relative_ms > delay->interval_max_ms) {
    delay->interval_max_ms = relative_ms;
  }
}

/* The delay at which waiting longer costs as much as losing what is out of order. */
static int64_t reorder_target(const struct neteq_delay *delay) {
  double lost = 1;
  double best = 1e9;
  size_t best_bucket = 0;
  for (size_t i = 0; i < NETEQ_BUCKETS; i++) {
    lost -= delay->reorders.buckets[i];
    double more_ms = (double)i * NETEQ_BUCKET_MS - (double)delay->underrun_target_ms;
    double cost = (more_ms > 0 ? more_ms : 0) + MS_PER_LOSS_PERCENT * 100 * lost;
    if (cost < best) {
      best = cost;
      best_bucket = i;
    }
  }
  return (int64_t)(1 + best_bucket) * NETEQ_BUCKET_MS;
}

void neteq_delay_note(struct neteq_delay *delay, int64_t media_ms, int64_t now_ms,
                      bool is_reordered) {
  remember(delay, media_ms, now_ms);
  int64_t relative_ms = neteq_delay_relative_ms(delay, media_ms, now_ms);
  if (!is_reordered) {
    note_underrun(delay, relative_ms, now_ms);
  }
  neteq_histogram_add(&delay->reorders, is_reordered ? bucket_of(relative_ms) : 0);
  int64_t reorder_ms = reorder_target(delay);
  delay->target_ms =
      delay->underrun_target_ms > reorder_ms ? delay->underrun_target_ms : reorder_ms;
}
