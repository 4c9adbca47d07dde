/* SPDX-License-Identifier: MIT */
/* The system as the programs' files see it in a fuzz target, in place of system.c and udp.c: a
 * clock that the target sets, random numbers that a seed repeats, and sockets that bring what the
 * target gives them and swallow what is sent. */
#ifndef FUZZ_STILL_WORLD_H
#define FUZZ_STILL_WORLD_H

#include "kit/rng.h"

struct still_world {
  uint64_t now_ns;
  struct kit_rng rng; /* failing: there are no random numbers */
  /* A datagram that has come, by the next look at the sockets; data NULL: none. */
  struct paw_input datagram;
};

extern struct still_world still_world;

void still_world_reset(uint64_t now_ns);

/* The one address there is, with the sockets' port. */
struct paw_address still_world_address(void);

#endif
