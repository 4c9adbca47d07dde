/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* fork, pipe, setenv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/rng.h"

static void same_seed_same_numbers(void **state) {
  (void)state;
  struct kit_rng a;
  struct kit_rng b;
  kit_rng_init(&a, 42);
  kit_rng_init(&b, 42);
  for (int i = 0; i < 1000; i++) {
    assert_int_equal(kit_rng_u64(&a), kit_rng_u64(&b));
  }
}

static void other_seed_other_numbers(void **state) {
  (void)state;
  struct kit_rng a;
  struct kit_rng b;
  kit_rng_init(&a, 42);
  kit_rng_init(&b, 43);
  int equal = 0;
  for (int i = 0; i < 1000; i++) {
    equal += kit_rng_u64(&a) == kit_rng_u64(&b);
  }
  assert_int_equal(equal, 0);
}

/* The first outputs of the reference implementation from the state {1, 2, 3, 4}. */
static void is_xoshiro(void **state) {
  (void)state;
  struct kit_rng rng = {.state = {1, 2, 3, 4}};
  assert_int_equal(kit_rng_u64(&rng), 11520);
  assert_int_equal(kit_rng_u64(&rng), 0);
  assert_int_equal(kit_rng_u64(&rng), 1509978240);
}

static void numbers_are_spread(void **state) {
  (void)state;
  struct kit_rng rng;
  kit_rng_init(&rng, 7);
  double unit_sum = 0;
  double exponential_sum = 0;
  int hits = 0;
  int tens[10] = {0};
  for (int i = 0; i < 100000; i++) {
    double unit = kit_rng_unit(&rng);
    assert_true(unit >= 0 && unit < 1);
    unit_sum += unit;
    exponential_sum += kit_rng_exponential(&rng, 3);
    hits += kit_rng_chance(&rng, 0.2);
    tens[kit_rng_below(&rng, 10)]++;
  }
  assert_in_range((uint64_t)unit_sum, 49500, 50500);
  assert_in_range((uint64_t)exponential_sum, 297000, 303000);
  assert_in_range(hits, 19500, 20500);
  for (int i = 0; i < 10; i++) {
    assert_in_range(tens[i], 9500, 10500);
  }
}

static void chance_of_zero_draws_nothing(void **state) {
  (void)state;
  struct kit_rng a;
  struct kit_rng b;
  kit_rng_init(&a, 5);
  kit_rng_init(&b, 5);
  assert_false(kit_rng_chance(&a, 0));
  assert_int_equal(kit_rng_u64(&a), kit_rng_u64(&b));
}

static void bytes_fill_odd_lengths(void **state) {
  (void)state;
  for (size_t len = 0; len <= 33; len++) {
    struct kit_rng rng;
    kit_rng_init(&rng, len);
    uint8_t out[34];
    memset(out, 0xee, sizeof out);
    kit_rng_bytes(&rng, out, len);
    assert_int_equal(out[len], 0xee);
  }
}

static void hook_fills_and_fails(void **state) {
  (void)state;
  struct kit_rng rng;
  kit_rng_init(&rng, 5);
  struct paw_rng hook = kit_rng_hook(&rng);
  uint8_t out[16] = {0};
  assert_int_equal(hook.fill(hook.user_data, out, sizeof out), 0);
  assert_memory_not_equal(out, (uint8_t[16]){0}, sizeof out);
  rng.failing = true;
  assert_int_not_equal(hook.fill(hook.user_data, out, sizeof out), 0);
}

/* ---- seeds ---- */

struct seen {
  uint64_t count;
  uint64_t sum;
};

static void note_seed(uint64_t seed, void *context) {
  struct seen *seen = context;
  seen->count++;
  seen->sum += seed;
}

static void seeds_count_from_one(void **state) {
  (void)state;
  unsetenv("PAW_SEED");
  struct seen seen = {0};
  kit_seeds_run(note_seed, &seen, 10);
  assert_int_equal(seen.count, 10);
  assert_int_equal(seen.sum, 55);
}

static void environment_chooses_one_seed(void **state) {
  (void)state;
  setenv("PAW_SEED", "77", 1);
  struct seen seen = {0};
  kit_seeds_run(note_seed, &seen, 10);
  unsetenv("PAW_SEED");
  assert_int_equal(seen.count, 1);
  assert_int_equal(seen.sum, 77);
}

static void die_at_three(uint64_t seed, void *context) {
  (void)context;
  if (seed == 3) {
    exit(9);
  }
}

static void abort_at_three(uint64_t seed, void *context) {
  (void)context;
  if (seed == 3) {
    abort();
  }
}

/* What a process says that runs `body` and does not survive its seed 3. */
static void run_to_death(void (*body)(uint64_t, void *), char *said, size_t size) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    kit_seeds_run(body, NULL, 5);
    _exit(0);
  }
  close(ends[1]);
  size_t len = 0;
  ssize_t got = read(ends[0], said, size - 1);
  while (got > 0) {
    len += (size_t)got;
    got = read(ends[0], said + len, size - 1 - len);
  }
  said[len] = '\0';
  close(ends[0]);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void failing_seed_is_told(void **state) {
  (void)state;
  unsetenv("PAW_SEED");
  char said[4096];
  run_to_death(die_at_three, said, sizeof said);
  assert_non_null(strstr(said, "PAW_SEED=3 "));
  assert_non_null(strstr(said, "test_kit_rng"));
  run_to_death(abort_at_three, said, sizeof said);
  assert_non_null(strstr(said, "PAW_SEED=3 "));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_seed_same_numbers),
      cmocka_unit_test(other_seed_other_numbers),
      cmocka_unit_test(is_xoshiro),
      cmocka_unit_test(numbers_are_spread),
      cmocka_unit_test(chance_of_zero_draws_nothing),
      cmocka_unit_test(bytes_fill_odd_lengths),
      cmocka_unit_test(hook_fills_and_fails),
      cmocka_unit_test(seeds_count_from_one),
      cmocka_unit_test(environment_chooses_one_seed),
      cmocka_unit_test(failing_seed_is_told),
  };
  return cmocka_run_group_tests_name("kit_rng", tests, NULL, NULL);
}
