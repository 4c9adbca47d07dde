/* SPDX-License-Identifier: MIT */
#include "level.h"

#include <math.h>

double level_dbfs(const int16_t *pcm, size_t count) {
  double sum = 0.0;
  for (size_t i = 0; i < count; i++) {
    sum += (double)pcm[i] * (double)pcm[i];
  }
  if (sum == 0.0) {
    return -127.0;
  }
  double db = 10.0 * log10(sum / (double)count / (32768.0 * 32768.0));
  return db > -127.0 ? db : -127.0;
}

uint8_t level_rfc6464(const int16_t *pcm, size_t count) {
  double db = level_dbfs(pcm, count);
  return db >= 0.0 ? 0 : (uint8_t)lrint(-db);
}
