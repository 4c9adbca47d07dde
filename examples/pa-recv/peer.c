/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include "interfaces.h"
#include "system.h"

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

static int add_candidates(struct peer *peer, struct fault *fault) {
  struct paw_address addresses[INTERFACES_MAX];
  size_t count = 0;
  if (interfaces_list(peer->config.loopback, udp_get_port(peer->config.udp), addresses, &count,
                      fault) != 0) {
    return -1;
  }
  if (count == 0) {
    return fault_set(fault, "this machine has no network address yet");
  }
  for (size_t i = 0; i < count; i++) {
    const struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = addresses[i]};
    (void)paw_rtc_add_local_candidate(peer->rtc, &candidate);
  }
  return 0;
}

static int make_offer(struct peer *peer, uint64_t now_ns, enum paw_ice_mode mode,
                      char offer[PEER_OFFER_SIZE], struct fault *fault) {
  struct paw_rtc_config config;
  size_t len = PEER_OFFER_SIZE;
  paw_rtc_config_init(&config);
  config.certificate = peer->config.certificate;
  config.rng = system_rng();
  config.log = peer->config.log;
  config.wall = system_wall_anchor();
  config.ice_mode = mode;
  config.audio.direction = PAW_DIRECTION_RECVONLY;
  int status = paw_rtc_new(&config, now_ns, &peer->rtc);
  if (status == PAW_OK && add_candidates(peer, fault) != 0) {
    return -1;
  }
  if (status == PAW_OK) {
    status = paw_rtc_create_offer(peer->rtc, offer, &len);
  }
  return status == PAW_OK ? 0 : fault_set(fault, "no offer can be made: %s", paw_strerror(status));
}

int peer_offer(struct peer *peer, uint64_t now_ns, enum paw_ice_mode mode,
               char offer[PEER_OFFER_SIZE], struct fault *fault) {
  peer_drop(peer);
  int status = make_offer(peer, now_ns, mode, offer, fault);
  if (status != 0) {
    peer_drop(peer);
  }
  return status;
}

int peer_answer(struct peer *peer, uint64_t now_ns, const char *answer, size_t len) {
  return paw_rtc_accept_answer(peer->rtc, now_ns, answer, len);
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
  uint64_t playout_ns = paw_rtc_serve_playout(peer->rtc, now_ns, peer->config.playout);
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
