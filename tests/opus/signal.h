/* SPDX-License-Identifier: MIT */
/* A signal like a voice: a gliding tone with harmonics, in syllables. The same on every machine up
 * to the last bit of sin(). */
#ifndef TEST_OPUS_SIGNAL_H
#define TEST_OPUS_SIGNAL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

struct signal {
  uint64_t at; /* samples so far */
  double phase;
};

#define SIGNAL_TURN 6.283185307179586

/* The second channel, if any, is the first at half its level. */
static inline void signal_fill(struct signal *signal, int16_t *pcm, size_t frames,
                               unsigned channels) {
  for (size_t i = 0; i < frames; i++) {
    double seconds = (double)signal->at++ / 48000;
    signal->phase += (130 + 30 * sin(SIGNAL_TURN * 0.7 * seconds)) / 48000;
    double value = 0;
    for (int harmonic = 1; harmonic <= 12; harmonic++) {
      value += sin(SIGNAL_TURN * harmonic * signal->phase) / harmonic;
    }
    double syllable = 0.55 - 0.45 * cos(SIGNAL_TURN * 4 * seconds);
    for (unsigned channel = 0; channel < channels; channel++) {
      pcm[i * channels + channel] = (int16_t)(5000 * value * syllable / (channel + 1));
    }
  }
}

static inline double signal_energy(const int16_t *pcm, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    sum += (double)pcm[i] * pcm[i];
  }
  return sum;
}

/* Signal to noise of `pcm` against `reference`, in dB; 99 when they are equal. */
static inline double signal_snr_db(const int16_t *reference, const int16_t *pcm, size_t count) {
  double noise = 0;
  for (size_t i = 0; i < count; i++) {
    double difference = (double)reference[i] - pcm[i];
    noise += difference * difference;
  }
  return noise > 0 ? 10 * log10((signal_energy(reference, count) + 1) / noise) : 99;
}

#endif
