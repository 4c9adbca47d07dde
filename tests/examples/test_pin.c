/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pin.h"

#define KEY_A "sha256//6YrihiOqjrdNCOtPFGDzdi08dPyJ2hml8ALuj2eIsdo="
#define KEY_B "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static void options_are_read(void **state) {
  (void)state;
  struct pin pin;
  struct fault fault;
  assert_int_equal(pin_parse(NULL, &pin, &fault), 0);
  assert_int_equal(pin.trust, PIN_TRUST_FIRST_USE);
  assert_int_equal(pin_parse("system", &pin, &fault), 0);
  assert_int_equal(pin.trust, PIN_TRUST_SYSTEM);
  assert_int_equal(pin_parse(KEY_A, &pin, &fault), 0);
  assert_int_equal(pin.trust, PIN_TRUST_KEY);
  assert_string_equal(pin.key, KEY_A);
}

static void wrong_options_are_refused(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "",
      "sha256//",
      "SHA256//6YrihiOqjrdNCOtPFGDzdi08dPyJ2hml8ALuj2eIsdo=",
      "sha256/6YrihiOqjrdNCOtPFGDzdi08dPyJ2hml8ALuj2eIsdo=",
      "sha256//6YrihiOqjrdNCOtPFGDzdi08dPyJ2hml8ALuj2eIsd=",
      "sha256//6YrihiOqjrdNCOtPFGDzdi08dPyJ2hml8ALuj2eIsd==",
      "sha256//6YrihiOqjrdNCOtPFGDzdi08dPyJ2hml8ALuj2eIsdoA",
      "sha256//6YrihiOqjrdNCOtPFGDzdi08dPyJ2hml8ALuj2eIsdo=;sha256//x",
      "sha256//6YrihiOqjrd COtPFGDzdi08dPyJ2hml8ALuj2eIsdo=",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    struct pin pin;
    struct fault fault = {"no fault"};
    assert_int_equal(pin_parse(wrong[i], &pin, &fault), -1);
    assert_non_null(strstr(fault.text, "--pin"));
  }
}

/* Made with openssl; its pin by openssl pkey -pubin -outform der | openssl dgst -sha256. */
static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBezCCASGgAwIBAgIUVKS+xJ8hl2ghbYccIgpDdmWX0QIwCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHcGEtc2VuZDAgFw0yNjExMjIxMjUyMjJaGA8yMTI2MTAyOTEy\n"
    "NTIyMlowEjEQMA4GA1UEAwwHcGEtc2VuZDBZMBMGByqGSM49AgEGCCqGSM49AwEH\n"
    "A0IABBO+NbsKX40O0HQMOdB5RHFLhpoGrNUoIcPvCB/tV56hpgBMwVL6+PMLS0aG\n"
    "kaZENjASiOAjLo36fi6tG6761gajUzBRMB0GA1UdDgQWBBTm6vSUwLdto+k1fchU\n"
    "xwC7X0ViLDAfBgNVHSMEGDAWgBTm6vSUwLdto+k1fchUxwC7X0ViLDAPBgNVHRMB\n"
    "Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQD5VE84hsZmBOZIYCAIk110K3fi\n"
    "Jll2QGeBAMF9rQttOwIgBaRx5YqAfKza/tN8s7PRQn0YCLRd3TjHdohoqT0xy/w=\n"
    "-----END CERTIFICATE-----\n";

static void the_pin_of_a_certificate_is_that_of_openssl(void **state) {
  (void)state;
  char pin[PIN_TEXT_SIZE];
  struct fault fault = {"no fault"};
  assert_int_equal(pin_from_certificate(certificate, pin, &fault), 0);
  assert_string_equal(pin, KEY_A);
  assert_int_equal(pin_from_certificate("no certificate", pin, &fault), -1);
}

static int make_folder(void **state) {
  char *folder = strdup("/tmp/test_pin.XXXXXX");
  *state = folder;
  return folder != NULL && mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state) {
  char path[PIN_STORE_PATH_SIZE];
  pin_store_path(*state, path);
  (void)unlink(path);
  int status = rmdir(*state);
  free(*state);
  return status;
}

static void assert_stored(const char *folder, const char *authority, const char *expected) {
  char pin[PIN_TEXT_SIZE];
  struct fault fault = {"no fault"};
  assert_int_equal(pin_store_read(folder, authority, pin, &fault), 0);
  assert_string_equal(pin, expected);
}

static void pins_are_kept_by_server(void **state) {
  struct fault fault = {"no fault"};
  assert_stored(*state, "a:8443", "");
  assert_int_equal(pin_store_write(*state, "a:8443", KEY_A, &fault), 0);
  assert_int_equal(pin_store_write(*state, "b:8443", KEY_B, &fault), 0);
  assert_stored(*state, "A:8443", KEY_A);
  assert_stored(*state, "b:8443", KEY_B);
  assert_stored(*state, "a:844", "");
  assert_int_equal(pin_store_write(*state, "a:8443", KEY_B, &fault), 0);
  assert_stored(*state, "a:8443", KEY_B);
  assert_stored(*state, "b:8443", KEY_B);
}

static void a_damaged_store_is_no_new_trust(void **state) {
  char path[PIN_STORE_PATH_SIZE];
  char pin[PIN_TEXT_SIZE];
  struct fault fault = {"no fault"};
  pin_store_path(*state, path);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs("a:8443 sha256//short\n", file) >= 0);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(pin_store_read(*state, "a:8443", pin, &fault), -1);
  assert_non_null(strstr(fault.text, path));
}

static void a_missing_folder_is_made(void **state) {
  char folder[PIN_STORE_PATH_SIZE];
  char path[PIN_STORE_PATH_SIZE];
  struct fault fault = {"no fault"};
  (void)snprintf(folder, sizeof folder, "%s/new/below", (const char *)*state);
  assert_int_equal(pin_store_write(folder, "a:8443", KEY_A, &fault), 0);
  struct stat status;
  assert_int_equal(stat(folder, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0700);
  pin_store_path(folder, path);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(rmdir(folder), 0);
  *strrchr(folder, '/') = '\0';
  assert_int_equal(rmdir(folder), 0);
}

/* A link to itself: it is there and cannot be opened, whoever runs the test. */
static void a_store_that_cannot_be_read_is_not_replaced(void **state) {
  char path[PIN_STORE_PATH_SIZE];
  struct fault fault = {"no fault"};
  pin_store_path(*state, path);
  assert_int_equal(symlink("pins", path), 0);
  assert_int_equal(pin_store_write(*state, "a:8443", KEY_A, &fault), -1);
  assert_non_null(strstr(fault.text, path));
}

/* A store as long as may be, of two lines. */
static void write_full_store(const char *folder, size_t len) {
  char path[PIN_STORE_PATH_SIZE];
  int name = (int)(len - 2 * sizeof KEY_A - strlen("a:8443 ") - strlen(" "));
  pin_store_path(folder, path);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fprintf(file, "a:8443 " KEY_A "\n%0*d " KEY_B "\n", name, 0) > 0);
  assert_int_equal(ftell(file), len);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(path, 0600), 0);
}

/* What would make the store longer than can be read is not written. */
static void a_store_is_bounded(void **state) {
  char pin[PIN_TEXT_SIZE];
  struct fault fault = {"no fault"};
  write_full_store(*state, 65536);
  assert_stored(*state, "a:8443", KEY_A);
  assert_int_equal(pin_store_write(*state, "a:8443", KEY_B, &fault), 0);
  assert_stored(*state, "a:8443", KEY_B);
  assert_int_equal(pin_store_write(*state, "b:8443", KEY_A, &fault), -1);
  assert_non_null(strstr(fault.text, "/pins"));
  assert_stored(*state, "a:8443", KEY_B);
  write_full_store(*state, 65537);
  assert_int_equal(pin_store_read(*state, "a:8443", pin, &fault), -1);
  assert_string_equal(pin, "");
}

/* Whoever can write the store, or put a link there, would choose whom the speaker trusts. */
static void a_store_that_others_can_write_is_no_trust(void **state) {
  char path[PIN_STORE_PATH_SIZE];
  char pin[PIN_TEXT_SIZE];
  struct stat about;
  struct fault fault = {"no fault"};
  mode_t before = umask(0);
  pin_store_path(*state, path);
  assert_int_equal(pin_store_write(*state, "a:8443", KEY_A, &fault), 0);
  (void)umask(before);
  assert_int_equal(stat(path, &about), 0);
  assert_int_equal(about.st_mode & 0777, 0600);
  assert_int_equal(chmod(path, 0620), 0);
  assert_int_equal(pin_store_read(*state, "a:8443", pin, &fault), -1);
  assert_string_equal(pin, "");
  assert_int_equal(pin_store_write(*state, "a:8443", KEY_B, &fault), -1);
  assert_int_equal(chmod(path, 0644), 0);
  assert_stored(*state, "a:8443", KEY_A);
  assert_int_equal(chmod(*state, 0777), 0);
  assert_int_equal(pin_store_read(*state, "a:8443", pin, &fault), -1);
  assert_non_null(strstr(fault.text, "chmod go-w"));
  assert_int_equal(chmod(*state, 0700), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_are_read),
      cmocka_unit_test(wrong_options_are_refused),
      cmocka_unit_test(the_pin_of_a_certificate_is_that_of_openssl),
      cmocka_unit_test_setup_teardown(pins_are_kept_by_server, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_damaged_store_is_no_new_trust, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_missing_folder_is_made, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_store_that_cannot_be_read_is_not_replaced, make_folder,
                                      remove_folder),
      cmocka_unit_test_setup_teardown(a_store_is_bounded, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_store_that_others_can_write_is_no_trust, make_folder,
                                      remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
