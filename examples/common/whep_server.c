/* SPDX-License-Identifier: MIT */
#include "whep_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bearer.h"
#include "rate.h"

/* RFC 9725 section 4.2: session URLs are unguessable; 128 bits as hexadecimal. */
#define ID_BYTES 16
#define ID_LEN (2 * ID_BYTES)
#define ETAG_BYTES 8
#define ETAG_SIZE (2 * ETAG_BYTES + 3)

#define FRAGMENT_TYPE "application/trickle-ice-sdpfrag"

/* Seconds after which to ask again: a full server may have room soon, an ended source comes back
 * with the server's next start. */
#define RETRY_FULL_S "5"
#define RETRY_ENDED_S "5"

/* Offers a token may make and PATCHes a session may get: so many at once, and one more every so
 * often. A house of speakers with one token comes back together; whoever never connects leaves room
 * for others: 512 and 16 a second for 30 s are fewer than there are places (RFC 9725 section 5). */
static const struct rate post_rate = {.at_once = 512, .every_ns = PAW_NS_PER_S / 16};
static const struct rate patch_rate = {.at_once = 16, .every_ns = PAW_NS_PER_S / 2};
#define RETRY_RATE_S "1"

/*   FREE --accept--> CONNECTING --ICE and DTLS--> CONNECTED
 *    ^                   |                            |
 *    +-- DELETE, closed, 30 s --+-- DELETE, closed ---+           */
enum session_state { SESSION_FREE, SESSION_CONNECTING, SESSION_CONNECTED };

struct session {
  enum session_state state;
  uint64_t peer;
  uint64_t connect_by_ns;
  uint64_t patches_ns; /* of patch_rate */
  const struct token *owner;
  char id[ID_LEN + 1];
  char etag[ETAG_SIZE];
};

struct whep_server {
  struct whep_config config;
  size_t session_count;
  size_t connecting_count; /* of these */
  bool ended;
  uint64_t posts_ns[TOKENS_MAX]; /* of post_rate; by token */
  struct session sessions[];
};

struct texts {
  const char *direction;
  const char *unsupported;
  const char *full;
};

static const struct texts *texts_of(const struct whep_server *server) {
  static const struct texts texts[] = {
      [WHEP_LISTEN] = {.direction = "The offer does not want to receive audio (a=recvonly).",
                       .unsupported =
                           "The offer has no audio section with Opus, rtcp-mux and DTLS-SRTP.",
                       .full = "The server has as many listeners as it takes."},
      [WHEP_TALK] = {.direction = "The offer does not want to send audio (a=sendonly).",
                     .unsupported =
                         "The offer is not one audio section with Opus, rtcp-mux and DTLS-SRTP.",
                     .full = "The server has as many talkers as it takes."},
  };
  return &texts[server->config.kind];
}

struct whep_server *whep_server_new(const struct whep_config *config) {
  struct whep_server *server =
      calloc(1, sizeof *server + config->max_sessions * sizeof server->sessions[0]);
  if (server != NULL) {
    server->config = *config;
  }
  return server;
}

void whep_server_free(struct whep_server *server) {
  free(server);
}

/* ---- sessions ---- */

static struct session *find_free(struct whep_server *server) {
  for (size_t i = 0; i < server->config.max_sessions; i++) {
    if (server->sessions[i].state == SESSION_FREE) {
      return &server->sessions[i];
    }
  }
  return NULL;
}

static struct session *find_id(struct whep_server *server, const char *id) {
  for (size_t i = 0; i < server->config.max_sessions; i++) {
    struct session *session = &server->sessions[i];
    if (session->state != SESSION_FREE && strcmp(session->id, id) == 0) {
      return session;
    }
  }
  return NULL;
}

static struct session *find_peer(struct whep_server *server, uint64_t peer) {
  for (size_t i = 0; i < server->config.max_sessions; i++) {
    struct session *session = &server->sessions[i];
    if (session->state != SESSION_FREE && session->peer == peer) {
      return session;
    }
  }
  return NULL;
}

static void release(struct whep_server *server, struct session *session) {
  server->connecting_count -= session->state == SESSION_CONNECTING;
  server->session_count--;
  *session = (struct session){0};
}

static void end_session(struct whep_server *server, uint64_t now_ns, struct session *session) {
  uint64_t peer = session->peer;
  release(server, session);
  server->config.backend.end(server->config.backend.user_data, now_ns, peer);
}

void whep_server_note_connected(struct whep_server *server, uint64_t peer) {
  struct session *session = find_peer(server, peer);
  if (session != NULL) {
    server->connecting_count -= session->state == SESSION_CONNECTING;
    session->state = SESSION_CONNECTED;
  }
}

void whep_server_note_closed(struct whep_server *server, uint64_t peer) {
  struct session *session = find_peer(server, peer);
  if (session != NULL) {
    release(server, session);
  }
}

void whep_server_expire(struct whep_server *server, uint64_t now_ns) {
  for (size_t i = 0; i < server->config.max_sessions; i++) {
    struct session *session = &server->sessions[i];
    if (session->state == SESSION_CONNECTING && session->connect_by_ns <= now_ns) {
      end_session(server, now_ns, session);
    }
  }
}

uint64_t whep_server_next_deadline(const struct whep_server *server) {
  uint64_t first_ns = PAW_TIME_NEVER;
  for (size_t i = 0; server->connecting_count > 0 && i < server->config.max_sessions; i++) {
    const struct session *session = &server->sessions[i];
    if (session->state == SESSION_CONNECTING && session->connect_by_ns < first_ns) {
      first_ns = session->connect_by_ns;
    }
  }
  return first_ns;
}

void whep_server_set_ended(struct whep_server *server) {
  server->ended = true;
}

size_t whep_server_get_session_count(const struct whep_server *server) {
  return server->session_count;
}

/* ---- rates ---- */

static void refuse_rate(struct http_response *response) {
  http_response_add(response, "Retry-After", RETRY_RATE_S);
  http_response_say(response, 429, "Too many requests in a short time.");
}

static bool may_post(struct whep_server *server, const struct token *token, uint64_t now_ns) {
  return rate_spend(&post_rate, &server->posts_ns[token - server->config.tokens->list], now_ns);
}

/* ---- POST ---- */

static int write_random_hex(const struct whep_server *server, size_t bytes, char *out) {
  uint8_t random[ID_BYTES];
  if (server->config.rng.fill(server->config.rng.user_data, random, bytes) != 0) {
    return PAW_ERR_RANDOM;
  }
  for (size_t i = 0; i < bytes; i++) {
    (void)snprintf(out + 2 * i, 3, "%02x", random[i]);
  }
  return PAW_OK;
}

static int make_etag(const struct whep_server *server, char out[ETAG_SIZE]) {
  char tag[2 * ETAG_BYTES + 1];
  int status = write_random_hex(server, ETAG_BYTES, tag);
  if (status == PAW_OK) {
    (void)snprintf(out, ETAG_SIZE, "\"%s\"", tag);
  }
  return status;
}

static void refuse_full(const struct whep_server *server, struct http_response *response) {
  http_response_add(response, "Retry-After", RETRY_FULL_S);
  http_response_say(response, 503, texts_of(server)->full);
}

static void refuse_offer(const struct whep_server *server, int status,
                         struct http_response *response) {
  if (status == PAW_ERR_MALFORMED) {
    http_response_say(response, 400, "The offer is not a valid SDP description for WebRTC.");
  } else if (status == PAW_ERR_UNSUPPORTED) {
    http_response_say(response, 422, texts_of(server)->unsupported);
  } else if (status == PAW_ERR_INVALID) {
    http_response_say(response, 422, texts_of(server)->direction);
  } else if (status == PAW_ERR_NO_BUFFER) { /* an answer mirrors every section's formats */
    http_response_say(response, 422, "The answer to this offer would be too long.");
  } else if (status == PAW_ERR_LIMIT || status == PAW_ERR_NO_MEMORY) {
    refuse_full(server, response);
  } else {
    http_response_say(response, 500, "The server could not make a connection.");
  }
}

static void created(const struct whep_server *server, const struct session *session, char *answer,
                    size_t answer_len, struct http_response *response) {
  char location[HTTP_HEADER_VALUE_SIZE];
  (void)snprintf(location, sizeof location, "%s/%s", server->config.path, session->id);
  http_response_add(response, "Location", location);
  http_response_add(response, "ETag", session->etag);
  http_response_add(response, "Accept-Patch", FRAGMENT_TYPE);
  response->status = 201;
  response->content_type = "application/sdp";
  response->body = answer;
  response->body_len = answer_len;
}

static int make_session(struct whep_server *server, const struct http_request *request,
                        struct session *made, char *answer, size_t *answer_len) {
  const struct whep_backend *backend = &server->config.backend;
  int status = write_random_hex(server, ID_BYTES, made->id);
  if (status == PAW_OK) {
    status = make_etag(server, made->etag);
  }
  if (status == PAW_OK) {
    status = backend->accept(backend->user_data, request->now_ns, request->body, request->body_len,
                             answer, answer_len, &made->peer);
  }
  return status;
}

/* The session that a token bound to a speaker has already: the speaker has begun anew. */
static struct session *find_bound(struct whep_server *server, const struct token *token) {
  for (size_t i = 0; token->id[0] != '\0' && i < server->config.max_sessions; i++) {
    struct session *session = &server->sessions[i];
    if (session->state != SESSION_FREE && session->owner == token) {
      return session;
    }
  }
  return NULL;
}

static void accept_offer(struct whep_server *server, const struct http_request *request,
                         const struct token *token, struct http_response *response) {
  struct session *before = find_bound(server, token);
  struct session *place = before != NULL ? before : find_free(server);
  size_t answer_len = WHEP_ANSWER_BYTES_MAX;
  struct session made = {.state = SESSION_CONNECTING,
                         .owner = token,
                         .connect_by_ns = request->now_ns + WHEP_CONNECT_NS};
  char *answer = place != NULL ? malloc(answer_len) : NULL;
  int status = answer != NULL ? make_session(server, request, &made, answer, &answer_len)
                              : PAW_ERR_NO_MEMORY;
  if (status != PAW_OK) {
    free(answer);
    refuse_offer(server, status, response);
    return;
  }
  if (before != NULL) {
    end_session(server, request->now_ns, before);
  }
  *place = made;
  server->session_count++;
  server->connecting_count++;
  created(server, place, answer, answer_len, response);
}

static void handle_post(struct whep_server *server, const struct http_request *request,
                        struct http_response *response) {
  const struct token *token = bearer_find(server->config.tokens, request);
  if (token == NULL) {
    bearer_refuse_unknown(request, response);
  } else if (request->body_too_long) {
    http_response_say(response, 413, "The offer is longer than 64 KiB.");
  } else if (!http_is_type(request->content_type, "application/sdp")) {
    http_response_add(response, "Accept-Post", "application/sdp");
    http_response_say(response, 415, "Content-Type must be application/sdp.");
  } else if (request->body_len == 0) {
    http_response_say(response, 400, "The offer is missing.");
  } else if (server->ended) {
    http_response_add(response, "Retry-After", RETRY_ENDED_S);
    http_response_say(response, 409, "The source has ended; nothing is playing.");
  } else if (!may_post(server, token, request->now_ns)) {
    refuse_rate(response);
  } else {
    accept_offer(server, request, token, response);
  }
}

/* ---- PATCH ---- */

static void refuse_fragment(int status, struct http_response *response) {
  if (status == PAW_ERR_MALFORMED || status == PAW_ERR_LIMIT) {
    http_response_say(response, 422, "The body is not a trickle ICE fragment.");
  } else if (status == PAW_ERR_STATE || status == PAW_ERR_INVALID) {
    http_response_say(response, 404, "The session is ending.");
  } else {
    http_response_say(response, 500, "The server could not take the fragment.");
  }
}

/* RFC 9725 section 4.3.3: a restart is answered with a fragment and another ETag; section 4.3.2:
 * candidates are answered with neither. */
static void answer_fragment(struct session *session, const char *etag, bool restarted, char *answer,
                            size_t answer_len, struct http_response *response) {
  if (!restarted) {
    free(answer);
    response->status = 204;
    return;
  }
  (void)snprintf(session->etag, sizeof session->etag, "%s", etag);
  http_response_add(response, "ETag", session->etag);
  response->status = 200;
  response->content_type = FRAGMENT_TYPE;
  response->body = answer;
  response->body_len = answer_len;
}

static void accept_fragment(struct whep_server *server, const struct http_request *request,
                            struct session *session, struct http_response *response) {
  const struct whep_backend *backend = &server->config.backend;
  char etag[ETAG_SIZE];
  bool restarted = false;
  size_t answer_len = WHEP_ANSWER_BYTES_MAX;
  char *answer = malloc(answer_len);
  int status = answer != NULL ? make_etag(server, etag) : PAW_ERR_NO_MEMORY;
  if (status == PAW_OK) {
    status = backend->patch(backend->user_data, request->now_ns, session->peer, request->body,
                            request->body_len, &restarted, answer, &answer_len);
  }
  if (status != PAW_OK) {
    free(answer);
    refuse_fragment(status, response);
    return;
  }
  answer_fragment(session, etag, restarted, answer, answer_len, response);
}

/* RFC 9110 section 13.1.1, strong comparison. RFC 9725 writes the asterisk in quotes. */
static bool etag_matches(const char *if_match, const char *etag) {
  size_t etag_len = strlen(etag);
  while (*if_match != '\0') {
    if_match += strspn(if_match, ", \t");
    size_t len = strcspn(if_match, ", \t");
    if ((len == etag_len && memcmp(if_match, etag, len) == 0) || (len == 1 && *if_match == '*') ||
        (len == 3 && memcmp(if_match, "\"*\"", 3) == 0)) {
      return true;
    }
    if_match += len;
  }
  return false;
}

static void handle_patch(struct whep_server *server, const struct http_request *request,
                         struct session *session, struct http_response *response) {
  if (request->body_too_long) {
    http_response_say(response, 413, "The fragment is longer than 64 KiB.");
  } else if (!http_is_type(request->content_type, FRAGMENT_TYPE)) {
    http_response_add(response, "Accept-Patch", FRAGMENT_TYPE);
    http_response_say(response, 415, "Content-Type must be " FRAGMENT_TYPE ".");
  } else if (request->if_match == NULL) {
    http_response_say(response, 428, "If-Match with the session's ETag is needed.");
  } else if (!etag_matches(request->if_match, session->etag)) {
    http_response_say(response, 412, "If-Match is not the session's ETag.");
  } else if (request->body_len == 0) {
    http_response_say(response, 422, "The fragment is missing.");
  } else if (!rate_spend(&patch_rate, &session->patches_ns, request->now_ns)) {
    refuse_rate(response);
  } else {
    accept_fragment(server, request, session, response);
  }
}

/* ---- the other methods ---- */

static void refuse_method(struct http_response *response, const char *allowed) {
  http_response_add(response, "Allow", allowed);
  http_response_say(response, 405, "This method is not for this address.");
}

/* RFC 9725 section 4.1: pre-flights carry no token. */
static void handle_preflight(struct http_response *response, const char *allowed) {
  http_response_add(response, "Access-Control-Allow-Methods", allowed);
  http_response_add(response, "Access-Control-Allow-Headers",
                    "Authorization, Content-Type, If-Match");
  http_response_add(response, "Access-Control-Max-Age", "86400");
  http_response_add(response, "Allow", allowed);
  http_response_add(response, "Accept-Post", "application/sdp");
  http_response_add(response, "Accept-Patch", FRAGMENT_TYPE);
  response->status = 204;
}

static void handle_look(const struct http_request *request, struct http_response *response) {
  if (request->method == HTTP_HEAD) {
    response->status = 200;
    response->content_type = "application/sdp";
  } else {
    response->status = 204;
  }
}

#define ENDPOINT_METHODS "GET, HEAD, POST, OPTIONS"
#define SESSION_METHODS "GET, HEAD, PATCH, DELETE, OPTIONS"

static void handle_endpoint(struct whep_server *server, const struct http_request *request,
                            struct http_response *response) {
  switch (request->method) {
  case HTTP_POST:
    handle_post(server, request, response);
    return;
  case HTTP_OPTIONS:
    handle_preflight(response, ENDPOINT_METHODS);
    return;
  case HTTP_GET:
  case HTTP_HEAD:
    if (bearer_find(server->config.tokens, request) == NULL) {
      bearer_refuse_unknown(request, response);
    } else {
      handle_look(request, response);
    }
    return;
  case HTTP_PATCH:
  case HTTP_DELETE:
  case HTTP_OTHER:
    refuse_method(response, ENDPOINT_METHODS);
    return;
  }
}

static void handle_owned(struct whep_server *server, const struct http_request *request,
                         struct session *session, struct http_response *response) {
  switch (request->method) {
  case HTTP_PATCH:
    handle_patch(server, request, session, response);
    return;
  case HTTP_DELETE:
    end_session(server, request->now_ns, session);
    response->status = 200;
    return;
  case HTTP_GET:
  case HTTP_HEAD:
    handle_look(request, response);
    return;
  case HTTP_POST:
  case HTTP_OPTIONS:
  case HTTP_OTHER:
    return;
  }
}

static void handle_session(struct whep_server *server, const struct http_request *request,
                           const char *id, struct http_response *response) {
  struct session *session = find_id(server, id);
  const struct token *token = bearer_find(server->config.tokens, request);
  if (request->method == HTTP_OPTIONS) {
    handle_preflight(response, SESSION_METHODS);
  } else if (request->method == HTTP_POST || request->method == HTTP_OTHER) {
    refuse_method(response, SESSION_METHODS);
  } else if (token == NULL) {
    bearer_refuse_unknown(request, response);
  } else if (session == NULL) {
    http_response_say(response, 404, "There is no such session.");
  } else if (token != session->owner && token->role != TOKEN_ADMIN) {
    bearer_refuse_role(response, "This session was made with another token.");
  } else {
    handle_owned(server, request, session, response);
  }
}

/* What follows the endpoint's path: "" for itself, "/…" below it, NULL elsewhere. */
static const char *path_below(const struct whep_server *server, const char *path) {
  size_t len = strlen(server->config.path);
  if (strncmp(path, server->config.path, len) != 0) {
    return NULL;
  }
  return path[len] == '\0' || path[len] == '/' ? path + len : NULL;
}

void whep_server_handle(struct whep_server *server, const struct http_request *request,
                        struct http_response *response) {
  const char *below = path_below(server, request->path);
  http_response_add(response, "Access-Control-Allow-Origin", "*");
  http_response_add(response, "Access-Control-Expose-Headers",
                    "Location, ETag, Link, Accept-Post, Accept-Patch");
  if (below == NULL) {
    http_response_say(response, 404, "There is nothing at this address.");
  } else if (below[0] == '\0') {
    handle_endpoint(server, request, response);
  } else {
    handle_session(server, request, below + 1, response);
  }
}
