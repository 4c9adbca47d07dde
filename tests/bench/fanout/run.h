/* SPDX-License-Identifier: MIT */
/* Fan-out to a number of receivers: a process that sends as pa-send does, and one that receives. */
#ifndef BENCH_FANOUT_RUN_H
#define BENCH_FANOUT_RUN_H

#include <stddef.h>
#include <stdint.h>

#define FANOUT_REPETITIONS 5

struct fanout_config {
  size_t peers;
  size_t rounds;    /* packets to each, in a repetition */
  size_t in_flight; /* of these at once */
};

/* ns of CPU a packet; and in the same repetition those of the floor. */
struct fanout_cost {
  double ours[FANOUT_REPETITIONS];
  double floor[FANOUT_REPETITIONS];
};

struct fanout_result {
  size_t rounds; /* a multiple of what is in flight at once */
  struct fanout_cost sender;
  struct fanout_cost receiver;
  uint64_t lost;
  uint64_t floor_lost;
  uint64_t others;  /* datagrams besides, sent and received: checks and reports, by the clock */
  uint64_t dropped; /* of these: not taken by the sender's socket */
  double connect_s; /* until all were */
  double datagram_bytes; /* the mean of all that was sent, reports and checks too */
};

/* What fails ends the program. */
void fanout_run(const struct fanout_config *config, struct fanout_result *result);

#endif
