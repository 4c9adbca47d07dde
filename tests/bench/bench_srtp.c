/* SPDX-License-Identifier: MIT */
/* SRTP with our AES and SHA-1 in libsrtp2 against libsrtp2 as it comes, in one run. What libsrtp2
 * was given it has for the whole process, so each kind is a process of its own: the two take turns,
 * a repetition each, and a machine that slows down slows both. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <srtp2/srtp.h>

#include "bench/callgrind.h"
#include "bench/measure.h"
#include "bench/report.h"
#include "srtp/srtp.h"

#define PACKET_BYTES 172 /* 12 of header, 160 of payload */
#define STREAMS 100
#define REPETITIONS 31
/* One stream; STREAMS of them, so that keys and states do not stay in the cache. */
#define SHAPES 2

static const size_t stream_counts[SHAPES] = {1, STREAMS};

enum kind { STOCK, OURS };

struct stream {
  srtp_t sender;
  srtp_t receiver;
  uint16_t sequence;
};

struct packet {
  uint8_t data[PACKET_BYTES + PAW_SRTP_TRAILER_MAX];
};

struct times {
  double protect_ns;
  double unprotect_ns;
};

static void check(int status, const char *what) {
  if (status != 0) {
    fprintf(stderr, "bench_srtp: %s: %d\n", what, status);
    exit(1);
  }
}

/* ---- the work ---- */

static srtp_t make_session(const uint8_t *key, unsigned long window, int repeat) {
  srtp_policy_t policy = {.key = (uint8_t *)key, .window_size = window, .allow_repeat_tx = repeat};
  srtp_t session = NULL;
  policy.ssrc = (srtp_ssrc_t){.type = ssrc_specific, .value = 1};
  srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
  srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  check(srtp_create(&session, &policy), "srtp_create");
  return session;
}

/* Each stream in a session of its own, as connections have it. */
static struct stream *make_streams(enum kind kind, size_t count) {
  struct stream *streams = calloc(count, sizeof *streams);
  check(streams ? 0 : 1, "memory");
  check(kind == OURS ? paw_srtp_install() : (int)srtp_init(), "setting libsrtp2 up");
  for (size_t i = 0; i < count; i++) {
    uint8_t key[30];
    memset(key, (int)i + 1, sizeof key);
    streams[i].sender = make_session(key, 256, 1);
    streams[i].receiver = make_session(key, 128, 0);
  }
  return streams;
}

static void write_packet(struct packet *packet, uint16_t sequence) {
  static const uint8_t header[12] = {0x80, 111, [11] = 1};
  memset(packet->data, 0x41, PACKET_BYTES);
  memcpy(packet->data, header, sizeof header);
  packet->data[2] = (uint8_t)(sequence >> 8);
  packet->data[3] = (uint8_t)sequence;
}

static void protect(struct stream *stream, struct packet *packet) {
  int len = PACKET_BYTES;
  check(srtp_protect(stream->sender, packet->data, &len), "srtp_protect");
}

static void unprotect(struct stream *stream, struct packet *packet) {
  int len = PACKET_BYTES + 10;
  check(srtp_unprotect(stream->receiver, packet->data, &len), "srtp_unprotect");
}

static void write_packets(struct stream *streams, size_t stream_count, struct packet *packets,
                          size_t count) {
  for (size_t i = 0; i < count; i++)
    write_packet(&packets[i], streams[i % stream_count].sequence++);
}

static struct times run_once(struct stream *streams, size_t stream_count, struct packet *packets,
                             size_t count) {
  write_packets(streams, stream_count, packets, count);
  uint64_t begin_ns = bench_cpu_ns();
  for (size_t i = 0; i < count; i++)
    protect(&streams[i % stream_count], &packets[i]);
  uint64_t middle_ns = bench_cpu_ns();
  for (size_t i = 0; i < count; i++)
    unprotect(&streams[i % stream_count], &packets[i]);
  uint64_t end_ns = bench_cpu_ns();
  return (struct times){(double)(middle_ns - begin_ns) / (double)count,
                        (double)(end_ns - middle_ns) / (double)count};
}

/* ---- two processes by turns ---- */

struct worker {
  int ask;
  int answer;
  pid_t pid;
};

/* For each byte that is asked, the times of a repetition of every shape. */
static void work(enum kind kind, size_t packet_count, int ask, int answer) {
  struct packet *packets = calloc(packet_count, sizeof *packets);
  struct stream *streams = make_streams(kind, STREAMS);
  char question = 0;
  check(packets ? 0 : 1, "memory");
  while (read(ask, &question, 1) == 1) {
    for (size_t i = 0; i < SHAPES; i++) {
      struct times times = run_once(streams, stream_counts[i], packets, packet_count);
      check(write(answer, &times, sizeof times) == sizeof times ? 0 : 1, "answering");
    }
  }
  exit(0);
}

static struct worker start_worker(enum kind kind, size_t packet_count) {
  int down[2], up[2];
  check(pipe(down) || pipe(up), "pipe");
  fflush(stdout);
  struct worker worker = {.ask = down[1], .answer = up[0], .pid = fork()};
  check(worker.pid < 0, "fork");
  if (worker.pid == 0) {
    close(down[1]);
    close(up[0]);
    work(kind, packet_count, down[0], up[1]);
  }
  close(down[0]);
  close(up[1]);
  return worker;
}

static void ask_worker(const struct worker *worker, struct times times[SHAPES]) {
  check(write(worker->ask, "", 1) == 1 ? 0 : 1, "asking");
  for (size_t i = 0; i < SHAPES; i++)
    check(read(worker->answer, &times[i], sizeof times[i]) == sizeof times[i] ? 0 : 1, "reading");
}

static void stop_worker(const struct worker *worker) {
  int status = 0;
  close(worker->ask);
  close(worker->answer);
  check(waitpid(worker->pid, &status, 0) != worker->pid || status != 0, "a worker's end");
}

/* ---- figures ---- */

struct series {
  double values[REPETITIONS];
};

/* By kind and shape; and how many times faster ours was than the stock beside it. */
struct measured {
  struct series protect_ns[2][SHAPES];
  struct series unprotect_ns[2][SHAPES];
  struct series protect_gain[SHAPES];
  struct series unprotect_gain[SHAPES];
};

static void measure(struct measured *measured, size_t packet_count) {
  struct worker workers[2] = {start_worker(STOCK, packet_count)};
  workers[OURS] = start_worker(OURS, packet_count);
  for (size_t i = 0; i < REPETITIONS; i++) {
    struct times times[2][SHAPES];
    ask_worker(&workers[STOCK], times[STOCK]);
    ask_worker(&workers[OURS], times[OURS]);
    for (size_t shape = 0; shape < SHAPES; shape++) {
      const struct times *stock = &times[STOCK][shape], *ours = &times[OURS][shape];
      for (int kind = STOCK; kind <= OURS; kind++) {
        measured->protect_ns[kind][shape].values[i] = times[kind][shape].protect_ns;
        measured->unprotect_ns[kind][shape].values[i] = times[kind][shape].unprotect_ns;
      }
      measured->protect_gain[shape].values[i] = stock->protect_ns / ours->protect_ns;
      measured->unprotect_gain[shape].values[i] = stock->unprotect_ns / ours->unprotect_ns;
    }
  }
  stop_worker(&workers[OURS]); /* the younger first: it holds the elder's pipes open */
  stop_worker(&workers[STOCK]);
}

static void report_series(struct bench_report *report, const char *kind, const char *what,
                          size_t streams, struct series *series) {
  char name[64];
  snprintf(name, sizeof name, "%s_%s_%zu_min_ns", kind, what, streams);
  bench_report_add(report, name, bench_quantile(series->values, REPETITIONS, 0));
  snprintf(name, sizeof name, "%s_%s_%zu_median_ns", kind, what, streams);
  bench_report_add(report, name, bench_quantile(series->values, REPETITIONS, 0.5));
}

static void report_gain(struct bench_report *report, const char *what, size_t streams,
                        struct series *series) {
  char name[64];
  snprintf(name, sizeof name, "%s_%zu_times_faster", what, streams);
  bench_report_at_least(report, name, bench_quantile(series->values, REPETITIONS, 0.5), 2.5);
}

static void report_times(struct bench_report *report, struct measured *measured) {
  static const char *const kinds[2] = {"stock", "ours"};
  for (size_t shape = 0; shape < SHAPES; shape++) {
    size_t streams = stream_counts[shape];
    for (int kind = STOCK; kind <= OURS; kind++) {
      report_series(report, kinds[kind], "protect", streams, &measured->protect_ns[kind][shape]);
      report_series(report, kinds[kind], "unprotect", streams,
                    &measured->unprotect_ns[kind][shape]);
    }
    report_gain(report, "protect", streams, &measured->protect_gain[shape]);
    report_gain(report, "unprotect", streams, &measured->unprotect_gain[shape]);
  }
}

/* ---- instructions ---- */

static double count_instructions(const char *mode) {
  static const size_t counts[2] = {1000, 3000};
  double instructions = 0;
  check(!bench_callgrind_run(mode, counts, &instructions), "callgrind");
  return instructions;
}

static void report_instructions(struct bench_report *report) {
  static const char *const functions[2] = {"protect", "unprotect"};
  for (int i = 0; i < 2; i++) {
    char name[64];
    snprintf(name, sizeof name, "--stock-%s", functions[i]);
    double stock = count_instructions(name);
    snprintf(name, sizeof name, "--ours-%s", functions[i]);
    double ours = count_instructions(name);
    snprintf(name, sizeof name, "stock_%s_instructions", functions[i]);
    bench_report_add(report, name, stock);
    snprintf(name, sizeof name, "ours_%s_instructions", functions[i]);
    bench_report_at_most(report, name, ours, 8000);
    snprintf(name, sizeof name, "%s_times_fewer_instructions", functions[i]);
    bench_report_at_least(report, name, stock / ours, 3);
  }
}

/* What is counted: this program under callgrind. */
static int run_counted(const char *mode, size_t count) {
  bool ours = strncmp(mode, "--ours", 6) == 0;
  bool protects = strstr(mode, "-protect") != NULL;
  struct stream *streams = make_streams(ours ? OURS : STOCK, 1);
  struct packet packet;
  bench_callgrind_begin();
  for (size_t i = 0; i < count; i++) {
    write_packet(&packet, streams->sequence++);
    bench_callgrind_collect(protects);
    protect(streams, &packet);
    bench_callgrind_collect(!protects);
    unprotect(streams, &packet);
    bench_callgrind_collect(false);
  }
  return 0;
}

/* ---- the program ---- */

static void usage(FILE *file) {
  fprintf(file,
          "Usage: bench_srtp [--json] [--packets N]\n"
          "  --json       one JSON object instead of a table\n"
          "  --packets N  in each repetition, 1 to 30000 (2000)\n");
}

int main(int argc, char **argv) {
  bool json = false;
  size_t packet_count = 2000;
  if (argc == 3 && strstr(argv[1], "protect"))
    return run_counted(argv[1], strtoul(argv[2], NULL, 10));
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (strcmp(argv[i], "--packets") == 0 && i + 1 < argc) {
      packet_count = strtoul(argv[++i], NULL, 10);
    } else {
      bool help = strcmp(argv[i], "--help") == 0;
      usage(help ? stdout : stderr);
      return help ? 0 : 2;
    }
  }
  if (packet_count < 1 || packet_count > 30000) {
    usage(stderr);
    return 2;
  }
  static struct measured measured;
  struct bench_report report;
  bench_report_begin(&report, json, "bench_srtp",
                     "AES128_CM_SHA1_80 over RTP packets of 172 bytes: our AES and SHA-1 in "
                     "libsrtp2 against libsrtp2 as it comes, by turns");
  measure(&measured, packet_count);
  report_times(&report, &measured);
  report_instructions(&report);
  return bench_report_end(&report);
}
