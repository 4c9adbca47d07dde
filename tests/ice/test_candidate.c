/* SPDX-License-Identifier: MIT */
/* The tables of candidates and pairs: priorities, foundations, order, bounds. */
#include "craft.h"
#include "ice/ice_private.h"

static struct duo duo;
static struct paw_ice *ice;

static int set_up(void **state) {
  (void)state;
  struct duo_config config = {.seed = 1};
  duo_init(&duo, &config);
  ice = duo.sides[0].ice;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  duo_wipe(&duo);
  return 0;
}

static int add(const char *text, enum paw_candidate_type type, const char *base) {
  struct paw_candidate candidate = {.type = type, .address = duo_address(text)};
  if (base != NULL) {
    candidate.base = duo_address(base);
  }
  return paw_ice_add_local_candidate(ice, &candidate);
}

static int add_host(const char *text) {
  return add(text, PAW_CANDIDATE_HOST, NULL);
}

static void assert_order(const char *const *texts, size_t count) {
  struct paw_candidate candidates[PAW_DESCRIPTION_CANDIDATES_MAX];
  char text[PAW_ADDRESS_TEXT_SIZE];
  assert_int_equal(paw_ice_get_local_candidates(ice, candidates, PAW_DESCRIPTION_CANDIDATES_MAX),
                   count);
  for (size_t i = 0; i < count; i++) {
    paw_address_format(&candidates[i].address, text);
    assert_string_equal(text, texts[i]);
    assert_true(i == 0 || candidates[i].priority < candidates[i - 1].priority);
  }
}

/* RFC 8421: families take turns; addresses of narrow reach come last, though before other types. */
static void test_order(void **state) {
  (void)state;
  assert_int_equal(add_host("127.0.0.1:8443"), PAW_OK);
  assert_int_equal(add_host("10.0.0.1:8443"), PAW_OK);
  assert_int_equal(add_host("[2001:db8::1]:8443"), PAW_OK);
  assert_int_equal(add_host("[fe80::1%2]:8443"), PAW_OK);
  assert_int_equal(add_host("[2001:db8::2]:8443"), PAW_OK);
  assert_int_equal(add("203.0.113.1:99", PAW_CANDIDATE_SERVER_REFLEXIVE, "10.0.0.1:8443"), PAW_OK);
  static const char *const expected[] = {
      "[2001:db8::1]:8443", "192.0.2.1:8443", "[2001:db8::2]:8443", "10.0.0.1:8443",
      "[fe80::1%2]:8443",   "127.0.0.1:8443", "203.0.113.1:99"};
  assert_order(expected, 7);
}

static void test_priority_and_foundation(void **state) {
  (void)state;
  assert_int_equal(add_host("192.0.2.1:9999"), PAW_OK);
  assert_int_equal(add_host("192.0.2.3:8443"), PAW_OK);
  assert_int_equal(add("203.0.113.1:99", PAW_CANDIDATE_SERVER_REFLEXIVE, "192.0.2.1:8443"), PAW_OK);
  struct paw_candidate given = {.type = PAW_CANDIDATE_RELAYED,
                                .address = duo_address("198.51.100.1:5"),
                                .priority = 77,
                                .foundation = "mine"};
  assert_int_equal(paw_ice_add_local_candidate(ice, &given), PAW_OK);
  struct paw_candidate c[5];
  assert_int_equal(paw_ice_get_local_candidates(ice, c, 5), 5);
  assert_int_equal(c[0].priority, (126u << 24) | (65534u << 8) | 255u);
  assert_string_equal(c[0].foundation, c[1].foundation); /* one IP, two ports */
  assert_string_not_equal(c[0].foundation, c[2].foundation);
  assert_string_not_equal(c[0].foundation, c[3].foundation); /* one base, another type */
  assert_int_equal(c[3].priority >> 24, 100);
  assert_true(paw_address_equal(&c[3].base, &duo.sides[0].addresses[0]));
  assert_int_equal(c[4].priority, 77);
  assert_string_equal(c[4].foundation, "mine");
  assert_int_equal(paw_ice_get_local_candidates(ice, c, 2), 2);
  assert_int_equal(c[0].address.port, 8443);
  assert_int_equal(paw_ice_get_local_candidates(ice, NULL, 0), 0);
}

static void test_refused(void **state) {
  (void)state;
  assert_int_equal(add_host("192.0.2.1:8443"), PAW_OK); /* there already */
  assert_int_equal(add_host("192.0.2.5"), PAW_ERR_INVALID);
  assert_int_equal(add_host("0.0.0.0:8443"), PAW_ERR_INVALID);
  assert_int_equal(add_host("[::]:8443"), PAW_ERR_INVALID);
  struct paw_candidate none = {.type = PAW_CANDIDATE_HOST};
  assert_int_equal(paw_ice_add_local_candidate(ice, &none), PAW_ERR_INVALID);
  assert_int_equal(paw_ice_add_remote_candidate(ice, &none), PAW_ERR_INVALID);
  for (int i = 1; i < PAW_DESCRIPTION_CANDIDATES_MAX; i++) {
    struct paw_candidate candidate = {.address = duo_address("192.0.2.1:8443")};
    candidate.address.port = (uint16_t)(10000 + i);
    assert_int_equal(paw_ice_add_local_candidate(ice, &candidate), PAW_OK);
  }
  assert_int_equal(add_host("192.0.2.9:8443"), PAW_ERR_LIMIT);
}

static void test_lite_takes_hosts(void **state) {
  (void)state;
  tear_down(NULL);
  struct duo_config config = {.seed = 1, .modes = {PAW_ICE_LITE}};
  duo_init(&duo, &config);
  ice = duo.sides[0].ice;
  assert_int_equal(add("203.0.113.1:99", PAW_CANDIDATE_SERVER_REFLEXIVE, "192.0.2.1:8443"),
                   PAW_ERR_UNSUPPORTED);
  assert_int_equal(add_host("192.0.2.8:1"), PAW_OK);
}

/* ---- remote candidates and pairs ---- */

static int add_remote(const char *text, uint32_t priority) {
  struct paw_candidate candidate = {
      .type = PAW_CANDIDATE_HOST, .address = duo_address(text), .priority = priority};
  return paw_ice_add_remote_candidate(ice, &candidate);
}

static void test_pairs_by_family(void **state) {
  (void)state;
  assert_int_equal(add_host("[2001:db8::1]:8443"), PAW_OK);
  assert_int_equal(add_host("[fe80::1%2]:8443"), PAW_OK);
  assert_int_equal(add_remote("198.51.100.1:1", 5), PAW_OK);
  assert_int_equal(ice->pairs.count, 1);
  assert_int_equal(add_remote("[2001:db8::9]:1", 5), PAW_OK);
  assert_int_equal(ice->pairs.count, 2);
  assert_int_equal(add_remote("[fe80::9]:1", 5), PAW_OK);
  assert_int_equal(ice->pairs.count, 3);
  assert_int_equal(add_remote("[fe80::9]:1", 5), PAW_OK); /* known */
  assert_int_equal(ice->pairs.count, 3);
  assert_int_equal(ice->remotes.count, 3);
}

/* A link-local address comes without a scope in a description: it is that of our own address. */
static void test_scope(void **state) {
  (void)state;
  struct paw_address own = duo_address("[fe80::1%7]:8443");
  assert_int_equal(add_host("[fe80::1%7]:8443"), PAW_OK);
  assert_int_equal(add_remote("[fe80::9]:1", 5), PAW_OK);
  duo_tell_credentials(&duo, 0);
  struct paw_ice_output output;
  paw_ice_poll_output(ice, &output);
  assert_int_equal(output.kind, PAW_OUTPUT_TRANSMIT);
  assert_true(paw_address_equal(&output.transmit.local, &own));
  assert_int_equal(output.transmit.local.scope_id, 7);
  assert_int_equal(output.transmit.remote.scope_id, 7);
}

/* RFC 8445 section 6.1.2.4: a reflexive candidate is sent from its base, which is paired already.
 */
static void test_no_twin_pairs(void **state) {
  (void)state;
  assert_int_equal(add_remote("198.51.100.1:1", 5), PAW_OK);
  assert_int_equal(add("203.0.113.1:99", PAW_CANDIDATE_SERVER_REFLEXIVE, "192.0.2.1:8443"), PAW_OK);
  assert_int_equal(ice->pairs.count, 1);
  assert_int_equal(paw_ice_local(ice, paw_ice_pair(ice, 0)->local)->type, PAW_CANDIDATE_HOST);
}

/* RFC 8445 section 6.1.2.3: 2^32 * MIN(G, D) + 2 * MAX(G, D) + (G > D ? 1 : 0). */
static void test_pair_priority(void **state) {
  (void)state;
  assert_int_equal(add_remote("198.51.100.1:1", 1000), PAW_OK);
  uint64_t local = paw_ice_local(ice, 0)->priority;
  const struct ice_pair *pair = paw_ice_pair(ice, 0);
  ice->role = PAW_ICE_CONTROLLING;
  assert_true(paw_ice_pair_priority(ice, pair) == (UINT64_C(1000) << 32) + 2 * local + 1);
  ice->role = PAW_ICE_CONTROLLED;
  assert_true(paw_ice_pair_priority(ice, pair) == (UINT64_C(1000) << 32) + 2 * local);
}

static void fill_pairs(void) {
  for (int i = 1; i < PAW_DESCRIPTION_CANDIDATES_MAX; i++) {
    struct paw_candidate candidate = {.address = duo_address("192.0.2.1:8443")};
    candidate.address.port = (uint16_t)(10000 + i);
    assert_int_equal(paw_ice_add_local_candidate(ice, &candidate), PAW_OK);
  }
  for (uint32_t i = 0; i < 20; i++) {
    struct paw_candidate candidate = {.address = duo_address("198.51.100.1:1"), .priority = i + 1};
    candidate.address.port = (uint16_t)(1 + i);
    assert_int_equal(paw_ice_add_remote_candidate(ice, &candidate), PAW_OK);
  }
  assert_int_equal(ice->pairs.count, PAW_ICE_PAIRS_MAX);
}

/* None of those many is the peer's: its check comes from elsewhere, with the least priority there
 * is, and is taken all the same; be the others waiting or under way. */
static void learn_beyond_the_bound(enum paw_ice_mode mode) {
  struct duo_config config = {.seed = 1, .modes = {mode}};
  duo_init(&duo, &config);
  ice = duo.sides[0].ice;
  fill_pairs();
  duo_tell_credentials(&duo, 0);
  duo_run_ms(&duo, 2000);
  assert_int_equal(duo_stats(&duo, 0).requests_sent > 100, mode == PAW_ICE_FULL);
  struct paw_stun_message request = craft_request(craft_username(ice, "peer"));
  request.priority = 1;
  struct craft check = craft_seal(&request, paw_ice_get_credentials(ice)->pwd);
  struct paw_address peer = duo_address("198.51.100.99:9");
  duo_feed(&duo, 0, &peer, check.data, check.len);
  assert_int_equal(duo_stats(&duo, 0).responses_sent, 1);
  assert_true(paw_ice_is_valid_pair(ice, &duo.sides[0].addresses[0], &peer));
  assert_int_equal(ice->pairs.count, PAW_ICE_PAIRS_MAX);
}

static void test_learnt_beyond_the_bound(void **state) {
  (void)state;
  tear_down(NULL);
  learn_beyond_the_bound(PAW_ICE_LITE);
  tear_down(NULL);
  learn_beyond_the_bound(PAW_ICE_FULL);
}

/* More pairs than the bound: the best stay, however they come. */
static void test_pair_bound(void **state) {
  (void)state;
  fill_pairs();
  for (int i = 0; i < ice->pairs.count; i++) {
    assert_true(paw_ice_remote(ice, paw_ice_pair(ice, i)->remote)->priority > 15);
  }
}

/* Signalled candidates are bounded, and however many there are, the peer's true address can still
 * be learnt from its check. */
static void test_remote_bound(void **state) {
  (void)state;
  for (int i = 0; i < PAW_DESCRIPTION_CANDIDATES_MAX; i++) {
    struct paw_candidate candidate = {.address = duo_address("198.51.100.1:1"), .priority = 9};
    candidate.address.port = (uint16_t)(1 + i);
    assert_int_equal(paw_ice_add_remote_candidate(ice, &candidate), PAW_OK);
  }
  assert_int_equal(add_remote("198.51.100.2:1", 9), PAW_ERR_LIMIT);
  assert_int_equal(add_remote("198.51.100.1:1", 9), PAW_OK); /* known */
  struct craft check = craft_check(ice, false);
  struct paw_address peer = duo_address("198.51.100.2:1");
  duo_feed(&duo, 0, &peer, check.data, check.len);
  assert_int_equal(duo_stats(&duo, 0).responses_sent, 1);
  assert_true(paw_ice_is_valid_pair(ice, &duo.sides[0].addresses[0], &peer));
  assert_int_equal(add_remote("198.51.100.2:1", 99), PAW_OK); /* stays as it was learnt */
  int index = paw_ice_remote_find(ice, &peer);
  assert_int_equal(paw_ice_remote(ice, index)->type, PAW_CANDIDATE_PEER_REFLEXIVE);
  assert_int_equal(paw_ice_remote(ice, index)->priority, 0x6e7fffff); /* PRIORITY of the check */
  while (duo_stats(&duo, 0).dropped_limit == 0) {
    peer.port++;
    check = craft_check(ice, false);
    duo_feed(&duo, 0, &peer, check.data, check.len);
    assert_in_range(ice->remotes.count, 22, PAW_ICE_REMOTES_MAX);
  }
  assert_int_equal(ice->remotes.count, PAW_ICE_REMOTES_MAX);
  assert_false(paw_ice_is_valid_pair(ice, &duo.sides[0].addresses[0], &peer));
}

static bool is_known_port(uint16_t port) {
  struct paw_address peer = duo_address("198.51.100.1:1");
  peer.port = port;
  return paw_ice_is_valid_pair(ice, &duo.sides[0].addresses[0], &peer);
}

static bool check_from_port(uint16_t port) {
  struct paw_address peer = duo_address("198.51.100.1:1");
  peer.port = port;
  struct craft check = craft_check(ice, false);
  duo_feed(&duo, 0, &peer, check.data, check.len);
  return is_known_port(port);
}

/* A peer that shows ever new addresses: those that it was not heard on for 30 s make room. */
static void test_silent_ones_make_room(void **state) {
  (void)state;
  tear_down(NULL);
  struct duo_config config = {.seed = 1, .modes = {PAW_ICE_LITE}};
  duo_init(&duo, &config);
  ice = duo.sides[0].ice;
  for (uint16_t i = 0; i < PAW_ICE_REMOTES_MAX; i++) {
    assert_true(check_from_port((uint16_t)(1000 + i)));
  }
  duo_assert_selected(&duo, 0, "192.0.2.1:8443", "198.51.100.1:1000");
  duo_run_ms(&duo, 1000);
  assert_true(check_from_port(1000 + 20));
  duo_run_ms(&duo, 28990);
  assert_false(check_from_port(2000)); /* all were heard of late */
  duo_run_ms(&duo, 20);
  for (uint16_t i = 0; i < PAW_ICE_REMOTES_MAX - 1; i++) {
    assert_true(check_from_port((uint16_t)(2000 + i)));
  }
  assert_false(check_from_port(3000));
  assert_true(is_known_port(1000 + 20));
  duo_assert_selected(&duo, 0, "192.0.2.1:8443", "198.51.100.1:2000");
  assert_int_equal(ice->remotes.count, PAW_ICE_REMOTES_MAX);
  assert_int_equal(ice->pairs.count, PAW_ICE_REMOTES_MAX);
  uint64_t seen = 0;
  for (int i = 0; i < ice->pairs.count; i++) {
    seen |= UINT64_C(1) << paw_ice_pair(ice, i)->remote;
  }
  assert_true(seen == UINT32_MAX); /* each has its pair */
}

/* A candidate learnt from a check, then signalled: takes the signalled type and priority. */
static void test_signalled_after_learnt(void **state) {
  (void)state;
  struct paw_address address = duo_address("198.51.100.1:1");
  assert_int_equal(paw_ice_remote_add(ice, &address, PAW_CANDIDATE_PEER_REFLEXIVE, 3), 0);
  assert_int_equal(add_remote("198.51.100.1:1", 99), PAW_OK);
  assert_int_equal(ice->remotes.count, 1);
  assert_int_equal(paw_ice_remote(ice, 0)->type, PAW_CANDIDATE_HOST);
  assert_int_equal(paw_ice_remote(ice, 0)->priority, 99);
  assert_int_equal(paw_ice_remote_add(ice, &address, PAW_CANDIDATE_PEER_REFLEXIVE, 3), 0);
  assert_int_equal(paw_ice_remote(ice, 0)->priority, 99);
}

/* Removal moves the last one into the gap; the pairs still name the right candidates. */
static void test_removal(void **state) {
  (void)state;
  assert_int_equal(add_host("10.0.0.1:8443"), PAW_OK);
  assert_int_equal(add_host("10.0.0.2:8443"), PAW_OK);
  assert_int_equal(add_remote("198.51.100.1:1", 5), PAW_OK);
  assert_int_equal(add_remote("198.51.100.2:2", 5), PAW_OK);
  assert_int_equal(ice->pairs.count, 6);
  struct paw_address gone = duo_address("192.0.2.1:8443");
  assert_int_equal(paw_ice_remove_local_candidate(ice, &gone), PAW_OK);
  assert_int_equal(ice->pairs.count, 4);
  static const char *const locals[] = {"10.0.0.1:8443", "10.0.0.2:8443"};
  static const char *const remotes[] = {"198.51.100.1:1", "198.51.100.2:2"};
  for (int i = 0; i < 4; i++) {
    struct paw_address local = duo_address(locals[i / 2]);
    struct paw_address remote = duo_address(remotes[i % 2]);
    assert_non_null(paw_ice_pair_find(ice, &local, &remote));
    assert_null(paw_ice_pair_find(ice, &gone, &remote));
  }
  assert_int_equal(paw_ice_remove_local_candidate(ice, &gone), PAW_OK);
  assert_int_equal(add_host("192.0.2.1:8443"), PAW_OK); /* back again */
  assert_int_equal(ice->pairs.count, 6);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_order),
      CASE(test_priority_and_foundation),
      CASE(test_refused),
      CASE(test_lite_takes_hosts),
      CASE(test_pairs_by_family),
      CASE(test_scope),
      CASE(test_no_twin_pairs),
      CASE(test_pair_priority),
      CASE(test_pair_bound),
      CASE(test_learnt_beyond_the_bound),
      CASE(test_remote_bound),
      CASE(test_silent_ones_make_room),
      CASE(test_signalled_after_learnt),
      CASE(test_removal),
  };
  return cmocka_run_group_tests_name("ice_candidate", tests, NULL, NULL);
}
