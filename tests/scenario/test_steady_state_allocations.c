/* SPDX-License-Identifier: MIT */
/* Audio that flows allocates nothing, counted at the level of malloc: neither we nor libsrtp2,
 * mbedTLS and libopus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/alloc.h"
#include "kit/crowd.h"
#include "kit/pair.h"

#define MINUTE_MS 60000

static void assert_nothing_allocated(struct kit_malloc_counts counts) {
  assert_int_equal(counts.allocations, 0);
  assert_int_equal(counts.frees, 0);
  assert_int_equal(counts.outstanding, 0);
}

static void talk_for_a_minute(const struct kit_link_config *link) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, 11);
  config.link = *link;
  struct kit_pair *pair = kit_pair_connect(&config, 5000);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_peer_talk(&pair->peers[1], 960, pair->clock.now_ns);
  kit_pair_run_ms(pair, 5000);

  kit_malloc_start();
  kit_pair_run_ms(pair, MINUTE_MS);
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_nothing_allocated(counts);
  assert_true(pair->peers[1].seen.events[PAW_RTC_EVENT_AUDIO] > 6000 * 8 / 10);
  assert_true(pair->peers[0].seen.events[PAW_RTC_EVENT_AUDIO] > 3000 * 8 / 10);
  assert_true(pair->peers[0].seen.events[PAW_RTC_EVENT_RECEIVER_REPORT] > 0);
  assert_true(pair->peers[1].seen.events[PAW_RTC_EVENT_SENDER_REPORT] > 0);
  kit_pair_free(pair);
}

static void quiet_link(void **state) {
  (void)state;
  talk_for_a_minute(&(struct kit_link_config){.delay_ns = 2 * PAW_NS_PER_MS});
}

static void bad_link(void **state) {
  (void)state;
  talk_for_a_minute(&(struct kit_link_config){.delay_ns = 5 * PAW_NS_PER_MS,
                                              .jitter_ns = 20 * PAW_NS_PER_MS,
                                              .loss = 0.1,
                                              .duplicate = 0.05,
                                              .reorder = 0.05,
                                              .reorder_ns = 30 * PAW_NS_PER_MS});
}

static void hub_with_its_track(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 12, 5);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 1000));
  kit_crowd_talk(crowd, 480);
  kit_crowd_run_ms(crowd, 5000);

  kit_malloc_start();
  kit_crowd_run_ms(crowd, MINUTE_MS);
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_nothing_allocated(counts);
  for (size_t i = 0; i < 5; i++) {
    assert_true(crowd->members[i].peer.seen.events[PAW_RTC_EVENT_AUDIO] > 6400);
  }
  kit_crowd_free(crowd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quiet_link),
      cmocka_unit_test(bad_link),
      cmocka_unit_test(hub_with_its_track),
  };
  return cmocka_run_group_tests_name("steady_state_allocations", tests, NULL, NULL);
}
