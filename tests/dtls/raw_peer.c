/* SPDX-License-Identifier: MIT */
#include "dtls/raw_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dtls/private.h"

static const struct paw_allocator allocator = {NULL, NULL, NULL};

static int push(void *user_data, const unsigned char *data, size_t len) {
  struct raw_peer *peer = user_data;
  assert_true(peer->out.count < RAW_QUEUE_MAX && len <= sizeof peer->out.items[0].data);
  struct raw_datagram *datagram = &peer->out.items[peer->out.count++];
  datagram->len = len;
  memcpy(datagram->data, data, len);
  return (int)len;
}

static int pull(void *user_data, unsigned char *out, size_t room) {
  struct raw_peer *peer = user_data;
  if (peer->in.count == 0) {
    return MBEDTLS_ERR_SSL_WANT_READ;
  }
  size_t len = peer->in.items[0].len;
  assert_true(len <= room);
  memcpy(out, peer->in.items[0].data, len);
  peer->in.count--;
  memmove(peer->in.items, peer->in.items + 1, peer->in.count * sizeof peer->in.items[0]);
  return (int)len;
}

/* Its timers never fire: the link in these tests loses only what a test takes away. */
static void set_timer(void *user_data, uint32_t intermediate_ms, uint32_t final_ms) {
  (void)user_data;
  (void)intermediate_ms;
  (void)final_ms;
}

static int get_timer(void *user_data) {
  (void)user_data;
  return 0;
}

static void take(void *user_data, const uint8_t *master, const uint8_t *client_random,
                 const uint8_t *server_random, mbedtls_tls_prf_types prf) {
  struct raw_peer *peer = user_data;
  memcpy(peer->master, master, sizeof peer->master);
  memcpy(peer->randoms, client_random, 32);
  memcpy(peer->randoms + 32, server_random, 32);
  peer->prf = prf;
}

static void configure(struct raw_peer *peer, const struct raw_config *config) {
  static const mbedtls_ssl_srtp_profile usual[] = {MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_80,
                                                   MBEDTLS_TLS_SRTP_UNSET};
  static const int suites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                               MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, 0};
  bool server = config->role == PAW_DTLS_SERVER;
  assert_int_equal(mbedtls_ssl_config_defaults(
                       &peer->config, server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                       MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT),
                   0);
  mbedtls_ssl_conf_rng(&peer->config, paw_dtls_random, &peer->hook);
  mbedtls_ssl_conf_authmode(&peer->config, MBEDTLS_SSL_VERIFY_OPTIONAL);
  mbedtls_ssl_conf_dtls_cookies(&peer->config, NULL, NULL, NULL);
  mbedtls_ssl_conf_ciphersuites(&peer->config, config->suites != NULL ? config->suites : suites);
  if (config->groups != NULL) {
    mbedtls_ssl_conf_curves(&peer->config, config->groups);
  }
  if (!config->no_srtp) {
    const mbedtls_ssl_srtp_profile *profiles = config->profiles != NULL ? config->profiles : usual;
    assert_int_equal(mbedtls_ssl_conf_dtls_srtp_protection_profiles(&peer->config, profiles), 0);
  }
  if (config->protocols != NULL) {
    assert_int_equal(mbedtls_ssl_conf_alpn_protocols(&peer->config, config->protocols), 0);
  }
  if (config->renegotiates) {
    mbedtls_ssl_conf_renegotiation(&peer->config, MBEDTLS_SSL_RENEGOTIATION_ENABLED);
  }
  if (!config->no_certificate) {
    assert_int_equal(mbedtls_ssl_conf_own_cert(&peer->config, &peer->certificate->certificate,
                                               &peer->certificate->key),
                     0);
  }
}

/* Put an RSA key, and a certificate signed with it, in the place of what was generated. */
static void change_to_rsa(struct raw_peer *peer) {
  uint8_t serial[] = {1};
  struct paw_certificate *own = peer->certificate;
  uint8_t der[2048];
  mbedtls_x509write_cert writer;
  mbedtls_pk_free(&own->key);
  mbedtls_x509_crt_free(&own->certificate);
  mbedtls_pk_init(&own->key);
  mbedtls_x509_crt_init(&own->certificate);
  mbedtls_x509write_crt_init(&writer);
  const mbedtls_pk_info_t *info = mbedtls_pk_info_from_type(MBEDTLS_PK_RSA);
  assert_int_equal(mbedtls_pk_setup(&own->key, info), 0);
  assert_int_equal(
      mbedtls_rsa_gen_key(mbedtls_pk_rsa(own->key), paw_dtls_random, &peer->hook, 2048, 65537), 0);
  mbedtls_x509write_crt_set_md_alg(&writer, MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(&writer, &own->key);
  mbedtls_x509write_crt_set_issuer_key(&writer, &own->key);
  assert_int_equal(paw_mbedtls_set_serial(&writer, serial, sizeof serial), 0);
  assert_int_equal(mbedtls_x509write_crt_set_validity(&writer, "20000101000000", "20991231235959"),
                   0);
  assert_int_equal(mbedtls_x509write_crt_set_subject_name(&writer, "CN=rsa"), 0);
  assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&writer, "CN=rsa"), 0);
  int len = mbedtls_x509write_crt_der(&writer, der, sizeof der, paw_dtls_random, &peer->hook);
  assert_true(len > 0);
  assert_int_equal(
      mbedtls_x509_crt_parse_der(&own->certificate, der + sizeof der - len, (size_t)len), 0);
  mbedtls_x509write_crt_free(&writer);
  assert_int_equal(paw_dtls_fingerprint_compute(own->certificate.raw.p, own->certificate.raw.len,
                                                PAW_HASH_SHA256, &own->fingerprint),
                   PAW_OK);
}

void raw_peer_init(struct raw_peer *peer, const struct raw_config *config) {
  memset(peer, 0, sizeof *peer);
  kit_rng_init(&peer->rng, 77);
  peer->hook = kit_rng_hook(&peer->rng);
  assert_int_equal(paw_certificate_generate(&peer->hook, &allocator, &peer->certificate), PAW_OK);
  if (config->rsa) {
    change_to_rsa(peer);
  }
  mbedtls_ssl_config_init(&peer->config);
  mbedtls_ssl_init(&peer->ssl);
  configure(peer, config);
  peer->export = (struct paw_mbedtls_export){take, peer};
  paw_mbedtls_set_export(&peer->ssl, &peer->config, &peer->export);
  assert_int_equal(mbedtls_ssl_setup(&peer->ssl, &peer->config), 0);
  mbedtls_ssl_set_bio(&peer->ssl, peer, push, pull, NULL);
  mbedtls_ssl_set_timer_cb(&peer->ssl, peer, set_timer, get_timer);
  mbedtls_ssl_set_mtu(&peer->ssl, 1200);
  peer->result = MBEDTLS_ERR_SSL_WANT_READ;
}

void raw_peer_wipe(struct raw_peer *peer) {
  mbedtls_ssl_free(&peer->ssl);
  mbedtls_ssl_config_free(&peer->config);
  paw_certificate_free(peer->certificate);
}

void raw_peer_step(struct raw_peer *peer) {
  uint8_t data[16];
  if (peer->result == MBEDTLS_ERR_SSL_WANT_READ) {
    peer->result = mbedtls_ssl_handshake(&peer->ssl);
  } else if (peer->result == 0) {
    int ret = mbedtls_ssl_read(&peer->ssl, data, sizeof data);
    peer->result = ret == MBEDTLS_ERR_SSL_WANT_READ ? 0 : ret;
  } else {
    peer->in.count = 0; /* it has ended and reads no more */
  }
}

void raw_peer_export(const struct raw_peer *peer, uint8_t *out) {
  assert_int_equal(mbedtls_ssl_tls_prf(peer->prf, peer->master, sizeof peer->master,
                                       "EXTRACTOR-dtls_srtp", peer->randoms, sizeof peer->randoms,
                                       out, 60),
                   0);
}
