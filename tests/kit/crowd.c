/* SPDX-License-Identifier: MIT */
#include "kit/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HUB_ADDRESS "192.0.2.1:8443"
#define DRAIN_MAX 100000 /* no single drain takes as many rounds: it would be an endless one */

void kit_crowd_config_init(struct kit_crowd_config *config, uint64_t seed, size_t member_count) {
  memset(config, 0, sizeof *config);
  config->seed = seed;
  config->member_count = member_count;
  config->link.delay_ns = 2 * PAW_NS_PER_MS;
  paw_rtc_config_init(&config->hub_rtc);
  config->hub_rtc.audio.direction = PAW_DIRECTION_SENDONLY;
  paw_rtc_config_init(&config->peer_rtc);
  config->peer_rtc.audio.direction = PAW_DIRECTION_RECVONLY;
  config->peer_rtc.ice_mode = PAW_ICE_LITE;
}

static struct kit_member *find_member(struct kit_crowd *crowd, paw_hub_peer name) {
  for (size_t i = 0; i < crowd->config.member_count; i++) {
    if (crowd->members[i].name == name) {
      return &crowd->members[i];
    }
  }
  fail_msg("the hub speaks of a peer that it does not have");
  return NULL;
}

/* Audio must be what went into the track, byte by byte. */
static void watch(void *user_data, struct kit_peer *peer, const struct paw_rtc_event *event) {
  struct kit_member *member = user_data;
  (void)peer;
  if (event->kind != PAW_RTC_EVENT_AUDIO || event->audio.red) {
    return;
  }
  member->foreign += !kit_sent_has(&member->crowd->sent, event->audio.data, event->audio.len);
}

/* ---- members ---- */

static struct paw_rtc *answer(struct kit_crowd *crowd, const char *offer, char *text, size_t size) {
  struct paw_rtc_config config = crowd->config.hub_rtc;
  config.certificate = kit_certificate(0);
  config.rng = kit_rng_hook(&crowd->rng);
  config.log = kit_log_hook(&crowd->log);
  struct paw_rtc *rtc = NULL;
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = crowd->hub_address};
  assert_int_equal(paw_rtc_new(&config, crowd->clock.now_ns, &rtc), PAW_OK);
  assert_int_equal(paw_rtc_add_local_candidate(rtc, &candidate), PAW_OK);
  assert_int_equal(
      paw_rtc_accept_offer(rtc, crowd->clock.now_ns, offer, strlen(offer), text, &size), PAW_OK);
  return rtc;
}

void kit_crowd_join(struct kit_crowd *crowd, size_t index) {
  struct kit_member *member = &crowd->members[index];
  uint64_t now_ns = crowd->clock.now_ns;
  char address[PAW_ADDRESS_TEXT_SIZE];
  snprintf(address, sizeof address, "10.0.%zu.%zu:5000", index / 250, index % 250 + 1);
  const char *addresses[] = {address, NULL};
  struct paw_rtc_config config = crowd->config.peer_rtc;
  config.certificate = kit_certificate(1);
  kit_peer_init(&member->peer, &config, crowd->config.seed * 1000 + index, crowd->net, addresses,
                now_ns);
  member->peer.watcher = watch;
  member->peer.watcher_data = member;
  member->crowd = crowd;
  memset(&member->hub, 0, sizeof member->hub);

  char offer_text[KIT_SDP_MAX];
  char answer_text[KIT_SDP_MAX];
  size_t len = sizeof offer_text;
  assert_int_equal(paw_rtc_create_offer(member->peer.rtc, offer_text, &len), PAW_OK);
  struct paw_rtc *rtc = answer(crowd, offer_text, answer_text, sizeof answer_text);
  assert_int_equal(paw_hub_add(crowd->hub, rtc, &member->name), PAW_OK);
  assert_int_equal(paw_hub_subscribe(crowd->hub, member->name, crowd->track), PAW_OK);
  assert_int_equal(
      paw_rtc_accept_answer(member->peer.rtc, now_ns, answer_text, strlen(answer_text)), PAW_OK);
  kit_peer_drain(&member->peer, now_ns);
  kit_crowd_drain_hub(crowd);
}

void kit_crowd_vanish(struct kit_crowd *crowd, size_t index) {
  kit_peer_wipe(&crowd->members[index].peer);
}

static bool is_there(const struct kit_member *member) {
  return member->peer.rtc != NULL;
}

/* ---- the crowd ---- */

struct kit_crowd *kit_crowd_new(const struct kit_crowd_config *config) {
  struct kit_crowd *crowd = calloc(1, sizeof *crowd);
  assert_non_null(crowd);
  crowd->config = *config;
  crowd->members = calloc(config->member_count, sizeof *crowd->members);
  assert_non_null(crowd->members);
  kit_clock_init(&crowd->clock);
  kit_rng_init(&crowd->rng, config->seed);
  kit_log_init(&crowd->log);
  crowd->net = kit_net_new(config->seed, &config->link);
  assert_int_equal(paw_address_parse(HUB_ADDRESS, &crowd->hub_address), PAW_OK);
  struct paw_hub_config hub_config;
  paw_hub_config_init(&hub_config);
  assert_int_equal(paw_hub_new(&hub_config, crowd->clock.now_ns, &crowd->hub), PAW_OK);
  assert_int_equal(paw_hub_track_new(crowd->hub, &crowd->track), PAW_OK);
  for (size_t i = 0; i < config->member_count; i++) {
    kit_crowd_join(crowd, i);
  }
  return crowd;
}

void kit_crowd_free(struct kit_crowd *crowd) {
  for (size_t i = 0; i < crowd->config.member_count; i++) {
    if (is_there(&crowd->members[i])) {
      kit_peer_wipe(&crowd->members[i].peer);
    }
  }
  kit_talker_stop(&crowd->talker);
  paw_hub_free(crowd->hub);
  kit_net_free(crowd->net);
  free(crowd->members);
  free(crowd);
}

/* ---- the hub's input and output ---- */

static size_t send_batch(struct kit_crowd *crowd) {
  struct paw_transmit batch[16];
  size_t count = 0;
  paw_hub_poll_transmits(crowd->hub, batch, 16, &count);
  for (size_t i = 0; i < count; i++) {
    assert_true(paw_address_equal(&batch[i].local, &crowd->hub_address));
    kit_net_send(crowd->net, &batch[i].local, &batch[i].remote, batch[i].data, batch[i].len,
                 crowd->clock.now_ns);
  }
  return count;
}

static size_t take_events(struct kit_crowd *crowd) {
  paw_hub_peer name = 0;
  struct paw_rtc_event event;
  size_t count = 0;
  while (paw_hub_poll_event(crowd->hub, &name, &event)) {
    kit_peer_seen_note(&find_member(crowd, name)->hub, &event, crowd->clock.now_ns);
    count++;
  }
  return count;
}

void kit_crowd_drain_hub(struct kit_crowd *crowd) {
  for (int i = 0; i < DRAIN_MAX; i++) {
    if (send_batch(crowd) == 0 && take_events(crowd) == 0) {
      struct paw_timeout timeout = paw_hub_next_timeout(crowd->hub);
      if (timeout.deadline_ns <= crowd->clock.now_ns) {
        fail_msg("deadline (%s) does not lie ahead", paw_timeout_text(timeout.reason));
      }
      crowd->hub_deadline_ns = timeout.deadline_ns;
      return;
    }
  }
  fail_msg("polling the hub does not come to an end");
}

static void feed_hub(struct kit_crowd *crowd, const struct paw_input *input) {
  assert_int_equal(paw_hub_handle_input(crowd->hub, input), PAW_OK);
  kit_crowd_drain_hub(crowd);
}

/* ---- time ---- */

static struct kit_member *member_at(struct kit_crowd *crowd, const struct paw_address *address) {
  for (size_t i = 0; i < crowd->config.member_count; i++) {
    struct kit_member *member = &crowd->members[i];
    if (is_there(member) && kit_peer_owns(&member->peer, address)) {
      return member;
    }
  }
  return NULL;
}

static void deliver(struct kit_crowd *crowd) {
  struct kit_datagram datagram;
  while (kit_net_deliver(crowd->net, crowd->clock.now_ns, &datagram)) {
    struct kit_member *member = member_at(crowd, &datagram.to);
    if (member != NULL) {
      kit_peer_receive(&member->peer, &datagram, crowd->clock.now_ns);
    } else if (paw_address_equal(&datagram.to, &crowd->hub_address)) {
      feed_hub(crowd, &(struct paw_input){.kind = PAW_INPUT_RECEIVE,
                                          .now_ns = crowd->clock.now_ns,
                                          .arrival_ns = datagram.arrival_ns,
                                          .local = datagram.to,
                                          .remote = datagram.from,
                                          .data = datagram.data,
                                          .len = datagram.len});
    }
  }
}

void kit_crowd_talk(struct kit_crowd *crowd, uint32_t frame_frames) {
  kit_talker_start(&crowd->talker, frame_frames, crowd->clock.now_ns);
}

static void speak(struct kit_crowd *crowd) {
  uint8_t data[PAW_OPUS_PACKET_MAX];
  struct paw_audio_frame frame;
  if (!kit_talker_next(&crowd->talker, crowd->clock.now_ns, data, &frame)) {
    return;
  }
  kit_sent_add(&crowd->sent, frame.data, frame.len);
  assert_int_equal(paw_hub_track_send(crowd->hub, crowd->track, crowd->clock.now_ns, &frame),
                   PAW_OK);
  kit_crowd_drain_hub(crowd);
}

static void act(struct kit_crowd *crowd) {
  uint64_t now_ns = crowd->clock.now_ns;
  deliver(crowd);
  for (size_t i = 0; i < crowd->config.member_count; i++) {
    struct kit_member *member = &crowd->members[i];
    if (is_there(member) && member->peer.deadline_ns <= now_ns) {
      kit_peer_timeout(&member->peer, now_ns);
    }
  }
  if (crowd->hub_deadline_ns <= now_ns) {
    crowd->hub_timeouts++;
    feed_hub(crowd, &(struct paw_input){.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns});
  }
  speak(crowd);
}

static uint64_t next_ns(const struct kit_crowd *crowd) {
  uint64_t time_ns = kit_net_next_ns(crowd->net);
  uint64_t others_ns[] = {crowd->hub_deadline_ns, kit_talker_next_ns(&crowd->talker)};
  for (size_t i = 0; i < 2; i++) {
    time_ns = others_ns[i] < time_ns ? others_ns[i] : time_ns;
  }
  for (size_t i = 0; i < crowd->config.member_count; i++) {
    const struct kit_member *member = &crowd->members[i];
    if (is_there(member) && kit_peer_next_ns(&member->peer) < time_ns) {
      time_ns = kit_peer_next_ns(&member->peer);
    }
  }
  return time_ns;
}

bool kit_crowd_run_until(struct kit_crowd *crowd, kit_crowd_condition *until, uint64_t budget_ms) {
  uint64_t end_ns = crowd->clock.now_ns + budget_ms * PAW_NS_PER_MS;
  for (;;) {
    act(crowd);
    if (until != NULL && until(crowd)) {
      return true;
    }
    uint64_t time_ns = next_ns(crowd);
    if (time_ns > end_ns) {
      kit_clock_advance_to(&crowd->clock, end_ns);
      return false;
    }
    kit_clock_advance_to(&crowd->clock, time_ns);
  }
}

void kit_crowd_run_ms(struct kit_crowd *crowd, uint64_t ms) {
  kit_crowd_run_until(crowd, NULL, ms);
}

bool kit_crowd_all_connected(const struct kit_crowd *crowd) {
  for (size_t i = 0; i < crowd->config.member_count; i++) {
    const struct kit_member *member = &crowd->members[i];
    if (is_there(member) &&
        (member->peer.seen.connected_ns == 0 || member->hub.connected_ns == 0)) {
      return false;
    }
  }
  return true;
}
