/* SPDX-License-Identifier: MIT */
#include "interfaces_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <pawebrtc/base.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system.h"

#define QUIET_NS (100 * PAW_NS_PER_MS)
#define LATEST_NS PAW_NS_PER_S
/* netlink(7) asks for 8 kB at least; more of a message than its kind is not looked at. */
#define DATAGRAM_SIZE 8192
/* A container host changes by the dozen; the rest is read in the next turn. */
#define DATAGRAMS_MAX 32

struct interfaces_watch {
  struct loop *loop;
  struct loop_timer timer;
  uint64_t since_ns; /* the first change that is not told yet; PAW_TIME_NEVER: none */
  int fd;
  void (*changed)(void *user_data, uint64_t now_ns);
  void *user_data;
};

bool interfaces_watch_is_change(const void *datagram, size_t len) {
  const unsigned char *at = datagram;
  struct nlmsghdr header;
  while (len >= sizeof header) {
    memcpy(&header, at, sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > len) {
      return false;
    }
    if (header.nlmsg_type == RTM_NEWADDR || header.nlmsg_type == RTM_DELADDR ||
        header.nlmsg_type == RTM_NEWLINK || header.nlmsg_type == RTM_DELLINK) {
      return true;
    }
    size_t step = NLMSG_ALIGN(header.nlmsg_len);
    if (step >= len) {
      return false;
    }
    at += step;
    len -= step;
  }
  return false;
}

static void note_change(struct interfaces_watch *watch) {
  uint64_t now_ns = system_now_ns();
  if (watch->since_ns == PAW_TIME_NEVER) {
    watch->since_ns = now_ns;
  }
  uint64_t latest_ns = watch->since_ns + LATEST_NS;
  loop_timer_set(&watch->timer, now_ns + QUIET_NS < latest_ns ? now_ns + QUIET_NS : latest_ns);
}

/* ENOBUFS: some were lost, so anything may have changed. */
static void on_ready(void *user_data, int fd, short ready) {
  struct interfaces_watch *watch = user_data;
  unsigned char datagram[DATAGRAM_SIZE];
  (void)ready;
  for (int i = 0; i < DATAGRAMS_MAX; i++) {
    ssize_t got = recv(fd, datagram, sizeof datagram, MSG_DONTWAIT);
    bool lost = got < 0 && errno == ENOBUFS;
    if (got < 0 && !lost && errno != EINTR) {
      return;
    }
    if (lost || (got > 0 && interfaces_watch_is_change(datagram, (size_t)got))) {
      note_change(watch);
    }
  }
}

static void on_timer(void *user_data, uint64_t now_ns) {
  struct interfaces_watch *watch = user_data;
  watch->since_ns = PAW_TIME_NEVER;
  watch->changed(watch->user_data, now_ns);
}

static int open_socket(void) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
  }
  return fd;
}

int interfaces_watch_open(struct loop *loop, void (*changed)(void *user_data, uint64_t now_ns),
                          void *user_data, struct interfaces_watch **out, struct fault *fault) {
  struct interfaces_watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL) {
    return fault_set(fault, "network interfaces: out of memory");
  }
  *watch = (struct interfaces_watch){.loop = loop,
                                     .since_ns = PAW_TIME_NEVER,
                                     .fd = open_socket(),
                                     .changed = changed,
                                     .user_data = user_data};
  if (watch->fd < 0) {
    (void)fault_set(fault, "cannot watch the network interfaces: %s", strerror(errno));
    free(watch);
    return -1;
  }
  if (loop_watch(loop, watch->fd, POLLIN, on_ready, watch) != 0) {
    close(watch->fd);
    free(watch);
    return fault_set(fault, "network interfaces: too many descriptors are watched");
  }
  loop_timer_init(loop, &watch->timer, on_timer, watch);
  *out = watch;
  return 0;
}

void interfaces_watch_close(struct interfaces_watch *watch) {
  if (watch == NULL) {
    return;
  }
  loop_unwatch(watch->loop, watch->fd);
  close(watch->fd);
  loop_timer_wipe(watch->loop, &watch->timer);
  free(watch);
}
