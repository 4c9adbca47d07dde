/* SPDX-License-Identifier: MIT */
#include <alsa/asoundlib.h>
#include <stdlib.h>
#include <string.h>

#include "allowance.h"
#include "alsa_devices.h"
#include "drift.h"
#include "source.h"
#include "system.h"

#define RATE_HZ 48000
#define PERIOD_US 10000
/* The device's own buffer rides out a loop that is held up. */
#define BUFFER_US 200000
/* A lost device is tried again so often. */
#define RETRY_NS PAW_NS_PER_S
/* Overruns and suspends mended in one read; a device that has more of them waits for the next. */
#define RECOVERIES_MAX 3
/* Read from the device in one go: 20 ms at 48 kHz. */
#define CHUNK_FRAMES 960

struct alsa_source {
  struct source base;
  const char *device;
  snd_pcm_t *pcm; /* NULL: lost */
  uint64_t retry_ns;
  struct allowance allowance;
  bool ahead; /* faster than time: told once */
  struct drift drift;
};

/* ---- the device ---- */

/* A step that failed and why, for one line. */
static int give_up(const struct alsa_source *alsa, const char *what, int status,
                   struct fault *fault) {
  return fault_set(fault, "alsa:%s: %s: %s", alsa->device, what, snd_strerror(status));
}

static int set_hardware(struct alsa_source *alsa, unsigned *rate_hz, unsigned *channels,
                        snd_pcm_uframes_t *buffer_frames) {
  snd_pcm_hw_params_t *params = NULL;
  snd_pcm_hw_params_alloca(&params);
  unsigned period_us = PERIOD_US;
  unsigned buffer_us = BUFFER_US;
  snd_pcm_t *pcm = alsa->pcm;
  int status = snd_pcm_hw_params_any(pcm, params);
  if (status >= 0) {
    status = snd_pcm_hw_params_set_access(pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params_set_format(pcm, params, SND_PCM_FORMAT_S16);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params_set_channels_near(pcm, params, channels);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params_set_rate_near(pcm, params, rate_hz, NULL);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params_set_period_time_near(pcm, params, &period_us, NULL);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params_set_buffer_time_near(pcm, params, &buffer_us, NULL);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params(pcm, params);
  }
  return status >= 0 ? snd_pcm_hw_params_get_buffer_size(params, buffer_frames) : status;
}

static void close_device(struct alsa_source *alsa) {
  if (alsa->pcm != NULL) {
    (void)snd_pcm_close(alsa->pcm);
    alsa->pcm = NULL;
  }
}

static int open_device(struct alsa_source *alsa, struct fault *fault) {
  unsigned rate_hz = RATE_HZ;
  unsigned channels = alsa->base.channels > 0 ? alsa->base.channels : 2;
  snd_pcm_uframes_t buffer_frames = 0;
  int status = snd_pcm_open(&alsa->pcm, alsa->device, SND_PCM_STREAM_CAPTURE, SND_PCM_NONBLOCK);
  if (status < 0) {
    alsa->pcm = NULL;
    (void)give_up(alsa, "cannot open it for capture", status, fault);
    if (status == -ENOENT || status == -ENODEV) {
      alsa_devices_append(ALSA_CAPTURE, fault);
    }
    return -1;
  }
  status = set_hardware(alsa, &rate_hz, &channels, &buffer_frames);
  if (status >= 0 && channels > DRIFT_CHANNELS_MAX) {
    status = -EINVAL;
  }
  if (status >= 0) {
    status = snd_pcm_start(alsa->pcm);
  }
  if (status < 0) {
    close_device(alsa);
    return give_up(
        alsa,
        "cannot capture 16 bit PCM with it (a name that begins with plughw: or default converts)",
        status, fault);
  }
  alsa->base.channels = (uint8_t)channels;
  drift_init(&alsa->drift, (uint8_t)channels, rate_hz);
  allowance_init(&alsa->allowance, rate_hz, buffer_frames, system_now_ns());
  return 0;
}

/* ---- reading ---- */

static void lose_device(struct alsa_source *alsa, int status, uint64_t now_ns) {
  system_tell(&alsa->base.log, PAW_LOG_ERROR, "source",
              "alsa:%s: capture failed: %s; sending silence and trying again", alsa->device,
              snd_strerror(status));
  close_device(alsa);
  alsa->retry_ns = now_ns + RETRY_NS;
}

static void regain_device(struct alsa_source *alsa, uint64_t now_ns) {
  struct fault fault;
  uint8_t channels = alsa->base.channels;
  if (now_ns < alsa->retry_ns) {
    return;
  }
  alsa->retry_ns = now_ns + RETRY_NS;
  if (open_device(alsa, &fault) != 0) {
    system_tell(&alsa->base.log, PAW_LOG_DEBUG, "source", "%s", fault.text);
  } else if (alsa->base.channels != channels) {
    alsa->base.channels = channels;
    close_device(alsa);
  } else {
    system_tell(&alsa->base.log, PAW_LOG_WARNING, "source", "alsa:%s: captures again",
                alsa->device);
  }
}

/* Mend an overrun (EPIPE) or a suspend: a gap, not an end. */
static void recover_device(struct alsa_source *alsa, int reason, uint64_t now_ns) {
  int status = snd_pcm_recover(alsa->pcm, reason, 1);
  if (status == 0) {
    status = snd_pcm_start(alsa->pcm);
  }
  if (status < 0) {
    lose_device(alsa, status, now_ns);
  }
}

/* `null`, `file` and the like are always ready: they are read as fast as time passes. */
static void tell_if_ahead(struct alsa_source *alsa) {
  if (!alsa->ahead && allowance_is_ahead(&alsa->allowance)) {
    alsa->ahead = true;
    system_tell(&alsa->base.log, PAW_LOG_WARNING, "source",
                "alsa:%s: gives sound faster than time passes, so it is no real device; it is read "
                "in real time",
                alsa->device);
  }
}

/* Everything the device has, but never more than time allows. */
static void drain_device(struct alsa_source *alsa, uint64_t now_ns) {
  int16_t chunk[CHUNK_FRAMES * DRIFT_CHANNELS_MAX];
  size_t left = allowance_get(&alsa->allowance, now_ns);
  size_t taken = 0;
  unsigned recoveries = 0;
  while (alsa->pcm != NULL && taken < left && recoveries < RECOVERIES_MAX) {
    size_t want = left - taken < CHUNK_FRAMES ? left - taken : CHUNK_FRAMES;
    snd_pcm_sframes_t got = snd_pcm_readi(alsa->pcm, chunk, want);
    if (got == -EAGAIN || got == 0) {
      break;
    }
    if (got < 0) {
      recoveries++;
      recover_device(alsa, (int)got, now_ns);
    } else {
      drift_push(&alsa->drift, chunk, (size_t)got);
      taken += (size_t)got;
    }
  }
  allowance_take(&alsa->allowance, taken);
  tell_if_ahead(alsa);
}

static enum source_verdict read_alsa(struct source *source, uint64_t now_ns, int16_t *pcm,
                                     size_t frames, size_t *got) {
  struct alsa_source *alsa = (struct alsa_source *)source;
  if (alsa->pcm == NULL) {
    regain_device(alsa, now_ns);
  }
  drain_device(alsa, now_ns);
  *got = drift_pull(&alsa->drift, pcm, frames);
  source->age_ns = drift_get_delay_ns(&alsa->drift);
  return *got < frames ? SOURCE_SHORT : SOURCE_FULL;
}

static void close_alsa(struct source *source) {
  struct alsa_source *alsa = (struct alsa_source *)source;
  close_device(alsa);
  free(alsa);
  (void)snd_config_update_free_global();
}

static const struct source_ops ops = {.read = read_alsa, .close = close_alsa};

int source_alsa_open(const char *name, const struct paw_log *log, struct source **out,
                     struct fault *fault) {
  struct alsa_source *alsa = calloc(1, sizeof *alsa);
  if (alsa == NULL) {
    return fault_set(fault, "%s: out of memory", name);
  }
  alsa->base = (struct source){.ops = &ops, .name = name, .log = *log};
  alsa->device = name + 5;
  alsa_silence();
  if (open_device(alsa, fault) != 0) {
    free(alsa);
    return -1;
  }
  *out = &alsa->base;
  return 0;
}
