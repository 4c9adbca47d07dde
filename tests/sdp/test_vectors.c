/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "text_file.h"

/* Real descriptions: offers and answers of Chromium 156, and offers that it was given. */

struct expected {
  const char *name;
  uint64_t session_id;
  size_t media_count;
  const char *formats; /* of the audio section */
  const char *ufrag;
  const char *mid;
  enum paw_setup setup;
  enum paw_direction direction;
  bool ice_lite, trickle, end_of_candidates, bundle;
  size_t candidates;
  uint8_t fingerprint_first, fingerprint_last;
  uint8_t opus, red;
  struct paw_opus_parameters parameters;
  uint8_t extension_level, extension_mid, extension_capture;
  bool allow_mixed, nack, rrtr;
  uint32_t ssrc;
  const char *cname, *stream, *track;
};

#define CHROMIUM_OPUS                                                                              \
  { .min_ptime_ms = 10, .use_inband_fec = true }

#define CHROMIUM_OFFER                                                                             \
  .formats = "111 63 9 0 8 13 110 126", .mid = "0", .setup = PAW_SETUP_ACTPASS, .trickle = true,   \
  .bundle = true, .opus = 111, .red = 63, .parameters = CHROMIUM_OPUS, .extension_level = 1,       \
  .extension_mid = 4, .allow_mixed = true, .rrtr = true

#define CHROMIUM_ANSWER                                                                            \
  .media_count = 1, .mid = "0", .setup = PAW_SETUP_ACTIVE, .direction = PAW_DIRECTION_RECVONLY,    \
  .trickle = true, .opus = 111, .parameters = CHROMIUM_OPUS, .cname = "", .stream = "",            \
  .track = ""

#define HANDWRITTEN                                                                                \
  .media_count = 1, .ufrag = "abcd", .setup = PAW_SETUP_ACTPASS,                                   \
  .direction = PAW_DIRECTION_SENDONLY, .end_of_candidates = true, .candidates = 1,                 \
  .fingerprint_first = 0xab, .fingerprint_last = 0xab, .opus = 111

#define HANDWRITTEN_LITE                                                                           \
  HANDWRITTEN, .session_id = UINT64_C(4611731400430051336), .mid = "0", .ice_lite = true,          \
               .bundle = true, .ssrc = 12345678, .cname = "foo", .stream = "spk", .track = "t0"

static const struct expected vectors[] = {
    {.name = "chromium156-offer-recvonly.sdp",
     CHROMIUM_OFFER,
     .session_id = UINT64_C(4964981438248071467),
     .media_count = 1,
     .ufrag = "LGCQ",
     .direction = PAW_DIRECTION_RECVONLY,
     .candidates = 2,
     .fingerprint_first = 0x41,
     .fingerprint_last = 0x28,
     .cname = "",
     .stream = "",
     .track = ""},
    {.name = "chromium156-offer-sendrecv.sdp",
     CHROMIUM_OFFER,
     .session_id = UINT64_C(4638836671630372024),
     .media_count = 1,
     .ufrag = "cPQB",
     .direction = PAW_DIRECTION_SENDRECV,
     .candidates = 2,
     .fingerprint_first = 0x6c,
     .fingerprint_last = 0x73,
     .ssrc = UINT32_C(2284317187),
     .cname = "eNQnziXoC0OI9fL6",
     .stream = "3731f459-7c53-471b-9417-2b5049772e28",
     .track = "df22f151-be07-4caf-934f-8fb335297baf"},
    {.name = "chromium156-offer-sendrecv-nogum-host.sdp",
     CHROMIUM_OFFER,
     .session_id = UINT64_C(2193681300274010204),
     .media_count = 2,
     .ufrag = "0pyy",
     .direction = PAW_DIRECTION_SENDRECV,
     .fingerprint_first = 0x61,
     .fingerprint_last = 0x88,
     .ssrc = UINT32_C(2500275066),
     .cname = "wqyQtV9L7bqslzoQ",
     .stream = "-",
     .track = "47534c66-5663-4cec-bd24-e189a9db4e9a"},
    {.name = "answer-chromium156-to-L16_mono_pcm.sdp",
     CHROMIUM_ANSWER,
     .session_id = UINT64_C(157635253143505897),
     .formats = "111 0 8",
     .ufrag = "jCq4",
     .bundle = true,
     .fingerprint_first = 0x1a,
     .fingerprint_last = 0xc9},
    {.name = "answer-chromium156-to-full_opusfirst.sdp",
     CHROMIUM_ANSWER,
     .session_id = UINT64_C(5010218244530770466),
     .formats = "111 63",
     .ufrag = "Qw9z",
     .bundle = true,
     .fingerprint_first = 0xfd,
     .fingerprint_last = 0xa3,
     .red = 63,
     .extension_level = 1,
     .extension_mid = 4,
     .extension_capture = 5,
     .allow_mixed = true},
    {.name = "answer-chromium156-to-full_redfirst.sdp",
     CHROMIUM_ANSWER,
     .session_id = UINT64_C(3910944117809648715),
     .formats = "63 111",
     .ufrag = "by9/",
     .bundle = true,
     .fingerprint_first = 0xf4,
     .fingerprint_last = 0xdd,
     .red = 63,
     .extension_level = 1,
     .extension_mid = 4,
     .extension_capture = 5},
    {.name = "answer-chromium156-to-lf_only.sdp",
     CHROMIUM_ANSWER,
     .session_id = UINT64_C(6964583083692784505),
     .formats = "111",
     .ufrag = "YXAI",
     .bundle = true,
     .fingerprint_first = 0x91,
     .fingerprint_last = 0xdd},
    {.name = "answer-chromium156-to-minimal.sdp",
     CHROMIUM_ANSWER,
     .session_id = UINT64_C(8301432679892252793),
     .formats = "111",
     .ufrag = "MhZG",
     .bundle = true,
     .fingerprint_first = 0xaf,
     .fingerprint_last = 0xb7},
    {.name = "answer-chromium156-to-multiopus.sdp",
     CHROMIUM_ANSWER,
     .session_id = UINT64_C(3561690658766266880),
     .formats = "111",
     .ufrag = "uIEJ",
     .bundle = true,
     .fingerprint_first = 0xa0,
     .fingerprint_last = 0x61},
    {.name = "answer-chromium156-to-nobundle_nomid.sdp",
     CHROMIUM_ANSWER,
     .session_id = UINT64_C(279688613180276370),
     .formats = "111",
     .ufrag = "eFA+",
     .fingerprint_first = 0x4e,
     .fingerprint_last = 0x89},
    {.name = "answer-chromium156-to-opus_ptimes.sdp",
     CHROMIUM_ANSWER,
     .session_id = UINT64_C(96052928287010587),
     .formats = "111",
     .ufrag = "pj1i",
     .bundle = true,
     .fingerprint_first = 0x49,
     .fingerprint_last = 0x70},
    {.name = "answer-chromium156-to-red_111_111_111.sdp",
     CHROMIUM_ANSWER,
     .session_id = UINT64_C(2834822103480742135),
     .formats = "63 111",
     .ufrag = "wsOs",
     .bundle = true,
     .fingerprint_first = 0x81,
     .fingerprint_last = 0xa1,
     .red = 63},
    {.name = "answer-chromium156-to-red_nofmtp.sdp",
     CHROMIUM_ANSWER,
     .session_id = UINT64_C(7875475369979737035),
     .formats = "111 63",
     .ufrag = "dq/Q",
     .bundle = true,
     .fingerprint_first = 0x47,
     .fingerprint_last = 0x7f,
     .red = 63},
    {.name = "answer-chromium156-to-wildcardfb.sdp",
     CHROMIUM_ANSWER,
     .session_id = UINT64_C(2892935549274410932),
     .formats = "111",
     .ufrag = "uvkM",
     .bundle = true,
     .fingerprint_first = 0x85,
     .fingerprint_last = 0x91},
    {.name = "offer-handwritten-L16_mono_pcm.sdp", HANDWRITTEN_LITE, .formats = "111 96 0 8"},
    {.name = "offer-handwritten-full_opusfirst.sdp",
     HANDWRITTEN_LITE,
     .formats = "111 63",
     .red = 63,
     .parameters = {.min_ptime_ms = 10,
                    .ptime_ms = 10,
                    .max_ptime_ms = 20,
                    .stereo = true,
                    .sprop_stereo = true,
                    .use_inband_fec = true,
                    .cbr = true,
                    .max_average_bitrate_bps = 256000},
     .extension_level = 1,
     .extension_mid = 4,
     .extension_capture = 5,
     .allow_mixed = true,
     .nack = true,
     .rrtr = true},
    {.name = "offer-handwritten-full_redfirst.sdp",
     HANDWRITTEN_LITE,
     .formats = "63 111",
     .red = 63,
     .parameters = {.min_ptime_ms = 10, .ptime_ms = 10, .stereo = true, .use_inband_fec = true},
     .extension_level = 1,
     .extension_mid = 4,
     .extension_capture = 5,
     .nack = true},
    {.name = "offer-handwritten-lf_only.sdp", HANDWRITTEN_LITE, .formats = "111"},
    {.name = "offer-handwritten-minimal.sdp",
     HANDWRITTEN_LITE,
     .formats = "111",
     .parameters = {.stereo = true, .use_inband_fec = true}},
    {.name = "offer-handwritten-multiopus.sdp", HANDWRITTEN_LITE, .formats = "111 96"},
    {.name = "offer-handwritten-nobundle_nomid.sdp",
     HANDWRITTEN,
     .session_id = 1,
     .formats = "111",
     .mid = "",
     .cname = "",
     .stream = "",
     .track = ""},
    {.name = "offer-handwritten-opus_ptimes.sdp",
     HANDWRITTEN_LITE,
     .formats = "111",
     .parameters = {.min_ptime_ms = 3,
                    .ptime_ms = 5,
                    .max_ptime_ms = 10,
                    .stereo = true,
                    .use_inband_fec = true,
                    .use_dtx = true}},
    {.name = "offer-handwritten-red_111_111_111.sdp",
     HANDWRITTEN_LITE,
     .formats = "63 111",
     .red = 63,
     .parameters = {.stereo = true, .use_inband_fec = true}},
    {.name = "offer-handwritten-red_nofmtp.sdp",
     HANDWRITTEN_LITE,
     .formats = "111 63",
     .red = 63,
     .parameters = {.stereo = true, .use_inband_fec = true}},
    {.name = "offer-handwritten-wildcardfb.sdp",
     HANDWRITTEN_LITE,
     .formats = "111",
     .parameters = {.stereo = true, .use_inband_fec = true},
     .nack = true},
};
#define VECTOR_COUNT (sizeof vectors / sizeof vectors[0])

static void expect_audio(const struct paw_audio_description *audio,
                         const struct expected *expected) {
  assert_string_equal(audio->mid, expected->mid);
  assert_int_equal(audio->direction, expected->direction);
  assert_int_equal(audio->opus_payload_type, expected->opus);
  assert_int_equal(audio->red_payload_type, expected->red);
  assert_int_equal(audio->rtx_payload_type, 0);
  assert_int_equal(audio->extension_mid, expected->extension_mid);
  assert_int_equal(audio->extension_audio_level, expected->extension_level);
  assert_int_equal(audio->extension_abs_capture_time, expected->extension_capture);
  assert_int_equal(audio->extmap_allow_mixed, expected->allow_mixed);
  assert_true(audio->rtcp_mux);
  assert_true(audio->rtcp_rsize);
  assert_int_equal(audio->nack, expected->nack);
  assert_int_equal(audio->rrtr, expected->rrtr);
  assert_int_equal(audio->bundle, expected->bundle);
  assert_int_equal(audio->ssrc, expected->ssrc);
  assert_string_equal(audio->cname, expected->cname);
  assert_string_equal(audio->msid_stream, expected->stream);
  assert_string_equal(audio->msid_track, expected->track);
}

static void expect_opus(const struct paw_opus_parameters *opus,
                        const struct paw_opus_parameters *expected) {
  assert_int_equal(opus->max_playback_rate_hz, 0);
  assert_int_equal(opus->sprop_max_capture_rate_hz, 0);
  assert_int_equal(opus->max_average_bitrate_bps, expected->max_average_bitrate_bps);
  assert_int_equal(opus->min_ptime_ms, expected->min_ptime_ms);
  assert_int_equal(opus->ptime_ms, expected->ptime_ms);
  assert_int_equal(opus->max_ptime_ms, expected->max_ptime_ms);
  assert_int_equal(opus->stereo, expected->stereo);
  assert_int_equal(opus->sprop_stereo, expected->sprop_stereo);
  assert_int_equal(opus->use_inband_fec, expected->use_inband_fec);
  assert_int_equal(opus->use_dtx, expected->use_dtx);
  assert_int_equal(opus->cbr, expected->cbr);
}

static void expect_vector(const struct expected *expected) {
  size_t len = 0;
  char *text = read_vector(expected->name, &len);
  struct paw_sdp_media media[PAW_SDP_MEDIA_MAX];
  struct paw_sdp sdp = {.media = media};
  assert_int_equal(paw_sdp_parse(text, len, &sdp), PAW_OK);
  assert_true(sdp.session_id == expected->session_id);
  assert_int_equal(sdp.media_count, expected->media_count);
  assert_int_equal(media[0].formats.len, strlen(expected->formats));
  assert_memory_equal(media[0].formats.data, expected->formats, media[0].formats.len);
  struct paw_description description;
  assert_int_equal(paw_sdp_read_audio(&sdp, 0, &description), PAW_OK);
  assert_string_equal(description.ice.ufrag, expected->ufrag);
  assert_int_equal(strlen(description.ice.pwd), 24);
  assert_int_equal(description.ice_lite, expected->ice_lite);
  assert_int_equal(description.ice_trickle, expected->trickle);
  assert_int_equal(description.end_of_candidates, expected->end_of_candidates);
  assert_int_equal(description.setup, expected->setup);
  assert_int_equal(description.candidate_count, expected->candidates);
  assert_int_equal(description.fingerprint_count, 1);
  assert_int_equal(description.fingerprints[0].hash, PAW_HASH_SHA256);
  assert_int_equal(description.fingerprints[0].len, 32);
  assert_int_equal(description.fingerprints[0].value[0], expected->fingerprint_first);
  assert_int_equal(description.fingerprints[0].value[31], expected->fingerprint_last);
  expect_audio(&description.audio, expected);
  expect_opus(&description.audio.opus, &expected->parameters);
  free(text);
}

static void test_every_vector_reads_as_expected(void **state) {
  (void)state;
  for (size_t i = 0; i < VECTOR_COUNT; i++) {
    print_message("%s\n", vectors[i].name);
    expect_vector(&vectors[i]);
  }
}

static void test_candidates_of_a_chromium_offer(void **state) {
  (void)state;
  size_t len = 0;
  char *text = read_vector("chromium156-offer-recvonly.sdp", &len);
  struct paw_description description;
  assert_int_equal(read_description(text, len, 0, &description), PAW_OK);
  struct paw_address address;
  assert_int_equal(paw_address_parse("192.0.2.2:41806", &address), PAW_OK);
  assert_true(paw_address_equal(&description.candidates[0].address, &address));
  assert_int_equal(description.candidates[0].priority, 2122194687);
  assert_string_equal(description.candidates[0].foundation, "2057206994");
  assert_int_equal(description.candidates[0].type, PAW_CANDIDATE_HOST);
  assert_int_equal(paw_address_parse("[fd00::2]:44941", &address), PAW_OK);
  assert_true(paw_address_equal(&description.candidates[1].address, &address));
  assert_int_equal(description.candidates[1].priority, 2122265343);
  free(text);
}

static void test_sections_that_cannot_be_accepted(void **state) {
  (void)state;
  size_t len = 0;
  struct paw_description description;
  char *text = read_vector("offer-handwritten-nortcpmux.sdp", &len);
  assert_int_equal(read_description(text, len, 0, &description), PAW_ERR_UNSUPPORTED);
  free(text);
  text = read_vector("chromium156-offer-sendrecv-nogum-host.sdp", &len);
  assert_int_equal(read_description(text, len, 1, &description), PAW_ERR_UNSUPPORTED);
  assert_int_equal(read_description(text, len, 2, &description), PAW_ERR_UNSUPPORTED);
  free(text);
}

static void test_an_error_message_is_not_sdp(void **state) {
  (void)state;
  size_t len = 0;
  struct paw_description description;
  char *text = read_vector("answer-chromium156-to-nortcpmux.sdp", &len);
  assert_int_equal(read_description(text, len, 0, &description), PAW_ERR_MALFORMED);
  free(text);
}

static void test_written_again_every_vector_says_the_same(void **state) {
  (void)state;
  for (size_t i = 0; i < VECTOR_COUNT; i++) {
    size_t len = 0;
    char *text = read_vector(vectors[i].name, &len);
    struct paw_description before;
    assert_int_equal(read_description(text, len, 0, &before), PAW_OK);
    char written[8192];
    size_t written_len = sizeof written;
    assert_int_equal(paw_sdp_write_offer(&before, 7, 8, written, &written_len), PAW_OK);
    assert_int_equal(strlen(written), written_len);
    char *copy = copy_exact(written, written_len);
    struct paw_description after;
    assert_int_equal(read_description(copy, written_len, 0, &after), PAW_OK);
    expect_same_description(&before, &after);
    free(copy);
    free(text);
  }
}

static void test_every_truncation_and_changed_byte_stays_inside(void **state) {
  (void)state;
  size_t len = 0;
  char *text = read_vector("chromium156-offer-sendrecv.sdp", &len);
  struct paw_description description;
  for (size_t cut = 0; cut < len; cut++) {
    char *copy = copy_exact(text, cut);
    int status = read_description(copy, cut, 0, &description);
    assert_true(status == PAW_OK || status == PAW_ERR_MALFORMED || status == PAW_ERR_UNSUPPORTED);
    free(copy);
  }
  static const char changes[] = {'\0', ' ', ':', '/', '9', '\r', '\n', (char)0xff};
  for (size_t i = 0; i < len; i++) {
    char before = text[i];
    text[i] = changes[i % sizeof changes];
    int status = read_description(text, len, 0, &description);
    assert_true(status == PAW_OK || status == PAW_ERR_MALFORMED || status == PAW_ERR_UNSUPPORTED);
    text[i] = before;
  }
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_vector_reads_as_expected),
      cmocka_unit_test(test_candidates_of_a_chromium_offer),
      cmocka_unit_test(test_sections_that_cannot_be_accepted),
      cmocka_unit_test(test_an_error_message_is_not_sdp),
      cmocka_unit_test(test_written_again_every_vector_says_the_same),
      cmocka_unit_test(test_every_truncation_and_changed_byte_stays_inside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
