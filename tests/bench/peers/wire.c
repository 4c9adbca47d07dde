/* SPDX-License-Identifier: MIT */
#include "bench/peers/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/measure.h"
#include "kit/alloc.h"

#define HEADER_BYTES offsetof(struct wire_message, len)
#define BUFFER_BYTES (1 << 20)

void wire_die(const char *format, ...) {
  va_list values;
  va_start(values, format);
  fputs("bench: ", stderr);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  exit(2);
}

struct wire_figures wire_own_figures(void) {
  struct kit_malloc_counts counts = kit_malloc_get_counts();
  kit_malloc_forget_peak();
  return (struct wire_figures){
      .heap_bytes = counts.outstanding_bytes,
      .peak_bytes = counts.peak_bytes,
      .allocations = counts.allocations,
      .rss_bytes = bench_rss_bytes(),
  };
}

void wire_pair(int fds[2]) {
  const int room = BUFFER_BYTES;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    wire_die("no pair of sockets");
  }
  for (int i = 0; i < 2; i++) {
    (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  }
}

void wire_send(int fd, enum wire_kind kind, uint32_t peer, uint64_t time_ns, const void *data,
               size_t len) {
  static struct wire_message message;
  if (len > sizeof message.data) {
    wire_die("a message of %zu bytes", len);
  }
  message.kind = (uint32_t)kind;
  message.peer = peer;
  message.time_ns = time_ns;
  struct iovec parts[] = {{&message, HEADER_BYTES}, {message.data, len}};
  if (len > 0) {
    memcpy(message.data, data, len);
  }
  const struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};
  if (sendmsg(fd, &header, MSG_NOSIGNAL) != (ssize_t)(HEADER_BYTES + len)) {
    wire_die("the other process is gone");
  }
}

const struct wire_message *wire_receive(int fd) {
  static struct wire_message message;
  struct iovec parts[] = {{&message, HEADER_BYTES}, {message.data, sizeof message.data}};
  struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};
  ssize_t got = recvmsg(fd, &header, 0);
  if (got == 0) {
    return NULL;
  }
  if (got < (ssize_t)HEADER_BYTES || (header.msg_flags & MSG_TRUNC) != 0) {
    wire_die("the wire is broken");
  }
  message.len = (size_t)got - HEADER_BYTES;
  return &message;
}

const struct wire_message *wire_expect(int fd) {
  const struct wire_message *message = wire_receive(fd);
  if (message == NULL) {
    wire_die("the other process is gone");
  }
  return message;
}
