/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kit/net.h"
#include "kit/relay.h"

#define MS PAW_NS_PER_MS
#define START_NS (1000 * PAW_NS_PER_S)

static struct paw_address target;
static struct paw_address first;
static struct paw_address second;

static int make_addresses(void **state) {
  (void)state;
  return paw_address_parse("192.0.2.1:1000", &target) ||
         paw_address_parse("192.0.2.2:2000", &first) ||
         paw_address_parse("192.0.2.2:2001", &second);
}

static struct relay *open_relay(const struct relay_weather_config *weather, uint64_t seed,
                                size_t clients) {
  struct relay *relay = relay_new(&(struct relay_config){
      .target = target, .weather = *weather, .seed = seed, .start_ns = START_NS});
  const struct paw_address *addresses[] = {&first, &second};
  for (size_t i = 0; i < clients; i++) {
    size_t index;
    assert_true(relay_find_client(relay, addresses[i], &index));
    assert_int_equal(index, i);
  }
  return relay;
}

static const struct relay_counts *counts_of(const struct relay *relay, size_t client,
                                            enum relay_direction direction) {
  return &relay_get_client(relay, client)->counts[direction];
}

/* Down, to this client. */
static void put_number(struct relay *relay, size_t client, uint32_t value, uint64_t time_ns) {
  uint8_t data[100] = {128, 111};
  memcpy(data + 12, &value, sizeof value);
  relay_put(relay, RELAY_DOWN, client, data, sizeof data, START_NS + time_ns);
}

static uint32_t number_of(const struct relay_parcel *parcel) {
  uint32_t value = 0;
  assert_int_equal(parcel->len, 100);
  memcpy(&value, parcel->data + 12, sizeof value);
  return value;
}

static void forwards_both_ways_and_apart(void **state) {
  (void)state;
  struct relay *relay = open_relay(&(struct relay_weather_config){.delay_ns = 5 * MS}, 1, 2);
  struct relay_parcel parcel;
  assert_int_equal(relay_next_ns(relay), PAW_TIME_NEVER);
  put_number(relay, 0, 7, 10 * MS);
  put_number(relay, 1, 8, 11 * MS);
  relay_put(relay, RELAY_UP, 1, (const uint8_t *)"up", 2, START_NS + 12 * MS);
  assert_int_equal(relay_next_ns(relay), START_NS + 15 * MS);
  assert_false(relay_take(relay, START_NS + 15 * MS - 1, &parcel));
  assert_true(relay_take(relay, START_NS + 15 * MS, &parcel));
  assert_int_equal(parcel.direction, RELAY_DOWN);
  assert_int_equal(parcel.client, 0);
  assert_int_equal(number_of(&parcel), 7);
  assert_true(relay_take(relay, START_NS + 17 * MS, &parcel));
  assert_int_equal(parcel.client, 1);
  assert_int_equal(number_of(&parcel), 8);
  assert_true(relay_take(relay, START_NS + 17 * MS, &parcel));
  assert_int_equal(parcel.direction, RELAY_UP);
  assert_int_equal(parcel.client, 1);
  assert_memory_equal(parcel.data, "up", 2);
  assert_false(relay_take(relay, PAW_TIME_NEVER - 1, &parcel));
  assert_int_equal(counts_of(relay, 0, RELAY_DOWN)->passed_rtp, 1);
  assert_int_equal(counts_of(relay, 1, RELAY_UP)->received, 1);
  assert_int_equal(counts_of(relay, 1, RELAY_UP)->received_rtp, 0);
  relay_free(relay);
}

static void knows_its_clients_and_refuses_too_many(void **state) {
  (void)state;
  struct relay *relay = open_relay(&(struct relay_weather_config){0}, 1, 2);
  struct paw_address address = first;
  size_t index = 99;
  assert_true(relay_find_client(relay, &second, &index));
  assert_int_equal(index, 1);
  for (uint16_t i = 2; i < RELAY_CLIENTS_MAX; i++) {
    address.port = (uint16_t)(3000 + i);
    assert_true(relay_find_client(relay, &address, &index));
  }
  address.port = 4000;
  assert_false(relay_find_client(relay, &address, &index));
  assert_true(relay_find_client(relay, &first, &index));
  assert_int_equal(index, 0);
  assert_int_equal(relay_count_clients(relay), RELAY_CLIENTS_MAX);
  relay_free(relay);
}

/* Asks each ms for ten minutes: the share lost, and the share of these after which the next is too.
 */
static double measure_loss(const struct relay_weather_config *config, uint64_t seed,
                           double *again) {
  struct relay_weather weather;
  relay_weather_init(&weather, config, seed);
  const uint64_t total = 600000;
  uint64_t lost = 0;
  uint64_t lost_again = 0;
  bool before = false;
  for (uint64_t ms = 0; ms < total; ms++) {
    struct relay_passage passage;
    bool is_lost = relay_weather_ask(&weather, ms * MS, &passage) == RELAY_LOST;
    lost += is_lost;
    lost_again += is_lost && before;
    before = is_lost;
  }
  *again = lost == 0 ? 0 : (double)lost_again / (double)lost;
  return (double)lost / (double)total;
}

static void assert_between(double value, double least, double most) {
  if (!(value >= least && value <= most)) {
    fail_msg("%g is not from %g to %g", value, least, most);
  }
}

/* Ten minutes have 600 bad times or more: their mean is good to a few percent. */
static void loses_what_was_asked_for_in_bursts(void **state) {
  (void)state;
  double again;
  for (uint64_t seed = 1; seed <= 3; seed++) {
    for (int percent = 5; percent <= 20; percent *= 2) {
      struct relay_weather_config config = {.loss = percent / 100.0, .burst_ns = 40 * MS};
      assert_between(measure_loss(&config, seed, &again), 0.85 * config.loss, 1.15 * config.loss);
      /* Lost in a bad time, which goes on for 1 ms more with 39 of 40, and loses 9 of 10. */
      double of_bad = RELAY_LOSS_BAD * (config.loss - RELAY_LOSS_GOOD) /
                      (RELAY_LOSS_BAD - RELAY_LOSS_GOOD) / config.loss;
      double expected = of_bad * RELAY_LOSS_BAD * 39 / 40 + (1 - of_bad) * RELAY_LOSS_GOOD;
      assert_between(again, expected - 0.04, expected + 0.04);
    }
  }
  struct relay_weather_config apart = {.loss = 0.1};
  assert_between(measure_loss(&apart, 1, &again), 0.098, 0.102);
  assert_between(again, 0.095, 0.105);
  struct relay_weather_config little = {.loss = 0.005, .burst_ns = 40 * MS};
  assert_between(measure_loss(&little, 1, &again), 0.0045, 0.0055);
  struct relay_weather_config nothing = {.burst_ns = 40 * MS};
  assert_between(measure_loss(&nothing, 1, &again), 0, 0);
}

static void directions_have_luck_of_their_own(void **state) {
  (void)state;
  struct relay *relay =
      open_relay(&(struct relay_weather_config){.loss = 0.2, .burst_ns = 40 * MS}, 5, 1);
  uint64_t differ = 0;
  for (uint32_t i = 0; i < 2000; i++) {
    uint64_t up = counts_of(relay, 0, RELAY_UP)->lost;
    uint64_t down = counts_of(relay, 0, RELAY_DOWN)->lost;
    put_number(relay, 0, i, i * 20 * MS);
    relay_put(relay, RELAY_UP, 0, (const uint8_t *)"x", 1, START_NS + i * 20 * MS);
    up = counts_of(relay, 0, RELAY_UP)->lost - up;
    down = counts_of(relay, 0, RELAY_DOWN)->lost - down;
    differ += up != down;
    struct relay_parcel parcel;
    while (relay_take(relay, START_NS + i * 20 * MS, &parcel)) {
    }
  }
  assert_in_range(differ, 300, 1000);
  relay_free(relay);
}

/* What one client sends more, or less, changes nothing for the other. */
static void same_time_same_weather(void **state) {
  (void)state;
  struct relay_weather_config config = {
      .loss = 0.1, .burst_ns = 40 * MS, .jitter_ns = 3 * MS, .trace = RELAY_TRACE_BUNCHED};
  struct relay *relay = open_relay(&config, 3, 2);
  struct relay_parcel parcel;
  uint64_t arrivals[2][3000] = {0};
  for (uint32_t i = 0; i < 3000; i++) {
    uint64_t time_ns = i * 10 * MS;
    while (relay_next_ns(relay) <= START_NS + time_ns) {
      uint64_t due_ns = relay_next_ns(relay);
      assert_true(relay_take(relay, due_ns, &parcel));
      if (parcel.direction == RELAY_DOWN) {
        arrivals[parcel.client][number_of(&parcel)] = due_ns;
      }
    }
    put_number(relay, 0, i, time_ns);
    put_number(relay, 1, i, time_ns + MS / 10);
    if (i % 7 == 0) {
      relay_put(relay, RELAY_UP, 1, (const uint8_t *)"x", 1, START_NS + time_ns);
    }
  }
  uint64_t got = 0;
  uint64_t differ = 0;
  for (size_t i = 0; i < 2900; i++) {
    got += arrivals[0][i] != 0;
    differ += (arrivals[0][i] == 0) != (arrivals[1][i] == 0) ||
              arrivals[1][i] > arrivals[0][i] + MS / 10 || arrivals[1][i] < arrivals[0][i];
  }
  assert_in_range(got, 2400, 2800);
  /* A bad time, or a hold, may begin or end between the two: 800 borders, a hundredth of the time.
   */
  assert_in_range(differ, 0, 16);
  relay_free(relay);
}

/* The delays of a trace each 10 ms for 10 minutes: their mean in us, and how many reach `limit`. */
static double measure_trace(enum relay_trace trace, uint64_t limit_ns, uint64_t *above) {
  struct relay_weather weather;
  relay_weather_init(&weather, &(struct relay_weather_config){.trace = trace}, 1);
  double sum_us = 0;
  *above = 0;
  for (uint64_t i = 0; i < 60000; i++) {
    struct relay_passage passage;
    assert_int_equal(relay_weather_ask(&weather, i * 10 * MS, &passage), RELAY_PASSES);
    sum_us += (double)passage.delay_ns / 1000;
    *above += passage.delay_ns >= limit_ns;
  }
  return sum_us / 60000;
}

static void traces_are_what_they_say(void **state) {
  (void)state;
  uint64_t above;
  assert_between(measure_trace(RELAY_TRACE_NONE, 1, &above), 0, 0);
  assert_between(measure_trace(RELAY_TRACE_QUIET, 7300000, &above), 950, 1100);
  assert_in_range(above, 80, 260); /* 0.3 % */
  /* Held for 15 ms of 100 on average, of which a third is the mean of what is waited: 10 ms. */
  assert_between(measure_trace(RELAY_TRACE_BUNCHED, 45 * MS, &above), 2300, 2800);
  assert_in_range(above, 0, 3);
  (void)measure_trace(RELAY_TRACE_BUSY, 15 * MS, &above);
  assert_in_range(above, 450, 800); /* 300 times, for 20 of 35 ms on average */
  (void)measure_trace(RELAY_TRACE_SPIKES, 100 * MS, &above);
  assert_in_range(above, 18, 234); /* 18 times, at most 13 of 10 ms each */
}

static void what_is_held_comes_together_and_in_order(void **state) {
  (void)state;
  struct relay *relay = open_relay(&(struct relay_weather_config){.trace = RELAY_TRACE_BUSY}, 2, 1);
  uint32_t next = 0;
  uint32_t together = 0;
  for (uint32_t ms = 0; ms < 10000; ms++) {
    put_number(relay, 0, ms, ms * MS);
    struct relay_parcel parcel;
    uint32_t taken = 0;
    while (relay_take(relay, START_NS + ms * MS, &parcel)) {
      assert_int_equal(number_of(&parcel), next);
      next++;
      taken++;
    }
    together = taken > together ? taken : together;
  }
  assert_in_range(together, 15, 60);
  relay_free(relay);
}

static void put_rtp(struct relay *relay, uint8_t ssrc, uint16_t sequence, uint64_t time_ns) {
  const uint8_t data[12] = {128, 111, (uint8_t)(sequence >> 8), (uint8_t)sequence, [11] = ssrc};
  relay_put(relay, RELAY_DOWN, 0, data, sizeof data, START_NS + time_ns);
}

/* The number wraps; repeats, old ones and another SSRC are no first ones. */
static void tells_first_ones_from_repeats(void **state) {
  (void)state;
  struct relay *relay = open_relay(
      &(struct relay_weather_config){.blackout_every_ns = 1000 * MS, .blackout_for_ns = 500 * MS},
      1, 1);
  put_rtp(relay, 1, 65534, 0);
  put_rtp(relay, 1, 65535, 10 * MS);
  put_rtp(relay, 1, 1, 20 * MS);
  put_rtp(relay, 1, 0, 30 * MS);
  put_rtp(relay, 1, 65535, 40 * MS);
  put_rtp(relay, 2, 7, 50 * MS);
  put_rtp(relay, 1, 2, 600 * MS);
  put_rtp(relay, 1, 2, 610 * MS);
  assert_int_equal(counts_of(relay, 0, RELAY_DOWN)->received_rtp, 8);
  assert_int_equal(counts_of(relay, 0, RELAY_DOWN)->first_rtp, 4);
  assert_int_equal(counts_of(relay, 0, RELAY_DOWN)->first_rtp_lost, 1);
  assert_int_equal(counts_of(relay, 0, RELAY_DOWN)->blacked_out, 2);
  relay_free(relay);
}

static void reorders_its_share(void **state) {
  (void)state;
  struct relay *relay =
      open_relay(&(struct relay_weather_config){.delay_ns = MS, .reorder = 0.1}, 4, 1);
  uint32_t highest = 0;
  uint32_t behind = 0;
  for (uint32_t i = 0; i < 1000; i++) {
    put_number(relay, 0, i, i * 20 * MS);
    struct relay_parcel parcel;
    while (relay_take(relay, START_NS + i * 20 * MS + 10 * MS, &parcel)) {
      uint32_t number = number_of(&parcel);
      behind += number < highest;
      highest = number > highest ? number : highest;
    }
  }
  assert_in_range(counts_of(relay, 0, RELAY_DOWN)->reordered, 70, 130);
  assert_in_range(behind, 60, 130);
  relay_free(relay);
}

static void blacks_out_at_the_end_of_each_stretch(void **state) {
  (void)state;
  struct relay_weather weather;
  struct relay_weather_config config = {.blackout_every_ns = 1000 * MS,
                                        .blackout_for_ns = 200 * MS};
  relay_weather_init(&weather, &config, 1);
  for (uint64_t ms = 0; ms < 3000; ms++) {
    struct relay_passage passage;
    enum relay_fate fate = relay_weather_ask(&weather, ms * MS, &passage);
    assert_int_equal(fate, ms % 1000 >= 800 ? RELAY_BLACKED_OUT : RELAY_PASSES);
  }
}

static void is_bounded(void **state) {
  (void)state;
  struct relay *relay = open_relay(&(struct relay_weather_config){.delay_ns = 1000 * MS}, 1, 1);
  static const uint8_t too_long[KIT_NET_DATAGRAM_MAX + 1];
  relay_put(relay, RELAY_UP, 0, too_long, sizeof too_long, START_NS);
  assert_int_equal(counts_of(relay, 0, RELAY_UP)->overflowed, 1);
  for (uint32_t i = 0; i < KIT_NET_IN_FLIGHT_MAX + 5; i++) {
    put_number(relay, 0, i, 0);
  }
  assert_int_equal(counts_of(relay, 0, RELAY_DOWN)->overflowed, 5);
  relay_free(relay);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forwards_both_ways_and_apart),
      cmocka_unit_test(knows_its_clients_and_refuses_too_many),
      cmocka_unit_test(loses_what_was_asked_for_in_bursts),
      cmocka_unit_test(directions_have_luck_of_their_own),
      cmocka_unit_test(same_time_same_weather),
      cmocka_unit_test(traces_are_what_they_say),
      cmocka_unit_test(what_is_held_comes_together_and_in_order),
      cmocka_unit_test(tells_first_ones_from_repeats),
      cmocka_unit_test(reorders_its_share),
      cmocka_unit_test(blacks_out_at_the_end_of_each_stretch),
      cmocka_unit_test(is_bounded),
  };
  return cmocka_run_group_tests_name("kit_relay", tests, make_addresses, NULL);
}
