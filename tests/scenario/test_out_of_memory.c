/* SPDX-License-Identifier: MIT */
/* Every allocation in the life of two connections fails in turn: nothing crashes, nothing leaks,
 * somebody is told, and the next session is as good as any. Once through the library's own
 * allocator, and once at the level of malloc, where libsrtp2 and mbedTLS allocate too, in builds
 * where malloc can be made to fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pawebrtc/pawebrtc.h>
#include <stdio.h>
#include <string.h>

#include "frail.h"
#include "kit/alloc.h"
#include "kit/pair.h"
#include "oom.h"

/* Longer than it takes to give up: ICE 39.5 s, DTLS 30 s, consent 30 s. */
#define TO_THE_END_MS 45000

/* How lives went. */
struct tally {
  uint64_t lives;
  uint64_t refused; /* a call said that there is no memory */
  uint64_t ended;   /* a side closed and told why */
  uint64_t heard;   /* both hear each other at the end */
  uint64_t silent;  /* neither, and nobody was told */
};

/* Some want of memory within mbedTLS is told by it as another failure. Its want on one side is
 * silence on the other. */
static void check_reason(const struct frail_end *end, bool for_ever) {
  if (!frail_ended_by_itself(end)) {
    return;
  }
  bool told = end->reason == PAW_CLOSE_NO_MEMORY || end->reason == PAW_CLOSE_DTLS_FAILED ||
              end->reason == PAW_CLOSE_DTLS_ALERT || end->reason == PAW_CLOSE_PEER;
  bool waited = end->reason == PAW_CLOSE_ICE_FAILED || end->reason == PAW_CLOSE_DTLS_TIMEOUT ||
                end->reason == PAW_CLOSE_CONSENT;
  assert_true(told || (waited && for_ever));
}

static bool is_over(const struct frail_life *life) {
  return life->given_up || life->ends[0].rtc == NULL || life->ends[1].rtc == NULL ||
         frail_ended_by_itself(&life->ends[0]) || frail_ended_by_itself(&life->ends[1]);
}

/* A life from its first call to its last, as far as memory allows. */
static void live(struct frail_life *life, struct tally *tally) {
  bool heard = false;
  frail_live(life);
  if (!is_over(life)) {
    heard = frail_both_hear(life);
  }
  if (!is_over(life) && !heard) {
    frail_run_ms(life, TO_THE_END_MS);
    heard = !is_over(life) && frail_both_hear(life);
  }
  tally->lives++;
  tally->refused += life->refused > 0;
  tally->heard += heard;
  tally->ended += !heard && is_over(life);
  tally->silent += !heard && !is_over(life);
  frail_part(life);
  for (size_t i = 0; i < 2; i++) {
    check_reason(&life->ends[i], !life->again);
  }
}

static bool live_with_own_allocator(uint64_t nth, bool all_after, void *context) {
  struct kit_allocator allocator = {.fail_nth = nth, .fail_all_after = all_after};
  struct frail_life life;
  frail_init(&life, kit_allocator_hook(&allocator), !all_after);
  live(&life, context);
  frail_free_ends(&life);
  assert_int_equal(allocator.outstanding_bytes, 0);
  assert_int_equal(allocator.allocations, allocator.frees);
  frail_wipe(&life);
  return allocator.failed > 0;
}

static bool live_with_malloc(uint64_t nth, bool all_after, void *context) {
  struct frail_life life;
  frail_init(&life, (struct paw_allocator){0}, !all_after);
  kit_malloc_start();
  kit_malloc_fail(nth, all_after);
  live(&life, context);
  kit_malloc_fail(0, false);
  frail_free_ends(&life);
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_int_equal(counts.outstanding, 0);
  frail_wipe(&life);
  return counts.failed > 0;
}

static void check_tally(const char *what, const struct tally *once, const struct tally *for_ever) {
  print_message("%s: of %u lives %u were refused something, %u ended, %u were heard\n", what,
                (unsigned)once->lives, (unsigned)once->refused, (unsigned)once->ended,
                (unsigned)once->heard);
  assert_int_equal(once->silent, 0);
  assert_int_equal(for_ever->silent, 0);
  if (oom_tries_one()) {
    return;
  }
  assert_true(once->refused > 0 && once->ended > 0 && once->heard > 0);
  assert_true(for_ever->refused > 0 && for_ever->ended > 0);
}

static void expect_next_session(void *context) {
  (void)context;
  frail_expect_next_session();
}

static void fail_in_turn(const char *what, oom_try *try, uint64_t step, uint64_t for_ever_step) {
  struct tally once = {0};
  struct tally for_ever = {0};
  /* What is set up once for the process is no leak. */
  assert_false(try(UINT64_MAX, false, &once));
  assert_true(once.heard == 1 && once.refused == 0);
  oom_fail_each(try, expect_next_session, false, &once, step);
  oom_fail_each(try, expect_next_session, true, &for_ever, for_ever_step);
  check_tally(what, &once, &for_ever);
}

static void own_allocator(void **state) {
  (void)state;
  fail_in_turn("own allocator", live_with_own_allocator, 1, 1);
}

static void at_malloc(void **state) {
  (void)state;
  uint64_t step = oom_step(211);
  fail_in_turn("malloc", live_with_malloc, step, OOM_FOR_EVER_STEPS * step);
}

/* ---- one packet ---- */

struct caught {
  struct kit_datagram datagram;
  uint8_t bytes[300];
};

/* RTCP is lost: it would make the state that the first RTP packet is to make. */
static bool catch_rtp(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct caught *caught = user_data;
  (void)now_ns;
  if (datagram->data[0] < 128) {
    return true;
  }
  if (datagram->data[1] >= 192 && datagram->data[1] <= 223) {
    return false;
  }
  assert_true(datagram->len <= sizeof caught->bytes);
  caught->datagram = *datagram;
  caught->datagram.data = caught->bytes;
  memcpy(caught->bytes, datagram->data, datagram->len);
  return false;
}

/* SRTP has no memory for the state of a new SSRC. That is told as what it is, and has changed
 * nothing: the same packet is good afterwards. */
static void no_memory_for_a_new_stream(void **state) {
  (void)state;
  struct kit_pair_config config;
  struct caught caught = {0};
  kit_pair_config_init(&config, 8);
  config.rtc[0].audio.direction = PAW_DIRECTION_SENDONLY;
  config.rtc[1].audio.direction = PAW_DIRECTION_RECVONLY;
  struct kit_pair *pair = kit_pair_new(&config);
  kit_net_set_filter(pair->net, catch_rtp, &caught);
  kit_pair_negotiate(pair);
  kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
  for (unsigned ms = 0; ms < 1000 && caught.datagram.len == 0; ms++) {
    kit_pair_run_ms(pair, 1);
  }
  assert_true(caught.datagram.len > 0);
  kit_malloc_start();
  kit_malloc_fail(1, false);
  kit_peer_receive(&pair->peers[1], &caught.datagram, pair->clock.now_ns);
  assert_int_equal(kit_malloc_stop().failed, 1);
  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 1);
  assert_int_equal(stats.drops[PAW_DROP_NO_MEMORY], 1);
  assert_int_equal(stats.drops[PAW_DROP_SRTP_AUTH], 0);
  assert_int_equal(stats.packets_received, 0);
  kit_peer_receive(&pair->peers[1], &caught.datagram, pair->clock.now_ns);
  assert_int_equal(kit_pair_get_stats(pair, 1).packets_received, 1);
  kit_pair_free(pair);
}

int main(int argc, char **argv) {
  oom_read_arguments(argc, argv);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(own_allocator),
      cmocka_unit_test(at_malloc),
      cmocka_unit_test(no_memory_for_a_new_stream),
  };
  size_t count = kit_malloc_can_fail() ? 3 : 1;
  return _cmocka_run_group_tests("out_of_memory", tests, count, NULL, NULL);
}
