/* SPDX-License-Identifier: MIT */
#include "ice/ice_private.h"

/* ---- what is due ---- */

/* Once a pair is nominated, only what the peer asked for goes on (RFC 8445 section 8.1.2). */
static uint64_t due_ns(const struct paw_ice *ice, const struct ice_pair *pair) {
  bool wanted = (pair->flags & ICE_PAIR_TRIGGERED) != 0 || ice->path.kind != ICE_PATH_NOMINATED;
  switch ((enum ice_pair_state)pair->state) {
  case ICE_PAIR_WAITING:
  case ICE_PAIR_IN_PROGRESS:
    return wanted ? pair->next_ns : PAW_TIME_NEVER;
  case ICE_PAIR_VALID:
    return (pair->flags & (ICE_PAIR_NOMINATE | ICE_PAIR_RENEW)) != 0 ? pair->next_ns
                                                                     : PAW_TIME_NEVER;
  case ICE_PAIR_FAILED:
    return PAW_TIME_NEVER;
  }
  return PAW_TIME_NEVER;
}

static bool may_check(const struct paw_ice *ice) {
  return !paw_ice_is_lite(ice) && !paw_ice_is_over(ice) && paw_ice_has_remote_credentials(ice);
}

uint64_t paw_ice_check_next_ns(const struct paw_ice *ice) {
  uint64_t earliest = PAW_TIME_NEVER;
  if (!may_check(ice)) {
    return earliest;
  }
  for (int i = 0; i < ice->pairs.count; i++) {
    uint64_t due = due_ns(ice, paw_ice_pair(ice, i));
    earliest = due < earliest ? due : earliest;
  }
  return earliest < ice->pace_ns ? ice->pace_ns : earliest;
}

/* Nominations first, then triggered checks, then the rest (RFC 8445 section 6.1.4.2). */
static int urgency(const struct ice_pair *pair) {
  if ((pair->flags & ICE_PAIR_NOMINATE) != 0) {
    return 2;
  }
  return (pair->flags & (ICE_PAIR_TRIGGERED | ICE_PAIR_RENEW)) != 0 ? 1 : 0;
}

static bool goes_before(const struct paw_ice *ice, const struct ice_pair *a,
                        const struct ice_pair *b) {
  if (urgency(a) != urgency(b)) {
    return urgency(a) > urgency(b);
  }
  return paw_ice_pair_priority(ice, a) > paw_ice_pair_priority(ice, b);
}

static struct ice_pair *next_pair(const struct paw_ice *ice) {
  struct ice_pair *next = NULL;
  for (int i = 0; i < ice->pairs.count; i++) {
    struct ice_pair *pair = paw_ice_pair(ice, i);
    if (paw_time_due(due_ns(ice, pair), paw_ice_now(ice)) &&
        (next == NULL || goes_before(ice, pair, next))) {
      next = pair;
    }
  }
  return next;
}

/* ---- sending ---- */

/* RFC 8445 section 14.3: not before every pair had its turn, lest the first ones starve the rest.
 */
static uint64_t back_off_ns(const struct paw_ice *ice, struct ice_transaction *check) {
  uint64_t open_count = 0;
  for (int i = 0; i < ice->pairs.count; i++) {
    const struct ice_pair *pair = paw_ice_pair(ice, i);
    open_count += pair->state == ICE_PAIR_WAITING || pair->state == ICE_PAIR_IN_PROGRESS;
  }
  uint64_t round_ns = open_count * ice->config.ta_ns;
  uint64_t rto_ns = check->rto_ms * PAW_NS_PER_MS;
  uint32_t longest_ms = (uint32_t)(ice->config.initial_rto_ns / PAW_NS_PER_MS) << ICE_RTO_DOUBLINGS;
  check->rto_ms = 2 * check->rto_ms < longest_ms ? 2 * check->rto_ms : longest_ms;
  return rto_ns > round_ns ? rto_ns : round_ns;
}

static bool send_check(struct paw_ice *ice, struct ice_pair *pair, struct paw_transmit *out) {
  struct ice_transaction *check = &pair->check;
  if (check->sends == 0 && !paw_ice_transaction_begin(ice, check)) {
    pair->next_ns = ice->pace_ns;
    return false;
  }
  check->nominates = (pair->flags & ICE_PAIR_NOMINATE) != 0;
  const struct ice_request request = {
      .id = check->id,
      .local = &ice->local_credentials,
      .remote = &ice->remote_credentials,
      .remote_key = &ice->remote_key,
      .priority = paw_ice_reflexive_priority(paw_ice_local(ice, pair->local)->priority),
      .nominates = check->nominates,
  };
  size_t len = paw_ice_transaction_write(ice, &request);
  if (len == 0) {
    paw_ice_pair_set_state(ice, pair, ICE_PAIR_FAILED);
    return false;
  }
  if (check->sends > 0) {
    ice->stats.retransmissions_sent++;
  }
  paw_ice_transaction_note_sent(ice, check);
  pair->next_ns = paw_time_add(paw_ice_now(ice), back_off_ns(ice, check));
  if (pair->state == ICE_PAIR_WAITING) {
    paw_ice_pair_set_state(ice, pair, ICE_PAIR_IN_PROGRESS);
  }
  paw_ice_transmit_fill(out, ice, paw_ice_pair_local(ice, pair), paw_ice_pair_remote(ice, pair),
                        len);
  return true;
}

bool paw_ice_check_poll(struct paw_ice *ice, struct paw_transmit *out) {
  if (!may_check(ice) || ice->pace_ns > paw_ice_now(ice)) {
    return false;
  }
  struct ice_pair *pair = next_pair(ice);
  if (pair == NULL) {
    return false;
  }
  ice->pace_ns = paw_time_add(paw_ice_now(ice), ice->config.ta_ns);
  return send_check(ice, pair, out);
}

/* RFC 8445 section 7.3.1.4. Differs there: a check that is under way is sent again at once under
 * its old transaction id instead of being replaced, so that an answer to either counts. */
void paw_ice_check_trigger(struct paw_ice *ice, struct ice_pair *pair) {
  if (pair->state == ICE_PAIR_VALID) {
    return;
  }
  if (pair->state == ICE_PAIR_FAILED) {
    paw_ice_pair_set_state(ice, pair, ICE_PAIR_WAITING);
  }
  uint64_t soonest =
      pair->check.sends == 0 ? 0 : paw_time_add(pair->check.last_ns, ICE_TRIGGER_GAP_NS);
  pair->next_ns = soonest > paw_ice_now(ice) ? soonest : paw_ice_now(ice);
  pair->check.rto_ms = (uint32_t)(ice->config.initial_rto_ns / PAW_NS_PER_MS);
  pair->flags |= ICE_PAIR_TRIGGERED;
}

/* The peer's own check was answered here, or it would not send data: its next one, which would
 * trigger ours, may be seconds away. Who forges its address gets no more out of this than
 * ICE_TRIGGER_GAP_NS allows. */
void paw_ice_note_waiting(struct paw_ice *ice, uint64_t now_ns, const struct paw_address *local,
                          const struct paw_address *remote) {
  struct ice_pair *pair = paw_ice_pair_find(ice, local, remote);
  if (pair != NULL && pair->heard_ns != 0 && pair->state == ICE_PAIR_IN_PROGRESS) {
    paw_ice_advance(ice, now_ns);
    paw_ice_check_trigger(ice, pair);
  }
}

/* RFC 7675 section 5.1 renews consent on the path in use; of other valid pairs it runs out. */
void paw_ice_check_renew(struct paw_ice *ice, struct ice_pair *pair) {
  bool ran_out = pair->state == ICE_PAIR_VALID && !paw_ice_pair_may_send(ice, pair);
  bool asks = (pair->flags & (ICE_PAIR_NOMINATE | ICE_PAIR_RENEW)) != 0;
  if (ran_out && !asks && paw_ice_pair_index(ice, pair) != ice->selected) {
    paw_ice_transaction_end(&pair->check);
    pair->flags |= ICE_PAIR_RENEW;
    pair->next_ns = paw_ice_now(ice);
  }
}

/* ---- time ---- */

static uint64_t gives_up_ns(const struct paw_ice *ice, const struct ice_pair *pair) {
  if (pair->check.sends == 0 || due_ns(ice, pair) == PAW_TIME_NEVER) {
    return PAW_TIME_NEVER;
  }
  return paw_time_add(pair->check.first_ns, ice->config.check_timeout_ns);
}

static bool any_is_open(const struct paw_ice *ice) {
  for (int i = 0; i < ice->pairs.count; i++) {
    if (paw_ice_pair(ice, i)->state != ICE_PAIR_FAILED) {
      return true;
    }
  }
  return false;
}

/* When all have failed they start over: connect_timeout decides when to give up (RFC 8863), and a
 * lite peer would never ask by itself. */
void paw_ice_check_handle_timeout(struct paw_ice *ice) {
  bool failed = false;
  for (int i = 0; i < ice->pairs.count; i++) {
    struct ice_pair *pair = paw_ice_pair(ice, i);
    if (paw_time_due(gives_up_ns(ice, pair), paw_ice_now(ice))) {
      paw_ice_pair_set_state(ice, pair, ICE_PAIR_FAILED);
      failed = true;
    }
  }
  if (failed) {
    paw_ice_select(ice);
  }
  if (failed && !any_is_open(ice)) {
    paw_ice_pairs_revive(ice);
  }
}

uint64_t paw_ice_check_next_timeout(const struct paw_ice *ice) {
  uint64_t next = paw_ice_check_next_ns(ice);
  for (int i = 0; i < ice->pairs.count; i++) {
    uint64_t gives_up = gives_up_ns(ice, paw_ice_pair(ice, i));
    next = gives_up < next ? gives_up : next;
  }
  return next;
}

/* ---- answers ---- */

void paw_ice_note_rtt(struct paw_ice *ice, const struct paw_input *input, uint64_t sent_ns) {
  uint64_t arrival_ns = input->arrival_ns != 0 ? input->arrival_ns : paw_ice_now(ice);
  uint64_t sample_ns = paw_time_elapsed(arrival_ns, sent_ns);
  if (sample_ns > 0) {
    ice->rtt_ns = ice->rtt_ns == 0 ? sample_ns : (ice->rtt_ns * 7 + sample_ns) / 8;
  }
}

/* RFC 8445 section 7.2.5.3. */
static void check_succeeded(struct paw_ice *ice, struct ice_pair *pair,
                            const struct paw_input *input, const struct paw_stun_message *message) {
  bool nominates = pair->check.nominates && ice->role == PAW_ICE_CONTROLLING;
  bool waited = (pair->flags & ICE_PAIR_NOMINATION_WAITS) != 0;
  if (pair->check.sends == 1) { /* with more, nobody knows which of them was answered */
    paw_ice_note_rtt(ice, input, pair->check.last_ns);
  }
  pair->heard_ns = paw_ice_now(ice);
  pair->agreed_ns = paw_ice_now(ice);
  paw_ice_note_life(ice);
  paw_ice_transaction_end(&pair->check);
  pair->flags &= (uint8_t) ~(ICE_PAIR_NOMINATE | ICE_PAIR_RENEW | ICE_PAIR_NOMINATION_WAITS);
  paw_ice_pair_set_state(ice, pair, ICE_PAIR_VALID);
  paw_ice_local_learn(ice, pair->local, &message->xor_mapped);
  if (nominates || (pair->flags & ICE_PAIR_NOMINATED) != 0) {
    paw_ice_select_nominated(ice, pair, nominates || waited);
  }
  paw_ice_select(ice);
}

static void check_refused(struct paw_ice *ice, struct ice_pair *pair,
                          const struct paw_stun_message *message) {
  paw_log_write(&ice->config.log, PAW_LOG_INFO, ICE_LOG_ROOM, "a check was answered with %u",
                message->error_code);
  if (message->error_code == 487) {
    ice->stats.role_conflicts++;
    paw_ice_role_yield(ice);
    return;
  }
  /* RFC 8445 section 7.2.5.2.4 */
  paw_ice_pair_set_state(ice, pair, ICE_PAIR_FAILED);
  paw_ice_select(ice);
}

void paw_ice_check_handle_response(struct paw_ice *ice, const struct paw_input *input,
                                   const struct paw_stun_message *message) {
  ice->stats.responses_received++;
  struct ice_pair *pair = paw_ice_transaction_find_pair(ice, message->id);
  int slot = pair == NULL ? paw_ice_transaction_find_consent(ice, message->id) : -1;
  if (paw_ice_is_over(ice) || (pair == NULL && slot < 0)) {
    ice->stats.dropped_unmatched++;
    return;
  }
  bool past = pair == NULL && ice->path.kind == ICE_PATH_PAST;
  if (!paw_stun_check_integrity(message, past ? &ice->past->remote_key : &ice->remote_key)) {
    ice->stats.dropped_integrity++;
    return;
  }
  if (pair == NULL) {
    paw_ice_consent_handle_response(ice, input, message, slot);
    return;
  }
  /* RFC 8445 section 7.2.5.2.1: an answer from elsewhere, or to elsewhere, fails the pair. */
  if (paw_ice_pair_find(ice, &input->local, &input->remote) != pair) {
    ice->stats.dropped_unmatched++;
    paw_ice_pair_set_state(ice, pair, ICE_PAIR_FAILED);
    paw_ice_select(ice);
    return;
  }
  bool understood = message->unknown_count == 0;
  if (understood && message->class == PAW_STUN_ERROR && (message->has & PAW_STUN_HAS_ERROR) != 0) {
    check_refused(ice, pair, message);
  } else if (understood && message->class == PAW_STUN_SUCCESS &&
             (message->has & PAW_STUN_HAS_XOR_MAPPED) != 0) {
    check_succeeded(ice, pair, input, message);
  } else { /* RFC 8489 section 6.3.3 and 6.3.4 */
    ice->stats.dropped_malformed++;
    paw_ice_pair_set_state(ice, pair, ICE_PAIR_FAILED);
    paw_ice_select(ice);
  }
}
