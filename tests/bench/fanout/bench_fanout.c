/* SPDX-License-Identifier: MIT */
/* bench_fanout [--peers N] [--rounds R] [--json]: what a packet to each of N receivers costs. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/fanout/run.h"
#include "bench/measure.h"
#include "bench/report.h"

static const char help[] =
    "usage: bench_fanout [OPTION]...\n"
    "\n"
    "A process sends as pa-send does, one packet of 160 bytes to each of N receivers a round; "
    "another\n"
    "receives, with a socket for each. CPU time a packet, of 5 repetitions. The floor, SRTP and a\n"
    "sendto to sockets of the same process, takes turns with it.\n"
    "\n"
    "  --peers N    alone (1, 10, 100 and 1000, with bars)\n"
    "  --rounds R   in a repetition (20000 packets, 200 rounds at least)\n"
    "  --json       one JSON object\n";

#define PACKETS 20000
#define ROUNDS_MIN 200

struct options {
  size_t peers; /* 0: all */
  size_t rounds;
  bool json;
};

static void parse(int argc, char **argv, struct options *options) {
  static const struct option table[] = {{"peers", required_argument, NULL, 'p'},
                                        {"rounds", required_argument, NULL, 'r'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  int found = getopt_long(argc, argv, "", table, NULL);
  for (; found != -1; found = getopt_long(argc, argv, "", table, NULL)) {
    if (found == 'p') {
      options->peers = strtoul(optarg, NULL, 10);
    } else if (found == 'r') {
      options->rounds = strtoul(optarg, NULL, 10);
    } else if (found == 'j') {
      options->json = true;
    } else {
      (void)fputs(help, found == 'h' ? stdout : stderr);
      exit(found == 'h' ? 0 : 2);
    }
  }
  if (optind < argc || options->peers > 9000) {
    (void)fputs(help, stderr);
    exit(2);
  }
}

/* So that nothing overflows. */
static size_t choose_in_flight(size_t peers) {
  return peers <= 10 ? 32 : peers <= 100 ? 4 : 1;
}

struct costs {
  double min;
  double median;
};

static struct costs sum_up(const double *values) {
  double sorted[FANOUT_REPETITIONS];
  memcpy(sorted, values, sizeof sorted);
  return (struct costs){.min = bench_quantile(sorted, FANOUT_REPETITIONS, 0),
                        .median = bench_quantile(sorted, FANOUT_REPETITIONS, 0.5)};
}

static double ratio_of(const struct fanout_cost *cost) {
  double ratios[FANOUT_REPETITIONS];
  for (size_t i = 0; i < FANOUT_REPETITIONS; i++) {
    ratios[i] = cost->ours[i] / cost->floor[i];
  }
  return bench_quantile(ratios, FANOUT_REPETITIONS, 0.5);
}

static const char *name_of(size_t peers, const char *figure) {
  static char name[64];
  (void)snprintf(name, sizeof name, "n%zu_%s", peers, figure);
  return name;
}

static void report_cost(struct bench_report *report, size_t peers, const char *whose,
                        const double *values) {
  char figure[32];
  struct costs costs = sum_up(values);
  (void)snprintf(figure, sizeof figure, "%s_ns_min", whose);
  bench_report_add(report, name_of(peers, figure), costs.min);
  (void)snprintf(figure, sizeof figure, "%s_ns_median", whose);
  bench_report_add(report, name_of(peers, figure), costs.median);
}

static void report_run(struct bench_report *report, size_t peers,
                       const struct fanout_result *result) {
  bench_report_add(report, name_of(peers, "rounds"), (double)result->rounds);
  bench_report_add(report, name_of(peers, "datagram_bytes"), result->datagram_bytes);
  bench_report_add(report, name_of(peers, "connect_s"), result->connect_s);
  report_cost(report, peers, "sender", result->sender.ours);
  report_cost(report, peers, "floor", result->sender.floor);
  report_cost(report, peers, "receiver", result->receiver.ours);
  report_cost(report, peers, "receiver_floor", result->receiver.floor);
  bench_report_add(report, name_of(peers, "receiver_ratio"), ratio_of(&result->receiver));
  if (peers == 100) {
    bench_report_at_most(report, name_of(peers, "ratio"), ratio_of(&result->sender), 1.2);
  } else {
    bench_report_add(report, name_of(peers, "ratio"), ratio_of(&result->sender));
  }
  bench_report_at_most(report, name_of(peers, "lost"), (double)result->lost, 0);
  bench_report_at_most(report, name_of(peers, "dropped"), (double)result->dropped, 0);
  bench_report_add(report, name_of(peers, "other_datagrams"), (double)result->others);
  bench_report_add(report, name_of(peers, "floor_lost"), (double)result->floor_lost);
}

static void run_one(struct bench_report *report, const struct options *options, size_t peers,
                    struct fanout_result *result) {
  size_t rounds = PACKETS / peers > ROUNDS_MIN ? PACKETS / peers : ROUNDS_MIN;
  const struct fanout_config config = {.peers = peers,
                                       .rounds = options->rounds > 0 ? options->rounds : rounds,
                                       .in_flight = choose_in_flight(peers)};
  fanout_run(&config, result);
  report_run(report, peers, result);
}

int main(int argc, char **argv) {
  static const size_t all[] = {1, 10, 100, 1000};
  struct options options = {0};
  struct bench_report report;
  struct fanout_result results[4];
  parse(argc, argv, &options);
  bench_report_begin(&report, options.json, "bench_fanout",
                     "CPU time a packet, from one process to N receivers in another, by loopback");
  if (options.peers > 0) {
    run_one(&report, &options, options.peers, &results[0]);
    return bench_report_end(&report);
  }
  for (size_t i = 0; i < 4; i++) {
    run_one(&report, &options, all[i], &results[i]);
  }
  double few = sum_up(results[1].sender.ours).min;
  double many = sum_up(results[3].sender.ours).min;
  double floor_few = sum_up(results[1].sender.floor).min;
  double floor_many = sum_up(results[3].sender.floor).min;
  bench_report_at_most(&report, "n1000_over_n10", many / few, 1.3);
  bench_report_add(&report, "floor_n1000_over_n10", floor_many / floor_few);
  return bench_report_end(&report);
}
