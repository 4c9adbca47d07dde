/* SPDX-License-Identifier: MIT */
#include "token_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"

#define SPACE " \t\r\n"
/* What stands behind the first line is passed over, but not without end. */
#define FILE_BYTES_MAX 65536

/* RFC 6750 section 2.1: printable, no space. */
static bool is_token(const char *text) {
  for (const char *c = text; *c != '\0'; c++) {
    if (*c < '!' || *c > '~') {
      return false;
    }
  }
  return text[0] != '\0';
}

/* The first line, as it stands in `text`, which is changed. */
static char *take_first_line(char *text) {
  char *start = text + strspn(text, " \t");
  start[strcspn(start, "\r\n")] = '\0';
  for (size_t len = strlen(start); len > 0 && strchr(SPACE, start[len - 1]) != NULL; len--) {
    start[len - 1] = '\0';
  }
  return start;
}

int token_file_read(const char *path, char out[TOKEN_FILE_TOKEN_SIZE], struct fault *fault) {
  struct fault reason;
  char *text = NULL;
  size_t len = 0;
  if (file_read(path, FILE_GIVEN_SECRET, FILE_BYTES_MAX, &text, &len, &reason) != FILE_OK) {
    return fault_set(fault, "--token-file %.450s", reason.text);
  }
  char *token = take_first_line(text);
  size_t token_len = strlen(token);
  int status = 0;
  if (is_token(token) && token_len < TOKEN_FILE_TOKEN_SIZE) {
    memcpy(out, token, token_len + 1);
  } else {
    status = fault_set(
        fault, "--token-file %s: the first line must hold the token and nothing else", path);
  }
  explicit_bzero(text, len);
  free(text);
  return status;
}
