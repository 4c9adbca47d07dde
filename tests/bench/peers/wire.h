/* SPDX-License-Identifier: MIT */
/* What the two processes of a benchmark say to each other, over a pair of sockets. */
#ifndef BENCH_PEERS_WIRE_H
#define BENCH_PEERS_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_BYTES_MAX 16384 /* an SDP text is the longest */

enum wire_kind {
  WIRE_JOIN,     /* to the receivers: make a connection and offer; they answer with its text */
  WIRE_ANSWER,   /* the text of the answer */
  WIRE_DATAGRAM, /* both ways, where the network is simulated */
  WIRE_TURN,     /* to the receivers: it is so late; they answer with datagrams, then TURN, in which
                    the time is that of their next deadline, and `peer` how many are connected */
  WIRE_ASK,      /* how much do you hold? They answer with a struct wire_figures */
};

struct wire_message {
  uint32_t kind; /* enum wire_kind */
  uint32_t peer;
  uint64_t time_ns;
  size_t len;
  uint8_t data[WIRE_BYTES_MAX];
};

struct wire_figures {
  int64_t heap_bytes;
  int64_t peak_bytes; /* of the heap, since it was asked last */
  uint64_t allocations;
  uint64_t rss_bytes;
  uint64_t connected;
  uint64_t packets; /* of audio */
  uint64_t wake_ups;
};

/* What this process holds now; the rest is zero. */
struct wire_figures wire_own_figures(void);

/* Two connected descriptors. What goes wrong on them, or with the other end, ends the process. */
void wire_pair(int fds[2]);
void wire_send(int fd, enum wire_kind kind, uint32_t peer, uint64_t time_ns, const void *data,
               size_t len);

/* The next message; NULL when the other end has closed. */
const struct wire_message *wire_receive(int fd);

/* The next message, of which there must be one. */
const struct wire_message *wire_expect(int fd);

/* Say why, and end the process. */
__attribute__((format(printf, 1, 2), noreturn)) void wire_die(const char *format, ...);

#endif
