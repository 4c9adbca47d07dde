/* SPDX-License-Identifier: MIT */
/* The path fails: degraded after 200 ms, disconnected after 5 s, the end after 30 s (RFC 7675
 * section 5.1), each with its reason; and back as if nothing had been, if it returns before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kit/hmac.h"
#include "kit/pair.h"
#include "stun/stun.h"

/* After the last that was sent before the path failed, and arrived. */
#define CONSENT_ENDS_NS (30 * PAW_NS_PER_S + 2 * PAW_NS_PER_MS)

static struct kit_pair *talking_pair(uint64_t seed, enum paw_ice_mode answerer) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  config.rtc[1].ice_mode = answerer;
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_peer_talk(&pair->peers[1], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 2000);
  return pair;
}

static void stop_talking(struct kit_pair *pair) {
  kit_peer_talk(&pair->peers[0], 0, 0);
  kit_peer_talk(&pair->peers[1], 0, 0);
}

static void set_loss(struct kit_pair *pair, double loss) {
  struct kit_link_config link = {.delay_ns = 2 * PAW_NS_PER_MS, .loss = loss};
  kit_net_configure(pair->net, &link);
}

static void assert_state(const struct kit_pair *pair, enum paw_ice_state state,
                         enum paw_ice_reason reason) {
  for (size_t i = 0; i < 2; i++) {
    assert_string_equal(paw_ice_state_text(pair->peers[i].seen.ice_state),
                        paw_ice_state_text(state));
    assert_string_equal(paw_ice_reason_text(pair->peers[i].seen.ice_reason),
                        paw_ice_reason_text(reason));
  }
}

/* Media is back with the path, for sending had never been forbidden. */
static void outlive(enum paw_ice_mode answerer, uint64_t outage_ms) {
  struct kit_pair *pair = talking_pair(1, answerer);
  set_loss(pair, 1);
  kit_pair_run_ms(pair, 150);
  assert_int_equal(pair->peers[0].seen.events[PAW_RTC_EVENT_DEGRADED], 0);
  kit_pair_run_ms(pair, 100);
  assert_int_equal(pair->peers[0].seen.events[PAW_RTC_EVENT_DEGRADED], 1);
  assert_state(pair, PAW_ICE_STATE_CONNECTED, PAW_ICE_REASON_NONE);
  kit_pair_run_ms(pair, 5100 - 250);
  assert_state(pair, PAW_ICE_STATE_DISCONNECTED, PAW_ICE_REASON_SILENCE);
  kit_pair_run_ms(pair, outage_ms - 5100);
  set_loss(pair, 0);
  uint64_t back_ns = pair->clock.now_ns;
  kit_pair_run_ms(pair, 100);
  for (size_t i = 0; i < 2; i++) {
    struct kit_peer_seen *seen = &pair->peers[i].seen;
    assert_true(seen->last_audio_ns > back_ns);
    assert_int_equal(seen->events[PAW_RTC_EVENT_RECOVERED], 1);
    assert_int_equal(seen->events[PAW_RTC_EVENT_SELECTED_PAIR], 1);
  }
  assert_state(pair, PAW_ICE_STATE_CONNECTED, PAW_ICE_REASON_SILENCE);
  kit_pair_free(pair);
}

static void outages_are_outlived(void **state) {
  (void)state;
  outlive(PAW_ICE_FULL, 20000);
  outlive(PAW_ICE_LITE, 20000);
  outlive(PAW_ICE_FULL, 24000);
  outlive(PAW_ICE_LITE, 24000);
}

static void end_in_time(enum paw_ice_mode answerer) {
  struct kit_pair *pair = talking_pair(2, answerer);
  uint64_t since_ns = pair->clock.now_ns;
  set_loss(pair, 1);
  kit_pair_run_ms(pair, 20000);
  stop_talking(pair);
  kit_pair_run_ms(pair, 11000);
  for (size_t i = 0; i < 2; i++) {
    struct kit_peer_seen *seen = &pair->peers[i].seen;
    assert_int_equal(seen->reason, PAW_CLOSE_CONSENT);
    assert_in_range(seen->closed_ns - since_ns, 24 * PAW_NS_PER_S, CONSENT_ENDS_NS);
  }
  assert_state(pair, PAW_ICE_STATE_CLOSED, PAW_ICE_REASON_CONSENT_EXPIRED);
  uint64_t sent = kit_net_sum(pair->net).sent;
  set_loss(pair, 0);
  kit_pair_run_ms(pair, 60000);
  assert_int_equal(kit_net_sum(pair->net).sent, sent);
  kit_pair_free(pair);
}

static bool is_open(const struct kit_pair *pair) {
  return pair->peers[0].seen.closed_ns == 0;
}

/* Only what this side sends is lost: the peer's media goes on coming, and is no consent. */
static void media_is_no_consent(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(3, PAW_ICE_LITE);
  struct kit_link_config dead = {.loss = 1};
  kit_net_get_link(pair->net, &pair->peers[0].addresses[0], &pair->peers[1].addresses[0])->config =
      dead;
  uint64_t since_ns = pair->clock.now_ns;
  kit_peer_talk(&pair->peers[0], 0, 0);
  while (is_open(pair) && pair->clock.now_ns - since_ns < 40 * PAW_NS_PER_S &&
         pair->peers[1].seen.closed_ns == 0) {
    kit_pair_run_ms(pair, 10);
  }
  assert_int_equal(pair->peers[0].seen.events[PAW_RTC_EVENT_DEGRADED], 0);
  assert_true(!is_open(pair));
  assert_int_equal(pair->peers[0].seen.reason, PAW_CLOSE_CONSENT);
  assert_in_range(pair->clock.now_ns - since_ns, 24 * PAW_NS_PER_S, CONSENT_ENDS_NS);
  kit_pair_free(pair);
}

static void consent_ends_in_time(void **state) {
  (void)state;
  end_in_time(PAW_ICE_FULL);
  end_in_time(PAW_ICE_LITE);
}

/* ---- revoked ---- */

/* Answers every check of the first with 403, in the name of the second. */
struct forbidder {
  struct kit_pair *pair;
  char pwd[PAW_ICE_CREDENTIAL_MAX + 1];
  uint64_t answers;
};

static bool forbid(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct forbidder *forbidder = user_data;
  struct kit_pair *pair = forbidder->pair;
  struct paw_stun_message request;
  if (datagram->data[0] > 3 || !paw_address_equal(&datagram->from, &pair->peers[0].addresses[0]) ||
      paw_stun_read(datagram->data, datagram->len, &request) != PAW_STUN_FAULT_NONE ||
      request.class != PAW_STUN_REQUEST) {
    return true;
  }
  struct paw_stun_message answer = {
      .class = PAW_STUN_ERROR,
      .method = PAW_STUN_METHOD_BINDING,
      .has = PAW_STUN_HAS_ERROR | PAW_STUN_HAS_INTEGRITY | PAW_STUN_HAS_FINGERPRINT,
      .error_code = 403,
  };
  memcpy(answer.id, request.id, sizeof answer.id);
  uint8_t data[200];
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  const char *pwd = forbidder->pwd;
  assert_int_equal(paw_stun_write(&wr, &answer, KIT_HMAC_KEY((const uint8_t *)pwd, strlen(pwd))),
                   PAW_OK);
  kit_net_send(pair->net, &datagram->to, &datagram->from, data, wr.len, now_ns);
  forbidder->answers++;
  return false;
}

/* RFC 7675 section 5.2: 403 ends it at once. */
static void consent_is_revoked(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(4, PAW_ICE_LITE);
  struct forbidder forbidder = {.pair = pair};
  const char *begin = strstr(pair->answer, "a=ice-pwd:");
  assert_non_null(begin);
  begin += strlen("a=ice-pwd:");
  memcpy(forbidder.pwd, begin, strcspn(begin, "\r\n"));
  kit_net_set_filter(pair->net, forbid, &forbidder);
  stop_talking(pair);
  kit_pair_run_ms(pair, 1000);
  assert_int_equal(forbidder.answers, 1);
  assert_int_equal(pair->peers[0].seen.reason, PAW_CLOSE_REVOKED);
  assert_int_equal(pair->peers[0].seen.ice_reason, PAW_ICE_REASON_CONSENT_REVOKED);
  kit_pair_free(pair);
}

/* ---- addresses that go away ---- */

/* The only one: nothing can be sent, and when none comes instead, it is over after 30 s. */
static void the_last_address_goes(void **state) {
  (void)state;
  struct kit_pair *pair = talking_pair(5, PAW_ICE_LITE);
  struct kit_peer *peer = &pair->peers[0];
  assert_int_equal(paw_rtc_remove_local_candidate(peer->rtc, &peer->addresses[0]), PAW_OK);
  kit_peer_drain(peer, pair->clock.now_ns);
  assert_int_equal(peer->seen.ice_state, PAW_ICE_STATE_DISCONNECTED);
  assert_int_equal(peer->seen.ice_reason, PAW_ICE_REASON_NO_PATH);
  uint64_t sent = peer->seen.datagrams_out;
  uint64_t since_ns = pair->clock.now_ns;
  stop_talking(pair);
  kit_pair_run_ms(pair, 31000);
  assert_int_equal(peer->seen.datagrams_out, sent);
  assert_int_equal(peer->seen.reason, PAW_CLOSE_ICE_FAILED);
  assert_in_range(peer->seen.closed_ns - since_ns, 24 * PAW_NS_PER_S, CONSENT_ENDS_NS);
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(outages_are_outlived),  cmocka_unit_test(consent_ends_in_time),
      cmocka_unit_test(media_is_no_consent),   cmocka_unit_test(consent_is_revoked),
      cmocka_unit_test(the_last_address_goes),
  };
  return cmocka_run_group_tests_name("outage", tests, NULL, NULL);
}
