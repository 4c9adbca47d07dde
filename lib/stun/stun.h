/* SPDX-License-Identifier: MIT */
/* STUN messages (RFC 8489) with the attributes of ICE (RFC 8445 section 16.1): bytes to a struct
 * and back, MESSAGE-INTEGRITY, FINGERPRINT. No state, no time, no allocation. */
#ifndef PAW_STUN_STUN_H
#define PAW_STUN_STUN_H

#include <pawebrtc/base.h>

#include "base/hmac.h"
#include "base/limits.h"
#include "base/rd.h"
#include "base/wr.h"

#define PAW_STUN_HEADER_LEN 20
#define PAW_STUN_ID_LEN 12
#define PAW_STUN_METHOD_BINDING 0x001

enum paw_stun_class {
  PAW_STUN_REQUEST,
  PAW_STUN_INDICATION,
  PAW_STUN_SUCCESS,
  PAW_STUN_ERROR,
};

/* Which members of a message are there. A bit each. */
enum paw_stun_has {
  PAW_STUN_HAS_USERNAME = 1 << 0,
  PAW_STUN_HAS_REALM = 1 << 1,
  PAW_STUN_HAS_NONCE = 1 << 2,
  PAW_STUN_HAS_SOFTWARE = 1 << 3,
  PAW_STUN_HAS_PRIORITY = 1 << 4,
  PAW_STUN_HAS_USE_CANDIDATE = 1 << 5,
  PAW_STUN_HAS_CONTROLLING = 1 << 6,
  PAW_STUN_HAS_CONTROLLED = 1 << 7,
  PAW_STUN_HAS_MAPPED = 1 << 8,
  PAW_STUN_HAS_XOR_MAPPED = 1 << 9,
  PAW_STUN_HAS_ERROR = 1 << 10,
  PAW_STUN_HAS_LISTED = 1 << 11,
  PAW_STUN_HAS_INTEGRITY = 1 << 12,
  PAW_STUN_HAS_FINGERPRINT = 1 << 13,
};

/* Slices point into the datagram read, or to whatever the writer's caller lends. */
struct paw_stun_message {
  enum paw_stun_class class;
  uint16_t method;
  uint8_t id[PAW_STUN_ID_LEN];
  uint32_t has; /* enum paw_stun_has */
  struct paw_slice username;
  struct paw_slice realm;
  struct paw_slice nonce;
  struct paw_slice software;
  uint32_t priority;
  uint64_t controlling; /* tie-breakers */
  uint64_t controlled;
  struct paw_address mapped;
  struct paw_address xor_mapped;
  uint16_t error_code; /* 300..699 */
  struct paw_slice error_reason;
  size_t listed_count; /* UNKNOWN-ATTRIBUTES; more than fit are dropped */
  uint16_t listed[PAW_STUN_UNKNOWN_MAX];

  /* Set by reading only. */
  size_t unknown_count; /* comprehension-required attributes that are not known here, ditto */
  uint16_t unknown[PAW_STUN_UNKNOWN_MAX];
  struct paw_slice datagram;
  size_t integrity_offset; /* of the attributes, in the datagram */
  size_t fingerprint_offset;
};

/* The rule that a datagram breaks. */
#define PAW_STUN_FAULT_MAP(X)                                                                      \
  X(NONE, "a STUN message")                                                                        \
  X(SHORT, "shorter than a header")                                                                \
  X(TOP_BITS, "the two top bits are not zero")                                                     \
  X(COOKIE, "no magic cookie")                                                                     \
  X(LENGTH, "length is not a multiple of 4, or not the datagram's")                                \
  X(ATTRIBUTE_OVERRUN, "an attribute goes past the end")                                           \
  X(ATTRIBUTE_SIZE, "an attribute has a size that its type cannot have")                           \
  X(ADDRESS_FAMILY, "an address of no known family")                                               \
  X(ERROR_CODE, "an error code outside 300..699")                                                  \
  X(FINGERPRINT_NOT_LAST, "an attribute after FINGERPRINT")

enum paw_stun_fault {
#define PAW_STUN_FAULT_ENUM(name, text) PAW_STUN_FAULT_##name,
  PAW_STUN_FAULT_MAP(PAW_STUN_FAULT_ENUM)
#undef PAW_STUN_FAULT_ENUM
};

const char *paw_stun_fault_text(enum paw_stun_fault fault);

/* Read one datagram. Of an attribute that comes twice the first counts; after MESSAGE-INTEGRITY
 * nothing but FINGERPRINT does (RFC 8489 sections 14 and 14.5). Neither is verified here.
 * `out` is undefined unless the fault is NONE. */
enum paw_stun_fault paw_stun_read(const uint8_t *data, size_t len, struct paw_stun_message *out);

/* Is MESSAGE-INTEGRITY there and right? The key of short-term credentials is the password. */
bool paw_stun_check_integrity(const struct paw_stun_message *message,
                              const struct paw_hmac_key *key);

/* Is FINGERPRINT there and right? */
bool paw_stun_check_fingerprint(const struct paw_stun_message *message);

/* Write the message at the beginning of an empty cursor: the members in `has`, MESSAGE-INTEGRITY
 * with `key` and FINGERPRINT when their bits are set (`key` is not looked at otherwise). PAW_OK;
 * PAW_ERR_NO_BUFFER; PAW_ERR_CRYPTO; PAW_ERR_INVALID: the cursor is not empty, or a member is out
 * of range. */
int paw_stun_write(struct paw_wr *wr, const struct paw_stun_message *message,
                   const struct paw_hmac_key *key);

/* ---- a cheap look, for demultiplexing ---- */

/* Does the header hold (RFC 8489 section 5)? */
bool paw_stun_is_message(const uint8_t *data, size_t len);

/* Class and transaction id of what paw_stun_is_message takes. */
enum paw_stun_class paw_stun_peek_class(const uint8_t *data);
const uint8_t *paw_stun_peek_id(const uint8_t *data);

/* The USERNAME of a request, unverified. False when it is no request or has none. */
bool paw_stun_peek_username(const uint8_t *data, size_t len, struct paw_slice *username);

/* The part of a USERNAME before the colon: the ufrag of the agent asked (RFC 8445 section 7.2.2).
 * Empty when there is no colon. */
struct paw_slice paw_stun_username_ufrag(struct paw_slice username);

/* ---- for tests ---- */

/* The CRC-32 of ITU-T V.42. */
uint32_t paw_stun_crc32(const uint8_t *data, size_t len);

#endif
