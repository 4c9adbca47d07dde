/* SPDX-License-Identifier: MIT */
/**
 * @file ice.h
 * An ICE agent for one component over UDP, full or lite (RFC 8445), without sockets or clocks.
 *
 * Use: new; add local candidates; exchange credentials; then feed handle_input, and after every
 * call drain poll_output until it gives PAW_OUTPUT_TIMEOUT. Several inputs before a drain are
 * legal. Calls without now_ns, poll_output among them, act at the last time that was given: when
 * time has passed since, feed PAW_INPUT_TIMEOUT first, or round-trip times come out too long.
 */
#ifndef PAWEBRTC_ICE_H
#define PAWEBRTC_ICE_H

#include <pawebrtc/description.h>

#ifdef __cplusplus
extern "C" {
#endif

struct paw_ice;

enum paw_ice_mode {
  PAW_ICE_FULL,
  PAW_ICE_LITE, /**< only answers checks; reachable on its host candidates (RFC 8445 section 2.5) */
};

enum paw_ice_role { PAW_ICE_CONTROLLED, PAW_ICE_CONTROLLING };

/** RFC 8445 section 6.1.2.6 and W3C RTCIceTransportState, as far as one component needs it. */
#define PAW_ICE_STATE_MAP(X)                                                                       \
  X(NEW, "new")                                                                                    \
  X(CHECKING, "checking")                                                                          \
  X(CONNECTED, "connected")                                                                        \
  X(DISCONNECTED, "disconnected")                                                                  \
  X(FAILED, "failed")                                                                              \
  X(CLOSED, "closed")

enum paw_ice_state {
#define PAW_ICE_STATE_ENUM(name, text) PAW_ICE_STATE_##name,
  PAW_ICE_STATE_MAP(PAW_ICE_STATE_ENUM)
#undef PAW_ICE_STATE_ENUM
};

/** The text of a state; static, never NULL. */
PAW_API const char *paw_ice_state_text(enum paw_ice_state state);

/** Why an agent is DISCONNECTED or FAILED. */
#define PAW_ICE_REASON_MAP(X)                                                                      \
  X(NONE, "no reason")                                                                             \
  X(NO_PAIR, "no pair was validated in time")                                                      \
  X(SILENCE, "the peer is not heard")                                                              \
  X(NO_PATH, "the path is gone")                                                                   \
  X(CONSENT_EXPIRED, "consent expired")                                                            \
  X(CONSENT_REVOKED, "the peer revoked its consent")

enum paw_ice_reason {
#define PAW_ICE_REASON_ENUM(name, text) PAW_ICE_REASON_##name,
  PAW_ICE_REASON_MAP(PAW_ICE_REASON_ENUM)
#undef PAW_ICE_REASON_ENUM
};

/** The text of a reason; static, never NULL. */
PAW_API const char *paw_ice_reason_text(enum paw_ice_reason reason);

struct paw_ice_config {
  size_t struct_size;
  enum paw_ice_mode mode;
  enum paw_ice_role role; /**< at first; role conflicts may turn it. Lite is always controlled */
  struct paw_allocator allocator;
  struct paw_rng rng; /**< required */
  struct paw_log log;
  uint64_t ta_ns;            /**< least time between two new checks; RFC 8445 section 14.2. 5 ms */
  uint64_t initial_rto_ns;   /**< first STUN retransmission. 50 ms: below RFC 8445's 500 ms on
                                  purpose, for LANs; doubles twice. 1 ms to 1.6 s */
  uint64_t check_timeout_ns; /**< a pair whose checks stay unanswered so long fails. 8 s */
  uint64_t consent_timeout_ns; /**< without authenticated life for so long, sending stops. 30 s,
                                    RFC 7675 section 5.1 */
  uint64_t disconnect_ns;      /**< without authenticated life for so long: DISCONNECTED. 5 s; twice
                                    as long on an idle path, which is asked every 4 to 6 s */
  uint64_t connect_timeout_ns; /**< NEW or CHECKING for so long after the remote credentials are
                                    known: FAILED; RFC 8863. 39.5 s */
};

/** Fill with the defaults named above; rng stays empty and must be set. */
PAW_API void paw_ice_config_init(struct paw_ice_config *config);

/**
 * Make an agent with fresh random credentials.
 *
 * @param config  copied; what it points to must outlive the agent
 * @return PAW_OK; PAW_ERR_INVALID (no rng, bad struct_size); PAW_ERR_NO_MEMORY; PAW_ERR_RANDOM
 */
PAW_API int paw_ice_new(const struct paw_ice_config *config, uint64_t now_ns, struct paw_ice **out);

/** Free at any time, in any state. NULL is allowed. */
PAW_API void paw_ice_free(struct paw_ice *ice);

/** This side's credentials; they change with paw_ice_restart only. */
PAW_API const struct paw_ice_credentials *paw_ice_get_credentials(const struct paw_ice *ice);

/**
 * Give the other side's credentials (from its description), and whether it is lite. Against a lite
 * peer a full agent becomes controlling (RFC 8445 section 6.1.1).
 *
 * @return PAW_OK; PAW_ERR_INVALID: ufrag shorter than 4 or pwd shorter than 22 characters, longer
 *         than 256, or with other than ice-chars; PAW_ERR_STATE: already set to other values
 *         without a restart, or failed or closed
 */
PAW_API int paw_ice_set_remote(struct paw_ice *ice, const struct paw_ice_credentials *remote,
                               bool remote_lite);

/** The other side's credentials; empty until set, and again after a restart. */
PAW_API const struct paw_ice_credentials *paw_ice_get_remote_credentials(const struct paw_ice *ice);

/** Choose the role before the first check; ignored by a lite agent and against a lite peer. */
PAW_API int paw_ice_set_role(struct paw_ice *ice, enum paw_ice_role role);

/**
 * Add a candidate of this side: a host address that the caller has a socket on, or one that it
 * learnt (server reflexive, relayed) with `base` set.
 *
 * @return PAW_OK, also when it is there already; PAW_ERR_INVALID (no address, port 0, "any");
 *         PAW_ERR_UNSUPPORTED (lite takes host candidates only); PAW_ERR_LIMIT; PAW_ERR_STATE;
 *         PAW_ERR_NO_MEMORY
 */
PAW_API int paw_ice_add_local_candidate(struct paw_ice *ice, const struct paw_candidate *candidate);

/** Take a local address away (an interface went down); its pairs fail at once. */
PAW_API int paw_ice_remove_local_candidate(struct paw_ice *ice, const struct paw_address *address);

/** The local candidates in order of priority, with foundation and priority filled. */
PAW_API size_t paw_ice_get_local_candidates(const struct paw_ice *ice, struct paw_candidate *out,
                                            size_t max);

/**
 * Add a candidate of the other side. Never needed against a peer that sends checks: its addresses
 * are learnt from authenticated checks.
 *
 * @return PAW_OK, also when known already; PAW_ERR_INVALID; PAW_ERR_LIMIT (ignore it);
 *         PAW_ERR_STATE; PAW_ERR_NO_MEMORY
 */
PAW_API int paw_ice_add_remote_candidate(struct paw_ice *ice,
                                         const struct paw_candidate *candidate);

/** The other side has no more candidates (RFC 8838 section 8.2). */
PAW_API int paw_ice_end_remote_candidates(struct paw_ice *ice);

/**
 * Start over with new credentials (RFC 8445 section 9). The selected pair stays in use until a pair
 * of the new generation is nominated. Exchange credentials again with paw_ice_set_remote.
 *
 * @return PAW_OK; PAW_ERR_STATE after close; PAW_ERR_RANDOM; PAW_ERR_NO_MEMORY (nothing has
 * changed)
 */
PAW_API int paw_ice_restart(struct paw_ice *ice, uint64_t now_ns);

/** May data be exchanged on this pair: was it validated by an authenticated check? */
PAW_API bool paw_ice_is_valid_pair(const struct paw_ice *ice, const struct paw_address *local,
                                   const struct paw_address *remote);

/**
 * Authenticated data (SRTP, SRTCP, DTLS after the handshake) arrived on this pair. Counts as life
 * for a lite agent, and lets the selected pair follow the one the peer really uses.
 */
PAW_API void paw_ice_note_authenticated(struct paw_ice *ice, uint64_t now_ns,
                                        const struct paw_address *local,
                                        const struct paw_address *remote);

/** The pair to send data on; false while there is none or consent is lost. */
PAW_API bool paw_ice_get_selected_pair(const struct paw_ice *ice, struct paw_address *local,
                                       struct paw_address *remote);

/** Smoothed round-trip time of checks on the selected pair; 0 = not known. */
PAW_API uint64_t paw_ice_get_rtt_ns(const struct paw_ice *ice);

PAW_API enum paw_ice_state paw_ice_get_state(const struct paw_ice *ice);
PAW_API enum paw_ice_role paw_ice_get_role(const struct paw_ice *ice);
PAW_API enum paw_ice_mode paw_ice_get_mode(const struct paw_ice *ice);

/**
 * Is this STUN datagram meant for this agent: a request whose USERNAME begins with the local ufrag,
 * or a response to one of its transactions? Checks no integrity; changes nothing.
 */
PAW_API bool paw_ice_accepts(const struct paw_ice *ice, const struct paw_input *input);

/** What happened to STUN datagrams, and how many there were. Never reset. */
struct paw_ice_stats {
  uint64_t requests_received;
  uint64_t requests_sent;
  uint64_t responses_received;
  uint64_t responses_sent;
  uint64_t retransmissions_sent;
  uint64_t dropped_malformed;   /**< not a STUN message by RFC 8489 section 5 and 14 */
  uint64_t dropped_fingerprint; /**< missing or wrong FINGERPRINT */
  uint64_t dropped_integrity;   /**< missing or wrong MESSAGE-INTEGRITY */
  uint64_t dropped_username;    /**< not for this agent */
  uint64_t dropped_unmatched;   /**< response to no pending transaction, or from a wrong address */
  uint64_t dropped_limit;       /**< a bound of the agent was reached */
  uint64_t role_conflicts;
};

PAW_API void paw_ice_get_stats(const struct paw_ice *ice, struct paw_ice_stats *out);

/**
 * Feed a STUN datagram or the passing of time. Nothing that arrives is an error: it is dropped and
 * counted.
 *
 * @return PAW_OK; PAW_ERR_INVALID (data NULL with len > 0, local or remote without address);
 *         PAW_ERR_STATE after close
 */
PAW_API int paw_ice_handle_input(struct paw_ice *ice, const struct paw_input *input);

enum paw_ice_event_kind {
  PAW_ICE_EVENT_STATE,         /**< state has changed */
  PAW_ICE_EVENT_VALID_PAIR,    /**< a pair was validated for the first time: DTLS may start on it */
  PAW_ICE_EVENT_SELECTED_PAIR, /**< data now goes by this pair */
};

struct paw_ice_event {
  enum paw_ice_event_kind kind;
  enum paw_ice_state state;   /**< the state at the time of polling */
  enum paw_ice_reason reason; /**< of that state; NONE unless DISCONNECTED or FAILED */
  struct paw_address local;   /**< of the pair, for the pair events */
  struct paw_address remote;
};

struct paw_ice_output {
  enum paw_output_kind kind;
  union {
    struct paw_transmit transmit;
    struct paw_ice_event event;
    struct paw_timeout timeout;
  };
};

/**
 * Take the next thing to do. After PAW_OUTPUT_TIMEOUT nothing is left until the next input; its
 * deadline lies after the last `now_ns`.
 *
 * Lifetime: transmit.data is valid until the next non-const call on `ice`.
 */
PAW_API void paw_ice_poll_output(struct paw_ice *ice, struct paw_ice_output *out);

/** End: no more checks are sent or answered. Idempotent. */
PAW_API void paw_ice_close(struct paw_ice *ice);

#ifdef __cplusplus
}
#endif
#endif
