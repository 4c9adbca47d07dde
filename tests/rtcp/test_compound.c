/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtcp/rtcp.h"

static void test_walks_a_compound(void **state) {
  (void)state;
  uint8_t bytes[256];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  const struct paw_rtcp_report report = {.ssrc = 7};
  paw_rtcp_write_receiver_report(&wr, &report);
  paw_rtcp_write_sdes(&wr, 7, "name");
  paw_rtcp_write_bye(&wr, 7);
  struct paw_rd compound = paw_rd_init(bytes, wr.len);
  struct paw_rtcp_packet packet;
  static const uint8_t types[] = {PAW_RTCP_RR, PAW_RTCP_SDES, PAW_RTCP_BYE};
  for (size_t i = 0; i < sizeof types; i++) {
    assert_true(paw_rtcp_next(&compound, &packet));
    assert_int_equal(packet.type, types[i]);
  }
  assert_false(paw_rtcp_next(&compound, &packet));
  assert_false(compound.bad);
}

static void test_passes_over_unknown_types(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x85, 210, 0, 1, 1, 2, 3, 4, 0x80, 201, 0, 1, 0, 0, 0, 9};
  struct paw_rd compound = paw_rd_init(bytes, sizeof bytes);
  struct paw_rtcp_packet packet;
  assert_true(paw_rtcp_next(&compound, &packet));
  assert_int_equal(packet.type, 210);
  assert_int_equal(packet.count, 5);
  assert_int_equal(packet.body.left, 4);
  assert_true(paw_rtcp_next(&compound, &packet));
  assert_int_equal(packet.type, PAW_RTCP_RR);
}

static void test_empty_datagram_is_an_end(void **state) {
  (void)state;
  struct paw_rd compound = paw_rd_init(NULL, 0);
  struct paw_rtcp_packet packet;
  assert_false(paw_rtcp_next(&compound, &packet));
  assert_false(compound.bad);
}

static bool next_is_good(const uint8_t *bytes, size_t len, size_t *body_len) {
  struct paw_rd compound = paw_rd_init(bytes, len);
  struct paw_rtcp_packet packet = {0};
  bool good = paw_rtcp_next(&compound, &packet);
  assert_int_equal(good, !compound.bad);
  *body_len = good ? packet.body.left : 0;
  return good;
}

static void test_refuses_wrong_version_and_length(void **state) {
  (void)state;
  uint8_t bytes[] = {0x80, 201, 0, 1, 0, 0, 0, 1};
  size_t body_len = 0;
  assert_true(next_is_good(bytes, sizeof bytes, &body_len));
  assert_int_equal(body_len, 4);
  static const uint8_t versions[] = {0x00, 0x40, 0xc0};
  for (size_t i = 0; i < sizeof versions; i++) {
    bytes[0] = versions[i];
    assert_false(next_is_good(bytes, sizeof bytes, &body_len));
  }
  bytes[0] = 0x80;
  bytes[3] = 2;
  assert_false(next_is_good(bytes, sizeof bytes, &body_len));
  bytes[2] = 0xff;
  bytes[3] = 0xff;
  assert_false(next_is_good(bytes, sizeof bytes, &body_len));
}

static void test_refuses_a_rest_shorter_than_a_header(void **state) {
  (void)state;
  static const uint8_t bytes[] = {0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 203, 0};
  struct paw_rd compound = paw_rd_init(bytes, sizeof bytes);
  struct paw_rtcp_packet packet;
  assert_true(paw_rtcp_next(&compound, &packet));
  assert_false(paw_rtcp_next(&compound, &packet));
  assert_true(compound.bad);
  assert_false(paw_rtcp_next(&compound, &packet));
}

static void test_takes_padding_away(void **state) {
  (void)state;
  uint8_t bytes[16] = {0xa0, 201, 0, 3, 0, 0, 0, 1};
  static const struct {
    uint8_t padding;
    bool good;
    size_t body_len;
  } cases[] = {{4, true, 8},  {8, true, 4},  {12, true, 0},  {0, false, 0},
               {1, false, 0}, {6, false, 0}, {16, false, 0}, {255, false, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    size_t body_len = 0;
    bytes[15] = cases[i].padding;
    assert_int_equal(next_is_good(bytes, sizeof bytes, &body_len), cases[i].good);
    assert_int_equal(body_len, cases[i].body_len);
  }
  static const uint8_t without_body[] = {0xa0, 201, 0, 0};
  size_t body_len = 0;
  assert_false(next_is_good(without_body, sizeof without_body, &body_len));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_walks_a_compound),
      cmocka_unit_test(test_passes_over_unknown_types),
      cmocka_unit_test(test_empty_datagram_is_an_end),
      cmocka_unit_test(test_refuses_wrong_version_and_length),
      cmocka_unit_test(test_refuses_a_rest_shorter_than_a_header),
      cmocka_unit_test(test_takes_padding_away),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
