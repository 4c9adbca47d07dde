/* SPDX-License-Identifier: MIT */
/* What a path does to datagrams as a function of time, and of a seed: all that pass at the same
 * time meet the same, whoever sends them, so that receivers beside each other can be compared. */
#ifndef KIT_RELAY_WEATHER_H
#define KIT_RELAY_WEATHER_H

#include <pawebrtc/base.h>

#include "kit/rng.h"

/* Shapes of delay, in the manner of wireless networks; all but none have that of quiet too. */
enum relay_trace {
  RELAY_TRACE_NONE,
  RELAY_TRACE_QUIET,   /* 1 ms more on average, seldom up to 10 ms */
  RELAY_TRACE_BUNCHED, /* up to 30 ms held, each 100 ms: a station that saves power */
  RELAY_TRACE_BUSY,    /* 15 to 55 ms held, each 2 s */
  RELAY_TRACE_SPIKES,  /* 100 to 230 ms held, 18 times in 10 min */
};

/* All zero: nothing, at once. */
struct relay_weather_config {
  uint64_t delay_ns;
  uint64_t jitter_ns; /* 0..jitter_ns more, equally likely */
  double loss;        /* 0..RELAY_LOSS_MAX, on average */
  uint64_t burst_ns;  /* mean length of the bad times (Gilbert-Elliott); 0: no two are related */
  double reorder;     /* share that is held back while others pass it by */
  uint64_t blackout_every_ns; /* nothing passes in the last blackout_for_ns of each such stretch */
  uint64_t blackout_for_ns;
  enum relay_trace trace;
};

/* Lost in good and in bad times. */
#define RELAY_LOSS_GOOD 0.01
#define RELAY_LOSS_BAD 0.9
/* Good times of a tenth of a bad one. */
#define RELAY_LOSS_MAX 0.8
/* The next packet, at most 20 ms behind, comes first. */
#define RELAY_REORDER_NS (25 * PAW_NS_PER_MS)

struct relay_weather {
  struct relay_weather_config config;
  uint64_t seed;
  struct kit_rng rng; /* of the bad times */
  double mean_good_ns;
  bool is_bad;
  uint64_t state_until_ns;
};

enum relay_fate { RELAY_PASSES, RELAY_LOST, RELAY_BLACKED_OUT };

struct relay_passage {
  uint64_t delay_ns;
  bool is_reordered; /* comes RELAY_REORDER_NS later still, and holds up nobody */
};

void relay_weather_init(struct relay_weather *weather, const struct relay_weather_config *config,
                        uint64_t seed);

/* What happens to a datagram `time_ns` after the beginning; `out` is set when it passes. Bad times
 * are those of the latest time asked for. */
enum relay_fate relay_weather_ask(struct relay_weather *weather, uint64_t time_ns,
                                  struct relay_passage *out);

#endif
