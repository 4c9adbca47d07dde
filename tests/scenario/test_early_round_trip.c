/* SPDX-License-Identifier: MIT */
/* A loudspeaker, lite and only receiving, knows its round trip by RTCP soon after the first media:
 * without it no NACK can be told to be in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/pair.h"
#include "rtc/rtc_private.h"

static bool receiver_knows(const struct kit_pair *pair) {
  return pair->peers[1].rtc->round_trip.mean_ns != 0;
}

static bool sender_knows(const struct kit_pair *pair) {
  return pair->peers[0].rtc->round_trip.mean_ns != 0;
}

/* Asks for whatever is missing, once. */
static void ask_for_gaps(void *user_data, struct kit_peer *peer,
                         const struct paw_rtc_event *event) {
  struct kit_pair *pair = user_data;
  static uint16_t last;
  if (event->kind != PAW_RTC_EVENT_AUDIO) {
    return;
  }
  uint16_t missing = (uint16_t)(last + 1);
  if (pair->peers[1].seen.events[PAW_RTC_EVENT_AUDIO] > 1 && event->audio.sequence != missing) {
    (void)paw_rtc_send_nack(peer->rtc, pair->clock.now_ns, &missing, 1);
  }
  last = event->audio.sequence;
}

/* The times until each end knows, from the first frame on. */
static void time_it(uint64_t seed, double loss, uint64_t delay_ms, uint64_t times_ms[2]) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  config.rtc[0].audio.direction = PAW_DIRECTION_SENDONLY;
  config.rtc[1].audio.direction = PAW_DIRECTION_RECVONLY;
  config.rtc[1].ice_mode = PAW_ICE_LITE;
  config.link.delay_ns = delay_ms * PAW_NS_PER_MS;
  config.link.loss = loss;
  struct kit_pair *pair = kit_pair_connect(&config, 20000);
  pair->peers[1].watcher = ask_for_gaps;
  pair->peers[1].watcher_data = pair;
  kit_pair_run_ms(pair, 300); /* the first reports are past */
  uint64_t begin_ms = kit_pair_elapsed_ms(pair);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  assert_true(kit_pair_run_until(pair, receiver_knows, 10000));
  times_ms[0] = kit_pair_elapsed_ms(pair) - begin_ms;
  assert_true(kit_pair_run_until(pair, sender_knows, 10000));
  times_ms[1] = kit_pair_elapsed_ms(pair) - begin_ms;
  kit_pair_free(pair);
}

static void with_the_first_media(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    uint64_t times_ms[2];
    time_it(700 + seed, 0, 10, times_ms);
    assert_in_range(times_ms[0], 30, 35); /* the frame, the question, the answer */
    assert_true(times_ms[1] < 1600);
  }
}

static void within_two_seconds_at_20_percent(void **state) {
  (void)state;
  uint64_t late = 0;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    uint64_t times_ms[2];
    time_it(750 + seed, 0.2, 10, times_ms);
    late += times_ms[0] > 1000;
    assert_true(times_ms[0] <= 2000);
  }
  assert_true(late <= 2);
}

/* The first trip is made while the other end still works at the handshakes of many. */
static void a_first_trip_that_was_held_up_is_soon_forgotten(void **state) {
  struct kit_pair_config config;
  (void)state;
  kit_pair_config_init(&config, 790);
  config.rtc[0].audio.direction = PAW_DIRECTION_SENDONLY;
  config.rtc[1].audio.direction = PAW_DIRECTION_RECVONLY;
  config.rtc[1].ice_mode = PAW_ICE_LITE;
  config.link.delay_ns = 40 * PAW_NS_PER_MS;
  struct kit_pair *pair = kit_pair_connect(&config, 20000);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  assert_true(kit_pair_run_until(pair, receiver_knows, 10000));
  assert_in_range(pair->peers[1].rtc->round_trip.mean_ns, 80 * PAW_NS_PER_MS, 81 * PAW_NS_PER_MS);
  kit_net_configure(pair->net, &(struct kit_link_config){.delay_ns = 1 * PAW_NS_PER_MS});
  kit_pair_run_ms(pair, 8000);
  assert_in_range(pair->peers[1].rtc->round_trip.mean_ns, 2 * PAW_NS_PER_MS, 10 * PAW_NS_PER_MS);
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(with_the_first_media),
      cmocka_unit_test(a_first_trip_that_was_held_up_is_soon_forgotten),
      cmocka_unit_test(within_two_seconds_at_20_percent),
  };
  return cmocka_run_group_tests_name("early_round_trip", tests, NULL, NULL);
}
