/* SPDX-License-Identifier: MIT */
/* Writing wire bytes: a sticky, bounds-checked cursor. A write past the end writes nothing and sets
 * `bad`; the writer asks once at the end. */
#ifndef PAW_BASE_WR_H
#define PAW_BASE_WR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Into bytes that were claimed: most significant first. */
static inline void paw_put_u16(uint8_t *at, uint16_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static inline void paw_put_u32(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 24);
  at[1] = (uint8_t)(value >> 16);
  at[2] = (uint8_t)(value >> 8);
  at[3] = (uint8_t)value;
}

struct paw_wr {
  uint8_t *data;
  size_t len; /* written so far */
  size_t room;
  bool bad;
};

static inline struct paw_wr paw_wr_init(uint8_t *data, size_t room) {
  return (struct paw_wr){.data = data, .len = 0, .room = room, .bad = false};
}

/* Claim the next `len` bytes for the caller to fill; NULL when they are not there. */
static inline uint8_t *paw_wr_claim(struct paw_wr *wr, size_t len) {
  if (wr->bad || len > wr->room - wr->len) {
    wr->bad = true;
    return NULL;
  }
  uint8_t *at = len > 0 ? wr->data + wr->len : wr->data; /* which may be NULL with no room */
  wr->len += len;
  return at;
}

static inline void paw_wr_bytes(struct paw_wr *wr, const void *bytes, size_t len) {
  uint8_t *at = paw_wr_claim(wr, len);
  if (at != NULL && len > 0) {
    memcpy(at, bytes, len);
  }
}

static inline void paw_wr_zeros(struct paw_wr *wr, size_t len) {
  uint8_t *at = paw_wr_claim(wr, len);
  if (at != NULL) {
    memset(at, 0, len);
  }
}

static inline void paw_wr_u8(struct paw_wr *wr, uint8_t value) {
  paw_wr_bytes(wr, &value, 1);
}

static inline void paw_wr_u16(struct paw_wr *wr, uint16_t value) {
  uint8_t bytes[2];
  paw_put_u16(bytes, value);
  paw_wr_bytes(wr, bytes, sizeof bytes);
}

static inline void paw_wr_u24(struct paw_wr *wr, uint32_t value) {
  uint8_t bytes[3] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
  paw_wr_bytes(wr, bytes, sizeof bytes);
}

static inline void paw_wr_u32(struct paw_wr *wr, uint32_t value) {
  uint8_t bytes[4];
  paw_put_u32(bytes, value);
  paw_wr_bytes(wr, bytes, sizeof bytes);
}

static inline void paw_wr_u64(struct paw_wr *wr, uint64_t value) {
  paw_wr_u32(wr, (uint32_t)(value >> 32));
  paw_wr_u32(wr, (uint32_t)value);
}

/* Write over a 16-bit field that was written before, such as a length known only later. */
static inline void paw_wr_patch_u16(struct paw_wr *wr, size_t offset, uint16_t value) {
  if (wr->bad || wr->len < 2 || offset > wr->len - 2) {
    wr->bad = true;
    return;
  }
  paw_put_u16(wr->data + offset, value);
}

#endif
