/* SPDX-License-Identifier: MIT */
/* Connecting over a lossy network, in virtual time. */
#ifndef BENCH_CONNECT_LOSSY_H
#define BENCH_CONNECT_LOSSY_H

#include <stdbool.h>
#include <stddef.h>

/* A connection that has not been heard by then has failed. */
#define LOSSY_BUDGET_MS 10000

struct lossy {
  double loss;        /* each way, each datagram for itself */
  bool receiver_lite; /* else both are full */
  size_t seeds;
  double *first_audio_ms; /* of each seed that did not fail, in their order */
  size_t count;
  size_t failures;
};

/* The receiver offers; one way takes 1 ms. The sender's programme is always on air, a frame every
 * 20 ms: the first one that is heard ends the time, which began with the negotiation. Fills in
 * what comes behind `seeds`, for which `first_audio_ms` has room. */
void lossy_run(struct lossy *lossy);

/* One seed again, with every datagram and its time on standard output. */
void lossy_trace(const struct lossy *lossy, size_t seed);

#endif
