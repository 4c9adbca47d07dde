/* SPDX-License-Identifier: MIT */
/** @file pawebrtc.h  Everything. */
#ifndef PAWEBRTC_PAWEBRTC_H
#define PAWEBRTC_PAWEBRTC_H

#include <pawebrtc/encoder.h>
#include <pawebrtc/hub.h>
#include <pawebrtc/playout.h>
#include <pawebrtc/rtc.h>

#endif
