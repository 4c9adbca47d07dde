/* SPDX-License-Identifier: MIT */
/* Who may have had a hand in a file or folder before it is trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "token_file.h"

struct bench {
  char folder[32];
  char path[64];
  char link[64];
  mode_t umask;
};

static int set_up(void **state) {
  static struct bench bench;
  bench = (struct bench){.folder = "/tmp/test_files.XXXXXX"};
  bench.umask = umask(0);
  assert_non_null(mkdtemp(bench.folder));
  (void)snprintf(bench.path, sizeof bench.path, "%s/file", bench.folder);
  (void)snprintf(bench.link, sizeof bench.link, "%s/link", bench.folder);
  *state = &bench;
  return 0;
}

static int tear_down(void **state) {
  struct bench *bench = *state;
  (void)umask(bench->umask);
  (void)chmod(bench->folder, 0700);
  (void)unlink(bench->path);
  (void)unlink(bench->link);
  return rmdir(bench->folder);
}

static void write_file(const char *path, mode_t mode) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "0123456789abcdef\n", 17), 17);
  assert_int_equal(close(fd), 0);
  assert_int_equal(chmod(path, mode), 0);
}

static enum file_verdict read_as(const char *path, enum file_kind kind, struct fault *fault) {
  char *text = NULL;
  size_t len = 0;
  fault->text[0] = '\0';
  enum file_verdict verdict = file_read(path, kind, 100, &text, &len, fault);
  free(text);
  return verdict;
}

static const enum file_kind kinds[] = {FILE_GIVEN, FILE_GIVEN_SECRET, FILE_STATE,
                                       FILE_STATE_SECRET};
#define KIND_COUNT 4

static void modes_decide(void **state) {
  static const struct {
    mode_t mode;
    bool good[KIND_COUNT];
  } cases[] = {{0600, {true, true, true, true}},    {0400, {true, true, true, true}},
               {0640, {true, false, true, false}},  {0604, {true, false, true, false}},
               {0644, {true, false, true, false}},  {0620, {true, false, false, false}},
               {0602, {true, false, false, false}}, {0666, {true, false, false, false}},
               {0601, {true, false, true, false}}};
  struct bench *bench = *state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (size_t j = 0; j < KIND_COUNT; j++) {
      struct fault fault;
      write_file(bench->path, cases[i].mode);
      enum file_verdict verdict = read_as(bench->path, kinds[j], &fault);
      assert_int_equal(verdict, cases[i].good[j] ? FILE_OK : FILE_BAD);
      assert_true(cases[i].good[j] || strstr(fault.text, "run chmod ") != NULL);
    }
  }
}

/* The other way round it is somebody else's file, or one that can be changed. */
static void a_credential_of_systemd_is_private(void **state) {
  struct bench *bench = *state;
  struct fault fault;
  if (geteuid() != 0) {
    print_message("only root can make such a file\n");
    skip();
  }
  write_file(bench->path, 0440);
  assert_int_equal(read_as(bench->path, FILE_GIVEN_SECRET, &fault), FILE_OK);
  assert_int_equal(read_as(bench->path, FILE_STATE_SECRET, &fault), FILE_BAD);
  assert_int_equal(chown(bench->path, 0, 12345), 0);
  assert_int_equal(read_as(bench->path, FILE_GIVEN_SECRET, &fault), FILE_BAD);
  assert_int_equal(chown(bench->path, 12345, 0), 0);
  assert_int_equal(chmod(bench->path, 0440), 0);
  assert_int_equal(read_as(bench->path, FILE_GIVEN_SECRET, &fault), FILE_BAD);
}

static void links_are_for_what_a_person_names(void **state) {
  struct bench *bench = *state;
  write_file(bench->path, 0600);
  assert_int_equal(symlink("file", bench->link), 0);
  for (size_t i = 0; i < KIND_COUNT; i++) {
    struct fault fault;
    bool given = kinds[i] == FILE_GIVEN || kinds[i] == FILE_GIVEN_SECRET;
    assert_int_equal(read_as(bench->link, kinds[i], &fault), given ? FILE_OK : FILE_BAD);
    assert_true(given || strstr(fault.text, "symbolic link") != NULL);
  }
  assert_int_equal(unlink(bench->path), 0);
  struct fault fault;
  assert_int_equal(read_as(bench->link, FILE_STATE, &fault), FILE_BAD); /* not: missing */
}

static void a_pipe_is_not_waited_for(void **state) {
  struct bench *bench = *state;
  assert_int_equal(mkfifo(bench->path, 0600), 0);
  for (size_t i = 1; i < KIND_COUNT; i++) {
    struct fault fault;
    assert_int_equal(read_as(bench->path, kinds[i], &fault), FILE_BAD);
    assert_non_null(strstr(fault.text, "not a plain file"));
    assert_int_equal(read_as(bench->folder, kinds[i], &fault), FILE_BAD);
  }
}

/* A link in the place of a file of ours is replaced, not written through. */
static void writing_follows_no_link(void **state) {
  struct bench *bench = *state;
  struct fault fault;
  struct stat about;
  write_file(bench->path, 0644);
  assert_int_equal(symlink("file", bench->link), 0);
  assert_int_equal(file_write_private(bench->link, "new", 3, &fault), 0);
  assert_int_equal(stat(bench->path, &about), 0);
  assert_int_equal(about.st_size, 17);
  assert_int_equal(lstat(bench->link, &about), 0);
  assert_true(S_ISREG(about.st_mode));
  assert_int_equal(about.st_size, 3);
  assert_int_equal(about.st_mode & 0777, 0600); /* with umask 000 */
}

static void folders_are_private(void **state) {
  struct bench *bench = *state;
  struct fault fault;
  struct stat about;
  assert_int_equal(directory_make(bench->path, &fault), 0);
  assert_int_equal(stat(bench->path, &about), 0);
  assert_int_equal(about.st_mode & 0777, 0700); /* with umask 000 */
  assert_int_equal(rmdir(bench->path), 0);
  assert_int_equal(directory_check(bench->path, &fault), 0); /* there is none */
  static const mode_t bad[] = {0720, 0702, 0777, 01777};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(chmod(bench->folder, bad[i]), 0);
    assert_int_equal(directory_make(bench->folder, &fault), -1);
    assert_non_null(strstr(fault.text, "run chmod go-w"));
    assert_int_equal(directory_check(bench->folder, &fault), -1);
  }
  assert_int_equal(chmod(bench->folder, 0755), 0);
  assert_int_equal(directory_check(bench->folder, &fault), 0);
}

static void a_token_file_is_for_nobody_else(void **state) {
  struct bench *bench = *state;
  char token[TOKEN_FILE_TOKEN_SIZE] = "";
  struct fault fault;
  write_file(bench->path, 0644);
  assert_int_equal(token_file_read(bench->path, token, &fault), -1);
  assert_string_equal(token, "");
  assert_non_null(strstr(fault.text, "--token-file "));
  assert_non_null(strstr(fault.text, "chmod 600"));
  assert_null(strstr(fault.text, "0123456789abcdef"));
  write_file(bench->path, 0600);
  assert_int_equal(token_file_read(bench->path, token, &fault), 0);
  assert_string_equal(token, "0123456789abcdef");
}

#define FILES_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      FILES_TEST(modes_decide),
      FILES_TEST(a_credential_of_systemd_is_private),
      FILES_TEST(links_are_for_what_a_person_names),
      FILES_TEST(a_pipe_is_not_waited_for),
      FILES_TEST(writing_follows_no_link),
      FILES_TEST(folders_are_private),
      FILES_TEST(a_token_file_is_for_nobody_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
