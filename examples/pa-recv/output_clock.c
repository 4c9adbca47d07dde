/* SPDX-License-Identifier: MIT */
#include "output.h"

#define BLOCK_FRAMES 480

void output_clock_start(struct output_clock *clock, uint64_t now_ns) {
  *clock = (struct output_clock){.start_ns = now_ns};
}

/* Time of a frame. Whole seconds apart, so that it stays exact for ever. */
static uint64_t frame_ns(const struct output_clock *clock, uint64_t frame) {
  uint64_t seconds = frame / PLAYER_RATE_HZ;
  uint64_t rest = frame % PLAYER_RATE_HZ;
  return clock->start_ns + seconds * PAW_NS_PER_S + rest * PAW_NS_PER_S / PLAYER_RATE_HZ;
}

static uint64_t frames_due(const struct output_clock *clock, uint64_t now_ns) {
  uint64_t elapsed_ns = now_ns - clock->start_ns;
  uint64_t seconds = elapsed_ns / PAW_NS_PER_S;
  uint64_t rest_ns = elapsed_ns % PAW_NS_PER_S;
  return seconds * PLAYER_RATE_HZ + rest_ns * PLAYER_RATE_HZ / PAW_NS_PER_S;
}

int output_clock_render(struct output_clock *clock, uint64_t now_ns, struct player *player,
                        int (*take)(void *user_data, const int16_t *pcm, size_t frames),
                        void *user_data) {
  int16_t pcm[BLOCK_FRAMES * PLAYER_CHANNELS];
  uint64_t due = frames_due(clock, now_ns);
  while (clock->frames < due) {
    uint64_t left = due - clock->frames;
    size_t frames = left < BLOCK_FRAMES ? (size_t)left : BLOCK_FRAMES;
    player_render(player, pcm, frames, frame_ns(clock, clock->frames));
    clock->frames += frames;
    if (take != NULL && take(user_data, pcm, frames) != 0) {
      return -1;
    }
  }
  return 0;
}
