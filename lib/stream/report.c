/* SPDX-License-Identifier: MIT */
#include "stream/report.h"

#include "base/limits.h"
#include "base/ntp.h"
#include "base/time.h"

void paw_report_start(struct paw_report *report, uint64_t now_ns) {
  *report = (struct paw_report){.next_ns = now_ns};
}

void paw_report_hurry(struct paw_report *report, uint64_t now_ns) {
  uint64_t earliest_ns =
      report->last_ns == 0 ? 0 : paw_time_add(report->last_ns, PAW_RTCP_EARLY_NS);
  report->next_ns = earliest_ns > now_ns ? earliest_ns : now_ns;
}

/* 0.5 to 1.5 times the mean. RFC 3550's division by e - 1.5 corrects for reconsideration among many
 * members; between two there is nothing to correct. The lower half of the idle range is for reports
 * that go along. */
static uint64_t get_interval(const struct paw_report *report, bool active) {
  uint64_t least_ns = active ? PAW_REPORT_ACTIVE_NS / 2 : PAW_REPORT_ALONE_NS;
  uint64_t range_ns = active ? PAW_REPORT_ACTIVE_NS : PAW_REPORT_ALONE_NS / 2;
  return least_ns + (range_ns / 1024 * (report->spread >> 22));
}

/* After the last one. */
static uint64_t get_next(const struct paw_report *report, bool active) {
  uint64_t next_ns = paw_time_add(report->last_ns, get_interval(report, active));
  return paw_time_lax(next_ns, active ? PAW_LAX_NS : PAW_LAX_IDLE_NS);
}

void paw_report_sent(struct paw_report *report, uint64_t now_ns, bool active, uint32_t random) {
  report->last_ns = now_ns;
  report->spread = random;
  report->next_ns = get_next(report, active);
}

bool paw_report_goes_along(const struct paw_report *report, uint64_t now_ns) {
  return report->last_ns != 0 && paw_time_elapsed(now_ns, report->last_ns) >= PAW_REPORT_IDLE_NS;
}

void paw_report_reconsider(struct paw_report *report, bool active) {
  if (report->last_ns == 0) {
    return;
  }
  report->next_ns = get_next(report, active);
}

/* The least rises by a sixteenth a report: one trip that was held up must not make requests after
 * it look like duplicates. And by the unit that trips are told in at least, or it would never rise
 * again from one that was told as nothing. */
#define FLOOR_RISE 16
#define FLOOR_RISE_MIN_NS (PAW_NS_PER_S / 65536)

void paw_round_trip_note(struct paw_round_trip *trip, uint64_t rtt_ns) {
  if (rtt_ns == 0) {
    return;
  }
  /* As TCP smooths (RFC 6298 section 2): an eighth of the news. But half of what is better: a trip
   * can only be held up, the first is by the handshake, and there are few of them. */
  uint64_t weight = rtt_ns < trip->mean_ns ? 2 : 8;
  trip->mean_ns = trip->mean_ns == 0 ? rtt_ns : (trip->mean_ns * (weight - 1) + rtt_ns) / weight;
  uint64_t raised_ns = trip->floor_ns + trip->floor_ns / FLOOR_RISE + FLOOR_RISE_MIN_NS;
  trip->floor_ns = trip->floor_ns == 0 || rtt_ns < raised_ns ? rtt_ns : raised_ns;
}

uint64_t paw_report_rtt_ns(uint64_t now_ntp, uint32_t last_report, uint32_t delay) {
  if (last_report == 0) {
    return 0;
  }
  uint32_t since = paw_ntp_middle(now_ntp) - last_report;
  if (since < delay || since - delay > 60 * 65536) { /* a minute: nobody's round trip */
    return 0;
  }
  uint64_t rtt_ns = paw_short_ntp_to_ns(since - delay);
  return rtt_ns > 0 ? rtt_ns : 1; /* less than the 15 us that the format can tell, but known */
}
