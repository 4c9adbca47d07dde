/* SPDX-License-Identifier: MIT */
/* How much delay the repair of losses is worth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/rng.h"
#include "playout/playout.h"

#define MS ((int64_t)PAW_NS_PER_MS)

/* Losses in bursts of which the lengths are exponential, as a sampled process in time. */
struct channel {
  struct paw_playout_budget budget;
  struct kit_rng rng;
  double share;
  double burst_ms;
  double left_ms;
  bool is_bad;
};

static struct channel begin(uint64_t seed, double share, double burst_ms) {
  struct channel channel = {.share = share, .burst_ms = burst_ms};
  kit_rng_init(&channel.rng, seed);
  paw_playout_budget_init(&channel.budget);
  channel.budget.nack = true;
  paw_playout_budget_note_rtt(&channel.budget, 4 * PAW_NS_PER_MS);
  channel.left_ms = kit_rng_exponential(&channel.rng, burst_ms * (1 - share) / share);
  return channel;
}

static void send_ms(struct channel *channel, int64_t duration_ms, int64_t packet_ms) {
  double good_ms = channel->burst_ms * (1 - channel->share) / channel->share;
  for (int64_t at = 0; at < duration_ms; at += packet_ms) {
    channel->left_ms -= (double)packet_ms;
    while (channel->left_ms < 0) {
      channel->is_bad = !channel->is_bad;
      channel->left_ms +=
          kit_rng_exponential(&channel->rng, channel->is_bad ? channel->burst_ms : good_ms);
    }
    paw_playout_budget_note_fate(&channel->budget, channel->is_bad, packet_ms * MS);
    paw_playout_budget_age(&channel->budget, packet_ms * MS);
  }
}

static double budget_ms(const struct channel *channel) {
  return (double)paw_playout_budget_ns(&channel->budget, 8 * MS) / (double)MS;
}

static void send_clean(struct channel *channel, int64_t duration_ms) {
  for (int64_t at = 0; at < duration_ms; at += 10) {
    paw_playout_budget_note_fate(&channel->budget, false, 10 * MS);
    paw_playout_budget_age(&channel->budget, 10 * MS);
  }
}

/* 5 + 4 + 4 + 6 / 2 + 15 * ln(20 / 0.25) = 82 ms. */
static void bursts_get_what_the_formula_says(uint64_t seed, void *context) {
  (void)context;
  struct channel channel = begin(seed, 0.2, 15);
  send_ms(&channel, 2000, 10);
  assert_true(budget_ms(&channel) > 45);
  send_ms(&channel, 60000, 10);
  double sum_ms = 0;
  for (int i = 0; i < 100; i++) {
    send_ms(&channel, 2000, 10);
    assert_true(budget_ms(&channel) > 60);
    sum_ms += budget_ms(&channel) / 100;
  }
  assert_true(sum_ms > 77 && sum_ms < 93);
}

static void bursts(void **state) {
  (void)state;
  kit_seeds_run(bursts_get_what_the_formula_says, NULL, 5);
}

/* Longer bursts need more, and so does a longer round trip; rare single losses need one answer. */
static void the_budget_follows_bursts_and_round_trips(void **state) {
  (void)state;
  struct channel channel = begin(1, 0.2, 40);
  send_ms(&channel, 60000, 10);
  double long_ms = budget_ms(&channel);
  assert_true(long_ms > 130 && long_ms < 240);
  for (int i = 0; i < 100; i++) {
    paw_playout_budget_note_rtt(&channel.budget, 24 * PAW_NS_PER_MS);
  }
  /* 20 ms for the trip, and half of the 24 ms by which the requests are further apart */
  assert_true(budget_ms(&channel) > long_ms + 31 && budget_ms(&channel) < long_ms + 33);
  channel = begin(1, 0.2, 15);
  for (int i = 0; i < 6000; i++) {
    paw_playout_budget_note_fate(&channel.budget, i % 100 == 50, 10 * MS);
  }
  assert_true(budget_ms(&channel) > 13 && budget_ms(&channel) < 18);
}

static void round_trips_that_vary_count_by_their_longer_ones(void **state) {
  (void)state;
  struct channel channel = begin(1, 0.2, 15);
  send_ms(&channel, 10000, 10);
  double before_ms = budget_ms(&channel);
  for (int i = 0; i < 100; i++) {
    paw_playout_budget_note_rtt(&channel.budget, (i % 2 == 0 ? 2 : 6) * PAW_NS_PER_MS);
  }
  assert_true(budget_ms(&channel) > before_ms + 3 && budget_ms(&channel) < before_ms + 6);
  paw_playout_budget_note_rtt(&channel.budget, 0);
  assert_true(budget_ms(&channel) > before_ms + 5 && budget_ms(&channel) < before_ms + 7);
  paw_playout_budget_note_rtt(&channel.budget, PAW_TIME_NEVER);
  assert_true(budget_ms(&channel) > 10000 && budget_ms(&channel) < 60000);
}

static void without_requests_there_is_no_budget_for_them(void **state) {
  (void)state;
  struct channel channel = begin(1, 0.2, 15);
  send_ms(&channel, 10000, 10);
  channel.budget.nack = false;
  assert_int_equal(paw_playout_budget_ns(&channel.budget, 8 * MS), 0);
}

/* The farthest copy counts, and only while copies are sent. */
static void copies_get_their_distance(void **state) {
  (void)state;
  struct channel channel = begin(1, 0.2, 15);
  channel.budget.nack = false;
  paw_playout_budget_note_copies(&channel.budget, 20 * MS);
  assert_int_equal(paw_playout_budget_ns(&channel.budget, 8 * MS), 0);
  send_ms(&channel, 1000, 10);
  assert_int_equal(paw_playout_budget_ns(&channel.budget, 8 * MS), 28 * MS);
  paw_playout_budget_note_copies(&channel.budget, 40 * MS);
  paw_playout_budget_note_copies(&channel.budget, 20 * MS);
  assert_int_equal(paw_playout_budget_ns(&channel.budget, 8 * MS), 48 * MS);
  send_ms(&channel, 2000, 10);
  assert_int_equal(paw_playout_budget_ns(&channel.budget, 8 * MS), 0);
  paw_playout_budget_note_copies(&channel.budget, 20 * MS);
  assert_int_equal(paw_playout_budget_ns(&channel.budget, 8 * MS), 28 * MS);
}

static void an_accident_each_minute_is_worth_nothing(void **state) {
  (void)state;
  static const int lengths[] = {1, 2, 5, 10};
  for (size_t i = 0; i < 4; i++) {
    struct channel channel = begin(1, 0.2, 15);
    for (int minute = 0; minute < 10; minute++) {
      for (int lost = 0; lost < lengths[i]; lost++) {
        paw_playout_budget_note_fate(&channel.budget, true, 10 * MS);
        assert_int_equal(paw_playout_budget_ns(&channel.budget, 8 * MS), 0);
      }
      send_clean(&channel, 60000);
    }
  }
}

/* 0.4 % neither begins nor ends it. */
static void it_ends_well_below_where_it_begins(void **state) {
  (void)state;
  struct channel channel = begin(1, 0.2, 15);
  for (int i = 0; i < 30000; i++) {
    paw_playout_budget_note_fate(&channel.budget, i % 250 == 249, 10 * MS);
    assert_false(channel.budget.is_lossy);
  }
  for (int i = 0; i < 3000; i++) {
    paw_playout_budget_note_fate(&channel.budget, i % 100 == 50, 10 * MS);
  }
  assert_true(channel.budget.is_lossy);
  for (int i = 0; i < 30000; i++) {
    paw_playout_budget_note_fate(&channel.budget, i % 250 == 0, 10 * MS);
    assert_true(channel.budget.is_lossy);
  }
  assert_true(budget_ms(&channel) < 18);
  send_clean(&channel, 15000);
  assert_false(channel.budget.is_lossy);
}

static void all_lost_and_strange_durations_are_bounded(void **state) {
  (void)state;
  struct channel channel = begin(1, 0.2, 15);
  for (int i = 0; i < 1000; i++) {
    paw_playout_budget_note_fate(&channel.budget, true, i % 3 == 0 ? 0 : (int64_t)1e11 * (i % 2));
    int64_t ns = paw_playout_budget_ns(&channel.budget, 8 * MS);
    assert_true(ns >= 0 && ns < INT64_C(1) << 60);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bursts),
      cmocka_unit_test(the_budget_follows_bursts_and_round_trips),
      cmocka_unit_test(round_trips_that_vary_count_by_their_longer_ones),
      cmocka_unit_test(without_requests_there_is_no_budget_for_them),
      cmocka_unit_test(copies_get_their_distance),
      cmocka_unit_test(an_accident_each_minute_is_worth_nothing),
      cmocka_unit_test(it_ends_well_below_where_it_begins),
      cmocka_unit_test(all_lost_and_strange_durations_are_bounded),
  };
  return cmocka_run_group_tests_name("playout budget", tests, NULL, NULL);
}
