/* SPDX-License-Identifier: MIT */
/* Offers in the shapes that other stacks give them, and the answers, line by line where it matters.
 */
#include "fixture.h"

#include <stdio.h>

#define NOW_NS (KIT_CLOCK_ORIGIN_NS + 1000000)

#define FINGERPRINT                                                                                \
  "a=fingerprint:sha-256 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:"                         \
  "11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:20\r\n"
#define CREDENTIALS "a=ice-ufrag:abcdefgh\r\na=ice-pwd:0123456789abcdefghijklmn\r\n"

static char answer[16384];

/* The answerer after it has taken the offer. */
static struct paw_rtc *answer_to(const char *offer, struct paw_media_info *info) {
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  size_t len = sizeof answer;
  assert_int_equal(paw_rtc_accept_offer(rtc, NOW_NS, offer, strlen(offer), answer, &len), PAW_OK);
  assert_int_equal(paw_rtc_get_media(rtc, info), PAW_OK);
  return rtc;
}

static void expect_lines(const char *const *lines, size_t count) {
  const char *at = answer;
  for (size_t i = 0; i < count; i++) {
    const char *found = strstr(at, lines[i]);
    if (found == NULL) {
      fail_msg("not there, or not in this order: %s\n%s", lines[i], answer);
    }
    at = found + 1;
  }
}

#define EXPECT_LINES(lines) expect_lines(lines, sizeof(lines) / sizeof(lines)[0])

static const char firefox_offer[] =
    "v=0\r\no=mozilla...THIS_IS_SDPARTA-99.0 6019283746501928374 0 IN IP4 0.0.0.0\r\ns=-\r\n"
    "t=0 0\r\n" FINGERPRINT
    "a=group:BUNDLE 0 1 2\r\na=ice-options:trickle\r\n"
    "a=msid-semantic:WMS *\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 120 124\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\n" CREDENTIALS
    "a=mid:0\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=setup:actpass\r\na=rtpmap:120 VP8/90000\r\n"
    "a=rtpmap:124 rtx/90000\r\na=fmtp:124 apt=120\r\n"
    "m=audio 0 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\nc=IN IP4 0.0.0.0\r\na=bundle-only\r\n"
    "a=recvonly\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n"
    "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\na=fmtp:101 0-15\r\n"
    "a=mid:1\r\na=rtcp-mux\r\na=rtpmap:109 opus/48000/2\r\na=rtpmap:9 G722/8000/1\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000/1\r\n"
    "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=bundle-only\r\n"
    "a=mid:2\r\na=sctp-port:5000\r\n";

/* Everything at session level that may stand there; audio, video and data in one bundle; other
 * payload types and ids than Chromium's; setup in the first section only. */
static void as_firefox_does(void **state) {
  (void)state;
  static const char *const lines[] = {
      "\r\na=group:BUNDLE 1\r\n",
      "\r\nm=video 0 UDP/TLS/RTP/SAVPF 120 124\r\n",
      "\r\na=mid:0\r\n",
      "\r\nm=audio 5000 UDP/TLS/RTP/SAVPF 109\r\n",
      "\r\na=mid:1\r\n",
      "\r\na=setup:active\r\n",
      "\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
      "\r\na=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
      "\r\na=sendonly\r\n",
      "\r\na=rtcp-mux\r\n",
      "\r\na=rtpmap:109 opus/48000/2\r\n",
      "\r\na=fmtp:109 useinbandfec=1;stereo=1;sprop-stereo=1\r\n",
      "\r\na=rtcp-fb:109 nack\r\n",
      "\r\na=msid:",
      "\r\na=ssrc:",
      "\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n",
      "\r\na=mid:2\r\n",
  };
  struct paw_media_info info;
  struct paw_rtc *rtc = answer_to(firefox_offer, &info);
  EXPECT_LINES(lines);
  assert_null(strstr(answer, "a=rtcp-rsize")); /* the audio section has not offered it */
  assert_null(strstr(answer, "csrc-audio-level"));
  assert_null(strstr(answer, "abs-capture-time"));
  assert_int_equal(info.opus_payload_type, 109);
  assert_int_equal(info.direction, PAW_DIRECTION_SENDONLY);
  assert_int_equal(info.remote.max_playback_rate_hz, 48000);
  assert_string_equal(info.mid, "1");
  size_t len = sizeof answer; /* the other sections would have to be repeated */
  assert_int_equal(paw_rtc_create_offer(rtc, answer, &len), PAW_ERR_UNSUPPORTED);
  paw_rtc_free(rtc);
}

/* The source said by SSRC, in old words too; candidates of component 2; RTX over Opus, which is
 * answered with a source of its own. */
static void as_pion_does(void **state) {
  (void)state;
  static const char offer[] =
      "v=0\r\no=- 1234567890123456789 1700000000 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
      "a=msid-semantic:WMS*\r\n" FINGERPRINT
      "a=extmap-allow-mixed\r\na=group:BUNDLE 0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 111 97 9 0 8\r\nc=IN IP4 0.0.0.0\r\na=setup:actpass\r\n"
      "a=mid:0\r\n" CREDENTIALS
      "a=rtcp-mux\r\na=rtcp-rsize\r\n"
      "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
      "a=rtcp-fb:111 nack \r\na=rtpmap:97 rtx/48000\r\na=fmtp:97 apt=111\r\n"
      "a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
      "a=ssrc-group:FID 2000000001 2000000002\r\n"
      "a=ssrc:2000000001 cname:pion\r\na=ssrc:2000000001 msid:pion audio\r\n"
      "a=ssrc:2000000001 mslabel:pion\r\na=ssrc:2000000001 label:audio\r\n"
      "a=ssrc:2000000002 cname:pion\r\na=msid:pion audio\r\na=sendrecv\r\n"
      "a=candidate:1 1 udp 2130706431 192.0.2.9 4000 typ host ufrag abcdefgh\r\n"
      "a=candidate:1 2 udp 2130706431 192.0.2.9 4000 typ host ufrag abcdefgh\r\n"
      "a=candidate:2 1 tcp 1671430143 192.0.2.9 4001 typ host tcptype passive\r\n"
      "a=end-of-candidates\r\n";
  static const char *const lines[] = {
      "\r\na=group:BUNDLE 0\r\n",
      "\r\na=extmap-allow-mixed\r\n",
      "\r\nm=audio 5000 UDP/TLS/RTP/SAVPF 111 97\r\n",
      "\r\na=sendrecv\r\n",
      "\r\na=rtcp-rsize\r\n",
      "\r\na=rtpmap:97 rtx/48000\r\na=fmtp:97 apt=111\r\n",
      "\r\na=msid:",
      "\r\na=ssrc-group:FID ",
      " cname:",
      " msid:",
  };
  struct paw_media_info info;
  struct paw_rtc *rtc = answer_to(offer, &info);
  EXPECT_LINES(lines);
  assert_true(info.nack);
  assert_int_equal(info.rtx_payload_type, 97);
  assert_int_equal(info.remote_ssrc, 2000000001);
  paw_rtc_free(rtc);
}

/* Opus and RED over it, as Chromium lists them; RED first, without parameters, or over something
 * else. It is answered with the offer's number, after Opus, and not where it is not wanted. */
static void with_redundancy(void **state) {
  (void)state;
  static const struct {
    const char *formats;
    const char *parameters;
    bool wanted;
    const char *line;
    uint8_t agreed;
  } cases[] = {
      {"111 63", "a=fmtp:63 111/111\r\n", true, "SAVPF 111 63\r\n", 63},
      {"63 111", "a=fmtp:63 111/111\r\n", true, "SAVPF 111 63\r\n", 63},
      {"111 63", "", true, "SAVPF 111 63\r\n", 63},
      {"111 63", "a=fmtp:63 0/111\r\n", true, "SAVPF 111\r\n", 0},
      {"111", "a=fmtp:63 111/111\r\n", true, "SAVPF 111\r\n", 0},
      {"111 63", "a=fmtp:63 111/111\r\n", false, "SAVPF 111\r\n", 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char offer[1024];
    int offer_len =
        snprintf(offer, sizeof offer,
                 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
                 "m=audio 9 UDP/TLS/RTP/SAVPF %s\r\na=rtcp-mux\r\n" CREDENTIALS FINGERPRINT
                 "a=rtpmap:111 opus/48000/2\r\n"
                 "a=rtpmap:63 red/48000/2\r\n%s",
                 cases[i].formats, cases[i].parameters);
    assert_in_range(offer_len, 100, (int)sizeof offer - 1);
    struct paw_rtc_config config = fixture_config();
    config.audio.red = cases[i].wanted;
    struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
    struct paw_media_info info;
    size_t len = sizeof answer;
    assert_int_equal(paw_rtc_accept_offer(rtc, NOW_NS, offer, (size_t)offer_len, answer, &len),
                     PAW_OK);
    assert_non_null(strstr(answer, cases[i].line));
    assert_int_equal(paw_rtc_get_media(rtc, &info), PAW_OK);
    assert_int_equal(info.red_payload_type, cases[i].agreed);
    bool said = strstr(answer, "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n") != NULL;
    assert_int_equal(said, cases[i].agreed != 0);
    len = sizeof answer; /* a later offer keeps what was agreed on */
    assert_int_equal(paw_rtc_create_offer(rtc, answer, &len), PAW_OK);
    assert_non_null(strstr(answer, cases[i].line));
    paw_rtc_free(rtc);
  }
}

static void own_offers_list_it_after_opus(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  for (int wanted = 0; wanted < 2; wanted++) {
    config.audio.red = wanted == 1;
    struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
    size_t len = sizeof answer;
    assert_int_equal(paw_rtc_create_offer(rtc, answer, &len), PAW_OK);
    assert_non_null(strstr(answer, wanted == 1 ? "SAVPF 111 63\r\n" : "SAVPF 111\r\n"));
    bool said = strstr(answer, "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n") != NULL;
    assert_int_equal(said, wanted == 1);
    paw_rtc_free(rtc);
  }
  struct paw_rtc *none = NULL;
  config.audio.red_distance = PAW_RED_DISTANCE_MAX + 1;
  assert_int_equal(paw_rtc_new(&config, NOW_NS, &none), PAW_ERR_INVALID);
  config.audio.red_distance = PAW_RED_AUTO - 1;
  assert_int_equal(paw_rtc_new(&config, NOW_NS, &none), PAW_ERR_INVALID);
}

/* The least that can be answered: no mid, no bundle, no extension, line feeds alone, an AVP
 * profile, and what other codecs there are is left out. */
static void as_little_as_can_be(void **state) {
  (void)state;
  static const char offer[] =
      "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=speaker one\nc=IN IP4 127.0.0.1\nt=0 0\n"
      "a=ice-ufrag:abcd\na=ice-pwd:0123456789abcdefghijkl\n"
      "a=fingerprint:SHA-256 01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:"
      "11:12:13:14:15:16:17:18:19:1a:1b:1c:1d:1e:1f:20\na=setup:active\n"
      "m=audio 4000 RTP/SAVPF 0 96\na=rtpmap:96 OPUS/48000/2\na=rtcp-fb:* nack\na=rtcp-mux\n"
      "a=sendonly\n";
  static const char *const lines[] = {
      "\r\nm=audio 5000 RTP/SAVPF 96\r\n", "\r\na=setup:passive\r\n",   "\r\na=recvonly\r\n",
      "\r\na=rtpmap:96 opus/48000/2\r\n",  "\r\na=rtcp-fb:96 nack\r\n",
  };
  struct paw_media_info info;
  struct paw_rtc *rtc = answer_to(offer, &info);
  EXPECT_LINES(lines);
  assert_null(strstr(answer, "a=mid:"));
  assert_null(strstr(answer, "a=group:"));
  assert_null(strstr(answer, "a=extmap:"));
  assert_null(strstr(answer, "a=ssrc:")); /* it sends nothing */
  assert_true(info.nack);
  assert_int_equal(info.rtx_payload_type, 0);
  paw_rtc_free(rtc);
}

/* RFC 7874 section 3 asks for these; a section that has nothing else is refused (README). */
static void without_opus(void **state) {
  (void)state;
  static const char offer[] =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0 8 13 101\r\na=rtcp-mux\r\n" CREDENTIALS FINGERPRINT
      "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\n"
      "a=rtpmap:101 telephone-event/8000\r\n";
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  size_t len = sizeof answer;
  assert_int_equal(paw_rtc_accept_offer(rtc, NOW_NS, offer, strlen(offer), answer, &len),
                   PAW_ERR_UNSUPPORTED);
  paw_rtc_free(rtc);
}

static size_t taken;
static size_t refused;

/* Offer `text` to a connection, which is made anew when it takes one. */
static struct paw_rtc *offer_hostile(struct paw_rtc *rtc, const char *text, size_t text_len) {
  struct paw_rtc_config config = fixture_config();
  size_t len = sizeof answer;
  char *exact = test_malloc(text_len > 0 ? text_len : 1); /* so that a read past the end is seen */
  memcpy(exact, text, text_len);
  int status = paw_rtc_accept_offer(rtc, NOW_NS, exact, text_len, answer, &len);
  test_free(exact);
  if (status != PAW_OK) {
    assert_true(status == PAW_ERR_MALFORMED || status == PAW_ERR_UNSUPPORTED);
    refused++;
    return rtc;
  }
  struct paw_media_info info;
  taken++;
  assert_int_equal(strlen(answer), len); /* nothing of the offer ends it early */
  assert_memory_equal(answer, "v=0\r\n", 5);
  assert_int_equal(paw_rtc_get_media(rtc, &info), PAW_OK);
  paw_rtc_free(rtc);
  return fixture_rtc(&config, "192.0.2.1:5000");
}

static void any_byte_changed_and_any_end(void **state) {
  (void)state;
  static const char changes[] = {'\0', ' ', ':', '/', '9', '\r', '\n', (char)0xff};
  static char text[sizeof firefox_offer];
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  memcpy(text, firefox_offer, sizeof text);
  for (size_t i = 0; i < sizeof text - 1; i++) {
    rtc = offer_hostile(rtc, text, i);
    text[i] = changes[i % sizeof changes];
    rtc = offer_hostile(rtc, text, sizeof text - 1);
    text[i] = firefox_offer[i];
  }
  paw_rtc_free(rtc);
  assert_true(taken > 500 && refused > 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_firefox_does),
      cmocka_unit_test(as_pion_does),
      cmocka_unit_test(with_redundancy),
      cmocka_unit_test(own_offers_list_it_after_opus),
      cmocka_unit_test(as_little_as_can_be),
      cmocka_unit_test(without_opus),
      cmocka_unit_test(any_byte_changed_and_any_end),
  };
  return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
