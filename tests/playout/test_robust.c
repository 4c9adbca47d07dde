/* SPDX-License-Identifier: MIT */
/* Nonsense in packets and times, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kit/alloc.h"
#include "kit/clock.h"
#include "kit/log.h"
#include "playout/stage.h"

static void expect_refused(const struct paw_playout_config *config) {
  struct paw_playout *player = NULL;
  assert_int_equal(paw_playout_new(config, &player), PAW_ERR_INVALID);
  assert_null(player);
}

static void values_out_of_range_are_refused(void **state) {
  (void)state;
  struct paw_playout_config good;
  paw_playout_config_init(&good);
  assert_int_equal(good.channels, 2);
  assert_int_equal(good.profile, PAW_PLAYOUT_LIVE);
  assert_int_equal(good.target_delay_ns, 0);
  assert_int_equal(good.start_delay_ns, 20 * PAW_NS_PER_MS);
  assert_int_equal(good.min_delay_ns, 3 * PAW_NS_PER_MS);
  assert_int_equal(good.cap_delay_ns, 0);
  struct paw_playout_config bad = good;
  bad.struct_size = 0;
  expect_refused(&bad);
  bad = good;
  bad.channels = 0;
  expect_refused(&bad);
  bad.channels = 3;
  expect_refused(&bad);
  bad = good;
  bad.target_delay_ns = bad.max_delay_ns + 1;
  expect_refused(&bad);
  bad = good;
  bad.max_delay_ns = 10 * PAW_NS_PER_S + 1;
  expect_refused(&bad);
  bad = good;
  bad.profile = (enum paw_playout_profile)2;
  expect_refused(&bad);
  bad = good;
  bad.late_weight_ms = -1;
  expect_refused(&bad);
  bad.late_weight_ms = NAN;
  expect_refused(&bad);
  bad = good;
  bad.min_delay_ns = 60 * PAW_NS_PER_MS + 1;
  expect_refused(&bad);
  bad = good;
  bad.cap_delay_ns = bad.max_delay_ns + 1;
  expect_refused(&bad);
}

/* Limits that are not looked at may be anything. */
static void unused_limits_are_harmless(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 3);
  stage->config.start_delay_ns = UINT64_MAX;
  stage->config.min_delay_ns = UINT64_C(1) << 63;
  stage->config.cap_delay_ns = UINT64_C(1) << 63;
  stage_begin(stage);
  stage_run_ms(stage, 1000);
  assert_int_equal(stage_stats(stage).target_delay_ns, 40 * PAW_NS_PER_MS);
  (void)stage_find(stage, 0, stage->wanted_frames - 9600);
  stage_free(stage);
}

static void limits_of_the_delay_out_of_range_are_refused(void **state) {
  (void)state;
  static const uint64_t caps_ms[] = {60, 200};
  for (int profile = PAW_PLAYOUT_LIVE; profile <= PAW_PLAYOUT_ANNOUNCEMENT; profile++) {
    struct paw_playout_config config;
    struct paw_playout *player = NULL;
    paw_playout_config_init(&config);
    config.profile = (enum paw_playout_profile)profile;
    assert_int_equal(paw_playout_new(&config, &player), PAW_OK);
    uint64_t cap_ns = caps_ms[profile] * PAW_NS_PER_MS;
    assert_int_equal(paw_playout_set_delay_range(player, cap_ns, 0), PAW_OK);
    assert_int_equal(paw_playout_set_delay_range(player, cap_ns + 1, 0), PAW_ERR_INVALID);
    assert_int_equal(paw_playout_set_delay_range(player, 2, 1), PAW_ERR_INVALID);
    assert_int_equal(paw_playout_set_delay_range(player, 0, PAW_NS_PER_S), PAW_OK);
    assert_int_equal(paw_playout_set_delay_range(player, 0, PAW_NS_PER_S + 1), PAW_ERR_INVALID);
    paw_playout_free(player);
  }
}

static void no_memory_is_told_and_none_is_left(void **state) {
  (void)state;
  uint64_t made_to_fail = 0;
  struct paw_playout *player = NULL;
  for (uint64_t nth = 1; player == NULL; nth++) {
    struct kit_allocator memory = {.fail_nth = nth};
    struct paw_playout_config config;
    paw_playout_config_init(&config);
    config.allocator = kit_allocator_hook(&memory);
    int status = paw_playout_new(&config, &player);
    if (player == NULL) {
      assert_int_equal(status, PAW_ERR_NO_MEMORY);
      made_to_fail++;
    } else {
      assert_int_equal(status, PAW_OK);
      paw_playout_free(player);
    }
    assert_int_equal(memory.outstanding_bytes, 0);
  }
  assert_true(made_to_fail >= 4);
  paw_playout_free(NULL);
}

/* The player works where everything happens at once: losses, jitter, RED, NACKs, new streams. */
static void shake(struct stage *stage, struct stage_packet *packet) {
  packet->arrival_ns +=
      packet->arrival_ns == PAW_TIME_NEVER ? 0 : kit_rng_below(&stage->rng, 60 * PAW_NS_PER_MS);
}

static void after_new_nothing_is_allocated(void **state) {
  (void)state;
  struct kit_allocator memory = {0};
  struct stage *stage = stage_new(1, 11);
  stage->config.allocator = kit_allocator_hook(&memory);
  stage->red_count = 1;
  stage->loss = 0.2;
  stage->answers_nacks = true;
  stage->fate = shake;
  stage_begin(stage);
  paw_playout_set_nack(stage->player, true);
  uint64_t allocations = memory.allocations;
  kit_malloc_start();
  for (int i = 0; i < 5; i++) {
    stage_run_ms(stage, 2000);
    stage_restart_sender(stage);
  }
  assert_int_equal(kit_malloc_stop().allocations, 0);
  assert_int_equal(memory.allocations, allocations);
  assert_true(stage_stats(stage).concealed_samples > 0);
  stage_free(stage);
  assert_int_equal(memory.outstanding_bytes, 0);
}

static void no_data_is_a_bug_of_the_caller(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 1);
  stage_begin(stage);
  struct paw_audio_packet packet = {.data = NULL, .len = 5};
  assert_int_equal(paw_playout_handle_input(stage->player, stage->now_ns, &packet),
                   PAW_ERR_INVALID);
  packet.len = 0;
  assert_int_equal(paw_playout_handle_input(stage->player, stage->now_ns, &packet), PAW_OK);
  assert_int_equal(stage_stats(stage).packets_malformed, 1);
  stage_free(stage);
}

static void malformed_packets_are_counted_and_harmless(void **state) {
  (void)state;
  static const uint8_t payloads[][4] = {{0x83, 0, 0, 0}, {0xfb, 7, 0, 0}, {0x82, 9, 0, 0}};
  static const uint8_t red_without_end[] = {0xef, 0, 0, 5, 0xef};
  struct stage *stage = stage_new(1, 5);
  stage_begin(stage);
  for (size_t i = 0; i < 20; i++) {
    stage_run_ms(stage, 100);
    bool red = i % 4 == 3;
    struct paw_audio_packet packet = {
        .data = red ? red_without_end : payloads[i % 4],
        .len = red ? sizeof red_without_end : sizeof payloads[0],
        .ssrc = (uint32_t)i,
        .arrival_ns = stage->now_ns,
        .red = red,
    };
    assert_int_equal(paw_playout_handle_input(stage->player, stage->now_ns, &packet), PAW_OK);
  }
  stage_run_ms(stage, 500);
  (void)stage_find(stage, 0, stage->wanted_frames - 9600);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.packets_malformed, 20);
  assert_int_equal(stats.concealed_samples, 0);
  assert_int_equal(stats.packets_lost, 0);
  stage_free(stage);
}

/* Anything at any time; what was counted must add up, and a good stream must play afterwards. */
static void garbage_is_survived(uint64_t seed, void *context) {
  (void)context;
  struct stage *stage = stage_new(seed, 30);
  stage_begin(stage);
  paw_playout_set_nack(stage->player, true);
  stage->sender_pauses = true;
  struct kit_rng *rng = &stage->rng;
  uint64_t given = 0;
  for (int i = 0; i < 3000; i++) {
    uint8_t data[300];
    size_t len = (size_t)kit_rng_below(rng, kit_rng_chance(rng, 0.5) ? 20 : sizeof data);
    kit_rng_bytes(rng, data, len);
    struct paw_audio_packet packet = {
        .data = data,
        .len = len,
        .arrival_ns = stage->now_ns - kit_rng_below(rng, 10000000),
        .ssrc = stage->ssrc + (uint32_t)(kit_rng_chance(rng, 0.01) ? kit_rng_below(rng, 3) : 0),
        .sequence = (uint16_t)(kit_rng_chance(rng, 0.1) ? kit_rng_u64(rng) : (uint64_t)i),
        .timestamp_rtp =
            (uint32_t)(kit_rng_chance(rng, 0.1) ? kit_rng_u64(rng)
                                                : (uint64_t)i * 480 + kit_rng_below(rng, 1000)),
        .payload_type = 111,
        .marker = kit_rng_chance(rng, 0.5),
        .red = kit_rng_chance(rng, 0.3),
        .retransmission = kit_rng_chance(rng, 0.1),
    };
    assert_int_equal(paw_playout_handle_input(stage->player, stage->now_ns, &packet), PAW_OK);
    given++;
    stage->nack_count = 0;
    stage->ssrc = packet.ssrc == stage->ssrc ? stage->ssrc : packet.ssrc;
    struct paw_playout_output out;
    do {
      paw_playout_poll_output(stage->player, stage->now_ns, &out);
    } while (out.kind == PAW_OUTPUT_EVENT);
    int16_t pcm[600];
    paw_playout_render(stage->player, pcm, 1 + (size_t)kit_rng_below(rng, 599), stage->now_ns);
    stage->now_ns += kit_rng_below(rng, 20 * PAW_NS_PER_MS);
  }
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.packets_received, given);
  assert_true(stats.concealed_samples <= stats.total_samples);
  assert_true(stats.silent_concealed_samples <= stats.concealed_samples);
  stage->sender_pauses = false;
  stage_restart_sender(stage);
  paw_playout_set_nack(stage->player, false);
  stage->next_send_ns = stage->now_ns;
  stage->next_render_ns = stage->now_ns;
  stage->wanted_frames = 0;
  paw_opus_decoder_reset(&stage->decoder);
  stage_run_ms(stage, 3000);
  (void)stage_find(stage, 48000, stage->wanted_frames - 48000 - 9600);
  stage_free(stage);
}

static void garbage(void **state) {
  (void)state;
  kit_seeds_run(garbage_is_survived, NULL, 10);
}

/* Times that make no sense are survived; when they make sense again, so does the sound. */
static void clocks_may_jump(void **state) {
  (void)state;
  static const uint64_t times_ns[] = {
      0, 1, PAW_TIME_NEVER, PAW_TIME_NEVER - 1, UINT64_C(1) << 63, KIT_CLOCK_ORIGIN_NS * 1000};
  for (size_t i = 0; i < sizeof times_ns / sizeof times_ns[0]; i++) {
    struct stage *stage = stage_new(1, 18);
    stage_begin(stage);
    stage_run_ms(stage, 1000);
    int16_t pcm[480];
    paw_playout_render(stage->player, pcm, 480, times_ns[i]);
    stage_run_ms(stage, 1000);
    struct paw_playout_stats once = stage_stats(stage);
    assert_in_range(once.delay_ns, 25 * PAW_NS_PER_MS, 60 * PAW_NS_PER_MS);
    for (int repeat = 0; repeat < 100; repeat++) {
      paw_playout_render(stage->player, pcm, 480, times_ns[i]);
    }
    stage_run_ms(stage, 14000);
    struct paw_playout_stats stats = stage_stats(stage);
    assert_in_range(stats.delay_ns, 25 * PAW_NS_PER_MS, 60 * PAW_NS_PER_MS);
    assert_true(stage_level(stage, stage->heard_frames - 24000, stage->heard_frames) > 500);
    stage_free(stage);
  }
}

static void a_clock_that_goes_back_is_clamped(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 9);
  stage_begin(stage);
  stage_run_ms(stage, 1000);
  struct paw_playout_output out;
  paw_playout_poll_output(stage->player, stage->now_ns - PAW_NS_PER_S, &out);
  struct stage_packet packet = stage->packets[(stage->sent_count - 1) % STAGE_PACKETS];
  packet.packet.data = packet.data;
  packet.packet.arrival_ns = stage->now_ns + 5 * PAW_NS_PER_S; /* in the future: taken as now */
  assert_int_equal(paw_playout_handle_input(stage->player, 0, &packet.packet), PAW_OK);
  stage_run_ms(stage, 1000);
  assert_int_equal(stage_stats(stage).packets_duplicate, 1);
  (void)stage_find(stage, 0, stage->wanted_frames - 9600);
  stage_free(stage);
}

/* A device far ahead of its time: there is an end to how long the delay becomes. */
static void the_delay_has_a_bound(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 12);
  stage->config.max_delay_ns = 300 * PAW_NS_PER_MS;
  stage->lead_ns = 2 * PAW_NS_PER_S;
  stage_begin(stage);
  stage_run_ms(stage, 5000);
  assert_int_equal(stage_stats(stage).target_delay_ns, 300 * PAW_NS_PER_MS);
  stage_free(stage);
}

static void states_are_logged(void **state) {
  (void)state;
  static struct kit_log log;
  kit_log_init(&log);
  struct stage *stage = stage_new(1, 9);
  stage->config.log = kit_log_hook(&log);
  stage_begin(stage);
  stage_run_ms(stage, 1000);
  stage->sender_pauses = true;
  stage_run_ms(stage, 1000);
  assert_true(kit_log_contains(&log, "idle -> waiting"));
  assert_true(kit_log_contains(&log, "waiting -> playing"));
  assert_true(kit_log_contains(&log, "playing -> stalled"));
  assert_int_equal(log.line_count, 3);
  stage_free(stage);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_out_of_range_are_refused),
      cmocka_unit_test(limits_of_the_delay_out_of_range_are_refused),
      cmocka_unit_test(unused_limits_are_harmless),
      cmocka_unit_test(no_memory_is_told_and_none_is_left),
      cmocka_unit_test(after_new_nothing_is_allocated),
      cmocka_unit_test(no_data_is_a_bug_of_the_caller),
      cmocka_unit_test(malformed_packets_are_counted_and_harmless),
      cmocka_unit_test(garbage),
      cmocka_unit_test(clocks_may_jump),
      cmocka_unit_test(a_clock_that_goes_back_is_clamped),
      cmocka_unit_test(the_delay_has_a_bound),
      cmocka_unit_test(states_are_logged),
  };
  return cmocka_run_group_tests_name("playout robust", tests, NULL, NULL);
}
