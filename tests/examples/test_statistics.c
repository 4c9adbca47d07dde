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
      .longest_gap_ms = 12.25,
      .nacks = 10,
      .stretched_ms = 3.44,
      .rewinds = 11,
      .outages = 12,
      .resyncs = 13,
      .jitter_buffer_delay_ms = 14.96,
  };
  char text[STATISTICS_JSON_SIZE];
  statistics_json_write(&statistics, text);
  assert_string_equal(
      text,
      "{\"t_s\":12.346,\"state\":\"playing\",\"packets\":1000,\"lost\":2,\"late\":3,"
      "\"duplicates\":4,\"jitter_ms\":1.23,\"target_ms\":40.0,\"delay_ms\":61.2,"
      "\"concealed_ms\":20.0,\"recovered_nack\":5,\"recovered_red\":6,\"recovered_fec\":7,"
      "\"recovered_late\":8,\"rtt_ms\":2.50,\"drift_ppm\":-12.3,\"sync_error_ms\":0.100,"
      "\"xruns\":9,\"level_dbfs\":-18.4,\"longest_gap_ms\":12.2,\"nacks\":10,"
      "\"stretched_ms\":3.4,\"rewinds\":11,\"outages\":12,\"resyncs\":13,"
      "\"jitter_buffer_delay_ms\":15.0}");
}

static void unknown_is_null(void **state) {
  (void)state;
  const struct speaker_statistics statistics = {.state = "calling",
                                                .rtt_ms = NAN,
                                                .drift_ppm = NAN,
                                                .level_dbfs = -INFINITY,
                                                .jitter_buffer_delay_ms = NAN};
  char text[STATISTICS_JSON_SIZE];
  statistics_json_write(&statistics, text);
  assert_non_null(strstr(text, "\"rtt_ms\":null,"));
  assert_non_null(strstr(text, "\"drift_ppm\":null,"));
  assert_non_null(strstr(text, "\"level_dbfs\":null,"));
  assert_non_null(strstr(text, "\"jitter_buffer_delay_ms\":null}"));
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
                                                .level_dbfs = most,
                                                .longest_gap_ms = most,
                                                .nacks = many,
                                                .stretched_ms = most,
                                                .rewinds = many,
                                                .outages = many,
                                                .resyncs = many,
                                                .jitter_buffer_delay_ms = most};
  char text[STATISTICS_JSON_SIZE];
  statistics_json_write(&statistics, text);
  assert_non_null(strstr(text, "\"jitter_buffer_delay_ms\":-100000000000000000.0}"));
  statistics_text_write(&statistics, text);
  assert_non_null(strstr(text, "dBFS"));
}

static void people_read_a_line(void **state) {
  (void)state;
  const struct speaker_statistics statistics = {.state = "playing",
                                                .packets = 1000,
                                                .lost = 2,
                                                .late = 3,
                                                .target_ms = 20,
                                                .delay_ms = 21.26,
                                                .concealed_ms = 30.4,
                                                .recovered_nack = 4,
                                                .recovered_red = 5,
                                                .recovered_fec = 6,
                                                .recovered_late = 7,
                                                .rtt_ms = NAN,
                                                .xruns = 8,
                                                .level_dbfs = -18.44,
                                                .longest_gap_ms = 12.25,
                                                .outages = 9};
  char text[STATISTICS_JSON_SIZE];
  statistics_text_write(&statistics, text);
  assert_string_equal(
      text,
      "playing: 1000 packets, 2 lost, 3 late, 9 outages; recovered 4 nack, 5 red, "
      "6 fec, 7 late; 30 ms concealed, longest 12; delay 21.3 of 20.0 ms, rtt - ms, "
      "8 xruns, level -18.4 dBFS");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_every_field_in_order),
      cmocka_unit_test(unknown_is_null),
      cmocka_unit_test(people_read_a_line),
      cmocka_unit_test(the_longest_values_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
