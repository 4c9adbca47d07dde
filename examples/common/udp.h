/* SPDX-License-Identifier: MIT */
/* The UDP sockets of a program: one for IPv4, one for IPv6, on the same port. Local addresses are
 * true on hosts with several (packet info in and out), arrival times are the kernel's. */
#ifndef COMMON_UDP_H
#define COMMON_UDP_H

#include <pawebrtc/base.h>

#include "fault.h"

struct udp;

struct udp_config {
  uint16_t port;            /* 0: any that is free for both families */
  bool loopback_only;       /* bind to 127.0.0.1 and ::1 instead of all addresses */
  int send_buffer_bytes;    /* 0: 1 MiB, a burst to a few hundred receivers */
  int receive_buffer_bytes; /* 0: 1 MiB */
};

/* A host without IPv6 (or without IPv4) gets one socket. */
int udp_open(const struct udp_config *config, struct udp **out, struct fault *fault);

/* NULL is allowed. */
void udp_close(struct udp *udp);

uint16_t udp_get_port(const struct udp *udp);

/* The descriptor of a family, to be watched for POLLIN; -1 when there is none. */
int udp_get_fd(const struct udp *udp, enum paw_family family);

/* Read what has come on `fd`, at most a bounded number of datagrams (the rest is told by the next
 * poll), and hand each over as PAW_INPUT_RECEIVE with true local address and arrival time on the
 * monotonic clock, at `now_ns` or, after a hold-up, later. Errors of the network are not errors
 * here. */
void udp_receive(struct udp *udp, int fd, uint64_t now_ns,
                 void (*handle)(void *user_data, const struct paw_input *input), void *user_data);

/* Send a batch with as few calls as can be, from each transmit's local address ("none": the
 * kernel's choice) and with its DSCP. What the kernel does not take is dropped and counted. */
void udp_send(struct udp *udp, const struct paw_transmit *batch, size_t count);

/* The same, but it stops where the send buffer is full (EAGAIN), without a drop: returns how many,
 * from the first on, are dealt with. The descriptor of the next one's family is watched for POLLOUT
 * then. */
size_t udp_offer(struct udp *udp, const struct paw_transmit *batch, size_t count);

struct udp_stats {
  uint64_t received;
  uint64_t received_truncated; /* longer than any datagram of ours: dropped */
  uint64_t sent;
  uint64_t dropped_full;  /* send buffer full (EAGAIN, ENOBUFS) */
  uint64_t dropped_error; /* unreachable, no such local address, … */
};

void udp_get_stats(const struct udp *udp, struct udp_stats *out);

#endif
