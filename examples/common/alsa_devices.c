/* SPDX-License-Identifier: MIT */
#include "alsa_devices.h"

#include <alsa/asoundlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
__attribute__((format(printf, 5, 6)))
static void ignore_message(const char *file, int line, const char *function, int error,
                           const char *format, ...) {
  (void)file, (void)line, (void)function, (void)error, (void)format;
}
/* clang-format on */

void alsa_silence(void) {
  (void)snd_lib_error_set_handler(ignore_message);
}

static void tell_hint(const void *hint, bool null, const char *wanted,
                      void (*tell)(void *, const char *, const char *), void *user_data) {
  char *name = snd_device_name_get_hint(hint, "NAME");
  char *description = snd_device_name_get_hint(hint, "DESC");
  char *direction = snd_device_name_get_hint(hint, "IOID"); /* NULL: both */
  if (name != NULL && (strcmp(name, "null") == 0) == null &&
      (direction == NULL || strcmp(direction, wanted) == 0)) {
    if (description != NULL) {
      description[strcspn(description, "\n")] = '\0';
    }
    tell(user_data, name, description != NULL ? description : "");
  }
  free(name);
  free(description);
  free(direction);
}

void alsa_devices_list(enum alsa_direction direction,
                       void (*tell)(void *user_data, const char *name, const char *description),
                       void *user_data) {
  void **hints = NULL;
  alsa_silence();
  if (snd_device_name_hint(-1, "pcm", &hints) < 0) {
    return;
  }
  const char *wanted = direction == ALSA_CAPTURE ? "Input" : "Output";
  for (void **hint = hints; *hint != NULL; hint++) {
    tell_hint(*hint, false, wanted, tell, user_data);
  }
  /* Last: it plays to nobody and hears nothing. */
  for (void **hint = hints; *hint != NULL; hint++) {
    tell_hint(*hint, true, wanted, tell, user_data);
  }
  snd_device_name_free_hint(hints);
}

static void append_name(void *user_data, const char *name, const char *description) {
  struct fault *fault = user_data;
  size_t len = strlen(fault->text);
  (void)description;
  (void)snprintf(fault->text + len, sizeof fault->text - len, " %s", name);
}

void alsa_devices_append(enum alsa_direction direction, struct fault *fault) {
  size_t len = strlen(fault->text);
  (void)snprintf(fault->text + len, sizeof fault->text - len, "; there are:");
  alsa_devices_list(direction, append_name, fault);
}
