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
  assert_true(paw_rd_end(&compound));
  return packet;
}

static const struct paw_rtcp_report sample = {
    .ssrc = 0x11223344,
    .sender = {.ntp = UINT64_C(0xe000000012345678),
               .timestamp_rtp = 0xfffffffe,
               .packets = 1000,
               .octets = 160000},
    .block_count = 2,
    .blocks = {{.ssrc = 1,
                .fraction_lost = 255,
                .cumulative_lost = -5,
                .highest_sequence = 0x0001ffff,
                .jitter_rtp = 48,
                .last_sr = 0x00001234,
                .delay_since_last_sr = 65536},
               {.ssrc = 0xffffffff, .cumulative_lost = 0x7fffff}},
};

static void expect_same_blocks(const struct paw_rtcp_report *a, const struct paw_rtcp_report *b) {
  assert_int_equal(a->ssrc, b->ssrc);
  assert_int_equal(a->block_count, b->block_count);
  for (size_t i = 0; i < a->block_count; i++) {
    const struct paw_rtcp_report_block *x = &a->blocks[i];
    const struct paw_rtcp_report_block *y = &b->blocks[i];
    assert_int_equal(x->ssrc, y->ssrc);
    assert_int_equal(x->fraction_lost, y->fraction_lost);
    assert_int_equal(x->cumulative_lost, y->cumulative_lost);
    assert_int_equal(x->highest_sequence, y->highest_sequence);
    assert_int_equal(x->jitter_rtp, y->jitter_rtp);
    assert_int_equal(x->last_sr, y->last_sr);
    assert_int_equal(x->delay_since_last_sr, y->delay_since_last_sr);
  }
}

static void test_sender_report_on_the_wire(void **state) {
  (void)state;
  static const uint8_t expected[] = {0x80, 200, 0, 6, 0,    0,    0, 5, 1, 2, 3, 4, 5, 6,
                                     7,    8,   0, 0, 0x03, 0xc0, 0, 0, 0, 9, 0, 0, 1, 0};
  const struct paw_rtcp_report report = {
      .ssrc = 5,
      .sender = {
          .ntp = UINT64_C(0x0102030405060708), .timestamp_rtp = 960, .packets = 9, .octets = 256}};
  uint8_t bytes[64];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtcp_write_sender_report(&wr, &report);
  assert_false(wr.bad);
  assert_int_equal(wr.len, sizeof expected);
  assert_memory_equal(bytes, expected, sizeof expected);
}

static void test_sender_report_round_trip(void **state) {
  (void)state;
  uint8_t bytes[128];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtcp_write_sender_report(&wr, &sample);
  assert_false(wr.bad);
  struct paw_rtcp_packet packet = packet_of(bytes, wr.len);
  struct paw_rtcp_report report;
  assert_int_equal(packet.type, PAW_RTCP_SR);
  assert_int_equal(paw_rtcp_read_report(&packet, &report), PAW_OK);
  expect_same_blocks(&report, &sample);
  assert_true(report.sender.ntp == sample.sender.ntp);
  assert_int_equal(report.sender.timestamp_rtp, sample.sender.timestamp_rtp);
  assert_int_equal(report.sender.packets, sample.sender.packets);
  assert_int_equal(report.sender.octets, sample.sender.octets);
}

static void test_receiver_report_round_trip_of_every_count(void **state) {
  (void)state;
  for (size_t count = 0; count <= PAW_RTCP_REPORT_BLOCKS_MAX; count++) {
    struct paw_rtcp_report report = {.ssrc = 3, .block_count = count};
    for (size_t i = 0; i < count; i++) {
      report.blocks[i].ssrc = (uint32_t)i;
      report.blocks[i].cumulative_lost = -(int32_t)i;
    }
    uint8_t bytes[1200];
    struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
    paw_rtcp_write_receiver_report(&wr, &report);
    assert_int_equal(wr.len, 8 + 24 * count);
    struct paw_rtcp_packet packet = packet_of(bytes, wr.len);
    assert_int_equal(packet.type, PAW_RTCP_RR);
    assert_int_equal(packet.count, count);
    struct paw_rtcp_report read;
    assert_int_equal(paw_rtcp_read_report(&packet, &read), PAW_OK);
    expect_same_blocks(&read, &report);
  }
}

static void test_cumulative_loss_is_clamped_to_24_bits(void **state) {
  (void)state;
  static const struct {
    int32_t given;
    int32_t read;
  } cases[] = {{0x7fffff, 0x7fffff},
               {0x800000, 0x7fffff},
               {INT32_MAX, 0x7fffff},
               {-0x800000, -0x800000},
               {-0x800001, -0x800000},
               {INT32_MIN, -0x800000},
               {-1, -1},
               {0, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct paw_rtcp_report report = {.block_count = 1};
    report.blocks[0].cumulative_lost = cases[i].given;
    uint8_t bytes[64];
    struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
    paw_rtcp_write_receiver_report(&wr, &report);
    struct paw_rtcp_packet packet = packet_of(bytes, wr.len);
    struct paw_rtcp_report read;
    assert_int_equal(paw_rtcp_read_report(&packet, &read), PAW_OK);
    assert_int_equal(read.blocks[0].cumulative_lost, cases[i].read);
  }
}

static void test_profile_extension_is_passed_over(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x80, 201, 0, 2, 0, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef};
  struct paw_rtcp_packet packet = packet_of(bytes, sizeof bytes);
  struct paw_rtcp_report report;
  assert_int_equal(paw_rtcp_read_report(&packet, &report), PAW_OK);
  assert_int_equal(report.ssrc, 1);
  assert_int_equal(report.block_count, 0);
}

static void test_count_beyond_the_packet_is_refused(void **state) {
  (void)state;
  uint8_t bytes[128];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  paw_rtcp_write_sender_report(&wr, &sample);
  for (uint8_t count = 3; count < 32; count++) {
    bytes[0] = (uint8_t)(0x80 | count);
    struct paw_rtcp_packet packet = packet_of(bytes, wr.len);
    struct paw_rtcp_report report;
    assert_int_equal(paw_rtcp_read_report(&packet, &report), PAW_ERR_MALFORMED);
  }
}

static void test_other_types_are_the_callers_error(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x80, 203, 0, 1, 0, 0, 0, 1};
  struct paw_rtcp_packet packet = packet_of(bytes, sizeof bytes);
  struct paw_rtcp_report report;
  assert_int_equal(paw_rtcp_read_report(&packet, &report), PAW_ERR_INVALID);
}

static void test_writers_fail_in_every_shorter_buffer(void **state) {
  (void)state;
  uint8_t bytes[128];
  for (size_t room = 0; room < 28 + 48; room++) {
    struct paw_wr wr = paw_wr_init(bytes, room);
    paw_rtcp_write_sender_report(&wr, &sample);
    assert_true(wr.bad);
  }
  struct paw_rtcp_report report = {.block_count = PAW_RTCP_REPORT_BLOCKS_MAX + 1};
  uint8_t large[2048];
  struct paw_wr wr = paw_wr_init(large, sizeof large);
  paw_rtcp_write_receiver_report(&wr, &report);
  assert_true(wr.bad);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sender_report_on_the_wire),
      cmocka_unit_test(test_sender_report_round_trip),
      cmocka_unit_test(test_receiver_report_round_trip_of_every_count),
      cmocka_unit_test(test_cumulative_loss_is_clamped_to_24_bits),
      cmocka_unit_test(test_profile_extension_is_passed_over),
      cmocka_unit_test(test_count_beyond_the_packet_is_refused),
      cmocka_unit_test(test_other_types_are_the_callers_error),
      cmocka_unit_test(test_writers_fail_in_every_shorter_buffer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
