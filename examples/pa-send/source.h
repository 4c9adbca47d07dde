/* SPDX-License-Identifier: MIT */
/* Where the sound comes from: PCM by pull, 48 kHz, int16 interleaved, one or two channels. */
#ifndef PA_SEND_SOURCE_H
#define PA_SEND_SOURCE_H

#include <pawebrtc/base.h>

#include "fault.h"
#include "loop.h"

enum source_verdict {
  SOURCE_FULL,  /* all frames are there */
  SOURCE_SHORT, /* live and late: what is missing is silence */
  SOURCE_ENDED, /* these are the last frames, perhaps none */
};

struct source;

struct source_ops {
  /* Up to `frames` frames at time `now_ns`; `*got` says how many. */
  enum source_verdict (*read)(struct source *source, uint64_t now_ns, int16_t *pcm, size_t frames,
                              size_t *got);
  /* Go back to the beginning; NULL when that cannot be. */
  int (*rewind)(struct source *source, struct fault *fault);
  void (*close)(struct source *source);
};

struct source {
  const struct source_ops *ops;
  const char *name; /* as typed */
  uint8_t channels;
  uint64_t age_ns; /* how long ago the first frame of a read was captured; 0 unless live */
  struct paw_log log;
};

/* Is this a source at all, and can it be repeated? By its name alone. */
int source_check(const char *name, bool loop, struct fault *fault);
int source_tone_check(const char *name, struct fault *fault);

/* Open what was typed. A source that cannot play at all is refused here, before anybody listens. */
int source_open(const char *name, struct loop *loop, const struct paw_log *log, struct source **out,
                struct fault *fault);

int source_file_open(const char *path, const struct paw_log *log, struct source **out,
                     struct fault *fault);
int source_alsa_open(const char *name, const struct paw_log *log, struct source **out,
                     struct fault *fault);
int source_stdin_open(struct loop *loop, const struct paw_log *log, struct source **out,
                      struct fault *fault);
int source_tone_open(const char *name, struct source **out, struct fault *fault);

#endif
