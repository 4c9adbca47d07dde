/* SPDX-License-Identifier: MIT */
/* What a connected peer holds that is silent, at both ends, counted at the level of malloc; all
 * libraries count. tests/bench/peers/bench_memory.c tells the ends apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/alloc.h"
#include "kit/crowd.h"

#define FEW 16
#define MANY 64 /* the hub's tables double: both are full */
#define BOTH_ENDS_BYTES 24000

static int64_t held_by(size_t members) {
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 31, members);
  (void)kit_certificate(0);
  (void)kit_certificate(1);
  kit_malloc_start();
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 5000));
  kit_crowd_run_ms(crowd, 10000);
  struct kit_malloc_counts counts = kit_malloc_stop();
  kit_crowd_free(crowd);
  return counts.outstanding_bytes - (int64_t)(members * sizeof(struct kit_member));
}

static void both_ends_are_small(void **state) {
  (void)state;
  int64_t few = held_by(FEW);
  int64_t many = held_by(MANY);
  assert_in_range((many - few) / (MANY - FEW), 5000, BOTH_ENDS_BYTES);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(both_ends_are_small)};
  return cmocka_run_group_tests_name("memory_at_rest", tests, NULL, NULL);
}
