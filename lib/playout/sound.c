/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "playout/playout.h"

#define FRAMES_PER_MS (PAW_RTP_HZ / 1000)

/* SILK invents in steps of 10 ms, whatever it is asked for. */
#define STEP_FRAMES ((size_t)10 * FRAMES_PER_MS)

/* What Opus invents sounds like the signal for about this long, then it is faded out. */
#define FADE_BEGIN_FRAMES ((size_t)60 * FRAMES_PER_MS)
#define FADE_END_FRAMES ((size_t)100 * FRAMES_PER_MS)

#define STALL_FRAMES ((size_t)200 * FRAMES_PER_MS)

/* A sender in DTX refreshes its noise every 400 ms: one refresh may be lost. */
#define COMFORT_FRAMES_MAX ((size_t)1000 * FRAMES_PER_MS)

/* More than twice the longest delay there is: the play time was wrong. */
#define DELAY_CREDIBLE_NS ((int64_t)(20 * PAW_NS_PER_S))

#define JOIN_LATE_FRAMES ((size_t)120) /* 2.5 ms: both sides are the same signal, nearly */
#define JOIN_FADE_FRAMES ((size_t)240) /* 5 ms: in from silence, or out */

/* What comes next at the position, and until when. */
enum step {
  STEP_GAP,    /* invent until then */
  STEP_FRAME,  /* the front frame */
  STEP_FEC,    /* the copy in the front frame of the one before it */
  STEP_RESUME, /* the insertion is over */
};

int paw_playout_sound_init(struct paw_playout_sound *sound, const struct paw_allocator *allocator,
                           uint8_t channels) {
  int status = paw_opus_decoder_init(&sound->decoder, allocator, channels);
  if (status != PAW_OK) {
    return status;
  }
  sound->saved = paw_mem_alloc(allocator, sound->decoder.state_bytes);
  return sound->saved != NULL ? PAW_OK : PAW_ERR_NO_MEMORY;
}

void paw_playout_sound_wipe(struct paw_playout_sound *sound,
                            const struct paw_allocator *allocator) {
  paw_opus_decoder_wipe(&sound->decoder, allocator);
  paw_mem_free(allocator, sound->saved);
  sound->saved = NULL;
}

void paw_playout_sound_reset(struct paw_playout_sound *sound) {
  paw_opus_decoder_reset(&sound->decoder);
  sound->at = 0;
  sound->frames = 0;
  sound->kind = PAW_PLAYOUT_KIND_NOTHING;
  sound->concealed_frames = 0;
  sound->comfort_frames = 0;
  sound->resume_rtp = 0;
  sound->last_sequence = 0;
  sound->is_dtx = false;
}

static bool is_invented(const struct paw_playout_sound *sound) {
  return sound->kind == PAW_PLAYOUT_KIND_COMFORT || sound->kind == PAW_PLAYOUT_KIND_CONCEALED;
}

/* The frame before the front one was not sent: the sender was silent. */
static bool is_contiguous(const struct paw_playout_sound *sound,
                          const struct paw_playout_frame *front) {
  return sound->last_sequence != 0 && front->sequence == sound->last_sequence + 1;
}

static enum step next_step(struct paw_playout *player, uint64_t *until_rtp) {
  const struct paw_playout_sound *sound = &player->sound;
  const struct paw_playout_frame *front = paw_playout_buffer_front(&player->buffer);
  *until_rtp = UINT64_MAX;
  if (sound->resume_rtp != 0) {
    *until_rtp = sound->resume_rtp;
    return sound->position_rtp < sound->resume_rtp ? STEP_GAP : STEP_RESUME;
  }
  if (front == NULL) {
    return STEP_GAP;
  }
  if (front->media_rtp <= sound->position_rtp) {
    return STEP_FRAME;
  }
  *until_rtp = front->media_rtp;
  if (!front->payload.has_lbrr || is_contiguous(sound, front)) {
    return STEP_GAP;
  }
  uint64_t copy_rtp = front->media_rtp - front->payload.frame_rtp;
  if (sound->position_rtp == copy_rtp) {
    return STEP_FEC;
  }
  if (sound->position_rtp < copy_rtp) {
    *until_rtp = copy_rtp;
  }
  return STEP_GAP;
}

/* ---- inventing ---- */

/* Invented sound is whole at first and nothing in the end. */
static float fade_gain(size_t concealed_frames) {
  if (concealed_frames <= FADE_BEGIN_FRAMES) {
    return 1;
  }
  if (concealed_frames >= FADE_END_FRAMES) {
    return 0;
  }
  float turn = 3.14159265f * (float)(concealed_frames - FADE_BEGIN_FRAMES) /
               (float)(FADE_END_FRAMES - FADE_BEGIN_FRAMES);
  return 0.5f + 0.5f * cosf(turn);
}

static void apply_gain(int16_t *pcm, size_t count, float gain) {
  for (size_t i = 0; i < count; i++) {
    pcm[i] = (int16_t)lrintf((float)pcm[i] * gain);
  }
}

static bool has_faded(const struct paw_playout_sound *sound) {
  return sound->concealed_frames >= FADE_END_FRAMES;
}

/* Have `frames` of invented sound decoded ahead, at most a step. */
static void invent(struct paw_playout_sound *sound, size_t frames) {
  size_t unit = PAW_OPUS_DURATION_UNIT_RTP;
  size_t whole = (frames + unit - 1) / unit * unit;
  if (has_faded(sound) || paw_opus_decoder_conceal(&sound->decoder, sound->pcm, whole) != PAW_OK) {
    memset(sound->pcm, 0, whole * sound->decoder.channels * sizeof sound->pcm[0]);
  }
  sound->at = 0;
  sound->frames = frames;
}

static bool is_comfort(const struct paw_playout_sound *sound,
                       const struct paw_playout_frame *front) {
  if (sound->resume_rtp != 0) {
    return false;
  }
  return (front != NULL && is_contiguous(sound, front)) ||
         (sound->is_dtx && sound->comfort_frames < COMFORT_FRAMES_MAX);
}

static void fill_gap(struct paw_playout *player, uint64_t until_rtp) {
  struct paw_playout_sound *sound = &player->sound;
  const struct paw_playout_frame *front = paw_playout_buffer_front(&player->buffer);
  sound->kind = is_comfort(sound, front) ? PAW_PLAYOUT_KIND_COMFORT : PAW_PLAYOUT_KIND_CONCEALED;
  if (sound->kind == PAW_PLAYOUT_KIND_CONCEALED && front == NULL && sound->resume_rtp == 0 &&
      sound->concealed_frames >= STALL_FRAMES) {
    paw_playout_set_state(player, PAW_PLAYOUT_STALLED);
    return;
  }
  uint64_t left_rtp = until_rtp - sound->position_rtp;
  invent(sound, left_rtp < STEP_FRAMES ? (size_t)left_rtp : STEP_FRAMES);
}

/* ---- from invented sound back to that of a packet ---- */

/* Let what would have gone on fade out under what comes. libopus makes the join itself where it is
 * at the border of its own frames and at full level. */
static void bridge(struct paw_playout_sound *sound, size_t skipped) {
  uint8_t channels = sound->decoder.channels;
  float gain = fade_gain(sound->concealed_frames);
  size_t wanted = gain < 1 ? JOIN_FADE_FRAMES : JOIN_LATE_FRAMES;
  bool begins = sound->kind == PAW_PLAYOUT_KIND_NOTHING;
  if (has_faded(sound) || (begins && skipped > 0)) {
    paw_playout_join_begin(&sound->join, NULL, JOIN_FADE_FRAMES, channels);
    return;
  }
  size_t left = is_invented(sound) ? sound->frames - sound->at : 0;
  if (begins || (left == 0 && skipped == 0 && gain >= 1)) {
    return;
  }
  if (left == 0) {
    invent(sound, wanted);
    left = wanted;
  }
  left = left < wanted ? left : wanted;
  int16_t *old = &sound->pcm[sound->at * channels];
  apply_gain(old, left * channels, gain);
  paw_playout_join_apply(&sound->join, old, left, channels);
  paw_playout_join_begin(&sound->join, old, left, channels);
}

/* What is decoded ahead now comes from a packet. */
static void set_decoded(struct paw_playout_sound *sound, size_t at, size_t frames) {
  sound->at = at;
  sound->frames = frames;
  sound->kind = PAW_PLAYOUT_KIND_FRAME;
  sound->concealed_frames = 0;
  sound->comfort_frames = 0;
}

static void measure_delay(struct paw_playout_stats *stats, const struct paw_playout_frame *frame,
                          size_t skipped, uint64_t play_ns) {
  int64_t delay_ns =
      (int64_t)(play_ns - frame->arrival_ns) - paw_playout_rtp_to_ns((int64_t)skipped);
  if (play_ns == 0 || delay_ns < 0 || delay_ns > DELAY_CREDIBLE_NS) {
    return;
  }
  int64_t mean_ns = (int64_t)stats->delay_ns;
  int64_t change_ns = (delay_ns - mean_ns) / PAW_RTP_HZ * (int64_t)frame->payload.duration_rtp;
  stats->delay_ns = mean_ns == 0 ? (uint64_t)delay_ns : (uint64_t)(mean_ns + change_ns);
}

static void count_frame(struct paw_playout_stats *stats, const struct paw_playout_frame *frame) {
  switch (frame->origin) {
  case PAW_PLAYOUT_ORIGIN_FIRST:
    break;
  case PAW_PLAYOUT_ORIGIN_AGAIN:
    stats->recovered_nack++;
    break;
  case PAW_PLAYOUT_ORIGIN_RED:
    stats->recovered_red++;
    break;
  }
  if (frame->is_late) {
    stats->recovered_late++;
  }
}

static void play_frame(struct paw_playout *player, uint64_t play_ns) {
  struct paw_playout_sound *sound = &player->sound;
  const struct paw_playout_frame *frame = paw_playout_buffer_front(&player->buffer);
  size_t skipped = (size_t)(sound->position_rtp - frame->media_rtp);
  size_t frames = 0;
  bridge(sound, skipped);
  int status = paw_opus_decoder_decode(&sound->decoder, frame->data, frame->len, sound->pcm,
                                       PAW_OPUS_DURATION_MAX_RTP, &frames);
  paw_playout_buffer_pop(&player->buffer);
  if (status != PAW_OK || frames != frame->payload.duration_rtp) {
    sound->at = 0;
    sound->frames = 0;
    player->stats.packets_malformed++;
    return;
  }
  set_decoded(sound, skipped, frames);
  sound->last_sequence = frame->sequence;
  sound->is_dtx = frame->payload.is_dtx;
  measure_delay(&player->stats, frame, skipped, play_ns);
  count_frame(&player->stats, frame);
}

static void play_copy(struct paw_playout *player) {
  struct paw_playout_sound *sound = &player->sound;
  const struct paw_playout_frame *frame = paw_playout_buffer_front(&player->buffer);
  size_t frames = frame->payload.frame_rtp;
  bridge(sound, 0);
  if (paw_opus_decoder_decode_fec(&sound->decoder, frame->data, frame->len, sound->pcm, frames) !=
      PAW_OK) {
    invent(sound, STEP_FRAMES);
    sound->kind = PAW_PLAYOUT_KIND_CONCEALED;
    return;
  }
  set_decoded(sound, 0, frames);
  sound->last_sequence = frame->sequence - 1;
  player->stats.recovered_fec++;
}

/* The decoder takes up the stream where it was left. */
static void resume(struct paw_playout_sound *sound) {
  bridge(sound, 1);
  paw_opus_decoder_restore(&sound->decoder, sound->saved);
  set_decoded(sound, 0, 0);
  sound->resume_rtp = 0;
}

static void drop_past_frames(struct paw_playout *player) {
  const struct paw_playout_frame *front = paw_playout_buffer_front(&player->buffer);
  while (front != NULL && paw_playout_frame_end(front) <= player->sound.position_rtp) {
    paw_playout_buffer_pop(&player->buffer);
    player->stats.packets_dropped++;
    front = paw_playout_buffer_front(&player->buffer);
  }
}

/* ---- pulling ---- */

/* Decode or invent until something lies ahead, or the stream has stalled. Each turn takes a frame
 * out of the buffer, ends an insertion or leaves. */
static void prepare(struct paw_playout *player, uint64_t play_ns) {
  struct paw_playout_sound *sound = &player->sound;
  uint64_t until_rtp = 0;
  do {
    drop_past_frames(player);
    switch (next_step(player, &until_rtp)) {
    case STEP_GAP:
      if (sound->at == sound->frames) {
        fill_gap(player, until_rtp);
      }
      return;
    case STEP_FRAME:
      play_frame(player, play_ns);
      break;
    case STEP_FEC:
      play_copy(player);
      break;
    case STEP_RESUME:
      resume(sound);
      break;
    }
  } while (sound->at == sound->frames);
}

/* How much of what lies ahead may come out in one piece. */
static size_t span_frames(struct paw_playout *player, size_t most) {
  const struct paw_playout_sound *sound = &player->sound;
  size_t frames = sound->frames - sound->at;
  frames = frames < most ? frames : most;
  if (!is_invented(sound)) {
    return frames;
  }
  uint64_t until_rtp = 0;
  (void)next_step(player, &until_rtp);
  uint64_t left_rtp = until_rtp - sound->position_rtp;
  frames = left_rtp < frames ? (size_t)left_rtp : frames;
  bool will_fade = sound->kind == PAW_PLAYOUT_KIND_CONCEALED && !has_faded(sound);
  size_t to_silence = FADE_END_FRAMES - (will_fade ? sound->concealed_frames : 0);
  return will_fade && to_silence < frames ? to_silence : frames;
}

static void fade(struct paw_playout_sound *sound, int16_t *pcm, size_t frames) {
  uint8_t channels = sound->decoder.channels;
  bool is_concealed = sound->kind == PAW_PLAYOUT_KIND_CONCEALED;
  for (size_t i = 0; i < frames; i++) {
    float gain = fade_gain(sound->concealed_frames + (is_concealed ? i : 0));
    if (gain < 1) {
      apply_gain(&pcm[i * channels], channels, gain);
    }
  }
}

struct paw_playout_span paw_playout_sound_pull(struct paw_playout *player, int16_t *pcm,
                                               size_t frames, uint64_t play_ns) {
  struct paw_playout_sound *sound = &player->sound;
  uint8_t channels = sound->decoder.channels;
  if (is_invented(sound) || sound->at == sound->frames) {
    prepare(player, play_ns);
  }
  if (player->state == PAW_PLAYOUT_STALLED) {
    return (struct paw_playout_span){0};
  }
  struct paw_playout_span span = {.frames = span_frames(player, frames), .kind = sound->kind};
  memcpy(pcm, &sound->pcm[sound->at * channels], span.frames * channels * sizeof pcm[0]);
  if (is_invented(sound)) {
    fade(sound, pcm, span.frames);
    span.is_silent = has_faded(sound);
    *(sound->kind == PAW_PLAYOUT_KIND_COMFORT ? &sound->comfort_frames
                                              : &sound->concealed_frames) += span.frames;
  }
  paw_playout_join_apply(&sound->join, pcm, span.frames, channels);
  sound->at += span.frames;
  sound->position_rtp += span.frames;
  return span;
}

/* ---- leaving the place ---- */

/* Pull `frames` that nobody hears; the first `kept_frames` go into `kept`. */
static void pull_unheard(struct paw_playout *player, size_t frames, int16_t *kept,
                         size_t kept_frames) {
  int16_t unheard[STEP_FRAMES * PAW_PLAYOUT_CHANNELS_MAX];
  uint8_t channels = player->sound.decoder.channels;
  size_t done = 0;
  while (done < frames) {
    bool is_kept = done < kept_frames;
    size_t most = (is_kept ? kept_frames : frames) - done;
    most = most < STEP_FRAMES ? most : STEP_FRAMES;
    int16_t *pcm = is_kept ? &kept[done * channels] : unheard;
    size_t pulled = paw_playout_sound_pull(player, pcm, most, 0).frames;
    if (pulled == 0) {
      return;
    }
    done += pulled;
  }
}

void paw_playout_sound_stop(struct paw_playout *player) {
  struct paw_playout_sound *sound = &player->sound;
  int16_t old[JOIN_FADE_FRAMES * PAW_PLAYOUT_CHANNELS_MAX] = {0};
  pull_unheard(player, JOIN_FADE_FRAMES, old, JOIN_FADE_FRAMES);
  paw_playout_join_begin(&sound->join, old, JOIN_FADE_FRAMES, sound->decoder.channels);
  sound->at = 0;
  sound->frames = 0;
  sound->resume_rtp = 0;
  sound->kind = PAW_PLAYOUT_KIND_CONCEALED;
  sound->concealed_frames = FADE_END_FRAMES;
}
