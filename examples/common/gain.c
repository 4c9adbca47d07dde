/* SPDX-License-Identifier: MIT */
#include "gain.h"

#include <math.h>

void gain_init(struct gain *gain, double gain_db, unsigned channels) {
  *gain = (struct gain){.state = GAIN_MUTED, .channels = channels, .factor = pow(10, gain_db / 20)};
}

void gain_mute(struct gain *gain) {
  gain->state = GAIN_MUTED;
}

void gain_open(struct gain *gain) {
  if (gain->state == GAIN_MUTED) {
    gain->state = GAIN_FADING;
    gain->faded_frames = 0;
  }
}

/* The factor of the next frame. */
static double next_factor(struct gain *gain) {
  switch (gain->state) {
  case GAIN_MUTED:
    return 0;
  case GAIN_OPEN:
    return gain->factor;
  case GAIN_FADING:
    break;
  }
  gain->faded_frames++;
  if (gain->faded_frames == GAIN_FADE_FRAMES) {
    gain->state = GAIN_OPEN;
  }
  double part = (double)gain->faded_frames / GAIN_FADE_FRAMES;
  return gain->factor * part * part;
}

static int16_t limit(double sample) {
  if (sample > INT16_MAX) {
    return INT16_MAX;
  }
  return sample < INT16_MIN ? INT16_MIN : (int16_t)lrint(sample);
}

void gain_apply(struct gain *gain, int16_t *pcm, size_t frames) {
  for (size_t i = 0; i < frames; i++) {
    double factor = next_factor(gain);
    for (unsigned channel = 0; channel < gain->channels; channel++) {
      pcm[i * gain->channels + channel] = limit(pcm[i * gain->channels + channel] * factor);
    }
  }
}
