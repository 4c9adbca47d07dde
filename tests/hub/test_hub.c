/* SPDX-License-Identifier: MIT */
#include "../rtc/fixture.h"

#include <pawebrtc/hub.h>

static struct paw_hub *make_hub(uint32_t max_peers) {
  struct paw_hub_config config;
  struct paw_hub *hub = NULL;
  paw_hub_config_init(&config);
  config.max_peers = max_peers;
  config.seed = 99;
  assert_int_equal(paw_hub_new(&config, KIT_CLOCK_ORIGIN_NS, &hub), PAW_OK);
  return hub;
}

static paw_hub_peer add_peer(struct paw_hub *hub) {
  struct paw_rtc_config config = fixture_config();
  paw_hub_peer peer = 0;
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  assert_int_equal(paw_hub_add(hub, rtc, &peer), PAW_OK);
  assert_true(peer != 0);
  assert_ptr_equal(paw_hub_get_rtc(hub, peer), rtc);
  return peer;
}

static void names_are_not_used_again(void **state) {
  (void)state;
  struct paw_hub *hub = make_hub(10);
  paw_hub_peer first = add_peer(hub);
  paw_hub_remove(hub, first);
  paw_hub_remove(hub, first);
  assert_null(paw_hub_get_rtc(hub, first));
  paw_hub_peer second = add_peer(hub);
  assert_true(first != second);
  assert_null(paw_hub_get_rtc(hub, first));
  assert_null(paw_hub_get_rtc(hub, 0));
  assert_int_equal(paw_hub_get_peer_count(hub), 1);
  paw_hub_free(hub);
}

static void the_number_of_peers_is_bounded(void **state) {
  (void)state;
  struct paw_hub *hub = make_hub(40);
  paw_hub_peer peers[40];
  for (size_t i = 0; i < 40; i++) {
    peers[i] = add_peer(hub);
  }
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *one_more = fixture_rtc(&config, "192.0.2.1:5000");
  paw_hub_peer peer = 0;
  assert_int_equal(paw_hub_add(hub, one_more, &peer), PAW_ERR_LIMIT);
  paw_hub_remove(hub, peers[17]);
  assert_int_equal(paw_hub_add(hub, one_more, &peer), PAW_OK);
  assert_int_equal(paw_hub_get_peer_count(hub), 40);
  paw_hub_free(hub);
}

static void nobodys_datagrams_are_counted(void **state) {
  (void)state;
  struct paw_hub *hub = make_hub(4);
  uint8_t data[40] = {128, 111};
  struct paw_input input = {
      .kind = PAW_INPUT_RECEIVE,
      .now_ns = KIT_CLOCK_ORIGIN_NS,
      .local = fixture_address("192.0.2.1:5000"),
      .remote = fixture_address("198.51.100.7:7000"),
      .data = data,
      .len = sizeof data,
  };
  assert_int_equal(paw_hub_handle_input(hub, &input), PAW_OK); /* with no peer at all */
  (void)add_peer(hub);
  assert_int_equal(paw_hub_handle_input(hub, &input), PAW_OK);
  input.len = 0;
  assert_int_equal(paw_hub_handle_input(hub, &input), PAW_OK);
  struct paw_hub_stats stats;
  paw_hub_get_stats(hub, &stats);
  assert_int_equal(stats.datagrams_received, 3);
  assert_int_equal(stats.datagrams_unclaimed, 3);
  paw_hub_free(hub);
}

static void subscribers_come_and_go(void **state) {
  (void)state;
  struct paw_hub *hub = make_hub(64);
  struct paw_hub_track *tracks[2];
  paw_hub_peer peers[50];
  assert_int_equal(paw_hub_track_new(hub, &tracks[0]), PAW_OK);
  assert_int_equal(paw_hub_track_new(hub, &tracks[1]), PAW_OK);
  struct kit_rng rng;
  kit_rng_init(&rng, 3);
  for (size_t i = 0; i < 50; i++) {
    peers[i] = add_peer(hub);
  }
  uint8_t data[60] = {0};
  struct paw_audio_frame frame = {.data = data, .len = sizeof data, .duration_rtp = 480};
  for (unsigned step = 0; step < 2000; step++) {
    size_t who = (size_t)kit_rng_below(&rng, 50);
    switch (kit_rng_below(&rng, 4)) {
    case 0:
      assert_int_equal(paw_hub_subscribe(hub, peers[who], tracks[0]), PAW_OK);
      break;
    case 1:
      assert_int_equal(paw_hub_subscribe(hub, peers[who], tracks[1]), PAW_OK);
      break;
    case 2:
      assert_int_equal(paw_hub_subscribe(hub, peers[who], NULL), PAW_OK);
      break;
    default:
      paw_hub_remove(hub, peers[who]);
      assert_int_equal(paw_hub_subscribe(hub, peers[who], tracks[0]), PAW_ERR_INVALID);
      peers[who] = add_peer(hub);
    }
    struct paw_transmit out[8];
    size_t count = 0;
    frame.media_rtp += 480;
    assert_int_equal(paw_hub_track_send(hub, tracks[step % 2], KIT_CLOCK_ORIGIN_NS, &frame),
                     PAW_OK);
    paw_hub_poll_transmits(hub, out, 8, &count); /* nobody is connected: nothing is sent */
    assert_int_equal(count, 0);
  }
  paw_hub_track_free(hub, tracks[0]);
  frame.len = 0;
  assert_int_equal(paw_hub_track_send(hub, tracks[1], KIT_CLOCK_ORIGIN_NS, &frame),
                   PAW_ERR_INVALID);
  paw_hub_free(hub);
}

static void a_closed_peer_tells_it_last_and_stays_until_removed(void **state) {
  (void)state;
  struct paw_hub *hub = make_hub(4);
  paw_hub_peer peer = add_peer(hub);
  paw_rtc_close(paw_hub_get_rtc(hub, peer), KIT_CLOCK_ORIGIN_NS);
  struct paw_rtc_event event;
  paw_hub_peer who = 0;
  assert_true(paw_hub_poll_event(hub, &who, &event));
  assert_true(who == peer);
  assert_int_equal(event.kind, PAW_RTC_EVENT_CLOSED);
  assert_false(paw_hub_poll_event(hub, &who, &event));
  assert_non_null(paw_hub_get_rtc(hub, peer));
  paw_hub_remove(hub, peer);
  assert_false(paw_hub_poll_event(hub, &who, &event));
  paw_hub_free(hub);
}

static void after_a_drain_the_deadline_lies_ahead(void **state) {
  (void)state;
  struct paw_hub *hub = make_hub(4);
  (void)add_peer(hub);
  struct paw_transmit out[4];
  struct paw_rtc_event event;
  paw_hub_peer who = 0;
  size_t count = 0;
  assert_true(paw_hub_next_timeout(hub).deadline_ns <= KIT_CLOCK_ORIGIN_NS);
  do {
    paw_hub_poll_transmits(hub, out, 4, &count);
  } while (count > 0);
  while (paw_hub_poll_event(hub, &who, &event)) {
  }
  assert_true(paw_hub_next_timeout(hub).deadline_ns > KIT_CLOCK_ORIGIN_NS);
  paw_hub_free(hub);
}

static void tracks_are_bounded(void **state) {
  (void)state;
  struct paw_hub *hub = make_hub(1);
  struct paw_hub_track *track = NULL;
  struct paw_hub_track *first = NULL;
  assert_int_equal(paw_hub_track_new(hub, &first), PAW_OK);
  for (int i = 1; i < 64; i++) {
    assert_int_equal(paw_hub_track_new(hub, &track), PAW_OK);
  }
  assert_int_equal(paw_hub_track_new(hub, &track), PAW_ERR_LIMIT);
  paw_hub_track_free(hub, first);
  assert_int_equal(paw_hub_track_new(hub, &track), PAW_OK);
  paw_hub_free(hub);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_not_used_again),
      cmocka_unit_test(the_number_of_peers_is_bounded),
      cmocka_unit_test(nobodys_datagrams_are_counted),
      cmocka_unit_test(subscribers_come_and_go),
      cmocka_unit_test(a_closed_peer_tells_it_last_and_stays_until_removed),
      cmocka_unit_test(after_a_drain_the_deadline_lies_ahead),
      cmocka_unit_test(tracks_are_bounded),
  };
  return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
