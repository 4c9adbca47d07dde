/* SPDX-License-Identifier: MIT */
/* Who controls: conflicts are settled by the tie-breaker, on whichever side they are noticed. */
#include "craft.h"
#include "ice/ice_private.h"
#include "kit/hmac.h"

static const struct kit_link_config lan = {.delay_ns = PAW_NS_PER_MS};

static void assert_settled(struct duo *duo) {
  duo_run_ms(duo, 300);
  assert_true(paw_ice_get_role(duo->sides[0].ice) != paw_ice_get_role(duo->sides[1].ice));
  duo_assert_selected(duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
  duo_assert_selected(duo, 1, "192.0.2.2:40000", "192.0.2.1:8443");
  assert_true(duo_stats(duo, 0).role_conflicts + duo_stats(duo, 1).role_conflicts > 0);
}

struct conflict {
  enum paw_ice_role role;
  double loss;
};

static void settle(uint64_t seed, void *context) {
  const struct conflict *conflict = context;
  struct duo_config config = {.seed = seed, .roles = {conflict->role, conflict->role}, .link = lan};
  config.link.loss = conflict->loss;
  struct duo duo;
  duo_init(&duo, &config);
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, conflict->loss > 0 ? 20000 : 40));
  if (conflict->loss > 0) {
    duo_run_ms(&duo, 10000);
  }
  assert_settled(&duo);
  duo_wipe(&duo);
}

static void test_both_controlling(void **state) {
  (void)state;
  kit_seeds_run(settle, &(struct conflict){.role = PAW_ICE_CONTROLLING}, 40);
}

static void test_both_controlled(void **state) {
  (void)state;
  kit_seeds_run(settle, &(struct conflict){.role = PAW_ICE_CONTROLLED}, 40);
}

static void test_both_controlling_with_loss(void **state) {
  (void)state;
  kit_seeds_run(settle, &(struct conflict){.role = PAW_ICE_CONTROLLING, .loss = 0.2}, 40);
}

static void test_both_controlled_with_loss(void **state) {
  (void)state;
  kit_seeds_run(settle, &(struct conflict){.role = PAW_ICE_CONTROLLED, .loss = 0.2}, 40);
}

/* ---- one side, by hand ---- */

#define PEER_PWD "peerpeerpeerpeerpeerpe"

static struct duo duo;
static struct duo_side *const side = &duo.sides[0];
static struct paw_address peer;

static void begin(enum paw_ice_mode mode, enum paw_ice_role role, bool remote_lite) {
  struct duo_config config = {.seed = 9, .modes = {mode}, .roles = {role}};
  duo_init(&duo, &config);
  duo.sides[1].address_count = 0;
  peer = duo_address("192.0.2.2:40000");
  struct paw_ice_credentials remote = {.ufrag = "peer", .pwd = PEER_PWD};
  assert_int_equal(paw_ice_set_remote(side->ice, &remote, remote_lite), PAW_OK);
  duo_drain(&duo, 0);
}

/* A check of a peer that says it has this role and tie-breaker; the code of the answer, 0 for
 * success. */
static uint16_t ask(enum paw_ice_role role, uint64_t tie_breaker) {
  struct paw_stun_message request = craft_request(craft_username(side->ice, "peer"));
  request.has &= ~(uint32_t)PAW_STUN_HAS_CONTROLLING;
  request.has |= role == PAW_ICE_CONTROLLING ? PAW_STUN_HAS_CONTROLLING : PAW_STUN_HAS_CONTROLLED;
  request.controlling = tie_breaker;
  request.controlled = tie_breaker;
  struct craft check = craft_seal(&request, paw_ice_get_credentials(side->ice)->pwd);
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = duo.clock.now_ns,
                            .local = side->addresses[0],
                            .remote = peer,
                            .data = check.data,
                            .len = check.len};
  assert_int_equal(paw_ice_handle_input(side->ice, &input), PAW_OK);
  struct paw_ice_output output;
  paw_ice_poll_output(side->ice, &output);
  assert_int_equal(output.kind, PAW_OUTPUT_TRANSMIT);
  struct paw_stun_message answer;
  assert_int_equal(paw_stun_read(output.transmit.data, output.transmit.len, &answer),
                   PAW_STUN_FAULT_NONE);
  const char *pwd = paw_ice_get_credentials(side->ice)->pwd;
  assert_true(paw_stun_check_integrity(&answer, KIT_HMAC_KEY((const uint8_t *)pwd, strlen(pwd))));
  return answer.error_code;
}

/* RFC 8445 section 7.3.1.1, the four cases. */
static void test_four_cases(void **state) {
  (void)state;
  begin(PAW_ICE_FULL, PAW_ICE_CONTROLLING, false);
  assert_int_equal(ask(PAW_ICE_CONTROLLING, 0), 487);
  assert_int_equal(ask(PAW_ICE_CONTROLLING, side->ice->tie_breaker), 487);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
  assert_int_equal(ask(PAW_ICE_CONTROLLING, UINT64_MAX), 0);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLED);
  duo_wipe(&duo);
  begin(PAW_ICE_FULL, PAW_ICE_CONTROLLED, false);
  assert_int_equal(ask(PAW_ICE_CONTROLLED, UINT64_MAX), 487);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLED);
  assert_int_equal(ask(PAW_ICE_CONTROLLED, 0), 0);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
  assert_int_equal(duo_stats(&duo, 0).role_conflicts, 2);
  duo_wipe(&duo);
  begin(PAW_ICE_FULL, PAW_ICE_CONTROLLED, false);
  assert_int_equal(ask(PAW_ICE_CONTROLLED, side->ice->tie_breaker), 0);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
  duo_wipe(&duo);
}

/* Until the first check the role may be chosen; conflicts are decided by a number that is random.
 */
static void test_chosen(void **state) {
  (void)state;
  uint64_t tie_breakers[2];
  for (int i = 0; i < 2; i++) {
    struct duo_config config = {.seed = 9 + (uint64_t)i};
    duo_init(&duo, &config);
    assert_int_equal(paw_ice_set_role(side->ice, PAW_ICE_CONTROLLING), PAW_OK);
    assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
    duo_negotiate(&duo);
    duo_drain(&duo, 0);
    struct paw_stun_message request = craft_read_last(side);
    assert_true((request.has & PAW_STUN_HAS_CONTROLLING) != 0);
    tie_breakers[i] = request.controlling;
    assert_int_equal(paw_ice_set_role(side->ice, PAW_ICE_CONTROLLED), PAW_ERR_STATE);
    assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
    duo_wipe(&duo);
  }
  assert_true(tie_breakers[0] > UINT32_MAX && tie_breakers[1] > UINT32_MAX);
  assert_true(tie_breakers[0] != tie_breakers[1]);
}

static void test_lite_insists(void **state) {
  (void)state;
  begin(PAW_ICE_LITE, PAW_ICE_CONTROLLING, false);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLED);
  assert_int_equal(ask(PAW_ICE_CONTROLLED, 0), 487);
  assert_int_equal(ask(PAW_ICE_CONTROLLED, UINT64_MAX), 487);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLED);
  assert_false(paw_ice_is_valid_pair(side->ice, &side->addresses[0], &peer));
  assert_int_equal(ask(PAW_ICE_CONTROLLING, UINT64_MAX), 0);
  duo_wipe(&duo);
}

static void test_full_controls_lite(void **state) {
  (void)state;
  begin(PAW_ICE_FULL, PAW_ICE_CONTROLLED, true);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
  assert_int_equal(paw_ice_set_role(side->ice, PAW_ICE_CONTROLLED), PAW_OK);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
  assert_int_equal(ask(PAW_ICE_CONTROLLING, UINT64_MAX), 487);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
  duo_wipe(&duo);
}

/* A path that the peer has nominated; both sides turn out to be controlled: the one that controls
 * now has to nominate. */
static void test_nominated_before(void **state) {
  (void)state;
  begin(PAW_ICE_FULL, PAW_ICE_CONTROLLED, false);
  struct craft check = craft_check(side->ice, true);
  duo_feed(&duo, 0, &peer, check.data, check.len);
  struct craft success = craft_success(&side->last, side->last_data, side->last_len, PEER_PWD);
  duo_feed(&duo, 0, &peer, success.data, success.len);
  duo_run_ms(&duo, 10);
  uint64_t sent = duo_stats(&duo, 0).requests_sent;
  assert_int_equal(ask(PAW_ICE_CONTROLLED, 0), 0);
  duo_run_ms(&duo, 10);
  duo_assert_selected(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
  assert_int_equal(duo_stats(&duo, 0).requests_sent, sent + 1);
  assert_true((craft_read_last(side).has & PAW_STUN_HAS_USE_CANDIDATE) != 0);
  duo_wipe(&duo);
}

/* A 487 to a request of the role before answers what is settled by now. */
static void answer_487_after(bool settled) {
  begin(PAW_ICE_FULL, PAW_ICE_CONTROLLED, false);
  struct paw_candidate candidate = {.address = peer, .priority = 1};
  assert_int_equal(paw_ice_add_remote_candidate(side->ice, &candidate), PAW_OK);
  duo_drain(&duo, 0);
  struct craft success = craft_success(&side->last, side->last_data, side->last_len, PEER_PWD);
  duo_feed(&duo, 0, &peer, success.data, success.len);
  uint64_t sent = side->transmits;
  duo_run_ms(&duo, 620);
  assert_int_equal(side->transmits, sent + 1); /* a check of the path in use */
  struct craft late = craft_error(side->last_data, side->last_len, 487, PEER_PWD);
  if (settled) {
    assert_int_equal(ask(PAW_ICE_CONTROLLED, 0), 0);
    assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
  }
  duo_feed(&duo, 0, &peer, late.data, late.len);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
  assert_int_equal(duo_stats(&duo, 0).role_conflicts, 1);
  duo_wipe(&duo);
}

static void test_487_too_late(void **state) {
  (void)state;
  answer_487_after(false);
  answer_487_after(true);
}

/* RFC 8445 section 7.2.5.1: the check is sent again in the other role, as a new transaction, with a
 * new tie-breaker. A 487 that is not authentic changes nothing. */
static void test_487_turns(void **state) {
  (void)state;
  begin(PAW_ICE_FULL, PAW_ICE_CONTROLLING, false);
  struct paw_candidate candidate = {.address = peer, .priority = 1};
  assert_int_equal(paw_ice_add_remote_candidate(side->ice, &candidate), PAW_OK);
  duo_drain(&duo, 0);
  struct paw_stun_message before = craft_read_last(side);
  uint64_t tie_breaker = before.controlling;
  uint8_t id[PAW_STUN_ID_LEN];
  memcpy(id, before.id, sizeof id);
  struct craft conflict = craft_error(side->last_data, side->last_len, 487, "wrong");
  duo_feed(&duo, 0, &peer, conflict.data, conflict.len);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
  conflict = craft_error(side->last_data, side->last_len, 487, PEER_PWD);
  duo_feed(&duo, 0, &peer, conflict.data, conflict.len);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLED);
  duo_run_ms(&duo, 5);
  struct paw_stun_message after = craft_read_last(side);
  assert_true((after.has & PAW_STUN_HAS_CONTROLLED) != 0);
  assert_true(after.controlled != tie_breaker);
  assert_memory_not_equal(after.id, id, sizeof id);
  duo_feed(&duo, 0, &peer, conflict.data, conflict.len); /* again: of no transaction */
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLED);
  assert_int_equal(paw_ice_set_role(side->ice, PAW_ICE_CONTROLLING), PAW_ERR_STATE);
  duo_wipe(&duo);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_both_controlling),
      cmocka_unit_test(test_both_controlled),
      cmocka_unit_test(test_both_controlling_with_loss),
      cmocka_unit_test(test_both_controlled_with_loss),
      cmocka_unit_test(test_four_cases),
      cmocka_unit_test(test_chosen),
      cmocka_unit_test(test_lite_insists),
      cmocka_unit_test(test_full_controls_lite),
      cmocka_unit_test(test_nominated_before),
      cmocka_unit_test(test_487_turns),
      cmocka_unit_test(test_487_too_late),
  };
  return cmocka_run_group_tests_name("ice_role", tests, NULL, NULL);
}
