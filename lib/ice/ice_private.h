/* SPDX-License-Identifier: MIT */
/* The agent and its parts. Who changes what:
 *   candidate.c    the two tables of candidates: priorities, foundations, learning
 *   pair.c         the table of pairs, their states and order
 *   transaction.c  outstanding requests: ids, matching; requests as bytes
 *   check.c        connectivity checks: pacing, retransmission, their answers
 *   answer.c       requests that come in, and the queue of answers to them
 *   role.c         controlling or controlled, and conflicts about it
 *   select.c       nomination, and which pair carries data
 *   consent.c      the path in use: is there life, and may we still send
 *   restart.c      a new generation of credentials beside the old path
 *   agent.c        the public calls, the state, input and output */
#ifndef PAW_ICE_ICE_PRIVATE_H
#define PAW_ICE_ICE_PRIVATE_H

#include "base/addr.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/ring.h"
#include "base/rng.h"
#include "base/time.h"
#include "ice/ice.h"
#include "stun/stun.h"

#define ICE_LOG_ROOM "ice"
#define ICE_PAIR_NONE (-1)

#define ICE_RTO_INITIAL_MAX_MS 1600
/* From 50 to 200 ms: against a lite peer nothing but our own checks brings a pair about, and at 20
 * % loss one in 500 connections loses five of them in a row. */
#define ICE_RTO_DOUBLINGS 2
/* However often the peer's checks trigger ours, a pair sends no more often than this. */
#define ICE_TRIGGER_GAP_NS (20 * PAW_NS_PER_MS)
/* How long the best valid pair waits for a better one before it is nominated. */
#define ICE_NOMINATE_WAIT_NS (100 * PAW_NS_PER_MS)
/* A pair that carried data so recently is not left for another. */
#define ICE_DATA_HOLD_NS (200 * PAW_NS_PER_MS)
/* A pair that was silent for so long is left for one that carries data. */
#define ICE_SILENT_NS PAW_NS_PER_S
/* While nothing comes, the path is checked so often: an outage ends within this. */
#define ICE_QUIET_NS (500 * PAW_NS_PER_MS)
/* A path that answers, on which media flows either way; spread by a fifth. Below disconnect_ns,
 * with room for five lost checks. */
#define ICE_ACTIVE_NS (2 * PAW_NS_PER_S)
/* RFC 7675 section 5.1: consent is checked every 5 s, spread by a fifth either way. So is an idle
 * path that answers: of 0.69 datagrams a peer a second, and as many back, 0.40 were left (0.33
 * since reports go with checks). */
#define ICE_CONSENT_NS (5 * PAW_NS_PER_S)
/* Data that comes so soon after other data is a flow: reports come at least every 1.5 s while there
 * is media, and not before 5 s are over when there is none (stream/report.h). */
#define ICE_FLOW_GAP_NS (2400 * PAW_NS_PER_MS)
/* For so long after it the peer may still take the path for active. */
#define ICE_FLOW_HOLD_NS (10 * PAW_NS_PER_S)
/* Answers to requests that prove nothing are held to 20 a second. */
#define ICE_ERROR_GAP_NS (50 * PAW_NS_PER_MS)

/* ---- transactions ---- */

/* An outstanding request of a pair. `sends` 0: there is none. */
struct ice_transaction {
  uint8_t id[PAW_STUN_ID_LEN];
  uint16_t sends;
  bool nominates; /* carries USE-CANDIDATE */
  uint32_t rto_ms;
  uint64_t first_ns;
  uint64_t last_ns;
};

/* ---- pairs ---- */

/* RFC 8445 section 6.1.2.6; Frozen is left out, see README.md.
 *
 *   WAITING -> IN_PROGRESS -> VALID <-.
 *      ^  \________|____________/     | (lite: by the peer's check)
 *      |           v                  |
 *      `------- FAILED <--------------'                                */
enum ice_pair_state {
  ICE_PAIR_WAITING,
  ICE_PAIR_IN_PROGRESS,
  ICE_PAIR_VALID,
  ICE_PAIR_FAILED,
};

/* Facts about a pair that come and go beside its state. */
enum ice_pair_flag {
  ICE_PAIR_TRIGGERED = 1 << 0,        /* by the peer's check: goes before others */
  ICE_PAIR_NOMINATE = 1 << 1,         /* this side is nominating it */
  ICE_PAIR_NOMINATED = 1 << 2,        /* by this side, with success, or by the peer */
  ICE_PAIR_LAST_NOMINATED = 1 << 3,   /* the peer's last check carried USE-CANDIDATE */
  ICE_PAIR_TELL_VALID = 1 << 4,       /* an event is to be polled */
  ICE_PAIR_RENEW = 1 << 5,            /* valid, but consent to send on it ran out: asked for anew */
  ICE_PAIR_NOMINATION_WAITS = 1 << 6, /* the peer's first one: takes effect when this can send */
};

struct ice_pair {
  uint8_t local;  /* index */
  uint8_t remote; /* index */
  uint8_t state;  /* enum ice_pair_state, written by ice_pair_set_state only */
  uint8_t flags;  /* enum ice_pair_flag */
  struct ice_transaction check;
  uint64_t next_ns;   /* when to send the check (again) */
  uint64_t valid_ns;  /* when it became valid */
  uint64_t heard_ns;  /* anything authenticated came; 0 = never */
  uint64_t data_ns;   /* authenticated data came; 0 = never */
  uint64_t agreed_ns; /* a check of ours was answered */
};

struct ice_remote {
  struct paw_address address;
  uint32_t priority;
  enum paw_candidate_type type;
};

/* A growing table; all three have their bound in limits.h. */
struct ice_table {
  void *items;
  uint16_t count;
  uint16_t capacity;
};

/* ---- the path in use ---- */

/* Which pair data takes.
 *
 *   NONE -> PROVISIONAL -> NOMINATED        a pair is valid; is nominated
 *   any of these -> PAST                    ICE restart: the old pair goes on
 *   PAST -> NOMINATED                       the new generation has nominated
 *   any -> PROVISIONAL, NONE                the pair was lost                  */
enum ice_path_kind { ICE_PATH_NONE, ICE_PATH_PROVISIONAL, ICE_PATH_NOMINATED, ICE_PATH_PAST };

struct ice_path {
  enum ice_path_kind kind;
  uint8_t asked_next; /* slot of the ring below */
  struct paw_address local;
  struct paw_address remote;
  uint32_t priority;      /* of the requests on it */
  uint64_t heard_ns;      /* anything authenticated came on it */
  uint64_t data_ns;       /* authenticated data did; 0 = never */
  uint64_t flow_ns;       /* and soon after other data; 0 = never */
  uint64_t consent_ns;    /* the peer last agreed */
  uint64_t check_ns;      /* when to check next, or to look whether to */
  uint64_t check_by_ns;   /* at the latest */
  uint64_t last_asked_ns; /* 0 = never */
  struct {
    uint8_t id[PAW_STUN_ID_LEN];
    uint8_t role;     /* enum paw_ice_role, that it was sent in */
    uint64_t sent_ns; /* 0 = empty or answered */
  } asked[PAW_ICE_CONSENT_CHECKS_MAX];
};

/* What the path of before a restart still needs. */
struct ice_past {
  struct paw_ice_credentials local;
  struct paw_ice_credentials remote;
  struct paw_hmac_key local_key;
  struct paw_hmac_key remote_key;
};

/* ---- the agent ---- */

struct paw_ice {
  struct paw_ice_config config;
  struct paw_clock clock; /* moved by ice_advance only; never 0, which means "never" below */
  enum paw_ice_role role;
  enum paw_ice_state state;   /* written by set_state only */
  enum paw_ice_reason reason; /* ditto */
  enum paw_ice_state told_state;
  bool remote_lite;
  bool tell_selected;
  uint64_t tie_breaker;
  struct paw_ice_credentials local_credentials;
  uint32_t restart_count;                        /* other local credentials each time */
  struct paw_ice_credentials remote_credentials; /* the pwd is empty until it is known; a restart
                                                    leaves the ufrag */
  struct paw_hmac_key local_key;                 /* of the pwd above */
  struct paw_hmac_key remote_key;                /* ditto */
  struct ice_past *past;                         /* only while path.kind is PAST */
  struct ice_table locals;                       /* struct paw_candidate, base always set */
  struct ice_table remotes;                      /* struct ice_remote */
  struct ice_table pairs;                        /* struct ice_pair */
  int selected;                                  /* index of path's pair; none while PAST */
  struct ice_path path;
  uint64_t sent_ns;        /* data was, by what the caller has told; 0 = never */
  uint64_t sending_ns;     /* since then, without a gap */
  uint64_t life_ns;        /* anything authenticated came from the peer */
  uint64_t started_ns;     /* first input after set_remote, which knows no time; 0 = none yet */
  uint64_t first_valid_ns; /* of this generation */
  uint64_t pace_ns;        /* no check before this: Ta */
  uint64_t error_ns;       /* no unauthenticated error answer before this */
  uint64_t answer_ns;      /* up to when answers are spent; may lie ahead by those saved */
  uint64_t rtt_ns;
  struct paw_ring answers; /* struct ice_answer */
  struct paw_ice_stats stats;
  uint8_t *own_message; /* NULL: it is polled with memory of the caller's */
  uint8_t *message;     /* the last TRANSMIT, of PAW_ICE_MESSAGE_MAX */
};

static inline uint64_t paw_ice_now(const struct paw_ice *ice) {
  return ice->clock.now_ns;
}

static inline void paw_ice_advance(struct paw_ice *ice, uint64_t now_ns) {
  (void)paw_clock_advance(&ice->clock, now_ns == 0 ? 1 : now_ns);
}

static inline bool paw_ice_is_lite(const struct paw_ice *ice) {
  return ice->config.mode == PAW_ICE_LITE;
}

static inline bool paw_ice_has_remote_credentials(const struct paw_ice *ice) {
  return ice->remote_credentials.pwd[0] != '\0';
}

/* Failed or closed: neither checks nor answers. */
static inline bool paw_ice_is_over(const struct paw_ice *ice) {
  return ice->state == PAW_ICE_STATE_FAILED || ice->state == PAW_ICE_STATE_CLOSED;
}

/* Is this pair of addresses the path? */
static inline bool paw_ice_path_is(const struct paw_ice *ice, const struct paw_address *local,
                                   const struct paw_address *remote) {
  return ice->path.kind != ICE_PATH_NONE && paw_address_is(&ice->path.remote, remote) &&
         paw_address_is(&ice->path.local, local);
}

/* ---- candidate.c ---- */

struct paw_candidate *paw_ice_local(const struct paw_ice *ice, int index);
struct ice_remote *paw_ice_remote(const struct paw_ice *ice, int index);

/* The local candidate that has this base; -1 when there is none. */
int paw_ice_local_find(const struct paw_ice *ice, const struct paw_address *base);
int paw_ice_remote_find(const struct paw_ice *ice, const struct paw_address *address);

int paw_ice_local_add(struct paw_ice *ice, const struct paw_candidate *candidate);
void paw_ice_local_remove(struct paw_ice *ice, const struct paw_address *base);

/* IPv4 or IPv6, with a port, and not "any". */
bool paw_ice_address_is_usable(const struct paw_address *address);

/* The peer sees this side at `mapped`: a candidate, if it is new (RFC 8445 section 7.2.5.3.1). */
void paw_ice_local_learn(struct paw_ice *ice, int base, const struct paw_address *mapped);

/* Index, or -1 when the bound is reached. A known one takes the better type. */
int paw_ice_remote_add(struct paw_ice *ice, const struct paw_address *address,
                       enum paw_candidate_type type, uint32_t priority);

/* What a check from this candidate tells as PRIORITY (RFC 8445 section 7.1.1). */
uint32_t paw_ice_reflexive_priority(uint32_t priority);

/* Room for `count` items. PAW_OK; PAW_ERR_NO_MEMORY. */
int paw_ice_table_reserve(const struct paw_ice *ice, struct ice_table *table, size_t item_size,
                          size_t count);

/* Append an item of zeros; NULL when `max` are there or there is no memory. */
void *paw_ice_table_append(const struct paw_ice *ice, struct ice_table *table, size_t item_size,
                           size_t max);

/* ---- pair.c ---- */

static inline struct ice_pair *paw_ice_pair(const struct paw_ice *ice, int index) {
  return (struct ice_pair *)ice->pairs.items + index;
}

int paw_ice_pair_index(const struct paw_ice *ice, const struct ice_pair *pair);
struct ice_pair *paw_ice_pair_find(const struct paw_ice *ice, const struct paw_address *local,
                                   const struct paw_address *remote);

/* Of local and remote by index, made if it is not there; NULL when they cannot be paired or the
 * bound is reached. `heard_ns`: of a new one; 0 = the peer was not heard on it. */
struct ice_pair *paw_ice_pair_add(struct paw_ice *ice, int local, int remote, uint64_t heard_ns);

/* Room for so many pairs more. PAW_OK; PAW_ERR_NO_MEMORY. */
int paw_ice_pairs_reserve(struct paw_ice *ice, size_t more);
void paw_ice_pairs_of_local(struct paw_ice *ice, int local);
void paw_ice_pairs_of_remote(struct paw_ice *ice, int remote);
void paw_ice_pair_remove(struct paw_ice *ice, int index);

void paw_ice_pair_set_state(struct paw_ice *ice, struct ice_pair *pair, enum ice_pair_state state);
uint64_t paw_ice_pair_priority(const struct paw_ice *ice, const struct ice_pair *pair);
const struct paw_address *paw_ice_pair_local(const struct paw_ice *ice,
                                             const struct ice_pair *pair);
const struct paw_address *paw_ice_pair_remote(const struct paw_ice *ice,
                                              const struct ice_pair *pair);

/* The best valid pair, of the nominated or of all; NULL when there is none. */
struct ice_pair *paw_ice_pair_best_valid(const struct paw_ice *ice, bool nominated);

/* Valid, and the peer agreed lately to be sent to (RFC 7675 section 5.1). */
bool paw_ice_pair_may_send(const struct paw_ice *ice, const struct ice_pair *pair);

/* All that failed or went unanswered get another chance: the path was lost. */
void paw_ice_pairs_revive(struct paw_ice *ice);

/* ---- transaction.c ---- */

/* A fresh id; false when the random source failed. */
bool paw_ice_transaction_begin(struct paw_ice *ice, struct ice_transaction *transaction);
void paw_ice_transaction_end(struct ice_transaction *transaction);
void paw_ice_transaction_note_sent(struct paw_ice *ice, struct ice_transaction *transaction);
struct ice_pair *paw_ice_transaction_find_pair(const struct paw_ice *ice, const uint8_t *id);

/* The slot of the path's ring of consent checks; -1 when it is none of them. */
int paw_ice_transaction_find_consent(const struct paw_ice *ice, const uint8_t *id);

/* A Binding request in ice->message; its length, or 0 on failure. */
struct ice_request {
  const uint8_t *id;
  const struct paw_ice_credentials *local;
  const struct paw_ice_credentials *remote;
  const struct paw_hmac_key *remote_key;
  uint32_t priority;
  bool nominates;
};
size_t paw_ice_transaction_write(struct paw_ice *ice, const struct ice_request *request);

void paw_ice_transmit_fill(struct paw_transmit *transmit, const struct paw_ice *ice,
                           const struct paw_address *local, const struct paw_address *remote,
                           size_t len);

/* ---- check.c ---- */

/* When the next check is due, pacing included; PAW_TIME_NEVER when none is. */
uint64_t paw_ice_check_next_ns(const struct paw_ice *ice);
bool paw_ice_check_poll(struct paw_ice *ice, struct paw_transmit *out);
void paw_ice_check_trigger(struct paw_ice *ice, struct ice_pair *pair);

/* The peer was heard on a pair that is not in use: ask for consent if it has run out. */
void paw_ice_check_renew(struct paw_ice *ice, struct ice_pair *pair);
void paw_ice_check_handle_timeout(struct paw_ice *ice);
uint64_t paw_ice_check_next_timeout(const struct paw_ice *ice);
void paw_ice_check_handle_response(struct paw_ice *ice, const struct paw_input *input,
                                   const struct paw_stun_message *message);
void paw_ice_note_rtt(struct paw_ice *ice, const struct paw_input *input, uint64_t sent_ns);

/* ---- answer.c ---- */

void paw_ice_answer_handle_request(struct paw_ice *ice, const struct paw_input *input,
                                   const struct paw_stun_message *message);
bool paw_ice_answer_poll(struct paw_ice *ice, struct paw_transmit *out);

/* ---- role.c ---- */

/* False when the request is to be answered with 487 (RFC 8445 section 7.3.1.1). */
bool paw_ice_role_settle(struct paw_ice *ice, const struct paw_stun_message *request);

/* The peer answered 487 (RFC 8445 section 7.2.5.1). */
void paw_ice_role_yield(struct paw_ice *ice);

/* ---- select.c ---- */

/* A pair has become valid, or was lost: choose again. */
void paw_ice_select(struct paw_ice *ice);
void paw_ice_select_handle_timeout(struct paw_ice *ice);
uint64_t paw_ice_select_next_timeout(const struct paw_ice *ice);

/* The pair is nominated: the peer's USE-CANDIDATE, or our own was answered. `first_time`: was it
 * not before, or not fit to send on then? */
void paw_ice_select_nominated(struct paw_ice *ice, struct ice_pair *pair, bool first_time);
void paw_ice_select_follow_data(struct paw_ice *ice, struct ice_pair *pair);

/* Something came on the pair `alive`: if the selected one has been silent for so long, give it up.
 */
void paw_ice_select_replace_silent(struct paw_ice *ice, const struct ice_pair *alive,
                                   uint64_t silence_ns);

/* ---- consent.c ---- */

void paw_ice_path_use(struct paw_ice *ice, enum ice_path_kind kind, struct ice_pair *pair);
void paw_ice_path_drop(struct paw_ice *ice);
void paw_ice_path_note_heard(struct paw_ice *ice);

/* Authenticated data came. */
void paw_ice_path_note_data(struct paw_ice *ice);

/* Without life for so long the agent is DISCONNECTED. */
uint64_t paw_ice_silence_max_ns(const struct paw_ice *ice);
bool paw_ice_consent_poll(struct paw_ice *ice, struct paw_transmit *out);
void paw_ice_consent_handle_timeout(struct paw_ice *ice);
void paw_ice_consent_next_timeout(const struct paw_ice *ice, struct paw_timeout *timeout);
void paw_ice_consent_handle_response(struct paw_ice *ice, const struct paw_input *input,
                                     const struct paw_stun_message *message, int slot);

/* ---- restart.c ---- */

int paw_ice_credentials_make(struct paw_ice *ice, struct paw_ice_credentials *out,
                             struct paw_hmac_key *key);

/* ---- agent.c ---- */

/* Authenticated life of the peer. */
void paw_ice_note_life(struct paw_ice *ice);
void paw_ice_fail(struct paw_ice *ice, enum paw_ice_reason reason);
void paw_ice_update_state(struct paw_ice *ice);
void paw_ice_note_restart(struct paw_ice *ice);

#endif
