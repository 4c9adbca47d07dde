/* SPDX-License-Identifier: MIT */
#include "host_check.h"

#include <pawebrtc/base.h>
#include <string.h>
#include <strings.h>

static const char local[] = ".local";

static bool is(const char *host, size_t len, const char *name, size_t name_len) {
  return name_len > 0 && len == name_len && strncasecmp(host, name, len) == 0;
}

static bool is_own(const char *host, size_t len, const char *own) {
  size_t plain_len = strcspn(own, ".");
  size_t local_len = sizeof local - 1;
  if (is(host, len, own, strlen(own)) || is(host, len, own, plain_len)) {
    return true;
  }
  return len == plain_len + local_len && is(host, plain_len, own, plain_len) &&
         is(host + plain_len, local_len, local, local_len);
}

bool host_is_ours(const char *host, const struct host_names *names) {
  struct paw_address address;
  if (host == NULL) {
    return false;
  }
  if (paw_address_parse(host, &address) == PAW_OK) {
    return true;
  }
  size_t len = strcspn(host, ":");
  /* "name." is the same name, fully qualified. */
  len -= len > 0 && host[len - 1] == '.';
  for (size_t i = 0; i < names->other_count; i++) {
    if (is(host, len, names->others[i], strlen(names->others[i]))) {
      return true;
    }
  }
  return is(host, len, "localhost", 9) || is_own(host, len, names->own);
}
