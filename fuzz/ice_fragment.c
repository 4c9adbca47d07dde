/* SPDX-License-Identifier: MIT */
/* A text as a fragment of trickle ICE, the body of a PATCH. What can be read can be written, and
 * reads as the same again; a connection that refuses it is as it was before. */
#include "session.h"

#include "description.h"

#define TEXT_ROOM 16384

/* Credentials are written both or not at all. */
static bool is_writable(const struct paw_sdp_fragment *fragment) {
  return (fragment->ice.ufrag[0] == '\0') == (fragment->ice.pwd[0] == '\0');
}

static void try_codec(const char *text, size_t len) {
  struct paw_sdp_fragment fragment;
  if (paw_sdp_read_fragment(text, len, &fragment) != PAW_OK || !is_writable(&fragment)) {
    return;
  }
  size_t needed = 0;
  FUZZ_CHECK(paw_sdp_write_fragment(&fragment, "0", NULL, &needed) == PAW_ERR_NO_BUFFER);
  size_t room = needed + 1;
  char *written = malloc(room);
  FUZZ_CHECK(paw_sdp_write_fragment(&fragment, "0", written, &room) == PAW_OK && room == needed);
  struct paw_sdp_fragment again;
  FUZZ_CHECK(paw_sdp_read_fragment(written, room, &again) == PAW_OK);
  check_same_credentials(&fragment.ice, &again.ice);
  check_same_candidates(fragment.candidates, fragment.candidate_count, again.candidates,
                        again.candidate_count);
  FUZZ_CHECK(fragment.ice_lite == again.ice_lite);
  FUZZ_CHECK(fragment.end_of_candidates == again.end_of_candidates);
  free(written);
}

/* ---- the door ---- */

static void connect_pair(struct paw_rtc *offerer, struct paw_rtc *answerer) {
  static char offer[TEXT_ROOM];
  static char answer[TEXT_ROOM];
  size_t offer_len = sizeof offer;
  size_t answer_len = sizeof answer;
  FUZZ_CHECK(paw_rtc_create_offer(offerer, offer, &offer_len) == PAW_OK);
  FUZZ_CHECK(paw_rtc_accept_offer(answerer, SESSION_NOW_NS, offer, offer_len, answer,
                                  &answer_len) == PAW_OK);
  FUZZ_CHECK(paw_rtc_accept_answer(offerer, SESSION_NOW_NS, answer, answer_len) == PAW_OK);
}

static void write_own(const struct paw_rtc *rtc, char *fragment) {
  size_t len = TEXT_ROOM;
  FUZZ_CHECK(paw_rtc_write_ice_fragment(rtc, fragment, &len) == PAW_OK);
  FUZZ_CHECK(strlen(fragment) == len);
}

/* Only a restart renews our credentials. */
static void try_door(struct paw_rtc *rtc, const char *text, size_t len) {
  static char before[TEXT_ROOM];
  static char after[TEXT_ROOM];
  bool restarted = false;
  write_own(rtc, before);
  int status = paw_rtc_accept_ice_fragment(rtc, SESSION_NOW_NS, text, len, &restarted);
  FUZZ_CHECK(status == PAW_OK || status == PAW_ERR_MALFORMED);
  FUZZ_CHECK(status == PAW_OK || !restarted);
  write_own(rtc, after);
  FUZZ_CHECK(restarted == (strcmp(before, after) != 0));
  session_drain(rtc, SESSION_NOW_NS, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  try_codec(text, size);
  struct kit_rng rngs[2];
  struct paw_rtc *offerer = session_new(&rngs[0], 2, PAW_ICE_FULL);
  struct paw_rtc *answerer = session_new(&rngs[1], 3, PAW_ICE_LITE);
  connect_pair(offerer, answerer);
  try_door(size % 2 == 0 ? offerer : answerer, text, size);
  paw_rtc_free(offerer);
  paw_rtc_free(answerer);
  return 0;
}
