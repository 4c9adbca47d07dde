/* SPDX-License-Identifier: MIT */
/* RTP that comes in: authenticated first, looked at afterwards. */
#include "rtc/rtc_private.h"

#include <string.h>

#include "base/log.h"
#include "opus/payload.h"
#include "rtp/rtp.h"

/* A stream that said nothing for so long gives its place to a new one. */
#define STREAM_IDLE_NS (2 * PAW_NS_PER_S)

struct paw_recv *paw_rtc_find_recv(struct paw_rtc *rtc, uint32_t ssrc) {
  for (size_t i = 0; i < rtc->recv_count; i++) {
    if (rtc->recv[i].ssrc == ssrc) {
      return &rtc->recv[i];
    }
  }
  return NULL;
}

/* The newest stream stands last. */
static struct paw_recv *add_recv(struct paw_rtc *rtc, uint32_t ssrc, uint16_t sequence) {
  if (rtc->recv_count == PAW_RTC_RECV_STREAMS_MAX) {
    if (!rtc->recv[0].ended &&
        paw_time_elapsed(rtc->clock.now_ns, rtc->recv[0].last_arrival_ns) < STREAM_IDLE_NS) {
      return NULL;
    }
    rtc->recv_count--;
    memmove(&rtc->recv[0], &rtc->recv[1], rtc->recv_count * sizeof rtc->recv[0]);
  }
  struct paw_recv *recv = &rtc->recv[rtc->recv_count++];
  paw_recv_init(recv, ssrc, sequence);
  paw_ring_reserve(&rtc->queue, &rtc->allocator, PAW_RTC_QUEUE_STREAM_BYTES);
  paw_log_write(&rtc->log, PAW_LOG_INFO, "rtc", "receiving SSRC %08x", (unsigned)ssrc);
  return recv;
}

/* After an empty packet of Opus the sender is silent on purpose (RFC 6716 section 2.1.9). */
static bool begins_pause(struct paw_slice payload, bool red) {
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX];
  size_t count = 0;
  if (red && paw_red_read(payload.data, payload.len, blocks, &count) == PAW_OK) {
    payload = blocks[count - 1].data;
  }
  return paw_opus_payload_is_dtx(payload.data, payload.len);
}

static void note_media(struct paw_rtc *rtc, struct paw_slice payload, bool red) {
  if (rtc->flow == PAW_RTC_FLOW_IDLE ||
      paw_time_elapsed(rtc->clock.now_ns, rtc->last_media_ns) >= PAW_REPORT_IDLE_NS) {
    paw_report_reconsider(&rtc->report, true);
  }
  /* The round trip decides what NACKs can mend: ask for it before the first loss. */
  if (rtc->flow == PAW_RTC_FLOW_IDLE && rtc->round_trip.mean_ns == 0 && rtc->remote.rrtr) {
    paw_report_hurry(&rtc->report, rtc->clock.now_ns);
  }
  if (rtc->flow == PAW_RTC_FLOW_DEGRADED) {
    paw_rtc_mark(rtc, PAW_RTC_EVENT_RECOVERED);
  }
  rtc->last_media_ns = rtc->clock.now_ns;
  rtc->flow = begins_pause(payload, red) ? PAW_RTC_FLOW_PAUSED : PAW_RTC_FLOW_FLOWING;
}

static void read_capture_time(struct paw_slice value, struct paw_audio_packet *packet) {
  struct paw_rd rd = paw_rd_init(value.data, value.len);
  uint64_t capture_ntp = paw_rd_u64(&rd);
  if (rd.bad) {
    return;
  }
  packet->capture_ntp = capture_ntp;
  if (rd.left > 0) {
    packet->capture_offset_ntp = (int64_t)paw_rd_u64(&rd);
  }
}

/* The level is the only element of most packets, in the one-byte form with two bytes of padding
 * (RFC 8285 section 4.2): 120 instructions fewer. */
static bool is_level_alone(const struct paw_rtc *rtc, const struct paw_rtp_header *header) {
  const uint8_t *at = header->extension.data;
  return header->extension_profile == 0xbede && header->extension.len == 4 && at[0] >> 4 != 0 &&
         at[0] == rtc->local.extension_audio_level << 4 && at[2] == 0 && at[3] == 0;
}

static void take_level(uint8_t value, struct paw_audio_packet *packet) {
  packet->level = value & 0x7f;
  packet->voice = (value & 0x80) != 0;
}

static void read_extensions(const struct paw_rtc *rtc, const struct paw_rtp_header *header,
                            struct paw_audio_packet *packet) {
  struct paw_rtp_extension_reader reader;
  struct paw_rtp_extension extension;
  if (is_level_alone(rtc, header)) {
    take_level(header->extension.data[1], packet);
    return;
  }
  paw_rtp_extension_reader_init(&reader, header);
  while (paw_rtp_extension_next(&reader, &extension)) {
    if (extension.id == rtc->local.extension_audio_level && extension.value.len == 1) {
      take_level(extension.value.data[0], packet);
    } else if (extension.id == rtc->local.extension_abs_capture_time) {
      read_capture_time(extension.value, packet);
    }
  }
}

static bool is_red(const struct paw_rtc *rtc, const struct paw_rtp_header *header) {
  return paw_rtc_uses_red(rtc) && header->payload_type == rtc->local.red_payload_type;
}

static void hand_on(struct paw_rtc *rtc, const struct paw_input *input,
                    const struct paw_rtp_header *header, struct paw_slice payload, bool red,
                    bool retransmission) {
  if (!paw_rtc_receives(rtc)) {
    paw_rtc_drop(rtc, PAW_DROP_RTP_DIRECTION);
    return;
  }
  rtc->stats.packets_received++;
  rtc->stats.payload_bytes_received += payload.len;
  rtc->stats.red_packets_received += red ? 1 : 0;
  struct paw_audio_packet *packet = paw_rtc_push_audio(rtc, payload);
  if (packet == NULL) {
    return;
  }
  *packet = (struct paw_audio_packet){
      .len = payload.len,
      .arrival_ns = input->arrival_ns,
      .ssrc = header->ssrc,
      .timestamp_rtp = header->timestamp_rtp,
      .sequence = header->sequence,
      .payload_type = header->payload_type,
      .level = PAW_AUDIO_LEVEL_NONE,
      .marker = header->marker,
      .red = red,
      .retransmission = retransmission,
  };
  read_extensions(rtc, header, packet);
}

/* RFC 4588 section 5.3: the stream whose retransmissions these are, as signalled; else the newest,
 * there being one section. */
static const struct paw_recv *find_original(struct paw_rtc *rtc, uint32_t rtx_ssrc) {
  if (rtc->remote.rtx_ssrc != 0 && rtc->remote.rtx_ssrc == rtx_ssrc) {
    return paw_rtc_find_recv(rtc, rtc->remote.ssrc);
  }
  return rtc->recv_count > 0 ? &rtc->recv[rtc->recv_count - 1] : NULL;
}

/* RFC 4588 section 4: the packet that was asked for, in a stream of its own, behind its sequence
 * number. In the statistics of its stream it stays lost (section 6.2), for repairs do not mend the
 * network. */
static void take_rtx(struct paw_rtc *rtc, const struct paw_input *input,
                     const struct paw_rtp_header *header, struct paw_slice payload) {
  struct paw_rd rd = paw_rd_init(payload.data, payload.len);
  const struct paw_recv *recv = find_original(rtc, header->ssrc);
  struct paw_rtp_header original = *header;
  original.sequence = paw_rd_u16(&rd);
  if (rd.bad || recv == NULL) { /* senders that probe send empty ones */
    paw_rtc_drop(rtc, PAW_DROP_RTP_RTX);
    return;
  }
  original.ssrc = recv->ssrc;
  original.payload_type = rtc->local.opus_payload_type;
  hand_on(rtc, input, &original, paw_rd_bytes(&rd, rd.left), false, true);
}

/* Authenticated and well formed: count it and hand it on. What was not agreed on is counted too:
 * when it is, later, neither its numbers nor the reports may have a gap. */
static void take_packet(struct paw_rtc *rtc, const struct paw_input *input,
                        const struct paw_rtp_header *header, struct paw_slice payload) {
  if (paw_rtc_uses_rtx(rtc) && header->payload_type == rtc->local.rtx_payload_type) {
    take_rtx(rtc, input, header, payload);
    return;
  }
  bool red = is_red(rtc, header);
  if (header->payload_type != rtc->local.opus_payload_type && !red) {
    paw_rtc_drop(rtc, PAW_DROP_RTP_PAYLOAD_TYPE);
    return;
  }
  struct paw_recv *recv = paw_rtc_find_recv(rtc, header->ssrc);
  if (recv == NULL) {
    recv = add_recv(rtc, header->ssrc, header->sequence);
  }
  if (recv == NULL) {
    paw_rtc_drop(rtc, PAW_DROP_RTP_SSRC_LIMIT);
    return;
  }
  paw_recv_packet(recv, input->arrival_ns, header->sequence, header->timestamp_rtp);
  if (!recv->ended && paw_rtc_receives(rtc)) {
    note_media(rtc, payload, red);
  }
  hand_on(rtc, input, header, payload, red, false);
}

/* ---- both kinds up to their plaintext ---- */

/* How one of the two kinds is opened, and what its failures are called. */
struct opening {
  int (*unprotect)(struct paw_srtp *srtp, uint8_t *packet, size_t *len);
  enum paw_drop malformed;
  enum paw_drop replay;
  enum paw_drop unauthentic;
};

static const struct opening rtp_opening = {paw_srtp_unprotect_rtp, PAW_DROP_RTP_MALFORMED,
                                           PAW_DROP_SRTP_REPLAY, PAW_DROP_SRTP_AUTH};
static const struct opening rtcp_opening = {paw_srtp_unprotect_rtcp, PAW_DROP_RTCP_MALFORMED,
                                            PAW_DROP_SRTCP_REPLAY, PAW_DROP_SRTCP_AUTH};

static enum paw_drop drop_of(const struct opening *opening, int status) {
  switch (status) {
  case PAW_ERR_REPLAY:
    return opening->replay;
  case PAW_ERR_MALFORMED:
    return opening->malformed;
  case PAW_ERR_LIMIT:
    return PAW_DROP_RTP_SSRC_LIMIT;
  case PAW_ERR_NO_MEMORY:
    return PAW_DROP_NO_MEMORY;
  default:
    return opening->unauthentic;
  }
}

/* Nothing but a counter changes before the datagram is authenticated. */
static bool open_datagram(struct paw_rtc *rtc, const struct opening *opening,
                          const struct paw_input *input, uint8_t *plain, size_t *len) {
  if (rtc->srtp == NULL) {
    paw_rtc_drop(rtc, PAW_DROP_NO_KEYS);
    return false;
  }
  if (input->len > PAW_DATAGRAM_MAX) {
    paw_rtc_drop(rtc, opening->malformed);
    return false;
  }
  *len = input->len;
  memcpy(plain, input->data, *len);
  int status = opening->unprotect(rtc->srtp, plain, len);
  if (status != PAW_OK) {
    paw_rtc_drop(rtc, drop_of(opening, status));
    return false;
  }
  rtc->authentic_count++;
  paw_rtc_note_authentic(rtc, input);
  return true;
}

void paw_rtc_receive_rtp(struct paw_rtc *rtc, const struct paw_input *input) {
  uint8_t plain[PAW_DATAGRAM_MAX];
  size_t len = 0;
  struct paw_rtp_header header;
  struct paw_slice payload;
  if (!open_datagram(rtc, &rtp_opening, input, plain, &len)) {
    return;
  }
  if (paw_rtp_read(plain, len, &header, &payload) != PAW_OK) {
    paw_rtc_drop(rtc, PAW_DROP_RTP_MALFORMED);
    return;
  }
  take_packet(rtc, input, &header, payload);
}

bool paw_rtc_open_rtcp(struct paw_rtc *rtc, const struct paw_input *input, uint8_t *plain,
                       size_t *len) {
  if (!open_datagram(rtc, &rtcp_opening, input, plain, len)) {
    return false;
  }
  rtc->stats.rtcp_received++;
  return true;
}
