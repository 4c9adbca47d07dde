/* SPDX-License-Identifier: MIT */
#include "bench/playout/programme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opus/decoder.h"
#include "wav.h"

/* 11.4 s of speech; Noise.wav is none. */
static const char *const files[] = {
    "Front_Center.wav", "Front_Left.wav", "Rear_Right.wav", "Side_Left.wav",
    "Rear_Center.wav",  "Rear_Left.wav",  "Side_Right.wav", "Front_Right.wav",
};
#define FILES (sizeof files / sizeof files[0])

/* Encoded so often, one after the other, before the packets begin again: a decoder has to get over
 * the seam, so there should not be many. Between the words is silence. */
#define ROUNDS 5

struct speech {
  int16_t *pcm;
  size_t frames;
};

static bool append(struct speech *speech, const char *path, struct fault *fault) {
  struct wav_audio audio = {0};
  if (wav_audio_read(&audio, path, fault) != 0) {
    return false;
  }
  bool fits = audio.channels == 1 && audio.rate_hz == PAW_RTP_HZ;
  if (fits) {
    speech->pcm = realloc(speech->pcm, (speech->frames + audio.frames) * sizeof *speech->pcm);
    memcpy(&speech->pcm[speech->frames], audio.pcm, audio.frames * sizeof *speech->pcm);
    speech->frames += audio.frames;
  } else {
    (void)fault_set(fault, "%s: not mono at 48 kHz", path);
  }
  wav_audio_wipe(&audio);
  return fits;
}

static bool read_speech(struct speech *speech, const char *dir, struct fault *fault) {
  for (size_t i = 0; i < ROUNDS * FILES; i++) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", dir, files[i % FILES]);
    if (!append(speech, path, fault)) {
      return false;
    }
  }
  return true;
}

static bool encode(struct programme *programme, struct paw_encoder *encoder,
                   const struct speech *speech) {
  size_t used = 0;
  programme->count = speech->frames / programme->frame_frames;
  programme->offsets = calloc(programme->count + 1, sizeof *programme->offsets);
  programme->bytes = malloc((programme->count + 1) * PAW_OPUS_PACKET_MAX);
  for (size_t i = 0; i < programme->count; i++) {
    size_t len = PAW_OPUS_PACKET_MAX;
    const int16_t *pcm = &speech->pcm[i * programme->frame_frames];
    if (paw_encoder_encode(encoder, pcm, &programme->bytes[used], &len) != PAW_OK) {
      return false;
    }
    used += len;
    programme->offsets[i + 1] = (uint32_t)used;
  }
  return true;
}

bool programme_init(struct programme *programme, const struct programme_config *config,
                    struct fault *fault) {
  *programme = (struct programme){.frame_frames = config->frame_frames};
  struct speech speech = {0};
  struct paw_encoder *encoder = NULL;
  struct paw_encoder_config encoder_config;
  paw_encoder_config_init(&encoder_config);
  encoder_config.frame_frames = (uint32_t)config->frame_frames;
  encoder_config.bitrate_bps = config->bitrate_bps;
  encoder_config.inband_fec = config->lbrr;
  encoder_config.packet_loss_percent = config->lbrr ? 10 : 0;
  bool ok = read_speech(&speech, config->speech_dir, fault);
  if (ok) {
    (void)fault_set(fault, "the encoder refuses the frame size or the bitrate");
    ok = paw_encoder_new(&encoder_config, &encoder) == PAW_OK &&
         encode(programme, encoder, &speech) && programme->count > 0;
  }
  paw_encoder_free(encoder);
  free(speech.pcm);
  return ok;
}

void programme_wipe(struct programme *programme) {
  free(programme->offsets);
  free(programme->bytes);
  *programme = (struct programme){0};
}

struct paw_slice programme_packet(const struct programme *programme, uint64_t index) {
  size_t i = (size_t)(index % programme->count);
  uint32_t offset = programme->offsets[i];
  return (struct paw_slice){.data = &programme->bytes[offset],
                            .len = programme->offsets[i + 1] - offset};
}

int16_t *programme_decode(const struct programme *programme, size_t frames) {
  struct paw_allocator allocator = {0};
  struct paw_opus_decoder decoder;
  size_t packets = frames / programme->frame_frames + 1;
  int16_t *pcm = calloc(packets * programme->frame_frames, sizeof *pcm);
  if (paw_opus_decoder_init(&decoder, &allocator, 1) != PAW_OK) {
    return pcm;
  }
  for (size_t i = 0; i < packets; i++) {
    struct paw_slice packet = programme_packet(programme, i);
    size_t out = 0;
    (void)paw_opus_decoder_decode(&decoder, packet.data, packet.len,
                                  &pcm[i * programme->frame_frames], programme->frame_frames, &out);
  }
  paw_opus_decoder_wipe(&decoder, &allocator);
  return pcm;
}
