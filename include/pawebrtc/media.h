/* SPDX-License-Identifier: MIT */
/**
 * @file media.h
 * Encoded audio on its way: a frame that is to be sent, and a packet that was received. They join
 * the encoder to a connection or track, and a connection to a playout buffer.
 */
#ifndef PAWEBRTC_MEDIA_H
#define PAWEBRTC_MEDIA_H

#include <pawebrtc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest Opus packet of one frame (RFC 6716 section 3.2.1, with a TOC byte). */
#define PAW_OPUS_PACKET_MAX 1276

/** No audio level is known. */
#define PAW_AUDIO_LEVEL_NONE 255

/** One encoded Opus packet to send. */
struct paw_audio_frame {
  const uint8_t *data;   /**< borrowed for the call */
  size_t len;            /**< 1..PAW_OPUS_PACKET_MAX */
  uint64_t media_rtp;    /**< time of its first sample in 1/48000 s, any origin, never going back */
  uint64_t capture_ns;   /**< monotonic time at which its first sample was captured */
  uint32_t duration_rtp; /**< samples per channel at 48 kHz: 120, 240, 480, 960, … 5760 */
  uint8_t level;         /**< loudness as -dBov, 0..127, or PAW_AUDIO_LEVEL_NONE (RFC 6464) */
  bool voice;            /**< the frame holds speech (RFC 6464 V bit) */
  bool talk_spurt;       /**< first frame after silence: the RTP marker (RFC 7587 section 4.2) */
};

/** One received audio packet, authenticated, in the order of arrival. */
struct paw_audio_packet {
  const uint8_t *data; /**< payload */
  size_t len;
  uint64_t arrival_ns;        /**< when the datagram arrived, monotonic */
  uint64_t capture_ntp;       /**< abs-capture-time, 32.32 NTP; 0 = not in this packet */
  int64_t capture_offset_ntp; /**< its clock offset, signed 32.32; 0 = not in this packet */
  uint32_t ssrc;
  uint32_t timestamp_rtp;
  uint16_t sequence;
  uint8_t payload_type;
  uint8_t level; /**< -dBov, 0..127, or PAW_AUDIO_LEVEL_NONE */
  bool voice;
  bool marker;
  bool red;            /**< payload is RFC 2198, its primary block being Opus; else plain Opus */
  bool retransmission; /**< known to be an answer to a NACK (RTX, or a packet asked for) */
};

#ifdef __cplusplus
}
#endif
#endif
