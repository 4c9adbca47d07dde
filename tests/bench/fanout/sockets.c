/* SPDX-License-Identifier: MIT */
#include "bench/fanout/sockets.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "system.h"

#define READY_MAX 256
#define DATAGRAM_BYTES 2048
#define CONTROL_BYTES 128
/* An arrival further back than this comes of a step of the wall clock. */
#define AGE_MAX_NS (2 * PAW_NS_PER_S)

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void allow_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/* 250 to a network, none ending in 0 or 255. */
static uint32_t address_of(size_t index, bool apart) {
  return apart ? 0x7f010000u + (uint32_t)(index / 250 * 256 + index % 250 + 1) : INADDR_LOOPBACK;
}

static void open_one(struct sockets *sockets, size_t index, bool apart) {
  struct sockaddr_in in = {.sin_family = AF_INET,
                           .sin_addr.s_addr = htonl(address_of(index, apart))};
  socklen_t len = sizeof in;
  int on = 1;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct epoll_event wanted = {.events = EPOLLIN, .data.u64 = index};
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0 ||
      bind(fd, (struct sockaddr *)&in, len) != 0 ||
      getsockname(fd, (struct sockaddr *)&in, &len) != 0 ||
      epoll_ctl(sockets->epoll_fd, EPOLL_CTL_ADD, fd, &wanted) != 0) {
    die("socket");
  }
  sockets->fds[index] = fd;
  struct paw_address *local = &sockets->locals[index];
  *local = (struct paw_address){.family = PAW_FAMILY_IPV4, .port = ntohs(in.sin_port)};
  memcpy(local->ip, &in.sin_addr, 4);
}

void sockets_open(struct sockets *sockets, size_t count, bool apart) {
  allow_descriptors();
  *sockets = (struct sockets){.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                              .count = count,
                              .fds = calloc(count, sizeof sockets->fds[0]),
                              .locals = calloc(count, sizeof sockets->locals[0]),
                              .overflows = calloc(count, sizeof sockets->overflows[0])};
  if (sockets->epoll_fd < 0 || sockets->fds == NULL || sockets->locals == NULL ||
      sockets->overflows == NULL) {
    die("sockets");
  }
  for (size_t i = 0; i < count; i++) {
    open_one(sockets, i, apart);
  }
}

void sockets_close(struct sockets *sockets) {
  for (size_t i = 0; i < sockets->count; i++) {
    close(sockets->fds[i]);
  }
  close(sockets->epoll_fd);
  free(sockets->fds);
  free(sockets->locals);
  free(sockets->overflows);
}

/* The kernel stamps with the wall clock. */
static uint64_t map_arrival(const struct timespec *stamp, const struct paw_wall_anchor *anchor) {
  uint64_t unix_ns = (uint64_t)stamp->tv_sec * PAW_NS_PER_S + (uint64_t)stamp->tv_nsec;
  uint64_t age_ns = anchor->unix_ns > unix_ns ? anchor->unix_ns - unix_ns : 0;
  return age_ns < AGE_MAX_NS ? anchor->now_ns - age_ns : anchor->now_ns;
}

static void read_control(struct sockets *sockets, size_t index, struct msghdr *message,
                         struct paw_input *input) {
  const struct paw_wall_anchor anchor = system_wall_anchor();
  struct timespec stamp;
  input->now_ns = anchor.now_ns;
  input->arrival_ns = anchor.now_ns;
  for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item != NULL;
       item = CMSG_NXTHDR(message, item)) {
    if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_TIMESTAMPNS) {
      memcpy(&stamp, CMSG_DATA(item), sizeof stamp);
      input->arrival_ns = map_arrival(&stamp, &anchor);
    } else if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SO_RXQ_OVFL) {
      memcpy(&sockets->overflows[index], CMSG_DATA(item), sizeof sockets->overflows[0]);
    }
  }
}

static void receive_one(struct sockets *sockets, size_t index, sockets_handle_fn *handle,
                        void *user_data) {
  uint8_t data[DATAGRAM_BYTES];
  _Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
  struct sockaddr_in from;
  struct iovec io = {.iov_base = data, .iov_len = sizeof data};
  struct msghdr message = {.msg_name = &from,
                           .msg_namelen = sizeof from,
                           .msg_iov = &io,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
  ssize_t len = recvmsg(sockets->fds[index], &message, MSG_DONTWAIT);
  if (len < 0) {
    return;
  }
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .local = sockets->locals[index],
                            .remote = {.family = PAW_FAMILY_IPV4, .port = ntohs(from.sin_port)},
                            .data = data,
                            .len = (size_t)len};
  memcpy(input.remote.ip, &from.sin_addr, 4);
  read_control(sockets, index, &message, &input);
  handle(user_data, index, &input);
}

bool sockets_receive(struct sockets *sockets, int timeout_ms, sockets_handle_fn *handle,
                     void *user_data) {
  struct epoll_event ready[READY_MAX];
  int count = epoll_wait(sockets->epoll_fd, ready, READY_MAX, timeout_ms);
  for (int i = 0; i < count; i++) {
    receive_one(sockets, (size_t)ready[i].data.u64, handle, user_data);
  }
  return count > 0;
}

void sockets_send(const struct sockets *sockets, size_t index,
                  const struct paw_transmit *transmit) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(transmit->remote.port)};
  memcpy(&to.sin_addr, transmit->remote.ip, 4);
  (void)sendto(sockets->fds[index], transmit->data, transmit->len, MSG_DONTWAIT,
               (const struct sockaddr *)&to, sizeof to);
}

uint64_t sockets_get_overflows(const struct sockets *sockets) {
  uint64_t sum = 0;
  for (size_t i = 0; i < sockets->count; i++) {
    sum += sockets->overflows[i];
  }
  return sum;
}
