/* SPDX-License-Identifier: MIT */
/* The peer's stream gets another SSRC within the same session (a browser that restarts its sender,
 * RFC 3550 section 8.2): it is followed at once, with its own count of everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "kit/pair.h"
#include "rtc/rtc_private.h"

/* paw_rtc keeps its SSRC for life, so the test reaches into it: new SSRC, new outbound SRTP. */
static void change_ssrc(struct kit_peer *peer, uint32_t ssrc, uint16_t sequence) {
  struct paw_rtc *rtc = peer->rtc;
  struct paw_srtp_keys keys;
  assert_int_equal(paw_dtls_get_keys(rtc->dtls, &keys), PAW_OK);
  paw_srtp_free(rtc->srtp, &rtc->allocator);
  rtc->srtp = NULL;
  assert_int_equal(paw_srtp_new(&rtc->allocator, &keys, ssrc, &rtc->srtp), PAW_OK);
  paw_mem_wipe(&keys, sizeof keys);
  rtc->local_ssrc = ssrc;
  rtc->send.ssrc = ssrc;
  paw_send_skip_to_now(&rtc->send);
  rtc->send.base_sequence = sequence;
}

static struct kit_pair *talking_pair(void) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, 71);
  config.rtc[0].audio.direction = PAW_DIRECTION_SENDONLY;
  config.rtc[1].audio.direction = PAW_DIRECTION_RECVONLY;
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
  kit_pair_run_ms(pair, 1000);
  return pair;
}

static void new_stream_is_followed(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair();
  struct kit_peer_seen *seen = &pair->peers[1].seen;
  uint64_t before = seen->events[PAW_RTC_EVENT_AUDIO];
  uint32_t old_ssrc = seen->audio.ssrc;
  change_ssrc(&pair->peers[0], old_ssrc + 1, 17);
  kit_pair_run_ms(pair, 10000);
  assert_in_range(seen->events[PAW_RTC_EVENT_AUDIO] - before, 499, 501);
  assert_int_equal(seen->audio.ssrc, old_ssrc + 1);
  assert_in_range(seen->audio.sequence, 17 + 498, 17 + 501);
  assert_int_equal(seen->sender_report.ssrc, old_ssrc + 1);
  assert_int_equal(pair->foreign, 0);
  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 1);
  assert_int_equal(stats.drops[PAW_DROP_SRTP_AUTH], 0);
  assert_int_equal(stats.drops[PAW_DROP_RTP_SSRC_LIMIT], 0);
  assert_int_equal(stats.packets_lost, 0);
  kit_pair_free(pair);
}

/* More SSRCs than are followed: the rest is refused and counted, and what was followed goes on. */
static void flood_of_streams_is_bounded(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair();
  struct kit_peer_seen *seen = &pair->peers[1].seen;
  uint32_t first_ssrc = seen->audio.ssrc;
  for (uint32_t i = 1; i <= 200; i++) {
    change_ssrc(&pair->peers[0], first_ssrc + i, (uint16_t)(i * 100));
    kit_pair_run_ms(pair, 3000);
  }
  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 1);
  assert_in_range(seen->audio.ssrc - first_ssrc, 10, PAW_SRTP_SOURCES_MAX);
  assert_true(stats.drops[PAW_DROP_RTP_SSRC_LIMIT] > 0);
  assert_int_equal(stats.drops[PAW_DROP_SRTP_AUTH], 0);
  assert_int_equal(seen->closed_ns, 0);
  assert_int_equal(pair->foreign, 0);
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(new_stream_is_followed),
      cmocka_unit_test(flood_of_streams_is_bounded),
  };
  return cmocka_run_group_tests_name("ssrc_change", tests, NULL, NULL);
}
