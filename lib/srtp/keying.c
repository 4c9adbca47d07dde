/* SPDX-License-Identifier: MIT */
#include "base/mem.h"
#include "base/wr.h"
#include "srtp/private.h"

/* RFC 3711 section 3.3.2 asks for 64 at least. 128 is 2.5 s of 20 ms frames received out of order.
 * What may be sent again reaches as far back as the history does, 200 frames of 2.5 ms. */
#define WINDOW_RECEIVED 128
#define WINDOW_SENT 256

#define MASTER_LEN 30

static srtp_policy_t make_policy(uint8_t *master, const uint8_t *key, const uint8_t *salt) {
  struct paw_wr wr = paw_wr_init(master, MASTER_LEN);
  paw_wr_bytes(&wr, key, 16);
  paw_wr_bytes(&wr, salt, 14);
  srtp_policy_t policy = {.key = master};
  srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
  srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  return policy;
}

/* libsrtp2 2.5 follows a null pointer in srtp_create when it has memory for its context, but then
 * none for its list of streams, two small blocks. Where a larger one can be had and is given back,
 * they can be had too. */
#define SESSION_ROOM 4096

static bool has_room(void) {
  const struct paw_allocator plain = {NULL, NULL, NULL};
  void *volatile room = paw_mem_alloc(&plain, SESSION_ROOM); /* or compilers leave both calls out */
  paw_mem_free(&plain, room);
  return room != NULL;
}

static int make_session(const uint8_t *key, const uint8_t *salt, srtp_ssrc_t ssrc, srtp_t *out) {
  uint8_t master[MASTER_LEN];
  if (!has_room()) {
    return PAW_ERR_NO_MEMORY;
  }
  srtp_policy_t policy = make_policy(master, key, salt);
  bool sends = ssrc.type == ssrc_specific;
  policy.ssrc = ssrc;
  policy.window_size = sends ? WINDOW_SENT : WINDOW_RECEIVED;
  policy.allow_repeat_tx = sends ? 1 : 0;
  srtp_err_status_t status = srtp_create(out, &policy);
  paw_mem_wipe(master, sizeof master);
  return paw_srtp_status(status);
}

int paw_srtp_new(const struct paw_allocator *allocator, const struct paw_srtp_keys *keys,
                 uint32_t local_ssrc, struct paw_srtp **out) {
  int status = paw_srtp_install();
  if (status != PAW_OK) {
    return status;
  }
  struct paw_srtp *srtp = paw_mem_alloc(allocator, sizeof *srtp);
  if (srtp == NULL) {
    return PAW_ERR_NO_MEMORY;
  }
  status = make_session(keys->local_key, keys->local_salt,
                        (srtp_ssrc_t){.type = ssrc_specific, .value = local_ssrc}, &srtp->sender);
  if (status == PAW_OK) {
    status = make_session(keys->remote_key, keys->remote_salt,
                          (srtp_ssrc_t){.type = ssrc_any_inbound}, &srtp->receiver);
  }
  if (status != PAW_OK) {
    paw_srtp_free(srtp, allocator);
    return status;
  }
  *out = srtp;
  return PAW_OK;
}

int paw_srtp_add_sender(struct paw_srtp *srtp, const struct paw_srtp_keys *keys, uint32_t ssrc) {
  uint8_t master[MASTER_LEN];
  if (srtp->second_ssrc == ssrc) {
    return PAW_OK;
  }
  srtp_policy_t policy = make_policy(master, keys->local_key, keys->local_salt);
  policy.ssrc = (srtp_ssrc_t){.type = ssrc_specific, .value = ssrc};
  policy.window_size = WINDOW_SENT;
  int status = paw_srtp_status(srtp_add_stream(srtp->sender, &policy));
  paw_mem_wipe(master, sizeof master);
  if (status == PAW_OK) {
    srtp->second_ssrc = ssrc;
  }
  return status;
}

void paw_srtp_free(struct paw_srtp *srtp, const struct paw_allocator *allocator) {
  if (srtp == NULL) {
    return;
  }
  if (srtp->sender != NULL) {
    (void)srtp_dealloc(srtp->sender);
  }
  if (srtp->receiver != NULL) {
    (void)srtp_dealloc(srtp->receiver);
  }
  paw_mem_free(allocator, srtp);
}

int paw_srtp_status_of_failure(srtp_err_status_t status) {
  switch ((int)status) {
  case srtp_err_status_ok:
    return PAW_OK;
  case srtp_err_status_auth_fail:
    return PAW_ERR_AUTH;
  case srtp_err_status_replay_fail:
  case srtp_err_status_replay_old:
    return PAW_ERR_REPLAY;
  case srtp_err_status_alloc_fail:
  case srtp_err_status_init_fail: /* what libsrtp2 makes of the former where it sets up a stream */
    return PAW_ERR_NO_MEMORY;
  case srtp_err_status_bad_param:
  case srtp_err_status_parse_err:
  case srtp_err_status_cant_check: /* SRTCP without its E bit */
    return PAW_ERR_MALFORMED;
  default:
    return PAW_ERR_CRYPTO;
  }
}
