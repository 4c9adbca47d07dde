/* SPDX-License-Identifier: MIT */
/* What the fuzz targets of the engines and of the connection found, each as a case of its own; the
 * inputs themselves are kept in fuzz/crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kit/pair.h"

/* Frames move the connection's clock on, not ICE's. A candidate that comes then sets a deadline by
 * the latter: it must not lie behind (rtc_script/candidate_behind_the_clock). */
static void a_candidate_behind_the_clock(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 1);
  config.link.loss = 1;
  struct kit_pair *pair = kit_pair_new(&config);
  kit_pair_negotiate(pair);
  struct kit_peer *peer = &pair->peers[0];
  assert_true(peer->seen.datagrams_out > 0);
  kit_clock_advance_ms(&pair->clock, 10);
  const uint8_t data[] = {0xf8, 0xff, 0xfe};
  const struct paw_audio_frame frame = {
      .data = data, .len = sizeof data, .duration_rtp = 960, .level = PAW_AUDIO_LEVEL_NONE};
  assert_int_equal(paw_rtc_send_audio(peer->rtc, pair->clock.now_ns, &frame), PAW_OK);
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .priority = 1};
  assert_int_equal(paw_address_parse("192.0.2.9:9", &candidate.address), PAW_OK);
  assert_int_equal(paw_rtc_add_remote_candidate(peer->rtc, &candidate), PAW_OK);
  uint64_t before = peer->seen.datagrams_out;
  kit_peer_drain(peer, pair->clock.now_ns); /* asserts that the deadline lies ahead */
  assert_int_equal(peer->seen.datagrams_out, before + 1);
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_candidate_behind_the_clock),
  };
  return cmocka_run_group_tests_name("fuzz_engines", tests, NULL, NULL);
}
