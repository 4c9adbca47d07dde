/* SPDX-License-Identifier: MIT */
#include "secret.h"

/* The compiler must not see that the result is known early. */
bool secret_equal(const char *a, const char *b, size_t len) {
  volatile unsigned char difference = 0;
  for (size_t i = 0; i < len; i++) {
    difference = (unsigned char)(difference | (unsigned char)(a[i] ^ b[i]));
  }
  return difference == 0;
}
