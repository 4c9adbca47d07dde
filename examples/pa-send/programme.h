/* SPDX-License-Identifier: MIT */
/* A source, encoded once: one Opus frame each time the clock says so. */
#ifndef PA_SEND_PROGRAMME_H
#define PA_SEND_PROGRAMME_H

#include <pawebrtc/encoder.h>

#include "pacer.h"
#include "settings.h"
#include "source.h"

/* The longest frame, 20 ms. */
#define PROGRAMME_FRAME_FRAMES_MAX 960

/*  PLAYING --source ended, no --loop--> FLUSHING --codec's delay is out--> OVER
 *  PLAYING <--begins again-- STALLED <--cannot begin again-- PLAYING             */
enum programme_state {
  PROGRAMME_PLAYING,
  PROGRAMME_STALLED,  /* silence; the source is asked again once a second */
  PROGRAMME_FLUSHING, /* silence, until the encoder has given its last samples */
  PROGRAMME_OVER,
};

/* What is added to the source before it is encoded; `add` NULL: nothing.
 * Shape: int16 interleaved in the source's channels, to be heard from `play_ns` on. */
struct programme_mix {
  void (*add)(void *user_data, uint64_t play_ns, int16_t *pcm, size_t frames);
  void *user_data;
};

struct programme {
  enum programme_state state;
  struct source *source; /* borrowed */
  struct paw_encoder *encoder;
  struct pacer pacer;
  struct paw_log log;
  bool loop;
  enum fec_choice fec;
  bool fec_on;
  struct programme_mix mix;
  bool silent_before; /* nothing was sent for the last frame: the next begins a talk spurt */
  uint64_t retry_ns;
  uint32_t flush_left;   /* samples */
  uint64_t frames;       /* encoded */
  uint64_t short_frames; /* frames with silence filled in */
  double level_dbfs;     /* of the last frame */
  uint64_t late_ns;      /* greatest lateness of a frame since it was last set to 0 */
  int16_t pcm[2 * PROGRAMME_FRAME_FRAMES_MAX];
  uint8_t packet[PAW_OPUS_PACKET_MAX];
};

int programme_init(struct programme *programme, const struct settings *settings,
                   struct source *source, const struct paw_log *log, struct fault *fault);
void programme_wipe(struct programme *programme);

/* What the receivers lose asks for this; --fec and --no-fec decide otherwise. */
void programme_advise(struct programme *programme, bool fec, uint8_t loss_percent);

/* The clock starts here: the first frame is due at once. */
void programme_start(struct programme *programme, uint64_t now_ns);

/* When programme_next is due; PAW_TIME_NEVER once it is over. */
uint64_t programme_due_ns(const struct programme *programme);

/* Make the frame that is due. False: there is nothing to send for it (DTX), or it is over.
 * `out->data` is valid until the next call. */
bool programme_next(struct programme *programme, uint64_t now_ns, struct paw_audio_frame *out);

#endif
