/* SPDX-License-Identifier: MIT */
/* ICE and DTLS as the connection drives them. */
#include "rtc/rtc_private.h"

#include <assert.h>

#include "base/log.h"
#include "base/mem.h"

struct paw_ice *paw_rtc_touch_ice(struct paw_rtc *rtc) {
  struct paw_ice *ice = (struct paw_ice *)rtc->ice;
  if (rtc->heard_ns != 0) {
    paw_ice_note_usual(ice, rtc->heard_ns);
    rtc->heard_ns = 0;
  }
  paw_rtc_stir(rtc);
  return ice;
}

/* RFC 8827 section 5: on the first valid pair, before nomination. */
void paw_rtc_start_dtls(struct paw_rtc *rtc) {
  struct paw_address local;
  struct paw_address remote;
  if (rtc->state != PAW_RTC_STATE_CONNECTING ||
      paw_dtls_get_state(rtc->dtls) != PAW_DTLS_STATE_NEW ||
      !paw_ice_get_selected_pair(rtc->ice, &local, &remote)) {
    return;
  }
  int status = paw_dtls_start(paw_rtc_touch_dtls(rtc), rtc->dtls_role, rtc->clock.now_ns);
  if (status != PAW_OK) {
    paw_rtc_end(rtc, status == PAW_ERR_NO_MEMORY ? PAW_CLOSE_NO_MEMORY : PAW_CLOSE_DTLS_FAILED);
  }
}

/* Retransmissions have an SSRC of their own. */
int paw_rtc_key_rtx(struct paw_rtc *rtc) {
  struct paw_srtp_keys keys;
  int status = paw_dtls_get_keys(rtc->dtls, &keys);
  if (status == PAW_OK) {
    status = paw_srtp_add_sender(rtc->srtp, &keys, rtc->send.rtx_ssrc);
  }
  paw_mem_wipe(&keys, sizeof keys);
  return status;
}

/* Keys are taken as soon as they are there, so that media right behind the handshake is read. */
void paw_rtc_install_keys(struct paw_rtc *rtc) {
  if (rtc->state != PAW_RTC_STATE_CONNECTING ||
      paw_dtls_get_state(rtc->dtls) != PAW_DTLS_STATE_CONNECTED) {
    return;
  }
  struct paw_srtp_keys keys;
  int status = paw_dtls_get_keys(rtc->dtls, &keys);
  if (status == PAW_OK) {
    status = paw_srtp_new(&rtc->allocator, &keys, rtc->local_ssrc, &rtc->srtp);
  }
  paw_mem_wipe(&keys, sizeof keys);
  if (status == PAW_OK && paw_rtc_uses_rtx(rtc)) {
    status = paw_rtc_key_rtx(rtc);
  }
  if (status != PAW_OK) {
    paw_rtc_end(rtc, status == PAW_ERR_NO_MEMORY ? PAW_CLOSE_NO_MEMORY : PAW_CLOSE_DTLS_FAILED);
    return;
  }
  paw_rtc_set_state(rtc, PAW_RTC_STATE_CONNECTED);
  paw_send_skip_to_now(&rtc->send);
  paw_report_start(&rtc->report, rtc->clock.now_ns);
}

/* ---- ICE ---- */

static enum paw_close_reason reason_of_failure(enum paw_ice_reason reason) {
  switch (reason) {
  case PAW_ICE_REASON_CONSENT_EXPIRED:
    return PAW_CLOSE_CONSENT;
  case PAW_ICE_REASON_CONSENT_REVOKED:
    return PAW_CLOSE_REVOKED;
  case PAW_ICE_REASON_NONE:
  case PAW_ICE_REASON_NO_PAIR:
  case PAW_ICE_REASON_SILENCE:
  case PAW_ICE_REASON_NO_PATH:
    return PAW_CLOSE_ICE_FAILED;
  }
  return PAW_CLOSE_ICE_FAILED;
}

static void handle_ice_event(struct paw_rtc *rtc, const struct paw_ice_event *event) {
  switch (event->kind) {
  case PAW_ICE_EVENT_VALID_PAIR:
    paw_rtc_start_dtls(rtc);
    break;
  case PAW_ICE_EVENT_STATE: {
    struct paw_rtc_event state = {
        .kind = PAW_RTC_EVENT_ICE_STATE, .ice_reason = event->reason, .ice_state = event->state};
    paw_rtc_push_event(rtc, &state);
    if (event->state == PAW_ICE_STATE_FAILED) {
      paw_rtc_end(rtc, reason_of_failure(event->reason));
    }
    break;
  }
  case PAW_ICE_EVENT_SELECTED_PAIR: {
    struct paw_rtc_event pair = {
        .kind = PAW_RTC_EVENT_SELECTED_PAIR,
        .pair = {.local = event->local, .remote = event->remote},
    };
    paw_rtc_push_event(rtc, &pair);
    break;
  }
  }
}

/* Calls that bring no time, a new candidate for one, act by ICE's clock, which may lie behind. */
static bool is_behind(const struct paw_rtc *rtc) {
  return paw_time_due(rtc->ice_timeout.deadline_ns, rtc->clock.now_ns);
}

bool paw_rtc_poll_ice(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out) {
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = rtc->clock.now_ns};
  bool told = false;
  for (;;) {
    struct paw_ice_output ice;
    paw_ice_poll_into(paw_rtc_touch_ice(rtc), buffer, &ice);
    switch (ice.kind) {
    case PAW_OUTPUT_TIMEOUT:
      rtc->ice_timeout = ice.timeout;
      if (told || !is_behind(rtc)) {
        return false;
      }
      told = true;
      (void)paw_ice_handle_input(paw_rtc_touch_ice(rtc), &time);
      break;
    case PAW_OUTPUT_TRANSMIT:
      *out = ice.transmit;
      out->dscp = rtc->dscp;
      return true;
    case PAW_OUTPUT_EVENT:
      handle_ice_event(rtc, &ice.event);
      break;
    }
  }
}

/* ---- DTLS ---- */

static enum paw_close_reason close_reason(enum paw_dtls_reason reason) {
  switch (reason) {
  case PAW_DTLS_REASON_CLOSE_NOTIFY:
    return PAW_CLOSE_PEER;
  case PAW_DTLS_REASON_FINGERPRINT:
    return PAW_CLOSE_FINGERPRINT;
  case PAW_DTLS_REASON_NO_PROFILE:
    return PAW_CLOSE_NO_PROFILE;
  case PAW_DTLS_REASON_LOCAL:
    return PAW_CLOSE_LOCAL;
  case PAW_DTLS_REASON_NO_MEMORY:
    return PAW_CLOSE_NO_MEMORY;
  case PAW_DTLS_REASON_ALERT:
    return PAW_CLOSE_DTLS_ALERT;
  case PAW_DTLS_REASON_TIMEOUT:
    return PAW_CLOSE_DTLS_TIMEOUT;
  case PAW_DTLS_REASON_HANDSHAKE:
  case PAW_DTLS_REASON_NONE:
    return PAW_CLOSE_DTLS_FAILED;
  }
  return PAW_CLOSE_DTLS_FAILED;
}

bool paw_rtc_poll_dtls(struct paw_rtc *rtc, struct paw_transmit *out) {
  for (;;) {
    struct paw_dtls_output dtls;
    paw_dtls_poll_output(paw_rtc_touch_dtls(rtc), &dtls);
    switch (dtls.kind) {
    case PAW_OUTPUT_TIMEOUT:
      rtc->dtls_timeout = dtls.timeout;
      return false;
    case PAW_OUTPUT_TRANSMIT:
      if (paw_rtc_address(rtc, dtls.transmit.data, dtls.transmit.len, out)) {
        return true;
      }
      break; /* no path: a loss, which DTLS repairs */
    case PAW_OUTPUT_EVENT:
      if (dtls.event.kind == PAW_DTLS_EVENT_CONNECTED) {
        paw_rtc_install_keys(rtc);
      } else if (rtc->state != PAW_RTC_STATE_CLOSING) {
        paw_rtc_end(rtc, close_reason(dtls.event.reason));
      }
      break;
    }
  }
}

#ifdef PAW_SELF_CHECK
/* Polling an engine at rest changes nothing, so a build with this behaves as one without. */
void paw_rtc_check_rest(struct paw_rtc *rtc) {
  uint8_t message[PAW_RTC_CONTROL_BYTES];
  struct paw_ice_output ice;
  struct paw_dtls_output dtls;
  paw_ice_poll_into((struct paw_ice *)rtc->ice, message, &ice);
  assert(ice.kind == PAW_OUTPUT_TIMEOUT);
  assert(ice.timeout.deadline_ns >= rtc->ice_timeout.deadline_ns);
  paw_dtls_poll_output((struct paw_dtls *)rtc->dtls, &dtls);
  assert(dtls.kind == PAW_OUTPUT_TIMEOUT);
  assert(dtls.timeout.deadline_ns >= rtc->dtls_timeout.deadline_ns);
}
#endif
