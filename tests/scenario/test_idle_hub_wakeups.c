/* SPDX-License-Identifier: MIT */
/* Many peers without media: the hub is woken up for what RFC 7675 and RFC 3550 demand, and no more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/crowd.h"

#define PEERS 200
#define SECONDS 60

/* However many there are, they are looked at together (PAW_LAX_IDLE_NS). */
#define PER_SECOND_MAX 11

/* Datagrams a peer. A silent one is checked every 5 s (RFC 7675 section 5.1), and gets a report
 * with every first or second check. The checks of a full peer are answered besides. */
#define LITE_PER_MINUTE 21
#define FULL_PER_MINUTE 34

static void wake_ups_are_bounded(enum paw_ice_mode peer_mode, uint64_t per_minute) {
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 21, PEERS);
  config.peer_rtc.ice_mode = peer_mode;
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 2000));
  kit_crowd_run_ms(crowd, 10000);

  struct paw_hub_stats before;
  struct paw_hub_stats after;
  paw_hub_get_stats(crowd->hub, &before);
  uint64_t timeouts_before = crowd->hub_timeouts;
  kit_crowd_run_ms(crowd, SECONDS * 1000);
  paw_hub_get_stats(crowd->hub, &after);

  uint64_t wake_ups = after.wake_ups - before.wake_ups;
  assert_in_range(wake_ups, 1, PER_SECOND_MAX * SECONDS);
  uint64_t sent = after.datagrams_sent - before.datagrams_sent;
  assert_in_range(sent, 1, PEERS * per_minute * SECONDS / 60);
  assert_int_equal(crowd->hub_timeouts - timeouts_before, wake_ups);
  assert_true(kit_crowd_all_connected(crowd));
  for (size_t i = 0; i < PEERS; i++) {
    assert_int_equal(crowd->members[i].hub.closed_ns, 0);
    assert_int_equal(crowd->members[i].peer.seen.closed_ns, 0);
  }
  kit_crowd_free(crowd);
}

static void lite_peers(void **state) {
  (void)state;
  wake_ups_are_bounded(PAW_ICE_LITE, LITE_PER_MINUTE);
}

static void full_peers(void **state) {
  (void)state;
  wake_ups_are_bounded(PAW_ICE_FULL, FULL_PER_MINUTE);
}

/* Peers that vanished are given up, and then cost nothing. */
static void vanished_peers_cost_nothing(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 22, 10);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 1000));
  for (size_t i = 0; i < 10; i++) {
    kit_crowd_vanish(crowd, i);
  }
  kit_crowd_run_ms(crowd, 40000);
  for (size_t i = 0; i < 10; i++) {
    assert_true(crowd->members[i].hub.closed_ns > 0);
    assert_int_equal(crowd->members[i].hub.reason, PAW_CLOSE_CONSENT);
  }
  assert_int_equal(crowd->hub_deadline_ns, PAW_TIME_NEVER);
  uint64_t sent = kit_net_sum(crowd->net).sent;
  kit_crowd_run_ms(crowd, 40000);
  assert_int_equal(kit_net_sum(crowd->net).sent, sent);
  kit_crowd_free(crowd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lite_peers),
      cmocka_unit_test(full_peers),
      cmocka_unit_test(vanished_peers_cost_nothing),
  };
  return cmocka_run_group_tests_name("idle_hub_wakeups", tests, NULL, NULL);
}
