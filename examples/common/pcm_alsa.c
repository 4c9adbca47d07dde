/* SPDX-License-Identifier: MIT */
#include "pcm_alsa.h"

#include <alsa/asoundlib.h>

#include "alsa_devices.h"
#include "system.h"

#define CHANNELS 2
#define RATE_HZ 48000
/* How exactly the delay of the device is wanted, and how often it is asked for at most. */
#define DELAY_PRECISION_NS (500 * UINT64_C(1000))
#define DELAY_TRIES_MAX 4

static snd_pcm_t *handle_of(void *user_data) {
  return ((struct pcm_alsa *)user_data)->handle;
}

static int set_hardware(snd_pcm_t *handle, struct pcm_geometry *geometry) {
  snd_pcm_hw_params_t *hardware;
  snd_pcm_hw_params_alloca(&hardware);
  snd_pcm_uframes_t buffer = geometry->buffer_frames;
  snd_pcm_uframes_t period = geometry->period_frames;
  int status = snd_pcm_hw_params_any(handle, hardware);
  if (status >= 0) {
    status = snd_pcm_hw_params_set_access(handle, hardware, SND_PCM_ACCESS_RW_INTERLEAVED);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params_set_format(handle, hardware, SND_PCM_FORMAT_S16);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params_set_channels(handle, hardware, CHANNELS);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params_set_rate(handle, hardware, RATE_HZ, 0);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params_set_period_size_near(handle, hardware, &period, NULL);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params_set_buffer_size_near(handle, hardware, &buffer);
  }
  if (status >= 0) {
    status = snd_pcm_hw_params(handle, hardware);
  }
  geometry->buffer_frames = buffer;
  geometry->period_frames = period;
  return status;
}

static int set_software(snd_pcm_t *handle, const struct pcm_geometry *geometry) {
  snd_pcm_sw_params_t *software;
  snd_pcm_sw_params_alloca(&software);
  /* Starting with a full buffer keeps an under-run from being followed by the next one. */
  snd_pcm_uframes_t full =
      geometry->buffer_frames / geometry->period_frames * geometry->period_frames;
  int status = snd_pcm_sw_params_current(handle, software);
  if (status >= 0) {
    status = snd_pcm_sw_params_set_start_threshold(handle, software, full);
  }
  if (status >= 0) {
    status = snd_pcm_sw_params_set_avail_min(handle, software, geometry->period_frames);
  }
  if (status >= 0) {
    status = snd_pcm_sw_params(handle, software);
  }
  return status;
}

static int pcm_open(void *user_data, const char *device, struct pcm_geometry *geometry) {
  struct pcm_alsa *pcm = user_data;
  snd_pcm_t *handle = NULL;
  int status = snd_pcm_open(&handle, device, SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK);
  if (status < 0) {
    return status;
  }
  status = set_hardware(handle, geometry);
  if (status >= 0) {
    status = set_software(handle, geometry);
  }
  if (status < 0) {
    snd_pcm_close(handle);
    return status;
  }
  pcm->handle = handle;
  return 0;
}

static void pcm_close(void *user_data) {
  struct pcm_alsa *pcm = user_data;
  snd_pcm_drop(pcm->handle);
  snd_pcm_close(pcm->handle);
  pcm->handle = NULL;
}

static long pcm_avail(void *user_data) {
  return snd_pcm_avail(handle_of(user_data));
}

/* The time is taken around the question; when something came between, it is asked again. */
static int pcm_delay(void *user_data, long *frames, uint64_t *now_ns) {
  snd_pcm_sframes_t delay = 0;
  int status = 0;
  for (int tries = 0; tries < DELAY_TRIES_MAX; tries++) {
    uint64_t before_ns = system_now_ns();
    status = snd_pcm_delay(handle_of(user_data), &delay);
    uint64_t taken_ns = system_now_ns() - before_ns;
    *now_ns = before_ns + taken_ns / 2;
    if (status < 0 || taken_ns < DELAY_PRECISION_NS) {
      break;
    }
  }
  *frames = delay;
  return status;
}

static long pcm_write(void *user_data, const int16_t *pcm, unsigned long frames) {
  return snd_pcm_writei(handle_of(user_data), pcm, frames);
}

static int pcm_prepare(void *user_data) {
  return snd_pcm_prepare(handle_of(user_data));
}

static int pcm_resume(void *user_data) {
  return snd_pcm_resume(handle_of(user_data));
}

static int pcm_descriptors(void *user_data, struct pollfd *out, int max) {
  int count = snd_pcm_poll_descriptors_count(handle_of(user_data));
  if (count < 0 || count > max) {
    return count < 0 ? count : -E2BIG;
  }
  return snd_pcm_poll_descriptors(handle_of(user_data), out, (unsigned)count);
}

static int pcm_revents(void *user_data, struct pollfd *polled, int count, unsigned short *events) {
  return snd_pcm_poll_descriptors_revents(handle_of(user_data), polled, (unsigned)count, events);
}

struct pcm_ops pcm_alsa_ops(struct pcm_alsa *pcm) {
  alsa_silence();
  return (struct pcm_ops){.open = pcm_open,
                          .close = pcm_close,
                          .avail = pcm_avail,
                          .delay = pcm_delay,
                          .write = pcm_write,
                          .prepare = pcm_prepare,
                          .resume = pcm_resume,
                          .descriptors = pcm_descriptors,
                          .revents = pcm_revents,
                          .user_data = pcm};
}

/* Tells it when it is for playing, and is "null" or not as wanted. */
const char *pcm_alsa_error_text(int error) {
  return snd_strerror(error);
}
