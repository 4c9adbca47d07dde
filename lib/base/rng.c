/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <string.h>

int paw_rng_bytes(const struct paw_rng *rng, uint8_t *out, size_t len) {
  if (rng->fill == NULL || rng->fill(rng->user_data, out, len) != 0) {
    memset(out, 0, len);
    return PAW_ERR_RANDOM;
  }
  return PAW_OK;
}

int paw_rng_u32(const struct paw_rng *rng, uint32_t *out) {
  uint8_t bytes[4];
  int status = paw_rng_bytes(rng, bytes, sizeof bytes);
  *out = ((uint32_t)bytes[0] << 24) | ((uint32_t)bytes[1] << 16) | ((uint32_t)bytes[2] << 8) |
         bytes[3];
  return status;
}

int paw_rng_u64(const struct paw_rng *rng, uint64_t *out) {
  uint32_t high = 0;
  uint32_t low = 0;
  int status = paw_rng_u32(rng, &high);
  if (status == PAW_OK) {
    status = paw_rng_u32(rng, &low);
  }
  *out = status == PAW_OK ? (uint64_t)high << 32 | low : 0;
  return status;
}

int paw_rng_text(const struct paw_rng *rng, char *out, size_t len) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  int status = paw_rng_bytes(rng, (uint8_t *)out, len);
  for (size_t i = 0; i < len && status == PAW_OK; i++) {
    out[i] = alphabet[(uint8_t)out[i] & 63];
  }
  out[len] = '\0';
  return status;
}
