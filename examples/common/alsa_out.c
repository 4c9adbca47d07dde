/* SPDX-License-Identifier: MIT */
#include "alsa_out.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS 2
#define RATE_HZ 48000
/* Under-runs repaired in one call. A device that fails at once each time gets no more attempts
 * until it is asked for again. */
#define REPAIRS_MAX 3
/* A device has no clock when, within a second or less, it takes half as much again as time allows,
 * and this many buffers besides: those that sound servers fill in one go at the start. */
#define AHEAD_BUFFERS 4
#define WINDOW_NS PAW_NS_PER_S
/* The play time follows what the device says of its delay no faster than its clock may be off; that
 * of any is off by less. Sound servers estimate, and on a busy machine they are tens of
 * milliseconds wrong for seconds: who followed that would jump to and fro in the sound. Just after
 * the start, or when it is off by more than estimates are, the device is believed at once. */
#define DRIFT_PPM 1000
#define SETTLE_NS (100 * PAW_NS_PER_MS)
#define STEP_NS ((int64_t)(50 * PAW_NS_PER_MS))

static void set_state(struct alsa_out *out, enum alsa_out_state state) {
  static const bool allowed[4][4] = {
      [ALSA_OUT_CLOSED] = {[ALSA_OUT_FILLING] = true},
      [ALSA_OUT_FILLING] = {[ALSA_OUT_CLOSED] = true, [ALSA_OUT_RUNNING] = true},
      [ALSA_OUT_RUNNING] =
          {[ALSA_OUT_CLOSED] = true, [ALSA_OUT_FILLING] = true, [ALSA_OUT_UNTIMED] = true},
      [ALSA_OUT_UNTIMED] = {[ALSA_OUT_CLOSED] = true, [ALSA_OUT_FILLING] = true},
  };
  if (!allowed[out->state][state]) {
    abort();
  }
  out->state = state;
}

static void fill_anew(struct alsa_out *out) {
  out->next_ns = PAW_TIME_NEVER;
  if (out->state != ALSA_OUT_FILLING) {
    set_state(out, ALSA_OUT_FILLING);
  }
}

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
  out->next_ns = PAW_TIME_NEVER;
  set_state(out, ALSA_OUT_FILLING);
  return 0;
}

void alsa_out_close(struct alsa_out *out) {
  if (out->state == ALSA_OUT_CLOSED) {
    return;
  }
  out->ops.close(out->ops.user_data);
  set_state(out, ALSA_OUT_CLOSED);
}

/* Repair what can be repaired: 0 when writing may go on, -EAGAIN when it must wait, or the error.
 */
static int repair(struct alsa_out *out, int error) {
  int status = error;
  switch (error) {
  case -EPIPE:
    out->xruns++;
    fill_anew(out);
    status = out->ops.prepare(out->ops.user_data);
    break;
  case -ESTRPIPE:
    status = out->ops.resume(out->ops.user_data);
    if (status < 0 && status != -EAGAIN) {
      fill_anew(out);
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

static uint64_t frames_of(uint64_t duration_ns) {
  return duration_ns / PAW_NS_PER_S * RATE_HZ + duration_ns % PAW_NS_PER_S * RATE_HZ / PAW_NS_PER_S;
}

/* How much an UNTIMED device is given now: whole periods, so that it is not asked all the time. */
static unsigned long due_frames(const struct alsa_out *out, unsigned long room, uint64_t now_ns) {
  uint64_t due = frames_of(now_ns - out->since_ns) - out->frames;
  if (due < out->obtained.period_frames) {
    return 0;
  }
  return due < room ? (unsigned long)due : room;
}

/* Something was taken. */
static void note_taken(struct alsa_out *out, unsigned long frames, uint64_t now_ns) {
  if (out->state == ALSA_OUT_FILLING) {
    set_state(out, ALSA_OUT_RUNNING);
    out->since_ns = now_ns;
    out->frames = 0;
  }
  out->frames += frames;
  if (out->next_ns != PAW_TIME_NEVER) {
    out->next_ns += frames_ns(frames);
  }
  if (out->state == ALSA_OUT_UNTIMED) {
    return;
  }
  uint64_t passed_ns = now_ns - out->since_ns;
  uint64_t credible =
      frames_of(passed_ns + passed_ns / 2) + AHEAD_BUFFERS * out->obtained.buffer_frames;
  if (out->frames > credible) {
    set_state(out, ALSA_OUT_UNTIMED);
  }
  if (out->frames > credible || passed_ns > WINDOW_NS) {
    out->since_ns = now_ns;
    out->frames = 0;
  }
}

/* `said_ns` is when the next frame will be heard by what the device says at `asked_ns`. */
static uint64_t follow(struct alsa_out *out, uint64_t said_ns, uint64_t asked_ns) {
  if (out->next_ns == PAW_TIME_NEVER) {
    out->next_ns = said_ns;
    out->asked_ns = asked_ns;
    out->settled_ns = asked_ns + SETTLE_NS;
  }
  uint64_t passed_ns = asked_ns > out->asked_ns ? asked_ns - out->asked_ns : 0;
  int64_t most_ns = (int64_t)(passed_ns / (1000000 / DRIFT_PPM));
  int64_t off_ns = (int64_t)(said_ns - out->next_ns);
  if (asked_ns < out->settled_ns || off_ns < -STEP_NS || off_ns > STEP_NS) {
    out->next_ns = said_ns;
  } else if (off_ns < -most_ns) {
    out->next_ns -= (uint64_t)most_ns;
  } else {
    out->next_ns += (uint64_t)(off_ns < most_ns ? off_ns : most_ns);
  }
  out->asked_ns = asked_ns;
  return out->next_ns;
}

/* When the next frame that is written will be heard.
 *
 * ALSA's pulse plug-in knows no delay before the stream has begun. What is in the buffer is then
 * the best guess; if the device is gone, writing tells. */
static uint64_t next_play_ns(struct alsa_out *out, unsigned long room, uint64_t now_ns) {
  if (out->state == ALSA_OUT_UNTIMED) {
    return out->since_ns + frames_ns(out->frames);
  }
  long ahead = 0;
  uint64_t asked_ns = now_ns;
  if (out->ops.delay(out->ops.user_data, &ahead, &asked_ns) < 0 || ahead < 0) {
    ahead = (long)(out->obtained.buffer_frames - room);
    asked_ns = now_ns;
  }
  uint64_t said_ns = asked_ns + frames_ns((unsigned long)ahead);
  return out->state == ALSA_OUT_FILLING ? said_ns : follow(out, said_ns, asked_ns);
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
      unsigned long room = (unsigned long)status;
      room = out->state == ALSA_OUT_UNTIMED ? due_frames(out, room, now_ns) : room;
      status = fill(out, room, now_ns, render, user_data);
    }
    if (status > 0) {
      note_taken(out, (unsigned long)status, now_ns);
    }
    if (status >= 0) {
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
