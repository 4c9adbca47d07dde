/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "text_file.h"

static int read_fragment(const char *text, struct paw_sdp_fragment *out) {
  size_t len = strlen(text);
  char *copy = copy_exact(text, len);
  int status = paw_sdp_read_fragment(copy, len, out);
  free(copy);
  return status;
}

/* RFC 9725 section 4.3.2, figure of a trickle request, shortened. */
static void test_trickle_request(void **state) {
  (void)state;
  struct paw_sdp_fragment fragment;
  assert_int_equal(
      read_fragment("a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
                    "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
                    "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 "
                    "ufrag EsAw network-id 1\r\n"
                    "a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host\r\n"
                    "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n"
                    "a=end-of-candidates\r\n",
                    &fragment),
      PAW_OK);
  assert_string_equal(fragment.ice.ufrag, "EsAw");
  assert_string_equal(fragment.ice.pwd, "P2uYro0UCOQ4zxjKXaWCBui1");
  assert_int_equal(fragment.candidate_count, 2);
  assert_int_equal(fragment.candidates[1].address.port, 61765);
  assert_true(fragment.end_of_candidates);
  assert_false(fragment.ice_lite);
}

static void test_restart_at_session_level(void **state) {
  (void)state;
  struct paw_sdp_fragment fragment;
  assert_int_equal(read_fragment("a=ice-lite\na=ice-options:trickle ice2\n"
                                 "a=ice-ufrag:289b31b754eaa438\n"
                                 "a=ice-pwd:0b66f472495ef0ccac7bda653ab6be49ea13114472a5d10a\n"
                                 "m=audio 9 RTP/AVP 0\na=mid:0\n",
                                 &fragment),
                   PAW_OK);
  assert_true(fragment.ice_lite);
  assert_string_equal(fragment.ice.ufrag, "289b31b754eaa438");
  assert_int_equal(fragment.candidate_count, 0);
  assert_false(fragment.end_of_candidates);
}

static void test_a_bare_candidate_line(void **state) {
  (void)state;
  struct paw_sdp_fragment fragment;
  assert_int_equal(read_fragment("candidate:1 1 udp 1 192.0.2.1 9 typ host", &fragment), PAW_OK);
  assert_int_equal(fragment.candidate_count, 1);
  assert_string_equal(fragment.ice.ufrag, "");
}

static void test_an_empty_fragment_says_nothing(void **state) {
  (void)state;
  struct paw_sdp_fragment fragment;
  assert_int_equal(read_fragment("", &fragment), PAW_OK);
  assert_int_equal(fragment.candidate_count, 0);
}

static void test_malformed(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{\"candidate\":\"candidate:1 1 udp 1 192.0.2.1 9 typ host\"}",
      "hello",
      "a",
      "=",
      "m=",
      "ab=c",
      "a=ice-ufrag:abc",
      "a=ice-pwd:short",
      "a=candidate:1 1 udp",
      "candidate:",
      "a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 70000 typ host",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct paw_sdp_fragment fragment;
    print_message("%s\n", texts[i]);
    assert_int_equal(read_fragment(texts[i], &fragment), PAW_ERR_MALFORMED);
  }
}

static void test_the_bounds(void **state) {
  (void)state;
  static char text[PAW_SDP_BYTES_MAX + 1];
  static const char line[] = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\n";
  struct paw_sdp_fragment fragment;
  memset(text, '\n', sizeof text);
  for (size_t i = 0; i < PAW_DESCRIPTION_CANDIDATES_MAX + 3; i++) {
    memcpy(text + i * strlen(line), line, strlen(line));
  }
  assert_int_equal(paw_sdp_read_fragment(text, PAW_SDP_BYTES_MAX, &fragment), PAW_OK);
  assert_int_equal(fragment.candidate_count, PAW_DESCRIPTION_CANDIDATES_MAX);
  assert_int_equal(paw_sdp_read_fragment(text, PAW_SDP_BYTES_MAX + 1, &fragment), PAW_ERR_LIMIT);
}

static void test_round_trip(void **state) {
  (void)state;
  struct paw_sdp_fragment fragment = {.ice_lite = true,
                                      .end_of_candidates = true,
                                      .candidate_count = 1,
                                      .candidates = {{.priority = 5, .foundation = "1"}}};
  strcpy(fragment.ice.ufrag, "ufrag");
  strcpy(fragment.ice.pwd, "passwordpasswordpassword");
  assert_int_equal(paw_address_parse("192.0.2.1:9", &fragment.candidates[0].address), PAW_OK);
  char text[512];
  size_t len = sizeof text;
  assert_int_equal(paw_sdp_write_fragment(&fragment, "0", text, &len), PAW_OK);
  assert_string_equal(text,
                      "a=ice-lite\r\n"
                      "a=ice-ufrag:ufrag\r\n"
                      "a=ice-pwd:passwordpasswordpassword\r\n"
                      "a=ice-options:ice2 trickle\r\n"
                      "m=audio 9 RTP/AVP 0\r\n"
                      "a=mid:0\r\n"
                      "a=candidate:1 1 udp 5 192.0.2.1 9 typ host\r\n"
                      "a=end-of-candidates\r\n");
  struct paw_sdp_fragment read;
  assert_int_equal(read_fragment(text, &read), PAW_OK);
  assert_string_equal(read.ice.ufrag, fragment.ice.ufrag);
  assert_string_equal(read.ice.pwd, fragment.ice.pwd);
  assert_true(read.ice_lite && read.end_of_candidates);
  assert_int_equal(read.candidate_count, 1);
  assert_int_equal(read.candidates[0].priority, 5);
  const struct paw_sdp_fragment nothing = {0};
  len = sizeof text;
  assert_int_equal(paw_sdp_write_fragment(&nothing, "", text, &len), PAW_OK);
  assert_string_equal(text, "m=audio 9 RTP/AVP 0\r\n");
  len = 5;
  assert_int_equal(paw_sdp_write_fragment(&nothing, "", text, &len), PAW_ERR_NO_BUFFER);
  assert_int_equal(len, strlen("m=audio 9 RTP/AVP 0\r\n"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_trickle_request),
      cmocka_unit_test(test_restart_at_session_level),
      cmocka_unit_test(test_a_bare_candidate_line),
      cmocka_unit_test(test_an_empty_fragment_says_nothing),
      cmocka_unit_test(test_malformed),
      cmocka_unit_test(test_the_bounds),
      cmocka_unit_test(test_round_trip),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
