/* SPDX-License-Identifier: MIT */
/* What reading and writing share: numbers of the wire. */
#ifndef PAW_STUN_STUN_PRIVATE_H
#define PAW_STUN_STUN_PRIVATE_H

#define STUN_COOKIE UINT32_C(0x2112a442)
#define STUN_FINGERPRINT_XOR UINT32_C(0x5354554e)
#define STUN_ATTRIBUTE_HEADER_LEN 4

/* RFC 8489 section 18.3 and RFC 8445 section 20.1. */
enum stun_attribute {
  STUN_MAPPED_ADDRESS = 0x0001,
  STUN_USERNAME = 0x0006,
  STUN_MESSAGE_INTEGRITY = 0x0008,
  STUN_ERROR_CODE = 0x0009,
  STUN_UNKNOWN_ATTRIBUTES = 0x000a,
  STUN_REALM = 0x0014,
  STUN_NONCE = 0x0015,
  STUN_XOR_MAPPED_ADDRESS = 0x0020,
  STUN_PRIORITY = 0x0024,
  STUN_USE_CANDIDATE = 0x0025,
  STUN_SOFTWARE = 0x8022,
  STUN_FINGERPRINT = 0x8028,
  STUN_ICE_CONTROLLED = 0x8029,
  STUN_ICE_CONTROLLING = 0x802a,
};

#define STUN_FIRST_OPTIONAL 0x8000 /* types from here on may be ignored (RFC 8489 section 14) */

/* RFC 8489 section 14.3 says 508; two ICE ufrags and a colon make 513 (RFC 8839 section 5.4). */
#define STUN_USERNAME_MAX 513
#define STUN_TEXT_MAX 763 /* bytes of REALM, NONCE, SOFTWARE, reason: 127 characters of UTF-8 */

enum stun_address_family { STUN_FAMILY_IPV4 = 1, STUN_FAMILY_IPV6 = 2 };

static inline size_t stun_padding(size_t len) {
  return (4 - (len & 3)) & 3;
}

#endif
