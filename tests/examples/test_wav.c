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

#include "wav.h"

struct place {
  char folder[64];
  char path[96];
};

static int make_place(void **state) {
  struct place *place = calloc(1, sizeof *place);
  strcpy(place->folder, "/tmp/test_wav.XXXXXX");
  if (mkdtemp(place->folder) == NULL) {
    return -1;
  }
  (void)snprintf(place->path, sizeof place->path, "%s/a.wav", place->folder);
  *state = place;
  return 0;
}

static int remove_place(void **state) {
  struct place *place = *state;
  (void)unlink(place->path);
  int status = rmdir(place->folder);
  free(place);
  return status;
}

static const int16_t samples[] = {0, 1, -1, 32767, -32768, 256};

static void comes_back_as_written(void **state) {
  struct place *place = *state;
  struct wav_writer writer;
  struct wav_audio audio;
  struct fault fault;
  assert_int_equal(wav_writer_open(&writer, place->path, 48000, 2, &fault), 0);
  assert_int_equal(wav_writer_write(&writer, samples, 3, &fault), 0);
  assert_int_equal(wav_writer_close(&writer, &fault), 0);
  assert_int_equal(wav_audio_read(&audio, place->path, &fault), 0);
  assert_int_equal(audio.frames, 3);
  assert_int_equal(audio.channels, 2);
  assert_int_equal(audio.rate_hz, 48000);
  assert_memory_equal(audio.pcm, samples, sizeof samples);
  wav_audio_wipe(&audio);
}

static void is_whole_after_each_sync(void **state) {
  struct place *place = *state;
  struct wav_writer writer;
  struct wav_audio audio;
  struct fault fault;
  assert_int_equal(wav_writer_open(&writer, place->path, 48000, 2, &fault), 0);
  assert_int_equal(wav_audio_read(&audio, place->path, &fault), 0);
  assert_int_equal(audio.frames, 0);
  wav_audio_wipe(&audio);
  for (size_t round = 1; round <= 2; round++) {
    assert_int_equal(wav_writer_write(&writer, samples, 3, &fault), 0);
    assert_int_equal(wav_writer_sync(&writer, &fault), 0);
    assert_int_equal(wav_audio_read(&audio, place->path, &fault), 0);
    assert_int_equal(audio.frames, 3 * round);
    wav_audio_wipe(&audio);
  }
  assert_int_equal(wav_writer_close(&writer, &fault), 0);
}

static void write_bytes(const char *path, const void *bytes, size_t len) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static const char odd_chunk_before_data[] =
    "RIFF\x33\0\0\0WAVE"
    "fmt \x10\0\0\0\1\0\1\0\x80\xbb\0\0\0\x77\1\0\2\0\x10\0"
    "LIST\3\0\0\0abc\0"
    "data\4\0\0\0\1\0\2\0";

static void skips_other_chunks(void **state) {
  struct place *place = *state;
  struct wav_audio audio;
  struct fault fault;
  write_bytes(place->path, odd_chunk_before_data, sizeof odd_chunk_before_data - 1);
  assert_int_equal(wav_audio_read(&audio, place->path, &fault), 0);
  assert_int_equal(audio.frames, 2);
  assert_int_equal(audio.pcm[0], 1);
  assert_int_equal(audio.pcm[1], 2);
  wav_audio_wipe(&audio);
}

static void takes_every_cut_without_reading_past_it(void **state) {
  struct place *place = *state;
  struct fault fault;
  for (size_t len = 0; len < sizeof odd_chunk_before_data - 1; len++) {
    struct wav_audio audio;
    write_bytes(place->path, odd_chunk_before_data, len);
    int status = wav_audio_read(&audio, place->path, &fault);
    if (status == 0) {
      assert_true(audio.frames < 2);
    }
    wav_audio_wipe(&audio);
  }
}

static void names_the_file_that_cannot_be_written(void **state) {
  (void)state;
  struct wav_writer writer;
  struct fault fault;
  assert_int_equal(wav_writer_open(&writer, "/nowhere/a.wav", 48000, 2, &fault), -1);
  assert_string_equal(fault.text, "cannot write /nowhere/a.wav: No such file or directory");
  assert_int_equal(wav_writer_close(&writer, &fault), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(comes_back_as_written, make_place, remove_place),
      cmocka_unit_test_setup_teardown(is_whole_after_each_sync, make_place, remove_place),
      cmocka_unit_test_setup_teardown(skips_other_chunks, make_place, remove_place),
      cmocka_unit_test_setup_teardown(takes_every_cut_without_reading_past_it, make_place,
                                      remove_place),
      cmocka_unit_test(names_the_file_that_cannot_be_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
