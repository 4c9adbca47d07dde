/* SPDX-License-Identifier: MIT */
/* Everybody who listens or talks: the hub with its UDP sockets, and the peers in it. */
#ifndef PA_SEND_PEERS_H
#define PA_SEND_PEERS_H

#include <pawebrtc/hub.h>
#include <pawebrtc/playout.h>

#include "loop.h"
#include "settings.h"
#include "udp.h"
#include "whep_server.h"

/* Peers at once; a peer at rest costs little, the network is full long before. */
#define PEERS_MAX 1024

struct peers;

struct peers_config {
  const struct settings *settings;
  uint8_t channels; /* of what is sent */
  struct paw_log log;
  void (*connected)(void *user_data, uint64_t peer);
  /* A packet of a talker. */
  void (*audio)(void *user_data, uint64_t now_ns, uint64_t peer,
                const struct paw_audio_packet *packet);
  /* How the encoder should be set for the listener that loses most. */
  void (*advised)(void *user_data, const struct paw_encoder_advice *advice);
  void (*closed)(void *user_data, uint64_t peer);
  void *user_data;
};

int peers_open(const struct peers_config *config, struct loop *loop, struct peers **out,
               struct fault *fault);

/* Without farewell. NULL is allowed. */
void peers_close(struct peers *peers);

/* What WHEP calls: listeners. */
struct whep_backend peers_backend(struct peers *peers);

/* An offer, or a fragment, and when it came. */
struct peers_offer {
  uint64_t now_ns;
  const char *sdp;
  size_t len;
};

/* As the backend of a whep_server has them, for who puts something of his own around them. */
int peers_accept(struct peers *peers, enum whep_kind kind, const struct peers_offer *offer,
                 char *answer, size_t *answer_len, uint64_t *peer);
int peers_patch(struct peers *peers, uint64_t peer, const struct peers_offer *fragment,
                bool *restarted, char *answer, size_t *answer_len);
void peers_end(struct peers *peers, uint64_t now_ns, uint64_t peer);

/* As paw_rtc_serve_playout; before peers_drain. */
uint64_t peers_serve_playout(struct peers *peers, uint64_t now_ns, uint64_t peer,
                             struct paw_playout *playout);

/* One frame for every listener. */
void peers_send(struct peers *peers, uint64_t now_ns, const struct paw_audio_frame *frame);

/* Say farewell to everybody. */
void peers_end_all(struct peers *peers, uint64_t now_ns);

/* Send what is to be sent, look at what happened, set the timer: for the loop's idle hook. */
void peers_drain(struct peers *peers, uint64_t now_ns);

/* Read what has come by now and hand it over, instead of in the next turn of the loop. */
void peers_fetch(struct peers *peers);

size_t peers_get_count(const struct peers *peers);

/* Nobody is there any more, and the farewells do not wait for room in the send buffer either. */
bool peers_are_gone(const struct peers *peers);

uint16_t peers_get_port(const struct peers *peers);

/* The addresses offered now, with the port; INTERFACES_MAX at most. */
size_t peers_get_addresses(const struct peers *peers, struct paw_address *out);

struct peers_stats {
  size_t peers;
  size_t connected;
  uint64_t sent; /* RTP packets; this and the next three over the peers that are there */
  uint64_t resent;
  uint64_t nacks;
  uint64_t lost;
  double worst_loss_percent; /* by the last report of the peer that loses most */
  size_t redundant;          /* peers whose packets repeat an earlier frame */
  uint64_t datagrams;        /* of the sockets, since the start */
  uint64_t held;             /* of these, sent only when the send buffer had room again */
  uint64_t dropped;
  uint64_t dropped_full; /* of these, for want of room in the send buffer */
  uint64_t unclaimed;
};

void peers_get_stats(struct peers *peers, struct peers_stats *out);

#endif
