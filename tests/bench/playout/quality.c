/* SPDX-License-Identifier: MIT */
#include "bench/playout/quality.h"

#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

/* ---- STOI: the figures of the paper ---- */

#define RATE_HZ 10000.0
#define FRAME 256
#define HOP 128
#define FFT 512
#define BANDS 15
#define LOWEST_HZ 150.0
#define SEGMENT 30 /* frames: 384 ms */
#define CLIP_DB 15.0
#define RANGE_DB 40.0 /* frames this far below the loudest are silence */

/* From 48 kHz to 10 kHz: every fifth of a sample, one in 24 of them. */
#define UP 5
#define DOWN 24
#define TAPS_HALF 80 /* samples either side: 16 periods of the edge at 4.7 kHz */
#define EDGE 0.0979  /* cycles a sample */

#define PART ((size_t)48000 * 60)

static double tap(double distance) {
  double window = 0.5 + 0.5 * cos(PI * distance / (TAPS_HALF + 1));
  double x = 2 * PI * EDGE * distance;
  return 2 * EDGE * window * (fabs(x) < 1e-9 ? 1 : sin(x) / x);
}

/* Returns how many samples came out. */
static size_t resample(const int16_t *pcm, size_t frames, float *out) {
  float taps[UP][2 * TAPS_HALF + 1];
  for (int phase = 0; phase < UP; phase++) {
    for (int i = -TAPS_HALF; i <= TAPS_HALF; i++) {
      taps[phase][i + TAPS_HALF] = (float)tap(i - phase / (double)UP);
    }
  }
  size_t count = 0;
  for (size_t at = 0; at / UP + TAPS_HALF < frames; at += DOWN) {
    const float *row = taps[at % UP];
    int64_t first = (int64_t)(at / UP) - TAPS_HALF;
    int64_t from = first < 0 ? -first : 0;
    float sum = 0;
    for (int64_t i = from; i <= 2 * TAPS_HALF; i++) {
      sum += row[i] * (float)pcm[first + i];
    }
    out[count++] = sum;
  }
  return count;
}

/* Hann without its zeros at the ends. */
static void make_window(float *window) {
  for (int i = 0; i < FRAME; i++) {
    window[i] = (float)(0.5 - 0.5 * cos(2 * PI * (i + 1) / (FRAME + 1)));
  }
}

/* Leave out, of both, the frames in which the first is silent. Returns what is left. */
static size_t drop_silence(float *wanted, float *heard, size_t count) {
  float window[FRAME];
  make_window(window);
  size_t frames = count < FRAME ? 0 : (count - FRAME) / HOP + 1;
  float *energies = calloc(frames + 1, sizeof *energies);
  float *kept_wanted = calloc(count + FRAME, sizeof *kept_wanted);
  float *kept_heard = calloc(count + FRAME, sizeof *kept_heard);
  float loudest = 0;
  for (size_t f = 0; f < frames; f++) {
    for (size_t i = 0; i < FRAME; i++) {
      float x = wanted[f * HOP + i] * window[i];
      energies[f] += x * x;
    }
    loudest = energies[f] > loudest ? energies[f] : loudest;
  }
  float least = loudest * (float)pow(10, -RANGE_DB / 10);
  size_t kept = 0;
  for (size_t f = 0; f < frames; f++) {
    if (energies[f] <= least) {
      continue;
    }
    for (size_t i = 0; i < FRAME; i++) {
      kept_wanted[kept * HOP + i] += wanted[f * HOP + i] * window[i];
      kept_heard[kept * HOP + i] += heard[f * HOP + i] * window[i];
    }
    kept++;
  }
  size_t left = kept > 0 ? (kept - 1) * HOP + FRAME : 0;
  memcpy(wanted, kept_wanted, left * sizeof *wanted);
  memcpy(heard, kept_heard, left * sizeof *heard);
  free(energies);
  free(kept_wanted);
  free(kept_heard);
  return left;
}

/* In place, radix 2. */
static void transform(float complex *x, const float complex *roots) {
  for (size_t i = 1, j = 0; i < FFT; i++) {
    size_t bit = FFT >> 1;
    for (; j & bit; bit >>= 1) {
      j ^= bit;
    }
    j ^= bit;
    if (i < j) {
      float complex swap = x[i];
      x[i] = x[j];
      x[j] = swap;
    }
  }
  for (size_t half = 1; half < FFT; half *= 2) {
    for (size_t start = 0; start < FFT; start += 2 * half) {
      for (size_t i = 0; i < half; i++) {
        float complex odd = x[start + half + i] * roots[i * (FFT / 2 / half)];
        x[start + half + i] = x[start + i] - odd;
        x[start + i] += odd;
      }
    }
  }
}

/* Band edges as bins: third octaves, each edge at the nearest bin. */
static void make_bands(size_t edges[BANDS][2]) {
  for (int b = 0; b < BANDS; b++) {
    double centre_hz = LOWEST_HZ * pow(2, b / 3.0);
    edges[b][0] = (size_t)lround(centre_hz * pow(2, -1 / 6.0) * FFT / RATE_HZ);
    edges[b][1] = (size_t)lround(centre_hz * pow(2, 1 / 6.0) * FFT / RATE_HZ);
  }
}

/* The level in each band of each frame of two signals; one is the real, one the imaginary part. */
static size_t make_levels(const float *wanted, const float *heard, size_t count,
                          float (*wanted_levels)[BANDS], float (*heard_levels)[BANDS]) {
  float window[FRAME];
  float complex roots[FFT / 2];
  size_t edges[BANDS][2];
  make_window(window);
  make_bands(edges);
  for (int i = 0; i < FFT / 2; i++) {
    double turn = -2 * PI * i / FFT;
    roots[i] = (float)cos(turn) + (float)sin(turn) * I;
  }
  size_t frames = count < FRAME ? 0 : (count - FRAME) / HOP + 1;
  for (size_t f = 0; f < frames; f++) {
    float complex x[FFT] = {0};
    for (size_t i = 0; i < FRAME; i++) {
      x[i] = window[i] * (wanted[f * HOP + i] + heard[f * HOP + i] * I);
    }
    transform(x, roots);
    for (size_t b = 0; b < BANDS; b++) {
      float wanted_sum = 0;
      float heard_sum = 0;
      for (size_t k = edges[b][0]; k < edges[b][1]; k++) {
        float complex a = x[k] + conjf(x[FFT - k]);
        float complex c = x[k] - conjf(x[FFT - k]);
        wanted_sum += crealf(a * conjf(a)) / 4;
        heard_sum += crealf(c * conjf(c)) / 4;
      }
      wanted_levels[f][b] = sqrtf(wanted_sum);
      heard_levels[f][b] = sqrtf(heard_sum);
    }
  }
  return frames;
}

/* How alike one band is over one segment, the heard one brought to the same energy and kept from
 * being worse than CLIP_DB. */
static double correlate(const float (*wanted)[BANDS], const float (*heard)[BANDS], size_t band) {
  double wanted_energy = 0;
  double heard_energy = 0;
  double wanted_sum = 0;
  for (size_t i = 0; i < SEGMENT; i++) {
    wanted_energy += (double)wanted[i][band] * (double)wanted[i][band];
    heard_energy += (double)heard[i][band] * (double)heard[i][band];
    wanted_sum += (double)wanted[i][band];
  }
  double gain = sqrt(wanted_energy / (heard_energy + 1e-12));
  double most = 1 + pow(10, CLIP_DB / 20);
  double clipped[SEGMENT];
  double clipped_sum = 0;
  for (size_t i = 0; i < SEGMENT; i++) {
    double level = (double)heard[i][band] * gain;
    double limit = (double)wanted[i][band] * most;
    clipped[i] = level < limit ? level : limit;
    clipped_sum += clipped[i];
  }
  double product = 0;
  double wanted_square = 0;
  double clipped_square = 0;
  for (size_t i = 0; i < SEGMENT; i++) {
    double a = (double)wanted[i][band] - wanted_sum / SEGMENT;
    double b = clipped[i] - clipped_sum / SEGMENT;
    product += a * b;
    wanted_square += a * a;
    clipped_square += b * b;
  }
  return product / (sqrt(wanted_square * clipped_square) + 1e-12);
}

struct stoi {
  double sum;
  size_t count;
};

static void add_part(struct stoi *stoi, const int16_t *wanted, const int16_t *heard,
                     size_t frames) {
  size_t room = frames * UP / DOWN + 1;
  float *wanted_low = calloc(room, sizeof *wanted_low);
  float *heard_low = calloc(room, sizeof *heard_low);
  float(*wanted_levels)[BANDS] = calloc(room / HOP + 1, sizeof *wanted_levels);
  float(*heard_levels)[BANDS] = calloc(room / HOP + 1, sizeof *heard_levels);
  size_t count = resample(wanted, frames, wanted_low);
  (void)resample(heard, frames, heard_low);
  count = drop_silence(wanted_low, heard_low, count);
  size_t levels = make_levels(wanted_low, heard_low, count, wanted_levels, heard_levels);
  for (size_t first = 0; first + SEGMENT <= levels; first++) {
    for (size_t b = 0; b < BANDS; b++) {
      stoi->sum += correlate((const float(*)[BANDS])wanted_levels + first,
                             (const float(*)[BANDS])heard_levels + first, b);
      stoi->count++;
    }
  }
  free(wanted_low);
  free(heard_low);
  free(wanted_levels);
  free(heard_levels);
}

double quality_stoi(const int16_t *wanted, const int16_t *heard, size_t frames) {
  struct stoi stoi = {0};
  for (size_t at = 0; at < frames; at += PART) {
    size_t part = frames - at < PART ? frames - at : PART;
    add_part(&stoi, &wanted[at], &heard[at], part);
  }
  return stoi.count > 0 ? stoi.sum / (double)stoi.count : 0;
}

/* ---- signal-to-noise ratios ---- */

#define SNR_FRAME 960 /* 20 ms */
#define SNR_MIN_DB (-10.0)
#define SNR_MAX_DB 35.0
#define SNR_EQUAL_DB 100.0

static double energy_of(const int16_t *pcm, size_t frames) {
  double sum = 0;
  for (size_t i = 0; i < frames; i++) {
    sum += (double)pcm[i] * (double)pcm[i];
  }
  return sum;
}

double quality_mean_square(const int16_t *pcm, size_t frames) {
  return energy_of(pcm, frames) / (double)frames;
}

double quality_snr_db(const int16_t *wanted, const int16_t *heard, size_t frames) {
  double noise = 0;
  for (size_t i = 0; i < frames; i++) {
    double difference = (double)wanted[i] - (double)heard[i];
    noise += difference * difference;
  }
  if (noise <= 0) {
    return SNR_EQUAL_DB;
  }
  double ratio_db = 10 * log10((energy_of(wanted, frames) + 1e-9) / noise);
  return ratio_db < SNR_EQUAL_DB ? ratio_db : SNR_EQUAL_DB;
}

double quality_segmental_snr_db(const int16_t *wanted, const int16_t *heard, size_t frames) {
  double loudest = 0;
  for (size_t at = 0; at + SNR_FRAME <= frames; at += SNR_FRAME) {
    double energy = energy_of(&wanted[at], SNR_FRAME);
    loudest = energy > loudest ? energy : loudest;
  }
  double least = loudest * pow(10, -RANGE_DB / 10);
  double sum_db = 0;
  size_t count = 0;
  for (size_t at = 0; at + SNR_FRAME <= frames; at += SNR_FRAME) {
    if (energy_of(&wanted[at], SNR_FRAME) > least) {
      double snr_db = quality_snr_db(&wanted[at], &heard[at], SNR_FRAME);
      sum_db += snr_db < SNR_MIN_DB ? SNR_MIN_DB : snr_db > SNR_MAX_DB ? SNR_MAX_DB : snr_db;
      count++;
    }
  }
  return count > 0 ? sum_db / (double)count : 0;
}
