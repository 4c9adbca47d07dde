/* SPDX-License-Identifier: MIT */
/* A text as the SDP answer to an offer of ours. When it is refused the offer stays pending, and a
 * good answer is taken; so it is too after a rollback and a new offer. */
#include "session.h"

#define TEXT_ROOM 16384

static void make_offer(struct paw_rtc *rtc, char *offer, size_t *len) {
  *len = TEXT_ROOM;
  FUZZ_CHECK(paw_rtc_create_offer(rtc, offer, len) == PAW_OK);
}

/* What another connection answers to the offer, which is the same in every run. */
static const char *good_answer(const char *offer, size_t len) {
  static char answer[TEXT_ROOM];
  if (answer[0] == '\0') {
    struct kit_rng rng;
    struct paw_rtc *other = session_new(&rng, 3, PAW_ICE_FULL);
    size_t answer_len = sizeof answer;
    FUZZ_CHECK(paw_rtc_accept_offer(other, SESSION_NOW_NS, offer, len, answer, &answer_len) ==
               PAW_OK);
    paw_rtc_free(other);
  }
  return answer;
}

static int take_answer(struct paw_rtc *rtc, const char *answer, size_t len) {
  return paw_rtc_accept_answer(rtc, SESSION_NOW_NS, answer, len);
}

static void refused(struct paw_rtc *rtc, const char *good, bool roll_back) {
  static char again[TEXT_ROOM];
  struct paw_media_info info;
  size_t len = sizeof again;
  FUZZ_CHECK(paw_rtc_get_media(rtc, &info) == PAW_ERR_STATE);
  FUZZ_CHECK(paw_rtc_create_offer(rtc, again, &len) == PAW_ERR_STATE);
  if (roll_back) {
    FUZZ_CHECK(paw_rtc_rollback(rtc) == PAW_OK);
    make_offer(rtc, again, &len);
  }
  FUZZ_CHECK(take_answer(rtc, good, strlen(good)) == PAW_OK);
  FUZZ_CHECK(paw_rtc_get_media(rtc, &info) == PAW_OK);
}

/* The same answer does for a second offer, which asks for nothing new. */
static void accepted(struct paw_rtc *rtc, const char *answer, size_t len) {
  static char offer[TEXT_ROOM];
  struct paw_media_info info;
  size_t offer_len = 0;
  FUZZ_CHECK(paw_rtc_get_media(rtc, &info) == PAW_OK && info.opus_payload_type != 0);
  FUZZ_CHECK(take_answer(rtc, answer, len) == PAW_ERR_STATE);
  make_offer(rtc, offer, &offer_len);
  FUZZ_CHECK(take_answer(rtc, answer, len) == PAW_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char offer[TEXT_ROOM];
  size_t offer_len = 0;
  const char *text = (const char *)data;
  struct kit_rng rng;
  struct paw_rtc *rtc = session_new(&rng, 2, size % 4 == 3 ? PAW_ICE_LITE : PAW_ICE_FULL);
  make_offer(rtc, offer, &offer_len);
  int status = take_answer(rtc, text, size);
  FUZZ_CHECK(status == PAW_OK || status == PAW_ERR_MALFORMED || status == PAW_ERR_UNSUPPORTED);
  if (status == PAW_OK) {
    accepted(rtc, text, size);
    session_drain(rtc, SESSION_NOW_NS, 3);
  } else {
    refused(rtc, good_answer(offer, offer_len), size % 2 == 0);
    session_drain(rtc, SESSION_NOW_NS, 1);
  }
  paw_rtc_free(rtc);
  return 0;
}
