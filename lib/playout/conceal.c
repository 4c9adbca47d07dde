/* SPDX-License-Identifier: MIT */
/* Sound that is invented where something is missing, and the way back from it. */
#include <math.h>
#include <string.h>

#include "playout/playout.h"

#define FRAMES_PER_MS ((size_t)48)

/* What Opus invents sounds like the signal for about this long, then it is faded out. */
#define FADE_BEGIN_FRAMES (60 * FRAMES_PER_MS)
#define FADE_END_FRAMES (100 * FRAMES_PER_MS)

/* Invented sound is whole at first and nothing in the end. */
static float fade_gain(size_t concealed_frames) {
  if (concealed_frames <= FADE_BEGIN_FRAMES) {
    return 1;
  }
  if (concealed_frames >= FADE_END_FRAMES) {
    return 0;
  }
  float turn = 3.14159265f * (float)(concealed_frames - FADE_BEGIN_FRAMES) /
               (float)(FADE_END_FRAMES - FADE_BEGIN_FRAMES);
  return 0.5f + 0.5f * cosf(turn);
}

static void apply_gain(int16_t *pcm, size_t count, float gain) {
  for (size_t i = 0; i < count; i++) {
    pcm[i] = (int16_t)lrintf((float)pcm[i] * gain);
  }
}

size_t paw_playout_conceal_left(const struct paw_playout_sound *sound) {
  return sound->concealed_frames < FADE_END_FRAMES ? FADE_END_FRAMES - sound->concealed_frames : 0;
}

void paw_playout_conceal_invent(struct paw_playout_sound *sound, size_t frames) {
  size_t unit = PAW_OPUS_DURATION_UNIT_RTP;
  size_t whole = (frames + unit - 1) / unit * unit;
  if (paw_playout_conceal_left(sound) == 0 ||
      paw_opus_decoder_conceal(&sound->decoder, sound->pcm, whole) != PAW_OK) {
    memset(sound->pcm, 0, whole * sound->decoder.channels * sizeof sound->pcm[0]);
  }
  sound->at = 0;
  sound->frames = whole;
}

/* What would have gone on: what lies ahead, and as much more as is invented for it. */
static void go_on(struct paw_playout_sound *sound, int16_t *pcm, size_t frames) {
  uint8_t channels = sound->decoder.channels;
  size_t left = paw_playout_sound_is_invented(sound) ? sound->frames - sound->at : 0;
  left = left < frames ? left : frames;
  memcpy(pcm, &sound->pcm[sound->at * channels], left * channels * sizeof pcm[0]);
  if (left < frames) {
    paw_playout_conceal_invent(sound, frames - left);
    memcpy(&pcm[left * channels], sound->pcm, (frames - left) * channels * sizeof pcm[0]);
  }
}

void paw_playout_conceal_skip(struct paw_opus_decoder *decoder, int16_t *unheard, uint64_t frames) {
  uint64_t left = frames < FADE_END_FRAMES ? frames : FADE_END_FRAMES;
  while (left > 0) {
    size_t unit = PAW_OPUS_DURATION_UNIT_RTP;
    size_t step = left < PAW_PLAYOUT_STEP_FRAMES ? (size_t)left : PAW_PLAYOUT_STEP_FRAMES;
    (void)paw_opus_decoder_conceal(decoder, unheard, (step + unit - 1) / unit * unit);
    left -= step;
  }
}

void paw_playout_conceal_fade(const struct paw_playout_sound *sound, int16_t *pcm, size_t frames) {
  uint8_t channels = sound->decoder.channels;
  bool is_concealed = sound->kind == PAW_PLAYOUT_KIND_CONCEALED;
  for (size_t i = 0; i < frames; i++) {
    float gain = fade_gain(sound->concealed_frames + (is_concealed ? i : 0));
    if (gain < 1) {
      apply_gain(&pcm[i * channels], channels, gain);
    }
  }
}

void paw_playout_conceal_bridge(struct paw_playout_sound *sound, size_t skipped) {
  uint8_t channels = sound->decoder.channels;
  float gain = fade_gain(sound->concealed_frames);
  size_t wanted = gain < 1 ? PAW_PLAYOUT_JOIN_FADE_FRAMES : PAW_PLAYOUT_JOIN_LATE_FRAMES;
  bool begins = sound->kind == PAW_PLAYOUT_KIND_NOTHING;
  bool begins_within = begins && (skipped > 0 || sound->last_sequence != 0);
  if (paw_playout_conceal_left(sound) == 0 || begins_within) {
    paw_playout_join_begin(&sound->join, NULL, PAW_PLAYOUT_JOIN_FADE_FRAMES, channels);
    return;
  }
  size_t left = paw_playout_sound_is_invented(sound) ? sound->frames - sound->at : 0;
  if (begins || (left == 0 && skipped == 0 && gain >= 1)) {
    return;
  }
  int16_t old[PAW_PLAYOUT_JOIN_FADE_FRAMES * PAW_PLAYOUT_CHANNELS_MAX];
  go_on(sound, old, wanted);
  apply_gain(old, wanted * channels, gain);
  paw_playout_join_apply(&sound->join, old, wanted, channels);
  paw_playout_join_begin(&sound->join, old, wanted, channels);
}
