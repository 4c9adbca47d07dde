/* SPDX-License-Identifier: MIT */
/* Clocks, quantiles and memory of a process. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC. */
uint64_t bench_now_ns(void);

/* User and kernel time of this process. */
uint64_t bench_cpu_ns(void);

/* The value that a part `p` (0..1) of them does not exceed; sorts them. NAN when there are none. */
double bench_quantile(double *values, size_t count, double p);

/* Resident memory of this process, out of /proc/self/statm. */
size_t bench_rss_bytes(void);

#endif
