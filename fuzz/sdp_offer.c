/* SPDX-License-Identifier: MIT */
/* A text as an SDP offer. What can be read can be written, as an offer and as an answer, and reads
 * as the same again. A connection that refuses it is as it was before: a new one then answers a
 * good offer word for word as another new one does, a negotiated one keeps what was agreed on. */
#include "session.h"

#include "base/limits.h"
#include "description.h"

static const char good_offer[] =
    "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\n"
    "a=ice-ufrag:goodgood\r\na=ice-pwd:0123456789abcdefghijklmn\r\n"
    "a=fingerprint:sha-256 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:"
    "11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:20\r\n"
    "a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\n"
    "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n";

#define ANSWER_ROOM 200000

static bool texts_equal(struct paw_text a, struct paw_text b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* ---- the codec ---- */

static void read_again(const char *text, size_t len, size_t index,
                       const struct paw_description *wanted, struct paw_sdp *sdp) {
  FUZZ_CHECK(strlen(text) == len);
  FUZZ_CHECK(paw_sdp_parse(text, len, sdp) == PAW_OK);
  struct paw_description again;
  FUZZ_CHECK(paw_sdp_read_audio(sdp, index, &again) == PAW_OK);
  check_same_description(wanted, &again);
}

static void write_offer(const struct paw_description *description) {
  size_t len = 0;
  FUZZ_CHECK(paw_sdp_write_offer(description, 1, 2, NULL, &len) == PAW_ERR_NO_BUFFER);
  size_t room = len + 1;
  char *text = malloc(room);
  FUZZ_CHECK(paw_sdp_write_offer(description, 1, 2, text, &room) == PAW_OK && room == len);
  struct paw_sdp_media media[PAW_SDP_MEDIA_MAX];
  struct paw_sdp sdp = {.media = media};
  read_again(text, len, 0, description, &sdp);
  FUZZ_CHECK(sdp.media_count == 1 && sdp.session_id == 1 && sdp.session_version == 2);
  free(text);
}

static void write_answer(const struct paw_description *description, const struct paw_sdp *offer,
                         size_t index) {
  size_t len = 0;
  FUZZ_CHECK(paw_sdp_write_answer(description, offer, index, 1, 2, NULL, &len) ==
             PAW_ERR_NO_BUFFER);
  size_t room = len + 1;
  char *text = malloc(room);
  FUZZ_CHECK(paw_sdp_write_answer(description, offer, index, 1, 2, text, &room) == PAW_OK);
  struct paw_sdp_media media[PAW_SDP_MEDIA_MAX];
  struct paw_sdp sdp = {.media = media};
  read_again(text, len, index, description, &sdp);
  FUZZ_CHECK(sdp.media_count == offer->media_count);
  for (size_t i = 0; i < sdp.media_count; i++) {
    FUZZ_CHECK(texts_equal(media[i].kind, offer->media[i].kind));
    FUZZ_CHECK(texts_equal(media[i].protocol, offer->media[i].protocol));
    FUZZ_CHECK(texts_equal(media[i].mid, offer->media[i].mid));
    if (i != index) {
      FUZZ_CHECK(texts_equal(media[i].formats, offer->media[i].formats) && media[i].port == 0);
    }
  }
  free(text);
}

/* Has it a section that can be read? */
static bool try_codec(const char *text, size_t len) {
  bool any = false;
  struct paw_sdp_media media[PAW_SDP_MEDIA_MAX];
  struct paw_sdp sdp = {.media = media};
  int status = paw_sdp_parse(text, len, &sdp);
  FUZZ_CHECK(status == PAW_OK || status == PAW_ERR_MALFORMED || status == PAW_ERR_LIMIT);
  for (size_t i = 0; status == PAW_OK && i < sdp.media_count; i++) {
    struct paw_description description;
    int read = paw_sdp_read_audio(&sdp, i, &description);
    FUZZ_CHECK(read == PAW_OK || read == PAW_ERR_MALFORMED || read == PAW_ERR_UNSUPPORTED);
    if (read == PAW_OK) {
      write_offer(&description);
      write_answer(&description, &sdp, i);
      any = true;
    }
  }
  return any;
}

/* ---- the door ---- */

static char *take_offer(struct paw_rtc *rtc, const char *offer, size_t len, size_t *answer_len) {
  char *answer = malloc(ANSWER_ROOM);
  *answer_len = ANSWER_ROOM;
  int status = paw_rtc_accept_offer(rtc, SESSION_NOW_NS, offer, len, answer, answer_len);
  FUZZ_CHECK(status == PAW_OK || status == PAW_ERR_MALFORMED || status == PAW_ERR_UNSUPPORTED);
  if (status != PAW_OK) {
    free(answer);
    return NULL;
  }
  FUZZ_CHECK(strlen(answer) == *answer_len);
  return answer;
}

static void expect_good_answer(struct paw_rtc *rtc, enum paw_ice_mode mode) {
  static char *wanted[2];
  static size_t wanted_len[2];
  size_t which = mode == PAW_ICE_LITE;
  if (wanted[which] == NULL) {
    struct kit_rng rng;
    struct paw_rtc *other = session_new(&rng, 2, mode);
    wanted[which] = take_offer(other, good_offer, strlen(good_offer), &wanted_len[which]);
    FUZZ_CHECK(wanted[which] != NULL);
    paw_rtc_free(other);
  }
  size_t len = 0;
  char *answer = take_offer(rtc, good_offer, strlen(good_offer), &len);
  FUZZ_CHECK(answer != NULL && len == wanted_len[which]);
  FUZZ_CHECK(memcmp(answer, wanted[which], len) == 0);
  free(answer);
}

/* An answer has all sections of its offer; the one offered first is taken again, and with exactly
 * as much room as it needs. */
static void look_at_answer(struct paw_rtc *rtc, const char *offer, size_t len, const char *answer,
                           size_t answer_len) {
  struct paw_sdp_media offered[PAW_SDP_MEDIA_MAX];
  struct paw_sdp_media answered[PAW_SDP_MEDIA_MAX];
  struct paw_sdp offer_sdp = {.media = offered};
  struct paw_sdp answer_sdp = {.media = answered};
  FUZZ_CHECK(paw_sdp_parse(offer, len, &offer_sdp) == PAW_OK);
  FUZZ_CHECK(paw_sdp_parse(answer, answer_len, &answer_sdp) == PAW_OK);
  FUZZ_CHECK(offer_sdp.media_count == answer_sdp.media_count);
  struct paw_media_info info;
  FUZZ_CHECK(paw_rtc_get_media(rtc, &info) == PAW_OK && info.opus_payload_type != 0);
  size_t accepted = 0;
  for (size_t i = 0; i < answer_sdp.media_count; i++) {
    struct paw_description description;
    accepted += paw_sdp_read_audio(&answer_sdp, i, &description) == PAW_OK;
  }
  FUZZ_CHECK(accepted == 1);
}

static void offer_again(struct paw_rtc *rtc, const char *offer, size_t len) {
  size_t needed = 0;
  FUZZ_CHECK(paw_rtc_accept_offer(rtc, SESSION_NOW_NS, offer, len, NULL, &needed) ==
             PAW_ERR_NO_BUFFER);
  size_t room = needed + 1;
  char *answer = malloc(room);
  FUZZ_CHECK(paw_rtc_accept_offer(rtc, SESSION_NOW_NS, offer, len, answer, &room) == PAW_OK);
  FUZZ_CHECK(room == needed);
  free(answer);
}

static void try_door(const char *text, size_t len, enum paw_ice_mode mode) {
  struct kit_rng rng;
  struct paw_rtc *rtc = session_new(&rng, 2, mode);
  size_t answer_len = 0;
  char *answer = take_offer(rtc, text, len, &answer_len);
  if (answer == NULL) {
    expect_good_answer(rtc, mode);
    session_drain(rtc, SESSION_NOW_NS, 1);
  } else {
    look_at_answer(rtc, text, len, answer, answer_len);
    offer_again(rtc, text, len);
    session_drain(rtc, SESSION_NOW_NS, 3);
  }
  free(answer);
  paw_rtc_free(rtc);
}

/* What a refused later offer must leave as it is. */
struct agreed {
  struct paw_media_info media;
  char fragment[4096];
};

static void note_agreed(const struct paw_rtc *rtc, struct agreed *out) {
  memset(out, 0, sizeof *out);
  size_t len = sizeof out->fragment;
  FUZZ_CHECK(paw_rtc_get_media(rtc, &out->media) == PAW_OK);
  FUZZ_CHECK(paw_rtc_write_ice_fragment(rtc, out->fragment, &len) == PAW_OK);
}

static void check_same_agreed(const struct agreed *a, const struct agreed *b) {
  FUZZ_CHECK(strcmp(a->fragment, b->fragment) == 0);
  FUZZ_CHECK(strcmp(a->media.mid, b->media.mid) == 0 && a->media.nack == b->media.nack);
  FUZZ_CHECK(a->media.direction == b->media.direction);
  FUZZ_CHECK(a->media.opus_payload_type == b->media.opus_payload_type);
  FUZZ_CHECK(a->media.red_payload_type == b->media.red_payload_type);
  FUZZ_CHECK(a->media.rtx_payload_type == b->media.rtx_payload_type);
  FUZZ_CHECK(a->media.local_ssrc == b->media.local_ssrc);
  FUZZ_CHECK(a->media.remote_ssrc == b->media.remote_ssrc);
  check_same_opus(&a->media.remote, &b->media.remote);
}

static void try_later(const char *text, size_t len, enum paw_ice_mode mode) {
  static struct agreed before;
  static struct agreed after;
  struct kit_rng rng;
  struct paw_rtc *rtc = session_new(&rng, 2, mode);
  size_t answer_len = 0;
  free(take_offer(rtc, good_offer, strlen(good_offer), &answer_len));
  note_agreed(rtc, &before);
  char *answer = take_offer(rtc, text, len, &answer_len);
  if (answer == NULL) {
    note_agreed(rtc, &after);
    check_same_agreed(&before, &after);
    answer = take_offer(rtc, good_offer, strlen(good_offer), &answer_len);
    FUZZ_CHECK(answer != NULL);
  } else {
    look_at_answer(rtc, text, len, answer, answer_len);
  }
  session_drain(rtc, SESSION_NOW_NS, 3);
  free(answer);
  paw_rtc_free(rtc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  enum paw_ice_mode mode = size % 2 == 0 ? PAW_ICE_FULL : PAW_ICE_LITE;
  bool can_be_read = try_codec(text, size);
  try_door(text, size, mode);
  if (can_be_read) {
    try_later(text, size, mode);
  }
  return 0;
}
