/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <pawebrtc/rtc.h>

#include "base/mem.h"
#include "kit/pair.h"
#include "rtc/rtc.h"
#include "stream/history.h"

static void receive(struct paw_rtc *rtc, const uint8_t *data, size_t len, int expected) {
  struct paw_input input = {
      .kind = PAW_INPUT_RECEIVE,
      .now_ns = KIT_CLOCK_ORIGIN_NS,
      .local = fixture_address("192.0.2.1:5000"),
      .remote = fixture_address("198.51.100.7:7000"),
      .data = data,
      .len = len,
  };
  assert_int_equal(paw_rtc_handle_input(rtc, &input), expected);
}

static uint64_t drops(const struct paw_rtc *rtc, enum paw_drop drop) {
  struct paw_rtc_stats stats;
  paw_rtc_get_stats(rtc, &stats);
  return stats.drops[drop];
}

static void what_is_nobodys_is_counted_by_reason(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  uint8_t bytes[100] = {0};
  receive(rtc, bytes, 0, PAW_OK);
  assert_int_equal(drops(rtc, PAW_DROP_EMPTY), 1);
  const uint8_t unknown[] = {4, 19, 64, 127, 192, 255};
  for (size_t i = 0; i < sizeof unknown; i++) {
    bytes[0] = unknown[i];
    receive(rtc, bytes, sizeof bytes, PAW_OK);
  }
  assert_int_equal(drops(rtc, PAW_DROP_UNKNOWN_KIND), sizeof unknown);
  const uint8_t known[] = {20, 22, 63, 128, 191};
  for (size_t i = 0; i < sizeof known; i++) {
    bytes[0] = known[i];
    receive(rtc, bytes, sizeof bytes, PAW_OK);
  }
  assert_int_equal(drops(rtc, PAW_DROP_UNKNOWN_PATH), sizeof known);
  receive(rtc, NULL, 5, PAW_ERR_INVALID);
  paw_rtc_free(rtc);
}

static void a_connection_that_never_was_closes_at_once(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  struct paw_rtc_output output;
  paw_rtc_close(rtc, KIT_CLOCK_ORIGIN_NS);
  paw_rtc_close(rtc, KIT_CLOCK_ORIGIN_NS);
  paw_rtc_poll_output(rtc, &output);
  assert_int_equal(output.kind, PAW_OUTPUT_EVENT);
  assert_int_equal(output.event.kind, PAW_RTC_EVENT_CLOSED);
  assert_int_equal(output.event.reason, PAW_CLOSE_LOCAL);
  paw_rtc_poll_output(rtc, &output);
  assert_int_equal(output.kind, PAW_OUTPUT_TIMEOUT);
  assert_true(output.timeout.deadline_ns == PAW_TIME_NEVER);
  uint8_t byte = 128;
  receive(rtc, &byte, 1, PAW_ERR_STATE);
  assert_int_equal(drops(rtc, PAW_DROP_CLOSED), 1);
  paw_rtc_free(rtc);
}

static void a_clock_that_goes_back_is_counted(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = KIT_CLOCK_ORIGIN_NS + 1000};
  struct paw_rtc_stats stats;
  assert_int_equal(paw_rtc_handle_input(rtc, &input), PAW_OK);
  input.now_ns = 5;
  assert_int_equal(paw_rtc_handle_input(rtc, &input), PAW_OK);
  paw_rtc_get_stats(rtc, &stats);
  assert_int_equal(stats.clock_backwards, 1);
  paw_rtc_free(rtc);
}

static void sending_needs_an_agreement(void **state) {
  (void)state;
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  uint8_t data[3] = {0xf8, 0xff, 0xfe};
  struct paw_audio_frame frame = {.data = data, .len = sizeof data, .duration_rtp = 960};
  uint16_t sequence = 1;
  assert_int_equal(paw_rtc_send_audio(rtc, KIT_CLOCK_ORIGIN_NS, &frame), PAW_ERR_STATE);
  assert_int_equal(paw_rtc_send_nack(rtc, KIT_CLOCK_ORIGIN_NS, &sequence, 1), PAW_OK);
  assert_int_equal(paw_rtc_send_nack(rtc, KIT_CLOCK_ORIGIN_NS, &sequence, 0), PAW_ERR_INVALID);
  assert_int_equal(paw_rtc_send_nack(rtc, KIT_CLOCK_ORIGIN_NS, &sequence, 65), PAW_ERR_INVALID);
  paw_rtc_free(rtc);
}

static void a_config_needs_certificate_and_randomness(void **state) {
  (void)state;
  struct paw_rtc *rtc = NULL;
  struct paw_rtc_config config = fixture_config();
  config.certificate = NULL;
  assert_int_equal(paw_rtc_new(&config, 1, &rtc), PAW_ERR_INVALID);
  config = fixture_config();
  config.rng.fill = NULL;
  assert_int_equal(paw_rtc_new(&config, 1, &rtc), PAW_ERR_INVALID);
  config = fixture_config();
  config.dscp = 64;
  assert_int_equal(paw_rtc_new(&config, 1, &rtc), PAW_ERR_INVALID);
  config = fixture_config();
  config.struct_size = 0;
  assert_int_equal(paw_rtc_new(&config, 1, &rtc), PAW_ERR_INVALID);
  config = fixture_config();
  fixture_rng.failing = true;
  assert_int_equal(paw_rtc_new(&config, 1, &rtc), PAW_ERR_RANDOM);
  fixture_rng.failing = false;
}

static void every_reason_has_a_text(void **state) {
  (void)state;
  for (int drop = 0; drop < PAW_DROP_COUNT; drop++) {
    assert_string_not_equal(paw_drop_text((enum paw_drop)drop), "unknown reason");
  }
  for (int reason = 0; reason <= PAW_CLOSE_NO_MEMORY; reason++) {
    assert_string_not_equal(paw_close_reason_text((enum paw_close_reason)reason), "unknown reason");
  }
}

/* The memory for what is polled follows what is to be sent, whoever keeps the frames. */
static void a_lent_history_has_room(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 11);
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  struct paw_rtc *rtc = pair->peers[0].rtc;
  struct paw_history *history = NULL;
  const struct paw_allocator heap = {NULL, NULL, NULL};
  kit_pair_run_ms(pair, 200);
  assert_int_equal(paw_history_new(&heap, &history), PAW_OK);
  paw_rtc_attach_history(rtc, pair->clock.now_ns, history);
  const uint8_t payload[1000] = {15 << 3};
  const struct paw_audio_frame frame = {.data = payload,
                                        .len = sizeof payload,
                                        .capture_ns = pair->clock.now_ns,
                                        .duration_rtp = 960};
  assert_int_equal(paw_history_push(history, pair->clock.now_ns, &frame), PAW_OK);
  struct paw_rtc_output output;
  do {
    paw_rtc_poll_output(rtc, &output);
  } while (output.kind == PAW_OUTPUT_EVENT);
  assert_int_equal(output.kind, PAW_OUTPUT_TRANSMIT);
  assert_true(output.transmit.len > sizeof payload);
  paw_rtc_attach_history(rtc, pair->clock.now_ns, NULL);
  kit_pair_free(pair);
  paw_mem_free(&heap, history);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_nobodys_is_counted_by_reason),
      cmocka_unit_test(a_connection_that_never_was_closes_at_once),
      cmocka_unit_test(a_clock_that_goes_back_is_counted),
      cmocka_unit_test(sending_needs_an_agreement),
      cmocka_unit_test(a_config_needs_certificate_and_randomness),
      cmocka_unit_test(every_reason_has_a_text),
      cmocka_unit_test(a_lent_history_has_room),
  };
  return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
