/* SPDX-License-Identifier: MIT */
/* One programme to many: every receiver gets every frame, whatever the others do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "kit/crowd.h"

#define PEERS 20

static void assert_all_heard(const struct kit_crowd *crowd, uint64_t least, uint64_t most) {
  for (size_t i = 0; i < crowd->config.member_count; i++) {
    const struct kit_member *member = &crowd->members[i];
    assert_in_range(member->peer.seen.events[PAW_RTC_EVENT_AUDIO], least, most);
    assert_int_equal(member->foreign, 0);
  }
}

static void everyone_hears_everything(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 61, PEERS);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  kit_crowd_talk(crowd, 480);
  kit_crowd_run_ms(crowd, 9995);
  kit_crowd_talk(crowd, 0);
  kit_crowd_run_ms(crowd, 100);
  assert_all_heard(crowd, 1000, 1000);
  struct paw_hub_stats stats;
  paw_hub_get_stats(crowd->hub, &stats);
  assert_int_equal(stats.datagrams_unclaimed, 0);
  kit_crowd_free(crowd);
}

/* SSRC, sequence numbers and keys are each receiver's own: nobody can follow another's stream. */
static void streams_are_apart(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 62, 5);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  kit_crowd_talk(crowd, 960);
  kit_crowd_run_ms(crowd, 100);
  for (size_t i = 0; i < 5; i++) {
    const struct paw_audio_packet *a = &crowd->members[i].peer.seen.audio;
    assert_int_equal(crowd->members[i].peer.seen.events[PAW_RTC_EVENT_AUDIO], 5);
    for (size_t j = 0; j < i; j++) {
      const struct paw_audio_packet *b = &crowd->members[j].peer.seen.audio;
      assert_int_not_equal(a->ssrc, b->ssrc);
      assert_int_not_equal(a->timestamp_rtp, b->timestamp_rtp);
    }
  }
  kit_crowd_free(crowd);
}

/* Asks for each gap once. */
static void ask_for_gaps(void *user_data, struct kit_peer *peer,
                         const struct paw_rtc_event *event) {
  uint16_t *next = user_data;
  if (event->kind != PAW_RTC_EVENT_AUDIO) {
    return;
  }
  uint16_t sequence = event->audio.sequence;
  if (*next != 0 && (int16_t)(uint16_t)(sequence - *next) < 0) {
    return;
  }
  while (*next != 0 && *next != sequence) {
    assert_int_equal(paw_rtc_send_nack(peer->rtc, event->audio.arrival_ns, next, 1), PAW_OK);
    (*next)++;
  }
  *next = (uint16_t)(sequence + 1);
}

static void lost_frames_are_sent_again(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 63, PEERS);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  uint16_t next[PEERS] = {0};
  for (size_t i = 0; i < PEERS; i++) {
    crowd->members[i].peer.watcher = ask_for_gaps;
    crowd->members[i].peer.watcher_data = &next[i];
  }
  kit_net_configure(crowd->net,
                    &(struct kit_link_config){.delay_ns = 2 * PAW_NS_PER_MS, .loss = 0.1});
  kit_crowd_talk(crowd, 480);
  kit_crowd_run_ms(crowd, 9995);
  kit_crowd_talk(crowd, 0);
  kit_crowd_run_ms(crowd, 200);
  /* A tenth is lost; of that the request or its answer is lost in a fifth of the cases. */
  assert_all_heard(crowd, 955, 1000);
  for (size_t i = 0; i < PEERS; i++) {
    struct paw_rtc_stats stats;
    paw_rtc_get_stats(paw_hub_get_rtc(crowd->hub, crowd->members[i].name), &stats);
    assert_in_range(stats.packets_resent, 50, 150);
  }
  kit_crowd_drain_hub(crowd);
  kit_crowd_free(crowd);
}

static void others_go_on_when_some_vanish(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 64, PEERS);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  kit_crowd_talk(crowd, 960);
  kit_crowd_run_ms(crowd, 1000);
  for (size_t i = 0; i < 10; i++) {
    kit_crowd_vanish(crowd, i);
  }
  kit_crowd_run_ms(crowd, 1000);
  for (size_t i = 0; i < 5; i++) {
    paw_hub_remove(crowd->hub, crowd->members[i].name);
    kit_crowd_drain_hub(crowd);
    crowd->members[i].name = 0;
  }
  kit_crowd_run_ms(crowd, 40000);
  for (size_t i = 5; i < 10; i++) {
    assert_true(crowd->members[i].hub.closed_ns > 0);
  }
  for (size_t i = 10; i < PEERS; i++) {
    assert_in_range(crowd->members[i].peer.seen.events[PAW_RTC_EVENT_AUDIO], 2099, 2101);
    assert_int_equal(crowd->members[i].peer.seen.events[PAW_RTC_EVENT_DEGRADED], 0);
  }
  kit_crowd_free(crowd);
}

/* From the same address, before the hub has given up the connection that was there. */
static void a_peer_comes_back(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 65, 3);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  kit_crowd_talk(crowd, 960);
  kit_crowd_run_ms(crowd, 1000);
  paw_hub_peer old_name = crowd->members[1].name;
  kit_crowd_vanish(crowd, 1);
  kit_crowd_run_ms(crowd, 300);
  paw_hub_remove(crowd->hub, old_name);
  kit_crowd_join(crowd, 1);
  assert_int_not_equal(crowd->members[1].name, old_name);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  uint64_t begin_ns = crowd->clock.now_ns;
  kit_crowd_run_ms(crowd, 1000);
  assert_in_range(crowd->members[1].peer.seen.events[PAW_RTC_EVENT_AUDIO], 49, 53);
  assert_in_range(crowd->members[1].peer.seen.first_audio_ns - begin_ns + 20 * PAW_NS_PER_MS, 0,
                  50 * PAW_NS_PER_MS);
  assert_int_equal(crowd->members[1].foreign, 0);
  assert_null(paw_hub_get_rtc(crowd->hub, old_name));
  kit_crowd_drain_hub(crowd);
  kit_crowd_free(crowd);
}

static void let_the_hub_grow(struct kit_crowd *crowd, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct paw_rtc_config config = crowd->config.hub_rtc;
    config.certificate = kit_certificate(0);
    config.rng = kit_rng_hook(&crowd->rng);
    struct paw_rtc *rtc = NULL;
    paw_hub_peer name = 0;
    assert_int_equal(paw_rtc_new(&config, crowd->clock.now_ns, &rtc), PAW_OK);
    assert_int_equal(paw_hub_add(crowd->hub, rtc, &name), PAW_OK);
  }
  kit_crowd_drain_hub(crowd);
}

static struct paw_rtc_stats stats_in_hub(struct kit_crowd *crowd, paw_hub_peer name) {
  struct paw_rtc_stats stats;
  paw_rtc_get_stats(paw_hub_get_rtc(crowd->hub, name), &stats);
  kit_crowd_drain_hub(crowd);
  return stats;
}

/* A peer comes back on its address while the hub still keeps the connection that was there, in a
 * place before that one's. What comes from there is the new one's, also after the tables grew. */
static void the_newest_at_an_address_is_meant(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 67, 12);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  kit_crowd_talk(crowd, 960);
  kit_crowd_run_ms(crowd, 1000);
  kit_crowd_vanish(crowd, 0);
  paw_hub_remove(crowd->hub, crowd->members[0].name);
  kit_crowd_vanish(crowd, 5);
  crowd->members[0].name = crowd->members[5].name; /* so that its events have a place */
  kit_crowd_join(crowd, 5);
  kit_crowd_run_ms(crowd, 1000);
  assert_true(crowd->members[5].hub.events[PAW_RTC_EVENT_CONNECTED] == 1);
  for (unsigned round = 0; round < 2; round++) {
    uint64_t before = stats_in_hub(crowd, crowd->members[5].name).rtcp_received;
    kit_crowd_run_ms(crowd, 5000);
    struct paw_rtc_stats gone = stats_in_hub(crowd, crowd->members[0].name);
    assert_in_range(stats_in_hub(crowd, crowd->members[5].name).rtcp_received - before, 3, 12);
    assert_int_equal(gone.drops[PAW_DROP_SRTCP_AUTH], 0);
    let_the_hub_grow(crowd, 8); /* from 16 places to 32 */
  }
  kit_crowd_free(crowd);
}

static void unsubscribed_peers_hear_nothing(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 66, 4);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  assert_int_equal(paw_hub_subscribe(crowd->hub, crowd->members[0].name, NULL), PAW_OK);
  kit_crowd_drain_hub(crowd);
  kit_crowd_talk(crowd, 960);
  kit_crowd_run_ms(crowd, 1000);
  assert_int_equal(crowd->members[0].peer.seen.events[PAW_RTC_EVENT_AUDIO], 0);
  for (size_t i = 1; i < 4; i++) {
    assert_in_range(crowd->members[i].peer.seen.events[PAW_RTC_EVENT_AUDIO], 49, 51);
  }
  assert_int_equal(paw_hub_subscribe(crowd->hub, crowd->members[0].name, crowd->track), PAW_OK);
  kit_crowd_drain_hub(crowd);
  kit_crowd_run_ms(crowd, 1000);
  assert_in_range(crowd->members[0].peer.seen.events[PAW_RTC_EVENT_AUDIO], 49, 51);
  kit_crowd_free(crowd);
}

/* Batch by batch, the frame comes to each at the same time after the first, or the one time that it
 * comes early is what all others are held against. */
static void the_last_is_served_last_whatever_it_says(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 64, 6);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  kit_crowd_run_ms(crowd, 100);
  const uint8_t data[60] = {0xf8};
  const struct paw_audio_frame frame = {
      .data = data, .len = sizeof data, .media_rtp = 960, .duration_rtp = 960};
  struct paw_transmit out[2];
  size_t count = 2;
  assert_int_equal(paw_hub_track_send(crowd->hub, crowd->track, crowd->clock.now_ns, &frame),
                   PAW_OK);
  for (size_t i = 0; i < 6; i += count) {
    assert_non_null(paw_hub_get_rtc(crowd->hub, crowd->members[5].name)); /* looked at anew */
    paw_hub_poll_transmits(crowd->hub, out, 2, &count);
    assert_int_equal(count, 2);
    for (size_t k = 0; k < 2; k++) {
      assert_true(paw_address_equal(&out[k].remote, &crowd->members[i + k].peer.addresses[0]));
    }
  }
  kit_crowd_drain_hub(crowd);
  kit_crowd_free(crowd);
}

/* What the member asks for reaches the hub at once. */
static void ask_for(struct kit_crowd *crowd, size_t index, uint16_t sequence) {
  struct paw_rtc *rtc = crowd->members[index].peer.rtc;
  struct paw_rtc_output out;
  assert_int_equal(paw_rtc_send_nack(rtc, crowd->clock.now_ns, &sequence, 1), PAW_OK);
  for (paw_rtc_poll_output(rtc, &out); out.kind == PAW_OUTPUT_TRANSMIT;
       paw_rtc_poll_output(rtc, &out)) {
    const struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                                    .now_ns = crowd->clock.now_ns,
                                    .local = out.transmit.remote,
                                    .remote = out.transmit.local,
                                    .data = out.transmit.data,
                                    .len = out.transmit.len};
    assert_int_equal(paw_hub_handle_input(crowd->hub, &input), PAW_OK);
  }
}

/* It is late already. */
static void what_is_asked_for_does_not_wait_for_the_turn(void **state) {
  (void)state;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 65, 6);
  struct kit_crowd *crowd = kit_crowd_new(&config);
  assert_true(kit_crowd_run_until(crowd, kit_crowd_all_connected, 500));
  kit_crowd_talk(crowd, 960);
  kit_crowd_run_ms(crowd, 500);
  kit_crowd_talk(crowd, 0);
  kit_crowd_run_ms(crowd, 50);
  const uint8_t data[60] = {0xf8};
  const struct paw_audio_frame frame = {
      .data = data, .len = sizeof data, .media_rtp = 960 * 100, .duration_rtp = 960};
  struct paw_transmit out[7];
  size_t count = 0;
  assert_int_equal(paw_hub_track_send(crowd->hub, crowd->track, crowd->clock.now_ns, &frame),
                   PAW_OK);
  paw_hub_poll_transmits(crowd->hub, out, 2, &count);
  ask_for(crowd, 5, crowd->members[5].peer.seen.audio.sequence);
  paw_hub_poll_transmits(crowd->hub, out, 7, &count);
  assert_int_equal(count, 5);
  const size_t order[] = {5, 2, 3, 4, 5};
  for (size_t i = 0; i < 5; i++) {
    const struct paw_address *address = &crowd->members[order[i]].peer.addresses[0];
    assert_true(paw_address_equal(&out[i].remote, address));
  }
  struct paw_rtc_stats stats;
  paw_rtc_get_stats(paw_hub_get_rtc(crowd->hub, crowd->members[5].name), &stats);
  assert_int_equal(stats.packets_resent, 1);
  kit_crowd_drain_hub(crowd);
  kit_crowd_free(crowd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everyone_hears_everything),
      cmocka_unit_test(streams_are_apart),
      cmocka_unit_test(lost_frames_are_sent_again),
      cmocka_unit_test(others_go_on_when_some_vanish),
      cmocka_unit_test(a_peer_comes_back),
      cmocka_unit_test(the_newest_at_an_address_is_meant),
      cmocka_unit_test(unsubscribed_peers_hear_nothing),
      cmocka_unit_test(the_last_is_served_last_whatever_it_says),
      cmocka_unit_test(what_is_asked_for_does_not_wait_for_the_turn),
  };
  return cmocka_run_group_tests_name("hub_fanout", tests, NULL, NULL);
}
