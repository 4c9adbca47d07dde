/* SPDX-License-Identifier: MIT */
#include "dtls/private.h"

static const mbedtls_md_info_t *find_hash(enum paw_hash hash) {
  switch (hash) {
  case PAW_HASH_SHA1: /* RFC 8122 section 5: too weak for new implementations */
    return NULL;
  case PAW_HASH_SHA224:
    return mbedtls_md_info_from_type(MBEDTLS_MD_SHA224);
  case PAW_HASH_SHA256:
    return mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
  case PAW_HASH_SHA384:
    return mbedtls_md_info_from_type(MBEDTLS_MD_SHA384);
  case PAW_HASH_SHA512:
    return mbedtls_md_info_from_type(MBEDTLS_MD_SHA512);
  }
  return NULL;
}

bool paw_dtls_fingerprint_is_supported(const struct paw_fingerprint *fingerprint) {
  const mbedtls_md_info_t *hash = find_hash(fingerprint->hash);
  return hash != NULL && fingerprint->len == mbedtls_md_get_size(hash);
}

int paw_dtls_fingerprint_compute(const uint8_t *der, size_t len, enum paw_hash hash,
                                 struct paw_fingerprint *out) {
  const mbedtls_md_info_t *info = find_hash(hash);
  if (info == NULL) {
    return PAW_ERR_UNSUPPORTED;
  }
  *out = (struct paw_fingerprint){.hash = hash, .len = mbedtls_md_get_size(info)};
  return mbedtls_md(info, der, len, out->value) == 0 ? PAW_OK : PAW_ERR_CRYPTO;
}

unsigned paw_dtls_fingerprint_matches(const struct paw_fingerprint *fingerprints, size_t count,
                                      const uint8_t *der, size_t len) {
  unsigned matches = 0;
  for (size_t i = 0; i < count; i++) {
    struct paw_fingerprint own;
    if (paw_dtls_fingerprint_is_supported(&fingerprints[i]) &&
        paw_dtls_fingerprint_compute(der, len, fingerprints[i].hash, &own) == PAW_OK &&
        memcmp(own.value, fingerprints[i].value, own.len) == 0) {
      matches |= 1u << i;
    }
  }
  return matches;
}
