/* SPDX-License-Identifier: MIT */
/* From packets to the samples that an output takes: the playout buffer, then gain and fade-in. */
#ifndef PA_RECV_PLAYER_H
#define PA_RECV_PLAYER_H

#include <pawebrtc/playout.h>

#include "fault.h"
#include "gain.h"

#define PLAYER_CHANNELS 2
#define PLAYER_RATE_HZ 48000

struct player_config {
  struct paw_log log;
  enum paw_playout_profile profile;
  uint64_t latency_ns;     /* 0: follows the network */
  uint64_t max_latency_ns; /* 0: as the profile says */
  double gain_db;
};

struct player {
  struct player_config config;
  struct paw_playout *playout; /* another one after player_expect_wifi */
  struct gain gain;
  uint64_t sounded_ns; /* when the first real sample was heard; PAW_TIME_NEVER: not yet */
  uint64_t real_samples;
  int peak; /* since player_take_level */
};

int player_open(struct player *player, const struct player_config *config, struct fault *fault);
void player_close(struct player *player);

/* Packets will come by Wi-Fi: more delay to begin with. Nothing changes once one has come. */
void player_expect_wifi(struct player *player);

/* Begin the next sound softly: a new session, or a device that has come back. */
void player_fade_in(struct player *player);

/* The render function of outputs (alsa_out.h); `user_data` is the player. */
void player_render(void *user_data, int16_t *pcm, size_t frames, uint64_t play_ns);

/* The highest peak since the last call in dB of full scale; NaN when nothing was rendered. Silence
 * counts as the smallest step, -90.3. */
double player_take_level(struct player *player);

#endif
