/* SPDX-License-Identifier: MIT */
/* What comes in: the passing of time, and datagrams told apart by their first byte (RFC 7983). */
#include "ice/ice.h"
#include "rtc/rtc_private.h"

enum kind { KIND_STUN, KIND_DTLS, KIND_RTP, KIND_RTCP, KIND_UNKNOWN };

static enum kind kind_of(const struct paw_input *input) {
  uint8_t first = input->data[0];
  if (first >> 6 == 2) {
    /* RFC 5761 section 4: RTCP types 192..223 are RTP payload types 64..95 with the marker set,
     * which are therefore never used for RTP. */
    return input->len > 1 && input->data[1] >> 5 == 6 ? KIND_RTCP : KIND_RTP;
  }
  if (first <= 3) {
    return KIND_STUN;
  }
  return first >= 20 && first <= 63 ? KIND_DTLS : KIND_UNKNOWN;
}

bool paw_rtc_is_valid_path(const struct paw_rtc *rtc, const struct paw_address *local,
                           const struct paw_address *remote) {
  return paw_ice_is_valid_pair(rtc->ice, local, remote);
}

bool paw_rtc_accepts(const struct paw_rtc *rtc, const struct paw_input *input) {
  if (input->kind != PAW_INPUT_RECEIVE || input->len == 0 || paw_rtc_is_over(rtc)) {
    return false;
  }
  return kind_of(input) == KIND_STUN ? paw_ice_accepts(rtc->ice, input)
                                     : paw_rtc_is_valid_path(rtc, &input->local, &input->remote);
}

static void receive_dtls(struct paw_rtc *rtc, const struct paw_input *input) {
  struct paw_dtls_stats before;
  struct paw_dtls_stats after;
  paw_dtls_get_stats(rtc->dtls, &before);
  (void)paw_dtls_handle_input(paw_rtc_touch_dtls(rtc), input);
  paw_dtls_get_stats(rtc->dtls, &after);
  if (after.dropped > before.dropped) {
    paw_rtc_drop(rtc, PAW_DROP_DTLS);
  }
  if (paw_dtls_get_state(rtc->dtls) == PAW_DTLS_STATE_NEW) { /* early: no pair is valid yet */
    paw_ice_note_waiting(paw_rtc_touch_ice(rtc), rtc->clock.now_ns, &input->local, &input->remote);
  }
  paw_rtc_install_keys(rtc);
}

static void receive(struct paw_rtc *rtc, const struct paw_input *input) {
  rtc->stats.datagrams_received++;
  rtc->stats.bytes_received += input->len;
  if (input->len == 0) {
    paw_rtc_drop(rtc, PAW_DROP_EMPTY);
    return;
  }
  enum kind kind = kind_of(input);
  if (kind == KIND_UNKNOWN) {
    paw_rtc_drop(rtc, PAW_DROP_UNKNOWN_KIND);
    return;
  }
  if (kind == KIND_STUN) {
    paw_ice_note_sent(paw_rtc_touch_ice(rtc), rtc->media_sent_ns);
    (void)paw_ice_handle_input(paw_rtc_touch_ice(rtc), input);
    return;
  }
  rtc->path_is_usual = paw_ice_is_usual(rtc->ice, &input->local, &input->remote);
  if (!rtc->path_is_usual && !paw_rtc_is_valid_path(rtc, &input->local, &input->remote)) {
    paw_rtc_drop(rtc, PAW_DROP_UNKNOWN_PATH);
    return;
  }
  switch (kind) {
  case KIND_DTLS:
    receive_dtls(rtc, input);
    break;
  case KIND_RTP:
    paw_rtc_receive_rtp(rtc, input);
    break;
  case KIND_RTCP:
    paw_rtc_receive_rtcp(rtc, input);
    break;
  case KIND_STUN:
  case KIND_UNKNOWN:
    break;
  }
}

/* The deadline stays where it is while media comes, or each packet would move it. */
static void watch_media(struct paw_rtc *rtc) {
  if (rtc->flow != PAW_RTC_FLOW_FLOWING || !paw_time_due(rtc->watch_ns, rtc->clock.now_ns)) {
    return;
  }
  if (paw_time_elapsed(rtc->clock.now_ns, rtc->last_media_ns) >= rtc->degraded_ns) {
    rtc->flow = PAW_RTC_FLOW_DEGRADED;
    paw_rtc_mark(rtc, PAW_RTC_EVENT_DEGRADED);
  } else {
    rtc->watch_ns = paw_time_add(rtc->last_media_ns, rtc->degraded_ns);
  }
}

void paw_rtc_pass_time(struct paw_rtc *rtc) {
  struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = rtc->clock.now_ns};
  paw_ice_note_sent(paw_rtc_touch_ice(rtc), rtc->media_sent_ns);
  (void)paw_ice_handle_input(paw_rtc_touch_ice(rtc), &time);
  (void)paw_dtls_handle_input(paw_rtc_touch_dtls(rtc), &time);
  paw_rtc_install_keys(rtc);
  watch_media(rtc);
}

int paw_rtc_handle_input(struct paw_rtc *rtc, const struct paw_input *input) {
  if (input->kind == PAW_INPUT_RECEIVE && input->data == NULL && input->len > 0) {
    return PAW_ERR_INVALID;
  }
  rtc->stats.clock_backwards += input->now_ns < rtc->clock.now_ns;
  uint64_t now_ns = paw_clock_advance(&rtc->clock, input->now_ns);
  struct paw_input clamped;
  if (input->now_ns != now_ns || input->arrival_ns == 0 || input->arrival_ns > now_ns) {
    clamped = *input;
    clamped.now_ns = now_ns;
    clamped.arrival_ns =
        input->arrival_ns == 0 || input->arrival_ns > now_ns ? now_ns : input->arrival_ns;
    input = &clamped;
  }
  if (paw_rtc_is_over(rtc)) {
    if (input->kind == PAW_INPUT_RECEIVE) {
      paw_rtc_drop(rtc, PAW_DROP_CLOSED);
    }
    return PAW_ERR_STATE;
  }
  switch (input->kind) {
  case PAW_INPUT_TIMEOUT:
    paw_rtc_pass_time(rtc);
    break;
  case PAW_INPUT_RECEIVE:
    receive(rtc, input);
    break;
  }
  return PAW_OK;
}
