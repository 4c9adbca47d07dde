/* SPDX-License-Identifier: MIT */
#include "alsa_out.h"

#include <errno.h>
#include <string.h>

#define CHANNELS 2
#define RATE_HZ 48000
/* Under-runs repaired in one call. A device that fails at once each time gets no more attempts
 * until it is asked for again. */
#define REPAIRS_MAX 3

void alsa_out_init(struct alsa_out *out, const struct pcm_ops *ops, const char *device,
                   const struct pcm_geometry *asked) {
  memset(out, 0, sizeof *out);
  out->ops = *ops;
  out->device = device;
  out->asked = *asked;
}

int alsa_out_open(struct alsa_out *out) {
  out->obtained = out->asked;
  int status = out->ops.open(out->ops.user_data, out->device, &out->obtained);
  if (status < 0) {
    return status;
  }
  out->block_frames = 0;
  out->block_done = 0;
  out->state = ALSA_OUT_FILLING;
  return 0;
}

void alsa_out_close(struct alsa_out *out) {
  if (out->state == ALSA_OUT_CLOSED) {
    return;
  }
  out->ops.close(out->ops.user_data);
  out->state = ALSA_OUT_CLOSED;
}

/* Repair what can be repaired: 0 when writing may go on, -EAGAIN when it must wait, or the error.
 */
static int repair(struct alsa_out *out, int error) {
  int status = error;
  switch (error) {
  case -EPIPE:
    out->xruns++;
    out->state = ALSA_OUT_FILLING;
    status = out->ops.prepare(out->ops.user_data);
    break;
  case -ESTRPIPE:
    status = out->ops.resume(out->ops.user_data);
    if (status < 0 && status != -EAGAIN) {
      out->state = ALSA_OUT_FILLING;
      status = out->ops.prepare(out->ops.user_data);
    }
    break;
  case -EINTR:
    status = -EAGAIN;
    break;
  default:
    break;
  }
  return status;
}

static uint64_t frames_ns(unsigned long frames) {
  return (uint64_t)frames * PAW_NS_PER_S / RATE_HZ;
}

/* When the next frame that is written will be heard.
 *
 * ALSA's pulse plug-in knows no delay before the stream has begun. What is in the buffer is then
 * the best guess; if the device is gone, writing tells. */
static uint64_t next_play_ns(struct alsa_out *out, unsigned long room, uint64_t now_ns) {
  long ahead = 0;
  uint64_t asked_ns = now_ns;
  if (out->ops.delay(out->ops.user_data, &ahead, &asked_ns) < 0 || ahead < 0) {
    ahead = (long)(out->obtained.buffer_frames - room);
    asked_ns = now_ns;
  }
  return asked_ns + frames_ns((unsigned long)ahead);
}

/* Write until there is no room: the frames written, or a negative errno. */
static long fill(struct alsa_out *out, unsigned long room, uint64_t now_ns, render_fn *render,
                 void *user_data) {
  unsigned long written = 0;
  uint64_t play_ns = room > 0 ? next_play_ns(out, room, now_ns) : 0;
  while (written < room) {
    if (out->block_done == out->block_frames) {
      unsigned long left = room - written;
      out->block_frames = left < ALSA_OUT_CHUNK_FRAMES ? left : ALSA_OUT_CHUNK_FRAMES;
      out->block_done = 0;
      render(user_data, out->block, out->block_frames, play_ns + frames_ns(written));
    }
    long taken = out->ops.write(out->ops.user_data, out->block + out->block_done * CHANNELS,
                                out->block_frames - out->block_done);
    if (taken == -EAGAIN || taken == 0) {
      break;
    }
    if (taken < 0) {
      return taken;
    }
    out->block_done += (size_t)taken;
    written += (unsigned long)taken;
  }
  return (long)written;
}

long alsa_out_service(struct alsa_out *out, uint64_t now_ns, render_fn *render, void *user_data) {
  for (int repairs = 0; repairs <= REPAIRS_MAX; repairs++) {
    long status = out->ops.avail(out->ops.user_data);
    if (status >= 0) {
      status = fill(out, (unsigned long)status, now_ns, render, user_data);
    }
    if (status >= 0) {
      if (status > 0) {
        out->state = ALSA_OUT_RUNNING;
      }
      return status;
    }
    int repaired = repair(out, (int)status);
    if (repaired == -EAGAIN) {
      return 0;
    }
    if (repaired < 0) {
      return repaired;
    }
  }
  return 0;
}
