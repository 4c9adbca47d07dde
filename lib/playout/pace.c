/* SPDX-License-Identifier: MIT */
/* The sound device's clock, the sender's, the network's delay and the delay aimed at all move: the
 * position follows where a sample should be heard, without leaving out or inventing sound. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "playout/playout.h"

#define FRAMES_PER_MS ((size_t)48)
#define ONE ((int64_t)1 << 32) /* a sample */
#define PPM(n) ((n)*ONE / 1000000)

/* Clocks 100 ppm apart are off by 1 ms after 10 s. 0.05 ms is two samples. */
#define OFF_NS ((int64_t)PAW_NS_PER_MS)
#define FAST_NS ((int64_t)(2 * PAW_NS_PER_MS))
#define RIGHT_NS ((int64_t)(50 * 1000))

/* A hundredth of a semitone; a sixth; and a twentieth where there is time. */
#define SLOW_RATE PPM(500)
#define GROW_RATE PPM(10000)
#define SHRINK_RATE PPM(3000)
#define GLIDE_RATE (PPM(1000) / 480) /* per frame: a change of 0.1 % takes 10 ms */
#define FAST_TIME_NS                                                                               \
  ((int64_t)(200 * PAW_NS_PER_MS)) /* the rate would take so long for the rest                     \
                                    */

/* More than this too much delay is worth a sound that is less clean; and one that is not. */
#define LONG_FRAMES (20 * FRAMES_PER_MS)
#define VERY_LONG_FRAMES (60 * FRAMES_PER_MS)
#define CORRELATION_MIN 0.9f  /* a voiced sound */
#define CORRELATION_LONG 0.5f /* as NetEQ, when it hurries */
#define CORRELATION_ANY (-2.0f)

/* A listener has no pace in his ear yet. */
#define YOUNG_FRAMES (1000 * FRAMES_PER_MS)

/* Between two periods, so that none is heard three times; a few per second where there is time.
 * Looking for one takes as long as resampling half a frame. */
#define DONE_FRAMES (40 * FRAMES_PER_MS)
#define DONE_SHRINK_FRAMES (300 * FRAMES_PER_MS)
#define TRIED_FRAMES (20 * FRAMES_PER_MS)
#define TRIED_SHRINK_FRAMES (50 * FRAMES_PER_MS)

/* libopus invents in such units. */
#define UNIT_FRAMES ((int64_t)PAW_OPUS_DURATION_UNIT_RTP)

/* Play times waver by less than the first, which is averaged out over the second; others are only
 * believed when they stay. */
#define WAVER_MAX_NS ((int64_t)(20 * PAW_NS_PER_MS))
#define WAVER_FRAMES (250 * FRAMES_PER_MS)
#define DOUBT_FRAMES (100 * FRAMES_PER_MS)

/* What was inserted is heard before more is: a young stream grows as fast as it is heard. */
#define AHEAD_FRAMES ((size_t)PAW_PLAYOUT_PERIOD_MAX)

/* What is kept of the past: for the period before the place, and the resampler's taps. */
#define PAST_FRAMES ((size_t)(PAW_PLAYOUT_STRETCH_BEFORE_FRAMES + PAW_PLAYOUT_PERIOD_MAX))

/* ---- making ---- */

int paw_playout_pace_init(struct paw_playout_pace *pace, const struct paw_allocator *allocator) {
  pace->at = PAST_FRAMES;
  pace->end = PAST_FRAMES;
  return paw_playout_resample_init(&pace->resample, allocator);
}

void paw_playout_pace_wipe(struct paw_playout_pace *pace, const struct paw_allocator *allocator) {
  paw_playout_resample_wipe(&pace->resample, allocator);
}

/* The only writer of `state`. */
static void set_state(struct paw_playout_pace *pace, enum paw_playout_pace_state state) {
  pace->state = state;
  if (state == PAW_PLAYOUT_PACE_EXACT) {
    pace->rate = 0;
  }
}

static bool is_young(const struct paw_playout_pace *pace) {
  return pace->heard_frames < YOUNG_FRAMES;
}

/* ---- time ---- */

static size_t ahead_frames(const struct paw_playout_pace *pace) {
  return pace->end - pace->at;
}

/* Its position was chosen by this very time, whatever the average says. */
void paw_playout_pace_start(struct paw_playout_pace *pace, uint64_t play_ns) {
  pace->time_ns = play_ns - (uint64_t)paw_playout_rtp_to_ns((int64_t)ahead_frames(pace));
  pace->doubt_frames = 0;
  pace->heard_frames = 0;
  pace->tried_frames = TRIED_SHRINK_FRAMES;
  pace->done_frames = DONE_SHRINK_FRAMES;
  pace->is_gap = false;
}

void paw_playout_pace_note(struct paw_playout_pace *pace, uint64_t play_ns, size_t frames) {
  int64_t off_ns = (int64_t)(play_ns - pace->time_ns);
  bool fits = off_ns >= -WAVER_MAX_NS && off_ns <= WAVER_MAX_NS;
  if (fits) {
    int64_t weight = frames < WAVER_FRAMES ? (int64_t)frames : (int64_t)WAVER_FRAMES;
    pace->time_ns += (uint64_t)(off_ns * weight / (int64_t)WAVER_FRAMES);
    pace->doubt_frames = 0;
  } else if (pace->time_ns == 0 || pace->doubt_frames >= DOUBT_FRAMES) {
    pace->time_ns = play_ns;
    pace->doubt_frames = 0;
  } else {
    pace->doubt_frames += frames;
  }
}

uint64_t paw_playout_position_rtp(const struct paw_playout *player) {
  return player->sound.position_rtp - ahead_frames(&player->pace);
}

int64_t paw_playout_pace_early_ns(const struct paw_playout *player) {
  if (player->state != PAW_PLAYOUT_PLAYING) {
    return 0;
  }
  return paw_playout_delay_until(&player->delay, paw_playout_position_rtp(player),
                                 player->pace.time_ns);
}

/* ---- gaps: there the position moves for nothing ---- */

static int64_t whole_units(int64_t frames) {
  return frames / UNIT_FRAMES * UNIT_FRAMES;
}

/* Up to which the sender is known to be silent. */
static uint64_t pause_end(struct paw_playout *player) {
  const struct paw_playout_frame *front = paw_playout_buffer_front(&player->buffer);
  return front != NULL ? front->media_rtp : UINT64_MAX;
}

/* Where the gap begins now: a late packet may have filled its first part. */
static uint64_t gap_begin(const struct paw_playout *player) {
  const struct paw_playout_past *past = &player->sound.past;
  uint64_t gap_rtp = player->pace.gap_rtp;
  bool was_filled = past->state != PAW_PLAYOUT_PAST_NONE && past->place.position_rtp > gap_rtp;
  return was_filled ? past->place.position_rtp : gap_rtp;
}

/* What was invented until now stands for nothing that is lost when the delay grows; and a pause
 * that is shorter loses nothing either. */
static void move_in_gap(struct paw_playout *player) {
  struct paw_playout_pace *pace = &player->pace;
  struct paw_playout_sound *sound = &player->sound;
  if (!pace->is_gap || player->state != PAW_PLAYOUT_PLAYING) {
    return;
  }
  int64_t early_ns = paw_playout_pace_early_ns(player);
  int64_t early = paw_playout_ns_to_rtp(early_ns);
  if (early_ns < -PAW_PLAYOUT_FOLLOW_MAX_NS) {
    return; /* a play time that makes no sense; if it stays, all begins anew */
  }
  if (early > 0) {
    uint64_t begin_rtp = gap_begin(player);
    /* What fills the gap may reach beyond the position: then nothing of the gap was heard. */
    int64_t heard =
        sound->position_rtp > begin_rtp ? (int64_t)(sound->position_rtp - begin_rtp) : 0;
    int64_t back = whole_units(early < heard ? early : heard);
    sound->position_rtp -= (uint64_t)back;
    player->stats.inserted_samples += (uint64_t)back;
  } else if (sound->kind == PAW_PLAYOUT_KIND_COMFORT) {
    uint64_t end_rtp = pause_end(player);
    uint64_t room = end_rtp > sound->position_rtp ? end_rtp - sound->position_rtp : 0;
    uint64_t late = (uint64_t)-early;
    uint64_t skipped = (uint64_t)whole_units((int64_t)(late < room ? late : room));
    sound->position_rtp += skipped;
    pace->gap_rtp = sound->position_rtp;
    player->stats.removed_samples += skipped;
  }
}

static void note_gap(struct paw_playout *player, const struct paw_playout_span *span) {
  struct paw_playout_pace *pace = &player->pace;
  bool was_gap = pace->is_gap;
  pace->is_gap = span->kind == PAW_PLAYOUT_KIND_CONCEALED || span->kind == PAW_PLAYOUT_KIND_COMFORT;
  if (pace->is_gap && !was_gap) {
    pace->gap_rtp = player->sound.position_rtp - span->frames;
  }
}

/* ---- what is decoded ahead ---- */

static void make_room(struct paw_playout_pace *pace, size_t frames, uint8_t channels) {
  if (pace->end + frames > PAW_PLAYOUT_PACE_FRAMES_MAX) {
    size_t from = pace->at - PAST_FRAMES;
    memmove(pace->pcm, &pace->pcm[from * channels],
            (pace->end - from) * channels * sizeof pace->pcm[0]);
    pace->at -= from;
    pace->end -= from;
  }
  assert(pace->end + frames <= PAW_PLAYOUT_PACE_FRAMES_MAX);
}

/* `play_ns` is when the next sample that comes out is heard. */
static struct paw_playout_span pull(struct paw_playout *player, size_t frames, uint64_t play_ns) {
  struct paw_playout_pace *pace = &player->pace;
  uint8_t channels = player->config.channels;
  uint64_t ahead_ns = (uint64_t)paw_playout_rtp_to_ns((int64_t)ahead_frames(pace));
  make_room(pace, frames, channels);
  move_in_gap(player);
  struct paw_playout_span span = paw_playout_render_media(player, &pace->pcm[pace->end * channels],
                                                          frames, play_ns + ahead_ns);
  note_gap(player, &span);
  pace->end += span.frames;
  return span;
}

static void pull_until(struct paw_playout *player, size_t ahead, uint64_t play_ns) {
  while (ahead_frames(&player->pace) < ahead) {
    (void)pull(player, ahead - ahead_frames(&player->pace), play_ns);
  }
}

/* How much can be had without inventing anything, `most` at most. */
static size_t ready_frames(struct paw_playout *player, size_t most) {
  const struct paw_playout_sound *sound = &player->sound;
  if (player->pace.is_gap || sound->kind != PAW_PLAYOUT_KIND_FRAME) {
    return ahead_frames(&player->pace);
  }
  uint64_t begin_rtp = paw_playout_position_rtp(player);
  uint64_t end_rtp = paw_playout_sound_decoded(sound);
  while (end_rtp - begin_rtp < most) {
    const struct paw_playout_frame *frame = paw_playout_buffer_find(&player->buffer, end_rtp);
    if (frame == NULL) {
      return (size_t)(end_rtp - begin_rtp);
    }
    end_rtp = paw_playout_frame_end(frame);
  }
  return most;
}

/* ---- stretching ---- */

static bool may_try(const struct paw_playout_pace *pace, bool insertion, size_t off) {
  if (insertion && is_young(pace)) {
    return true;
  }
  bool hurries = insertion || off > LONG_FRAMES || is_young(pace);
  return pace->tried_frames >= (hurries ? TRIED_FRAMES : TRIED_SHRINK_FRAMES) &&
         pace->done_frames >= DONE_FRAMES;
}

static bool is_good(const struct paw_playout_pace *pace, const struct paw_playout_period *period,
                    bool insertion, size_t off) {
  if (period->frames == 0 || period->is_silent) {
    return period->frames > 0;
  }
  if (insertion) {
    return period->correlation > (is_young(pace) ? CORRELATION_ANY : CORRELATION_MIN);
  }
  if (off > LONG_FRAMES || is_young(pace)) {
    return period->correlation > (off > VERY_LONG_FRAMES ? CORRELATION_ANY : CORRELATION_LONG);
  }
  return pace->done_frames >= DONE_SHRINK_FRAMES && period->correlation > CORRELATION_MIN;
}

static void apply(struct paw_playout *player, size_t period, bool insertion) {
  struct paw_playout_pace *pace = &player->pace;
  uint8_t channels = player->config.channels;
  if (insertion) {
    make_room(pace, period, channels);
    paw_playout_stretch_insert(pace->pcm, pace->at, pace->end, channels, period);
    pace->end += period;
    player->stats.inserted_samples += period;
  } else {
    paw_playout_stretch_remove(pace->pcm, pace->at, pace->end, channels, period);
    pace->end -= period;
    player->stats.removed_samples += period;
  }
  pace->done_frames = 0;
}

/* The resampler's taps reach into what comes: there the period begins with weight zero. */
static void stretch(struct paw_playout *player, int64_t early, uint64_t play_ns) {
  struct paw_playout_pace *pace = &player->pace;
  bool insertion = early > 0;
  size_t off = (size_t)(insertion ? early : -early);
  size_t most = off < PAW_PLAYOUT_PERIOD_MAX ? off : PAW_PLAYOUT_PERIOD_MAX;
  bool is_full = insertion && ahead_frames(pace) > AHEAD_FRAMES;
  if (most < PAW_PLAYOUT_PERIOD_MIN || is_full || !may_try(pace, insertion, off)) {
    return;
  }
  size_t needed = PAW_PLAYOUT_STRETCH_FADE_FRAMES + (insertion ? 0 : most);
  size_t least = PAW_PLAYOUT_STRETCH_FADE_FRAMES + (insertion ? 0 : PAW_PLAYOUT_PERIOD_MIN);
  size_t ready = ready_frames(player, needed);
  if (ready < least) {
    return;
  }
  pull_until(player, ready, play_ns);
  struct paw_playout_period period = paw_playout_stretch_find(
      pace->pcm, pace->at, pace->end, player->config.channels, insertion, most);
  pace->tried_frames = 0;
  if (is_good(pace, &period, insertion, off)) {
    apply(player, period.frames, insertion);
  }
}

/* ---- resampling ---- */

static int64_t limit(int64_t value, int64_t least, int64_t most) {
  if (value < least) {
    return least;
  }
  return value < most ? value : most;
}

/* A whole number of equal steps ends at a whole sample. */
static void begin_landing(struct paw_playout_pace *pace) {
  bool grows = pace->rate >= 0;
  int64_t fraction = pace->resample.fraction;
  if (fraction == 0) {
    set_state(pace, PAW_PLAYOUT_PACE_EXACT);
    return;
  }
  int64_t distance = grows ? fraction : ONE - fraction;
  int64_t rate = grows ? pace->rate : -pace->rate;
  rate = rate > SLOW_RATE ? rate : SLOW_RATE;
  int64_t frames = (distance + rate - 1) / rate;
  pace->rate = grows ? distance / frames : -((distance + frames - 1) / frames);
  pace->landing_frames = (size_t)frames;
  set_state(pace, PAW_PLAYOUT_PACE_LANDING);
}

static void glide(struct paw_playout_pace *pace, int64_t early_ns, size_t frames) {
  int64_t direction = early_ns < 0 ? -1 : 1;
  int64_t wanted = direction * SLOW_RATE;
  if (pace->state == PAW_PLAYOUT_PACE_FAST) {
    int64_t rate = limit(early_ns, -(int64_t)PAW_NS_PER_S, PAW_NS_PER_S) * 1000 /
                   (FAST_TIME_NS / 1000) * ONE / 1000000;
    wanted = limit(rate, is_young(pace) ? -GROW_RATE : -SHRINK_RATE, GROW_RATE);
    wanted = wanted * direction < SLOW_RATE ? direction * SLOW_RATE : wanted;
  }
  int64_t change = GLIDE_RATE * (int64_t)frames;
  pace->rate = limit(wanted, pace->rate - change, pace->rate + change);
}

static void steer(struct paw_playout_pace *pace, int64_t early_ns, size_t frames) {
  int64_t off_ns = early_ns < 0 ? -early_ns : early_ns;
  bool is_over =
      off_ns < RIGHT_NS || (pace->rate > 0 && early_ns < 0) || (pace->rate < 0 && early_ns > 0);
  switch (pace->state) {
  case PAW_PLAYOUT_PACE_EXACT:
    if (off_ns <= OFF_NS) {
      return;
    }
    set_state(pace, off_ns > FAST_NS ? PAW_PLAYOUT_PACE_FAST : PAW_PLAYOUT_PACE_SLOW);
    break;
  case PAW_PLAYOUT_PACE_SLOW:
  case PAW_PLAYOUT_PACE_FAST:
    if (is_over) {
      begin_landing(pace);
      return;
    }
    if (off_ns > FAST_NS) {
      set_state(pace, PAW_PLAYOUT_PACE_FAST);
    }
    break;
  case PAW_PLAYOUT_PACE_LANDING:
    return;
  }
  glide(pace, early_ns, frames);
}

static void land(struct paw_playout_pace *pace, size_t frames) {
  if (pace->state == PAW_PLAYOUT_PACE_LANDING) {
    pace->landing_frames -= frames;
    if (pace->landing_frames == 0) {
      pace->resample.fraction = 0; /* but for what the division left */
      set_state(pace, PAW_PLAYOUT_PACE_EXACT);
    }
  }
}

static size_t render_resampled(struct paw_playout *player, int16_t *pcm, size_t frames,
                               uint64_t play_ns) {
  struct paw_playout_pace *pace = &player->pace;
  uint8_t channels = player->config.channels;
  uint64_t step = (uint64_t)(ONE - pace->rate);
  if (pace->state == PAW_PLAYOUT_PACE_LANDING && pace->landing_frames < frames) {
    frames = pace->landing_frames;
  }
  pull_until(player, paw_playout_resample_needs(&pace->resample, frames, step), play_ns);
  const int16_t *in = &pace->pcm[(pace->at - PAW_PLAYOUT_RESAMPLE_BEFORE) * channels];
  size_t moved = paw_playout_resample_run(&pace->resample, in, pcm, frames, step, channels);
  pace->at += moved;
  player->stats.inserted_samples += moved < frames ? frames - moved : 0;
  player->stats.removed_samples += moved > frames ? moved - frames : 0;
  player->stats.total_samples += frames;
  land(pace, frames);
  return frames;
}

/* Nothing counts before the first sample of the first stream. */
static size_t render_exact(struct paw_playout *player, int16_t *pcm, size_t frames,
                           uint64_t play_ns) {
  struct paw_playout_pace *pace = &player->pace;
  uint8_t channels = player->config.channels;
  bool counts = player->stats.total_samples > 0;
  if (ahead_frames(pace) == 0) {
    counts |= pull(player, frames, play_ns).kind != PAW_PLAYOUT_KIND_NOTHING;
  }
  frames = frames < ahead_frames(pace) ? frames : ahead_frames(pace);
  memcpy(pcm, &pace->pcm[pace->at * channels], frames * channels * sizeof pcm[0]);
  pace->at += frames;
  player->stats.total_samples += counts ? frames : 0;
  return frames;
}

size_t paw_playout_pace_run(struct paw_playout *player, int16_t *pcm, size_t frames,
                            uint64_t play_ns) {
  struct paw_playout_pace *pace = &player->pace;
  frames = frames < PAW_PLAYOUT_RESAMPLE_BLOCK ? frames : PAW_PLAYOUT_RESAMPLE_BLOCK;
  if (player->state == PAW_PLAYOUT_PLAYING) {
    stretch(player, paw_playout_ns_to_rtp(paw_playout_pace_early_ns(player)), play_ns);
  }
  steer(pace, paw_playout_pace_early_ns(player), frames);
  if (pace->state == PAW_PLAYOUT_PACE_EXACT) {
    frames = render_exact(player, pcm, frames, play_ns);
  } else {
    frames = render_resampled(player, pcm, frames, play_ns);
  }
  pace->time_ns += (uint64_t)paw_playout_rtp_to_ns((int64_t)frames);
  pace->heard_frames += frames;
  pace->tried_frames += frames;
  pace->done_frames += frames;
  return frames;
}
