/* SPDX-License-Identifier: MIT */
/* Which rule a datagram breaks, and what counts of one that breaks none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kit/hmac.h"
#include "kit/rng.h"
#include "stun/stun.h"

#define HEADER(type, len)                                                                          \
  0x00, (type), 0x00, (len), 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12

static struct paw_stun_message message;

static void assert_fault(const uint8_t *data, size_t len, enum paw_stun_fault fault) {
  assert_string_equal(paw_stun_fault_text(paw_stun_read(data, len, &message)),
                      paw_stun_fault_text(fault));
}

#define ASSERT_FAULT(data, fault) assert_fault(data, sizeof(data), PAW_STUN_FAULT_##fault)

static void test_header(void **state) {
  (void)state;
  const uint8_t empty_request[] = {HEADER(1, 0)};
  ASSERT_FAULT(empty_request, NONE);
  for (size_t len = 0; len < sizeof empty_request; len++) {
    assert_fault(empty_request, len, PAW_STUN_FAULT_SHORT);
    assert_false(paw_stun_is_message(empty_request, len));
  }
  uint8_t broken[24] = {HEADER(1, 0)};
  broken[0] = 0x40;
  assert_fault(broken, 20, PAW_STUN_FAULT_TOP_BITS);
  broken[0] = 0x80;
  assert_fault(broken, 20, PAW_STUN_FAULT_TOP_BITS);
  broken[0] = 0;
  for (size_t i = 4; i < 8; i++) {
    broken[i] ^= 1;
    assert_fault(broken, 20, PAW_STUN_FAULT_COOKIE);
    broken[i] ^= 1;
  }
  broken[3] = 4;
  assert_fault(broken, 20, PAW_STUN_FAULT_LENGTH);
  broken[3] = 0;
  assert_fault(broken, 24, PAW_STUN_FAULT_LENGTH);
  broken[3] = 2;
  assert_fault(broken, 22, PAW_STUN_FAULT_LENGTH);
}

static void test_classes_and_methods(void **state) {
  (void)state;
  static const struct {
    uint16_t type;
    enum paw_stun_class class;
    uint16_t method;
  } cases[] = {
      {0x0001, PAW_STUN_REQUEST, 1},     {0x0011, PAW_STUN_INDICATION, 1},
      {0x0101, PAW_STUN_SUCCESS, 1},     {0x0111, PAW_STUN_ERROR, 1},
      {0x0003, PAW_STUN_REQUEST, 3},     {0x3eef, PAW_STUN_REQUEST, 0xfff},
      {0x3fff, PAW_STUN_ERROR, 0xfff},   {0x0020, PAW_STUN_REQUEST, 0x10},
      {0x0200, PAW_STUN_REQUEST, 0x080}, {0x2000, PAW_STUN_REQUEST, 0x800},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t data[] = {HEADER(1, 0)};
    data[0] = (uint8_t)(cases[i].type >> 8);
    data[1] = (uint8_t)cases[i].type;
    ASSERT_FAULT(data, NONE);
    assert_int_equal(message.class, cases[i].class);
    assert_int_equal(message.method, cases[i].method);
    uint8_t again[32];
    struct paw_wr wr = paw_wr_init(again, sizeof again);
    assert_int_equal(paw_stun_write(&wr, &message, KIT_HMAC_KEY(NULL, 0)), PAW_OK);
    assert_int_equal(wr.len, sizeof data);
    assert_memory_equal(again, data, sizeof data);
  }
}

static void test_overrun(void **state) {
  (void)state;
  const uint8_t past_end[] = {HEADER(1, 8), 0x80, 0x22, 0, 5, 'a', 'b', 'c', 'd'};
  ASSERT_FAULT(past_end, ATTRIBUTE_OVERRUN);
  const uint8_t far_past_end[] = {HEADER(1, 4), 0x80, 0x22, 0xff, 0xff};
  ASSERT_FAULT(far_past_end, ATTRIBUTE_OVERRUN);
  const uint8_t unknown_past_end[] = {HEADER(1, 8), 0xff, 0x01, 0, 5, 'a', 'b', 'c', 'd'};
  ASSERT_FAULT(unknown_past_end, ATTRIBUTE_OVERRUN);
}

static void test_sizes(void **state) {
  (void)state;
  const uint8_t priority_short[] = {HEADER(1, 8), 0, 0x24, 0, 3, 1, 2, 3, 4};
  ASSERT_FAULT(priority_short, ATTRIBUTE_SIZE);
  const uint8_t priority_long[] = {HEADER(1, 12), 0, 0x24, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0};
  ASSERT_FAULT(priority_long, ATTRIBUTE_SIZE);
  const uint8_t use_candidate[] = {HEADER(1, 8), 0, 0x25, 0, 1, 0, 0, 0, 0};
  ASSERT_FAULT(use_candidate, ATTRIBUTE_SIZE);
  const uint8_t controlling[] = {HEADER(1, 8), 0x80, 0x2a, 0, 4, 1, 2, 3, 4};
  ASSERT_FAULT(controlling, ATTRIBUTE_SIZE);
  const uint8_t integrity[] = {HEADER(1, 8), 0, 0x08, 0, 4, 1, 2, 3, 4};
  ASSERT_FAULT(integrity, ATTRIBUTE_SIZE);
  const uint8_t fingerprint[] = {HEADER(1, 4), 0x80, 0x28, 0, 0};
  ASSERT_FAULT(fingerprint, ATTRIBUTE_SIZE);
  const uint8_t listed_odd[] = {HEADER(1, 8), 0, 0x0a, 0, 3, 0, 1, 0, 0};
  ASSERT_FAULT(listed_odd, ATTRIBUTE_SIZE);
  const uint8_t error_short[] = {HEADER(1, 8), 0, 0x09, 0, 3, 0, 0, 4, 0};
  ASSERT_FAULT(error_short, ATTRIBUTE_SIZE);
  static uint8_t username[20 + 4 + 516] = {HEADER(1, 0), 0, 6, 2, 2};
  username[2] = 520 >> 8;
  username[3] = 520 & 0xff;
  ASSERT_FAULT(username, ATTRIBUTE_SIZE); /* 514 bytes */
  username[23] = 1;
  ASSERT_FAULT(username, NONE); /* 513 */
}

static void test_addresses(void **state) {
  (void)state;
  const uint8_t ipv4[] = {HEADER(1, 12), 0, 0x01, 0, 8, 0, 1, 0x20, 0xfb, 192, 0, 2, 7};
  ASSERT_FAULT(ipv4, NONE);
  assert_int_equal(message.mapped.port, 8443);
  assert_int_equal(message.mapped.ip[0], 192);
  assert_int_equal(message.mapped.ip[3], 7);
  assert_int_equal(message.has, PAW_STUN_HAS_MAPPED);
  uint8_t family[sizeof ipv4];
  memcpy(family, ipv4, sizeof family);
  family[25] = 3;
  ASSERT_FAULT(family, ADDRESS_FAMILY);
  family[25] = 2; /* an IPv6 address of 4 bytes */
  ASSERT_FAULT(family, ATTRIBUTE_SIZE);
  const uint8_t ipv4_of_16[] = {
      HEADER(1, 24), 0, 0x20, 0, 20, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  ASSERT_FAULT(ipv4_of_16, ATTRIBUTE_SIZE);
}

static void test_error_codes(void **state) {
  (void)state;
  uint8_t data[] = {HEADER(1, 12), 0, 0x09, 0, 6, 0, 0, 4, 87, 'n', 'o', 0, 0};
  ASSERT_FAULT(data, NONE);
  assert_int_equal(message.error_code, 487);
  assert_int_equal(message.error_reason.len, 2);
  data[26] = 0xf9 & 0xf8; /* the upper bits are reserved; class 0 */
  ASSERT_FAULT(data, ERROR_CODE);
  data[26] = 7;
  ASSERT_FAULT(data, ERROR_CODE);
  data[26] = 2;
  ASSERT_FAULT(data, ERROR_CODE);
  data[26] = 4;
  data[27] = 100;
  ASSERT_FAULT(data, ERROR_CODE);
  data[27] = 99;
  ASSERT_FAULT(data, NONE);
  assert_int_equal(message.error_code, 499);
  data[26] = 3;
  data[27] = 0;
  ASSERT_FAULT(data, NONE);
  assert_int_equal(message.error_code, 300);
}

static void test_first_counts(void **state) {
  (void)state;
  const uint8_t twice[] = {HEADER(1, 16), 0, 0x24, 0, 4, 0, 0, 0, 1, 0, 0x24, 0, 4, 0, 0, 0, 2};
  ASSERT_FAULT(twice, NONE);
  assert_int_equal(message.priority, 1);
}

static void test_after_integrity(void **state) {
  (void)state;
  uint8_t data[20 + 24 + 8 + 8 + 8] = {HEADER(1, 48), 0, 8, 0, 20};
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  (void)paw_wr_claim(&wr, 44);
  const uint8_t rest[] = {0,    0x24, 0, 4, 0, 0, 0, 1,  /* PRIORITY: does not count */
                          0x00, 0x01, 0, 4, 0, 9, 0, 0,  /* not even a good one: does not count */
                          0x80, 0x28, 0, 4, 1, 2, 3, 4}; /* FINGERPRINT */
  paw_wr_bytes(&wr, rest, sizeof rest);
  ASSERT_FAULT(data, NONE);
  assert_int_equal(message.has, PAW_STUN_HAS_INTEGRITY | PAW_STUN_HAS_FINGERPRINT);
  assert_int_equal(message.integrity_offset, 20);
  assert_int_equal(message.fingerprint_offset, 60);
}

static void test_fingerprint_is_last(void **state) {
  (void)state;
  const uint8_t data[] = {HEADER(1, 16), 0x80, 0x28, 0, 4,   0,   0,   0,  1,
                          0x80,          0x22, 0,    4, 'a', 'b', 'c', 'd'};
  ASSERT_FAULT(data, FINGERPRINT_NOT_LAST);
}

static void test_unknown(void **state) {
  (void)state;
  /* From 0x8000 on nobody has to understand them. */
  const uint8_t data[] = {HEADER(1, 20), 0x00, 0x03, 0, 4,    0,    0, 0, 0, 0x7f, 0xff, 0, 0,
                          0xc0,          0x57, 0,    0, 0x80, 0x00, 0, 0};
  ASSERT_FAULT(data, NONE);
  assert_int_equal(message.unknown_count, 2);
  assert_int_equal(message.unknown[0], 0x0003);
  assert_int_equal(message.unknown[1], 0x7fff);
  uint8_t many[20 + 4 * 40] = {HEADER(1, 160)};
  for (size_t i = 0; i < 40; i++) {
    many[20 + 4 * i] = 0x70;
    many[21 + 4 * i] = (uint8_t)i;
  }
  ASSERT_FAULT(many, NONE);
  assert_int_equal(message.unknown_count, PAW_STUN_UNKNOWN_MAX);
}

static void test_integrity_and_fingerprint_fail(void **state) {
  (void)state;
  struct paw_stun_message request = {.class = PAW_STUN_REQUEST,
                                     .method = PAW_STUN_METHOD_BINDING,
                                     .has = PAW_STUN_HAS_PRIORITY | PAW_STUN_HAS_INTEGRITY |
                                            PAW_STUN_HAS_FINGERPRINT,
                                     .priority = 77};
  const uint8_t key[] = "0123456789012345678901";
  uint8_t data[128];
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  assert_int_equal(paw_stun_write(&wr, &request, KIT_HMAC_KEY(key, 22)), PAW_OK);
  for (size_t bit = 0; bit < wr.len * 8; bit++) {
    data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    bool good = paw_stun_read(data, wr.len, &message) == PAW_STUN_FAULT_NONE &&
                paw_stun_check_fingerprint(&message) &&
                paw_stun_check_integrity(&message, KIT_HMAC_KEY(key, 22));
    assert_false(good);
    data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
  }
  assert_fault(data, wr.len, PAW_STUN_FAULT_NONE);
  assert_true(paw_stun_check_fingerprint(&message));
  assert_true(paw_stun_check_integrity(&message, KIT_HMAC_KEY(key, 22)));
  assert_false(paw_stun_check_integrity(&message, KIT_HMAC_KEY(key, 0)));
}

/* Whatever comes: no reading past the end (the sanitizers look), and what is taken can be written.
 */
static void read_noise(uint64_t seed, void *context) {
  (void)context;
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  for (int round = 0; round < 2000; round++) {
    size_t len = (size_t)kit_rng_below(&rng, 120) & ~(size_t)3;
    uint8_t *data = test_malloc(len + 20);
    const uint8_t header[] = {HEADER(1, 0)};
    memcpy(data, header, 20);
    data[3] = (uint8_t)len;
    kit_rng_bytes(&rng, data + 20, len);
    static const uint8_t types[] = {1, 6, 8, 9, 10, 0x14, 0x15, 0x20, 0x24, 0x25};
    if (len >= 8) {
      data[20] = 0;
      data[21] = types[kit_rng_below(&rng, sizeof types)];
      data[22] = 0;
      data[23] = (uint8_t)kit_rng_below(&rng, 24);
    }
    uint8_t again[256];
    struct paw_wr wr = paw_wr_init(again, sizeof again);
    struct paw_slice username;
    (void)paw_stun_peek_username(data, len + 20, &username);
    if (paw_stun_read(data, len + 20, &message) == PAW_STUN_FAULT_NONE) {
      assert_int_equal(paw_stun_write(&wr, &message, KIT_HMAC_KEY(NULL, 0)), PAW_OK);
      (void)paw_stun_check_integrity(&message, KIT_HMAC_KEY(data, 4));
      (void)paw_stun_check_fingerprint(&message);
    }
    test_free(data);
  }
}

static void test_noise(void **state) {
  (void)state;
  kit_seeds_run(read_noise, NULL, 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_header),
      cmocka_unit_test(test_classes_and_methods),
      cmocka_unit_test(test_overrun),
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_addresses),
      cmocka_unit_test(test_error_codes),
      cmocka_unit_test(test_first_counts),
      cmocka_unit_test(test_after_integrity),
      cmocka_unit_test(test_fingerprint_is_last),
      cmocka_unit_test(test_unknown),
      cmocka_unit_test(test_integrity_and_fingerprint_fail),
      cmocka_unit_test(test_noise),
  };
  return cmocka_run_group_tests_name("stun_read", tests, NULL, NULL);
}
