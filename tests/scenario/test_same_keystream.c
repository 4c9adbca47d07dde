/* SPDX-License-Identifier: MIT */
/* What goes out under one SRTP packet index goes out as the same bytes, whatever is asked for and
 * whatever happens meanwhile: two plaintexts under one keystream would give both away (RFC 3711
 * section 9.1). Watched on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rd.h"
#include "kit/pair.h"
#include "rtc/rtc_private.h"

#define PLACES 65536
#define BYTES_MAX 400

/* The first datagram of each sequence number, and what came after it. */
struct wire {
  struct paw_address from;
  uint64_t firsts;
  uint64_t repeats;
  uint64_t differing; /* repeats that are not byte for byte the first */
  uint64_t rtcp;
  uint32_t rtcp_index; /* of the last (RFC 3711 section 3.4) */
  uint16_t lens[PLACES];
  uint8_t bytes[PLACES][BYTES_MAX];
};

static struct wire wire;

static void note_rtp(const uint8_t *data, size_t len) {
  uint16_t sequence = (uint16_t)(data[2] << 8 | data[3]);
  assert_in_range(len, 12 + 10, BYTES_MAX);
  if (wire.lens[sequence] == 0) {
    wire.lens[sequence] = (uint16_t)len;
    memcpy(wire.bytes[sequence], data, len);
    wire.firsts++;
    return;
  }
  wire.repeats++;
  wire.differing += wire.lens[sequence] != len || memcmp(wire.bytes[sequence], data, len) != 0;
}

/* An index is used once, also when nothing changed in the report. */
static void note_rtcp(const uint8_t *data, size_t len) {
  struct paw_rd rd = paw_rd_init(data + len - 14, 4);
  uint32_t index = paw_rd_u32(&rd);
  assert_true((index & UINT32_C(0x80000000)) != 0); /* encrypted */
  assert_true(wire.rtcp == 0 || index > wire.rtcp_index);
  wire.rtcp_index = index;
  wire.rtcp++;
}

static bool watch_wire(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  (void)user_data;
  (void)now_ns;
  if (!paw_address_equal(&datagram->from, &wire.from) || datagram->data[0] < 128) {
    return true;
  }
  if (datagram->data[1] >= 192 && datagram->data[1] <= 223) {
    note_rtcp(datagram->data, datagram->len);
  } else {
    note_rtp(datagram->data, datagram->len);
  }
  return true;
}

/* Asks for everything of the last second again and again, be it lost or not. */
static void ask_for_all(void *user_data, struct kit_peer *peer, const struct paw_rtc_event *event) {
  struct kit_pair *pair = user_data;
  if (event->kind != PAW_RTC_EVENT_AUDIO || event->audio.sequence % 8 != 0) {
    return;
  }
  uint16_t wanted[PAW_RTC_NACKS_MAX];
  for (uint16_t i = 0; i < PAW_RTC_NACKS_MAX; i++) {
    wanted[i] = (uint16_t)(event->audio.sequence - i);
  }
  (void)paw_rtc_send_nack(peer->rtc, pair->clock.now_ns, wanted, PAW_RTC_NACKS_MAX);
}

static struct kit_pair *watched_pair(uint64_t seed) {
  struct kit_pair_config config;
  memset(&wire, 0, sizeof wire);
  kit_pair_config_init(&config, seed);
  config.link.loss = 0.1;
  config.rtc[0].audio.direction = PAW_DIRECTION_SENDONLY;
  config.rtc[1].audio.direction = PAW_DIRECTION_RECVONLY;
  struct kit_pair *pair = kit_pair_connect(&config, 2000);
  wire.from = pair->peers[0].addresses[0];
  kit_net_set_filter(pair->net, watch_wire, NULL);
  pair->peers[1].watcher = ask_for_all;
  pair->peers[1].watcher_data = pair;
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  return pair;
}

static void expect_one_plaintext_an_index(const struct kit_pair *pair, uint64_t firsts) {
  assert_true(wire.firsts >= firsts);
  assert_true(wire.repeats > firsts);
  assert_int_equal(wire.differing, 0);
  assert_true(wire.rtcp > 5);
  assert_int_equal(kit_pair_get_stats(pair, 1).drops[PAW_DROP_SRTP_AUTH], 0);
  assert_int_equal(pair->foreign, 0);
}

static void answers_to_nacks(void **state) {
  (void)state;
  struct kit_pair *pair = watched_pair(1);
  kit_pair_run_ms(pair, 10000);
  expect_one_plaintext_an_index(pair, 990);
  kit_pair_free(pair);
}

/* Other ids of extensions, another programme, a pause: what was sent before is asked for all the
 * while, and can no longer be made. */
static void changes_of_what_is_sent(void **state) {
  (void)state;
  struct kit_pair *pair = watched_pair(2);
  struct paw_rtc *sender = pair->peers[0].rtc;
  struct paw_history *others = NULL;
  const struct paw_allocator heap = {NULL, NULL, NULL};
  assert_int_equal(paw_history_new(&heap, &others), PAW_OK);
  for (unsigned i = 0; i < 40; i++) {
    kit_pair_run_ms(pair, 233);
    switch (i % 4) {
    case 0: {
      struct paw_send_format format = sender->send.format;
      format.extension_mid = (uint8_t)(1 + i % 14);
      format.extension_audio_level = (uint8_t)(1 + (i + 5) % 14);
      paw_send_set_format(&sender->send, &format);
      break;
    }
    case 1:
      paw_rtc_attach_history(sender, pair->clock.now_ns, others);
      break;
    case 2:
      paw_rtc_attach_history(sender, pair->clock.now_ns, sender->own_history);
      break;
    default:
      paw_send_skip_to_now(&sender->send);
    }
  }
  paw_rtc_attach_history(sender, pair->clock.now_ns, NULL);
  expect_one_plaintext_an_index(pair, 600);
  kit_pair_free(pair);
  paw_mem_free(&heap, others);
}

/* Redundancy on and off and from other distances, while everything is asked for again and again. */
static void changes_of_redundancy(void **state) {
  (void)state;
  struct kit_pair *pair = watched_pair(3);
  struct paw_rtc *sender = pair->peers[0].rtc;
  for (int i = 0; i < 140; i++) {
    assert_int_equal(paw_rtc_set_red(sender, i % (PAW_RED_DISTANCE_MAX + 1)), PAW_OK);
    kit_pair_run_ms(pair, 73);
  }
  expect_one_plaintext_an_index(pair, 900);
  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 0);
  assert_in_range(stats.red_packets_sent * 100 / stats.packets_sent, 75, 95);
  kit_pair_free(pair);
}

/* As much as can be said, as often as there is anything to say: what is answered is bounded by what
 * is sent, and 64 that were saved up. */
static void a_storm_of_requests(void **state) {
  (void)state;
  struct kit_pair *pair = watched_pair(4);
  struct kit_peer *asking = &pair->peers[1];
  for (int i = 0; i < 5000; i++) {
    uint16_t wanted[PAW_RTC_NACKS_MAX];
    for (uint16_t j = 0; j < PAW_RTC_NACKS_MAX; j++) {
      wanted[j] = (uint16_t)(asking->seen.audio.sequence - j);
    }
    assert_int_equal(paw_rtc_send_nack(asking->rtc, pair->clock.now_ns, wanted, PAW_RTC_NACKS_MAX),
                     PAW_OK);
    kit_peer_drain(asking, pair->clock.now_ns);
    kit_pair_run_ms(pair, 1);
  }
  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 0);
  assert_true(stats.nacks_received > 200000);
  assert_in_range(stats.packets_resent, 400, stats.packets_sent + PAW_SEND_RESENDS_MAX);
  assert_true(stats.nacks_duplicate > 500);
  assert_int_equal(wire.differing, 0);
  kit_pair_free(pair);
}

/* Below 2^15, so that the receiver's guess of the roll-over counter is right even when the first
 * packets are lost (RFC 3711 section 3.3.1). */
static void first_sequence_numbers(void **state) {
  (void)state;
  uint16_t all = 0;
  for (uint64_t seed = 1; seed <= 64; seed++) {
    struct kit_pair_config config;
    kit_pair_config_init(&config, seed);
    struct kit_pair *pair = kit_pair_new(&config);
    assert_true(pair->peers[0].rtc->send.base_sequence < 0x8000);
    all |= pair->peers[0].rtc->send.base_sequence;
    kit_pair_free(pair);
  }
  assert_int_equal(all, 0x7fff); /* and otherwise of any value */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_to_nacks),       cmocka_unit_test(changes_of_what_is_sent),
      cmocka_unit_test(changes_of_redundancy),  cmocka_unit_test(a_storm_of_requests),
      cmocka_unit_test(first_sequence_numbers),
  };
  return cmocka_run_group_tests_name("same_keystream", tests, NULL, NULL);
}
