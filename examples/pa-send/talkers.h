/* SPDX-License-Identifier: MIT */
/* Everybody who talks (WHIP): a player for each, added to the programme by the mixer. */
#ifndef PA_SEND_TALKERS_H
#define PA_SEND_TALKERS_H

#include "mixer.h"
#include "peers.h"

/* Each has a voice in the mixer. */
#define TALKERS_MAX MIXER_VOICES_MAX

struct talkers;

struct talkers_config {
  struct peers *peers; /* must outlive the talkers */
  uint8_t channels;    /* of the programme */
  struct paw_log log;
};

int talkers_open(const struct talkers_config *config, struct talkers **out, struct fault *fault);

/* NULL is allowed. */
void talkers_close(struct talkers *talkers);

/* What WHIP calls. */
struct whep_backend talkers_backend(struct talkers *talkers);

/* A packet of a peer; of a listener it is passed over. */
void talkers_handle_audio(struct talkers *talkers, uint64_t now_ns, uint64_t peer,
                          const struct paw_audio_packet *packet);

/* The peer is gone: what it said last is still played. */
void talkers_note_closed(struct talkers *talkers, uint64_t peer);

/* Do what the players ask for. Returns when to come back. */
uint64_t talkers_serve(struct talkers *talkers, uint64_t now_ns);

/* Add everybody's voice to a frame that sounds from `play_ns` on. */
void talkers_mix(struct talkers *talkers, uint64_t play_ns, int16_t *pcm, size_t frames);

/* Those that are connected or connecting. */
size_t talkers_get_count(const struct talkers *talkers);

#endif
