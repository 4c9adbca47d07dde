/* SPDX-License-Identifier: MIT */
/* The ALSA devices there are, by the hints of libasound's configuration. */
#ifndef COMMON_ALSA_DEVICES_H
#define COMMON_ALSA_DEVICES_H

#include "fault.h"

enum alsa_direction { ALSA_PLAYBACK, ALSA_CAPTURE };

/* Keep libasound from writing to standard error by itself: what matters comes back as an errno. */
void alsa_silence(void);

/* Tell the name and description (one line) of each. */
void alsa_devices_list(enum alsa_direction direction,
                       void (*tell)(void *user_data, const char *name, const char *description),
                       void *user_data);

/* Append "; there are: NAME NAME …", as much as there is room for. */
void alsa_devices_append(enum alsa_direction direction, struct fault *fault);

#endif
