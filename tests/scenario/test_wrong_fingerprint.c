/* SPDX-License-Identifier: MIT */
/* A certificate that is not the one of the description: no keys, no media, an event; whichever side
 * is deceived, and whoever is the DTLS client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/pair.h"

static void demand_client(char *sdp, size_t size) {
  kit_sdp_replace(sdp, size, "a=setup:actpass", "a=setup:active");
}

static void demand_client_and_break(char *sdp, size_t size) {
  demand_client(sdp, size);
  kit_sdp_break_fingerprints(sdp, size);
}

static bool either_closed(const struct kit_pair *pair) {
  return pair->peers[0].seen.closed_ns != 0 || pair->peers[1].seen.closed_ns != 0;
}

/* The other side waits a while before it believes the alert, which nobody has signed. */
static void deceive(size_t deceived, kit_sdp_alter *alter_offer, kit_sdp_alter *alter_answer) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, 3);
  config.alter_offer = alter_offer;
  config.alter_answer = alter_answer;
  struct kit_pair *pair = kit_pair_new(&config);
  kit_pair_negotiate(pair);
  kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
  kit_peer_talk(&pair->peers[1], 960, pair->clock.now_ns);
  assert_true(kit_pair_run_until(pair, either_closed, 100));
  kit_peer_talk(&pair->peers[deceived], 0, 0);
  assert_true(kit_pair_run_until(pair, kit_pair_both_closed, 900));

  assert_int_equal(pair->peers[deceived].seen.reason, PAW_CLOSE_FINGERPRINT);
  assert_int_equal(pair->peers[1 - deceived].seen.reason, PAW_CLOSE_DTLS_ALERT);
  for (size_t i = 0; i < 2; i++) {
    struct paw_rtc_stats stats = kit_pair_get_stats(pair, i);
    assert_int_equal(pair->peers[i].seen.events[PAW_RTC_EVENT_CONNECTED], 0);
    assert_int_equal(pair->peers[i].seen.events[PAW_RTC_EVENT_AUDIO], 0);
    assert_int_equal(stats.packets_sent, 0);
    assert_int_equal(stats.packets_received, 0);
    assert_int_equal(stats.rtcp_sent, 0);
  }
  kit_pair_free(pair);
}

static void answerer_deceived_as_client(void **state) {
  (void)state;
  deceive(1, kit_sdp_break_fingerprints, NULL);
}

static void answerer_deceived_as_server(void **state) {
  (void)state;
  deceive(1, demand_client_and_break, NULL);
}

static void offerer_deceived_as_server(void **state) {
  (void)state;
  deceive(0, NULL, kit_sdp_break_fingerprints);
}

static void offerer_deceived_as_client(void **state) {
  (void)state;
  deceive(0, demand_client, kit_sdp_break_fingerprints);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answerer_deceived_as_client),
      cmocka_unit_test(answerer_deceived_as_server),
      cmocka_unit_test(offerer_deceived_as_server),
      cmocka_unit_test(offerer_deceived_as_client),
  };
  return cmocka_run_group_tests_name("wrong_fingerprint", tests, NULL, NULL);
}
