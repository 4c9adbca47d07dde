/* SPDX-License-Identifier: MIT */
/* How long it takes from an offer to the first decrypted audio. */
#include <stdlib.h>
#include <string.h>

#include "bench/connect/floor.h"
#include "bench/connect/live.h"
#include "bench/connect/lossy.h"
#include "bench/measure.h"
#include "bench/report.h"
#include "options.h"

#include <pawebrtc/base.h>

#define RUNS_MAX 10000
#define NAME_MAX_BYTES 64

/* Bars: tests/bench/README.md. */
#define OVER_FLOOR_BAR 1.5
#define P99_MS_BAR 60
#define LOSSY_FULL_P90_MS_BAR 400
#define LOSSY_LITE_P90_MS_BAR 500
#define LOSSY_HEAVY 0.2

struct settings {
  int64_t runs;
  int64_t seeds;
  int64_t trace;
  bool live, lossy, json;
};

/* ---- two processes ---- */

struct form {
  const char *name;
  struct live_form form;
  bool has_bars;
};

static const struct form forms[] = {
    {"lite", {.receiver = PAW_ICE_LITE}, true},
    {"full", {.receiver = PAW_ICE_FULL}, true},
    {"lite_new_certificates", {.receiver = PAW_ICE_LITE, .new_certificates = true}, false},
};

#define FORM_COUNT (sizeof forms / sizeof forms[0])

enum column {
  CONNECTED_MS,
  FIRST_AUDIO_MS,
  RECEIVER_CPU_MS,
  SENDER_CPU_MS,
  CPU_MS, /* of both */
  STUN_DATAGRAMS,
  DTLS_DATAGRAMS,
  DATAGRAMS,
  BYTES,
  COLUMN_COUNT
};

struct series {
  double *columns[COLUMN_COUNT];
  size_t count;
  size_t failures;
};

struct live_bench {
  size_t runs;
  struct floor *floor;
  struct live *live;
  double *floors_ms[2]; /* in this process, in the child */
  size_t floor_counts[2];
  struct series series[FORM_COUNT];
};

static double *make_values(size_t count) {
  double *values = calloc(count, sizeof *values);
  if (values == NULL) {
    abort();
  }
  return values;
}

static double to_ms(uint64_t ns) {
  return (double)ns / PAW_NS_PER_MS;
}

static void take(struct series *series, const struct live_times *times) {
  const struct endpoint_cost *receiver = &times->receiver, *sender = &times->sender;
  unsigned stun = receiver->stun + sender->stun, dtls = receiver->dtls + sender->dtls;
  const double row[COLUMN_COUNT] = {
      [CONNECTED_MS] = to_ms(times->connected_ns),
      [FIRST_AUDIO_MS] = to_ms(times->first_audio_ns),
      [RECEIVER_CPU_MS] = to_ms(receiver->cpu_ns),
      [SENDER_CPU_MS] = to_ms(sender->cpu_ns),
      [CPU_MS] = to_ms(receiver->cpu_ns + sender->cpu_ns),
      [STUN_DATAGRAMS] = stun,
      [DTLS_DATAGRAMS] = dtls,
      [DATAGRAMS] = stun + dtls + receiver->media + sender->media,
      [BYTES] = (double)(receiver->bytes + sender->bytes),
  };
  for (size_t i = 0; i < COLUMN_COUNT; i++) {
    series->columns[i][series->count] = row[i];
  }
  series->count++;
}

static void take_floor(struct live_bench *bench, size_t process, uint64_t cpu_ns) {
  if (cpu_ns != 0) {
    bench->floors_ms[process][bench->floor_counts[process]++] = to_ms(cpu_ns);
  }
}

/* The floor and all forms take turns, so that they meet the same machine. */
static void run_live(struct live_bench *bench) {
  for (size_t run = 0; run < bench->runs; run++) {
    take_floor(bench, 0, floor_handshake_cpu_ns(bench->floor));
    take_floor(bench, 1, live_floor_cpu_ns(bench->live));
    for (size_t i = 0; i < FORM_COUNT; i++) {
      struct live_times times;
      if (live_connect(bench->live, &forms[i].form, &times)) {
        take(&bench->series[i], &times);
      } else {
        bench->series[i].failures++;
      }
    }
  }
}

static const char *join(char out[NAME_MAX_BYTES], const char *form, const char *figure) {
  (void)snprintf(out, NAME_MAX_BYTES, "%.30s_%.30s", form, figure);
  return out;
}

static const struct figure {
  const char *name;
  enum column column;
  double quantile;
} figures[] = {
    {"connected_p50_ms", CONNECTED_MS, 0.5},
    {"connected_p90_ms", CONNECTED_MS, 0.9},
    {"connected_p99_ms", CONNECTED_MS, 0.99},
    {"first_audio_p50_ms", FIRST_AUDIO_MS, 0.5},
    {"first_audio_p90_ms", FIRST_AUDIO_MS, 0.9},
    {"receiver_cpu_ms", RECEIVER_CPU_MS, 0.5},
    {"sender_cpu_ms", SENDER_CPU_MS, 0.5},
    {"stun_datagrams", STUN_DATAGRAMS, 0.5},
    {"dtls_datagrams", DTLS_DATAGRAMS, 0.5},
    {"datagrams", DATAGRAMS, 0.5},
    {"bytes", BYTES, 0.5},
};

static double quantile_of(const struct series *series, enum column column, double p) {
  return bench_quantile(series->columns[column], series->count, p);
}

static void report_form(struct bench_report *report, const struct form *form,
                        const struct series *series, double floor_ms) {
  char name[NAME_MAX_BYTES];
  double p50_over_floor = quantile_of(series, FIRST_AUDIO_MS, 0.5) / floor_ms;
  double p99_ms = quantile_of(series, FIRST_AUDIO_MS, 0.99);
  for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
    bench_report_add(report, join(name, form->name, figures[i].name),
                     quantile_of(series, figures[i].column, figures[i].quantile));
  }
  bench_report_add(report, join(name, form->name, "cpu_over_floor"),
                   quantile_of(series, CPU_MS, 0.5) / floor_ms);
  if (form->has_bars) {
    bench_report_at_most(report, join(name, form->name, "first_audio_p99_ms"), p99_ms, P99_MS_BAR);
    bench_report_at_most(report, join(name, form->name, "p50_over_floor"), p50_over_floor,
                         OVER_FLOOR_BAR);
  } else {
    bench_report_add(report, join(name, form->name, "first_audio_p99_ms"), p99_ms);
    bench_report_add(report, join(name, form->name, "p50_over_floor"), p50_over_floor);
  }
  bench_report_at_most(report, join(name, form->name, "failures"), (double)series->failures, 0);
}

/* Each process runs one half of a connection, and their cores need not be equally fast. */
static double report_floor(struct bench_report *report, const struct live_bench *bench) {
  double own_ms = bench_quantile(bench->floors_ms[0], bench->floor_counts[0], 0.5);
  double child_ms = bench_quantile(bench->floors_ms[1], bench->floor_counts[1], 0.5);
  double floor_ms = (own_ms + child_ms) / 2;
  bench_report_add(report, "receiver_floor_cpu_ms", own_ms);
  bench_report_add(report, "sender_floor_cpu_ms", child_ms);
  bench_report_add(report, "floor_cpu_ms", floor_ms);
  return floor_ms;
}

static bool bench_live(struct bench_report *report, size_t runs) {
  struct live_bench bench = {.runs = runs, .floors_ms = {make_values(runs), make_values(runs)}};
  for (size_t i = 0; i < FORM_COUNT * COLUMN_COUNT; i++) {
    bench.series[i / COLUMN_COUNT].columns[i % COLUMN_COUNT] = make_values(runs);
  }
  bench.live = live_new();
  bench.floor = floor_new();
  bool good = bench.live != NULL && bench.floor != NULL;
  if (good) {
    run_live(&bench);
    double floor_ms = report_floor(report, &bench);
    for (size_t i = 0; i < FORM_COUNT; i++) {
      report_form(report, &forms[i], &bench.series[i], floor_ms);
    }
  }
  good = (bench.live == NULL || live_free(bench.live)) && good;
  floor_free(bench.floor);
  for (size_t i = 0; i < FORM_COUNT * COLUMN_COUNT; i++) {
    free(bench.series[i / COLUMN_COUNT].columns[i % COLUMN_COUNT]);
  }
  free(bench.floors_ms[0]);
  free(bench.floors_ms[1]);
  return good;
}

/* ---- virtual time ---- */

static void report_lossy(struct bench_report *report, struct lossy *lossy) {
  char form[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
  double *ms = lossy->first_audio_ms;
  (void)snprintf(form, sizeof form, "loss_%.0f_%s", 100 * lossy->loss,
                 lossy->receiver_lite ? "lite" : "full");
  double p90 = bench_quantile(ms, lossy->count, 0.9);
  bench_report_add(report, join(name, form, "p50_ms"), bench_quantile(ms, lossy->count, 0.5));
  if (lossy->loss < LOSSY_HEAVY) {
    bench_report_add(report, join(name, form, "p90_ms"), p90);
  } else {
    bench_report_at_most(report, join(name, form, "p90_ms"), p90,
                         lossy->receiver_lite ? LOSSY_LITE_P90_MS_BAR : LOSSY_FULL_P90_MS_BAR);
  }
  bench_report_add(report, join(name, form, "p99_ms"), bench_quantile(ms, lossy->count, 0.99));
  bench_report_at_most(report, join(name, form, "failures"), (double)lossy->failures, 0);
}

static const double losses[] = {0.05, LOSSY_HEAVY};

static void bench_lossy(struct bench_report *report, size_t seeds) {
  double *ms = make_values(seeds);
  for (size_t i = 0; i < 2 * sizeof losses / sizeof losses[0]; i++) {
    struct lossy lossy = {
        .loss = losses[i / 2], .receiver_lite = i % 2 == 1, .seeds = seeds, .first_audio_ms = ms};
    lossy_run(&lossy);
    report_lossy(report, &lossy);
  }
  free(ms);
}

static void trace(size_t seed) {
  for (int lite = 0; lite < 2; lite++) {
    const struct lossy lossy = {.loss = LOSSY_HEAVY, .receiver_lite = lite == 1};
    printf("receiver %s, 20 %% lost each way, seed %zu\n", lite ? "lite" : "full", seed);
    lossy_trace(&lossy, seed);
  }
}

/* ---- options ---- */

static enum options_verdict read_options(struct settings *settings, int argc, char **argv) {
  const struct option known[] = {
      {.name = "runs",
       .kind = OPTION_NUMBER,
       .target = &settings->runs,
       .value_name = "N",
       .help = "connections of each form between two processes (200)",
       .minimum = 1,
       .maximum = RUNS_MAX},
      {.name = "seeds",
       .kind = OPTION_NUMBER,
       .target = &settings->seeds,
       .value_name = "N",
       .help = "connections at each loss in virtual time (200)",
       .minimum = 1,
       .maximum = RUNS_MAX},
      {.name = "no-live",
       .kind = OPTION_FLAG_OFF,
       .target = &settings->live,
       .help = "leave out the two processes"},
      {.name = "no-lossy",
       .kind = OPTION_FLAG_OFF,
       .target = &settings->lossy,
       .help = "leave out virtual time"},
      {.name = "trace",
       .kind = OPTION_NUMBER,
       .target = &settings->trace,
       .value_name = "SEED",
       .help = "nothing but this seed at 20 % loss: its datagrams",
       .minimum = 1,
       .maximum = INT32_MAX},
      {.name = "json",
       .kind = OPTION_FLAG_ON,
       .target = &settings->json,
       .help = "one JSON object"},
      {.name = "help", .kind = OPTION_HELP, .help = "this text"},
  };
  const struct option_table table = {
      .program = "bench_connect",
      .usage = "[options]",
      .about =
          "How long it takes from an offer to the first decrypted audio: between two processes\n"
          "on 127.0.0.1, beside the DTLS handshake of mbedTLS alone in memory; and over a lossy\n"
          "network in virtual time.",
      .options = known,
      .option_count = sizeof known / sizeof known[0],
  };
  struct option_rest rest;
  struct fault fault;
  enum options_verdict verdict = options_parse(&table, argc, argv, &rest, &fault);
  if (verdict == OPTIONS_WANT_HELP) {
    options_write_help(&table, stdout);
  } else if (verdict == OPTIONS_OK && rest.count > 0) {
    fprintf(stderr, "bench_connect: nothing but options is taken\n");
    return OPTIONS_BAD;
  } else if (verdict == OPTIONS_BAD) {
    fprintf(stderr, "bench_connect: %s\n", fault.text);
  }
  return verdict;
}

int main(int argc, char **argv) {
  struct settings settings = {.runs = 200, .seeds = 200, .live = true, .lossy = true};
  struct bench_report report;
  enum options_verdict verdict = read_options(&settings, argc, argv);
  if (verdict != OPTIONS_OK) {
    return verdict == OPTIONS_BAD ? 2 : 0;
  }
  if (settings.trace != 0) {
    trace((size_t)settings.trace);
    return 0;
  }
  bench_report_begin(&report, settings.json, "bench_connect",
                     "from an offer to the first decrypted audio: two processes over UDP on "
                     "127.0.0.1 and mbedTLS alone in turns; then 1 ms one way with losses, in "
                     "virtual time");
  fflush(stdout);
  bool good = !settings.live || bench_live(&report, (size_t)settings.runs);
  if (settings.lossy) {
    bench_lossy(&report, (size_t)settings.seeds);
  }
  int status = bench_report_end(&report);
  if (!good) {
    fprintf(stderr, "bench_connect: the two processes did not work\n");
  }
  return good ? status : 2;
}
