/* SPDX-License-Identifier: MIT */
#include "bench/playout/neteq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/playout/neteq_private.h"
#include "bench/playout/neteq_stretch.h"

#define FRAMES_PER_MS (PAW_RTP_HZ / 1000)
#define GRAIN_MS 20       /* of its decisions about delay */
#define STRETCH_TICKS 5   /* at least between two stretches */
#define FAST_FACTOR 4     /* times the upper limit: drain without looking closely */
#define EARLY_LEVEL_MS 50 /* more than the target: do not wait for a gap to pass */
#define WAIT_TICKS_MAX 10 /* of concealment, with later packets there */
#define MUTED_TICKS 8     /* of concealment, when it has become less than half as loud */
#define FADE_FRAMES 240   /* 5 ms, out of concealment */
#define NOISE_START 75000.0
#define NOISE_RISE 1.002 /* a tick: twice as loud in 7 s */

/* ---- the sound that lies ahead ---- */

static void append(struct neteq *neteq, const int16_t *pcm, size_t frames, int64_t media,
                   bool is_made) {
  struct neteq_sample *to = &neteq->sound[neteq->past + neteq->future];
  for (size_t i = 0; i < frames; i++) {
    to[i] = (struct neteq_sample){.media = media + (int64_t)i, .pcm = pcm[i], .is_made = is_made};
  }
  neteq->future += frames;
}

static void play(struct neteq *neteq, struct neteq_sample out[NETEQ_TICK_FRAMES]) {
  memcpy(out, &neteq->sound[neteq->past], NETEQ_TICK_FRAMES * sizeof *out);
  neteq->past += NETEQ_TICK_FRAMES;
  neteq->future -= NETEQ_TICK_FRAMES;
  if (neteq->past > NETEQ_PAST_FRAMES) {
    size_t drop = neteq->past - NETEQ_PAST_FRAMES;
    memmove(neteq->sound, &neteq->sound[drop],
            (NETEQ_PAST_FRAMES + neteq->future) * sizeof neteq->sound[0]);
    neteq->past = NETEQ_PAST_FRAMES;
  }
}

/* Concealment, which may go on from what Opus last said. */
static void conceal(struct neteq *neteq, int16_t pcm[NETEQ_TICK_FRAMES]) {
  if (neteq->mode != NETEQ_EXPAND) {
    paw_opus_decoder_save(&neteq->decoder, neteq->saved);
    paw_opus_decoder_restore(&neteq->concealer, neteq->saved);
  }
  (void)paw_opus_decoder_conceal(&neteq->concealer, pcm, NETEQ_TICK_FRAMES);
}

/* NetEQ's decoder is not told of losses: it goes on from where it was. */
static void decode_front(struct neteq *neteq) {
  const struct neteq_packet *packet = &neteq->packets[0];
  int16_t pcm[PAW_RTP_HZ * 12 / 100] = {0};
  size_t frames = packet->frames;
  if (packet->origin == NETEQ_LBRR) {
    (void)paw_opus_decoder_decode_fec(&neteq->decoder, packet->data, packet->len, pcm, frames);
    neteq->counts.lbrr++;
  } else {
    size_t out = 0;
    (void)paw_opus_decoder_decode(&neteq->decoder, packet->data, packet->len, pcm,
                                  sizeof pcm / sizeof pcm[0], &out);
    neteq->counts.red += packet->origin == NETEQ_RED;
    neteq->counts.nack += packet->is_again && packet->origin == NETEQ_PRIMARY;
  }
  append(neteq, pcm, frames, packet->media, false);
  neteq->next_media = packet->media + (int64_t)frames;
  neteq_remove_front(neteq);
}

/* Decode so much more, as far as the packets are there. */
static void extract(struct neteq *neteq, size_t frames) {
  size_t before = neteq->future;
  while (neteq->future - before < frames && neteq->packet_count > 0 &&
         neteq->packets[0].media == neteq->next_media) {
    decode_front(neteq);
  }
}

/* ---- stretching ---- */

static void copy_pcm(const struct neteq_sample *from, int16_t *to, size_t frames) {
  for (size_t i = 0; i < frames; i++) {
    to[i] = from[i].pcm;
  }
}

static void put_pcm(struct neteq_sample *to, const int16_t *from, size_t frames) {
  for (size_t i = 0; i < frames; i++) {
    to[i].pcm = from[i];
  }
}

/* Leave out a period at the middle of the next 30 ms. */
static bool accelerate(struct neteq *neteq, bool fast) {
  struct neteq_sample *sound = &neteq->sound[neteq->past];
  int16_t pcm[NETEQ_STRETCH_FRAMES];
  copy_pcm(sound, pcm, NETEQ_STRETCH_FRAMES);
  struct neteq_stretch stretch = neteq_stretch_look(pcm, neteq->noise, fast);
  if (!stretch.is_possible) {
    return false;
  }
  size_t period = stretch.period;
  int16_t *before = &pcm[NETEQ_STRETCH_MIDDLE - period];
  neteq_fade(before, &pcm[NETEQ_STRETCH_MIDDLE], before, period);
  memmove(&sound[NETEQ_STRETCH_MIDDLE - period], &sound[NETEQ_STRETCH_MIDDLE],
          (neteq->future - NETEQ_STRETCH_MIDDLE) * sizeof *sound);
  put_pcm(&sound[NETEQ_STRETCH_MIDDLE - period], before, period);
  neteq->future -= period;
  neteq->removed_samples += period;
  return true;
}

/* Put in a period; what was played already may be a part of the 30 ms that are looked at, up to
 * their middle. */
static bool preempt(struct neteq *neteq) {
  size_t missing = neteq->future < NETEQ_STRETCH_FRAMES ? NETEQ_STRETCH_FRAMES - neteq->future : 0;
  if (missing > NETEQ_STRETCH_MIDDLE || missing > neteq->past) {
    return false;
  }
  struct neteq_sample *sound = &neteq->sound[neteq->past - missing];
  int16_t pcm[NETEQ_STRETCH_FRAMES];
  copy_pcm(sound, pcm, NETEQ_STRETCH_FRAMES);
  struct neteq_stretch stretch = neteq_stretch_look(pcm, neteq->noise, false);
  if (!stretch.is_possible) {
    return false;
  }
  size_t period = stretch.period;
  struct neteq_sample *middle = &sound[NETEQ_STRETCH_MIDDLE];
  size_t after = missing + neteq->future - NETEQ_STRETCH_MIDDLE;
  memmove(middle + period, middle, after * sizeof *middle);
  int16_t faded[NETEQ_STRETCH_MIDDLE];
  neteq_fade(&pcm[NETEQ_STRETCH_MIDDLE], &pcm[NETEQ_STRETCH_MIDDLE - period], faded, period);
  put_pcm(middle, faded, period);
  neteq->future += period;
  neteq->inserted_samples += period;
  return true;
}

/* ---- deciding ---- */

static void drop_old(struct neteq *neteq) {
  while (neteq->packet_count > 0 && neteq->packets[0].media < neteq->next_media) {
    neteq_remove_front(neteq);
  }
}

static int64_t buffered_ms(const struct neteq *neteq) {
  const struct neteq_packet *last = &neteq->packets[neteq->packet_count - 1];
  return (last->media + (int64_t)last->frames - neteq->packets[0].media) / FRAMES_PER_MS;
}

static enum neteq_mode decide_expected(const struct neteq *neteq) {
  if (neteq->mode == NETEQ_EXPAND) {
    bool postpones =
        neteq->expands >= MUTED_TICKS && buffered_ms(neteq) < neteq->delay.target_ms / 2;
    return postpones ? NETEQ_EXPAND : NETEQ_NORMAL;
  }
  int64_t playing_ms = (neteq->next_media - (int64_t)neteq->future) / FRAMES_PER_MS;
  int64_t delay_ms = neteq_delay_relative_ms(&neteq->delay, playing_ms, neteq_now_ms(neteq));
  int64_t low_ms = neteq->delay.target_ms;
  int64_t high_ms = low_ms + neteq_delay_most_ms(&neteq->delay) + GRAIN_MS;
  bool may_stretch = neteq->ticks > neteq->stretched_tick + STRETCH_TICKS;
  if (delay_ms >= FAST_FACTOR * high_ms || (may_stretch && delay_ms >= high_ms)) {
    return NETEQ_ACCELERATE;
  }
  return may_stretch && delay_ms < low_ms ? NETEQ_PREEMPT : NETEQ_NORMAL;
}

static enum neteq_mode decide_later(const struct neteq *neteq) {
  if (neteq->mode != NETEQ_EXPAND) {
    return NETEQ_EXPAND;
  }
  bool is_early = neteq->packets[0].media - neteq->next_media > neteq->generated;
  bool waits = is_early && neteq->expands < WAIT_TICKS_MAX &&
               buffered_ms(neteq) <= neteq->delay.target_ms + EARLY_LEVEL_MS;
  return waits ? NETEQ_EXPAND : NETEQ_MERGE;
}

static enum neteq_mode decide(const struct neteq *neteq) {
  enum neteq_mode mode = NETEQ_EXPAND;
  if (neteq->packet_count > 0) {
    bool is_expected = neteq->packets[0].media == neteq->next_media;
    mode = is_expected ? decide_expected(neteq) : decide_later(neteq);
  }
  bool has_enough = neteq->future >= NETEQ_TICK_FRAMES;
  return mode == NETEQ_EXPAND && has_enough ? NETEQ_NORMAL : mode;
}

/* ---- acting ---- */

static void expand(struct neteq *neteq) {
  int16_t pcm[NETEQ_TICK_FRAMES] = {0};
  conceal(neteq, pcm);
  append(neteq, pcm, NETEQ_TICK_FRAMES, neteq->next_media + neteq->generated, true);
  neteq->generated += NETEQ_TICK_FRAMES;
  neteq->expands++;
  neteq->mode = NETEQ_EXPAND;
}

/* Back to packets: concealment fades out under what comes. */
static void go_on(struct neteq *neteq) {
  int16_t tail[NETEQ_TICK_FRAMES] = {0};
  bool was_expanding = neteq->mode == NETEQ_EXPAND;
  size_t begin = neteq->past + neteq->future;
  if (was_expanding) {
    conceal(neteq, tail);
  }
  if (neteq->future < NETEQ_TICK_FRAMES) {
    extract(neteq, NETEQ_TICK_FRAMES);
  }
  if (was_expanding && neteq->past + neteq->future >= begin + FADE_FRAMES) {
    int16_t pcm[FADE_FRAMES];
    copy_pcm(&neteq->sound[begin], pcm, FADE_FRAMES);
    neteq_fade(tail, pcm, pcm, FADE_FRAMES);
    put_pcm(&neteq->sound[begin], pcm, FADE_FRAMES);
  }
  neteq->mode = NETEQ_NORMAL;
  neteq->expands = 0;
  neteq->generated = 0;
}

static void stretch(struct neteq *neteq, enum neteq_mode mode) {
  int64_t playing_ms = (neteq->next_media - (int64_t)neteq->future) / FRAMES_PER_MS;
  int64_t delay_ms = neteq_delay_relative_ms(&neteq->delay, playing_ms, neteq_now_ms(neteq));
  int64_t high_ms = neteq->delay.target_ms + neteq_delay_most_ms(&neteq->delay) + GRAIN_MS;
  /* It needs 30 ms: below 20 it decodes 20 more, else 10, and drains only in the latter case. */
  bool has_little = neteq->future < NETEQ_TICK_FRAMES * 2;
  if (neteq->future < NETEQ_STRETCH_FRAMES) {
    extract(neteq, has_little ? NETEQ_TICK_FRAMES * 2 : NETEQ_TICK_FRAMES);
  }
  neteq->mode = NETEQ_NORMAL;
  bool done = false;
  if (mode == NETEQ_PREEMPT) {
    done = preempt(neteq);
  } else if (!has_little && neteq->future >= NETEQ_STRETCH_FRAMES) {
    done = accelerate(neteq, delay_ms >= FAST_FACTOR * high_ms);
  }
  if (done) {
    neteq->stretched_tick = neteq->ticks;
    neteq->mode = mode;
  }
}

static void note_noise(struct neteq *neteq, const struct neteq_sample *out) {
  double energy = 0;
  for (size_t i = 0; i < NETEQ_TICK_FRAMES; i++) {
    energy += (double)out[i].pcm * out[i].pcm;
  }
  energy /= NETEQ_TICK_FRAMES;
  neteq->noise = energy < neteq->noise ? energy + 1 : neteq->noise * NOISE_RISE;
}

static void count_samples(struct neteq *neteq, const struct neteq_sample *out) {
  struct receiver_counts *counts = &neteq->counts;
  counts->total_samples += NETEQ_TICK_FRAMES;
  for (size_t i = 0; i < NETEQ_TICK_FRAMES; i++) {
    counts->concealment_events += out[i].is_made && neteq->gap_frames == 0;
    neteq->gap_frames = out[i].is_made ? neteq->gap_frames + 1 : 0;
    counts->concealed_samples += out[i].is_made;
    if (neteq->gap_frames > counts->longest_gap_samples) {
      counts->longest_gap_samples = neteq->gap_frames;
    }
  }
}

void neteq_tick(struct neteq *neteq, struct neteq_sample out[NETEQ_TICK_FRAMES]) {
  neteq->ticks++;
  drop_old(neteq);
  enum neteq_mode mode = decide(neteq);
  switch (mode) {
  case NETEQ_NORMAL:
    go_on(neteq);
    break;
  case NETEQ_MERGE:
    neteq->next_media = neteq->packets[0].media;
    go_on(neteq);
    break;
  case NETEQ_ACCELERATE:
  case NETEQ_PREEMPT:
    stretch(neteq, mode);
    break;
  case NETEQ_EXPAND:
    break;
  }
  while (neteq->future < NETEQ_TICK_FRAMES) {
    expand(neteq);
  }
  play(neteq, out);
  note_noise(neteq, out);
  count_samples(neteq, out);
}

/* ---- as a receiver ---- */

static void take(void *context, uint64_t now_ns, const struct paw_audio_packet *packet) {
  (void)now_ns;
  neteq_take(context, packet);
}

static bool poll(void *context, uint64_t now_ns, struct receiver_asks *asks,
                 uint64_t *deadline_ns) {
  struct neteq *neteq = context;
  (void)now_ns;
  *asks = neteq->asks;
  neteq->asks.count = 0;
  *deadline_ns = PAW_TIME_NEVER;
  return false;
}

/* Tell of what came out in pieces that follow each other in the stream. */
static void tell(const struct neteq_sample *out, uint64_t now_ns, struct heard *heard) {
  int16_t pcm[NETEQ_TICK_FRAMES];
  copy_pcm(out, pcm, NETEQ_TICK_FRAMES);
  for (size_t at = 0; at < NETEQ_TICK_FRAMES;) {
    size_t until = at + 1;
    while (until < NETEQ_TICK_FRAMES && out[until].media == out[until - 1].media + 1 &&
           out[until].is_made == out[at].is_made) {
      until++;
    }
    heard_note(heard, &(struct heard_piece){
                          .pcm = &pcm[at],
                          .frames = until - at,
                          .play_ns = now_ns + at * 125000 / 6,
                          .media = out[at].media,
                          .is_there = true,
                          .is_sound = !out[at].is_made,
                      });
    at = until;
  }
}

static void render(void *context, uint64_t now_ns, struct heard *heard) {
  struct neteq *neteq = context;
  if (!neteq->is_started) {
    static const int16_t silence[NETEQ_TICK_FRAMES];
    neteq->ticks++;
    heard_note(heard, &(struct heard_piece){
                          .pcm = silence, .frames = NETEQ_TICK_FRAMES, .play_ns = now_ns});
    return;
  }
  struct neteq_sample out[NETEQ_TICK_FRAMES];
  neteq_tick(neteq, out);
  tell(out, now_ns, heard);
}

static void count(void *context, struct receiver_counts *out) {
  const struct neteq *neteq = context;
  *out = neteq->counts;
}

static void describe(void *context, char *out, size_t size) {
  const struct neteq *neteq = context;
  (void)snprintf(out, size, "target %lld ms at the end; %.0f ms put in, %.0f ms left out",
                 (long long)neteq->delay.target_ms, (double)neteq->inserted_samples / FRAMES_PER_MS,
                 (double)neteq->removed_samples / FRAMES_PER_MS);
}

static void free_self(void *context) {
  struct neteq *neteq = context;
  struct paw_allocator allocator = {0};
  paw_opus_decoder_wipe(&neteq->decoder, &allocator);
  paw_opus_decoder_wipe(&neteq->concealer, &allocator);
  free(neteq->saved);
  free(neteq);
}

static const struct receiver_kind kind = {.take = take,
                                          .poll = poll,
                                          .render = render,
                                          .count = count,
                                          .describe = describe,
                                          .free = free_self};

bool receiver_neteq_new(struct receiver *receiver, const struct receiver_config *config) {
  struct neteq *neteq = calloc(1, sizeof *neteq);
  struct paw_allocator allocator = {0};
  *receiver = (struct receiver){.kind = &kind, .self = neteq, .chunk_frames = NETEQ_TICK_FRAMES};
  neteq->config = *config;
  neteq->noise = NOISE_START;
  neteq_delay_init(&neteq->delay);
  bool ok = paw_opus_decoder_init(&neteq->decoder, &allocator, 1) == PAW_OK &&
            paw_opus_decoder_init(&neteq->concealer, &allocator, 1) == PAW_OK;
  neteq->saved = malloc(neteq->decoder.state_bytes);
  return ok;
}
