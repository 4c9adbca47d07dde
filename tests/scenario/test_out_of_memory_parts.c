/* SPDX-License-Identifier: MIT */
/* Every allocation of what can be used alone fails in turn: player, encoder, certificate, hub, ICE
 * with many candidates, SRTP. A call that found no memory says so, leaves nothing behind, and the
 * same again afterwards is as good as any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pawebrtc/encoder.h>
#include <pawebrtc/hub.h>
#include <pawebrtc/playout.h>
#include <string.h>

#include "kit/alloc.h"
#include "kit/clock.h"
#include "kit/rng.h"
#include "oom.h"
#include "srtp/srtp.h"

#define FRAME 480

/* Lives once; PAW_ERR_NO_MEMORY, or PAW_OK after having checked that it worked. */
typedef int part_life(const struct paw_allocator *allocator);

struct part {
  part_life *live;
  struct kit_allocator memory;
};

static part_life certify;

static bool live_with_own_allocator(uint64_t nth, bool all_after, void *context) {
  struct part *part = context;
  part->memory = (struct kit_allocator){.fail_nth = nth, .fail_all_after = all_after};
  struct paw_allocator hook = kit_allocator_hook(&part->memory);
  int status = part->live(&hook);
  assert_int_equal(status, part->memory.failed > 0 ? PAW_ERR_NO_MEMORY : PAW_OK);
  assert_int_equal(part->memory.outstanding_bytes, 0);
  return part->memory.failed > 0;
}

static bool live_with_malloc(uint64_t nth, bool all_after, void *context) {
  struct part *part = context;
  struct paw_allocator plain = {0};
  kit_malloc_start();
  kit_malloc_fail(nth, all_after);
  int status = part->live(&plain);
  struct kit_malloc_counts counts = kit_malloc_stop();
  /* mbedTLS does without here and there, or tells its want of memory as another failure. */
  bool other = part->live == certify &&
               (status == PAW_OK || status == PAW_ERR_CRYPTO || status == PAW_ERR_MALFORMED);
  assert_true(counts.failed > 0 ? status == PAW_ERR_NO_MEMORY || other : status == PAW_OK);
  assert_int_equal(counts.outstanding, 0);
  return counts.failed > 0;
}

static void live_again(void *context) {
  struct part *part = context;
  struct paw_allocator plain = {0};
  assert_int_equal(part->live(&plain), PAW_OK);
}

static void fail_in_turn(part_life *live, uint64_t step) {
  struct part part = {.live = live};
  live_again(&part); /* what is set up once for the process is no leak */
  assert_true(live_with_own_allocator(1, false, &part));
  oom_fail_each(live_with_own_allocator, live_again, false, &part, 1);
  oom_fail_each(live_with_own_allocator, live_again, true, &part, 1);
  if (kit_malloc_can_fail()) {
    oom_fail_each(live_with_malloc, live_again, false, &part, step);
    oom_fail_each(live_with_malloc, live_again, true, &part, step);
  }
}

/* ---- sound ---- */

static void make_sound(int16_t *pcm) {
  for (size_t i = 0; i < FRAME; i++) {
    pcm[i] = (int16_t)(8000 * sin((double)i * 0.05));
  }
}

static int encode(const struct paw_allocator *allocator) {
  struct paw_encoder_config config;
  struct paw_encoder *encoder = NULL;
  paw_encoder_config_init(&config);
  config.allocator = *allocator;
  int status = paw_encoder_new(&config, &encoder);
  if (status != PAW_OK) {
    assert_null(encoder);
    return status;
  }
  for (unsigned i = 0; i < 5 && status == PAW_OK; i++) {
    int16_t pcm[FRAME];
    uint8_t packet[PAW_OPUS_PACKET_MAX];
    size_t len = sizeof packet;
    make_sound(pcm);
    status = paw_encoder_encode(encoder, pcm, packet, &len);
    assert_true(len > 0);
  }
  paw_encoder_free(encoder);
  return status;
}

/* Is anything heard of twenty packets, of which one is missing? */
static bool is_heard(struct paw_playout *playout) {
  static const uint8_t silence[] = {0xf0, 0xff, 0xfe}; /* 10 ms of CELT */
  uint64_t now_ns = KIT_CLOCK_ORIGIN_NS;
  struct paw_playout_output output;
  struct paw_playout_stats stats;
  int16_t pcm[FRAME * 2];
  paw_playout_set_nack(playout, true);
  for (uint16_t i = 0; i < 20; i++) {
    struct paw_audio_packet packet = {.data = silence,
                                      .len = sizeof silence,
                                      .arrival_ns = now_ns,
                                      .ssrc = 1,
                                      .timestamp_rtp = i * FRAME,
                                      .sequence = i,
                                      .level = PAW_AUDIO_LEVEL_NONE};
    if (i != 7) {
      assert_int_equal(paw_playout_handle_input(playout, now_ns, &packet), PAW_OK);
    }
    do {
      paw_playout_poll_output(playout, now_ns, &output);
    } while (output.kind != PAW_OUTPUT_TIMEOUT);
    paw_playout_render(playout, pcm, FRAME, now_ns);
    now_ns += 10 * PAW_NS_PER_MS;
  }
  paw_playout_get_stats(playout, &stats);
  return stats.packets_received == 19 && stats.total_samples > FRAME;
}

static int play(const struct paw_allocator *allocator) {
  struct paw_playout_config config;
  struct paw_playout *playout = NULL;
  paw_playout_config_init(&config);
  config.allocator = *allocator;
  int status = paw_playout_new(&config, &playout);
  if (status != PAW_OK) {
    assert_null(playout);
    return status;
  }
  assert_true(is_heard(playout));
  paw_playout_free(playout);
  return PAW_OK;
}

/* ---- connections ---- */

static int certify(const struct paw_allocator *allocator) {
  struct kit_rng rng;
  struct paw_certificate *made = NULL;
  struct paw_certificate *copy = NULL;
  uint8_t certificate[2048];
  uint8_t key[512];
  size_t certificate_len = sizeof certificate;
  size_t key_len = sizeof key;
  kit_rng_init(&rng, 4);
  struct paw_rng hook = kit_rng_hook(&rng);
  int status = paw_certificate_generate(&hook, allocator, &made);
  if (status == PAW_OK) {
    status = paw_certificate_export(made, certificate, &certificate_len, key, &key_len);
  }
  if (status == PAW_OK) {
    status =
        paw_certificate_import(certificate, certificate_len, key, key_len, &hook, allocator, &copy);
  }
  if (status == PAW_OK) {
    struct paw_fingerprint a;
    struct paw_fingerprint b;
    paw_certificate_get_fingerprint(made, &a);
    paw_certificate_get_fingerprint(copy, &b);
    assert_memory_equal(&a, &b, sizeof a);
  }
  paw_certificate_free(made);
  paw_certificate_free(copy);
  return status;
}

static int open_hub(const struct paw_allocator *allocator) {
  struct paw_hub_config config;
  struct paw_hub *hub = NULL;
  struct paw_hub_track *track = NULL;
  paw_hub_config_init(&config);
  config.allocator = *allocator;
  int status = paw_hub_new(&config, KIT_CLOCK_ORIGIN_NS, &hub);
  for (unsigned i = 0; i < 3 && status == PAW_OK; i++) {
    status = paw_hub_track_new(hub, &track);
  }
  paw_hub_free(hub);
  return status;
}

static int add_candidates(struct paw_ice *ice, bool remote) {
  int status = PAW_OK;
  for (uint8_t i = 1; i <= 12 && status == PAW_OK; i++) {
    struct paw_candidate candidate = {
        .type = PAW_CANDIDATE_HOST,
        .priority = 1000u + i,
        .address = {.ip = {10, 0, remote ? 2 : 1, i}, .port = 5000, .family = PAW_FAMILY_IPV4}};
    memcpy(candidate.foundation, "1", 2);
    status = remote ? paw_ice_add_remote_candidate(ice, &candidate)
                    : paw_ice_add_local_candidate(ice, &candidate);
    if (status == PAW_ERR_LIMIT) {
      return PAW_OK;
    }
  }
  return status;
}

/* Many candidates on either side, checks, and a restart that keeps what was before. */
static int check_paths(const struct paw_allocator *allocator) {
  struct kit_rng rng;
  struct paw_ice_config config;
  struct paw_ice *ice = NULL;
  struct paw_ice_credentials remote = {.ufrag = "abcd", .pwd = "abcdefghijklmnopqrstuv"};
  uint64_t now_ns = KIT_CLOCK_ORIGIN_NS;
  unsigned sent = 0;
  kit_rng_init(&rng, 5);
  paw_ice_config_init(&config);
  config.allocator = *allocator;
  config.rng = kit_rng_hook(&rng);
  config.role = PAW_ICE_CONTROLLING;
  int status = paw_ice_new(&config, now_ns, &ice);
  if (status == PAW_OK) {
    status = add_candidates(ice, false);
  }
  if (status == PAW_OK) {
    status = paw_ice_set_remote(ice, &remote, false);
  }
  if (status == PAW_OK) {
    status = add_candidates(ice, true);
  }
  for (unsigned i = 0; i < 20 && status == PAW_OK; i++) {
    struct paw_ice_output output;
    struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns};
    status = paw_ice_handle_input(ice, &input);
    do {
      paw_ice_poll_output(ice, &output);
      sent += output.kind == PAW_OUTPUT_TRANSMIT;
    } while (output.kind != PAW_OUTPUT_TIMEOUT);
    now_ns += 5 * PAW_NS_PER_MS;
  }
  if (status == PAW_OK) {
    assert_true(sent >= 10);
    status = paw_ice_restart(ice, now_ns);
  }
  paw_ice_free(ice);
  return status;
}

/* ---- SRTP ---- */

static const struct paw_srtp_keys keys = {{1}, {2}, {3}, {4}};
static const struct paw_srtp_keys keys_there = {{3}, {4}, {1}, {2}};

static int carry(struct paw_srtp *from, struct paw_srtp *to, uint8_t ssrc) {
  uint8_t packet[100] = {0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, ssrc, 'h', 'e', 'a', 'r'};
  size_t len = 16;
  int status = paw_srtp_protect_rtp(from, packet, &len, sizeof packet);
  if (status == PAW_OK) {
    status = paw_srtp_unprotect_rtp(to, packet, &len);
  }
  if (status == PAW_OK) {
    assert_int_equal(len, 16);
    assert_memory_equal(packet + 12, "hear", 4);
  }
  return status;
}

/* Two streams, and the first packet of each, for whose state memory is needed. */
static int protect(const struct paw_allocator *allocator) {
  struct paw_srtp *from = NULL;
  struct paw_srtp *to = NULL;
  int status = paw_srtp_new(allocator, &keys, 1, &from);
  if (status == PAW_OK) {
    status = paw_srtp_new(allocator, &keys_there, 3, &to);
  }
  if (status == PAW_OK) {
    status = paw_srtp_add_sender(from, &keys, 2);
  }
  if (status == PAW_OK) {
    status = carry(from, to, 1);
  }
  if (status == PAW_OK) {
    status = carry(from, to, 2);
  }
  paw_srtp_free(from, allocator);
  paw_srtp_free(to, allocator);
  return status;
}

/* Memory ends at any byte. libsrtp2 2.5 dies where it ends between two of its own blocks. */
static void protect_in_little_memory(void **state) {
  (void)state;
  if (!kit_malloc_can_fail()) {
    skip();
  }
  struct paw_allocator plain = {0};
  unsigned refused = 0;
  int status = protect(&plain);
  assert_int_equal(status, PAW_OK);
  status = PAW_ERR_NO_MEMORY;
  for (size_t room = 0; status != PAW_OK; room += 8) {
    assert_true(room < 100000);
    kit_malloc_start();
    kit_malloc_limit(room);
    status = protect(&plain);
    struct kit_malloc_counts counts = kit_malloc_stop();
    assert_int_equal(counts.outstanding, 0);
    assert_true(status == PAW_OK || status == PAW_ERR_NO_MEMORY);
    refused += status == PAW_ERR_NO_MEMORY;
  }
  assert_true(refused > 100);
}

/* ---- tests ---- */

static void encoder(void **state) {
  (void)state;
  fail_in_turn(encode, 1);
}

static void player(void **state) {
  (void)state;
  fail_in_turn(play, 1);
}

static void certificate(void **state) {
  (void)state;
  fail_in_turn(certify, oom_step(59));
}

static void hub(void **state) {
  (void)state;
  fail_in_turn(open_hub, 1);
}

static void ice(void **state) {
  (void)state;
  fail_in_turn(check_paths, 1);
}

static void srtp(void **state) {
  (void)state;
  fail_in_turn(protect, 1);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(encoder),
      cmocka_unit_test(player),
      cmocka_unit_test(certificate),
      cmocka_unit_test(hub),
      cmocka_unit_test(ice),
      cmocka_unit_test(srtp),
      cmocka_unit_test(protect_in_little_memory),
  };
  oom_read_arguments(argc, argv);
  return cmocka_run_group_tests_name("out_of_memory_parts", tests, NULL, NULL);
}
