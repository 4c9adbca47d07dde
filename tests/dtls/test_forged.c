/* SPDX-License-Identifier: MIT */
/* Whole handshake messages in clear, forged with the right number and from the right address, at
 * each moment of a handshake: the worst that comes of one is that this handshake ends. There are
 * never keys that the true peer does not have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/wr.h"
#include "dtls/pair.h"

#define DELAY_MS 5
#define HANDSHAKE_MS 25 /* two round trips, and more */

static void inject_message(struct pair *pair, unsigned end, uint8_t type, uint16_t sequence) {
  uint8_t data[80];
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  paw_wr_u8(&wr, 22);
  paw_wr_u16(&wr, 0xfefd);
  paw_wr_u64(&wr, 1000u + sequence); /* of epoch 0 */
  paw_wr_u16(&wr, 12 + 40);
  paw_wr_u8(&wr, type);
  paw_wr_u24(&wr, 40);
  paw_wr_u16(&wr, sequence);
  paw_wr_u24(&wr, 0);
  paw_wr_u24(&wr, 40);
  paw_wr_u16(&wr, 0xfefd);
  paw_wr_zeros(&wr, 38);
  assert_false(wr.bad);
  pair_inject(pair, end, data, wr.len);
}

static bool ends_well(const struct pair *pair) {
  return pair->ends[0].connected == 1 && pair->ends[1].connected == 1 &&
         pair->ends[0].closed + pair->ends[1].closed == 0;
}

/* Either all went on, or the victim has ended and has no keys. */
static void expect_no_false_keys(const struct pair *pair, unsigned victim) {
  const struct pair_end *end = &pair->ends[victim];
  if (ends_well(pair)) {
    pair_expect_connected(pair);
    return;
  }
  assert_int_equal(end->closed, 1);
  assert_int_equal(paw_dtls_get_state(end->dtls), PAW_DTLS_STATE_CLOSED);
  assert_true(end->reason == PAW_DTLS_REASON_HANDSHAKE ||
              end->reason == PAW_DTLS_REASON_FINGERPRINT || end->reason == PAW_DTLS_REASON_TIMEOUT);
  pair_expect_no_keys(pair, victim);
}

/* True: the handshake came to its end all the same. */
static bool forge(unsigned victim, uint8_t type, uint16_t sequence, uint64_t at_ms) {
  struct pair pair;
  pair_init(&pair, 1, &(struct kit_link_config){.delay_ns = DELAY_MS * PAW_NS_PER_MS});
  pair_start(&pair);
  pair_run(&pair, at_ms);
  inject_message(&pair, victim, type, sequence);
  pair_run(&pair, 40000);
  expect_no_false_keys(&pair, victim);
  bool well = ends_well(&pair);
  pair_wipe(&pair);
  return well;
}

static void forge_all(unsigned victim, const uint8_t *types, size_t count) {
  unsigned ended = 0;
  unsigned tried = 0;
  for (size_t i = 0; i < count; i++) {
    for (uint16_t sequence = 0; sequence < 6; sequence++) {
      for (uint64_t at_ms = 1; at_ms < HANDSHAKE_MS; at_ms += 6) {
        ended += !forge(victim, types[i], sequence, at_ms);
        tried++;
      }
    }
  }
  printf("%u of %u forged messages ended a handshake\n", ended, tried);
  assert_in_range(ended, 1, tried - 1); /* some are read, some come too late */
}

static void of_the_server(void **state) {
  (void)state;
  static const uint8_t types[] = {2, 3, 11, 12, 14}; /* hello, verify, certificate, key, done */
  forge_all(PAIR_CLIENT, types, sizeof types);
}

static void of_the_client(void **state) {
  (void)state;
  static const uint8_t types[] = {1, 11, 15, 16}; /* hello, certificate, verify, key */
  forge_all(PAIR_SERVER, types, sizeof types);
}

/* Once it has ended, it stays at rest whatever comes. */
static void after_the_handshake(void **state) {
  (void)state;
  struct pair pair;
  pair_connect(&pair, 1);
  for (unsigned end = 0; end < 2; end++) {
    uint64_t before = pair_get_stats(&pair, end).dropped;
    for (uint8_t type = 0; type < 25; type++) {
      for (uint16_t sequence = 0; sequence < 10; sequence++) {
        inject_message(&pair, end, type, sequence);
      }
    }
    /* A server repeats its last flight for the first of them. */
    assert_in_range(pair_get_stats(&pair, end).dropped - before, 249, 250);
  }
  pair_run(&pair, 100);
  pair_expect_connected(&pair);
  assert_int_equal(pair.ends[0].closed + pair.ends[1].closed, 0);
  pair_wipe(&pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_the_server),
      cmocka_unit_test(of_the_client),
      cmocka_unit_test(after_the_handshake),
  };
  return cmocka_run_group_tests_name("dtls_forged", tests, NULL, NULL);
}
