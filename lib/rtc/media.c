/* SPDX-License-Identifier: MIT */
/* Audio that goes out, and the player that is joined for what comes in. */
#include "rtc/rtc_private.h"

#include <pawebrtc/playout.h>

int paw_rtc_add_local_candidate(struct paw_rtc *rtc, const struct paw_candidate *candidate) {
  return paw_ice_add_local_candidate(paw_rtc_touch_ice(rtc), candidate);
}

int paw_rtc_remove_local_candidate(struct paw_rtc *rtc, const struct paw_address *address) {
  return paw_ice_remove_local_candidate(paw_rtc_touch_ice(rtc), address);
}

int paw_rtc_add_remote_candidate(struct paw_rtc *rtc, const struct paw_candidate *candidate) {
  return paw_ice_add_remote_candidate(paw_rtc_touch_ice(rtc), candidate);
}

const char *paw_rtc_get_ufrag(const struct paw_rtc *rtc) {
  return paw_ice_get_credentials(rtc->ice)->ufrag;
}

uint32_t paw_rtc_get_ufrag_generation(const struct paw_rtc *rtc) {
  return rtc->ufrags_before + paw_ice_get_restart_count(rtc->ice);
}

void paw_rtc_attach_history(struct paw_rtc *rtc, uint64_t now_ns,
                            const struct paw_history *history) {
  paw_send_attach(&rtc->send, history, paw_clock_advance(&rtc->clock, now_ns));
}

static int ensure_own_history(struct paw_rtc *rtc) {
  if (rtc->own_history != NULL) {
    return PAW_OK;
  }
  int status = paw_history_new(&rtc->allocator, &rtc->own_history);
  if (status == PAW_OK) {
    paw_send_attach(&rtc->send, rtc->own_history, rtc->clock.now_ns);
  }
  return status;
}

int paw_rtc_send_audio(struct paw_rtc *rtc, uint64_t now_ns, const struct paw_audio_frame *frame) {
  (void)paw_clock_advance(&rtc->clock, now_ns);
  if (!paw_rtc_is_negotiated(rtc) || !paw_rtc_sends(rtc) || paw_rtc_is_over(rtc)) {
    return PAW_ERR_STATE;
  }
  int status = ensure_own_history(rtc);
  return status == PAW_OK ? paw_history_push(rtc->own_history, rtc->clock.now_ns, frame) : status;
}

/* A browser's buffer does not make room for redundancy: what comes later than two frames after
 * its time is not waited for. None of them says that it sends reference times; players of ours do.
 */
#define BROWSER_RED_DISTANCE_MAX 2

bool paw_rtc_is_red_distance(int distance) {
  return distance >= PAW_RED_AUTO && distance <= PAW_RED_DISTANCE_MAX;
}

/* Set what is sent by what is known of the path. */
void paw_rtc_follow_red(struct paw_rtc *rtc) {
  if (rtc->red_wanted != PAW_RED_AUTO) {
    paw_send_set_red(&rtc->send, (uint8_t)rtc->red_wanted, UINT32_MAX);
    return;
  }
  uint8_t most = rtc->remote.rrtr ? PAW_RED_DISTANCE_MAX : BROWSER_RED_DISTANCE_MAX;
  bool on = rtc->redundancy.state == PAW_REDUNDANCY_ON;
  paw_send_set_red(&rtc->send, on ? most : 0, paw_redundancy_get_room_rtp(paw_rtc_get_rtt_ns(rtc)));
}

int paw_rtc_set_red(struct paw_rtc *rtc, int distance) {
  if (!paw_rtc_is_red_distance(distance)) {
    return PAW_ERR_INVALID;
  }
  rtc->red_wanted = distance;
  paw_rtc_follow_red(rtc);
  return PAW_OK;
}

uint64_t paw_rtc_serve_playout(struct paw_rtc *rtc, uint64_t now_ns, struct paw_playout *playout) {
  paw_playout_set_nack(playout, rtc->local.nack && rtc->remote.nack);
  paw_playout_set_rtt(playout, paw_rtc_get_rtt_ns(rtc));
  for (;;) {
    struct paw_playout_output output;
    paw_playout_poll_output(playout, now_ns, &output);
    if (output.kind == PAW_OUTPUT_TIMEOUT) {
      return output.timeout.deadline_ns;
    }
    if (output.event.kind == PAW_PLAYOUT_EVENT_NACK) {
      (void)paw_rtc_send_nack(rtc, now_ns, output.event.sequences, output.event.count);
    }
  }
}
