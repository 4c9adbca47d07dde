/* SPDX-License-Identifier: MIT */
#include "kit/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kit_log_init(struct kit_log *log) {
  memset(log, 0, sizeof *log);
}

static const char *level_text(enum paw_log_level level) {
  switch (level) {
  case PAW_LOG_ERROR:
    return "ERROR";
  case PAW_LOG_WARNING:
    return "WARNING";
  case PAW_LOG_INFO:
    return "INFO";
  case PAW_LOG_DEBUG:
    return "DEBUG";
  }
  return "?";
}

static void write_line(void *user_data, enum paw_log_level level, const char *room,
                       const char *text) {
  struct kit_log *log = user_data;
  char line[1024];
  snprintf(line, sizeof line, "%s %s: %s\n", level_text(level), room, text);
  log->line_count++;
  if (level <= PAW_LOG_DEBUG) {
    log->level_counts[level]++;
  }
  if (getenv("PAW_LOG") != NULL) {
    fputs(line, stderr);
  }
  size_t len = strlen(line);
  if (len >= sizeof log->text - log->len) {
    log->lines_left_out++;
    return;
  }
  memcpy(log->text + log->len, line, len + 1);
  log->len += len;
}

struct paw_log kit_log_hook(struct kit_log *log) {
  return (struct paw_log){.write = write_line, .user_data = log, .level = PAW_LOG_DEBUG};
}

bool kit_log_contains(const struct kit_log *log, const char *text) {
  return strstr(log->text, text) != NULL;
}
