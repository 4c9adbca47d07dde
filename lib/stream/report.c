/* SPDX-License-Identifier: MIT */
#include "stream/report.h"

#include "base/ntp.h"
#include "base/time.h"

void paw_report_start(struct paw_report *report, uint64_t now_ns) {
  *report = (struct paw_report){.next_ns = now_ns};
}

void paw_report_hurry(struct paw_report *report, uint64_t now_ns) {
  report->next_ns = now_ns;
}

/* 0.5 to 1.5 times the mean. RFC 3550's division by e - 1.5 corrects for reconsideration among many
 * members; between two there is nothing to correct. */
static uint64_t get_interval(const struct paw_report *report, bool active) {
  uint64_t mean_ns = active ? PAW_REPORT_ACTIVE_NS : PAW_REPORT_IDLE_NS;
  return mean_ns / 2 + (mean_ns / 1024 * (report->spread >> 22));
}

void paw_report_sent(struct paw_report *report, uint64_t now_ns, bool active, uint32_t random) {
  report->last_ns = now_ns;
  report->spread = random;
  report->next_ns = paw_time_add(now_ns, get_interval(report, active));
}

void paw_report_reconsider(struct paw_report *report, bool active) {
  if (report->last_ns == 0) {
    return;
  }
  report->next_ns = paw_time_add(report->last_ns, get_interval(report, active));
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
