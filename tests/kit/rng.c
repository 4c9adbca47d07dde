/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* program_invocation_name */
#include "kit/rng.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/sanitizer.h"

/* ---- numbers ---- */

static uint64_t splitmix64(uint64_t *state) {
  *state += UINT64_C(0x9e3779b97f4a7c15);
  uint64_t mixed = *state;
  mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
  return mixed ^ (mixed >> 31);
}

static uint64_t rotate_left(uint64_t value, unsigned count) {
  return (value << count) | (value >> (64 - count));
}

void kit_rng_init(struct kit_rng *rng, uint64_t seed) {
  rng->failing = false;
  for (size_t i = 0; i < 4; i++) {
    rng->state[i] = splitmix64(&seed);
  }
}

uint64_t kit_rng_u64(struct kit_rng *rng) {
  uint64_t *s = rng->state;
  uint64_t result = rotate_left(s[1] * 5, 7) * 9;
  uint64_t shifted = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = rotate_left(s[3], 45);
  return result;
}

uint64_t kit_rng_below(struct kit_rng *rng, uint64_t bound) {
  return bound == 0 ? 0 : kit_rng_u64(rng) % bound;
}

double kit_rng_unit(struct kit_rng *rng) {
  return (double)(kit_rng_u64(rng) >> 11) * 0x1p-53;
}

bool kit_rng_chance(struct kit_rng *rng, double probability) {
  return probability > 0 && kit_rng_unit(rng) < probability;
}

double kit_rng_exponential(struct kit_rng *rng, double mean) {
  return -mean * log(1 - kit_rng_unit(rng));
}

void kit_rng_bytes(struct kit_rng *rng, void *out, size_t len) {
  uint8_t *bytes = out;
  while (len > 0) {
    uint64_t word = kit_rng_u64(rng);
    size_t part = len < sizeof word ? len : sizeof word;
    memcpy(bytes, &word, part);
    bytes += part;
    len -= part;
  }
}

static int fill(void *user_data, uint8_t *out, size_t len) {
  struct kit_rng *rng = user_data;
  if (rng->failing) {
    return -1;
  }
  kit_rng_bytes(rng, out, len);
  return 0;
}

struct paw_rng kit_rng_hook(struct kit_rng *rng) {
  return (struct paw_rng){.fill = fill, .user_data = rng};
}

/* ---- seeds ---- */

/* A failed cmocka assertion jumps out of the body, so a seed that is still open when the next one
 * begins, or when the process ends, is one that failed. */
static bool seed_open;
static uint64_t open_seed;

void kit_seed_describe(uint64_t seed, char *out, size_t size) {
  snprintf(out, size, "failed with seed %llu; repeat it with: PAW_SEED=%llu %s\n",
           (unsigned long long)seed, (unsigned long long)seed, program_invocation_name);
}

static void report_open_seed(void) {
  if (!seed_open) {
    return;
  }
  seed_open = false;
  char line[512];
  kit_seed_describe(open_seed, line, sizeof line);
  ssize_t written = write(STDERR_FILENO, line, strlen(line));
  (void)written;
}

static void on_abort(int number) {
  report_open_seed();
  signal(number, SIG_DFL);
  raise(number);
}

static void open_with(uint64_t seed) {
  static bool registered;
  if (!registered) {
    registered = true;
    atexit(report_open_seed);
    signal(SIGABRT, on_abort);
#ifdef KIT_SANITIZED
    __sanitizer_set_death_callback(report_open_seed);
#endif
  }
  report_open_seed();
  open_seed = seed;
  seed_open = true;
}

static bool seed_of_environment(uint64_t *seed) {
  const char *text = getenv("PAW_SEED");
  if (text == NULL || *text == '\0') {
    return false;
  }
  *seed = strtoull(text, NULL, 0);
  return true;
}

void kit_seeds_run(void (*body)(uint64_t seed, void *context), void *context, uint64_t count) {
  uint64_t first = 1;
  if (seed_of_environment(&first)) {
    count = 1;
  }
  for (uint64_t i = 0; i < count; i++) {
    open_with(first + i);
    body(first + i, context);
    seed_open = false;
  }
}
