/* SPDX-License-Identifier: MIT */
/* The caller's clock: any origin, jumps ahead (a host that slept), steps back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/pair.h"

static struct kit_pair *talking_pair(uint64_t seed) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
  kit_peer_talk(&pair->peers[1], 960, pair->clock.now_ns);
  kit_pair_run_ms(pair, 1000);
  return pair;
}

/* Time passes without either side being looked at. */
static void freeze(struct kit_pair *pair, uint64_t ms) {
  for (size_t i = 0; i < 2; i++) {
    kit_peer_talk(&pair->peers[i], 0, 0);
  }
  kit_clock_advance_ms(&pair->clock, ms);
  for (size_t i = 0; i < 2; i++) {
    kit_peer_talk(&pair->peers[i], 960, pair->clock.now_ns);
  }
}

static void media_goes_on_after(uint64_t frozen_ms) {
  struct kit_pair *pair = talking_pair(51);
  freeze(pair, frozen_ms);
  uint64_t before[2] = {pair->peers[0].seen.events[PAW_RTC_EVENT_AUDIO],
                        pair->peers[1].seen.events[PAW_RTC_EVENT_AUDIO]};
  kit_pair_run_ms(pair, 2000);
  for (size_t i = 0; i < 2; i++) {
    const struct kit_peer_seen *seen = &pair->peers[i].seen;
    assert_int_equal(seen->closed_ns, 0);
    assert_in_range(seen->events[PAW_RTC_EVENT_AUDIO] - before[i], 95, 102);
    assert_int_equal(seen->events[PAW_RTC_EVENT_DEGRADED], seen->events[PAW_RTC_EVENT_RECOVERED]);
  }
  assert_int_equal(pair->foreign, 0);
  kit_pair_free(pair);
}

static void short_jumps_are_bridged(void **state) {
  (void)state;
  media_goes_on_after(150);
  media_goes_on_after(2000);
  media_goes_on_after(20000);
}

/* Past the consent's time nobody may send (RFC 7675 section 5.1): both give up, once, and at once.
 */
static void long_jumps_end_in_order(void **state) {
  (void)state;
  const uint64_t jumps_ms[] = {40 * 1000, 3600 * 1000, UINT64_C(365) * 24 * 3600 * 1000};
  for (size_t j = 0; j < 3; j++) {
    struct kit_pair *pair = talking_pair(52);
    uint64_t wake_ups = pair->peers[0].seen.wake_ups + pair->peers[1].seen.wake_ups;
    kit_clock_advance_ms(&pair->clock, jumps_ms[j]);
    kit_peer_talk(&pair->peers[0], 0, 0);
    kit_peer_talk(&pair->peers[1], 0, 0);
    kit_pair_run_ms(pair, 1000);
    assert_true(kit_pair_both_closed(pair));
    assert_int_equal(pair->peers[0].seen.reason, PAW_CLOSE_CONSENT);
    assert_int_equal(pair->peers[1].seen.reason, PAW_CLOSE_CONSENT);
    wake_ups = pair->peers[0].seen.wake_ups + pair->peers[1].seen.wake_ups - wake_ups;
    assert_in_range(wake_ups, 0, 10);
    kit_pair_free(pair);
  }
}

/* Time that goes back stands still instead, and is counted. */
static void steps_back_are_clamped(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(53);
  uint64_t before = pair->peers[1].seen.events[PAW_RTC_EVENT_AUDIO];
  struct paw_input input = {.kind = PAW_INPUT_TIMEOUT,
                            .now_ns = pair->clock.now_ns - 500 * PAW_NS_PER_MS};
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(paw_rtc_handle_input(pair->peers[i].rtc, &input), PAW_OK);
    kit_peer_drain(&pair->peers[i], pair->clock.now_ns);
    assert_int_equal(kit_pair_get_stats(pair, i).clock_backwards, 1);
  }
  kit_pair_run_ms(pair, 1000);
  assert_in_range(pair->peers[1].seen.events[PAW_RTC_EVENT_AUDIO] - before, 49, 51);
  kit_pair_free(pair);
}

/* A datagram's own time may lie before calls that came earlier: the kernel had it then already. */
static void arrival_before_now_is_kept(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(54);
  const struct paw_audio_packet *audio = &pair->peers[1].seen.audio;
  uint64_t arrival_ns = audio->arrival_ns;
  struct kit_datagram datagram;
  kit_peer_talk(&pair->peers[1], 0, 0);
  kit_clock_advance_to(&pair->clock, pair->peers[0].talker.next_ns);
  kit_peer_speak(&pair->peers[0], pair->clock.now_ns);
  uint64_t due_ns = kit_net_next_ns(pair->net);
  kit_clock_advance_to(&pair->clock, due_ns + 30 * PAW_NS_PER_MS);
  kit_peer_timeout(&pair->peers[1], pair->clock.now_ns);
  while (kit_net_deliver(pair->net, due_ns, &datagram)) {
    if (kit_peer_owns(&pair->peers[1], &datagram.to)) {
      kit_peer_receive(&pair->peers[1], &datagram, pair->clock.now_ns);
    }
  }
  assert_true(audio->arrival_ns > arrival_ns);
  assert_int_equal(audio->arrival_ns, due_ns);
  assert_int_equal(kit_pair_get_stats(pair, 1).clock_backwards, 0);
  kit_pair_free(pair);
}

static void any_origin_will_do(void **state) {
  (void)state;
  const uint64_t origins_ns[] = {0, 1, UINT64_C(1) << 32, UINT64_C(1) << 63};
  for (size_t i = 0; i < 4; i++) {
    struct kit_pair_config config;
    kit_pair_config_init(&config, 55);
    config.origin_ns = origins_ns[i];
    struct kit_pair *pair = kit_pair_connect(&config, 100);
    kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
    kit_pair_run_ms(pair, 10990);
    assert_int_equal(pair->peers[1].seen.events[PAW_RTC_EVENT_AUDIO], 550);
    assert_true(pair->peers[1].seen.events[PAW_RTC_EVENT_SENDER_REPORT] > 1);
    kit_pair_free(pair);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(short_jumps_are_bridged), cmocka_unit_test(long_jumps_end_in_order),
      cmocka_unit_test(steps_back_are_clamped),  cmocka_unit_test(arrival_before_now_is_kept),
      cmocka_unit_test(any_origin_will_do),
  };
  return cmocka_run_group_tests_name("clock_jump", tests, NULL, NULL);
}
