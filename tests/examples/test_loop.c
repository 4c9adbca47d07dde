/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"
#include "system.h"

/* Every test runs the loop until something stops it; a timer of 5 s is the end of a broken one. */
struct bench {
  struct loop *loop;
  struct loop_timer watchdog;
  struct loop_timer timers[3];
  char trace[32];
  size_t traced;
  uint64_t due_ns;
  int pipe[2];
  int second[2];
};

static void note(struct bench *bench, char what) {
  assert_true(bench->traced + 1 < sizeof bench->trace);
  bench->trace[bench->traced++] = what;
  bench->trace[bench->traced] = '\0';
}

static void bark(void *user_data, uint64_t now_ns) {
  struct bench *bench = user_data;
  (void)now_ns;
  note(bench, '!');
  loop_stop(bench->loop);
}

static int set_up(void **state) {
  static struct bench bench;
  struct fault fault;
  bench = (struct bench){0};
  assert_int_equal(loop_new(&bench.loop, &fault), 0);
  loop_timer_init(bench.loop, &bench.watchdog, bark, &bench);
  loop_timer_set(&bench.watchdog, system_now_ns() + 5 * PAW_NS_PER_S);
  assert_int_equal(pipe(bench.pipe), 0);
  assert_int_equal(pipe(bench.second), 0);
  *state = &bench;
  return 0;
}

static int tear_down(void **state) {
  struct bench *bench = *state;
  for (int i = 0; i < 2; i++) {
    close(bench->pipe[i]);
    close(bench->second[i]);
  }
  loop_free(bench->loop);
  return 0;
}

static void run(struct bench *bench) {
  struct fault fault;
  assert_int_equal(loop_run(bench->loop, &fault), 0);
}

/* ---- timers ---- */

static void fire_a(void *user_data, uint64_t now_ns) {
  struct bench *bench = user_data;
  assert_true(now_ns >= bench->due_ns);
  note(bench, 'a');
}

static void fire_b(void *user_data, uint64_t now_ns) {
  (void)now_ns;
  note(user_data, 'b');
}

static void fire_stop(void *user_data, uint64_t now_ns) {
  struct bench *bench = user_data;
  (void)now_ns;
  note(bench, 's');
  loop_stop(bench->loop);
}

static void timers_fire_once_in_the_order_of_their_deadlines(void **state) {
  struct bench *bench = *state;
  uint64_t now_ns = system_now_ns();
  loop_timer_init(bench->loop, &bench->timers[0], fire_stop, bench);
  loop_timer_init(bench->loop, &bench->timers[1], fire_a, bench);
  loop_timer_init(bench->loop, &bench->timers[2], fire_b, bench);
  loop_timer_set(&bench->timers[0], now_ns + 9 * PAW_NS_PER_MS);
  loop_timer_set(&bench->timers[1], now_ns + 6 * PAW_NS_PER_MS);
  loop_timer_set(&bench->timers[2], now_ns + 3 * PAW_NS_PER_MS);
  bench->due_ns = now_ns + 6 * PAW_NS_PER_MS;
  run(bench);
  assert_string_equal(bench->trace, "bas");
  assert_true(system_now_ns() >= now_ns + 9 * PAW_NS_PER_MS);
}

static void a_timer_can_be_moved_and_stopped(void **state) {
  struct bench *bench = *state;
  uint64_t now_ns = system_now_ns();
  loop_timer_init(bench->loop, &bench->timers[0], fire_stop, bench);
  loop_timer_init(bench->loop, &bench->timers[1], fire_a, bench);
  loop_timer_init(bench->loop, &bench->timers[2], fire_b, bench);
  loop_timer_set(&bench->timers[0], now_ns + 2 * PAW_NS_PER_MS);
  loop_timer_set(&bench->timers[1], now_ns + PAW_NS_PER_MS);
  loop_timer_set(&bench->timers[1], PAW_TIME_NEVER);
  loop_timer_set(&bench->timers[2], now_ns + PAW_NS_PER_MS);
  loop_timer_wipe(bench->loop, &bench->timers[2]);
  run(bench);
  assert_string_equal(bench->trace, "s");
}

static void fire_again(void *user_data, uint64_t now_ns) {
  struct bench *bench = user_data;
  note(bench, 't');
  loop_timer_set(&bench->timers[0], now_ns - 1);
  if (bench->traced > 20) {
    loop_stop(bench->loop);
  }
}

static void take_byte(void *user_data, int fd, short ready) {
  struct bench *bench = user_data;
  char byte = 0;
  assert_true((ready & POLLIN) != 0);
  assert_int_equal(read(fd, &byte, 1), 1);
  note(bench, byte);
  loop_stop(bench->loop);
}

static void an_overdue_timer_does_not_starve_descriptors(void **state) {
  struct bench *bench = *state;
  loop_timer_init(bench->loop, &bench->timers[0], fire_again, bench);
  loop_timer_set(&bench->timers[0], 0);
  assert_int_equal(loop_watch(bench->loop, bench->pipe[0], POLLIN, take_byte, bench), 0);
  assert_int_equal(write(bench->pipe[1], "x", 1), 1);
  run(bench);
  assert_string_equal(bench->trace, "x");
}

/* ---- descriptors ---- */

static void take_byte_for_long(void *user_data, int fd, short ready) {
  struct bench *bench = user_data;
  char byte = 0;
  (void)ready;
  assert_int_equal(read(fd, &byte, 1), 1);
  note(bench, byte);
  while (system_now_ns() < bench->due_ns) {
  }
}

static void a_timer_that_becomes_due_comes_before_descriptors_that_are_left(void **state) {
  struct bench *bench = *state;
  bench->due_ns = system_now_ns() + 2 * PAW_NS_PER_MS;
  loop_timer_init(bench->loop, &bench->timers[0], fire_b, bench);
  loop_timer_set(&bench->timers[0], bench->due_ns);
  assert_int_equal(loop_watch(bench->loop, bench->pipe[0], POLLIN, take_byte_for_long, bench), 0);
  assert_int_equal(loop_watch(bench->loop, bench->second[0], POLLIN, take_byte, bench), 0);
  assert_int_equal(write(bench->pipe[1], "x", 1), 1);
  assert_int_equal(write(bench->second[1], "y", 1), 1);
  run(bench);
  assert_string_equal(bench->trace, "xby");
}

static void see_pipe(void *user_data, int fd, short ready) {
  struct bench *bench = user_data;
  (void)ready;
  note(bench, fd == bench->pipe[0] ? 'p' : 'q');
}

static void descriptors_that_are_left_come_first_the_next_time(void **state) {
  struct bench *bench = *state;
  loop_timer_init(bench->loop, &bench->timers[0], fire_again, bench);
  loop_timer_set(&bench->timers[0], 0);
  assert_int_equal(loop_watch(bench->loop, bench->pipe[0], POLLIN, see_pipe, bench), 0);
  assert_int_equal(loop_watch(bench->loop, bench->second[0], POLLIN, see_pipe, bench), 0);
  assert_int_equal(write(bench->pipe[1], "x", 1), 1);
  assert_int_equal(write(bench->second[1], "y", 1), 1);
  run(bench);
  assert_int_equal(strncmp(bench->trace, "ptqtptqt", 8), 0);
}

static void unwatch_second(void *user_data, int fd, short ready) {
  struct bench *bench = user_data;
  (void)fd;
  (void)ready;
  note(bench, 'u');
  loop_unwatch(bench->loop, bench->pipe[0]);
  loop_unwatch(bench->loop, bench->second[0]);
  loop_timer_set(&bench->timers[0], 0);
}

static void a_descriptor_unwatched_in_a_callback_is_not_told_any_more(void **state) {
  struct bench *bench = *state;
  loop_timer_init(bench->loop, &bench->timers[0], fire_stop, bench);
  assert_int_equal(loop_watch(bench->loop, bench->pipe[0], POLLIN, unwatch_second, bench), 0);
  assert_int_equal(loop_watch(bench->loop, bench->second[0], POLLIN, unwatch_second, bench), 0);
  assert_int_equal(write(bench->pipe[1], "x", 1), 1);
  assert_int_equal(write(bench->second[1], "y", 1), 1);
  run(bench);
  assert_string_equal(bench->trace, "us");
}

static void regular_files_are_always_ready(void **state) {
  struct bench *bench = *state;
  FILE *file = tmpfile();
  assert_non_null(file);
  assert_int_equal(write(fileno(file), "f", 1), 1);
  assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
  assert_int_equal(loop_watch(bench->loop, fileno(file), POLLIN, take_byte, bench), 0);
  run(bench);
  assert_string_equal(bench->trace, "f");
  loop_unwatch(bench->loop, fileno(file));
  assert_int_equal(fclose(file), 0);
}

static void watches_are_bounded(void **state) {
  struct bench *bench = *state;
  for (int i = 0; i < LOOP_WATCHES_MAX; i++) {
    assert_int_equal(loop_watch(bench->loop, 1000 + i, 0, take_byte, bench), 0);
  }
  assert_int_equal(loop_watch(bench->loop, 2000, 0, take_byte, bench), -1);
  assert_int_equal(loop_watch(bench->loop, 1000, POLLIN, take_byte, bench), 0);
}

/* ---- the rest ---- */

static void on_idle(void *user_data, uint64_t now_ns) {
  struct bench *bench = user_data;
  note(bench, 'i');
  if (bench->traced == 1) {
    loop_timer_set(&bench->timers[0], now_ns);
  }
}

static void the_idle_hook_runs_before_each_wait(void **state) {
  struct bench *bench = *state;
  loop_timer_init(bench->loop, &bench->timers[0], fire_stop, bench);
  loop_set_idle(bench->loop, on_idle, bench);
  run(bench);
  assert_string_equal(bench->trace, "is");
}

static void on_signal(void *user_data, int signal_number) {
  struct bench *bench = user_data;
  note(bench, signal_number == SIGTERM ? 'T' : '?');
  loop_stop(bench->loop);
}

static void a_signal_is_an_event(void **state) {
  struct bench *bench = *state;
  struct fault fault;
  assert_int_equal(loop_catch_signals(bench->loop, on_signal, bench, &fault), 0);
  assert_int_equal(raise(SIGTERM), 0);
  run(bench);
  assert_string_equal(bench->trace, "T");
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      LOOP_TEST(timers_fire_once_in_the_order_of_their_deadlines),
      LOOP_TEST(a_timer_can_be_moved_and_stopped),
      LOOP_TEST(an_overdue_timer_does_not_starve_descriptors),
      LOOP_TEST(a_timer_that_becomes_due_comes_before_descriptors_that_are_left),
      LOOP_TEST(descriptors_that_are_left_come_first_the_next_time),
      LOOP_TEST(a_descriptor_unwatched_in_a_callback_is_not_told_any_more),
      LOOP_TEST(regular_files_are_always_ready),
      LOOP_TEST(watches_are_bounded),
      LOOP_TEST(the_idle_hook_runs_before_each_wait),
      LOOP_TEST(a_signal_is_an_event),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
