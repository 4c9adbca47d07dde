/* SPDX-License-Identifier: MIT */
/* Collects what the library logs. */
#ifndef KIT_LOG_H
#define KIT_LOG_H

#include <pawebrtc/base.h>

#define KIT_LOG_BYTES 32768

/* Allocates nothing, so that it may be used where allocations are counted. */
struct kit_log {
  size_t len;               /* of text, without its NUL */
  char text[KIT_LOG_BYTES]; /* lines "LEVEL room: text\n", oldest first */
  uint64_t line_count;
  uint64_t lines_left_out; /* there was no more room */
  uint64_t level_counts[PAW_LOG_DEBUG + 1];
};

void kit_log_init(struct kit_log *log);

/* The library's hook, at level debug. While the environment has PAW_LOG=1, lines are printed on
 * standard error too. `log` must outlive its users. */
struct paw_log kit_log_hook(struct kit_log *log);

/* Does `text` stand somewhere in what was logged? */
bool kit_log_contains(const struct kit_log *log, const char *text);

#endif
