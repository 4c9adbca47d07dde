/* SPDX-License-Identifier: MIT */
/* The HTTPS server's certificate and key, and the pin that clients know it by. */
#ifndef COMMON_TLS_IDENTITY_H
#define COMMON_TLS_IDENTITY_H

#include <pawebrtc/base.h>

#include "fault.h"

/* "sha256//" and the base64 of 32 bytes, as CURLOPT_PINNEDPUBLICKEY wants it. */
#define TLS_PIN_SIZE 64

struct tls_identity {
  char *certificate_pem;
  char *key_pem;
  char pin[TLS_PIN_SIZE];
};

/* Read both files. With `make_missing`, a self-signed P-256 certificate is made and stored (mode
 * 0600) when neither is there. */
int tls_identity_load(const char *certificate_path, const char *key_path, bool make_missing,
                      const struct paw_rng *rng, struct tls_identity *out, struct fault *fault);

void tls_identity_wipe(struct tls_identity *identity);

#endif
