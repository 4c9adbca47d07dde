/* SPDX-License-Identifier: MIT */
#include "pin.h"

#include <errno.h>
#include <mbedtls/base64.h>
#include <mbedtls/md.h>
#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "files.h"

#define PREFIX "sha256//"
#define PREFIX_LEN (sizeof PREFIX - 1)
#define DIGEST_BYTES 32
#define LINE_SIZE 512 /* an authority of at most 300 characters, a space, a pin */

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

/* Split "authority pin\n" in place; false when it is not that. */
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

int pin_store_read(const char *state_dir, const char *authority, char out[PIN_TEXT_SIZE],
                   struct fault *fault) {
  char path[PIN_STORE_PATH_SIZE];
  char line[LINE_SIZE];
  char *pin;
  out[0] = '\0';
  pin_store_path(state_dir, path);
  FILE *file = fopen(path, "r");
  if (file == NULL && errno == ENOENT) {
    return 0;
  }
  if (file == NULL) {
    return fault_set(fault, "cannot read %s: %s", path, strerror(errno));
  }
  int status = 0;
  while (status == 0 && fgets(line, sizeof line, file) != NULL) {
    if (!split_line(line, &pin)) {
      status = fault_set(fault,
                         "%s holds a line that is not \"HOST:PORT sha256//KEY\"; mend or "
                         "remove the file",
                         path);
    } else if (strcasecmp(line, authority) == 0) {
      memcpy(out, pin, PIN_TEXT_SIZE);
    }
  }
  (void)fclose(file);
  return status;
}

/* Copy every line but that of `authority`. A store that is there and cannot be read is a fault:
 * what it holds must not be lost. */
static int copy_others(const char *path, const char *authority, FILE *to, struct fault *fault) {
  char line[LINE_SIZE];
  char *pin;
  FILE *from = fopen(path, "r");
  if (from == NULL && errno == ENOENT) {
    return 0;
  }
  if (from == NULL) {
    return fault_set(fault, "cannot read %s: %s", path, strerror(errno));
  }
  while (fgets(line, sizeof line, from) != NULL) {
    if (split_line(line, &pin) && strcasecmp(line, authority) != 0) {
      (void)fprintf(to, "%s %s\n", line, pin);
    }
  }
  int status = ferror(from) ? fault_set(fault, "cannot read %s: %s", path, strerror(errno)) : 0;
  (void)fclose(from);
  return status;
}

int pin_store_write(const char *state_dir, const char *authority, const char *pin,
                    struct fault *fault) {
  char path[PIN_STORE_PATH_SIZE];
  char fresh[PIN_STORE_PATH_SIZE + 4];
  pin_store_path(state_dir, path);
  (void)snprintf(fresh, sizeof fresh, "%s.new", path);
  if (directory_make(state_dir, fault) != 0) {
    return -1;
  }
  FILE *file = fopen(fresh, "w");
  if (file == NULL) {
    return fault_set(fault, "cannot write %s: %s", fresh, strerror(errno));
  }
  int copied = copy_others(path, authority, file, fault);
  bool good =
      fprintf(file, "%s %s\n", authority, pin) > 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
  good = fclose(file) == 0 && good;
  if (copied != 0) {
    (void)unlink(fresh);
    return -1;
  }
  if (!good || rename(fresh, path) != 0) {
    return fault_set(fault, "cannot write %s: %s", path, strerror(errno));
  }
  return 0;
}
