/* SPDX-License-Identifier: MIT */
/* What the writers of this room share: the common header of RFC 3550 section 6.4.1. */
#ifndef PAW_RTCP_PACKET_H
#define PAW_RTCP_PACKET_H

#include "rtcp/rtcp.h"

/* Write the header of a packet; returns where it begins, for paw_rtcp_packet_end. */
size_t paw_rtcp_packet_begin(struct paw_wr *wr, enum paw_rtcp_type type, size_t count);

/* Fill in the length, once the whole packet is written. */
void paw_rtcp_packet_end(struct paw_wr *wr, size_t begin);

#endif
