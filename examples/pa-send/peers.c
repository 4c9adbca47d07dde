/* SPDX-License-Identifier: MIT */
#include "peers.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "interfaces.h"
#include "interfaces_watch.h"
#include "outbox.h"
#include "system.h"

static const enum paw_family families[] = {PAW_FAMILY_IPV4, PAW_FAMILY_IPV6};
#define FAMILY_COUNT (sizeof families / sizeof families[0])

/* Datagrams polled in one go; a frame to many peers takes several. */
#define TRANSMITS_MAX OUTBOX_MAX

/* Seen from this side, by enum whep_kind. */
static const enum paw_direction directions[] = {PAW_DIRECTION_SENDONLY, PAW_DIRECTION_RECVONLY};

struct peer {
  paw_hub_peer peer; /* 0: free */
  bool connected;
};

struct peers {
  struct peers_config config;
  struct loop *loop;
  struct udp *udp;
  struct paw_certificate *certificate;
  struct paw_hub *hub;
  struct paw_hub_track *track;
  struct outbox outbox;
  enum paw_family full; /* this socket is waited for to be written to; NONE: neither is */
  struct loop_timer timer;
  struct interfaces_watch *watch; /* NULL: the addresses are given */
  struct interfaces interfaces;   /* those that the peers know */
  struct peer list[PEERS_MAX];
};

/* ---- input and output ---- */

static void feed(void *user_data, const struct paw_input *input) {
  struct peers *peers = user_data;
  (void)paw_hub_handle_input(peers->hub, input);
}

static void on_datagrams(void *user_data, int fd, short ready) {
  struct peers *peers = user_data;
  if ((ready & ~POLLOUT) == 0) {
    return; /* what waits is sent in the idle hook */
  }
  udp_receive(peers->udp, fd, system_now_ns(), feed, peers);
}

static void on_timer(void *user_data, uint64_t now_ns) {
  struct peers *peers = user_data;
  struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns};
  (void)paw_hub_handle_input(peers->hub, &input);
}

static struct peer *find(struct peers *peers, paw_hub_peer peer) {
  for (size_t i = 0; i < PEERS_MAX; i++) {
    if (peers->list[i].peer == peer) {
      return &peers->list[i];
    }
  }
  return NULL;
}

static void on_connected(struct peers *peers, paw_hub_peer peer) {
  struct peer *known = find(peers, peer);
  if (known != NULL) {
    known->connected = true;
  }
  system_tell(&peers->config.log, PAW_LOG_INFO, "peers", "peer %llu: connected",
              (unsigned long long)peer);
  peers->config.connected(peers->config.user_data, peer);
}

static void on_closed(struct peers *peers, paw_hub_peer peer, enum paw_close_reason reason) {
  struct peer *known = find(peers, peer);
  if (known != NULL) {
    *known = (struct peer){0};
  }
  system_tell(&peers->config.log, PAW_LOG_INFO, "peers", "peer %llu: %s", (unsigned long long)peer,
              paw_close_reason_text(reason));
  paw_hub_remove(peers->hub, peer);
  peers->config.closed(peers->config.user_data, peer);
}

/* The library's own line does not say whose connection it is. */
static void tell_ice(const struct peers *peers, paw_hub_peer peer,
                     const struct paw_rtc_event *event) {
  const char *state = paw_ice_state_text(event->ice_state);
  if (event->ice_reason == PAW_ICE_REASON_NONE) {
    system_tell(&peers->config.log, PAW_LOG_DEBUG, "peers", "peer %llu: ICE %s",
                (unsigned long long)peer, state);
  } else {
    system_tell(&peers->config.log, PAW_LOG_INFO, "peers", "peer %llu: ICE %s: %s",
                (unsigned long long)peer, state, paw_ice_reason_text(event->ice_reason));
  }
}

static void on_event(struct peers *peers, uint64_t now_ns, paw_hub_peer peer,
                     const struct paw_rtc_event *event) {
  switch (event->kind) {
  case PAW_RTC_EVENT_CONNECTED:
    on_connected(peers, peer);
    return;
  case PAW_RTC_EVENT_CLOSED:
    on_closed(peers, peer, event->reason);
    return;
  case PAW_RTC_EVENT_ICE_STATE:
    tell_ice(peers, peer, event);
    return;
  case PAW_RTC_EVENT_AUDIO:
    peers->config.audio(peers->config.user_data, now_ns, peer, &event->audio);
    return;
  case PAW_RTC_EVENT_SELECTED_PAIR:
  case PAW_RTC_EVENT_MEDIA:
  case PAW_RTC_EVENT_SENDER_REPORT:
  case PAW_RTC_EVENT_RECEIVER_REPORT:
  case PAW_RTC_EVENT_BYE:
  case PAW_RTC_EVENT_DEGRADED:
  case PAW_RTC_EVENT_RECOVERED:
    return;
  }
}

static size_t offer(void *user_data, const struct paw_transmit *batch, size_t count) {
  struct peers *peers = user_data;
  return udp_offer(peers->udp, batch, count);
}

static void watch_socket(struct peers *peers, enum paw_family family, short events) {
  if (family != PAW_FAMILY_NONE) {
    (void)loop_watch(peers->loop, udp_get_fd(peers->udp, family), events, on_datagrams, peers);
  }
}

/* While a send buffer is full the hub keeps what there is to send: its frames are there for 500 ms.
 */
static void send_all(struct peers *peers, uint64_t now_ns) {
  struct paw_transmit batch[TRANSMITS_MAX];
  size_t count = 1;
  outbox_flush(&peers->outbox, now_ns);
  for (; count > 0 && outbox_may_send(&peers->outbox, now_ns); now_ns = system_now_ns()) {
    paw_hub_poll_transmits(peers->hub, batch, TRANSMITS_MAX, &count);
    outbox_send(&peers->outbox, now_ns, batch, count);
  }
  enum paw_family full =
      outbox_is_free(&peers->outbox) ? PAW_FAMILY_NONE : outbox_get_family(&peers->outbox);
  if (full != peers->full) {
    watch_socket(peers, peers->full, POLLIN);
    watch_socket(peers, full, POLLIN | POLLOUT);
    peers->full = full;
  }
}

void peers_drain(struct peers *peers, uint64_t now_ns) {
  struct paw_rtc_event event;
  struct paw_encoder_advice advice;
  struct paw_hub_track *track = NULL; /* there is but one */
  paw_hub_peer peer = 0;
  send_all(peers, now_ns);
  while (paw_hub_poll_event(peers->hub, &peer, &event)) {
    on_event(peers, now_ns, peer, &event);
  }
  while (paw_hub_poll_advice(peers->hub, &track, &advice)) {
    peers->config.advised(peers->config.user_data, &advice);
  }
  /* An event may have changed a connection. */
  send_all(peers, now_ns);
  uint64_t outbox_ns = outbox_next_deadline(&peers->outbox);
  loop_timer_set(&peers->timer, outbox_ns != PAW_TIME_NEVER
                                    ? outbox_ns
                                    : paw_hub_next_timeout(peers->hub).deadline_ns);
}

void peers_fetch(struct peers *peers) {
  for (size_t i = 0; i < FAMILY_COUNT; i++) {
    int fd = udp_get_fd(peers->udp, families[i]);
    if (fd >= 0) {
      on_datagrams(peers, fd, POLLIN);
    }
  }
  peers_drain(peers, system_now_ns());
}

void peers_send(struct peers *peers, uint64_t now_ns, const struct paw_audio_frame *frame) {
  /* In the first half of its duration a frame comes to each of many, at its own steady time. */
  uint64_t frame_ns = frame->duration_rtp * PAW_NS_PER_S / PAW_RTP_HZ;
  outbox_begin_burst(&peers->outbox, now_ns, peers_get_count(peers), frame_ns / 2);
  int status = paw_hub_track_send(peers->hub, peers->track, now_ns, frame);
  if (status != PAW_OK) {
    system_tell(&peers->config.log, PAW_LOG_ERROR, "peers", "a frame was not sent: %s",
                paw_strerror(status));
  }
}

/* ---- coming ---- */

size_t peers_get_addresses(const struct peers *peers, struct paw_address *out) {
  const struct settings *settings = peers->config.settings;
  struct fault fault;
  size_t count = settings->address_count;
  uint16_t port = udp_get_port(peers->udp);
  if (count > 0) {
    memcpy(out, settings->addresses, count * sizeof out[0]);
    for (size_t i = 0; i < count; i++) {
      out[i].port = port;
    }
    return count;
  }
  if (interfaces_list(paw_address_is_loopback(&settings->listen), port, out, &count, &fault) != 0) {
    system_tell(&peers->config.log, PAW_LOG_ERROR, "peers", "%s", fault.text);
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

static void fill_config(const struct peers *peers, enum whep_kind kind,
                        struct paw_rtc_config *config) {
  const struct settings *settings = peers->config.settings;
  paw_rtc_config_init(config);
  config->certificate = peers->certificate;
  config->rng = system_rng();
  config->log = peers->config.log;
  config->wall = system_wall_anchor();
  config->audio.direction = directions[kind];
  config->audio.ptime_ms = (uint16_t)(settings_frame_frames[settings->frame] / 48);
  config->audio.stereo = peers->config.channels == 2;
  config->audio.red_distance = settings->red == OPTION_AUTO ? PAW_RED_AUTO : (int8_t)settings->red;
  config->audio.inband_fec = settings->fec != FEC_CHOICE_OFF;
}

/* An address that came or went is taken over by everybody who is there: where this side checks, it
 * tries the new one at once; a peer that restarts ICE is told. While there is none, nothing
 * changes: the same ones may come back. */
static void refresh_interfaces(struct peers *peers) {
  struct interfaces now;
  now.count = peers_get_addresses(peers, now.addresses);
  if (now.count == 0 || interfaces_are_same(&peers->interfaces, &now)) {
    return;
  }
  for (size_t i = 0; i < PEERS_MAX; i++) {
    if (peers->list[i].peer != 0) {
      (void)interfaces_update(paw_hub_get_rtc(peers->hub, peers->list[i].peer), &peers->interfaces,
                              &now);
    }
  }
  if (peers->interfaces.count > 0) {
    system_tell(&peers->config.log, PAW_LOG_INFO, "peers", "this host's addresses have changed");
  }
  peers->interfaces = now;
}

static void on_interfaces(void *user_data, uint64_t now_ns) {
  (void)now_ns;
  refresh_interfaces(user_data);
}

static int add_candidates(struct peers *peers, struct paw_rtc *rtc) {
  const struct interfaces none = {.count = 0};
  refresh_interfaces(peers);
  return interfaces_update(rtc, &none, &peers->interfaces);
}

/* RFC 9725 section 4.4.2: what an offer to send has too much of is not rejected section by section.
 */
static unsigned count_sections(const char *sdp, size_t len) {
  unsigned count = 0;
  const char *at = memmem(sdp, len, "\nm=", 3);
  while (at != NULL) {
    count++;
    at = memmem(at + 3, len - (size_t)(at + 3 - sdp), "\nm=", 3);
  }
  return count;
}

static int negotiate(struct peers *peers, struct paw_rtc *rtc, enum whep_kind kind,
                     const struct peers_offer *offer, char *answer, size_t *answer_len) {
  struct paw_media_info media;
  int status = add_candidates(peers, rtc);
  if (status == PAW_OK) {
    status = paw_rtc_accept_offer(rtc, offer->now_ns, offer->sdp, offer->len, answer, answer_len);
  }
  if (status == PAW_OK) {
    status = paw_rtc_get_media(rtc, &media);
  }
  if (status == PAW_OK && (media.direction & directions[kind]) == 0) {
    status = PAW_ERR_INVALID;
  }
  if (status == PAW_OK && kind == WHEP_TALK && count_sections(answer, *answer_len) > 1) {
    status = PAW_ERR_UNSUPPORTED;
  }
  return status;
}

static int join(struct peers *peers, struct paw_rtc *rtc, enum whep_kind kind, struct peer *known) {
  paw_hub_peer peer = 0;
  int status = paw_hub_add(peers->hub, rtc, &peer);
  if (status != PAW_OK) {
    paw_rtc_free(rtc);
    return status;
  }
  if (kind == WHEP_LISTEN) {
    status = paw_hub_subscribe(peers->hub, peer, peers->track);
  }
  if (status != PAW_OK) {
    paw_hub_remove(peers->hub, peer);
    return status;
  }
  *known = (struct peer){.peer = peer};
  return PAW_OK;
}

int peers_accept(struct peers *peers, enum whep_kind kind, const struct peers_offer *offer,
                 char *answer, size_t *answer_len, uint64_t *peer) {
  struct peer *known = find(peers, 0);
  struct paw_rtc_config config;
  struct paw_rtc *rtc = NULL;
  if (known == NULL) {
    return PAW_ERR_LIMIT;
  }
  fill_config(peers, kind, &config);
  config.ice_mode = choose_ice(peers->config.settings, offer->sdp, offer->len);
  int status = paw_rtc_new(&config, offer->now_ns, &rtc);
  if (status != PAW_OK) {
    return status;
  }
  status = negotiate(peers, rtc, kind, offer, answer, answer_len);
  if (status != PAW_OK) {
    paw_rtc_free(rtc);
    return status;
  }
  status = join(peers, rtc, kind, known);
  *peer = known->peer;
  return status;
}

static int accept_listener(void *user_data, uint64_t now_ns, const char *sdp, size_t len,
                           char *answer, size_t *answer_len, uint64_t *peer) {
  struct peers_offer offer = {.now_ns = now_ns, .sdp = sdp, .len = len};
  return peers_accept(user_data, WHEP_LISTEN, &offer, answer, answer_len, peer);
}

int peers_patch(struct peers *peers, uint64_t peer, const struct peers_offer *fragment,
                bool *restarted, char *answer, size_t *answer_len) {
  struct paw_rtc *rtc = paw_hub_get_rtc(peers->hub, peer);
  if (rtc == NULL) {
    return PAW_ERR_STATE;
  }
  refresh_interfaces(peers);
  int status =
      paw_rtc_accept_ice_fragment(rtc, fragment->now_ns, fragment->sdp, fragment->len, restarted);
  if (status == PAW_OK && *restarted) {
    status = paw_rtc_write_ice_fragment(rtc, answer, answer_len);
  }
  return status;
}

static int patch_listener(void *user_data, uint64_t now_ns, uint64_t peer, const char *fragment,
                          size_t fragment_len, bool *restarted, char *answer, size_t *answer_len) {
  struct peers_offer offer = {.now_ns = now_ns, .sdp = fragment, .len = fragment_len};
  return peers_patch(user_data, peer, &offer, restarted, answer, answer_len);
}

/* ---- going ---- */

void peers_end(struct peers *peers, uint64_t now_ns, uint64_t peer) {
  struct paw_rtc *rtc = paw_hub_get_rtc(peers->hub, peer);
  if (rtc != NULL) {
    paw_rtc_close(rtc, now_ns);
  }
}

void peers_end_all(struct peers *peers, uint64_t now_ns) {
  for (size_t i = 0; i < PEERS_MAX; i++) {
    if (peers->list[i].peer != 0) {
      peers_end(peers, now_ns, peers->list[i].peer);
    }
  }
}

static void end_listener(void *user_data, uint64_t now_ns, uint64_t peer) {
  peers_end(user_data, now_ns, peer);
}

struct whep_backend peers_backend(struct peers *peers) {
  return (struct whep_backend){
      .accept = accept_listener, .patch = patch_listener, .end = end_listener, .user_data = peers};
}

uint64_t peers_serve_playout(struct peers *peers, uint64_t now_ns, uint64_t peer,
                             struct paw_playout *playout) {
  struct paw_rtc *rtc = paw_hub_get_rtc(peers->hub, peer);
  return rtc != NULL ? paw_rtc_serve_playout(rtc, now_ns, playout) : PAW_TIME_NEVER;
}

/* ---- opening ---- */

/* The first connection of a process sets up libsrtp2 and with it NSS: that takes 40 ms, and NSS
 * crashes when memory runs out meanwhile. So that one is made, and left, before anybody can ask for
 * one. */
static int make_first(const struct peers *peers) {
  struct paw_rtc_config config;
  struct paw_rtc *rtc = NULL;
  fill_config(peers, WHEP_LISTEN, &config);
  int status = paw_rtc_new(&config, system_now_ns(), &rtc);
  paw_rtc_free(rtc);
  return status;
}

static int make_hub(struct peers *peers, struct fault *fault) {
  struct paw_hub_config config;
  struct paw_rng rng = system_rng();
  struct paw_allocator plain = {0};
  paw_hub_config_init(&config);
  config.max_peers = PEERS_MAX;
  int status = paw_certificate_generate(&rng, &plain, &peers->certificate);
  if (status == PAW_OK) {
    status = make_first(peers);
  }
  if (status == PAW_OK) {
    status = paw_hub_new(&config, system_now_ns(), &peers->hub);
  }
  if (status == PAW_OK) {
    status = paw_hub_track_new(peers->hub, &peers->track);
  }
  return status == PAW_OK ? 0 : fault_set(fault, "cannot set up WebRTC: %s", paw_strerror(status));
}

static int watch_sockets(struct peers *peers, struct fault *fault) {
  for (size_t i = 0; i < FAMILY_COUNT; i++) {
    int fd = udp_get_fd(peers->udp, families[i]);
    if (fd >= 0 && loop_watch(peers->loop, fd, POLLIN, on_datagrams, peers) != 0) {
      return fault_set(fault, "UDP: too many descriptors are watched");
    }
  }
  return 0;
}

static int watch_interfaces(struct peers *peers, struct fault *fault) {
  return peers->config.settings->address_count > 0
             ? 0
             : interfaces_watch_open(peers->loop, on_interfaces, peers, &peers->watch, fault);
}

int peers_open(const struct peers_config *config, struct loop *loop, struct peers **out,
               struct fault *fault) {
  struct peers *peers = calloc(1, sizeof *peers);
  struct udp_config udp = {.port = (uint16_t)config->settings->udp_port,
                           .loopback_only = paw_address_is_loopback(&config->settings->listen) &&
                                            config->settings->address_count == 0};
  if (peers == NULL) {
    return fault_set(fault, "out of memory");
  }
  peers->config = *config;
  peers->loop = loop;
  outbox_init(&peers->outbox, offer, peers);
  loop_timer_init(loop, &peers->timer, on_timer, peers);
  if (udp_open(&udp, &peers->udp, fault) != 0 || make_hub(peers, fault) != 0 ||
      watch_sockets(peers, fault) != 0 || watch_interfaces(peers, fault) != 0) {
    peers_close(peers);
    return -1;
  }
  *out = peers;
  return 0;
}

void peers_close(struct peers *peers) {
  if (peers == NULL) {
    return;
  }
  if (peers->udp != NULL) {
    loop_unwatch(peers->loop, udp_get_fd(peers->udp, PAW_FAMILY_IPV4));
    loop_unwatch(peers->loop, udp_get_fd(peers->udp, PAW_FAMILY_IPV6));
  }
  interfaces_watch_close(peers->watch);
  loop_timer_wipe(peers->loop, &peers->timer);
  paw_hub_free(peers->hub);
  paw_certificate_free(peers->certificate);
  udp_close(peers->udp);
  free(peers);
}

/* ---- asking ---- */

size_t peers_get_count(const struct peers *peers) {
  return paw_hub_get_peer_count(peers->hub);
}

bool peers_are_gone(const struct peers *peers) {
  return peers_get_count(peers) == 0 && outbox_is_free(&peers->outbox);
}

uint16_t peers_get_port(const struct peers *peers) {
  return udp_get_port(peers->udp);
}

static void add_peer(struct peers *peers, const struct peer *known, struct peers_stats *out) {
  struct paw_rtc_stats stats;
  const struct paw_rtc *rtc = paw_hub_get_rtc(peers->hub, known->peer);
  if (rtc == NULL) {
    return;
  }
  paw_rtc_get_stats(rtc, &stats);
  out->connected += known->connected;
  out->sent += stats.packets_sent;
  out->resent += stats.packets_resent;
  out->nacks += stats.nacks_received;
  out->lost += stats.remote_lost;
  out->redundant += stats.red_distance > 0;
  double loss_percent = stats.remote_fraction_lost * 100.0 / 256;
  if (loss_percent > out->worst_loss_percent) {
    out->worst_loss_percent = loss_percent;
  }
}

void peers_get_stats(struct peers *peers, struct peers_stats *out) {
  struct udp_stats sockets;
  struct paw_hub_stats hub;
  *out = (struct peers_stats){.peers = paw_hub_get_peer_count(peers->hub)};
  for (size_t i = 0; i < PEERS_MAX; i++) {
    if (peers->list[i].peer != 0) {
      add_peer(peers, &peers->list[i], out);
    }
  }
  udp_get_stats(peers->udp, &sockets);
  paw_hub_get_stats(peers->hub, &hub);
  out->datagrams = sockets.sent;
  out->held = peers->outbox.held;
  out->dropped_full = sockets.dropped_full + peers->outbox.dropped;
  out->dropped = out->dropped_full + sockets.dropped_error;
  out->unclaimed = hub.datagrams_unclaimed;
}
