/* SPDX-License-Identifier: MIT */
/* Frames that come after their time set the decoder right: what is heard afterwards is what would
 * have been heard without the loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "playout/playout.h"
#include "playout/stage.h"

#define FIRST 50        /* the packet with which the gap begins */
#define JOIN_FRAMES 120 /* 2.5 ms */
#define ROOM_FRAMES 49  /* a chunk of the device and one sample: what is rendered is done */

/* A gap, and how it is filled. */
struct gap {
  size_t lost;       /* packets from FIRST on do not come in time */
  size_t filled;     /* of these, so many of the last ones come late */
  uint64_t after_ms; /* from the end of the gap's time to the late arrival of the first */
  uint64_t apart_ms; /* between the late ones */
  uint64_t early_ms; /* before that end, instead */
  bool backwards;    /* the last of the gap comes first */
};

static void fill_late(struct stage *stage, struct stage_packet *packet) {
  const struct gap *gap = stage->user_data;
  uint64_t frame_ns = stage->encoder_config.frame_frames * UINT64_C(125000) / 6;
  if (stage->sent_count < FIRST || stage->sent_count >= FIRST + gap->lost) {
    return;
  }
  uint64_t number = stage->sent_count - FIRST;
  uint64_t kept = gap->lost - gap->filled;
  uint64_t turn = gap->backwards ? gap->lost - 1 - number : number - kept;
  uint64_t heard_ns = packet->arrival_ns + stage->config.target_delay_ns;
  uint64_t end_ns = heard_ns + (gap->lost - number) * frame_ns;
  packet->arrival_ns = PAW_TIME_NEVER;
  if (number >= kept) {
    packet->arrival_ns = end_ns + (gap->after_ms + turn * gap->apart_ms) * PAW_NS_PER_MS;
    packet->arrival_ns -= gap->early_ms * PAW_NS_PER_MS;
  }
}

struct format {
  uint32_t frame_frames;
  uint8_t channels;
  enum paw_opus_application application;
};

static struct stage *begin(const struct format *format, struct gap *gap) {
  struct stage *stage = stage_new(1, 4);
  stage->encoder_config.inband_fec = false;
  stage->encoder_config.frame_frames = format->frame_frames;
  stage->encoder_config.channels = format->channels;
  stage->encoder_config.application = format->application;
  stage->config.target_delay_ns = 40 * PAW_NS_PER_MS;
  stage->config.channels = format->channels;
  stage->chunk_frames = 48;
  stage->fate = fill_late;
  stage->user_data = gap;
  return stage;
}

/* Where the wanted sound is heard: its first sample is never lost. */
static size_t offset_of(const struct stage *stage) {
  return stage_find(stage, 0, 4800);
}

/* How like the loss-free sound is what is heard from one wanted frame to another, in dB; 100 where
 * it is the same. */
static double snr_db(const struct stage *stage, size_t from, size_t until) {
  size_t channels = stage->config.channels;
  size_t offset = offset_of(stage);
  double signal = 0;
  double noise = 0;
  assert_true(until + offset <= stage->heard_frames && from < until);
  for (size_t i = from * channels; i < until * channels; i++) {
    double wanted = stage->wanted[i];
    double error = wanted - stage->heard[offset * channels + i];
    signal += wanted * wanted;
    noise += error * error;
  }
  return noise > 0 ? 10 * log10(signal / noise) : 100;
}

static void expect_same(const struct stage *stage, size_t from, size_t until) {
  size_t channels = stage->config.channels;
  size_t offset = offset_of(stage);
  for (size_t i = from * channels; i < until * channels; i++) {
    if (stage->heard[offset * channels + i] != stage->wanted[i]) {
      fail_msg("wanted frame %zu differs: %d, not %d", i / channels,
               stage->heard[offset * channels + i], stage->wanted[i]);
    }
  }
}

static const struct format formats[] = {
    {960, 1, PAW_OPUS_VOIP},
    {480, 1, PAW_OPUS_VOIP},
    {960, 2, PAW_OPUS_VOIP},
    {480, 2, PAW_OPUS_VOIP},
    {960, 1, PAW_OPUS_AUDIO},
    {480, 2, PAW_OPUS_RESTRICTED_LOWDELAY},
    {120, 1, PAW_OPUS_RESTRICTED_LOWDELAY},
};
#define FORMAT_COUNT (sizeof formats / sizeof formats[0])

/* The end of the gap in wanted frames, and of the join after the last late arrival. */
static size_t gap_end(const struct format *format, const struct gap *gap) {
  return (FIRST + gap->lost) * format->frame_frames;
}

static size_t right_again(const struct format *format, const struct gap *gap) {
  uint64_t last_ms = gap->after_ms + (gap->filled - 1) * gap->apart_ms;
  return gap_end(format, gap) + (size_t)last_ms * 48 + JOIN_FRAMES + ROOM_FRAMES;
}

static void a_filled_gap_leaves_nothing_behind(void **state) {
  (void)state;
  for (size_t i = 0; i < FORMAT_COUNT; i++) {
    for (size_t lost = 1; lost <= 5; lost++) {
      for (unsigned way = 0; way < 8; way++) {
        struct gap gap = {
            .lost = lost,
            .filled = lost,
            .after_ms = way & 1U ? 13 : 1,
            .apart_ms = way & 2U ? 3 : 0,
            .backwards = (way & 4U) != 0,
        };
        struct stage *stage = begin(&formats[i], &gap);
        stage_begin(stage);
        stage_run_ms(stage, FIRST * formats[i].frame_frames / 48 + 600);
        size_t right = right_again(&formats[i], &gap);
        expect_same(stage, right, right + 9600);
        struct paw_playout_stats stats = stage_stats(stage);
        assert_int_equal(stats.concealed_samples, lost * formats[i].frame_frames);
        assert_int_equal(stats.packets_late, lost);
        assert_int_equal(stats.packets_lost, lost);
        assert_int_equal(stats.recovered_late, 0);
        assert_in_range(stats.decoder_rewinds, 1, lost);
        stage_free(stage);
      }
    }
  }
}

/* A packet that comes 5 ms before the end of its slot: what remains of it is heard, and the first
 * frame after the gap is whole. Before there was a way back it had 4 to 6 dB; 35 are asked for. */
static void the_first_good_frame_is_good(void **state) {
  (void)state;
  for (size_t i = 0; i < 6; i++) {
    struct gap gap = {.lost = 1, .filled = 1, .early_ms = 5};
    struct stage *stage = begin(&formats[i], &gap);
    stage_begin(stage);
    stage_run_ms(stage, 1800);
    size_t frames = formats[i].frame_frames;
    size_t end = gap_end(&formats[i], &gap);
    assert_true(snr_db(stage, end, end + frames) >= 35);
    expect_same(stage, end - 5 * 48 + JOIN_FRAMES + ROOM_FRAMES, end + 9600);
    struct paw_playout_stats stats = stage_stats(stage);
    assert_int_equal(stats.recovered_late, 1);
    assert_int_equal(stats.packets_late, 0);
    assert_int_equal(stats.packets_lost, 0);
    assert_int_equal(stats.decoder_rewinds, 1);
    assert_in_range(stats.concealed_samples, frames - 5 * 48, frames - 5 * 48 + ROOM_FRAMES);
    stage_free(stage);
  }
}

/* The first packets of a gap never come, the others do, in either order: what is heard is what a
 * decoder makes that knew of the last of them in time. */
static void a_gap_that_is_filled_in_part_is_better_than_one_that_is_not(void **state) {
  (void)state;
  for (size_t i = 0; i < 4; i++) {
    for (size_t lost = 2; lost <= 5; lost++) {
      struct gap none = {.lost = lost};
      struct stage *plain = begin(&formats[i], &none);
      stage_begin(plain);
      stage_run_ms(plain, 2500);
      for (int backwards = 0; backwards <= 1; backwards++) {
        struct gap gap = {.lost = lost, .filled = lost - 1, .after_ms = 1, .apart_ms = 2};
        gap.backwards = backwards != 0;
        struct stage *stage = begin(&formats[i], &gap);
        stage_begin(stage);
        stage_run_ms(stage, 2500);
        size_t right = right_again(&formats[i], &gap);
        double filled_db = snr_db(stage, right, right + 1920);
        double plain_db = snr_db(plain, right, right + 1920);
        if (filled_db < plain_db) {
          fail_msg("format %zu, %zu lost: %.1f dB, unfilled %.1f dB", i, lost, filled_db, plain_db);
        }
        struct paw_playout_stats stats = stage_stats(stage);
        assert_in_range(stats.decoder_rewinds, 1, lost - 1);
        assert_int_equal(stats.packets_late, lost - 1);
        assert_int_equal(stats.packets_lost, lost);
        assert_int_equal(stage->player->buffer.kept, 0); /* given up since */
        stage_free(stage);
      }
      stage_free(plain);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_filled_gap_leaves_nothing_behind),
      cmocka_unit_test(a_gap_that_is_filled_in_part_is_better_than_one_that_is_not),
      cmocka_unit_test(the_first_good_frame_is_good),
  };
  return cmocka_run_group_tests_name("playout rewind", tests, NULL, NULL);
}
