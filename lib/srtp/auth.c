/* SPDX-License-Identifier: MIT */
#include "base/hmac.h"
#include "base/mem.h"
#include "srtp/private.h"

#include <string.h>

struct auth {
  srtp_auth_t base;
  struct paw_hmac_key key;
  struct paw_hmac hmac;
};

static const struct paw_allocator no_allocator = {NULL, NULL, NULL};

static srtp_err_status_t auth_alloc(srtp_auth_pointer_t *out, int key_len, int out_len) {
  if (key_len < 0 || key_len > PAW_HMAC_BLOCK_LEN || out_len < 0 || out_len > PAW_HMAC_LEN) {
    return srtp_err_status_bad_param;
  }
  struct auth *auth = paw_mem_alloc(&no_allocator, sizeof *auth);
  if (auth == NULL) {
    return srtp_err_status_alloc_fail;
  }
  mbedtls_sha1_init(&auth->hmac.sha1);
  auth->base.type = &paw_srtp_auth_type;
  auth->base.state = auth;
  auth->base.out_len = out_len;
  auth->base.key_len = key_len;
  auth->base.prefix_len = 0;
  *out = &auth->base;
  return srtp_err_status_ok;
}

static srtp_err_status_t auth_dealloc(srtp_auth_pointer_t pointer) {
  struct auth *auth = (struct auth *)pointer;
  mbedtls_sha1_free(&auth->hmac.sha1);
  paw_mem_wipe(auth, sizeof *auth);
  paw_mem_free(&no_allocator, auth);
  return srtp_err_status_ok;
}

static srtp_err_status_t auth_init(void *state, const uint8_t *key, int key_len) {
  struct auth *auth = state;
  if (key_len < 0 || key_len > PAW_HMAC_BLOCK_LEN) {
    return srtp_err_status_bad_param;
  }
  return paw_hmac_key_init(&auth->key, key, (size_t)key_len) == PAW_OK ? srtp_err_status_ok
                                                                       : srtp_err_status_init_fail;
}

static srtp_err_status_t auth_start(void *state) {
  struct auth *auth = state;
  paw_hmac_begin(&auth->hmac, &auth->key);
  return srtp_err_status_ok;
}

static srtp_err_status_t auth_update(void *state, const uint8_t *data, int len) {
  struct auth *auth = state;
  if (len < 0) {
    return srtp_err_status_bad_param;
  }
  paw_hmac_update(&auth->hmac, data, (size_t)len);
  return srtp_err_status_ok;
}

static srtp_err_status_t auth_compute(void *state, const uint8_t *data, int len, int tag_len,
                                      uint8_t *tag) {
  struct auth *auth = state;
  uint8_t hash[PAW_HMAC_LEN];
  if (len < 0 || tag_len < 0 || tag_len > PAW_HMAC_LEN) {
    return srtp_err_status_bad_param;
  }
  paw_hmac_update(&auth->hmac, data, (size_t)len);
  int status = paw_hmac_end(&auth->hmac, &auth->key, hash);
  memcpy(tag, hash, (size_t)tag_len);
  return status == PAW_OK ? srtp_err_status_ok : srtp_err_status_auth_fail;
}

/* RFC 2202 section 3, test case 1. */
static const uint8_t test_key[20] = {0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                                     0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b};
static const uint8_t test_data[8] = {'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e'};
static const uint8_t test_tag[20] = {0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b,
                                     0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00};

static const srtp_auth_test_case_t test_case = {
    .key_length_octets = sizeof test_key,
    .key = test_key,
    .data_length_octets = sizeof test_data,
    .data = test_data,
    .tag_length_octets = sizeof test_tag,
    .tag = test_tag,
};

const srtp_auth_type_t paw_srtp_auth_type = {
    .alloc = auth_alloc,
    .dealloc = auth_dealloc,
    .init = auth_init,
    .compute = auth_compute,
    .update = auth_update,
    .start = auth_start,
    .description = "HMAC-SHA1 over mbedTLS",
    .test_data = &test_case,
    .id = SRTP_HMAC_SHA1,
};
