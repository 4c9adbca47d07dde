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

/* A description as a sender's or receiver's side would fill it. */
static struct paw_description local_description(void) {
  struct paw_description d = {
      .ice = {.ufrag = "locl", .pwd = "localpasswordlocalpass"},
      .ice_trickle = true,
      .end_of_candidates = true,
      .setup = PAW_SETUP_ACTIVE,
      .fingerprint_count = 1,
      .fingerprints = {{.hash = PAW_HASH_SHA256, .len = 32}},
      .candidate_count = 2,
      .candidates = {{.priority = 2130706431, .foundation = "1"},
                     {.priority = 2130706175, .foundation = "2"}},
      .audio = {.mid = "0",
                .direction = PAW_DIRECTION_SENDONLY,
                .opus_payload_type = 111,
                .red_payload_type = 63,
                .opus = {.use_inband_fec = true, .stereo = true, .ptime_ms = 20},
                .extension_mid = 4,
                .extension_audio_level = 1,
                .extension_abs_capture_time = 5,
                .extmap_allow_mixed = true,
                .rtcp_mux = true,
                .rtcp_rsize = true,
                .nack = true,
                .rrtr = true,
                .bundle = true,
                .ssrc = 4000000000,
                .cname = "name",
                .msid_stream = "pa",
                .msid_track = "audio"}};
  for (size_t i = 0; i < 32; i++) {
    d.fingerprints[0].value[i] = (uint8_t)(0xf0 + i % 16);
  }
  assert_int_equal(paw_address_parse("192.0.2.7:8443", &d.candidates[0].address), PAW_OK);
  assert_int_equal(paw_address_parse("[fd00::7]:8443", &d.candidates[1].address), PAW_OK);
  return d;
}

#define HEX_F0_TO_FF "F0:F1:F2:F3:F4:F5:F6:F7:F8:F9:FA:FB:FC:FD:FE:FF"
#define TRANSPORT_LINES                                                                            \
  "a=ice-ufrag:locl\r\n"                                                                           \
  "a=ice-pwd:localpasswordlocalpass\r\n"                                                           \
  "a=ice-options:ice2 trickle\r\n"                                                                 \
  "a=fingerprint:sha-256 " HEX_F0_TO_FF ":" HEX_F0_TO_FF                                           \
  "\r\n"                                                                                           \
  "a=setup:active\r\n"                                                                             \
  "a=candidate:1 1 udp 2130706431 192.0.2.7 8443 typ host\r\n"                                     \
  "a=candidate:2 1 udp 2130706175 fd00::7 8443 typ host\r\n"                                       \
  "a=end-of-candidates\r\n"

static void test_offer_line_by_line(void **state) {
  (void)state;
  struct paw_description d = local_description();
  char text[4096];
  size_t len = sizeof text;
  d.ice_lite = true;
  assert_int_equal(paw_sdp_write_offer(&d, UINT64_C(9223372036854775807), 3, text, &len), PAW_OK);
  assert_string_equal(text,
                      "v=0\r\n"
                      "o=- 9223372036854775807 3 IN IP4 127.0.0.1\r\n"
                      "s=-\r\n"
                      "t=0 0\r\n"
                      "a=ice-lite\r\n"
                      "a=group:BUNDLE 0\r\n"
                      "a=extmap-allow-mixed\r\n"
                      "a=msid-semantic: WMS *\r\n"
                      "m=audio 8443 UDP/TLS/RTP/SAVPF 111 63\r\n"
                      "c=IN IP4 192.0.2.7\r\n"
                      "a=mid:0\r\n" TRANSPORT_LINES
                      "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
                      "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                      "a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/"
                      "abs-capture-time\r\n"
                      "a=sendonly\r\n"
                      "a=rtcp-mux\r\n"
                      "a=rtcp-mux-only\r\n"
                      "a=rtcp-rsize\r\n"
                      "a=rtcp-xr:rcvr-rtt=all\r\n"
                      "a=rtpmap:111 opus/48000/2\r\n"
                      "a=fmtp:111 useinbandfec=1;stereo=1\r\n"
                      "a=rtcp-fb:111 nack\r\n"
                      "a=rtpmap:63 red/48000/2\r\n"
                      "a=fmtp:63 111/111\r\n"
                      "a=ptime:20\r\n"
                      "a=msid:pa audio\r\n"
                      "a=ssrc:4000000000 cname:name\r\n"
                      "a=ssrc:4000000000 msid:pa audio\r\n");
  assert_int_equal(len, strlen(text));
}

static void test_offer_that_says_as_little_as_can_be(void **state) {
  (void)state;
  const struct paw_description d = {
      .ice = {.ufrag = "locl", .pwd = "localpasswordlocalpass"},
      .setup = PAW_SETUP_ACTPASS,
      .audio = {.direction = PAW_DIRECTION_RECVONLY, .opus_payload_type = 96, .rtcp_mux = true}};
  char text[2048];
  size_t len = sizeof text;
  assert_int_equal(paw_sdp_write_offer(&d, 0, 0, text, &len), PAW_OK);
  assert_string_equal(text,
                      "v=0\r\n"
                      "o=- 0 0 IN IP4 127.0.0.1\r\n"
                      "s=-\r\n"
                      "t=0 0\r\n"
                      "a=msid-semantic: WMS *\r\n"
                      "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n"
                      "c=IN IP4 0.0.0.0\r\n"
                      "a=ice-ufrag:locl\r\n"
                      "a=ice-pwd:localpasswordlocalpass\r\n"
                      "a=ice-options:ice2\r\n"
                      "a=setup:actpass\r\n"
                      "a=recvonly\r\n"
                      "a=rtcp-mux\r\n"
                      "a=rtcp-mux-only\r\n"
                      "a=rtpmap:96 opus/48000/2\r\n");
}

static void test_offer_with_an_ipv6_candidate_first(void **state) {
  (void)state;
  struct paw_description d = local_description();
  d.candidates[0] = d.candidates[1];
  d.candidate_count = 1;
  char text[4096];
  size_t len = sizeof text;
  assert_int_equal(paw_sdp_write_offer(&d, 1, 1, text, &len), PAW_OK);
  assert_non_null(
      strstr(text, "\r\nm=audio 8443 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP6 fd00::7\r\n"));
}

static void test_all_that_can_be_said_reads_back(void **state) {
  (void)state;
  struct paw_description d = local_description();
  d.audio.rtx_payload_type = 97;
  d.audio.rtx_ssrc = UINT32_MAX;
  d.audio.opus = (struct paw_opus_parameters){.max_playback_rate_hz = 48000,
                                              .sprop_max_capture_rate_hz = 8000,
                                              .max_average_bitrate_bps = 510000,
                                              .min_ptime_ms = 3,
                                              .ptime_ms = 120,
                                              .max_ptime_ms = 120,
                                              .stereo = true,
                                              .sprop_stereo = true,
                                              .use_inband_fec = true,
                                              .use_dtx = true,
                                              .cbr = true};
  d.fingerprint_count = PAW_DESCRIPTION_FINGERPRINTS_MAX;
  d.fingerprints[1] = (struct paw_fingerprint){.hash = PAW_HASH_SHA1, .len = 20};
  d.fingerprints[2] = (struct paw_fingerprint){.hash = PAW_HASH_SHA512, .len = 64};
  d.fingerprints[3] = (struct paw_fingerprint){.hash = PAW_HASH_SHA384, .len = 48};
  static const enum paw_setup setups[] = {PAW_SETUP_ACTPASS, PAW_SETUP_ACTIVE, PAW_SETUP_PASSIVE,
                                          PAW_SETUP_NONE};
  for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++) {
    d.setup = setups[i];
    d.ice_lite = i % 2 == 0;
    d.ice_trickle = i % 2 == 1;
    char text[8192];
    size_t len = sizeof text;
    assert_int_equal(paw_sdp_write_offer(&d, 1, 1, text, &len), PAW_OK);
    struct paw_description read;
    assert_int_equal(read_string(text, &read), PAW_OK);
    expect_same_description(&d, &read);
  }
}

/* RFC 4588 section 8.8, with a line about each for peers that look for one. */
static void test_a_source_with_retransmissions(void **state) {
  (void)state;
  struct paw_description d = local_description();
  d.audio.rtx_payload_type = 97;
  d.audio.rtx_ssrc = 5;
  char text[4096];
  size_t len = sizeof text;
  assert_int_equal(paw_sdp_write_offer(&d, 1, 1, text, &len), PAW_OK);
  assert_non_null(strstr(text, " UDP/TLS/RTP/SAVPF 111 63 97\r\n"));
  assert_non_null(strstr(text, "\r\na=rtpmap:97 rtx/48000\r\na=fmtp:97 apt=111\r\n"));
  assert_non_null(strstr(text,
                         "\r\na=msid:pa audio\r\n"
                         "a=ssrc-group:FID 4000000000 5\r\n"
                         "a=ssrc:4000000000 cname:name\r\n"
                         "a=ssrc:4000000000 msid:pa audio\r\n"
                         "a=ssrc:5 cname:name\r\n"
                         "a=ssrc:5 msid:pa audio\r\n"));
}

static void test_directions(void **state) {
  (void)state;
  static const struct {
    enum paw_direction direction;
    const char *line;
    bool has_source;
  } cases[] = {{PAW_DIRECTION_INACTIVE, "\r\na=inactive\r\n", false},
               {PAW_DIRECTION_SENDONLY, "\r\na=sendonly\r\n", true},
               {PAW_DIRECTION_RECVONLY, "\r\na=recvonly\r\n", false},
               {PAW_DIRECTION_SENDRECV, "\r\na=sendrecv\r\n", true}};
  for (size_t i = 0; i < 4; i++) {
    struct paw_description d = local_description();
    d.audio.direction = cases[i].direction;
    char text[4096];
    size_t len = sizeof text;
    assert_int_equal(paw_sdp_write_offer(&d, 1, 1, text, &len), PAW_OK);
    assert_non_null(strstr(text, cases[i].line));
    assert_int_equal(strstr(text, "a=ssrc:") != NULL, cases[i].has_source);
    assert_int_equal(strstr(text, "a=msid:") != NULL, cases[i].has_source);
  }
}

static void test_sizes_itself(void **state) {
  (void)state;
  const struct paw_description d = local_description();
  size_t needed = 0;
  assert_int_equal(paw_sdp_write_offer(&d, 1, 1, NULL, &needed), PAW_ERR_NO_BUFFER);
  assert_true(needed > 500);
  for (size_t room = 0; room <= needed + 1; room++) {
    char *text = malloc(room > 0 ? room : 1);
    assert_non_null(text);
    size_t len = room;
    int status = paw_sdp_write_offer(&d, 1, 1, text, &len);
    assert_int_equal(status, room > needed ? PAW_OK : PAW_ERR_NO_BUFFER);
    assert_int_equal(len, needed);
    if (room > 0) {
      assert_int_equal(strlen(text), status == PAW_OK ? needed : 0);
    }
    free(text);
  }
}

/* ---- answers ---- */

static void write_answer(const char *offer, size_t offer_len, size_t accepted,
                         const struct paw_description *d, char *answer, size_t room) {
  struct paw_sdp_media media[PAW_SDP_MEDIA_MAX];
  struct paw_sdp sdp = {.media = media};
  assert_int_equal(paw_sdp_parse(offer, offer_len, &sdp), PAW_OK);
  size_t len = room;
  assert_int_equal(paw_sdp_write_answer(d, &sdp, accepted, 77, 1, answer, &len), PAW_OK);
  assert_int_equal(len, strlen(answer));
}

static void answer_vector(const char *name, const struct paw_description *d, char *answer,
                          size_t room) {
  size_t len = 0;
  char *offer = read_vector(name, &len);
  write_answer(offer, len, 0, d, answer, room);
  free(offer);
}

/* What is agreed on with a Chromium that only listens. */
static struct paw_description answer_to_listener(void) {
  struct paw_description d = local_description();
  d.audio.extension_abs_capture_time = 0;
  d.audio.opus.ptime_ms = 0;
  return d;
}

#define ANSWER_HEAD                                                                                \
  "v=0\r\n"                                                                                        \
  "o=- 77 1 IN IP4 127.0.0.1\r\n"                                                                  \
  "s=-\r\n"                                                                                        \
  "t=0 0\r\n"

#define ANSWER_AUDIO(direction_and_source)                                                         \
  "m=audio 8443 UDP/TLS/RTP/SAVPF 111 63\r\n"                                                      \
  "c=IN IP4 192.0.2.7\r\n"                                                                         \
  "a=mid:0\r\n" TRANSPORT_LINES                                                                    \
  "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"                                     \
  "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n" direction_and_source

#define ANSWER_CODECS                                                                              \
  "a=rtcp-mux\r\n"                                                                                 \
  "a=rtcp-rsize\r\n"                                                                               \
  "a=rtcp-xr:rcvr-rtt=all\r\n"                                                                     \
  "a=rtpmap:111 opus/48000/2\r\n"                                                                  \
  "a=fmtp:111 useinbandfec=1;stereo=1\r\n"                                                         \
  "a=rtcp-fb:111 nack\r\n"                                                                         \
  "a=rtpmap:63 red/48000/2\r\n"                                                                    \
  "a=fmtp:63 111/111\r\n"

#define SOURCE_LINES                                                                               \
  "a=msid:pa audio\r\n"                                                                            \
  "a=ssrc:4000000000 cname:name\r\n"                                                               \
  "a=ssrc:4000000000 msid:pa audio\r\n"

static void test_answer_to_a_chromium_that_listens(void **state) {
  (void)state;
  const struct paw_description d = answer_to_listener();
  char answer[4096];
  answer_vector("chromium156-offer-recvonly.sdp", &d, answer, sizeof answer);
  assert_string_equal(answer, ANSWER_HEAD
                      "a=group:BUNDLE 0\r\n"
                      "a=extmap-allow-mixed\r\n"
                      "a=msid-semantic: WMS *\r\n" ANSWER_AUDIO("a=sendonly\r\n")
                          ANSWER_CODECS SOURCE_LINES);
}

static void test_answer_to_a_chromium_that_talks(void **state) {
  (void)state;
  struct paw_description d = answer_to_listener();
  d.audio.direction = PAW_DIRECTION_RECVONLY;
  d.audio.extmap_allow_mixed = false;
  char answer[4096];
  answer_vector("chromium156-offer-sendrecv.sdp", &d, answer, sizeof answer);
  assert_string_equal(answer, ANSWER_HEAD
                      "a=group:BUNDLE 0\r\n"
                      "a=msid-semantic: WMS *\r\n" ANSWER_AUDIO("a=recvonly\r\n") ANSWER_CODECS);
  d.audio.direction = PAW_DIRECTION_SENDRECV;
  answer_vector("chromium156-offer-sendrecv.sdp", &d, answer, sizeof answer);
  assert_string_equal(answer, ANSWER_HEAD
                      "a=group:BUNDLE 0\r\n"
                      "a=msid-semantic: WMS *\r\n" ANSWER_AUDIO("a=sendrecv\r\n")
                          ANSWER_CODECS SOURCE_LINES);
}

static void test_answer_that_rejects_the_data_channel(void **state) {
  (void)state;
  struct paw_description d = answer_to_listener();
  d.audio.extmap_allow_mixed = false;
  d.audio.direction = PAW_DIRECTION_RECVONLY;
  char answer[4096];
  answer_vector("chromium156-offer-sendrecv-nogum-host.sdp", &d, answer, sizeof answer);
  assert_string_equal(answer, ANSWER_HEAD
                      "a=group:BUNDLE 0\r\n" /* not "0 1" */
                      "a=msid-semantic: WMS *\r\n" ANSWER_AUDIO("a=recvonly\r\n") ANSWER_CODECS
                      "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                      "c=IN IP4 0.0.0.0\r\n"
                      "a=mid:1\r\n");
}

static void test_answer_without_bundle_and_mid(void **state) {
  (void)state;
  const struct paw_description d = local_description();
  char answer[4096];
  answer_vector("offer-handwritten-nobundle_nomid.sdp", &d, answer, sizeof answer);
  assert_null(strstr(answer, "a=group:"));
  assert_null(strstr(answer, "a=mid:"));
  assert_null(strstr(answer, "a=rtcp-mux-only"));
}

static void test_answer_keeps_place_protocol_formats_and_mids(void **state) {
  (void)state;
  static const char offer[] = SDP_SESSION
      "a=group:BUNDLE v data\r\n"
      "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98\r\na=mid:v\r\n"
      "m=audio 9 RTP/AVP 0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 109 111\r\na=mid:voice\r\n" SDP_TRANSPORT
      "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:data\r\n";
  const struct paw_description d = local_description();
  char answer[4096];
  write_answer(offer, strlen(offer), 2, &d, answer, sizeof answer);
  static const char *const in_order[] = {
      "\r\nm=video 0 UDP/TLS/RTP/SAVPF 96 97 98\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\n",
      "\r\nm=audio 0 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\nm=audio",
      "\r\nm=audio 8443 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 192.0.2.7\r\na=mid:voice\r\n",
      "\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data\r\n",
  };
  const char *at = answer;
  for (size_t i = 0; i < sizeof in_order / sizeof in_order[0]; i++) {
    const char *found = strstr(at, in_order[i]);
    assert_non_null(found);
    at = found + 1;
  }
  assert_null(strstr(answer, "a=group:")); /* the section that was accepted is in none */
  struct paw_description read;
  assert_int_equal(read_description(answer, strlen(answer), 2, &read), PAW_OK);
  assert_int_equal(read_description(answer, strlen(answer), 0, &read), PAW_ERR_UNSUPPORTED);
}

static void test_answer_has_the_profile_of_the_offer(void **state) {
  (void)state;
  static const char offer[] = SDP_SESSION "m=audio 9 RTP/SAVPF 111\r\n" SDP_TRANSPORT SDP_OPUS;
  const struct paw_description d = local_description();
  char answer[4096];
  write_answer(offer, strlen(offer), 0, &d, answer, sizeof answer);
  assert_non_null(strstr(answer, "\r\nm=audio 8443 RTP/SAVPF 111 63\r\n"));
}

static void test_answer_sizes_itself(void **state) {
  (void)state;
  const struct paw_description d = local_description();
  struct paw_sdp_media media[PAW_SDP_MEDIA_MAX];
  struct paw_sdp sdp = {.media = media};
  static const char offer[] = SDP_SESSION SDP_MEDIA "m=video 9 P 1\r\n";
  assert_int_equal(paw_sdp_parse(offer, strlen(offer), &sdp), PAW_OK);
  size_t needed = 0;
  assert_int_equal(paw_sdp_write_answer(&d, &sdp, 0, 1, 1, NULL, &needed), PAW_ERR_NO_BUFFER);
  char *text = malloc(needed + 1);
  assert_non_null(text);
  size_t len = needed;
  assert_int_equal(paw_sdp_write_answer(&d, &sdp, 0, 1, 1, text, &len), PAW_ERR_NO_BUFFER);
  len = needed + 1;
  assert_int_equal(paw_sdp_write_answer(&d, &sdp, 0, 1, 1, text, &len), PAW_OK);
  assert_int_equal(len, needed);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_offer_line_by_line),
      cmocka_unit_test(test_offer_that_says_as_little_as_can_be),
      cmocka_unit_test(test_offer_with_an_ipv6_candidate_first),
      cmocka_unit_test(test_all_that_can_be_said_reads_back),
      cmocka_unit_test(test_a_source_with_retransmissions),
      cmocka_unit_test(test_directions),
      cmocka_unit_test(test_sizes_itself),
      cmocka_unit_test(test_answer_to_a_chromium_that_listens),
      cmocka_unit_test(test_answer_to_a_chromium_that_talks),
      cmocka_unit_test(test_answer_that_rejects_the_data_channel),
      cmocka_unit_test(test_answer_without_bundle_and_mid),
      cmocka_unit_test(test_answer_keeps_place_protocol_formats_and_mids),
      cmocka_unit_test(test_answer_has_the_profile_of_the_offer),
      cmocka_unit_test(test_answer_sizes_itself),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
