/* SPDX-License-Identifier: MIT */
#include "bench/connect/floor.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mbedtls_compat.h"
#include "bench/measure.h"
#include "system.h"

#include <pawebrtc/dtls.h>

#define DER_MAX 1024
#define DATAGRAM_MAX 2048
#define DATAGRAMS_MAX 8 /* of a flight */
#define ROUNDS_MAX 16   /* turns of each end */

/* Datagrams on their way to one end. */
struct queue {
  size_t first, count;
  size_t lens[DATAGRAMS_MAX];
  uint8_t data[DATAGRAMS_MAX][DATAGRAM_MAX];
};

struct end {
  mbedtls_ssl_config config;
  mbedtls_ssl_context ssl;
  struct queue *in, *out;
};

struct identity {
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
};

struct floor {
  struct identity identities[2];
  struct queue queues[2];
  struct end ends[2]; /* client, server */
};

static int fill_random(void *user_data, unsigned char *out, size_t len) {
  (void)user_data;
  return system_random(out, len);
}

/* ---- identities ---- */

static int take(struct identity *identity, const struct paw_certificate *made) {
  uint8_t certificate[DER_MAX], key[DER_MAX];
  size_t certificate_len = sizeof certificate, key_len = sizeof key;
  int ret = paw_certificate_export(made, certificate, &certificate_len, key, &key_len);
  if (ret == 0) {
    ret = mbedtls_x509_crt_parse_der(&identity->certificate, certificate, certificate_len);
  }
  return ret != 0 ? ret : paw_mbedtls_parse_key(&identity->key, key, key_len, fill_random, NULL);
}

static int make(struct identity *identity) {
  struct paw_rng rng = system_rng();
  struct paw_allocator allocator = {0};
  struct paw_certificate *made = NULL;
  mbedtls_x509_crt_init(&identity->certificate);
  mbedtls_pk_init(&identity->key);
  int ret = paw_certificate_generate(&rng, &allocator, &made);
  if (ret == 0) {
    ret = take(identity, made);
  }
  paw_certificate_free(made);
  return ret;
}

struct floor *floor_new(void) {
  struct floor *floor = calloc(1, sizeof *floor);
  if (!floor) {
    return NULL;
  }
  int first = make(&floor->identities[0]), second = make(&floor->identities[1]);
  if (first != 0 || second != 0) {
    floor_free(floor);
    return NULL;
  }
  return floor;
}

void floor_free(struct floor *floor) {
  if (!floor) {
    return;
  }
  for (size_t i = 0; i < 2; i++) {
    mbedtls_x509_crt_free(&floor->identities[i].certificate);
    mbedtls_pk_free(&floor->identities[i].key);
  }
  free(floor);
}

/* ---- what mbedTLS calls ---- */

static int send_datagram(void *user_data, const unsigned char *data, size_t len) {
  struct queue *queue = ((struct end *)user_data)->out;
  size_t last = queue->first + queue->count;
  if (last == DATAGRAMS_MAX || len > DATAGRAM_MAX) {
    return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  }
  memcpy(queue->data[last], data, len);
  queue->lens[last] = len;
  queue->count++;
  return (int)len;
}

static int receive_datagram(void *user_data, unsigned char *out, size_t room) {
  struct queue *queue = ((struct end *)user_data)->in;
  if (queue->count == 0) {
    queue->first = 0;
    return MBEDTLS_ERR_SSL_WANT_READ;
  }
  size_t len = queue->lens[queue->first];
  if (len > room) {
    return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  }
  memcpy(out, queue->data[queue->first], len);
  queue->first++;
  queue->count--;
  return (int)len;
}

/* Nothing is lost, so no timer ever fires. */
static void set_timer(void *user_data, uint32_t intermediate_ms, uint32_t ms) {
  (void)user_data;
  (void)intermediate_ms;
  (void)ms;
}

static int get_timer(void *user_data) {
  (void)user_data;
  return 0;
}

/* As by a fingerprint of SHA-256. */
static int verify(void *user_data, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
  const mbedtls_x509_crt *wanted = user_data;
  uint8_t hashes[2][32];
  const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
  (void)depth;
  (void)mbedtls_md(sha256, certificate->raw.p, certificate->raw.len, hashes[0]);
  (void)mbedtls_md(sha256, wanted->raw.p, wanted->raw.len, hashes[1]);
  *flags = 0;
  return memcmp(hashes[0], hashes[1], sizeof hashes[0]) == 0 ? 0 : MBEDTLS_ERR_X509_FATAL_ERROR;
}

/* ---- the handshake ---- */

static int configure(struct floor *floor, size_t which) {
  static const int suites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};
  static const mbedtls_ssl_srtp_profile profiles[] = {MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_80,
                                                      MBEDTLS_TLS_SRTP_UNSET};
  mbedtls_ssl_config *config = &floor->ends[which].config;
  struct identity *own = &floor->identities[which];
  int role = which == 0 ? MBEDTLS_SSL_IS_CLIENT : MBEDTLS_SSL_IS_SERVER;
  int ret = mbedtls_ssl_config_defaults(config, role, MBEDTLS_SSL_TRANSPORT_DATAGRAM,
                                        MBEDTLS_SSL_PRESET_DEFAULT);
  if (ret != 0) {
    return ret;
  }
  paw_mbedtls_set_version_and_groups(config);
  mbedtls_ssl_conf_ciphersuites(config, suites);
  mbedtls_ssl_conf_rng(config, fill_random, NULL);
  mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_OPTIONAL);
  mbedtls_ssl_conf_verify(config, verify, &floor->identities[1 - which].certificate);
  if (role == MBEDTLS_SSL_IS_SERVER) {
    mbedtls_ssl_conf_dtls_cookies(config, NULL, NULL, NULL);
  }
  ret = mbedtls_ssl_conf_dtls_srtp_protection_profiles(config, profiles);
  return ret != 0 ? ret : mbedtls_ssl_conf_own_cert(config, &own->certificate, &own->key);
}

static int set_up(struct floor *floor, size_t which) {
  struct end *end = &floor->ends[which];
  int ret = configure(floor, which);
  if (ret == 0) {
    ret = mbedtls_ssl_setup(&end->ssl, &end->config);
  }
  if (ret == 0) {
    ret = mbedtls_ssl_set_hostname(&end->ssl, NULL);
  }
  mbedtls_ssl_set_bio(&end->ssl, end, send_datagram, receive_datagram, NULL);
  mbedtls_ssl_set_timer_cb(&end->ssl, end, set_timer, get_timer);
  mbedtls_ssl_set_mtu(&end->ssl, PAW_MTU);
  return ret;
}

static int handshake(struct floor *floor) {
  int results[2] = {MBEDTLS_ERR_SSL_WANT_READ, MBEDTLS_ERR_SSL_WANT_READ};
  for (int round = 0; round < ROUNDS_MAX && (results[0] != 0 || results[1] != 0); round++) {
    for (size_t i = 0; i < 2; i++) {
      if (results[i] != 0) {
        results[i] = mbedtls_ssl_handshake(&floor->ends[i].ssl);
      }
      if (results[i] != 0 && results[i] != MBEDTLS_ERR_SSL_WANT_READ) {
        return results[i];
      }
    }
  }
  return results[0] != 0 ? results[0] : results[1];
}

uint64_t floor_handshake_cpu_ns(struct floor *floor) {
  uint64_t begin_ns = bench_cpu_ns();
  for (size_t i = 0; i < 2; i++) {
    struct end *end = &floor->ends[i];
    floor->queues[i].first = floor->queues[i].count = 0;
    end->in = &floor->queues[i];
    end->out = &floor->queues[1 - i];
    mbedtls_ssl_config_init(&end->config);
    mbedtls_ssl_init(&end->ssl);
  }
  int client = set_up(floor, 0), server = set_up(floor, 1);
  int ret = client != 0 || server != 0 ? -1 : handshake(floor);
  for (size_t i = 0; i < 2; i++) {
    mbedtls_ssl_free(&floor->ends[i].ssl);
    mbedtls_ssl_config_free(&floor->ends[i].config);
  }
  return ret == 0 ? bench_cpu_ns() - begin_ns : 0;
}
