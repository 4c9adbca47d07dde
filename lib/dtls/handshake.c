/* SPDX-License-Identifier: MIT */
#include "base/log.h"
#include "base/mem.h"
#include "dtls/private.h"

/* mbedTLS doubles its timeout from the least to the greatest and then gives up. Counting in units
 * of the first interval it does so 32 times; what an interval is in time, set_timer decides. */
#define TIMEOUT_UNITS_MIN 1
#define TIMEOUT_UNITS_MAX UINT32_MAX
/* At 40 % loss one connection in a hundred takes 2.8 s with this cap, 4.7 s with one of 1 s. */
#define RTO_MAX_NS (400 * PAW_NS_PER_MS)
/* After twelve in vain, 4 s, the network is not just lossy; and the 32 shall last for 28 s. */
#define RTO_LATE_NS (1200 * PAW_NS_PER_MS)
#define RTO_LATE_UNITS (1u << 12)

struct paw_dtls_handshake {
  struct paw_dtls_handshake_config config;
  mbedtls_ssl_config ssl_config;
  mbedtls_ssl_context ssl;
  struct paw_mbedtls_export export;
  struct paw_dtls_secrets secrets;
  struct paw_dtls_read_key read_key; /* made of them when a record needs it */
  struct paw_dtls_client_hello client_hello;
  struct paw_slice input; /* what mbedTLS is to read as a datagram */
  uint64_t now_ns;
  uint64_t deadline_ns;
  unsigned sent_count; /* datagrams */
  bool timer_fired;    /* true only inside paw_dtls_handshake_retransmit */
  unsigned matches;    /* of the fingerprints, with the peer's certificate: a bit each */
  enum paw_dtls_reason reason;
  struct paw_dtls_kept_datagram last_flight;
  struct paw_dtls_kept_datagram *capture; /* where the next datagram goes instead of out */
};

/* ---- what mbedTLS calls ---- */

static void keep(struct paw_dtls_kept_datagram *kept, const uint8_t *data, size_t len) {
  kept->len = 0;
  if (len <= sizeof kept->data) {
    memcpy(kept->data, data, len);
    kept->len = (uint8_t)len;
  }
}

/* A datagram for which there is no room is lost, as the network may lose it. */
static int send_datagram(void *user_data, const unsigned char *data, size_t len) {
  struct paw_dtls_handshake *handshake = user_data;
  handshake->sent_count++;
  if (handshake->capture != NULL) {
    keep(handshake->capture, data, len);
    return (int)len;
  }
  /* The server's last flight is ChangeCipherSpec and Finished, in one datagram. */
  if (handshake->config.role == PAW_DTLS_SERVER && data[0] == PAW_DTLS_CONTENT_CHANGE_CIPHER_SPEC) {
    keep(&handshake->last_flight, data, len);
  }
  void *record = paw_ring_push(handshake->config.out, &handshake->config.config->allocator, len);
  if (record != NULL) {
    memcpy(record, data, len);
  }
  return (int)len;
}

static int receive_datagram(void *user_data, unsigned char *out, size_t room) {
  struct paw_dtls_handshake *handshake = user_data;
  size_t len = handshake->input.len;
  if (len == 0) {
    return MBEDTLS_ERR_SSL_WANT_READ;
  }
  handshake->input.len = 0;
  if (len > room) {
    return MBEDTLS_ERR_SSL_WANT_READ;
  }
  memcpy(out, handshake->input.data, len);
  return (int)len;
}

static void set_timer(void *user_data, uint32_t intermediate_units, uint32_t units) {
  (void)intermediate_units;
  struct paw_dtls_handshake *handshake = user_data;
  uint64_t first_ns = handshake->config.config->initial_rto_ns;
  if (units == 0 || units == TIMEOUT_UNITS_MAX) {
    handshake->deadline_ns = PAW_TIME_NEVER;
    return;
  }
  uint64_t cap_ns = units < RTO_LATE_UNITS ? RTO_MAX_NS : RTO_LATE_NS;
  uint64_t longest_ns = first_ns > cap_ns ? first_ns : cap_ns;
  uint64_t interval_ns = units > longest_ns / first_ns ? longest_ns : units * first_ns;
  handshake->deadline_ns = paw_time_add(handshake->now_ns, interval_ns);
}

/* mbedTLS asks before it reads. It shall read everything that came before time counts. */
static int get_timer(void *user_data) {
  const struct paw_dtls_handshake *handshake = user_data;
  if (handshake->deadline_ns == PAW_TIME_NEVER) {
    return -1;
  }
  return handshake->timer_fired ? 2 : 0;
}

/* RFC 8122 section 6.2: the certificate itself must be one that the description announced; who
 * signed it, for what name and when, does not count. Another is answered with bad_certificate,
 * before any key is made. */
static int verify_certificate(void *user_data, mbedtls_x509_crt *certificate, int depth,
                              uint32_t *flags) {
  struct paw_dtls_handshake *handshake = user_data;
  *flags = 0;
  if (depth > 0) {
    return 0;
  }
  handshake->matches = paw_dtls_fingerprint_matches(handshake->config.fingerprints,
                                                    handshake->config.fingerprint_count,
                                                    certificate->raw.p, certificate->raw.len);
  if (handshake->matches == 0) {
    *flags = MBEDTLS_X509_BADCERT_CN_MISMATCH; /* for which mbedTLS says bad_certificate */
    handshake->reason = PAW_DTLS_REASON_FINGERPRINT;
  }
  return 0;
}

static void take_secrets(void *user_data, const uint8_t *master, const uint8_t *client_random,
                         const uint8_t *server_random, mbedtls_tls_prf_types prf) {
  struct paw_dtls_secrets *secrets = user_data;
  memcpy(secrets->master, master, sizeof secrets->master);
  memcpy(secrets->client_random, client_random, sizeof secrets->client_random);
  memcpy(secrets->server_random, server_random, sizeof secrets->server_random);
  secrets->prf = prf;
}

/* ---- set-up ---- */

static int configure_identity(struct paw_dtls_handshake *handshake) {
  mbedtls_ssl_config *config = &handshake->ssl_config;
  /* mbedTLS only reads them. */
  struct paw_certificate *own = (struct paw_certificate *)handshake->config.config->certificate;
  mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_verify(config, verify_certificate, handshake);
  /* Verification wants some authority to be named; which one does not matter, and need not be
   * told to the client. */
  mbedtls_ssl_conf_ca_chain(config, &own->certificate, NULL);
  mbedtls_ssl_conf_cert_req_ca_list(config, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
  return mbedtls_ssl_conf_own_cert(config, &own->certificate, &own->key);
}

static int configure(struct paw_dtls_handshake *handshake) {
  static const int suites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                               MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                               MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                               MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0};
  static const mbedtls_ssl_srtp_profile profiles[] = {MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_80,
                                                      MBEDTLS_TLS_SRTP_UNSET};
  mbedtls_ssl_config *config = &handshake->ssl_config;
  bool server = handshake->config.role == PAW_DTLS_SERVER;
  int ret =
      mbedtls_ssl_config_defaults(config, server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                  MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT);
  if (ret != 0) {
    return ret;
  }
  paw_mbedtls_set_version_and_groups(config);
  mbedtls_ssl_conf_ciphersuites(config, suites);
  mbedtls_ssl_conf_rng(config, paw_dtls_random, (void *)&handshake->config.config->rng);
  mbedtls_ssl_conf_handshake_timeout(config, TIMEOUT_UNITS_MIN, TIMEOUT_UNITS_MAX);
  /* It would believe record numbers in clear. Messages have numbers of their own, and nothing but
   * handshakes ever reaches mbedTLS. */
  mbedtls_ssl_conf_dtls_anti_replay(config, MBEDTLS_SSL_ANTI_REPLAY_DISABLED);
  mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
  if (server) {
    /* RFC 6347 section 4.2.1: cookies keep off senders with forged addresses. ICE has done so. */
    mbedtls_ssl_conf_dtls_cookies(config, NULL, NULL, NULL);
  } else {
    mbedtls_ssl_conf_session_tickets(config, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
  }
  ret = mbedtls_ssl_conf_dtls_srtp_protection_profiles(config, profiles);
  return ret != 0 ? ret : configure_identity(handshake);
}

static int set_up(struct paw_dtls_handshake *handshake) {
  mbedtls_ssl_context *ssl = &handshake->ssl;
  int ret = paw_mbedtls_prepare();
  if (ret == 0) {
    ret = configure(handshake);
  }
  handshake->export = (struct paw_mbedtls_export){take_secrets, &handshake->secrets};
  paw_mbedtls_set_export(ssl, &handshake->ssl_config, &handshake->export);
  if (ret == 0) {
    ret = mbedtls_ssl_setup(ssl, &handshake->ssl_config);
  }
  if (ret == 0) {
    ret = mbedtls_ssl_set_hostname(ssl, NULL); /* said aloud: newer versions insist */
  }
  if (ret != 0) {
    return ret;
  }
  mbedtls_ssl_set_bio(ssl, handshake, send_datagram, receive_datagram, NULL);
  mbedtls_ssl_set_timer_cb(ssl, handshake, set_timer, get_timer);
  mbedtls_ssl_set_mtu(ssl, handshake->config.config->mtu);
  return 0;
}

int paw_dtls_handshake_new(const struct paw_dtls_handshake_config *config,
                           struct paw_dtls_handshake **out) {
  const struct paw_allocator *allocator = &config->config->allocator;
  struct paw_dtls_handshake *handshake = paw_mem_alloc(allocator, sizeof *handshake);
  if (handshake == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  handshake->config = *config;
  handshake->deadline_ns = PAW_TIME_NEVER;
  handshake->reason = PAW_DTLS_REASON_HANDSHAKE;
  mbedtls_ssl_config_init(&handshake->ssl_config);
  mbedtls_ssl_init(&handshake->ssl);
  int ret = set_up(handshake);
  if (ret != 0) {
    paw_dtls_handshake_free(handshake);
    return paw_dtls_is_out_of_memory(ret) ? PAW_ERR_NO_MEMORY : PAW_ERR_CRYPTO;
  }
  *out = handshake;
  return PAW_OK;
}

void paw_dtls_handshake_free(struct paw_dtls_handshake *handshake) {
  if (handshake == NULL) {
    return;
  }
  const struct paw_allocator *allocator = &handshake->config.config->allocator;
  mbedtls_ssl_free(&handshake->ssl);
  mbedtls_ssl_config_free(&handshake->ssl_config);
  paw_dtls_client_hello_wipe(&handshake->client_hello, allocator);
  paw_mem_wipe(handshake, sizeof *handshake);
  paw_mem_free(allocator, handshake);
}

/* ---- progress ---- */

static enum paw_dtls_reason reason_of(const struct paw_dtls_handshake *handshake, int ret) {
  if (handshake->reason == PAW_DTLS_REASON_FINGERPRINT) {
    return PAW_DTLS_REASON_FINGERPRINT;
  }
  if (paw_dtls_is_out_of_memory(ret)) {
    return PAW_DTLS_REASON_NO_MEMORY;
  }
  switch (ret) {
  case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
    return PAW_DTLS_REASON_ALERT;
  case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
    return PAW_DTLS_REASON_CLOSE_NOTIFY;
  default:
    return PAW_DTLS_REASON_HANDSHAKE;
  }
}

static enum paw_dtls_progress fail(struct paw_dtls_handshake *handshake,
                                   enum paw_dtls_reason reason, int ret) {
  handshake->reason = reason;
  paw_log_write(&handshake->config.config->log, PAW_LOG_WARNING, "dtls", "%s (mbedTLS -0x%04x)",
                paw_dtls_reason_text(reason), (unsigned)-ret);
  return PAW_DTLS_FAILED;
}

/* RFC 5764 section 4.1: without a profile there is nothing to protect media with. mbedTLS calls
 * that a success. That the peer was verified is asked again, for all of the trust rests on it. */
static enum paw_dtls_progress check_outcome(struct paw_dtls_handshake *handshake) {
  if (handshake->matches == 0) {
    return fail(handshake, PAW_DTLS_REASON_FINGERPRINT, 0);
  }
  if (paw_mbedtls_srtp_profile(&handshake->ssl) == MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_80) {
    return PAW_DTLS_DONE;
  }
  (void)mbedtls_ssl_send_alert_message(&handshake->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                       MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
  return fail(handshake, PAW_DTLS_REASON_NO_PROFILE, 0);
}

static enum paw_dtls_progress drive(struct paw_dtls_handshake *handshake) {
  int ret = 0;
  do {
    ret = mbedtls_ssl_handshake(&handshake->ssl);
  } while (ret == MBEDTLS_ERR_SSL_WANT_READ && handshake->input.len > 0);
  if (ret == 0) {
    return check_outcome(handshake);
  }
  if (ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
    return PAW_DTLS_GOING;
  }
  return fail(handshake, reason_of(handshake, ret), ret);
}

static enum paw_dtls_progress feed_client_hello(struct paw_dtls_handshake *handshake,
                                                const uint8_t *data, size_t len) {
  int status = paw_dtls_client_hello_add(
      &handshake->client_hello, &handshake->config.config->allocator, data, len, &handshake->input);
  if (status != PAW_OK) {
    return PAW_DTLS_REFUSED;
  }
  return handshake->input.len == 0 ? PAW_DTLS_GOING : drive(handshake);
}

static bool has_read_key(struct paw_dtls_handshake *handshake) {
  if (handshake->read_key.key_len == 0 && handshake->secrets.prf != MBEDTLS_SSL_TLS_PRF_NONE) {
    (void)paw_dtls_read_key_derive(&handshake->secrets, handshake->config.role,
                                   &handshake->read_key);
  }
  return handshake->read_key.key_len != 0;
}

/* While mbedTLS waits for Finished, one sealed record that it cannot open ends the handshake, and
 * it keeps one that comes before its time. So none is given to it that does not prove itself; what
 * comes before the keys is lost, and repeated (RFC 6347 section 4.1 allows either). */
static bool may_be_read(struct paw_dtls_handshake *handshake,
                        const struct paw_dtls_record *record) {
  return record->epoch == 0 || (record->epoch == 1 && has_read_key(handshake) &&
                                paw_dtls_record_is_authentic(&handshake->read_key, record));
}

/* Record by record: what is in clear may make the keys for what is not. */
static enum paw_dtls_progress feed_records(struct paw_dtls_handshake *handshake,
                                           const uint8_t *data, size_t len) {
  struct paw_rd rd = paw_rd_init(data, len);
  struct paw_dtls_record record;
  enum paw_dtls_progress progress = PAW_DTLS_GOING;
  bool refused = false;
  while (progress == PAW_DTLS_GOING && paw_dtls_record_read(&rd, &record)) {
    if (may_be_read(handshake, &record)) {
      handshake->input = record.bytes;
      progress = drive(handshake);
    } else {
      refused = true;
    }
  }
  return progress == PAW_DTLS_GOING && refused ? PAW_DTLS_REFUSED : progress;
}

enum paw_dtls_progress paw_dtls_handshake_begin(struct paw_dtls_handshake *handshake,
                                                uint64_t now_ns) {
  handshake->now_ns = now_ns;
  return drive(handshake);
}

enum paw_dtls_progress paw_dtls_handshake_feed(struct paw_dtls_handshake *handshake,
                                               const uint8_t *data, size_t len, uint64_t now_ns) {
  handshake->now_ns = now_ns;
  if (handshake->config.role == PAW_DTLS_SERVER && paw_dtls_client_hello_is_fragment(data, len)) {
    return feed_client_hello(handshake, data, len);
  }
  return feed_records(handshake, data, len);
}

enum paw_dtls_progress paw_dtls_handshake_retransmit(struct paw_dtls_handshake *handshake,
                                                     uint64_t now_ns) {
  handshake->now_ns = now_ns;
  handshake->timer_fired = true;
  enum paw_dtls_progress progress = drive(handshake);
  handshake->timer_fired = false;
  return progress;
}

uint64_t paw_dtls_handshake_deadline(const struct paw_dtls_handshake *handshake) {
  return handshake->deadline_ns;
}

bool paw_dtls_handshake_has_spoken(const struct paw_dtls_handshake *handshake) {
  return handshake->sent_count > 0;
}

enum paw_dtls_reason paw_dtls_handshake_reason(const struct paw_dtls_handshake *handshake) {
  return handshake->reason;
}

/* The close_notify that will end the connection is made now, while there is a context to make it
 * with; nothing else will be sent under its record number. */
int paw_dtls_handshake_finish(struct paw_dtls_handshake *handshake, struct paw_dtls_result *out) {
  *out = (struct paw_dtls_result){0};
  int status = paw_dtls_srtp_keys_derive(&handshake->secrets, handshake->config.role, &out->keys);
  if (status != PAW_OK || !has_read_key(handshake)) {
    return PAW_ERR_CRYPTO;
  }
  out->fingerprints = handshake->matches;
  out->read_key = handshake->read_key;
  out->last_flight = handshake->last_flight;
  handshake->capture = &out->close_notify;
  int ret = mbedtls_ssl_close_notify(&handshake->ssl);
  handshake->capture = NULL;
  return ret == 0 ? PAW_OK : PAW_ERR_CRYPTO;
}
