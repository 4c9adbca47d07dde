/* SPDX-License-Identifier: MIT */
/* Connections between two processes over UDP sockets on 127.0.0.1: this one offers and receives, a
 * child of it answers and sends. Signalling goes over a socket pair. Either waits in poll(2). */
#ifndef BENCH_CONNECT_LIVE_H
#define BENCH_CONNECT_LIVE_H

#include <stdbool.h>

#include "bench/connect/endpoint.h"

#include <pawebrtc/rtc.h>

/* A connection that has not been heard by then has failed. */
#define LIVE_BUDGET_NS (5 * PAW_NS_PER_S)

struct live;

/* Start the child, with a certificate for each process. NULL when something fails. */
struct live *live_new(void);

/* End the child and wait for it. False when it did not end well. */
bool live_free(struct live *live);

/* floor_handshake_cpu_ns in the child. */
uint64_t live_floor_cpu_ns(struct live *live);

struct live_form {
  enum paw_ice_mode receiver;
  bool new_certificates; /* either end makes one for the connection */
};

struct live_times {
  uint64_t connected_ns;         /* from the offer's text to the receiver's DTLS */
  uint64_t first_audio_ns;       /* from the offer's text to the first packet decrypted */
  struct endpoint_cost receiver; /* up to that packet */
  struct endpoint_cost sender;   /* up to its first packet of audio */
};

/* One connection from socket to socket. False when nothing was heard. */
bool live_connect(struct live *live, const struct live_form *form, struct live_times *out);

#endif
