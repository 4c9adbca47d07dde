/* SPDX-License-Identifier: MIT */
/* compare_sound SOURCE HEARD SECONDS: lay a recording over what was sent, by cross-correlation, and
 * look for gaps and for a change of level. Succeeds when at least SECONDS were heard, without a gap
 * and within 1 dB. Both files are 48 kHz; the first channel counts. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "wav.h"

#define RATE_HZ 48000
#define HOP_FRAMES 480
#define WINDOW_FRAMES 960
/* A stretch of the recording that is searched for in the source. */
#define PATTERN_FRAMES 24000
/* The search first goes in steps of this; the signal has nothing above 2 kHz. */
#define DECIMATION 4
/* Left out at either end: fade-in, and concealment after the last packet. */
#define EDGE_FRAMES 19200
#define SOUND_LEVEL 300  /* of 32768: louder than this is sound, -41 dBFS */
#define LIKENESS_MIN 0.9 /* of a window, 1 being the same; Opus leaves 0.98 */
#define LEVEL_LIMIT_DB 1.0
#define FOLLOW_FRAMES 5
#define ASTRAY_FRAMES 480 /* 10 ms: so far at most does it follow in all, to either side */

struct sound {
  double *samples;
  size_t count;
};

static struct sound read_sound(const char *path) {
  struct wav_audio audio;
  struct fault fault;
  struct sound sound = {0};
  if (wav_audio_read(&audio, path, &fault) != 0 || audio.rate_hz != RATE_HZ) {
    (void)fprintf(stderr, "%s: no WAV of 48 kHz\n", path);
    exit(2);
  }
  sound.samples = malloc((audio.frames + 1) * sizeof *sound.samples);
  if (sound.samples == NULL) {
    exit(2);
  }
  sound.count = audio.frames;
  for (size_t i = 0; i < audio.frames; i++) {
    sound.samples[i] = audio.pcm[i * audio.channels];
  }
  wav_audio_wipe(&audio);
  return sound;
}

/* Leave out what comes before the first sound and after the last, and EDGE_FRAMES more. */
static struct sound inside(const struct sound *sound) {
  size_t first = 0;
  size_t end = sound->count;
  while (first < end && fabs(sound->samples[first]) < SOUND_LEVEL) {
    first++;
  }
  while (end > first && fabs(sound->samples[end - 1]) < SOUND_LEVEL) {
    end--;
  }
  if (end - first < 2 * EDGE_FRAMES + PATTERN_FRAMES) {
    (void)fprintf(stderr, "only %zu ms of sound\n", (end - first) * 1000 / RATE_HZ);
    exit(1);
  }
  return (struct sound){sound->samples + first + EDGE_FRAMES, end - first - 2 * EDGE_FRAMES};
}

/* Normalised correlation of two stretches, every `step`th sample: 1 for the same shape. */
static double likeness(const double *a, const double *b, size_t count, size_t step) {
  double ab = 0;
  double aa = 1;
  double bb = 1;
  for (size_t i = 0; i < count; i += step) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / sqrt(aa * bb);
}

static size_t best_place(const struct sound *source, const double *pattern, size_t from, size_t to,
                         size_t step) {
  size_t best = from;
  double most = -2;
  for (size_t at = from; at <= to && at + PATTERN_FRAMES <= source->count; at += step) {
    double now = likeness(source->samples + at, pattern, PATTERN_FRAMES, DECIMATION);
    if (now > most) {
      most = now;
      best = at;
    }
  }
  return best;
}

/* How far behind the pattern's place in the recording that in the source lies; may be negative. */
static long find_offset(const struct sound *source, const struct sound *heard, size_t begin) {
  const double *pattern = heard->samples + begin;
  size_t rough = best_place(source, pattern, 0, source->count, DECIMATION);
  size_t from = rough > 2 * DECIMATION ? rough - 2 * DECIMATION : 0;
  size_t exact = best_place(source, pattern, from, rough + 2 * DECIMATION, 1);
  return (long)exact - (long)begin;
}

static double energy(const double *samples, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    sum += samples[i] * samples[i];
  }
  return sum;
}

struct tally {
  size_t windows;
  size_t gaps;
  double sent;
  double got;
  double worst;
};

static bool lies_within(const struct sound *source, long place) {
  return place >= 0 && (size_t)place + WINDOW_FRAMES <= source->count;
}

/* Whose buffer runs full or empty, as a device says whose clock is no true one, plays up to 1 %
 * faster or slower for a while: the place follows by so many frames a hop at most. What is left
 * out, or there twice, is not caught up with at once,
 * nor a speed that stays wrong. */
static long follow(const struct sound *source, const double *window, long place, long expected) {
  long best = place;
  double most = -2;
  for (long at = place - FOLLOW_FRAMES; at <= place + FOLLOW_FRAMES; at++) {
    bool may = lies_within(source, at) && labs(at - expected) <= ASTRAY_FRAMES;
    double now = may ? likeness(source->samples + at, window, WINDOW_FRAMES, 1) : -2;
    if (now > most) {
      most = now;
      best = at;
    }
  }
  return best;
}

static void compare_window(const struct sound *source, const double *window, long place,
                           struct tally *tally) {
  if (!lies_within(source, place)) {
    return;
  }
  double like = likeness(source->samples + place, window, WINDOW_FRAMES, 1);
  tally->windows++;
  if (like < LIKENESS_MIN) {
    tally->gaps++;
    (void)printf("unlike (%.2f) %.2f s into the source\n", like, (double)place / RATE_HZ);
  }
  tally->worst = like < tally->worst ? like : tally->worst;
  tally->sent += energy(source->samples + place, HOP_FRAMES);
  tally->got += energy(window, HOP_FRAMES);
}

/* From the middle of the pattern, where its place is true, to either end. */
static void compare(const struct sound *source, const struct sound *heard, struct tally *tally) {
  size_t begin = (heard->count - PATTERN_FRAMES) / 2;
  size_t middle = begin + PATTERN_FRAMES / 2;
  long offset = find_offset(source, heard, begin);
  long place = (long)middle + offset;
  for (size_t at = middle; at + WINDOW_FRAMES <= heard->count; at += HOP_FRAMES) {
    place = follow(source, heard->samples + at, place, (long)at + offset);
    compare_window(source, heard->samples + at, place, tally);
    place += HOP_FRAMES;
  }
  place = (long)middle + offset;
  for (size_t at = middle; at >= HOP_FRAMES; at -= HOP_FRAMES) {
    const double *window = heard->samples + at - HOP_FRAMES;
    place = follow(source, window, place - HOP_FRAMES, (long)at - HOP_FRAMES + offset);
    compare_window(source, window, place, tally);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) {
    return 2;
  }
  struct sound source = read_sound(argv[1]);
  struct sound whole = read_sound(argv[2]);
  struct sound heard = inside(&whole);
  double wanted_s = strtod(argv[3], NULL);
  struct tally tally = {.sent = 1, .got = 1, .worst = 1};
  compare(&source, &heard, &tally);
  double level_db = 10 * log10(tally.got / tally.sent);
  double compared_s = (double)tally.windows * HOP_FRAMES / RATE_HZ;
  bool good = compared_s >= wanted_s && tally.gaps == 0 && fabs(level_db) <= LEVEL_LIMIT_DB;
  (void)printf("%s: %.2f s compared, %zu ms of gaps, level %+.2f dB, worst likeness %.3f\n",
               good ? "good" : "BAD", compared_s, tally.gaps * 1000 * HOP_FRAMES / RATE_HZ,
               level_db, tally.worst);
  free(source.samples);
  free(whole.samples);
  return good ? 0 : 1;
}
