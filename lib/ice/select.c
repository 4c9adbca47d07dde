/* SPDX-License-Identifier: MIT */
#include "ice/ice_private.h"

static struct ice_pair *selected_pair(const struct paw_ice *ice) {
  return ice->selected == ICE_PAIR_NONE ? NULL : paw_ice_pair(ice, ice->selected);
}

static bool is_recent(const struct paw_ice *ice, uint64_t time_ns, uint64_t span_ns) {
  return time_ns != 0 && paw_time_elapsed(paw_ice_now(ice), time_ns) < span_ns;
}

/* ---- nomination by this side ---- */

static bool nominates(const struct paw_ice *ice) {
  return !paw_ice_is_lite(ice) && !paw_ice_is_over(ice) && ice->role == PAW_ICE_CONTROLLING &&
         ice->path.kind != ICE_PATH_NOMINATED;
}

static bool is_under_way(const struct paw_ice *ice) {
  for (int i = 0; i < ice->pairs.count; i++) {
    if ((paw_ice_pair(ice, i)->flags & ICE_PAIR_NOMINATE) != 0) {
      return true;
    }
  }
  return false;
}

static bool better_is_possible(const struct paw_ice *ice, const struct ice_pair *best) {
  for (int i = 0; i < ice->pairs.count; i++) {
    const struct ice_pair *pair = paw_ice_pair(ice, i);
    bool open = pair->state == ICE_PAIR_WAITING || pair->state == ICE_PAIR_IN_PROGRESS;
    if (open && paw_ice_pair_priority(ice, pair) > paw_ice_pair_priority(ice, best)) {
      return true;
    }
  }
  return false;
}

static uint64_t wait_ends_ns(const struct paw_ice *ice) {
  return paw_time_add(ice->first_valid_ns, ICE_NOMINATE_WAIT_NS);
}

/* RFC 8445 section 8.1.1: regular nomination, of the best pair there is. */
static void consider_nomination(struct paw_ice *ice) {
  if (!nominates(ice) || is_under_way(ice)) {
    return;
  }
  struct ice_pair *best = paw_ice_pair_best_valid(ice, false);
  if (best == NULL) {
    return;
  }
  if (better_is_possible(ice, best) && !paw_time_due(wait_ends_ns(ice), paw_ice_now(ice))) {
    return;
  }
  paw_ice_transaction_end(&best->check);
  best->flags |= ICE_PAIR_NOMINATE;
  best->next_ns = paw_ice_now(ice);
}

void paw_ice_select_handle_timeout(struct paw_ice *ice) {
  consider_nomination(ice);
}

uint64_t paw_ice_select_next_timeout(const struct paw_ice *ice) {
  bool waits = nominates(ice) && !is_under_way(ice) && paw_ice_pair_best_valid(ice, false) != NULL;
  return waits ? wait_ends_ns(ice) : PAW_TIME_NEVER;
}

/* ---- which pair carries data ---- */

/* Before nomination the best valid pair serves, but one that carries data is not left for it. */
static struct ice_pair *best_provisional(const struct paw_ice *ice) {
  struct ice_pair *selected = selected_pair(ice);
  if (selected != NULL && selected->state == ICE_PAIR_VALID &&
      is_recent(ice, selected->data_ns, ice->config.disconnect_ns)) {
    return selected;
  }
  return paw_ice_pair_best_valid(ice, false);
}

static bool selection_stands(const struct paw_ice *ice) {
  const struct ice_pair *selected = selected_pair(ice);
  return ice->path.kind == ICE_PATH_NOMINATED && selected != NULL &&
         selected->state == ICE_PAIR_VALID;
}

static void choose(struct paw_ice *ice) {
  if (selection_stands(ice)) {
    return;
  }
  struct ice_pair *nominated = paw_ice_pair_best_valid(ice, true);
  if (nominated != NULL) {
    paw_ice_path_use(ice, ICE_PATH_NOMINATED, nominated);
    return;
  }
  if (ice->path.kind == ICE_PATH_PAST) {
    return;
  }
  struct ice_pair *provisional = best_provisional(ice);
  if (provisional != NULL) {
    paw_ice_path_use(ice, ICE_PATH_PROVISIONAL, provisional);
  } else if (ice->path.kind != ICE_PATH_NONE) {
    paw_ice_path_drop(ice);
    paw_ice_pairs_revive(ice);
  }
}

void paw_ice_select(struct paw_ice *ice) {
  choose(ice);
  consider_nomination(ice);
  paw_ice_update_state(ice);
}

/* Is the pair that is nominated now to be taken instead of the one in use? Some peers send
 * USE-CANDIDATE with every check and on several pairs (Firefox); the pair that they really use is
 * the one that data comes on. */
static bool takes_over(const struct paw_ice *ice, const struct ice_pair *pair, bool first_time) {
  const struct ice_pair *selected = selected_pair(ice);
  if (ice->path.kind != ICE_PATH_NOMINATED || selected == NULL) {
    return true;
  }
  if (selected == pair || is_recent(ice, selected->data_ns, ICE_DATA_HOLD_NS)) {
    return false;
  }
  bool moved_on = (selected->flags & ICE_PAIR_LAST_NOMINATED) == 0;
  bool is_silent = !is_recent(ice, selected->heard_ns, ice->config.disconnect_ns);
  return first_time || moved_on || is_silent;
}

void paw_ice_select_nominated(struct paw_ice *ice, struct ice_pair *pair, bool first_time) {
  pair->flags |= ICE_PAIR_NOMINATED;
  if (!paw_ice_pair_may_send(ice, pair)) { /* RFC 8445 section 7.3.1.5: when its check succeeds */
    pair->flags |= first_time ? ICE_PAIR_NOMINATION_WAITS : 0;
    return;
  }
  if (takes_over(ice, pair, first_time)) {
    paw_ice_path_use(ice, ICE_PATH_NOMINATED, pair);
  }
}

/* Before nomination data is followed to any valid pair, afterwards to nominated ones: which the
 * controlling side has one of. */
void paw_ice_select_follow_data(struct paw_ice *ice, struct ice_pair *pair) {
  const struct ice_pair *selected = selected_pair(ice);
  bool may_follow = paw_ice_pair_may_send(ice, pair) && selected != NULL && selected != pair &&
                    !is_recent(ice, selected->data_ns, ICE_DATA_HOLD_NS);
  if (!may_follow) {
    return;
  }
  if (ice->path.kind == ICE_PATH_PROVISIONAL || (pair->flags & ICE_PAIR_NOMINATED) != 0) {
    paw_ice_path_use(ice, ice->path.kind, pair);
  }
}

/* The peer's address may have changed behind a NAT, whoever controls. A pair that fails here comes
 * back with the first check on it. */
void paw_ice_select_replace_silent(struct paw_ice *ice, const struct ice_pair *alive,
                                   uint64_t silence_ns) {
  struct ice_pair *selected = selected_pair(ice);
  bool replaceable = selected != NULL && selected != alive && paw_ice_pair_may_send(ice, alive) &&
                     !is_recent(ice, selected->heard_ns, silence_ns);
  if (replaceable) {
    paw_ice_pair_set_state(ice, selected, ICE_PAIR_FAILED);
    paw_ice_select(ice);
  }
}
