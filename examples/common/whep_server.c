/* SPDX-License-Identifier: MIT */
#include "whep_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* RFC 9725 section 4.2: session URLs are unguessable; 128 bits as hexadecimal. */
#define ID_BYTES 16
#define ID_LEN (2 * ID_BYTES)
#define ETAG_BYTES 8

/* Seconds after which to ask again: a full server may have room soon, an ended source comes back
 * with the server's next start. */
#define RETRY_FULL_S "5"
#define RETRY_ENDED_S "5"

/*   FREE --accept--> CONNECTING --ICE and DTLS--> CONNECTED
 *    ^                   |                            |
 *    +-- DELETE, closed, 30 s --+-- DELETE, closed ---+           */
enum session_state { SESSION_FREE, SESSION_CONNECTING, SESSION_CONNECTED };

struct session {
  enum session_state state;
  uint64_t peer;
  uint64_t connect_by_ns;
  const struct token *owner;
  char id[ID_LEN + 1];
  char etag[2 * ETAG_BYTES + 3];
};

struct whep_server {
  struct whep_config config;
  size_t session_count;
  bool ended;
  struct session sessions[];
};

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
  *session = (struct session){0};
  server->session_count--;
}

void whep_server_note_connected(struct whep_server *server, uint64_t peer) {
  struct session *session = find_peer(server, peer);
  if (session != NULL) {
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
      uint64_t peer = session->peer;
      release(server, session);
      server->config.backend.end(server->config.backend.user_data, now_ns, peer);
    }
  }
}

uint64_t whep_server_next_deadline(const struct whep_server *server) {
  uint64_t first_ns = PAW_TIME_NEVER;
  for (size_t i = 0; server->session_count > 0 && i < server->config.max_sessions; i++) {
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

/* ---- tokens ---- */

/* RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1). */
static const struct token *find_token(const struct whep_server *server,
                                      const struct http_request *request) {
  const char *value = request->authorization;
  if (value == NULL || strncasecmp(value, "Bearer ", 7) != 0) {
    return NULL;
  }
  return tokens_find(server->config.tokens, value + 7 + strspn(value + 7, " "));
}

static void refuse_unknown(const struct http_request *request, struct http_response *response) {
  if (request->authorization == NULL) {
    http_response_add(response, "WWW-Authenticate", "Bearer realm=\"pa-send\"");
    http_response_say(response, 401, "A bearer token is needed.");
  } else {
    http_response_add(response, "WWW-Authenticate",
                      "Bearer realm=\"pa-send\", error=\"invalid_token\"");
    http_response_say(response, 401, "This bearer token is not known here.");
  }
}

static void refuse_role(struct http_response *response, const char *text) {
  http_response_add(response, "WWW-Authenticate",
                    "Bearer realm=\"pa-send\", error=\"insufficient_scope\"");
  http_response_say(response, 403, text);
}

static bool may_listen(const struct token *token) {
  return token->role == TOKEN_LISTENER || token->role == TOKEN_SPEAKER ||
         token->role == TOKEN_ADMIN;
}

/* ---- POST ---- */

static int write_random_hex(const struct whep_server *server, size_t bytes, char *out) {
  uint8_t random[ID_BYTES];
  if (server->config.rng.fill(server->config.rng.user_data, random, bytes) != 0) {
    return -1;
  }
  for (size_t i = 0; i < bytes; i++) {
    (void)snprintf(out + 2 * i, 3, "%02x", random[i]);
  }
  return 0;
}

static int name_session(const struct whep_server *server, struct session *session) {
  char tag[2 * ETAG_BYTES + 1];
  if (write_random_hex(server, ID_BYTES, session->id) != 0 ||
      write_random_hex(server, ETAG_BYTES, tag) != 0) {
    return -1;
  }
  (void)snprintf(session->etag, sizeof session->etag, "\"%s\"", tag);
  return 0;
}

static void refuse_full(struct http_response *response) {
  http_response_add(response, "Retry-After", RETRY_FULL_S);
  http_response_say(response, 503, "The server has as many listeners as it takes.");
}

static void refuse_offer(struct http_response *response, int status) {
  if (status == PAW_ERR_MALFORMED) {
    http_response_say(response, 400, "The offer is not a valid SDP description for WebRTC.");
  } else if (status == PAW_ERR_UNSUPPORTED) {
    http_response_say(response, 422,
                      "The offer has no audio section with Opus, rtcp-mux and DTLS-SRTP.");
  } else if (status == PAW_ERR_INVALID) {
    http_response_say(response, 422, "The offer does not want to receive audio (a=recvonly).");
  } else if (status == PAW_ERR_LIMIT || status == PAW_ERR_NO_MEMORY) {
    refuse_full(response);
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
  response->status = 201;
  response->content_type = "application/sdp";
  response->body = answer;
  response->body_len = answer_len;
}

static void accept_offer(struct whep_server *server, const struct http_request *request,
                         const struct token *token, struct session *session,
                         struct http_response *response) {
  struct whep_backend *backend = &server->config.backend;
  size_t answer_len = WHEP_ANSWER_BYTES_MAX;
  char *answer = malloc(answer_len);
  struct session made = {.state = SESSION_CONNECTING,
                         .owner = token,
                         .connect_by_ns = request->now_ns + WHEP_CONNECT_NS};
  int status = PAW_ERR_NO_MEMORY;
  if (answer != NULL) {
    status = name_session(server, &made) != 0 ? PAW_ERR_RANDOM : PAW_OK;
  }
  if (status == PAW_OK) {
    status = backend->accept(backend->user_data, request->now_ns, request->body, request->body_len,
                             answer, &answer_len, &made.peer);
  }
  if (status != PAW_OK) {
    free(answer);
    refuse_offer(response, status);
    return;
  }
  *session = made;
  server->session_count++;
  created(server, session, answer, answer_len, response);
}

static void handle_post(struct whep_server *server, const struct http_request *request,
                        struct http_response *response) {
  const struct token *token = find_token(server, request);
  struct session *session = find_free(server);
  if (token == NULL) {
    refuse_unknown(request, response);
  } else if (!may_listen(token)) {
    refuse_role(response, "This token may not listen: use one of role listener or speaker.");
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
  } else if (session == NULL) {
    refuse_full(response);
  } else {
    accept_offer(server, request, token, session, response);
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
  response->status = 204;
}

static void handle_look(struct whep_server *server, const struct http_request *request,
                        struct http_response *response) {
  if (find_token(server, request) == NULL) {
    refuse_unknown(request, response);
  } else if (request->method == HTTP_HEAD) {
    response->status = 200;
    response->content_type = "application/sdp";
  } else {
    response->status = 204;
  }
}

static void handle_delete(struct whep_server *server, const struct http_request *request,
                          struct session *session, struct http_response *response) {
  const struct token *token = find_token(server, request);
  if (token == NULL) {
    refuse_unknown(request, response);
  } else if (session == NULL) {
    http_response_say(response, 404, "There is no such session.");
  } else if (token != session->owner && token->role != TOKEN_ADMIN) {
    refuse_role(response, "This session was made with another token.");
  } else {
    uint64_t peer = session->peer;
    release(server, session);
    server->config.backend.end(server->config.backend.user_data, request->now_ns, peer);
    response->status = 200;
  }
}

#define ENDPOINT_METHODS "GET, HEAD, POST, OPTIONS"
#define SESSION_METHODS "GET, HEAD, DELETE, OPTIONS"

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
    handle_look(server, request, response);
    return;
  case HTTP_PATCH:
  case HTTP_DELETE:
  case HTTP_OTHER:
    refuse_method(response, ENDPOINT_METHODS);
    return;
  }
}

static void handle_session_look(struct whep_server *server, const struct http_request *request,
                                const struct session *session, struct http_response *response) {
  handle_look(server, request, response);
  if (session == NULL && response->status < 300) {
    http_response_say(response, 404, "There is no such session.");
  }
}

static void handle_session(struct whep_server *server, const struct http_request *request,
                           const char *id, struct http_response *response) {
  struct session *session = find_id(server, id);
  switch (request->method) {
  case HTTP_DELETE:
    handle_delete(server, request, session, response);
    return;
  case HTTP_OPTIONS:
    handle_preflight(response, SESSION_METHODS);
    return;
  case HTTP_GET:
  case HTTP_HEAD:
    handle_session_look(server, request, session, response);
    return;
  case HTTP_POST:
  case HTTP_PATCH:
  case HTTP_OTHER:
    refuse_method(response, SESSION_METHODS);
    return;
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
  http_response_add(response, "Access-Control-Expose-Headers", "Location, ETag, Link");
  if (below == NULL) {
    http_response_say(response, 404, "There is nothing at this address.");
  } else if (below[0] == '\0') {
    handle_endpoint(server, request, response);
  } else {
    handle_session(server, request, below + 1, response);
  }
}
