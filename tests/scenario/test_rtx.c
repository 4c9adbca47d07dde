/* SPDX-License-Identifier: MIT */
/* Retransmissions in a stream of their own (RFC 4588), where the offerer has it and the answerer
 * takes it; with the stream's own SSRC and numbers where not. Both repair what the network loses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pawebrtc/playout.h>
#include <string.h>

#include "kit/pair.h"
#include "rtc/rtc_private.h"
#include "rtp/rtp.h"

#define RTX_PAYLOAD_TYPE 112

/* What the talker, peers[0], has sent over the wire, and the player of peers[1]. */
struct ear {
  struct kit_pair *pair;
  struct paw_playout *player;
  uint64_t main_packets;
  uint64_t repeated; /* packets of the main stream that came again */
  uint64_t rtx_packets;
  uint64_t flagged; /* told as retransmissions */
  bool seen[65536];
  uint32_t rtx_ssrc;
};

static struct ear ear;

static bool count_rtp(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  (void)user_data;
  (void)now_ns;
  uint32_t ssrc = 0;
  uint8_t type = 0;
  bool rtp = datagram->data[0] >> 6 == 2 && !(datagram->data[1] >= 192 && datagram->data[1] <= 223);
  if (!rtp || !kit_peer_owns(&ear.pair->peers[0], &datagram->from) ||
      !paw_rtp_peek(datagram->data, datagram->len, &ssrc, &type)) {
    return true;
  }
  uint16_t sequence = (uint16_t)(datagram->data[2] << 8 | datagram->data[3]);
  if (type == RTX_PAYLOAD_TYPE) {
    ear.rtx_packets++;
    ear.rtx_ssrc = ssrc;
    assert_int_not_equal(ssrc, ear.pair->peers[0].rtc->local_ssrc);
    return true;
  }
  assert_int_equal(ssrc, ear.pair->peers[0].rtc->local_ssrc);
  ear.repeated += ear.seen[sequence];
  ear.seen[sequence] = true;
  ear.main_packets++;
  return true;
}

static void listen_to(void *user_data, struct kit_peer *peer, const struct paw_rtc_event *event) {
  (void)user_data;
  if (event->kind != PAW_RTC_EVENT_AUDIO) {
    return;
  }
  assert_int_equal(event->audio.ssrc, ear.pair->peers[0].rtc->local_ssrc);
  assert_int_equal(event->audio.payload_type, 111);
  assert_true(kit_sent_has(&ear.pair->peers[0].sent, event->audio.data, event->audio.len));
  ear.flagged += event->audio.retransmission;
  assert_int_equal(paw_playout_handle_input(ear.player, ear.pair->clock.now_ns, &event->audio),
                   PAW_OK);
  assert_ptr_equal(peer, &ear.pair->peers[1]);
}

static struct kit_pair *begin(struct kit_pair_config *config) {
  struct paw_playout_config player;
  memset(&ear, 0, sizeof ear);
  paw_playout_config_init(&player);
  assert_int_equal(paw_playout_new(&player, &ear.player), PAW_OK);
  ear.pair = kit_pair_new(config);
  kit_net_set_filter(ear.pair->net, count_rtp, NULL);
  ear.pair->peers[1].watcher = listen_to;
  kit_pair_negotiate(ear.pair);
  assert_true(kit_pair_run_until(ear.pair, kit_pair_both_connected, 200));
  return ear.pair;
}

static void end(void) {
  paw_playout_free(ear.player);
  kit_pair_free(ear.pair);
}

/* Talk and render for so long, at 10 % loss of the talker's packets. */
static void talk_ms(uint64_t ms) {
  struct kit_pair *pair = ear.pair;
  struct kit_peer *listener = &pair->peers[1];
  struct kit_link *link =
      kit_net_get_link(pair->net, &pair->peers[0].addresses[0], &listener->addresses[0]);
  link->config.loss = 0.1;
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  for (uint64_t i = 0; i < ms; i += 5) {
    int16_t pcm[480];
    kit_pair_run_ms(pair, 5);
    paw_rtc_serve_playout(listener->rtc, pair->clock.now_ns, ear.player);
    kit_peer_drain(listener, pair->clock.now_ns);
    paw_playout_render(ear.player, pcm, 240, pair->clock.now_ns);
  }
  kit_peer_talk(&pair->peers[0], 0, 0);
  kit_pair_run_ms(pair, 50); /* the last answers */
}

static struct paw_playout_stats played(void) {
  struct paw_playout_stats stats;
  paw_playout_get_stats(ear.player, &stats);
  return stats;
}

static struct kit_pair_config offering_rtx(uint64_t seed) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  config.rtc[0].audio.rtx = true;
  config.rtc[0].audio.red_distance = PAW_RED_OFF; /* where it would help, but is not looked at */
  return config;
}

static uint8_t agreed(size_t who) {
  struct paw_media_info media;
  assert_int_equal(paw_rtc_get_media(ear.pair->peers[who].rtc, &media), PAW_OK);
  return media.rtx_payload_type;
}

/* Of 1000 frames a hundred are lost and asked for, and one in ten of the answers is lost too. */
static void check_repaired(void) {
  struct paw_playout_stats stats = played();
  assert_in_range(stats.recovered_nack, 60, 130);
  assert_true(stats.concealed_samples * 100 < stats.total_samples * 2);
  for (size_t i = 0; i < 2; i++) {
    struct paw_rtc_stats rtc = kit_pair_get_stats(ear.pair, i);
    for (size_t drop = 0; drop < PAW_DROP_COUNT; drop++) {
      assert_true(rtc.drops[drop] == 0 || drop == PAW_DROP_SRTP_REPLAY);
    }
  }
}

static void lost_packets_come_in_a_stream_of_their_own(void **state) {
  (void)state;
  struct kit_pair_config config = offering_rtx(501);
  struct kit_pair *pair = begin(&config);
  assert_int_equal(agreed(0), RTX_PAYLOAD_TYPE);
  assert_int_equal(agreed(1), RTX_PAYLOAD_TYPE);
  talk_ms(10000);
  check_repaired();
  assert_int_equal(ear.repeated, 0);
  assert_in_range(ear.rtx_packets, 80, 200);
  assert_in_range(ear.flagged, ear.rtx_packets * 80 / 100, ear.rtx_packets);
  assert_int_equal(kit_pair_get_stats(pair, 0).packets_resent, ear.rtx_packets);
  /* RFC 4588 section 6.2: what the network lost stays lost in the reports */
  struct paw_rtc_stats stats = kit_pair_get_stats(pair, 1);
  assert_in_range(stats.packets_lost, ear.main_packets * 7 / 100, ear.main_packets * 13 / 100);
  assert_int_equal(pair->peers[1].rtc->recv_count, 1);
  /* both SSRCs were said */
  assert_int_equal(pair->peers[1].rtc->remote.rtx_ssrc, ear.rtx_ssrc);
  end();
}

/* The answerer talks: the roles are the same. */
static void the_answerer_resends_so_too(void **state) {
  (void)state;
  struct kit_pair_config config;
  kit_pair_config_init(&config, 502);
  config.rtc[1].audio.rtx = true; /* means nothing: it does not offer first */
  config.rtc[0].audio.rtx = true;
  struct kit_pair *pair = begin(&config);
  const char *group = strstr(pair->answer, "\r\na=ssrc-group:FID ");
  assert_non_null(group);
  kit_pair_renegotiate(pair, 1, 10);
  assert_int_equal(agreed(0), RTX_PAYLOAD_TYPE);
  assert_non_null(strstr(pair->offer, "a=fmtp:112 apt=111\r\n"));
  talk_ms(2000);
  assert_true(ear.rtx_packets > 5);
  assert_int_equal(ear.repeated, 0);
  end();
}

static void forget_rtx(char *sdp, size_t size) {
  kit_sdp_replace(sdp, size, "a=fmtp:112 apt=111\r\n", "");
}

/* Who refuses it, does not know it, or is not offered it, gets repairs on the stream's own SSRC. */
static void otherwise_with_the_own_ssrc(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    struct kit_pair_config config = offering_rtx(510 + (uint64_t)i);
    config.rtc[0].audio.rtx = i != 0;
    config.alter_offer = i == 1 ? forget_rtx : NULL;
    config.alter_answer = i == 2 ? forget_rtx : NULL;
    if (i == 3) {
      config.rtc[0].audio.nack = false; /* the talker answers none at all */
    }
    begin(&config);
    assert_int_equal(agreed(0), 0);
    talk_ms(10000);
    assert_int_equal(ear.rtx_packets, 0);
    assert_int_equal(ear.flagged, 0);
    if (i == 3) {
      assert_int_equal(ear.repeated, 0);
    } else {
      check_repaired();
      assert_in_range(ear.repeated, 80, 200);
    }
    end();
  }
}

/* It may come and go with later offers, and the next packets are resent accordingly. */
static void rtx_comes_and_goes(void **state) {
  (void)state;
  struct kit_pair_config config = offering_rtx(520);
  config.rtc[0].audio.rtx = false;
  struct kit_pair *pair = begin(&config);
  pair->peers[0].rtc->local.rtx_payload_type = RTX_PAYLOAD_TYPE; /* as another stack would */
  kit_pair_renegotiate(pair, 0, 10);
  assert_int_equal(agreed(0), RTX_PAYLOAD_TYPE);
  talk_ms(2000);
  assert_true(ear.rtx_packets > 5);
  assert_int_equal(ear.repeated, 0);
  uint64_t before = ear.rtx_packets;
  pair->peers[0].rtc->local.rtx_payload_type = 0;
  kit_pair_renegotiate(pair, 0, 10);
  assert_int_equal(agreed(1), 0);
  talk_ms(2000);
  assert_int_equal(ear.rtx_packets, before);
  assert_true(ear.repeated > 5);
  end();
}

/* ---- what is no retransmission ---- */

static void deliver_rtp(struct paw_srtp *srtp, uint8_t payload_type, uint32_t ssrc,
                        const uint8_t *payload, size_t payload_len) {
  static uint16_t sequence = 30000; /* ahead of the talker's own */
  struct kit_pair *pair = ear.pair;
  uint8_t packet[PAW_DATAGRAM_MAX];
  struct paw_wr wr = paw_wr_init(packet, sizeof packet);
  struct paw_rtp_header header = {
      .payload_type = payload_type, .sequence = sequence++, .ssrc = ssrc};
  paw_rtp_write_header(&wr, &header, false);
  paw_wr_bytes(&wr, payload, payload_len);
  size_t len = wr.len;
  assert_int_equal(paw_srtp_protect_rtp(srtp, packet, &len, sizeof packet), PAW_OK);
  const struct kit_datagram datagram = {.from = pair->peers[0].addresses[0],
                                        .to = pair->peers[1].addresses[0],
                                        .arrival_ns = pair->clock.now_ns,
                                        .data = packet,
                                        .len = len};
  kit_peer_receive(&pair->peers[1], &datagram, pair->clock.now_ns);
}

static void deliver_rtx(const uint8_t *payload, size_t payload_len) {
  struct paw_rtc *talker = ear.pair->peers[0].rtc;
  deliver_rtp(talker->srtp, RTX_PAYLOAD_TYPE, talker->send.rtx_ssrc, payload, payload_len);
}

/* RFC 4588 section 5.3: of two streams the one that was signalled with it, not the newest. */
static void retransmissions_are_of_the_signalled_stream(void **state) {
  (void)state;
  static const struct paw_allocator heap;
  static const uint8_t payload[] = {0, 1, 0xf8, 0xff, 0xfe};
  struct kit_pair_config config = offering_rtx(531);
  struct kit_pair *pair = begin(&config);
  struct kit_peer_seen *seen = &pair->peers[1].seen;
  uint32_t ssrc = pair->peers[0].rtc->local_ssrc;
  struct paw_srtp_keys keys;
  struct paw_srtp *other = NULL;
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 100);
  kit_peer_talk(&pair->peers[0], 0, 0);
  pair->peers[1].watcher = NULL;
  assert_int_equal(paw_dtls_get_keys(pair->peers[0].rtc->dtls, &keys), PAW_OK);
  assert_int_equal(paw_srtp_new(&heap, &keys, 99, &other), PAW_OK);
  deliver_rtp(other, 111, 99, payload + 2, 3);
  assert_int_equal(seen->audio.ssrc, 99);
  deliver_rtx(payload, sizeof payload);
  assert_true(seen->audio.retransmission);
  assert_int_equal(seen->audio.ssrc, ssrc);
  pair->peers[1].rtc->remote.rtx_ssrc = 0; /* not signalled */
  deliver_rtx(payload, sizeof payload);
  assert_int_equal(seen->audio.ssrc, 99);
  paw_srtp_free(other, &heap);
  end();
}

/* Probes without a packet in them, and answers before there is a stream. */
static void what_is_no_retransmission_is_counted(void **state) {
  (void)state;
  static const uint8_t payload[] = {0, 1, 0xf8, 0xff, 0xfe};
  struct kit_pair_config config = offering_rtx(530);
  struct kit_pair *pair = begin(&config);
  deliver_rtx(payload, sizeof payload);
  assert_int_equal(kit_pair_get_stats(pair, 1).drops[PAW_DROP_RTP_RTX], 1);
  kit_peer_talk(&pair->peers[0], 480, pair->clock.now_ns);
  kit_pair_run_ms(pair, 100);
  deliver_rtx(payload, 0);
  deliver_rtx(payload, 1);
  assert_int_equal(kit_pair_get_stats(pair, 1).drops[PAW_DROP_RTP_RTX], 3);
  assert_int_equal(ear.flagged, 0);
  pair->peers[1].watcher = NULL;
  deliver_rtx(payload, sizeof payload);
  assert_true(pair->peers[1].seen.audio.retransmission);
  assert_int_equal(pair->peers[1].seen.audio.sequence, 1);
  assert_int_equal(pair->peers[1].seen.audio.len, 3);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lost_packets_come_in_a_stream_of_their_own),
      cmocka_unit_test(the_answerer_resends_so_too),
      cmocka_unit_test(otherwise_with_the_own_ssrc),
      cmocka_unit_test(rtx_comes_and_goes),
      cmocka_unit_test(retransmissions_are_of_the_signalled_stream),
      cmocka_unit_test(what_is_no_retransmission_is_counted),
  };
  return cmocka_run_group_tests_name("rtx", tests, NULL, NULL);
}
