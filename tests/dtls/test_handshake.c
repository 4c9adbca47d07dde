/* SPDX-License-Identifier: MIT */
/* Two of our endpoints shake hands: loss, order, wrong certificates, timeouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dtls/pair.h"

static void connects_at_once(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, &(struct kit_link_config){.delay_ns = 5 * PAW_NS_PER_MS});
  pair_start(&pair);
  pair_run(&pair, 25);
  pair_expect_connected(&pair);
  paw_dtls_note_peer_complete(pair.ends[PAIR_SERVER].dtls); /* media came */
  pair_run(&pair, 1000);
  /* Two round trips, and not one datagram more than needed: 1 + 1 + 1 + 1. */
  assert_int_equal(pair.ends[PAIR_SERVER].connected_ns - KIT_CLOCK_ORIGIN_NS, 15 * PAW_NS_PER_MS);
  assert_int_equal(pair.ends[PAIR_CLIENT].connected_ns - KIT_CLOCK_ORIGIN_NS, 20 * PAW_NS_PER_MS);
  assert_int_equal(pair.ends[0].sent + pair.ends[1].sent, 4);
  struct paw_dtls_stats stats;
  paw_dtls_get_stats(pair.ends[PAIR_CLIENT].dtls, &stats);
  assert_int_equal(stats.datagrams_sent, 2);
  assert_int_equal(stats.datagrams_received, 2);
  assert_int_equal(stats.retransmissions, 0);
  assert_int_equal(stats.dropped, 0);
  pair_wipe(&pair);
}

static void connect_with_loss(double loss, uint64_t seed, uint64_t limit_ms) {
  struct pair pair;
  const struct kit_link_config link = {
      .delay_ns = 2 * PAW_NS_PER_MS,
      .jitter_ns = 3 * PAW_NS_PER_MS,
      .loss = loss,
      .duplicate = loss / 2,
      .reorder = loss / 2,
      .reorder_ns = 10 * PAW_NS_PER_MS,
  };
  pair_init(&pair, seed, &link);
  pair_start(&pair);
  pair_run(&pair, limit_ms);
  pair_expect_connected(&pair);
  pair_wipe(&pair);
}

static void at_5_percent(uint64_t seed, void *context) {
  (void)context;
  connect_with_loss(0.05, seed, 1000);
}

static void at_20_percent(uint64_t seed, void *context) {
  (void)context;
  connect_with_loss(0.20, seed, 5000);
}

static void at_50_percent(uint64_t seed, void *context) {
  (void)context;
  connect_with_loss(0.50, seed, 30000);
}

static void connects_with_loss(void **state) {
  (void)state;
  kit_seeds_run(at_5_percent, NULL, 20);
  kit_seeds_run(at_20_percent, NULL, 20);
  kit_seeds_run(at_50_percent, NULL, 20);
}

static void wrong_fingerprint(unsigned wrong_end) {
  struct pair pair;
  pair_init(&pair, 3, &(struct kit_link_config){.delay_ns = PAW_NS_PER_MS});
  pair.ends[wrong_end].expected.value[31] ^= 1;
  pair_start(&pair);
  pair_run(&pair, 40000);
  assert_int_equal(pair.ends[wrong_end].reason, PAW_DTLS_REASON_FINGERPRINT);
  assert_int_equal(pair.ends[1 - wrong_end].reason, PAW_DTLS_REASON_ALERT);
  for (unsigned i = 0; i < 2; i++) {
    pair_expect_no_keys(&pair, i);
    assert_int_equal(pair.ends[i].closed, 1);
    assert_int_equal(paw_dtls_get_state(pair.ends[i].dtls), PAW_DTLS_STATE_CLOSED);
  }
  pair_wipe(&pair);
}

static void wrong_fingerprint_of_the_server(void **state) {
  (void)state;
  wrong_fingerprint(PAIR_CLIENT);
}

static void wrong_fingerprint_of_the_client(void **state) {
  (void)state;
  wrong_fingerprint(PAIR_SERVER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(connects_at_once),
      cmocka_unit_test(connects_with_loss),
      cmocka_unit_test(wrong_fingerprint_of_the_server),
      cmocka_unit_test(wrong_fingerprint_of_the_client),
  };
  return cmocka_run_group_tests_name("dtls_handshake", tests, NULL, NULL);
}
