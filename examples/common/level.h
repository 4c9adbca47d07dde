/* SPDX-License-Identifier: MIT */
/* Loudness of PCM. */
#ifndef COMMON_LEVEL_H
#define COMMON_LEVEL_H

#include <stddef.h>
#include <stdint.h>

/* Root mean square in dB below full scale of int16 (0 is a square wave of full scale), never below
 * -127. `count` values, whatever the channels. */
double level_dbfs(const int16_t *pcm, size_t count);

/* The same as RFC 6464 section 3 wants it: -dBov, 0 (loud) .. 127 (silence). */
uint8_t level_rfc6464(const int16_t *pcm, size_t count);

#endif
