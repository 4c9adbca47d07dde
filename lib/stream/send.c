/* SPDX-License-Identifier: MIT */
#include "stream/send.h"

#include <assert.h>
#include <string.h>

#include "base/ntp.h"
#include "base/rng.h"
#include "base/seldom.h"
#include "base/seq.h"
#include "base/time.h"
#include "rtp/rtp.h"

/* The mid is written until the peer has surely seen it once, even at heavy loss. */
#define MID_PACKETS 100

/* The level as the only extension, with its block's header (RFC 6464, RFC 8285 section 4.2). */
#define LEVEL_BYTES 8
#define LEVEL_OFFSET 5

#define RED_HEADERS_BYTES 5 /* of two blocks: four and one */

/* Both frames of a redundant packet: what a header of 12 bytes, extensions of at most 36, block
 * headers of 5 and SRTP's tag of 10 leave of the MTU. */
#define RED_FRAMES_BYTES_MAX (PAW_MTU - 63)

int paw_send_init(struct paw_send *send, const struct paw_rng *rng, uint32_t ssrc,
                  const struct paw_wall_anchor *wall) {
  uint32_t random[4] = {0};
  int status = PAW_OK;
  for (size_t i = 0; i < 4 && status == PAW_OK; i++) {
    status = paw_rng_u32(rng, &random[i]);
  }
  *send = (struct paw_send){
      .ssrc = ssrc,
      .wall = *wall,
      /* Below 2^15, so that the receiver's guess of the roll-over counter is right even when the
       * first packets are lost (RFC 3711 section 3.3.1). */
      .base_sequence = (uint16_t)(random[0] & 0x7fff),
      .timestamp_offset = random[1],
      .rtx_ssrc = random[2] != ssrc && random[2] != 0 ? random[2] : ssrc + 1,
      .rtx_sequence = (uint16_t)(random[3] & 0x7fff),
      .resend_credit = PAW_SEND_RESENDS_MAX,
      .look_credit = PAW_SEND_LOOKS_MAX,
  };
  return status;
}

static uint16_t sequence_of(const struct paw_send *send, uint64_t index) {
  return (uint16_t)(send->base_sequence + (index - send->base_index));
}

/* Make `index` the first that can be sent or resent; sequence numbers go on. */
PAW_SELDOM static void rebase(struct paw_send *send, uint64_t index) {
  send->base_sequence = sequence_of(send, send->next_index);
  send->base_index = index;
  send->next_index = index;
  send->mid_until = index + MID_PACKETS;
  send->nacks_unanswered += send->resend_count;
  send->resend_count = 0;
}

static bool uses_two_byte_ids(const struct paw_send_format *format) { /* RFC 8285 section 4.3 */
  return format->extension_audio_level > 14 || format->extension_mid > 14 ||
         format->extension_abs_capture_time > 14;
}

/* The header of a packet without marker, and the level's extension. */
static void write_start(struct paw_send *send) {
  const struct paw_send_format *format = &send->format;
  struct paw_wr wr = paw_wr_init(send->start, sizeof send->start);
  struct paw_rtp_header header = {.payload_type = format->payload_type, .ssrc = send->ssrc};
  bool level = format->extension_audio_level != 0;
  paw_rtp_write_header(&wr, &header, level);
  if (level) {
    struct paw_rtp_extension_writer writer;
    paw_rtp_extension_begin(&writer, &wr, false);
    paw_rtp_extension_add(&writer, format->extension_audio_level, "", 1);
    paw_rtp_extension_end(&writer);
  }
  send->start_len = wr.bad || uses_two_byte_ids(format) ? 0 : (uint8_t)wr.len;
}

void paw_send_set_format(struct paw_send *send, const struct paw_send_format *format) {
  if (memcmp(&send->format, format, sizeof *format) == 0) {
    return;
  }
  rebase(send, send->next_index);
  send->format = *format;
  write_start(send);
}

void paw_send_attach(struct paw_send *send, const struct paw_history *history, uint64_t now_ns) {
  if (history == send->history) {
    return;
  }
  send->history = history;
  if (history == NULL) {
    return;
  }
  rebase(send, history->next_index);
  if (send->packets > 0) {
    /* Two programmes count their media time from different origins: go on where this one was. */
    const struct paw_history_frame *last =
        history->next_index > 0 ? paw_history_get(history, history->next_index - 1) : NULL;
    uint64_t media_rtp = last == NULL ? 0 : last->media_rtp;
    uint64_t elapsed_rtp = paw_ns_to_rtp(paw_time_elapsed(now_ns, send->last_sent_ns));
    send->timestamp_offset = send->last_timestamp_rtp + (uint32_t)elapsed_rtp - (uint32_t)media_rtp;
  }
}

void paw_send_set_red(struct paw_send *send, uint8_t distance_max, uint32_t room_rtp) {
  send->red_distance_max = distance_max;
  send->red_room_rtp = room_rtp;
}

void paw_send_skip_to_now(struct paw_send *send) {
  if (send->history != NULL) {
    rebase(send, send->history->next_index);
  }
}

/* ---- what is remembered of each packet ---- */

/* Of who never got redundancy nor asked for anything, both tables are all zeros, and left so: lines
 * of memory that a packet to each of a thousand need not wait for. */
static void remember(struct paw_send *send, uint64_t index, uint8_t distance) {
  if (distance + send->red_packets + send->nacks_received > 0) {
    send->red_distances[index % PAW_HISTORY_FRAMES] = distance;
    send->resent_ticks[index % PAW_HISTORY_FRAMES] = 0;
  }
}

static uint8_t get_distance(const struct paw_send *send, uint64_t index) {
  return send->red_distances[index % PAW_HISTORY_FRAMES];
}

/* ---- redundancy ---- */

/* The redundant frame of a packet, NULL when it has none or it is no longer there. */
static const struct paw_history_frame *get_copy(const struct paw_send *send, uint64_t index) {
  uint8_t distance = get_distance(send, index);
  return distance > 0 ? paw_history_get(send->history, index - distance) : NULL;
}

/* The largest distance that leaves room (the further apart, the better against bursts), or 0: a
 * frame that was not sent before, lies too far back or makes the packet too long is left out. */
static uint8_t choose_distance(const struct paw_send *send, uint64_t index,
                               const struct paw_history_frame *frame) {
  uint32_t room_rtp =
      send->red_room_rtp < PAW_RED_OFFSET_MAX ? send->red_room_rtp : PAW_RED_OFFSET_MAX;
  uint32_t distance = room_rtp / frame->duration_rtp;
  distance = distance < 1 ? 1 : distance;
  distance = distance > send->red_distance_max ? send->red_distance_max : distance;
  if (index - send->base_index < distance) {
    return 0;
  }
  const struct paw_history_frame *copy = paw_history_get(send->history, index - distance);
  bool fits = copy != NULL && copy->len <= PAW_RED_LENGTH_MAX &&
              copy->len + frame->len <= RED_FRAMES_BYTES_MAX &&
              frame->media_rtp - copy->media_rtp <= PAW_RED_OFFSET_MAX;
  return fits ? (uint8_t)distance : 0;
}

/* All blocks are Opus; the primary stands last (RFC 2198 section 3). */
static void write_red(const struct paw_send *send, const struct paw_history_frame *copy,
                      const struct paw_history_frame *frame, struct paw_wr *wr) {
  const struct paw_red_block blocks[] = {
      {.payload_type = send->format.payload_type,
       .offset_rtp = (uint16_t)(frame->media_rtp - copy->media_rtp),
       .data = {paw_history_payload(send->history, copy), copy->len}},
      {.payload_type = send->format.payload_type,
       .data = {paw_history_payload(send->history, frame), frame->len}},
  };
  (void)paw_red_write(wr, blocks, sizeof blocks / sizeof blocks[0]);
}

/* ---- writing ---- */

/* Which header extensions a packet has: by its index and frame alone. */
struct extensions {
  bool level;
  bool mid;
  bool capture_time;
};

static struct extensions get_extensions(const struct paw_send *send, uint64_t index,
                                        const struct paw_history_frame *frame) {
  const struct paw_send_format *format = &send->format;
  return (struct extensions){
      .level = format->extension_audio_level != 0 && frame->level <= 127,
      .mid = format->extension_mid != 0 && index < send->mid_until,
      .capture_time = format->extension_abs_capture_time != 0 &&
                      (frame->capture_mark || index == send->base_index),
  };
}

static uint8_t level_byte(const struct paw_history_frame *frame) {
  return (uint8_t)(frame->level | (frame->voice ? 0x80 : 0));
}

static void write_extensions(const struct paw_send *send, const struct extensions *extensions,
                             const struct paw_history_frame *frame, struct paw_wr *wr) {
  const struct paw_send_format *format = &send->format;
  struct paw_rtp_extension_writer writer;
  paw_rtp_extension_begin(&writer, wr, uses_two_byte_ids(format));
  if (extensions->level) {
    uint8_t level = level_byte(frame);
    paw_rtp_extension_add(&writer, format->extension_audio_level, &level, 1);
  }
  if (extensions->mid) {
    paw_rtp_extension_add(&writer, format->extension_mid, format->mid, strlen(format->mid));
  }
  if (extensions->capture_time) {
    uint8_t ntp[8];
    struct paw_wr ntp_wr = paw_wr_init(ntp, sizeof ntp);
    paw_wr_u64(&ntp_wr, paw_ntp_from_ns(&send->wall, frame->capture_ns));
    paw_rtp_extension_add(&writer, format->extension_abs_capture_time, ntp, sizeof ntp);
  }
  paw_rtp_extension_end(&writer);
}

/* Most packets that are not redundant differ from those before in number, time, level and frame
 * alone. */
static bool is_plain(const struct paw_send *send, uint64_t index,
                     const struct paw_history_frame *frame) {
  return frame->is_plain && send->start_len > 0 && index >= send->mid_until;
}

/* What write_packet writes of the newest packet, from a beginning that was written before: 100
 * instructions fewer. */
static void write_plain(const struct paw_send *send, uint64_t index,
                        const struct paw_history_frame *frame, struct paw_wr *wr) {
  uint8_t *at = paw_wr_claim(wr, (size_t)send->start_len + frame->len);
  if (at == NULL) {
    return;
  }
  memcpy(at, send->start, PAW_RTP_FIXED_BYTES);
  paw_put_u16(at + 2, sequence_of(send, index));
  paw_put_u32(at + 4, send->last_timestamp_rtp);
  at += PAW_RTP_FIXED_BYTES;
  if (send->start_len > PAW_RTP_FIXED_BYTES) {
    memcpy(at, send->start + PAW_RTP_FIXED_BYTES, LEVEL_BYTES);
    at[LEVEL_OFFSET] = level_byte(frame);
    at += LEVEL_BYTES;
  }
  memcpy(at, paw_history_payload(send->history, frame), frame->len);
}

/* `as_rtx`: as a retransmission in a stream of its own (RFC 4588 section 4), a new packet each
 * time, behind the number of the first one. It names the mid always, there being few of them, and
 * holds the frame alone: its payload type stands for Opus. */
PAW_SELDOM static void write_packet(const struct paw_send *send, uint64_t index,
                                    const struct paw_history_frame *frame, bool as_rtx,
                                    struct paw_wr *wr) {
  struct extensions extensions = get_extensions(send, index, frame);
  extensions.mid = extensions.mid || (as_rtx && send->format.extension_mid != 0);
  bool any_extension = extensions.level || extensions.mid || extensions.capture_time;
  const struct paw_history_frame *copy = as_rtx ? NULL : get_copy(send, index);
  uint8_t own_type = copy != NULL ? send->format.red_payload_type : send->format.payload_type;
  struct paw_rtp_header header = {
      .marker = frame->talk_spurt || index == send->base_index,
      .payload_type = as_rtx ? send->format.rtx_payload_type : own_type,
      .sequence = as_rtx ? send->rtx_sequence : sequence_of(send, index),
      .timestamp_rtp = (uint32_t)frame->media_rtp + send->timestamp_offset,
      .ssrc = as_rtx ? send->rtx_ssrc : send->ssrc,
  };
  paw_rtp_write_header(wr, &header, any_extension);
  if (any_extension) {
    write_extensions(send, &extensions, frame, wr);
  }
  if (as_rtx) {
    paw_wr_u16(wr, sequence_of(send, index));
  }
  if (copy != NULL) {
    write_red(send, copy, frame, wr);
  } else {
    paw_wr_bytes(wr, paw_history_payload(send->history, frame), frame->len);
  }
}

/* ---- resending ---- */

/* The index that was sent with this sequence number, if it can be built again. */
static bool find_index(const struct paw_send *send, uint16_t sequence, uint64_t *index) {
  if (send->history == NULL || send->next_index == send->base_index) {
    return false;
  }
  uint64_t last = send->next_index - 1;
  int32_t back = paw_seq_diff(sequence_of(send, last), sequence);
  if (back < 0 || (uint64_t)back > last - send->base_index) {
    return false;
  }
  *index = last - (uint64_t)back;
  bool alone = send->format.rtx_payload_type != 0 || get_distance(send, *index) == 0;
  return paw_history_get(send->history, *index) != NULL &&
         (alone || get_copy(send, *index) != NULL);
}

static uint16_t *resent_ticks(struct paw_send *send, uint64_t index) {
  return &send->resent_ticks[index % PAW_HISTORY_FRAMES];
}

/* A tick is 65.536 us. They wrap after 4.3 s: what is asked for then once more, of a sender that
 * was silent meanwhile, may count as a duplicate, and is asked for again. */
static uint64_t ticks_of(uint64_t ns) {
  return ns >> 16;
}

/* The time, which is not 0. */
static uint16_t resend_ticks(uint64_t now_ns) {
  uint16_t ticks = (uint16_t)ticks_of(now_ns);
  return ticks == 0 ? 1 : ticks;
}

static bool was_asked_lately(struct paw_send *send, uint64_t now_ns, uint64_t rtt_ns,
                             uint64_t index) {
  uint16_t then = *resent_ticks(send, index);
  return then != 0 && (uint16_t)(resend_ticks(now_ns) - then) <= ticks_of(rtt_ns / 2);
}

/* False: it stays unanswered. */
static bool queue_resend(struct paw_send *send, uint64_t now_ns, uint64_t rtt_ns,
                         uint16_t sequence) {
  uint64_t index = 0;
  if (!find_index(send, sequence, &index)) {
    return false;
  }
  if (was_asked_lately(send, now_ns, rtt_ns, index)) {
    send->nacks_duplicate++;
    return false;
  }
  if (send->resend_count == PAW_SEND_RESENDS_MAX || send->resend_credit == 0) {
    return false;
  }
  *resent_ticks(send, index) = resend_ticks(now_ns);
  size_t tail = (size_t)(send->resend_head + send->resend_count) % PAW_SEND_RESENDS_MAX;
  send->resends[tail] = sequence;
  send->resend_count++;
  send->resend_credit--;
  return true;
}

void paw_send_request(struct paw_send *send, uint64_t now_ns, uint64_t rtt_ns,
                      const uint16_t *sequences, size_t count) {
  size_t looks = count < send->look_credit ? count : send->look_credit;
  send->nacks_received += count;
  send->nacks_unanswered += count - looks;
  send->look_credit = (uint16_t)(send->look_credit - looks);
  for (size_t i = 0; i < looks; i++) {
    bool queued = queue_resend(send, now_ns, rtt_ns, sequences[i]);
    send->nacks_unanswered += queued ? 0 : 1;
  }
}

PAW_SELDOM static bool write_resend(struct paw_send *send, struct paw_wr *wr) {
  while (send->resend_count > 0) {
    uint16_t sequence = send->resends[send->resend_head];
    send->resend_head = (uint8_t)((send->resend_head + 1) % PAW_SEND_RESENDS_MAX);
    send->resend_count--;
    uint64_t index = 0;
    const struct paw_history_frame *frame =
        find_index(send, sequence, &index) ? paw_history_get(send->history, index) : NULL;
    if (frame != NULL) {
      bool as_rtx = send->format.rtx_payload_type != 0;
      write_packet(send, index, frame, as_rtx, wr);
      send->rtx_sequence = (uint16_t)(send->rtx_sequence + (as_rtx ? 1 : 0));
      send->packets_resent++;
      return true;
    }
    send->nacks_unanswered++;
  }
  return false;
}

PAW_SELDOM static void count_redundant(struct paw_send *send, uint64_t index) {
  const struct paw_history_frame *copy = get_copy(send, index);
  assert(copy != NULL);
  size_t red_bytes = RED_HEADERS_BYTES + copy->len;
  send->payload_bytes += red_bytes;
  send->red_packets++;
  send->red_bytes += red_bytes;
}

static void count_sent(struct paw_send *send, const struct paw_history_frame *frame) {
  send->packets++;
  send->payload_bytes += frame->len;
  if (send->resend_credit < PAW_SEND_RESENDS_MAX) {
    send->resend_credit++;
  }
  if (send->look_credit < PAW_SEND_LOOKS_MAX) {
    int looks = send->look_credit + PAW_SEND_LOOKS_A_FRAME;
    send->look_credit = (uint16_t)(looks < PAW_SEND_LOOKS_MAX ? looks : PAW_SEND_LOOKS_MAX);
  }
}

bool paw_send_next_resend(struct paw_send *send, uint64_t now_ns, struct paw_wr *wr) {
  (void)now_ns;
  return send->history != NULL && write_resend(send, wr);
}

bool paw_send_next(struct paw_send *send, uint64_t now_ns, struct paw_wr *wr) {
  if (send->history == NULL) {
    return false;
  }
  if (send->next_index < send->history->first_index) {
    /* Polled so late that frames are gone. Numbers go on without a gap: a jump of 2^15 or more
     * would make SRTP take new plaintext for old packet indices (RFC 3711 section 3.3.1). */
    rebase(send, send->history->first_index);
  }
  const struct paw_history_frame *frame = paw_history_get(send->history, send->next_index);
  if (frame == NULL) {
    return write_resend(send, wr);
  }
  uint64_t index = send->next_index;
  bool may_be_red = send->format.red_payload_type != 0 && send->red_distance_max != 0;
  uint8_t distance = may_be_red ? choose_distance(send, index, frame) : 0;
  remember(send, index, distance);
  send->last_timestamp_rtp = (uint32_t)frame->media_rtp + send->timestamp_offset;
  if (distance == 0 && is_plain(send, index, frame)) {
    write_plain(send, index, frame, wr);
  } else {
    write_packet(send, index, frame, false, wr);
  }
  if (distance > 0) {
    count_redundant(send, index);
  }
  count_sent(send, frame);
  send->next_index++;
  send->last_sent_ns = now_ns;
  return true;
}

uint8_t paw_send_get_red_distance(const struct paw_send *send) {
  return send->next_index > send->base_index ? get_distance(send, send->next_index - 1) : 0;
}

bool paw_send_get_rtp_time(const struct paw_send *send, uint64_t now_ns, uint32_t *out) {
  if (send->history == NULL || send->packets == 0 || send->next_index == send->base_index) {
    return false;
  }
  const struct paw_history_frame *last = paw_history_get(send->history, send->next_index - 1);
  if (last == NULL) {
    return false;
  }
  /* The instant is one of capture, extrapolated to now (RFC 3550 section 6.4.1). */
  uint64_t age_rtp = paw_ns_to_rtp(paw_time_elapsed(now_ns, last->capture_ns));
  *out = (uint32_t)(last->media_rtp + age_rtp) + send->timestamp_offset;
  return true;
}
