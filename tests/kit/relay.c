/* SPDX-License-Identifier: MIT */
#include "kit/relay.h"

#include <stdlib.h>

#include "base/rd.h"
#include "base/seq.h"
#include "kit/net.h"

struct relay {
  struct paw_address target;
  uint64_t start_ns;
  struct relay_weather weather[2]; /* by direction */
  struct kit_net *net; /* carries what passes: in order, but for what is held back, and bounded */
  size_t client_count;
  struct relay_client clients[RELAY_CLIENTS_MAX];
};

struct relay *relay_new(const struct relay_config *config) {
  struct relay *relay = calloc(1, sizeof *relay);
  if (relay == NULL) {
    abort();
  }
  relay->target = config->target;
  relay->start_ns = config->start_ns;
  for (uint64_t direction = RELAY_UP; direction <= RELAY_DOWN; direction++) {
    relay_weather_init(&relay->weather[direction], &config->weather, 2 * config->seed + direction);
  }
  relay->net = kit_net_new(config->seed, &(struct kit_link_config){0});
  return relay;
}

void relay_free(struct relay *relay) {
  kit_net_free(relay->net);
  free(relay);
}

bool relay_find_client(struct relay *relay, const struct paw_address *address, size_t *out) {
  size_t index = 0;
  while (index < relay->client_count &&
         !paw_address_equal(&relay->clients[index].address, address)) {
    index++;
  }
  if (index == RELAY_CLIENTS_MAX) {
    return false;
  }
  if (index == relay->client_count) {
    relay->clients[index].address = *address;
    relay->client_count++;
  }
  *out = index;
  return true;
}

size_t relay_count_clients(const struct relay *relay) {
  return relay->client_count;
}

const struct relay_client *relay_get_client(const struct relay *relay, size_t index) {
  return &relay->clients[index];
}

/* Version 2, and none of the packet types that RFC 5761 section 4 leaves to RTCP. */
static bool is_rtp(const uint8_t *data, size_t len) {
  return len >= 12 && data[0] >= 128 && data[0] <= 191 && (data[1] < 192 || data[1] > 223);
}

static bool is_first(struct relay_stream *stream, const uint8_t *data, size_t len) {
  if (!is_rtp(data, len)) {
    return false;
  }
  struct paw_rd rd = paw_rd_init(data, len);
  paw_rd_skip(&rd, 2);
  uint16_t sequence = paw_rd_u16(&rd);
  paw_rd_skip(&rd, 4);
  uint32_t ssrc = paw_rd_u32(&rd);
  if (stream->known && (ssrc != stream->ssrc || paw_seq_diff(sequence, stream->newest) <= 0)) {
    return false;
  }
  *stream = (struct relay_stream){.known = true, .ssrc = ssrc, .newest = sequence};
  return true;
}

static void carry(struct relay *relay, enum relay_direction direction, struct relay_client *client,
                  const uint8_t *data, size_t len, uint64_t now_ns,
                  const struct relay_passage *passage) {
  const struct paw_address *from = direction == RELAY_UP ? &client->address : &relay->target;
  const struct paw_address *to = direction == RELAY_UP ? &relay->target : &client->address;
  struct kit_link *link = kit_net_get_link(relay->net, from, to);
  uint64_t overflowed = link->counts.lost_queue;
  link->config = (struct kit_link_config){.delay_ns = passage->delay_ns,
                                          .reorder = passage->is_reordered ? 1 : 0,
                                          .reorder_ns = RELAY_REORDER_NS};
  kit_net_send(relay->net, from, to, data, len, now_ns);
  client->counts[direction].overflowed += link->counts.lost_queue - overflowed;
  client->counts[direction].reordered += passage->is_reordered;
}

void relay_put(struct relay *relay, enum relay_direction direction, size_t client_index,
               const uint8_t *data, size_t len, uint64_t now_ns) {
  struct relay_client *client = &relay->clients[client_index];
  struct relay_counts *counts = &client->counts[direction];
  counts->received++;
  counts->received_bytes += len;
  counts->received_rtp += is_rtp(data, len);
  bool first = is_first(&client->streams[direction], data, len);
  counts->first_rtp += first;
  if (len > KIT_NET_DATAGRAM_MAX) {
    counts->overflowed++;
    return;
  }
  struct relay_passage passage;
  uint64_t time_ns = now_ns < relay->start_ns ? 0 : now_ns - relay->start_ns;
  switch (relay_weather_ask(&relay->weather[direction], time_ns, &passage)) {
  case RELAY_PASSES:
    carry(relay, direction, client, data, len, now_ns, &passage);
    break;
  case RELAY_LOST:
    counts->lost++;
    counts->first_rtp_lost += first;
    break;
  case RELAY_BLACKED_OUT:
    counts->blacked_out++;
    counts->first_rtp_lost += first;
    break;
  }
}

uint64_t relay_next_ns(const struct relay *relay) {
  return kit_net_next_ns(relay->net);
}

bool relay_take(struct relay *relay, uint64_t now_ns, struct relay_parcel *out) {
  struct kit_datagram datagram;
  if (!kit_net_deliver(relay->net, now_ns, &datagram)) {
    return false;
  }
  out->direction = paw_address_equal(&datagram.to, &relay->target) ? RELAY_UP : RELAY_DOWN;
  const struct paw_address *client = out->direction == RELAY_UP ? &datagram.from : &datagram.to;
  (void)relay_find_client(relay, client, &out->client);
  out->data = datagram.data;
  out->len = datagram.len;
  struct relay_counts *counts = &relay->clients[out->client].counts[out->direction];
  counts->passed++;
  counts->passed_rtp += is_rtp(datagram.data, datagram.len);
  return true;
}
