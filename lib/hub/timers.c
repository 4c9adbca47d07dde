/* SPDX-License-Identifier: MIT */
/* A binary heap of the peers' deadlines; each slot knows its place in it. */
#include "hub/hub_private.h"

static void put(struct paw_hub *hub, uint32_t position, struct paw_hub_timer timer) {
  hub->heap[position] = timer;
  hub->slots[timer.slot].heap_position = position;
}

/* To its place from `position`, which is free, towards the top. */
static void sift_up(struct paw_hub *hub, uint32_t position, struct paw_hub_timer timer) {
  while (position > 0) {
    uint32_t parent = (position - 1) / 2;
    if (hub->heap[parent].deadline_ns <= timer.deadline_ns) {
      break;
    }
    put(hub, position, hub->heap[parent]);
    position = parent;
  }
  put(hub, position, timer);
}

/* And away from it. */
static void sift_down(struct paw_hub *hub, uint32_t position, struct paw_hub_timer timer) {
  for (;;) {
    uint32_t child = 2 * position + 1;
    if (child + 1 < hub->heap_count &&
        hub->heap[child + 1].deadline_ns < hub->heap[child].deadline_ns) {
      child++;
    }
    if (child >= hub->heap_count || hub->heap[child].deadline_ns >= timer.deadline_ns) {
      break;
    }
    put(hub, position, hub->heap[child]);
    position = child;
  }
  put(hub, position, timer);
}

/* `position` is free, and counted. */
static void place(struct paw_hub *hub, uint32_t position, struct paw_hub_timer timer) {
  bool rises = position > 0 && timer.deadline_ns < hub->heap[(position - 1) / 2].deadline_ns;
  if (rises) {
    sift_up(hub, position, timer);
  } else {
    sift_down(hub, position, timer);
  }
}

static void remove_at(struct paw_hub *hub, uint32_t position) {
  hub->slots[hub->heap[position].slot].heap_position = PAW_HUB_NONE;
  hub->heap_count--;
  if (position < hub->heap_count) {
    place(hub, position, hub->heap[hub->heap_count]);
  }
}

void paw_hub_timer_set(struct paw_hub *hub, uint32_t slot, uint64_t deadline_ns) {
  uint32_t position = hub->slots[slot].heap_position;
  if (hub->slots[slot].deadline_ns == deadline_ns) {
    return;
  }
  hub->slots[slot].deadline_ns = deadline_ns;
  if (deadline_ns == PAW_TIME_NEVER) {
    if (position != PAW_HUB_NONE) {
      remove_at(hub, position);
    }
    return;
  }
  if (position == PAW_HUB_NONE) {
    position = hub->heap_count++;
  }
  place(hub, position, (struct paw_hub_timer){.deadline_ns = deadline_ns, .slot = slot});
}
