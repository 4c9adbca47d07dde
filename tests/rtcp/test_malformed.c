/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtcp/rtcp.h"

/* Hostile RTCP: whatever the bytes say, readers stay inside a copy of exactly that size. The
 * sanitizers watch; the counts that come out are checked against what the bytes can hold. */

#define SSRC 0x01020304

static size_t write_compound(uint8_t *bytes, size_t room) {
  struct paw_rtcp_report report = {.ssrc = SSRC, .block_count = 3};
  static const uint16_t sequences[] = {1, 2, 3, 30, 31, 65535, 0};
  struct paw_wr wr = paw_wr_init(bytes, room);
  paw_rtcp_write_sender_report(&wr, &report);
  paw_rtcp_write_receiver_report(&wr, &report);
  paw_rtcp_write_sdes(&wr, SSRC, "canonical@name");
  paw_rtcp_write_nack(&wr, SSRC, 9, sequences, 7);
  paw_rtcp_write_rrtr(&wr, SSRC, UINT64_C(0x0102030405060708));
  paw_rtcp_write_dlrr(&wr, SSRC, SSRC, 1, 2);
  paw_rtcp_write_bye(&wr, SSRC);
  assert_false(wr.bad);
  return wr.len;
}

static void read_packet(const struct paw_rtcp_packet *packet) {
  struct paw_rtcp_report report;
  struct paw_rtcp_xr xr;
  struct paw_slice cname;
  uint32_t ssrcs[31];
  uint16_t sequences[PAW_RTCP_NACK_SEQUENCES_MAX];
  size_t count = 0;
  size_t body_len = packet->body.left;
  if (paw_rtcp_read_report(packet, &report) == PAW_OK) {
    assert_true(report.block_count * 24 <= body_len);
  }
  if (paw_rtcp_read_sdes(packet, ssrcs, &cname) == PAW_OK) {
    assert_true(cname.len <= body_len);
  }
  if (paw_rtcp_read_bye(packet, ssrcs, &count) == PAW_OK) {
    assert_true(count * 4 <= body_len);
  }
  if (paw_rtcp_read_nack(packet, ssrcs, ssrcs, sequences, PAW_RTCP_NACK_SEQUENCES_MAX, &count) ==
      PAW_OK) {
    assert_true(count >= 1 && count <= PAW_RTCP_NACK_SEQUENCES_MAX);
    assert_true(count * 4 <= body_len * 17);
  }
  if (paw_rtcp_read_xr(packet, SSRC, &xr) == PAW_OK) {
    assert_true(body_len >= 4u + (xr.has_reference_time ? 12u : 0) + (xr.has_dlrr ? 16u : 0));
  }
}

/* Returns the number of packets that a copy of exactly these bytes held. */
static size_t read_all(const uint8_t *bytes, size_t len, bool *bad) {
  uint8_t *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, len);
  struct paw_rd compound = paw_rd_init(copy, len);
  struct paw_rtcp_packet packet;
  size_t count = 0;
  while (paw_rtcp_next(&compound, &packet)) {
    read_packet(&packet);
    count++;
  }
  *bad = compound.bad;
  free(copy);
  return count;
}

static void test_every_truncation(void **state) {
  (void)state;
  uint8_t bytes[512];
  size_t len = write_compound(bytes, sizeof bytes);
  bool bad = true;
  assert_int_equal(read_all(bytes, len, &bad), 7);
  assert_false(bad);
  size_t whole = 0;
  for (size_t cut = 0; cut < len; cut++) {
    size_t count = read_all(bytes, cut, &bad);
    assert_true(count < 7);
    whole += !bad;
  }
  assert_int_equal(whole, 7); /* only the cuts between two packets, and nothing at all */
}

static void test_every_byte_changed(void **state) {
  (void)state;
  uint8_t bytes[512];
  size_t len = write_compound(bytes, sizeof bytes);
  static const uint8_t changes[] = {0x00, 0xff, 0x80, 0x7f, 0x01, 0x20, 0x1f, 0xc0};
  for (size_t i = 0; i < len; i++) {
    uint8_t before = bytes[i];
    for (size_t change = 0; change < sizeof changes; change++) {
      bool bad = false;
      bytes[i] = changes[change];
      assert_true(read_all(bytes, len, &bad) <= len / 4);
      bytes[i] = (uint8_t)(before ^ changes[change]);
      assert_true(read_all(bytes, len, &bad) <= len / 4);
    }
    bytes[i] = before;
  }
}

/* Every type with every count, over a body of every length, filled with a byte. */
static void test_every_count_and_length(void **state) {
  (void)state;
  static const uint8_t fills[] = {0x00, 0xff, 0x01, 0x04, 0x05};
  for (unsigned type = 200; type <= 207; type++) {
    for (unsigned count = 0; count < 32; count++) {
      for (size_t words = 0; words < 16; words++) {
        for (size_t fill = 0; fill < sizeof fills; fill++) {
          uint8_t bytes[4 + 16 * 4];
          memset(bytes, fills[fill], sizeof bytes);
          bytes[0] = (uint8_t)(0x80 | count);
          bytes[1] = (uint8_t)type;
          bytes[2] = 0;
          bytes[3] = (uint8_t)words;
          bool bad = true;
          assert_int_equal(read_all(bytes, 4 + words * 4, &bad), 1);
          assert_false(bad);
        }
      }
    }
  }
}

static void test_noise(void **state) {
  (void)state;
  uint32_t seed = 20260722;
  uint8_t bytes[96];
  for (int round = 0; round < 20000; round++) {
    for (size_t i = 0; i < sizeof bytes; i++) {
      seed = seed * 1664525 + 1013904223;
      bytes[i] = (uint8_t)(seed >> 24);
    }
    bytes[0] = (uint8_t)(0x80 | (bytes[0] & 0x3f)); /* past the first gate */
    bytes[1] = (uint8_t)(200 + (bytes[1] & 7));
    bytes[2] = 0;
    bytes[3] &= 0x1f;
    bool bad = false;
    assert_true(read_all(bytes, seed % (sizeof bytes + 1), &bad) <= sizeof bytes / 4);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_truncation),
      cmocka_unit_test(test_every_byte_changed),
      cmocka_unit_test(test_every_count_and_length),
      cmocka_unit_test(test_noise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
