/* SPDX-License-Identifier: MIT */
/* What a player keeps, up to each bound and one past it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/alloc.h"
#include "kit/clock.h"
#include "playout/playout.h"
#include "playout/stage.h"

#define SHORT_RTP 120 /* 2.5 ms, the shortest frame there is */
#define SHORT_NS (PAW_NS_PER_MS * 5 / 2)

static void put_short(struct paw_playout *player, uint64_t number) {
  static const uint8_t data[40] = {0xe0}; /* CELT, 2.5 ms */
  uint64_t arrival_ns = KIT_CLOCK_ORIGIN_NS + number * SHORT_NS;
  struct paw_audio_packet packet = {.data = data,
                                    .len = sizeof data,
                                    .arrival_ns = arrival_ns,
                                    .ssrc = 1,
                                    .sequence = (uint16_t)number,
                                    .timestamp_rtp = (uint32_t)number * SHORT_RTP};
  assert_int_equal(paw_playout_handle_input(player, arrival_ns, &packet), PAW_OK);
}

static struct paw_playout_stats stats_of(const struct paw_playout *player) {
  struct paw_playout_stats stats;
  paw_playout_get_stats(player, &stats);
  return stats;
}

/* Packets of 2.5 ms to a player that nobody renders: as many as fit in are kept, then the oldest
 * makes room, and no memory is taken. */
static void fill(uint64_t max_delay_ns, size_t capacity) {
  struct kit_allocator memory = {0};
  struct paw_playout_config config;
  struct paw_playout *player = NULL;
  paw_playout_config_init(&config);
  config.allocator = kit_allocator_hook(&memory);
  config.max_delay_ns = max_delay_ns;
  assert_int_equal(paw_playout_new(&config, &player), PAW_OK);
  size_t taken = memory.outstanding_bytes;
  for (uint64_t i = 0; i < capacity; i++) {
    put_short(player, i);
  }
  assert_int_equal(player->buffer.count, capacity);
  assert_int_equal(stats_of(player).packets_dropped, 0);
  for (uint64_t i = 1; i <= 100; i++) {
    put_short(player, capacity + i - 1);
    assert_int_equal(player->buffer.count, capacity);
    assert_int_equal(stats_of(player).packets_dropped, i);
    assert_int_equal(paw_playout_buffer_front(&player->buffer)->sequence & 0xffff, i);
  }
  assert_int_equal(memory.outstanding_bytes, taken);
  paw_playout_free(player);
}

static void frames_kept(void **state) {
  (void)state;
  fill(60 * PAW_NS_PER_MS, PAW_PLAYOUT_FRAMES_MIN);
  fill(10 * PAW_NS_PER_S, PAW_PLAYOUT_FRAMES_MAX);
}

/* A gap, after which a player asks for all that is missing: so many numbers in a request. */
static size_t ask_for(uint64_t missing) {
  struct paw_playout_config config;
  struct paw_playout *player = NULL;
  paw_playout_config_init(&config);
  config.target_delay_ns = PAW_NS_PER_S;
  assert_int_equal(paw_playout_new(&config, &player), PAW_OK);
  paw_playout_set_nack(player, true);
  paw_playout_set_rtt(player, 5 * PAW_NS_PER_MS);
  put_short(player, 1);
  put_short(player, 2);
  put_short(player, 3 + missing);
  uint64_t now_ns = KIT_CLOCK_ORIGIN_NS + (3 + missing) * SHORT_NS;
  size_t first = 0;
  size_t all = 0;
  for (int ms = 0; ms < 8; ms++) { /* once: before any request is repeated */
    struct paw_playout_output output;
    paw_playout_poll_output(player, now_ns + (uint64_t)ms * PAW_NS_PER_MS, &output);
    if (output.kind == PAW_OUTPUT_EVENT && output.event.kind == PAW_PLAYOUT_EVENT_NACK) {
      first = first > 0 ? first : output.event.count;
      for (size_t i = 0; i < output.event.count && all < missing; i++, all++) {
        assert_int_equal(output.event.sequences[i], 3 + all);
      }
    }
  }
  assert_int_equal(all, missing);
  paw_playout_free(player);
  return first;
}

static void numbers_in_a_request(void **state) {
  (void)state;
  assert_int_equal(ask_for(PAW_PLAYOUT_NACK_MAX), PAW_PLAYOUT_NACK_MAX);
  assert_int_equal(ask_for(PAW_PLAYOUT_NACK_MAX + 1), PAW_PLAYOUT_NACK_MAX);
}

/* One packet never comes; the frames after it are kept to be decoded once more. */
static void never(struct stage *stage, struct stage_packet *packet) {
  if (stage->sent_count == 100) {
    packet->arrival_ns = PAW_TIME_NEVER;
  }
}

struct kept {
  size_t frames; /* the most there were */
  uint64_t rtp;  /* the farthest that one was behind what was heard */
};

static struct kept keep(uint32_t frame_frames) {
  struct kept kept = {0};
  struct stage *stage = stage_new(1, 4);
  stage->encoder_config.inband_fec = false;
  stage->encoder_config.application = PAW_OPUS_RESTRICTED_LOWDELAY;
  stage->encoder_config.frame_frames = frame_frames;
  stage->config.target_delay_ns = 40 * PAW_NS_PER_MS;
  stage->chunk_frames = 48;
  stage->fate = never;
  stage_begin(stage);
  const struct paw_playout *player = stage->player;
  for (int ms = 0; ms < 3500; ms++) {
    stage_run_ms(stage, 1);
    if (player->buffer.kept > 0) {
      uint64_t first_rtp = player->buffer.frames[player->buffer.order[0]].media_rtp;
      uint64_t behind_rtp =
          player->sound.position_rtp > first_rtp ? player->sound.position_rtp - first_rtp : 0;
      kept.frames = player->buffer.kept > kept.frames ? player->buffer.kept : kept.frames;
      kept.rtp = behind_rtp > kept.rtp ? behind_rtp : kept.rtp;
    }
  }
  assert_int_equal(player->sound.past.state, PAW_PLAYOUT_PAST_NONE); /* given up */
  assert_int_equal(player->buffer.kept, 0);
  assert_int_equal(stage_stats(stage).packets_dropped, 0);
  stage_free(stage);
  return kept;
}

static void frames_to_be_decoded_once_more(void **state) {
  (void)state;
  assert_int_equal(keep(SHORT_RTP).frames, PAW_PLAYOUT_KEPT_MAX);
  struct kept longer = keep(480);
  assert_true(longer.frames < PAW_PLAYOUT_KEPT_MAX);
  assert_in_range(longer.rtp, PAW_PLAYOUT_REWIND_FRAMES_MAX - 480, PAW_PLAYOUT_REWIND_FRAMES_MAX);
}

/* The sender falls silent without a word: so many packets beyond the last are asked for. */
static void packets_guessed(void **state) {
  (void)state;
  struct stage *stage = stage_new(1, 4);
  stage->encoder_config.application = PAW_OPUS_RESTRICTED_LOWDELAY;
  stage->encoder_config.frame_frames = 240;
  stage->config.target_delay_ns = 100 * PAW_NS_PER_MS;
  stage_begin(stage);
  paw_playout_set_nack(stage->player, true);
  stage_run_ms(stage, 1000);
  assert_int_equal(stage->nack_count, 0);
  stage->sender_pauses = true;
  stage_run_ms(stage, 1000);
  uint16_t last = (uint16_t)stage->player->ledger.highest;
  bool asked[PAW_PLAYOUT_GUESSES_MAX] = {false};
  for (size_t i = 0; i < stage->nack_count; i++) {
    uint16_t beyond = (uint16_t)(stage->nacks[i].sequence - last - 1);
    assert_true(beyond < PAW_PLAYOUT_GUESSES_MAX);
    asked[beyond] = true;
  }
  for (size_t i = 0; i < PAW_PLAYOUT_GUESSES_MAX; i++) {
    assert_true(asked[i]);
  }
  stage_free(stage);
}

/* More packets of one time, all late, than a sender in its right mind makes in 400 ms: the first
 * ones count when they are over. */
static void late_packets_on_end(void **state) {
  (void)state;
  struct paw_playout_config config;
  struct paw_playout_delay delay;
  paw_playout_config_init(&config);
  paw_playout_delay_init(&delay, &config);
  paw_playout_delay_start(&delay, 0, KIT_CLOCK_ORIGIN_NS);
  uint64_t media_rtp = 0;
  uint64_t arrival_ns = KIT_CLOCK_ORIGIN_NS;
  for (int i = 0; i < 4000; i++) {
    media_rtp += SHORT_RTP;
    arrival_ns += SHORT_NS;
    paw_playout_delay_note(&delay, media_rtp, arrival_ns, 0);
  }
  uint64_t late_ns = arrival_ns + SHORT_NS + 50 * PAW_NS_PER_MS;
  float before = delay.histogram.weights[50];
  for (size_t i = 1; i <= PAW_PLAYOUT_TRAIN_MAX + 10; i++) {
    paw_playout_delay_note(&delay, media_rtp + SHORT_RTP, late_ns + i, 0);
    assert_int_equal(delay.train.packets, i);
    assert_int_equal(delay.train.count, i < PAW_PLAYOUT_TRAIN_MAX ? i : PAW_PLAYOUT_TRAIN_MAX);
    assert_true(delay.histogram.weights[50] <= before);
  }
  paw_playout_delay_note(&delay, media_rtp + 21 * SHORT_RTP, late_ns + 300, 0);
  assert_int_equal(delay.train.packets, 0);
  assert_true(delay.histogram.weights[50] > before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_kept),
      cmocka_unit_test(numbers_in_a_request),
      cmocka_unit_test(frames_to_be_decoded_once_more),
      cmocka_unit_test(packets_guessed),
      cmocka_unit_test(late_packets_on_end),
  };
  return cmocka_run_group_tests_name("playout_limits", tests, NULL, NULL);
}
