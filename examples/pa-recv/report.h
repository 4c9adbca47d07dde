/* SPDX-License-Identifier: MIT */
/* How it goes: a JSON object a second, a line every so often, and the first sound. */
#ifndef PA_RECV_REPORT_H
#define PA_RECV_REPORT_H

#include "output.h"
#include "session.h"

struct report_config {
  const struct settings *settings;
  struct paw_log log;
  struct loop *loop;
  struct player *player;
  struct output *output;
  const struct session *session;
  uint64_t started_ns;
};

struct report;

/* Begins to report; NULL: no memory. */
struct report *report_new(const struct report_config *config);

/* Writes the last JSON object. */
void report_free(struct report *report);

#endif
