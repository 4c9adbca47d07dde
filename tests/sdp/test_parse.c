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

static struct paw_sdp_media media[PAW_SDP_MEDIA_MAX];

static int parse(const char *text, struct paw_sdp *sdp) {
  *sdp = (struct paw_sdp){.media = media};
  return paw_sdp_parse(text, strlen(text), sdp);
}

static void expect_text(struct paw_text text, const char *expected) {
  assert_int_equal(text.len, strlen(expected));
  if (text.len > 0) {
    assert_memory_equal(text.data, expected, text.len);
  }
}

static void test_splits_into_sections(void **state) {
  (void)state;
  struct paw_sdp sdp;
  assert_int_equal(parse("v=0\r\no=x 18446744073709551615 3 IN IP6 ::1\r\ns=a name with spaces\r\n"
                         "m=audio 5000/2 RTP/AVP 0 8\r\na=mid:a1\r\n"
                         "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\na=mid:v1\r\n"
                         "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
                         &sdp),
                   PAW_OK);
  assert_true(sdp.session_id == UINT64_MAX);
  assert_true(sdp.session_version == 3);
  assert_int_equal(sdp.media_count, 3);
  expect_text(media[0].kind, "audio");
  expect_text(media[0].protocol, "RTP/AVP");
  expect_text(media[0].formats, "0 8");
  expect_text(media[0].mid, "a1");
  expect_text(media[0].lines, "a=mid:a1\r\n");
  assert_int_equal(media[0].port, 5000);
  assert_false(media[0].bundle_only);
  assert_int_equal(media[1].port, 0);
  assert_true(media[1].bundle_only);
  expect_text(media[2].formats, "webrtc-datachannel");
  expect_text(media[2].mid, "");
  assert_false(media[0].bundled || media[1].bundled || media[2].bundled);
}

static void test_line_ends_and_what_may_be_missing(void **state) {
  (void)state;
  static const char *const texts[] = {
      "v=0\no=- 1 2 IN IP4 0.0.0.0\ns=\nm=audio 9 P 1\na=mid:x\n",
      "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\nm=audio 9 P 1\r\na=mid:x",
      "v=0\r\r\n\no=- 1 2\n\n\nm=audio 9 P 1\n\na=mid:x\r\n\r\n\n",
      "\nv=0\r\nx=whatever\r\nnot a line at all\r\no=- 1 2 IN\r\nm=audio 9  P 1 \r\na=mid: x \r\n",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct paw_sdp sdp;
    assert_int_equal(parse(texts[i], &sdp), PAW_OK);
    assert_int_equal(sdp.media_count, 1);
    expect_text(media[0].protocol, "P");
    expect_text(media[0].formats, "1");
    expect_text(media[0].mid, "x");
  }
}

static void test_a_session_without_media_is_sdp(void **state) {
  (void)state;
  struct paw_sdp sdp;
  assert_int_equal(parse(SDP_SESSION, &sdp), PAW_OK);
  assert_int_equal(sdp.media_count, 0);
  expect_text(sdp.session, SDP_SESSION);
}

static void test_bundle_groups(void **state) {
  (void)state;
  struct paw_sdp sdp;
  assert_int_equal(parse(SDP_SESSION "a=group:LS d\r\na=group:BUNDLE a  c\r\na=group:BUNDLE e\r\n"
                                     "m=audio 9 P 1\r\na=mid:a\r\n"
                                     "m=audio 9 P 1\r\na=mid:b\r\n"
                                     "m=audio 9 P 1\r\na=mid:c\r\n"
                                     "m=audio 9 P 1\r\na=mid:d\r\n"
                                     "m=audio 9 P 1\r\na=mid:e\r\n"
                                     "m=audio 9 P 1\r\n",
                         &sdp),
                   PAW_OK);
  static const bool expected[] = {true, false, true, false, true, false};
  assert_int_equal(sdp.media_count, 6);
  for (size_t i = 0; i < 6; i++) {
    assert_int_equal(media[i].bundled, expected[i]);
  }
}

static void test_what_is_not_sdp(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "\r\n\r\n",
      "hello",
      "v=1\r\no=- 1 2 IN IP4 0.0.0.0\r\n",
      "v=0",
      "v=0\r\ns=-\r\nm=audio 9 P 1\r\no=- 1 2 IN IP4 0.0.0.0\r\n",
      "o=- 1 2 IN IP4 0.0.0.0\r\nv=0\r\n",
      "v=0\r\no=- x 2 IN IP4 0.0.0.0\r\n",
      "v=0\r\no=- 1\r\n",
      "v=0\r\no=- 1 -2 IN IP4 0.0.0.0\r\n",
      "v=0\r\no=- 18446744073709551616 2 IN IP4 0.0.0.0\r\n",
      "m=audio 9 P 1\r\n",
      SDP_SESSION "m=\r\n",
      SDP_SESSION "m=audio\r\n",
      SDP_SESSION "m=audio 9\r\n",
      SDP_SESSION "m=audio 9 P\r\n",
      SDP_SESSION "m=audio 9 P  \r\n",
      SDP_SESSION "m=audio x P 1\r\n",
      SDP_SESSION "m=audio 65536 P 1\r\n",
      SDP_SESSION "m=audio -1 P 1\r\n",
      SDP_SESSION "m=audio 9 P 1\r\nm=audio\r\n",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct paw_sdp sdp;
    print_message("%zu\n", i);
    assert_int_equal(parse(texts[i], &sdp), PAW_ERR_MALFORMED);
  }
}

/* It would end an answer that repeats it early. */
static void test_a_nul_anywhere_is_not_sdp(void **state) {
  (void)state;
  static const char text[] = SDP_SESSION "m=audio 9 P 1\r\na=mid:x\r\n";
  char changed[sizeof text];
  struct paw_sdp sdp = {.media = media};
  for (size_t i = 0; i < sizeof text - 1; i++) {
    memcpy(changed, text, sizeof text);
    changed[i] = '\0';
    assert_int_equal(paw_sdp_parse(changed, sizeof text - 1, &sdp), PAW_ERR_MALFORMED);
  }
}

static void test_the_bounds(void **state) {
  (void)state;
  static char text[PAW_SDP_BYTES_MAX + 1];
  struct paw_sdp sdp = {.media = media};
  memset(text, 'a', sizeof text);
  memcpy(text, SDP_SESSION, strlen(SDP_SESSION));
  assert_int_equal(paw_sdp_parse(text, PAW_SDP_BYTES_MAX, &sdp), PAW_OK);
  assert_int_equal(paw_sdp_parse(text, PAW_SDP_BYTES_MAX + 1, &sdp), PAW_ERR_LIMIT);
  size_t len = strlen(SDP_SESSION);
  for (size_t i = 0; i <= PAW_SDP_MEDIA_MAX; i++) {
    memcpy(text + len, "m=audio 9 P 1\n", 14);
    len += 14;
    int expected = i < PAW_SDP_MEDIA_MAX ? PAW_OK : PAW_ERR_LIMIT;
    assert_int_equal(paw_sdp_parse(text, len, &sdp), expected);
    assert_true(sdp.media_count <= PAW_SDP_MEDIA_MAX);
  }
}

static void test_more_attributes_than_any_browser_has(void **state) {
  (void)state;
  static char text[PAW_SDP_BYTES_MAX];
  size_t len = strlen(SDP_SESSION SDP_MEDIA);
  memcpy(text, SDP_SESSION SDP_MEDIA, len);
  for (int i = 0; i < 2000; i++) {
    memcpy(text + len, "a=x-unknown:something\n", 22);
    len += 22;
  }
  static const char last[] = "a=rtcp-fb:111 nack\n";
  memcpy(text + len, last, sizeof last);
  struct paw_description description;
  assert_int_equal(read_string(text, &description), PAW_OK);
  assert_true(description.audio.nack);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_splits_into_sections),
      cmocka_unit_test(test_line_ends_and_what_may_be_missing),
      cmocka_unit_test(test_a_session_without_media_is_sdp),
      cmocka_unit_test(test_bundle_groups),
      cmocka_unit_test(test_what_is_not_sdp),
      cmocka_unit_test(test_a_nul_anywhere_is_not_sdp),
      cmocka_unit_test(test_the_bounds),
      cmocka_unit_test(test_more_attributes_than_any_browser_has),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
