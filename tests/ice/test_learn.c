/* SPDX-License-Identifier: MIT */
/* Agents that are told little or nothing of each other, and networks that are unkind. */
#include "craft.h"

static const struct kit_link_config lan = {.delay_ns = PAW_NS_PER_MS};
static struct duo duo;

static void assert_same_pair(void) {
  duo_assert_selected(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
  duo_assert_selected(&duo, 1, "192.0.2.2:40000", "192.0.2.1:8443");
}

/* Only one side gets candidates: the other learns them from checks. */
static void one_sided(enum paw_ice_mode second, int told) {
  struct duo_config config = {
      .seed = 1, .modes = {PAW_ICE_FULL, second}, .roles = {PAW_ICE_CONTROLLING}, .link = lan};
  duo_init(&duo, &config);
  duo_tell_credentials(&duo, 0);
  duo_tell_credentials(&duo, 1);
  duo_tell_candidates(&duo, told);
  assert_true(duo_run_connected(&duo, 20));
  duo_run_ms(&duo, 100);
  assert_same_pair();
  duo_wipe(&duo);
}

static void test_one_sided(void **state) {
  (void)state;
  one_sided(PAW_ICE_FULL, 0);
  one_sided(PAW_ICE_FULL, 1);
  one_sided(PAW_ICE_LITE, 0);
}

/* Checks that come before the answer does: a lite agent is connected by them; a full one answers at
 * once and checks as soon as it can. */
static void early(enum paw_ice_mode second) {
  struct duo_config config = {
      .seed = 1, .modes = {PAW_ICE_FULL, second}, .roles = {PAW_ICE_CONTROLLING}, .link = lan};
  duo_init(&duo, &config);
  duo_tell_credentials(&duo, 0);
  duo_tell_candidates(&duo, 0);
  duo_run_ms(&duo, 50);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CONNECTED);
  assert_int_equal(paw_ice_get_state(duo.sides[1].ice),
                   second == PAW_ICE_LITE ? PAW_ICE_STATE_CONNECTED : PAW_ICE_STATE_NEW);
  assert_int_equal(duo_stats(&duo, 1).requests_sent, 0);
  duo_tell_credentials(&duo, 1);
  duo_run_ms(&duo, 10);
  assert_int_equal(paw_ice_get_state(duo.sides[1].ice), PAW_ICE_STATE_CONNECTED);
  assert_same_pair();
  duo_wipe(&duo);
}

static void test_early_checks(void **state) {
  (void)state;
  early(PAW_ICE_LITE);
  early(PAW_ICE_FULL);
}

/* Both behind NATs that show other addresses: only what checks tell is true. */
static void test_nat(void **state) {
  (void)state;
  struct duo_config config = {.seed = 1, .roles = {PAW_ICE_CONTROLLING}, .link = lan};
  duo_init(&duo, &config);
  struct paw_address outside = duo_address("203.0.113.1:777");
  kit_net_rebind(duo.net, &duo.sides[0].addresses[0], &outside);
  duo_tell_credentials(&duo, 0);
  duo_tell_credentials(&duo, 1);
  duo_tell_candidates(&duo, 0);
  assert_true(duo_run_connected(&duo, 20));
  duo_run_ms(&duo, 50);
  duo_assert_selected(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
  duo_assert_selected(&duo, 1, "192.0.2.2:40000", "203.0.113.1:777");
  struct paw_candidate candidates[4];
  assert_int_equal(paw_ice_get_local_candidates(duo.sides[0].ice, candidates, 4), 2);
  assert_true(paw_address_equal(&candidates[1].address, &outside));
  assert_int_equal(candidates[1].type, PAW_CANDIDATE_PEER_REFLEXIVE);
  duo_wipe(&duo);
}

/* Any origin of the clock is legal, 0 too, where "never" could be mistaken for "now". */
static void test_clock_origin(void **state) {
  (void)state;
  struct paw_ice_config config;
  struct kit_rng rng;
  kit_rng_init(&rng, 1);
  paw_ice_config_init(&config);
  config.mode = PAW_ICE_LITE;
  config.rng = kit_rng_hook(&rng);
  struct paw_ice *ice = NULL;
  assert_int_equal(paw_ice_new(&config, 0, &ice), PAW_OK);
  struct paw_candidate host = {.address = duo_address("192.0.2.1:8443")};
  assert_int_equal(paw_ice_add_local_candidate(ice, &host), PAW_OK);
  struct craft check = craft_check(ice, true);
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .local = host.address,
                            .remote = duo_address("192.0.2.2:40000"),
                            .data = check.data,
                            .len = check.len};
  assert_int_equal(paw_ice_handle_input(ice, &input), PAW_OK);
  assert_true(paw_ice_is_valid_pair(ice, &input.local, &input.remote));
  assert_int_equal(paw_ice_get_state(ice), PAW_ICE_STATE_CONNECTED);
  check = craft_check(ice, false);
  input.data = check.data;
  input.len = check.len;
  input.remote.port = 2;
  assert_int_equal(paw_ice_handle_input(ice, &input), PAW_OK);
  assert_true(paw_ice_is_valid_pair(ice, &input.local, &input.remote));
  struct paw_address local;
  struct paw_address remote;
  assert_true(paw_ice_get_selected_pair(ice, &local, &remote));
  assert_int_equal(remote.port, 40000); /* it was heard of just now */
  input = (struct paw_input){.kind = PAW_INPUT_TIMEOUT, .now_ns = 4 * PAW_NS_PER_S};
  assert_int_equal(paw_ice_handle_input(ice, &input), PAW_OK);
  assert_int_equal(paw_ice_get_state(ice), PAW_ICE_STATE_CONNECTED);
  paw_ice_free(ice);
}

/* Trickle: a useless candidate first, the useful one half a second later. */
static void test_trickle(void **state) {
  (void)state;
  struct duo_config config = {.seed = 1, .modes = {PAW_ICE_FULL, PAW_ICE_LITE}, .link = lan};
  duo_init(&duo, &config);
  duo_tell_credentials(&duo, 0);
  duo_tell_credentials(&duo, 1);
  struct paw_candidate useless = {.address = duo_address("192.0.2.200:9"), .priority = 0x7effffff};
  assert_int_equal(paw_ice_add_remote_candidate(duo.sides[0].ice, &useless), PAW_OK);
  duo_run_ms(&duo, 500);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CHECKING);
  duo_sync(&duo, 0);
  duo_tell_candidates(&duo, 0);
  assert_int_equal(paw_ice_end_remote_candidates(duo.sides[0].ice), PAW_OK);
  duo_run_ms(&duo, 150);
  assert_same_pair();
  duo_wipe(&duo);
}

/* The password was mangled on its way, on either side or both: no connection, and the end in time.
 */
static void wrong_password(int mangled) {
  struct duo_config config = {.seed = 1, .roles = {PAW_ICE_CONTROLLING}, .link = lan};
  duo_init(&duo, &config);
  for (int side = 0; side < 2; side++) {
    struct paw_ice_credentials other = *paw_ice_get_credentials(duo.sides[1 - side].ice);
    if (side == mangled || mangled == 2) {
      other.pwd[5] = other.pwd[5] == 'x' ? 'y' : 'x';
    }
    duo_sync(&duo, side);
    assert_int_equal(paw_ice_set_remote(duo.sides[side].ice, &other, false), PAW_OK);
    duo_tell_candidates(&duo, side);
  }
  duo_run_ms(&duo, 41000);
  int wrong = mangled == 1 ? 1 : 0;
  assert_int_equal(paw_ice_get_state(duo.sides[wrong].ice), PAW_ICE_STATE_FAILED);
  assert_int_equal(duo.sides[wrong].connected_ns, 0);
  assert_true(duo_stats(&duo, 1 - wrong).dropped_integrity > 0);
  duo_wipe(&duo);
}

static void test_wrong_password(void **state) {
  (void)state;
  wrong_password(0);
  wrong_password(1);
  wrong_password(2);
}

/* Late, twice, out of order, in bursts of loss. */
static void unkind(uint64_t seed, void *context) {
  const enum paw_ice_mode *second = context;
  struct duo_config config = {.seed = seed,
                              .modes = {PAW_ICE_FULL, *second},
                              .roles = {PAW_ICE_CONTROLLING},
                              .link = {.delay_ns = 20 * PAW_NS_PER_MS,
                                       .jitter_ns = 60 * PAW_NS_PER_MS,
                                       .mean_good_ns = 100 * PAW_NS_PER_MS,
                                       .mean_bad_ns = 30 * PAW_NS_PER_MS,
                                       .loss_bad = 0.8,
                                       .duplicate = 0.3,
                                       .reorder = 0.3,
                                       .reorder_ns = 80 * PAW_NS_PER_MS}};
  duo_init(&duo, &config);
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 5000));
  duo_run_ms(&duo, 60000);
  assert_same_pair();
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CONNECTED);
  assert_int_equal(paw_ice_get_state(duo.sides[1].ice), PAW_ICE_STATE_CONNECTED);
  assert_int_equal(duo.sides[0].selected_events, 1);
  duo_wipe(&duo);
}

static void test_unkind(void **state) {
  (void)state;
  enum paw_ice_mode modes[] = {PAW_ICE_FULL, PAW_ICE_LITE};
  kit_seeds_run(unkind, &modes[0], 40);
  kit_seeds_run(unkind, &modes[1], 40);
}

/* A stranger who sees everything but knows no password repeats what it saw from its own address:
 * nothing of the path changes for long. */
static void test_replayed_from_elsewhere(void **state) {
  (void)state;
  struct duo_config config = {.seed = 1, .modes = {PAW_ICE_FULL, PAW_ICE_LITE}, .link = lan};
  duo_init(&duo, &config);
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 20));
  duo_run_ms(&duo, 50);
  struct craft check = craft_check(duo.sides[1].ice, false); /* stands for one that was seen */
  struct paw_address stranger = duo_address("198.51.100.99:9");
  duo_feed(&duo, 1, &stranger, check.data, check.len);
  duo_run_ms(&duo, 10000);
  assert_same_pair();
  /* With USE-CANDIDATE it is believed; the peer's next data shows who is who. */
  check = craft_check(duo.sides[1].ice, true);
  duo_feed(&duo, 1, &stranger, check.data, check.len);
  duo_note_data(&duo, 1, "192.0.2.2:40000", "192.0.2.1:8443");
  assert_same_pair();
  duo_feed(&duo, 1, &stranger, check.data, check.len);
  duo_run_ms(&duo, 10000);
  assert_same_pair();
  duo_wipe(&duo);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_sided), cmocka_unit_test(test_early_checks),
      cmocka_unit_test(test_nat),       cmocka_unit_test(test_clock_origin),
      cmocka_unit_test(test_trickle),   cmocka_unit_test(test_wrong_password),
      cmocka_unit_test(test_unkind),    cmocka_unit_test(test_replayed_from_elsewhere),
  };
  return cmocka_run_group_tests_name("ice_learn", tests, NULL, NULL);
}
