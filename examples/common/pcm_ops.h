/* SPDX-License-Identifier: MIT */
/* The seam between the output logic and ALSA: what alsa_out needs of a playback device. The program
 * puts libasound behind it (pcm_alsa.c), tests put a device of their own that fails on command.
 * Results are as libasound's: 0 or a count, or a negative errno. */
#ifndef COMMON_PCM_OPS_H
#define COMMON_PCM_OPS_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

/* Asked for, then obtained: int16 interleaved stereo at 48000 Hz in any case. */
struct pcm_geometry {
  unsigned long buffer_frames;
  unsigned long period_frames;
};

struct pcm_ops {
  /* Open without blocking; playing starts by itself when the buffer is full. */
  int (*open)(void *user_data, const char *device, struct pcm_geometry *geometry);
  void (*close)(void *user_data);
  long (*avail)(void *user_data); /* frames that can be written now */
  /* Until a frame written now is heard, and the monotonic time of that "now". */
  int (*delay)(void *user_data, long *frames, uint64_t *now_ns);
  long (*write)(void *user_data, const int16_t *pcm, unsigned long frames);
  int (*prepare)(void *user_data);
  int (*resume)(void *user_data); /* after -ESTRPIPE; -EAGAIN: not yet */
  int (*descriptors)(void *user_data, struct pollfd *out, int max); /* how many */
  int (*revents)(void *user_data, struct pollfd *polled, int count, unsigned short *events);
  void *user_data;
};

#endif
