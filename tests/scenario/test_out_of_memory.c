/* SPDX-License-Identifier: MIT */
/* Every allocation in the life of two connections fails in turn: nothing crashes, nothing leaks,
 * and somebody is told. Once through the library's own allocator, and once at the level of malloc,
 * where libsrtp2 and mbedTLS allocate too, in builds where malloc can be made to fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pawebrtc/pawebrtc.h>
#include <string.h>

#include "kit/alloc.h"
#include "kit/clock.h"
#include "kit/net.h"
#include "kit/pair.h"
#include "kit/peer.h"

/* One side, driven by hand: the kit's own driver takes any failure for a failed test. */
struct end {
  struct paw_rtc *rtc;
  struct kit_rng rng;
  struct paw_address address;
  uint64_t deadline_ns;
  bool connected;
  bool closed;
  enum paw_close_reason reason;
  uint64_t audio;
};

struct life {
  struct kit_net *net;
  struct kit_clock clock;
  struct end ends[2];
  struct paw_allocator allocator;
  int status; /* of the first call that failed */
};

static bool note(struct life *life, int status) {
  if (life->status == PAW_OK) {
    life->status = status;
  }
  return status == PAW_OK;
}

static bool make_end(struct life *life, size_t index) {
  struct end *end = &life->ends[index];
  struct paw_rtc_config config;
  paw_rtc_config_init(&config);
  kit_rng_init(&end->rng, index + 1);
  config.rng = kit_rng_hook(&end->rng);
  config.certificate = kit_certificate((unsigned)index);
  config.allocator = life->allocator;
  config.audio.rtx = true; /* SRTP has a stream more */
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = end->address};
  return note(life, paw_rtc_new(&config, life->clock.now_ns, &end->rtc)) &&
         note(life, paw_rtc_add_local_candidate(end->rtc, &candidate));
}

static bool negotiate(struct life *life) {
  static char offer[KIT_SDP_MAX];
  static char answer[KIT_SDP_MAX];
  size_t offer_len = sizeof offer;
  size_t answer_len = sizeof answer;
  uint64_t now_ns = life->clock.now_ns;
  return note(life, paw_rtc_create_offer(life->ends[0].rtc, offer, &offer_len)) &&
         note(life, paw_rtc_accept_offer(life->ends[1].rtc, now_ns, offer, offer_len, answer,
                                         &answer_len)) &&
         note(life, paw_rtc_accept_answer(life->ends[0].rtc, now_ns, answer, answer_len));
}

static void drain(struct life *life, struct end *end) {
  struct paw_rtc_output output = {.kind = PAW_OUTPUT_EVENT};
  while (output.kind != PAW_OUTPUT_TIMEOUT) {
    paw_rtc_poll_output(end->rtc, &output);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT:
      kit_net_send(life->net, &output.transmit.local, &output.transmit.remote, output.transmit.data,
                   output.transmit.len, life->clock.now_ns);
      break;
    case PAW_OUTPUT_EVENT:
      end->connected = end->connected || output.event.kind == PAW_RTC_EVENT_CONNECTED;
      if (output.event.kind == PAW_RTC_EVENT_CLOSED) {
        end->closed = true;
        end->reason = output.event.reason;
      }
      end->audio += output.event.kind == PAW_RTC_EVENT_AUDIO;
      break;
    case PAW_OUTPUT_TIMEOUT:
      end->deadline_ns = output.timeout.deadline_ns;
      break;
    }
  }
}

/* Nothing from the network, and no want of memory, makes this fail. */
static void feed(struct life *life, struct end *end, const struct paw_input *input) {
  int status = paw_rtc_handle_input(end->rtc, input);
  assert_true(status == PAW_OK || status == PAW_ERR_STATE);
  drain(life, end);
}

static void deliver(struct life *life) {
  struct kit_datagram datagram;
  while (kit_net_deliver(life->net, life->clock.now_ns, &datagram)) {
    bool first = paw_address_equal(&datagram.to, &life->ends[0].address);
    feed(life, &life->ends[first ? 0 : 1],
         &(struct paw_input){.kind = PAW_INPUT_RECEIVE,
                             .now_ns = life->clock.now_ns,
                             .local = datagram.to,
                             .remote = datagram.from,
                             .data = datagram.data,
                             .len = datagram.len});
  }
}

static void run_ms(struct life *life, uint64_t ms) {
  uint64_t end_ns = life->clock.now_ns + ms * PAW_NS_PER_MS;
  while (life->clock.now_ns < end_ns) {
    uint64_t next_ns = kit_net_next_ns(life->net);
    for (size_t i = 0; i < 2; i++) {
      next_ns = life->ends[i].deadline_ns < next_ns ? life->ends[i].deadline_ns : next_ns;
    }
    kit_clock_advance_to(&life->clock, next_ns < end_ns ? next_ns : end_ns);
    deliver(life);
    for (size_t i = 0; i < 2; i++) {
      if (life->ends[i].deadline_ns <= life->clock.now_ns) {
        feed(life, &life->ends[i],
             &(struct paw_input){.kind = PAW_INPUT_TIMEOUT, .now_ns = life->clock.now_ns});
      }
    }
  }
}

static void talk(struct life *life) {
  for (uint64_t i = 0; i < 10; i++) {
    uint8_t data[] = {0xf8, 0xff, 0xfe};
    struct paw_audio_frame frame = {.data = data,
                                    .len = sizeof data,
                                    .media_rtp = i * 960,
                                    .capture_ns = life->clock.now_ns,
                                    .duration_rtp = 960,
                                    .level = PAW_AUDIO_LEVEL_NONE};
    int status = paw_rtc_send_audio(life->ends[0].rtc, life->clock.now_ns, &frame);
    assert_true(status == PAW_OK || status == PAW_ERR_NO_MEMORY || life->ends[0].closed);
    drain(life, &life->ends[0]);
    run_ms(life, 20);
  }
}

/* From the first call to the last, as far as memory allows. */
static void live(struct life *life) {
  if (!make_end(life, 0) || !make_end(life, 1) || !negotiate(life)) {
    return;
  }
  drain(life, &life->ends[0]);
  drain(life, &life->ends[1]);
  run_ms(life, 400);
  talk(life);
  for (size_t i = 0; i < 2; i++) {
    paw_rtc_close(life->ends[i].rtc, life->clock.now_ns);
    drain(life, &life->ends[i]);
    assert_true(life->ends[i].closed);
  }
}

static void begin(struct life *life, struct paw_allocator allocator) {
  memset(life, 0, sizeof *life);
  life->net = kit_net_new(1, &(struct kit_link_config){.delay_ns = 2 * PAW_NS_PER_MS});
  kit_clock_init(&life->clock);
  life->allocator = allocator;
  assert_int_equal(paw_address_parse("192.0.2.1:10001", &life->ends[0].address), PAW_OK);
  assert_int_equal(paw_address_parse("192.0.2.2:10002", &life->ends[1].address), PAW_OK);
  for (size_t i = 0; i < 2; i++) {
    life->ends[i].deadline_ns = PAW_TIME_NEVER;
  }
}

static void end(struct life *life) {
  for (size_t i = 0; i < 2; i++) {
    paw_rtc_free(life->ends[i].rtc);
  }
}

/* How lives went. */
struct tally {
  uint64_t lives;
  uint64_t refused; /* a call said that there is no memory */
  uint64_t ended;   /* a side closed and told why */
  uint64_t heard;   /* media flowed all the same */
  uint64_t silent;  /* only datagrams were lost, without end by the time */
};

static bool ended_by_itself(const struct end *end) {
  if (!end->closed || end->reason == PAW_CLOSE_LOCAL) {
    return false;
  }
  /* Some want of memory within mbedTLS is told by it as another failure. */
  assert_true(end->reason == PAW_CLOSE_NO_MEMORY || end->reason == PAW_CLOSE_DTLS_FAILED ||
              end->reason == PAW_CLOSE_DTLS_ALERT || end->reason == PAW_CLOSE_PEER);
  return true;
}

static void count_life(struct tally *tally, const struct life *life) {
  bool first_ended = ended_by_itself(&life->ends[0]);
  bool second_ended = ended_by_itself(&life->ends[1]);
  tally->lives++;
  if (life->status != PAW_OK) {
    assert_int_equal(life->status, PAW_ERR_NO_MEMORY);
    tally->refused++;
  } else if (first_ended || second_ended) {
    tally->ended++;
  } else if (life->ends[1].audio > 0) {
    tally->heard++;
  } else {
    tally->silent++;
  }
}

static void assert_told(const struct tally *tally) {
  assert_true(tally->refused > 0 && tally->ended > 0 && tally->heard > 0);
  assert_true(tally->silent * 10 <= tally->lives);
}

/* One by one at first, then in growing steps: mbedTLS allocates for every number that it handles.
 */
static uint64_t next_of(uint64_t nth) {
  return nth + 1 + nth / 100;
}

/* Returns whether an allocation failed. */
static bool live_with_own_allocator(uint64_t nth, bool all_after, struct tally *tally) {
  struct kit_allocator allocator = {.fail_nth = nth, .fail_all_after = all_after};
  struct life life;
  begin(&life, kit_allocator_hook(&allocator));
  live(&life);
  end(&life);
  count_life(tally, &life);
  assert_int_equal(allocator.outstanding_bytes, 0);
  assert_int_equal(allocator.allocations, allocator.frees);
  if (allocator.failed == 0) {
    assert_true(life.ends[1].audio == 10 && life.ends[0].connected);
  }
  kit_net_free(life.net);
  return allocator.failed > 0;
}

static bool live_with_malloc(uint64_t nth, bool all_after, struct tally *tally) {
  struct life life;
  begin(&life, (struct paw_allocator){0});
  kit_malloc_start();
  kit_malloc_fail(nth, all_after);
  live(&life);
  kit_malloc_fail(0, false);
  end(&life);
  struct kit_malloc_counts counts = kit_malloc_stop();
  count_life(tally, &life);
  assert_int_equal(counts.outstanding, 0);
  if (counts.failed == 0) {
    assert_true(life.ends[1].audio == 10 && life.ends[0].connected);
  }
  kit_net_free(life.net);
  return counts.failed > 0;
}

typedef bool live_with_failure(uint64_t nth, bool all_after, struct tally *tally);

static void fail_in_turn(live_with_failure *live_with, uint64_t least) {
  struct tally tally = {0};
  /* What is set up once for the process is no leak. */
  assert_false(live_with(UINT64_MAX, false, &tally));
  for (int all_after = 0; all_after < 2; all_after++) {
    uint64_t nth = 1;
    while (live_with(nth, all_after != 0, &tally)) {
      nth = next_of(nth);
    }
    assert_true(nth > least);
  }
  assert_told(&tally);
}

static void own_allocator(void **state) {
  (void)state;
  fail_in_turn(live_with_own_allocator, 10);
}

static void at_malloc(void **state) {
  (void)state;
  fail_in_turn(live_with_malloc, 1000);
}

/* ---- one packet ---- */

struct caught {
  struct kit_datagram datagram;
  uint8_t bytes[300];
};

/* RTCP is lost: it would make the state that the first RTP packet is to make. */
static bool catch_rtp(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct caught *caught = user_data;
  (void)now_ns;
  if (datagram->data[0] < 128) {
    return true;
  }
  if (datagram->data[1] >= 192 && datagram->data[1] <= 223) {
    return false;
  }
  assert_true(datagram->len <= sizeof caught->bytes);
  caught->datagram = *datagram;
  caught->datagram.data = caught->bytes;
  memcpy(caught->bytes, datagram->data, datagram->len);
  return false;
}

/* SRTP has no memory for the state of a new SSRC. That is told as what it is, and has changed
 * nothing: the same packet is good afterwards. */
static void no_memory_for_a_new_stream(void **state) {
  (void)state;
  struct kit_pair_config config;
  struct caught caught = {0};
  kit_pair_config_init(&config, 8);
  config.rtc[0].audio.direction = PAW_DIRECTION_SENDONLY;
  config.rtc[1].audio.direction = PAW_DIRECTION_RECVONLY;
  struct kit_pair *pair = kit_pair_new(&config);
  kit_net_set_filter(pair->net, catch_rtp, &caught);
  kit_pair_negotiate(pair);
  kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
  for (unsigned ms = 0; ms < 1000 && caught.datagram.len == 0; ms++) {
    kit_pair_run_ms(pair, 1);
  }
  assert_true(caught.datagram.len > 0);
  kit_malloc_start();
  kit_malloc_fail(1, false);
  kit_peer_receive(&pair->peers[1], &caught.datagram, pair->clock.now_ns);
  assert_int_equal(kit_malloc_stop().failed, 1);
  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 1);
  assert_int_equal(stats.drops[PAW_DROP_NO_MEMORY], 1);
  assert_int_equal(stats.drops[PAW_DROP_SRTP_AUTH], 0);
  assert_int_equal(stats.packets_received, 0);
  kit_peer_receive(&pair->peers[1], &caught.datagram, pair->clock.now_ns);
  assert_int_equal(kit_pair_get_stats(pair, 1).packets_received, 1);
  kit_pair_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(own_allocator),
      cmocka_unit_test(at_malloc),
      cmocka_unit_test(no_memory_for_a_new_stream),
  };
  size_t count = kit_malloc_can_fail() ? 3 : 1;
  return _cmocka_run_group_tests("out_of_memory", tests, count, NULL, NULL);
}
