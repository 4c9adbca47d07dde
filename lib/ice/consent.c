/* SPDX-License-Identifier: MIT */
#include "ice/ice_private.h"

/* ---- the path ---- */

/* `span_ns`, a fifth more or less. */
static uint64_t spread_ns(struct paw_ice *ice, uint64_t span_ns) {
  uint32_t draw = 0;
  (void)paw_rng_u32(&ice->config.rng, &draw); /* without luck the shortest, which is legal */
  return span_ns * 4 / 5 + (span_ns * 2 / 5 / 1024) * (draw >> 22);
}

static void forget_past(struct paw_ice *ice) {
  if (ice->past != NULL) {
    paw_mem_wipe(ice->past, sizeof *ice->past);
    paw_mem_free(&ice->config.allocator, ice->past);
    ice->past = NULL;
  }
}

static void log_path(const struct paw_ice *ice) {
  static const char *const texts[] = {"none", "provisional", "nominated", "of before the restart"};
  char local[PAW_ADDRESS_TEXT_SIZE];
  char remote[PAW_ADDRESS_TEXT_SIZE];
  if (ice->config.log.write == NULL) {
    return;
  }
  paw_address_format(&ice->path.local, local);
  paw_address_format(&ice->path.remote, remote);
  paw_log_write(&ice->config.log, PAW_LOG_DEBUG, ICE_LOG_ROOM, "path %s - %s, %s", local, remote,
                texts[ice->path.kind]);
}

static bool is_within(uint64_t now_ns, uint64_t since_ns, uint64_t span_ns) {
  return since_ns != 0 && paw_time_elapsed(now_ns, since_ns) < span_ns;
}

/* When a path that answered at `since_ns` is checked next. Before nomination the peer may still
 * lack a valid pair: each check here triggers one there. */
static uint64_t rests_until_ns(struct paw_ice *ice, uint64_t since_ns) {
  uint64_t now_ns = paw_ice_now(ice);
  const struct ice_path *path = &ice->path;
  if (path->kind == ICE_PATH_PROVISIONAL) {
    return paw_time_add(since_ns, spread_ns(ice, ICE_QUIET_NS));
  }
  if (is_within(now_ns, path->flow_ns, ICE_QUIET_NS)) {
    return paw_time_add(since_ns, ICE_QUIET_NS);
  }
  if (is_within(now_ns, path->flow_ns, ICE_FLOW_HOLD_NS) ||
      is_within(now_ns, ice->sent_ns, ICE_FLOW_HOLD_NS)) {
    return paw_time_add(since_ns, spread_ns(ice, ICE_ACTIVE_NS));
  }
  return paw_time_lax(path->check_by_ns, PAW_LAX_IDLE_NS);
}

/* Checks of consent can wait for those of other peers. */
static void set_check(struct ice_path *path, uint64_t check_ns) {
  path->check_ns = paw_time_lax(check_ns, PAW_LAX_NS);
}

/* Checks that nobody asked for rest while a pair is nominated. When it is lost they begin anew: the
 * time they have rested is not time without an answer. */
static void wake_rested_checks(struct paw_ice *ice) {
  for (int i = 0; i < ice->pairs.count; i++) {
    struct ice_pair *pair = paw_ice_pair(ice, i);
    if (pair->state == ICE_PAIR_IN_PROGRESS && (pair->flags & ICE_PAIR_TRIGGERED) == 0) {
      paw_ice_pair_set_state(ice, pair, ICE_PAIR_WAITING);
    }
  }
}

void paw_ice_path_use(struct paw_ice *ice, enum ice_path_kind kind, struct ice_pair *pair) {
  const struct paw_address *local = paw_ice_pair_local(ice, pair);
  const struct paw_address *remote = paw_ice_pair_remote(ice, pair);
  bool stays = ice->path.kind != ICE_PATH_PAST && paw_ice_path_is(ice, local, remote);
  ice->selected = paw_ice_pair_index(ice, pair);
  if (stays && ice->path.kind == kind) {
    return;
  }
  if (ice->path.kind == ICE_PATH_NOMINATED && kind != ICE_PATH_NOMINATED) {
    wake_rested_checks(ice);
  }
  if (stays) {
    ice->path.kind = kind;
    set_check(&ice->path, rests_until_ns(ice, paw_ice_now(ice)));
    log_path(ice);
    return;
  }
  forget_past(ice);
  ice->path = (struct ice_path){
      .kind = kind,
      .local = *local,
      .remote = *remote,
      .priority = paw_ice_reflexive_priority(paw_ice_local(ice, pair->local)->priority),
      .heard_ns = pair->heard_ns,
      .consent_ns = pair->agreed_ns,
      .check_by_ns = paw_time_add(pair->valid_ns, spread_ns(ice, ICE_CONSENT_NS)),
  };
  set_check(&ice->path, rests_until_ns(ice, pair->valid_ns));
  ice->tell_selected = true;
  log_path(ice);
}

void paw_ice_path_drop(struct paw_ice *ice) {
  if (ice->path.kind == ICE_PATH_NOMINATED) {
    wake_rested_checks(ice);
  }
  forget_past(ice);
  ice->path = (struct ice_path){.kind = ICE_PATH_NONE};
  ice->selected = ICE_PAIR_NONE;
  ice->tell_selected = false;
}

void paw_ice_path_note_heard(struct paw_ice *ice) {
  ice->path.heard_ns = paw_ice_now(ice);
}

/* No check is hastened: a hub begins to send to all its peers at once, and theirs would come at
 * once too. */
void paw_ice_note_sent(struct paw_ice *ice, uint64_t sent_ns) {
  if (!is_within(sent_ns, ice->sent_ns, ICE_FLOW_GAP_NS)) {
    ice->sending_ns = sent_ns;
  }
  ice->sent_ns = sent_ns;
}

/* A flow that begins is watched from here on, however long the idle path was to rest. */
void paw_ice_path_note_data(struct paw_ice *ice) {
  struct ice_path *path = &ice->path;
  uint64_t now_ns = paw_ice_now(ice);
  bool flowed = is_within(now_ns, path->flow_ns, ICE_FLOW_GAP_NS);
  bool flows = flowed || is_within(now_ns, path->data_ns, ICE_FLOW_GAP_NS);
  bool begins = flows && !flowed;
  path->flow_ns = flows ? now_ns : path->flow_ns;
  path->data_ns = now_ns;
  path->heard_ns = now_ns;
  if (begins && path->check_ns > paw_time_add(now_ns, ICE_QUIET_NS)) {
    set_check(path, paw_time_add(now_ns, ICE_QUIET_NS));
  }
}

static bool is_usual(const struct paw_ice *ice) {
  return ice->state == PAW_ICE_STATE_CONNECTED && ice->told_state == ice->state &&
         ice->selected != ICE_PAIR_NONE && ice->path.kind != ICE_PATH_NONE &&
         paw_ice_pair(ice, ice->selected)->heard_ns != 0;
}

bool paw_ice_get_usual_pair(const struct paw_ice *ice, const struct paw_address **local,
                            const struct paw_address **remote) {
  *local = &ice->path.local;
  *remote = &ice->path.remote;
  return is_usual(ice);
}

void paw_ice_note_usual(struct paw_ice *ice, uint64_t heard_ns) {
  paw_ice_advance(ice, heard_ns);
  struct ice_pair *selected = paw_ice_pair(ice, ice->selected);
  ice->life_ns = paw_ice_now(ice);
  selected->heard_ns = paw_ice_now(ice);
  selected->data_ns = paw_ice_now(ice);
  paw_ice_path_note_data(ice);
}

/* What is sent counts once the peer was heard after it had begun: the silence before it was that of
 * an idle path. */
uint64_t paw_ice_silence_max_ns(const struct paw_ice *ice) {
  uint64_t most_ns = ice->config.disconnect_ns;
  bool flowed =
      is_within(ice->life_ns, ice->path.flow_ns, ICE_FLOW_GAP_NS) ||
      (ice->sending_ns <= ice->life_ns && is_within(ice->life_ns, ice->sent_ns, ICE_FLOW_GAP_NS));
  return flowed ? most_ns : paw_time_add(most_ns, most_ns);
}

/* ---- checks on it ---- */

/* RFC 7675 is for who sends checks; a lite agent lives as long as it hears the peer. */
static uint64_t expires_ns(const struct paw_ice *ice) {
  uint64_t since_ns = paw_ice_is_lite(ice) ? ice->life_ns : ice->path.consent_ns;
  return paw_time_add(since_ns, ice->config.consent_timeout_ns);
}

static bool consent_is_over(const struct paw_ice *ice) {
  return paw_time_due(expires_ns(ice), paw_ice_now(ice));
}

static bool checks_path(const struct paw_ice *ice) {
  return !paw_ice_is_lite(ice) && !paw_ice_is_over(ice) && ice->path.kind != ICE_PATH_NONE;
}

/* Every check is a new transaction, none is sent again (RFC 7675 section 5.1). The next one follows
 * soon; the answer to this one will put it off. */
bool paw_ice_consent_poll(struct paw_ice *ice, struct paw_transmit *out) {
  struct ice_path *path = &ice->path;
  if (!checks_path(ice) || !paw_time_due(path->check_ns, paw_ice_now(ice))) {
    return false;
  }
  set_check(path, paw_time_add(paw_ice_now(ice), ICE_QUIET_NS));
  struct ice_transaction transaction;
  if (!paw_ice_transaction_begin(ice, &transaction)) {
    return false;
  }
  bool past = path->kind == ICE_PATH_PAST;
  const struct ice_request request = {
      .id = transaction.id,
      .local = past ? &ice->past->local : &ice->local_credentials,
      .remote = past ? &ice->past->remote : &ice->remote_credentials,
      .remote_key = past ? &ice->past->remote_key : &ice->remote_key,
      .priority = path->priority,
  };
  size_t len = paw_ice_transaction_write(ice, &request);
  if (len == 0) {
    return false;
  }
  memcpy(path->asked[path->asked_next].id, transaction.id, sizeof transaction.id);
  path->asked[path->asked_next].role = (uint8_t)ice->role;
  path->asked[path->asked_next].sent_ns = paw_ice_now(ice);
  path->asked_next = (uint8_t)((path->asked_next + 1) % PAW_ICE_CONSENT_CHECKS_MAX);
  path->last_asked_ns = paw_ice_now(ice);
  path->check_by_ns = paw_time_add(paw_ice_now(ice), spread_ns(ice, ICE_CONSENT_NS));
  paw_ice_transmit_fill(out, ice, &path->local, &path->remote, len);
  return true;
}

static void lose_path(struct paw_ice *ice, enum paw_ice_reason reason) {
  if (ice->selected != ICE_PAIR_NONE) {
    paw_ice_pair_set_state(ice, paw_ice_pair(ice, ice->selected), ICE_PAIR_FAILED);
  }
  paw_ice_path_drop(ice);
  paw_ice_select(ice);
  if (ice->path.kind == ICE_PATH_NONE && ice->state != PAW_ICE_STATE_CHECKING) {
    paw_ice_fail(ice, reason);
  }
}

void paw_ice_consent_handle_response(struct paw_ice *ice, const struct paw_input *input,
                                     const struct paw_stun_message *message, int slot) {
  struct ice_path *path = &ice->path;
  if (!paw_ice_path_is(ice, &input->local, &input->remote)) {
    ice->stats.dropped_unmatched++;
    return;
  }
  uint64_t sent_ns = path->asked[slot].sent_ns;
  path->asked[slot].sent_ns = 0;
  if (message->unknown_count > 0) { /* RFC 8489 section 6.3.3 and 6.3.4 */
    ice->stats.dropped_malformed++;
    return;
  }
  if (message->class == PAW_STUN_ERROR) {
    if (message->error_code == 403) { /* RFC 7675 section 5.2 */
      lose_path(ice, PAW_ICE_REASON_CONSENT_REVOKED);
    } else if (message->error_code == 487 && path->kind != ICE_PATH_PAST &&
               path->asked[slot].role == (uint8_t)ice->role) {
      ice->stats.role_conflicts++;
      paw_ice_role_yield(ice);
    }
    return;
  }
  paw_ice_note_rtt(ice, input, sent_ns);
  path->consent_ns = paw_ice_now(ice);
  set_check(path, rests_until_ns(ice, paw_ice_now(ice)));
  if (ice->selected != ICE_PAIR_NONE) {
    paw_ice_pair(ice, ice->selected)->heard_ns = paw_ice_now(ice);
    paw_ice_pair(ice, ice->selected)->agreed_ns = paw_ice_now(ice);
  }
  paw_ice_path_note_heard(ice);
  paw_ice_note_life(ice);
}

/* ---- time ---- */

/* While the path is alive with data, checks wait for the latest time that consent allows. */
static void put_off_check(struct paw_ice *ice) {
  struct ice_path *path = &ice->path;
  bool answered = path->consent_ns >= path->last_asked_ns;
  uint64_t quiet_ns = paw_time_add(path->heard_ns, ICE_QUIET_NS);
  if (answered && path->check_ns < quiet_ns) {
    set_check(path, quiet_ns < path->check_by_ns ? quiet_ns : path->check_by_ns);
  }
}

void paw_ice_consent_handle_timeout(struct paw_ice *ice) {
  if (paw_ice_is_over(ice)) {
    return;
  }
  if (ice->path.kind == ICE_PATH_NONE) {
    bool was_connected = ice->state == PAW_ICE_STATE_DISCONNECTED;
    if (was_connected && paw_time_due(paw_time_add(ice->life_ns, ice->config.consent_timeout_ns),
                                      paw_ice_now(ice))) {
      paw_ice_fail(ice, PAW_ICE_REASON_NO_PATH);
    }
    return;
  }
  if (consent_is_over(ice)) {
    lose_path(ice, PAW_ICE_REASON_CONSENT_EXPIRED);
    return;
  }
  if (checks_path(ice) && paw_time_due(ice->path.check_ns, paw_ice_now(ice))) {
    put_off_check(ice);
  }
}

void paw_ice_consent_next_timeout(const struct paw_ice *ice, struct paw_timeout *timeout) {
  if (paw_ice_is_over(ice)) {
    return;
  }
  if (ice->state == PAW_ICE_STATE_CONNECTED) {
    paw_timeout_earliest(timeout, paw_time_add(ice->life_ns, paw_ice_silence_max_ns(ice)),
                         PAW_TIMEOUT_ICE_CONSENT);
  }
  if (ice->path.kind != ICE_PATH_NONE) {
    paw_timeout_earliest(timeout, expires_ns(ice), PAW_TIMEOUT_ICE_CONSENT);
  } else if (ice->state == PAW_ICE_STATE_DISCONNECTED) {
    paw_timeout_earliest(timeout, paw_time_add(ice->life_ns, ice->config.consent_timeout_ns),
                         PAW_TIMEOUT_ICE_CONSENT);
  }
  if (checks_path(ice)) {
    paw_timeout_earliest(timeout, ice->path.check_ns, PAW_TIMEOUT_ICE_KEEPALIVE);
  }
}
