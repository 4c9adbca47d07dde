/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/mem.h"
#include "dtls/private.h"

#include <assert.h>

/* The last flight is repeated for a peer that asks for it, but not for a flood that pretends to. */
#define LAST_FLIGHT_INTERVAL_NS (20 * PAW_NS_PER_MS)

/* Unasked it is repeated twice, 20 and 60 ms after it was sent: only the client has a timer for it
 * (RFC 6347 section 4.2.4), and OpenSSL's and pion's is 1 s. */
#define LAST_FLIGHT_REPEATS 2
#define LAST_FLIGHT_FIRST_REPEAT_NS (20 * PAW_NS_PER_MS)
#define LAST_FLIGHT_NEXT_REPEAT_NS (40 * PAW_NS_PER_MS)

/* A lost close_notify leaves the peer waiting for its consent to expire, so it is sent twice. */
#define CLOSE_NOTIFY_COPIES 2

/* Nobody signs a fatal alert in clear. It is believed once so many retransmissions since it found
 * no answer: 750 ms when it came right behind a flight. A peer that goes on has not sent it, and
 * with each of its datagrams twice as much silence is needed, up to all there is in a handshake. */
#define REFUSAL_PATIENCE_MIN 4
#define REFUSAL_PATIENCE_MAX 64

#define ALERT_FATAL 2
#define ALERT_CLOSE_NOTIFY 0

struct early_datagram {
  struct early_datagram *next;
  size_t len;
  uint8_t data[];
};

/*
 *            start               finished, fingerprint and profile right
 *    NEW ------------> HANDSHAKE ------------> CONNECTED
 *     |                    |                       |
 *     | close              | close, failure,       | close,
 *     |                    | alert, timeout        | alert of the peer
 *     v                    v                       v
 *    CLOSED <--------------+-----------------------+
 */
static const bool moves[4][4] = {
    [PAW_DTLS_STATE_NEW] = {[PAW_DTLS_STATE_HANDSHAKE] = true, [PAW_DTLS_STATE_CLOSED] = true},
    [PAW_DTLS_STATE_HANDSHAKE] =
        {[PAW_DTLS_STATE_CONNECTED] = true, [PAW_DTLS_STATE_CLOSED] = true},
    [PAW_DTLS_STATE_CONNECTED] = {[PAW_DTLS_STATE_CLOSED] = true},
};

struct paw_dtls {
  struct paw_dtls_config config;
  struct paw_clock clock;
  enum paw_dtls_state state;
  enum paw_dtls_role role;
  enum paw_dtls_reason reason;
  unsigned events_due; /* a bit for each enum paw_dtls_event_kind */
  size_t fingerprint_count;
  struct paw_fingerprint fingerprints[PAW_DESCRIPTION_FINGERPRINTS_MAX];
  size_t early_count;
  struct early_datagram *early; /* oldest first */
  uint64_t give_up_ns;          /* while in HANDSHAKE */
  unsigned refusal_patience; /* 0: no fatal alert in clear came; else how much silence proves it */
  unsigned silence;          /* retransmissions since then, or since the peer's last word */
  struct paw_dtls_handshake *handshake;
  struct paw_ring out; /* what the handshake wants sent */
  struct paw_dtls_result result;
  unsigned close_notify_due;  /* copies to send */
  unsigned last_flight_due;   /* 0 or 1 */
  unsigned repeats_left;      /* of the last flight, unasked */
  uint64_t repeat_ns;         /* when, if there are any */
  uint64_t last_flight_at_ns; /* not again before */
  struct paw_dtls_stats stats;
};

static const char *const state_names[] = {"new", "handshake", "connected", "closed"};

static void set_state(struct paw_dtls *dtls, enum paw_dtls_state state) {
  assert(moves[dtls->state][state]);
  paw_log_write(&dtls->config.log, PAW_LOG_DEBUG, "dtls", "%s -> %s", state_names[dtls->state],
                state_names[state]);
  dtls->state = state;
  if (state == PAW_DTLS_STATE_CONNECTED) {
    dtls->events_due |= 1u << PAW_DTLS_EVENT_CONNECTED;
  } else if (state == PAW_DTLS_STATE_CLOSED) {
    dtls->events_due |= 1u << PAW_DTLS_EVENT_CLOSED;
  }
}

const char *paw_dtls_reason_text(enum paw_dtls_reason reason) {
  static const char *const texts[] = {
#define REASON_TEXT(name, text) [PAW_DTLS_REASON_##name] = (text),
      PAW_DTLS_REASON_MAP(REASON_TEXT)
#undef REASON_TEXT
  };
  size_t index = (size_t)reason;
  return index < sizeof texts / sizeof texts[0] ? texts[index] : "unknown reason";
}

/* ---- life ---- */

void paw_dtls_config_init(struct paw_dtls_config *config) {
  *config = (struct paw_dtls_config){
      .struct_size = sizeof *config,
      .initial_rto_ns = 50 * PAW_NS_PER_MS,
      .handshake_timeout_ns = 30 * PAW_NS_PER_S,
      .mtu = PAW_MTU,
  };
}

/* mbedTLS cannot work below the 508 bytes that it falls back to when datagrams are lost. */
static bool is_valid(const struct paw_dtls_config *config) {
  return config->certificate != NULL && config->rng.fill != NULL && config->initial_rto_ns > 0 &&
         config->handshake_timeout_ns > 0 && config->mtu >= 508 && config->mtu <= PAW_DATAGRAM_MAX;
}

int paw_dtls_new(const struct paw_dtls_config *config, struct paw_dtls **out) {
  struct paw_dtls_config own;
  paw_dtls_config_init(&own);
  int status = paw_config_take(&own, sizeof own, config);
  if (status != PAW_OK || !is_valid(&own)) {
    return PAW_ERR_INVALID;
  }
  struct paw_dtls *dtls = paw_mem_alloc(&own.allocator, sizeof *dtls);
  if (dtls == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  dtls->config = own;
  paw_ring_init(&dtls->out, PAW_DTLS_OUT_INITIAL_BYTES, PAW_DTLS_OUT_MAX_BYTES);
  *out = dtls;
  return PAW_OK;
}

static struct early_datagram *take_early(struct paw_dtls *dtls) {
  struct early_datagram *first = dtls->early;
  if (first != NULL) {
    dtls->early = first->next;
    dtls->early_count--;
  }
  return first;
}

static void drop_early(struct paw_dtls *dtls) {
  while (dtls->early != NULL) {
    paw_mem_free(&dtls->config.allocator, take_early(dtls));
  }
}

void paw_dtls_free(struct paw_dtls *dtls) {
  if (dtls == NULL) {
    return;
  }
  struct paw_allocator allocator = dtls->config.allocator;
  paw_dtls_handshake_free(dtls->handshake);
  drop_early(dtls);
  paw_ring_wipe(&dtls->out, &allocator);
  paw_mem_wipe(dtls, sizeof *dtls);
  paw_mem_free(&allocator, dtls);
}

bool paw_dtls_has_remote_fingerprint(const struct paw_dtls *dtls,
                                     const struct paw_fingerprint *fingerprint) {
  bool verified = dtls->result.fingerprints != 0;
  for (size_t i = 0; i < dtls->fingerprint_count; i++) {
    const struct paw_fingerprint *own = &dtls->fingerprints[i];
    bool counts = verified ? (dtls->result.fingerprints & 1u << i) != 0
                           : paw_dtls_fingerprint_is_supported(own);
    if (counts && own->hash == fingerprint->hash && own->len == fingerprint->len &&
        memcmp(own->value, fingerprint->value, own->len) == 0) {
      return true;
    }
  }
  return false;
}

int paw_dtls_set_remote_fingerprints(struct paw_dtls *dtls,
                                     const struct paw_fingerprint *fingerprints, size_t count) {
  if (dtls->state != PAW_DTLS_STATE_NEW) {
    return PAW_ERR_STATE;
  }
  if (count > PAW_DESCRIPTION_FINGERPRINTS_MAX) {
    return PAW_ERR_LIMIT;
  }
  bool any = false;
  for (size_t i = 0; i < count; i++) {
    any = any || paw_dtls_fingerprint_is_supported(&fingerprints[i]);
  }
  if (!any) {
    return PAW_ERR_INVALID;
  }
  memcpy(dtls->fingerprints, fingerprints, count * sizeof *fingerprints);
  dtls->fingerprint_count = count;
  return PAW_OK;
}

/* ---- ends ---- */

static void end_handshake(struct paw_dtls *dtls) {
  paw_dtls_handshake_free(dtls->handshake);
  dtls->handshake = NULL;
}

static void close_with(struct paw_dtls *dtls, enum paw_dtls_reason reason) {
  end_handshake(dtls);
  drop_early(dtls);
  paw_mem_wipe(&dtls->result.keys, sizeof dtls->result.keys);
  paw_mem_wipe(&dtls->result.read_key, sizeof dtls->result.read_key);
  dtls->last_flight_due = 0;
  dtls->repeats_left = 0;
  dtls->reason = reason;
  set_state(dtls, PAW_DTLS_STATE_CLOSED);
}

void paw_dtls_close(struct paw_dtls *dtls) {
  if (dtls->state == PAW_DTLS_STATE_CLOSED) {
    return;
  }
  if (dtls->state == PAW_DTLS_STATE_CONNECTED) {
    dtls->close_notify_due = CLOSE_NOTIFY_COPIES;
  }
  close_with(dtls, PAW_DTLS_REASON_LOCAL);
}

/* ---- handshake ---- */

static void become_connected(struct paw_dtls *dtls) {
  int status = paw_dtls_handshake_finish(dtls->handshake, &dtls->result);
  if (status != PAW_OK) {
    close_with(dtls, PAW_DTLS_REASON_HANDSHAKE);
    return;
  }
  end_handshake(dtls);
  dtls->repeats_left = dtls->result.last_flight.len > 0 ? LAST_FLIGHT_REPEATS : 0;
  dtls->repeat_ns = paw_time_add(dtls->clock.now_ns, LAST_FLIGHT_FIRST_REPEAT_NS);
  set_state(dtls, PAW_DTLS_STATE_CONNECTED);
}

static void note_progress(struct paw_dtls *dtls, enum paw_dtls_progress progress) {
  switch (progress) {
  case PAW_DTLS_GOING:
    break;
  case PAW_DTLS_REFUSED:
    dtls->stats.dropped++;
    break;
  case PAW_DTLS_DONE:
    become_connected(dtls);
    break;
  case PAW_DTLS_FAILED:
    close_with(dtls, paw_dtls_handshake_reason(dtls->handshake));
    break;
  }
}

/* Who was asked nothing yet has nothing that could be refused. */
static void note_unexpected(struct paw_dtls *dtls, const uint8_t *data, size_t len, bool spoken) {
  dtls->stats.dropped++;
  if (spoken && dtls->refusal_patience == 0 && paw_dtls_datagram_is_refusal(data, len)) {
    dtls->refusal_patience = REFUSAL_PATIENCE_MIN;
    dtls->silence = 0;
  }
}

static void feed_handshake(struct paw_dtls *dtls, const uint8_t *data, size_t len) {
  bool spoken = paw_dtls_handshake_has_spoken(dtls->handshake);
  if (!paw_dtls_datagram_is_expected(data, len, dtls->role, spoken)) {
    note_unexpected(dtls, data, len, spoken);
    return;
  }
  dtls->silence = 0;
  if (dtls->refusal_patience < REFUSAL_PATIENCE_MAX) { /* 0 stays 0 */
    dtls->refusal_patience *= 2;
  }
  note_progress(dtls, paw_dtls_handshake_feed(dtls->handshake, data, len, dtls->clock.now_ns));
}

static void feed_early(struct paw_dtls *dtls) {
  while (dtls->early != NULL && dtls->state == PAW_DTLS_STATE_HANDSHAKE) {
    struct early_datagram *early = take_early(dtls);
    feed_handshake(dtls, early->data, early->len);
    paw_mem_free(&dtls->config.allocator, early);
  }
  drop_early(dtls);
}

int paw_dtls_start(struct paw_dtls *dtls, enum paw_dtls_role role, uint64_t now_ns) {
  if (dtls->state != PAW_DTLS_STATE_NEW) {
    return PAW_ERR_STATE;
  }
  (void)paw_clock_advance(&dtls->clock, now_ns);
  const struct paw_dtls_handshake_config config = {
      .config = &dtls->config,
      .fingerprints = dtls->fingerprints,
      .fingerprint_count = dtls->fingerprint_count,
      .role = role,
      .out = &dtls->out,
  };
  int status = paw_dtls_handshake_new(&config, &dtls->handshake);
  if (status != PAW_OK) {
    return status;
  }
  dtls->role = role;
  dtls->give_up_ns = paw_time_add(dtls->clock.now_ns, dtls->config.handshake_timeout_ns);
  set_state(dtls, PAW_DTLS_STATE_HANDSHAKE);
  if (role == PAW_DTLS_CLIENT) {
    note_progress(dtls, paw_dtls_handshake_begin(dtls->handshake, dtls->clock.now_ns));
  }
  feed_early(dtls);
  return PAW_OK;
}

static void keep_early(struct paw_dtls *dtls, const uint8_t *data, size_t len) {
  struct early_datagram *early = NULL;
  if (dtls->early_count < PAW_DTLS_EARLY_MAX) {
    early = paw_mem_alloc(&dtls->config.allocator, sizeof *early + len);
  }
  if (early == NULL) {
    dtls->stats.dropped++;
    return;
  }
  early->len = len;
  memcpy(early->data, data, len);
  struct early_datagram **end = &dtls->early;
  while (*end != NULL) {
    end = &(*end)->next;
  }
  *end = early;
  dtls->early_count++;
}

/* ---- after the handshake ---- */

static bool handle_alert(struct paw_dtls *dtls, const struct paw_dtls_record *record) {
  struct paw_dtls_alert alert;
  if (paw_dtls_alert_open(&dtls->result.read_key, record, &alert) != PAW_OK) {
    return false;
  }
  if (alert.description == ALERT_CLOSE_NOTIFY) {
    dtls->close_notify_due = 1; /* RFC 5246 section 7.2.1: answered with our own */
    close_with(dtls, PAW_DTLS_REASON_CLOSE_NOTIFY);
  } else if (alert.level == ALERT_FATAL) {
    close_with(dtls, PAW_DTLS_REASON_ALERT);
  }
  return true;
}

/* RFC 6347 section 4.2.4: who sent the last flight repeats it when the peer repeats its own. */
static bool handle_repeated_flight(struct paw_dtls *dtls) {
  if (dtls->result.last_flight.len == 0 || dtls->last_flight_at_ns > dtls->clock.now_ns) {
    return false;
  }
  dtls->last_flight_due = 1;
  dtls->last_flight_at_ns = paw_time_add(dtls->clock.now_ns, LAST_FLIGHT_INTERVAL_NS);
  return true;
}

static bool handle_record(struct paw_dtls *dtls, const struct paw_dtls_record *record) {
  switch ((enum paw_dtls_content)record->content) {
  case PAW_DTLS_CONTENT_ALERT:
    return record->epoch == 1 && handle_alert(dtls, record);
  case PAW_DTLS_CONTENT_HANDSHAKE:
  case PAW_DTLS_CONTENT_CHANGE_CIPHER_SPEC:
    return handle_repeated_flight(dtls);
  case PAW_DTLS_CONTENT_APPLICATION:
    return false;
  }
  return false;
}

static void feed_connected(struct paw_dtls *dtls, const uint8_t *data, size_t len) {
  struct paw_rd rd = paw_rd_init(data, len);
  struct paw_dtls_record record;
  bool used = false;
  while (dtls->state == PAW_DTLS_STATE_CONNECTED && paw_dtls_record_read(&rd, &record)) {
    used = handle_record(dtls, &record) || used;
  }
  if (!used) {
    dtls->stats.dropped++;
  }
}

void paw_dtls_note_peer_complete(struct paw_dtls *dtls) {
  dtls->result.last_flight.len = 0;
  dtls->last_flight_due = 0;
  dtls->repeats_left = 0;
}

static bool is_to_repeat(const struct paw_dtls *dtls) {
  return dtls->state == PAW_DTLS_STATE_CONNECTED && dtls->repeats_left > 0;
}

static void repeat_last_flight(struct paw_dtls *dtls) {
  dtls->repeats_left--;
  dtls->repeat_ns = paw_time_add(dtls->clock.now_ns, LAST_FLIGHT_NEXT_REPEAT_NS);
  (void)handle_repeated_flight(dtls);
}

/* ---- in ---- */

static void retransmit(struct paw_dtls *dtls) {
  dtls->silence++;
  if (dtls->silence == dtls->refusal_patience) {
    close_with(dtls, PAW_DTLS_REASON_ALERT);
    return;
  }
  dtls->stats.retransmissions++;
  note_progress(dtls, paw_dtls_handshake_retransmit(dtls->handshake, dtls->clock.now_ns));
}

static void handle_time(struct paw_dtls *dtls) {
  uint64_t now_ns = dtls->clock.now_ns;
  if (is_to_repeat(dtls) && paw_time_due(dtls->repeat_ns, now_ns)) {
    repeat_last_flight(dtls);
  }
  if (dtls->state != PAW_DTLS_STATE_HANDSHAKE) {
    return;
  }
  if (paw_time_due(dtls->give_up_ns, now_ns)) {
    close_with(dtls, dtls->refusal_patience > 0 ? PAW_DTLS_REASON_ALERT : PAW_DTLS_REASON_TIMEOUT);
  } else if (paw_time_due(paw_dtls_handshake_deadline(dtls->handshake), now_ns)) {
    retransmit(dtls);
  }
}

static void handle_datagram(struct paw_dtls *dtls, const uint8_t *data, size_t len) {
  dtls->stats.datagrams_received++;
  if (len == 0 || len > PAW_DATAGRAM_MAX) {
    dtls->stats.dropped++;
    return;
  }
  switch (dtls->state) {
  case PAW_DTLS_STATE_NEW:
    keep_early(dtls, data, len);
    break;
  case PAW_DTLS_STATE_HANDSHAKE:
    feed_handshake(dtls, data, len);
    break;
  case PAW_DTLS_STATE_CONNECTED:
    feed_connected(dtls, data, len);
    break;
  case PAW_DTLS_STATE_CLOSED:
    break;
  }
}

int paw_dtls_handle_input(struct paw_dtls *dtls, const struct paw_input *input) {
  if (dtls->state == PAW_DTLS_STATE_CLOSED) {
    return PAW_ERR_STATE;
  }
  switch (input->kind) {
  case PAW_INPUT_TIMEOUT:
    (void)paw_clock_advance(&dtls->clock, input->now_ns);
    handle_time(dtls);
    return PAW_OK;
  case PAW_INPUT_RECEIVE:
    (void)paw_clock_advance(&dtls->clock, input->now_ns);
    handle_datagram(dtls, input->data, input->len);
    return PAW_OK;
  }
  return PAW_ERR_INVALID;
}

/* ---- out ---- */

static bool poll_transmit(struct paw_dtls *dtls, struct paw_transmit *out) {
  *out = (struct paw_transmit){0};
  out->data = paw_ring_front(&dtls->out, &out->len);
  if (out->data != NULL) {
    paw_ring_pop(&dtls->out); /* its bytes stay until something is pushed */
  } else if (dtls->last_flight_due > 0) {
    dtls->last_flight_due--;
    out->data = dtls->result.last_flight.data;
    out->len = dtls->result.last_flight.len;
  } else if (dtls->close_notify_due > 0) {
    dtls->close_notify_due--;
    out->data = dtls->result.close_notify.data;
    out->len = dtls->result.close_notify.len;
  } else {
    return false;
  }
  dtls->stats.datagrams_sent++;
  return true;
}

static bool poll_event(struct paw_dtls *dtls, struct paw_dtls_output *out) {
  static const enum paw_dtls_event_kind kinds[] = {PAW_DTLS_EVENT_CONNECTED, PAW_DTLS_EVENT_CLOSED};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if ((dtls->events_due & 1u << kinds[i]) != 0) {
      dtls->events_due &= ~(1u << kinds[i]);
      out->kind = PAW_OUTPUT_EVENT;
      out->event.kind = kinds[i];
      out->event.reason = kinds[i] == PAW_DTLS_EVENT_CLOSED ? dtls->reason : PAW_DTLS_REASON_NONE;
      return true;
    }
  }
  return false;
}

void paw_dtls_poll_output(struct paw_dtls *dtls, struct paw_dtls_output *out) {
  /* Only here, where everything that came has been fed, is a deadline that has passed acted on. */
  handle_time(dtls);
  if (poll_transmit(dtls, &out->transmit)) {
    out->kind = PAW_OUTPUT_TRANSMIT;
    return;
  }
  if (poll_event(dtls, out)) {
    return;
  }
  if (dtls->state == PAW_DTLS_STATE_CONNECTED || dtls->state == PAW_DTLS_STATE_CLOSED) {
    paw_ring_wipe(&dtls->out, &dtls->config.allocator);
  }
  out->kind = PAW_OUTPUT_TIMEOUT;
  out->timeout = (struct paw_timeout){.deadline_ns = PAW_TIME_NEVER};
  if (dtls->state == PAW_DTLS_STATE_HANDSHAKE) {
    paw_timeout_earliest(&out->timeout, dtls->give_up_ns, PAW_TIMEOUT_DTLS);
    paw_timeout_earliest(&out->timeout, paw_dtls_handshake_deadline(dtls->handshake),
                         PAW_TIMEOUT_DTLS);
  }
  if (is_to_repeat(dtls)) {
    paw_timeout_earliest(&out->timeout, dtls->repeat_ns, PAW_TIMEOUT_DTLS);
  }
}

int paw_dtls_get_keys(const struct paw_dtls *dtls, struct paw_srtp_keys *out) {
  if (dtls->state != PAW_DTLS_STATE_CONNECTED) {
    return PAW_ERR_STATE;
  }
  *out = dtls->result.keys;
  return PAW_OK;
}

enum paw_dtls_state paw_dtls_get_state(const struct paw_dtls *dtls) {
  return dtls->state;
}

void paw_dtls_get_stats(const struct paw_dtls *dtls, struct paw_dtls_stats *out) {
  *out = dtls->stats;
}
