/* SPDX-License-Identifier: MIT */
/* Two agents find each other: modes, roles, loss, and what they know of each other. */
#include "duo.h"

#include <stdlib.h>

#define FULL PAW_ICE_FULL
#define LITE PAW_ICE_LITE
#define CONTROLLING PAW_ICE_CONTROLLING
#define CONTROLLED PAW_ICE_CONTROLLED

static const struct kit_link_config lan = {.delay_ns = PAW_NS_PER_MS};

static void assert_same_pair(struct duo *duo) {
  duo_assert_selected(duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
  duo_assert_selected(duo, 1, "192.0.2.2:40000", "192.0.2.1:8443");
}

static void connect_within(const struct duo_config *config, uint64_t ms) {
  struct duo duo;
  duo_init(&duo, config);
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, ms));
  duo_run_ms(&duo, 200);
  assert_same_pair(&duo);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CONNECTED);
  assert_int_equal(paw_ice_get_state(duo.sides[1].ice), PAW_ICE_STATE_CONNECTED);
  assert_true(paw_ice_get_role(duo.sides[0].ice) != paw_ice_get_role(duo.sides[1].ice));
  assert_int_equal(duo.sides[0].selected_events, 1);
  assert_int_equal(duo.sides[1].valid_events, 1);
  duo_wipe(&duo);
}

static void test_full_full(void **state) {
  (void)state;
  connect_within(&(struct duo_config){.seed = 1, .roles = {CONTROLLING, CONTROLLED}, .link = lan},
                 10);
}

static void test_full_lite(void **state) {
  (void)state;
  connect_within(&(struct duo_config){.seed = 1, .modes = {FULL, LITE}, .link = lan}, 10);
}

static void test_lite_full(void **state) {
  (void)state;
  connect_within(&(struct duo_config){.seed = 1, .modes = {LITE, FULL}, .link = lan}, 10);
}

/* ---- loss ---- */

#define RUNS 200

static int compare(const void *a, const void *b) {
  const uint64_t *x = a;
  const uint64_t *y = b;
  return *x < *y ? -1 : *x > *y;
}

/* The time until both are connected: nine in ten seeds keep within `p90_ms`, all within `max_ms`.
 */
static void connect_all(enum paw_ice_mode second, double loss, uint64_t p90_ms, uint64_t max_ms) {
  static uint64_t times[RUNS];
  for (uint64_t seed = 0; seed < RUNS; seed++) {
    struct duo_config config = {
        .seed = seed, .modes = {FULL, second}, .roles = {CONTROLLING, CONTROLLED}, .link = lan};
    config.link.loss = loss;
    struct duo duo;
    duo_init(&duo, &config);
    duo_negotiate(&duo);
    assert_true(duo_run_connected(&duo, 30000));
    times[seed] = duo_connected_ms(&duo);
    duo_wipe(&duo);
  }
  qsort(times, RUNS, sizeof times[0], compare);
  print_message("loss %.0f %%: p50 %u ms, p90 %u ms, max %u ms\n", loss * 100,
                (unsigned)times[RUNS / 2], (unsigned)times[RUNS * 9 / 10],
                (unsigned)times[RUNS - 1]);
  assert_in_range(times[RUNS * 9 / 10], 0, p90_ms);
  assert_in_range(times[RUNS - 1], 0, max_ms);
}

static void test_loss_full(void **state) {
  (void)state;
  connect_all(FULL, 0.05, 60, 400);
  connect_all(FULL, 0.20, 250, 1000);
  connect_all(FULL, 0.40, 1000, 2000);
}

static void test_loss_lite(void **state) {
  (void)state;
  connect_all(LITE, 0.05, 60, 400);
  connect_all(LITE, 0.20, 250, 1000);
  connect_all(LITE, 0.40, 1600, 2000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_full_full), cmocka_unit_test(test_full_lite),
      cmocka_unit_test(test_lite_full), cmocka_unit_test(test_loss_full),
      cmocka_unit_test(test_loss_lite),
  };
  return cmocka_run_group_tests_name("ice_connect", tests, NULL, NULL);
}
