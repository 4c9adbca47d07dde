/* SPDX-License-Identifier: MIT */
/* When the next RTCP report is due (RFC 3550 section 6.3, RFC 4585), and round-trip times. */
#ifndef PAW_STREAM_REPORT_H
#define PAW_STREAM_REPORT_H

#include <pawebrtc/base.h>

/* Point to point, two members: the interval that RTCP's 5 % of 64 kbit/s allows is well below one
 * second, so the least interval rules: 1 s while media flows (round-trip time and loss steer
 * repair), RFC 3550's 5 s when there was none for as long. An idle report has nothing to say but
 * that its sender is there, as a check does: it goes along when a check wakes the connection, and
 * alone only after 10 s. */
#define PAW_REPORT_ACTIVE_NS PAW_NS_PER_S
#define PAW_REPORT_IDLE_NS (5 * PAW_NS_PER_S)
#define PAW_REPORT_ALONE_NS (10 * PAW_NS_PER_S)

struct paw_report {
  uint64_t last_ns; /* 0 = none was sent yet: the first goes at once */
  uint64_t next_ns;
  uint32_t spread; /* random, of 2^32: how far into its range the next interval reaches */
};

/* Reports begin at `now_ns`. */
void paw_report_start(struct paw_report *report, uint64_t now_ns);

/* A report was sent; `random` spreads the next one (RFC 3550 section 6.3.1). */
void paw_report_sent(struct paw_report *report, uint64_t now_ns, bool active, uint32_t random);

/* Nothing flows, and the connection has something else to say: does the report go with it? */
bool paw_report_goes_along(const struct paw_report *report, uint64_t now_ns);

/* Send the next report at once, but not right behind another; those after it keep their intervals.
 */
void paw_report_hurry(struct paw_report *report, uint64_t now_ns);

/* Media began or ended: move the next report accordingly (timer reconsideration). */
void paw_report_reconsider(struct paw_report *report, bool active);

/* What the last trips there and back say; zeros: none is known. */
struct paw_round_trip {
  uint64_t mean_ns;  /* smoothed */
  uint64_t floor_ns; /* the least of late: what a duplicate request is told by */
};

/* Another trip was measured; 0: it could not be said. */
void paw_round_trip_note(struct paw_round_trip *trip, uint64_t rtt_ns);

/* A - LSR - DLSR (RFC 3550 section 6.4.1), 0 when it cannot be said. */
uint64_t paw_report_rtt_ns(uint64_t now_ntp, uint32_t last_report, uint32_t delay);

#endif
