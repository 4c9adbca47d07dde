/* SPDX-License-Identifier: MIT */
/* What the command line of pa-recv says. */
#ifndef PA_RECV_SETTINGS_H
#define PA_RECV_SETTINGS_H

#include <pawebrtc/playout.h>

#include "options.h"
#include "pin.h"
#include "whep_url.h"

enum ice_choice { ICE_CHOICE_AUTO, ICE_CHOICE_LITE, ICE_CHOICE_FULL };

struct settings {
  const char *server;
  const char *path;
  const char *device;
  const char *wav; /* NULL: play on the device */
  const char *name;
  const char *id;
  const char *token_file; /* NULL: no token is sent */
  const char *pin_text;
  const char *state_dir_text;
  int64_t buffer_frames;
  int64_t period_frames;
  int64_t latency_ms;     /* OPTION_AUTO: follows the network */
  int64_t max_latency_ms; /* OPTION_AUTO: as the profile says */
  int64_t stats_s;        /* 0: none */
  double gain_db;
  int ice;     /* enum ice_choice */
  int profile; /* enum paw_playout_profile */
  int log_level;
  bool list_devices;
  bool json;

  char url[WHEP_URL_SIZE]; /* of the WHEP endpoint */
  struct pin pin;
  char state_dir[4096];
};

/* Fill from the command line. OPTIONS_BAD: the fault says what is wrong. */
enum options_verdict settings_read(struct settings *settings, int argc, char **argv,
                                   struct fault *fault);

void settings_write_help(FILE *out);

#endif
