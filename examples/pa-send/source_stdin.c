/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source.h"
#include "system.h"

#define CHANNELS 2
#define FRAME_BYTES (CHANNELS * sizeof(int16_t))
/* A quarter second of sound; a writer that is faster than real time waits in its write. */
#define QUEUE_BYTES (12000 * FRAME_BYTES)
/* After an empty queue, wait for so much: a live writer's chunks then do not tear. */
#define PREBUFFER_BYTES (2880 * FRAME_BYTES)

enum stdin_state { STDIN_FILLING, STDIN_PLAYING, STDIN_ENDED };

/*  FILLING --60 ms are there--> PLAYING --queue empty--> FILLING
 *  both --end of file--> ENDED (what is queued still plays)                       */
struct stdin_source {
  struct source base;
  struct loop *loop;
  enum stdin_state state;
  size_t used;
  uint8_t queue[QUEUE_BYTES];
};

static void on_ready(void *user_data, int fd, short ready);

/* Regular files are always ready: unwatched while the queue is full, or the loop would spin. */
static void watch(struct stdin_source *in) {
  if (in->state != STDIN_ENDED && in->used < QUEUE_BYTES) {
    (void)loop_watch(in->loop, STDIN_FILENO, POLLIN, on_ready, in);
  } else {
    loop_unwatch(in->loop, STDIN_FILENO);
  }
}

static void on_ready(void *user_data, int fd, short ready) {
  struct stdin_source *in = user_data;
  ssize_t got = read(fd, in->queue + in->used, QUEUE_BYTES - in->used);
  (void)ready;
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (got < 0) {
    system_tell(&in->base.log, PAW_LOG_ERROR, "source", "stdin: %s: it ends here", strerror(errno));
  }
  if (got <= 0) {
    in->state = STDIN_ENDED;
  } else {
    in->used += (size_t)got;
  }
  if (in->state == STDIN_FILLING && in->used >= PREBUFFER_BYTES) {
    in->state = STDIN_PLAYING;
  }
  watch(in);
}

static enum source_verdict read_stdin(struct source *source, uint64_t now_ns, int16_t *pcm,
                                      size_t frames, size_t *got) {
  struct stdin_source *in = (struct stdin_source *)source;
  size_t there = in->state == STDIN_FILLING ? 0 : in->used / FRAME_BYTES;
  (void)now_ns;
  *got = there < frames ? there : frames;
  size_t bytes = *got * FRAME_BYTES;
  memcpy(pcm, in->queue, bytes);
  for (size_t i = 0; i < *got * CHANNELS; i++) {
    pcm[i] = (int16_t)le16toh((uint16_t)pcm[i]);
  }
  memmove(in->queue, in->queue + bytes, in->used - bytes);
  in->used -= bytes;
  if (in->state == STDIN_ENDED) {
    return there <= frames ? SOURCE_ENDED : SOURCE_FULL;
  }
  if (*got < frames) {
    in->state = STDIN_FILLING;
  }
  watch(in);
  return *got < frames ? SOURCE_SHORT : SOURCE_FULL;
}

static void close_stdin(struct source *source) {
  struct stdin_source *in = (struct stdin_source *)source;
  loop_unwatch(in->loop, STDIN_FILENO);
  free(in);
}

static const struct source_ops ops = {.read = read_stdin, .close = close_stdin};

int source_stdin_open(struct loop *loop, const struct paw_log *log, struct source **out,
                      struct fault *fault) {
  if (isatty(STDIN_FILENO)) {
    return fault_set(fault,
                     "-: standard input is a terminal: pipe raw s16le 48 kHz stereo into it,"
                     " as ffmpeg -i FILE -f s16le -ar 48000 -ac 2 - | pa-send -");
  }
  struct stdin_source *in = calloc(1, sizeof *in);
  if (in == NULL) {
    return fault_set(fault, "-: out of memory");
  }
  in->base = (struct source){.ops = &ops, .name = "-", .channels = CHANNELS, .log = *log};
  in->loop = loop;
  watch(in);
  *out = &in->base;
  return 0;
}
