/* SPDX-License-Identifier: MIT */
/* Descriptions compared, as far as SDP tells them. */
#ifndef FUZZ_DESCRIPTION_H
#define FUZZ_DESCRIPTION_H

#include "fuzz.h"
#include "sdp/sdp.h"

static inline void check_same_candidates(const struct paw_candidate *a, size_t a_count,
                                         const struct paw_candidate *b, size_t b_count) {
  FUZZ_CHECK(a_count == b_count);
  for (size_t i = 0; i < a_count; i++) {
    FUZZ_CHECK(a[i].type == b[i].type && a[i].priority == b[i].priority);
    FUZZ_CHECK(paw_address_equal(&a[i].address, &b[i].address));
    FUZZ_CHECK(strcmp(a[i].foundation, b[i].foundation) == 0);
  }
}

static inline void check_same_credentials(const struct paw_ice_credentials *a,
                                          const struct paw_ice_credentials *b) {
  FUZZ_CHECK(strcmp(a->ufrag, b->ufrag) == 0 && strcmp(a->pwd, b->pwd) == 0);
}

static inline void check_same_transport(const struct paw_description *a,
                                        const struct paw_description *b) {
  check_same_credentials(&a->ice, &b->ice);
  FUZZ_CHECK(a->ice_lite == b->ice_lite && a->ice_trickle == b->ice_trickle);
  FUZZ_CHECK(a->end_of_candidates == b->end_of_candidates && a->setup == b->setup);
  FUZZ_CHECK(a->fingerprint_count == b->fingerprint_count);
  for (size_t i = 0; i < a->fingerprint_count; i++) {
    const struct paw_fingerprint *first = &a->fingerprints[i];
    FUZZ_CHECK(first->hash == b->fingerprints[i].hash && first->len == b->fingerprints[i].len);
    FUZZ_CHECK(memcmp(first->value, b->fingerprints[i].value, first->len) == 0);
  }
  check_same_candidates(a->candidates, a->candidate_count, b->candidates, b->candidate_count);
}

/* The source is told by who sends; the SSRC on a line with its name or its stream. */
static inline void check_same_source(const struct paw_audio_description *a,
                                     const struct paw_audio_description *b) {
  bool sends = (a->direction & PAW_DIRECTION_SENDONLY) != 0;
  bool names_ssrc = a->ssrc != 0 && (a->cname[0] != '\0' || a->msid_stream[0] != '\0');
  if (sends && a->msid_stream[0] != '\0') {
    FUZZ_CHECK(strcmp(a->msid_stream, b->msid_stream) == 0);
    FUZZ_CHECK(strcmp(a->msid_track, b->msid_track) == 0);
  }
  if (sends && names_ssrc) {
    FUZZ_CHECK(a->ssrc == b->ssrc && a->rtx_ssrc == b->rtx_ssrc);
    FUZZ_CHECK(strcmp(a->cname, b->cname) == 0);
  }
}

static inline void check_same_opus(const struct paw_opus_parameters *a,
                                   const struct paw_opus_parameters *b) {
  FUZZ_CHECK(a->max_playback_rate_hz == b->max_playback_rate_hz);
  FUZZ_CHECK(a->sprop_max_capture_rate_hz == b->sprop_max_capture_rate_hz);
  FUZZ_CHECK(a->max_average_bitrate_bps == b->max_average_bitrate_bps);
  FUZZ_CHECK(a->min_ptime_ms == b->min_ptime_ms && a->ptime_ms == b->ptime_ms);
  FUZZ_CHECK(a->max_ptime_ms == b->max_ptime_ms);
  FUZZ_CHECK(a->stereo == b->stereo && a->sprop_stereo == b->sprop_stereo);
  FUZZ_CHECK(a->use_inband_fec == b->use_inband_fec && a->use_dtx == b->use_dtx);
  FUZZ_CHECK(a->cbr == b->cbr);
}

static inline void check_same_audio(const struct paw_audio_description *a,
                                    const struct paw_audio_description *b) {
  FUZZ_CHECK(strcmp(a->mid, b->mid) == 0 && a->direction == b->direction);
  FUZZ_CHECK(a->opus_payload_type == b->opus_payload_type);
  FUZZ_CHECK(a->red_payload_type == b->red_payload_type);
  FUZZ_CHECK(a->rtx_payload_type == b->rtx_payload_type);
  FUZZ_CHECK(a->extension_mid == b->extension_mid);
  FUZZ_CHECK(a->extension_audio_level == b->extension_audio_level);
  FUZZ_CHECK(a->extension_abs_capture_time == b->extension_abs_capture_time);
  FUZZ_CHECK(a->extmap_allow_mixed == b->extmap_allow_mixed);
  FUZZ_CHECK(a->rtcp_mux && b->rtcp_mux && a->rtcp_rsize == b->rtcp_rsize);
  FUZZ_CHECK(a->nack == b->nack && a->rrtr == b->rrtr && a->bundle == b->bundle);
  check_same_opus(&a->opus, &b->opus);
  check_same_source(a, b);
}

static inline void check_same_description(const struct paw_description *a,
                                          const struct paw_description *b) {
  check_same_transport(a, b);
  check_same_audio(&a->audio, &b->audio);
}

#endif
