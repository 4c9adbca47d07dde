/* SPDX-License-Identifier: MIT */
/* One connection of the library, tied to the program's socket, timer and player. */
#ifndef PA_RECV_PEER_H
#define PA_RECV_PEER_H

#include <pawebrtc/rtc.h>

#include "fault.h"
#include "interfaces.h"
#include "loop.h"
#include "player.h"
#include "udp.h"

/* What all connections of this program share. */
struct peer_config {
  struct loop *loop;
  struct udp *udp;
  const struct paw_certificate *certificate;
  struct player *player;
  struct paw_log log;
  bool loopback; /* the server is on this machine */
  void (*event)(void *user_data, uint64_t now_ns, const struct paw_rtc_event *event);
  void *user_data;
};

struct peer {
  struct peer_config config;
  struct paw_rtc *rtc;          /* NULL: none */
  struct interfaces interfaces; /* its local candidates */
  struct loop_timer timer;
};

/* Room for what this side says: one section and INTERFACES_MAX candidates, and the sections that it
 * rejects of a server's offer. */
#define PEER_TEXT_SIZE 16384

void peer_init(struct peer *peer, const struct peer_config *config);
void peer_wipe(struct peer *peer);

/* Make a connection with this host's addresses and write its offer. */
int peer_offer(struct peer *peer, uint64_t now_ns, enum paw_ice_mode mode,
               char offer[PEER_TEXT_SIZE], struct fault *fault);

/* What the server offers instead. */
struct peer_counter_offer {
  const char *sdp;
  size_t len;
  enum paw_ice_mode mode; /* of this side; full when the server is lite */
};

/* Make a connection of the server's offer and write the answer; the one of before is dropped. */
int peer_accept_offer(struct peer *peer, uint64_t now_ns, const struct peer_counter_offer *offer,
                      char answer[PEER_TEXT_SIZE], struct fault *fault);

/* Is there a connection? What follows, but peer_drop, needs one. */
static inline bool peer_is_open(const struct peer *peer) {
  return peer->rtc != NULL;
}

/* As paw_rtc_accept_answer. */
int peer_answer(struct peer *peer, uint64_t now_ns, const char *answer, size_t len);

/* What became of the addresses that the connection stands on. */
enum peer_change {
  PEER_CHANGE_NONE,
  PEER_CHANGE_MORE, /* there are others, and the path in use stays */
  PEER_CHANGE_PATH, /* the path in use begins at an address that is gone */
};

/* Look at this host's addresses again. While it has none, nothing is changed: the same ones may
 * come back. */
enum peer_change peer_update_addresses(struct peer *peer);

/* Is there a path that begins at an address of this host? */
bool peer_has_path(const struct peer *peer);

/* Does the path begin at a Wi-Fi interface? */
bool peer_has_wifi_path(const struct peer *peer);

/* Begin ICE anew; write_fragment and take_fragment follow. As paw_rtc_ice_restart. */
int peer_restart(struct peer *peer, uint64_t now_ns);

/* Credentials and candidates, as the body of a PATCH. */
int peer_write_fragment(const struct peer *peer, char fragment[PEER_TEXT_SIZE]);

/* As paw_rtc_accept_ice_fragment. */
int peer_take_fragment(struct peer *peer, uint64_t now_ns, const char *fragment, size_t len);

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
