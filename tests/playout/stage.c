/* SPDX-License-Identifier: MIT */
#include "playout/stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <opus.h>
#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "kit/clock.h"
#include "playout/playout.h"
#include "rtp/rtp.h"

static const struct paw_allocator no_allocator = {0};

struct stage *stage_new(uint64_t seed, unsigned seconds) {
  struct stage *stage = calloc(1, sizeof *stage);
  assert_non_null(stage);
  kit_rng_init(&stage->rng, seed);
  paw_encoder_config_init(&stage->encoder_config);
  stage->encoder_config.frame_frames = 960;
  paw_playout_config_init(&stage->config);
  stage->config.channels = 1;
  stage->config.target_delay_ns = 40 * PAW_NS_PER_MS;
  stage->begin_ns = KIT_CLOCK_ORIGIN_NS;
  stage->now_ns = stage->begin_ns;
  stage->ssrc = 0x11223344;
  stage->sequence = 1000;
  stage->timestamp_rtp = 123456;
  stage->delay_ns = 5 * PAW_NS_PER_MS;
  stage->rtt_ns = 4 * PAW_NS_PER_MS;
  stage->sine_hz = 1000;
  stage->chunk_frames = 480;
  stage->chunk_max = 3000;
  stage->heard_max = (size_t)seconds * PAW_RTP_HZ;
  return stage;
}

void stage_speak_sine(struct stage *stage, int16_t *pcm, size_t frames, unsigned channels) {
  for (size_t i = 0; i < frames * channels; i++) {
    double at = (double)((stage->signal.at + i / channels) % PAW_RTP_HZ) / PAW_RTP_HZ;
    pcm[i] = (int16_t)lrint(10000 * sin(6.283185307179586 * stage->sine_hz * at));
  }
}

void stage_begin(struct stage *stage) {
  size_t samples = stage->heard_max * stage->config.channels;
  stage->heard = calloc(samples, sizeof stage->heard[0]);
  stage->wanted = calloc(samples, sizeof stage->wanted[0]);
  assert_non_null(stage->heard);
  assert_non_null(stage->wanted);
  assert_int_equal(paw_playout_new(&stage->config, &stage->player), PAW_OK);
  assert_int_equal(paw_opus_decoder_init(&stage->decoder, &no_allocator, stage->config.channels),
                   PAW_OK);
  assert_int_equal(paw_encoder_new(&stage->encoder_config, &stage->encoder), PAW_OK);
  for (size_t i = 0; i < STAGE_PACKETS; i++) {
    stage->packets[i].arrival_ns = PAW_TIME_NEVER;
    stage->packets[i].again_ns = PAW_TIME_NEVER;
  }
  stage->next_send_ns = stage->now_ns + 3 * PAW_NS_PER_MS;
  stage->next_render_ns = stage->now_ns;
  paw_playout_set_rtt(stage->player, stage->rtt_ns);
}

void stage_free(struct stage *stage) {
  paw_playout_free(stage->player);
  paw_encoder_free(stage->encoder);
  paw_opus_decoder_wipe(&stage->decoder, &no_allocator);
  free(stage->heard);
  free(stage->wanted);
  free(stage);
}

void stage_change_encoder(struct stage *stage) {
  paw_encoder_free(stage->encoder);
  assert_int_equal(paw_encoder_new(&stage->encoder_config, &stage->encoder), PAW_OK);
}

void stage_restart_sender(struct stage *stage) {
  stage->ssrc += 7;
  stage->sequence = (uint16_t)kit_rng_u64(&stage->rng);
  stage->timestamp_rtp = (uint32_t)kit_rng_u64(&stage->rng);
}

/* ---- sender ---- */

static struct stage_packet *get_packet(struct stage *stage, uint64_t number) {
  return &stage->packets[number % STAGE_PACKETS];
}

static void want(struct stage *stage, const uint8_t *opus, size_t len) {
  size_t frames = 0;
  if (stage->forgets) {
    return;
  }
  size_t room = stage->heard_max - stage->wanted_frames;
  if (room < 5760) {
    return;
  }
  assert_int_equal(
      paw_opus_decoder_decode(&stage->decoder, opus, len,
                              &stage->wanted[stage->wanted_frames * stage->config.channels], room,
                              &frames),
      PAW_OK);
  stage->wanted_frames += frames;
}

/* The Opus packets of the last frames, the newest at last. */
static void pack_red(struct stage *stage, struct stage_packet *packet, const uint8_t *opus,
                     size_t len) {
  static uint8_t history[8][PAW_OPUS_PACKET_MAX];
  static size_t lens[8];
  struct paw_red_block blocks[8];
  size_t count =
      stage->red_count < stage->sent_count ? stage->red_count : (size_t)stage->sent_count;
  memcpy(history[stage->sent_count % 8], opus, len);
  lens[stage->sent_count % 8] = len;
  for (size_t i = 0; i <= count; i++) {
    size_t age = count - i;
    size_t place = (stage->sent_count - age) % 8;
    blocks[i] = (struct paw_red_block){
        .payload_type = 111,
        .offset_rtp = (uint16_t)(age * stage->encoder_config.frame_frames),
        .data = {.data = history[place], .len = lens[place]},
    };
  }
  struct paw_wr wr = paw_wr_init(packet->data, sizeof packet->data);
  assert_int_equal(paw_red_write(&wr, blocks, count + 1), PAW_OK);
  packet->packet.len = wr.len;
  packet->packet.red = true;
}

static void send_packet(struct stage *stage, const uint8_t *opus, size_t len) {
  struct stage_packet *packet = get_packet(stage, stage->sent_count);
  *packet = (struct stage_packet){
      .packet = {.ssrc = stage->ssrc,
                 .sequence = stage->sequence++,
                 .timestamp_rtp = stage->timestamp_rtp,
                 .payload_type = 111,
                 .len = len,
                 .level = PAW_AUDIO_LEVEL_NONE},
      .sent_ns = stage->next_send_ns,
      .arrival_ns = stage->next_send_ns + stage->delay_ns,
      .again_ns = PAW_TIME_NEVER,
  };
  memcpy(packet->data, opus, len);
  packet->packet.data = packet->data;
  if (stage->red_count > 0) {
    pack_red(stage, packet, opus, len);
  }
  if (kit_rng_chance(&stage->rng, stage->loss)) {
    packet->arrival_ns = PAW_TIME_NEVER;
  }
  if (stage->fate != NULL) {
    stage->fate(stage, packet);
  }
  stage->lost_count += packet->arrival_ns == PAW_TIME_NEVER;
  stage->sent_count++;
}

static void fill(struct stage *stage, int16_t *pcm, size_t frames, unsigned channels) {
  if (stage->speak == NULL) {
    signal_fill(&stage->signal, pcm, frames, channels);
    return;
  }
  stage->speak(stage, pcm, frames, channels);
  stage->signal.at += frames;
}

/* The next samples of the voice. Long runs repeat a second of it, to save time. */
static void speak(struct stage *stage, int16_t *pcm) {
  uint32_t frames = stage->encoder_config.frame_frames;
  if (!stage->forgets) {
    fill(stage, pcm, frames, stage->encoder_config.channels);
    return;
  }
  if (stage->signal.at == 0) {
    fill(stage, stage->second, PAW_RTP_HZ, 1);
  }
  assert_int_equal(stage->encoder_config.channels, 1);
  memcpy(pcm, &stage->second[stage->second_at], frames * sizeof pcm[0]);
  stage->second_at = (stage->second_at + frames) % PAW_RTP_HZ;
}

/* One packet's worth of Opus: one frame, or several put together (RFC 6716 section 3.2.5). */
static size_t encode(struct stage *stage, uint8_t *out, size_t room) {
  static max_align_t memory[64];
  static uint8_t frames[6][PAW_OPUS_PACKET_MAX];
  size_t count = stage->frames_a_packet > 0 ? stage->frames_a_packet : 1;
  assert_true((size_t)opus_repacketizer_get_size() <= sizeof memory);
  OpusRepacketizer *repacketizer = opus_repacketizer_init((OpusRepacketizer *)(void *)memory);
  for (size_t i = 0; i < count; i++) {
    int16_t pcm[960 * 2] = {0};
    size_t len = sizeof frames[i];
    if (!stage->sender_is_silent) {
      speak(stage, pcm);
    }
    assert_int_equal(paw_encoder_encode(stage->encoder, pcm, frames[i], &len), PAW_OK);
    if (len == 0) {
      return 0;
    }
    assert_int_equal(opus_repacketizer_cat(repacketizer, frames[i], (opus_int32)len), OPUS_OK);
  }
  opus_int32 len = opus_repacketizer_out(repacketizer, out, (opus_int32)room);
  assert_true(len > 0);
  return (size_t)len;
}

static void send_next(struct stage *stage) {
  uint8_t opus[STAGE_PAYLOAD_MAX];
  size_t count = stage->frames_a_packet > 0 ? stage->frames_a_packet : 1;
  uint32_t frames = (uint32_t)count * stage->encoder_config.frame_frames;
  size_t len = encode(stage, opus, sizeof opus);
  if (!stage->sender_pauses && len > 0) {
    want(stage, opus, len);
    send_packet(stage, opus, len);
  }
  stage->timestamp_rtp += frames;
  stage->next_send_ns +=
      (uint64_t)(frames * 1e9 / PAW_RTP_HZ / (1 + stage->sender_ppm * 1e-6) + 0.5);
}

/* ---- player ---- */

static void hand_in(struct stage *stage, struct stage_packet *packet, uint64_t *arrival_ns,
                    bool retransmission) {
  packet->packet.arrival_ns = *arrival_ns;
  packet->packet.retransmission = retransmission;
  *arrival_ns = PAW_TIME_NEVER;
  assert_int_equal(paw_playout_handle_input(stage->player, stage->now_ns, &packet->packet), PAW_OK);
}

static void answer(struct stage *stage, uint16_t sequence) {
  for (uint64_t i = stage->sent_count; i-- > 0 && i + STAGE_PACKETS > stage->sent_count;) {
    struct stage_packet *packet = get_packet(stage, i);
    if (packet->packet.sequence == sequence && packet->packet.ssrc == stage->ssrc) {
      bool is_lost = kit_rng_chance(&stage->rng, stage->loss);
      packet->again_ns = is_lost ? packet->again_ns : stage->now_ns + stage->rtt_ns;
      return;
    }
  }
}

static void take_nack(struct stage *stage, const struct paw_playout_output *out) {
  assert_in_range(out->event.count, 1, PAW_PLAYOUT_NACK_MAX);
  for (size_t i = 0; i < out->event.count; i++) {
    assert_true(stage->nack_count < STAGE_NACKS);
    stage->nacks[stage->nack_count++] =
        (struct stage_nack){.time_ns = stage->now_ns, .sequence = out->event.sequences[i]};
    if (stage->answers_nacks && out->event.ssrc == stage->ssrc) {
      answer(stage, out->event.sequences[i]);
    }
  }
}

/* Returns the deadline. */
static uint64_t poll(struct stage *stage) {
  struct paw_playout_output out;
  for (int i = 0; i < 10; i++) {
    paw_playout_poll_output(stage->player, stage->now_ns, &out);
    if (out.kind == PAW_OUTPUT_TIMEOUT) {
      assert_true(out.timeout.deadline_ns > stage->now_ns);
      return out.timeout.deadline_ns;
    }
    assert_int_equal(out.kind, PAW_OUTPUT_EVENT);
    switch (out.event.kind) {
    case PAW_PLAYOUT_EVENT_NACK:
      take_nack(stage, &out);
      break;
    case PAW_PLAYOUT_EVENT_STARTED:
      stage->started++;
      break;
    case PAW_PLAYOUT_EVENT_STALLED:
      stage->stalled++;
      break;
    }
  }
  fail_msg("poll_output does not come to an end");
  return 0;
}

static void render(struct stage *stage) {
  size_t frames = stage->chunk_frames;
  if (frames == 0) {
    frames = 1 + (size_t)kit_rng_below(&stage->rng, stage->chunk_max);
  }
  if (stage->device_is_stuck) {
    stage->next_render_ns += 10 * PAW_NS_PER_MS;
    return;
  }
  if (stage->forgets && stage->heard_frames + frames > stage->heard_max) {
    stage->heard_frames = 0;
  }
  assert_true(stage->heard_frames + frames <= stage->heard_max);
  paw_playout_render(stage->player, &stage->heard[stage->heard_frames * stage->config.channels],
                     frames, stage->next_render_ns + stage->lead_ns);
  stage->heard_frames += frames;
  stage->next_render_ns +=
      (uint64_t)((double)frames * 1e9 / PAW_RTP_HZ / (1 + stage->device_ppm * 1e-6) + 0.5);
}

/* ---- time ---- */

static uint64_t first_in_flight(const struct stage *stage) {
  return stage->sent_count > STAGE_IN_FLIGHT ? stage->sent_count - STAGE_IN_FLIGHT : 0;
}

static uint64_t earliest_arrival(const struct stage *stage) {
  uint64_t earliest_ns = PAW_TIME_NEVER;
  for (uint64_t i = first_in_flight(stage); i < stage->sent_count; i++) {
    const struct stage_packet *packet = &stage->packets[i % STAGE_PACKETS];
    earliest_ns = packet->arrival_ns < earliest_ns ? packet->arrival_ns : earliest_ns;
    earliest_ns = packet->again_ns < earliest_ns ? packet->again_ns : earliest_ns;
  }
  return earliest_ns;
}

/* Those that arrive at the same time arrive in the order in which they were sent. */
static void hand_in_arrived(struct stage *stage) {
  for (uint64_t i = first_in_flight(stage); i < stage->sent_count; i++) {
    struct stage_packet *packet = get_packet(stage, i);
    if (packet->arrival_ns <= stage->now_ns) {
      hand_in(stage, packet, &packet->arrival_ns, false);
    }
    if (packet->again_ns <= stage->now_ns) {
      hand_in(stage, packet, &packet->again_ns, !stage->answers_alike);
    }
  }
}

void stage_run_ms(struct stage *stage, uint64_t duration_ms) {
  uint64_t until_ns = stage->now_ns + duration_ms * PAW_NS_PER_MS;
  uint64_t arrival_ns = earliest_arrival(stage);
  while (stage->now_ns < until_ns) {
    uint64_t next_ns = poll(stage);
    next_ns = arrival_ns < next_ns ? arrival_ns : next_ns;
    next_ns = stage->next_send_ns < next_ns ? stage->next_send_ns : next_ns;
    next_ns = stage->next_render_ns < next_ns ? stage->next_render_ns : next_ns;
    stage->now_ns = next_ns < until_ns ? next_ns : until_ns;
    if (arrival_ns <= stage->now_ns) {
      hand_in_arrived(stage);
    }
    if (stage->next_send_ns <= stage->now_ns) {
      send_next(stage);
    }
    if (stage->next_render_ns <= stage->now_ns) {
      render(stage);
    }
    arrival_ns = earliest_arrival(stage);
  }
}

struct paw_playout_stats stage_stats(const struct stage *stage) {
  struct paw_playout_stats stats;
  paw_playout_get_stats(stage->player, &stats);
  return stats;
}

/* ---- looking at what was heard ---- */

size_t stage_find(const struct stage *stage, size_t from, size_t frames) {
  size_t channels = stage->config.channels;
  const int16_t *wanted = &stage->wanted[from * channels];
  for (size_t at = 0; at + frames <= stage->heard_frames; at++) {
    if (memcmp(&stage->heard[at * channels], wanted, frames * channels * sizeof wanted[0]) == 0) {
      return at - from;
    }
  }
  fail_msg("%zu frames from %zu were not heard exactly", frames, from);
  return 0;
}

size_t stage_place(const struct stage *stage, uint64_t time_ns) {
  return (size_t)((time_ns - stage->begin_ns - stage->lead_ns) * 6 / 125000);
}

double stage_level(const struct stage *stage, size_t from, size_t until) {
  size_t channels = stage->config.channels;
  size_t count = (until - from) * channels;
  assert_true(until <= stage->heard_frames && until > from);
  return sqrt(signal_energy(&stage->heard[from * channels], count) / (double)count);
}

int stage_greatest_step(const struct stage *stage, size_t from, size_t until) {
  size_t channels = stage->config.channels;
  int greatest = 0;
  for (size_t i = (from + 1) * channels; i < until * channels; i++) {
    int step = abs(stage->heard[i] - stage->heard[i - channels]);
    greatest = step > greatest ? step : greatest;
  }
  return greatest;
}

double stage_early_ms(const struct stage *stage) {
  return (double)paw_playout_pace_early_ns(stage->player) / (double)PAW_NS_PER_MS;
}

void stage_set_target_ms(struct stage *stage, uint64_t target_ms) {
  stage->player->delay.fixed_ns = (int64_t)(target_ms * PAW_NS_PER_MS);
  stage->player->delay.target_ns = stage->player->delay.fixed_ns;
}

int stage_roughness(const struct stage *stage, size_t from, size_t until) {
  size_t channels = stage->config.channels;
  int greatest = 0;
  for (size_t i = (from + 1) * channels; i + channels < until * channels; i++) {
    int bend = abs(stage->heard[i - channels] - 2 * stage->heard[i] + stage->heard[i + channels]);
    greatest = bend > greatest ? bend : greatest;
  }
  return greatest;
}
