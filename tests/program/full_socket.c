/* SPDX-License-Identifier: MIT */
/* To be loaded before a program (LD_PRELOAD): the first times that it sends a DTLS alert, with
 * which connections end, the socket's send buffer is full. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* More than pa-send tries within one turn of its loop. */
#define TIMES 16
/* RFC 6347 section 4.1: the first byte of a record. */
#define ALERT 21

static bool is_alert(const struct mmsghdr *message) {
  const struct iovec *io = message->msg_hdr.msg_iov;
  return io->iov_len > 0 && *(const unsigned char *)io->iov_base == ALERT;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
  static int times = TIMES;
  unsigned taken = 0;
  while (taken < count && (times == 0 || !is_alert(&messages[taken]))) {
    taken++;
  }
  if (taken < count) {
    (void)fprintf(stderr, "full_socket: %d\n", times--);
  }
  if (taken == 0) {
    errno = EAGAIN;
    return -1;
  }
  return (int)syscall(SYS_sendmmsg, fd, messages, taken, flags);
}
