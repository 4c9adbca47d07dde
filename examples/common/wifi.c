/* SPDX-License-Identifier: MIT */
#include "wifi.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A VLAN on a bond in a bridge on Wi-Fi: more is nobody's speaker. */
#define STOREYS_MAX 3

/* How sysfs names the link to an interface that this one stands on. */
#define LOWER "lower_"

static bool has_name(const char *sysfs, const char *name, size_t len, unsigned storeys);

static bool is_path(int wrote) {
  return wrote > 0 && wrote < PATH_MAX;
}

static bool has_mark(const char *folder) {
  /* Drivers of the kernel's wireless extensions have the first, those of cfg80211 the second. */
  static const char *const marks[] = {"wireless", "phy80211"};
  char path[PATH_MAX];
  bool found = false;
  for (size_t i = 0; !found && i < sizeof marks / sizeof marks[0]; i++) {
    found =
        is_path(snprintf(path, sizeof path, "%s/%s", folder, marks[i])) && access(path, F_OK) == 0;
  }
  return found;
}

static bool stands_on_wifi(const char *sysfs, const char *folder, unsigned storeys) {
  DIR *entries = opendir(folder);
  bool found = false;
  const struct dirent *entry = entries != NULL ? readdir(entries) : NULL;
  for (; !found && entry != NULL; entry = readdir(entries)) {
    const char *name = entry->d_name + strlen(LOWER);
    found = strncmp(entry->d_name, LOWER, strlen(LOWER)) == 0 &&
            has_name(sysfs, name, strlen(name), storeys);
  }
  if (entries != NULL) {
    (void)closedir(entries);
  }
  return found;
}

static bool has_name(const char *sysfs, const char *name, size_t len, unsigned storeys) {
  char folder[PATH_MAX];
  bool known = len > 0 && len < PATH_MAX && name[0] != '.' && memchr(name, '/', len) == NULL &&
               is_path(snprintf(folder, sizeof folder, "%s/class/net/%.*s", sysfs, (int)len, name));
  return known && (has_mark(folder) ||
                   (storeys < STOREYS_MAX && stands_on_wifi(sysfs, folder, storeys + 1)));
}

bool wifi_has_name(const char *sysfs, const char *name) {
  return has_name(sysfs, name, strcspn(name, ":"), 0);
}
