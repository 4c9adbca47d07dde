/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "base/addr.h"
#include "ice/ice_private.h"

int paw_ice_pair_index(const struct paw_ice *ice, const struct ice_pair *pair) {
  return (int)(pair - (const struct ice_pair *)ice->pairs.items);
}

const struct paw_address *paw_ice_pair_local(const struct paw_ice *ice,
                                             const struct ice_pair *pair) {
  return &paw_ice_local(ice, pair->local)->base;
}

const struct paw_address *paw_ice_pair_remote(const struct paw_ice *ice,
                                              const struct ice_pair *pair) {
  return &paw_ice_remote(ice, pair->remote)->address;
}

struct ice_pair *paw_ice_pair_find(const struct paw_ice *ice, const struct paw_address *local,
                                   const struct paw_address *remote) {
  for (int i = 0; i < ice->pairs.count; i++) {
    struct ice_pair *pair = paw_ice_pair(ice, i);
    if (paw_address_equal(paw_ice_pair_remote(ice, pair), remote) &&
        paw_address_equal(paw_ice_pair_local(ice, pair), local)) {
      return pair;
    }
  }
  return NULL;
}

/* RFC 8445 section 6.1.2.3. */
uint64_t paw_ice_pair_priority(const struct paw_ice *ice, const struct ice_pair *pair) {
  uint64_t local = paw_ice_local(ice, pair->local)->priority;
  uint64_t remote = paw_ice_remote(ice, pair->remote)->priority;
  bool controlling = ice->role == PAW_ICE_CONTROLLING;
  uint64_t g = controlling ? local : remote;
  uint64_t d = controlling ? remote : local;
  uint64_t low = g < d ? g : d;
  uint64_t high = g < d ? d : g;
  return (low << 32) + 2 * high + (g > d ? 1 : 0);
}

/* ---- state ---- */

static bool may_move(enum ice_pair_state from, enum ice_pair_state to) {
  static const uint8_t moves[] = {
      [ICE_PAIR_WAITING] = 1 << ICE_PAIR_IN_PROGRESS | 1 << ICE_PAIR_VALID | 1 << ICE_PAIR_FAILED,
      [ICE_PAIR_IN_PROGRESS] = 1 << ICE_PAIR_WAITING | 1 << ICE_PAIR_VALID | 1 << ICE_PAIR_FAILED,
      [ICE_PAIR_VALID] = 1 << ICE_PAIR_FAILED,
      [ICE_PAIR_FAILED] = 1 << ICE_PAIR_WAITING | 1 << ICE_PAIR_VALID,
  };
  return (moves[from] & (1 << to)) != 0;
}

static void log_state(const struct paw_ice *ice, const struct ice_pair *pair) {
  static const char *const texts[] = {"waiting", "in progress", "valid", "failed"};
  char local[PAW_ADDRESS_TEXT_SIZE];
  char remote[PAW_ADDRESS_TEXT_SIZE];
  if (ice->config.log.write == NULL) {
    return;
  }
  paw_address_format(paw_ice_pair_local(ice, pair), local);
  paw_address_format(paw_ice_pair_remote(ice, pair), remote);
  paw_log_write(&ice->config.log, PAW_LOG_DEBUG, ICE_LOG_ROOM, "pair %s - %s: %s", local, remote,
                texts[pair->state]);
}

void paw_ice_pair_set_state(struct paw_ice *ice, struct ice_pair *pair, enum ice_pair_state state) {
  if (pair->state == (uint8_t)state) {
    return;
  }
  assert(may_move((enum ice_pair_state)pair->state, state));
  pair->state = (uint8_t)state;
  if (state == ICE_PAIR_VALID) {
    ice->first_valid_ns = ice->first_valid_ns == 0 ? paw_ice_now(ice) : ice->first_valid_ns;
    pair->valid_ns = paw_ice_now(ice);
    pair->flags |= ICE_PAIR_TELL_VALID;
  }
  if (state == ICE_PAIR_WAITING) {
    paw_ice_transaction_end(&pair->check);
    pair->next_ns = paw_ice_now(ice);
  }
  if (state == ICE_PAIR_VALID || state == ICE_PAIR_FAILED) {
    paw_ice_transaction_end(&pair->check);
    pair->flags &= (uint8_t) ~(ICE_PAIR_TRIGGERED | ICE_PAIR_NOMINATE);
  }
  if (state == ICE_PAIR_FAILED) {
    pair->flags = 0;
  }
  log_state(ice, pair);
}

/* ---- the table ---- */

void paw_ice_pair_remove(struct paw_ice *ice, int index) {
  int last = ice->pairs.count - 1;
  *paw_ice_pair(ice, index) = *paw_ice_pair(ice, last);
  if (ice->selected == index) {
    ice->selected = ICE_PAIR_NONE;
  } else if (ice->selected == last) {
    ice->selected = index;
  }
  ice->pairs.count--;
}

/* RFC 8445 section 6.1.2.2: same family, and IPv6 link-local with its like only. */
static bool can_pair(const struct paw_address *local, const struct paw_address *remote) {
  if (local->family != remote->family) {
    return false;
  }
  return local->family == PAW_FAMILY_IPV4 ||
         paw_address_is_link_local(local) == paw_address_is_link_local(remote);
}

/* RFC 8445 section 6.1.2.5: beyond the bound the pairs of least priority go. One that the peer was
 * heard on takes the place of any that it was not: that is where it is. */
static bool make_room(struct paw_ice *ice, const struct ice_pair *newcomer) {
  int worst = ICE_PAIR_NONE;
  bool proven = newcomer->heard_ns != 0;
  uint64_t worst_priority = proven ? UINT64_MAX : paw_ice_pair_priority(ice, newcomer);
  for (int i = 0; i < ice->pairs.count; i++) {
    const struct ice_pair *pair = paw_ice_pair(ice, i);
    uint64_t priority = paw_ice_pair_priority(ice, pair);
    bool idle = pair->state == ICE_PAIR_WAITING || pair->state == ICE_PAIR_FAILED;
    bool may_go = proven ? pair->heard_ns == 0 : idle;
    if (may_go && priority < worst_priority) {
      worst = i;
      worst_priority = priority;
    }
  }
  if (worst != ICE_PAIR_NONE) {
    paw_ice_pair_remove(ice, worst);
  }
  return worst != ICE_PAIR_NONE;
}

struct ice_pair *paw_ice_pair_add(struct paw_ice *ice, int local, int remote, uint64_t heard_ns) {
  const struct paw_candidate *candidate = paw_ice_local(ice, local);
  const struct paw_address *address = &paw_ice_remote(ice, remote)->address;
  struct ice_pair *known = paw_ice_pair_find(ice, &candidate->base, address);
  if (known != NULL) {
    /* RFC 8445 section 6.1.2.4: one pair a base; the candidate of higher priority stands for it. */
    if (candidate->priority > paw_ice_local(ice, known->local)->priority) {
      known->local = (uint8_t)local;
    }
    return known;
  }
  if (!can_pair(&candidate->base, address)) {
    return NULL;
  }
  struct ice_pair pair = {.local = (uint8_t)local, .remote = (uint8_t)remote, .heard_ns = heard_ns};
  if (ice->pairs.count >= PAW_ICE_PAIRS_MAX && !make_room(ice, &pair)) {
    return NULL;
  }
  struct ice_pair *slot = paw_ice_table_append(ice, &ice->pairs, sizeof *slot, PAW_ICE_PAIRS_MAX);
  if (slot != NULL) {
    *slot = pair;
    slot->next_ns = paw_ice_now(ice);
  }
  return slot;
}

int paw_ice_pairs_reserve(struct paw_ice *ice, size_t more) {
  size_t count = ice->pairs.count + more;
  return paw_ice_table_reserve(ice, &ice->pairs, sizeof(struct ice_pair),
                               count < PAW_ICE_PAIRS_MAX ? count : PAW_ICE_PAIRS_MAX);
}

void paw_ice_pairs_of_local(struct paw_ice *ice, int local) {
  for (int i = 0; i < ice->remotes.count; i++) {
    (void)paw_ice_pair_add(ice, local, i, 0);
  }
}

void paw_ice_pairs_of_remote(struct paw_ice *ice, int remote) {
  for (int i = 0; i < ice->locals.count; i++) {
    (void)paw_ice_pair_add(ice, i, remote, 0);
  }
}

/* ---- choosing ---- */

/* A lite agent cannot ask: to it whatever is authentic is consent. */
bool paw_ice_pair_may_send(const struct paw_ice *ice, const struct ice_pair *pair) {
  uint64_t since_ns = paw_ice_is_lite(ice) ? pair->heard_ns : pair->agreed_ns;
  return pair->state == ICE_PAIR_VALID &&
         paw_time_elapsed(paw_ice_now(ice), since_ns) < ice->config.consent_timeout_ns;
}

struct ice_pair *paw_ice_pair_best_valid(const struct paw_ice *ice, bool nominated) {
  struct ice_pair *best = NULL;
  for (int i = 0; i < ice->pairs.count; i++) {
    struct ice_pair *pair = paw_ice_pair(ice, i);
    bool fits =
        paw_ice_pair_may_send(ice, pair) && (!nominated || (pair->flags & ICE_PAIR_NOMINATED) != 0);
    if (fits &&
        (best == NULL || paw_ice_pair_priority(ice, pair) > paw_ice_pair_priority(ice, best))) {
      best = pair;
    }
  }
  return best;
}

void paw_ice_pairs_revive(struct paw_ice *ice) {
  for (int i = 0; i < ice->pairs.count; i++) {
    struct ice_pair *pair = paw_ice_pair(ice, i);
    if (pair->state == ICE_PAIR_FAILED || pair->state == ICE_PAIR_IN_PROGRESS) {
      paw_ice_pair_set_state(ice, pair, ICE_PAIR_WAITING);
    }
    paw_ice_check_renew(ice, pair);
  }
}
