/* SPDX-License-Identifier: MIT */
/* An ICE restart (RFC 8445 section 9) by fragments, as WHEP's PATCH carries them, or by a new offer
 * and answer: media goes on by the old path until a new one is nominated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kit/pair.h"

static struct kit_pair *talking_pair(uint64_t seed) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_peer_talk(&pair->peers[1], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 1000);
  return pair;
}

/* The fragment of one side goes to the other; was it a restart there? */
static bool exchange_fragment(struct kit_pair *pair, size_t from) {
  char fragment[4096];
  size_t len = sizeof fragment;
  bool restarted = false;
  assert_int_equal(paw_rtc_write_ice_fragment(pair->peers[from].rtc, fragment, &len), PAW_OK);
  assert_int_equal(paw_rtc_accept_ice_fragment(pair->peers[1 - from].rtc, pair->clock.now_ns,
                                               fragment, len, &restarted),
                   PAW_OK);
  kit_peer_drain(&pair->peers[0], pair->clock.now_ns);
  kit_peer_drain(&pair->peers[1], pair->clock.now_ns);
  return restarted;
}

static void restart_by_fragments(struct kit_pair *pair, size_t who) {
  assert_int_equal(paw_rtc_ice_restart(pair->peers[who].rtc, pair->clock.now_ns), PAW_OK);
  assert_true(exchange_fragment(pair, who));
  assert_false(exchange_fragment(pair, 1 - who));
}

static void restart_by_offer(struct kit_pair *pair, size_t who) {
  char offer[KIT_SDP_MAX];
  char answer[KIT_SDP_MAX];
  size_t offer_len = sizeof offer;
  size_t answer_len = sizeof answer;
  struct paw_rtc *offerer = pair->peers[who].rtc;
  struct paw_rtc *answerer = pair->peers[1 - who].rtc;
  assert_int_equal(paw_rtc_ice_restart(offerer, pair->clock.now_ns), PAW_OK);
  assert_int_equal(paw_rtc_create_offer(offerer, offer, &offer_len), PAW_OK);
  assert_int_equal(
      paw_rtc_accept_offer(answerer, pair->clock.now_ns, offer, offer_len, answer, &answer_len),
      PAW_OK);
  assert_int_equal(paw_rtc_accept_answer(offerer, pair->clock.now_ns, answer, answer_len), PAW_OK);
  kit_peer_drain(&pair->peers[0], pair->clock.now_ns);
  kit_peer_drain(&pair->peers[1], pair->clock.now_ns);
}

/* The same without SDP. */
static void restart_by_description(struct kit_pair *pair, size_t who) {
  struct paw_description offer;
  struct paw_description answer;
  struct paw_rtc *offerer = pair->peers[who].rtc;
  struct paw_rtc *answerer = pair->peers[1 - who].rtc;
  assert_int_equal(paw_rtc_ice_restart(offerer, pair->clock.now_ns), PAW_OK);
  assert_int_equal(paw_rtc_direct_offer(offerer, &offer), PAW_OK);
  assert_int_equal(paw_rtc_direct_accept_offer(answerer, pair->clock.now_ns, &offer, &answer),
                   PAW_OK);
  assert_int_equal(paw_rtc_direct_accept_answer(offerer, pair->clock.now_ns, &answer), PAW_OK);
  kit_peer_drain(&pair->peers[0], pair->clock.now_ns);
  kit_peer_drain(&pair->peers[1], pair->clock.now_ns);
}

/* Every frame that one side sends arrives, and none arrives late. */
static void check_no_gap(struct kit_pair *pair) {
  for (size_t i = 0; i < 2; i++) {
    struct paw_rtc_stats stats = kit_pair_get_stats(pair, i);
    assert_int_equal(stats.packets_lost, 0);
    assert_in_range(stats.packets_received, pair->peers[1 - i].talker.sent - 2,
                    pair->peers[1 - i].talker.sent);
    assert_int_equal(pair->peers[i].seen.events[PAW_RTC_EVENT_DEGRADED], 0);
    assert_int_equal(stats.ice_state, PAW_ICE_STATE_CONNECTED);
    assert_int_equal(stats.drops[PAW_DROP_UNKNOWN_PATH], 0);
  }
}

static void media_flows_through_a_restart_by_fragments(void **state) {
  (void)state;
  for (size_t who = 0; who < 2; who++) {
    struct kit_pair *pair = talking_pair(11 + who);
    uint64_t selections = pair->peers[who].seen.events[PAW_RTC_EVENT_SELECTED_PAIR];
    restart_by_fragments(pair, who);
    kit_pair_run_ms(pair, 2000);
    check_no_gap(pair);
    assert_true(pair->peers[who].seen.events[PAW_RTC_EVENT_SELECTED_PAIR] > selections);
    kit_pair_free(pair);
  }
}

static void media_flows_through_a_restart_by_offer(void **state) {
  (void)state;
  for (size_t who = 0; who < 2; who++) {
    struct kit_pair *pair = talking_pair(21 + who);
    restart_by_offer(pair, who);
    kit_pair_run_ms(pair, 2000);
    check_no_gap(pair);
    kit_pair_free(pair);
  }
}

static void media_flows_through_a_restart_by_description(void **state) {
  (void)state;
  for (size_t who = 0; who < 2; who++) {
    struct kit_pair *pair = talking_pair(25 + who);
    uint64_t selections = pair->peers[who].seen.events[PAW_RTC_EVENT_SELECTED_PAIR];
    restart_by_description(pair, who);
    kit_pair_run_ms(pair, 2000);
    check_no_gap(pair);
    assert_true(pair->peers[who].seen.events[PAW_RTC_EVENT_SELECTED_PAIR] > selections);
    kit_pair_free(pair);
  }
}

/* A speaker roams: its address is another one, and a restart tells it. The sound is back with the
 * first round trips on the new path. */
static void media_moves_to_a_new_address(void **state) {
  (void)state;
  for (size_t who = 0; who < 2; who++) {
    struct kit_pair *pair = talking_pair(81 + who);
    struct kit_peer *roamer = &pair->peers[who];
    struct paw_candidate fresh = {.type = PAW_CANDIDATE_HOST};
    assert_int_equal(paw_address_parse("198.51.100.7:10007", &fresh.address), PAW_OK);
    assert_int_equal(paw_rtc_remove_local_candidate(roamer->rtc, &roamer->addresses[0]), PAW_OK);
    roamer->addresses[0] = fresh.address;
    assert_int_equal(paw_rtc_add_local_candidate(roamer->rtc, &fresh), PAW_OK);
    uint64_t before = kit_pair_get_stats(pair, 1 - who).packets_received;
    restart_by_fragments(pair, who);
    kit_pair_run_ms(pair, 60);
    for (size_t i = 0; i < 2; i++) {
      assert_true(pair->clock.now_ns - pair->peers[i].seen.last_audio_ns <= 12 * PAW_NS_PER_MS);
      assert_int_equal(pair->peers[i].seen.events[PAW_RTC_EVENT_DEGRADED], 0);
    }
    assert_true(paw_address_equal(&pair->peers[1 - who].seen.pair_remote, &fresh.address));
    assert_true(kit_pair_get_stats(pair, 1 - who).packets_received > before);
    kit_pair_free(pair);
  }
}

static bool lose_checks(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  const uint64_t *until_ns = user_data;
  return datagram->data[0] > 3 || now_ns >= *until_ns;
}

/* While no check of the new generation comes through, the old path carries on. */
static void the_old_path_is_kept_until_the_new_one_works(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(31);
  uint64_t until_ns = pair->clock.now_ns + 3 * PAW_NS_PER_S;
  kit_net_set_filter(pair->net, lose_checks, &until_ns);
  restart_by_fragments(pair, 0);
  kit_pair_run_ms(pair, 2900);
  assert_int_equal(kit_pair_get_stats(pair, 0).packets_lost, 0);
  assert_int_equal(kit_pair_get_stats(pair, 1).packets_lost, 0);
  kit_pair_run_ms(pair, 3000);
  check_no_gap(pair);
  kit_pair_free(pair);
}

static void two_restarts_at_once_settle(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(41);
  assert_int_equal(paw_rtc_ice_restart(pair->peers[0].rtc, pair->clock.now_ns), PAW_OK);
  assert_int_equal(paw_rtc_ice_restart(pair->peers[1].rtc, pair->clock.now_ns), PAW_OK);
  assert_false(exchange_fragment(pair, 0));
  assert_false(exchange_fragment(pair, 1));
  kit_pair_run_ms(pair, 2000);
  check_no_gap(pair);
  kit_pair_free(pair);
}

static void the_same_fragment_twice_restarts_once(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(51);
  assert_int_equal(paw_rtc_ice_restart(pair->peers[0].rtc, pair->clock.now_ns), PAW_OK);
  assert_true(exchange_fragment(pair, 0));
  assert_false(exchange_fragment(pair, 0));
  assert_false(exchange_fragment(pair, 1));
  kit_pair_run_ms(pair, 2000);
  check_no_gap(pair);
  kit_pair_free(pair);
}

static void a_bad_fragment_changes_nothing(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "a=ice-ufrag:x\r\na=ice-pwd:tooshort\r\n",
      "a=ice-ufrag:with space\r\na=ice-pwd:0123456789abcdef01234567\r\n",
  };
  struct kit_pair *pair = talking_pair(61);
  char before[4096];
  char after[4096];
  size_t before_len = sizeof before;
  size_t after_len = sizeof after;
  assert_int_equal(paw_rtc_write_ice_fragment(pair->peers[1].rtc, before, &before_len), PAW_OK);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    bool restarted = true;
    int status = paw_rtc_accept_ice_fragment(pair->peers[1].rtc, pair->clock.now_ns, bad[i],
                                             strlen(bad[i]), &restarted);
    assert_true(status == PAW_ERR_MALFORMED || (status == PAW_OK && !restarted));
  }
  assert_int_equal(paw_rtc_write_ice_fragment(pair->peers[1].rtc, after, &after_len), PAW_OK);
  assert_string_equal(after, before);
  kit_pair_run_ms(pair, 2000);
  check_no_gap(pair);
  kit_pair_free(pair);
}

/* The kernel takes an address away: its candidate is gone from what this side says, and once
 * another one is there, a restart by fragments brings the media back. */
static void an_address_that_is_gone_is_replaced(void **state) {
  (void)state;
  static const char *const two[] = {"10.0.0.1:4000", "10.0.0.3:4000", NULL};
  struct kit_pair_config config;
  kit_pair_config_init(&config, 81);
  config.addresses[1] = two;
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 1000);
  struct paw_address gone = kit_pair_get_stats(pair, 1).local;
  char text[PAW_ADDRESS_TEXT_SIZE];
  paw_address_format(&gone, text);
  *strrchr(text, ':') = '\0';
  char fragment[4096];
  size_t len = sizeof fragment;
  assert_int_equal(paw_rtc_write_ice_fragment(pair->peers[1].rtc, fragment, &len), PAW_OK);
  assert_non_null(strstr(fragment, text));
  assert_int_equal(paw_rtc_remove_local_candidate(pair->peers[1].rtc, &gone), PAW_OK);
  restart_by_fragments(pair, 1);
  len = sizeof fragment;
  assert_int_equal(paw_rtc_write_ice_fragment(pair->peers[1].rtc, fragment, &len), PAW_OK);
  assert_null(strstr(fragment, text));
  assert_non_null(strstr(fragment, "a=candidate"));
  uint64_t received = kit_pair_get_stats(pair, 1).packets_received;
  kit_pair_run_ms(pair, 1000);
  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 1);
  assert_false(paw_address_equal(&stats.local, &gone));
  assert_in_range(stats.packets_received, received + 80, received + 101);
  kit_pair_free(pair);
}

static void nothing_negotiated_nothing_restarted(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 71);
  struct kit_pair *pair = kit_pair_new(&config);
  char text[64] = "a=end-of-candidates\r\n";
  size_t len = sizeof text;
  assert_int_equal(paw_rtc_ice_restart(pair->peers[0].rtc, pair->clock.now_ns), PAW_ERR_STATE);
  assert_int_equal(paw_rtc_write_ice_fragment(pair->peers[0].rtc, text, &len), PAW_ERR_STATE);
  assert_int_equal(
      paw_rtc_accept_ice_fragment(pair->peers[0].rtc, pair->clock.now_ns, text, strlen(text), NULL),
      PAW_ERR_STATE);
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(media_flows_through_a_restart_by_fragments),
      cmocka_unit_test(media_flows_through_a_restart_by_offer),
      cmocka_unit_test(media_flows_through_a_restart_by_description),
      cmocka_unit_test(media_moves_to_a_new_address),
      cmocka_unit_test(the_old_path_is_kept_until_the_new_one_works),
      cmocka_unit_test(two_restarts_at_once_settle),
      cmocka_unit_test(the_same_fragment_twice_restarts_once),
      cmocka_unit_test(a_bad_fragment_changes_nothing),
      cmocka_unit_test(an_address_that_is_gone_is_replaced),
      cmocka_unit_test(nothing_negotiated_nothing_restarted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
