/* SPDX-License-Identifier: MIT */
#include "knock.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system.h"

static void end_try(struct knock *knock) {
  if (knock->fd >= 0) {
    loop_unwatch(knock->loop, knock->fd);
    close(knock->fd);
    knock->fd = -1;
  }
}

static void note_failed(struct knock *knock) {
  end_try(knock);
  knock->state = KNOCK_LOST;
}

static void note_connected(struct knock *knock) {
  bool was_lost = knock->state == KNOCK_LOST;
  end_try(knock);
  knock->state = KNOCK_UNSURE;
  if (was_lost) {
    knock->back(knock->user_data, system_now_ns());
  }
}

static void on_ready(void *user_data, int fd, short ready) {
  struct knock *knock = user_data;
  int reason = 0;
  socklen_t len = sizeof reason;
  (void)ready;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &len) == 0 && reason == 0) {
    note_connected(knock);
  } else {
    note_failed(knock);
  }
}

static int begin_connect(const struct paw_address *address) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                             .sin6_port = htons(address->port),
                             .sin6_scope_id = address->scope_id};
  bool ipv6 = address->family == PAW_FAMILY_IPV6;
  memcpy(&in.sin_addr, address->ip, 4);
  memcpy(&in6.sin6_addr, address->ip, 16);
  int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  int status = ipv6 ? connect(fd, (const struct sockaddr *)&in6, sizeof in6)
                    : connect(fd, (const struct sockaddr *)&in, sizeof in);
  if (status != 0 && errno != EINPROGRESS) {
    close(fd);
    return -1;
  }
  return fd;
}

static void set_timer(struct knock *knock) {
  uint32_t random = 0;
  (void)system_random((uint8_t *)&random, sizeof random);
  uint64_t less_ns = KNOCK_EVERY_NS / 5 * random / UINT32_MAX;
  loop_timer_set(&knock->timer, system_now_ns() + KNOCK_EVERY_NS - less_ns);
}

/* A try that has connected at once is ready in the next turn of the loop. */
static void begin_try(struct knock *knock) {
  set_timer(knock);
  knock->fd = begin_connect(&knock->address);
  if (knock->fd < 0 || loop_watch(knock->loop, knock->fd, POLLOUT, on_ready, knock) != 0) {
    note_failed(knock);
  }
}

static void on_timer(void *user_data, uint64_t now_ns) {
  struct knock *knock = user_data;
  (void)now_ns;
  if (knock->fd >= 0) {
    note_failed(knock);
  }
  begin_try(knock);
}

void knock_init(struct knock *knock, struct loop *loop,
                void (*back)(void *user_data, uint64_t now_ns), void *user_data) {
  *knock = (struct knock){
      .state = KNOCK_OFF, .loop = loop, .fd = -1, .back = back, .user_data = user_data};
  loop_timer_init(loop, &knock->timer, on_timer, knock);
}

void knock_wipe(struct knock *knock) {
  knock_stop(knock);
  loop_timer_wipe(knock->loop, &knock->timer);
}

void knock_start(struct knock *knock, const struct paw_address *address) {
  if (address->family == PAW_FAMILY_NONE ||
      (knock->state != KNOCK_OFF && paw_address_equal(&knock->address, address))) {
    return;
  }
  knock_stop(knock);
  knock->address = *address;
  knock->state = KNOCK_UNSURE;
  begin_try(knock);
}

void knock_stop(struct knock *knock) {
  end_try(knock);
  knock->state = KNOCK_OFF;
  loop_timer_set(&knock->timer, PAW_TIME_NEVER);
}
