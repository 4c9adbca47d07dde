/* SPDX-License-Identifier: MIT */
/* What differs between mbedTLS 2.28 and 3.6, in one place: everything else includes mbedTLS through
 * this header and is written once. Tested with 2.28; the 3.6 side follows its migration guide. */
#ifndef PAW_BASE_MBEDTLS_COMPAT_H
#define PAW_BASE_MBEDTLS_COMPAT_H

#include <mbedtls/version.h>

/* 2.28 tests macros of its own that may be undefined. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#include <mbedtls/aes.h>
#include <mbedtls/sha1.h>
#pragma GCC diagnostic pop

/* 3.x hides struct members behind this macro; 2.28 has them plain. */
#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

#endif
