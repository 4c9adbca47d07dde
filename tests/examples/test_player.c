/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pawebrtc/encoder.h>

#include "player.h"

#define FRAME 480

static struct player player;

static void open_player(const struct player_config *config) {
  struct fault fault;
  assert_int_equal(player_open(&player, config, &fault), 0);
}

static double target_ms(void) {
  struct paw_playout_stats stats;
  paw_playout_get_stats(player.playout, &stats);
  return (double)stats.target_delay_ns / PAW_NS_PER_MS;
}

/* The first packet of a stream that is silent. */
static void receive_packet(uint64_t now_ns) {
  static const int16_t silence[FRAME];
  uint8_t data[PAW_OPUS_PACKET_MAX];
  size_t len = sizeof data;
  struct paw_encoder_config config;
  struct paw_encoder *encoder = NULL;
  paw_encoder_config_init(&config);
  assert_int_equal(paw_encoder_new(&config, &encoder), PAW_OK);
  assert_int_equal(paw_encoder_encode(encoder, silence, data, &len), PAW_OK);
  const struct paw_audio_packet packet = {
      .data = data, .len = len, .arrival_ns = now_ns, .ssrc = 1, .payload_type = 111};
  assert_int_equal(paw_playout_handle_input(player.playout, now_ns, &packet), PAW_OK);
  paw_encoder_free(encoder);
}

static void begins_with_the_delay_of_a_wire(void **state) {
  const struct player_config config = {.gain_db = -12};
  (void)state;
  open_player(&config);
  receive_packet(PAW_NS_PER_S);
  assert_float_equal(target_ms(), 20, 1);
  player_close(&player);
}

static void wifi_wants_more(void **state) {
  const struct player_config config = {.gain_db = -12};
  (void)state;
  open_player(&config);
  player_expect_wifi(&player);
  receive_packet(PAW_NS_PER_S);
  assert_float_equal(target_ms(), 40, 1);
  player_close(&player);
}

static void wifi_changes_nothing_once_packets_come(void **state) {
  const struct player_config config = {.gain_db = -12};
  (void)state;
  open_player(&config);
  receive_packet(PAW_NS_PER_S);
  const struct paw_playout *before = player.playout;
  player_expect_wifi(&player);
  assert_ptr_equal(player.playout, before);
  assert_float_equal(target_ms(), 20, 1);
  player_close(&player);
}

static void the_cap_is_kept_from_the_start(void **state) {
  const struct player_config config = {.max_latency_ns = 10 * PAW_NS_PER_MS};
  (void)state;
  open_player(&config);
  player_expect_wifi(&player);
  receive_packet(PAW_NS_PER_S);
  assert_float_equal(target_ms(), 10, 1);
  player_close(&player);
}

static void a_fixed_delay_stays(void **state) {
  const struct player_config config = {.latency_ns = 900 * PAW_NS_PER_MS};
  (void)state;
  open_player(&config);
  player_expect_wifi(&player);
  receive_packet(PAW_NS_PER_S);
  assert_float_equal(target_ms(), 900, 0.1);
  player_close(&player);
}

static void the_longest_delays_are_taken(void **state) {
  const struct player_config config = {.profile = PAW_PLAYOUT_ANNOUNCEMENT,
                                       .max_latency_ns = PAW_NS_PER_S};
  (void)state;
  open_player(&config);
  player_close(&player);
}

static void nothing_is_silence_of_unknown_level(void **state) {
  const struct player_config config = {.gain_db = 0};
  int16_t pcm[PLAYER_CHANNELS * FRAME] = {1, 2, 3};
  (void)state;
  open_player(&config);
  assert_true(isnan(player_take_level(&player)));
  player_render(&player, pcm, FRAME, PAW_NS_PER_S);
  for (size_t i = 0; i < PLAYER_CHANNELS * FRAME; i++) {
    assert_int_equal(pcm[i], 0);
  }
  assert_true(player.sounded_ns == PAW_TIME_NEVER);
  assert_float_equal(player_take_level(&player), -90.3, 0.05);
  player_close(&player);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(begins_with_the_delay_of_a_wire),
      cmocka_unit_test(wifi_wants_more),
      cmocka_unit_test(wifi_changes_nothing_once_packets_come),
      cmocka_unit_test(the_cap_is_kept_from_the_start),
      cmocka_unit_test(a_fixed_delay_stays),
      cmocka_unit_test(the_longest_delays_are_taken),
      cmocka_unit_test(nothing_is_silence_of_unknown_level),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
