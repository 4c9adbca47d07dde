/* SPDX-License-Identifier: MIT */
/* Offers after the first (RFC 3264 section 8, RFC 9429 section 5.2.2), from either side, while
 * media flows: directions change, sections end and are used again, and no packet is lost by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kit/pair.h"
#include "rtc/rtc_private.h"

#define SIGNALLING_MS 20 /* that a description takes */

static void talk_as_agreed(struct kit_pair *pair) {
  for (size_t i = 0; i < 2; i++) {
    struct paw_media_info media;
    assert_int_equal(paw_rtc_get_media(pair->peers[i].rtc, &media), PAW_OK);
    bool sends = (media.direction & PAW_DIRECTION_SENDONLY) != 0;
    kit_peer_talk(&pair->peers[i], sends ? 480 : 0, pair->clock.now_ns);
  }
}

static void hush(struct kit_pair *pair) {
  kit_peer_talk(&pair->peers[0], 0, 0);
  kit_peer_talk(&pair->peers[1], 0, 0);
  kit_pair_run_ms(pair, 20);
}

static struct kit_pair *talking_pair(uint64_t seed) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  talk_as_agreed(pair);
  kit_pair_run_ms(pair, 1000);
  return pair;
}

static uint64_t heard(const struct kit_pair *pair, size_t who) {
  return pair->peers[who].seen.events[PAW_RTC_EVENT_AUDIO];
}

static enum paw_direction agreed(const struct kit_pair *pair, size_t who) {
  struct paw_media_info media;
  assert_int_equal(paw_rtc_get_media(pair->peers[who].rtc, &media), PAW_OK);
  return media.direction;
}

/* Nothing was dropped or missed on the way, whatever was agreed on. */
static void check_clean(const struct kit_pair *pair) {
  for (size_t i = 0; i < 2; i++) {
    struct paw_rtc_stats stats = kit_pair_get_stats(pair, i);
    for (size_t drop = 0; drop < PAW_DROP_COUNT; drop++) {
      assert_int_equal(stats.drops[drop], 0);
    }
    assert_int_equal(stats.packets_lost, 0);
    assert_int_equal(pair->peers[i].seen.closed_ns, 0);
    assert_int_equal(pair->peers[i].seen.events[PAW_RTC_EVENT_CONNECTED], 1);
  }
  assert_int_equal(pair->foreign, 0);
  assert_int_equal(pair->unclaimed, 0);
}

/* The peer `who` wants `direction`; what it then hears in a second, and what it sends. */
static void change_direction(struct kit_pair *pair, size_t who, enum paw_direction direction) {
  uint64_t changes[2];
  for (size_t i = 0; i < 2; i++) {
    changes[i] = pair->peers[i].seen.events[PAW_RTC_EVENT_MEDIA];
  }
  hush(pair);
  uint64_t degraded[2] = {pair->peers[0].seen.events[PAW_RTC_EVENT_DEGRADED],
                          pair->peers[1].seen.events[PAW_RTC_EVENT_DEGRADED]};
  assert_int_equal(paw_rtc_set_direction(pair->peers[who].rtc, direction), PAW_OK);
  kit_pair_renegotiate(pair, who, SIGNALLING_MS);
  assert_int_equal(agreed(pair, who), direction);
  talk_as_agreed(pair);
  uint64_t before[2] = {heard(pair, 0), heard(pair, 1)};
  kit_pair_run_ms(pair, 1000);
  bool receives = (direction & PAW_DIRECTION_RECVONLY) != 0;
  bool sends = (direction & PAW_DIRECTION_SENDONLY) != 0;
  assert_in_range(heard(pair, who) - before[who], receives ? 99 : 0, receives ? 101 : 0);
  assert_in_range(heard(pair, 1 - who) - before[1 - who], sends ? 99 : 0, sends ? 101 : 0);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(pair->peers[i].seen.events[PAW_RTC_EVENT_MEDIA], changes[i] + 1);
    /* a silence that was agreed on is no fault */
    assert_int_equal(pair->peers[i].seen.events[PAW_RTC_EVENT_DEGRADED], degraded[i]);
  }
}

static void directions_change_from_either_side(void **state) {
  (void)state;
  static const enum paw_direction directions[] = {
      PAW_DIRECTION_RECVONLY, PAW_DIRECTION_INACTIVE, PAW_DIRECTION_SENDONLY,
      PAW_DIRECTION_SENDRECV, PAW_DIRECTION_INACTIVE, PAW_DIRECTION_SENDRECV,
  };
  for (size_t who = 0; who < 2; who++) {
    struct kit_pair *pair = talking_pair(101 + who);
    for (size_t i = 0; i < sizeof directions / sizeof directions[0]; i++) {
      change_direction(pair, who, directions[i]);
    }
    hush(pair);
    check_clean(pair);
    kit_pair_free(pair);
  }
}

/* The answerer may want less than it is offered, and more again later. */
static void the_answerer_narrows_what_is_offered(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(103);
  hush(pair);
  assert_int_equal(paw_rtc_set_direction(pair->peers[1].rtc, PAW_DIRECTION_SENDONLY), PAW_OK);
  kit_pair_renegotiate(pair, 0, SIGNALLING_MS);
  assert_non_null(strstr(pair->answer, "\r\na=sendonly\r\n"));
  assert_int_equal(agreed(pair, 0), PAW_DIRECTION_RECVONLY);
  assert_int_equal(paw_rtc_set_direction(pair->peers[1].rtc, PAW_DIRECTION_SENDRECV), PAW_OK);
  kit_pair_renegotiate(pair, 0, SIGNALLING_MS);
  assert_int_equal(agreed(pair, 0), PAW_DIRECTION_SENDRECV);
  check_clean(pair);
  kit_pair_free(pair);
}

/* Offers that change nothing, from both sides in turn, are not heard. */
static void offering_again_interrupts_nothing(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(104);
  uint64_t before[2] = {heard(pair, 0), heard(pair, 1)};
  for (size_t i = 0; i < 10; i++) {
    kit_pair_renegotiate(pair, i % 2, SIGNALLING_MS);
    kit_pair_run_ms(pair, 60);
  }
  assert_in_range(heard(pair, 0) - before[0], 99, 101);
  assert_in_range(heard(pair, 1) - before[1], 99, 101);
  check_clean(pair);
  kit_pair_free(pair);
}

/* RFC 3264 section 5.1: the peer's media may be here before its answer is. */
static void media_may_come_before_the_answer(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 105);
  config.rtc[0].audio.direction = PAW_DIRECTION_SENDONLY;
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  assert_int_equal(paw_rtc_set_direction(pair->peers[0].rtc, PAW_DIRECTION_SENDRECV), PAW_OK);
  size_t len = sizeof pair->offer;
  assert_int_equal(paw_rtc_create_offer(pair->peers[0].rtc, pair->offer, &len), PAW_OK);
  size_t answer_len = sizeof pair->answer;
  assert_int_equal(paw_rtc_accept_offer(pair->peers[1].rtc, pair->clock.now_ns, pair->offer, len,
                                        pair->answer, &answer_len),
                   PAW_OK);
  kit_peer_talk(&pair->peers[1], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 500);
  assert_in_range(heard(pair, 0), 49, 51);
  assert_int_equal(
      paw_rtc_accept_answer(pair->peers[0].rtc, pair->clock.now_ns, pair->answer, answer_len),
      PAW_OK);
  kit_pair_run_ms(pair, 500);
  assert_in_range(heard(pair, 0), 99, 101);
  hush(pair);
  check_clean(pair);
  kit_pair_free(pair);
}

/* A datagram that only looks like RTP. */
static void forge_rtp(struct kit_pair *pair, size_t to) {
  static const uint8_t data[40] = {0x80, 111, 1};
  const struct kit_datagram datagram = {.from = pair->peers[1 - to].addresses[0],
                                        .to = pair->peers[to].addresses[0],
                                        .arrival_ns = pair->clock.now_ns,
                                        .data = data,
                                        .len = sizeof data};
  kit_peer_receive(&pair->peers[to], &datagram, pair->clock.now_ns);
}

/* A peer that goes on sending what was not agreed on is not heard, but followed: when it is, later,
 * its numbers are more than half a turn on, and nothing counts as lost. */
static void what_was_not_agreed_on_is_followed(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(109);
  struct paw_rtc *deaf = pair->peers[0].rtc;
  hush(pair);
  uint64_t before = heard(pair, 0);
  uint64_t degraded = pair->peers[0].seen.events[PAW_RTC_EVENT_DEGRADED];
  deaf->direction = PAW_DIRECTION_SENDONLY; /* and the other does not heed it */
  deaf->flow = PAW_RTC_FLOW_IDLE;
  for (size_t i = 0; i < 3; i++) {
    kit_peer_talk(&pair->peers[1], 480, pair->clock.now_ns);
    kit_pair_run_ms(pair, 95);
    hush(pair);
    pair->peers[1].rtc->send.base_sequence += 20000;
  }
  forge_rtp(pair, 0);
  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 0);
  assert_int_equal(heard(pair, 0), before);
  assert_int_equal(stats.packets_received, before);
  assert_int_equal(stats.drops[PAW_DROP_RTP_DIRECTION], 30);
  assert_int_equal(stats.drops[PAW_DROP_SRTP_AUTH], 1);
  kit_pair_run_ms(pair, 1000);
  assert_int_equal(pair->peers[0].seen.events[PAW_RTC_EVENT_DEGRADED], degraded);
  deaf->direction = PAW_DIRECTION_SENDRECV;
  kit_peer_talk(&pair->peers[1], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 500);
  stats = kit_pair_get_stats(pair, 0);
  assert_in_range(heard(pair, 0) - before, 49, 51);
  assert_int_equal(stats.drops[PAW_DROP_RTP_DIRECTION], 30);
  assert_int_equal(stats.drops[PAW_DROP_SRTP_AUTH], 1);
  assert_int_equal(stats.packets_lost, 0);
  kit_pair_free(pair);
}

/* ---- sections ---- */

/* What the offerer's description becomes on its way: other sections around the one that it has, as
 * a browser's would be. `index` says where its own one stands. */
struct disguise {
  const char *before; /* sections, or "" */
  const char *after;
  const char *mid;
  size_t index;
};

#define REJECTED(kind, mid)                                                                        \
  "m=" kind " 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:" mid "\r\n"

static void put_on(const struct disguise *disguise, char *offer, size_t size) {
  char mid_line[32] = "a=mid:";
  char group_line[48] = "a=group:BUNDLE ";
  char head[512] = "";
  strcat(mid_line, disguise->mid);
  strcat(group_line, disguise->mid);
  strcat(strcat(head, disguise->before), "m=audio ");
  kit_sdp_replace(offer, size, "a=mid:0", mid_line);
  kit_sdp_replace(offer, size, "a=group:BUNDLE 0", group_line);
  kit_sdp_replace(offer, size, "m=audio ", head);
  assert_true(strlen(offer) + strlen(disguise->after) < size);
  strcat(offer, disguise->after);
}

/* The answer's section `index` alone, called as the offerer calls it. */
static void take_off(const struct disguise *disguise, char *answer, size_t size) {
  char mid_line[32] = "a=mid:";
  strcat(mid_line, disguise->mid);
  char *first = strstr(answer, "m=");
  assert_non_null(first);
  char *own = first;
  for (size_t i = 0; i < disguise->index; i++) {
    own = strstr(own + 1, "\nm=");
    assert_non_null(own);
    own++;
  }
  char *next = strstr(own, "\nm=");
  if (next != NULL) {
    next[1] = '\0';
  }
  memmove(first, own, strlen(own) + 1);
  kit_sdp_replace(answer, size, mid_line, "a=mid:0");
}

static size_t count_of(const char *text, const char *wanted) {
  size_t count = 0;
  for (const char *at = strstr(text, wanted); at != NULL; at = strstr(at + 1, wanted)) {
    count++;
  }
  return count;
}

/* Offer in this disguise; the answer mirrors `sections`, of which one is alive and has the mid. */
static void offer_disguised(struct kit_pair *pair, const struct disguise *disguise,
                            size_t sections) {
  struct paw_media_info media;
  size_t len = sizeof pair->offer;
  assert_int_equal(paw_rtc_create_offer(pair->peers[0].rtc, pair->offer, &len), PAW_OK);
  put_on(disguise, pair->offer, sizeof pair->offer);
  len = sizeof pair->answer;
  assert_int_equal(paw_rtc_accept_offer(pair->peers[1].rtc, pair->clock.now_ns, pair->offer,
                                        strlen(pair->offer), pair->answer, &len),
                   PAW_OK);
  assert_int_equal(count_of(pair->answer, "\r\nm="), sections);
  assert_int_equal(count_of(pair->answer, " 0 UDP/TLS/RTP/SAVPF"), sections - 1);
  assert_int_equal(paw_rtc_get_media(pair->peers[1].rtc, &media), PAW_OK);
  assert_string_equal(media.mid, disguise->mid);
  take_off(disguise, pair->answer, sizeof pair->answer);
  assert_int_equal(paw_rtc_accept_answer(pair->peers[0].rtc, pair->clock.now_ns, pair->answer,
                                         strlen(pair->answer)),
                   PAW_OK);
  kit_peer_drain(&pair->peers[0], pair->clock.now_ns);
  kit_peer_drain(&pair->peers[1], pair->clock.now_ns);
  uint64_t before = heard(pair, 0);
  kit_pair_run_ms(pair, 1000);
  assert_in_range(heard(pair, 0) - before, 99, 101);
}

/* RFC 9429 section 5.2.2: a section that was stopped keeps its place with port 0, another one takes
 * over; later its place is used again under another mid. */
static void sections_end_and_are_used_again(void **state) {
  (void)state;
  static const struct disguise taken_over = {REJECTED("audio", "0"), "", "1", 1};
  static const struct disguise grown = {REJECTED("audio", "0"), REJECTED("video", "v"), "1", 1};
  static const struct disguise recycled = {"", REJECTED("audio", "1") REJECTED("video", "v"), "2",
                                           0};
  struct kit_pair *pair = talking_pair(106);
  offer_disguised(pair, &taken_over, 2);
  offer_disguised(pair, &grown, 3);
  offer_disguised(pair, &recycled, 3);
  check_clean(pair);
  kit_pair_free(pair);
}

/* While the section that carries the audio lives, one before it that would do as well is refused.
 */
static void the_audio_stays_in_its_section(void **state) {
  (void)state;
  static const struct disguise second = {REJECTED("audio", "x"), "", "1", 1};
  struct kit_pair *pair = talking_pair(107);
  offer_disguised(pair, &second, 2);
  size_t len = sizeof pair->offer;
  assert_int_equal(paw_rtc_create_offer(pair->peers[0].rtc, pair->offer, &len), PAW_OK);
  char section[4096] = "";
  strcat(section, strstr(pair->offer, "m=audio "));
  kit_sdp_replace(section, sizeof section, "a=mid:0", "a=mid:x");
  const struct disguise both = {section, "", "1", 1};
  char offer[KIT_SDP_MAX] = "";
  strcat(offer, pair->offer);
  kit_sdp_replace(offer, sizeof offer, "a=mid:0", "a=mid:1");
  kit_sdp_replace(offer, sizeof offer, "a=group:BUNDLE 0", "a=group:BUNDLE x 1");
  char *own = strstr(offer, "m=audio ");
  memmove(own + strlen(both.before), own, strlen(own) + 1);
  memcpy(own, both.before, strlen(both.before));
  len = sizeof pair->answer;
  assert_int_equal(paw_rtc_accept_offer(pair->peers[1].rtc, pair->clock.now_ns, offer,
                                        strlen(offer), pair->answer, &len),
                   PAW_OK);
  struct paw_media_info media;
  assert_int_equal(paw_rtc_get_media(pair->peers[1].rtc, &media), PAW_OK);
  assert_string_equal(media.mid, "1");
  assert_non_null(strstr(pair->answer, "\r\na=group:BUNDLE 1\r\n"));
  kit_pair_free(pair);
}

/* An offer in which all audio is stopped is refused, and the session stays as it was. */
static void an_offer_without_audio_is_refused(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(108);
  size_t len = sizeof pair->offer;
  assert_int_equal(paw_rtc_create_offer(pair->peers[0].rtc, pair->offer, &len), PAW_OK);
  kit_sdp_replace(pair->offer, sizeof pair->offer, "m=audio 10001 ", "m=audio 0 ");
  len = sizeof pair->answer;
  assert_int_equal(paw_rtc_accept_offer(pair->peers[1].rtc, pair->clock.now_ns, pair->offer,
                                        strlen(pair->offer), pair->answer, &len),
                   PAW_ERR_UNSUPPORTED);
  assert_int_equal(paw_rtc_rollback(pair->peers[0].rtc), PAW_OK);
  uint64_t before = heard(pair, 0);
  kit_pair_run_ms(pair, 1000);
  assert_in_range(heard(pair, 0) - before, 99, 101);
  check_clean(pair);
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(directions_change_from_either_side),
      cmocka_unit_test(the_answerer_narrows_what_is_offered),
      cmocka_unit_test(offering_again_interrupts_nothing),
      cmocka_unit_test(media_may_come_before_the_answer),
      cmocka_unit_test(what_was_not_agreed_on_is_followed),
      cmocka_unit_test(sections_end_and_are_used_again),
      cmocka_unit_test(the_audio_stays_in_its_section),
      cmocka_unit_test(an_offer_without_audio_is_refused),
  };
  return cmocka_run_group_tests_name("renegotiation", tests, NULL, NULL);
}
