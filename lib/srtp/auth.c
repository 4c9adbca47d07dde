/* SPDX-License-Identifier: MIT */
#include "base/mbedtls_compat.h"
#include "base/mem.h"
#include "base/wr.h"
#include "srtp/private.h"

#include <string.h>

#define BLOCK_LEN 64
#define HASH_LEN 20
#define STATE_WORDS 5
#define LENGTH_OFFSET (BLOCK_LEN - 8) /* of the last block's length */

/* The two hash states that the key alone determines are kept; a packet starts from them, so that
 * neither pad is hashed again (RFC 2104 section 4). */
struct hmac {
  uint32_t inner[STATE_WORDS];
  uint32_t outer[STATE_WORDS];
  mbedtls_sha1_context sha1; /* only its `state` is used */
  uint64_t len;              /* bytes hashed since start, the pad not counted */
  uint8_t partial[BLOCK_LEN];
  int failed;
};

struct auth {
  srtp_auth_t base;
  struct hmac hmac;
};

static const struct paw_allocator no_allocator = {NULL, NULL, NULL};

/* RFC 3174 section 6.1. */
static const uint32_t sha1_initial[STATE_WORDS] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                                                   0xc3d2e1f0};

static srtp_err_status_t auth_alloc(srtp_auth_pointer_t *out, int key_len, int out_len) {
  if (key_len < 0 || key_len > BLOCK_LEN || out_len < 0 || out_len > HASH_LEN) {
    return srtp_err_status_bad_param;
  }
  struct auth *auth = paw_mem_alloc(&no_allocator, sizeof *auth);
  if (auth == NULL) {
    return srtp_err_status_alloc_fail;
  }
  mbedtls_sha1_init(&auth->hmac.sha1);
  auth->base.type = &paw_srtp_auth_type;
  auth->base.state = &auth->hmac;
  auth->base.out_len = out_len;
  auth->base.key_len = key_len;
  auth->base.prefix_len = 0;
  *out = &auth->base;
  return srtp_err_status_ok;
}

static srtp_err_status_t auth_dealloc(srtp_auth_pointer_t pointer) {
  struct auth *auth = (struct auth *)pointer;
  mbedtls_sha1_free(&auth->hmac.sha1);
  paw_mem_wipe(auth, sizeof *auth);
  paw_mem_free(&no_allocator, auth);
  return srtp_err_status_ok;
}

static void load_state(struct hmac *hmac, const uint32_t *state) {
  memcpy(hmac->sha1.MBEDTLS_PRIVATE(state), state, sizeof hmac->inner);
}

static void compress(struct hmac *hmac, const uint8_t *block) {
  hmac->failed |= mbedtls_internal_sha1_process(&hmac->sha1, block);
}

static void hash_pad(struct hmac *hmac, const uint8_t *key, size_t key_len, uint8_t pad,
                     uint32_t *out) {
  uint8_t block[BLOCK_LEN];
  memset(block, pad, sizeof block);
  for (size_t i = 0; i < key_len; i++) {
    block[i] ^= key[i];
  }
  load_state(hmac, sha1_initial);
  compress(hmac, block);
  memcpy(out, hmac->sha1.MBEDTLS_PRIVATE(state), sizeof hmac->inner);
  paw_mem_wipe(block, sizeof block);
}

static srtp_err_status_t auth_init(void *state, const uint8_t *key, int key_len) {
  struct hmac *hmac = state;
  if (key_len < 0 || key_len > BLOCK_LEN) {
    return srtp_err_status_bad_param;
  }
  hmac->failed = 0;
  hash_pad(hmac, key, (size_t)key_len, 0x36, hmac->inner);
  hash_pad(hmac, key, (size_t)key_len, 0x5c, hmac->outer);
  return hmac->failed == 0 ? srtp_err_status_ok : srtp_err_status_init_fail;
}

static srtp_err_status_t auth_start(void *state) {
  struct hmac *hmac = state;
  load_state(hmac, hmac->inner);
  hmac->len = 0;
  hmac->failed = 0;
  return srtp_err_status_ok;
}

/* Whole blocks are hashed where they lie, in the packet. */
static void hash_bytes(struct hmac *hmac, const uint8_t *data, size_t len) {
  size_t held = (size_t)(hmac->len % BLOCK_LEN);
  hmac->len += len;
  if (held > 0) {
    size_t fill = len < BLOCK_LEN - held ? len : BLOCK_LEN - held;
    memcpy(hmac->partial + held, data, fill);
    data += fill;
    len -= fill;
    if (held + fill < BLOCK_LEN) {
      return;
    }
    compress(hmac, hmac->partial);
  }
  for (; len >= BLOCK_LEN; data += BLOCK_LEN, len -= BLOCK_LEN) {
    compress(hmac, data);
  }
  memcpy(hmac->partial, data, len);
}

/* RFC 3174 section 4: a one bit, zeros, and the length in bits; one block came before (the pad). */
static void hash_end(struct hmac *hmac, uint8_t hash[HASH_LEN]) {
  uint64_t bits = 8 * (BLOCK_LEN + hmac->len);
  size_t held = (size_t)(hmac->len % BLOCK_LEN);
  hmac->partial[held++] = 0x80;
  memset(hmac->partial + held, 0, BLOCK_LEN - held);
  if (held > LENGTH_OFFSET) {
    compress(hmac, hmac->partial);
    memset(hmac->partial, 0, LENGTH_OFFSET);
  }
  paw_put_u32(hmac->partial + LENGTH_OFFSET, (uint32_t)(bits >> 32));
  paw_put_u32(hmac->partial + LENGTH_OFFSET + 4, (uint32_t)bits);
  compress(hmac, hmac->partial);
  for (size_t i = 0; i < STATE_WORDS; i++) {
    paw_put_u32(hash + 4 * i, hmac->sha1.MBEDTLS_PRIVATE(state)[i]);
  }
}

static srtp_err_status_t auth_update(void *state, const uint8_t *data, int len) {
  if (len < 0) {
    return srtp_err_status_bad_param;
  }
  hash_bytes(state, data, (size_t)len);
  return srtp_err_status_ok;
}

static srtp_err_status_t auth_compute(void *state, const uint8_t *data, int len, int tag_len,
                                      uint8_t *tag) {
  struct hmac *hmac = state;
  uint8_t hash[HASH_LEN];
  if (len < 0 || tag_len < 0 || tag_len > HASH_LEN) {
    return srtp_err_status_bad_param;
  }
  hash_bytes(hmac, data, (size_t)len);
  hash_end(hmac, hash);
  load_state(hmac, hmac->outer);
  hmac->len = 0;
  hash_bytes(hmac, hash, sizeof hash);
  hash_end(hmac, hash);
  memcpy(tag, hash, (size_t)tag_len);
  return hmac->failed == 0 ? srtp_err_status_ok : srtp_err_status_auth_fail;
}

/* RFC 2202 section 3, test case 1. */
static const uint8_t test_key[20] = {0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                                     0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b};
static const uint8_t test_data[8] = {'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e'};
static const uint8_t test_tag[20] = {0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b,
                                     0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00};

static const srtp_auth_test_case_t test_case = {
    .key_length_octets = sizeof test_key,
    .key = test_key,
    .data_length_octets = sizeof test_data,
    .data = test_data,
    .tag_length_octets = sizeof test_tag,
    .tag = test_tag,
};

const srtp_auth_type_t paw_srtp_auth_type = {
    .alloc = auth_alloc,
    .dealloc = auth_dealloc,
    .init = auth_init,
    .compute = auth_compute,
    .update = auth_update,
    .start = auth_start,
    .description = "HMAC-SHA1 over mbedTLS",
    .test_data = &test_case,
    .id = SRTP_HMAC_SHA1,
};
