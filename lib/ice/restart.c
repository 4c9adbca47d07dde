/* SPDX-License-Identifier: MIT */
#include "ice/ice_private.h"

/* RFC 8445 section 5.3 asks for 24 and 128 bits; the ufrag is long enough to be unique among a
 * thousand peers behind one socket. */
#define UFRAG_LEN 8
#define PWD_LEN 24
#define UFRAG_MIN_LEN 4
#define PWD_MIN_LEN 22

int paw_ice_credentials_make(struct paw_ice *ice, struct paw_ice_credentials *out,
                             struct paw_hmac_key *key) {
  memset(out, 0, sizeof *out);
  int status = paw_rng_text(&ice->config.rng, out->ufrag, UFRAG_LEN);
  if (status == PAW_OK) {
    status = paw_rng_text(&ice->config.rng, out->pwd, PWD_LEN);
  }
  if (status == PAW_OK) {
    status = paw_hmac_key_init(key, (const uint8_t *)out->pwd, PWD_LEN);
  }
  return status;
}

static bool is_ice_text(const char *text, size_t min_len) {
  size_t len = 0;
  while (len <= PAW_ICE_CREDENTIAL_MAX && text[len] != '\0') {
    char c = text[len++];
    bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    /* RFC 8839 section 5.4 has the first two; Chromium takes the others too, and peers send them.
     */
    if (!alphanumeric && strchr("+/-=#_", c) == NULL) {
      return false;
    }
  }
  return len >= min_len && len <= PAW_ICE_CREDENTIAL_MAX;
}

bool paw_ice_credentials_are_good(const struct paw_ice_credentials *credentials) {
  return is_ice_text(credentials->ufrag, UFRAG_MIN_LEN) &&
         is_ice_text(credentials->pwd, PWD_MIN_LEN);
}

/* RFC 8445 section 9: the path of before goes on; RFC 7675 section 5.1: so do checks on it, with
 * the credentials of before. */
static int keep_path(struct paw_ice *ice) {
  if (ice->path.kind == ICE_PATH_NONE || ice->path.kind == ICE_PATH_PAST) {
    return PAW_OK;
  }
  struct ice_past *past = paw_mem_alloc(&ice->config.allocator, sizeof *past);
  if (past == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  past->local = ice->local_credentials;
  past->remote = ice->remote_credentials;
  past->local_key = ice->local_key;
  past->remote_key = ice->remote_key;
  ice->past = past;
  ice->path.kind = ICE_PATH_PAST;
  return PAW_OK;
}

static void forget_learnt(struct paw_ice *ice) {
  ice->pairs.count = 0;
  ice->remotes.count = 0;
  ice->selected = ICE_PAIR_NONE;
  for (int i = ice->locals.count - 1; i >= 0; i--) {
    if (paw_ice_local(ice, i)->type == PAW_CANDIDATE_PEER_REFLEXIVE) {
      *paw_ice_local(ice, i) = *paw_ice_local(ice, ice->locals.count - 1);
      ice->locals.count--;
    }
  }
}

static void begin_generation(struct paw_ice *ice, const struct paw_ice_credentials *credentials,
                             const struct paw_hmac_key *key) {
  forget_learnt(ice);
  while (!paw_ring_is_empty(&ice->answers)) {
    paw_ring_pop(&ice->answers); /* they would be signed with the new password */
  }
  ice->local_credentials = *credentials;
  ice->local_key = *key;
  ice->restart_count++;
  paw_mem_wipe(ice->remote_credentials.pwd, sizeof ice->remote_credentials.pwd);
  paw_mem_wipe(&ice->remote_key, sizeof ice->remote_key);
  ice->remote_lite = false;
  ice->first_valid_ns = 0;
  paw_ice_note_restart(ice);
}

int paw_ice_restart(struct paw_ice *ice, uint64_t now_ns) {
  if (ice->state == PAW_ICE_STATE_CLOSED) {
    return PAW_ERR_STATE;
  }
  paw_ice_advance(ice, now_ns);
  struct paw_ice_credentials fresh;
  struct paw_hmac_key fresh_key;
  int status = paw_ice_credentials_make(ice, &fresh, &fresh_key);
  if (status == PAW_OK) {
    status = keep_path(ice);
  }
  if (status == PAW_OK) {
    begin_generation(ice, &fresh, &fresh_key);
  }
  paw_mem_wipe(&fresh, sizeof fresh);
  paw_mem_wipe(&fresh_key, sizeof fresh_key);
  return status;
}
