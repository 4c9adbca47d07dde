/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "interfaces.h"

static struct paw_address chosen[INTERFACES_MAX];

static struct interface_address entry(const char *text, bool up, bool loopback) {
  struct interface_address out = {.up = up, .loopback = loopback};
  assert_int_equal(paw_address_parse(text, &out.address), PAW_OK);
  return out;
}

static void assert_chosen(size_t index, const char *text) {
  char got[PAW_ADDRESS_TEXT_SIZE];
  paw_address_format(&chosen[index], got);
  assert_string_equal(got, text);
}

static void usable_addresses_are_chosen(void **state) {
  (void)state;
  const struct interface_address found[] = {
      entry("127.0.0.1", true, true), entry("192.0.2.1", true, false),
      entry("198.51.100.1", false, false), entry("fe80::1%2", true, false),
      entry("2001:db8::1", true, false)};
  assert_int_equal(interfaces_select(found, 5, false, chosen), 2);
  assert_chosen(0, "192.0.2.1");
  assert_chosen(1, "2001:db8::1");
}

static void loopback_is_for_loopback_only(void **state) {
  (void)state;
  const struct interface_address found[] = {
      entry("127.0.0.1", true, true), entry("::1", true, true), entry("192.0.2.1", true, false)};
  assert_int_equal(interfaces_select(found, 3, true, chosen), 2);
  assert_chosen(0, "127.0.0.1");
  assert_chosen(1, "::1");
}

static void link_local_is_better_than_nothing(void **state) {
  (void)state;
  const struct interface_address found[] = {entry("fe80::1%2", true, false),
                                            entry("febf::1%3", true, false)};
  assert_int_equal(interfaces_select(found, 2, false, chosen), 2);
  assert_int_equal(chosen[1].scope_id, 3);
  assert_int_equal(interfaces_select(found, 0, false, chosen), 0);
}

static void many_addresses_are_cut(void **state) {
  struct interface_address found[INTERFACES_MAX + 4];
  (void)state;
  for (size_t i = 0; i < INTERFACES_MAX + 4; i++) {
    found[i] = entry("192.0.2.1", true, false);
  }
  assert_int_equal(interfaces_select(found, INTERFACES_MAX + 4, false, chosen), INTERFACES_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(usable_addresses_are_chosen),
      cmocka_unit_test(loopback_is_for_loopback_only),
      cmocka_unit_test(link_local_is_better_than_nothing),
      cmocka_unit_test(many_addresses_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
