/* SPDX-License-Identifier: MIT */
/* What a connection needs of an agent beyond its public face. */
#ifndef PAW_ICE_ICE_H
#define PAW_ICE_ICE_H

#include <pawebrtc/ice.h>

/* Would paw_ice_set_remote take them? To be asked before a restart, which cannot be taken back. */
bool paw_ice_credentials_are_good(const struct paw_ice_credentials *credentials);

#endif
