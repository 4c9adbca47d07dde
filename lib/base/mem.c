/* SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void *paw_mem_alloc(const struct paw_allocator *allocator, size_t len) {
  if (allocator->alloc == NULL) {
    return calloc(1, len);
  }
  void *memory = allocator->alloc(allocator->user_data, len);
  if (memory != NULL) {
    memset(memory, 0, len);
  }
  return memory;
}

void paw_mem_free(const struct paw_allocator *allocator, void *memory) {
  if (memory == NULL) {
    return;
  }
  if (allocator->free == NULL) {
    free(memory);
  } else {
    allocator->free(allocator->user_data, memory);
  }
}

void paw_mem_wipe(void *secret, size_t len) {
  volatile uint8_t *bytes = secret;
  for (size_t i = 0; i < len; i++) {
    bytes[i] = 0;
  }
}

bool paw_mem_equal_secret(const uint8_t *a, const uint8_t *b, size_t len) {
  uint8_t difference = 0;
  for (size_t i = 0; i < len; i++) {
    difference = (uint8_t)(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

int paw_config_take(void *own, size_t own_size, const void *given) {
  size_t given_size = 0;
  memcpy(&given_size, given, sizeof given_size);
  if (given_size <= sizeof given_size || given_size > 65536) {
    return PAW_ERR_INVALID;
  }
  memcpy(own, given, given_size < own_size ? given_size : own_size);
  memcpy(own, &own_size, sizeof own_size);
  return PAW_OK;
}
