/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "interfaces.h"

static char name[INTERFACE_NAME_SIZE];

static bool find(const char *text) {
  struct paw_address address;
  assert_int_equal(paw_address_parse(text, &address), PAW_OK);
  return interfaces_find_name(&address, name);
}

static void an_address_leads_to_its_interface(void **state) {
  (void)state;
  assert_true(find("127.0.0.1"));
  assert_string_equal(name, "lo");
  assert_true(find("127.0.0.1:5000"));
  assert_string_equal(name, "lo");
}

static void a_strange_address_leads_nowhere(void **state) {
  (void)state;
  assert_false(find("192.0.2.1:5000"));
  assert_string_equal(name, "");
  assert_false(find("[2001:db8::1]:5000"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_address_leads_to_its_interface),
      cmocka_unit_test(a_strange_address_leads_nowhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
