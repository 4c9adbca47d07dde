/* SPDX-License-Identifier: MIT */
/* What this side says of itself. */
#include "rtc/rtc_private.h"

#include <string.h>

/* Ids and payload type of our offers: Chromium's, so that logs of both sides read alike. */
#define OFFER_OPUS_PAYLOAD_TYPE 111
#define OFFER_RED_PAYLOAD_TYPE 63
#define OFFER_RTX_PAYLOAD_TYPE 112
#define OFFER_EXTENSION_AUDIO_LEVEL 1
#define OFFER_EXTENSION_MID 4
#define OFFER_EXTENSION_ABS_CAPTURE_TIME 5

/* The other side's direction, seen from here. */
enum paw_direction paw_rtc_mirror_direction(enum paw_direction direction) {
  unsigned sends = (direction & PAW_DIRECTION_RECVONLY) != 0 ? PAW_DIRECTION_SENDONLY : 0u;
  unsigned receives = (direction & PAW_DIRECTION_SENDONLY) != 0 ? PAW_DIRECTION_RECVONLY : 0u;
  return (enum paw_direction)(sends | receives);
}

enum paw_direction paw_rtc_common_direction(enum paw_direction a, enum paw_direction b) {
  return (enum paw_direction)((unsigned)a & (unsigned)b);
}

/* What was learnt from the peer's answers is not told to it. */
size_t paw_rtc_get_candidates(const struct paw_rtc *rtc, struct paw_candidate *out) {
  struct paw_candidate all[PAW_DESCRIPTION_CANDIDATES_MAX];
  size_t count = 0;
  size_t all_count = paw_ice_get_local_candidates(rtc->ice, all, PAW_DESCRIPTION_CANDIDATES_MAX);
  for (size_t i = 0; i < all_count; i++) {
    if (all[i].type != PAW_CANDIDATE_PEER_REFLEXIVE) {
      out[count++] = all[i];
    }
  }
  return count;
}

static void describe_transport(const struct paw_rtc *rtc, struct paw_description *out) {
  out->ice = *paw_ice_get_credentials(rtc->ice);
  out->ice_lite = paw_ice_get_mode(rtc->ice) == PAW_ICE_LITE;
  out->ice_trickle = true; /* it takes candidates that come later, and has none of its own */
  out->end_of_candidates = true;
  out->fingerprint_count = 1;
  paw_certificate_get_fingerprint(rtc->certificate, &out->fingerprints[0]);
  out->candidate_count = paw_rtc_get_candidates(rtc, out->candidates);
}

static void describe_audio(const struct paw_rtc *rtc, struct paw_audio_description *audio) {
  bool sends = (audio->direction & PAW_DIRECTION_SENDONLY) != 0;
  audio->opus = (struct paw_opus_parameters){
      .max_average_bitrate_bps = rtc->wanted.max_average_bitrate_bps,
      .ptime_ms = rtc->wanted.ptime_ms,
      .stereo = rtc->wanted.stereo,
      .sprop_stereo = rtc->wanted.stereo && sends,
      .use_inband_fec = rtc->wanted.inband_fec,
  };
  audio->rtcp_mux = true;
  memcpy(audio->cname, rtc->cname, sizeof rtc->cname);
  if (sends) {
    audio->ssrc = rtc->local_ssrc;
    audio->rtx_ssrc = audio->rtx_payload_type != 0 ? rtc->send.rtx_ssrc : 0;
    memcpy(audio->msid_stream, rtc->cname, sizeof rtc->cname);
    memcpy(audio->msid_track, "audio", sizeof "audio");
  }
}

/* RFC 9429 section 5.2.2: a later offer keeps the mid, payload types and ids that were agreed. */
static void keep_names(const struct paw_rtc *rtc, struct paw_audio_description *audio) {
  memcpy(audio->mid, rtc->local.mid, sizeof audio->mid);
  audio->opus_payload_type = rtc->local.opus_payload_type;
  audio->red_payload_type = rtc->local.red_payload_type;
  audio->rtx_payload_type = rtc->local.rtx_payload_type;
  audio->extension_mid = rtc->local.extension_mid;
  audio->extension_audio_level = rtc->local.extension_audio_level;
  audio->extension_abs_capture_time = rtc->local.extension_abs_capture_time;
  audio->bundle = rtc->local.bundle;
}

void paw_rtc_describe_offer(const struct paw_rtc *rtc, struct paw_description *out) {
  *out = (struct paw_description){
      .setup = PAW_SETUP_ACTPASS, /* RFC 8842 section 5.2 */
      .audio =
          {
              .mid = "0",
              .direction = rtc->wanted.direction,
              .opus_payload_type = OFFER_OPUS_PAYLOAD_TYPE,
              .red_payload_type = rtc->wanted.red ? OFFER_RED_PAYLOAD_TYPE : 0,
              .rtx_payload_type = rtc->wanted.nack && rtc->wanted.rtx ? OFFER_RTX_PAYLOAD_TYPE : 0,
              .extension_mid = OFFER_EXTENSION_MID,
              .extension_audio_level = OFFER_EXTENSION_AUDIO_LEVEL,
              .extension_abs_capture_time = OFFER_EXTENSION_ABS_CAPTURE_TIME,
              .extmap_allow_mixed = true,
              .rtcp_rsize = true,
              .nack = rtc->wanted.nack,
              .rrtr = true,
              .bundle = true,
          },
  };
  if (paw_rtc_is_negotiated(rtc)) {
    keep_names(rtc, &out->audio);
  }
  describe_transport(rtc, out);
  describe_audio(rtc, &out->audio);
}

/* RFC 8842 section 5.3: a later answer keeps the roles of the association that there is. The first
 * is active, unless the peer insists on it. That starts DTLS a round trip sooner, and leaves the
 * long ClientHello of browsers unsent. */
static enum paw_setup choose_setup(const struct paw_rtc *rtc, enum paw_setup offered) {
  if (paw_rtc_is_negotiated(rtc)) {
    return rtc->dtls_role == PAW_DTLS_CLIENT ? PAW_SETUP_ACTIVE : PAW_SETUP_PASSIVE;
  }
  return offered == PAW_SETUP_ACTIVE ? PAW_SETUP_PASSIVE : PAW_SETUP_ACTIVE;
}

void paw_rtc_describe_answer(const struct paw_rtc *rtc, const struct paw_description *offer,
                             struct paw_description *out) {
  const struct paw_audio_description *offered = &offer->audio;
  *out = (struct paw_description){
      .setup = choose_setup(rtc, offer->setup),
      .audio =
          {
              .direction = paw_rtc_common_direction(rtc->wanted.direction,
                                                    paw_rtc_mirror_direction(offered->direction)),
              .opus_payload_type = offered->opus_payload_type,
              .red_payload_type = rtc->wanted.red ? offered->red_payload_type : 0,
              .rtx_payload_type = rtc->wanted.nack ? offered->rtx_payload_type : 0,
              .extension_mid = offered->extension_mid,
              .extension_audio_level = offered->extension_audio_level,
              .extension_abs_capture_time = offered->extension_abs_capture_time,
              .extmap_allow_mixed = offered->extmap_allow_mixed,
              .rtcp_rsize = offered->rtcp_rsize,
              .nack = rtc->wanted.nack, /* Chromium heeds it without having offered it */
              .rrtr = true,
              .bundle = offered->bundle,
          },
  };
  memcpy(out->audio.mid, offered->mid, sizeof offered->mid);
  describe_transport(rtc, out);
  describe_audio(rtc, &out->audio);
}
