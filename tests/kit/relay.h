/* SPDX-License-Identifier: MIT */
/* The part of the relay without sockets: who its clients are, and when which datagram goes on. */
#ifndef KIT_RELAY_H
#define KIT_RELAY_H

#include "kit/relay_weather.h"

/* More than any test has; each brings two sockets, and the event loop watches 64 in all. */
#define RELAY_CLIENTS_MAX 24

enum relay_direction { RELAY_UP, RELAY_DOWN }; /* from the client to the target, and back */

struct relay_counts {
  uint64_t received;
  uint64_t received_bytes;
  uint64_t received_rtp; /* by its first two bytes (RFC 7983, RFC 5761) */
  uint64_t first_rtp;    /* of the first SSRC, with a sequence number above all before: not again */
  uint64_t first_rtp_lost; /* or blacked out */
  uint64_t passed;
  uint64_t passed_rtp;
  uint64_t lost;
  uint64_t blacked_out;
  uint64_t overflowed; /* more were on their way than the kit's network holds, or one too long */
  uint64_t reordered;
};

/* What tells RTP that is sent for the first time from what is sent again. */
struct relay_stream {
  bool known;
  uint32_t ssrc;
  uint16_t newest;
};

struct relay_client {
  struct paw_address address;
  struct relay_counts counts[2]; /* by direction */
  struct relay_stream streams[2];
};

struct relay_config {
  struct paw_address target;
  struct relay_weather_config weather; /* of both directions, each with luck of its own */
  uint64_t seed;
  uint64_t start_ns; /* time 0 of the weather */
};

/* A datagram that goes on. */
struct relay_parcel {
  enum relay_direction direction;
  size_t client;
  const uint8_t *data; /* valid until the next relay_take */
  size_t len;
};

struct relay;

/* Aborts when there is no memory. */
struct relay *relay_new(const struct relay_config *config);
void relay_free(struct relay *relay);

/* The number of the client with this address, which becomes one if it was not; false when there is
 * no room for it. */
bool relay_find_client(struct relay *relay, const struct paw_address *address, size_t *out);

size_t relay_count_clients(const struct relay *relay);
const struct relay_client *relay_get_client(const struct relay *relay, size_t index);

/* A datagram of a client, or for it, has come. */
void relay_put(struct relay *relay, enum relay_direction direction, size_t client,
               const uint8_t *data, size_t len, uint64_t now_ns);

/* When the next one goes on; PAW_TIME_NEVER when none is on its way. */
uint64_t relay_next_ns(const struct relay *relay);

/* Take the next one that is due by `now_ns`; false when there is none. */
bool relay_take(struct relay *relay, uint64_t now_ns, struct relay_parcel *out);

#endif
