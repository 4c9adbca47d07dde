/* SPDX-License-Identifier: MIT */
/* A binary heap of the peers' deadlines; each slot knows its place in it. */
#include "hub/hub_private.h"

static uint64_t deadline_at(const struct paw_hub *hub, uint32_t position) {
  return hub->slots[hub->heap[position]].deadline_ns;
}

static void put(struct paw_hub *hub, uint32_t position, uint32_t slot) {
  hub->heap[position] = slot;
  hub->slots[slot].heap_position = position;
}

static void swap(struct paw_hub *hub, uint32_t a, uint32_t b) {
  uint32_t slot = hub->heap[a];
  put(hub, a, hub->heap[b]);
  put(hub, b, slot);
}

static void sift_up(struct paw_hub *hub, uint32_t position) {
  while (position > 0) {
    uint32_t parent = (position - 1) / 2;
    if (deadline_at(hub, parent) <= deadline_at(hub, position)) {
      return;
    }
    swap(hub, parent, position);
    position = parent;
  }
}

static void sift_down(struct paw_hub *hub, uint32_t position) {
  for (;;) {
    uint32_t earliest = position;
    for (uint32_t child = 2 * position + 1; child <= 2 * position + 2; child++) {
      if (child < hub->heap_count && deadline_at(hub, child) < deadline_at(hub, earliest)) {
        earliest = child;
      }
    }
    if (earliest == position) {
      return;
    }
    swap(hub, earliest, position);
    position = earliest;
  }
}

static void remove_at(struct paw_hub *hub, uint32_t position) {
  hub->slots[hub->heap[position]].heap_position = PAW_HUB_NONE;
  hub->heap_count--;
  if (position < hub->heap_count) {
    put(hub, position, hub->heap[hub->heap_count]);
    sift_up(hub, position);
    sift_down(hub, position);
  }
}

void paw_hub_timer_set(struct paw_hub *hub, uint32_t slot, uint64_t deadline_ns) {
  uint32_t position = hub->slots[slot].heap_position;
  hub->slots[slot].deadline_ns = deadline_ns;
  if (deadline_ns == PAW_TIME_NEVER) {
    if (position != PAW_HUB_NONE) {
      remove_at(hub, position);
    }
    return;
  }
  if (position == PAW_HUB_NONE) {
    position = hub->heap_count++;
    put(hub, position, slot);
  }
  sift_up(hub, position);
  sift_down(hub, hub->slots[slot].heap_position);
}
