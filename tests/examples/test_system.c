/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "system.h"

/* Standard error goes into a pipe for a test; the ends are not blocking for us, the reader. */
struct capture {
  int kept;
  int reader;
};

static void begin(struct capture *capture) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  capture->kept = dup(STDERR_FILENO);
  capture->reader = ends[0];
  assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
  close(ends[1]);
  assert_int_equal(fcntl(capture->reader, F_SETFL, O_NONBLOCK), 0);
}

static size_t read_all(const struct capture *capture, char *out, size_t size) {
  size_t len = 0;
  ssize_t got = 0;
  do {
    len += (size_t)got;
    got = read(capture->reader, out + len, size - 1 - len);
  } while (got > 0);
  out[len] = '\0';
  return len;
}

static void end(const struct capture *capture) {
  (void)dup2(capture->kept, STDERR_FILENO);
  close(capture->kept);
  close(capture->reader);
}

static void a_reader_that_stops_does_not_stop_the_writer(void **state) {
  static char text[1 << 18];
  struct capture capture;
  (void)state;
  begin(&capture);
  for (unsigned i = 0; i < 5000; i++) {
    system_print_line(STDERR_FILENO, "line %04u of a hundred bytes %070u", i, 0U);
  }
  size_t len = read_all(&capture, text, sizeof text);
  system_write_line(STDERR_FILENO, "read again");
  char *next = text + len;
  (void)read_all(&capture, next, sizeof text - len);
  end(&capture);
  assert_in_range(len, 4096, 1 << 17);
  assert_int_equal(text[len - 1], '\n');
  assert_memory_equal(next, "read again\n", 11);
  assert_non_null(strstr(next, " lines of standard error were left out"));
}

static void what_a_stranger_sends_cannot_make_lines_in_the_log(void **state) {
  char text[512];
  struct capture capture;
  struct paw_log log = system_log(PAW_LOG_INFO);
  (void)state;
  begin(&capture);
  system_tell(&log, PAW_LOG_INFO, "http", "GET /a\r\n00:00:00.000 error http: b\x1b[31m\x7f: 404");
  (void)read_all(&capture, text, sizeof text);
  end(&capture);
  assert_non_null(strstr(text, "GET /a??00:00:00.000 error http: b?[31m?: 404\n"));
  assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void a_closed_standard_descriptor_is_taken(void **state) {
  int kept = dup(STDIN_FILENO);
  (void)state;
  close(STDIN_FILENO);
  system_fill_standard_files();
  char byte = 0;
  ssize_t got = read(STDIN_FILENO, &byte, 1);
  (void)dup2(kept, STDIN_FILENO);
  close(kept);
  assert_int_equal(got, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_reader_that_stops_does_not_stop_the_writer),
      cmocka_unit_test(what_a_stranger_sends_cannot_make_lines_in_the_log),
      cmocka_unit_test(a_closed_standard_descriptor_is_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
