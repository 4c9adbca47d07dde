/* SPDX-License-Identifier: MIT */
/* Two endpoints over the simulated network. */
#ifndef DTLS_PAIR_H
#define DTLS_PAIR_H

#include "kit/clock.h"
#include "kit/net.h"
#include "kit/rng.h"

#include <pawebrtc/dtls.h>

enum { PAIR_CLIENT, PAIR_SERVER };

struct pair_end {
  struct paw_dtls *dtls;
  struct paw_certificate *certificate;
  struct paw_address address;
  struct kit_rng rng;
  struct paw_fingerprint expected; /* of the other */
  unsigned connected;              /* events seen */
  unsigned closed;
  enum paw_dtls_reason reason;
  uint64_t connected_ns;
  unsigned sent;
  uint64_t wakeups;
};

struct pair {
  struct kit_net *net;
  struct kit_clock clock;
  struct pair_end ends[2];
};

/* The certificates are made once a program. `link` may be NULL. */
void pair_init(struct pair *pair, uint64_t seed, const struct kit_link_config *link);
void pair_wipe(struct pair *pair);

/* Give both their fingerprints and start them. */
void pair_start(struct pair *pair);
void pair_set_fingerprint(struct pair *pair, unsigned end, const struct paw_fingerprint *value);

/* Send what an end has to send, collect its events; its next deadline is returned. */
uint64_t pair_drain(struct pair *pair, unsigned end);

/* Let `ms` pass. */
void pair_run(struct pair *pair, uint64_t ms);

/* Hand a datagram to an end, as if it came from the network. */
void pair_inject(struct pair *pair, unsigned end, const uint8_t *data, size_t len);

struct paw_dtls_stats pair_get_stats(const struct pair *pair, unsigned end);

/* Made, started and connected over a link of 1 ms. */
void pair_connect(struct pair *pair, uint64_t seed);

/* Both connected, with each other's keys. */
void pair_expect_connected(const struct pair *pair);
void pair_expect_no_keys(const struct pair *pair, unsigned end);

#endif
