/* SPDX-License-Identifier: MIT */
/* What pa-send keeps between runs: tokens and TLS identity, in its state folder. */
#ifndef PA_SEND_STATE_H
#define PA_SEND_STATE_H

#include "settings.h"
#include "tls_identity.h"
#include "tokens.h"

struct state {
  char directory[512];
  char tokens_path[544];
  struct tokens tokens;
  struct tls_identity identity; /* empty with --insecure-http */
};

/* Read it, and make what is not there. */
int state_open(const struct settings *settings, const struct paw_rng *rng, struct state *out,
               struct fault *fault);

void state_wipe(struct state *state);

#endif
