/* SPDX-License-Identifier: MIT */
/* Sender, air and receiver, in virtual time. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "bench/playout/air.h"
#include "bench/playout/receiver.h"
#include "bench/playout/sender.h"

struct run_config {
  struct air_config air;
  struct receiver_config receiver;
  bool (*receiver_new)(struct receiver *receiver, const struct receiver_config *config);
  size_t red_distance;
  double minutes;
  uint64_t seed;
  bool keeps_sound;       /* in heard.by_media */
  struct wav_writer *wav; /* NULL */
  size_t gap_packets; /* hold back so many every half second, until just after they were due; 0 */
};

struct run {
  struct run_config config;
  struct sender sender;
  struct air air;
  struct receiver receiver;
  struct heard heard;
  struct receiver_counts counts;
};

/* False: the player could not be made. `run` is to be wiped then, too. */
bool run_start(struct run *run, const struct run_config *config, const struct programme *programme);
void run_finish(struct run *run);
void run_wipe(struct run *run);

/* Is this packet one that gap_packets holds back? */
bool run_is_held(const struct run_config *config, uint64_t frame_ns, uint64_t index);

#endif
