/* SPDX-License-Identifier: MIT */
/* The end that is measured: packets in, requests and sound out. */
#ifndef BENCH_RECEIVER_H
#define BENCH_RECEIVER_H

#include <pawebrtc/media.h>

#include "bench/playout/heard.h"

#define RECEIVER_ASKS_MAX 512

/* Sequence numbers to ask for in one go. */
struct receiver_asks {
  size_t count;
  uint16_t sequences[RECEIVER_ASKS_MAX];
};

struct receiver_counts {
  uint64_t total_samples;
  uint64_t concealed_samples;
  uint64_t longest_gap_samples;
  uint64_t concealment_events;
  uint64_t nack;
  uint64_t red;
  uint64_t lbrr;
  uint64_t late;
};

struct receiver_kind {
  void (*take)(void *self, uint64_t now_ns, const struct paw_audio_packet *packet);
  /* Fills `asks`; true: call again at once, otherwise at *deadline_ns at the latest. */
  bool (*poll)(void *self, uint64_t now_ns, struct receiver_asks *asks, uint64_t *deadline_ns);
  /* The sound device wants chunk_frames samples, heard from now on. */
  void (*render)(void *self, uint64_t now_ns, struct heard *heard);
  void (*count)(void *self, struct receiver_counts *out);
  /* More for a person, in one line. */
  void (*describe)(void *self, char *out, size_t size);
  void (*free)(void *self);
};

struct receiver {
  const struct receiver_kind *kind;
  void *self;
  size_t chunk_frames;
};

struct receiver_config {
  size_t frame_frames;
  size_t chunk_frames;
  uint32_t first_timestamp_rtp;
  uint64_t rtt_ns;
  bool nack;
  /* the library's player only */
  double fixed_ms; /* 0 = follow the network */
  double start_ms;
  double cap_ms;    /* 0 = as the profile */
  double weight_ms; /* 0 = as the profile */
  bool announcement;
  bool is_timed; /* measure how long the calls take */
};

bool receiver_paw_new(struct receiver *receiver, const struct receiver_config *config);
bool receiver_neteq_new(struct receiver *receiver, const struct receiver_config *config);

/* What the calls of the library's player took, the measuring itself taken off. */
struct receiver_cost {
  double player_us; /* a frame of the stream, all in */
  double opus_us;   /* of this, within libopus */
  uint64_t allocations;
};
struct receiver_cost receiver_paw_cost(const struct receiver *receiver, uint64_t frames);

#endif
