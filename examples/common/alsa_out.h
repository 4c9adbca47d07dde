/* SPDX-License-Identifier: MIT */
/* A playback device kept full: renders what it has room for, counts and repairs under-runs, and
 * tells when the device is gone. All of ALSA is behind pcm_ops.h. */
#ifndef COMMON_ALSA_OUT_H
#define COMMON_ALSA_OUT_H

#include <pawebrtc/base.h>

#include "fault.h"
#include "pcm_ops.h"

/* Frames rendered in one go: the period that is asked for by default. */
#define ALSA_OUT_CHUNK_FRAMES 256

/* Fill `pcm` (int16 interleaved stereo at 48000 Hz) with `frames` frames, the first of which will
 * be heard at `play_ns`. */
typedef void render_fn(void *user_data, int16_t *pcm, size_t frames, uint64_t play_ns);

/*
 *            open                 under-run            prepared
 *   CLOSED ---------> FILLING <-------------- RUNNING ---------> UNTIMED
 *      ^                 |  something is taken  ^ |   it takes     |  |
 *      |                 +----------------------+ |   everything   |  | under-run
 *      |                 ^                        |                |  |
 *      |                 +------------------------|----------------|--+
 *      +------ close, or the device is gone ------+----------------+
 *
 * A device without a clock (ALSA's "null") takes whatever it is given. In UNTIMED the monotonic
 * clock says how much that is.
 */
enum alsa_out_state {
  ALSA_OUT_CLOSED,
  ALSA_OUT_FILLING,
  ALSA_OUT_RUNNING,
  ALSA_OUT_UNTIMED,
};

struct alsa_out {
  struct pcm_ops ops;
  const char *device;
  struct pcm_geometry asked;
  struct pcm_geometry obtained;
  enum alsa_out_state state;
  uint64_t xruns;
  uint64_t since_ns; /* RUNNING: of the window that is watched; UNTIMED: of the first frame */
  uint64_t frames;   /* taken since then */
  /* RUNNING: what is known of the play time. */
  uint64_t next_ns;    /* the next frame that is written is heard then; PAW_TIME_NEVER: not known */
  uint64_t asked_ns;   /* when the device was asked for its delay last */
  uint64_t settled_ns; /* from then on it is believed slowly */
  /* A block that was rendered but not taken yet: its samples are gone from the player, so it is
   * offered again, also after an under-run. */
  int16_t block[ALSA_OUT_CHUNK_FRAMES * 2];
  size_t block_frames;
  size_t block_done;
};

/* `device` and what `ops` points to stay the caller's. */
void alsa_out_init(struct alsa_out *out, const struct pcm_ops *ops, const char *device,
                   const struct pcm_geometry *asked);

/* Returns 0 or the negative errno of the device. */
int alsa_out_open(struct alsa_out *out);
void alsa_out_close(struct alsa_out *out);

/* Fill the room that there is. Returns how many frames were written (0: nothing could be done now;
 * wait a little before asking again), or a negative errno: the device is gone, close it. */
long alsa_out_service(struct alsa_out *out, uint64_t now_ns, render_fn *render, void *user_data);

#endif
