/* SPDX-License-Identifier: MIT */
/* Datagrams that pass each other by, and that come twice: each packet is told once, and nothing is
 * taken for an attack that cannot be told from one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kit/pair.h"

/* Every sequence number that was told, to find one that is told twice. */
struct told {
  uint8_t seen[65536];
  uint64_t twice;
  uint64_t backwards; /* told after a later one */
  uint16_t last;
  bool any;
};

static struct told told;

static void tell(void *user_data, struct kit_peer *peer, const struct paw_rtc_event *event) {
  (void)user_data;
  (void)peer;
  if (event->kind != PAW_RTC_EVENT_AUDIO) {
    return;
  }
  uint16_t sequence = event->audio.sequence;
  told.twice += told.seen[sequence];
  told.seen[sequence] = 1;
  told.backwards += told.any && (int16_t)(uint16_t)(sequence - told.last) < 0;
  told.last = sequence;
  told.any = true;
}

static void each_packet_once(uint64_t seed, void *context) {
  (void)context;
  memset(&told, 0, sizeof told);
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  config.link = (struct kit_link_config){.delay_ns = 5 * PAW_NS_PER_MS,
                                         .jitter_ns = 10 * PAW_NS_PER_MS,
                                         .duplicate = 0.1,
                                         .reorder = 0.2,
                                         .reorder_ns = 35 * PAW_NS_PER_MS};
  struct kit_pair *pair = kit_pair_connect(&config, 1000);
  pair->peers[1].watcher = tell;
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 19995);
  kit_peer_talk(&pair->peers[0], 0, 0);
  kit_pair_run_ms(pair, 200);

  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 1);
  assert_int_equal(pair->peers[1].seen.events[PAW_RTC_EVENT_AUDIO], 2000);
  assert_int_equal(told.twice, 0);
  assert_in_range(told.backwards, 200, 700);
  assert_in_range(stats.drops[PAW_DROP_SRTP_REPLAY], 120, 280);
  assert_int_equal(stats.drops[PAW_DROP_SRTP_AUTH], 0);
  assert_int_equal(stats.drops[PAW_DROP_SRTCP_AUTH], 0);
  assert_int_equal(stats.packets_lost, 0);
  assert_int_equal(pair->peers[1].seen.events[PAW_RTC_EVENT_DEGRADED], 0);
  kit_pair_free(pair);
}

static void audio_is_told_once(void **state) {
  (void)state;
  kit_seeds_run(each_packet_once, NULL, 3);
}

/* The handshake's flights are of several datagrams, which may come in any order. */
static void connect_in_disorder(uint64_t seed, void *context) {
  (void)context;
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  config.link.duplicate = 0.3;
  config.link.reorder = 0.4;
  config.link.reorder_ns = 7 * PAW_NS_PER_MS;
  kit_pair_free(kit_pair_connect(&config, 1000));
}

static void handshake_in_disorder(void **state) {
  (void)state;
  kit_seeds_run(connect_in_disorder, NULL, 12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(audio_is_told_once),
      cmocka_unit_test(handshake_in_disorder),
  };
  return cmocka_run_group_tests_name("reordering", tests, NULL, NULL);
}
