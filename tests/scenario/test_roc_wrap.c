/* SPDX-License-Identifier: MIT */
/* Sequence numbers wrap after 65536 packets, and with them SRTP's roll-over counter moves on (RFC
 * 3711 section 3.3.1): in disorder, with loss, and with answers to NACKs from before the wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "kit/pair.h"

#define PACKETS 70000
#define FRAME_RTP 120

/* Not worth encoding: the library looks at the first byte of Opus at most. */
static void send_numbered(struct kit_pair *pair, uint32_t number) {
  uint8_t data[12] = {0xf8};
  memcpy(data + 1, &number, sizeof number);
  struct paw_audio_frame frame = {.data = data,
                                  .len = sizeof data,
                                  .media_rtp = (uint64_t)number * FRAME_RTP,
                                  .capture_ns = pair->clock.now_ns,
                                  .duration_rtp = FRAME_RTP,
                                  .level = PAW_AUDIO_LEVEL_NONE};
  kit_sent_add(&pair->peers[0].sent, data, sizeof data);
  assert_int_equal(paw_rtc_send_audio(pair->peers[0].rtc, pair->clock.now_ns, &frame), PAW_OK);
  kit_peer_drain(&pair->peers[0], pair->clock.now_ns);
}

/* Asks for what is missing, once, as soon as a later packet has come. */
struct repair {
  struct kit_pair *pair;
  bool any;
  uint16_t next; /* expected */
  uint64_t asked;
  uint64_t wraps;
  uint64_t told;
  uint64_t late; /* came after it was missed */
};

static void repair_gap(void *user_data, struct kit_peer *peer, const struct paw_rtc_event *event) {
  struct repair *repair = user_data;
  if (event->kind != PAW_RTC_EVENT_AUDIO) {
    return;
  }
  uint16_t sequence = event->audio.sequence;
  repair->told++;
  if (repair->any && (int16_t)(uint16_t)(sequence - repair->next) < 0) {
    repair->late++;
    return;
  }
  uint16_t expected = repair->next;
  while (repair->any && repair->next != sequence) {
    assert_int_equal(paw_rtc_send_nack(peer->rtc, repair->pair->clock.now_ns, &repair->next, 1),
                     PAW_OK);
    repair->asked++;
    repair->next++;
  }
  repair->next = (uint16_t)(sequence + 1);
  repair->wraps += repair->any && repair->next < expected; /* also when the last of them is lost */
  repair->any = true;
}

static void run_past_the_wrap(uint64_t seed, void *context) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  config.link.delay_ns = 1 * PAW_NS_PER_MS;
  config.rtc[0].audio.direction = PAW_DIRECTION_SENDONLY;
  config.rtc[1].audio.direction = PAW_DIRECTION_RECVONLY;
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  struct repair repair = {.pair = pair};
  pair->peers[1].watcher = repair_gap;
  pair->peers[1].watcher_data = &repair;
  struct kit_link_config *link = context;
  kit_net_configure(pair->net, link);
  for (uint32_t i = 0; i < PACKETS; i++) {
    send_numbered(pair, i);
    kit_pair_run_ms(pair, 2);
  }
  kit_net_configure(pair->net, &(struct kit_link_config){0});
  kit_pair_run_ms(pair, 200);

  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 1);
  assert_int_equal(repair.wraps, 1);
  assert_int_equal(stats.drops[PAW_DROP_SRTP_AUTH], 0);
  struct paw_rtc_stats sender = kit_pair_get_stats(pair, 0);
  if (link->loss > 0) {
    /* Whoever only was late comes twice: itself, and the answer to the NACK. */
    assert_in_range(stats.drops[PAW_DROP_SRTP_REPLAY], 1, sender.packets_resent);
    assert_in_range(repair.asked, PACKETS * 8 / 100, PACKETS * 11 / 100); /* lost and late */
    assert_true(repair.late * 10 > repair.asked * 8);
    assert_in_range(repair.told, PACKETS * 98 / 100, PACKETS);
  } else {
    assert_int_equal(repair.told, PACKETS);
    assert_int_equal(stats.drops[PAW_DROP_SRTP_REPLAY], 0);
  }
  kit_pair_free(pair);
}

static void quiet_link(void **state) {
  (void)state;
  struct kit_link_config link = {.delay_ns = 1 * PAW_NS_PER_MS};
  kit_seeds_run(run_past_the_wrap, &link, 1);
}

static void bad_link(void **state) {
  (void)state;
  struct kit_link_config link = {.delay_ns = 1 * PAW_NS_PER_MS,
                                 .loss = 0.05,
                                 .reorder = 0.05,
                                 .reorder_ns = 9 * PAW_NS_PER_MS};
  kit_seeds_run(run_past_the_wrap, &link, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quiet_link),
      cmocka_unit_test(bad_link),
  };
  return cmocka_run_group_tests_name("roc_wrap", tests, NULL, NULL);
}
