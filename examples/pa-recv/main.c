/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "output.h"
#include "settings.h"
#include "speaker.h"
#include "system.h"

static int complain(const struct fault *fault, int status) {
  if (fault->text[0] != '\0') {
    system_print_line(STDERR_FILENO, "pa-recv: %s", fault->text);
  }
  return status;
}

int main(int argc, char **argv) {
  struct settings settings;
  struct fault fault = {""};
  uint64_t started_ns = system_now_ns();
  system_fill_standard_files();
  switch (settings_read(&settings, argc, argv, &fault)) {
  case OPTIONS_WANT_HELP:
    settings_write_help(stdout);
    return SPEAKER_EXIT_OK;
  case OPTIONS_WANT_VERSION:
    (void)printf("pa-recv %s\n", paw_version());
    return SPEAKER_EXIT_OK;
  case OPTIONS_BAD:
    return complain(&fault, SPEAKER_EXIT_REFUSED);
  case OPTIONS_OK:
    break;
  }
  if (settings.list_devices) {
    output_list_devices(stdout);
    return SPEAKER_EXIT_OK;
  }
  int status = (int)speaker_run(&settings, started_ns, &fault);
  return complain(&fault, status);
}
