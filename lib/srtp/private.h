/* SPDX-License-Identifier: MIT */
/* What the files of this room share. */
#ifndef PAW_SRTP_PRIVATE_H
#define PAW_SRTP_PRIVATE_H

#include "base/limits.h"
#include "srtp/srtp.h"

#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <srtp2/srtp.h>

/* AES-CM (RFC 3711 section 4.1.1) and HMAC-SHA1 (RFC 2104), as libsrtp2's interface wants them. */
extern const srtp_cipher_type_t paw_srtp_cipher_type;
extern const srtp_auth_type_t paw_srtp_auth_type;

struct paw_srtp {
  srtp_t sender;        /* a stream of the local SSRC, and one of the second where there is one */
  srtp_t receiver;      /* a template, and a stream for each SSRC that was authenticated */
  uint32_t second_ssrc; /* 0: none */
  size_t source_count;
  uint32_t sources[PAW_SRTP_SOURCES_MAX]; /* the SSRCs that `receiver` has streams for */
};

/* The status of ours that says what one of libsrtp2's does. */
int paw_srtp_status_of_failure(srtp_err_status_t status);

static inline int paw_srtp_status(srtp_err_status_t status) {
  return status == srtp_err_status_ok ? PAW_OK : paw_srtp_status_of_failure(status);
}

#endif
