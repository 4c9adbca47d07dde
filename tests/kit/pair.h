/* SPDX-License-Identifier: MIT */
/* Two connections over the simulated network, in virtual time. peers[0] offers, peers[1] answers.
 */
#ifndef KIT_PAIR_H
#define KIT_PAIR_H

#include "kit/clock.h"
#include "kit/peer.h"

/* Changes an SDP text on its way; `size` is the room. */
typedef void kit_sdp_alter(char *sdp, size_t size);

struct kit_pair_config {
  uint64_t seed;
  uint64_t origin_ns;          /* of the clock */
  struct kit_link_config link; /* both directions */
  struct paw_rtc_config rtc[2];
  const char *const *addresses[2]; /* ends with NULL */
  kit_sdp_alter *alter_offer;      /* may be NULL */
  kit_sdp_alter *alter_answer;
};

/* Full agents with one address each, send and receive, a link of 2 ms without faults. */
void kit_pair_config_init(struct kit_pair_config *config, uint64_t seed);

struct kit_pair {
  struct kit_pair_config config;
  struct kit_clock clock;
  uint64_t begin_ns;
  struct kit_net *net;
  struct kit_peer peers[2];
  uint64_t unclaimed; /* datagrams that reached nobody */
  uint64_t foreign;   /* audio that the other side has not sent so */
  char offer[KIT_SDP_MAX];
  char answer[KIT_SDP_MAX];
};

/* Everything that goes wrong here fails the test. */
struct kit_pair *kit_pair_new(const struct kit_pair_config *config);
void kit_pair_free(struct kit_pair *pair);

/* Offer and answer at once. */
void kit_pair_negotiate(struct kit_pair *pair);

/* The peer `who` offers again; each of the two texts takes `delay_ms` to get there. */
void kit_pair_renegotiate(struct kit_pair *pair, size_t who, uint64_t delay_ms);

/* Move time on by `ms`, doing on the way what is due. */
void kit_pair_run_ms(struct kit_pair *pair, uint64_t ms);

/* Move time on until `until` holds; false when it does not within `budget_ms`. */
typedef bool kit_pair_condition(const struct kit_pair *pair);
bool kit_pair_run_until(struct kit_pair *pair, kit_pair_condition *until, uint64_t budget_ms);

/* Conditions. */
bool kit_pair_both_connected(const struct kit_pair *pair);
bool kit_pair_both_closed(const struct kit_pair *pair);
bool kit_pair_both_hear(const struct kit_pair *pair); /* either has got audio */

/* New, negotiated, connected within `budget_ms`, or the test fails. */
struct kit_pair *kit_pair_connect(const struct kit_pair_config *config, uint64_t budget_ms);

/* Say farewell and do what follows from it at once. */
void kit_pair_close(struct kit_pair *pair, size_t index);

/* Milliseconds since the pair was made. */
uint64_t kit_pair_elapsed_ms(const struct kit_pair *pair);

/* A peer's statistics. */
struct paw_rtc_stats kit_pair_get_stats(const struct kit_pair *pair, size_t index);

/* Replace the first `old` in a text by `new_text`; fails the test when it is not there. */
void kit_sdp_replace(char *sdp, size_t size, const char *old, const char *new_text);

/* kit_sdp_alter that sets other digits in every fingerprint. */
void kit_sdp_break_fingerprints(char *sdp, size_t size);

#endif
