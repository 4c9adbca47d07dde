/* SPDX-License-Identifier: MIT */
/* Keys where they are used: a password as the codec of STUN wants it. */
#ifndef KIT_HMAC_H
#define KIT_HMAC_H

#include "base/hmac.h"
#include "base/rd.h"

static inline struct paw_hmac_key kit_hmac_key(const uint8_t *bytes, size_t len) {
  struct paw_hmac_key key = {0};
  (void)paw_hmac_key_init(&key, bytes, len);
  return key;
}

/* Lives as long as the block around it. */
#define KIT_HMAC_KEY(bytes, len) ((const struct paw_hmac_key[]){kit_hmac_key(bytes, len)})

/* The whole of HMAC-SHA1 in one call. */
static inline int kit_hmac(const uint8_t *bytes, size_t len, struct paw_slice message,
                           uint8_t out[PAW_HMAC_LEN]) {
  struct paw_hmac_key key = kit_hmac_key(bytes, len);
  struct paw_hmac hmac;
  paw_hmac_begin(&hmac, &key);
  paw_hmac_update(&hmac, message.data, message.len);
  return paw_hmac_end(&hmac, &key, out);
}

#endif
