/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "token_file.h"

static int read_text(const char *text, size_t len, char *token, struct fault *fault) {
  char path[] = "/tmp/test_token_file.XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, len), len);
  assert_int_equal(close(fd), 0);
  int status = token_file_read(path, token, fault);
  assert_int_equal(unlink(path), 0);
  return status;
}

static void the_first_line_is_the_token(void **state) {
  (void)state;
  static const char *const texts[] = {"secret-17", "secret-17\n", "secret-17\r\n",
                                      " \tsecret-17 \n", "secret-17\nmore\n"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    char token[TOKEN_FILE_TOKEN_SIZE] = "";
    struct fault fault = {"no fault"};
    assert_int_equal(read_text(texts[i], strlen(texts[i]), token, &fault), 0);
    assert_string_equal(token, "secret-17");
  }
}

static void what_is_no_token_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "", "\n", "  \n", "two words\n", "\nsecret\n", "a\tb\n", "\xc3\xa9t\xc3\xa9\n"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    char token[TOKEN_FILE_TOKEN_SIZE] = "";
    struct fault fault = {"no fault"};
    assert_int_equal(read_text(texts[i], strlen(texts[i]), token, &fault), -1);
    assert_non_null(strstr(fault.text, "first line"));
  }
}

static void a_line_that_is_too_long_is_refused_whole(void **state) {
  (void)state;
  char text[2 * TOKEN_FILE_TOKEN_SIZE];
  char token[TOKEN_FILE_TOKEN_SIZE] = "";
  struct fault fault = {"no fault"};
  memset(text, 'a', sizeof text);
  assert_int_equal(read_text(text, sizeof text, token, &fault), -1);
}

static void what_stands_behind_the_first_line_is_bounded(void **state) {
  (void)state;
  static char text[65537];
  char token[TOKEN_FILE_TOKEN_SIZE] = "";
  struct fault fault = {"no fault"};
  memset(text, '#', sizeof text);
  memcpy(text, "secret-17\n", 10);
  assert_int_equal(read_text(text, 65536, token, &fault), 0);
  assert_string_equal(token, "secret-17");
  assert_int_equal(read_text(text, 65537, token, &fault), -1);
  assert_non_null(strstr(fault.text, "longer than 65536 bytes"));
}

static void a_missing_file_is_named(void **state) {
  (void)state;
  char token[TOKEN_FILE_TOKEN_SIZE] = "";
  struct fault fault = {"no fault"};
  assert_int_equal(token_file_read("/nowhere/token", token, &fault), -1);
  assert_string_equal(fault.text, "--token-file /nowhere/token: No such file or directory");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_line_is_the_token),
      cmocka_unit_test(what_is_no_token_is_refused),
      cmocka_unit_test(a_line_that_is_too_long_is_refused_whole),
      cmocka_unit_test(what_stands_behind_the_first_line_is_bounded),
      cmocka_unit_test(a_missing_file_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
