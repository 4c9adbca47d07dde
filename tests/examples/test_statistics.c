/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "statistics_json.h"

static void writes_every_field_in_order(void **state) {
  (void)state;
  const struct speaker_statistics statistics = {
      .t_s = 12.3456,
      .state = "playing",
      .packets = 1000,
      .lost = 2,
      .late = 3,
      .duplicates = 4,
      .jitter_ms = 1.234,
      .target_ms = 40,
      .delay_ms = 61.25,
      .concealed_ms = 20,
      .recovered_nack = 5,
      .recovered_red = 6,
      .recovered_fec = 7,
      .recovered_late = 8,
      .rtt_ms = 2.5,
      .drift_ppm = -12.34,
      .sync_error_ms = 0.1,
      .xruns = 9,
      .level_dbfs = -18.44,
  };
  char text[STATISTICS_JSON_SIZE];
  statistics_json_write(&statistics, text);
  assert_string_equal(
      text,
      "{\"t_s\":12.346,\"state\":\"playing\",\"packets\":1000,\"lost\":2,\"late\":3,"
      "\"duplicates\":4,\"jitter_ms\":1.23,\"target_ms\":40.0,\"delay_ms\":61.2,"
      "\"concealed_ms\":20.0,\"recovered_nack\":5,\"recovered_red\":6,\"recovered_fec\":7,"
      "\"recovered_late\":8,\"rtt_ms\":2.50,\"drift_ppm\":-12.3,\"sync_error_ms\":0.100,"
      "\"xruns\":9,\"level_dbfs\":-18.4}");
}

static void unknown_is_null(void **state) {
  (void)state;
  const struct speaker_statistics statistics = {
      .state = "calling", .rtt_ms = NAN, .drift_ppm = NAN, .level_dbfs = -INFINITY};
  char text[STATISTICS_JSON_SIZE];
  statistics_json_write(&statistics, text);
  assert_non_null(strstr(text, "\"rtt_ms\":null,"));
  assert_non_null(strstr(text, "\"drift_ppm\":null,"));
  assert_non_null(strstr(text, "\"level_dbfs\":null}"));
}

static void the_longest_values_fit(void **state) {
  (void)state;
  const double most = -1e17;
  const uint64_t many = UINT64_MAX;
  const struct speaker_statistics statistics = {.t_s = -most,
                                                .state = "connecting",
                                                .packets = many,
                                                .lost = many,
                                                .late = many,
                                                .duplicates = many,
                                                .jitter_ms = most,
                                                .target_ms = most,
                                                .delay_ms = most,
                                                .concealed_ms = most,
                                                .recovered_nack = many,
                                                .recovered_red = many,
                                                .recovered_fec = many,
                                                .recovered_late = many,
                                                .rtt_ms = most,
                                                .drift_ppm = most,
                                                .sync_error_ms = most,
                                                .xruns = many,
                                                .level_dbfs = most};
  char text[STATISTICS_JSON_SIZE];
  statistics_json_write(&statistics, text);
  assert_non_null(strstr(text, "\"level_dbfs\":-100000000000000000.0}"));
  statistics_text_write(&statistics, text);
  assert_non_null(strstr(text, "dBFS"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_every_field_in_order),
      cmocka_unit_test(unknown_is_null),
      cmocka_unit_test(the_longest_values_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
