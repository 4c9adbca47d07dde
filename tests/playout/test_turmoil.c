/* SPDX-License-Identifier: MIT */
/* All that can happen to a stream, at once and by chance. */
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

#define TURN 6.283185307179586

/* Slow and loud: a cut bends by thousands, a cross-fade by less than ten; where libopus goes on
 * after a gap in SILK, by 2500 once. */
#define SINE_HZ 200.0
#define SINE_LEVEL 10000.0
#define CLICK 3000

/* The target of the last second is another one, and shrinking takes its time. */
#define SETTLED_MS 5

#define TURMOIL_SECONDS 15
#define CALM_SECONDS 14

/* What the network does now, and the speaker. */
struct turmoil {
  bool is_smooth; /* one encoder: all that clicks is the player's doing */
  bool is_silent;
  double gain;
  double burst_begins;
  double burst_ends;
  double late;
  double doubled;
  uint64_t late_ms;
  uint64_t held_until_ns; /* all that is sent before arrives then */
  bool is_burst;
};

/* Falls silent, and begins again, within 20 ms. */
static void speak_sine(struct stage *stage, int16_t *pcm, size_t frames, unsigned channels) {
  struct turmoil *turmoil = stage->user_data;
  for (size_t i = 0; i < frames; i++) {
    double at = (double)((stage->signal.at + i) % 48000) / 48000;
    turmoil->gain += turmoil->is_silent ? -0.001 : 0.001;
    turmoil->gain = fmin(fmax(turmoil->gain, 0), 1);
    for (size_t channel = 0; channel < channels; channel++) {
      pcm[i * channels + channel] =
          (int16_t)lrint(turmoil->gain * SINE_LEVEL * sin(TURN * SINE_HZ * at));
    }
  }
}

static void take_chances(struct stage *stage, struct stage_packet *packet) {
  struct turmoil *turmoil = stage->user_data;
  double change = turmoil->is_burst ? turmoil->burst_ends : turmoil->burst_begins;
  if (kit_rng_chance(&stage->rng, change)) {
    turmoil->is_burst = !turmoil->is_burst;
  }
  if (kit_rng_chance(&stage->rng, turmoil->doubled)) {
    packet->again_ns = packet->sent_ns + kit_rng_below(&stage->rng, 200 * PAW_NS_PER_MS);
  }
  if (turmoil->is_burst) {
    packet->arrival_ns = PAW_TIME_NEVER;
  } else if (packet->arrival_ns != PAW_TIME_NEVER) {
    if (kit_rng_chance(&stage->rng, turmoil->late)) {
      packet->arrival_ns += kit_rng_below(&stage->rng, turmoil->late_ms * PAW_NS_PER_MS + 1);
    }
    if (packet->arrival_ns < turmoil->held_until_ns) {
      packet->arrival_ns = turmoil->held_until_ns;
    }
  }
}

/* ---- what changes ---- */

static bool chance(struct stage *stage, double probability) {
  return kit_rng_chance(&stage->rng, probability);
}

static uint64_t below(struct stage *stage, uint64_t bound) {
  return kit_rng_below(&stage->rng, bound);
}

static void change_network(struct stage *stage) {
  struct turmoil *turmoil = stage->user_data;
  turmoil->burst_begins = chance(stage, 0.5) ? 0 : 0.1 * kit_rng_unit(&stage->rng);
  turmoil->burst_ends = 0.1 + 0.9 * kit_rng_unit(&stage->rng);
  turmoil->late = chance(stage, 0.3) ? 0 : kit_rng_unit(&stage->rng);
  turmoil->late_ms = chance(stage, 0.5) ? 20 : 150;
  turmoil->doubled = chance(stage, 0.5) ? 0 : 0.2;
  stage->loss = chance(stage, 0.5) ? 0 : 0.3 * kit_rng_unit(&stage->rng);
  stage->answers_nacks = chance(stage, 0.7);
  stage->answers_alike = chance(stage, 0.3);
  stage->rtt_ns = (1 + below(stage, 80)) * PAW_NS_PER_MS;
  stage->delay_ns = (1 + below(stage, 40)) * PAW_NS_PER_MS;
  paw_playout_set_nack(stage->player, chance(stage, 0.7));
  paw_playout_set_rtt(stage->player, chance(stage, 0.2) ? 0 : stage->rtt_ns);
}

/* Packets of 2.5 to 120 ms. What RED carries is only right where all are of one length. */
static void change_encoder(struct stage *stage) {
  static const uint32_t sizes[] = {120, 240, 480, 960};
  stage->red_count = 0;
  stage->encoder_config.application = (enum paw_opus_application)below(stage, 3);
  stage->encoder_config.frame_frames = sizes[below(stage, 4)];
  stage->encoder_config.channels = (uint8_t)(1 + below(stage, 2));
  stage->encoder_config.inband_fec = chance(stage, 0.5);
  stage->encoder_config.packet_loss_percent = 20;
  stage->encoder_config.dtx = chance(stage, 0.3);
  stage->frames_a_packet = chance(stage, 0.7) ? 1 : 1 + (size_t)below(stage, 6);
  stage_change_encoder(stage);
}

static void change_device(struct stage *stage) {
  stage->device_ppm = chance(stage, 0.5) ? 0 : (double)below(stage, 400) - 200;
  stage->chunk_max = chance(stage, 0.3) ? 20 : 3000;
  stage->chunk_frames = chance(stage, 0.5) ? 0 : 1 + (size_t)below(stage, 1000);
  stage->lead_ns = below(stage, 60) * PAW_NS_PER_MS;
}

static void change_limits(struct stage *stage) {
  uint64_t min_ns = below(stage, 150) * PAW_NS_PER_MS;
  uint64_t cap_ns = min_ns + below(stage, 250) * PAW_NS_PER_MS + 1;
  assert_int_equal(paw_playout_set_delay_range(stage->player, min_ns, cap_ns), PAW_OK);
}

static void change_sender(struct stage *stage) {
  switch (below(stage, 4)) {
  case 0:
    stage_restart_sender(stage);
    break;
  case 1: /* as after a renegotiation: only the numbers, or only the time */
    stage->sequence = (uint16_t)(stage->sequence + below(stage, 1000));
    break;
  case 2:
    stage->timestamp_rtp += (uint32_t)below(stage, 96000);
    break;
  default:
    stage->sender_ppm = (double)below(stage, 400) - 200;
    break;
  }
}

static void jump(struct stage *stage) {
  uint64_t distance_ns = UINT64_C(1) << (20 + below(stage, 30));
  stage->now_ns += distance_ns;
  stage->next_send_ns += distance_ns;
  stage->next_render_ns += distance_ns;
}

/* About one change in 25 ms. */
static void change_something(struct stage *stage) {
  struct turmoil *turmoil = stage->user_data;
  switch (below(stage, 40)) {
  case 0:
    change_network(stage);
    break;
  case 1:
    if (!turmoil->is_smooth) {
      change_encoder(stage);
    }
    break;
  case 2:
    change_device(stage);
    break;
  case 3:
    change_limits(stage);
    break;
  case 4:
    if (chance(stage, 0.3)) {
      change_sender(stage);
    }
    break;
  case 5:
    if (chance(stage, 0.1)) {
      jump(stage);
    }
    break;
  case 6:
    stage->sender_pauses = chance(stage, 0.2);
    break;
  case 7:
    turmoil->is_silent = chance(stage, 0.3);
    break;
  case 8:
    stage->device_is_stuck = chance(stage, 0.3);
    break;
  case 9:
    turmoil->held_until_ns = stage->now_ns + below(stage, 300) * PAW_NS_PER_MS;
    break;
  case 10:
    stage->red_count = stage->frames_a_packet > 1 ? 0 : (size_t)below(stage, 4);
    break;
  default:
    break;
  }
}

/* ---- what never changes ---- */

/* What was decoded ahead of what is heard is counted already. */
#define AHEAD_MAX 2000

static void expect_order(const struct stage *stage, const struct paw_playout_stats *before) {
  const struct paw_playout *player = stage->player;
  const struct paw_playout_sound *sound = &player->sound;
  struct paw_playout_stats now = stage_stats(stage);
  assert_true(now.concealed_samples <= now.total_samples + AHEAD_MAX);
  assert_true(now.silent_concealed_samples <= now.concealed_samples);
  assert_true(now.longest_concealment_samples <= now.concealed_samples);
  assert_true(now.concealment_events <= now.concealed_samples);
  assert_true(now.total_samples >= before->total_samples);
  assert_true(now.inserted_samples >= before->inserted_samples);
  assert_true(now.removed_samples >= before->removed_samples);
  assert_true(now.jitter_buffer_emitted_samples >= before->jitter_buffer_emitted_samples);
  assert_true(now.jitter_buffer_delay_s >= before->jitter_buffer_delay_s);
  assert_true(now.packets_received >=
              now.packets_duplicate + now.packets_malformed + now.packets_late);
  assert_true(now.target_delay_ns <= stage->config.max_delay_ns);
  assert_true(player->buffer.count <= player->buffer.capacity);
  assert_true(player->buffer.kept <= player->buffer.count);
  assert_true(sound->at <= sound->frames && sound->frames <= PAW_OPUS_DURATION_MAX_RTP);
  assert_true(sound->past.state != PAW_PLAYOUT_PAST_NONE || player->buffer.kept == 0);
  if (player->state == PAW_PLAYOUT_PLAYING && sound->past.state != PAW_PLAYOUT_PAST_NONE) {
    assert_true(sound->position_rtp >= sound->past.place.position_rtp);
  }
  assert_true(player->pace.at <= player->pace.end);
  assert_true(player->pace.end <= PAW_PLAYOUT_PACE_FRAMES_MAX);
}

static void run_in_turmoil(struct stage *stage) {
  struct paw_playout_stats before = {0};
  for (int i = 0; i < TURMOIL_SECONDS * 100; i++) {
    change_something(stage);
    stage_run_ms(stage, 10);
    stage->nack_count = 0;
    expect_order(stage, &before);
    before = stage_stats(stage);
  }
}

static void calm_down(struct stage *stage) {
  stage->fate = NULL;
  stage->loss = 0;
  stage->red_count = 0;
  stage->sender_pauses = false;
  ((struct turmoil *)stage->user_data)->is_silent = false;
  stage->device_is_stuck = false;
  stage->device_ppm = 0;
  stage->sender_ppm = 0;
  stage->chunk_frames = 480;
  stage->lead_ns = 0;
  stage->encoder_config.dtx = false;
  stage->frames_a_packet = 1;
  stage_change_encoder(stage);
}

/* After it all: the position is where it should be, and a new stream is exact at once. */
static void expect_calm(struct stage *stage) {
  stage_run_ms(stage, 2000); /* what was held up comes, the device and the limits are others */
  struct paw_playout_stats before = stage_stats(stage);
  stage_run_ms(stage, CALM_SECONDS * 1000);
  assert_int_equal(stage_stats(stage).concealed_samples, before.concealed_samples);
  assert_int_equal(stage_stats(stage).resyncs, before.resyncs);
  assert_true(fabs(stage_early_ms(stage)) <= SETTLED_MS);
  stage_set_target_ms(stage, stage_stats(stage).target_delay_ns / PAW_NS_PER_MS);
  stage_run_ms(stage, 3000);
  stage_restart_sender(stage);
  stage->wanted_frames = 0;
  paw_opus_decoder_reset(&stage->decoder);
  stage_run_ms(stage, 2000);
  (void)stage_find(stage, 4800, stage->wanted_frames - 24000);
}

static void live_through(uint64_t seed, void *context) {
  (void)context;
  struct kit_allocator memory = {0};
  struct turmoil turmoil = {.is_smooth = seed % 2 == 0};
  struct stage *stage = stage_new(seed, TURMOIL_SECONDS + CALM_SECONDS + 8);
  stage->config.allocator = kit_allocator_hook(&memory);
  stage->config.channels = (uint8_t)(1 + seed / 2 % 2);
  stage->config.target_delay_ns = seed % 4 == 3 ? 60 * PAW_NS_PER_MS : 0;
  stage->config.profile = seed % 3 == 0 ? PAW_PLAYOUT_ANNOUNCEMENT : PAW_PLAYOUT_LIVE;
  stage->encoder_config.complexity = 0;
  stage->encoder_config.bitrate_bps = turmoil.is_smooth ? 20000 : 64000;
  stage->sequence = (uint16_t)(65536 - below(stage, 1000));
  stage->timestamp_rtp = (uint32_t)(0 - below(stage, 480000));
  stage->speak = speak_sine;
  stage->fate = take_chances;
  stage->user_data = &turmoil;
  stage_begin(stage);
  uint64_t allocations = memory.allocations;
  run_in_turmoil(stage);
  int rough = stage_roughness(stage, 1, stage->heard_frames);
  assert_true(!turmoil.is_smooth || rough < CLICK);
  calm_down(stage);
  expect_calm(stage);
  assert_int_equal(memory.allocations, allocations);
  stage_free(stage);
  assert_int_equal(memory.outstanding_bytes, 0);
}

static void turmoil(void **state) {
  (void)state;
  kit_seeds_run(live_through, NULL, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(turmoil),
  };
  return cmocka_run_group_tests_name("playout turmoil", tests, NULL, NULL);
}
