/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cut_short.h"

static bool look_at(const char *bytes, size_t len) {
  char path[] = "/tmp/test-cut-short-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, len), len);
  close(fd);
  bool cut = file_is_cut_short(path);
  unlink(path);
  return cut;
}

static void a_wav_has_what_its_data_chunk_says(void **state) {
  static const char wav[] = "RIFF\x28\0\0\0WAVELIST\3\0\0\0abc\0data\4\0\0\0\1\2\3\4";
  (void)state;
  assert_false(look_at(wav, sizeof wav - 1));
  assert_true(look_at(wav, sizeof wav - 2));
}

static void a_wav_out_of_a_pipe_does_not_know(void **state) {
  static const char wav[] = "RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff\1\2\3\4";
  (void)state;
  assert_false(look_at(wav, sizeof wav - 1));
}

/* A page: flags, one segment of `len` bytes. */
static size_t put_page(char *out, char flags, size_t len) {
  memset(out, 0, 28 + len);
  memcpy(out, "OggS", 4);
  out[5] = flags;
  out[26] = 1;
  out[27] = (char)len;
  return 28 + len;
}

static void an_ogg_ends_with_the_page_that_says_so(void **state) {
  char ogg[512];
  (void)state;
  size_t len = put_page(ogg, 2, 100);
  size_t cut = len;
  len += put_page(ogg + len, 4, 50);
  assert_false(look_at(ogg, len));
  assert_true(look_at(ogg, cut));      /* the last page is missing */
  assert_true(look_at(ogg, cut + 2));  /* hardly there */
  assert_true(look_at(ogg, cut + 20)); /* torn in its header */
  assert_true(look_at(ogg, cut + 27));
  assert_true(look_at(ogg, len - 1)); /* torn in its body */
}

static void a_long_ogg_is_judged_by_its_end(void **state) {
  static char ogg[800 * 283 + 100];
  size_t len = 0;
  (void)state;
  for (unsigned i = 0; i < 800; i++) {
    len += put_page(ogg + len, 0, 255);
  }
  assert_true(look_at(ogg, len));
  len += put_page(ogg + len, 4, 0);
  assert_false(look_at(ogg, len));
}

static void other_files_are_not_judged(void **state) {
  (void)state;
  assert_false(look_at("", 0));
  assert_false(look_at("RIFF", 4));
  assert_false(look_at("ID3 something else", 18));
  assert_false(file_is_cut_short("/nowhere/at/all"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wav_has_what_its_data_chunk_says),
      cmocka_unit_test(a_wav_out_of_a_pipe_does_not_know),
      cmocka_unit_test(an_ogg_ends_with_the_page_that_says_so),
      cmocka_unit_test(a_long_ogg_is_judged_by_its_end),
      cmocka_unit_test(other_files_are_not_judged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
