/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text_file.h"

#define SECTION(formats) SDP_SESSION "m=audio 9 UDP/TLS/RTP/SAVPF " formats "\r\n" SDP_TRANSPORT

static struct paw_audio_description read_good(const char *text) {
  struct paw_description description;
  assert_int_equal(read_string(text, &description), PAW_OK);
  return description.audio;
}

static int status_of(const char *text) {
  struct paw_description description;
  return read_string(text, &description);
}

static void test_opus_is_found_by_name_rate_and_channels(void **state) {
  (void)state;
  static const struct {
    const char *rtpmap;
    int status;
  } cases[] = {
      {"opus/48000/2", PAW_OK},
      {"OPUS/48000/2", PAW_OK},
      {"Opus/48000/2", PAW_OK},
      {"opus/48000", PAW_ERR_UNSUPPORTED},
      {"opus/48000/1", PAW_ERR_UNSUPPORTED},
      {"opus/16000/2", PAW_ERR_UNSUPPORTED},
      {"opus/48000/22", PAW_ERR_UNSUPPORTED},
      {"opus", PAW_ERR_UNSUPPORTED},
      {"multiopus/48000/2", PAW_ERR_UNSUPPORTED},
      {"", PAW_ERR_UNSUPPORTED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[1024] = SECTION("109") "a=rtpmap:109 ";
    strcat(text, cases[i].rtpmap);
    assert_int_equal(status_of(text), cases[i].status);
  }
}

static void test_the_first_opus_counts_with_what_it_leaves_out(void **state) {
  (void)state;
  const struct paw_audio_description audio = read_good(SECTION(
      "0 120 111") "a=rtpmap:111 opus/48000/2\r\na=rtpmap:120 opus/48000/2\r\n"
                   "a=fmtp:111 stereo=1;maxaveragebitrate=20000\r\n"
                   "a=fmtp:120 useinbandfec=1\r\na=rtcp-fb:111 nack\r\n");
  assert_int_equal(audio.opus_payload_type, 120);
  assert_true(audio.opus.use_inband_fec);
  assert_false(audio.opus.stereo);
  assert_int_equal(audio.opus.max_average_bitrate_bps, 0);
  assert_false(audio.nack);
}

static void test_an_rtpmap_outside_the_formats_means_nothing(void **state) {
  (void)state;
  assert_int_equal(status_of(SECTION("0 8") SDP_OPUS), PAW_ERR_UNSUPPORTED);
}

static void test_payload_types_that_cannot_be_used(void **state) {
  (void)state;
  assert_int_equal(status_of(SECTION("72") "a=rtpmap:72 opus/48000/2\r\n"), PAW_ERR_UNSUPPORTED);
  assert_int_equal(status_of(SECTION("64") "a=rtpmap:64 opus/48000/2\r\n"), PAW_ERR_UNSUPPORTED);
  assert_int_equal(status_of(SECTION("0") "a=rtpmap:0 opus/48000/2\r\n"), PAW_ERR_UNSUPPORTED);
  assert_int_equal(status_of(SECTION("63") "a=rtpmap:63 opus/48000/2\r\n"), PAW_OK);
  assert_int_equal(status_of(SECTION("96") "a=rtpmap:96 opus/48000/2\r\n"), PAW_OK);
  assert_int_equal(status_of(SECTION("127") "a=rtpmap:127 opus/48000/2\r\n"), PAW_OK);
  assert_int_equal(status_of(SECTION("111 128") SDP_OPUS), PAW_ERR_MALFORMED);
  assert_int_equal(status_of(SECTION("111 x") SDP_OPUS), PAW_ERR_MALFORMED);
}

static void test_formats_said_again_and_again(void **state) {
  (void)state;
  static char text[60000] = SDP_SESSION "m=audio 9 UDP/TLS/RTP/SAVPF";
  size_t len = strlen(text);
  for (int i = 0; i < 5000; i++) {
    memcpy(text + len, " 97 111 63", 10);
    len += 10;
  }
  strcpy(text + len, "\r\n" SDP_TRANSPORT SDP_OPUS
                     "a=rtpmap:63 red/48000/2\r\n"
                     "a=rtpmap:97 rtx/48000\r\na=fmtp:97 apt=111\r\n");
  const struct paw_audio_description audio = read_good(text);
  assert_int_equal(audio.opus_payload_type, 111);
  assert_int_equal(audio.red_payload_type, 63);
  assert_int_equal(audio.rtx_payload_type, 97);
}

static void test_every_parameter_of_rfc_7587(void **state) {
  (void)state;
  const struct paw_opus_parameters opus =
      read_good(SECTION("111") SDP_OPUS
                "a=fmtp:111 maxplaybackrate=16000; sprop-maxcapturerate=24000 ;Stereo=1;;"
                "sprop-stereo=1;useinbandfec=1;usedtx=1;cbr=1;maxaveragebitrate=510000;minptime=10;"
                "ptime=40;maxptime=60;x-unknown=5;novalue\r\n")
          .opus;
  assert_int_equal(opus.max_playback_rate_hz, 16000);
  assert_int_equal(opus.sprop_max_capture_rate_hz, 24000);
  assert_int_equal(opus.max_average_bitrate_bps, 510000);
  assert_int_equal(opus.min_ptime_ms, 10);
  assert_int_equal(opus.ptime_ms, 40);
  assert_int_equal(opus.max_ptime_ms, 60);
  assert_true(opus.stereo && opus.sprop_stereo && opus.use_inband_fec);
  assert_true(opus.use_dtx && opus.cbr);
}

static void test_the_attribute_wins_over_the_parameter(void **state) {
  (void)state;
  static const char *const texts[] = {
      SECTION("111") SDP_OPUS "a=fmtp:111 ptime=40;maxptime=60\r\na=ptime:20\r\na=maxptime:120\r\n",
      SECTION("111") SDP_OPUS "a=ptime:20\r\na=maxptime:120\r\na=fmtp:111 ptime=40;maxptime=60\r\n",
  };
  for (size_t i = 0; i < 2; i++) {
    const struct paw_audio_description audio = read_good(texts[i]);
    assert_int_equal(audio.opus.ptime_ms, 20);
    assert_int_equal(audio.opus.max_ptime_ms, 120);
  }
}

static void test_parameters_out_of_range_are_ignored(void **state) {
  (void)state;
  static const char *const values[] = {
      "maxplaybackrate=7999;sprop-maxcapturerate=48001;maxaveragebitrate=5999;minptime=0",
      "maxplaybackrate=48001;sprop-maxcapturerate=0;maxaveragebitrate=510001;minptime=121",
      "maxplaybackrate=-1;maxaveragebitrate=;minptime=1x;ptime=4294967296;stereo=2;cbr=-1",
      "maxplaybackrate=99999999999999999999;usedtx=true;useinbandfec=10;sprop-stereo",
      ";;;=;=1;==",
  };
  static const struct paw_opus_parameters nothing = {0};
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    char text[2048] = SECTION("111") SDP_OPUS "a=fmtp:111 ";
    strcat(text, values[i]);
    const struct paw_opus_parameters opus = read_good(text).opus;
    assert_int_equal(opus.max_playback_rate_hz, nothing.max_playback_rate_hz);
    assert_int_equal(opus.sprop_max_capture_rate_hz, 0);
    assert_int_equal(opus.max_average_bitrate_bps, 0);
    assert_int_equal(opus.min_ptime_ms, 0);
    assert_int_equal(opus.ptime_ms, 0);
    assert_false(opus.stereo || opus.sprop_stereo || opus.use_dtx || opus.cbr ||
                 opus.use_inband_fec);
  }
}

static void test_red_over_opus(void **state) {
  (void)state;
#define RED(lines) SECTION("63 111") SDP_OPUS lines
  assert_int_equal(
      read_good(RED("a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n")).red_payload_type, 63);
  assert_int_equal(
      read_good(RED("a=rtpmap:63 RED/48000/2\r\na=fmtp:63 111/111/111\r\n")).red_payload_type, 63);
  assert_int_equal(read_good(RED("a=rtpmap:63 red/48000/2\r\n")).red_payload_type, 63);
  assert_int_equal(
      read_good(RED("a=rtpmap:63 red/48000/2\r\na=fmtp:63 0/111\r\n")).red_payload_type, 0);
  assert_int_equal(read_good(RED("a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/\r\n")).red_payload_type,
                   63);
  assert_int_equal(read_good(RED("a=rtpmap:63 red/48000/2\r\na=fmtp:63 /\r\n")).red_payload_type,
                   0);
  assert_int_equal(read_good(RED("a=rtpmap:63 red/8000\r\na=fmtp:63 111/111\r\n")).red_payload_type,
                   0);
  assert_int_equal(
      read_good(SECTION("111") SDP_OPUS "a=rtpmap:63 red/48000/2\r\n").red_payload_type, 0);
#undef RED
}

static void test_rtx_over_opus(void **state) {
  (void)state;
#define RTX(lines) SECTION("111 97 98") SDP_OPUS lines
  assert_int_equal(
      read_good(RTX("a=rtpmap:97 rtx/48000/2\r\na=fmtp:97 apt=111\r\n")).rtx_payload_type, 97);
  assert_int_equal(read_good(RTX("a=rtpmap:97 RTX/48000\r\na=fmtp:97 rtx-time=100; apt=111\r\n"))
                       .rtx_payload_type,
                   97);
  assert_int_equal(read_good(RTX("a=rtpmap:97 rtx/48000\r\na=fmtp:97 apt=96\r\n"
                                 "a=rtpmap:98 rtx/48000\r\na=fmtp:98 apt=111\r\n"))
                       .rtx_payload_type,
                   98);
  assert_int_equal(read_good(RTX("a=rtpmap:97 rtx/48000\r\n")).rtx_payload_type, 0);
  assert_int_equal(
      read_good(RTX("a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=111\r\n")).rtx_payload_type, 0);
#undef RTX
}

static void test_feedback(void **state) {
  (void)state;
  static const struct {
    const char *lines;
    bool nack;
    bool rrtr;
  } cases[] = {
      {"a=rtcp-fb:111 nack\r\n", true, false},
      {"a=rtcp-fb:* nack\r\n", true, false},
      {"a=rtcp-fb:111 nack  \r\n", true, false},
      {"a=rtcp-fb:111 nack pli\r\n", false, false},
      {"a=rtcp-fb:* nack rpsi\r\n", false, false},
      {"a=rtcp-fb:111 nack pli\r\na=rtcp-fb:111 nack\r\n", true, false},
      {"a=rtcp-fb:96 nack\r\n", false, false},
      {"a=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 goog-remb\r\n", false, false},
      {"a=rtcp-fb:111 rrtr\r\n", false, true},
      {"a=rtcp-fb:* rrtr\r\n", false, true},
      {"a=rtcp-fb:96 rrtr\r\n", false, false},
      {"a=rtcp-xr:rcvr-rtt=all\r\n", false, true},
      {"a=rtcp-xr:pkt-loss-rle=100 rcvr-rtt=sender:10000\r\n", false, true},
      {"a=rtcp-xr:voip-metrics\r\na=rtcp-xr\r\n", false, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[1024] = SDP_SESSION SDP_MEDIA;
    strcat(text, cases[i].lines);
    const struct paw_audio_description audio = read_good(text);
    assert_int_equal(audio.nack, cases[i].nack);
    assert_int_equal(audio.rrtr, cases[i].rrtr);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_opus_is_found_by_name_rate_and_channels),
      cmocka_unit_test(test_the_first_opus_counts_with_what_it_leaves_out),
      cmocka_unit_test(test_an_rtpmap_outside_the_formats_means_nothing),
      cmocka_unit_test(test_payload_types_that_cannot_be_used),
      cmocka_unit_test(test_formats_said_again_and_again),
      cmocka_unit_test(test_every_parameter_of_rfc_7587),
      cmocka_unit_test(test_the_attribute_wins_over_the_parameter),
      cmocka_unit_test(test_parameters_out_of_range_are_ignored),
      cmocka_unit_test(test_red_over_opus),
      cmocka_unit_test(test_rtx_over_opus),
      cmocka_unit_test(test_feedback),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
