/* SPDX-License-Identifier: MIT */
/* pa-send itself: everything joined, one loop. */
#ifndef PA_SEND_SERVER_H
#define PA_SEND_SERVER_H

#include "settings.h"

/* Serve until the source has ended or a signal comes. 0, or -1 with the fault when it could not
 * begin (or the loop itself failed). */
int server_run(const struct settings *settings, struct fault *fault);

#endif
