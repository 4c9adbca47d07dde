/* SPDX-License-Identifier: MIT */
#include "pin.h"

#include <mbedtls/base64.h>
#include <mbedtls/md.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "files.h"

#define PREFIX "sha256//"
#define PREFIX_LEN (sizeof PREFIX - 1)
#define DIGEST_BYTES 32
#define LINE_SIZE 512 /* an authority of at most 300 characters, a space, a pin */
#define STORE_BYTES_MAX 65536

static bool is_pin(const char *text) {
  unsigned char digest[DIGEST_BYTES];
  size_t len = 0;
  return strlen(text) == PIN_TEXT_SIZE - 1 && memcmp(text, PREFIX, PREFIX_LEN) == 0 &&
         mbedtls_base64_decode(digest, sizeof digest, &len,
                               (const unsigned char *)text + PREFIX_LEN,
                               strlen(text) - PREFIX_LEN) == 0 &&
         len == DIGEST_BYTES;
}

int pin_parse(const char *text, struct pin *out, struct fault *fault) {
  *out = (struct pin){.trust = PIN_TRUST_FIRST_USE};
  if (text == NULL) {
    return 0;
  }
  if (strcmp(text, "system") == 0) {
    out->trust = PIN_TRUST_SYSTEM;
    return 0;
  }
  if (!is_pin(text)) {
    return fault_set(fault,
                     "--pin %s: give \"system\", or \"sha256//\" and 44 characters of base64 "
                     "(pa-send prints it when it starts)",
                     text);
  }
  out->trust = PIN_TRUST_KEY;
  memcpy(out->key, text, PIN_TEXT_SIZE);
  return 0;
}

int pin_from_certificate(const char *pem, char out[PIN_TEXT_SIZE], struct fault *fault) {
  mbedtls_x509_crt certificate;
  mbedtls_x509_crt_init(&certificate);
  unsigned char digest[DIGEST_BYTES];
  size_t len = 0;
  int status = mbedtls_x509_crt_parse(&certificate, (const unsigned char *)pem, strlen(pem) + 1);
  if (status == 0) {
    status = mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), certificate.pk_raw.p,
                        certificate.pk_raw.len, digest);
  }
  mbedtls_x509_crt_free(&certificate);
  memcpy(out, PREFIX, PREFIX_LEN);
  if (status == 0) {
    status = mbedtls_base64_encode((unsigned char *)out + PREFIX_LEN, PIN_TEXT_SIZE - PREFIX_LEN,
                                   &len, digest, sizeof digest);
  }
  if (status != 0) {
    return fault_set(fault, "the server's certificate cannot be read");
  }
  return 0;
}

void pin_store_path(const char *state_dir, char out[PIN_STORE_PATH_SIZE]) {
  (void)snprintf(out, PIN_STORE_PATH_SIZE, "%s/pins", state_dir);
}

/* Split "authority pin" in place; false when it is not that. */
static bool split_line(char *line, char **pin) {
  line[strcspn(line, "\r\n")] = '\0';
  *pin = strchr(line, ' ');
  if (*pin == NULL) {
    return false;
  }
  **pin = '\0';
  *pin += 1;
  return is_pin(*pin);
}

/* All lines of the store, to be freed; NULL and no fault when there is none. A store that is there
 * and cannot be read is a fault: what it holds must not be lost. */
static int read_store(const char *state_dir, char **out, struct fault *fault) {
  char path[PIN_STORE_PATH_SIZE];
  size_t len = 0;
  *out = NULL;
  pin_store_path(state_dir, path);
  if (directory_check(state_dir, fault) != 0) {
    return -1;
  }
  enum file_verdict verdict = file_read(path, FILE_STATE, STORE_BYTES_MAX, out, &len, fault);
  if (verdict == FILE_OK && strlen(*out) != len) {
    free(*out);
    *out = NULL;
    return fault_set(fault, "%s: is not text", path);
  }
  return verdict == FILE_BAD ? -1 : 0;
}

/* The line at `*at` in the form "authority NUL pin NUL"; `*at` moves to the next. */
static bool next_line(char **at, char **authority, char **pin) {
  char *line = *at;
  *at += strcspn(*at, "\n");
  if (**at == '\n') {
    *(*at)++ = '\0';
  }
  *authority = line;
  return split_line(line, pin);
}

int pin_store_read(const char *state_dir, const char *authority, char out[PIN_TEXT_SIZE],
                   struct fault *fault) {
  char path[PIN_STORE_PATH_SIZE];
  char *text = NULL;
  out[0] = '\0';
  int status = read_store(state_dir, &text, fault);
  for (char *at = text; status == 0 && at != NULL && *at != '\0';) {
    char *name;
    char *pin;
    if (!next_line(&at, &name, &pin)) {
      pin_store_path(state_dir, path);
      status = fault_set(fault,
                         "%s holds a line that is not \"HOST:PORT sha256//KEY\"; mend or "
                         "remove the file",
                         path);
    } else if (strcasecmp(name, authority) == 0) {
      memcpy(out, pin, PIN_TEXT_SIZE);
    }
  }
  free(text);
  return status;
}

/* `text` without the line of `authority` and with a new one. Room: that of `text` and a line. */
static size_t write_lines(char *text, const char *authority, const char *pin, char *out,
                          size_t size) {
  size_t used = 0;
  for (char *at = text; at != NULL && *at != '\0';) {
    char *name;
    char *kept;
    if (next_line(&at, &name, &kept) && strcasecmp(name, authority) != 0) {
      used += (size_t)snprintf(out + used, size - used, "%s %s\n", name, kept);
    }
  }
  return used + (size_t)snprintf(out + used, size - used, "%s %s\n", authority, pin);
}

int pin_store_write(const char *state_dir, const char *authority, const char *pin,
                    struct fault *fault) {
  char path[PIN_STORE_PATH_SIZE];
  char *before = NULL;
  pin_store_path(state_dir, path);
  if (directory_make(state_dir, fault) != 0 || read_store(state_dir, &before, fault) != 0) {
    return -1;
  }
  size_t size = (before != NULL ? strlen(before) : 0) + LINE_SIZE;
  char *after = malloc(size);
  int status = after == NULL ? fault_set(fault, "%s: out of memory", path) : 0;
  if (status == 0) {
    size_t len = write_lines(before, authority, pin, after, size);
    status = len > STORE_BYTES_MAX
                 ? fault_set(fault, "%s has no room for more servers: remove lines", path)
                 : file_write_private(path, after, len, fault);
  }
  free(before);
  free(after);
  return status;
}
