/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/log.h"
#include "kit/log.h"

static struct kit_log log_under_test;

static void collects_lines(void **state) {
  (void)state;
  kit_log_init(&log_under_test);
  struct paw_log hook = kit_log_hook(&log_under_test);
  paw_log_write(&hook, PAW_LOG_INFO, "ice", "pair %d selected", 3);
  paw_log_write(&hook, PAW_LOG_DEBUG, "dtls", "flight");
  assert_string_equal(log_under_test.text, "INFO ice: pair 3 selected\nDEBUG dtls: flight\n");
  assert_int_equal(log_under_test.line_count, 2);
  assert_int_equal(log_under_test.level_counts[PAW_LOG_INFO], 1);
  assert_int_equal(log_under_test.level_counts[PAW_LOG_ERROR], 0);
  assert_true(kit_log_contains(&log_under_test, "pair 3"));
  assert_false(kit_log_contains(&log_under_test, "pair 4"));
}

static void leaves_out_what_does_not_fit(void **state) {
  (void)state;
  kit_log_init(&log_under_test);
  struct paw_log hook = kit_log_hook(&log_under_test);
  for (int i = 0; i < 10000; i++) {
    paw_log_write(&hook, PAW_LOG_DEBUG, "ice", "line %d", i);
  }
  assert_int_equal(log_under_test.line_count, 10000);
  assert_true(log_under_test.lines_left_out > 0);
  assert_true(log_under_test.len < KIT_LOG_BYTES);
  assert_int_equal(strlen(log_under_test.text), log_under_test.len);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(collects_lines),
      cmocka_unit_test(leaves_out_what_does_not_fit),
  };
  return cmocka_run_group_tests_name("kit_log", tests, NULL, NULL);
}
