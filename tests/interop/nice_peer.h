/* SPDX-License-Identifier: MIT */
/* A libnice agent with one stream of one component, on its own socket. */
#ifndef INTEROP_NICE_PEER_H
#define INTEROP_NICE_PEER_H

#include <nice/agent.h>
#include <pawebrtc/ice.h>

struct nice_peer {
  GMainContext *context;
  NiceAgent *agent;
  guint stream;
  bool gathered;
  size_t received; /* datagrams of data */
  char last[64];
};

/* `address`: without a port. */
void nice_peer_open(struct nice_peer *peer, GMainContext *context, const char *address,
                    bool controlling, NiceAgentOption options);
void nice_peer_close(struct nice_peer *peer);

void nice_peer_get_credentials(struct nice_peer *peer, struct paw_ice_credentials *out);
void nice_peer_set_credentials(struct nice_peer *peer, const struct paw_ice_credentials *theirs);

/* The one local candidate. False when there is none, or there are others. */
bool nice_peer_get_candidate(struct nice_peer *peer, struct paw_candidate *out);
void nice_peer_add_candidate(struct nice_peer *peer, const struct paw_candidate *theirs);

/* Is it settled on a pair, and is it this one, seen from the other side? */
bool nice_peer_is_ready(struct nice_peer *peer);
bool nice_peer_uses(struct nice_peer *peer, const struct paw_address *their_local,
                    const struct paw_address *their_remote);

/* Data on the selected pair. */
void nice_peer_send(struct nice_peer *peer, const char *data);

#endif
