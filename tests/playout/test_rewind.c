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
  size_t begin;      /* after FIRST */
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
  uint64_t first = FIRST + gap->begin;
  if (stage->sent_count < first || stage->sent_count >= first + gap->lost) {
    return;
  }
  uint64_t number = stage->sent_count - first;
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
  stage->encoder_config.complexity = 0;
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
  return (FIRST + gap->begin + gap->lost) * format->frame_frames;
}

static size_t right_again(const struct format *format, const struct gap *gap) {
  uint64_t last_ms = gap->after_ms + (gap->filled - 1) * gap->apart_ms;
  return gap_end(format, gap) + (size_t)last_ms * 48 + JOIN_FRAMES + ROOM_FRAMES;
}

static void a_filled_gap_leaves_nothing_behind(void **state) {
  (void)state;
  for (size_t i = 0; i < FORMAT_COUNT; i++) {
    for (size_t lost = 1; lost <= 5; lost++) {
      unsigned step = lost == 3 || lost == 4 ? 7 : 1; /* the extremes are enough for these */
      for (unsigned way = 0; way < 8; way += step) {
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

/* The copy of a lost frame is heard; the frame itself, that comes later, sets the decoder right. */
static void a_frame_comes_after_its_fec_copy(void **state) {
  (void)state;
  uint64_t copies = 0;
  for (size_t i = 0; i < 16; i++) {
    const struct format *format = &formats[i % 4];
    for (int early = 0; early <= 1; early++) {
      struct gap gap = {.begin = i * 3, .lost = 1, .filled = 1};
      gap.after_ms = early ? 0 : 12;
      gap.early_ms = early ? 6 : 0;
      struct stage *stage = begin(format, &gap);
      stage->encoder_config.inband_fec = true;
      stage->encoder_config.packet_loss_percent = 20;
      stage_begin(stage);
      stage_run_ms(stage, 2900);
      size_t right = right_again(format, &gap) - (size_t)gap.early_ms * 48;
      expect_same(stage, right, right + 9600);
      struct paw_playout_stats stats = stage_stats(stage);
      assert_int_equal(stats.recovered_late, early);
      assert_int_equal(stats.packets_late, !early);
      assert_int_equal(stats.decoder_rewinds, 1);
      assert_true((stats.recovered_fec == 1) == (stats.concealed_samples == 0));
      copies += stats.recovered_fec;
      stage_free(stage);
    }
  }
  assert_true(copies >= 4); /* not every frame has one */
}

/* A redundant copy that comes too late is a late frame like any other; the packet itself, later
 * still, says nothing new. */
static void a_late_red_copy_sets_the_decoder_right(void **state) {
  (void)state;
  struct gap gap = {.lost = 3, .filled = 1, .after_ms = 60};
  struct stage *stage = begin(&formats[0], &gap);
  stage->red_count =
      3; /* the frames of the gap come with the one after it, half of them too late */
  stage_begin(stage);
  stage_run_ms(stage, 2000);
  size_t right = gap_end(&formats[0], &gap) + JOIN_FRAMES + ROOM_FRAMES;
  expect_same(stage, right, right + 9600);
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.decoder_rewinds, 1);
  assert_int_equal(stats.packets_late, 1);
  assert_in_range(stats.recovered_red, 1, 2);
  stage_free(stage);
}

/* Rendering begins when the first packets' time is over: they are not heard, but the decoder knows
 * them. */
static void what_came_before_the_first_sound_is_decoded(void **state) {
  (void)state;
  struct gap none = {0};
  for (size_t i = 0; i < FORMAT_COUNT; i++) {
    struct stage *stage = begin(&formats[i], &none);
    stage->device_is_stuck = true;
    stage_begin(stage);
    stage_run_ms(stage, 220);
    stage->device_is_stuck = false;
    stage_run_ms(stage, 600);
    (void)stage_find(stage, 240 * 48, 9600); /* the first 5 ms fade in */
    assert_int_equal(stage_stats(stage).resyncs, 0);
    stage_free(stage);
  }
}

/* ---- anything, for minutes ---- */

struct weather {
  double late; /* these come late, most of them within reach */
  uint64_t late_max_ms;
  double dropped;
  double doubled;
  double reordered;
};

static void take_its_luck(struct stage *stage, struct stage_packet *packet) {
  const struct weather *weather = stage->user_data;
  if (kit_rng_chance(&stage->rng, weather->doubled)) {
    packet->again_ns = packet->arrival_ns + kit_rng_below(&stage->rng, 150 * PAW_NS_PER_MS);
  }
  if (kit_rng_chance(&stage->rng, weather->dropped)) {
    packet->arrival_ns = PAW_TIME_NEVER;
  } else if (kit_rng_chance(&stage->rng, weather->late)) {
    packet->arrival_ns += kit_rng_below(&stage->rng, weather->late_max_ms * PAW_NS_PER_MS);
  } else if (kit_rng_chance(&stage->rng, weather->reordered)) {
    packet->arrival_ns += kit_rng_below(&stage->rng, 30 * PAW_NS_PER_MS);
  }
}

/* Nothing is put aside: then all that was heard since the last gap is exact. */
static bool is_settled(const struct stage *stage) {
  const struct paw_playout_sound *sound = &stage->player->sound;
  return sound->past.state == PAW_PLAYOUT_PAST_NONE && sound->kind == PAW_PLAYOUT_KIND_FRAME &&
         sound->join.at == sound->join.frames;
}

static void expect_accounts(const struct stage *stage, size_t offset) {
  const struct paw_playout *player = stage->player;
  struct paw_playout_stats stats = stage_stats(stage);
  assert_int_equal(stats.total_samples, stage->heard_frames - offset);
  assert_true(stats.concealed_samples <= stats.total_samples);
  assert_true(stats.silent_concealed_samples <= stats.concealed_samples);
  assert_true(player->buffer.kept <= PAW_PLAYOUT_KEPT_MAX);
  assert_true(player->buffer.kept <= player->buffer.count);
  assert_true(player->sound.past.state != PAW_PLAYOUT_PAST_NONE || player->buffer.kept == 0);
}

/* Where all that was late came within reach, the sound is that of the loss-free stream whenever no
 * gap is open, and is never more than 5 ms behind in becoming so. */
static void bad_weather(uint64_t seed, void *context) {
  struct weather weather = *(const struct weather *)context;
  const struct format *format = &formats[seed % 4];
  struct gap unused = {0};
  struct stage *stage = begin(format, &unused);
  kit_rng_init(&stage->rng, seed);
  stage->heard_max = (size_t)31 * PAW_RTP_HZ;
  stage->fate = take_its_luck;
  stage->user_data = &weather;
  stage_begin(stage);
  struct weather fine = {0};
  stage->user_data = &fine;
  stage_run_ms(stage, 500);
  size_t offset = offset_of(stage);
  stage->user_data = &weather;
  size_t settled = 0;
  for (int i = 0; i < 2900; i++) {
    size_t from = stage->heard_frames;
    bool was_settled = is_settled(stage);
    uint64_t concealed = stage_stats(stage).concealed_samples;
    stage_run_ms(stage, 10);
    expect_accounts(stage, offset);
    bool is_plain =
        was_settled && is_settled(stage) && stage_stats(stage).concealed_samples == concealed;
    if (is_plain && weather.dropped == 0) {
      expect_same(stage, from - offset, stage->heard_frames - offset);
      settled++;
    }
  }
  struct paw_playout_stats stats = stage_stats(stage);
  assert_true(weather.dropped > 0 || settled > 300);
  assert_true(stats.decoder_rewinds > 50);
  assert_true(stats.recovered_late > 10);
  assert_int_equal(stats.resyncs, 0);
  assert_int_equal(stage->stalled, 0);
  stage_free(stage);
}

static void any_late_packets(void **state) {
  (void)state;
  struct weather late = {.late = 0.1, .late_max_ms = 180, .doubled = 0.1, .reordered = 0.3};
  kit_seeds_run(bad_weather, &late, 3);
}

static void any_loss_besides(void **state) {
  (void)state;
  struct weather bad = {
      .late = 0.2, .late_max_ms = 300, .dropped = 0.1, .doubled = 0.1, .reordered = 0.3};
  kit_seeds_run(bad_weather, &bad, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_filled_gap_leaves_nothing_behind),
      cmocka_unit_test(a_gap_that_is_filled_in_part_is_better_than_one_that_is_not),
      cmocka_unit_test(a_frame_comes_after_its_fec_copy),
      cmocka_unit_test(a_late_red_copy_sets_the_decoder_right),
      cmocka_unit_test(what_came_before_the_first_sound_is_decoded),
      cmocka_unit_test(any_late_packets),
      cmocka_unit_test(any_loss_besides),
      cmocka_unit_test(the_first_good_frame_is_good),
  };
  return cmocka_run_group_tests_name("playout rewind", tests, NULL, NULL);
}
