/* SPDX-License-Identifier: MIT */
/* The least that a connection costs: the DTLS handshake of mbedTLS alone, both ends in memory. */
#ifndef BENCH_CONNECT_FLOOR_H
#define BENCH_CONNECT_FLOOR_H

#include <stdint.h>

struct floor;

/* Two certificates as the library makes them. NULL when something fails. */
struct floor *floor_new(void);
void floor_free(struct floor *floor);

/* One handshake with the library's cipher suite, curve and SRTP profile, mutual certificates, no
 * cookie, verified by comparing the certificate, contexts made and freed: the CPU time of both ends
 * together. 0 when it fails. */
uint64_t floor_handshake_cpu_ns(struct floor *floor);

#endif
