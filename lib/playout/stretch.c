/* SPDX-License-Identifier: MIT */
/* A period of the sound is heard once more, or left out (WSOLA). */
#include <math.h>
#include <string.h>

#include "playout/playout.h"

#define PI 3.14159265f
#define FADE_FRAMES PAW_PLAYOUT_STRETCH_FADE_FRAMES

/* What is compared: as much before the place as is cross-faded after it. A whole period of all but
 * the deepest voices. */
#define BEFORE_FRAMES PAW_PLAYOUT_STRETCH_BEFORE_FRAMES
#define WINDOW_FRAMES (BEFORE_FRAMES + FADE_FRAMES)
#define LINE_FRAMES (WINDOW_FRAMES + PAW_PLAYOUT_PERIOD_MAX)

/* The first search is at 6 kHz: enough for the pitch, and for where its peak lies within a step. */
#define COARSE 8

/* Below -60 dB of full scale nobody hears how it is joined. */
#define SILENCE_LEVEL 32.0f

/* One line of sound with the window at `window`; what it is compared with lies a lag on, or back.
 */
struct search {
  const float *line;
  size_t window;
  size_t window_frames;
  bool is_back;
  float energy; /* in the window */
};

/* Four sums on their own: compilers may then work on them at once. Frames are a multiple of 4. */
static float product_of(const float *a, const float *b, size_t frames) {
  float sums[4] = {0};
  for (size_t i = 0; i < frames; i += 4) {
    for (size_t j = 0; j < 4; j++) {
      /* The analyser does not follow that all `frames` of both were filled in steps of one. */
      sums[j] += a[i + j] * b[i + j]; // NOLINT(clang-analyzer-core.UndefinedBinary*)
    }
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static float correlate(const struct search *search, size_t lag) {
  size_t other = search->is_back ? search->window - lag : search->window + lag;
  const float *a = &search->line[search->window];
  const float *b = &search->line[other];
  float energy = search->energy * product_of(b, b, search->window_frames);
  return energy > 0 ? product_of(a, b, search->window_frames) / sqrtf(energy) : 0;
}

static size_t find_best(struct search *search, size_t first, size_t last, float *best) {
  const float *window = &search->line[search->window];
  size_t best_lag = first;
  search->energy = product_of(window, window, search->window_frames);
  *best = -1;
  for (size_t lag = first; lag <= last; lag++) {
    float correlation = correlate(search, lag);
    if (correlation > *best) {
      *best = correlation;
      best_lag = lag;
    }
  }
  return best_lag;
}

/* Both channels in one; their difference where they are against each other. */
static void mix(const int16_t *pcm, size_t frames, uint8_t channels, float *line) {
  float difference[LINE_FRAMES];
  for (size_t i = 0; i < frames; i++) {
    float left = pcm[i * channels];
    float right = pcm[i * channels + channels - 1];
    line[i] = 0.5f * (left + right);
    difference[i] = 0.5f * (left - right);
  }
  if (channels > 1 && product_of(difference, difference, frames) > product_of(line, line, frames)) {
    memcpy(line, difference, frames * sizeof line[0]);
  }
}

static size_t search_period(const float *line, size_t most, bool is_back, float *correlation) {
  float coarse[LINE_FRAMES / COARSE];
  size_t window = is_back ? most : 0;
  for (size_t i = 0; i < (WINDOW_FRAMES + most) / COARSE; i++) {
    coarse[i] = 0;
    for (size_t j = 0; j < COARSE; j++) {
      coarse[i] += line[i * COARSE + j];
    }
  }
  struct search first = {coarse, window / COARSE, WINDOW_FRAMES / COARSE, is_back, 0};
  struct search second = {line, window, WINDOW_FRAMES, is_back, 0};
  size_t lag =
      COARSE * find_best(&first, PAW_PLAYOUT_PERIOD_MIN / COARSE, most / COARSE, correlation);
  size_t low = lag - COARSE < PAW_PLAYOUT_PERIOD_MIN ? PAW_PLAYOUT_PERIOD_MIN : lag - COARSE;
  size_t high = lag + COARSE > most ? most : lag + COARSE;
  return find_best(&second, low, high, correlation);
}

struct paw_playout_period paw_playout_stretch_find(const int16_t *pcm, size_t at, size_t frames,
                                                   uint8_t channels, bool insertion, size_t most) {
  float line[LINE_FRAMES];
  struct paw_playout_period period = {0};
  if (at < BEFORE_FRAMES || frames - at < FADE_FRAMES) {
    return period;
  }
  size_t room = insertion ? at - BEFORE_FRAMES : frames - at - FADE_FRAMES;
  most = most < room ? most : room;
  most = (most < PAW_PLAYOUT_PERIOD_MAX ? most : PAW_PLAYOUT_PERIOD_MAX) / COARSE * COARSE;
  if (most < PAW_PLAYOUT_PERIOD_MIN) {
    return period;
  }
  size_t from = at - BEFORE_FRAMES - (insertion ? most : 0);
  mix(&pcm[from * channels], WINDOW_FRAMES + most, channels, line);
  float silence = SILENCE_LEVEL * SILENCE_LEVEL * (float)(WINDOW_FRAMES + most);
  if (product_of(line, line, WINDOW_FRAMES + most) < silence) {
    return (struct paw_playout_period){.frames = most, .is_silent = true};
  }
  period.frames = search_period(line, most, insertion, &period.correlation);
  return period;
}

/* From `from` to `to`, as much as both are cross-faded. */
static void cross_fade(int16_t *out, const int16_t *from, const int16_t *to, size_t frames,
                       uint8_t channels) {
  for (size_t i = 0; i < frames; i++) {
    float weight = 0.5f - 0.5f * cosf(PI * ((float)i + 0.5f) / (float)frames);
    for (size_t at = i * channels; at < (i + 1) * channels; at++) {
      float old = from[at];
      out[at] = (int16_t)lrintf(old + weight * ((float)to[at] - old));
    }
  }
}

static size_t fade_frames(size_t period) {
  return period < FADE_FRAMES ? period : FADE_FRAMES;
}

void paw_playout_stretch_insert(int16_t *pcm, size_t at, size_t frames, uint8_t channels,
                                size_t period) {
  int16_t *place = &pcm[at * channels];
  int16_t *after = &pcm[(at + period) * channels];
  memmove(after, place, (frames - at) * channels * sizeof pcm[0]);
  memcpy(place, &pcm[(at - period) * channels], period * channels * sizeof pcm[0]);
  cross_fade(place, after, place, fade_frames(period), channels);
}

void paw_playout_stretch_remove(int16_t *pcm, size_t at, size_t frames, uint8_t channels,
                                size_t period) {
  int16_t *place = &pcm[at * channels];
  int16_t *after = &pcm[(at + period) * channels];
  cross_fade(after, place, after, fade_frames(period), channels);
  memmove(place, after, (frames - at - period) * channels * sizeof pcm[0]);
}
