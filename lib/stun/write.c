/* SPDX-License-Identifier: MIT */
#include "stun/stun.h"
#include "stun/stun_private.h"

#define LENGTH_OFFSET 2

static uint16_t type_of(const struct paw_stun_message *message) {
  unsigned class = (unsigned)message->class;
  unsigned method = message->method;
  return (uint16_t)(((method & 0xf80) << 2) | ((class & 2) << 7) | ((method & 0x70) << 1) |
                    ((class & 1) << 4) | (method & 0xf));
}

static void write_header(struct paw_wr *wr, const struct paw_stun_message *message) {
  paw_wr_u16(wr, type_of(message));
  paw_wr_u16(wr, 0);
  paw_wr_u32(wr, STUN_COOKIE);
  paw_wr_bytes(wr, message->id, sizeof message->id);
}

static void begin_attribute(struct paw_wr *wr, enum stun_attribute type, size_t len) {
  paw_wr_u16(wr, (uint16_t)type);
  paw_wr_u16(wr, (uint16_t)len);
}

static void write_slice(struct paw_wr *wr, enum stun_attribute type, struct paw_slice value) {
  begin_attribute(wr, type, value.len);
  paw_wr_bytes(wr, value.data, value.len);
  paw_wr_zeros(wr, stun_padding(value.len));
}

static void write_address(struct paw_wr *wr, enum stun_attribute type,
                          const struct paw_address *address, const uint8_t mask[16]) {
  bool ipv4 = address->family == PAW_FAMILY_IPV4;
  size_t ip_len = ipv4 ? 4 : 16;
  begin_attribute(wr, type, 4 + ip_len);
  paw_wr_u8(wr, 0);
  paw_wr_u8(wr, ipv4 ? STUN_FAMILY_IPV4 : STUN_FAMILY_IPV6);
  paw_wr_u16(wr, (uint16_t)(address->port ^ ((mask[0] << 8) | mask[1])));
  for (size_t i = 0; i < ip_len; i++) {
    paw_wr_u8(wr, address->ip[i] ^ mask[i]);
  }
}

static void write_addresses(struct paw_wr *wr, const struct paw_stun_message *message) {
  static const uint8_t no_mask[16] = {0};
  if ((message->has & PAW_STUN_HAS_MAPPED) != 0) {
    write_address(wr, STUN_MAPPED_ADDRESS, &message->mapped, no_mask);
  }
  if ((message->has & PAW_STUN_HAS_XOR_MAPPED) != 0) {
    uint8_t mask[16] = {0x21, 0x12, 0xa4, 0x42};
    memcpy(mask + 4, message->id, PAW_STUN_ID_LEN);
    write_address(wr, STUN_XOR_MAPPED_ADDRESS, &message->xor_mapped, mask);
  }
}

static void write_texts(struct paw_wr *wr, const struct paw_stun_message *message) {
  if ((message->has & PAW_STUN_HAS_SOFTWARE) != 0) {
    write_slice(wr, STUN_SOFTWARE, message->software);
  }
  if ((message->has & PAW_STUN_HAS_USERNAME) != 0) {
    write_slice(wr, STUN_USERNAME, message->username);
  }
  if ((message->has & PAW_STUN_HAS_REALM) != 0) {
    write_slice(wr, STUN_REALM, message->realm);
  }
  if ((message->has & PAW_STUN_HAS_NONCE) != 0) {
    write_slice(wr, STUN_NONCE, message->nonce);
  }
}

static void write_ice(struct paw_wr *wr, const struct paw_stun_message *message) {
  if ((message->has & PAW_STUN_HAS_PRIORITY) != 0) {
    begin_attribute(wr, STUN_PRIORITY, 4);
    paw_wr_u32(wr, message->priority);
  }
  if ((message->has & PAW_STUN_HAS_USE_CANDIDATE) != 0) {
    begin_attribute(wr, STUN_USE_CANDIDATE, 0);
  }
  if ((message->has & PAW_STUN_HAS_CONTROLLING) != 0) {
    begin_attribute(wr, STUN_ICE_CONTROLLING, 8);
    paw_wr_u64(wr, message->controlling);
  }
  if ((message->has & PAW_STUN_HAS_CONTROLLED) != 0) {
    begin_attribute(wr, STUN_ICE_CONTROLLED, 8);
    paw_wr_u64(wr, message->controlled);
  }
}

static void write_error(struct paw_wr *wr, const struct paw_stun_message *message) {
  if ((message->has & PAW_STUN_HAS_ERROR) != 0) {
    begin_attribute(wr, STUN_ERROR_CODE, 4 + message->error_reason.len);
    paw_wr_u16(wr, 0);
    paw_wr_u8(wr, (uint8_t)(message->error_code / 100));
    paw_wr_u8(wr, (uint8_t)(message->error_code % 100));
    paw_wr_bytes(wr, message->error_reason.data, message->error_reason.len);
    paw_wr_zeros(wr, stun_padding(message->error_reason.len));
  }
  if ((message->has & PAW_STUN_HAS_LISTED) != 0) {
    begin_attribute(wr, STUN_UNKNOWN_ATTRIBUTES, 2 * message->listed_count);
    for (size_t i = 0; i < message->listed_count; i++) {
      paw_wr_u16(wr, message->listed[i]);
    }
    paw_wr_zeros(wr, stun_padding(2 * message->listed_count));
  }
}

static void set_length(struct paw_wr *wr, size_t message_len) {
  paw_wr_patch_u16(wr, LENGTH_OFFSET, (uint16_t)(message_len - PAW_STUN_HEADER_LEN));
}

/* RFC 8489 section 14.5: the length that is hashed ends with this attribute. */
static int write_integrity(struct paw_wr *wr, const struct paw_hmac_key *key) {
  size_t covered = wr->len;
  begin_attribute(wr, STUN_MESSAGE_INTEGRITY, PAW_HMAC_LEN);
  uint8_t *mac = paw_wr_claim(wr, PAW_HMAC_LEN);
  if (mac == NULL) {
    return PAW_ERR_NO_BUFFER;
  }
  set_length(wr, wr->len);
  struct paw_hmac hmac;
  paw_hmac_begin(&hmac, key);
  paw_hmac_update(&hmac, wr->data, covered);
  return paw_hmac_end(&hmac, key, mac);
}

/* RFC 8489 section 14.7: the length that is summed includes this attribute. */
static void write_fingerprint(struct paw_wr *wr) {
  size_t covered = wr->len;
  begin_attribute(wr, STUN_FINGERPRINT, 4);
  if (wr->bad) {
    return;
  }
  set_length(wr, covered + STUN_ATTRIBUTE_HEADER_LEN + 4);
  paw_wr_u32(wr, paw_stun_crc32(wr->data, covered) ^ STUN_FINGERPRINT_XOR);
}

static bool is_address(const struct paw_stun_message *message, enum paw_stun_has has,
                       const struct paw_address *address) {
  return (message->has & (uint32_t)has) == 0 || address->family == PAW_FAMILY_IPV4 ||
         address->family == PAW_FAMILY_IPV6;
}

static bool is_writable(const struct paw_stun_message *message) {
  bool error_fits = (message->has & PAW_STUN_HAS_ERROR) == 0 ||
                    (message->error_code >= 300 && message->error_code <= 699 &&
                     message->error_reason.len <= STUN_TEXT_MAX);
  return error_fits && message->method <= 0xfff && message->username.len <= STUN_USERNAME_MAX &&
         message->realm.len <= STUN_TEXT_MAX && message->nonce.len <= STUN_TEXT_MAX &&
         message->software.len <= STUN_TEXT_MAX && message->listed_count <= PAW_STUN_UNKNOWN_MAX &&
         is_address(message, PAW_STUN_HAS_MAPPED, &message->mapped) &&
         is_address(message, PAW_STUN_HAS_XOR_MAPPED, &message->xor_mapped);
}

int paw_stun_write(struct paw_wr *wr, const struct paw_stun_message *message,
                   const struct paw_hmac_key *key) {
  if (wr->len != 0 || !is_writable(message)) {
    return PAW_ERR_INVALID;
  }
  write_header(wr, message);
  write_texts(wr, message);
  write_ice(wr, message);
  write_addresses(wr, message);
  write_error(wr, message);
  if (wr->bad) {
    return PAW_ERR_NO_BUFFER;
  }
  set_length(wr, wr->len);
  if ((message->has & PAW_STUN_HAS_INTEGRITY) != 0) {
    int status = write_integrity(wr, key);
    if (status != PAW_OK) {
      return status;
    }
  }
  if ((message->has & PAW_STUN_HAS_FINGERPRINT) != 0) {
    write_fingerprint(wr);
  }
  return wr->bad ? PAW_ERR_NO_BUFFER : PAW_OK;
}
