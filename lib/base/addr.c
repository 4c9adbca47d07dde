/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include <string.h>

/* ---- reading ---- */

struct text {
  const char *next;
  const char *end;
};

static bool take_char(struct text *text, char wanted) {
  if (text->next == text->end || *text->next != wanted) {
    return false;
  }
  text->next++;
  return true;
}

static int digit_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return 99;
}

/* 1 to `max_digits` digits of `base`, at most `max`. */
static bool take_number(struct text *text, int base, int max_digits, uint32_t max, uint32_t *out) {
  uint64_t value = 0;
  int digits = 0;
  while (text->next < text->end && digit_value(*text->next) < base) {
    if (++digits > max_digits) {
      return false;
    }
    value = value * (uint64_t)base + (uint64_t)digit_value(*text->next++);
  }
  *out = (uint32_t)value;
  return digits > 0 && value <= max;
}

/* "010" is refused: some take it as octal. */
static bool take_octet(struct text *text, uint8_t *out) {
  bool is_zero = text->next < text->end && *text->next == '0';
  uint32_t octet = 0;
  if (!take_number(text, 10, is_zero ? 1 : 3, 255, &octet)) {
    return false;
  }
  *out = (uint8_t)octet;
  return true;
}

static bool take_ipv4(struct text *text, uint8_t *ip) {
  for (int i = 0; i < 4; i++) {
    if ((i > 0 && !take_char(text, '.')) || !take_octet(text, &ip[i])) {
      return false;
    }
  }
  return true;
}

/* RFC 4291 section 2.2: up to eight groups, "::" once, the last two perhaps as dotted IPv4. */
static bool take_ipv6(struct text *text, uint8_t *ip) {
  uint8_t groups[16] = {0};
  int filled = 0;
  int gap = -1;
  while (filled < 16) {
    if (take_char(text, ':')) {
      if (take_char(text, ':')) {
        if (gap >= 0) {
          return false;
        }
        gap = filled;
      } else if (filled == 0 || gap == filled) {
        return false;
      }
    } else if (filled > 0 && gap != filled) {
      break;
    }
    struct text before = *text;
    uint32_t group = 0;
    if (!take_number(text, 16, 4, 0xffff, &group)) {
      *text = before;
      if (gap == filled) {
        break;
      }
      return false;
    }
    if (text->next < text->end && *text->next == '.') {
      *text = before;
      if (filled > 12 || !take_ipv4(text, groups + filled)) {
        return false;
      }
      filled += 4;
      break;
    }
    groups[filled++] = (uint8_t)(group >> 8);
    groups[filled++] = (uint8_t)group;
  }
  if (gap < 0 ? filled != 16 : filled > 14) {
    return false;
  }
  size_t head = gap < 0 ? 16 : (size_t)gap;
  size_t tail = (size_t)filled - head;
  memset(ip, 0, 16);
  if (gap < 0) {
    memcpy(ip, groups, 16);
  } else {
    memcpy(ip, groups, head);
    memcpy(ip + 16 - tail, groups + head, tail);
  }
  return true;
}

static bool looks_like_ipv6(struct text text) {
  int colons = 0;
  for (const char *c = text.next; c < text.end; c++) {
    colons += *c == ':';
  }
  return colons >= 2;
}

static bool take_ip(struct text *text, struct paw_address *address) {
  if (!looks_like_ipv6(*text)) {
    address->family = PAW_FAMILY_IPV4;
    return take_ipv4(text, address->ip);
  }
  address->family = PAW_FAMILY_IPV6;
  if (!take_ipv6(text, address->ip)) {
    return false;
  }
  return !take_char(text, '%') || take_number(text, 10, 10, UINT32_MAX, &address->scope_id);
}

static bool take_port(struct text *text, struct paw_address *address) {
  uint32_t port = 0;
  if (!take_number(text, 10, 5, 65535, &port)) {
    return false;
  }
  address->port = (uint16_t)port;
  return true;
}

int paw_address_parse_ip(const char *characters, size_t len, struct paw_address *out) {
  struct text text = {.next = characters, .end = characters + len};
  struct paw_address address = {0};
  if (!take_ip(&text, &address) || text.next != text.end) {
    return PAW_ERR_MALFORMED;
  }
  *out = address;
  return PAW_OK;
}

int paw_address_parse(const char *characters, struct paw_address *out) {
  struct text text = {.next = characters, .end = characters + strlen(characters)};
  struct paw_address address = {0};
  bool bracket = take_char(&text, '[');
  if (!take_ip(&text, &address)) {
    return PAW_ERR_MALFORMED;
  }
  if (bracket && (address.family != PAW_FAMILY_IPV6 || !take_char(&text, ']'))) {
    return PAW_ERR_MALFORMED;
  }
  bool port_may_follow = bracket || address.family == PAW_FAMILY_IPV4;
  if (port_may_follow && take_char(&text, ':') && !take_port(&text, &address)) {
    return PAW_ERR_MALFORMED;
  }
  if (text.next != text.end) {
    return PAW_ERR_MALFORMED;
  }
  *out = address;
  return PAW_OK;
}

/* ---- writing ---- */

static char *put_text(char *at, const char *text) {
  size_t len = strlen(text);
  memcpy(at, text, len + 1);
  return at + len;
}

static char *put_number(char *at, uint32_t value, uint32_t base) {
  char digits[11];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value > 0);
  while (count > 0) {
    *at++ = digits[--count];
  }
  *at = '\0';
  return at;
}

static char *put_ipv4(char *at, const uint8_t *ip) {
  for (int i = 0; i < 4; i++) {
    at = put_number(i > 0 ? put_text(at, ".") : at, ip[i], 10);
  }
  return at;
}

/* RFC 5952 section 4.2: the first longest run of two or more zero groups becomes "::". */
static void find_zero_run(const uint16_t *groups, int *start, int *len) {
  *start = -1;
  *len = 1;
  int run = 0;
  for (int i = 0; i < 8; i++) {
    run = groups[i] == 0 ? run + 1 : 0;
    if (run > *len) {
      *len = run;
      *start = i - run + 1;
    }
  }
}

static char *put_ipv6(char *at, const uint8_t *ip) {
  uint16_t groups[8];
  for (size_t i = 0; i < 8; i++) {
    groups[i] = (uint16_t)((ip[2 * i] << 8) | ip[2 * i + 1]);
  }
  int gap_start = 0;
  int gap_len = 0;
  find_zero_run(groups, &gap_start, &gap_len);
  for (int i = 0; i < 8; i++) {
    if (i == gap_start) {
      at = put_text(at, "::");
      i += gap_len - 1;
      continue;
    }
    bool after_gap = gap_start >= 0 && i == gap_start + gap_len;
    if (i > 0 && !after_gap) {
      at = put_text(at, ":");
    }
    at = put_number(at, groups[i], 16);
  }
  return at;
}

static char *put_ip(char *at, const struct paw_address *address) {
  *at = '\0';
  if (address->family == PAW_FAMILY_IPV4) {
    return put_ipv4(at, address->ip);
  }
  if (address->family == PAW_FAMILY_IPV6) {
    return put_ipv6(at, address->ip);
  }
  return put_text(at, "none");
}

void paw_address_format_ip(const struct paw_address *address, char *out) {
  (void)put_ip(out, address);
}

void paw_address_format(const struct paw_address *address, char *out) {
  bool bracket = address->family == PAW_FAMILY_IPV6 && address->port != 0;
  char *at = bracket ? put_text(out, "[") : out;
  at = put_ip(at, address);
  if (address->scope_id != 0 && address->family == PAW_FAMILY_IPV6) {
    at = put_number(put_text(at, "%"), address->scope_id, 10);
  }
  if (bracket) {
    at = put_text(at, "]");
  }
  if (address->port != 0 && address->family != PAW_FAMILY_NONE) {
    (void)put_number(put_text(at, ":"), address->port, 10);
  }
}

/* ---- asking ---- */

bool paw_address_equal(const struct paw_address *a, const struct paw_address *b) {
  return paw_address_is(a, b);
}

bool paw_address_is_loopback(const struct paw_address *address) {
  static const uint8_t ipv6_loopback[16] = {[15] = 1};
  if (address->family == PAW_FAMILY_IPV4) {
    return address->ip[0] == 127;
  }
  return address->family == PAW_FAMILY_IPV6 &&
         memcmp(address->ip, ipv6_loopback, sizeof ipv6_loopback) == 0;
}

bool paw_address_is_any(const struct paw_address *address) {
  static const uint8_t zeros[16] = {0};
  return memcmp(address->ip, zeros, sizeof zeros) == 0;
}

bool paw_address_is_link_local(const struct paw_address *address) {
  if (address->family == PAW_FAMILY_IPV4) {
    return address->ip[0] == 169 && address->ip[1] == 254;
  }
  return address->family == PAW_FAMILY_IPV6 && address->ip[0] == 0xfe &&
         (address->ip[1] & 0xc0) == 0x80;
}

uint64_t paw_address_hash(const struct paw_address *address, uint64_t seed) {
  uint64_t high = 0;
  uint64_t low = 0;
  memcpy(&high, address->ip, 8);
  memcpy(&low, address->ip + 8, 8);
  uint64_t hash = seed ^ ((uint64_t)address->family << 16) ^ address->port;
  const uint64_t parts[2] = {high, low};
  for (int i = 0; i < 2; i++) { /* the finaliser of splitmix64, once a part */
    hash ^= parts[i];
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    hash ^= hash >> 31;
  }
  return hash;
}
