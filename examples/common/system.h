/* SPDX-License-Identifier: MIT */
/* What the library wants from the system: the monotonic clock, random bytes, a place to log to. */
#ifndef COMMON_SYSTEM_H
#define COMMON_SYSTEM_H

#include <pawebrtc/base.h>

/* CLOCK_MONOTONIC. */
uint64_t system_now_ns(void);

/* The wall clock at this moment, tied to the monotonic one. */
struct paw_wall_anchor system_wall_anchor(void);

/* getrandom(2). */
struct paw_rng system_rng(void);

/* Fill with random bytes; 0, or -1 when the kernel gives none. */
int system_random(uint8_t *out, size_t len);

/* Give the kernel back what was freed, as far as the C library knows how: some milliseconds where
 * there is much of it. */
void system_give_back_memory(void);

/* Open /dev/null where descriptor 0, 1 or 2 is closed: a socket must not become standard error.
 * Call it first in main. */
void system_fill_standard_files(void);

/* Write a line (without its newline; 4 kB at most) to STDOUT_FILENO or STDERR_FILENO and never wait
 * for its reader: a line that does not fit now is left out. How many were is told on standard error
 * as soon as lines pass again. Control characters become `?`. */
void system_write_line(int fd, const char *text);

/* The same, formatted. */
__attribute__((format(printf, 2, 3))) void system_print_line(int fd, const char *format, ...);

/* Standard error, one line a message: "HH:MM:SS.mmm level room: text". */
struct paw_log system_log(enum paw_log_level level);

/* Tell something under the name of `room`, if `log` wants its level. */
__attribute__((format(printf, 4, 5))) void system_tell(const struct paw_log *log,
                                                       enum paw_log_level level, const char *room,
                                                       const char *format, ...);

/* The names of the levels for an OPTION_CHOICE, in the order of enum paw_log_level, NULL at the
 * end: error warning info debug. */
extern const char *const system_log_level_names[];

#endif
