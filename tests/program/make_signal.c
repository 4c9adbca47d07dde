/* SPDX-License-Identifier: MIT */
/* make_signal FILE SECONDS: a WAV of sweeps whose every stretch is unlike every other, so that a
 * recording of any part of it can be laid over it to the sample. Mono, 48 kHz, peaks at -6 dBFS. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "wav.h"

#define RATE_HZ 48000
#define BLOCK_FRAMES 480
#define PI 3.14159265358979

/* The frequency wanders over two octaves by two sines whose periods have no common multiple worth
 * mentioning; the loudness breathes by 6 dB. */
static double next_sample(double *phase, double t) {
  double octaves = sin(2 * PI * t / 1.7) * 0.6 + sin(2 * PI * t / 0.61803) * 0.4;
  *phase += 2 * PI * 800 * pow(2, octaves) / RATE_HZ;
  return (0.375 + 0.125 * sin(2 * PI * t * 2.3)) * sin(*phase);
}

int main(int argc, char **argv) {
  struct wav_writer writer;
  struct fault fault;
  double phase = 0;
  if (argc != 3 || wav_writer_open(&writer, argv[1], RATE_HZ, 1, &fault) != 0) {
    return 1;
  }
  size_t blocks = strtoul(argv[2], NULL, 10) * RATE_HZ / BLOCK_FRAMES;
  int status = 0;
  for (size_t block = 0; block < blocks && status == 0; block++) {
    int16_t pcm[BLOCK_FRAMES];
    for (size_t i = 0; i < BLOCK_FRAMES; i++) {
      double t = (double)(block * BLOCK_FRAMES + i) / RATE_HZ;
      pcm[i] = (int16_t)lrint(32767 * next_sample(&phase, t));
    }
    status = wav_writer_write(&writer, pcm, BLOCK_FRAMES, &fault);
  }
  return wav_writer_close(&writer, &fault) == 0 && status == 0 ? 0 : 1;
}
