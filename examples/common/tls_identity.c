/* SPDX-License-Identifier: MIT */
#include "tls_identity.h"

#include <errno.h>
#include <mbedtls/base64.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <pawebrtc/dtls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"

#if MBEDTLS_VERSION_MAJOR < 3
#define sha256 mbedtls_sha256_ret
#else
#define sha256 mbedtls_sha256
#endif

/* A chain of several RSA certificates stays far below. */
#define PEM_BYTES_MAX 65536
/* A P-256 certificate of ours has about 400 bytes, its key 121; PEM adds a third. */
#define OWN_DER_BYTES 2048
#define OWN_PEM_BYTES 4096
#define SHA256_BYTES 32

/* ---- making ---- */

static int store_pem(const char *path, const char *header, const char *footer, const uint8_t *der,
                     size_t len, struct fault *fault) {
  char pem[OWN_PEM_BYTES];
  size_t pem_len = 0;
  if (mbedtls_pem_write_buffer(header, footer, der, len, (unsigned char *)pem, sizeof pem,
                               &pem_len) != 0) {
    return fault_set(fault, "%s: cannot be written as PEM", path);
  }
  /* mbedTLS counts the NUL. */
  int status = file_write_private(path, pem, pem_len - 1, fault);
  mbedtls_platform_zeroize(pem, sizeof pem);
  return status;
}

static int store_pair(const struct paw_certificate *certificate, const char *certificate_path,
                      const char *key_path, struct fault *fault) {
  uint8_t der[OWN_DER_BYTES];
  uint8_t key[OWN_DER_BYTES];
  size_t der_len = sizeof der;
  size_t key_len = sizeof key;
  int status = paw_certificate_export(certificate, der, &der_len, key, &key_len);
  if (status != PAW_OK) {
    return fault_set(fault, "cannot export the TLS certificate: %s", paw_strerror(status));
  }
  status = store_pem(key_path, "-----BEGIN EC PRIVATE KEY-----\n", "-----END EC PRIVATE KEY-----\n",
                     key, key_len, fault);
  mbedtls_platform_zeroize(key, sizeof key);
  if (status != 0) {
    return -1;
  }
  return store_pem(certificate_path, "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n",
                   der, der_len, fault);
}

static int make(const char *certificate_path, const char *key_path, const struct paw_rng *rng,
                struct fault *fault) {
  struct paw_certificate *certificate = NULL;
  struct paw_allocator plain = {0};
  int status = paw_certificate_generate(rng, &plain, &certificate);
  if (status != PAW_OK) {
    return fault_set(fault, "cannot make a TLS certificate: %s", paw_strerror(status));
  }
  status = store_pair(certificate, certificate_path, key_path, fault);
  paw_certificate_free(certificate);
  return status;
}

/* ---- the pin ---- */

/* SHA-256 of the SubjectPublicKeyInfo of the first certificate in the file. */
static int compute_pin(const struct tls_identity *identity, const char *path, char *pin,
                       struct fault *fault) {
  uint8_t hash[SHA256_BYTES];
  char base64[TLS_PIN_SIZE - 8];
  size_t base64_len = 0;
  mbedtls_x509_crt certificate;
  mbedtls_x509_crt_init(&certificate);
  int status =
      mbedtls_x509_crt_parse(&certificate, (const unsigned char *)identity->certificate_pem,
                             strlen(identity->certificate_pem) + 1);
  if (status == 0) {
    status = sha256(certificate.pk_raw.p, certificate.pk_raw.len, hash, 0);
  }
  mbedtls_x509_crt_free(&certificate);
  if (status == 0) {
    status = mbedtls_base64_encode((unsigned char *)base64, sizeof base64, &base64_len, hash,
                                   sizeof hash);
  }
  if (status != 0) {
    return fault_set(fault, "%s: holds no certificate in PEM (mbedTLS error -0x%04x)", path,
                     (unsigned)-status);
  }
  (void)snprintf(pin, TLS_PIN_SIZE, "sha256//%s", base64);
  return 0;
}

/* ---- reading ---- */

#if MBEDTLS_VERSION_MAJOR >= 3
static int fill_random(void *user_data, unsigned char *out, size_t len) {
  const struct paw_rng *rng = user_data;
  return rng->fill(rng->user_data, out, len);
}
#endif

/* 0, or mbedTLS's error: the key cannot be read. */
static int parse_key(const char *pem, struct paw_rng rng, mbedtls_pk_context *out) {
  const unsigned char *text = (const unsigned char *)pem;
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_parse_key(out, text, strlen(pem) + 1, NULL, 0, fill_random, &rng);
#else
  (void)rng;
  return mbedtls_pk_parse_key(out, text, strlen(pem) + 1, NULL, 0);
#endif
}

static int check_pair(const mbedtls_pk_context *certified, const mbedtls_pk_context *key,
                      struct paw_rng rng) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_check_pair(certified, key, fill_random, &rng);
#else
  (void)rng;
  return mbedtls_pk_check_pair(certified, key);
#endif
}

/* The TLS library would only say that it does not start. */
static int check_both(const struct tls_identity *identity, const char *certificate_path,
                      const char *key_path, const struct paw_rng *rng, struct fault *fault) {
  const char *pem = identity->certificate_pem;
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
  mbedtls_x509_crt_init(&certificate);
  mbedtls_pk_init(&key);
  int status = 0;
  if (mbedtls_x509_crt_parse(&certificate, (const unsigned char *)pem, strlen(pem) + 1) != 0) {
    status = fault_set(fault, "%s: holds no certificate in PEM", certificate_path);
  } else if (parse_key(identity->key_pem, *rng, &key) != 0) {
    status = fault_set(fault, "%s: holds no private key in PEM without a password", key_path);
  } else if (check_pair(&certificate.pk, &key, *rng) != 0) {
    status = fault_set(fault, "%s is not the key of %s: give a pair that belongs together",
                       key_path, certificate_path);
  }
  mbedtls_pk_free(&key);
  mbedtls_x509_crt_free(&certificate);
  return status;
}

/* Who brings a pair of their own has arranged who can read it, perhaps by links. */
static int read_both(const char *certificate_path, const char *key_path, bool ours,
                     struct tls_identity *out, struct fault *fault) {
  size_t len = 0;
  if (file_read(certificate_path, ours ? FILE_STATE : FILE_GIVEN, PEM_BYTES_MAX,
                &out->certificate_pem, &len, fault) != FILE_OK ||
      file_read(key_path, ours ? FILE_STATE_SECRET : FILE_GIVEN, PEM_BYTES_MAX, &out->key_pem, &len,
                fault) != FILE_OK) {
    return -1;
  }
  return compute_pin(out, certificate_path, out->pin, fault);
}

/* A link to nowhere is there. */
static bool is_missing(const char *path) {
  struct stat about;
  return lstat(path, &about) != 0 && errno == ENOENT;
}

/* A key without its certificate, or the reverse, is for a person to decide about: a new pair means
 * that every speaker must be paired again. */
static int make_pair(const char *certificate_path, const char *key_path, const struct paw_rng *rng,
                     struct fault *fault) {
  bool no_certificate = is_missing(certificate_path);
  bool no_key = is_missing(key_path);
  if (no_certificate && no_key) {
    return make(certificate_path, key_path, rng, fault);
  }
  if (no_certificate != no_key) {
    return fault_set(fault,
                     "%s is there, but %s is not: bring it back, or remove both for new ones",
                     no_key ? certificate_path : key_path, no_key ? key_path : certificate_path);
  }
  return 0;
}

int tls_identity_load(const char *certificate_path, const char *key_path, bool make_missing,
                      const struct paw_rng *rng, struct tls_identity *out, struct fault *fault) {
  *out = (struct tls_identity){0};
  if (make_missing && make_pair(certificate_path, key_path, rng, fault) != 0) {
    return -1;
  }
  if (read_both(certificate_path, key_path, make_missing, out, fault) != 0 ||
      check_both(out, certificate_path, key_path, rng, fault) != 0) {
    tls_identity_wipe(out);
    return -1;
  }
  return 0;
}

void tls_identity_wipe(struct tls_identity *identity) {
  if (identity->key_pem != NULL) {
    mbedtls_platform_zeroize(identity->key_pem, strlen(identity->key_pem));
  }
  free(identity->certificate_pem);
  free(identity->key_pem);
  *identity = (struct tls_identity){0};
}
