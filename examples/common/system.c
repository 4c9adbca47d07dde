/* SPDX-License-Identifier: MIT */
#include "system.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

const char *const system_log_level_names[] = {"error", "warning", "info", "debug", NULL};

static uint64_t read_clock(clockid_t clock) {
  struct timespec now;
  (void)clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * PAW_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t system_now_ns(void) {
  return read_clock(CLOCK_MONOTONIC);
}

struct paw_wall_anchor system_wall_anchor(void) {
  return (struct paw_wall_anchor){.now_ns = read_clock(CLOCK_MONOTONIC),
                                  .unix_ns = read_clock(CLOCK_REALTIME)};
}

int system_random(uint8_t *out, size_t len) {
  while (len > 0) {
    ssize_t got = getrandom(out, len, 0);
    if (got < 0 && errno != EINTR) {
      return -1;
    }
    if (got > 0) {
      out += got;
      len -= (size_t)got;
    }
  }
  return 0;
}

static int fill_random(void *user_data, uint8_t *out, size_t len) {
  (void)user_data;
  return system_random(out, len);
}

struct paw_rng system_rng(void) {
  return (struct paw_rng){.fill = fill_random};
}

static void write_log(void *user_data, enum paw_log_level level, const char *room,
                      const char *text) {
  struct timespec now;
  struct tm local;
  char clock[16] = "";
  (void)user_data;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  if (localtime_r(&now.tv_sec, &local) != NULL) {
    (void)strftime(clock, sizeof clock, "%H:%M:%S", &local);
  }
  fprintf(stderr, "%s.%03ld %s %s: %s\n", clock, now.tv_nsec / 1000000,
          system_log_level_names[level], room, text);
}

struct paw_log system_log(enum paw_log_level level) {
  return (struct paw_log){.write = write_log, .level = level};
}

void system_tell(const struct paw_log *log, enum paw_log_level level, const char *room,
                 const char *format, ...) {
  char text[1024];
  va_list arguments;
  if (log->write == NULL || level > log->level) {
    return;
  }
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  log->write(log->user_data, level, room, text);
}
