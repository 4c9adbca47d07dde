/* SPDX-License-Identifier: MIT */
/* The face of the room is the public header; nothing more is shared. */
#ifndef PAW_ICE_ICE_H
#define PAW_ICE_ICE_H

#include <pawebrtc/ice.h>

#endif
