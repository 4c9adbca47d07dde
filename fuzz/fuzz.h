/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share. Each target is one file that defines LLVMFuzzerTestOneInput; it is
 * linked with libFuzzer, which makes up inputs, or with standalone.c, which reads them from files.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the library; when it is broken the input becomes a crash. */
#define FUZZ_CHECK(condition) fuzz_check((condition), #condition, __FILE__, __LINE__)

static inline void fuzz_check(bool holds, const char *text, const char *file, int line) {
  if (!holds) {
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
    abort();
  }
}

/* A copy on the heap of exactly this size, so that the sanitizer sees the first byte read past the
 * end. To be freed. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t len) {
  uint8_t *copy = malloc(len);
  FUZZ_CHECK(copy != NULL || len == 0);
  if (len > 0) {
    memcpy(copy, data, len);
  }
  return copy;
}

/* ---- input as a script ---- */

/* Takes an input apart from its front; past the end everything is 0. */
struct fuzz_script {
  const uint8_t *data;
  size_t left;
};

static inline bool fuzz_script_ended(const struct fuzz_script *script) {
  return script->left == 0;
}

static inline uint8_t fuzz_take_u8(struct fuzz_script *script) {
  if (script->left == 0) {
    return 0;
  }
  script->left--;
  return *script->data++;
}

static inline uint16_t fuzz_take_u16(struct fuzz_script *script) {
  uint16_t high = fuzz_take_u8(script);
  return (uint16_t)(high << 8 | fuzz_take_u8(script));
}

static inline uint32_t fuzz_take_u32(struct fuzz_script *script) {
  uint32_t high = fuzz_take_u16(script);
  return high << 16 | fuzz_take_u16(script);
}

/* The next `wanted` bytes, or what is left of them, as an exact copy. To be freed. */
static inline uint8_t *fuzz_take_bytes(struct fuzz_script *script, size_t wanted, size_t *len) {
  *len = wanted < script->left ? wanted : script->left;
  uint8_t *copy = fuzz_copy(script->data, *len);
  script->data += *len;
  script->left -= *len;
  return copy;
}

#endif
