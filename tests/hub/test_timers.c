/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hub/hub_private.h"
#include "kit/rng.h"

#define SLOTS 200

/* The heap against the plain search for the minimum, at random. */
static void check(uint64_t seed, void *context) {
  (void)context;
  struct paw_hub_slot slots[SLOTS];
  struct paw_hub_timer heap[SLOTS];
  struct paw_hub hub = {.slots = slots, .heap = heap};
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  for (uint32_t i = 0; i < SLOTS; i++) {
    slots[i] = (struct paw_hub_slot){.heap_position = PAW_HUB_NONE, .deadline_ns = PAW_TIME_NEVER};
  }
  for (unsigned step = 0; step < 5000; step++) {
    uint32_t slot = (uint32_t)kit_rng_below(&rng, SLOTS);
    bool never = kit_rng_chance(&rng, 0.3);
    paw_hub_timer_set(&hub, slot, never ? PAW_TIME_NEVER : kit_rng_below(&rng, 1000));
    uint64_t earliest = PAW_TIME_NEVER;
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < SLOTS; i++) {
      earliest = slots[i].deadline_ns < earliest ? slots[i].deadline_ns : earliest;
      waiting += slots[i].deadline_ns != PAW_TIME_NEVER;
    }
    assert_int_equal(hub.heap_count, waiting);
    if (waiting > 0) {
      assert_int_equal(heap[0].deadline_ns, earliest);
    }
    for (uint32_t i = 0; i < hub.heap_count; i++) {
      assert_int_equal(slots[heap[i].slot].heap_position, i);
      assert_int_equal(slots[heap[i].slot].deadline_ns, heap[i].deadline_ns);
    }
  }
}

static void the_earliest_deadline_is_on_top(void **state) {
  (void)state;
  kit_seeds_run(check, NULL, 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_earliest_deadline_is_on_top)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
