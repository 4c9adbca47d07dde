/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtcp/rtcp.h"

static struct paw_rtcp_packet packet_of(const uint8_t *bytes, size_t len) {
  struct paw_rd compound = paw_rd_init(bytes, len);
  struct paw_rtcp_packet packet;
  assert_true(paw_rtcp_next(&compound, &packet));
  return packet;
}

/* Write `sequences`, read them back; returns the number of PID and BLP fields. */
static size_t round_trip(const uint16_t *sequences, size_t count, uint16_t *read,
                         size_t *read_count) {
  uint8_t bytes[1024];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtcp_write_nack(&wr, 10, 20, sequences, count);
  assert_false(wr.bad);
  struct paw_rtcp_packet packet = packet_of(bytes, wr.len);
  uint32_t sender_ssrc = 0;
  uint32_t media_ssrc = 0;
  assert_int_equal(paw_rtcp_read_nack(&packet, &sender_ssrc, &media_ssrc, read,
                                      PAW_RTCP_NACK_SEQUENCES_MAX, read_count),
                   PAW_OK);
  assert_int_equal(sender_ssrc, 10);
  assert_int_equal(media_ssrc, 20);
  return (wr.len - 12) / 4;
}

static void test_nack_packs_seventeen_in_one_field(void **state) {
  (void)state;
  uint16_t sequences[17];
  for (uint16_t i = 0; i < 17; i++) {
    sequences[i] = (uint16_t)(65530 + i); /* across the wrap */
  }
  uint16_t read[PAW_RTCP_NACK_SEQUENCES_MAX];
  size_t count = 0;
  assert_int_equal(round_trip(sequences, 17, read, &count), 1);
  assert_int_equal(count, 17);
  assert_memory_equal(read, sequences, sizeof sequences);
}

static void test_nack_on_the_wire(void **state) {
  (void)state;
  static const uint16_t sequences[] = {100, 101, 103, 116, 117};
  static const uint8_t expected[] = {0x81, 205, 0, 4,   0,    0,    0, 1,   0, 0,
                                     0,    2,   0, 100, 0x80, 0x05, 0, 117, 0, 0};
  uint8_t bytes[64];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtcp_write_nack(&wr, 1, 2, sequences, 5);
  assert_int_equal(wr.len, sizeof expected);
  assert_memory_equal(bytes, expected, sizeof expected);
}

static void test_nack_far_apart_and_descending(void **state) {
  (void)state;
  static const uint16_t sequences[] = {5, 5, 1000, 999, 40000, 40017};
  static const uint16_t expected[] = {5, 1000, 999, 40000, 40017};
  uint16_t read[PAW_RTCP_NACK_SEQUENCES_MAX];
  size_t count = 0;
  assert_int_equal(round_trip(sequences, 6, read, &count), 5);
  assert_int_equal(count, 5);
  assert_memory_equal(read, expected, sizeof expected);
}

static void test_nack_stops_at_the_callers_room(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x81, 205, 0, 4, 0,    0,    0, 1, 0,    0,
                                  0,    2,   0, 1, 0xff, 0xff, 1, 0, 0xff, 0xff};
  struct paw_rtcp_packet packet = packet_of(bytes, sizeof bytes);
  uint32_t ssrc = 0;
  for (size_t max = 0; max <= 34; max++) {
    uint16_t *sequences = malloc(max > 0 ? max * sizeof *sequences : 1);
    assert_non_null(sequences);
    size_t count = 99;
    assert_int_equal(paw_rtcp_read_nack(&packet, &ssrc, &ssrc, sequences, max, &count), PAW_OK);
    assert_int_equal(count, max);
    free(sequences);
  }
  uint16_t sequences[64];
  size_t count = 0;
  assert_int_equal(paw_rtcp_read_nack(&packet, &ssrc, &ssrc, sequences, 64, &count), PAW_OK);
  assert_int_equal(count, 34);
  assert_int_equal(sequences[0], 1);
  assert_int_equal(sequences[16], 17);
  assert_int_equal(sequences[17], 256);
}

static void test_nack_without_or_with_half_a_field(void **state) {
  (void)state;
  static const uint8_t without[] = {0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2};
  static const uint8_t without_media[] = {0x81, 205, 0, 1, 0, 0, 0, 1};
  struct paw_rtcp_packet packet = packet_of(without, sizeof without);
  uint32_t ssrc = 0;
  uint16_t sequences[17];
  size_t count = 9;
  assert_int_equal(paw_rtcp_read_nack(&packet, &ssrc, &ssrc, sequences, 17, &count),
                   PAW_ERR_MALFORMED);
  assert_int_equal(count, 0);
  packet = packet_of(without_media, sizeof without_media);
  assert_int_equal(paw_rtcp_read_nack(&packet, &ssrc, &ssrc, sequences, 17, &count),
                   PAW_ERR_MALFORMED);
}

static void test_other_formats_and_types(void **state) {
  (void)state;
  uint8_t bytes[] = {0x8f, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 0};
  struct paw_rtcp_packet packet = packet_of(bytes, sizeof bytes); /* transport-wide feedback */
  uint32_t ssrc = 0;
  uint16_t sequences[17];
  size_t count = 0;
  assert_int_equal(paw_rtcp_read_nack(&packet, &ssrc, &ssrc, sequences, 17, &count),
                   PAW_ERR_UNSUPPORTED);
  bytes[0] = 0x81;
  bytes[1] = 206;
  packet = packet_of(bytes, sizeof bytes); /* picture loss */
  assert_int_equal(paw_rtcp_read_nack(&packet, &ssrc, &ssrc, sequences, 17, &count),
                   PAW_ERR_INVALID);
}

static void test_writer_refuses_nothing_to_ask_for(void **state) {
  (void)state;
  uint8_t bytes[64];
  static const uint16_t sequences[] = {1};
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtcp_write_nack(&wr, 1, 2, sequences, 0);
  assert_true(wr.bad);
  for (size_t room = 0; room < 16; room++) {
    wr = paw_wr_init(bytes, room);
    paw_rtcp_write_nack(&wr, 1, 2, sequences, 1);
    assert_true(wr.bad);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nack_packs_seventeen_in_one_field),
      cmocka_unit_test(test_nack_on_the_wire),
      cmocka_unit_test(test_nack_far_apart_and_descending),
      cmocka_unit_test(test_nack_stops_at_the_callers_room),
      cmocka_unit_test(test_nack_without_or_with_half_a_field),
      cmocka_unit_test(test_other_formats_and_types),
      cmocka_unit_test(test_writer_refuses_nothing_to_ask_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
