/* SPDX-License-Identifier: MIT */
#include "hub/hub_private.h"

#include "base/mem.h"

void paw_hub_config_init(struct paw_hub_config *config) {
  *config = (struct paw_hub_config){.struct_size = sizeof *config, .max_peers = 1024};
}

int paw_hub_new(const struct paw_hub_config *given, uint64_t now_ns, struct paw_hub **out) {
  struct paw_hub_config config;
  paw_hub_config_init(&config);
  int status = paw_config_take(&config, sizeof config, given);
  if (status != PAW_OK || config.max_peers == 0 || config.max_peers > PAW_HUB_PEERS_MAX) {
    return PAW_ERR_INVALID;
  }
  struct paw_hub *hub = paw_mem_alloc(&config.allocator, sizeof *hub);
  if (hub == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  hub->allocator = config.allocator;
  hub->max_peers = config.max_peers;
  hub->seed = config.seed;
  hub->clock.now_ns = now_ns;
  hub->free_slot = PAW_HUB_NONE;
  hub->free_path = PAW_HUB_NONE;
  hub->telling = PAW_HUB_NONE;
  hub->to_send = (struct paw_hub_list){PAW_HUB_NONE, PAW_HUB_NONE};
  hub->to_tell = (struct paw_hub_list){PAW_HUB_NONE, PAW_HUB_NONE};
  hub->arena = paw_mem_alloc(&hub->allocator, (size_t)PAW_HUB_BATCH_MAX * PAW_DATAGRAM_MAX);
  if (hub->arena == NULL) {
    paw_hub_free(hub);
    return PAW_ERR_NO_MEMORY;
  }
  *out = hub;
  return PAW_OK;
}

void paw_hub_free(struct paw_hub *hub) {
  if (hub == NULL) {
    return;
  }
  for (uint32_t i = 0; i < hub->slot_count; i++) {
    paw_rtc_free(hub->slots[i].rtc);
    hub->slots[i].rtc = NULL;
    hub->slots[i].track = NULL;
  }
  for (size_t i = 0; i < PAW_HUB_TRACKS_MAX; i++) {
    if (hub->tracks[i] != NULL) {
      paw_hub_track_free(hub, hub->tracks[i]);
    }
  }
  struct paw_allocator allocator = hub->allocator;
  paw_mem_free(&allocator, hub->slots);
  paw_mem_free(&allocator, hub->heap);
  paw_mem_free(&allocator, hub->ufrag_buckets);
  paw_mem_free(&allocator, hub->path_buckets);
  paw_mem_free(&allocator, hub->paths);
  paw_mem_free(&allocator, hub->arena);
  paw_mem_free(&allocator, hub);
}

/* ---- input ---- */

/* The pair of addresses counts for the peer from now on, and is in use: only an authenticated check
 * does that. What was found by its pair is the only one of its peer's nearly always, and has its
 * place. */
static void keep_path(struct paw_hub *hub, uint32_t slot, const struct paw_input *input,
                      bool by_path) {
  bool is_only = by_path && hub->slots[slot].path_count == 1;
  if (!is_only && paw_rtc_is_valid_path(hub->slots[slot].rtc, &input->local, &input->remote)) {
    paw_hub_index_path(hub, slot, &input->local, &input->remote);
  }
}

/* True when the peer's keys prove that it is its. */
static bool hand_over(struct paw_hub *hub, uint32_t slot, const struct paw_input *input,
                      bool by_path) {
  struct paw_rtc *rtc = hub->slots[slot].rtc;
  uint64_t authentic = paw_rtc_count_authentic(rtc);
  (void)paw_rtc_handle_input(rtc, input);
  paw_hub_adapt_report(hub, slot);
  keep_path(hub, slot, input, by_path);
  if (paw_rtc_is_at_rest(rtc)) { /* media, nearly always: 150 instructions fewer */
    paw_hub_mark_to_tell(hub, slot);
  } else {
    paw_hub_touch(hub, slot);
  }
  return paw_rtc_count_authentic(rtc) > authentic;
}

/* A member that forges the address of another gets the pair of addresses for its own connection
 * too. So media is tried until it proves whose it is, and DTLS on all of them, for most of it
 * cannot. Who did not get his comes last the next time, so that nobody waits behind others for
 * ever. STUN says itself whom it is for. */
static void receive(struct paw_hub *hub, const struct paw_input *input) {
  uint32_t slots[PAW_HUB_TRIES_MAX];
  size_t count = paw_hub_index_find(hub, input, slots);
  hub->stats.datagrams_received++;
  hub->stats.datagrams_unclaimed += count == 0;
  bool is_stun = count > 0 && input->data[0] <= 3; /* RFC 7983 */
  if (is_stun) {
    (void)hand_over(hub, slots[0], input, false);
    return;
  }
  for (size_t i = 0; i < count && !hand_over(hub, slots[i], input, true); i++) {
    if (count > 1) {
      paw_hub_index_put_last(hub, slots[i], &input->local, &input->remote);
    }
  }
}

bool paw_hub_is_due(const struct paw_hub *hub) {
  return hub->heap_count > 0 && paw_time_due(hub->heap[0].deadline_ns, hub->clock.now_ns);
}

bool paw_hub_pass_time(struct paw_hub *hub) {
  struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = hub->clock.now_ns};
  bool was_due = false;
  while (paw_hub_is_due(hub)) {
    uint32_t slot = hub->heap[0].slot;
    was_due = true;
    paw_hub_timer_set(hub, slot, PAW_TIME_NEVER); /* set anew when it is polled */
    (void)paw_rtc_handle_input(hub->slots[slot].rtc, &time);
    paw_hub_touch(hub, slot);
  }
  return was_due;
}

int paw_hub_handle_input(struct paw_hub *hub, const struct paw_input *input) {
  if (input->kind == PAW_INPUT_RECEIVE && input->data == NULL && input->len > 0) {
    return PAW_ERR_INVALID;
  }
  uint64_t now_ns = paw_clock_advance(&hub->clock, input->now_ns);
  struct paw_input clamped;
  if (input->now_ns != now_ns) {
    clamped = *input;
    clamped.now_ns = now_ns;
    input = &clamped;
  }
  switch (input->kind) {
  case PAW_INPUT_TIMEOUT:
    hub->stats.wake_ups += paw_hub_pass_time(hub);
    break;
  case PAW_INPUT_RECEIVE:
    receive(hub, input);
    break;
  }
  return PAW_OK;
}

bool paw_hub_poll_event(struct paw_hub *hub, paw_hub_peer *peer, struct paw_rtc_event *event) {
  for (;;) {
    if (hub->telling == PAW_HUB_NONE) {
      hub->telling = paw_hub_take_to_tell(hub);
    }
    if (hub->telling == PAW_HUB_NONE) {
      return false;
    }
    const struct paw_hub_slot *slot = &hub->slots[hub->telling];
    if (slot->rtc != NULL && paw_rtc_poll_event(slot->rtc, event)) {
      *peer = ((paw_hub_peer)slot->generation << 32) | (hub->telling + 1);
      return true;
    }
    hub->telling = PAW_HUB_NONE;
  }
}

static bool has_media(const struct paw_hub *hub) {
  for (size_t i = 0; i < hub->tracks_end; i++) {
    if (hub->tracks[i] != NULL && hub->tracks[i]->cursor < hub->tracks[i]->subscriber_count) {
      return true;
    }
  }
  return false;
}

struct paw_timeout paw_hub_next_timeout(const struct paw_hub *hub) {
  struct paw_timeout timeout = {.deadline_ns = PAW_TIME_NEVER, .reason = PAW_TIMEOUT_NONE};
  bool drained = hub->to_send.head == PAW_HUB_NONE && hub->to_tell.head == PAW_HUB_NONE &&
                 hub->telling == PAW_HUB_NONE && !has_media(hub);
  if (!drained) {
    timeout.deadline_ns = hub->clock.now_ns;
  } else if (hub->heap_count > 0) {
    timeout = paw_rtc_next_timeout(hub->slots[hub->heap[0].slot].rtc);
  }
  return timeout;
}

void paw_hub_get_stats(const struct paw_hub *hub, struct paw_hub_stats *out) {
  *out = hub->stats;
}
