/* SPDX-License-Identifier: MIT */
#include "player.h"

#include <math.h>
#include <stdlib.h>

#define NO_PEAK (-1)
/* Packets may wait for so long besides the latency asked for. */
#define DELAY_ROOM_NS (500 * PAW_NS_PER_MS)
/* Until the air is known: a quiet one delays up to some 10 ms, a busy one more. */
#define WIFI_START_NS (40 * PAW_NS_PER_MS)

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

/* @param start_ns  0: as the library has it, for a wire */
static int make_playout(const struct player_config *from, uint64_t start_ns,
                        struct paw_playout **out) {
  struct paw_playout_config config;
  paw_playout_config_init(&config);
  config.log = from->log;
  config.channels = PLAYER_CHANNELS;
  config.profile = from->profile;
  config.target_delay_ns = from->latency_ns;
  config.cap_delay_ns = from->max_latency_ns;
  config.start_delay_ns = start_ns > 0 ? start_ns : config.start_delay_ns;
  if (from->max_latency_ns > 0) {
    config.start_delay_ns = least(config.start_delay_ns, from->max_latency_ns);
  }
  config.max_delay_ns =
      most(config.max_delay_ns, most(from->latency_ns, from->max_latency_ns) + DELAY_ROOM_NS);
  return paw_playout_new(&config, out);
}

int player_open(struct player *player, const struct player_config *config, struct fault *fault) {
  *player = (struct player){.config = *config, .sounded_ns = PAW_TIME_NEVER, .peak = NO_PEAK};
  gain_init(&player->gain, config->gain_db, PLAYER_CHANNELS);
  int status = make_playout(config, 0, &player->playout);
  if (status != PAW_OK) {
    return fault_set(fault, "the player cannot be made: %s", paw_strerror(status));
  }
  return 0;
}

void player_expect_wifi(struct player *player) {
  struct paw_playout_stats stats;
  struct paw_playout *other = NULL;
  paw_playout_get_stats(player->playout, &stats);
  if (stats.packets_received == 0 &&
      make_playout(&player->config, WIFI_START_NS, &other) == PAW_OK) {
    paw_playout_free(player->playout);
    player->playout = other;
  }
}

void player_close(struct player *player) {
  paw_playout_free(player->playout);
  player->playout = NULL;
}

void player_fade_in(struct player *player) {
  gain_mute(&player->gain);
}

/* Samples rendered from packets, not made up. */
static uint64_t count_real(const struct player *player) {
  struct paw_playout_stats stats;
  paw_playout_get_stats(player->playout, &stats);
  return stats.total_samples - stats.concealed_samples;
}

static void note_peak(struct player *player, const int16_t *pcm, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int magnitude = abs(pcm[i]);
    player->peak = magnitude > player->peak ? magnitude : player->peak;
  }
}

void player_render(void *user_data, int16_t *pcm, size_t frames, uint64_t play_ns) {
  struct player *player = user_data;
  paw_playout_render(player->playout, pcm, frames, play_ns);
  uint64_t real = count_real(player);
  if (real > player->real_samples) {
    gain_open(&player->gain);
    if (player->sounded_ns == PAW_TIME_NEVER) {
      player->sounded_ns = play_ns;
    }
  }
  player->real_samples = real;
  gain_apply(&player->gain, pcm, frames);
  note_peak(player, pcm, frames * PLAYER_CHANNELS);
}

double player_take_level(struct player *player) {
  int peak = player->peak;
  player->peak = NO_PEAK;
  if (peak == NO_PEAK) {
    return NAN;
  }
  return 20 * log10((peak > 0 ? peak : 1) / 32768.0);
}
