/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "whep_url.h"

static void server_texts_become_urls(void **state) {
  (void)state;
  static const struct {
    const char *server, *url;
  } cases[] = {
      {"pa.local", "https://pa.local:8443/whep"},
      {"pa.local:9000", "https://pa.local:9000/whep"},
      {"192.0.2.1", "https://192.0.2.1:8443/whep"},
      {"192.0.2.1:443", "https://192.0.2.1:443/whep"},
      {"fd00::2", "https://[fd00::2]:8443/whep"},
      {"[fd00::2]", "https://[fd00::2]:8443/whep"},
      {"[fd00::2]:9000", "https://[fd00::2]:9000/whep"},
      {"https://sfu.example", "https://sfu.example/whep"},
      {"https://sfu.example:444/", "https://sfu.example:444/whep"},
      {"https://sfu.example/live/hall/whep", "https://sfu.example/live/hall/whep"},
      {"https://sfu.example/whep?room=1", "https://sfu.example/whep?room=1"},
      {"http://127.0.0.1:8080", "http://127.0.0.1:8080/whep"},
      {"http://[::1]:8080", "http://[::1]:8080/whep"},
      {"http://localhost:8080", "http://localhost:8080/whep"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char url[WHEP_URL_SIZE];
    struct fault fault = {"no fault"};
    assert_int_equal(whep_url_from_server(cases[i].server, "/whep", url, &fault), 0);
    assert_string_equal(url, cases[i].url);
  }
}

static void bad_servers_are_explained(void **state) {
  (void)state;
  static const struct {
    const char *server, *path, *explanation;
  } cases[] = {
      {"pa.local", "whep", "slash"},
      {"http://pa.local/whep", "/whep", "use https://"},
      {"http://192.0.2.1/whep", "/whep", "use https://"},
      {"ftp://pa.local/whep", "/whep", "not HOST"},
      {"pa.local/whep", "/whep", "not HOST"},
      {"user@pa.local", "/whep", "not HOST"},
      {"pa.local:port", "/whep", "not HOST"},
      {"pa.local:70000", "/whep", "not HOST"},
      {"", "/whep", "not HOST"},
      {"two words", "/whep", "not HOST"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char url[WHEP_URL_SIZE];
    struct fault fault = {"no fault"};
    assert_int_equal(whep_url_from_server(cases[i].server, cases[i].path, url, &fault), -1);
    assert_non_null(strstr(fault.text, cases[i].explanation));
  }
}

static void locations_are_resolved(void **state) {
  (void)state;
  static const struct {
    const char *base, *location, *url;
  } cases[] = {
      {"https://a:8443/whep", "/whep/17", "https://a:8443/whep/17"},
      {"https://a:8443/whep", "whep/17", "https://a:8443/whep/17"},
      {"https://a:8443/live/whep", "17", "https://a:8443/live/17"},
      {"https://a:8443/live/whep", "../17", "https://a:8443/17"},
      {"https://a:8443/live/whep", "?id=17", "https://a:8443/live/whep?id=17"},
      {"https://a:8443/whep", "https://b/17", "https://b/17"},
      {"https://a:8443/whep", "//b:9/17", "https://b:9/17"},
      {"http://127.0.0.1/whep", "https://b/17", "https://b/17"},
      {"http://127.0.0.1/whep", "/17", "http://127.0.0.1/17"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char url[WHEP_URL_SIZE];
    struct fault fault = {"no fault"};
    assert_int_equal(whep_url_resolve(cases[i].base, cases[i].location, url, &fault), 0);
    assert_string_equal(url, cases[i].url);
  }
}

static void locations_must_stay_safe(void **state) {
  (void)state;
  static const char *const bad[] = {"http://a:8443/17", "ftp://a/17", "javascript:x", "https://"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char url[WHEP_URL_SIZE];
    struct fault fault = {"no fault"};
    assert_int_equal(whep_url_resolve("https://a:8443/whep", bad[i], url, &fault), -1);
    assert_non_null(strstr(fault.text, "the server points"));
  }
}

static void origins_are_compared(void **state) {
  (void)state;
  assert_true(whep_url_same_origin("https://a/x", "https://A:443/y"));
  assert_false(whep_url_same_origin("https://a/x", "https://a:8443/x"));
  assert_false(whep_url_same_origin("https://a/x", "https://b/x"));
  assert_false(whep_url_same_origin("https://a:80/x", "http://a:80/x"));
}

static void loopback_is_known(void **state) {
  (void)state;
  assert_true(whep_url_is_loopback("https://127.0.0.1:1/"));
  assert_true(whep_url_is_loopback("https://127.3.2.1/"));
  assert_true(whep_url_is_loopback("https://[::1]:1/"));
  assert_true(whep_url_is_loopback("https://localhost/"));
  assert_false(whep_url_is_loopback("https://192.0.2.1/"));
  assert_false(whep_url_is_loopback("https://[fd00::1]/"));
  assert_false(whep_url_is_loopback("https://localhost.example/"));
}

static void addresses_of_other_than_visible_ascii_are_not_shown(void **state) {
  (void)state;
  static const char *const wrong[] = {"/a\x1b[2J", "/a b", "/a\n",
                                      ("/\xc2\x9b"
                                       "2J"),
                                      "/a\x7f"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char out[WHEP_URL_SIZE];
    struct fault fault = {"no fault"};
    assert_int_equal(whep_url_resolve("https://a/whep", wrong[i], out, &fault), -1);
    assert_null(strstr(fault.text, wrong[i]));
  }
}

static void names_of_users_are_refused_and_not_repeated(void **state) {
  static const char *const urls[] = {"https://secret@host/whep", "https://user:secret@host/whep",
                                     "https://:secret@host", "http://secret@127.0.0.1:1/whep"};
  (void)state;
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    char url[WHEP_URL_SIZE] = "";
    struct fault fault = {"no fault"};
    assert_int_equal(whep_url_from_server(urls[i], "/whep", url, &fault), -1);
    assert_non_null(strstr(fault.text, "--token-file"));
    assert_null(strstr(fault.text, "secret"));
    assert_int_equal(whep_url_resolve("https://host:8443/whep", urls[i], url, &fault), -1);
    assert_null(strstr(fault.text, "secret"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(server_texts_become_urls),
      cmocka_unit_test(bad_servers_are_explained),
      cmocka_unit_test(locations_are_resolved),
      cmocka_unit_test(locations_must_stay_safe),
      cmocka_unit_test(origins_are_compared),
      cmocka_unit_test(loopback_is_known),
      cmocka_unit_test(addresses_of_other_than_visible_ascii_are_not_shown),
      cmocka_unit_test(names_of_users_are_refused_and_not_repeated),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
