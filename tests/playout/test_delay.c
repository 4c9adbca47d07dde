/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/clock.h"
#include "playout/playout.h"

#define MS ((int64_t)PAW_NS_PER_MS)
#define TARGET_NS (40 * MS)

struct sender {
  struct paw_playout_delay delay;
  uint64_t media_rtp;
  uint64_t sent_ns;
};

static struct sender begin(void) {
  struct sender sender = {.media_rtp = (UINT64_C(1) << 33) - 5, .sent_ns = KIT_CLOCK_ORIGIN_NS};
  struct paw_playout_config config;
  paw_playout_config_init(&config);
  config.target_delay_ns = TARGET_NS;
  paw_playout_delay_init(&sender.delay, &config);
  paw_playout_delay_start(&sender.delay, sender.media_rtp, sender.sent_ns);
  return sender;
}

/* A packet of 20 ms arrives so much later than the first one did, and `ahead_ms` are rendered. */
static void send_one(struct sender *sender, int64_t late_ns, int64_t ahead_ns) {
  uint64_t arrival_ns = sender->sent_ns + (uint64_t)late_ns;
  uint64_t rendered_ns = ahead_ns != 0 ? arrival_ns + (uint64_t)ahead_ns : 0;
  paw_playout_delay_note(&sender->delay, sender->media_rtp, arrival_ns, rendered_ns);
  sender->media_rtp += 960;
  sender->sent_ns += 20 * PAW_NS_PER_MS;
}

/* How long after the ideal time the next packet's first sample is due. */
static int64_t due_after(const struct sender *sender) {
  return paw_playout_delay_until(&sender->delay, sender->media_rtp, sender->sent_ns);
}

static void samples_are_due_at_the_base_and_the_target(void **state) {
  (void)state;
  struct sender sender = begin();
  for (int i = 0; i < 100; i++) {
    send_one(&sender, 0, 0);
    assert_int_equal(due_after(&sender), TARGET_NS);
    uint64_t due = paw_playout_delay_due(&sender.delay, sender.sent_ns + TARGET_NS);
    assert_in_range(due, sender.media_rtp - 1, sender.media_rtp + 1);
  }
  assert_int_equal(sender.delay.jitter_ns, 0);
}

static void the_base_falls_at_once_and_rises_after_ten_seconds(void **state) {
  (void)state;
  struct sender sender = begin();
  send_one(&sender, 0, 0);
  send_one(&sender, -30 * MS, 0);
  assert_int_equal(due_after(&sender), TARGET_NS - 30 * MS);
  for (int i = 0; i < 450; i++) {
    send_one(&sender, 0, 0);
  }
  assert_int_equal(due_after(&sender), TARGET_NS - 30 * MS);
  for (int i = 0; i < 100; i++) {
    send_one(&sender, 0, 0);
  }
  assert_int_equal(due_after(&sender), TARGET_NS);
}

/* Ten seconds of packets, not of time. */
static void a_pause_forgets_nothing(void **state) {
  (void)state;
  struct sender sender = begin();
  for (int i = 0; i < 100; i++) {
    send_one(&sender, 0, 0);
  }
  sender.media_rtp += 100 * 48000;
  sender.sent_ns += 100 * PAW_NS_PER_S;
  send_one(&sender, 90 * MS, 0);
  assert_int_equal(due_after(&sender), TARGET_NS);
}

static void a_lead_raises_the_target_for_ten_seconds(void **state) {
  (void)state;
  struct sender sender = begin();
  send_one(&sender, 0, 25 * MS);
  assert_int_equal(paw_playout_delay_target_ns(&sender.delay), TARGET_NS);
  send_one(&sender, 0, 60 * MS);
  assert_int_equal(paw_playout_delay_target_ns(&sender.delay), 70 * MS);
  send_one(&sender, 0, 3000 * MS);
  assert_int_equal(paw_playout_delay_target_ns(&sender.delay), 1000 * MS);
  for (int i = 0; i < 550; i++) {
    send_one(&sender, 0, -5 * MS);
  }
  assert_int_equal(paw_playout_delay_target_ns(&sender.delay), TARGET_NS);
}

/* RFC 3550 section 6.4.1: with transits that alternate by D it settles at D. */
static void jitter_is_that_of_rfc_3550(void **state) {
  (void)state;
  struct sender sender = begin();
  send_one(&sender, 0, 0);
  send_one(&sender, 16 * MS, 0);
  assert_int_equal(sender.delay.jitter_ns, MS);
  for (int i = 0; i < 200; i++) {
    send_one(&sender, i % 2 == 0 ? 0 : 16 * MS, 0);
  }
  assert_in_range(sender.delay.jitter_ns, 16 * MS - 1000, 16 * MS);
}

static void times_far_off_are_bounded(void **state) {
  (void)state;
  struct sender sender = begin();
  send_one(&sender, 0, 0);
  static const uint64_t times_ns[] = {0, 1, PAW_TIME_NEVER, UINT64_C(1) << 63};
  for (size_t i = 0; i < 4; i++) {
    int64_t until_ns = paw_playout_delay_until(&sender.delay, sender.media_rtp, times_ns[i]);
    assert_true(until_ns > -(INT64_C(1) << 61) && until_ns < (INT64_C(1) << 61));
    (void)paw_playout_delay_due(&sender.delay, times_ns[i]);
  }
}

static void samples_and_nanoseconds_convert(void **state) {
  (void)state;
  assert_int_equal(paw_playout_rtp_to_ns(48000), 1000000000);
  assert_int_equal(paw_playout_rtp_to_ns(-48), -1000000);
  for (int64_t rtp = -1000; rtp <= 1000; rtp++) {
    assert_int_equal(paw_playout_ns_to_rtp(paw_playout_rtp_to_ns(rtp)), rtp);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(samples_are_due_at_the_base_and_the_target),
      cmocka_unit_test(the_base_falls_at_once_and_rises_after_ten_seconds),
      cmocka_unit_test(a_pause_forgets_nothing),
      cmocka_unit_test(a_lead_raises_the_target_for_ten_seconds),
      cmocka_unit_test(jitter_is_that_of_rfc_3550),
      cmocka_unit_test(times_far_off_are_bounded),
      cmocka_unit_test(samples_and_nanoseconds_convert),
  };
  return cmocka_run_group_tests_name("playout delay", tests, NULL, NULL);
}
