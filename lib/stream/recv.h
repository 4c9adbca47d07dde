/* SPDX-License-Identifier: MIT */
/* Reception statistics of one remote SSRC (RFC 3550 sections 6.4.1 and A.1, A.3, A.8). */
#ifndef PAW_STREAM_RECV_H
#define PAW_STREAM_RECV_H

#include <pawebrtc/base.h>

#include "rtcp/rtcp.h"

struct paw_recv {
  uint32_t ssrc;
  bool ended;              /* the peer said BYE */
  uint64_t first_sequence; /* extended; counts from 2^32 on so that late packets lie before it */
  uint64_t highest_sequence;
  uint64_t packets;
  uint64_t last_arrival_ns;
  uint64_t last_transit_rtp; /* arrival minus time stamp, both in RTP units */
  uint32_t jitter_16;        /* jitter times 16, as RFC 3550 A.8 keeps it */

  uint64_t expected_prior; /* at the last report */
  uint64_t packets_prior;

  uint64_t last_sr_ntp;
  uint64_t last_sr_ns; /* 0 = none came yet */
};

/* The stream's first packet. */
void paw_recv_init(struct paw_recv *recv, uint32_t ssrc, uint16_t sequence);

void paw_recv_packet(struct paw_recv *recv, uint64_t arrival_ns, uint16_t sequence,
                     uint32_t timestamp_rtp);

void paw_recv_sender_report(struct paw_recv *recv, uint64_t arrival_ns,
                            const struct paw_rtcp_sender_info *info);

/* RFC 3550: expected minus received, since the beginning; may be negative. */
int64_t paw_recv_get_lost(const struct paw_recv *recv);
uint32_t paw_recv_get_jitter_rtp(const struct paw_recv *recv);

/* Did anything come since the last report? */
static inline bool paw_recv_has_news(const struct paw_recv *recv) {
  return recv->packets != recv->packets_prior;
}

/* Fill a report block; the fraction lost is of the time since the last call. */
void paw_recv_report(struct paw_recv *recv, uint64_t now_ns, struct paw_rtcp_report_block *out);

#endif
