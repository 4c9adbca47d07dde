/* SPDX-License-Identifier: MIT */
/* The endpoint around the handshake: states, early datagrams, time, closing, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "dtls/hello.h"
#include "dtls/pair.h"
#include "kit/alloc.h"

/* ---- configuration and state ---- */

static void configurations(void **state) {
  (void)state;
  struct kit_rng random;
  kit_rng_init(&random, 1);
  const struct paw_rng rng = kit_rng_hook(&random);
  const struct paw_allocator allocator = {NULL, NULL, NULL};
  struct paw_certificate *certificate = NULL;
  assert_int_equal(paw_certificate_generate(&rng, &allocator, &certificate), PAW_OK);

  struct paw_dtls_config good;
  struct paw_dtls *dtls = NULL;
  paw_dtls_config_init(&good);
  assert_int_equal(good.initial_rto_ns, 50 * PAW_NS_PER_MS);
  assert_int_equal(good.handshake_timeout_ns, 30 * PAW_NS_PER_S);
  assert_int_equal(good.mtu, 1200);
  good.certificate = certificate;
  good.rng = rng;
  struct paw_dtls_config bad[6];
  for (size_t i = 0; i < 6; i++) {
    bad[i] = good;
  }
  bad[0].struct_size = 0;
  bad[1].certificate = NULL;
  bad[2].rng.fill = NULL;
  bad[3].initial_rto_ns = 0;
  bad[4].mtu = 507;
  bad[5].mtu = 1501;
  for (size_t i = 0; i < 6; i++) {
    assert_int_equal(paw_dtls_new(&bad[i], &dtls), PAW_ERR_INVALID);
    assert_null(dtls);
  }
  kit_malloc_start();
  assert_int_equal(paw_dtls_new(&good, &dtls), PAW_OK);
  assert_in_range(kit_malloc_stop().outstanding_bytes, 500, 1500);
  assert_int_equal(paw_dtls_get_state(dtls), PAW_DTLS_STATE_NEW);
  paw_dtls_free(dtls);
  paw_dtls_free(NULL);
  paw_certificate_free(certificate);
  paw_certificate_free(NULL);
}

static void fingerprints_are_checked_when_set(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  struct paw_dtls *dtls = pair.ends[0].dtls;
  struct paw_fingerprint list[PAW_DESCRIPTION_FINGERPRINTS_MAX + 1] = {
      {.hash = PAW_HASH_SHA1, .len = 20}};
  assert_int_equal(paw_dtls_set_remote_fingerprints(dtls, list, 0), PAW_ERR_INVALID);
  assert_int_equal(paw_dtls_set_remote_fingerprints(dtls, list, 1), PAW_ERR_INVALID);
  list[1] = pair.ends[0].expected;
  assert_int_equal(paw_dtls_set_remote_fingerprints(dtls, list, 2), PAW_OK);
  assert_int_equal(
      paw_dtls_set_remote_fingerprints(dtls, list, PAW_DESCRIPTION_FINGERPRINTS_MAX + 1),
      PAW_ERR_LIMIT);
  assert_int_equal(paw_dtls_start(dtls, PAW_DTLS_CLIENT, pair.clock.now_ns), PAW_OK);
  assert_int_equal(paw_dtls_set_remote_fingerprints(dtls, list, 2), PAW_ERR_STATE);
  assert_int_equal(paw_dtls_start(dtls, PAW_DTLS_CLIENT, pair.clock.now_ns), PAW_ERR_STATE);
  pair_wipe(&pair);
}

/* The right one may stand anywhere in the list, and be of another hash than the rest. */
static void one_of_several_fingerprints(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  struct paw_fingerprint list[4] = {{.hash = PAW_HASH_SHA512, .len = 64},
                                    {.hash = PAW_HASH_SHA1, .len = 20},
                                    {.hash = PAW_HASH_SHA256, .len = 32}};
  for (unsigned i = 0; i < 2; i++) {
    list[3] = pair.ends[i].expected;
    assert_int_equal(paw_dtls_set_remote_fingerprints(pair.ends[i].dtls, list, 4), PAW_OK);
    assert_int_equal(paw_dtls_start(pair.ends[i].dtls, i == 0 ? PAW_DTLS_CLIENT : PAW_DTLS_SERVER,
                                    pair.clock.now_ns),
                     PAW_OK);
  }
  pair_run(&pair, 100);
  pair_expect_connected(&pair);
  pair_wipe(&pair);
}

static void without_any_fingerprint(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  pair_set_fingerprint(&pair, PAIR_SERVER, &pair.ends[PAIR_SERVER].expected);
  assert_int_equal(paw_dtls_start(pair.ends[0].dtls, PAW_DTLS_CLIENT, pair.clock.now_ns), PAW_OK);
  assert_int_equal(paw_dtls_start(pair.ends[1].dtls, PAW_DTLS_SERVER, pair.clock.now_ns), PAW_OK);
  pair_run(&pair, 100);
  assert_int_equal(pair.ends[PAIR_CLIENT].reason, PAW_DTLS_REASON_FINGERPRINT);
  pair_expect_no_keys(&pair, PAIR_CLIENT);
  pair_expect_no_keys(&pair, PAIR_SERVER);
  pair_wipe(&pair);
}

static void reasons_have_texts(void **state) {
  (void)state;
  assert_string_equal(paw_dtls_reason_text(PAW_DTLS_REASON_LOCAL), "closed by this side");
  assert_string_equal(paw_dtls_reason_text(PAW_DTLS_REASON_NO_MEMORY), "out of memory");
  assert_string_equal(paw_dtls_reason_text((enum paw_dtls_reason)99), "unknown reason");
  assert_string_equal(paw_dtls_reason_text((enum paw_dtls_reason) - 1), "unknown reason");
}

/* ---- early datagrams ---- */

/* The client's answer, and its DTLS, came before the description that lets us start. */
static void early_datagrams_are_kept(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  pair_set_fingerprint(&pair, PAIR_CLIENT, &pair.ends[PAIR_CLIENT].expected);
  pair_set_fingerprint(&pair, PAIR_SERVER, &pair.ends[PAIR_SERVER].expected);
  assert_int_equal(paw_dtls_start(pair.ends[0].dtls, PAW_DTLS_CLIENT, pair.clock.now_ns), PAW_OK);
  pair_run(&pair, 40); /* the ClientHello waits in the server */
  assert_int_equal(pair_get_stats(&pair, PAIR_SERVER).datagrams_received, 1);
  assert_int_equal(pair_get_stats(&pair, PAIR_SERVER).dropped, 0);
  assert_int_equal(paw_dtls_start(pair.ends[1].dtls, PAW_DTLS_SERVER, pair.clock.now_ns), PAW_OK);
  pair_run(&pair, 1);
  pair_expect_connected(&pair);
  assert_int_equal(pair_get_stats(&pair, PAIR_CLIENT).retransmissions, 0);
  pair_wipe(&pair);
}

static void early_datagrams_are_bounded(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  uint8_t junk[1500];
  memset(junk, 22, sizeof junk);
  for (size_t i = 0; i < 100; i++) {
    pair_inject(&pair, PAIR_SERVER, junk, sizeof junk);
  }
  assert_int_equal(pair_get_stats(&pair, PAIR_SERVER).dropped, 100 - PAW_DTLS_EARLY_MAX);
  pair_start(&pair);
  assert_int_equal(pair_get_stats(&pair, PAIR_SERVER).dropped, 100);
  pair_run(&pair, 100);
  pair_expect_connected(&pair);
  pair_wipe(&pair);
}

static void early_fragments_are_put_together(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  pair_set_fingerprint(&pair, PAIR_CLIENT, &pair.ends[PAIR_CLIENT].expected);
  pair_set_fingerprint(&pair, PAIR_SERVER, &pair.ends[PAIR_SERVER].expected);
  assert_int_equal(paw_dtls_start(pair.ends[0].dtls, PAW_DTLS_CLIENT, pair.clock.now_ns), PAW_OK);
  struct paw_dtls_output output;
  paw_dtls_poll_output(pair.ends[0].dtls, &output);
  assert_int_equal(output.kind, PAW_OUTPUT_TRANSMIT);
  struct hello_datagram whole = {.len = output.transmit.len};
  memcpy(whole.data, output.transmit.data, whole.len);
  size_t message_len = hello_message_len(whole.data, whole.len);
  assert_true(message_len > 60);
  struct hello_datagram second = hello_cut(&whole, 60, message_len, 0);
  struct hello_datagram first = hello_cut(&whole, 0, 60, 0);
  pair_inject(&pair, PAIR_SERVER, second.data, second.len);
  pair_inject(&pair, PAIR_SERVER, first.data, first.len);
  assert_int_equal(paw_dtls_start(pair.ends[1].dtls, PAW_DTLS_SERVER, pair.clock.now_ns), PAW_OK);
  pair_run(&pair, 10);
  pair_expect_connected(&pair);
  pair_wipe(&pair);
}

static void a_closed_endpoint_forgets_early_datagrams(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  static const uint8_t junk[30] = {22};
  pair_inject(&pair, PAIR_SERVER, junk, sizeof junk);
  paw_dtls_close(pair.ends[PAIR_SERVER].dtls);
  (void)pair_drain(&pair, PAIR_SERVER);
  assert_int_equal(pair.ends[PAIR_SERVER].reason, PAW_DTLS_REASON_LOCAL);
  assert_int_equal(pair.ends[PAIR_SERVER].sent, 0);
  assert_int_equal(paw_dtls_start(pair.ends[1].dtls, PAW_DTLS_SERVER, pair.clock.now_ns),
                   PAW_ERR_STATE);
  pair_wipe(&pair);
}

/* ---- time ---- */

static bool lose(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  (void)user_data;
  (void)datagram;
  (void)now_ns;
  return false;
}

static uint64_t sent_at_ms[64];
static unsigned sent_count;

static bool note_and_lose(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  (void)user_data;
  (void)datagram;
  if (sent_count < 64) {
    sent_at_ms[sent_count++] = (now_ns - KIT_CLOCK_ORIGIN_NS) / PAW_NS_PER_MS;
  }
  return false;
}

/* 50 ms, doubled up to 400 ms, after twelve times 1.2 s, until 30 s have passed. */
static void nobody_answers_the_client(void **state) {
  (void)state;
  static const uint64_t begin_ms[] = {0,    50,   150,  350,  750,  1150, 1550, 1950,
                                      2350, 2750, 3150, 3550, 3950, 5150, 6350};
  struct pair pair;
  pair_init(&pair, 1, NULL);
  kit_net_set_filter(pair.net, note_and_lose, NULL);
  sent_count = 0;
  pair_start(&pair);
  pair_run(&pair, 29999);
  assert_int_equal(pair.ends[PAIR_CLIENT].closed, 0);
  for (size_t i = 0; i < sizeof begin_ms / sizeof begin_ms[0]; i++) {
    assert_int_equal(sent_at_ms[i], begin_ms[i]);
  }
  assert_in_range(sent_count, 30, 34);
  assert_in_range(sent_at_ms[sent_count - 1], 27000, 30000);
  pair_run(&pair, 1);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(pair.ends[i].closed, 1);
    assert_int_equal(pair.ends[i].reason, PAW_DTLS_REASON_TIMEOUT);
    assert_true(pair.ends[i].wakeups < 40);
  }
  assert_int_equal(pair_get_stats(&pair, PAIR_CLIENT).retransmissions, sent_count - 1);
  assert_int_equal(pair_get_stats(&pair, PAIR_SERVER).retransmissions, 0);
  pair_wipe(&pair);
}

/* A server that has nothing to repeat sets no timer but the last. */
static void a_server_waits_quietly(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  pair_set_fingerprint(&pair, PAIR_SERVER, &pair.ends[PAIR_SERVER].expected);
  assert_int_equal(paw_dtls_start(pair.ends[1].dtls, PAW_DTLS_SERVER, pair.clock.now_ns), PAW_OK);
  assert_int_equal(pair_drain(&pair, PAIR_SERVER), pair.clock.now_ns + 30 * PAW_NS_PER_S);
  const struct paw_input early = {.kind = PAW_INPUT_TIMEOUT, .now_ns = pair.clock.now_ns + 100};
  for (int i = 0; i < 10; i++) {
    assert_int_equal(paw_dtls_handle_input(pair.ends[1].dtls, &early), PAW_OK);
  }
  assert_int_equal(pair.ends[PAIR_SERVER].sent, 0);
  pair_wipe(&pair);
}

/* The machine slept: what came meanwhile is read before the deadline that passed counts. */
static void datagrams_before_deadlines(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, &(struct kit_link_config){.delay_ns = 10 * PAW_NS_PER_MS});
  pair_start(&pair);
  (void)pair_drain(&pair, PAIR_CLIENT);
  kit_clock_advance_ms(&pair.clock, 10);
  struct kit_datagram datagram;
  assert_true(kit_net_deliver(pair.net, pair.clock.now_ns, &datagram));
  pair_inject(&pair, PAIR_SERVER, datagram.data, datagram.len);
  (void)pair_drain(&pair, PAIR_SERVER);
  kit_clock_advance_ms(&pair.clock, 900);
  while (kit_net_deliver(pair.net, pair.clock.now_ns, &datagram)) {
    pair_inject(&pair, PAIR_CLIENT, datagram.data, datagram.len);
  }
  (void)pair_drain(&pair, PAIR_CLIENT);
  assert_int_equal(pair_get_stats(&pair, PAIR_CLIENT).retransmissions, 0);
  assert_int_equal(pair.ends[PAIR_CLIENT].sent, 2);
  pair_wipe(&pair);
}

/* A deadline that passed is acted on by the poll after a datagram too: pair_drain checks that the
 * next one lies ahead. */
static void a_deadline_found_by_poll(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  kit_net_set_filter(pair.net, lose, NULL);
  pair_start(&pair);
  (void)pair_drain(&pair, PAIR_CLIENT);
  kit_clock_advance_ms(&pair.clock, 70);
  static const uint8_t junk[20] = {22};
  pair_inject(&pair, PAIR_CLIENT, junk, sizeof junk);
  assert_int_equal(pair_get_stats(&pair, PAIR_CLIENT).retransmissions, 0);
  assert_int_equal(pair_drain(&pair, PAIR_CLIENT), pair.clock.now_ns + 100 * PAW_NS_PER_MS);
  assert_int_equal(pair_get_stats(&pair, PAIR_CLIENT).retransmissions, 1);
  assert_int_equal(pair.ends[PAIR_CLIENT].sent, 2);
  pair_wipe(&pair);
}

static void clocks_that_jump(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  pair_start(&pair);
  const struct paw_input back = {.kind = PAW_INPUT_TIMEOUT, .now_ns = 1};
  assert_int_equal(paw_dtls_handle_input(pair.ends[0].dtls, &back), PAW_OK);
  assert_int_equal(paw_dtls_handle_input(pair.ends[1].dtls, &back), PAW_OK);
  pair_run(&pair, 100);
  pair_expect_connected(&pair);
  const struct paw_input ahead = {.kind = PAW_INPUT_TIMEOUT, .now_ns = PAW_TIME_NEVER - 1};
  assert_int_equal(paw_dtls_handle_input(pair.ends[0].dtls, &ahead), PAW_OK);
  assert_int_equal(paw_dtls_get_state(pair.ends[0].dtls), PAW_DTLS_STATE_CONNECTED);
  const struct paw_input wrong = {.kind = (enum paw_input_kind)7};
  assert_int_equal(paw_dtls_handle_input(pair.ends[0].dtls, &wrong), PAW_ERR_INVALID);
  pair_wipe(&pair);
}

/* The source of randomness fails amid the handshake: it ends, and says so; there are no keys. */
static void without_randomness(void **state) {
  (void)state;
  for (unsigned end = 0; end < 2; end++) {
    struct pair pair;
    pair_init(&pair, 1, &(struct kit_link_config){.delay_ns = PAW_NS_PER_MS});
    pair_start(&pair);
    (void)pair_drain(&pair, PAIR_CLIENT); /* its ClientHello is made */
    pair.ends[end].rng.failing = true;
    pair_run(&pair, 40000);
    assert_int_equal(pair.ends[end].closed, 1);
    assert_int_equal(pair.ends[end].reason, PAW_DTLS_REASON_HANDSHAKE);
    assert_int_equal(pair.ends[1 - end].closed, 1);
    pair_expect_no_keys(&pair, 0);
    pair_expect_no_keys(&pair, 1);
    pair_wipe(&pair);
  }
}

/* ---- closing ---- */

static void closes(unsigned end) {
  struct pair pair;
  pair_connect(&pair, 1);
  unsigned sent_before = pair.ends[end].sent;
  paw_dtls_close(pair.ends[end].dtls);
  paw_dtls_close(pair.ends[end].dtls);
  assert_int_equal(paw_dtls_get_state(pair.ends[end].dtls), PAW_DTLS_STATE_CLOSED);
  pair_run(&pair, 100);
  assert_int_equal(pair.ends[end].sent, sent_before + 2);
  assert_int_equal(pair.ends[end].reason, PAW_DTLS_REASON_LOCAL);
  assert_int_equal(pair.ends[1 - end].reason, PAW_DTLS_REASON_CLOSE_NOTIFY);
  struct paw_srtp_keys keys;
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(pair.ends[i].closed, 1);
    assert_int_equal(paw_dtls_get_keys(pair.ends[i].dtls, &keys), PAW_ERR_STATE);
    const struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = pair.clock.now_ns};
    assert_int_equal(paw_dtls_handle_input(pair.ends[i].dtls, &input), PAW_ERR_STATE);
    assert_int_equal(pair_drain(&pair, i), PAW_TIME_NEVER);
  }
  pair_wipe(&pair);
}

static void either_side_closes(void **state) {
  (void)state;
  closes(PAIR_CLIENT);
  closes(PAIR_SERVER);
}

static void one_lost_close_notify_does_not_matter(void **state) {
  (void)state;
  struct pair pair;
  pair_connect(&pair, 1);
  paw_dtls_close(pair.ends[PAIR_SERVER].dtls);
  kit_net_set_filter(pair.net, lose, NULL);
  struct paw_dtls_output output;
  paw_dtls_poll_output(pair.ends[PAIR_SERVER].dtls, &output); /* never sent */
  assert_int_equal(output.kind, PAW_OUTPUT_TRANSMIT);
  kit_net_set_filter(pair.net, NULL, NULL);
  pair_run(&pair, 100);
  assert_int_equal(pair.ends[PAIR_CLIENT].reason, PAW_DTLS_REASON_CLOSE_NOTIFY);
  pair_wipe(&pair);
}

static void closing_amid_the_handshake(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, &(struct kit_link_config){.delay_ns = 10 * PAW_NS_PER_MS});
  pair_start(&pair);
  pair_run(&pair, 15);
  paw_dtls_close(pair.ends[PAIR_CLIENT].dtls);
  pair_run(&pair, 40000);
  assert_int_equal(pair.ends[PAIR_CLIENT].reason, PAW_DTLS_REASON_LOCAL);
  assert_int_equal(pair.ends[PAIR_SERVER].reason, PAW_DTLS_REASON_TIMEOUT);
  pair_expect_no_keys(&pair, PAIR_CLIENT);
  pair_expect_no_keys(&pair, PAIR_SERVER);
  pair_wipe(&pair);
}

/* ---- the last flight ---- */

static unsigned to_lose;

static bool lose_last_flight(void *user_data, const struct kit_datagram *datagram,
                             uint64_t now_ns) {
  (void)user_data;
  (void)now_ns;
  bool is_last = datagram->data[0] == 20;
  if (is_last && to_lose > 0) {
    to_lose--;
    return false;
  }
  return true;
}

static void a_lost_last_flight_is_repeated(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, &(struct kit_link_config){.delay_ns = PAW_NS_PER_MS});
  kit_net_set_filter(pair.net, lose_last_flight, NULL);
  to_lose = 3;
  pair_start(&pair);
  pair_run(&pair, 10);
  assert_int_equal(pair.ends[PAIR_SERVER].connected, 1);
  assert_int_equal(pair.ends[PAIR_CLIENT].connected, 0);
  pair_run(&pair, 2000);
  assert_int_equal(to_lose, 0);
  pair_expect_connected(&pair);
  pair_wipe(&pair);
}

/* From the server's last flight on nothing of the client comes through, as if its timer were long.
 */
static bool silence_client(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  const struct pair *pair = user_data;
  bool of_client = paw_address_equal(&datagram->from, &pair->ends[PAIR_CLIENT].address);
  return lose_last_flight(NULL, datagram, now_ns) &&
         (!of_client || pair->ends[PAIR_SERVER].connected == 0);
}

static void begin_with_silent_client(struct pair *pair, unsigned losses) {
  pair_init(pair, 1, &(struct kit_link_config){.delay_ns = PAW_NS_PER_MS});
  kit_net_set_filter(pair->net, silence_client, pair);
  to_lose = losses;
  pair_start(pair);
  pair_run(pair, 10);
  assert_int_equal(pair->ends[PAIR_SERVER].connected, 1);
  assert_int_equal(pair->ends[PAIR_CLIENT].connected, 0);
}

static void a_lost_last_flight_comes_unasked(void **state) {
  (void)state;
  for (unsigned losses = 1; losses <= 2; losses++) {
    struct pair pair;
    begin_with_silent_client(&pair, losses);
    unsigned sent = pair.ends[PAIR_SERVER].sent;
    pair_run(&pair, losses == 1 ? 20 : 60);
    pair_expect_connected(&pair);
    pair_run(&pair, 10000);
    assert_int_equal(pair.ends[PAIR_SERVER].sent, sent + 2); /* and no more than that */
    pair_wipe(&pair);
  }
}

static void a_client_that_speaks_has_the_last_flight(void **state) {
  (void)state;
  struct pair pair;
  begin_with_silent_client(&pair, 3);
  unsigned sent = pair.ends[PAIR_SERVER].sent;
  paw_dtls_note_peer_complete(pair.ends[PAIR_SERVER].dtls);
  assert_int_equal(pair_drain(&pair, PAIR_SERVER), PAW_TIME_NEVER);
  pair_run(&pair, 1000);
  assert_int_equal(pair.ends[PAIR_SERVER].sent, sent);
  pair_wipe(&pair);
}

/* A flood that looks like a client repeating itself gets one answer in 20 ms. */
static void the_last_flight_is_no_amplifier(void **state) {
  (void)state;
  struct pair pair;
  pair_connect(&pair, 1);
  unsigned before = pair.ends[PAIR_SERVER].sent;
  static const uint8_t change_cipher_spec[14] = {20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1};
  for (unsigned i = 0; i < 1000; i++) {
    pair_inject(&pair, PAIR_SERVER, change_cipher_spec, sizeof change_cipher_spec);
    pair_inject(&pair, PAIR_CLIENT, change_cipher_spec, sizeof change_cipher_spec);
    (void)pair_drain(&pair, PAIR_SERVER);
    (void)pair_drain(&pair, PAIR_CLIENT);
    kit_clock_advance_ns(&pair.clock, PAW_NS_PER_MS / 10);
  }
  assert_in_range(pair.ends[PAIR_SERVER].sent - before, 4, 6);
  assert_int_equal(pair.ends[PAIR_CLIENT].sent, 2);
  pair_wipe(&pair);
}

/* ---- memory ---- */

/* At rest an endpoint holds what it held before it started, in either role: nothing of mbedTLS. */
static void a_connected_endpoint_is_small(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  kit_malloc_start();
  pair_start(&pair);
  pair_run(&pair, 100);
  struct kit_malloc_counts counts = kit_malloc_stop();
  pair_expect_connected(&pair);
  assert_int_equal(counts.outstanding_bytes, 0);
  pair_wipe(&pair);
}

static void nobody_polls(void **state) {
  (void)state;
  struct pair pair;
  pair_init(&pair, 1, NULL);
  pair_start(&pair);
  kit_malloc_start();
  struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = pair.clock.now_ns};
  for (unsigned i = 0; i < 2900; i++) {
    input.now_ns += 10 * PAW_NS_PER_MS;
    assert_int_equal(paw_dtls_handle_input(pair.ends[0].dtls, &input), PAW_OK);
  }
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_true(counts.outstanding_bytes <= PAW_DTLS_OUT_MAX_BYTES);
  pair_wipe(&pair);
}

/* Allocations of a whole connection fail in turn, those inside mbedTLS too: the first ones, then
 * every 101st. Nobody crashes, nothing is left, and each side ends in a known way. */
static void any_allocation_fails(void **state) {
  (void)state;
  bool done = !kit_malloc_can_fail();
  unsigned failures = 0;
  for (uint64_t nth = 1; !done; nth += nth < 60 ? 1 : 101) {
    struct pair pair;
    kit_malloc_start();
    pair_init(&pair, 1, NULL);
    pair_set_fingerprint(&pair, PAIR_CLIENT, &pair.ends[PAIR_CLIENT].expected);
    pair_set_fingerprint(&pair, PAIR_SERVER, &pair.ends[PAIR_SERVER].expected);
    kit_malloc_fail(nth, false);
    int client = paw_dtls_start(pair.ends[0].dtls, PAW_DTLS_CLIENT, pair.clock.now_ns);
    int server = paw_dtls_start(pair.ends[1].dtls, PAW_DTLS_SERVER, pair.clock.now_ns);
    if (client == PAW_OK && server == PAW_OK) {
      pair_run(&pair, 40000);
      for (unsigned i = 0; i < 2; i++) {
        assert_int_not_equal(paw_dtls_get_state(pair.ends[i].dtls), PAW_DTLS_STATE_HANDSHAKE);
      }
    } else {
      assert_true(client == PAW_ERR_NO_MEMORY || server == PAW_ERR_NO_MEMORY);
    }
    struct kit_malloc_counts counts = kit_malloc_get_counts();
    done = counts.failed == 0;
    failures += pair.ends[0].connected + pair.ends[1].connected < 2 ? 1 : 0;
    kit_malloc_fail(0, false);
    pair_wipe(&pair);
    assert_int_equal(kit_malloc_stop().outstanding, 0);
  }
  assert_true(failures > 50 || !kit_malloc_can_fail());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(configurations),
      cmocka_unit_test(fingerprints_are_checked_when_set),
      cmocka_unit_test(one_of_several_fingerprints),
      cmocka_unit_test(without_any_fingerprint),
      cmocka_unit_test(reasons_have_texts),
      cmocka_unit_test(early_datagrams_are_kept),
      cmocka_unit_test(early_datagrams_are_bounded),
      cmocka_unit_test(early_fragments_are_put_together),
      cmocka_unit_test(a_closed_endpoint_forgets_early_datagrams),
      cmocka_unit_test(nobody_answers_the_client),
      cmocka_unit_test(a_server_waits_quietly),
      cmocka_unit_test(datagrams_before_deadlines),
      cmocka_unit_test(a_deadline_found_by_poll),
      cmocka_unit_test(clocks_that_jump),
      cmocka_unit_test(without_randomness),
      cmocka_unit_test(either_side_closes),
      cmocka_unit_test(one_lost_close_notify_does_not_matter),
      cmocka_unit_test(closing_amid_the_handshake),
      cmocka_unit_test(a_lost_last_flight_is_repeated),
      cmocka_unit_test(a_lost_last_flight_comes_unasked),
      cmocka_unit_test(a_client_that_speaks_has_the_last_flight),
      cmocka_unit_test(the_last_flight_is_no_amplifier),
      cmocka_unit_test(a_connected_endpoint_is_small),
      cmocka_unit_test(nobody_polls),
      cmocka_unit_test(any_allocation_fails),
  };
  return cmocka_run_group_tests_name("dtls_endpoint", tests, NULL, NULL);
}
