/* SPDX-License-Identifier: MIT */
/* Small files of the programs: read whole, written whole and private. */
#ifndef COMMON_FILES_H
#define COMMON_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

enum file_verdict { FILE_OK, FILE_MISSING, FILE_BAD };

/* What a file must be to be read. */
enum file_kind {
  FILE_GIVEN,        /* whatever a person names */
  FILE_GIVEN_SECRET, /* the same, but a plain file that nobody else can read or write */
  FILE_STATE,        /* of the state folder: a plain file, no link to one, that nobody else can
                        write */
  FILE_STATE_SECRET, /* the same, and nobody else can read it */
};

/* Read a file of at most `max_bytes`. `*out` is the caller's to free; a NUL stands behind it.
 * FILE_MISSING and FILE_BAD fill the fault. */
enum file_verdict file_read(const char *path, enum file_kind kind, size_t max_bytes, char **out,
                            size_t *len, struct fault *fault);

/* Replace a file in one step (a temporary beside it, synced, renamed), mode 0600. */
int file_write_private(const char *path, const char *data, size_t len, struct fault *fault);

/* Make a directory and the ones above it, mode 0700. One that is there is fine if only its owner,
 * this user or root, can write in it: else a link could be put in the place of a file of ours. */
int directory_make(const char *path, struct fault *fault);

/* The same of one that is there; one that is not is fine. */
int directory_check(const char *path, struct fault *fault);

/* The state folder of `program`: what was given, or systemd's StateDirectory=, or by the XDG base
 * directories; a service without a home has /var/lib. */
int directory_choose(const char *program, const char *given, char *out, size_t size,
                     struct fault *fault);

#endif
