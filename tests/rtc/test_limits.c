/* SPDX-License-Identifier: MIT */
/* What a connection takes from an authenticated peer, up to each bound and one past it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/wr.h"
#include "kit/pair.h"
#include "rtc/rtc_private.h"
#include "rtcp/rtcp.h"
#include "rtp/rtp.h"

static const struct paw_allocator heap;

/* peers[0] sends too much, peers[1] takes it; the test feeds it, and polls when it wants to. */
static struct kit_pair *pair;
static struct paw_rtc *rtc;
static struct paw_srtp *strangers[40]; /* one an SSRC, made when it is needed */

static int begin(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 7);
  pair = kit_pair_connect(&config, 200);
  kit_pair_run_ms(pair, 200);
  rtc = pair->peers[1].rtc;
  return 0;
}

static int end(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
    paw_srtp_free(strangers[i], &heap);
    strangers[i] = NULL;
  }
  kit_pair_free(pair);
  return 0;
}

static void feed(const uint8_t *data, size_t len) {
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = pair->clock.now_ns,
                            .arrival_ns = pair->clock.now_ns,
                            .local = pair->peers[1].addresses[0],
                            .remote = pair->peers[0].addresses[0],
                            .data = data,
                            .len = len};
  assert_int_equal(paw_rtc_handle_input(rtc, &input), PAW_OK);
}

/* A datagram of `len` bytes: a packet of the stream `who`. */
static void feed_rtp(size_t who, uint16_t sequence, size_t len) {
  uint8_t packet[PAW_DATAGRAM_MAX + 100] = {0};
  uint32_t ssrc = 1000 + (uint32_t)who;
  if (strangers[who] == NULL) {
    struct paw_srtp_keys keys;
    assert_int_equal(paw_dtls_get_keys(pair->peers[0].rtc->dtls, &keys), PAW_OK);
    assert_int_equal(paw_srtp_new(&heap, &keys, ssrc, &strangers[who]), PAW_OK);
  }
  struct paw_wr wr = paw_wr_init(packet, sizeof packet);
  struct paw_rtp_header header = {.payload_type = 111, .sequence = sequence, .ssrc = ssrc};
  paw_rtp_write_header(&wr, &header, false);
  packet[wr.len] = 0xf8;
  size_t plain_len = len - 10; /* the tag */
  assert_int_equal(paw_srtp_protect_rtp(strangers[who], packet, &plain_len, sizeof packet), PAW_OK);
  assert_int_equal(plain_len, len);
  feed(packet, len);
}

static void feed_report(void) {
  uint8_t packet[100];
  struct paw_wr wr = paw_wr_init(packet, sizeof packet - PAW_SRTP_TRAILER_MAX);
  struct paw_rtcp_report report = {.ssrc = pair->peers[0].rtc->local_ssrc,
                                   .block_count = 1,
                                   .blocks = {{.ssrc = rtc->local_ssrc}}};
  paw_rtcp_write_receiver_report(&wr, &report);
  size_t len = wr.len;
  assert_int_equal(paw_srtp_protect_rtcp(pair->peers[0].rtc->srtp, packet, &len, sizeof packet),
                   PAW_OK);
  feed(packet, len);
}

static uint64_t drops(enum paw_drop reason) {
  return kit_pair_get_stats(pair, 1).drops[reason];
}

static void the_longest_datagram(void **state) {
  (void)state;
  feed_rtp(0, 1, PAW_DATAGRAM_MAX);
  assert_int_equal(drops(PAW_DROP_RTP_MALFORMED), 0);
  struct paw_rtc_event event;
  assert_true(paw_rtc_poll_event(rtc, &event));
  assert_int_equal(event.kind, PAW_RTC_EVENT_AUDIO);
  assert_int_equal(event.audio.len, PAW_DATAGRAM_MAX - 12 - 10);
  feed_rtp(0, 2, PAW_DATAGRAM_MAX + 1);
  assert_int_equal(drops(PAW_DROP_RTP_MALFORMED), 1);
  assert_false(paw_rtc_poll_event(rtc, &event));
}

/* Four streams at a time; one that has been idle for two seconds makes room for another. */
static void streams_at_a_time(void **state) {
  (void)state;
  for (uint16_t sequence = 1; sequence <= 3; sequence++) {
    for (size_t who = 0; who < PAW_RTC_RECV_STREAMS_MAX; who++) {
      feed_rtp(who, sequence, 60);
    }
  }
  assert_int_equal(drops(PAW_DROP_RTP_SSRC_LIMIT), 0);
  assert_int_equal(rtc->recv_count, PAW_RTC_RECV_STREAMS_MAX);
  kit_pair_run_ms(pair, 1900);
  feed_rtp(PAW_RTC_RECV_STREAMS_MAX, 1, 60);
  assert_int_equal(drops(PAW_DROP_RTP_SSRC_LIMIT), 1);
  kit_pair_run_ms(pair, 200);
  feed_rtp(PAW_RTC_RECV_STREAMS_MAX, 2, 60);
  assert_int_equal(drops(PAW_DROP_RTP_SSRC_LIMIT), 1);
  assert_int_equal(rtc->recv_count, PAW_RTC_RECV_STREAMS_MAX);
  assert_int_equal(rtc->recv[PAW_RTC_RECV_STREAMS_MAX - 1].ssrc, 1000 + PAW_RTC_RECV_STREAMS_MAX);
}

/* Counts what waits, and takes it away. */
static void take_events(size_t *audio, size_t *reports) {
  struct paw_rtc_event event;
  *audio = 0;
  *reports = 0;
  while (paw_rtc_poll_event(rtc, &event)) {
    *audio += event.kind == PAW_RTC_EVENT_AUDIO;
    *reports += event.kind == PAW_RTC_EVENT_RECEIVER_REPORT;
  }
}

/* Audio that nobody takes is dropped while there is still room for what must not be missed; that is
 * full some time later. */
static void events_that_wait(void **state) {
  (void)state;
  struct paw_rtc_event event;
  while (paw_rtc_poll_event(rtc, &event)) {
  }
  assert_int_equal(rtc->queue.size, PAW_RTC_QUEUE_INITIAL_BYTES);
  feed_rtp(0, 1, 160);
  assert_int_equal(rtc->queue.size, PAW_RTC_QUEUE_STREAM_BYTES);
  uint16_t fed = 1;
  while (drops(PAW_DROP_QUEUE_FULL) == 0) {
    assert_true(fed < 1000);
    feed_rtp(0, ++fed, 160);
  }
  assert_in_range(rtc->queue.used, PAW_RTC_QUEUE_AUDIO_BYTES + 1, PAW_RTC_QUEUE_AUDIO_BYTES + 512);
  assert_int_equal(rtc->queue.size, PAW_RTC_QUEUE_MAX_BYTES);
  size_t told = 0;
  while (drops(PAW_DROP_QUEUE_FULL) == 1) {
    assert_true(told < 1000);
    feed_report();
    told++;
  }
  for (int i = 0; i < 100; i++) {
    feed_report();
    feed_rtp(0, ++fed, 160);
  }
  assert_int_equal(rtc->queue.size, PAW_RTC_QUEUE_MAX_BYTES);
  assert_int_equal(drops(PAW_DROP_QUEUE_FULL), 202);
  size_t audio = 0;
  size_t reports = 0;
  take_events(&audio, &reports);
  assert_int_equal(audio, fed - 101);
  assert_int_equal(reports, told - 1);
  assert_in_range(reports, 10, 200);
  feed_rtp(0, ++fed, 160);
  feed_report();
  take_events(&audio, &reports);
  assert_int_equal(audio, 1);
  assert_int_equal(reports, 1);
  assert_int_equal(drops(PAW_DROP_QUEUE_FULL), 202);
}

/* It is the peer's all the same. What SRTP does not see of more than 2^15 packets takes its
 * roll-over counter along, and nothing after it is authentic any more. */
static void audio_that_finds_no_place(void **state) {
  (void)state;
  uint16_t sequence = 0;
  while (drops(PAW_DROP_QUEUE_FULL) == 0) {
    feed_rtp(0, ++sequence, 160);
  }
  uint64_t authentic = paw_rtc_count_authentic(rtc);
  for (uint64_t i = 1; i <= 65536; i++) {
    feed_rtp(0, ++sequence, 60);
    assert_int_equal(paw_rtc_count_authentic(rtc), authentic + i);
  }
  assert_int_equal(drops(PAW_DROP_QUEUE_FULL), 65537);
  size_t audio = 0;
  size_t reports = 0;
  take_events(&audio, &reports);
  feed_rtp(0, ++sequence, 60);
  take_events(&audio, &reports);
  assert_int_equal(audio, 1);
  assert_int_equal(drops(PAW_DROP_SRTP_AUTH), 0);
}

/* Who knows the addresses of a connection, and no more, costs it no memory. */
static void room_for_what_is_forged(void **state) {
  (void)state;
  struct paw_rtc_event event;
  while (paw_rtc_poll_event(rtc, &event)) {
  }
  const uint8_t forged[PAW_DATAGRAM_MAX] = {0x80, 111};
  feed(forged, sizeof forged);
  assert_int_equal(drops(PAW_DROP_SRTP_AUTH), 1);
  assert_int_equal(rtc->queue.size, PAW_RTC_QUEUE_INITIAL_BYTES);
}

static void numbers_that_wait_to_be_asked_for(void **state) {
  (void)state;
  uint64_t now_ns = pair->clock.now_ns;
  uint16_t wanted[PAW_RTC_NACKS_MAX + 1];
  for (uint16_t i = 0; i <= PAW_RTC_NACKS_MAX; i++) {
    wanted[i] = (uint16_t)(40000 + 20 * i); /* each takes a field of its own */
  }
  feed_rtp(0, 1, 60); /* there is a stream to ask for */
  assert_int_equal(paw_rtc_send_nack(rtc, now_ns, wanted, PAW_RTC_NACKS_MAX + 1), PAW_ERR_INVALID);
  assert_int_equal(paw_rtc_send_nack(rtc, now_ns, wanted, PAW_RTC_NACKS_MAX), PAW_OK);
  assert_int_equal(paw_rtc_send_nack(rtc, now_ns, wanted, 1), PAW_ERR_LIMIT);
  kit_peer_drain(&pair->peers[1], now_ns);
  assert_int_equal(kit_pair_get_stats(pair, 1).nacks_sent, PAW_RTC_NACKS_MAX);
  assert_int_equal(paw_rtc_send_nack(rtc, now_ns, wanted, 1), PAW_OK);
}

/* All at once: a sender report about all streams, both times, and a NACK of the most numbers, each
 * far from the others. */
static void the_longest_rtcp(void **state) {
  (void)state;
  uint64_t now_ns = pair->clock.now_ns;
  uint16_t wanted[PAW_RTC_NACKS_MAX];
  for (uint16_t i = 0; i < PAW_RTC_NACKS_MAX; i++) {
    wanted[i] = (uint16_t)(40000 + 20 * i);
  }
  kit_peer_talk(&pair->peers[1], 480, now_ns);
  kit_peer_speak(&pair->peers[1], now_ns);
  for (size_t who = 0; who < PAW_RTC_RECV_STREAMS_MAX; who++) {
    feed_rtp(who, 1, 60);
  }
  kit_peer_drain(&pair->peers[1], now_ns);
  for (size_t who = 0; who < PAW_RTC_RECV_STREAMS_MAX; who++) {
    feed_rtp(who, 2, 60);
  }
  rtc->remote.rrtr = true;
  rtc->rrtr_ntp = 1;
  rtc->report.next_ns = now_ns;
  assert_int_equal(paw_rtc_send_nack(rtc, now_ns, wanted, PAW_RTC_NACKS_MAX), PAW_OK);
  struct paw_rtc_output output;
  do {
    paw_rtc_poll_output(rtc, &output);
  } while (output.kind == PAW_OUTPUT_EVENT);
  assert_int_equal(output.kind, PAW_OUTPUT_TRANSMIT);
  assert_in_range(output.transmit.len, 470, PAW_RTC_CONTROL_BYTES - PAW_SRTP_TRAILER_MAX);
  assert_int_equal(rtc->nack_count, 0);
  assert_int_equal(rtc->rrtr_ntp, 0);
}

/* A NACK of more numbers than are taken: the first ones count. */
static void numbers_in_one_nack(void **state) {
  (void)state;
  for (size_t fields = 60; fields <= 70; fields++) {
    uint64_t before = kit_pair_get_stats(pair, 1).nacks_received;
    uint8_t packet[PAW_DATAGRAM_MAX];
    struct paw_wr wr = paw_wr_init(packet, sizeof packet - PAW_SRTP_TRAILER_MAX);
    struct paw_rtcp_report report = {.ssrc = pair->peers[0].rtc->local_ssrc};
    paw_rtcp_write_receiver_report(&wr, &report);
    paw_wr_u8(&wr, 0x81);
    paw_wr_u8(&wr, 205);
    paw_wr_u16(&wr, (uint16_t)(2 + fields));
    paw_wr_u32(&wr, pair->peers[0].rtc->local_ssrc);
    paw_wr_u32(&wr, rtc->local_ssrc);
    for (size_t i = 0; i < fields; i++) {
      paw_wr_u16(&wr, (uint16_t)(17 * i));
      paw_wr_u16(&wr, 0xffff);
    }
    size_t len = wr.len;
    assert_int_equal(paw_srtp_protect_rtcp(pair->peers[0].rtc->srtp, packet, &len, sizeof packet),
                     PAW_OK);
    feed(packet, len);
    size_t asked = 17 * fields;
    size_t taken = asked < PAW_RTCP_NACK_SEQUENCES_MAX ? asked : PAW_RTCP_NACK_SEQUENCES_MAX;
    assert_int_equal(kit_pair_get_stats(pair, 1).nacks_received - before, taken);
  }
}

/* What is sent at once to who says the time without a report. */
static uint64_t answers_to_the_time(void) {
  uint64_t before = kit_pair_get_stats(pair, 1).rtcp_sent;
  uint8_t packet[100];
  struct paw_wr wr = paw_wr_init(packet, sizeof packet - PAW_SRTP_TRAILER_MAX);
  paw_rtcp_write_rrtr(&wr, pair->peers[0].rtc->local_ssrc, UINT64_C(1) << 40);
  size_t len = wr.len;
  assert_int_equal(paw_srtp_protect_rtcp(pair->peers[0].rtc->srtp, packet, &len, sizeof packet),
                   PAW_OK);
  feed(packet, len);
  kit_peer_drain(&pair->peers[1], pair->clock.now_ns);
  return kit_pair_get_stats(pair, 1).rtcp_sent - before;
}

static void answers_ahead_of_their_time(void **state) {
  (void)state;
  assert_int_equal(answers_to_the_time(), 1);
  assert_int_equal(answers_to_the_time(), 0);
  pair->clock.now_ns += PAW_RTCP_EARLY_NS - 1;
  assert_int_equal(answers_to_the_time(), 0);
  pair->clock.now_ns += 1;
  assert_int_equal(answers_to_the_time(), 1);
  assert_int_equal(answers_to_the_time(), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(the_longest_datagram),
      CASE(streams_at_a_time),
      CASE(events_that_wait),
      CASE(audio_that_finds_no_place),
      CASE(room_for_what_is_forged),
      CASE(numbers_that_wait_to_be_asked_for),
      CASE(numbers_in_one_nack),
      CASE(the_longest_rtcp),
      CASE(answers_ahead_of_their_time),
  };
  return cmocka_run_group_tests_name("rtc_limits", tests, NULL, NULL);
}
