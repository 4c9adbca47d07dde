/* SPDX-License-Identifier: MIT */
/* What made a fuzz target fail, each as a case that tells what it was; the inputs themselves are in
 * fuzz/crashes/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pawebrtc/rtc.h>

#include "kit/clock.h"
#include "kit/rng.h"

#define OFFER(video)                                                                               \
  "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"                                            \
  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcdefgh\r\n"                \
  "a=ice-pwd:0123456789abcdefghijklmn\r\n"                                                         \
  "a=fingerprint:sha-256 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:"                         \
  "11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:20\r\n"                                            \
  "a=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n" video

static struct kit_rng rng;
static struct paw_certificate *certificate;
static struct paw_rtc *rtc;
static char answer[4096];

static int begin(void **state) {
  (void)state;
  struct paw_allocator heap = {0};
  struct paw_rtc_config config;
  kit_rng_init(&rng, 42);
  struct paw_rng hook = kit_rng_hook(&rng);
  assert_int_equal(paw_certificate_generate(&hook, &heap, &certificate), PAW_OK);
  paw_rtc_config_init(&config);
  config.certificate = certificate;
  config.rng = hook;
  assert_int_equal(paw_rtc_new(&config, KIT_CLOCK_ORIGIN_NS, &rtc), PAW_OK);
  return 0;
}

static int end(void **state) {
  (void)state;
  paw_rtc_free(rtc);
  paw_certificate_free(certificate);
  return 0;
}

static int accept_offer(const char *offer) {
  size_t len = sizeof answer;
  return paw_rtc_accept_offer(rtc, KIT_CLOCK_ORIGIN_NS, offer, strlen(offer), answer, &len);
}

/* sdp_offer: an answer repeats mid and formats of the sections that it rejects. A carriage return
 * in them was a line of its own to parsers that take one alone for an end. */
static void no_carriage_return_within_a_line(void **state) {
  (void)state;
  static const char *const offers[] = {
      OFFER("m=video 9 UDP/TLS/RTP/SAVPF 96\ra=ice-lite\r\na=mid:1\r\n"),
      OFFER("m=video 9 UDP/TLS/RTP/SAVPF 96\r \r\na=mid:1\r\n"),
      OFFER("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r \r\n"),
      OFFER("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r "),
  };
  for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
    assert_int_equal(accept_offer(offers[i]), PAW_ERR_MALFORMED);
  }
  /* At the end of a line they are harmless, however many. */
  assert_int_equal(accept_offer(OFFER("m=video 9 RTP/SAVPF 96\r\r\na=mid:1\r")), PAW_OK);
  for (const char *at = strchr(answer, '\r'); at != NULL; at = strchr(at + 1, '\r')) {
    assert_int_equal(at[1], '\n');
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(no_carriage_return_within_a_line, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
