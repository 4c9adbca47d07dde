/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "interfaces.h"
#include "interfaces_watch.h"

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

static struct interfaces of(const char *a, const char *b) {
  struct interfaces out = {.count = b != NULL ? 2 : 1};
  assert_int_equal(paw_address_parse(a, &out.addresses[0]), PAW_OK);
  if (b != NULL) {
    assert_int_equal(paw_address_parse(b, &out.addresses[1]), PAW_OK);
  }
  return out;
}

static void lists_are_compared_whatever_the_order(void **state) {
  (void)state;
  const struct interfaces none = {.count = 0};
  const struct interfaces a = of("192.0.2.1:1", "[2001:db8::1]:1");
  const struct interfaces b = of("[2001:db8::1]:1", "192.0.2.1:1");
  const struct interfaces c = of("192.0.2.1:1", "192.0.2.2:1");
  const struct interfaces d = of("192.0.2.1:1", NULL);
  assert_true(interfaces_are_same(&a, &b));
  assert_true(interfaces_are_same(&none, &none));
  assert_false(interfaces_are_same(&a, &c));
  assert_false(interfaces_are_same(&a, &d));
  assert_false(interfaces_are_same(&d, &a));
  assert_false(interfaces_are_same(&d, &none));
  assert_true(interfaces_have(&c, &d.addresses[0]));
  assert_false(interfaces_have(&d, &c.addresses[1]));
}

static void only_interfaces_and_addresses_are_changes(void **state) {
  (void)state;
  static const struct {
    uint16_t type;
    bool change;
  } cases[] = {{RTM_NEWADDR, true}, {RTM_DELADDR, true},   {RTM_NEWLINK, true},
               {RTM_DELLINK, true}, {RTM_NEWROUTE, false}, {RTM_NEWNEIGH, false},
               {NLMSG_DONE, false}, {NLMSG_ERROR, false}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct nlmsghdr header = {.nlmsg_len = sizeof header, .nlmsg_type = cases[i].type};
    assert_int_equal(interfaces_watch_is_change(&header, sizeof header), cases[i].change);
  }
}

static void messages_are_looked_at_to_the_end(void **state) {
  struct nlmsghdr two[2] = {{.nlmsg_len = sizeof two[0], .nlmsg_type = RTM_NEWROUTE},
                            {.nlmsg_len = sizeof two[1], .nlmsg_type = RTM_NEWADDR}};
  (void)state;
  assert_true(interfaces_watch_is_change(two, sizeof two));
  /* Cut short, or with lengths that lie. */
  for (size_t len = 0; len < sizeof two; len++) {
    assert_false(interfaces_watch_is_change(two, len));
  }
  two[0].nlmsg_len = 0;
  assert_false(interfaces_watch_is_change(two, sizeof two));
  two[0].nlmsg_len = sizeof two[0] - 1;
  assert_false(interfaces_watch_is_change(two, sizeof two));
  two[0].nlmsg_len = UINT32_MAX;
  assert_false(interfaces_watch_is_change(two, sizeof two));
  two[0].nlmsg_len = sizeof two - 1;
  assert_false(interfaces_watch_is_change(two, sizeof two));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(usable_addresses_are_chosen),
      cmocka_unit_test(loopback_is_for_loopback_only),
      cmocka_unit_test(link_local_is_better_than_nothing),
      cmocka_unit_test(many_addresses_are_cut),
      cmocka_unit_test(lists_are_compared_whatever_the_order),
      cmocka_unit_test(only_interfaces_and_addresses_are_changes),
      cmocka_unit_test(messages_are_looked_at_to_the_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
