/* SPDX-License-Identifier: MIT */
#include "programme.h"

#include <string.h>

#include "level.h"
#include "system.h"

/* libopus adds redundancy (LBRR) only when it is told of losses, and from this much on at every
 * rate that has any: at 24 kbit/s less is not enough. */
#define LOSS_PERCENT_MIN 10
#define RETRY_NS PAW_NS_PER_S

static uint32_t choose_bitrate(const struct settings *settings, uint8_t channels) {
  if (settings->bitrate_bps != OPTION_AUTO) {
    return (uint32_t)settings->bitrate_bps;
  }
  if (settings->mode == PAW_OPUS_VOIP) {
    return channels == 1 ? 48000 : 64000;
  }
  return channels == 1 ? 64000 : 128000;
}

/* CELT alone, which lowdelay is, has no such redundancy. */
static enum fec_choice choose_fec(const struct settings *settings) {
  return settings->mode == PAW_OPUS_RESTRICTED_LOWDELAY ? FEC_CHOICE_OFF
                                                        : (enum fec_choice)settings->fec;
}

int programme_init(struct programme *programme, const struct settings *settings,
                   struct source *source, const struct paw_log *log, struct fault *fault) {
  struct paw_encoder_config config;
  paw_encoder_config_init(&config);
  config.application = (enum paw_opus_application)settings->mode;
  config.channels = source->channels;
  config.frame_frames = settings_frame_frames[settings->frame];
  config.bitrate_bps = choose_bitrate(settings, source->channels);
  config.complexity = (uint8_t)settings->complexity;
  config.inband_fec = settings->fec == FEC_CHOICE_ON;
  config.packet_loss_percent = config.inband_fec ? LOSS_PERCENT_MIN : 0;
  config.dtx = settings->dtx;
  *programme = (struct programme){.source = source,
                                  .log = *log,
                                  .loop = settings->loop,
                                  .fec = choose_fec(settings),
                                  .fec_on = config.inband_fec,
                                  .silent_before = true,
                                  .level_dbfs = -127};
  programme->pacer.frame_frames = config.frame_frames;
  int status = paw_encoder_new(&config, &programme->encoder);
  return status == PAW_OK ? 0 : fault_set(fault, "Opus encoder: %s", paw_strerror(status));
}

void programme_wipe(struct programme *programme) {
  paw_encoder_free(programme->encoder);
  programme->encoder = NULL;
}

void programme_advise(struct programme *programme, bool fec, uint8_t loss_percent) {
  bool on = programme->fec == FEC_CHOICE_AUTO ? fec : programme->fec == FEC_CHOICE_ON;
  uint8_t percent = loss_percent < LOSS_PERCENT_MIN ? LOSS_PERCENT_MIN : loss_percent;
  if (on != programme->fec_on) {
    system_tell(&programme->log, PAW_LOG_INFO, "encoder", "redundancy for lost packets %s",
                on ? "on" : "off");
  }
  programme->fec_on = on;
  (void)paw_encoder_set_inband_fec(programme->encoder, on);
  (void)paw_encoder_set_packet_loss(programme->encoder, on ? percent : 0);
}

void programme_start(struct programme *programme, uint64_t now_ns) {
  pacer_init(&programme->pacer, programme->pacer.frame_frames, now_ns);
}

uint64_t programme_due_ns(const struct programme *programme) {
  return programme->state == PROGRAMME_OVER ? PAW_TIME_NEVER : pacer_due_ns(&programme->pacer);
}

/* ---- samples ---- */

static void begin_flush(struct programme *programme) {
  programme->state = PROGRAMME_FLUSHING;
  programme->flush_left = paw_encoder_get_lookahead_frames(programme->encoder);
}

/* True when the source can be read again. */
static bool begin_again(struct programme *programme, uint64_t now_ns) {
  struct fault fault;
  struct source *source = programme->source;
  if (source->ops->rewind(source, &fault) == 0) {
    programme->state = PROGRAMME_PLAYING;
    return true;
  }
  if (programme->state != PROGRAMME_STALLED) {
    system_tell(&programme->log, PAW_LOG_ERROR, "source",
                "%s; sending silence and trying once a second", fault.text);
  }
  programme->state = PROGRAMME_STALLED;
  programme->retry_ns = now_ns + RETRY_NS;
  return false;
}

/* Fill from the source, over its end and beginning when it is repeated. Returns how many frames are
 * there; a source that gives nothing twice in a row is left for this time. */
static size_t read_source(struct programme *programme, uint64_t now_ns) {
  struct source *source = programme->source;
  size_t want = programme->pacer.frame_frames;
  size_t have = 0;
  unsigned empty_reads = 0;
  while (have < want && empty_reads < 2) {
    size_t got = 0;
    enum source_verdict verdict = source->ops->read(
        source, now_ns, programme->pcm + have * source->channels, want - have, &got);
    have += got;
    empty_reads = got == 0 ? empty_reads + 1 : 0;
    if (verdict == SOURCE_SHORT) {
      return have;
    }
    if (verdict == SOURCE_ENDED && !programme->loop) {
      begin_flush(programme);
      return have;
    }
    if (verdict == SOURCE_ENDED && !begin_again(programme, now_ns)) {
      return have;
    }
  }
  return have;
}

static void take_flush(struct programme *programme) {
  uint32_t frame = programme->pacer.frame_frames;
  if (programme->flush_left <= frame) {
    programme->flush_left = 0;
    programme->state = PROGRAMME_OVER;
  } else {
    programme->flush_left -= frame;
  }
}

static void fill_pcm(struct programme *programme, uint64_t now_ns) {
  size_t want = programme->pacer.frame_frames;
  size_t have = 0;
  uint8_t channels = programme->source->channels;
  if (programme->state == PROGRAMME_STALLED && programme->retry_ns <= now_ns) {
    (void)begin_again(programme, now_ns);
  }
  if (programme->state == PROGRAMME_PLAYING) {
    have = read_source(programme, now_ns);
    programme->short_frames += have < want && programme->state != PROGRAMME_FLUSHING;
  } else if (programme->state == PROGRAMME_FLUSHING) {
    take_flush(programme);
  }
  memset(programme->pcm + have * channels, 0, (want - have) * channels * sizeof programme->pcm[0]);
  if (programme->mix.add != NULL) {
    programme->mix.add(programme->mix.user_data, pacer_due_ns(&programme->pacer), programme->pcm,
                       want);
  }
  programme->level_dbfs = level_dbfs(programme->pcm, want * channels);
}

/* ---- frames ---- */

static bool encode(struct programme *programme, struct paw_audio_frame *out) {
  size_t len = sizeof programme->packet;
  int status = paw_encoder_encode(programme->encoder, programme->pcm, programme->packet, &len);
  if (status != PAW_OK) {
    system_tell(&programme->log, PAW_LOG_ERROR, "encoder", "a frame is lost: %s",
                paw_strerror(status));
  }
  bool nothing = status != PAW_OK || len == 0;
  out->data = programme->packet;
  out->len = len;
  out->talk_spurt = programme->silent_before;
  programme->silent_before = nothing;
  programme->frames += !nothing;
  return !nothing;
}

bool programme_next(struct programme *programme, uint64_t now_ns, struct paw_audio_frame *out) {
  struct pacer *pacer = &programme->pacer;
  size_t values = (size_t)pacer->frame_frames * programme->source->channels;
  if (pacer_catch_up(pacer, now_ns) > 0) {
    programme->silent_before = true;
  }
  uint64_t due_ns = pacer_due_ns(pacer);
  uint64_t late_ns = now_ns > due_ns ? now_ns - due_ns : 0;
  programme->late_ns = late_ns > programme->late_ns ? late_ns : programme->late_ns;
  fill_pcm(programme, now_ns);
  uint64_t age_ns = programme->source->age_ns;
  *out = (struct paw_audio_frame){.media_rtp = pacer_media_rtp(pacer),
                                  .capture_ns = due_ns > age_ns ? due_ns - age_ns : 0,
                                  .duration_rtp = pacer->frame_frames,
                                  .level = level_rfc6464(programme->pcm, values)};
  pacer_advance(pacer);
  return encode(programme, out);
}
