/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ntp.h"
#include "stream/recv.h"

static void receive(struct paw_recv *recv, uint64_t arrival_ms, uint16_t sequence) {
  paw_recv_packet(recv, arrival_ms * PAW_NS_PER_MS, sequence, (uint32_t)sequence * 480);
}

static void losses_are_expected_minus_received(void **state) {
  (void)state;
  struct paw_recv recv;
  struct paw_rtcp_report_block block;
  paw_recv_init(&recv, 7, 100);
  for (uint16_t i = 0; i < 100; i++) {
    if (i % 4 != 3) {
      receive(&recv, 1000 + i * 10u, (uint16_t)(100 + i));
    }
  }
  assert_int_equal(paw_recv_get_lost(&recv), 24); /* the last of the 25 is not missed yet */
  paw_recv_report(&recv, 2000 * PAW_NS_PER_MS, &block);
  assert_int_equal(block.ssrc, 7);
  assert_int_equal(block.cumulative_lost, 24);
  assert_int_equal(block.fraction_lost, 24 * 256 / 99);
  assert_int_equal(block.highest_sequence, 198);
  assert_int_equal(block.last_sr, 0);
  assert_int_equal(block.delay_since_last_sr, 0);

  for (uint16_t i = 100; i < 200; i++) {
    receive(&recv, 1000 + i * 10u, (uint16_t)(100 + i));
  }
  paw_recv_report(&recv, 3000 * PAW_NS_PER_MS, &block);
  assert_int_equal(block.fraction_lost, 256 / 101); /* since the last report only */
  assert_int_equal(block.cumulative_lost, 25);
}

static void duplicates_make_losses_negative(void **state) {
  (void)state;
  struct paw_recv recv;
  struct paw_rtcp_report_block block;
  paw_recv_init(&recv, 7, 5);
  for (uint16_t i = 0; i < 10; i++) {
    receive(&recv, 1000, (uint16_t)(5 + i));
    receive(&recv, 1000, (uint16_t)(5 + i));
  }
  assert_int_equal(paw_recv_get_lost(&recv), -10);
  paw_recv_report(&recv, 0, &block);
  assert_int_equal(block.cumulative_lost, -10);
  assert_int_equal(block.fraction_lost, 0);
}

static void sequence_numbers_wrap(void **state) {
  (void)state;
  struct paw_recv recv;
  struct paw_rtcp_report_block block;
  paw_recv_init(&recv, 7, 65530);
  for (uint32_t i = 0; i < 65536 * 2 + 20; i++) {
    receive(&recv, 1000 + i, (uint16_t)(65530 + i));
  }
  assert_int_equal(paw_recv_get_lost(&recv), 0);
  paw_recv_report(&recv, 0, &block);
  assert_int_equal(block.highest_sequence, (uint32_t)(65530 + 65536 * 2 + 19));
}

static void packets_before_the_first_count(void **state) {
  (void)state;
  struct paw_recv recv;
  paw_recv_init(&recv, 7, 2);
  receive(&recv, 1000, 2);
  receive(&recv, 1001, 1);
  receive(&recv, 1002, 65535);
  assert_int_equal(paw_recv_get_lost(&recv), 1); /* number 0 */
}

static void a_sender_that_begins_anew_is_no_loss(void **state) {
  (void)state;
  struct paw_recv recv;
  paw_recv_init(&recv, 7, 10);
  for (uint16_t i = 0; i < 50; i++) {
    receive(&recv, 1000 + i * 10u, (uint16_t)(10 + i));
  }
  for (uint16_t i = 0; i < 50; i++) {
    receive(&recv, 2000 + i * 10u, (uint16_t)(20000 + i));
  }
  assert_int_equal(paw_recv_get_lost(&recv), 0);
}

/* RFC 3550 section A.8: J += (|D| - J) / 16. */
static void jitter_follows_the_rfc(void **state) {
  (void)state;
  struct paw_recv recv;
  paw_recv_init(&recv, 7, 0);
  double jitter = 0;
  uint64_t last_arrival_ms = 0;
  for (uint16_t i = 0; i < 400; i++) {
    uint64_t arrival_ms = 1000 + i * 10u + (i % 3) * 4;
    receive(&recv, arrival_ms, i);
    if (i > 0) {
      double difference = 48.0 * ((double)(arrival_ms - last_arrival_ms) - 10.0);
      jitter += ((difference < 0 ? -difference : difference) - jitter) / 16;
    }
    last_arrival_ms = arrival_ms;
  }
  double measured = paw_recv_get_jitter_rtp(&recv);
  assert_true(measured > jitter - 2 && measured < jitter + 2);
}

static void steady_arrival_has_no_jitter(void **state) {
  (void)state;
  struct paw_recv recv;
  paw_recv_init(&recv, 7, 0);
  for (uint16_t i = 0; i < 100; i++) {
    receive(&recv, 1000 + i * 10u, i);
  }
  assert_int_equal(paw_recv_get_jitter_rtp(&recv), 0);
}

static void the_last_sender_report_is_referred_to(void **state) {
  (void)state;
  struct paw_recv recv;
  struct paw_rtcp_report_block block;
  struct paw_rtcp_sender_info info = {.ntp = UINT64_C(0x1122334455667788)};
  paw_recv_init(&recv, 7, 0);
  receive(&recv, 1000, 0);
  paw_recv_sender_report(&recv, 2 * PAW_NS_PER_S, &info);
  paw_recv_report(&recv, 2 * PAW_NS_PER_S + 250 * PAW_NS_PER_MS, &block);
  assert_int_equal(block.last_sr, 0x33445566);
  assert_int_equal(block.delay_since_last_sr, 16384);
}

static void nothing_received_reports_nothing_lost(void **state) {
  (void)state;
  struct paw_recv recv;
  struct paw_rtcp_report_block block;
  paw_recv_init(&recv, 7, 99);
  paw_recv_report(&recv, 0, &block);
  assert_int_equal(block.cumulative_lost, 0);
  assert_int_equal(block.fraction_lost, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(losses_are_expected_minus_received),
      cmocka_unit_test(duplicates_make_losses_negative),
      cmocka_unit_test(sequence_numbers_wrap),
      cmocka_unit_test(packets_before_the_first_count),
      cmocka_unit_test(a_sender_that_begins_anew_is_no_loss),
      cmocka_unit_test(jitter_follows_the_rfc),
      cmocka_unit_test(steady_arrival_has_no_jitter),
      cmocka_unit_test(the_last_sender_report_is_referred_to),
      cmocka_unit_test(nothing_received_reports_nothing_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
