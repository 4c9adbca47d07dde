/* SPDX-License-Identifier: MIT */
#include "wifi.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool wifi_has_name(const char *sysfs, const char *name) {
  /* Drivers of the kernel's wireless extensions have the first, those of cfg80211 the second. */
  static const char *const marks[] = {"wireless", "phy80211"};
  char path[PATH_MAX];
  int len = (int)strcspn(name, ":");
  bool found = false;
  for (size_t i = 0; !found && i < sizeof marks / sizeof marks[0]; i++) {
    int wrote = snprintf(path, sizeof path, "%s/class/net/%.*s/%s", sysfs, len, name, marks[i]);
    found = len > 0 && wrote > 0 && (size_t)wrote < sizeof path && access(path, F_OK) == 0;
  }
  return found;
}
