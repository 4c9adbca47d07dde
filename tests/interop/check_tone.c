/* SPDX-License-Identifier: MIT */
/* check_tone FILE HZ DBFS SECONDS: is there, in the first channel of a WAV of 48 kHz, a sine of
 * this frequency and peak level, so long without a break? A gap, a jump in phase, a change of level
 * by 1 dB or noise above -20 dB of the tone is a break. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "wav.h"

#define PI 3.14159265358979323846
#define RATE_HZ 48000
#define WINDOW_FRAMES 960
#define HOP_FRAMES 480
#define LEVEL_LIMIT_DB 1.0
#define NOISE_LIMIT 0.01 /* of the tone's energy: -20 dB */

static double peak_wanted;
static double radians; /* a sample */
static double loudest; /* of the tone, in any window */

static int is_tone(const struct wav_audio *audio, size_t at) {
  double cosine = 0;
  double sine = 0;
  double energy = 0;
  for (size_t i = 0; i < WINDOW_FRAMES; i++) {
    double sample = audio->pcm[(at + i) * audio->channels] / 32768.0;
    /* A window is not a whole number of periods; a Hann window makes that harmless. */
    double weight = 1 - cos(2 * PI * ((double)i + 0.5) / WINDOW_FRAMES);
    cosine += weight * sample * cos(radians * (double)i);
    sine += weight * sample * sin(radians * (double)i);
    energy += weight * sample * sample;
  }
  double peak = 2 * hypot(cosine, sine) / WINDOW_FRAMES;
  double of_tone = peak * peak / 2 * WINDOW_FRAMES;
  loudest = peak > loudest ? peak : loudest;
  return fabs(20 * log10((peak + 1e-9) / peak_wanted)) <= LEVEL_LIMIT_DB &&
         energy - of_tone <= NOISE_LIMIT * of_tone;
}

int main(int argc, char **argv) {
  struct wav_audio audio;
  struct fault fault;
  if (argc != 5 || wav_audio_read(&audio, argv[1], &fault) != 0 || audio.rate_hz != RATE_HZ) {
    (void)fprintf(stderr, "usage: check_tone FILE HZ DBFS SECONDS; a WAV of 48 kHz\n");
    return 2;
  }
  radians = 2 * PI * strtod(argv[2], NULL) / RATE_HZ;
  peak_wanted = pow(10, strtod(argv[3], NULL) / 20);
  size_t run = 0;
  size_t longest = 0;
  for (size_t at = 0; at + WINDOW_FRAMES <= audio.frames; at += HOP_FRAMES) {
    run = is_tone(&audio, at) ? run + 1 : 0;
    longest = run > longest ? run : longest;
  }
  double longest_s = (double)longest * HOP_FRAMES / RATE_HZ;
  int good = longest_s >= strtod(argv[4], NULL);
  (void)printf("%s: %.2f s without a break in %.2f s, the tone at most %.1f dBFS\n",
               good ? "good" : "BAD", longest_s, (double)audio.frames / RATE_HZ,
               20 * log10(loudest + 1e-9));
  wav_audio_wipe(&audio);
  return good ? 0 : 1;
}
