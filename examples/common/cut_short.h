/* SPDX-License-Identifier: MIT */
/* Whether an audio file ends before its container does: what decoders pass over in silence. */
#ifndef COMMON_CUT_SHORT_H
#define COMMON_CUT_SHORT_H

#include <stdbool.h>

/* True for a RIFF WAVE file whose data chunk says more than the file has, and for an Ogg file whose
 * last page is torn or not marked as the end of its stream (RFC 3533 section 6). False for every
 * other file, for one that cannot be read, and for a WAV that was written into a pipe: its size is
 * not known to itself. */
bool file_is_cut_short(const char *path);

#endif
