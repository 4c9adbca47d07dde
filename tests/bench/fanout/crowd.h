/* SPDX-License-Identifier: MIT */
/* Receivers of a pa-send: they join by WHEP, play, and are watched. */
#ifndef BENCH_FANOUT_CROWD_H
#define BENCH_FANOUT_CROWD_H

#include <pawebrtc/playout.h>

#include "bench/fanout/receivers.h"
#include "bench/fanout/whep.h"

/*  OUT --its time--> OFFERING --201--> CONNECTING --first packet--> PLAYING --closed--> GONE
 *   ^---- refused, after a pause ----/                                                       */
enum member_state { MEMBER_OUT, MEMBER_OFFERING, MEMBER_CONNECTING, MEMBER_PLAYING, MEMBER_GONE };

struct member {
  enum member_state state;
  uint64_t join_ns;  /* when it offers, or offers again */
  uint64_t begin_ns; /* when it offered first */
  uint64_t playing_ns;
  uint64_t base_ns; /* arrival of the first packet that is counted, and its time stamp */
  uint32_t base_rtp;
  float *delays_ms; /* of packets, more or less than that of the first */
  size_t delay_count;
  size_t joining_count; /* of these, while others were joining */
  uint64_t packets;
  uint64_t lost; /* by sequence number, until now */
  uint16_t highest;
  struct paw_playout *playout; /* of those that listen, else NULL */
  uint64_t render_ns;          /* rendered up to here; 0: not yet */
};

struct crowd {
  struct sockets sockets;
  struct receivers receivers;
  struct whep *whep;
  struct member *members;
  size_t count;
  size_t delays_max; /* of a member */
  bool measuring;
  size_t playing;
  size_t gone;
  uint64_t refused; /* 429 and 503 */
  uint64_t failed;  /* other answers, or none */
  uint64_t turn_ns; /* the longest turn */
};

struct crowd_config {
  struct whep_client_config whep;
  size_t receivers;
  size_t listening; /* the first of them have a player */
  size_t delays_max;
};

/* What fails ends the program. */
void crowd_open(struct crowd *crowd, const struct crowd_config *config);
void crowd_close(struct crowd *crowd);

/* Let members [first, end) join from now on, evenly over a time. */
void crowd_join(struct crowd *crowd, size_t first, size_t end, uint64_t within_ns);

/* One turn: whatever has come, and what time it is. */
void crowd_serve(struct crowd *crowd);

/* All say farewell. */
void crowd_leave(struct crowd *crowd);

/* Concealed by all players, in ms, since they began. */
double crowd_get_concealed_ms(const struct crowd *crowd);

#endif
