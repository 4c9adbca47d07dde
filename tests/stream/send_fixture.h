/* SPDX-License-Identifier: MIT */
/* A sender, its history, and what it sent. */
#ifndef TEST_STREAM_SEND_FIXTURE_H
#define TEST_STREAM_SEND_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "kit/rng.h"
#include "rtp/rtp.h"
#include "stream/send.h"

static const struct paw_allocator heap;

struct fixture {
  struct kit_rng rng;
  struct paw_history *history;
  struct paw_send send;
  uint64_t now_ns;
  uint64_t media_rtp;
  uint8_t packets[600][300]; /* as first sent */
  size_t lens[600];
  size_t sent;
};

static struct fixture fixture;

static inline void setup(uint64_t seed) {
  memset(&fixture, 0, sizeof fixture);
  kit_rng_init(&fixture.rng, seed);
  struct paw_rng rng = kit_rng_hook(&fixture.rng);
  struct paw_wall_anchor wall = {.now_ns = 1, .unix_ns = UINT64_C(1790000000) * PAW_NS_PER_S};
  fixture.now_ns = 3 * PAW_NS_PER_S;
  fixture.media_rtp = 1000;
  assert_int_equal(paw_history_new(&heap, &fixture.history), PAW_OK);
  assert_int_equal(paw_send_init(&fixture.send, &rng, 0x11223344, &wall), PAW_OK);
  struct paw_send_format format = {
      .payload_type = 109,
      .extension_mid = 4,
      .extension_audio_level = 1,
      .extension_abs_capture_time = 5,
      .mid = "audio0",
  };
  paw_send_set_format(&fixture.send, &format);
  paw_send_attach(&fixture.send, fixture.history, fixture.now_ns);
}

static inline void teardown(void) {
  paw_mem_free(&heap, fixture.history);
}

static inline void push_frame(void) {
  uint8_t data[120];
  for (size_t i = 0; i < sizeof data; i++) {
    data[i] = (uint8_t)(fixture.media_rtp / 480 + i);
  }
  struct paw_audio_frame frame = {
      .data = data,
      .len = 60 + (size_t)(fixture.media_rtp / 480 % 60),
      .media_rtp = fixture.media_rtp,
      .capture_ns = fixture.now_ns - 12 * PAW_NS_PER_MS,
      .duration_rtp = 480,
      .level = (uint8_t)(fixture.media_rtp / 480 % 127),
      .voice = true,
  };
  assert_int_equal(paw_history_push(fixture.history, fixture.now_ns, &frame), PAW_OK);
  fixture.media_rtp += 480;
  fixture.now_ns += 10 * PAW_NS_PER_MS;
}

static inline bool next(uint8_t *out, size_t *len) {
  struct paw_wr wr = paw_wr_init(out, 300);
  bool more = paw_send_next(&fixture.send, fixture.now_ns, &wr);
  assert_false(wr.bad);
  *len = wr.len;
  return more;
}

static inline void send_frame(void) {
  push_frame();
  assert_true(next(fixture.packets[fixture.sent], &fixture.lens[fixture.sent]));
  fixture.sent++;
}

static inline struct paw_rtp_header header_of(size_t sent) {
  struct paw_rtp_header header;
  struct paw_slice payload;
  assert_int_equal(paw_rtp_read(fixture.packets[sent], fixture.lens[sent], &header, &payload),
                   PAW_OK);
  return header;
}

static inline void request(uint16_t sequence) {
  paw_send_request(&fixture.send, fixture.now_ns, 4 * PAW_NS_PER_MS, &sequence, 1);
}

#endif
