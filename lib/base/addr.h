/* SPDX-License-Identifier: MIT */
/* Addresses beyond what the public header offers. */
#ifndef PAW_BASE_ADDR_H
#define PAW_BASE_ADDR_H

#include <pawebrtc/base.h>

#include <string.h>

/* Read an IP address without a port from `len` characters. PAW_OK or PAW_ERR_MALFORMED. */
int paw_address_parse_ip(const char *text, size_t len, struct paw_address *out);

/* Write the IP address without port, brackets and scope, as SDP has it; PAW_ADDRESS_TEXT_SIZE. */
void paw_address_format_ip(const struct paw_address *address, char *out);

/* Same IP, whatever the ports. */
static inline bool paw_address_equal_ip(const struct paw_address *a, const struct paw_address *b) {
  return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* paw_address_equal, within the loop over what every packet is compared with. */
static inline bool paw_address_is(const struct paw_address *a, const struct paw_address *b) {
  return a->port == b->port && paw_address_equal_ip(a, b);
}

/* 0.0.0.0 or ::, or no address at all. */
bool paw_address_is_any(const struct paw_address *address);

/* fe80::/10 or 169.254.0.0/16. */
bool paw_address_is_link_local(const struct paw_address *address);

/* Spreads addresses over hash tables; `seed` keeps strangers from choosing collisions. */
uint64_t paw_address_hash(const struct paw_address *address, uint64_t seed);

#endif
