/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "ice/ice_private.h"

/* RFC 8445 section 5.1.2.2. */
enum type_preference {
  PREFERENCE_RELAYED = 0,
  PREFERENCE_SERVER_REFLEXIVE = 100,
  PREFERENCE_PEER_REFLEXIVE = 110,
  PREFERENCE_HOST = 126,
};

#define COMPONENT_PART 255 /* 256 less component id 1 */
/* Addresses that reach least come after all others. */
#define NARROW_PENALTY 1000

/* From one on: most connections have one address at either end, and one pair. */
int paw_ice_table_reserve(const struct paw_ice *ice, struct ice_table *table, size_t item_size,
                          size_t count) {
  if (count <= table->capacity) {
    return PAW_OK;
  }
  size_t capacity = table->capacity == 0 ? 1 : (size_t)table->capacity * 2;
  while (capacity < count) {
    capacity *= 2;
  }
  void *items = paw_mem_alloc(&ice->config.allocator, capacity * item_size);
  if (items == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  if (table->count > 0) {
    memcpy(items, table->items, table->count * item_size);
  }
  paw_mem_free(&ice->config.allocator, table->items);
  table->items = items;
  table->capacity = (uint16_t)capacity;
  return PAW_OK;
}

void *paw_ice_table_append(const struct paw_ice *ice, struct ice_table *table, size_t item_size,
                           size_t max) {
  if (table->count >= max ||
      paw_ice_table_reserve(ice, table, item_size, (size_t)table->count + 1) != PAW_OK) {
    return NULL;
  }
  uint8_t *item = (uint8_t *)table->items + table->count * item_size;
  memset(item, 0, item_size);
  table->count++;
  return item;
}

struct paw_candidate *paw_ice_local(const struct paw_ice *ice, int index) {
  return (struct paw_candidate *)ice->locals.items + index;
}

struct ice_remote *paw_ice_remote(const struct paw_ice *ice, int index) {
  return (struct ice_remote *)ice->remotes.items + index;
}

/* ---- local ---- */

int paw_ice_local_find(const struct paw_ice *ice, const struct paw_address *base) {
  for (int i = 0; i < ice->locals.count; i++) {
    if (paw_address_equal(&paw_ice_local(ice, i)->base, base)) {
      return i;
    }
  }
  return -1;
}

static int find_address(const struct paw_ice *ice, const struct paw_address *address) {
  for (int i = 0; i < ice->locals.count; i++) {
    if (paw_address_equal(&paw_ice_local(ice, i)->address, address)) {
      return i;
    }
  }
  return -1;
}

static uint32_t type_preference(enum paw_candidate_type type) {
  switch (type) {
  case PAW_CANDIDATE_HOST:
    return PREFERENCE_HOST;
  case PAW_CANDIDATE_SERVER_REFLEXIVE:
    return PREFERENCE_SERVER_REFLEXIVE;
  case PAW_CANDIDATE_PEER_REFLEXIVE:
    return PREFERENCE_PEER_REFLEXIVE;
  case PAW_CANDIDATE_RELAYED:
    return PREFERENCE_RELAYED;
  }
  return PREFERENCE_RELAYED;
}

static bool priority_is_taken(const struct paw_ice *ice, uint32_t priority) {
  for (int i = 0; i < ice->locals.count; i++) {
    if (paw_ice_local(ice, i)->priority == priority) {
      return true;
    }
  }
  return false;
}

/* RFC 8445 section 5.1.2.1: no two alike. RFC 8421 section 4: IPv6 and IPv4 take turns. */
static uint32_t make_priority(const struct paw_ice *ice, const struct paw_candidate *candidate) {
  uint32_t preference = candidate->address.family == PAW_FAMILY_IPV6 ? 65535 : 65534;
  if (paw_address_is_link_local(&candidate->address) ||
      paw_address_is_loopback(&candidate->address)) {
    preference -= NARROW_PENALTY;
  }
  uint32_t priority = 0;
  do {
    priority = (type_preference(candidate->type) << 24) | (preference << 8) | COMPONENT_PART;
    preference -= 2;
  } while (priority_is_taken(ice, priority));
  return priority;
}

uint32_t paw_ice_reflexive_priority(uint32_t priority) {
  return ((uint32_t)PREFERENCE_PEER_REFLEXIVE << 24) | (priority & 0xffffff);
}

static bool foundation_is_taken(const struct paw_ice *ice, const char *foundation) {
  for (int i = 0; i < ice->locals.count; i++) {
    if (strcmp(paw_ice_local(ice, i)->foundation, foundation) == 0) {
      return true;
    }
  }
  return false;
}

/* RFC 8445 section 5.1.1.3: the same for candidates of one type and one base address. */
static void make_foundation(const struct paw_ice *ice, struct paw_candidate *candidate) {
  for (int i = 0; i < ice->locals.count; i++) {
    const struct paw_candidate *other = paw_ice_local(ice, i);
    if (other->type == candidate->type && paw_address_equal_ip(&other->base, &candidate->base)) {
      memcpy(candidate->foundation, other->foundation, sizeof candidate->foundation);
      return;
    }
  }
  candidate->foundation[0] = 'a';
  candidate->foundation[1] = '\0';
  while (foundation_is_taken(ice, candidate->foundation)) {
    candidate->foundation[0]++; /* not past z: there are 20 candidates at most */
  }
}

int paw_ice_local_add(struct paw_ice *ice, const struct paw_candidate *given) {
  if (find_address(ice, &given->address) >= 0) {
    return PAW_OK;
  }
  struct paw_candidate candidate = *given;
  if (candidate.base.family == PAW_FAMILY_NONE) {
    candidate.base = candidate.address;
  }
  candidate.foundation[PAW_FOUNDATION_MAX] = '\0';
  if (candidate.priority == 0) {
    candidate.priority = make_priority(ice, &candidate);
  }
  if (candidate.foundation[0] == '\0') {
    make_foundation(ice, &candidate);
  }
  if (ice->locals.count >= PAW_DESCRIPTION_CANDIDATES_MAX) {
    return PAW_ERR_LIMIT;
  }
  struct paw_candidate *slot =
      paw_ice_table_append(ice, &ice->locals, sizeof *slot, PAW_DESCRIPTION_CANDIDATES_MAX);
  if (slot == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  *slot = candidate;
  return PAW_OK;
}

bool paw_ice_address_is_usable(const struct paw_address *address) {
  return (address->family == PAW_FAMILY_IPV4 || address->family == PAW_FAMILY_IPV6) &&
         address->port != 0 && !paw_address_is_any(address);
}

static int count_learnt(const struct paw_ice *ice) {
  int count = 0;
  for (int i = 0; i < ice->locals.count; i++) {
    count += paw_ice_local(ice, i)->type == PAW_CANDIDATE_PEER_REFLEXIVE;
  }
  return count;
}

void paw_ice_local_learn(struct paw_ice *ice, int base, const struct paw_address *mapped) {
  if (find_address(ice, mapped) >= 0) {
    return;
  }
  struct paw_candidate learnt = {
      .type = PAW_CANDIDATE_PEER_REFLEXIVE,
      .address = *mapped,
      .base = paw_ice_local(ice, base)->base,
      .priority = paw_ice_reflexive_priority(paw_ice_local(ice, base)->priority)};
  if (!paw_ice_address_is_usable(mapped) || count_learnt(ice) >= PAW_ICE_LEARNT_MAX ||
      paw_ice_local_add(ice, &learnt) != PAW_OK) {
    ice->stats.dropped_limit++;
  }
}

/* The last one takes the place of the one that goes. */
static void remove_local_at(struct paw_ice *ice, int index) {
  for (int i = ice->pairs.count - 1; i >= 0; i--) {
    if (paw_ice_pair(ice, i)->local == index) {
      paw_ice_pair_remove(ice, i);
    }
  }
  int last = ice->locals.count - 1;
  *paw_ice_local(ice, index) = *paw_ice_local(ice, last);
  for (int i = 0; i < ice->pairs.count; i++) {
    if (paw_ice_pair(ice, i)->local == last) {
      paw_ice_pair(ice, i)->local = (uint8_t)index;
    }
  }
  ice->locals.count--;
}

void paw_ice_local_remove(struct paw_ice *ice, const struct paw_address *address) {
  for (int i = ice->locals.count - 1; i >= 0; i--) {
    const struct paw_candidate *candidate = paw_ice_local(ice, i);
    if (paw_address_equal(&candidate->address, address) ||
        paw_address_equal(&candidate->base, address)) {
      remove_local_at(ice, i);
    }
  }
}

/* ---- remote ---- */

int paw_ice_remote_find(const struct paw_ice *ice, const struct paw_address *address) {
  for (int i = 0; i < ice->remotes.count; i++) {
    if (paw_address_equal(&paw_ice_remote(ice, i)->address, address)) {
      return i;
    }
  }
  return -1;
}

static bool is_silent(const struct paw_ice *ice, int remote) {
  for (int i = 0; i < ice->pairs.count; i++) {
    const struct ice_pair *pair = paw_ice_pair(ice, i);
    bool heard = pair->heard_ns != 0 && paw_time_elapsed(paw_ice_now(ice), pair->heard_ns) <
                                            ice->config.consent_timeout_ns;
    if (pair->remote == remote && (heard || i == ice->selected)) {
      return false;
    }
  }
  return true;
}

static void remove_remote_at(struct paw_ice *ice, int index) {
  for (int i = ice->pairs.count - 1; i >= 0; i--) {
    if (paw_ice_pair(ice, i)->remote == index) {
      paw_ice_pair_remove(ice, i);
    }
  }
  int last = ice->remotes.count - 1;
  *paw_ice_remote(ice, index) = *paw_ice_remote(ice, last);
  for (int i = 0; i < ice->pairs.count; i++) {
    if (paw_ice_pair(ice, i)->remote == last) {
      paw_ice_pair(ice, i)->remote = (uint8_t)index;
    }
  }
  ice->remotes.count--;
}

/* A peer behind a NAT that rebinds for days shows ever new addresses; old ones make room. */
static void forget_silent_remote(struct paw_ice *ice) {
  for (int i = 0; i < ice->remotes.count; i++) {
    if (paw_ice_remote(ice, i)->type == PAW_CANDIDATE_PEER_REFLEXIVE && is_silent(ice, i)) {
      remove_remote_at(ice, i);
      return;
    }
  }
}

/* What is signalled leaves room for what is learnt from checks. */
static bool may_signal(const struct paw_ice *ice) {
  int count = 0;
  for (int i = 0; i < ice->remotes.count; i++) {
    count += paw_ice_remote(ice, i)->type != PAW_CANDIDATE_PEER_REFLEXIVE;
  }
  return count < PAW_DESCRIPTION_CANDIDATES_MAX;
}

int paw_ice_remote_add(struct paw_ice *ice, const struct paw_address *address,
                       enum paw_candidate_type type, uint32_t priority) {
  int index = paw_ice_remote_find(ice, address);
  bool takes = type == PAW_CANDIDATE_PEER_REFLEXIVE || may_signal(ice);
  if (index >= 0) {
    struct ice_remote *known = paw_ice_remote(ice, index);
    if (known->type == PAW_CANDIDATE_PEER_REFLEXIVE && type != known->type && takes) {
      known->type = type;
      known->priority = priority;
    }
    return index;
  }
  if (!takes) {
    return -1;
  }
  if (ice->remotes.count >= PAW_ICE_REMOTES_MAX) {
    forget_silent_remote(ice);
  }
  struct ice_remote *remote =
      paw_ice_table_append(ice, &ice->remotes, sizeof *remote, PAW_ICE_REMOTES_MAX);
  if (remote == NULL) {
    return -1;
  }
  remote->address = *address;
  remote->type = type;
  remote->priority = priority;
  return ice->remotes.count - 1;
}
