/* SPDX-License-Identifier: MIT */
/* HMAC-SHA1: the vectors of RFC 2202 section 3 that meet every branch, in two parts of any length.
 */
#include "base/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_vectors(void **state) {
  (void)state;
  uint8_t key[80];
  static const struct {
    uint8_t key_byte;
    size_t key_len;
    const char *data;
    uint8_t mac[PAW_HMAC_LEN];
  } cases[] = {
      {0x0b, 20, "Hi There", {0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b,
                              0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00}},
      {0xaa,
       80,
       "Test Using Larger Than Block-Size Key - Hash Key First",
       {0xaa, 0x4a, 0xe5, 0xe1, 0x52, 0x72, 0xd0, 0x0e, 0x95, 0x70,
        0x56, 0x37, 0xce, 0x8a, 0x3b, 0x55, 0xed, 0x40, 0x21, 0x12}},
      {0xaa,
       80,
       "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
       {0xe8, 0xe9, 0x9d, 0x0f, 0x45, 0x23, 0x7d, 0x78, 0x6d, 0x6b,
        0xba, 0xa7, 0x96, 0x5c, 0x78, 0x08, 0xbb, 0xff, 0x1a, 0x91}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    memset(key, cases[i].key_byte, sizeof key);
    const uint8_t *data = (const uint8_t *)cases[i].data;
    size_t len = strlen(cases[i].data);
    struct paw_hmac_key hashed;
    assert_int_equal(paw_hmac_key_init(&hashed, key, cases[i].key_len), PAW_OK);
    for (size_t head = 0; head <= len; head++) {
      struct paw_hmac hmac;
      uint8_t mac[PAW_HMAC_LEN];
      paw_hmac_begin(&hmac, &hashed);
      paw_hmac_update(&hmac, data, head);
      paw_hmac_update(&hmac, data + head, len - head);
      assert_int_equal(paw_hmac_end(&hmac, &hashed, mac), PAW_OK);
      assert_memory_equal(mac, cases[i].mac, sizeof mac);
    }
  }
}

/* A key of one block is taken as it is, a longer one is hashed first; messages about the length
 * where the padding needs a block more. By mbedTLS's own HMAC. */
static void test_lengths(void **state) {
  (void)state;
  static const size_t key_lens[] = {0, 1, 24, 63, 64, 65, 128, 256};
  uint8_t bytes[256];
  for (size_t i = 0; i < sizeof bytes; i++) {
    bytes[i] = (uint8_t)(i * 7 + 1);
  }
  const mbedtls_md_info_t *sha1 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA1);
  for (size_t i = 0; i < sizeof key_lens / sizeof key_lens[0]; i++) {
    struct paw_hmac_key key;
    assert_int_equal(paw_hmac_key_init(&key, bytes, key_lens[i]), PAW_OK);
    for (size_t len = 0; len <= 200; len++) {
      struct paw_hmac hmac;
      uint8_t mac[PAW_HMAC_LEN];
      uint8_t theirs[PAW_HMAC_LEN];
      paw_hmac_begin(&hmac, &key);
      paw_hmac_update(&hmac, bytes, len);
      assert_int_equal(paw_hmac_end(&hmac, &key, mac), PAW_OK);
      assert_int_equal(mbedtls_md_hmac(sha1, bytes, key_lens[i], bytes, len, theirs), 0);
      assert_memory_equal(mac, theirs, sizeof mac);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_vectors),
      cmocka_unit_test(test_lengths),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
