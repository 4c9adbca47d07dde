/* SPDX-License-Identifier: MIT */
#include "dtls/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct paw_allocator allocator = {NULL, NULL, NULL};

static void init_end(struct pair *pair, unsigned index, uint64_t seed) {
  struct pair_end *end = &pair->ends[index];
  kit_rng_init(&end->rng, 2 * seed + index);
  assert_int_equal(
      paw_address_parse(index == PAIR_CLIENT ? "192.0.2.1:1000" : "192.0.2.2:2000", &end->address),
      PAW_OK);
  struct paw_rng rng = kit_rng_hook(&end->rng);
  assert_int_equal(paw_certificate_generate(&rng, &allocator, &end->certificate), PAW_OK);
  struct paw_dtls_config config;
  paw_dtls_config_init(&config);
  config.certificate = end->certificate;
  config.rng = rng;
  assert_int_equal(paw_dtls_new(&config, &end->dtls), PAW_OK);
}

void pair_init(struct pair *pair, uint64_t seed, const struct kit_link_config *link) {
  static const struct kit_link_config perfect;
  memset(pair, 0, sizeof *pair);
  kit_clock_init(&pair->clock);
  pair->net = kit_net_new(seed, link != NULL ? link : &perfect);
  init_end(pair, PAIR_CLIENT, seed);
  init_end(pair, PAIR_SERVER, seed);
  for (unsigned i = 0; i < 2; i++) {
    paw_certificate_get_fingerprint(pair->ends[1 - i].certificate, &pair->ends[i].expected);
  }
}

void pair_wipe(struct pair *pair) {
  for (unsigned i = 0; i < 2; i++) {
    paw_dtls_free(pair->ends[i].dtls);
    paw_certificate_free(pair->ends[i].certificate);
  }
  kit_net_free(pair->net);
}

void pair_set_fingerprint(struct pair *pair, unsigned end, const struct paw_fingerprint *value) {
  assert_int_equal(paw_dtls_set_remote_fingerprints(pair->ends[end].dtls, value, 1), PAW_OK);
}

void pair_start(struct pair *pair) {
  for (unsigned i = 0; i < 2; i++) {
    pair_set_fingerprint(pair, i, &pair->ends[i].expected);
    enum paw_dtls_role role = i == PAIR_CLIENT ? PAW_DTLS_CLIENT : PAW_DTLS_SERVER;
    assert_int_equal(paw_dtls_start(pair->ends[i].dtls, role, pair->clock.now_ns), PAW_OK);
  }
}

static void note_event(struct pair *pair, struct pair_end *end,
                       const struct paw_dtls_output *output) {
  switch (output->event.kind) {
  case PAW_DTLS_EVENT_CONNECTED:
    assert_int_equal(end->connected, 0);
    assert_int_equal(end->closed, 0);
    assert_int_equal(output->event.reason, PAW_DTLS_REASON_NONE);
    end->connected++;
    end->connected_ns = pair->clock.now_ns;
    break;
  case PAW_DTLS_EVENT_CLOSED:
    assert_int_equal(end->closed, 0);
    end->closed++;
    end->reason = output->event.reason;
    break;
  }
}

uint64_t pair_drain(struct pair *pair, unsigned index) {
  struct pair_end *end = &pair->ends[index];
  for (;;) {
    struct paw_dtls_output output;
    paw_dtls_poll_output(end->dtls, &output);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT:
      assert_true(output.transmit.len > 0 && output.transmit.len <= 1200);
      end->sent++;
      kit_net_send(pair->net, &end->address, &pair->ends[1 - index].address, output.transmit.data,
                   output.transmit.len, pair->clock.now_ns);
      break;
    case PAW_OUTPUT_EVENT:
      note_event(pair, end, &output);
      break;
    case PAW_OUTPUT_TIMEOUT:
      assert_true(output.timeout.deadline_ns > pair->clock.now_ns);
      return output.timeout.deadline_ns;
    }
  }
}

static void give(struct pair *pair, unsigned index, enum paw_input_kind kind, const uint8_t *data,
                 size_t len) {
  struct paw_dtls *dtls = pair->ends[index].dtls;
  const struct paw_input input = {
      .kind = kind, .now_ns = pair->clock.now_ns, .data = data, .len = len};
  int expected = paw_dtls_get_state(dtls) == PAW_DTLS_STATE_CLOSED ? PAW_ERR_STATE : PAW_OK;
  pair->ends[index].wakeups++;
  assert_int_equal(paw_dtls_handle_input(dtls, &input), expected);
}

void pair_inject(struct pair *pair, unsigned end, const uint8_t *data, size_t len) {
  give(pair, end, PAW_INPUT_RECEIVE, data, len);
}

static void deliver(struct pair *pair) {
  struct kit_datagram datagram;
  while (kit_net_deliver(pair->net, pair->clock.now_ns, &datagram)) {
    unsigned to = paw_address_equal(&datagram.to, &pair->ends[0].address) ? 0 : 1;
    pair_inject(pair, to, datagram.data, datagram.len);
  }
}

static uint64_t earlier(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

void pair_run(struct pair *pair, uint64_t ms) {
  uint64_t end_ns = pair->clock.now_ns + ms * PAW_NS_PER_MS;
  for (;;) {
    deliver(pair);
    uint64_t deadlines[2];
    for (unsigned i = 0; i < 2; i++) {
      deadlines[i] = pair_drain(pair, i);
    }
    uint64_t next_ns = earlier(earlier(deadlines[0], deadlines[1]), kit_net_next_ns(pair->net));
    if (next_ns > end_ns) {
      kit_clock_advance_to(&pair->clock, end_ns);
      return;
    }
    kit_clock_advance_to(&pair->clock, next_ns);
    deliver(pair);
    for (unsigned i = 0; i < 2; i++) {
      if (deadlines[i] <= pair->clock.now_ns) {
        give(pair, i, PAW_INPUT_TIMEOUT, NULL, 0);
      }
    }
  }
}

void pair_expect_connected(const struct pair *pair) {
  struct paw_srtp_keys client;
  struct paw_srtp_keys server;
  assert_int_equal(pair->ends[PAIR_CLIENT].connected, 1);
  assert_int_equal(pair->ends[PAIR_SERVER].connected, 1);
  assert_int_equal(paw_dtls_get_keys(pair->ends[PAIR_CLIENT].dtls, &client), PAW_OK);
  assert_int_equal(paw_dtls_get_keys(pair->ends[PAIR_SERVER].dtls, &server), PAW_OK);
  assert_memory_equal(client.local_key, server.remote_key, sizeof client.local_key);
  assert_memory_equal(client.local_salt, server.remote_salt, sizeof client.local_salt);
  assert_memory_equal(client.remote_key, server.local_key, sizeof client.remote_key);
  assert_memory_equal(client.remote_salt, server.local_salt, sizeof client.remote_salt);
  assert_memory_not_equal(client.local_key, client.remote_key, sizeof client.local_key);
}

void pair_expect_no_keys(const struct pair *pair, unsigned end) {
  struct paw_srtp_keys keys;
  assert_int_equal(pair->ends[end].connected, 0);
  assert_int_equal(paw_dtls_get_keys(pair->ends[end].dtls, &keys), PAW_ERR_STATE);
}

struct paw_dtls_stats pair_get_stats(const struct pair *pair, unsigned end) {
  struct paw_dtls_stats stats;
  paw_dtls_get_stats(pair->ends[end].dtls, &stats);
  return stats;
}

void pair_connect(struct pair *pair, uint64_t seed) {
  pair_init(pair, seed, &(struct kit_link_config){.delay_ns = PAW_NS_PER_MS});
  pair_start(pair);
  pair_run(pair, 100);
  pair_expect_connected(pair);
}
