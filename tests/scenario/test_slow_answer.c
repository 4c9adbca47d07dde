/* SPDX-License-Identifier: MIT */
/* Between offer and answer any time may pass: what happens then counts from then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kit/pair.h"

static void the_first_round_trip_is_the_networks(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 5);
  struct kit_pair *pair = kit_pair_new(&config);
  kit_pair_run_ms(pair, 3000); /* longer, and the check would be given up and made anew */
  kit_pair_negotiate(pair);
  uint64_t negotiated_ms = kit_pair_elapsed_ms(pair);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 200));
  assert_in_range(kit_pair_elapsed_ms(pair) - negotiated_ms, 8, 40);
  for (size_t i = 0; i < 2; i++) {
    struct paw_rtc_stats stats = kit_pair_get_stats(pair, i);
    assert_in_range(stats.rtt_ns, 4 * PAW_NS_PER_MS, 5 * PAW_NS_PER_MS); /* twice 2 ms */
    assert_int_equal(stats.ice.retransmissions_sent, 0);
  }
  kit_pair_free(pair);
}

/* The answer is on its way, and checks and DTLS of who gave it are faster. Checks are answered at
 * once (RFC 8445 section 7.3), DTLS is kept: when the answer comes, little is left to do. */
static void early_checks_are_answered(enum paw_ice_mode mode) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, 6);
  config.rtc[0].ice_mode = mode;
  struct kit_pair *pair = kit_pair_new(&config);
  size_t offer_len = sizeof pair->offer;
  size_t answer_len = sizeof pair->answer;
  assert_int_equal(paw_rtc_create_offer(pair->peers[0].rtc, pair->offer, &offer_len), PAW_OK);
  assert_int_equal(paw_rtc_accept_offer(pair->peers[1].rtc, pair->clock.now_ns, pair->offer,
                                        offer_len, pair->answer, &answer_len),
                   PAW_OK);
  kit_peer_drain(&pair->peers[1], pair->clock.now_ns);
  kit_pair_run_ms(pair, 400);
  assert_int_equal(pair->peers[1].seen.ice_state, PAW_ICE_STATE_CONNECTED);
  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 0);
  assert_true(stats.ice.requests_received > 0);
  assert_int_equal(stats.ice.responses_sent, stats.ice.requests_received);
  assert_int_equal(stats.ice.requests_sent, 0);
  assert_int_equal(stats.drops[PAW_DROP_UNKNOWN_PATH] + stats.drops[PAW_DROP_DTLS], 0);
  assert_int_equal(
      paw_rtc_accept_answer(pair->peers[0].rtc, pair->clock.now_ns, pair->answer, answer_len),
      PAW_OK);
  kit_peer_drain(&pair->peers[0], pair->clock.now_ns);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 20));
  /* RFC 8445 section 6.1.1: from its offer on the offerer had the role that it was to have. */
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(kit_pair_get_stats(pair, i).ice.role_conflicts, 0);
  }
  kit_pair_free(pair);
}

static void checks_before_the_answer_are_answered(void **state) {
  (void)state;
  early_checks_are_answered(PAW_ICE_FULL);
  early_checks_are_answered(PAW_ICE_LITE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_round_trip_is_the_networks),
      cmocka_unit_test(checks_before_the_answer_are_answered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
