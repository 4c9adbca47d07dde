/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "rate.h"

#define START_NS (1000 * PAW_NS_PER_S)

static const struct rate three = {.at_once = 3, .every_ns = PAW_NS_PER_S};

static void a_bucket_empties_and_fills(void **state) {
  uint64_t full_ns = 0;
  (void)state;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(rate_wait_ns(&three, full_ns, START_NS), 0);
    assert_true(rate_spend(&three, &full_ns, START_NS));
  }
  assert_false(rate_spend(&three, &full_ns, START_NS));
  assert_int_equal(rate_wait_ns(&three, full_ns, START_NS), PAW_NS_PER_S);
  assert_false(rate_spend(&three, &full_ns, START_NS + PAW_NS_PER_S - 1));
  assert_true(rate_spend(&three, &full_ns, START_NS + PAW_NS_PER_S));
  assert_false(rate_spend(&three, &full_ns, START_NS + PAW_NS_PER_S));
  /* What is refused costs nothing, and a long rest gives no more than a full bucket. */
  uint64_t later_ns = START_NS + 100 * PAW_NS_PER_S;
  for (int i = 0; i < 3; i++) {
    assert_true(rate_spend(&three, &full_ns, later_ns));
  }
  assert_false(rate_spend(&three, &full_ns, later_ns));
}

static struct rate_client client_at(const char *text, const char *own_text) {
  struct paw_address address;
  struct paw_address own;
  assert_int_equal(paw_address_parse(text, &address), PAW_OK);
  assert_int_equal(paw_address_parse(own_text, &own), PAW_OK);
  return rate_client_of(&address, &own);
}

static struct rate_client client_of(const char *text) {
  return client_at(text, "2001:db8::1");
}

static void assert_same(const char *a, const char *b, bool same) {
  struct rate_client first = client_of(a);
  struct rate_client second = client_of(b);
  assert_true(rate_client_equal(&first, &second) == same);
}

static void a_client_is_an_address_or_a_network(void **state) {
  (void)state;
  assert_same("192.0.2.1:1", "192.0.2.1:2", true);
  assert_same("192.0.2.1", "192.0.2.2", false);
  assert_same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true);
  assert_same("2001:db8:1:2::1", "2001:db8:1:3::1", false);
  assert_same("::1", "0.0.0.0", false);
}

/* All speakers of a hall are in one network of IPv6, which is ours: one of them must not make the
 * others wait. */
static void in_our_own_network_each_address_is_a_client(void **state) {
  static const char *const networks[] = {"fe80::", "2001:db8::"};
  char text[3][40];
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    for (int last = 0; last < 3; last++) {
      (void)snprintf(text[last], sizeof text[last], "%s%d", networks[i], last + 1);
    }
    struct rate_client one = client_at(text[1], text[0]);
    struct rate_client same = client_at(text[1], text[0]);
    struct rate_client other = client_at(text[2], text[0]);
    assert_true(rate_client_equal(&one, &same));
    assert_false(rate_client_equal(&one, &other));
  }
}

static void places_are_bounded_and_forgetting_only_forgives(void **state) {
  static struct rate_table table;
  struct paw_address address = {.family = PAW_FAMILY_IPV4, .ip = {10}};
  struct rate_client flooder = client_of("192.0.2.1");
  (void)state;
  memset(&table, 0, sizeof table);
  for (int i = 0; i < 3; i++) {
    assert_true(rate_spend(&three, rate_table_find(&table, &flooder, 0), START_NS));
  }
  assert_int_equal(*rate_table_find(&table, &flooder, 1), 0); /* another kind */
  for (unsigned i = 0; i < 4 * RATE_TABLE_MAX; i++) {
    address.ip[1] = (uint8_t)(i >> 16);
    address.ip[2] = (uint8_t)(i >> 8);
    address.ip[3] = (uint8_t)i;
    struct rate_client one = rate_client_of(&address, &address);
    uint64_t *full_ns = rate_table_find(&table, &one, 0);
    assert_int_equal(*full_ns, 0);
    assert_true(rate_spend(&three, full_ns, START_NS));
    assert_int_equal(table.count, i + 3 < RATE_TABLE_MAX ? i + 3 : RATE_TABLE_MAX);
  }
  /* Who owes most is not washed out by many who owe little. */
  assert_false(rate_spend(&three, rate_table_find(&table, &flooder, 0), START_NS));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bucket_empties_and_fills),
      cmocka_unit_test(a_client_is_an_address_or_a_network),
      cmocka_unit_test(in_our_own_network_each_address_is_a_client),
      cmocka_unit_test(places_are_bounded_and_forgetting_only_forgives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
