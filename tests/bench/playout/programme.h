/* SPDX-License-Identifier: MIT */
/* Speech, encoded once and sent over and over. */
#ifndef BENCH_PROGRAMME_H
#define BENCH_PROGRAMME_H

#include <pawebrtc/encoder.h>

#include "base/rd.h"
#include "fault.h"

struct programme {
  size_t frame_frames; /* samples of one packet */
  size_t count;        /* packets, then it begins again */
  uint32_t *offsets;   /* count + 1 of them, into bytes */
  uint8_t *bytes;
};

struct programme_config {
  const char *speech_dir; /* with the WAV files of alsa-utils */
  size_t frame_frames;
  uint32_t bitrate_bps;
  bool lbrr; /* in-band copies, as for 10 % loss */
};

/* False: `fault` tells why. */
bool programme_init(struct programme *programme, const struct programme_config *config,
                    struct fault *fault);
void programme_wipe(struct programme *programme);

/* The packet with this number, from 0 without end. */
struct paw_slice programme_packet(const struct programme *programme, uint64_t index);

/* The first samples as they sound where nothing is lost; freed by the caller. */
int16_t *programme_decode(const struct programme *programme, size_t frames);

#endif
