/* SPDX-License-Identifier: MIT */
/* Reading wire bytes: a sticky, bounds-checked cursor. A read past the end gives 0 and sets `bad`,
 * so a parser reads on and asks once at the end. */
#ifndef PAW_BASE_RD_H
#define PAW_BASE_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct paw_slice {
  const uint8_t *data;
  size_t len;
};

/* Out of bytes that are known to be there: most significant first. */
static inline uint16_t paw_get_u16(const uint8_t *at) {
  return (uint16_t)((at[0] << 8) | at[1]);
}

static inline uint32_t paw_get_u32(const uint8_t *at) {
  return ((uint32_t)at[0] << 24) | ((uint32_t)at[1] << 16) | ((uint32_t)at[2] << 8) | at[3];
}

struct paw_rd {
  const uint8_t *next;
  size_t left;
  bool bad;
};

static inline struct paw_rd paw_rd_init(const uint8_t *data, size_t len) {
  return (struct paw_rd){.next = data, .left = len, .bad = false};
}

/* The next `len` bytes, or an empty slice. */
static inline struct paw_slice paw_rd_bytes(struct paw_rd *rd, size_t len) {
  if (rd->bad || len > rd->left) {
    rd->bad = true;
    return (struct paw_slice){.data = rd->next, .len = 0};
  }
  struct paw_slice slice = {.data = rd->next, .len = len};
  if (len > 0) { /* nothing may lie at no address */
    rd->next += len;
    rd->left -= len;
  }
  return slice;
}

static inline void paw_rd_skip(struct paw_rd *rd, size_t len) {
  (void)paw_rd_bytes(rd, len);
}

/* A cursor over the next `len` bytes, which are passed over here. Bad when they are not there. */
static inline struct paw_rd paw_rd_sub(struct paw_rd *rd, size_t len) {
  struct paw_slice slice = paw_rd_bytes(rd, len);
  return (struct paw_rd){.next = slice.data, .left = slice.len, .bad = rd->bad};
}

/* Copy the next `len` bytes; zeros when they are not there. */
static inline void paw_rd_copy(struct paw_rd *rd, uint8_t *out, size_t len) {
  struct paw_slice slice = paw_rd_bytes(rd, len);
  if (rd->bad) {
    memset(out, 0, len);
  } else if (len > 0) {
    memcpy(out, slice.data, len);
  }
}

static inline uint8_t paw_rd_u8(struct paw_rd *rd) {
  struct paw_slice s = paw_rd_bytes(rd, 1);
  return rd->bad ? 0 : s.data[0];
}

static inline uint16_t paw_rd_u16(struct paw_rd *rd) {
  struct paw_slice s = paw_rd_bytes(rd, 2);
  return rd->bad ? 0 : paw_get_u16(s.data);
}

static inline uint32_t paw_rd_u24(struct paw_rd *rd) {
  struct paw_slice s = paw_rd_bytes(rd, 3);
  return rd->bad ? 0 : ((uint32_t)s.data[0] << 16) | ((uint32_t)s.data[1] << 8) | s.data[2];
}

static inline uint32_t paw_rd_u32(struct paw_rd *rd) {
  struct paw_slice s = paw_rd_bytes(rd, 4);
  return rd->bad ? 0 : paw_get_u32(s.data);
}

static inline uint64_t paw_rd_u64(struct paw_rd *rd) {
  uint64_t high = paw_rd_u32(rd);
  uint64_t low = paw_rd_u32(rd);
  return rd->bad ? 0 : (high << 32) | low;
}

/* Take away the padding at the end, whose last byte counts it, itself included (RFC 3550
 * sections 5.1 and 6.4.1). Bad when it counts 0 or more than there is. Returns its length. */
static inline uint8_t paw_rd_drop_padding(struct paw_rd *rd) {
  uint8_t padding = rd->bad || rd->left == 0 ? 0 : rd->next[rd->left - 1];
  if (padding == 0 || padding > rd->left) {
    rd->bad = true;
    return 0;
  }
  rd->left -= padding;
  return padding;
}

/* Was everything read, and nothing more? */
static inline bool paw_rd_end(const struct paw_rd *rd) {
  return !rd->bad && rd->left == 0;
}

#endif
