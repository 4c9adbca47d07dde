/* SPDX-License-Identifier: MIT */
#include "playout/playout.h"

/* A packet that comes this much after its successor was reordered, not lost. */
#define GUARD_NS (2 * PAW_NS_PER_MS)

/* A shorter distance would ask twice for one answer where the round trip is not well known. */
#define REPEAT_MIN_NS (6 * PAW_NS_PER_MS)

/* One RTCP packet in this time. */
#define BATCH_NS (2 * PAW_NS_PER_MS)

#define ASKS_MAX 12

/* What is sent again may be 40 % of what is sent, and at once as much as answers the requests for
 * an outage of as many 20 ms packets as are guessed. An unanswered request costs nothing: in a
 * burst it did not get through, or the answer did not, and the number of requests has its own
 * bounds. */
#define EARNED_PERCENT 40
#define CREDIT_MAX_RTP ((int64_t)PAW_PLAYOUT_GUESSES_MAX * 960)

/* One packet in fifty comes later than usual: each pushes the estimate up by as much as fifty
 * others let it fall. */
#define USUAL_UP_NS ((int64_t)PAW_NS_PER_MS)
#define USUAL_DOWN_NS (USUAL_UP_NS / 50)

/* Reordering seen once is expected for about so many packets. */
#define GUARD_PACKETS 500

/* Taken while the round trip is not known: a busy Wi-Fi. */
#define RTT_UNKNOWN_NS (10 * PAW_NS_PER_MS)

static uint64_t rtt(const struct paw_playout_repair *repair) {
  return repair->rtt_ns > 0 ? repair->rtt_ns : RTT_UNKNOWN_NS;
}

void paw_playout_repair_init(struct paw_playout_repair *repair) {
  *repair = (struct paw_playout_repair){.guard_ns = GUARD_NS, .credit_rtp = CREDIT_MAX_RTP};
}

void paw_playout_repair_earn(struct paw_playout_repair *repair, uint64_t duration_rtp) {
  uint64_t most_rtp = (uint64_t)CREDIT_MAX_RTP * 100 / EARNED_PERCENT;
  uint64_t sent_rtp = duration_rtp < most_rtp ? duration_rtp : most_rtp;
  repair->credit_rtp += (int64_t)sent_rtp * EARNED_PERCENT / 100;
  repair->credit_rtp = repair->credit_rtp < CREDIT_MAX_RTP ? repair->credit_rtp : CREDIT_MAX_RTP;
}

void paw_playout_repair_spend(struct paw_playout_repair *repair, uint32_t duration_rtp) {
  repair->credit_rtp -= duration_rtp;
  repair->credit_rtp = repair->credit_rtp > -CREDIT_MAX_RTP ? repair->credit_rtp : -CREDIT_MAX_RTP;
}

void paw_playout_repair_note_vain(struct paw_playout_repair *repair) {
  repair->usual_ns += USUAL_UP_NS;
}

/* Twice the extent that was seen: others will be somewhat larger. */
void paw_playout_repair_note(struct paw_playout *player, int64_t late_ns, uint64_t after_ns) {
  struct paw_playout_repair *repair = &player->repair;
  repair->usual_ns += late_ns > repair->usual_ns ? USUAL_UP_NS : -USUAL_DOWN_NS;
  repair->usual_ns = repair->usual_ns > 0 ? repair->usual_ns : 0;
  repair->guard_ns -= (repair->guard_ns - GUARD_NS) / GUARD_PACKETS;
  if (2 * after_ns > repair->guard_ns) {
    repair->guard_ns = 2 * after_ns;
  }
}

/* From when a packet is due at the base delay until it is missing: the usual jitter, and half a
 * packet's time more. Half the delay is left for the answer. */
static int64_t missing_after(const struct paw_playout *player) {
  const struct paw_playout_delay *delay = &player->delay;
  int64_t half_ns = paw_playout_rtp_to_ns(player->ledger.duration_rtp) / 2;
  int64_t wait_ns = delay->jitter_ns + (half_ns > (int64_t)GUARD_NS ? half_ns : (int64_t)GUARD_NS);
  int64_t most_ns = paw_playout_delay_target_ns(delay) / 2;
  int64_t usual_ns = player->repair.usual_ns < most_ns ? player->repair.usual_ns : most_ns;
  return wait_ns > usual_ns ? wait_ns : usual_ns;
}

/* Where there is more time, the requests are shared out over it: a burst may be as long. */
static uint64_t repeat_after(const struct paw_playout *player) {
  uint64_t spaced_ns = rtt(&player->repair) / 4 * 5;
  int64_t left_ns = paw_playout_delay_target_ns(&player->delay) - missing_after(player);
  uint64_t share_ns = left_ns > 0 ? (uint64_t)left_ns / ASKS_MAX : 0;
  spaced_ns = spaced_ns > share_ns ? spaced_ns : share_ns;
  return spaced_ns > REPEAT_MIN_NS ? spaced_ns : REPEAT_MIN_NS;
}

/* From `now_ns` until the first request. */
static int64_t until_late(const struct paw_playout *player, uint64_t media_rtp, uint64_t now_ns) {
  return paw_playout_delay_until(&player->delay, media_rtp, now_ns) -
         paw_playout_delay_target_ns(&player->delay) + missing_after(player);
}

/* From `ask_ns` until an answer is of no use: a packet's time later than it should sound it still
 * sets the decoder right. What is only guessed must come in time. */
static int64_t until_useless(struct paw_playout *player, const struct paw_playout_entry *entry,
                             uint64_t ask_ns) {
  const struct paw_playout_delay *delay = &player->delay;
  uint32_t duration_rtp = player->ledger.duration_rtp;
  if (paw_playout_buffer_find(&player->buffer, entry->media_rtp) != NULL ||
      paw_playout_rewind_is_over(player, entry->media_rtp, entry->media_rtp + duration_rtp)) {
    return 0;
  }
  int64_t lead_ns = delay->lead_ns > 0 ? delay->lead_ns : 0;
  int64_t early_ns = paw_playout_pace_early_ns(player); /* negative: heard later than due */
  int64_t slot_ns = paw_playout_delay_until(delay, entry->media_rtp, ask_ns) - lead_ns -
                    (early_ns < 0 ? early_ns : 0);
  bool is_guess = entry->sequence > player->ledger.highest;
  return slot_ns + (is_guess ? 0 : paw_playout_rtp_to_ns(duration_rtp));
}

/* When a packet will be late that begins here, at the earliest now. */
static uint64_t late_ns(const struct paw_playout *player, uint64_t media_rtp, uint64_t now_ns) {
  int64_t wait_ns = until_late(player, media_rtp, now_ns);
  return wait_ns > 0 ? paw_time_add(now_ns, (uint64_t)wait_ns) : now_ns;
}

/* Its successor came and it did not: that may tell sooner. */
static uint64_t missing_ns(const struct paw_playout *player, const struct paw_playout_entry *entry,
                           uint64_t now_ns) {
  uint64_t ask_ns = late_ns(player, entry->media_rtp, now_ns);
  if (entry->passed_ns == 0) {
    return ask_ns;
  }
  uint64_t passed_ns = paw_time_add(entry->passed_ns, player->repair.guard_ns);
  passed_ns = passed_ns > now_ns ? passed_ns : now_ns;
  return passed_ns < ask_ns ? passed_ns : ask_ns;
}

/* A copy that will be there in time, even if it has to be asked for in the end, is waited for. */
static uint64_t first_ask(struct paw_playout *player, const struct paw_playout_entry *entry,
                          uint64_t now_ns) {
  uint64_t ask_ns = missing_ns(player, entry, now_ns);
  if (player->repair.copy_rtp == 0) {
    return ask_ns;
  }
  uint64_t copy_ns = late_ns(player, entry->media_rtp + player->repair.copy_rtp, now_ns);
  bool has_time = until_useless(player, entry, copy_ns) > (int64_t)rtt(&player->repair);
  return has_time && copy_ns > ask_ns ? copy_ns : ask_ns;
}

/* When to ask for this one, now or later; PAW_TIME_NEVER when that would be of no use. */
static uint64_t ask_time(struct paw_playout *player, const struct paw_playout_entry *entry,
                         uint64_t now_ns) {
  if (entry->arrival != PAW_PLAYOUT_ARRIVAL_NONE || entry->asks >= ASKS_MAX) {
    return PAW_TIME_NEVER;
  }
  uint64_t ask_ns = first_ask(player, entry, now_ns);
  if (entry->asks > 0) {
    ask_ns = entry->ask_ns > now_ns ? entry->ask_ns : now_ns;
  }
  bool helps = until_useless(player, entry, ask_ns) > (int64_t)rtt(&player->repair);
  return helps ? ask_ns : PAW_TIME_NEVER;
}

static bool is_asking(const struct paw_playout *player) {
  return player->repair.enabled && player->repair.credit_rtp > 0 &&
         (player->state == PAW_PLAYOUT_WAITING || player->state == PAW_PLAYOUT_PLAYING);
}

/* Past the highest number seen, packets are only guessed; none while the sender is silent. */
static uint64_t last_to_ask(const struct paw_playout *player) {
  return player->ledger.highest + (player->ledger.is_dtx ? 0 : PAW_PLAYOUT_GUESSES_MAX);
}

/* Guesses come one after the other: where one is not due, none after it is. */
static bool is_first_of_rest(const struct paw_playout *player,
                             const struct paw_playout_entry *entry) {
  return entry->asks == 0 && entry->sequence > player->ledger.highest;
}

/* No more at once than there is credit for. */
static size_t most_asks(const struct paw_playout *player) {
  size_t most = (size_t)player->repair.credit_rtp / player->ledger.duration_rtp + 1;
  return most < PAW_PLAYOUT_NACK_MAX ? most : PAW_PLAYOUT_NACK_MAX;
}

size_t paw_playout_repair_collect(struct paw_playout *player, uint64_t now_ns) {
  struct paw_playout_repair *repair = &player->repair;
  size_t count = 0;
  if (!is_asking(player) || now_ns < repair->next_ns) {
    return 0;
  }
  uint64_t last = last_to_ask(player);
  size_t most = most_asks(player);
  for (uint64_t i = player->ledger.open; i <= last && count < most; i++) {
    struct paw_playout_entry *entry = paw_playout_ledger_get(&player->ledger, i);
    if (ask_time(player, entry, now_ns) == now_ns) {
      entry->asked_ns = entry->asks == 0 ? now_ns : entry->asked_ns;
      entry->asks++;
      entry->ask_ns = paw_time_add(now_ns, repeat_after(player));
      repair->sequences[count++] = (uint16_t)i;
    } else if (is_first_of_rest(player, entry)) {
      break;
    }
  }
  if (count > 0) {
    repair->next_ns = paw_time_add(now_ns, BATCH_NS);
  }
  return count;
}

/* What comes sooner than a round trip after the request was on its way anyhow; one that is not held
 * up takes a quarter of the mean at least. What comes with another time stamp than expected was not
 * sent then. A first packet that is taken for an answer is told by the answer that follows. */
bool paw_playout_repair_is_answer(const struct paw_playout *player,
                                  const struct paw_playout_entry *entry, uint64_t media_rtp,
                                  uint64_t arrival_ns) {
  return entry->asks > 0 && entry->media_rtp == media_rtp &&
         paw_time_elapsed(arrival_ns, entry->asked_ns) >= player->repair.rtt_ns / 4;
}

uint64_t paw_playout_repair_deadline(struct paw_playout *player, uint64_t now_ns) {
  uint64_t deadline_ns = PAW_TIME_NEVER;
  if (!is_asking(player)) {
    return deadline_ns;
  }
  uint64_t last = last_to_ask(player);
  for (uint64_t i = player->ledger.open; i <= last; i++) {
    const struct paw_playout_entry *entry = paw_playout_ledger_get(&player->ledger, i);
    uint64_t ask_ns = ask_time(player, entry, now_ns);
    deadline_ns = ask_ns < deadline_ns ? ask_ns : deadline_ns;
    if (is_first_of_rest(player, entry)) {
      break;
    }
  }
  if (deadline_ns == PAW_TIME_NEVER) {
    return deadline_ns;
  }
  return deadline_ns > player->repair.next_ns ? deadline_ns : player->repair.next_ns;
}
