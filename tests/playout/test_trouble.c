/* SPDX-License-Identifier: MIT */
/* Two things at once: gaps in which the position moves, growth while little is asked for at a time,
 * resyncs and stalls in the middle of a repair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kit/alloc.h"
#include "playout/playout.h"
#include "playout/stage.h"

/* Slow and loud: a cut bends by thousands, a cross-fade by less than ten, libopus by a few hundred.
 */
#define CLICK 1500

/* 20 ms packets of a sine, most of the codec's noise away. */
static struct stage *new_stage(unsigned seconds) {
  struct stage *stage = stage_new(1, seconds);
  stage->encoder_config.bitrate_bps = 64000;
  stage->encoder_config.complexity = 0;
  stage->encoder_config.inband_fec = false;
  stage->speak = stage_speak_sine;
  stage->sine_hz = 200;
  return stage;
}

static void expect_no_click(const struct stage *stage, size_t from) {
  assert_in_range(stage_roughness(stage, from, stage->heard_frames), 0, CLICK);
}

/* ---- growth ---- */

/* A young stream grows by periods, and little is asked for at a time. */
static void growth_is_bounded_by_what_is_heard(void **state) {
  (void)state;
  static const size_t chunks[] = {1, 48, 240};
  for (size_t i = 0; i < 3; i++) {
    struct stage *stage = new_stage(4);
    stage->chunk_frames = chunks[i];
    stage->config.target_delay_ns = 20 * PAW_NS_PER_MS;
    stage_begin(stage);
    stage_run_ms(stage, 300);
    stage_set_target_ms(stage, 200);
    for (int ms = 0; ms < 600; ms++) {
      stage_run_ms(stage, 1);
      assert_true(stage->player->pace.end <= PAW_PLAYOUT_PACE_FRAMES_MAX);
    }
    assert_true(fabs(stage_early_ms(stage)) < 10);
    stage_run_ms(stage, 2000);
    expect_no_click(stage, 4800);
    assert_int_equal(stage_stats(stage).concealed_samples, 0);
    stage_free(stage);
  }
}

/* ---- gaps ---- */

/* These packets are lost at first. */
struct gap {
  uint64_t first;
  uint64_t count;
};

static void open_gap(struct stage *stage, struct stage_packet *packet) {
  const struct gap *gap = stage->user_data;
  if (stage->sent_count >= gap->first && stage->sent_count < gap->first + gap->count) {
    packet->arrival_ns = PAW_TIME_NEVER;
  }
}

static struct stage *begin_gap(struct gap *gap, unsigned seconds) {
  struct stage *stage = new_stage(seconds);
  stage->fate = open_gap;
  stage->user_data = gap;
  stage_begin(stage);
  return stage;
}

/* The packet with this number comes now, as an answer that nobody asked for. */
static void send_again(struct stage *stage, uint64_t number) {
  stage->packets[number % STAGE_PACKETS].again_ns = stage->now_ns;
}

static void expect_in_place(const struct stage *stage) {
  const struct paw_playout_sound *sound = &stage->player->sound;
  assert_true(sound->past.state == PAW_PLAYOUT_PAST_NONE ||
              sound->position_rtp >= sound->past.place.position_rtp);
}

/* The first packet of a gap comes late; then the delay grows by more than what was filled. */
static void the_position_never_moves_back_into_what_was_filled(void **state) {
  (void)state;
  struct gap gap = {.first = 60, .count = 4};
  struct stage *stage = begin_gap(&gap, 8);
  stage_run_ms(stage, 60 * 20 + 3 + 40 + 45);
  send_again(stage, 60);
  stage_run_ms(stage, 11);
  stage_set_target_ms(stage, 120);
  for (int ms = 0; ms < 200; ms++) {
    stage_run_ms(stage, 1);
    expect_in_place(stage);
  }
  stage_run_ms(stage, 2000);
  expect_no_click(stage, 4800);
  stage_free(stage);
}

/* ---- away and back ---- */

/* Packets wait when the device asks on: what is heard goes on at once from another place. */
static void a_resync_does_not_click(void **state) {
  (void)state;
  for (int i = 0; i < 5; i++) {
    struct stage *stage = new_stage(6);
    stage->config.target_delay_ns = 300 * PAW_NS_PER_MS;
    stage_begin(stage);
    stage_run_ms(stage, 2001 + (uint64_t)i);
    stage_set_target_ms(stage, 60);
    stage_run_ms(stage, 2000);
    assert_int_equal(stage_stats(stage).resyncs, 1);
    expect_no_click(stage, 19200);
    stage_free(stage);
  }
}

/* One packet of an outage comes after its time: then libopus goes on at full level once more. */
static void a_stall_after_a_late_packet_does_not_click(void **state) {
  (void)state;
  for (uint64_t number = 60; number < 70; number++) {
    struct gap gap = {.first = 60, .count = 60};
    struct stage *stage = begin_gap(&gap, 6);
    uint64_t due_ms = number * 20 + 3 + 40 + 10;
    stage_run_ms(stage, due_ms);
    send_again(stage, number);
    stage_run_ms(stage, 4000 - due_ms);
    assert_int_equal(stage->stalled, 1);
    assert_int_equal(stage->started, 2);
    expect_no_click(stage, 4800);
    stage_free(stage);
  }
}

/* The device was away, and nothing waits: the program is told that the stream has ended. */
static void a_stream_that_ended_meanwhile_is_a_stall(void **state) {
  (void)state;
  struct stage *stage = new_stage(6);
  stage_begin(stage);
  stage_run_ms(stage, 1000);
  stage->sender_pauses = true;
  stage_run_ms(stage, 60);
  stage->lead_ns = PAW_NS_PER_S;
  stage_run_ms(stage, 500);
  assert_int_equal(stage_stats(stage).resyncs, 1);
  assert_int_equal(stage->stalled, 1);
  stage->lead_ns = 0;
  stage_run_ms(stage, 20);
  stage->sender_pauses = false;
  stage_run_ms(stage, 1000);
  assert_int_equal(stage->started, 2);
  stage_free(stage);
}

static void an_adaptive_stream_stalls_and_comes_back(void **state) {
  (void)state;
  struct gap gap = {.first = 100, .count = 30};
  struct stage *stage = new_stage(26);
  stage->config.target_delay_ns = 0;
  stage->fate = open_gap;
  stage->user_data = &gap;
  stage_begin(stage);
  stage_run_ms(stage, 2000 + 500);
  assert_int_equal(stage->stalled, 1);
  assert_true(stage_level(stage, stage->heard_frames - 4800, stage->heard_frames) < 1);
  stage_run_ms(stage, 20000); /* by then all that was asked for at the start is given up */
  assert_int_equal(stage->started, 2);
  assert_int_equal(stage->stalled, 1);
  assert_true(stage_stats(stage).target_delay_ns <= 25 * PAW_NS_PER_MS);
  assert_true(fabs(stage_early_ms(stage)) <= 1);
  expect_no_click(stage, 4800);
  stage_free(stage);
}

/* ---- another application ---- */

struct turn {
  enum paw_opus_application application;
  uint32_t frame_frames;
};

static void lose_or_delay(struct stage *stage, struct stage_packet *packet) {
  if (kit_rng_chance(&stage->rng, 0.1)) {
    packet->arrival_ns += kit_rng_below(&stage->rng, 120 * PAW_NS_PER_MS);
  }
}

/* All that is late comes within reach: each change, and what it is repaired by, ends exactly. */
static void applications_change_under_loss(void **state) {
  (void)state;
  static const struct turn turns[] = {
      {PAW_OPUS_VOIP, 960},  {PAW_OPUS_RESTRICTED_LOWDELAY, 120},
      {PAW_OPUS_VOIP, 480},  {PAW_OPUS_RESTRICTED_LOWDELAY, 960},
      {PAW_OPUS_AUDIO, 960}, {PAW_OPUS_RESTRICTED_LOWDELAY, 240},
  };
  struct stage *stage = new_stage(24);
  stage->speak = NULL;
  stage_begin(stage);
  for (size_t i = 0; i < 12; i++) {
    stage->encoder_config.application = turns[i % 6].application;
    stage->encoder_config.frame_frames = turns[i % 6].frame_frames;
    stage_change_encoder(stage);
    stage->fate = lose_or_delay;
    stage_run_ms(stage, 1000);
    stage->fate = NULL;
    stage_run_ms(stage, 800);
    (void)stage_find(stage, stage->wanted_frames - 16800, 9600);
  }
  assert_true(stage_stats(stage).decoder_rewinds > 20);
  assert_int_equal(stage_stats(stage).resyncs, 0);
  assert_int_equal(stage->stalled, 0);
  stage_free(stage);
}

/* ---- memory ---- */

static void drop_hold_and_bunch(struct stage *stage, struct stage_packet *packet) {
  if (kit_rng_chance(&stage->rng, 0.1)) {
    packet->arrival_ns = PAW_TIME_NEVER;
  } else if (kit_rng_chance(&stage->rng, 0.2)) {
    packet->arrival_ns += kit_rng_below(&stage->rng, 80 * PAW_NS_PER_MS);
  }
}

/* A minute in which everything is at work. */
static void a_minute_allocates_nothing(void **state) {
  (void)state;
  struct kit_allocator memory = {0};
  struct stage *stage = new_stage(4);
  stage->config.allocator = kit_allocator_hook(&memory);
  stage->config.target_delay_ns = 0;
  stage->encoder_config.frame_frames = 480;
  stage->forgets = true;
  stage->device_ppm = 80;
  stage->answers_nacks = true;
  stage->rtt_ns = 30 * PAW_NS_PER_MS;
  stage->fate = drop_hold_and_bunch;
  stage_begin(stage);
  paw_playout_set_nack(stage->player, true);
  uint64_t allocations = memory.allocations;
  kit_malloc_start();
  for (int second = 0; second < 60; second++) {
    uint64_t cap_ms = second % 4 < 2 ? 15 : 60;
    assert_int_equal(paw_playout_set_delay_range(stage->player, 0, cap_ms * PAW_NS_PER_MS), PAW_OK);
    stage_run_ms(stage, 1000);
    stage->nack_count = 0;
  }
  assert_int_equal(kit_malloc_stop().allocations, 0);
  assert_int_equal(memory.allocations, allocations);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_true(stats.decoder_rewinds > 10);
  assert_true(stats.recovered_nack > 10);
  assert_true(stats.inserted_samples > 4800);
  assert_true(stats.removed_samples > 4800);
  stage_free(stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(growth_is_bounded_by_what_is_heard),
      cmocka_unit_test(the_position_never_moves_back_into_what_was_filled),
      cmocka_unit_test(a_resync_does_not_click),
      cmocka_unit_test(a_stall_after_a_late_packet_does_not_click),
      cmocka_unit_test(a_stream_that_ended_meanwhile_is_a_stall),
      cmocka_unit_test(an_adaptive_stream_stalls_and_comes_back),
      cmocka_unit_test(applications_change_under_loss),
      cmocka_unit_test(a_minute_allocates_nothing),
  };
  return cmocka_run_group_tests_name("playout trouble", tests, NULL, NULL);
}
