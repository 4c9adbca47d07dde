/* SPDX-License-Identifier: MIT */
/* Two ends of one connection: order, loss, repetition, tampering. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "srtp/srtp.h"

#define SSRC_A 0xa0a0a0a0u
#define SSRC_B 0xb0b0b0b0u

struct packet {
  size_t len;
  uint8_t data[256];
};

struct ends {
  struct paw_srtp *a;
  struct paw_srtp *b;
};

static const struct paw_allocator allocator = {NULL, NULL, NULL};
static const size_t room = sizeof((struct packet *)NULL)->data;

static void make_keys(struct paw_srtp_keys *a, struct paw_srtp_keys *b) {
  memset(a, 0x11, sizeof *a);
  memset(a->remote_key, 0x22, sizeof a->remote_key);
  memcpy(b->local_key, a->remote_key, sizeof b->local_key);
  memcpy(b->local_salt, a->remote_salt, sizeof b->local_salt);
  memcpy(b->remote_key, a->local_key, sizeof b->remote_key);
  memcpy(b->remote_salt, a->local_salt, sizeof b->remote_salt);
}

static int setup(void **state) {
  static struct ends ends;
  struct paw_srtp_keys a;
  struct paw_srtp_keys b;
  make_keys(&a, &b);
  assert_int_equal(paw_srtp_new(&allocator, &a, SSRC_A, &ends.a), PAW_OK);
  assert_int_equal(paw_srtp_new(&allocator, &b, SSRC_B, &ends.b), PAW_OK);
  *state = &ends;
  return 0;
}

static int teardown(void **state) {
  struct ends *ends = *state;
  paw_srtp_free(ends->a, &allocator);
  paw_srtp_free(ends->b, &allocator);
  return 0;
}

static struct packet make_rtp(uint32_t ssrc, uint16_t seq, uint8_t fill) {
  struct packet packet = {.len = 92};
  const uint8_t header[12] = {0x80,
                              111,
                              (uint8_t)(seq >> 8),
                              (uint8_t)seq,
                              0,
                              0,
                              (uint8_t)(seq >> 8),
                              (uint8_t)seq,
                              (uint8_t)(ssrc >> 24),
                              (uint8_t)(ssrc >> 16),
                              (uint8_t)(ssrc >> 8),
                              (uint8_t)ssrc};
  memset(packet.data, fill, packet.len);
  memcpy(packet.data, header, sizeof header);
  return packet;
}

static struct packet make_rtcp(uint32_t ssrc) {
  struct packet packet = {.len = 28};
  const uint8_t header[8] = {
      0x80,         200, 0, 6, (uint8_t)(ssrc >> 24), (uint8_t)(ssrc >> 16), (uint8_t)(ssrc >> 8),
      (uint8_t)ssrc};
  memset(packet.data, 0x33, packet.len);
  memcpy(packet.data, header, sizeof header);
  return packet;
}

static struct packet protect_rtp(struct paw_srtp *srtp, struct packet packet) {
  assert_int_equal(paw_srtp_protect_rtp(srtp, packet.data, &packet.len, room), PAW_OK);
  return packet;
}

static struct packet protect_rtcp(struct paw_srtp *srtp, struct packet packet) {
  assert_int_equal(paw_srtp_protect_rtcp(srtp, packet.data, &packet.len, room), PAW_OK);
  return packet;
}

/* `packet` is a copy: what was sent can be sent again. */
static int unprotect_rtp(struct paw_srtp *srtp, struct packet packet) {
  return paw_srtp_unprotect_rtp(srtp, packet.data, &packet.len);
}

static int unprotect_rtcp(struct paw_srtp *srtp, struct packet packet) {
  return paw_srtp_unprotect_rtcp(srtp, packet.data, &packet.len);
}

static void expect_rtp(struct paw_srtp *srtp, struct packet sent, struct packet plain) {
  assert_int_equal(paw_srtp_unprotect_rtp(srtp, sent.data, &sent.len), PAW_OK);
  assert_int_equal(sent.len, plain.len);
  assert_memory_equal(sent.data, plain.data, plain.len);
}

static void both_directions(void **state) {
  struct ends *ends = *state;
  struct packet plain = make_rtp(SSRC_A, 1, 0x41);
  struct packet sent = protect_rtp(ends->a, plain);
  assert_int_equal(sent.len, plain.len + 10);
  assert_memory_equal(sent.data, plain.data, 12);
  assert_memory_not_equal(sent.data + 12, plain.data + 12, plain.len - 12);
  expect_rtp(ends->b, sent, plain);
  plain = make_rtp(SSRC_B, 1, 0x41);
  expect_rtp(ends->a, protect_rtp(ends->b, plain), plain);
}

static void own_packets_sent_back_are_refused(void **state) {
  struct ends *ends = *state;
  struct packet sent = protect_rtp(ends->a, make_rtp(SSRC_A, 1, 0x41));
  assert_int_equal(unprotect_rtp(ends->a, sent), PAW_ERR_AUTH);
}

/* RFC 3711 section 3.3.1: the roll-over counter is guessed right over a wrap with loss, and for a
 * packet of before the wrap that comes, or is sent again, after it. */
static void roll_over_with_loss_and_late_retransmission(void **state) {
  struct ends *ends = *state;
  struct packet before = make_rtp(SSRC_A, 65530, 1);
  struct packet after = make_rtp(SSRC_A, 20, 2);
  expect_rtp(ends->b, protect_rtp(ends->a, make_rtp(SSRC_A, 32000, 0)), make_rtp(SSRC_A, 32000, 0));
  expect_rtp(ends->b, protect_rtp(ends->a, make_rtp(SSRC_A, 64000, 0)), make_rtp(SSRC_A, 64000, 0));
  struct packet first = protect_rtp(ends->a, before); /* lost */
  for (unsigned seq = 65531; seq < 65546; seq++) {    /* all lost, the wrap among them */
    (void)protect_rtp(ends->a, make_rtp(SSRC_A, (uint16_t)seq, 3));
  }
  expect_rtp(ends->b, protect_rtp(ends->a, after), after);
  struct packet again = protect_rtp(ends->a, before);
  assert_memory_equal(first.data, again.data, first.len);
  expect_rtp(ends->b, again, before);
}

/* RTCP made the stream, and its first RTP packet has a number beyond 2^15, as peers choose that
 * draw it of 16 bits: it is no packet of before a roll-over. */
static void a_high_first_sequence_after_rtcp(void **state) {
  struct ends *ends = *state;
  assert_int_equal(unprotect_rtcp(ends->b, protect_rtcp(ends->a, make_rtcp(SSRC_A))), PAW_OK);
  for (unsigned seq = 60000; seq < 70000; seq += 100) {
    struct packet plain = make_rtp(SSRC_A, (uint16_t)seq, (uint8_t)seq);
    expect_rtp(ends->b, protect_rtp(ends->a, plain), plain);
  }
}

static void many_roll_overs(void **state) {
  struct ends *ends = *state;
  for (uint32_t i = 1000; i < 5 * 65536; i += 97) {
    struct packet plain = make_rtp(SSRC_A, (uint16_t)i, (uint8_t)i);
    expect_rtp(ends->b, protect_rtp(ends->a, plain), plain);
  }
}

static void replay_is_refused(void **state) {
  struct ends *ends = *state;
  struct packet sent[140];
  for (uint16_t i = 0; i < 140; i++) {
    sent[i] = protect_rtp(ends->a, make_rtp(SSRC_A, (uint16_t)(100 + i), 9));
  }
  for (unsigned i = 1; i < 140; i++) {
    assert_int_equal(unprotect_rtp(ends->b, sent[i]), PAW_OK);
    assert_int_equal(unprotect_rtp(ends->b, sent[i]), PAW_ERR_REPLAY);
  }
  assert_int_equal(unprotect_rtp(ends->b, sent[70]), PAW_ERR_REPLAY);
  /* Never seen, but 139 behind a window of 128. */
  assert_int_equal(unprotect_rtp(ends->b, sent[0]), PAW_ERR_REPLAY);
}

static void reordering_within_the_window(void **state) {
  struct ends *ends = *state;
  struct packet sent[128];
  for (uint16_t i = 0; i < 128; i++) {
    sent[i] = protect_rtp(ends->a, make_rtp(SSRC_A, (uint16_t)(100 + i), 9));
  }
  for (unsigned i = 128; i > 0; i--) {
    assert_int_equal(unprotect_rtp(ends->b, sent[i - 1]), PAW_OK);
  }
}

/* Whatever bit is turned: refused, the bytes left as they came, and the true packet still good. */
static void a_tampered_packet_changes_nothing(void **state) {
  struct ends *ends = *state;
  struct packet plain = make_rtp(SSRC_A, 500, 0x55);
  expect_rtp(ends->b, protect_rtp(ends->a, make_rtp(SSRC_A, 499, 0)), make_rtp(SSRC_A, 499, 0));
  struct packet sent = protect_rtp(ends->a, plain);
  for (size_t bit = 0; bit < 8 * sent.len; bit++) {
    struct packet forged = sent;
    forged.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    struct packet before = forged;
    int status = paw_srtp_unprotect_rtp(ends->b, forged.data, &forged.len);
    assert_true(status == PAW_ERR_AUTH || status == PAW_ERR_REPLAY || status == PAW_ERR_MALFORMED);
    assert_int_equal(forged.len, before.len);
    assert_memory_equal(forged.data, before.data, before.len);
  }
  expect_rtp(ends->b, sent, plain);
}

static void a_tampered_rtcp_packet_changes_nothing(void **state) {
  struct ends *ends = *state;
  struct packet plain = make_rtcp(SSRC_A);
  struct packet sent = protect_rtcp(ends->a, plain);
  for (size_t bit = 0; bit < 8 * sent.len; bit++) {
    struct packet forged = sent;
    forged.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    struct packet before = forged;
    int status = paw_srtp_unprotect_rtcp(ends->b, forged.data, &forged.len);
    assert_true(status == PAW_ERR_AUTH || status == PAW_ERR_MALFORMED);
    assert_memory_equal(forged.data, before.data, before.len);
  }
  assert_int_equal(paw_srtp_unprotect_rtcp(ends->b, sent.data, &sent.len), PAW_OK);
  assert_memory_equal(sent.data, plain.data, plain.len);
}

/* RFC 3711 section 9.1: the same keystream twice is harmless only over the same bytes. */
static void resending_gives_the_same_ciphertext(void **state) {
  struct ends *ends = *state;
  struct packet sent[256];
  for (uint16_t i = 0; i < 256; i++) {
    sent[i] = protect_rtp(ends->a, make_rtp(SSRC_A, (uint16_t)(1000 + i), (uint8_t)i));
  }
  for (uint16_t i = 0; i < 256; i++) {
    struct packet again = protect_rtp(ends->a, make_rtp(SSRC_A, (uint16_t)(1000 + i), (uint8_t)i));
    assert_int_equal(again.len, sent[i].len);
    assert_memory_equal(again.data, sent[i].data, again.len);
  }
  (void)protect_rtp(ends->a, make_rtp(SSRC_A, 1256, 0));
  struct packet old = make_rtp(SSRC_A, 1000, 0);
  struct packet before = old;
  assert_int_equal(paw_srtp_protect_rtp(ends->a, old.data, &old.len, room), PAW_ERR_REPLAY);
  assert_memory_equal(old.data, before.data, before.len);
}

/* The peer starts anew with another SSRC and sequence numbers far off; the old one stays closed to
 * replay. The peer is played by a second end with the same keys. */
static void a_new_ssrc_is_a_new_stream(void **state) {
  struct ends *ends = *state;
  struct paw_srtp_keys a;
  struct paw_srtp_keys b;
  make_keys(&a, &b);
  struct paw_srtp *other = NULL;
  assert_int_equal(paw_srtp_new(&allocator, &a, 0xcccccccc, &other), PAW_OK);
  struct packet old = protect_rtp(ends->a, make_rtp(SSRC_A, 9000, 1));
  assert_int_equal(unprotect_rtp(ends->b, old), PAW_OK);
  struct packet plain = make_rtp(0xcccccccc, 3, 1);
  expect_rtp(ends->b, protect_rtp(other, plain), plain);
  assert_int_equal(unprotect_rtp(ends->b, old), PAW_ERR_REPLAY);
  expect_rtp(ends->b, protect_rtp(ends->a, make_rtp(SSRC_A, 9001, 2)), make_rtp(SSRC_A, 9001, 2));
  paw_srtp_free(other, &allocator);
}

static void sources_are_bounded(void **state) {
  struct ends *ends = *state;
  struct paw_srtp_keys a;
  struct paw_srtp_keys b;
  make_keys(&a, &b);
  for (uint32_t ssrc = 1; ssrc <= PAW_SRTP_SOURCES_MAX + 3; ssrc++) {
    struct paw_srtp *other = NULL;
    assert_int_equal(paw_srtp_new(&allocator, &a, ssrc, &other), PAW_OK);
    struct packet sent = protect_rtp(other, make_rtp(ssrc, 1, 1));
    int expected = ssrc <= PAW_SRTP_SOURCES_MAX ? PAW_OK : PAW_ERR_LIMIT;
    assert_int_equal(unprotect_rtp(ends->b, sent), expected);
    sent = protect_rtp(other, make_rtp(ssrc, 2, 1));
    assert_int_equal(unprotect_rtp(ends->b, sent), expected);
    paw_srtp_free(other, &allocator);
  }
}

static void rtcp(void **state) {
  struct ends *ends = *state;
  struct packet plain = make_rtcp(SSRC_A);
  struct packet first = protect_rtcp(ends->a, plain);
  struct packet second = protect_rtcp(ends->a, plain);
  assert_int_equal(first.len, plain.len + 14);
  assert_memory_not_equal(first.data, second.data, first.len);
  struct packet received = second;
  assert_int_equal(paw_srtp_unprotect_rtcp(ends->b, received.data, &received.len), PAW_OK);
  assert_int_equal(received.len, plain.len);
  assert_memory_equal(received.data, plain.data, plain.len);
  assert_int_equal(unprotect_rtcp(ends->b, first), PAW_OK);
  assert_int_equal(unprotect_rtcp(ends->b, first), PAW_ERR_REPLAY);
  assert_int_equal(unprotect_rtcp(ends->b, second), PAW_ERR_REPLAY);
}

/* Every length from nothing on, of bytes that are not SRTP at all. */
static void short_packets(void **state) {
  struct ends *ends = *state;
  for (size_t len = 0; len < 40; len++) {
    struct packet packet = {.len = len};
    memset(packet.data, 0x9f, sizeof packet.data);
    assert_int_not_equal(unprotect_rtp(ends->b, packet), PAW_OK);
    assert_int_not_equal(unprotect_rtcp(ends->b, packet), PAW_OK);
  }
}

static void room_is_needed(void **state) {
  struct ends *ends = *state;
  struct packet packet = make_rtp(SSRC_A, 1, 1);
  assert_int_equal(paw_srtp_protect_rtp(ends->a, packet.data, &packet.len,
                                        packet.len + PAW_SRTP_TRAILER_MAX - 1),
                   PAW_ERR_NO_BUFFER);
  assert_int_equal(
      paw_srtp_protect_rtp(ends->a, packet.data, &packet.len, packet.len + PAW_SRTP_TRAILER_MAX),
      PAW_OK);
}

static void another_ssrc_is_not_sent(void **state) {
  struct ends *ends = *state;
  struct packet packet = make_rtp(SSRC_B, 1, 1);
  assert_int_equal(paw_srtp_protect_rtp(ends->a, packet.data, &packet.len, room), PAW_ERR_CRYPTO);
}

/* Of retransmissions: its own numbers under the same keys, none of them used twice. */
static void a_second_ssrc_is_sent(void **state) {
  struct ends *ends = *state;
  struct paw_srtp_keys a;
  struct paw_srtp_keys b;
  make_keys(&a, &b);
  assert_int_equal(paw_srtp_add_sender(ends->a, &a, 0xdddddddd), PAW_OK);
  struct packet first = make_rtp(SSRC_A, 7, 1);
  struct packet second = make_rtp(0xdddddddd, 7, 1);
  struct packet sent = protect_rtp(ends->a, first);
  struct packet resent = protect_rtp(ends->a, second);
  assert_memory_not_equal(sent.data + 12, resent.data + 12, 80); /* another key stream */
  expect_rtp(ends->b, sent, first);
  expect_rtp(ends->b, resent, second);
  assert_int_equal(paw_srtp_add_sender(ends->a, &a, 0xdddddddd), PAW_OK); /* changes nothing */
  struct packet again = make_rtp(0xdddddddd, 7, 2);
  assert_int_equal(paw_srtp_protect_rtp(ends->a, again.data, &again.len, room), PAW_ERR_REPLAY);
  struct packet other = make_rtp(0xeeeeeeee, 1, 1);
  assert_int_equal(paw_srtp_protect_rtp(ends->a, other.data, &other.len, room), PAW_ERR_CRYPTO);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(both_directions),
      TEST(own_packets_sent_back_are_refused),
      TEST(roll_over_with_loss_and_late_retransmission),
      TEST(a_high_first_sequence_after_rtcp),
      TEST(many_roll_overs),
      TEST(replay_is_refused),
      TEST(reordering_within_the_window),
      TEST(a_tampered_packet_changes_nothing),
      TEST(a_tampered_rtcp_packet_changes_nothing),
      TEST(resending_gives_the_same_ciphertext),
      TEST(a_new_ssrc_is_a_new_stream),
      TEST(sources_are_bounded),
      TEST(rtcp),
      TEST(short_packets),
      TEST(room_is_needed),
      TEST(another_ssrc_is_not_sent),
      TEST(a_second_ssrc_is_sent),
  };
  return cmocka_run_group_tests_name("srtp_session", tests, NULL, NULL);
}
