/* SPDX-License-Identifier: MIT */
#include "text_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"

char *copy_exact(const char *text, size_t len) {
  char *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, text, len);
  return copy;
}

char *read_vector(const char *name, size_t *len) {
  static char bytes[PAW_SDP_BYTES_MAX];
  char path[512];
  (void)snprintf(path, sizeof path, "%s/%s", VECTORS, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    fail_msg("cannot open %s", path);
  }
  *len = fread(bytes, 1, sizeof bytes, file);
  (void)fclose(file);
  assert_true(*len > 0);
  return copy_exact(bytes, *len);
}

int read_description(const char *text, size_t len, size_t index, struct paw_description *out) {
  struct paw_sdp_media media[PAW_SDP_MEDIA_MAX];
  struct paw_sdp sdp = {.media = media};
  int status = paw_sdp_parse(text, len, &sdp);
  return status == PAW_OK ? paw_sdp_read_audio(&sdp, index, out) : status;
}

int read_string(const char *text, struct paw_description *out) {
  size_t len = strlen(text);
  char *copy = copy_exact(text, len);
  int status = read_description(copy, len, 0, out);
  free(copy);
  return status;
}

static void expect_same_opus(const struct paw_opus_parameters *a,
                             const struct paw_opus_parameters *b) {
  assert_int_equal(a->max_playback_rate_hz, b->max_playback_rate_hz);
  assert_int_equal(a->sprop_max_capture_rate_hz, b->sprop_max_capture_rate_hz);
  assert_int_equal(a->max_average_bitrate_bps, b->max_average_bitrate_bps);
  assert_int_equal(a->min_ptime_ms, b->min_ptime_ms);
  assert_int_equal(a->ptime_ms, b->ptime_ms);
  assert_int_equal(a->max_ptime_ms, b->max_ptime_ms);
  assert_int_equal(a->stereo, b->stereo);
  assert_int_equal(a->sprop_stereo, b->sprop_stereo);
  assert_int_equal(a->use_inband_fec, b->use_inband_fec);
  assert_int_equal(a->use_dtx, b->use_dtx);
  assert_int_equal(a->cbr, b->cbr);
}

static void expect_same_audio(const struct paw_audio_description *a,
                              const struct paw_audio_description *b) {
  assert_string_equal(a->mid, b->mid);
  assert_int_equal(a->direction, b->direction);
  assert_int_equal(a->opus_payload_type, b->opus_payload_type);
  assert_int_equal(a->red_payload_type, b->red_payload_type);
  assert_int_equal(a->rtx_payload_type, b->rtx_payload_type);
  expect_same_opus(&a->opus, &b->opus);
  assert_int_equal(a->extension_mid, b->extension_mid);
  assert_int_equal(a->extension_audio_level, b->extension_audio_level);
  assert_int_equal(a->extension_abs_capture_time, b->extension_abs_capture_time);
  assert_int_equal(a->extmap_allow_mixed, b->extmap_allow_mixed);
  assert_int_equal(a->rtcp_mux, b->rtcp_mux);
  assert_int_equal(a->rtcp_rsize, b->rtcp_rsize);
  assert_int_equal(a->nack, b->nack);
  assert_int_equal(a->rrtr, b->rrtr);
  assert_int_equal(a->bundle, b->bundle);
  assert_int_equal(a->ssrc, b->ssrc);
  assert_int_equal(a->rtx_ssrc, b->rtx_ssrc);
  assert_string_equal(a->cname, b->cname);
  assert_string_equal(a->msid_stream, b->msid_stream);
  assert_string_equal(a->msid_track, b->msid_track);
}

void expect_same_description(const struct paw_description *a, const struct paw_description *b) {
  assert_string_equal(a->ice.ufrag, b->ice.ufrag);
  assert_string_equal(a->ice.pwd, b->ice.pwd);
  assert_int_equal(a->ice_lite, b->ice_lite);
  assert_int_equal(a->ice_trickle, b->ice_trickle);
  assert_int_equal(a->end_of_candidates, b->end_of_candidates);
  assert_int_equal(a->setup, b->setup);
  assert_int_equal(a->fingerprint_count, b->fingerprint_count);
  for (size_t i = 0; i < a->fingerprint_count; i++) {
    assert_int_equal(a->fingerprints[i].hash, b->fingerprints[i].hash);
    assert_int_equal(a->fingerprints[i].len, b->fingerprints[i].len);
    assert_memory_equal(a->fingerprints[i].value, b->fingerprints[i].value, a->fingerprints[i].len);
  }
  assert_int_equal(a->candidate_count, b->candidate_count);
  for (size_t i = 0; i < a->candidate_count; i++) {
    assert_int_equal(a->candidates[i].type, b->candidates[i].type);
    assert_true(paw_address_equal(&a->candidates[i].address, &b->candidates[i].address));
    assert_int_equal(a->candidates[i].priority, b->candidates[i].priority);
    assert_string_equal(a->candidates[i].foundation, b->candidates[i].foundation);
  }
  expect_same_audio(&a->audio, &b->audio);
}
