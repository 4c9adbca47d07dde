/* SPDX-License-Identifier: MIT */
/* What an agent sends to an address that somebody claims to have: never more bytes than came from
 * there, and not often. Addresses can be forged, so this holds for members that know the password
 * too. */
#include "asked.h"

/* SOFTWARE makes requests as long as one likes, by fours. */
static struct paw_slice padding(size_t len) {
  static const uint8_t text[600];
  return (struct paw_slice){text, len};
}

/* From a bare header to a datagram of 600 bytes: no answer is as long as its request. */
static void strangers_of_every_size(void **state) {
  (void)state;
  static const uint32_t kinds[] = {0, PAW_STUN_HAS_USERNAME, PAW_STUN_HAS_INTEGRITY,
                                   PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_INTEGRITY};
  uint64_t answers = 0;
  for (size_t kind = 0; kind < 4; kind++) {
    for (unsigned fingerprint = 0; fingerprint < 2; fingerprint++) {
      for (size_t len = 0; len <= 500; len += 4) {
        struct paw_stun_message request = craft_request(craft_username(side->ice, "peer"));
        request.has = kinds[kind] | (len > 0 ? PAW_STUN_HAS_SOFTWARE : 0) |
                      (fingerprint ? PAW_STUN_HAS_FINGERPRINT : 0);
        request.software = padding(len > 0 ? len - 4 : 0);
        struct craft craft = craft_seal(&request, "wrongwrongwrongwrongwr");
        assert_true(craft.len >= 20);
        if (feed(&craft) > 0) {
          assert_true(side->last_len < craft.len);
          assert_int_equal(craft_read_last(side).class, PAW_STUN_ERROR);
          answers++;
        }
        duo_run_ms(&duo, 51);
      }
    }
  }
  assert_true(answers > 4 * 100);
  assert_int_equal(duo_stats(&duo, 0).responses_sent, answers);
  assert_false(paw_ice_is_valid_pair(side->ice, &side->addresses[0], &peer));
}

/* One byte after the other of a good check cut off: no STUN message, no word. */
static void cut_requests(void **state) {
  (void)state;
  struct craft craft = craft_check(side->ice, true);
  size_t whole = craft.len;
  for (size_t len = 0; len < whole; len++) {
    craft.len = len;
    assert_int_equal(feed(&craft), 0);
    duo_run_ms(&duo, 51);
  }
  assert_int_equal(duo_stats(&duo, 0).responses_sent, 0);
}

static struct craft with_unknown(size_t count, bool complete) {
  uint8_t attributes[4 * 16] = {0};
  struct paw_stun_message request = craft_request((struct paw_slice){0});
  char username[40];
  size_t len = strlen(paw_ice_get_credentials(side->ice)->ufrag);
  memcpy(username, paw_ice_get_credentials(side->ice)->ufrag, len);
  username[len] = ':';
  request.username = (struct paw_slice){(const uint8_t *)username, len + 1};
  if (!complete) {
    request.has &= ~(uint32_t)(PAW_STUN_HAS_PRIORITY | PAW_STUN_HAS_CONTROLLING);
  }
  for (size_t i = 0; i < count; i++) {
    attributes[4 * i] = 0x7f;
    attributes[4 * i + 1] = (uint8_t)i;
  }
  return craft_seal_with(&request, attributes, 4 * count, pwd());
}

/* The shortest requests of who knows the password: 400, 420 and 487 are no longer than they. */
static void members_get_no_more_than_they_sent(void **state) {
  (void)state;
  uint64_t answers = 0;
  for (size_t count = 0; count <= 16; count++) {
    for (unsigned complete = 0; complete < 2; complete++) {
      struct craft craft = with_unknown(count, complete != 0);
      answers += feed(&craft);
      assert_true(side->last_len <= craft.len);
      assert_int_equal(craft_read_last(side).class,
                       count > 0 || !complete ? PAW_STUN_ERROR : PAW_STUN_SUCCESS);
      duo_run_ms(&duo, 100);
    }
  }
  assert_int_equal(answers, 2 * 17);
}

static void role_conflicts_are_no_longer(void **state) {
  (void)state;
  struct paw_stun_message request = craft_request(craft_username(side->ice, "p"));
  request.has &= ~(uint32_t)PAW_STUN_HAS_CONTROLLING;
  request.has |= PAW_STUN_HAS_CONTROLLED;
  request.controlled = UINT64_MAX; /* this side is controlled and has the lesser one */
  struct craft craft = craft_seal(&request, pwd());
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLED);
  assert_int_equal(feed(&craft), 1);
  assert_int_equal(craft_read_last(side).error_code, 487);
  assert_true(side->last_len <= craft.len);
}

static void a_success_is_shorter(void **state) {
  (void)state;
  peer = duo_address("[2001:db8::7]:5000"); /* the longest XOR-MAPPED-ADDRESS */
  duo_add_address(&duo, 0, "[2001:db8::1]:8443");
  struct craft craft = with_unknown(0, true);
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = duo.clock.now_ns,
                            .local = side->addresses[1],
                            .remote = peer,
                            .data = craft.data,
                            .len = craft.len};
  assert_int_equal(paw_ice_handle_input(side->ice, &input), PAW_OK);
  duo_drain(&duo, 0);
  assert_int_equal(craft_read_last(side).class, PAW_STUN_SUCCESS);
  assert_true(side->last_len < craft.len);
}

/* 100 requests a millisecond of strangers, each from another address; in between a member. */
static void members_are_answered_during_a_flood(void **state) {
  (void)state;
  struct paw_stun_message request = craft_request(craft_username(side->ice, "peer"));
  struct craft wrong = craft_seal(&request, "wrongwrongwrongwrongwr");
  struct paw_address member = duo_address("198.51.100.8:6000");
  uint64_t errors = 0;
  uint64_t asked = 0;
  for (unsigned ms = 0; ms < 2000; ms++) {
    for (uint16_t i = 0; i < 100; i++) {
      peer.port = (uint16_t)(1024 + i);
      errors += feed(&wrong);
    }
    if (ms % 50 == 7) {
      struct craft check = craft_check(side->ice, false);
      uint64_t before = duo_stats(&duo, 0).responses_sent;
      duo_feed(&duo, 0, &member, check.data, check.len);
      assert_int_equal(duo_stats(&duo, 0).responses_sent, before + 1);
      asked++;
    }
    duo_run_ms(&duo, 1);
  }
  assert_int_equal(asked, 40);
  assert_in_range(errors, 30, 40); /* 20 a second */
  assert_int_equal(duo_stats(&duo, 0).dropped_integrity, 200000);
  assert_true(paw_ice_is_valid_pair(side->ice, &side->addresses[0], &member));
}

/* A member that floods gets 128 answers at once and 500 a second; who asks slower gets all. */
static void answers_to_members_are_bounded(void **state) {
  (void)state;
  uint64_t before = duo_stats(&duo, 0).responses_sent;
  for (unsigned ms = 0; ms < 1000; ms++) {
    for (unsigned i = 0; i < 10; i++) {
      struct craft check = craft_check(side->ice, false);
      duo_feed(&duo, 0, &peer, check.data, check.len);
    }
    duo_run_ms(&duo, 1);
  }
  uint64_t answers = duo_stats(&duo, 0).responses_sent - before;
  assert_in_range(answers, 128 + 490, 128 + 500);
  assert_int_equal(duo_stats(&duo, 0).dropped_limit, 10000 - answers);
  duo_run_ms(&duo, 300);
  before = duo_stats(&duo, 0).responses_sent;
  for (unsigned i = 0; i < 400; i++) {
    struct craft check = craft_check(side->ice, false);
    duo_feed(&duo, 0, &peer, check.data, check.len);
    duo_run_ms(&duo, 2);
  }
  assert_int_equal(duo_stats(&duo, 0).responses_sent - before, 400);
}

/* RFC 8445 section 19.5.1: a member that forges addresses has checks sent to them. All of them
 * together are paced by Ta, 5 ms, however many requests come from however many addresses. */
static void checks_to_forged_addresses_are_paced(void **state) {
  (void)state;
  duo_tell_credentials(&duo, 0);
  uint64_t before = duo_stats(&duo, 0).requests_sent;
  for (unsigned ms = 0; ms < 5000; ms++) {
    peer.port = (uint16_t)(1024 + ms % 1000);
    struct craft check = craft_check(side->ice, false);
    (void)feed(&check);
    duo_run_ms(&duo, 1);
  }
  assert_in_range(duo_stats(&duo, 0).requests_sent - before, 500, 1001);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(strangers_of_every_size),
      CASE(cut_requests),
      CASE(members_get_no_more_than_they_sent),
      CASE(role_conflicts_are_no_longer),
      CASE(a_success_is_shorter),
      CASE(members_are_answered_during_a_flood),
      CASE(answers_to_members_are_bounded),
      CASE(checks_to_forged_addresses_are_paced),
  };
  return cmocka_run_group_tests_name("ice_amplification", tests, NULL, NULL);
}
