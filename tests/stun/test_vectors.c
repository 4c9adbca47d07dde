/* SPDX-License-Identifier: MIT */
/* The four messages of RFC 5769 section 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <mbedtls/md.h>

#include "kit/hmac.h"
#include "stun/stun.h"

static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";

static const uint8_t request[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
    0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
    0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
    0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
    0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf};

static const uint8_t response_ipv4[] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96};

static const uint8_t response_ipv6[] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
    0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14,
    0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75,
    0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c};

static const uint8_t request_long_term[] = {
    0x00, 0x01, 0x00, 0x60, 0x21, 0x12, 0xa4, 0x42, 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72,
    0xc0, 0x29, 0xda, 0x41, 0x2e, 0x00, 0x06, 0x00, 0x12, 0xe3, 0x83, 0x9e, 0xe3, 0x83, 0x88,
    0xe3, 0x83, 0xaa, 0xe3, 0x83, 0x83, 0xe3, 0x82, 0xaf, 0xe3, 0x82, 0xb9, 0x00, 0x00, 0x00,
    0x15, 0x00, 0x1c, 0x66, 0x2f, 0x2f, 0x34, 0x39, 0x39, 0x6b, 0x39, 0x35, 0x34, 0x64, 0x36,
    0x4f, 0x4c, 0x33, 0x34, 0x6f, 0x4c, 0x39, 0x46, 0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73,
    0x41, 0x00, 0x14, 0x00, 0x0b, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x6f, 0x72,
    0x67, 0x00, 0x00, 0x08, 0x00, 0x14, 0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6, 0x4a, 0x3e, 0x02,
    0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2, 0x8c, 0xa8, 0x96, 0x66};

static void assert_slice(struct paw_slice slice, const char *text) {
  assert_int_equal(slice.len, strlen(text));
  assert_memory_equal(slice.data, text, slice.len);
}

static void assert_address(const struct paw_address *address, const char *text) {
  char written[PAW_ADDRESS_TEXT_SIZE];
  paw_address_format(address, written);
  assert_string_equal(written, text);
}

static void assert_short_term(const struct paw_stun_message *message) {
  assert_true(paw_stun_check_fingerprint(message));
  assert_true(
      paw_stun_check_integrity(message, KIT_HMAC_KEY((const uint8_t *)password, strlen(password))));
  assert_false(paw_stun_check_integrity(
      message, KIT_HMAC_KEY((const uint8_t *)password, strlen(password) - 1)));
}

/* The vectors pad with spaces, we with zeros: written again, all but padding and sums is equal. */
static void assert_written_again(const struct paw_stun_message *message) {
  uint8_t data[256];
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  assert_int_equal(
      paw_stun_write(&wr, message, KIT_HMAC_KEY((const uint8_t *)password, strlen(password))),
      PAW_OK);
  assert_int_equal(wr.len, message->datagram.len);
  struct paw_stun_message again;
  assert_int_equal(paw_stun_read(data, wr.len, &again), PAW_STUN_FAULT_NONE);
  assert_int_equal(again.has, message->has);
  assert_memory_equal(data, message->datagram.data, PAW_STUN_HEADER_LEN);
  assert_short_term(&again);
}

static void test_request(void **state) {
  (void)state;
  struct paw_stun_message message;
  assert_int_equal(paw_stun_read(request, sizeof request, &message), PAW_STUN_FAULT_NONE);
  assert_int_equal(message.class, PAW_STUN_REQUEST);
  assert_int_equal(message.method, PAW_STUN_METHOD_BINDING);
  assert_memory_equal(message.id, request + 8, PAW_STUN_ID_LEN);
  assert_slice(message.software, "STUN test client");
  assert_slice(message.username, "evtj:h6vY");
  assert_int_equal(message.priority, 0x6e0001ff);
  assert_true(message.controlled == UINT64_C(0x932ff9b151263b36));
  assert_int_equal(message.has, PAW_STUN_HAS_SOFTWARE | PAW_STUN_HAS_USERNAME |
                                    PAW_STUN_HAS_PRIORITY | PAW_STUN_HAS_CONTROLLED |
                                    PAW_STUN_HAS_INTEGRITY | PAW_STUN_HAS_FINGERPRINT);
  assert_int_equal(message.unknown_count, 0);
  assert_short_term(&message);
  assert_written_again(&message);
}

static void test_response_ipv4(void **state) {
  (void)state;
  struct paw_stun_message message;
  assert_int_equal(paw_stun_read(response_ipv4, sizeof response_ipv4, &message),
                   PAW_STUN_FAULT_NONE);
  assert_int_equal(message.class, PAW_STUN_SUCCESS);
  assert_slice(message.software, "test vector");
  assert_address(&message.xor_mapped, "192.0.2.1:32853");
  assert_short_term(&message);
  assert_written_again(&message);
}

static void test_response_ipv6(void **state) {
  (void)state;
  struct paw_stun_message message;
  assert_int_equal(paw_stun_read(response_ipv6, sizeof response_ipv6, &message),
                   PAW_STUN_FAULT_NONE);
  assert_int_equal(message.class, PAW_STUN_SUCCESS);
  assert_address(&message.xor_mapped, "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
  assert_short_term(&message);
  assert_written_again(&message);
}

static void test_request_long_term(void **state) {
  (void)state;
  struct paw_stun_message message;
  assert_int_equal(paw_stun_read(request_long_term, sizeof request_long_term, &message),
                   PAW_STUN_FAULT_NONE);
  assert_slice(message.username,
               "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf"
               "\xe3\x82\xb9");
  assert_slice(message.nonce, "f//499k954d6OL34oL9FSTvy64sA");
  assert_slice(message.realm, "example.org");
  assert_false(paw_stun_check_fingerprint(&message));
  static const char long_term[] =
      "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf"
      "\xe3\x82\xb9:example.org:TheMatrIX";
  uint8_t key[16];
  assert_int_equal(mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_MD5), (const uint8_t *)long_term,
                              strlen(long_term), key),
                   0);
  assert_true(paw_stun_check_integrity(&message, KIT_HMAC_KEY(key, sizeof key)));
}

/* RFC 2202 section 3, cases 1, 2, 6 (a key longer than a block) and 7. */
static void test_hmac(void **state) {
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
    size_t len = strlen(cases[i].data);
    const uint8_t *data = (const uint8_t *)cases[i].data;
    struct paw_hmac_key hashed;
    struct paw_hmac hmac;
    uint8_t mac[PAW_HMAC_LEN];
    assert_int_equal(paw_hmac_key_init(&hashed, key, cases[i].key_len), PAW_OK);
    paw_hmac_begin(&hmac, &hashed);
    paw_hmac_update(&hmac, data, 5);
    paw_hmac_update(&hmac, data + 5, len - 5);
    assert_int_equal(paw_hmac_end(&hmac, &hashed, mac), PAW_OK);
    assert_memory_equal(mac, cases[i].mac, sizeof mac);
  }
}

static void test_crc32(void **state) {
  (void)state;
  assert_int_equal(paw_stun_crc32((const uint8_t *)"123456789", 9), 0xcbf43926);
  assert_int_equal(paw_stun_crc32(NULL, 0), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_request),       cmocka_unit_test(test_response_ipv4),
      cmocka_unit_test(test_response_ipv6), cmocka_unit_test(test_request_long_term),
      cmocka_unit_test(test_hmac),          cmocka_unit_test(test_crc32),
  };
  return cmocka_run_group_tests_name("stun_vectors", tests, NULL, NULL);
}
