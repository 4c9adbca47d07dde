/* SPDX-License-Identifier: MIT */
/* The hub's tables: they grow from their first size, and no further than was asked for. */
#include "../rtc/fixture.h"

#include <pawebrtc/hub.h>

#include "base/limits.h"
#include "kit/alloc.h"
#include "kit/crowd.h"

static void peers_of_the_config(void **state) {
  (void)state;
  struct paw_hub_config config;
  struct paw_hub *hub = NULL;
  paw_hub_config_init(&config);
  config.max_peers = PAW_HUB_PEERS_MAX + 1;
  assert_int_equal(paw_hub_new(&config, KIT_CLOCK_ORIGIN_NS, &hub), PAW_ERR_INVALID);
  config.max_peers = 0;
  assert_int_equal(paw_hub_new(&config, KIT_CLOCK_ORIGIN_NS, &hub), PAW_ERR_INVALID);
  assert_null(hub);
  config.max_peers = PAW_HUB_PEERS_MAX;
  assert_int_equal(paw_hub_new(&config, KIT_CLOCK_ORIGIN_NS, &hub), PAW_OK);
  paw_hub_free(hub);
}

/* Many that come and go without end take the memory of those that are there at once. */
static void peers_come_and_go(void **state) {
  (void)state;
  struct kit_allocator memory = {0};
  struct paw_hub_config config;
  struct paw_hub *hub = NULL;
  paw_hub_config_init(&config);
  config.allocator = kit_allocator_hook(&memory);
  config.max_peers = 33; /* the tables double from 16: one more than twice */
  assert_int_equal(paw_hub_new(&config, KIT_CLOCK_ORIGIN_NS, &hub), PAW_OK);
  struct paw_rtc_config rtc_config = fixture_config();
  paw_hub_peer peers[33];
  size_t most = 0;
  for (size_t i = 0; i < 33 * 4; i++) {
    struct paw_rtc *rtc = fixture_rtc(&rtc_config, "192.0.2.1:5000");
    if (i >= 33) {
      paw_hub_peer refused = 0;
      assert_int_equal(paw_hub_add(hub, rtc, &refused), PAW_ERR_LIMIT);
      paw_hub_remove(hub, peers[i % 33]);
      assert_int_equal(memory.outstanding_bytes, most);
    }
    assert_int_equal(paw_hub_add(hub, rtc, &peers[i % 33]), PAW_OK);
    most = i < 33 ? memory.outstanding_bytes : most;
    assert_int_equal(memory.outstanding_bytes, most);
  }
  assert_int_equal(paw_hub_get_peer_count(hub), 33);
  paw_hub_free(hub);
  assert_int_equal(memory.outstanding_bytes, 0);
}

/* One frame for more peers than a batch has room for: no more than a batch at a time, and no
 * datagram is lost. */
static void datagrams_of_a_batch(void **state) {
  (void)state;
  enum { MEMBERS = PAW_HUB_BATCH_MAX + 1 };
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 5, MEMBERS);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 2000));
  kit_crowd_run_ms(crowd, 1000);
  static const uint8_t data[60] = {0x78};
  struct paw_audio_frame frame = {.data = data, .len = sizeof data, .duration_rtp = 480};
  assert_int_equal(paw_hub_track_send(crowd->hub, crowd->track, crowd->clock.now_ns, &frame),
                   PAW_OK);
  struct paw_transmit out[2 * PAW_HUB_BATCH_MAX];
  size_t count = 0;
  size_t packets = 0;
  size_t batches = 0;
  do {
    paw_hub_poll_transmits(crowd->hub, out, 2 * PAW_HUB_BATCH_MAX, &count);
    assert_true(batches > 0 || count == PAW_HUB_BATCH_MAX);
    assert_true(count <= PAW_HUB_BATCH_MAX);
    for (size_t i = 0; i < count; i++) {
      assert_true(i == 0 || out[i].data >= out[i - 1].data + out[i - 1].len); /* all at once */
      packets += out[i].data[0] == 0x90 && (out[i].data[1] & 0x7f) == 111;    /* not RTCP */
    }
    batches++;
  } while (count > 0);
  assert_int_equal(packets, MEMBERS);
  kit_crowd_free(crowd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(peers_of_the_config),
      cmocka_unit_test(peers_come_and_go),
      cmocka_unit_test(datagrams_of_a_batch),
  };
  return cmocka_run_group_tests_name("hub_limits", tests, fixture_setup, fixture_teardown);
}
