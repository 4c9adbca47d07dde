/* SPDX-License-Identifier: MIT */
#include "bench/peers/far.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pawebrtc/rtc.h>

#include "base/time.h"
#include "bench/peers/wire.h"
#include "kit/alloc.h"
#include "system.h"

#define READY_MAX 64
#define OFFER_MAX 8192
/* A full socket is not emptied in one go, or others would wait. */
#define READS_MAX 16
#define CLOCK_STEP_NS (UINT64_C(61803399)) /* meets no other period */

struct receiver {
  struct paw_rtc *rtc; /* NULL: not there yet */
  uint64_t deadline_ns;
  uint64_t ahead_ns; /* of its own clock: machines do not beat as one */
  int fd;
  struct paw_address address;
  bool is_touched; /* to be polled at the next turn */
};

struct far {
  struct receiver *receivers;
  size_t count;
  bool sockets;
  int wire;
  int epoll;
  struct paw_certificate *certificate;
  struct paw_address hub; /* the only one there is to hear from */
  uint64_t now_ns;
  struct wire_figures seen; /* connected, packets, wake_ups */
};

struct paw_address far_address(size_t index) {
  return (struct paw_address){.family = PAW_FAMILY_IPV4,
                              .port = 5000,
                              .ip = {10, 0, (uint8_t)(index >> 8), (uint8_t)index}};
}

size_t far_index(const struct paw_address *address) {
  return (size_t)address->ip[2] << 8 | address->ip[3];
}

/* ---- sockets ---- */

static struct sockaddr_in to_system(const struct paw_address *address) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
  memcpy(&in.sin_addr, address->ip, 4);
  return in;
}

static void open_socket(struct far *far, size_t index) {
  struct receiver *receiver = &far->receivers[index];
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof in;
  receiver->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (receiver->fd < 0 || bind(receiver->fd, (const struct sockaddr *)&in, sizeof in) != 0 ||
      getsockname(receiver->fd, (struct sockaddr *)&in, &len) != 0) {
    wire_die("socket %zu: %s", index, strerror(errno));
  }
  receiver->address = (struct paw_address){
      .family = PAW_FAMILY_IPV4, .port = ntohs(in.sin_port), .ip = {127, 0, 0, 1}};
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = index};
  if (epoll_ctl(far->epoll, EPOLL_CTL_ADD, receiver->fd, &event) != 0) {
    wire_die("epoll: %s", strerror(errno));
  }
}

static uint64_t own_ns(const struct far *far, size_t index) {
  return far->now_ns + far->receivers[index].ahead_ns;
}

/* ---- output ---- */

static void transmit(struct far *far, size_t index, const struct paw_transmit *out) {
  if (!far->sockets) {
    wire_send(far->wire, WIRE_DATAGRAM, (uint32_t)index, far->now_ns, out->data, out->len);
    return;
  }
  struct sockaddr_in in = to_system(&out->remote);
  /* What the kernel does not take is lost, as on any network. */
  (void)sendto(far->receivers[index].fd, out->data, out->len, 0, (const struct sockaddr *)&in,
               sizeof in);
}

static void note_event(struct far *far, size_t index, const struct paw_rtc_event *event) {
  if (event->kind == PAW_RTC_EVENT_CONNECTED) {
    far->seen.connected++;
  } else if (event->kind == PAW_RTC_EVENT_AUDIO) {
    far->seen.packets++;
  } else if (event->kind == PAW_RTC_EVENT_CLOSED) {
    wire_die("receiver %zu: %s", index, paw_close_reason_text(event->reason));
  }
}

static void drain(struct far *far, size_t index) {
  struct receiver *receiver = &far->receivers[index];
  struct paw_rtc_output out;
  do {
    paw_rtc_poll_output(receiver->rtc, &out);
    if (out.kind == PAW_OUTPUT_TRANSMIT) {
      transmit(far, index, &out.transmit);
    } else if (out.kind == PAW_OUTPUT_EVENT) {
      note_event(far, index, &out.event);
    }
  } while (out.kind != PAW_OUTPUT_TIMEOUT);
  receiver->deadline_ns = out.timeout.deadline_ns == PAW_TIME_NEVER
                              ? PAW_TIME_NEVER
                              : out.timeout.deadline_ns - receiver->ahead_ns;
  receiver->is_touched = false;
}

/* Poll those that something came for or whose time it is; when is the next one's? */
static uint64_t turn(struct far *far) {
  uint64_t next_ns = PAW_TIME_NEVER;
  for (size_t i = 0; i < far->count; i++) {
    struct receiver *receiver = &far->receivers[i];
    if (receiver->rtc == NULL) {
      continue;
    }
    if (receiver->deadline_ns <= far->now_ns) {
      far->seen.wake_ups++;
      const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = own_ns(far, i)};
      (void)paw_rtc_handle_input(receiver->rtc, &time);
      receiver->is_touched = true;
    }
    if (receiver->is_touched) {
      drain(far, i);
    }
    next_ns = receiver->deadline_ns < next_ns ? receiver->deadline_ns : next_ns;
  }
  return next_ns;
}

/* ---- input ---- */

/* As pa-recv does it. */
static void join(struct far *far, size_t index) {
  struct receiver *receiver = &far->receivers[index];
  if (far->sockets) {
    open_socket(far, index);
  } else {
    receiver->address = far_address(index);
  }
  receiver->ahead_ns = index * CLOCK_STEP_NS;
  struct paw_rtc_config config;
  paw_rtc_config_init(&config);
  config.certificate = far->certificate;
  config.rng = system_rng();
  config.wall = system_wall_anchor();
  config.ice_mode = PAW_ICE_LITE;
  config.audio.direction = PAW_DIRECTION_RECVONLY;
  const struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = receiver->address};
  char offer[OFFER_MAX];
  size_t len = sizeof offer;
  if (paw_rtc_new(&config, own_ns(far, index), &receiver->rtc) != PAW_OK ||
      paw_rtc_add_local_candidate(receiver->rtc, &candidate) != PAW_OK ||
      paw_rtc_create_offer(receiver->rtc, offer, &len) != PAW_OK) {
    wire_die("receiver %zu cannot be made", index);
  }
  receiver->deadline_ns = PAW_TIME_NEVER;
  wire_send(far->wire, WIRE_JOIN, (uint32_t)index, far->now_ns, offer, len);
}

static void feed(struct far *far, size_t index, const uint8_t *data, size_t len) {
  struct receiver *receiver = &far->receivers[index];
  const struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                                  .now_ns = own_ns(far, index),
                                  .arrival_ns = own_ns(far, index),
                                  .local = receiver->address,
                                  .remote = far->hub,
                                  .data = data,
                                  .len = len};
  (void)paw_rtc_handle_input(receiver->rtc, &input);
  receiver->is_touched = true;
}

static void take_answer(struct far *far, const struct wire_message *message) {
  struct receiver *receiver = &far->receivers[message->peer];
  if (paw_rtc_accept_answer(receiver->rtc, own_ns(far, message->peer), (const char *)message->data,
                            message->len) != PAW_OK) {
    wire_die("the answer to receiver %u is not taken", message->peer);
  }
  receiver->is_touched = true;
}

static void report(struct far *far) {
  struct wire_figures figures = wire_own_figures();
  figures.connected = far->seen.connected;
  figures.packets = far->seen.packets;
  figures.wake_ups = far->seen.wake_ups;
  wire_send(far->wire, WIRE_ASK, 0, far->now_ns, &figures, sizeof figures);
}

static void obey(struct far *far, const struct wire_message *message) {
  far->now_ns = far->sockets ? system_now_ns() : message->time_ns;
  switch ((enum wire_kind)message->kind) {
  case WIRE_JOIN:
    memcpy(&far->hub, message->data, sizeof far->hub);
    join(far, message->peer);
    break;
  case WIRE_ANSWER:
    take_answer(far, message);
    break;
  case WIRE_DATAGRAM:
    feed(far, message->peer, message->data, message->len);
    break;
  case WIRE_TURN: {
    uint64_t next_ns = turn(far);
    wire_send(far->wire, WIRE_TURN, (uint32_t)far->seen.connected, next_ns, NULL, 0);
    break;
  }
  case WIRE_ASK:
    report(far);
    break;
  }
}

static void hear(struct far *far) {
  const struct wire_message *message = wire_receive(far->wire);
  if (message == NULL) {
    exit(0);
  }
  obey(far, message);
}

static void read_socket(struct far *far, size_t index) {
  uint8_t data[2048];
  for (int i = 0; i < READS_MAX; i++) {
    ssize_t len = recv(far->receivers[index].fd, data, sizeof data, 0);
    if (len < 0) {
      return;
    }
    feed(far, index, data, (size_t)len);
  }
}

_Noreturn static void run_in_real_time(struct far *far) {
  struct epoll_event ready[READY_MAX];
  struct epoll_event wire = {.events = EPOLLIN, .data.u64 = far->count};
  (void)epoll_ctl(far->epoll, EPOLL_CTL_ADD, far->wire, &wire);
  for (;;) {
    far->now_ns = system_now_ns();
    uint64_t next_ns = turn(far);
    uint64_t now_ns = system_now_ns();
    uint64_t wait_ms = next_ns <= now_ns ? 0 : (next_ns - now_ns) / PAW_NS_PER_MS + 1;
    int count = epoll_wait(far->epoll, ready, READY_MAX, wait_ms < 1000 ? (int)wait_ms : 1000);
    far->now_ns = system_now_ns();
    for (int i = 0; i < count; i++) {
      if (ready[i].data.u64 == far->count) {
        hear(far);
      } else {
        read_socket(far, (size_t)ready[i].data.u64);
      }
    }
  }
}

_Noreturn static void run_by_the_wire(struct far *far) {
  for (;;) {
    hear(far);
  }
}

/* ---- the process ---- */

static void prepare(struct far *far) {
  struct paw_rng rng = system_rng();
  struct paw_allocator plain = {0};
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
  }
  far->epoll = epoll_create1(EPOLL_CLOEXEC);
  far->receivers = calloc(far->count, sizeof *far->receivers);
  if (far->epoll < 0 || far->receivers == NULL ||
      paw_certificate_generate(&rng, &plain, &far->certificate) != PAW_OK) {
    wire_die("the receivers cannot begin");
  }
}

pid_t far_start(size_t count, bool sockets, int *wire) {
  int fds[2];
  wire_pair(fds);
  pid_t pid = fork();
  if (pid < 0) {
    wire_die("fork: %s", strerror(errno));
  }
  if (pid > 0) {
    close(fds[1]);
    *wire = fds[0];
    return pid;
  }
  close(fds[0]);
  struct far far = {.count = count, .sockets = sockets, .wire = fds[1]};
  prepare(&far);
  kit_malloc_start();
  if (sockets) {
    run_in_real_time(&far);
  } else {
    run_by_the_wire(&far);
  }
}
