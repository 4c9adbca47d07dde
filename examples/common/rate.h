/* SPDX-License-Identifier: MIT */
/* How often something may happen, and how often an address may do it. A bucket is kept as one time,
 * when it would be full again: each use puts it off by `every_ns`, and it may lie as far ahead as
 * `at_once` uses. */
#ifndef COMMON_RATE_H
#define COMMON_RATE_H

#include <pawebrtc/base.h>

struct rate {
  unsigned at_once;  /* uses of a full bucket; at least 1 */
  uint64_t every_ns; /* from one more to the next */
};

/* How long until there is one: 0 now. */
uint64_t rate_wait_ns(const struct rate *rate, uint64_t full_ns, uint64_t now_ns);

/* Take one, if there is one. */
bool rate_spend(const struct rate *rate, uint64_t *full_ns, uint64_t now_ns);

/* One client, as far as its address tells: an IPv4 address, or the network of an IPv6 address, of
 * which whoever has one address has them all (RFC 6177: a site gets a /64 at least). In the network
 * of our own end each address is a client: there are all the speakers of a hall. */
struct rate_client {
  uint8_t family; /* enum paw_family */
  uint8_t ip[16]; /* zeros behind the network */
};

struct rate_client rate_client_of(const struct paw_address *address, const struct paw_address *own);

bool rate_client_equal(const struct rate_client *a, const struct rate_client *b);

/* More clients than a hall has, in 32 kB. When all places are taken the one that owes least is
 * forgotten: that can only let a client do more, never less. */
#define RATE_TABLE_MAX 1024

struct rate_place {
  struct rate_client client;
  unsigned kind; /* of use */
  uint64_t full_ns;
};

struct rate_table {
  struct rate_place places[RATE_TABLE_MAX];
  size_t count;
};

/* The bucket of a client for a kind of use: full when the client is new. Lasts until the next
 * call. */
uint64_t *rate_table_find(struct rate_table *table, const struct rate_client *client,
                          unsigned kind);

#endif
