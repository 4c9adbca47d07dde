/* SPDX-License-Identifier: MIT */
/* How much of a stream its receiver misses, smoothed over its reports. */
#ifndef PAW_STREAM_LOSS_H
#define PAW_STREAM_LOSS_H

#include <pawebrtc/base.h>

struct paw_loss {
  uint32_t share_16; /* of 65536 */
  uint32_t highest_sequence;
};

#define PAW_LOSS_PERCENT(percent) ((uint32_t)((percent)*65536 / 100))

/* A report block came (RFC 3550 section 6.4.1). It counts for as much as the packets it is about,
 * so that one loss in a pause that has few does not look like many. */
void paw_loss_report(struct paw_loss *loss, uint8_t fraction_lost, uint32_t highest_sequence);

#endif
