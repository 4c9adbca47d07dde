/* SPDX-License-Identifier: MIT */
#include "kit/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const addresses_a[] = {"192.0.2.1:10001", NULL};
static const char *const addresses_b[] = {"192.0.2.2:10002", NULL};

void kit_pair_config_init(struct kit_pair_config *config, uint64_t seed) {
  memset(config, 0, sizeof *config);
  config->seed = seed;
  config->origin_ns = KIT_CLOCK_ORIGIN_NS;
  config->link.delay_ns = 2 * PAW_NS_PER_MS;
  for (size_t i = 0; i < 2; i++) {
    paw_rtc_config_init(&config->rtc[i]);
  }
  config->addresses[0] = addresses_a;
  config->addresses[1] = addresses_b;
}

/* Audio must be what the other side sent, byte by byte. */
static void watch(void *user_data, struct kit_peer *peer, const struct paw_rtc_event *event) {
  struct kit_pair *pair = user_data;
  if (event->kind != PAW_RTC_EVENT_AUDIO || event->audio.red) {
    return;
  }
  const struct kit_peer *other = peer == &pair->peers[0] ? &pair->peers[1] : &pair->peers[0];
  pair->foreign += !kit_sent_has(&other->sent, event->audio.data, event->audio.len);
}

struct kit_pair *kit_pair_new(const struct kit_pair_config *config) {
  struct kit_pair *pair = calloc(1, sizeof *pair);
  assert_non_null(pair);
  pair->config = *config;
  pair->clock.now_ns = config->origin_ns;
  pair->begin_ns = pair->clock.now_ns;
  pair->net = kit_net_new(config->seed, &config->link);
  for (size_t i = 0; i < 2; i++) {
    kit_peer_init(&pair->peers[i], &config->rtc[i], config->seed * 2 + i, pair->net,
                  config->addresses[i], pair->clock.now_ns);
    pair->peers[i].watcher = watch;
    pair->peers[i].watcher_data = pair;
  }
  return pair;
}

void kit_pair_free(struct kit_pair *pair) {
  for (size_t i = 0; i < 2; i++) {
    kit_peer_wipe(&pair->peers[i]);
  }
  kit_net_free(pair->net);
  free(pair);
}

/* ---- negotiation ---- */

void kit_pair_negotiate(struct kit_pair *pair) {
  uint64_t now_ns = pair->clock.now_ns;
  size_t len = sizeof pair->offer;
  assert_int_equal(paw_rtc_create_offer(pair->peers[0].rtc, pair->offer, &len), PAW_OK);
  if (pair->config.alter_offer != NULL) {
    pair->config.alter_offer(pair->offer, sizeof pair->offer);
  }
  len = sizeof pair->answer;
  assert_int_equal(paw_rtc_accept_offer(pair->peers[1].rtc, now_ns, pair->offer,
                                        strlen(pair->offer), pair->answer, &len),
                   PAW_OK);
  if (pair->config.alter_answer != NULL) {
    pair->config.alter_answer(pair->answer, sizeof pair->answer);
  }
  assert_int_equal(
      paw_rtc_accept_answer(pair->peers[0].rtc, now_ns, pair->answer, strlen(pair->answer)),
      PAW_OK);
  kit_peer_drain(&pair->peers[0], now_ns);
  kit_peer_drain(&pair->peers[1], now_ns);
}

void kit_sdp_replace(char *sdp, size_t size, const char *old, const char *new_text) {
  char *at = strstr(sdp, old);
  assert_non_null(at);
  size_t old_len = strlen(old);
  size_t new_len = strlen(new_text);
  assert_true(strlen(sdp) - old_len + new_len < size);
  memmove(at + new_len, at + old_len, strlen(at + old_len) + 1);
  memcpy(at, new_text, new_len);
}

void kit_sdp_break_fingerprints(char *sdp, size_t size) {
  (void)size;
  char *at = strstr(sdp, "a=fingerprint:");
  assert_non_null(at);
  while (at != NULL) {
    char *digit = strchr(at, ' ');
    assert_non_null(digit);
    digit[1] = digit[1] == '0' ? '1' : '0';
    at = strstr(digit, "a=fingerprint:");
  }
}

/* ---- time ---- */

static uint64_t earliest(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t next_ns(const struct kit_pair *pair) {
  return earliest(kit_net_next_ns(pair->net),
                  earliest(kit_peer_next_ns(&pair->peers[0]), kit_peer_next_ns(&pair->peers[1])));
}

static void deliver(struct kit_pair *pair) {
  struct kit_datagram datagram;
  while (kit_net_deliver(pair->net, pair->clock.now_ns, &datagram)) {
    if (kit_peer_owns(&pair->peers[0], &datagram.to)) {
      kit_peer_receive(&pair->peers[0], &datagram, pair->clock.now_ns);
    } else if (kit_peer_owns(&pair->peers[1], &datagram.to)) {
      kit_peer_receive(&pair->peers[1], &datagram, pair->clock.now_ns);
    } else {
      pair->unclaimed++;
    }
  }
}

static void act(struct kit_pair *pair) {
  deliver(pair);
  for (size_t i = 0; i < 2; i++) {
    struct kit_peer *peer = &pair->peers[i];
    if (peer->deadline_ns <= pair->clock.now_ns) {
      kit_peer_timeout(peer, pair->clock.now_ns);
    }
    kit_peer_speak(peer, pair->clock.now_ns);
  }
}

bool kit_pair_run_until(struct kit_pair *pair, kit_pair_condition *until, uint64_t budget_ms) {
  uint64_t end_ns = pair->clock.now_ns + budget_ms * PAW_NS_PER_MS;
  for (;;) {
    act(pair);
    if (until != NULL && until(pair)) {
      return true;
    }
    uint64_t time_ns = next_ns(pair);
    if (time_ns > end_ns) {
      kit_clock_advance_to(&pair->clock, end_ns);
      return false;
    }
    kit_clock_advance_to(&pair->clock, time_ns);
  }
}

void kit_pair_run_ms(struct kit_pair *pair, uint64_t ms) {
  kit_pair_run_until(pair, NULL, ms);
}

void kit_pair_renegotiate(struct kit_pair *pair, size_t who, uint64_t delay_ms) {
  struct kit_peer *offerer = &pair->peers[who];
  struct kit_peer *answerer = &pair->peers[1 - who];
  size_t len = sizeof pair->offer;
  assert_int_equal(paw_rtc_create_offer(offerer->rtc, pair->offer, &len), PAW_OK);
  kit_pair_run_ms(pair, delay_ms);
  len = sizeof pair->answer;
  assert_int_equal(paw_rtc_accept_offer(answerer->rtc, pair->clock.now_ns, pair->offer,
                                        strlen(pair->offer), pair->answer, &len),
                   PAW_OK);
  kit_peer_drain(answerer, pair->clock.now_ns);
  kit_pair_run_ms(pair, delay_ms);
  assert_int_equal(
      paw_rtc_accept_answer(offerer->rtc, pair->clock.now_ns, pair->answer, strlen(pair->answer)),
      PAW_OK);
  kit_peer_drain(offerer, pair->clock.now_ns);
}

struct kit_pair *kit_pair_connect(const struct kit_pair_config *config, uint64_t budget_ms) {
  struct kit_pair *pair = kit_pair_new(config);
  kit_pair_negotiate(pair);
  assert_true(kit_pair_run_until(pair, kit_pair_both_connected, budget_ms));
  return pair;
}

void kit_pair_close(struct kit_pair *pair, size_t index) {
  paw_rtc_close(pair->peers[index].rtc, pair->clock.now_ns);
  kit_peer_drain(&pair->peers[index], pair->clock.now_ns);
}

uint64_t kit_pair_elapsed_ms(const struct kit_pair *pair) {
  return kit_clock_elapsed_ms(&pair->clock, pair->begin_ns);
}

struct paw_rtc_stats kit_pair_get_stats(const struct kit_pair *pair, size_t index) {
  struct paw_rtc_stats stats;
  paw_rtc_get_stats(pair->peers[index].rtc, &stats);
  return stats;
}

/* ---- conditions ---- */

bool kit_pair_both_connected(const struct kit_pair *pair) {
  return pair->peers[0].seen.connected_ns != 0 && pair->peers[1].seen.connected_ns != 0;
}

bool kit_pair_both_closed(const struct kit_pair *pair) {
  return pair->peers[0].seen.closed_ns != 0 && pair->peers[1].seen.closed_ns != 0;
}

bool kit_pair_both_hear(const struct kit_pair *pair) {
  return pair->peers[0].seen.first_audio_ns != 0 && pair->peers[1].seen.first_audio_ns != 0;
}
