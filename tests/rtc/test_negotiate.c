/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <stdlib.h>

#include "kit/alloc.h"

#define NOW_NS KIT_CLOCK_ORIGIN_NS

static void an_offer_is_probed_first(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  char sdp[4096];
  size_t len = 0;
  assert_int_equal(paw_rtc_create_offer(rtc, NULL, &len), PAW_ERR_NO_BUFFER);
  size_t needed = len;
  assert_in_range(needed, 300, sizeof sdp - 1);
  len = needed; /* no room for the NUL */
  assert_int_equal(paw_rtc_create_offer(rtc, sdp, &len), PAW_ERR_NO_BUFFER);
  len = needed + 1;
  assert_int_equal(paw_rtc_create_offer(rtc, sdp, &len), PAW_OK);
  assert_int_equal(len, needed);
  assert_int_equal(strlen(sdp), needed);
  assert_non_null(strstr(sdp, "a=setup:actpass\r\n"));
  assert_non_null(strstr(sdp, "192.0.2.1 5000 typ host"));
  len = sizeof sdp;
  assert_int_equal(paw_rtc_create_offer(rtc, sdp, &len), PAW_ERR_STATE);
  assert_int_equal(paw_rtc_rollback(rtc), PAW_OK);
  assert_int_equal(paw_rtc_rollback(rtc), PAW_ERR_STATE);
  len = sizeof sdp;
  assert_int_equal(paw_rtc_create_offer(rtc, sdp, &len), PAW_OK);
  paw_rtc_free(rtc);
}

static void text_offer_and_answer_agree(void **state) {
  (void)state;
  struct paw_rtc_config offerer_config = fixture_config();
  struct paw_rtc_config answerer_config = fixture_config();
  offerer_config.audio.direction = PAW_DIRECTION_RECVONLY;
  answerer_config.audio.direction = PAW_DIRECTION_SENDRECV;
  answerer_config.audio.ptime_ms = 10;
  struct paw_rtc *offerer = fixture_rtc(&offerer_config, "192.0.2.1:5000");
  struct paw_rtc *answerer = fixture_rtc(&answerer_config, "192.0.2.2:6000");
  char offer[4096];
  char answer[4096];
  size_t offer_len = sizeof offer;
  size_t answer_len = 10;
  struct paw_media_info info;
  assert_int_equal(paw_rtc_get_media(answerer, &info), PAW_ERR_STATE);
  assert_int_equal(paw_rtc_create_offer(offerer, offer, &offer_len), PAW_OK);
  assert_int_equal(paw_rtc_accept_offer(answerer, NOW_NS, offer, offer_len, answer, &answer_len),
                   PAW_ERR_NO_BUFFER);
  assert_int_equal(paw_rtc_get_media(answerer, &info), PAW_ERR_STATE); /* nothing has changed */
  assert_in_range(answer_len, 300, sizeof answer - 1);
  answer_len = sizeof answer;
  assert_int_equal(paw_rtc_accept_offer(answerer, NOW_NS, offer, offer_len, answer, &answer_len),
                   PAW_OK);
  assert_non_null(strstr(answer, "a=setup:active\r\n"));
  assert_non_null(strstr(answer, "a=sendonly\r\n"));
  assert_int_equal(paw_rtc_accept_answer(offerer, NOW_NS, answer, answer_len), PAW_OK);

  assert_int_equal(paw_rtc_get_media(answerer, &info), PAW_OK);
  assert_int_equal(info.direction, PAW_DIRECTION_SENDONLY);
  assert_true(info.nack);
  assert_true(info.remote.stereo);
  uint32_t sender_ssrc = info.local_ssrc;
  assert_int_equal(paw_rtc_get_media(offerer, &info), PAW_OK);
  assert_int_equal(info.direction, PAW_DIRECTION_RECVONLY);
  assert_int_equal(info.remote_ssrc, sender_ssrc);
  assert_int_equal(info.remote.ptime_ms, 10);
  assert_string_equal(info.mid, "0");
  assert_int_equal(paw_rtc_accept_answer(offerer, NOW_NS, answer, answer_len), PAW_ERR_STATE);
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
}

/* RFC 8830 section 2: an msid is a token. With 16 random characters of base64 in each of 100
 * offers, slashes would come by the dozen. */
static void the_msid_is_a_token(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  for (int i = 0; i < 100; i++) {
    struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
    char sdp[4096];
    size_t len = sizeof sdp;
    assert_int_equal(paw_rtc_create_offer(rtc, sdp, &len), PAW_OK);
    const char *msid = strstr(sdp, "a=msid:");
    assert_non_null(msid);
    assert_null(memchr(msid, '/', strcspn(msid, "\r")));
    paw_rtc_free(rtc);
  }
}

static void bad_texts_say_what_they_are(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  char answer[4096];
  size_t len = sizeof answer;
  const char junk[] = "hello";
  assert_int_equal(paw_rtc_accept_offer(rtc, NOW_NS, junk, strlen(junk), answer, &len),
                   PAW_ERR_MALFORMED);
  const char video[] =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
      "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";
  assert_int_equal(paw_rtc_accept_offer(rtc, NOW_NS, video, strlen(video), answer, &len),
                   PAW_ERR_UNSUPPORTED);
  const char bare[] =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\n"
      "a=rtpmap:111 opus/48000/2\r\n";
  assert_int_equal(paw_rtc_accept_offer(rtc, NOW_NS, bare, strlen(bare), answer, &len),
                   PAW_ERR_MALFORMED);
  paw_rtc_free(rtc);
}

/* Exchange descriptions; the offerer's and the answerer's wish. */
static enum paw_direction agree(enum paw_direction offered, enum paw_direction wanted) {
  struct paw_rtc_config offerer_config = fixture_config();
  struct paw_rtc_config answerer_config = fixture_config();
  offerer_config.audio.direction = offered;
  answerer_config.audio.direction = wanted;
  struct paw_rtc *offerer = fixture_rtc(&offerer_config, "192.0.2.1:5000");
  struct paw_rtc *answerer = fixture_rtc(&answerer_config, "192.0.2.2:6000");
  struct paw_description offer;
  struct paw_description answer;
  struct paw_media_info ours;
  struct paw_media_info theirs;
  assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer), PAW_OK);
  assert_int_equal(paw_rtc_direct_accept_answer(offerer, NOW_NS, &answer), PAW_OK);
  assert_int_equal(paw_rtc_get_media(answerer, &ours), PAW_OK);
  assert_int_equal(paw_rtc_get_media(offerer, &theirs), PAW_OK);
  unsigned mirrored = ((unsigned)ours.direction & 1u) << 1 | (unsigned)ours.direction >> 1;
  assert_int_equal(theirs.direction, mirrored);
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
  return ours.direction;
}

static void directions_meet(void **state) {
  (void)state;
  assert_int_equal(agree(PAW_DIRECTION_SENDRECV, PAW_DIRECTION_SENDRECV), PAW_DIRECTION_SENDRECV);
  assert_int_equal(agree(PAW_DIRECTION_SENDRECV, PAW_DIRECTION_SENDONLY), PAW_DIRECTION_SENDONLY);
  assert_int_equal(agree(PAW_DIRECTION_RECVONLY, PAW_DIRECTION_SENDRECV), PAW_DIRECTION_SENDONLY);
  assert_int_equal(agree(PAW_DIRECTION_SENDONLY, PAW_DIRECTION_SENDONLY), PAW_DIRECTION_INACTIVE);
}

static void payload_types_and_ids_are_the_offerers(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *offerer = fixture_rtc(&config, "192.0.2.1:5000");
  struct paw_rtc *answerer = fixture_rtc(&config, "192.0.2.2:6000");
  struct paw_description offer;
  struct paw_description answer;
  assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
  offer.audio.opus_payload_type = 96;
  offer.audio.extension_mid = 0;
  offer.audio.extension_audio_level = 9;
  strcpy(offer.audio.mid, "sound");
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer), PAW_OK);
  assert_int_equal(answer.audio.opus_payload_type, 96);
  assert_int_equal(answer.audio.extension_mid, 0);
  assert_int_equal(answer.audio.extension_audio_level, 9);
  assert_string_equal(answer.audio.mid, "sound");
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
}

/* A type that stands for two things, or for none that RTP can say. */
static void payload_types_are_apart(void **state) {
  (void)state;
  const uint8_t types[][3] = {{111, 111, 0}, {111, 63, 63},   {111, 63, 111}, {111, 0, 111},
                              {128, 63, 0},  {111, 191, 112}, {111, 63, 240}};
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    struct paw_rtc_config config = fixture_config();
    struct paw_rtc *offerer = fixture_rtc(&config, "192.0.2.1:5000");
    struct paw_rtc *answerer = fixture_rtc(&config, "192.0.2.2:6000");
    struct paw_description offer;
    struct paw_description answer;
    assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
    offer.audio.opus_payload_type = types[i][0];
    offer.audio.red_payload_type = types[i][1];
    offer.audio.rtx_payload_type = types[i][2];
    assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer),
                     PAW_ERR_UNSUPPORTED);
    paw_rtc_free(offerer);
    paw_rtc_free(answerer);
  }
}

static void the_answerer_obeys_the_setup(void **state) {
  (void)state;
  const enum paw_setup offered[] = {PAW_SETUP_ACTPASS, PAW_SETUP_NONE, PAW_SETUP_PASSIVE,
                                    PAW_SETUP_ACTIVE};
  const enum paw_setup answered[] = {PAW_SETUP_ACTIVE, PAW_SETUP_ACTIVE, PAW_SETUP_ACTIVE,
                                     PAW_SETUP_PASSIVE};
  for (size_t i = 0; i < 4; i++) {
    struct paw_rtc_config config = fixture_config();
    struct paw_rtc *offerer = fixture_rtc(&config, "192.0.2.1:5000");
    struct paw_rtc *answerer = fixture_rtc(&config, "192.0.2.2:6000");
    struct paw_description offer;
    struct paw_description answer;
    assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
    offer.setup = offered[i];
    assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer), PAW_OK);
    assert_int_equal(answer.setup, answered[i]);
    paw_rtc_free(offerer);
    paw_rtc_free(answerer);
  }
}

static void two_lite_ends_do_not_wait_for_ever(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  config.ice_mode = PAW_ICE_LITE;
  struct paw_rtc *offerer = fixture_rtc(&config, "192.0.2.1:5000");
  struct paw_rtc *answerer = fixture_rtc(&config, "192.0.2.2:6000");
  struct paw_description offer;
  struct paw_description answer;
  assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
  assert_true(offer.ice_lite);
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer), PAW_OK);
  assert_false(answer.ice_lite); /* it has turned full */
  assert_int_equal(answer.candidate_count, 1);
  answer.ice_lite = true; /* as another stack's gateway would say */
  assert_int_equal(paw_rtc_direct_accept_answer(offerer, NOW_NS, &answer), PAW_ERR_UNSUPPORTED);
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
}

static void no_fingerprint_no_session(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *offerer = fixture_rtc(&config, "192.0.2.1:5000");
  struct paw_rtc *answerer = fixture_rtc(&config, "192.0.2.2:6000");
  struct paw_description offer;
  struct paw_description answer;
  assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
  offer.fingerprint_count = 0;
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer),
                   PAW_ERR_MALFORMED);
  offer.fingerprint_count = 1;
  offer.fingerprints[0].hash = PAW_HASH_SHA1;
  offer.fingerprints[0].len = 20;
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer),
                   PAW_ERR_MALFORMED);
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
}

static void an_own_offer_is_in_the_way_of_theirs(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *a = fixture_rtc(&config, "192.0.2.1:5000");
  struct paw_rtc *b = fixture_rtc(&config, "192.0.2.2:6000");
  struct paw_description offer_a;
  struct paw_description offer_b;
  struct paw_description answer;
  assert_int_equal(paw_rtc_direct_offer(a, &offer_a), PAW_OK);
  assert_int_equal(paw_rtc_direct_offer(b, &offer_b), PAW_OK);
  assert_int_equal(paw_rtc_direct_accept_offer(b, NOW_NS, &offer_a, &answer), PAW_ERR_STATE);
  assert_int_equal(paw_rtc_rollback(b), PAW_OK);
  assert_int_equal(paw_rtc_direct_accept_offer(b, NOW_NS, &offer_a, &answer), PAW_OK);
  paw_rtc_free(a);
  paw_rtc_free(b);
}

/* Two connections that have agreed once; the offerer receives and sends. */
static void agree_once(struct paw_rtc **offerer, struct paw_rtc **answerer) {
  struct paw_rtc_config config = fixture_config();
  struct paw_description offer;
  struct paw_description answer;
  *offerer = fixture_rtc(&config, "192.0.2.1:5000");
  *answerer = fixture_rtc(&config, "192.0.2.2:6000");
  assert_int_equal(paw_rtc_direct_offer(*offerer, &offer), PAW_OK);
  strcpy(offer.audio.mid, "sound");
  offer.audio.opus_payload_type = 100;
  assert_int_equal(paw_rtc_direct_accept_offer(*answerer, NOW_NS, &offer, &answer), PAW_OK);
  strcpy(answer.audio.mid, "0"); /* as the offerer calls it */
  assert_int_equal(paw_rtc_direct_accept_answer(*offerer, NOW_NS, &answer), PAW_OK);
}

static void an_answer_that_does_not_fit_changes_nothing(void **state) {
  (void)state;
  struct paw_rtc *offerer = NULL;
  struct paw_rtc *answerer = NULL;
  struct paw_description before;
  struct paw_description after;
  char offer[4096];
  char answer[4096];
  size_t offer_len = sizeof offer;
  size_t answer_len = 10;
  agree_once(&offerer, &answerer);
  assert_int_equal(paw_rtc_direct_offer(answerer, &before), PAW_OK);
  assert_int_equal(paw_rtc_rollback(answerer), PAW_OK);
  assert_int_equal(paw_rtc_ice_restart(offerer, NOW_NS), PAW_OK);
  assert_int_equal(paw_rtc_create_offer(offerer, offer, &offer_len), PAW_OK);
  assert_int_equal(paw_rtc_accept_offer(answerer, NOW_NS, offer, offer_len, answer, &answer_len),
                   PAW_ERR_NO_BUFFER);
  assert_int_equal(paw_rtc_direct_offer(answerer, &after), PAW_OK);
  assert_int_equal(paw_rtc_rollback(answerer), PAW_OK);
  assert_string_equal(after.ice.ufrag, before.ice.ufrag);
  size_t needed = answer_len;
  answer_len = needed + 1;
  assert_int_equal(paw_rtc_accept_offer(answerer, NOW_NS, offer, offer_len, answer, &answer_len),
                   PAW_OK);
  assert_int_equal(answer_len, needed);
  assert_null(strstr(answer, before.ice.ufrag)); /* it has joined the restart */
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
}

static void another_certificate_needs_another_connection(void **state) {
  (void)state;
  struct paw_rtc *offerer = NULL;
  struct paw_rtc *answerer = NULL;
  struct paw_description offer;
  struct paw_description answer;
  agree_once(&offerer, &answerer);
  assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
  offer.fingerprints[0].value[0] ^= 1;
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer),
                   PAW_ERR_UNSUPPORTED);
  offer.fingerprints[0].value[0] ^= 1;
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer), PAW_OK);
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
}

/* Credentials that ICE cannot use (RFC 8839 section 5.4) do not begin a restart. */
static void bad_credentials_restart_nothing(void **state) {
  (void)state;
  struct paw_rtc *offerer = NULL;
  struct paw_rtc *answerer = NULL;
  struct paw_description offer;
  struct paw_description answer;
  struct paw_description before;
  agree_once(&offerer, &answerer);
  assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &before), PAW_OK);
  strcpy(offer.ice.pwd, "short");
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer),
                   PAW_ERR_MALFORMED);
  assert_int_equal(paw_rtc_direct_offer(answerer, &answer), PAW_OK);
  assert_string_equal(answer.ice.ufrag, before.ice.ufrag);
  assert_string_equal(answer.ice.pwd, before.ice.pwd);
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
}

static unsigned long version_of(const char *sdp) {
  const char *version = strchr(strstr(sdp, "\r\no=- ") + 6, ' ');
  return strtoul(version, NULL, 10);
}

/* RFC 9429 section 5.2.1: two descriptions that may differ have different versions, also where the
 * first of them was rolled back. */
static void each_description_has_its_version(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  char sdp[4096];
  size_t len = sizeof sdp;
  assert_int_equal(paw_rtc_create_offer(rtc, sdp, &len), PAW_OK);
  unsigned long first = version_of(sdp);
  assert_int_equal(paw_rtc_rollback(rtc), PAW_OK);
  assert_int_equal(paw_rtc_set_direction(rtc, PAW_DIRECTION_SENDONLY), PAW_OK);
  len = sizeof sdp;
  assert_int_equal(paw_rtc_create_offer(rtc, sdp, &len), PAW_OK);
  assert_int_equal(version_of(sdp), first + 1);
  paw_rtc_free(rtc);
}

/* Of characters that RFC 8839 forbids in credentials, these four are taken and used. */
static void credentials_as_peers_send_them(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  static const char offer[] =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
      "a=ice-ufrag:a+/b-=#_\r\na=ice-pwd:0123456789-=#_+/0123456789\r\n"
      "a=fingerprint:sha-256 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:"
      "11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:20\r\n";
  char answer[4096];
  size_t len = sizeof answer;
  assert_int_equal(paw_rtc_accept_offer(rtc, NOW_NS, offer, strlen(offer), answer, &len), PAW_OK);
  paw_rtc_free(rtc);
}

/* RFC 7587 section 6.1: what one side wishes, the other one is told, all of it. */
static void opus_wishes_reach_the_other_side(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *offerer = fixture_rtc(&config, "192.0.2.1:5000");
  struct paw_rtc *answerer = fixture_rtc(&config, "192.0.2.2:6000");
  char offer[4096];
  char answer[4096];
  size_t len = sizeof offer;
  assert_int_equal(paw_rtc_create_offer(offerer, offer, &len), PAW_OK);
  assert_non_null(strstr(offer, "a=fmtp:111 useinbandfec=1;stereo=1;sprop-stereo=1\r\n"));
  char *line = strstr(offer, "a=fmtp:111 ");
  static const char wishes[] =
      "a=fmtp:111 maxplaybackrate=16000; sprop-maxcapturerate=24000; minptime=10; stereo=1; "
      "maxaveragebitrate=20000; cbr=1; usedtx=1; useinbandfec=1\r\na=ptime:20\r\na=maxptime:40\r\n";
  char rest[4096];
  strcpy(rest, strchr(line, '\n') + 1);
  strcpy(line, wishes);
  strcat(line, rest);
  len = sizeof answer;
  assert_int_equal(paw_rtc_accept_offer(answerer, NOW_NS, offer, strlen(offer), answer, &len),
                   PAW_OK);
  struct paw_media_info info;
  assert_int_equal(paw_rtc_get_media(answerer, &info), PAW_OK);
  assert_int_equal(info.remote.max_playback_rate_hz, 16000);
  assert_int_equal(info.remote.sprop_max_capture_rate_hz, 24000);
  assert_int_equal(info.remote.max_average_bitrate_bps, 20000);
  assert_int_equal(info.remote.min_ptime_ms, 10);
  assert_int_equal(info.remote.ptime_ms, 20);
  assert_int_equal(info.remote.max_ptime_ms, 40);
  assert_true(info.remote.stereo && info.remote.cbr && info.remote.use_dtx);
  assert_true(info.remote.use_inband_fec && !info.remote.sprop_stereo);
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
  /* sprop-stereo is a hint of who sends */
  config.audio.direction = PAW_DIRECTION_RECVONLY;
  offerer = fixture_rtc(&config, "192.0.2.1:5000");
  len = sizeof offer;
  assert_int_equal(paw_rtc_create_offer(offerer, offer, &len), PAW_OK);
  assert_non_null(strstr(offer, ";stereo=1\r\n"));
  assert_null(strstr(offer, "sprop-stereo"));
  paw_rtc_free(offerer);
}

/* RFC 8842 section 5.3: the roles of the association stay, whoever offers. A Chromium that offered
 * first refuses an answer that turns them around. */
static void a_later_answer_keeps_the_dtls_roles(void **state) {
  (void)state;
  static const enum paw_setup firsts[] = {PAW_SETUP_ACTPASS, PAW_SETUP_ACTIVE};
  for (size_t i = 0; i < 2; i++) {
    struct paw_rtc_config config = fixture_config();
    struct paw_rtc *ends[2] = {fixture_rtc(&config, "192.0.2.1:5000"),
                               fixture_rtc(&config, "192.0.2.2:6000")};
    struct paw_description offer;
    struct paw_description answer;
    enum paw_setup own[2] = {PAW_SETUP_NONE, PAW_SETUP_NONE}; /* what each is, once it is */
    for (size_t round = 0; round < 4; round++) {
      struct paw_rtc *offerer = ends[round % 2];
      struct paw_rtc *answerer = ends[1 - round % 2];
      assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
      assert_int_equal(offer.setup, PAW_SETUP_ACTPASS);
      if (round == 0) {
        offer.setup = firsts[i];
        own[1] = firsts[i] == PAW_SETUP_ACTIVE ? PAW_SETUP_PASSIVE : PAW_SETUP_ACTIVE;
        own[0] = firsts[i] == PAW_SETUP_ACTIVE ? PAW_SETUP_ACTIVE : PAW_SETUP_PASSIVE;
      } else {
        offer.setup = own[1 - round % 2]; /* the answerer's own: it would be the other one */
        assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer),
                         PAW_ERR_UNSUPPORTED);
        offer.setup = round == 3 ? own[round % 2] : PAW_SETUP_ACTPASS;
      }
      assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer), PAW_OK);
      assert_int_equal(answer.setup, own[1 - round % 2]);
      assert_int_equal(paw_rtc_direct_accept_answer(offerer, NOW_NS, &answer), PAW_OK);
    }
    paw_rtc_free(ends[0]);
    paw_rtc_free(ends[1]);
  }
}

/* The offer stays pending until the right answer comes. */
static void an_answer_to_something_else_is_refused(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *offerer = fixture_rtc(&config, "192.0.2.1:5000");
  struct paw_rtc *answerer = fixture_rtc(&config, "192.0.2.2:6000");
  char offer[4096];
  char answer[4096];
  char other[8192];
  size_t offer_len = sizeof offer;
  size_t answer_len = sizeof answer;
  assert_int_equal(paw_rtc_create_offer(offerer, offer, &offer_len), PAW_OK);
  assert_int_equal(paw_rtc_accept_offer(answerer, NOW_NS, offer, offer_len, answer, &answer_len),
                   PAW_OK);
  strcpy(other, answer);
  memcpy(strstr(other, "a=mid:0"), "a=mid:1", 7);
  assert_int_equal(paw_rtc_accept_answer(offerer, NOW_NS, other, strlen(other)), PAW_ERR_MALFORMED);
  strcpy(other, answer);
  strcat(other, "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n");
  assert_int_equal(paw_rtc_accept_answer(offerer, NOW_NS, other, strlen(other)), PAW_ERR_MALFORMED);
  strcpy(other, answer);
  *strstr(other, "m=audio") = '\0';
  assert_int_equal(paw_rtc_accept_answer(offerer, NOW_NS, other, strlen(other)), PAW_ERR_MALFORMED);
  struct paw_media_info info;
  assert_int_equal(paw_rtc_get_media(offerer, &info), PAW_ERR_STATE);
  char *mid = strstr(answer, "a=mid:0\r\n"); /* peers leave it out */
  memmove(mid, mid + 9, strlen(mid + 9) + 1);
  assert_int_equal(paw_rtc_accept_answer(offerer, NOW_NS, answer, strlen(answer)), PAW_OK);
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
}

/* What a connection holds that has accepted a lite end's offer. */
static int64_t held_by_answerer(enum paw_ice_mode mode) {
  struct kit_allocator memory = {0};
  struct paw_rtc_config config = fixture_config();
  config.ice_mode = PAW_ICE_LITE;
  struct paw_rtc *offerer = fixture_rtc(&config, "192.0.2.1:5000");
  config.ice_mode = mode;
  config.allocator = kit_allocator_hook(&memory);
  struct paw_rtc *answerer = fixture_rtc(&config, "192.0.2.2:6000");
  struct paw_description offer;
  struct paw_description answer;
  assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer), PAW_OK);
  assert_false(answer.ice_lite);
  int64_t held = (int64_t)memory.outstanding_bytes;
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
  return held;
}

/* A lite end that becomes full for a lite offer is as any full one. */
static void who_becomes_full_holds_no_more_than_others(void **state) {
  (void)state;
  assert_int_equal(held_by_answerer(PAW_ICE_LITE), held_by_answerer(PAW_ICE_FULL));
}

/* A lite end whose peer turns lite: nobody would check any more. */
static void a_later_offer_makes_nobody_lite(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *offerer = fixture_rtc(&config, "192.0.2.1:5000");
  config.ice_mode = PAW_ICE_LITE;
  struct paw_rtc *answerer = fixture_rtc(&config, "192.0.2.2:6000");
  struct paw_description offer;
  struct paw_description answer;
  assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer), PAW_OK);
  assert_int_equal(paw_rtc_direct_accept_answer(offerer, NOW_NS, &answer), PAW_OK);
  assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
  offer.ice_lite = true;
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, NOW_NS, &offer, &answer),
                   PAW_ERR_UNSUPPORTED);
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
}

static void directions_are_wished_for_between_offers(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  struct paw_description offer;
  assert_int_equal(paw_rtc_set_direction(rtc, (enum paw_direction)4), PAW_ERR_INVALID);
  assert_int_equal(paw_rtc_set_direction(rtc, PAW_DIRECTION_RECVONLY), PAW_OK);
  assert_int_equal(paw_rtc_direct_offer(rtc, &offer), PAW_OK);
  assert_int_equal(offer.audio.direction, PAW_DIRECTION_RECVONLY);
  assert_int_equal(paw_rtc_set_direction(rtc, PAW_DIRECTION_SENDRECV), PAW_ERR_STATE);
  assert_int_equal(paw_rtc_rollback(rtc), PAW_OK);
  paw_rtc_close(rtc, NOW_NS);
  assert_int_equal(paw_rtc_set_direction(rtc, PAW_DIRECTION_SENDRECV), PAW_ERR_STATE);
  paw_rtc_free(rtc);
}

static void a_later_offer_keeps_the_names(void **state) {
  (void)state;
  struct paw_rtc *offerer = NULL;
  struct paw_rtc *answerer = NULL;
  struct paw_description offer;
  struct paw_description answer;
  agree_once(&offerer, &answerer);
  assert_int_equal(paw_rtc_direct_offer(answerer, &offer), PAW_OK);
  assert_string_equal(offer.audio.mid, "sound");
  assert_int_equal(offer.audio.opus_payload_type, 100);
  assert_int_equal(paw_rtc_direct_accept_offer(offerer, NOW_NS, &offer, &answer), PAW_OK);
  assert_string_equal(answer.audio.mid, "sound");
  assert_int_equal(paw_rtc_direct_accept_answer(answerer, NOW_NS, &answer), PAW_OK);
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_offer_is_probed_first),
      cmocka_unit_test(text_offer_and_answer_agree),
      cmocka_unit_test(the_msid_is_a_token),
      cmocka_unit_test(bad_texts_say_what_they_are),
      cmocka_unit_test(directions_meet),
      cmocka_unit_test(payload_types_and_ids_are_the_offerers),
      cmocka_unit_test(payload_types_are_apart),
      cmocka_unit_test(the_answerer_obeys_the_setup),
      cmocka_unit_test(two_lite_ends_do_not_wait_for_ever),
      cmocka_unit_test(no_fingerprint_no_session),
      cmocka_unit_test(an_own_offer_is_in_the_way_of_theirs),
      cmocka_unit_test(an_answer_that_does_not_fit_changes_nothing),
      cmocka_unit_test(another_certificate_needs_another_connection),
      cmocka_unit_test(bad_credentials_restart_nothing),
      cmocka_unit_test(each_description_has_its_version),
      cmocka_unit_test(credentials_as_peers_send_them),
      cmocka_unit_test(opus_wishes_reach_the_other_side),
      cmocka_unit_test(a_later_answer_keeps_the_dtls_roles),
      cmocka_unit_test(an_answer_to_something_else_is_refused),
      cmocka_unit_test(who_becomes_full_holds_no_more_than_others),
      cmocka_unit_test(a_later_offer_makes_nobody_lite),
      cmocka_unit_test(directions_are_wished_for_between_offers),
      cmocka_unit_test(a_later_offer_keeps_the_names),
  };
  return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
