/* SPDX-License-Identifier: MIT */
/* Small files of the programs: read whole, written whole and private. */
#ifndef COMMON_FILES_H
#define COMMON_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

enum file_verdict { FILE_OK, FILE_MISSING, FILE_BAD };

/* Read a file of at most `max_bytes`. `*out` is the caller's to free; a NUL stands behind it.
 * FILE_MISSING and FILE_BAD fill the fault. */
enum file_verdict file_read(const char *path, size_t max_bytes, char **out, size_t *len,
                            struct fault *fault);

/* Replace a file in one step (a temporary beside it, synced, renamed), mode 0600. */
int file_write_private(const char *path, const char *data, size_t len, struct fault *fault);

/* Refuse a file that others than its owner may read or write. */
int file_check_private(const char *path, struct fault *fault);

/* Make a directory and the ones above it, mode 0700. One that is there is fine. */
int directory_make(const char *path, struct fault *fault);

/* The state folder of `program`: what was given, or systemd's StateDirectory=, or by the XDG base
 * directories; a service without a home has /var/lib. */
int directory_choose(const char *program, const char *given, char *out, size_t size,
                     struct fault *fault);

#endif
