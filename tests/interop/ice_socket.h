/* SPDX-License-Identifier: MIT */
/* Our ICE agent with its one socket, in a GMainContext that others live in too. */
#ifndef INTEROP_ICE_SOCKET_H
#define INTEROP_ICE_SOCKET_H

#include <glib.h>
#include <pawebrtc/ice.h>

struct ice_socket {
  GMainContext *context;
  struct paw_ice *ice;
  GPollFD poll_fd;
  struct paw_address local;
  uint64_t deadline_ns;
  size_t received; /* datagrams of data on a valid pair */
  size_t strays;   /* ditto on another */
  size_t selected_events;
  uint32_t last_request_has; /* enum paw_stun_has of the last STUN request */
  char last[64];
};

uint64_t ice_socket_now_ns(void);

/* `address`: without a port. Exits when there is no such socket. */
void ice_socket_open(struct ice_socket *socket, GMainContext *context, const char *address,
                     const struct paw_ice_config *config);
void ice_socket_close(struct ice_socket *socket);

/* Let everybody in the context work, until something has happened or 20 ms have passed. */
void ice_socket_step(struct ice_socket *socket);

/* Poll the agent until nothing is left. To be called after every call on it. */
void ice_socket_drain(struct ice_socket *socket);

/* Data on the selected pair; dropped when there is none. */
void ice_socket_send(struct ice_socket *socket, const char *data);

#endif
