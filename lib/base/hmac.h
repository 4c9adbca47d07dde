/* SPDX-License-Identifier: MIT */
/* HMAC-SHA1 (RFC 2104) over mbedTLS's compression function. Differs from mbedtls_md_hmac, which
 * allocates at every call and hashes both pads anew. */
#ifndef PAW_BASE_HMAC_H
#define PAW_BASE_HMAC_H

#include <pawebrtc/base.h>

#include "base/mbedtls_compat.h"

#define PAW_HMAC_LEN 20
#define PAW_HMAC_BLOCK_LEN 64
#define PAW_HMAC_STATE_WORDS 5

/* The two hash states that the key alone determines: a message starts from them, so that neither
 * pad is hashed again (RFC 2104 section 4). Saves a check of ICE two of five blocks. */
struct paw_hmac_key {
  uint32_t inner[PAW_HMAC_STATE_WORDS];
  uint32_t outer[PAW_HMAC_STATE_WORDS];
};

/* A message under way. */
struct paw_hmac {
  mbedtls_sha1_context sha1; /* only its `state` is used */
  uint64_t len;              /* bytes hashed, the pad counted */
  uint8_t partial[PAW_HMAC_BLOCK_LEN];
  int failed;
};

/* PAW_OK; PAW_ERR_CRYPTO. */
int paw_hmac_key_init(struct paw_hmac_key *key, const uint8_t *bytes, size_t len);

void paw_hmac_begin(struct paw_hmac *hmac, const struct paw_hmac_key *key);

/* Whole blocks are hashed where they lie. */
void paw_hmac_update(struct paw_hmac *hmac, const uint8_t *data, size_t len);

/* PAW_OK; PAW_ERR_CRYPTO. `key`: as it began with. */
int paw_hmac_end(struct paw_hmac *hmac, const struct paw_hmac_key *key, uint8_t out[PAW_HMAC_LEN]);

#endif
