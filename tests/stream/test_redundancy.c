/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream/loss.h"
#include "stream/redundancy.h"

#define MS PAW_NS_PER_MS

struct step {
  uint64_t at_s;
  double loss_percent;
  uint64_t rtt_ms;
  bool nack;
  enum paw_redundancy_state state; /* after it */
};

static void walk(const struct step *steps, size_t count) {
  struct paw_redundancy redundancy = {0};
  for (size_t i = 0; i < count; i++) {
    struct paw_redundancy_path path = {
        .loss_16 = PAW_LOSS_PERCENT(steps[i].loss_percent),
        .rtt_ns = steps[i].rtt_ms * MS,
        .nack = steps[i].nack,
    };
    paw_redundancy_report(&redundancy, (1000 + steps[i].at_s) * PAW_NS_PER_S, &path);
    assert_int_equal(redundancy.state, steps[i].state);
  }
}

/* Asking again suffices while there is time to ask twice. */
static void where_there_is_time_to_ask_again_it_is_off(void **state) {
  (void)state;
  static const struct step steps[] = {
      {0, 20, 5, true, PAW_REDUNDANCY_OFF},    {1, 20, 20, true, PAW_REDUNDANCY_OFF},
      {2, 0.9, 200, true, PAW_REDUNDANCY_OFF}, {3, 20, 0, true, PAW_REDUNDANCY_OFF},
      {4, 1.1, 21, true, PAW_REDUNDANCY_ON},
  };
  walk(steps, sizeof steps / sizeof steps[0]);
}

static void where_nothing_is_asked_for_loss_alone_decides(void **state) {
  (void)state;
  static const struct step steps[] = {
      {0, 1, 0, false, PAW_REDUNDANCY_OFF},
      {1, 1.1, 0, false, PAW_REDUNDANCY_ON},
  };
  walk(steps, sizeof steps / sizeof steps[0]);
}

static void it_ends_after_ten_calm_seconds(void **state) {
  (void)state;
  static const struct step steps[] = {
      {0, 20, 40, true, PAW_REDUNDANCY_ON},    {1, 0, 40, true, PAW_REDUNDANCY_ON},
      {9, 0.6, 40, true, PAW_REDUNDANCY_ON}, /* too much to end, too little to begin */
      {18, 0.4, 40, true, PAW_REDUNDANCY_ON},  {19, 0.6, 40, true, PAW_REDUNDANCY_ON},
      {28, 0.4, 40, true, PAW_REDUNDANCY_ON},  {29, 0.4, 40, true, PAW_REDUNDANCY_OFF},
      {30, 0.6, 40, true, PAW_REDUNDANCY_OFF},
  };
  walk(steps, sizeof steps / sizeof steps[0]);
}

static void it_ends_when_the_way_has_become_short(void **state) {
  (void)state;
  static const struct step steps[] = {
      {0, 20, 40, true, PAW_REDUNDANCY_ON},   {5, 20, 16, true, PAW_REDUNDANCY_ON},
      {14, 20, 14, true, PAW_REDUNDANCY_ON},  {15, 20, 14, true, PAW_REDUNDANCY_OFF},
      {16, 20, 18, true, PAW_REDUNDANCY_OFF},
  };
  walk(steps, sizeof steps / sizeof steps[0]);
}

/* Reports that lie by turns change it no more than once in ten seconds. */
static void lies_do_not_make_it_flap(void **state) {
  (void)state;
  struct paw_redundancy redundancy = {0};
  size_t changes = 0;
  for (uint64_t ms = 0; ms < 100000; ms += 10) {
    enum paw_redundancy_state before = redundancy.state;
    struct paw_redundancy_path path = {.loss_16 = ms / 10 % 1500 == 0 ? 65536 : 0};
    paw_redundancy_report(&redundancy, (1 + ms) * MS, &path);
    changes += redundancy.state != before;
  }
  assert_in_range(changes, 2, 20);
}

static void the_room_is_the_budget_less_the_way(void **state) {
  (void)state;
  assert_int_equal(paw_redundancy_get_room_rtp(0), 2880);
  assert_int_equal(paw_redundancy_get_room_rtp(20 * MS), 2400);
  assert_int_equal(paw_redundancy_get_room_rtp(120 * MS), 0);
  assert_int_equal(paw_redundancy_get_room_rtp(UINT64_MAX), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(where_there_is_time_to_ask_again_it_is_off),
      cmocka_unit_test(where_nothing_is_asked_for_loss_alone_decides),
      cmocka_unit_test(it_ends_after_ten_calm_seconds),
      cmocka_unit_test(it_ends_when_the_way_has_become_short),
      cmocka_unit_test(lies_do_not_make_it_flap),
      cmocka_unit_test(the_room_is_the_budget_less_the_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
