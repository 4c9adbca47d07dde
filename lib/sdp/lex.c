/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "sdp/text.h"

static struct paw_text take(struct paw_text *rest, size_t len) {
  struct paw_text taken = {.data = rest->data, .len = len};
  if (len > 0) { /* an empty text may have no address */
    rest->data += len;
    rest->len -= len;
  }
  return taken;
}

/* How many characters stand before `wanted`, or all. */
static size_t find(struct paw_text text, char wanted) {
  const char *at = text.len > 0 ? memchr(text.data, wanted, text.len) : NULL;
  return at != NULL ? (size_t)(at - text.data) : text.len;
}

static bool has_prefix(struct paw_text text, const char *prefix) {
  size_t len = strlen(prefix);
  return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static struct paw_text trim_end(struct paw_text text, char unwanted) {
  while (text.len > 0 && text.data[text.len - 1] == unwanted) {
    text.len--;
  }
  return text;
}

static void skip(struct paw_text *rest, char unwanted) {
  while (rest->len > 0 && rest->data[0] == unwanted) {
    (void)take(rest, 1);
  }
}

bool paw_sdp_take_line(struct paw_text *rest, struct paw_text *line) {
  *line = (struct paw_text){0};
  while (line->len == 0 && rest->len > 0) {
    *line = trim_end(take(rest, find(*rest, '\n')), '\r');
    (void)take(rest, rest->len > 0 ? 1 : 0);
  }
  return line->len > 0;
}

bool paw_sdp_take_section(struct paw_text *rest, struct paw_text *section) {
  struct paw_text from = *rest;
  struct paw_text line;
  if (!paw_sdp_take_line(rest, &line)) {
    return false;
  }
  struct paw_text ahead = *rest;
  while (paw_sdp_take_line(&ahead, &line) && !has_prefix(line, "m=")) {
    *rest = ahead;
  }
  *section = take(&from, from.len - rest->len);
  return true;
}

struct paw_text paw_sdp_take_until(struct paw_text *rest, char stop) {
  struct paw_text taken = take(rest, find(*rest, stop));
  (void)take(rest, rest->len > 0 ? 1 : 0);
  skip(&taken, ' ');
  return trim_end(taken, ' ');
}

struct paw_text paw_sdp_take_word(struct paw_text *rest) {
  skip(rest, ' ');
  return paw_sdp_take_until(rest, ' ');
}

static bool hex_value(char c, unsigned *value) {
  if (c >= '0' && c <= '9') {
    *value = (unsigned)(c - '0');
  } else if (c >= 'a' && c <= 'f') {
    *value = (unsigned)(c - 'a' + 10);
  } else if (c >= 'A' && c <= 'F') {
    *value = (unsigned)(c - 'A' + 10);
  } else {
    return false;
  }
  return true;
}

bool paw_sdp_take_hex_byte(struct paw_text *rest, uint8_t *byte) {
  unsigned high = 0;
  unsigned low = 0;
  if (rest->len < 2 || !hex_value(rest->data[0], &high) || !hex_value(rest->data[1], &low)) {
    return false;
  }
  (void)take(rest, 2);
  *byte = (uint8_t)(high << 4 | low);
  return true;
}

bool paw_sdp_take_prefix(struct paw_text *rest, const char *prefix) {
  if (!has_prefix(*rest, prefix)) {
    return false;
  }
  (void)take(rest, strlen(prefix));
  return true;
}

bool paw_sdp_read_attribute(struct paw_text line, struct paw_text *name, struct paw_text *value) {
  if (!paw_sdp_take_prefix(&line, "a=")) {
    return false;
  }
  *name = paw_sdp_take_until(&line, ':');
  skip(&line, ' ');
  *value = trim_end(line, ' ');
  return true;
}

bool paw_sdp_read_number(struct paw_text text, uint64_t max, uint64_t *out) {
  uint64_t number = 0;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    if (c < '0' || c > '9') {
      return false;
    }
    uint64_t digit = (uint64_t)(c - '0');
    if (digit > max || number > (max - digit) / 10) {
      return false;
    }
    number = number * 10 + digit;
  }
  *out = number;
  return text.len > 0;
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool paw_sdp_is_text(struct paw_text text, struct paw_text wanted) {
  return text.len == wanted.len && (text.len == 0 || memcmp(text.data, wanted.data, text.len) == 0);
}

bool paw_sdp_is(struct paw_text text, const char *wanted) {
  return text.len == strlen(wanted) && has_prefix(text, wanted);
}

bool paw_sdp_is_any_case(struct paw_text text, const char *wanted) {
  if (text.len != strlen(wanted)) {
    return false;
  }
  for (size_t i = 0; i < text.len; i++) {
    if (lower(text.data[i]) != lower(wanted[i])) {
      return false;
    }
  }
  return true;
}

bool paw_sdp_is_alphanumeric_or(struct paw_text text, const char *others) {
  struct paw_text other = {.data = others, .len = strlen(others)};
  for (size_t i = 0; i < text.len; i++) {
    char c = lower(text.data[i]);
    bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!alphanumeric && find(other, c) == other.len) {
      return false;
    }
  }
  return true;
}

bool paw_sdp_copy(struct paw_text text, char *out, size_t max) {
  if (text.len > max) {
    return false;
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] <= ' ' || text.data[i] > '~') {
      return false;
    }
  }
  if (text.len > 0) {
    memcpy(out, text.data, text.len);
  }
  out[text.len] = '\0';
  return true;
}
