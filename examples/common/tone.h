/* SPDX-License-Identifier: MIT */
/* Sounds that need no file: a sine and a two-tone gong; mono, int16, 48 kHz. */
#ifndef COMMON_TONE_H
#define COMMON_TONE_H

#include <stddef.h>
#include <stdint.h>

/* Length of the gong with the silence after it, which makes a fit pause when it is repeated. */
#define CHIME_FRAMES 192000

/* Peak of the sine: -12 dBFS. */
#define TONE_PEAK 8231

/* `frames` samples of a sine that began at sample 0, from sample `position`. */
void tone_render(double hz, uint64_t position, int16_t *pcm, size_t frames);

/* `frames` samples of the gong from sample `position`; silence past CHIME_FRAMES. */
void chime_render(uint64_t position, int16_t *pcm, size_t frames);

#endif
