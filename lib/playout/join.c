/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "playout/playout.h"

#define PI 3.14159265f

void paw_playout_join_begin(struct paw_playout_join *join, const int16_t *old, size_t frames,
                            uint8_t channels) {
  int16_t fading[PAW_PLAYOUT_JOIN_FRAMES_MAX * PAW_PLAYOUT_CHANNELS_MAX] = {0};
  assert(frames <= PAW_PLAYOUT_JOIN_FRAMES_MAX);
  if (old == NULL) {
    paw_playout_join_apply(join, fading, frames, channels);
    old = fading;
  }
  memcpy(join->old, old, frames * channels * sizeof join->old[0]);
  join->at = 0;
  join->frames = frames;
}

void paw_playout_join_apply(struct paw_playout_join *join, int16_t *pcm, size_t frames,
                            uint8_t channels) {
  for (size_t i = 0; i < frames && join->at < join->frames; i++, join->at++) {
    float turn = PI * ((float)join->at + 0.5f) / (float)join->frames;
    float weight = 0.5f - 0.5f * cosf(turn);
    for (size_t channel = 0; channel < channels; channel++) {
      int16_t *sample = &pcm[i * channels + channel];
      float old = (float)join->old[join->at * channels + channel];
      *sample = (int16_t)lrintf(old + weight * ((float)*sample - old));
    }
  }
}
