/* SPDX-License-Identifier: MIT */
/* What is heard where packets are missing, and what is done about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "opus/payload.h"
#include "playout/stage.h"

static double concealed_percent(const struct stage *stage) {
  struct paw_playout_stats stats = stage_stats(stage);
  return 100.0 * (double)stats.concealed_samples / (double)stats.total_samples;
}

/* Twenty seconds with 10 % loss, then a little without, so that all is settled. */
static void run_with_loss(struct stage *stage) {
  stage_begin(stage);
  stage->loss = 0.1;
  stage_run_ms(stage, 20000);
  stage->loss = 0;
  stage_run_ms(stage, 500);
  assert_int_equal(stage->stalled, 0);
}

static void loss_is_concealed_and_counted(uint64_t seed, void *context) {
  (void)context;
  struct stage *stage = stage_new(seed, 21);
  stage->encoder_config.inband_fec = false;
  run_with_loss(stage);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.packets_lost, stage->lost_count);
  assert_int_equal(stats.concealed_samples, stage->lost_count * 960);
  assert_int_equal(stats.recovered_fec, 0);
  assert_true(stats.concealment_events <= stage->lost_count);
  assert_true(stats.concealment_events > stage->lost_count / 2);
  assert_true(stats.longest_concealment_samples >= 960);
  assert_int_equal(stats.longest_concealment_samples % 960, 0);
  stage_free(stage);
}

static void ten_percent_loss_without_repair(void **state) {
  (void)state;
  kit_seeds_run(loss_is_concealed_and_counted, NULL, 3);
}

/* What FEC can repair: a lost packet, the next one being there with a copy. */
struct repairable {
  bool is_lost; /* the packet before */
  uint64_t count;
};

static void count_repairable(struct stage *stage, struct stage_packet *packet) {
  struct repairable *repairable = stage->user_data;
  struct paw_opus_payload payload;
  assert_int_equal(paw_opus_payload_read(packet->data, packet->packet.len, &payload), PAW_OK);
  bool is_lost = packet->arrival_ns == PAW_TIME_NEVER;
  repairable->count += repairable->is_lost && !is_lost && payload.has_lbrr;
  repairable->is_lost = is_lost;
}

static void loss_is_repaired_by_fec(uint64_t seed, void *context) {
  (void)context;
  struct repairable repairable = {0};
  struct stage *stage = stage_new(seed, 21);
  stage->encoder_config.packet_loss_percent = 20;
  stage->fate = count_repairable;
  stage->user_data = &repairable;
  run_with_loss(stage);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.packets_lost, stage->lost_count);
  assert_int_equal(stats.recovered_fec, repairable.count);
  assert_int_equal(stats.concealed_samples, (stage->lost_count - stats.recovered_fec) * 960);
  assert_true(concealed_percent(stage) < 4);
  stage_free(stage);
}

static void ten_percent_loss_with_fec(void **state) {
  (void)state;
  kit_seeds_run(loss_is_repaired_by_fec, NULL, 3);
}

/* Every sample is there, in spite of the losses. */
static void loss_is_repaired_by_red(uint64_t seed, void *context) {
  size_t red_count = *(const size_t *)context;
  struct stage *stage = stage_new(seed, 21);
  stage->encoder_config.inband_fec = false;
  stage->red_count = red_count;
  stage->config.target_delay_ns = (20 + 20 * red_count) * PAW_NS_PER_MS;
  run_with_loss(stage);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.packets_lost, stage->lost_count);
  assert_int_equal(stats.concealed_samples, (stage->lost_count - stats.recovered_red) * 960);
  assert_true(concealed_percent(stage) < (red_count == 1 ? 2.5 : 0.5));
  stage_free(stage);
}

static void ten_percent_loss_with_red(void **state) {
  (void)state;
  for (size_t red_count = 1; red_count <= 2; red_count++) {
    kit_seeds_run(loss_is_repaired_by_red, &red_count, 3);
  }
}

static void red_without_loss_changes_nothing(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 4);
  stage->red_count = 2;
  stage_begin(stage);
  stage_run_ms(stage, 2000);
  (void)stage_find(stage, 0, stage->wanted_frames - 9600);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.recovered_red, 0);
  assert_int_equal(stats.concealed_samples, 0);
  assert_int_equal(stats.packets_duplicate, 0);
  assert_int_equal(stats.packets_dropped, 0);
  stage_free(stage);
}

/* A redundant copy is the frame itself: nothing is heard of the loss. */
static void lose_every_fifth(struct stage *stage, struct stage_packet *packet) {
  if (stage->sent_count % 5 == 4) {
    packet->arrival_ns = PAW_TIME_NEVER;
  }
}

static void red_repair_is_exact(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 4);
  stage->red_count = 1;
  stage->fate = lose_every_fifth;
  stage_begin(stage);
  stage_run_ms(stage, 3000);
  (void)stage_find(stage, 0, stage->wanted_frames - 9600);
  assert_in_range(stage_stats(stage).recovered_red, 27, 30);
  stage_free(stage);
}

static void loss_is_repaired_by_nack(uint64_t seed, void *context) {
  (void)context;
  struct stage *stage = stage_new(seed, 21);
  stage->encoder_config.inband_fec = false;
  stage->answers_nacks = true;
  stage_begin(stage);
  paw_playout_set_nack(stage->player, true);
  stage->loss = 0.1;
  stage_run_ms(stage, 20000);
  stage->loss = 0;
  stage_run_ms(stage, 500);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_true(concealed_percent(stage) < 0.2);
  assert_true(stats.recovered_nack + stats.packets_lost >= stage->lost_count);
  assert_true(stats.recovered_nack > stage->lost_count * 9 / 10);
  assert_int_equal(stats.nacks_sent, stage->nack_count);
  assert_true(stats.nacks_sent < stage->lost_count * 2);
  stage_free(stage);
}

static void ten_percent_loss_with_nack(void **state) {
  (void)state;
  kit_seeds_run(loss_is_repaired_by_nack, NULL, 3);
}

static uint64_t begin_gap(struct stage *stage) {
  stage_begin(stage);
  stage_run_ms(stage, 1000);
  stage->sender_pauses = true;
  /* the last packet's end is heard here */
  return stage->next_send_ns + stage->delay_ns + 40 * PAW_NS_PER_MS;
}

/* Concealment is whole for 60 ms, gone after 100 ms; after 200 ms the stream has stalled. */
static void a_long_gap_fades_and_stalls(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 8);
  uint64_t gap_ns = begin_gap(stage);
  stage_run_ms(stage, 1000);
  size_t gap = stage_place(stage, gap_ns);
  double level = stage_level(stage, gap - 2400, gap);
  assert_true(stage_level(stage, gap, gap + 960) > level / 4);
  assert_true(stage_level(stage, gap, gap + 2880) > 0);
  assert_true(stage_level(stage, gap + 4810, stage->heard_frames) < 1e-9);
  assert_true(stage_greatest_step(stage, gap, stage->heard_frames) <=
              stage_greatest_step(stage, 4800, gap));
  assert_int_equal(stage->stalled, 1);
  struct paw_playout_stats stats = stage_stats(stage);
  size_t rest = stage->heard_frames - gap;
  assert_in_range(stats.concealed_samples, rest - 2, rest + 2);
  assert_int_equal(stats.silent_concealed_samples, stats.concealed_samples - 4800);
  assert_int_equal(stats.longest_concealment_samples, stats.concealed_samples);
  assert_int_equal(stats.concealment_events, 1);
  assert_int_equal(stats.packets_lost, 0);
  stage_free(stage);
}

/* The sound comes back without a click, at the target delay. */
static void a_stalled_stream_comes_back(void **state) {
  (void)state;
  static const uint64_t pauses_ms[] = {300, 1000, 12000};
  for (size_t i = 0; i < 3; i++) {
    struct stage *stage = stage_new(1, 16);
    uint64_t gap_ns = begin_gap(stage);
    stage_run_ms(stage, pauses_ms[i]);
    stage->sender_pauses = false;
    uint64_t back_ns = stage->next_send_ns + stage->delay_ns + 40 * PAW_NS_PER_MS;
    stage_run_ms(stage, 1000);
    size_t gap = stage_place(stage, gap_ns);
    size_t back = stage_place(stage, back_ns);
    assert_int_equal(stage->stalled, 1);
    assert_int_equal(stage->started, 2);
    assert_int_equal(stage_greatest_step(stage, back - 480, back), 0);
    assert_true(stage_greatest_step(stage, back - 10, back + 480) <=
                stage_greatest_step(stage, 4800, gap));
    assert_true(stage_level(stage, back + 240, back + 9600) > 500);
    struct paw_playout_stats stats = stage_stats(stage);
    assert_in_range(stats.concealed_samples, back - gap - 2, back - gap + 2);
    assert_in_range(stats.delay_ns, 39900000, 40100000);
    assert_int_equal(stats.packets_lost, 0);
    assert_int_equal(stats.resyncs, 0);
    stage_free(stage);
  }
}

/* In an outage the numbers go on: all that did not come is lost. */
static void lose_all(struct stage *stage, struct stage_packet *packet) {
  (void)stage;
  packet->arrival_ns = PAW_TIME_NEVER;
}

static void an_outage_counts_as_loss(void **state) {
  (void)state;
  static const uint64_t outages_ms[] = {100, 1000, 25000};
  for (size_t i = 0; i < 3; i++) {
    struct stage *stage = stage_new(1, 30);
    stage_begin(stage);
    stage_run_ms(stage, 1000);
    stage->fate = lose_all;
    stage_run_ms(stage, outages_ms[i]);
    stage->fate = NULL;
    stage_run_ms(stage, 1000);
    struct paw_playout_stats stats = stage_stats(stage);
    assert_int_equal(stage->lost_count, outages_ms[i] / 20);
    assert_int_equal(stats.packets_lost, stage->lost_count);
    assert_int_equal(stage->stalled, outages_ms[i] > 200);
    assert_in_range(stats.concealed_samples, outages_ms[i] * 48 - 960, outages_ms[i] * 48 + 2);
    assert_in_range(stats.delay_ns, 39900000, 40100000);
    stage_free(stage);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ten_percent_loss_without_repair),
      cmocka_unit_test(ten_percent_loss_with_fec),
      cmocka_unit_test(ten_percent_loss_with_red),
      cmocka_unit_test(red_without_loss_changes_nothing),
      cmocka_unit_test(red_repair_is_exact),
      cmocka_unit_test(ten_percent_loss_with_nack),
      cmocka_unit_test(a_long_gap_fades_and_stalls),
      cmocka_unit_test(a_stalled_stream_comes_back),
      cmocka_unit_test(an_outage_counts_as_loss),
  };
  return cmocka_run_group_tests_name("playout loss", tests, NULL, NULL);
}
