/* SPDX-License-Identifier: MIT */
#include "bench/playout/air.h"

#include <string.h>

#include "base/time.h"

/* Huitema 2023: what is lost although the MAC repeats. */
#define PLAIN_LOSS 0.0012

/* In the bad and in the good state; a loss below the latter has no states. */
#define LOSS_BAD 0.9
#define LOSS_GOOD 0.01

/* Chosen so that the quantiles over the shortest path are 4.6 ms (.99), 7.3 (.997), 10.8 (.999). */
#define JITTER_MEAN_MS 0.8
#define TAIL_MEAN_MS 3.5
#define TAIL_CHANCE 0.018

/* What holds packets up, and how often: times in ms. */
struct stalls {
  double apart_min_ms; /* from the end of one to the beginning of the next */
  double apart_max_ms; /* 0: exponentially distributed, apart_min_ms the mean */
  double min_ms;
  double max_ms; /* 0: there are none */
};

static const struct stalls stalls[AIR_TRACES] = {
    [AIR_BUNCHED] = {.min_ms = 0, .max_ms = 30},
    [AIR_BUSY] = {.apart_min_ms = 1000, .apart_max_ms = 3000, .min_ms = 15, .max_ms = 55},
    [AIR_SPIKES] = {.apart_min_ms = 600000.0 / 18, .min_ms = 100, .max_ms = 230},
};

/* A beacon: not in step with the packets. */
#define BUNCH_PERIOD_NS (102400 * (PAW_NS_PER_MS / 1000))

static const char *const names[AIR_TRACES] = {"still", "quiet", "bunched", "busy", "spikes"};

const char *air_trace_name(enum air_trace trace) {
  return names[trace];
}

enum air_trace air_trace_find(const char *name) {
  size_t i = 0;
  while (i < AIR_TRACES && strcmp(names[i], name) != 0) {
    i++;
  }
  return (enum air_trace)i;
}

static uint64_t from_ms(double ms) {
  return (uint64_t)(ms * (double)PAW_NS_PER_MS);
}

static enum air_trace trace_at(const struct air *air, uint64_t time_ns) {
  return time_ns < air->config.then_ns ? air->config.trace : air->config.then_trace;
}

/* The next hold-up after a time. */
static void draw_stall(struct air *air, uint64_t after_ns) {
  air->stall_trace = trace_at(air, after_ns);
  const struct stalls *kind = &stalls[air->stall_trace];
  if (kind->max_ms <= 0) {
    air->stall_ns = PAW_TIME_NEVER;
    air->stall_end_ns = PAW_TIME_NEVER;
    return;
  }
  double between_ms = kit_rng_unit(&air->weather) * (kind->apart_max_ms - kind->apart_min_ms);
  if (air->stall_trace == AIR_BUNCHED) {
    air->stall_ns = (after_ns / BUNCH_PERIOD_NS + 1) * BUNCH_PERIOD_NS;
  } else if (kind->apart_max_ms > 0) {
    air->stall_ns = after_ns + from_ms(kind->apart_min_ms + between_ms);
  } else {
    air->stall_ns = after_ns + from_ms(kit_rng_exponential(&air->weather, kind->apart_min_ms));
  }
  double long_ms = kit_rng_unit(&air->weather) * (kind->max_ms - kind->min_ms) + kind->min_ms;
  air->stall_end_ns = air->stall_ns + from_ms(long_ms);
}

/* Solve bad/(bad + good) * LOSS_BAD + good/(bad + good) * LOSS_GOOD = loss for the good time. */
static void set_losses(struct air *air) {
  const struct air_config *config = &air->config;
  air->loss_good = config->loss;
  air->turn_ns = PAW_TIME_NEVER;
  if (config->burst_ms <= 0 || config->loss <= LOSS_GOOD) {
    return;
  }
  double bad_share = (config->loss - LOSS_GOOD) / (LOSS_BAD - LOSS_GOOD);
  air->loss_bad = LOSS_BAD;
  air->loss_good = LOSS_GOOD;
  air->bad_mean_ns = from_ms(config->burst_ms);
  air->good_mean_ns = from_ms(config->burst_ms * (1 - bad_share) / bad_share);
  air->is_bad = kit_rng_chance(&air->loss, bad_share);
  air->turn_ns = 0;
}

void air_init(struct air *air, const struct air_config *config, uint64_t seed) {
  *air = (struct air){.config = *config};
  for (size_t i = 0; i < AIR_KINDS; i++) {
    kit_rng_init(&air->luck[i], seed * 8 + i);
  }
  kit_rng_init(&air->weather, seed * 8 + AIR_KINDS);
  kit_rng_init(&air->loss, seed * 8 + AIR_KINDS + 1);
  set_losses(air);
  draw_stall(air, 0);
}

bool air_is_bad(struct air *air, uint64_t now_ns) {
  while (now_ns >= air->turn_ns) {
    bool is_first = air->turn_ns == 0;
    air->is_bad = is_first ? air->is_bad : !air->is_bad;
    double mean_ns = (double)(air->is_bad ? air->bad_mean_ns : air->good_mean_ns);
    air->turn_ns += 1 + (uint64_t)kit_rng_exponential(&air->loss, mean_ns);
  }
  return air->is_bad;
}

/* When what is ready at this time may go. */
static uint64_t release(struct air *air, uint64_t ready_ns) {
  if (air->stall_trace != trace_at(air, ready_ns)) {
    draw_stall(air, ready_ns);
  }
  while (ready_ns >= air->stall_end_ns) {
    draw_stall(air, air->stall_end_ns);
  }
  return ready_ns >= air->stall_ns ? air->stall_end_ns : ready_ns;
}

bool air_carry(struct air *air, enum air_kind kind, uint64_t sent_ns, uint64_t *arrival_ns) {
  struct kit_rng *luck = &air->luck[kind];
  double chance = air_is_bad(air, sent_ns) ? air->loss_bad : air->loss_good;
  bool still = trace_at(air, sent_ns) == AIR_STILL;
  bool is_lost = kit_rng_unit(luck) < chance;
  is_lost |= kit_rng_unit(luck) < PLAIN_LOSS && !still;
  double jitter_ms = kit_rng_exponential(luck, JITTER_MEAN_MS);
  if (kit_rng_chance(luck, TAIL_CHANCE)) {
    jitter_ms += kit_rng_exponential(luck, TAIL_MEAN_MS);
  }
  uint64_t time_ns = release(air, sent_ns) + air->config.rtt_ns / 2;
  time_ns += still ? 0 : from_ms(jitter_ms);
  uint64_t *last_ns = &air->last_ns[kind == AIR_BACK];
  if (time_ns < *last_ns) {
    time_ns = *last_ns;
  }
  *last_ns = is_lost ? *last_ns : time_ns;
  *arrival_ns = time_ns;
  return !is_lost;
}
