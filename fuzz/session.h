/* SPDX-License-Identifier: MIT */
/* Connections that are the same in every run: random numbers from a seed, one certificate. */
#ifndef FUZZ_SESSION_H
#define FUZZ_SESSION_H

#include <pawebrtc/rtc.h>

#include "fuzz.h"

#define SESSION_NOW_NS UINT64_C(1000000000000)
#define SESSION_OUTPUTS_MAX 1000 /* in one drain; more would never end */

/* xorshift64* (Vigna). */
static inline int session_fill(void *user_data, uint8_t *out, size_t len) {
  uint64_t *state = user_data;
  for (size_t i = 0; i < len; i++) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    out[i] = (uint8_t)(*state * UINT64_C(2685821657736338717) >> 56);
  }
  return 0;
}

static inline const struct paw_certificate *session_certificate(void) {
  static struct paw_certificate *certificate;
  if (certificate == NULL) {
    uint64_t state = 1;
    struct paw_rng rng = {.fill = session_fill, .user_data = &state};
    struct paw_allocator heap = {0};
    FUZZ_CHECK(paw_certificate_generate(&rng, &heap, &certificate) == PAW_OK);
  }
  return certificate;
}

/* `rng_state` seeds its random numbers, and outlives it. */
static inline struct paw_rtc *session_new(uint64_t *rng_state, enum paw_ice_mode mode) {
  struct paw_rtc_config config;
  paw_rtc_config_init(&config);
  config.certificate = session_certificate();
  config.rng = (struct paw_rng){.fill = session_fill, .user_data = rng_state};
  config.ice_mode = mode;
  config.audio.rtx = true;
  struct paw_rtc *rtc = NULL;
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST};
  FUZZ_CHECK(paw_address_parse("192.0.2.1:5000", &candidate.address) == PAW_OK);
  FUZZ_CHECK(paw_rtc_new(&config, SESSION_NOW_NS, &rtc) == PAW_OK);
  FUZZ_CHECK(paw_rtc_add_local_candidate(rtc, &candidate) == PAW_OK);
  return rtc;
}

/* Drains, a few deadlines long. After each drain the deadline lies ahead. */
static inline void session_drain(struct paw_rtc *rtc, uint64_t now_ns, int deadlines) {
  for (int i = 0; i < deadlines; i++) {
    struct paw_rtc_output output;
    int count = 0;
    do {
      paw_rtc_poll_output(rtc, &output);
      FUZZ_CHECK(++count < SESSION_OUTPUTS_MAX);
      FUZZ_CHECK(output.kind != PAW_OUTPUT_TRANSMIT || output.transmit.len > 0);
    } while (output.kind != PAW_OUTPUT_TIMEOUT);
    FUZZ_CHECK(output.timeout.deadline_ns > now_ns);
    if (output.timeout.deadline_ns == PAW_TIME_NEVER) {
      return;
    }
    now_ns = output.timeout.deadline_ns;
    struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns};
    (void)paw_rtc_handle_input(rtc, &input);
  }
}

#endif
