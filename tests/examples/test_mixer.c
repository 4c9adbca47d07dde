/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "mixer.h"

#define FRAMES 480
#define RAMP_CALLS (MIXER_RAMP_FRAMES / FRAMES) /* of mix */

/* Renders one value, in both channels, after some silence. */
struct voice {
  int16_t value;
  size_t silent_frames;
  uint8_t channels;
  uint64_t play_ns;
  unsigned renders;
  unsigned lefts;
};

static void render(void *user_data, uint64_t play_ns, int16_t *pcm, size_t frames) {
  struct voice *voice = user_data;
  voice->renders++;
  voice->play_ns = play_ns;
  for (size_t i = 0; i < frames; i++) {
    bool silent = voice->silent_frames > 0;
    voice->silent_frames -= silent;
    for (uint8_t channel = 0; channel < voice->channels; channel++) {
      pcm[i * voice->channels + channel] = silent ? 0 : voice->value;
    }
  }
}

static void left(void *user_data) {
  struct voice *voice = user_data;
  voice->lefts++;
}

static int join(struct mixer *mixer, struct voice *voice) {
  struct mixer_source source = {.render = render, .left = left, .user_data = voice};
  voice->channels = mixer->channels;
  return mixer_join(mixer, &source);
}

/* Mix over a constant; `out` holds the last call's frames. */
static void mix(struct mixer *mixer, int16_t bed, int16_t *out, unsigned calls) {
  for (unsigned call = 0; call < calls; call++) {
    for (size_t i = 0; i < (size_t)FRAMES * mixer->channels; i++) {
      out[i] = bed;
    }
    mixer_mix(mixer, 7, out, FRAMES);
  }
}

static void without_voices_nothing_changes(void **state) {
  struct mixer mixer;
  int16_t pcm[4] = {1, -2, INT16_MAX, INT16_MIN};
  int16_t same[4];
  (void)state;
  memcpy(same, pcm, sizeof pcm);
  mixer_init(&mixer, 2);
  mixer_mix(&mixer, 0, pcm, 2);
  assert_memory_equal(pcm, same, sizeof pcm);
}

static void voices_are_added(void **state) {
  struct mixer mixer;
  struct voice a = {.value = 1000};
  struct voice b = {.value = -300};
  int16_t pcm[2 * FRAMES];
  (void)state;
  mixer_init(&mixer, 2);
  assert_true(join(&mixer, &a) != join(&mixer, &b));
  mix(&mixer, 50, pcm, RAMP_CALLS + 1);
  assert_int_equal(pcm[0], 750);
  assert_int_equal(pcm[2 * FRAMES - 1], 750);
  assert_true(a.play_ns == 7);
}

static void the_sum_stays_at_full_scale(void **state) {
  struct mixer mixer;
  struct voice voices[MIXER_VOICES_MAX];
  int16_t pcm[FRAMES];
  (void)state;
  for (int sign = -1; sign <= 1; sign += 2) {
    mixer_init(&mixer, 1);
    for (int i = 0; i < MIXER_VOICES_MAX; i++) {
      voices[i] = (struct voice){.value = sign > 0 ? INT16_MAX : INT16_MIN};
      assert_int_equal(join(&mixer, &voices[i]), i);
    }
    mix(&mixer, (int16_t)(sign * 30000), pcm, RAMP_CALLS + 1);
    assert_int_equal(pcm[0], sign > 0 ? INT16_MAX : INT16_MIN);
  }
}

static int greatest_step(const int16_t *pcm, size_t count, int before) {
  int greatest = 0;
  for (size_t i = 0; i < count; i++) {
    int step = abs(pcm[i] - before);
    greatest = step > greatest ? step : greatest;
    before = pcm[i];
  }
  return greatest;
}

static void a_voice_comes_without_a_click_where_its_sound_begins(void **state) {
  struct mixer mixer;
  struct voice voice = {.value = 24000, .silent_frames = 1000};
  int16_t pcm[(RAMP_CALLS + 3) * FRAMES] = {0};
  (void)state;
  mixer_init(&mixer, 1);
  (void)join(&mixer, &voice);
  for (int i = 0; i < RAMP_CALLS + 3; i++) {
    mixer_mix(&mixer, 0, pcm + (ptrdiff_t)i * FRAMES, FRAMES);
  }
  assert_int_equal(pcm[1000], 0);
  assert_in_range(pcm[1000 + MIXER_RAMP_FRAMES / 2], 11000, 13000);
  assert_int_equal(pcm[1001 + MIXER_RAMP_FRAMES], 24000);
  /* In its first 20 ms a decoder that has joined may be off by as much as it should give. */
  assert_in_range(pcm[1000 + 960], 1, 24000 / 2);
  assert_in_range(greatest_step(pcm, sizeof pcm / sizeof pcm[0], 0), 1, 100);
}

static void a_voice_leaves_after_its_tail_without_a_click(void **state) {
  struct mixer mixer;
  struct voice voice = {.value = 24000};
  int16_t pcm[FRAMES];
  int last = 24000;
  (void)state;
  mixer_init(&mixer, 1);
  int number = join(&mixer, &voice);
  mix(&mixer, 0, pcm, RAMP_CALLS + 1);
  mixer_leave(&mixer, number);
  mix(&mixer, 0, pcm, MIXER_TAIL_FRAMES / FRAMES);
  assert_int_equal(pcm[FRAMES - 1], 24000);
  mixer_leave(&mixer, number);
  for (unsigned i = 0; voice.lefts == 0; i++) {
    assert_true(i < RAMP_CALLS + 2);
    mix(&mixer, 0, pcm, 1);
    assert_in_range(greatest_step(pcm, FRAMES, last), 0, 100);
    last = pcm[FRAMES - 1];
  }
  unsigned renders = voice.renders;
  mix(&mixer, 0, pcm, 3);
  assert_int_equal(pcm[0], 0);
  assert_int_equal(voice.renders, renders);
  assert_int_equal(voice.lefts, 1);
}

static void a_voice_that_never_sounded_leaves_too(void **state) {
  struct mixer mixer;
  struct voice voice = {.value = 0};
  int16_t pcm[FRAMES];
  (void)state;
  mixer_init(&mixer, 1);
  mixer_leave(&mixer, join(&mixer, &voice));
  mix(&mixer, 5, pcm, MIXER_TAIL_FRAMES / FRAMES + 1);
  assert_int_equal(pcm[0], 5);
  assert_int_equal(voice.lefts, 1);
}

static void places_are_bounded_and_used_again(void **state) {
  struct mixer mixer;
  struct voice voices[MIXER_VOICES_MAX] = {{0}};
  struct voice extra = {0};
  int16_t pcm[FRAMES];
  (void)state;
  mixer_init(&mixer, 1);
  for (int i = 0; i < MIXER_VOICES_MAX; i++) {
    assert_int_equal(join(&mixer, &voices[i]), i);
  }
  assert_int_equal(join(&mixer, &extra), -1);
  mixer_leave(&mixer, 3);
  assert_int_equal(join(&mixer, &extra), -1);
  mix(&mixer, 0, pcm, MIXER_TAIL_FRAMES / FRAMES + 2);
  assert_int_equal(join(&mixer, &extra), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_voices_nothing_changes),
      cmocka_unit_test(voices_are_added),
      cmocka_unit_test(the_sum_stays_at_full_scale),
      cmocka_unit_test(a_voice_comes_without_a_click_where_its_sound_begins),
      cmocka_unit_test(a_voice_leaves_after_its_tail_without_a_click),
      cmocka_unit_test(a_voice_that_never_sounded_leaves_too),
      cmocka_unit_test(places_are_bounded_and_used_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
