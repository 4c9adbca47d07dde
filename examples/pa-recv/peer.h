/* SPDX-License-Identifier: MIT */
/* One connection of the library, tied to the program's socket, timer and player. */
#ifndef PA_RECV_PEER_H
#define PA_RECV_PEER_H

#include <pawebrtc/playout.h>
#include <pawebrtc/rtc.h>

#include "fault.h"
#include "loop.h"
#include "udp.h"

/* What all connections of this program share. */
struct peer_config {
  struct loop *loop;
  struct udp *udp;
  const struct paw_certificate *certificate;
  struct paw_playout *playout;
  struct paw_log log;
  bool loopback; /* the server is on this machine */
  void (*event)(void *user_data, uint64_t now_ns, const struct paw_rtc_event *event);
  void *user_data;
};

struct peer {
  struct peer_config config;
  struct paw_rtc *rtc; /* NULL: none */
  struct loop_timer timer;
};

/* Room for an offer of ours: one section and INTERFACES_MAX candidates. */
#define PEER_OFFER_SIZE 8192

void peer_init(struct peer *peer, const struct peer_config *config);
void peer_wipe(struct peer *peer);

/* Make a connection with this host's addresses and write its offer. */
int peer_offer(struct peer *peer, uint64_t now_ns, enum paw_ice_mode mode,
               char offer[PEER_OFFER_SIZE], struct fault *fault);

/* Is there a connection? What follows, but peer_drop, needs one. */
static inline bool peer_is_open(const struct peer *peer) {
  return peer->rtc != NULL;
}

/* As paw_rtc_accept_answer. */
int peer_answer(struct peer *peer, uint64_t now_ns, const char *answer, size_t len);

/* A datagram has come. */
void peer_receive(struct peer *peer, const struct paw_input *input);

/* Send, tell and set the timer for all that the connection has to do. Call it once a turn of the
 * loop. */
void peer_drain(struct peer *peer, uint64_t now_ns);

/* Say farewell: CLOSED comes as an event. */
void peer_close(struct peer *peer, uint64_t now_ns);

/* Drop the connection. Not allowed in `event`. */
void peer_drop(struct peer *peer);

/* 0 when not known. */
uint64_t peer_get_rtt_ns(const struct peer *peer);

#endif
