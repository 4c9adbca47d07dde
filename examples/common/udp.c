/* SPDX-License-Identifier: MIT */
#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "system.h"

/* Datagrams in one call to send. */
#define BATCH 32
/* No more in a call after so many, or so long. One at a time: a datagram of a DTLS handshake costs
 * some milliseconds, and the next audio frame must not wait for several of them, which recvmmsg
 * would have taken together. */
#define RECEIVE_MAX 256
#define RECEIVE_BUDGET_NS PAW_NS_PER_MS
/* One byte more than the library looks at would do. */
#define RECEIVE_BYTES 2048
#define DEFAULT_BUFFER_BYTES (1 << 20)
/* A port free for one family is nearly always free for the other. */
#define FREE_PORT_TRIES_MAX 16
/* An arrival time further back than this comes of a step of the wall clock, not of waiting. */
#define ARRIVAL_AGE_MAX_NS (2 * PAW_NS_PER_S)

#define CONTROL_BYTES 128

struct slot {
  struct sockaddr_storage peer;
  struct iovec io;
  _Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
};

struct udp {
  int fd4;
  int fd6;
  uint16_t port;
  struct udp_stats stats;
  struct slot slots[BATCH];
  struct mmsghdr messages[BATCH];
  uint8_t buffer[RECEIVE_BYTES];
};

/* ---- addresses ---- */

static socklen_t to_system(const struct paw_address *address, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  if (address->family == PAW_FAMILY_IPV4) {
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    memcpy(&in.sin_addr, address->ip, 4);
    memcpy(out, &in, sizeof in);
    return sizeof in;
  }
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                             .sin6_port = htons(address->port),
                             .sin6_scope_id = address->scope_id};
  memcpy(&in6.sin6_addr, address->ip, 16);
  memcpy(out, &in6, sizeof in6);
  return sizeof in6;
}

static bool is_link_local(const uint8_t *ip6) {
  return ip6[0] == 0xfe && (ip6[1] & 0xc0) == 0x80;
}

static struct paw_address from_system(const struct sockaddr_storage *system) {
  struct paw_address out = {0};
  if (system->ss_family == AF_INET) {
    struct sockaddr_in in;
    memcpy(&in, system, sizeof in);
    out.family = PAW_FAMILY_IPV4;
    out.port = ntohs(in.sin_port);
    memcpy(out.ip, &in.sin_addr, 4);
  } else {
    struct sockaddr_in6 in6;
    memcpy(&in6, system, sizeof in6);
    out.family = PAW_FAMILY_IPV6;
    out.port = ntohs(in6.sin6_port);
    memcpy(out.ip, &in6.sin6_addr, 16);
    out.scope_id = is_link_local(out.ip) ? in6.sin6_scope_id : 0;
  }
  return out;
}

/* ---- opening ---- */

static int set_int(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value);
}

static int set_options(int fd, int family, const struct udp_config *config) {
  int sndbuf = config->send_buffer_bytes;
  int rcvbuf = config->receive_buffer_bytes;
  int status = set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  if (family == AF_INET) {
    status |= set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
  } else {
    status |= set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    status |= set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }
  /* The kernel caps both at its own limit; less is not a failure. */
  (void)set_int(fd, SOL_SOCKET, SO_SNDBUF, sndbuf > 0 ? sndbuf : DEFAULT_BUFFER_BYTES);
  (void)set_int(fd, SOL_SOCKET, SO_RCVBUF, rcvbuf > 0 ? rcvbuf : DEFAULT_BUFFER_BYTES);
  return status;
}

static struct paw_address bind_address(int family, const struct udp_config *config, uint16_t port) {
  struct paw_address address = {.port = port};
  address.family = family == AF_INET ? PAW_FAMILY_IPV4 : PAW_FAMILY_IPV6;
  if (config->loopback_only && family == AF_INET) {
    address.ip[0] = 127;
    address.ip[3] = 1;
  } else if (config->loopback_only) {
    address.ip[15] = 1;
  }
  return address;
}

/* The descriptor, or -1 with errno. */
static int open_family(int family, const struct udp_config *config, uint16_t port) {
  struct paw_address address = bind_address(family, config, port);
  struct sockaddr_storage system;
  socklen_t len = to_system(&address, &system);
  int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
  if (fd < 0) {
    return -1;
  }
  if (set_options(fd, family, config) != 0 ||
      bind(fd, (const struct sockaddr *)&system, len) != 0) {
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
  }
  return fd;
}

static uint16_t bound_port(int fd) {
  struct sockaddr_storage system = {0};
  socklen_t len = sizeof system;
  (void)getsockname(fd, (struct sockaddr *)&system, &len);
  return from_system(&system).port;
}

/* No such family on this host, or no such loopback address. */
static bool family_is_missing(int reason) {
  return reason == EAFNOSUPPORT || reason == EADDRNOTAVAIL || reason == EPROTONOSUPPORT;
}

/* Both families on one port. 0, or the errno of the family that is there but will not bind. */
static int open_pair(struct udp *udp, const struct udp_config *config) {
  udp->fd4 = open_family(AF_INET, config, config->port);
  if (udp->fd4 < 0 && !family_is_missing(errno)) {
    return errno;
  }
  udp->port = udp->fd4 >= 0 ? bound_port(udp->fd4) : config->port;
  udp->fd6 = open_family(AF_INET6, config, udp->port);
  if (udp->fd6 >= 0) {
    udp->port = bound_port(udp->fd6);
    return 0;
  }
  int reason = errno;
  if (udp->fd4 >= 0 && family_is_missing(reason)) {
    return 0;
  }
  if (udp->fd4 >= 0) {
    close(udp->fd4);
    udp->fd4 = -1;
  }
  return reason;
}

int udp_open(const struct udp_config *config, struct udp **out, struct fault *fault) {
  struct udp *udp = calloc(1, sizeof *udp);
  if (udp == NULL) {
    return fault_set(fault, "UDP: out of memory");
  }
  int reason = open_pair(udp, config);
  for (int i = 1; i < FREE_PORT_TRIES_MAX && reason == EADDRINUSE && config->port == 0; i++) {
    reason = open_pair(udp, config);
  }
  if (reason != 0) {
    free(udp);
    return reason == EADDRINUSE
               ? fault_set(fault, "UDP port %u is in use: choose another with --udp-port",
                           config->port)
               : fault_set(fault, "cannot open UDP port %u: %s", config->port, strerror(reason));
  }
  *out = udp;
  return 0;
}

void udp_close(struct udp *udp) {
  if (udp == NULL) {
    return;
  }
  if (udp->fd4 >= 0) {
    close(udp->fd4);
  }
  if (udp->fd6 >= 0) {
    close(udp->fd6);
  }
  free(udp);
}

uint16_t udp_get_port(const struct udp *udp) {
  return udp->port;
}

int udp_get_fd(const struct udp *udp, enum paw_family family) {
  return family == PAW_FAMILY_IPV6 ? udp->fd6 : udp->fd4;
}

/* ---- receiving ---- */

static void read_local(const struct cmsghdr *item, struct paw_address *local) {
  if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
    struct in_pktinfo info;
    memcpy(&info, CMSG_DATA(item), sizeof info);
    local->family = PAW_FAMILY_IPV4;
    memcpy(local->ip, &info.ipi_addr, 4);
  } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
    struct in6_pktinfo info;
    memcpy(&info, CMSG_DATA(item), sizeof info);
    local->family = PAW_FAMILY_IPV6;
    memcpy(local->ip, &info.ipi6_addr, 16);
    local->scope_id = is_link_local(local->ip) ? (uint32_t)info.ipi6_ifindex : 0;
  }
}

/* The kernel stamps with the wall clock; `anchor` is one moment on both. */
static uint64_t map_arrival(const struct cmsghdr *item, const struct paw_wall_anchor *anchor,
                            uint64_t now_ns) {
  struct timespec stamp;
  memcpy(&stamp, CMSG_DATA(item), sizeof stamp);
  uint64_t unix_ns = (uint64_t)stamp.tv_sec * PAW_NS_PER_S + (uint64_t)stamp.tv_nsec;
  if (unix_ns > anchor->unix_ns || anchor->unix_ns - unix_ns > ARRIVAL_AGE_MAX_NS ||
      anchor->unix_ns - unix_ns > anchor->now_ns) {
    return now_ns;
  }
  uint64_t arrival_ns = anchor->now_ns - (anchor->unix_ns - unix_ns);
  return arrival_ns < now_ns ? arrival_ns : now_ns;
}

static void read_message(const struct udp *udp, struct msghdr *header, uint64_t now_ns,
                         const struct paw_wall_anchor *anchor, struct paw_input *input) {
  input->kind = PAW_INPUT_RECEIVE;
  input->now_ns = now_ns;
  input->arrival_ns = now_ns;
  for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item != NULL;
       item = CMSG_NXTHDR(header, item)) {
    if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_TIMESTAMPNS) {
      input->arrival_ns = map_arrival(item, anchor, now_ns);
    } else {
      read_local(item, &input->local);
    }
  }
  input->local.port = udp->port;
}

void udp_receive(struct udp *udp, int fd, uint64_t now_ns,
                 void (*handle)(void *user_data, const struct paw_input *input), void *user_data) {
  uint64_t begin_ns = system_now_ns();
  for (int i = 0; i < RECEIVE_MAX; i++) {
    struct sockaddr_storage peer;
    _Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
    struct iovec io = {.iov_base = udp->buffer, .iov_len = RECEIVE_BYTES};
    struct msghdr header = {.msg_name = &peer,
                            .msg_namelen = sizeof peer,
                            .msg_iov = &io,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof control};
    ssize_t len = recvmsg(fd, &header, MSG_DONTWAIT);
    if (len < 0) {
      return;
    }
    /* The clocks are read after what has come, which may be newer than `now_ns` is. */
    struct paw_wall_anchor anchor = system_wall_anchor();
    now_ns = anchor.now_ns > now_ns ? anchor.now_ns : now_ns;
    if ((header.msg_flags & MSG_TRUNC) != 0) {
      udp->stats.received_truncated++;
    } else {
      struct paw_input input = {
          .remote = from_system(&peer), .data = udp->buffer, .len = (size_t)len};
      udp->stats.received++;
      read_message(udp, &header, now_ns, &anchor, &input);
      handle(user_data, &input);
    }
    if (system_now_ns() - begin_ns > RECEIVE_BUDGET_NS) {
      return;
    }
  }
}

/* ---- sending ---- */

static void *add_control(struct msghdr *header, int level, int type, size_t len) {
  size_t at = header->msg_controllen;
  struct cmsghdr *item = (struct cmsghdr *)(void *)((uint8_t *)header->msg_control + at);
  item->cmsg_level = level;
  item->cmsg_type = type;
  item->cmsg_len = CMSG_LEN(len);
  header->msg_controllen = at + CMSG_SPACE(len);
  return CMSG_DATA(item);
}

/* RFC 3542 section 6.1 and ip(7): the source address is asked for by packet info. */
static void add_source(struct msghdr *header, const struct paw_address *local) {
  if (local->family == PAW_FAMILY_IPV4) {
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, local->ip, 4);
    memcpy(add_control(header, IPPROTO_IP, IP_PKTINFO, sizeof info), &info, sizeof info);
  } else if (local->family == PAW_FAMILY_IPV6) {
    struct in6_pktinfo info = {.ipi6_ifindex = local->scope_id};
    memcpy(&info.ipi6_addr, local->ip, 16);
    memcpy(add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, sizeof info), &info, sizeof info);
  }
}

static void add_dscp(struct msghdr *header, bool ipv6, uint8_t dscp) {
  int traffic_class = dscp << 2;
  void *place = ipv6 ? add_control(header, IPPROTO_IPV6, IPV6_TCLASS, sizeof traffic_class)
                     : add_control(header, IPPROTO_IP, IP_TOS, sizeof traffic_class);
  memcpy(place, &traffic_class, sizeof traffic_class);
}

static void prepare_send(struct udp *udp, size_t i, const struct paw_transmit *transmit) {
  struct slot *slot = &udp->slots[i];
  union {
    const void *in;
    void *out;
  } data = {.in = transmit->data}; /* struct iovec has no const; sendmmsg does not write */
  slot->io = (struct iovec){.iov_base = data.out, .iov_len = transmit->len};
  struct msghdr *header = &udp->messages[i].msg_hdr;
  *header = (struct msghdr){.msg_name = &slot->peer,
                            .msg_namelen = to_system(&transmit->remote, &slot->peer),
                            .msg_iov = &slot->io,
                            .msg_iovlen = 1,
                            .msg_control = slot->control};
  memset(slot->control, 0, CONTROL_BYTES);
  add_source(header, &transmit->local);
  if (transmit->dscp != 0) {
    add_dscp(header, transmit->remote.family == PAW_FAMILY_IPV6, transmit->dscp);
  }
}

/* sendmmsg stops at the first message that fails: that one is a loss, the rest go on. Unless the
 * buffer is full: returns how many are dealt with. */
static size_t flush(struct udp *udp, int fd, size_t count) {
  size_t done = 0;
  while (done < count) {
    int sent = sendmmsg(fd, udp->messages + done, (unsigned)(count - done), MSG_DONTWAIT);
    if (sent > 0) {
      udp->stats.sent += (uint64_t)sent;
      done += (size_t)sent;
    } else if (sent < 0 && errno == EINTR) {
      continue;
    } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return done;
    } else {
      udp->stats.dropped_full += sent < 0 && errno == ENOBUFS;
      udp->stats.dropped_error += sent == 0 || errno != ENOBUFS;
      done++;
    }
  }
  return done;
}

size_t udp_offer(struct udp *udp, const struct paw_transmit *batch, size_t count) {
  size_t at = 0;
  while (at < count) {
    uint8_t family = batch[at].remote.family;
    int fd = udp_get_fd(udp, (enum paw_family)family);
    size_t ready = 0;
    if (fd < 0) {
      udp->stats.dropped_error++;
      at++;
      continue;
    }
    while (at + ready < count && ready < BATCH && batch[at + ready].remote.family == family) {
      prepare_send(udp, ready, &batch[at + ready]);
      ready++;
    }
    size_t done = flush(udp, fd, ready);
    at += done;
    if (done < ready) {
      return at;
    }
  }
  return at;
}

void udp_send(struct udp *udp, const struct paw_transmit *batch, size_t count) {
  udp->stats.dropped_full += count - udp_offer(udp, batch, count);
}

void udp_get_stats(const struct udp *udp, struct udp_stats *out) {
  *out = udp->stats;
}
