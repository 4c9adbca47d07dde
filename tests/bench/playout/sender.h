/* SPDX-License-Identifier: MIT */
/* Sends a programme, answers requests out of the last half second, counts bytes. */
#ifndef BENCH_SENDER_H
#define BENCH_SENDER_H

#include "base/limits.h"
#include "bench/playout/programme.h"
#include "bench/playout/receiver.h"

#define SENDER_KEPT 512 /* packets: 1.28 s of 2.5 ms ones */

struct sender {
  const struct programme *programme;
  uint16_t first_sequence;
  uint32_t first_timestamp_rtp;
  size_t red_distance; /* a copy of the packet so many before; 0: none */
  uint64_t frame_ns;
  uint64_t begin_ns;
  uint64_t rtt_ns;
  uint64_t next;                  /* packet to send */
  uint64_t again_ns[SENDER_KEPT]; /* when it was last sent again; 0: never */
  uint64_t media_bytes;           /* on the wire, without what follows */
  uint64_t red_bytes;
  uint64_t again_bytes;
  uint64_t asked; /* sequence numbers */
  uint64_t again; /* packets */
  uint64_t ask_bytes;
};

struct sender_packet {
  struct paw_audio_packet packet;
  uint8_t data[PAW_DATAGRAM_MAX];
};

/* The packet that is due at the time `begin_ns + next * frame_ns`. */
void sender_send(struct sender *sender, struct sender_packet *out);

/* Answer for one sequence number; false: it is too old, unknown, or answered just now. */
bool sender_repeat(struct sender *sender, uint16_t sequence, uint64_t now_ns,
                   struct sender_packet *out);

/* Requests are being sent. */
void sender_count_asks(struct sender *sender, const struct receiver_asks *asks);

/* Bytes for redundancy and retransmissions against those of media. */
double sender_overhead_percent(const struct sender *sender);

#endif
