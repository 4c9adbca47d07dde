/* SPDX-License-Identifier: MIT */
/* RTP that comes in: authenticated first, looked at afterwards. */
#include "rtc/rtc_private.h"

#include <string.h>

#include "base/log.h"
#include "base/seldom.h"
#include "opus/payload.h"
#include "rtp/rtp.h"

/* A stream that said nothing for so long gives its place to a new one. */
#define STREAM_IDLE_NS (2 * PAW_NS_PER_S)

struct paw_recv *paw_rtc_find_recv(struct paw_rtc *rtc, uint32_t ssrc) {
  struct paw_recv *end = rtc->recv + rtc->recv_count;
  for (struct paw_recv *recv = rtc->recv; recv < end; recv++) {
    if (recv->ssrc == ssrc) {
      return recv;
    }
  }
  return NULL;
}

/* The newest stream stands last. */
PAW_SELDOM static struct paw_recv *add_recv(struct paw_rtc *rtc, uint32_t ssrc, uint16_t sequence) {
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
  paw_log_write(&rtc->log, PAW_LOG_INFO, "rtc", "receiving SSRC %08x", (unsigned)ssrc);
  return recv;
}

/* The last block; all of it where it is none. */
PAW_SELDOM static struct paw_slice primary_of(struct paw_slice payload) {
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX];
  size_t count = 0;
  return paw_red_read(payload.data, payload.len, blocks, &count) == PAW_OK ? blocks[count - 1].data
                                                                           : payload;
}

/* After an empty packet of Opus the sender is silent on purpose (RFC 6716 section 2.1.9). */
static inline bool begins_pause(struct paw_slice payload, bool red) {
  if (red) {
    payload = primary_of(payload);
  }
  return paw_opus_payload_is_dtx(payload.data, payload.len);
}

/* Media comes after none did, or ceases to, or comes again. */
PAW_SELDOM static void turn_flow(struct paw_rtc *rtc, enum paw_rtc_flow flow, uint64_t silence_ns) {
  if (rtc->flow == PAW_RTC_FLOW_IDLE || silence_ns >= PAW_REPORT_IDLE_NS) {
    paw_report_reconsider(&rtc->report, true);
  }
  /* The round trip decides what NACKs can mend: ask for it before the first loss. */
  if (rtc->flow == PAW_RTC_FLOW_IDLE && rtc->round_trip.mean_ns == 0 && rtc->remote.rrtr) {
    paw_report_hurry(&rtc->report, rtc->clock.now_ns);
  }
  if (rtc->flow == PAW_RTC_FLOW_DEGRADED) {
    paw_rtc_mark(rtc, PAW_RTC_EVENT_RECOVERED);
  }
  rtc->flow = flow;
  rtc->watch_ns = paw_time_add(rtc->clock.now_ns, rtc->degraded_ns);
  paw_rtc_stir(rtc);
}

static void note_media(struct paw_rtc *rtc, struct paw_slice payload, bool red) {
  enum paw_rtc_flow flow = begins_pause(payload, red) ? PAW_RTC_FLOW_PAUSED : PAW_RTC_FLOW_FLOWING;
  uint64_t silence_ns = paw_time_elapsed(rtc->clock.now_ns, rtc->last_media_ns);
  if (rtc->flow != flow || silence_ns >= PAW_REPORT_IDLE_NS) {
    turn_flow(rtc, flow, silence_ns);
  }
  rtc->last_media_ns = rtc->clock.now_ns;
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
  return header->extension_profile == 0xbede && header->extension.len == 4 && at[0] >= 0x10 &&
         at[0] < 0xf0 && at[0] == rtc->local.extension_audio_level << 4 && paw_get_u16(at + 2) == 0;
}

static void take_level(uint8_t value, struct paw_audio_packet *packet) {
  packet->level = value & 0x7f;
  packet->voice = (value & 0x80) != 0;
}

/* The header by value: one that nobody has the address of is never stored. */
PAW_SELDOM static void read_elements(const struct paw_rtc *rtc, struct paw_rtp_header header,
                                     struct paw_audio_packet *packet) {
  struct paw_rtp_extension_reader reader;
  struct paw_rtp_extension extension;
  paw_rtp_extension_reader_init(&reader, &header);
  while (paw_rtp_extension_next(&reader, &extension)) {
    if (extension.id == rtc->local.extension_audio_level && extension.value.len == 1) {
      take_level(extension.value.data[0], packet);
    } else if (extension.id == rtc->local.extension_abs_capture_time) {
      read_capture_time(extension.value, packet);
    }
  }
}

/* What an opened datagram says of itself, in its record. */
static bool read_packet(const struct paw_rtc *rtc, struct paw_rtc_audio_record *record, size_t len,
                        uint64_t arrival_ns) {
  struct paw_rtp_header header;
  struct paw_slice payload;
  if (paw_rtp_read(record->datagram, len, &header, &payload) != PAW_OK) {
    return false;
  }
  record->payload_offset = (size_t)(payload.data - record->datagram);
  record->event.kind = PAW_RTC_EVENT_AUDIO;
  record->event.audio = (struct paw_audio_packet){
      .len = payload.len,
      .arrival_ns = arrival_ns,
      .ssrc = header.ssrc,
      .timestamp_rtp = header.timestamp_rtp,
      .sequence = header.sequence,
      .payload_type = header.payload_type,
      .level = PAW_AUDIO_LEVEL_NONE,
      .marker = header.marker,
      .red = header.payload_type == rtc->local.red_payload_type && paw_rtc_uses_red(rtc),
      .retransmission = header.payload_type == rtc->local.rtx_payload_type && paw_rtc_uses_rtx(rtc),
  };
  if (is_level_alone(rtc, &header)) {
    take_level(header.extension.data[1], &record->event.audio);
  } else {
    read_elements(rtc, header, &record->event.audio);
  }
  return true;
}

/* The bytes that a record tells of. */
static struct paw_slice payload_of(const struct paw_rtc_audio_record *record) {
  return (struct paw_slice){.data = record->datagram + record->payload_offset,
                            .len = record->event.audio.len};
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
 * number: make it that packet. In the statistics of its stream it stays lost (section 6.2), for
 * repairs do not mend the network. */
PAW_SELDOM static bool unwrap_rtx(struct paw_rtc *rtc, struct paw_rtc_audio_record *record) {
  struct paw_audio_packet *packet = &record->event.audio;
  struct paw_slice payload = payload_of(record);
  struct paw_rd rd = paw_rd_init(payload.data, payload.len);
  const struct paw_recv *recv = find_original(rtc, packet->ssrc);
  packet->sequence = paw_rd_u16(&rd);
  if (rd.bad || recv == NULL) { /* senders that probe send empty ones */
    paw_rtc_drop(rtc, PAW_DROP_RTP_RTX);
    return false;
  }
  packet->ssrc = recv->ssrc;
  packet->payload_type = rtc->local.opus_payload_type;
  packet->len = rd.left;
  record->payload_offset += payload.len - rd.left;
  return true;
}

/* What was not agreed on is counted too: when it is, later, neither its numbers nor the reports may
 * have a gap. */
static bool count_packet(struct paw_rtc *rtc, const struct paw_rtc_audio_record *record) {
  const struct paw_audio_packet *packet = &record->event.audio;
  if (packet->payload_type != rtc->local.opus_payload_type && !packet->red) {
    paw_rtc_drop(rtc, PAW_DROP_RTP_PAYLOAD_TYPE);
    return false;
  }
  struct paw_recv *recv = paw_rtc_find_recv(rtc, packet->ssrc);
  if (recv == NULL) {
    recv = add_recv(rtc, packet->ssrc, packet->sequence);
  }
  if (recv == NULL) {
    paw_rtc_drop(rtc, PAW_DROP_RTP_SSRC_LIMIT);
    return false;
  }
  paw_recv_packet(recv, packet->arrival_ns, packet->sequence, packet->timestamp_rtp);
  if (!recv->ended && paw_rtc_receives(rtc)) {
    note_media(rtc, payload_of(record), packet->red);
  }
  return true;
}

/* Authenticated; true: it is to be told of. */
static bool take_packet(struct paw_rtc *rtc, struct paw_rtc_audio_record *record) {
  const struct paw_audio_packet *packet = &record->event.audio;
  if (packet->retransmission ? !unwrap_rtx(rtc, record) : !count_packet(rtc, record)) {
    return false;
  }
  if (!paw_rtc_receives(rtc)) {
    paw_rtc_drop(rtc, PAW_DROP_RTP_DIRECTION);
    return false;
  }
  rtc->stats.packets_received++;
  rtc->stats.payload_bytes_received += packet->len;
  rtc->stats.red_packets_received += packet->red;
  return true;
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

PAW_SELDOM static enum paw_drop drop_of(const struct opening *opening, int status) {
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

static inline bool may_open(struct paw_rtc *rtc, const struct opening *opening,
                            const struct paw_input *input) {
  if (rtc->srtp == NULL) {
    paw_rtc_drop(rtc, PAW_DROP_NO_KEYS);
    return false;
  }
  if (input->len > PAW_DATAGRAM_MAX) {
    paw_rtc_drop(rtc, opening->malformed);
    return false;
  }
  return true;
}

/* Of data on the usual pair ICE is told when it is its turn: 40 instructions a packet. */
static inline void note_authentic(struct paw_rtc *rtc, const struct paw_input *input) {
  rtc->authentic_count++;
  if (rtc->path_is_usual) {
    rtc->heard_ns = rtc->clock.now_ns;
  } else {
    paw_dtls_note_peer_complete(paw_rtc_touch_dtls(rtc));
    paw_ice_note_authenticated(paw_rtc_touch_ice(rtc), rtc->clock.now_ns, &input->local,
                               &input->remote);
  }
}

/* Nothing but a counter changes before the datagram is authenticated. */
static inline bool open_datagram(struct paw_rtc *rtc, const struct opening *opening,
                                 const struct paw_input *input, uint8_t *plain, size_t *len) {
  *len = input->len;
  memcpy(plain, input->data, *len);
  int status = opening->unprotect(rtc->srtp, plain, len);
  if (status != PAW_OK) {
    paw_rtc_drop(rtc, drop_of(opening, status));
    return false;
  }
  note_authentic(rtc, input);
  return true;
}

/* Authentic and well formed, in its record; true: it is to be told of. */
static inline bool open_packet(struct paw_rtc *rtc, const struct paw_input *input,
                               struct paw_rtc_audio_record *record) {
  size_t len = 0;
  if (!open_datagram(rtc, &rtp_opening, input, record->datagram, &len)) {
    return false;
  }
  if (!read_packet(rtc, record, len, input->arrival_ns)) {
    paw_rtc_drop(rtc, PAW_DROP_RTP_MALFORMED);
    return false;
  }
  return take_packet(rtc, record);
}

static bool may_queue(const struct paw_rtc *rtc) {
  return rtc->queue.used <= PAW_RTC_QUEUE_AUDIO_BYTES;
}

/* Others wait already. */
PAW_SELDOM static struct paw_rtc_audio_record *reserve_behind(struct paw_rtc *rtc, size_t len) {
  return may_queue(rtc) ? paw_ring_reserve(&rtc->queue, len) : NULL;
}

/* So that audio that bunches finds room. */
static inline void widen_queue(struct paw_rtc *rtc) {
  if (rtc->queue.size < PAW_RTC_QUEUE_STREAM_BYTES) {
    paw_ring_widen(&rtc->queue, &rtc->allocator, PAW_RTC_QUEUE_STREAM_BYTES);
  }
}

/* What was opened apart. The queue grows for what has proved to be the peer's only. */
PAW_SELDOM static void queue_packet(struct paw_rtc *rtc, const void *packet, size_t len) {
  widen_queue(rtc);
  void *record = may_queue(rtc) ? paw_ring_push(&rtc->queue, &rtc->allocator, len) : NULL;
  if (record == NULL) {
    paw_rtc_drop(rtc, PAW_DROP_QUEUE_FULL);
    return;
  }
  memcpy(record, packet, len);
}

/* What finds no room is opened all the same: SRTP's roll-over counter, the reports and ICE go on.
 */
void paw_rtc_receive_rtp(struct paw_rtc *rtc, const struct paw_input *input) {
  union {
    struct paw_rtc_audio_record record;
    uint8_t bytes[sizeof(struct paw_rtc_audio_record) + PAW_DATAGRAM_MAX];
  } apart;
  if (!may_open(rtc, &rtp_opening, input)) {
    return;
  }
  size_t len = sizeof apart.record + input->len;
  struct paw_rtc_audio_record *record = paw_ring_is_empty(&rtc->queue)
                                            ? paw_ring_reserve(&rtc->queue, len)
                                            : reserve_behind(rtc, len);
  if (record == NULL) {
    record = &apart.record;
  }
  if (!open_packet(rtc, input, record)) {
    return;
  }
  if (record == &apart.record) {
    queue_packet(rtc, apart.bytes, len);
    return;
  }
  paw_ring_commit(&rtc->queue, len);
  widen_queue(rtc);
}

bool paw_rtc_open_rtcp(struct paw_rtc *rtc, const struct paw_input *input, uint8_t *plain,
                       size_t *len) {
  if (!may_open(rtc, &rtcp_opening, input) ||
      !open_datagram(rtc, &rtcp_opening, input, plain, len)) {
    return false;
  }
  rtc->stats.rtcp_received++;
  paw_rtc_stir(rtc);
  return true;
}
