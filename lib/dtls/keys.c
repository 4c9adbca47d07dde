/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/wr.h"
#include "dtls/private.h"

#define SRTP_KEY_LEN 16
#define SRTP_SALT_LEN 14
#define NONCE_LEN 4

static void join(uint8_t *out, const uint8_t *first, const uint8_t *second) {
  memcpy(out, first, 32);
  memcpy(out + 32, second, 32);
}

/* RFC 5764 section 4.2: client key, server key, client salt, server salt. */
int paw_dtls_srtp_keys_derive(const struct paw_dtls_secrets *secrets, enum paw_dtls_role role,
                              struct paw_srtp_keys *out) {
  uint8_t randoms[64];
  uint8_t block[2 * (SRTP_KEY_LEN + SRTP_SALT_LEN)];
  join(randoms, secrets->client_random, secrets->server_random);
  int ret =
      mbedtls_ssl_tls_prf(secrets->prf, secrets->master, sizeof secrets->master,
                          "EXTRACTOR-dtls_srtp", randoms, sizeof randoms, block, sizeof block);
  if (ret != 0) {
    return PAW_ERR_CRYPTO;
  }
  bool client = role == PAW_DTLS_CLIENT;
  struct paw_rd rd = paw_rd_init(block, sizeof block);
  paw_rd_copy(&rd, client ? out->local_key : out->remote_key, SRTP_KEY_LEN);
  paw_rd_copy(&rd, client ? out->remote_key : out->local_key, SRTP_KEY_LEN);
  paw_rd_copy(&rd, client ? out->local_salt : out->remote_salt, SRTP_SALT_LEN);
  paw_rd_copy(&rd, client ? out->remote_salt : out->local_salt, SRTP_SALT_LEN);
  paw_mem_wipe(block, sizeof block);
  return PAW_OK;
}

/* RFC 5246 section 6.3 for AEAD suites, which have no MAC keys: client key, server key, client
 * nonce, server nonce. The PRF tells the key length of our suites (RFC 5289 section 3.2). */
int paw_dtls_read_key_derive(const struct paw_dtls_secrets *secrets, enum paw_dtls_role role,
                             struct paw_dtls_read_key *out) {
  uint8_t randoms[64];
  uint8_t block[2 * (sizeof out->key + NONCE_LEN)];
  uint8_t key_len = secrets->prf == MBEDTLS_SSL_TLS_PRF_SHA384 ? 32 : 16;
  join(randoms, secrets->server_random, secrets->client_random);
  int ret =
      mbedtls_ssl_tls_prf(secrets->prf, secrets->master, sizeof secrets->master, "key expansion",
                          randoms, sizeof randoms, block, (size_t)2 * (key_len + NONCE_LEN));
  if (ret != 0) {
    return PAW_ERR_CRYPTO;
  }
  bool server_writes = role == PAW_DTLS_CLIENT;
  struct paw_rd rd = paw_rd_init(block, sizeof block);
  *out = (struct paw_dtls_read_key){.key_len = key_len};
  paw_rd_skip(&rd, server_writes ? key_len : 0);
  paw_rd_copy(&rd, out->key, key_len);
  paw_rd_skip(&rd, server_writes ? NONCE_LEN : key_len);
  paw_rd_copy(&rd, out->implicit_nonce, NONCE_LEN);
  paw_mem_wipe(block, sizeof block);
  return PAW_OK;
}

#define EXPLICIT_NONCE_LEN 8
#define TAG_LEN 16
#define ALERT_LEN 2

/* RFC 5288 section 3, RFC 5246 section 6.2.3.3, with epoch and number for TLS's sequence number. */
static int open_record(const struct paw_dtls_read_key *key, const struct paw_dtls_record *record,
                       uint8_t *out, size_t out_len) {
  struct paw_rd rd = paw_rd_init(record->body.data, record->body.len);
  uint8_t nonce[NONCE_LEN + EXPLICIT_NONCE_LEN];
  memcpy(nonce, key->implicit_nonce, NONCE_LEN);
  paw_rd_copy(&rd, nonce + NONCE_LEN, EXPLICIT_NONCE_LEN);
  struct paw_slice sealed = paw_rd_bytes(&rd, out_len);
  struct paw_slice tag = paw_rd_bytes(&rd, TAG_LEN);
  if (!paw_rd_end(&rd)) {
    return PAW_ERR_MALFORMED;
  }
  uint8_t additional[13];
  struct paw_wr wr = paw_wr_init(additional, sizeof additional);
  paw_wr_u64(&wr, (uint64_t)record->epoch << 48 | record->sequence);
  paw_wr_u8(&wr, record->content);
  paw_wr_u16(&wr, record->version);
  paw_wr_u16(&wr, (uint16_t)out_len);

  mbedtls_gcm_context gcm;
  mbedtls_gcm_init(&gcm);
  int ret = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key->key, 8u * key->key_len);
  if (ret == 0) {
    ret = mbedtls_gcm_auth_decrypt(&gcm, out_len, nonce, sizeof nonce, additional,
                                   sizeof additional, tag.data, tag.len, sealed.data, out);
  }
  mbedtls_gcm_free(&gcm);
  return ret == 0 ? PAW_OK : PAW_ERR_AUTH;
}

int paw_dtls_alert_open(const struct paw_dtls_read_key *key, const struct paw_dtls_record *record,
                        struct paw_dtls_alert *out) {
  uint8_t alert[ALERT_LEN] = {0};
  int status = open_record(key, record, alert, sizeof alert);
  if (status == PAW_OK) {
    *out = (struct paw_dtls_alert){.level = alert[0], .description = alert[1]};
  }
  return status;
}

bool paw_dtls_record_is_authentic(const struct paw_dtls_read_key *key,
                                  const struct paw_dtls_record *record) {
  uint8_t plain[PAW_DATAGRAM_MAX];
  size_t overhead = EXPLICIT_NONCE_LEN + TAG_LEN;
  return record->body.len > overhead && record->body.len <= sizeof plain &&
         open_record(key, record, plain, record->body.len - overhead) == PAW_OK;
}
