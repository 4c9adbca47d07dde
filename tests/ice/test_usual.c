/* SPDX-License-Identifier: MIT */
/* Data as usual: when it is, and that it does to be told of it late. */
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

/* Is this the usual pair of that side? */
static bool is_pair(int which, const struct paw_address *local, const struct paw_address *remote) {
  const struct paw_address *its_local;
  const struct paw_address *its_remote;
  return paw_ice_get_usual_pair(duo.sides[which].ice, &its_local, &its_remote) &&
         paw_address_equal(its_local, local) && paw_address_equal(its_remote, remote);
}

static bool is_usual(void) {
  return is_pair(0, &here, &there);
}

/* Data came at that time, of which the agent is told now, before it is asked for more. */
static void hear(int which, uint64_t heard_ns) {
  paw_ice_note_usual(duo.sides[which].ice, heard_ns);
  duo_sync(&duo, which);
  duo_drain(&duo, which);
}

static void test_the_pair_in_use_of_a_connected_agent(void **state) {
  (void)state;
  struct paw_address stranger = duo_address("192.0.2.2:40001");
  assert_false(is_usual());
  connect_sides();
  assert_true(is_usual());
  assert_false(is_pair(0, &here, &stranger));
  assert_false(is_pair(0, &stranger, &there));
  assert_true(is_pair(1, &there, &here));
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

/* It is life, and puts checks off, as paw_ice_note_authenticated does, though the agent is told
 * only every two seconds. */
static void test_keeps_alive(void **state) {
  (void)state;
  connect_sides();
  hear(0, duo.clock.now_ns);
  kit_net_configure(duo.net, &(struct kit_link_config){.loss = 1});
  for (int i = 0; i < 10; i++) {
    duo_run_ms(&duo, 2000);
    assert_true(is_usual());
    hear(0, duo.clock.now_ns - 20 * PAW_NS_PER_MS);
  }
  assert_int_equal(duo.sides[0].disconnected_ns, 0);
}

/* A lone datagram leaves the path to rest for seconds; one more soon after it, told late, does not.
 */
static void test_a_flow_that_begins_is_watched(void **state) {
  (void)state;
  connect_sides();
  duo_run_ms(&duo, 20000);
  hear(0, duo.clock.now_ns);
  hear(0, duo.clock.now_ns + 20 * PAW_NS_PER_MS);
  assert_in_range(duo.sides[0].deadline_ns, duo.clock.now_ns,
                  duo.clock.now_ns + 600 * PAW_NS_PER_MS);
}

static void test_consent_that_ran_out_is_over(void **state) {
  (void)state;
  connect_sides();
  kit_clock_advance_ms(&duo.clock, 40000);
  assert_true(is_usual()); /* nobody has looked at the time yet */
  hear(0, duo.clock.now_ns);
  assert_int_equal(paw_ice_get_state(duo.sides[0].ice), PAW_ICE_STATE_FAILED);
}

struct late {
  int which;
  uint64_t heard_ns; /* of what the agent was not told yet; 0: nothing */
};

static void tell(struct late *late) {
  if (late->heard_ns != 0) {
    hear(late->which, late->heard_ns);
    late->heard_ns = 0;
  }
}

/* Media comes with pauses of up to 400 ms, no check gets through, and now and then something is
 * sent: what the agent is told late, within two seconds, keeps the pair usual until consent runs
 * out, which a lite agent does not need. */
static void be_told_late(uint64_t seed, void *context) {
  struct late late = {.which = *(int *)context};
  struct duo_side *side = &duo.sides[late.which];
  bool lite = late.which == 1;
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  (void)set_up(NULL);
  connect_sides();
  hear(late.which, duo.clock.now_ns);
  kit_net_configure(duo.net, &(struct kit_link_config){.loss = 1});
  uint64_t end_ns = duo.clock.now_ns + (lite ? 120 : 20) * PAW_NS_PER_S;
  uint64_t tell_ns = 0;
  while (duo.clock.now_ns < end_ns) {
    static const uint64_t pauses_ms[] = {1, 20, 20, 20, 60, 400};
    kit_clock_advance_ms(&duo.clock, pauses_ms[kit_rng_below(&rng, 6)]);
    assert_true(is_pair(late.which, lite ? &there : &here, lite ? &here : &there));
    late.heard_ns = duo.clock.now_ns;
    if (kit_rng_below(&rng, 20) == 0) {
      tell(&late);
      paw_ice_note_sent(side->ice, duo.clock.now_ns);
    }
    if (side->deadline_ns <= duo.clock.now_ns || tell_ns <= duo.clock.now_ns) {
      tell(&late);
      duo_run_ms(&duo, 0);
      tell_ns = duo.clock.now_ns + 1500 * PAW_NS_PER_MS;
    }
  }
  assert_int_equal(side->disconnected_ns, 0);
  duo_wipe(&duo);
}

static void test_a_full_agent_is_told_late(void **state) {
  (void)state;
  kit_seeds_run(be_told_late, (int[]){0}, 10);
}

static void test_a_lite_agent_is_told_late(void **state) {
  (void)state;
  kit_seeds_run(be_told_late, (int[]){1}, 10);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_the_pair_in_use_of_a_connected_agent),
      CASE(test_not_while_disconnected),
      CASE(test_not_during_a_restart),
      CASE(test_not_when_it_is_over),
      CASE(test_keeps_alive),
      CASE(test_a_flow_that_begins_is_watched),
      CASE(test_consent_that_ran_out_is_over),
      cmocka_unit_test(test_a_full_agent_is_told_late),
      cmocka_unit_test(test_a_lite_agent_is_told_late),
  };
  return cmocka_run_group_tests_name("ice_usual", tests, NULL, NULL);
}
