/* SPDX-License-Identifier: MIT */
/* The smallest transit of a path whose two clocks drift apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/rng.h"
#include "playout/playout.h"

#define MS ((int64_t)PAW_NS_PER_MS)
#define S ((int64_t)PAW_NS_PER_S)

struct path {
  struct paw_playout_base base;
  struct kit_rng rng;
  int64_t sent_ns;
  int64_t delay_ns;
  double skew; /* transits grow by */
};

/* A packet each 10 ms with exponential jitter of 1 ms; during busy seconds all are 2 to 12 ms later
 * than that. */
static void run(struct path *path, int64_t duration_ns, bool is_busy) {
  int64_t busy_ns = is_busy ? 2 * MS + (int64_t)kit_rng_below(&path->rng, 10 * PAW_NS_PER_MS) : 0;
  for (int64_t i = 0; i < duration_ns / (10 * MS); i++) {
    int64_t jitter_ns = (int64_t)kit_rng_exponential(&path->rng, (double)PAW_NS_PER_MS);
    int64_t drift_ns = (int64_t)(path->skew * (double)path->sent_ns);
    int64_t transit_ns = path->delay_ns + drift_ns + jitter_ns + busy_ns;
    paw_playout_base_note(&path->base, path->sent_ns + transit_ns, transit_ns);
    path->sent_ns += 10 * MS;
  }
}

/* How far the base now is from the transit of a packet without jitter. */
static int64_t error_ns(const struct path *path) {
  int64_t true_ns = path->delay_ns + (int64_t)(path->skew * (double)path->sent_ns);
  return path->base.floor_ns + paw_playout_base_trend(&path->base, path->sent_ns + true_ns) -
         true_ns;
}

static struct path begin(uint64_t seed, double skew) {
  struct path path = {.skew = skew, .delay_ns = 5 * MS};
  kit_rng_init(&path.rng, seed);
  paw_playout_base_start(&path.base);
  return path;
}

static void expect_near(int64_t value, int64_t wanted, int64_t most) {
  if (value < wanted - most || value > wanted + most) {
    fail_msg("%lld is further than %lld from %lld", (long long)value, (long long)most,
             (long long)wanted);
  }
}

static void skew_is_removed(uint64_t seed, void *context) {
  (void)context;
  static const double skews[] = {-200e-6, -100e-6, -20e-6, 0, 20e-6, 100e-6, 200e-6};
  for (size_t i = 0; i < sizeof skews / sizeof skews[0]; i++) {
    struct path path = begin(seed, skews[i]);
    run(&path, 15 * S, false);
    for (int second = 0; second < 300; second++) {
      run(&path, S, false);
      expect_near(error_ns(&path), 0, 300000);
    }
  }
}

static void clocks_that_drift_do_not_bias_it(void **state) {
  (void)state;
  kit_seeds_run(skew_is_removed, NULL, 5);
}

/* A third of all seconds: then the line is that of the others. */
static void busy_seconds_are_no_skew(uint64_t seed, void *context) {
  (void)context;
  struct path path = begin(seed, 50e-6);
  run(&path, 15 * S, false);
  for (int second = 0; second < 300; second++) {
    run(&path, S, kit_rng_chance(&path.rng, 0.33));
    expect_near(error_ns(&path), 0, 500000);
  }
}

static void busy_seconds(void **state) {
  (void)state;
  kit_seeds_run(busy_seconds_are_no_skew, NULL, 5);
}

static void a_shorter_path_counts_at_once_and_a_longer_one_after_ten_seconds(void **state) {
  (void)state;
  struct path path = begin(1, 100e-6);
  run(&path, 40 * S, false);
  path.delay_ns = 65 * MS;
  run(&path, 9 * S, false);
  expect_near(error_ns(&path), -60 * MS, MS);
  run(&path, 2 * S, false);
  expect_near(error_ns(&path), 0, MS);
  run(&path, 40 * S, false);
  path.delay_ns = 5 * MS;
  run(&path, S / 10, false);
  expect_near(error_ns(&path), 0, MS);
  for (int second = 0; second < 60; second++) {
    run(&path, S, false);
    expect_near(error_ns(&path), 0, MS);
  }
}

static void a_pause_forgets_nothing_and_the_skew_goes_on(void **state) {
  (void)state;
  struct path path = begin(1, 100e-6);
  run(&path, 40 * S, false);
  path.sent_ns += 30 * S;
  expect_near(error_ns(&path), 0, 500000);
  run(&path, S / 10, true);
  expect_near(error_ns(&path), 0, 500000);
}

static void a_beginning_keeps_the_skew(void **state) {
  (void)state;
  struct path path = begin(1, 100e-6);
  run(&path, 40 * S, false);
  double skew = path.base.skew;
  paw_playout_base_start(&path.base);
  path.delay_ns = 500 * MS;
  run(&path, 6 * S, false);
  assert_true(path.base.skew == skew);
  expect_near(error_ns(&path), 0, 300000);
}

static void times_may_jump(void **state) {
  (void)state;
  struct path path = begin(1, 0);
  static const int64_t times_ns[] = {INT64_C(1) << 60, -(INT64_C(1) << 60), 0, -5 * S, 1000 * S};
  for (int round = 0; round < 20; round++) {
    for (size_t i = 0; i < sizeof times_ns / sizeof times_ns[0]; i++) {
      paw_playout_base_note(&path.base, times_ns[i], -times_ns[i]);
      assert_true(path.base.skew >= -200e-6 && path.base.skew <= 200e-6);
    }
  }
  paw_playout_base_start(&path.base);
  run(&path, 40 * S, false);
  expect_near(error_ns(&path), 0, 300000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clocks_that_drift_do_not_bias_it),
      cmocka_unit_test(busy_seconds),
      cmocka_unit_test(a_shorter_path_counts_at_once_and_a_longer_one_after_ten_seconds),
      cmocka_unit_test(a_pause_forgets_nothing_and_the_skew_goes_on),
      cmocka_unit_test(a_beginning_keeps_the_skew),
      cmocka_unit_test(times_may_jump),
  };
  return cmocka_run_group_tests_name("playout base", tests, NULL, NULL);
}
