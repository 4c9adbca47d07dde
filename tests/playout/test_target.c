/* SPDX-License-Identifier: MIT */
/* The delay that is aimed at, over minutes of packets on paths of many kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/clock.h"
#include "kit/rng.h"
#include "playout/playout.h"

#define MS ((int64_t)PAW_NS_PER_MS)
#define S ((int64_t)PAW_NS_PER_S)

struct path;

/* How much later than the earliest possible a packet sent now comes. */
typedef int64_t path_jitter(struct path *path);

struct path {
  struct paw_playout_config config;
  struct paw_playout_delay delay;
  struct kit_rng rng;
  path_jitter *jitter;
  int64_t sent_ns;
  int64_t packet_ms;
  int64_t path_ns;
  int64_t stall_ns; /* nothing gets through until then */
  int64_t last_ns;  /* the arrival before: packets stay in order */
  double skew;

  /* sound device: asks for a period at a time, up to `lead` ahead of what is heard */
  int64_t period_ns; /* 0: none */
  int64_t lead_ns;
  uint64_t highest_ns; /* of the target, since the test has cleared it */
};

static int64_t quiet(struct path *path) {
  double jitter = kit_rng_exponential(&path->rng, (double)PAW_NS_PER_MS);
  jitter += kit_rng_chance(&path->rng, 0.002) ? 5e6 + 5e6 * kit_rng_unit(&path->rng) : 0;
  return (int64_t)jitter;
}

/* A receiver that sleeps: for 30 of each 100 ms nothing comes, then all of it. */
static int64_t bunched(struct path *path) {
  int64_t phase_ns = path->sent_ns % (100 * MS);
  return (phase_ns < 30 * MS ? 30 * MS - phase_ns : 0) + quiet(path) / 10;
}

/* Every two seconds nothing gets through for 15 to 55 ms. */
static int64_t busy(struct path *path) {
  if (path->sent_ns % (2 * S) < path->packet_ms * MS) {
    path->stall_ns =
        path->sent_ns + 15 * MS + (int64_t)kit_rng_below(&path->rng, 40 * PAW_NS_PER_MS);
  }
  int64_t held_ns = path->stall_ns > path->sent_ns ? path->stall_ns - path->sent_ns : 0;
  return held_ns + quiet(path);
}

/* 18 times in ten minutes nothing gets through for 100 to 230 ms. */
static int64_t spikes(struct path *path) {
  if (kit_rng_chance(&path->rng, (double)path->packet_ms * 18 / 600e3)) {
    path->stall_ns =
        path->sent_ns + 100 * MS + (int64_t)kit_rng_below(&path->rng, 130 * PAW_NS_PER_MS);
  }
  int64_t held_ns = path->stall_ns > path->sent_ns ? path->stall_ns - path->sent_ns : 0;
  return held_ns + quiet(path);
}

static int64_t none(struct path *path) {
  (void)path;
  return 0;
}

static uint64_t absolute(int64_t ns) {
  return KIT_CLOCK_ORIGIN_NS + (uint64_t)ns;
}

static uint64_t rendered_until(const struct path *path, int64_t now_ns) {
  return path->period_ns == 0
             ? 0
             : absolute(now_ns / path->period_ns * path->period_ns + path->lead_ns);
}

static void send_one(struct path *path) {
  int64_t arrival_ns = path->sent_ns + (int64_t)(path->skew * (double)path->sent_ns) +
                       path->path_ns + path->jitter(path);
  arrival_ns = arrival_ns > path->last_ns ? arrival_ns : path->last_ns;
  path->last_ns = arrival_ns;
  uint64_t media_rtp = (UINT64_C(1) << 33) + (uint64_t)(path->sent_ns / MS * 48);
  if (path->sent_ns == 0) {
    paw_playout_delay_start(&path->delay, media_rtp, absolute(arrival_ns));
  }
  paw_playout_delay_note(&path->delay, media_rtp, absolute(arrival_ns),
                         rendered_until(path, arrival_ns));
  uint64_t target_ns = (uint64_t)paw_playout_delay_target_ns(&path->delay);
  path->highest_ns = target_ns > path->highest_ns ? target_ns : path->highest_ns;
  path->sent_ns += path->packet_ms * MS;
}

static void send_for(struct path *path, int64_t duration_ns) {
  for (int64_t until_ns = path->sent_ns + duration_ns; path->sent_ns < until_ns;) {
    send_one(path);
  }
}

static struct path begin(uint64_t seed, path_jitter *jitter) {
  struct path path = {.jitter = jitter, .packet_ms = 10};
  kit_rng_init(&path.rng, seed);
  paw_playout_config_init(&path.config);
  return path;
}

/* Once the test has changed the config. */
static void start(struct path *path) {
  paw_playout_delay_init(&path->delay, &path->config);
}

static double target_ms(const struct path *path) {
  return (double)paw_playout_delay_target_ns(&path->delay) / (double)MS;
}

static void expect_ms(double ms, double least, double most) {
  if (ms < least || ms > most) {
    fail_msg("%.3f ms are not within %.1f and %.1f", ms, least, most);
  }
}

/* ---- paths ---- */

static void quiet_paths_get_little(uint64_t seed, void *context) {
  (void)context;
  static const int64_t packets_ms[] = {5, 10, 20, 60};
  for (size_t i = 0; i < 4; i++) {
    for (int profile = 0; profile <= 1; profile++) {
      struct path path = begin(seed, quiet);
      path.packet_ms = packets_ms[i];
      path.config.profile = (enum paw_playout_profile)profile;
      path.skew = 50e-6;
      start(&path);
      expect_ms(target_ms(&path), 20, 20);
      send_for(&path, S);
      expect_ms(target_ms(&path), 20, 25);
      send_for(&path, 60 * S);
      for (int second = 0; second < 120; second++) {
        send_for(&path, S);
        expect_ms(target_ms(&path), 5, profile == PAW_PLAYOUT_LIVE ? 12 : 14);
      }
    }
  }
}

static void quiet_path(void **state) {
  (void)state;
  kit_seeds_run(quiet_paths_get_little, NULL, 3);
}

static void bunches_get_what_they_need(uint64_t seed, void *context) {
  (void)context;
  struct path path = begin(seed, bunched);
  start(&path);
  send_for(&path, 2 * S);
  expect_ms(target_ms(&path), 28, 35);
  for (int second = 0; second < 120; second++) {
    send_for(&path, S);
    expect_ms(target_ms(&path), 28, 35);
  }
}

static void bunched_path(void **state) {
  (void)state;
  kit_seeds_run(bunches_get_what_they_need, NULL, 3);
}

static void spikes_are_outages(uint64_t seed, void *context) {
  (void)context;
  struct path path = begin(seed, spikes);
  start(&path);
  send_for(&path, 600 * S);
  assert_in_range(path.delay.outages, 8, 30);
  send_for(&path, 30 * S);
  expect_ms(target_ms(&path), 6, 15);
}

static void spikes_do_not_move_it(void **state) {
  (void)state;
  kit_seeds_run(spikes_are_outages, NULL, 5);
}

/* One stall holds packets up: one outage, and nothing of it stays. */
static void expect_one_outage(struct path *path, int64_t stall_ms) {
  start(path);
  send_for(path, 30 * S);
  double before_ms = target_ms(path);
  path->stall_ns = path->sent_ns + stall_ms * MS;
  path->jitter = spikes;
  send_for(path, stall_ms * MS);
  path->jitter = quiet;
  send_for(path, S);
  assert_int_equal(path->delay.outages, 1);
  expect_ms(target_ms(path), before_ms - 1, before_ms + 1);
}

static void what_is_held_up_together_is_one_outage(void **state) {
  (void)state;
  struct path path = begin(1, quiet);
  expect_one_outage(&path, 150);
}

/* Below the cap, but more than is kept account of. */
static void what_is_off_the_scale_is_an_outage(void **state) {
  (void)state;
  struct path path = begin(1, quiet);
  path.config.cap_delay_ns = 900 * PAW_NS_PER_MS;
  expect_one_outage(&path, 350);
}

/* The mean over so long. */
static double mean_ms(struct path *path, int seconds) {
  double sum_ms = 0;
  for (int i = 0; i < seconds; i++) {
    send_for(path, S);
    sum_ms += target_ms(path);
  }
  return sum_ms / seconds;
}

/* After ten minutes of stalls all is as on a quiet path again within 45 s. */
static void it_never_stays_grown(uint64_t seed, void *context) {
  (void)context;
  static const int64_t packets_ms[] = {10, 20};
  for (size_t i = 0; i < 4; i++) {
    struct path path = begin(seed, quiet);
    path.config.profile = i / 2 == 0 ? PAW_PLAYOUT_LIVE : PAW_PLAYOUT_ANNOUNCEMENT;
    path.packet_ms = packets_ms[i % 2];
    start(&path);
    send_for(&path, 30 * S);
    double quiet_ms = mean_ms(&path, 60);
    path.jitter = busy;
    send_for(&path, 600 * S);
    if (path.config.profile == PAW_PLAYOUT_ANNOUNCEMENT) {
      expect_ms(target_ms(&path), 35, 60);
    }
    path.jitter = quiet;
    send_for(&path, 40 * S);
    expect_ms(mean_ms(&path, 10), quiet_ms - 2, quiet_ms + 2);
  }
}

static void after_busy_comes_quiet(void **state) {
  (void)state;
  kit_seeds_run(it_never_stays_grown, NULL, 3);
}

/* ---- the path becomes another ---- */

static double error_ms(const struct path *path) {
  uint64_t media_rtp = (UINT64_C(1) << 33) + (uint64_t)(path->sent_ns / MS * 48);
  int64_t until_ns = paw_playout_delay_until(&path->delay, media_rtp, absolute(path->sent_ns));
  return (double)(until_ns - paw_playout_delay_target_ns(&path->delay) - path->path_ns) / 1e6;
}

static void a_longer_path_is_noticed_within_half_a_second(uint64_t seed, void *context) {
  (void)context;
  static const int64_t longer_ms[] = {25, 100, 500};
  for (size_t i = 0; i < 3; i++) {
    struct path path = begin(seed, quiet);
    path.path_ns = 5 * MS;
    start(&path);
    send_for(&path, 40 * S);
    double before_ms = target_ms(&path);
    expect_ms(error_ms(&path), -0.3, 0.3);
    path.path_ns += longer_ms[i] * MS;
    send_for(&path, 300 * MS);
    expect_ms(error_ms(&path), -1e-6 * (double)(longer_ms[i] * MS) - 0.5, -20);
    send_for(&path, 200 * MS);
    expect_ms(error_ms(&path), -0.3, 0.5);
    send_for(&path, 5 * S);
    expect_ms(target_ms(&path), before_ms - 1, before_ms + 3);
    path.path_ns -= longer_ms[i] * MS;
    path.last_ns = 0;
    send_for(&path, 20 * MS);
    expect_ms(error_ms(&path), -0.3, 2);
    send_for(&path, 5 * S);
    expect_ms(error_ms(&path), -0.3, 0.3);
  }
}

static void a_longer_path(void **state) {
  (void)state;
  kit_seeds_run(a_longer_path_is_noticed_within_half_a_second, NULL, 3);
}

/* Half a second of congestion now and then looks like another path at first, but is learnt. */
static void congestion_is_learnt(void **state) {
  (void)state;
  struct path path = begin(1, quiet);
  path.config.profile = PAW_PLAYOUT_ANNOUNCEMENT;
  start(&path);
  send_for(&path, 20 * S);
  expect_ms(target_ms(&path), 6, 20);
  for (int i = 0; i < 4; i++) {
    path.path_ns = 30 * MS;
    send_for(&path, 500 * MS);
    path.path_ns = 0;
    path.last_ns = 0;
    send_for(&path, 4 * S);
  }
  expect_ms(target_ms(&path), 30, 40);
}

/* Two late packets with a pause in between prove nothing. */
static void sparse_packets_prove_no_other_path(void **state) {
  (void)state;
  struct path path = begin(1, none);
  start(&path);
  send_for(&path, 10 * S);
  path.packet_ms = 400;
  path.path_ns = 40 * MS;
  send_one(&path);
  send_one(&path);
  send_one(&path);
  expect_ms(error_ms(&path), -40.1, -39.9);
}

/* ---- the first second ---- */

static void the_first_second_grows_at_once(void **state) {
  (void)state;
  struct path path = begin(1, none);
  path.config.start_delay_ns = 20 * PAW_NS_PER_MS;
  start(&path);
  send_for(&path, 500 * MS);
  path.path_ns = 31 * MS;
  send_one(&path);
  expect_ms(target_ms(&path), 33, 34);
  path.path_ns = 0;
  path.last_ns = 0;
  send_for(&path, 5 * S);
  expect_ms(target_ms(&path), 33, 34);
  path.path_ns = 50 * MS;
  send_one(&path);
  path.path_ns = 0;
  path.last_ns = 0;
  send_for(&path, 5 * S);
  expect_ms(target_ms(&path), 33, 34);
  send_for(&path, 30 * S);
  expect_ms(target_ms(&path), 3, 5);
}

static void it_starts_where_it_is_told(void **state) {
  (void)state;
  static const uint64_t starts_ms[] = {0, 3, 20, 40, 60, 100};
  for (size_t i = 0; i < 6; i++) {
    struct path path = begin(1, none);
    path.config.start_delay_ns = starts_ms[i] * PAW_NS_PER_MS;
    start(&path);
    double wanted_ms = (double)(starts_ms[i] > 60 ? 60 : starts_ms[i] < 3 ? 3 : starts_ms[i]);
    expect_ms(target_ms(&path), wanted_ms, wanted_ms);
    send_for(&path, 2 * S);
    expect_ms(target_ms(&path), wanted_ms, wanted_ms);
    send_for(&path, 28 * S);
    expect_ms(target_ms(&path), 3, 3);
  }
}

/* The packet that it begins with is 300 ms late: one outage, and the delay is that of the others.
 */
static void a_start_that_was_held_up_is_an_outage(void **state) {
  (void)state;
  struct path path = begin(1, quiet);
  path.stall_ns = 300 * MS;
  path.jitter = spikes;
  start(&path);
  send_for(&path, 300 * MS);
  path.jitter = quiet;
  send_for(&path, 700 * MS);
  expect_ms(error_ms(&path), -0.3, 0.3);
  expect_ms(target_ms(&path), 20, 25);
  assert_int_equal(path.delay.outages, 1);
}

/* ---- limits ---- */

static void limits_may_change(void **state) {
  (void)state;
  struct path path = begin(1, bunched);
  start(&path);
  send_for(&path, 5 * S);
  paw_playout_delay_set_range(&path.delay, 3 * PAW_NS_PER_MS, 25 * PAW_NS_PER_MS);
  expect_ms(target_ms(&path), 25, 25);
  send_for(&path, 5 * S);
  expect_ms(target_ms(&path), 25, 25);
  paw_playout_delay_set_range(&path.delay, 50 * PAW_NS_PER_MS, 60 * PAW_NS_PER_MS);
  expect_ms(target_ms(&path), 50, 50);
  send_for(&path, 5 * S);
  expect_ms(target_ms(&path), 50, 50);
  paw_playout_delay_set_range(&path.delay, 3 * PAW_NS_PER_MS, 60 * PAW_NS_PER_MS);
  send_for(&path, 20 * S);
  expect_ms(target_ms(&path), 28, 35);
}

/* What a late sound is worth decides on stalls. */
static void an_announcement_waits_longer(void **state) {
  (void)state;
  struct path live = begin(1, busy);
  struct path announcement = begin(1, busy);
  announcement.config.profile = PAW_PLAYOUT_ANNOUNCEMENT;
  start(&live);
  start(&announcement);
  send_for(&live, 300 * S);
  send_for(&announcement, 300 * S);
  assert_true(target_ms(&announcement) > target_ms(&live) + 10);
  expect_ms(target_ms(&announcement), 35, 60);
}

static void a_fixed_delay_does_not_follow(void **state) {
  (void)state;
  struct path path = begin(1, busy);
  path.config.target_delay_ns = 25 * PAW_NS_PER_MS;
  start(&path);
  for (int second = 0; second < 60; second++) {
    send_for(&path, S);
    expect_ms(target_ms(&path), 25, 25);
  }
  paw_playout_delay_set_range(&path.delay, 50 * PAW_NS_PER_MS, 60 * PAW_NS_PER_MS);
  expect_ms(target_ms(&path), 25, 25);
}

/* ---- sound devices ---- */

/* 1024 frames ahead, asked for 256 at a time: what comes after the asking waits a period. */
static void the_devices_lead_is_added(void **state) {
  (void)state;
  struct path path = begin(1, quiet);
  path.period_ns = 256 * S / 48000;
  path.lead_ns = 1024 * S / 48000;
  start(&path);
  send_for(&path, 60 * S);
  expect_ms(target_ms(&path), 16 + 6, 21.4 + 13);
  double least_ms = target_ms(&path);
  path.lead_ns += 40 * MS;
  send_for(&path, 500 * MS);
  send_for(&path, 30 * S);
  expect_ms(target_ms(&path), least_ms + 37, least_ms + 43);
  path.lead_ns -= 40 * MS;
  send_for(&path, 30 * S);
  expect_ms(target_ms(&path), least_ms - 3, least_ms + 3);
}

/* A device of 10 ms on another clock: its asking drifts past the packets. Few come too late. */
static void a_device_that_drifts_past_is_followed(uint64_t seed, void *context) {
  (void)context;
  struct path path = begin(seed, quiet);
  path.period_ns = 10 * MS;
  path.lead_ns = 10 * MS;
  path.skew = 150e-6;
  start(&path);
  send_for(&path, 30 * S);
  int64_t late = 0;
  for (int i = 0; i < 30000; i++) {
    uint64_t media_rtp = (UINT64_C(1) << 33) + (uint64_t)(path.sent_ns / MS * 48);
    struct paw_playout_delay before = path.delay;
    send_one(&path);
    uint64_t heard_ns = rendered_until(&path, path.last_ns);
    late += paw_playout_delay_until(&before, media_rtp, heard_ns) < 0;
  }
  assert_in_range(late, 0, 300);
  expect_ms(target_ms(&path), 10, 30);
}

static void drifting_device(void **state) {
  (void)state;
  kit_seeds_run(a_device_that_drifts_past_is_followed, NULL, 3);
}

/* ---- repair ---- */

/* 20 % in bursts of 15 ms on a quiet path. */
static double lossy_target_ms(uint64_t cap_ms, bool nack, uint32_t copies_rtp) {
  struct path path = begin(1, quiet);
  path.config.cap_delay_ns = cap_ms * PAW_NS_PER_MS;
  start(&path);
  paw_playout_delay_set_rtt(&path.delay, 4 * PAW_NS_PER_MS);
  paw_playout_delay_set_nack(&path.delay, nack);
  bool is_lost = false;
  double sum_ms = 0;
  for (int i = 0; i < 6000; i++) {
    is_lost = kit_rng_chance(&path.rng, is_lost ? 0.548 : 0.113);
    paw_playout_delay_note_fate(&path.delay, is_lost, 480);
    if (copies_rtp > 0) {
      paw_playout_delay_note_copies(&path.delay, copies_rtp);
    }
    send_one(&path);
    sum_ms += i < 3000 ? 0 : target_ms(&path) / 3000;
  }
  return sum_ms;
}

static void losses_get_room_for_their_repair(void **state) {
  (void)state;
  expect_ms(lossy_target_ms(60, true, 0), 59.9, 60.01);
  expect_ms(lossy_target_ms(80, true, 0), 75, 80.01);
  expect_ms(lossy_target_ms(60, false, 0), 6, 13);
  expect_ms(lossy_target_ms(60, false, 960), 26, 33);
  expect_ms(lossy_target_ms(60, false, 4800), 59.9, 60.01);
}

static void a_loss_each_minute_changes_nothing(void **state) {
  (void)state;
  struct path path = begin(1, quiet);
  struct path lossless = begin(1, quiet);
  start(&path);
  start(&lossless);
  paw_playout_delay_set_nack(&path.delay, true);
  for (int i = 0; i < 30000; i++) {
    paw_playout_delay_note_fate(&path.delay, i % 6000 == 3000, 480);
    send_one(&path);
    send_one(&lossless);
    expect_ms(target_ms(&path), target_ms(&lossless), target_ms(&lossless));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quiet_path),
      cmocka_unit_test(bunched_path),
      cmocka_unit_test(spikes_do_not_move_it),
      cmocka_unit_test(what_is_held_up_together_is_one_outage),
      cmocka_unit_test(what_is_off_the_scale_is_an_outage),
      cmocka_unit_test(after_busy_comes_quiet),
      cmocka_unit_test(a_longer_path),
      cmocka_unit_test(congestion_is_learnt),
      cmocka_unit_test(sparse_packets_prove_no_other_path),
      cmocka_unit_test(the_first_second_grows_at_once),
      cmocka_unit_test(it_starts_where_it_is_told),
      cmocka_unit_test(a_start_that_was_held_up_is_an_outage),
      cmocka_unit_test(limits_may_change),
      cmocka_unit_test(an_announcement_waits_longer),
      cmocka_unit_test(a_fixed_delay_does_not_follow),
      cmocka_unit_test(the_devices_lead_is_added),
      cmocka_unit_test(drifting_device),
      cmocka_unit_test(losses_get_room_for_their_repair),
      cmocka_unit_test(a_loss_each_minute_changes_nothing),
  };
  return cmocka_run_group_tests_name("playout target", tests, NULL, NULL);
}
