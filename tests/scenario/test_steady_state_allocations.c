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

/* What a busy network or a busy machine held up comes in one go, a report with it: all of it waits
 * for the next poll. Feeds `count` packets, which were sent but not delivered yet. */
static void take_at_once(struct kit_pair *pair, size_t count) {
  struct kit_peer *peer = &pair->peers[1];
  struct kit_datagram datagram;
  for (size_t i = 0; i < count; i++) {
    kit_peer_speak(&pair->peers[0], pair->clock.now_ns);
    kit_clock_advance_ms(&pair->clock, 20);
  }
  while (kit_net_deliver(pair->net, pair->clock.now_ns, &datagram)) {
    if (kit_peer_owns(peer, &datagram.to)) {
      const struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                                      .now_ns = pair->clock.now_ns,
                                      .arrival_ns = datagram.arrival_ns,
                                      .local = datagram.to,
                                      .remote = datagram.from,
                                      .data = datagram.data,
                                      .len = datagram.len};
      assert_int_equal(paw_rtc_handle_input(peer->rtc, &input), PAW_OK);
    }
  }
  kit_peer_drain(peer, pair->clock.now_ns);
}

static void packets_that_come_at_once(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 13);
  struct kit_pair *pair = kit_pair_connect(&config, 5000);
  kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
  kit_pair_run_ms(pair, 5000);

  kit_malloc_start();
  for (size_t count = 1; count <= 8; count++) {
    uint64_t before = pair->peers[1].seen.events[PAW_RTC_EVENT_AUDIO];
    take_at_once(pair, count);
    assert_true(pair->peers[1].seen.events[PAW_RTC_EVENT_AUDIO] >= before + count);
    kit_pair_run_ms(pair, 2000);
  }
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_nothing_allocated(counts);
  kit_pair_free(pair);
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
      cmocka_unit_test(packets_that_come_at_once),
      cmocka_unit_test(hub_with_its_track),
  };
  return cmocka_run_group_tests_name("steady_state_allocations", tests, NULL, NULL);
}
