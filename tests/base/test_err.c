/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pawebrtc/base.h>

/* Numbers are part of the interface: a program may have been built with another version. */
static const struct {
  int status;
  int number;
  const char *text;
} statuses[] = {
    {PAW_OK, 0, "success"},
    {PAW_ERR_INVALID, -1, "invalid argument"},
    {PAW_ERR_STATE, -2, "call not allowed in this state"},
    {PAW_ERR_NO_MEMORY, -3, "out of memory"},
    {PAW_ERR_NO_BUFFER, -4, "buffer too small"},
    {PAW_ERR_LIMIT, -5, "limit reached"},
    {PAW_ERR_MALFORMED, -6, "malformed input"},
    {PAW_ERR_UNSUPPORTED, -7, "not supported"},
    {PAW_ERR_AUTH, -8, "authentication failed"},
    {PAW_ERR_REPLAY, -9, "replayed or too old"},
    {PAW_ERR_RANDOM, -10, "random source failed"},
    {PAW_ERR_CRYPTO, -11, "cryptographic library failed"},
    {PAW_ERR_CODEC, -12, "audio codec failed"},
};
#define STATUS_COUNT (sizeof statuses / sizeof statuses[0])

static void test_numbers_and_texts(void **state) {
  (void)state;
#define COUNT_ONE(name, value, text) +1
  assert_int_equal(STATUS_COUNT, 0 PAW_STATUS_MAP(COUNT_ONE));
#undef COUNT_ONE
  for (size_t i = 0; i < STATUS_COUNT; i++) {
    assert_int_equal(statuses[i].status, statuses[i].number);
    assert_string_equal(paw_strerror(statuses[i].status), statuses[i].text);
    for (size_t other = 0; other < i; other++) {
      assert_int_not_equal(statuses[i].number, statuses[other].number);
      assert_string_not_equal(statuses[i].text, statuses[other].text);
    }
  }
}

static void test_other_numbers_have_a_text_too(void **state) {
  (void)state;
  static const int others[] = {1, -13, -1000, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    assert_string_equal(paw_strerror(others[i]), "unknown status");
  }
}

static void test_timeout_reasons_have_texts_of_their_own(void **state) {
  (void)state;
#define REASON_TEXT(name, text) text,
  static const char *const texts[] = {PAW_TIMEOUT_MAP(REASON_TEXT)};
#undef REASON_TEXT
  size_t count = sizeof texts / sizeof texts[0];
  assert_int_equal(count, PAW_TIMEOUT_NACK + 1);
  for (size_t i = 0; i < count; i++) {
    assert_string_equal(paw_timeout_text((enum paw_timeout_reason)i), texts[i]);
    for (size_t other = 0; other < i; other++) {
      assert_string_not_equal(texts[i], texts[other]);
    }
  }
  assert_string_equal(paw_timeout_text((enum paw_timeout_reason)count), "unknown reason");
}

static void test_version_is_three_numbers(void **state) {
  (void)state;
  const char *at = paw_version();
  for (int part = 0; part < 3; part++) {
    size_t digits = strspn(at, "0123456789");
    assert_true(digits > 0);
    at += digits;
    assert_int_equal(*at, part < 2 ? '.' : '\0');
    at++;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_numbers_and_texts),
      cmocka_unit_test(test_other_numbers_have_a_text_too),
      cmocka_unit_test(test_timeout_reasons_have_texts_of_their_own),
      cmocka_unit_test(test_version_is_three_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
