/* SPDX-License-Identifier: MIT */
/* Redundancy (RFC 2198). */
#include "send_fixture.h"

#define RED 63

static void send_redundant(uint8_t distance, uint32_t room_rtp) {
  struct paw_send_format format = fixture.send.format;
  format.red_payload_type = RED;
  paw_send_set_format(&fixture.send, &format);
  paw_send_set_red(&fixture.send, distance, room_rtp);
}

/* The blocks of a sent packet; 0 when it is plain Opus. */
static size_t blocks_of(size_t sent, struct paw_red_block *blocks) {
  struct paw_rtp_header header;
  struct paw_slice payload;
  size_t count = 0;
  assert_int_equal(paw_rtp_read(fixture.packets[sent], fixture.lens[sent], &header, &payload),
                   PAW_OK);
  if (header.payload_type == RED) {
    assert_int_equal(paw_red_read(payload.data, payload.len, blocks, &count), PAW_OK);
  }
  return count;
}

static void expect_distance(size_t sent, unsigned distance) {
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX];
  size_t count = blocks_of(sent, blocks);
  if (distance == 0) {
    assert_int_equal(count, 0);
    assert_int_equal(header_of(sent).payload_type, 109);
    return;
  }
  assert_int_equal(count, 2);
  assert_int_equal(blocks[0].offset_rtp, distance * 480);
  for (size_t i = 0; i < 2; i++) {
    uint64_t number = 1000 / 480 + sent - (i == 0 ? distance : 0);
    assert_int_equal(blocks[i].payload_type, 109);
    assert_int_equal(blocks[i].data.len, 60 + number % 60);
    assert_int_equal(blocks[i].data.data[0], (uint8_t)number);
  }
}

static void a_packet_carries_the_frame_some_before(void **state) {
  (void)state;
  setup(20);
  send_redundant(3, UINT32_MAX);
  for (size_t i = 0; i < 40; i++) {
    send_frame();
    expect_distance(i, i < 3 ? 0 : 3);
  }
  assert_int_equal(fixture.send.red_packets, 37);
  uint64_t bytes = 0;
  for (size_t i = 0; i < 37; i++) {
    bytes += 5 + 60 + (1000 / 480 + i) % 60;
  }
  assert_int_equal(fixture.send.red_bytes, bytes);
  paw_send_set_red(&fixture.send, 0, 0);
  send_frame();
  expect_distance(40, 0);
  teardown();
}

/* The largest distance that the room holds, but always one. */
static void the_distance_follows_the_room(void **state) {
  (void)state;
  static const struct {
    uint32_t room_rtp;
    unsigned distance;
  } cases[] = {{0, 1}, {479, 1}, {960, 2}, {1919, 3}, {2400, 5}, {48000, 6}};
  (void)state;
  setup(21);
  send_redundant(6, 0);
  for (size_t i = 0; i < 10; i++) {
    send_frame();
  }
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    paw_send_set_red(&fixture.send, 6, cases[i].room_rtp);
    send_frame();
    expect_distance(10 + i, cases[i].distance);
  }
  teardown();
}

/* Six frames of 60 ms are more than the 341 that RFC 2198 can say: then five. */
static void the_distance_stays_within_what_can_be_said(void **state) {
  (void)state;
  static const uint8_t data[20];
  setup(26);
  send_redundant(6, UINT32_MAX);
  for (size_t i = 0; i < 10; i++) {
    struct paw_audio_frame frame = {
        .data = data,
        .len = sizeof data,
        .media_rtp = fixture.media_rtp += 2880,
        .duration_rtp = 2880,
        .level = PAW_AUDIO_LEVEL_NONE,
    };
    assert_int_equal(paw_history_push(fixture.history, fixture.now_ns, &frame), PAW_OK);
    assert_true(next(fixture.packets[i], &fixture.lens[i]));
    assert_int_equal(paw_send_get_red_distance(&fixture.send), i < 5 ? 0 : 5);
  }
  teardown();
}

/* Too far back for 14 bits, too long for 10, or too much for the MTU: then it goes alone. */
static void a_frame_that_does_not_fit_is_left_out(void **state) {
  (void)state;
  static const size_t lens[] = {200, 700, 700, 1100, 20, 436, 700, 437, 700, 438};
  static const bool red[] = {false, true, false, false, false, true, true, true, true, false};
  static uint8_t data[PAW_OPUS_PACKET_MAX];
  uint8_t packet[PAW_DATAGRAM_MAX];
  setup(22);
  send_redundant(1, UINT32_MAX);
  for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
    struct paw_audio_frame frame = {
        .data = data,
        .len = lens[i],
        .media_rtp = fixture.media_rtp += 480,
        .duration_rtp = 480,
        .level = PAW_AUDIO_LEVEL_NONE,
    };
    struct paw_wr wr = paw_wr_init(packet, sizeof packet);
    assert_int_equal(paw_history_push(fixture.history, fixture.now_ns, &frame), PAW_OK);
    assert_true(paw_send_next(&fixture.send, fixture.now_ns, &wr));
    assert_int_equal(packet[1] & 0x7f, red[i] ? RED : 109);
    assert_true(!red[i] || wr.len + 10 <= PAW_MTU);
  }
  fixture.media_rtp += PAW_RED_OFFSET_MAX; /* a pause: just within reach, then just not */
  for (uint64_t i = 0; i < 2; i++) {
    struct paw_wr wr = paw_wr_init(packet, sizeof packet);
    push_frame();
    assert_true(paw_send_next(&fixture.send, fixture.now_ns, &wr));
    assert_int_equal(packet[1] & 0x7f, i == 0 ? RED : 109);
    fixture.media_rtp += PAW_RED_OFFSET_MAX + 1 - 480;
  }
  teardown();
}

/* Nothing of another programme, nor of what was not sent to this receiver. */
static void nothing_from_before_a_change_is_carried(void **state) {
  (void)state;
  setup(23);
  send_redundant(2, UINT32_MAX);
  for (size_t i = 0; i < 5; i++) {
    send_frame();
  }
  push_frame();
  paw_send_skip_to_now(&fixture.send);
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX];
  for (size_t i = 5; i < 9; i++) {
    send_frame();
    assert_int_equal(blocks_of(i, blocks), i < 7 ? 0 : 2);
  }
  teardown();
}

/* As it was first sent, whatever the distance is by now; not at all where its copy has gone. */
static void a_resent_redundant_packet_is_byte_for_byte_the_same(void **state) {
  (void)state;
  setup(24);
  send_redundant(6, UINT32_MAX);
  for (size_t i = 0; i < 140; i++) {
    paw_send_set_red(&fixture.send, (uint8_t)(i % 7), (uint32_t)(i % 5) * 960);
    send_frame();
  }
  size_t oldest =
      fixture.sent - (size_t)(fixture.history->next_index - fixture.history->first_index);
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX];
  size_t redundant = 0;
  for (size_t i = oldest; i < fixture.sent; i++) {
    uint8_t packet[300];
    struct paw_wr wr = paw_wr_init(packet, sizeof packet);
    uint32_t offset_rtp = blocks_of(i, blocks) > 0 ? blocks[0].offset_rtp : 0;
    fixture.now_ns += 3 * PAW_NS_PER_MS;
    fixture.send.resend_credit = PAW_SEND_RESENDS_MAX;
    request(header_of(i).sequence);
    bool can = i >= oldest + offset_rtp / 480;
    assert_int_equal(paw_send_next(&fixture.send, fixture.now_ns, &wr), can);
    if (can) {
      redundant += offset_rtp > 0;
      assert_int_equal(wr.len, fixture.lens[i]);
      assert_memory_equal(packet, fixture.packets[i], wr.len);
    }
  }
  assert_true(redundant > 20);
  teardown();
}

/* RFC 4588: the payload type of the stream of its own stands for Opus. */
static void a_retransmission_has_no_redundancy(void **state) {
  (void)state;
  setup(25);
  struct paw_send_format format = fixture.send.format;
  format.rtx_payload_type = 110;
  paw_send_set_format(&fixture.send, &format);
  send_redundant(1, UINT32_MAX);
  for (size_t i = 0; i < 60; i++) {
    send_frame();
  }
  size_t oldest =
      fixture.sent - (size_t)(fixture.history->next_index - fixture.history->first_index);
  uint8_t packet[300];
  size_t len = 0;
  struct paw_rtp_header header;
  struct paw_slice payload;
  request(header_of(oldest).sequence); /* also where the copy has gone */
  assert_true(next(packet, &len));
  assert_int_equal(paw_rtp_read(packet, len, &header, &payload), PAW_OK);
  assert_int_equal(header.payload_type, 110);
  assert_int_equal(payload.len, 2 + 60 + (1000 / 480 + oldest) % 60);
  teardown();
}

static void the_next_in_its_place_is_not_redundant(void **state) {
  (void)state;
  setup(28);
  send_redundant(2, UINT32_MAX);
  for (int i = 0; i < 10; i++) {
    send_frame();
  }
  assert_int_equal(paw_send_get_red_distance(&fixture.send), 2);
  paw_send_set_red(&fixture.send, 0, 0);
  for (int i = 0; i < PAW_HISTORY_FRAMES; i++) {
    send_frame();
  }
  assert_int_equal(paw_send_get_red_distance(&fixture.send), 0);
  uint8_t packet[300];
  size_t len = 0;
  request(header_of(fixture.sent - 1).sequence);
  assert_true(next(packet, &len));
  assert_int_equal(len, fixture.lens[fixture.sent - 1]);
  assert_memory_equal(packet, fixture.packets[fixture.sent - 1], len);
  teardown();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_packet_carries_the_frame_some_before),
      cmocka_unit_test(the_distance_follows_the_room),
      cmocka_unit_test(the_distance_stays_within_what_can_be_said),
      cmocka_unit_test(a_frame_that_does_not_fit_is_left_out),
      cmocka_unit_test(nothing_from_before_a_change_is_carried),
      cmocka_unit_test(a_resent_redundant_packet_is_byte_for_byte_the_same),
      cmocka_unit_test(a_retransmission_has_no_redundancy),
      cmocka_unit_test(the_next_in_its_place_is_not_redundant),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
