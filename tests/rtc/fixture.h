/* SPDX-License-Identifier: MIT */
/* Connections for tests that need one or two, not connected by any network. */
#ifndef TEST_RTC_FIXTURE_H
#define TEST_RTC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pawebrtc/rtc.h>

#include "kit/clock.h"
#include "kit/rng.h"

static struct kit_rng fixture_rng;
static struct paw_certificate *fixture_certificate;

static int fixture_setup(void **state) {
  (void)state;
  kit_rng_init(&fixture_rng, 42);
  struct paw_rng rng = kit_rng_hook(&fixture_rng);
  struct paw_allocator heap = {0};
  return paw_certificate_generate(&rng, &heap, &fixture_certificate);
}

static int fixture_teardown(void **state) {
  (void)state;
  paw_certificate_free(fixture_certificate);
  return 0;
}

static struct paw_rtc_config fixture_config(void) {
  struct paw_rtc_config config;
  paw_rtc_config_init(&config);
  config.certificate = fixture_certificate;
  config.rng = kit_rng_hook(&fixture_rng);
  return config;
}

static struct paw_address fixture_address(const char *text) {
  struct paw_address address;
  assert_int_equal(paw_address_parse(text, &address), PAW_OK);
  return address;
}

static struct paw_rtc *fixture_rtc(const struct paw_rtc_config *config, const char *address) {
  struct paw_rtc *rtc = NULL;
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST,
                                    .address = fixture_address(address)};
  assert_int_equal(paw_rtc_new(config, KIT_CLOCK_ORIGIN_NS, &rtc), PAW_OK);
  assert_int_equal(paw_rtc_add_local_candidate(rtc, &candidate), PAW_OK);
  return rtc;
}

#endif
