/* SPDX-License-Identifier: MIT */
/* ICE after the first offer and answer: candidates that trickle in, and restarts. */
#include "rtc/rtc_private.h"

#include "base/mem.h"
#include "sdp/sdp.h"

static bool is_open(const struct paw_rtc *rtc) {
  return paw_rtc_is_negotiated(rtc) && !paw_rtc_is_over(rtc);
}

int paw_rtc_ice_restart(struct paw_rtc *rtc, uint64_t now_ns) {
  (void)paw_clock_advance(&rtc->clock, now_ns);
  if (!is_open(rtc) || rtc->signaling != PAW_RTC_STABLE) {
    return PAW_ERR_STATE;
  }
  return paw_ice_restart(paw_rtc_touch_ice(rtc), rtc->clock.now_ns);
}

int paw_rtc_write_ice_fragment(const struct paw_rtc *rtc, char *text, size_t *len) {
  if (!is_open(rtc)) {
    return PAW_ERR_STATE;
  }
  struct paw_sdp_fragment fragment = {
      .ice = *paw_ice_get_credentials(rtc->ice),
      .ice_lite = paw_ice_get_mode(rtc->ice) == PAW_ICE_LITE,
      .end_of_candidates = true,
  };
  fragment.candidate_count = paw_rtc_get_candidates(rtc, fragment.candidates);
  return paw_sdp_write_fragment(&fragment, rtc->local.mid, text, len);
}

/* Candidates without credentials belong to the ones in force (RFC 8838 section 4.4 wants them told;
 * helpers of several browsers leave them out). */
static int join_restart(struct paw_rtc *rtc, const struct paw_sdp_fragment *fragment) {
  int status = PAW_OK;
  if (paw_rtc_is_restart(rtc, &fragment->ice)) {
    /* The offer that is pending has told credentials that a restart would take back. */
    status = rtc->signaling == PAW_RTC_STABLE
                 ? paw_ice_restart(paw_rtc_touch_ice(rtc), rtc->clock.now_ns)
                 : PAW_ERR_STATE;
  }
  return status == PAW_OK ? paw_rtc_join_ice(rtc, &fragment->ice, fragment->ice_lite) : status;
}

static bool has_credentials(const struct paw_sdp_fragment *fragment) {
  return fragment->ice.ufrag[0] != '\0' && fragment->ice.pwd[0] != '\0';
}

int paw_rtc_accept_ice_fragment(struct paw_rtc *rtc, uint64_t now_ns, const char *text, size_t len,
                                bool *restarted) {
  (void)paw_clock_advance(&rtc->clock, now_ns);
  struct paw_sdp_fragment fragment;
  bool restart = false;
  if (!is_open(rtc)) {
    return PAW_ERR_STATE;
  }
  paw_rtc_pass_time(rtc);
  int status = paw_sdp_read_fragment(text, len, &fragment);
  bool stale = status == PAW_OK && paw_rtc_is_before_restart(rtc, &fragment.ice);
  if (status == PAW_OK && !stale && has_credentials(&fragment)) {
    restart = paw_rtc_is_restart(rtc, &fragment.ice);
    status = join_restart(rtc, &fragment);
  }
  if (status != PAW_OK) {
    return status;
  }
  if (!stale) {
    paw_rtc_take_candidates(rtc, fragment.candidates, fragment.candidate_count,
                            fragment.end_of_candidates);
  }
  paw_rtc_pass_time(rtc);
  if (restarted != NULL) {
    *restarted = restart;
  }
  return PAW_OK;
}
