/* SPDX-License-Identifier: MIT */
#include "still_world.h"

#include <string.h>

#include "fuzz.h"
#include "system.h"
#include "udp.h"

#define PORT 8443
#define DESCRIPTOR 1000 /* never polled */

struct still_world still_world;

void still_world_reset(uint64_t now_ns) {
  still_world = (struct still_world){.now_ns = now_ns};
  kit_rng_init(&still_world.rng, 1);
}

struct paw_address still_world_address(void) {
  return (struct paw_address){.ip = {192, 0, 2, 9}, .port = PORT, .family = PAW_FAMILY_IPV4};
}

/* ---- system.h ---- */

uint64_t system_now_ns(void) {
  return still_world.now_ns;
}

struct paw_wall_anchor system_wall_anchor(void) {
  return (struct paw_wall_anchor){.now_ns = 1, .unix_ns = UINT64_C(1700000000) * PAW_NS_PER_S};
}

struct paw_rng system_rng(void) {
  return kit_rng_hook(&still_world.rng);
}

int system_random(uint8_t *out, size_t len) {
  struct paw_rng rng = system_rng();
  return rng.fill(rng.user_data, out, len);
}

void system_tell(const struct paw_log *log, enum paw_log_level level, const char *room,
                 const char *format, ...) {
  (void)log;
  (void)level;
  (void)room;
  (void)format;
}

/* ---- udp.h ---- */

struct udp {
  uint64_t sent;
};

int udp_open(const struct udp_config *config, struct udp **out, struct fault *fault) {
  (void)config;
  (void)fault;
  *out = calloc(1, sizeof **out);
  FUZZ_CHECK(*out != NULL);
  return 0;
}

void udp_close(struct udp *udp) {
  free(udp);
}

uint16_t udp_get_port(const struct udp *udp) {
  (void)udp;
  return PORT;
}

int udp_get_fd(const struct udp *udp, enum paw_family family) {
  (void)udp;
  return family == PAW_FAMILY_IPV4 ? DESCRIPTOR : -1;
}

void udp_receive(struct udp *udp, int fd, uint64_t now_ns,
                 void (*handle)(void *user_data, const struct paw_input *input), void *user_data) {
  struct paw_input timeout = {.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns};
  (void)udp;
  FUZZ_CHECK(fd == DESCRIPTOR);
  handle(user_data, &timeout);
  if (still_world.datagram.data != NULL) {
    still_world.datagram.now_ns = now_ns;
    handle(user_data, &still_world.datagram);
    still_world.datagram.data = NULL;
  }
}

size_t udp_offer(struct udp *udp, const struct paw_transmit *batch, size_t count) {
  for (size_t i = 0; i < count; i++) {
    FUZZ_CHECK(batch[i].len > 0);
  }
  udp->sent += count;
  return count;
}

void udp_get_stats(const struct udp *udp, struct udp_stats *out) {
  *out = (struct udp_stats){.sent = udp->sent};
}
