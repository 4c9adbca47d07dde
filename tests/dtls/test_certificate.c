/* SPDX-License-Identifier: MIT */
/* Certificates and their fingerprints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dtls/private.h"
#include "kit/alloc.h"
#include "kit/rng.h"

struct fixture {
  struct kit_rng random;
  struct paw_rng rng;
  struct kit_allocator memory;
  struct paw_allocator allocator;
};

static int setup(void **state) {
  static struct fixture fixture;
  memset(&fixture, 0, sizeof fixture);
  kit_rng_init(&fixture.random, 42);
  fixture.rng = kit_rng_hook(&fixture.random);
  fixture.allocator = kit_allocator_hook(&fixture.memory);
  *state = &fixture;
  return 0;
}

static int teardown(void **state) {
  struct fixture *fixture = *state;
  assert_int_equal(fixture->memory.outstanding_bytes, 0);
  return 0;
}

static struct paw_certificate *generate(struct fixture *fixture) {
  struct paw_certificate *certificate = NULL;
  assert_int_equal(paw_certificate_generate(&fixture->rng, &fixture->allocator, &certificate),
                   PAW_OK);
  return certificate;
}

static void what_is_generated(void **state) {
  struct paw_certificate *certificate = generate(*state);
  const mbedtls_x509_crt *x509 = &certificate->certificate;
  char name[64];
  assert_int_equal(x509->version, 3);
  assert_true(mbedtls_x509_dn_gets(name, sizeof name, &x509->subject) > 0);
  assert_string_equal(name, "CN=pawebrtc");
  assert_true(mbedtls_x509_dn_gets(name, sizeof name, &x509->issuer) > 0);
  assert_string_equal(name, "CN=pawebrtc");
  assert_int_equal(x509->valid_from.year, 2000);
  assert_int_equal(x509->valid_to.year, 2099);
  assert_int_equal(x509->serial.len, 16);
  assert_true((x509->serial.p[0] & 0x80) == 0);
  /* Signed with its own key. */
  uint32_t flags = 0;
  assert_int_equal(mbedtls_x509_crt_verify(&certificate->certificate, &certificate->certificate,
                                           NULL, NULL, &flags, NULL, NULL),
                   0);
  paw_certificate_free(certificate);
}

static void each_one_is_another(void **state) {
  struct paw_certificate *a = generate(*state);
  struct paw_certificate *b = generate(*state);
  struct paw_fingerprint fingerprints[2];
  paw_certificate_get_fingerprint(a, &fingerprints[0]);
  paw_certificate_get_fingerprint(b, &fingerprints[1]);
  assert_memory_not_equal(fingerprints[0].value, fingerprints[1].value, 32);
  assert_memory_not_equal(a->certificate.serial.p, b->certificate.serial.p, 16);
  paw_certificate_free(a);
  paw_certificate_free(b);
}

static void without_randomness(void **state) {
  struct fixture *fixture = *state;
  struct paw_certificate *certificate = NULL;
  fixture->random.failing = true;
  assert_int_equal(paw_certificate_generate(&fixture->rng, &fixture->allocator, &certificate),
                   PAW_ERR_RANDOM);
  assert_null(certificate);
}

static void without_memory(void **state) {
  struct fixture *fixture = *state;
  struct paw_certificate *certificate = NULL;
  fixture->memory.fail_nth = 1;
  assert_int_equal(paw_certificate_generate(&fixture->rng, &fixture->allocator, &certificate),
                   PAW_ERR_NO_MEMORY);
  assert_null(certificate);
}

/* Allocations fail in turn, mbedTLS's too: the first ones, then every 61st of some 4000. One of
 * them mbedTLS takes for another error. */
static void without_memory_anywhere(void **state) {
  struct fixture *fixture = *state;
  bool done = !kit_malloc_can_fail();
  for (uint64_t nth = 1; !done; nth += nth < 30 ? 1 : 61) {
    struct paw_certificate *certificate = NULL;
    kit_malloc_start();
    kit_malloc_fail(nth, false);
    int status = paw_certificate_generate(&fixture->rng, &fixture->allocator, &certificate);
    paw_certificate_free(certificate);
    struct kit_malloc_counts counts = kit_malloc_stop();
    done = counts.failed == 0;
    assert_true(done ? status == PAW_OK : status == PAW_ERR_NO_MEMORY || status == PAW_ERR_CRYPTO);
    assert_int_equal(counts.outstanding, 0);
  }
}

static void out_and_in_again(void **state) {
  struct fixture *fixture = *state;
  struct paw_certificate *certificate = generate(fixture);
  uint8_t der[1024];
  uint8_t key[256];
  size_t der_len = 0;
  size_t key_len = 0;
  assert_int_equal(paw_certificate_export(certificate, NULL, &der_len, NULL, &key_len), PAW_OK);
  assert_in_range(der_len, 200, 500);
  assert_in_range(key_len, 100, 150);
  size_t short_len = der_len - 1;
  size_t needed = key_len;
  assert_int_equal(paw_certificate_export(certificate, der, &short_len, key, &key_len),
                   PAW_ERR_NO_BUFFER);
  assert_int_equal(short_len, der_len);
  key_len = needed - 1;
  assert_int_equal(paw_certificate_export(certificate, der, &der_len, key, &key_len),
                   PAW_ERR_NO_BUFFER);
  assert_int_equal(key_len, needed);
  assert_int_equal(paw_certificate_export(certificate, der, &der_len, key, &key_len), PAW_OK);

  struct paw_certificate *again = NULL;
  assert_int_equal(paw_certificate_import(der, der_len, key, key_len, &fixture->rng,
                                          &fixture->allocator, &again),
                   PAW_OK);
  struct paw_fingerprint fingerprints[2];
  paw_certificate_get_fingerprint(certificate, &fingerprints[0]);
  paw_certificate_get_fingerprint(again, &fingerprints[1]);
  assert_memory_equal(&fingerprints[0], &fingerprints[1], sizeof fingerprints[0]);
  paw_certificate_free(again);
  paw_certificate_free(certificate);
}

struct der {
  size_t len;
  size_t key_len;
  uint8_t data[1024];
  uint8_t key[256];
};

static struct der export(const struct paw_certificate *certificate) {
  struct der der = {.len = sizeof der.data, .key_len = sizeof der.key};
  assert_int_equal(paw_certificate_export(certificate, der.data, &der.len, der.key, &der.key_len),
                   PAW_OK);
  return der;
}

static void expect_import(struct fixture *fixture, const struct der *der, int expected) {
  struct paw_certificate *certificate = NULL;
  assert_int_equal(paw_certificate_import(der->data, der->len, der->key, der->key_len,
                                          &fixture->rng, &fixture->allocator, &certificate),
                   expected);
  assert_null(certificate);
}

static void bad_imports(void **state) {
  struct fixture *fixture = *state;
  struct paw_certificate *a = generate(fixture);
  struct paw_certificate *b = generate(fixture);
  const struct der good = export(a);
  struct der bad = good;
  const struct der foreign = export(b);
  memcpy(bad.key, foreign.key, foreign.key_len);
  expect_import(fixture, &bad, PAW_ERR_UNSUPPORTED);
  for (size_t len = 0; len < good.len; len += 7) {
    bad = good;
    bad.len = len;
    expect_import(fixture, &bad, PAW_ERR_MALFORMED);
  }
  for (size_t len = 0; len < good.key_len - 1; len += 7) {
    bad = good;
    bad.key_len = len;
    expect_import(fixture, &bad, PAW_ERR_MALFORMED);
  }
  paw_certificate_free(a);
  paw_certificate_free(b);
}

static void a_key_on_another_curve(void **state) {
  struct fixture *fixture = *state;
  struct paw_certificate *certificate = generate(fixture);
  struct der der = export(certificate);
  mbedtls_pk_context key;
  mbedtls_pk_init(&key);
  assert_int_equal(mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
  assert_int_equal(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP384R1, mbedtls_pk_ec(key),
                                       paw_dtls_random, &fixture->rng),
                   0);
  uint8_t written[256];
  int len = mbedtls_pk_write_key_der(&key, written, sizeof written);
  assert_true(len > 0);
  memcpy(der.key, written + sizeof written - len, (size_t)len);
  der.key_len = (size_t)len;
  expect_import(fixture, &der, PAW_ERR_UNSUPPORTED);
  mbedtls_pk_free(&key);
  paw_certificate_free(certificate);
}

/* FIPS 180-4's example, "abc". */
static void fingerprints_of_each_hash(void **state) {
  (void)state;
  static const uint8_t abc[3] = {'a', 'b', 'c'};
  static const struct {
    enum paw_hash hash;
    uint8_t len;
    uint8_t start[4];
  } expected[] = {
      {PAW_HASH_SHA224, 28, {0x23, 0x09, 0x7d, 0x22}},
      {PAW_HASH_SHA256, 32, {0xba, 0x78, 0x16, 0xbf}},
      {PAW_HASH_SHA384, 48, {0xcb, 0x00, 0x75, 0x3f}},
      {PAW_HASH_SHA512, 64, {0xdd, 0xaf, 0x35, 0xa1}},
  };
  struct paw_fingerprint fingerprint;
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    assert_int_equal(paw_dtls_fingerprint_compute(abc, 3, expected[i].hash, &fingerprint), PAW_OK);
    assert_int_equal(fingerprint.len, expected[i].len);
    assert_memory_equal(fingerprint.value, expected[i].start, 4);
    assert_true(paw_dtls_fingerprint_is_supported(&fingerprint));
    assert_int_equal(paw_dtls_fingerprint_matches(&fingerprint, 1, abc, 3), 1);
    fingerprint.value[fingerprint.len - 1] ^= 0x80;
    assert_int_equal(paw_dtls_fingerprint_matches(&fingerprint, 1, abc, 3), 0);
  }
  assert_int_equal(paw_dtls_fingerprint_compute(abc, 3, PAW_HASH_SHA1, &fingerprint),
                   PAW_ERR_UNSUPPORTED);
}

/* Whoever lists several may list any of them alone later: all that match are told. */
static void every_match_is_told(void **state) {
  (void)state;
  static const uint8_t abc[3] = {'a', 'b', 'c'};
  struct paw_fingerprint list[4];
  assert_int_equal(paw_dtls_fingerprint_compute(abc, 2, PAW_HASH_SHA256, &list[0]), PAW_OK);
  assert_int_equal(paw_dtls_fingerprint_compute(abc, 3, PAW_HASH_SHA256, &list[1]), PAW_OK);
  assert_int_equal(paw_dtls_fingerprint_compute(abc, 2, PAW_HASH_SHA512, &list[2]), PAW_OK);
  assert_int_equal(paw_dtls_fingerprint_compute(abc, 3, PAW_HASH_SHA512, &list[3]), PAW_OK);
  assert_int_equal(paw_dtls_fingerprint_matches(list, 4, abc, 3), 1u << 1 | 1u << 3);
}

/* A fingerprint that is cut short matches nothing, not even what it begins like. */
static void lengths_count(void **state) {
  (void)state;
  static const uint8_t abc[3] = {'a', 'b', 'c'};
  struct paw_fingerprint fingerprint;
  assert_int_equal(paw_dtls_fingerprint_compute(abc, 3, PAW_HASH_SHA256, &fingerprint), PAW_OK);
  for (unsigned len = 0; len < 64; len++) {
    fingerprint.len = (uint8_t)len;
    assert_int_equal(paw_dtls_fingerprint_matches(&fingerprint, 1, abc, 3), len == 32);
  }
  assert_int_equal(paw_dtls_fingerprint_matches(&fingerprint, 0, abc, 3), 0);
}

static void sha1_matches_nothing(void **state) {
  (void)state;
  static const uint8_t abc[3] = {'a', 'b', 'c'};
  const struct paw_fingerprint fingerprint = {
      .hash = PAW_HASH_SHA1, .len = 20, .value = {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81,
                                                  0x6a, 0xba, 0x3e, 0x25, 0x71, 0x78, 0x50,
                                                  0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d}};
  assert_false(paw_dtls_fingerprint_is_supported(&fingerprint));
  assert_int_equal(paw_dtls_fingerprint_matches(&fingerprint, 1, abc, 3), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_is_generated),   TEST(each_one_is_another),     TEST(without_randomness),
      TEST(without_memory),      TEST(without_memory_anywhere), TEST(out_and_in_again),
      TEST(bad_imports),         TEST(a_key_on_another_curve),  TEST(fingerprints_of_each_hash),
      TEST(every_match_is_told), TEST(lengths_count),           TEST(sha1_matches_nothing),
  };
  return cmocka_run_group_tests_name("dtls_certificate", tests, NULL, NULL);
}
