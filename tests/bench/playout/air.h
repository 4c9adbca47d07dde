/* SPDX-License-Identifier: MIT */
/* The air between a sender and a receiver: how long a packet takes and whether it comes at all.
 * Invented, and shaped after published figures; README.md says which. */
#ifndef BENCH_AIR_H
#define BENCH_AIR_H

#include "kit/rng.h"

enum air_trace {
  AIR_STILL,   /* the shortest path, always */
  AIR_QUIET,   /* about 1 ms of jitter, now and then the MAC repeats */
  AIR_BUNCHED, /* of every 102.4 ms up to 30 are held back: power save */
  AIR_BUSY,    /* held back for 15 to 55 ms about every 2 s */
  AIR_SPIKES,  /* held back for 100 to 230 ms, 18 times in 10 minutes */
  AIR_TRACES,
};

const char *air_trace_name(enum air_trace trace);

/* AIR_TRACES: there is no such trace. */
enum air_trace air_trace_find(const char *name);

struct air_config {
  enum air_trace trace;
  uint64_t then_ns;          /* PAW_TIME_NEVER: it stays */
  enum air_trace then_trace; /* from then on */
  double loss;               /* share of packets, beside the little that every trace loses */
  double burst_ms;           /* mean time for which the air is bad; 0: losses are independent */
  uint64_t rtt_ns;           /* without any jitter */
};

/* What is sent draws its luck by its kind, so that retransmissions change no luck of others. */
enum air_kind {
  AIR_MEDIA, /* packets for the first time */
  AIR_AGAIN, /* packets once more */
  AIR_BACK,  /* what the receiver sends */
  AIR_KINDS,
};

struct air {
  struct air_config config;
  struct kit_rng luck[AIR_KINDS];
  struct kit_rng weather; /* when the air is bad or held up, for all alike */
  struct kit_rng loss;    /* the same, of losses */
  uint64_t stall_ns;      /* the hold-up that lasts or comes next */
  uint64_t stall_end_ns;
  enum air_trace stall_trace; /* it was drawn for this one */
  bool is_bad;
  uint64_t turn_ns; /* it turns good or bad */
  double loss_bad;
  double loss_good;
  uint64_t good_mean_ns;
  uint64_t bad_mean_ns;
  uint64_t last_ns[2]; /* nothing overtakes, either way */
};

void air_init(struct air *air, const struct air_config *config, uint64_t seed);

/* Is the air bad at this time? Times must not go back. */
bool air_is_bad(struct air *air, uint64_t now_ns);

/* Send at a time that does not go back; false: it is lost. */
bool air_carry(struct air *air, enum air_kind kind, uint64_t sent_ns, uint64_t *arrival_ns);

#endif
