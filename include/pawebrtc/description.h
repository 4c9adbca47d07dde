/* SPDX-License-Identifier: MIT */
/**
 * @file description.h
 * One side of a session in plain structs: what an SDP description says about ICE, DTLS and its one
 * audio section. SDP text and the direct (SDP-free) API are two ways to move the same thing.
 */
#ifndef PAWEBRTC_DESCRIPTION_H
#define PAWEBRTC_DESCRIPTION_H

#include <pawebrtc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest ICE user fragment and password (RFC 8839 section 5.4). */
#define PAW_ICE_CREDENTIAL_MAX 256

/** Source: RFC 8445 section 5.3. Both NUL-terminated; empty means none yet. */
struct paw_ice_credentials {
  char ufrag[PAW_ICE_CREDENTIAL_MAX + 1];
  char pwd[PAW_ICE_CREDENTIAL_MAX + 1];
};

enum paw_candidate_type {
  PAW_CANDIDATE_HOST,
  PAW_CANDIDATE_SERVER_REFLEXIVE,
  PAW_CANDIDATE_PEER_REFLEXIVE,
  PAW_CANDIDATE_RELAYED,
};

/** Longest foundation (RFC 8839 section 5.1). */
#define PAW_FOUNDATION_MAX 32

/** A UDP candidate of component 1 (RFC 8445 section 5.1). */
struct paw_candidate {
  enum paw_candidate_type type;
  struct paw_address address;
  struct paw_address base; /**< local candidates: the socket it is sent from; none = address */
  uint32_t priority;       /**< 0 lets the agent compute it (local candidates only) */
  char foundation[PAW_FOUNDATION_MAX + 1]; /**< empty lets the agent compute it (local only) */
};

enum paw_hash { PAW_HASH_SHA1, PAW_HASH_SHA224, PAW_HASH_SHA256, PAW_HASH_SHA384, PAW_HASH_SHA512 };

/** A certificate's fingerprint (RFC 8122 section 5). */
struct paw_fingerprint {
  enum paw_hash hash;
  uint8_t len; /**< bytes used of value */
  uint8_t value[64];
};

/** Who starts DTLS (RFC 8842 section 5). */
enum paw_setup { PAW_SETUP_NONE, PAW_SETUP_ACTPASS, PAW_SETUP_ACTIVE, PAW_SETUP_PASSIVE };

/** A bit for sending and one for receiving, seen from the side that is described (RFC 8866). */
enum paw_direction {
  PAW_DIRECTION_INACTIVE = 0,
  PAW_DIRECTION_SENDONLY = 1,
  PAW_DIRECTION_RECVONLY = 2,
  PAW_DIRECTION_SENDRECV = 3,
};

/**
 * Opus parameters: what the described side wishes to receive, and hints (sprop) about what it
 * sends. 0 or false is "not said" (RFC 7587 section 6.1).
 */
struct paw_opus_parameters {
  uint32_t max_playback_rate_hz;
  uint32_t sprop_max_capture_rate_hz;
  uint32_t max_average_bitrate_bps;
  uint16_t min_ptime_ms;
  uint16_t ptime_ms;     /**< a=ptime */
  uint16_t max_ptime_ms; /**< a=maxptime */
  bool stereo;
  bool sprop_stereo;
  bool use_inband_fec;
  bool use_dtx;
  bool cbr;
};

#define PAW_MID_MAX 32
#define PAW_CNAME_MAX 64
#define PAW_MSID_MAX 64

/** The audio section. A payload type or an extension id of 0 is "not there". */
struct paw_audio_description {
  char mid[PAW_MID_MAX + 1]; /**< empty when the section has none */
  enum paw_direction direction;
  uint8_t opus_payload_type;
  uint8_t red_payload_type; /**< RFC 2198 over the Opus payload type */
  uint8_t rtx_payload_type; /**< RFC 4588 over the Opus payload type */
  struct paw_opus_parameters opus;
  uint8_t extension_mid;              /**< RFC 8843 section 15 */
  uint8_t extension_audio_level;      /**< RFC 6464 */
  uint8_t extension_abs_capture_time; /**< 64-bit NTP capture time, as Chromium defines it */
  bool extmap_allow_mixed;            /**< RFC 8285 section 6 */
  bool rtcp_mux;                      /**< RFC 5761 */
  bool rtcp_rsize;                    /**< RFC 5506 */
  bool nack;                          /**< RFC 4585 generic NACK for the Opus payload type */
  bool rrtr;                          /**< RFC 3611 receiver reference time (rcvr-rtt) */
  bool bundle;                        /**< the section is in the BUNDLE group */
  uint32_t ssrc;                      /**< 0 = not signalled */
  uint32_t rtx_ssrc;                  /**< of its retransmissions; 0 = not signalled */
  char cname[PAW_CNAME_MAX + 1];
  char msid_stream[PAW_MSID_MAX + 1];
  char msid_track[PAW_MSID_MAX + 1];
};

/** More of either in a description are ignored, never an error. */
#define PAW_DESCRIPTION_CANDIDATES_MAX 20
#define PAW_DESCRIPTION_FINGERPRINTS_MAX 4

/** One side of a session. */
struct paw_description {
  struct paw_ice_credentials ice;
  bool ice_lite;
  bool ice_trickle;       /**< a=ice-options:trickle */
  bool end_of_candidates; /**< no more will come by trickle */
  enum paw_setup setup;
  size_t fingerprint_count;
  struct paw_fingerprint fingerprints[PAW_DESCRIPTION_FINGERPRINTS_MAX];
  size_t candidate_count;
  struct paw_candidate candidates[PAW_DESCRIPTION_CANDIDATES_MAX];
  struct paw_audio_description audio;
};

#ifdef __cplusplus
}
#endif
#endif
