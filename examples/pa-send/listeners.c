/* SPDX-License-Identifier: MIT */
#include "listeners.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "interfaces.h"
#include "system.h"

/* Datagrams polled in one go; a frame to many peers takes several. */
#define TRANSMITS_MAX 64

struct listener {
  paw_hub_peer peer; /* 0: free */
  bool connected;
};

struct listeners {
  struct listeners_config config;
  struct loop *loop;
  struct udp *udp;
  struct paw_certificate *certificate;
  struct paw_hub *hub;
  struct paw_hub_track *track;
  struct loop_timer timer;
  struct listener list[LISTENERS_MAX];
};

/* ---- input and output ---- */

static void feed(void *user_data, const struct paw_input *input) {
  struct listeners *listeners = user_data;
  (void)paw_hub_handle_input(listeners->hub, input);
}

static void on_datagrams(void *user_data, int fd, short ready) {
  struct listeners *listeners = user_data;
  (void)ready;
  udp_receive(listeners->udp, fd, system_now_ns(), feed, listeners);
}

static void on_timer(void *user_data, uint64_t now_ns) {
  struct listeners *listeners = user_data;
  struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns};
  (void)paw_hub_handle_input(listeners->hub, &input);
}

static struct listener *find(struct listeners *listeners, paw_hub_peer peer) {
  for (size_t i = 0; i < LISTENERS_MAX; i++) {
    if (listeners->list[i].peer == peer) {
      return &listeners->list[i];
    }
  }
  return NULL;
}

static void on_connected(struct listeners *listeners, paw_hub_peer peer) {
  struct listener *listener = find(listeners, peer);
  if (listener != NULL) {
    listener->connected = true;
  }
  system_tell(&listeners->config.log, PAW_LOG_INFO, "listeners", "peer %llu: connected",
              (unsigned long long)peer);
  listeners->config.connected(listeners->config.user_data, peer);
}

static void on_closed(struct listeners *listeners, paw_hub_peer peer,
                      enum paw_close_reason reason) {
  struct listener *listener = find(listeners, peer);
  if (listener != NULL) {
    *listener = (struct listener){0};
  }
  system_tell(&listeners->config.log, PAW_LOG_INFO, "listeners", "peer %llu: %s",
              (unsigned long long)peer, paw_close_reason_text(reason));
  paw_hub_remove(listeners->hub, peer);
  listeners->config.closed(listeners->config.user_data, peer);
}

static void on_event(struct listeners *listeners, paw_hub_peer peer,
                     const struct paw_rtc_event *event) {
  switch (event->kind) {
  case PAW_RTC_EVENT_CONNECTED:
    on_connected(listeners, peer);
    return;
  case PAW_RTC_EVENT_CLOSED:
    on_closed(listeners, peer, event->reason);
    return;
  case PAW_RTC_EVENT_ICE_STATE:
    system_tell(&listeners->config.log, PAW_LOG_DEBUG, "listeners", "peer %llu: ICE %s",
                (unsigned long long)peer, paw_ice_state_text(event->ice_state));
    return;
  case PAW_RTC_EVENT_SELECTED_PAIR:
  case PAW_RTC_EVENT_MEDIA:
  case PAW_RTC_EVENT_AUDIO:
  case PAW_RTC_EVENT_SENDER_REPORT:
  case PAW_RTC_EVENT_RECEIVER_REPORT:
  case PAW_RTC_EVENT_BYE:
  case PAW_RTC_EVENT_DEGRADED:
  case PAW_RTC_EVENT_RECOVERED:
    return;
  }
}

static void send_all(struct listeners *listeners) {
  struct paw_transmit batch[TRANSMITS_MAX];
  size_t count = 0;
  do {
    paw_hub_poll_transmits(listeners->hub, batch, TRANSMITS_MAX, &count);
    udp_send(listeners->udp, batch, count);
  } while (count > 0);
}

void listeners_drain(struct listeners *listeners, uint64_t now_ns) {
  struct paw_rtc_event event;
  paw_hub_peer peer = 0;
  (void)now_ns;
  send_all(listeners);
  while (paw_hub_poll_event(listeners->hub, &peer, &event)) {
    on_event(listeners, peer, &event);
  }
  /* An event may have changed a connection. */
  send_all(listeners);
  loop_timer_set(&listeners->timer, paw_hub_next_timeout(listeners->hub).deadline_ns);
}

void listeners_send(struct listeners *listeners, uint64_t now_ns,
                    const struct paw_audio_frame *frame) {
  int status = paw_hub_track_send(listeners->hub, listeners->track, now_ns, frame);
  if (status != PAW_OK) {
    system_tell(&listeners->config.log, PAW_LOG_ERROR, "listeners", "a frame was not sent: %s",
                paw_strerror(status));
  }
}

/* ---- coming ---- */

size_t listeners_get_addresses(const struct listeners *listeners, struct paw_address *out) {
  const struct settings *settings = listeners->config.settings;
  struct fault fault;
  size_t count = settings->address_count;
  uint16_t port = udp_get_port(listeners->udp);
  if (count > 0) {
    memcpy(out, settings->addresses, count * sizeof out[0]);
    for (size_t i = 0; i < count; i++) {
      out[i].port = port;
    }
    return count;
  }
  if (interfaces_list(paw_address_is_loopback(&settings->listen), port, out, &count, &fault) != 0) {
    system_tell(&listeners->config.log, PAW_LOG_ERROR, "listeners", "%s", fault.text);
    return 0;
  }
  return count;
}

static bool offer_is_lite(const char *offer, size_t len) {
  static const char line[] = "\na=ice-lite";
  const char *found = memmem(offer, len, line, sizeof line - 1);
  if (found == NULL) {
    return false;
  }
  const char *after = found + sizeof line - 1;
  return after == offer + len || *after == '\r' || *after == '\n';
}

/* Two lite ends would wait for each other for ever (RFC 8445 section 6.1.1). */
static enum paw_ice_mode choose_ice(const struct settings *settings, const char *offer,
                                    size_t len) {
  return settings->ice == ICE_CHOICE_LITE && !offer_is_lite(offer, len) ? PAW_ICE_LITE
                                                                        : PAW_ICE_FULL;
}

static void fill_config(const struct listeners *listeners, struct paw_rtc_config *config) {
  const struct settings *settings = listeners->config.settings;
  paw_rtc_config_init(config);
  config->certificate = listeners->certificate;
  config->rng = system_rng();
  config->log = listeners->config.log;
  config->wall = system_wall_anchor();
  config->audio.direction = PAW_DIRECTION_SENDONLY;
  config->audio.ptime_ms = (uint16_t)(settings_frame_frames[settings->frame] / 48);
  config->audio.stereo = listeners->config.channels == 2;
  config->audio.inband_fec = settings->fec;
}

static int add_candidates(const struct listeners *listeners, struct paw_rtc *rtc) {
  struct paw_address addresses[INTERFACES_MAX];
  size_t count = listeners_get_addresses(listeners, addresses);
  for (size_t i = 0; i < count; i++) {
    struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = addresses[i]};
    int status = paw_rtc_add_local_candidate(rtc, &candidate);
    if (status != PAW_OK && status != PAW_ERR_LIMIT) {
      return status;
    }
  }
  return PAW_OK;
}

static int negotiate(const struct listeners *listeners, struct paw_rtc *rtc, uint64_t now_ns,
                     const char *offer, size_t offer_len, char *answer, size_t *answer_len) {
  struct paw_media_info media;
  int status = add_candidates(listeners, rtc);
  if (status == PAW_OK) {
    status = paw_rtc_accept_offer(rtc, now_ns, offer, offer_len, answer, answer_len);
  }
  if (status == PAW_OK) {
    status = paw_rtc_get_media(rtc, &media);
  }
  if (status == PAW_OK && (media.direction & PAW_DIRECTION_SENDONLY) == 0) {
    status = PAW_ERR_INVALID;
  }
  return status;
}

static int join(struct listeners *listeners, struct paw_rtc *rtc, struct listener *listener) {
  paw_hub_peer peer = 0;
  int status = paw_hub_add(listeners->hub, rtc, &peer);
  if (status != PAW_OK) {
    paw_rtc_free(rtc);
    return status;
  }
  status = paw_hub_subscribe(listeners->hub, peer, listeners->track);
  if (status != PAW_OK) {
    paw_hub_remove(listeners->hub, peer);
    return status;
  }
  *listener = (struct listener){.peer = peer};
  return PAW_OK;
}

static int accept_peer(void *user_data, uint64_t now_ns, const char *offer, size_t offer_len,
                       char *answer, size_t *answer_len, uint64_t *peer) {
  struct listeners *listeners = user_data;
  struct listener *listener = find(listeners, 0);
  struct paw_rtc_config config;
  struct paw_rtc *rtc = NULL;
  if (listener == NULL) {
    return PAW_ERR_LIMIT;
  }
  fill_config(listeners, &config);
  config.ice_mode = choose_ice(listeners->config.settings, offer, offer_len);
  int status = paw_rtc_new(&config, now_ns, &rtc);
  if (status != PAW_OK) {
    return status;
  }
  status = negotiate(listeners, rtc, now_ns, offer, offer_len, answer, answer_len);
  if (status != PAW_OK) {
    paw_rtc_free(rtc);
    return status;
  }
  status = join(listeners, rtc, listener);
  *peer = listener->peer;
  return status;
}

/* ---- going ---- */

static void end_peer(void *user_data, uint64_t now_ns, uint64_t peer) {
  struct listeners *listeners = user_data;
  struct paw_rtc *rtc = paw_hub_get_rtc(listeners->hub, peer);
  if (rtc != NULL) {
    paw_rtc_close(rtc, now_ns);
  }
}

void listeners_end_all(struct listeners *listeners, uint64_t now_ns) {
  for (size_t i = 0; i < LISTENERS_MAX; i++) {
    if (listeners->list[i].peer != 0) {
      end_peer(listeners, now_ns, listeners->list[i].peer);
    }
  }
}

struct whep_backend listeners_backend(struct listeners *listeners) {
  return (struct whep_backend){.accept = accept_peer, .end = end_peer, .user_data = listeners};
}

/* ---- opening ---- */

static int make_hub(struct listeners *listeners, struct fault *fault) {
  struct paw_hub_config config;
  struct paw_rng rng = system_rng();
  struct paw_allocator plain = {0};
  paw_hub_config_init(&config);
  config.log = listeners->config.log;
  config.max_peers = LISTENERS_MAX;
  int status = paw_certificate_generate(&rng, &plain, &listeners->certificate);
  if (status == PAW_OK) {
    status = paw_hub_new(&config, system_now_ns(), &listeners->hub);
  }
  if (status == PAW_OK) {
    status = paw_hub_track_new(listeners->hub, &listeners->track);
  }
  return status == PAW_OK ? 0 : fault_set(fault, "cannot set up WebRTC: %s", paw_strerror(status));
}

static int watch_sockets(struct listeners *listeners, struct fault *fault) {
  static const enum paw_family families[] = {PAW_FAMILY_IPV4, PAW_FAMILY_IPV6};
  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
    int fd = udp_get_fd(listeners->udp, families[i]);
    if (fd >= 0 && loop_watch(listeners->loop, fd, POLLIN, on_datagrams, listeners) != 0) {
      return fault_set(fault, "UDP: too many descriptors are watched");
    }
  }
  return 0;
}

int listeners_open(const struct listeners_config *config, struct loop *loop, struct listeners **out,
                   struct fault *fault) {
  struct listeners *listeners = calloc(1, sizeof *listeners);
  struct udp_config udp = {.port = (uint16_t)config->settings->udp_port,
                           .loopback_only = paw_address_is_loopback(&config->settings->listen) &&
                                            config->settings->address_count == 0};
  if (listeners == NULL) {
    return fault_set(fault, "out of memory");
  }
  listeners->config = *config;
  listeners->loop = loop;
  loop_timer_init(loop, &listeners->timer, on_timer, listeners);
  if (udp_open(&udp, &listeners->udp, fault) != 0 || make_hub(listeners, fault) != 0 ||
      watch_sockets(listeners, fault) != 0) {
    listeners_close(listeners);
    return -1;
  }
  *out = listeners;
  return 0;
}

void listeners_close(struct listeners *listeners) {
  if (listeners == NULL) {
    return;
  }
  if (listeners->udp != NULL) {
    loop_unwatch(listeners->loop, udp_get_fd(listeners->udp, PAW_FAMILY_IPV4));
    loop_unwatch(listeners->loop, udp_get_fd(listeners->udp, PAW_FAMILY_IPV6));
  }
  loop_timer_wipe(listeners->loop, &listeners->timer);
  paw_hub_free(listeners->hub);
  paw_certificate_free(listeners->certificate);
  udp_close(listeners->udp);
  free(listeners);
}

/* ---- asking ---- */

size_t listeners_get_count(const struct listeners *listeners) {
  return paw_hub_get_peer_count(listeners->hub);
}

uint16_t listeners_get_port(const struct listeners *listeners) {
  return udp_get_port(listeners->udp);
}

static void add_peer(struct listeners *listeners, const struct listener *listener,
                     struct listeners_stats *out) {
  struct paw_rtc_stats stats;
  const struct paw_rtc *rtc = paw_hub_get_rtc(listeners->hub, listener->peer);
  if (rtc == NULL) {
    return;
  }
  paw_rtc_get_stats(rtc, &stats);
  out->connected += listener->connected;
  out->sent += stats.packets_sent;
  out->resent += stats.packets_resent;
  out->nacks += stats.nacks_received;
  out->lost += stats.remote_lost;
}

void listeners_get_stats(struct listeners *listeners, struct listeners_stats *out) {
  struct udp_stats sockets;
  struct paw_hub_stats hub;
  *out = (struct listeners_stats){.peers = paw_hub_get_peer_count(listeners->hub)};
  for (size_t i = 0; i < LISTENERS_MAX; i++) {
    if (listeners->list[i].peer != 0) {
      add_peer(listeners, &listeners->list[i], out);
    }
  }
  udp_get_stats(listeners->udp, &sockets);
  paw_hub_get_stats(listeners->hub, &hub);
  out->datagrams = sockets.sent;
  out->dropped = sockets.dropped_full + sockets.dropped_error;
  out->unclaimed = hub.datagrams_unclaimed;
}
