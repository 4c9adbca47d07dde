/* SPDX-License-Identifier: MIT */
#include "source.h"

#include <string.h>

int source_check(const char *name, bool loop, struct fault *fault) {
  bool is_alsa = strncmp(name, "alsa:", 5) == 0;
  if (strcmp(name, "alsa:") == 0) {
    return fault_set(fault, "SOURCE alsa: lacks its device, as in alsa:default");
  }
  if (loop && (is_alsa || strcmp(name, "-") == 0)) {
    return fault_set(fault, "--loop: %s cannot begin again; files, chime: and tone:HZ can", name);
  }
  return strncmp(name, "tone:", 5) == 0 ? source_tone_check(name, fault) : 0;
}

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
