/* SPDX-License-Identifier: MIT */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

const char *const system_log_level_names[] = {"error", "warning", "info", "debug", NULL};

static uint64_t read_clock(clockid_t clock) {
  struct timespec now;
  (void)clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * PAW_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t system_now_ns(void) {
  return read_clock(CLOCK_MONOTONIC);
}

/* Reading two clocks takes less than this; being held up in between takes more, and what is mapped
 * would jump by it. */
#define ANCHOR_GAP_NS (10 * UINT64_C(1000))
#define ANCHOR_TRIES_MAX 8

struct paw_wall_anchor system_wall_anchor(void) {
  struct paw_wall_anchor best = {0};
  uint64_t least_ns = UINT64_MAX;
  for (int i = 0; i < ANCHOR_TRIES_MAX && least_ns > ANCHOR_GAP_NS; i++) {
    uint64_t before_ns = read_clock(CLOCK_MONOTONIC);
    uint64_t unix_ns = read_clock(CLOCK_REALTIME);
    uint64_t after_ns = read_clock(CLOCK_MONOTONIC);
    if (after_ns - before_ns < least_ns) {
      least_ns = after_ns - before_ns;
      best = (struct paw_wall_anchor){.now_ns = after_ns, .unix_ns = unix_ns};
    }
  }
  return best;
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

void system_give_back_memory(void) {
#ifdef __GLIBC__
  (void)malloc_trim(0);
#endif
}

/* ---- lines ---- */

/* A pipe that polls as writable takes so much without waiting (PIPE_BUF). */
#define LINE_BYTES_MAX 4096

/* What became of the lines of a standard descriptor: it is one of the process, so is this. */
static struct outlet {
  uint64_t left_out;
  bool torn; /* the last line was taken in part only */
} outlets[STDERR_FILENO + 1];

void system_fill_standard_files(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      /* The lowest free number is this one: those below are open by now. */
      (void)open("/dev/null", O_RDWR);
    }
  }
}

static bool is_writable(int fd) {
  struct pollfd polled = {.fd = fd, .events = POLLOUT};
  return poll(&polled, 1, 0) == 1 && (polled.revents & POLLOUT) != 0;
}

static bool write_now(int fd, const char *bytes, size_t len) {
  if (!is_writable(fd)) {
    return false;
  }
  ssize_t wrote = write(fd, bytes, len);
  if (wrote > 0) {
    outlets[fd].torn = (size_t)wrote < len;
  }
  return wrote == (ssize_t)len;
}

static bool try_line(int fd, const char *text) {
  char line[LINE_BYTES_MAX];
  size_t len = 0;
  if (outlets[fd].torn) {
    line[len++] = '\n';
  }
  for (; *text != '\0' && len < sizeof line - 1; text++) {
    unsigned char byte = (unsigned char)*text;
    line[len++] = byte < 0x20 || byte == 0x7f ? '?' : *text;
  }
  line[len++] = '\n';
  return write_now(fd, line, len);
}

static void tell_left_out(int fd) {
  char text[128];
  (void)snprintf(text, sizeof text, "%llu lines of standard %s were left out: nobody read them",
                 (unsigned long long)outlets[fd].left_out,
                 fd == STDERR_FILENO ? "error" : "output");
  if (try_line(STDERR_FILENO, text)) {
    outlets[fd].left_out = 0;
  }
}

void system_write_line(int fd, const char *text) {
  if (!try_line(fd, text)) {
    outlets[fd].left_out++;
  } else if (outlets[fd].left_out > 0) {
    tell_left_out(fd);
  }
}

void system_print_line(int fd, const char *format, ...) {
  char text[LINE_BYTES_MAX];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  system_write_line(fd, text);
}

/* ---- the log ---- */

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
  system_print_line(STDERR_FILENO, "%s.%03ld %s %s: %s", clock, now.tv_nsec / 1000000,
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
