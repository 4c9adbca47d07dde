/* SPDX-License-Identifier: MIT */
/* What the files of the session share: session.c has the machine, the media and the end; call.c
 * what leads to a connection by HTTP; patch.c what changes it by HTTP. */
#ifndef PA_RECV_SESSION_PRIVATE_H
#define PA_RECV_SESSION_PRIVATE_H

#include "knock.h"
#include "session.h"
#include "token_file.h"

/* A longer entity-tag is not kept. */
#define ETAG_SIZE 256

/*  NONE --candidates--> TRICKLING --answered--> NONE
 *  NONE, TRICKLING, RESTARTING --restart--> RESTARTING --answered--> NONE     (RFC 9725 4.3) */
enum patch_state { PATCH_NONE, PATCH_TRICKLING, PATCH_RESTARTING };

struct session {
  struct session_config config;
  enum session_state state;
  struct peer peer;
  struct loop_timer timer;               /* the deadline of the present state */
  uint64_t silent_since_ns;              /* of SILENT */
  struct http_client_transfer *transfer; /* of PAIRING, CALLING, ANSWERING, SILENT and DELETING */
  enum patch_state patch_state;
  struct http_client_transfer *patch; /* NULL in PATCH_NONE */
  uint64_t restart_from_ns;           /* the next restart that silence asks for: not before */
  struct knock knock;                 /* while nothing is heard of the server */
  struct paw_address server_address;  /* the last answer came from there; none: no answer yet */
  struct pin pin;                     /* what the server is known by in this session */
  enum paw_ice_mode mode;  /* of the offer; full from the first server on that is lite itself */
  char url[WHEP_URL_SIZE]; /* where the offer goes */
  char resource[WHEP_URL_SIZE];      /* the session at the server; empty: none */
  char etag[ETAG_SIZE];              /* of its ICE session, verbatim; empty: none */
  char text[PEER_TEXT_SIZE];         /* what this side says: offer, answer or fragment */
  char token[TOKEN_FILE_TOKEN_SIZE]; /* empty: none */
  int redirects;
  /* How it ended, for ENDING. */
  enum session_end end;
  uint64_t wait_ns;
  struct fault fault;
};

/* ---- session.c ---- */

void session_set_state(struct session *session, enum session_state state);
void session_set_deadline(struct session *session, uint64_t from_now_ns);

/* The fault is set; the rest follows at the next drain. */
void session_end(struct session *session, enum session_end how, uint64_t wait_ns);

/* ---- call.c ---- */

/* Begin: learn the server's key, or post an offer. */
void session_call(struct session *session);

/* The way to the server, or this host's addresses, are others now: what is not connected yet begins
 * anew. */
void session_call_again(struct session *session);

/* The token for a request to this address, or NULL. */
const char *session_token_for(const struct session *session, const char *url);

/* NULL, and the session ends, when there is no memory. */
struct http_client_transfer *session_send(struct session *session,
                                          const struct http_client_request *request,
                                          http_client_done_fn *done);

void session_cancel_request(struct session *session);

/* Note where the server is; called with whatever came back. */
void session_note_response(struct session *session, const struct http_client_response *response);

/* A request got no answer: end. */
void session_end_unanswered(struct session *session, const struct http_client_response *response);

/* A request that ends the session at the server. */
struct http_client_request session_make_delete(const struct session *session);

/* Tell the server that its session is not wanted any more, whatever it says to that. */
void session_abandon_resource(struct session *session);

void session_keep_etag(struct session *session, const char *etag);

/* ---- patch.c ---- */

/* Tell the server of all candidates there are. */
void session_trickle(struct session *session);

/* Begin ICE anew with fresh credentials; the response of an earlier PATCH is not waited for. */
void session_restart(struct session *session);

void session_cancel_patch(struct session *session);

#endif
