/* SPDX-License-Identifier: MIT */
/* The position follows clocks and targets: how fast, how far, and what is heard of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "playout/playout.h"
#include "playout/stage.h"

#define TURN 6.283185307179586

/* No syllables: a vowel of 120 Hz, and a breath by which its periods can be told apart. */
static void speak_vowel(struct stage *stage, int16_t *pcm, size_t frames, unsigned channels) {
  for (size_t i = 0; i < frames * channels; i++) {
    double at = (double)((stage->signal.at + i / channels) % 48000) / 48000;
    double value = 0;
    for (int harmonic = 1; harmonic <= 12; harmonic++) {
      value += sin(TURN * 120 * harmonic * at + harmonic) / harmonic;
    }
    pcm[i] = (int16_t)(5000 * value + (double)kit_rng_below(&stage->rng, 200));
  }
}

static void speak_noise(struct stage *stage, int16_t *pcm, size_t frames, unsigned channels) {
  for (size_t i = 0; i < frames * channels; i++) {
    pcm[i] = (int16_t)((int)kit_rng_below(&stage->rng, 16000) - 8000);
  }
}

/* At a rate that leaves little to hear of the codec. */
static struct stage *new_stage(unsigned seconds, stage_speak *speak) {
  struct stage *stage = stage_new(1, seconds);
  stage->encoder_config.application = PAW_OPUS_RESTRICTED_LOWDELAY;
  stage->encoder_config.frame_frames = 480;
  stage->encoder_config.bitrate_bps = 128000;
  stage->speak = speak;
  return stage;
}

/* ---- clocks ---- */

static void run_drifting(double sender_ppm, double device_ppm) {
  struct stage *stage = new_stage(12, stage_speak_sine);
  stage->encoder_config.complexity = 0;
  stage->forgets = true;
  stage->sender_ppm = sender_ppm;
  stage->device_ppm = device_ppm;
  stage_begin(stage);
  stage_run_ms(stage, 2000);
  int rough = stage_roughness(stage, stage->heard_frames - 24000, stage->heard_frames);
  double worst_ms = 0;
  for (int i = 0; i < 150 * 5; i++) {
    size_t from = stage->heard_frames;
    stage_run_ms(stage, 200);
    worst_ms = fmax(worst_ms, fabs(stage_early_ms(stage)));
    if (stage->heard_frames > from) {
      assert_true(stage_roughness(stage, from, stage->heard_frames) < rough * 5 / 4);
    }
  }
  struct paw_playout_stats stats = stage_stats(stage);
  print_message("off by %.2f ms at most\n", worst_ms);
  assert_true(worst_ms < 1.5);
  assert_int_equal(stats.resyncs, 0);
  assert_int_equal(stats.concealed_samples, 0);
  assert_int_equal(stats.packets_lost + stats.packets_late + stats.packets_dropped, 0);
  assert_in_range(stats.inserted_samples + stats.removed_samples, 13 * 48, 17 * 48);
  assert_true(stats.inserted_samples == 0 || stats.removed_samples == 0);
  stage_free(stage);
}

static void clocks_that_drift_are_followed(void **state) {
  (void)state;
  run_drifting(100, 0);
  run_drifting(-100, 0);
  run_drifting(0, 100);
  run_drifting(0, -100);
}

/* ---- targets ---- */

/* How long until the position is right to 1 ms, at most 15 s. */
static uint64_t settle_ms(struct stage *stage) {
  for (uint64_t ms = 0; ms < 15000; ms += 10) {
    if (fabs(stage_early_ms(stage)) <= 1.0) {
      return ms;
    }
    stage_run_ms(stage, 10);
  }
  fail_msg("still off by %g ms", stage_early_ms(stage));
  return 0;
}

struct change {
  stage_speak *speak;
  uint64_t from_ms;
  uint64_t to_ms;
  uint64_t most_ms;
};

/* The stream is exact before and after; nothing is lost, and no bend is sharper than in the sound
 * itself. */
static void change_target(const struct change *change) {
  struct stage *stage = new_stage(25, change->speak);
  stage->config.target_delay_ns = change->from_ms * PAW_NS_PER_MS;
  stage_begin(stage);
  stage_run_ms(stage, 3000);
  int rough = stage_roughness(stage, 48000, stage->heard_frames);
  stage_set_target_ms(stage, change->to_ms);
  uint64_t took_ms = settle_ms(stage);
  print_message("%u ms to %u ms took %u ms\n", (unsigned)change->from_ms, (unsigned)change->to_ms,
                (unsigned)took_ms);
  assert_true(took_ms < change->most_ms);
  stage_run_ms(stage, 4000);
  assert_true(stage_roughness(stage, 48000, stage->heard_frames) <= rough * 11 / 10);
  size_t end = stage->wanted_frames - 24000;
  size_t before = stage_find(stage, 4800, 96000);
  size_t after = stage_find(stage, end - 24000, 24000);
  int64_t moved = (int64_t)after - (int64_t)before;
  int64_t wanted = ((int64_t)change->to_ms - (int64_t)change->from_ms) * 48;
  assert_true(llabs(moved - wanted) <= 5);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.inserted_samples - stats.removed_samples, moved);
  assert_int_equal(stats.concealed_samples, 0);
  assert_int_equal(stats.resyncs, 0);
  assert_int_equal(stats.total_samples, stage->heard_frames - before);
  stage_free(stage);
}

static void a_higher_target_is_reached_quickly(void **state) {
  (void)state;
  static const struct change changes[] = {
      {speak_vowel, 40, 70, 1000},
      {NULL, 40, 70, 1500}, /* a voice with syllables */
      {speak_noise, 40, 70, 3500},
      {speak_vowel, 40, 43, 1000},
  };
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    change_target(&changes[i]);
  }
}

static void a_lower_target_is_reached_slowly(void **state) {
  (void)state;
  static const struct change changes[] = {
      {speak_vowel, 70, 40, 5000},
      {NULL, 70, 40, 10000},
      {speak_noise, 70, 40, 11000},
      {speak_noise, 70, 67, 2000},
  };
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    change_target(&changes[i]);
  }
}

/* In the first second there is no pace yet that could change. */
static void a_young_stream_changes_at_once(void **state) {
  (void)state;
  static stage_speak *const sounds[] = {speak_vowel, speak_noise, NULL};
  for (size_t i = 0; i < 3; i++) {
    struct stage *stage = new_stage(5, sounds[i]);
    stage->config.target_delay_ns = 20 * PAW_NS_PER_MS;
    stage_begin(stage);
    stage_run_ms(stage, 300);
    stage_set_target_ms(stage, 80);
    stage_run_ms(stage, 100);
    assert_true(fabs(stage_early_ms(stage)) < 2.5);
    assert_int_equal(stage_stats(stage).concealed_samples, 0);
    stage_free(stage);
  }
}

/* ---- gaps ---- */

static void hold_back(struct stage *stage, struct stage_packet *packet) {
  uint64_t until_ns = *(const uint64_t *)stage->user_data;
  packet->arrival_ns = packet->arrival_ns > until_ns ? packet->arrival_ns : until_ns;
}

/* Nothing comes for 83 ms. The target is told in the middle of the gap; it is reached at the end,
 * and all is heard from its first sample on. */
static void a_gap_makes_room_without_loss(void **state) {
  (void)state;
  struct stage *stage = new_stage(10, speak_vowel);
  uint64_t until_ns = 0;
  stage->chunk_frames = 48;
  stage->fate = hold_back;
  stage->user_data = &until_ns;
  stage_begin(stage);
  stage_run_ms(stage, 2000);
  until_ns = stage->now_ns + 83 * PAW_NS_PER_MS; /* a gap of 35 ms */
  stage_run_ms(stage, 60);
  assert_in_range(stage_stats(stage).concealed_samples, 10 * 48, 35 * 48);
  stage_set_target_ms(stage, 76);
  stage_run_ms(stage, 25);
  assert_true(fabs(stage_early_ms(stage)) < 2.6);
  size_t from = stage->heard_frames;
  stage_run_ms(stage, 3000);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.packets_lost + stats.packets_late + stats.packets_dropped, 0);
  assert_true(stats.recovered_late <= 1);                         /* as it seemed when it came */
  assert_true(stats.concealed_samples <= stats.inserted_samples); /* it stands for nothing lost */
  assert_in_range(stats.concealed_samples, 33 * 48, 42 * 48);
  assert_in_range(stats.inserted_samples, 36 * 48 - 50, 36 * 48 + 50);
  assert_int_equal(stats.resyncs, 0);
  assert_true(stage_roughness(stage, 48000, stage->heard_frames) <=
              stage_roughness(stage, from + 48000, stage->heard_frames) * 11 / 10);
  stage_free(stage);
}

/* A pause becomes longer or shorter, and nothing that was said. */
static void a_pause_makes_room_or_gives_it(void **state) {
  (void)state;
  for (int grows = 0; grows <= 1; grows++) {
    struct stage *stage = stage_new(1, 10);
    stage->encoder_config.dtx = true;
    stage->config.target_delay_ns = (grows ? 40 : 80) * PAW_NS_PER_MS;
    stage_begin(stage);
    stage_run_ms(stage, 2000);
    stage->sender_is_silent = true;
    stage_run_ms(stage, 2000);
    struct paw_playout_stats before = stage_stats(stage);
    stage_set_target_ms(stage, grows ? 80 : 40);
    stage_run_ms(stage, 150);
    assert_true(fabs(stage_early_ms(stage)) < 2.6);
    stage_run_ms(stage, 1000);
    stage->sender_is_silent = false;
    stage_run_ms(stage, 1000);
    struct paw_playout_stats after = stage_stats(stage);
    assert_int_equal(after.concealed_samples, before.concealed_samples);
    assert_int_equal(after.packets_late + after.packets_lost, 0);
    assert_true(fabs(stage_early_ms(stage)) < 1.0);
    stage_free(stage);
  }
}

/* ---- what is heard ---- */

static void nothing_is_touched_while_all_is_right(uint64_t seed, void *context) {
  (void)context;
  struct stage *stage = stage_new(seed, 10);
  stage->chunk_frames = 0;
  stage->chunk_max = 900;
  stage_begin(stage);
  uint64_t lead_ns = 5 * PAW_NS_PER_MS;
  stage->lead_ns = lead_ns;
  for (int i = 0; i < 700; i++) { /* play times waver by 1 ms */
    stage_run_ms(stage, 10);
    stage->lead_ns = lead_ns + kit_rng_below(&stage->rng, PAW_NS_PER_MS);
  }
  (void)stage_find(stage, 0, stage->wanted_frames - 14400);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.inserted_samples + stats.removed_samples, 0);
  stage_free(stage);
}

static void right_samples_pass_through(void **state) {
  (void)state;
  kit_seeds_run(nothing_is_touched_while_all_is_right, NULL, 3);
}

/* 0.3 % for seconds: as loud as before in every 10 ms, and no bend sharper than 0.3 % make it. */
static void a_sine_stays_a_sine(void **state) {
  (void)state;
  struct stage *stage = new_stage(15, stage_speak_sine);
  stage->config.target_delay_ns = 42400 * 1000; /* no period of it is found in so little */
  stage_begin(stage);
  stage_run_ms(stage, 2000);
  size_t from = stage->heard_frames;
  double level = stage_level(stage, from - 4800, from);
  int rough = stage_roughness(stage, from - 4800, from);
  stage_set_target_ms(stage, 40);
  stage_run_ms(stage, 2500);
  assert_true(fabs(stage_early_ms(stage)) < 0.1);
  assert_true(stage_stats(stage).removed_samples > 100);
  for (size_t at = from; at + 480 <= stage->heard_frames; at += 480) {
    assert_true(fabs(20 * log10(stage_level(stage, at, at + 480) / level)) < 0.1);
  }
  assert_true(stage_roughness(stage, from, stage->heard_frames) <= rough * 102 / 100 + 4);
  stage_free(stage);
}

/* The same number of samples whatever is asked for at a time. */
static void any_chunks_follow(void **state) {
  (void)state;
  static const size_t chunks[] = {1, 7, 479, 480, 481, 960, 3000};
  for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
    struct stage *stage = new_stage(8, speak_vowel);
    stage->config.channels = 2;
    stage->chunk_frames = chunks[i];
    stage->config.target_delay_ns = 100 * PAW_NS_PER_MS;
    stage_begin(stage);
    stage_run_ms(stage, 2000);
    stage_set_target_ms(stage, 135);
    stage_run_ms(stage, 4000);
    assert_true(fabs(stage_early_ms(stage)) < 1.0);
    struct paw_playout_stats stats = stage_stats(stage);
    assert_int_equal(stats.concealed_samples, 0);
    assert_in_range(stats.inserted_samples - stats.removed_samples, 35 * 48 - 5, 35 * 48 + 5);
    for (size_t at = 0; at < stage->heard_frames; at++) {
      assert_int_equal(stage->heard[2 * at], stage->heard[2 * at + 1]);
    }
    stage_free(stage);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clocks_that_drift_are_followed),
      cmocka_unit_test(a_higher_target_is_reached_quickly),
      cmocka_unit_test(a_lower_target_is_reached_slowly),
      cmocka_unit_test(a_young_stream_changes_at_once),
      cmocka_unit_test(a_gap_makes_room_without_loss),
      cmocka_unit_test(a_pause_makes_room_or_gives_it),
      cmocka_unit_test(right_samples_pass_through),
      cmocka_unit_test(a_sine_stays_a_sine),
      cmocka_unit_test(any_chunks_follow),
  };
  return cmocka_run_group_tests_name("playout pace", tests, NULL, NULL);
}
