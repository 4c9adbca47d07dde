/* SPDX-License-Identifier: MIT */
/* The stored descriptions of tests/vectors/sdp, and comparing of descriptions. */
#ifndef TEXT_FILE_H
#define TEXT_FILE_H

#include "sdp/sdp.h"

/* The bytes of a file there, on the heap without a NUL, so that reading past the end is seen. */
char *read_vector(const char *name, size_t *len);

/* A copy on the heap of exactly these bytes. */
char *copy_exact(const char *text, size_t len);

/* Parse the text and read its audio section `index`. The first status that is not PAW_OK. */
int read_description(const char *text, size_t len, size_t index, struct paw_description *out);

/* Fail, naming the member, unless both say the same. */
void expect_same_description(const struct paw_description *a, const struct paw_description *b);

#endif
