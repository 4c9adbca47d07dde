/* SPDX-License-Identifier: MIT */
/* Texts of a description that are as long as is kept, and one character longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "text_file.h"

/* The status of a description whose audio section ends with `prefix`, `len` times x, `suffix`. */
static int status_of(const char *prefix, size_t len, const char *suffix,
                     struct paw_description *out) {
  static char text[4096];
  char xs[300] = "";
  assert_true(len < sizeof xs);
  memset(xs, 'x', len);
  int all = snprintf(text, sizeof text, "%s%s%s%s\r\n", SDP_SESSION SDP_MEDIA, prefix, xs, suffix);
  assert_true(all > 0 && (size_t)all < sizeof text);
  return read_string(text, out);
}

static void mids(void **state) {
  (void)state;
  struct paw_description d;
  assert_int_equal(status_of("a=mid:", PAW_MID_MAX, "", &d), PAW_OK);
  assert_int_equal(strlen(d.audio.mid), PAW_MID_MAX);
  assert_int_equal(status_of("a=mid:", PAW_MID_MAX + 1, "", &d), PAW_ERR_MALFORMED);
}

static void streams_and_tracks(void **state) {
  (void)state;
  struct paw_description d;
  assert_int_equal(status_of("a=msid:s ", PAW_MSID_MAX, "", &d), PAW_OK);
  assert_string_equal(d.audio.msid_stream, "s");
  assert_int_equal(strlen(d.audio.msid_track), PAW_MSID_MAX);
  assert_int_equal(status_of("a=msid:s ", PAW_MSID_MAX + 1, "", &d), PAW_OK);
  assert_string_equal(d.audio.msid_stream, "s");
  assert_string_equal(d.audio.msid_track, "");
  assert_int_equal(status_of("a=msid:", PAW_MSID_MAX, " t", &d), PAW_OK);
  assert_int_equal(strlen(d.audio.msid_stream), PAW_MSID_MAX);
  assert_int_equal(status_of("a=msid:", PAW_MSID_MAX + 1, " t", &d), PAW_OK);
  assert_string_equal(d.audio.msid_stream, "");
  assert_string_equal(d.audio.msid_track, "t");
}

static void foundations(void **state) {
  (void)state;
  struct paw_description d;
  static const char rest[] = " 1 udp 1 192.0.2.1 9 typ host";
  assert_int_equal(status_of("a=candidate:", PAW_FOUNDATION_MAX, rest, &d), PAW_OK);
  assert_int_equal(d.candidate_count, 1);
  assert_int_equal(strlen(d.candidates[0].foundation), PAW_FOUNDATION_MAX);
  assert_int_equal(status_of("a=candidate:", PAW_FOUNDATION_MAX + 1, rest, &d), PAW_ERR_MALFORMED);
}

static void names_of_users(void **state) {
  (void)state;
  struct paw_description d;
  assert_int_equal(status_of("a=ice-ufrag:", PAW_ICE_CREDENTIAL_MAX, "", &d), PAW_OK);
  assert_int_equal(strlen(d.ice.ufrag), PAW_ICE_CREDENTIAL_MAX);
  assert_int_equal(status_of("a=ice-ufrag:", PAW_ICE_CREDENTIAL_MAX + 1, "", &d),
                   PAW_ERR_MALFORMED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mids),
      cmocka_unit_test(streams_and_tracks),
      cmocka_unit_test(foundations),
      cmocka_unit_test(names_of_users),
  };
  return cmocka_run_group_tests_name("sdp_limits", tests, NULL, NULL);
}
