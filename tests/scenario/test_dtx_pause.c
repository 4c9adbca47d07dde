/* SPDX-License-Identifier: MIT */
/* A sender in DTX says that it falls silent: its pause is no degraded connection, any other is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/pair.h"

static uint64_t seen(const struct kit_pair *pair, enum paw_rtc_event_kind kind) {
  return pair->peers[1].seen.events[kind];
}

/* 20 ms of Opus that hold nothing (RFC 6716 section 3.1: a TOC byte alone). */
static void send_empty(struct kit_pair *pair) {
  const struct kit_talker *talker = &pair->peers[0].talker;
  uint8_t toc = 0xf8;
  struct paw_audio_frame frame = {
      .data = &toc, .len = 1, .media_rtp = talker->media_rtp, .duration_rtp = 960};
  assert_int_equal(paw_rtc_send_audio(pair->peers[0].rtc, pair->clock.now_ns, &frame), PAW_OK);
  kit_peer_drain(&pair->peers[0], pair->clock.now_ns);
}

static struct kit_pair *connect_and_talk(void) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, 1);
  struct kit_pair *pair = kit_pair_connect(&config, 1000);
  kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
  kit_pair_run_ms(pair, 500);
  pair->peers[0].talker.next_ns = PAW_TIME_NEVER;
  return pair;
}

static void a_pause_that_is_told_is_not_degraded(void **state) {
  (void)state;
  struct kit_pair *pair = connect_and_talk();
  send_empty(pair);
  kit_pair_run_ms(pair, 5000);
  assert_int_equal(seen(pair, PAW_RTC_EVENT_DEGRADED), 0);
  pair->peers[0].talker.next_ns = pair->clock.now_ns;
  kit_pair_run_ms(pair, 500);
  assert_int_equal(seen(pair, PAW_RTC_EVENT_RECOVERED), 0);
  /* From here on it flows again, and has to. */
  pair->peers[0].talker.next_ns = PAW_TIME_NEVER;
  kit_pair_run_ms(pair, 500);
  assert_int_equal(seen(pair, PAW_RTC_EVENT_DEGRADED), 1);
  kit_pair_free(pair);
}

static void an_empty_packet_after_silence_is_a_recovery(void **state) {
  (void)state;
  struct kit_pair *pair = connect_and_talk();
  kit_pair_run_ms(pair, 500);
  assert_int_equal(seen(pair, PAW_RTC_EVENT_DEGRADED), 1);
  send_empty(pair);
  kit_pair_run_ms(pair, 1000);
  assert_int_equal(seen(pair, PAW_RTC_EVENT_RECOVERED), 1);
  assert_int_equal(seen(pair, PAW_RTC_EVENT_DEGRADED), 1);
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_pause_that_is_told_is_not_degraded),
      cmocka_unit_test(an_empty_packet_after_silence_is_a_recovery),
  };
  return cmocka_run_group_tests_name("dtx pause", tests, NULL, NULL);
}
