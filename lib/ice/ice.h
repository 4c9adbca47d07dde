/* SPDX-License-Identifier: MIT */
/* What a connection needs of an agent beyond its public face. */
#ifndef PAW_ICE_ICE_H
#define PAW_ICE_ICE_H

#include <pawebrtc/ice.h>

/* Would paw_ice_set_remote take them? To be asked before a restart, which cannot be taken back. */
bool paw_ice_credentials_are_good(const struct paw_ice_credentials *credentials);

/* Data that proves nothing came on this pair, and cannot be answered before this side's own check
 * succeeds: the check is sent again at once. */
void paw_ice_note_waiting(struct paw_ice *ice, uint64_t now_ns, const struct paw_address *local,
                          const struct paw_address *remote);

#endif
