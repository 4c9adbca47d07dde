/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "knock.h"
#include "system.h"

struct house {
  struct loop *loop;
  struct loop_timer timer;
  struct knock knock;
  struct paw_address door;
  int listener; /* bound; it refuses until it listens */
  unsigned backs;
};

static void on_back(void *user_data, uint64_t now_ns) {
  struct house *house = user_data;
  (void)now_ns;
  house->backs++;
}

static void on_timer(void *user_data, uint64_t now_ns) {
  struct house *house = user_data;
  (void)now_ns;
  loop_stop(house->loop);
}

static int set_up(void **state) {
  static struct house house;
  struct fault fault;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  house = (struct house){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  assert_int_equal(bind(house.listener, (struct sockaddr *)&address, len), 0);
  assert_int_equal(getsockname(house.listener, (struct sockaddr *)&address, &len), 0);
  assert_int_equal(paw_address_parse("127.0.0.1", &house.door), PAW_OK);
  house.door.port = ntohs(address.sin_port);
  assert_int_equal(loop_new(&house.loop, &fault), 0);
  loop_timer_init(house.loop, &house.timer, on_timer, &house);
  knock_init(&house.knock, house.loop, on_back, &house);
  *state = &house;
  return 0;
}

static int tear_down(void **state) {
  struct house *house = *state;
  knock_wipe(&house->knock);
  loop_timer_wipe(house->loop, &house->timer);
  loop_free(house->loop);
  close(house->listener);
  return 0;
}

static void run(struct house *house, uint64_t ns) {
  struct fault fault;
  loop_timer_set(&house->timer, system_now_ns() + ns);
  assert_int_equal(loop_run(house->loop, &fault), 0);
}

static void a_way_that_comes_back_is_told_once(void **state) {
  struct house *house = *state;
  knock_start(&house->knock, &house->door);
  run(house, KNOCK_EVERY_NS / 5);
  assert_int_equal(house->knock.state, KNOCK_LOST);
  assert_int_equal(house->backs, 0);
  assert_int_equal(listen(house->listener, 8), 0);
  run(house, KNOCK_EVERY_NS * 5 / 2);
  assert_int_equal(house->backs, 1);
  assert_int_equal(house->knock.state, KNOCK_UNSURE);
}

static void a_way_that_was_never_lost_is_not_told(void **state) {
  struct house *house = *state;
  assert_int_equal(listen(house->listener, 8), 0);
  knock_start(&house->knock, &house->door);
  run(house, KNOCK_EVERY_NS * 3 / 2);
  assert_int_equal(house->backs, 0);
  assert_int_equal(house->knock.state, KNOCK_UNSURE);
  assert_int_equal(house->knock.fd, -1);
}

static void after_the_stop_nothing_is_told(void **state) {
  struct house *house = *state;
  knock_start(&house->knock, &house->door);
  run(house, KNOCK_EVERY_NS / 5);
  knock_stop(&house->knock);
  assert_int_equal(listen(house->listener, 8), 0);
  run(house, KNOCK_EVERY_NS * 3 / 2);
  assert_int_equal(house->backs, 0);
  assert_int_equal(house->knock.state, KNOCK_OFF);
}

static void without_an_address_nothing_is_tried(void **state) {
  struct house *house = *state;
  const struct paw_address none = {.family = PAW_FAMILY_NONE};
  knock_start(&house->knock, &none);
  assert_int_equal(house->knock.state, KNOCK_OFF);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_way_that_comes_back_is_told_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_way_that_was_never_lost_is_not_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(after_the_stop_nothing_is_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_an_address_nothing_is_tried, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
