/* SPDX-License-Identifier: MIT */
/* The command line of bench_playout. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "bench/playout/run.h"

struct bench_options {
  const char *policy; /* as given */
  struct run_config run;
  double frame_ms;
  uint32_t bitrate_bps;
  bool lbrr;
  bool json;
  bool quality; /* STOI and segmental SNR */
  const char *wav_path;
  const char *speech_dir;
};

/* 0: go on; otherwise the exit status plus one. */
int bench_options_read(struct bench_options *options, int argc, char **argv);

#endif
