/* SPDX-License-Identifier: MIT */
/* A hub, a track, some listeners with players, and one member that floods: what the listeners get
 * is compared, datagram by datagram, with what they get when nobody floods. */
#ifndef SCENARIO_FLOOD_H
#define SCENARIO_FLOOD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pawebrtc/playout.h>

#include "kit/crowd.h"

#define FLOOD_LISTENERS 3
#define FLOOD_MS 3000

struct flood;

struct flood_listener {
  struct flood *flood;
  struct kit_member *member;
  struct paw_playout *playout;
  uint64_t packets;
  uint64_t lost; /* gaps in the sequence */
  uint16_t sequence;
};

struct flood {
  struct kit_crowd *crowd;
  struct kit_member *flooder;
  struct paw_rtc *hub_rtc; /* the hub's side of the flooder; only to read what it is */
  struct paw_address address;
  struct flood_listener listeners[FLOOD_LISTENERS];
  uint64_t datagrams; /* that flooded */
  uint64_t datagram_bytes;
  uint64_t digest; /* of the media to the listeners: what, to whom, when, in which order */
  uint64_t media;
  uint64_t answers; /* datagrams to the flooder */
  uint64_t answer_bytes;
  int64_t growth_bytes;       /* of all memory, after the first second */
  struct paw_rtc_stats stats; /* of the hub's side of the flooder, at the end */
};

/* Called each millisecond, after `ms` of the flood. */
typedef void flood_burst(struct flood *flood, unsigned ms);

struct flood_case {
  const char *name;
  flood_burst *burst;   /* NULL: nobody floods */
  bool both_ways;       /* the hub would take audio too */
  int64_t growth_max;   /* bytes */
  uint64_t answers_max; /* datagrams to the flooder in all of the flood */
};

/* Run it, assert that no listener notices, and print what the flood came to. */
struct flood flood_run(const struct flood_case *flood_case);

/* From the flooder's address to the hub. */
void flood_send(struct flood *flood, const uint8_t *data, size_t len);

/* A check of the flooder as a good one would be, with this password and for this ufrag. */
void flood_send_check(struct flood *flood, const char *ufrag, const char *pwd, bool integrity);

/* Authenticated by the flooder's true keys. */
void flood_send_rtcp(struct flood *flood, const uint8_t *plain, size_t len);
void flood_send_rtp(struct flood *flood, uint32_t ssrc, uint16_t sequence);

#endif
