/* SPDX-License-Identifier: MIT */
#include "stream/recv.h"

#include "base/ntp.h"
#include "base/seq.h"
#include "base/time.h"

#define SEQUENCE_ORIGIN (UINT64_C(1) << 32)

/* A jump of sequence numbers larger than this is a sender that began anew (RFC 3550 A.1). */
#define MAX_DROPOUT 3000

void paw_recv_init(struct paw_recv *recv, uint32_t ssrc, uint16_t sequence) {
  *recv = (struct paw_recv){
      .ssrc = ssrc,
      .first_sequence = SEQUENCE_ORIGIN + sequence,
      .highest_sequence = SEQUENCE_ORIGIN + sequence,
  };
}

static void restart(struct paw_recv *recv, uint64_t sequence) {
  recv->first_sequence = sequence - recv->packets; /* so that nothing counts as lost by the jump */
  recv->highest_sequence = sequence;
  recv->expected_prior = recv->packets;
  recv->packets_prior = recv->packets;
}

/* RFC 3550 section A.8, with the transit time kept modulo 2^64. Retransmissions and reordered
 * packets would count their repair as jitter, so only packets in order count. */
static void update_jitter(struct paw_recv *recv, uint64_t arrival_ns, uint32_t timestamp_rtp) {
  uint64_t transit = paw_ns_to_rtp(arrival_ns) - timestamp_rtp;
  if (recv->packets > 0) {
    int64_t difference = paw_rtp_diff((uint32_t)transit, (uint32_t)recv->last_transit_rtp);
    uint32_t magnitude = (uint32_t)(difference < 0 ? -difference : difference);
    if (magnitude < 60 * PAW_RTP_HZ) { /* a new origin of time stamps is no jitter */
      recv->jitter_16 += magnitude - ((recv->jitter_16 + 8) >> 4);
    }
  }
  recv->last_transit_rtp = transit;
}

void paw_recv_packet(struct paw_recv *recv, uint64_t arrival_ns, uint16_t sequence,
                     uint32_t timestamp_rtp) {
  uint64_t extended = paw_seq_extend(recv->highest_sequence, sequence);
  bool in_order = extended > recv->highest_sequence || recv->packets == 0;
  if (in_order) {
    if (extended - recv->highest_sequence > MAX_DROPOUT) {
      restart(recv, extended);
    }
    recv->highest_sequence = extended;
    recv->ended = false; /* one that was overtaken by BYE does not revive it */
    update_jitter(recv, arrival_ns, timestamp_rtp);
  } else if (extended < recv->first_sequence) {
    recv->first_sequence = extended;
  }
  recv->packets++;
  recv->last_arrival_ns = arrival_ns;
}

void paw_recv_sender_report(struct paw_recv *recv, uint64_t arrival_ns,
                            const struct paw_rtcp_sender_info *info) {
  recv->last_sr_ntp = info->ntp;
  recv->last_sr_ns = arrival_ns;
}

static uint64_t get_expected(const struct paw_recv *recv) {
  return recv->packets == 0 ? 0 : recv->highest_sequence - recv->first_sequence + 1;
}

int64_t paw_recv_get_lost(const struct paw_recv *recv) {
  return (int64_t)get_expected(recv) - (int64_t)recv->packets;
}

uint32_t paw_recv_get_jitter_rtp(const struct paw_recv *recv) {
  return recv->jitter_16 >> 4;
}

/* RFC 3550 section A.3. */
static uint8_t take_fraction_lost(struct paw_recv *recv) {
  uint64_t expected = get_expected(recv);
  int64_t expected_interval = (int64_t)(expected - recv->expected_prior);
  int64_t lost_interval = expected_interval - (int64_t)(recv->packets - recv->packets_prior);
  recv->expected_prior = expected;
  recv->packets_prior = recv->packets;
  if (expected_interval <= 0 || lost_interval <= 0) {
    return 0;
  }
  int64_t fraction = lost_interval * 256 / expected_interval;
  return (uint8_t)(fraction > 255 ? 255 : fraction);
}

void paw_recv_report(struct paw_recv *recv, uint64_t now_ns, struct paw_rtcp_report_block *out) {
  int64_t lost = paw_recv_get_lost(recv);
  int64_t bound = 0x7fffff;
  *out = (struct paw_rtcp_report_block){
      .ssrc = recv->ssrc,
      .fraction_lost = take_fraction_lost(recv),
      .cumulative_lost = (int32_t)(lost > bound    ? bound
                                   : lost < -bound ? -bound
                                                   : lost),
      .highest_sequence = (uint32_t)(recv->highest_sequence - SEQUENCE_ORIGIN),
      .jitter_rtp = paw_recv_get_jitter_rtp(recv),
  };
  if (recv->last_sr_ns != 0) {
    out->last_sr = paw_ntp_middle(recv->last_sr_ntp);
    out->delay_since_last_sr = paw_ns_to_short_ntp(paw_time_elapsed(now_ns, recv->last_sr_ns));
  }
}
