/* SPDX-License-Identifier: MIT */
/* hear_tone WAV HZ MIN MAX: for how many seconds is a tone of HZ in a recording? Succeeds from MIN
 * to MAX seconds. Other sound does not matter, as long as it is 100 Hz away. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "wav.h"

/* 20 ms: its spectral lines are 50 Hz apart. */
#define WINDOW_PER_S 50
/* Of full scale; the tones of these tests have 0.1 and more. */
#define AMPLITUDE_MIN 0.05

/* The amplitude of one spectral line, of the first channel, under a Hann window. */
static double amplitude(const struct wav_audio *audio, size_t from, size_t frames, double hz) {
  double real = 0;
  double imaginary = 0;
  double sum = 0;
  for (size_t i = 0; i < frames; i++) {
    double window = 0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)frames);
    double angle = 2 * M_PI * hz * (double)i / audio->rate_hz;
    double sample = audio->pcm[(from + i) * audio->channels] / 32768.0;
    real += window * sample * cos(angle);
    imaginary += window * sample * sin(angle);
    sum += window;
  }
  return 2 * hypot(real, imaginary) / sum;
}

int main(int argc, char **argv) {
  struct wav_audio audio;
  struct fault fault;
  if (argc != 5 || wav_audio_read(&audio, argv[1], &fault) != 0) {
    (void)fprintf(stderr, "usage: hear_tone WAV HZ MIN MAX\n");
    return 2;
  }
  double hz = strtod(argv[2], NULL);
  size_t frames = audio.rate_hz / WINDOW_PER_S;
  size_t heard = 0;
  for (size_t from = 0; from + frames <= audio.frames; from += frames) {
    heard += amplitude(&audio, from, frames, hz) > AMPLITUDE_MIN;
  }
  double seconds = (double)heard / WINDOW_PER_S;
  (void)printf("%.0f Hz: %.2f s of %.2f s\n", hz, seconds, (double)audio.frames / audio.rate_hz);
  wav_audio_wipe(&audio);
  return seconds >= strtod(argv[3], NULL) && seconds <= strtod(argv[4], NULL) ? 0 : 1;
}
