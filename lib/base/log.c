/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

/* What came from the network shall not begin lines or steer terminals. */
static void mask_controls(char *text) {
  for (; *text != '\0'; text++) {
    if ((unsigned char)*text < ' ' || *text == 0x7f) {
      *text = '?';
    }
  }
}

void paw_log_write(const struct paw_log *log, enum paw_log_level level, const char *room,
                   const char *format, ...) {
  if (log->write == NULL || level > log->level) {
    return;
  }
  char text[256] = ""; /* longer lines are cut: a log line is for a person */
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  mask_controls(text);
  log->write(log->user_data, level, room, text);
}
