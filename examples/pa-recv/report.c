/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "statistics_json.h"
#include "system.h"

#define SAMPLES_PER_MS (PLAYER_RATE_HZ / 1000.0)

enum first_sound { FIRST_SOUND_AWAITED, FIRST_SOUND_TOLD };

struct report {
  struct report_config config;
  struct loop_timer timer;
  uint64_t next_ns;
  uint64_t seconds;
  enum first_sound first_sound;
  /* As they were at the last object. */
  double buffered_s;
  uint64_t emitted_samples;
};

static double ms_of(uint64_t ns) {
  return (double)ns / PAW_NS_PER_MS;
}

/* 0 stands for "not known" in the library. */
static double known_ms_of(uint64_t ns) {
  return ns == 0 ? NAN : ms_of(ns);
}

/* The mean delay of the samples taken since the last call; NaN: none were. */
static double take_buffer_delay_ms(struct report *report, const struct paw_playout_stats *playout) {
  uint64_t samples = playout->jitter_buffer_emitted_samples - report->emitted_samples;
  double sum_s = playout->jitter_buffer_delay_s - report->buffered_s;
  report->emitted_samples = playout->jitter_buffer_emitted_samples;
  report->buffered_s = playout->jitter_buffer_delay_s;
  return samples > 0 ? sum_s / (double)samples * 1000 : NAN;
}

static struct speaker_statistics collect(struct report *report, uint64_t now_ns) {
  const struct report_config *config = &report->config;
  struct paw_playout_stats playout;
  paw_playout_get_stats(config->player->playout, &playout);
  return (struct speaker_statistics){
      .t_s = (double)(now_ns - config->started_ns) / PAW_NS_PER_S,
      .state = session_state_text(session_get_state(config->session)),
      .packets = playout.packets_received,
      .lost = playout.packets_lost,
      .late = playout.packets_late,
      .duplicates = playout.packets_duplicate,
      .jitter_ms = playout.packets_received > 0 ? ms_of(playout.jitter_ns) : NAN,
      .target_ms = known_ms_of(playout.target_delay_ns),
      .delay_ms = known_ms_of(playout.delay_ns),
      .concealed_ms = (double)playout.concealed_samples / SAMPLES_PER_MS,
      .recovered_nack = playout.recovered_nack,
      .recovered_red = playout.recovered_red,
      .recovered_fec = playout.recovered_fec,
      .recovered_late = playout.recovered_late,
      .rtt_ms = known_ms_of(session_get_rtt_ns(config->session)),
      .drift_ppm = NAN,
      .sync_error_ms = NAN,
      .xruns = config->output->ops->get_xruns(config->output),
      .level_dbfs = player_take_level(config->player),
      .longest_gap_ms = (double)playout.longest_concealment_samples / SAMPLES_PER_MS,
      .nacks = playout.nacks_sent,
      .stretched_ms = (double)(playout.inserted_samples + playout.removed_samples) / SAMPLES_PER_MS,
      .rewinds = playout.decoder_rewinds,
      .outages = playout.outages,
      .resyncs = playout.resyncs,
      .jitter_buffer_delay_ms = take_buffer_delay_ms(report, &playout)};
}

static void write_report(struct report *report, uint64_t now_ns) {
  const struct settings *settings = report->config.settings;
  char text[STATISTICS_JSON_SIZE];
  struct speaker_statistics statistics = collect(report, now_ns);
  if (settings->json) {
    statistics_json_write(&statistics, text);
    system_write_line(STDOUT_FILENO, text);
  }
  if (settings->stats_s > 0 && report->seconds % (uint64_t)settings->stats_s == 0) {
    statistics_text_write(&statistics, text);
    system_write_line(STDERR_FILENO, text);
  }
}

static void tell_first_sound(struct report *report) {
  const struct report_config *config = &report->config;
  if (report->first_sound == FIRST_SOUND_AWAITED && config->player->sounded_ns != PAW_TIME_NEVER) {
    report->first_sound = FIRST_SOUND_TOLD;
    system_tell(&config->log, PAW_LOG_INFO, "report", "first sound %.0f ms after the start",
                ms_of(config->player->sounded_ns - config->started_ns));
  }
}

static void second_passed(void *user_data, uint64_t now_ns) {
  struct report *report = user_data;
  report->seconds++;
  tell_first_sound(report);
  write_report(report, now_ns);
  /* The program may have been stopped: seconds that passed meanwhile are left out. */
  uint64_t passed = (now_ns - report->next_ns) / PAW_NS_PER_S + 1;
  report->seconds += passed - 1;
  report->next_ns += passed * PAW_NS_PER_S;
  loop_timer_set(&report->timer, report->next_ns);
}

struct report *report_new(const struct report_config *config) {
  struct report *report = calloc(1, sizeof *report);
  if (report == NULL) {
    return NULL;
  }
  report->config = *config;
  report->next_ns = config->started_ns + PAW_NS_PER_S;
  loop_timer_init(config->loop, &report->timer, second_passed, report);
  loop_timer_set(&report->timer, report->next_ns);
  return report;
}

void report_free(struct report *report) {
  tell_first_sound(report);
  if (report->config.settings->json) {
    write_report(report, system_now_ns());
  }
  loop_timer_wipe(report->config.loop, &report->timer);
  free(report);
}
