/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kit/alloc.h"
#include "kit/clock.h"
#include "kit/net.h"

#define MS PAW_NS_PER_MS

static struct paw_address address_a;
static struct paw_address address_b;
static struct paw_address address_outside;

static int make_addresses(void **state) {
  (void)state;
  return paw_address_parse("192.0.2.1:1000", &address_a) ||
         paw_address_parse("192.0.2.2:2000", &address_b) ||
         paw_address_parse("198.51.100.7:3000", &address_outside);
}

/* Send the number `value` from a to b. */
static void send_number(struct kit_net *net, uint32_t value, uint64_t now_ns) {
  uint8_t data[100] = {0};
  memcpy(data, &value, sizeof value);
  kit_net_send(net, &address_a, &address_b, data, sizeof data, now_ns);
}

static uint32_t number_of(const struct kit_datagram *datagram) {
  uint32_t value = 0;
  assert_int_equal(datagram->len, 100);
  memcpy(&value, datagram->data, sizeof value);
  return value;
}

/* Send `count` numbers, 1 ms apart from time 0. */
static void send_numbers(struct kit_net *net, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    send_number(net, i, i * MS);
    struct kit_datagram datagram;
    while (kit_net_deliver(net, 0, &datagram)) {
      fail();
    }
  }
}

static void delivers_after_the_delay(void **state) {
  (void)state;
  struct kit_net *net = kit_net_new(1, &(struct kit_link_config){.delay_ns = 5 * MS});
  struct kit_datagram datagram;
  assert_int_equal(kit_net_next_ns(net), PAW_TIME_NEVER);
  send_number(net, 77, 100 * MS);
  assert_int_equal(kit_net_next_ns(net), 105 * MS);
  assert_false(kit_net_deliver(net, 105 * MS - 1, &datagram));
  assert_true(kit_net_deliver(net, 105 * MS, &datagram));
  assert_int_equal(number_of(&datagram), 77);
  assert_int_equal(datagram.arrival_ns, 105 * MS);
  assert_true(paw_address_equal(&datagram.from, &address_a));
  assert_true(paw_address_equal(&datagram.to, &address_b));
  assert_false(kit_net_deliver(net, 1000 * MS, &datagram));
  kit_net_free(net);
}

/* Count what arrives; fail when it is out of order. */
static uint32_t receive_in_order(struct kit_net *net) {
  struct kit_datagram datagram;
  uint32_t count = 0;
  uint32_t last = 0;
  uint64_t last_ns = 0;
  while (kit_net_deliver(net, PAW_TIME_NEVER - 1, &datagram)) {
    assert_true(count == 0 || number_of(&datagram) > last);
    assert_true(datagram.arrival_ns >= last_ns);
    last = number_of(&datagram);
    last_ns = datagram.arrival_ns;
    count++;
  }
  return count;
}

static void jitter_keeps_the_order(void **state) {
  (void)state;
  struct kit_net *net =
      kit_net_new(2, &(struct kit_link_config){.delay_ns = 50 * MS, .jitter_ns = 40 * MS});
  for (uint32_t i = 0; i < 1000; i++) {
    send_number(net, i, i * MS);
  }
  assert_int_equal(receive_in_order(net), 1000);
  kit_net_free(net);
}

static void loses_its_share(void **state) {
  (void)state;
  struct kit_net *net =
      kit_net_new(3, &(struct kit_link_config){.delay_ns = 5000 * MS, .loss = 0.2});
  send_numbers(net, 4000);
  uint32_t got = receive_in_order(net);
  assert_in_range(got, 3100, 3300);
  struct kit_link_counts counts = kit_net_sum(net);
  assert_int_equal(counts.sent, 4000);
  assert_int_equal(counts.sent_bytes, 400000);
  assert_int_equal(counts.delivered, got);
  assert_int_equal(counts.lost, 4000 - got);
  kit_net_free(net);
}

/* Bad for 30 ms every 300 ms on average: a tenth is lost, in runs of about 30. */
static void gilbert_elliott_loses_in_bursts(void **state) {
  (void)state;
  struct kit_net *net = kit_net_new(
      4,
      &(struct kit_link_config){.mean_good_ns = 270 * MS, .mean_bad_ns = 30 * MS, .loss_bad = 1});
  struct kit_datagram datagram;
  uint32_t lost = 0;
  uint32_t bursts = 0;
  bool in_burst = false;
  for (uint32_t i = 0; i < 100000; i++) {
    send_number(net, i, i * MS);
    bool arrived = kit_net_deliver(net, i * MS, &datagram);
    lost += !arrived;
    bursts += !arrived && !in_burst;
    in_burst = !arrived;
  }
  assert_in_range(lost, 7500, 12500);
  assert_in_range(lost / bursts, 25, 36);
  kit_net_free(net);
}

static void duplicates_its_share(void **state) {
  (void)state;
  struct kit_net *net =
      kit_net_new(5, &(struct kit_link_config){.delay_ns = 2000 * MS, .duplicate = 0.25});
  send_numbers(net, 1000);
  struct kit_link_counts counts = kit_net_sum(net);
  assert_in_range(counts.duplicated, 200, 300);
  struct kit_datagram datagram;
  uint64_t seen[1000] = {0};
  uint64_t total = 0;
  while (kit_net_deliver(net, 100000 * MS, &datagram)) {
    seen[number_of(&datagram)]++;
    total++;
  }
  assert_int_equal(total, 1000 + counts.duplicated);
  for (size_t i = 0; i < 1000; i++) {
    assert_in_range(seen[i], 1, 2);
  }
  kit_net_free(net);
}

static void reorders_its_share(void **state) {
  (void)state;
  struct kit_net *net =
      kit_net_new(6, &(struct kit_link_config){
                         .delay_ns = 2000 * MS, .reorder = 0.1, .reorder_ns = 5 * MS + MS / 2});
  send_numbers(net, 1000);
  struct kit_datagram datagram;
  uint32_t highest = 0;
  uint32_t late = 0;
  uint32_t count = 0;
  while (kit_net_deliver(net, 100000 * MS, &datagram)) {
    uint32_t number = number_of(&datagram);
    late += number < highest;
    highest = number > highest ? number : highest;
    count++;
  }
  assert_int_equal(count, 1000);
  assert_in_range(kit_net_sum(net).reordered, 70, 130);
  assert_in_range(late, 60, 130);
  kit_net_free(net);
}

/* 100 bytes each ms are 800 kbit/s: twice what the link carries; the queue holds ten. */
static void rate_queues_and_drops(void **state) {
  (void)state;
  struct kit_net *net =
      kit_net_new(7, &(struct kit_link_config){.rate_bps = 400000, .queue_bytes = 1000});
  struct kit_datagram datagram;
  uint32_t got = 0;
  uint64_t longest_ns = 0;
  for (uint32_t i = 0; i < 1000; i++) {
    send_number(net, i, i * MS);
    while (kit_net_deliver(net, i * MS, &datagram)) {
      uint64_t took_ns = datagram.arrival_ns - number_of(&datagram) * MS;
      longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
      got++;
    }
  }
  assert_in_range(got, 480, 500);
  assert_in_range(longest_ns, 19 * MS, 23 * MS);
  assert_in_range(kit_net_sum(net).lost_queue, 480, 510);
  kit_net_free(net);
}

static void outage_loses_or_holds(void **state) {
  (void)state;
  struct kit_link_config config = {.delay_ns = 2 * MS,
                                   .outage_from_ns = 100 * MS,
                                   .outage_until_ns = 150 * MS,
                                   .outage_period_ns = 500 * MS};
  struct kit_net *net = kit_net_new(8, &config);
  for (uint32_t i = 0; i < 1000; i++) {
    send_number(net, i, i * MS);
  }
  assert_int_equal(receive_in_order(net), 900);
  assert_int_equal(kit_net_sum(net).lost_outage, 100);
  kit_net_free(net);

  config.outage_holds = true;
  net = kit_net_new(8, &config);
  struct kit_datagram datagram;
  send_number(net, 1, 620 * MS);
  assert_false(kit_net_deliver(net, 652 * MS - 1, &datagram));
  assert_true(kit_net_deliver(net, 652 * MS, &datagram));
  kit_net_free(net);
}

static void send_back(struct kit_net *net, const struct paw_address *to, uint64_t now_ns) {
  kit_net_send(net, &address_b, to, (const uint8_t *)"x", 1, now_ns);
}

static void rebinding_changes_the_address(void **state) {
  (void)state;
  struct kit_net *net = kit_net_new(9, &(struct kit_link_config){0});
  struct paw_address other = address_outside;
  other.port++;
  struct kit_datagram datagram;

  kit_net_rebind(net, &address_a, &address_outside);
  send_number(net, 1, 0);
  assert_true(kit_net_deliver(net, 0, &datagram));
  assert_true(paw_address_equal(&datagram.from, &address_outside));
  send_back(net, &address_outside, 0);
  assert_true(kit_net_deliver(net, 0, &datagram));
  assert_true(paw_address_equal(&datagram.to, &address_a));
  send_back(net, &address_a, 0);
  assert_false(kit_net_deliver(net, 0, &datagram));

  kit_net_rebind(net, &address_a, &other);
  send_number(net, 2, 0);
  assert_true(kit_net_deliver(net, 0, &datagram));
  assert_true(paw_address_equal(&datagram.from, &other));
  send_back(net, &address_outside, 0);
  assert_false(kit_net_deliver(net, 0, &datagram));
  send_back(net, &other, 0);
  assert_true(kit_net_deliver(net, 0, &datagram));
  assert_int_equal(kit_net_get_counts(net).no_route, 2);
  kit_net_free(net);
}

static bool lose_odd(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  (void)now_ns;
  uint32_t *looked_at = user_data;
  (*looked_at)++;
  return number_of(datagram) % 2 == 0;
}

static void filter_decides(void **state) {
  (void)state;
  struct kit_net *net = kit_net_new(10, &(struct kit_link_config){0});
  uint32_t looked_at = 0;
  kit_net_set_filter(net, lose_odd, &looked_at);
  for (uint32_t i = 0; i < 10; i++) {
    send_number(net, i, i * MS);
  }
  assert_int_equal(receive_in_order(net), 5);
  assert_int_equal(looked_at, 10);
  assert_int_equal(kit_net_get_counts(net).filtered, 5);
  kit_net_free(net);
}

static void directions_are_apart(void **state) {
  (void)state;
  struct kit_net *net = kit_net_new(11, &(struct kit_link_config){0});
  kit_net_get_link(net, &address_a, &address_b)->config.loss = 1;
  struct kit_datagram datagram;
  send_number(net, 1, 0);
  assert_false(kit_net_deliver(net, 0, &datagram));
  send_back(net, &address_a, 0);
  assert_true(kit_net_deliver(net, 0, &datagram));
  kit_net_configure(net, &(struct kit_link_config){0});
  send_number(net, 1, 0);
  assert_true(kit_net_deliver(net, 0, &datagram));
  kit_net_free(net);
}

static uint64_t fingerprint_of_a_run(uint64_t seed) {
  struct kit_net *net = kit_net_new(seed, &(struct kit_link_config){.delay_ns = 2000 * MS,
                                                                    .jitter_ns = 10 * MS,
                                                                    .loss = 0.1,
                                                                    .duplicate = 0.1,
                                                                    .reorder = 0.1,
                                                                    .reorder_ns = 3 * MS});
  send_numbers(net, 500);
  struct kit_datagram datagram;
  uint64_t hash = 0;
  while (kit_net_deliver(net, 100000 * MS, &datagram)) {
    hash = hash * UINT64_C(6364136223846793005) + number_of(&datagram) + datagram.arrival_ns;
  }
  kit_net_free(net);
  return hash;
}

static void seed_repeats_a_run(void **state) {
  (void)state;
  assert_int_equal(fingerprint_of_a_run(5), fingerprint_of_a_run(5));
  assert_int_not_equal(fingerprint_of_a_run(5), fingerprint_of_a_run(6));
}

static void full_network_loses(void **state) {
  (void)state;
  struct kit_net *net = kit_net_new(12, &(struct kit_link_config){.delay_ns = 10000 * MS});
  send_numbers(net, KIT_NET_IN_FLIGHT_MAX + 10);
  assert_int_equal(receive_in_order(net), KIT_NET_IN_FLIGHT_MAX);
  assert_int_equal(kit_net_sum(net).lost_queue, 10);
  kit_net_free(net);
}

static void allocates_nothing_on_the_way(void **state) {
  (void)state;
  struct kit_net *net = kit_net_new(13, &(struct kit_link_config){.duplicate = 0.5});
  struct kit_datagram datagram;
  kit_malloc_start();
  for (uint32_t i = 0; i < 10000; i++) {
    send_number(net, i, i * MS);
    while (kit_net_deliver(net, i * MS, &datagram)) {
      assert_int_equal(number_of(&datagram), i);
    }
  }
  assert_int_equal(kit_malloc_stop().allocations, 0);
  kit_net_free(net);
}

static void clock_moves_forward_only(void **state) {
  (void)state;
  struct kit_clock clock;
  kit_clock_init(&clock);
  uint64_t begin_ns = clock.now_ns;
  kit_clock_advance_ms(&clock, 5);
  kit_clock_advance_ns(&clock, 7);
  assert_int_equal(clock.now_ns, begin_ns + 5 * MS + 7);
  kit_clock_advance_to(&clock, begin_ns);
  assert_int_equal(clock.now_ns, begin_ns + 5 * MS + 7);
  kit_clock_advance_to(&clock, begin_ns + 9 * MS + 9);
  assert_int_equal(kit_clock_elapsed_ms(&clock, begin_ns), 9);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(delivers_after_the_delay),
      cmocka_unit_test(jitter_keeps_the_order),
      cmocka_unit_test(loses_its_share),
      cmocka_unit_test(gilbert_elliott_loses_in_bursts),
      cmocka_unit_test(duplicates_its_share),
      cmocka_unit_test(reorders_its_share),
      cmocka_unit_test(rate_queues_and_drops),
      cmocka_unit_test(outage_loses_or_holds),
      cmocka_unit_test(rebinding_changes_the_address),
      cmocka_unit_test(filter_decides),
      cmocka_unit_test(directions_are_apart),
      cmocka_unit_test(seed_repeats_a_run),
      cmocka_unit_test(full_network_loses),
      cmocka_unit_test(allocates_nothing_on_the_way),
      cmocka_unit_test(clock_moves_forward_only),
  };
  return cmocka_run_group_tests_name("kit_net", tests, make_addresses, NULL);
}
