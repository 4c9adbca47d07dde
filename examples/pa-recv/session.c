/* SPDX-License-Identifier: MIT */
#include "session_private.h"

#include <stdlib.h>
#include <string.h>

#include "system.h"

/* The farewell on the media path, and the one by HTTP. */
#define LEAVE_DEADLINE_NS PAW_NS_PER_S
/* From the connection to the first packet: a server that has nothing to play says so by 409. */
#define FIRST_PACKET_DEADLINE_NS (10 * PAW_NS_PER_S)
/* An outage of the network up to this goes on in the same session without a word: a server takes
 * consent for expired after some 24 s without an answer (RFC 7675 section 5.1 and its checks'
 * pace). From then on ICE is restarted, and at last the session given up. */
#define RESTART_AFTER_NS (20 * PAW_NS_PER_S)
#define SILENCE_DEADLINE_NS (30 * PAW_NS_PER_S)
/* A server that was started anew knows nothing of the session, and its port answers nothing: it is
 * asked by HTTP. A hole in the sound this long is worth a request. */
#define PROBE_AFTER_NS PAW_NS_PER_S
#define PROBE_EVERY_NS PAW_NS_PER_S
#define PROBE_DEADLINE_NS (2 * PAW_NS_PER_S)

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

void session_set_state(struct session *session, enum session_state state) {
  static const unsigned allowed[SESSION_STATE_COUNT] = {
      [SESSION_IDLE] = TO(PAIRING) | TO(CALLING) | TO(ENDING),
      [SESSION_PAIRING] = TO(PAIRING) | TO(CALLING) | TO(ENDING),
      [SESSION_CALLING] = TO(CALLING) | TO(ANSWERING) | TO(CONNECTING) | TO(ENDING),
      [SESSION_ANSWERING] = TO(CONNECTING) | TO(CONNECTED) | TO(LEAVING) | TO(ENDING),
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

void session_set_deadline(struct session *session, uint64_t from_now_ns) {
  loop_timer_set(&session->timer, system_now_ns() + from_now_ns);
}

void session_end(struct session *session, enum session_end how, uint64_t wait_ns) {
  if (session->state == SESSION_ENDING) {
    return;
  }
  session->end = how;
  session->wait_ns = wait_ns;
  session_set_state(session, SESSION_ENDING);
}

/* ---- the connection ---- */

static void delete_resource(struct session *session);

static void on_closed(struct session *session, enum paw_close_reason reason) {
  if (session->state == SESSION_LEAVING) {
    delete_resource(session);
    return;
  }
  fault_set(&session->fault, "%s", paw_close_reason_text(reason));
  session_end(session, SESSION_END_RETRY, 0);
}

static void on_audio(struct session *session, uint64_t now_ns,
                     const struct paw_audio_packet *packet) {
  if (session->state == SESSION_CONNECTED) {
    session_set_state(session, SESSION_PLAYING);
    loop_timer_set(&session->timer, PAW_TIME_NEVER);
    session->config.playing(session->config.user_data, now_ns);
  }
  if (session->state == SESSION_PLAYING || session->state == SESSION_SILENT) {
    (void)paw_playout_handle_input(session->config.peer.player->playout, now_ns, packet);
  }
}

static bool awaits_connection(const struct session *session) {
  return session->state == SESSION_CONNECTING || session->state == SESSION_ANSWERING;
}

static void on_connected(struct session *session) {
  if (awaits_connection(session)) {
    session_set_state(session, SESSION_CONNECTED);
    session_set_deadline(session, FIRST_PACKET_DEADLINE_NS);
    if (peer_has_wifi_path(&session->peer)) {
      player_expect_wifi(session->config.peer.player);
    }
  }
}

/* ---- silence ---- */

static void on_probed(void *user_data, const struct http_client_response *response) {
  struct session *session = user_data;
  session->transfer = NULL;
  session_note_response(session, response);
  bool answered = response->outcome == HTTP_CLIENT_ANSWERED;
  if (answered && (response->status == 404 || response->status == 410)) {
    session->resource[0] = '\0';
    fault_set(&session->fault, "%s does not know this session any more", session->url);
    session_end(session, SESSION_END_RETRY, 0);
  } else if (response->outcome == HTTP_CLIENT_WRONG_KEY) {
    session_end_unanswered(session, response);
  }
}

static void probe(struct session *session) {
  const struct http_client_request request = {.method = "HEAD",
                                              .url = session->resource,
                                              .token =
                                                  session_token_for(session, session->resource),
                                              .pin = session->pin,
                                              .deadline_ns = PROBE_DEADLINE_NS};
  if (session->transfer == NULL && session->resource[0] != '\0') {
    session->transfer = session_send(session, &request, on_probed);
  }
}

static void endure_silence(struct session *session, uint64_t now_ns) {
  uint64_t silent_ns = now_ns - session->silent_since_ns;
  if (silent_ns >= SILENCE_DEADLINE_NS) {
    fault_set(&session->fault, "no packets for %d s", (int)(SILENCE_DEADLINE_NS / PAW_NS_PER_S));
    session_end(session, SESSION_END_RETRY, 0);
    return;
  }
  session_set_deadline(session, PROBE_EVERY_NS);
  bool lost = silent_ns >= RESTART_AFTER_NS || !peer_has_path(&session->peer);
  if (!lost) {
    probe(session);
  } else if (session->patch_state != PATCH_RESTARTING && session->restart_from_ns <= now_ns) {
    session_restart(session);
  }
}

static void begin_silence(struct session *session, uint64_t now_ns) {
  if (session->state == SESSION_PLAYING) {
    session_set_state(session, SESSION_SILENT);
    session->silent_since_ns = now_ns;
    session->restart_from_ns = now_ns;
    session_set_deadline(session, PROBE_AFTER_NS);
    knock_start(&session->knock, &session->server_address);
  }
}

static void end_silence(struct session *session) {
  if (session->state == SESSION_SILENT) {
    session_set_state(session, SESSION_PLAYING);
    session_cancel_request(session);
    loop_timer_set(&session->timer, PAW_TIME_NEVER);
    knock_stop(&session->knock);
  }
}

/* The server's host can be reached again. A request that hangs since before is not waited for. */
static void on_way_back(void *user_data, uint64_t now_ns) {
  struct session *session = user_data;
  system_tell(&session->config.peer.log, PAW_LOG_INFO, "session",
              "the server can be reached again");
  switch (session->state) {
  case SESSION_IDLE:
    session->config.reachable(session->config.user_data, now_ns);
    break;
  case SESSION_PAIRING:
  case SESSION_CALLING:
    session_call_again(session);
    break;
  case SESSION_SILENT:
    session_cancel_request(session);
    session_cancel_patch(session);
    endure_silence(session, now_ns);
    break;
  case SESSION_ANSWERING:
  case SESSION_CONNECTING:
  case SESSION_CONNECTED:
  case SESSION_PLAYING:
  case SESSION_LEAVING:
  case SESSION_DELETING:
  case SESSION_ENDING:
  case SESSION_STATE_COUNT:
    break;
  }
}

/* ---- addresses ---- */

/* Where nothing comes anyway, a restart loses nothing and may find another path. */
static void take_addresses(struct session *session) {
  bool silent = session->state == SESSION_SILENT;
  switch (peer_update_addresses(&session->peer)) {
  case PEER_CHANGE_NONE:
    break;
  case PEER_CHANGE_MORE:
    if (silent) {
      session_restart(session);
    } else {
      session_trickle(session);
    }
    break;
  case PEER_CHANGE_PATH:
    session_restart(session);
    break;
  }
}

void session_note_addresses(struct session *session) {
  switch (session->state) {
  case SESSION_PAIRING:
  case SESSION_CALLING:
    session_call_again(session);
    break;
  case SESSION_CONNECTING:
  case SESSION_CONNECTED:
  case SESSION_PLAYING:
  case SESSION_SILENT:
    take_addresses(session);
    break;
  case SESSION_ANSWERING: /* the answer that is on its way names the ones of before */
  case SESSION_IDLE:
  case SESSION_LEAVING:
  case SESSION_DELETING:
  case SESSION_ENDING:
  case SESSION_STATE_COUNT:
    break;
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
  session_end(session, SESSION_END_LEFT, 0);
}

static void delete_resource(struct session *session) {
  session_set_state(session, SESSION_DELETING);
  if (session->resource[0] == '\0') {
    session_end(session, SESSION_END_LEFT, 0);
    return;
  }
  struct http_client_request request = session_make_delete(session);
  session_set_deadline(session, LEAVE_DEADLINE_NS);
  session->transfer = session_send(session, &request, on_deleted);
}

void session_leave(struct session *session, uint64_t now_ns) {
  switch (session->state) {
  case SESSION_PAIRING:
  case SESSION_CALLING:
    fault_set(&session->fault, "left");
    session_end(session, SESSION_END_LEFT, 0);
    break;
  case SESSION_ANSWERING:
  case SESSION_CONNECTING:
  case SESSION_CONNECTED:
  case SESSION_PLAYING:
  case SESSION_SILENT:
    session_cancel_request(session);
    session_cancel_patch(session);
    session_set_state(session, SESSION_LEAVING);
    session_set_deadline(session, LEAVE_DEADLINE_NS);
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
    session_end(session, SESSION_END_RETRY, 0);
    break;
  case SESSION_CONNECTED:
    fault_set(&session->fault, "%s is connected, but sends no sound", session->url);
    session_end(session, SESSION_END_RETRY, 0);
    break;
  case SESSION_SILENT:
    endure_silence(session, now_ns);
    break;
  case SESSION_LEAVING:
    delete_resource(session);
    break;
  case SESSION_DELETING:
    session_end(session, SESSION_END_LEFT, 0);
    break;
  case SESSION_IDLE:
  case SESSION_PAIRING:
  case SESSION_CALLING:
  case SESSION_ANSWERING:
  case SESSION_PLAYING:
  case SESSION_ENDING:
  case SESSION_STATE_COUNT:
    break;
  }
}

/* Let go of all that the session holds, then tell. */
static void finish(struct session *session) {
  session_cancel_request(session);
  session_cancel_patch(session);
  session->etag[0] = '\0';
  loop_timer_set(&session->timer, PAW_TIME_NEVER);
  peer_drop(&session->peer);
  session_abandon_resource(session);
  session_set_state(session, SESSION_IDLE);
  session->config.ended(session->config.user_data, session->end, session->wait_ns, &session->fault);
}

/* ---- from outside ---- */

void session_start(struct session *session, uint64_t now_ns) {
  (void)now_ns;
  session_call(session);
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
  knock_init(&session->knock, config->peer.loop, on_way_back, session);
  return session;
}

void session_free(struct session *session) {
  session_cancel_request(session);
  session_cancel_patch(session);
  knock_wipe(&session->knock);
  peer_wipe(&session->peer);
  loop_timer_wipe(session->config.peer.loop, &session->timer);
  explicit_bzero(session->token, sizeof session->token);
  free(session);
}
