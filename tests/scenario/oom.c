/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* program_invocation_name */
#include "oom.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/sanitizer.h"

#define SESSION_AFTER_EACH 100

#ifdef KIT_SANITIZED
#define SLOWER 5
#else
#define SLOWER 1
#endif

static uint64_t step_asked_for;
static uint64_t only_nth; /* 0: all */
static uint64_t open_nth; /* 0: none is being tried */

static void report_open_try(void) {
  if (open_nth != 0) {
    fprintf(stderr, "failed at allocation %llu; repeat it with: %s --at %llu\n",
            (unsigned long long)open_nth, program_invocation_name, (unsigned long long)open_nth);
  }
}

static bool try_one(oom_try *try, uint64_t nth, bool all_after, void *context) {
  open_nth = nth;
  bool failed = try(nth, all_after, context);
  open_nth = 0;
  return failed;
}

void oom_fail_each(oom_try *try, oom_next_session *next_session, bool all_after, void *context,
                   uint64_t step) {
  uint64_t nth = only_nth > 0 ? only_nth : 1;
  uint64_t tries = 0;
  while (try_one(try, nth, all_after, context) && only_nth == 0) {
    if (tries < SESSION_AFTER_EACH || tries % SESSION_AFTER_EACH == 0) {
      next_session(context);
    }
    nth += step;
    tries++;
  }
  next_session(context);
}

void oom_read_arguments(int argc, char **argv) {
  atexit(report_open_try);
#ifdef KIT_SANITIZED
  __sanitizer_set_death_callback(report_open_try);
#endif
  if (argc == 3 && strcmp(argv[1], "--at") == 0) {
    only_nth = strtoull(argv[2], NULL, 10);
  }
  if (argc == 3 && strcmp(argv[1], "--every") == 0) {
    step_asked_for = strtoull(argv[2], NULL, 10);
    assert_true(step_asked_for > 0);
  }
}

uint64_t oom_step(uint64_t quick) {
  return step_asked_for > 0 ? step_asked_for : quick * SLOWER;
}

bool oom_tries_one(void) {
  return only_nth > 0;
}
