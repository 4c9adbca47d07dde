/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "playout/playout.h"

/* Losses fade to 1/e in so much sound: a burst is believed in a second, and forgotten in a minute.
 */
#define FADE_NS ((double)(15 * PAW_NS_PER_S))

/* Before anything is known there were 2 s without loss: the first lost packet proves little. */
#define PRIOR_NS ((double)(2 * PAW_NS_PER_S))

/* Delay is spent from the first share on, until it is below the second; and one accident, however
 * long, is no habit. */
#define LOSSY_SHARE 0.005
#define CLEAN_SHARE 0.003
#define LOSSY_BURSTS 1.5

/* What may remain lost. */
#define RESIDUAL_SHARE 0.0025

/* Until a packet is found missing: half a packet, at least the guard against reordering, and the
 * usual jitter with the time that the request waits for others. */
#define GUARD_NS ((int64_t)(2 * PAW_NS_PER_MS))
#define DETECT_NS ((int64_t)(4 * PAW_NS_PER_MS))

/* Requests for one packet follow each other after 1.25 round trips, or this. */
#define REPEAT_MIN_NS ((int64_t)(6 * PAW_NS_PER_MS))

/* Taken while the round trip is not known: a busy Wi-Fi. */
#define RTT_UNKNOWN_NS ((int64_t)(10 * PAW_NS_PER_MS))

/* More than that is no round trip that repair could wait for. */
#define RTT_MAX_NS (10 * PAW_NS_PER_S)

/* A sender that has copies sends them with each packet. */
#define COPIES_NS ((int64_t)(2 * PAW_NS_PER_S))

void paw_playout_budget_init(struct paw_playout_budget *budget) {
  *budget = (struct paw_playout_budget){.sent_ns = PRIOR_NS};
}

/* RFC 6298 section 2, with its gains. */
void paw_playout_budget_note_rtt(struct paw_playout_budget *budget, uint64_t rtt_ns) {
  int64_t taken_ns = (int64_t)(rtt_ns < RTT_MAX_NS ? rtt_ns : RTT_MAX_NS);
  if (budget->rtt_ns == 0 || taken_ns == 0) {
    budget->rtt_ns = taken_ns;
    budget->rtt_deviation_ns = 0;
    return;
  }
  int64_t off_ns = taken_ns - budget->rtt_ns;
  budget->rtt_deviation_ns += ((off_ns < 0 ? -off_ns : off_ns) - budget->rtt_deviation_ns) / 4;
  budget->rtt_ns += off_ns / 8;
}

void paw_playout_budget_note_fate(struct paw_playout_budget *budget, bool was_lost,
                                  int64_t duration_ns) {
  double keep = fmax(0, 1 - (double)duration_ns / FADE_NS);
  budget->packet_ns = duration_ns;
  budget->sent_ns = budget->sent_ns * keep + (double)duration_ns;
  budget->lost_ns = budget->lost_ns * keep + (was_lost ? (double)duration_ns : 0);
  budget->lost = budget->lost * keep + (was_lost ? 1 : 0);
  budget->bursts = budget->bursts * keep + (was_lost && !budget->last_was_lost ? 1 : 0);
  budget->last_was_lost = was_lost;
  double share = budget->lost_ns / budget->sent_ns;
  if (share > LOSSY_SHARE && budget->bursts >= LOSSY_BURSTS) {
    budget->is_lossy = true;
  } else if (share < CLEAN_SHARE) {
    budget->is_lossy = false;
  }
}

/* The farthest one counts, for as long as it is sent. */
void paw_playout_budget_note_copies(struct paw_playout_budget *budget, int64_t distance_ns) {
  if (distance_ns >= budget->copies_ns || budget->copies_left_ns <= 0) {
    budget->copies_ns = distance_ns;
    budget->copies_left_ns = COPIES_NS;
  }
}

void paw_playout_budget_age(struct paw_playout_budget *budget, int64_t duration_ns) {
  if (budget->copies_left_ns > 0) {
    budget->copies_left_ns -= duration_ns;
  }
}

/* Two mean deviations above the mean: 95 % are below. */
static int64_t rtt_p95(const struct paw_playout_budget *budget) {
  return budget->rtt_ns > 0 ? budget->rtt_ns + 2 * budget->rtt_deviation_ns : RTT_UNKNOWN_NS;
}

static int64_t repeat_ns(const struct paw_playout_budget *budget) {
  int64_t spaced_ns = budget->rtt_ns / 4 * 5;
  return spaced_ns > REPEAT_MIN_NS ? spaced_ns : REPEAT_MIN_NS;
}

/* The time in which the share that is still missing falls to 1/e. In bursts, by the chance that the
 * next packet after a lost one is lost too: were they exponentially long, this is their mean.
 * Where losses come alone it is what the repetitions of the request need. */
static double patience_ns(const struct paw_playout_budget *budget, double share) {
  double alone_ns = (double)repeat_ns(budget) / -log(fmin(share, 0.9));
  double goes_on = fmin(1 - budget->bursts / budget->lost, 0.99);
  double burst_ns = goes_on > 0 ? (double)budget->packet_ns / -log(goes_on) : 0;
  return fmax(alone_ns, burst_ns);
}

int64_t paw_playout_budget_ns(const struct paw_playout_budget *budget, int64_t jitter_ns) {
  if (!budget->is_lossy) {
    return 0;
  }
  if (!budget->nack) {
    return budget->copies_left_ns > 0 ? budget->copies_ns + jitter_ns : 0;
  }
  double share = budget->lost_ns / budget->sent_ns;
  int64_t half_ns = budget->packet_ns / 2;
  int64_t wait_ns = (half_ns > GUARD_NS ? half_ns : GUARD_NS) + DETECT_NS + rtt_p95(budget);
  wait_ns += repeat_ns(budget) / 2; /* a burst ends between two requests */
  return wait_ns + (int64_t)(patience_ns(budget, share) * log(share / RESIDUAL_SHARE));
}
