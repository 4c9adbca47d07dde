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
