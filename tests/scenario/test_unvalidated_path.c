/* SPDX-License-Identifier: MIT */
/* DTLS, RTP and RTCP from an address that no authenticated check has validated change nothing but
 * one counter, be they copies of the real ones or garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kit/pair.h"

/* Stands in the middle: everything but STUN that goes to its victim comes a second time from its
 * own address, ahead of the original, and what the victim sends to it is counted. */
struct attacker {
  struct kit_pair *pair;
  struct paw_address address;
  struct paw_address victim;
  uint64_t copies;
  uint64_t answers;
};

static bool attack(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct attacker *attacker = user_data;
  if (paw_address_equal(&datagram->to, &attacker->address)) {
    attacker->answers++;
    return false;
  }
  bool is_own = paw_address_equal(&datagram->from, &attacker->address);
  if (!is_own && paw_address_equal(&datagram->to, &attacker->victim) && datagram->data[0] > 3) {
    attacker->copies++;
    kit_net_send(attacker->pair->net, &attacker->address, &attacker->victim, datagram->data,
                 datagram->len, now_ns);
  }
  return true;
}

static struct kit_pair *attacked_pair(struct attacker *attacker, size_t victim) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, 41);
  struct kit_pair *pair = kit_pair_new(&config);
  *attacker = (struct attacker){.pair = pair, .victim = pair->peers[victim].addresses[0]};
  assert_int_equal(paw_address_parse("203.0.113.5:666", &attacker->address), PAW_OK);
  /* Its datagrams are a little faster than the real ones. */
  kit_net_get_link(pair->net, &attacker->address, &attacker->victim)->config.delay_ns =
      PAW_NS_PER_MS;
  kit_net_set_filter(pair->net, attack, attacker);
  return pair;
}

static void copies_are_only_counted(size_t victim) {
  struct attacker attacker;
  struct kit_pair *pair = attacked_pair(&attacker, victim);
  kit_pair_negotiate(pair);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 100));
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_peer_talk(&pair->peers[1], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 5000);
  kit_peer_talk(&pair->peers[0], 0, 0);
  kit_peer_talk(&pair->peers[1], 0, 0);
  kit_pair_run_ms(pair, 100);

  struct paw_rtc_stats stats = kit_pair_get_stats(pair, victim);
  assert_true(attacker.copies > 500);
  assert_int_equal(attacker.answers, 0);
  for (size_t drop = 0; drop < PAW_DROP_COUNT; drop++) {
    assert_int_equal(stats.drops[drop], drop == PAW_DROP_UNKNOWN_PATH ? attacker.copies : 0);
  }
  assert_int_equal(stats.packets_received, pair->peers[1 - victim].talker.sent);
  assert_int_equal(stats.packets_lost, 0);
  assert_true(paw_address_equal(&stats.remote, &pair->peers[1 - victim].addresses[0]));
  assert_int_equal(pair->foreign, 0);
  kit_pair_free(pair);
}

static void copies_change_nothing(void **state) {
  (void)state;
  copies_are_only_counted(0);
  copies_are_only_counted(1);
}

/* Garbage of every kind, before, during and after the handshake. */
static void throw_garbage(uint64_t seed, void *context) {
  (void)context;
  struct attacker attacker;
  struct kit_pair *pair = attacked_pair(&attacker, seed % 2);
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  kit_pair_negotiate(pair);
  uint64_t thrown = 0;
  for (int i = 0; i < 2000; i++) {
    uint8_t data[200];
    kit_rng_bytes(&rng, data, sizeof data);
    data[0] = (uint8_t)(i % 3 == 0 ? 20 + data[0] % 44 : 128 + data[0] % 64);
    kit_net_send(pair->net, &attacker.address, &attacker.victim, data,
                 1 + (size_t)kit_rng_below(&rng, sizeof data), pair->clock.now_ns);
    thrown++;
    kit_pair_run_ms(pair, i < 200 ? 0 : 1);
  }
  kit_pair_run_ms(pair, 100);
  assert_true(kit_pair_both_connected(pair));
  struct paw_rtc_stats stats = kit_pair_get_stats(pair, seed % 2);
  assert_int_equal(stats.drops[PAW_DROP_UNKNOWN_PATH], thrown + attacker.copies);
  assert_int_equal(attacker.answers, 0);
  kit_pair_free(pair);
}

static void garbage_changes_nothing(void **state) {
  (void)state;
  kit_seeds_run(throw_garbage, NULL, 4);
}

/* The victim is not even asked: a socket that is shared by several connections is to know it. */
static void is_not_accepted(void **state) {
  (void)state;
  struct attacker attacker;
  struct kit_pair *pair = attacked_pair(&attacker, 0);
  kit_pair_negotiate(pair);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 100));
  uint8_t rtp[16] = {0x80, 0x6f};
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = pair->clock.now_ns,
                            .local = pair->peers[0].addresses[0],
                            .remote = pair->peers[1].addresses[0],
                            .data = rtp,
                            .len = sizeof rtp};
  assert_true(paw_rtc_accepts(pair->peers[0].rtc, &input));
  input.remote = attacker.address;
  assert_false(paw_rtc_accepts(pair->peers[0].rtc, &input));
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies_change_nothing),
      cmocka_unit_test(garbage_changes_nothing),
      cmocka_unit_test(is_not_accepted),
  };
  return cmocka_run_group_tests_name("unvalidated_path", tests, NULL, NULL);
}
