/* SPDX-License-Identifier: MIT */
/* Our ICE agent and libnice's on loopback, each on its own socket: connecting in every pairing of
 * roles, data both ways, consent, role conflicts, restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ice_socket.h"
#include "nice_peer.h"
#include "stun/stun.h"

#define CONNECT_BUDGET_MS 3000
#define DATA_BUDGET_MS 1000
/* Longer than the longest time between two checks of consent (RFC 7675 section 5.1: 6 s) and than
 * CONSENT_TIMEOUT_NS, so that staying connected takes an answered check. */
#define KEPT_MS 8500
#define CONSENT_TIMEOUT_NS (7 * PAW_NS_PER_S)
#define DATA_PERIOD_MS 20

struct pairing {
  const char *name;
  enum paw_ice_mode mode;
  enum paw_ice_role role;
  bool nice_controls;
  bool aggressive;  /* libnice nominates at once */
  bool hide_nices;  /* its candidate is not told to ours */
  bool hide_ours;   /* nor ours to libnice */
  const char *host; /* NULL: 127.0.0.1 */
};

struct couple {
  GMainContext *context;
  struct ice_socket ours;
  struct nice_peer nice;
  const struct pairing *pairing;
};

typedef bool condition(struct couple *couple);

/* The time it took in ms, or fails. */
static uint64_t wait_until(struct couple *couple, condition *holds, uint64_t budget_ms,
                           const char *what) {
  uint64_t begin_ns = ice_socket_now_ns();
  while (!holds(couple)) {
    ice_socket_step(&couple->ours);
    if (ice_socket_now_ns() - begin_ns > budget_ms * PAW_NS_PER_MS) {
      fail_msg("%s: not %s after %llu ms (ours %s)", couple->pairing->name, what,
               (unsigned long long)budget_ms,
               paw_ice_state_text(paw_ice_get_state(couple->ours.ice)));
    }
  }
  return (ice_socket_now_ns() - begin_ns) / PAW_NS_PER_MS;
}

static bool has_gathered(struct couple *couple) {
  return couple->nice.gathered;
}

/* Both are through, on the same pair. */
static bool is_connected(struct couple *couple) {
  struct paw_address local;
  struct paw_address remote;
  return paw_ice_get_state(couple->ours.ice) == PAW_ICE_STATE_CONNECTED &&
         paw_ice_get_selected_pair(couple->ours.ice, &local, &remote) &&
         nice_peer_is_ready(&couple->nice) && nice_peer_uses(&couple->nice, &local, &remote);
}

/* ---- set-up ---- */

static void exchange(struct couple *couple) {
  struct paw_ice_credentials credentials;
  struct paw_candidate candidate;
  struct paw_candidate own;
  nice_peer_get_credentials(&couple->nice, &credentials);
  assert_int_equal(paw_ice_set_remote(couple->ours.ice, &credentials, false), PAW_OK);
  nice_peer_set_credentials(&couple->nice, paw_ice_get_credentials(couple->ours.ice));
  assert_true(nice_peer_get_candidate(&couple->nice, &candidate));
  if (!couple->pairing->hide_nices) {
    assert_int_equal(paw_ice_add_remote_candidate(couple->ours.ice, &candidate), PAW_OK);
  }
  assert_int_equal(paw_ice_get_local_candidates(couple->ours.ice, &own, 1), 1);
  if (!couple->pairing->hide_ours) {
    nice_peer_add_candidate(&couple->nice, &own);
  }
}

static void open_couple(struct couple *couple, const struct pairing *pairing) {
  const char *host = pairing->host == NULL ? "127.0.0.1" : pairing->host;
  struct paw_ice_config config;
  unsigned options = NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_CONSENT_FRESHNESS |
                     (pairing->aggressive ? 0 : NICE_AGENT_OPTION_REGULAR_NOMINATION);
  paw_ice_config_init(&config);
  config.mode = pairing->mode;
  config.role = pairing->role;
  config.consent_timeout_ns = CONSENT_TIMEOUT_NS;
  couple->pairing = pairing;
  couple->context = g_main_context_new();
  ice_socket_open(&couple->ours, couple->context, host, &config);
  nice_peer_open(&couple->nice, couple->context, host, pairing->nice_controls,
                 (NiceAgentOption)options);
  (void)wait_until(couple, has_gathered, CONNECT_BUDGET_MS, "gathered");
}

static void close_couple(struct couple *couple) {
  ice_socket_close(&couple->ours);
  nice_peer_close(&couple->nice);
  g_main_context_unref(couple->context);
}

/* ---- data ---- */

static bool has_swapped_data(struct couple *couple) {
  return couple->ours.received > 0 && couple->nice.received > 0;
}

static void swap_data(struct couple *couple) {
  couple->ours.received = 0;
  couple->nice.received = 0;
  nice_peer_send(&couple->nice, "\x80 from libnice");
  ice_socket_send(&couple->ours, "\x80 from ours");
  (void)wait_until(couple, has_swapped_data, DATA_BUDGET_MS, "exchanging data");
  assert_string_equal(couple->ours.last, "\x80 from libnice");
  assert_string_equal(couple->nice.last, "\x80 from ours");
  assert_int_equal(couple->ours.strays, 0);
}

/* Data both ways, all of it arriving, for `ms`. Data is no consent here: it is not authenticated.
 */
static void keep_talking(struct couple *couple, uint64_t ms) {
  uint64_t begin_ns = ice_socket_now_ns();
  size_t sent = 0;
  couple->ours.received = 0;
  couple->nice.received = 0;
  while (ice_socket_now_ns() - begin_ns < ms * PAW_NS_PER_MS) {
    if (ice_socket_now_ns() - begin_ns >= sent * DATA_PERIOD_MS * PAW_NS_PER_MS) {
      nice_peer_send(&couple->nice, "\x80 from libnice");
      ice_socket_send(&couple->ours, "\x80 from ours");
      sent++;
    }
    ice_socket_step(&couple->ours);
  }
  assert_true(sent > ms / DATA_PERIOD_MS / 2);
  assert_in_range(couple->ours.received, sent - 1, sent);
  assert_in_range(couple->nice.received, sent - 1, sent);
}

/* ---- tests ---- */

static const struct pairing pairings[] = {
    {.name = "lite", .mode = PAW_ICE_LITE, .nice_controls = true},
    {.name = "lite, aggressive", .mode = PAW_ICE_LITE, .nice_controls = true, .aggressive = true},
    {.name = "lite, unknown", .mode = PAW_ICE_LITE, .nice_controls = true, .hide_nices = true},
    {.name = "controlling", .role = PAW_ICE_CONTROLLING},
    {.name = "controlled", .nice_controls = true},
    {.name = "controlled, aggressive", .nice_controls = true, .aggressive = true},
    {.name = "controlling, it is unknown", .role = PAW_ICE_CONTROLLING, .hide_nices = true},
    {.name = "controlled, it is unknown", .nice_controls = true, .hide_nices = true},
    {.name = "controlling, ours unknown", .role = PAW_ICE_CONTROLLING, .hide_ours = true},
    {.name = "controlled, ours unknown", .nice_controls = true, .hide_ours = true},
    {.name = "controlling, IPv6", .role = PAW_ICE_CONTROLLING, .host = "::1"},
    {.name = "lite, IPv6", .mode = PAW_ICE_LITE, .nice_controls = true, .host = "::1"},
};

static void connect_couple(struct couple *couple, const struct pairing *pairing) {
  open_couple(couple, pairing);
  exchange(couple);
  uint64_t ms = wait_until(couple, is_connected, CONNECT_BUDGET_MS, "connected");
  print_message("%s: connected after %llu ms\n", pairing->name, (unsigned long long)ms);
  swap_data(couple);
}

static void every_pairing_connects(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof pairings / sizeof pairings[0]; i++) {
    struct couple couple;
    connect_couple(&couple, &pairings[i]);
    struct paw_ice_stats stats;
    paw_ice_get_stats(couple.ours.ice, &stats);
    assert_int_equal(stats.dropped_malformed, 0);
    assert_int_equal(stats.dropped_fingerprint, 0);
    assert_int_equal(stats.role_conflicts, 0);
    assert_int_equal(stats.requests_sent > 0, pairings[i].mode == PAW_ICE_FULL);
    close_couple(&couple);
  }
}

/* As the last check of libnice says: its own property tells what it was at first. */
static bool is_nice_controlling(const struct couple *couple) {
  return (couple->ours.last_request_has & PAW_STUN_HAS_CONTROLLING) != 0;
}

static bool is_one_controlling(struct couple *couple) {
  bool ours = paw_ice_get_role(couple->ours.ice) == PAW_ICE_CONTROLLING;
  return ours != is_nice_controlling(couple);
}

static void role_conflicts_are_settled(void **state) {
  (void)state;
  static const struct pairing conflicts[] = {
      {.name = "both controlling", .role = PAW_ICE_CONTROLLING, .nice_controls = true},
      {.name = "both controlled", .role = PAW_ICE_CONTROLLED, .nice_controls = false},
  };
  /* The tie-breakers are random: with several rounds either side gives way in some. */
  for (size_t i = 0; i < 8; i++) {
    struct couple couple;
    connect_couple(&couple, &conflicts[i % 2]);
    (void)wait_until(&couple, is_one_controlling, CONNECT_BUDGET_MS, "one controlling");
    close_couple(&couple);
  }
}

static void stay_connected(const struct pairing *pairing) {
  struct couple couple;
  struct paw_ice_stats before;
  struct paw_ice_stats after;
  connect_couple(&couple, pairing);
  paw_ice_get_stats(couple.ours.ice, &before);
  keep_talking(&couple, KEPT_MS);
  paw_ice_get_stats(couple.ours.ice, &after);
  assert_true(is_connected(&couple));
  assert_true(after.requests_received > before.requests_received);
  if (pairing->mode == PAW_ICE_FULL) {
    assert_true(after.responses_received > before.responses_received);
  }
  close_couple(&couple);
}

static void lite_stays_connected(void **state) {
  (void)state;
  stay_connected(&pairings[0]);
}

static void controlling_stays_connected(void **state) {
  (void)state;
  stay_connected(&pairings[3]);
}

static void controlled_stays_connected(void **state) {
  (void)state;
  stay_connected(&pairings[4]);
}

static bool is_connected_anew(struct couple *couple) {
  return couple->ours.selected_events > 0 && is_connected(couple);
}

static void restart(const struct pairing *pairing) {
  struct couple couple;
  connect_couple(&couple, pairing);
  struct paw_ice_credentials before = *paw_ice_get_credentials(couple.ours.ice);
  couple.ours.selected_events = 0;
  assert_int_equal(paw_ice_restart(couple.ours.ice, ice_socket_now_ns()), PAW_OK);
  assert_true(nice_agent_restart(couple.nice.agent));
  assert_string_not_equal(paw_ice_get_credentials(couple.ours.ice)->ufrag, before.ufrag);
  exchange(&couple);
  uint64_t ms = wait_until(&couple, is_connected_anew, CONNECT_BUDGET_MS, "connected anew");
  print_message("%s: restarted in %llu ms\n", pairing->name, (unsigned long long)ms);
  swap_data(&couple);
  close_couple(&couple);
}

static void restarts_connect_anew(void **state) {
  (void)state;
  restart(&pairings[0]);
  restart(&pairings[3]);
  restart(&pairings[4]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_pairing_connects),      cmocka_unit_test(role_conflicts_are_settled),
      cmocka_unit_test(restarts_connect_anew),       cmocka_unit_test(lite_stays_connected),
      cmocka_unit_test(controlling_stays_connected), cmocka_unit_test(controlled_stays_connected),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
