/* SPDX-License-Identifier: MIT */
/* What is kept of the frames that were sent, to its last byte, nanosecond and request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/time.h"
#include "kit/rng.h"
#include "rtp/rtp.h"
#include "stream/send.h"

static const struct paw_allocator heap;
static struct paw_history *history;

static int begin(void **state) {
  (void)state;
  return paw_history_new(&heap, &history);
}

static int end(void **state) {
  (void)state;
  paw_mem_free(&heap, history);
  return 0;
}

static int push(uint64_t now_ns, size_t len) {
  static uint8_t data[PAW_OPUS_PACKET_MAX + 1];
  memset(data, (int)(history->next_index & 0xff), sizeof data);
  struct paw_audio_frame frame = {
      .data = data, .len = len, .media_rtp = history->next_index * 480, .duration_rtp = 480};
  return paw_history_push(history, now_ns, &frame);
}

static void check_all(size_t count) {
  assert_int_equal(history->next_index - history->first_index, count);
  for (uint64_t i = history->first_index; i < history->next_index; i++) {
    const struct paw_history_frame *frame = paw_history_get(history, i);
    const uint8_t *payload = paw_history_payload(history, frame);
    for (size_t at = 0; at < frame->len; at++) {
      assert_int_equal(payload[at], i & 0xff);
    }
  }
}

static void the_last_byte(void **state) {
  (void)state;
  const size_t len = 1024;
  const size_t count = PAW_HISTORY_BYTES / len;
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(push(1, len), PAW_OK);
  }
  check_all(count); /* not a byte is free */
  assert_int_equal(push(1, 1), PAW_OK);
  check_all(count); /* the oldest is gone */
  assert_int_equal(history->first_index, 1);
}

static void the_last_nanosecond(void **state) {
  (void)state;
  assert_int_equal(push(1, 10), PAW_OK);
  assert_int_equal(push(1 + PAW_HISTORY_NS, 10), PAW_OK);
  check_all(2);
  assert_int_equal(push(2 + PAW_HISTORY_NS, 10), PAW_OK);
  check_all(2);
  assert_int_equal(history->first_index, 1);
}

static void the_longest_frame(void **state) {
  (void)state;
  assert_int_equal(push(1, PAW_OPUS_PACKET_MAX + 1), PAW_ERR_INVALID);
  assert_int_equal(push(1, PAW_OPUS_PACKET_MAX), PAW_OK);
  assert_int_equal(paw_history_get(history, 0)->len, PAW_OPUS_PACKET_MAX);
  check_all(1);
}

static bool next(struct paw_send *send, uint64_t now_ns, uint16_t *sequence) {
  uint8_t packet[300];
  struct paw_wr wr = paw_wr_init(packet, sizeof packet);
  struct paw_rtp_header header;
  struct paw_slice payload;
  if (!paw_send_next(send, now_ns, &wr)) {
    return false;
  }
  assert_int_equal(paw_rtp_read(packet, wr.len, &header, &payload), PAW_OK);
  *sequence = header.sequence;
  return true;
}

static struct paw_send begin_send(void) {
  struct kit_rng rng;
  kit_rng_init(&rng, 1);
  struct paw_rng hook = kit_rng_hook(&rng);
  struct paw_wall_anchor wall = {.now_ns = 1, .unix_ns = 2};
  struct paw_send send;
  assert_int_equal(paw_send_init(&send, &hook, 77, &wall), PAW_OK);
  struct paw_send_format format = {.payload_type = 111};
  paw_send_set_format(&send, &format);
  paw_send_attach(&send, history, 1);
  return send;
}

/* As many answers wait as there is room for; those asked for first are given. */
static void requests_that_wait(void **state) {
  (void)state;
  struct paw_send send = begin_send();
  uint16_t wanted[PAW_SEND_RESENDS_MAX + 1];
  for (size_t i = 0; i <= PAW_SEND_RESENDS_MAX; i++) {
    assert_int_equal(push(1000, 20), PAW_OK);
    assert_true(next(&send, 1000, &wanted[i]));
  }
  paw_send_request(&send, 2000, 0, wanted, PAW_SEND_RESENDS_MAX + 1);
  assert_int_equal(send.nacks_received, PAW_SEND_RESENDS_MAX + 1);
  assert_int_equal(send.nacks_unanswered, 1);
  for (size_t i = 0; i < PAW_SEND_RESENDS_MAX; i++) {
    uint16_t sequence = 0;
    assert_true(next(&send, 2000, &sequence));
    assert_int_equal(sequence, wanted[i]);
  }
  uint16_t none = 0;
  assert_false(next(&send, 2000, &none));
  assert_int_equal(send.packets_resent, PAW_SEND_RESENDS_MAX);
}

/* True when the packet was found behind `others` numbers that were never sent. */
static bool finds(struct paw_send *send, uint16_t sequence, size_t others) {
  uint16_t wanted[PAW_SEND_LOOKS_MAX + 1];
  uint16_t again = 0;
  for (size_t i = 0; i < others; i++) {
    wanted[i] = (uint16_t)(sequence + 1000);
  }
  wanted[others] = sequence;
  paw_send_request(send, 2000, 0, wanted, others + 1);
  return next(send, 2000, &again) && again == sequence;
}

static void numbers_that_are_looked_up(void **state) {
  (void)state;
  struct paw_send send = begin_send();
  uint16_t sequences[3];
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(push(1000, 20), PAW_OK);
    assert_true(next(&send, 1000, &sequences[i]));
  }
  assert_true(finds(&send, sequences[0], PAW_SEND_LOOKS_MAX - 1));
  assert_false(finds(&send, sequences[1], 0)); /* nothing is saved any more */
  assert_int_equal(send.nacks_unanswered, PAW_SEND_LOOKS_MAX);
  uint16_t other = 0;
  assert_int_equal(push(1000, 20), PAW_OK);
  assert_true(next(&send, 1000, &other));
  assert_true(finds(&send, sequences[1], PAW_SEND_LOOKS_A_FRAME - 1));
  assert_int_equal(push(1000, 20), PAW_OK);
  assert_true(next(&send, 1000, &other));
  assert_false(finds(&send, sequences[2], PAW_SEND_LOOKS_A_FRAME));
  for (size_t i = 0; i <= PAW_SEND_LOOKS_MAX / PAW_SEND_LOOKS_A_FRAME; i++) {
    assert_int_equal(push(1000, 20), PAW_OK);
    assert_true(next(&send, 1000, &other));
  }
  assert_false(finds(&send, sequences[2], PAW_SEND_LOOKS_MAX)); /* no more than so many are saved */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(the_last_byte),      CASE(the_last_nanosecond),        CASE(the_longest_frame),
      CASE(requests_that_wait), CASE(numbers_that_are_looked_up),
  };
  return cmocka_run_group_tests_name("stream_limits", tests, NULL, NULL);
}
