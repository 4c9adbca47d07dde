/* SPDX-License-Identifier: MIT */
#include "whep_url.h"

#include <curl/curl.h>
#include <pawebrtc/base.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HOST_SIZE 256

/* One part of a URL; empty, and false, when it has none. */
static bool get_part(const char *url, CURLUPart part, char *out, size_t size) {
  out[0] = '\0';
  CURLU *handle = curl_url();
  char *text = NULL;
  bool good = handle != NULL && curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(handle, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              strlen(text) < size;
  if (good) {
    memcpy(out, text, strlen(text) + 1);
  }
  curl_free(text);
  curl_url_cleanup(handle);
  return good;
}

bool whep_url_is_secure(const char *url) {
  return strncasecmp(url, "https://", 8) == 0;
}

bool whep_url_is_loopback(const char *url) {
  char host[HOST_SIZE];
  if (!get_part(url, CURLUPART_HOST, host, sizeof host)) {
    return false;
  }
  struct paw_address address;
  if (host[0] == '[') {
    host[strcspn(host, "]")] = '\0';
    memmove(host, host + 1, strlen(host));
  }
  if (paw_address_parse(host, &address) == PAW_OK) {
    return paw_address_is_loopback(&address);
  }
  return strcasecmp(host, "localhost") == 0;
}

void whep_url_authority(const char *url, char out[WHEP_AUTHORITY_SIZE]) {
  char host[HOST_SIZE];
  char port[8];
  out[0] = '\0';
  if (get_part(url, CURLUPART_HOST, host, sizeof host) &&
      get_part(url, CURLUPART_PORT, port, sizeof port)) {
    (void)snprintf(out, WHEP_AUTHORITY_SIZE, "%s:%s", host, port);
  }
}

bool whep_url_same_origin(const char *a, const char *b) {
  char authority_a[WHEP_AUTHORITY_SIZE];
  char authority_b[WHEP_AUTHORITY_SIZE];
  whep_url_authority(a, authority_a);
  whep_url_authority(b, authority_b);
  return authority_a[0] != '\0' && strcasecmp(authority_a, authority_b) == 0 &&
         whep_url_is_secure(a) == whep_url_is_secure(b);
}

static bool is_http(const char *url) {
  char host[HOST_SIZE];
  bool scheme = whep_url_is_secure(url) || strncasecmp(url, "http://", 7) == 0;
  return scheme && get_part(url, CURLUPART_HOST, host, sizeof host);
}

/* RFC 9110 section 4.2.4: who has a name or password there is misled, or misleads. It would be sent
 * and shown. */
static bool has_user(const char *url) {
  char part[WHEP_URL_SIZE];
  return get_part(url, CURLUPART_USER, part, sizeof part) ||
         get_part(url, CURLUPART_PASSWORD, part, sizeof part);
}

/* Let libcurl resolve `reference` against `base`. */
static bool resolve(const char *base, const char *reference, char *out) {
  CURLU *handle = curl_url();
  char *text = NULL;
  bool good =
      handle != NULL && curl_url_set(handle, CURLUPART_URL, base, 0) == CURLUE_OK &&
      curl_url_set(handle, CURLUPART_URL, reference, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
      curl_url_get(handle, CURLUPART_URL, &text, 0) == CURLUE_OK && strlen(text) < WHEP_URL_SIZE;
  if (good) {
    memcpy(out, text, strlen(text) + 1);
  }
  curl_free(text);
  curl_url_cleanup(handle);
  return good;
}

/* RFC 3986 section 2: an address is of visible ASCII. What is not may be shown to nobody. */
static bool is_visible(const char *text) {
  for (const char *c = text; *c != '\0'; c++) {
    if (*c <= ' ' || *c > '~') {
      return false;
    }
  }
  return true;
}

int whep_url_resolve(const char *base, const char *location, char *out, struct fault *fault) {
  if (!is_visible(location)) {
    return fault_set(fault, "the server points to an address with characters that none may have");
  }
  if (resolve(base, location, out) && has_user(out)) {
    return fault_set(fault, "the server points to an address with a user name; refused");
  }
  if (!resolve(base, location, out) || !is_http(out)) {
    return fault_set(fault, "the server points to \"%s\", which is no web address", location);
  }
  if (whep_url_is_secure(base) && !whep_url_is_secure(out)) {
    return fault_set(fault, "the server points from https:// to %s; refused", out);
  }
  return 0;
}

/* "https://HOST:PORTPATH" for a server given without a scheme. */
static bool from_host(const char *server, const char *path, char *out) {
  if (strpbrk(server, "/?#@") != NULL) {
    return false;
  }
  struct paw_address address;
  bool bare_ipv6 = server[0] != '[' && paw_address_parse(server, &address) == PAW_OK &&
                   address.family == PAW_FAMILY_IPV6;
  const char *bracket = strchr(server, ']');
  const char *colon = strchr(bracket != NULL ? bracket : server, ':');
  int len;
  if (bare_ipv6) {
    len = snprintf(out, WHEP_URL_SIZE, "https://[%s]:%d%s", server, WHEP_DEFAULT_PORT, path);
  } else if (colon != NULL) {
    len = snprintf(out, WHEP_URL_SIZE, "https://%s%s", server, path);
  } else {
    len = snprintf(out, WHEP_URL_SIZE, "https://%s:%d%s", server, WHEP_DEFAULT_PORT, path);
  }
  return len > 0 && len < WHEP_URL_SIZE;
}

static bool from_url(const char *server, const char *path, char *out) {
  char own_path[WHEP_URL_SIZE];
  if (!get_part(server, CURLUPART_PATH, own_path, sizeof own_path)) {
    return false;
  }
  return resolve(server, strcmp(own_path, "/") == 0 ? path : server, out);
}

int whep_url_from_server(const char *server, const char *path, char *out, struct fault *fault) {
  if (path[0] != '/') {
    return fault_set(fault, "--path %s: it must begin with a slash", path);
  }
  bool has_scheme = strstr(server, "://") != NULL;
  if (has_scheme && has_user(server)) {
    return fault_set(fault,
                     "--server: a user name or password has no place in the address: a token "
                     "comes by --token-file");
  }
  bool good = has_scheme ? from_url(server, path, out) : from_host(server, path, out);
  if (!good || !is_http(out)) {
    return fault_set(fault, "--server %s: not HOST, HOST:PORT or https://HOST[:PORT]/PATH", server);
  }
  if (!whep_url_is_secure(out) && !whep_url_is_loopback(out)) {
    return fault_set(fault, "--server %s: http:// is for a server on this machine; use https://",
                     server);
  }
  return 0;
}
