/* SPDX-License-Identifier: MIT */
#include "kit/relay_weather.h"

/* Luck is the same within one. */
#define SLOT_NS PAW_NS_PER_MS

#define QUIET_MEAN_NS 1e6
#define QUIET_SELDOM 0.005
#define QUIET_SELDOM_NS (10 * PAW_NS_PER_MS)

/* What luck is drawn for: each has numbers of its own. */
enum luck { LUCK_STATE, LUCK_LOSS, LUCK_DELAY, LUCK_BUNCH, LUCK_BUSY, LUCK_SPIKE, LUCK_KINDS };

/* Within each period everything is held once, from a time equally likely. */
struct stall {
  enum luck luck;
  uint64_t period_ns;
  uint64_t least_ns;
  uint64_t most_ns;
};

static const struct stall stalls[] = {
    [RELAY_TRACE_BUNCHED] = {LUCK_BUNCH, 100 * PAW_NS_PER_MS, 0, 30 * PAW_NS_PER_MS},
    [RELAY_TRACE_BUSY] = {LUCK_BUSY, 2 * PAW_NS_PER_S, 15 * PAW_NS_PER_MS, 55 * PAW_NS_PER_MS},
    [RELAY_TRACE_SPIKES] = {LUCK_SPIKE, 600 * PAW_NS_PER_S / 18, 100 * PAW_NS_PER_MS,
                            230 * PAW_NS_PER_MS},
};

static struct kit_rng luck_at(const struct relay_weather *weather, enum luck luck, uint64_t index) {
  struct kit_rng rng;
  uint64_t stream = weather->seed * LUCK_KINDS + (uint64_t)luck;
  kit_rng_init(&rng, (stream << 40) + index);
  return rng;
}

void relay_weather_init(struct relay_weather *weather, const struct relay_weather_config *config,
                        uint64_t seed) {
  *weather = (struct relay_weather){.config = *config, .seed = seed};
  weather->rng = luck_at(weather, LUCK_STATE, 0);
  if (config->burst_ns == 0 || config->loss <= RELAY_LOSS_GOOD) {
    weather->state_until_ns = PAW_TIME_NEVER;
    return;
  }
  double share_bad = (config->loss - RELAY_LOSS_GOOD) / (RELAY_LOSS_BAD - RELAY_LOSS_GOOD);
  weather->mean_good_ns = (double)config->burst_ns * (1 - share_bad) / share_bad;
  weather->state_until_ns = (uint64_t)kit_rng_exponential(&weather->rng, weather->mean_good_ns);
}

static void advance(struct relay_weather *weather, uint64_t time_ns) {
  while (weather->state_until_ns <= time_ns) {
    weather->is_bad = !weather->is_bad;
    double mean_ns = weather->is_bad ? (double)weather->config.burst_ns : weather->mean_good_ns;
    weather->state_until_ns += 1 + (uint64_t)kit_rng_exponential(&weather->rng, mean_ns);
  }
}

static bool is_blacked_out(const struct relay_weather_config *config, uint64_t time_ns) {
  return config->blackout_every_ns > 0 &&
         time_ns % config->blackout_every_ns + config->blackout_for_ns >= config->blackout_every_ns;
}

static bool is_lost(struct relay_weather *weather, uint64_t time_ns) {
  struct kit_rng rng = luck_at(weather, LUCK_LOSS, time_ns / SLOT_NS);
  double loss = weather->config.loss;
  if (weather->state_until_ns != PAW_TIME_NEVER) {
    advance(weather, time_ns);
    loss = weather->is_bad ? RELAY_LOSS_BAD : RELAY_LOSS_GOOD;
  }
  return kit_rng_chance(&rng, loss);
}

/* For how long what comes now is held. */
static uint64_t held_ns(const struct relay_weather *weather, uint64_t time_ns) {
  const struct stall *stall = &stalls[weather->config.trace];
  struct kit_rng rng = luck_at(weather, stall->luck, time_ns / stall->period_ns);
  uint64_t length_ns = stall->least_ns + kit_rng_below(&rng, stall->most_ns - stall->least_ns + 1);
  uint64_t from_ns = kit_rng_below(&rng, stall->period_ns - length_ns);
  uint64_t at_ns = time_ns % stall->period_ns;
  return at_ns >= from_ns && at_ns < from_ns + length_ns ? from_ns + length_ns - at_ns : 0;
}

enum relay_fate relay_weather_ask(struct relay_weather *weather, uint64_t time_ns,
                                  struct relay_passage *out) {
  const struct relay_weather_config *config = &weather->config;
  if (is_blacked_out(config, time_ns)) {
    return RELAY_BLACKED_OUT;
  }
  if (is_lost(weather, time_ns)) {
    return RELAY_LOST;
  }
  struct kit_rng rng = luck_at(weather, LUCK_DELAY, time_ns / SLOT_NS);
  uint64_t delay_ns = config->delay_ns + kit_rng_below(&rng, config->jitter_ns + 1);
  out->is_reordered = kit_rng_chance(&rng, config->reorder);
  if (config->trace >= RELAY_TRACE_QUIET) {
    delay_ns += (uint64_t)kit_rng_exponential(&rng, QUIET_MEAN_NS);
    delay_ns += kit_rng_chance(&rng, QUIET_SELDOM) ? kit_rng_below(&rng, QUIET_SELDOM_NS) : 0;
  }
  if (config->trace >= RELAY_TRACE_BUNCHED) {
    delay_ns += held_ns(weather, time_ns);
  }
  out->delay_ns = delay_ns;
  return RELAY_PASSES;
}
