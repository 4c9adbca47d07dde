/* SPDX-License-Identifier: MIT */
#include "playout/playout.h"

/* A packet that comes this much after its successor was reordered, not lost. */
#define GUARD_NS (2 * PAW_NS_PER_MS)

/* A shorter distance would ask twice for one answer where the round trip is not well known. */
#define REPEAT_MIN_NS (6 * PAW_NS_PER_MS)

/* One RTCP packet in this time. */
#define BATCH_NS (2 * PAW_NS_PER_MS)

#define ASKS_MAX 12

/* Taken while the round trip is not known: a busy Wi-Fi. */
#define RTT_UNKNOWN_NS (10 * PAW_NS_PER_MS)

static uint64_t rtt(const struct paw_playout_repair *repair) {
  return repair->rtt_ns > 0 ? repair->rtt_ns : RTT_UNKNOWN_NS;
}

static uint64_t repeat_after(const struct paw_playout_repair *repair) {
  uint64_t spaced_ns = rtt(repair) / 4 * 5;
  return spaced_ns > REPEAT_MIN_NS ? spaced_ns : REPEAT_MIN_NS;
}

/* From `now_ns` until the first request: a packet is due at the base delay and the usual jitter,
 * and half a packet's time more makes it missing. */
static int64_t until_first(const struct paw_playout *player, uint64_t media_rtp, uint64_t now_ns) {
  const struct paw_playout_delay *delay = &player->delay;
  int64_t half_ns = paw_playout_rtp_to_ns(player->ledger.duration_rtp) / 2;
  int64_t due_ns = paw_playout_delay_until(delay, media_rtp, now_ns) -
                   paw_playout_delay_target_ns(delay) + delay->jitter_ns;
  return due_ns + (half_ns > (int64_t)GUARD_NS ? half_ns : (int64_t)GUARD_NS);
}

/* When to ask for this one, now or later; PAW_TIME_NEVER when that would be of no use. */
static uint64_t ask_time(struct paw_playout *player, const struct paw_playout_entry *entry,
                         uint64_t now_ns) {
  if (entry->arrival != PAW_PLAYOUT_ARRIVAL_NONE || entry->asks >= ASKS_MAX) {
    return PAW_TIME_NEVER;
  }
  int64_t wait_ns = until_first(player, entry->media_rtp, now_ns);
  uint64_t ask_ns = wait_ns > 0 ? paw_time_add(now_ns, (uint64_t)wait_ns) : now_ns;
  if (entry->asks > 0 && entry->ask_ns > ask_ns) {
    ask_ns = entry->ask_ns;
  }
  int64_t lead_ns = player->delay.lead_ns > 0 ? player->delay.lead_ns : 0;
  int64_t left_ns = paw_playout_delay_until(&player->delay, entry->media_rtp, ask_ns) - lead_ns;
  bool helps = left_ns > (int64_t)rtt(&player->repair) &&
               paw_playout_buffer_find(&player->buffer, entry->media_rtp) == NULL;
  return helps ? ask_ns : PAW_TIME_NEVER;
}

static bool is_asking(const struct paw_playout *player) {
  return player->repair.enabled &&
         (player->state == PAW_PLAYOUT_WAITING || player->state == PAW_PLAYOUT_PLAYING);
}

/* Past the highest number seen, packets are only guessed; none while the sender is silent. */
static uint64_t last_to_ask(const struct paw_playout *player) {
  return player->ledger.highest + (player->ledger.is_dtx ? 0 : PAW_PLAYOUT_GUESSES_MAX);
}

size_t paw_playout_repair_collect(struct paw_playout *player, uint64_t now_ns) {
  struct paw_playout_repair *repair = &player->repair;
  size_t count = 0;
  if (!is_asking(player) || now_ns < repair->next_ns) {
    return 0;
  }
  uint64_t last = last_to_ask(player);
  for (uint64_t i = player->ledger.open; i <= last && count < PAW_PLAYOUT_NACK_MAX; i++) {
    struct paw_playout_entry *entry = paw_playout_ledger_get(&player->ledger, i);
    if (ask_time(player, entry, now_ns) == now_ns) {
      entry->asked_ns = entry->asks == 0 ? now_ns : entry->asked_ns;
      entry->asks++;
      entry->ask_ns = paw_time_add(now_ns, repeat_after(repair));
      repair->sequences[count++] = (uint16_t)i;
    }
  }
  if (count > 0) {
    repair->next_ns = paw_time_add(now_ns, BATCH_NS);
  }
  return count;
}

/* What comes sooner than a round trip after the request was on its way anyhow, and what comes with
 * another time stamp than expected was not sent then. */
bool paw_playout_repair_is_answer(const struct paw_playout *player,
                                  const struct paw_playout_entry *entry, uint64_t media_rtp,
                                  uint64_t arrival_ns) {
  return entry->asks > 0 && entry->media_rtp == media_rtp &&
         paw_time_elapsed(arrival_ns, entry->asked_ns) >= player->repair.rtt_ns / 4 * 3;
}

uint64_t paw_playout_repair_deadline(struct paw_playout *player, uint64_t now_ns) {
  uint64_t deadline_ns = PAW_TIME_NEVER;
  if (!is_asking(player)) {
    return deadline_ns;
  }
  uint64_t last = last_to_ask(player);
  for (uint64_t i = player->ledger.open; i <= last; i++) {
    uint64_t ask_ns = ask_time(player, paw_playout_ledger_get(&player->ledger, i), now_ns);
    deadline_ns = ask_ns < deadline_ns ? ask_ns : deadline_ns;
  }
  if (deadline_ns == PAW_TIME_NEVER) {
    return deadline_ns;
  }
  return deadline_ns > player->repair.next_ns ? deadline_ns : player->repair.next_ns;
}
