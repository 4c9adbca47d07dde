/* SPDX-License-Identifier: MIT */
#include "rate.h"

#include <string.h>

#define NETWORK_BYTES 8 /* of an IPv6 address */

uint64_t rate_wait_ns(const struct rate *rate, uint64_t full_ns, uint64_t now_ns) {
  uint64_t ahead_ns = full_ns > now_ns ? full_ns - now_ns : 0;
  uint64_t limit_ns = (uint64_t)(rate->at_once - 1) * rate->every_ns;
  return ahead_ns > limit_ns ? ahead_ns - limit_ns : 0;
}

bool rate_spend(const struct rate *rate, uint64_t *full_ns, uint64_t now_ns) {
  if (rate_wait_ns(rate, *full_ns, now_ns) > 0) {
    return false;
  }
  *full_ns = (*full_ns > now_ns ? *full_ns : now_ns) + rate->every_ns;
  return true;
}

struct rate_client rate_client_of(const struct paw_address *address,
                                  const struct paw_address *own) {
  struct rate_client client = {.family = address->family};
  if (address->family == PAW_FAMILY_IPV4) {
    memcpy(client.ip, address->ip, 4);
  } else if (address->family == PAW_FAMILY_IPV6) {
    bool near = own->family == PAW_FAMILY_IPV6 && memcmp(address->ip, own->ip, NETWORK_BYTES) == 0;
    memcpy(client.ip, address->ip, near ? sizeof client.ip : NETWORK_BYTES);
  }
  return client;
}

bool rate_client_equal(const struct rate_client *a, const struct rate_client *b) {
  return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

uint64_t *rate_table_find(struct rate_table *table, const struct rate_client *client,
                          unsigned kind) {
  struct rate_place *least = &table->places[0];
  for (size_t i = 0; i < table->count; i++) {
    struct rate_place *place = &table->places[i];
    if (place->kind == kind && rate_client_equal(&place->client, client)) {
      return &place->full_ns;
    }
    least = place->full_ns < least->full_ns ? place : least;
  }
  if (table->count < RATE_TABLE_MAX) {
    least = &table->places[table->count++];
  }
  *least = (struct rate_place){.client = *client, .kind = kind};
  return &least->full_ns;
}
