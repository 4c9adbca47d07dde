/* SPDX-License-Identifier: MIT */
/* A plain mbedTLS end, set up by hand: what our endpoint meets that is not itself. */
#ifndef DTLS_RAW_PEER_H
#define DTLS_RAW_PEER_H

#include "base/mbedtls_compat.h"
#include "kit/rng.h"

#include <pawebrtc/dtls.h>

#define RAW_QUEUE_MAX 32

/* Longer than any datagram on the wire: mbedTLS never cuts its own ClientHello. */
struct raw_datagram {
  size_t len;
  uint8_t data[4096];
};

struct raw_queue {
  size_t count;
  struct raw_datagram items[RAW_QUEUE_MAX];
};

/* Zero means the default, which is what our endpoint offers too. */
struct raw_config {
  enum paw_dtls_role role;
  const int *suites;                        /* ended by 0 */
  const mbedtls_ssl_srtp_profile *profiles; /* ended by UNSET */
  const mbedtls_ecp_group_id *groups;       /* ended by NONE */
  bool no_srtp;
  bool no_certificate;
  bool rsa; /* its certificate is one of RSA instead of P-256 */
  bool renegotiates;
  const char **protocols; /* to name by ALPN, ended by NULL: they make a ClientHello long */
};

struct raw_peer {
  mbedtls_ssl_config config;
  mbedtls_ssl_context ssl;
  struct kit_rng rng;
  struct paw_rng hook;
  struct paw_certificate *certificate;
  struct paw_mbedtls_export export;
  uint8_t master[48];
  uint8_t randoms[64]; /* client's, server's */
  mbedtls_tls_prf_types prf;
  struct raw_queue in;
  struct raw_queue out;
  int result; /* of the last mbedtls_ssl_handshake or mbedtls_ssl_read */
};

void raw_peer_init(struct raw_peer *peer, const struct raw_config *config);
void raw_peer_wipe(struct raw_peer *peer);

/* Let it read what came, and go on with its handshake or, after that, with its reading. */
void raw_peer_step(struct raw_peer *peer);

/* What RFC 5764 section 4.2 makes of its secrets: 60 bytes. */
void raw_peer_export(const struct raw_peer *peer, uint8_t *out);

#endif
