/* SPDX-License-Identifier: MIT */
/**
 * @file dtls.h
 * A DTLS-SRTP endpoint (RFC 5764, RFC 6347, RFC 8827): handshake, verified fingerprint, SRTP keys,
 * close_notify. DTLS 1.2, ECDHE with AES-GCM, SRTP_AES128_CM_HMAC_SHA1_80. Own certificates are of
 * P-256, the peer's may be of RSA.
 *
 * Once connected it is small (about 1 kB): mbedTLS's context is gone. What it still does is to
 * repeat the server's last flight, twice unasked within 60 ms and whenever the client repeats its
 * own, to send a close_notify, and to take one that is authentic, which it answers with its own.
 *
 * It knows no addresses: the caller feeds it DTLS datagrams that came on a validated ICE pair and
 * sends what it gives on the pair in use.
 */
#ifndef PAWEBRTC_DTLS_H
#define PAWEBRTC_DTLS_H

#include <pawebrtc/description.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A self-signed certificate with its key. May serve any number of endpoints, all used by one
 * thread: mbedTLS keeps tables in the key while signing.
 */
struct paw_certificate;

/**
 * Make a P-256 key and a self-signed certificate with a random serial. Its validity runs from 2000
 * to 2099: peers check the fingerprint, and some of our hosts boot in 1970.
 *
 * @return PAW_OK; PAW_ERR_NO_MEMORY; PAW_ERR_RANDOM; PAW_ERR_CRYPTO
 */
PAW_API int paw_certificate_generate(const struct paw_rng *rng,
                                     const struct paw_allocator *allocator,
                                     struct paw_certificate **out);

/**
 * Take a certificate and its EC private key, each in DER.
 *
 * @return PAW_OK; PAW_ERR_MALFORMED; PAW_ERR_UNSUPPORTED (key is not P-256, or not the
 *         certificate's); PAW_ERR_NO_MEMORY
 */
PAW_API int paw_certificate_import(const uint8_t *certificate_der, size_t certificate_len,
                                   const uint8_t *key_der, size_t key_len,
                                   const struct paw_rng *rng, const struct paw_allocator *allocator,
                                   struct paw_certificate **out);

/**
 * Write the certificate and the private key in DER; probe sizes with NULL buffers.
 *
 * @param certificate_len, key_len  in: room; out: bytes needed or written
 * @return PAW_OK; PAW_ERR_NO_BUFFER
 */
PAW_API int paw_certificate_export(const struct paw_certificate *certificate,
                                   uint8_t *certificate_der, size_t *certificate_len,
                                   uint8_t *key_der, size_t *key_len);

/** Free; no endpoint may use it any more. NULL is allowed. */
PAW_API void paw_certificate_free(struct paw_certificate *certificate);

/** Its SHA-256 fingerprint. */
PAW_API void paw_certificate_get_fingerprint(const struct paw_certificate *certificate,
                                             struct paw_fingerprint *out);

struct paw_dtls;

enum paw_dtls_role { PAW_DTLS_CLIENT, PAW_DTLS_SERVER };

/** Why an endpoint ended. */
#define PAW_DTLS_REASON_MAP(X)                                                                     \
  X(NONE, "not ended")                                                                             \
  X(LOCAL, "closed by this side")                                                                  \
  X(CLOSE_NOTIFY, "closed by the peer")                                                            \
  X(FINGERPRINT, "the peer's certificate matches no fingerprint of its description")               \
  X(NO_PROFILE, "no SRTP protection profile was agreed")                                           \
  X(ALERT, "fatal alert from the peer")                                                            \
  X(HANDSHAKE, "the handshake failed")                                                             \
  X(TIMEOUT, "the handshake timed out")                                                            \
  X(NO_MEMORY, "out of memory")

enum paw_dtls_reason {
#define PAW_DTLS_REASON_ENUM(name, text) PAW_DTLS_REASON_##name,
  PAW_DTLS_REASON_MAP(PAW_DTLS_REASON_ENUM)
#undef PAW_DTLS_REASON_ENUM
};

/** The text of a reason; static, never NULL. */
PAW_API const char *paw_dtls_reason_text(enum paw_dtls_reason reason);

enum paw_dtls_state {
  PAW_DTLS_STATE_NEW,
  PAW_DTLS_STATE_HANDSHAKE,
  PAW_DTLS_STATE_CONNECTED,
  PAW_DTLS_STATE_CLOSED,
};

struct paw_dtls_config {
  size_t struct_size;
  const struct paw_certificate *certificate; /**< required; must outlive the endpoint */
  struct paw_allocator allocator;
  struct paw_rng rng; /**< required */
  struct paw_log log;
  uint64_t initial_rto_ns;       /**< first retransmission; 50 ms, doubling up to 400 ms, and
                                    after twelve in vain to 1.2 s */
  uint64_t handshake_timeout_ns; /**< handshake not done by then: TIMEOUT. 30 s; beyond that nothing
                                    is retransmitted any more */
  uint16_t mtu;                  /**< largest datagram to send, 1200 */
};

PAW_API void paw_dtls_config_init(struct paw_dtls_config *config);

/** @return PAW_OK; PAW_ERR_INVALID; PAW_ERR_NO_MEMORY */
PAW_API int paw_dtls_new(const struct paw_dtls_config *config, struct paw_dtls **out);

/** Free in any state; wipes keys. NULL is allowed. */
PAW_API void paw_dtls_free(struct paw_dtls *dtls);

/**
 * Say what the peer's certificate must look like: one of these fingerprints of a supported hash.
 * Without any, the handshake ends with FINGERPRINT.
 *
 * @return PAW_OK; PAW_ERR_INVALID (none of a supported hash; SHA-1 is not); PAW_ERR_LIMIT;
 *         PAW_ERR_STATE once the handshake has started
 */
PAW_API int paw_dtls_set_remote_fingerprints(struct paw_dtls *dtls,
                                             const struct paw_fingerprint *fingerprints,
                                             size_t count);

/**
 * Does it stand for the certificate of this association? Until the peer has shown one, any of
 * paw_dtls_set_remote_fingerprints of a supported hash may; afterwards those do that match it.
 */
PAW_API bool paw_dtls_has_remote_fingerprint(const struct paw_dtls *dtls,
                                             const struct paw_fingerprint *fingerprint);

/**
 * Begin. As client the first flight is ready to poll; as server datagrams are awaited. Datagrams
 * fed before are kept (a bounded few) and read now.
 *
 * @return PAW_OK; PAW_ERR_STATE; PAW_ERR_NO_MEMORY; PAW_ERR_CRYPTO
 */
PAW_API int paw_dtls_start(struct paw_dtls *dtls, enum paw_dtls_role role, uint64_t now_ns);

/**
 * Feed one datagram whose first byte is 20..63, or the passing of time. `input->local` and `remote`
 * are not used. Garbage is dropped and counted; a fatal failure is an event. The retransmission
 * timer acts in TIMEOUT inputs and in paw_dtls_poll_output, so that all datagrams at hand are read
 * before.
 *
 * @return PAW_OK; PAW_ERR_INVALID; PAW_ERR_STATE after close
 */
PAW_API int paw_dtls_handle_input(struct paw_dtls *dtls, const struct paw_input *input);

enum paw_dtls_event_kind {
  PAW_DTLS_EVENT_CONNECTED, /**< fingerprint verified, profile agreed, keys ready */
  PAW_DTLS_EVENT_CLOSED,    /**< see reason; no keys if it never was connected */
};

struct paw_dtls_output {
  enum paw_output_kind kind;
  union {
    struct paw_transmit transmit; /**< addresses empty, dscp 0: the caller fills them */
    struct {
      enum paw_dtls_event_kind kind;
      enum paw_dtls_reason reason;
    } event;
    struct paw_timeout timeout;
  };
};

/** As paw_ice_poll_output; transmit.data is valid until the next non-const call on `dtls`. */
PAW_API void paw_dtls_poll_output(struct paw_dtls *dtls, struct paw_dtls_output *out);

/** SRTP master keys and salts for SRTP_AES128_CM_HMAC_SHA1_80 (RFC 5764 section 4.2). */
struct paw_srtp_keys {
  uint8_t local_key[16]; /**< protects what this side sends */
  uint8_t local_salt[14];
  uint8_t remote_key[16];
  uint8_t remote_salt[14];
};

/** @return PAW_OK; PAW_ERR_STATE: not connected. The caller wipes `out` after use. */
PAW_API int paw_dtls_get_keys(const struct paw_dtls *dtls, struct paw_srtp_keys *out);

/**
 * Authenticated SRTP or SRTCP came from the peer: it has the keys, so it has our last flight, which
 * is neither kept nor repeated any longer.
 */
PAW_API void paw_dtls_note_peer_complete(struct paw_dtls *dtls);

PAW_API enum paw_dtls_state paw_dtls_get_state(const struct paw_dtls *dtls);

struct paw_dtls_stats {
  uint64_t datagrams_received;
  uint64_t datagrams_sent;
  uint64_t retransmissions; /**< times that the retransmission timer fired */
  uint64_t dropped;         /**< not DTLS, out of bounds, or refused before authentication */
};

PAW_API void paw_dtls_get_stats(const struct paw_dtls *dtls, struct paw_dtls_stats *out);

/**
 * End, with CLOSED/LOCAL. If the handshake was done, a close_notify is ready to poll, twice: one of
 * the two may be lost. Idempotent.
 */
PAW_API void paw_dtls_close(struct paw_dtls *dtls);

#ifdef __cplusplus
}
#endif
#endif
