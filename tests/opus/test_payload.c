/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <opus.h>
#include <string.h>

#include "kit/rng.h"
#include "opus/payload.h"

static struct paw_opus_payload payload_read(const uint8_t *data, size_t len) {
  struct paw_opus_payload payload;
  assert_int_equal(paw_opus_payload_read(data, len, &payload), PAW_OK);
  return payload;
}

/* RFC 6716 table 2. */
static void every_configuration_is_known(void **state) {
  (void)state;
  static const uint32_t durations[32] = {
      480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 480, 960,
      120, 240, 480,  960,  120, 240, 480,  960,  120, 240, 480,  960,  120, 240, 480, 960};
  for (unsigned config = 0; config < 32; config++) {
    for (unsigned stereo = 0; stereo <= 1; stereo++) {
      uint8_t packet[3] = {(uint8_t)(config << 3 | stereo << 2), 0, 0};
      struct paw_opus_payload payload = payload_read(packet, sizeof packet);
      enum paw_opus_mode mode = config < 12   ? PAW_OPUS_MODE_SILK
                                : config < 16 ? PAW_OPUS_MODE_HYBRID
                                              : PAW_OPUS_MODE_CELT;
      assert_int_equal(payload.mode, mode);
      assert_int_equal(payload.channels, stereo + 1);
      assert_int_equal(payload.frame_count, 1);
      assert_int_equal(payload.frame_rtp, durations[config]);
      assert_int_equal(payload.duration_rtp, durations[config]);
      assert_false(payload.is_dtx);
    }
  }
}

/* RFC 6716 section 3.2: the four ways to pack frames. */
static void frames_are_counted(void **state) {
  (void)state;
  const uint8_t two_equal[] = {0xfd, 1, 2};
  const uint8_t two_unequal[] = {0xfe, 1, 9, 8, 7};
  const uint8_t five_equal[] = {0xff, 5, 1, 2, 3, 4, 5};
  const uint8_t six_of_20_ms[] = {0xfb, 6, 1, 2, 3, 4, 5, 6};
  assert_int_equal(payload_read(two_equal, sizeof two_equal).frame_count, 2);
  assert_int_equal(payload_read(two_unequal, sizeof two_unequal).frame_count, 2);
  assert_int_equal(payload_read(five_equal, sizeof five_equal).duration_rtp, 5 * 960);
  assert_int_equal(payload_read(six_of_20_ms, sizeof six_of_20_ms).duration_rtp, 5760);
}

static void expect_malformed(const uint8_t *data, size_t len) {
  struct paw_opus_payload payload;
  assert_int_equal(paw_opus_payload_read(data, len, &payload), PAW_ERR_MALFORMED);
}

/* RFC 6716 section 3.4, R1..R7. */
static void broken_packing_is_malformed(void **state) {
  (void)state;
  static const uint8_t long_frame[1278] = {0x80};
  static const uint8_t too_long[1600] = {0x80};
  const uint8_t odd[] = {0x81, 1, 2, 3};
  const uint8_t length_past_end[] = {0x82, 5, 1};
  const uint8_t no_count[] = {0x83};
  const uint8_t no_frames[] = {0x83, 0x00, 1};
  const uint8_t over_120_ms[] = {0xfb, 7, 1, 2, 3, 4, 5, 6, 7};
  const uint8_t padding_past_end[] = {0x83, 0x41, 9, 1};
  expect_malformed(NULL, 0);
  expect_malformed(long_frame, sizeof long_frame);
  expect_malformed(too_long, sizeof too_long);
  expect_malformed(odd, sizeof odd);
  expect_malformed(length_past_end, sizeof length_past_end);
  expect_malformed(no_count, sizeof no_count);
  expect_malformed(no_frames, sizeof no_frames);
  expect_malformed(over_120_ms, sizeof over_120_ms);
  expect_malformed(padding_past_end, sizeof padding_past_end);
}

static void empty_frames_mean_silence(void **state) {
  (void)state;
  const uint8_t toc_only[] = {0x78};
  const uint8_t one_byte[] = {0x78, 0};
  const uint8_t sound[] = {0x78, 0, 0};
  const uint8_t two_empty[] = {0x79};
  assert_true(payload_read(toc_only, 1).is_dtx);
  assert_true(payload_read(one_byte, 2).is_dtx);
  assert_true(payload_read(two_empty, 1).is_dtx);
  assert_false(payload_read(sound, 3).is_dtx);
}

/* RFC 6716 section 4.2.3: VAD bits, then LBRR, for mid and then side. */
static void lbrr_bits_are_found(void **state) {
  (void)state;
  static const struct {
    uint8_t toc;
    uint8_t first;
    bool has_lbrr;
  } cases[] = {
      {0x48, 0x40, true},                      /* SILK 20 ms mono: V L */
      {0x48, 0x80, false},                     /* V only */
      {0x50, 0x20, true},                      /* SILK 40 ms mono: V V L */
      {0x50, 0x40, false}, {0x58, 0x10, true}, /* SILK 60 ms mono: V V V L */
      {0x58, 0xe0, false}, {0x4c, 0x40, true}, /* SILK 20 ms stereo: V L v l */
      {0x4c, 0x10, true},  {0x4c, 0xa0, false},
      {0x5c, 0x01, true},  /* SILK 60 ms stereo: VVV L vvv l */
      {0x78, 0x40, true},  /* hybrid 20 ms */
      {0xf8, 0xff, false}, /* CELT has none */
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t packet[] = {cases[i].toc, cases[i].first, 0, 0};
    assert_int_equal(payload_read(packet, sizeof packet).has_lbrr, cases[i].has_lbrr);
  }
  const uint8_t empty[] = {0x48};
  assert_false(payload_read(empty, 1).has_lbrr);
}

static bool is_dtx_by_reading(const uint8_t *data, size_t len) {
  struct paw_opus_payload payload;
  return paw_opus_payload_read(data, len, &payload) == PAW_OK && payload.is_dtx;
}

/* The short question has the answer of the long one: every first byte, and short payloads of all
 * that can follow it. */
static void a_pause_is_seen_without_reading_all(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0, 1, 2, 3, 48, 63, 0x41, 0x81, 0x82, 0xc2, 251, 252, 255};
  size_t pauses = 0;
  assert_false(paw_opus_payload_is_dtx(NULL, 0));
  for (unsigned toc = 0; toc < 256; toc++) {
    for (size_t i = 0; i < sizeof bytes * sizeof bytes; i++) {
      uint8_t data[5] = {(uint8_t)toc, bytes[i % sizeof bytes], bytes[i / sizeof bytes]};
      for (size_t len = 1; len <= sizeof data; len++) {
        bool is_dtx = is_dtx_by_reading(data, len);
        assert_int_equal(paw_opus_payload_is_dtx(data, len), is_dtx);
        pauses += is_dtx;
      }
    }
  }
  assert_true(pauses > 0);
}

static void garbage_agrees_with_libopus(uint64_t seed, void *context) {
  (void)context;
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  for (int i = 0; i < 20000; i++) {
    uint8_t packet[64];
    size_t len = (size_t)kit_rng_below(&rng, sizeof packet + 1);
    struct paw_opus_payload payload;
    kit_rng_bytes(&rng, packet, len);
    int status = paw_opus_payload_read(packet, len, &payload);
    if (status == PAW_OK) {
      assert_int_equal(payload.duration_rtp,
                       opus_packet_get_nb_samples(packet, (opus_int32)len, 48000));
      assert_int_equal(payload.channels, opus_packet_get_nb_channels(packet));
      assert_in_range(payload.duration_rtp, PAW_OPUS_DURATION_UNIT_RTP, PAW_OPUS_DURATION_MAX_RTP);
    } else {
      assert_int_equal(status, PAW_ERR_MALFORMED);
    }
  }
}

static void garbage_is_harmless(void **state) {
  (void)state;
  kit_seeds_run(garbage_agrees_with_libopus, NULL, 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_configuration_is_known),
      cmocka_unit_test(frames_are_counted),
      cmocka_unit_test(broken_packing_is_malformed),
      cmocka_unit_test(empty_frames_mean_silence),
      cmocka_unit_test(a_pause_is_seen_without_reading_all),
      cmocka_unit_test(lbrr_bits_are_found),
      cmocka_unit_test(garbage_is_harmless),
  };
  return cmocka_run_group_tests_name("opus payload", tests, NULL, NULL);
}
