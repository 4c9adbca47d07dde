/* SPDX-License-Identifier: MIT */
/* What strangers send who can forge the peer's address, and what a bad network makes of the peer's
 * own datagrams: the handshake goes on, and the connection at rest stays as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/wr.h"
#include "dtls/hello.h"
#include "dtls/pair.h"
#include "kit/alloc.h"

static bool lose(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  (void)user_data;
  (void)datagram;
  (void)now_ns;
  return false;
}

static const uint8_t fatal_in_clear[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
static const uint8_t close_in_clear[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0};

static void inject_forged_alerts(struct pair *pair, unsigned end) {
  pair_inject(pair, end, fatal_in_clear, sizeof fatal_in_clear);
  pair_inject(pair, end, close_in_clear, sizeof close_in_clear);
  uint8_t sealed[39] = {21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 26, 0, 1, 0, 0, 0, 0, 0, 1};
  for (unsigned i = 0; i < 256; i++) {
    memset(sealed + 21, (int)i, sizeof sealed - 21);
    pair_inject(pair, end, sealed, sizeof sealed);
  }
}

/* Unauthenticated alerts after the handshake change nothing (RFC 6347 section 4.1.2.7). */
static void forged_alerts(void **state) {
  (void)state;
  struct pair pair;
  pair_connect(&pair, 1);
  unsigned sent = pair.ends[0].sent + pair.ends[1].sent;
  for (unsigned i = 0; i < 2; i++) {
    uint64_t dropped = pair_get_stats(&pair, i).dropped;
    inject_forged_alerts(&pair, i);
    assert_int_equal(pair_get_stats(&pair, i).dropped - dropped, 258);
    assert_int_equal(paw_dtls_get_state(pair.ends[i].dtls), PAW_DTLS_STATE_CONNECTED);
  }
  pair_run(&pair, 100);
  assert_int_equal(pair.ends[0].sent + pair.ends[1].sent, sent);
  pair_expect_connected(&pair);
  pair_wipe(&pair);
}

/* Every bit of a true close_notify counts. */
static void tampered_close_notify(void **state) {
  (void)state;
  struct pair pair;
  pair_connect(&pair, 1);
  paw_dtls_close(pair.ends[PAIR_CLIENT].dtls);
  struct paw_dtls_output output;
  paw_dtls_poll_output(pair.ends[PAIR_CLIENT].dtls, &output);
  assert_int_equal(output.kind, PAW_OUTPUT_TRANSMIT);
  assert_int_equal(output.transmit.len, 39);
  for (unsigned bit = 0; bit < 8 * 39; bit++) {
    uint8_t forged[39];
    memcpy(forged, output.transmit.data, sizeof forged);
    forged[bit / 8] ^= (uint8_t)(1u << bit % 8);
    pair_inject(&pair, PAIR_SERVER, forged, sizeof forged);
    assert_int_equal(paw_dtls_get_state(pair.ends[PAIR_SERVER].dtls), PAW_DTLS_STATE_CONNECTED);
  }
  pair_inject(&pair, PAIR_SERVER, output.transmit.data, output.transmit.len);
  assert_int_equal(paw_dtls_get_state(pair.ends[PAIR_SERVER].dtls), PAW_DTLS_STATE_CLOSED);
  pair_wipe(&pair);
}

/* Nobody signs alerts during the handshake. A fatal one that nothing contradicts is believed after
 * a while, for a peer that refuses has no other way to say so; a warning is not. */
static void a_fatal_alert_is_believed_when_nobody_goes_on(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  kit_net_set_filter(pair.net, lose, NULL);
  pair_start(&pair);
  (void)pair_drain(&pair, PAIR_CLIENT);
  pair_inject(&pair, PAIR_CLIENT, close_in_clear, sizeof close_in_clear);
  pair_run(&pair, 60); /* one retransmission before it */
  pair_inject(&pair, PAIR_CLIENT, fatal_in_clear, sizeof fatal_in_clear);
  assert_int_equal(pair_get_stats(&pair, PAIR_CLIENT).dropped, 2);
  pair_run(&pair, 1089);
  assert_int_equal(pair.ends[PAIR_CLIENT].closed, 0);
  pair_run(&pair, 1);
  assert_int_equal(pair.ends[PAIR_CLIENT].closed, 1);
  assert_int_equal(pair.ends[PAIR_CLIENT].reason, PAW_DTLS_REASON_ALERT);
  assert_int_equal(pair_get_stats(&pair, PAIR_CLIENT).retransmissions, 4);
  /* A server that was asked nothing yet has nothing that could be refused. */
  pair_inject(&pair, PAIR_SERVER, fatal_in_clear, sizeof fatal_in_clear);
  pair_run(&pair, 30000);
  assert_int_equal(pair.ends[PAIR_SERVER].reason, PAW_DTLS_REASON_TIMEOUT);
  pair_wipe(&pair);
}

/* A stranger who can forge the peer's address says so at every moment of a handshake, in vain. */
static void fatal_alerts_at_any_moment(uint64_t seed, void *context) {
  (void)context;
  struct pair pair;
  pair_init(&pair, seed, &(struct kit_link_config){.delay_ns = 5 * PAW_NS_PER_MS, .loss = 0.1});
  pair_start(&pair);
  for (unsigned ms = 0; ms < 5000; ms++) {
    for (unsigned i = 0; i < 2; i++) {
      if (paw_dtls_get_state(pair.ends[i].dtls) != PAW_DTLS_STATE_CLOSED) {
        pair_inject(&pair, i, fatal_in_clear, sizeof fatal_in_clear);
      }
    }
    pair_run(&pair, 1);
  }
  pair_expect_connected(&pair);
  assert_int_equal(pair.ends[0].closed + pair.ends[1].closed, 0);
  /* and the server's last flight, which comes twice more */
  assert_in_range(pair_get_stats(&pair, PAIR_CLIENT).dropped, 5000, 5002);
  pair_wipe(&pair);
}

static void forged_alerts_do_not_end_a_handshake(void **state) {
  (void)state;
  kit_seeds_run(fatal_alerts_at_any_moment, NULL, 20);
}

static void inject_garbage(struct pair *pair, struct kit_rng *rng) {
  uint8_t data[200];
  size_t len = 1 + (size_t)kit_rng_below(rng, sizeof data);
  kit_rng_bytes(rng, data, len);
  data[0] = (uint8_t)(20 + data[0] % 44);
  if (kit_rng_chance(rng, 0.5)) { /* well-formed on the outside */
    static const uint8_t header[13] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 50, 0, 100};
    memcpy(data, header, sizeof header);
    len = 113;
  }
  for (unsigned i = 0; i < 2; i++) {
    pair_inject(pair, i, data, len);
  }
}

/* Through all of a handshake, and after it. */
static void garbage(uint64_t seed, void *context) {
  (void)context;
  struct pair pair;
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  pair_init(&pair, seed, &(struct kit_link_config){.delay_ns = 2 * PAW_NS_PER_MS});
  pair_start(&pair);
  for (unsigned i = 0; i < 20; i++) {
    for (unsigned k = 0; k < 20; k++) {
      inject_garbage(&pair, &rng);
    }
    pair_run(&pair, 1);
  }
  pair_expect_connected(&pair);
  assert_int_equal(pair.ends[0].closed + pair.ends[1].closed, 0);
  pair_wipe(&pair);
}

static void garbage_is_dropped(void **state) {
  (void)state;
  kit_seeds_run(garbage, NULL, 10);
}

static void oversize_and_empty(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  static const uint8_t data[PAW_DATAGRAM_MAX + 1] = {22};
  pair_inject(&pair, 0, data, sizeof data);
  pair_inject(&pair, 0, data, 0);
  pair_start(&pair);
  pair_inject(&pair, 0, data, sizeof data);
  pair_inject(&pair, 0, data, 0);
  assert_int_equal(pair_get_stats(&pair, 0).dropped, 4);
  pair_run(&pair, 10);
  pair_expect_connected(&pair);
  pair_wipe(&pair);
}

/* Parts of a ClientHello that says it is 16 MB long, and of many different ones. */
static void hostile_fragments(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  pair_set_fingerprint(&pair, PAIR_CLIENT, &pair.ends[PAIR_CLIENT].expected);
  pair_set_fingerprint(&pair, PAIR_SERVER, &pair.ends[PAIR_SERVER].expected);
  assert_int_equal(paw_dtls_start(pair.ends[1].dtls, PAW_DTLS_SERVER, pair.clock.now_ns), PAW_OK);
  for (unsigned i = 0; i < 50; i++) {
    struct hello_datagram whole = hello_make(1000 + i, 0);
    struct hello_datagram part = hello_cut(&whole, 0, 500, i);
    pair_inject(&pair, PAIR_SERVER, part.data, part.len);
    part.data[14] = 0xff;
    pair_inject(&pair, PAIR_SERVER, part.data, part.len);
  }
  assert_int_equal(pair_get_stats(&pair, PAIR_SERVER).dropped, 50);
  assert_int_equal(paw_dtls_start(pair.ends[0].dtls, PAW_DTLS_CLIENT, pair.clock.now_ns), PAW_OK);
  pair_run(&pair, 10);
  pair_expect_connected(&pair);
  pair_wipe(&pair);
}

/* A part of a message in clear that says it is `message_len` bytes long. */
static void inject_part(struct pair *pair, unsigned end, uint8_t type, uint32_t message_len,
                        uint16_t sequence, uint64_t record) {
  uint8_t data[64];
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  paw_wr_u8(&wr, 22);
  paw_wr_u16(&wr, 0xfefd);
  paw_wr_u64(&wr, record); /* of epoch 0 */
  paw_wr_u16(&wr, 12 + 20);
  paw_wr_u8(&wr, type);
  paw_wr_u24(&wr, message_len);
  paw_wr_u16(&wr, sequence);
  paw_wr_u24(&wr, 0);
  paw_wr_u24(&wr, 20);
  paw_wr_zeros(&wr, 20);
  assert_false(wr.bad);
  pair_inject(pair, end, data, wr.len);
}

/* What mbedTLS puts together for a client is bounded too, by itself: 32 kB. */
static void hostile_fragments_for_the_client(void **state) {
  (void)state;
  static const uint8_t types[] = {11, 12, 13, 14};
  static const uint32_t lens[] = {0xffffff, 65536, 17000, 16000, 8000, 4000, 100};
  struct pair pair;
  pair_init(&pair, 1, NULL);
  pair_start(&pair);
  kit_malloc_start();
  uint64_t record = 10;
  for (uint16_t sequence = 1; sequence < 40; sequence++) {
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
      inject_part(&pair, PAIR_CLIENT, types[(sequence + i) % 4], lens[i], sequence, record++);
    }
  }
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_in_range(counts.outstanding_bytes, 16000, 34000);
  inject_part(&pair, PAIR_CLIENT, 2, 16000, 0, record++);
  inject_part(&pair, PAIR_CLIENT, 2, 65536, 0, record++);
  assert_int_equal(paw_dtls_get_state(pair.ends[PAIR_CLIENT].dtls), PAW_DTLS_STATE_HANDSHAKE);
  pair_run(&pair, 1000);
  pair_expect_connected(&pair);
  pair_wipe(&pair);
}

/* Record numbers in clear are anybody's: one far ahead must not make the peer's own look old. */
static void record_numbers_far_ahead(void **state) {
  (void)state;
  static const uint64_t far = (UINT64_C(1) << 48) - 1;
  struct pair pair;
  pair_init(&pair, 1, &(struct kit_link_config){.delay_ns = 5 * PAW_NS_PER_MS});
  pair_start(&pair);
  for (unsigned ms = 0; ms < 20; ms++) {
    inject_part(&pair, PAIR_CLIENT, 11, 1000, 1, far);
    inject_part(&pair, PAIR_SERVER, ms < 5 ? 1 : 11, 1000, ms < 5 ? 0 : 1, far);
    pair_run(&pair, 1);
  }
  pair_run(&pair, 1000);
  pair_expect_connected(&pair);
  assert_int_equal(pair_get_stats(&pair, PAIR_CLIENT).retransmissions, 0);
  pair_wipe(&pair);
}

struct datagram {
  size_t len;
  uint8_t data[67];
};

/* One and the same datagram to both, at every moment of a handshake. */
static void throw_at_any_moment(uint64_t seed, void *context) {
  const struct datagram *thrown = context;
  struct pair pair;
  pair_init(&pair, seed, &(struct kit_link_config){.delay_ns = 5 * PAW_NS_PER_MS, .loss = 0.1});
  pair_start(&pair);
  for (unsigned ms = 0; ms < 2000; ms++) {
    pair_inject(&pair, PAIR_CLIENT, thrown->data, thrown->len);
    pair_inject(&pair, PAIR_SERVER, thrown->data, thrown->len);
    pair_run(&pair, 1);
  }
  pair_expect_connected(&pair);
  assert_int_equal(pair.ends[0].closed + pair.ends[1].closed, 0);
  pair_wipe(&pair);
}

/* ChangeCipherSpec is signed by nobody, and a record of the next epoch is garbage until it can be
 * opened: neither of them, nor both together, ends the handshake. */
static void changes_of_cipher_and_sealed_garbage(void **state) {
  (void)state;
  struct datagram change = {14, {20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 1, 9, 0, 1, 1}};
  struct datagram sealed = {53, {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 40}};
  struct datagram both = change;
  memcpy(both.data + change.len, sealed.data, sealed.len);
  both.len += sealed.len;
  kit_seeds_run(throw_at_any_moment, &change, 20);
  kit_seeds_run(throw_at_any_moment, &sealed, 20);
  kit_seeds_run(throw_at_any_moment, &both, 20);
}

static bool send_twice(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct pair *pair = user_data;
  static bool again;
  if (!again) {
    again = true;
    kit_net_send(pair->net, &datagram->from, &datagram->to, datagram->data, datagram->len, now_ns);
    again = false;
  }
  return true;
}

static void everything_twice(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, &(struct kit_link_config){.delay_ns = PAW_NS_PER_MS});
  kit_net_set_filter(pair.net, send_twice, &pair);
  pair_start(&pair);
  pair_run(&pair, 1000);
  pair_expect_connected(&pair);
  pair_wipe(&pair);
}

/* Turns bits, cuts and lengthens what passes. */
struct spoiler {
  struct pair *pair;
  struct kit_rng rng;
  bool passing; /* what comes is from here */
  unsigned spoiled;
};

static bool spoil(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct spoiler *spoiler = user_data;
  if (spoiler->passing || !kit_rng_chance(&spoiler->rng, 0.3)) {
    return true;
  }
  uint8_t data[PAW_DATAGRAM_MAX] = {0};
  size_t len = datagram->len;
  memcpy(data, datagram->data, len);
  for (uint64_t turns = 1 + kit_rng_below(&spoiler->rng, 3); turns > 0; turns--) {
    data[kit_rng_below(&spoiler->rng, len)] ^= (uint8_t)(1u << kit_rng_below(&spoiler->rng, 8));
  }
  if (kit_rng_chance(&spoiler->rng, 0.2)) {
    len = 1 + (size_t)kit_rng_below(&spoiler->rng, len + 20);
  }
  spoiler->spoiled++;
  spoiler->passing = true;
  kit_net_send(spoiler->pair->net, &datagram->from, &datagram->to, data, len, now_ns);
  spoiler->passing = false;
  return false;
}

/* Whoever is connected has the keys that the other has; whoever is not has none and says why. */
static void handshake_over_a_spoiling_link(uint64_t seed, void *context) {
  unsigned *connected = context;
  struct pair pair;
  pair_init(&pair, seed, &(struct kit_link_config){.delay_ns = PAW_NS_PER_MS});
  struct spoiler spoiler = {.pair = &pair};
  kit_rng_init(&spoiler.rng, seed);
  kit_net_set_filter(pair.net, spoil, &spoiler);
  pair_start(&pair);
  pair_run(&pair, 40000);
  if (pair.ends[0].connected + pair.ends[1].connected == 2 &&
      pair.ends[0].closed + pair.ends[1].closed == 0) {
    pair_expect_connected(&pair);
    (*connected)++;
  }
  for (unsigned i = 0; i < 2; i++) {
    if (pair.ends[i].connected == 0) {
      assert_int_equal(pair.ends[i].closed, 1);
      assert_int_not_equal(pair.ends[i].reason, PAW_DTLS_REASON_NONE);
      pair_expect_no_keys(&pair, i);
    }
  }
  pair_wipe(&pair);
}

static void spoiled_datagrams(void **state) {
  (void)state;
  unsigned connected = 0;
  kit_seeds_run(handshake_over_a_spoiling_link, &connected, 60);
  assert_true(connected > 0 || getenv("PAW_SEED") != NULL); /* half of them */
}

static void at_rest_nothing_is_allocated(void **state) {
  (void)state;
  struct pair pair;
  pair_connect(&pair, 1);
  kit_malloc_start();
  for (unsigned i = 0; i < 10; i++) {
    inject_forged_alerts(&pair, 0);
    pair_run(&pair, 1000);
  }
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_int_equal(counts.outstanding, 0);
  kit_malloc_start();
  pair_run(&pair, 60000);
  counts = kit_malloc_stop();
  assert_int_equal(counts.allocations, 0);
  pair_wipe(&pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forged_alerts),
      cmocka_unit_test(tampered_close_notify),
      cmocka_unit_test(a_fatal_alert_is_believed_when_nobody_goes_on),
      cmocka_unit_test(forged_alerts_do_not_end_a_handshake),
      cmocka_unit_test(garbage_is_dropped),
      cmocka_unit_test(oversize_and_empty),
      cmocka_unit_test(hostile_fragments),
      cmocka_unit_test(hostile_fragments_for_the_client),
      cmocka_unit_test(record_numbers_far_ahead),
      cmocka_unit_test(changes_of_cipher_and_sealed_garbage),
      cmocka_unit_test(everything_twice),
      cmocka_unit_test(spoiled_datagrams),
      cmocka_unit_test(at_rest_nothing_is_allocated),
  };
  return cmocka_run_group_tests_name("dtls_hostile", tests, NULL, NULL);
}
