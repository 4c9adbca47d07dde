/* SPDX-License-Identifier: MIT */
/* ICE restart: the old path carries on until the new generation has nominated. */
#include "base/hmac.h"
#include "base/mem.h"
#include "craft.h"

static struct duo duo;

/* What was wiped, as it was before. */
static uint8_t wiped[8192];
static size_t wiped_len;

void __real_paw_mem_wipe(void *secret, size_t len);
void __wrap_paw_mem_wipe(void *secret, size_t len);

void __wrap_paw_mem_wipe(void *secret, size_t len) {
  size_t room = sizeof wiped - wiped_len;
  size_t kept = len < room ? len : room;
  memcpy(wiped + wiped_len, secret, kept);
  wiped_len += kept;
  __real_paw_mem_wipe(secret, len);
}

static bool was_wiped(const void *secret, size_t len) {
  bool found = false;
  for (size_t i = 0; i + len <= wiped_len && !found; i++) {
    found = memcmp(wiped + i, secret, len) == 0;
  }
  return found;
}

static void connect_sides(enum paw_ice_mode second) {
  struct duo_config config = {.seed = 1,
                              .modes = {PAW_ICE_FULL, second},
                              .roles = {PAW_ICE_CONTROLLING},
                              .link = {.delay_ns = PAW_NS_PER_MS}};
  duo_init(&duo, &config);
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 100));
  duo_run_ms(&duo, 1000);
}

static void assert_old_pair(void) {
  duo_assert_selected(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
  duo_assert_selected(&duo, 1, "192.0.2.2:40000", "192.0.2.1:8443");
}

static void restart(int side) {
  struct paw_ice_credentials before = *paw_ice_get_credentials(duo.sides[side].ice);
  assert_int_equal(paw_ice_restart(duo.sides[side].ice, duo.clock.now_ns), PAW_OK);
  const struct paw_ice_credentials *after = paw_ice_get_credentials(duo.sides[side].ice);
  assert_string_not_equal(before.ufrag, after->ufrag);
  assert_string_not_equal(before.pwd, after->pwd);
}

static void assert_connected(void) {
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CONNECTED);
  assert_int_equal(paw_ice_get_state(duo.sides[1].ice), PAW_ICE_STATE_CONNECTED);
}

/* The descriptions travel for as long as they like: the old path lives with the old credentials. */
static void slow_signalling(enum paw_ice_mode second) {
  connect_sides(second);
  restart(0);
  assert_old_pair();
  duo_run_ms(&duo, 40000);
  assert_old_pair();
  assert_connected();
  restart(1);
  duo_run_ms(&duo, 40000);
  assert_old_pair();
  assert_connected();
  assert_int_equal(duo.sides[0].disconnected_ns, 0);
  uint64_t selected = duo.sides[0].selected_events;
  duo_negotiate(&duo);
  duo_run_ms(&duo, 200);
  assert_old_pair(); /* the same addresses, newly nominated */
  assert_int_equal(duo.sides[0].selected_events, selected + 1);
  duo_run_ms(&duo, 60000);
  assert_connected();
  assert_int_equal(duo.sides[0].disconnected_ns + duo.sides[1].disconnected_ns, 0);
  duo_wipe(&duo);
}

static void test_slow_signalling(void **state) {
  (void)state;
  slow_signalling(PAW_ICE_LITE);
  slow_signalling(PAW_ICE_FULL);
}

/* One side is at the new generation, the other not yet: its checks with the old ufrag are answered
 * on the old path, and nowhere else. */
static void test_old_credentials(void **state) {
  (void)state;
  connect_sides(PAW_ICE_LITE);
  struct duo_side *side = &duo.sides[0];
  struct craft old = craft_check(side->ice, false);
  struct paw_stun_message controlled = craft_request(craft_username(side->ice, "peer"));
  controlled.has &= ~(uint32_t)PAW_STUN_HAS_CONTROLLING;
  controlled.has |= PAW_STUN_HAS_CONTROLLED;
  old = craft_seal(&controlled, paw_ice_get_credentials(side->ice)->pwd);
  restart(0);
  uint64_t before = duo_stats(&duo, 0).responses_sent;
  duo_feed(&duo, 0, &duo.sides[1].addresses[0], old.data, old.len);
  assert_int_equal(duo_stats(&duo, 0).responses_sent, before + 1);
  struct paw_address elsewhere = duo_address("198.51.100.66:6");
  duo_feed(&duo, 0, &elsewhere, old.data, old.len);
  assert_int_equal(duo_stats(&duo, 0).responses_sent, before + 1);
  assert_false(paw_ice_is_valid_pair(side->ice, &side->addresses[0], &elsewhere));
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE, .data = old.data, .len = old.len};
  assert_true(paw_ice_accepts(side->ice, &input));
  restart(1);
  duo_negotiate(&duo);
  duo_run_ms(&duo, 300);
  assert_false(paw_ice_accepts(side->ice, &input)); /* the new path is there: old ones are gone */
  duo_feed(&duo, 0, &duo.sides[1].addresses[0], old.data, old.len);
  assert_int_equal(duo_stats(&duo, 0).dropped_username, 2);
  duo_wipe(&duo);
}

/* The address changed and with it the path: the new generation takes over at once. */
static void new_address(enum paw_ice_mode second, int moves) {
  connect_sides(second);
  duo_remove_address(&duo, moves, 0);
  duo_add_address(&duo, moves, "192.0.2.88:4000");
  restart(0);
  restart(1);
  uint64_t since_ns = duo.clock.now_ns;
  duo_negotiate(&duo);
  duo_run_ms(&duo, 100);
  duo_assert_selected(&duo, moves, "192.0.2.88:4000",
                      moves == 0 ? "192.0.2.2:40000" : "192.0.2.1:8443");
  duo_assert_selected(&duo, 1 - moves, moves == 0 ? "192.0.2.2:40000" : "192.0.2.1:8443",
                      "192.0.2.88:4000");
  assert_true(duo.sides[1 - moves].selected_ns - since_ns < 30 * PAW_NS_PER_MS);
  duo_run_ms(&duo, 10);
  assert_connected();
  duo_wipe(&duo);
}

static void test_new_address(void **state) {
  (void)state;
  new_address(PAW_ICE_LITE, 0);
  new_address(PAW_ICE_LITE, 1);
  new_address(PAW_ICE_FULL, 0);
  new_address(PAW_ICE_FULL, 1);
}

/* After FAILED a restart begins from NEW. */
static void test_after_failure(void **state) {
  (void)state;
  connect_sides(PAW_ICE_FULL);
  struct kit_link_config dead = {.loss = 1};
  kit_net_configure(duo.net, &dead);
  duo_run_ms(&duo, 40000);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_FAILED);
  struct paw_ice_credentials credentials = *paw_ice_get_credentials(duo.sides[1].ice);
  assert_int_equal(paw_ice_set_remote(duo.sides[0].ice, &credentials, false), PAW_ERR_STATE);
  restart(0);
  restart(1);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_NEW);
  struct kit_link_config good = {.delay_ns = PAW_NS_PER_MS};
  kit_net_configure(duo.net, &good);
  duo_negotiate(&duo);
  duo_run_ms(&duo, 100);
  assert_connected();
  assert_old_pair();
  duo_wipe(&duo);
}

/* What was learnt and what was still to be said belong to the generation before. */
static void test_begins_clean(void **state) {
  (void)state;
  struct duo_config config = {
      .seed = 1, .roles = {PAW_ICE_CONTROLLING}, .link = {.delay_ns = PAW_NS_PER_MS}};
  duo_init(&duo, &config);
  struct paw_address outside = duo_address("203.0.113.1:777");
  kit_net_rebind(duo.net, &duo.sides[0].addresses[0], &outside);
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 100));
  duo_run_ms(&duo, 100);
  struct duo_side *side = &duo.sides[0];
  struct paw_candidate candidates[4];
  assert_int_equal(paw_ice_get_local_candidates(side->ice, candidates, 4), 2);
  struct craft check = craft_check(side->ice, false);
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = duo.clock.now_ns,
                            .local = side->addresses[0],
                            .remote = duo.sides[1].addresses[0],
                            .data = check.data,
                            .len = check.len};
  side->fed_ns = duo.clock.now_ns;
  assert_int_equal(paw_ice_handle_input(side->ice, &input), PAW_OK);
  uint64_t before = side->transmits;
  restart(0);
  duo_drain(&duo, 0);
  assert_int_equal(side->transmits, before); /* the peer could not verify the answer */
  assert_int_equal(paw_ice_get_local_candidates(side->ice, candidates, 4), 1);
  assert_int_equal(candidates[0].type, PAW_CANDIDATE_HOST);
  duo_tell_credentials(&duo, 0); /* and no candidates: the old ones are not checked */
  before = duo_stats(&duo, 0).requests_sent;
  duo_add_address(&duo, 0, "192.0.2.9:8443");
  duo_drain(&duo, 0);
  assert_int_equal(duo_stats(&duo, 0).requests_sent, before);
  duo_wipe(&duo);
}

/* Again before the first is done, and never done at all: the old path's consent decides. */
static void test_twice_and_never(void **state) {
  (void)state;
  connect_sides(PAW_ICE_FULL);
  for (int i = 0; i < 5; i++) {
    restart(0);
    restart(1);
    duo_run_ms(&duo, 5000);
    assert_old_pair();
    assert_connected();
  }
  duo_tell_credentials(&duo, 0);
  restart(0);
  duo_run_ms(&duo, 10000);
  assert_connected();
  struct kit_link_config dead = {.loss = 1};
  kit_net_configure(duo.net, &dead);
  duo_run_ms(&duo, 40000);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_FAILED);
  assert_int_equal(paw_ice_get_state(duo.sides[1].ice), PAW_ICE_STATE_FAILED);
  duo_wipe(&duo);
}

static void set_loss(double loss) {
  struct kit_link_config link = {.delay_ns = PAW_NS_PER_MS, .loss = loss};
  kit_net_configure(duo.net, &link);
}

/* The old path's consent ends while the new generation is still being checked: that goes on, for as
 * long as a connection may take to come about (RFC 8863). */
static void old_path_dies(enum paw_ice_mode second, bool comes_back) {
  connect_sides(second);
  set_loss(1);
  duo_run_ms(&duo, 20000);
  restart(0);
  restart(1);
  duo_negotiate(&duo);
  duo_sync(&duo, 0); /* it counts from here */
  duo_sync(&duo, 1);
  duo_run_ms(&duo, 13000);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CHECKING);
  assert_int_equal(paw_ice_get_state(duo.sides[1].ice), PAW_ICE_STATE_CHECKING);
  struct paw_address local;
  struct paw_address remote;
  assert_false(paw_ice_get_selected_pair(duo.sides[0].ice, &local, &remote));
  if (comes_back) {
    set_loss(0);
    duo_run_ms(&duo, 500);
    assert_connected();
    assert_old_pair();
  } else {
    duo_run_ms(&duo, 39500 - 13000 - 100);
    assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CHECKING);
    duo_run_ms(&duo, 200);
    assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_FAILED);
    assert_int_equal(paw_ice_get_state(duo.sides[1].ice), PAW_ICE_STATE_FAILED);
    assert_int_equal(duo.sides[0].reason, PAW_ICE_REASON_NO_PAIR);
  }
  duo_wipe(&duo);
}

static void test_old_path_dies(void **state) {
  (void)state;
  old_path_dies(PAW_ICE_LITE, true);
  old_path_dies(PAW_ICE_FULL, true);
  old_path_dies(PAW_ICE_LITE, false);
  old_path_dies(PAW_ICE_FULL, false);
}

/* So does its address, after any time: what is left of the new generation's time remains. */
static void old_address_goes(uint64_t after_ms) {
  connect_sides(PAW_ICE_LITE);
  restart(0);
  restart(1);
  duo_tell_credentials(&duo, 0); /* and no candidates */
  duo_run_ms(&duo, after_ms);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CONNECTED);
  duo_remove_address(&duo, 0, 0);
  duo_drain(&duo, 0);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice),
                   after_ms < 39500 ? PAW_ICE_STATE_CHECKING : PAW_ICE_STATE_FAILED);
  duo_wipe(&duo);
}

static void test_old_address_goes(void **state) {
  (void)state;
  old_address_goes(1000);
  old_address_goes(39000);
  old_address_goes(60000);
}

static void with_loss(uint64_t seed, void *context) {
  const enum paw_ice_mode *second = context;
  struct duo_config config = {.seed = seed,
                              .modes = {PAW_ICE_FULL, *second},
                              .roles = {PAW_ICE_CONTROLLING},
                              .link = {.delay_ns = PAW_NS_PER_MS, .loss = 0.2}};
  duo_init(&duo, &config);
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 20000));
  restart(0);
  restart(1);
  duo_negotiate(&duo);
  duo_run_ms(&duo, 10000);
  assert_old_pair();
  assert_connected();
  duo_wipe(&duo);
}

static void test_with_loss(void **state) {
  (void)state;
  enum paw_ice_mode modes[] = {PAW_ICE_FULL, PAW_ICE_LITE};
  kit_seeds_run(with_loss, &modes[0], 30);
  kit_seeds_run(with_loss, &modes[1], 30);
}

static void test_closed(void **state) {
  (void)state;
  connect_sides(PAW_ICE_FULL);
  paw_ice_close(duo.sides[0].ice);
  assert_int_equal(paw_ice_restart(duo.sides[0].ice, duo.clock.now_ns), PAW_ERR_STATE);
  duo.sides[1].rng.failing = true;
  struct paw_ice_credentials before = *paw_ice_get_credentials(duo.sides[1].ice);
  assert_int_equal(paw_ice_restart(duo.sides[1].ice, duo.clock.now_ns), PAW_ERR_RANDOM);
  assert_string_equal(before.pwd, paw_ice_get_credentials(duo.sides[1].ice)->pwd);
  duo.sides[1].rng.failing = false;
  duo.sides[1].memory.fail_nth = 1;
  assert_int_equal(paw_ice_restart(duo.sides[1].ice, duo.clock.now_ns), PAW_ERR_NO_MEMORY);
  assert_string_equal(before.pwd, paw_ice_get_credentials(duo.sides[1].ice)->pwd);
  duo_assert_selected(&duo, 1, "192.0.2.2:40000", "192.0.2.1:8443");
  duo_wipe(&duo);
}

static void assert_wiped(const struct paw_ice_credentials *credentials) {
  struct paw_hmac_key key;
  const uint8_t *pwd = (const uint8_t *)credentials->pwd;
  assert_true(was_wiped(credentials, sizeof *credentials));
  assert_int_equal(paw_hmac_key_init(&key, pwd, strlen(credentials->pwd)), PAW_OK);
  assert_true(was_wiped(&key, sizeof key));
}

/* A new password stays nowhere but in the agent, and nowhere at all where there is no memory for
 * the restart. */
static void test_leaves_no_secret(void **state) {
  (void)state;
  connect_sides(PAW_ICE_FULL);
  struct duo_side *side = &duo.sides[1];
  struct kit_rng before = side->rng;
  wiped_len = 0;
  assert_int_equal(paw_ice_restart(side->ice, duo.clock.now_ns), PAW_OK);
  struct paw_ice_credentials made = *paw_ice_get_credentials(side->ice);
  assert_wiped(&made);
  duo_wipe(&duo);

  connect_sides(PAW_ICE_FULL);
  assert_memory_equal(&before, &side->rng, sizeof before); /* it makes the same ones */
  side->memory.fail_nth = 1;
  wiped_len = 0;
  assert_int_equal(paw_ice_restart(side->ice, duo.clock.now_ns), PAW_ERR_NO_MEMORY);
  assert_wiped(&made);
  duo_wipe(&duo);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_slow_signalling),  cmocka_unit_test(test_old_credentials),
      cmocka_unit_test(test_new_address),      cmocka_unit_test(test_after_failure),
      cmocka_unit_test(test_twice_and_never),  cmocka_unit_test(test_with_loss),
      cmocka_unit_test(test_closed),           cmocka_unit_test(test_old_path_dies),
      cmocka_unit_test(test_old_address_goes), cmocka_unit_test(test_begins_clean),
      cmocka_unit_test(test_leaves_no_secret),
  };
  return cmocka_run_group_tests_name("ice_restart", tests, NULL, NULL);
}
