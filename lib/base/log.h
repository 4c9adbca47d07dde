/* SPDX-License-Identifier: MIT */
/* Telling the caller's log what happened. Never on the way of a media packet. */
#ifndef PAW_BASE_LOG_H
#define PAW_BASE_LOG_H

#include <pawebrtc/base.h>

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void paw_log_write(const struct paw_log *log, enum paw_log_level level, const char *room,
                   const char *format, ...);

#endif
