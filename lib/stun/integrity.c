/* SPDX-License-Identifier: MIT */
#include "stun/stun.h"

#include <mbedtls/sha1.h>
#include <mbedtls/version.h>

#include "base/mem.h"
#include "stun/stun_private.h"

/* ---- HMAC-SHA1 ---- */

/* Differs from mbedtls_md_hmac, which allocates at every call: consent checks go on while audio
 * flows, and then nothing may be allocated. */

#if MBEDTLS_VERSION_MAJOR < 3
#define sha1_starts mbedtls_sha1_starts_ret
#define sha1_update mbedtls_sha1_update_ret
#define sha1_finish mbedtls_sha1_finish_ret
#else
#define sha1_starts mbedtls_sha1_starts
#define sha1_update mbedtls_sha1_update
#define sha1_finish mbedtls_sha1_finish
#endif

#define SHA1_BLOCK_LEN 64

static int sha1_parts(const struct paw_slice *parts, size_t count, uint8_t out[PAW_STUN_HMAC_LEN]) {
  mbedtls_sha1_context sha1;
  mbedtls_sha1_init(&sha1);
  int failed = sha1_starts(&sha1);
  for (size_t i = 0; i < count && failed == 0; i++) {
    failed = parts[i].len == 0 ? 0 : sha1_update(&sha1, parts[i].data, parts[i].len);
  }
  if (failed == 0) {
    failed = sha1_finish(&sha1, out);
  }
  mbedtls_sha1_free(&sha1);
  return failed == 0 ? PAW_OK : PAW_ERR_CRYPTO;
}

int paw_stun_hmac(const uint8_t *key, size_t key_len, struct paw_slice head, struct paw_slice tail,
                  uint8_t out[PAW_STUN_HMAC_LEN]) {
  uint8_t block[SHA1_BLOCK_LEN] = {0};
  int status = PAW_OK;
  if (key_len > sizeof block) {
    struct paw_slice long_key = {.data = key, .len = key_len};
    status = sha1_parts(&long_key, 1, block);
  } else if (key_len > 0) {
    memcpy(block, key, key_len);
  }
  for (size_t i = 0; i < sizeof block; i++) {
    block[i] ^= 0x36;
  }
  uint8_t inner[PAW_STUN_HMAC_LEN] = {0};
  const struct paw_slice inside[3] = {{block, sizeof block}, head, tail};
  if (status == PAW_OK) {
    status = sha1_parts(inside, 3, inner);
  }
  for (size_t i = 0; i < sizeof block; i++) {
    block[i] ^= 0x36 ^ 0x5c;
  }
  const struct paw_slice outside[2] = {{block, sizeof block}, {inner, sizeof inner}};
  if (status == PAW_OK) {
    status = sha1_parts(outside, 2, out);
  }
  paw_mem_wipe(block, sizeof block);
  return status;
}

/* ---- CRC-32 ---- */

uint32_t paw_stun_crc32(const uint8_t *data, size_t len) {
  static const uint32_t nibbles[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < len; i++) {
    crc ^= data[i];
    crc = (crc >> 4) ^ nibbles[crc & 15];
    crc = (crc >> 4) ^ nibbles[crc & 15];
  }
  return ~crc;
}

/* ---- checks ---- */

static struct paw_rd value_at(const struct paw_stun_message *message, size_t offset) {
  struct paw_rd rd = paw_rd_init(message->datagram.data, message->datagram.len);
  paw_rd_skip(&rd, offset + STUN_ATTRIBUTE_HEADER_LEN);
  return rd;
}

/* RFC 8489 section 14.5: hashed as if the message ended with MESSAGE-INTEGRITY. */
bool paw_stun_check_integrity(const struct paw_stun_message *message, const uint8_t *key,
                              size_t key_len) {
  if ((message->has & PAW_STUN_HAS_INTEGRITY) == 0) {
    return false;
  }
  uint8_t header[PAW_STUN_HEADER_LEN];
  struct paw_rd rd = paw_rd_init(message->datagram.data, message->datagram.len);
  paw_rd_copy(&rd, header, sizeof header);
  size_t hashed_len = message->integrity_offset + STUN_ATTRIBUTE_HEADER_LEN + PAW_STUN_HMAC_LEN;
  struct paw_wr wr = {.data = header, .len = sizeof header, .room = sizeof header};
  paw_wr_patch_u16(&wr, 2, (uint16_t)(hashed_len - sizeof header));
  struct paw_slice head = {.data = header, .len = sizeof header};
  struct paw_slice tail = paw_rd_bytes(&rd, message->integrity_offset - sizeof header);
  struct paw_rd value = value_at(message, message->integrity_offset);
  struct paw_slice received = paw_rd_bytes(&value, PAW_STUN_HMAC_LEN);
  uint8_t mac[PAW_STUN_HMAC_LEN];
  return paw_stun_hmac(key, key_len, head, tail, mac) == PAW_OK && !value.bad &&
         paw_mem_equal_secret(mac, received.data, sizeof mac);
}

bool paw_stun_check_fingerprint(const struct paw_stun_message *message) {
  if ((message->has & PAW_STUN_HAS_FINGERPRINT) == 0) {
    return false;
  }
  struct paw_rd value = value_at(message, message->fingerprint_offset);
  uint32_t crc = paw_stun_crc32(message->datagram.data, message->fingerprint_offset);
  return paw_rd_u32(&value) == (crc ^ STUN_FINGERPRINT_XOR);
}
