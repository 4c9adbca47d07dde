/* SPDX-License-Identifier: MIT */
#include "ice_socket.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stun/stun.h"

#define STEP_MAX_MS 20

uint64_t ice_socket_now_ns(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * PAW_NS_PER_S + (uint64_t)time.tv_nsec;
}

static int fill_random(void *user_data, uint8_t *out, size_t len) {
  (void)user_data;
  return getrandom(out, len, 0) == (ssize_t)len ? 0 : -1;
}

static socklen_t to_socket(const struct paw_address *address, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  if (address->family == PAW_FAMILY_IPV4) {
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)out;
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons(address->port);
    memcpy(&ipv4->sin_addr, address->ip, 4);
    return sizeof *ipv4;
  }
  struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)out;
  ipv6->sin6_family = AF_INET6;
  ipv6->sin6_port = htons(address->port);
  memcpy(&ipv6->sin6_addr, address->ip, 16);
  return sizeof *ipv6;
}

static struct paw_address from_socket(const struct sockaddr_storage *address) {
  struct paw_address out = {0};
  if (address->ss_family == AF_INET) {
    const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
    out.family = PAW_FAMILY_IPV4;
    out.port = ntohs(ipv4->sin_port);
    memcpy(out.ip, &ipv4->sin_addr, 4);
  } else {
    const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;
    out.family = PAW_FAMILY_IPV6;
    out.port = ntohs(ipv6->sin6_port);
    memcpy(out.ip, &ipv6->sin6_addr, 16);
  }
  return out;
}

void ice_socket_open(struct ice_socket *it, GMainContext *context, const char *address,
                     const struct paw_ice_config *config) {
  struct paw_ice_config full_config = *config;
  struct sockaddr_storage bound;
  memset(it, 0, sizeof *it);
  full_config.rng.fill = fill_random;
  if (paw_address_parse(address, &it->local) != PAW_OK) {
    abort();
  }
  socklen_t len = to_socket(&it->local, &bound);
  int fd = socket(bound.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&bound, len) != 0 ||
      getsockname(fd, (struct sockaddr *)&bound, &len) != 0 ||
      paw_ice_new(&full_config, ice_socket_now_ns(), &it->ice) != PAW_OK) {
    abort();
  }
  it->local = from_socket(&bound);
  const struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = it->local};
  (void)paw_ice_add_local_candidate(it->ice, &candidate);
  it->context = context;
  it->deadline_ns = PAW_TIME_NEVER;
  it->poll_fd = (GPollFD){.fd = fd, .events = G_IO_IN};
  g_main_context_add_poll(context, &it->poll_fd, G_PRIORITY_DEFAULT);
}

void ice_socket_close(struct ice_socket *it) {
  g_main_context_remove_poll(it->context, &it->poll_fd);
  (void)close(it->poll_fd.fd);
  paw_ice_free(it->ice);
}

static void send_datagram(const struct ice_socket *it, const struct paw_address *remote,
                          const void *data, size_t len) {
  struct sockaddr_storage to;
  socklen_t to_len = to_socket(remote, &to);
  /* A datagram that cannot be sent is a lost one. */
  (void)sendto(it->poll_fd.fd, data, len, 0, (struct sockaddr *)&to, to_len);
}

void ice_socket_drain(struct ice_socket *it) {
  for (;;) {
    struct paw_ice_output output;
    paw_ice_poll_output(it->ice, &output);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT:
      send_datagram(it, &output.transmit.remote, output.transmit.data, output.transmit.len);
      break;
    case PAW_OUTPUT_EVENT:
      it->selected_events += output.event.kind == PAW_ICE_EVENT_SELECTED_PAIR;
      break;
    case PAW_OUTPUT_TIMEOUT:
      it->deadline_ns = output.timeout.deadline_ns;
      return;
    }
  }
}

static void take_data(struct ice_socket *it, const struct paw_input *input) {
  if (!paw_ice_is_valid_pair(it->ice, &input->local, &input->remote)) {
    it->strays++;
    return;
  }
  it->received++;
  size_t kept = input->len < sizeof it->last - 1 ? input->len : sizeof it->last - 1;
  memcpy(it->last, input->data, kept);
  it->last[kept] = '\0';
}

static void note_request(struct ice_socket *it, const struct paw_input *input) {
  struct paw_stun_message message;
  if (paw_stun_read(input->data, input->len, &message) == PAW_STUN_FAULT_NONE &&
      message.class == PAW_STUN_REQUEST) {
    it->last_request_has = message.has;
  }
}

/* RFC 7983 section 7: a first byte of 0 to 3 is STUN. */
static void receive_all(struct ice_socket *it) {
  uint8_t data[1500];
  for (;;) {
    struct sockaddr_storage from;
    socklen_t from_len = sizeof from;
    ssize_t len =
        recvfrom(it->poll_fd.fd, data, sizeof data, 0, (struct sockaddr *)&from, &from_len);
    if (len <= 0) {
      return;
    }
    const struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                                    .now_ns = ice_socket_now_ns(),
                                    .local = it->local,
                                    .remote = from_socket(&from),
                                    .data = data,
                                    .len = (size_t)len};
    if (data[0] > 3) {
      take_data(it, &input);
    } else {
      note_request(it, &input);
      (void)paw_ice_handle_input(it->ice, &input);
    }
  }
}

static gboolean wake_up(gpointer user_data) {
  (void)user_data;
  return G_SOURCE_REMOVE;
}

static void iterate(struct ice_socket *it) {
  uint64_t now_ns = ice_socket_now_ns();
  uint64_t wait_ns = it->deadline_ns > now_ns ? it->deadline_ns - now_ns : 0;
  uint64_t wait_ms = (wait_ns + PAW_NS_PER_MS - 1) / PAW_NS_PER_MS;
  GSource *timer = g_timeout_source_new(wait_ms < STEP_MAX_MS ? (guint)wait_ms : STEP_MAX_MS);
  g_source_set_callback(timer, wake_up, NULL, NULL);
  (void)g_source_attach(timer, it->context);
  (void)g_main_context_iteration(it->context, TRUE);
  g_source_destroy(timer);
  g_source_unref(timer);
}

void ice_socket_step(struct ice_socket *it) {
  ice_socket_drain(it);
  iterate(it);
  receive_all(it);
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = ice_socket_now_ns()};
  (void)paw_ice_handle_input(it->ice, &time);
  ice_socket_drain(it);
}

void ice_socket_send(struct ice_socket *it, const char *data) {
  struct paw_address local;
  struct paw_address remote;
  if (paw_ice_get_selected_pair(it->ice, &local, &remote)) {
    send_datagram(it, &remote, data, strlen(data));
  }
}
