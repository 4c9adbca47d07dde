/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "base/time.h"
#include "bench/playout/heard.h"

#define EARLIEST_NS (3 * PAW_NS_PER_S) /* sample 0 could have been heard then */
#define PIECE 120                      /* 2.5 ms */

/* The piece with this number comes out so late, as the next part of the stream. */
static struct heard_piece piece_of(const int16_t *pcm, size_t number, double delay_ms) {
  return (struct heard_piece){
      .pcm = pcm,
      .frames = PIECE,
      .play_ns = EARLIEST_NS + (uint64_t)number * PIECE * 125000 / 6 + (uint64_t)(delay_ms * 1e6),
      .media = (int64_t)number * PIECE,
      .is_there = true,
      .is_sound = true,
  };
}

static void delay_is_beyond_the_earliest(void **state) {
  (void)state;
  static const int16_t pcm[PIECE];
  struct heard heard;
  heard_init(&heard, EARLIEST_NS, 2, 0);
  for (size_t i = 0; i < 800; i++) { /* 2 s: 10 ms in the first, 30 ms in the second */
    struct heard_piece piece = piece_of(pcm, i, i < 400 ? 10 : 30);
    heard_note(&heard, &piece);
  }
  assert_true(fabs(heard_mean_ms(&heard) - 20) < 1e-6);
  assert_true(fabs(heard_quantile_ms(&heard, 0.4) - 10) < 0.1);
  assert_true(fabs(heard_quantile_ms(&heard, 0.95) - 30) < 0.1);
  assert_true(fabs(heard_second_ms(&heard, 0) - 10) < 1e-6);
  assert_true(fabs(heard.start_ms - 30) < 1e-6);
  heard_wipe(&heard);
}

static void concealment_and_silence_have_no_delay(void **state) {
  (void)state;
  static const int16_t pcm[PIECE];
  struct heard heard;
  heard_init(&heard, EARLIEST_NS, 1, 0);
  for (size_t i = 0; i < 100; i++) {
    struct heard_piece piece = piece_of(pcm, i, i % 2 == 0 ? 5 : 500);
    piece.is_sound = i % 2 == 0;
    piece.is_there = i % 4 != 3;
    heard_note(&heard, &piece);
  }
  assert_int_equal(heard.samples, 50 * PIECE);
  assert_true(fabs(heard_mean_ms(&heard) - 5) < 1e-6);
  heard_wipe(&heard);
}

/* What was heard lies at its place in the stream; what lies outside of it is left out. */
static void sound_lies_at_its_place(void **state) {
  (void)state;
  int16_t pcm[PIECE];
  struct heard heard;
  for (size_t i = 0; i < PIECE; i++) {
    pcm[i] = (int16_t)(i + 1);
  }
  heard_init(&heard, EARLIEST_NS, 1, 200);
  struct heard_piece piece = piece_of(pcm, 0, 5);
  piece.media = -20;
  heard_note(&heard, &piece);
  assert_int_equal(heard.by_media[0], 21);
  assert_int_equal(heard.by_media[99], 120);
  assert_int_equal(heard.by_media[100], 0);
  piece.media = 150;
  piece.is_sound = false; /* concealment is heard too */
  heard_note(&heard, &piece);
  assert_int_equal(heard.by_media[149], 0);
  assert_int_equal(heard.by_media[199], 50);
  heard_wipe(&heard);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(delay_is_beyond_the_earliest),
      cmocka_unit_test(concealment_and_silence_have_no_delay),
      cmocka_unit_test(sound_lies_at_its_place),
  };
  return cmocka_run_group_tests_name("bench_heard", tests, NULL, NULL);
}
