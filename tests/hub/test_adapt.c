/* SPDX-License-Identifier: MIT */
/* Advice to the encoder: by the subscriber that loses most, up at once, down slowly. */
#include "../rtc/fixture.h"

#include "hub/hub_private.h"
#include "rtc/rtc_private.h"

#define PEERS 8

struct stage {
  struct paw_hub *hub;
  struct paw_hub_track *track;
  paw_hub_peer peers[PEERS];
  uint64_t now_ns;
  uint64_t told; /* advices */
  struct paw_encoder_advice advice;
};

static struct stage stage;

static void setup(void) {
  struct paw_hub_config config;
  memset(&stage, 0, sizeof stage);
  stage.now_ns = KIT_CLOCK_ORIGIN_NS;
  paw_hub_config_init(&config);
  assert_int_equal(paw_hub_new(&config, stage.now_ns, &stage.hub), PAW_OK);
  assert_int_equal(paw_hub_track_new(stage.hub, &stage.track), PAW_OK);
  for (size_t i = 0; i < PEERS; i++) {
    struct paw_rtc_config rtc = fixture_config();
    assert_int_equal(paw_hub_add(stage.hub, fixture_rtc(&rtc, "192.0.2.1:5000"), &stage.peers[i]),
                     PAW_OK);
    assert_int_equal(paw_hub_subscribe(stage.hub, stage.peers[i], stage.track), PAW_OK);
  }
}

static void teardown(void) {
  paw_hub_free(stage.hub);
}

/* What is told is about this track, and once only. */
static void take_advice(void) {
  struct paw_hub_track *track = NULL;
  while (paw_hub_poll_advice(stage.hub, &track, &stage.advice)) {
    assert_ptr_equal(track, stage.track);
    stage.told++;
  }
}

/* One report of a peer, after which so much is known to be lost. */
static void report(size_t who, double percent) {
  struct paw_rtc *rtc = paw_hub_get_rtc(stage.hub, stage.peers[who]);
  rtc->report_count++;
  rtc->loss.share_16 = PAW_LOSS_PERCENT(percent);
  paw_hub_adapt_report(stage.hub, (uint32_t)(stage.peers[who] & UINT32_MAX) - 1);
  take_advice();
}

/* Time goes by, with a frame each 10 ms. */
static void talk_ms(uint64_t ms) {
  static const uint8_t data[] = {0xf8, 0xff, 0xfe};
  for (uint64_t i = 0; i < ms; i += 10) {
    struct paw_audio_frame frame = {
        .data = data, .len = sizeof data, .duration_rtp = 480, .level = PAW_AUDIO_LEVEL_NONE};
    stage.now_ns += 10 * PAW_NS_PER_MS;
    assert_int_equal(paw_hub_track_send(stage.hub, stage.track, stage.now_ns, &frame), PAW_OK);
    take_advice();
  }
}

static void expect(unsigned percent, uint64_t told) {
  assert_int_equal(stage.advice.packet_loss_percent, percent);
  assert_int_equal(stage.advice.inband_fec, percent > 0);
  assert_int_equal(stage.told, told);
}

static void the_worst_decides(void **state) {
  (void)state;
  setup();
  report(0, 1);
  report(1, 2);
  expect(0, 0);
  report(2, 2.1);
  expect(10, 1);
  report(3, 9.9);
  report(4, 0);
  expect(10, 1);
  report(3, 10.1);
  expect(15, 2);
  report(5, 100);
  expect(100, 3);
  teardown();
}

static void it_falls_after_ten_seconds_to_what_they_needed(void **state) {
  (void)state;
  setup();
  report(0, 31);
  expect(35, 1);
  report(0, 0);
  talk_ms(5000);
  report(1, 18);
  report(1, 0);
  talk_ms(4900);
  expect(35, 1);
  talk_ms(200);
  expect(20, 2); /* the most of these ten */
  talk_ms(9800);
  expect(20, 2);
  talk_ms(200);
  expect(0, 3);
  talk_ms(60000);
  expect(0, 3);
  teardown();
}

/* Between 1 and 2 % it stays as it is. */
static void on_and_off_are_apart(void **state) {
  (void)state;
  setup();
  for (int i = 0; i < 20; i++) {
    report(0, 1.5);
    talk_ms(1000);
  }
  expect(0, 0);
  report(0, 2.5);
  for (int i = 0; i < 20; i++) {
    talk_ms(1000);
    report(0, 1.5);
  }
  expect(10, 1);
  report(0, 0.9);
  talk_ms(11000);
  expect(0, 2);
  teardown();
}

static void who_leaves_counts_no_more(void **state) {
  (void)state;
  setup();
  report(0, 20);
  report(1, 40);
  report(2, 60);
  expect(60, 3);
  paw_hub_remove(stage.hub, stage.peers[2]);
  talk_ms(10100);
  expect(40, 4);
  assert_int_equal(paw_hub_subscribe(stage.hub, stage.peers[1], NULL), PAW_OK);
  report(1, 90); /* of what it got before */
  report(0, 20);
  talk_ms(10100);
  expect(20, 5);
  report(0, 20);
  assert_int_equal(paw_hub_subscribe(stage.hub, stage.peers[1], stage.track), PAW_OK);
  expect(20, 5);
  report(1, 90);
  expect(90, 6);
  teardown();
}

static void who_falls_silent_counts_no_more(void **state) {
  (void)state;
  setup();
  report(0, 30);
  for (int i = 0; i < 14; i++) {
    talk_ms(1000);
    report(1, 0);
  }
  expect(30, 1);
  for (int i = 0; i < 12; i++) {
    talk_ms(1000);
    report(1, 0);
  }
  expect(0, 2);
  report(0, 30);
  expect(30, 3);
  teardown();
}

/* One that says everything and nothing by turns raises the advice once, and the others' encoder is
 * left in peace. */
static void lies_do_not_make_it_flap(void **state) {
  (void)state;
  setup();
  for (unsigned i = 0; i < 6000; i++) {
    report(i % PEERS, i % 2 == 0 ? 100 : 0);
    talk_ms(10);
  }
  expect(100, 1);
  teardown();
}

/* At most one step down in ten seconds, and as many up as there are steps. */
static void changes_are_bounded(void **state) {
  (void)state;
  setup();
  struct kit_rng rng;
  kit_rng_init(&rng, 5);
  for (unsigned i = 0; i < 60000; i++) {
    report(0, (double)kit_rng_below(&rng, 101));
    talk_ms(10);
  }
  assert_true(stage.told < 60);
  teardown();
}

static void tracks_are_apart(void **state) {
  (void)state;
  setup();
  struct paw_hub_track *other = NULL;
  assert_int_equal(paw_hub_track_new(stage.hub, &other), PAW_OK);
  assert_int_equal(paw_hub_subscribe(stage.hub, stage.peers[0], other), PAW_OK);
  report(1, 20);
  expect(20, 1);
  assert_int_equal(other->advisor.percent, 0);
  paw_hub_track_free(stage.hub, stage.track);
  struct paw_encoder_advice advice;
  assert_false(paw_hub_poll_advice(stage.hub, &other, &advice));
  teardown();
}

static void redundancy_is_set_for_all(void **state) {
  (void)state;
  setup();
  assert_int_equal(paw_hub_set_red(stage.hub, 7), PAW_ERR_INVALID);
  assert_int_equal(paw_hub_set_red(stage.hub, -2), PAW_ERR_INVALID);
  assert_int_equal(paw_hub_set_red(stage.hub, 3), PAW_OK);
  for (size_t i = 0; i < PEERS; i++) {
    assert_int_equal(paw_hub_get_rtc(stage.hub, stage.peers[i])->red_wanted, 3);
  }
  teardown();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_worst_decides),
      cmocka_unit_test(it_falls_after_ten_seconds_to_what_they_needed),
      cmocka_unit_test(on_and_off_are_apart),
      cmocka_unit_test(who_leaves_counts_no_more),
      cmocka_unit_test(who_falls_silent_counts_no_more),
      cmocka_unit_test(lies_do_not_make_it_flap),
      cmocka_unit_test(changes_are_bounded),
      cmocka_unit_test(tracks_are_apart),
      cmocka_unit_test(redundancy_is_set_for_all),
  };
  return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
