/* SPDX-License-Identifier: MIT */
/* RTCP as it goes over the wire, decrypted by a listener who has the keys: when it is sent (RFC
 * 3550 section 6.3), what a datagram is made of (section 6.1, RFC 5506, RFC 3611), and what is made
 * of what comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "base/ntp.h"
#include "kit/pair.h"
#include "rtc/rtc_private.h"
#include "rtcp/rtcp.h"

#define TAKEN_MAX 400

/* One datagram, taken to pieces. */
struct taken {
  uint64_t sent_ns;
  bool with_stun;   /* right behind it */
  uint8_t types[8]; /* in their order */
  size_t type_count;
  struct paw_rtcp_report report;
  char cname[32];
  struct paw_rtcp_xr xr;
  bool has_reference_time;
  bool has_dlrr;
  size_t nack_count;
};

/* Listens to what each peer sends. */
struct listener {
  struct kit_pair *pair;
  struct paw_srtp *srtp[2]; /* as the other one would open it */
  uint64_t stun_ns[2];      /* when each sent some last */
  size_t counts[2];
  struct taken taken[2][TAKEN_MAX];
};

static struct listener listener;

static bool is_rtcp(const struct kit_datagram *datagram) {
  return datagram->len > 8 && datagram->data[0] >> 6 == 2 && datagram->data[1] >= 192 &&
         datagram->data[1] <= 223;
}

static void note_packet(struct taken *taken, const struct paw_rtcp_packet *packet, uint32_t ssrc) {
  uint16_t sequences[PAW_RTCP_NACK_SEQUENCES_MAX];
  struct paw_slice cname;
  struct paw_rtcp_xr xr;
  uint32_t sender = 0;
  uint32_t media = 0;
  assert_true(taken->type_count < sizeof taken->types);
  taken->types[taken->type_count++] = packet->type;
  switch (packet->type) {
  case PAW_RTCP_SR:
  case PAW_RTCP_RR:
    assert_int_equal(paw_rtcp_read_report(packet, &taken->report), PAW_OK);
    break;
  case PAW_RTCP_SDES:
    assert_int_equal(paw_rtcp_read_sdes(packet, &sender, &cname), PAW_OK);
    assert_true(cname.len < sizeof taken->cname);
    memcpy(taken->cname, cname.data, cname.len);
    break;
  case PAW_RTCP_XR:
    assert_int_equal(paw_rtcp_read_xr(packet, ssrc, &xr), PAW_OK);
    taken->has_reference_time = taken->has_reference_time || xr.has_reference_time;
    taken->has_dlrr = taken->has_dlrr || xr.has_dlrr;
    break;
  case PAW_RTCP_RTPFB:
    assert_int_equal(paw_rtcp_read_nack(packet, &sender, &media, sequences,
                                        PAW_RTCP_NACK_SEQUENCES_MAX, &taken->nack_count),
                     PAW_OK);
    break;
  default:
    break;
  }
}

static bool listen_in(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  (void)user_data;
  size_t who = kit_peer_owns(&listener.pair->peers[0], &datagram->from) ? 0 : 1;
  if (datagram->data[0] <= 3) { /* RFC 7983 */
    listener.stun_ns[who] = now_ns;
  }
  if (!is_rtcp(datagram) || listener.srtp[who] == NULL) {
    return true;
  }
  uint8_t plain[PAW_DATAGRAM_MAX];
  size_t len = datagram->len;
  memcpy(plain, datagram->data, len);
  assert_int_equal(paw_srtp_unprotect_rtcp(listener.srtp[who], plain, &len), PAW_OK);
  assert_true(listener.counts[who] < TAKEN_MAX);
  struct taken *taken = &listener.taken[who][listener.counts[who]++];
  *taken = (struct taken){.sent_ns = now_ns, .with_stun = listener.stun_ns[who] == now_ns};
  struct paw_rd compound = paw_rd_init(plain, len);
  struct paw_rtcp_packet packet;
  uint32_t hearer_ssrc = listener.pair->peers[1 - who].rtc->local_ssrc;
  while (paw_rtcp_next(&compound, &packet)) {
    note_packet(taken, &packet, hearer_ssrc);
  }
  assert_false(compound.bad);
  return true;
}

/* The keys are there as soon as an end is connected, before it sends its first report. */
static void hand_keys(void *user_data, struct kit_peer *peer, const struct paw_rtc_event *event) {
  (void)user_data;
  static const struct paw_allocator heap;
  size_t who = peer == &listener.pair->peers[0] ? 0 : 1;
  struct paw_srtp_keys keys;
  if (event->kind != PAW_RTC_EVENT_CONNECTED) {
    return;
  }
  assert_int_equal(paw_dtls_get_keys(peer->rtc->dtls, &keys), PAW_OK);
  struct paw_srtp_keys mirrored = keys;
  memcpy(mirrored.local_key, keys.remote_key, sizeof keys.remote_key);
  memcpy(mirrored.local_salt, keys.remote_salt, sizeof keys.remote_salt);
  memcpy(mirrored.remote_key, keys.local_key, sizeof keys.local_key);
  memcpy(mirrored.remote_salt, keys.local_salt, sizeof keys.local_salt);
  assert_int_equal(paw_srtp_new(&heap, &mirrored, 1, &listener.srtp[who]), PAW_OK);
}

static struct kit_pair *connect_and_listen(struct kit_pair_config *config) {
  memset(&listener, 0, sizeof listener);
  listener.pair = kit_pair_new(config);
  kit_net_set_filter(listener.pair->net, listen_in, NULL);
  for (size_t i = 0; i < 2; i++) {
    listener.pair->peers[i].watcher = hand_keys;
  }
  kit_pair_negotiate(listener.pair);
  assert_true(kit_pair_run_until(listener.pair, kit_pair_both_connected, 200));
  return listener.pair;
}

static void stop_listening(void) {
  static const struct paw_allocator heap;
  kit_pair_free(listener.pair);
  for (size_t i = 0; i < 2; i++) {
    paw_srtp_free(listener.srtp[i], &heap);
  }
}

/* One sends, the other listens. */
static struct kit_pair *one_way_pair(uint64_t seed) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  config.rtc[0].audio.direction = PAW_DIRECTION_SENDONLY;
  config.rtc[1].audio.direction = PAW_DIRECTION_RECVONLY;
  struct kit_pair *pair = connect_and_listen(&config);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  return pair;
}

/* ---- when ---- */

static void the_first_report_goes_at_once(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 301);
  struct kit_pair *pair = connect_and_listen(&config);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(listener.counts[i], 1);
    const struct taken *first = &listener.taken[i][0];
    assert_int_equal(first->sent_ns, pair->peers[i].seen.connected_ns);
    assert_int_equal(first->types[0], PAW_RTCP_RR); /* nothing was sent yet */
    assert_int_equal(first->types[1], PAW_RTCP_SDES);
    assert_int_equal(first->report.block_count, 0);
    char line[64] = " cname:";
    strcat(line, first->cname);
    assert_int_equal(strlen(first->cname), 16);
    assert_non_null(strstr(i == 0 ? pair->offer : pair->answer, line));
  }
  stop_listening();
}

/* Intervals between the reports of one side from the one at `from` on. */
static void check_intervals(size_t who, size_t from, uint64_t mean_ms) {
  uint64_t least_ms = UINT64_MAX;
  uint64_t most_ms = 0;
  size_t count = listener.counts[who] - from - 1;
  for (size_t i = from; i + 1 < listener.counts[who]; i++) {
    uint64_t ms =
        (listener.taken[who][i + 1].sent_ns - listener.taken[who][i].sent_ns) / PAW_NS_PER_MS;
    least_ms = ms < least_ms ? ms : least_ms;
    most_ms = ms > most_ms ? ms : most_ms;
  }
  assert_true(count >= 50);
  assert_in_range(least_ms, mean_ms / 2 - 1, mean_ms * 6 / 10); /* spread over the whole range */
  assert_in_range(most_ms, mean_ms * 14 / 10, mean_ms * 3 / 2 + 1);
  uint64_t all_ms =
      (listener.taken[who][listener.counts[who] - 1].sent_ns - listener.taken[who][from].sent_ns) /
      PAW_NS_PER_MS;
  assert_in_range(all_ms / count, mean_ms * 85 / 100, mean_ms * 115 / 100);
}

static void intervals_are_random_around_their_mean(void **state) {
  (void)state;
  struct kit_pair *pair = one_way_pair(302);
  kit_pair_run_ms(pair, 100000);
  check_intervals(0, 2, 1000);
  check_intervals(1, 2, 1000);
  kit_peer_talk(&pair->peers[0], 0, 0);
  kit_pair_run_ms(pair, 15000);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  size_t again[2] = {listener.counts[0], listener.counts[1]};
  kit_pair_run_ms(pair, 1510); /* media that begins again hurries both */
  assert_true(listener.counts[0] > again[0]);
  assert_true(listener.counts[1] > again[1]);
  stop_listening();
}

/* Who has nothing to report wakes neither end up for it: his report goes with a check, or with the
 * answer to one, from 5 s after the one before on, and alone only when none has come for 10 s. */
static void idle_reports_go_with_checks(void **state) {
  (void)state;
  static const enum paw_ice_mode modes[] = {PAW_ICE_LITE, PAW_ICE_FULL};
  for (size_t mode = 0; mode < 2; mode++) {
    struct kit_pair_config config;
    kit_pair_config_init(&config, 309 + mode);
    config.rtc[0].ice_mode = modes[mode];
    struct kit_pair *pair = connect_and_listen(&config);
    kit_pair_run_ms(pair, 300000);
    for (size_t who = 0; who < 2; who++) {
      size_t along = 0;
      assert_in_range(listener.counts[who], 300 / 10, 300 / 5);
      for (size_t i = 2; i < listener.counts[who]; i++) {
        const struct taken *taken = &listener.taken[who][i];
        uint64_t after_ns = taken->sent_ns - taken[-1].sent_ns;
        along += taken->with_stun;
        assert_in_range(after_ns, 5 * PAW_NS_PER_S, 12 * PAW_NS_PER_S);
        assert_true(taken->with_stun || after_ns >= 10 * PAW_NS_PER_S);
      }
      assert_true(along >= listener.counts[who] * 9 / 10);
    }
    stop_listening();
  }
}

/* What is asked for again while nothing is said is not idle and not a beginning either: media that
 * begins after it is reported on as soon as any. */
static void media_after_resends_is_reported_on(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 312);
  struct kit_pair *pair = connect_and_listen(&config);
  kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
  kit_pair_run_ms(pair, 3000);
  kit_peer_talk(&pair->peers[0], 0, 0);
  const struct paw_send *send = &pair->peers[0].rtc->send;
  uint16_t last = (uint16_t)(send->base_sequence + send->next_index - send->base_index - 1);
  for (int i = 0; i < 10; i++) {
    kit_pair_run_ms(pair, 3000);
    assert_int_equal(paw_rtc_send_nack(pair->peers[1].rtc, pair->clock.now_ns, &last, 1), PAW_OK);
  }
  kit_pair_run_ms(pair, 100);
  assert_in_range(send->packets_resent, 9, 10);
  kit_peer_talk(&pair->peers[0], 960, pair->clock.now_ns);
  size_t before = listener.counts[0];
  kit_pair_run_ms(pair, 1600);
  assert_true(listener.counts[0] > before);
  stop_listening();
}

/* ---- what ---- */

static void compounds_have_the_order_of_the_rfc(void **state) {
  (void)state;
  struct kit_pair *pair = one_way_pair(303);
  kit_pair_run_ms(pair, 10000);
  for (size_t who = 0; who < 2; who++) {
    assert_true(listener.counts[who] > 5);
    for (size_t i = 1; i < listener.counts[who]; i++) {
      const struct taken *taken = &listener.taken[who][i];
      assert_int_equal(taken->types[0], who == 0 ? PAW_RTCP_SR : PAW_RTCP_RR);
      assert_int_equal(taken->types[1], PAW_RTCP_SDES);
      assert_string_equal(taken->cname, listener.taken[who][0].cname);
      assert_int_equal(taken->report.block_count, who == 0 ? 0 : 1);
    }
  }
  stop_listening();
}

/* RFC 3550 section 6.4.1: both times of a sender report are of one instant. */
static void sender_reports_follow_the_clock(void **state) {
  (void)state;
  struct kit_pair *pair = one_way_pair(304);
  kit_pair_run_ms(pair, 10000);
  const struct taken *first = &listener.taken[0][1];
  for (size_t i = 2; i < listener.counts[0]; i++) {
    const struct taken *taken = &listener.taken[0][i];
    uint64_t elapsed_ntp = taken->report.sender.ntp - first->report.sender.ntp;
    uint32_t elapsed_rtp = taken->report.sender.timestamp_rtp - first->report.sender.timestamp_rtp;
    uint64_t expected_rtp = (elapsed_ntp >> 16) * PAW_RTP_HZ >> 16;
    assert_in_range(elapsed_rtp, expected_rtp - 2, expected_rtp + 2);
    uint64_t elapsed_ns = taken->sent_ns - first->sent_ns;
    assert_in_range(elapsed_ntp, paw_ns_to_ntp_duration(elapsed_ns) - 10,
                    paw_ns_to_ntp_duration(elapsed_ns) + 10);
    assert_true(taken->report.sender.packets > first->report.sender.packets);
    assert_true(taken->report.sender.octets > first->report.sender.octets);
  }
  stop_listening();
}

/* RFC 3550 section 6.4: blocks are about sources that were heard since the last report. */
static void silence_is_not_reported_on(void **state) {
  (void)state;
  struct kit_pair *pair = one_way_pair(305);
  kit_pair_run_ms(pair, 5000);
  kit_peer_talk(&pair->peers[0], 0, 0);
  kit_pair_run_ms(pair, 2000); /* the last ones that still are about media */
  size_t before = listener.counts[1];
  kit_pair_run_ms(pair, 30000);
  assert_true(listener.counts[1] > before + 2);
  for (size_t i = before; i < listener.counts[1]; i++) {
    assert_int_equal(listener.taken[1][i].report.block_count, 0);
  }
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 10000);
  assert_int_equal(listener.taken[1][listener.counts[1] - 1].report.block_count, 1);
  stop_listening();
}

/* RFC 3611 sections 4.4 and 4.5: who only receives learns the round trip too. */
static void a_receiver_learns_the_round_trip(void **state) {
  (void)state;
  struct kit_pair *pair = one_way_pair(306);
  kit_net_configure(pair->net, &(struct kit_link_config){.delay_ns = 20 * PAW_NS_PER_MS});
  kit_pair_run_ms(pair, 30000);
  for (size_t i = 0; i < 2; i++) { /* not the one of ICE, which is asked where this is 0 */
    assert_in_range(pair->peers[i].rtc->round_trip.mean_ns, 38 * PAW_NS_PER_MS, 41 * PAW_NS_PER_MS);
  }
  size_t asked = 0;
  size_t told = 0;
  for (size_t i = 0; i < listener.counts[1]; i++) {
    asked += listener.taken[1][i].has_reference_time;
    assert_false(listener.taken[1][i].has_dlrr);
  }
  for (size_t i = 0; i < listener.counts[0]; i++) {
    told += listener.taken[0][i].has_dlrr;
    assert_false(listener.taken[0][i].has_reference_time); /* it receives nothing */
  }
  assert_true(asked > 10 && told > 10 && told <= asked);
  assert_in_range(pair->peers[0].seen.receiver_report.rtt_ns, 39 * PAW_NS_PER_MS,
                  41 * PAW_NS_PER_MS);
  stop_listening();
}

/* Who asks with a NACK, not knowing the round trip, is answered at once, and that is that, also
 * when neither learns anything by it. */
static void a_lone_question_is_answered_once(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 308);
  struct kit_pair *pair = connect_and_listen(&config);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_peer_talk(&pair->peers[1], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 100);
  size_t before[2] = {listener.counts[0], listener.counts[1]};
  pair->peers[0].rtc->round_trip.mean_ns = 0;
  pair->peers[1].rtc->round_trip.mean_ns = 0;
  uint16_t wanted = (uint16_t)(pair->peers[0].seen.audio.sequence - 2);
  assert_int_equal(paw_rtc_send_nack(pair->peers[0].rtc, pair->clock.now_ns, &wanted, 1), PAW_OK);
  kit_peer_drain(&pair->peers[0], pair->clock.now_ns);
  for (int i = 0; i < 20; i++) {
    kit_pair_run_ms(pair, 2);
    pair->peers[0].rtc->round_trip.mean_ns = 0;
    pair->peers[1].rtc->round_trip.mean_ns = 0;
  }
  assert_int_equal(listener.counts[0], before[0] + 1);
  assert_true(listener.taken[0][before[0]].has_reference_time);
  assert_int_equal(listener.taken[0][before[0]].nack_count, 1);
  assert_int_equal(listener.counts[1], before[1] + 1);
  assert_true(listener.taken[1][before[1]].has_dlrr);
  assert_false(listener.taken[1][before[1]].has_reference_time);
  stop_listening();
}

static void forget_reference_time(char *sdp, size_t size) {
  kit_sdp_replace(sdp, size, "a=rtcp-xr:rcvr-rtt=all\r\n", "");
}

/* RFC 3611 section 5.2: extended reports go to those who said that they read them. */
static void who_did_not_ask_gets_no_reference_time(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 307);
  config.alter_offer = forget_reference_time;
  struct kit_pair *pair = connect_and_listen(&config);
  kit_pair_run_ms(pair, 30000);
  for (size_t i = 0; i < listener.counts[1]; i++) {
    assert_false(listener.taken[1][i].has_reference_time);
  }
  assert_true(listener.taken[0][0].has_reference_time);
  stop_listening();
}

/* ---- feedback ---- */

static void forget_reduced_size(char *sdp, size_t size) {
  kit_sdp_replace(sdp, size, "a=rtcp-rsize\r\n", "");
}

/* The peer `who` asks for three packets. */
static void ask_again(struct kit_pair *pair, size_t who, bool reduced) {
  kit_peer_talk(&pair->peers[1 - who], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 100);
  uint16_t last = pair->peers[who].seen.audio.sequence;
  const uint16_t wanted[] = {(uint16_t)(last - 5), (uint16_t)(last - 4), (uint16_t)(last - 2)};
  size_t before = listener.counts[who];
  uint64_t now_ns = pair->clock.now_ns;
  assert_int_equal(paw_rtc_send_nack(pair->peers[who].rtc, now_ns, wanted, 3), PAW_OK);
  kit_peer_drain(&pair->peers[who], now_ns);
  assert_int_equal(listener.counts[who], before + 1);
  const struct taken *taken = &listener.taken[who][before];
  assert_int_equal(taken->nack_count, 3); /* of one field, the mask of the first */
  assert_int_equal(taken->types[0], reduced ? PAW_RTCP_RTPFB : PAW_RTCP_RR);
  assert_int_equal(taken->type_count, reduced ? 1 : 3);
  assert_int_equal(taken->types[taken->type_count - 1], PAW_RTCP_RTPFB);
  kit_pair_run_ms(pair, 20);
  assert_int_equal(kit_pair_get_stats(pair, 1 - who).packets_resent, 3);
}

/* RFC 5506 section 3.4.1: feedback goes alone where both sides agreed to it, else in a compound. */
static void feedback_alone_needs_both_sides(void **state) {
  (void)state;
  static kit_sdp_alter *const alters[][2] = {
      {NULL, NULL}, {forget_reduced_size, NULL}, {NULL, forget_reduced_size}};
  for (size_t i = 0; i < 3; i++) {
    struct kit_pair_config config;
    kit_pair_config_init(&config, 310 + i);
    config.alter_offer = alters[i][0];
    config.alter_answer = alters[i][1];
    struct kit_pair *pair = connect_and_listen(&config);
    ask_again(pair, i == 1 ? 1 : 0, i == 0); /* who knows that the other did not agree */
    stop_listening();
  }
}

/* As peer 0 would send it who has the keys. */
static void deliver_rtcp(struct kit_pair *pair, const struct paw_wr *wr) {
  uint8_t packet[PAW_DATAGRAM_MAX];
  size_t len = wr->len;
  assert_false(wr->bad);
  memcpy(packet, wr->data, len);
  assert_int_equal(paw_srtp_protect_rtcp(pair->peers[0].rtc->srtp, packet, &len, sizeof packet),
                   PAW_OK);
  const struct kit_datagram datagram = {.from = pair->peers[0].addresses[0],
                                        .to = pair->peers[1].addresses[0],
                                        .arrival_ns = pair->clock.now_ns,
                                        .data = packet,
                                        .len = len};
  kit_peer_receive(&pair->peers[1], &datagram, pair->clock.now_ns);
}

static void put_packet(struct paw_wr *wr, uint8_t type, uint32_t ssrc) {
  paw_wr_u8(wr, 0x81);
  paw_wr_u8(wr, type);
  paw_wr_u16(wr, 2);
  paw_wr_u32(wr, ssrc);
  paw_wr_u32(wr, 0x01020304);
}

/* RFC 3550 section 6.1: packets of unknown types are passed over, and what follows them counts. */
static void unknown_packets_are_passed_over(void **state) {
  (void)state;
  static const uint8_t unknown[] = {192, 195, 199, 204, 206, 208, 213, 223};
  struct kit_pair_config config;
  kit_pair_config_init(&config, 320);
  struct kit_pair *pair = connect_and_listen(&config);
  kit_peer_talk(&pair->peers[1], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 200);
  for (size_t i = 0; i < sizeof unknown; i++) {
    uint8_t compound[256];
    struct paw_wr wr = paw_wr_init(compound, sizeof compound);
    uint16_t wanted = (uint16_t)(pair->peers[0].seen.audio.sequence - 1 - i);
    uint32_t ssrc = pair->peers[0].rtc->local_ssrc;
    put_packet(&wr, unknown[i], ssrc);
    put_packet(&wr, unknown[sizeof unknown - 1 - i], ssrc);
    paw_rtcp_write_nack(&wr, ssrc, pair->peers[1].rtc->local_ssrc, &wanted, 1);
    deliver_rtcp(pair, &wr);
    struct paw_rtc_stats stats = kit_pair_get_stats(pair, 1);
    assert_int_equal(stats.packets_resent, i + 1);
    assert_int_equal(stats.drops[PAW_DROP_RTCP_MALFORMED], 0);
  }
  stop_listening();
}

/* RFC 5761 section 4: the second byte tells RTCP from RTP, whose types 64 to 95 are not used. */
static void the_second_byte_tells_rtcp_from_rtp(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 330);
  struct kit_pair *pair = connect_and_listen(&config);
  for (unsigned second = 0; second < 256; second++) {
    struct paw_rtc_stats before = kit_pair_get_stats(pair, 1);
    uint8_t packet[60] = {0x80, (uint8_t)second};
    const struct kit_datagram datagram = {.from = pair->peers[0].addresses[0],
                                          .to = pair->peers[1].addresses[0],
                                          .arrival_ns = pair->clock.now_ns,
                                          .data = packet,
                                          .len = sizeof packet};
    packet[sizeof packet - 14] = 0x80; /* SRTCP's E bit */
    kit_peer_receive(&pair->peers[1], &datagram, pair->clock.now_ns);
    struct paw_rtc_stats after = kit_pair_get_stats(pair, 1);
    bool rtcp = second >= 192 && second <= 223;
    assert_int_equal(after.drops[PAW_DROP_SRTCP_AUTH] - before.drops[PAW_DROP_SRTCP_AUTH], rtcp);
    assert_int_equal(after.drops[PAW_DROP_SRTP_AUTH] - before.drops[PAW_DROP_SRTP_AUTH], !rtcp);
  }
  stop_listening();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_report_goes_at_once),
      cmocka_unit_test(intervals_are_random_around_their_mean),
      cmocka_unit_test(idle_reports_go_with_checks),
      cmocka_unit_test(media_after_resends_is_reported_on),
      cmocka_unit_test(compounds_have_the_order_of_the_rfc),
      cmocka_unit_test(sender_reports_follow_the_clock),
      cmocka_unit_test(silence_is_not_reported_on),
      cmocka_unit_test(a_receiver_learns_the_round_trip),
      cmocka_unit_test(a_lone_question_is_answered_once),
      cmocka_unit_test(who_did_not_ask_gets_no_reference_time),
      cmocka_unit_test(feedback_alone_needs_both_sides),
      cmocka_unit_test(unknown_packets_are_passed_over),
      cmocka_unit_test(the_second_byte_tells_rtcp_from_rtp),
  };
  return cmocka_run_group_tests_name("rtcp_reports", tests, NULL, NULL);
}
