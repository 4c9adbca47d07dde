/* SPDX-License-Identifier: MIT */
/* A gain that opens softly: silence, then a short fade, then the gain. */
#ifndef COMMON_GAIN_H
#define COMMON_GAIN_H

#include <stddef.h>
#include <stdint.h>

/* Length of the fade: 300 ms at 48 kHz. An Opus decoder that joins a stream under way lacks what
 * SILK predicts from: its filters ring with the difference. Speech would do with 100 ms: then it is
 * nowhere louder than it was sent. Tones ring for longer, and chimes are tones: at the bit rates
 * that pa-send chooses up to twice the amplitude for 80 ms, 1.7 times for 140 ms. The fade is
 * quadratic; what is heard stays within a fifth of what was sent up to 4 kHz, where 100 ms would
 * leave 60 %, and within two fifths at 6 kHz. */
#define GAIN_FADE_FRAMES 14400

/*
 *            gain_open            GAIN_FADE_FRAMES later
 *   MUTED -------------> FADING -------------------------> OPEN
 *     ^                     |                                |
 *     +------ gain_mute ----+--------------------------------+
 */
enum gain_state { GAIN_MUTED, GAIN_FADING, GAIN_OPEN };

struct gain {
  enum gain_state state;
  unsigned channels;
  double factor;
  size_t faded_frames;
};

/* Begins muted. */
void gain_init(struct gain *gain, double gain_db, unsigned channels);
void gain_mute(struct gain *gain);
void gain_open(struct gain *gain); /* nothing unless muted */

/* Shape: int16 interleaved, frames * channels values. What would pass full scale stays at it. */
void gain_apply(struct gain *gain, int16_t *pcm, size_t frames);

#endif
