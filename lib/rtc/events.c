/* SPDX-License-Identifier: MIT */
/* Events on their way to the caller: changes of state as bits, everything that carries data in a
 * queue. */
#include "rtc/rtc_private.h"

#include <stddef.h>
#include <string.h>

#define AUDIO_EVENT_BYTES (offsetof(struct paw_rtc_event, audio) + sizeof(struct paw_audio_packet))

void paw_rtc_push_event(struct paw_rtc *rtc, const struct paw_rtc_event *event) {
  void *record = paw_ring_push(&rtc->queue, &rtc->allocator, sizeof *event);
  if (record == NULL) {
    paw_rtc_drop(rtc, PAW_DROP_QUEUE_FULL);
    return;
  }
  memcpy(record, event, sizeof *event);
}

void paw_rtc_push_audio(struct paw_rtc *rtc, const struct paw_audio_packet *packet) {
  struct paw_rtc_event event;
  if (rtc->queue.used > PAW_RTC_QUEUE_AUDIO_BYTES) {
    paw_rtc_drop(rtc, PAW_DROP_QUEUE_FULL);
    return;
  }
  uint8_t *record = paw_ring_push(&rtc->queue, &rtc->allocator, sizeof event + packet->len);
  if (record == NULL) {
    paw_rtc_drop(rtc, PAW_DROP_QUEUE_FULL);
    return;
  }
  event.kind = PAW_RTC_EVENT_AUDIO; /* only what it has: the union is twice as long */
  event.ice_reason = PAW_ICE_REASON_NONE;
  event.audio = *packet;
  memcpy(record, &event, AUDIO_EVENT_BYTES);
  if (packet->len > 0) {
    memcpy(record + sizeof event, packet->data, packet->len);
  }
}

static bool take_pending(struct paw_rtc *rtc, enum paw_rtc_event_kind kind) {
  uint32_t bit = UINT32_C(1) << kind;
  bool was_pending = (rtc->pending & bit) != 0;
  rtc->pending &= ~bit;
  return was_pending;
}

/* Told before the queue, in this order. */
static bool poll_pending(struct paw_rtc *rtc, struct paw_rtc_event *out) {
  if (rtc->pending == 0) {
    return false;
  }
  static const enum paw_rtc_event_kind order[] = {PAW_RTC_EVENT_MEDIA, PAW_RTC_EVENT_CONNECTED,
                                                  PAW_RTC_EVENT_DEGRADED, PAW_RTC_EVENT_RECOVERED};
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
    if (take_pending(rtc, order[i])) {
      *out = (struct paw_rtc_event){.kind = order[i]};
      return true;
    }
  }
  return false;
}

static bool poll_queue(struct paw_rtc *rtc, struct paw_rtc_event *out) {
  size_t len = 0;
  const uint8_t *record = paw_ring_front(&rtc->queue, &len);
  if (record == NULL) {
    return false;
  }
  rtc->front_lent = true;
  memcpy(out, record, sizeof *out);
  if (out->kind == PAW_RTC_EVENT_AUDIO) {
    out->audio.data = record + sizeof *out;
  }
  return true;
}

bool paw_rtc_poll_event(struct paw_rtc *rtc, struct paw_rtc_event *out) {
  if (rtc->front_lent) {
    paw_ring_pop(&rtc->queue);
    rtc->front_lent = false;
  }
  if (poll_pending(rtc, out) || poll_queue(rtc, out)) {
    return true;
  }
  bool closed = take_pending(rtc, PAW_RTC_EVENT_CLOSED); /* the last of all */
  if (closed) {
    *out = (struct paw_rtc_event){.kind = PAW_RTC_EVENT_CLOSED, .reason = rtc->reason};
  }
  return closed;
}
