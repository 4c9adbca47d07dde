/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>

#include "system.h"
#include "udp.h"

/* Two ends on loopback: datagrams there are delivered within the call that sends them. */
struct ends {
  struct udp *a;
  struct udp *b;
  struct paw_input got;
  uint8_t data[64];
  unsigned count;
};

static int set_up(void **state) {
  static struct ends ends;
  struct udp_config config = {.loopback_only = true};
  struct fault fault;
  ends = (struct ends){0};
  assert_int_equal(udp_open(&config, &ends.a, &fault), 0);
  config.loopback_only = false;
  assert_int_equal(udp_open(&config, &ends.b, &fault), 0);
  *state = &ends;
  return 0;
}

static int tear_down(void **state) {
  struct ends *ends = *state;
  udp_close(ends->a);
  udp_close(ends->b);
  return 0;
}

static void take(void *user_data, const struct paw_input *input) {
  struct ends *ends = user_data;
  ends->count++;
  ends->got = *input;
  if (input->len <= sizeof ends->data) {
    memcpy(ends->data, input->data, input->len);
  }
}

static struct paw_address address(const char *text, uint16_t port) {
  struct paw_address out;
  assert_int_equal(paw_address_parse(text, &out), PAW_OK);
  out.port = port;
  return out;
}

static void receive(struct ends *ends, struct udp *udp, enum paw_family family) {
  struct pollfd polled = {.fd = udp_get_fd(udp, family), .events = POLLIN};
  ends->count = 0;
  assert_int_equal(poll(&polled, 1, 5000), 1);
  udp_receive(udp, polled.fd, system_now_ns(), take, ends);
}

static void exchange(struct ends *ends, const char *from, const char *to, enum paw_family family) {
  uint64_t before_ns = system_now_ns();
  struct paw_transmit out = {.local = address(from, udp_get_port(ends->b)),
                             .remote = address(to, udp_get_port(ends->a)),
                             .data = (const uint8_t *)"hello",
                             .len = 5,
                             .dscp = 46};
  udp_send(ends->b, &out, 1);
  receive(ends, ends->a, family);
  assert_int_equal(ends->count, 1);
  assert_int_equal(ends->got.kind, PAW_INPUT_RECEIVE);
  assert_true(paw_address_equal(&ends->got.local, &out.remote));
  assert_true(paw_address_equal(&ends->got.remote, &out.local));
  assert_int_equal(ends->got.len, 5);
  assert_memory_equal(ends->data, "hello", 5);
  assert_true(ends->got.arrival_ns <= ends->got.now_ns);
  assert_true(ends->got.arrival_ns + PAW_NS_PER_MS >= before_ns);
}

static void addresses_are_true_both_ways(void **state) {
  struct ends *ends = *state;
  exchange(ends, "127.0.0.1", "127.0.0.1", PAW_FAMILY_IPV4);
  /* All of 127.0.0.0/8 is ours: another address of the same host, and it must be kept. */
  exchange(ends, "127.0.0.77", "127.0.0.1", PAW_FAMILY_IPV4);
}

static void the_address_that_was_asked_is_told(void **state) {
  struct ends *ends = *state;
  struct paw_transmit out = {.local = address("127.0.0.1", udp_get_port(ends->a)),
                             .remote = address("127.0.0.9", udp_get_port(ends->b)),
                             .data = (const uint8_t *)"x",
                             .len = 1};
  udp_send(ends->a, &out, 1);
  receive(ends, ends->b, PAW_FAMILY_IPV4);
  assert_true(paw_address_equal(&ends->got.local, &out.remote));
}

static void ipv6_works_where_there_is_one(void **state) {
  struct ends *ends = *state;
  if (udp_get_fd(ends->a, PAW_FAMILY_IPV6) >= 0) {
    exchange(ends, "::1", "::1", PAW_FAMILY_IPV6);
  } else {
    assert_true(udp_get_fd(ends->a, PAW_FAMILY_IPV4) >= 0);
  }
}

/* Between looking at the clock and reading, a program may be held up for long. */
static void arrival_is_not_before_sending_though_the_reader_was_held_up(void **state) {
  struct ends *ends = *state;
  struct paw_transmit out = {.remote = address("127.0.0.1", udp_get_port(ends->a)),
                             .data = (const uint8_t *)"x",
                             .len = 1};
  uint64_t looked_ns = system_now_ns() - 20 * PAW_NS_PER_MS;
  struct pollfd polled = {.fd = udp_get_fd(ends->a, PAW_FAMILY_IPV4), .events = POLLIN};
  uint64_t before_ns = system_now_ns();
  udp_send(ends->b, &out, 1);
  assert_int_equal(poll(&polled, 1, 5000), 1);
  udp_receive(ends->a, polled.fd, looked_ns, take, ends);
  assert_true(ends->got.arrival_ns + PAW_NS_PER_MS >= before_ns);
  assert_true(ends->got.arrival_ns <= ends->got.now_ns);
  assert_true(ends->got.now_ns <= system_now_ns());
}

static void batches_of_any_length_arrive_in_order(void **state) {
  struct ends *ends = *state;
  struct paw_transmit out[70];
  uint8_t bytes[70];
  for (size_t i = 0; i < 70; i++) {
    bytes[i] = (uint8_t)i;
    out[i] = (struct paw_transmit){
        .remote = address("127.0.0.1", udp_get_port(ends->a)), .data = &bytes[i], .len = 1};
  }
  udp_send(ends->b, out, 70);
  unsigned count = 0;
  for (; count < 70; count += ends->count) { /* a call takes what it has time for */
    receive(ends, ends->a, PAW_FAMILY_IPV4);
  }
  assert_int_equal(count, 70);
  assert_int_equal(ends->data[0], 69);
}

static void take_for_long(void *user_data, const struct paw_input *input) {
  uint64_t begin_ns = system_now_ns();
  take(user_data, input);
  while (system_now_ns() - begin_ns < 2 * PAW_NS_PER_MS) {
  }
}

/* As the datagrams of a crowd's handshakes do: the next audio frame waits for one of them. */
static void what_takes_long_is_taken_one_at_a_time(void **state) {
  struct ends *ends = *state;
  struct pollfd polled = {.fd = udp_get_fd(ends->a, PAW_FAMILY_IPV4), .events = POLLIN};
  struct paw_transmit out[4];
  for (size_t i = 0; i < 4; i++) {
    out[i] = (struct paw_transmit){.remote = address("127.0.0.1", udp_get_port(ends->a)),
                                   .data = (const uint8_t *)"x",
                                   .len = 1};
  }
  udp_send(ends->b, out, 4);
  for (unsigned i = 1; i <= 4; i++) {
    assert_int_equal(poll(&polled, 1, 5000), 1);
    udp_receive(ends->a, polled.fd, system_now_ns(), take_for_long, ends);
    assert_int_equal(ends->count, i);
  }
}

static void what_cannot_be_sent_is_a_loss_and_the_rest_goes_on(void **state) {
  struct ends *ends = *state;
  struct udp_stats stats;
  struct paw_transmit out[2] = {{.local = address("192.0.2.77", udp_get_port(ends->b)), .len = 1},
                                {.local = address("127.0.0.1", udp_get_port(ends->b)), .len = 1}};
  out[0].remote = out[1].remote = address("127.0.0.1", udp_get_port(ends->a));
  out[0].data = out[1].data = (const uint8_t *)"x";
  udp_send(ends->b, out, 2);
  receive(ends, ends->a, PAW_FAMILY_IPV4);
  assert_int_equal(ends->count, 1);
  udp_get_stats(ends->b, &stats);
  assert_int_equal(stats.sent, 1);
  assert_int_equal(stats.dropped_error, 1);
}

static void too_long_datagrams_are_dropped(void **state) {
  static const uint8_t big[3000];
  struct ends *ends = *state;
  struct udp_stats stats;
  struct paw_transmit out = {
      .remote = address("127.0.0.1", udp_get_port(ends->a)), .data = big, .len = sizeof big};
  udp_send(ends->b, &out, 1);
  receive(ends, ends->a, PAW_FAMILY_IPV4);
  assert_int_equal(ends->count, 0);
  udp_get_stats(ends->a, &stats);
  assert_int_equal(stats.received_truncated, 1);
}

static void a_port_in_use_is_refused_with_its_number(void **state) {
  struct ends *ends = *state;
  struct udp_config config = {.port = udp_get_port(ends->b)};
  struct udp *third = NULL;
  struct fault fault;
  assert_int_equal(udp_open(&config, &third, &fault), -1);
  assert_non_null(strstr(fault.text, "is in use: choose another with --udp-port"));
}

#define UDP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      UDP_TEST(addresses_are_true_both_ways),
      UDP_TEST(the_address_that_was_asked_is_told),
      UDP_TEST(ipv6_works_where_there_is_one),
      UDP_TEST(arrival_is_not_before_sending_though_the_reader_was_held_up),
      UDP_TEST(batches_of_any_length_arrive_in_order),
      UDP_TEST(what_takes_long_is_taken_one_at_a_time),
      UDP_TEST(what_cannot_be_sent_is_a_loss_and_the_rest_goes_on),
      UDP_TEST(too_long_datagrams_are_dropped),
      UDP_TEST(a_port_in_use_is_refused_with_its_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
