/* SPDX-License-Identifier: MIT */
#include "tone.h"

#include <math.h>

#define RATE_HZ 48000.0
#define TWO_PI 6.283185307179586

/* The phase in turns, reduced before it is multiplied up, stays exact for days. */
static double sine_at(double hz, uint64_t position) {
  uint64_t whole = position / 48000;
  double part = (double)(position % 48000) / RATE_HZ;
  double turns = fmod(hz * (double)whole, 1.0) + hz * part;
  return sin(TWO_PI * fmod(turns, 1.0));
}

void tone_render(double hz, uint64_t position, int16_t *pcm, size_t frames) {
  for (size_t i = 0; i < frames; i++) {
    pcm[i] = (int16_t)lrint(TONE_PEAK * sine_at(hz, position + i));
  }
}

/* Two struck bars a major third apart, E5 and C5; partials of a free bar, the higher the shorter.
 */
#define SECOND_STRIKE_FRAMES 33600
#define ATTACK_S 0.004
#define CHIME_PEAK 9000.0

static double strike_at(double hz, uint64_t position) {
  static const struct {
    double ratio, gain, decay_s;
  } partials[] = {{1.0, 0.70, 0.80}, {2.0, 0.20, 0.45}, {2.756, 0.10, 0.20}};
  double time_s = (double)position / RATE_HZ;
  double attack = time_s < ATTACK_S ? time_s / ATTACK_S : 1.0;
  double sum = 0.0;
  for (size_t i = 0; i < sizeof partials / sizeof partials[0]; i++) {
    sum += partials[i].gain * exp(-time_s / partials[i].decay_s) *
           sine_at(hz * partials[i].ratio, position);
  }
  return attack * sum;
}

/* Over the last quarter second the ring dies away to true silence. */
static double fade_at(uint64_t position) {
  double left = (double)(CHIME_FRAMES - position) / 12000.0;
  return left < 1.0 ? left : 1.0;
}

void chime_render(uint64_t position, int16_t *pcm, size_t frames) {
  for (size_t i = 0; i < frames; i++) {
    uint64_t at = position + i;
    double value = 0.0;
    if (at < CHIME_FRAMES) {
      value = strike_at(659.26, at);
      value += at >= SECOND_STRIKE_FRAMES ? strike_at(523.25, at - SECOND_STRIKE_FRAMES) : 0.0;
      value *= fade_at(at);
    }
    pcm[i] = (int16_t)lrint(CHIME_PEAK * value);
  }
}
