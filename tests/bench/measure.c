/* SPDX-License-Identifier: MIT */
#include "bench/measure.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t read_clock(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t bench_now_ns(void) {
  return read_clock(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void) {
  return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static int compare(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

double bench_quantile(double *values, size_t count, double p) {
  if (count == 0)
    return NAN;
  qsort(values, count, sizeof *values, compare);
  size_t rank = (size_t)ceil(p * (double)count);
  return values[rank > 0 ? rank - 1 : 0];
}

/* Without stdio, which allocates. */
size_t bench_rss_bytes(void) {
  char text[128] = {0};
  unsigned long total = 0, resident = 0;
  int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  if (read(fd, text, sizeof text - 1) <= 0 || sscanf(text, "%lu %lu", &total, &resident) != 2)
    resident = 0;
  close(fd);
  return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}
