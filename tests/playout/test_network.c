/* SPDX-License-Identifier: MIT */
/* Packets that come late, twice, in another order, from another stream or out of their time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "playout/stage.h"

#define DELAY_MIN_NS UINT64_C(39900000)
#define DELAY_MAX_NS UINT64_C(40100000)

static void jitter_up_to_30_ms(struct stage *stage, struct stage_packet *packet) {
  packet->arrival_ns += kit_rng_below(&stage->rng, 30 * PAW_NS_PER_MS);
}

static void jitter_and_reordering_are_not_heard(uint64_t seed, void *context) {
  (void)context;
  struct stage *stage = stage_new(seed, 12);
  stage->encoder_config.frame_frames = 480;
  stage->fate = jitter_up_to_30_ms;
  stage_begin(stage);
  stage_run_ms(stage, 10000);
  /* A first packet that was late is put right within two seconds, without a jump. */
  (void)stage_find(stage, 96000, stage->wanted_frames - 96000 - 9600);
  assert_true(fabs(stage_early_ms(stage)) < 1.0);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_true(stats.packets_reordered > 100);
  assert_int_equal(stats.resyncs, 0);
  assert_int_equal(stats.concealed_samples, 0);
  assert_int_equal(stats.packets_late, 0);
  assert_int_equal(stats.packets_lost, 0);
  assert_in_range(stats.jitter_ns, 7 * PAW_NS_PER_MS, 13 * PAW_NS_PER_MS);
  stage_free(stage);
}

static void jitter_within_the_target(void **state) {
  (void)state;
  kit_seeds_run(jitter_and_reordering_are_not_heard, NULL, 3);
}

static void come_again(struct stage *stage, struct stage_packet *packet) {
  packet->again_ns = packet->arrival_ns + kit_rng_below(&stage->rng, 100 * PAW_NS_PER_MS);
}

static void duplicates_are_counted_and_not_heard(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 5);
  stage->fate = come_again;
  stage_begin(stage);
  stage_run_ms(stage, 2000);
  stage->fate = NULL;
  stage_run_ms(stage, 500);
  (void)stage_find(stage, 0, stage->wanted_frames - 9600);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.packets_duplicate, 100);
  assert_int_equal(stats.packets_late, 0);
  assert_int_equal(stats.packets_dropped, 0);
  assert_int_equal(stats.concealed_samples, 0);
  stage_free(stage);
}

/* The 50th packet comes by so much later. */
static void delay_one(struct stage *stage, struct stage_packet *packet) {
  if (stage->sent_count == 50) {
    packet->arrival_ns += *(const uint64_t *)stage->user_data * PAW_NS_PER_MS;
  }
}

static void a_late_frame_is_played_from_what_remains(void **state) {
  (void)state;
  uint64_t late_ms = 50;
  struct stage *stage = stage_new(1, 5);
  stage->encoder_config.inband_fec = false;
  stage->chunk_frames = 48;
  stage->fate = delay_one;
  stage->user_data = &late_ms;
  stage_begin(stage);
  stage_run_ms(stage, 2000);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.recovered_late, 1);
  assert_in_range(stats.concealed_samples, 480, 480 + 48);
  assert_int_equal(stats.concealment_events, 1);
  assert_int_equal(stats.packets_late, 0);
  assert_int_equal(stats.packets_lost, 0);
  assert_true(stage_greatest_step(stage, 4800, stage->heard_frames) < 9000);
  stage_free(stage);
}

static void a_frame_after_its_time_is_late_and_lost(void **state) {
  (void)state;
  uint64_t late_ms = 100;
  struct stage *stage = stage_new(1, 5);
  stage->encoder_config.inband_fec = false;
  stage->fate = delay_one;
  stage->user_data = &late_ms;
  stage_begin(stage);
  stage_run_ms(stage, 2000);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.recovered_late, 0);
  assert_int_equal(stats.packets_late, 1);
  assert_int_equal(stats.packets_lost, 1);
  assert_int_equal(stats.packets_reordered, 1);
  assert_int_equal(stats.concealed_samples, 960);
  assert_int_equal(stats.resyncs, 0);
  stage_free(stage);
}

/* The sender's encoder falls silent: no packets but one each 400 ms. */
static void dtx_is_neither_loss_nor_concealment(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 8);
  stage->encoder_config.dtx = true;
  stage_begin(stage);
  stage_run_ms(stage, 1000);
  stage->sender_is_silent = true;
  stage_run_ms(stage, 3000);
  uint64_t sent_count = stage->sent_count;
  stage->sender_is_silent = false;
  stage_run_ms(stage, 1000);
  assert_in_range(sent_count, 50, 90);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.concealed_samples, 0);
  assert_int_equal(stats.packets_lost, 0);
  assert_int_equal(stats.packets_late, 0);
  assert_int_equal(stage->stalled, 0);
  assert_true(stage_level(stage, stage->heard_frames - 24000, stage->heard_frames) > 1000);
  stage_free(stage);
}

/* A sender that stops for 100 ms without a word: its sequence numbers show that nothing is lost. */
static void a_pause_of_the_sender_is_no_loss(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 5);
  stage_begin(stage);
  stage_run_ms(stage, 1000);
  stage->sender_pauses = true;
  stage_run_ms(stage, 100);
  stage->sender_pauses = false;
  stage_run_ms(stage, 1000);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.packets_lost, 0);
  assert_int_equal(stats.recovered_fec, 0);
  assert_true(stats.concealed_samples <= 100 * 48);
  assert_int_equal(stage->stalled, 0);
  assert_in_range(stats.delay_ns, DELAY_MIN_NS, DELAY_MAX_NS);
  stage_free(stage);
}

/* A sender whose time stands still while it pauses: all that follows would be late for ever. */
static void a_pause_that_stops_media_time_is_followed(void **state) {
  (void)state;
  static const uint64_t pauses_ms[] = {100, 150, 400, 5000};
  for (size_t i = 0; i < 4; i++) {
    struct stage *stage = stage_new(1, 9);
    stage_begin(stage);
    stage_run_ms(stage, 1000);
    uint32_t timestamp_rtp = stage->timestamp_rtp;
    stage->sender_pauses = true;
    stage_run_ms(stage, pauses_ms[i]);
    stage->sender_pauses = false;
    stage->timestamp_rtp = timestamp_rtp;
    stage_run_ms(stage, 600);
    uint64_t concealed = stage_stats(stage).concealed_samples;
    stage_run_ms(stage, 2000);
    struct paw_playout_stats stats = stage_stats(stage);
    assert_int_equal(stats.concealed_samples, concealed);
    assert_in_range(stats.delay_ns, 25 * PAW_NS_PER_MS, 55 * PAW_NS_PER_MS);
    stage_free(stage);
  }
}

/* After an outage all comes at once: the delay is soon as before. */
static void hold_back(struct stage *stage, struct stage_packet *packet) {
  uint64_t until_ns = *(const uint64_t *)stage->user_data;
  packet->arrival_ns = packet->arrival_ns > until_ns ? packet->arrival_ns : until_ns;
}

static void an_outage_that_holds_packets_back_leaves_no_delay(void **state) {
  (void)state;
  static const uint64_t outages_ms[] = {30, 100, 230, 900};
  for (size_t i = 0; i < 4; i++) {
    struct stage *stage = stage_new(1, 9);
    uint64_t until_ns = 0;
    stage->fate = hold_back;
    stage->user_data = &until_ns;
    stage_begin(stage);
    stage_run_ms(stage, 1000);
    until_ns = stage->now_ns + outages_ms[i] * PAW_NS_PER_MS;
    stage_run_ms(stage, outages_ms[i] + 50);
    uint64_t concealed = stage_stats(stage).concealed_samples;
    stage_run_ms(stage, 3000);
    struct paw_playout_stats stats = stage_stats(stage);
    assert_int_equal(stats.concealed_samples, concealed);
    assert_true(concealed <= outages_ms[i] * 48);
    assert_in_range(stats.delay_ns, 25 * PAW_NS_PER_MS, 55 * PAW_NS_PER_MS);
    stage_free(stage);
  }
}

static void another_stream_is_followed(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 9);
  stage_begin(stage);
  for (int i = 0; i < 4; i++) {
    stage_run_ms(stage, 1000);
    size_t from = stage->heard_frames;
    int step = stage_greatest_step(stage, from - 9600, from);
    stage_restart_sender(stage);
    stage_run_ms(stage, 500);
    assert_true(stage_greatest_step(stage, from, stage->heard_frames) < 2 * step);
    assert_true(stage_level(stage, from + 9600, stage->heard_frames) > 500);
  }
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stage->started, 1);
  assert_int_equal(stage->stalled, 0);
  assert_int_equal(stats.packets_lost, 0);
  assert_int_equal(stats.resyncs, 0);
  assert_true(stats.concealed_samples <= 4 * 45 * 48);
  assert_true(stats.packets_dropped <= 4 * 3);
  assert_in_range(stats.delay_ns, DELAY_MIN_NS, DELAY_MAX_NS);
  stage_free(stage);
}

/* Packets of the stream before, which others overtook, do not bring it back. */
static void stragglers_of_the_old_stream_are_dropped(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 5);
  stage_begin(stage);
  stage_run_ms(stage, 1000);
  struct stage_packet old = stage->packets[(stage->sent_count - 1) % STAGE_PACKETS];
  old.packet.data = old.data;
  stage_restart_sender(stage);
  stage_run_ms(stage, 300);
  struct paw_playout_stats before = stage_stats(stage);
  for (uint16_t i = 1; i <= 3; i++) {
    old.packet.arrival_ns = stage->now_ns;
    old.packet.sequence++;
    assert_int_equal(paw_playout_handle_input(stage->player, stage->now_ns, &old.packet), PAW_OK);
    stage_run_ms(stage, 20);
  }
  stage_run_ms(stage, 300);
  struct paw_playout_stats after = stage_stats(stage);
  assert_int_equal(after.packets_dropped, before.packets_dropped + 3);
  assert_int_equal(after.concealed_samples, before.concealed_samples);
  stage_free(stage);
}

static void a_jump_of_time_stamps_is_followed_at_once(void **state) {
  (void)state;
  static const uint32_t jumps[] = {480000, 0u - 480000u, 0x70000000u, 0x90000000u};
  for (size_t i = 0; i < 4; i++) {
    for (int with_sequence = 0; with_sequence <= 1; with_sequence++) {
      struct stage *stage = stage_new(1, 5);
      stage_begin(stage);
      stage_run_ms(stage, 1000);
      stage->timestamp_rtp += jumps[i];
      stage->sequence = (uint16_t)(stage->sequence + with_sequence * 20000);
      stage_run_ms(stage, 1000);
      struct paw_playout_stats stats = stage_stats(stage);
      assert_int_equal(stats.resyncs, 1);
      assert_in_range(stats.packets_dropped + stats.packets_late, 1, 1 + 2);
      assert_true(stats.concealed_samples <= 65 * 48);
      assert_int_equal(stage->stalled, 0);
      assert_in_range(stats.delay_ns, DELAY_MIN_NS, DELAY_MAX_NS);
      stage_free(stage);
    }
  }
}

static void a_single_stray_is_left_out(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 6);
  stage_begin(stage);
  stage_run_ms(stage, 1000);
  for (uint32_t i = 0; i < 8; i++) {
    struct stage_packet stray = stage->packets[0];
    stray.packet.data = stray.data;
    stray.packet.arrival_ns = stage->now_ns;
    stray.packet.timestamp_rtp = 0x12345678u * (i + 1);
    stray.packet.sequence = (uint16_t)(stage->sequence + 3000 * (i + 1));
    assert_int_equal(paw_playout_handle_input(stage->player, stage->now_ns, &stray.packet), PAW_OK);
    stage_run_ms(stage, 100);
  }
  stage_run_ms(stage, 500);
  (void)stage_find(stage, 0, stage->wanted_frames - 9600);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.resyncs, 0);
  assert_int_equal(stats.packets_lost, 0);
  assert_int_equal(stats.packets_dropped + stats.packets_late, 8);
  stage_free(stage);
}

/* More than fits: the oldest make room. Only while nothing is rendered. */
static void a_device_that_was_stuck_leaves_no_delay(void **state) {
  (void)state;
  static const uint64_t stuck_ms[] = {100, 1000, 9000};
  for (size_t i = 0; i < 3; i++) {
    struct stage *stage = stage_new(1, 5);
    stage->encoder_config.frame_frames = 240;
    stage_begin(stage);
    stage_run_ms(stage, 1000);
    stage->device_is_stuck = true;
    stage_run_ms(stage, stuck_ms[i]);
    stage->device_is_stuck = false;
    stage_run_ms(stage, 2500);
    struct paw_playout_stats stats = stage_stats(stage);
    assert_in_range(stats.delay_ns, 25 * PAW_NS_PER_MS, 55 * PAW_NS_PER_MS);
    assert_int_equal(stats.resyncs, stuck_ms[i] > 200); /* 100 ms are caught up with */
    assert_true(fabs(stage_early_ms(stage)) < 20);
    assert_true(stats.concealed_samples < 150 * 48);
    stage_free(stage);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(jitter_within_the_target),
      cmocka_unit_test(duplicates_are_counted_and_not_heard),
      cmocka_unit_test(a_late_frame_is_played_from_what_remains),
      cmocka_unit_test(a_frame_after_its_time_is_late_and_lost),
      cmocka_unit_test(dtx_is_neither_loss_nor_concealment),
      cmocka_unit_test(a_pause_of_the_sender_is_no_loss),
      cmocka_unit_test(a_pause_that_stops_media_time_is_followed),
      cmocka_unit_test(an_outage_that_holds_packets_back_leaves_no_delay),
      cmocka_unit_test(another_stream_is_followed),
      cmocka_unit_test(stragglers_of_the_old_stream_are_dropped),
      cmocka_unit_test(a_jump_of_time_stamps_is_followed_at_once),
      cmocka_unit_test(a_single_stray_is_left_out),
      cmocka_unit_test(a_device_that_was_stuck_leaves_no_delay),
  };
  return cmocka_run_group_tests_name("playout network", tests, NULL, NULL);
}
