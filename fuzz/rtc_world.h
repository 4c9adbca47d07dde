/* SPDX-License-Identifier: MIT */
/* Connections two by two, in virtual time, over a network that keeps every datagram until it is
 * told what to do with it. Ends 2k and 2k + 1 talk to each other; the even ones may stand behind a
 * hub. What is promised of any life they lead is checked here. */
#ifndef FUZZ_RTC_WORLD_H
#define FUZZ_RTC_WORLD_H

#include <pawebrtc/pawebrtc.h>

#include "fuzz.h"
#include "kit/alloc.h"
#include "kit/clock.h"
#include "kit/rng.h"
#include "kit/talker.h"

#define WORLD_ENDS_MAX 4
#define WORLD_QUEUE_MAX 64
#define WORLD_SDP_MAX 16384

struct world_end {
  struct paw_rtc *rtc; /* NULL: in the hub, or not there */
  paw_hub_peer peer;   /* 0: not in the hub */
  struct kit_rng rng;
  struct paw_address address;
  uint64_t deadline_ns; /* of a lone one */
  bool undrained;       /* its outputs stay where they are; of the first end: the hub's too */
  bool lags;            /* they did: it may hear of frames that `sent` has forgotten */
  bool connected;       /* as its events say */
  bool closed;
  enum paw_close_reason reason;
  uint64_t audio; /* packets that came */
  uint16_t last_sequence;
  uint64_t media_rtp;   /* of the next frame to send */
  struct kit_sent sent; /* frames that it, or its track, has sent */
};

/* On its way. */
struct world_datagram {
  struct paw_address from;
  struct paw_address to;
  size_t len;
  uint8_t data[];
};

/* What was told by signalling between two ends. */
struct world_talk {
  char offer[WORLD_SDP_MAX];
  char answer[WORLD_SDP_MAX];
  char fragment[WORLD_SDP_MAX];
  size_t offer_len;
  size_t answer_len;
  size_t fragment_len;
  struct paw_description direct_offer;
  struct paw_description direct_answer;
};

struct world_config {
  size_t end_count; /* 2 or 4 */
  bool hub;
  struct paw_rtc_config rtc[2]; /* of the even ends, and of the odd ones */
};

struct world {
  struct kit_allocator memory;
  struct kit_clock clock;
  size_t end_count;
  struct world_end ends[WORLD_ENDS_MAX];
  struct world_talk *talks[WORLD_ENDS_MAX / 2];
  struct paw_hub *hub;
  struct paw_hub_track *track;
  size_t idle_count; /* connections in the hub that are nobody's end */
  struct kit_rng idle_rng;
  uint64_t hub_deadline_ns;
  size_t queue_count;
  struct world_datagram *queue[WORLD_QUEUE_MAX]; /* oldest first */
  size_t steps_left;                             /* of world_run: an input does not last for ever */
  bool undrained;                                /* outputs stay where they are */
  bool loses_dtls;                               /* the network does */
  bool forged; /* somebody who has the keys has sent media of its own */
};

/* Two ends; with a hub the even ones stand behind it. Retransmissions may have a stream of their
 * own. */
void world_config_init(struct world_config *config, bool hub, bool rtx);

/* Aborts when something does not go as it must with memory at hand. */
struct world *world_new(const struct world_config *config);

/* Closes every end, drains it, frees everything: nothing may be left. */
void world_free(struct world *world);

/* To be asked anew before each act; NULL when it was taken out of the hub. */
struct paw_rtc *world_rtc(struct world *world, size_t end);

/* Poll its outputs no more, or again. */
void world_toggle_drain(struct world *world, size_t end);

/* Is the status one that any call may give, or one of `documented`, a bit each: 1 << -status? */
void world_check_status(const struct world *world, int status, unsigned documented);

/* Offer, answer, and back, in SDP or directly; the first status that is not PAW_OK. */
int world_negotiate(struct world *world, size_t offerer, bool direct);

/* After a negotiation: connect every pair with ICE alone, and keys that were made before
 * (rtc_quick.c). False when they do not come so far. */
bool world_connect(struct world *world);

/* One more connection in the hub, which it keeps. */
int world_add_idle(struct world *world);

/* Poll everything to its end, but of those that are `undrained`. */
void world_drain(struct world *world);

/* Take the datagram out of the queue; to be freed. NULL when there is none. */
struct world_datagram *world_take(struct world *world, size_t which);
void world_put(struct world *world, const struct paw_address *from, const struct paw_address *to,
               const uint8_t *data, size_t len);

/* Feed it to whom it is addressed, which the port alone says: ends have any number of hosts. */
void world_receive(struct world *world, const struct paw_address *from,
                   const struct paw_address *to, const uint8_t *data, size_t len);

/* The end asks for packets again, from so far back before the last that came. */
void world_ask_again(struct world *world, size_t end, uint8_t back, uint8_t count);

/* Time jumps; nothing is delivered. */
void world_pass(struct world *world, uint64_t ns);

/* Time passes with a good network: each datagram takes a millisecond. */
void world_run(struct world *world, uint64_t ms);

/* A frame of 20 ms with these bytes, from a lone end or, for even ends of a hub, on the track. */
void world_speak(struct world *world, size_t end, const uint8_t *data, size_t len);

/* The operations that every script has: 0, the network is good for a while, tens of ms (1 byte); 1,
 * time jumps, ms (2). False: it is another one. */
bool world_act_in_time(struct world *world, struct fuzz_script *script, uint8_t operation);

/* Are containers and memory within their bounds? */
void world_check_limits(struct world *world);

#endif
