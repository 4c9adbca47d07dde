/* SPDX-License-Identifier: MIT */
/* Audio files with random damage, played to their end as pa-send plays them: each is refused in one
 * line, or plays; nothing crashes, and nothing takes for ever.
 *
 * Usage: test_damaged_files ROUNDS FOLDER FILE...; the damaged copies are made in FOLDER. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit/log.h"
#include "kit/rng.h"
#include "kit/sanitizer.h"
#include "source.h"

#define FILE_BYTES_MAX (1 << 20)
#define CHUNK_FRAMES 960
#define SOUND_MAX_S 600 /* the files hold less than a second; a damaged rate stretches that */
#define PATIENCE_S 60   /* of a machine that does other things besides */

struct damage {
  const char *folder;
  char *const *files;
  size_t file_count;
  size_t played;
  size_t refused;
};

static uint8_t bytes[2 * FILE_BYTES_MAX];

static size_t read_whole(const char *path) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size_t len = fread(bytes, 1, FILE_BYTES_MAX, file);
  assert_int_equal(fclose(file), 0);
  assert_in_range(len, 1, FILE_BYTES_MAX - 1);
  return len;
}

static void write_whole(const char *path, size_t len) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

/* Headers are where damage does most: half of it goes there. */
static size_t choose_place(struct kit_rng *rng, size_t len) {
  size_t most = kit_rng_chance(rng, 0.5) && len > 256 ? 256 : len;
  return (size_t)kit_rng_below(rng, most);
}

static size_t damage_once(struct kit_rng *rng, size_t len) {
  static const uint8_t extremes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
  size_t at = choose_place(rng, len);
  size_t extent = (size_t)kit_rng_below(rng, 64) + 1;
  extent = extent < len - at ? extent : len - at;
  switch (kit_rng_below(rng, 6)) {
  case 0:
    bytes[at] ^= (uint8_t)(1U << kit_rng_below(rng, 8));
    return len;
  case 1:
    memset(bytes + at, extremes[kit_rng_below(rng, sizeof extremes)], extent < 8 ? extent : 8);
    return len;
  case 2:
    kit_rng_bytes(rng, bytes + at, extent);
    return len;
  case 3: /* left out */
    memmove(bytes + at, bytes + at + extent, len - at - extent);
    return len - extent;
  case 4: /* twice */
    memmove(bytes + at + extent, bytes + at, len - at);
    return len + extent;
  default:
    return kit_rng_chance(rng, 0.3) ? at : len;
  }
}

static void expect_one_line(const char *text) {
  assert_true(text[0] != '\0');
  assert_null(strchr(text, '\n'));
}

static void play(struct source *source) {
  static int16_t pcm[CHUNK_FRAMES * 2];
  uint64_t frames = 0;
  size_t got = 0;
  enum source_verdict verdict;
  assert_in_range(source->channels, 1, 2);
  do {
    verdict = source->ops->read(source, 0, pcm, CHUNK_FRAMES, &got);
    assert_true(verdict == SOURCE_ENDED || (verdict == SOURCE_FULL && got == CHUNK_FRAMES));
    assert_true(got <= CHUNK_FRAMES);
    frames += got;
  } while (verdict != SOURCE_ENDED && frames < (uint64_t)SOUND_MAX_S * PAW_RTP_HZ);
  assert_int_equal(verdict, SOURCE_ENDED);
}

/* To its end, and once more where it can begin again; what is told is told once. */
static bool open_and_play(const char *path) {
  static struct kit_log log;
  struct source *source = NULL;
  struct fault fault = {.text = ""};
  kit_log_init(&log);
  struct paw_log hook = kit_log_hook(&log);
  hook.level = PAW_LOG_INFO;
  if (source_file_open(path, &hook, &source, &fault) != 0) {
    expect_one_line(fault.text);
    assert_non_null(strstr(fault.text, path));
    return false;
  }
  play(source);
  if (source->ops->rewind(source, &fault) == 0) {
    play(source);
  } else {
    expect_one_line(fault.text);
  }
  assert_in_range(log.line_count, 0, 1);
  source->ops->close(source);
  return true;
}

static void damage_and_play(uint64_t seed, void *context) {
  struct damage *damage = context;
  struct kit_rng rng;
  char path[512];
  kit_rng_init(&rng, seed);
  const char *file = damage->files[seed % damage->file_count];
  const char *type = strrchr(file, '.');
  assert_non_null(type);
  size_t len = read_whole(file);
  for (uint64_t left = 1 + kit_rng_below(&rng, 8); left > 0 && len > 1; left--) {
    len = damage_once(&rng, len);
  }
  (void)snprintf(path, sizeof path, "%s/damaged%s", damage->folder, type);
  write_whole(path, len);
  (void)alarm(PATIENCE_S);
  bool has_played = open_and_play(path);
  (void)alarm(0);
  damage->played += has_played;
  damage->refused += !has_played;
}

/* Ends by abort, so that the seed is told. */
static void give_up(int number) {
  (void)number;
  abort();
}

static struct damage damage;
static uint64_t rounds;

static void whole_files_play(void **state) {
  (void)state;
  for (size_t i = 0; i < damage.file_count; i++) {
    assert_true(open_and_play(damage.files[i]));
  }
}

static void damaged_files(void **state) {
  (void)state;
  kit_seeds_run(damage_and_play, &damage, rounds);
  print_message("%zu played, %zu were refused\n", damage.played, damage.refused);
  assert_true(rounds < 100 || (damage.played > 0 && damage.refused > 0));
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_files_play),
      cmocka_unit_test(damaged_files),
  };
  if (argc < 4) {
    (void)fprintf(stderr, "usage: test_damaged_files ROUNDS FOLDER FILE...\n");
    return 2;
  }
  rounds = strtoull(argv[1], NULL, 10);
  damage = (struct damage){.folder = argv[2], .files = argv + 3, .file_count = (size_t)argc - 3};
  signal(SIGALRM, give_up);
#ifndef KIT_SANITIZED
  signal(SIGSEGV, give_up);
  signal(SIGBUS, give_up);
  signal(SIGFPE, give_up);
#endif
  return cmocka_run_group_tests(tests, NULL, NULL);
}
