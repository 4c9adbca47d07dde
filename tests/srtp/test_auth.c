/* SPDX-License-Identifier: MIT */
/* HMAC-SHA1 as libsrtp2 drives it, against RFC 2202 section 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/md.h>

#include "srtp/private.h"

static void compute(const uint8_t *key, int key_len, const uint8_t *data, size_t len, size_t first,
                    uint8_t *tag) {
  srtp_auth_t *auth = NULL;
  assert_int_equal(paw_srtp_auth_type.alloc(&auth, key_len, 20), srtp_err_status_ok);
  assert_int_equal(auth->type->init(auth->state, key, key_len), srtp_err_status_ok);
  assert_int_equal(auth->type->start(auth->state), srtp_err_status_ok);
  if (first > 0) {
    assert_int_equal(auth->type->update(auth->state, data, (int)first), srtp_err_status_ok);
  }
  assert_int_equal(auth->type->compute(auth->state, data + first, (int)(len - first), 20, tag),
                   srtp_err_status_ok);
  auth->type->dealloc(auth);
}

struct vector {
  const char *key;
  int key_len;
  const char *data;
  size_t len;
  uint8_t tag[20];
};

static void vectors_of_rfc_2202(void **state) {
  (void)state;
  static const char aa[] =
      "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
      "\xaa\xaa";
  char dd[50];
  char cd[50];
  memset(dd, 0xdd, sizeof dd);
  memset(cd, 0xcd, sizeof cd);
  const struct vector vectors[] = {
      {"Jefe", 4, "what do ya want for nothing?", 28, {0xef, 0xfc, 0xdf, 0x6a, 0xe5, 0xeb, 0x2f,
                                                       0xa2, 0xd2, 0x74, 0x16, 0xd5, 0xf1, 0x84,
                                                       0xdf, 0x9c, 0x25, 0x9a, 0x7c, 0x79}},
      {aa, 20, dd, 50, {0x12, 0x5d, 0x73, 0x42, 0xb9, 0xac, 0x11, 0xcd, 0x91, 0xa3,
                        0x9a, 0xf4, 0x8a, 0xa1, 0x7b, 0x4f, 0x63, 0xf1, 0x75, 0xd3}},
      {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"
       "\x17"
       "\x18\x19",
       25,
       cd,
       50,
       {0x4c, 0x90, 0x07, 0xf4, 0x02, 0x62, 0x50, 0xc6, 0xbc, 0x84,
        0x14, 0xf9, 0xbf, 0x50, 0xc8, 0x6c, 0x2d, 0x72, 0x35, 0xda}},
      {"\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c",
       20,
       "Test With Truncation",
       20,
       {0x4c, 0x1a, 0x03, 0x42, 0x4b, 0x55, 0xe0, 0x7f, 0xe7, 0xf2,
        0x7b, 0xe1, 0xd5, 0x8b, 0xb9, 0x32, 0x4a, 0x9a, 0x5a, 0x04}},
  };
  for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
    uint8_t tag[20];
    compute((const uint8_t *)vectors[i].key, vectors[i].key_len, (const uint8_t *)vectors[i].data,
            vectors[i].len, 0, tag);
    assert_memory_equal(tag, vectors[i].tag, sizeof tag);
  }
}

/* Every length around the block borders, cut anywhere between update and compute. */
static void lengths_and_cuts_like_mbedtls(void **state) {
  (void)state;
  uint8_t key[20];
  uint8_t data[260];
  memset(key, 0x5a, sizeof key);
  for (size_t i = 0; i < sizeof data; i++) {
    data[i] = (uint8_t)(7 * i + 1);
  }
  const mbedtls_md_info_t *sha1 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA1);
  for (size_t len = 0; len <= sizeof data; len++) {
    uint8_t expected[20];
    uint8_t tag[20];
    assert_int_equal(mbedtls_md_hmac(sha1, key, sizeof key, data, len, expected), 0);
    for (size_t first = 0; first <= len; first += 13) {
      compute(key, sizeof key, data, len, first, tag);
      assert_memory_equal(tag, expected, sizeof tag);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(vectors_of_rfc_2202),
      cmocka_unit_test(lengths_and_cuts_like_mbedtls),
  };
  return cmocka_run_group_tests_name("srtp_auth", tests, NULL, NULL);
}
