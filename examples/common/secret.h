/* SPDX-License-Identifier: MIT */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Are two secrets of the same length equal? Takes as long wherever they differ. */
bool secret_equal(const char *a, const char *b, size_t len);

#endif
