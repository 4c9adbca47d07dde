/* SPDX-License-Identifier: MIT */
/* Two agents, or one, on a simulated network in virtual time. */
#ifndef ICE_DUO_H
#define ICE_DUO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <pawebrtc/ice.h>

#include "kit/alloc.h"
#include "kit/clock.h"
#include "kit/log.h"
#include "kit/net.h"
#include "kit/rng.h"

#define DUO_ADDRESSES_MAX 4
#define DUO_SENT_MAX 64

/* One side: an agent and what it did. */
struct duo_side {
  struct paw_ice *ice;
  struct kit_rng rng;
  struct kit_allocator memory;
  struct paw_address addresses[DUO_ADDRESSES_MAX]; /* that it has sockets on */
  size_t address_count;
  uint64_t fed_ns; /* the last time it was told */
  uint64_t deadline_ns;
  uint64_t wake_ups; /* timeouts that were due */
  uint64_t valid_events;
  struct paw_address valid_local; /* last VALID_PAIR */
  struct paw_address valid_remote;
  uint64_t selected_events;
  uint64_t state_events;
  uint64_t transmits;
  uint64_t connected_ns; /* first time in the state; 0 = never */
  uint64_t disconnected_ns;
  uint64_t failed_ns;
  enum paw_ice_reason reason; /* of the last state */
  uint64_t selected_ns;       /* the last time */
  struct paw_address local;   /* last SELECTED_PAIR */
  struct paw_address remote;  /* ditto */
  struct paw_transmit last;   /* without its data */
  uint8_t last_data[1500];
  size_t last_len;
};

struct duo {
  struct kit_clock clock;
  uint64_t start_ns;
  struct kit_net *net;
  struct kit_log log;
  struct duo_side sides[2];
};

/* What the sides are; zero: full and controlled. */
struct duo_config {
  uint64_t seed;
  enum paw_ice_mode modes[2];
  enum paw_ice_role roles[2];
  struct kit_link_config link;
};

void duo_init(struct duo *duo, const struct duo_config *config);
void duo_wipe(struct duo *duo);

/* The address that duo_init gives a side; further ones by duo_add_address. */
struct paw_address duo_address(const char *text);
void duo_add_address(struct duo *duo, int side, const char *text);

void duo_remove_address(struct duo *duo, int side, size_t index);

/* Tell a side what time it is: before calls that have no now_ns. */
void duo_sync(struct duo *duo, int side);

/* Tell `to` the other side's credentials, and, if wanted, its candidates. */
void duo_tell_credentials(struct duo *duo, int to);
void duo_tell_candidates(struct duo *duo, int to);

/* Both of it in both directions. */
void duo_negotiate(struct duo *duo);

/* Poll a side until nothing is left; sends what it wants sent. Asserts that the deadline lies in
 * the future. */
void duo_drain(struct duo *duo, int side);

/* Let time pass. */
void duo_run_ms(struct duo *duo, uint64_t ms);

/* Let time pass until both sides are CONNECTED, or until `ms` are over; false then. */
bool duo_run_connected(struct duo *duo, uint64_t ms);

/* Milliseconds from duo_init until both sides were CONNECTED. */
uint64_t duo_connected_ms(const struct duo *duo);

/* Hand a side a datagram at once, and drain it. */
void duo_feed(struct duo *duo, int side, const struct paw_address *remote, const uint8_t *data,
              size_t len);

/* The peer's authenticated data came on this pair; drains. */
void duo_note_data(struct duo *duo, int side, const char *local, const char *remote);

struct paw_ice_stats duo_stats(const struct duo *duo, int side);
void duo_assert_selected(const struct duo *duo, int side, const char *local, const char *remote);

#endif
