/* SPDX-License-Identifier: MIT */
#include "opus/vector.h"

#include <stdio.h>
#include <string.h>

#include "base/rd.h"
#include "opus/decoder.h"
#include "opus/payload.h"

static const struct paw_allocator no_allocator = {0};

bool vector_load(struct vector *vector, const char *folder, const char *name) {
  char path[512];
  int len = snprintf(path, sizeof path, "%s/%s.opuspk", folder, name);
  FILE *file = len > 0 && (size_t)len < sizeof path ? fopen(path, "rb") : NULL;
  if (file == NULL) {
    return false;
  }
  memset(vector, 0, sizeof *vector);
  vector->len = fread(vector->bytes, 1, sizeof vector->bytes, file);
  bool good = ferror(file) == 0 && fclose(file) == 0 && vector->len > VECTOR_MAGIC_BYTES &&
              memcmp(vector->bytes, VECTOR_MAGIC, VECTOR_MAGIC_BYTES) == 0;
  vector->channels = vector->bytes[VECTOR_MAGIC_BYTES];
  return good;
}

/* The packet that follows, without taking it. */
static struct paw_slice peek_packet(struct paw_rd rd) {
  return paw_rd_bytes(&rd, paw_rd_u16(&rd));
}

static bool decode_next(struct vector *vector, struct paw_opus_decoder *decoder,
                        struct paw_rd *rd) {
  int16_t *pcm = &vector->pcm[vector->pcm_frames * vector->channels];
  size_t room = VECTOR_FRAMES_MAX - vector->pcm_frames;
  uint16_t length = paw_rd_u16(rd);
  size_t frames =
      (length & VECTOR_COPY) != 0 ? (size_t)length & (VECTOR_COPY - 1) : VECTOR_LOST_FRAMES;
  int status = PAW_ERR_CODEC;
  if (room < 5760) {
    return false;
  }
  if ((length & VECTOR_COPY) != 0) {
    struct paw_slice next = peek_packet(*rd);
    struct paw_opus_payload payload;
    if (paw_opus_payload_read(next.data, next.len, &payload) != PAW_OK || !payload.has_lbrr) {
      return false;
    }
    status = paw_opus_decoder_decode_fec(decoder, next.data, next.len, pcm, frames);
    vector->copies++;
  } else if (length == 0) {
    status = paw_opus_decoder_conceal(decoder, pcm, frames);
    vector->concealed++;
  } else {
    struct paw_slice packet = paw_rd_bytes(rd, length);
    status = paw_opus_decoder_decode(decoder, packet.data, packet.len, pcm, room, &frames);
    vector->packets++;
  }
  vector->pcm_frames += frames;
  return status == PAW_OK && !rd->bad;
}

bool vector_decode(struct vector *vector) {
  struct paw_opus_decoder decoder;
  if (paw_opus_decoder_init(&decoder, &no_allocator, vector->channels) != PAW_OK) {
    return false;
  }
  struct paw_rd rd = paw_rd_init(vector->bytes, vector->len);
  paw_rd_skip(&rd, VECTOR_MAGIC_BYTES + 1);
  bool good = true;
  while (good && rd.left > 0) {
    good = decode_next(vector, &decoder, &rd);
  }
  paw_opus_decoder_wipe(&decoder, &no_allocator);
  return good;
}
