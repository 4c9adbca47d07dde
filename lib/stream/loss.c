/* SPDX-License-Identifier: MIT */
#include "stream/loss.h"

/* A report about this many packets or more is half of what is known: two or three of a second each,
 * or one of a browser's, which come every five. */
#define WEIGHT_MAX 128
#define WEIGHT_ONE 256

void paw_loss_report(struct paw_loss *loss, uint8_t fraction_lost, uint32_t highest_sequence) {
  int32_t packets = (int32_t)(highest_sequence - loss->highest_sequence);
  int32_t weight = packets < 0 ? 0 : packets > WEIGHT_MAX ? WEIGHT_MAX : packets;
  int32_t difference = (int32_t)fraction_lost * 256 - (int32_t)loss->share_16;
  loss->share_16 = (uint32_t)((int32_t)loss->share_16 + difference * weight / WEIGHT_ONE);
  loss->highest_sequence = highest_sequence;
}
