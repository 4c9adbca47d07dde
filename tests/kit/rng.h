/* SPDX-License-Identifier: MIT */
/* Random numbers that a seed repeats, and the running of a test with several seeds. */
#ifndef KIT_RNG_H
#define KIT_RNG_H

#include <pawebrtc/base.h>

/* xoshiro256** of Blackman and Vigna, its state filled by splitmix64. */
struct kit_rng {
  uint64_t state[4];
  bool failing; /* makes the hook fail */
};

void kit_rng_init(struct kit_rng *rng, uint64_t seed);

uint64_t kit_rng_u64(struct kit_rng *rng);

/* 0..bound-1; 0 for a bound of 0. */
uint64_t kit_rng_below(struct kit_rng *rng, uint64_t bound);

/* At least 0, less than 1. */
double kit_rng_unit(struct kit_rng *rng);

/* True with this probability. Draws nothing for 0, so that switching a fault off changes no other
 * draw. */
bool kit_rng_chance(struct kit_rng *rng, double probability);

/* Exponentially distributed with this mean. */
double kit_rng_exponential(struct kit_rng *rng, double mean);

void kit_rng_bytes(struct kit_rng *rng, void *out, size_t len);

/* The library's hook; `rng` must outlive its users. */
struct paw_rng kit_rng_hook(struct kit_rng *rng);

/* Run `body` with the seeds 1..count, or with the environment's PAW_SEED alone. When it does not
 * come back, because an assertion failed or the process died, its seed is printed with the command
 * that repeats it. */
void kit_seeds_run(void (*body)(uint64_t seed, void *context), void *context, uint64_t count);

/* Write to `out` what is printed at such a failure. */
void kit_seed_describe(uint64_t seed, char *out, size_t size);

#endif
