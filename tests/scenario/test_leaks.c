/* SPDX-License-Identifier: MIT */
/* A thousand connections are made and given up at every stage of their lives, by being freed, by
 * closing, and by a peer that vanishes; half as lone pairs, half behind one hub. Nothing is left,
 * counted at the level of malloc. `--cycles N` does N of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kit/alloc.h"
#include "kit/crowd.h"
#include "kit/pair.h"
#include "kit/sanitizer.h"

#ifdef KIT_SANITIZED
#define CYCLES 130
#else
#define CYCLES 500
#endif

/* Longer than ICE, DTLS and consent take to give up. */
#define TO_THE_END_MS 45000

static unsigned cycle_count = CYCLES;

enum stage {
  STAGE_MADE,
  STAGE_OFFERED,
  STAGE_ANSWERED,
  STAGE_CHECKING, /* the answer is there; nothing was delivered yet */
  STAGE_FLIGHTS,  /* from here on: after the first datagram, the second, … */
  STAGE_CONNECTED = STAGE_FLIGHTS + 14, /* as many as there are by then */
  STAGE_MEDIA,
  STAGE_RESTART_BEGUN,
  STAGE_RESTART_ANSWERED,
  STAGE_RESTART_CHECKS, /* after the first datagram, the second, … */
  STAGE_CLOSING = STAGE_RESTART_CHECKS + 6,
  STAGE_HALF_CLOSED,
  STAGE_COUNT,
};

/* How it ends from there. */
enum manner { MANNER_FREE, MANNER_CLOSE, MANNER_VANISH, MANNER_COUNT };

static uint64_t delivered_until;

/* ---- lone pairs ---- */

static bool is_delivered(const struct kit_pair *pair) {
  return kit_net_sum(pair->net).delivered >= delivered_until;
}

/* Or all there are: a flight more or less, as it comes. */
static void deliver(struct kit_pair *pair, size_t count) {
  delivered_until = kit_net_sum(pair->net).delivered + count;
  (void)kit_pair_run_until(pair, is_delivered, 500);
}

static void negotiate_up_to(struct kit_pair *pair, unsigned stage) {
  size_t len = sizeof pair->offer;
  if (stage >= STAGE_OFFERED) {
    assert_int_equal(paw_rtc_create_offer(pair->peers[0].rtc, pair->offer, &len), PAW_OK);
  }
  if (stage == STAGE_ANSWERED) {
    len = sizeof pair->answer;
    assert_int_equal(paw_rtc_accept_offer(pair->peers[1].rtc, pair->clock.now_ns, pair->offer,
                                          strlen(pair->offer), pair->answer, &len),
                     PAW_OK);
    kit_peer_drain(&pair->peers[1], pair->clock.now_ns);
  }
}

static void restart(struct kit_pair *pair, unsigned stage) {
  char fragment[4096];
  size_t len = sizeof fragment;
  struct kit_peer *peers = pair->peers;
  assert_int_equal(paw_rtc_ice_restart(peers[0].rtc, pair->clock.now_ns), PAW_OK);
  assert_int_equal(paw_rtc_write_ice_fragment(peers[0].rtc, fragment, &len), PAW_OK);
  if (stage == STAGE_RESTART_BEGUN) {
    return;
  }
  assert_int_equal(
      paw_rtc_accept_ice_fragment(peers[1].rtc, pair->clock.now_ns, fragment, len, NULL), PAW_OK);
  kit_peer_drain(&peers[1], pair->clock.now_ns);
  if (stage == STAGE_RESTART_ANSWERED) {
    return;
  }
  len = sizeof fragment;
  assert_int_equal(paw_rtc_write_ice_fragment(peers[1].rtc, fragment, &len), PAW_OK);
  assert_int_equal(
      paw_rtc_accept_ice_fragment(peers[0].rtc, pair->clock.now_ns, fragment, len, NULL), PAW_OK);
  kit_peer_drain(&peers[0], pair->clock.now_ns);
  deliver(pair, stage - STAGE_RESTART_CHECKS + 1);
}

static void run_up_to(struct kit_pair *pair, unsigned stage) {
  if (stage < STAGE_CHECKING) {
    negotiate_up_to(pair, stage);
    return;
  }
  kit_pair_negotiate(pair);
  if (stage >= STAGE_FLIGHTS && stage < STAGE_CONNECTED) {
    deliver(pair, stage - STAGE_FLIGHTS + 1);
  }
  if (stage >= STAGE_CONNECTED) {
    assert_true(kit_pair_run_until(pair, kit_pair_both_connected, 200));
  }
  if (stage >= STAGE_MEDIA) {
    kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
    kit_peer_talk(&pair->peers[1], 960, pair->clock.now_ns);
    assert_true(kit_pair_run_until(pair, kit_pair_both_hear, 100));
  }
  if (stage >= STAGE_RESTART_BEGUN && stage < STAGE_CLOSING) {
    restart(pair, stage);
  }
  if (stage >= STAGE_CLOSING) {
    kit_talker_stop(&pair->peers[0].talker);
    kit_talker_stop(&pair->peers[1].talker);
    paw_rtc_close(pair->peers[0].rtc, pair->clock.now_ns);
  }
  if (stage == STAGE_HALF_CLOSED) {
    struct paw_rtc_output output;
    paw_rtc_poll_output(pair->peers[0].rtc, &output);
    assert_int_equal(output.kind, PAW_OUTPUT_TRANSMIT);
  }
}

static void close_both(struct kit_pair *pair) {
  for (size_t i = 0; i < 2; i++) {
    kit_talker_stop(&pair->peers[i].talker);
    kit_pair_close(pair, i);
    kit_pair_run_ms(pair, 5);
    assert_true(pair->peers[i].seen.closed_ns != 0);
  }
}

/* The other one waits until it has given up, or would wait for ever without knowing of a peer. */
static void vanish(struct kit_pair *pair, size_t who, unsigned stage) {
  struct kit_peer *gone = &pair->peers[who];
  const struct kit_peer *other = &pair->peers[1 - who];
  kit_peer_wipe(gone);
  gone->address_count = 0;
  gone->deadline_ns = PAW_TIME_NEVER;
  kit_talker_stop(&pair->peers[1 - who].talker);
  kit_peer_drain(&pair->peers[1 - who], pair->clock.now_ns);
  kit_pair_run_ms(pair, TO_THE_END_MS);
  assert_true(other->seen.closed_ns != 0 || stage < STAGE_CHECKING);
}

static void live(unsigned cycle) {
  unsigned stage = cycle % STAGE_COUNT;
  struct kit_pair_config config;
  struct paw_certificate *own = NULL;
  struct kit_rng rng;
  kit_pair_config_init(&config, 2 * (uint64_t)cycle + 1);
  if (cycle % 10 == 0) {
    kit_rng_init(&rng, cycle);
    struct paw_rng hook = kit_rng_hook(&rng);
    struct paw_allocator plain = {0};
    assert_int_equal(paw_certificate_generate(&hook, &plain, &own), PAW_OK);
    config.rtc[cycle / 10 % 2].certificate = own;
  }
  struct kit_pair *pair = kit_pair_new(&config);
  run_up_to(pair, stage);
  switch ((enum manner)(cycle / STAGE_COUNT % MANNER_COUNT)) {
  case MANNER_FREE:
    break;
  case MANNER_CLOSE:
    close_both(pair);
    break;
  case MANNER_VANISH:
    vanish(pair, cycle / STAGE_COUNT / MANNER_COUNT % 2, stage);
    break;
  case MANNER_COUNT:
    fail();
  }
  kit_pair_free(pair);
  paw_certificate_free(own);
}

static void lone_pairs(void **state) {
  (void)state;
  live(STAGE_MEDIA); /* what is set up once for the process is no leak */
  kit_malloc_start();
  for (unsigned cycle = 0; cycle < cycle_count; cycle++) {
    live(cycle);
    if (kit_malloc_get_counts().outstanding != 0) {
      fail_msg("cycle %u leaks", cycle);
    }
  }
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_int_equal(counts.outstanding, 0);
  assert_int_equal(counts.outstanding_bytes, 0);
}

/* ---- behind one hub ---- */

#define OLD 0
#define GUEST 1

static bool crowd_is_delivered(const struct kit_crowd *crowd) {
  return kit_net_sum(crowd->net).delivered >= delivered_until;
}

static void crowd_deliver(struct kit_crowd *crowd, size_t count) {
  delivered_until = kit_net_sum(crowd->net).delivered + count;
  (void)kit_crowd_run_until(crowd, crowd_is_delivered, 500);
}

static bool guest_hears(const struct kit_crowd *crowd) {
  return crowd->members[GUEST].peer.seen.first_audio_ns != 0;
}

static void restart_guest(struct kit_crowd *crowd, unsigned stage) {
  char fragment[4096];
  size_t len = sizeof fragment;
  struct kit_member *guest = &crowd->members[GUEST];
  uint64_t now_ns = crowd->clock.now_ns;
  assert_int_equal(paw_rtc_ice_restart(guest->peer.rtc, now_ns), PAW_OK);
  assert_int_equal(paw_rtc_write_ice_fragment(guest->peer.rtc, fragment, &len), PAW_OK);
  kit_peer_drain(&guest->peer, now_ns);
  if (stage == STAGE_RESTART_BEGUN) {
    return;
  }
  struct paw_rtc *rtc = paw_hub_get_rtc(crowd->hub, guest->name);
  assert_int_equal(paw_rtc_accept_ice_fragment(rtc, now_ns, fragment, len, NULL), PAW_OK);
  len = sizeof fragment;
  assert_int_equal(paw_rtc_write_ice_fragment(rtc, fragment, &len), PAW_OK);
  kit_crowd_drain_hub(crowd);
  if (stage == STAGE_RESTART_ANSWERED) {
    return;
  }
  assert_int_equal(paw_rtc_accept_ice_fragment(guest->peer.rtc, now_ns, fragment, len, NULL),
                   PAW_OK);
  kit_peer_drain(&guest->peer, now_ns);
  crowd_deliver(crowd, stage - STAGE_RESTART_CHECKS + 1);
}

/* Returns false where the guest has not got into the hub. */
static bool run_guest_up_to(struct kit_crowd *crowd, unsigned stage) {
  struct kit_member *guest = &crowd->members[GUEST];
  if (stage < STAGE_CHECKING) {
    struct paw_rtc_config config = crowd->config.hub_rtc;
    struct paw_rtc *rtc = NULL;
    config.certificate = kit_certificate(0);
    config.rng = kit_rng_hook(&crowd->rng);
    assert_int_equal(paw_rtc_new(&config, crowd->clock.now_ns, &rtc), PAW_OK);
    if (stage == STAGE_MADE) {
      paw_rtc_free(rtc);
      return false;
    }
    assert_int_equal(paw_hub_add(crowd->hub, rtc, &guest->name), PAW_OK);
    if (stage == STAGE_ANSWERED) {
      assert_int_equal(paw_hub_subscribe(crowd->hub, guest->name, crowd->track), PAW_OK);
    }
    kit_crowd_drain_hub(crowd);
    return true;
  }
  kit_crowd_join(crowd, GUEST);
  if (stage >= STAGE_FLIGHTS && stage < STAGE_CONNECTED) {
    crowd_deliver(crowd, stage - STAGE_FLIGHTS + 1);
  }
  if (stage >= STAGE_CONNECTED) {
    assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  }
  if (stage >= STAGE_MEDIA) {
    assert_true(kit_crowd_run_until(crowd, guest_hears, 100));
  }
  if (stage >= STAGE_RESTART_BEGUN && stage < STAGE_CLOSING) {
    restart_guest(crowd, stage);
  }
  if (stage == STAGE_CLOSING) {
    paw_rtc_close(paw_hub_get_rtc(crowd->hub, guest->name), crowd->clock.now_ns);
  }
  if (stage == STAGE_HALF_CLOSED) {
    paw_rtc_close(guest->peer.rtc, crowd->clock.now_ns);
    kit_peer_drain(&guest->peer, crowd->clock.now_ns);
  }
  return true;
}

static void end_guest(struct kit_crowd *crowd, enum manner manner, unsigned stage) {
  struct kit_member *guest = &crowd->members[GUEST];
  bool was_there = guest->peer.rtc != NULL;
  if (manner == MANNER_CLOSE) {
    paw_rtc_close(paw_hub_get_rtc(crowd->hub, guest->name), crowd->clock.now_ns);
    kit_crowd_drain_hub(crowd);
    assert_true(guest->hub.closed_ns != 0);
  }
  if (was_there) {
    kit_crowd_vanish(crowd, GUEST);
  }
  if (manner == MANNER_VANISH && was_there) {
    kit_crowd_talk(crowd, 0);
    kit_crowd_drain_hub(crowd);
    kit_crowd_run_ms(crowd, TO_THE_END_MS);
    assert_true(guest->hub.closed_ns != 0 || stage < STAGE_CHECKING);
    kit_crowd_talk(crowd, 960);
  }
  paw_hub_remove(crowd->hub, guest->name);
  guest->name = 0;
  memset(&guest->hub, 0, sizeof guest->hub);
  kit_crowd_drain_hub(crowd);
}

static void visit(struct kit_crowd *crowd, unsigned cycle) {
  unsigned stage = cycle % STAGE_COUNT;
  if (run_guest_up_to(crowd, stage)) {
    end_guest(crowd, (enum manner)(cycle / STAGE_COUNT % MANNER_COUNT), stage);
  }
}

static void behind_one_hub(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 5, 2);
  kit_malloc_start();
  struct kit_crowd *crowd = kit_crowd_new(&config);
  kit_crowd_talk(crowd, 960);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  end_guest(crowd, MANNER_CLOSE, STAGE_CONNECTED);
  kit_crowd_run_ms(crowd, 100);
  int64_t before = kit_malloc_get_counts().outstanding;
  for (unsigned cycle = 0; cycle < cycle_count; cycle++) {
    visit(crowd, cycle);
    if (kit_malloc_get_counts().outstanding != before) {
      fail_msg("cycle %u leaks", cycle);
    }
  }
  assert_int_equal(paw_hub_get_peer_count(crowd->hub), 1);
  uint64_t heard = crowd->members[OLD].peer.seen.events[PAW_RTC_EVENT_AUDIO];
  kit_crowd_run_ms(crowd, 200);
  assert_in_range(crowd->members[OLD].peer.seen.events[PAW_RTC_EVENT_AUDIO] - heard, 9, 11);
  kit_crowd_free(crowd);
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_int_equal(counts.outstanding, 0);
  assert_int_equal(counts.outstanding_bytes, 0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lone_pairs),
      cmocka_unit_test(behind_one_hub),
  };
  if (argc == 3 && strcmp(argv[1], "--cycles") == 0) {
    cycle_count = (unsigned)strtoul(argv[2], NULL, 10);
  }
  return cmocka_run_group_tests_name("leaks", tests, NULL, NULL);
}
