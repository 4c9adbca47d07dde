/* SPDX-License-Identifier: MIT */
/* The peers' places, and the lists of those that want to be looked at. */
#include "hub/hub_private.h"

#include <string.h>

#include "base/mem.h"

#define FIRST_SLOTS 16

static void append(struct paw_hub_slot *slots, struct paw_hub_list *list, uint32_t slot,
                   uint32_t *(*next)(struct paw_hub_slot *)) {
  *next(&slots[slot]) = PAW_HUB_NONE;
  if (list->tail == PAW_HUB_NONE) {
    list->head = slot;
  } else {
    *next(&slots[list->tail]) = slot;
  }
  list->tail = slot;
}

static uint32_t take(struct paw_hub_slot *slots, struct paw_hub_list *list,
                     uint32_t *(*next)(struct paw_hub_slot *)) {
  uint32_t slot = list->head;
  if (slot != PAW_HUB_NONE) {
    list->head = *next(&slots[slot]);
    if (list->head == PAW_HUB_NONE) {
      list->tail = PAW_HUB_NONE;
    }
  }
  return slot;
}

static uint32_t *next_to_send(struct paw_hub_slot *slot) {
  return &slot->next_to_send;
}

static uint32_t *next_to_tell(struct paw_hub_slot *slot) {
  return &slot->next_to_tell;
}

void paw_hub_mark_to_tell(struct paw_hub *hub, uint32_t slot) {
  if (!hub->slots[slot].is_to_tell) {
    hub->slots[slot].is_to_tell = true;
    append(hub->slots, &hub->to_tell, slot, next_to_tell);
  }
}

void paw_hub_touch(struct paw_hub *hub, uint32_t slot) {
  if (!hub->slots[slot].is_to_send) {
    hub->slots[slot].is_to_send = true;
    append(hub->slots, &hub->to_send, slot, next_to_send);
  }
  paw_hub_mark_to_tell(hub, slot);
}

uint32_t paw_hub_take_to_send(struct paw_hub *hub) {
  uint32_t slot = take(hub->slots, &hub->to_send, next_to_send);
  if (slot != PAW_HUB_NONE) {
    hub->slots[slot].is_to_send = false;
  }
  return slot;
}

uint32_t paw_hub_take_to_tell(struct paw_hub *hub) {
  uint32_t slot = take(hub->slots, &hub->to_tell, next_to_tell);
  if (slot != PAW_HUB_NONE) {
    hub->slots[slot].is_to_tell = false;
  }
  return slot;
}

/* ---- adding and removing ---- */

static int grow(struct paw_hub *hub) {
  uint32_t room = hub->slot_room == 0 ? FIRST_SLOTS : hub->slot_room * 2;
  struct paw_hub_slot *slots = paw_mem_alloc(&hub->allocator, room * sizeof *slots);
  struct paw_hub_timer *heap = paw_mem_alloc(&hub->allocator, room * sizeof *heap);
  if (slots == NULL || heap == NULL || paw_hub_index_grow(hub, room) != PAW_OK) {
    paw_mem_free(&hub->allocator, slots);
    paw_mem_free(&hub->allocator, heap);
    return PAW_ERR_NO_MEMORY;
  }
  if (hub->slot_count > 0) {
    memcpy(slots, hub->slots, hub->slot_count * sizeof *slots);
    memcpy(heap, hub->heap, hub->heap_count * sizeof *heap);
  }
  paw_mem_free(&hub->allocator, hub->slots);
  paw_mem_free(&hub->allocator, hub->heap);
  hub->slots = slots;
  hub->heap = heap;
  hub->slot_room = room;
  return PAW_OK;
}

static int claim_slot(struct paw_hub *hub, uint32_t *out) {
  if (hub->free_slot != PAW_HUB_NONE) {
    *out = hub->free_slot;
    hub->free_slot = hub->slots[*out].next_free;
    return PAW_OK;
  }
  if (hub->slot_count == hub->slot_room) {
    int status = grow(hub);
    if (status != PAW_OK) {
      return status;
    }
  }
  *out = hub->slot_count++;
  return PAW_OK;
}

int paw_hub_add(struct paw_hub *hub, struct paw_rtc *rtc, paw_hub_peer *out) {
  uint32_t index = 0;
  if (hub->peer_count >= hub->max_peers) {
    return PAW_ERR_LIMIT;
  }
  int status = claim_slot(hub, &index);
  if (status != PAW_OK) {
    return status;
  }
  struct paw_hub_slot *slot = &hub->slots[index];
  /* A slot that was just freed may still stand in the lists: its marks and links stay. */
  slot->rtc = rtc;
  slot->generation++;
  slot->heap_position = PAW_HUB_NONE;
  slot->deadline_ns = PAW_TIME_NEVER;
  slot->first_path = PAW_HUB_NONE;
  slot->path_count = 0;
  slot->ufrag_bucket = PAW_HUB_NONE;
  slot->track = NULL;
  slot->counts_loss = false;
  slot->loss_percent = 0;
  slot->report_count = paw_rtc_get_report_count(rtc);
  hub->peer_count++;
  paw_hub_index_ufrag(hub, index);
  paw_hub_touch(hub, index);
  *out = ((paw_hub_peer)slot->generation << 32) | (index + 1);
  return PAW_OK;
}

struct paw_hub_slot *paw_hub_find(const struct paw_hub *hub, paw_hub_peer peer) {
  uint32_t index = (uint32_t)peer - 1; /* peer 0 becomes a slot that never is */
  if (index >= hub->slot_count) {
    return NULL;
  }
  struct paw_hub_slot *slot = &hub->slots[index];
  return slot->rtc != NULL && slot->generation == peer >> 32 ? slot : NULL;
}

void paw_hub_remove(struct paw_hub *hub, paw_hub_peer peer) {
  struct paw_hub_slot *slot = paw_hub_find(hub, peer);
  if (slot == NULL) {
    return;
  }
  uint32_t index = (uint32_t)(slot - hub->slots);
  paw_hub_track_leave(hub, index);
  paw_hub_timer_set(hub, index, PAW_TIME_NEVER);
  paw_hub_index_remove(hub, index);
  paw_rtc_free(slot->rtc);
  slot->rtc = NULL;
  slot->next_free = hub->free_slot;
  hub->free_slot = index;
  hub->peer_count--;
}

struct paw_rtc *paw_hub_get_rtc(struct paw_hub *hub, paw_hub_peer peer) {
  struct paw_hub_slot *slot = paw_hub_find(hub, peer);
  if (slot == NULL) {
    return NULL;
  }
  paw_hub_touch(hub, (uint32_t)(slot - hub->slots));
  return slot->rtc;
}

int paw_hub_set_red(struct paw_hub *hub, int distance) {
  int status = paw_rtc_is_red_distance(distance) ? PAW_OK : PAW_ERR_INVALID;
  for (uint32_t i = 0; i < hub->slot_count && status == PAW_OK; i++) {
    if (hub->slots[i].rtc != NULL) {
      status = paw_rtc_set_red(hub->slots[i].rtc, distance);
    }
  }
  return status;
}

size_t paw_hub_get_peer_count(const struct paw_hub *hub) {
  return hub->peer_count;
}
