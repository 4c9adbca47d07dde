/* SPDX-License-Identifier: MIT */
#include "http_time.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define NS_PER_S UINT64_C(1000000000)
#define DATE_SIZE 64 /* an HTTP-date has 29 characters, its obsolete forms 33 at most */

/* From `date` to `when`; false when one of them is no date. */
static bool get_time_left(const char *when, const char *date, uint64_t max_ns, uint64_t *left_ns) {
  time_t then = curl_getdate(when, NULL);
  time_t now = curl_getdate(date, NULL);
  if (then == -1 || now == -1) {
    return false;
  }
  uint64_t left_s = then > now ? (uint64_t)(then - now) : 0;
  *left_ns = left_s < max_ns / NS_PER_S ? left_s * NS_PER_S : max_ns;
  return true;
}

/* Seconds as digits alone; what is too much for a number is the most there may be. */
static bool read_seconds(const char *text, uint64_t max_ns, uint64_t *out_ns) {
  uint64_t seconds = 0;
  const char *at = text;
  for (; *at >= '0' && *at <= '9'; at++) {
    seconds = seconds * 10 + (uint64_t)(*at - '0');
    seconds = seconds < max_ns / NS_PER_S ? seconds : max_ns / NS_PER_S;
  }
  *out_ns = seconds * NS_PER_S;
  return at > text && *at == '\0';
}

uint64_t http_retry_after_ns(const char *retry_after, const char *date) {
  uint64_t wait_ns = 0;
  if (!read_seconds(retry_after, HTTP_RETRY_AFTER_MAX_NS, &wait_ns) &&
      !get_time_left(retry_after, date, HTTP_RETRY_AFTER_MAX_NS, &wait_ns)) {
    return 0;
  }
  return wait_ns;
}

/* RFC 9110 section 5.6.6: name=token or name="quoted", after semicolons. What is quoted with
 * backslashes is no date. */
static bool find_parameter(const char *content_type, const char *name, char out[DATE_SIZE]) {
  size_t name_len = strlen(name);
  const char *at = strchr(content_type, ';');
  while (at != NULL) {
    at += 1 + strspn(at + 1, " \t");
    bool found = strncasecmp(at, name, name_len) == 0 && at[name_len] == '=';
    at += strcspn(at, "=;");
    bool quoted = at[0] == '=' && at[1] == '"';
    at += quoted ? 2 : at[0] == '=';
    size_t len = strcspn(at, quoted ? "\"" : "; \t");
    if (found && len < DATE_SIZE) {
      memcpy(out, at, len);
      out[len] = '\0';
      return true;
    }
    at = strchr(at + len, ';');
  }
  return false;
}

uint64_t http_offer_valid_ns(const char *content_type, const char *date) {
  char until[DATE_SIZE];
  uint64_t left_ns = 0;
  bool said = find_parameter(content_type, "valid-until", until) &&
              get_time_left(until, date, HTTP_OFFER_VALID_MAX_NS, &left_ns);
  return said ? left_ns : HTTP_OFFER_VALID_NS;
}
