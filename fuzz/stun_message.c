/* SPDX-License-Identifier: MIT */
/* A datagram as a STUN message. What can be read can be written, and reads as the same again. */
#include "fuzz.h"
#include "kit/hmac.h"

#include "stun/stun.h"

static const uint8_t key[] = "a password of some length";

static bool slices_equal(struct paw_slice a, struct paw_slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void check_same(const struct paw_stun_message *a, const struct paw_stun_message *b) {
  FUZZ_CHECK(a->class == b->class && a->method == b->method && a->has == b->has);
  FUZZ_CHECK(memcmp(a->id, b->id, sizeof a->id) == 0);
  if (a->has & PAW_STUN_HAS_USERNAME) {
    FUZZ_CHECK(slices_equal(a->username, b->username));
  }
  if (a->has & PAW_STUN_HAS_REALM) {
    FUZZ_CHECK(slices_equal(a->realm, b->realm));
  }
  if (a->has & PAW_STUN_HAS_NONCE) {
    FUZZ_CHECK(slices_equal(a->nonce, b->nonce));
  }
  if (a->has & PAW_STUN_HAS_SOFTWARE) {
    FUZZ_CHECK(slices_equal(a->software, b->software));
  }
  if (a->has & PAW_STUN_HAS_PRIORITY) {
    FUZZ_CHECK(a->priority == b->priority);
  }
  if (a->has & PAW_STUN_HAS_CONTROLLING) {
    FUZZ_CHECK(a->controlling == b->controlling);
  }
  if (a->has & PAW_STUN_HAS_CONTROLLED) {
    FUZZ_CHECK(a->controlled == b->controlled);
  }
  if (a->has & PAW_STUN_HAS_MAPPED) {
    FUZZ_CHECK(paw_address_equal(&a->mapped, &b->mapped));
  }
  if (a->has & PAW_STUN_HAS_XOR_MAPPED) {
    FUZZ_CHECK(paw_address_equal(&a->xor_mapped, &b->xor_mapped));
  }
  if (a->has & PAW_STUN_HAS_ERROR) {
    FUZZ_CHECK(a->error_code == b->error_code && slices_equal(a->error_reason, b->error_reason));
  }
  if (a->has & PAW_STUN_HAS_LISTED) {
    FUZZ_CHECK(a->listed_count == b->listed_count);
    FUZZ_CHECK(memcmp(a->listed, b->listed, a->listed_count * sizeof a->listed[0]) == 0);
  }
}

static void write_and_read(const struct paw_stun_message *message, size_t len) {
  uint8_t *again = malloc(len); /* what was not understood is left out, nothing is added */
  struct paw_wr wr = paw_wr_init(again, len);
  FUZZ_CHECK(paw_stun_write(&wr, message, KIT_HMAC_KEY(key, sizeof key - 1)) == PAW_OK);
  struct paw_stun_message second;
  FUZZ_CHECK(paw_stun_read(again, wr.len, &second) == PAW_STUN_FAULT_NONE);
  check_same(message, &second);
  bool has_integrity = (message->has & PAW_STUN_HAS_INTEGRITY) != 0;
  bool has_fingerprint = (message->has & PAW_STUN_HAS_FINGERPRINT) != 0;
  FUZZ_CHECK(paw_stun_check_integrity(&second, KIT_HMAC_KEY(key, sizeof key - 1)) == has_integrity);
  FUZZ_CHECK(paw_stun_check_fingerprint(&second) == has_fingerprint);
  again[PAW_STUN_HEADER_LEN - 1] ^= 1;
  FUZZ_CHECK(!paw_stun_check_integrity(&second, KIT_HMAC_KEY(key, sizeof key - 1)));
  FUZZ_CHECK(!paw_stun_check_fingerprint(&second));
  struct paw_wr narrow = paw_wr_init(again, wr.len - 1);
  FUZZ_CHECK(paw_stun_write(&narrow, message, KIT_HMAC_KEY(key, sizeof key - 1)) ==
             PAW_ERR_NO_BUFFER);
  free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct paw_stun_message message;
  struct paw_slice username;
  bool has_header = paw_stun_is_message(data, size);
  bool has_username = paw_stun_peek_username(data, size, &username);
  if (has_username) {
    struct paw_slice ufrag = paw_stun_username_ufrag(username);
    FUZZ_CHECK(has_header && paw_stun_peek_class(data) == PAW_STUN_REQUEST);
    FUZZ_CHECK(ufrag.len <= username.len);
  }
  if (paw_stun_read(data, size, &message) != PAW_STUN_FAULT_NONE) {
    return 0;
  }
  FUZZ_CHECK(has_header && paw_stun_peek_class(data) == message.class);
  FUZZ_CHECK(memcmp(paw_stun_peek_id(data), message.id, sizeof message.id) == 0);
  paw_stun_check_integrity(&message, KIT_HMAC_KEY(key, sizeof key - 1));
  paw_stun_check_fingerprint(&message);
  write_and_read(&message, size);
  return 0;
}
