/* SPDX-License-Identifier: MIT */
/* What comes in: the passing of time, and datagrams told apart by their first byte (RFC 7983). */
#include "base/addr.h"
#include "ice/ice.h"
#include "rtc/rtc_private.h"

static bool is_stun(const struct paw_input *input) {
  return input->data[0] <= 3;
}

static bool is_dtls(const struct paw_input *input) {
  return input->data[0] >= 20 && input->data[0] <= 63;
}

static bool is_media(const struct paw_input *input) {
  return input->data[0] >= 128 && input->data[0] <= 191;
}

/* Which media is. RFC 5761 section 4: RTCP types 192..223 are RTP payload types 64..95 with the
 * marker set, which are therefore never used for RTP. */
static bool is_rtcp(const struct paw_input *input) {
  return input->len > 1 && input->data[1] >= 192 && input->data[1] <= 223;
}

bool paw_rtc_is_valid_path(const struct paw_rtc *rtc, const struct paw_address *local,
                           const struct paw_address *remote) {
  return paw_ice_is_valid_pair(rtc->ice, local, remote);
}

static bool is_usual_path(const struct paw_rtc *rtc, const struct paw_input *input) {
  return rtc->usual_local != NULL && paw_address_is(rtc->usual_remote, &input->remote) &&
         paw_address_is(rtc->usual_local, &input->local);
}

bool paw_rtc_accepts(const struct paw_rtc *rtc, const struct paw_input *input) {
  if (input->kind != PAW_INPUT_RECEIVE || input->len == 0 || paw_rtc_is_over(rtc)) {
    return false;
  }
  return is_stun(input) ? paw_ice_accepts(rtc->ice, input)
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

static bool comes_by_valid_path(struct paw_rtc *rtc, const struct paw_input *input) {
  rtc->path_is_usual = is_usual_path(rtc, input);
  return rtc->path_is_usual || paw_rtc_is_valid_path(rtc, &input->local, &input->remote);
}

static void receive_stun(struct paw_rtc *rtc, const struct paw_input *input) {
  paw_ice_note_sent(paw_rtc_touch_ice(rtc), rtc->media_sent_ns);
  (void)paw_ice_handle_input(paw_rtc_touch_ice(rtc), input);
}

static void receive(struct paw_rtc *rtc, const struct paw_input *input) {
  rtc->stats.datagrams_received++;
  rtc->stats.bytes_received += input->len;
  if (input->len == 0) {
    paw_rtc_drop(rtc, PAW_DROP_EMPTY);
    return;
  }
  bool media = is_media(input);
  if (!media && is_stun(input)) {
    receive_stun(rtc, input);
  } else if (!media && !is_dtls(input)) {
    paw_rtc_drop(rtc, PAW_DROP_UNKNOWN_KIND);
  } else if (!comes_by_valid_path(rtc, input)) {
    paw_rtc_drop(rtc, PAW_DROP_UNKNOWN_PATH);
  } else if (!media) {
    receive_dtls(rtc, input);
  } else if (is_rtcp(input)) {
    paw_rtc_receive_rtcp(rtc, input);
  } else {
    paw_rtc_receive_rtp(rtc, input);
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
