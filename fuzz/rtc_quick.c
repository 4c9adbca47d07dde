/* SPDX-License-Identifier: MIT */
/* A connection without the price of a handshake, which is twenty times that of all the rest: what
 * one leaves behind is made once for the process and given to every pair that is to be connected
 * when its script begins. Scripts that are about the handshake begin without it. */
#include "dtls/endpoint.c" /* nobody else may reach into an endpoint */

#include "fuzz.h"
#include "rtc/rtc_private.h"
#include "rtc_world.h"

#define CONNECT_MS 200

/* By the one who is the DTLS client, 0 or 1, and then by the end. */
static struct paw_dtls_result results[2][2];
static bool made[2];

static void make_results(size_t client) {
  struct world_config config;
  world_config_init(&config, false, false);
  struct world *world = world_new(&config);
  FUZZ_CHECK(world_negotiate(world, client ^ 1, false) == PAW_OK); /* who answers is active */
  world_run(world, CONNECT_MS);
  for (size_t i = 0; i < 2; i++) {
    FUZZ_CHECK(world->ends[i].connected);
    results[client][i] = world->ends[i].rtc->dtls->result;
  }
  world_free(world);
  made[client] = true;
}

/* Other keys for each pair. */
static void tell_apart(struct paw_srtp_keys *keys, uint8_t pair) {
  keys->local_key[0] ^= pair;
  keys->remote_key[0] ^= pair;
}

static void finish(struct paw_rtc *rtc, const struct paw_dtls_result *result, size_t end) {
  struct paw_dtls *dtls = paw_rtc_touch_dtls(rtc);
  end_handshake(dtls);
  dtls->result = *result;
  tell_apart(&dtls->result.keys, (uint8_t)(end / 2));
  set_state(dtls, PAW_DTLS_STATE_CONNECTED);
  paw_rtc_pass_time(rtc);
}

static bool all_shake_hands(struct world *world) {
  for (size_t i = 0; i < world->end_count; i++) {
    if (paw_dtls_get_state(world_rtc(world, i)->dtls) != PAW_DTLS_STATE_HANDSHAKE) {
      return false;
    }
  }
  return true;
}

bool world_connect(struct world *world) {
  world->loses_dtls = true;
  for (size_t ms = 0; ms < CONNECT_MS && !all_shake_hands(world); ms++) {
    world_run(world, 1);
  }
  bool ready = all_shake_hands(world);
  for (size_t i = 0; ready && i < world->end_count; i++) {
    struct paw_rtc *rtc = world_rtc(world, i);
    size_t client = (rtc->dtls->role == PAW_DTLS_CLIENT ? i : i ^ 1) % 2;
    if (!made[client]) {
      make_results(client);
    }
    finish(rtc, &results[client][i % 2], i);
  }
  world_drain(world);
  world->loses_dtls = false;
  return ready;
}
