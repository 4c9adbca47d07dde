/* SPDX-License-Identifier: MIT */
#include "base/mbedtls_compat.h"
#include "base/mem.h"
#include "srtp/private.h"

#include <string.h>

#define BLOCK_LEN 16
#define KEY_LEN 16
#define SALT_LEN 14

/* RFC 3711 section 4.1.1: the low 16 bits of the counter number the blocks of one packet. */
#define BLOCKS_MAX 0x10000u

struct counter_mode {
  mbedtls_aes_context aes; /* points into itself: never to be copied or moved */
  uint8_t offset[BLOCK_LEN];
  uint8_t counter[BLOCK_LEN];
  uint8_t keystream[BLOCK_LEN];
  unsigned left;   /* bytes of `keystream` not used yet */
  unsigned blocks; /* of keystream made since set_iv */
};

struct cipher {
  srtp_cipher_t base;
  struct counter_mode mode;
};

static const struct paw_allocator no_allocator = {NULL, NULL, NULL};

static srtp_err_status_t cipher_alloc(srtp_cipher_pointer_t *out, int key_len, int tag_len) {
  (void)tag_len;
  if (key_len != KEY_LEN + SALT_LEN) {
    return srtp_err_status_bad_param;
  }
  struct cipher *cipher = paw_mem_alloc(&no_allocator, sizeof *cipher);
  if (cipher == NULL) {
    return srtp_err_status_alloc_fail;
  }
  mbedtls_aes_init(&cipher->mode.aes);
  cipher->base.type = &paw_srtp_cipher_type;
  cipher->base.state = &cipher->mode;
  cipher->base.key_len = key_len;
  cipher->base.algorithm = SRTP_AES_ICM_128;
  *out = &cipher->base;
  return srtp_err_status_ok;
}

static srtp_err_status_t cipher_dealloc(srtp_cipher_pointer_t pointer) {
  struct cipher *cipher = (struct cipher *)pointer;
  mbedtls_aes_free(&cipher->mode.aes);
  paw_mem_wipe(cipher, sizeof *cipher);
  paw_mem_free(&no_allocator, cipher);
  return srtp_err_status_ok;
}

/* `key` is the key and the salt, one after the other. */
static srtp_err_status_t cipher_init(void *state, const uint8_t *key) {
  struct counter_mode *mode = state;
  memset(mode->offset, 0, sizeof mode->offset);
  memcpy(mode->offset, key + KEY_LEN, SALT_LEN);
  mode->left = 0;
  if (mbedtls_aes_setkey_enc(&mode->aes, key, 8 * KEY_LEN) != 0) {
    return srtp_err_status_init_fail;
  }
  return srtp_err_status_ok;
}

static void xor_block(uint8_t *data, const uint8_t *keystream) {
  uint64_t a[2];
  uint64_t b[2];
  memcpy(a, data, sizeof a);
  memcpy(b, keystream, sizeof b);
  a[0] ^= b[0];
  a[1] ^= b[1];
  memcpy(data, a, sizeof a);
}

static srtp_err_status_t cipher_set_iv(void *state, uint8_t *iv,
                                       srtp_cipher_direction_t direction) {
  (void)direction;
  struct counter_mode *mode = state;
  memcpy(mode->counter, mode->offset, BLOCK_LEN);
  xor_block(mode->counter, iv);
  mode->left = 0;
  mode->blocks = 0;
  return srtp_err_status_ok;
}

static int next_keystream(struct counter_mode *mode) {
  int failed =
      mbedtls_aes_crypt_ecb(&mode->aes, MBEDTLS_AES_ENCRYPT, mode->counter, mode->keystream);
  mode->counter[15]++;
  if (mode->counter[15] == 0) {
    mode->counter[14]++;
  }
  mode->blocks++;
  return failed;
}

/* Use up to `len` bytes of what is left of the last block; how many is returned. */
static unsigned xor_left(struct counter_mode *mode, uint8_t *data, unsigned len) {
  unsigned count = len < mode->left ? len : mode->left;
  const uint8_t *keystream = mode->keystream + BLOCK_LEN - mode->left;
  for (unsigned i = 0; i < count; i++) {
    data[i] ^= keystream[i];
  }
  mode->left -= count;
  return count;
}

/* Encryption and decryption are the same. The keystream runs on from call to call until the next
 * set_iv: libsrtp2 encrypts header extensions (RFC 6904) in pieces. */
static srtp_err_status_t cipher_crypt(void *state, uint8_t *data, unsigned *len) {
  struct counter_mode *mode = state;
  if (*len > mode->left &&
      (*len - mode->left + BLOCK_LEN - 1) / BLOCK_LEN > BLOCKS_MAX - mode->blocks) {
    return srtp_err_status_terminus;
  }
  unsigned done = xor_left(mode, data, *len);
  unsigned left = *len - done;
  int failed = 0;
  for (data += done; left >= BLOCK_LEN; data += BLOCK_LEN, left -= BLOCK_LEN) {
    failed |= next_keystream(mode);
    xor_block(data, mode->keystream);
  }
  if (left > 0) {
    failed |= next_keystream(mode);
    mode->left = BLOCK_LEN;
    (void)xor_left(mode, data, left);
  }
  return failed == 0 ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

/* The vector of NIST SP 800-38A F.1.1's key that libsrtp2 has for its own cipher too. */
static const uint8_t test_key[KEY_LEN + SALT_LEN] = {
    0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
    0x3c, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd};
static uint8_t test_iv[BLOCK_LEN]; /* libsrtp2 wants it writable, and does not write */
static const uint8_t test_plain[32];
static const uint8_t test_cipher[32] = {
    0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66, 0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4,
    0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02, 0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab};

static const srtp_cipher_test_case_t test_case = {
    .key_length_octets = sizeof test_key,
    .key = test_key,
    .idx = test_iv,
    .plaintext_length_octets = sizeof test_plain,
    .plaintext = test_plain,
    .ciphertext_length_octets = sizeof test_cipher,
    .ciphertext = test_cipher,
};

const srtp_cipher_type_t paw_srtp_cipher_type = {
    .alloc = cipher_alloc,
    .dealloc = cipher_dealloc,
    .init = cipher_init,
    .encrypt = cipher_crypt,
    .decrypt = cipher_crypt,
    .set_iv = cipher_set_iv,
    .description = "AES-128 counter mode over mbedTLS",
    .test_data = &test_case,
    .id = SRTP_AES_ICM_128,
};
