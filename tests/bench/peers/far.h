/* SPDX-License-Identifier: MIT */
/* The far end: receivers, each as pa-recv makes its own, in a process for themselves. */
#ifndef BENCH_PEERS_FAR_H
#define BENCH_PEERS_FAR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <pawebrtc/base.h>

/* Fork it. With `sockets` each receiver has a UDP socket on 127.0.0.1 and lives in real time;
 * without, datagrams and time come over the wire. It ends when the wire does. */
pid_t far_start(size_t count, bool sockets, int *wire);

/* The address that receiver `index` has in the simulated network, and back. */
struct paw_address far_address(size_t index);
size_t far_index(const struct paw_address *address);

#endif
