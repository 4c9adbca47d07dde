/* SPDX-License-Identifier: MIT */
/* One connection with its socket on the simulated network: does its input and output, notes its
 * events, and sends real Opus frames. The drivers (pair.h, and tests with a hub) move the time. */
#ifndef KIT_PEER_H
#define KIT_PEER_H

#include <pawebrtc/rtc.h>

#include "kit/log.h"
#include "kit/net.h"
#include "kit/rng.h"
#include "kit/talker.h"

#define KIT_SDP_MAX 16384
#define KIT_PEER_ADDRESSES_MAX 4

/* What a connection has told, as far as tests ask. */
struct kit_peer_seen {
  uint64_t events[PAW_RTC_EVENT_CLOSED + 1];
  enum paw_ice_state ice_state;
  enum paw_ice_reason ice_reason; /* of the last state that had one */
  uint64_t connected_ns;          /* 0 = not yet */
  uint64_t closed_ns;             /* 0 = not yet */
  enum paw_close_reason reason;
  struct paw_address pair_local;
  struct paw_address pair_remote;
  struct paw_sender_report sender_report; /* the last one */
  struct paw_receiver_report receiver_report;
  struct paw_audio_packet audio; /* the last packet; its data is gone */
  uint64_t first_audio_ns;
  uint64_t last_audio_ns;
  uint64_t audio_payload_bytes;
  uint64_t wake_ups; /* TIMEOUT inputs */
  uint64_t datagrams_in;
  uint64_t datagrams_out;
};

/* Note an event that came at `now_ns`. */
void kit_peer_seen_note(struct kit_peer_seen *seen, const struct paw_rtc_event *event,
                        uint64_t now_ns);

struct kit_peer;

/* Looks at each event right after it was noted. */
typedef void kit_peer_watcher(void *user_data, struct kit_peer *peer,
                              const struct paw_rtc_event *event);

struct kit_peer {
  struct paw_rtc *rtc;
  struct kit_rng rng;
  struct kit_log log;
  struct kit_net *net;
  size_t address_count;
  struct paw_address addresses[KIT_PEER_ADDRESSES_MAX];
  uint64_t deadline_ns;
  struct kit_peer_seen seen;
  kit_peer_watcher *watcher; /* may be NULL */
  void *watcher_data;
  struct kit_talker talker;
  struct kit_sent sent;
};

/* One of two certificates that are made once for the process. */
const struct paw_certificate *kit_certificate(unsigned index);

/* Make a connection of `config`, to which rng and log are added, and a certificate when it has
 * none. Its sockets are `addresses`, which become its host candidates. Everything that goes wrong
 * fails the test. */
void kit_peer_init(struct kit_peer *peer, const struct paw_rtc_config *config, uint64_t seed,
                   struct kit_net *net, const char *const *addresses, uint64_t now_ns);
void kit_peer_wipe(struct kit_peer *peer);

/* Poll to the end: sends, notes events, keeps the deadline. */
void kit_peer_drain(struct kit_peer *peer, uint64_t now_ns);

/* Feed and drain. */
void kit_peer_receive(struct kit_peer *peer, const struct kit_datagram *datagram, uint64_t now_ns);
void kit_peer_timeout(struct kit_peer *peer, uint64_t now_ns);

bool kit_peer_owns(const struct kit_peer *peer, const struct paw_address *address);

/* Talk from now on with frames of this length: 120, 240, 480 or 960 samples; 0 stops. */
void kit_peer_talk(struct kit_peer *peer, uint32_t frame_frames, uint64_t now_ns);

/* Send the next frame, if it is time. */
void kit_peer_speak(struct kit_peer *peer, uint64_t now_ns);

/* When this peer wants to be looked at again, for its connection or its talker. */
uint64_t kit_peer_next_ns(const struct kit_peer *peer);

#endif
