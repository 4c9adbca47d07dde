/* SPDX-License-Identifier: MIT */
/* The near end: a hub as pa-send has it, and how a receiver of the other process gets into it. */
#ifndef BENCH_PEERS_NEAR_H
#define BENCH_PEERS_NEAR_H

#include <pawebrtc/hub.h>

#include "bench/peers/wire.h"

struct near {
  int wire;
  struct paw_hub *hub;
  struct paw_hub_track *track;
  struct paw_certificate *certificate;
  struct paw_address address;
  size_t connected;
};

/* Everything that goes wrong here ends the process. */
void near_init(struct near *near, int wire, const struct paw_address *address, size_t peers_max,
               uint64_t now_ns);
void near_wipe(struct near *near);

/* Negotiate with receiver `index`, and subscribe it to the track. */
void near_join(struct near *near, size_t index, uint64_t now_ns);

/* Take all events; a connection that ends ends the process. */
void near_take_events(struct near *near);

/* What the receivers hold. */
struct wire_figures near_ask(const struct near *near);

#endif
