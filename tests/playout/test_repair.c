/* SPDX-License-Identifier: MIT */
/* When lost packets are asked for again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "playout/stage.h"

#define FIRST_LOST 50

/* Loses the packets from the 50th on, as many as user_data says. */
static void lose_some(struct stage *stage, struct stage_packet *packet) {
  uint64_t count = *(const uint64_t *)stage->user_data;
  if (stage->sent_count >= FIRST_LOST && stage->sent_count < FIRST_LOST + count) {
    packet->arrival_ns = PAW_TIME_NEVER;
  }
}

static struct stage *begin(uint64_t *lost_count, uint64_t target_ms) {
  struct stage *stage = stage_new(1, 5);
  stage->encoder_config.inband_fec = false;
  stage->config.target_delay_ns = target_ms * PAW_NS_PER_MS;
  stage->chunk_frames = 48; /* what is rendered ahead shortens the time for repair */
  stage->fate = lose_some;
  stage->user_data = lost_count;
  stage_begin(stage);
  paw_playout_set_nack(stage->player, true);
  return stage;
}

/* When the lost packet would have come. */
static uint64_t expected_ns(const struct stage *stage) {
  return stage->packets[FIRST_LOST].sent_ns + stage->delay_ns;
}

static void expect_asked_at(const struct stage *stage, size_t number, uint64_t after_us) {
  assert_true(number < stage->nack_count);
  assert_int_equal(stage->nacks[number].sequence, 1000 + FIRST_LOST);
  uint64_t asked_us = (stage->nacks[number].time_ns - expected_ns(stage)) / 1000;
  assert_in_range(asked_us, after_us - 100, after_us + 100);
}

/* Half a packet's time after it was due, then each 6 ms while an answer, 4 ms later, could still
 * set the decoder right: until a packet's time after the sound is due at 40 ms. */
static void requests_repeat_while_they_can_help(void **state) {
  (void)state;
  uint64_t lost_count = 1;
  struct stage *stage = begin(&lost_count, 40);
  stage_run_ms(stage, 2000);
  assert_int_equal(stage->nack_count, 8);
  for (size_t i = 0; i < 8; i++) {
    expect_asked_at(stage, i, 10000 + 6000 * i);
  }
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.nacks_sent, 8);
  assert_int_equal(stats.packets_lost, 1);
  assert_int_equal(stats.recovered_nack, 0);
  assert_int_equal(stats.concealed_samples, 960);
  stage_free(stage);
}

static void a_longer_round_trip_spaces_requests(void **state) {
  (void)state;
  uint64_t lost_count = 1;
  struct stage *stage = begin(&lost_count, 40);
  paw_playout_set_rtt(stage->player, 12 * PAW_NS_PER_MS);
  stage_run_ms(stage, 2000);
  assert_int_equal(stage->nack_count, 3);
  expect_asked_at(stage, 0, 10000);
  expect_asked_at(stage, 1, 25000);
  expect_asked_at(stage, 2, 40000);
  stage_free(stage);
  stage = begin(&lost_count, 40);
  paw_playout_set_rtt(stage->player, 0); /* not known: taken as 10 ms */
  stage_run_ms(stage, 2000);
  assert_int_equal(stage->nack_count, 4);
  expect_asked_at(stage, 1, 22500);
  stage_free(stage);
  stage = begin(&lost_count, 40);
  paw_playout_set_rtt(stage->player, 52 * PAW_NS_PER_MS);
  stage_run_ms(stage, 2000);
  assert_int_equal(stage->nack_count, 0);
  stage_free(stage);
}

static void there_are_twelve_requests_at_most(void **state) {
  (void)state;
  uint64_t lost_count = 1;
  struct stage *stage = begin(&lost_count, 300);
  stage_run_ms(stage, 2000);
  assert_int_equal(stage->nack_count, 12);
  for (size_t i = 0; i < 12; i++) {
    expect_asked_at(stage, i, 10000 + 290000 * i / 12); /* over all of the time that there is */
  }
  stage_free(stage);
}

static void short_frames_wait_for_the_reorder_guard(void **state) {
  (void)state;
  uint64_t lost_count = 1;
  struct stage *stage = begin(&lost_count, 40);
  stage->encoder_config.frame_frames = 120;
  stage_change_encoder(stage);
  stage_run_ms(stage, 1000);
  assert_true(stage->nack_count > 0);
  expect_asked_at(stage, 0, 2000);
  stage_free(stage);
}

static void nothing_is_asked_while_it_is_off(void **state) {
  (void)state;
  uint64_t lost_count = 1;
  struct stage *stage = begin(&lost_count, 40);
  paw_playout_set_nack(stage->player, false);
  stage_run_ms(stage, 2000);
  assert_int_equal(stage->nack_count, 0);
  stage_free(stage);
}

static void an_answer_ends_the_requests(void **state) {
  (void)state;
  uint64_t lost_count = 1;
  struct stage *stage = begin(&lost_count, 40);
  stage->answers_nacks = true;
  stage_run_ms(stage, 2000);
  assert_int_equal(stage->nack_count, 1);
  (void)stage_find(stage, 0, stage->wanted_frames - 9600);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.recovered_nack, 1);
  assert_int_equal(stats.packets_lost, 0);
  assert_int_equal(stats.packets_duplicate, 0);
  assert_in_range(stats.jitter_ns, 0, 100000); /* retransmissions say nothing of the path */
  stage_free(stage);
}

/* The round trip is a mean, and some were held up: what comes after a third of it may be an answer
 * all the same, and is no packet of which the delay learns. */
static void an_answer_may_be_sooner_than_the_mean(void **state) {
  (void)state;
  uint64_t lost_count = 1;
  struct stage *stage = begin(&lost_count, 40);
  stage->answers_nacks = true;
  stage->answers_alike = true;
  paw_playout_set_rtt(stage->player, 3 * stage->rtt_ns);
  stage_run_ms(stage, 2000);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.recovered_nack, 1);
  assert_in_range(stats.jitter_ns, 0, 100000);
  stage_free(stage);
}

/* The copy comes 20 ms later, in time. */
static void a_red_copy_needs_no_request(void **state) {
  (void)state;
  uint64_t lost_count = 1;
  struct stage *stage = begin(&lost_count, 80);
  stage->red_count = 1;
  stage_run_ms(stage, 2000);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.recovered_red, 1);
  assert_int_equal(stats.concealed_samples, 0);
  assert_int_equal(stage->nack_count, 0);
  stage_free(stage);
}

/* The first packet's copy was in the second: known as soon as that is missing too, half a packet
 * after it was due. The second one's copy comes. */
static void a_red_copy_that_is_lost_too_is_asked_for(void **state) {
  (void)state;
  uint64_t lost_count = 2;
  struct stage *stage = begin(&lost_count, 80);
  stage->red_count = 1;
  stage->answers_nacks = true;
  stage_run_ms(stage, 2000);
  assert_int_equal(stage->nack_count, 1);
  expect_asked_at(stage, 0, 30000);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.concealed_samples, 0);
  assert_int_equal(stats.recovered_nack, 1);
  assert_int_equal(stats.recovered_red, 1);
  stage_free(stage);
}

/* Had the copy been waited for, there would be no time left to ask. */
static void a_red_copy_that_comes_late_is_not_waited_for(void **state) {
  (void)state;
  uint64_t lost_count = 1;
  struct stage *stage = begin(&lost_count, 30);
  stage->red_count = 2;
  paw_playout_set_rtt(stage->player, 15 * PAW_NS_PER_MS);
  stage_run_ms(stage, 2000);
  assert_true(stage->nack_count > 0);
  expect_asked_at(stage, 0, 10000);
  stage_free(stage);
}

/* The timer does not wait for a packet that shows the gap: the answers arrive during the burst. */
static void a_burst_is_asked_for_while_it_lasts(void **state) {
  (void)state;
  uint64_t lost_count = 5;
  struct stage *stage = begin(&lost_count, 40);
  stage->answers_nacks = true;
  stage_run_ms(stage, 2000);
  (void)stage_find(stage, 0, stage->wanted_frames - 9600);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.recovered_nack, 5);
  assert_int_equal(stats.concealed_samples, 0);
  assert_int_equal(stats.packets_lost, 0);
  stage_free(stage);
}

/* Requests for a packet that was never sent end soon, and it is not counted as lost. */
static void a_sender_that_stops_is_not_asked_for_ever(void **state) {
  (void)state;
  uint64_t lost_count = 0;
  struct stage *stage = begin(&lost_count, 40);
  stage_run_ms(stage, 1000);
  stage->sender_pauses = true;
  stage_run_ms(stage, 2000);
  assert_in_range(stage->nack_count, 1, 70);
  assert_true(stage->nacks[stage->nack_count - 1].time_ns < stage->begin_ns + 1400 * PAW_NS_PER_MS);
  size_t asked = stage->nack_count;
  stage->sender_pauses = false;
  stage_run_ms(stage, 1000);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.packets_lost, 0);
  assert_int_equal(stage->nack_count, asked);
  stage_free(stage);
}

static void a_silent_sender_is_not_asked(void **state) {
  (void)state;
  uint64_t lost_count = 0;
  struct stage *stage = begin(&lost_count, 40);
  stage->encoder_config.dtx = true;
  stage_change_encoder(stage);
  stage_run_ms(stage, 1000);
  stage->sender_is_silent = true;
  stage_run_ms(stage, 3000);
  /* The empty packet at the beginning of each pause tells it before anything is missing. */
  assert_int_equal(stage->nack_count, 0);
  assert_int_equal(stage_stats(stage).packets_lost, 0);
  stage_free(stage);
}

/* One request in 2 ms, whatever is missing. */
static void requests_are_batched(void **state) {
  (void)state;
  uint64_t lost_count = 60;
  struct stage *stage = begin(&lost_count, 200);
  stage->encoder_config.frame_frames = 120;
  stage_change_encoder(stage);
  stage_run_ms(stage, 1500);
  size_t batches = 0;
  for (size_t i = 1; i < stage->nack_count; i++) {
    uint64_t apart_ns = stage->nacks[i].time_ns - stage->nacks[i - 1].time_ns;
    assert_true(apart_ns == 0 || apart_ns >= 2 * PAW_NS_PER_MS);
    batches += apart_ns > 0;
  }
  assert_true(stage->nack_count > 3 * batches);
  stage_free(stage);
}

/* Packets come bunched: the timer has to wait for the usual jitter, but a network that keeps the
 * order has lost what a later packet overtook. */
#define BUNCH_LOST 404

static void bunch_and_lose(struct stage *stage, struct stage_packet *packet) {
  uint64_t bunch_ns = 40 * PAW_NS_PER_MS;
  uint64_t since_ns = packet->arrival_ns - stage->begin_ns;
  packet->arrival_ns = stage->begin_ns + (since_ns / bunch_ns + 1) * bunch_ns;
  if (stage->sent_count == BUNCH_LOST) {
    packet->arrival_ns = PAW_TIME_NEVER;
  }
}

static void what_was_overtaken_is_asked_for_soon(void **state) {
  (void)state;
  uint64_t lost_count = 0;
  struct stage *stage = begin(&lost_count, 120);
  stage->encoder_config.frame_frames = 240;
  stage->fate = bunch_and_lose;
  stage_change_encoder(stage);
  stage_run_ms(stage, 3000);
  uint64_t bunch_ns = 40 * PAW_NS_PER_MS;
  uint64_t sent_ns = stage->packets[BUNCH_LOST].sent_ns + stage->delay_ns - stage->begin_ns;
  uint64_t overtaken_ns = stage->begin_ns + (sent_ns / bunch_ns + 1) * bunch_ns;
  size_t first = 0; /* some are asked for before it is known that packets come in bunches */
  while (first < stage->nack_count && stage->nacks[first].sequence != 1000 + BUNCH_LOST) {
    first++;
  }
  assert_true(first < stage->nack_count);
  assert_in_range(stage->nacks[first].time_ns, overtaken_ns, overtaken_ns + 3 * PAW_NS_PER_MS);
  stage_free(stage);
}

static void come_in_any_order(struct stage *stage, struct stage_packet *packet) {
  packet->arrival_ns += kit_rng_below(&stage->rng, *(uint64_t *)stage->user_data);
}

/* One packet in fifty is later than usual, and few of these are asked for twice. */
static void reordered_packets_are_seldom_asked_for(uint64_t seed, void *context) {
  uint64_t spread_ns = *(const uint64_t *)context;
  struct stage *stage = begin(&spread_ns, 80);
  kit_rng_init(&stage->rng, seed);
  stage->encoder_config.frame_frames = 480;
  stage->fate = come_in_any_order;
  stage->answers_nacks = true;
  stage_change_encoder(stage);
  stage_run_ms(stage, 1000);
  size_t asked = stage->nack_count;
  uint64_t sent = stage->sent_count;
  stage_run_ms(stage, 3500);
  double percent = 100.0 * (double)(stage->nack_count - asked) / (double)(stage->sent_count - sent);
  if (percent > 5) {
    fail_msg("%.1f %% of all packets were asked for", percent);
  }
  assert_int_equal(stage_stats(stage).packets_lost, 0);
  stage_free(stage);
}

static void reordering_asks_for_little(void **state) {
  (void)state;
  static const uint64_t spreads_ns[] = {8 * PAW_NS_PER_MS, 30 * PAW_NS_PER_MS};
  for (size_t i = 0; i < 2; i++) {
    uint64_t spread_ns = spreads_ns[i];
    kit_seeds_run(reordered_packets_are_seldom_asked_for, &spread_ns, 3);
  }
}

/* More than 40 % of what is sent is not sent again for us, whatever is lost. */
static void repair_keeps_to_its_budget(uint64_t seed, void *context) {
  (void)context;
  uint64_t lost_count = 0;
  struct stage *stage = begin(&lost_count, 100);
  kit_rng_init(&stage->rng, seed);
  stage->fate = NULL;
  stage->answers_nacks = true;
  stage->loss = 0.6;
  stage_run_ms(stage, 4500);
  struct paw_playout_stats stats = stage_stats(stage);
  uint64_t again = stats.recovered_nack + stats.packets_duplicate;
  assert_true(again <= stage->sent_count * 4 / 10 + PAW_PLAYOUT_GUESSES_MAX + 2);
  assert_true(again >= stage->sent_count * 3 / 10);
  stage_free(stage);
}

static void the_budget_is_kept(void **state) {
  (void)state;
  kit_seeds_run(repair_keeps_to_its_budget, NULL, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests_repeat_while_they_can_help),
      cmocka_unit_test(a_longer_round_trip_spaces_requests),
      cmocka_unit_test(there_are_twelve_requests_at_most),
      cmocka_unit_test(short_frames_wait_for_the_reorder_guard),
      cmocka_unit_test(nothing_is_asked_while_it_is_off),
      cmocka_unit_test(an_answer_ends_the_requests),
      cmocka_unit_test(an_answer_may_be_sooner_than_the_mean),
      cmocka_unit_test(a_red_copy_needs_no_request),
      cmocka_unit_test(a_red_copy_that_is_lost_too_is_asked_for),
      cmocka_unit_test(a_red_copy_that_comes_late_is_not_waited_for),
      cmocka_unit_test(a_burst_is_asked_for_while_it_lasts),
      cmocka_unit_test(a_sender_that_stops_is_not_asked_for_ever),
      cmocka_unit_test(a_silent_sender_is_not_asked),
      cmocka_unit_test(requests_are_batched),
      cmocka_unit_test(what_was_overtaken_is_asked_for_soon),
      cmocka_unit_test(reordering_asks_for_little),
      cmocka_unit_test(the_budget_is_kept),
  };
  return cmocka_run_group_tests_name("playout repair", tests, NULL, NULL);
}
