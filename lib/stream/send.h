/* SPDX-License-Identifier: MIT */
/* What one receiver gets of a programme: its own SSRC, sequence numbers and time stamps over the
 * shared history, and the answers to its NACKs.
 *
 * A packet is a function of its frame's index, of the redundancy that is remembered for it, and of
 * nothing that changes later, so building it again gives the same bytes: the condition under which
 * it may be protected again on the same SSRC (README.md). When something does change (another
 * track, another payload type), indices before the change are not resent; nor are those whose
 * redundant frame is no longer there. */
#ifndef PAW_STREAM_SEND_H
#define PAW_STREAM_SEND_H

#include "base/limits.h"
#include "base/wr.h"
#include "stream/history.h"

/* What was negotiated; ids of 0 are not written. */
struct paw_send_format {
  uint8_t payload_type;
  uint8_t red_payload_type; /* RFC 2198; 0: never redundant */
  uint8_t rtx_payload_type; /* RFC 4588; 0: resend with the same SSRC and sequence number */
  uint8_t extension_mid;
  uint8_t extension_audio_level;
  uint8_t extension_abs_capture_time;
  char mid[17]; /* one-byte header extensions hold 16 bytes at most */
};

struct paw_send {
  struct paw_send_format format;
  const struct paw_history *history; /* NULL: nothing to send */
  struct paw_wall_anchor wall;
  uint32_t ssrc;
  uint32_t rtx_ssrc;
  uint16_t rtx_sequence; /* of the next retransmission */

  uint8_t start[20]; /* of most packets, their numbers zeros; what it is made of is in send.c */
  uint8_t start_len; /* 0: there is none */

  uint64_t base_index; /* sequence = base_sequence + (index - base_index) */
  uint16_t base_sequence;
  uint32_t timestamp_offset; /* added to media time */
  uint64_t next_index;       /* of the history, the first that was not sent yet */
  uint64_t mid_until;        /* index up to which the mid is written */
  uint64_t last_sent_ns;
  uint32_t last_timestamp_rtp;

  uint8_t resend_head; /* of resends */
  uint8_t resend_count;
  uint8_t resend_credit; /* answers that may still be given before the next frame */
  uint16_t look_credit;  /* and numbers that may be looked up */

  uint8_t red_distance_max; /* of the packets to come */
  uint32_t red_room_rtp;

  uint64_t packets;
  uint64_t payload_bytes;
  uint64_t red_packets;
  uint64_t red_bytes; /* of payload, beyond the frames themselves */
  uint64_t nacks_received;
  uint64_t nacks_duplicate;
  uint64_t packets_resent;
  uint64_t nacks_unanswered; /* duplicates included */

  uint16_t resends[PAW_SEND_RESENDS_MAX]; /* sequence numbers asked for, first in first out */

  /* By index modulo, of those that were sent. */
  uint8_t red_distances[PAW_HISTORY_FRAMES]; /* 0 = none */
  uint16_t resent_ticks[PAW_HISTORY_FRAMES]; /* when it was asked for last, 0 = never */
};

/* PAW_OK; PAW_ERR_RANDOM. */
int paw_send_init(struct paw_send *send, const struct paw_rng *rng, uint32_t ssrc,
                  const struct paw_wall_anchor *wall);

/* Take over what was negotiated; a change ends what can be resent. */
void paw_send_set_format(struct paw_send *send, const struct paw_send_format *format);

/* Send from this history, from its next frame on; NULL: nothing. Sequence numbers go on. */
void paw_send_attach(struct paw_send *send, const struct paw_history *history, uint64_t now_ns);

/* Let packets from now on carry an earlier frame too (RFC 2198): the one as many frames before as
 * `room_rtp` holds, at least 1 and at most `distance_max`. 0: none. */
void paw_send_set_red(struct paw_send *send, uint8_t distance_max, uint32_t room_rtp);

/* Begin with the frame that comes next: what came before the connection was up is not sent. */
void paw_send_skip_to_now(struct paw_send *send);

/* Has it anything to write? */
static inline bool paw_send_is_ready(const struct paw_send *send) {
  return send->history != NULL &&
         (send->next_index < send->history->next_index || send->resend_count > 0);
}

/* Write the next packet, new or resent, in plaintext. False: none is left. */
bool paw_send_next(struct paw_send *send, uint64_t now_ns, struct paw_wr *wr);

/* The same of what was sent before and is asked for. */
bool paw_send_next_resend(struct paw_send *send, uint64_t now_ns, struct paw_wr *wr);

/* The receiver asks for packets. Those that can be built again and were not asked for within half a
 * round trip, ends included, wait to be resent: a request that comes so soon was sent before the
 * answer to the one before could be there. Answers are bounded by what is sent: each frame earns
 * one, and PAW_SEND_RESENDS_MAX can be saved. So is what is looked up at all: each frame earns
 * PAW_SEND_LOOKS_A_FRAME, and PAW_SEND_LOOKS_MAX can be saved. */
void paw_send_request(struct paw_send *send, uint64_t now_ns, uint64_t rtt_ns,
                      const uint16_t *sequences, size_t count);

/* Of the packet sent last; 0: it was not redundant, or there was none. */
uint8_t paw_send_get_red_distance(const struct paw_send *send);

/* The RTP time that `now_ns` corresponds to, for a sender report. False before the first packet. */
bool paw_send_get_rtp_time(const struct paw_send *send, uint64_t now_ns, uint32_t *out);

#endif
