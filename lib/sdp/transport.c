/* SPDX-License-Identifier: MIT */
#include "sdp/text.h"

/* RFC 8839 section 5.4 */
#define UFRAG_MIN 4
#define PWD_MIN 22

static const struct {
  enum paw_hash hash;
  uint8_t len;
  const char *name;
} hashes[] = {
    {PAW_HASH_SHA1, 20, "sha-1"},     {PAW_HASH_SHA224, 28, "sha-224"},
    {PAW_HASH_SHA256, 32, "sha-256"}, {PAW_HASH_SHA384, 48, "sha-384"},
    {PAW_HASH_SHA512, 64, "sha-512"},
};
#define HASH_COUNT (sizeof hashes / sizeof hashes[0])

static const char *const setup_names[] = {
    [PAW_SETUP_ACTPASS] = "actpass",
    [PAW_SETUP_ACTIVE] = "active",
    [PAW_SETUP_PASSIVE] = "passive",
};
#define SETUP_COUNT (sizeof setup_names / sizeof setup_names[0])

/* ---- reading ---- */

/* Of the characters beyond RFC 8839's ice-char, Chromium takes these four, and peers send them. */
static int read_credential(struct paw_text value, size_t min, char *out) {
  bool good = value.len >= min && paw_sdp_is_alphanumeric_or(value, "+/-=#_") &&
              paw_sdp_copy(value, out, PAW_ICE_CREDENTIAL_MAX);
  return good ? PAW_OK : PAW_ERR_MALFORMED;
}

int paw_sdp_read_ufrag(struct paw_text value, struct paw_ice_credentials *ice) {
  return read_credential(value, UFRAG_MIN, ice->ufrag);
}

int paw_sdp_read_pwd(struct paw_text value, struct paw_ice_credentials *ice) {
  return read_credential(value, PWD_MIN, ice->pwd);
}

int paw_sdp_read_setup(struct paw_text value, enum paw_setup *setup) {
  for (size_t i = PAW_SETUP_ACTPASS; i < SETUP_COUNT; i++) {
    if (paw_sdp_is_any_case(value, setup_names[i])) {
      *setup = (enum paw_setup)i;
      return PAW_OK;
    }
  }
  return PAW_ERR_MALFORMED;
}

static int read_hash_value(struct paw_text text, struct paw_fingerprint *out) {
  for (size_t i = 0; i < out->len; i++) {
    if (i > 0 && !paw_sdp_take_prefix(&text, ":")) {
      return PAW_ERR_MALFORMED;
    }
    if (!paw_sdp_take_hex_byte(&text, &out->value[i])) {
      return PAW_ERR_MALFORMED;
    }
  }
  return text.len == 0 ? PAW_OK : PAW_ERR_MALFORMED;
}

int paw_sdp_read_fingerprint(struct paw_text value, struct paw_fingerprint *out) {
  struct paw_text name = paw_sdp_take_word(&value);
  for (size_t i = 0; i < HASH_COUNT; i++) {
    if (paw_sdp_is_any_case(name, hashes[i].name)) {
      *out = (struct paw_fingerprint){.hash = hashes[i].hash, .len = hashes[i].len};
      return read_hash_value(value, out);
    }
  }
  return name.len > 0 && value.len > 0 ? PAW_ERR_UNSUPPORTED : PAW_ERR_MALFORMED;
}

/* ---- writing ---- */

void paw_sdp_put_credentials(struct paw_sdp_out *out, const struct paw_ice_credentials *ice) {
  paw_sdp_put_pair(out, "a=ice-ufrag:", ice->ufrag);
  paw_sdp_put_pair(out, "a=ice-pwd:", ice->pwd);
}

void paw_sdp_put_candidates(struct paw_sdp_out *out, const struct paw_candidate *candidates,
                            size_t count, bool end_of_candidates) {
  for (size_t i = 0; i < count; i++) {
    paw_sdp_put(out, "a=");
    paw_sdp_put_candidate(out, &candidates[i]);
    paw_sdp_put_line(out, "");
  }
  if (end_of_candidates) {
    paw_sdp_put_line(out, "a=end-of-candidates");
  }
}

void paw_sdp_put_fingerprint(struct paw_sdp_out *out, const struct paw_fingerprint *fingerprint) {
  static const char digits[] = "0123456789ABCDEF";
  paw_sdp_put(out, "a=fingerprint:");
  for (size_t i = 0; i < HASH_COUNT; i++) {
    paw_sdp_put(out, hashes[i].hash == fingerprint->hash ? hashes[i].name : "");
  }
  for (size_t i = 0; i < fingerprint->len; i++) {
    const char byte[4] = {i == 0 ? ' ' : ':', digits[fingerprint->value[i] >> 4],
                          digits[fingerprint->value[i] & 15], '\0'};
    paw_sdp_put(out, byte);
  }
  paw_sdp_put_line(out, "");
}

void paw_sdp_put_setup(struct paw_sdp_out *out, enum paw_setup setup) {
  if (setup != PAW_SETUP_NONE) {
    paw_sdp_put_pair(out, "a=setup:", setup_names[setup]);
  }
}
