/* SPDX-License-Identifier: MIT */
/* The server's side of WHEP (draft-ietf-wish-whep) and WHIP (RFC 9725) as decisions on plain
 * requests: statuses, ETags, whose a session is, its life. Which roles may ask is the router's
 * (router.h). Who makes the peers is behind struct whep_backend.
 *
 *   POST    endpoint  offer -> 201, answer, Location, ETag
 *                               (429 when a token offers, or a session is patched, too often)
 *   PATCH   session   candidates -> 204; other credentials -> 200, fragment, another ETag
 *   DELETE  session   200; 404 once it is gone
 *   GET, HEAD         2xx without content; OPTIONS: CORS */
#ifndef COMMON_WHEP_SERVER_H
#define COMMON_WHEP_SERVER_H

#include <pawebrtc/base.h>

#include "http.h"
#include "tokens.h"

/* Body of a request at most: a browser's offer has about 7 kB. */
#define WHEP_BODY_BYTES_MAX 65536

/* An answer of one audio section with all candidates is below 4 kB, a fragment is shorter. */
#define WHEP_ANSWER_BYTES_MAX 16384

/* A session whose ICE has not connected by then is removed. */
#define WHEP_CONNECT_NS (30 * PAW_NS_PER_S)

/* What an endpoint is for. */
enum whep_kind {
  WHEP_LISTEN, /* WHEP: the client receives */
  WHEP_TALK,   /* WHIP: the client sends */
};

struct whep_backend {
  /* Make a peer of an offer and write its answer. PAW_OK, or what paw_rtc_accept_offer says;
   * PAW_ERR_LIMIT: full; PAW_ERR_INVALID: the offer has the wrong direction. */
  int (*accept)(void *user_data, uint64_t now_ns, const char *offer, size_t offer_len, char *answer,
                size_t *answer_len, uint64_t *peer);
  /* Give a peer a fragment; when that was a restart, write the fragment that answers it. PAW_OK, or
   * what paw_rtc_accept_ice_fragment says, and then the peer is as before. */
  int (*patch)(void *user_data, uint64_t now_ns, uint64_t peer, const char *fragment,
               size_t fragment_len, bool *restarted, char *answer, size_t *answer_len);
  /* Say farewell to a peer and forget it. */
  void (*end)(void *user_data, uint64_t now_ns, uint64_t peer);
  void *user_data;
};

struct whep_config {
  enum whep_kind kind;
  const char *path;            /* "/whep"; static */
  const struct tokens *tokens; /* must outlive the server */
  struct paw_rng rng;
  struct whep_backend backend;
  size_t max_sessions;
};

struct whep_server;

/* NULL when there is no memory. */
struct whep_server *whep_server_new(const struct whep_config *config);

/* Peers are not ended. NULL is allowed. */
void whep_server_free(struct whep_server *server);

/* Answer a request; `response` is zeroed before and wiped by the caller after. */
void whep_server_handle(struct whep_server *server, const struct http_request *request,
                        struct http_response *response);

/* The source has ended: POST is refused with 409 from here on. */
void whep_server_set_ended(struct whep_server *server);

void whep_server_note_connected(struct whep_server *server, uint64_t peer);

/* The peer is gone by itself: its session is too. */
void whep_server_note_closed(struct whep_server *server, uint64_t peer);

/* End what has not connected in time. */
void whep_server_expire(struct whep_server *server, uint64_t now_ns);

/* When whep_server_expire has something to do; PAW_TIME_NEVER: never. */
uint64_t whep_server_next_deadline(const struct whep_server *server);

size_t whep_server_get_session_count(const struct whep_server *server);

#endif
