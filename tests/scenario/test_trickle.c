/* SPDX-License-Identifier: MIT */
/* Candidates that come late, never, or as names that nobody here resolves (RFC 8838, RFC 8840). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kit/pair.h"

static void remove_line(char *sdp, const char *begin) {
  char *line = strstr(sdp, begin);
  assert_non_null(line);
  char *end = strstr(line, "\r\n");
  memmove(line, end + 2, strlen(end + 2) + 1);
}

static void remove_candidates(char *sdp, size_t size) {
  (void)size;
  remove_line(sdp, "a=candidate:");
  remove_line(sdp, "a=end-of-candidates");
}

static void hide_address(char *sdp, size_t size) {
  const char *address = strstr(sdp, " 192.0.2.1 10001") != NULL ? " 192.0.2.1 " : " 192.0.2.2 ";
  kit_sdp_replace(sdp, size, address, " 5f2c1a3e-0b1d-4c2e-9f3a-7d6e5c4b3a21.local ");
}

/* A browser's: one end is told a name, which it passes over, and learns the address from checks. */
static void names_are_passed_over(void **state) {
  (void)state;
  static const enum paw_ice_mode modes[] = {PAW_ICE_FULL, PAW_ICE_LITE};
  for (size_t mode = 0; mode < 2; mode++) {
    for (size_t hidden = 0; hidden < 2; hidden++) {
      struct kit_pair_config config;
      kit_pair_config_init(&config, 11);
      config.rtc[1 - hidden].ice_mode = modes[mode];
      config.alter_offer = hidden == 0 ? hide_address : NULL;
      config.alter_answer = hidden == 1 ? hide_address : NULL;
      kit_pair_free(kit_pair_connect(&config, 100));
    }
  }
}

static struct kit_pair *pair_without_candidates(void) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, 12);
  config.alter_offer = remove_candidates;
  config.alter_answer = remove_candidates;
  struct kit_pair *pair = kit_pair_new(&config);
  kit_pair_negotiate(pair);
  kit_pair_run_ms(pair, 2000);
  assert_int_equal(kit_net_sum(pair->net).sent, 0);
  return pair;
}

static void take_fragment(struct kit_pair *pair, size_t to, const char *fragment) {
  bool restarted = true;
  assert_int_equal(paw_rtc_accept_ice_fragment(pair->peers[to].rtc, pair->clock.now_ns, fragment,
                                               strlen(fragment), &restarted),
                   PAW_OK);
  assert_false(restarted);
  kit_peer_drain(&pair->peers[to], pair->clock.now_ns);
}

/* Neither knows the other's address until a fragment tells one of them. */
static void a_candidate_comes_late(void **state) {
  (void)state;
  for (size_t to = 0; to < 2; to++) {
    struct kit_pair *pair = pair_without_candidates();
    char fragment[4096];
    size_t len = sizeof fragment;
    assert_int_equal(paw_rtc_write_ice_fragment(pair->peers[1 - to].rtc, fragment, &len), PAW_OK);
    take_fragment(pair, to, fragment);
    assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 50));
    kit_pair_free(pair);
  }
}

/* That there are no more says nothing about checks that may still come (RFC 8863): only time ends
 * the waiting. */
static void the_end_of_candidates_ends_nothing(void **state) {
  (void)state;
  struct kit_pair *pair = pair_without_candidates();
  take_fragment(pair, 0, "a=end-of-candidates\r\n");
  take_fragment(pair, 1, "a=end-of-candidates\r\n");
  kit_pair_run_ms(pair, 37000);
  assert_int_equal(pair->peers[0].seen.ice_state, PAW_ICE_STATE_CHECKING);
  struct paw_candidate late = {
      .type = PAW_CANDIDATE_HOST, .address = pair->peers[0].addresses[0], .priority = 1};
  kit_peer_timeout(&pair->peers[1], pair->clock.now_ns);
  assert_int_equal(paw_rtc_add_remote_candidate(pair->peers[1].rtc, &late), PAW_OK);
  kit_peer_drain(&pair->peers[1], pair->clock.now_ns);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 50));
  kit_pair_free(pair);
}

static void nobody_comes(void **state) {
  (void)state;
  struct kit_pair *pair = pair_without_candidates();
  kit_pair_run_ms(pair, 38000);
  for (size_t i = 0; i < 2; i++) {
    const struct kit_peer_seen *seen = &pair->peers[i].seen;
    assert_int_equal(seen->reason, PAW_CLOSE_ICE_FAILED);
    assert_int_equal(seen->ice_reason, PAW_ICE_REASON_NO_PAIR);
    assert_in_range(seen->closed_ns - pair->begin_ns, 39500 * PAW_NS_PER_MS, 39501 * PAW_NS_PER_MS);
  }
  kit_pair_free(pair);
}

/* What the peer has told of a NAT in between is not told to it. */
static void what_was_learnt_is_not_told(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 13);
  struct kit_pair *pair = kit_pair_new(&config);
  struct paw_address outside;
  assert_int_equal(paw_address_parse("198.51.100.9:40000", &outside), PAW_OK);
  kit_net_rebind(pair->net, &pair->peers[0].addresses[0], &outside);
  kit_pair_negotiate(pair);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 500));
  char fragment[4096];
  size_t len = sizeof fragment;
  assert_int_equal(paw_rtc_write_ice_fragment(pair->peers[0].rtc, fragment, &len), PAW_OK);
  assert_non_null(strstr(fragment, " 192.0.2.1 10001 typ host"));
  assert_null(strstr(fragment, "198.51.100.9"));
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_passed_over),
      cmocka_unit_test(a_candidate_comes_late),
      cmocka_unit_test(the_end_of_candidates_ends_nothing),
      cmocka_unit_test(nobody_comes),
      cmocka_unit_test(what_was_learnt_is_not_told),
  };
  return cmocka_run_group_tests_name("trickle", tests, NULL, NULL);
}
