/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pawebrtc/encoder.h>
#include <string.h>

#include "kit/alloc.h"
#include "opus/decoder.h"
#include "opus/payload.h"
#include "opus/signal.h"

static struct paw_encoder *encoder_new(const struct paw_encoder_config *config) {
  struct paw_encoder *encoder = NULL;
  assert_int_equal(paw_encoder_new(config, &encoder), PAW_OK);
  assert_non_null(encoder);
  return encoder;
}

/* Does a decoded second match what went in, once the codec's delay is taken off? */
static void check_round_trip(const struct paw_encoder_config *config) {
  enum { SECOND = 48000 };
  static int16_t sent[SECOND * 2];
  static int16_t heard[SECOND * 2];
  struct paw_encoder *encoder = encoder_new(config);
  struct paw_allocator none = {0};
  struct paw_opus_decoder decoder;
  assert_int_equal(paw_opus_decoder_init(&decoder, &none, config->channels), PAW_OK);
  struct signal signal = {0};
  signal_fill(&signal, sent, SECOND, config->channels);
  size_t step = (size_t)config->frame_frames * config->channels;
  for (size_t at = 0; at + step <= (size_t)SECOND * config->channels; at += step) {
    uint8_t packet[PAW_OPUS_PACKET_MAX];
    size_t len = sizeof packet;
    size_t frames = 0;
    struct paw_opus_payload payload;
    assert_int_equal(paw_encoder_encode(encoder, sent + at, packet, &len), PAW_OK);
    assert_int_equal(paw_opus_payload_read(packet, len, &payload), PAW_OK);
    assert_int_equal(payload.duration_rtp, config->frame_frames);
    assert_int_equal(payload.frame_count, 1);
    if (config->application == PAW_OPUS_RESTRICTED_LOWDELAY) {
      assert_int_equal(payload.mode, PAW_OPUS_MODE_CELT);
    }
    assert_int_equal(
        paw_opus_decoder_decode(&decoder, packet, len, heard + at, config->frame_frames, &frames),
        PAW_OK);
    assert_int_equal(frames, config->frame_frames);
  }
  size_t delay = (size_t)paw_encoder_get_lookahead_frames(encoder) * config->channels;
  size_t settled = (size_t)SECOND / 4 * config->channels;
  size_t count = (size_t)SECOND / 2 * config->channels;
  double snr_db = signal_snr_db(sent + settled, heard + settled + delay, count);
  double floor_db = config->application == PAW_OPUS_VOIP ? 3 : 10;
  if (snr_db < floor_db) {
    fail_msg("application %d, %u frames, %u channels: %.1f dB", (int)config->application,
             (unsigned)config->frame_frames, config->channels, snr_db);
  }
  paw_opus_decoder_wipe(&decoder, &none);
  paw_encoder_free(encoder);
}

static void every_application_and_frame_size_round_trips(void **state) {
  (void)state;
  static const enum paw_opus_application applications[] = {PAW_OPUS_VOIP, PAW_OPUS_AUDIO,
                                                           PAW_OPUS_RESTRICTED_LOWDELAY};
  static const uint32_t sizes[] = {120, 240, 480, 960};
  for (size_t a = 0; a < 3; a++) {
    for (size_t s = 0; s < 4; s++) {
      for (uint8_t channels = 1; channels <= 2; channels++) {
        struct paw_encoder_config config;
        paw_encoder_config_init(&config);
        config.application = applications[a];
        config.frame_frames = sizes[s];
        config.channels = channels;
        config.bitrate_bps = 128000;
        check_round_trip(&config);
      }
    }
  }
}

static void lookahead_is_that_of_the_application(void **state) {
  (void)state;
  struct paw_encoder_config config;
  paw_encoder_config_init(&config);
  struct paw_encoder *encoder = encoder_new(&config);
  assert_int_equal(paw_encoder_get_lookahead_frames(encoder), 312);
  paw_encoder_free(encoder);
  config.application = PAW_OPUS_RESTRICTED_LOWDELAY;
  encoder = encoder_new(&config);
  assert_int_equal(paw_encoder_get_lookahead_frames(encoder), 120);
  paw_encoder_free(encoder);
}

static void expect_refused(const struct paw_encoder_config *config) {
  struct paw_encoder *encoder = NULL;
  assert_int_equal(paw_encoder_new(config, &encoder), PAW_ERR_INVALID);
  assert_null(encoder);
}

static void values_out_of_range_are_refused(void **state) {
  (void)state;
  struct paw_encoder_config good;
  paw_encoder_config_init(&good);
  struct paw_encoder_config bad = good;
  bad.struct_size = 0;
  expect_refused(&bad);
  for (uint8_t channels = 0; channels <= 3; channels = (uint8_t)(channels + 3)) {
    bad = good;
    bad.channels = channels;
    expect_refused(&bad);
  }
  static const uint32_t sizes[] = {0, 119, 960 * 2, 480 + 1};
  for (size_t i = 0; i < 4; i++) {
    bad = good;
    bad.frame_frames = sizes[i];
    expect_refused(&bad);
  }
  bad = good;
  bad.bitrate_bps = 5999;
  expect_refused(&bad);
  bad.bitrate_bps = 510001;
  expect_refused(&bad);
  bad = good;
  bad.complexity = 11;
  expect_refused(&bad);
  bad = good;
  bad.packet_loss_percent = 101;
  expect_refused(&bad);
  bad = good;
  bad.application = (enum paw_opus_application)7;
  expect_refused(&bad);
}

/* Bytes that a second takes. */
static size_t second_bytes(struct paw_encoder *encoder, size_t *with_lbrr) {
  struct signal signal = {0};
  size_t sum = 0;
  *with_lbrr = 0;
  for (int i = 0; i < 100; i++) {
    int16_t pcm[480];
    uint8_t packet[PAW_OPUS_PACKET_MAX];
    size_t len = sizeof packet;
    struct paw_opus_payload payload;
    signal_fill(&signal, pcm, 480, 1);
    assert_int_equal(paw_encoder_encode(encoder, pcm, packet, &len), PAW_OK);
    assert_int_equal(paw_opus_payload_read(packet, len, &payload), PAW_OK);
    sum += len;
    *with_lbrr += payload.has_lbrr;
  }
  return sum;
}

static void a_running_encoder_can_be_changed(void **state) {
  (void)state;
  struct paw_encoder_config config;
  paw_encoder_config_init(&config);
  struct paw_encoder *encoder = encoder_new(&config);
  size_t with_lbrr = 0;
  size_t at_48k = second_bytes(encoder, &with_lbrr);
  assert_int_equal(with_lbrr, 0);
  assert_in_range(at_48k, 5000, 6800);
  assert_int_equal(paw_encoder_set_packet_loss(encoder, 20), PAW_OK);
  (void)second_bytes(encoder, &with_lbrr);
  assert_true(with_lbrr > 50);
  assert_int_equal(paw_encoder_set_inband_fec(encoder, false), PAW_OK);
  (void)second_bytes(encoder, &with_lbrr);
  assert_true(with_lbrr < 3); /* what was under way */
  assert_int_equal(paw_encoder_set_bitrate(encoder, 16000), PAW_OK);
  (void)second_bytes(encoder, &with_lbrr);
  assert_true(second_bytes(encoder, &with_lbrr) < at_48k / 2);
  assert_int_equal(paw_encoder_set_bitrate(encoder, 5000), PAW_ERR_INVALID);
  assert_int_equal(paw_encoder_set_bitrate(encoder, 600000), PAW_ERR_INVALID);
  assert_int_equal(paw_encoder_set_packet_loss(encoder, 101), PAW_ERR_INVALID);
  paw_encoder_free(encoder);
}

/* Frames of a second of voice that carry a copy of the one before. */
static size_t count_lbrr(struct paw_encoder *encoder, struct signal *signal, uint32_t frames) {
  size_t count = 0;
  for (uint32_t at = 0; at < 48000; at += frames) {
    int16_t pcm[960];
    uint8_t packet[PAW_OPUS_PACKET_MAX];
    size_t len = sizeof packet;
    struct paw_opus_payload payload;
    signal_fill(signal, pcm, frames, 1);
    assert_int_equal(paw_encoder_encode(encoder, pcm, packet, &len), PAW_OK);
    assert_int_equal(paw_opus_payload_read(packet, len, &payload), PAW_OK);
    count += payload.has_lbrr;
  }
  return count;
}

/* What a hub advises (hub.h) takes hold within a running stream: copies in most voiced frames where
 * Opus can make them, none in frames too short for SILK, and none after it is taken back. */
static void the_least_advice_makes_redundancy_within_a_stream(void **state) {
  (void)state;
  static const uint32_t sizes[] = {120, 240, 480, 960};
  static const uint32_t bitrates[] = {24000, 32000, 40000, 48000};
  for (size_t s = 0; s < 4; s++) {
    for (size_t b = 0; b < 4; b++) {
      struct paw_encoder_config config;
      struct signal signal = {0};
      paw_encoder_config_init(&config);
      config.frame_frames = sizes[s];
      config.bitrate_bps = bitrates[b];
      config.inband_fec = false;
      struct paw_encoder *encoder = encoder_new(&config);
      assert_int_equal(count_lbrr(encoder, &signal, sizes[s]), 0);
      for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(paw_encoder_set_inband_fec(encoder, true), PAW_OK);
        assert_int_equal(paw_encoder_set_packet_loss(encoder, 10), PAW_OK);
        size_t frames = 48000 / sizes[s];
        size_t with_lbrr = count_lbrr(encoder, &signal, sizes[s]);
        assert_in_range(with_lbrr, sizes[s] < 480 ? 0 : frames / 2, sizes[s] < 480 ? 0 : frames);
        assert_int_equal(paw_encoder_set_packet_loss(encoder, 0), PAW_OK);
        assert_int_equal(paw_encoder_set_inband_fec(encoder, false), PAW_OK);
        (void)count_lbrr(encoder, &signal, sizes[s]);
        assert_int_equal(count_lbrr(encoder, &signal, sizes[s]), 0);
      }
      paw_encoder_free(encoder);
    }
  }
}

static void dtx_sends_the_first_silent_frame_and_then_few(void **state) {
  (void)state;
  static const int16_t silence[960];
  struct paw_encoder_config config;
  paw_encoder_config_init(&config);
  config.frame_frames = 960;
  config.dtx = true;
  struct paw_encoder *encoder = encoder_new(&config);
  int sent = 0;
  int told = 0;
  for (int i = 0; i < 200; i++) {
    uint8_t packet[PAW_OPUS_PACKET_MAX];
    size_t len = sizeof packet;
    struct paw_opus_payload payload;
    assert_int_equal(paw_encoder_encode(encoder, silence, packet, &len), PAW_OK);
    if (i >= 50 && len > 0) {
      assert_int_equal(paw_opus_payload_read(packet, len, &payload), PAW_OK);
      sent++;
      told += payload.is_dtx;
    }
  }
  assert_in_range(sent, 5, 20);
  assert_in_range(told, 3, 10);
  paw_encoder_free(encoder);
}

static void no_room_is_an_error_of_the_codec(void **state) {
  (void)state;
  struct paw_encoder_config config;
  paw_encoder_config_init(&config);
  struct paw_encoder *encoder = encoder_new(&config);
  int16_t pcm[480] = {0};
  uint8_t packet[1];
  size_t len = 0;
  assert_int_equal(paw_encoder_encode(encoder, pcm, packet, &len), PAW_ERR_CODEC);
  assert_int_equal(len, 0);
  paw_encoder_free(encoder);
}

static void memory_is_one_block_of_the_allocator(void **state) {
  (void)state;
  struct kit_allocator memory = {0};
  struct paw_encoder_config config;
  paw_encoder_config_init(&config);
  config.allocator = kit_allocator_hook(&memory);
  memory.fail_nth = 1;
  struct paw_encoder *encoder = NULL;
  assert_int_equal(paw_encoder_new(&config, &encoder), PAW_ERR_NO_MEMORY);
  assert_null(encoder);
  memory = (struct kit_allocator){0};
  encoder = encoder_new(&config);
  assert_int_equal(memory.allocations, 1);
  kit_malloc_start();
  size_t with_lbrr = 0;
  (void)second_bytes(encoder, &with_lbrr);
  assert_int_equal(kit_malloc_stop().allocations, 0);
  assert_int_equal(memory.allocations, 1);
  paw_encoder_free(encoder);
  paw_encoder_free(NULL);
  assert_int_equal(memory.outstanding_bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_application_and_frame_size_round_trips),
      cmocka_unit_test(lookahead_is_that_of_the_application),
      cmocka_unit_test(values_out_of_range_are_refused),
      cmocka_unit_test(a_running_encoder_can_be_changed),
      cmocka_unit_test(the_least_advice_makes_redundancy_within_a_stream),
      cmocka_unit_test(dtx_sends_the_first_silent_frame_and_then_few),
      cmocka_unit_test(no_room_is_an_error_of_the_codec),
      cmocka_unit_test(memory_is_one_block_of_the_allocator),
  };
  return cmocka_run_group_tests_name("opus encoder", tests, NULL, NULL);
}
