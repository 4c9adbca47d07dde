/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void paw_log_write(const struct paw_log *log, enum paw_log_level level, const char *room,
                   const char *format, ...) {
  if (log->write == NULL || level > log->level) {
    return;
  }
  char text[256]; /* longer lines are cut: a log line is for a person */
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  log->write(log->user_data, level, room, text);
}
