/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text_file.h"

static struct paw_description read_good(const char *text) {
  struct paw_description description;
  assert_int_equal(read_string(text, &description), PAW_OK);
  return description;
}

static int status_of(const char *text) {
  struct paw_description description;
  return read_string(text, &description);
}

static void test_what_is_said_by_silence(void **state) {
  (void)state;
  const struct paw_description d = read_good(SDP_SESSION SDP_MEDIA);
  assert_string_equal(d.ice.ufrag, "abcd");
  assert_string_equal(d.ice.pwd, "0123456789abcdefghijkl");
  assert_int_equal(d.setup, PAW_SETUP_NONE);
  assert_false(d.ice_lite || d.ice_trickle || d.end_of_candidates);
  assert_int_equal(d.candidate_count, 0);
  assert_int_equal(d.fingerprint_count, 1);
  assert_string_equal(d.audio.mid, "");
  assert_int_equal(d.audio.direction, PAW_DIRECTION_SENDRECV);
  assert_int_equal(d.audio.opus_payload_type, 111);
  assert_true(d.audio.rtcp_mux);
  assert_false(d.audio.rtcp_rsize || d.audio.nack || d.audio.rrtr || d.audio.bundle);
  assert_false(d.audio.extmap_allow_mixed);
  assert_int_equal(d.audio.ssrc, 0);
}

/* ---- session level and media level ---- */

#define SESSION_FINGERPRINT                                                                        \
  "a=fingerprint:SHA-1 01:02:03:04:05:06:07:08:09:0a:0B:0c:0d:0e:0f:10:11:12:13:14\r\n"

static void test_session_level_is_inherited(void **state) {
  (void)state;
  const struct paw_description d = read_good(
      SDP_SESSION
      "a=ice-lite\r\na=ice-ufrag:sess\r\na=ice-pwd:session-level-password-\r\n"
      "a=ice-options:ice2 trickle other\r\na=setup:actpass\r\na=recvonly\r\n" SESSION_FINGERPRINT
      "a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=extmap-allow-mixed\r\n"
      "a=end-of-candidates\r\na=rtcp-xr:rcvr-rtt=sender\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n" SDP_OPUS);
  assert_true(d.ice_lite && d.ice_trickle && d.end_of_candidates);
  assert_string_equal(d.ice.ufrag, "sess");
  assert_string_equal(d.ice.pwd, "session-level-password-");
  assert_int_equal(d.setup, PAW_SETUP_ACTPASS);
  assert_int_equal(d.fingerprint_count, 1);
  assert_int_equal(d.fingerprints[0].hash, PAW_HASH_SHA1);
  assert_int_equal(d.fingerprints[0].len, 20);
  assert_int_equal(d.fingerprints[0].value[0], 1);
  assert_int_equal(d.fingerprints[0].value[19], 0x14);
  assert_int_equal(d.audio.extension_audio_level, 2);
  assert_true(d.audio.extmap_allow_mixed);
  assert_true(d.audio.rrtr);
  assert_int_equal(d.audio.direction, PAW_DIRECTION_RECVONLY);
}

static void test_media_level_wins(void **state) {
  (void)state;
  const struct paw_description d =
      read_good(SDP_SESSION
                "a=ice-ufrag:sess\r\na=ice-pwd:session-level-password-\r\na=setup:active\r\na="
                "sendonly\r\n" SESSION_FINGERPRINT
                "a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n" SDP_MEDIA
                "a=setup:passive\r\na=inactive\r\na=extmap:3 "
                "urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n");
  assert_string_equal(d.ice.ufrag, "abcd");
  assert_string_equal(d.ice.pwd, "0123456789abcdefghijkl");
  assert_int_equal(d.setup, PAW_SETUP_PASSIVE);
  assert_int_equal(d.fingerprint_count, 1); /* the session's is replaced, not joined */
  assert_int_equal(d.fingerprints[0].hash, PAW_HASH_SHA256);
  assert_int_equal(d.audio.direction, PAW_DIRECTION_INACTIVE);
  assert_int_equal(d.audio.extension_audio_level, 3);
}

static void test_media_attributes_mean_nothing_at_session_level(void **state) {
  (void)state;
  const struct paw_description d =
      read_good(SDP_SESSION
                "a=mid:x\r\na=ssrc:5 cname:c\r\na=ptime:10\r\na=rtcp-fb:* nack\r\na=rtcp-rsize\r\n"
                "a=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\n" SDP_MEDIA);
  assert_string_equal(d.audio.mid, "");
  assert_int_equal(d.audio.ssrc, 0);
  assert_int_equal(d.audio.opus.ptime_ms, 0);
  assert_false(d.audio.nack || d.audio.rtcp_rsize);
  assert_int_equal(d.candidate_count, 0);
  assert_int_equal(
      status_of(SDP_SESSION
                "a=rtcp-mux\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" SDP_CREDENTIALS SDP_FINGERPRINT
                    SDP_OPUS),
      PAW_ERR_UNSUPPORTED);
}

static int read_second(const char *text, struct paw_description *out) {
  return read_description(text, strlen(text), 1, out);
}

static void test_a_bundled_section_takes_the_transport_of_the_first(void **state) {
  (void)state;
  struct paw_description d;
  static const char text[] = SDP_SESSION
      "a=group:BUNDLE v a\r\n"
      "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n" SDP_TRANSPORT
      "a=setup:actpass\r\n"
      "a=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\na=sendonly\r\na=ssrc:7 cname:video\r\n"
      "a=rtcp-fb:* nack\r\n"
      "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=bundle-only\r\na=mid:a\r\n" SDP_OPUS;
  assert_int_equal(read_second(text, &d), PAW_OK);
  assert_string_equal(d.ice.ufrag, "abcd");
  assert_int_equal(d.setup, PAW_SETUP_ACTPASS);
  assert_int_equal(d.fingerprint_count, 1);
  assert_int_equal(d.candidate_count, 1);
  assert_true(d.audio.rtcp_mux && d.audio.bundle);
  assert_string_equal(d.audio.mid, "a");
  assert_int_equal(d.audio.direction, PAW_DIRECTION_SENDRECV); /* media stays each section's own */
  assert_int_equal(d.audio.ssrc, 0);
  assert_false(d.audio.nack);
}

static void test_a_section_outside_the_bundle_does_not(void **state) {
  (void)state;
  struct paw_description d;
  assert_int_equal(
      read_second(SDP_SESSION
                  "a=group:BUNDLE v\r\n"
                  "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n" SDP_TRANSPORT
                  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\na=rtcp-mux\r\n" SDP_OPUS,
                  &d),
      PAW_ERR_MALFORMED);
}

static void test_own_candidates_replace_those_of_the_bundle(void **state) {
  (void)state;
  struct paw_description d;
  assert_int_equal(
      read_second(SDP_SESSION
                  "a=group:BUNDLE v a\r\n"
                  "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n" SDP_TRANSPORT
                  "a=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\n"
                  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\n" SDP_TRANSPORT SDP_OPUS
                  "a=candidate:1 1 udp 1 192.0.2.1 6 typ host\r\n",
                  &d),
      PAW_OK);
  assert_int_equal(d.candidate_count, 1);
  assert_int_equal(d.candidates[0].address.port, 6);
}

/* ---- gates ---- */

static int status_of_media_line(const char *line) {
  char text[2048] = SDP_SESSION;
  strcat(text, line);
  strcat(text, "\r\n" SDP_TRANSPORT SDP_OPUS);
  return status_of(text);
}

static void test_sections_of_another_kind(void **state) {
  (void)state;
  static const char *const lines[] = {
      "m=video 9 UDP/TLS/RTP/SAVPF 111",
      "m=audio 0 UDP/TLS/RTP/SAVPF 111",
      "m=application 9 UDP/DTLS/SCTP 111",
      "m=audio 9 UDP/TLS/RTP/SAVPFX 111",
      "m=audio 9 udp 111",
      "m=audio 9 TCP/RTP/AVP 111",
      "m=audiox 9 UDP/TLS/RTP/SAVPF 111",
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    assert_int_equal(status_of_media_line(lines[i]), PAW_ERR_UNSUPPORTED);
  }
  assert_int_equal(status_of_media_line("m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=bundle-only"),
                   PAW_OK);
  assert_int_equal(status_of(SDP_SESSION), PAW_ERR_UNSUPPORTED);
}

static void test_profiles_that_mean_the_same(void **state) {
  (void)state;
  static const char *const lines[] = {
      "m=audio 9 UDP/TLS/RTP/SAVPF 111",  "m=audio 9 UDP/TLS/RTP/SAVP 111",
      "m=audio 9 TCP/DTLS/RTP/SAVPF 111", "m=audio 9 TCP/DTLS/RTP/SAVP 111",
      "m=audio 9 RTP/SAVPF 111",          "m=audio 9 RTP/SAVP 111",
      "m=audio 9 RTP/AVPF 111",           "m=audio 9 RTP/AVP 111",
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    assert_int_equal(status_of_media_line(lines[i]), PAW_OK);
  }
  assert_int_equal(
      status_of(SDP_SESSION "m=audio 9 RTP/AVP 111\r\na=rtcp-mux\r\n" SDP_OPUS SDP_CREDENTIALS),
      PAW_ERR_MALFORMED);
}

static void test_rtcp_mux_is_required(void **state) {
  (void)state;
#define WITHOUT                                                                                    \
  SDP_SESSION "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" SDP_CREDENTIALS SDP_FINGERPRINT SDP_OPUS
  assert_int_equal(status_of(WITHOUT), PAW_ERR_UNSUPPORTED);
  assert_int_equal(status_of(WITHOUT "a=rtcp-mux-only\r\n"), PAW_OK);
  assert_int_equal(status_of(WITHOUT "a=rtcp-muxer\r\n"), PAW_ERR_UNSUPPORTED);
#undef WITHOUT
}

static void test_credentials_and_fingerprint_are_required(void **state) {
  (void)state;
#define SECTION SDP_SESSION "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n" SDP_OPUS
  assert_int_equal(status_of(SECTION SDP_CREDENTIALS SDP_FINGERPRINT), PAW_OK);
  assert_int_equal(status_of(SECTION SDP_CREDENTIALS), PAW_ERR_MALFORMED);
  assert_int_equal(status_of(SECTION SDP_FINGERPRINT), PAW_ERR_MALFORMED);
  assert_int_equal(status_of(SECTION SDP_FINGERPRINT "a=ice-ufrag:abcd\r\n"), PAW_ERR_MALFORMED);
  assert_int_equal(status_of(SECTION SDP_CREDENTIALS "a=fingerprint:md5 01:02\r\n"),
                   PAW_ERR_MALFORMED);
#undef SECTION
}

/* ---- single values ---- */

static void test_malformed_values(void **state) {
  (void)state;
  static const char *const lines[] = {
      "a=ice-ufrag:abc",
      "a=ice-ufrag:",
      "a=ice-ufrag:ab:cd",
      "a=ice-ufrag:ab cd",
      "a=ice-pwd:012345678901234567890",
      "a=ice-pwd:0123456789\"1234567890123",
      "a=setup:holdconn",
      "a=setup:",
      "a=fingerprint:sha-256",
      "a=fingerprint:sha-256 AB:AB",
      "a=fingerprint:sha-256 " SDP_HEX_16 ":" SDP_HEX_16 ":AB",
      "a=fingerprint:sha-256 " SDP_HEX_16 ":AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:A",
      "a=fingerprint:sha-256 " SDP_HEX_16 ":AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AG",
      "a=fingerprint:sha-256 " SDP_HEX_16 " AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB",
      "a=fingerprint:",
      "a=candidate:1 1 udp",
      "a=candidate:1 1 udp 1 192.0.2.1 65536 typ host",
      "a=mid:012345678901234567890123456789012",
      "a=mid:two words",
      "a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid",
      "a=extmap:x urn:ietf:params:rtp-hdrext:sdes:mid",
      "a=extmap:65536 urn:ietf:params:rtp-hdrext:sdes:mid",
      "a=extmap:4",
      "a=ssrc:4294967296 cname:x",
      "a=ssrc:-1 cname:x",
      "a=ssrc:",
      "a=rtpmap:128 opus/48000/2",
      "a=rtpmap:x opus/48000/2",
      "a=fmtp:128 stereo=1",
      "a=rtcp-fb:128 nack",
      "a=rtcp-fb: nack",
  };
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    char text[2048] = SDP_SESSION SDP_MEDIA;
    strcat(text, lines[i]);
    print_message("%s\n", lines[i]);
    assert_int_equal(status_of(text), PAW_ERR_MALFORMED);
  }
}

static void test_longest_credentials(void **state) {
  (void)state;
  char text[4096] = SDP_SESSION SDP_MEDIA "a=ice-pwd:";
  size_t len = strlen(text);
  memset(text + len, 'p', 257);
  text[len + 256] = '\0';
  struct paw_description d = read_good(text);
  assert_int_equal(strlen(d.ice.pwd), 256);
  text[len + 256] = 'p';
  text[len + 257] = '\0';
  assert_int_equal(status_of(text), PAW_ERR_MALFORMED);
  d = read_good(SDP_SESSION SDP_MEDIA "a=ice-ufrag:a+/b-=#_\r\n");
  assert_string_equal(d.ice.ufrag, "a+/b-=#_");
}

static void test_several_fingerprints(void **state) {
  (void)state;
  struct paw_description d = read_good(
      SDP_SESSION "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n" SDP_OPUS SDP_CREDENTIALS
                  "a=fingerprint:md2 AB:AB\r\n" SDP_FINGERPRINT SESSION_FINGERPRINT
                  "a=fingerprint:Sha-512 " SDP_HEX_16 ":" SDP_HEX_16 ":" SDP_HEX_16 ":" SDP_HEX_16
                  "\r\n"
                  "a=fingerprint:sha-384 " SDP_HEX_16 ":" SDP_HEX_16 ":" SDP_HEX_16
                  "\r\n"
                  "a=fingerprint:sha-224 ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:ab:" SDP_HEX_16 "\r\n");
  static const enum paw_hash hashes[] = {PAW_HASH_SHA256, PAW_HASH_SHA1, PAW_HASH_SHA512,
                                         PAW_HASH_SHA384};
  static const uint8_t lengths[] = {32, 20, 64, 48};
  assert_int_equal(d.fingerprint_count, PAW_DESCRIPTION_FINGERPRINTS_MAX);
  for (size_t i = 0; i < d.fingerprint_count; i++) {
    assert_int_equal(d.fingerprints[i].hash, hashes[i]);
    assert_int_equal(d.fingerprints[i].len, lengths[i]);
  }
}

static void test_extension_ids(void **state) {
  (void)state;
  struct paw_description d = read_good(
      SDP_SESSION SDP_MEDIA
      "a=extmap:14 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
      "a=extmap:15/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on\r\n"
      "a=extmap:255 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n"
      "a=extmap:5 urn:ietf:params:rtp-hdrext:encrypt urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
      "a=extmap:6 urn:ietf:params:rtp-hdrext:sdes:midx\r\n");
  assert_int_equal(d.audio.extension_mid, 14);
  assert_int_equal(d.audio.extension_audio_level, 15);
  assert_int_equal(d.audio.extension_abs_capture_time, 255);
  d = read_good(SDP_SESSION SDP_MEDIA
                "a=extmap:4096 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                "a=extmap:2/inactive urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n");
  assert_int_equal(d.audio.extension_mid, 0);
  assert_int_equal(d.audio.extension_audio_level, 0);
}

static void test_the_source(void **state) {
  (void)state;
  struct paw_description d =
      read_good(SDP_SESSION SDP_MEDIA
                "a=ssrc-group:FID 10 11\r\na=ssrc:10 cname:one\r\na=ssrc:10 msid:old older\r\n"
                "a=ssrc:11 cname:two\r\na=msid:stream\r\n");
  assert_int_equal(d.audio.ssrc, 10);
  assert_int_equal(d.audio.rtx_ssrc, 11);
  assert_string_equal(d.audio.cname, "one");
  assert_string_equal(d.audio.msid_stream, "old");
  assert_string_equal(d.audio.msid_track, "older");
  d = read_good(SDP_SESSION SDP_MEDIA
                "a=msid:{5e1f} {a}\r\na=msid:second t\r\n"
                "a=ssrc:4294967295 label:x\r\n");
  assert_string_equal(d.audio.msid_stream, "{5e1f}");
  assert_string_equal(d.audio.msid_track, "{a}");
  assert_int_equal(d.audio.ssrc, UINT32_MAX);
  assert_string_equal(d.audio.cname, "");
}

static void test_groups_of_sources(void **state) {
  (void)state;
  static const struct {
    const char *lines;
    uint32_t ssrc;
    uint32_t rtx_ssrc;
  } cases[] = {
      {"a=ssrc:10 cname:x\r\na=ssrc-group:FID 10 11\r\n", 10, 11},
      {"a=ssrc:10 cname:x\r\na=ssrc-group:FID 12 11\r\n", 10, 0}, /* of another source */
      {"a=ssrc-group:FID 10 11\r\na=ssrc-group:FID 10 12\r\n", 10, 11},
      {"a=ssrc-group:SIM 10 11\r\na=ssrc-group:FEC-FR 10 12\r\n", 0, 0},
      {"a=ssrc-group:FID 10\r\na=ssrc-group:FID\r\na=ssrc-group:\r\n", 0, 0},
      {"a=ssrc-group:FID 10 4294967296\r\na=ssrc-group:FID x 1\r\n", 0, 0},
      {"a=ssrc-group:FID 10 11 12\r\n", 10, 11},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[4096] = SDP_SESSION SDP_MEDIA;
    strcat(text, cases[i].lines);
    const struct paw_description d = read_good(text);
    assert_int_equal(d.audio.ssrc, cases[i].ssrc);
    assert_int_equal(d.audio.rtx_ssrc, cases[i].rtx_ssrc);
  }
}

static void test_names_too_long_are_left_out(void **state) {
  (void)state;
  char text[4096] = SDP_SESSION SDP_MEDIA "a=ssrc:1 cname:";
  size_t len = strlen(text);
  memset(text + len, 'c', PAW_CNAME_MAX + 1);
  text[len + PAW_CNAME_MAX] = '\0';
  assert_int_equal(strlen(read_good(text).audio.cname), PAW_CNAME_MAX);
  text[len + PAW_CNAME_MAX] = 'c';
  text[len + PAW_CNAME_MAX + 1] = '\0';
  assert_string_equal(read_good(text).audio.cname, "");
  assert_int_equal(read_good(text).audio.ssrc, 1);
}

static void test_packet_times(void **state) {
  (void)state;
  static const struct {
    const char *value;
    uint16_t ms;
  } cases[] = {{"20", 20},
               {"2.5", 3},
               {"60.0", 60},
               {"120", 120},
               {"121", 0},
               {"0", 0},
               {"0.5", 1},
               {"120.1", 0},
               {"20.x", 0},
               {"0.0", 0},
               {"", 0},
               {"x", 0},
               {"99999999999999999999", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[2048] = SDP_SESSION SDP_MEDIA "a=ptime:";
    strcat(text, cases[i].value);
    strcat(text, "\r\na=maxptime:");
    strcat(text, cases[i].value);
    const struct paw_description d = read_good(text);
    assert_int_equal(d.audio.opus.ptime_ms, cases[i].ms);
    assert_int_equal(d.audio.opus.max_ptime_ms, cases[i].ms);
  }
}

static void test_candidates_of_no_use_are_left_out(void **state) {
  (void)state;
  const struct paw_description d =
      read_good(SDP_SESSION SDP_MEDIA
                "a=candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active\r\n"
                "a=candidate:2 2 udp 1 192.0.2.1 9 typ host\r\n"
                "a=candidate:3 1 udp 1 a1b2c3d4-0000-1111-2222-333344445555.local 9 typ host\r\n"
                "a=candidate:4 1 udp 1 192.0.2.1 9 typ future\r\n"
                "a=candidate:5 1 UDP 7 192.0.2.1 9 typ host generation 0\r\n"
                "a=end-of-candidates\r\n");
  assert_int_equal(d.candidate_count, 1);
  assert_string_equal(d.candidates[0].foundation, "5");
  assert_true(d.end_of_candidates);
}

static void test_more_candidates_than_are_kept(void **state) {
  (void)state;
  char text[8192] = SDP_SESSION SDP_MEDIA;
  for (int i = 0; i < PAW_DESCRIPTION_CANDIDATES_MAX + 5; i++) {
    strcat(text, "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n");
  }
  assert_int_equal(read_good(text).candidate_count, PAW_DESCRIPTION_CANDIDATES_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_is_said_by_silence),
      cmocka_unit_test(test_session_level_is_inherited),
      cmocka_unit_test(test_media_level_wins),
      cmocka_unit_test(test_media_attributes_mean_nothing_at_session_level),
      cmocka_unit_test(test_a_bundled_section_takes_the_transport_of_the_first),
      cmocka_unit_test(test_a_section_outside_the_bundle_does_not),
      cmocka_unit_test(test_own_candidates_replace_those_of_the_bundle),
      cmocka_unit_test(test_sections_of_another_kind),
      cmocka_unit_test(test_profiles_that_mean_the_same),
      cmocka_unit_test(test_rtcp_mux_is_required),
      cmocka_unit_test(test_credentials_and_fingerprint_are_required),
      cmocka_unit_test(test_malformed_values),
      cmocka_unit_test(test_longest_credentials),
      cmocka_unit_test(test_several_fingerprints),
      cmocka_unit_test(test_extension_ids),
      cmocka_unit_test(test_the_source),
      cmocka_unit_test(test_groups_of_sources),
      cmocka_unit_test(test_names_too_long_are_left_out),
      cmocka_unit_test(test_packet_times),
      cmocka_unit_test(test_candidates_of_no_use_are_left_out),
      cmocka_unit_test(test_more_candidates_than_are_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
