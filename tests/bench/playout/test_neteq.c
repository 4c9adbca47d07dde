/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/time.h"
#include "bench/playout/neteq_delay.h"
#include "bench/playout/neteq_stretch.h"
#include "bench/playout/run.h"

static void the_first_target_is_80_ms(void **state) {
  (void)state;
  struct neteq_delay delay;
  neteq_delay_init(&delay);
  assert_int_equal(delay.target_ms, 80);
  for (int64_t ms = 0; ms <= 500; ms += 20) {
    neteq_delay_note(&delay, ms, ms, false);
    assert_int_equal(delay.target_ms, 80);
  }
  neteq_delay_note(&delay, 520, 520, false);
  assert_int_equal(delay.target_ms, 20);
}

/* One late packet in a half second stands for all of it. */
static void of_each_half_second_the_worst_counts(void **state) {
  (void)state;
  struct neteq_delay delay;
  neteq_delay_init(&delay);
  for (int64_t ms = 0; ms < 20000; ms += 20) {
    int64_t late_ms = ms % 500 == 0 ? 70 : 0;
    neteq_delay_note(&delay, ms, ms + late_ms, false);
  }
  assert_int_equal(delay.target_ms, 80);
  assert_int_equal(neteq_delay_most_ms(&delay), 70);
}

/* One half second in twenty may be worse than the target. */
static void rare_delays_are_left_out(void **state) {
  (void)state;
  struct neteq_delay delay;
  neteq_delay_init(&delay);
  for (int64_t ms = 0; ms < 200000; ms += 20) {
    neteq_delay_note(&delay, ms, ms + (ms % 15000 == 0 ? 150 : 0), false);
  }
  assert_int_equal(delay.target_ms, 20);
}

static void the_base_is_forgotten_after_2_s(void **state) {
  (void)state;
  struct neteq_delay delay;
  neteq_delay_init(&delay);
  for (int64_t ms = 0; ms < 10000; ms += 20) {
    neteq_delay_note(&delay, ms, ms + (ms >= 5000 ? 100 : 0), false);
    if (ms == 6000) {
      assert_int_equal(neteq_delay_relative_ms(&delay, ms, ms + 100), 100);
    }
  }
  assert_int_equal(neteq_delay_relative_ms(&delay, 9980, 10080), 0);
}

/* 20 ms of delay are worth 1 % of packets. */
static void reordered_packets_are_waited_for(void **state) {
  (void)state;
  struct neteq_delay delay;
  neteq_delay_init(&delay);
  for (int64_t ms = 0; ms < 60000; ms += 20) {
    bool is_reordered = ms % 400 == 0; /* 5 % */
    neteq_delay_note(&delay, is_reordered ? ms - 60 : ms, ms + 1, is_reordered);
  }
  assert_int_equal(delay.target_ms, 80);
  neteq_delay_init(&delay);
  for (int64_t ms = 0; ms < 60000; ms += 20) {
    bool is_reordered = ms % 4000 == 0; /* 0.5 % */
    neteq_delay_note(&delay, is_reordered ? ms - 60 : ms, ms + 1, is_reordered);
  }
  assert_int_equal(delay.target_ms, 20);
}

static void the_histogram_forgets_quickly_at_first(void **state) {
  (void)state;
  struct neteq_histogram histogram;
  neteq_histogram_init(&histogram, 0.983);
  neteq_histogram_add(&histogram, 7);
  assert_true(fabs(histogram.buckets[7] - 1) < 1e-12);
  neteq_histogram_add(&histogram, 3);
  assert_true(fabs(histogram.buckets[7] - 1.0 / 3) < 1e-12);
  for (size_t i = 0; i < 1000; i++) {
    neteq_histogram_add(&histogram, 3);
  }
  assert_int_equal(neteq_histogram_quantile(&histogram, 0.95), 3);
  neteq_histogram_add(&histogram, 9);
  assert_true(fabs(histogram.buckets[9] - 0.017) < 1e-9);
}

static void a_period_is_found_in_a_tone_and_none_in_noise(void **state) {
  (void)state;
  int16_t tone[NETEQ_STRETCH_FRAMES];
  int16_t noise[NETEQ_STRETCH_FRAMES];
  struct kit_rng rng;
  kit_rng_init(&rng, 1);
  for (size_t i = 0; i < NETEQ_STRETCH_FRAMES; i++) {
    tone[i] = (int16_t)(8000 * sin(2 * 3.14159265 * 200 * (double)i / 48000));
    noise[i] = (int16_t)(kit_rng_below(&rng, 16000)) - 8000;
  }
  struct neteq_stretch stretch = neteq_stretch_look(tone, 1, false);
  assert_true(stretch.is_possible);
  assert_int_equal(stretch.period % 240, 0); /* 200 Hz at 48 kHz */
  assert_true(neteq_stretch_look(tone, 1, true).period >= stretch.period);
  assert_false(neteq_stretch_look(noise, 1, false).is_possible);
  assert_true(neteq_stretch_look(noise, 1e8, false).is_possible); /* mere background */
}

/* Packets of 10 ms that a test makes itself. */
static void encode_tone(struct programme *programme, uint8_t *bytes, uint32_t *offsets) {
  struct paw_encoder_config config;
  struct paw_encoder *encoder = NULL;
  paw_encoder_config_init(&config);
  assert_int_equal(paw_encoder_new(&config, &encoder), PAW_OK);
  *programme =
      (struct programme){.frame_frames = 480, .count = 100, .offsets = offsets, .bytes = bytes};
  for (size_t i = 0; i < programme->count; i++) {
    int16_t pcm[480];
    for (size_t k = 0; k < 480; k++) {
      pcm[k] = (int16_t)(8000 * sin(2 * 3.14159265 * 200 * (double)(i * 480 + k) / 48000));
    }
    size_t len = PAW_OPUS_PACKET_MAX;
    assert_int_equal(paw_encoder_encode(encoder, pcm, &bytes[offsets[i]], &len), PAW_OK);
    offsets[i + 1] = offsets[i] + (uint32_t)len;
  }
  paw_encoder_free(encoder);
}

static struct run_config config_of(enum air_trace trace, uint64_t seed) {
  return (struct run_config){
      .air = {.trace = trace, .then_ns = PAW_TIME_NEVER, .rtt_ns = 4 * PAW_NS_PER_MS},
      .receiver_new = receiver_neteq_new,
      .minutes = 1,
      .seed = seed,
  };
}

static uint8_t tone_bytes[100 * PAW_OPUS_PACKET_MAX];
static uint32_t tone_offsets[101];

/* It rests anywhere between its limits, 20 ms and 20 + 10 of jitter + 20 of grain by its own clock,
 * in which a packet came up to 10 ms earlier than in truth. */
static void in_quiet_it_rests_between_10_and_50_ms(void **state) {
  (void)state;
  struct programme programme;
  memset(tone_offsets, 0, sizeof tone_offsets);
  encode_tone(&programme, tone_bytes, tone_offsets);
  for (uint64_t seed = 1; seed <= 3; seed++) {
    struct run run;
    struct run_config config = config_of(AIR_QUIET, seed);
    assert_true(run_start(&run, &config, &programme));
    run_finish(&run);
    double delay_ms = heard_second_ms(&run.heard, 50);
    assert_in_range((int)delay_ms, 10, 50);
    assert_in_range(
        (int)(1e6 * (double)run.counts.concealed_samples / (double)run.counts.total_samples), 300,
        2500); /* it loses what the air loses, and nothing more */
    run_wipe(&run);
  }
}

/* After an outage nothing is left out: all is as much later, and is caught up by and by. */
static void an_outage_delays_what_follows(void **state) {
  (void)state;
  struct programme programme;
  memset(tone_offsets, 0, sizeof tone_offsets);
  encode_tone(&programme, tone_bytes, tone_offsets);
  struct run run;
  struct run_config config = config_of(AIR_SPIKES, 1);
  config.minutes = 3;
  assert_true(run_start(&run, &config, &programme));
  run_finish(&run);
  assert_true(heard_quantile_ms(&run.heard, 0.999) > 100);
  assert_true(run.counts.longest_gap_samples > 2400);
  run_wipe(&run);
}

static void requests_bring_back_what_was_lost(void **state) {
  (void)state;
  struct programme programme;
  memset(tone_offsets, 0, sizeof tone_offsets);
  encode_tone(&programme, tone_bytes, tone_offsets);
  uint64_t concealed[2];
  for (size_t i = 0; i < 2; i++) {
    struct run run;
    struct run_config config = config_of(AIR_QUIET, 1);
    config.air.loss = 0.1;
    config.receiver.nack = i == 1;
    assert_true(run_start(&run, &config, &programme));
    run_finish(&run);
    concealed[i] = run.counts.concealed_samples;
    assert_true((run.counts.nack > 0) == (i == 1));
    run_wipe(&run);
  }
  assert_true(concealed[1] * 3 < concealed[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_target_is_80_ms),
      cmocka_unit_test(of_each_half_second_the_worst_counts),
      cmocka_unit_test(rare_delays_are_left_out),
      cmocka_unit_test(the_base_is_forgotten_after_2_s),
      cmocka_unit_test(reordered_packets_are_waited_for),
      cmocka_unit_test(the_histogram_forgets_quickly_at_first),
      cmocka_unit_test(a_period_is_found_in_a_tone_and_none_in_noise),
      cmocka_unit_test(in_quiet_it_rests_between_10_and_50_ms),
      cmocka_unit_test(an_outage_delays_what_follows),
      cmocka_unit_test(requests_bring_back_what_was_lost),
  };
  return cmocka_run_group_tests_name("bench_neteq", tests, NULL, NULL);
}
