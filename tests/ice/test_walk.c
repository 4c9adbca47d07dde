/* SPDX-License-Identifier: MIT */
/* Everything that can happen to two agents, in any order: no state that is none, no deadline that
 * does not lie ahead, nothing sent after the end, bounded memory; and a restart over a network that
 * is well again connects them. */
#include "craft.h"

#define STEPS 400

static struct duo duo;
static struct kit_rng rng;
static enum paw_ice_mode second_mode;

static int any_side(void) {
  return (int)kit_rng_below(&rng, 2);
}

static bool is_over(int side) {
  enum paw_ice_state state = paw_ice_get_state(duo.sides[side].ice);
  return state == PAW_ICE_STATE_FAILED || state == PAW_ICE_STATE_CLOSED;
}

static struct paw_address any_address(void) {
  struct paw_address address = duo_address("192.0.2.1:8443");
  address.ip[3] = (uint8_t)(1 + kit_rng_below(&rng, 4));
  address.port = kit_rng_chance(&rng, 0.5) ? 8443 : 40000;
  return address;
}

static void change_network(void) {
  static const double losses[] = {0, 0.3, 1};
  struct kit_link_config link = {.delay_ns = (1 + kit_rng_below(&rng, 30)) * PAW_NS_PER_MS,
                                 .loss = losses[kit_rng_below(&rng, 3)]};
  kit_net_configure(duo.net, &link);
}

static void change_addresses(int side) {
  struct duo_side *it = &duo.sides[side];
  duo_sync(&duo, side);
  if (is_over(side)) {
    return;
  }
  if (kit_rng_chance(&rng, 0.5)) {
    duo_remove_address(&duo, side, (size_t)kit_rng_below(&rng, it->address_count));
  } else {
    struct paw_candidate fresh = {.type = PAW_CANDIDATE_HOST, .address = any_address()};
    it->addresses[kit_rng_below(&rng, it->address_count)] = fresh.address;
    int status = paw_ice_add_local_candidate(it->ice, &fresh);
    assert_true(status == PAW_OK || status == PAW_ERR_LIMIT);
  }
}

static void tell(int side) {
  struct paw_candidate remote = {
      .type = PAW_CANDIDATE_HOST, .address = any_address(), .priority = 7};
  duo_sync(&duo, side);
  bool lite = paw_ice_get_mode(duo.sides[1 - side].ice) == PAW_ICE_LITE;
  (void)paw_ice_set_remote(duo.sides[side].ice, paw_ice_get_credentials(duo.sides[1 - side].ice),
                           lite);
  (void)paw_ice_add_remote_candidate(duo.sides[side].ice, &remote);
}

/* A request that is good, in any role, from anywhere, to any address of the side's. */
static void ask(int side) {
  struct duo_side *it = &duo.sides[side];
  struct paw_stun_message request = craft_request(craft_username(it->ice, "peer"));
  bool controls = kit_rng_chance(&rng, 0.7);
  request.has &= ~(uint32_t)PAW_STUN_HAS_CONTROLLING;
  request.has |= controls ? PAW_STUN_HAS_CONTROLLING : PAW_STUN_HAS_CONTROLLED;
  request.has |= controls && kit_rng_chance(&rng, 0.5) ? PAW_STUN_HAS_USE_CANDIDATE : 0u;
  request.controlling = kit_rng_u64(&rng);
  request.controlled = request.controlling;
  struct craft check = craft_seal(&request, paw_ice_get_credentials(it->ice)->pwd);
  struct paw_address from = any_address();
  if (it->addresses[0].family != PAW_FAMILY_NONE) {
    duo_feed(&duo, side, &from, check.data, check.len);
  }
}

/* An answer of the peer to what the side sent last, of any kind. */
static void answer(int side) {
  static const uint16_t codes[] = {0, 0, 0, 400, 403, 487};
  struct duo_side *it = &duo.sides[side];
  if (it->last_len == 0 || it->last.local.family == PAW_FAMILY_NONE) {
    return;
  }
  const char *pwd = paw_ice_get_remote_credentials(it->ice)->pwd;
  uint16_t code = codes[kit_rng_below(&rng, sizeof codes / sizeof codes[0])];
  struct craft reply = code == 0 ? craft_success(&it->last, it->last_data, it->last_len, pwd)
                                 : craft_error(it->last_data, it->last_len, code, pwd);
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = duo.clock.now_ns,
                            .local = it->last.local,
                            .remote = it->last.remote,
                            .data = reply.data,
                            .len = reply.len};
  it->fed_ns = duo.clock.now_ns;
  assert_int_equal(paw_ice_handle_input(it->ice, &input), PAW_OK);
}

static void note_data(int side) {
  struct paw_address local = any_address();
  struct paw_address remote = any_address();
  duo.sides[side].fed_ns = duo.clock.now_ns;
  paw_ice_note_authenticated(duo.sides[side].ice, duo.clock.now_ns, &local, &remote);
}

static void act(void) {
  int side = any_side();
  switch (kit_rng_below(&rng, 16)) {
  case 0:
    change_network();
    break;
  case 1:
    change_addresses(side);
    break;
  case 2:
    duo_sync(&duo, side);
    assert_int_equal(paw_ice_restart(duo.sides[side].ice, duo.clock.now_ns), PAW_OK);
    break;
  case 3:
  case 4:
    tell(side);
    break;
  case 5:
  case 6:
  case 7:
    ask(side);
    break;
  case 8:
  case 9:
  case 10:
    answer(side);
    break;
  case 11:
  case 12:
    note_data(side);
    break;
  case 13:
    kit_clock_advance_ms(&duo.clock, kit_rng_below(&rng, 40000));
    break;
  default:
    duo_run_ms(&duo, kit_rng_below(&rng, 3000));
    break;
  }
}

static void assert_sound(int side) {
  struct duo_side *it = &duo.sides[side];
  struct paw_address local;
  struct paw_address remote;
  duo_drain(&duo, side);
  bool has_path = paw_ice_get_selected_pair(it->ice, &local, &remote);
  enum paw_ice_state state = paw_ice_get_state(it->ice);
  if (state == PAW_ICE_STATE_CONNECTED) {
    assert_true(has_path);
  } else if (state != PAW_ICE_STATE_DISCONNECTED) {
    assert_false(has_path);
  }
  if (is_over(side)) {
    uint64_t sent = it->transmits;
    ask(side);
    duo_drain(&duo, side);
    assert_int_equal(it->transmits, sent);
    assert_true(it->deadline_ns == PAW_TIME_NEVER);
  }
  bool has_reason = state == PAW_ICE_STATE_DISCONNECTED || state == PAW_ICE_STATE_FAILED;
  assert_int_equal(it->reason != PAW_ICE_REASON_NONE, has_reason);
  assert_true(it->memory.outstanding_bytes < 24000);
}

static void begin_anew(int side, const char *address) {
  struct duo_side *it = &duo.sides[side];
  struct paw_candidate candidates[PAW_DESCRIPTION_CANDIDATES_MAX];
  size_t count = paw_ice_get_local_candidates(it->ice, candidates, PAW_DESCRIPTION_CANDIDATES_MAX);
  for (size_t i = 0; i < count; i++) { /* without an address it may fail at once */
    assert_int_equal(paw_ice_restart(it->ice, duo.clock.now_ns), PAW_OK);
    assert_int_equal(paw_ice_remove_local_candidate(it->ice, &candidates[i].address), PAW_OK);
  }
  assert_int_equal(paw_ice_restart(it->ice, duo.clock.now_ns), PAW_OK);
  it->address_count = 0;
  it->connected_ns = 0;
  duo_add_address(&duo, side, address);
}

static void walk(uint64_t seed, void *context) {
  (void)context;
  struct duo_config config = {
      .seed = seed, .modes = {PAW_ICE_FULL, second_mode}, .roles = {PAW_ICE_CONTROLLING}};
  kit_rng_init(&rng, seed);
  duo_init(&duo, &config);
  duo_add_address(&duo, 0, "192.0.2.3:8443");
  duo_negotiate(&duo);
  for (int i = 0; i < STEPS; i++) {
    act();
    assert_sound(0);
    assert_sound(1);
  }
  struct kit_link_config good = {.delay_ns = PAW_NS_PER_MS};
  kit_net_configure(duo.net, &good);
  begin_anew(0, "203.0.113.1:1");
  begin_anew(1, "203.0.113.2:2");
  duo_negotiate(&duo);
  duo_run_ms(&duo, 1000);
  duo_assert_selected(&duo, 0, "203.0.113.1:1", "203.0.113.2:2");
  duo_assert_selected(&duo, 1, "203.0.113.2:2", "203.0.113.1:1");
  duo_wipe(&duo);
}

static void test_full(void **state) {
  (void)state;
  second_mode = PAW_ICE_FULL;
  kit_seeds_run(walk, NULL, 50);
}

static void test_lite(void **state) {
  (void)state;
  second_mode = PAW_ICE_LITE;
  kit_seeds_run(walk, NULL, 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_full),
      cmocka_unit_test(test_lite),
  };
  return cmocka_run_group_tests_name("ice_walk", tests, NULL, NULL);
}
