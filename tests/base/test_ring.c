/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/ring.h"
#include "kit/alloc.h"
#include "kit/rng.h"

static const struct paw_allocator libc_allocator = {0};

static void push_text_in(struct paw_ring *ring, const struct paw_allocator *allocator,
                         const char *text) {
  char *record = paw_ring_push(ring, allocator, strlen(text));
  assert_non_null(record);
  assert_int_equal((uintptr_t)record % 8, 0);
  memcpy(record, text, strlen(text));
}

static void push_text(struct paw_ring *ring, const char *text) {
  push_text_in(ring, &libc_allocator, text);
}

static void expect_front(struct paw_ring *ring, const char *text) {
  size_t len = 0;
  const char *record = paw_ring_front(ring, &len);
  assert_non_null(record);
  assert_int_equal(len, strlen(text));
  assert_memory_equal(record, text, len);
}

static void test_first_in_first_out(void **state) {
  (void)state;
  struct paw_ring ring;
  size_t len = 0;
  paw_ring_init(&ring, 64, 256);
  assert_true(paw_ring_is_empty(&ring));
  assert_null(paw_ring_front(&ring, &len));
  paw_ring_pop(&ring);
  push_text(&ring, "one");
  push_text(&ring, "");
  push_text(&ring, "the third");
  expect_front(&ring, "one");
  expect_front(&ring, "one");
  paw_ring_pop(&ring);
  expect_front(&ring, "");
  paw_ring_pop(&ring);
  assert_false(paw_ring_is_empty(&ring));
  expect_front(&ring, "the third");
  paw_ring_pop(&ring);
  assert_true(paw_ring_is_empty(&ring));
  assert_null(paw_ring_front(&ring, &len));
  paw_ring_wipe(&ring, &libc_allocator);
}

static void test_nothing_is_allocated_before_the_first_push(void **state) {
  (void)state;
  struct kit_allocator counter = {0};
  const struct paw_allocator allocator = kit_allocator_hook(&counter);
  struct paw_ring ring;
  paw_ring_init(&ring, 64, 64);
  assert_int_equal(counter.allocations, 0);
  assert_non_null(paw_ring_push(&ring, &allocator, 1));
  assert_int_equal(counter.allocations, 1);
  paw_ring_wipe(&ring, &allocator);
  assert_int_equal(counter.outstanding_bytes, 0);
}

static void test_a_drained_ring_allocates_nothing_more(void **state) {
  (void)state;
  struct kit_allocator counter = {0};
  const struct paw_allocator allocator = kit_allocator_hook(&counter);
  struct paw_ring ring;
  paw_ring_init(&ring, 128, 1024);
  for (size_t i = 0; i < 10000; i++) {
    assert_non_null(paw_ring_push(&ring, &allocator, i % 50));
    assert_non_null(paw_ring_push(&ring, &allocator, 20));
    paw_ring_pop(&ring);
    paw_ring_pop(&ring);
  }
  assert_int_equal(counter.allocations, 1);
  paw_ring_wipe(&ring, &allocator);
}

/* Records stay, in their order, and there is one allocation for as many doublings as it takes. */
static void test_room_made_ahead(void **state) {
  (void)state;
  struct kit_allocator counter = {0};
  const struct paw_allocator allocator = kit_allocator_hook(&counter);
  struct paw_ring ring;
  paw_ring_init(&ring, 64, 1024);
  paw_ring_widen(&ring, &allocator, 128);
  assert_int_equal(counter.allocations, 0); /* still nothing before the first push */
  push_text_in(&ring, &allocator, "one");
  push_text_in(&ring, &allocator, "two");
  paw_ring_pop(&ring);
  assert_int_equal(ring.size, 128);
  paw_ring_widen(&ring, &allocator, 512);
  assert_int_equal(ring.size, 512);
  for (size_t i = 0; i < 31; i++) {
    assert_non_null(paw_ring_push(&ring, &allocator, 8));
  }
  assert_int_equal(ring.size, 512);
  expect_front(&ring, "two");
  paw_ring_widen(&ring, &allocator, 512);
  paw_ring_widen(&ring, &allocator, 64);
  assert_int_equal(ring.size, 512);
  assert_int_equal(counter.allocations, 2);
  counter.fail_nth = 1;
  paw_ring_widen(&ring, &allocator, 1024); /* no memory: it stays as it is */
  assert_int_equal(ring.size, 512);
  expect_front(&ring, "two");
  paw_ring_wipe(&ring, &allocator);
  assert_int_equal(counter.outstanding_bytes, 0);
}

static void test_the_bound(void **state) {
  (void)state;
  struct kit_allocator counter = {0};
  const struct paw_allocator allocator = kit_allocator_hook(&counter);
  struct paw_ring ring;
  paw_ring_init(&ring, 64, 256);
  size_t records = 0;
  while (paw_ring_push(&ring, &allocator, 8) != NULL) {
    records++;
  }
  assert_int_equal(records, 16); /* of 16 bytes each with what leads them */
  assert_int_equal(ring.size, 256);
  paw_ring_pop(&ring);
  assert_null(paw_ring_push(&ring, &allocator, 9));
  assert_non_null(paw_ring_push(&ring, &allocator, 8));
  for (size_t i = 0; i < records; i++) {
    size_t len = 0;
    assert_non_null(paw_ring_front(&ring, &len));
    assert_int_equal(len, 8);
    paw_ring_pop(&ring);
  }
  assert_true(paw_ring_is_empty(&ring));
  paw_ring_wipe(&ring, &allocator);
}

static void test_a_record_that_can_never_fit(void **state) {
  (void)state;
  static const size_t lengths[] = {249, 256, 257, 1000, SIZE_MAX, SIZE_MAX - 7};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    struct kit_allocator counter = {0};
    const struct paw_allocator allocator = kit_allocator_hook(&counter);
    struct paw_ring ring;
    paw_ring_init(&ring, 64, 256);
    assert_null(paw_ring_push(&ring, &allocator, lengths[i]));
    assert_int_equal(counter.allocations, 0); /* nor is it tried */
    assert_non_null(paw_ring_push(&ring, &allocator, 248));
    assert_null(paw_ring_reserve(&ring, lengths[i]));
    paw_ring_pop(&ring);
    assert_null(paw_ring_reserve(&ring, lengths[i]));
    paw_ring_wipe(&ring, &allocator);
    assert_int_equal(counter.outstanding_bytes, 0);
  }
}

static void test_a_wiped_ring_begins_anew(void **state) {
  (void)state;
  struct kit_allocator counter = {0};
  const struct paw_allocator allocator = kit_allocator_hook(&counter);
  struct paw_ring ring;
  paw_ring_init(&ring, 64, 128);
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < 8; i++) {
      assert_non_null(paw_ring_push(&ring, &allocator, 8));
    }
    assert_null(paw_ring_push(&ring, &allocator, 8));
    paw_ring_wipe(&ring, &allocator);
    assert_true(paw_ring_is_empty(&ring));
    assert_int_equal(counter.outstanding_bytes, 0);
  }
  paw_ring_wipe(&ring, &allocator);
}

static void test_a_zeroed_ring_takes_nothing(void **state) {
  (void)state;
  struct paw_ring ring = {0};
  size_t len = 0;
  assert_null(paw_ring_push(&ring, &libc_allocator, 0));
  assert_null(paw_ring_push(&ring, &libc_allocator, 1));
  assert_null(paw_ring_reserve(&ring, 0));
  assert_null(paw_ring_front(&ring, &len));
  paw_ring_wipe(&ring, &libc_allocator);
}

static void test_no_memory_loses_nothing(void **state) {
  (void)state;
  struct kit_allocator counter = {.fail_nth = 1};
  const struct paw_allocator allocator = kit_allocator_hook(&counter);
  struct paw_ring ring;
  paw_ring_init(&ring, 64, 256);
  assert_null(paw_ring_push(&ring, &allocator, 40)); /* the first block */
  memcpy(paw_ring_push(&ring, &allocator, 40), "kept", 4);
  counter.fail_nth = 1;
  assert_null(paw_ring_push(&ring, &allocator, 40)); /* growing */
  size_t len = 0;
  assert_memory_equal(paw_ring_front(&ring, &len), "kept", 4);
  assert_int_equal(len, 40);
  assert_non_null(paw_ring_push(&ring, &allocator, 40));
  paw_ring_wipe(&ring, &allocator);
  assert_int_equal(counter.outstanding_bytes, 0);
}

/* ---- against a queue that is too simple to be wrong ---- */

struct model {
  size_t lengths[64];
  uint8_t marks[64];
  size_t first, count;
};

static void check_front(struct paw_ring *ring, const struct model *model) {
  size_t len = 0;
  const uint8_t *record = paw_ring_front(ring, &len);
  assert_int_equal(record != NULL, model->count > 0);
  assert_int_equal(paw_ring_is_empty(ring), model->count == 0);
  if (record == NULL) {
    return;
  }
  assert_int_equal(len, model->lengths[model->first]);
  for (size_t i = 0; i < len; i++) {
    assert_int_equal(record[i], model->marks[model->first]);
  }
}

static void random_walk(uint64_t seed, void *context) {
  (void)context;
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  struct kit_allocator counter = {0};
  const struct paw_allocator allocator = kit_allocator_hook(&counter);
  struct paw_ring ring;
  struct model model = {0};
  paw_ring_init(&ring, 64, 1024);
  for (unsigned step = 0; step < 3000; step++) {
    bool fills = step / 200 % 2 == 0; /* filling and draining in turn */
    if (kit_rng_chance(&rng, fills ? 0.6 : 0.4) && model.count < 64) {
      size_t len = (size_t)kit_rng_below(&rng, 120);
      counter.fail_nth = kit_rng_chance(&rng, 0.1) ? 1 : 0;
      uint64_t size = ring.size;
      uint8_t *record = paw_ring_reserve(&ring, len);
      assert_int_equal(ring.size, size);
      if (record != NULL) { /* what is not told of afterwards was never there */
        memset(record, (uint8_t)step, len);
      }
      if (kit_rng_chance(&rng, 0.2)) {
        continue;
      }
      if (record != NULL) {
        paw_ring_commit(&ring, len);
      } else {
        record = paw_ring_push(&ring, &allocator, len);
      }
      if (record != NULL) {
        memset(record, (uint8_t)step, len);
        size_t at = (model.first + model.count++) % 64;
        model.lengths[at] = len;
        model.marks[at] = (uint8_t)step;
      }
    } else if (model.count > 0) {
      paw_ring_pop(&ring);
      model.first = (model.first + 1) % 64;
      model.count--;
    }
    assert_true(ring.used <= ring.size && ring.size <= 1024);
    check_front(&ring, &model);
  }
  paw_ring_wipe(&ring, &allocator);
  assert_int_equal(counter.outstanding_bytes, 0);
}

static void test_random_walks(void **state) {
  (void)state;
  kit_seeds_run(random_walk, NULL, 40);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_first_in_first_out),
      cmocka_unit_test(test_nothing_is_allocated_before_the_first_push),
      cmocka_unit_test(test_a_drained_ring_allocates_nothing_more),
      cmocka_unit_test(test_room_made_ahead),
      cmocka_unit_test(test_the_bound),
      cmocka_unit_test(test_a_record_that_can_never_fit),
      cmocka_unit_test(test_a_wiped_ring_begins_anew),
      cmocka_unit_test(test_a_zeroed_ring_takes_nothing),
      cmocka_unit_test(test_no_memory_loses_nothing),
      cmocka_unit_test(test_random_walks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
