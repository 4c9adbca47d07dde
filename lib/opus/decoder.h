/* SPDX-License-Identifier: MIT */
/* Opus to PCM at 48 kHz, over libopus, with its state in our memory. PCM here is int16 interleaved,
 * frames * channels values; mono and stereo packets both come out with the decoder's channels. */
#ifndef PAW_OPUS_DECODER_H
#define PAW_OPUS_DECODER_H

#include <pawebrtc/base.h>

struct OpusDecoder;

struct paw_opus_decoder {
  struct OpusDecoder *state;
  size_t state_bytes;
  uint8_t channels;
};

/* PAW_OK; PAW_ERR_INVALID: channels not 1 or 2; PAW_ERR_NO_MEMORY; PAW_ERR_CODEC. */
int paw_opus_decoder_init(struct paw_opus_decoder *decoder, const struct paw_allocator *allocator,
                          uint8_t channels);
void paw_opus_decoder_wipe(struct paw_opus_decoder *decoder, const struct paw_allocator *allocator);

/* Forget the stream so far. */
void paw_opus_decoder_reset(struct paw_opus_decoder *decoder);

/* Decode one packet. `pcm` has room for `room_frames`; `*frames` is what came out.
 * PAW_OK; PAW_ERR_CODEC. */
int paw_opus_decoder_decode(struct paw_opus_decoder *decoder, const uint8_t *data, size_t len,
                            int16_t *pcm, size_t room_frames, size_t *frames);

/* The frame before `data`, out of the low-bit-rate copy in `data`; `frames` is its duration, that
 * of one frame of `data`. Then decode `data` itself as usual. PAW_OK; PAW_ERR_CODEC. */
int paw_opus_decoder_decode_fec(struct paw_opus_decoder *decoder, const uint8_t *data, size_t len,
                                int16_t *pcm, size_t frames);

/* Invent what comes next; `frames` is a multiple of PAW_OPUS_DURATION_UNIT_RTP. PAW_OK;
 * PAW_ERR_CODEC. */
int paw_opus_decoder_conceal(struct paw_opus_decoder *decoder, int16_t *pcm, size_t frames);

/* Copy the whole state out and back again: opus.h promises that it is one block without pointers
 * into itself. `copy` has `state_bytes`. */
void paw_opus_decoder_save(const struct paw_opus_decoder *decoder, void *copy);
void paw_opus_decoder_restore(struct paw_opus_decoder *decoder, const void *copy);

#endif
