/* SPDX-License-Identifier: MIT */
/* Both ends have IPv6 and IPv4 (RFC 8421): IPv6 is taken where it works, and IPv4 without delay
 * where it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kit/pair.h"

static const char *const first[] = {"192.0.2.1:10001", "[2001:db8::1]:10001", NULL};
static const char *const second[] = {"192.0.2.2:10002", "[2001:db8::2]:10002", NULL};

static struct kit_pair *make(enum paw_ice_mode first_mode, enum paw_ice_mode second_mode) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, 3);
  config.addresses[0] = first;
  config.addresses[1] = second;
  config.rtc[0].ice_mode = first_mode;
  config.rtc[1].ice_mode = second_mode;
  return kit_pair_new(&config);
}

static void connect_and_talk(struct kit_pair *pair, uint64_t budget_ms) {
  kit_pair_negotiate(pair);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, budget_ms));
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_peer_talk(&pair->peers[1], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 1000);
}

static void assert_on(const struct kit_pair *pair, size_t address) {
  for (size_t i = 0; i < 2; i++) {
    const struct kit_peer *here = &pair->peers[i];
    const struct kit_peer *there = &pair->peers[1 - i];
    assert_true(paw_address_equal(&here->seen.pair_local, &here->addresses[address]));
    assert_true(paw_address_equal(&here->seen.pair_remote, &there->addresses[address]));
    assert_in_range(kit_pair_get_stats(pair, i).packets_received, 95, 101);
    assert_int_equal(kit_pair_get_stats(pair, i).packets_lost, 0);
  }
  assert_int_equal(pair->unclaimed, 0);
}

static void every_mode(void (*body)(enum paw_ice_mode, enum paw_ice_mode)) {
  body(PAW_ICE_FULL, PAW_ICE_FULL);
  body(PAW_ICE_FULL, PAW_ICE_LITE);
  body(PAW_ICE_LITE, PAW_ICE_FULL);
}

static void prefer_ipv6(enum paw_ice_mode first_mode, enum paw_ice_mode second_mode) {
  struct kit_pair *pair = make(first_mode, second_mode);
  connect_and_talk(pair, 20);
  const char *ipv6 = strstr(pair->offer, " 2001:db8::1 10001 typ host");
  const char *ipv4 = strstr(pair->offer, " 192.0.2.1 10001 typ host");
  assert_non_null(ipv6);
  assert_non_null(ipv4);
  assert_true(ipv6 < ipv4);
  assert_on(pair, 1);
  kit_pair_free(pair);
}

static void ipv6_is_preferred(void **state) {
  (void)state;
  every_mode(prefer_ipv6);
}

static bool is_ipv4(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  (void)user_data;
  (void)now_ns;
  return datagram->to.family == PAW_FAMILY_IPV4;
}

static void fall_back(enum paw_ice_mode first_mode, enum paw_ice_mode second_mode) {
  struct kit_pair *pair = make(first_mode, second_mode);
  kit_net_set_filter(pair->net, is_ipv4, NULL);
  connect_and_talk(pair, 30);
  assert_on(pair, 0);
  kit_pair_free(pair);
}

static void ipv4_does_not_wait_for_dead_ipv6(void **state) {
  (void)state;
  every_mode(fall_back);
}

/* The family in use dies in the middle of the talk: with both of its ends known to each other, the
 * other one takes over without signalling. */
static void the_other_family_takes_over(void **state) {
  (void)state;
  struct kit_pair *pair = make(PAW_ICE_FULL, PAW_ICE_FULL);
  connect_and_talk(pair, 20);
  assert_on(pair, 1);
  for (size_t i = 0; i < 2; i++) {
    struct kit_peer *peer = &pair->peers[i];
    assert_int_equal(paw_rtc_remove_local_candidate(peer->rtc, &peer->addresses[1]), PAW_OK);
    kit_peer_drain(peer, pair->clock.now_ns);
  }
  kit_pair_run_ms(pair, 100);
  for (size_t i = 0; i < 2; i++) {
    assert_true(paw_address_equal(&pair->peers[i].seen.pair_local, &pair->peers[i].addresses[0]));
    assert_int_equal(pair->peers[i].seen.ice_state, PAW_ICE_STATE_CONNECTED);
  }
  uint64_t before = kit_pair_get_stats(pair, 1).packets_received;
  kit_pair_run_ms(pair, 1000);
  assert_in_range(kit_pair_get_stats(pair, 1).packets_received - before, 99, 101);
  kit_pair_free(pair);
}

/* Addresses of one link only, whose scope no description tells. */
static void link_local_only(void **state) {
  (void)state;
  static const char *const link_local[2][2] = {{"[fe80::1%2]:10001", NULL},
                                               {"[fe80::2%3]:10002", NULL}};
  struct kit_pair_config config;
  kit_pair_config_init(&config, 5);
  config.addresses[0] = link_local[0];
  config.addresses[1] = link_local[1];
  struct kit_pair *pair = kit_pair_new(&config);
  connect_and_talk(pair, 20);
  assert_on(pair, 0);
  assert_null(strchr(pair->offer, '%'));
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ipv6_is_preferred),
      cmocka_unit_test(ipv4_does_not_wait_for_dead_ipv6),
      cmocka_unit_test(the_other_family_takes_over),
      cmocka_unit_test(link_local_only),
  };
  return cmocka_run_group_tests_name("dual_stack", tests, NULL, NULL);
}
