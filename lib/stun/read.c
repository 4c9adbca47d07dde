/* SPDX-License-Identifier: MIT */
#include "stun/stun.h"
#include "stun/stun_private.h"

const char *paw_stun_fault_text(enum paw_stun_fault fault) {
  switch (fault) {
#define PAW_STUN_FAULT_TEXT(name, text)                                                            \
  case PAW_STUN_FAULT_##name:                                                                      \
    return text;
    PAW_STUN_FAULT_MAP(PAW_STUN_FAULT_TEXT)
#undef PAW_STUN_FAULT_TEXT
  }
  return "unknown fault";
}

/* ---- header ---- */

/* RFC 8489 section 5: the method's twelve bits with the class's two among them. */
static enum paw_stun_class class_of(uint16_t type) {
  return (enum paw_stun_class)(((type >> 7) & 2) | ((type >> 4) & 1));
}

static uint16_t method_of(uint16_t type) {
  return (uint16_t)(((type >> 2) & 0xf80) | ((type >> 1) & 0x70) | (type & 0xf));
}

static enum paw_stun_fault read_header(struct paw_rd *rd, size_t len,
                                       struct paw_stun_message *out) {
  if (len < PAW_STUN_HEADER_LEN) {
    return PAW_STUN_FAULT_SHORT;
  }
  uint16_t type = paw_rd_u16(rd);
  uint16_t attributes_len = paw_rd_u16(rd);
  uint32_t cookie = paw_rd_u32(rd);
  paw_rd_copy(rd, out->id, sizeof out->id);
  if ((type & 0xc000) != 0) {
    return PAW_STUN_FAULT_TOP_BITS;
  }
  if (cookie != STUN_COOKIE) {
    return PAW_STUN_FAULT_COOKIE;
  }
  if (attributes_len % 4 != 0 || attributes_len != rd->left) {
    return PAW_STUN_FAULT_LENGTH;
  }
  out->class = class_of(type);
  out->method = method_of(type);
  return PAW_STUN_FAULT_NONE;
}

/* ---- attributes ---- */

static enum paw_stun_fault read_address(struct paw_rd rd, struct paw_address *out) {
  paw_rd_skip(&rd, 1);
  uint8_t family = paw_rd_u8(&rd);
  out->port = paw_rd_u16(&rd);
  if (family == STUN_FAMILY_IPV4) {
    out->family = PAW_FAMILY_IPV4;
    paw_rd_copy(&rd, out->ip, 4);
  } else if (family == STUN_FAMILY_IPV6) {
    out->family = PAW_FAMILY_IPV6;
    paw_rd_copy(&rd, out->ip, 16);
  } else {
    return PAW_STUN_FAULT_ADDRESS_FAMILY;
  }
  return paw_rd_end(&rd) ? PAW_STUN_FAULT_NONE : PAW_STUN_FAULT_ATTRIBUTE_SIZE;
}

/* RFC 8489 section 14.2: port and address come XORed with cookie and transaction id. */
static void unmask_address(struct paw_address *address, const uint8_t *id) {
  uint8_t mask[16] = {0x21, 0x12, 0xa4, 0x42};
  memcpy(mask + 4, id, PAW_STUN_ID_LEN);
  size_t ip_len = address->family == PAW_FAMILY_IPV4 ? 4 : 16;
  for (size_t i = 0; i < ip_len; i++) {
    address->ip[i] ^= mask[i];
  }
  address->port ^= (uint16_t)(STUN_COOKIE >> 16);
}

static enum paw_stun_fault read_error(struct paw_rd rd, struct paw_stun_message *out) {
  paw_rd_skip(&rd, 2);
  unsigned class_digit = paw_rd_u8(&rd) & 7u;
  unsigned number = paw_rd_u8(&rd);
  if (rd.bad) {
    return PAW_STUN_FAULT_ATTRIBUTE_SIZE;
  }
  if (class_digit < 3 || class_digit > 6 || number > 99) {
    return PAW_STUN_FAULT_ERROR_CODE;
  }
  out->error_code = (uint16_t)(class_digit * 100 + number);
  out->error_reason = paw_rd_bytes(&rd, rd.left);
  return PAW_STUN_FAULT_NONE;
}

static enum paw_stun_fault read_listed(struct paw_rd rd, struct paw_stun_message *out) {
  if (rd.left % 2 != 0) {
    return PAW_STUN_FAULT_ATTRIBUTE_SIZE;
  }
  while (rd.left > 0 && out->listed_count < PAW_STUN_UNKNOWN_MAX) {
    out->listed[out->listed_count++] = paw_rd_u16(&rd);
  }
  return PAW_STUN_FAULT_NONE;
}

struct attribute_rule {
  uint16_t type;
  uint16_t min_len;
  uint16_t max_len;
  uint16_t has;
};

static const struct attribute_rule attribute_rules[] = {
    {STUN_MAPPED_ADDRESS, 4, 20, PAW_STUN_HAS_MAPPED},
    {STUN_USERNAME, 0, STUN_USERNAME_MAX, PAW_STUN_HAS_USERNAME},
    {STUN_MESSAGE_INTEGRITY, PAW_HMAC_LEN, PAW_HMAC_LEN, PAW_STUN_HAS_INTEGRITY},
    {STUN_ERROR_CODE, 4, 4 + STUN_TEXT_MAX, PAW_STUN_HAS_ERROR},
    {STUN_UNKNOWN_ATTRIBUTES, 0, UINT16_MAX, PAW_STUN_HAS_LISTED},
    {STUN_REALM, 0, STUN_TEXT_MAX, PAW_STUN_HAS_REALM},
    {STUN_NONCE, 0, STUN_TEXT_MAX, PAW_STUN_HAS_NONCE},
    {STUN_XOR_MAPPED_ADDRESS, 4, 20, PAW_STUN_HAS_XOR_MAPPED},
    {STUN_PRIORITY, 4, 4, PAW_STUN_HAS_PRIORITY},
    {STUN_USE_CANDIDATE, 0, 0, PAW_STUN_HAS_USE_CANDIDATE},
    {STUN_SOFTWARE, 0, STUN_TEXT_MAX, PAW_STUN_HAS_SOFTWARE},
    {STUN_FINGERPRINT, 4, 4, PAW_STUN_HAS_FINGERPRINT},
    {STUN_ICE_CONTROLLED, 8, 8, PAW_STUN_HAS_CONTROLLED},
    {STUN_ICE_CONTROLLING, 8, 8, PAW_STUN_HAS_CONTROLLING},
};

static const struct attribute_rule *find_rule(uint16_t type) {
  for (size_t i = 0; i < sizeof attribute_rules / sizeof attribute_rules[0]; i++) {
    if (attribute_rules[i].type == type) {
      return &attribute_rules[i];
    }
  }
  return NULL;
}

static struct paw_slice *find_text(struct paw_stun_message *out, enum paw_stun_has has) {
  if (has == PAW_STUN_HAS_USERNAME) {
    return &out->username;
  }
  if (has == PAW_STUN_HAS_REALM) {
    return &out->realm;
  }
  return has == PAW_STUN_HAS_NONCE ? &out->nonce : &out->software;
}

static enum paw_stun_fault read_value(enum paw_stun_has has, struct paw_rd rd, size_t offset,
                                      struct paw_stun_message *out) {
  enum paw_stun_fault fault = PAW_STUN_FAULT_NONE;
  switch (has) {
  case PAW_STUN_HAS_USERNAME:
  case PAW_STUN_HAS_REALM:
  case PAW_STUN_HAS_NONCE:
  case PAW_STUN_HAS_SOFTWARE:
    *find_text(out, has) = paw_rd_bytes(&rd, rd.left);
    break;
  case PAW_STUN_HAS_PRIORITY:
    out->priority = paw_rd_u32(&rd);
    break;
  case PAW_STUN_HAS_USE_CANDIDATE:
    break;
  case PAW_STUN_HAS_CONTROLLING:
    out->controlling = paw_rd_u64(&rd);
    break;
  case PAW_STUN_HAS_CONTROLLED:
    out->controlled = paw_rd_u64(&rd);
    break;
  case PAW_STUN_HAS_MAPPED:
    fault = read_address(rd, &out->mapped);
    break;
  case PAW_STUN_HAS_XOR_MAPPED:
    fault = read_address(rd, &out->xor_mapped);
    unmask_address(&out->xor_mapped, out->id);
    break;
  case PAW_STUN_HAS_ERROR:
    fault = read_error(rd, out);
    break;
  case PAW_STUN_HAS_LISTED:
    fault = read_listed(rd, out);
    break;
  case PAW_STUN_HAS_INTEGRITY:
    out->integrity_offset = offset;
    break;
  case PAW_STUN_HAS_FINGERPRINT:
    out->fingerprint_offset = offset;
    break;
  }
  return fault;
}

static void note_unknown(uint16_t type, struct paw_stun_message *out) {
  if (type < STUN_FIRST_OPTIONAL && out->unknown_count < PAW_STUN_UNKNOWN_MAX) {
    out->unknown[out->unknown_count++] = type;
  }
}

static enum paw_stun_fault read_attribute(struct paw_rd *rd, struct paw_stun_message *out) {
  size_t offset = out->datagram.len - rd->left;
  uint16_t type = paw_rd_u16(rd);
  uint16_t len = paw_rd_u16(rd);
  struct paw_rd value = paw_rd_sub(rd, len);
  paw_rd_skip(rd, stun_padding(len));
  if (rd->bad) {
    return PAW_STUN_FAULT_ATTRIBUTE_OVERRUN;
  }
  if ((out->has & PAW_STUN_HAS_FINGERPRINT) != 0) {
    return PAW_STUN_FAULT_FINGERPRINT_NOT_LAST;
  }
  if ((out->has & PAW_STUN_HAS_INTEGRITY) != 0 && type != STUN_FINGERPRINT) {
    return PAW_STUN_FAULT_NONE;
  }
  const struct attribute_rule *rule = find_rule(type);
  if (rule == NULL) {
    note_unknown(type, out);
    return PAW_STUN_FAULT_NONE;
  }
  if (len < rule->min_len || len > rule->max_len) {
    return PAW_STUN_FAULT_ATTRIBUTE_SIZE;
  }
  if ((out->has & rule->has) != 0) {
    return PAW_STUN_FAULT_NONE;
  }
  out->has |= rule->has;
  return read_value((enum paw_stun_has)rule->has, value, offset, out);
}

enum paw_stun_fault paw_stun_read(const uint8_t *data, size_t len, struct paw_stun_message *out) {
  memset(out, 0, sizeof *out);
  out->datagram = (struct paw_slice){.data = data, .len = len};
  struct paw_rd rd = paw_rd_init(data, len);
  enum paw_stun_fault fault = read_header(&rd, len, out);
  while (fault == PAW_STUN_FAULT_NONE && rd.left > 0) {
    fault = read_attribute(&rd, out);
  }
  return fault;
}

/* ---- a cheap look ---- */

bool paw_stun_is_message(const uint8_t *data, size_t len) {
  struct paw_stun_message message;
  struct paw_rd rd = paw_rd_init(data, len);
  return read_header(&rd, len, &message) == PAW_STUN_FAULT_NONE;
}

enum paw_stun_class paw_stun_peek_class(const uint8_t *data) {
  struct paw_rd rd = paw_rd_init(data, PAW_STUN_HEADER_LEN);
  return class_of(paw_rd_u16(&rd));
}

const uint8_t *paw_stun_peek_id(const uint8_t *data) {
  struct paw_rd rd = paw_rd_init(data, PAW_STUN_HEADER_LEN);
  paw_rd_skip(&rd, PAW_STUN_HEADER_LEN - PAW_STUN_ID_LEN);
  return paw_rd_bytes(&rd, PAW_STUN_ID_LEN).data;
}

bool paw_stun_peek_username(const uint8_t *data, size_t len, struct paw_slice *username) {
  if (!paw_stun_is_message(data, len) || paw_stun_peek_class(data) != PAW_STUN_REQUEST) {
    return false;
  }
  struct paw_rd rd = paw_rd_init(data, len);
  paw_rd_skip(&rd, PAW_STUN_HEADER_LEN);
  while (rd.left > 0) {
    uint16_t type = paw_rd_u16(&rd);
    uint16_t value_len = paw_rd_u16(&rd);
    struct paw_slice value = paw_rd_bytes(&rd, value_len);
    if (rd.bad || type == STUN_MESSAGE_INTEGRITY || type == STUN_FINGERPRINT) {
      return false;
    }
    if (type == STUN_USERNAME) {
      *username = value;
      return true;
    }
    paw_rd_skip(&rd, stun_padding(value_len));
  }
  return false;
}

struct paw_slice paw_stun_username_ufrag(struct paw_slice username) {
  const uint8_t *colon = username.len > 0 ? memchr(username.data, ':', username.len) : NULL;
  size_t len = colon == NULL ? 0 : (size_t)(colon - username.data);
  return (struct paw_slice){.data = username.data, .len = len};
}
