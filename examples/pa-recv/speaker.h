/* SPDX-License-Identifier: MIT */
/* The whole receiver: output, player, socket, and one session after another until it is stopped. */
#ifndef PA_RECV_SPEAKER_H
#define PA_RECV_SPEAKER_H

#include "settings.h"

/* Exit statuses of the program. */
enum speaker_exit {
  SPEAKER_EXIT_OK = 0,
  SPEAKER_EXIT_FAILED = 1,  /* while it ran: the WAV file could not be written any more, say */
  SPEAKER_EXIT_REFUSED = 2, /* before the first sound: usage, token, pin or device */
};

/* Run until SIGINT or SIGTERM, or until it makes no sense to go on: the fault says why. */
enum speaker_exit speaker_run(const struct settings *settings, uint64_t started_ns,
                              struct fault *fault);

#endif
