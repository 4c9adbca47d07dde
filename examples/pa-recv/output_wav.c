/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "system.h"
#include "wav.h"

#define TICK_NS (10 * PAW_NS_PER_MS)
#define TICKS_PER_SYNC 100 /* the header is true at least once a second */

/*
 *           expect_sound
 *   WAITING ------------> WRITING
 */
enum wav_state { WAV_WAITING, WAV_WRITING };

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

static void set_state(struct output_wav *wav, enum wav_state state) {
  static const bool allowed[2][2] = {[WAV_WAITING] = {[WAV_WRITING] = true}};
  if (!allowed[wav->state][state]) {
    abort();
  }
  wav->state = state;
}

static int take(void *user_data, const int16_t *pcm, size_t frames) {
  struct output_wav *wav = user_data;
  return wav_writer_write(&wav->writer, pcm, frames, &wav->fault);
}

static void tick(void *user_data, uint64_t now_ns) {
  struct output_wav *wav = user_data;
  const struct output_config *config = &wav->base.config;
  config->fetch(config->user_data);
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

/* What the file holds stays until there is something to put in its place. */
static int wav_open(struct output *output, struct fault *fault) {
  const char *path = ((struct output_wav *)output)->path;
  bool is_new = access(path, F_OK) != 0;
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (fd < 0) {
    return fault_set(fault, "cannot write %s: %s", path, strerror(errno));
  }
  (void)close(fd);
  if (is_new) {
    (void)unlink(path);
  }
  return 0;
}

static uint64_t wav_get_lead_ns(const struct output *output) {
  (void)output;
  return 0;
}

static void wav_start(struct output *output) {
  (void)output;
}

static void wav_expect_sound(struct output *output, uint64_t now_ns) {
  struct output_wav *wav = (struct output_wav *)output;
  const struct output_config *config = &output->config;
  if (wav->state == WAV_WRITING) {
    return;
  }
  if (wav_writer_open(&wav->writer, wav->path, PLAYER_RATE_HZ, PLAYER_CHANNELS, &wav->fault) != 0) {
    config->failed(config->user_data, &wav->fault);
    return;
  }
  set_state(wav, WAV_WRITING);
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
  if (wav->state == WAV_WRITING && wav_writer_close(&wav->writer, &wav->fault) != 0) {
    system_tell(&output->config.log, PAW_LOG_ERROR, "wav", "%s", wav->fault.text);
  }
  free(wav);
}

struct output *output_wav_new(const struct output_config *config, const char *path) {
  static const struct output_ops ops = {.open = wav_open,
                                        .get_lead_ns = wav_get_lead_ns,
                                        .start = wav_start,
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
