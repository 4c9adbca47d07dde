/* SPDX-License-Identifier: MIT */
#include "speaker.h"

#include <poll.h>
#include <string.h>

#include "backoff.h"
#include "interfaces_watch.h"
#include "output.h"
#include "report.h"
#include "session.h"
#include "system.h"

#define RETRY_FIRST_NS (250 * PAW_NS_PER_MS)
#define RETRY_CAP_NS (5 * PAW_NS_PER_S)
/* Latency beyond the device buffer at least: the jitter of a wired network. */
#define BEHIND_BUFFER_NS (15 * PAW_NS_PER_MS)

struct speaker {
  const struct settings *settings;
  struct paw_log log;
  uint64_t started_ns;
  struct loop *loop;
  struct udp *udp;
  struct interfaces_watch *watch;
  struct interfaces interfaces; /* as they were when they changed last */
  struct http_client *http;
  struct paw_certificate *certificate;
  struct player player;
  struct output *output;
  struct session *session;
  struct report *report;
  struct loop_timer retry;
  struct backoff backoff;
  uint64_t asked_wait_ns;  /* what the server asked for, of the present pause */
  struct fault last_fault; /* told already */
  int signals;
  enum speaker_exit exit;
  struct fault *fault;
};

static void stop(struct speaker *speaker, enum speaker_exit how, const struct fault *fault) {
  speaker->exit = how;
  *speaker->fault = *fault;
  loop_stop(speaker->loop);
}

static bool has_sounded(const struct speaker *speaker) {
  return speaker->player.sounded_ns != PAW_TIME_NEVER;
}

/* ---- one session after another ---- */

static void on_retry(void *user_data, uint64_t now_ns) {
  struct speaker *speaker = user_data;
  session_start(speaker->session, now_ns);
}

/* Something has changed for the better, perhaps: the pause is over, unless the server asked for it.
 */
static void end_pause(struct speaker *speaker, uint64_t now_ns) {
  if (speaker->retry.deadline_ns != PAW_TIME_NEVER && speaker->asked_wait_ns == 0) {
    loop_timer_set(&speaker->retry, now_ns);
  }
}

static void on_reachable(void *user_data, uint64_t now_ns) {
  struct speaker *speaker = user_data;
  end_pause(speaker, now_ns);
}

static void list_interfaces(const struct speaker *speaker, struct interfaces *out) {
  struct fault ignored;
  if (interfaces_list(whep_url_is_loopback(speaker->settings->url), udp_get_port(speaker->udp),
                      out->addresses, &out->count, &ignored) != 0) {
    out->count = 0;
  }
}

/* A host of containers has new interfaces all the time, and the same addresses. */
static void on_interfaces(void *user_data, uint64_t now_ns) {
  struct speaker *speaker = user_data;
  struct interfaces now;
  list_interfaces(speaker, &now);
  if (!interfaces_are_same(&speaker->interfaces, &now)) {
    speaker->interfaces = now;
    session_note_addresses(speaker->session);
    end_pause(speaker, now_ns);
  }
}

static void on_playing(void *user_data, uint64_t now_ns) {
  struct speaker *speaker = user_data;
  backoff_reset(&speaker->backoff);
  speaker->last_fault.text[0] = '\0';
  player_fade_in(&speaker->player);
  speaker->output->ops->expect_sound(speaker->output, now_ns);
}

/* The same trouble again is told to those who asked for details only. */
static void tell_trouble(struct speaker *speaker, const struct fault *fault, uint64_t wait_ns) {
  bool known = strcmp(fault->text, speaker->last_fault.text) == 0;
  speaker->last_fault = *fault;
  system_tell(&speaker->log, known ? PAW_LOG_DEBUG : PAW_LOG_WARNING, "speaker",
              "%s; trying again in %.1f s", fault->text, (double)wait_ns / PAW_NS_PER_S);
}

static void on_ended(void *user_data, enum session_end end, uint64_t wait_ns,
                     const struct fault *fault) {
  struct speaker *speaker = user_data;
  if (end == SESSION_END_LEFT || speaker->signals > 0) {
    loop_stop(speaker->loop);
    return;
  }
  if (end == SESSION_END_REFUSED && !has_sounded(speaker)) {
    stop(speaker, SPEAKER_EXIT_REFUSED, fault);
    return;
  }
  uint32_t random = 0;
  (void)system_random((uint8_t *)&random, sizeof random);
  uint64_t pause_ns = backoff_next(&speaker->backoff, random, wait_ns);
  speaker->asked_wait_ns = wait_ns;
  tell_trouble(speaker, fault, pause_ns);
  loop_timer_set(&speaker->retry, system_now_ns() + pause_ns);
}

static void on_signal(void *user_data, int signal) {
  struct speaker *speaker = user_data;
  (void)signal;
  speaker->signals++;
  loop_timer_set(&speaker->retry, PAW_TIME_NEVER);
  if (speaker->signals > 1 || session_get_state(speaker->session) == SESSION_IDLE) {
    loop_stop(speaker->loop);
    return;
  }
  session_leave(speaker->session, system_now_ns());
}

static void on_output_failed(void *user_data, const struct fault *fault) {
  struct speaker *speaker = user_data;
  stop(speaker, has_sounded(speaker) ? SPEAKER_EXIT_FAILED : SPEAKER_EXIT_REFUSED, fault);
}

/* ---- the sockets ---- */

static const enum paw_family families[] = {PAW_FAMILY_IPV4, PAW_FAMILY_IPV6};

static void on_datagram(void *user_data, const struct paw_input *input) {
  struct speaker *speaker = user_data;
  session_receive(speaker->session, input);
}

static void on_readable(void *user_data, int fd, short ready) {
  struct speaker *speaker = user_data;
  (void)ready;
  udp_receive(speaker->udp, fd, system_now_ns(), on_datagram, speaker);
}

static void on_idle(void *user_data, uint64_t now_ns) {
  struct speaker *speaker = user_data;
  (void)now_ns;
  session_drain(speaker->session, system_now_ns());
}

static void on_fetch(void *user_data) {
  struct speaker *speaker = user_data;
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
    int fd = udp_get_fd(speaker->udp, families[i]);
    if (fd >= 0) {
      on_readable(speaker, fd, POLLIN);
    }
  }
  session_drain(speaker->session, system_now_ns());
}

static int open_socket(struct speaker *speaker, struct fault *fault) {
  const struct udp_config config = {.port = 0};
  if (udp_open(&config, &speaker->udp, fault) != 0) {
    return -1;
  }
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
    int fd = udp_get_fd(speaker->udp, families[i]);
    if (fd >= 0 && loop_watch(speaker->loop, fd, POLLIN, on_readable, speaker) != 0) {
      return fault_set(fault, "too many descriptors");
    }
  }
  return 0;
}

/* ---- making it ---- */

static int make_output(struct speaker *speaker, struct fault *fault) {
  const struct settings *settings = speaker->settings;
  const struct output_config config = {.loop = speaker->loop,
                                       .player = &speaker->player,
                                       .log = speaker->log,
                                       .fetch = on_fetch,
                                       .failed = on_output_failed,
                                       .user_data = speaker};
  speaker->output = settings->wav != NULL ? output_wav_new(&config, settings->wav)
                                          : output_alsa_new(&config, settings->device,
                                                            (unsigned long)settings->buffer_frames,
                                                            (unsigned long)settings->period_frames);
  return speaker->output != NULL ? speaker->output->ops->open(speaker->output, fault)
                                 : fault_set(fault, "out of memory");
}

static int make_certificate(struct speaker *speaker, struct fault *fault) {
  const struct paw_rng rng = system_rng();
  const struct paw_allocator allocator = {0};
  int status = paw_certificate_generate(&rng, &allocator, &speaker->certificate);
  return status == PAW_OK
             ? 0
             : fault_set(fault, "no certificate can be made: %s", paw_strerror(status));
}

static int make_session(struct speaker *speaker, struct fault *fault) {
  const struct session_config config = {
      .settings = speaker->settings,
      .http = speaker->http,
      .peer = {.loop = speaker->loop,
               .udp = speaker->udp,
               .certificate = speaker->certificate,
               .player = &speaker->player,
               .log = speaker->log,
               .loopback = whep_url_is_loopback(speaker->settings->url)},
      .reachable = on_reachable,
      .playing = on_playing,
      .ended = on_ended,
      .user_data = speaker};
  speaker->session = session_new(&config);
  return speaker->session != NULL ? 0 : fault_set(fault, "out of memory");
}

static int make_report(struct speaker *speaker, struct fault *fault) {
  const struct report_config config = {.settings = speaker->settings,
                                       .log = speaker->log,
                                       .loop = speaker->loop,
                                       .player = &speaker->player,
                                       .output = speaker->output,
                                       .session = speaker->session,
                                       .started_ns = speaker->started_ns};
  speaker->report = report_new(&config);
  return speaker->report != NULL ? 0 : fault_set(fault, "out of memory");
}

/* 0: follows the network. A device takes its samples a whole buffer before they are heard, and
 * packets want some time to come in besides. */
static uint64_t choose_latency_ns(const struct speaker *speaker) {
  const struct settings *settings = speaker->settings;
  if (settings->latency_ms == OPTION_AUTO) {
    return 0;
  }
  uint64_t wanted_ns = (uint64_t)settings->latency_ms * PAW_NS_PER_MS;
  uint64_t lead_ns = speaker->output->ops->get_lead_ns(speaker->output);
  uint64_t least_ns = lead_ns > 0 ? lead_ns + BEHIND_BUFFER_NS : 0;
  if (least_ns <= wanted_ns) {
    return wanted_ns;
  }
  system_tell(&speaker->log, PAW_LOG_WARNING, "speaker",
              "the device buffer makes the latency %.0f ms instead of %.0f; see --buffer-frames",
              (double)least_ns / PAW_NS_PER_MS, (double)wanted_ns / PAW_NS_PER_MS);
  return least_ns;
}

static int open_player(struct speaker *speaker, struct fault *fault) {
  const struct settings *settings = speaker->settings;
  const struct player_config config = {.log = speaker->log,
                                       .profile = (enum paw_playout_profile)settings->profile,
                                       .latency_ns = choose_latency_ns(speaker),
                                       .max_latency_ns =
                                           settings->max_latency_ms == OPTION_AUTO
                                               ? 0
                                               : (uint64_t)settings->max_latency_ms * PAW_NS_PER_MS,
                                       .gain_db = settings->gain_db};
  return player_open(&speaker->player, &config, fault);
}

static int open_all(struct speaker *speaker, struct fault *fault) {
  if (loop_new(&speaker->loop, fault) != 0) {
    return -1;
  }
  loop_timer_init(speaker->loop, &speaker->retry, on_retry, speaker);
  if (loop_catch_signals(speaker->loop, on_signal, speaker, fault) != 0 ||
      make_output(speaker, fault) != 0 || open_player(speaker, fault) != 0 ||
      open_socket(speaker, fault) != 0 ||
      http_client_new(speaker->loop, &speaker->http, fault) != 0 ||
      make_certificate(speaker, fault) != 0 || make_session(speaker, fault) != 0 ||
      interfaces_watch_open(speaker->loop, on_interfaces, speaker, &speaker->watch, fault) != 0 ||
      make_report(speaker, fault) != 0) {
    return -1;
  }
  list_interfaces(speaker, &speaker->interfaces);
  loop_set_idle(speaker->loop, on_idle, speaker);
  /* Last: from here on the device wants to be served. */
  speaker->output->ops->start(speaker->output);
  return 0;
}

static void close_all(struct speaker *speaker) {
  if (speaker->report != NULL) {
    report_free(speaker->report);
  }
  interfaces_watch_close(speaker->watch);
  if (speaker->session != NULL) {
    session_free(speaker->session);
  }
  if (speaker->http != NULL) {
    http_client_free(speaker->http);
  }
  if (speaker->output != NULL) {
    speaker->output->ops->free(speaker->output);
  }
  player_close(&speaker->player);
  udp_close(speaker->udp);
  paw_certificate_free(speaker->certificate);
  loop_free(speaker->loop);
}

enum speaker_exit speaker_run(const struct settings *settings, uint64_t started_ns,
                              struct fault *fault) {
  struct speaker speaker = {.settings = settings,
                            .log = system_log((enum paw_log_level)settings->log_level),
                            .started_ns = started_ns,
                            .fault = fault};
  backoff_init(&speaker.backoff, RETRY_FIRST_NS, RETRY_CAP_NS);
  fault->text[0] = '\0';
  if (open_all(&speaker, fault) != 0) {
    speaker.exit = SPEAKER_EXIT_REFUSED;
  } else if (fault->text[0] == '\0') {
    session_start(speaker.session, system_now_ns());
    if (loop_run(speaker.loop, fault) != 0) {
      speaker.exit = SPEAKER_EXIT_FAILED;
    }
  }
  close_all(&speaker);
  return speaker.exit;
}
