/* SPDX-License-Identifier: MIT */
/* The keys of servers: "sha256//" and the base64 of the SHA-256 of a public key
 * (SubjectPublicKeyInfo in DER), as libcurl's CURLOPT_PINNEDPUBLICKEY takes it (RFC 7469 section
 * 2.4). A key that was accepted at first use is kept in the state folder. Dates of certificates are
 * not looked at: a speaker may boot in 1970. */
#ifndef COMMON_PIN_H
#define COMMON_PIN_H

#include <stdbool.h>
#include <stddef.h>

#include "fault.h"

#define PIN_TEXT_SIZE 53 /* "sha256//", 44 characters, NUL */

enum pin_trust {
  PIN_TRUST_FIRST_USE, /* learn the key once, then insist on it */
  PIN_TRUST_KEY,       /* this key */
  PIN_TRUST_SYSTEM,    /* the system's certificate authorities */
};

struct pin {
  enum pin_trust trust;
  char key[PIN_TEXT_SIZE]; /* PIN_TRUST_KEY, or learnt; else empty */
};

/* Read the value of --pin; NULL means trust on first use. */
int pin_parse(const char *text, struct pin *out, struct fault *fault);

/* The pin of a certificate in PEM. */
int pin_from_certificate(const char *pem, char out[PIN_TEXT_SIZE], struct fault *fault);

/* The pin kept for `authority` ("host:port") in the state folder; empty when there is none. A file
 * that cannot be read or makes no sense is a fault: it must not turn into new trust. */
int pin_store_read(const char *state_dir, const char *authority, char out[PIN_TEXT_SIZE],
                   struct fault *fault);

/* Keep a pin for `authority`, in place of an older one; the file is replaced as a whole. */
int pin_store_write(const char *state_dir, const char *authority, const char *pin,
                    struct fault *fault);

/* The file's path, for messages. */
#define PIN_STORE_PATH_SIZE 4096
void pin_store_path(const char *state_dir, char out[PIN_STORE_PATH_SIZE]);

#endif
