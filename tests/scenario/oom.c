/* SPDX-License-Identifier: MIT */
#include "oom.h"

#include <setjmp.h>
#include <stdarg.h>
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

uint64_t oom_fail_each(oom_try *try, oom_next_session *next_session, bool all_after, void *context,
                       uint64_t step) {
  uint64_t nth = 1;
  uint64_t tries = 0;
  while (try(nth, all_after, context)) {
    if (tries < SESSION_AFTER_EACH || tries % SESSION_AFTER_EACH == 0) {
      next_session(context);
    }
    nth += step;
    tries++;
  }
  next_session(context);
  return nth - step;
}

void oom_read_arguments(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--every") == 0) {
    step_asked_for = strtoull(argv[2], NULL, 10);
    assert_true(step_asked_for > 0);
  }
}

uint64_t oom_step(uint64_t quick) {
  return step_asked_for > 0 ? step_asked_for : quick * SLOWER;
}
