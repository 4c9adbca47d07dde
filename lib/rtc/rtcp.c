/* SPDX-License-Identifier: MIT */
/* RTCP: what comes in is taken to pieces, what goes out is made when it is polled. */
#include "rtc/rtc_private.h"

#include <string.h>

#include "base/ntp.h"
#include "base/rng.h"

/* ---- in ---- */

/* What the path is like, after a report. Chromium heeds NACK without saying so: who has asked,
 * asks.
 */
static void note_path(struct paw_rtc *rtc, const struct paw_rtcp_report_block *block) {
  paw_loss_report(&rtc->loss, block->fraction_lost, block->highest_sequence);
  rtc->report_count++;
  struct paw_redundancy_path path = {
      .loss_16 = rtc->loss.share_16,
      .rtt_ns = paw_rtc_get_rtt_ns(rtc),
      .nack = rtc->local.nack && (rtc->remote.nack || rtc->send.nacks_received > 0),
  };
  paw_redundancy_report(&rtc->redundancy, rtc->clock.now_ns, &path);
  paw_rtc_follow_red(rtc);
}

static void take_block(struct paw_rtc *rtc, const struct paw_rtcp_report_block *block,
                       uint64_t arrival_ns) {
  if (block->ssrc != rtc->local_ssrc) {
    return;
  }
  uint64_t now_ntp = paw_ntp_from_ns(&rtc->wall, arrival_ns);
  uint64_t rtt_ns = paw_report_rtt_ns(now_ntp, block->last_sr, block->delay_since_last_sr);
  paw_round_trip_note(&rtc->round_trip, rtt_ns);
  rtc->stats.remote_lost = block->cumulative_lost > 0 ? (uint64_t)block->cumulative_lost : 0;
  rtc->stats.remote_fraction_lost = block->fraction_lost;
  rtc->stats.remote_jitter_rtp = block->jitter_rtp;
  note_path(rtc, block);
  struct paw_rtc_event event = {
      .kind = PAW_RTC_EVENT_RECEIVER_REPORT,
      .receiver_report =
          {
              .arrival_ns = arrival_ns,
              .rtt_ns = rtt_ns,
              .cumulative_lost = block->cumulative_lost,
              .highest_sequence = block->highest_sequence,
              .jitter_rtp = block->jitter_rtp,
              .fraction_lost = block->fraction_lost,
          },
  };
  paw_rtc_push_event(rtc, &event);
}

static void take_sender_info(struct paw_rtc *rtc, const struct paw_rtcp_report *report,
                             uint64_t arrival_ns) {
  struct paw_recv *recv = paw_rtc_find_recv(rtc, report->ssrc);
  if (recv == NULL) {
    return; /* of a stream that has sent nothing yet */
  }
  paw_recv_sender_report(recv, arrival_ns, &report->sender);
  struct paw_rtc_event event = {
      .kind = PAW_RTC_EVENT_SENDER_REPORT,
      .sender_report =
          {
              .ntp = report->sender.ntp,
              .arrival_ns = arrival_ns,
              .ssrc = report->ssrc,
              .timestamp_rtp = report->sender.timestamp_rtp,
              .packets = report->sender.packets,
              .octets = report->sender.octets,
          },
  };
  paw_rtc_push_event(rtc, &event);
}

static int take_report(struct paw_rtc *rtc, const struct paw_rtcp_packet *packet,
                       uint64_t arrival_ns) {
  struct paw_rtcp_report report;
  int status = paw_rtcp_read_report(packet, &report);
  if (status != PAW_OK) {
    return status;
  }
  if (packet->type == PAW_RTCP_SR) {
    take_sender_info(rtc, &report, arrival_ns);
  }
  for (size_t i = 0; i < report.block_count; i++) {
    take_block(rtc, &report.blocks[i], arrival_ns);
  }
  return PAW_OK;
}

static struct paw_recv *newest_recv(struct paw_rtc *rtc) {
  return rtc->recv_count > 0 ? &rtc->recv[rtc->recv_count - 1] : NULL;
}

static int take_bye(struct paw_rtc *rtc, const struct paw_rtcp_packet *packet) {
  uint32_t ssrcs[PAW_RTCP_REPORT_BLOCKS_MAX];
  size_t count = 0;
  int status = paw_rtcp_read_bye(packet, ssrcs, &count);
  for (size_t i = 0; status == PAW_OK && i < count; i++) {
    struct paw_recv *recv = paw_rtc_find_recv(rtc, ssrcs[i]);
    if (recv == NULL || recv->ended) {
      continue;
    }
    recv->ended = true;
    if (recv == newest_recv(rtc)) {
      rtc->flow = PAW_RTC_FLOW_IDLE;
    }
    struct paw_rtc_event event = {.kind = PAW_RTC_EVENT_BYE, .bye_ssrc = ssrcs[i]};
    paw_rtc_push_event(rtc, &event);
  }
  return status;
}

static int take_nack(struct paw_rtc *rtc, const struct paw_rtcp_packet *packet) {
  uint16_t sequences[PAW_RTCP_NACK_SEQUENCES_MAX];
  size_t count = 0;
  uint32_t sender_ssrc = 0;
  uint32_t media_ssrc = 0;
  int status = paw_rtcp_read_nack(packet, &sender_ssrc, &media_ssrc, sequences,
                                  PAW_RTCP_NACK_SEQUENCES_MAX, &count);
  if (status == PAW_ERR_UNSUPPORTED) {
    return PAW_OK; /* another kind of feedback, such as transport-wide */
  }
  if (status == PAW_OK && media_ssrc == rtc->local_ssrc && rtc->local.nack) {
    uint64_t rtt_ns =
        rtc->round_trip.floor_ns != 0 ? rtc->round_trip.floor_ns : paw_rtc_get_rtt_ns(rtc);
    paw_send_request(&rtc->send, rtc->clock.now_ns, rtt_ns, sequences, count);
  }
  return status;
}

/* The first answer is a sender report ahead of its time, so that both sides soon know the round
 * trip. */
static void take_reference_time(struct paw_rtc *rtc, const struct paw_rtcp_xr *xr,
                                uint64_t arrival_ns) {
  rtc->rrtr_ntp = xr->reference_ntp;
  rtc->rrtr_ns = arrival_ns;
  rtc->rrtr_ssrc = xr->ssrc;
  if (!rtc->rrtr_was_answered && rtc->send.packets > 0) {
    rtc->rrtr_was_answered = true;
    paw_report_hurry(&rtc->report, rtc->clock.now_ns);
  }
}

static int take_xr(struct paw_rtc *rtc, const struct paw_rtcp_packet *packet, uint64_t arrival_ns,
                   bool has_report) {
  struct paw_rtcp_xr xr;
  int status = paw_rtcp_read_xr(packet, rtc->local_ssrc, &xr);
  if (status != PAW_OK) {
    return status;
  }
  if (xr.has_reference_time) {
    rtc->rrtr_is_urgent = !has_report;
    take_reference_time(rtc, &xr, arrival_ns);
  }
  if (xr.has_dlrr) {
    uint64_t now_ntp = paw_ntp_from_ns(&rtc->wall, arrival_ns);
    uint64_t rtt_ns = paw_report_rtt_ns(now_ntp, xr.last_rr, xr.delay_since_last_rr);
    paw_round_trip_note(&rtc->round_trip, rtt_ns);
  }
  return PAW_OK;
}

static int take_rtcp(struct paw_rtc *rtc, const struct paw_rtcp_packet *packet, uint64_t arrival_ns,
                     bool has_report) {
  switch (packet->type) {
  case PAW_RTCP_SR:
  case PAW_RTCP_RR:
    return take_report(rtc, packet, arrival_ns);
  case PAW_RTCP_BYE:
    return take_bye(rtc, packet);
  case PAW_RTCP_RTPFB:
    return take_nack(rtc, packet);
  case PAW_RTCP_XR:
    return take_xr(rtc, packet, arrival_ns, has_report);
  default: /* SDES, APP, payload feedback, and what is not known: passed over */
    return PAW_OK;
  }
}

void paw_rtc_receive_rtcp(struct paw_rtc *rtc, const struct paw_input *input) {
  uint8_t plain[PAW_DATAGRAM_MAX];
  size_t len = 0;
  if (!paw_rtc_open_rtcp(rtc, input, plain, &len)) {
    return;
  }
  struct paw_rd compound = paw_rd_init(plain, len);
  struct paw_rtcp_packet packet;
  int status = PAW_OK;
  bool has_report = false;
  while (status == PAW_OK && paw_rtcp_next(&compound, &packet)) {
    has_report = has_report || packet.type == PAW_RTCP_SR || packet.type == PAW_RTCP_RR;
    status = take_rtcp(rtc, &packet, input->arrival_ns, has_report);
  }
  if (status != PAW_OK || compound.bad) {
    paw_rtc_drop(rtc, PAW_DROP_RTCP_MALFORMED);
  }
}

/* ---- out ---- */

/* What is sent again is media too: when media begins, reports are hurried by the same measure. */
static bool is_active(const struct paw_rtc *rtc) {
  uint64_t now_ns = rtc->clock.now_ns;
  bool sending =
      rtc->media_sent_ns != 0 && paw_time_elapsed(now_ns, rtc->media_sent_ns) < PAW_REPORT_IDLE_NS;
  bool receiving = rtc->flow != PAW_RTC_FLOW_IDLE &&
                   paw_time_elapsed(now_ns, rtc->last_media_ns) < PAW_REPORT_IDLE_NS;
  return sending || receiving;
}

/* RFC 3550 section 6.4: about the sources that were heard since the last report. */
static void fill_blocks(struct paw_rtc *rtc, struct paw_rtcp_report *report) {
  for (size_t i = 0; i < rtc->recv_count; i++) {
    if (!rtc->recv[i].ended && paw_recv_has_news(&rtc->recv[i])) {
      paw_recv_report(&rtc->recv[i], rtc->clock.now_ns, &report->blocks[report->block_count++]);
    }
  }
}

/* RFC 3550 section 6.4: SR when something was sent since the last report, RR otherwise. */
static void write_report(struct paw_rtc *rtc, struct paw_wr *wr) {
  struct paw_rtcp_report report = {.ssrc = rtc->local_ssrc};
  fill_blocks(rtc, &report);
  uint32_t timestamp_rtp = 0;
  bool sent = rtc->send.last_sent_ns >= rtc->report.last_ns && rtc->send.packets > 0;
  if (sent && paw_send_get_rtp_time(&rtc->send, rtc->clock.now_ns, &timestamp_rtp)) {
    report.sender = (struct paw_rtcp_sender_info){
        .ntp = paw_ntp_from_ns(&rtc->wall, rtc->clock.now_ns),
        .timestamp_rtp = timestamp_rtp,
        .packets = (uint32_t)rtc->send.packets,
        .octets = (uint32_t)rtc->send.payload_bytes,
    };
    paw_rtcp_write_sender_report(wr, &report);
  } else {
    paw_rtcp_write_receiver_report(wr, &report);
  }
  paw_rtcp_write_sdes(wr, rtc->local_ssrc, rtc->cname);
}

/* RFC 3611: the receiver sends its time, the sender says when it got it. Until it knows the round
 * trip, it sends its time with NACKs too; never with an answer alone, or two that both do not know
 * would go on answering each other. */
static void write_extended_reports(struct paw_rtc *rtc, struct paw_wr *wr, bool due) {
  if (paw_rtc_receives(rtc) && rtc->remote.rrtr &&
      (due || (rtc->nack_count > 0 && rtc->round_trip.mean_ns == 0))) {
    paw_rtcp_write_rrtr(wr, rtc->local_ssrc, paw_ntp_from_ns(&rtc->wall, rtc->clock.now_ns));
  }
  if (rtc->rrtr_ntp != 0 && (due || rtc->rrtr_is_urgent)) {
    uint64_t age_ns = paw_time_elapsed(rtc->clock.now_ns, rtc->rrtr_ns);
    paw_rtcp_write_dlrr(wr, rtc->local_ssrc, rtc->rrtr_ssrc, paw_ntp_middle(rtc->rrtr_ntp),
                        paw_ns_to_short_ntp(age_ns));
    rtc->rrtr_ntp = 0;
    rtc->rrtr_is_urgent = false;
  }
}

static bool seal(struct paw_rtc *rtc, struct paw_wr *wr, struct paw_transmit *out) {
  size_t len = wr->len;
  if (wr->bad ||
      paw_srtp_protect_rtcp(rtc->srtp, wr->data, &len, PAW_RTC_CONTROL_BYTES) != PAW_OK) {
    return false;
  }
  rtc->stats.rtcp_sent++;
  return paw_rtc_address(rtc, wr->data, len, out);
}

static void write_nacks(struct paw_rtc *rtc, struct paw_wr *wr) {
  const struct paw_recv *recv = newest_recv(rtc);
  if (recv != NULL) {
    paw_rtcp_write_nack(wr, rtc->local_ssrc, recv->ssrc, rtc->nacks, rtc->nack_count);
    rtc->stats.nacks_sent += rtc->nack_count;
  }
  rtc->nack_count = 0;
}

/* An answer that waits for its time has no deadline: it goes with the next poll after it. */
bool paw_rtc_has_rtcp(const struct paw_rtc *rtc) {
  return rtc->nack_count > 0 || rtc->rrtr_is_urgent ||
         paw_time_due(rtc->report.next_ns, rtc->clock.now_ns);
}

/* It is polled when it is time, or when ICE or DTLS had something to do. */
static bool report_is_due(const struct paw_rtc *rtc) {
  return paw_time_due(rtc->report.next_ns, rtc->clock.now_ns) ||
         (paw_report_goes_along(&rtc->report, rtc->clock.now_ns) && !is_active(rtc));
}

bool paw_rtc_poll_rtcp(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out) {
  bool due = report_is_due(rtc);
  bool reduced = rtc->local.rtcp_rsize && rtc->remote.rtcp_rsize;
  bool early = reduced && rtc->rrtr_is_urgent && paw_time_due(rtc->early_ns, rtc->clock.now_ns);
  if (!due && !early && rtc->nack_count == 0) {
    return false;
  }
  if (early) {
    rtc->early_ns = paw_time_add(rtc->clock.now_ns, PAW_RTCP_EARLY_NS);
  }
  struct paw_wr wr = paw_wr_init(buffer, PAW_RTC_CONTROL_BYTES - PAW_SRTP_TRAILER_MAX);
  if (due || !reduced) { /* RFC 5506: feedback alone only where both agreed */
    write_report(rtc, &wr);
  }
  if (due) {
    uint32_t random = 0;
    (void)paw_rng_u32(&rtc->rng, &random); /* zero on failure: a shorter interval, no harm */
    paw_report_sent(&rtc->report, rtc->clock.now_ns, is_active(rtc), random);
  }
  write_extended_reports(rtc, &wr, due);
  if (rtc->nack_count > 0) {
    write_nacks(rtc, &wr);
  }
  return wr.len > 0 && seal(rtc, &wr, out);
}

bool paw_rtc_poll_bye(struct paw_rtc *rtc, uint8_t *buffer, struct paw_transmit *out) {
  while (rtc->byes_left > 0) {
    rtc->byes_left--;
    struct paw_wr wr = paw_wr_init(buffer, PAW_RTC_CONTROL_BYTES - PAW_SRTP_TRAILER_MAX);
    write_report(rtc, &wr); /* RFC 3550 section 6.6: BYE rides in a compound packet */
    paw_rtcp_write_bye(&wr, rtc->local_ssrc);
    if (seal(rtc, &wr, out)) {
      return true;
    }
  }
  return false;
}

int paw_rtc_send_nack(struct paw_rtc *rtc, uint64_t now_ns, const uint16_t *sequences,
                      size_t count) {
  (void)paw_clock_advance(&rtc->clock, now_ns);
  if (sequences == NULL || count == 0 || count > PAW_RTC_NACKS_MAX) {
    return PAW_ERR_INVALID;
  }
  if (rtc->state != PAW_RTC_STATE_CONNECTED || !rtc->remote.nack || !rtc->local.nack) {
    return PAW_OK;
  }
  if (count > PAW_RTC_NACKS_MAX - rtc->nack_count) {
    return PAW_ERR_LIMIT;
  }
  memcpy(rtc->nacks + rtc->nack_count, sequences, count * sizeof sequences[0]);
  rtc->nack_count += count;
  paw_rtc_stir(rtc);
  return PAW_OK;
}

uint64_t paw_rtc_get_rtt_ns(const struct paw_rtc *rtc) {
  return rtc->round_trip.mean_ns != 0 ? rtc->round_trip.mean_ns : paw_ice_get_rtt_ns(rtc->ice);
}
