/* SPDX-License-Identifier: MIT */
#include "rtp/rtp.h"

/* All block headers; the lengths go into data.len, the primary's stays 0. */
static int read_headers(struct paw_rd *rd, struct paw_red_block *blocks, size_t *count) {
  for (size_t i = 0; i < PAW_RED_BLOCKS_MAX; i++) {
    uint8_t first = paw_rd_u8(rd);
    blocks[i] = (struct paw_red_block){.payload_type = first & 0x7f};
    if ((first & 0x80) == 0) {
      *count = i + 1;
      return rd->bad ? PAW_ERR_MALFORMED : PAW_OK;
    }
    uint32_t rest = paw_rd_u24(rd);
    blocks[i].offset_rtp = (uint16_t)(rest >> 10);
    blocks[i].data.len = rest & PAW_RED_LENGTH_MAX;
  }
  return rd->bad ? PAW_ERR_MALFORMED : PAW_ERR_LIMIT;
}

int paw_red_read(const uint8_t *payload, size_t len, struct paw_red_block *blocks, size_t *count) {
  struct paw_rd rd = paw_rd_init(payload, len);
  *count = 0;
  size_t blocks_count = 0;
  int status = read_headers(&rd, blocks, &blocks_count);
  if (status != PAW_OK) {
    return status;
  }
  size_t primary = blocks_count - 1;
  for (size_t i = 0; i < primary; i++) {
    blocks[i].data = paw_rd_bytes(&rd, blocks[i].data.len);
  }
  blocks[primary].data = paw_rd_bytes(&rd, rd.left);
  if (rd.bad) {
    return PAW_ERR_MALFORMED;
  }
  *count = blocks_count;
  return PAW_OK;
}

static bool blocks_are_valid(const struct paw_red_block *blocks, size_t count) {
  if (count == 0 || count > PAW_RED_BLOCKS_MAX || blocks[count - 1].offset_rtp != 0) {
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    bool redundant = i + 1 < count;
    if (blocks[i].payload_type > 127 || (redundant && (blocks[i].offset_rtp > PAW_RED_OFFSET_MAX ||
                                                       blocks[i].data.len > PAW_RED_LENGTH_MAX))) {
      return false;
    }
  }
  return true;
}

int paw_red_write(struct paw_wr *wr, const struct paw_red_block *blocks, size_t count) {
  if (!blocks_are_valid(blocks, count)) {
    return PAW_ERR_INVALID;
  }
  for (size_t i = 0; i + 1 < count; i++) {
    paw_wr_u8(wr, (uint8_t)(0x80 | blocks[i].payload_type));
    paw_wr_u24(wr, ((uint32_t)blocks[i].offset_rtp << 10) | (uint32_t)blocks[i].data.len);
  }
  paw_wr_u8(wr, blocks[count - 1].payload_type);
  for (size_t i = 0; i < count; i++) {
    paw_wr_bytes(wr, blocks[i].data.data, blocks[i].data.len);
  }
  return wr->bad ? PAW_ERR_NO_BUFFER : PAW_OK;
}
