/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "playout/playout.h"

#define MS ((int64_t)PAW_NS_PER_MS)
#define SECOND_NS ((int64_t)PAW_NS_PER_S)

/* A sound device that asks for samples this long before they are due leaves no room for jitter. */
#define LEAD_MARGIN_NS (10 * MS)

/* Keeps products of times in range: 36 years. */
#define SINCE_MAX_NS (INT64_C(1) << 60)

/* What a delay that has just sufficed is exceeded by: bins of 1 ms, and a clock that wanders. */
#define MARGIN_NS (2 * MS)

/* A delay is held for ten whole seconds, and the one under way. */
#define HOLD_SECONDS 11

/* So long it takes to see what a path is like; until then the first delay is the least. */
#define START_SECONDS 5

/* What no packet has come in between is a pause: it counts as one packet at most. */
#define PACKET_MAX_NS (120 * MS)
#define PACKET_USUAL_NS (20 * MS)

/* All late for so long and so many on end: not one of them was held up, the path is another. */
#define STEP_TIME_NS (400 * MS)
#define STEP_PACKETS 5

/* A path that is longer for less than this was congested. */
#define MOVED_TIME_NS (10 * SECOND_NS)

#define LEAD_UNKNOWN INT64_MAX

/* ---- making ---- */

static int64_t clamp(int64_t value, int64_t smallest, int64_t greatest) {
  if (value < smallest) {
    return smallest;
  }
  return value < greatest ? value : greatest;
}

static int64_t least(int64_t one, int64_t other) {
  return one < other ? one : other;
}

static int64_t most(int64_t one, int64_t other) {
  return one > other ? one : other;
}

static double late_weight(const struct paw_playout_config *config) {
  if (config->late_weight_ms > 0) {
    return config->late_weight_ms;
  }
  switch (config->profile) {
  case PAW_PLAYOUT_LIVE:
    return 20;
  case PAW_PLAYOUT_ANNOUNCEMENT:
    break;
  }
  return 60;
}

uint64_t paw_playout_delay_cap_ns(const struct paw_playout_config *config, uint64_t cap_ns) {
  if (cap_ns > 0) {
    return cap_ns;
  }
  bool is_live = config->profile == PAW_PLAYOUT_LIVE;
  uint64_t usual_ns = (is_live ? 60 : 200) * PAW_NS_PER_MS;
  return usual_ns < config->max_delay_ns ? usual_ns : config->max_delay_ns;
}

/* The limits of a fixed delay were not looked at: they must not overflow. */
static int64_t within_max(const struct paw_playout_config *config, uint64_t ns) {
  return (int64_t)(ns < config->max_delay_ns ? ns : config->max_delay_ns);
}

void paw_playout_delay_init(struct paw_playout_delay *delay,
                            const struct paw_playout_config *config) {
  *delay = (struct paw_playout_delay){
      .packet_ns = PACKET_USUAL_NS,
      .late_weight_ms = late_weight(config),
      .fixed_ns = (int64_t)config->target_delay_ns,
      .min_ns = within_max(config, config->min_delay_ns),
      .cap_ns = within_max(config, paw_playout_delay_cap_ns(config, config->cap_delay_ns)),
      .max_ns = (int64_t)config->max_delay_ns,
  };
  delay->start_ns = clamp(within_max(config, config->start_delay_ns), delay->min_ns, delay->cap_ns);
  paw_playout_histogram_init(&delay->histogram, delay->start_ns - MARGIN_NS);
  paw_playout_budget_init(&delay->budget);
  delay->target_ns = delay->fixed_ns > 0 ? delay->fixed_ns : delay->start_ns;
}

/* ---- times ---- */

static int64_t since_epoch(const struct paw_playout_delay *delay, uint64_t time_ns) {
  return clamp((int64_t)(time_ns - delay->epoch_ns), -SINCE_MAX_NS, SINCE_MAX_NS);
}

static int64_t media_ns(const struct paw_playout_delay *delay, uint64_t media_rtp) {
  return paw_playout_rtp_to_ns((int64_t)(media_rtp - delay->origin_rtp));
}

int64_t paw_playout_delay_transit(const struct paw_playout_delay *delay, uint64_t media_rtp,
                                  uint64_t arrival_ns) {
  int64_t now_ns = since_epoch(delay, arrival_ns);
  return now_ns - media_ns(delay, media_rtp) - paw_playout_base_trend(&delay->base, now_ns);
}

/* ---- seconds ---- */

static struct paw_playout_delay_second *get_second(struct paw_playout_delay *delay, size_t number) {
  return &delay->seconds[number % PAW_PLAYOUT_DELAY_SECONDS];
}

static size_t count_seconds(const struct paw_playout_delay *delay, size_t most) {
  return delay->second_count < most ? delay->second_count : most;
}

/* Seconds without packets do not exist here either. */
static struct paw_playout_delay_second *current_second(struct paw_playout_delay *delay,
                                                       int64_t now_ns) {
  if (delay->second_count > 0) {
    struct paw_playout_delay_second *newest = get_second(delay, delay->second_count - 1);
    int64_t age_ns = now_ns - newest->begin_ns;
    if (age_ns < SECOND_NS && age_ns > -SECOND_NS) {
      return newest;
    }
  }
  struct paw_playout_delay_second *second = get_second(delay, delay->second_count++);
  *second = (struct paw_playout_delay_second){.begin_ns = now_ns, .lead_min_ns = LEAD_UNKNOWN};
  return second;
}

/* ---- the sound device's lead ---- */

/* The median of the seconds' smallest: devices hesitate, and ask for much at a time then. */
static int64_t median_lead(struct paw_playout_delay *delay) {
  int64_t sorted[PAW_PLAYOUT_BASE_SECONDS];
  size_t known = 0;
  for (size_t i = 1; i <= count_seconds(delay, PAW_PLAYOUT_BASE_SECONDS); i++) {
    int64_t lead_ns = get_second(delay, delay->second_count - i)->lead_min_ns;
    if (lead_ns != LEAD_UNKNOWN) {
      size_t at = known++;
      for (; at > 0 && sorted[at - 1] > lead_ns; at--) {
        sorted[at] = sorted[at - 1];
      }
      sorted[at] = lead_ns;
    }
  }
  return known > 0 ? sorted[(known - 1) / 2] : delay->usual_lead_ns;
}

/* Where the lead has crept up, as the device's asking drifts past the packets' coming, what packets
 * needed before is counted from the new lead too. Where it has sunk, the peaks of the last seconds
 * hold what they needed until enough have come again; but the first lead of all was a guess. */
static void update_lead(struct paw_playout_delay *delay, struct paw_playout_delay_second *second) {
  int64_t crept_ns = median_lead(delay) - delay->usual_lead_ns;
  if (!delay->knows_lead) {
    delay->knows_lead = true;
    delay->usual_lead_ns += crept_ns;
  } else if (crept_ns >= MS) {
    paw_playout_histogram_shift(&delay->histogram, (size_t)(crept_ns / MS));
    delay->usual_lead_ns += crept_ns / MS * MS;
  } else if (crept_ns <= -MS) {
    delay->usual_lead_ns += crept_ns;
    second->asked_ns += delay->second_count == 1 ? crept_ns : 0;
  }
}

static void note_lead(struct paw_playout_delay *delay, struct paw_playout_delay_second *second,
                      int64_t lead_ns) {
  second->lead_min_ns = least(second->lead_min_ns, lead_ns);
  second->lead_max_ns = most(second->lead_max_ns, lead_ns);
  delay->lead_ns = 0;
  for (size_t i = 1; i <= count_seconds(delay, PAW_PLAYOUT_BASE_SECONDS); i++) {
    delay->lead_ns = most(delay->lead_ns, get_second(delay, delay->second_count - i)->lead_max_ns);
  }
  update_lead(delay, second);
}

/* ---- the target ---- */

static int64_t fixed_target(const struct paw_playout_delay *delay) {
  return most(delay->fixed_ns, delay->lead_ns > 0 ? delay->lead_ns + LEAD_MARGIN_NS : 0);
}

/* The greatest of the last seconds. */
static struct paw_playout_delay_second greatest(struct paw_playout_delay *delay, size_t seconds) {
  struct paw_playout_delay_second all = {0};
  for (size_t i = 1; i <= count_seconds(delay, seconds); i++) {
    const struct paw_playout_delay_second *second = get_second(delay, delay->second_count - i);
    all.needed_ns = most(all.needed_ns, second->needed_ns);
    all.asked_ns = most(all.asked_ns, second->asked_ns);
    all.repair_ns = most(all.repair_ns, second->repair_ns);
  }
  return all;
}

/* What no packet has needed in all the seconds there are is given up, though it has not faded. */
static void give_up(struct paw_playout_delay *delay) {
  if (delay->second_count > PAW_PLAYOUT_DELAY_SECONDS) {
    int64_t needed_ns = greatest(delay, PAW_PLAYOUT_DELAY_SECONDS).needed_ns - delay->usual_lead_ns;
    paw_playout_histogram_cut(&delay->histogram,
                              paw_playout_histogram_bin(needed_ns > 0 ? needed_ns : 0));
  }
}

/* Up at once. Down when for ten seconds nothing has asked for as much, or no packet needed it. */
static int64_t adaptive_target(struct paw_playout_delay *delay,
                               struct paw_playout_delay_second *second) {
  int64_t lead_ns = delay->usual_lead_ns;
  int64_t jitter_ns =
      paw_playout_histogram_best_ns(&delay->histogram, delay->packet_ns, delay->late_weight_ms) +
      MARGIN_NS;
  int64_t repair_ns = paw_playout_budget_ns(&delay->budget, jitter_ns);
  if (delay->second_count <= START_SECONDS) {
    jitter_ns = most(jitter_ns, delay->start_ns);
  }
  second->asked_ns = most(second->asked_ns, lead_ns + jitter_ns);
  second->repair_ns = most(second->repair_ns, repair_ns);
  struct paw_playout_delay_second held = greatest(delay, HOLD_SECONDS);
  int64_t held_ns = least(held.asked_ns, held.needed_ns + MARGIN_NS);
  int64_t target_ns = most(held_ns, lead_ns + most(jitter_ns, held.repair_ns));
  return clamp(target_ns, lead_ns + delay->min_ns, lead_ns + delay->cap_ns);
}

static void update_target(struct paw_playout_delay *delay,
                          struct paw_playout_delay_second *second) {
  int64_t target_ns = delay->fixed_ns > 0 ? fixed_target(delay) : adaptive_target(delay, second);
  delay->target_ns = least(target_ns, delay->max_ns);
}

void paw_playout_delay_set_range(struct paw_playout_delay *delay, uint64_t min_ns,
                                 uint64_t cap_ns) {
  delay->min_ns = (int64_t)min_ns;
  delay->cap_ns = (int64_t)cap_ns;
  if (delay->fixed_ns == 0) {
    delay->target_ns = clamp(delay->target_ns, delay->usual_lead_ns + delay->min_ns,
                             delay->usual_lead_ns + delay->cap_ns);
    delay->target_ns = least(delay->target_ns, delay->max_ns);
  }
}

void paw_playout_delay_set_nack(struct paw_playout_delay *delay, bool on) {
  delay->budget.nack = on;
}

void paw_playout_delay_set_rtt(struct paw_playout_delay *delay, uint64_t rtt_ns) {
  paw_playout_budget_note_rtt(&delay->budget, rtt_ns);
}

void paw_playout_delay_note_fate(struct paw_playout_delay *delay, bool first_was_lost,
                                 uint32_t duration_rtp) {
  paw_playout_budget_note_fate(&delay->budget, first_was_lost, paw_playout_rtp_to_ns(duration_rtp));
}

void paw_playout_delay_note_copies(struct paw_playout_delay *delay, uint32_t distance_rtp) {
  paw_playout_budget_note_copies(&delay->budget, paw_playout_rtp_to_ns(distance_rtp));
}

/* ---- what packets need ---- */

struct sample {
  int64_t now_ns;
  int64_t transit_ns;
  int64_t lead_ns; /* LEAD_UNKNOWN */
  int64_t needed_ns;
};

static void enter(struct paw_playout_delay *delay, const uint8_t *bins, size_t count) {
  for (size_t i = 0; i < count; i++) {
    paw_playout_histogram_add(&delay->histogram, bins[i]);
  }
}

static void begin_train(struct paw_playout_delay *delay, const struct sample *sample) {
  delay->train.packets = 0;
  delay->train.begin_ns = sample->now_ns;
  delay->train.limit_ns = delay->target_ns - delay->usual_lead_ns;
  delay->train.low_ns = INT64_MAX;
  delay->train.lead_min_ns = LEAD_UNKNOWN;
  delay->train.is_outage = false;
  delay->train.count = 0;
}

static void lengthen_train(struct paw_playout_delay *delay, const struct sample *sample) {
  struct paw_playout_train *train = &delay->train;
  train->packets++;
  if (sample->transit_ns < train->low_ns) {
    train->low_ns = sample->transit_ns;
    train->low_at_ns = sample->now_ns;
  }
  if (sample->lead_ns < train->lead_min_ns) {
    train->lead_min_ns = sample->lead_ns;
  }
  size_t bin = paw_playout_histogram_bin(sample->needed_ns);
  if (sample->needed_ns > delay->cap_ns || bin >= PAW_PLAYOUT_BINS) {
    delay->outages += train->is_outage ? 0 : 1;
    train->is_outage = true;
  } else if (train->count < PAW_PLAYOUT_TRAIN_MAX) {
    train->bins[train->count++] = (uint8_t)bin;
  }
}

static void end_train(struct paw_playout_delay *delay) {
  if (!delay->train.is_outage) {
    enter(delay, delay->train.bins, delay->train.count);
  }
  delay->train.packets = 0;
}

/* All begins anew from the packets of the train, the device's lead with it. */
static void move_base(struct paw_playout_delay *delay, const struct sample *sample) {
  struct paw_playout_train *train = &delay->train;
  struct paw_playout_moved *moved = &delay->moved;
  int64_t before_ns = delay->base_ns;
  paw_playout_base_start(&delay->base);
  paw_playout_base_note(&delay->base, train->low_at_ns, train->low_ns);
  delay->base_ns = delay->base.floor_ns;
  moved->until_ns = sample->now_ns + MOVED_TIME_NS;
  moved->below_ns = before_ns + (delay->base_ns - before_ns) / 2;
  moved->count = train->is_outage ? 0 : train->count;
  memcpy(moved->bins, train->bins, moved->count);
  if (train->lead_min_ns != LEAD_UNKNOWN) {
    for (size_t i = 0; i < PAW_PLAYOUT_DELAY_SECONDS; i++) {
      delay->seconds[i].lead_min_ns = LEAD_UNKNOWN;
    }
    current_second(delay, sample->now_ns)->lead_min_ns = train->lead_min_ns;
    delay->usual_lead_ns = train->lead_min_ns;
  }
  train->packets = 0;
}

/* The old path is back: what was late on it was late. */
static void check_moved(struct paw_playout_delay *delay, int64_t now_ns) {
  struct paw_playout_moved *moved = &delay->moved;
  if (moved->count > 0 && (now_ns >= moved->until_ns || delay->base_ns <= moved->below_ns)) {
    enter(delay, moved->bins, now_ns < moved->until_ns ? moved->count : 0);
    moved->count = 0;
  }
}

static void note_needed(struct paw_playout_delay *delay, const struct sample *sample) {
  struct paw_playout_train *train = &delay->train;
  if (train->packets == 0) {
    begin_train(delay, sample);
  }
  if (sample->needed_ns <= train->limit_ns) {
    if (train->packets > 0) {
      end_train(delay);
    }
    paw_playout_histogram_add(&delay->histogram, paw_playout_histogram_bin(sample->needed_ns));
    return;
  }
  lengthen_train(delay, sample);
  if (train->packets >= STEP_PACKETS && sample->now_ns - train->begin_ns >= STEP_TIME_NS) {
    move_base(delay, sample);
  }
}

/* What was needed is remembered for itself; in the first second there is no time to learn. */
static void note_most(struct paw_playout_delay *delay, struct paw_playout_delay_second *second,
                      const struct sample *sample) {
  int64_t needed_ns = delay->usual_lead_ns + sample->needed_ns;
  if (sample->needed_ns <= delay->cap_ns) {
    second->needed_ns = most(second->needed_ns, needed_ns);
  }
  if (sample->now_ns >= SECOND_NS) {
    return;
  }
  if (second->needed_ns > delay->target_ns) {
    second->asked_ns = most(second->asked_ns, second->needed_ns + MARGIN_NS);
  }
  if (!delay->start_was_outage && delay->base_ns < -delay->cap_ns) {
    delay->start_was_outage = true;
    delay->outages++;
  }
}

/* ---- packets ---- */

void paw_playout_delay_start(struct paw_playout_delay *delay, uint64_t media_rtp,
                             uint64_t arrival_ns) {
  int64_t moved_ns = (int64_t)(arrival_ns - delay->epoch_ns);
  delay->epoch_ns = arrival_ns;
  delay->origin_rtp = media_rtp;
  delay->highest_rtp = media_rtp;
  delay->base_ns = 0;
  delay->transit_ns = 0;
  delay->train.packets = 0;
  delay->moved.count = 0;
  delay->start_was_outage = false;
  paw_playout_base_start(&delay->base);
  for (size_t i = 0; i < PAW_PLAYOUT_DELAY_SECONDS; i++) {
    delay->seconds[i].begin_ns = clamp(delay->seconds[i].begin_ns, -SINCE_MAX_NS, SINCE_MAX_NS) -
                                 clamp(moved_ns, -SINCE_MAX_NS, SINCE_MAX_NS);
  }
}

/* A distance that is met twice on end, or is less than any before, is a packet's length; others
 * come of losses. */
static void note_media(struct paw_playout_delay *delay, uint64_t media_rtp) {
  int64_t ahead_rtp = (int64_t)(media_rtp - delay->highest_rtp);
  if (ahead_rtp <= 0) {
    return;
  }
  int64_t distance_ns = PACKET_MAX_NS;
  if (ahead_rtp < paw_playout_ns_to_rtp(PACKET_MAX_NS)) {
    distance_ns = paw_playout_rtp_to_ns(ahead_rtp);
  }
  if (distance_ns < delay->packet_ns || distance_ns == delay->distance_ns) {
    delay->packet_ns = distance_ns;
  }
  delay->highest_rtp = media_rtp;
  delay->distance_ns = distance_ns;
  paw_playout_histogram_age(&delay->histogram, distance_ns);
  paw_playout_budget_age(&delay->budget, distance_ns);
}

/* RFC 3550 section 6.4.1, in ns. */
static void update_jitter(struct paw_playout_delay *delay, int64_t transit_ns) {
  int64_t difference_ns = transit_ns - delay->transit_ns;
  delay->transit_ns = transit_ns;
  delay->jitter_ns +=
      ((difference_ns < 0 ? -difference_ns : difference_ns) - delay->jitter_ns) / 16;
}

/* A packet is in time when its first sample is due after all that was rendered at its arrival. */
static int64_t needed(const struct paw_playout_delay *delay, const struct sample *sample) {
  int64_t relative_ns =
      sample->transit_ns - delay->base_ns - paw_playout_base_trend(&delay->base, sample->now_ns);
  if (sample->lead_ns != LEAD_UNKNOWN) {
    relative_ns += sample->lead_ns - delay->usual_lead_ns;
  }
  return relative_ns > 0 ? relative_ns : 0;
}

void paw_playout_delay_note(struct paw_playout_delay *delay, uint64_t media_rtp,
                            uint64_t arrival_ns, uint64_t rendered_until_ns) {
  struct sample sample = {.now_ns = since_epoch(delay, arrival_ns), .lead_ns = LEAD_UNKNOWN};
  sample.transit_ns = sample.now_ns - media_ns(delay, media_rtp);
  size_t seconds = delay->second_count;
  struct paw_playout_delay_second *second = current_second(delay, sample.now_ns);
  if (delay->second_count > seconds) {
    give_up(delay);
  }
  note_media(delay, media_rtp);
  if (rendered_until_ns > 0) {
    sample.lead_ns = clamp(since_epoch(delay, rendered_until_ns) - sample.now_ns, 0, delay->max_ns);
    note_lead(delay, second, sample.lead_ns);
  }
  paw_playout_base_note(&delay->base, sample.now_ns, sample.transit_ns);
  delay->base_ns = delay->base.floor_ns;
  check_moved(delay, sample.now_ns);
  sample.needed_ns = needed(delay, &sample);
  note_most(delay, second, &sample);
  note_needed(delay, &sample);
  update_target(delay, second);
  update_jitter(delay, sample.transit_ns);
}

/* ---- asking ---- */

int64_t paw_playout_delay_target_ns(const struct paw_playout_delay *delay) {
  return delay->target_ns;
}

int64_t paw_playout_delay_until(const struct paw_playout_delay *delay, uint64_t media_rtp,
                                uint64_t time_ns) {
  return delay->base_ns + delay->target_ns - paw_playout_delay_transit(delay, media_rtp, time_ns);
}

uint64_t paw_playout_delay_due(const struct paw_playout_delay *delay, uint64_t time_ns) {
  int64_t now_ns = since_epoch(delay, time_ns);
  int64_t due_ns =
      now_ns - paw_playout_base_trend(&delay->base, now_ns) - delay->base_ns - delay->target_ns;
  return delay->origin_rtp + (uint64_t)paw_playout_ns_to_rtp(due_ns);
}
