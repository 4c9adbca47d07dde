/* SPDX-License-Identifier: MIT */
/* Letting allocations fail in turn. */
#ifndef SCENARIO_OOM_H
#define SCENARIO_OOM_H

#include <stdbool.h>
#include <stdint.h>

/* Let the nth allocation fail, once or with all that follow; did any fail? */
typedef bool oom_try(uint64_t nth, bool all_after, void *context);

/* A session after that is as good as any. */
typedef void oom_next_session(void *context);

/* Try with each allocation, or with every step-th from the first on, until none fails any more.
 * The next session comes after each of the first hundred, after every hundredth from there on, and
 * at the end. */
void oom_fail_each(oom_try *try, oom_next_session *next_session, bool all_after, void *context,
                   uint64_t step);

/* Where all that follow fail too, one try is much like the next. */
#define OOM_FOR_EVER_STEPS 11

/* The step at the level of malloc, where there are tens of thousands: what the program was called
 * with, `--every STEP`; else `quick`, with which it is done in seconds (five times as much where
 * the sanitizers make it slow). Give a prime, so that it falls on other places of the loops within
 * mbedTLS each time. */
void oom_read_arguments(int argc, char **argv);
uint64_t oom_step(uint64_t quick);

/* Was the program called with `--at N`, to try only the Nth? A try that failed prints that command.
 * There are a few more or less from second to second: hellos of mbedTLS carry the time. */
bool oom_tries_one(void);

#endif
