/* SPDX-License-Identifier: MIT */
/* AES counter mode as libsrtp2 drives it, against RFC 3711 appendix B. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "srtp/private.h"

static srtp_cipher_t *make_cipher(const uint8_t *key_and_salt) {
  srtp_cipher_t *cipher = NULL;
  assert_int_equal(paw_srtp_cipher_type.alloc(&cipher, 30, 10), srtp_err_status_ok);
  assert_int_equal(cipher->type->init(cipher->state, key_and_salt), srtp_err_status_ok);
  return cipher;
}

static void crypt(srtp_cipher_t *cipher, uint8_t *data, unsigned len) {
  unsigned done = len;
  assert_int_equal(cipher->type->encrypt(cipher->state, data, &done), srtp_err_status_ok);
  assert_int_equal(done, len);
}

static const uint8_t b2_key[30] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7,
                                   0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c, 0xf0, 0xf1, 0xf2, 0xf3,
                                   0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd};

static void keystream_of_b2(void **state) {
  (void)state;
  static const uint8_t first[48] = {0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66,
                                    0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4, 0xd2, 0x35, 0x13, 0x16,
                                    0x2b, 0x02, 0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f,
                                    0x97, 0xab, 0x41, 0xe9, 0x5b, 0x3b, 0xb0, 0xa2, 0xe8, 0xdd,
                                    0x47, 0x79, 0x01, 0xe4, 0xfc, 0xa8, 0x94, 0xc0};
  static const uint8_t last[48] = {0xec, 0x8c, 0xdf, 0x73, 0x98, 0x60, 0x7c, 0xb0, 0xf2, 0xd2,
                                   0x16, 0x75, 0xea, 0x9e, 0xa1, 0xe4, 0x36, 0x2b, 0x7c, 0x3c,
                                   0x67, 0x73, 0x51, 0x63, 0x18, 0xa0, 0x77, 0xd7, 0xfc, 0x50,
                                   0x73, 0xae, 0x6a, 0x2c, 0xc3, 0x78, 0x78, 0x89, 0x37, 0x4f,
                                   0xbe, 0xb4, 0xc8, 0x1b, 0x17, 0xba, 0x6c, 0x44};
  uint8_t iv[16] = {0};
  uint8_t *stream = test_calloc(0xff02, 16);
  srtp_cipher_t *cipher = make_cipher(b2_key);
  assert_int_equal(cipher->type->set_iv(cipher->state, iv, srtp_direction_encrypt),
                   srtp_err_status_ok);
  crypt(cipher, stream, 0xff02 * 16);
  assert_memory_equal(stream, first, sizeof first);
  assert_memory_equal(stream + 0xfeff * 16, last, sizeof last);
  test_free(stream);
  cipher->type->dealloc(cipher);
}

/* The keystream runs on over calls of any length within one IV. */
static void keystream_in_pieces(void **state) {
  (void)state;
  uint8_t iv[16] = {0};
  uint8_t whole[300] = {0};
  uint8_t pieces[300] = {0};
  srtp_cipher_t *cipher = make_cipher(b2_key);
  cipher->type->set_iv(cipher->state, iv, srtp_direction_encrypt);
  crypt(cipher, whole, sizeof whole);
  cipher->type->set_iv(cipher->state, iv, srtp_direction_decrypt);
  unsigned at = 0;
  for (unsigned len = 0; at + len <= sizeof pieces; len++) {
    crypt(cipher, pieces + at, len);
    at += len;
  }
  assert_memory_equal(whole, pieces, at);
  cipher->type->dealloc(cipher);
}

static void keystream_ends(void **state) {
  (void)state;
  uint8_t iv[16] = {0};
  unsigned len = 0x10000 * 16;
  uint8_t *stream = test_calloc(len + 1, 1);
  srtp_cipher_t *cipher = make_cipher(b2_key);
  cipher->type->set_iv(cipher->state, iv, srtp_direction_encrypt);
  unsigned too_long = len + 1;
  assert_int_equal(cipher->type->encrypt(cipher->state, stream, &too_long),
                   srtp_err_status_terminus);
  crypt(cipher, stream, len);
  unsigned one = 1;
  assert_int_equal(cipher->type->encrypt(cipher->state, stream, &one), srtp_err_status_terminus);
  test_free(stream);
  cipher->type->dealloc(cipher);
}

static void derive(uint8_t label, uint8_t *out, unsigned len) {
  static const uint8_t master[30] = {0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0, 0xd6, 0x4f,
                                     0xa3, 0x2c, 0x06, 0xde, 0x41, 0x39, 0x0e, 0xc6, 0x75, 0xad,
                                     0x49, 0x8a, 0xfe, 0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6};
  uint8_t iv[16] = {0};
  iv[7] = label;
  srtp_cipher_t *cipher = make_cipher(master);
  cipher->type->set_iv(cipher->state, iv, srtp_direction_encrypt);
  memset(out, 0, len);
  crypt(cipher, out, len);
  cipher->type->dealloc(cipher);
}

static void key_derivation_of_b3(void **state) {
  (void)state;
  static const uint8_t key[16] = {0xc6, 0x1e, 0x7a, 0x93, 0x74, 0x4f, 0x39, 0xee,
                                  0x10, 0x73, 0x4a, 0xfe, 0x3f, 0xf7, 0xa0, 0x87};
  static const uint8_t salt[14] = {0x30, 0xcb, 0xbc, 0x08, 0x86, 0x3d, 0x8c,
                                   0x85, 0xd4, 0x9d, 0xb3, 0x4a, 0x9a, 0xe1};
  static const uint8_t auth[94] = {
      0xce, 0xbe, 0x32, 0x1f, 0x6f, 0xf7, 0x71, 0x6b, 0x6f, 0xd4, 0xab, 0x49, 0xaf, 0x25,
      0x6a, 0x15, 0x6d, 0x38, 0xba, 0xa4, 0x8f, 0x0a, 0x0a, 0xcf, 0x3c, 0x34, 0xe2, 0x35,
      0x9e, 0x6c, 0xdb, 0xce, 0xe0, 0x49, 0x64, 0x6c, 0x43, 0xd9, 0x32, 0x7a, 0xd1, 0x75,
      0x57, 0x8e, 0xf7, 0x22, 0x70, 0x98, 0x63, 0x71, 0xc1, 0x0c, 0x9a, 0x36, 0x9a, 0xc2,
      0xf9, 0x4a, 0x8c, 0x5f, 0xbc, 0xdd, 0xdc, 0x25, 0x6d, 0x6e, 0x91, 0x9a, 0x48, 0xb6,
      0x10, 0xef, 0x17, 0xc2, 0x04, 0x1e, 0x47, 0x40, 0x35, 0x76, 0x6b, 0x68, 0x64, 0x2c,
      0x59, 0xbb, 0xfc, 0x2f, 0x34, 0xdb, 0x60, 0xdb, 0xdf, 0xb2};
  uint8_t out[94];
  derive(0, out, sizeof key);
  assert_memory_equal(out, key, sizeof key);
  derive(2, out, sizeof salt);
  assert_memory_equal(out, salt, sizeof salt);
  derive(1, out, sizeof auth);
  assert_memory_equal(out, auth, sizeof auth);
}

static void other_key_lengths_are_refused(void **state) {
  (void)state;
  srtp_cipher_t *cipher = NULL;
  assert_int_equal(paw_srtp_cipher_type.alloc(&cipher, 46, 10), srtp_err_status_bad_param);
  assert_int_equal(paw_srtp_cipher_type.alloc(&cipher, 16, 10), srtp_err_status_bad_param);
  assert_null(cipher);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keystream_of_b2),
      cmocka_unit_test(keystream_in_pieces),
      cmocka_unit_test(keystream_ends),
      cmocka_unit_test(key_derivation_of_b3),
      cmocka_unit_test(other_key_lengths_are_refused),
  };
  return cmocka_run_group_tests_name("srtp_cipher", tests, NULL, NULL);
}
