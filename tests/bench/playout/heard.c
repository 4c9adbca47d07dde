/* SPDX-License-Identifier: MIT */
#include "bench/playout/heard.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "playout/playout.h"
#include "wav.h"

void heard_init(struct heard *heard, uint64_t earliest_ns, size_t seconds, size_t media_frames) {
  *heard = (struct heard){.earliest_ns = earliest_ns, .start_ms = -1, .seconds = seconds + 1};
  heard->second_sums_ms = calloc(heard->seconds, sizeof *heard->second_sums_ms);
  heard->second_samples = calloc(heard->seconds, sizeof *heard->second_samples);
  heard->media_frames = media_frames;
  if (media_frames > 0) {
    heard->by_media = calloc(media_frames, sizeof *heard->by_media);
  }
}

void heard_wipe(struct heard *heard) {
  free(heard->second_sums_ms);
  free(heard->second_samples);
  free(heard->by_media);
  *heard = (struct heard){0};
}

static void keep(struct heard *heard, const struct heard_piece *piece) {
  int64_t from = piece->media < 0 ? -piece->media : 0;
  int64_t room = (int64_t)heard->media_frames - piece->media;
  int64_t until = room < (int64_t)piece->frames ? room : (int64_t)piece->frames;
  if (heard->by_media != NULL && from < until) {
    memcpy(&heard->by_media[piece->media + from], &piece->pcm[from],
           (size_t)(until - from) * sizeof piece->pcm[0]);
  }
}

static void measure(struct heard *heard, const struct heard_piece *piece) {
  int64_t since_ns = (int64_t)(piece->play_ns - heard->earliest_ns);
  double delay_ms = (double)(since_ns - paw_playout_rtp_to_ns(piece->media)) / 1e6;
  double samples = (double)piece->frames;
  heard->samples += piece->frames;
  heard->delay_sum_ms += delay_ms * samples;
  int64_t bin = (int64_t)(delay_ms * 10);
  bin = bin < 0 ? 0 : bin < HEARD_BINS ? bin : HEARD_BINS - 1;
  heard->bins[bin] += piece->frames;
  size_t second = since_ns < 0 ? 0 : (size_t)((uint64_t)since_ns / PAW_NS_PER_S);
  if (second < heard->seconds) {
    heard->second_sums_ms[second] += delay_ms * samples;
    heard->second_samples[second] += piece->frames;
  }
  if (heard->first_ns == 0) {
    heard->first_ns = piece->play_ns;
  }
  if (heard->start_ms < 0 && piece->play_ns - heard->first_ns >= PAW_NS_PER_S) {
    heard->start_ms = delay_ms;
  }
}

void heard_note(struct heard *heard, const struct heard_piece *piece) {
  struct fault fault;
  if (heard->wav != NULL) {
    (void)wav_writer_write(heard->wav, piece->pcm, piece->frames, &fault);
  }
  if (piece->is_there) {
    keep(heard, piece);
  }
  if (piece->is_there && piece->is_sound) {
    measure(heard, piece);
  }
}

double heard_mean_ms(const struct heard *heard) {
  return heard->samples > 0 ? heard->delay_sum_ms / (double)heard->samples : 0;
}

double heard_quantile_ms(const struct heard *heard, double share) {
  double wanted = (double)heard->samples * share;
  double sum = 0;
  size_t i = 0;
  for (; i < HEARD_BINS - 1; i++) {
    sum += (double)heard->bins[i];
    if (sum >= wanted) {
      break;
    }
  }
  return ((double)i + 0.5) / 10;
}

double heard_second_ms(const struct heard *heard, size_t second) {
  if (second >= heard->seconds || heard->second_samples[second] == 0) {
    return -1;
  }
  return heard->second_sums_ms[second] / (double)heard->second_samples[second];
}
