/* SPDX-License-Identifier: MIT */
/* One visit to the server: learn its key, post an offer, connect, play, leave. Whoever starts it
 * decides what follows its end. */
#ifndef PA_RECV_SESSION_H
#define PA_RECV_SESSION_H

#include "http_client.h"
#include "peer.h"
#include "settings.h"

/*
 *  IDLE --start--> PAIRING --key learnt--> CALLING --201--> CONNECTING --CONNECTED--> CONNECTED
 *    |                                     ^     |   |          ^                        |
 *    +------ the key is known -------------+     |   406        | 204                    | packet
 *                                                |   +----> ANSWERING                    |
 *                                                +-- 307, 308, or once more as full      v
 *  IDLE <--- ENDING <--- DELETING <--- LEAVING <--- session_leave, while connected --- PLAYING
 *               ^                                                                      |  ^
 *               +--- whatever goes wrong, and session_leave before                     v  | packet
 *                    there is a connection                                            SILENT
 *
 * In SILENT the server is asked whether it knows the session; if it does not, or if no packet comes
 * for long, though ICE is restarted, the session ends. ICE is restarted as well when the address
 * that the path begins at is gone. ENDING is left at the next drain: a connection cannot be dropped
 * from within its own events.
 */
#define SESSION_STATE_MAP(X)                                                                       \
  X(IDLE, "waiting")                                                                               \
  X(PAIRING, "pairing")                                                                            \
  X(CALLING, "calling")                                                                            \
  X(ANSWERING, "calling") /* the server's offer */                                                 \
  X(CONNECTING, "connecting")                                                                      \
  X(CONNECTED, "connected")                                                                        \
  X(PLAYING, "playing")                                                                            \
  X(SILENT, "silent")    /* nothing comes any more */                                              \
  X(LEAVING, "leaving")  /* the farewell on the media path */                                      \
  X(DELETING, "leaving") /* the farewell by HTTP */                                                \
  X(ENDING, "leaving")

enum session_state {
#define SESSION_STATE_ENUM(name, text) SESSION_##name,
  SESSION_STATE_MAP(SESSION_STATE_ENUM)
#undef SESSION_STATE_ENUM
      SESSION_STATE_COUNT
};

const char *session_state_text(enum session_state state);

enum session_end {
  SESSION_END_LEFT,    /* it was told to leave */
  SESSION_END_RETRY,   /* passes by itself */
  SESSION_END_REFUSED, /* somebody has to change something: token, pin, address */
};

struct session_config {
  const struct settings *settings;
  struct http_client *http;
  struct peer_config peer; /* without `event` and `user_data`: the session's own */
  /* The way to the server is back, while the session is IDLE. */
  void (*reachable)(void *user_data, uint64_t now_ns);
  /* The first packet is here. */
  void (*playing)(void *user_data, uint64_t now_ns);
  /* It is over, and IDLE again. Not called from session_start.
   * @param wait_ns  the server asked to be left alone for so long; 0 = not */
  void (*ended)(void *user_data, enum session_end end, uint64_t wait_ns, const struct fault *fault);
  void *user_data;
};

struct session;

/* NULL: no memory. */
struct session *session_new(const struct session_config *config);
void session_free(struct session *session);

enum session_state session_get_state(const struct session *session);

/* Begin; only when IDLE. */
void session_start(struct session *session, uint64_t now_ns);

/* Say farewell to the server; `ended` follows soon. Nothing happens when IDLE. */
void session_leave(struct session *session, uint64_t now_ns);

/* This host's addresses may have changed. */
void session_note_addresses(struct session *session);

void session_receive(struct session *session, const struct paw_input *input);

/* Once a turn of the loop, after all else. */
void session_drain(struct session *session, uint64_t now_ns);

uint64_t session_get_rtt_ns(const struct session *session);

#endif
