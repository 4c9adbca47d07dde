/* SPDX-License-Identifier: MIT */
/* What the command line says. */
#ifndef PA_SEND_SETTINGS_H
#define PA_SEND_SETTINGS_H

#include <pawebrtc/encoder.h>
#include <stdio.h>

#include "options.h"

enum ice_choice { ICE_CHOICE_AUTO, ICE_CHOICE_LITE, ICE_CHOICE_FULL };

/* Opus's redundancy in the packets: as the receivers lose, always, never. */
enum fec_choice { FEC_CHOICE_AUTO, FEC_CHOICE_ON, FEC_CHOICE_OFF };

struct settings {
  const char *source;
  struct paw_address listen; /* family NONE: all addresses */
  int64_t udp_port;
  struct paw_address addresses[OPTION_LIST_MAX]; /* to offer; port 0 */
  size_t address_count;                          /* 0: every usable interface */
  const char *state_dir;                         /* NULL: the default */
  const char *tls_cert;
  const char *tls_key;
  bool insecure_http;
  struct option_list host_names;
  int mode;            /* enum paw_opus_application */
  int64_t bitrate_bps; /* OPTION_AUTO: by mode and channels */
  int frame;           /* index of settings_frame_frames; -1: by mode */
  int64_t complexity;
  int fec;     /* enum fec_choice; mode lowdelay has none */
  int64_t red; /* OPTION_AUTO; 0: off; else that many frames behind */
  bool dtx;
  bool loop;
  int ice;        /* enum ice_choice */
  double stats_s; /* 0: none */
  bool json;
  int log_level; /* enum paw_log_level */
};

/* Samples per channel of --frame-ms 2.5, 5, 10, 20. */
extern const uint32_t settings_frame_frames[];

/* OPTIONS_OK, or what the caller does instead of serving. */
enum options_verdict settings_parse(int argc, char **argv, struct settings *out,
                                    struct fault *fault);

void settings_write_help(FILE *out);

#endif
