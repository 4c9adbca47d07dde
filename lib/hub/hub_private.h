/* SPDX-License-Identifier: MIT */
/* The hub's inside, shared by the files of this room only. */
#ifndef PAW_HUB_PRIVATE_H
#define PAW_HUB_PRIVATE_H

#include <pawebrtc/hub.h>

#include "base/limits.h"
#include "base/time.h"
#include "rtc/rtc.h"
#include "stream/history.h"

#define PAW_HUB_NONE UINT32_MAX /* no slot, no path, no place in the heap */

/* One address pair of a peer, in a chain of its hash bucket and in a list of its peer. */
struct paw_hub_path {
  struct paw_address local;
  struct paw_address remote;
  uint32_t slot;
  uint32_t next_in_bucket;
  uint32_t next_of_peer;
};

/* A peer's place. A free slot has no rtc. */
struct paw_hub_slot {
  struct paw_rtc *rtc;
  uint32_t generation;
  uint32_t heap_position; /* PAW_HUB_NONE: has no deadline */
  uint64_t deadline_ns;
  uint32_t next_free;

  /* Lists of peers to look at: of datagrams, and of events. A slot stands once in each. */
  uint32_t next_to_send;
  uint32_t next_to_tell;
  bool is_to_send;
  bool is_to_tell;

  uint32_t first_path;
  uint32_t path_count;
  uint32_t next_of_ufrag; /* chain of the hash bucket */
  uint32_t ufrag_bucket;
  uint32_t ufrag_generation;
  uint64_t ufrag_hash; /* of the local ufrag, which changes with an ICE restart */

  struct paw_hub_track *track; /* NULL: subscribed to none */
  uint32_t track_position;

  /* Receiver reports, as far as the advice to the track's encoder needs them. */
  uint64_t reported_ns;
  uint32_t report_count; /* that were looked at */
  uint8_t loss_percent;  /* rounded up */
  bool counts_loss;      /* in the track's advisor */
};

/* An entry of the heap. The deadline stands in it, not only in the slot: sifting took 4.5 % of what
 * an idle hub of 1000 does, now below 1.2 %. */
struct paw_hub_timer {
  uint64_t deadline_ns;
  uint32_t slot;
};

/* First in, first out, linked through one member of the slots. */
struct paw_hub_list {
  uint32_t head;
  uint32_t tail;
};

/* What the encoder of a track should be set to.
 *
 *   percent: 0 ──more needed──> 10 … 100 ──less needed for ten seconds──> the most of those seconds
 */
struct paw_hub_advisor {
  uint32_t counts[101]; /* subscribers by loss_percent */
  uint8_t worst;        /* the highest of them that has any */
  uint8_t percent;      /* advised; 0: no in-band FEC */
  uint8_t peak_percent; /* the most that was needed since, while it is less */
  bool is_to_tell;
  uint64_t since_ns; /* as much as this was needed last */
  uint32_t next;     /* subscriber to be looked at */
};

struct paw_hub_track {
  struct paw_hub_advisor advisor;
  struct paw_history *history;
  uint32_t *subscribers; /* slots */
  uint32_t subscriber_count;
  uint32_t subscriber_room;
  uint32_t cursor; /* the subscriber to serve next; at subscriber_count there is nothing to do */
};

struct paw_hub {
  struct paw_allocator allocator;
  struct paw_clock clock;
  uint32_t max_peers;
  uint64_t seed;

  struct paw_hub_slot *slots;
  uint32_t slot_room;
  uint32_t slot_count; /* that were ever used */
  uint32_t free_slot;  /* head of the free list */
  uint32_t peer_count;

  struct paw_hub_timer *heap; /* the earliest deadline on top */
  uint32_t heap_count;

  uint32_t bucket_count; /* of both tables, a power of two */
  uint32_t *ufrag_buckets;
  uint32_t *path_buckets;
  struct paw_hub_path *paths;
  uint32_t path_room;
  uint32_t free_path;

  struct paw_hub_list to_send;
  struct paw_hub_list to_tell;
  uint32_t telling; /* the slot whose event was given out last, or PAW_HUB_NONE */

  struct paw_hub_track *tracks[PAW_HUB_TRACKS_MAX];
  size_t tracks_end; /* no track stands at or behind it */
  uint8_t *arena;    /* PAW_HUB_BATCH_MAX datagrams */

  struct paw_hub_stats stats;
};

/* hub.c: is it time for anybody? Look at whom it is time for; was there anybody? */
bool paw_hub_is_due(const struct paw_hub *hub);
bool paw_hub_pass_time(struct paw_hub *hub);

/* peers.c */
struct paw_hub_slot *paw_hub_find(const struct paw_hub *hub, paw_hub_peer peer);
void paw_hub_touch(struct paw_hub *hub, uint32_t slot);
uint32_t paw_hub_take_to_send(struct paw_hub *hub);
uint32_t paw_hub_take_to_tell(struct paw_hub *hub);
void paw_hub_mark_to_tell(struct paw_hub *hub, uint32_t slot);

/* index.c: who is meant? */
int paw_hub_index_grow(struct paw_hub *hub, uint32_t slot_room);
void paw_hub_index_ufrag(struct paw_hub *hub, uint32_t slot);
void paw_hub_index_path(struct paw_hub *hub, uint32_t slot, const struct paw_address *local,
                        const struct paw_address *remote);
void paw_hub_index_remove(struct paw_hub *hub, uint32_t slot);

/* Whose the datagram may be, by number: several where they share its pair of addresses, the one
 * that it is tried on first in front. */
size_t paw_hub_index_find(const struct paw_hub *hub, const struct paw_input *input,
                          uint32_t slots[PAW_HUB_TRIES_MAX]);

/* It was not this peer's: let those that share the pair of addresses come before it. */
void paw_hub_index_put_last(struct paw_hub *hub, uint32_t slot, const struct paw_address *local,
                            const struct paw_address *remote);

/* timers.c */
void paw_hub_timer_set(struct paw_hub *hub, uint32_t slot, uint64_t deadline_ns);

/* adapt.c */
void paw_hub_adapt_report(struct paw_hub *hub, uint32_t index);
void paw_hub_adapt_leave(struct paw_hub *hub, uint32_t index);
void paw_hub_adapt_pass(struct paw_hub *hub, struct paw_hub_track *track);

/* track.c */
void paw_hub_track_leave(struct paw_hub *hub, uint32_t slot);

#endif
