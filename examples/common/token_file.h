/* SPDX-License-Identifier: MIT */
/* A bearer token (RFC 6750), alone on the first line of a file. */
#ifndef COMMON_TOKEN_FILE_H
#define COMMON_TOKEN_FILE_H

#include "fault.h"

#define TOKEN_FILE_TOKEN_SIZE 512

/* White space around the token is passed over; anything that cannot stand in an HTTP field is a
 * fault that names the file. */
int token_file_read(const char *path, char out[TOKEN_FILE_TOKEN_SIZE], struct fault *fault);

#endif
