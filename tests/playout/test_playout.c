/* SPDX-License-Identifier: MIT */
/* What a listener hears when the network behaves, and what the caller may do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "playout/stage.h"

static void expect_nothing_concealed(const struct stage *stage) {
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.concealed_samples, 0);
  assert_int_equal(stats.packets_lost, 0);
  assert_int_equal(stats.packets_late, 0);
  assert_int_equal(stats.packets_dropped, 0);
  assert_int_equal(stats.packets_duplicate, 0);
  assert_int_equal(stats.packets_malformed, 0);
  assert_int_equal(stats.resyncs, 0);
}

/* All that was due 100 ms before the end is heard, sample by sample. */
static size_t expect_exact(const struct stage *stage) {
  size_t due = (size_t)(stage->config.target_delay_ns / PAW_NS_PER_MS + 100) * 48;
  return stage_find(stage, 0, stage->wanted_frames - due);
}

static void rendered_samples_equal_a_straight_decoding(uint64_t seed, void *context) {
  (void)context;
  struct stage *stage = stage_new(seed, 5);
  stage->chunk_frames = 0;
  stage->chunk_max = seed == 1 ? 3 : 1500;
  stage_begin(stage);
  stage_run_ms(stage, 3000);
  (void)expect_exact(stage);
  expect_nothing_concealed(stage);
  stage_free(stage);
}

static void any_chunk_sizes_render_exactly(void **state) {
  (void)state;
  kit_seeds_run(rendered_samples_equal_a_straight_decoding, NULL, 4);
}

static void every_frame_size_and_application_renders_exactly(void **state) {
  (void)state;
  static const uint32_t sizes[] = {120, 240, 480, 960};
  for (size_t i = 0; i < 4; i++) {
    for (int application = PAW_OPUS_VOIP; application <= PAW_OPUS_RESTRICTED_LOWDELAY;
         application++) {
      struct stage *stage = stage_new(1, 3);
      stage->encoder_config.frame_frames = sizes[i];
      stage->encoder_config.application = (enum paw_opus_application)application;
      stage->config.channels = 2;
      stage_begin(stage);
      stage_run_ms(stage, 1500);
      (void)expect_exact(stage);
      expect_nothing_concealed(stage);
      stage_free(stage);
    }
  }
}

/* The first sample is heard at its packet's arrival plus the target. */
static void the_target_is_met_to_the_sample(void **state) {
  (void)state;
  static const uint64_t targets_ms[] = {30, 40, 100, 700};
  for (size_t i = 0; i < 4; i++) {
    struct stage *stage = stage_new(1, 5);
    stage->config.target_delay_ns = targets_ms[i] * PAW_NS_PER_MS;
    stage_begin(stage);
    stage_run_ms(stage, 3000);
    size_t offset = expect_exact(stage);
    uint64_t due_ns = 8 * PAW_NS_PER_MS + targets_ms[i] * PAW_NS_PER_MS;
    assert_in_range(offset, due_ns * 48 / 1000000 - 1, due_ns * 48 / 1000000 + 1);
    struct paw_playout_stats stats = stage_stats(stage);
    assert_int_equal(stats.target_delay_ns, targets_ms[i] * PAW_NS_PER_MS);
    assert_in_range(stats.delay_ns, stats.target_delay_ns - 30000, stats.target_delay_ns + 30000);
    assert_int_equal(stats.total_samples, stage->heard_frames - offset);
    double mean_s = stats.jitter_buffer_delay_s / (double)stats.jitter_buffer_emitted_samples;
    assert_true(fabs(mean_s * 1e3 - (double)targets_ms[i]) < 0.03);
    assert_in_range(stats.jitter_buffer_emitted_samples, stats.total_samples,
                    stats.total_samples + 960);
    assert_int_equal(stage->started, 1);
    assert_int_equal(stage->stalled, 0);
    stage_free(stage);
  }
}

/* A device that asks for its samples earlier than the target allows gets a longer delay. */
static void a_device_that_asks_early_raises_the_delay(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 10);
  stage->lead_ns = 120 * PAW_NS_PER_MS;
  stage_begin(stage);
  stage_run_ms(stage, 8000);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_in_range(stats.target_delay_ns, 120 * PAW_NS_PER_MS, 145 * PAW_NS_PER_MS);
  assert_in_range(stats.delay_ns, 120 * PAW_NS_PER_MS, 160 * PAW_NS_PER_MS);
  assert_true(stats.concealed_samples < 48 * 100);
  stage_free(stage);
}

/* Without a delay of its own the player follows the network; limits can be set at any time. */
static void a_delay_that_is_not_fixed_follows_the_network(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 20);
  stage->config.target_delay_ns = 0;
  stage->chunk_frames = 48;
  stage_begin(stage);
  assert_int_equal(stage_stats(stage).target_delay_ns, 20 * PAW_NS_PER_MS);
  stage_run_ms(stage, 1000);
  assert_in_range(stage_stats(stage).target_delay_ns, 20 * PAW_NS_PER_MS, 22 * PAW_NS_PER_MS);
  stage_run_ms(stage, 14000);
  assert_in_range(stage_stats(stage).target_delay_ns, 3 * PAW_NS_PER_MS, 6 * PAW_NS_PER_MS);
  assert_int_equal(paw_playout_set_delay_range(stage->player, 30 * PAW_NS_PER_MS, 0), PAW_OK);
  assert_in_range(stage_stats(stage).target_delay_ns, 30 * PAW_NS_PER_MS, 32 * PAW_NS_PER_MS);
  stage_run_ms(stage, 2000);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_in_range(stats.target_delay_ns, 30 * PAW_NS_PER_MS, 32 * PAW_NS_PER_MS);
  assert_int_equal(stats.packets_late, 0);
  assert_int_equal(stats.outages, 0);
  stage_free(stage);
}

static void before_the_first_packet_there_is_silence_and_nothing_counts(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 3);
  stage->sender_pauses = true;
  stage_begin(stage);
  stage_run_ms(stage, 1000);
  for (size_t i = 0; i < stage->heard_frames; i++) {
    assert_int_equal(stage->heard[i], 0);
  }
  struct paw_playout_stats stats = stage_stats(stage);
  struct paw_playout_stats zero = {.target_delay_ns = stats.target_delay_ns};
  assert_memory_equal(&stats, &zero, sizeof zero);
  assert_int_equal(stage->started + stage->stalled, 0);
  stage_free(stage);
}

static void frame_sizes_change_in_the_stream(void **state) {
  (void)state;
  static const struct {
    uint32_t frames;
    size_t a_packet;
  } sizes[] = {{960, 1}, {480, 1}, {120, 1}, {960, 3}, {240, 1}, {960, 6}, {960, 1}};
  struct stage *stage = stage_new(1, 6);
  stage->encoder_config.application = PAW_OPUS_RESTRICTED_LOWDELAY;
  stage_begin(stage);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    stage->encoder_config.frame_frames = sizes[i].frames;
    stage->frames_a_packet = sizes[i].a_packet;
    stage_change_encoder(stage);
    stage_run_ms(stage, 500);
  }
  (void)expect_exact(stage);
  expect_nothing_concealed(stage);
  stage_free(stage);
}

static void mono_and_stereo_change_in_the_stream(void **state) {
  (void)state;
  for (uint8_t channels = 1; channels <= 2; channels++) {
    struct stage *stage = stage_new(1, 5);
    stage->config.channels = channels;
    stage_begin(stage);
    for (uint8_t i = 0; i < 4; i++) {
      stage->encoder_config.channels = (uint8_t)(1 + i % 2);
      stage_change_encoder(stage);
      stage_run_ms(stage, 500);
    }
    (void)expect_exact(stage);
    expect_nothing_concealed(stage);
    stage_free(stage);
  }
}

static void numbers_wrap(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 5);
  stage->sequence = 65500;
  stage->timestamp_rtp = UINT32_MAX - 48000;
  stage_begin(stage);
  stage_run_ms(stage, 3000);
  (void)expect_exact(stage);
  expect_nothing_concealed(stage);
  stage_free(stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_chunk_sizes_render_exactly),
      cmocka_unit_test(every_frame_size_and_application_renders_exactly),
      cmocka_unit_test(the_target_is_met_to_the_sample),
      cmocka_unit_test(a_device_that_asks_early_raises_the_delay),
      cmocka_unit_test(a_delay_that_is_not_fixed_follows_the_network),
      cmocka_unit_test(before_the_first_packet_there_is_silence_and_nothing_counts),
      cmocka_unit_test(frame_sizes_change_in_the_stream),
      cmocka_unit_test(mono_and_stereo_change_in_the_stream),
      cmocka_unit_test(numbers_wrap),
  };
  return cmocka_run_group_tests_name("playout", tests, NULL, NULL);
}
