/* SPDX-License-Identifier: MIT */
/* What an agent keeps is bounded; what is one too many is dropped and counted, or the oldest makes
 * room for it. */
#include "craft.h"
#include "ice/ice_private.h"

static struct duo duo;
static struct paw_ice *ice;

static void begin(enum paw_ice_mode mode) {
  struct duo_config config = {.seed = 1, .modes = {mode}, .roles = {PAW_ICE_CONTROLLING}};
  duo_init(&duo, &config);
  ice = duo.sides[0].ice;
}

/* Of its own addresses, those that it learnt. */
static size_t count_learnt(void) {
  return ice->locals.count - (size_t)1;
}

/* Answers to checks that say each time that they were seen to come from somewhere else. */
static void own_addresses_seen_by_peers(void **state) {
  (void)state;
  begin(PAW_ICE_FULL);
  for (uint32_t i = 0; i <= PAW_ICE_LEARNT_MAX; i++) {
    struct paw_candidate candidate = {.address = duo_address("198.51.100.1:1"), .priority = i + 1};
    candidate.address.port = (uint16_t)(1 + i);
    assert_int_equal(paw_ice_add_remote_candidate(ice, &candidate), PAW_OK);
  }
  duo_tell_credentials(&duo, 0);
  const char *pwd = paw_ice_get_credentials(duo.sides[1].ice)->pwd;
  struct paw_transmit seen = {.local = duo_address("203.0.113.1:1000")};
  size_t answered = 0;
  uint64_t known = 0;
  while (answered <= PAW_ICE_LEARNT_MAX) {
    assert_int_equal(duo_stats(&duo, 0).dropped_limit, 0);
    assert_int_equal(count_learnt(), answered);
    duo_run_ms(&duo, 1);
    uint16_t port = duo.sides[0].last.remote.port;
    if (duo.sides[0].last_len > 0 && (known & (UINT64_C(1) << port)) == 0) {
      known |= UINT64_C(1) << port;
      struct paw_address from = duo.sides[0].last.remote;
      struct craft answer =
          craft_success(&seen, duo.sides[0].last_data, duo.sides[0].last_len, pwd);
      duo_feed(&duo, 0, &from, answer.data, answer.len);
      seen.local.port++;
      answered++;
    }
  }
  assert_int_equal(count_learnt(), PAW_ICE_LEARNT_MAX);
  assert_int_equal(duo_stats(&duo, 0).dropped_limit, 1);
  assert_int_equal(duo_stats(&duo, 0).dropped_unmatched, 0);
  duo_wipe(&duo);
}

static void ask(const struct paw_address *remote, const struct craft *check) {
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = duo.clock.now_ns,
                            .local = duo.sides[0].addresses[0],
                            .remote = *remote,
                            .data = check->data,
                            .len = check->len};
  duo.sides[0].fed_ns = duo.clock.now_ns;
  assert_int_equal(paw_ice_handle_input(ice, &input), PAW_OK);
}

/* Requests between two polls: their answers wait in a queue that grows up to its bound. */
static void answers_that_wait(void **state) {
  (void)state;
  begin(PAW_ICE_LITE);
  struct paw_address peer = duo_address("198.51.100.1:1000");
  struct craft check = craft_check(ice, false);
  ask(&peer, &check); /* takes the memory of the tables */
  assert_int_equal(ice->answers.size, PAW_ICE_ANSWERS_INITIAL_BYTES);
  uint64_t asked = 1;
  while (duo_stats(&duo, 0).dropped_limit == 0) {
    assert_true(asked <= PAW_ICE_ANSWERS_MAX_BYTES / sizeof(struct paw_address));
    ask(&peer, &check);
    asked++;
  }
  assert_int_equal(ice->answers.size, PAW_ICE_ANSWERS_MAX_BYTES);
  size_t memory = duo.sides[0].memory.outstanding_bytes;
  for (int i = 0; i < 1000; i++) {
    ask(&peer, &check);
  }
  assert_int_equal(duo.sides[0].memory.outstanding_bytes, memory);
  assert_int_equal(duo_stats(&duo, 0).dropped_limit, 1001);
  duo_drain(&duo, 0);
  assert_int_equal(duo_stats(&duo, 0).responses_sent, asked - 1);
  assert_in_range(asked - 1, 15, 25);
  assert_true(paw_ice_is_valid_pair(ice, &duo.sides[0].addresses[0], &peer));
  duo_feed(&duo, 0, &peer, check.data, check.len);
  assert_int_equal(duo_stats(&duo, 0).responses_sent, asked);
  assert_int_equal(duo_stats(&duo, 0).dropped_limit, 1001);
  duo_wipe(&duo);
}

/* Those saved are given at once, and then one each so long. What a stranger was told does not
 * count.
 */
static void answers_to_members(void **state) {
  (void)state;
  begin(PAW_ICE_LITE);
  struct paw_address peer = duo_address("198.51.100.1:1000");
  struct craft check = craft_check(ice, false);
  struct paw_stun_message request = craft_request(craft_username(ice, "peer"));
  struct craft wrong = craft_seal(&request, "wrongwrongwrongwrongwr");
  duo_feed(&duo, 0, &peer, wrong.data, wrong.len);
  assert_int_equal(duo_stats(&duo, 0).responses_sent, 1);
  for (uint64_t i = 1; i <= PAW_ICE_ANSWERS_SAVED_MAX; i++) {
    duo_feed(&duo, 0, &peer, check.data, check.len);
    assert_int_equal(duo_stats(&duo, 0).responses_sent, 1 + i);
  }
  for (uint64_t i = 0; i < 3; i++) {
    duo_feed(&duo, 0, &peer, check.data, check.len);
    assert_int_equal(duo_stats(&duo, 0).dropped_limit, 2 * i + 1);
    duo.clock.now_ns += PAW_ICE_ANSWER_NS - 1;
    duo_feed(&duo, 0, &peer, check.data, check.len);
    assert_int_equal(duo_stats(&duo, 0).dropped_limit, 2 * i + 2);
    duo.clock.now_ns += 1;
    duo_feed(&duo, 0, &peer, check.data, check.len);
    assert_int_equal(duo_stats(&duo, 0).responses_sent, PAW_ICE_ANSWERS_SAVED_MAX + i + 2);
  }
  duo_wipe(&duo);
}

struct sent_check {
  uint8_t data[700];
  size_t len;
  struct paw_transmit transmit;
};

/* Of the next check that the first side sends, and that gets nowhere. */
static struct sent_check next_check(void) {
  struct sent_check check;
  uint64_t before = duo.sides[0].transmits;
  while (duo.sides[0].transmits == before) {
    duo_run_ms(&duo, 1);
  }
  check.len = duo.sides[0].last_len;
  check.transmit = duo.sides[0].last;
  memcpy(check.data, duo.sides[0].last_data, check.len);
  return check;
}

static void answer_to(const struct sent_check *check) {
  const char *pwd = paw_ice_get_credentials(duo.sides[1].ice)->pwd;
  struct craft answer = craft_success(&check->transmit, check->data, check->len, pwd);
  duo_feed(&duo, 0, &check->transmit.remote, answer.data, answer.len);
}

/* Nothing comes back for a while: the answer to the oldest check that is remembered still counts,
 * the one to the check before it does not. */
static void checks_that_await_an_answer(void **state) {
  (void)state;
  begin(PAW_ICE_FULL);
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 1000));
  duo_run_ms(&duo, 1000);
  struct kit_link_config dead = {.loss = 1};
  kit_net_configure(duo.net, &dead);
  struct sent_check checks[PAW_ICE_CONSENT_CHECKS_MAX + 1];
  for (size_t i = 0; i <= PAW_ICE_CONSENT_CHECKS_MAX; i++) {
    checks[i] = next_check();
  }
  uint64_t unmatched = duo_stats(&duo, 0).dropped_unmatched;
  uint64_t consent_ns = ice->path.consent_ns;
  answer_to(&checks[0]);
  assert_int_equal(duo_stats(&duo, 0).dropped_unmatched, unmatched + 1);
  assert_true(ice->path.consent_ns == consent_ns);
  answer_to(&checks[1]);
  assert_int_equal(duo_stats(&duo, 0).dropped_unmatched, unmatched + 1);
  assert_true(ice->path.consent_ns == duo.clock.now_ns);
  answer_to(&checks[PAW_ICE_CONSENT_CHECKS_MAX]);
  assert_int_equal(duo_stats(&duo, 0).dropped_unmatched, unmatched + 1);
  duo_wipe(&duo);
}

/* In a request that lists more attributes than are told of, the first ones are. */
static void unknown_attributes(void **state) {
  (void)state;
  begin(PAW_ICE_LITE);
  struct paw_address peer = duo_address("198.51.100.1:1000");
  for (size_t count = PAW_STUN_UNKNOWN_MAX; count <= 2 * PAW_STUN_UNKNOWN_MAX; count++) {
    uint8_t attributes[4 * 2 * PAW_STUN_UNKNOWN_MAX] = {0};
    for (size_t i = 0; i < count; i++) {
      attributes[4 * i] = 0x70;
      attributes[4 * i + 1] = (uint8_t)i;
    }
    struct paw_stun_message request = craft_request(craft_username(ice, "peer"));
    struct craft check =
        craft_seal_with(&request, attributes, 4 * count, paw_ice_get_credentials(ice)->pwd);
    duo_feed(&duo, 0, &peer, check.data, check.len);
    struct paw_stun_message answer = craft_read_last(&duo.sides[0]);
    assert_int_equal(answer.error_code, 420);
    assert_int_equal(answer.listed_count, PAW_STUN_UNKNOWN_MAX);
    for (size_t i = 0; i < PAW_STUN_UNKNOWN_MAX; i++) {
      assert_int_equal(answer.listed[i], 0x7000 + i);
    }
  }
  duo_wipe(&duo);
}

/* Between two that have the longest ufrags there may be. */
static void the_longest_check(void **state) {
  (void)state;
  begin(PAW_ICE_FULL);
  struct paw_ice_credentials remote = {{0}, {0}};
  memset(remote.ufrag, 'a', PAW_ICE_CREDENTIAL_MAX);
  memset(remote.pwd, 'b', PAW_ICE_CREDENTIAL_MAX);
  memset(ice->local_credentials.ufrag, 'c', PAW_ICE_CREDENTIAL_MAX);
  struct paw_candidate candidate = {.address = duo_address("198.51.100.1:1000"), .priority = 1};
  assert_int_equal(paw_ice_set_remote(ice, &remote, true), PAW_OK);
  assert_int_equal(paw_ice_add_remote_candidate(ice, &candidate), PAW_OK);
  duo_run_ms(&duo, 1);
  assert_in_range(duo.sides[0].last_len, PAW_ICE_MESSAGE_MAX - 20, PAW_ICE_MESSAGE_MAX);
  duo_wipe(&duo);
}

/* Checks from everywhere fill the table; a candidate that is signalled then takes a silent one's
 * place or none, and no memory. */
static void remotes_with_nothing_free(void **state) {
  (void)state;
  begin(PAW_ICE_LITE);
  struct paw_address peer = duo_address("198.51.100.1:1000");
  for (size_t i = 0; i < PAW_ICE_REMOTES_MAX; i++, peer.port++) {
    struct craft check = craft_check(ice, false);
    duo_feed(&duo, 0, &peer, check.data, check.len);
  }
  assert_int_equal(ice->remotes.count, PAW_ICE_REMOTES_MAX);
  size_t memory = 0;
  for (size_t i = 0; i < 10; i++, peer.port++) {
    struct paw_candidate candidate = {.address = peer, .priority = 1};
    assert_int_equal(paw_ice_add_remote_candidate(ice, &candidate), PAW_ERR_LIMIT);
    memory = i == 0 ? duo.sides[0].memory.outstanding_bytes : memory; /* room for a pair */
  }
  assert_int_equal(ice->remotes.count, PAW_ICE_REMOTES_MAX);
  assert_int_equal(ice->remotes.capacity, PAW_ICE_REMOTES_MAX);
  assert_int_equal(duo.sides[0].memory.outstanding_bytes, memory);
  duo_run_ms(&duo, 20000);
  struct craft check = craft_check(ice, false); /* one of them is alive */
  struct paw_address alive = duo_address("198.51.100.1:1000");
  duo_feed(&duo, 0, &alive, check.data, check.len);
  duo_run_ms(&duo, 11000);
  duo_sync(&duo, 0);
  struct paw_candidate candidate = {.address = peer, .priority = 1};
  assert_int_equal(paw_ice_add_remote_candidate(ice, &candidate), PAW_OK);
  assert_int_equal(ice->remotes.count, PAW_ICE_REMOTES_MAX);
  assert_int_equal(duo.sides[0].memory.outstanding_bytes, memory);
  duo_wipe(&duo);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_longest_check),           cmocka_unit_test(own_addresses_seen_by_peers),
      cmocka_unit_test(answers_that_wait),           cmocka_unit_test(answers_to_members),
      cmocka_unit_test(checks_that_await_an_answer), cmocka_unit_test(unknown_attributes),
      cmocka_unit_test(remotes_with_nothing_free),
  };
  return cmocka_run_group_tests_name("ice_limits", tests, NULL, NULL);
}
