/* SPDX-License-Identifier: MIT */
/* The delay of the least cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/rng.h"
#include "playout/playout.h"

#define MS ((int64_t)PAW_NS_PER_MS)

static void add(struct paw_playout_histogram *histogram, size_t bin, size_t count) {
  for (size_t i = 0; i < count; i++) {
    paw_playout_histogram_age(histogram, 10 * MS);
    paw_playout_histogram_add(histogram, bin);
  }
}

static int64_t best_ms(const struct paw_playout_histogram *histogram, double weight_ms) {
  int64_t ns = paw_playout_histogram_best_ns(histogram, 10 * MS, weight_ms);
  assert_int_equal(ns % MS, 0);
  return ns / MS;
}

/* What it costs to have `delay` ms, by its definition. */
static double cost(const struct paw_playout_histogram *histogram, size_t delay, size_t packet_ms,
                   double weight_ms) {
  double total = 0;
  double lost_ms = 0;
  for (size_t bin = 0; bin <= PAW_PLAYOUT_BINS; bin++) {
    size_t late = bin > delay ? bin - delay : 0;
    late = bin == PAW_PLAYOUT_BINS || late > packet_ms ? packet_ms : late;
    total += (double)histogram->weights[bin];
    lost_ms += (double)histogram->weights[bin] * (double)late;
  }
  return (double)delay + weight_ms * 100 * lost_ms / (total * (double)packet_ms);
}

static void the_cost_is_the_least_there_is(uint64_t seed, void *context) {
  (void)context;
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  struct paw_playout_histogram histogram;
  paw_playout_histogram_init(&histogram, 20 * MS);
  for (int i = 0; i < 300; i++) {
    double needed = kit_rng_exponential(&rng, kit_rng_chance(&rng, 0.1) ? 60 : 3);
    add(&histogram, needed < 255 ? (size_t)needed : 256, 1);
  }
  for (size_t packet_ms = 2; packet_ms <= 60; packet_ms += 9) {
    for (double weight_ms = 1; weight_ms < 300; weight_ms *= 3) {
      int64_t ns = paw_playout_histogram_best_ns(&histogram, (int64_t)packet_ms * MS, weight_ms);
      double found = cost(&histogram, (size_t)(ns / MS), packet_ms, weight_ms);
      for (size_t delay = 0; delay < PAW_PLAYOUT_BINS; delay++) {
        assert_true(found <= cost(&histogram, delay, packet_ms, weight_ms) + 1e-3);
      }
    }
  }
}

static void the_least_cost(void **state) {
  (void)state;
  kit_seeds_run(the_cost_is_the_least_there_is, NULL, 10);
}

/* One of 200 packets is late by up to its length: a millisecond less costs as much as it gains. */
static void late_packets_count_by_what_is_lost_of_them(void **state) {
  (void)state;
  struct paw_playout_histogram histogram;
  paw_playout_histogram_init(&histogram, 0);
  for (int i = 0; i < 100; i++) {
    add(&histogram, 2, 100);
    add(&histogram, 9, 1);
  }
  assert_int_equal(best_ms(&histogram, 5), 2);
  assert_int_equal(best_ms(&histogram, 20), 9);
}

static void the_first_delay_is_given_up_after_some_seconds(void **state) {
  (void)state;
  static const struct {
    double weight_ms;
    size_t held;
    size_t gone;
  } cases[] = {{20, 200, 500}, {60, 500, 1600}};
  for (size_t i = 0; i < 2; i++) {
    struct paw_playout_histogram histogram;
    paw_playout_histogram_init(&histogram, 18 * MS);
    assert_int_equal(best_ms(&histogram, cases[i].weight_ms), 18);
    add(&histogram, 1, cases[i].held);
    assert_int_equal(best_ms(&histogram, cases[i].weight_ms), 18);
    add(&histogram, 1, cases[i].gone - cases[i].held);
    assert_int_equal(best_ms(&histogram, cases[i].weight_ms), 1);
  }
}

/* Fading: after 30 s, 1/e; also across the times when the unit begins anew. */
static void what_was_seen_fades(void **state) {
  (void)state;
  struct paw_playout_histogram histogram;
  paw_playout_histogram_init(&histogram, 0);
  for (int i = 0; i < 10; i++) {
    add(&histogram, 40, 20000);
    float before = histogram.weights[40] / histogram.unit;
    add(&histogram, 3, 3000);
    float after = histogram.weights[40] / histogram.unit;
    assert_true(after > 0.36f * before && after < 0.375f * before);
    assert_true(before > 2990 && before < 3010);
  }
}

static void shifting_keeps_all(void **state) {
  (void)state;
  static const size_t shifts[] = {0, 1, 5, 40, 255, 256, 1000};
  for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
    struct paw_playout_histogram histogram;
    paw_playout_histogram_init(&histogram, 0);
    for (size_t bin = 0; bin <= PAW_PLAYOUT_BINS; bin++) {
      histogram.weights[bin] = (float)bin + 1;
    }
    paw_playout_histogram_shift(&histogram, shifts[i]);
    size_t shift = shifts[i] < 256 ? shifts[i] : 256;
    float sum = 0;
    for (size_t bin = 0; bin <= PAW_PLAYOUT_BINS; bin++) {
      sum += histogram.weights[bin];
      if (bin > 0) {
        float wanted = bin + shift <= PAW_PLAYOUT_BINS ? (float)(bin + shift) + 1 : 0;
        assert_true(histogram.weights[bin] == wanted);
      }
    }
    assert_true(sum == 257 * 258 / 2);
  }
}

static void what_is_cut_is_forgotten(void **state) {
  (void)state;
  struct paw_playout_histogram histogram;
  paw_playout_histogram_init(&histogram, 0);
  for (size_t bin = 0; bin <= PAW_PLAYOUT_BINS; bin++) {
    histogram.weights[bin] = 1;
  }
  paw_playout_histogram_cut(&histogram, PAW_PLAYOUT_BINS);
  assert_true(histogram.weights[PAW_PLAYOUT_BINS] == 1);
  paw_playout_histogram_cut(&histogram, 7);
  for (size_t bin = 0; bin <= PAW_PLAYOUT_BINS; bin++) {
    assert_true(histogram.weights[bin] == (bin <= 7 ? 1.0f : 0.0f));
  }
  assert_int_equal(best_ms(&histogram, 1000), 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_least_cost),
      cmocka_unit_test(late_packets_count_by_what_is_lost_of_them),
      cmocka_unit_test(the_first_delay_is_given_up_after_some_seconds),
      cmocka_unit_test(what_was_seen_fades),
      cmocka_unit_test(shifting_keeps_all),
      cmocka_unit_test(what_is_cut_is_forgotten),
  };
  return cmocka_run_group_tests_name("playout histogram", tests, NULL, NULL);
}
