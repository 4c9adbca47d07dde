/* SPDX-License-Identifier: MIT */
/* Descriptions that cross: both sides offer at once, answers come to offers that were rolled back
 * (RFC 9429 section 4.1.10.2), and what was written before an ICE restart arrives after it. Each
 * case runs until consent (RFC 7675, 30 s) would have run out if the two ends disagreed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kit/pair.h"

struct text {
  char sdp[KIT_SDP_MAX];
  size_t len;
};

static struct text offers[2];
static struct text answers[2];

static struct kit_pair *talking_pair(uint64_t seed) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_peer_talk(&pair->peers[1], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 500);
  return pair;
}

static void check_nobody_noticed(struct kit_pair *pair) {
  kit_pair_run_ms(pair, 40000);
  for (size_t i = 0; i < 2; i++) {
    struct paw_rtc_stats stats = kit_pair_get_stats(pair, i);
    assert_int_equal(stats.packets_lost, 0);
    assert_in_range(stats.packets_received, pair->peers[1 - i].talker.sent - 2,
                    pair->peers[1 - i].talker.sent);
    assert_int_equal(stats.drops[PAW_DROP_UNKNOWN_PATH], 0);
    assert_int_equal(stats.ice_state, PAW_ICE_STATE_CONNECTED);
    assert_int_equal(pair->peers[i].seen.closed_ns, 0);
    assert_int_equal(pair->peers[i].seen.events[PAW_RTC_EVENT_DEGRADED], 0);
  }
  kit_pair_free(pair);
}

/* The peer `who` writes an offer. */
static void offer(struct kit_pair *pair, size_t who) {
  offers[who].len = sizeof offers[who].sdp;
  assert_int_equal(paw_rtc_create_offer(pair->peers[who].rtc, offers[who].sdp, &offers[who].len),
                   PAW_OK);
}

/* The peer `who` gets the other's offer, and writes its answer. */
static int get_offer(struct kit_pair *pair, size_t who) {
  answers[who].len = sizeof answers[who].sdp;
  int status = paw_rtc_accept_offer(pair->peers[who].rtc, pair->clock.now_ns, offers[1 - who].sdp,
                                    offers[1 - who].len, answers[who].sdp, &answers[who].len);
  kit_peer_drain(&pair->peers[who], pair->clock.now_ns);
  return status;
}

/* The peer `who` gets the other's answer. */
static int get_answer(struct kit_pair *pair, size_t who) {
  int status = paw_rtc_accept_answer(pair->peers[who].rtc, pair->clock.now_ns, answers[1 - who].sdp,
                                     answers[1 - who].len);
  kit_peer_drain(&pair->peers[who], pair->clock.now_ns);
  return status;
}

static void restart(struct kit_pair *pair, size_t who) {
  assert_int_equal(paw_rtc_ice_restart(pair->peers[who].rtc, pair->clock.now_ns), PAW_OK);
  kit_peer_drain(&pair->peers[who], pair->clock.now_ns);
}

static void two_offers_at_once(void **state) {
  (void)state;
  for (size_t polite = 0; polite < 2; polite++) {
    struct kit_pair *pair = talking_pair(201 + polite);
    offer(pair, 0);
    offer(pair, 1);
    kit_pair_run_ms(pair, 20);
    assert_int_equal(get_offer(pair, 0), PAW_ERR_STATE);
    assert_int_equal(get_offer(pair, 1), PAW_ERR_STATE);
    assert_int_equal(paw_rtc_rollback(pair->peers[polite].rtc), PAW_OK);
    assert_int_equal(get_offer(pair, polite), PAW_OK);
    kit_pair_run_ms(pair, 20);
    assert_int_equal(get_answer(pair, 1 - polite), PAW_OK);
    kit_pair_renegotiate(pair, polite, 20); /* what it wanted to say itself */
    check_nobody_noticed(pair);
  }
}

/* The offer was rolled back while its answer was under way. */
static void an_answer_to_what_was_taken_back(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(211);
  offer(pair, 0);
  assert_int_equal(get_offer(pair, 1), PAW_OK);
  assert_int_equal(paw_rtc_rollback(pair->peers[0].rtc), PAW_OK);
  kit_pair_run_ms(pair, 20);
  assert_int_equal(get_answer(pair, 0), PAW_ERR_STATE);
  kit_pair_renegotiate(pair, 1, 20);
  assert_int_equal(get_answer(pair, 0), PAW_ERR_STATE); /* nor later, nor twice */
  check_nobody_noticed(pair);
}

/* An answer is taken once. */
static void the_same_answer_twice(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(212);
  offer(pair, 1);
  assert_int_equal(get_offer(pair, 0), PAW_OK);
  assert_int_equal(get_answer(pair, 1), PAW_OK);
  assert_int_equal(get_answer(pair, 1), PAW_ERR_STATE);
  check_nobody_noticed(pair);
}

/* ---- with ICE restarts ---- */

/* One side restarts and offers, the other offers without knowing. The restart cannot be taken back:
 * the other one's offer has to give way. */
static void an_offer_that_crosses_a_restart(void **state) {
  (void)state;
  for (size_t who = 0; who < 2; who++) {
    struct kit_pair *pair = talking_pair(221 + who);
    restart(pair, who);
    offer(pair, who);
    offer(pair, 1 - who);
    kit_pair_run_ms(pair, 20);
    assert_int_equal(paw_rtc_rollback(pair->peers[who].rtc), PAW_OK);
    assert_int_equal(get_offer(pair, who), PAW_ERR_STATE);
    assert_int_equal(paw_rtc_rollback(pair->peers[1 - who].rtc), PAW_OK);
    kit_pair_renegotiate(pair, who, 20);
    check_nobody_noticed(pair);
  }
}

static void two_restarts_that_cross(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(231);
  restart(pair, 0);
  offer(pair, 0);
  restart(pair, 1);
  offer(pair, 1);
  kit_pair_run_ms(pair, 20);
  assert_int_equal(paw_rtc_rollback(pair->peers[1].rtc), PAW_OK);
  assert_int_equal(get_offer(pair, 1), PAW_OK);
  kit_pair_run_ms(pair, 20);
  assert_int_equal(get_answer(pair, 0), PAW_OK);
  check_nobody_noticed(pair);
}

/* The answer to an offer from before the restart has credentials of before. */
static void an_answer_from_before_the_restart(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(241);
  offer(pair, 0);
  assert_int_equal(get_offer(pair, 1), PAW_OK);
  struct text stale = answers[1];
  assert_int_equal(paw_rtc_ice_restart(pair->peers[0].rtc, pair->clock.now_ns), PAW_ERR_STATE);
  assert_int_equal(paw_rtc_rollback(pair->peers[0].rtc), PAW_OK);
  restart(pair, 0);
  offer(pair, 0);
  kit_pair_run_ms(pair, 20);
  assert_int_equal(get_answer(pair, 0), PAW_ERR_STATE);
  assert_int_equal(get_offer(pair, 1), PAW_OK);
  kit_pair_run_ms(pair, 20);
  assert_int_equal(get_answer(pair, 0), PAW_OK);
  answers[1] = stale;
  assert_int_equal(get_answer(pair, 0), PAW_ERR_STATE);
  check_nobody_noticed(pair);
}

/* RFC 8839 section 4.4.1.1.1: an answer does not restart what its offer did not. */
static void an_answer_with_other_credentials(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(251);
  offer(pair, 0);
  assert_int_equal(get_offer(pair, 1), PAW_OK);
  char *ufrag = strstr(answers[1].sdp, "a=ice-ufrag:");
  assert_non_null(ufrag);
  struct text good = answers[1];
  ufrag[12] = ufrag[12] == 'a' ? 'b' : 'a';
  assert_int_equal(get_answer(pair, 0), PAW_ERR_MALFORMED);
  answers[1] = good;
  assert_int_equal(get_answer(pair, 0), PAW_OK);
  check_nobody_noticed(pair);
}

/* A candidate that trickled before the peer heard of the restart. */
static void a_fragment_from_before_the_restart(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(261);
  struct text fragments[3];
  bool restarted = true;
  uint64_t now_ns = pair->clock.now_ns;
  for (size_t i = 0; i < 3; i++) {
    fragments[i].len = sizeof fragments[i].sdp;
  }
  assert_int_equal(
      paw_rtc_write_ice_fragment(pair->peers[1].rtc, fragments[0].sdp, &fragments[0].len), PAW_OK);
  restart(pair, 0);
  assert_int_equal(
      paw_rtc_write_ice_fragment(pair->peers[0].rtc, fragments[1].sdp, &fragments[1].len), PAW_OK);
  assert_int_equal(paw_rtc_accept_ice_fragment(pair->peers[0].rtc, now_ns, fragments[0].sdp,
                                               fragments[0].len, &restarted),
                   PAW_OK);
  assert_false(restarted);
  assert_int_equal(paw_rtc_accept_ice_fragment(pair->peers[1].rtc, now_ns, fragments[1].sdp,
                                               fragments[1].len, &restarted),
                   PAW_OK);
  assert_true(restarted);
  assert_int_equal(
      paw_rtc_write_ice_fragment(pair->peers[1].rtc, fragments[2].sdp, &fragments[2].len), PAW_OK);
  assert_int_equal(paw_rtc_accept_ice_fragment(pair->peers[0].rtc, now_ns, fragments[2].sdp,
                                               fragments[2].len, &restarted),
                   PAW_OK);
  assert_false(restarted); /* it is the peer's part of the restart, not another one */
  kit_peer_drain(&pair->peers[0], now_ns);
  kit_peer_drain(&pair->peers[1], now_ns);
  check_nobody_noticed(pair);
}

/* A restart by fragment while an own offer is pending, whose credentials it would take back. */
static void a_fragment_that_restarts_during_an_offer(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(271);
  struct text fragment = {.len = sizeof fragment.sdp};
  uint64_t now_ns = pair->clock.now_ns;
  restart(pair, 1);
  assert_int_equal(paw_rtc_write_ice_fragment(pair->peers[1].rtc, fragment.sdp, &fragment.len),
                   PAW_OK);
  offer(pair, 0);
  assert_int_equal(
      paw_rtc_accept_ice_fragment(pair->peers[0].rtc, now_ns, fragment.sdp, fragment.len, NULL),
      PAW_ERR_STATE);
  assert_int_equal(paw_rtc_rollback(pair->peers[0].rtc), PAW_OK);
  kit_pair_renegotiate(pair, 1, 20);
  check_nobody_noticed(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_offers_at_once),
      cmocka_unit_test(an_answer_to_what_was_taken_back),
      cmocka_unit_test(the_same_answer_twice),
      cmocka_unit_test(an_offer_that_crosses_a_restart),
      cmocka_unit_test(two_restarts_that_cross),
      cmocka_unit_test(an_answer_from_before_the_restart),
      cmocka_unit_test(an_answer_with_other_credentials),
      cmocka_unit_test(a_fragment_from_before_the_restart),
      cmocka_unit_test(a_fragment_that_restarts_during_an_offer),
  };
  return cmocka_run_group_tests_name("glare", tests, NULL, NULL);
}
