/* SPDX-License-Identifier: MIT */
/* Who cannot read what two ends say to each other, but forges whatever address he likes; and who
 * sends again what he has read. Nothing changes but one counter, which counts each datagram. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kit/hmac.h"
#include "kit/pair.h"
#include "rtc/rtc_private.h"
#include "stun/stun.h"

#define COPIES_MAX 64

/* ---- what is counted ---- */

enum {
  MALFORMED = PAW_DROP_COUNT,
  FINGERPRINT,
  INTEGRITY,
  USERNAME,
  UNMATCHED,
  LIMIT,
  CONFLICTS,
  COUNTERS,
  NOTHING = COUNTERS,
};

struct tally {
  uint64_t counts[COUNTERS];
};

static struct tally take_tally(const struct paw_rtc_stats *stats) {
  struct tally tally;
  memcpy(tally.counts, stats->drops, sizeof stats->drops);
  tally.counts[MALFORMED] = stats->ice.dropped_malformed;
  tally.counts[FINGERPRINT] = stats->ice.dropped_fingerprint;
  tally.counts[INTEGRITY] = stats->ice.dropped_integrity;
  tally.counts[USERNAME] = stats->ice.dropped_username;
  tally.counts[UNMATCHED] = stats->ice.dropped_unmatched;
  tally.counts[LIMIT] = stats->ice.dropped_limit;
  tally.counts[CONFLICTS] = stats->ice.role_conflicts;
  return tally;
}

/* ---- the scene ---- */

struct copy {
  size_t len;
  uint8_t data[KIT_NET_DATAGRAM_MAX];
};

enum copied { MEDIA, RTCP, REQUEST, RESPONSE, DTLS, COPIED_COUNT };

struct scene;
typedef void answer_function(struct scene *scene, const struct kit_datagram *request);

/* Everything that goes to the victim is copied; what it asks may be answered before its time. */
struct scene {
  struct kit_pair *pair;
  size_t victim;
  struct paw_address own;   /* the victim's */
  struct paw_address peer;  /* its peer's, forged */
  struct paw_address other; /* the attacker's own */
  struct paw_address from;  /* one of these two */
  uint64_t sent;            /* by the attacker */
  answer_function *answer;
  size_t counts[COPIED_COUNT];
  struct copy copies[COPIED_COUNT][COPIES_MAX];
};

static enum copied kind_of(const struct kit_datagram *datagram) {
  uint8_t first = datagram->data[0];
  if (first <= 3) {
    return (first & 1) == 0 ? REQUEST : RESPONSE;
  }
  return first < 64 ? DTLS : datagram->data[1] >= 192 && datagram->data[1] <= 223 ? RTCP : MEDIA;
}

static bool watch(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct scene *scene = user_data;
  enum copied kind = kind_of(datagram);
  (void)now_ns;
  if (scene->answer != NULL && kind == REQUEST && paw_address_equal(&datagram->from, &scene->own)) {
    scene->answer(scene, datagram);
  }
  if (paw_address_equal(&datagram->to, &scene->own) && scene->sent == 0 &&
      scene->counts[kind] < COPIES_MAX) {
    struct copy *copy = &scene->copies[kind][scene->counts[kind]++];
    copy->len = datagram->len;
    memcpy(copy->data, datagram->data, datagram->len);
  }
  return true;
}

static struct scene *scene_new(size_t victim) {
  static struct scene scene;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 91);
  memset(&scene, 0, sizeof scene);
  scene.pair = kit_pair_new(&config);
  scene.victim = victim;
  scene.own = scene.pair->peers[victim].addresses[0];
  scene.peer = scene.pair->peers[1 - victim].addresses[0];
  assert_int_equal(paw_address_parse("203.0.113.5:666", &scene.other), PAW_OK);
  scene.from = scene.peer;
  kit_net_set_filter(scene.pair->net, watch, &scene);
  kit_pair_negotiate(scene.pair);
  assert_true(kit_pair_run_until(scene.pair, kit_pair_both_connected, 200));
  kit_peer_talk(&scene.pair->peers[0], 480, scene.pair->clock.now_ns);
  kit_peer_talk(&scene.pair->peers[1], 480, scene.pair->clock.now_ns);
  kit_pair_run_ms(scene.pair, 2000);
  return &scene;
}

static const struct paw_rtc *victim_rtc(const struct scene *scene) {
  return scene->pair->peers[scene->victim].rtc;
}

/* Faster than what is true: it arrives first. */
static void throw(struct scene * scene, const void *data, size_t len) {
  struct kit_link *link = kit_net_get_link(scene->pair->net, &scene->from, &scene->own);
  uint64_t delay_ns = link->config.delay_ns;
  link->config.delay_ns = PAW_NS_PER_MS;
  scene->sent++;
  kit_net_send(scene->pair->net, &scene->from, &scene->own, data, len, scene->pair->clock.now_ns);
  link->config.delay_ns = delay_ns;
}

/* ---- attacks: each called once a millisecond ---- */

typedef void attack_function(struct scene *scene, unsigned ms);

static void alert(struct scene *scene, unsigned ms) {
  static const uint8_t alerts[][15] = {
      {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40}, /* fatal */
      {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0},  /* close_notify */
      {21, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 90}, /* user_canceled */
  };
  throw(scene, alerts[ms % 3], sizeof alerts[0]);
}

static void client_hello(struct scene *scene, unsigned ms) {
  uint8_t hello[200] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 187, 1, 0, 0, 175};
  hello[10] = (uint8_t)ms;
  hello[24] = 175;
  throw(scene, hello, sizeof hello);
}

static void replay(struct scene *scene, enum copied kind, unsigned ms) {
  assert_true(scene->counts[kind] > 0);
  const struct copy *copy = &scene->copies[kind][ms % scene->counts[kind]];
  throw(scene, copy->data, copy->len);
}

static void replay_media(struct scene *scene, unsigned ms) {
  replay(scene, MEDIA, ms);
}

static void replay_rtcp(struct scene *scene, unsigned ms) {
  replay(scene, RTCP, ms);
}

static void replay_checks(struct scene *scene, unsigned ms) {
  replay(scene, REQUEST, ms);
}

static void replay_answers(struct scene *scene, unsigned ms) {
  replay(scene, RESPONSE, ms);
}

static void replay_handshake(struct scene *scene, unsigned ms) {
  replay(scene, DTLS, ms);
}

/* ---- STUN by hand ---- */

static const char wrong[] = "wrongwrongwrongwrongwr";

static void throw_request(struct scene *scene, const char *ufrag, uint32_t role, bool integrity) {
  uint8_t data[200];
  char username[80];
  snprintf(username, sizeof username, "%s:peer", ufrag);
  struct paw_stun_message message = {
      .class = PAW_STUN_REQUEST,
      .method = PAW_STUN_METHOD_BINDING,
      .has = PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_PRIORITY | PAW_STUN_HAS_FINGERPRINT | role |
             PAW_STUN_HAS_USE_CANDIDATE | (integrity ? PAW_STUN_HAS_INTEGRITY : 0),
      .username = {(const uint8_t *)username, strlen(username)},
      .priority = 0x7effffff,
      .controlling = UINT64_MAX,
      .controlled = 0,
  };
  memcpy(message.id, &scene->sent, sizeof scene->sent);
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  assert_int_equal(
      paw_stun_write(&wr, &message, KIT_HMAC_KEY((const uint8_t *)wrong, strlen(wrong))), PAW_OK);
  throw(scene, data, wr.len);
}

/* The role that the victim has itself, with the tie-breaker that wins. */
static uint32_t conflicting_role(const struct scene *scene) {
  return paw_ice_get_role(victim_rtc(scene)->ice) == PAW_ICE_CONTROLLING ? PAW_STUN_HAS_CONTROLLING
                                                                         : PAW_STUN_HAS_CONTROLLED;
}

static void conflict_unsigned(struct scene *scene, unsigned ms) {
  (void)ms;
  throw_request(scene, paw_rtc_get_ufrag(victim_rtc(scene)), conflicting_role(scene), false);
}

static void conflict_wrongly_signed(struct scene *scene, unsigned ms) {
  (void)ms;
  throw_request(scene, paw_rtc_get_ufrag(victim_rtc(scene)), conflicting_role(scene), true);
}

/* The victim's peer's, and one of nobody. */
static void other_ufrag(struct scene *scene, unsigned ms) {
  const struct paw_rtc *rtc = scene->pair->peers[1 - scene->victim].rtc;
  throw_request(scene, ms % 2 == 0 ? paw_rtc_get_ufrag(rtc) : "nobody00", PAW_STUN_HAS_CONTROLLING,
                true);
}

static void throw_response(struct scene *scene, const struct kit_datagram *request, uint16_t code,
                           bool integrity) {
  uint8_t data[200];
  struct paw_stun_message message = {
      .class = code == 0 ? PAW_STUN_SUCCESS : PAW_STUN_ERROR,
      .method = PAW_STUN_METHOD_BINDING,
      .has = (code == 0 ? PAW_STUN_HAS_XOR_MAPPED : PAW_STUN_HAS_ERROR) | PAW_STUN_HAS_FINGERPRINT |
             (integrity ? PAW_STUN_HAS_INTEGRITY : 0),
      .xor_mapped = scene->other,
      .error_code = code,
  };
  memcpy(message.id, request->data + 8, sizeof message.id);
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  assert_int_equal(
      paw_stun_write(&wr, &message, KIT_HMAC_KEY((const uint8_t *)wrong, strlen(wrong))), PAW_OK);
  throw(scene, data, wr.len);
}

/* As if he had guessed the 96 bits of a transaction id. */
static void guess(struct scene *scene, const struct kit_datagram *request) {
  static const uint16_t codes[] = {0, 487, 403, 401};
  for (size_t i = 0; i < 4; i++) {
    throw_response(scene, request, codes[i], false);
    throw_response(scene, request, codes[i], true);
  }
}

static void answer_all(struct scene *scene, unsigned ms) {
  (void)ms;
  scene->answer = guess;
}

/* ---- an attack and what comes of it ---- */

struct attack {
  const char *name;
  attack_function *function;
  bool from_other;
  size_t counter;
  unsigned ms;
};

static void expect_same(const struct scene *scene, const struct paw_rtc_stats *before,
                        const struct paw_rtc_stats *after) {
  assert_int_equal(after->ice_state, PAW_ICE_STATE_CONNECTED);
  assert_int_equal(after->dtls_state, PAW_DTLS_STATE_CONNECTED);
  assert_true(paw_address_equal(&after->local, &before->local));
  assert_true(paw_address_equal(&after->remote, &scene->peer));
  assert_int_equal(after->packets_lost, 0);
  assert_int_equal(scene->pair->foreign, 0);
  assert_int_equal(scene->pair->peers[scene->victim].seen.closed_ns, 0);
  assert_int_equal(scene->pair->peers[scene->victim].seen.events[PAW_RTC_EVENT_DEGRADED], 0);
}

static void run_attack(const struct attack *attack, size_t victim) {
  struct scene *scene = scene_new(victim);
  struct paw_srtp_keys keys[2];
  struct paw_rtc_stats before = kit_pair_get_stats(scene->pair, victim);
  enum paw_ice_role role = paw_ice_get_role(victim_rtc(scene)->ice);
  assert_int_equal(paw_dtls_get_keys(victim_rtc(scene)->dtls, &keys[0]), PAW_OK);
  scene->from = attack->from_other ? scene->other : scene->peer;
  for (unsigned ms = 0; ms < attack->ms; ms++) {
    attack->function(scene, ms);
    kit_pair_run_ms(scene->pair, 1);
  }
  scene->answer = NULL;
  kit_pair_run_ms(scene->pair, 20);
  struct paw_rtc_stats after = kit_pair_get_stats(scene->pair, victim);
  assert_int_equal(paw_dtls_get_keys(victim_rtc(scene)->dtls, &keys[1]), PAW_OK);
  assert_memory_equal(&keys[0], &keys[1], sizeof keys[0]);
  expect_same(scene, &before, &after);
  assert_int_equal(paw_ice_get_role(victim_rtc(scene)->ice), role);
  assert_in_range(after.packets_received - before.packets_received, (attack->ms + 20) / 10 - 1,
                  (attack->ms + 20) / 10 + 1);
  struct tally was = take_tally(&before);
  struct tally is = take_tally(&after);
  assert_true(scene->sent >= 8);
  for (size_t i = 0; i < COUNTERS; i++) {
    uint64_t expected = i == attack->counter ? scene->sent : 0;
    if (is.counts[i] - was.counts[i] != expected) {
      fail_msg("%s: counter %d rose by %llu instead of %llu", attack->name, (int)i,
               (unsigned long long)(is.counts[i] - was.counts[i]), (unsigned long long)expected);
    }
  }
  kit_pair_free(scene->pair);
}

static void run_attacks(const struct attack *attacks, size_t count) {
  for (size_t i = 0; i < count; i++) {
    run_attack(&attacks[i], 0);
    run_attack(&attacks[i], 1);
  }
}

static void handshake_of_strangers(void **state) {
  (void)state;
  static const struct attack attacks[] = {
      {"alert", alert, false, PAW_DROP_DTLS, 500},
      {"alert, other address", alert, true, PAW_DROP_UNKNOWN_PATH, 500},
      {"ClientHello", client_hello, false, PAW_DROP_DTLS, 500},
      {"ClientHello, other address", client_hello, true, PAW_DROP_UNKNOWN_PATH, 500},
  };
  run_attacks(attacks, sizeof attacks / sizeof attacks[0]);
}

/* A check that is sent again is as good as at first (RFC 8445 has nothing against it): it is
 * answered, to the address that it had, and nothing else comes of it. */
static void replays(void **state) {
  (void)state;
  static const struct attack attacks[] = {
      {"media again", replay_media, false, PAW_DROP_SRTP_REPLAY, 500},
      {"RTCP again", replay_rtcp, false, PAW_DROP_SRTCP_REPLAY, 500},
      {"handshake again", replay_handshake, false, PAW_DROP_DTLS, 500},
      {"handshake again, other address", replay_handshake, true, PAW_DROP_UNKNOWN_PATH, 500},
      {"checks again", replay_checks, false, NOTHING, 100},
      {"answers again", replay_answers, false, UNMATCHED, 500},
      {"answers again, other address", replay_answers, true, UNMATCHED, 500},
  };
  run_attacks(attacks, sizeof attacks / sizeof attacks[0]);
}

static void forged_requests(void **state) {
  (void)state;
  static const struct attack attacks[] = {
      {"role conflict, unsigned", conflict_unsigned, false, INTEGRITY, 500},
      {"role conflict, wrongly signed", conflict_wrongly_signed, false, INTEGRITY, 500},
      {"role conflict, other address", conflict_wrongly_signed, true, INTEGRITY, 500},
      {"another's ufrag", other_ufrag, false, USERNAME, 500},
      {"another's ufrag, other address", other_ufrag, true, USERNAME, 500},
  };
  run_attacks(attacks, sizeof attacks / sizeof attacks[0]);
}

static void forged_answers(void **state) {
  (void)state;
  static const struct attack attacks[] = {
      {"answers", answer_all, false, INTEGRITY, 12000},
  };
  run_attacks(attacks, sizeof attacks / sizeof attacks[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(handshake_of_strangers),
      cmocka_unit_test(replays),
      cmocka_unit_test(forged_requests),
      cmocka_unit_test(forged_answers),
  };
  return cmocka_run_group_tests_name("off_path", tests, NULL, NULL);
}
