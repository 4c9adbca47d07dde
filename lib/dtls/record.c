/* SPDX-License-Identifier: MIT */
#include "dtls/private.h"

#define ALERT_FATAL 2

/* RFC 6347 section 4.1: 0xfeff and 0xfefd are 1.0 and 1.2; a first ClientHello may carry either. */
static bool is_version(uint16_t version) {
  return version == 0xfeff || version == 0xfefd;
}

bool paw_dtls_record_read(struct paw_rd *rd, struct paw_dtls_record *out) {
  struct paw_dtls_record record = {.bytes.data = rd->next};
  record.content = paw_rd_u8(rd);
  record.version = paw_rd_u16(rd);
  record.epoch = paw_rd_u16(rd);
  record.sequence = (uint64_t)paw_rd_u16(rd) << 32;
  record.sequence |= paw_rd_u32(rd);
  record.body = paw_rd_bytes(rd, paw_rd_u16(rd));
  if (rd->bad || record.content < PAW_DTLS_CONTENT_CHANGE_CIPHER_SPEC ||
      record.content > PAW_DTLS_CONTENT_APPLICATION || !is_version(record.version)) {
    return false;
  }
  record.bytes.len = PAW_DTLS_RECORD_HEADER_LEN + record.body.len;
  *out = record;
  return true;
}

bool paw_dtls_fragment_read(struct paw_rd *rd, struct paw_dtls_fragment *out) {
  struct paw_dtls_fragment fragment = {0};
  fragment.type = paw_rd_u8(rd);
  fragment.message_len = paw_rd_u24(rd);
  fragment.message_sequence = paw_rd_u16(rd);
  fragment.offset = paw_rd_u24(rd);
  fragment.body = paw_rd_bytes(rd, paw_rd_u24(rd));
  if (rd->bad || fragment.offset + fragment.body.len > fragment.message_len) {
    return false;
  }
  *out = fragment;
  return true;
}

/* RFC 5246 section 7.4: which messages a peer sends in clear to one in this role. */
static bool is_message_for(enum paw_dtls_role role, uint8_t type) {
  switch (role) {
  case PAW_DTLS_CLIENT:
    return (type >= 2 && type <= 4) || (type >= 11 && type <= 14) || type == 22;
  case PAW_DTLS_SERVER:
    return type == PAW_DTLS_CLIENT_HELLO || type == 11 || type == 15 || type == 16;
  }
  return false;
}

static bool is_record_for(enum paw_dtls_role role, const struct paw_dtls_record *record) {
  if (record->epoch != 0) {
    return true;
  }
  struct paw_rd rd = paw_rd_init(record->body.data, record->body.len);
  switch ((enum paw_dtls_content)record->content) {
  case PAW_DTLS_CONTENT_ALERT: /* nobody has signed it */
    return false;
  case PAW_DTLS_CONTENT_HANDSHAKE:
    while (rd.left > 0) {
      struct paw_dtls_fragment fragment;
      if (!paw_dtls_fragment_read(&rd, &fragment) || !is_message_for(role, fragment.type)) {
        return false;
      }
    }
    return record->body.len > 0;
  case PAW_DTLS_CONTENT_CHANGE_CIPHER_SPEC:
    return paw_rd_u8(&rd) == 1 && record->body.len == 1;
  case PAW_DTLS_CONTENT_APPLICATION:
    return false;
  }
  return false;
}

static bool begins_client_hello(const struct paw_dtls_record *record) {
  return record->epoch == 0 && record->content == PAW_DTLS_CONTENT_HANDSHAKE &&
         record->body.len > 0 && record->body.data[0] == PAW_DTLS_CLIENT_HELLO;
}

bool paw_dtls_datagram_is_expected(const uint8_t *data, size_t len, enum paw_dtls_role role,
                                   bool spoken) {
  struct paw_rd rd = paw_rd_init(data, len);
  bool first = role == PAW_DTLS_SERVER && !spoken;
  while (rd.left > 0) {
    struct paw_dtls_record record;
    if (!paw_dtls_record_read(&rd, &record) || !is_record_for(role, &record) ||
        (first && !begins_client_hello(&record))) {
      return false;
    }
  }
  return len > 0;
}

bool paw_dtls_datagram_is_refusal(const uint8_t *data, size_t len) {
  struct paw_rd rd = paw_rd_init(data, len);
  struct paw_dtls_record record;
  return paw_dtls_record_read(&rd, &record) && record.content == PAW_DTLS_CONTENT_ALERT &&
         record.epoch == 0 && record.body.len == 2 && record.body.data[0] == ALERT_FATAL;
}
