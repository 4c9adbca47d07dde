/* SPDX-License-Identifier: MIT */
/* Two ends connect and hear each other: every pairing of ICE modes and DTLS roles, at several rates
 * of loss, within a budget of simulated time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kit/pair.h"
#include "rtc/rtc_private.h"

/* How the two ends are made; the second answers. */
struct arrangement {
  const char *name;
  enum paw_ice_mode modes[2];
  bool answerer_is_dtls_server;
};

static const struct arrangement arrangements[] = {
    {"full offers full, client", {PAW_ICE_FULL, PAW_ICE_FULL}, false},
    {"full offers full, server", {PAW_ICE_FULL, PAW_ICE_FULL}, true},
    {"lite offers full, client", {PAW_ICE_LITE, PAW_ICE_FULL}, false},
    {"lite offers full, server", {PAW_ICE_LITE, PAW_ICE_FULL}, true},
    {"full offers lite, client", {PAW_ICE_FULL, PAW_ICE_LITE}, false},
    {"full offers lite, server", {PAW_ICE_FULL, PAW_ICE_LITE}, true},
};

#define ARRANGEMENT_COUNT (sizeof arrangements / sizeof arrangements[0])

/* The offerer allows one role only: to be the client. */
static void demand_client(char *sdp, size_t size) {
  kit_sdp_replace(sdp, size, "a=setup:actpass", "a=setup:active");
}

static struct kit_pair *make(const struct arrangement *arrangement, uint64_t seed, double loss) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  config.link.loss = loss;
  config.rtc[0].ice_mode = arrangement->modes[0];
  config.rtc[1].ice_mode = arrangement->modes[1];
  config.alter_offer = arrangement->answerer_is_dtls_server ? demand_client : NULL;
  return kit_pair_new(&config);
}

/* Times to connect at one rate of loss, over all arrangements and seeds. */
#define TIMES_MAX 64

struct trial {
  double loss;
  uint64_t budget_ms; /* for each */
  size_t count;
  uint64_t times_ms[TIMES_MAX]; /* sorted */
};

static void note_time(struct trial *trial, uint64_t time_ms) {
  assert_true(trial->count < TIMES_MAX);
  size_t at = trial->count;
  trial->count++;
  for (; at > 0 && trial->times_ms[at - 1] > time_ms; at--) {
    trial->times_ms[at] = trial->times_ms[at - 1];
  }
  trial->times_ms[at] = time_ms;
}

static void connect_and_talk(uint64_t seed, void *context) {
  struct trial *trial = context;
  for (size_t i = 0; i < ARRANGEMENT_COUNT; i++) {
    struct kit_pair *pair = make(&arrangements[i], seed, trial->loss);
    kit_pair_negotiate(pair);
    const char *setup =
        arrangements[i].answerer_is_dtls_server ? "a=setup:passive" : "a=setup:active";
    assert_non_null(strstr(pair->answer, setup));
    if (!kit_pair_run_until(pair, kit_pair_both_connected, trial->budget_ms)) {
      fail_msg("%s: not connected after %u ms", arrangements[i].name, (unsigned)trial->budget_ms);
    }
    note_time(trial, kit_pair_elapsed_ms(pair));
    kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
    kit_peer_talk(&pair->peers[1], 960, pair->clock.now_ns);
    assert_true(kit_pair_run_until(pair, kit_pair_both_hear, 500));
    assert_int_equal(pair->foreign, 0);
    assert_int_equal(pair->unclaimed, 0);
    kit_pair_free(pair);
  }
}

static void connect_all(double loss, uint64_t seeds, uint64_t median_ms, uint64_t budget_ms) {
  struct trial trial = {.loss = loss, .budget_ms = budget_ms};
  kit_seeds_run(connect_and_talk, &trial, seeds);
  if (trial.count > ARRANGEMENT_COUNT) { /* a single seed (PAW_SEED) has no median */
    assert_in_range(trial.times_ms[trial.count / 2], 0, median_ms);
  }
}

/* One round trip of 4 ms for ICE and two for DTLS. */
static void without_loss(void **state) {
  (void)state;
  connect_all(0, 2, 12, 12);
}

static void at_5_percent(void **state) {
  (void)state;
  connect_all(0.05, 6, 12, 400);
}

static void at_20_percent(void **state) {
  (void)state;
  connect_all(0.2, 6, 120, 2000);
}

/* Seeds that lose one flight of DTLS again and again: what then counts is how soon it comes again.
 */
static void the_tail_is_short(void **state) {
  (void)state;
  static const uint64_t seeds[] = {642, 946};
  struct trial trial = {.loss = 0.2, .budget_ms = 2600};
  for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
    connect_and_talk(seeds[i], &trial);
  }
  assert_in_range(trial.times_ms[trial.count - 1], 1000, 2600); /* it is one of those */
}

static void at_40_percent(void **state) {
  (void)state;
  connect_all(0.4, 6, 600, 12000);
}

/* The offerer's checks are lost for 150 ms. */
static bool lose_checks_of_offerer(void *user_data, const struct kit_datagram *datagram,
                                   uint64_t now_ns) {
  const struct kit_pair *pair = user_data;
  bool is_check = datagram->data[0] == 0 && datagram->data[1] == 1;
  return !is_check || !kit_peer_owns(&pair->peers[0], &datagram->from) ||
         now_ns - pair->begin_ns >= 150 * PAW_NS_PER_MS;
}

/* The answerer has its valid pair and says ClientHello at 2, 52 and 152 ms. The offerer may not
 * answer before its own check succeeds, and so sends it again when one comes. */
static void a_client_hello_hastens_the_check(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 1);
  config.link.delay_ns = PAW_NS_PER_MS;
  struct kit_pair *pair = kit_pair_new(&config);
  kit_net_set_filter(pair->net, lose_checks_of_offerer, pair);
  kit_pair_negotiate(pair);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 160));
  kit_pair_free(pair);
}

/* What was not lost is all there. */
static void every_frame_arrives(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 1);
  struct kit_pair *pair = kit_pair_connect(&config, 100);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_peer_talk(&pair->peers[1], 960, pair->clock.now_ns);
  kit_pair_run_ms(pair, 9995);
  kit_peer_talk(&pair->peers[0], 0, 0);
  kit_peer_talk(&pair->peers[1], 0, 0);
  kit_pair_run_ms(pair, 100);
  assert_int_equal(pair->peers[1].seen.events[PAW_RTC_EVENT_AUDIO], 1000);
  assert_int_equal(pair->peers[0].seen.events[PAW_RTC_EVENT_AUDIO], 500);
  assert_int_equal(pair->foreign, 0);
  for (size_t i = 0; i < 2; i++) {
    struct paw_rtc_stats stats = kit_pair_get_stats(pair, i);
    for (size_t drop = 0; drop < PAW_DROP_COUNT; drop++) {
      assert_int_equal(stats.drops[drop], 0);
    }
    assert_int_equal(stats.packets_lost, 0);
    assert_in_range(stats.rtt_ns, 4 * PAW_NS_PER_MS, 4 * PAW_NS_PER_MS + PAW_NS_PER_MS / 10);
  }
  assert_int_equal(kit_net_sum(pair->net).lost, 0);
  kit_pair_free(pair);
}

/* The offerer's candidates are not in its description: the answerer learns its address from checks.
 */
static void forget_candidates(char *sdp, size_t size) {
  (void)size;
  char *line = strstr(sdp, "a=candidate:");
  assert_non_null(line);
  char *end = strstr(line, "\r\n");
  memmove(line, end + 2, strlen(end + 2) + 1);
}

static void without_candidates_of_one_side(void **state) {
  (void)state;
  for (int altered = 0; altered < 2; altered++) {
    struct kit_pair_config config;
    kit_pair_config_init(&config, 5);
    config.alter_offer = altered == 0 ? forget_candidates : NULL;
    config.alter_answer = altered == 1 ? forget_candidates : NULL;
    kit_pair_free(kit_pair_connect(&config, 200));
  }
}

static void two_lite_ends_refuse(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 1);
  config.rtc[0].ice_mode = PAW_ICE_LITE;
  struct kit_pair *pair = kit_pair_new(&config);
  kit_pair_negotiate(pair);
  assert_null(strstr(pair->answer, "a=ice-lite"));
  kit_pair_free(pair);
}

/* Addresses change on the way: the answerer sits behind a NAT that its candidate does not name. */
static void through_a_nat(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 7);
  struct kit_pair *pair = kit_pair_new(&config);
  struct paw_address outside;
  assert_int_equal(paw_address_parse("198.51.100.9:40000", &outside), PAW_OK);
  kit_net_rebind(pair->net, &pair->peers[1].addresses[0], &outside);
  kit_pair_negotiate(pair);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 500));
  assert_true(paw_address_equal(&pair->peers[0].seen.pair_remote, &outside));
  /* What it learns of itself that way it does not tell (RFC 8445 section 7.2.5.3.1). */
  kit_pair_run_ms(pair, 1000);
  char fragment[4096];
  size_t len = sizeof fragment;
  struct paw_candidate learnt[PAW_DESCRIPTION_CANDIDATES_MAX];
  assert_int_equal(paw_ice_get_local_candidates(pair->peers[1].rtc->ice, learnt, 20), 2);
  assert_int_equal(paw_rtc_write_ice_fragment(pair->peers[1].rtc, fragment, &len), PAW_OK);
  assert_non_null(strstr(fragment, " typ host"));
  assert_null(strstr(fragment, "prflx"));
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_loss),         cmocka_unit_test(at_5_percent),
      cmocka_unit_test(at_20_percent),        cmocka_unit_test(at_40_percent),
      cmocka_unit_test(the_tail_is_short),    cmocka_unit_test(a_client_hello_hastens_the_check),
      cmocka_unit_test(every_frame_arrives),  cmocka_unit_test(without_candidates_of_one_side),
      cmocka_unit_test(two_lite_ends_refuse), cmocka_unit_test(through_a_nat),
  };
  return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
