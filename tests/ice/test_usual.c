/* SPDX-License-Identifier: MIT */
/* Data as usual: when it is, and that the short way leaves nothing to be said that its caller is
 * not told of. */
#include "duo.h"
#include "ice/ice.h"

static struct duo duo;
static struct paw_address here, there;

static int set_up(void **state) {
  (void)state;
  struct duo_config config = {.seed = 1,
                              .modes = {PAW_ICE_FULL, PAW_ICE_LITE},
                              .roles = {PAW_ICE_CONTROLLING},
                              .link = {.delay_ns = PAW_NS_PER_MS}};
  duo_init(&duo, &config);
  here = duo_address("192.0.2.1:8443");
  there = duo_address("192.0.2.2:40000");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  duo_wipe(&duo);
  return 0;
}

static void connect_sides(void) {
  duo_negotiate(&duo);
  assert_true(duo_run_connected(&duo, 100));
  duo_run_ms(&duo, 100);
}

static bool is_usual(void) {
  return paw_ice_is_usual(duo.sides[0].ice, &here, &there);
}

/* What the caller does: it polls only when it is told to. */
static bool note_usual(int which) {
  struct duo_side *side = &duo.sides[which];
  side->fed_ns = duo.clock.now_ns;
  bool tells = paw_ice_note_usual(side->ice, duo.clock.now_ns);
  if (tells) {
    duo_drain(&duo, which);
  }
  return tells;
}

static void test_the_pair_in_use_of_a_connected_agent(void **state) {
  (void)state;
  struct paw_address stranger = duo_address("192.0.2.2:40001");
  assert_false(is_usual());
  connect_sides();
  assert_true(is_usual());
  assert_false(paw_ice_is_usual(duo.sides[0].ice, &here, &stranger));
  assert_false(paw_ice_is_usual(duo.sides[0].ice, &stranger, &there));
  assert_true(paw_ice_is_usual(duo.sides[1].ice, &there, &here));
}

/* Both before it is told and after: the news is not passed over. */
static void test_not_while_disconnected(void **state) {
  (void)state;
  connect_sides();
  kit_net_configure(duo.net, &(struct kit_link_config){.loss = 1});
  kit_clock_advance_ms(&duo.clock, 15000);
  duo_sync(&duo, 0);
  assert_false(is_usual());
  duo_drain(&duo, 0);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_DISCONNECTED);
  assert_false(is_usual());
  paw_ice_note_authenticated(duo.sides[0].ice, duo.clock.now_ns, &here, &there);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_CONNECTED);
  assert_false(is_usual()); /* that is still to be told */
  duo_drain(&duo, 0);
  assert_true(is_usual());
}

/* The path of before it has no pair. */
static void test_not_during_a_restart(void **state) {
  (void)state;
  connect_sides();
  assert_int_equal(paw_ice_restart(duo.sides[0].ice, duo.clock.now_ns), PAW_OK);
  assert_true(paw_ice_is_valid_pair(duo.sides[0].ice, &here, &there));
  assert_false(is_usual());
}

static void test_not_when_it_is_over(void **state) {
  (void)state;
  connect_sides();
  paw_ice_close(duo.sides[0].ice);
  assert_false(is_usual());
}

/* It is life, and puts checks off, as paw_ice_note_authenticated does. */
static void test_keeps_alive(void **state) {
  (void)state;
  connect_sides();
  (void)note_usual(0);
  kit_net_configure(duo.net, &(struct kit_link_config){.loss = 1});
  for (int i = 0; i < 20 * 50; i++) {
    duo_run_ms(&duo, 20);
    assert_true(is_usual());
    (void)note_usual(0);
  }
  assert_int_equal(duo.sides[0].disconnected_ns, 0);
}

static void test_a_flow_that_begins_is_told(void **state) {
  (void)state;
  connect_sides();
  duo_run_ms(&duo, 20000);
  assert_false(note_usual(0)); /* a lone one */
  duo_run_ms(&duo, 20);
  assert_true(note_usual(0));
  duo_run_ms(&duo, 20);
  assert_false(note_usual(0));
}

static void test_consent_that_ran_out_is_told(void **state) {
  (void)state;
  connect_sides();
  kit_clock_advance_ms(&duo.clock, 40000);
  assert_true(is_usual()); /* nobody has looked at the time yet */
  assert_true(note_usual(0));
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_FAILED);
}

/* The agent is polled after every packet, and has no more to say, nor sooner, than before; unless
 * it was told so. */
static void stay_at_rest(uint64_t seed, void *context) {
  const int *which = context;
  struct duo_side *side = &duo.sides[*which];
  const struct paw_address *local = *which == 0 ? &here : &there;
  const struct paw_address *remote = *which == 0 ? &there : &here;
  struct kit_rng rng;
  unsigned rests = 0;
  kit_rng_init(&rng, seed);
  (void)set_up(NULL);
  connect_sides();
  for (int i = 0; i < 5000; i++) {
    static const uint64_t pauses_ms[] = {1, 20, 20, 20, 500, 2300, 2500, 7000};
    if (kit_rng_below(&rng, 8) == 0) {
      paw_ice_note_sent(side->ice, duo.clock.now_ns);
      duo_sync(&duo, *which);
    }
    duo_run_ms(&duo, pauses_ms[kit_rng_below(&rng, 8)]);
    if (paw_ice_is_usual(side->ice, local, remote) && !note_usual(*which)) {
      struct paw_ice_output output;
      paw_ice_poll_output(side->ice, &output);
      assert_int_equal(output.kind, PAW_OUTPUT_TIMEOUT);
      assert_true(output.timeout.deadline_ns >= side->deadline_ns);
      rests++;
    }
  }
  assert_true(rests > 1000);
  duo_wipe(&duo);
}

static void test_a_full_agent_stays_at_rest(void **state) {
  (void)state;
  kit_seeds_run(stay_at_rest, (int[]){0}, 10);
}

static void test_a_lite_agent_stays_at_rest(void **state) {
  (void)state;
  kit_seeds_run(stay_at_rest, (int[]){1}, 10);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_the_pair_in_use_of_a_connected_agent),
      CASE(test_not_while_disconnected),
      CASE(test_not_during_a_restart),
      CASE(test_not_when_it_is_over),
      CASE(test_keeps_alive),
      CASE(test_a_flow_that_begins_is_told),
      CASE(test_consent_that_ran_out_is_told),
      cmocka_unit_test(test_a_full_agent_stays_at_rest),
      cmocka_unit_test(test_a_lite_agent_stays_at_rest),
  };
  return cmocka_run_group_tests_name("ice_usual", tests, NULL, NULL);
}
