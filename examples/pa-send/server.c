/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "http_server.h"
#include "peers.h"
#include "programme.h"
#include "report.h"
#include "routes.h"
#include "state.h"
#include "system.h"
#include "talkers.h"

#define WHEP_PATH "/whep"
#define WHIP_PATH "/whip"
/* After the last frame receivers may still ask for what they lost. */
#define TAIL_NS (500 * PAW_NS_PER_MS)
/* Farewells need no answer; a peer that does not come to its end by then is left. */
#define CLOSING_NS PAW_NS_PER_S
/* Who joins needs 50 kB for the handshake, and 11 kB from then on. So long after somebody has come
 * or gone, what is free between them is given back: 36 kB of 54 of each of a thousand who came at
 * once, in 3 ms. */
#define SETTLE_NS (10 * PAW_NS_PER_S)

/*  SERVING --source over--> TAIL --500 ms--> CLOSING --all peers gone, or 1 s--> (loop stops)
 *  SERVING, TAIL --signal--> CLOSING --another signal--> (loop stops)                        */
enum phase { PHASE_SERVING, PHASE_TAIL, PHASE_CLOSING };

static const char *const phase_names[] = {"serving", "tail", "closing"};

/* With the NUL (gethostname(2)). */
#define HOST_NAME_SIZE 65

struct server {
  const struct settings *settings;
  struct paw_log log;
  enum phase phase;
  uint64_t start_ns;
  struct loop *loop;
  struct source *source;
  struct programme programme;
  struct state state;
  char host_name[HOST_NAME_SIZE];
  struct peers *peers;
  struct talkers *talkers;
  struct routes_context routes;
  struct router *router;
  struct http_server *http;
  struct loop_timer frame_timer;
  struct loop_timer phase_timer;
  struct loop_timer expiry_timer;
  struct loop_timer report_timer;
  struct loop_timer talkers_timer;
  struct loop_timer settle_timer;
};

/* ---- phases ---- */

static void set_phase(struct server *server, enum phase phase) {
  system_tell(&server->log, PAW_LOG_INFO, "server", "%s", phase_names[phase]);
  server->phase = phase;
}

static void begin_tail(struct server *server, uint64_t now_ns) {
  set_phase(server, PHASE_TAIL);
  whep_server_set_ended(server->routes.whep);
  whep_server_set_ended(server->routes.whip);
  loop_timer_set(&server->phase_timer, now_ns + TAIL_NS);
}

static void begin_closing(struct server *server, uint64_t now_ns) {
  set_phase(server, PHASE_CLOSING);
  whep_server_set_ended(server->routes.whep);
  whep_server_set_ended(server->routes.whip);
  loop_timer_set(&server->frame_timer, PAW_TIME_NEVER);
  peers_end_all(server->peers, now_ns);
  loop_timer_set(&server->phase_timer, now_ns + CLOSING_NS);
}

static void on_phase_timer(void *user_data, uint64_t now_ns) {
  struct server *server = user_data;
  if (server->phase == PHASE_TAIL) {
    begin_closing(server, now_ns);
  } else {
    loop_stop(server->loop);
  }
}

static void on_signal(void *user_data, int signal_number) {
  struct server *server = user_data;
  (void)signal_number;
  if (server->phase == PHASE_CLOSING) {
    loop_stop(server->loop);
  } else {
    begin_closing(server, system_now_ns());
  }
}

/* ---- what happens ---- */

static void on_frame_timer(void *user_data, uint64_t now_ns) {
  struct server *server = user_data;
  struct paw_audio_frame frame;
  /* A talker's packet that has come is heard in this frame, not missed by it. */
  if (talkers_get_count(server->talkers) > 0) {
    peers_fetch(server->peers);
    now_ns = system_now_ns();
  }
  if (programme_next(&server->programme, now_ns, &frame)) {
    peers_send(server->peers, now_ns, &frame);
  }
  loop_timer_set(&server->frame_timer, programme_due_ns(&server->programme));
  if (server->programme.state == PROGRAMME_OVER) {
    begin_tail(server, now_ns);
  }
}

static void on_expiry_timer(void *user_data, uint64_t now_ns) {
  struct server *server = user_data;
  whep_server_expire(server->routes.whep, now_ns);
  whep_server_expire(server->routes.whip, now_ns);
}

static void on_report_timer(void *user_data, uint64_t now_ns) {
  struct server *server = user_data;
  struct report report = {.t_s = (double)(now_ns - server->start_ns) / 1e9,
                          .state = phase_names[server->phase],
                          .programme = &server->programme};
  uint64_t period_ns = (uint64_t)(server->settings->stats_s * 1e9);
  peers_get_stats(server->peers, &report.peers);
  report.talkers = talkers_get_count(server->talkers);
  report_write(&report, server->settings->json);
  server->programme.late_ns = 0;
  /* Between two frames, when the one is out: asking a thousand peers takes a millisecond. */
  uint64_t late_rtp = settings_frame_frames[server->settings->frame] * UINT64_C(3) / 4;
  uint64_t base_ns = server->start_ns + late_rtp * PAW_NS_PER_S / PAW_RTP_HZ;
  uint64_t passed = now_ns > base_ns ? (now_ns - base_ns) / period_ns : 0;
  loop_timer_set(&server->report_timer, base_ns + (passed + 1) * period_ns);
}

static void on_settle_timer(void *user_data, uint64_t now_ns) {
  (void)user_data;
  (void)now_ns;
  system_give_back_memory();
}

/* Who comes and goes all the time does not put it off. */
static void settle_later(struct server *server) {
  if (server->settle_timer.deadline_ns == PAW_TIME_NEVER) {
    loop_timer_set(&server->settle_timer, system_now_ns() + SETTLE_NS);
  }
}

static void on_connected(void *user_data, uint64_t peer) {
  struct server *server = user_data;
  settle_later(server);
  whep_server_note_connected(server->routes.whep, peer);
  whep_server_note_connected(server->routes.whip, peer);
}

static void on_closed(void *user_data, uint64_t peer) {
  struct server *server = user_data;
  settle_later(server);
  whep_server_note_closed(server->routes.whep, peer);
  whep_server_note_closed(server->routes.whip, peer);
  talkers_note_closed(server->talkers, peer);
}

static void on_audio(void *user_data, uint64_t now_ns, uint64_t peer,
                     const struct paw_audio_packet *packet) {
  struct server *server = user_data;
  talkers_handle_audio(server->talkers, now_ns, peer, packet);
}

static void on_advised(void *user_data, const struct paw_encoder_advice *advice) {
  struct server *server = user_data;
  programme_advise(&server->programme, advice->inband_fec, advice->packet_loss_percent);
}

static void add_talkers(void *user_data, uint64_t play_ns, int16_t *pcm, size_t frames) {
  struct server *server = user_data;
  talkers_mix(server->talkers, play_ns, pcm, frames);
}

/* The players are looked at in the idle hook, which follows. */
static void on_talkers_timer(void *user_data, uint64_t now_ns) {
  (void)user_data;
  (void)now_ns;
}

static size_t get_body_max(void *user_data, const char *path) {
  struct server *server = user_data;
  const struct route *route = router_find(server->router, path);
  return route != NULL ? route->body_bytes_max : 0;
}

/* What a client writes is not repeated: it may be a token in the wrong place. */
static void on_request(void *user_data, const struct http_request *request,
                       struct http_response *response) {
  struct server *server = user_data;
  const struct route *route = router_find(server->router, request->path);
  router_handle(server->router, request, response);
  system_tell(&server->log, PAW_LOG_INFO, "http", "%s %s: %d", http_method_name(request->method),
              route != NULL ? route->path : "elsewhere", response->status);
}

static void on_idle(void *user_data, uint64_t now_ns) {
  struct server *server = user_data;
  peers_drain(server->peers, now_ns);
  loop_timer_set(&server->talkers_timer, talkers_serve(server->talkers, now_ns));
  peers_drain(server->peers, now_ns);
  http_server_idle(server->http, now_ns);
  uint64_t whep_ns = whep_server_next_deadline(server->routes.whep);
  uint64_t whip_ns = whep_server_next_deadline(server->routes.whip);
  loop_timer_set(&server->expiry_timer, whep_ns < whip_ns ? whep_ns : whip_ns);
  if (server->phase == PHASE_CLOSING && peers_are_gone(server->peers)) {
    loop_stop(server->loop);
  }
}

/* ---- beginning and end ---- */

static int open_source(struct server *server, struct fault *fault) {
  const struct settings *settings = server->settings;
  if (source_open(settings->source, server->loop, &server->log, &server->source, fault) != 0) {
    return -1;
  }
  return programme_init(&server->programme, settings, server->source, &server->log, fault);
}

static int make_endpoints(struct server *server, struct fault *fault) {
  struct whep_config whep = {.kind = WHEP_LISTEN,
                             .path = WHEP_PATH,
                             .tokens = &server->state.tokens,
                             .rng = system_rng(),
                             .backend = peers_backend(server->peers),
                             .max_sessions = PEERS_MAX};
  struct whep_config whip = whep;
  whip.kind = WHEP_TALK;
  whip.path = WHIP_PATH;
  whip.backend = talkers_backend(server->talkers);
  whip.max_sessions = TALKERS_MAX;
  server->routes.whep = whep_server_new(&whep);
  server->routes.whip = whep_server_new(&whip);
  if (server->routes.whep == NULL || server->routes.whip == NULL) {
    return fault_set(fault, "out of memory");
  }
  return 0;
}

static int open_http(struct server *server, struct fault *fault) {
  const struct settings *settings = server->settings;
  struct router_config router = {.routes = routes,
                                 .route_count = route_count,
                                 .tokens = &server->state.tokens,
                                 .names = {.own = server->host_name,
                                           .others = settings->host_names.values,
                                           .other_count = settings->host_names.count},
                                 .scheme = settings->insecure_http ? "http" : "https",
                                 .user_data = &server->routes};
  struct http_server_config http = {.listen = settings->listen,
                                    .identity =
                                        settings->insecure_http ? NULL : &server->state.identity,
                                    .log = server->log,
                                    .body_max = get_body_max,
                                    .handle = on_request,
                                    .user_data = server};
  server->router = router_new(&router);
  if (server->router == NULL) {
    return fault_set(fault, "out of memory");
  }
  return http_server_open(&http, server->loop, &server->http, fault);
}

static int open_network(struct server *server, struct fault *fault) {
  const struct settings *settings = server->settings;
  struct peers_config peers = {.settings = settings,
                               .channels = server->source->channels,
                               .log = server->log,
                               .connected = on_connected,
                               .audio = on_audio,
                               .advised = on_advised,
                               .closed = on_closed,
                               .user_data = server};
  if (peers_open(&peers, server->loop, &server->peers, fault) != 0) {
    return -1;
  }
  struct talkers_config talkers = {
      .peers = server->peers, .channels = server->source->channels, .log = server->log};
  if (talkers_open(&talkers, &server->talkers, fault) != 0) {
    return -1;
  }
  server->programme.mix = (struct programme_mix){.add = add_talkers, .user_data = server};
  return make_endpoints(server, fault) == 0 ? open_http(server, fault) : -1;
}

static void find_host_name(struct server *server) {
  if (gethostname(server->host_name, sizeof server->host_name - 1) != 0) {
    server->host_name[0] = '\0';
  }
}

static void init_timers(struct server *server) {
  loop_timer_init(server->loop, &server->frame_timer, on_frame_timer, server);
  loop_timer_init(server->loop, &server->phase_timer, on_phase_timer, server);
  loop_timer_init(server->loop, &server->expiry_timer, on_expiry_timer, server);
  loop_timer_init(server->loop, &server->report_timer, on_report_timer, server);
  loop_timer_init(server->loop, &server->talkers_timer, on_talkers_timer, server);
  loop_timer_init(server->loop, &server->settle_timer, on_settle_timer, server);
}

static void start(struct server *server) {
  struct greeting greeting = {.settings = server->settings,
                              .state = &server->state,
                              .peers = server->peers,
                              .http_port = http_server_get_port(server->http)};
  report_greet(&greeting);
  server->start_ns = system_now_ns();
  programme_start(&server->programme, server->start_ns);
  loop_timer_set(&server->frame_timer, programme_due_ns(&server->programme));
  if (server->settings->stats_s > 0) {
    on_report_timer(server, server->start_ns);
  }
  loop_set_idle(server->loop, on_idle, server);
}

static int run(struct server *server, struct fault *fault) {
  struct paw_rng rng = system_rng();
  if (loop_new(&server->loop, fault) != 0) {
    return -1;
  }
  init_timers(server);
  find_host_name(server);
  /* Signals are caught last: what hangs before, a mount or a locked folder, is left by them as
   * usual. */
  if (open_source(server, fault) != 0 ||
      state_open(server->settings, &rng, &server->state, fault) != 0 ||
      loop_catch_signals(server->loop, on_signal, server, fault) != 0 ||
      open_network(server, fault) != 0) {
    return -1;
  }
  start(server);
  return loop_run(server->loop, fault);
}

static void wipe(struct server *server) {
  http_server_close(server->http);
  router_free(server->router);
  whep_server_free(server->routes.whep);
  whep_server_free(server->routes.whip);
  talkers_close(server->talkers);
  peers_close(server->peers);
  state_wipe(&server->state);
  programme_wipe(&server->programme);
  if (server->source != NULL) {
    server->source->ops->close(server->source);
  }
  loop_free(server->loop);
}

int server_run(const struct settings *settings, struct fault *fault) {
  struct server *server = calloc(1, sizeof *server);
  if (server == NULL) {
    return fault_set(fault, "out of memory");
  }
  server->settings = settings;
  server->log = system_log((enum paw_log_level)settings->log_level);
  int status = run(server, fault);
  wipe(server);
  free(server);
  return status;
}
