/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "ice/ice_private.h"

bool paw_ice_transaction_begin(struct paw_ice *ice, struct ice_transaction *transaction) {
  paw_ice_transaction_end(transaction);
  if (paw_rng_bytes(&ice->config.rng, transaction->id, sizeof transaction->id) != PAW_OK) {
    paw_log_write(&ice->config.log, PAW_LOG_ERROR, ICE_LOG_ROOM, "the random source failed");
    return false;
  }
  transaction->rto_ms = (uint32_t)(ice->config.initial_rto_ns / PAW_NS_PER_MS);
  transaction->first_ns = paw_ice_now(ice);
  return true;
}

void paw_ice_transaction_end(struct ice_transaction *transaction) {
  memset(transaction, 0, sizeof *transaction);
}

void paw_ice_transaction_note_sent(struct paw_ice *ice, struct ice_transaction *transaction) {
  if (transaction->sends < UINT16_MAX) {
    transaction->sends++;
  }
  transaction->last_ns = paw_ice_now(ice);
}

struct ice_pair *paw_ice_transaction_find_pair(const struct paw_ice *ice, const uint8_t *id) {
  for (int i = 0; i < ice->pairs.count; i++) {
    struct ice_pair *pair = paw_ice_pair(ice, i);
    if (pair->check.sends > 0 && memcmp(pair->check.id, id, PAW_STUN_ID_LEN) == 0) {
      return pair;
    }
  }
  return NULL;
}

int paw_ice_transaction_find_consent(const struct paw_ice *ice, const uint8_t *id) {
  for (int i = 0; i < PAW_ICE_CONSENT_CHECKS_MAX; i++) {
    if (ice->path.asked[i].sent_ns != 0 &&
        memcmp(ice->path.asked[i].id, id, PAW_STUN_ID_LEN) == 0) {
      return i;
    }
  }
  return -1;
}

/* RFC 8445 section 7.1: PRIORITY, the role with its tie-breaker, USE-CANDIDATE; section 7.2.2:
 * "their ufrag:our ufrag" and their password. */
size_t paw_ice_transaction_write(struct paw_ice *ice, const struct ice_request *request) {
  uint8_t username[2 * PAW_ICE_CREDENTIAL_MAX + 1];
  struct paw_wr text = paw_wr_init(username, sizeof username);
  paw_wr_bytes(&text, request->remote->ufrag, strlen(request->remote->ufrag));
  paw_wr_u8(&text, ':');
  paw_wr_bytes(&text, request->local->ufrag, strlen(request->local->ufrag));
  bool controlling = ice->role == PAW_ICE_CONTROLLING;
  struct paw_stun_message message = {
      .class = PAW_STUN_REQUEST,
      .method = PAW_STUN_METHOD_BINDING,
      .has = PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_PRIORITY | PAW_STUN_HAS_INTEGRITY |
             PAW_STUN_HAS_FINGERPRINT,
      .username = {username, text.len},
      .priority = request->priority,
      .controlling = ice->tie_breaker,
      .controlled = ice->tie_breaker,
  };
  message.has |= controlling ? PAW_STUN_HAS_CONTROLLING : PAW_STUN_HAS_CONTROLLED;
  if (controlling && request->nominates) {
    message.has |= PAW_STUN_HAS_USE_CANDIDATE;
  }
  memcpy(message.id, request->id, sizeof message.id);
  struct paw_wr wr = paw_wr_init(ice->message, PAW_ICE_MESSAGE_MAX);
  int status = paw_stun_write(&wr, &message, request->remote_key);
  if (status != PAW_OK || text.bad) {
    paw_log_write(&ice->config.log, PAW_LOG_ERROR, ICE_LOG_ROOM, "a check was not written: %s",
                  paw_strerror(status));
    return 0;
  }
  ice->stats.requests_sent++;
  return wr.len;
}

void paw_ice_transmit_fill(struct paw_transmit *transmit, const struct paw_ice *ice,
                           const struct paw_address *local, const struct paw_address *remote,
                           size_t len) {
  *transmit =
      (struct paw_transmit){.local = *local, .remote = *remote, .data = ice->message, .len = len};
  /* A link-local address signalled by the peer has no scope of its own. */
  if (paw_address_is_link_local(remote) && transmit->remote.scope_id == 0) {
    transmit->remote.scope_id = local->scope_id;
  }
}
