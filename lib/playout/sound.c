/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/mem.h"
#include "playout/playout.h"

#define FRAMES_PER_MS (PAW_RTP_HZ / 1000)

/* A sender in DTX refreshes its noise every 400 ms: one refresh may be lost. */
#define COMFORT_FRAMES_MAX ((size_t)1000 * FRAMES_PER_MS)

/* More than twice the longest delay there is: the play time was wrong. */
#define DELAY_CREDIBLE_NS ((int64_t)(20 * PAW_NS_PER_S))

/* What comes next at the position, and until when. */
enum step {
  STEP_GAP,   /* invent until then */
  STEP_FRAME, /* the front frame */
  STEP_FEC,   /* the copy in the front frame of the one before it */
};

int paw_playout_sound_init(struct paw_playout_sound *sound, const struct paw_allocator *allocator,
                           uint8_t channels) {
  int status = paw_opus_decoder_init(&sound->decoder, allocator, channels);
  if (status == PAW_OK) {
    status = paw_opus_decoder_init(&sound->past.decoder, allocator, channels);
  }
  return status;
}

void paw_playout_sound_wipe(struct paw_playout_sound *sound,
                            const struct paw_allocator *allocator) {
  paw_opus_decoder_wipe(&sound->decoder, allocator);
  paw_opus_decoder_wipe(&sound->past.decoder, allocator);
}

void paw_playout_sound_reset(struct paw_playout *player) {
  struct paw_playout_sound *sound = &player->sound;
  paw_playout_rewind_forget(player);
  paw_opus_decoder_reset(&sound->decoder);
  sound->at = 0;
  sound->frames = 0;
  sound->kind = PAW_PLAYOUT_KIND_NOTHING;
  sound->concealed_frames = 0;
  sound->missing_frames = 0;
  sound->comfort_frames = 0;
  sound->last_sequence = 0;
  sound->is_dtx = false;
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

static bool is_comfort(const struct paw_playout_sound *sound,
                       const struct paw_playout_frame *front) {
  return (front != NULL && is_contiguous(sound, front)) ||
         (sound->is_dtx && sound->comfort_frames < COMFORT_FRAMES_MAX);
}

void paw_playout_sound_set_invented(struct paw_playout *player, uint64_t gone_rtp) {
  struct paw_playout_sound *sound = &player->sound;
  bool comfort = is_comfort(sound, paw_playout_buffer_front(&player->buffer));
  sound->kind = comfort ? PAW_PLAYOUT_KIND_COMFORT : PAW_PLAYOUT_KIND_CONCEALED;
  sound->concealed_frames = comfort ? 0 : (size_t)gone_rtp;
  sound->comfort_frames = comfort ? (size_t)gone_rtp : 0;
}

static void fill_gap(struct paw_playout *player, uint64_t until_rtp) {
  struct paw_playout_sound *sound = &player->sound;
  const struct paw_playout_frame *front = paw_playout_buffer_front(&player->buffer);
  paw_playout_rewind_note(player);
  if (sound->kind == PAW_PLAYOUT_KIND_NOTHING) { /* out of a decoder that was warmed up */
    paw_playout_join_begin(&sound->join, NULL, PAW_PLAYOUT_JOIN_FADE_FRAMES,
                           player->config.channels);
  }
  sound->kind = is_comfort(sound, front) ? PAW_PLAYOUT_KIND_COMFORT : PAW_PLAYOUT_KIND_CONCEALED;
  if (sound->kind == PAW_PLAYOUT_KIND_CONCEALED && front == NULL &&
      sound->missing_frames >= PAW_PLAYOUT_STALL_FRAMES && paw_playout_conceal_left(sound) == 0) {
    paw_playout_set_state(player, PAW_PLAYOUT_STALLED);
    return;
  }
  uint64_t left_rtp = until_rtp - sound->position_rtp;
  paw_playout_conceal_invent(sound, left_rtp < PAW_PLAYOUT_STEP_FRAMES ? (size_t)left_rtp
                                                                       : PAW_PLAYOUT_STEP_FRAMES);
}

/* ---- from a packet ---- */

void paw_playout_sound_set_decoded(struct paw_playout_sound *sound, size_t at, size_t frames) {
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
  uint64_t emitted = frame->payload.duration_rtp - skipped;
  stats->jitter_buffer_delay_s += (double)delay_ns / PAW_NS_PER_S * (double)emitted;
  stats->jitter_buffer_emitted_samples += emitted;
}

void paw_playout_sound_count(struct paw_playout *player, struct paw_playout_frame *frame,
                             size_t skipped, uint64_t play_ns) {
  struct paw_playout_stats *stats = &player->stats;
  if (frame->is_counted || play_ns == 0) {
    return;
  }
  frame->is_counted = true;
  stats->recovered_red += frame->is_copy;
  stats->recovered_late += frame->is_late;
  measure_delay(stats, frame, skipped, play_ns);
}

static void play_frame(struct paw_playout *player, uint64_t play_ns) {
  struct paw_playout_sound *sound = &player->sound;
  struct paw_playout_frame *frame = paw_playout_buffer_front(&player->buffer);
  size_t skipped = (size_t)(sound->position_rtp - frame->media_rtp);
  size_t frames = 0;
  paw_playout_conceal_bridge(sound, skipped);
  int status = paw_opus_decoder_decode(&sound->decoder, frame->data, frame->len, sound->pcm,
                                       PAW_OPUS_DURATION_MAX_RTP, &frames);
  if (status != PAW_OK || frames != frame->payload.duration_rtp) {
    paw_playout_buffer_pop(&player->buffer);
    sound->at = 0;
    sound->frames = 0;
    player->stats.packets_malformed++;
    return;
  }
  if (sound->past.state == PAW_PLAYOUT_PAST_NONE) {
    paw_playout_buffer_pop(&player->buffer);
  } else {
    paw_playout_buffer_keep_before(&player->buffer, frame->media_rtp + 1);
  }
  paw_playout_sound_set_decoded(sound, skipped, frames);
  sound->last_sequence = frame->sequence;
  sound->is_dtx = frame->payload.is_dtx;
  paw_playout_sound_count(player, frame, skipped, play_ns);
}

static void play_copy(struct paw_playout *player) {
  struct paw_playout_sound *sound = &player->sound;
  struct paw_playout_frame *frame = paw_playout_buffer_front(&player->buffer);
  size_t frames = frame->payload.frame_rtp;
  paw_playout_rewind_note(player);
  paw_playout_conceal_bridge(sound, 0);
  if (paw_opus_decoder_decode_fec(&sound->decoder, frame->data, frame->len, sound->pcm, frames) !=
      PAW_OK) {
    paw_playout_conceal_invent(sound, PAW_PLAYOUT_STEP_FRAMES);
    sound->kind = PAW_PLAYOUT_KIND_CONCEALED;
    return;
  }
  paw_playout_sound_set_decoded(sound, 0, frames);
  sound->last_sequence = frame->sequence - 1;
  player->stats.recovered_fec += !frame->copy_is_counted;
  frame->copy_is_counted = true;
}

/* A decoder that joins a running stream needs about 200 ms to sound as it should: where the first
 * packets are there and their time is over, they are decoded for that. */
static void warm_up(struct paw_playout_sound *sound, const struct paw_playout_frame *frame) {
  size_t frames = 0;
  if (sound->kind != PAW_PLAYOUT_KIND_NOTHING ||
      frame->media_rtp + PAW_PLAYOUT_REWIND_FRAMES_MAX < sound->position_rtp ||
      paw_opus_decoder_decode(&sound->decoder, frame->data, frame->len, sound->pcm,
                              PAW_OPUS_DURATION_MAX_RTP, &frames) != PAW_OK) {
    return;
  }
  sound->last_sequence = frame->sequence;
  sound->is_dtx = frame->payload.is_dtx;
}

static void drop_past_frames(struct paw_playout *player) {
  const struct paw_playout_frame *front = paw_playout_buffer_front(&player->buffer);
  while (front != NULL && paw_playout_frame_end(front) <= player->sound.position_rtp) {
    warm_up(&player->sound, front);
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
    }
  } while (sound->at == sound->frames);
}

/* How much of what lies ahead may come out in one piece. */
static size_t span_frames(struct paw_playout *player, size_t most) {
  const struct paw_playout_sound *sound = &player->sound;
  size_t frames = sound->frames - sound->at;
  frames = frames < most ? frames : most;
  if (!paw_playout_sound_is_invented(sound)) {
    return frames;
  }
  uint64_t until_rtp = 0;
  (void)next_step(player, &until_rtp);
  uint64_t left_rtp = until_rtp - sound->position_rtp;
  frames = left_rtp < frames ? (size_t)left_rtp : frames;
  size_t to_silence = paw_playout_conceal_left(sound);
  bool will_fade = sound->kind == PAW_PLAYOUT_KIND_CONCEALED && to_silence > 0;
  return will_fade && to_silence < frames ? to_silence : frames;
}

static void count_on(struct paw_playout_sound *sound, size_t frames) {
  switch (sound->kind) {
  case PAW_PLAYOUT_KIND_NOTHING:
    break;
  case PAW_PLAYOUT_KIND_FRAME:
    sound->missing_frames = 0;
    break;
  case PAW_PLAYOUT_KIND_COMFORT:
    sound->comfort_frames += frames;
    break;
  case PAW_PLAYOUT_KIND_CONCEALED:
    sound->concealed_frames += frames;
    sound->missing_frames += frames;
    break;
  }
}

static struct paw_playout_span pull(struct paw_playout *player, int16_t *pcm, size_t frames,
                                    uint64_t play_ns) {
  struct paw_playout_sound *sound = &player->sound;
  uint8_t channels = sound->decoder.channels;
  if (paw_playout_sound_is_invented(sound) || sound->at == sound->frames) {
    prepare(player, play_ns);
  }
  if (player->state == PAW_PLAYOUT_STALLED) {
    return (struct paw_playout_span){0};
  }
  struct paw_playout_span span = {.frames = span_frames(player, frames), .kind = sound->kind};
  memcpy(pcm, &sound->pcm[sound->at * channels], span.frames * channels * sizeof pcm[0]);
  if (paw_playout_sound_is_invented(sound)) {
    paw_playout_conceal_fade(sound, pcm, span.frames);
    span.is_silent = paw_playout_conceal_left(sound) == 0;
  }
  count_on(sound, span.frames);
  paw_playout_join_apply(&sound->join, pcm, span.frames, channels);
  sound->at += span.frames;
  sound->position_rtp += span.frames;
  return span;
}

struct paw_playout_span paw_playout_sound_pull(struct paw_playout *player, int16_t *pcm,
                                               size_t frames, uint64_t play_ns) {
  paw_playout_rewind_apply(player, play_ns);
  struct paw_playout_span span = pull(player, pcm, frames, play_ns);
  paw_playout_rewind_trim(player);
  return span;
}

/* ---- leaving the place ---- */

void paw_playout_sound_pull_unheard(struct paw_playout *player, int16_t *pcm, size_t frames) {
  uint8_t channels = player->sound.decoder.channels;
  size_t done = 0;
  while (done < frames) {
    size_t pulled = pull(player, &pcm[done * channels], frames - done, 0).frames;
    if (pulled == 0) {
      return;
    }
    done += pulled;
  }
}

void paw_playout_sound_stop(struct paw_playout *player) {
  struct paw_playout_sound *sound = &player->sound;
  int16_t old[PAW_PLAYOUT_JOIN_FADE_FRAMES * PAW_PLAYOUT_CHANNELS_MAX] = {0};
  paw_playout_sound_pull_unheard(player, old, PAW_PLAYOUT_JOIN_FADE_FRAMES);
  paw_playout_join_begin(&sound->join, old, PAW_PLAYOUT_JOIN_FADE_FRAMES, sound->decoder.channels);
  sound->at = 0;
  sound->frames = 0;
  sound->kind = PAW_PLAYOUT_KIND_CONCEALED;
  sound->concealed_frames = PAW_PLAYOUT_STALL_FRAMES; /* faded out long since */
  paw_playout_rewind_forget(player);
}
