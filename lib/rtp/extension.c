/* SPDX-License-Identifier: MIT */
#include "rtp/rtp.h"

#define ONE_BYTE_PROFILE 0xbede
#define TWO_BYTE_PROFILE                                                                           \
  0x1000                 /* the low four bits are the sender's own (RFC 8285 section 4.3)          \
                          */
#define ONE_BYTE_STOP 15 /* RFC 8285 section 4.2 */

/* ---- writing ---- */

void paw_rtp_extension_begin(struct paw_rtp_extension_writer *writer, struct paw_wr *wr,
                             bool two_byte) {
  uint8_t *at = paw_wr_claim(wr, 4);
  *writer = (struct paw_rtp_extension_writer){.wr = wr, .two_byte = two_byte};
  if (at != NULL) {
    paw_put_u16(at, two_byte ? TWO_BYTE_PROFILE : ONE_BYTE_PROFILE);
    writer->length_offset = wr->len - 2;
  }
}

void paw_rtp_extension_add(struct paw_rtp_extension_writer *writer, uint8_t id, const void *value,
                           size_t len) {
  struct paw_wr *wr = writer->wr;
  bool two_byte = writer->two_byte;
  bool fits =
      two_byte ? id >= 1 && len <= 255 : id >= 1 && id < ONE_BYTE_STOP && len >= 1 && len <= 16;
  uint8_t *at = fits ? paw_wr_claim(wr, (two_byte ? 2 : 1) + len) : NULL;
  if (at == NULL) {
    wr->bad = true;
    return;
  }
  if (two_byte) {
    *at++ = id;
    *at++ = (uint8_t)len;
  } else {
    *at++ = (uint8_t)(((size_t)id << 4) | (len - 1));
  }
  if (len > 0) {
    memcpy(at, value, len);
  }
}

void paw_rtp_extension_end(struct paw_rtp_extension_writer *writer) {
  struct paw_wr *wr = writer->wr;
  if (wr->bad) {
    return;
  }
  size_t elements_bytes = wr->len - (writer->length_offset + 2);
  size_t words = (elements_bytes + 3) / 4;
  for (size_t i = elements_bytes; i < words * 4; i++) {
    paw_wr_u8(wr, 0);
  }
  wr->bad = wr->bad || words > UINT16_MAX;
  paw_wr_patch_u16(wr, writer->length_offset, (uint16_t)words);
}

/* ---- reading ---- */

void paw_rtp_extension_reader_init(struct paw_rtp_extension_reader *reader,
                                   const struct paw_rtp_header *header) {
  bool one_byte = header->extension_profile == ONE_BYTE_PROFILE;
  bool two_byte = (header->extension_profile & 0xfff0) == TWO_BYTE_PROFILE;
  size_t len = one_byte || two_byte ? header->extension.len : 0;
  *reader = (struct paw_rtp_extension_reader){.rd = paw_rd_init(header->extension.data, len),
                                              .two_byte = two_byte};
}

/* The byte that leads the next element, padding passed over; 0 at the end. */
static uint8_t next_lead(struct paw_rd *rd) {
  uint8_t lead = 0;
  while (lead == 0 && rd->left > 0 && !rd->bad) {
    lead = paw_rd_u8(rd);
  }
  return lead;
}

bool paw_rtp_extension_next(struct paw_rtp_extension_reader *reader,
                            struct paw_rtp_extension *out) {
  struct paw_rd *rd = &reader->rd;
  uint8_t lead = next_lead(rd);
  if (lead == 0) {
    return false;
  }
  size_t len = 0;
  if (reader->two_byte) {
    out->id = lead;
    len = paw_rd_u8(rd);
  } else {
    out->id = lead >> 4;
    len = (lead & 0x0fu) + 1;
  }
  /* RFC 8285 section 4.2: id 15, or id 0 with a length, ends the whole block. */
  if (!reader->two_byte && (out->id == 0 || out->id == ONE_BYTE_STOP)) {
    paw_rd_skip(rd, rd->left);
    return false;
  }
  out->value = paw_rd_bytes(rd, len);
  return !rd->bad;
}
