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
static int derive_srtp(const struct paw_dtls_secrets *secrets, enum paw_dtls_role role,
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
 * nonce, server nonce. Of our two suites the PRF tells which it is (RFC 5289 section 3.2). */
static int derive_read_key(const struct paw_dtls_secrets *secrets, enum paw_dtls_role role,
                           struct paw_dtls_read_key *out) {
  uint8_t randoms[64];
  uint8_t block[2 * (sizeof out->key + NONCE_LEN)];
  uint8_t key_len = secrets->prf == MBEDTLS_SSL_TLS_PRF_SHA384 ? 32 : 16;
  join(randoms, secrets->server_random, secrets->client_random);
  int ret =
      mbedtls_ssl_tls_prf(secrets->prf, secrets->master, sizeof secrets->master, "key expansion",
                          randoms, sizeof randoms, block, 2u * (key_len + NONCE_LEN));
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

int paw_dtls_keys_derive(const struct paw_dtls_secrets *secrets, enum paw_dtls_role role,
                         struct paw_srtp_keys *srtp, struct paw_dtls_read_key *read_key) {
  int status = derive_srtp(secrets, role, srtp);
  if (status == PAW_OK) {
    status = derive_read_key(secrets, role, read_key);
  }
  return status;
}

#define EXPLICIT_NONCE_LEN 8
#define TAG_LEN 16
#define ALERT_LEN 2

/* RFC 5288 section 3, RFC 5246 section 6.2.3.3, with epoch and number for TLS's sequence number. */
int paw_dtls_alert_open(const struct paw_dtls_read_key *key, const struct paw_dtls_record *record,
                        struct paw_dtls_alert *out) {
  struct paw_rd rd = paw_rd_init(record->body.data, record->body.len);
  uint8_t nonce[NONCE_LEN + EXPLICIT_NONCE_LEN];
  memcpy(nonce, key->implicit_nonce, NONCE_LEN);
  paw_rd_copy(&rd, nonce + NONCE_LEN, EXPLICIT_NONCE_LEN);
  struct paw_slice sealed = paw_rd_bytes(&rd, ALERT_LEN);
  struct paw_slice tag = paw_rd_bytes(&rd, TAG_LEN);
  if (!paw_rd_end(&rd)) {
    return PAW_ERR_MALFORMED;
  }
  uint8_t additional[13];
  struct paw_wr wr = paw_wr_init(additional, sizeof additional);
  paw_wr_u64(&wr, (uint64_t)record->epoch << 48 | record->sequence);
  paw_wr_u8(&wr, record->content);
  paw_wr_u16(&wr, record->version);
  paw_wr_u16(&wr, ALERT_LEN);

  uint8_t alert[ALERT_LEN] = {0};
  mbedtls_gcm_context gcm;
  mbedtls_gcm_init(&gcm);
  int ret = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key->key, 8u * key->key_len);
  if (ret == 0) {
    ret = mbedtls_gcm_auth_decrypt(&gcm, ALERT_LEN, nonce, sizeof nonce, additional,
                                   sizeof additional, tag.data, tag.len, sealed.data, alert);
  }
  mbedtls_gcm_free(&gcm);
  if (ret != 0) {
    return PAW_ERR_AUTH;
  }
  *out = (struct paw_dtls_alert){.level = alert[0], .description = alert[1]};
  return PAW_OK;
}
