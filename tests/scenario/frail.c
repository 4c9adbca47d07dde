/* SPDX-License-Identifier: MIT */
#include "frail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "kit/pair.h"
#include "kit/peer.h"

#define FRAME_MS 20
#define FRAME_RTP 960

/* ---- beginning and end ---- */

static bool is_rtp(const struct kit_datagram *datagram) {
  return datagram->len >= 12 && datagram->data[0] >> 6 == 2 &&
         !(datagram->data[1] >= 192 && datagram->data[1] <= 223);
}

/* A path that loses the same ones each time: lives differ in their want of memory only. */
static bool lose_a_fifth(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct frail_life *life = user_data;
  (void)now_ns;
  if (!is_rtp(datagram)) {
    return true;
  }
  bool first = paw_address_equal(&datagram->from, &life->ends[0].address);
  return ++life->ends[first ? 0 : 1].media_sent % 5 != 3;
}

void frail_init(struct frail_life *life, struct paw_allocator allocator, bool again) {
  memset(life, 0, sizeof *life);
  life->net = kit_net_new(1, &(struct kit_link_config){.delay_ns = 2 * PAW_NS_PER_MS});
  kit_net_set_filter(life->net, lose_a_fifth, life);
  kit_clock_init(&life->clock);
  life->allocator = allocator;
  life->again = again;
  assert_int_equal(paw_address_parse("192.0.2.1:10001", &life->ends[0].address), PAW_OK);
  assert_int_equal(paw_address_parse("192.0.2.2:10002", &life->ends[1].address), PAW_OK);
  for (size_t i = 0; i < 2; i++) {
    life->ends[i].deadline_ns = PAW_TIME_NEVER;
  }
}

void frail_free_ends(struct frail_life *life) {
  for (size_t i = 0; i < 2; i++) {
    paw_rtc_free(life->ends[i].rtc);
    life->ends[i].rtc = NULL;
    life->ends[i].deadline_ns = PAW_TIME_NEVER;
  }
}

void frail_wipe(struct frail_life *life) {
  frail_free_ends(life);
  kit_net_free(life->net);
}

/* ---- output and input ---- */

/* Ask for what is missing before this packet. */
static void note_audio(struct frail_life *life, struct frail_end *end, uint16_t sequence) {
  uint16_t missing[8];
  size_t count = 0;
  end->audio++;
  if (end->receives && (int16_t)(uint16_t)(sequence - end->next_sequence) < 0) {
    return;
  }
  while (end->receives && end->next_sequence != sequence && count < 8) {
    missing[count++] = end->next_sequence++;
  }
  if (count > 0) {
    assert_int_equal(paw_rtc_send_nack(end->rtc, life->clock.now_ns, missing, count), PAW_OK);
  }
  end->receives = true;
  end->next_sequence = (uint16_t)(sequence + 1);
}

static void note_event(struct frail_life *life, struct frail_end *end,
                       const struct paw_rtc_event *event) {
  assert_false(end->closed);
  if (event->kind == PAW_RTC_EVENT_CONNECTED) {
    end->connected = true;
  } else if (event->kind == PAW_RTC_EVENT_CLOSED) {
    end->closed = true;
    end->reason = event->reason;
  } else if (event->kind == PAW_RTC_EVENT_AUDIO) {
    note_audio(life, end, event->audio.sequence);
  }
}

static void drain(struct frail_life *life, struct frail_end *end) {
  struct paw_rtc_output output = {.kind = PAW_OUTPUT_EVENT};
  for (int i = 0; output.kind != PAW_OUTPUT_TIMEOUT; i++) {
    assert_true(i < 10000);
    paw_rtc_poll_output(end->rtc, &output);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT:
      kit_net_send(life->net, &output.transmit.local, &output.transmit.remote, output.transmit.data,
                   output.transmit.len, life->clock.now_ns);
      break;
    case PAW_OUTPUT_EVENT:
      note_event(life, end, &output.event);
      break;
    case PAW_OUTPUT_TIMEOUT:
      end->deadline_ns = output.timeout.deadline_ns;
      assert_true(end->deadline_ns > life->clock.now_ns);
      break;
    }
  }
}

/* Nothing from the network, and no want of memory, makes this fail. */
static void feed(struct frail_life *life, struct frail_end *end, const struct paw_input *input) {
  int status = paw_rtc_handle_input(end->rtc, input);
  assert_true(status == PAW_OK || (status == PAW_ERR_STATE && end->closed));
  drain(life, end);
}

static void deliver(struct frail_life *life) {
  struct kit_datagram datagram;
  while (kit_net_deliver(life->net, life->clock.now_ns, &datagram)) {
    bool first = paw_address_equal(&datagram.to, &life->ends[0].address);
    struct frail_end *end = &life->ends[first ? 0 : 1];
    if (end->rtc != NULL) {
      feed(life, end,
           &(struct paw_input){.kind = PAW_INPUT_RECEIVE,
                               .now_ns = life->clock.now_ns,
                               .local = datagram.to,
                               .remote = datagram.from,
                               .data = datagram.data,
                               .len = datagram.len});
    }
  }
}

void frail_run_ms(struct frail_life *life, uint64_t ms) {
  uint64_t end_ns = life->clock.now_ns + ms * PAW_NS_PER_MS;
  while (life->clock.now_ns < end_ns) {
    uint64_t next_ns = kit_net_next_ns(life->net);
    for (size_t i = 0; i < 2; i++) {
      next_ns = life->ends[i].deadline_ns < next_ns ? life->ends[i].deadline_ns : next_ns;
    }
    kit_clock_advance_to(&life->clock, next_ns < end_ns ? next_ns : end_ns);
    deliver(life);
    for (size_t i = 0; i < 2; i++) {
      if (life->ends[i].deadline_ns <= life->clock.now_ns) {
        feed(life, &life->ends[i],
             &(struct paw_input){.kind = PAW_INPUT_TIMEOUT, .now_ns = life->clock.now_ns});
      }
    }
  }
}

/* ---- calls that may be refused ---- */

typedef int frail_call(struct frail_life *life, size_t who);

/* What was refused for want of memory has changed nothing that a second try would stumble over. */
static bool attempt(struct frail_life *life, frail_call *call, size_t who) {
  if (life->given_up || life->ends[0].closed || life->ends[1].closed) {
    return false;
  }
  int status = call(life, who);
  if (status == PAW_ERR_NO_MEMORY) {
    life->refused++;
    status = life->again ? call(life, who) : status;
    life->given_up = status == PAW_ERR_NO_MEMORY;
  }
  assert_true(status == PAW_OK || (status == PAW_ERR_NO_MEMORY && !life->again));
  return status == PAW_OK;
}

static int make(struct frail_life *life, size_t who) {
  struct frail_end *end = &life->ends[who];
  struct paw_rtc_config config;
  paw_rtc_config_init(&config);
  kit_rng_init(&end->rng, who + 1);
  config.rng = kit_rng_hook(&end->rng);
  config.certificate = kit_certificate((unsigned)who);
  config.allocator = life->allocator;
  config.audio.rtx = true; /* SRTP has a stream more */
  config.audio.red_distance = 1;
  return paw_rtc_new(&config, life->clock.now_ns, &end->rtc);
}

static int add_candidate(struct frail_life *life, size_t who) {
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = life->ends[who].address};
  return paw_rtc_add_local_candidate(life->ends[who].rtc, &candidate);
}

static int create_offer(struct frail_life *life, size_t who) {
  size_t len = sizeof life->offer;
  return paw_rtc_create_offer(life->ends[who].rtc, life->offer, &len);
}

static int accept_offer(struct frail_life *life, size_t who) {
  size_t len = sizeof life->answer;
  return paw_rtc_accept_offer(life->ends[who].rtc, life->clock.now_ns, life->offer,
                              strlen(life->offer), life->answer, &len);
}

static int accept_answer(struct frail_life *life, size_t who) {
  return paw_rtc_accept_answer(life->ends[who].rtc, life->clock.now_ns, life->answer,
                               strlen(life->answer));
}

static int restart_ice(struct frail_life *life, size_t who) {
  return paw_rtc_ice_restart(life->ends[who].rtc, life->clock.now_ns);
}

static int write_fragment(struct frail_life *life, size_t who) {
  size_t len = sizeof life->offer;
  return paw_rtc_write_ice_fragment(life->ends[who].rtc, life->offer, &len);
}

static int accept_fragment(struct frail_life *life, size_t who) {
  return paw_rtc_accept_ice_fragment(life->ends[who].rtc, life->clock.now_ns, life->offer,
                                     strlen(life->offer), NULL);
}

static int turn_direction(struct frail_life *life, size_t who) {
  struct paw_media_info media;
  assert_int_equal(paw_rtc_get_media(life->ends[who].rtc, &media), PAW_OK);
  return paw_rtc_set_direction(life->ends[who].rtc, media.direction == PAW_DIRECTION_SENDRECV
                                                        ? PAW_DIRECTION_RECVONLY
                                                        : PAW_DIRECTION_SENDRECV);
}

static void drain_both(struct frail_life *life) {
  drain(life, &life->ends[0]);
  drain(life, &life->ends[1]);
}

static bool negotiate(struct frail_life *life, size_t who) {
  bool done = attempt(life, create_offer, who) && attempt(life, accept_offer, 1 - who) &&
              attempt(life, accept_answer, who);
  drain_both(life);
  return done;
}

static bool restart_by_fragments(struct frail_life *life, size_t who) {
  bool done = attempt(life, restart_ice, who) && attempt(life, write_fragment, who) &&
              attempt(life, accept_fragment, 1 - who) && attempt(life, write_fragment, 1 - who) &&
              attempt(life, accept_fragment, who);
  drain_both(life);
  return done;
}

/* ---- what they do ---- */

static void say(struct frail_life *life, struct frail_end *end) {
  uint8_t data[] = {0xf8, 0xff, 0xfe};
  struct paw_audio_frame frame = {.data = data,
                                  .len = sizeof data,
                                  .media_rtp = end->frames * FRAME_RTP,
                                  .capture_ns = life->clock.now_ns,
                                  .duration_rtp = FRAME_RTP,
                                  .level = PAW_AUDIO_LEVEL_NONE};
  struct paw_media_info media;
  bool sends = paw_rtc_get_media(end->rtc, &media) == PAW_OK &&
               (media.direction & PAW_DIRECTION_SENDONLY) != 0;
  int status = paw_rtc_send_audio(end->rtc, life->clock.now_ns, &frame);
  assert_true(status == PAW_OK || status == PAW_ERR_NO_MEMORY || end->closed || !sends);
  end->frames++;
  drain(life, end);
}

static void talk(struct frail_life *life, unsigned frames) {
  for (unsigned i = 0; i < frames; i++) {
    say(life, &life->ends[0]);
    say(life, &life->ends[1]);
    frail_run_ms(life, FRAME_MS);
  }
}

void frail_live(struct frail_life *life) {
  if (!attempt(life, make, 0) || !attempt(life, make, 1) || !attempt(life, add_candidate, 0) ||
      !attempt(life, add_candidate, 1) || !negotiate(life, 0)) {
    return;
  }
  frail_run_ms(life, 400);
  talk(life, 10);
  if (!restart_by_fragments(life, 0)) {
    return;
  }
  talk(life, 10);
  if (!attempt(life, turn_direction, 1) || !negotiate(life, 1)) {
    return;
  }
  talk(life, 2);
  if (!attempt(life, turn_direction, 1) || !attempt(life, restart_ice, 1) || !negotiate(life, 1)) {
    return;
  }
  talk(life, 10);
}

void frail_part(struct frail_life *life) {
  for (size_t i = 0; i < 2; i++) {
    struct frail_end *end = &life->ends[i];
    if (end->rtc != NULL) {
      paw_rtc_close(end->rtc, life->clock.now_ns);
      drain(life, end);
      assert_true(end->closed);
    }
  }
  deliver(life);
}

/* ---- how it went ---- */

bool frail_ended_by_itself(const struct frail_end *end) {
  return end->closed && end->reason != PAW_CLOSE_LOCAL;
}

bool frail_both_hear(struct frail_life *life) {
  uint64_t before[2] = {life->ends[0].audio, life->ends[1].audio};
  talk(life, 5);
  return life->ends[0].audio > before[0] && life->ends[1].audio > before[1];
}

void frail_expect_next_session(void) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, 3);
  struct kit_pair *pair = kit_pair_connect(&config, 200);
  for (size_t i = 0; i < 2; i++) {
    kit_peer_talk(&pair->peers[i], 960, pair->clock.now_ns);
  }
  assert_true(kit_pair_run_until(pair, kit_pair_both_hear, 100));
  kit_pair_free(pair);
}
