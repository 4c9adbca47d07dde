/* SPDX-License-Identifier: MIT */
/* The calls of the public header: what they refuse, what they tell, and that memory may fail. */
#include "craft.h"

static struct duo duo;

static int set_up(void **state) {
  (void)state;
  struct duo_config config = {.seed = 21, .roles = {PAW_ICE_CONTROLLING}};
  duo_init(&duo, &config);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  duo_wipe(&duo);
  return 0;
}

static void test_new(void **state) {
  (void)state;
  struct paw_ice_config config;
  struct paw_ice *ice = NULL;
  paw_ice_config_init(&config);
  assert_int_equal(config.ta_ns, 5 * PAW_NS_PER_MS);
  assert_int_equal(config.initial_rto_ns, 50 * PAW_NS_PER_MS);
  assert_int_equal(config.check_timeout_ns, 8 * PAW_NS_PER_S);
  assert_int_equal(config.consent_timeout_ns, 30 * PAW_NS_PER_S);
  assert_int_equal(config.disconnect_ns, 5 * PAW_NS_PER_S);
  assert_int_equal(config.connect_timeout_ns, 39500 * PAW_NS_PER_MS);
  assert_int_equal(paw_ice_new(&config, 0, &ice), PAW_ERR_INVALID); /* no random source */
  struct kit_rng rng;
  kit_rng_init(&rng, 1);
  config.rng = kit_rng_hook(&rng);
  config.struct_size = 0;
  assert_int_equal(paw_ice_new(&config, 0, &ice), PAW_ERR_INVALID);
  config.struct_size = sizeof config;
  config.ta_ns = 0;
  assert_int_equal(paw_ice_new(&config, 0, &ice), PAW_ERR_INVALID);
  config.ta_ns = 1;
  static const uint64_t bad_rto_ns[] = {0, PAW_NS_PER_MS - 1, 1600 * PAW_NS_PER_MS + 1};
  static const uint64_t good_rto_ns[] = {PAW_NS_PER_MS, 1600 * PAW_NS_PER_MS};
  for (size_t i = 0; i < sizeof bad_rto_ns / sizeof bad_rto_ns[0]; i++) {
    config.initial_rto_ns = bad_rto_ns[i];
    assert_int_equal(paw_ice_new(&config, 0, &ice), PAW_ERR_INVALID);
  }
  for (size_t i = 0; i < sizeof good_rto_ns / sizeof good_rto_ns[0]; i++) {
    config.initial_rto_ns = good_rto_ns[i];
    assert_int_equal(paw_ice_new(&config, 0, &ice), PAW_OK);
    paw_ice_free(ice);
  }
  paw_ice_config_init(&config);
  config.rng = kit_rng_hook(&rng);
  rng.failing = true;
  assert_int_equal(paw_ice_new(&config, 0, &ice), PAW_ERR_RANDOM);
  rng.failing = false;
  struct kit_allocator memory = {.fail_nth = 1};
  config.allocator = kit_allocator_hook(&memory);
  assert_int_equal(paw_ice_new(&config, 0, &ice), PAW_ERR_NO_MEMORY);
  assert_int_equal(paw_ice_new(&config, 0, &ice), PAW_OK);
  assert_int_equal(paw_ice_get_state(ice), PAW_ICE_STATE_NEW);
  assert_int_equal(paw_ice_get_mode(ice), PAW_ICE_FULL);
  paw_ice_free(ice);
  paw_ice_free(NULL);
  assert_int_equal(memory.outstanding_bytes, 0);
}

static void test_credentials(void **state) {
  (void)state;
  const struct paw_ice_credentials *a = paw_ice_get_credentials(duo.sides[0].ice);
  const struct paw_ice_credentials *b = paw_ice_get_credentials(duo.sides[1].ice);
  assert_true(strlen(a->ufrag) >= 4 && strlen(a->pwd) >= 22);
  assert_string_not_equal(a->ufrag, b->ufrag);
  assert_string_not_equal(a->pwd, b->pwd);
}

static int set_remote(const char *ufrag, size_t ufrag_len, const char *pwd, size_t pwd_len) {
  struct paw_ice_credentials credentials;
  memset(&credentials, 0, sizeof credentials);
  memcpy(credentials.ufrag, ufrag, ufrag_len);
  memcpy(credentials.pwd, pwd, pwd_len);
  return paw_ice_set_remote(duo.sides[0].ice, &credentials, false);
}

static void test_set_remote(void **state) {
  (void)state;
  char longest[PAW_ICE_CREDENTIAL_MAX + 1];
  memset(longest, '+', sizeof longest);
  assert_int_equal(set_remote("abc", 3, longest, 22), PAW_ERR_INVALID);
  assert_int_equal(set_remote("abcd", 4, longest, 21), PAW_ERR_INVALID);
  assert_int_equal(set_remote("abc ", 4, longest, 22), PAW_ERR_INVALID);
  assert_int_equal(set_remote("ab:d", 4, longest, 22), PAW_ERR_INVALID);
  assert_int_equal(set_remote(longest, 257, longest, 22), PAW_ERR_INVALID); /* no NUL */
  assert_int_equal(set_remote("abcd", 4, longest, 257), PAW_ERR_INVALID);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_NEW);
  assert_int_equal(set_remote(longest, 256, longest, 256), PAW_OK);
  assert_int_equal(set_remote(longest, 256, longest, 256), PAW_OK);
  assert_int_equal(set_remote(longest, 255, longest, 256), PAW_ERR_STATE);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CHECKING);
  duo_tell_candidates(&duo, 0); /* the longest check there is fits */
  duo_drain(&duo, 0);
  assert_int_equal(duo.sides[0].transmits, 1);
  assert_int_equal(craft_read_last(&duo.sides[0]).username.len, 256 + 1 + 8);
}

static void test_input_is_checked(void **state) {
  (void)state;
  struct paw_ice *ice = duo.sides[0].ice;
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = duo.clock.now_ns,
                            .local = duo_address("192.0.2.1:8443"),
                            .remote = duo_address("192.0.2.2:1"),
                            .len = 20};
  assert_int_equal(paw_ice_handle_input(ice, &input), PAW_ERR_INVALID);
  const uint8_t byte = 0;
  input.data = &byte;
  input.len = 1;
  input.local.family = PAW_FAMILY_NONE;
  assert_int_equal(paw_ice_handle_input(ice, &input), PAW_ERR_INVALID);
  input.local.family = PAW_FAMILY_IPV4;
  input.remote.family = PAW_FAMILY_NONE;
  assert_int_equal(paw_ice_handle_input(ice, &input), PAW_ERR_INVALID);
  input.remote.family = PAW_FAMILY_IPV4;
  assert_int_equal(paw_ice_handle_input(ice, &input), PAW_OK);
  assert_int_equal(duo_stats(&duo, 0).dropped_malformed, 1);
}

static void test_events(void **state) {
  (void)state;
  duo_negotiate(&duo);
  duo_run_ms(&duo, 100);
  for (int side = 0; side < 2; side++) {
    assert_int_equal(duo.sides[side].state_events, 2); /* CHECKING, CONNECTED */
    assert_int_equal(duo.sides[side].valid_events, 1);
    assert_int_equal(duo.sides[side].selected_events, 1);
  }
  for (int side = 0; side < 2; side++) {
    const struct duo_side *it = &duo.sides[side];
    const struct paw_address *other = &duo.sides[1 - side].addresses[0];
    assert_true(paw_address_equal(&it->local, &it->addresses[0]));
    assert_true(paw_address_equal(&it->remote, other));
    assert_true(paw_address_equal(&it->valid_local, &it->addresses[0]));
    assert_true(paw_address_equal(&it->valid_remote, other));
    struct paw_ice_stats stats = duo_stats(&duo, side);
    assert_true(stats.requests_sent > 0);
    assert_int_equal(stats.requests_sent, duo_stats(&duo, 1 - side).requests_received);
    assert_int_equal(stats.responses_sent, stats.requests_received);
    assert_int_equal(stats.responses_received, stats.requests_sent);
  }
  assert_string_equal(paw_ice_state_text(PAW_ICE_STATE_DISCONNECTED), "disconnected");
  assert_string_equal(paw_ice_state_text((enum paw_ice_state)99), "unknown state");
  assert_string_equal(paw_ice_reason_text(PAW_ICE_REASON_NO_PAIR), "no pair was validated in time");
  assert_string_equal(paw_ice_reason_text((enum paw_ice_reason)99), "unknown reason");
}

/* Inputs pile up without a poll: the events tell the state as it is then. */
static void test_late_poll(void **state) {
  (void)state;
  struct paw_ice *ice = duo.sides[1].ice;
  duo_tell_credentials(&duo, 1);
  struct craft check = craft_check(ice, true);
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = duo.clock.now_ns,
                            .local = duo.sides[1].addresses[0],
                            .remote = duo.sides[0].addresses[0],
                            .data = check.data,
                            .len = check.len};
  assert_int_equal(paw_ice_handle_input(ice, &input), PAW_OK);
  paw_ice_close(ice);
  paw_ice_close(ice);
  duo_drain(&duo, 1);
  assert_int_equal(duo.sides[1].transmits, 0);
  assert_int_equal(duo.sides[1].state_events, 1);
  assert_int_equal(paw_ice_get_state(ice), PAW_ICE_STATE_CLOSED);
  assert_true(duo.sides[1].deadline_ns == PAW_TIME_NEVER);
}

static void test_closed(void **state) {
  (void)state;
  struct paw_ice *ice = duo.sides[0].ice;
  duo_negotiate(&duo);
  duo_run_ms(&duo, 100);
  paw_ice_close(ice);
  struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = duo.clock.now_ns};
  struct paw_candidate candidate = {.address = duo_address("192.0.2.60:1")};
  struct paw_address address;
  assert_int_equal(paw_ice_handle_input(ice, &input), PAW_ERR_STATE);
  assert_int_equal(paw_ice_add_local_candidate(ice, &candidate), PAW_ERR_STATE);
  assert_int_equal(paw_ice_add_remote_candidate(ice, &candidate), PAW_ERR_STATE);
  assert_int_equal(paw_ice_remove_local_candidate(ice, &candidate.address), PAW_ERR_STATE);
  assert_int_equal(paw_ice_end_remote_candidates(ice), PAW_ERR_STATE);
  assert_int_equal(paw_ice_set_role(ice, PAW_ICE_CONTROLLED), PAW_ERR_STATE);
  assert_false(paw_ice_get_selected_pair(ice, &address, &address));
  paw_ice_note_authenticated(ice, duo.clock.now_ns, &address, &address);
  duo_drain(&duo, 0);
  assert_int_equal(paw_ice_get_state(ice), PAW_ICE_STATE_CLOSED);
}

static bool accepts(int side, const struct craft *craft) {
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .local = duo.sides[side].addresses[0],
                            .remote = duo.sides[1 - side].addresses[0],
                            .data = craft->data,
                            .len = craft->len};
  return paw_ice_accepts(duo.sides[side].ice, &input);
}

static void test_accepts(void **state) {
  (void)state;
  struct craft check = craft_check(duo.sides[0].ice, false);
  assert_true(accepts(0, &check));
  assert_false(accepts(1, &check));
  check.data[check.len - 1] ^= 1; /* integrity is not looked at */
  assert_true(accepts(0, &check));
  check.len -= 4;
  assert_false(accepts(0, &check));
  duo_tell_credentials(&duo, 0);
  duo_tell_candidates(&duo, 0);
  duo_drain(&duo, 0);
  struct craft answer =
      craft_success(&duo.sides[0].last, duo.sides[0].last_data, duo.sides[0].last_len, "any");
  assert_true(accepts(0, &answer));
  assert_false(accepts(1, &answer));
  struct paw_stun_message indication = craft_request((struct paw_slice){0});
  indication.class = PAW_STUN_INDICATION;
  indication.has = PAW_STUN_HAS_FINGERPRINT;
  struct craft keepalive = craft_seal(&indication, "");
  assert_false(accepts(0, &keepalive));
  duo_negotiate(&duo);
  duo_run_ms(&duo, 100);
  assert_true(accepts(0, &keepalive));
  struct paw_stun_message anonymous = craft_request((struct paw_slice){0});
  anonymous.has &= ~(uint32_t)PAW_STUN_HAS_USERNAME;
  struct craft request = craft_seal(&anonymous, "");
  assert_false(accepts(0, &request));
}

/* What an idle, connected agent holds. */
static void test_memory(void **state) {
  (void)state;
  duo_negotiate(&duo);
  duo_run_ms(&duo, 5000);
  print_message("%u bytes an agent\n", (unsigned)duo.sides[0].memory.outstanding_bytes);
  assert_true(duo.sides[0].memory.outstanding_bytes <= 4096);
}

/* Each allocation in turn fails, once: nothing leaks or crashes, and when the peers try on, they
 * connect all the same. */
static void test_out_of_memory(void **state) {
  (void)state;
  int failures = 0;
  uint64_t failed = 0;
  for (uint64_t nth = 1; nth <= 8; nth++) {
    tear_down(NULL);
    set_up(NULL);
    duo.sides[0].memory.fail_nth = nth;
    duo.sides[1].memory.fail_nth = nth;
    for (int side = 0; side < 2; side++) {
      struct paw_candidate candidate = {
          .type = PAW_CANDIDATE_HOST, .address = duo.sides[1 - side].addresses[0], .priority = 5};
      duo_tell_credentials(&duo, side);
      int status = paw_ice_add_remote_candidate(duo.sides[side].ice, &candidate);
      if (status == PAW_ERR_NO_MEMORY) {
        failures++;
        status = paw_ice_add_remote_candidate(duo.sides[side].ice, &candidate);
      }
      assert_int_equal(status, PAW_OK);
    }
    assert_true(duo_run_connected(&duo, 1000));
    failed += duo.sides[0].memory.failed + duo.sides[1].memory.failed;
  }
  assert_int_equal(failures, 4); /* pairs and remotes of either side */
  assert_true(failed >= 6);      /* and the queue of answers */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_new),  CASE(test_credentials), CASE(test_set_remote),
      CASE(test_input_is_checked), CASE(test_events),      CASE(test_late_poll),
      CASE(test_closed),           CASE(test_accepts),     CASE(test_memory),
      CASE(test_out_of_memory),
  };
  return cmocka_run_group_tests_name("ice_agent", tests, NULL, NULL);
}
