/* SPDX-License-Identifier: MIT */
#include "rtc/rtc_private.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "ice/ice.h"

bool paw_rtc_is_negotiated(const struct paw_rtc *rtc) {
  return rtc->remote.opus_payload_type != 0;
}

/* ---- taking over what the peer says ---- */

static bool can_be_verified(const struct paw_description *remote) {
  for (size_t i = 0; i < remote->fingerprint_count; i++) {
    if (remote->fingerprints[i].hash != PAW_HASH_SHA1) {
      return true;
    }
  }
  return false;
}

/* RFC 8842 section 4: other fingerprints ask for another DTLS association. */
static bool keeps_certificate(const struct paw_rtc *rtc, const struct paw_description *remote) {
  for (size_t i = 0; i < remote->fingerprint_count; i++) {
    if (paw_dtls_has_remote_fingerprint(rtc->dtls, &remote->fingerprints[i])) {
      return true;
    }
  }
  return false;
}

/* A type of its own each; 0: there is none. */
static bool has_usable_types(const struct paw_audio_description *audio) {
  uint8_t opus = audio->opus_payload_type;
  uint8_t red = audio->red_payload_type;
  uint8_t rtx = audio->rtx_payload_type;
  bool apart = red != opus && rtx != opus && (red == 0 || red != rtx);
  return opus != 0 && apart && opus <= 127 && red <= 127 && rtx <= 127;
}

static int check_remote(const struct paw_rtc *rtc, const struct paw_description *remote) {
  if (!has_usable_types(&remote->audio)) {
    return PAW_ERR_UNSUPPORTED;
  }
  /* RFC 8827 section 6.5: no fingerprint, no session. */
  if (!can_be_verified(remote) || !paw_ice_credentials_are_good(&remote->ice)) {
    return PAW_ERR_MALFORMED;
  }
  return paw_rtc_is_negotiated(rtc) && !keeps_certificate(rtc, remote) ? PAW_ERR_UNSUPPORTED
                                                                       : PAW_OK;
}

/* A lite agent answers a lite offer as a full one: two that only listen would wait for ever. */
static int become_full(struct paw_rtc *rtc) {
  struct paw_ice *full = NULL;
  int status = paw_rtc_make_ice(rtc, PAW_ICE_FULL, &full);
  if (status != PAW_OK) {
    return status;
  }
  struct paw_candidate candidates[PAW_DESCRIPTION_CANDIDATES_MAX];
  size_t count = paw_rtc_get_candidates(rtc, candidates);
  for (size_t i = 0; i < count && status == PAW_OK; i++) {
    status = paw_ice_add_local_candidate(full, &candidates[i]);
  }
  if (status != PAW_OK) {
    paw_ice_free(full);
    return status;
  }
  rtc->ufrags_before += paw_ice_get_restart_count(rtc->ice) + 1;
  paw_ice_free(paw_rtc_touch_ice(rtc));
  rtc->ice = full;
  return PAW_OK;
}

/* False: not agreed on, or no memory for it. Then packets are resent with the stream's own SSRC. */
static bool prepare_rtx(struct paw_rtc *rtc) {
  return paw_rtc_uses_rtx(rtc) && (rtc->srtp == NULL || paw_rtc_key_rtx(rtc) == PAW_OK);
}

static void set_send_format(struct paw_rtc *rtc) {
  /* The ids of both sides are the offerer's; use what both have. */
  const struct paw_audio_description *remote = &rtc->remote;
  struct paw_send_format format = {
      .payload_type = remote->opus_payload_type,
      .red_payload_type = paw_rtc_uses_red(rtc) ? remote->red_payload_type : 0,
      .rtx_payload_type = prepare_rtx(rtc) ? remote->rtx_payload_type : 0,
      .extension_audio_level = remote->extension_audio_level,
      .extension_abs_capture_time = remote->extension_abs_capture_time,
  };
  if (remote->bundle && strlen(rtc->local.mid) < sizeof format.mid) {
    format.extension_mid = remote->extension_mid;
    memcpy(format.mid, rtc->local.mid, strlen(rtc->local.mid));
  }
  paw_send_set_format(&rtc->send, &format);
}

int paw_rtc_join_ice(struct paw_rtc *rtc, const struct paw_ice_credentials *remote, bool lite) {
  int status = paw_ice_set_remote(paw_rtc_touch_ice(rtc), remote, lite);
  return status == PAW_ERR_INVALID ? PAW_ERR_MALFORMED : status;
}

static int apply_transport(struct paw_rtc *rtc, const struct paw_description *remote) {
  int status = PAW_OK;
  if (!paw_rtc_is_negotiated(rtc)) {
    status = paw_dtls_set_remote_fingerprints(paw_rtc_touch_dtls(rtc), remote->fingerprints,
                                              remote->fingerprint_count);
  }
  if (status == PAW_OK) {
    status = paw_rtc_join_ice(rtc, &remote->ice, remote->ice_lite);
  }
  return status == PAW_ERR_INVALID ? PAW_ERR_MALFORMED : status;
}

void paw_rtc_take_candidates(struct paw_rtc *rtc, const struct paw_candidate *candidates,
                             size_t count, bool end) {
  for (size_t i = 0; i < count; i++) {
    /* One that does not fit is one way less, not an error. */
    (void)paw_ice_add_remote_candidate(paw_rtc_touch_ice(rtc), &candidates[i]);
  }
  if (end) {
    (void)paw_ice_end_remote_candidates(paw_rtc_touch_ice(rtc));
  }
}

/* RFC 8445 section 6.1.1: who offers first controls. Checks of the answerer may come before its
 * answer, so that is settled with the offer. */
static int settle_ice_role(struct paw_rtc *rtc, enum paw_ice_role role) {
  return paw_rtc_is_negotiated(rtc) ? PAW_OK : paw_ice_set_role(paw_rtc_touch_ice(rtc), role);
}

int paw_rtc_note_offered(struct paw_rtc *rtc) {
  int status = settle_ice_role(rtc, PAW_ICE_CONTROLLING);
  if (status == PAW_OK) {
    rtc->signaling = PAW_RTC_HAVE_LOCAL_OFFER;
  }
  return status;
}

static int apply(struct paw_rtc *rtc, const struct paw_description *local,
                 const struct paw_description *remote, enum paw_dtls_role dtls_role) {
  paw_rtc_pass_time(rtc); /* the first checks are timed from now, however old the offer is */
  int status = apply_transport(rtc, remote);
  if (status != PAW_OK) {
    return status;
  }
  paw_rtc_take_candidates(rtc, remote->candidates, remote->candidate_count,
                          remote->end_of_candidates);
  bool sent = paw_rtc_sends(rtc);
  rtc->local = local->audio;
  rtc->remote = remote->audio;
  rtc->direction = paw_rtc_common_direction(local->audio.direction,
                                            paw_rtc_mirror_direction(remote->audio.direction));
  rtc->signaling = PAW_RTC_STABLE;
  rtc->session_version++;
  set_send_format(rtc);
  paw_rtc_follow_red(rtc);
  if (!sent && paw_rtc_sends(rtc)) {
    paw_send_skip_to_now(&rtc->send); /* what was said while nothing was to be sent stays unsaid */
  }
  if (!paw_rtc_receives(rtc)) {
    rtc->flow = PAW_RTC_FLOW_IDLE; /* silence was agreed on: nothing is missed */
  }
  paw_rtc_mark(rtc, PAW_RTC_EVENT_MEDIA);
  if (rtc->state == PAW_RTC_STATE_NEW) {
    rtc->dtls_role = dtls_role;
    paw_rtc_set_state(rtc, PAW_RTC_STATE_CONNECTING);
    paw_rtc_start_dtls(rtc);
  }
  paw_rtc_pass_time(rtc); /* the time to connect counts from now too, should nothing ever come */
  return PAW_OK;
}

int paw_rtc_apply_answered(struct paw_rtc *rtc, const struct paw_description *offer,
                           const struct paw_description *answer) {
  enum paw_dtls_role role = answer->setup == PAW_SETUP_ACTIVE ? PAW_DTLS_CLIENT : PAW_DTLS_SERVER;
  int status = settle_ice_role(rtc, PAW_ICE_CONTROLLED);
  return status == PAW_OK ? apply(rtc, answer, offer, role) : status;
}

/* RFC 8839 section 4.4.3.1.1: other credentials are a restart. Where this side restarted first, it
 * waits for the peer's new ones and knows none. */
bool paw_rtc_is_restart(const struct paw_rtc *rtc, const struct paw_ice_credentials *remote) {
  const struct paw_ice_credentials *known = paw_ice_get_remote_credentials(rtc->ice);
  return known->ufrag[0] != '\0' &&
         (strcmp(known->ufrag, remote->ufrag) != 0 || strcmp(known->pwd, remote->pwd) != 0);
}

/* What still names the credentials of before this side's restart is older than that. To take it for
 * the peer's part of the restart would leave the two ends with credentials that do not meet, and
 * consent would run out. */
bool paw_rtc_is_before_restart(const struct paw_rtc *rtc,
                               const struct paw_ice_credentials *remote) {
  bool awaits_peer = paw_ice_get_remote_credentials(rtc->ice)->ufrag[0] == '\0';
  return awaits_peer && paw_rtc_is_negotiated(rtc) &&
         strcmp(paw_ice_get_last_remote_ufrag(rtc->ice), remote->ufrag) == 0;
}

/* RFC 8842 section 5.3: an offer that turns the roles of DTLS around asks for another association.
 */
static bool turns_dtls_around(const struct paw_rtc *rtc, const struct paw_description *offer) {
  enum paw_setup own = rtc->dtls_role == PAW_DTLS_CLIENT ? PAW_SETUP_ACTIVE : PAW_SETUP_PASSIVE;
  return paw_rtc_is_negotiated(rtc) && offer->setup == own;
}

/* A connection whose two ends would become lite has nobody left who checks its paths. */
static bool ends_checks(const struct paw_rtc *rtc, const struct paw_description *offer) {
  return paw_rtc_is_negotiated(rtc) && offer->ice_lite &&
         paw_ice_get_mode(rtc->ice) == PAW_ICE_LITE;
}

int paw_rtc_prepare_answer(struct paw_rtc *rtc, uint64_t now_ns,
                           const struct paw_description *offer, struct paw_description *answer) {
  (void)paw_clock_advance(&rtc->clock, now_ns);
  if (paw_rtc_is_over(rtc) || rtc->signaling != PAW_RTC_STABLE ||
      paw_rtc_is_before_restart(rtc, &offer->ice)) {
    return PAW_ERR_STATE;
  }
  if (turns_dtls_around(rtc, offer) || ends_checks(rtc, offer)) {
    return PAW_ERR_UNSUPPORTED;
  }
  int status = check_remote(rtc, offer);
  if (status == PAW_OK) {
    paw_rtc_describe_answer(rtc, offer, answer);
  }
  return status;
}

int paw_rtc_renew_ice(struct paw_rtc *rtc, const struct paw_description *offer,
                      struct paw_description *answer) {
  int status = PAW_OK;
  if (offer->ice_lite && paw_ice_get_mode(rtc->ice) == PAW_ICE_LITE) {
    status = become_full(rtc);
  } else if (paw_rtc_is_restart(rtc, &offer->ice)) {
    status = paw_ice_restart(paw_rtc_touch_ice(rtc), rtc->clock.now_ns);
  }
  if (status == PAW_OK) {
    paw_rtc_describe_answer(rtc, offer, answer);
  }
  return status;
}

/* ---- without SDP ---- */

int paw_rtc_direct_offer(struct paw_rtc *rtc, struct paw_description *out) {
  if (paw_rtc_is_over(rtc) || rtc->signaling != PAW_RTC_STABLE) {
    return PAW_ERR_STATE;
  }
  paw_rtc_describe_offer(rtc, out);
  return paw_rtc_note_offered(rtc);
}

int paw_rtc_direct_accept_offer(struct paw_rtc *rtc, uint64_t now_ns,
                                const struct paw_description *offer,
                                struct paw_description *answer) {
  int status = paw_rtc_prepare_answer(rtc, now_ns, offer, answer);
  if (status == PAW_OK) {
    status = paw_rtc_renew_ice(rtc, offer, answer);
  }
  return status == PAW_OK ? paw_rtc_apply_answered(rtc, offer, answer) : status;
}

static int check_answer(const struct paw_rtc *rtc, const struct paw_description *offer,
                        const struct paw_description *answer) {
  /* RFC 9429 section 5.11: the section that was offered; peers leave the mid out. RFC 8839 section
   * 4.4.1.1.1: only an offer may restart ICE. */
  bool other_mid = answer->audio.mid[0] != '\0' && strcmp(answer->audio.mid, offer->audio.mid) != 0;
  if (other_mid || paw_rtc_is_restart(rtc, &answer->ice)) {
    return PAW_ERR_MALFORMED;
  }
  if (answer->ice_lite && paw_ice_get_mode(rtc->ice) == PAW_ICE_LITE) {
    return PAW_ERR_UNSUPPORTED;
  }
  return check_remote(rtc, answer);
}

int paw_rtc_direct_accept_answer(struct paw_rtc *rtc, uint64_t now_ns,
                                 const struct paw_description *answer) {
  (void)paw_clock_advance(&rtc->clock, now_ns);
  if (paw_rtc_is_over(rtc) || rtc->signaling != PAW_RTC_HAVE_LOCAL_OFFER ||
      paw_rtc_is_before_restart(rtc, &answer->ice)) {
    return PAW_ERR_STATE;
  }
  struct paw_description offer;
  paw_rtc_describe_offer(rtc, &offer);
  int status = check_answer(rtc, &offer, answer);
  if (status != PAW_OK) {
    return status;
  }
  enum paw_dtls_role role = answer->setup == PAW_SETUP_PASSIVE ? PAW_DTLS_CLIENT : PAW_DTLS_SERVER;
  return apply(rtc, &offer, answer, role);
}

int paw_rtc_set_direction(struct paw_rtc *rtc, enum paw_direction direction) {
  if ((unsigned)direction > PAW_DIRECTION_SENDRECV) {
    return PAW_ERR_INVALID;
  }
  if (paw_rtc_is_over(rtc) || rtc->signaling != PAW_RTC_STABLE) {
    return PAW_ERR_STATE;
  }
  rtc->wanted.direction = direction;
  return PAW_OK;
}

int paw_rtc_rollback(struct paw_rtc *rtc) {
  if (rtc->signaling != PAW_RTC_HAVE_LOCAL_OFFER) {
    return PAW_ERR_STATE;
  }
  rtc->signaling = PAW_RTC_STABLE;
  rtc->session_version++; /* RFC 9429 section 5.2.1: the next offer may differ from this one */
  return PAW_OK;
}

int paw_rtc_get_media(const struct paw_rtc *rtc, struct paw_media_info *out) {
  if (!paw_rtc_is_negotiated(rtc)) {
    return PAW_ERR_STATE;
  }
  *out = (struct paw_media_info){
      .direction = rtc->direction,
      .opus_payload_type = rtc->remote.opus_payload_type,
      .red_payload_type = paw_rtc_uses_red(rtc) ? rtc->remote.red_payload_type : 0,
      .rtx_payload_type = paw_rtc_uses_rtx(rtc) ? rtc->remote.rtx_payload_type : 0,
      .nack = rtc->local.nack && rtc->remote.nack,
      .local_ssrc = rtc->local_ssrc,
      .remote_ssrc = rtc->recv_count > 0 ? rtc->recv[rtc->recv_count - 1].ssrc : rtc->remote.ssrc,
      .remote = rtc->remote.opus,
  };
  memcpy(out->mid, rtc->local.mid, sizeof out->mid);
  return PAW_OK;
}
