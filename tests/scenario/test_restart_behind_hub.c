/* SPDX-License-Identifier: MIT */
/* The hub's side of a connection restarts ICE, and the peer has not heard of it yet: its checks ask
 * for the ufrag of before, and must still find the connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/crowd.h"

static void checks_for_the_old_ufrag_are_claimed(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 3, 4);
  config.peer_rtc.ice_mode = PAW_ICE_FULL;
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  kit_crowd_run_ms(crowd, 2000);
  for (size_t i = 0; i < 4; i++) {
    struct paw_rtc *rtc = paw_hub_get_rtc(crowd->hub, crowd->members[i].name);
    assert_int_equal(paw_rtc_ice_restart(rtc, crowd->clock.now_ns), PAW_OK);
  }
  kit_crowd_drain_hub(crowd);
  struct paw_hub_stats before;
  struct paw_hub_stats after;
  paw_hub_get_stats(crowd->hub, &before);
  kit_crowd_run_ms(crowd, 40000);
  paw_hub_get_stats(crowd->hub, &after);
  assert_int_equal(after.datagrams_unclaimed, before.datagrams_unclaimed);
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(crowd->members[i].peer.seen.closed_ns, 0);
    assert_int_equal(crowd->members[i].hub.closed_ns, 0);
  }
  kit_crowd_free(crowd);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(checks_for_the_old_ufrag_are_claimed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
