/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include "system.h"
#include "wifi.h"

#define SYSFS "/sys"

static void time_came(void *user_data, uint64_t now_ns) {
  struct peer *peer = user_data;
  const struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns};
  (void)paw_rtc_handle_input(peer->rtc, &input);
}

void peer_init(struct peer *peer, const struct peer_config *config) {
  *peer = (struct peer){.config = *config};
  loop_timer_init(config->loop, &peer->timer, time_came, peer);
}

void peer_wipe(struct peer *peer) {
  peer_drop(peer);
  loop_timer_wipe(peer->config.loop, &peer->timer);
}

static int list_interfaces(const struct peer *peer, struct interfaces *out, struct fault *fault) {
  return interfaces_list(peer->config.loopback, udp_get_port(peer->config.udp), out->addresses,
                         &out->count, fault);
}

static int add_candidates(struct peer *peer, struct fault *fault) {
  const struct interfaces none = {.count = 0};
  if (list_interfaces(peer, &peer->interfaces, fault) != 0) {
    return -1;
  }
  if (peer->interfaces.count == 0) {
    return fault_set(fault, "this machine has no network address yet");
  }
  int status = interfaces_update(peer->rtc, &none, &peer->interfaces);
  return status == PAW_OK ? 0 : fault_set(fault, "no candidates: %s", paw_strerror(status));
}

/* A connection with this host's addresses, in place of the one of before. */
static int make_rtc(struct peer *peer, uint64_t now_ns, enum paw_ice_mode mode,
                    struct fault *fault) {
  struct paw_rtc_config config;
  peer_drop(peer);
  paw_rtc_config_init(&config);
  config.certificate = peer->config.certificate;
  config.rng = system_rng();
  config.log = peer->config.log;
  config.wall = system_wall_anchor();
  config.ice_mode = mode;
  config.audio.direction = PAW_DIRECTION_RECVONLY;
  int status = paw_rtc_new(&config, now_ns, &peer->rtc);
  if (status != PAW_OK) {
    return fault_set(fault, "no connection can be made: %s", paw_strerror(status));
  }
  return add_candidates(peer, fault);
}

int peer_offer(struct peer *peer, uint64_t now_ns, enum paw_ice_mode mode,
               char offer[PEER_TEXT_SIZE], struct fault *fault) {
  size_t len = PEER_TEXT_SIZE;
  int status = make_rtc(peer, now_ns, mode, fault);
  if (status == 0 && paw_rtc_create_offer(peer->rtc, offer, &len) != PAW_OK) {
    status = fault_set(fault, "no offer can be made");
  }
  if (status != 0) {
    peer_drop(peer);
  }
  return status;
}

/* The draft asks for an offer that sends (draft-ietf-wish-whep, "Media Direction Attributes"). */
static int accept_offer(struct peer *peer, uint64_t now_ns, const struct peer_counter_offer *offer,
                        char answer[PEER_TEXT_SIZE], struct fault *fault) {
  struct paw_media_info media;
  size_t len = PEER_TEXT_SIZE;
  int status = paw_rtc_accept_offer(peer->rtc, now_ns, offer->sdp, offer->len, answer, &len);
  if (status == PAW_OK) {
    status = paw_rtc_get_media(peer->rtc, &media);
  }
  if (status != PAW_OK) {
    return fault_set(fault, "its offer cannot be used: %s", paw_strerror(status));
  }
  return (media.direction & PAW_DIRECTION_RECVONLY) != 0
             ? 0
             : fault_set(fault, "its offer sends no audio");
}

int peer_accept_offer(struct peer *peer, uint64_t now_ns, const struct peer_counter_offer *offer,
                      char answer[PEER_TEXT_SIZE], struct fault *fault) {
  int status = make_rtc(peer, now_ns, offer->mode, fault);
  if (status == 0) {
    status = accept_offer(peer, now_ns, offer, answer, fault);
  }
  if (status != 0) {
    peer_drop(peer);
  }
  return status;
}

int peer_answer(struct peer *peer, uint64_t now_ns, const char *answer, size_t len) {
  return paw_rtc_accept_answer(peer->rtc, now_ns, answer, len);
}

enum peer_change peer_update_addresses(struct peer *peer) {
  struct interfaces now;
  struct fault ignored;
  struct paw_rtc_stats stats;
  if (list_interfaces(peer, &now, &ignored) != 0 || now.count == 0 ||
      interfaces_are_same(&peer->interfaces, &now)) {
    return PEER_CHANGE_NONE;
  }
  paw_rtc_get_stats(peer->rtc, &stats);
  (void)interfaces_update(peer->rtc, &peer->interfaces, &now);
  peer->interfaces = now;
  bool has_path = stats.local.family != PAW_FAMILY_NONE;
  return has_path && !interfaces_have(&now, &stats.local) ? PEER_CHANGE_PATH : PEER_CHANGE_MORE;
}

bool peer_has_path(const struct peer *peer) {
  struct paw_rtc_stats stats;
  paw_rtc_get_stats(peer->rtc, &stats);
  return stats.local.family != PAW_FAMILY_NONE && interfaces_have(&peer->interfaces, &stats.local);
}

bool peer_has_wifi_path(const struct peer *peer) {
  struct paw_rtc_stats stats;
  char name[INTERFACE_NAME_SIZE];
  paw_rtc_get_stats(peer->rtc, &stats);
  return interfaces_find_name(&stats.local, name) && wifi_has_name(SYSFS, name);
}

int peer_restart(struct peer *peer, uint64_t now_ns) {
  return paw_rtc_ice_restart(peer->rtc, now_ns);
}

int peer_write_fragment(const struct peer *peer, char fragment[PEER_TEXT_SIZE]) {
  size_t len = PEER_TEXT_SIZE;
  return paw_rtc_write_ice_fragment(peer->rtc, fragment, &len);
}

int peer_take_fragment(struct peer *peer, uint64_t now_ns, const char *fragment, size_t len) {
  return paw_rtc_accept_ice_fragment(peer->rtc, now_ns, fragment, len, NULL);
}

void peer_receive(struct peer *peer, const struct paw_input *input) {
  (void)paw_rtc_handle_input(peer->rtc, input);
}

/* Until nothing is left to do now; the deadline that the connection names. */
static uint64_t drain_rtc(struct peer *peer, uint64_t now_ns) {
  for (;;) {
    struct paw_rtc_output output;
    paw_rtc_poll_output(peer->rtc, &output);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT:
      udp_send(peer->config.udp, &output.transmit, 1);
      break;
    case PAW_OUTPUT_EVENT:
      peer->config.event(peer->config.user_data, now_ns, &output.event);
      break;
    case PAW_OUTPUT_TIMEOUT:
      return output.timeout.deadline_ns;
    }
  }
}

void peer_drain(struct peer *peer, uint64_t now_ns) {
  (void)drain_rtc(peer, now_ns);
  uint64_t playout_ns = paw_rtc_serve_playout(peer->rtc, now_ns, peer->config.player->playout);
  /* Once more: the player may have asked for packets. */
  uint64_t rtc_ns = drain_rtc(peer, now_ns);
  loop_timer_set(&peer->timer, rtc_ns < playout_ns ? rtc_ns : playout_ns);
}

void peer_close(struct peer *peer, uint64_t now_ns) {
  paw_rtc_close(peer->rtc, now_ns);
}

void peer_drop(struct peer *peer) {
  paw_rtc_free(peer->rtc);
  peer->rtc = NULL;
  loop_timer_set(&peer->timer, PAW_TIME_NEVER);
}

uint64_t peer_get_rtt_ns(const struct peer *peer) {
  return paw_rtc_get_rtt_ns(peer->rtc);
}
