/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_time.h"

#define S UINT64_C(1000000000)
#define DATE "Wed, 09 Oct 2024 10:00:00 GMT"

static void pauses_are_read(void **state) {
  (void)state;
  static const struct {
    const char *retry_after, *date;
    uint64_t wait_ns;
  } cases[] = {
      {"0", DATE, 0},
      {"5", "", 5 * S},
      {"59", "", 59 * S},
      {"60", "", 60 * S},
      {"61", "", 60 * S},
      {"99999999999999999999999999", "", 60 * S},
      {"18446744073709551616", "", 60 * S},
      {"Wed, 09 Oct 2024 10:00:07 GMT", DATE, 7 * S},
      {"Wed, 09 Oct 2024 09:59:59 GMT", DATE, 0},
      {"Wed, 09 Oct 2124 10:00:00 GMT", DATE, 60 * S},
      {"Wednesday, 09-Oct-24 10:00:07 GMT", DATE, 7 * S},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(http_retry_after_ns(cases[i].retry_after, cases[i].date), cases[i].wait_ns);
  }
}

static void what_is_no_pause_is_none(void **state) {
  (void)state;
  static const char *const wrong[] = {"", "-5", "+5", "5s", "soon", "1.5", " "};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    assert_int_equal(http_retry_after_ns(wrong[i], DATE), 0);
  }
  /* This side's clock is never asked. */
  assert_int_equal(http_retry_after_ns("Wed, 09 Oct 2124 10:00:00 GMT", ""), 0);
}

static void a_counter_offer_says_how_long(void **state) {
  (void)state;
  static const struct {
    const char *content_type, *date;
    uint64_t valid_ns;
  } cases[] = {
      {"application/sdp", DATE, 30 * S},
      {"", "", 30 * S},
      {"application/sdp; valid-until=\"Wed, 09 Oct 2024 10:00:10 GMT\"", DATE, 10 * S},
      {"application/sdp;Valid-Until=\"Wed, 09 Oct 2024 10:00:10 GMT\"", DATE, 10 * S},
      {"application/sdp; charset=\"a;valid-until=b\"; valid-until=\"Wed, 09 Oct 2024 10:01:00 "
       "GMT\"",
       DATE, 60 * S},
      {"application/sdp; valid-until=\"Wed, 09 Oct 2024 10:00:00 GMT\"", DATE, 0},
      {"application/sdp; valid-until=\"Tue, 08 Oct 2024 10:00:00 GMT\"", DATE, 0},
      {"application/sdp; valid-until=\"Wed, 09 Oct 2124 10:00:00 GMT\"", DATE, 3600 * S},
      {"application/sdp; valid-until=\"Wed, 09 Oct 2024 10:00:10 GMT\"", "", 30 * S},
      {"application/sdp; valid-until=soon", DATE, 30 * S},
      {"application/sdp; valid-until", DATE, 30 * S},
      {"application/sdp; valid-until=", DATE, 30 * S},
      {"application/sdp; valid-until=\"", DATE, 30 * S},
      {"application/sdp; not-valid-until=\"Tue, 08 Oct 2024 10:00:00 GMT\"", DATE, 30 * S},
      {";;;", DATE, 30 * S},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(http_offer_valid_ns(cases[i].content_type, cases[i].date), cases[i].valid_ns);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pauses_are_read),
      cmocka_unit_test(what_is_no_pause_is_none),
      cmocka_unit_test(a_counter_offer_says_how_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
