/* SPDX-License-Identifier: MIT */
/* How speech was damaged: numbers from 16-bit mono PCM at 48 kHz and what it should have been, both
 * aligned. */
#ifndef BENCH_QUALITY_H
#define BENCH_QUALITY_H

#include <stddef.h>
#include <stdint.h>

/* Short-time objective intelligibility: Taal, Hendriks, Heusdens, Jensen, "An algorithm for
 * intelligibility prediction of time-frequency weighted noisy speech", 2011. 1 = undamaged. Worked
 * out minute by minute, each with its own loudest frame, and averaged over all segments. */
double quality_stoi(const int16_t *wanted, const int16_t *heard, size_t frames);

/* Mean over 20 ms frames that hold sound of the signal-to-noise ratio, kept within -10..35 dB. */
double quality_segmental_snr_db(const int16_t *wanted, const int16_t *heard, size_t frames);

double quality_mean_square(const int16_t *pcm, size_t frames);

/* Of one piece; 100 dB is equal. */
double quality_snr_db(const int16_t *wanted, const int16_t *heard, size_t frames);

#endif
