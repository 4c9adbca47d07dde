/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/time.h"
#include "bench/playout/air.h"

#define FRAME_NS (10 * PAW_NS_PER_MS)
#define FRAMES 120000 /* 20 min */

static struct air_config config_of(enum air_trace trace) {
  return (struct air_config){
      .trace = trace, .then_ns = PAW_TIME_NEVER, .rtt_ns = 4 * PAW_NS_PER_MS};
}

static int compare(const void *a, const void *b) {
  double left = *(const double *)a;
  double right = *(const double *)b;
  return (left > right) - (left < right);
}

/* Delays over the shortest path in ms, sorted; the number of packets that came. */
static size_t send_all(const struct air_config *config, double *delays_ms) {
  struct air air;
  size_t count = 0;
  air_init(&air, config, 1);
  for (uint64_t i = 0; i < FRAMES; i++) {
    uint64_t sent_ns = PAW_NS_PER_S + i * FRAME_NS;
    uint64_t arrival_ns = 0;
    if (air_carry(&air, AIR_MEDIA, sent_ns, &arrival_ns)) {
      assert_true(arrival_ns >= sent_ns + config->rtt_ns / 2);
      delays_ms[count++] = (double)(arrival_ns - sent_ns - config->rtt_ns / 2) / 1e6;
    }
  }
  qsort(delays_ms, count, sizeof *delays_ms, compare);
  return count;
}

static double quantile(const double *delays_ms, size_t count, double share) {
  return delays_ms[(size_t)((double)count * share)];
}

static void assert_near(double value, double wanted, double most_apart) {
  if (value < wanted - most_apart || value > wanted + most_apart) {
    print_error("%g is not within %g of %g\n", value, most_apart, wanted);
    fail();
  }
}

/* What audio.md's table of quantiles rests on: 6.6, 9.3 and 12.8 ms, each with 2 ms of margin. */
static void quiet_has_rare_tails(void **state) {
  (void)state;
  double *delays_ms = calloc(FRAMES, sizeof *delays_ms);
  struct air_config config = config_of(AIR_QUIET);
  size_t count = send_all(&config, delays_ms);
  assert_near(quantile(delays_ms, count, 0.5), 0.6, 0.2);
  assert_near(quantile(delays_ms, count, 0.99), 4.6, 0.4);
  assert_near(quantile(delays_ms, count, 0.997), 7.3, 0.6);
  assert_near(quantile(delays_ms, count, 0.999), 10.8, 1.2);
  free(delays_ms);
}

static void every_trace_loses_a_little(void **state) {
  (void)state;
  double *delays_ms = calloc(FRAMES, sizeof *delays_ms);
  for (int i = AIR_QUIET; i < AIR_TRACES; i++) {
    struct air_config config = config_of((enum air_trace)i);
    double lost = 1 - (double)send_all(&config, delays_ms) / FRAMES;
    assert_near(lost * 100, 0.12, 0.03);
  }
  free(delays_ms);
}

static void traces_hold_up_as_long_as_they_say(void **state) {
  (void)state;
  static const struct {
    enum air_trace trace;
    double longest_ms; /* and the jitter of the last packet in it */
    double share_late; /* later than 12 ms, of all */
  } wanted[] = {
      {AIR_BUNCHED, 30, 0.0540}, /* 5.4 of 100 ms */
      {AIR_BUSY, 55, 0.0115},    /* 23 of 2000 ms */
      {AIR_SPIKES, 230, 0.0046}, /* 153 of 33500 ms */
  };
  double *delays_ms = calloc(FRAMES, sizeof *delays_ms);
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    struct air_config config = config_of(wanted[i].trace);
    size_t count = send_all(&config, delays_ms);
    assert_near(delays_ms[count - 1], wanted[i].longest_ms + 8, 20);
    size_t late = 0;
    for (size_t k = 0; k < count; k++) {
      late += delays_ms[k] > 12;
    }
    assert_near((double)late / (double)count, wanted[i].share_late, wanted[i].share_late / 2);
  }
  free(delays_ms);
}

/* Gilbert-Elliott in continuous time: the mean loss, and how long the air stays bad. */
static void bursts_are_as_long_as_asked_for(void **state) {
  (void)state;
  static const double bursts_ms[] = {15, 40, 100};
  static const double losses[] = {0.05, 0.1, 0.2, 0.3};
  for (size_t b = 0; b < 3; b++) {
    for (size_t l = 0; l < 4; l++) {
      struct air_config config = config_of(AIR_STILL);
      struct air air;
      config.burst_ms = bursts_ms[b];
      config.loss = losses[l];
      air_init(&air, &config, 7);
      uint64_t lost = 0;
      uint64_t bad = 0;
      uint64_t begun = 0;
      bool was_bad = false;
      for (uint64_t ms = 0; ms < 1200000; ms++) {
        uint64_t arrival_ns = 0;
        lost += !air_carry(&air, AIR_MEDIA, ms * PAW_NS_PER_MS, &arrival_ns);
        bool is_bad = air_is_bad(&air, ms * PAW_NS_PER_MS);
        begun += is_bad && !was_bad;
        bad += is_bad;
        was_bad = is_bad;
      }
      assert_near((double)lost / 1200000, losses[l], losses[l] * 0.06);
      assert_near((double)bad / (double)begun, bursts_ms[b], bursts_ms[b] * 0.1);
    }
  }
}

static void losses_may_be_independent(void **state) {
  (void)state;
  struct air_config config = config_of(AIR_STILL);
  struct air air;
  config.loss = 0.3;
  air_init(&air, &config, 3);
  uint64_t lost = 0;
  uint64_t both = 0;
  bool was_lost = false;
  for (uint64_t i = 0; i < FRAMES; i++) {
    uint64_t arrival_ns = 0;
    bool is_lost = !air_carry(&air, AIR_MEDIA, i * FRAME_NS, &arrival_ns);
    lost += is_lost;
    both += is_lost && was_lost;
    was_lost = is_lost;
  }
  assert_near((double)lost / FRAMES, 0.3, 0.01);
  assert_near((double)both / FRAMES, 0.09, 0.005);
}

static void retransmissions_change_no_luck_of_others(void **state) {
  (void)state;
  struct air_config config = config_of(AIR_BUSY);
  struct air alone;
  struct air with;
  config.burst_ms = 40;
  config.loss = 0.2;
  air_init(&alone, &config, 5);
  air_init(&with, &config, 5);
  for (uint64_t i = 0; i < 10000; i++) {
    uint64_t a_ns = 0;
    uint64_t b_ns = 0;
    bool a = air_carry(&alone, AIR_MEDIA, i * FRAME_NS, &a_ns);
    assert_int_equal(air_carry(&with, AIR_MEDIA, i * FRAME_NS, &b_ns), a);
    (void)air_carry(&with, AIR_AGAIN, i * FRAME_NS + 1, &b_ns);
    (void)air_carry(&with, AIR_BACK, i * FRAME_NS + 2, &b_ns);
  }
}

static void a_trace_gives_way_to_another(void **state) {
  (void)state;
  struct air_config config = config_of(AIR_SPIKES);
  struct air air;
  config.then_trace = AIR_BUNCHED;
  config.then_ns = 10 * PAW_NS_PER_S;
  air_init(&air, &config, 2);
  size_t late[2] = {0};
  for (uint64_t i = 0; i < 2000; i++) {
    uint64_t sent_ns = i * FRAME_NS;
    uint64_t arrival_ns = 0;
    (void)air_carry(&air, AIR_MEDIA, sent_ns, &arrival_ns);
    uint64_t delay_ns = arrival_ns - sent_ns - config.rtt_ns / 2;
    late[sent_ns >= config.then_ns] += delay_ns > 10 * PAW_NS_PER_MS && delay_ns < 40000000;
  }
  assert_in_range(late[0], 0, 8);
  assert_in_range(late[1], 40, 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quiet_has_rare_tails),
      cmocka_unit_test(every_trace_loses_a_little),
      cmocka_unit_test(traces_hold_up_as_long_as_they_say),
      cmocka_unit_test(bursts_are_as_long_as_asked_for),
      cmocka_unit_test(losses_may_be_independent),
      cmocka_unit_test(retransmissions_change_no_luck_of_others),
      cmocka_unit_test(a_trace_gives_way_to_another),
  };
  return cmocka_run_group_tests_name("bench_air", tests, NULL, NULL);
}
