/* SPDX-License-Identifier: MIT */
/* One agent, and requests made by hand: which are answered, with what, and which are not. */
#include "asked.h"
#include "kit/hmac.h"

static void assert_error(uint16_t code, bool with_integrity) {
  struct paw_stun_message answer = craft_read_last(side);
  assert_int_equal(answer.class, PAW_STUN_ERROR);
  assert_int_equal(answer.error_code, code);
  const char *reason = code == 400   ? "Bad Request"
                       : code == 401 ? "Unauthenticated"
                                     : "Unknown Attribute"; /* RFC 8489 section 14.8 */
  assert_int_equal(answer.error_reason.len, strlen(reason));
  assert_memory_equal(answer.error_reason.data, reason, strlen(reason));
  assert_true(paw_stun_check_fingerprint(&answer));
  assert_int_equal((answer.has & PAW_STUN_HAS_INTEGRITY) != 0, with_integrity);
  if (with_integrity) {
    assert_true(
        paw_stun_check_integrity(&answer, KIT_HMAC_KEY((const uint8_t *)pwd(), strlen(pwd()))));
  }
}

static void assert_stays_unknown(void) {
  assert_false(paw_ice_is_valid_pair(side->ice, &side->addresses[0], &peer));
  assert_int_equal(paw_ice_get_state(side->ice), PAW_ICE_STATE_NEW);
}

/* RFC 8445 section 7.3: the remote credentials are not needed to answer. */
static void test_answers_before_remote_credentials(void **state) {
  (void)state;
  struct craft check = craft_check(side->ice, false);
  assert_int_equal(feed(&check), 1);
  struct paw_stun_message answer = craft_read_last(side);
  assert_int_equal(answer.class, PAW_STUN_SUCCESS);
  assert_memory_equal(answer.id, check.data + 8, PAW_STUN_ID_LEN);
  assert_true(paw_address_equal(&answer.xor_mapped, &peer));
  assert_true(
      paw_stun_check_integrity(&answer, KIT_HMAC_KEY((const uint8_t *)pwd(), strlen(pwd()))));
  assert_true(paw_stun_check_fingerprint(&answer));
  assert_true(paw_address_equal(&side->last.local, &side->addresses[0]));
  assert_true(paw_address_equal(&side->last.remote, &peer));
  assert_true(paw_ice_is_valid_pair(side->ice, &side->addresses[0], &peer));
  assert_int_equal(duo_stats(&duo, 0).responses_sent, 1);
  assert_int_equal(feed(&check), 1); /* the same again, as when our answer was lost */
}

static void test_answers_on_the_address_asked(void **state) {
  (void)state;
  duo_add_address(&duo, 0, "192.0.2.99:8443");
  struct craft check = craft_check(side->ice, false);
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = duo.clock.now_ns,
                            .local = side->addresses[1],
                            .remote = peer,
                            .data = check.data,
                            .len = check.len};
  assert_int_equal(paw_ice_handle_input(side->ice, &input), PAW_OK);
  duo_drain(&duo, 0);
  assert_true(paw_address_equal(&side->last.local, &side->addresses[1]));
}

static void test_400_without_integrity(void **state) {
  (void)state;
  struct paw_stun_message request = craft_request(craft_username(side->ice, "peer"));
  request.has &= ~(uint32_t)PAW_STUN_HAS_INTEGRITY;
  struct craft check = craft_seal(&request, "");
  assert_int_equal(feed(&check), 1);
  assert_error(400, false);
  assert_int_equal(duo_stats(&duo, 0).dropped_integrity, 1);
  assert_stays_unknown();
}

static void test_400_without_username(void **state) {
  (void)state;
  struct paw_stun_message request = craft_request(craft_username(side->ice, "peer"));
  request.has &= ~(uint32_t)PAW_STUN_HAS_USERNAME;
  struct craft check = craft_seal(&request, pwd());
  assert_int_equal(feed(&check), 1);
  assert_error(400, false);
  assert_stays_unknown();
}

static void test_400_incomplete(void **state) {
  (void)state;
  struct paw_stun_message request = craft_request(craft_username(side->ice, "peer"));
  request.has &= ~(uint32_t)PAW_STUN_HAS_PRIORITY;
  struct craft check = craft_seal(&request, pwd());
  assert_int_equal(feed(&check), 1);
  assert_int_equal(craft_read_last(side).error_code, 400);
  request = craft_request(craft_username(side->ice, "peer"));
  request.has &= ~(uint32_t)PAW_STUN_HAS_CONTROLLING;
  check = craft_seal(&request, pwd());
  assert_int_equal(feed(&check), 1);
  assert_int_equal(craft_read_last(side).error_code, 400);
  assert_stays_unknown();
}

static void test_401_wrong_password(void **state) {
  (void)state;
  struct paw_stun_message request = craft_request(craft_username(side->ice, "peer"));
  struct craft check = craft_seal(&request, "wrongwrongwrongwrongwr");
  assert_int_equal(feed(&check), 1);
  assert_error(401, false);
  assert_int_equal(duo_stats(&duo, 0).dropped_integrity, 1);
  assert_stays_unknown();
}

static void test_401_wrong_ufrag(void **state) {
  (void)state;
  static const char *const usernames[] = {"another0:peer", "peer", "", ":peer"};
  for (size_t i = 0; i < sizeof usernames / sizeof usernames[0]; i++) {
    struct paw_slice username = {(const uint8_t *)usernames[i], strlen(usernames[i])};
    struct paw_stun_message request = craft_request(username);
    struct craft check = craft_seal(&request, pwd());
    duo_run_ms(&duo, 100);
    assert_int_equal(feed(&check), 1);
    assert_error(401, false);
    assert_int_equal(duo_stats(&duo, 0).dropped_username, i + 1);
  }
  assert_stays_unknown();
}

static void test_420(void **state) {
  (void)state;
  struct paw_stun_message request = craft_request(craft_username(side->ice, "peer"));
  const uint8_t unknown[] = {0x7f, 0x01, 0, 4, 1, 2, 3, 4, 0x00, 0x1c, 0, 0};
  struct craft check = craft_seal_with(&request, unknown, sizeof unknown, pwd());
  assert_int_equal(feed(&check), 1);
  assert_error(420, true);
  struct paw_stun_message answer = craft_read_last(side);
  assert_int_equal(answer.listed_count, 2);
  assert_int_equal(answer.listed[0], 0x7f01);
  assert_int_equal(answer.listed[1], 0x001c);
  assert_stays_unknown();
  const uint8_t optional[] = {0xc0, 0x57, 0, 4, 1, 2, 3, 4}; /* NETWORK-COST of Chromium */
  check = craft_seal_with(&request, optional, sizeof optional, pwd());
  assert_int_equal(feed(&check), 1);
  assert_int_equal(craft_read_last(side).class, PAW_STUN_SUCCESS);
}

static void test_fingerprint_is_required(void **state) {
  (void)state;
  struct paw_stun_message request = craft_request(craft_username(side->ice, "peer"));
  request.has &= ~(uint32_t)PAW_STUN_HAS_FINGERPRINT;
  struct craft check = craft_seal(&request, pwd());
  assert_int_equal(feed(&check), 0);
  assert_int_equal(duo_stats(&duo, 0).dropped_fingerprint, 1);
  check = craft_check(side->ice, false);
  check.data[check.len - 1] ^= 1;
  assert_int_equal(feed(&check), 0);
  assert_int_equal(duo_stats(&duo, 0).dropped_fingerprint, 2);
  assert_stays_unknown();
}

/* A stranger gets no more bytes than it sent, and not often. */
static void test_does_not_amplify(void **state) {
  (void)state;
  struct paw_stun_message tiny = craft_request(craft_username(side->ice, "peer"));
  tiny.has = PAW_STUN_HAS_FINGERPRINT;
  struct craft check = craft_seal(&tiny, "");
  assert_int_equal(feed(&check), 0);
  struct paw_stun_message request = craft_request(craft_username(side->ice, "peer"));
  check = craft_seal(&request, "wrongwrongwrongwrongwr");
  uint64_t answers = 0;
  for (int i = 0; i < 1000; i++) {
    answers += feed(&check);
    if (answers > 0) {
      assert_true(side->last_len < check.len);
    }
    duo_run_ms(&duo, 1);
  }
  assert_in_range(answers, 10, 20);
  assert_int_equal(duo_stats(&duo, 0).dropped_integrity, 1001);
}

static void test_keeps_silent(void **state) {
  (void)state;
  struct paw_stun_message indication = craft_request(craft_username(side->ice, "peer"));
  indication.class = PAW_STUN_INDICATION;
  struct craft craft = craft_seal(&indication, pwd());
  assert_int_equal(feed(&craft), 0);
  struct paw_stun_message allocate = craft_request(craft_username(side->ice, "peer"));
  allocate.method = 3;
  craft = craft_seal(&allocate, pwd());
  assert_int_equal(feed(&craft), 0);
  assert_int_equal(duo_stats(&duo, 0).dropped_malformed, 1);
  const uint8_t noise[] = {0, 1, 2, 3, 4};
  duo_feed(&duo, 0, &peer, noise, sizeof noise);
  duo_feed(&duo, 0, &peer, NULL, 0);
  assert_int_equal(duo_stats(&duo, 0).dropped_malformed, 3);
  assert_stays_unknown();
}

static void test_unknown_local_address(void **state) {
  (void)state;
  struct craft check = craft_check(side->ice, true);
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = duo.clock.now_ns,
                            .local = duo_address("192.0.2.250:8443"),
                            .remote = peer,
                            .data = check.data,
                            .len = check.len};
  assert_int_equal(paw_ice_handle_input(side->ice, &input), PAW_OK);
  duo_drain(&duo, 0);
  assert_int_equal(side->transmits, 0);
  assert_int_equal(duo_stats(&duo, 0).dropped_unmatched, 1);
}

/* Many requests before a poll: a bounded number of answers, the rest counted. */
static void test_queue_is_bounded(void **state) {
  (void)state;
  for (int i = 0; i < 200; i++) {
    struct craft check = craft_check(side->ice, false);
    struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                              .now_ns = duo.clock.now_ns,
                              .local = side->addresses[0],
                              .remote = peer,
                              .data = check.data,
                              .len = check.len};
    assert_int_equal(paw_ice_handle_input(side->ice, &input), PAW_OK);
  }
  duo_drain(&duo, 0);
  assert_in_range(side->transmits, 10, 40);
  assert_int_equal(duo_stats(&duo, 0).dropped_limit, 200 - side->transmits);
  assert_true(side->memory.outstanding_bytes < 12000);
  struct craft check = craft_check(side->ice, false);
  assert_int_equal(feed(&check), 1);
}

/* Ever new source addresses, all authenticated: bounded too, and the agent goes on answering. */
static void test_many_sources(void **state) {
  (void)state;
  for (uint16_t i = 0; i < 1000; i++) {
    peer.port = (uint16_t)(1024 + i);
    struct craft check = craft_check(side->ice, false);
    (void)feed(&check);
    duo_run_ms(&duo, 2000);
  }
  struct craft check = craft_check(side->ice, false);
  assert_int_equal(feed(&check), 1);
  assert_true(side->memory.outstanding_bytes < 20000);
  assert_true(paw_ice_is_valid_pair(side->ice, &side->addresses[0], &peer));
}

static void feed_noise(uint64_t seed, void *context) {
  (void)context;
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  (void)set_up(NULL);
  for (int i = 0; i < 3000; i++) {
    struct craft check = craft_check(side->ice, kit_rng_chance(&rng, 0.5));
    for (uint64_t changes = kit_rng_below(&rng, 4); changes > 0; changes--) {
      check.data[kit_rng_below(&rng, check.len)] = (uint8_t)kit_rng_u64(&rng);
    }
    size_t len = kit_rng_chance(&rng, 0.1) ? (size_t)kit_rng_below(&rng, check.len) : check.len;
    peer.port = (uint16_t)(1024 + kit_rng_below(&rng, 60));
    duo_feed(&duo, 0, &peer, check.data, len);
    duo_run_ms(&duo, kit_rng_below(&rng, 30));
  }
  (void)tear_down(NULL);
}

static void test_noise(void **state) {
  (void)state;
  kit_seeds_run(feed_noise, NULL, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_answers_before_remote_credentials),
      CASE(test_answers_on_the_address_asked),
      CASE(test_400_without_integrity),
      CASE(test_400_without_username),
      CASE(test_400_incomplete),
      CASE(test_401_wrong_password),
      CASE(test_401_wrong_ufrag),
      CASE(test_420),
      CASE(test_fingerprint_is_required),
      CASE(test_does_not_amplify),
      CASE(test_keeps_silent),
      CASE(test_unknown_local_address),
      CASE(test_queue_is_bounded),
      CASE(test_many_sources),
      cmocka_unit_test(test_noise),
  };
  return cmocka_run_group_tests_name("ice_answer", tests, NULL, NULL);
}
