/* SPDX-License-Identifier: MIT */
#include "kit/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slot {
  struct paw_address from;
  struct paw_address to;
  uint64_t due_ns;
  uint64_t order; /* equal times arrive in the order of sending */
  struct kit_link *link;
  size_t len;
  uint8_t data[KIT_NET_DATAGRAM_MAX];
};

struct mapping {
  struct paw_address inside;
  struct paw_address outside;
  bool live;
};

struct kit_net {
  uint64_t seed;
  bool trace;
  struct kit_link_config defaults;
  size_t link_count;
  struct kit_link links[KIT_NET_LINKS_MAX];
  size_t mapping_count;
  struct mapping mappings[KIT_NET_MAPPINGS_MAX];
  kit_net_filter *filter;
  void *filter_data;
  struct kit_net_counts counts;

  uint64_t next_order;
  size_t heap_count;
  uint16_t heap[KIT_NET_IN_FLIGHT_MAX]; /* slots; the earliest first */
  size_t free_count;
  uint16_t free_slots[KIT_NET_IN_FLIGHT_MAX];
  bool delivering; /* delivered_slot is lent out */
  uint16_t delivered_slot;
  struct slot slots[KIT_NET_IN_FLIGHT_MAX];
};

struct kit_net *kit_net_new(uint64_t seed, const struct kit_link_config *defaults) {
  struct kit_net *net = calloc(1, sizeof *net);
  if (net == NULL) {
    abort();
  }
  net->seed = seed;
  net->trace = getenv("PAW_LOG") != NULL;
  net->defaults = *defaults;
  net->free_count = KIT_NET_IN_FLIGHT_MAX;
  for (size_t i = 0; i < KIT_NET_IN_FLIGHT_MAX; i++) {
    net->free_slots[i] = (uint16_t)(KIT_NET_IN_FLIGHT_MAX - 1 - i);
  }
  return net;
}

void kit_net_free(struct kit_net *net) {
  free(net);
}

/* ---- links ---- */

struct kit_link *kit_net_get_link(struct kit_net *net, const struct paw_address *from,
                                  const struct paw_address *to) {
  for (size_t i = 0; i < net->link_count; i++) {
    struct kit_link *link = &net->links[i];
    if (paw_address_equal(&link->from, from) && paw_address_equal(&link->to, to)) {
      return link;
    }
  }
  if (net->link_count == KIT_NET_LINKS_MAX) {
    abort();
  }
  struct kit_link *link = &net->links[net->link_count];
  link->config = net->defaults;
  link->from = *from;
  link->to = *to;
  kit_rng_init(&link->rng, net->seed * KIT_NET_LINKS_MAX + net->link_count);
  net->link_count++;
  return link;
}

void kit_net_configure(struct kit_net *net, const struct kit_link_config *config) {
  net->defaults = *config;
  for (size_t i = 0; i < net->link_count; i++) {
    net->links[i].config = *config;
  }
}

void kit_net_set_filter(struct kit_net *net, kit_net_filter *filter, void *user_data) {
  net->filter = filter;
  net->filter_data = user_data;
}

struct kit_net_counts kit_net_get_counts(const struct kit_net *net) {
  return net->counts;
}

struct kit_link_counts kit_net_sum(const struct kit_net *net) {
  struct kit_link_counts sum = {0};
  for (size_t i = 0; i < net->link_count; i++) {
    const struct kit_link_counts *counts = &net->links[i].counts;
    sum.sent += counts->sent;
    sum.sent_bytes += counts->sent_bytes;
    sum.delivered += counts->delivered;
    sum.lost += counts->lost;
    sum.lost_outage += counts->lost_outage;
    sum.lost_queue += counts->lost_queue;
    sum.duplicated += counts->duplicated;
    sum.reordered += counts->reordered;
  }
  return sum;
}

/* ---- NAT ---- */

static struct mapping *find_live(struct kit_net *net, const struct paw_address *inside) {
  for (size_t i = 0; i < net->mapping_count; i++) {
    struct mapping *mapping = &net->mappings[i];
    if (mapping->live && paw_address_equal(&mapping->inside, inside)) {
      return mapping;
    }
  }
  return NULL;
}

void kit_net_rebind(struct kit_net *net, const struct paw_address *inside,
                    const struct paw_address *outside) {
  struct mapping *before = find_live(net, inside);
  if (before != NULL) {
    before->live = false;
  }
  if (net->mapping_count == KIT_NET_MAPPINGS_MAX) {
    abort();
  }
  net->mappings[net->mapping_count] =
      (struct mapping){.inside = *inside, .outside = *outside, .live = true};
  net->mapping_count++;
}

static struct paw_address shown_address(struct kit_net *net, const struct paw_address *inside) {
  const struct mapping *mapping = find_live(net, inside);
  return mapping == NULL ? *inside : mapping->outside;
}

/* The true address behind the one that a sender knows; false when nobody has it any more. The
 * newest mapping that speaks of it decides. */
static bool find_route(const struct kit_net *net, const struct paw_address *known,
                       struct paw_address *inside) {
  for (size_t i = net->mapping_count; i > 0; i--) {
    const struct mapping *mapping = &net->mappings[i - 1];
    if (paw_address_equal(&mapping->outside, known)) {
      *inside = mapping->inside;
      return mapping->live;
    }
    if (paw_address_equal(&mapping->inside, known)) {
      return false;
    }
  }
  *inside = *known;
  return true;
}

/* ---- the heap of what is on its way ---- */

static bool is_earlier(const struct kit_net *net, uint16_t a, uint16_t b) {
  const struct slot *slot_a = &net->slots[a];
  const struct slot *slot_b = &net->slots[b];
  if (slot_a->due_ns != slot_b->due_ns) {
    return slot_a->due_ns < slot_b->due_ns;
  }
  return slot_a->order < slot_b->order;
}

static void heap_swap(struct kit_net *net, size_t i, size_t j) {
  uint16_t held = net->heap[i];
  net->heap[i] = net->heap[j];
  net->heap[j] = held;
}

static void heap_push(struct kit_net *net, uint16_t index) {
  size_t at = net->heap_count;
  net->heap[at] = index;
  net->heap_count++;
  while (at > 0 && is_earlier(net, net->heap[at], net->heap[(at - 1) / 2])) {
    heap_swap(net, at, (at - 1) / 2);
    at = (at - 1) / 2;
  }
}

static uint16_t heap_pop(struct kit_net *net) {
  uint16_t first = net->heap[0];
  net->heap_count--;
  net->heap[0] = net->heap[net->heap_count];
  size_t at = 0;
  for (;;) {
    size_t least = at;
    for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < net->heap_count; child++) {
      if (is_earlier(net, net->heap[child], net->heap[least])) {
        least = child;
      }
    }
    if (least == at) {
      return first;
    }
    heap_swap(net, at, least);
    at = least;
  }
}

/* ---- sending ---- */

/* Has chance lost this datagram? */
static bool is_lost(struct kit_link *link, uint64_t now_ns) {
  const struct kit_link_config *config = &link->config;
  bool lost = kit_rng_chance(&link->rng, config->loss);
  if (config->mean_bad_ns == 0) {
    return lost;
  }
  if (link->state_until_ns == 0) {
    link->state_until_ns =
        now_ns + (uint64_t)kit_rng_exponential(&link->rng, (double)config->mean_good_ns);
  }
  while (link->state_until_ns <= now_ns) {
    link->is_bad = !link->is_bad;
    uint64_t mean_ns = link->is_bad ? config->mean_bad_ns : config->mean_good_ns;
    link->state_until_ns += 1 + (uint64_t)kit_rng_exponential(&link->rng, (double)mean_ns);
  }
  double loss = link->is_bad ? config->loss_bad : config->loss_good;
  return kit_rng_chance(&link->rng, loss) || lost;
}

/* The end of the outage that reigns now; 0 when there is none. */
static uint64_t outage_end(const struct kit_link_config *config, uint64_t now_ns) {
  if (config->outage_until_ns <= config->outage_from_ns || now_ns < config->outage_from_ns) {
    return 0;
  }
  uint64_t shift_ns = 0;
  if (config->outage_period_ns != 0) {
    uint64_t since_ns = now_ns - config->outage_from_ns;
    shift_ns = since_ns - since_ns % config->outage_period_ns;
  }
  uint64_t end_ns = config->outage_until_ns + shift_ns;
  return now_ns < end_ns ? end_ns : 0;
}

/* When a datagram of this length has left the link's bottleneck; false when its queue is full. */
static bool pass_rate(struct kit_link *link, size_t len, uint64_t *time_ns) {
  const struct kit_link_config *config = &link->config;
  if (config->rate_bps == 0) {
    return true;
  }
  uint64_t begin_ns = link->busy_until_ns > *time_ns ? link->busy_until_ns : *time_ns;
  uint64_t waiting_bytes = (begin_ns - *time_ns) * config->rate_bps / (8 * PAW_NS_PER_S);
  if (waiting_bytes > 0 && waiting_bytes + len > config->queue_bytes) {
    return false;
  }
  link->busy_until_ns = begin_ns + len * 8 * PAW_NS_PER_S / config->rate_bps;
  *time_ns = link->busy_until_ns;
  return true;
}

/* Jitter keeps the order, reordering does not. */
static uint64_t draw_due(struct kit_link *link, uint64_t time_ns) {
  const struct kit_link_config *config = &link->config;
  uint64_t due_ns = time_ns + config->delay_ns;
  if (config->jitter_ns > 0) {
    due_ns += kit_rng_below(&link->rng, config->jitter_ns + 1);
  }
  if (kit_rng_chance(&link->rng, config->reorder)) {
    link->counts.reordered++;
    return due_ns + config->reorder_ns;
  }
  if (due_ns < link->last_due_ns) {
    due_ns = link->last_due_ns;
  }
  link->last_due_ns = due_ns;
  return due_ns;
}

static void enqueue(struct kit_net *net, struct kit_link *link, const struct kit_datagram *datagram,
                    uint64_t due_ns) {
  if (net->free_count == 0) {
    link->counts.lost_queue++;
    return;
  }
  net->free_count--;
  uint16_t index = net->free_slots[net->free_count];
  struct slot *slot = &net->slots[index];
  slot->from = datagram->from;
  slot->to = datagram->to;
  slot->due_ns = due_ns;
  slot->order = net->next_order;
  net->next_order++;
  slot->link = link;
  slot->len = datagram->len;
  memcpy(slot->data, datagram->data, datagram->len);
  heap_push(net, index);
}

static void pass_link(struct kit_net *net, struct kit_link *link,
                      const struct kit_datagram *datagram, uint64_t now_ns) {
  link->counts.sent++;
  link->counts.sent_bytes += datagram->len;
  uint64_t time_ns = now_ns;
  uint64_t end_ns = outage_end(&link->config, now_ns);
  if (end_ns != 0) {
    if (!link->config.outage_holds) {
      link->counts.lost_outage++;
      return;
    }
    time_ns = end_ns;
  }
  if (is_lost(link, now_ns)) {
    link->counts.lost++;
    return;
  }
  if (!pass_rate(link, datagram->len, &time_ns)) {
    link->counts.lost_queue++;
    return;
  }
  enqueue(net, link, datagram, draw_due(link, time_ns));
  if (kit_rng_chance(&link->rng, link->config.duplicate)) {
    link->counts.duplicated++;
    enqueue(net, link, datagram, draw_due(link, time_ns));
  }
}

/* For people: what a datagram is, by its first byte (RFC 7983). */
static void trace(const struct kit_datagram *datagram, uint64_t now_ns) {
  uint8_t first = datagram->len == 0 ? 0 : datagram->data[0];
  const char *kind = first < 4 ? "STUN" : first < 64 ? "DTLS" : "SRTP";
  char from[PAW_ADDRESS_TEXT_SIZE];
  char to[PAW_ADDRESS_TEXT_SIZE];
  paw_address_format(&datagram->from, from);
  paw_address_format(&datagram->to, to);
  fprintf(stderr, "%.3f ms: %s -> %s: %s, %zu bytes\n", (double)now_ns / 1e6, from, to, kind,
          datagram->len);
}

void kit_net_send(struct kit_net *net, const struct paw_address *from, const struct paw_address *to,
                  const uint8_t *data, size_t len, uint64_t now_ns) {
  if (len > KIT_NET_DATAGRAM_MAX) {
    abort();
  }
  struct kit_datagram datagram = {.from = *from, .to = *to, .data = data, .len = len};
  if (!find_route(net, to, &datagram.to)) {
    net->counts.no_route++;
    return;
  }
  if (net->trace) {
    trace(&datagram, now_ns);
  }
  if (net->filter != NULL && !net->filter(net->filter_data, &datagram, now_ns)) {
    net->counts.filtered++;
    return;
  }
  struct kit_link *link = kit_net_get_link(net, from, &datagram.to);
  datagram.from = shown_address(net, from);
  pass_link(net, link, &datagram, now_ns);
}

/* ---- delivery ---- */

uint64_t kit_net_next_ns(const struct kit_net *net) {
  return net->heap_count == 0 ? PAW_TIME_NEVER : net->slots[net->heap[0]].due_ns;
}

static void release(struct kit_net *net) {
  if (net->delivering) {
    net->delivering = false;
    net->free_slots[net->free_count] = net->delivered_slot;
    net->free_count++;
  }
}

bool kit_net_deliver(struct kit_net *net, uint64_t now_ns, struct kit_datagram *out) {
  release(net);
  if (kit_net_next_ns(net) > now_ns || net->heap_count == 0) {
    return false;
  }
  net->delivered_slot = heap_pop(net);
  net->delivering = true;
  struct slot *slot = &net->slots[net->delivered_slot];
  slot->link->counts.delivered++;
  *out = (struct kit_datagram){.from = slot->from,
                               .to = slot->to,
                               .arrival_ns = slot->due_ns,
                               .data = slot->data,
                               .len = slot->len};
  return true;
}
