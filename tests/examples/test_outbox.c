/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "outbox.h"

#define NOW_NS PAW_NS_PER_S
#define STEP_NS OUTBOX_STEP_MAX_NS

/* A socket with room for so many; what it took, a byte each. */
struct bench {
  struct outbox outbox;
  size_t room;
  char taken[5 * OUTBOX_MAX];
  size_t taken_count;
};

static size_t take(void *user_data, const struct paw_transmit *batch, size_t count) {
  struct bench *bench = user_data;
  size_t done = 0;
  for (; done < count && bench->room > 0; done++, bench->room--) {
    bench->taken[bench->taken_count++] = (char)batch[done].data[0];
  }
  return done;
}

static int set_up(void **state) {
  static struct bench bench;
  memset(&bench, 0, sizeof bench);
  outbox_init(&bench.outbox, take, &bench);
  *state = &bench;
  return 0;
}

/* The text is gone after the call, as the library's own is. */
static void send_text(struct bench *bench, uint64_t now_ns, const char *text) {
  struct paw_transmit batch[OUTBOX_MAX] = {0};
  char lent[OUTBOX_MAX + 1] = "";
  size_t count = strlen(text);
  memcpy(lent, text, count);
  for (size_t i = 0; i < count; i++) {
    batch[i].remote.family = i % 2 == 0 ? PAW_FAMILY_IPV4 : PAW_FAMILY_IPV6;
    batch[i].data = (const uint8_t *)&lent[i];
    batch[i].len = 1;
  }
  outbox_send(&bench->outbox, now_ns, batch, count);
  memset(lent, '?', sizeof lent);
}

static void what_finds_room_is_not_kept(void **state) {
  struct bench *bench = *state;
  bench->room = 3;
  send_text(bench, NOW_NS, "abc");
  assert_true(outbox_is_free(&bench->outbox));
  assert_int_equal(outbox_next_deadline(&bench->outbox), PAW_TIME_NEVER);
  assert_string_equal(bench->taken, "abc");
  assert_int_equal(bench->outbox.held, 0);
}

static void what_finds_none_waits_and_stays_in_order(void **state) {
  struct bench *bench = *state;
  bench->room = 2;
  send_text(bench, NOW_NS, "abcdef");
  assert_false(outbox_is_free(&bench->outbox));
  assert_int_equal(outbox_get_family(&bench->outbox), PAW_FAMILY_IPV4);
  assert_int_equal(outbox_next_deadline(&bench->outbox), NOW_NS + OUTBOX_HOLD_NS);
  outbox_flush(&bench->outbox, NOW_NS + 1);
  assert_string_equal(bench->taken, "ab");
  bench->room = 1;
  outbox_flush(&bench->outbox, NOW_NS + 2);
  assert_int_equal(outbox_get_family(&bench->outbox), PAW_FAMILY_IPV6);
  bench->room = 9;
  outbox_flush(&bench->outbox, NOW_NS + 3);
  assert_true(outbox_is_free(&bench->outbox));
  assert_string_equal(bench->taken, "abcdef");
  assert_int_equal(bench->outbox.held, 4);
  assert_int_equal(bench->outbox.dropped, 0);
}

static void send_full(struct bench *bench, uint64_t now_ns) {
  char text[OUTBOX_MAX + 1] = "";
  memset(text, 'x', OUTBOX_MAX);
  assert_true(outbox_may_send(&bench->outbox, now_ns));
  send_text(bench, now_ns, text);
}

static void a_whole_batch_is_kept(void **state) {
  struct bench *bench = *state;
  send_full(bench, NOW_NS);
  assert_int_equal(bench->outbox.held, OUTBOX_MAX);
  bench->room = OUTBOX_MAX;
  outbox_flush(&bench->outbox, NOW_NS);
  assert_int_equal(bench->taken_count, OUTBOX_MAX);
  assert_int_equal(strspn(bench->taken, "x"), OUTBOX_MAX);
}

static void a_burst_goes_out_step_by_step(void **state) {
  struct bench *bench = *state;
  bench->room = sizeof bench->taken;
  outbox_begin_burst(&bench->outbox, NOW_NS, 4 * OUTBOX_MAX, 5 * STEP_NS);
  send_full(bench, NOW_NS);
  assert_true(outbox_is_free(&bench->outbox));
  assert_false(outbox_may_send(&bench->outbox, NOW_NS + STEP_NS - 1));
  assert_int_equal(outbox_next_deadline(&bench->outbox), NOW_NS + STEP_NS);
  send_full(bench, NOW_NS + STEP_NS);
  assert_false(outbox_may_send(&bench->outbox, NOW_NS + 2 * STEP_NS - 1));
  send_text(bench, NOW_NS + 2 * STEP_NS, "last"); /* the burst is over */
  assert_true(outbox_may_send(&bench->outbox, NOW_NS + 2 * STEP_NS));
  assert_int_equal(outbox_next_deadline(&bench->outbox), PAW_TIME_NEVER);
}

static void the_pace_is_as_slow_as_it_may_be(void **state) {
  struct outbox *outbox = &((struct bench *)*state)->outbox;
  const uint64_t within_ns = 10 * OUTBOX_STEP_MAX_NS;
  outbox_begin_burst(outbox, NOW_NS, 1000, within_ns);
  assert_in_range(outbox->step_ns, OUTBOX_STEP_MAX_NS / 2, within_ns * OUTBOX_MAX / 1000);
  outbox_begin_burst(outbox, NOW_NS, 10 * OUTBOX_MAX - 1, within_ns);
  assert_int_equal(outbox->step_ns, OUTBOX_STEP_MAX_NS);
  outbox_begin_burst(outbox, NOW_NS, 0, within_ns);
  assert_int_equal(outbox->step_ns, OUTBOX_STEP_MAX_NS);
}

/* The clock counts, not when it was seen to: what was late does not put off what follows. */
static void a_burst_that_is_late_does_not_wait(void **state) {
  struct bench *bench = *state;
  bench->room = sizeof bench->taken;
  outbox_begin_burst(&bench->outbox, NOW_NS, 4 * OUTBOX_MAX, 5 * STEP_NS);
  send_full(bench, NOW_NS);
  send_full(bench, NOW_NS + 5 * STEP_NS / 2);
  send_full(bench, NOW_NS + 5 * STEP_NS / 2);
  assert_int_equal(outbox_next_deadline(&bench->outbox), NOW_NS + 3 * STEP_NS);
}

/* As when many were asked for once more. */
static void a_burst_longer_than_its_time_does_not_wait_beyond_it(void **state) {
  struct bench *bench = *state;
  const uint64_t end_ns = NOW_NS + 3 * STEP_NS / 2;
  bench->room = sizeof bench->taken;
  outbox_begin_burst(&bench->outbox, NOW_NS, OUTBOX_MAX - 1, 3 * STEP_NS / 2);
  send_full(bench, NOW_NS);
  send_full(bench, NOW_NS + STEP_NS);
  assert_int_equal(outbox_next_deadline(&bench->outbox), end_ns);
  send_full(bench, end_ns);
  send_full(bench, end_ns);
  send_text(bench, end_ns, "");
  assert_int_equal(outbox_next_deadline(&bench->outbox), PAW_TIME_NEVER);
}

/* What is left over is not behind: it has the time of the next one too. */
static void a_burst_begins_anew_with_each_frame(void **state) {
  struct bench *bench = *state;
  const uint64_t anew_ns = NOW_NS + 20 * STEP_NS;
  bench->room = sizeof bench->taken;
  outbox_begin_burst(&bench->outbox, NOW_NS, 4 * OUTBOX_MAX, 5 * STEP_NS);
  send_full(bench, NOW_NS);
  outbox_begin_burst(&bench->outbox, anew_ns, 4 * OUTBOX_MAX, 5 * STEP_NS);
  send_full(bench, anew_ns);
  assert_int_equal(outbox_next_deadline(&bench->outbox), anew_ns + STEP_NS);
}

static void without_a_burst_nothing_waits(void **state) {
  struct bench *bench = *state;
  bench->room = sizeof bench->taken;
  outbox_begin_burst(&bench->outbox, NOW_NS, 4 * OUTBOX_MAX, 5 * STEP_NS);
  send_text(bench, NOW_NS, "all");
  send_full(bench, NOW_NS);
  send_full(bench, NOW_NS);
  assert_int_equal(outbox_next_deadline(&bench->outbox), PAW_TIME_NEVER);
}

/* It waits for room, and only then for its time. */
static void a_burst_without_room_waits_for_that(void **state) {
  struct bench *bench = *state;
  outbox_begin_burst(&bench->outbox, NOW_NS, 4 * OUTBOX_MAX, 5 * STEP_NS);
  send_full(bench, NOW_NS);
  assert_int_equal(outbox_next_deadline(&bench->outbox), NOW_NS + OUTBOX_HOLD_NS);
  assert_false(outbox_may_send(&bench->outbox, NOW_NS + STEP_NS));
  bench->room = OUTBOX_MAX;
  outbox_flush(&bench->outbox, NOW_NS + STEP_NS / 2);
  assert_int_equal(outbox_next_deadline(&bench->outbox), NOW_NS + STEP_NS);
  assert_true(outbox_may_send(&bench->outbox, NOW_NS + STEP_NS));
}

static void a_network_that_stands_still_is_not_waited_for(void **state) {
  struct bench *bench = *state;
  send_text(bench, NOW_NS, "abc");
  outbox_flush(&bench->outbox, NOW_NS + OUTBOX_HOLD_NS - 1);
  assert_int_equal(bench->outbox.dropped, 0);
  outbox_flush(&bench->outbox, NOW_NS + OUTBOX_HOLD_NS);
  assert_true(outbox_is_free(&bench->outbox));
  assert_int_equal(bench->outbox.dropped, 3);
  send_text(bench, NOW_NS + OUTBOX_HOLD_NS, "de"); /* that is behind too, and late with it */
  assert_int_equal(bench->outbox.dropped, 5);
  assert_true(outbox_is_free(&bench->outbox));
}

/* A network that takes a little, and never all of it, is given up as well; and anew each time. */
static void a_network_that_is_too_slow_loses_what_is_late(void **state) {
  struct bench *bench = *state;
  bench->room = 1;
  send_text(bench, NOW_NS, "abc");
  bench->room = 1;
  outbox_flush(&bench->outbox, NOW_NS + OUTBOX_HOLD_NS);
  assert_int_equal(bench->outbox.dropped, 1);
  send_text(bench, NOW_NS + OUTBOX_HOLD_NS, ""); /* no more: it is behind no longer */
  send_text(bench, NOW_NS + OUTBOX_HOLD_NS, "de");
  assert_int_equal(bench->outbox.dropped, 1);
  bench->room = 2;
  outbox_flush(&bench->outbox, NOW_NS + OUTBOX_HOLD_NS);
  assert_string_equal(bench->taken, "abde");
}

#define OUTBOX_TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
  const struct CMUnitTest tests[] = {
      OUTBOX_TEST(what_finds_room_is_not_kept),
      OUTBOX_TEST(what_finds_none_waits_and_stays_in_order),
      OUTBOX_TEST(a_whole_batch_is_kept),
      OUTBOX_TEST(a_burst_goes_out_step_by_step),
      OUTBOX_TEST(the_pace_is_as_slow_as_it_may_be),
      OUTBOX_TEST(a_burst_that_is_late_does_not_wait),
      OUTBOX_TEST(a_burst_longer_than_its_time_does_not_wait_beyond_it),
      OUTBOX_TEST(a_burst_begins_anew_with_each_frame),
      OUTBOX_TEST(without_a_burst_nothing_waits),
      OUTBOX_TEST(a_burst_without_room_waits_for_that),
      OUTBOX_TEST(a_network_that_stands_still_is_not_waited_for),
      OUTBOX_TEST(a_network_that_is_too_slow_loses_what_is_late),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
