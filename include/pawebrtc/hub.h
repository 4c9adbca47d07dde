/* SPDX-License-Identifier: MIT */
/**
 * @file hub.h
 * Many connections behind one socket: demultiplexing, one heap of timers, and tracks whose frames
 * are kept once and sent to every subscriber.
 */
#ifndef PAWEBRTC_HUB_H
#define PAWEBRTC_HUB_H

#include <pawebrtc/rtc.h>

#ifdef __cplusplus
extern "C" {
#endif

struct paw_hub;
struct paw_hub_track;

/** Names a connection in a hub; never 0, not used again within 2^32 additions. */
typedef uint64_t paw_hub_peer;

struct paw_hub_config {
  size_t struct_size;
  struct paw_allocator allocator;
  uint32_t max_peers; /**< 1024; at most 65535 */
  uint64_t seed;      /**< random, so that strangers cannot make addresses collide. 0 */
};

PAW_API void paw_hub_config_init(struct paw_hub_config *config);

/** @return PAW_OK; PAW_ERR_INVALID; PAW_ERR_NO_MEMORY */
PAW_API int paw_hub_new(const struct paw_hub_config *config, uint64_t now_ns, struct paw_hub **out);

/** Free the hub, its tracks and every connection in it, without farewell. NULL is allowed. */
PAW_API void paw_hub_free(struct paw_hub *hub);

/**
 * Put a connection in. The hub owns it from then on and does its input and output.
 *
 * @return PAW_OK; PAW_ERR_LIMIT: max_peers are there (the connection stays the caller's);
 *         PAW_ERR_NO_MEMORY
 */
PAW_API int paw_hub_add(struct paw_hub *hub, struct paw_rtc *rtc, paw_hub_peer *out);

/** Take a connection out and free it at once, without farewell. Unknown peers are ignored. */
PAW_API void paw_hub_remove(struct paw_hub *hub, paw_hub_peer peer);

/**
 * The connection, to negotiate, close or ask it; NULL when there is none of that name. Do its input
 * and output through the hub. It counts as changed by this call: the hub looks at it at its next
 * poll. So ask anew before each act instead of keeping the pointer.
 */
PAW_API struct paw_rtc *paw_hub_get_rtc(struct paw_hub *hub, paw_hub_peer peer);

PAW_API size_t paw_hub_get_peer_count(const struct paw_hub *hub);

/** Make a track: one programme, encoded once. @return PAW_OK; PAW_ERR_LIMIT; PAW_ERR_NO_MEMORY */
PAW_API int paw_hub_track_new(struct paw_hub *hub, struct paw_hub_track **out);

/** Free a track; its subscribers get no more media. */
PAW_API void paw_hub_track_free(struct paw_hub *hub, struct paw_hub_track *track);

/** Send what the track gets to this peer from now on, instead of another track; NULL: nothing.
 * @return PAW_OK; PAW_ERR_INVALID: no such peer; PAW_ERR_NO_MEMORY */
PAW_API int paw_hub_subscribe(struct paw_hub *hub, paw_hub_peer peer, struct paw_hub_track *track);

/** One frame for every subscriber. It is kept once, for 500 ms, also to answer NACKs.
 * @return PAW_OK; PAW_ERR_INVALID: frame out of range */
PAW_API int paw_hub_track_send(struct paw_hub *hub, struct paw_hub_track *track, uint64_t now_ns,
                               const struct paw_audio_frame *frame);

/** paw_rtc_set_red of every connection that is in the hub; later ones bring their own.
 * @return PAW_OK; PAW_ERR_INVALID */
PAW_API int paw_hub_set_red(struct paw_hub *hub, int distance);

/** How a track's encoder should be set, for the subscriber that loses most. */
struct paw_encoder_advice {
  uint8_t packet_loss_percent; /**< 0, or 10..100 in steps of 5: paw_encoder_set_packet_loss */
  bool inband_fec;             /**< paw_encoder_set_inband_fec */
};

/**
 * Take the next advice. It comes from receiver reports: in-band FEC on while a subscriber loses
 * more than 2 %, for max(10, its percent); less, or off below 1 %, after ten seconds in which no
 * more was needed. A subscriber that leaves, or reports nothing for 15 s, counts no more. Before
 * the first advice it is {0, false}. Poll it after events; it is found out when reports come and
 * when frames are sent, so it sets no deadline.
 *
 * @return false when nothing has changed since
 */
PAW_API bool paw_hub_poll_advice(struct paw_hub *hub, struct paw_hub_track **track,
                                 struct paw_encoder_advice *out);

/**
 * Feed a datagram, or the passing of time, to whom it concerns. A datagram that is nobody's is
 * counted.
 *
 * @return PAW_OK; PAW_ERR_INVALID
 */
PAW_API int paw_hub_handle_input(struct paw_hub *hub, const struct paw_input *input);

/**
 * Take datagrams to send, as many as there are up to `max`; made for sendmmsg. Call until `count`
 * is 0. A frame goes to the subscribers of its track in their order; one that comes before all of
 * the last one was taken begins at the front again.
 *
 * Lifetime: the batch is valid as a whole until the next call on the hub.
 */
PAW_API void paw_hub_poll_transmits(struct paw_hub *hub, struct paw_transmit *out, size_t max,
                                    size_t *count);

/**
 * Take the next event of any connection. After CLOSED the connection is still there, to be asked
 * for statistics, until paw_hub_remove.
 *
 * @return false when there is none. event->audio.data is valid until the next call on the hub.
 */
PAW_API bool paw_hub_poll_event(struct paw_hub *hub, paw_hub_peer *peer,
                                struct paw_rtc_event *event);

/** When to feed PAW_INPUT_TIMEOUT at the latest; call after polling both to the end. */
PAW_API struct paw_timeout paw_hub_next_timeout(const struct paw_hub *hub);

struct paw_hub_stats {
  uint64_t datagrams_received;
  uint64_t datagrams_unclaimed; /**< nobody's */
  uint64_t datagrams_sent;
  uint64_t wake_ups; /**< TIMEOUT inputs at which something was due */
};

PAW_API void paw_hub_get_stats(const struct paw_hub *hub, struct paw_hub_stats *out);

#ifdef __cplusplus
}
#endif
#endif
