/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "whep_status.h"

static void only_201_makes_a_session(void **state) {
  (void)state;
  for (long status = 100; status < 600; status++) {
    assert_int_equal(whep_status_verdict(status) == WHEP_CREATED, status == 201);
  }
}

static void what_passes_by_itself_is_tried_again(void **state) {
  (void)state;
  static const long passing[] = {408, 409, 425, 429, 500, 502, 503, 504, 599};
  for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
    assert_int_equal(whep_status_verdict(passing[i]), WHEP_RETRY);
  }
}

static void what_the_installer_must_mend_ends_it(void **state) {
  (void)state;
  static const long refused[] = {200, 301, 302, 303, 400, 401, 403, 404, 405, 410, 415, 422, 499};
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    assert_int_equal(whep_status_verdict(refused[i]), WHEP_REFUSED);
  }
}

static void only_406_may_be_a_counter_offer(void **state) {
  (void)state;
  for (long status = 100; status < 600; status++) {
    assert_int_equal(whep_status_verdict(status) == WHEP_COUNTER_OFFER, status == 406);
  }
}

static void a_patch_that_is_not_taken_is_not_a_failure(void **state) {
  (void)state;
  static const struct {
    long status;
    enum whep_patch_verdict verdict;
  } cases[] = {
      {200, WHEP_PATCH_DONE},        {204, WHEP_PATCH_DONE},        {299, WHEP_PATCH_DONE},
      {307, WHEP_PATCH_REFUSED},     {400, WHEP_PATCH_REFUSED},     {401, WHEP_PATCH_REFUSED},
      {404, WHEP_PATCH_GONE},        {405, WHEP_PATCH_UNSUPPORTED}, {408, WHEP_PATCH_LATER},
      {410, WHEP_PATCH_GONE},        {412, WHEP_PATCH_REFUSED},     {415, WHEP_PATCH_UNSUPPORTED},
      {422, WHEP_PATCH_UNSUPPORTED}, {428, WHEP_PATCH_REFUSED},     {429, WHEP_PATCH_LATER},
      {499, WHEP_PATCH_REFUSED},     {500, WHEP_PATCH_LATER},       {501, WHEP_PATCH_UNSUPPORTED},
      {503, WHEP_PATCH_LATER},       {599, WHEP_PATCH_LATER},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(whep_status_patch_verdict(cases[i].status), cases[i].verdict);
  }
}

static void only_redirects_that_keep_the_method_are_followed(void **state) {
  (void)state;
  for (long status = 300; status < 400; status++) {
    assert_int_equal(whep_status_verdict(status) == WHEP_REDIRECT, status == 307 || status == 308);
  }
}

static void the_token_is_named_for_401(void **state) {
  (void)state;
  assert_non_null(strstr(whep_status_text(401), "token"));
  assert_string_equal(whep_status_text(507), "the server has a problem");
  assert_string_equal(whep_status_text(451), "the server refuses the request");
  assert_string_equal(whep_status_text(204), "not an answer to a WHEP offer");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_201_makes_a_session),
      cmocka_unit_test(what_passes_by_itself_is_tried_again),
      cmocka_unit_test(what_the_installer_must_mend_ends_it),
      cmocka_unit_test(only_406_may_be_a_counter_offer),
      cmocka_unit_test(a_patch_that_is_not_taken_is_not_a_failure),
      cmocka_unit_test(only_redirects_that_keep_the_method_are_followed),
      cmocka_unit_test(the_token_is_named_for_401),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
