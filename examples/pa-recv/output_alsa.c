/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alsa_devices.h"
#include "alsa_out.h"
#include "backoff.h"
#include "output.h"
#include "pcm_alsa.h"
#include "system.h"

/* Of one device; a plug over dmix has two. */
#define DESCRIPTORS_MAX 8
/* A device that wakes us without taking anything is left alone for so long. */
#define PAUSE_NS (5 * PAW_NS_PER_MS)
/* While there is no device, the player goes on in steps of this. */
#define TICK_NS (10 * PAW_NS_PER_MS)
#define REOPEN_FIRST_NS (500 * PAW_NS_PER_MS)
#define REOPEN_CAP_NS (5 * PAW_NS_PER_S)

/*
 *              start                  nothing taken
 *   STOPPED ----------> POLLED <-------------------> PAUSED
 *                         |   ^       5 ms later       |
 *          device is gone |   | opened again           | device is gone
 *                         v   |                        v
 *                         AWAY <-----------------------+
 */
enum device_state { DEVICE_STOPPED, DEVICE_POLLED, DEVICE_PAUSED, DEVICE_AWAY };

struct output_alsa {
  struct output base;
  enum device_state state;
  struct pcm_alsa pcm;
  struct alsa_out out;
  struct pollfd descriptors[DESCRIPTORS_MAX];
  int descriptor_count;
  struct loop_timer timer;
  struct output_clock away; /* paces the player while there is no device */
  struct backoff backoff;
  uint64_t reopen_ns;
};

static void descriptor_ready(void *user_data, int fd, short ready);

static void unwatch(struct output_alsa *alsa) {
  for (int i = 0; i < alsa->descriptor_count; i++) {
    loop_unwatch(alsa->base.config.loop, alsa->descriptors[i].fd);
  }
}

static int watch(struct output_alsa *alsa) {
  const struct pcm_ops *ops = &alsa->out.ops;
  int count = ops->descriptors(ops->user_data, alsa->descriptors, DESCRIPTORS_MAX);
  alsa->descriptor_count = count > 0 ? count : 0;
  for (int i = 0; i < alsa->descriptor_count; i++) {
    if (loop_watch(alsa->base.config.loop, alsa->descriptors[i].fd, alsa->descriptors[i].events,
                   descriptor_ready, alsa) != 0) {
      return -ENOMEM;
    }
  }
  return count < 0 ? count : 0;
}

/* Why a device does not open or has gone, for people. */
static const char *reason_text(int error) {
  switch (error) {
  case -ENOENT:
  case -ENODEV:
    return "no such device";
  case -EBUSY:
    return "another program has it";
  case -EINVAL:
    return "it cannot play 48000 Hz, 16 bit, stereo; try the same name with \"plughw:\" in front "
           "or in place of \"hw:\"";
  default:
    return pcm_alsa_error_text(error);
  }
}

static void set_state(struct output_alsa *alsa, enum device_state state) {
  static const bool allowed[4][4] = {
      [DEVICE_STOPPED] = {[DEVICE_POLLED] = true},
      [DEVICE_POLLED] = {[DEVICE_PAUSED] = true, [DEVICE_AWAY] = true},
      [DEVICE_PAUSED] = {[DEVICE_POLLED] = true, [DEVICE_AWAY] = true},
      [DEVICE_AWAY] = {[DEVICE_POLLED] = true},
  };
  if (!allowed[alsa->state][state]) {
    abort();
  }
  alsa->state = state;
}

static void go_away(struct output_alsa *alsa, uint64_t now_ns, int error) {
  const struct output_config *config = &alsa->base.config;
  struct fault fault;
  fault_set(&fault, "--device %s: %s", alsa->out.device, reason_text(error));
  if (alsa->state == DEVICE_POLLED) {
    unwatch(alsa);
  }
  alsa_out_close(&alsa->out);
  set_state(alsa, DEVICE_AWAY);
  if (config->player->sounded_ns == PAW_TIME_NEVER) {
    config->failed(config->user_data, &fault);
    return;
  }
  system_tell(&config->log, PAW_LOG_WARNING, "alsa", "%s; trying again until it is back",
              fault.text);
  output_clock_start(&alsa->away, now_ns);
  alsa->reopen_ns = now_ns + REOPEN_FIRST_NS;
  loop_timer_set(&alsa->timer, now_ns + TICK_NS);
}

static void service(struct output_alsa *alsa, uint64_t now_ns) {
  const struct output_config *config = &alsa->base.config;
  config->fetch(config->user_data);
  long written = alsa_out_service(&alsa->out, now_ns, player_render, config->player);
  if (written < 0) {
    go_away(alsa, now_ns, (int)written);
  } else if (written == 0) {
    unwatch(alsa);
    set_state(alsa, DEVICE_PAUSED);
    loop_timer_set(&alsa->timer, now_ns + PAUSE_NS);
  }
}

static void descriptor_ready(void *user_data, int fd, short ready) {
  struct output_alsa *alsa = user_data;
  const struct pcm_ops *ops = &alsa->out.ops;
  unsigned short events = 0;
  /* ALSA translates its descriptors' events; those not told this time are empty. */
  for (int i = 0; i < alsa->descriptor_count; i++) {
    alsa->descriptors[i].revents = alsa->descriptors[i].fd == fd ? ready : 0;
  }
  int status = ops->revents(ops->user_data, alsa->descriptors, alsa->descriptor_count, &events);
  if (status < 0) {
    go_away(alsa, system_now_ns(), status);
  } else if (events != 0) {
    service(alsa, system_now_ns());
  }
}

static int open_device(struct output_alsa *alsa) {
  int status = alsa_out_open(&alsa->out);
  if (status != 0) {
    return status;
  }
  status = watch(alsa);
  if (status != 0) {
    unwatch(alsa);
    alsa_out_close(&alsa->out);
    return status;
  }
  set_state(alsa, DEVICE_POLLED);
  backoff_reset(&alsa->backoff);
  system_tell(&alsa->base.config.log, PAW_LOG_INFO, "alsa", "%s: buffer %lu, period %lu frames",
              alsa->out.device, alsa->out.obtained.buffer_frames, alsa->out.obtained.period_frames);
  return 0;
}

/* Keep the player in step with time while its samples go nowhere, and look for the device. */
static void tick_away(struct output_alsa *alsa, uint64_t now_ns) {
  const struct output_config *config = &alsa->base.config;
  struct player *player = config->player;
  config->fetch(config->user_data);
  (void)output_clock_render(&alsa->away, now_ns, player, NULL, NULL);
  if (now_ns >= alsa->reopen_ns) {
    if (open_device(alsa) == 0) {
      player_fade_in(player);
      service(alsa, now_ns);
      return;
    }
    uint32_t random = 0;
    (void)system_random((uint8_t *)&random, sizeof random);
    alsa->reopen_ns = now_ns + backoff_next(&alsa->backoff, random, 0);
  }
  loop_timer_set(&alsa->timer, now_ns + TICK_NS);
}

static void time_came(void *user_data, uint64_t now_ns) {
  struct output_alsa *alsa = user_data;
  switch (alsa->state) {
  case DEVICE_PAUSED:
    if (watch(alsa) != 0) {
      go_away(alsa, now_ns, -ENODEV);
      break;
    }
    set_state(alsa, DEVICE_POLLED);
    service(alsa, now_ns);
    break;
  case DEVICE_AWAY:
    tick_away(alsa, now_ns);
    break;
  case DEVICE_STOPPED:
  case DEVICE_POLLED:
    break;
  }
}

/* ---- devices by name ---- */

static void print_device(void *user_data, const char *name, const char *description) {
  (void)fprintf(user_data, "%-40s %s\n", name, description);
}

void output_list_devices(FILE *out) {
  alsa_devices_list(ALSA_PLAYBACK, print_device, out);
}

static int alsa_open(struct output *output, struct fault *fault) {
  struct output_alsa *alsa = (struct output_alsa *)output;
  int status = open_device(alsa);
  if (status == 0) {
    return 0;
  }
  fault_set(fault, "--device %s: %s", alsa->out.device, reason_text(status));
  if (status == -ENOENT || status == -ENODEV) {
    alsa_devices_append(ALSA_PLAYBACK, fault);
  }
  return -1;
}

static uint64_t alsa_get_lead_ns(const struct output *output) {
  const struct output_alsa *alsa = (const struct output_alsa *)output;
  return (uint64_t)alsa->out.obtained.buffer_frames * PAW_NS_PER_S / PLAYER_RATE_HZ;
}

static void alsa_start(struct output *output) {
  service((struct output_alsa *)output, system_now_ns());
}

static void alsa_expect_sound(struct output *output, uint64_t now_ns) {
  (void)output, (void)now_ns;
}

static uint64_t alsa_get_xruns(const struct output *output) {
  return ((const struct output_alsa *)output)->out.xruns;
}

static void alsa_free(struct output *output) {
  struct output_alsa *alsa = (struct output_alsa *)output;
  if (alsa->state == DEVICE_POLLED) {
    unwatch(alsa);
  }
  alsa_out_close(&alsa->out);
  loop_timer_wipe(output->config.loop, &alsa->timer);
  free(alsa);
}

struct output *output_alsa_new(const struct output_config *config, const char *device,
                               unsigned long buffer_frames, unsigned long period_frames) {
  static const struct output_ops ops = {.open = alsa_open,
                                        .get_lead_ns = alsa_get_lead_ns,
                                        .start = alsa_start,
                                        .expect_sound = alsa_expect_sound,
                                        .get_xruns = alsa_get_xruns,
                                        .free = alsa_free};
  const struct pcm_geometry geometry = {buffer_frames, period_frames};
  struct output_alsa *alsa = calloc(1, sizeof *alsa);
  if (alsa == NULL) {
    return NULL;
  }
  alsa->base = (struct output){.ops = &ops, .config = *config};
  struct pcm_ops pcm_ops = pcm_alsa_ops(&alsa->pcm);
  alsa_out_init(&alsa->out, &pcm_ops, device, &geometry);
  backoff_init(&alsa->backoff, REOPEN_FIRST_NS, REOPEN_CAP_NS);
  loop_timer_init(config->loop, &alsa->timer, time_came, alsa);
  return &alsa->base;
}
