/* SPDX-License-Identifier: MIT */
/* Many UDP sockets of one process, each the end of one receiver, on the loopback interface. */
#ifndef BENCH_FANOUT_SOCKETS_H
#define BENCH_FANOUT_SOCKETS_H

#include <pawebrtc/base.h>

struct sockets {
  int epoll_fd;
  size_t count;
  int *fds;
  struct paw_address *locals;
  uint32_t *overflows; /* datagrams that the kernel dropped for want of room, by socket */
};

/* From 127.0.0.1, or with `apart` from an address each, as receivers of their own have, beginning
 * with 127.1.0.1. Ends the program when there are not so many. */
void sockets_open(struct sockets *sockets, size_t count, bool apart);
void sockets_close(struct sockets *sockets);

typedef void sockets_handle_fn(void *user_data, size_t index, const struct paw_input *input);

/* Wait for datagrams and hand over what has come, one a socket, with the kernel's time of arrival.
 * False: nothing came in time. */
bool sockets_receive(struct sockets *sockets, int timeout_ms, sockets_handle_fn *handle,
                     void *user_data);

void sockets_send(const struct sockets *sockets, size_t index, const struct paw_transmit *transmit);

/* Dropped at all sockets. */
uint64_t sockets_get_overflows(const struct sockets *sockets);

#endif
