/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "kit/alloc.h"

static void test_memory_of_the_callers_allocator_is_zeroed(void **state) {
  (void)state;
  struct kit_allocator counter = {0};
  const struct paw_allocator allocator = kit_allocator_hook(&counter);
  for (int round = 0; round < 3; round++) {
    uint8_t *memory = paw_mem_alloc(&allocator, 100);
    assert_non_null(memory);
    for (size_t i = 0; i < 100; i++) {
      assert_int_equal(memory[i], 0);
    }
    memset(memory, 0xff, 100);
    paw_mem_free(&allocator, memory);
  }
  assert_int_equal(counter.allocations, 3);
  assert_int_equal(counter.frees, 3);
  assert_int_equal(counter.outstanding_bytes, 0);
}

static void test_no_allocator_means_malloc(void **state) {
  (void)state;
  const struct paw_allocator none = {0};
  uint8_t *memory = paw_mem_alloc(&none, 32);
  assert_non_null(memory);
  static const uint8_t zeros[32] = {0};
  assert_memory_equal(memory, zeros, sizeof zeros);
  paw_mem_free(&none, memory);
}

static void test_nothing_is_freed_for_null(void **state) {
  (void)state;
  struct kit_allocator counter = {0};
  const struct paw_allocator allocator = kit_allocator_hook(&counter);
  paw_mem_free(&allocator, NULL);
  assert_int_equal(counter.frees, 0);
}

static void test_no_memory_is_null(void **state) {
  (void)state;
  struct kit_allocator counter = {.fail_nth = 1};
  const struct paw_allocator allocator = kit_allocator_hook(&counter);
  assert_null(paw_mem_alloc(&allocator, 8));
  assert_int_equal(counter.failed, 1);
}

static void test_wipes_exactly_so_many_bytes(void **state) {
  (void)state;
  uint8_t secret[5] = {1, 2, 3, 4, 5};
  paw_mem_wipe(secret + 1, 3);
  assert_memory_equal(secret, ((const uint8_t[]){1, 0, 0, 0, 5}), 5);
  paw_mem_wipe(secret, 0);
  assert_int_equal(secret[0], 1);
}

static void test_secrets_are_equal_in_every_bit_or_not(void **state) {
  (void)state;
  uint8_t a[20];
  uint8_t b[20];
  memset(a, 0x5a, sizeof a);
  memset(b, 0x5a, sizeof b);
  assert_true(paw_mem_equal_secret(a, b, sizeof a));
  assert_true(paw_mem_equal_secret(a, b, 0));
  for (size_t bit = 0; bit < sizeof a * 8; bit++) {
    b[bit / 8] = (uint8_t)(b[bit / 8] ^ (1u << bit % 8));
    assert_false(paw_mem_equal_secret(a, b, sizeof a));
    b[bit / 8] = (uint8_t)(b[bit / 8] ^ (1u << bit % 8));
  }
}

struct config {
  size_t struct_size;
  uint64_t first;
  uint64_t second;
};

static void test_a_config_of_today(void **state) {
  (void)state;
  struct config own = {.struct_size = sizeof own, .first = 1, .second = 2};
  const struct config given = {.struct_size = sizeof given, .first = 10, .second = 20};
  assert_int_equal(paw_config_take(&own, sizeof own, &given), PAW_OK);
  assert_int_equal(own.struct_size, sizeof own);
  assert_int_equal(own.first, 10);
  assert_int_equal(own.second, 20);
}

static void test_a_config_of_yesterday_leaves_the_rest(void **state) {
  (void)state;
  struct config own = {.struct_size = sizeof own, .first = 1, .second = 2};
  struct {
    size_t struct_size;
    uint64_t first;
  } *given = malloc(sizeof *given); /* nothing behind it may be read */
  assert_non_null(given);
  given->struct_size = sizeof *given;
  given->first = 10;
  assert_int_equal(paw_config_take(&own, sizeof own, given), PAW_OK);
  assert_int_equal(own.struct_size, sizeof own);
  assert_int_equal(own.first, 10);
  assert_int_equal(own.second, 2);
  free(given);
}

static void test_a_config_of_tomorrow_loses_what_is_not_known(void **state) {
  (void)state;
  struct {
    struct config own;
    uint64_t fence;
  } place = {.own = {.struct_size = sizeof place.own}, .fence = 77};
  const struct {
    struct config known;
    uint64_t unknown;
  } given = {.known = {.struct_size = sizeof given, .first = 10, .second = 20}, .unknown = 30};
  assert_int_equal(paw_config_take(&place.own, sizeof place.own, &given), PAW_OK);
  assert_int_equal(place.own.struct_size, sizeof place.own);
  assert_int_equal(place.own.second, 20);
  assert_int_equal(place.fence, 77);
}

static void test_a_config_that_was_not_filled(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, sizeof(size_t), 65537, SIZE_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct config own = {.struct_size = sizeof own, .first = 1};
    const struct config given = {.struct_size = sizes[i], .first = 10};
    assert_int_equal(paw_config_take(&own, sizeof own, &given), PAW_ERR_INVALID);
    assert_int_equal(own.first, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_memory_of_the_callers_allocator_is_zeroed),
      cmocka_unit_test(test_no_allocator_means_malloc),
      cmocka_unit_test(test_nothing_is_freed_for_null),
      cmocka_unit_test(test_no_memory_is_null),
      cmocka_unit_test(test_wipes_exactly_so_many_bytes),
      cmocka_unit_test(test_secrets_are_equal_in_every_bit_or_not),
      cmocka_unit_test(test_a_config_of_today),
      cmocka_unit_test(test_a_config_of_yesterday_leaves_the_rest),
      cmocka_unit_test(test_a_config_of_tomorrow_loses_what_is_not_known),
      cmocka_unit_test(test_a_config_that_was_not_filled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
