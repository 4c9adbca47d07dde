/* SPDX-License-Identifier: MIT */
#include "bench/fanout/floor.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "srtp/srtp.h"
#include "system.h"

#define SEND_BUFFER_BYTES (1 << 20) /* as of pa-send's socket */
#define ROOM (FLOOR_PACKET_BYTES + PAW_SRTP_TRAILER_MAX)

struct floor_stream {
  struct sockaddr_in to;
  uint32_t ssrc;
  struct paw_srtp *srtp; /* both directions under one key */
};

static void check(bool good, const char *what) {
  if (!good) {
    perror(what);
    exit(1);
  }
}

static void init_stream(struct floor_stream *stream, const struct paw_address *receiver,
                        uint32_t ssrc) {
  const struct paw_allocator heap = {0};
  struct paw_srtp_keys keys;
  check(system_random(keys.local_key, sizeof keys.local_key) == 0 &&
            system_random(keys.local_salt, sizeof keys.local_salt) == 0,
        "random");
  memcpy(keys.remote_key, keys.local_key, sizeof keys.local_key);
  memcpy(keys.remote_salt, keys.local_salt, sizeof keys.local_salt);
  stream->ssrc = ssrc;
  stream->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(receiver->port)};
  memcpy(&stream->to.sin_addr, receiver->ip, 4);
  check(paw_srtp_new(&heap, &keys, ssrc, &stream->srtp) == PAW_OK, "SRTP");
}

void floor_init(struct floor *floor, const struct paw_address *receivers, size_t count) {
  const struct sockaddr_in loopback = {.sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int size = SEND_BUFFER_BYTES;
  *floor = (struct floor){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                          .count = count,
                          .streams = calloc(count, sizeof floor->streams[0])};
  check(floor->fd >= 0 && floor->streams != NULL && paw_srtp_install() == PAW_OK &&
            setsockopt(floor->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0 &&
            bind(floor->fd, (const struct sockaddr *)&loopback, sizeof loopback) == 0,
        "floor");
  for (size_t i = 0; i < count; i++) {
    init_stream(&floor->streams[i], &receivers[i], (uint32_t)i + 1);
  }
}

void floor_wipe(struct floor *floor) {
  const struct paw_allocator heap = {0};
  for (size_t i = 0; i < floor->count; i++) {
    paw_srtp_free(floor->streams[i].srtp, &heap);
  }
  close(floor->fd);
  free(floor->streams);
}

static void write_header(uint8_t *packet, uint16_t sequence, uint32_t ssrc) {
  packet[0] = 0x80;
  packet[1] = 111;
  packet[2] = (uint8_t)(sequence >> 8);
  packet[3] = (uint8_t)sequence;
  for (int i = 0; i < 4; i++) {
    packet[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
  }
}

void floor_send(struct floor *floor) {
  for (size_t i = 0; i < floor->count; i++) {
    const struct floor_stream *stream = &floor->streams[i];
    uint8_t packet[ROOM] = {0};
    size_t len = FLOOR_PACKET_BYTES;
    write_header(packet, floor->sequence, stream->ssrc);
    check(paw_srtp_protect_rtp(stream->srtp, packet, &len, sizeof packet) == PAW_OK, "protect");
    (void)sendto(floor->fd, packet, len, MSG_DONTWAIT, (const struct sockaddr *)&stream->to,
                 sizeof stream->to);
  }
  floor->sequence++;
}

bool floor_receive(struct floor *floor, size_t index, const struct paw_input *input) {
  uint8_t packet[ROOM];
  size_t len = input->len;
  if (len > sizeof packet) {
    return false;
  }
  memcpy(packet, input->data, len);
  return paw_srtp_unprotect_rtp(floor->streams[index].srtp, packet, &len) == PAW_OK;
}
