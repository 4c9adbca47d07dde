/* SPDX-License-Identifier: MIT */
/* RTCP packets (RFC 3550 section 6, RFC 4585, RFC 3611): bytes to structs and back. */
#ifndef PAW_RTCP_RTCP_H
#define PAW_RTCP_RTCP_H

#include <pawebrtc/base.h>

#include "base/limits.h"
#include "base/rd.h"
#include "base/wr.h"

enum paw_rtcp_type {
  PAW_RTCP_SR = 200,
  PAW_RTCP_RR = 201,
  PAW_RTCP_SDES = 202,
  PAW_RTCP_BYE = 203,
  PAW_RTCP_APP = 204,
  PAW_RTCP_RTPFB = 205,
  PAW_RTCP_PSFB = 206,
  PAW_RTCP_XR = 207,
};

struct paw_rtcp_report_block {
  uint32_t ssrc;
  uint8_t fraction_lost;
  int32_t cumulative_lost; /* 24 bits, signed; clamped on writing */
  uint32_t highest_sequence;
  uint32_t jitter_rtp;
  uint32_t last_sr;             /* middle 32 bits of NTP */
  uint32_t delay_since_last_sr; /* 1/65536 s */
};

struct paw_rtcp_sender_info {
  uint64_t ntp;
  uint32_t timestamp_rtp;
  uint32_t packets;
  uint32_t octets;
};

/* SR and RR. */
struct paw_rtcp_report {
  uint32_t ssrc;
  struct paw_rtcp_sender_info sender; /* SR only */
  size_t block_count;
  struct paw_rtcp_report_block blocks[PAW_RTCP_REPORT_BLOCKS_MAX];
};

/* One packet of a compound: its type, count or format field, and body after the common header,
 * padding taken away. */
struct paw_rtcp_packet {
  uint8_t type;  /* enum paw_rtcp_type, or another */
  uint8_t count; /* the 5-bit field */
  struct paw_rd body;
};

/* Take the next packet of a decrypted compound or reduced-size datagram (RFC 5506).
 * False at its end or where it is malformed: `compound->bad` then tells. */
bool paw_rtcp_next(struct paw_rd *compound, struct paw_rtcp_packet *packet);

/* Readers of one packet. PAW_OK; PAW_ERR_MALFORMED; PAW_ERR_INVALID: a packet of another type. */
int paw_rtcp_read_report(const struct paw_rtcp_packet *packet, struct paw_rtcp_report *out);

/* CNAME of the first chunk that has one; an SSRC of 0 and an empty slice when none has. */
int paw_rtcp_read_sdes(const struct paw_rtcp_packet *packet, uint32_t *ssrc,
                       struct paw_slice *cname);

/* SSRCs that say goodbye, at most 31. */
int paw_rtcp_read_bye(const struct paw_rtcp_packet *packet, uint32_t *ssrcs, size_t *count);

/* Generic NACK (RTPFB, format 1): every sequence number of its PID and BLP fields, up to `max`;
 * more are left out. PAW_ERR_UNSUPPORTED: another format. */
int paw_rtcp_read_nack(const struct paw_rtcp_packet *packet, uint32_t *sender_ssrc,
                       uint32_t *media_ssrc, uint16_t *sequences, size_t max, size_t *count);

/* XR (RFC 3611): receiver reference time (block 4) and one DLRR sub-block (block 5) for
 * `own_ssrc`; other blocks are passed over. */
struct paw_rtcp_xr {
  uint32_t ssrc;
  bool has_reference_time;
  uint64_t reference_ntp;
  bool has_dlrr;
  uint32_t last_rr;
  uint32_t delay_since_last_rr;
};
int paw_rtcp_read_xr(const struct paw_rtcp_packet *packet, uint32_t own_ssrc,
                     struct paw_rtcp_xr *out);

/* Writers of one whole packet each; errors stick to the cursor. */
void paw_rtcp_write_sender_report(struct paw_wr *wr, const struct paw_rtcp_report *report);
void paw_rtcp_write_receiver_report(struct paw_wr *wr, const struct paw_rtcp_report *report);
void paw_rtcp_write_sdes(struct paw_wr *wr, uint32_t ssrc, const char *cname);
void paw_rtcp_write_bye(struct paw_wr *wr, uint32_t ssrc);

/* Packs `sequences`, ascending by serial number, into PID and BLP fields (RFC 4585 6.2.1). */
void paw_rtcp_write_nack(struct paw_wr *wr, uint32_t sender_ssrc, uint32_t media_ssrc,
                         const uint16_t *sequences, size_t count);

/* Receiver reference time (RFC 3611 section 4.4). */
void paw_rtcp_write_rrtr(struct paw_wr *wr, uint32_t ssrc, uint64_t ntp);

/* DLRR (section 4.5) with one sub-block about `receiver_ssrc`. */
void paw_rtcp_write_dlrr(struct paw_wr *wr, uint32_t ssrc, uint32_t receiver_ssrc, uint32_t last_rr,
                         uint32_t delay_since_last_rr);

#endif
