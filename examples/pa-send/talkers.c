/* SPDX-License-Identifier: MIT */
#include "talkers.h"

#include <stdlib.h>

#include "system.h"

/* Whoever talks does so from a browser, most often a phone's: his Wi-Fi is far from here. */
#define START_DELAY_NS (40 * PAW_NS_PER_MS)

/*   FREE --accepted--> TALKING --peer gone--> LEAVING --voice has left--> FREE   */
enum talker_state { TALKER_FREE, TALKER_TALKING, TALKER_LEAVING };

struct talker {
  enum talker_state state;
  uint64_t peer;
  int voice;
  struct paw_playout *playout;
};

struct talkers {
  struct talkers_config config;
  struct mixer mixer;
  struct talker list[TALKERS_MAX];
};

int talkers_open(const struct talkers_config *config, struct talkers **out, struct fault *fault) {
  struct talkers *talkers = calloc(1, sizeof *talkers);
  if (talkers == NULL) {
    return fault_set(fault, "out of memory");
  }
  talkers->config = *config;
  mixer_init(&talkers->mixer, config->channels);
  *out = talkers;
  return 0;
}

void talkers_close(struct talkers *talkers) {
  if (talkers == NULL) {
    return;
  }
  for (size_t i = 0; i < TALKERS_MAX; i++) {
    paw_playout_free(talkers->list[i].playout);
  }
  free(talkers);
}

/* ---- a voice ---- */

static void render(void *user_data, uint64_t play_ns, int16_t *pcm, size_t frames) {
  struct talker *talker = user_data;
  paw_playout_render(talker->playout, pcm, frames, play_ns);
}

static void release(void *user_data) {
  struct talker *talker = user_data;
  paw_playout_free(talker->playout);
  *talker = (struct talker){0};
}

static struct talker *find_free(struct talkers *talkers) {
  for (size_t i = 0; i < TALKERS_MAX; i++) {
    if (talkers->list[i].state == TALKER_FREE) {
      return &talkers->list[i];
    }
  }
  return NULL;
}

static struct talker *find_peer(struct talkers *talkers, uint64_t peer) {
  for (size_t i = 0; i < TALKERS_MAX; i++) {
    if (talkers->list[i].state == TALKER_TALKING && talkers->list[i].peer == peer) {
      return &talkers->list[i];
    }
  }
  return NULL;
}

/* ---- WHIP ---- */

static int make_playout(const struct talkers *talkers, struct paw_playout **out) {
  struct paw_playout_config config;
  paw_playout_config_init(&config);
  config.log = talkers->config.log;
  config.channels = talkers->config.channels;
  config.profile = PAW_PLAYOUT_LIVE;
  config.start_delay_ns = START_DELAY_NS;
  return paw_playout_new(&config, out);
}

/* There are as many voices as talkers, so a talker that is free finds one. */
static void join(struct talkers *talkers, struct talker *talker) {
  struct mixer_source source = {.render = render, .left = release, .user_data = talker};
  talker->voice = mixer_join(&talkers->mixer, &source);
  talker->state = TALKER_TALKING;
}

static int accept_talker(void *user_data, uint64_t now_ns, const char *sdp, size_t len,
                         char *answer, size_t *answer_len, uint64_t *peer) {
  struct talkers *talkers = user_data;
  struct talker *talker = find_free(talkers);
  struct talker made = {0};
  struct peers_offer offer = {.now_ns = now_ns, .sdp = sdp, .len = len};
  int status = talker != NULL ? make_playout(talkers, &made.playout) : PAW_ERR_LIMIT;
  if (status == PAW_OK) {
    status = peers_accept(talkers->config.peers, WHEP_TALK, &offer, answer, answer_len, &made.peer);
  }
  if (status != PAW_OK) {
    paw_playout_free(made.playout);
    return status;
  }
  *talker = made;
  *peer = made.peer;
  join(talkers, talker);
  return PAW_OK;
}

static int patch_talker(void *user_data, uint64_t now_ns, uint64_t peer, const char *fragment,
                        size_t fragment_len, bool *restarted, char *answer, size_t *answer_len) {
  struct talkers *talkers = user_data;
  struct peers_offer offer = {.now_ns = now_ns, .sdp = fragment, .len = fragment_len};
  return peers_patch(talkers->config.peers, peer, &offer, restarted, answer, answer_len);
}

static void end_talker(void *user_data, uint64_t now_ns, uint64_t peer) {
  struct talkers *talkers = user_data;
  peers_end(talkers->config.peers, now_ns, peer);
}

struct whep_backend talkers_backend(struct talkers *talkers) {
  return (struct whep_backend){
      .accept = accept_talker, .patch = patch_talker, .end = end_talker, .user_data = talkers};
}

/* ---- what happens ---- */

void talkers_handle_audio(struct talkers *talkers, uint64_t now_ns, uint64_t peer,
                          const struct paw_audio_packet *packet) {
  struct talker *talker = find_peer(talkers, peer);
  if (talker != NULL) {
    (void)paw_playout_handle_input(talker->playout, now_ns, packet);
  }
}

void talkers_note_closed(struct talkers *talkers, uint64_t peer) {
  struct talker *talker = find_peer(talkers, peer);
  if (talker != NULL) {
    talker->state = TALKER_LEAVING;
    mixer_leave(&talkers->mixer, talker->voice);
  }
}

uint64_t talkers_serve(struct talkers *talkers, uint64_t now_ns) {
  uint64_t first_ns = PAW_TIME_NEVER;
  for (size_t i = 0; i < TALKERS_MAX; i++) {
    struct talker *talker = &talkers->list[i];
    if (talker->state == TALKER_TALKING) {
      uint64_t next_ns =
          peers_serve_playout(talkers->config.peers, now_ns, talker->peer, talker->playout);
      first_ns = next_ns < first_ns ? next_ns : first_ns;
    }
  }
  return first_ns;
}

void talkers_mix(struct talkers *talkers, uint64_t play_ns, int16_t *pcm, size_t frames) {
  mixer_mix(&talkers->mixer, play_ns, pcm, frames);
}

size_t talkers_get_count(const struct talkers *talkers) {
  size_t count = 0;
  for (size_t i = 0; i < TALKERS_MAX; i++) {
    count += talkers->list[i].state == TALKER_TALKING;
  }
  return count;
}
