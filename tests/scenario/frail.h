/* SPDX-License-Identifier: MIT */
/* Two connections whose memory may run out at any time, through all that they do in their lives:
 * the kit's own drivers take any failure for a failed test, this one notes it. */
#ifndef SCENARIO_FRAIL_H
#define SCENARIO_FRAIL_H

#include <pawebrtc/rtc.h>

#include "kit/clock.h"
#include "kit/net.h"

#define FRAIL_SDP_MAX 16384

struct frail_end {
  struct paw_rtc *rtc;
  struct kit_rng rng;
  struct paw_address address;
  uint64_t deadline_ns;
  uint64_t audio; /* packets received */
  uint64_t frames;
  uint64_t media_sent; /* RTP datagrams, to lose some */
  uint16_t next_sequence;
  bool receives; /* next_sequence means something */
  bool connected;
  bool closed;
  enum paw_close_reason reason;
};

struct frail_life {
  struct kit_net *net;
  struct kit_clock clock;
  struct frail_end ends[2]; /* the first offers */
  struct paw_allocator allocator;
  bool again;       /* what was refused is asked for once more */
  uint64_t refused; /* calls that said that there is no memory */
  bool given_up;    /* one that was not asked for again, or in vain */
  char offer[FRAIL_SDP_MAX];
  char answer[FRAIL_SDP_MAX];
};

/* `again`: memory is there for whoever asks a second time. */
void frail_init(struct frail_life *life, struct paw_allocator allocator, bool again);

/* Free the connections, in whatever state they are. */
void frail_free_ends(struct frail_life *life);
void frail_wipe(struct frail_life *life);

/* From the first call to the media before the farewell: connect, talk both ways over a path that
 * loses a fifth, with RED and requests for what is missing, restart ICE by fragments and by an
 * offer, agree on other directions and back. It ends earlier when memory does not allow more. */
void frail_live(struct frail_life *life);

/* Everybody says farewell; all that are there have closed then. */
void frail_part(struct frail_life *life);

/* Move time on. */
void frail_run_ms(struct frail_life *life, uint64_t ms);

/* Did this side end without being told to, and say why? */
bool frail_ended_by_itself(const struct frail_end *end);

/* Both hear each other now. */
bool frail_both_hear(struct frail_life *life);

/* A fresh pair of the kit connects and hears, in want of nothing. */
void frail_expect_next_session(void);

#endif
