/* SPDX-License-Identifier: MIT */
/* STUN messages made by hand, as a peer, a stranger or an attacker would send them. */
#ifndef ICE_CRAFT_H
#define ICE_CRAFT_H

#include "duo.h"
#include "stun/stun.h"

struct craft {
  uint8_t data[700];
  size_t len;
};

/* What a check of the peer with these credentials would carry: priority, CONTROLLING 1, integrity
 * and fingerprint. `to` is the agent asked. Change `message` and seal it again as the test needs.
 */
struct paw_stun_message craft_request(struct paw_slice username);

/* "their:ours" in static memory. */
struct paw_slice craft_username(const struct paw_ice *to, const char *from_ufrag);

/* Write with this password. */
struct craft craft_seal(const struct paw_stun_message *message, const char *pwd);

/* The same with another attribute before the integrity. */
struct craft craft_seal_with(const struct paw_stun_message *message, const uint8_t *attribute,
                             size_t attribute_len, const char *pwd);

/* A whole good check of a controlling peer, with USE-CANDIDATE or without. */
struct craft craft_check(const struct paw_ice *to, bool nominates);

/* The success answer to a request that was sent, as its receiver would write it. */
struct craft craft_success(const struct paw_transmit *request, const uint8_t *data, size_t len,
                           const char *pwd);
struct craft craft_error(const uint8_t *data, size_t len, uint16_t code, const char *pwd);

/* Read what a side sent last. */
struct paw_stun_message craft_read_last(const struct duo_side *side);

#endif
