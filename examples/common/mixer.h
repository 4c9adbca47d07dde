/* SPDX-License-Identifier: MIT */
/* Voices added to a programme: each comes and goes without a click, and the sum stays at full scale
 * instead of passing it.
 *
 *   FREE --join--> WAITING --first sound--> RISING --ramp--> OPEN
 *    ^                |                        |               |
 *    |              leave                    leave           leave
 *    |                v                        v               v
 *    +--------------------- FALLING <--tail-- LEAVING <--------+           */
#ifndef COMMON_MIXER_H
#define COMMON_MIXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Voices at once: more cannot be understood, and each costs an Opus decoder. */
#define MIXER_VOICES_MAX 8

/* Frames mixed in one call at most: 20 ms. */
#define MIXER_FRAMES_MAX 960

/* 50 ms at 48 kHz: short against a word, long against a click. A browser may have encoded before it
 * was connected, and a decoder that joins speech under way is up to 2.4 times as loud as it should
 * be in its first 20 ms; with this, a tenth louder. */
#define MIXER_RAMP_FRAMES 2400

/* A voice that leaves is played on for so long, 100 ms: what it said last still lies in its buffer.
 */
#define MIXER_TAIL_FRAMES 4800

enum mixer_voice_state {
  MIXER_VOICE_FREE,
  MIXER_VOICE_WAITING, /* nothing but silence so far */
  MIXER_VOICE_RISING,
  MIXER_VOICE_OPEN,
  MIXER_VOICE_LEAVING,
  MIXER_VOICE_FALLING,
};

struct mixer_source {
  /* Write the next `frames` frames. Shape: as mixer_mix. */
  void (*render)(void *user_data, uint64_t play_ns, int16_t *pcm, size_t frames);
  /* The voice has left and is asked for nothing any more. */
  void (*left)(void *user_data);
  void *user_data;
};

struct mixer_voice {
  enum mixer_voice_state state;
  struct mixer_source source;
  uint32_t ramp; /* 0..MIXER_RAMP_FRAMES: the present gain */
  uint32_t tail_frames;
};

struct mixer {
  uint8_t channels;
  struct mixer_voice voices[MIXER_VOICES_MAX];
};

/* @param channels  1 or 2 */
void mixer_init(struct mixer *mixer, uint8_t channels);

/* Its number, or -1 when as many are there as can be. */
int mixer_join(struct mixer *mixer, const struct mixer_source *source);

/* Let a voice end; nothing when it is leaving already. */
void mixer_leave(struct mixer *mixer, int voice);

/* Add all voices to `pcm`, MIXER_FRAMES_MAX frames at most.
 * Shape: int16 interleaved, frames * channels values, 48000 Hz */
void mixer_mix(struct mixer *mixer, uint64_t play_ns, int16_t *pcm, size_t frames);

#endif
