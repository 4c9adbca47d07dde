/* SPDX-License-Identifier: MIT */
/* The least that a packet to each of many receivers can cost: SRTP protection and a sendto. */
#ifndef BENCH_FANOUT_FLOOR_H
#define BENCH_FANOUT_FLOOR_H

#include "bench/fanout/sockets.h"

/* Of RTP: a header of 12 bytes and a payload of 160. */
#define FLOOR_PACKET_BYTES 172

struct floor_stream;

struct floor {
  int fd; /* to send from */
  size_t count;
  struct floor_stream *streams;
  uint16_t sequence;
};

/* A stream for each of `count` sockets. What fails ends the program. */
void floor_init(struct floor *floor, const struct paw_address *receivers, size_t count);
void floor_wipe(struct floor *floor);

/* One packet for each. */
void floor_send(struct floor *floor);

/* At the other end: is it the stream's, authentic and new? */
bool floor_receive(struct floor *floor, size_t index, const struct paw_input *input);

#endif
