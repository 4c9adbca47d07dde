/* SPDX-License-Identifier: MIT */
/* The host has initialised libsrtp2 already; our crypto gives the same bytes as libsrtp2's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "srtp/private.h"

#define PACKETS 64
#define SSRC 0x11223344u

static void make_keys(struct paw_srtp_keys *keys) {
  uint8_t *bytes = (uint8_t *)keys;
  for (size_t i = 0; i < sizeof *keys; i++) {
    bytes[i] = (uint8_t)(i * 37 + 5);
  }
}

/* Some with CSRC, some with an extension, payloads of every length; the sequence number wraps. */
static size_t make_rtp(uint8_t *packet, unsigned number) {
  uint16_t seq = (uint16_t)(0xfff0 + number);
  size_t csrc = number % 3;
  bool extended = number % 2 == 1;
  uint8_t header[12] = {(uint8_t)(0x80 | (extended ? 0x10 : 0) | csrc),
                        111,
                        (uint8_t)(seq >> 8),
                        (uint8_t)seq,
                        0,
                        0,
                        0,
                        (uint8_t)number,
                        0x11,
                        0x22,
                        0x33,
                        0x44};
  static const uint8_t extension[8] = {0xbe, 0xde, 0, 1, 0x10, 0x55, 0, 0};
  size_t len = sizeof header;
  memcpy(packet, header, sizeof header);
  memset(packet + len, 0x77, 4 * csrc);
  len += 4 * csrc;
  if (extended) {
    memcpy(packet + len, extension, sizeof extension);
    len += sizeof extension;
  }
  size_t payload = number * 19 % 1200;
  memset(packet + len, (int)number, payload);
  return len + payload;
}

static size_t make_rtcp(uint8_t *packet, unsigned number) {
  static const uint8_t header[8] = {0x80, 201, 0, 1, 0x11, 0x22, 0x33, 0x44};
  size_t len = 8 + 4 * (size_t)number;
  memset(packet, (int)number, len);
  memcpy(packet, header, sizeof header);
  return len;
}

struct recorded {
  size_t len;
  uint8_t data[1400];
};

static struct recorded rtp[PACKETS];
static struct recorded rtcp[PACKETS];

static void record_with_libsrtp(const struct paw_srtp_keys *keys) {
  uint8_t master[30];
  memcpy(master, keys->local_key, 16);
  memcpy(master + 16, keys->local_salt, 14);
  srtp_policy_t policy = {.ssrc = {.type = ssrc_specific, .value = SSRC}, .key = master};
  srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
  srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  srtp_t session = NULL;
  assert_int_equal(srtp_init(), srtp_err_status_ok);
  assert_int_equal(srtp_create(&session, &policy), srtp_err_status_ok);
  for (unsigned i = 0; i < PACKETS; i++) {
    int len = (int)make_rtp(rtp[i].data, i);
    assert_int_equal(srtp_protect(session, rtp[i].data, &len), srtp_err_status_ok);
    rtp[i].len = (size_t)len;
    len = (int)make_rtcp(rtcp[i].data, i);
    assert_int_equal(srtp_protect_rtcp(session, rtcp[i].data, &len), srtp_err_status_ok);
    rtcp[i].len = (size_t)len;
  }
  srtp_dealloc(session);
}

static void same_bytes_as_libsrtp(void **state) {
  (void)state;
  struct paw_srtp_keys keys;
  make_keys(&keys);
  record_with_libsrtp(&keys);

  const struct paw_allocator allocator = {NULL, NULL, NULL};
  struct paw_srtp *srtp = NULL;
  assert_int_equal(paw_srtp_install(), PAW_OK);
  assert_int_equal(paw_srtp_install(), PAW_OK);
  assert_int_equal(paw_srtp_new(&allocator, &keys, SSRC, &srtp), PAW_OK);
  for (unsigned i = 0; i < PACKETS; i++) {
    uint8_t packet[1400];
    size_t len = make_rtp(packet, i);
    assert_int_equal(paw_srtp_protect_rtp(srtp, packet, &len, sizeof packet), PAW_OK);
    assert_int_equal(len, rtp[i].len);
    assert_memory_equal(packet, rtp[i].data, len);
    len = make_rtcp(packet, i);
    assert_int_equal(paw_srtp_protect_rtcp(srtp, packet, &len, sizeof packet), PAW_OK);
    assert_int_equal(len, rtcp[i].len);
    assert_memory_equal(packet, rtcp[i].data, len);
  }
  paw_srtp_free(srtp, &allocator);
}

static srtp_err_status_t crypt_wrongly(void *state, uint8_t *data, unsigned *len) {
  srtp_err_status_t status = paw_srtp_cipher_type.encrypt(state, data, len);
  if (*len > 0) {
    data[0] ^= 1;
  }
  return status;
}

static srtp_cipher_type_t wrong_type;

static srtp_err_status_t alloc_wrong(srtp_cipher_pointer_t *out, int key_len, int tag_len) {
  srtp_err_status_t status = paw_srtp_cipher_type.alloc(out, key_len, tag_len);
  if (status == srtp_err_status_ok) {
    (*out)->type = &wrong_type;
  }
  return status;
}

/* The self-tests do look at what is put in. */
static void a_wrong_cipher_is_refused(void **state) {
  (void)state;
  wrong_type = paw_srtp_cipher_type;
  wrong_type.alloc = alloc_wrong;
  wrong_type.encrypt = crypt_wrongly;
  assert_int_equal(srtp_replace_cipher_type(&wrong_type, SRTP_AES_ICM_128),
                   srtp_err_status_algo_fail);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_bytes_as_libsrtp),
      cmocka_unit_test(a_wrong_cipher_is_refused),
  };
  return cmocka_run_group_tests_name("srtp_install", tests, NULL, NULL);
}
