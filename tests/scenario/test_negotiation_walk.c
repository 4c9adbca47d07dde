/* SPDX-License-Identifier: MIT */
/* Offers, answers, refusals, ICE restarts and changes of direction of two ends in any order, over
 * signalling that is slow but keeps order. Whoever is refused rolls back, and at glare the second
 * gives way. In the end both agree, no consent runs out, and media flows both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kit/pair.h"
#include "rtc/rtc_private.h"

#define STEPS 60
#define WAITING_MAX 16
#define POLITE 1

enum kind { OFFER, ANSWER, REFUSAL };

struct message {
  enum kind kind;
  unsigned offer; /* its own number, or of the one that it is about */
  size_t len;
  char sdp[KIT_SDP_MAX];
};

static struct kit_pair *pair;
static struct kit_rng rng;
static struct message waiting[2][WAITING_MAX]; /* for each of the two, oldest first */
static size_t waiting_count[2];
static unsigned offers;
static unsigned pending[2]; /* the number of the own offer that is pending; 0: none */
static uint64_t taken;      /* answers */
static uint64_t refused;

static struct message *next_free(size_t to) {
  assert_true(waiting_count[to] < WAITING_MAX);
  struct message *message = &waiting[to][waiting_count[to]];
  message->len = sizeof message->sdp;
  return message;
}

static void offer(size_t who) {
  if (waiting_count[1 - who] > WAITING_MAX - 4) { /* room for what must be answered */
    return;
  }
  struct message *message = next_free(1 - who);
  if (paw_rtc_create_offer(pair->peers[who].rtc, message->sdp, &message->len) == PAW_OK) {
    pending[who] = ++offers;
    message->kind = OFFER;
    message->offer = offers;
    waiting_count[1 - who]++;
  }
}

static void restart(size_t who) {
  if (paw_rtc_ice_restart(pair->peers[who].rtc, pair->clock.now_ns) == PAW_OK) {
    offer(who);
  }
}

static int answer(size_t who, const struct message *offered, struct message *reply) {
  reply->len = sizeof reply->sdp;
  return paw_rtc_accept_offer(pair->peers[who].rtc, pair->clock.now_ns, offered->sdp, offered->len,
                              reply->sdp, &reply->len);
}

static void take_offer(size_t who, const struct message *offered) {
  struct message *reply = next_free(1 - who);
  int status = answer(who, offered, reply);
  if (status == PAW_ERR_STATE && who == POLITE && pending[who] != 0) {
    assert_int_equal(paw_rtc_rollback(pair->peers[who].rtc), PAW_OK);
    pending[who] = 0;
    status = answer(who, offered, reply);
  }
  assert_true(status == PAW_OK || status == PAW_ERR_STATE);
  reply->kind = status == PAW_OK ? ANSWER : REFUSAL;
  reply->offer = offered->offer;
  waiting_count[1 - who]++;
}

static void take_reply(size_t who, const struct message *reply) {
  struct paw_rtc *rtc = pair->peers[who].rtc;
  if (reply->offer != pending[who]) { /* to one that was rolled back */
    return;
  }
  pending[who] = 0;
  if (reply->kind == REFUSAL) {
    assert_int_equal(paw_rtc_rollback(rtc), PAW_OK);
    refused++;
  } else {
    assert_int_equal(paw_rtc_accept_answer(rtc, pair->clock.now_ns, reply->sdp, reply->len),
                     PAW_OK);
    taken++;
  }
}

static void deliver(size_t to) {
  if (waiting_count[to] == 0) {
    return;
  }
  static struct message message;
  message = waiting[to][0];
  waiting_count[to]--;
  memmove(&waiting[to][0], &waiting[to][1], waiting_count[to] * sizeof message);
  if (message.kind == OFFER) {
    take_offer(to, &message);
  } else {
    take_reply(to, &message);
  }
}

static void talk_as_agreed(void) {
  for (size_t i = 0; i < 2; i++) {
    struct paw_media_info media;
    kit_peer_drain(&pair->peers[i], pair->clock.now_ns);
    assert_int_equal(paw_rtc_get_media(pair->peers[i].rtc, &media), PAW_OK);
    bool sends = (media.direction & PAW_DIRECTION_SENDONLY) != 0;
    kit_peer_talk(&pair->peers[i], sends ? 480 : 0, pair->clock.now_ns);
  }
}

static void hush(void) {
  kit_peer_talk(&pair->peers[0], 0, 0);
  kit_peer_talk(&pair->peers[1], 0, 0);
}

static void step(void) {
  size_t who = (size_t)kit_rng_below(&rng, 2);
  enum paw_direction direction = (enum paw_direction)kit_rng_below(&rng, 4);
  switch (kit_rng_below(&rng, 10)) {
  case 0:
    offer(who);
    break;
  case 1:
    restart(who);
    break;
  case 2:
    (void)paw_rtc_set_direction(pair->peers[who].rtc, direction);
    break;
  default:
    deliver(who);
    break;
  }
  talk_as_agreed();
  kit_pair_run_ms(pair, kit_rng_below(&rng, 120));
}

static void deliver_all(void) {
  while (waiting_count[0] + waiting_count[1] > 0) {
    deliver(0);
    deliver(1);
  }
  assert_int_equal(pending[0], 0);
  assert_int_equal(pending[1], 0);
}

/* Once more in peace; by whoever has a restart to tell of. */
static void agree(void) {
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(paw_rtc_set_direction(pair->peers[i].rtc, PAW_DIRECTION_SENDRECV), PAW_OK);
  }
  const struct paw_ice *second = pair->peers[1].rtc->ice;
  size_t who = paw_ice_get_remote_credentials(second)->ufrag[0] == '\0' ? 1 : 0;
  kit_pair_renegotiate(pair, who, 10);
}

static void expect_media_for(uint64_t ms) {
  talk_as_agreed();
  kit_pair_run_ms(pair, 100);
  uint64_t before[2];
  for (size_t i = 0; i < 2; i++) {
    before[i] = pair->peers[i].seen.events[PAW_RTC_EVENT_AUDIO];
  }
  kit_pair_run_ms(pair, ms);
  for (size_t i = 0; i < 2; i++) {
    uint64_t heard = pair->peers[i].seen.events[PAW_RTC_EVENT_AUDIO] - before[i];
    assert_in_range(heard, ms / 10 - 1, ms / 10 + 1);
    assert_int_equal(pair->peers[i].seen.closed_ns, 0);
    assert_int_equal(kit_pair_get_stats(pair, i).drops[PAW_DROP_SRTP_AUTH], 0);
  }
  assert_int_equal(pair->foreign, 0);
}

static void walk(uint64_t seed, void *context) {
  (void)context;
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  kit_rng_init(&rng, seed);
  config.rtc[seed % 2].ice_mode = seed % 3 == 0 ? PAW_ICE_LITE : PAW_ICE_FULL;
  config.rtc[0].audio.rtx = seed % 5 < 2;
  pair = kit_pair_connect(&config, 200);
  memset(waiting_count, 0, sizeof waiting_count);
  memset(pending, 0, sizeof pending);
  struct kit_link_config link = {.delay_ns = 5 * PAW_NS_PER_MS, .loss = seed % 2 == 0 ? 0.1 : 0};
  kit_net_configure(pair->net, &link);
  for (unsigned i = 0; i < STEPS; i++) {
    step();
  }
  hush();
  deliver_all();
  link.loss = 0;
  kit_net_configure(pair->net, &link);
  agree();
  expect_media_for(1000);
  hush();
  kit_pair_run_ms(pair, 35000); /* consent of ends that disagree would run out: RFC 7675, 30 s */
  expect_media_for(1000);
  kit_pair_free(pair);
}

static void any_order(void **state) {
  (void)state;
  taken = 0;
  refused = 0;
  kit_seeds_run(walk, NULL, 30);
  /* A single seed need not have both. */
  assert_true((taken > 0 && refused > 0) || getenv("PAW_SEED") != NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(any_order)};
  return cmocka_run_group_tests_name("negotiation_walk", tests, NULL, NULL);
}
