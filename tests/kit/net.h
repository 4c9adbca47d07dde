/* SPDX-License-Identifier: MIT */
/* A simulated network: datagrams go in at one time and come out at another, late, twice, out of
 * order or never, as a seed decides. No sockets, no clock, and no allocation after it was made. */
#ifndef KIT_NET_H
#define KIT_NET_H

#include <pawebrtc/base.h>

#include "kit/rng.h"

#define KIT_NET_DATAGRAM_MAX 2048
#define KIT_NET_IN_FLIGHT_MAX 4096 /* more are lost, and counted */
#define KIT_NET_LINKS_MAX 1024
#define KIT_NET_MAPPINGS_MAX 64

/* What one direction between two addresses does to datagrams. All zero: nothing, at once. */
struct kit_link_config {
  uint64_t delay_ns;
  uint64_t jitter_ns; /* 0..jitter_ns more, equally likely; never changes the order */
  double loss;        /* 0..1, each datagram for itself */

  /* Gilbert-Elliott: times good and bad, exponentially long, each with its own loss.
   * A mean_bad_ns of 0 switches it off. */
  uint64_t mean_good_ns;
  uint64_t mean_bad_ns;
  double loss_good;
  double loss_bad;

  double duplicate; /* share that comes twice, the second as late as jitter and reordering say */
  double reorder;   /* share that is held back by reorder_ns, while others pass it by */
  uint64_t reorder_ns;

  uint64_t rate_bps;  /* of payload bytes; 0 = unlimited */
  size_t queue_bytes; /* what may wait for the rate at a time; more is lost */

  /* From outage_from_ns to outage_until_ns nothing passes, again each outage_period_ns if that is
   * not 0. With outage_holds it is not lost but all comes at the end, as when Wi-Fi scans. */
  uint64_t outage_from_ns;
  uint64_t outage_until_ns;
  uint64_t outage_period_ns;
  bool outage_holds;
};

struct kit_link_counts {
  uint64_t sent;
  uint64_t sent_bytes;
  uint64_t delivered; /* duplicates included */
  uint64_t lost;      /* by chance, of either kind */
  uint64_t lost_outage;
  uint64_t lost_queue; /* the rate's queue, or the network's bound, was full */
  uint64_t duplicated;
  uint64_t reordered;
};

struct kit_link {
  struct kit_link_config config; /* may be changed at any time */
  struct kit_link_counts counts;

  struct paw_address from;
  struct paw_address to;
  bool is_bad; /* Gilbert-Elliott */
  uint64_t state_until_ns;
  uint64_t busy_until_ns; /* of the rate */
  uint64_t last_due_ns;   /* of those in order */
  struct kit_rng rng;     /* its own, so that links do not change each other's luck */
};

/* On its way, or arriving. */
struct kit_datagram {
  struct paw_address from; /* as the receiver sees it */
  struct paw_address to;   /* the receiver's own */
  uint64_t arrival_ns;
  const uint8_t *data; /* of a delivered one: valid until the next kit_net_deliver */
  size_t len;
};

/* Looks at each datagram as it is sent, with its true addresses; false loses it. It may send others
 * itself. */
typedef bool kit_net_filter(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns);

struct kit_net_counts {
  uint64_t filtered;
  uint64_t no_route; /* sent to an address that a rebinding took away */
};

struct kit_net;

/* `defaults` is what each link starts with. Aborts when there is no memory. */
struct kit_net *kit_net_new(uint64_t seed, const struct kit_link_config *defaults);
void kit_net_free(struct kit_net *net);

/* The link between two true addresses, made at first use. */
struct kit_link *kit_net_get_link(struct kit_net *net, const struct paw_address *from,
                                  const struct paw_address *to);

/* Give all links, and those to come, this configuration. */
void kit_net_configure(struct kit_net *net, const struct kit_link_config *config);

/* Put the true address `inside` behind a NAT that shows it as `outside`, or that changes its mind:
 * what is sent to the address shown before (at first, `inside` itself) is lost from now on. */
void kit_net_rebind(struct kit_net *net, const struct paw_address *inside,
                    const struct paw_address *outside);

void kit_net_set_filter(struct kit_net *net, kit_net_filter *filter, void *user_data);

/* Send from a true address to the one that the sender knows. */
void kit_net_send(struct kit_net *net, const struct paw_address *from, const struct paw_address *to,
                  const uint8_t *data, size_t len, uint64_t now_ns);

/* When the next datagram arrives; PAW_TIME_NEVER when none is on its way. */
uint64_t kit_net_next_ns(const struct kit_net *net);

/* Take the next one that has arrived by `now_ns`; false when there is none. */
bool kit_net_deliver(struct kit_net *net, uint64_t now_ns, struct kit_datagram *out);

struct kit_net_counts kit_net_get_counts(const struct kit_net *net);

/* The sum over all links. */
struct kit_link_counts kit_net_sum(const struct kit_net *net);

#endif
