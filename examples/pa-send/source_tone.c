/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"
#include "tone.h"

struct tone_source {
  struct source base;
  double hz; /* 0: the gong */
  uint64_t position;
};

static enum source_verdict read_tone(struct source *source, uint64_t now_ns, int16_t *pcm,
                                     size_t frames, size_t *got) {
  struct tone_source *tone = (struct tone_source *)source;
  (void)now_ns;
  tone_render(tone->hz, tone->position, pcm, frames);
  tone->position += frames;
  *got = frames;
  return SOURCE_FULL;
}

static enum source_verdict read_chime(struct source *source, uint64_t now_ns, int16_t *pcm,
                                      size_t frames, size_t *got) {
  struct tone_source *tone = (struct tone_source *)source;
  size_t left = (size_t)(CHIME_FRAMES - tone->position);
  (void)now_ns;
  *got = frames < left ? frames : left;
  chime_render(tone->position, pcm, *got);
  tone->position += *got;
  return *got < frames || left == frames ? SOURCE_ENDED : SOURCE_FULL;
}

static int rewind_tone(struct source *source, struct fault *fault) {
  (void)fault;
  ((struct tone_source *)source)->position = 0;
  return 0;
}

static void close_tone(struct source *source) {
  free(source);
}

static const struct source_ops tone_ops = {
    .read = read_tone, .rewind = rewind_tone, .close = close_tone};
static const struct source_ops chime_ops = {
    .read = read_chime, .rewind = rewind_tone, .close = close_tone};

static int parse_hz(const char *name, double *out, struct fault *fault) {
  char *end = NULL;
  double hz = strtod(name + 5, &end);
  if (end == name + 5 || *end != '\0' || !isfinite(hz) || hz < 20 || hz > 20000) {
    return fault_set(fault, "SOURCE \"%s\": give a frequency from 20 to 20000 Hz, as tone:440",
                     name);
  }
  *out = hz;
  return 0;
}

int source_tone_check(const char *name, struct fault *fault) {
  double hz = 0;
  return parse_hz(name, &hz, fault);
}

int source_tone_open(const char *name, struct source **out, struct fault *fault) {
  bool is_chime = strcmp(name, "chime:") == 0;
  double hz = 0;
  if (!is_chime && parse_hz(name, &hz, fault) != 0) {
    return -1;
  }
  struct tone_source *tone = calloc(1, sizeof *tone);
  if (tone == NULL) {
    return fault_set(fault, "%s: out of memory", name);
  }
  tone->base =
      (struct source){.ops = is_chime ? &chime_ops : &tone_ops, .name = name, .channels = 1};
  tone->hz = hz;
  *out = &tone->base;
  return 0;
}
