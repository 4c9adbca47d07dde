/* SPDX-License-Identifier: MIT */
/* Receiver reports to encoder advice. A programme is encoded once, so the receiver that loses most
 * decides how: with in-band FEC or without, and for how much loss.
 *
 * Each subscriber counts in one of 101 places by its loss, so that a report costs the same however
 * many there are. What is advised rises at once and falls only when nothing has asked for as much
 * for a while: reports that lie by turns do not make it flap. */
#include "hub/hub_private.h"

#define PERCENT_MAX 100

/* Below this a lost frame now and then is better concealed than paid for by every frame. */
#define ON_PERCENT 2
#define OFF_PERCENT 1

/* libopus makes no redundancy for less at the bit rates in use (24 to 48 kbit/s). */
#define ADVICE_MIN_PERCENT 10
#define ADVICE_STEP_PERCENT 5 /* finer ones change nothing that can be heard */

#define HOLD_NS (10 * PAW_NS_PER_S)

/* Reports come every second, from browsers every five: who is silent for so long does not count. */
#define STALE_NS (15 * PAW_NS_PER_S)

static uint8_t round_up(uint8_t percent) {
  unsigned least = percent < ADVICE_MIN_PERCENT ? ADVICE_MIN_PERCENT : percent;
  unsigned steps = (least + ADVICE_STEP_PERCENT - 1) / ADVICE_STEP_PERCENT;
  return (uint8_t)(steps * ADVICE_STEP_PERCENT);
}

static uint8_t get_worst(const struct paw_hub_advisor *advisor) {
  uint8_t percent = PERCENT_MAX;
  while (percent > 0 && advisor->counts[percent] == 0) {
    percent--;
  }
  return percent;
}

static void advise(struct paw_hub_advisor *advisor, uint64_t now_ns, uint8_t percent) {
  advisor->is_to_tell = advisor->is_to_tell || percent != advisor->percent;
  advisor->percent = percent;
  advisor->peak_percent = 0;
  advisor->since_ns = now_ns;
}

static void consider(struct paw_hub_advisor *advisor, uint64_t now_ns) {
  uint8_t limit = advisor->percent > 0 ? OFF_PERCENT : ON_PERCENT;
  uint8_t needed = advisor->worst > limit ? round_up(advisor->worst) : 0;
  if (needed >= advisor->percent) {
    advise(advisor, now_ns, needed);
    return;
  }
  advisor->peak_percent = needed > advisor->peak_percent ? needed : advisor->peak_percent;
  if (paw_time_elapsed(now_ns, advisor->since_ns) >= HOLD_NS) {
    advise(advisor, now_ns, advisor->peak_percent);
  }
}

/* ---- who counts ---- */

static void uncount(struct paw_hub *hub, struct paw_hub_slot *slot) {
  struct paw_hub_advisor *advisor = &slot->track->advisor;
  if (slot->counts_loss) {
    slot->counts_loss = false;
    advisor->counts[slot->loss_percent]--;
    advisor->worst = get_worst(advisor);
    consider(advisor, hub->clock.now_ns);
  }
}

static void count(struct paw_hub *hub, struct paw_hub_slot *slot) {
  struct paw_hub_advisor *advisor = &slot->track->advisor;
  slot->counts_loss = true;
  advisor->counts[slot->loss_percent]++;
  advisor->worst = get_worst(advisor);
  consider(advisor, hub->clock.now_ns);
}

void paw_hub_adapt_report(struct paw_hub *hub, uint32_t index) {
  struct paw_hub_slot *slot = &hub->slots[index];
  uint32_t report_count = paw_rtc_get_report_count(slot->rtc);
  if (report_count == slot->report_count) {
    return;
  }
  slot->report_count = report_count;
  slot->reported_ns = hub->clock.now_ns;
  if (slot->track == NULL) {
    return;
  }
  if (slot->counts_loss) { /* in one step, so that the way is not taken for a fall */
    slot->track->advisor.counts[slot->loss_percent]--;
  }
  slot->loss_percent = paw_rtc_get_loss_percent(slot->rtc);
  count(hub, slot);
}

void paw_hub_adapt_leave(struct paw_hub *hub, uint32_t index) {
  uncount(hub, &hub->slots[index]);
}

/* With each frame one subscriber is looked at, so that all are within seconds. */
void paw_hub_adapt_pass(struct paw_hub *hub, struct paw_hub_track *track) {
  struct paw_hub_advisor *advisor = &track->advisor;
  if (track->subscriber_count > 0) {
    advisor->next = (advisor->next + 1) % track->subscriber_count;
    struct paw_hub_slot *slot = &hub->slots[track->subscribers[advisor->next]];
    if (paw_time_elapsed(hub->clock.now_ns, slot->reported_ns) >= STALE_NS) {
      uncount(hub, slot);
    }
  }
  consider(advisor, hub->clock.now_ns);
}

bool paw_hub_poll_advice(struct paw_hub *hub, struct paw_hub_track **track,
                         struct paw_encoder_advice *out) {
  for (size_t i = 0; i < hub->tracks_end; i++) {
    if (hub->tracks[i] != NULL && hub->tracks[i]->advisor.is_to_tell) {
      struct paw_hub_advisor *advisor = &hub->tracks[i]->advisor;
      advisor->is_to_tell = false;
      *track = hub->tracks[i];
      *out = (struct paw_encoder_advice){
          .packet_loss_percent = advisor->percent,
          .inband_fec = advisor->percent > 0,
      };
      return true;
    }
  }
  return false;
}
