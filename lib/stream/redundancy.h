/* SPDX-License-Identifier: MIT */
/* When redundancy pays: where asking again comes too late, or is not agreed on, and packets are
 * lost all the same. Where there is time for it, asking again repairs more at a third of the cost.
 *
 *   OFF ──needed──> ON ──not needed for PAW_REDUNDANCY_HOLD_NS──> OFF
 */
#ifndef PAW_STREAM_REDUNDANCY_H
#define PAW_STREAM_REDUNDANCY_H

#include <pawebrtc/base.h>

/* What a receiver that follows the network is taken to wait, at the most that it needs. */
#define PAW_REDUNDANCY_BUDGET_NS (60 * PAW_NS_PER_MS)

/* Ten reports: longer than bursts of loss are apart, so that it does not come and go with them. */
#define PAW_REDUNDANCY_HOLD_NS (10 * PAW_NS_PER_S)

enum paw_redundancy_state { PAW_REDUNDANCY_OFF, PAW_REDUNDANCY_ON };

struct paw_redundancy {
  enum paw_redundancy_state state;
  uint64_t needed_ns; /* when it was needed last */
};

struct paw_redundancy_path {
  uint32_t loss_16; /* what stays lost, of 65536 */
  uint64_t rtt_ns;  /* 0 = not known */
  bool nack;        /* lost packets are asked for again */
};

/* The receiver reported. */
void paw_redundancy_report(struct paw_redundancy *redundancy, uint64_t now_ns,
                           const struct paw_redundancy_path *path);

/* How far back a packet may reach so that its copy is still of use: the budget, less the way. */
uint32_t paw_redundancy_get_room_rtp(uint64_t rtt_ns);

#endif
