/* SPDX-License-Identifier: MIT */
#include <pawebrtc/encoder.h>

#include <opus.h>
#include <stdalign.h>

#include "base/mem.h"

#define BITRATE_MIN_BPS 6000
#define BITRATE_MAX_BPS 510000
#define COMPLEXITY_MAX 10
#define PERCENT_MAX 100

/* opus.h: a packet of at most two bytes holds no sound and need not be sent. */
#define DTX_PACKET_BYTES 2

struct paw_encoder {
  struct paw_encoder_config config;
  OpusEncoder *opus; /* into `state` */
  uint32_t lookahead_frames;
  bool silent;         /* the last frame was a DTX frame */
  max_align_t state[]; /* of libopus */
};

void paw_encoder_config_init(struct paw_encoder_config *config) {
  *config = (struct paw_encoder_config){
      .struct_size = sizeof *config,
      .application = PAW_OPUS_VOIP,
      .channels = 1,
      .frame_frames = 480,
      .bitrate_bps = 48000,
      .complexity = 5,
      .inband_fec = true,
  };
}

static bool frame_frames_is_valid(uint32_t frames) {
  return frames == 120 || frames == 240 || frames == 480 || frames == 960;
}

static bool bitrate_is_valid(uint32_t bitrate_bps) {
  return bitrate_bps >= BITRATE_MIN_BPS && bitrate_bps <= BITRATE_MAX_BPS;
}

static bool config_is_valid(const struct paw_encoder_config *config) {
  return (config->channels == 1 || config->channels == 2) &&
         frame_frames_is_valid(config->frame_frames) && bitrate_is_valid(config->bitrate_bps) &&
         config->complexity <= COMPLEXITY_MAX && config->packet_loss_percent <= PERCENT_MAX;
}

/* Negative for a value outside the enum. */
static int opus_application(enum paw_opus_application application) {
  switch (application) {
  case PAW_OPUS_VOIP:
    return OPUS_APPLICATION_VOIP;
  case PAW_OPUS_AUDIO:
    return OPUS_APPLICATION_AUDIO;
  case PAW_OPUS_RESTRICTED_LOWDELAY:
    return OPUS_APPLICATION_RESTRICTED_LOWDELAY;
  }
  return OPUS_BAD_ARG;
}

static int apply_config(struct paw_encoder *encoder) {
  const struct paw_encoder_config *config = &encoder->config;
  OpusEncoder *opus = encoder->opus;
  opus_int32 lookahead = 0;
  int signal = config->application == PAW_OPUS_VOIP ? OPUS_SIGNAL_VOICE : OPUS_AUTO;
  const int results[] = {
      opus_encoder_ctl(opus, OPUS_SET_BITRATE((opus_int32)config->bitrate_bps)),
      opus_encoder_ctl(opus, OPUS_SET_COMPLEXITY(config->complexity)),
      opus_encoder_ctl(opus, OPUS_SET_VBR(1)),
      opus_encoder_ctl(opus, OPUS_SET_VBR_CONSTRAINT(1)),
      opus_encoder_ctl(opus, OPUS_SET_SIGNAL(signal)),
      opus_encoder_ctl(opus, OPUS_SET_INBAND_FEC(config->inband_fec ? 1 : 0)),
      opus_encoder_ctl(opus, OPUS_SET_PACKET_LOSS_PERC(config->packet_loss_percent)),
      opus_encoder_ctl(opus, OPUS_SET_DTX(config->dtx ? 1 : 0)),
      opus_encoder_ctl(opus, OPUS_GET_LOOKAHEAD(&lookahead)),
  };
  for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
    if (results[i] != OPUS_OK) {
      return PAW_ERR_CODEC;
    }
  }
  encoder->lookahead_frames = (uint32_t)lookahead;
  return PAW_OK;
}

int paw_encoder_new(const struct paw_encoder_config *config, struct paw_encoder **out) {
  struct paw_encoder_config own;
  paw_encoder_config_init(&own);
  *out = NULL;
  if (paw_config_take(&own, sizeof own, config) != PAW_OK || !config_is_valid(&own) ||
      opus_application(own.application) < 0) {
    return PAW_ERR_INVALID;
  }
  size_t state_bytes = (size_t)opus_encoder_get_size(own.channels);
  struct paw_encoder *encoder = paw_mem_alloc(&own.allocator, sizeof *encoder + state_bytes);
  if (encoder == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  encoder->config = own;
  encoder->opus = (OpusEncoder *)(void *)encoder->state;
  int result =
      opus_encoder_init(encoder->opus, PAW_RTP_HZ, own.channels, opus_application(own.application));
  if (result != OPUS_OK || apply_config(encoder) != PAW_OK) {
    paw_encoder_free(encoder);
    return PAW_ERR_CODEC;
  }
  *out = encoder;
  return PAW_OK;
}

void paw_encoder_free(struct paw_encoder *encoder) {
  if (encoder != NULL) {
    struct paw_allocator allocator = encoder->config.allocator;
    paw_mem_free(&allocator, encoder);
  }
}

/* The first frame of a silence is sent all the same, as Chromium does: its emptiness tells the
 * receiver that what follows is silence and not loss. */
static bool leave_out(struct paw_encoder *encoder, size_t len) {
  bool silent = encoder->config.dtx && len <= DTX_PACKET_BYTES;
  bool left_out = silent && encoder->silent;
  encoder->silent = silent;
  return left_out;
}

int paw_encoder_encode(struct paw_encoder *encoder, const int16_t *pcm, uint8_t *out, size_t *len) {
  size_t room = *len < PAW_OPUS_PACKET_MAX ? *len : PAW_OPUS_PACKET_MAX;
  *len = 0;
  opus_int32 result =
      opus_encode(encoder->opus, pcm, (int)encoder->config.frame_frames, out, (opus_int32)room);
  if (result <= 0) {
    return PAW_ERR_CODEC;
  }
  *len = leave_out(encoder, (size_t)result) ? 0 : (size_t)result;
  return PAW_OK;
}

int paw_encoder_set_bitrate(struct paw_encoder *encoder, uint32_t bitrate_bps) {
  if (!bitrate_is_valid(bitrate_bps)) {
    return PAW_ERR_INVALID;
  }
  encoder->config.bitrate_bps = bitrate_bps;
  (void)opus_encoder_ctl(encoder->opus, OPUS_SET_BITRATE((opus_int32)bitrate_bps));
  return PAW_OK;
}

int paw_encoder_set_packet_loss(struct paw_encoder *encoder, uint8_t percent) {
  if (percent > PERCENT_MAX) {
    return PAW_ERR_INVALID;
  }
  encoder->config.packet_loss_percent = percent;
  (void)opus_encoder_ctl(encoder->opus, OPUS_SET_PACKET_LOSS_PERC(percent));
  return PAW_OK;
}

int paw_encoder_set_inband_fec(struct paw_encoder *encoder, bool on) {
  encoder->config.inband_fec = on;
  (void)opus_encoder_ctl(encoder->opus, OPUS_SET_INBAND_FEC(on ? 1 : 0));
  return PAW_OK;
}

uint32_t paw_encoder_get_lookahead_frames(const struct paw_encoder *encoder) {
  return encoder->lookahead_frames;
}
