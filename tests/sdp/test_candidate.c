/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text_file.h"

static int read_candidate(const char *text, struct paw_candidate *out) {
  size_t len = strlen(text);
  char *copy = copy_exact(text, len);
  int status = paw_sdp_read_candidate(copy, len, out);
  free(copy);
  return status;
}

static void expect_address(const struct paw_candidate *candidate, const char *text) {
  struct paw_address address;
  assert_int_equal(paw_address_parse(text, &address), PAW_OK);
  assert_true(paw_address_equal(&candidate->address, &address));
}

static void test_reads_every_type(void **state) {
  (void)state;
  struct paw_candidate c;
  assert_int_equal(read_candidate("1 1 udp 2122260223 192.0.2.1 61764 typ host", &c), PAW_OK);
  assert_int_equal(c.type, PAW_CANDIDATE_HOST);
  assert_int_equal(c.priority, 2122260223);
  assert_string_equal(c.foundation, "1");
  expect_address(&c, "192.0.2.1:61764");
  assert_int_equal(c.base.family, PAW_FAMILY_NONE);
  assert_int_equal(read_candidate("a+/Z 1 UDP 1 2001:db8::1 1 typ srflx raddr :: rport 0 "
                                  "generation 0 ufrag EsAw network-id 1",
                                  &c),
                   PAW_OK);
  assert_int_equal(c.type, PAW_CANDIDATE_SERVER_REFLEXIVE);
  assert_string_equal(c.foundation, "a+/Z");
  expect_address(&c, "[2001:db8::1]:1");
  assert_int_equal(read_candidate("1 1 Udp 2147483647 192.0.2.1 65535 typ prflx", &c), PAW_OK);
  assert_int_equal(c.type, PAW_CANDIDATE_PEER_REFLEXIVE);
  assert_int_equal(c.priority, 0x7fffffff);
  assert_int_equal(read_candidate("1  1 udp 1 192.0.2.1 9 typ relay raddr x", &c), PAW_OK);
  assert_int_equal(c.type, PAW_CANDIDATE_RELAYED);
}

static void test_scope_of_the_peer_is_dropped(void **state) {
  (void)state;
  struct paw_candidate c;
  assert_int_equal(read_candidate("1 1 udp 1 fe80::1%3 9 typ host", &c), PAW_OK);
  assert_int_equal(c.address.scope_id, 0);
}

static void test_what_is_to_be_skipped(void **state) {
  (void)state;
  static const char *const texts[] = {
      "1 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active",
      "1 1 ssltcp 1 192.0.2.2 443 typ host",
      "1 2 udp 1 192.0.2.1 9 typ host",
      "1 256 udp 1 192.0.2.1 9 typ host",
      "1 1 udp 1 11111111-2222-3333-4444-555555555555.local 9 typ host",
      "1 1 udp 1 example.org 9 typ host",
      "1 1 udp 1 192.0.2 9 typ host",
      "1 1 udp 1 192.0.2.1 9 typ future",
      "1 1 tcp 1 192.0.2.1 0 typ host",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct paw_candidate c;
    assert_int_equal(read_candidate(texts[i], &c), PAW_ERR_UNSUPPORTED);
  }
}

static void test_malformed(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      " ",
      "1",
      "1 1 udp 1 192.0.2.1 9",
      "1 1 udp 1 192.0.2.1 9 typ",
      "1 1 udp 1 192.0.2.1 9 host",
      "1 1 udp 1 192.0.2.1 9 type host",
      "1 0 udp 1 192.0.2.1 9 typ host",
      "1 257 udp 1 192.0.2.1 9 typ host",
      "1 x udp 1 192.0.2.1 9 typ host",
      "1 1 udp 0 192.0.2.1 9 typ host",
      "1 1 udp -1 192.0.2.1 9 typ host",
      "1 1 udp 2147483648 192.0.2.1 9 typ host",
      "1 1 udp 99999999999999999999999 192.0.2.1 9 typ host",
      "1 1 udp 1 192.0.2.1 0 typ host",
      "1 1 udp 1 192.0.2.1 65536 typ host",
      "1 1 udp 1 192.0.2.1 x typ host",
      "012345678901234567890123456789012 1 udp 1 192.0.2.1 9 typ host",
      "candidate:1\t1 udp 1 192.0.2.1 9 typ host",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct paw_candidate c;
    print_message("%s\n", texts[i]);
    assert_int_equal(read_candidate(texts[i], &c), PAW_ERR_MALFORMED);
  }
}

static void expect_written(const struct paw_candidate *candidate, const char *expected) {
  char text[256];
  size_t len = sizeof text;
  assert_int_equal(paw_sdp_write_candidate(candidate, text, &len), PAW_OK);
  assert_string_equal(text, expected);
  assert_int_equal(len, strlen(expected));
  struct paw_candidate read;
  assert_int_equal(read_candidate(text + strlen("candidate:"), &read), PAW_OK);
  assert_int_equal(read.type, candidate->type);
  assert_int_equal(read.priority, candidate->priority);
  assert_string_equal(read.foundation, candidate->foundation);
  assert_true(paw_address_equal(&read.address, &candidate->address));
}

static void test_writes_what_it_reads(void **state) {
  (void)state;
  struct paw_candidate c = {.priority = 2130706431, .foundation = "7"};
  assert_int_equal(paw_address_parse("192.0.2.1:8443", &c.address), PAW_OK);
  expect_written(&c, "candidate:7 1 udp 2130706431 192.0.2.1 8443 typ host");
  c.type = PAW_CANDIDATE_SERVER_REFLEXIVE;
  expect_written(&c, "candidate:7 1 udp 2130706431 192.0.2.1 8443 typ srflx raddr 0.0.0.0 rport 0");
  assert_int_equal(paw_address_parse("10.0.0.1:5", &c.base), PAW_OK);
  expect_written(&c,
                 "candidate:7 1 udp 2130706431 192.0.2.1 8443 typ srflx raddr 10.0.0.1 rport 5");
  c.type = PAW_CANDIDATE_RELAYED;
  c.base = (struct paw_address){0};
  assert_int_equal(paw_address_parse("[2001:db8::1]:1", &c.address), PAW_OK);
  expect_written(&c, "candidate:7 1 udp 2130706431 2001:db8::1 1 typ relay raddr :: rport 0");
  c.type = PAW_CANDIDATE_PEER_REFLEXIVE;
  expect_written(&c, "candidate:7 1 udp 2130706431 2001:db8::1 1 typ prflx raddr :: rport 0");
}

static void test_sizes_itself(void **state) {
  (void)state;
  struct paw_candidate c = {.priority = 1, .foundation = "1"};
  assert_int_equal(paw_address_parse("192.0.2.1:9", &c.address), PAW_OK);
  size_t needed = 99;
  assert_int_equal(paw_sdp_write_candidate(&c, NULL, &needed), PAW_ERR_NO_BUFFER);
  assert_int_equal(needed, strlen("candidate:1 1 udp 1 192.0.2.1 9 typ host"));
  for (size_t room = 0; room <= needed + 1; room++) {
    char *text = malloc(room > 0 ? room : 1);
    assert_non_null(text);
    size_t len = room;
    int expected = room > needed ? PAW_OK : PAW_ERR_NO_BUFFER;
    assert_int_equal(paw_sdp_write_candidate(&c, text, &len), expected);
    assert_int_equal(len, needed);
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads_every_type),
      cmocka_unit_test(test_scope_of_the_peer_is_dropped),
      cmocka_unit_test(test_what_is_to_be_skipped),
      cmocka_unit_test(test_malformed),
      cmocka_unit_test(test_writes_what_it_reads),
      cmocka_unit_test(test_sizes_itself),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
