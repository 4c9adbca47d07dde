/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "base/addr.h"
#include "ice/ice_private.h"

/* ---- state ---- */

/*            set_remote           a valid pair
 *     NEW ---------------> CHECKING ------------> CONNECTED
 *      |  \__________________|_____________________^  |  ^
 *      |     (its checks may  \   connect_timeout     v  |  life, disconnect_ns without
 *      |      come first)      `----------> FAILED <- DISCONNECTED
 *      |                                     |   consent_timeout
 *      `--------------- restart -------------'
 *     any -> CLOSED                                  (RFC 8445 section 6.1.2.6, W3C WebRTC 5.6.4)
 *     CONNECTED, DISCONNECTED -> CHECKING: the path of before a restart is gone, but the new
 *     generation has only begun
 */
static bool may_move(enum paw_ice_state from, enum paw_ice_state to) {
  static const uint8_t moves[] = {
      [PAW_ICE_STATE_NEW] = 1 << PAW_ICE_STATE_CHECKING | 1 << PAW_ICE_STATE_CONNECTED,
      [PAW_ICE_STATE_CHECKING] =
          1 << PAW_ICE_STATE_NEW | 1 << PAW_ICE_STATE_CONNECTED | 1 << PAW_ICE_STATE_FAILED,
      [PAW_ICE_STATE_CONNECTED] =
          1 << PAW_ICE_STATE_CHECKING | 1 << PAW_ICE_STATE_DISCONNECTED | 1 << PAW_ICE_STATE_FAILED,
      [PAW_ICE_STATE_DISCONNECTED] = 1 << PAW_ICE_STATE_NEW | 1 << PAW_ICE_STATE_CHECKING |
                                     1 << PAW_ICE_STATE_CONNECTED | 1 << PAW_ICE_STATE_FAILED,
      [PAW_ICE_STATE_FAILED] = 1 << PAW_ICE_STATE_NEW,
      [PAW_ICE_STATE_CLOSED] = 0,
  };
  return to == PAW_ICE_STATE_CLOSED || (moves[from] & (1 << to)) != 0;
}

static void set_state(struct paw_ice *ice, enum paw_ice_state state, enum paw_ice_reason reason) {
  if (ice->state == state) {
    return;
  }
  assert(may_move(ice->state, state));
  bool is_plain = reason == PAW_ICE_REASON_NONE;
  paw_log_write(&ice->config.log, state == PAW_ICE_STATE_FAILED ? PAW_LOG_WARNING : PAW_LOG_INFO,
                ICE_LOG_ROOM, "%s -> %s%s%s", paw_ice_state_text(ice->state),
                paw_ice_state_text(state), is_plain ? "" : ": ",
                is_plain ? "" : paw_ice_reason_text(reason));
  ice->state = state;
  ice->reason = reason;
}

const char *paw_ice_reason_text(enum paw_ice_reason reason) {
  switch (reason) {
#define PAW_ICE_REASON_TEXT(name, text)                                                            \
  case PAW_ICE_REASON_##name:                                                                      \
    return text;
    PAW_ICE_REASON_MAP(PAW_ICE_REASON_TEXT)
#undef PAW_ICE_REASON_TEXT
  }
  return "unknown reason";
}

const char *paw_ice_state_text(enum paw_ice_state state) {
  switch (state) {
#define PAW_ICE_STATE_TEXT(name, text)                                                             \
  case PAW_ICE_STATE_##name:                                                                       \
    return text;
    PAW_ICE_STATE_MAP(PAW_ICE_STATE_TEXT)
#undef PAW_ICE_STATE_TEXT
  }
  return "unknown state";
}

void paw_ice_update_state(struct paw_ice *ice) {
  if (paw_ice_is_over(ice)) {
    return;
  }
  bool alive = paw_time_elapsed(paw_ice_now(ice), ice->life_ns) < paw_ice_silence_max_ns(ice);
  bool was_connected =
      ice->state == PAW_ICE_STATE_CONNECTED || ice->state == PAW_ICE_STATE_DISCONNECTED;
  bool has_path = ice->path.kind != ICE_PATH_NONE;
  bool begins = !has_path && paw_ice_has_remote_credentials(ice) && ice->first_valid_ns == 0;
  if (has_path && (alive || !was_connected)) {
    set_state(ice, PAW_ICE_STATE_CONNECTED, PAW_ICE_REASON_NONE);
  } else if (begins) {
    set_state(ice, PAW_ICE_STATE_CHECKING, PAW_ICE_REASON_NONE);
  } else if (was_connected) {
    set_state(ice, PAW_ICE_STATE_DISCONNECTED,
              has_path ? PAW_ICE_REASON_SILENCE : PAW_ICE_REASON_NO_PATH);
  }
}

void paw_ice_note_life(struct paw_ice *ice) {
  ice->life_ns = paw_ice_now(ice);
  paw_ice_update_state(ice);
}

void paw_ice_note_restart(struct paw_ice *ice) {
  if (ice->path.kind == ICE_PATH_NONE) {
    set_state(ice, PAW_ICE_STATE_NEW, PAW_ICE_REASON_NONE);
  }
}

void paw_ice_fail(struct paw_ice *ice, enum paw_ice_reason reason) {
  paw_ice_path_drop(ice);
  set_state(ice, PAW_ICE_STATE_FAILED, reason);
}

/* ---- life cycle ---- */

void paw_ice_advance(struct paw_ice *ice, uint64_t now_ns) {
  (void)paw_clock_advance(&ice->clock, now_ns == 0 ? 1 : now_ns);
}

void paw_ice_config_init(struct paw_ice_config *config) {
  *config = (struct paw_ice_config){
      .struct_size = sizeof *config,
      .mode = PAW_ICE_FULL,
      .role = PAW_ICE_CONTROLLED,
      .ta_ns = 5 * PAW_NS_PER_MS,
      .initial_rto_ns = 50 * PAW_NS_PER_MS,
      .check_timeout_ns = 8 * PAW_NS_PER_S,
      .consent_timeout_ns = 30 * PAW_NS_PER_S,
      .disconnect_ns = 5 * PAW_NS_PER_S,
      .connect_timeout_ns = 39500 * PAW_NS_PER_MS,
  };
}

int paw_ice_new_lean(const struct paw_ice_config *given, uint64_t now_ns, struct paw_ice **out) {
  struct paw_ice_config config;
  paw_ice_config_init(&config);
  if (paw_config_take(&config, sizeof config, given) != PAW_OK || config.rng.fill == NULL ||
      config.initial_rto_ns < PAW_NS_PER_MS ||
      config.initial_rto_ns > ICE_RTO_INITIAL_MAX_MS * PAW_NS_PER_MS || config.ta_ns == 0) {
    return PAW_ERR_INVALID;
  }
  struct paw_ice *ice = paw_mem_alloc(&config.allocator, sizeof *ice);
  if (ice == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  ice->config = config;
  paw_ice_advance(ice, now_ns);
  ice->role = paw_ice_is_lite(ice) ? PAW_ICE_CONTROLLED : config.role;
  ice->selected = ICE_PAIR_NONE;
  paw_ring_init(&ice->answers, PAW_ICE_ANSWERS_INITIAL_BYTES, PAW_ICE_ANSWERS_MAX_BYTES);
  int status = paw_ice_credentials_make(ice, &ice->local_credentials, &ice->local_key);
  if (status == PAW_OK) {
    status = paw_rng_u64(&ice->config.rng, &ice->tie_breaker);
  }
  if (status != PAW_OK) {
    paw_ice_free(ice);
    return status;
  }
  *out = ice;
  return PAW_OK;
}

int paw_ice_new(const struct paw_ice_config *config, uint64_t now_ns, struct paw_ice **out) {
  struct paw_ice *ice = NULL;
  int status = paw_ice_new_lean(config, now_ns, &ice);
  if (status != PAW_OK) {
    return status;
  }
  ice->own_message = paw_mem_alloc(&ice->config.allocator, PAW_ICE_MESSAGE_MAX);
  if (ice->own_message == NULL) {
    paw_ice_free(ice);
    return PAW_ERR_NO_MEMORY;
  }
  *out = ice;
  return PAW_OK;
}

void paw_ice_free(struct paw_ice *ice) {
  if (ice == NULL) {
    return;
  }
  struct paw_allocator allocator = ice->config.allocator;
  paw_ice_path_drop(ice);
  paw_ring_wipe(&ice->answers, &allocator);
  paw_mem_free(&allocator, ice->locals.items);
  paw_mem_free(&allocator, ice->remotes.items);
  paw_mem_free(&allocator, ice->pairs.items);
  paw_mem_free(&allocator, ice->own_message);
  paw_mem_wipe(ice, sizeof *ice);
  paw_mem_free(&allocator, ice);
}

void paw_ice_close(struct paw_ice *ice) {
  paw_ice_path_drop(ice);
  set_state(ice, PAW_ICE_STATE_CLOSED, PAW_ICE_REASON_NONE);
}

/* ---- time ---- */

static uint64_t connect_by_ns(const struct paw_ice *ice) {
  if (ice->state != PAW_ICE_STATE_CHECKING) {
    return PAW_TIME_NEVER;
  }
  uint64_t since_ns = ice->started_ns == 0 ? paw_ice_now(ice) : ice->started_ns;
  return paw_time_add(since_ns, ice->config.connect_timeout_ns);
}

static void handle_time(struct paw_ice *ice) {
  if (paw_ice_is_over(ice)) {
    return;
  }
  if (paw_ice_has_remote_credentials(ice) && ice->started_ns == 0) {
    ice->started_ns = paw_ice_now(ice);
  }
  paw_ice_check_handle_timeout(ice);
  paw_ice_select_handle_timeout(ice);
  paw_ice_consent_handle_timeout(ice);
  paw_ice_update_state(ice);
  if (paw_time_due(connect_by_ns(ice), paw_ice_now(ice))) { /* last: a lost path may lead here */
    paw_ice_fail(ice, PAW_ICE_REASON_NO_PAIR);
  }
}

/* ---- negotiation ---- */

int paw_ice_set_remote(struct paw_ice *ice, const struct paw_ice_credentials *remote,
                       bool remote_lite) {
  if (!paw_ice_credentials_are_good(remote)) {
    return PAW_ERR_INVALID;
  }
  if (paw_ice_is_over(ice)) {
    return PAW_ERR_STATE;
  }
  if (paw_ice_has_remote_credentials(ice)) {
    bool same = strcmp(ice->remote_credentials.ufrag, remote->ufrag) == 0 &&
                strcmp(ice->remote_credentials.pwd, remote->pwd) == 0;
    return same ? PAW_OK : PAW_ERR_STATE;
  }
  if (paw_hmac_key_init(&ice->remote_key, (const uint8_t *)remote->pwd, strlen(remote->pwd)) !=
      PAW_OK) {
    return PAW_ERR_CRYPTO;
  }
  ice->remote_credentials = *remote;
  ice->remote_lite = remote_lite;
  ice->started_ns = 0;
  if (remote_lite && !paw_ice_is_lite(ice)) {
    ice->role = PAW_ICE_CONTROLLING;
  }
  paw_ice_update_state(ice);
  return PAW_OK;
}

int paw_ice_set_role(struct paw_ice *ice, enum paw_ice_role role) {
  if (ice->stats.requests_sent > 0 || paw_ice_is_over(ice)) {
    return PAW_ERR_STATE;
  }
  if (!paw_ice_is_lite(ice) && !ice->remote_lite) {
    ice->role = role;
  }
  return PAW_OK;
}

int paw_ice_add_local_candidate(struct paw_ice *ice, const struct paw_candidate *candidate) {
  bool has_base = candidate->base.family != PAW_FAMILY_NONE;
  if (!paw_ice_address_is_usable(&candidate->address) ||
      (has_base && !paw_ice_address_is_usable(&candidate->base))) {
    return PAW_ERR_INVALID;
  }
  if (paw_ice_is_lite(ice) && candidate->type != PAW_CANDIDATE_HOST) {
    return PAW_ERR_UNSUPPORTED;
  }
  if (paw_ice_is_over(ice)) {
    return PAW_ERR_STATE;
  }
  uint16_t before = ice->locals.count;
  int status = paw_ice_pairs_reserve(ice, ice->remotes.count);
  if (status == PAW_OK) {
    status = paw_ice_local_add(ice, candidate);
  }
  if (ice->locals.count > before) {
    paw_ice_pairs_of_local(ice, before);
  }
  return status;
}

int paw_ice_remove_local_candidate(struct paw_ice *ice, const struct paw_address *address) {
  if (paw_ice_is_over(ice)) {
    return PAW_ERR_STATE;
  }
  paw_ice_local_remove(ice, address);
  if (ice->path.kind == ICE_PATH_PAST && paw_address_equal(&ice->path.local, address)) {
    paw_ice_path_drop(ice);
  }
  paw_ice_select(ice);
  handle_time(ice);
  return PAW_OK;
}

size_t paw_ice_get_local_candidates(const struct paw_ice *ice, struct paw_candidate *out,
                                    size_t max) {
  size_t count = 0;
  for (int i = 0; i < ice->locals.count; i++) {
    const struct paw_candidate *candidate = paw_ice_local(ice, i);
    size_t place = count;
    while (place > 0 && out[place - 1].priority < candidate->priority) {
      place--;
    }
    if (place >= max) {
      continue;
    }
    count += count < max ? 1 : 0;
    memmove(&out[place + 1], &out[place], (count - 1 - place) * sizeof *out);
    out[place] = *candidate;
  }
  return count;
}

int paw_ice_add_remote_candidate(struct paw_ice *ice, const struct paw_candidate *candidate) {
  if (!paw_ice_address_is_usable(&candidate->address)) {
    return PAW_ERR_INVALID;
  }
  if (paw_ice_is_over(ice)) {
    return PAW_ERR_STATE;
  }
  size_t remotes_max = ice->remotes.count < PAW_ICE_REMOTES_MAX ? (size_t)ice->remotes.count + 1
                                                                : PAW_ICE_REMOTES_MAX;
  if (paw_ice_pairs_reserve(ice, ice->locals.count) != PAW_OK ||
      paw_ice_table_reserve(ice, &ice->remotes, sizeof(struct ice_remote), remotes_max) != PAW_OK) {
    return PAW_ERR_NO_MEMORY;
  }
  int index = paw_ice_remote_add(ice, &candidate->address, candidate->type, candidate->priority);
  if (index < 0) {
    return PAW_ERR_LIMIT;
  }
  paw_ice_pairs_of_remote(ice, index);
  return PAW_OK;
}

int paw_ice_end_remote_candidates(struct paw_ice *ice) {
  if (paw_ice_is_over(ice)) {
    return PAW_ERR_STATE;
  }
  /* RFC 8863 section 4: checks from addresses not signalled may still come, so nothing ends yet. */
  return PAW_OK;
}

/* ---- asking ---- */

const struct paw_ice_credentials *paw_ice_get_credentials(const struct paw_ice *ice) {
  return &ice->local_credentials;
}

const struct paw_ice_credentials *paw_ice_get_remote_credentials(const struct paw_ice *ice) {
  static const struct paw_ice_credentials none;
  return paw_ice_has_remote_credentials(ice) ? &ice->remote_credentials : &none;
}

const char *paw_ice_get_last_remote_ufrag(const struct paw_ice *ice) {
  return ice->remote_credentials.ufrag;
}

uint32_t paw_ice_get_restart_count(const struct paw_ice *ice) {
  return ice->restart_count;
}

bool paw_ice_is_valid_pair(const struct paw_ice *ice, const struct paw_address *local,
                           const struct paw_address *remote) {
  if (paw_ice_is_over(ice)) {
    return false;
  }
  if (paw_ice_path_is(ice, local, remote)) { /* first: nearly always it is this one */
    return true;
  }
  const struct ice_pair *pair = paw_ice_pair_find(ice, local, remote);
  return pair != NULL && pair->heard_ns != 0;
}

bool paw_ice_get_selected_pair(const struct paw_ice *ice, struct paw_address *local,
                               struct paw_address *remote) {
  if (ice->path.kind == ICE_PATH_NONE) {
    return false;
  }
  *local = ice->path.local;
  *remote = ice->path.remote;
  return true;
}

uint64_t paw_ice_get_rtt_ns(const struct paw_ice *ice) {
  return ice->rtt_ns;
}

enum paw_ice_state paw_ice_get_state(const struct paw_ice *ice) {
  return ice->state;
}

enum paw_ice_role paw_ice_get_role(const struct paw_ice *ice) {
  return ice->role;
}

enum paw_ice_mode paw_ice_get_mode(const struct paw_ice *ice) {
  return ice->config.mode;
}

void paw_ice_get_stats(const struct paw_ice *ice, struct paw_ice_stats *out) {
  *out = ice->stats;
}

static bool begins_with_ufrag(struct paw_slice ufrag, const struct paw_ice_credentials *mine) {
  return ufrag.len == strlen(mine->ufrag) && memcmp(ufrag.data, mine->ufrag, ufrag.len) == 0;
}

bool paw_ice_accepts(const struct paw_ice *ice, const struct paw_input *input) {
  if (input->kind != PAW_INPUT_RECEIVE || !paw_stun_is_message(input->data, input->len)) {
    return false;
  }
  struct paw_slice username;
  const uint8_t *id = paw_stun_peek_id(input->data);
  switch (paw_stun_peek_class(input->data)) {
  case PAW_STUN_REQUEST:
    if (!paw_stun_peek_username(input->data, input->len, &username)) {
      return false;
    }
    username = paw_stun_username_ufrag(username);
    return begins_with_ufrag(username, &ice->local_credentials) ||
           (ice->past != NULL && begins_with_ufrag(username, &ice->past->local));
  case PAW_STUN_SUCCESS:
  case PAW_STUN_ERROR:
    return paw_ice_transaction_find_pair(ice, id) != NULL ||
           paw_ice_transaction_find_consent(ice, id) >= 0;
  case PAW_STUN_INDICATION:
    return paw_ice_is_valid_pair(ice, &input->local, &input->remote);
  }
  return false;
}

/* ---- input ---- */

static void handle_datagram(struct paw_ice *ice, const struct paw_input *input) {
  struct paw_stun_message message;
  enum paw_stun_fault fault = paw_stun_read(input->data, input->len, &message);
  if (fault != PAW_STUN_FAULT_NONE || message.method != PAW_STUN_METHOD_BINDING) {
    ice->stats.dropped_malformed++;
    return;
  }
  if (!paw_stun_check_fingerprint(&message)) {
    ice->stats.dropped_fingerprint++;
    return;
  }
  switch (message.class) {
  case PAW_STUN_REQUEST:
    paw_ice_answer_handle_request(ice, input, &message);
    return;
  case PAW_STUN_SUCCESS:
  case PAW_STUN_ERROR:
    paw_ice_check_handle_response(ice, input, &message);
    return;
  case PAW_STUN_INDICATION: /* a keep-alive: proves nothing (RFC 8445 section 11) */
    return;
  }
}

int paw_ice_handle_input(struct paw_ice *ice, const struct paw_input *input) {
  bool receives = input->kind == PAW_INPUT_RECEIVE;
  if (receives &&
      ((input->data == NULL && input->len > 0) || input->local.family == PAW_FAMILY_NONE ||
       input->remote.family == PAW_FAMILY_NONE)) {
    return PAW_ERR_INVALID;
  }
  if (ice->state == PAW_ICE_STATE_CLOSED) {
    return PAW_ERR_STATE;
  }
  paw_ice_advance(ice, input->now_ns);
  if (receives) { /* before time is looked at: what came in time must not seem late */
    handle_datagram(ice, input);
  }
  handle_time(ice);
  return PAW_OK;
}

bool paw_ice_is_usual(const struct paw_ice *ice, const struct paw_address *local,
                      const struct paw_address *remote) {
  return ice->state == PAW_ICE_STATE_CONNECTED && ice->told_state == ice->state &&
         ice->selected != ICE_PAIR_NONE && paw_ice_pair(ice, ice->selected)->heard_ns != 0 &&
         paw_ice_path_is(ice, local, remote);
}

bool paw_ice_note_usual(struct paw_ice *ice, uint64_t now_ns) {
  paw_ice_advance(ice, now_ns);
  struct ice_pair *selected = paw_ice_pair(ice, ice->selected);
  bool hears_first = ice->life_ns < ice->sending_ns; /* since it sends: 10 s become 5 s */
  ice->life_ns = paw_ice_now(ice);
  selected->heard_ns = paw_ice_now(ice);
  selected->data_ns = paw_ice_now(ice);
  bool begins = paw_ice_path_note_data(ice);
  if (!paw_ice_consent_is_over(ice)) {
    return begins || hears_first;
  }
  handle_time(ice); /* after a leap of the clock */
  return true;
}

void paw_ice_note_authenticated(struct paw_ice *ice, uint64_t now_ns,
                                const struct paw_address *local, const struct paw_address *remote) {
  if (paw_ice_is_over(ice)) {
    return;
  }
  if (paw_ice_is_usual(ice, local, remote)) {
    (void)paw_ice_note_usual(ice, now_ns);
    return;
  }
  paw_ice_advance(ice, now_ns);
  struct ice_pair *pair = paw_ice_pair_find(ice, local, remote);
  bool on_path = paw_ice_path_is(ice, local, remote);
  if (on_path || (pair != NULL && pair->heard_ns != 0)) {
    paw_ice_note_life(ice);
  }
  if (pair != NULL && pair->heard_ns != 0) {
    pair->heard_ns = paw_ice_now(ice);
    paw_ice_check_renew(ice, pair);
    paw_ice_select_follow_data(ice, pair);
    pair->data_ns = paw_ice_now(ice);
    paw_ice_select_replace_silent(ice, pair, ICE_SILENT_NS);
  }
  if (on_path) {
    (void)paw_ice_path_note_data(ice);
  }
  handle_time(ice);
}

/* ---- output ---- */

static void fill_event(const struct paw_ice *ice, enum paw_ice_event_kind kind,
                       struct paw_ice_event *event) {
  *event = (struct paw_ice_event){.kind = kind, .state = ice->state, .reason = ice->reason};
}

static bool poll_event(struct paw_ice *ice, struct paw_ice_event *event) {
  for (int i = 0; i < ice->pairs.count; i++) {
    struct ice_pair *pair = paw_ice_pair(ice, i);
    if ((pair->flags & ICE_PAIR_TELL_VALID) != 0) {
      pair->flags &= (uint8_t)~ICE_PAIR_TELL_VALID;
      fill_event(ice, PAW_ICE_EVENT_VALID_PAIR, event);
      event->local = *paw_ice_pair_local(ice, pair);
      event->remote = *paw_ice_pair_remote(ice, pair);
      return true;
    }
  }
  if (ice->tell_selected) {
    ice->tell_selected = false;
    fill_event(ice, PAW_ICE_EVENT_SELECTED_PAIR, event);
    event->local = ice->path.local;
    event->remote = ice->path.remote;
    return true;
  }
  if (ice->told_state != ice->state) {
    ice->told_state = ice->state;
    fill_event(ice, PAW_ICE_EVENT_STATE, event);
    return true;
  }
  return false;
}

static struct paw_timeout next_timeout(const struct paw_ice *ice) {
  struct paw_timeout timeout = {.deadline_ns = PAW_TIME_NEVER, .reason = PAW_TIMEOUT_NONE};
  if (paw_ice_is_over(ice)) {
    return timeout;
  }
  paw_timeout_earliest(&timeout, paw_ice_check_next_timeout(ice), PAW_TIMEOUT_ICE_CHECK);
  paw_timeout_earliest(&timeout, paw_ice_select_next_timeout(ice), PAW_TIMEOUT_ICE_CHECK);
  paw_timeout_earliest(&timeout, connect_by_ns(ice), PAW_TIMEOUT_ICE_CHECK);
  paw_ice_consent_next_timeout(ice, &timeout);
  return timeout;
}

void paw_ice_poll_into(struct paw_ice *ice, uint8_t *message, struct paw_ice_output *out) {
  ice->message = message;
  if (paw_ice_answer_poll(ice, &out->transmit) || paw_ice_check_poll(ice, &out->transmit) ||
      paw_ice_consent_poll(ice, &out->transmit)) {
    out->kind = PAW_OUTPUT_TRANSMIT;
  } else if (poll_event(ice, &out->event)) {
    out->kind = PAW_OUTPUT_EVENT;
  } else {
    out->kind = PAW_OUTPUT_TIMEOUT;
    out->timeout = next_timeout(ice);
  }
}

void paw_ice_poll_output(struct paw_ice *ice, struct paw_ice_output *out) {
  assert(ice->own_message != NULL);
  paw_ice_poll_into(ice, ice->own_message, out);
}
