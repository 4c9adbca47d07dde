/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/rng.h"
#include "dtls/private.h"

#define SERIAL_LEN 16
#define KEY_DER_MAX 256          /* SEC1 of P-256: 121 bytes */
#define CERTIFICATE_DER_MAX 1024 /* ours: about 300 bytes */

static const char subject[] = "CN=pawebrtc";

int paw_dtls_random(void *user_data, unsigned char *out, size_t len) {
  return paw_rng_bytes(user_data, out, len) == PAW_OK ? 0 : MBEDTLS_ERR_ECP_RANDOM_FAILED;
}

bool paw_dtls_is_out_of_memory(int mbedtls_error) {
  /* A code is the sum of a module's (high) and of what is below it (low). */
  int high = -(-mbedtls_error & 0xff80);
  int low = -(-mbedtls_error & 0x007f);
  return high == MBEDTLS_ERR_SSL_ALLOC_FAILED || high == MBEDTLS_ERR_X509_ALLOC_FAILED ||
         high == MBEDTLS_ERR_PK_ALLOC_FAILED || high == MBEDTLS_ERR_ECP_ALLOC_FAILED ||
         high == MBEDTLS_ERR_MD_ALLOC_FAILED || high == MBEDTLS_ERR_CIPHER_ALLOC_FAILED ||
         low == MBEDTLS_ERR_MPI_ALLOC_FAILED || low == MBEDTLS_ERR_ASN1_ALLOC_FAILED;
}

static int status_of(int ret, int otherwise) {
  if (ret == 0) {
    return PAW_OK;
  }
  if (ret == MBEDTLS_ERR_ECP_RANDOM_FAILED) {
    return PAW_ERR_RANDOM;
  }
  return paw_dtls_is_out_of_memory(ret) ? PAW_ERR_NO_MEMORY : otherwise;
}

static struct paw_certificate *make_empty(const struct paw_allocator *allocator) {
  struct paw_certificate *certificate = paw_mem_alloc(allocator, sizeof *certificate);
  if (certificate != NULL) {
    certificate->allocator = *allocator;
    mbedtls_x509_crt_init(&certificate->certificate);
    mbedtls_pk_init(&certificate->key);
  }
  return certificate;
}

static int set_serial(mbedtls_x509write_cert *writer, const struct paw_rng *rng) {
  uint8_t serial[SERIAL_LEN];
  if (paw_rng_bytes(rng, serial, sizeof serial) != PAW_OK) {
    return MBEDTLS_ERR_ECP_RANDOM_FAILED;
  }
  serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and no leading zero */
  return paw_mbedtls_set_serial(writer, serial, sizeof serial);
}

static int fill_in(mbedtls_x509write_cert *writer, mbedtls_pk_context *key,
                   const struct paw_rng *rng) {
  mbedtls_x509write_crt_set_version(writer, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(writer, MBEDTLS_MD_SHA256);
  mbedtls_x509write_crt_set_subject_key(writer, key);
  mbedtls_x509write_crt_set_issuer_key(writer, key);
  int ret = set_serial(writer, rng);
  if (ret == 0) {
    ret = mbedtls_x509write_crt_set_validity(writer, "20000101000000", "20991231235959");
  }
  if (ret == 0) {
    ret = mbedtls_x509write_crt_set_subject_name(writer, subject);
  }
  if (ret == 0) {
    ret = mbedtls_x509write_crt_set_issuer_name(writer, subject);
  }
  return ret;
}

/* Sign with its own key, and read back what was written. */
static int sign(struct paw_certificate *certificate, const struct paw_rng *rng) {
  uint8_t der[CERTIFICATE_DER_MAX];
  mbedtls_x509write_cert writer;
  mbedtls_x509write_crt_init(&writer);
  int ret = fill_in(&writer, &certificate->key, rng);
  if (ret == 0) {
    ret = mbedtls_x509write_crt_der(&writer, der, sizeof der, paw_dtls_random, (void *)rng);
  }
  if (ret > 0) { /* mbedTLS writes to the end of the buffer */
    ret =
        mbedtls_x509_crt_parse_der(&certificate->certificate, der + sizeof der - ret, (size_t)ret);
  }
  mbedtls_x509write_crt_free(&writer);
  return ret;
}

static int compute_fingerprint(struct paw_certificate *certificate) {
  return paw_dtls_fingerprint_compute(certificate->certificate.raw.p,
                                      certificate->certificate.raw.len, PAW_HASH_SHA256,
                                      &certificate->fingerprint);
}

int paw_certificate_generate(const struct paw_rng *rng, const struct paw_allocator *allocator,
                             struct paw_certificate **out) {
  struct paw_certificate *certificate = make_empty(allocator);
  if (certificate == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  int ret = paw_mbedtls_prepare();
  if (ret == 0) {
    ret = mbedtls_pk_setup(&certificate->key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
  }
  if (ret == 0) {
    ret = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(certificate->key),
                              paw_dtls_random, (void *)rng);
  }
  if (ret == 0) {
    ret = sign(certificate, rng);
  }
  int status = status_of(ret, PAW_ERR_CRYPTO);
  if (status == PAW_OK) {
    status = compute_fingerprint(certificate);
  }
  if (status != PAW_OK) {
    paw_certificate_free(certificate);
    return status;
  }
  *out = certificate;
  return PAW_OK;
}

static int check_key(const struct paw_certificate *certificate, const struct paw_rng *rng) {
  const mbedtls_pk_context *key = &certificate->key;
  if (mbedtls_pk_get_type(key) != MBEDTLS_PK_ECKEY ||
      paw_mbedtls_group(key) != MBEDTLS_ECP_DP_SECP256R1) {
    return PAW_ERR_UNSUPPORTED;
  }
  return status_of(
      paw_mbedtls_check_pair(&certificate->certificate.pk, key, paw_dtls_random, (void *)rng),
      PAW_ERR_UNSUPPORTED);
}

int paw_certificate_import(const uint8_t *certificate_der, size_t certificate_len,
                           const uint8_t *key_der, size_t key_len, const struct paw_rng *rng,
                           const struct paw_allocator *allocator, struct paw_certificate **out) {
  struct paw_certificate *certificate = make_empty(allocator);
  if (certificate == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  int ret = paw_mbedtls_prepare();
  if (ret == 0) {
    ret = mbedtls_x509_crt_parse_der(&certificate->certificate, certificate_der, certificate_len);
  }
  if (ret == 0) {
    ret = paw_mbedtls_parse_key(&certificate->key, key_der, key_len, paw_dtls_random, (void *)rng);
  }
  int status = status_of(ret, PAW_ERR_MALFORMED);
  if (status == PAW_OK) {
    status = check_key(certificate, rng);
  }
  if (status == PAW_OK) {
    status = compute_fingerprint(certificate);
  }
  if (status != PAW_OK) {
    paw_certificate_free(certificate);
    return status;
  }
  *out = certificate;
  return PAW_OK;
}

/* Probing, or the copy itself. */
static int give(const uint8_t *from, size_t from_len, uint8_t *to, size_t *to_len) {
  size_t room = *to_len;
  *to_len = from_len;
  if (to == NULL) {
    return PAW_OK;
  }
  if (room < from_len) {
    return PAW_ERR_NO_BUFFER;
  }
  memcpy(to, from, from_len);
  return PAW_OK;
}

int paw_certificate_export(const struct paw_certificate *certificate, uint8_t *certificate_der,
                           size_t *certificate_len, uint8_t *key_der, size_t *key_len) {
  uint8_t key[KEY_DER_MAX];
  mbedtls_pk_context *context = (mbedtls_pk_context *)&certificate->key; /* 2.28 wants no const */
  int written = mbedtls_pk_write_key_der(context, key, sizeof key);
  if (written < 0) {
    return status_of(written, PAW_ERR_CRYPTO);
  }
  const mbedtls_x509_buf *raw = &certificate->certificate.raw;
  int status = give(raw->p, raw->len, certificate_der, certificate_len);
  int key_status = give(key + sizeof key - written, (size_t)written, key_der, key_len);
  paw_mem_wipe(key, sizeof key);
  return status != PAW_OK ? status : key_status;
}

void paw_certificate_free(struct paw_certificate *certificate) {
  if (certificate == NULL) {
    return;
  }
  struct paw_allocator allocator = certificate->allocator;
  mbedtls_x509_crt_free(&certificate->certificate);
  mbedtls_pk_free(&certificate->key);
  paw_mem_free(&allocator, certificate);
}

void paw_certificate_get_fingerprint(const struct paw_certificate *certificate,
                                     struct paw_fingerprint *out) {
  *out = certificate->fingerprint;
}
