/* SPDX-License-Identifier: MIT */
/* Events on their way to the caller: changes of state as bits, everything that carries data in a
 * queue. */
#include "rtc/rtc_private.h"

#include <string.h>

#include "base/seldom.h"

void paw_rtc_push_event(struct paw_rtc *rtc, const struct paw_rtc_event *event) {
  void *record = paw_ring_push(&rtc->queue, &rtc->allocator, sizeof *event);
  if (record == NULL) {
    paw_rtc_drop(rtc, PAW_DROP_QUEUE_FULL);
    return;
  }
  memcpy(record, event, sizeof *event);
}

static bool take_pending(struct paw_rtc *rtc, enum paw_rtc_event_kind kind) {
  uint32_t bit = UINT32_C(1) << kind;
  bool was_pending = (rtc->pending & bit) != 0;
  rtc->pending &= ~bit;
  return was_pending;
}

/* Told before the queue, in this order. */
PAW_SELDOM static bool poll_pending(struct paw_rtc *rtc, struct paw_rtc_event *out) {
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

static inline void tell(const struct paw_rtc_event *event, struct paw_rtc_event *out) {
  if (event->kind == PAW_RTC_EVENT_AUDIO) {
    const struct paw_rtc_audio_record *record = (const struct paw_rtc_audio_record *)event;
    out->kind = PAW_RTC_EVENT_AUDIO;
    out->ice_reason = PAW_ICE_REASON_NONE;
    out->audio = event->audio; /* the union may be longer */
    out->audio.data = record->datagram + record->payload_offset;
  } else {
    *out = *event;
  }
}

PAW_SELDOM static bool poll_closed(struct paw_rtc *rtc, struct paw_rtc_event *out) {
  bool closed = take_pending(rtc, PAW_RTC_EVENT_CLOSED); /* the last of all */
  if (closed) {
    *out = (struct paw_rtc_event){.kind = PAW_RTC_EVENT_CLOSED, .reason = rtc->reason};
  }
  return closed;
}

bool paw_rtc_poll_event(struct paw_rtc *rtc, struct paw_rtc_event *out) {
  if (rtc->front_lent) {
    paw_ring_pop(&rtc->queue);
    rtc->front_lent = false;
  }
  if (rtc->pending != 0 && poll_pending(rtc, out)) {
    return true;
  }
  size_t len = 0;
  const struct paw_rtc_event *event = paw_ring_front(&rtc->queue, &len);
  if (event != NULL) {
    rtc->front_lent = true;
    tell(event, out);
    return true;
  }
  return rtc->pending != 0 && poll_closed(rtc, out);
}
