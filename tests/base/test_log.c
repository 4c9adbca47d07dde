/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"

struct sink {
  unsigned lines;
  enum paw_log_level level;
  char room[16];
  char text[512];
};

static void take(void *user_data, enum paw_log_level level, const char *room, const char *text) {
  struct sink *sink = user_data;
  sink->lines++;
  sink->level = level;
  strncpy(sink->room, room, sizeof sink->room - 1);
  strncpy(sink->text, text, sizeof sink->text - 1);
}

static void test_formats_a_line(void **state) {
  (void)state;
  struct sink sink = {0};
  const struct paw_log log = {.write = take, .user_data = &sink, .level = PAW_LOG_DEBUG};
  paw_log_write(&log, PAW_LOG_INFO, "ice", "pair %d of %s", 3, "four");
  assert_int_equal(sink.lines, 1);
  assert_int_equal(sink.level, PAW_LOG_INFO);
  assert_string_equal(sink.room, "ice");
  assert_string_equal(sink.text, "pair 3 of four");
}

static void test_tells_up_to_its_level(void **state) {
  (void)state;
  for (int level = PAW_LOG_ERROR; level <= PAW_LOG_DEBUG; level++) {
    struct sink sink = {0};
    const struct paw_log log = {
        .write = take, .user_data = &sink, .level = (enum paw_log_level)level};
    paw_log_write(&log, PAW_LOG_ERROR, "x", "e");
    paw_log_write(&log, PAW_LOG_WARNING, "x", "w");
    paw_log_write(&log, PAW_LOG_INFO, "x", "i");
    paw_log_write(&log, PAW_LOG_DEBUG, "x", "d");
    assert_int_equal(sink.lines, level + 1);
  }
}

static void test_no_hook_is_silence(void **state) {
  (void)state;
  const struct paw_log log = {0};
  paw_log_write(&log, PAW_LOG_ERROR, "x", "%s", "nobody hears");
  assert_null(log.write);
}

static void test_long_lines_are_cut(void **state) {
  (void)state;
  struct sink sink = {0};
  const struct paw_log log = {.write = take, .user_data = &sink};
  char text[400];
  memset(text, 't', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  paw_log_write(&log, PAW_LOG_ERROR, "x", "%s", text);
  assert_int_equal(strlen(sink.text), 255);
}

/* Texts come from the network too: nobody but us begins a line of the log. */
static void test_control_characters_are_masked(void **state) {
  (void)state;
  struct sink sink = {0};
  const struct paw_log log = {.write = take, .user_data = &sink};
  paw_log_write(&log, PAW_LOG_ERROR, "x", "%s", "a\r\nERROR: b\x1b[2J\x7f\tc \xc3\xa4");
  assert_string_equal(sink.text, "a??ERROR: b?[2J??c \xc3\xa4");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formats_a_line),
      cmocka_unit_test(test_tells_up_to_its_level),
      cmocka_unit_test(test_no_hook_is_silence),
      cmocka_unit_test(test_long_lines_are_cut),
      cmocka_unit_test(test_control_characters_are_masked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
