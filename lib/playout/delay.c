/* SPDX-License-Identifier: MIT */
#include "playout/playout.h"

/* A sound device that asks for samples this long before they are due leaves no room for jitter. */
#define LEAD_MARGIN_NS ((int64_t)(10 * PAW_NS_PER_MS))

/* Keeps products of times in range: 36 years. */
#define SINCE_MAX_NS (INT64_C(1) << 60)

void paw_playout_delay_init(struct paw_playout_delay *delay, uint64_t target_ns, uint64_t max_ns) {
  *delay = (struct paw_playout_delay){
      .configured_ns = (int64_t)target_ns,
      .max_ns = (int64_t)max_ns,
  };
}

static int64_t since_epoch(const struct paw_playout_delay *delay, uint64_t time_ns) {
  int64_t since_ns = (int64_t)(time_ns - delay->epoch_ns);
  if (since_ns > SINCE_MAX_NS) {
    return SINCE_MAX_NS;
  }
  return since_ns < -SINCE_MAX_NS ? -SINCE_MAX_NS : since_ns;
}

static int64_t media_ns(const struct paw_playout_delay *delay, uint64_t media_rtp) {
  return paw_playout_rtp_to_ns((int64_t)(media_rtp - delay->origin_rtp));
}

static struct paw_playout_delay_second *get_second(struct paw_playout_delay *delay, size_t number) {
  return &delay->seconds[number % PAW_PLAYOUT_DELAY_SECONDS];
}

/* Seconds without packets do not exist: a pause does not wipe out what is known. */
static struct paw_playout_delay_second *current_second(struct paw_playout_delay *delay,
                                                       int64_t now_ns, int64_t transit_ns) {
  if (delay->second_count > 0) {
    struct paw_playout_delay_second *newest = get_second(delay, delay->second_count - 1);
    if (now_ns - newest->begin_ns < (int64_t)PAW_NS_PER_S) {
      return newest;
    }
  }
  struct paw_playout_delay_second *second = get_second(delay, delay->second_count++);
  *second = (struct paw_playout_delay_second){.begin_ns = now_ns, .transit_min_ns = transit_ns};
  return second;
}

static void update_window(struct paw_playout_delay *delay) {
  size_t count = delay->second_count < PAW_PLAYOUT_DELAY_SECONDS ? delay->second_count
                                                                 : PAW_PLAYOUT_DELAY_SECONDS;
  delay->base_ns = delay->seconds[0].transit_min_ns;
  delay->lead_ns = delay->seconds[0].lead_max_ns;
  for (size_t i = 1; i < count; i++) {
    const struct paw_playout_delay_second *second = &delay->seconds[i];
    if (second->transit_min_ns < delay->base_ns) {
      delay->base_ns = second->transit_min_ns;
    }
    if (second->lead_max_ns > delay->lead_ns) {
      delay->lead_ns = second->lead_max_ns;
    }
  }
}

void paw_playout_delay_start(struct paw_playout_delay *delay, uint64_t media_rtp,
                             uint64_t arrival_ns) {
  delay->epoch_ns = arrival_ns;
  delay->origin_rtp = media_rtp;
  delay->second_count = 0;
  delay->base_ns = 0;
  delay->transit_ns = 0;
}

int64_t paw_playout_delay_transit(const struct paw_playout_delay *delay, uint64_t media_rtp,
                                  uint64_t arrival_ns) {
  return since_epoch(delay, arrival_ns) - media_ns(delay, media_rtp);
}

/* RFC 3550 section 6.4.1, in ns. */
static void update_jitter(struct paw_playout_delay *delay, int64_t transit_ns) {
  int64_t difference_ns = transit_ns - delay->transit_ns;
  delay->transit_ns = transit_ns;
  delay->jitter_ns +=
      ((difference_ns < 0 ? -difference_ns : difference_ns) - delay->jitter_ns) / 16;
}

void paw_playout_delay_note(struct paw_playout_delay *delay, uint64_t media_rtp,
                            uint64_t arrival_ns, uint64_t rendered_until_ns) {
  int64_t now_ns = since_epoch(delay, arrival_ns);
  int64_t transit_ns = now_ns - media_ns(delay, media_rtp);
  int64_t lead_ns = rendered_until_ns > 0 ? since_epoch(delay, rendered_until_ns) - now_ns : 0;
  struct paw_playout_delay_second *second = current_second(delay, now_ns, transit_ns);
  if (transit_ns < second->transit_min_ns) {
    second->transit_min_ns = transit_ns;
  }
  if (lead_ns > second->lead_max_ns) {
    second->lead_max_ns = lead_ns;
  }
  update_window(delay);
  update_jitter(delay, transit_ns);
}

int64_t paw_playout_delay_target_ns(const struct paw_playout_delay *delay) {
  int64_t least_ns = delay->lead_ns > 0 ? delay->lead_ns + LEAD_MARGIN_NS : 0;
  int64_t target_ns = delay->configured_ns > least_ns ? delay->configured_ns : least_ns;
  return target_ns < delay->max_ns ? target_ns : delay->max_ns;
}

int64_t paw_playout_delay_until(const struct paw_playout_delay *delay, uint64_t media_rtp,
                                uint64_t time_ns) {
  return media_ns(delay, media_rtp) + delay->base_ns + paw_playout_delay_target_ns(delay) -
         since_epoch(delay, time_ns);
}

uint64_t paw_playout_delay_due(const struct paw_playout_delay *delay, uint64_t time_ns) {
  int64_t due_ns =
      since_epoch(delay, time_ns) - delay->base_ns - paw_playout_delay_target_ns(delay);
  return delay->origin_rtp + (uint64_t)paw_playout_ns_to_rtp(due_ns);
}
