/* SPDX-License-Identifier: MIT */
/* Many receivers in one process: a connection and a socket each. */
#ifndef BENCH_FANOUT_RECEIVERS_H
#define BENCH_FANOUT_RECEIVERS_H

#include <pawebrtc/rtc.h>

#include "bench/fanout/sockets.h"

struct receivers {
  struct sockets *sockets; /* the first `count` of them are theirs */
  size_t count;
  struct paw_certificate *certificate; /* of them all */
  struct paw_rtc **rtcs;               /* NULL: not there */
  uint64_t *deadlines_ns;
  uint64_t earliest_ns; /* of these, or before */
  void (*event)(void *user_data, size_t index, uint64_t now_ns, const struct paw_rtc_event *event);
  void *user_data;
};

/* Set the callback after it. What fails ends the program. */
void receivers_init(struct receivers *receivers, struct sockets *sockets, size_t count);
void receivers_wipe(struct receivers *receivers);

/* Make a connection as pa-recv has it: lite, receiving only; offer and answer follow. */
struct paw_rtc *receivers_make(struct receivers *receivers, size_t index, uint64_t now_ns);

void receivers_handle_input(struct receivers *receivers, size_t index,
                            const struct paw_input *input);

/* Send and tell what one has to; after each call on its connection. */
void receivers_drain(struct receivers *receivers, size_t index, uint64_t now_ns);

/* Let time pass for those whose deadline has come. Returns the next one. */
uint64_t receivers_pass_time(struct receivers *receivers, uint64_t now_ns);

#endif
