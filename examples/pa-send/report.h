/* SPDX-License-Identifier: MIT */
/* What pa-send says of itself: the greeting with the pairing line, and statistics. */
#ifndef PA_SEND_REPORT_H
#define PA_SEND_REPORT_H

#include "peers.h"
#include "programme.h"
#include "state.h"

struct greeting {
  const struct settings *settings;
  const struct state *state;
  const struct peers *peers;
  uint16_t http_port;
};

/* On stderr: where it serves, how to pair a speaker, and the tokens (only to a terminal). */
void report_greet(const struct greeting *greeting);

struct report {
  double t_s;
  const char *state;
  struct peers_stats peers;
  size_t talkers;
  const struct programme *programme;
};

/* One line on stderr, or with `json` one object on stdout. */
void report_write(const struct report *report, bool json);

#endif
