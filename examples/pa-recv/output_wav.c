/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "output.h"
#include "system.h"
#include "wav.h"

#define TICK_NS (10 * PAW_NS_PER_MS)
#define TICKS_PER_SYNC 100 /* the header is true at least once a second */

enum wav_state { WAV_CLOSED, WAV_READY, WAV_WRITING };

struct output_wav {
  struct output base;
  const char *path;
  enum wav_state state;
  struct wav_writer writer;
  struct loop_timer timer;
  struct output_clock clock;
  unsigned ticks;
  struct fault fault;
};

static int take(void *user_data, const int16_t *pcm, size_t frames) {
  struct output_wav *wav = user_data;
  return wav_writer_write(&wav->writer, pcm, frames, &wav->fault);
}

static void tick(void *user_data, uint64_t now_ns) {
  struct output_wav *wav = user_data;
  const struct output_config *config = &wav->base.config;
  int status = output_clock_render(&wav->clock, now_ns, config->player, take, wav);
  wav->ticks++;
  if (status == 0 && wav->ticks % TICKS_PER_SYNC == 0) {
    status = wav_writer_sync(&wav->writer, &wav->fault);
  }
  if (status != 0) {
    config->failed(config->user_data, &wav->fault);
    return;
  }
  loop_timer_set(&wav->timer, now_ns + TICK_NS);
}

static int wav_start(struct output *output, struct fault *fault) {
  struct output_wav *wav = (struct output_wav *)output;
  if (wav_writer_open(&wav->writer, wav->path, PLAYER_RATE_HZ, PLAYER_CHANNELS, fault) != 0) {
    return -1;
  }
  wav->state = WAV_READY;
  return 0;
}

static void wav_expect_sound(struct output *output, uint64_t now_ns) {
  struct output_wav *wav = (struct output_wav *)output;
  if (wav->state != WAV_READY) {
    return;
  }
  wav->state = WAV_WRITING;
  output_clock_start(&wav->clock, now_ns);
  loop_timer_set(&wav->timer, now_ns + TICK_NS);
}

static uint64_t wav_get_xruns(const struct output *output) {
  (void)output;
  return 0;
}

static void wav_free(struct output *output) {
  struct output_wav *wav = (struct output_wav *)output;
  loop_timer_wipe(output->config.loop, &wav->timer);
  if (wav->state != WAV_CLOSED && wav_writer_close(&wav->writer, &wav->fault) != 0) {
    system_tell(&output->config.log, PAW_LOG_ERROR, "wav", "%s", wav->fault.text);
  }
  free(wav);
}

struct output *output_wav_new(const struct output_config *config, const char *path) {
  static const struct output_ops ops = {.start = wav_start,
                                        .expect_sound = wav_expect_sound,
                                        .get_xruns = wav_get_xruns,
                                        .free = wav_free};
  struct output_wav *wav = calloc(1, sizeof *wav);
  if (wav == NULL) {
    return NULL;
  }
  wav->base = (struct output){.ops = &ops, .config = *config};
  wav->path = path;
  loop_timer_init(config->loop, &wav->timer, tick, wav);
  return &wav->base;
}
