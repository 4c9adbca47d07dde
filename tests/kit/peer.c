/* SPDX-License-Identifier: MIT */
#include "kit/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* No single drain gives this much: it would be an endless one. */
#define DRAIN_MAX 100000

const struct paw_certificate *kit_certificate(unsigned index) {
  static struct paw_certificate *certificates[2];
  assert_true(index < 2);
  if (certificates[index] == NULL) {
    struct kit_rng rng;
    kit_rng_init(&rng, 1000 + index);
    struct paw_rng hook = kit_rng_hook(&rng);
    struct paw_allocator allocator = {0};
    assert_int_equal(paw_certificate_generate(&hook, &allocator, &certificates[index]), PAW_OK);
  }
  return certificates[index];
}

void kit_peer_init(struct kit_peer *peer, const struct paw_rtc_config *config, uint64_t seed,
                   struct kit_net *net, const char *const *addresses, uint64_t now_ns) {
  memset(peer, 0, sizeof *peer);
  peer->net = net;
  kit_rng_init(&peer->rng, seed);
  kit_log_init(&peer->log);
  struct paw_rtc_config own = *config;
  own.rng = kit_rng_hook(&peer->rng);
  own.log = kit_log_hook(&peer->log);
  if (own.certificate == NULL) {
    own.certificate = kit_certificate(seed % 2);
  }
  assert_int_equal(paw_rtc_new(&own, now_ns, &peer->rtc), PAW_OK);
  for (size_t i = 0; addresses[i] != NULL; i++) {
    assert_true(i < KIT_PEER_ADDRESSES_MAX);
    struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST};
    assert_int_equal(paw_address_parse(addresses[i], &candidate.address), PAW_OK);
    peer->addresses[i] = candidate.address;
    peer->address_count++;
    assert_int_equal(paw_rtc_add_local_candidate(peer->rtc, &candidate), PAW_OK);
  }
  kit_peer_drain(peer, now_ns);
}

void kit_peer_wipe(struct kit_peer *peer) {
  paw_rtc_free(peer->rtc);
  peer->rtc = NULL;
  kit_talker_stop(&peer->talker);
}

bool kit_peer_owns(const struct kit_peer *peer, const struct paw_address *address) {
  for (size_t i = 0; i < peer->address_count; i++) {
    if (paw_address_equal(&peer->addresses[i], address)) {
      return true;
    }
  }
  return false;
}

/* ---- output ---- */

static void note_audio(struct kit_peer_seen *seen, const struct paw_audio_packet *audio,
                       uint64_t now_ns) {
  if (seen->first_audio_ns == 0) {
    seen->first_audio_ns = now_ns;
  }
  seen->last_audio_ns = now_ns;
  seen->audio_payload_bytes += audio->len;
  seen->audio = *audio;
  seen->audio.data = NULL;
}

void kit_peer_seen_note(struct kit_peer_seen *seen, const struct paw_rtc_event *event,
                        uint64_t now_ns) {
  assert_int_equal(seen->closed_ns, 0);
  seen->events[event->kind]++;
  switch (event->kind) {
  case PAW_RTC_EVENT_ICE_STATE:
    seen->ice_state = event->ice_state;
    if (event->ice_reason != PAW_ICE_REASON_NONE) {
      seen->ice_reason = event->ice_reason;
    }
    break;
  case PAW_RTC_EVENT_SELECTED_PAIR:
    seen->pair_local = event->pair.local;
    seen->pair_remote = event->pair.remote;
    break;
  case PAW_RTC_EVENT_CONNECTED:
    seen->connected_ns = now_ns;
    break;
  case PAW_RTC_EVENT_AUDIO:
    note_audio(seen, &event->audio, now_ns);
    break;
  case PAW_RTC_EVENT_SENDER_REPORT:
    seen->sender_report = event->sender_report;
    break;
  case PAW_RTC_EVENT_RECEIVER_REPORT:
    seen->receiver_report = event->receiver_report;
    break;
  case PAW_RTC_EVENT_CLOSED:
    seen->closed_ns = now_ns;
    seen->reason = event->reason;
    break;
  case PAW_RTC_EVENT_MEDIA:
  case PAW_RTC_EVENT_BYE:
  case PAW_RTC_EVENT_DEGRADED:
  case PAW_RTC_EVENT_RECOVERED:
    break;
  }
}

static void transmit(struct kit_peer *peer, const struct paw_transmit *transmit, uint64_t now_ns) {
  assert_true(kit_peer_owns(peer, &transmit->local));
  assert_true(transmit->len > 0);
  peer->seen.datagrams_out++;
  kit_net_send(peer->net, &transmit->local, &transmit->remote, transmit->data, transmit->len,
               now_ns);
}

void kit_peer_drain(struct kit_peer *peer, uint64_t now_ns) {
  struct paw_rtc_output output;
  for (int i = 0; i < DRAIN_MAX; i++) {
    paw_rtc_poll_output(peer->rtc, &output);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT:
      transmit(peer, &output.transmit, now_ns);
      break;
    case PAW_OUTPUT_EVENT:
      kit_peer_seen_note(&peer->seen, &output.event, now_ns);
      if (peer->watcher != NULL) {
        peer->watcher(peer->watcher_data, peer, &output.event);
      }
      break;
    case PAW_OUTPUT_TIMEOUT:
      peer->deadline_ns = output.timeout.deadline_ns;
      if (peer->deadline_ns <= now_ns) {
        fail_msg("deadline (%s) does not lie ahead", paw_timeout_text(output.timeout.reason));
      }
      return;
    }
  }
  fail_msg("poll_output does not come to an end");
}

/* ---- input ---- */

static void feed(struct kit_peer *peer, const struct paw_input *input) {
  int status = paw_rtc_handle_input(peer->rtc, input);
  if (peer->seen.closed_ns == 0) {
    assert_int_equal(status, PAW_OK);
  }
  kit_peer_drain(peer, input->now_ns);
}

void kit_peer_receive(struct kit_peer *peer, const struct kit_datagram *datagram, uint64_t now_ns) {
  peer->seen.datagrams_in++;
  feed(peer, &(struct paw_input){.kind = PAW_INPUT_RECEIVE,
                                 .now_ns = now_ns,
                                 .arrival_ns = datagram->arrival_ns,
                                 .local = datagram->to,
                                 .remote = datagram->from,
                                 .data = datagram->data,
                                 .len = datagram->len});
}

void kit_peer_timeout(struct kit_peer *peer, uint64_t now_ns) {
  peer->seen.wake_ups++;
  feed(peer, &(struct paw_input){.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns});
}

uint64_t kit_peer_next_ns(const struct kit_peer *peer) {
  uint64_t talk_ns = kit_talker_next_ns(&peer->talker);
  return talk_ns < peer->deadline_ns ? talk_ns : peer->deadline_ns;
}

/* ---- talking ---- */

void kit_peer_talk(struct kit_peer *peer, uint32_t frame_frames, uint64_t now_ns) {
  kit_talker_start(&peer->talker, frame_frames, now_ns);
}

void kit_peer_speak(struct kit_peer *peer, uint64_t now_ns) {
  uint8_t data[PAW_OPUS_PACKET_MAX];
  struct paw_audio_frame frame;
  if (!kit_talker_next(&peer->talker, now_ns, data, &frame)) {
    return;
  }
  kit_sent_add(&peer->sent, frame.data, frame.len);
  assert_int_equal(paw_rtc_send_audio(peer->rtc, now_ns, &frame), PAW_OK);
  kit_peer_drain(peer, now_ns);
}
