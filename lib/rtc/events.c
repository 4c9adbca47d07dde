/* SPDX-License-Identifier: MIT */
/* Events on their way to the caller: changes of state as bits, everything that carries data in a
 * queue. */
#include "rtc/rtc_private.h"

#include <string.h>

void paw_rtc_push_event(struct paw_rtc *rtc, const struct paw_rtc_event *event) {
  void *record = paw_ring_push(&rtc->queue, &rtc->allocator, sizeof *event);
  if (record == NULL) {
    paw_rtc_drop(rtc, PAW_DROP_QUEUE_FULL);
    return;
  }
  memcpy(record, event, sizeof *event);
}

void paw_rtc_push_audio(struct paw_rtc *rtc, const struct paw_audio_packet *packet) {
  struct paw_rtc_event event = {.kind = PAW_RTC_EVENT_AUDIO, .audio = *packet};
  uint8_t *record = paw_ring_push(&rtc->queue, &rtc->allocator, sizeof event + packet->len);
  if (record == NULL) {
    paw_rtc_drop(rtc, PAW_DROP_QUEUE_FULL);
    return;
  }
  memcpy(record, &event, sizeof event);
  if (packet->len > 0) {
    memcpy(record + sizeof event, packet->data, packet->len);
  }
}

/* Told before the queue, in this order. */
static bool poll_pending(struct paw_rtc *rtc, struct paw_rtc_output *out) {
  static const enum paw_rtc_event_kind order[] = {PAW_RTC_EVENT_MEDIA, PAW_RTC_EVENT_CONNECTED,
                                                  PAW_RTC_EVENT_DEGRADED, PAW_RTC_EVENT_RECOVERED};
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
    uint32_t bit = UINT32_C(1) << order[i];
    if ((rtc->pending & bit) != 0) {
      rtc->pending &= ~bit;
      out->kind = PAW_OUTPUT_EVENT;
      out->event = (struct paw_rtc_event){.kind = order[i]};
      return true;
    }
  }
  return false;
}

/* CLOSED is told when nothing else is left. */
static bool poll_closed(struct paw_rtc *rtc, struct paw_rtc_output *out) {
  uint32_t bit = UINT32_C(1) << PAW_RTC_EVENT_CLOSED;
  if ((rtc->pending & bit) == 0) {
    return false;
  }
  rtc->pending &= ~bit;
  out->kind = PAW_OUTPUT_EVENT;
  out->event = (struct paw_rtc_event){.kind = PAW_RTC_EVENT_CLOSED, .reason = rtc->reason};
  return true;
}

bool paw_rtc_poll_event(struct paw_rtc *rtc, struct paw_rtc_output *out) {
  if (rtc->front_lent) {
    paw_ring_pop(&rtc->queue);
    rtc->front_lent = false;
  }
  if (poll_pending(rtc, out)) {
    return true;
  }
  size_t len = 0;
  const uint8_t *record = paw_ring_front(&rtc->queue, &len);
  if (record == NULL) {
    return poll_closed(rtc, out);
  }
  rtc->front_lent = true;
  out->kind = PAW_OUTPUT_EVENT;
  memcpy(&out->event, record, sizeof out->event);
  if (out->event.kind == PAW_RTC_EVENT_AUDIO) {
    out->event.audio.data = record + sizeof out->event;
  }
  return true;
}
