/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/addr.h"
#include "kit/rng.h"

static struct paw_address parse_good(const char *text) {
  struct paw_address address;
  memset(&address, 0xff, sizeof address);
  assert_int_equal(paw_address_parse(text, &address), PAW_OK);
  return address;
}

static void test_reads_ipv4(void **state) {
  (void)state;
  struct paw_address a = parse_good("192.0.2.1");
  assert_int_equal(a.family, PAW_FAMILY_IPV4);
  assert_memory_equal(a.ip, ((const uint8_t[16]){192, 0, 2, 1}), 16);
  assert_int_equal(a.port, 0);
  assert_int_equal(a.scope_id, 0);
  a = parse_good("255.255.255.255:65535");
  assert_int_equal(a.port, 65535);
  assert_int_equal(a.ip[3], 255);
  a = parse_good("0.0.0.0:1");
  assert_int_equal(a.port, 1);
}

static void test_reads_ipv6(void **state) {
  (void)state;
  struct paw_address a = parse_good("[fd00::2]:8443");
  assert_int_equal(a.family, PAW_FAMILY_IPV6);
  assert_memory_equal(a.ip, ((const uint8_t[16]){0xfd, [15] = 2}), 16);
  assert_int_equal(a.port, 8443);
  a = parse_good("::");
  assert_memory_equal(a.ip, ((const uint8_t[16]){0}), 16);
  a = parse_good("[2001:DB8::ffff]");
  assert_int_equal(a.ip[3], 0xb8);
  assert_int_equal(a.port, 0);
  a = parse_good("::ffff:192.0.2.1");
  assert_memory_equal(a.ip + 10, ((const uint8_t[]){0xff, 0xff, 192, 0, 2, 1}), 6);
  a = parse_good("fe80::1%3");
  assert_int_equal(a.scope_id, 3);
  a = parse_good("[fe80::1%4294967295]:5");
  assert_int_equal(a.scope_id, UINT32_MAX);
  assert_int_equal(a.port, 5);
}

static void test_what_is_no_address(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "localhost",
      "192.0.2",
      "192.0.2.1.5",
      "192.0.2.256",
      "192.0.2.01",
      "192.0.02.1",
      "00.0.0.0",
      "1921.0.2.1",
      " 192.0.2.1",
      "192.0.2.1 ",
      "192.0.2.-1",
      "192.0.2.",
      ".192.0.2.1",
      "192.0.2.1:",
      "192.0.2.1:65536",
      "192.0.2.1:-1",
      "192.0.2.1:123456",
      "192.0.2.1:80x",
      "192.0.2.1%1",
      "[192.0.2.1]:80",
      "[192.0.2.1]",
      ":",
      ":::",
      "1:::2",
      "1::2::3",
      ":1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7:",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8",
      "::1:2:3:4:5:6:7:8",
      "12345::",
      "::g",
      "::1.2.3",
      "::1.2.3.4:5",
      "1:2:3:4:5:6:7:1.2.3.4",
      "::192.0.2.01",
      "[::1",
      "::1]",
      "[]",
      "[::1]8443",
      "[::1]:",
      "[::1]:x",
      "[::1]:65536",
      "fe80::1%",
      "fe80::1%eth0",
      "fe80::1%4294967296",
      "fe80::1%4294967297",
      "fe80::1%9999999999",
      "fe80::1%00000000001",
      "[fe80::1]%1",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct paw_address address = {.port = 4711};
    print_message("%s\n", texts[i]);
    assert_int_equal(paw_address_parse(texts[i], &address), PAW_ERR_MALFORMED);
    assert_int_equal(address.port, 4711); /* set on success only */
  }
}

static void test_ip_alone_takes_no_port(void **state) {
  (void)state;
  struct paw_address a;
  assert_int_equal(paw_address_parse_ip("192.0.2.1", 9, &a), PAW_OK);
  assert_int_equal(paw_address_parse_ip("192.0.2.1xyz", 9, &a), PAW_OK);
  assert_int_equal(paw_address_parse_ip("192.0.2.1", 8, &a), PAW_ERR_MALFORMED);
  assert_int_equal(paw_address_parse_ip("192.0.2.1:80", 12, &a), PAW_ERR_MALFORMED);
  assert_int_equal(paw_address_parse_ip("[::1]", 5, &a), PAW_ERR_MALFORMED);
  assert_int_equal(paw_address_parse_ip("", 0, &a), PAW_ERR_MALFORMED);
}

/* RFC 5952 section 4, its own examples among them. */
static void test_canonical_text(void **state) {
  (void)state;
  static const struct {
    const char *given;
    const char *canonical;
  } cases[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"192.0.2.1:80", "192.0.2.1:80"},
      {"0.0.0.0", "0.0.0.0"},
      {"2001:0DB8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"1:0:0:0:2:0:0:0", "1::2:0:0:0"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"1:0:0:0:0:0:0:0", "1::"},
      {"0:1:2:3:4:5:6:0", "0:1:2:3:4:5:6:0"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"[FE80::A%12]:9", "[fe80::a%12]:9"},
      {"fe80::a%12", "fe80::a%12"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct paw_address a = parse_good(cases[i].given);
    char text[PAW_ADDRESS_TEXT_SIZE];
    paw_address_format(&a, text);
    assert_string_equal(text, cases[i].canonical);
  }
}

static void test_longest_text_has_room(void **state) {
  (void)state;
  const struct paw_address a =
      parse_good("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
  char *text = malloc(PAW_ADDRESS_TEXT_SIZE);
  assert_non_null(text);
  paw_address_format(&a, text);
  assert_string_equal(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
  paw_address_format_ip(&a, text);
  assert_string_equal(text, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  const struct paw_address none = {.port = 5, .scope_id = 5};
  paw_address_format(&none, text);
  assert_string_equal(text, "none");
  free(text);
}

/* ---- against the C library ---- */

static int family_of(const char *text) {
  return strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
}

static void compare_with_libc(const char *text) {
  uint8_t expected[16] = {0};
  struct paw_address address;
  bool good = inet_pton(family_of(text), text, expected) == 1;
  int status = paw_address_parse_ip(text, strlen(text), &address);
  if (good != (status == PAW_OK)) {
    fail_msg("%s: the C library says %d, we say %d", text, good, status);
  }
  if (good) {
    assert_memory_equal(address.ip, expected, 16);
  }
}

/* A good text, then a few characters changed, left out or doubled. */
static void mutate(struct kit_rng *rng, char *text) {
  static const char characters[] = "0123456789abcdefABF:::...xg ";
  size_t len = strlen(text);
  for (uint64_t changes = kit_rng_below(rng, 4); changes > 0; changes--) {
    size_t at = (size_t)kit_rng_below(rng, len + 1);
    char c = characters[kit_rng_below(rng, sizeof characters - 1)];
    uint64_t what = kit_rng_below(rng, 3);
    if (what == 0 && len < 60) {
      memmove(text + at + 1, text + at, len - at + 1);
      text[at] = c;
      len++;
    } else if (what == 1 && at < len) {
      memmove(text + at, text + at + 1, len - at);
      len--;
    } else if (at < len) {
      text[at] = c;
    }
  }
}

static void parse_mutations(uint64_t seed, void *context) {
  (void)context;
  static const char *const texts[] = {
      "192.0.2.1",
      "0.0.0.0",
      "255.255.255.255",
      "::",
      "::1",
      "1::",
      "2001:db8::1:0:0:1",
      "1:2:3:4:5:6:7:8",
      "fe80::",
      "::ffff:192.0.2.1",
      "1:2:3:4:5:6:1.2.3.4",
      "1:2:3:4:5:6:7::",
      "::2:3:4:5:6:7:8",
      "1::3:4:5:6:7:8",
  };
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  for (int round = 0; round < 20000; round++) {
    char text[64] = {0};
    strcpy(text, texts[kit_rng_below(&rng, sizeof texts / sizeof texts[0])]);
    mutate(&rng, text);
    compare_with_libc(text);
  }
}

static void test_parses_as_the_c_library_does(void **state) {
  (void)state;
  kit_seeds_run(parse_mutations, NULL, 10);
}

static void format_random(uint64_t seed, void *context) {
  (void)context;
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  for (int round = 0; round < 5000; round++) {
    struct paw_address a = {.family = PAW_FAMILY_IPV6};
    kit_rng_bytes(&rng, a.ip, 16);
    uint64_t zero_groups = kit_rng_u64(&rng);
    for (size_t group = 1; group < 8; group++) { /* the first stays: no embedded IPv4 */
      if ((zero_groups >> group & 1) != 0) {
        a.ip[2 * group] = 0;
        a.ip[2 * group + 1] = (uint8_t)(zero_groups >> (8 + group) & 1);
      }
    }
    a.ip[0] |= 0x20;
    char expected[PAW_ADDRESS_TEXT_SIZE];
    char text[PAW_ADDRESS_TEXT_SIZE];
    assert_non_null(inet_ntop(AF_INET6, a.ip, expected, sizeof expected));
    paw_address_format_ip(&a, text);
    assert_string_equal(text, expected);
    const struct paw_address back = parse_good(text);
    assert_true(paw_address_equal(&a, &back));
  }
}

static void test_formats_as_the_c_library_does(void **state) {
  (void)state;
  kit_seeds_run(format_random, NULL, 10);
}

/* ---- asking ---- */

static void test_equality(void **state) {
  (void)state;
  const struct paw_address a = parse_good("192.0.2.1:80");
  const struct paw_address other_port = parse_good("192.0.2.1:81");
  const struct paw_address other_ip = parse_good("192.0.2.2:80");
  struct paw_address other_family = a;
  other_family.family = PAW_FAMILY_IPV6;
  assert_true(paw_address_equal(&a, &a));
  assert_false(paw_address_equal(&a, &other_port));
  assert_true(paw_address_equal_ip(&a, &other_port));
  assert_false(paw_address_equal(&a, &other_ip));
  assert_false(paw_address_equal(&a, &other_family));
  const struct paw_address scoped = parse_good("[fe80::1%3]:80");
  const struct paw_address unscoped = parse_good("[fe80::1]:80");
  assert_true(paw_address_equal(&scoped, &unscoped));
}

static void test_kinds_of_addresses(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool loopback, any, link_local;
  } cases[] = {
      {"127.0.0.1", true, false, false},    {"127.255.255.254", true, false, false},
      {"128.0.0.1", false, false, false},   {"0.0.0.0", false, true, false},
      {"0.0.0.1", false, false, false},     {"169.254.0.1", false, false, true},
      {"169.255.0.1", false, false, false}, {"168.254.0.1", false, false, false},
      {"::1", true, false, false},          {"::", false, true, false},
      {"::2", false, false, false},         {"1::1", false, false, false},
      {"fe80::1", false, false, true},      {"febf::1", false, false, true},
      {"fec0::1", false, false, false},     {"fe7f::1", false, false, false},
      {"7f00::", false, false, false},      {"192.0.2.1", false, false, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct paw_address a = parse_good(cases[i].text);
    assert_int_equal(paw_address_is_loopback(&a), cases[i].loopback);
    assert_int_equal(paw_address_is_any(&a), cases[i].any);
    assert_int_equal(paw_address_is_link_local(&a), cases[i].link_local);
  }
  const struct paw_address none = {0};
  assert_false(paw_address_is_loopback(&none));
  assert_true(paw_address_is_any(&none));
  assert_false(paw_address_is_link_local(&none));
}

/* 4096 neighbours over 256 places: 16 each, and nothing far from it, whatever the seed. */
static void test_hash_spreads_neighbours(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 4; seed++) {
    unsigned low[256] = {0};
    unsigned high[256] = {0};
    for (unsigned i = 0; i < 4096; i++) {
      struct paw_address a = parse_good("10.0.0.0:5000");
      a.ip[3] = (uint8_t)i;
      a.port = (uint16_t)(a.port + (i >> 8));
      uint64_t hash = paw_address_hash(&a, seed);
      low[hash & 255]++;
      high[hash >> 56]++;
    }
    for (size_t place = 0; place < 256; place++) {
      assert_in_range(low[place], 1, 48);
      assert_in_range(high[place], 1, 48);
    }
  }
}

static void test_hash_sees_every_part_and_the_seed(void **state) {
  (void)state;
  const struct paw_address a = parse_good("[2001:db8::1]:80");
  uint64_t hash = paw_address_hash(&a, 1);
  assert_true(hash == paw_address_hash(&a, 1));
  assert_true(hash != paw_address_hash(&a, 2));
  for (size_t i = 0; i < 16; i++) {
    struct paw_address other = a;
    other.ip[i] ^= 1;
    assert_true(hash != paw_address_hash(&other, 1));
  }
  struct paw_address other = a;
  other.port++;
  assert_true(hash != paw_address_hash(&other, 1));
  other = a;
  other.scope_id = 9; /* equal addresses have equal hashes */
  assert_true(hash == paw_address_hash(&other, 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads_ipv4),
      cmocka_unit_test(test_reads_ipv6),
      cmocka_unit_test(test_what_is_no_address),
      cmocka_unit_test(test_ip_alone_takes_no_port),
      cmocka_unit_test(test_canonical_text),
      cmocka_unit_test(test_longest_text_has_room),
      cmocka_unit_test(test_parses_as_the_c_library_does),
      cmocka_unit_test(test_formats_as_the_c_library_does),
      cmocka_unit_test(test_equality),
      cmocka_unit_test(test_kinds_of_addresses),
      cmocka_unit_test(test_hash_spreads_neighbours),
      cmocka_unit_test(test_hash_sees_every_part_and_the_seed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
