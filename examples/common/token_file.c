/* SPDX-License-Identifier: MIT */
#include "token_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SPACE " \t\r\n"

/* RFC 6750 section 2.1: printable, no space. */
static bool is_token(const char *text) {
  for (const char *c = text; *c != '\0'; c++) {
    if (*c < '!' || *c > '~') {
      return false;
    }
  }
  return text[0] != '\0';
}

int token_file_read(const char *path, char out[TOKEN_FILE_TOKEN_SIZE], struct fault *fault) {
  char line[TOKEN_FILE_TOKEN_SIZE] = "";
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    return fault_set(fault, "--token-file %s: %s", path, strerror(errno));
  }
  bool read = fgets(line, sizeof line, file) != NULL;
  bool whole = strchr(line, '\n') != NULL || feof(file);
  (void)fclose(file);
  char *start = line + strspn(line, SPACE);
  start[strcspn(start, "\r\n")] = '\0';
  for (size_t len = strlen(start); len > 0 && strchr(SPACE, start[len - 1]) != NULL; len--) {
    start[len - 1] = '\0';
  }
  if (!read || !whole || !is_token(start)) {
    return fault_set(fault, "--token-file %s: the first line must hold the token and nothing else",
                     path);
  }
  memcpy(out, start, strlen(start) + 1);
  return 0;
}
