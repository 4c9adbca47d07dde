/* SPDX-License-Identifier: MIT */
/* usage: test_vectors FOLDER; the stored streams decode to the stored sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <opus.h>
#include <stdio.h>
#include <string.h>

#include "opus/signal.h"
#include "opus/vector.h"

#define TOLERANCE_DB 40

static const char *folder;
static struct vector vector;

static bool is_reference(void) {
#if defined(__x86_64__)
  return strstr(opus_get_version_string(), "1.3.1") != NULL;
#else
  return false;
#endif
}

static size_t load_pcm(const char *name, int16_t *pcm, size_t room) {
  char path[512];
  uint8_t bytes[2];
  size_t count = 0;
  assert_in_range(snprintf(path, sizeof path, "%s/%s.pcm", folder, name), 1, sizeof path - 1);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  while (count < room && fread(bytes, 1, 2, file) == 2) {
    pcm[count++] = (int16_t)(bytes[0] | bytes[1] << 8);
  }
  assert_int_equal(fclose(file), 0);
  return count;
}

static void check(const char *name, size_t packets, size_t copies, size_t concealed) {
  static int16_t wanted[VECTOR_FRAMES_MAX * 2];
  assert_true(vector_load(&vector, folder, name));
  assert_true(vector_decode(&vector));
  assert_int_equal(vector.packets, packets);
  assert_int_equal(vector.copies, copies);
  assert_int_equal(vector.concealed, concealed);
  size_t count = load_pcm(name, wanted, sizeof wanted / sizeof wanted[0]);
  assert_int_equal(vector.pcm_frames * vector.channels, count);
  if (is_reference()) {
    assert_memory_equal(vector.pcm, wanted, count * sizeof wanted[0]);
  }
  assert_true(signal_energy(wanted, count) > 1e5 * (double)count);
  assert_true(signal_snr_db(wanted, vector.pcm, count) >= TOLERANCE_DB);
}

static void voip(void **state) {
  (void)state;
  check("voip", 9, 1, 0);
}

static void audio(void **state) {
  (void)state;
  check("audio", 14, 0, 1);
}

static void lowdelay(void **state) {
  (void)state;
  check("lowdelay", 12, 0, 0);
}

static void dtx(void **state) {
  (void)state;
  check("dtx", 19, 0, 0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(voip),
      cmocka_unit_test(audio),
      cmocka_unit_test(lowdelay),
      cmocka_unit_test(dtx),
  };
  if (argc != 2) {
    return 2;
  }
  folder = argv[1];
  return cmocka_run_group_tests_name("opus vectors", tests, NULL, NULL);
}
