/* SPDX-License-Identifier: MIT */
/* A member of a hub that forges another member's address, and strangers that name its ufrag: the
 * other one's datagrams stay its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "kit/crowd.h"
#include "kit/hmac.h"
#include "rtc/rtc_private.h"
#include "rtp/rtp.h"
#include "stun/stun.h"

#define VICTIM 0
#define FIRST_ATTACKER 1
#define ATTACKERS PAW_HUB_TRIES_MAX

static struct kit_crowd *crowd;
static struct kit_talker voice; /* of the victim */

static void speak(void) {
  struct kit_peer *peer = &crowd->members[VICTIM].peer;
  uint8_t data[PAW_OPUS_PACKET_MAX];
  struct paw_audio_frame frame;
  if (kit_talker_next(&voice, crowd->clock.now_ns, data, &frame)) {
    assert_int_equal(paw_rtc_send_audio(peer->rtc, crowd->clock.now_ns, &frame), PAW_OK);
    kit_peer_drain(peer, crowd->clock.now_ns);
  }
}

static int set_up(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 81, FIRST_ATTACKER + ATTACKERS);
  config.hub_rtc.audio.direction = PAW_DIRECTION_SENDRECV;
  config.peer_rtc.audio.direction = PAW_DIRECTION_SENDRECV;
  crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 1000));
  kit_crowd_talk(crowd, 480);
  kit_crowd_run_ms(crowd, 1000);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  kit_talker_stop(&voice);
  kit_crowd_free(crowd);
  return 0;
}

static struct paw_rtc *hub_side(size_t member) {
  return paw_hub_get_rtc(crowd->hub, crowd->members[member].name);
}

static struct paw_rtc_stats hub_stats(size_t member) {
  struct paw_rtc_stats stats;
  paw_rtc_get_stats(hub_side(member), &stats);
  return stats;
}

/* A check for this member's connection, with that password, from any address. */
static void send_check(size_t member, const char *pwd, const struct paw_address *from) {
  static uint8_t id;
  uint8_t data[200];
  char username[80];
  snprintf(username, sizeof username, "%s:%s", paw_rtc_get_ufrag(hub_side(member)), "peer");
  struct paw_stun_message message = {
      .class = PAW_STUN_REQUEST,
      .method = PAW_STUN_METHOD_BINDING,
      .id = {++id},
      .has = PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_PRIORITY | PAW_STUN_HAS_CONTROLLED |
             PAW_STUN_HAS_FINGERPRINT | PAW_STUN_HAS_INTEGRITY,
      .username = {(const uint8_t *)username, strlen(username)},
      .priority = 0x6e7fffff,
      .controlled = 1,
  };
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  assert_int_equal(paw_stun_write(&wr, &message, KIT_HMAC_KEY((const uint8_t *)pwd, strlen(pwd))),
                   PAW_OK);
  kit_net_send(crowd->net, from, &crowd->hub_address, data, wr.len, crowd->clock.now_ns);
}

static const char *pwd_of(size_t member) {
  return paw_ice_get_credentials(hub_side(member)->ice)->pwd;
}

/* Its reports, its NACKs and its voice get through, and it hears everything. */
static void expect_served(void) {
  struct kit_member *victim = &crowd->members[VICTIM];
  struct paw_rtc_stats before = hub_stats(VICTIM);
  uint64_t heard = victim->peer.seen.events[PAW_RTC_EVENT_AUDIO];
  kit_talker_start(&voice, 480, crowd->clock.now_ns);
  for (unsigned ms = 0; ms < 2000; ms++) {
    speak();
    if (ms % 100 == 0) {
      uint16_t last = victim->peer.seen.audio.sequence;
      assert_int_equal(paw_rtc_send_nack(victim->peer.rtc, crowd->clock.now_ns, &last, 1), PAW_OK);
      kit_peer_drain(&victim->peer, crowd->clock.now_ns);
    }
    kit_crowd_run_ms(crowd, 1);
  }
  kit_talker_stop(&voice);
  kit_crowd_run_ms(crowd, 10);
  struct paw_rtc_stats after = hub_stats(VICTIM);
  assert_int_equal(after.packets_received - before.packets_received, 200);
  assert_int_equal(after.packets_lost, 0);
  assert_int_equal(after.nacks_received - before.nacks_received, 20);
  assert_true(after.rtcp_received - before.rtcp_received >= 21);
  assert_int_equal(after.packets_resent - before.packets_resent, 20);
  assert_in_range(victim->peer.seen.events[PAW_RTC_EVENT_AUDIO] - heard, 199, 202);
  for (size_t drop = 0; drop < PAW_DROP_COUNT; drop++) {
    assert_int_equal(after.drops[drop], before.drops[drop]);
  }
}

/* A good check, for each attacker's own connection, from the victim's address: the pair of
 * addresses now belongs to all of them, and to the victim last. */
static void forge_address(size_t attackers) {
  const struct paw_address *address = &crowd->members[VICTIM].peer.addresses[0];
  for (size_t i = 0; i < attackers; i++) {
    send_check(FIRST_ATTACKER + i, pwd_of(FIRST_ATTACKER + i), address);
  }
  kit_crowd_run_ms(crowd, 20);
  for (size_t i = 0; i < attackers; i++) {
    assert_true(paw_rtc_is_valid_path(hub_side(FIRST_ATTACKER + i), &crowd->hub_address, address));
  }
}

static void a_members_address_is_forged(void **state) {
  (void)state;
  const struct paw_address *address = &crowd->members[VICTIM].peer.addresses[0];
  forge_address(PAW_HUB_TRIES_MAX - 1);
  expect_served();
  /* Again and again, too. */
  struct paw_rtc_stats before = hub_stats(VICTIM);
  kit_talker_start(&voice, 480, crowd->clock.now_ns);
  for (unsigned ms = 0; ms < 2000; ms++) {
    speak();
    send_check(FIRST_ATTACKER, pwd_of(FIRST_ATTACKER), address);
    kit_crowd_run_ms(crowd, 1);
  }
  kit_talker_stop(&voice);
  kit_crowd_run_ms(crowd, 10);
  assert_int_equal(hub_stats(VICTIM).packets_received - before.packets_received, 200);
}

/* By more than a datagram is tried on: one may be lost, the next finds its connection. */
static void a_members_address_is_forged_by_many(void **state) {
  (void)state;
  forge_address(PAW_HUB_TRIES_MAX);
  uint64_t before = hub_stats(VICTIM).packets_received;
  kit_talker_start(&voice, 480, crowd->clock.now_ns);
  for (unsigned ms = 0; ms < 100; ms++) {
    speak();
    kit_crowd_run_ms(crowd, 1);
  }
  kit_talker_stop(&voice);
  kit_crowd_run_ms(crowd, 10);
  assert_in_range(hub_stats(VICTIM).packets_received - before, 9, 10);
  expect_served();
}

/* An attacker has sent in the victim's SSRC, far ahead: on its connection the victim's packets are
 * old ones, which SRTP tells before whose they are. */
static void a_members_stream_is_forged(void **state) {
  (void)state;
  const struct paw_allocator heap = {0};
  const struct kit_peer *attacker = &crowd->members[FIRST_ATTACKER].peer;
  const struct paw_send *own = &crowd->members[VICTIM].peer.rtc->send;
  struct paw_srtp_keys keys;
  struct paw_srtp *srtp = NULL;
  uint8_t packet[100] = {0};
  struct paw_wr wr = paw_wr_init(packet, sizeof packet);
  struct paw_rtp_header header = {
      .payload_type = 111, .sequence = (uint16_t)(own->base_sequence + 10000), .ssrc = own->ssrc};
  assert_int_equal(paw_dtls_get_keys(attacker->rtc->dtls, &keys), PAW_OK);
  assert_int_equal(paw_srtp_new(&heap, &keys, own->ssrc, &srtp), PAW_OK);
  paw_rtp_write_header(&wr, &header, false);
  size_t len = wr.len + 10;
  assert_int_equal(paw_srtp_protect_rtp(srtp, packet, &len, sizeof packet), PAW_OK);
  paw_srtp_free(srtp, &heap);
  uint64_t before = hub_stats(FIRST_ATTACKER).packets_received;
  kit_net_send(crowd->net, &attacker->addresses[0], &crowd->hub_address, packet, len,
               crowd->clock.now_ns);
  kit_crowd_run_ms(crowd, 20);
  assert_int_equal(hub_stats(FIRST_ATTACKER).packets_received, before + 1);
  forge_address(1);
  expect_served();
}

/* A newcomer at an address that an attacker claims as well: its handshake reaches its own
 * connection. */
static void a_newcomers_address_is_forged(void **state) {
  (void)state;
  struct paw_address address = crowd->members[VICTIM].peer.addresses[0];
  kit_crowd_vanish(crowd, VICTIM);
  paw_hub_remove(crowd->hub, crowd->members[VICTIM].name);
  kit_crowd_run_ms(crowd, 100);
  kit_crowd_join(crowd, VICTIM);
  for (unsigned ms = 0; ms < 100; ms++) {
    send_check(FIRST_ATTACKER, pwd_of(FIRST_ATTACKER), &address);
    kit_crowd_run_ms(crowd, 1);
  }
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 1000));
  kit_crowd_run_ms(crowd, 1000);
  expect_served();
}

/* The victim's ufrag, by who does not know its password. */
static void a_members_ufrag_is_named(void **state) {
  (void)state;
  struct paw_address stranger;
  assert_int_equal(paw_address_parse("203.0.113.5:666", &stranger), PAW_OK);
  struct paw_rtc_stats before = hub_stats(VICTIM);
  const struct paw_address *sources[] = {&stranger, &crowd->members[VICTIM].peer.addresses[0],
                                         &crowd->members[FIRST_ATTACKER].peer.addresses[0]};
  for (unsigned i = 0; i < 300; i++) {
    send_check(VICTIM, pwd_of(FIRST_ATTACKER), sources[i % 3]);
    kit_crowd_run_ms(crowd, 1);
  }
  kit_crowd_run_ms(crowd, 10);
  struct paw_rtc_stats after = hub_stats(VICTIM);
  assert_int_equal(after.ice.dropped_integrity - before.ice.dropped_integrity, 300);
  assert_true(paw_address_equal(&after.remote, &before.remote));
  assert_false(paw_rtc_is_valid_path(hub_side(VICTIM), &crowd->hub_address, &stranger));
  expect_served();
}

/* Nobody's ufrag, or none: not a word. */
static uint64_t answers;
static bool count_answers(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  (void)now_ns;
  answers += paw_address_equal(&datagram->to, user_data);
  return true;
}

static void nobodys_ufrag_is_named(void **state) {
  (void)state;
  struct paw_address stranger;
  assert_int_equal(paw_address_parse("203.0.113.5:666", &stranger), PAW_OK);
  answers = 0;
  kit_net_set_filter(crowd->net, count_answers, &stranger);
  struct paw_hub_stats before;
  struct paw_hub_stats after;
  paw_hub_get_stats(crowd->hub, &before);
  static const char *const usernames[] = {"", "x", ":", "unknown0:peer", "unknown0"};
  for (uint8_t i = 0; i < 100; i++) {
    uint8_t data[200];
    const char *username = usernames[i % 5];
    struct paw_stun_message message = {
        .class = PAW_STUN_REQUEST,
        .method = PAW_STUN_METHOD_BINDING,
        .id = {i},
        .has = (i < 50 ? PAW_STUN_HAS_USERNAME : 0) | PAW_STUN_HAS_FINGERPRINT |
               (i % 2 == 0 ? PAW_STUN_HAS_INTEGRITY : 0),
        .username = {(const uint8_t *)username, strlen(username)},
    };
    struct paw_wr wr = paw_wr_init(data, sizeof data);
    assert_int_equal(paw_stun_write(&wr, &message, KIT_HMAC_KEY((const uint8_t *)"pwd", 3)),
                     PAW_OK);
    kit_net_send(crowd->net, &stranger, &crowd->hub_address, data, wr.len, crowd->clock.now_ns);
    kit_crowd_run_ms(crowd, 60);
  }
  paw_hub_get_stats(crowd->hub, &after);
  assert_int_equal(after.datagrams_unclaimed - before.datagrams_unclaimed, 100);
  assert_int_equal(answers, 0);
  expect_served();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_members_address_is_forged), CASE(a_members_address_is_forged_by_many),
      CASE(a_members_stream_is_forged),  CASE(a_newcomers_address_is_forged),
      CASE(a_members_ufrag_is_named),    CASE(nobodys_ufrag_is_named),
  };
  return cmocka_run_group_tests_name("off_path_member", tests, NULL, NULL);
}
