/* SPDX-License-Identifier: MIT */
#include "ice/ice_private.h"

/* An answer that waits for poll. Code 0 is success. */
struct ice_answer {
  uint8_t id[PAW_STUN_ID_LEN];
  uint16_t code;
  uint16_t request_len;
  bool past; /* by the credentials of before the restart */
  uint8_t unknown_count;
  uint16_t unknown[PAW_STUN_UNKNOWN_MAX];
  struct paw_address local;
  struct paw_address remote;
};

enum answer_code {
  ANSWER_SUCCESS = 0,
  ANSWER_BAD_REQUEST = 400,
  ANSWER_UNAUTHENTICATED = 401,
  ANSWER_UNKNOWN_ATTRIBUTE = 420,
  ANSWER_ROLE_CONFLICT = 487,
};

static struct ice_answer *push(struct paw_ice *ice, const struct paw_input *input,
                               const struct paw_stun_message *request, enum answer_code code,
                               bool past) {
  struct ice_answer *answer = paw_ring_push(&ice->answers, &ice->config.allocator, sizeof *answer);
  if (answer == NULL) {
    ice->stats.dropped_limit++;
    return NULL;
  }
  *answer = (struct ice_answer){.code = (uint16_t)code,
                                .request_len = (uint16_t)input->len,
                                .past = past,
                                .local = input->local,
                                .remote = input->remote};
  memcpy(answer->id, request->id, sizeof answer->id);
  return answer;
}

/* Who proved who he is gets answers, but at a bounded rate: each costs a hash and a datagram. */
static struct ice_answer *answer_peer(struct paw_ice *ice, const struct paw_input *input,
                                      const struct paw_stun_message *request, enum answer_code code,
                                      bool past) {
  uint64_t now_ns = paw_ice_now(ice);
  uint64_t spent_ns = ice->answer_ns > now_ns ? ice->answer_ns : now_ns;
  if (spent_ns - now_ns > (PAW_ICE_ANSWERS_SAVED_MAX - 1) * PAW_ICE_ANSWER_NS) {
    ice->stats.dropped_limit++;
    return NULL;
  }
  struct ice_answer *answer = push(ice, input, request, code, past);
  if (answer != NULL) {
    ice->answer_ns = paw_time_add(spent_ns, PAW_ICE_ANSWER_NS);
  }
  return answer;
}

/* ---- who asks ---- */

static bool equals(struct paw_slice slice, const char *text) {
  size_t len = strlen(text);
  return slice.len == len && memcmp(slice.data, text, len) == 0;
}

/* The key of the credentials that the request is for; NULL when it is not for this agent. */
static const struct paw_hmac_key *find_key(const struct paw_ice *ice,
                                           const struct paw_stun_message *request, bool *past) {
  struct paw_slice ufrag = paw_stun_username_ufrag(request->username);
  *past = false;
  if (equals(ufrag, ice->local_credentials.ufrag)) {
    return &ice->local_key;
  }
  if (ice->past != NULL && equals(ufrag, ice->past->local.ufrag)) {
    *past = true;
    return &ice->past->local_key;
  }
  return NULL;
}

/* To who proved nothing: rarely, without integrity, and never more bytes than came. */
static void refuse(struct paw_ice *ice, const struct paw_input *input,
                   const struct paw_stun_message *request, enum answer_code code) {
  if (ice->error_ns <= paw_ice_now(ice) && push(ice, input, request, code, false) != NULL) {
    ice->error_ns = paw_time_add(paw_ice_now(ice), ICE_ERROR_GAP_NS);
  }
}

/* RFC 8489 section 9.1.3. */
static bool authenticate(struct paw_ice *ice, const struct paw_input *input,
                         const struct paw_stun_message *request, bool *past) {
  if ((request->has & PAW_STUN_HAS_INTEGRITY) == 0 || (request->has & PAW_STUN_HAS_USERNAME) == 0) {
    ice->stats.dropped_integrity++;
    refuse(ice, input, request, ANSWER_BAD_REQUEST);
    return false;
  }
  const struct paw_hmac_key *key = find_key(ice, request, past);
  if (key == NULL) {
    ice->stats.dropped_username++;
    refuse(ice, input, request, ANSWER_UNAUTHENTICATED);
    return false;
  }
  if (!paw_stun_check_integrity(request, key)) {
    ice->stats.dropped_integrity++;
    refuse(ice, input, request, ANSWER_UNAUTHENTICATED);
    return false;
  }
  return true;
}

/* ---- what it asks ---- */

static void refuse_unknown(struct paw_ice *ice, const struct paw_input *input,
                           const struct paw_stun_message *request, bool past) {
  struct ice_answer *answer = answer_peer(ice, input, request, ANSWER_UNKNOWN_ATTRIBUTE, past);
  if (answer != NULL) {
    answer->unknown_count = (uint8_t)request->unknown_count;
    memcpy(answer->unknown, request->unknown, sizeof answer->unknown);
  }
}

static bool is_complete(const struct paw_stun_message *request) {
  uint32_t role = PAW_STUN_HAS_CONTROLLING | PAW_STUN_HAS_CONTROLLED;
  return (request->has & PAW_STUN_HAS_PRIORITY) != 0 && (request->has & role) != 0;
}

static void note_nomination(struct paw_ice *ice, struct ice_pair *pair, bool nominates) {
  bool first_time = (pair->flags & ICE_PAIR_NOMINATED) == 0;
  if (ice->role != PAW_ICE_CONTROLLED) {
    return;
  }
  if (!nominates) {
    pair->flags &= (uint8_t)~ICE_PAIR_LAST_NOMINATED;
    return;
  }
  pair->flags |= ICE_PAIR_LAST_NOMINATED;
  paw_ice_select_nominated(ice, pair, first_time);
}

/* RFC 8445 section 7.3.1.3 to 7.3.1.5; for a lite agent section 7.3.2: the check that came makes
 * the pair valid. */
static void take(struct paw_ice *ice, struct ice_pair *pair,
                 const struct paw_stun_message *request) {
  pair->heard_ns = paw_ice_now(ice);
  if (paw_ice_path_is(ice, paw_ice_pair_local(ice, pair), paw_ice_pair_remote(ice, pair))) {
    paw_ice_path_note_heard(ice);
  }
  paw_ice_note_life(ice);
  if (paw_ice_is_lite(ice)) {
    paw_ice_pair_set_state(ice, pair, ICE_PAIR_VALID);
  } else {
    paw_ice_check_trigger(ice, pair);
    paw_ice_check_renew(ice, pair);
  }
  note_nomination(ice, pair, (request->has & PAW_STUN_HAS_USE_CANDIDATE) != 0);
  paw_ice_select_replace_silent(ice, pair, ice->config.disconnect_ns);
  paw_ice_select(ice);
}

/* The old generation is answered on the old path only, which it keeps alive. */
static void take_past(struct paw_ice *ice, const struct paw_input *input,
                      const struct paw_stun_message *request) {
  if (!paw_ice_path_is(ice, &input->local, &input->remote)) {
    ice->stats.dropped_username++;
    return;
  }
  paw_ice_path_note_heard(ice);
  paw_ice_note_life(ice);
  (void)answer_peer(ice, input, request, ANSWER_SUCCESS, true);
}

static struct ice_pair *find_or_learn_pair(struct paw_ice *ice, int local,
                                           const struct paw_input *input, uint32_t priority) {
  int remote = paw_ice_remote_add(ice, &input->remote, PAW_CANDIDATE_PEER_REFLEXIVE, priority);
  return remote < 0 ? NULL : paw_ice_pair_add(ice, local, remote, paw_ice_now(ice));
}

void paw_ice_answer_handle_request(struct paw_ice *ice, const struct paw_input *input,
                                   const struct paw_stun_message *request) {
  ice->stats.requests_received++;
  int local = paw_ice_local_find(ice, &input->local);
  bool past = false;
  if (local < 0 && !paw_ice_path_is(ice, &input->local, &input->remote)) {
    ice->stats.dropped_unmatched++;
    return;
  }
  if (paw_ice_is_over(ice) || !authenticate(ice, input, request, &past)) {
    return;
  }
  if (request->unknown_count > 0) {
    refuse_unknown(ice, input, request, past);
    return;
  }
  if (!is_complete(request)) {
    (void)answer_peer(ice, input, request, ANSWER_BAD_REQUEST, past);
    return;
  }
  if (past) {
    take_past(ice, input, request);
    return;
  }
  if (!paw_ice_role_settle(ice, request)) {
    (void)answer_peer(ice, input, request, ANSWER_ROLE_CONFLICT, false);
    return;
  }
  struct ice_pair *pair =
      local < 0 ? NULL : find_or_learn_pair(ice, local, input, request->priority);
  if (pair == NULL) {
    ice->stats.dropped_limit++;
    return;
  }
  (void)answer_peer(ice, input, request, ANSWER_SUCCESS, false);
  take(ice, pair, request);
}

/* ---- answering ---- */

static struct paw_slice reason_text(enum answer_code code) {
  const char *text = "";
  switch (code) {
  case ANSWER_SUCCESS:
    break;
  case ANSWER_BAD_REQUEST:
    text = "Bad Request";
    break;
  case ANSWER_UNAUTHENTICATED:
    text = "Unauthenticated";
    break;
  case ANSWER_UNKNOWN_ATTRIBUTE:
    text = "Unknown Attribute";
    break;
  case ANSWER_ROLE_CONFLICT:
    text = "Role Conflict";
    break;
  }
  return (struct paw_slice){(const uint8_t *)text, strlen(text)};
}

/* Into ice->message; 0 on failure. */
static size_t seal(struct paw_ice *ice, const struct paw_stun_message *message,
                   const struct paw_hmac_key *key) {
  struct paw_wr wr = paw_wr_init(ice->message, PAW_ICE_MESSAGE_MAX);
  int status = paw_stun_write(&wr, message, key);
  return status == PAW_OK ? wr.len : 0;
}

/* An error is never longer than its request: addresses can be forged, by members too. A success is
 * shorter by itself, for a request that has one carries more. */
static size_t len_max(const struct ice_answer *answer, bool open) {
  return open ? answer->request_len - 1u : answer->request_len;
}

/* RFC 8489 section 9.1.4: integrity by the password that the request was for, and none on errors
 * about authentication itself. */
static size_t write_answer(struct paw_ice *ice, const struct ice_answer *answer) {
  struct paw_stun_message message = {
      .class = answer->code == ANSWER_SUCCESS ? PAW_STUN_SUCCESS : PAW_STUN_ERROR,
      .method = PAW_STUN_METHOD_BINDING,
      .has = PAW_STUN_HAS_FINGERPRINT,
      .xor_mapped = answer->remote,
      .error_code = answer->code,
      .error_reason = reason_text((enum answer_code)answer->code),
      .listed_count = answer->unknown_count,
  };
  memcpy(message.id, answer->id, sizeof message.id);
  memcpy(message.listed, answer->unknown, sizeof message.listed);
  message.has |= answer->code == ANSWER_SUCCESS ? PAW_STUN_HAS_XOR_MAPPED : PAW_STUN_HAS_ERROR;
  if (answer->code == ANSWER_UNKNOWN_ATTRIBUTE) {
    message.has |= PAW_STUN_HAS_LISTED;
  }
  bool open = answer->code == ANSWER_BAD_REQUEST || answer->code == ANSWER_UNAUTHENTICATED;
  if (!open) {
    message.has |= PAW_STUN_HAS_INTEGRITY;
  }
  if (answer->past && ice->past == NULL) {
    return 0; /* the old generation ended while the answer waited */
  }
  const struct paw_hmac_key *key = answer->past ? &ice->past->local_key : &ice->local_key;
  size_t len = seal(ice, &message, key);
  if (answer->code != ANSWER_SUCCESS && len > len_max(answer, open)) {
    message.error_reason.len = 0;
    len = seal(ice, &message, key);
  }
  return answer->code != ANSWER_SUCCESS && len > len_max(answer, open) ? 0 : len;
}

bool paw_ice_answer_poll(struct paw_ice *ice, struct paw_transmit *out) {
  size_t record_len = 0;
  struct ice_answer *answer = paw_ring_front(&ice->answers, &record_len);
  while (answer != NULL) {
    size_t len = paw_ice_is_over(ice) ? 0 : write_answer(ice, answer);
    paw_ice_transmit_fill(out, ice, &answer->local, &answer->remote, len);
    paw_ring_pop(&ice->answers);
    if (len > 0) {
      ice->stats.responses_sent++;
      return true;
    }
    answer = paw_ring_front(&ice->answers, &record_len);
  }
  return false;
}
