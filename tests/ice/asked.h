/* SPDX-License-Identifier: MIT */
/* One agent that knows of nobody, and somebody who asks it by hand. */
#ifndef ICE_ASKED_H
#define ICE_ASKED_H

#include "craft.h"

static struct duo duo;
static struct duo_side *const side = &duo.sides[0];
static struct paw_address peer;

static int set_up(void **state) {
  (void)state;
  struct duo_config config = {.seed = 3};
  duo_init(&duo, &config);
  duo_drain(&duo, 0);
  peer = duo_address("198.51.100.7:5000");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  duo_wipe(&duo);
  return 0;
}

static const char *pwd(void) {
  return paw_ice_get_credentials(side->ice)->pwd;
}

/* Feed it as of the peer; how many datagrams came back. */
static uint64_t feed(const struct craft *craft) {
  uint64_t before = side->transmits;
  duo_feed(&duo, 0, &peer, craft->data, craft->len);
  return side->transmits - before;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
