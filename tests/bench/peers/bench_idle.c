/* SPDX-License-Identifier: MIT */
/* What a hub of connected peers costs while nobody says anything, in real time over loopback. */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/callgrind.h"
#include "bench/measure.h"
#include "bench/peers/far.h"
#include "bench/peers/near.h"
#include "bench/report.h"
#include "loop.h"
#include "system.h"
#include "udp.h"

#define CORE_BAR 0.01
#define PEERS_MAX 10000
#define TRANSMITS_MAX 32 /* as pa-send */
#define FLOOR_DATAGRAMS 20000
#define CONNECT_NS (60 * PAW_NS_PER_S) /* that nobody more connects */
/* Checks become rare, and first reports are through. */
#define SETTLE_NS (10 * PAW_NS_PER_S)
/* So many join at a time, or the handshakes would hold up each other's timers. */
#define JOINS_MAX 20

static const char help[] =
    "usage: bench_idle [OPTION]...\n"
    "\n"
    "Connects receivers, each with a socket of its own in another process, to a hub as pa-send "
    "has\n"
    "it, lets them be silent, and says what the hub's process is woken up for and what that "
    "costs.\n"
    "\n"
    "  --peers N        (1000)\n"
    "  --seconds N      of silence that are measured (20)\n"
    "  --instructions   of the hub's process in user space as well: some minutes under valgrind\n"
    "  --json           one JSON object\n";

struct run {
  struct near near;
  struct udp *udp;
  struct loop *loop;
  struct loop_timer timer; /* the hub's */
  struct loop_timer clock; /* of this program: what comes next */
  size_t peers;
  size_t joined;
  size_t seen; /* of those connected, when it was looked last */
  uint64_t seconds;
  uint64_t give_up_ns;
  uint64_t turns; /* of the loop */
  enum { JOINING, SETTLING, MEASURING } phase;
  struct {
    uint64_t now_ns;
    uint64_t cpu_ns;
    uint64_t turns;
    struct paw_hub_stats hub;
  } begun, ended;
};

/* ---- the hub's input and output, as pa-send does them ---- */

static void drain(struct run *run) {
  struct paw_transmit batch[TRANSMITS_MAX];
  size_t count = 0;
  do {
    paw_hub_poll_transmits(run->near.hub, batch, TRANSMITS_MAX, &count);
    udp_send(run->udp, batch, count);
  } while (count > 0);
  near_take_events(&run->near);
  loop_timer_set(&run->timer, paw_hub_next_timeout(run->near.hub).deadline_ns);
}

static void take_datagram(void *user_data, const struct paw_input *input) {
  struct run *run = user_data;
  (void)paw_hub_handle_input(run->near.hub, input);
}

static void on_ready(void *user_data, int fd, short ready) {
  struct run *run = user_data;
  (void)ready;
  udp_receive(run->udp, fd, system_now_ns(), take_datagram, run);
}

static void on_time(void *user_data, uint64_t now_ns) {
  struct run *run = user_data;
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns};
  (void)paw_hub_handle_input(run->near.hub, &time);
}

static void on_idle(void *user_data, uint64_t now_ns) {
  struct run *run = user_data;
  (void)now_ns;
  run->turns++;
  drain(run);
}

/* ---- what happens when ---- */

static void note(struct run *run, uint64_t now_ns, bool begin) {
  uint64_t cpu_ns = bench_cpu_ns();
  if (begin) {
    run->begun.now_ns = now_ns;
    run->begun.cpu_ns = cpu_ns;
    run->begun.turns = run->turns;
    paw_hub_get_stats(run->near.hub, &run->begun.hub);
  } else {
    run->ended.now_ns = now_ns;
    run->ended.cpu_ns = cpu_ns;
    run->ended.turns = run->turns;
    paw_hub_get_stats(run->near.hub, &run->ended.hub);
  }
}

static void join_more(struct run *run, uint64_t now_ns) {
  while (run->joined < run->peers && run->joined - run->near.connected < JOINS_MAX) {
    near_join(&run->near, run->joined++, now_ns);
  }
}

static void on_clock(void *user_data, uint64_t now_ns) {
  struct run *run = user_data;
  switch (run->phase) {
  case JOINING:
    if (now_ns > run->give_up_ns) {
      wire_die("%zu of %zu are connected, and for a minute nobody more", run->near.connected,
               run->peers);
    }
    if (run->near.connected > run->seen) {
      run->seen = run->near.connected;
      run->give_up_ns = now_ns + CONNECT_NS;
    }
    join_more(run, now_ns);
    loop_timer_set(&run->clock, now_ns + PAW_NS_PER_MS);
    if (run->near.connected == run->peers) {
      run->phase = SETTLING;
      loop_timer_set(&run->clock, now_ns + SETTLE_NS);
    }
    break;
  case SETTLING:
    run->phase = MEASURING;
    bench_callgrind_begin();
    bench_callgrind_collect(true);
    note(run, now_ns, true);
    loop_timer_set(&run->clock, now_ns + run->seconds * PAW_NS_PER_S);
    break;
  case MEASURING:
    note(run, now_ns, false);
    bench_callgrind_collect(false);
    loop_stop(run->loop);
    break;
  }
}

static void measure(struct run *run) {
  struct fault fault;
  const struct udp_config config = {.loopback_only = true};
  if (udp_open(&config, &run->udp, &fault) != 0 || loop_new(&run->loop, &fault) != 0) {
    wire_die("%s", fault.text);
  }
  int wire = -1;
  pid_t pid = far_start(run->peers, true, &wire);
  const struct paw_address address = {
      .family = PAW_FAMILY_IPV4, .port = udp_get_port(run->udp), .ip = {127, 0, 0, 1}};
  uint64_t now_ns = system_now_ns();
  near_init(&run->near, wire, &address, run->peers, now_ns);
  run->give_up_ns = now_ns + CONNECT_NS;
  loop_timer_init(run->loop, &run->timer, on_time, run);
  loop_timer_init(run->loop, &run->clock, on_clock, run);
  loop_timer_set(&run->clock, now_ns);
  loop_set_idle(run->loop, on_idle, run);
  (void)loop_watch(run->loop, udp_get_fd(run->udp, PAW_FAMILY_IPV4), POLLIN, on_ready, run);
  if (loop_run(run->loop, &fault) != 0) {
    wire_die("%s", fault.text);
  }
  near_wipe(&run->near);
  close(wire);
  (void)waitpid(pid, NULL, 0);
  loop_free(run->loop);
}

/* ---- floor: one datagram of a check's length out, and one in, on the same socket ---- */

static void count_datagram(void *user_data, const struct paw_input *input) {
  (void)input;
  ++*(uint64_t *)user_data;
}

static double floor_ns(struct udp *udp) {
  static const uint8_t data[100];
  const struct paw_address address = {
      .family = PAW_FAMILY_IPV4, .port = udp_get_port(udp), .ip = {127, 0, 0, 1}};
  const struct paw_transmit transmit = {
      .local = address, .remote = address, .dscp = 46, .data = data, .len = sizeof data};
  int fd = udp_get_fd(udp, PAW_FAMILY_IPV4);
  uint64_t came = 0;
  uint64_t begun_ns = bench_cpu_ns();
  for (int i = 0; i < FLOOR_DATAGRAMS; i++) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    udp_send(udp, &transmit, 1);
    (void)poll(&ready, 1, 1000);
    udp_receive(udp, fd, system_now_ns(), count_datagram, &came);
  }
  return (double)(bench_cpu_ns() - begun_ns) / FLOOR_DATAGRAMS;
}

/* ---- the program ---- */

/* Seconds of silence are what is counted. */
static bool add_instructions(struct bench_report *report, size_t peers) {
  static const size_t seconds[2] = {5, 15};
  char mode[64];
  double instructions = 0;
  snprintf(mode, sizeof mode, "--counted=%zu", peers);
  if (!bench_callgrind_run(mode, seconds, &instructions)) {
    return false;
  }
  bench_report_add(report, "instructions_per_peer_per_s", instructions / (double)peers);
  return true;
}

static int report(struct run *run, bool instructions, bool json) {
  struct bench_report report;
  double seconds = (double)(run->ended.now_ns - run->begun.now_ns) / 1e9;
  double cpu_s = (double)(run->ended.cpu_ns - run->begun.cpu_ns) / 1e9;
  double sent = (double)(run->ended.hub.datagrams_sent - run->begun.hub.datagrams_sent);
  double received = (double)(run->ended.hub.datagrams_received - run->begun.hub.datagrams_received);
  double pair_ns = floor_ns(run->udp);
  double floor_share = pair_ns * (sent + received) / 2 / seconds / 1e9;
  double peers = (double)run->peers;
  bench_report_begin(&report, json, "bench_idle", "a hub of connected, silent peers");
  bench_report_add(&report, "peers", peers);
  bench_report_add(&report, "seconds", seconds);
  bench_report_add(&report, "hub_wake_ups_per_s",
                   (double)(run->ended.hub.wake_ups - run->begun.hub.wake_ups) / seconds);
  bench_report_add(&report, "loop_turns_per_s",
                   (double)(run->ended.turns - run->begun.turns) / seconds);
  bench_report_add(&report, "sent_per_s", sent / seconds);
  bench_report_add(&report, "received_per_s", received / seconds);
  bench_report_add(&report, "cpu_us_per_peer_per_s", cpu_s / seconds / peers * 1e6);
  bench_report_add(&report, "floor_datagram_out_and_in_ns", pair_ns);
  bench_report_add(&report, "floor_core", floor_share);
  bench_report_at_most(&report, "core", cpu_s / seconds, CORE_BAR);
  bool counted = !instructions || add_instructions(&report, run->peers);
  int status = bench_report_end(&report);
  return counted ? status : 2;
}

struct choice {
  long peers;
  long seconds;
  bool json;
  bool instructions;
  bool is_counted; /* runs under callgrind, for the one with `instructions` */
};

/* False, after help where it was asked for: nothing is to be run, and `status` is how to end. */
static bool read_options(int argc, char **argv, struct choice *choice, int *status) {
  static const struct option options[] = {{"peers", required_argument, NULL, 'p'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"instructions", no_argument, NULL, 'i'},
                                          {"counted", required_argument, NULL, 'c'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  *choice = (struct choice){.peers = 1000, .seconds = 20};
  for (int c = 0; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (c == 'p' || c == 'c') {
      choice->peers = strtol(optarg, NULL, 10);
      choice->is_counted = c == 'c';
    } else if (c == 's') {
      choice->seconds = strtol(optarg, NULL, 10);
    } else if (c == 'i') {
      choice->instructions = true;
    } else if (c == 'j') {
      choice->json = true;
    } else {
      fputs(help, c == 'h' ? stdout : stderr);
      *status = c == 'h' ? 0 : 2;
      return false;
    }
  }
  if (choice->is_counted && optind + 1 == argc) {
    choice->seconds = strtol(argv[optind++], NULL, 10);
  }
  bool good = choice->peers >= 1 && choice->peers <= PEERS_MAX && choice->seconds >= 1 &&
              choice->seconds <= 3600 && optind == argc;
  if (!good) {
    fputs(help, stderr);
    *status = 2;
  }
  return good;
}

int main(int argc, char **argv) {
  static struct run run;
  struct choice choice;
  int status = 0;
  if (!read_options(argc, argv, &choice, &status)) {
    return status;
  }
  run.peers = (size_t)choice.peers;
  run.seconds = (uint64_t)choice.seconds;
  measure(&run);
  if (!choice.is_counted) {
    status = report(&run, choice.instructions, choice.json);
  }
  udp_close(run.udp);
  return status;
}
