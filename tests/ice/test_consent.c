/* SPDX-License-Identifier: MIT */
/* The path in use: checks on it, outages, the end of consent, clocks that jump, and how little an
 * idle connection costs. */
#include "craft.h"
#include "ice/ice.h"

#define SECONDS(n) ((n) * (uint64_t)1000)

static struct duo duo;

static void connect_sides(uint64_t seed, enum paw_ice_mode second) {
  struct duo_config config = {.seed = seed,
                              .modes = {PAW_ICE_FULL, second},
                              .roles = {PAW_ICE_CONTROLLING},
                              .link = {.delay_ns = PAW_NS_PER_MS}};
  duo_init(&duo, &config);
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 100));
  duo_run_ms(&duo, 100);
}

static void set_loss(double loss) {
  struct kit_link_config link = {.delay_ns = PAW_NS_PER_MS, .loss = loss};
  kit_net_configure(duo.net, &link);
}

static enum paw_ice_state state_of(int side) {
  return paw_ice_get_state(duo.sides[side].ice);
}

static void assert_states(enum paw_ice_state state) {
  assert_string_equal(paw_ice_state_text(state_of(0)), paw_ice_state_text(state));
  assert_string_equal(paw_ice_state_text(state_of(1)), paw_ice_state_text(state));
}

static void assert_reasons(enum paw_ice_reason reason) {
  assert_string_equal(paw_ice_reason_text(duo.sides[0].reason), paw_ice_reason_text(reason));
  assert_string_equal(paw_ice_reason_text(duo.sides[1].reason), paw_ice_reason_text(reason));
}

/* An hour without data: never DISCONNECTED, few wake-ups, few datagrams, nothing allocated; and yet
 * either side sends something every 15 s, so that NATs remember (RFC 8445 section 11). */
static void idle(enum paw_ice_mode second) {
  connect_sides(1, second);
  struct duo_side before[2] = {duo.sides[0], duo.sides[1]};
  kit_malloc_start();
  for (int i = 0; i < 3600 / 15; i++) {
    uint64_t sent[2] = {duo.sides[0].transmits, duo.sides[1].transmits};
    duo_run_ms(&duo, SECONDS(15));
    assert_true(duo.sides[0].transmits > sent[0]);
    assert_true(duo.sides[1].transmits > sent[1]);
  }
  assert_int_equal(kit_malloc_stop().allocations, 0);
  assert_states(PAW_ICE_STATE_CONNECTED);
  for (int side = 0; side < 2; side++) {
    const struct duo_side *it = &duo.sides[side];
    assert_int_equal(it->disconnected_ns, 0);
    assert_int_equal(it->selected_events, before[side].selected_events);
    assert_true(it->wake_ups - before[side].wake_ups <= 3600 / 4); /* of its own accord */
    assert_int_equal(it->memory.allocations, before[side].memory.allocations);
  }
  uint64_t sent = duo.sides[0].transmits - before[0].transmits;
  assert_in_range(sent, 3600 / 7, second == PAW_ICE_LITE ? 3600 / 4 : 3600 / 2);
  duo_wipe(&duo);
}

static void test_idle(void **state) {
  (void)state;
  idle(PAW_ICE_LITE);
  idle(PAW_ICE_FULL);
}

/* At 10 % each way an idle path does not even seem to be gone; at 40 % it does at times, but it is
 * not given up. */
static void idle_with_loss(uint64_t seed, void *context) {
  (void)context;
  connect_sides(seed, PAW_ICE_LITE);
  set_loss(0.1);
  duo_run_ms(&duo, SECONDS(300));
  assert_int_equal(duo.sides[0].disconnected_ns, 0);
  set_loss(0.4);
  duo_run_ms(&duo, SECONDS(300));
  assert_int_equal(duo.sides[0].failed_ns + duo.sides[1].failed_ns, 0);
  set_loss(0);
  duo_run_ms(&duo, SECONDS(1));
  assert_states(PAW_ICE_STATE_CONNECTED);
  duo_wipe(&duo);
}

static void test_idle_with_loss(void **state) {
  (void)state;
  kit_seeds_run(idle_with_loss, NULL, 10);
}

/* A lone report of RTCP does not make an idle path an active one. */
static void test_idle_with_reports(void **state) {
  (void)state;
  connect_sides(15, PAW_ICE_LITE);
  duo_run_ms(&duo, SECONDS(10));
  uint64_t before = duo_stats(&duo, 0).requests_sent;
  for (int i = 0; i < 120; i++) {
    duo_run_ms(&duo, 2500);
    duo_note_data(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
    duo_note_data(&duo, 1, "192.0.2.2:40000", "192.0.2.1:8443");
  }
  assert_in_range(duo_stats(&duo, 0).requests_sent - before, 300 / 6 - 1, 300 / 4);
  assert_int_equal(duo.sides[0].disconnected_ns + duo.sides[1].disconnected_ns, 0);
  duo_wipe(&duo);
}

/* Data that begins while an idle path rests, and ceases before its next check: looked at half a
 * second later all the same, on either side DISCONNECTED after 5 s. */
static void test_short_flow(void **state) {
  (void)state;
  for (uint64_t i = 0; i < 20; i++) {
    connect_sides(16 + i, PAW_ICE_LITE);
    duo_run_ms(&duo, SECONDS(20) + i * 300);
    for (int packets = 0; packets < 5; packets++) {
      duo_run_ms(&duo, 20);
      duo_note_data(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
      duo_note_data(&duo, 1, "192.0.2.2:40000", "192.0.2.1:8443");
    }
    set_loss(1);
    uint64_t before = duo_stats(&duo, 0).requests_sent;
    duo_run_ms(&duo, 520);
    assert_in_range(duo_stats(&duo, 0).requests_sent, before + 1, before + 2);
    duo_run_ms(&duo, 4600);
    assert_states(PAW_ICE_STATE_DISCONNECTED);
    duo_wipe(&duo);
  }
}

static void send_for(uint64_t ms) {
  for (uint64_t sent_ms = 0; sent_ms < ms; sent_ms += 20) {
    paw_ice_note_sent(duo.sides[0].ice, duo.clock.now_ns);
    duo_sync(&duo, 0);
    duo_run_ms(&duo, 20);
  }
}

/* An idle path is asked every 4 to 6 s only: that nothing came before sending began is no silence.
 * Once the peer was heard, DISCONNECTED means 5 s. */
static void test_sending_begins(void **state) {
  (void)state;
  for (uint64_t i = 0; i < 20; i++) {
    connect_sides(60 + i, PAW_ICE_LITE);
    duo_run_ms(&duo, SECONDS(20) + i * 300);
    send_for(SECONDS(6) + 100);
    assert_int_equal(duo.sides[0].disconnected_ns, 0);
    set_loss(1);
    send_for(5100);
    assert_int_equal(state_of(0), PAW_ICE_STATE_DISCONNECTED);
    duo_wipe(&duo);
  }
}

/* While data flows, checks come every 4 to 6 s and no more often (RFC 7675 section 5.1). */
static void test_busy(void **state) {
  (void)state;
  connect_sides(3, PAW_ICE_LITE);
  duo_run_ms(&duo, SECONDS(10));
  uint64_t before = duo_stats(&duo, 0).requests_sent;
  uint64_t last_ns = 0;
  uint64_t seen = before;
  for (int i = 0; i < 50 * 300; i++) {
    duo_run_ms(&duo, 20);
    duo_note_data(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
    uint64_t now_sent = duo_stats(&duo, 0).requests_sent;
    if (now_sent != seen) {
      uint64_t gap_ms = (duo.clock.now_ns - last_ns) / PAW_NS_PER_MS;
      assert_true(last_ns == 0 || seen == before || (gap_ms >= 3980 && gap_ms <= 6020));
      assert_int_equal(now_sent, seen + 1);
      seen = now_sent;
      last_ns = duo.clock.now_ns;
    }
  }
  assert_in_range(seen - before, 300 / 6, 300 / 4 + 1);
  duo_wipe(&duo);
}

static void run_with_data(uint64_t ms) {
  for (; ms > 0; ms -= 20) {
    duo_run_ms(&duo, 20);
    duo_note_data(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
  }
}

/* Data ceases, as when Wi-Fi goes: whenever it is, the path is looked at half a second later, then
 * twice a second. */
static void test_quiet(void **state) {
  (void)state;
  connect_sides(4, PAW_ICE_LITE);
  run_with_data(5000);
  for (uint64_t i = 0; i < 20; i++) {
    run_with_data(3000 + i * 500);
    set_loss(1);
    uint64_t before = duo_stats(&duo, 0).requests_sent;
    duo_run_ms(&duo, 520);
    assert_in_range(duo_stats(&duo, 0).requests_sent, before + 1, before + 2);
    before = duo_stats(&duo, 0).requests_sent;
    duo_run_ms(&duo, 3000);
    assert_int_equal(duo_stats(&duo, 0).requests_sent, before + 6);
    assert_int_equal(state_of(0), PAW_ICE_STATE_CONNECTED);
    set_loss(0);
  }
  set_loss(1);
  duo_run_ms(&duo, 5100);
  assert_int_equal(state_of(0), PAW_ICE_STATE_DISCONNECTED);
  duo_run_ms(&duo, 5000); /* the other side had no data: its path was idle */
  assert_states(PAW_ICE_STATE_DISCONNECTED);
  duo_wipe(&duo);
}

/* 20 s without a path, then back within 510 ms, on the same pair; sending never was forbidden. */
static void outage(enum paw_ice_mode second) {
  connect_sides(5, second);
  set_loss(1);
  duo_run_ms(&duo, SECONDS(20));
  assert_states(PAW_ICE_STATE_DISCONNECTED);
  assert_reasons(PAW_ICE_REASON_SILENCE);
  duo_assert_selected(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
  duo_assert_selected(&duo, 1, "192.0.2.2:40000", "192.0.2.1:8443");
  uint64_t selected = duo.sides[0].selected_events;
  set_loss(0);
  duo_run_ms(&duo, 510);
  assert_states(PAW_ICE_STATE_CONNECTED);
  assert_reasons(PAW_ICE_REASON_NONE);
  assert_int_equal(duo.sides[0].selected_events, selected);
  duo_wipe(&duo);
}

static void test_outage(void **state) {
  (void)state;
  outage(PAW_ICE_LITE);
  outage(PAW_ICE_FULL);
}

/* No answer for 30 s: nothing may be sent any more. */
static void expiry(enum paw_ice_mode second) {
  connect_sides(6, second);
  uint64_t since_ns = duo.clock.now_ns;
  set_loss(1);
  duo_run_ms(&duo, SECONDS(40));
  assert_states(PAW_ICE_STATE_FAILED);
  assert_reasons(PAW_ICE_REASON_CONSENT_EXPIRED);
  for (int side = 0; side < 2; side++) {
    const struct duo_side *it = &duo.sides[side];
    uint64_t failed_ms = (it->failed_ns - since_ns) / PAW_NS_PER_MS;
    uint64_t disconnected_ms = (it->disconnected_ns - since_ns) / PAW_NS_PER_MS;
    assert_in_range(failed_ms, 29000, 30000);
    assert_in_range(disconnected_ms, 4000, 10000); /* idle: asked after every 4 to 6 s only */
    struct paw_address local;
    struct paw_address remote;
    assert_false(paw_ice_get_selected_pair(it->ice, &local, &remote));
    assert_false(paw_ice_is_valid_pair(it->ice, &it->addresses[0], &it->addresses[0]));
    assert_true(it->deadline_ns == PAW_TIME_NEVER);
  }
  uint64_t sent = duo.sides[0].transmits + duo.sides[1].transmits;
  set_loss(0);
  duo_run_ms(&duo, SECONDS(60));
  assert_int_equal(duo.sides[0].transmits + duo.sides[1].transmits, sent);
  assert_states(PAW_ICE_STATE_FAILED);
  duo_wipe(&duo);
}

static void test_expiry(void **state) {
  (void)state;
  expiry(PAW_ICE_LITE);
  expiry(PAW_ICE_FULL);
}

/* Only one direction works: what comes from the peer is life, but it is no consent. */
static void test_data_is_no_consent(void **state) {
  (void)state;
  connect_sides(7, PAW_ICE_LITE);
  struct kit_link_config dead = {.loss = 1};
  kit_net_get_link(duo.net, &duo.sides[0].addresses[0], &duo.sides[1].addresses[0])->config = dead;
  for (int i = 0; i < 29 * 50; i++) {
    duo_run_ms(&duo, 20);
    duo_note_data(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
  }
  assert_int_equal(duo.sides[0].disconnected_ns, 0);
  for (int i = 0; i < 3 * 50; i++) {
    duo_run_ms(&duo, 20);
    duo_note_data(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
  }
  assert_int_equal(state_of(0), PAW_ICE_STATE_FAILED);
  duo_wipe(&duo);
}

/* The lite side: authenticated data alone keeps it, for some peers stop their checks. */
static void test_lite_lives_on_data(void **state) {
  (void)state;
  connect_sides(8, PAW_ICE_LITE);
  paw_ice_close(duo.sides[0].ice);
  duo.sides[0].deadline_ns = PAW_TIME_NEVER;
  for (int i = 0; i < 120; i++) {
    duo_run_ms(&duo, 1000);
    duo_note_data(&duo, 1, "192.0.2.2:40000", "192.0.2.1:8443");
  }
  assert_int_equal(state_of(1), PAW_ICE_STATE_CONNECTED);
  assert_int_equal(duo.sides[1].disconnected_ns, 0);
  duo_run_ms(&duo, 5000);
  assert_int_equal(state_of(1), PAW_ICE_STATE_DISCONNECTED);
  duo_run_ms(&duo, 25000);
  assert_int_equal(state_of(1), PAW_ICE_STATE_FAILED);
  duo_wipe(&duo);
}

/* A round trip of 1.2 s: several checks are on their way at a time, each answer is known. */
static void test_long_round_trip(void **state) {
  (void)state;
  connect_sides(9, PAW_ICE_LITE);
  struct kit_link_config slow = {.delay_ns = 600 * PAW_NS_PER_MS};
  kit_net_configure(duo.net, &slow);
  duo_run_ms(&duo, SECONDS(120));
  assert_states(PAW_ICE_STATE_CONNECTED);
  assert_int_equal(duo.sides[0].disconnected_ns, 0);
  assert_int_equal(duo_stats(&duo, 0).dropped_unmatched, 0);
  assert_in_range(paw_ice_get_rtt_ns(duo.sides[0].ice), 1000 * PAW_NS_PER_MS, 1250 * PAW_NS_PER_MS);
  duo_wipe(&duo);
}

/* The peer's NAT changes its port: its checks come from there, and data if there is any, and the
 * path follows. Data that does not come is missed within `gap_ms`: checks come every 4 to 6 s, and
 * the old address is given up when it has been silent for 5 s. */
static void rebind(enum paw_ice_mode second, int moves, bool data, uint64_t gap_ms) {
  connect_sides(10, second);
  if (data) {
    paw_ice_note_sent(duo.sides[moves].ice, duo.clock.now_ns);
    duo_run_ms(&duo, SECONDS(6));
  }
  struct paw_address outside = duo_address("203.0.113.50:3333");
  int stays = 1 - moves;
  const char *here = moves == 0 ? "192.0.2.2:40000" : "192.0.2.1:8443";
  kit_net_rebind(duo.net, &duo.sides[moves].addresses[0], &outside);
  for (uint64_t ms = 0; ms < gap_ms; ms += 20) {
    duo_run_ms(&duo, 20);
    if (data) {
      paw_ice_note_sent(duo.sides[moves].ice, duo.clock.now_ns);
      duo_note_data(&duo, stays, here, "203.0.113.50:3333");
    }
  }
  duo_assert_selected(&duo, stays, here, "203.0.113.50:3333");
  duo_run_ms(&duo, SECONDS(40));
  duo_assert_selected(&duo, stays, here, "203.0.113.50:3333");
  assert_states(PAW_ICE_STATE_CONNECTED);
  duo_wipe(&duo);
}

static void test_rebinding(void **state) {
  (void)state;
  rebind(PAW_ICE_LITE, 0, true, 4000);
  rebind(PAW_ICE_FULL, 0, true, 4000);
  rebind(PAW_ICE_FULL, 1, true, 4000);
  rebind(PAW_ICE_LITE, 0, false, 10500);
  rebind(PAW_ICE_FULL, 0, false, 10500);
  rebind(PAW_ICE_FULL, 1, false, 10500);
}

/* RFC 7675 section 5.2, authenticated. */
static void test_revoked(void **state) {
  (void)state;
  connect_sides(11, PAW_ICE_LITE);
  duo.sides[1].address_count = 0; /* the peer is played by hand */
  struct duo_side *side = &duo.sides[0];
  uint64_t before = side->transmits;
  duo_run_ms(&duo, SECONDS(6) + 100);
  assert_true(side->transmits > before);
  struct paw_address peer = duo_address("192.0.2.2:40000");
  struct craft forbidden = craft_error(side->last_data, side->last_len, 403, "wrong");
  duo_feed(&duo, 0, &peer, forbidden.data, forbidden.len);
  assert_int_equal(state_of(0), PAW_ICE_STATE_CONNECTED);
  const char *pwd = paw_ice_get_credentials(duo.sides[1].ice)->pwd;
  forbidden = craft_error(side->last_data, side->last_len, 403, pwd);
  duo_feed(&duo, 0, &peer, forbidden.data, forbidden.len);
  assert_int_equal(state_of(0), PAW_ICE_STATE_FAILED);
  assert_int_equal(side->reason, PAW_ICE_REASON_CONSENT_REVOKED);
  struct paw_address local;
  struct paw_address remote;
  assert_false(paw_ice_get_selected_pair(side->ice, &local, &remote));
  duo_wipe(&duo);
}

/* An answer to a consent check from another address, or a forged one, proves nothing. */
static void test_spoofed_answers(void **state) {
  (void)state;
  connect_sides(12, PAW_ICE_LITE);
  duo.sides[1].address_count = 0;
  struct duo_side *side = &duo.sides[0];
  struct paw_address peer = duo_address("192.0.2.2:40000");
  struct paw_address elsewhere = duo_address("192.0.2.2:40001");
  const char *pwd = paw_ice_get_credentials(duo.sides[1].ice)->pwd;
  for (int i = 0; i < 35; i++) {
    duo_run_ms(&duo, 1000);
    if (state_of(0) == PAW_ICE_STATE_FAILED) {
      break;
    }
    struct craft right = craft_success(&side->last, side->last_data, side->last_len, pwd);
    struct craft forged = craft_success(&side->last, side->last_data, side->last_len, "forged");
    duo_feed(&duo, 0, &elsewhere, right.data, right.len);
    duo_feed(&duo, 0, &peer, forged.data, forged.len);
  }
  assert_int_equal(state_of(0), PAW_ICE_STATE_FAILED);
  assert_true(duo_stats(&duo, 0).dropped_integrity > 20);
  assert_true(duo_stats(&duo, 0).dropped_unmatched > 20);
  duo_wipe(&duo);
}

/* RFC 8489 sections 6.3.3 and 6.3.4: an answer with an attribute that has to be understood and is
 * not counts as none, whatever it says. */
static void strange_answers(uint16_t code) {
  static const uint8_t unknown[] = {0x7f, 0x01, 0, 0};
  connect_sides(14, PAW_ICE_LITE);
  duo.sides[1].address_count = 0;
  struct duo_side *side = &duo.sides[0];
  struct paw_address peer = duo_address("192.0.2.2:40000");
  const char *pwd = paw_ice_get_credentials(duo.sides[1].ice)->pwd;
  uint64_t strange_count = 0;
  for (int i = 0; i < 140 && state_of(0) != PAW_ICE_STATE_FAILED; i++) {
    uint64_t before = side->transmits;
    duo_run_ms(&duo, 250);
    if (side->transmits == before) {
      continue;
    }
    struct craft plain = code == 0
                             ? craft_success(&side->last, side->last_data, side->last_len, pwd)
                             : craft_error(side->last_data, side->last_len, code, pwd);
    struct paw_stun_message message;
    assert_int_equal(paw_stun_read(plain.data, plain.len, &message), PAW_STUN_FAULT_NONE);
    struct craft strange = craft_seal_with(&message, unknown, sizeof unknown, pwd);
    duo_feed(&duo, 0, &peer, strange.data, strange.len);
    strange_count++;
  }
  assert_in_range(strange_count, 50, 140);
  assert_in_range(duo_stats(&duo, 0).dropped_malformed, strange_count - 1, strange_count);
  assert_int_equal(side->reason, PAW_ICE_REASON_CONSENT_EXPIRED);
  assert_int_equal(paw_ice_get_role(side->ice), PAW_ICE_CONTROLLING);
  duo_wipe(&duo);
}

static void test_strange_answers(void **state) {
  (void)state;
  strange_answers(0);
  strange_answers(403);
  strange_answers(487);
}

/* Time that goes back counts as the last; time that leaps is legal: consent is gone then, unless
 * what comes with it shows life. */
static void test_clock(void **state) {
  (void)state;
  connect_sides(13, PAW_ICE_LITE);
  struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = duo.clock.now_ns - SECONDS(1)};
  assert_int_equal(paw_ice_handle_input(duo.sides[0].ice, &input), PAW_OK);
  input.now_ns = 0;
  assert_int_equal(paw_ice_handle_input(duo.sides[0].ice, &input), PAW_OK);
  duo_run_ms(&duo, 10);
  assert_states(PAW_ICE_STATE_CONNECTED);
  kit_clock_advance_ms(&duo.clock, SECONDS(86400));
  struct craft check = craft_check(duo.sides[1].ice, true);
  duo_feed(&duo, 1, &duo.sides[0].addresses[0], check.data, check.len);
  assert_int_equal(state_of(1), PAW_ICE_STATE_CONNECTED);
  duo_sync(&duo, 0);
  duo_drain(&duo, 0);
  assert_int_equal(state_of(0), PAW_ICE_STATE_FAILED);
  input.now_ns = UINT64_MAX - 1;
  assert_int_equal(paw_ice_handle_input(duo.sides[1].ice, &input), PAW_OK);
  assert_int_equal(state_of(1), PAW_ICE_STATE_FAILED);
  duo_wipe(&duo);
}

/* Consent ran out before the data came: it is no consent, whatever it follows. */
static void test_leap_with_data(void **state) {
  (void)state;
  connect_sides(37, PAW_ICE_LITE);
  run_with_data(1000);
  kit_clock_advance_ms(&duo.clock, SECONDS(40));
  duo_note_data(&duo, 0, "192.0.2.1:8443", "192.0.2.2:40000");
  assert_int_equal(state_of(0), PAW_ICE_STATE_FAILED);
  duo_wipe(&duo);
}

static void test_connect_timeout(void **state) {
  (void)state;
  struct duo_config config = {.seed = 1, .modes = {PAW_ICE_FULL, PAW_ICE_LITE}};
  duo_init(&duo, &config);
  duo_run_ms(&duo, SECONDS(300)); /* an offer may wait long for its answer */
  assert_states(PAW_ICE_STATE_NEW);
  config.link.loss = 1;
  kit_net_configure(duo.net, &config.link);
  duo_negotiate(&duo);
  duo_run_ms(&duo, 39400);
  assert_states(PAW_ICE_STATE_CHECKING);
  duo_run_ms(&duo, 200);
  assert_int_equal(state_of(0), PAW_ICE_STATE_FAILED);
  assert_int_equal(duo.sides[0].reason, PAW_ICE_REASON_NO_PAIR);
  duo_run_ms(&duo, 40000); /* lite, and without an input: counted from its first wake-up */
  assert_states(PAW_ICE_STATE_FAILED);
  duo_wipe(&duo);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_idle),
      cmocka_unit_test(test_idle_with_loss),
      cmocka_unit_test(test_idle_with_reports),
      cmocka_unit_test(test_short_flow),
      cmocka_unit_test(test_sending_begins),
      cmocka_unit_test(test_busy),
      cmocka_unit_test(test_quiet),
      cmocka_unit_test(test_outage),
      cmocka_unit_test(test_expiry),
      cmocka_unit_test(test_data_is_no_consent),
      cmocka_unit_test(test_lite_lives_on_data),
      cmocka_unit_test(test_long_round_trip),
      cmocka_unit_test(test_rebinding),
      cmocka_unit_test(test_revoked),
      cmocka_unit_test(test_spoofed_answers),
      cmocka_unit_test(test_strange_answers),
      cmocka_unit_test(test_clock),
      cmocka_unit_test(test_leap_with_data),
      cmocka_unit_test(test_connect_timeout),
  };
  return cmocka_run_group_tests_name("ice_consent", tests, NULL, NULL);
}
