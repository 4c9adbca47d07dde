/* SPDX-License-Identifier: MIT */
/**
 * @file encoder.h
 * PCM to Opus (RFC 6716, RFC 7587), 48 kHz, one packet a call.
 */
#ifndef PAWEBRTC_ENCODER_H
#define PAWEBRTC_ENCODER_H

#include <pawebrtc/media.h>

#ifdef __cplusplus
extern "C" {
#endif

struct paw_encoder;

/** libopus cannot change it while running: make a second encoder. */
enum paw_opus_application {
  PAW_OPUS_VOIP,
  PAW_OPUS_AUDIO,
  PAW_OPUS_RESTRICTED_LOWDELAY, /**< CELT only: 2.5 ms look-ahead, no in-band FEC */
};

struct paw_encoder_config {
  size_t struct_size;
  struct paw_allocator allocator;
  enum paw_opus_application application; /**< VOIP */
  uint8_t channels;                      /**< 1 or 2. 1 */
  uint32_t frame_frames;                 /**< samples per channel: 120, 240, 480 or 960. 480 */
  uint32_t bitrate_bps;                  /**< 6000..510000. 48000 */
  uint8_t complexity;                    /**< 0..10. 5 */
  uint8_t packet_loss_percent;           /**< 0..100: loss to prepare for. 0 */
  bool inband_fec;                       /**< true */
  bool dtx;                              /**< false */
};

PAW_API void paw_encoder_config_init(struct paw_encoder_config *config);

/** @return PAW_OK; PAW_ERR_INVALID: a value out of range; PAW_ERR_NO_MEMORY; PAW_ERR_CODEC */
PAW_API int paw_encoder_new(const struct paw_encoder_config *config, struct paw_encoder **out);
PAW_API void paw_encoder_free(struct paw_encoder *encoder);

/**
 * Encode one frame.
 *
 * @param pcm  Shape: int16 interleaved, frame_frames * channels values, 48000 Hz
 * @param out  at least 1 byte, PAW_OPUS_PACKET_MAX is always enough
 * @param len  in: room; out: bytes written; 0 = nothing to send (DTX silence)
 * @return PAW_OK; PAW_ERR_CODEC
 */
PAW_API int paw_encoder_encode(struct paw_encoder *encoder, const int16_t *pcm, uint8_t *out,
                               size_t *len);

/** Change a running encoder; same ranges as in the config. PAW_OK or PAW_ERR_INVALID. */
PAW_API int paw_encoder_set_bitrate(struct paw_encoder *encoder, uint32_t bitrate_bps);
PAW_API int paw_encoder_set_packet_loss(struct paw_encoder *encoder, uint8_t percent);
PAW_API int paw_encoder_set_inband_fec(struct paw_encoder *encoder, bool on);

/** Delay that the codec adds at the front, in samples per channel at 48 kHz (120 or 312). */
PAW_API uint32_t paw_encoder_get_lookahead_frames(const struct paw_encoder *encoder);

#ifdef __cplusplus
}
#endif
#endif
