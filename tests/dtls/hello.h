/* SPDX-License-Identifier: MIT */
/* ClientHello datagrams cut to pieces. */
#ifndef DTLS_HELLO_H
#define DTLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELLO_DATAGRAM_MAX 8192

struct hello_datagram {
  size_t len;
  uint8_t data[HELLO_DATAGRAM_MAX];
};

/* A ClientHello of this length in one record; its body is a pattern that `fill` varies. */
struct hello_datagram hello_make(size_t message_len, uint8_t fill);

/* The bytes from..until of the message of a whole one, as a datagram with this record number. */
struct hello_datagram hello_cut(const struct hello_datagram *whole, size_t from, size_t until,
                                uint64_t sequence);

/* Put another record behind those in `to`. */
void hello_append(struct hello_datagram *to, const struct hello_datagram *more);

/* The length of the message when the datagram is a whole ClientHello in clear, else 0. */
size_t hello_message_len(const uint8_t *data, size_t len);

#endif
