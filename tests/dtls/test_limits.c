/* SPDX-License-Identifier: MIT */
/* What an endpoint keeps of datagrams, in and out. */
#include "dtls/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "kit/alloc.h"

/* An endpoint whose datagrams nobody takes away, with its memory counted. */
struct mute {
  struct kit_rng rng;
  struct kit_allocator memory;
  struct paw_certificate *certificate;
  struct paw_dtls *dtls;
  uint64_t now_ns;
};

static void mute_init(struct mute *mute) {
  static const struct paw_allocator heap;
  *mute = (struct mute){.now_ns = KIT_CLOCK_ORIGIN_NS};
  kit_rng_init(&mute->rng, 7);
  struct paw_rng rng = kit_rng_hook(&mute->rng);
  assert_int_equal(paw_certificate_generate(&rng, &heap, &mute->certificate), PAW_OK);
  struct paw_dtls_config config;
  paw_dtls_config_init(&config);
  config.certificate = mute->certificate;
  config.rng = rng;
  config.allocator = kit_allocator_hook(&mute->memory);
  assert_int_equal(paw_dtls_new(&config, &mute->dtls), PAW_OK);
}

static void mute_wipe(struct mute *mute) {
  paw_dtls_free(mute->dtls);
  paw_certificate_free(mute->certificate);
  assert_int_equal(mute->memory.outstanding_bytes, 0);
}

static void wait_ms(struct mute *mute, uint64_t ms) {
  mute->now_ns += ms * PAW_NS_PER_MS;
  struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = mute->now_ns};
  assert_int_equal(paw_dtls_handle_input(mute->dtls, &input), PAW_OK);
}

static size_t take_all(struct mute *mute, size_t *bytes) {
  struct paw_dtls_output output;
  size_t count = 0;
  *bytes = 0;
  paw_dtls_poll_output(mute->dtls, &output);
  while (output.kind == PAW_OUTPUT_TRANSMIT) {
    *bytes += output.transmit.len;
    count++;
    paw_dtls_poll_output(mute->dtls, &output);
  }
  assert_int_equal(output.kind, PAW_OUTPUT_TIMEOUT);
  return count;
}

static void receive(struct mute *mute, const uint8_t *data, size_t len) {
  struct paw_input input = {
      .kind = PAW_INPUT_RECEIVE, .now_ns = mute->now_ns, .data = data, .len = len};
  assert_int_equal(paw_dtls_handle_input(mute->dtls, &input), PAW_OK);
}

/* A server that was asked to begin, whose flight nobody takes away. */
static size_t begin_server(struct mute *mute, uint8_t *hello) {
  struct pair pair;
  struct paw_dtls_output output;
  struct paw_fingerprint fingerprint;
  pair_init(&pair, 1, NULL);
  pair_set_fingerprint(&pair, PAIR_CLIENT, &pair.ends[PAIR_CLIENT].expected);
  assert_int_equal(paw_dtls_start(pair.ends[PAIR_CLIENT].dtls, PAW_DTLS_CLIENT, mute->now_ns),
                   PAW_OK);
  paw_dtls_poll_output(pair.ends[PAIR_CLIENT].dtls, &output);
  assert_int_equal(output.kind, PAW_OUTPUT_TRANSMIT);
  size_t hello_len = output.transmit.len;
  memcpy(hello, output.transmit.data, hello_len);
  paw_certificate_get_fingerprint(pair.ends[PAIR_CLIENT].certificate, &fingerprint);
  assert_int_equal(paw_dtls_set_remote_fingerprints(mute->dtls, &fingerprint, 1), PAW_OK);
  assert_int_equal(paw_dtls_start(mute->dtls, PAW_DTLS_SERVER, mute->now_ns), PAW_OK);
  receive(mute, hello, hello_len);
  pair_wipe(&pair);
  return hello_len;
}

/* Ask again until as much memory is in use. */
static void wait_until_in_use(struct mute *mute, const uint8_t *hello, size_t len, size_t bytes) {
  for (int i = 0; i < 100 && mute->memory.outstanding_bytes < bytes; i++) {
    wait_ms(mute, 10);
    receive(mute, hello, len);
  }
  assert_int_equal(mute->memory.outstanding_bytes, bytes);
}

/* The queue grows, is full, and then nothing grows. */
static void what_nobody_polls(void **state) {
  (void)state;
  struct mute mute;
  uint8_t hello[PAW_MTU];
  size_t flight = 0;
  mute_init(&mute);
  size_t len = begin_server(&mute, hello);
  size_t datagrams = take_all(&mute, &flight);
  size_t first = mute.memory.outstanding_bytes;
  wait_until_in_use(&mute, hello, len, first + PAW_DTLS_OUT_INITIAL_BYTES); /* twice as large */
  size_t most = first + PAW_DTLS_OUT_MAX_BYTES - PAW_DTLS_OUT_INITIAL_BYTES;
  wait_until_in_use(&mute, hello, len, most);
  for (size_t i = 0; i < 1000; i++) {
    wait_ms(&mute, 10);
    receive(&mute, hello, len);
    assert_int_equal(mute.memory.outstanding_bytes, most);
  }
  size_t bytes = 0;
  (void)take_all(&mute, &bytes);
  assert_in_range(bytes, PAW_DTLS_OUT_MAX_BYTES * 9 / 10, PAW_DTLS_OUT_MAX_BYTES);
  receive(&mute, hello, len);
  assert_int_equal(take_all(&mute, &bytes), datagrams); /* and goes on */
  assert_int_equal(bytes, flight);
  mute_wipe(&mute);
}

/* As many and as long as are kept before the start, and one more of each. */
static void what_comes_before_the_start(void **state) {
  (void)state;
  struct mute mute;
  mute_init(&mute);
  static const uint8_t data[PAW_DATAGRAM_MAX + 1] = {22};
  struct paw_input input = {
      .kind = PAW_INPUT_RECEIVE, .now_ns = mute.now_ns, .data = data, .len = PAW_DATAGRAM_MAX + 1};
  struct paw_dtls_stats stats;
  assert_int_equal(paw_dtls_handle_input(mute.dtls, &input), PAW_OK);
  paw_dtls_get_stats(mute.dtls, &stats);
  assert_int_equal(stats.dropped, 1);
  input.len = PAW_DATAGRAM_MAX;
  for (size_t i = 0; i < PAW_DTLS_EARLY_MAX; i++) {
    assert_int_equal(paw_dtls_handle_input(mute.dtls, &input), PAW_OK);
  }
  paw_dtls_get_stats(mute.dtls, &stats);
  assert_int_equal(stats.dropped, 1);
  size_t most = mute.memory.outstanding_bytes;
  assert_true(most >= PAW_DTLS_EARLY_MAX * PAW_DATAGRAM_MAX);
  assert_int_equal(paw_dtls_handle_input(mute.dtls, &input), PAW_OK);
  paw_dtls_get_stats(mute.dtls, &stats);
  assert_int_equal(stats.dropped, 2);
  assert_int_equal(mute.memory.outstanding_bytes, most);
  mute_wipe(&mute);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_nobody_polls),
      cmocka_unit_test(what_comes_before_the_start),
  };
  return cmocka_run_group_tests_name("dtls_limits", tests, NULL, NULL);
}
