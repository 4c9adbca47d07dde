/* SPDX-License-Identifier: MIT */
/* What the files of this room share. */
#ifndef PAW_DTLS_PRIVATE_H
#define PAW_DTLS_PRIVATE_H

#include "base/limits.h"
#include "base/mbedtls_compat.h"
#include "base/rd.h"
#include "base/ring.h"
#include "base/time.h"

#include <pawebrtc/dtls.h>

/* ---- certificate.c ---- */

struct paw_certificate {
  struct paw_allocator allocator;
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
  struct paw_fingerprint fingerprint; /* SHA-256 */
};

/* mbedTLS's random source over ours; `user_data` is a struct paw_rng. */
int paw_dtls_random(void *user_data, unsigned char *out, size_t len);

/* Is this the code of an allocation that failed somewhere inside mbedTLS? */
bool paw_dtls_is_out_of_memory(int mbedtls_error);

/* ---- fingerprint.c ---- */

/* PAW_OK; PAW_ERR_UNSUPPORTED (SHA-1, RFC 8122 section 5); PAW_ERR_CRYPTO. */
int paw_dtls_fingerprint_compute(const uint8_t *der, size_t len, enum paw_hash hash,
                                 struct paw_fingerprint *out);
bool paw_dtls_fingerprint_is_supported(const struct paw_fingerprint *fingerprint);

/* Which of them belong to this certificate: a bit each, the first one's the lowest. */
unsigned paw_dtls_fingerprint_matches(const struct paw_fingerprint *fingerprints, size_t count,
                                      const uint8_t *der, size_t len);

/* ---- record.c ---- */

enum paw_dtls_content {
  PAW_DTLS_CONTENT_CHANGE_CIPHER_SPEC = 20,
  PAW_DTLS_CONTENT_ALERT = 21,
  PAW_DTLS_CONTENT_HANDSHAKE = 22,
  PAW_DTLS_CONTENT_APPLICATION = 23,
};

/* RFC 6347 section 4.1. */
struct paw_dtls_record {
  uint8_t content; /* enum paw_dtls_content */
  uint16_t version;
  uint16_t epoch;
  uint64_t sequence; /* 48 bits */
  struct paw_slice body;
  struct paw_slice bytes; /* all of it, with its header */
};

#define PAW_DTLS_RECORD_HEADER_LEN 13
#define PAW_DTLS_HANDSHAKE_HEADER_LEN 12
#define PAW_DTLS_CLIENT_HELLO 1

/* Take the next record off the datagram; false at its end or where it is no DTLS. */
bool paw_dtls_record_read(struct paw_rd *rd, struct paw_dtls_record *out);

/* RFC 6347 section 4.2.2. */
struct paw_dtls_fragment {
  uint8_t type;
  uint32_t message_len;
  uint16_t message_sequence;
  uint32_t offset;
  struct paw_slice body;
};

bool paw_dtls_fragment_read(struct paw_rd *rd, struct paw_dtls_fragment *out);

/* Something that a handshake in this role may hear? mbedTLS gives up the whole handshake over
 * messages that it does not expect, so what nobody in the peer's role would send stays outside. */
bool paw_dtls_datagram_is_expected(const uint8_t *data, size_t len, enum paw_dtls_role role,
                                   bool spoken);

/* Does it begin with a fatal alert in clear? */
bool paw_dtls_datagram_is_refusal(const uint8_t *data, size_t len);

/* ---- client_hello.c ---- */

/* A ClientHello that comes in fragments (RFC 6347 section 4.2.3); mbedTLS 2.28 takes none such. */
struct paw_dtls_client_hello {
  uint8_t *block; /* NULL while nothing is held: header room, message, one bit a byte that came */
  uint32_t message_len;
  uint16_t message_sequence;
  uint32_t missing; /* bytes */
};

/* Does this datagram begin with a part of a ClientHello that is not the whole? */
bool paw_dtls_client_hello_is_fragment(const uint8_t *data, size_t len);

/* Take its fragments in. When that completes the message, `whole` is the datagram that it would
 * have been in one piece, valid until the next call; else it is empty.
 * PAW_OK; PAW_ERR_MALFORMED; PAW_ERR_LIMIT: too long; PAW_ERR_NO_MEMORY. */
int paw_dtls_client_hello_add(struct paw_dtls_client_hello *hello,
                              const struct paw_allocator *allocator, const uint8_t *data,
                              size_t len, struct paw_slice *whole);
void paw_dtls_client_hello_wipe(struct paw_dtls_client_hello *hello,
                                const struct paw_allocator *allocator);

/* ---- keys.c ---- */

/* What the handshake leaves behind. */
struct paw_dtls_secrets {
  uint8_t master[48];
  uint8_t client_random[32];
  uint8_t server_random[32];
  mbedtls_tls_prf_types prf; /* NONE until they are there */
};

/* To open records of the peer after mbedTLS's context is gone (RFC 5288). */
struct paw_dtls_read_key {
  uint8_t key[32];
  uint8_t key_len; /* 16 or 32; 0: none yet */
  uint8_t implicit_nonce[4];
};

/* PAW_OK; PAW_ERR_CRYPTO. */
int paw_dtls_srtp_keys_derive(const struct paw_dtls_secrets *secrets, enum paw_dtls_role role,
                              struct paw_srtp_keys *out);
int paw_dtls_read_key_derive(const struct paw_dtls_secrets *secrets, enum paw_dtls_role role,
                             struct paw_dtls_read_key *out);

/* Was this record sealed by who has the key? */
bool paw_dtls_record_is_authentic(const struct paw_dtls_read_key *key,
                                  const struct paw_dtls_record *record);

struct paw_dtls_alert {
  uint8_t level; /* 1 warning, 2 fatal */
  uint8_t description;
};

/* Authenticate and read an encrypted alert. PAW_OK; PAW_ERR_MALFORMED; PAW_ERR_AUTH. */
int paw_dtls_alert_open(const struct paw_dtls_read_key *key, const struct paw_dtls_record *record,
                        struct paw_dtls_alert *out);

/* ---- handshake.c ---- */

enum paw_dtls_progress {
  PAW_DTLS_GOING,
  PAW_DTLS_REFUSED, /* going on; the datagram, or a record of it, was not taken */
  PAW_DTLS_DONE,
  PAW_DTLS_FAILED,
};

struct paw_dtls_kept_datagram {
  uint8_t len;
  uint8_t data[PAW_DTLS_KEPT_BYTES];
};

/* What outlives mbedTLS's context. */
struct paw_dtls_result {
  struct paw_srtp_keys keys;
  unsigned fingerprints; /* that the peer's certificate has: a bit each */
  struct paw_dtls_read_key read_key;
  struct paw_dtls_kept_datagram last_flight;  /* of the server: repeated as it was */
  struct paw_dtls_kept_datagram close_notify; /* made beforehand */
};

/* Everything needed only while the handshake lasts; most of it mbedTLS's 40 kB. */
struct paw_dtls_handshake;

struct paw_dtls_handshake_config {
  const struct paw_dtls_config *config;
  const struct paw_fingerprint *fingerprints;
  size_t fingerprint_count;
  enum paw_dtls_role role;
  struct paw_ring *out; /* datagrams to send */
};

/* `config` is copied, what it points to must outlive the handshake.
 * PAW_OK; PAW_ERR_NO_MEMORY; PAW_ERR_CRYPTO. */
int paw_dtls_handshake_new(const struct paw_dtls_handshake_config *config,
                           struct paw_dtls_handshake **out);
void paw_dtls_handshake_free(struct paw_dtls_handshake *handshake);

/* The client's first flight. */
enum paw_dtls_progress paw_dtls_handshake_begin(struct paw_dtls_handshake *handshake,
                                                uint64_t now_ns);

/* One datagram. */
enum paw_dtls_progress paw_dtls_handshake_feed(struct paw_dtls_handshake *handshake,
                                               const uint8_t *data, size_t len, uint64_t now_ns);

/* The retransmission timer fired. */
enum paw_dtls_progress paw_dtls_handshake_retransmit(struct paw_dtls_handshake *handshake,
                                                     uint64_t now_ns);
uint64_t paw_dtls_handshake_deadline(const struct paw_dtls_handshake *handshake);

/* Has anything been sent, so that more than a ClientHello may come? */
bool paw_dtls_handshake_has_spoken(const struct paw_dtls_handshake *handshake);

/* After FAILED. */
enum paw_dtls_reason paw_dtls_handshake_reason(const struct paw_dtls_handshake *handshake);

/* After DONE: take what is left of it. PAW_OK; PAW_ERR_CRYPTO. */
int paw_dtls_handshake_finish(struct paw_dtls_handshake *handshake, struct paw_dtls_result *out);

#endif
