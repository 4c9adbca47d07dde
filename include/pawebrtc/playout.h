/* SPDX-License-Identifier: MIT */
/**
 * @file playout.h
 * The Opus playout buffer: packets go in as they arrive, PCM comes out for any number of samples at
 * the time they will be heard, and requests for lost packets come out by poll.
 *
 * No tick and no thread: the caller renders what its sound device asks for. One player plays one
 * stream (one SSRC at a time); it is told of a change by the packets themselves.
 */
#ifndef PAWEBRTC_PLAYOUT_H
#define PAWEBRTC_PLAYOUT_H

#include <pawebrtc/media.h>

#ifdef __cplusplus
extern "C" {
#endif

struct paw_playout;

/** What a millisecond of delay is worth against a percentage of sound that comes too late. */
enum paw_playout_profile {
  PAW_PLAYOUT_LIVE,         /**< 20 ms for 1 %; at most 60 ms of delay */
  PAW_PLAYOUT_ANNOUNCEMENT, /**< 60 ms for 1 %; at most 200 ms of delay */
};

/**
 * Delays are counted from the earliest time at which a packet could have come, as the network and
 * the sound device now are, to the sound of its first sample.
 */
struct paw_playout_config {
  size_t struct_size;
  struct paw_allocator allocator;
  struct paw_log log;
  uint8_t channels;                 /**< of the PCM that is rendered, 1 or 2. 2 */
  enum paw_playout_profile profile; /**< LIVE */
  uint64_t target_delay_ns; /**< the delay, fixed; 0 = follow the network; <= max_delay_ns. 0 */
  uint64_t start_delay_ns;  /**< followed from here, within the limits: 20 ms for a wire, 40 ms for
                                 Wi-Fi. 20 ms */
  uint64_t min_delay_ns;    /**< the delay never falls below. 3 ms */
  uint64_t cap_delay_ns;    /**< nor grows above; 0 = as the profile says. 0 */
  double late_weight_ms;    /**< delay that 1 % of late sound is worth; 0 = as the profile. 0 */
  uint64_t max_delay_ns;    /**< what lies further ahead than this is dropped. 1 s */
};

PAW_API void paw_playout_config_init(struct paw_playout_config *config);

/**
 * @return PAW_OK; PAW_ERR_INVALID: channels, profile, a weight below 0 or above 10^6, max_delay_ns
 *   above 10 s, target_delay_ns > max_delay_ns, or, unless the delay is fixed, not
 *   min_delay_ns <= cap_delay_ns <= max_delay_ns; PAW_ERR_NO_MEMORY; PAW_ERR_CODEC
 */
PAW_API int paw_playout_new(const struct paw_playout_config *config, struct paw_playout **out);
PAW_API void paw_playout_free(struct paw_playout *playout);

/**
 * Put in one packet. Never fails because of what is in it: duplicates, late and malformed packets
 * are counted. A packet may bring several frames (RED).
 *
 * @param now_ns  >= packet->arrival_ns
 * @return PAW_OK; PAW_ERR_INVALID (data NULL with len > 0)
 */
PAW_API int paw_playout_handle_input(struct paw_playout *playout, uint64_t now_ns,
                                     const struct paw_audio_packet *packet);

/** Most sequence numbers in one request. */
#define PAW_PLAYOUT_NACK_MAX 64

enum paw_playout_event_kind {
  PAW_PLAYOUT_EVENT_NACK,    /**< ask the sender for these packets */
  PAW_PLAYOUT_EVENT_STARTED, /**< the first real sample was rendered, or the first after a stall */
  PAW_PLAYOUT_EVENT_STALLED, /**< nothing came for so long that silence is rendered */
};

struct paw_playout_output {
  enum paw_output_kind kind; /**< EVENT or TIMEOUT, never TRANSMIT */
  union {
    struct {
      enum paw_playout_event_kind kind;
      uint32_t ssrc;             /**< NACK: the stream */
      const uint16_t *sequences; /**< NACK: valid until the next non-const call on the player */
      size_t count;              /**< NACK: 1..PAW_PLAYOUT_NACK_MAX */
    } event;
    struct paw_timeout timeout;
  };
};

/** Take the next event, or the deadline at which to poll again at the latest. */
PAW_API void paw_playout_poll_output(struct paw_playout *playout, uint64_t now_ns,
                                     struct paw_playout_output *out);

/** Tell the round-trip time to the sender; 0 = not known. It decides which requests still help. */
PAW_API void paw_playout_set_rtt(struct paw_playout *playout, uint64_t rtt_ns);

/**
 * Other limits of the delay from now on; not while it is fixed.
 *
 * @param cap_ns  0 = as the profile says
 * @return PAW_OK; PAW_ERR_INVALID: min_ns > cap_ns, or cap_ns > max_delay_ns
 */
PAW_API int paw_playout_set_delay_range(struct paw_playout *playout, uint64_t min_ns,
                                        uint64_t cap_ns);

/** Are packets asked for again at all? Off at first; on when the connection negotiated NACK. */
PAW_API void paw_playout_set_nack(struct paw_playout *playout, bool on);

/**
 * Render the next samples. Always fills `pcm`: with sound, with concealment, or with silence before
 * the first packet and after a stall.
 *
 * @param pcm      Shape: int16 interleaved, frames * channels values, 48000 Hz
 * @param frames   samples per channel, any number > 0
 * @param play_ns  monotonic time at which the first of them will be heard
 */
PAW_API void paw_playout_render(struct paw_playout *playout, int16_t *pcm, size_t frames,
                                uint64_t play_ns);

/** Counts since the player was made. Sample counts are per channel at 48 kHz. */
struct paw_playout_stats {
  uint64_t packets_received;
  uint64_t packets_duplicate;
  uint64_t packets_late;      /**< came after their samples had been rendered */
  uint64_t packets_reordered; /**< came after one with a higher sequence number */
  uint64_t packets_malformed;
  uint64_t packets_dropped;   /**< too far ahead, no room, or passed over by a jump */
  uint64_t packets_lost;      /**< expected by sequence number, never came in time themselves */
  uint64_t total_samples;     /**< W3C totalSamplesReceived: rendered since the stream began */
  uint64_t concealed_samples; /**< W3C concealedSamples: made by PLC, or silence while stalled */
  uint64_t silent_concealed_samples; /**< W3C silentConcealedSamples: of these, faded to silence */
  uint64_t concealment_events;       /**< W3C concealmentEvents */
  uint64_t longest_concealment_samples;
  uint64_t recovered_nack; /**< frames played from a retransmission */
  uint64_t recovered_red;  /**< frames played from a RED block */
  uint64_t recovered_fec;  /**< frames played from Opus in-band FEC */
  uint64_t
      recovered_late; /**< frames of which the remaining part was played after a late arrival */
  uint64_t decoder_rewinds;  /**< the decoder was set right after a late repair */
  uint64_t nacks_sent;       /**< sequence numbers asked for */
  uint64_t inserted_samples; /**< W3C insertedSamplesForDeceleration */
  uint64_t removed_samples;  /**< W3C removedSamplesForAcceleration */
  uint64_t outages;          /**< delays above the cap or 255 ms; those held up together are one */
  double jitter_buffer_delay_s;           /**< W3C jitterBufferDelay: sum over emitted samples */
  uint64_t jitter_buffer_emitted_samples; /**< W3C jitterBufferEmittedCount */
  uint64_t resyncs;                       /**< jumps of the playout position */
  uint64_t target_delay_ns;               /**< now */
  uint64_t delay_ns;  /**< mean from arrival to sound over about the last second; 0 unknown */
  uint64_t jitter_ns; /**< RFC 3550 interarrival jitter */
};

PAW_API void paw_playout_get_stats(const struct paw_playout *playout,
                                   struct paw_playout_stats *out);

#ifdef __cplusplus
}
#endif
#endif
