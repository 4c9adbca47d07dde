/* SPDX-License-Identifier: MIT */
#include "srtp/private.h"

#include <stdbool.h>
#include <threads.h>

/* libsrtp2 keeps one list of ciphers for the process, without a lock. This one guards our own first
 * calls from each other; a host that uses libsrtp2 itself must not do so at the same time. */
static once_flag guard_once = ONCE_FLAG_INIT;
static mtx_t guard;
static bool installed;

static void make_guard(void) {
  (void)mtx_init(&guard, mtx_plain);
}

static int install_types(void) {
  srtp_err_status_t status = srtp_init();
  if (status != srtp_err_status_ok && status != srtp_err_status_bad_param) {
    (void)srtp_shutdown();
    return paw_srtp_status(status);
  }
  status = srtp_replace_cipher_type(&paw_srtp_cipher_type, SRTP_AES_ICM_128);
  if (status == srtp_err_status_ok) {
    status = srtp_replace_auth_type(&paw_srtp_auth_type, SRTP_HMAC_SHA1);
  }
  return paw_srtp_status(status);
}

int paw_srtp_install(void) {
  call_once(&guard_once, make_guard);
  (void)mtx_lock(&guard);
  int status = PAW_OK;
  if (!installed) {
    status = install_types();
    installed = status == PAW_OK;
  }
  (void)mtx_unlock(&guard);
  return status;
}
