/* SPDX-License-Identifier: MIT */
/* A programme and its subscribers. */
#include "hub/hub_private.h"

#include <string.h>

#include "base/mem.h"

int paw_hub_track_new(struct paw_hub *hub, struct paw_hub_track **out) {
  size_t place = 0;
  while (place < PAW_HUB_TRACKS_MAX && hub->tracks[place] != NULL) {
    place++;
  }
  if (place == PAW_HUB_TRACKS_MAX) {
    return PAW_ERR_LIMIT;
  }
  struct paw_hub_track *track = paw_mem_alloc(&hub->allocator, sizeof *track);
  if (track == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  int status = paw_history_new(&hub->allocator, &track->history);
  if (status != PAW_OK) {
    paw_mem_free(&hub->allocator, track);
    return status;
  }
  hub->tracks[place] = track;
  hub->tracks_end = place < hub->tracks_end ? hub->tracks_end : place + 1;
  *out = track;
  return PAW_OK;
}

void paw_hub_track_free(struct paw_hub *hub, struct paw_hub_track *track) {
  while (track->subscriber_count > 0) {
    uint32_t slot = track->subscribers[track->subscriber_count - 1];
    if (hub->slots[slot].rtc == NULL) { /* the hub is being freed, its peers first */
      track->subscriber_count--;
      continue;
    }
    paw_rtc_attach_history(hub->slots[slot].rtc, hub->clock.now_ns, NULL);
    paw_hub_track_leave(hub, slot);
  }
  for (size_t i = 0; i < PAW_HUB_TRACKS_MAX; i++) {
    if (hub->tracks[i] == track) {
      hub->tracks[i] = NULL;
    }
  }
  while (hub->tracks_end > 0 && hub->tracks[hub->tracks_end - 1] == NULL) {
    hub->tracks_end--;
  }
  paw_mem_free(&hub->allocator, track->subscribers);
  paw_mem_free(&hub->allocator, track->history);
  paw_mem_free(&hub->allocator, track);
}

static int make_room(struct paw_hub *hub, struct paw_hub_track *track) {
  if (track->subscriber_count < track->subscriber_room) {
    return PAW_OK;
  }
  uint32_t room = track->subscriber_room == 0 ? 16 : track->subscriber_room * 2;
  uint32_t *subscribers = paw_mem_alloc(&hub->allocator, room * sizeof *subscribers);
  if (subscribers == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  if (track->subscriber_count > 0) {
    memcpy(subscribers, track->subscribers, track->subscriber_count * sizeof *subscribers);
  }
  paw_mem_free(&hub->allocator, track->subscribers);
  track->subscribers = subscribers;
  track->subscriber_room = room;
  return PAW_OK;
}

/* The last subscriber takes the place of the one that leaves. */
void paw_hub_track_leave(struct paw_hub *hub, uint32_t slot) {
  struct paw_hub_slot *s = &hub->slots[slot];
  struct paw_hub_track *track = s->track;
  if (track == NULL) {
    return;
  }
  paw_hub_adapt_leave(hub, slot);
  uint32_t last = track->subscribers[--track->subscriber_count];
  track->subscribers[s->track_position] = last;
  hub->slots[last].track_position = s->track_position;
  if (track->cursor > s->track_position) {
    track->cursor = s->track_position; /* the one that moved may not have been served yet */
  }
  s->track = NULL;
}

int paw_hub_subscribe(struct paw_hub *hub, paw_hub_peer peer, struct paw_hub_track *track) {
  struct paw_hub_slot *slot = paw_hub_find(hub, peer);
  if (slot == NULL) {
    return PAW_ERR_INVALID;
  }
  uint32_t index = (uint32_t)(slot - hub->slots);
  if (track != NULL && slot->track != track) {
    int status = make_room(hub, track);
    if (status != PAW_OK) {
      return status;
    }
  }
  if (slot->track == track) {
    return PAW_OK;
  }
  paw_hub_track_leave(hub, index);
  paw_rtc_attach_history(slot->rtc, hub->clock.now_ns, track == NULL ? NULL : track->history);
  if (track != NULL) {
    bool idle = track->cursor == track->subscriber_count;
    slot->track = track;
    slot->track_position = track->subscriber_count;
    track->subscribers[track->subscriber_count++] = index;
    track->cursor = idle ? track->subscriber_count : track->cursor;
  }
  return PAW_OK;
}

int paw_hub_track_send(struct paw_hub *hub, struct paw_hub_track *track, uint64_t now_ns,
                       const struct paw_audio_frame *frame) {
  (void)paw_clock_advance(&hub->clock, now_ns);
  int status = paw_history_push(track->history, hub->clock.now_ns, frame);
  if (status == PAW_OK) {
    track->cursor = 0;
    paw_hub_adapt_pass(hub, track);
  }
  return status;
}
