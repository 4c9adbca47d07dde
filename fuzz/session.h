/* SPDX-License-Identifier: MIT */
/* Connections that are the same in every run: random numbers from a seed, one certificate. */
#ifndef FUZZ_SESSION_H
#define FUZZ_SESSION_H

#include <pawebrtc/rtc.h>

#include "fuzz.h"
#include "kit/peer.h"

#define SESSION_NOW_NS UINT64_C(1000000000000)
#define SESSION_OUTPUTS_MAX 1000 /* in one drain; more would never end */

/* `rng` gets this seed, and outlives it. */
static inline struct paw_rtc *session_new(struct kit_rng *rng, uint64_t seed,
                                          enum paw_ice_mode mode) {
  struct paw_rtc_config config;
  kit_rng_init(rng, seed);
  paw_rtc_config_init(&config);
  config.certificate = kit_certificate(0);
  config.rng = kit_rng_hook(rng);
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
