/* SPDX-License-Identifier: MIT */
/* Random bytes and numbers out of the caller's source. */
#ifndef PAW_BASE_RNG_H
#define PAW_BASE_RNG_H

#include <pawebrtc/base.h>

/* PAW_OK; PAW_ERR_RANDOM, with `out` zeroed. */
int paw_rng_bytes(const struct paw_rng *rng, uint8_t *out, size_t len);
int paw_rng_u32(const struct paw_rng *rng, uint32_t *out);
int paw_rng_u64(const struct paw_rng *rng, uint64_t *out);

/* `len` random characters of the base64 alphabet, which are ice-chars (RFC 8839 section 5.1), six
 * bits each, and a NUL. PAW_OK; PAW_ERR_RANDOM, with `out` all NULs. */
int paw_rng_text(const struct paw_rng *rng, char *out, size_t len);

#endif
