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

/* RFC 8445 section 6.1.1: checks of the answerer, which come before its answer, meet the role that
 * this side will have. */
static void who_offers_controls_before_the_answer(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 6);
  struct kit_pair *pair = kit_pair_new(&config);
  size_t len = sizeof pair->offer;
  assert_int_equal(paw_rtc_create_offer(pair->peers[0].rtc, pair->offer, &len), PAW_OK);
  len = sizeof pair->answer;
  assert_int_equal(paw_rtc_accept_offer(pair->peers[1].rtc, pair->clock.now_ns, pair->offer,
                                        strlen(pair->offer), pair->answer, &len),
                   PAW_OK);
  kit_peer_drain(&pair->peers[1], pair->clock.now_ns);
  kit_pair_run_ms(pair, 30);
  assert_true(kit_pair_get_stats(pair, 0).ice.requests_received > 0);
  assert_int_equal(paw_rtc_accept_answer(pair->peers[0].rtc, pair->clock.now_ns, pair->answer,
                                         strlen(pair->answer)),
                   PAW_OK);
  kit_peer_drain(&pair->peers[0], pair->clock.now_ns);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 200));
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(kit_pair_get_stats(pair, i).ice.role_conflicts, 0);
  }
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_round_trip_is_the_networks),
      cmocka_unit_test(who_offers_controls_before_the_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
