/* SPDX-License-Identifier: MIT */
/* Header extensions of authenticated packets as the caller is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/wr.h"
#include "kit/pair.h"
#include "rtc/rtc_private.h"
#include "rtp/rtp.h"

#define ID_MAX 15 /* which ends a block of the one-byte form */

static const struct paw_allocator heap;

static struct kit_pair *pair;
static struct paw_rtc *rtc;
static struct paw_srtp *sender;
static uint16_t sequence;

static int begin(void **state) {
  (void)state;
  struct kit_pair_config config;
  struct paw_srtp_keys keys;
  kit_pair_config_init(&config, 7);
  pair = kit_pair_connect(&config, 200);
  kit_pair_run_ms(pair, 200);
  rtc = pair->peers[1].rtc;
  assert_int_equal(paw_dtls_get_keys(pair->peers[0].rtc->dtls, &keys), PAW_OK);
  assert_int_equal(paw_srtp_new(&heap, &keys, 1, &sender), PAW_OK);
  sequence = 0;
  return 0;
}

static int end(void **state) {
  (void)state;
  paw_srtp_free(sender, &heap);
  kit_pair_free(pair);
  return 0;
}

/* What is told of a packet with this block of one-byte elements. */
static struct paw_audio_packet tell(const uint8_t *block, size_t words) {
  uint8_t packet[100] = {0};
  struct paw_wr wr = paw_wr_init(packet, sizeof packet);
  struct paw_rtp_header header = {.payload_type = 111, .sequence = ++sequence, .ssrc = 1};
  paw_rtp_write_header(&wr, &header, true);
  paw_wr_u16(&wr, 0xbede);
  paw_wr_u16(&wr, (uint16_t)words);
  paw_wr_bytes(&wr, block, 4 * words);
  paw_wr_u8(&wr, 0xf8);
  size_t len = wr.len;
  assert_int_equal(paw_srtp_protect_rtp(sender, packet, &len, sizeof packet), PAW_OK);
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = pair->clock.now_ns,
                            .arrival_ns = pair->clock.now_ns,
                            .local = pair->peers[1].addresses[0],
                            .remote = pair->peers[0].addresses[0],
                            .data = packet,
                            .len = len};
  struct paw_rtc_event event;
  assert_int_equal(paw_rtc_handle_input(rtc, &input), PAW_OK);
  assert_true(paw_rtc_poll_event(rtc, &event));
  assert_int_equal(event.kind, PAW_RTC_EVENT_AUDIO);
  return event.audio;
}

/* A block of one word may be read a short way, one with a word of padding more is read the long
 * way: they say the same. */
static void a_level_is_read_the_same_both_ways(void **state) {
  (void)state;
  static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
  static const uint8_t ends[][2] = {{0, 0}, {0, 1}, {0x10, 0}, {0x20, 7}};
  unsigned levels = 0;
  for (unsigned own = 0; own <= ID_MAX; own++) {
    rtc->local.extension_audio_level = (uint8_t)own;
    rtc->local.extension_abs_capture_time = 0;
    for (unsigned lead = 0; lead < 256; lead++) {
      for (size_t i = 0; i < sizeof values * 4; i++) {
        const uint8_t *tail = ends[i / sizeof values];
        uint8_t block[8] = {(uint8_t)lead, values[i % sizeof values], tail[0], tail[1]};
        struct paw_audio_packet alone = tell(block, 1);
        struct paw_audio_packet padded = tell(block, 2);
        assert_int_equal(alone.level, padded.level);
        assert_int_equal(alone.voice, padded.voice);
        levels += alone.level != PAW_AUDIO_LEVEL_NONE;
      }
    }
  }
  assert_true(levels > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_level_is_read_the_same_both_ways, begin, end),
  };
  return cmocka_run_group_tests_name("rtc_extensions", tests, NULL, NULL);
}
