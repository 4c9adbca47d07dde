/* SPDX-License-Identifier: MIT */
/* Before anything is invented the decoder's state is put aside, and the frames played from then on
 * are kept. A frame that comes too late is decoded in its place all the same, and all that followed
 * once more, so that what is heard next comes out of the right state. */
#include "playout/playout.h"

/* A decoder on its way through the frames. */
struct track {
  struct paw_opus_decoder *decoder;
  int16_t *pcm; /* of the frame it was handed last */
  struct paw_playout_place *place;
};

static bool is_next(const struct paw_playout_place *place, const struct paw_playout_frame *frame) {
  return place->last_sequence != 0 && frame->sequence == place->last_sequence + 1;
}

/* Nothing is missing before this frame; a sender that was silent sent nothing. */
static bool leads_on(const struct paw_playout_place *place, const struct paw_playout_frame *frame) {
  return frame->media_rtp <= place->position_rtp || is_next(place, frame);
}

/* Go to the beginning of a frame. */
static void cross(const struct track *track, const struct paw_playout_frame *frame) {
  struct paw_playout_place *place = track->place;
  if (frame->media_rtp <= place->position_rtp) {
    return;
  }
  uint64_t missing_rtp = frame->media_rtp - place->position_rtp;
  uint32_t copy_rtp = frame->payload.frame_rtp;
  if (!frame->payload.has_lbrr || is_next(place, frame) || copy_rtp > missing_rtp) {
    paw_playout_conceal_skip(track->decoder, track->pcm, missing_rtp);
    return;
  }
  paw_playout_conceal_skip(track->decoder, track->pcm, missing_rtp - copy_rtp);
  if (paw_opus_decoder_decode_fec(track->decoder, frame->data, frame->len, track->pcm, copy_rtp) !=
      PAW_OK) {
    paw_playout_conceal_skip(track->decoder, track->pcm, copy_rtp);
  }
}

/* Returns the samples that came out. */
static size_t hand(const struct track *track, const struct paw_playout_frame *frame) {
  size_t frames = 0;
  if (paw_playout_frame_end(frame) <= track->place->position_rtp) {
    return 0;
  }
  cross(track, frame);
  if (paw_opus_decoder_decode(track->decoder, frame->data, frame->len, track->pcm,
                              PAW_OPUS_DURATION_MAX_RTP, &frames) != PAW_OK) {
    frames = 0;
  }
  *track->place = (struct paw_playout_place){
      .position_rtp = paw_playout_frame_end(frame),
      .last_sequence = frame->sequence,
      .is_dtx = frame->payload.is_dtx,
  };
  return frames;
}

/* ---- the state that is put aside ---- */

static struct track past_track(struct paw_playout_past *past) {
  return (struct track){.decoder = &past->decoder, .pcm = past->unheard, .place = &past->place};
}

void paw_playout_rewind_note(struct paw_playout *player) {
  struct paw_playout_sound *sound = &player->sound;
  struct paw_playout_past *past = &sound->past;
  if (past->state != PAW_PLAYOUT_PAST_NONE || paw_playout_sound_is_invented(sound)) {
    return;
  }
  paw_opus_decoder_restore(&past->decoder, sound->decoder.state);
  past->place = (struct paw_playout_place){
      .position_rtp = sound->position_rtp,
      .last_sequence = sound->last_sequence,
      .is_dtx = sound->is_dtx,
  };
  past->state = PAW_PLAYOUT_PAST_KEPT;
}

void paw_playout_rewind_forget(struct paw_playout *player) {
  paw_playout_buffer_release(&player->buffer, player->buffer.kept);
  player->sound.past.state = PAW_PLAYOUT_PAST_NONE;
}

bool paw_playout_rewind_reaches(const struct paw_playout *player, uint64_t media_rtp) {
  const struct paw_playout_past *past = &player->sound.past;
  return past->state != PAW_PLAYOUT_PAST_NONE && media_rtp >= past->place.position_rtp;
}

bool paw_playout_rewind_is_over(const struct paw_playout *player, uint64_t media_rtp,
                                uint64_t end_rtp) {
  return player->state == PAW_PLAYOUT_PLAYING &&
         end_rtp <= paw_playout_sound_decoded(&player->sound) &&
         !paw_playout_rewind_reaches(player, media_rtp);
}

void paw_playout_rewind_want(struct paw_playout *player, uint64_t until_rtp) {
  paw_playout_buffer_keep_before(&player->buffer, until_rtp);
  player->sound.past.state = PAW_PLAYOUT_PAST_WANTED;
}

/* Hand the state the frames that end before `until_rtp`, as far as none is missing. */
static void advance(struct paw_playout *player, uint64_t until_rtp) {
  struct paw_playout_buffer *buffer = &player->buffer;
  struct track track = past_track(&player->sound.past);
  while (buffer->kept > 0) {
    const struct paw_playout_frame *frame = paw_playout_buffer_at(buffer, 0);
    if (!leads_on(track.place, frame) || paw_playout_frame_end(frame) > until_rtp) {
      return;
    }
    (void)hand(&track, frame);
    paw_playout_buffer_release(buffer, 1);
  }
}

static bool is_overlong(const struct paw_playout *player) {
  const struct paw_playout_buffer *buffer = &player->buffer;
  if (buffer->kept == 0) {
    return false;
  }
  uint64_t first_rtp = buffer->frames[buffer->order[0]].media_rtp;
  uint64_t heard_rtp = player->sound.position_rtp;
  return buffer->kept > PAW_PLAYOUT_KEPT_MAX ||
         heard_rtp > first_rtp + PAW_PLAYOUT_REWIND_FRAMES_MAX;
}

void paw_playout_rewind_trim(struct paw_playout *player) {
  struct paw_playout_past *past = &player->sound.past;
  struct track track = past_track(past);
  uint64_t decoded_rtp = paw_playout_sound_decoded(&player->sound);
  while (is_overlong(player)) {
    (void)hand(&track, paw_playout_buffer_at(&player->buffer, 0));
    paw_playout_buffer_release(&player->buffer, 1);
    advance(player, decoded_rtp);
    if (past->place.position_rtp >= decoded_rtp) {
      paw_playout_rewind_forget(player);
    }
  }
}

/* ---- going back ---- */

/* What would have been heard next fades out under what is heard instead. */
static void begin_join(struct paw_playout *player) {
  struct paw_playout_sound *sound = &player->sound;
  int16_t old[PAW_PLAYOUT_JOIN_LATE_FRAMES * PAW_PLAYOUT_CHANNELS_MAX] = {0};
  uint8_t channels = sound->decoder.channels;
  if (paw_playout_conceal_left(sound) == 0) {
    paw_playout_join_begin(&sound->join, NULL, PAW_PLAYOUT_JOIN_FADE_FRAMES, channels);
    return;
  }
  uint64_t position_rtp = sound->position_rtp;
  size_t missing_frames = sound->missing_frames;
  sound->missing_frames = 0; /* what came proves that the stream has not stalled */
  paw_playout_sound_pull_unheard(player, old, PAW_PLAYOUT_JOIN_LATE_FRAMES);
  sound->position_rtp = position_rtp;
  sound->missing_frames = missing_frames;
  paw_playout_join_begin(&sound->join, old, PAW_PLAYOUT_JOIN_LATE_FRAMES, channels);
}

/* The position lies in a gap that is still there. */
static void go_into_gap(struct paw_playout *player, const struct paw_playout_place *place) {
  struct paw_playout_sound *sound = &player->sound;
  uint64_t gone_rtp = sound->position_rtp - place->position_rtp;
  size_t rest = (size_t)(gone_rtp % PAW_PLAYOUT_STEP_FRAMES);
  paw_playout_conceal_skip(&sound->decoder, sound->pcm, gone_rtp - rest);
  paw_playout_sound_set_invented(player, gone_rtp);
  paw_playout_conceal_invent(sound, PAW_PLAYOUT_STEP_FRAMES);
  sound->at = rest;
}

/* Decode all from the state put aside up to the position. True when nothing is missing. */
static bool redo(struct paw_playout *player, uint64_t play_ns) {
  struct paw_playout_sound *sound = &player->sound;
  struct paw_playout_place place = sound->past.place;
  struct track track = {.decoder = &sound->decoder, .pcm = sound->pcm, .place = &place};
  struct paw_playout_frame *frame = NULL;
  size_t count = 0;
  size_t frames = 0;
  bool is_whole = true;
  for (;; count++) {
    struct paw_playout_frame *next = paw_playout_buffer_at(&player->buffer, count);
    if (next == NULL || next->media_rtp > sound->position_rtp) {
      break;
    }
    is_whole = is_whole && leads_on(&place, next);
    if (paw_playout_frame_end(next) > place.position_rtp) {
      frames = hand(&track, next);
      frame = next;
    }
  }
  player->buffer.kept = count;
  sound->last_sequence = place.last_sequence;
  sound->is_dtx = place.is_dtx;
  if (place.position_rtp < sound->position_rtp) {
    go_into_gap(player, &place);
    return false;
  }
  size_t left = (size_t)(place.position_rtp - sound->position_rtp);
  left = left < frames ? left : frames;
  paw_playout_sound_set_decoded(sound, frames - left, frames);
  if (left > 0) {
    paw_playout_sound_count(player, frame, frames - left, play_ns);
  }
  return is_whole;
}

void paw_playout_rewind_apply(struct paw_playout *player, uint64_t play_ns) {
  struct paw_playout_sound *sound = &player->sound;
  struct paw_playout_past *past = &sound->past;
  if (past->state != PAW_PLAYOUT_PAST_WANTED) {
    return;
  }
  past->state = PAW_PLAYOUT_PAST_KEPT;
  begin_join(player);
  paw_playout_buffer_keep_before(&player->buffer, sound->position_rtp);
  advance(player, sound->position_rtp);
  paw_opus_decoder_restore(&sound->decoder, past->decoder.state);
  if (redo(player, play_ns)) {
    paw_playout_rewind_forget(player);
  }
  player->stats.decoder_rewinds++;
}
