/* SPDX-License-Identifier: MIT */
/* A hub advises its encoder by what receivers report, as they lose, recover and leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/crowd.h"

#define PEERS 5

struct advised {
  uint64_t count;
  struct paw_encoder_advice last;
};

static struct kit_crowd *begin(uint64_t seed) {
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, seed, PEERS);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  kit_crowd_talk(crowd, 480);
  return crowd;
}

static void lose(struct kit_crowd *crowd, size_t who, double loss) {
  kit_net_get_link(crowd->net, &crowd->hub_address, &crowd->members[who].peer.addresses[0])
      ->config.loss = loss;
}

static void run_ms(struct kit_crowd *crowd, uint64_t ms, struct advised *advised) {
  struct paw_hub_track *track = NULL;
  for (uint64_t i = 0; i < ms; i += 100) {
    kit_crowd_run_ms(crowd, 100);
    while (paw_hub_poll_advice(crowd->hub, &track, &advised->last)) {
      assert_ptr_equal(track, crowd->track);
      advised->count++;
    }
  }
}

static void it_comes_with_loss_and_goes_after_it(void **state) {
  (void)state;
  struct advised advised = {0};
  struct kit_crowd *crowd = begin(71);
  run_ms(crowd, 10000, &advised);
  assert_int_equal(advised.count, 0);
  lose(crowd, 3, 0.2);
  run_ms(crowd, 3000, &advised);
  assert_true(advised.last.inband_fec);
  assert_in_range(advised.last.packet_loss_percent, 10, 30);
  run_ms(crowd, 10000, &advised);
  assert_in_range(advised.last.packet_loss_percent, 20, 35);
  assert_true(advised.count < 8);
  lose(crowd, 3, 0);
  run_ms(crowd, 9000, &advised);
  assert_true(advised.last.inband_fec);
  run_ms(crowd, 26000, &advised);
  assert_false(advised.last.inband_fec);
  assert_int_equal(advised.last.packet_loss_percent, 0);
  kit_crowd_free(crowd);
}

static void it_goes_with_the_receiver(void **state) {
  (void)state;
  for (int removed = 0; removed < 2; removed++) {
    struct advised advised = {0};
    struct kit_crowd *crowd = begin(72);
    lose(crowd, 1, 0.2);
    run_ms(crowd, 5000, &advised);
    assert_true(advised.last.inband_fec);
    kit_crowd_vanish(crowd, 1); /* and the hub finds out later, or is told */
    if (removed == 1) {
      paw_hub_remove(crowd->hub, crowd->members[1].name);
      kit_crowd_drain_hub(crowd);
      crowd->members[1].name = 0;
    }
    run_ms(crowd, removed == 1 ? 11000 : 26000, &advised);
    assert_false(advised.last.inband_fec);
    kit_crowd_free(crowd);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_comes_with_loss_and_goes_after_it),
      cmocka_unit_test(it_goes_with_the_receiver),
  };
  return cmocka_run_group_tests_name("encoder_advice", tests, NULL, NULL);
}
