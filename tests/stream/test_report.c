/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/ntp.h"
#include "stream/report.h"

static void the_first_report_goes_at_once(void **state) {
  (void)state;
  struct paw_report report;
  paw_report_start(&report, 12345);
  assert_int_equal(report.next_ns, 12345);
}

static void intervals_spread_from_half_to_one_and_a_half(void **state) {
  (void)state;
  const uint32_t randoms[] = {0, UINT32_MAX / 2, UINT32_MAX};
  const uint64_t expected_ms[] = {500, 1000, 1500};
  struct paw_report report;
  for (size_t i = 0; i < 3; i++) {
    paw_report_start(&report, 0);
    paw_report_sent(&report, PAW_NS_PER_S, true, randoms[i]);
    uint64_t interval_ms = (report.next_ns - PAW_NS_PER_S) / PAW_NS_PER_MS;
    assert_in_range(interval_ms, expected_ms[i] - 2, expected_ms[i] + 2);
  }
}

/* Ten seconds, more by up to a half. */
static void idle_reports_come_late_when_alone(void **state) {
  (void)state;
  const uint32_t randoms[] = {0, UINT32_MAX / 2, UINT32_MAX};
  const uint64_t expected_ms[] = {10000, 12500, 15000};
  struct paw_report report;
  for (size_t i = 0; i < 3; i++) {
    paw_report_start(&report, 0);
    paw_report_sent(&report, PAW_NS_PER_S, false, randoms[i]);
    uint64_t interval_ms = (report.next_ns - PAW_NS_PER_S) / PAW_NS_PER_MS;
    assert_in_range(interval_ms, expected_ms[i] - 10, expected_ms[i]);
  }
}

static void idle_reports_go_along_after_five_seconds(void **state) {
  (void)state;
  struct paw_report report;
  paw_report_start(&report, PAW_NS_PER_S);
  assert_false(paw_report_goes_along(&report, 100 * PAW_NS_PER_S)); /* the first has its time */
  paw_report_sent(&report, PAW_NS_PER_S, false, 0);
  assert_false(paw_report_goes_along(&report, 6 * PAW_NS_PER_S - 1));
  assert_true(paw_report_goes_along(&report, 6 * PAW_NS_PER_S));
}

static void media_that_begins_hurries_the_next_report(void **state) {
  (void)state;
  struct paw_report report;
  paw_report_start(&report, 0);
  paw_report_reconsider(&report, true);
  assert_int_equal(report.next_ns, 0); /* the first still goes at once */
  paw_report_sent(&report, PAW_NS_PER_S, false, UINT32_MAX);
  paw_report_reconsider(&report, true);
  assert_in_range(report.next_ns, PAW_NS_PER_S, PAW_NS_PER_S * 5 / 2 + 1);
}

/* At once, but for who asks for it again and again. */
static void a_hurried_report_does_not_follow_another_at_once(void **state) {
  (void)state;
  struct paw_report report;
  paw_report_start(&report, PAW_NS_PER_S);
  paw_report_hurry(&report, PAW_NS_PER_S);
  assert_int_equal(report.next_ns, PAW_NS_PER_S);
  paw_report_sent(&report, PAW_NS_PER_S, true, 0);
  paw_report_hurry(&report, PAW_NS_PER_S + 1);
  assert_int_equal(report.next_ns, PAW_NS_PER_S + PAW_RTCP_EARLY_NS);
  paw_report_hurry(&report, PAW_NS_PER_S + PAW_RTCP_EARLY_NS);
  assert_int_equal(report.next_ns, PAW_NS_PER_S + PAW_RTCP_EARLY_NS);
  paw_report_hurry(&report, PAW_NS_PER_S + PAW_RTCP_EARLY_NS + 1);
  assert_int_equal(report.next_ns, PAW_NS_PER_S + PAW_RTCP_EARLY_NS + 1);
}

static void round_trips_come_from_reports(void **state) {
  (void)state;
  struct paw_wall_anchor wall = {.now_ns = 5, .unix_ns = UINT64_C(1790000000123456789)};
  uint64_t sent_ns = 10 * PAW_NS_PER_S;
  uint64_t back_ns = sent_ns + 80 * PAW_NS_PER_MS;
  uint32_t last = paw_ntp_middle(paw_ntp_from_ns(&wall, sent_ns));
  uint32_t delay = paw_ns_to_short_ntp(50 * PAW_NS_PER_MS);
  uint64_t rtt_ns = paw_report_rtt_ns(paw_ntp_from_ns(&wall, back_ns), last, delay);
  assert_in_range(rtt_ns, 30 * PAW_NS_PER_MS - 40000, 30 * PAW_NS_PER_MS + 40000);
}

static void nonsense_gives_no_round_trip(void **state) {
  (void)state;
  struct paw_wall_anchor wall = {0};
  uint64_t now_ntp = paw_ntp_from_ns(&wall, 100 * PAW_NS_PER_S);
  assert_int_equal(paw_report_rtt_ns(now_ntp, 0, 0), 0);
  uint32_t last = paw_ntp_middle(now_ntp);
  assert_int_equal(paw_report_rtt_ns(now_ntp, last - 10, 20), 0); /* held longer than it took */
  assert_int_equal(paw_report_rtt_ns(now_ntp, last + 10, 0), 0);  /* from the future */
  assert_int_equal(paw_report_rtt_ns(now_ntp, last - 61 * 65536, 0), 0);
}

/* Better news count half, worse ones an eighth. */
static void a_trip_that_was_held_up_is_soon_forgotten(void **state) {
  (void)state;
  struct paw_round_trip trip = {0};
  paw_round_trip_note(&trip, 0);
  assert_int_equal(trip.mean_ns, 0);
  paw_round_trip_note(&trip, 100 * PAW_NS_PER_MS);
  paw_round_trip_note(&trip, 4 * PAW_NS_PER_MS);
  assert_int_equal(trip.mean_ns, 52 * PAW_NS_PER_MS);
  assert_int_equal(trip.floor_ns, 4 * PAW_NS_PER_MS);
  paw_round_trip_note(&trip, 0);
  paw_round_trip_note(&trip, 60 * PAW_NS_PER_MS);
  assert_int_equal(trip.mean_ns, 53 * PAW_NS_PER_MS);
  assert_in_range(trip.floor_ns, 4250000, 4270000);
}

/* From "nothing", which a peer may say once, to the 4 ms that it really is: within a minute. */
static void the_least_follows_a_longer_way(void **state) {
  (void)state;
  const uint64_t firsts_ns[] = {1, 2 * PAW_NS_PER_MS};
  for (size_t i = 0; i < 2; i++) {
    struct paw_round_trip trip = {0};
    paw_round_trip_note(&trip, firsts_ns[i]);
    for (size_t seconds = 0; seconds < 60; seconds++) {
      paw_round_trip_note(&trip, 4 * PAW_NS_PER_MS);
    }
    assert_int_equal(trip.floor_ns, 4 * PAW_NS_PER_MS);
  }
}

static void time_units_convert(void **state) {
  (void)state;
  assert_int_equal(paw_ns_to_rtp(PAW_NS_PER_S), 48000);
  assert_int_equal(paw_ns_to_rtp(UINT64_C(86400) * 365 * PAW_NS_PER_S),
                   UINT64_C(86400) * 365 * 48000);
  assert_int_equal(paw_rtp_to_ns(480), 10 * PAW_NS_PER_MS);
  assert_int_equal(paw_rtp_to_ns(1), 20833);
  assert_int_equal(paw_ns_to_ntp_duration(PAW_NS_PER_S / 2), UINT64_C(1) << 31);
  struct paw_wall_anchor wall = {.now_ns = 7, .unix_ns = 0};
  assert_int_equal(paw_ntp_from_ns(&wall, 7 + PAW_NS_PER_S), (PAW_NTP_UNIX_S + 1) << 32);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_report_goes_at_once),
      cmocka_unit_test(intervals_spread_from_half_to_one_and_a_half),
      cmocka_unit_test(idle_reports_come_late_when_alone),
      cmocka_unit_test(idle_reports_go_along_after_five_seconds),
      cmocka_unit_test(media_that_begins_hurries_the_next_report),
      cmocka_unit_test(a_hurried_report_does_not_follow_another_at_once),
      cmocka_unit_test(round_trips_come_from_reports),
      cmocka_unit_test(nonsense_gives_no_round_trip),
      cmocka_unit_test(a_trip_that_was_held_up_is_soon_forgotten),
      cmocka_unit_test(the_least_follows_a_longer_way),
      cmocka_unit_test(time_units_convert),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
