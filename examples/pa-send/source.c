/* SPDX-License-Identifier: MIT */
#include "source.h"

#include <string.h>

int source_open(const char *name, struct loop *loop, const struct paw_log *log, struct source **out,
                struct fault *fault) {
  if (strcmp(name, "-") == 0) {
    return source_stdin_open(loop, log, out, fault);
  }
  if (strncmp(name, "alsa:", 5) == 0) {
    return source_alsa_open(name, log, out, fault);
  }
  if (strncmp(name, "tone:", 5) == 0 || strcmp(name, "chime:") == 0) {
    return source_tone_open(name, out, fault);
  }
  return source_file_open(name, log, out, fault);
}
