/* SPDX-License-Identifier: MIT */
/* One period more or less: of what, how long, and how it sounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kit/rng.h"
#include "opus/signal.h"
#include "playout/playout.h"

#define FRAMES 4096
#define AT 2000

struct sound {
  int16_t pcm[2 * FRAMES * 2];
  size_t frames;
  uint8_t channels;
};

/* Twelve harmonics, falling by 6 dB an octave, at any time. */
static double voice(double hz, double at) {
  double value = 0;
  for (int harmonic = 1; harmonic <= 12; harmonic++) {
    value += sin(SIGNAL_TURN * hz * harmonic * at / 48000 + harmonic) / harmonic;
  }
  return 6000 * value;
}

static struct sound make_voice(double hz, uint8_t channels) {
  struct sound sound = {.frames = FRAMES, .channels = channels};
  for (size_t i = 0; i < FRAMES; i++) {
    double value = voice(hz, (double)i);
    sound.pcm[i * channels] = (int16_t)value;
    sound.pcm[i * channels + channels - 1u] = (int16_t)(channels == 1 ? value : -0.5 * value);
  }
  return sound;
}

static struct paw_playout_period find(const struct sound *sound, bool insertion, size_t most) {
  return paw_playout_stretch_find(sound->pcm, AT, sound->frames, sound->channels, insertion, most);
}

static void apply(struct sound *sound, bool insertion, size_t period) {
  if (insertion) {
    paw_playout_stretch_insert(sound->pcm, AT, sound->frames, sound->channels, period);
    sound->frames += period;
  } else {
    paw_playout_stretch_remove(sound->pcm, AT, sound->frames, sound->channels, period);
    sound->frames -= period;
  }
}

/* The greatest second difference of one channel. */
static int roughness(const struct sound *sound, size_t channel, size_t from, size_t until) {
  int greatest = 0;
  for (size_t i = from; i < until; i++) {
    const int16_t *at = &sound->pcm[(i - 1) * sound->channels + channel];
    int bend = abs(at[0] - 2 * at[sound->channels] + at[2 * (size_t)sound->channels]);
    greatest = bend > greatest ? bend : greatest;
  }
  return greatest;
}

static bool is_period(double period, size_t frames) {
  double turns = (double)frames / period;
  return fabs(turns - round(turns)) * period < 1.5;
}

static void a_voice_loses_or_gains_whole_periods(void **state) {
  (void)state;
  static const double pitches_hz[] = {85, 120, 170, 220, 390};
  for (size_t i = 0; i < sizeof pitches_hz / sizeof pitches_hz[0]; i++) {
    for (int insertion = 0; insertion <= 1; insertion++) {
      struct sound sound = make_voice(pitches_hz[i], 1);
      struct sound before = sound;
      struct paw_playout_period period = find(&sound, insertion, PAW_PLAYOUT_PERIOD_MAX);
      assert_false(period.is_silent);
      assert_true(period.correlation > 0.99f);
      assert_true(is_period(48000 / pitches_hz[i], period.frames));
      apply(&sound, insertion, period.frames);
      int rough = roughness(&before, 0, 1, FRAMES - 1);
      assert_true(roughness(&sound, 0, 1, sound.frames - 1) <= rough * 21 / 20);
      size_t after = insertion ? AT + period.frames : AT;
      size_t joined = insertion ? 0 : PAW_PLAYOUT_STRETCH_FADE_FRAMES;
      size_t old = insertion ? AT : AT + period.frames;
      assert_memory_equal(sound.pcm, before.pcm, AT * sizeof sound.pcm[0]);
      assert_memory_equal(&sound.pcm[after + joined], &before.pcm[old + joined],
                          (FRAMES - old - joined) * sizeof sound.pcm[0]);
    }
  }
}

/* Nothing but the harmonics is heard: all else lies 40 dB below, round the join too. */
static void the_join_adds_no_tone(void **state) {
  (void)state;
  for (int insertion = 0; insertion <= 1; insertion++) {
    struct sound sound = make_voice(120, 1);
    struct paw_playout_period period = find(&sound, insertion, PAW_PLAYOUT_PERIOD_MAX);
    apply(&sound, insertion, period.frames);
    double wrong = 0;
    double all = 0;
    for (size_t i = AT; i < AT + 400; i++) { /* one period of 120 Hz */
      double wanted = voice(120, (double)i);
      wrong += (sound.pcm[i] - wanted) * (sound.pcm[i] - wanted);
      all += wanted * wanted;
    }
    assert_true(10 * log10(all / wrong) > 40);
  }
}

static void noise_is_refused(void **state) {
  (void)state;
  struct kit_rng rng;
  kit_rng_init(&rng, 1);
  for (int turn = 0; turn < 100; turn++) {
    struct sound sound = {.frames = FRAMES, .channels = 1};
    for (size_t i = 0; i < FRAMES; i++) {
      sound.pcm[i] = (int16_t)((int)kit_rng_below(&rng, 20000) - 10000);
    }
    for (int insertion = 0; insertion <= 1; insertion++) {
      struct paw_playout_period period = find(&sound, insertion, PAW_PLAYOUT_PERIOD_MAX);
      assert_true(period.correlation < 0.5f);
      assert_false(period.is_silent);
    }
  }
}

static void near_silence_takes_anything(void **state) {
  (void)state;
  struct kit_rng rng;
  kit_rng_init(&rng, 1);
  struct sound sound = {.frames = FRAMES, .channels = 2};
  for (size_t i = 0; i < FRAMES * 2; i++) {
    sound.pcm[i] = (int16_t)((int)kit_rng_below(&rng, 40) - 20);
  }
  struct paw_playout_period period = find(&sound, false, 500);
  assert_true(period.is_silent);
  assert_in_range(period.frames, 490, 500);
}

/* Whatever one channel does, the other does; also where they cancel each other out. */
static void channels_stay_in_phase(void **state) {
  (void)state;
  for (int insertion = 0; insertion <= 1; insertion++) {
    struct sound sound = make_voice(150, 2);
    for (size_t i = 0; i < FRAMES; i++) {
      sound.pcm[2 * i + 1] = (int16_t)-sound.pcm[2 * i];
    }
    struct paw_playout_period period = find(&sound, insertion, PAW_PLAYOUT_PERIOD_MAX);
    assert_false(period.is_silent);
    assert_true(is_period(48000.0 / 150, period.frames));
    apply(&sound, insertion, period.frames);
    for (size_t i = 0; i < sound.frames; i++) {
      assert_int_equal(sound.pcm[2 * i], -sound.pcm[2 * i + 1]);
    }
  }
}

static void limits_are_kept(void **state) {
  (void)state;
  struct sound sound = make_voice(120, 1);
  for (int insertion = 0; insertion <= 1; insertion++) {
    for (size_t most = 0; most < 700; most += 13) {
      struct paw_playout_period period = find(&sound, insertion, most);
      size_t limit = most < PAW_PLAYOUT_PERIOD_MAX ? most : PAW_PLAYOUT_PERIOD_MAX;
      assert_true(period.frames <= limit);
      assert_true(period.frames == 0 || period.frames >= PAW_PLAYOUT_PERIOD_MIN);
      assert_int_equal(period.frames > 0, most >= PAW_PLAYOUT_PERIOD_MIN);
    }
  }
  for (size_t frames = AT; frames < AT + 1000; frames += 7) {
    struct paw_playout_period period =
        paw_playout_stretch_find(sound.pcm, AT, frames, 1, false, PAW_PLAYOUT_PERIOD_MAX);
    size_t ahead = frames - AT;
    assert_true(period.frames == 0 || period.frames + PAW_PLAYOUT_STRETCH_FADE_FRAMES <= ahead);
  }
  assert_int_equal(paw_playout_stretch_find(sound.pcm, 100, FRAMES, 1, true, 500).frames, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_voice_loses_or_gains_whole_periods),
      cmocka_unit_test(the_join_adds_no_tone),
      cmocka_unit_test(noise_is_refused),
      cmocka_unit_test(near_silence_takes_anything),
      cmocka_unit_test(channels_stay_in_phase),
      cmocka_unit_test(limits_are_kept),
  };
  return cmocka_run_group_tests_name("playout stretch", tests, NULL, NULL);
}
