/* SPDX-License-Identifier: MIT */
/* Everybody who receives: the hub with its UDP sockets, and the peers in it. */
#ifndef PA_SEND_LISTENERS_H
#define PA_SEND_LISTENERS_H

#include <pawebrtc/hub.h>

#include "loop.h"
#include "settings.h"
#include "udp.h"
#include "whep_server.h"

/* Peers at once; a peer at rest costs little, the network is full long before. */
#define LISTENERS_MAX 1024

struct listeners;

struct listeners_config {
  const struct settings *settings;
  uint8_t channels; /* of what is sent */
  struct paw_log log;
  void (*connected)(void *user_data, uint64_t peer);
  void (*closed)(void *user_data, uint64_t peer);
  void *user_data;
};

int listeners_open(const struct listeners_config *config, struct loop *loop, struct listeners **out,
                   struct fault *fault);

/* Without farewell. NULL is allowed. */
void listeners_close(struct listeners *listeners);

/* What WHEP calls; user_data of the backend is `listeners`. */
struct whep_backend listeners_backend(struct listeners *listeners);

/* One frame for everybody. */
void listeners_send(struct listeners *listeners, uint64_t now_ns,
                    const struct paw_audio_frame *frame);

/* Say farewell to everybody. */
void listeners_end_all(struct listeners *listeners, uint64_t now_ns);

/* Send what is to be sent, look at what happened, set the timer: for the loop's idle hook. */
void listeners_drain(struct listeners *listeners, uint64_t now_ns);

size_t listeners_get_count(const struct listeners *listeners);
uint16_t listeners_get_port(const struct listeners *listeners);

/* The addresses offered now, with the port; INTERFACES_MAX at most. */
size_t listeners_get_addresses(const struct listeners *listeners, struct paw_address *out);

struct listeners_stats {
  size_t peers;
  size_t connected;
  uint64_t sent; /* RTP packets; this and the next three over the peers that are there */
  uint64_t resent;
  uint64_t nacks;
  uint64_t lost;
  uint64_t datagrams; /* of the sockets, since the start */
  uint64_t dropped;
  uint64_t unclaimed;
};

void listeners_get_stats(struct listeners *listeners, struct listeners_stats *out);

#endif
