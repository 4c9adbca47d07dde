/* SPDX-License-Identifier: MIT */
/* Where the sound goes: a device or a file, each driven by the loop, each taking its samples from
 * the player. */
#ifndef PA_RECV_OUTPUT_H
#define PA_RECV_OUTPUT_H

#include <stdio.h>

#include "fault.h"
#include "loop.h"
#include "player.h"

struct output;

struct output_ops {
  /* Get ready, and show that it can be done. The player need not be open yet. */
  int (*open)(struct output *output, struct fault *fault);
  /* How long before they are heard samples are taken; once open. */
  uint64_t (*get_lead_ns)(const struct output *output);
  /* From here on the player is asked for samples. */
  void (*start)(struct output *output);
  /* The first packet of a session is here: sound follows. */
  void (*expect_sound)(struct output *output, uint64_t now_ns);
  uint64_t (*get_xruns)(const struct output *output);
  void (*free)(struct output *output);
};

struct output_config {
  struct loop *loop;
  struct player *player;
  struct paw_log log;
  /* The player is about to be asked for samples: give it what has come. When the program was held
   * up, the device may be served before the socket. */
  void (*fetch)(void *user_data);
  /* The output is broken for good: the program has to end. */
  void (*failed)(void *user_data, const struct fault *fault);
  void *user_data;
};

/* What every output begins with. */
struct output {
  const struct output_ops *ops;
  struct output_config config;
};

/* A WAV file, paced by the monotonic clock from the first packet on. NULL: no memory. */
struct output *output_wav_new(const struct output_config *config, const char *path);

/* An ALSA device. While it is away its samples go nowhere, and it is opened again and again. NULL:
 * no memory. */
struct output *output_alsa_new(const struct output_config *config, const char *device,
                               unsigned long buffer_frames, unsigned long period_frames);

/* Samples due by the monotonic clock since it began. */
struct output_clock {
  uint64_t start_ns;
  uint64_t frames; /* rendered so far */
};

void output_clock_start(struct output_clock *clock, uint64_t now_ns);

/* Render all that is due up to `now_ns` in blocks; `take` may be NULL. Stops when it says -1. */
int output_clock_render(struct output_clock *clock, uint64_t now_ns, struct player *player,
                        int (*take)(void *user_data, const int16_t *pcm, size_t frames),
                        void *user_data);

/* Print the playback devices, one a line. */
void output_list_devices(FILE *out);

#endif
