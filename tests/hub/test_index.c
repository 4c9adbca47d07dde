/* SPDX-License-Identifier: MIT */
/* Whose is a datagram: names in STUN requests, and the bounds of what is remembered of addresses.
 */
#include "../rtc/fixture.h"

#include <stdio.h>

#include "base/wr.h"
#include "hub/hub_private.h"

#define PEERS 40 /* more than the 16 and 32 places at first: the tables grow twice */

struct fixture {
  struct paw_hub *hub;
  paw_hub_peer peers[PEERS];
  char ufrags[PEERS][33];
};

static struct fixture fixture;

static uint32_t slot_of(paw_hub_peer peer) {
  return (uint32_t)peer - 1;
}

static void add(size_t index) {
  struct paw_rtc_config config = fixture_config();
  struct paw_rtc *rtc = fixture_rtc(&config, "192.0.2.1:5000");
  assert_int_equal(paw_hub_add(fixture.hub, rtc, &fixture.peers[index]), PAW_OK);
  snprintf(fixture.ufrags[index], sizeof fixture.ufrags[index], "%s", paw_rtc_get_ufrag(rtc));
}

static int setup(void **state) {
  (void)state;
  struct paw_hub_config config;
  paw_hub_config_init(&config);
  config.seed = 7;
  if (paw_hub_new(&config, KIT_CLOCK_ORIGIN_NS, &fixture.hub) != PAW_OK) {
    return -1;
  }
  for (size_t i = 0; i < PEERS; i++) {
    add(i);
  }
  return 0;
}

static int teardown(void **state) {
  (void)state;
  paw_hub_free(fixture.hub);
  return 0;
}

/* A binding request (RFC 8489 section 5) with this USERNAME, and whose the hub says it is. */
static uint32_t find_request(const char *username) {
  uint8_t data[128];
  size_t len = strlen(username);
  size_t padding = (4 - len % 4) % 4;
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  paw_wr_u16(&wr, 0x0001);
  paw_wr_u16(&wr, (uint16_t)(4 + len + padding));
  paw_wr_u32(&wr, 0x2112a442);
  paw_wr_zeros(&wr, 12);
  paw_wr_u16(&wr, 0x0006);
  paw_wr_u16(&wr, (uint16_t)len);
  paw_wr_bytes(&wr, (const uint8_t *)username, len);
  paw_wr_zeros(&wr, padding);
  assert_false(wr.bad);
  const struct paw_input input = {
      .kind = PAW_INPUT_RECEIVE,
      .now_ns = KIT_CLOCK_ORIGIN_NS,
      .local = fixture_address("192.0.2.1:5000"),
      .remote = fixture_address("198.51.100.7:7000"),
      .data = data,
      .len = wr.len,
  };
  uint32_t slots[PAW_HUB_TRIES_MAX];
  return paw_hub_index_find(fixture.hub, &input, slots) > 0 ? slots[0] : PAW_HUB_NONE;
}

static uint32_t find_named(const char *ufrag) {
  char username[80];
  snprintf(username, sizeof username, "%s:theirs", ufrag);
  return find_request(username);
}

static void requests_go_to_whom_they_name(void **state) {
  (void)state;
  for (size_t i = 0; i < PEERS; i++) {
    assert_int_equal(find_named(fixture.ufrags[i]), slot_of(fixture.peers[i]));
  }
  char text[40];
  snprintf(text, sizeof text, "%sx", fixture.ufrags[3]);
  assert_int_equal(find_named(text), PAW_HUB_NONE);
  snprintf(text, sizeof text, "%.*s", (int)strlen(fixture.ufrags[3]) - 1, fixture.ufrags[3]);
  assert_int_equal(find_named(text), PAW_HUB_NONE);
  assert_int_equal(find_named(""), PAW_HUB_NONE);
  assert_int_equal(find_request(fixture.ufrags[3]), PAW_HUB_NONE); /* no colon, no name */
}

/* Those that were removed are not found, and who takes their places is. */
static void names_leave_with_their_peers(void **state) {
  (void)state;
  for (size_t i = 0; i < PEERS; i += 2) {
    paw_hub_remove(fixture.hub, fixture.peers[i]);
    assert_int_equal(find_named(fixture.ufrags[i]), PAW_HUB_NONE);
  }
  for (size_t i = 0; i < PEERS; i += 2) {
    add(i);
  }
  for (size_t i = 0; i < PEERS; i++) {
    assert_int_equal(find_named(fixture.ufrags[i]), slot_of(fixture.peers[i]));
  }
}

/* ---- addresses ---- */

static struct paw_address remote(unsigned number) {
  char text[32];
  snprintf(text, sizeof text, "198.51.%u.%u:7000", number / 250, number % 250 + 1);
  return fixture_address(text);
}

static void remember(uint32_t slot, unsigned number) {
  const struct paw_address local = fixture_address("192.0.2.1:5000");
  const struct paw_address address = remote(number);
  paw_hub_index_path(fixture.hub, slot, &local, &address);
}

static bool remembers(uint32_t slot, unsigned number) {
  const struct paw_address address = remote(number);
  const struct paw_hub *hub = fixture.hub;
  for (uint32_t at = hub->slots[slot].first_path; at != PAW_HUB_NONE;
       at = hub->paths[at].next_of_peer) {
    if (paw_address_equal(&hub->paths[at].remote, &address)) {
      return true;
    }
  }
  return false;
}

static uint32_t count_in_buckets(void) {
  const struct paw_hub *hub = fixture.hub;
  uint32_t count = 0;
  for (uint32_t bucket = 0; bucket < hub->bucket_count; bucket++) {
    for (uint32_t at = hub->path_buckets[bucket]; at != PAW_HUB_NONE;
         at = hub->paths[at].next_in_bucket) {
      count++;
    }
  }
  return count;
}

/* However many addresses a peer comes from: the newest, and the one that is used all the while. */
static void a_peers_addresses_are_bounded(void **state) {
  (void)state;
  uint32_t slot = slot_of(fixture.peers[5]);
  for (unsigned i = 1; i <= 5000; i++) {
    remember(slot, i);
    remember(slot, 0);
    assert_true(fixture.hub->slots[slot].path_count <= PAW_HUB_PATHS_MAX);
  }
  assert_int_equal(fixture.hub->slots[slot].path_count, PAW_HUB_PATHS_MAX);
  assert_int_equal(count_in_buckets(), PAW_HUB_PATHS_MAX);
  assert_true(fixture.hub->path_room <= 2 * 4 * 64);
  assert_true(remembers(slot, 0));
  assert_true(remembers(slot, 5000));
  assert_true(remembers(slot, 5000 - PAW_HUB_PATHS_MAX + 2));
  assert_false(remembers(slot, 5000 - PAW_HUB_PATHS_MAX + 1));
  paw_hub_remove(fixture.hub, fixture.peers[5]);
  assert_int_equal(count_in_buckets(), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(requests_go_to_whom_they_name, setup, teardown),
      cmocka_unit_test_setup_teardown(names_leave_with_their_peers, setup, teardown),
      cmocka_unit_test_setup_teardown(a_peers_addresses_are_bounded, setup, teardown),
  };
  return cmocka_run_group_tests_name("hub_index", tests, fixture_setup, fixture_teardown);
}
