/* SPDX-License-Identifier: MIT */
/* A hub behind one socket and its many peers over the simulated network, in virtual time. The peers
 * offer, the hub answers. */
#ifndef KIT_CROWD_H
#define KIT_CROWD_H

#include <pawebrtc/hub.h>

#include "kit/clock.h"
#include "kit/peer.h"

struct kit_crowd_config {
  uint64_t seed;
  size_t member_count;
  struct kit_link_config link;
  struct paw_rtc_config hub_rtc;  /* of the hub's side of each connection */
  struct paw_rtc_config peer_rtc; /* of the other side */
};

/* As pa-send and pa-recv do it: the hub sends, the peers receive as lite agents; 2 ms apart. */
void kit_crowd_config_init(struct kit_crowd_config *config, uint64_t seed, size_t member_count);

struct kit_crowd;

struct kit_member {
  struct kit_crowd *crowd;
  struct kit_peer peer;
  paw_hub_peer name;        /* in the hub */
  struct kit_peer_seen hub; /* what the hub told about it */
  uint64_t foreign;         /* audio that the track did not send so */
};

struct kit_crowd {
  struct kit_crowd_config config;
  struct kit_clock clock;
  struct kit_net *net;
  struct kit_rng rng;
  struct kit_log log;
  struct paw_hub *hub;
  struct paw_address hub_address;
  uint64_t hub_deadline_ns;
  uint64_t hub_timeouts; /* TIMEOUT inputs */
  struct paw_hub_track *track;
  struct kit_talker talker; /* into the track */
  struct kit_sent sent;
  struct kit_member *members;
};

/* Everything that goes wrong here fails the test. All members have negotiated and are subscribed to
 * the track. */
struct kit_crowd *kit_crowd_new(const struct kit_crowd_config *config);
void kit_crowd_free(struct kit_crowd *crowd);

/* Let a member that was wiped, or never was, come in with a new connection. */
void kit_crowd_join(struct kit_crowd *crowd, size_t index);

/* Let a member vanish without a word; the hub keeps its side. */
void kit_crowd_vanish(struct kit_crowd *crowd, size_t index);

/* Poll the hub to the end; after each call on it that acts. */
void kit_crowd_drain_hub(struct kit_crowd *crowd);

/* Talk into the track from now on; 0 stops. */
void kit_crowd_talk(struct kit_crowd *crowd, uint32_t frame_frames);

typedef bool kit_crowd_condition(const struct kit_crowd *crowd);
bool kit_crowd_run_until(struct kit_crowd *crowd, kit_crowd_condition *until, uint64_t budget_ms);
void kit_crowd_run_ms(struct kit_crowd *crowd, uint64_t ms);

/* Every member that is there is connected, on both sides. */
bool kit_crowd_all_connected(const struct kit_crowd *crowd);

#endif
