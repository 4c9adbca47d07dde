/* SPDX-License-Identifier: MIT */
/* From nothing to an answered offer, by HTTP: the server's key, the offer, redirects, the server's
 * counter-offer. */
#include "session_private.h"

#include <stdio.h>
#include <string.h>

#include "http.h"
#include "http_time.h"
#include "system.h"
#include "whep_status.h"

#define REQUEST_DEADLINE_NS (10 * PAW_NS_PER_S)
/* A server that went away does not hold up the end of the program. */
#define LEAVE_DEADLINE_NS PAW_NS_PER_S
/* ICE and DTLS take milliseconds on a LAN, a second or two at heavy loss. */
#define CONNECT_DEADLINE_NS (10 * PAW_NS_PER_S)
#define REDIRECTS_MAX 5
#define SDP_TYPE "application/sdp"

/* ---- HTTP ---- */

/* The token is for the server it was given for: whoever proves to hold the pinned key, else the
 * origin that --server names. */
const char *session_token_for(const struct session *session, const char *url) {
  bool proven = session->pin.trust == PIN_TRUST_KEY && whep_url_is_secure(url);
  bool trusted = proven || whep_url_same_origin(url, session->config.settings->url);
  return session->token[0] != '\0' && trusted ? session->token : NULL;
}

struct http_client_transfer *session_send(struct session *session,
                                          const struct http_client_request *request,
                                          http_client_done_fn *done) {
  struct http_client_transfer *transfer =
      http_client_send(session->config.http, request, done, session);
  if (transfer == NULL) {
    fault_set(&session->fault, "out of memory");
    session_end(session, SESSION_END_RETRY, 0);
  }
  return transfer;
}

struct http_client_request session_make_delete(const struct session *session) {
  return (struct http_client_request){.method = "DELETE",
                                      .url = session->resource,
                                      .token = session_token_for(session, session->resource),
                                      .pin = session->pin,
                                      .deadline_ns = LEAVE_DEADLINE_NS};
}

void session_cancel_request(struct session *session) {
  if (session->transfer != NULL) {
    http_client_cancel(session->transfer);
    session->transfer = NULL;
  }
}

static void ignore_response(void *user_data, const struct http_client_response *response) {
  (void)user_data, (void)response;
}

/* Tell the server that its session is not wanted any more, whatever it says to that. */
void session_abandon_resource(struct session *session) {
  if (session->resource[0] != '\0') {
    struct http_client_request request = session_make_delete(session);
    (void)http_client_send(session->config.http, &request, ignore_response, NULL);
    session->resource[0] = '\0';
  }
}

static void explain_wrong_key(struct session *session, const char *server_pin) {
  char store[PIN_STORE_PATH_SIZE];
  const struct settings *settings = session->config.settings;
  pin_store_path(settings->state_dir, store);
  const char *shown = server_pin[0] != '\0' ? server_pin : "none that can be read";
  if (session->redirects > 0) {
    fault_set(&session->fault,
              "%s redirects to %s, which shows another key: wanted %s, got %s; refused",
              settings->url, session->url, session->pin.key, shown);
  } else if (settings->pin.trust == PIN_TRUST_KEY) {
    fault_set(&session->fault, "%s shows another key than --pin says: wanted %s, got %s",
              session->url, session->pin.key, shown);
  } else {
    fault_set(&session->fault,
              "the key of %s has changed: remembered %s, got %s; if that is right, remove its line "
              "from %s",
              session->url, session->pin.key, shown, store);
  }
}

void session_note_response(struct session *session, const struct http_client_response *response) {
  if (response->outcome == HTTP_CLIENT_ANSWERED &&
      response->server_address.family != PAW_FAMILY_NONE) {
    session->server_address = response->server_address;
  }
}

void session_end_unanswered(struct session *session, const struct http_client_response *response) {
  enum session_end how = SESSION_END_RETRY;
  switch (response->outcome) {
  case HTTP_CLIENT_WRONG_KEY:
    explain_wrong_key(session, response->server_pin);
    how = SESSION_END_REFUSED;
    break;
  case HTTP_CLIENT_UNTRUSTED:
    fault_set(&session->fault, "no authority of this system vouches for %s (%s); its key is %s",
              session->url, response->problem, response->server_pin);
    how = SESSION_END_REFUSED;
    break;
  case HTTP_CLIENT_TOO_LONG:
    fault_set(&session->fault, "%s: its answer is longer than %d bytes", session->url,
              HTTP_CLIENT_BODY_MAX);
    break;
  case HTTP_CLIENT_ANSWERED:
  case HTTP_CLIENT_UNREACHABLE:
  case HTTP_CLIENT_TIMED_OUT:
    fault_set(&session->fault, "%s: %s", session->url, response->problem);
    knock_start(&session->knock, &session->server_address);
    break;
  }
  session_end(session, how, 0);
}

/* ---- the offer and its answer ---- */

/* The request under way is done. False, and the session ends, when nothing came back. */
static bool take_response(struct session *session, const struct http_client_response *response) {
  session->transfer = NULL;
  session_note_response(session, response);
  if (response->outcome == HTTP_CLIENT_ANSWERED) {
    return true;
  }
  session_end_unanswered(session, response);
  return false;
}

static void on_posted(void *user_data, const struct http_client_response *response);

static void post(struct session *session) {
  const struct http_client_request request = {.method = "POST",
                                              .url = session->url,
                                              .fresh = true,
                                              .token = session_token_for(session, session->url),
                                              .content_type = SDP_TYPE,
                                              .body = session->text,
                                              .body_len = strlen(session->text),
                                              .pin = session->pin,
                                              .deadline_ns = REQUEST_DEADLINE_NS};
  session_set_state(session, SESSION_CALLING);
  session->transfer = session_send(session, &request, on_posted);
}

static void offer(struct session *session) {
  if (peer_offer(&session->peer, system_now_ns(), session->mode, session->text, &session->fault) !=
      0) {
    session_end(session, SESSION_END_RETRY, 0);
    return;
  }
  post(session);
}

static void redirect(struct session *session, const char *location) {
  char target[WHEP_URL_SIZE];
  int status = whep_url_resolve(session->url, location, target, &session->fault);
  if (status == 0 && ++session->redirects > REDIRECTS_MAX) {
    status = fault_set(&session->fault, "%s: redirected too often", session->url);
  }
  if (status == 0 && !whep_url_is_secure(session->url) &&
      !whep_url_same_origin(session->url, target)) {
    status = fault_set(&session->fault, "%s redirects to %s, whose key is not known; refused",
                       session->url, target);
  }
  if (status != 0) {
    session_end(session, SESSION_END_REFUSED, 0);
    return;
  }
  memcpy(session->url, target, sizeof target);
  post(session);
}

static void refuse_status(struct session *session, const struct http_client_response *response) {
  const char *token_file = session->config.settings->token_file;
  enum whep_verdict verdict = whep_status_verdict(response->status);
  if (response->status == 401) {
    fault_set(&session->fault, "%s: %s (401): %s%s", session->url, whep_status_text(401),
              token_file != NULL ? "look at the first line of " : "give one with --token-file",
              token_file != NULL ? token_file : "");
  } else {
    fault_set(&session->fault, "%s: %s (%ld)", session->url, whep_status_text(response->status),
              response->status);
  }
  session_end(session, verdict == WHEP_RETRY ? SESSION_END_RETRY : SESSION_END_REFUSED,
              response->retry_after_ns);
}

/* Without a key that is insisted on, and shown, nobody vouches for another origin. */
static bool may_be_resource(const struct session *session, const char *resource) {
  bool proven = session->pin.trust != PIN_TRUST_FIRST_USE && whep_url_is_secure(resource);
  return proven || whep_url_same_origin(session->url, resource);
}

static void keep_resource(struct session *session, const char *location) {
  struct fault fault;
  if (location[0] == '\0' ||
      whep_url_resolve(session->url, location, session->resource, &fault) != 0 ||
      !may_be_resource(session, session->resource)) {
    session->resource[0] = '\0';
    system_tell(&session->config.peer.log, PAW_LOG_WARNING, "session",
                "the server names no address to end the session at");
  }
}

void session_keep_etag(struct session *session, const char *etag) {
  int len = snprintf(session->etag, sizeof session->etag, "%s", etag);
  if (len < 0 || (size_t)len >= sizeof session->etag) {
    session->etag[0] = '\0';
  }
}

static bool is_sdp(const struct http_client_response *response) {
  return http_is_type(response->content_type, SDP_TYPE) && response->body_len > 0;
}

/* RFC 9725 section 4.3.2: what came of addresses before this response was kept back until now. */
static void wait_for_connection(struct session *session) {
  session_set_state(session, SESSION_CONNECTING);
  session_set_deadline(session, CONNECT_DEADLINE_NS);
  session_note_addresses(session);
}

static void accept(struct session *session, const struct http_client_response *response) {
  const struct settings *settings = session->config.settings;
  keep_resource(session, response->location);
  session_keep_etag(session, response->etag);
  if (!is_sdp(response)) {
    fault_set(&session->fault, "%s answers with \"%.100s\" instead of " SDP_TYPE, session->url,
              response->content_type);
    session_end(session, SESSION_END_REFUSED, 0);
    return;
  }
  int status = peer_answer(&session->peer, system_now_ns(), response->body, response->body_len);
  bool both_lite = status == PAW_ERR_UNSUPPORTED && session->mode == PAW_ICE_LITE &&
                   strstr(response->body, "a=ice-lite") != NULL;
  if (both_lite && settings->ice == ICE_CHOICE_AUTO) {
    session_abandon_resource(session);
    session->mode = PAW_ICE_FULL;
    offer(session);
    return;
  }
  if (both_lite) {
    fault_set(&session->fault, "%s is ICE-lite too: use --ice full or auto", session->url);
  } else if (status != PAW_OK) {
    fault_set(&session->fault, "%s: its answer cannot be used: %s", session->url,
              paw_strerror(status));
  }
  if (status != PAW_OK) {
    session_end(session, status == PAW_ERR_UNSUPPORTED ? SESSION_END_REFUSED : SESSION_END_RETRY,
                0);
    return;
  }
  wait_for_connection(session);
}

/* ---- the server's counter-offer (draft-ietf-wish-whep, "Server Sends Counter-offer") ---- */

/* The media may be there before this response. */
static void on_answer_taken(void *user_data, const struct http_client_response *response) {
  struct session *session = user_data;
  if (!take_response(session, response)) {
    return;
  }
  enum whep_patch_verdict verdict = whep_status_patch_verdict(response->status);
  if (verdict != WHEP_PATCH_DONE) {
    fault_set(&session->fault, "%s: the answer to its offer was not taken (%ld)", session->url,
              response->status);
    bool passes = verdict == WHEP_PATCH_GONE || verdict == WHEP_PATCH_LATER;
    session_end(session, passes ? SESSION_END_RETRY : SESSION_END_REFUSED,
                response->retry_after_ns);
    return;
  }
  if (response->etag[0] != '\0') {
    session_keep_etag(session, response->etag);
  }
  if (session->state == SESSION_ANSWERING) {
    wait_for_connection(session);
  }
}

static void send_answer(struct session *session, uint64_t valid_ns) {
  const struct http_client_request request = {
      .method = "PATCH",
      .url = session->resource,
      .token = session_token_for(session, session->resource),
      .content_type = SDP_TYPE,
      .body = session->text,
      .body_len = strlen(session->text),
      .pin = session->pin,
      .deadline_ns = valid_ns < REQUEST_DEADLINE_NS ? valid_ns : REQUEST_DEADLINE_NS};
  session_set_state(session, SESSION_ANSWERING);
  session->transfer = session_send(session, &request, on_answer_taken);
}

static void take_counter_offer(struct session *session,
                               const struct http_client_response *response) {
  const struct peer_counter_offer counter = {
      .sdp = response->body, .len = response->body_len, .mode = session->mode};
  struct fault fault;
  keep_resource(session, response->location);
  session_keep_etag(session, response->etag);
  uint64_t valid_ns = http_offer_valid_ns(response->content_type, response->date);
  if (valid_ns == 0) {
    fault_set(&session->fault, "%s: its offer is valid no longer", session->url);
    session_end(session, SESSION_END_RETRY, 0);
  } else if (session->resource[0] == '\0') {
    fault_set(&session->fault, "%s offers, but does not say where to answer", session->url);
    session_end(session, SESSION_END_REFUSED, 0);
  } else if (peer_accept_offer(&session->peer, system_now_ns(), &counter, session->text, &fault) !=
             0) {
    fault_set(&session->fault, "%s: %.400s", session->url, fault.text);
    session_end(session, SESSION_END_REFUSED, 0);
  } else {
    send_answer(session, valid_ns);
  }
}

static void on_posted(void *user_data, const struct http_client_response *response) {
  struct session *session = user_data;
  if (!take_response(session, response)) {
    return;
  }
  knock_stop(&session->knock);
  switch (whep_status_verdict(response->status)) {
  case WHEP_CREATED:
    accept(session, response);
    break;
  case WHEP_COUNTER_OFFER:
    if (is_sdp(response)) {
      take_counter_offer(session, response);
    } else {
      refuse_status(session, response);
    }
    break;
  case WHEP_REDIRECT:
    redirect(session, response->location);
    break;
  case WHEP_RETRY:
  case WHEP_REFUSED:
    refuse_status(session, response);
    break;
  }
}

/* ---- the server's key ---- */

static void on_key_shown(void *user_data, const struct http_client_response *response) {
  struct session *session = user_data;
  char authority[WHEP_AUTHORITY_SIZE];
  session->transfer = NULL;
  session_note_response(session, response);
  /* Any answer will do, also "404": the handshake has shown the key. */
  if (response->outcome != HTTP_CLIENT_ANSWERED || response->server_pin[0] == '\0') {
    session_end_unanswered(session, response);
    return;
  }
  whep_url_authority(session->url, authority);
  if (pin_store_write(session->config.settings->state_dir, authority, response->server_pin,
                      &session->fault) != 0) {
    session_end(session, SESSION_END_REFUSED, 0);
    return;
  }
  session->pin.trust = PIN_TRUST_KEY;
  memcpy(session->pin.key, response->server_pin, PIN_TEXT_SIZE);
  system_tell(&session->config.peer.log, PAW_LOG_WARNING, "session",
              "first contact with %s: its key is trusted from now on: --pin %s", authority,
              session->pin.key);
  offer(session);
}

static void learn_key(struct session *session) {
  const struct http_client_request request = {.method = "HEAD",
                                              .url = session->url,
                                              .pin = {.trust = PIN_TRUST_FIRST_USE},
                                              .deadline_ns = REQUEST_DEADLINE_NS};
  session_set_state(session, SESSION_PAIRING);
  session->transfer = session_send(session, &request, on_key_shown);
}

/* What is the server known by? The pin of this session is set; empty when it has to be learnt. */
static int find_pin(struct session *session) {
  const struct settings *settings = session->config.settings;
  char authority[WHEP_AUTHORITY_SIZE];
  session->pin = settings->pin;
  if (settings->pin.trust != PIN_TRUST_FIRST_USE || !whep_url_is_secure(session->url)) {
    return 0;
  }
  whep_url_authority(session->url, authority);
  if (pin_store_read(settings->state_dir, authority, session->pin.key, &session->fault) != 0) {
    return -1;
  }
  if (session->pin.key[0] != '\0') {
    session->pin.trust = PIN_TRUST_KEY;
  }
  return 0;
}

void session_call(struct session *session) {
  const struct settings *settings = session->config.settings;
  memcpy(session->url, settings->url, sizeof session->url);
  session->redirects = 0;
  session->token[0] = '\0';
  /* Read each time: a token that was replaced is taken up without a restart. */
  if ((settings->token_file != NULL &&
       token_file_read(settings->token_file, session->token, &session->fault) != 0) ||
      find_pin(session) != 0) {
    session_end(session, SESSION_END_REFUSED, 0);
    return;
  }
  if (session->pin.trust == PIN_TRUST_FIRST_USE && whep_url_is_secure(session->url)) {
    learn_key(session);
  } else {
    offer(session);
  }
}

void session_call_again(struct session *session) {
  if (session->transfer == NULL || http_client_has_connected(session->transfer)) {
    return;
  }
  session_cancel_request(session);
  if (session->state == SESSION_PAIRING) {
    learn_key(session);
  } else {
    offer(session);
  }
}
