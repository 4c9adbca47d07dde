/* SPDX-License-Identifier: MIT */
/* Several fingerprints (RFC 8122 section 5), hash names in any case, at either level of the SDP:
 * one that is right is enough, none that is right ends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kit/pair.h"

#define PREFIX "a=fingerprint:sha-256 "
#define BYTES_16 "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
#define SHA1 "a=fingerprint:SHA-1 " BYTES_16 ":00:11:22:33\r\n"
#define SHA512 "a=fingerprint:Sha-512 " BYTES_16 ":" BYTES_16 ":" BYTES_16 ":" BYTES_16 "\r\n"
#define OTHER_256 "a=fingerprint:sha-256 " BYTES_16 ":" BYTES_16 "\r\n"
#define UNKNOWN "a=fingerprint:sha3-256 " BYTES_16 ":" BYTES_16 "\r\n"

/* Take the fingerprint's value out of the text. */
static void take_value(char *sdp, char *value, size_t room) {
  char *line = strstr(sdp, PREFIX);
  assert_non_null(line);
  char *after = strstr(line, "\r\n");
  assert_non_null(after);
  size_t len = (size_t)(after - line) - strlen(PREFIX);
  assert_true(len < room);
  memcpy(value, line + strlen(PREFIX), len);
  value[len] = '\0';
  memmove(line, after + 2, strlen(after + 2) + 1);
  assert_null(strstr(sdp, "fingerprint"));
}

/* Put lines, the last of them `name` with the value, before the first line that begins so. */
static void put_before(char *sdp, size_t size, const char *where, const char *lines,
                       const char *name, const char *value) {
  char text[1024];
  int len = snprintf(text, sizeof text, "%s%s%s\r\n%s", lines, name, value, where);
  assert_in_range(len, 1, sizeof text - 1);
  kit_sdp_replace(sdp, size, where, text);
}

static void in_upper_case(char *sdp, size_t size) {
  char value[128];
  take_value(sdp, value, sizeof value);
  put_before(sdp, size, "a=setup:", "", "a=fingerprint:SHA-256 ", value);
}

static void lower_the_digits(char *value) {
  for (char *at = value; *at != '\0'; at++) {
    *at = (char)(*at >= 'A' && *at <= 'F' ? *at - 'A' + 'a' : *at);
  }
}

static void at_session_level(char *sdp, size_t size) {
  char value[128];
  take_value(sdp, value, sizeof value);
  lower_the_digits(value);
  put_before(sdp, size, "m=audio", SHA1, "a=fingerprint:sHa-256 ", value);
}

static void behind_others(char *sdp, size_t size) {
  char value[128];
  take_value(sdp, value, sizeof value);
  put_before(sdp, size, "a=setup:", UNKNOWN SHA1 SHA512 OTHER_256, PREFIX, value);
}

/* The section's own stand in place of the session's, be they right or not. */
static void wrong_in_the_section(char *sdp, size_t size) {
  char value[128];
  take_value(sdp, value, sizeof value);
  put_before(sdp, size, "m=audio", "", PREFIX, value);
  kit_sdp_replace(sdp, size, "a=setup:", OTHER_256 "a=setup:");
}

static void wrong_all(char *sdp, size_t size) {
  char value[128];
  take_value(sdp, value, sizeof value);
  kit_sdp_replace(sdp, size, "a=setup:", SHA1 SHA512 OTHER_256 "a=setup:");
}

static struct kit_pair *meet(kit_sdp_alter *offer, kit_sdp_alter *answer) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, 13);
  config.alter_offer = offer;
  config.alter_answer = answer;
  struct kit_pair *pair = kit_pair_new(&config);
  kit_pair_negotiate(pair);
  return pair;
}

static void right_ones(void **state) {
  (void)state;
  static kit_sdp_alter *const alters[] = {in_upper_case, at_session_level, behind_others};
  for (size_t i = 0; i < sizeof alters / sizeof alters[0]; i++) {
    struct kit_pair *pair = meet(alters[i], alters[(i + 1) % 3]);
    assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 200));
    kit_pair_free(pair);
  }
}

static void wrong_ones(void **state) {
  (void)state;
  static kit_sdp_alter *const alters[] = {wrong_in_the_section, wrong_all};
  for (size_t i = 0; i < sizeof alters / sizeof alters[0]; i++) {
    for (size_t deceived = 0; deceived < 2; deceived++) {
      struct kit_pair *pair =
          meet(deceived == 1 ? alters[i] : NULL, deceived == 0 ? alters[i] : NULL);
      assert_true(kit_pair_run_until(pair, kit_pair_both_closed, 1000));
      assert_int_equal(pair->peers[deceived].seen.reason, PAW_CLOSE_FINGERPRINT);
      assert_int_equal(pair->peers[1 - deceived].seen.reason, PAW_CLOSE_DTLS_ALERT);
      kit_pair_free(pair);
    }
  }
}

/* What a later offer lists counts against the one that was right (RFC 8842 section 4), not against
 * whatever stood beside it. */
static int offer_again(struct kit_pair *pair, kit_sdp_alter *alter) {
  size_t len = sizeof pair->offer;
  size_t answer_len = sizeof pair->answer;
  assert_int_equal(paw_rtc_create_offer(pair->peers[0].rtc, pair->offer, &len), PAW_OK);
  alter(pair->offer, sizeof pair->offer);
  int status = paw_rtc_accept_offer(pair->peers[1].rtc, pair->clock.now_ns, pair->offer,
                                    strlen(pair->offer), pair->answer, &answer_len);
  assert_int_equal(paw_rtc_rollback(pair->peers[0].rtc), PAW_OK);
  return status;
}

static void later_offers(void **state) {
  (void)state;
  struct kit_pair *pair = meet(behind_others, NULL);
  assert_int_equal(offer_again(pair, in_upper_case), PAW_OK); /* nothing is verified yet */
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 200));
  assert_int_equal(offer_again(pair, in_upper_case), PAW_OK);
  assert_int_equal(offer_again(pair, behind_others), PAW_OK);
  assert_int_equal(offer_again(pair, wrong_all), PAW_ERR_UNSUPPORTED);
  assert_int_equal(offer_again(pair, in_upper_case), PAW_OK);
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(right_ones),
      cmocka_unit_test(wrong_ones),
      cmocka_unit_test(later_offers),
  };
  return cmocka_run_group_tests_name("many_fingerprints", tests, NULL, NULL);
}
