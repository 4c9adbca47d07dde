/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "server.h"
#include "settings.h"
#include "system.h"

#define EXIT_USAGE 2

int main(int argc, char **argv) {
  struct settings settings;
  struct fault fault = {.text = ""};
  system_fill_standard_files();
  switch (settings_parse(argc, argv, &settings, &fault)) {
  case OPTIONS_WANT_HELP:
    settings_write_help(stdout);
    return 0;
  case OPTIONS_WANT_VERSION:
    (void)printf("pa-send %s\n", paw_version());
    return 0;
  case OPTIONS_BAD:
    (void)fprintf(stderr, "pa-send: %s\n", fault.text);
    return EXIT_USAGE;
  case OPTIONS_OK:
    break;
  }
  if (server_run(&settings, &fault) != 0) {
    (void)fprintf(stderr, "pa-send: %s\n", fault.text);
    return EXIT_FAILURE;
  }
  return 0;
}
