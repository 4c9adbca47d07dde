/* SPDX-License-Identifier: MIT */
#include "mixer.h"

#include <assert.h>

void mixer_init(struct mixer *mixer, uint8_t channels) {
  *mixer = (struct mixer){.channels = channels};
}

int mixer_join(struct mixer *mixer, const struct mixer_source *source) {
  for (int i = 0; i < MIXER_VOICES_MAX; i++) {
    if (mixer->voices[i].state == MIXER_VOICE_FREE) {
      mixer->voices[i] = (struct mixer_voice){.state = MIXER_VOICE_WAITING, .source = *source};
      return i;
    }
  }
  return -1;
}

void mixer_leave(struct mixer *mixer, int voice) {
  struct mixer_voice *leaving = &mixer->voices[voice];
  switch (leaving->state) {
  case MIXER_VOICE_WAITING:
  case MIXER_VOICE_RISING:
  case MIXER_VOICE_OPEN:
    leaving->state = MIXER_VOICE_LEAVING;
    leaving->tail_frames = MIXER_TAIL_FRAMES;
    return;
  case MIXER_VOICE_FREE:
  case MIXER_VOICE_LEAVING:
  case MIXER_VOICE_FALLING:
    return;
  }
}

static bool is_silent(const int16_t *frame, uint8_t channels) {
  return frame[0] == 0 && (channels == 1 || frame[1] == 0);
}

/* Move the ramp on by one frame. */
static void advance(struct mixer_voice *voice, bool silent) {
  switch (voice->state) {
  case MIXER_VOICE_WAITING:
    voice->state = silent ? MIXER_VOICE_WAITING : MIXER_VOICE_RISING;
    return;
  case MIXER_VOICE_RISING:
    voice->ramp++;
    voice->state = voice->ramp == MIXER_RAMP_FRAMES ? MIXER_VOICE_OPEN : MIXER_VOICE_RISING;
    return;
  case MIXER_VOICE_LEAVING:
    voice->ramp += voice->ramp < MIXER_RAMP_FRAMES && !silent;
    voice->tail_frames--;
    voice->state = voice->tail_frames == 0 ? MIXER_VOICE_FALLING : MIXER_VOICE_LEAVING;
    return;
  case MIXER_VOICE_FALLING:
    voice->ramp -= voice->ramp > 0;
    return;
  case MIXER_VOICE_FREE:
  case MIXER_VOICE_OPEN:
    return;
  }
}

static void add_voice(struct mixer_voice *voice, uint8_t channels, const int16_t *pcm, int32_t *sum,
                      size_t frames) {
  for (size_t i = 0; i < frames; i++) {
    const int16_t *frame = &pcm[i * channels];
    for (uint8_t channel = 0; channel < channels; channel++) {
      sum[i * channels + channel] += frame[channel] * (int32_t)voice->ramp / MIXER_RAMP_FRAMES;
    }
    advance(voice, is_silent(frame, channels));
  }
}

static void let_go(struct mixer_voice *voice) {
  struct mixer_source source = voice->source;
  *voice = (struct mixer_voice){0};
  source.left(source.user_data);
}

static int16_t limit(int32_t sample) {
  if (sample > INT16_MAX) {
    return INT16_MAX;
  }
  return sample < INT16_MIN ? INT16_MIN : (int16_t)sample;
}

void mixer_mix(struct mixer *mixer, uint64_t play_ns, int16_t *pcm, size_t frames) {
  int32_t sum[2 * MIXER_FRAMES_MAX] = {0};
  int16_t rendered[2 * MIXER_FRAMES_MAX];
  const uint8_t channels = mixer->channels;
  size_t count = frames * channels;
  assert(frames <= MIXER_FRAMES_MAX);
  for (size_t i = 0; i < count; i++) {
    sum[i] = pcm[i];
  }
  for (int i = 0; i < MIXER_VOICES_MAX; i++) {
    struct mixer_voice *voice = &mixer->voices[i];
    if (voice->state != MIXER_VOICE_FREE) {
      voice->source.render(voice->source.user_data, play_ns, rendered, frames);
      add_voice(voice, channels, rendered, sum, frames);
    }
    if (voice->state == MIXER_VOICE_FALLING && voice->ramp == 0) {
      let_go(voice);
    }
  }
  for (size_t i = 0; i < count; i++) {
    pcm[i] = limit(sum[i]);
  }
}
