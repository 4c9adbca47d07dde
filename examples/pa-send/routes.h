/* SPDX-License-Identifier: MIT */
/* All that pa-send answers by HTTP. */
#ifndef PA_SEND_ROUTES_H
#define PA_SEND_ROUTES_H

#include "router.h"
#include "whep_server.h"

/* What the handlers stand on: the user data of the router. */
struct routes_context {
  struct whep_server *whep;
  struct whep_server *whip;
};

extern const struct route routes[];
extern const size_t route_count;

#endif
