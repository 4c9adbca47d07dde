/* SPDX-License-Identifier: MIT */
/* What the hub sends: first what connections have to say for themselves, then media. */
#include "hub/hub_private.h"

#include <string.h>

#include "base/seldom.h"

/* A batch in the making; every datagram has its own place in the arena. */
struct batch {
  struct paw_hub *hub;
  struct paw_transmit *out;
  size_t max;
  size_t count;
};

static uint8_t *place(const struct batch *batch) {
  return batch->hub->arena + batch->count * PAW_DATAGRAM_MAX;
}

static bool is_full(const struct batch *batch) {
  return batch->count == batch->max;
}

/* ICE's and DTLS's datagrams lie inside their engines and would not last: copy them. */
static void settle(struct batch *batch) {
  struct paw_transmit *transmit = &batch->out[batch->count];
  uint8_t *at = place(batch);
  if (transmit->data != at) {
    memcpy(at, transmit->data, transmit->len);
    transmit->data = at;
  }
  batch->count++;
}

/* Answers to our own checks come back on this pair. A binding request begins 00 01. */
static bool is_check(const struct paw_transmit *transmit) {
  return transmit->len > 1 && transmit->data[0] == 0 && transmit->data[1] == 1;
}

/* The frame is sent to others first. Who is looked at meanwhile for something else does not get it
 * sooner for that: a receiver takes the earliest that ever comes for what is usual. */
static bool awaits_frame(const struct paw_hub_slot *slot) {
  return slot->track != NULL && slot->track_position >= slot->track->cursor;
}

/* True: all that it had to send now is in the batch. */
static bool drain_peer(struct batch *batch, uint32_t slot) {
  struct paw_hub *hub = batch->hub;
  struct paw_rtc *rtc = hub->slots[slot].rtc;
  bool (*next)(struct paw_rtc *, uint8_t *, struct paw_transmit *) =
      awaits_frame(&hub->slots[slot]) ? paw_rtc_poll_but_frames : paw_rtc_poll_transmit;
  while (!is_full(batch)) {
    struct paw_transmit *transmit = &batch->out[batch->count];
    if (!next(rtc, place(batch), transmit)) {
      return true;
    }
    if (is_check(transmit)) {
      paw_hub_index_path(hub, slot, &transmit->local, &transmit->remote);
    }
    settle(batch);
  }
  return false;
}

PAW_SELDOM static void move_timer(struct paw_hub *hub, uint32_t slot) {
  paw_hub_timer_set(hub, slot, paw_rtc_next_timeout(hub->slots[slot].rtc).deadline_ns);
}

static void drain_touched(struct batch *batch) {
  struct paw_hub *hub = batch->hub;
  while (!is_full(batch)) {
    uint32_t slot = paw_hub_take_to_send(hub);
    if (slot == PAW_HUB_NONE) {
      return;
    }
    if (hub->slots[slot].rtc == NULL) {
      continue;
    }
    if (!drain_peer(batch, slot)) {
      paw_hub_touch(hub, slot);
      return;
    }
    paw_hub_index_ufrag(hub, slot);
    move_timer(hub, slot);
    paw_hub_mark_to_tell(hub, slot); /* polling may have made events */
  }
}

static void drain_track(struct batch *batch, struct paw_hub_track *track) {
  struct paw_hub *hub = batch->hub;
  uint32_t cursor = track->cursor;
  while (!is_full(batch) && cursor < track->subscriber_count) {
    struct paw_rtc *rtc = hub->slots[track->subscribers[cursor]].rtc;
    unsigned news =
        paw_rtc_poll_media(rtc, hub->clock.now_ns, place(batch), &batch->out[batch->count]);
    batch->count += news & PAW_RTC_MEDIA_SENT; /* which is 1 */
    if ((news & PAW_RTC_MEDIA_MOVED_TIMEOUT) != 0) {
      move_timer(hub, track->subscribers[cursor]);
    }
    cursor += (news & PAW_RTC_MEDIA_MORE) == 0;
  }
  track->cursor = cursor;
}

void paw_hub_poll_transmits(struct paw_hub *hub, struct paw_transmit *out, size_t max,
                            size_t *count) {
  struct batch batch = {
      .hub = hub, .out = out, .max = max < PAW_HUB_BATCH_MAX ? max : PAW_HUB_BATCH_MAX};
  /* Frames and datagrams move the clock on too, and a connection may lie behind it: the deadline
   * after a full drain lies ahead. */
  do {
    (void)paw_hub_pass_time(hub);
    drain_touched(&batch);
  } while (!is_full(&batch) && paw_hub_is_due(hub));
  for (size_t i = 0; i < hub->tracks_end && !is_full(&batch); i++) {
    if (hub->tracks[i] != NULL) {
      drain_track(&batch, hub->tracks[i]);
    }
  }
  hub->stats.datagrams_sent += batch.count;
  *count = batch.count;
}
