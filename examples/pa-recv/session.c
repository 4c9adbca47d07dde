/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"
#include "token_file.h"
#include "whep_status.h"

#define REQUEST_DEADLINE_NS (10 * PAW_NS_PER_S)
/* A server that went away does not hold up the end of the program. */
#define LEAVE_DEADLINE_NS PAW_NS_PER_S
/* ICE and DTLS take milliseconds on a LAN, a second or two at heavy loss. */
#define CONNECT_DEADLINE_NS (10 * PAW_NS_PER_S)
/* From the connection to the first packet: a server that has nothing to play says so by 409. */
#define FIRST_PACKET_DEADLINE_NS (10 * PAW_NS_PER_S)
/* An outage of the network up to this goes on in the same session: a server takes consent for
 * expired after some 24 s without an answer (RFC 7675 section 5.1 and its checks' pace). */
#define SILENCE_DEADLINE_NS (20 * PAW_NS_PER_S)
/* A server that was started anew knows nothing of the session, and its port answers nothing: it is
 * asked by HTTP. A hole in the sound this long is worth a request. */
#define PROBE_AFTER_NS PAW_NS_PER_S
#define PROBE_EVERY_NS PAW_NS_PER_S
#define PROBE_DEADLINE_NS (2 * PAW_NS_PER_S)
#define REDIRECTS_MAX 5

struct session {
  struct session_config config;
  enum session_state state;
  struct peer peer;
  struct loop_timer timer;               /* the deadline of the present state */
  uint64_t silent_since_ns;              /* of SILENT */
  struct http_client_transfer *transfer; /* of PAIRING, CALLING, SILENT and DELETING */
  struct pin pin;                        /* what the server is known by in this session */
  enum paw_ice_mode mode;  /* of the offer; full from the first server on that is lite itself */
  char url[WHEP_URL_SIZE]; /* where the offer goes */
  char resource[WHEP_URL_SIZE]; /* the session at the server; empty: none */
  char offer[PEER_OFFER_SIZE];
  char token[TOKEN_FILE_TOKEN_SIZE]; /* empty: none */
  int redirects;
  /* How it ended, for ENDING. */
  enum session_end end;
  uint64_t wait_ns;
  struct fault fault;
};

/* ---- states ---- */

const char *session_state_text(enum session_state state) {
  static const char *const texts[] = {
#define SESSION_STATE_TEXT(name, text) text,
      SESSION_STATE_MAP(SESSION_STATE_TEXT)
#undef SESSION_STATE_TEXT
  };
  return texts[state];
}

#define TO(state) (1u << SESSION_##state)

static void set_state(struct session *session, enum session_state state) {
  static const unsigned allowed[SESSION_STATE_COUNT] = {
      [SESSION_IDLE] = TO(PAIRING) | TO(CALLING) | TO(ENDING),
      [SESSION_PAIRING] = TO(CALLING) | TO(ENDING),
      [SESSION_CALLING] = TO(CALLING) | TO(CONNECTING) | TO(ENDING),
      [SESSION_CONNECTING] = TO(CONNECTED) | TO(LEAVING) | TO(ENDING),
      [SESSION_CONNECTED] = TO(PLAYING) | TO(LEAVING) | TO(ENDING),
      [SESSION_PLAYING] = TO(SILENT) | TO(LEAVING) | TO(ENDING),
      [SESSION_SILENT] = TO(PLAYING) | TO(LEAVING) | TO(ENDING),
      [SESSION_LEAVING] = TO(DELETING) | TO(ENDING),
      [SESSION_DELETING] = TO(ENDING),
      [SESSION_ENDING] = TO(IDLE),
  };
  if ((allowed[session->state] & 1u << state) == 0) {
    abort();
  }
  system_tell(&session->config.peer.log, PAW_LOG_DEBUG, "session", "%s -> %s",
              session_state_text(session->state), session_state_text(state));
  session->state = state;
}

static void set_deadline(struct session *session, uint64_t from_now_ns) {
  loop_timer_set(&session->timer, system_now_ns() + from_now_ns);
}

/* The fault is set; the rest follows at the next drain. */
static void end(struct session *session, enum session_end how, uint64_t wait_ns) {
  if (session->state == SESSION_ENDING) {
    return;
  }
  session->end = how;
  session->wait_ns = wait_ns;
  set_state(session, SESSION_ENDING);
}

/* ---- HTTP ---- */

/* The token is for the server it was given for: whoever holds the pinned key, else the origin that
 * --server names. */
static const char *token_for(const struct session *session, const char *url) {
  bool trusted = session->pin.trust == PIN_TRUST_KEY ||
                 whep_url_same_origin(url, session->config.settings->url);
  return session->token[0] != '\0' && trusted ? session->token : NULL;
}

static void send_request(struct session *session, const struct http_client_request *request,
                         http_client_done_fn *done) {
  session->transfer = http_client_send(session->config.http, request, done, session);
  if (session->transfer == NULL) {
    fault_set(&session->fault, "out of memory");
    end(session, SESSION_END_RETRY, 0);
  }
}

static struct http_client_request make_delete(const struct session *session) {
  return (struct http_client_request){.method = "DELETE",
                                      .url = session->resource,
                                      .token = token_for(session, session->resource),
                                      .pin = session->pin,
                                      .deadline_ns = LEAVE_DEADLINE_NS};
}

static void cancel_request(struct session *session) {
  if (session->transfer != NULL) {
    http_client_cancel(session->transfer);
    session->transfer = NULL;
  }
}

static void ignore_response(void *user_data, const struct http_client_response *response) {
  (void)user_data, (void)response;
}

/* Tell the server that its session is not wanted any more, whatever it says to that. */
static void abandon_resource(struct session *session) {
  if (session->resource[0] != '\0') {
    struct http_client_request request = make_delete(session);
    (void)http_client_send(session->config.http, &request, ignore_response, NULL);
    session->resource[0] = '\0';
  }
}

static void explain_wrong_key(struct session *session, const char *server_pin) {
  char store[PIN_STORE_PATH_SIZE];
  const struct settings *settings = session->config.settings;
  pin_store_path(settings->state_dir, store);
  const char *shown = server_pin[0] != '\0' ? server_pin : "none that can be read";
  if (settings->pin.trust == PIN_TRUST_KEY) {
    fault_set(&session->fault, "%s shows another key than --pin says: wanted %s, got %s",
              session->url, session->pin.key, shown);
  } else {
    fault_set(&session->fault,
              "the key of %s has changed: remembered %s, got %s; if that is right, remove its line "
              "from %s",
              session->url, session->pin.key, shown, store);
  }
}

/* A request got no answer. */
static void end_unanswered(struct session *session, const struct http_client_response *response) {
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
  case HTTP_CLIENT_ANSWERED:
  case HTTP_CLIENT_UNREACHABLE:
  case HTTP_CLIENT_TIMED_OUT:
  case HTTP_CLIENT_TOO_LONG:
    fault_set(&session->fault, "%s: %s", session->url, response->problem);
    break;
  }
  end(session, how, 0);
}

/* ---- the offer and its answer ---- */

static void on_posted(void *user_data, const struct http_client_response *response);

static void post(struct session *session) {
  const struct http_client_request request = {.method = "POST",
                                              .url = session->url,
                                              .token = token_for(session, session->url),
                                              .content_type = "application/sdp",
                                              .body = session->offer,
                                              .body_len = strlen(session->offer),
                                              .pin = session->pin,
                                              .deadline_ns = REQUEST_DEADLINE_NS};
  set_state(session, SESSION_CALLING);
  send_request(session, &request, on_posted);
}

static void offer(struct session *session) {
  if (peer_offer(&session->peer, system_now_ns(), session->mode, session->offer, &session->fault) !=
      0) {
    end(session, SESSION_END_RETRY, 0);
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
    end(session, SESSION_END_REFUSED, 0);
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
  end(session, verdict == WHEP_RETRY ? SESSION_END_RETRY : SESSION_END_REFUSED,
      response->retry_after_ns);
}

static void keep_resource(struct session *session, const char *location) {
  struct fault fault;
  if (location[0] == '\0' ||
      whep_url_resolve(session->url, location, session->resource, &fault) != 0) {
    session->resource[0] = '\0';
    system_tell(&session->config.peer.log, PAW_LOG_WARNING, "session",
                "the server names no address to end the session at");
  }
}

static void accept(struct session *session, const struct http_client_response *response) {
  const struct settings *settings = session->config.settings;
  keep_resource(session, response->location);
  int status = peer_answer(&session->peer, system_now_ns(), response->body, response->body_len);
  bool both_lite = status == PAW_ERR_UNSUPPORTED && session->mode == PAW_ICE_LITE &&
                   strstr(response->body, "a=ice-lite") != NULL;
  if (both_lite && settings->ice == ICE_CHOICE_AUTO) {
    abandon_resource(session);
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
    end(session, status == PAW_ERR_UNSUPPORTED ? SESSION_END_REFUSED : SESSION_END_RETRY, 0);
    return;
  }
  set_state(session, SESSION_CONNECTING);
  set_deadline(session, CONNECT_DEADLINE_NS);
}

static void on_posted(void *user_data, const struct http_client_response *response) {
  struct session *session = user_data;
  session->transfer = NULL;
  if (response->outcome != HTTP_CLIENT_ANSWERED) {
    end_unanswered(session, response);
    return;
  }
  switch (whep_status_verdict(response->status)) {
  case WHEP_CREATED:
    accept(session, response);
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
  /* Any answer will do, also "404": the handshake has shown the key. */
  if (response->outcome != HTTP_CLIENT_ANSWERED || response->server_pin[0] == '\0') {
    end_unanswered(session, response);
    return;
  }
  whep_url_authority(session->url, authority);
  if (pin_store_write(session->config.settings->state_dir, authority, response->server_pin,
                      &session->fault) != 0) {
    end(session, SESSION_END_REFUSED, 0);
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
  set_state(session, SESSION_PAIRING);
  send_request(session, &request, on_key_shown);
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

/* ---- the connection ---- */

static void delete_resource(struct session *session);

static void on_closed(struct session *session, enum paw_close_reason reason) {
  if (session->state == SESSION_LEAVING) {
    delete_resource(session);
    return;
  }
  fault_set(&session->fault, "%s", paw_close_reason_text(reason));
  end(session, SESSION_END_RETRY, 0);
}

static void on_audio(struct session *session, uint64_t now_ns,
                     const struct paw_audio_packet *packet) {
  if (session->state == SESSION_CONNECTED) {
    set_state(session, SESSION_PLAYING);
    loop_timer_set(&session->timer, PAW_TIME_NEVER);
    session->config.playing(session->config.user_data, now_ns);
  }
  if (session->state == SESSION_PLAYING || session->state == SESSION_SILENT) {
    (void)paw_playout_handle_input(session->config.peer.playout, now_ns, packet);
  }
}

static void on_connected(struct session *session) {
  if (session->state == SESSION_CONNECTING) {
    set_state(session, SESSION_CONNECTED);
    set_deadline(session, FIRST_PACKET_DEADLINE_NS);
  }
}

/* ---- silence ---- */

static void on_probed(void *user_data, const struct http_client_response *response) {
  struct session *session = user_data;
  session->transfer = NULL;
  bool answered = response->outcome == HTTP_CLIENT_ANSWERED;
  if (answered && (response->status == 404 || response->status == 410)) {
    session->resource[0] = '\0';
    fault_set(&session->fault, "%s does not know this session any more", session->url);
    end(session, SESSION_END_RETRY, 0);
  } else if (response->outcome == HTTP_CLIENT_WRONG_KEY) {
    end_unanswered(session, response);
  }
}

static void probe(struct session *session) {
  const struct http_client_request request = {.method = "HEAD",
                                              .url = session->resource,
                                              .token = token_for(session, session->resource),
                                              .pin = session->pin,
                                              .deadline_ns = PROBE_DEADLINE_NS};
  if (session->transfer == NULL && session->resource[0] != '\0') {
    send_request(session, &request, on_probed);
  }
}

static void endure_silence(struct session *session, uint64_t now_ns) {
  if (now_ns - session->silent_since_ns >= SILENCE_DEADLINE_NS) {
    fault_set(&session->fault, "no packets for %d s", (int)(SILENCE_DEADLINE_NS / PAW_NS_PER_S));
    end(session, SESSION_END_RETRY, 0);
    return;
  }
  probe(session);
  set_deadline(session, PROBE_EVERY_NS);
}

static void begin_silence(struct session *session, uint64_t now_ns) {
  if (session->state == SESSION_PLAYING) {
    set_state(session, SESSION_SILENT);
    session->silent_since_ns = now_ns;
    set_deadline(session, PROBE_AFTER_NS);
  }
}

static void end_silence(struct session *session) {
  if (session->state == SESSION_SILENT) {
    set_state(session, SESSION_PLAYING);
    cancel_request(session);
    loop_timer_set(&session->timer, PAW_TIME_NEVER);
  }
}

static void on_event(void *user_data, uint64_t now_ns, const struct paw_rtc_event *event) {
  struct session *session = user_data;
  switch (event->kind) {
  case PAW_RTC_EVENT_CONNECTED:
    on_connected(session);
    break;
  case PAW_RTC_EVENT_AUDIO:
    on_audio(session, now_ns, &event->audio);
    break;
  case PAW_RTC_EVENT_DEGRADED:
    begin_silence(session, now_ns);
    break;
  case PAW_RTC_EVENT_RECOVERED:
    end_silence(session);
    break;
  case PAW_RTC_EVENT_CLOSED:
    on_closed(session, event->reason);
    break;
  case PAW_RTC_EVENT_BYE:
    system_tell(&session->config.peer.log, PAW_LOG_INFO, "session", "the programme has ended");
    break;
  case PAW_RTC_EVENT_ICE_STATE:
  case PAW_RTC_EVENT_SELECTED_PAIR:
  case PAW_RTC_EVENT_MEDIA:
  case PAW_RTC_EVENT_SENDER_REPORT:
  case PAW_RTC_EVENT_RECEIVER_REPORT:
    break;
  }
}

/* ---- leaving ---- */

static void on_deleted(void *user_data, const struct http_client_response *response) {
  struct session *session = user_data;
  (void)response;
  session->transfer = NULL;
  session->resource[0] = '\0';
  end(session, SESSION_END_LEFT, 0);
}

static void delete_resource(struct session *session) {
  set_state(session, SESSION_DELETING);
  if (session->resource[0] == '\0') {
    end(session, SESSION_END_LEFT, 0);
    return;
  }
  struct http_client_request request = make_delete(session);
  set_deadline(session, LEAVE_DEADLINE_NS);
  send_request(session, &request, on_deleted);
}

void session_leave(struct session *session, uint64_t now_ns) {
  switch (session->state) {
  case SESSION_PAIRING:
  case SESSION_CALLING:
    fault_set(&session->fault, "left");
    end(session, SESSION_END_LEFT, 0);
    break;
  case SESSION_CONNECTING:
  case SESSION_CONNECTED:
  case SESSION_PLAYING:
  case SESSION_SILENT:
    cancel_request(session);
    set_state(session, SESSION_LEAVING);
    set_deadline(session, LEAVE_DEADLINE_NS);
    peer_close(&session->peer, now_ns);
    break;
  case SESSION_IDLE:
  case SESSION_LEAVING:
  case SESSION_DELETING:
  case SESSION_ENDING:
  case SESSION_STATE_COUNT:
    break;
  }
}

static void time_came(void *user_data, uint64_t now_ns) {
  struct session *session = user_data;
  switch (session->state) {
  case SESSION_CONNECTING:
    fault_set(&session->fault, "%s answers, but its media cannot be reached (UDP)", session->url);
    end(session, SESSION_END_RETRY, 0);
    break;
  case SESSION_CONNECTED:
    fault_set(&session->fault, "%s is connected, but sends no sound", session->url);
    end(session, SESSION_END_RETRY, 0);
    break;
  case SESSION_SILENT:
    endure_silence(session, now_ns);
    break;
  case SESSION_LEAVING:
    delete_resource(session);
    break;
  case SESSION_DELETING:
    end(session, SESSION_END_LEFT, 0);
    break;
  case SESSION_IDLE:
  case SESSION_PAIRING:
  case SESSION_CALLING:
  case SESSION_PLAYING:
  case SESSION_ENDING:
  case SESSION_STATE_COUNT:
    break;
  }
}

/* Let go of all that the session holds, then tell. */
static void finish(struct session *session) {
  cancel_request(session);
  loop_timer_set(&session->timer, PAW_TIME_NEVER);
  peer_drop(&session->peer);
  abandon_resource(session);
  set_state(session, SESSION_IDLE);
  session->config.ended(session->config.user_data, session->end, session->wait_ns, &session->fault);
}

/* ---- from outside ---- */

void session_start(struct session *session, uint64_t now_ns) {
  const struct settings *settings = session->config.settings;
  (void)now_ns;
  memcpy(session->url, settings->url, sizeof session->url);
  session->redirects = 0;
  session->token[0] = '\0';
  /* Read each time: a token that was replaced is taken up without a restart. */
  if ((settings->token_file != NULL &&
       token_file_read(settings->token_file, session->token, &session->fault) != 0) ||
      find_pin(session) != 0) {
    end(session, SESSION_END_REFUSED, 0);
    return;
  }
  if (session->pin.trust == PIN_TRUST_FIRST_USE && whep_url_is_secure(session->url)) {
    learn_key(session);
  } else {
    offer(session);
  }
}

void session_receive(struct session *session, const struct paw_input *input) {
  if (peer_is_open(&session->peer)) {
    peer_receive(&session->peer, input);
  }
}

void session_drain(struct session *session, uint64_t now_ns) {
  if (peer_is_open(&session->peer)) {
    peer_drain(&session->peer, now_ns);
  }
  if (session->state == SESSION_ENDING) {
    finish(session);
  }
}

enum session_state session_get_state(const struct session *session) {
  return session->state;
}

uint64_t session_get_rtt_ns(const struct session *session) {
  return peer_is_open(&session->peer) ? peer_get_rtt_ns(&session->peer) : 0;
}

struct session *session_new(const struct session_config *config) {
  struct session *session = calloc(1, sizeof *session);
  if (session == NULL) {
    return NULL;
  }
  struct peer_config peer = config->peer;
  peer.event = on_event;
  peer.user_data = session;
  session->config = *config;
  session->mode = config->settings->ice == ICE_CHOICE_FULL ? PAW_ICE_FULL : PAW_ICE_LITE;
  peer_init(&session->peer, &peer);
  loop_timer_init(config->peer.loop, &session->timer, time_came, session);
  return session;
}

void session_free(struct session *session) {
  cancel_request(session);
  peer_wipe(&session->peer);
  loop_timer_wipe(session->config.peer.loop, &session->timer);
  explicit_bzero(session->token, sizeof session->token);
  free(session);
}
