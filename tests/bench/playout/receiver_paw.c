/* SPDX-License-Identifier: MIT */
/* The library's player, as it is. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/playout/opus_meter.h"
#include "bench/playout/receiver.h"
#include "kit/alloc.h"
#include "playout/playout.h"

/* A call that took longer was interrupted by something else, and is left out: decoding ten frames
 * anew takes a third of it. */
#define INTERRUPTED_NS (1000 * UINT64_C(1000))

struct paw_receiver {
  struct paw_playout *player;
  struct receiver_config config;
  struct paw_playout_stats stats; /* as of the last rendering */
  int16_t *pcm;
  uint64_t calls;
  uint64_t spent_ns;
  uint64_t begin_ns;
  struct opus_meter begin_opus;
  uint64_t allocations;
};

/* Around each call of the library. */
static void begin(struct paw_receiver *self) {
  if (self->config.is_timed) {
    opus_meter.is_on = true;
    kit_malloc_start();
    self->begin_opus = opus_meter;
    self->begin_ns = opus_meter_now_ns();
  }
}

static void end(struct paw_receiver *self) {
  if (self->config.is_timed) {
    uint64_t spent_ns = opus_meter_now_ns() - self->begin_ns;
    if (spent_ns < INTERRUPTED_NS) {
      self->spent_ns += spent_ns;
      self->calls++;
    } else {
      opus_meter = self->begin_opus;
    }
    opus_meter.is_on = false;
    self->allocations += kit_malloc_stop().allocations;
  }
}

static void take(void *context, uint64_t now_ns, const struct paw_audio_packet *packet) {
  struct paw_receiver *self = context;
  begin(self);
  (void)paw_playout_handle_input(self->player, now_ns, packet);
  end(self);
}

static bool poll(void *context, uint64_t now_ns, struct receiver_asks *asks,
                 uint64_t *deadline_ns) {
  struct paw_receiver *self = context;
  struct paw_playout_output out;
  begin(self);
  paw_playout_poll_output(self->player, now_ns, &out);
  end(self);
  if (out.kind == PAW_OUTPUT_TIMEOUT) {
    *deadline_ns = out.timeout.deadline_ns;
    return false;
  }
  if (out.event.kind == PAW_PLAYOUT_EVENT_NACK) {
    for (size_t i = 0; i < out.event.count; i++) {
      asks->sequences[asks->count++] = out.event.sequences[i];
    }
  }
  return true;
}

/* Of the sample that comes out next, from the first of the stream on. */
static int64_t place(const struct paw_receiver *self) {
  uint64_t position_rtp = paw_playout_position_rtp(self->player);
  return (int32_t)((uint32_t)position_rtp - self->config.first_timestamp_rtp);
}

static void render(void *context, uint64_t now_ns, struct heard *heard) {
  struct paw_receiver *self = context;
  size_t frames = self->config.chunk_frames;
  bool played = self->player->state == PAW_PLAYOUT_PLAYING;
  int64_t media = place(self);
  uint64_t concealed = self->stats.concealed_samples;
  begin(self);
  paw_playout_render(self->player, self->pcm, frames, now_ns);
  end(self);
  paw_playout_get_stats(self->player, &self->stats);
  bool plays = self->player->state == PAW_PLAYOUT_PLAYING;
  heard_note(heard, &(struct heard_piece){
                        .pcm = self->pcm,
                        .frames = frames,
                        .play_ns = now_ns,
                        .media = played ? media : place(self) - (int64_t)frames,
                        .is_there = plays,
                        .is_sound = played && self->stats.concealed_samples == concealed,
                    });
}

static void count(void *context, struct receiver_counts *out) {
  struct paw_receiver *self = context;
  const struct paw_playout_stats *stats = &self->stats;
  *out = (struct receiver_counts){
      .total_samples = stats->total_samples,
      .concealed_samples = stats->concealed_samples,
      .longest_gap_samples = stats->longest_concealment_samples,
      .concealment_events = stats->concealment_events,
      .nack = stats->recovered_nack,
      .red = stats->recovered_red,
      .lbrr = stats->recovered_fec,
      .late = stats->recovered_late,
  };
}

static void describe(void *context, char *out, size_t size) {
  const struct paw_receiver *self = context;
  const struct paw_playout_stats *stats = &self->stats;
  (void)snprintf(out, size,
                 "target %.1f ms at the end; %llu lost, %llu late, %llu dropped, %llu outages, "
                 "%llu rewinds, %llu resyncs; %.0f ms put in, %.0f ms left out",
                 (double)stats->target_delay_ns / 1e6, (unsigned long long)stats->packets_lost,
                 (unsigned long long)stats->packets_late,
                 (unsigned long long)stats->packets_dropped, (unsigned long long)stats->outages,
                 (unsigned long long)stats->decoder_rewinds, (unsigned long long)stats->resyncs,
                 (double)stats->inserted_samples / 48, (double)stats->removed_samples / 48);
}

static void free_self(void *context) {
  struct paw_receiver *self = context;
  paw_playout_free(self->player);
  free(self->pcm);
  free(self);
}

static const struct receiver_kind kind = {.take = take,
                                          .poll = poll,
                                          .render = render,
                                          .count = count,
                                          .describe = describe,
                                          .free = free_self};

static uint64_t from_ms(double ms) {
  return (uint64_t)(ms * (double)PAW_NS_PER_MS);
}

bool receiver_paw_new(struct receiver *receiver, const struct receiver_config *config) {
  struct paw_receiver *self = calloc(1, sizeof *self);
  struct paw_playout_config player;
  paw_playout_config_init(&player);
  player.channels = 1;
  player.profile = config->announcement ? PAW_PLAYOUT_ANNOUNCEMENT : PAW_PLAYOUT_LIVE;
  player.target_delay_ns = from_ms(config->fixed_ms);
  player.start_delay_ns = config->start_ms > 0 ? from_ms(config->start_ms) : player.start_delay_ns;
  player.cap_delay_ns = from_ms(config->cap_ms);
  player.late_weight_ms = config->weight_ms;
  *receiver = (struct receiver){.kind = &kind, .self = self, .chunk_frames = config->chunk_frames};
  self->config = *config;
  self->pcm = calloc(config->chunk_frames, sizeof *self->pcm);
  if (paw_playout_new(&player, &self->player) != PAW_OK) {
    return false;
  }
  paw_playout_set_nack(self->player, config->nack);
  paw_playout_set_rtt(self->player, config->rtt_ns);
  return true;
}

struct receiver_cost receiver_paw_cost(const struct receiver *receiver, uint64_t frames) {
  const struct paw_receiver *self = receiver->self;
  double pair_ns = opus_meter_cost_ns();
  /* Of a pair, about half lies within the time it measures; within libopus' time lies all of it. */
  double player_ns = (double)self->spent_ns - pair_ns * (double)(self->calls + opus_meter.calls);
  double opus_ns = (double)opus_meter.ns - pair_ns * (double)opus_meter.calls;
  return (struct receiver_cost){.player_us = player_ns / (double)frames / 1000,
                                .opus_us = opus_ns / (double)frames / 1000,
                                .allocations = self->allocations};
}
