/* SPDX-License-Identifier: MIT */
/* A close says BYE (RFC 3550 section 6.3.7) and close_notify (RFC 5246 section 7.2.1), twice each,
 * and is over at once; the other side hears it even if half of that is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/pair.h"

/* What the closing side sends, told apart by the first byte (RFC 7983). */
struct farewell {
  struct paw_address from;
  uint64_t dtls;
  uint64_t rtcp;
  uint64_t others;
  uint64_t lose;           /* that many first copies of each */
  uint64_t answers;        /* close_notify of the other side (RFC 5246 section 7.2.1) */
  uint64_t answers_others; /* what else it says */
};

static bool count_farewell(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct farewell *farewell = user_data;
  (void)now_ns;
  if (!paw_address_equal(&datagram->from, &farewell->from)) {
    bool is_alert = datagram->data[0] == 21 && datagram->len == 39;
    farewell->answers += is_alert;
    farewell->answers_others += !is_alert;
    return true;
  }
  if (datagram->data[0] >= 20 && datagram->data[0] <= 63) {
    farewell->dtls++;
    return farewell->dtls > farewell->lose;
  }
  if (datagram->data[0] >= 128 && datagram->data[1] >= 192 && datagram->data[1] <= 223) {
    farewell->rtcp++;
    return farewell->rtcp > farewell->lose;
  }
  farewell->others++;
  return true;
}

static struct kit_pair *talking_pair(uint64_t seed) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
  kit_peer_talk(&pair->peers[1], 960, pair->clock.now_ns);
  kit_pair_run_ms(pair, 3001);
  kit_peer_talk(&pair->peers[0], 0, 0);
  kit_peer_talk(&pair->peers[1], 0, 0);
  return pair;
}

/* Close one side and see what both do; `lose` of its farewells of each kind are lost. */
static void close_and_hear(size_t closing, uint64_t lose) {
  struct kit_pair *pair = talking_pair(31);
  struct farewell farewell = {.from = pair->peers[closing].addresses[0], .lose = lose};
  struct kit_peer *closer = &pair->peers[closing];
  struct kit_peer *hearer = &pair->peers[1 - closing];
  kit_net_set_filter(pair->net, count_farewell, &farewell);
  kit_pair_close(pair, closing);

  assert_int_equal(closer->seen.closed_ns, pair->clock.now_ns);
  assert_int_equal(closer->seen.reason, PAW_CLOSE_LOCAL);
  assert_int_equal(closer->deadline_ns, PAW_TIME_NEVER);
  assert_int_equal(farewell.rtcp, 2);
  assert_int_equal(farewell.dtls, 2);
  assert_int_equal(farewell.others, 0);

  kit_pair_run_ms(pair, 100);
  assert_int_equal(hearer->seen.events[PAW_RTC_EVENT_BYE], 1);
  assert_int_equal(hearer->seen.reason, PAW_CLOSE_PEER);
  assert_in_range(hearer->seen.closed_ns - closer->seen.closed_ns, 2 * PAW_NS_PER_MS,
                  3 * PAW_NS_PER_MS);
  assert_int_equal(hearer->deadline_ns, PAW_TIME_NEVER);
  assert_int_equal(hearer->seen.events[PAW_RTC_EVENT_DEGRADED], 0);
  assert_int_equal(farewell.rtcp + farewell.dtls + farewell.others, 4);
  assert_int_equal(farewell.answers, 1);
  assert_int_equal(farewell.answers_others, 0);
  kit_pair_free(pair);
}

static void either_side_may_close(void **state) {
  (void)state;
  close_and_hear(0, 0);
  close_and_hear(1, 0);
}

static void first_copies_may_be_lost(void **state) {
  (void)state;
  close_and_hear(0, 1);
  close_and_hear(1, 1);
}

static void both_close_at_once(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(32);
  kit_pair_close(pair, 0);
  kit_pair_close(pair, 1);
  kit_pair_run_ms(pair, 100);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(pair->peers[i].seen.reason, PAW_CLOSE_LOCAL);
    assert_int_equal(pair->peers[i].seen.events[PAW_RTC_EVENT_CLOSED], 1);
  }
  kit_pair_free(pair);
}

static void second_close_does_nothing(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(33);
  kit_pair_close(pair, 0);
  kit_pair_run_ms(pair, 50);
  uint64_t sent = kit_net_sum(pair->net).sent;
  kit_pair_close(pair, 0);
  kit_pair_close(pair, 1);
  kit_pair_run_ms(pair, 50);
  assert_int_equal(kit_net_sum(pair->net).sent, sent);
  assert_int_equal(pair->peers[0].seen.events[PAW_RTC_EVENT_CLOSED], 1);
  assert_int_equal(pair->peers[1].seen.events[PAW_RTC_EVENT_CLOSED], 1);
  kit_pair_free(pair);
}

static void nothing_goes_after_the_end(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(34);
  kit_pair_close(pair, 0);
  struct kit_peer *closed = &pair->peers[0];
  uint64_t now_ns = pair->clock.now_ns;
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = now_ns,
                            .local = closed->addresses[0],
                            .remote = pair->peers[1].addresses[0],
                            .data = (const uint8_t[]){0x80, 0x6f, 0, 1},
                            .len = 4};
  assert_int_equal(paw_rtc_handle_input(closed->rtc, &input), PAW_ERR_STATE);
  assert_false(paw_rtc_accepts(closed->rtc, &input));
  assert_int_equal(kit_pair_get_stats(pair, 0).drops[PAW_DROP_CLOSED], 1);
  uint8_t data[3] = {0xf8, 0xff, 0xfe};
  struct paw_audio_frame frame = {.data = data, .len = 3, .duration_rtp = 960, .level = 255};
  assert_int_equal(paw_rtc_send_audio(closed->rtc, now_ns, &frame), PAW_ERR_STATE);
  size_t len = sizeof pair->offer;
  assert_int_equal(paw_rtc_create_offer(closed->rtc, pair->offer, &len), PAW_ERR_STATE);
  struct paw_rtc_output output;
  paw_rtc_poll_output(closed->rtc, &output);
  assert_int_equal(output.kind, PAW_OUTPUT_TIMEOUT);
  assert_int_equal(output.timeout.deadline_ns, PAW_TIME_NEVER);
  kit_pair_free(pair);
}

/* Frees after a close at every moment of coming up; under the leak check. */
static void close_at_any_moment(void **state) {
  (void)state;
  for (uint64_t ms = 0; ms < 40; ms++) {
    struct kit_pair_config config;
    kit_pair_config_init(&config, 35);
    struct kit_pair *pair = kit_pair_new(&config);
    if (ms > 0) {
      kit_pair_negotiate(pair);
      kit_pair_run_ms(pair, ms - 1);
    }
    kit_pair_close(pair, ms % 2);
    assert_int_equal(pair->peers[ms % 2].seen.reason, PAW_CLOSE_LOCAL);
    kit_pair_run_ms(pair, 20);
    kit_pair_free(pair);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(either_side_may_close),      cmocka_unit_test(first_copies_may_be_lost),
      cmocka_unit_test(both_close_at_once),         cmocka_unit_test(second_close_does_nothing),
      cmocka_unit_test(nothing_goes_after_the_end), cmocka_unit_test(close_at_any_moment),
  };
  return cmocka_run_group_tests_name("close_drain", tests, NULL, NULL);
}
