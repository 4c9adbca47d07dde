/* SPDX-License-Identifier: MIT */
/* load_receivers --url URL --token-file FILE …: receivers of a pa-send, as many as are wanted. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/fanout/crowd.h"
#include "bench/measure.h"
#include "bench/report.h"

static const char help[] =
    "usage: load_receivers --url URL --token-file FILE [OPTION]...\n"
    "\n"
    "Receivers of a pa-send in one process: each joins by WHEP from an address of its own "
    "(127.1.x.y)\n"
    "and has its own socket, ICE, DTLS and SRTP. When all play, it is measured for some time.\n"
    "\n"
    "Send jitter is how much later or earlier a packet came, by the kernel's time of arrival, than "
    "its\n"
    "time stamp says and the median of its stream did.\n"
    "\n"
    "  --url URL          of the endpoint\n"
    "  --token-file FILE  a token of role speaker alone on its first line\n"
    "  --pin PIN          sha256//… of the server's key (any)\n"
    "  --sender PID       whose CPU time is to be told\n"
    "  --receivers N      (500)\n"
    "  --within-ms MS     they join in so long a time, evenly (20 for each)\n"
    "  --seconds S        measured (60)\n"
    "  --before K         the first K join before the others, and have players: what these "
    "conceal\n"
    "                     from the moment on at which the others begin to join is told (0)\n"
    "  --json             one JSON object\n"
    "  --storm            bars of a storm: all play within 10 s, nothing is concealed or lost\n"
    "  --concealed-ms MS  that much may be concealed by all K together (0)\n"
    "  --load             bars of a load: jitter of 99 % of the packets at most 2 ms, nothing is "
    "lost\n";

/* Of the first K, for whose players the start is over then. */
#define SETTLE_NS (3 * PAW_NS_PER_S)
#define PLAY_MAX_NS (120 * PAW_NS_PER_S)
#define STORM_MAX_MS 10000
#define JITTER_MAX_MS 2
#define PACKETS_PER_S 400 /* of 2.5 ms, the most there are */
#define TOKEN_SIZE 128

struct options {
  const char *url;
  const char *token_file;
  const char *pin;
  long sender;
  size_t receivers;
  size_t within_ms; /* 0: 20 for each */
  size_t seconds;
  size_t before;
  double concealed_ms; /* at most */
  bool json;
  bool storm;
  bool load;
};

static void refuse(void) {
  (void)fputs(help, stderr);
  exit(2);
}

static void take_option(int option, struct options *options) {
  switch (option) {
  case 'u':
    options->url = optarg;
    break;
  case 't':
    options->token_file = optarg;
    break;
  case 'p':
    options->pin = optarg;
    break;
  case 'f':
    options->sender = strtol(optarg, NULL, 10);
    break;
  case 'n':
    options->receivers = strtoul(optarg, NULL, 10);
    break;
  case 'w':
    options->within_ms = strtoul(optarg, NULL, 10);
    break;
  case 's':
    options->seconds = strtoul(optarg, NULL, 10);
    break;
  case 'k':
    options->before = strtoul(optarg, NULL, 10);
    break;
  case 'c':
    options->concealed_ms = strtod(optarg, NULL);
    break;
  case 'j':
    options->json = true;
    break;
  case 'S':
    options->storm = true;
    break;
  case 'L':
    options->load = true;
    break;
  case 'h':
    (void)fputs(help, stdout);
    exit(0);
  default:
    refuse();
  }
}

static void parse(int argc, char **argv, struct options *options) {
  static const struct option table[] = {{"url", required_argument, NULL, 'u'},
                                        {"token-file", required_argument, NULL, 't'},
                                        {"pin", required_argument, NULL, 'p'},
                                        {"sender", required_argument, NULL, 'f'},
                                        {"receivers", required_argument, NULL, 'n'},
                                        {"within-ms", required_argument, NULL, 'w'},
                                        {"seconds", required_argument, NULL, 's'},
                                        {"before", required_argument, NULL, 'k'},
                                        {"concealed-ms", required_argument, NULL, 'c'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"storm", no_argument, NULL, 'S'},
                                        {"load", no_argument, NULL, 'L'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  int found = getopt_long(argc, argv, "", table, NULL);
  for (; found != -1; found = getopt_long(argc, argv, "", table, NULL)) {
    take_option(found, options);
  }
  if (optind < argc || options->url == NULL || options->token_file == NULL ||
      options->before >= options->receivers) {
    refuse();
  }
}

static void read_token(const char *path, char token[TOKEN_SIZE]) {
  FILE *file = fopen(path, "r");
  if (file == NULL || fgets(token, TOKEN_SIZE, file) == NULL) {
    perror(path);
    exit(1);
  }
  token[strcspn(token, "\r\n")] = '\0';
  (void)fclose(file);
}

/* ---- what is read before and after ---- */

struct reading {
  uint64_t now_ns;
  uint64_t cpu_ns;
  double sender_s; /* CPU time */
  double receive_errors;
  double send_errors;
  uint64_t overflows;
  uint64_t lost;
};

static double read_sender_s(long pid) {
  char path[64];
  unsigned long user = 0;
  unsigned long kernel = 0;
  (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *file = pid > 0 ? fopen(path, "r") : NULL;
  if (file == NULL || fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                             &user, &kernel) != 2) {
    user = kernel = 0;
  }
  if (file != NULL) {
    (void)fclose(file);
  }
  return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* Of all UDP sockets in this network namespace. */
static void read_snmp(struct reading *reading) {
  char line[512];
  FILE *file = fopen("/proc/net/snmp", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    (void)sscanf(line, "Udp: %*u %*u %*u %*u %lf %lf", &reading->receive_errors,
                 &reading->send_errors);
  }
  if (file != NULL) {
    (void)fclose(file);
  }
}

static uint64_t sum_lost(const struct crowd *crowd) {
  uint64_t lost = 0;
  for (size_t i = 0; i < crowd->count; i++) {
    lost += crowd->members[i].lost;
  }
  return lost;
}

static struct reading take_reading(const struct crowd *crowd, const struct options *options) {
  struct reading reading = {.now_ns = bench_now_ns(),
                            .cpu_ns = bench_cpu_ns(),
                            .sender_s = read_sender_s(options->sender),
                            .overflows = sockets_get_overflows(&crowd->sockets),
                            .lost = sum_lost(crowd)};
  read_snmp(&reading);
  return reading;
}

/* ---- running ---- */

static void serve_until(struct crowd *crowd, uint64_t until_ns) {
  while (bench_now_ns() < until_ns) {
    crowd_serve(crowd);
  }
}

static void wait_until_playing(struct crowd *crowd, size_t count) {
  uint64_t give_up_ns = bench_now_ns() + PLAY_MAX_NS;
  while (crowd->playing < count && crowd->gone == 0 && bench_now_ns() < give_up_ns) {
    crowd_serve(crowd);
  }
}

struct phases {
  struct reading before; /* the storm; the measurement; after it */
  struct reading measured;
  struct reading after;
  double concealed_ms;
  uint64_t begin_ns;
};

static void run(struct crowd *crowd, const struct options *options, struct phases *phases) {
  uint64_t within_ns =
      (options->within_ms > 0 ? options->within_ms : 20 * options->receivers) * PAW_NS_PER_MS;
  if (options->before > 0) {
    crowd_join(crowd, 0, options->before, 0);
    wait_until_playing(crowd, options->before);
    serve_until(crowd, bench_now_ns() + SETTLE_NS);
  }
  phases->before = take_reading(crowd, options);
  phases->concealed_ms = crowd_get_concealed_ms(crowd);
  phases->begin_ns = bench_now_ns();
  crowd->measuring = true;
  crowd_join(crowd, options->before, options->receivers, within_ns);
  wait_until_playing(crowd, options->receivers);
  phases->measured = take_reading(crowd, options);
  for (size_t i = 0; i < crowd->count; i++) {
    crowd->members[i].joining_count = crowd->members[i].delay_count;
  }
  crowd->turn_ns = 0;
  serve_until(crowd, bench_now_ns() + options->seconds * PAW_NS_PER_S);
  crowd->measuring = false;
  phases->after = take_reading(crowd, options);
  phases->concealed_ms = crowd_get_concealed_ms(crowd) - phases->concealed_ms;
}

/* ---- reporting ---- */

/* Absolute deviations of packets from the median of their stream. */
static size_t collect(const struct member *member, bool joining, double *out) {
  size_t from = joining ? 0 : member->joining_count;
  size_t count = (joining ? member->joining_count : member->delay_count) - from;
  for (size_t k = 0; k < count; k++) {
    out[k] = (double)member->delays_ms[from + k];
  }
  double median = bench_quantile(out, count, 0.5);
  for (size_t k = 0; k < count; k++) {
    out[k] = fabs(out[k] - median);
  }
  return count;
}

static size_t collect_jitter(const struct crowd *crowd, size_t members, bool joining,
                             double **out) {
  size_t room = 1;
  size_t count = 0;
  for (size_t i = 0; i < members; i++) {
    room += crowd->members[i].delay_count;
  }
  *out = malloc(room * sizeof **out);
  for (size_t i = 0; i < members && *out != NULL; i++) {
    count += collect(&crowd->members[i], joining, *out + count);
  }
  return count;
}

static void report_jitter(struct bench_report *report, const struct crowd *crowd,
                          const struct options *options) {
  double *jitter = NULL;
  size_t count = collect_jitter(crowd, options->before, true, &jitter);
  if (count > 0) {
    bench_report_add(report, "joining_jitter_p99_ms", bench_quantile(jitter, count, 0.99));
    bench_report_add(report, "joining_jitter_max_ms", bench_quantile(jitter, count, 1));
  }
  free(jitter);
  count = collect_jitter(crowd, crowd->count, false, &jitter);
  bench_report_add(report, "packets", (double)count);
  bench_report_add(report, "jitter_p50_ms", bench_quantile(jitter, count, 0.5));
  if (options->load) {
    bench_report_at_most(report, "jitter_p99_ms", bench_quantile(jitter, count, 0.99),
                         JITTER_MAX_MS);
  } else {
    bench_report_add(report, "jitter_p99_ms", bench_quantile(jitter, count, 0.99));
  }
  bench_report_add(report, "jitter_p999_ms", bench_quantile(jitter, count, 0.999));
  bench_report_add(report, "jitter_max_ms", bench_quantile(jitter, count, 1));
  free(jitter);
}

static void report_joining(struct bench_report *report, const struct crowd *crowd,
                           const struct options *options, const struct phases *phases) {
  double *took_ms = malloc(crowd->count * sizeof *took_ms);
  size_t count = 0;
  double all_ms = 0;
  for (size_t i = options->before; i < crowd->count && took_ms != NULL; i++) {
    const struct member *member = &crowd->members[i];
    double ms = (double)(int64_t)(member->playing_ns - phases->begin_ns) / 1e6;
    if (member->state == MEMBER_PLAYING) {
      took_ms[count++] = (double)(member->playing_ns - member->begin_ns) / 1e6;
      all_ms = ms > all_ms ? ms : all_ms;
    }
  }
  bench_report_add(report, "join_p50_ms", bench_quantile(took_ms, count, 0.5));
  bench_report_add(report, "join_p99_ms", bench_quantile(took_ms, count, 0.99));
  bench_report_at_least(report, "playing", (double)crowd->playing, (double)crowd->count);
  if (options->storm) {
    bench_report_at_most(report, "all_playing_ms", all_ms, STORM_MAX_MS);
  } else {
    bench_report_add(report, "all_playing_ms", all_ms);
  }
  bench_report_add(report, "refused", (double)crowd->refused);
  bench_report_add(report, "failed", (double)crowd->failed);
  free(took_ms);
}

static void report_cpu(struct bench_report *report, const struct reading *from,
                       const struct reading *to, const char *when) {
  char name[64];
  double s = (double)(to->now_ns - from->now_ns) / 1e9;
  (void)snprintf(name, sizeof name, "%s_sender_cpu_percent", when);
  bench_report_add(report, name, (to->sender_s - from->sender_s) / s * 100);
  (void)snprintf(name, sizeof name, "%s_load_cpu_percent", when);
  bench_report_add(report, name, (double)(to->cpu_ns - from->cpu_ns) / 1e9 / s * 100);
}

static void report_all(struct bench_report *report, const struct crowd *crowd,
                       const struct options *options, const struct phases *phases) {
  const struct reading *before = &phases->before;
  const struct reading *after = &phases->after;
  report_joining(report, crowd, options, phases);
  report_cpu(report, before, &phases->measured, "joining");
  report_cpu(report, &phases->measured, after, "playing");
  report_jitter(report, crowd, options);
  bench_report_at_most(report, "lost", (double)(after->lost - before->lost), 0);
  bench_report_add(report, "load_overflows", (double)(after->overflows - before->overflows));
  bench_report_add(report, "host_receive_errors", after->receive_errors - before->receive_errors);
  bench_report_add(report, "host_send_errors", after->send_errors - before->send_errors);
  bench_report_add(report, "load_longest_turn_ms", (double)crowd->turn_ns / 1e6);
  if (options->before > 0) {
    bench_report_at_most(report, "concealed_ms", phases->concealed_ms, options->concealed_ms);
  }
}

int main(int argc, char **argv) {
  struct options options = {.receivers = 500, .seconds = 60};
  struct bench_report report;
  struct phases phases;
  struct crowd crowd;
  char token[TOKEN_SIZE];
  parse(argc, argv, &options);
  read_token(options.token_file, token);
  const struct crowd_config config = {
      .whep = {.url = options.url, .token = token, .pin = options.pin},
      .receivers = options.receivers,
      .listening = options.before,
      .delays_max = options.seconds * PACKETS_PER_S + PLAY_MAX_NS / PAW_NS_PER_S * 50};
  crowd_open(&crowd, &config);
  run(&crowd, &options, &phases);
  bench_report_begin(&report, options.json, "load_receivers",
                     "receivers of one pa-send, by the loopback interface");
  bench_report_add(&report, "receivers", (double)options.receivers);
  report_all(&report, &crowd, &options, &phases);
  crowd_leave(&crowd);
  crowd_close(&crowd);
  return bench_report_end(&report);
}
