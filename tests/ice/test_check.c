/* SPDX-License-Identifier: MIT */
/* A full agent's own checks: what they carry, when they are sent, and answers that are not right.
 */
#include "craft.h"
#include "ice/ice.h"
#include "kit/hmac.h"

#define PEER "192.0.2.2:40000"
#define PEER_PWD "peerpeerpeerpeerpeerpe"

static struct duo duo;
static struct duo_side *const side = &duo.sides[0];
static struct paw_address peer;

/* Side 0 alone, with the candidate of a peer that the test plays. */
static void begin(enum paw_ice_role role, bool remote_lite) {
  struct duo_config config = {.seed = 5, .roles = {role}};
  duo_init(&duo, &config);
  peer = duo_address(PEER);
  duo.sides[1].address_count = 0;
  struct paw_ice_credentials remote = {.ufrag = "peer", .pwd = PEER_PWD};
  assert_int_equal(paw_ice_set_remote(side->ice, &remote, remote_lite), PAW_OK);
  struct paw_candidate candidate = {
      .type = PAW_CANDIDATE_HOST, .address = peer, .priority = 0x7effffff};
  assert_int_equal(paw_ice_add_remote_candidate(side->ice, &candidate), PAW_OK);
  duo_sync(&duo, 0);
  duo_drain(&duo, 0);
}

static void end(void) {
  duo_wipe(&duo);
}

static void answer(const struct paw_address *from, const char *pwd) {
  struct craft success = craft_success(&side->last, side->last_data, side->last_len, pwd);
  duo_feed(&duo, 0, from, success.data, success.len);
}

static void test_request(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, false);
  assert_int_equal(side->transmits, 1);
  struct paw_stun_message request = craft_read_last(side);
  assert_int_equal(request.class, PAW_STUN_REQUEST);
  assert_int_equal(request.has, PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_PRIORITY |
                                    PAW_STUN_HAS_CONTROLLING | PAW_STUN_HAS_INTEGRITY |
                                    PAW_STUN_HAS_FINGERPRINT);
  assert_true(paw_stun_check_integrity(&request,
                                       KIT_HMAC_KEY((const uint8_t *)PEER_PWD, strlen(PEER_PWD))));
  assert_true(paw_stun_check_fingerprint(&request));
  assert_int_equal(request.priority >> 24, 110); /* as peer-reflexive: RFC 8445 section 7.1.1 */
  assert_int_equal(request.username.len, 4 + 1 + 8);
  assert_memory_equal(request.username.data, "peer:", 5);
  assert_memory_equal(request.username.data + 5, paw_ice_get_credentials(side->ice)->ufrag, 8);
  assert_true(paw_address_equal(&side->last.remote, &peer));
  end();
}

/* 50 ms, doubling to 200 ms, the same transaction, until 8 s are over; then once more from the
 * start, as long as the whole may take. */
static void test_retransmissions(void **state) {
  (void)state;
  static const uint64_t after_ms[] = {50, 100, 200, 200, 200};
  begin(PAW_ICE_CONTROLLING, false);
  uint8_t id[PAW_STUN_ID_LEN];
  memcpy(id, craft_read_last(side).id, sizeof id);
  for (size_t i = 0; i < sizeof after_ms / sizeof after_ms[0]; i++) {
    duo_run_ms(&duo, after_ms[i] - 1);
    assert_int_equal(side->transmits, 1 + i);
    duo_run_ms(&duo, 1);
    assert_int_equal(side->transmits, 2 + i);
    assert_memory_equal(craft_read_last(side).id, id, sizeof id);
  }
  duo_run_ms(&duo, 7950 - 750);
  assert_int_equal(side->transmits, 1 + 2 + (7950 - 150) / 200);
  assert_memory_equal(craft_read_last(side).id, id, sizeof id);
  assert_int_equal(duo_stats(&duo, 0).retransmissions_sent, side->transmits - 1);
  duo_run_ms(&duo, 50);
  assert_memory_not_equal(craft_read_last(side).id, id, sizeof id);
  duo_run_ms(&duo, 39500 - 7950 - 50 - 1);
  assert_int_equal(side->failed_ns, 0);
  duo_run_ms(&duo, 1);
  assert_int_equal(paw_ice_get_state(side->ice), PAW_ICE_STATE_FAILED);
  uint64_t sent = side->transmits;
  duo_run_ms(&duo, 60000);
  assert_int_equal(side->transmits, sent);
  assert_true(side->deadline_ns == PAW_TIME_NEVER);
  end();
}

/* RFC 8445 section 14.2: not two new checks within Ta. */
static void test_pacing(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, false);
  for (int i = 1; i <= 9; i++) {
    struct paw_candidate candidate = {
        .type = PAW_CANDIDATE_HOST, .address = peer, .priority = 1000};
    candidate.address.port = (uint16_t)(peer.port + i);
    assert_int_equal(paw_ice_add_remote_candidate(side->ice, &candidate), PAW_OK);
  }
  duo_drain(&duo, 0);
  for (uint64_t i = 1; i < 10; i++) {
    assert_int_equal(side->transmits, i);
    duo_run_ms(&duo, 4);
    assert_int_equal(side->transmits, i);
    duo_run_ms(&duo, 1);
  }
  assert_int_equal(side->transmits, 10);
  end();
}

/* RFC 8445 section 6.1.4.2: by priority, but what the peer asked for before that, and a nomination
 * before all. */
static void test_order(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, false);
  struct paw_address others[9];
  for (uint16_t i = 0; i < 9; i++) { /* told in disorder: 5, 0, 4, 8, 3, 7, 2, 6, 1 */
    uint16_t rank = (uint16_t)((5 + 4 * i) % 9);
    struct paw_candidate candidate = {
        .type = PAW_CANDIDATE_HOST, .address = peer, .priority = 1000u - rank};
    candidate.address.port = (uint16_t)(peer.port + 1 + rank);
    others[rank] = candidate.address;
    assert_int_equal(paw_ice_add_remote_candidate(side->ice, &candidate), PAW_OK);
  }
  for (int i = 0; i < 3; i++) {
    duo_run_ms(&duo, 5);
    assert_true(paw_address_equal(&side->last.remote, &others[i]));
  }
  struct paw_stun_message request = craft_request(craft_username(side->ice, "peer"));
  request.has &= ~(uint32_t)PAW_STUN_HAS_CONTROLLING;
  request.has |= PAW_STUN_HAS_CONTROLLED;
  struct craft check = craft_seal(&request, paw_ice_get_credentials(side->ice)->pwd);
  duo_feed(&duo, 0, &others[8], check.data, check.len);
  duo_run_ms(&duo, 5);
  assert_int_equal(craft_read_last(side).class, PAW_STUN_REQUEST);
  assert_true(paw_address_equal(&side->last.remote, &others[8]));
  duo_run_ms(&duo, 5);
  assert_true(paw_address_equal(&side->last.remote, &others[3]));
  duo_run_ms(&duo, 25); /* the first is due again */
  assert_true(paw_address_equal(&side->last.remote, &peer));
  struct craft success = craft_success(&side->last, side->last_data, side->last_len, PEER_PWD);
  duo_feed(&duo, 0, &others[8], check.data, check.len);
  duo_feed(&duo, 0, &peer, success.data, success.len);
  duo_run_ms(&duo, 5);
  assert_true(paw_address_equal(&side->last.remote, &peer));
  assert_true((craft_read_last(side).has & PAW_STUN_HAS_USE_CANDIDATE) != 0);
  end();
}

/* RFC 8445 section 14.3: however many pairs there are, each is checked as often as the others. */
static void test_every_pair_has_its_turn(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, false);
  duo_add_address(&duo, 0, "192.0.2.11:8443");
  duo_add_address(&duo, 0, "192.0.2.12:8443");
  duo_add_address(&duo, 0, "192.0.2.13:8443");
  for (uint32_t i = 1; i < 20; i++) {
    struct paw_candidate candidate = {
        .type = PAW_CANDIDATE_HOST, .address = peer, .priority = 1000 - i};
    candidate.address.port = (uint16_t)(peer.port + i);
    assert_int_equal(paw_ice_add_remote_candidate(side->ice, &candidate), PAW_OK);
  }
  duo_run_ms(&duo, 4000);
  for (int local = 0; local < 4; local++) {
    for (uint16_t i = 0; i < 20; i++) {
      struct paw_address to = peer;
      to.port = (uint16_t)(peer.port + i);
      uint64_t sent = kit_net_get_link(duo.net, &side->addresses[local], &to)->counts.sent;
      assert_in_range(sent, 9, 13); /* 80 pairs at 5 ms: a round takes 400 ms */
    }
  }
  end();
}

/* After the end an answer to what was asked before brings nothing back. */
static void test_answer_after_failure(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, false);
  duo_run_ms(&duo, 39500);
  assert_int_equal(paw_ice_get_state(side->ice), PAW_ICE_STATE_FAILED);
  answer(&peer, PEER_PWD);
  struct paw_address local;
  struct paw_address remote;
  assert_false(paw_ice_get_selected_pair(side->ice, &local, &remote));
  assert_int_equal(side->valid_events, 0);
  assert_int_equal(paw_ice_get_state(side->ice), PAW_ICE_STATE_FAILED);
  end();
}

static void test_success_learns(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLED, false);
  duo_run_ms(&duo, 3);
  struct paw_address mapped = duo_address("203.0.113.5:999");
  side->last.local = mapped; /* what the peer saw: there is a NAT between */
  answer(&peer, PEER_PWD);
  assert_int_equal(side->valid_events, 1);
  duo_assert_selected(&duo, 0, "192.0.2.1:8443", PEER);
  assert_true(paw_ice_is_valid_pair(side->ice, &side->addresses[0], &peer));
  struct paw_candidate candidates[4];
  assert_int_equal(paw_ice_get_local_candidates(side->ice, candidates, 4), 2);
  assert_int_equal(candidates[1].type, PAW_CANDIDATE_PEER_REFLEXIVE);
  assert_true(paw_address_equal(&candidates[1].address, &mapped));
  assert_true(paw_address_equal(&candidates[1].base, &side->addresses[0]));
  assert_true(paw_ice_get_rtt_ns(side->ice) == 3 * PAW_NS_PER_MS);
  end();
}

/* Where nothing can be sent from is no address of ours, whatever the peer says. */
static void test_success_learns_no_nonsense(void **state) {
  (void)state;
  const char *const nonsense[] = {"203.0.113.5", "0.0.0.0:9", "[::]:9"};
  for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
    begin(PAW_ICE_CONTROLLED, false);
    duo_run_ms(&duo, 3);
    side->last.local = duo_address(nonsense[i]);
    answer(&peer, PEER_PWD);
    assert_int_equal(side->valid_events, 1);
    struct paw_candidate candidates[4];
    assert_int_equal(paw_ice_get_local_candidates(side->ice, candidates, 4), 1);
    end();
  }
}

/* Every answer tells another address: some of them are believed, not all. */
static void test_success_learns_little(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLED, false);
  struct paw_address mapped = duo_address("203.0.113.5:999");
  for (uint16_t i = 0; i < 10; i++) {
    struct paw_candidate candidate = {
        .type = PAW_CANDIDATE_HOST, .address = peer, .priority = 1000};
    candidate.address.port = (uint16_t)(peer.port + i);
    assert_int_equal(paw_ice_add_remote_candidate(side->ice, &candidate), PAW_OK);
    duo_run_ms(&duo, 5);
    assert_true(paw_address_equal(&side->last.remote, &candidate.address));
    mapped.port++;
    side->last.local = mapped;
    answer(&candidate.address, PEER_PWD);
    assert_int_equal(side->valid_events, i + 1);
    struct paw_candidate candidates[20];
    assert_int_equal(paw_ice_get_local_candidates(side->ice, candidates, 20), i < 4 ? i + 2 : 5);
    assert_int_equal(duo_stats(&duo, 0).dropped_limit, i < 4 ? 0 : i - 3);
  }
  end();
}

/* After a retransmission nobody knows which of the two was answered. */
static void test_round_trip_time(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLED, false);
  duo_run_ms(&duo, 60);
  assert_int_equal(side->transmits, 2);
  answer(&peer, PEER_PWD);
  assert_int_equal(side->valid_events, 1);
  assert_int_equal(paw_ice_get_rtt_ns(side->ice), 0);
  end();
}

static void assert_nothing_came_of_it(void) {
  assert_int_equal(side->valid_events, 0);
  assert_int_equal(paw_ice_get_state(side->ice), PAW_ICE_STATE_CHECKING);
  assert_false(paw_ice_is_valid_pair(side->ice, &side->addresses[0], &peer));
}

static void test_answer_with_wrong_password(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, false);
  answer(&peer, "wrongwrongwrongwrongwr");
  assert_int_equal(duo_stats(&duo, 0).dropped_integrity, 1);
  assert_nothing_came_of_it();
  answer(&peer, PEER_PWD); /* the right one still counts */
  assert_int_equal(side->valid_events, 1);
  end();
}

static void test_answer_without_integrity(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, false);
  struct craft success = craft_success(&side->last, side->last_data, side->last_len, PEER_PWD);
  struct paw_stun_message open;
  assert_int_equal(paw_stun_read(success.data, success.len, &open), PAW_STUN_FAULT_NONE);
  open.has &= ~(uint32_t)PAW_STUN_HAS_INTEGRITY;
  struct craft without = craft_seal(&open, "");
  duo_feed(&duo, 0, &peer, without.data, without.len);
  assert_int_equal(duo_stats(&duo, 0).dropped_integrity, 1);
  assert_nothing_came_of_it();
  end();
}

static void test_answer_to_nothing(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, false);
  struct craft success = craft_success(&side->last, side->last_data, side->last_len, PEER_PWD);
  struct paw_stun_message other;
  assert_int_equal(paw_stun_read(success.data, success.len, &other), PAW_STUN_FAULT_NONE);
  other.id[3] ^= 1;
  success = craft_seal(&other, PEER_PWD);
  duo_feed(&duo, 0, &peer, success.data, success.len);
  assert_int_equal(duo_stats(&duo, 0).dropped_unmatched, 1);
  assert_nothing_came_of_it();
  end();
}

/* RFC 8445 section 7.2.5.2.1. */
static void test_answer_from_elsewhere(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, false);
  struct paw_address elsewhere = duo_address("192.0.2.2:40001");
  answer(&elsewhere, PEER_PWD);
  assert_int_equal(duo_stats(&duo, 0).dropped_unmatched, 1);
  assert_nothing_came_of_it();
  answer(&peer, PEER_PWD); /* too late: the pair has failed */
  assert_int_equal(duo_stats(&duo, 0).dropped_unmatched, 2);
  assert_nothing_came_of_it();
  end();
}

static void test_answer_without_address(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, false);
  struct craft success = craft_success(&side->last, side->last_data, side->last_len, PEER_PWD);
  struct paw_stun_message bare;
  assert_int_equal(paw_stun_read(success.data, success.len, &bare), PAW_STUN_FAULT_NONE);
  bare.has &= ~(uint32_t)PAW_STUN_HAS_XOR_MAPPED;
  success = craft_seal(&bare, PEER_PWD);
  duo_feed(&duo, 0, &peer, success.data, success.len);
  assert_int_equal(duo_stats(&duo, 0).dropped_malformed, 1);
  assert_nothing_came_of_it();
  end();
}

static void test_answer_with_unknown_attribute(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, false);
  struct craft success = craft_success(&side->last, side->last_data, side->last_len, PEER_PWD);
  struct paw_stun_message message;
  assert_int_equal(paw_stun_read(success.data, success.len, &message), PAW_STUN_FAULT_NONE);
  const uint8_t unknown[] = {0x7f, 0x01, 0, 0};
  struct craft strange = craft_seal_with(&message, unknown, sizeof unknown, PEER_PWD);
  duo_feed(&duo, 0, &peer, strange.data, strange.len);
  assert_int_equal(duo_stats(&duo, 0).dropped_malformed, 1);
  assert_nothing_came_of_it();
  end();
  begin(PAW_ICE_CONTROLLING, false);
  struct craft conflict = craft_error(side->last_data, side->last_len, 487, PEER_PWD);
  assert_int_equal(paw_stun_read(conflict.data, conflict.len, &message), PAW_STUN_FAULT_NONE);
  strange = craft_seal_with(&message, unknown, sizeof unknown, PEER_PWD);
  duo_feed(&duo, 0, &peer, strange.data, strange.len);
  assert_int_equal(duo_stats(&duo, 0).dropped_malformed, 1);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
  end();
}

static void test_answer_of_error(void **state) {
  (void)state;
  static const uint16_t codes[] = {400, 401, 420, 500};
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    begin(PAW_ICE_CONTROLLING, false);
    struct craft refusal = craft_error(side->last_data, side->last_len, codes[i], "wrong pwd");
    duo_feed(&duo, 0, &peer, refusal.data, refusal.len); /* anybody can send this */
    assert_int_equal(duo_stats(&duo, 0).dropped_integrity, 1);
    refusal = craft_error(side->last_data, side->last_len, codes[i], PEER_PWD);
    duo_feed(&duo, 0, &peer, refusal.data, refusal.len);
    assert_nothing_came_of_it();
    uint64_t sent = side->transmits;
    duo_run_ms(&duo, 2000);
    assert_int_equal(side->transmits, sent); /* the pair has failed */
    end();
  }
}

/* The peer's check on a failed pair brings it back; on one in progress it hastens it. */
static void test_triggered(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLED, false);
  struct craft refusal = craft_error(side->last_data, side->last_len, 500, PEER_PWD);
  duo_feed(&duo, 0, &peer, refusal.data, refusal.len);
  duo_run_ms(&duo, 1000);
  assert_int_equal(side->transmits, 1);
  struct craft check = craft_check(side->ice, false);
  duo_feed(&duo, 0, &peer, check.data, check.len);
  assert_int_equal(side->transmits, 3); /* the answer, and a check */
  struct paw_stun_message mine = craft_read_last(side);
  assert_int_equal(mine.class, PAW_STUN_REQUEST);
  duo_run_ms(&duo, 360); /* sent at 0, 50, 150, 350; next at 550 */
  uint64_t sent = side->transmits;
  duo_feed(&duo, 0, &peer, check.data, check.len);
  duo_run_ms(&duo, 30);
  assert_int_equal(side->transmits, sent + 2);
  assert_memory_equal(craft_read_last(side).id, mine.id, PAW_STUN_ID_LEN);
  answer(&peer, PEER_PWD);
  assert_int_equal(side->valid_events, 1);
  end();
}

/* Checks that pour in do not make checks pour out. */
static void test_trigger_is_bounded(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLED, false);
  struct craft check = craft_check(side->ice, false);
  uint64_t before = duo_stats(&duo, 0).requests_sent;
  for (int i = 0; i < 1000; i++) {
    duo_feed(&duo, 0, &peer, check.data, check.len);
    duo_run_ms(&duo, 1);
  }
  assert_in_range(duo_stats(&duo, 0).requests_sent - before, 5, 51);
  end();
}

static uint64_t sent_for_waiting_data(const struct paw_address *remote) {
  uint64_t before = duo_stats(&duo, 0).requests_sent;
  paw_ice_note_waiting(side->ice, duo.clock.now_ns, &side->addresses[0], remote);
  duo_drain(&duo, 0);
  return duo_stats(&duo, 0).requests_sent - before;
}

/* What the peer cannot be answered before our check succeeds hastens that check, but only on a pair
 * that it was heard on, and no more than its checks would. */
static void test_waiting_data_triggers(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLED, false);
  duo_run_ms(&duo, 360); /* sent at 0, 50, 150, 350; next at 550 */
  assert_int_equal(sent_for_waiting_data(&peer), 0);
  struct craft check = craft_check(side->ice, false);
  duo_feed(&duo, 0, &peer, check.data, check.len);
  duo_run_ms(&duo, 400); /* sent at 370, 420, 520, 720; next at 920 */
  assert_int_equal(sent_for_waiting_data(&peer), 1);
  assert_int_equal(sent_for_waiting_data(&peer), 0);
  uint64_t before = duo_stats(&duo, 0).requests_sent;
  for (int i = 0; i < 1000; i++) {
    (void)sent_for_waiting_data(&peer);
    duo_run_ms(&duo, 1);
  }
  assert_in_range(duo_stats(&duo, 0).requests_sent - before, 5, 51);
  answer(&peer, PEER_PWD);
  assert_int_equal(side->valid_events, 1);
  duo_run_ms(&duo, 50);
  assert_int_equal(sent_for_waiting_data(&peer), 0);
  end();
}

static void test_nominates_once(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, true);
  answer(&peer, PEER_PWD);
  duo_run_ms(&duo, 5);
  assert_int_equal(side->transmits, 2);
  assert_true((craft_read_last(side).has & PAW_STUN_HAS_USE_CANDIDATE) != 0);
  answer(&peer, PEER_PWD);
  duo_run_ms(&duo, 6100);
  assert_true(side->transmits > 2);
  assert_true((craft_read_last(side).has & PAW_STUN_HAS_USE_CANDIDATE) == 0);
  end();
}

static struct paw_address add_remote(uint16_t port, uint32_t priority) {
  struct paw_candidate candidate = {
      .type = PAW_CANDIDATE_HOST, .address = peer, .priority = priority};
  candidate.address.port = port;
  assert_int_equal(paw_ice_add_remote_candidate(side->ice, &candidate), PAW_OK);
  return candidate.address;
}

/* Checks on other pairs rest while one is nominated. When that is lost after a while, they go on;
 * the rest does not count as time without an answer. */
static void test_rested_checks_go_on(void **state) {
  (void)state;
  begin(PAW_ICE_CONTROLLING, true);
  struct paw_address silent = add_remote(2, 900);
  struct paw_address other = add_remote(3, 800);
  duo_run_ms(&duo, 10);
  assert_true(paw_address_equal(&side->last.remote, &other));
  answer(&other, PEER_PWD);
  duo_run_ms(&duo, 40);
  assert_true(paw_address_equal(&side->last.remote, &peer));
  answer(&peer, PEER_PWD);
  for (int i = 0; i < 80; i++) { /* the nomination, and then consent */
    uint64_t before = side->transmits;
    duo_run_ms(&duo, 250);
    if (side->transmits > before) {
      assert_true(paw_address_equal(&side->last.remote, &peer));
      answer(&peer, PEER_PWD);
    }
  }
  const struct kit_link *link = kit_net_get_link(duo.net, &side->addresses[0], &silent);
  uint64_t sent = link->counts.sent;
  duo_run_ms(&duo, 3000);
  assert_int_equal(link->counts.sent, sent);
  duo_note_data(&duo, 0, "192.0.2.1:8443", "192.0.2.2:3");
  duo_assert_selected(&duo, 0, "192.0.2.1:8443", "192.0.2.2:3");
  duo_run_ms(&duo, 400);
  assert_in_range(link->counts.sent, sent + 3, sent + 5);
  end();
}

static void test_random_source_fails(void **state) {
  (void)state;
  struct duo_config config = {.seed = 5};
  duo_init(&duo, &config);
  duo_negotiate(&duo);
  side->rng.failing = true;
  duo_run_ms(&duo, 500);
  assert_int_equal(duo_stats(&duo, 0).requests_sent, 0);
  assert_true(side->wake_ups <= 101); /* it tries again at its pace, no faster */
  side->rng.failing = false;
  assert_true(duo_run_connected(&duo, 1000));
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_request),
      cmocka_unit_test(test_retransmissions),
      cmocka_unit_test(test_pacing),
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_every_pair_has_its_turn),
      cmocka_unit_test(test_answer_after_failure),
      cmocka_unit_test(test_success_learns),
      cmocka_unit_test(test_success_learns_no_nonsense),
      cmocka_unit_test(test_success_learns_little),
      cmocka_unit_test(test_round_trip_time),
      cmocka_unit_test(test_answer_with_wrong_password),
      cmocka_unit_test(test_answer_without_integrity),
      cmocka_unit_test(test_answer_to_nothing),
      cmocka_unit_test(test_answer_from_elsewhere),
      cmocka_unit_test(test_answer_without_address),
      cmocka_unit_test(test_answer_with_unknown_attribute),
      cmocka_unit_test(test_answer_of_error),
      cmocka_unit_test(test_triggered),
      cmocka_unit_test(test_trigger_is_bounded),
      cmocka_unit_test(test_waiting_data_triggers),
      cmocka_unit_test(test_nominates_once),
      cmocka_unit_test(test_rested_checks_go_on),
      cmocka_unit_test(test_random_source_fails),
  };
  return cmocka_run_group_tests_name("ice_check", tests, NULL, NULL);
}
