/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

/* A source that counts up, and fails from its nth call on. */
struct source {
  uint8_t next;
  unsigned calls;
  unsigned fail_at; /* 0: never */
};

static int fill(void *user_data, uint8_t *out, size_t len) {
  struct source *source = user_data;
  source->calls++;
  if (source->fail_at != 0 && source->calls >= source->fail_at) {
    memset(out, 0xee, len); /* rubbish that must not be used */
    return -1;
  }
  for (size_t i = 0; i < len; i++) {
    out[i] = source->next++;
  }
  return 0;
}

static void test_numbers_are_made_of_all_their_bytes(void **state) {
  (void)state;
  struct source source = {.next = 1};
  const struct paw_rng rng = {.fill = fill, .user_data = &source};
  uint32_t u32 = 0;
  uint64_t u64 = 0;
  assert_int_equal(paw_rng_u32(&rng, &u32), PAW_OK);
  assert_int_equal(u32, 0x01020304);
  assert_int_equal(paw_rng_u64(&rng, &u64), PAW_OK);
  assert_true(u64 == UINT64_C(0x05060708090a0b0c));
}

static void test_a_failing_source_leaves_zeros(void **state) {
  (void)state;
  for (unsigned fail_at = 1; fail_at <= 2; fail_at++) {
    uint8_t bytes[4] = {1, 1, 1, 1};
    uint32_t u32 = 1;
    uint64_t u64 = 1;
    struct source source = {.fail_at = 1};
    const struct paw_rng rng = {.fill = fill, .user_data = &source};
    assert_int_equal(paw_rng_bytes(&rng, bytes, sizeof bytes), PAW_ERR_RANDOM);
    assert_memory_equal(bytes, ((const uint8_t[]){0, 0, 0, 0}), 4);
    assert_int_equal(paw_rng_u32(&rng, &u32), PAW_ERR_RANDOM);
    assert_int_equal(u32, 0);
    source = (struct source){.next = 1, .fail_at = fail_at};
    int status = paw_rng_u64(&rng, &u64); /* may draw once or twice */
    assert_int_equal(status, source.calls >= fail_at ? PAW_ERR_RANDOM : PAW_OK);
    assert_int_equal(u64 == 0, status == PAW_ERR_RANDOM);
  }
}

static void test_no_source_is_a_failing_one(void **state) {
  (void)state;
  const struct paw_rng none = {0};
  uint8_t bytes[4] = {1, 1, 1, 1};
  assert_int_equal(paw_rng_bytes(&none, bytes, sizeof bytes), PAW_ERR_RANDOM);
  assert_int_equal(bytes[3], 0);
}

static void test_text_is_of_ice_chars(void **state) {
  (void)state;
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  struct source source = {0};
  const struct paw_rng rng = {.fill = fill, .user_data = &source};
  char text[258];
  memset(text, '?', sizeof text);
  assert_int_equal(paw_rng_text(&rng, text, 256), PAW_OK);
  assert_int_equal(strlen(text), 256);
  assert_int_equal(text[257], '?');
  unsigned counts[64] = {0};
  for (size_t i = 0; i < 256; i++) {
    const char *at = strchr(alphabet, text[i]);
    assert_non_null(at);
    counts[at - alphabet]++;
  }
  for (size_t i = 0; i < 64; i++) {
    assert_int_equal(counts[i], 4); /* every byte was drawn once: all characters are as likely */
  }
  assert_int_equal(paw_rng_text(&rng, text, 0), PAW_OK);
  assert_string_equal(text, "");
}

static void test_text_of_a_failing_source_is_empty(void **state) {
  (void)state;
  struct source source = {.fail_at = 1};
  const struct paw_rng rng = {.fill = fill, .user_data = &source};
  char text[9] = "password";
  assert_int_equal(paw_rng_text(&rng, text, 8), PAW_ERR_RANDOM);
  assert_memory_equal(text, ((const char[9]){0}), 9); /* nothing that could pass for a password */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_numbers_are_made_of_all_their_bytes),
      cmocka_unit_test(test_a_failing_source_leaves_zeros),
      cmocka_unit_test(test_no_source_is_a_failing_one),
      cmocka_unit_test(test_text_is_of_ice_chars),
      cmocka_unit_test(test_text_of_a_failing_source_is_empty),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
