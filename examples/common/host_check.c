/* SPDX-License-Identifier: MIT */
#include "host_check.h"

#include <pawebrtc/base.h>
#include <stdlib.h>
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

static bool is_port(const char *text) {
  size_t len = strspn(text, "0123456789");
  return len <= 5 && text[len] == '\0' && strtoul(text, NULL, 10) <= UINT16_MAX;
}

bool host_is_valid(const char *host) {
  static const char name_characters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
  struct paw_address address;
  if (host == NULL) {
    return false;
  }
  if (host[0] == '[') {
    return paw_address_parse(host, &address) == PAW_OK;
  }
  size_t len = strspn(host, name_characters);
  return len > 0 && (host[len] == '\0' || (host[len] == ':' && is_port(host + len + 1)));
}

bool origin_is_same(const char *origin, const char *scheme, const char *host) {
  size_t len = strlen(scheme);
  return host != NULL && strncasecmp(origin, scheme, len) == 0 &&
         strncmp(origin + len, "://", 3) == 0 && strcasecmp(origin + len + 3, host) == 0;
}
