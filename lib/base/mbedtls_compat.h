/* SPDX-License-Identifier: MIT */
/* What differs between mbedTLS 2.28 and 3.6, in one place: everything else includes mbedTLS through
 * this header and is written once. Tested with 2.28.3 and, by hand, with 3.6.5. */
#ifndef PAW_BASE_MBEDTLS_COMPAT_H
#define PAW_BASE_MBEDTLS_COMPAT_H

#include <mbedtls/version.h>

#include <mbedtls/aes.h>
#include <mbedtls/ecp.h>
#include <mbedtls/error.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/sha1.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/x509_crt.h>

#include <stddef.h>
#include <stdint.h>

#define PAW_MBEDTLS_3 (MBEDTLS_VERSION_NUMBER >= 0x03000000)

#if PAW_MBEDTLS_3
#include <psa/crypto.h>
#endif

/* 3.x hides struct members behind this macro; 2.28 has them plain. */
#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

typedef int paw_mbedtls_rng(void *user_data, unsigned char *out, size_t len);

/* 3.x may route TLS through PSA, which wants to be initialised; again is harmless. 0 on success. */
static inline int paw_mbedtls_prepare(void) {
#if PAW_MBEDTLS_3
  return psa_crypto_init() == PSA_SUCCESS ? 0 : -1;
#else
  return 0;
#endif
}

static inline int paw_mbedtls_parse_key(mbedtls_pk_context *key, const uint8_t *der, size_t len,
                                        paw_mbedtls_rng *rng, void *user_data) {
#if PAW_MBEDTLS_3
  return mbedtls_pk_parse_key(key, der, len, NULL, 0, rng, user_data);
#else
  (void)rng;
  (void)user_data;
  return mbedtls_pk_parse_key(key, der, len, NULL, 0);
#endif
}

static inline int paw_mbedtls_check_pair(const mbedtls_pk_context *public_key,
                                         const mbedtls_pk_context *key, paw_mbedtls_rng *rng,
                                         void *user_data) {
#if PAW_MBEDTLS_3
  return mbedtls_pk_check_pair(public_key, key, rng, user_data);
#else
  (void)rng;
  (void)user_data;
  return mbedtls_pk_check_pair(public_key, key);
#endif
}

static inline mbedtls_ecp_group_id paw_mbedtls_group(const mbedtls_pk_context *key) {
  return mbedtls_pk_ec(*key)->MBEDTLS_PRIVATE(grp).id;
}

static inline int paw_mbedtls_set_serial(mbedtls_x509write_cert *writer, uint8_t *serial,
                                         size_t len) {
#if PAW_MBEDTLS_3
  return mbedtls_x509write_crt_set_serial_raw(writer, serial, len);
#else
  mbedtls_mpi number;
  mbedtls_mpi_init(&number);
  int ret = mbedtls_mpi_read_binary(&number, serial, len);
  if (ret == 0) {
    ret = mbedtls_x509write_crt_set_serial(writer, &number);
  }
  mbedtls_mpi_free(&number);
  return ret;
#endif
}

/* DTLS 1.2 alone, key exchange over X25519 or P-256. */
static inline void paw_mbedtls_set_version_and_groups(mbedtls_ssl_config *config) {
#if PAW_MBEDTLS_3
  static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                    MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
  mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_groups(config, groups);
#else
  static const mbedtls_ecp_group_id groups[] = {MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1,
                                                MBEDTLS_ECP_DP_NONE};
  mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_max_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_curves(config, groups);
#endif
}

/* Where the secrets of a handshake go: in the configuration (2.28) or in the context (3.x). */
struct paw_mbedtls_export {
  void (*take)(void *user_data, const uint8_t *master, const uint8_t *client_random,
               const uint8_t *server_random, mbedtls_tls_prf_types prf);
  void *user_data;
};

#if PAW_MBEDTLS_3
static inline void paw_mbedtls_export_adapter(void *pointer, mbedtls_ssl_key_export_type type,
                                              const unsigned char *secret, size_t secret_len,
                                              const unsigned char client_random[32],
                                              const unsigned char server_random[32],
                                              mbedtls_tls_prf_types prf) {
  const struct paw_mbedtls_export *export = pointer;
  if (type == MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET && secret_len == 48) {
    export->take(export->user_data, secret, client_random, server_random, prf);
  }
}
#else
static inline int paw_mbedtls_export_adapter(void *pointer, const unsigned char *master,
                                             const unsigned char *key_block, size_t mac_len,
                                             size_t key_len, size_t iv_len,
                                             const unsigned char client_random[32],
                                             const unsigned char server_random[32],
                                             mbedtls_tls_prf_types prf) {
  (void)key_block;
  (void)mac_len;
  (void)key_len;
  (void)iv_len;
  const struct paw_mbedtls_export *export = pointer;
  export->take(export->user_data, master, client_random, server_random, prf);
  return 0;
}
#endif

/* `export` must outlive both. */
static inline void paw_mbedtls_set_export(mbedtls_ssl_context *ssl, mbedtls_ssl_config *config,
                                          struct paw_mbedtls_export *export) {
#if PAW_MBEDTLS_3
  (void)config;
  mbedtls_ssl_set_export_keys_cb(ssl, paw_mbedtls_export_adapter, export);
#else
  (void)ssl;
  mbedtls_ssl_conf_export_keys_ext_cb(config, paw_mbedtls_export_adapter, export);
#endif
}

static inline uint16_t paw_mbedtls_srtp_profile(const mbedtls_ssl_context *ssl) {
  mbedtls_dtls_srtp_info info;
  mbedtls_ssl_get_dtls_srtp_negotiation_result(ssl, &info);
  return info.MBEDTLS_PRIVATE(chosen_dtls_srtp_profile);
}

#endif
