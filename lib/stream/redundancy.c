/* SPDX-License-Identifier: MIT */
#include "stream/redundancy.h"

#include "base/ntp.h"
#include "base/time.h"
#include "stream/loss.h"

/* A request and its answer are a round trip, and the first one may be lost too: past a third of the
 * budget there is no time for a second. */
#define RTT_ON_NS (PAW_REDUNDANCY_BUDGET_NS / 3)
#define RTT_OFF_NS (PAW_REDUNDANCY_BUDGET_NS / 4)

#define LOSS_ON_16 PAW_LOSS_PERCENT(1)
#define LOSS_OFF_16 (PAW_LOSS_PERCENT(1) / 2)

static bool is_needed(const struct paw_redundancy_path *path, uint32_t loss_16, uint64_t rtt_ns) {
  return path->loss_16 > loss_16 && (!path->nack || path->rtt_ns > rtt_ns);
}

void paw_redundancy_report(struct paw_redundancy *redundancy, uint64_t now_ns,
                           const struct paw_redundancy_path *path) {
  switch (redundancy->state) {
  case PAW_REDUNDANCY_OFF:
    if (is_needed(path, LOSS_ON_16, RTT_ON_NS)) {
      redundancy->state = PAW_REDUNDANCY_ON;
      redundancy->needed_ns = now_ns;
    }
    break;
  case PAW_REDUNDANCY_ON:
    if (is_needed(path, LOSS_OFF_16, RTT_OFF_NS)) {
      redundancy->needed_ns = now_ns;
    } else if (paw_time_elapsed(now_ns, redundancy->needed_ns) >= PAW_REDUNDANCY_HOLD_NS) {
      redundancy->state = PAW_REDUNDANCY_OFF;
    }
    break;
  }
}

uint32_t paw_redundancy_get_room_rtp(uint64_t rtt_ns) {
  uint64_t way_ns = rtt_ns / 2;
  return way_ns >= PAW_REDUNDANCY_BUDGET_NS
             ? 0
             : (uint32_t)paw_ns_to_rtp(PAW_REDUNDANCY_BUDGET_NS - way_ns);
}
