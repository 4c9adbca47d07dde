/* SPDX-License-Identifier: MIT */
#include "bench/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct bench_report report;
static FILE *printed;
static int stdout_copy;

static void begin(bool json) {
  printed = tmpfile();
  assert_non_null(printed);
  fflush(stdout);
  stdout_copy = dup(STDOUT_FILENO);
  assert_int_equal(dup2(fileno(printed), STDOUT_FILENO), STDOUT_FILENO);
  bench_report_begin(&report, json, "bench", "what");
}

static void end(int status, char text[1024]) {
  int ended = bench_report_end(&report);
  assert_int_equal(dup2(stdout_copy, STDOUT_FILENO), STDOUT_FILENO);
  close(stdout_copy);
  rewind(printed);
  text[fread(text, 1, 1023, printed)] = '\0';
  fclose(printed);
  assert_int_equal(ended, status);
}

static void bars_stand_beside_their_figures(void **state) {
  (void)state;
  char text[1024];
  begin(true);
  bench_report_add(&report, "a", 0.5);
  bench_report_at_most(&report, "b", 2, 2);
  bench_report_at_least(&report, "c", 3, 2);
  end(0, text);
  assert_string_equal(text,
                      "{\"program\": \"bench\", \"what\": \"what\", \"a\": 0.5, "
                      "\"b\": 2, \"b_bar\": \"<= 2\", \"b_met\": true, "
                      "\"c\": 3, \"c_bar\": \">= 2\", \"c_met\": true}\n");
}

static void one_missed_bar_is_the_status(void **state) {
  (void)state;
  char text[1024];
  begin(true);
  bench_report_at_most(&report, "b", 2.5, 2);
  bench_report_at_least(&report, "c", 3, 2);
  end(1, text);
  assert_non_null(strstr(text, "\"b_met\": false, "));
  begin(false);
  bench_report_at_least(&report, "c", 1, 2);
  end(1, text);
  assert_non_null(strstr(text, ">= 2   MISSED\n"));
}

/* Out of runs that all failed. */
static void what_could_not_be_measured_is_null_and_missed(void **state) {
  (void)state;
  char text[1024];
  begin(true);
  bench_report_add(&report, "a", NAN);
  bench_report_at_most(&report, "b", NAN, 2);
  bench_report_at_least(&report, "c", -NAN, 2);
  bench_report_add(&report, "d", INFINITY);
  end(1, text);
  assert_string_equal(text,
                      "{\"program\": \"bench\", \"what\": \"what\", \"a\": null, "
                      "\"b\": null, \"b_bar\": \"<= 2\", \"b_met\": false, "
                      "\"c\": null, \"c_bar\": \">= 2\", \"c_met\": false, \"d\": null}\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bars_stand_beside_their_figures),
      cmocka_unit_test(one_missed_bar_is_the_status),
      cmocka_unit_test(what_could_not_be_measured_is_null_and_missed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
