/* SPDX-License-Identifier: MIT */
/* The jitter buffer NetEQ, reimplemented from what is published about it, to compare with. What is
 * the same and what is not stands in README.md. Mono. */
#ifndef BENCH_NETEQ_H
#define BENCH_NETEQ_H

#include "base/limits.h"
#include "bench/playout/neteq_delay.h"
#include "bench/playout/receiver.h"
#include "opus/decoder.h"

#define NETEQ_TICK_FRAMES 480
#define NETEQ_PACKETS 200
#define NETEQ_PAST_FRAMES 1440   /* played, kept for stretching */
#define NETEQ_SOUND_FRAMES 20000 /* that, what is decoded ahead, and what stretching adds */
#define NETEQ_SEQUENCES 1024     /* remembered: 2.5 s of 2.5 ms packets */

enum neteq_origin { NETEQ_PRIMARY, NETEQ_RED, NETEQ_LBRR }; /* the best first */

struct neteq_packet {
  int64_t media;
  size_t frames;
  enum neteq_origin origin;
  bool is_again;
  size_t len;
  uint8_t data[PAW_DATAGRAM_MAX];
};

enum neteq_mode { NETEQ_NORMAL, NETEQ_EXPAND, NETEQ_MERGE, NETEQ_ACCELERATE, NETEQ_PREEMPT };

struct neteq_sample {
  int64_t media;
  int16_t pcm;
  bool is_made; /* by concealment */
};

struct neteq {
  struct receiver_config config;
  struct neteq_delay delay;
  struct neteq_packet packets[NETEQ_PACKETS]; /* by media time */
  size_t packet_count;
  bool is_started;
  int64_t next_media; /* of the packet to decode next */
  uint64_t ticks;
  uint64_t stretched_tick;
  enum neteq_mode mode; /* of the tick before */
  size_t expands;       /* ticks on end */
  int64_t generated;    /* samples of concealment on end */
  struct paw_opus_decoder decoder;
  struct paw_opus_decoder concealer; /* NetEQ's own concealment is not modelled, Opus' is taken */
  void *saved;
  struct neteq_sample sound[NETEQ_SOUND_FRAMES];
  size_t past;   /* samples of `sound` that were played */
  size_t future; /* that follow them */
  double noise;  /* mean square of the background */
  uint64_t highest;
  bool has_come[NETEQ_SEQUENCES]; /* by sequence number, up to `highest` */
  struct receiver_asks asks;
  size_t gap_frames;
  uint64_t inserted_samples; /* by stretching */
  uint64_t removed_samples;
  struct receiver_counts counts;
};

/* The decision and its consequences for 10 ms. */
void neteq_tick(struct neteq *neteq, struct neteq_sample out[NETEQ_TICK_FRAMES]);

#endif
