/* SPDX-License-Identifier: MIT */
#include "ice/ice_private.h"

/* All checks under way carry the old role: they start over. Nominations of the old role are void.
 */
static void switch_role(struct paw_ice *ice, enum paw_ice_role role) {
  ice->role = role;
  paw_log_write(&ice->config.log, PAW_LOG_INFO, ICE_LOG_ROOM, "role is now %s",
                role == PAW_ICE_CONTROLLING ? "controlling" : "controlled");
  for (int i = 0; i < ice->pairs.count; i++) {
    struct ice_pair *pair = paw_ice_pair(ice, i);
    paw_ice_transaction_end(&pair->check);
    pair->flags &= (uint8_t) ~(ICE_PAIR_NOMINATE | ICE_PAIR_NOMINATED | ICE_PAIR_LAST_NOMINATED |
                               ICE_PAIR_NOMINATION_WAITS);
    if (pair->state == ICE_PAIR_IN_PROGRESS) {
      paw_ice_pair_set_state(ice, pair, ICE_PAIR_WAITING);
      pair->flags |= ICE_PAIR_TRIGGERED;
    }
  }
  if (ice->path.kind == ICE_PATH_NOMINATED && ice->selected != ICE_PAIR_NONE) {
    paw_ice_path_use(ice, ICE_PATH_PROVISIONAL, paw_ice_pair(ice, ice->selected));
  }
  paw_ice_select(ice);
}

bool paw_ice_role_settle(struct paw_ice *ice, const struct paw_stun_message *request) {
  bool controlling = ice->role == PAW_ICE_CONTROLLING;
  uint32_t conflict = controlling ? PAW_STUN_HAS_CONTROLLING : PAW_STUN_HAS_CONTROLLED;
  if ((request->has & conflict) == 0) {
    return true;
  }
  ice->stats.role_conflicts++;
  uint64_t theirs = controlling ? request->controlling : request->controlled;
  bool greater = ice->tie_breaker >= theirs;
  /* The greater tie-breaker controls: who has it insists or takes over. Lite never controls, and
   * against a lite peer there is nothing to settle. */
  bool insist = paw_ice_is_lite(ice) || ice->remote_lite || controlling == greater;
  if (insist) {
    return false;
  }
  switch_role(ice, controlling ? PAW_ICE_CONTROLLED : PAW_ICE_CONTROLLING);
  return true;
}

void paw_ice_role_yield(struct paw_ice *ice) {
  if (ice->remote_lite) {
    return;
  }
  bool controlling = ice->role == PAW_ICE_CONTROLLING;
  /* RFC 8445 section 7.2.5.1: with a new tie-breaker. */
  uint64_t tie_breaker = 0;
  if (paw_rng_u64(&ice->config.rng, &tie_breaker) == PAW_OK) {
    ice->tie_breaker = tie_breaker;
  }
  switch_role(ice, controlling ? PAW_ICE_CONTROLLED : PAW_ICE_CONTROLLING);
}
