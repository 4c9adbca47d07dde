/* SPDX-License-Identifier: MIT */
#include "rtc/rtc_private.h"

uint32_t paw_rtc_get_report_count(const struct paw_rtc *rtc) {
  return rtc->report_count;
}

uint8_t paw_rtc_get_loss_percent(const struct paw_rtc *rtc) {
  return (uint8_t)((rtc->loss.share_16 * 100 + 65535) / 65536);
}

uint64_t paw_rtc_count_authentic(const struct paw_rtc *rtc) {
  return rtc->authentic_count;
}

void paw_rtc_get_stats(const struct paw_rtc *rtc, struct paw_rtc_stats *out) {
  *out = rtc->stats;
  out->ice_state = paw_ice_get_state(rtc->ice);
  out->dtls_state = paw_dtls_get_state(rtc->dtls);
  (void)paw_ice_get_selected_pair(rtc->ice, &out->local, &out->remote);
  out->clock_backwards = rtc->clock.backwards;
  out->rtt_ns = paw_rtc_get_rtt_ns(rtc);
  out->datagrams_sent = rtc->datagrams_sent;
  out->bytes_sent = rtc->bytes_sent;
  out->packets_sent = rtc->send.packets;
  out->payload_bytes_sent = rtc->send.payload_bytes;
  out->nacks_received = rtc->send.nacks_received;
  out->nacks_duplicate = rtc->send.nacks_duplicate;
  out->red_packets_sent = rtc->send.red_packets;
  out->red_bytes_sent = rtc->send.red_bytes;
  out->red_distance = paw_send_get_red_distance(&rtc->send);
  out->packets_resent = rtc->send.packets_resent;
  out->nacks_unanswered = rtc->send.nacks_unanswered;
  for (size_t i = 0; i < rtc->recv_count; i++) {
    out->packets_lost += paw_recv_get_lost(&rtc->recv[i]);
  }
  if (rtc->recv_count > 0) {
    out->jitter_rtp = paw_recv_get_jitter_rtp(&rtc->recv[rtc->recv_count - 1]);
  }
  paw_ice_get_stats(rtc->ice, &out->ice);
  paw_dtls_get_stats(rtc->dtls, &out->dtls);
}
