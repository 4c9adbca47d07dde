/* SPDX-License-Identifier: MIT */
#include "opus/decoder.h"

#include <opus.h>
#include <string.h>

#include "base/mem.h"

int paw_opus_decoder_init(struct paw_opus_decoder *decoder, const struct paw_allocator *allocator,
                          uint8_t channels) {
  *decoder = (struct paw_opus_decoder){.channels = channels};
  int size = opus_decoder_get_size(channels);
  if (size <= 0) {
    return PAW_ERR_INVALID;
  }
  OpusDecoder *state = paw_mem_alloc(allocator, (size_t)size);
  if (state == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  if (opus_decoder_init(state, PAW_RTP_HZ, channels) != OPUS_OK) {
    paw_mem_free(allocator, state);
    return PAW_ERR_CODEC;
  }
  decoder->state = state;
  decoder->state_bytes = (size_t)size;
  return PAW_OK;
}

void paw_opus_decoder_wipe(struct paw_opus_decoder *decoder,
                           const struct paw_allocator *allocator) {
  paw_mem_free(allocator, decoder->state);
  *decoder = (struct paw_opus_decoder){0};
}

void paw_opus_decoder_reset(struct paw_opus_decoder *decoder) {
  (void)opus_decoder_ctl(decoder->state, OPUS_RESET_STATE);
}

int paw_opus_decoder_decode(struct paw_opus_decoder *decoder, const uint8_t *data, size_t len,
                            int16_t *pcm, size_t room_frames, size_t *frames) {
  int count =
      len > 0 ? opus_decode(decoder->state, data, (opus_int32)len, pcm, (int)room_frames, 0) : 0;
  *frames = count > 0 ? (size_t)count : 0;
  return count > 0 ? PAW_OK : PAW_ERR_CODEC;
}

int paw_opus_decoder_decode_fec(struct paw_opus_decoder *decoder, const uint8_t *data, size_t len,
                                int16_t *pcm, size_t frames) {
  int count = len > 0 ? opus_decode(decoder->state, data, (opus_int32)len, pcm, (int)frames, 1) : 0;
  return count == (int)frames ? PAW_OK : PAW_ERR_CODEC;
}

int paw_opus_decoder_conceal(struct paw_opus_decoder *decoder, int16_t *pcm, size_t frames) {
  int count = opus_decode(decoder->state, NULL, 0, pcm, (int)frames, 0);
  return count == (int)frames ? PAW_OK : PAW_ERR_CODEC;
}

void paw_opus_decoder_save(const struct paw_opus_decoder *decoder, void *copy) {
  memcpy(copy, decoder->state, decoder->state_bytes);
}

void paw_opus_decoder_restore(struct paw_opus_decoder *decoder, const void *copy) {
  memcpy(decoder->state, copy, decoder->state_bytes);
}
