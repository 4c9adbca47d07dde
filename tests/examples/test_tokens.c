/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "secret.h"
#include "system.h"
#include "tokens.h"

static struct tokens tokens;
static struct fault fault;

static int parse(const char *text) {
  fault.text[0] = '\0';
  return tokens_parse(text, "tokens", &tokens, &fault);
}

static void reads_roles_tokens_and_ids(void **state) {
  (void)state;
  assert_int_equal(parse("# a comment\n"
                         "\n"
                         "listener 0123456789abcdef\n"
                         "  speaker\tABCDEFGHIJKLMNOP  kitchen \r\n"
                         "admin -._~+/=-._~+/=-."),
                   0);
  assert_int_equal(tokens.count, 3);
  assert_int_equal(tokens.list[0].role, TOKEN_LISTENER);
  assert_string_equal(tokens.list[1].text, "ABCDEFGHIJKLMNOP");
  assert_string_equal(tokens.list[1].id, "kitchen");
  assert_string_equal(tokens.list[0].id, "");
  assert_int_equal(tokens.list[2].role, TOKEN_ADMIN);
  assert_ptr_equal(tokens_first(&tokens, TOKEN_SPEAKER), &tokens.list[1]);
  assert_null(tokens_first(&tokens, TOKEN_TALKER));
}

static void bad_lines_are_named(void **state) {
  (void)state;
  assert_int_equal(parse("listener 0123456789abcdef\nspeeker 0123456789abcdef\n"), -1);
  assert_string_equal(fault.text,
                      "tokens, line 2: begins with no role: listener, speaker, talker or admin");
  assert_int_equal(parse("listener short\n"), -1);
  assert_non_null(strstr(fault.text, "line 1: the token must have 16 to 128 characters"));
  assert_int_equal(parse("listener\n"), -1);
  assert_int_equal(parse("listener 0123456789abcd$f\n"), -1);
  assert_int_equal(parse("listener 0123456789abcdef id more\n"), -1);
  assert_non_null(strstr(fault.text, "one ID at most"));
  assert_int_equal(parse("# nothing\n"), -1);
  assert_non_null(strstr(fault.text, "holds no token"));
}

static void too_many_tokens_are_refused(void **state) {
  static char text[(TOKENS_MAX + 1) * 32];
  char *at = text;
  (void)state;
  for (int i = 0; i < TOKENS_MAX; i++) {
    at += sprintf(at, "speaker %016d\n", i);
  }
  assert_int_equal(parse(text), 0);
  (void)strcpy(at, "speaker 0123456789abcdef\n");
  assert_int_equal(parse(text), -1);
}

static void only_the_whole_token_is_found(void **state) {
  (void)state;
  assert_int_equal(parse("listener 0123456789abcdef\nadmin 0123456789abcdefg\n"), 0);
  assert_ptr_equal(tokens_find(&tokens, "0123456789abcdef"), &tokens.list[0]);
  assert_ptr_equal(tokens_find(&tokens, "0123456789abcdefg"), &tokens.list[1]);
  assert_null(tokens_find(&tokens, "0123456789abcde"));
  assert_null(tokens_find(&tokens, "0123456789abcdeF"));
  assert_null(tokens_find(&tokens, "0123456789abcdefgh"));
  assert_null(tokens_find(&tokens, ""));
}

/* ---- a look-up compares with all, whatever it is given ---- */

static size_t compared;

bool __real_secret_equal(const char *a, const char *b, size_t len);
bool __wrap_secret_equal(const char *a, const char *b, size_t len);

bool __wrap_secret_equal(const char *a, const char *b, size_t len) {
  assert_int_equal(len, TOKEN_LEN_MAX + 1);
  compared++;
  return __real_secret_equal(a, b, len);
}

static void every_look_up_compares_with_all(void **state) {
  static char longest[4 * TOKEN_LEN_MAX + 1];
  const char *const presented[] = {"0123456789abcdef",
                                   "fedcba9876543210",
                                   "0123456789abcdeg",
                                   "x123456789abcdef",
                                   "0123456789abcde",
                                   "0",
                                   "",
                                   "unknownunknownun",
                                   longest};
  (void)state;
  memset(longest, 'a', sizeof longest - 1);
  assert_int_equal(parse("listener 0123456789abcdef\nspeaker 00000000000000000\n"
                         "talker fedcba9876543210\n"),
                   0);
  for (size_t i = 0; i < sizeof presented / sizeof presented[0]; i++) {
    compared = 0;
    assert_true((tokens_find(&tokens, presented[i]) != NULL) == (i < 2));
    assert_int_equal(compared, tokens.count);
  }
}

static void secrets_are_equal_in_all_bytes(void **state) {
  char a[40] = "the same";
  char b[40] = "the same";
  (void)state;
  assert_true(__real_secret_equal(a, b, sizeof a));
  assert_true(__real_secret_equal(a, b, 0));
  for (size_t i = 0; i < sizeof b; i++) {
    for (int bit = 0; bit < 8; bit++) {
      b[i] = (char)(b[i] ^ 1 << bit);
      assert_false(__real_secret_equal(a, b, sizeof a));
      b[i] = (char)(b[i] ^ 1 << bit);
    }
  }
}

static void generated_tokens_survive_the_file(void **state) {
  struct paw_rng rng = system_rng();
  struct tokens again;
  char text[1024];
  (void)state;
  assert_int_equal(tokens_generate(&rng, &tokens), 0);
  assert_int_equal(tokens.count, TOKEN_ROLE_COUNT);
  assert_int_equal(strlen(tokens.list[0].text), 32);
  assert_string_not_equal(tokens.list[0].text, tokens.list[1].text);
  size_t len = tokens_write(&tokens, text, sizeof text);
  assert_int_equal(len, strlen(text));
  assert_int_equal(tokens_parse(text, "tokens", &again, &fault), 0);
  assert_int_equal(again.count, tokens.count);
  for (size_t i = 0; i < again.count; i++) {
    assert_int_equal(again.list[i].role, tokens.list[i].role);
    assert_string_equal(again.list[i].text, tokens.list[i].text);
  }
  assert_int_equal(tokens_write(&tokens, text, 40), 0);
}

static int no_random(void *user_data, uint8_t *out, size_t len) {
  (void)user_data;
  (void)out;
  (void)len;
  return -1;
}

static void without_randomness_there_are_no_tokens(void **state) {
  struct paw_rng rng = {.fill = no_random};
  (void)state;
  assert_int_equal(tokens_generate(&rng, &tokens), -1);
}

static void the_file_is_made_private_and_then_demanded_so(void **state) {
  struct paw_rng rng = system_rng();
  struct tokens again;
  struct stat about;
  char folder[] = "/tmp/pawtokensXXXXXX";
  char path[64];
  (void)state;
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof path, "%s/tokens", folder);
  assert_int_equal(tokens_load(path, &rng, &tokens, &fault), 0);
  assert_int_equal(stat(path, &about), 0);
  assert_int_equal(about.st_mode & 0777, 0600);
  assert_int_equal(tokens_load(path, &rng, &again, &fault), 0);
  assert_string_equal(again.list[3].text, tokens.list[3].text);
  assert_int_equal(chmod(path, 0640), 0);
  assert_int_equal(tokens_load(path, &rng, &again, &fault), -1);
  assert_non_null(strstr(fault.text, "chmod 600"));
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
}

static void files_have_a_bound_and_folders_are_made(void **state) {
  char folder[] = "/tmp/pawfilesXXXXXX";
  char deep[64];
  char path[80];
  char *text = NULL;
  size_t len = 0;
  (void)state;
  assert_non_null(mkdtemp(folder));
  (void)snprintf(deep, sizeof deep, "%s/a/b", folder);
  (void)snprintf(path, sizeof path, "%s/file", deep);
  assert_int_equal(directory_make(deep, &fault), 0);
  assert_int_equal(directory_make(deep, &fault), 0);
  assert_int_equal(file_read(path, FILE_STATE, 5, &text, &len, &fault), FILE_MISSING);
  assert_int_equal(file_write_private(path, "12345", 5, &fault), 0);
  assert_int_equal(directory_make(path, &fault), -1);
  assert_int_equal(file_read(path, FILE_STATE, 4, &text, &len, &fault), FILE_BAD);
  assert_int_equal(file_read(path, FILE_STATE, 5, &text, &len, &fault), FILE_OK);
  assert_int_equal(len, 5);
  assert_string_equal(text, "12345");
  free(text);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(deep), 0);
  (void)snprintf(deep, sizeof deep, "%s/a", folder);
  assert_int_equal(rmdir(deep), 0);
  assert_int_equal(rmdir(folder), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_roles_tokens_and_ids),
      cmocka_unit_test(bad_lines_are_named),
      cmocka_unit_test(too_many_tokens_are_refused),
      cmocka_unit_test(only_the_whole_token_is_found),
      cmocka_unit_test(every_look_up_compares_with_all),
      cmocka_unit_test(secrets_are_equal_in_all_bytes),
      cmocka_unit_test(generated_tokens_survive_the_file),
      cmocka_unit_test(without_randomness_there_are_no_tokens),
      cmocka_unit_test(the_file_is_made_private_and_then_demanded_so),
      cmocka_unit_test(files_have_a_bound_and_folders_are_made),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
