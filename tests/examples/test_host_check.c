/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "host_check.h"

static const char *const others[] = {"pa.example.org", "hall"};
static const struct host_names names = {.own = "stage", .others = others, .other_count = 2};

static void addresses_and_own_names_are_ours(void **state) {
  static const char *const ours[] = {
      "192.0.2.1",      "192.0.2.1:8443", "[::1]",          "[fe80::1]:8443", "localhost",
      "localhost:8443", "stage",          "STAGE:8443",     "stage.",         "stage.local",
      "Stage.Local:1",  "stage.local.",   "pa.example.org", "hall:8443"};
  (void)state;
  for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
    assert_true(host_is_ours(ours[i], &names));
  }
}

static void other_names_are_not(void **state) {
  static const char *const strangers[] = {"",
                                          ":8443",
                                          ".",
                                          "evil.example",
                                          "stage.evil.example",
                                          "stage.localx",
                                          "xstage.local",
                                          ".local",
                                          "192.0.2.1.evil.example",
                                          "localhost.evil.example",
                                          "example.org",
                                          "192.0.2.1:8443x"};
  (void)state;
  assert_false(host_is_ours(NULL, &names));
  for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
    assert_false(host_is_ours(strangers[i], &names));
  }
}

static void a_host_without_a_name_has_addresses(void **state) {
  static const struct host_names none = {.own = ""};
  (void)state;
  assert_true(host_is_ours("127.0.0.1", &none));
  assert_false(host_is_ours("", &none));
  assert_false(host_is_ours(".local", &none));
}

static void a_domain_may_be_left_out(void **state) {
  static const struct host_names full = {.own = "stage.example.org"};
  (void)state;
  assert_true(host_is_ours("stage.example.org:8443", &full));
  assert_true(host_is_ours("stage", &full));
  assert_true(host_is_ours("stage.local", &full));
  assert_false(host_is_ours("example.org", &full));
}

static void a_host_has_a_form(void **state) {
  static const char *const good[] = {"127.0.0.1", "127.0.0.1:0",  "stage:65535",  "stage:",
                                     "[::1]",     "[fe80::1]:80", "a.b-c_d.local"};
  static const char *const bad[] = {"",
                                    ":80",
                                    "::1",
                                    "[::1",
                                    "[::1]x",
                                    "[::1]:80x",
                                    "[stage]",
                                    "user@stage",
                                    "user:secret@stage",
                                    "stage:80x",
                                    "stage:-1",
                                    "stage:65536",
                                    "stage:000080",
                                    "stage:80:80",
                                    "stage/",
                                    "stage 1",
                                    "stage,hall",
                                    "st\xc3\xa4ge",
                                    "stage\\@evil.example",
                                    "http://stage"};
  (void)state;
  assert_false(host_is_valid(NULL));
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    assert_true(host_is_valid(good[i]));
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_false(host_is_valid(bad[i]));
  }
}

static void an_origin_is_compared_whole(void **state) {
  static const char *const foreign[] = {"",
                                        "null",
                                        "http://stage:8443",
                                        "https://stage",
                                        "https://stage:8443/",
                                        "https://stage:84433",
                                        "https://xstage:8443",
                                        "https://stage:8443.evil.example",
                                        "https://evil.example",
                                        "https://user@stage:8443",
                                        "https:stage:8443",
                                        "https://stage:8443 https://evil.example"};
  (void)state;
  assert_true(origin_is_same("https://stage:8443", "https", "stage:8443"));
  assert_true(origin_is_same("https://stage:8443", "https", "STAGE:8443"));
  assert_true(origin_is_same("https://[::1]:1", "https", "[::1]:1"));
  assert_false(origin_is_same("https://stage:8443", "https", NULL));
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
    assert_false(origin_is_same(foreign[i], "https", "stage:8443"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses_and_own_names_are_ours),
      cmocka_unit_test(other_names_are_not),
      cmocka_unit_test(a_host_without_a_name_has_addresses),
      cmocka_unit_test(a_domain_may_be_left_out),
      cmocka_unit_test(a_host_has_a_form),
      cmocka_unit_test(an_origin_is_compared_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
