/* SPDX-License-Identifier: MIT */
/* What is told of ICE after the first offer and answer (RFC 9725 section 4.3,
 * draft-ietf-wish-whep): more candidates, or a restart. */
#include "session_private.h"

#include <string.h>

#include "http.h"
#include "system.h"
#include "whep_status.h"

#define PATCH_DEADLINE_NS (2 * PAW_NS_PER_S)
/* A restart that was answered gets so long to find a path. */
#define RESTARTED_NS (5 * PAW_NS_PER_S)
#define FRAGMENT_TYPE "application/trickle-ice-sdpfrag"

void session_cancel_patch(struct session *session) {
  if (session->patch != NULL) {
    http_client_cancel(session->patch);
    session->patch = NULL;
  }
  session->patch_state = PATCH_NONE;
}

static void send_fragment(struct session *session, enum patch_state state, const char *if_match,
                          http_client_done_fn *done) {
  if (peer_write_fragment(&session->peer, session->text) != PAW_OK) {
    return;
  }
  const struct http_client_request request = {.method = "PATCH",
                                              .url = session->resource,
                                              .token =
                                                  session_token_for(session, session->resource),
                                              .content_type = FRAGMENT_TYPE,
                                              .if_match = if_match[0] != '\0' ? if_match : NULL,
                                              .fresh = true,
                                              .body = session->text,
                                              .body_len = strlen(session->text),
                                              .pin = session->pin,
                                              .deadline_ns = PATCH_DEADLINE_NS};
  session->patch = session_send(session, &request, done);
  session->patch_state = session->patch != NULL ? state : PATCH_NONE;
}

/* ---- candidates ---- */

/* Whatever the server says: the session goes on with the candidates that it has. */
static void on_trickled(void *user_data, const struct http_client_response *response) {
  struct session *session = user_data;
  session->patch = NULL;
  session->patch_state = PATCH_NONE;
  session_note_response(session, response);
  system_tell(&session->config.peer.log, PAW_LOG_DEBUG, "session", "candidates were sent: %ld",
              response->status);
}

void session_trickle(struct session *session) {
  if (session->resource[0] != '\0' && session->patch_state != PATCH_RESTARTING) {
    session_cancel_patch(session);
    send_fragment(session, PATCH_TRICKLING, session->etag, on_trickled);
  }
}

/* ---- restart ---- */

/* ICE cannot be restarted there, which is no failure: where sound comes by the path of before, that
 * one serves, else a new session has to. */
static void do_without(struct session *session, const char *why, long status) {
  fault_set(&session->fault, "%s: %s (%ld); a new session is needed", session->url, why, status);
  if (session->state != SESSION_PLAYING || !peer_has_path(&session->peer)) {
    session_end(session, SESSION_END_RETRY, 0);
  }
}

static void take_restarted(struct session *session, const struct http_client_response *response) {
  bool whole = response->status == 200 && http_is_type(response->content_type, FRAGMENT_TYPE);
  if (!whole || peer_take_fragment(&session->peer, system_now_ns(), response->body,
                                   response->body_len) != PAW_OK) {
    do_without(session, "ICE was not restarted", response->status);
    return;
  }
  session_keep_etag(session, response->etag);
  session->restart_from_ns = system_now_ns() + RESTARTED_NS;
  system_tell(&session->config.peer.log, PAW_LOG_INFO, "session", "ICE is restarted");
}

/* One that was not answered is tried again while the silence lasts. */
static void on_restarted(void *user_data, const struct http_client_response *response) {
  struct session *session = user_data;
  session->patch = NULL;
  session->patch_state = PATCH_NONE;
  session_note_response(session, response);
  if (response->outcome != HTTP_CLIENT_ANSWERED) {
    if (response->outcome == HTTP_CLIENT_WRONG_KEY) {
      session_end_unanswered(session, response);
    }
    return;
  }
  switch (whep_status_patch_verdict(response->status)) {
  case WHEP_PATCH_DONE:
    take_restarted(session, response);
    break;
  case WHEP_PATCH_GONE:
    session->resource[0] = '\0';
    fault_set(&session->fault, "%s does not know this session any more", session->url);
    session_end(session, SESSION_END_RETRY, 0);
    break;
  case WHEP_PATCH_UNSUPPORTED:
    do_without(session, "ICE cannot be restarted there", response->status);
    break;
  case WHEP_PATCH_REFUSED:
    do_without(session, "ICE may not be restarted there", response->status);
    break;
  case WHEP_PATCH_LATER:
    break;
  }
}

/* draft-ietf-wish-whep, "ICE Restarts": each with other credentials, for the response to an earlier
 * one may be lost. */
void session_restart(struct session *session) {
  session_cancel_patch(session);
  if (session->resource[0] == '\0' || peer_restart(&session->peer, system_now_ns()) != PAW_OK) {
    fault_set(&session->fault, "%s: the path is lost, and ICE cannot be restarted", session->url);
    session_end(session, SESSION_END_RETRY, 0);
    return;
  }
  send_fragment(session, PATCH_RESTARTING, "\"*\"", on_restarted);
}
