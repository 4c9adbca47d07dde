/* SPDX-License-Identifier: MIT */
#include "send_fixture.h"

#include "base/ntp.h"

static void packets_carry_what_was_negotiated(void **state) {
  (void)state;
  setup(1);
  send_frame();
  send_frame();
  struct paw_rtp_header first = header_of(0);
  struct paw_rtp_header second = header_of(1);
  assert_int_equal(first.payload_type, 109);
  assert_int_equal(first.ssrc, 0x11223344);
  assert_true(first.marker);
  assert_false(second.marker);
  assert_true(first.sequence < 0x8000);
  assert_int_equal((uint16_t)(second.sequence - first.sequence), 1);
  assert_int_equal(second.timestamp_rtp - first.timestamp_rtp, 480);

  struct paw_rtp_extension_reader reader;
  struct paw_rtp_extension extension;
  paw_rtp_extension_reader_init(&reader, &first);
  assert_true(paw_rtp_extension_next(&reader, &extension));
  assert_int_equal(extension.id, 1);
  assert_int_equal(extension.value.data[0], 0x80 | (1000 / 480 % 127));
  assert_true(paw_rtp_extension_next(&reader, &extension));
  assert_int_equal(extension.id, 4);
  assert_int_equal(extension.value.len, 6);
  assert_memory_equal(extension.value.data, "audio0", 6);
  assert_true(paw_rtp_extension_next(&reader, &extension));
  assert_int_equal(extension.id, 5);
  struct paw_rd rd = paw_rd_init(extension.value.data, extension.value.len);
  uint64_t capture_ns = 3 * PAW_NS_PER_S - 12 * PAW_NS_PER_MS;
  assert_int_equal(paw_rd_u64(&rd), paw_ntp_from_ns(&fixture.send.wall, capture_ns));
  assert_false(paw_rtp_extension_next(&reader, &extension));
  teardown();
}

static bool carries(const struct paw_rtp_header *header, uint8_t id) {
  struct paw_rtp_extension_reader reader;
  struct paw_rtp_extension extension;
  bool found = false;
  paw_rtp_extension_reader_init(&reader, header);
  while (paw_rtp_extension_next(&reader, &extension)) {
    found = found || extension.id == id;
  }
  return found;
}

static bool has_extension(size_t sent, uint8_t id) {
  struct paw_rtp_header header = header_of(sent);
  return carries(&header, id);
}

/* A hundred packets have it, and again after a change; then it has been seen, and costs nothing. */
static void the_mid_is_written_for_a_while(void **state) {
  (void)state;
  setup(10);
  for (size_t i = 0; i < 150; i++) {
    send_frame();
    assert_int_equal(has_extension(i, 4), i < 100);
    assert_true(has_extension(i, 1));
  }
  struct paw_send_format format = fixture.send.format;
  format.mid[0] = 'v';
  paw_send_set_format(&fixture.send, &format);
  for (size_t i = 150; i < 300; i++) {
    send_frame();
    assert_int_equal(has_extension(i, 4), i < 250);
  }
  teardown();
}

/* RFC 8285 section 4.3: the one-byte form has ids up to 14. */
static void ids_above_14_take_the_two_byte_form(void **state) {
  (void)state;
  setup(11);
  struct paw_send_format format = fixture.send.format;
  format.extension_mid = 15;
  format.extension_abs_capture_time = 200;
  paw_send_set_format(&fixture.send, &format);
  for (size_t i = 0; i < 120; i++) { /* of one form all, also without the mid */
    send_frame();
    assert_int_equal(header_of(i).extension_profile, 0x1000);
    assert_true(has_extension(i, 1));
    assert_int_equal(has_extension(i, 15), i < 100);
  }
  assert_true(has_extension(0, 200));
  teardown();
}

/* The condition of sending again on the same SSRC: the same bytes before encryption. */
static void a_resent_packet_is_byte_for_byte_the_same(void **state) {
  (void)state;
  setup(2);
  for (int i = 0; i < 140; i++) { /* past the packets that carry the mid */
    send_frame();
  }
  size_t oldest =
      fixture.sent - (size_t)(fixture.history->next_index - fixture.history->first_index);
  for (size_t i = oldest; i < fixture.sent; i++) {
    uint8_t packet[300];
    size_t len = 0;
    fixture.now_ns += PAW_NS_PER_MS;
    request(header_of(i).sequence);
    assert_true(next(packet, &len));
    assert_int_equal(len, fixture.lens[i]);
    assert_memory_equal(packet, fixture.packets[i], len);
    assert_false(next(packet, &len));
  }
  assert_int_equal(fixture.send.packets_resent, fixture.sent - oldest);
  assert_int_equal(fixture.send.packets, fixture.sent);
  teardown();
}

/* ---- most packets are written the short way, all resent ones the long way ---- */

static void push_any_frame(struct paw_audio_frame *frame, uint8_t *data) {
  static const size_t lens[] = {1, 2, 3, 59, 160, 240};
  uint32_t random = (uint32_t)kit_rng_u64(&fixture.rng);
  memset(data, (int)(random >> 24), 240);
  *frame = (struct paw_audio_frame){
      .data = data,
      .len = lens[random % 6],
      .media_rtp = fixture.media_rtp,
      .capture_ns = fixture.now_ns,
      .duration_rtp = 480,
      .level = (uint8_t)(random >> 8 & 0xff), /* half of them are none */
      .voice = (random & 0x10000) != 0,
      .talk_spurt = (random & 0x1e0000) == 0,
  };
  assert_int_equal(paw_history_push(fixture.history, fixture.now_ns, frame), PAW_OK);
  fixture.media_rtp += 480;
  fixture.now_ns += 10 * PAW_NS_PER_MS;
}

static void expect_packet(const uint8_t *packet, size_t len, uint16_t sequence,
                          const struct paw_audio_frame *frame) {
  struct paw_rtp_header header;
  struct paw_slice payload;
  assert_int_equal(paw_rtp_read(packet, len, &header, &payload), PAW_OK);
  assert_int_equal(header.sequence, sequence);
  assert_int_equal(header.timestamp_rtp,
                   (uint32_t)frame->media_rtp + fixture.send.timestamp_offset);
  assert_int_equal(header.ssrc, 0x11223344);
  assert_int_equal(payload.len, frame->len);
  assert_memory_equal(payload.data, frame->data, frame->len);
}

static void send_and_resend(const struct paw_send_format *format) {
  uint8_t data[240], packet[300], again[300];
  size_t len = 0, again_len = 0;
  struct paw_audio_frame frame;
  setup(7);
  paw_send_set_format(&fixture.send, format);
  fixture.send.base_sequence = 65536 - 250; /* the mid is told by then */
  for (size_t i = 0; i < 500; i++) {
    uint16_t sequence = (uint16_t)(65536 - 250 + i);
    push_any_frame(&frame, data);
    assert_true(next(packet, &len));
    expect_packet(packet, len, sequence, &frame);
    request(sequence);
    assert_true(next(again, &again_len));
    assert_int_equal(again_len, len);
    assert_memory_equal(again, packet, len);
  }
  teardown();
}

static void both_ways_of_writing_give_the_same_bytes(void **state) {
  (void)state;
  for (unsigned set = 0; set < 16; set++) { /* which extensions, and in which form */
    uint8_t more = set & 8 ? 20 : 0;
    struct paw_send_format format = {
        .payload_type = 109,
        .extension_mid = set & 1 ? (uint8_t)(4 + more) : 0,
        .extension_audio_level = set & 2 ? (uint8_t)(1 + more) : 0,
        .extension_abs_capture_time = set & 4 ? (uint8_t)(5 + more) : 0,
        .mid = "audio0",
    };
    send_and_resend(&format);
  }
}

/* RFC 4588: each answer is a new packet of another stream, with the number and the payload of the
 * one that was asked for. */
static void retransmissions_in_a_stream_of_their_own(void **state) {
  (void)state;
  setup(12);
  struct paw_send_format format = fixture.send.format;
  format.rtx_payload_type = 110;
  paw_send_set_format(&fixture.send, &format);
  fixture.send.rtx_sequence = 65534;
  for (int i = 0; i < 110; i++) {
    send_frame();
  }
  for (uint16_t i = 0; i < 4; i++) {
    uint8_t packet[300];
    size_t len = 0;
    struct paw_rtp_header header;
    struct paw_rtp_header original = header_of(105);
    struct paw_slice payload;
    fixture.now_ns += 5 * PAW_NS_PER_MS;
    request(original.sequence);
    assert_true(next(packet, &len));
    assert_int_equal(paw_rtp_read(packet, len, &header, &payload), PAW_OK);
    assert_int_equal(header.payload_type, 110);
    assert_int_equal(header.ssrc, fixture.send.rtx_ssrc);
    assert_int_not_equal(header.ssrc, original.ssrc);
    assert_int_equal(header.sequence, (uint16_t)(65534 + i));
    assert_int_equal(header.timestamp_rtp, original.timestamp_rtp);
    assert_true(carries(&header, 4)); /* the mid, which the original has no more */
    assert_false(carries(&original, 4));
    struct paw_rd rd = paw_rd_init(payload.data, payload.len);
    assert_int_equal(paw_rd_u16(&rd), original.sequence);
    size_t payload_len = payload.len - 2;
    assert_memory_equal(payload.data + 2, fixture.packets[105] + fixture.lens[105] - payload_len,
                        payload_len);
    assert_int_equal(payload_len, 60 + (1000 + 105 * 480) / 480 % 60);
  }
  assert_int_equal(fixture.send.packets_resent, 4);
  assert_int_equal(fixture.send.packets, 110);
  teardown();
}

static void what_is_gone_or_was_never_sent_is_not_resent(void **state) {
  (void)state;
  setup(3);
  for (int i = 0; i < 120; i++) {
    send_frame();
  }
  uint8_t packet[300];
  size_t len = 0;
  request(header_of(0).sequence); /* older than half a second */
  request((uint16_t)(header_of(119).sequence + 1));
  request((uint16_t)(header_of(0).sequence - 1));
  request((uint16_t)(header_of(119).sequence + 0x8000));
  assert_false(next(packet, &len));
  assert_int_equal(fixture.send.nacks_received, 4);
  assert_int_equal(fixture.send.nacks_unanswered, 4);
  teardown();
}

static void asking_again_at_once_is_not_answered(void **state) {
  (void)state;
  setup(4);
  for (int i = 0; i < 10; i++) {
    send_frame();
  }
  uint8_t packet[300];
  size_t len = 0;
  uint16_t sequence = header_of(5).sequence;
  request(sequence);
  assert_true(next(packet, &len));
  request(sequence); /* within half a round trip */
  assert_false(next(packet, &len));
  fixture.now_ns += 5 * PAW_NS_PER_MS;
  request(sequence);
  assert_true(next(packet, &len));
  assert_int_equal(fixture.send.nacks_unanswered, 1);
  teardown();
}

/* What is remembered of a packet is nothing to the one that has its place after it. */
static void the_next_in_its_place_was_not_asked_for(void **state) {
  (void)state;
  setup(15);
  for (int i = 0; i < 10; i++) {
    send_frame();
  }
  uint8_t packet[300];
  size_t len = 0;
  request(header_of(5).sequence);
  assert_true(next(packet, &len));
  for (int i = 0; i < PAW_HISTORY_FRAMES; i++) {
    send_frame();
  }
  uint16_t sequence = header_of(5 + PAW_HISTORY_FRAMES).sequence;
  paw_send_request(&fixture.send, fixture.now_ns, 8 * PAW_NS_PER_S, &sequence, 1);
  assert_true(next(packet, &len));
  assert_int_equal(fixture.send.nacks_duplicate, 0);
  teardown();
}

/* Half a round trip to a tick, ends included; what was asked for before the sequence number came
 * round again does not count. */
static void within_half_a_round_trip_to_a_tick(void **state) {
  (void)state;
  setup(13);
  for (int i = 0; i < 10; i++) {
    send_frame();
  }
  uint8_t packet[300];
  size_t len = 0;
  uint16_t sequence = header_of(5).sequence;
  request(sequence);
  assert_true(next(packet, &len));
  fixture.now_ns += 2 * PAW_NS_PER_MS;
  request(sequence);
  assert_false(next(packet, &len));
  fixture.now_ns += 2 << 16;
  request(sequence);
  assert_true(next(packet, &len));
  assert_int_equal(fixture.send.nacks_duplicate, 1);
  paw_send_request(&fixture.send, fixture.now_ns, 0, &sequence, 1); /* at once, without a trip */
  assert_false(next(packet, &len));
  assert_int_equal(fixture.send.nacks_duplicate, 2);
  assert_int_equal(fixture.send.nacks_received, 4);
  teardown();
}

/* Asked for everything at each round trip, it answers as often as it sends, after what was saved.
 */
static void answers_are_bounded_by_what_is_sent(void **state) {
  (void)state;
  setup(14);
  for (int i = 0; i < 100; i++) {
    send_frame();
  }
  uint8_t packet[300];
  size_t len = 0;
  size_t resent = 0;
  for (int i = 0; i < 100; i++) {
    send_frame();
    for (size_t j = fixture.sent - 40; j < fixture.sent; j++) {
      request(header_of(j).sequence);
      while (next(packet, &len)) {
        resent++;
      }
    }
  }
  assert_in_range(resent, 100, 100 + PAW_SEND_RESENDS_MAX);
  assert_int_equal(fixture.send.packets_resent, resent);
  assert_int_equal(fixture.send.nacks_unanswered, 4000 - resent);
  assert_int_equal(fixture.send.nacks_duplicate, 0);
  teardown();
}

static void a_storm_of_requests_is_bounded(void **state) {
  (void)state;
  setup(5);
  for (int i = 0; i < 50; i++) {
    send_frame();
  }
  uint16_t all[1000];
  for (size_t i = 0; i < 1000; i++) {
    all[i] = (uint16_t)(header_of(0).sequence + i % 50);
  }
  paw_send_request(&fixture.send, fixture.now_ns, 0, all, 1000);
  uint8_t packet[300];
  size_t len = 0;
  size_t resent = 0;
  while (next(packet, &len)) {
    resent++;
  }
  assert_int_equal(resent, 50);
  assert_int_equal(fixture.send.nacks_unanswered, 950);
  teardown();
}

static void another_format_ends_what_can_be_resent(void **state) {
  (void)state;
  setup(6);
  for (int i = 0; i < 10; i++) {
    send_frame();
  }
  struct paw_send_format format = fixture.send.format;
  format.payload_type = 111;
  paw_send_set_format(&fixture.send, &format);
  uint16_t before = header_of(9).sequence;
  request(before);
  uint8_t packet[300];
  size_t len = 0;
  assert_false(next(packet, &len));
  send_frame();
  assert_int_equal(header_of(10).payload_type, 111);
  assert_int_equal((uint16_t)(header_of(10).sequence - before), 1);
  request(header_of(10).sequence);
  assert_true(next(packet, &len));
  assert_memory_equal(packet, fixture.packets[10], len);
  teardown();
}

static void another_track_goes_on_in_sequence_and_time(void **state) {
  (void)state;
  setup(7);
  for (int i = 0; i < 10; i++) {
    send_frame();
  }
  struct paw_history *first = fixture.history;
  assert_int_equal(paw_history_new(&heap, &fixture.history), PAW_OK);
  fixture.media_rtp = UINT64_C(0x123456789); /* it has been playing for a while */
  for (int i = 0; i < 5; i++) {
    push_frame();
  }
  paw_send_attach(&fixture.send, fixture.history, fixture.now_ns);
  send_frame();
  struct paw_rtp_header last = header_of(9);
  struct paw_rtp_header next_one = header_of(10);
  assert_true(next_one.marker);
  assert_int_equal((uint16_t)(next_one.sequence - last.sequence), 1);
  /* Five frames were pushed meanwhile: 50 ms, and one frame more within rounding. */
  assert_in_range(next_one.timestamp_rtp - last.timestamp_rtp, 5 * 480, 7 * 480);
  request(last.sequence);
  uint8_t packet[300];
  size_t len = 0;
  assert_false(next(packet, &len));
  paw_mem_free(&heap, first);
  teardown();
}

static void the_report_time_is_extrapolated(void **state) {
  (void)state;
  setup(8);
  uint32_t rtp = 0;
  assert_false(paw_send_get_rtp_time(&fixture.send, fixture.now_ns, &rtp));
  send_frame();
  uint32_t timestamp_rtp = header_of(0).timestamp_rtp;
  uint64_t capture_ns = 3 * PAW_NS_PER_S - 12 * PAW_NS_PER_MS;
  assert_true(paw_send_get_rtp_time(&fixture.send, capture_ns, &rtp));
  assert_int_equal(rtp, timestamp_rtp);
  assert_true(paw_send_get_rtp_time(&fixture.send, capture_ns + 100 * PAW_NS_PER_MS, &rtp));
  assert_int_equal(rtp, timestamp_rtp + 4800);
  teardown();
}

/* However long nothing was polled, sequence numbers go on by one: a jump of half their range would
 * make SRTP protect new plaintext under packet indices that were used before. */
static void a_late_poll_skips_what_is_gone_without_a_jump(void **state) {
  (void)state;
  setup(9);
  send_frame();
  for (int i = 0; i < 40000; i++) {
    push_frame();
  }
  send_frame();
  uint64_t index = fixture.history->first_index;
  assert_true(index > 39000);
  struct paw_rtp_header before = header_of(0);
  struct paw_rtp_header after = header_of(1);
  assert_int_equal((uint16_t)(after.sequence - before.sequence), 1);
  assert_int_equal(after.timestamp_rtp - before.timestamp_rtp, index * 480);
  assert_true(after.marker);
  request(before.sequence);
  uint8_t packet[300];
  size_t len = 0;
  while (next(packet, &len)) { /* what is still there, but not the old packet again */
    assert_memory_not_equal(packet, fixture.packets[0], fixture.lens[0]);
  }
  assert_int_equal(fixture.send.packets_resent, 0);
  teardown();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_carry_what_was_negotiated),
      cmocka_unit_test(the_mid_is_written_for_a_while),
      cmocka_unit_test(ids_above_14_take_the_two_byte_form),
      cmocka_unit_test(a_resent_packet_is_byte_for_byte_the_same),
      cmocka_unit_test(both_ways_of_writing_give_the_same_bytes),
      cmocka_unit_test(retransmissions_in_a_stream_of_their_own),
      cmocka_unit_test(what_is_gone_or_was_never_sent_is_not_resent),
      cmocka_unit_test(asking_again_at_once_is_not_answered),
      cmocka_unit_test(the_next_in_its_place_was_not_asked_for),
      cmocka_unit_test(within_half_a_round_trip_to_a_tick),
      cmocka_unit_test(answers_are_bounded_by_what_is_sent),
      cmocka_unit_test(a_storm_of_requests_is_bounded),
      cmocka_unit_test(another_format_ends_what_can_be_resent),
      cmocka_unit_test(another_track_goes_on_in_sequence_and_time),
      cmocka_unit_test(the_report_time_is_extrapolated),
      cmocka_unit_test(a_late_poll_skips_what_is_gone_without_a_jump),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
