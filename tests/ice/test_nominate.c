/* SPDX-License-Identifier: MIT */
/* Which pair data takes: several addresses, peers that nominate on several pairs, data that comes
 * on another one, addresses that go away. */
#include "craft.h"

#define PEER_PWD "peerpeerpeerpeerpeerpe"
#define HERE "192.0.2.1:8443"

static const struct kit_link_config lan = {.delay_ns = PAW_NS_PER_MS};

/* ---- two agents ---- */

/* IPv6 is preferred (RFC 8421), and both sides agree on the pair. */
static void test_best_pair(void **state) {
  (void)state;
  struct duo_config config = {.seed = 1, .roles = {PAW_ICE_CONTROLLING}, .link = lan};
  struct duo duo;
  duo_init(&duo, &config);
  duo_add_address(&duo, 0, "[2001:db8::1]:8443");
  duo_add_address(&duo, 0, "10.0.0.1:8443");
  duo_add_address(&duo, 1, "[2001:db8::2]:40000");
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 20));
  duo_run_ms(&duo, 150);
  duo_assert_selected(&duo, 0, "[2001:db8::1]:8443", "[2001:db8::2]:40000");
  duo_assert_selected(&duo, 1, "[2001:db8::2]:40000", "[2001:db8::1]:8443");
  uint64_t sent = duo_stats(&duo, 0).requests_sent + duo_stats(&duo, 1).requests_sent;
  duo_run_ms(&duo, 1500); /* nominated: checks have ceased */
  assert_int_equal(duo_stats(&duo, 0).requests_sent + duo_stats(&duo, 1).requests_sent, sent);
  duo_wipe(&duo);
}

/* The best address does not work: the next best is nominated within about 100 ms. */
static void test_best_is_dead(void **state) {
  (void)state;
  struct duo_config config = {.seed = 1, .roles = {PAW_ICE_CONTROLLING}, .link = lan};
  struct duo duo;
  duo_init(&duo, &config);
  duo_add_address(&duo, 0, "[2001:db8::1]:8443");
  duo_add_address(&duo, 1, "[2001:db8::2]:40000");
  struct kit_link_config dead = {.loss = 1.0};
  struct paw_address v6[2] = {duo_address("[2001:db8::1]:8443"),
                              duo_address("[2001:db8::2]:40000")};
  kit_net_get_link(duo.net, &v6[0], &v6[1])->config = dead;
  kit_net_get_link(duo.net, &v6[1], &v6[0])->config = dead;
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 20)); /* usable at once */
  duo_run_ms(&duo, 110);
  duo_assert_selected(&duo, 0, HERE, "192.0.2.2:40000");
  duo_assert_selected(&duo, 1, "192.0.2.2:40000", HERE);
  uint64_t sent = kit_net_get_link(duo.net, &v6[0], &v6[1])->counts.sent;
  duo_run_ms(&duo, 3000); /* nominated: the dead pair is left alone */
  assert_int_equal(kit_net_get_link(duo.net, &v6[0], &v6[1])->counts.sent, sent);
  duo_wipe(&duo);
}

/* The best address only takes longer: it is waited for, though another is valid first. */
static void test_best_is_slow(void **state) {
  (void)state;
  struct duo_config config = {.seed = 1, .roles = {PAW_ICE_CONTROLLING}, .link = lan};
  struct duo duo;
  duo_init(&duo, &config);
  duo_add_address(&duo, 0, "[2001:db8::1]:8443");
  duo_add_address(&duo, 1, "[2001:db8::2]:40000");
  struct kit_link_config slow = {.delay_ns = 30 * PAW_NS_PER_MS};
  struct paw_address v6[2] = {duo_address("[2001:db8::1]:8443"),
                              duo_address("[2001:db8::2]:40000")};
  kit_net_get_link(duo.net, &v6[0], &v6[1])->config = slow;
  kit_net_get_link(duo.net, &v6[1], &v6[0])->config = slow;
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 20));
  duo_assert_selected(&duo, 0, HERE, "192.0.2.2:40000");
  duo_run_ms(&duo, 500);
  duo_assert_selected(&duo, 0, "[2001:db8::1]:8443", "[2001:db8::2]:40000");
  duo_assert_selected(&duo, 1, "[2001:db8::2]:40000", "[2001:db8::1]:8443");
  /* A minute later it is gone; the other pair, valid all along, is asked for consent anew. */
  duo_run_ms(&duo, 60000);
  duo_remove_address(&duo, 0, 1);
  duo_run_ms(&duo, 100);
  duo_assert_selected(&duo, 0, HERE, "192.0.2.2:40000");
  duo_run_ms(&duo, 6000);
  duo_assert_selected(&duo, 1, "192.0.2.2:40000", HERE);
  duo_wipe(&duo);
}

/* The path's address goes away: another valid pair takes over and is nominated, though consent on
 * it may have run out in the meantime. */
static void remove_address(enum paw_ice_mode other, int remover, uint64_t after_ms) {
  struct duo_config config = {
      .seed = 1, .modes = {PAW_ICE_FULL, other}, .roles = {PAW_ICE_CONTROLLING}, .link = lan};
  struct duo duo;
  duo_init(&duo, &config);
  duo_add_address(&duo, 0, "10.0.0.1:8443");
  duo_add_address(&duo, 1, "10.0.0.2:40000");
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 100));
  duo_run_ms(&duo, after_ms);
  duo_assert_selected(&duo, 0, HERE, "192.0.2.2:40000");
  struct paw_address gone = duo.sides[remover].addresses[0];
  duo_remove_address(&duo, remover, 0);
  duo_run_ms(&duo, 7000);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CONNECTED);
  assert_int_equal(paw_ice_get_state(duo.sides[1].ice), PAW_ICE_STATE_CONNECTED);
  struct paw_address here[2];
  struct paw_address there[2];
  assert_true(paw_ice_get_selected_pair(duo.sides[0].ice, &here[0], &there[0]));
  assert_true(paw_ice_get_selected_pair(duo.sides[1].ice, &here[1], &there[1]));
  assert_true(paw_address_equal(&here[0], &there[1]));
  assert_true(paw_address_equal(&here[1], &there[0]));
  assert_false(paw_address_equal(&gone, &here[remover]));
  duo_wipe(&duo);
}

static void test_address_is_lost(void **state) {
  (void)state;
  for (uint64_t after_ms = 1000; after_ms <= 61000; after_ms += 20000) {
    remove_address(PAW_ICE_FULL, 0, after_ms);
    remove_address(PAW_ICE_FULL, 1, after_ms);
    remove_address(PAW_ICE_LITE, 0, after_ms);
  }
}

/* The last address goes: DISCONNECTED; another one comes: back by checking anew. */
static void test_last_address(void **state) {
  (void)state;
  struct duo_config config = {.seed = 1, .roles = {PAW_ICE_CONTROLLING}, .link = lan};
  struct duo duo;
  duo_init(&duo, &config);
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 100));
  duo_run_ms(&duo, 100);
  struct paw_address gone = duo.sides[0].addresses[0];
  duo_remove_address(&duo, 0, 0);
  struct paw_address local;
  struct paw_address remote;
  assert_false(paw_ice_get_selected_pair(duo.sides[0].ice, &local, &remote));
  assert_false(paw_ice_is_valid_pair(duo.sides[0].ice, &gone, &duo.sides[1].addresses[0]));
  duo_drain(&duo, 0);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_DISCONNECTED);
  assert_int_equal(duo.sides[0].reason, PAW_ICE_REASON_NO_PATH);
  duo_run_ms(&duo, 3000);
  duo_add_address(&duo, 0, "192.0.2.77:8443");
  duo_run_ms(&duo, 200);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CONNECTED);
  duo_assert_selected(&duo, 0, "192.0.2.77:8443", "192.0.2.2:40000");
  duo_assert_selected(&duo, 1, "192.0.2.2:40000", "192.0.2.77:8443");
  assert_int_equal(paw_ice_remove_local_candidate(duo.sides[0].ice,
                                                  &(struct paw_address){.family = 4, .port = 1}),
                   PAW_OK);
  duo_remove_address(&duo, 0, 1);
  duo_run_ms(&duo, 31000);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_FAILED);
  assert_int_equal(duo.sides[0].reason, PAW_ICE_REASON_NO_PATH);
  duo_wipe(&duo);
}

/* ---- a controlled agent and a peer made by hand ---- */

static struct duo duo;
static struct duo_side *const side = &duo.sides[0];
static struct paw_address a;
static struct paw_address b;

static void begin(enum paw_ice_mode mode) {
  struct duo_config config = {.seed = 11, .modes = {mode}};
  duo_init(&duo, &config);
  duo.sides[1].address_count = 0;
  a = duo_address("198.51.100.1:1111");
  b = duo_address("198.51.100.2:2222");
  struct paw_ice_credentials remote = {.ufrag = "peer", .pwd = PEER_PWD};
  assert_int_equal(paw_ice_set_remote(side->ice, &remote, false), PAW_OK);
  duo_drain(&duo, 0);
}

/* A check from there; a full agent's own check is answered at once, too. */
static void check_from(const struct paw_address *from, bool nominates) {
  struct craft check = craft_check(side->ice, nominates);
  uint64_t before = duo_stats(&duo, 0).requests_sent;
  duo_feed(&duo, 0, from, check.data, check.len);
  duo_run_ms(&duo, 25);
  if (duo_stats(&duo, 0).requests_sent > before &&
      craft_read_last(side).class == PAW_STUN_REQUEST &&
      paw_address_equal(&side->last.remote, from)) {
    struct craft success = craft_success(&side->last, side->last_data, side->last_len, PEER_PWD);
    duo_feed(&duo, 0, from, success.data, success.len);
  }
}

static void answer_last(const struct paw_address *from) {
  struct craft success = craft_success(&side->last, side->last_data, side->last_len, PEER_PWD);
  duo_feed(&duo, 0, from, success.data, success.len);
}

/* So many seconds in which the peer answers on this pair, and on no other. */
static void live_on(const struct paw_address *remote, int seconds) {
  for (int i = 0; i < 4 * seconds; i++) {
    uint64_t before = side->transmits;
    duo_run_ms(&duo, 250);
    if (side->transmits > before && craft_read_last(side).class == PAW_STUN_REQUEST &&
        paw_address_equal(&side->last.remote, remote)) {
      answer_last(remote);
    }
  }
}

static void data_from(const struct paw_address *from) {
  paw_ice_note_authenticated(side->ice, duo.clock.now_ns, &side->addresses[0], from);
  duo_drain(&duo, 0);
}

static void assert_on(const struct paw_address *remote) {
  char text[PAW_ADDRESS_TEXT_SIZE];
  paw_address_format(remote, text);
  duo_assert_selected(&duo, 0, HERE, text);
}

static void each_mode(void (*body)(void)) {
  begin(PAW_ICE_LITE);
  body();
  duo_wipe(&duo);
  begin(PAW_ICE_FULL);
  body();
  duo_wipe(&duo);
}

/* Regular nomination: provisional first, then what the peer says. */
static void regular(void) {
  check_from(&a, false);
  assert_on(&a);
  assert_int_equal(paw_ice_get_state(side->ice), PAW_ICE_STATE_CONNECTED);
  check_from(&b, false);
  assert_int_equal(side->valid_events, 2);
  check_from(&b, true);
  assert_on(&b);
  check_from(&b, true); /* repeated */
  check_from(&a, false);
  check_from(&a, false);
  assert_on(&b);
}

static void test_regular(void **state) {
  (void)state;
  each_mode(regular);
}

/* USE-CANDIDATE with every check and on both pairs (Firefox): the pair stays once data comes, and
 * follows the data. */
static void aggressive(void) {
  check_from(&a, true);
  assert_on(&a);
  check_from(&b, true);
  assert_on(&b); /* the latest first nomination */
  check_from(&a, true);
  assert_on(&b); /* repeated: no flapping */
  data_from(&a);
  assert_on(&a); /* that is the one it uses */
  uint64_t events = side->selected_events;
  for (int i = 0; i < 50; i++) {
    check_from(&b, true);
    data_from(&a);
    check_from(&a, true);
  }
  assert_on(&a);
  assert_int_equal(side->selected_events, events);
}

static void test_aggressive(void **state) {
  (void)state;
  each_mode(aggressive);
}

/* It goes on so for minutes, while no data comes. */
static void aggressive_for_long(void) {
  check_from(&a, true);
  check_from(&b, true);
  assert_on(&b);
  uint64_t events = side->selected_events;
  for (int i = 0; i < 60; i++) {
    live_on(&b, 2);
    check_from(&a, true);
    check_from(&b, true);
  }
  assert_on(&b);
  assert_int_equal(side->selected_events, events);
}

static void test_aggressive_for_long(void **state) {
  (void)state;
  each_mode(aggressive_for_long);
}

static void assert_asks(const struct paw_address *remote) {
  assert_int_equal(craft_read_last(side).class, PAW_STUN_REQUEST);
  assert_true(paw_address_equal(&side->last.remote, remote));
}

/* RFC 7675 section 5.1: consent to send on a pair that was not in use has run out after 30 s. Who
 * is now at its address is asked before anything is sent there, nominated or not. */
static void test_consent_ran_out(void **state) {
  (void)state;
  begin(PAW_ICE_FULL);
  check_from(&a, true);
  check_from(&b, false);
  live_on(&a, 35);
  assert_on(&a);
  struct craft check = craft_check(side->ice, true);
  duo_feed(&duo, 0, &b, check.data, check.len);
  assert_on(&a);
  assert_asks(&b);
  duo_run_ms(&duo, 40);
  assert_on(&a);
  answer_last(&b);
  assert_on(&b);
  duo_wipe(&duo);
}

/* The same with authentic data, which somebody may have kept and sends again. */
static void test_consent_ran_out_with_data(void **state) {
  (void)state;
  begin(PAW_ICE_FULL);
  check_from(&a, true);
  check_from(&b, false);
  live_on(&a, 35);
  data_from(&b);
  assert_asks(&b);
  for (int i = 0; i < 20; i++) {
    duo_run_ms(&duo, 100);
    data_from(&b);
  }
  assert_on(&a);
  duo_run_ms(&duo, 200);
  assert_asks(&b);
  answer_last(&b);
  data_from(&b);
  assert_on(&b); /* as the other one has long been silent */
  duo_wipe(&duo);
}

/* Data in flight on the old pair does not pull the path back; data on a pair that the peer has not
 * nominated does not either. */
static void stays(void) {
  check_from(&a, false);
  data_from(&a);
  check_from(&b, false);
  duo_run_ms(&duo, 300);
  check_from(&b, true);
  assert_on(&b);
  data_from(&a);
  assert_on(&b);
  data_from(&b);
  data_from(&a);
  assert_on(&b);
}

static void test_stays(void **state) {
  (void)state;
  each_mode(stays);
}

/* While data flows on the nominated pair, a nomination of another one waits until it ceases. */
static void holds(void) {
  check_from(&a, true);
  check_from(&b, false);
  data_from(&a);
  check_from(&b, true);
  assert_on(&a);
  duo_run_ms(&duo, 300);
  data_from(&b); /* the peer has moved */
  assert_on(&b);
}

static void test_holds(void **state) {
  (void)state;
  each_mode(holds);
}

/* A controlling peer goes back to a pair that it had nominated before (Chromium, from Wi-Fi to
 * cable and back): its checks on the other no longer carry USE-CANDIDATE. */
static void returns(void) {
  check_from(&a, true);
  check_from(&b, true);
  assert_on(&b);
  check_from(&b, false);
  check_from(&a, true);
  assert_on(&a);
}

static void test_returns(void **state) {
  (void)state;
  each_mode(returns);
}

/* Before anything is nominated, the path follows data among valid pairs. */
static void follows_provisional(void) {
  check_from(&a, false);
  check_from(&b, false);
  data_from(&b);
  assert_on(&b);
  data_from(&b);
  check_from(&a, false);
  assert_on(&b);
}

static void test_follows_provisional(void **state) {
  (void)state;
  each_mode(follows_provisional);
}

/* USE-CANDIDATE before the pair is valid: taken when it is. */
static void test_early_nomination(void **state) {
  (void)state;
  begin(PAW_ICE_FULL);
  struct craft check = craft_check(side->ice, true);
  duo_feed(&duo, 0, &a, check.data, check.len);
  struct paw_address local;
  struct paw_address remote;
  assert_false(paw_ice_get_selected_pair(side->ice, &local, &remote));
  assert_true(paw_ice_is_valid_pair(side->ice, &side->addresses[0], &a)); /* to receive on */
  struct craft success = craft_success(&side->last, side->last_data, side->last_len, PEER_PWD);
  duo_feed(&duo, 0, &a, success.data, success.len);
  assert_on(&a);
  uint64_t sent = duo_stats(&duo, 0).requests_sent;
  duo_run_ms(&duo, 1500); /* nominated already: idle */
  assert_int_equal(duo_stats(&duo, 0).requests_sent, sent);
  duo_wipe(&duo);
}

/* Valid here, but not nominated yet: the peer may have no valid pair still, as all its checks were
 * lost. Ours, twice a second, make it check at once. */
static void test_provisional_is_checked(void **state) {
  (void)state;
  begin(PAW_ICE_FULL);
  check_from(&a, false);
  assert_on(&a);
  uint64_t sent = duo_stats(&duo, 0).requests_sent;
  duo_run_ms(&duo, 620);
  assert_int_equal(duo_stats(&duo, 0).requests_sent, sent + 1);
  duo_wipe(&duo);
}

static void test_data_of_strangers(void **state) {
  (void)state;
  begin(PAW_ICE_LITE);
  data_from(&a); /* no check came from there */
  assert_false(paw_ice_is_valid_pair(side->ice, &side->addresses[0], &a));
  assert_int_equal(paw_ice_get_state(side->ice), PAW_ICE_STATE_CHECKING);
  check_from(&b, true);
  data_from(&a);
  assert_on(&b);
  duo_wipe(&duo);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_best_pair),
      cmocka_unit_test(test_best_is_dead),
      cmocka_unit_test(test_best_is_slow),
      cmocka_unit_test(test_address_is_lost),
      cmocka_unit_test(test_last_address),
      cmocka_unit_test(test_regular),
      cmocka_unit_test(test_aggressive),
      cmocka_unit_test(test_aggressive_for_long),
      cmocka_unit_test(test_consent_ran_out),
      cmocka_unit_test(test_consent_ran_out_with_data),
      cmocka_unit_test(test_stays),
      cmocka_unit_test(test_holds),
      cmocka_unit_test(test_returns),
      cmocka_unit_test(test_follows_provisional),
      cmocka_unit_test(test_early_nomination),
      cmocka_unit_test(test_provisional_is_checked),
      cmocka_unit_test(test_data_of_strangers),
  };
  return cmocka_run_group_tests_name("ice_nominate", tests, NULL, NULL);
}
