/* SPDX-License-Identifier: MIT */
/* One end of a connection with its socket, as a program drives it. */
#ifndef BENCH_CONNECT_ENDPOINT_H
#define BENCH_CONNECT_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pawebrtc/rtc.h>

#include "udp.h"

/* What an end has spent by the moment in question. */
struct endpoint_cost {
  uint64_t cpu_ns;
  unsigned stun; /* datagrams sent */
  unsigned dtls;
  unsigned media; /* SRTP and SRTCP */
  size_t bytes;
};

struct endpoint {
  struct udp *udp;
  struct paw_rtc *rtc;
  struct paw_certificate *certificate;
  uint64_t deadline_ns;
  uint64_t cpu_begin_ns; /* set by the caller: from where on the cost counts */
  uint64_t connected_ns; /* 0 = not yet */
  uint64_t audio_ns;     /* first packet received, or sent; 0 = not yet */
  bool closed;
  struct endpoint_cost spent; /* so far */
  struct endpoint_cost cost;  /* at audio_ns */
};

/* Open the socket. */
bool endpoint_open(struct endpoint *endpoint);
void endpoint_close(struct endpoint *endpoint);

/* In place of the one of before, if there is one. */
bool endpoint_renew_certificate(struct endpoint *endpoint);

/* A new connection with the socket's address as its candidate; what has been spent begins anew. */
bool endpoint_begin(struct endpoint *endpoint, enum paw_ice_mode mode,
                    enum paw_direction direction);
void endpoint_end(struct endpoint *endpoint);

/* Poll to the end, and wait in poll(2) until a datagram comes (it is fed), `other_fd` is ready, or
 * time is up. True when it is `other_fd`. */
void endpoint_drain(struct endpoint *endpoint);
bool endpoint_wait(struct endpoint *endpoint, int other_fd, uint64_t until_ns);

/* The frame that is sent and heard: 160 bytes. */
void endpoint_send_frame(struct endpoint *endpoint, uint64_t index);

#endif
