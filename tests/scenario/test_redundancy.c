/* SPDX-License-Identifier: MIT */
/* RED (RFC 2198) between two connections at 20 % loss: as told, by itself where asking again comes
 * too late, and together with retransmissions. A player hears what it mends. */
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

#define RED 63
#define FRAME_RTP 480

/* What the listener, peers[1], was handed, and its player. */
struct ear {
  struct kit_pair *pair;
  struct paw_playout *player;
  uint64_t red_packets;
  uint64_t plain_packets;
  uint64_t retransmissions;
  uint32_t offset_rtp; /* of the last that was redundant */
};

static struct ear ear;

static void note_red(const struct paw_audio_packet *packet) {
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX];
  size_t count = 0;
  assert_int_equal(packet->payload_type, RED);
  assert_false(packet->retransmission);
  assert_int_equal(paw_red_read(packet->data, packet->len, blocks, &count), PAW_OK);
  assert_int_equal(count, 2);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(blocks[i].payload_type, 111);
    assert_true(kit_sent_has(&ear.pair->peers[0].sent, blocks[i].data.data, blocks[i].data.len));
  }
  ear.offset_rtp = blocks[0].offset_rtp;
}

static void listen_to(void *user_data, struct kit_peer *peer, const struct paw_rtc_event *event) {
  (void)user_data;
  (void)peer;
  const struct paw_audio_packet *packet = &event->audio;
  if (event->kind != PAW_RTC_EVENT_AUDIO) {
    return;
  }
  if (packet->red) {
    note_red(packet);
  } else {
    assert_int_equal(packet->payload_type, 111);
    assert_true(kit_sent_has(&ear.pair->peers[0].sent, packet->data, packet->len));
  }
  ear.red_packets += packet->red;
  ear.plain_packets += !packet->red;
  ear.retransmissions += packet->retransmission;
  assert_int_equal(paw_playout_handle_input(ear.player, ear.pair->clock.now_ns, packet), PAW_OK);
}

static struct kit_pair_config one_way(uint64_t seed) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  config.rtc[0].audio.direction = PAW_DIRECTION_SENDONLY;
  config.rtc[1].audio.direction = PAW_DIRECTION_RECVONLY;
  return config;
}

/* The player waits 80 ms, so that what can be mended is. */
static struct kit_pair *begin(const struct kit_pair_config *config) {
  struct paw_playout_config player;
  memset(&ear, 0, sizeof ear);
  paw_playout_config_init(&player);
  player.target_delay_ns = 80 * PAW_NS_PER_MS;
  assert_int_equal(paw_playout_new(&player, &ear.player), PAW_OK);
  ear.pair = kit_pair_new(config);
  ear.pair->peers[1].watcher = listen_to;
  kit_pair_negotiate(ear.pair);
  assert_true(kit_pair_run_until(ear.pair, kit_pair_both_connected, 1000));
  return ear.pair;
}

static void end(void) {
  paw_playout_free(ear.player);
  kit_pair_free(ear.pair);
}

static void set_link(uint64_t delay_ms, double loss) {
  for (size_t i = 0; i < 2; i++) { /* what goes back is not lost */
    struct kit_link *link = kit_net_get_link(ear.pair->net, &ear.pair->peers[i].addresses[0],
                                             &ear.pair->peers[1 - i].addresses[0]);
    link->config.delay_ns = delay_ms * PAW_NS_PER_MS;
    link->config.loss = i == 0 ? loss : 0;
  }
}

static void talk_ms(uint64_t ms) {
  struct kit_pair *pair = ear.pair;
  struct kit_peer *listener = &pair->peers[1];
  if (pair->peers[0].talker.encoder == NULL) {
    kit_peer_talk(&pair->peers[0], FRAME_RTP, pair->clock.now_ns);
  }
  for (uint64_t i = 0; i < ms; i += 5) {
    int16_t pcm[480];
    kit_pair_run_ms(pair, 5);
    (void)paw_rtc_serve_playout(listener->rtc, pair->clock.now_ns, ear.player);
    kit_peer_drain(listener, pair->clock.now_ns);
    paw_playout_render(ear.player, pcm, 240, pair->clock.now_ns);
  }
}

static struct paw_playout_stats played(void) {
  struct paw_playout_stats stats;
  paw_playout_get_stats(ear.player, &stats);
  return stats;
}

static uint8_t distance(void) {
  return kit_pair_get_stats(ear.pair, 0).red_distance;
}

/* A fifth is lost; that and its copy, a fifth of it. */
static void as_told(void **state) {
  (void)state;
  static const int distances[] = {1, 3, 6};
  for (size_t i = 0; i < 3; i++) {
    struct kit_pair_config config = one_way(600 + i);
    config.rtc[1].audio.nack = false;
    config.rtc[0].audio.red_distance = (int8_t)distances[i];
    struct kit_pair *pair = begin(&config);
    set_link(2, 0.2);
    talk_ms(20000);
    struct paw_playout_stats stats = played();
    struct paw_rtc_stats sent = kit_pair_get_stats(pair, 0);
    assert_int_equal(ear.offset_rtp, distances[i] * FRAME_RTP);
    assert_true(ear.plain_packets <= 6);
    assert_in_range(stats.recovered_red, 240, 400);
    assert_in_range(stats.concealed_samples * 1000 / stats.total_samples, 20, 60);
    assert_int_equal(sent.red_packets_sent, sent.packets_sent - (uint64_t)distances[i]);
    assert_in_range(sent.red_bytes_sent * 100 / sent.payload_bytes_sent, 45, 60);
    assert_int_equal(kit_pair_get_stats(pair, 1).red_packets_received, ear.red_packets);
    assert_int_equal(distance(), distances[i]);
    end();
  }
}

static void told_otherwise_while_it_runs(void **state) {
  (void)state;
  struct kit_pair_config config = one_way(610);
  struct kit_pair *pair = begin(&config);
  struct paw_rtc *rtc = pair->peers[0].rtc;
  talk_ms(500);
  assert_int_equal(ear.red_packets, 0);
  assert_int_equal(paw_rtc_set_red(rtc, PAW_RED_DISTANCE_MAX + 1), PAW_ERR_INVALID);
  assert_int_equal(paw_rtc_set_red(rtc, PAW_RED_AUTO - 1), PAW_ERR_INVALID);
  assert_int_equal(paw_rtc_set_red(rtc, 2), PAW_OK);
  talk_ms(500);
  assert_int_equal(ear.offset_rtp, 2 * FRAME_RTP);
  assert_int_equal(paw_rtc_set_red(rtc, PAW_RED_OFF), PAW_OK);
  talk_ms(20);
  uint64_t before = ear.red_packets;
  talk_ms(500);
  assert_int_equal(ear.red_packets, before);
  end();
}

/* Where asking again comes too late it begins with the second report of loss at the latest, reaches
 * back as far as 60 ms leave time for, and ends ten seconds after the loss. */
static void by_itself_where_the_way_is_long(void **state) {
  (void)state;
  struct kit_pair_config config = one_way(620);
  config.link.delay_ns = 18 * PAW_NS_PER_MS;
  begin(&config);
  talk_ms(5000);
  assert_int_equal(ear.red_packets, 0);
  set_link(18, 0.2);
  talk_ms(4000);
  assert_int_equal(distance(), 4); /* of 60 ms a way of 18 leaves four frames */
  uint64_t before = played().recovered_red;
  talk_ms(10000);
  struct paw_playout_stats stats = played();
  assert_true(stats.recovered_red > before);
  assert_in_range(stats.recovered_red + stats.recovered_nack, 200, 400);
  assert_true(stats.concealed_samples * 1000 < stats.total_samples * 10);
  set_link(18, 0);
  talk_ms(9000);
  assert_int_equal(distance(), 4);
  talk_ms(12000);
  assert_int_equal(distance(), 0);
  end();
}

static void not_where_there_is_time_to_ask(void **state) {
  (void)state;
  struct kit_pair_config config = one_way(630);
  begin(&config);
  set_link(2, 0.2);
  talk_ms(20000);
  assert_int_equal(ear.red_packets, 0);
  assert_true(played().recovered_nack > 300);
  assert_true(played().concealed_samples * 1000 < played().total_samples * 5);
  end();
}

/* A peer that cannot ask gets it at once; one that does not say it knows reference times is a
 * browser, and waits for two frames at most. */
static void forget_reference_time(char *sdp, size_t size) {
  kit_sdp_replace(sdp, size, "a=rtcp-xr:rcvr-rtt=all\r\n", "");
}

static void by_itself_where_nobody_asks(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct kit_pair_config config = one_way(640 + i);
    config.rtc[1].audio.nack = false;
    config.alter_answer = i == 1 ? forget_reference_time : NULL;
    begin(&config);
    set_link(2, 0.2);
    talk_ms(5000);
    assert_int_equal(distance(), i == 0 ? 5 : 2);
    end();
  }
}

static void never_where_it_was_not_agreed_on(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct kit_pair_config config = one_way(650 + i);
    config.rtc[i].audio.red = false;
    config.rtc[0].audio.red_distance = 3;
    config.rtc[1].audio.nack = false;
    begin(&config);
    set_link(2, 0.2);
    talk_ms(5000);
    assert_int_equal(ear.red_packets, 0);
    assert_true(ear.plain_packets > 300);
    assert_int_equal(kit_pair_get_stats(ear.pair, 1).drops[PAW_DROP_RTP_PAYLOAD_TYPE], 0);
    end();
  }
}

/* Both kinds of repair, on a stream of its own and on the same: hardly anything stays lost. */
static void with_retransmissions(void **state) {
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct kit_pair_config config = one_way(660 + i);
    config.rtc[0].audio.rtx = i == 0;
    config.rtc[0].audio.red_distance = 2;
    struct kit_pair *pair = begin(&config);
    set_link(2, 0.2);
    talk_ms(20000);
    struct paw_playout_stats stats = played();
    assert_true(stats.recovered_red + stats.recovered_nack > 300);
    assert_true(stats.concealed_samples * 1000 < stats.total_samples * 5);
    assert_true(kit_pair_get_stats(pair, 0).packets_resent > 50);
    assert_int_equal(ear.retransmissions > 50, i == 0);
    end();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_told),
      cmocka_unit_test(told_otherwise_while_it_runs),
      cmocka_unit_test(by_itself_where_the_way_is_long),
      cmocka_unit_test(not_where_there_is_time_to_ask),
      cmocka_unit_test(by_itself_where_nobody_asks),
      cmocka_unit_test(never_where_it_was_not_agreed_on),
      cmocka_unit_test(with_retransmissions),
  };
  return cmocka_run_group_tests_name("redundancy", tests, NULL, NULL);
}
