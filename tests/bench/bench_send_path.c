/* SPDX-License-Identifier: MIT */
/* What the library itself costs a packet, above SRTP: connections made by a real handshake in
 * virtual time, and a transport that is memory. Each way is measured twice: a packet alone, rounds
 * following each other so fast that nothing periodic comes due, as a sender of others' benchmarks
 * sends them; and all-in, 50 packets a second, with everything that happens beside them (RTCP,
 * ICE's checks, timers) in its share. Instructions, so it is the same on any day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <srtp2/srtp.h>

#include "bench/callgrind.h"
#include "bench/report.h"
#include "kit/crowd.h"
#include "kit/pair.h"

#define PAYLOAD_BYTES 160
#define FRAME_MS 20
#define FRAME_RTP 960
#define CONNECT_MS 20000
#define RED_DISTANCE 2

#define HUB_PEERS 100
#define BATCH 64

/* At 50 a second, not measured: the first 100 packets tell the mid, the first reports go. */
#define FRAMES_BEFORE 150

/* Frames of the two runs: ten seconds more, in which all that is periodic comes several times; or
 * half a millisecond more. */
#define FRAMES_LESS 50
#define FRAMES_MORE 550
#define ROUND_NS 1000

struct way {
  int red_distance;
  bool alone; /* packets alone, without what is periodic */
};

static uint64_t get_pause_ns(const struct way *way, size_t index) {
  return way->alone && index >= FRAMES_BEFORE ? ROUND_NS : FRAME_MS * PAW_NS_PER_MS;
}

static void check(bool holds, const char *what) {
  if (!holds) {
    fprintf(stderr, "bench_send_path: %s\n", what);
    exit(1);
  }
}

/* `data` has room for PAYLOAD_BYTES. */
static struct paw_audio_frame make_frame(uint64_t index, uint64_t now_ns, uint8_t *data) {
  memset(data, (int)index, PAYLOAD_BYTES);
  data[0] = 15 << 3; /* one frame of 20 ms (RFC 6716 section 3.1) */
  return (struct paw_audio_frame){.data = data,
                                  .len = PAYLOAD_BYTES,
                                  .media_rtp = index * FRAME_RTP,
                                  .capture_ns = now_ns,
                                  .duration_rtp = FRAME_RTP,
                                  .level = 30,
                                  .talk_spurt = index == 0};
}

/* ---- what is watched ---- */

/* One end of the connections is the one in question, and of what it does all but SRTP. */
static bool watching;

static void watch(bool on) {
  watching = on;
  bench_callgrind_collect(on);
}

typedef srtp_err_status_t transform(srtp_t session, void *packet, int *len);

static srtp_err_status_t pass_over(transform *function, srtp_t session, void *packet, int *len) {
  bool was_watching = watching;
  watch(false);
  srtp_err_status_t status = function(session, packet, len);
  watch(was_watching);
  return status;
}

/* The linker puts these in the place of libsrtp2's. */
#define WRAP(name)                                                                                 \
  transform __real_##name, __wrap_##name;                                                          \
  srtp_err_status_t __wrap_##name(srtp_t session, void *packet, int *len) {                        \
    return pass_over(__real_##name, session, packet, len);                                         \
  }
WRAP(srtp_protect)
WRAP(srtp_protect_rtcp)
WRAP(srtp_unprotect)
WRAP(srtp_unprotect_rtcp)

/* ---- what the watching itself costs: an empty run ---- */

WRAP(nothing)
srtp_err_status_t __real_nothing(srtp_t session, void *packet, int *len) {
  (void)session, (void)packet, (void)len;
  return srtp_err_status_ok;
}

static void run_nothing(size_t count, const struct way *way) {
  (void)way;
  bench_callgrind_begin();
  for (size_t i = 0; i < count; i++) {
    watch(true);
    watch(false);
  }
}

static void run_nothing_wrapped(size_t count, const struct way *way) {
  (void)way;
  bench_callgrind_begin();
  watch(true);
  for (size_t i = 0; i < count; i++)
    (void)__wrap_nothing(NULL, NULL, NULL);
  watch(false);
}

/* ---- one connection ---- */

struct end {
  struct paw_rtc *rtc;
  bool watched;
  bool is_to_drain; /* something was done to it */
  uint64_t deadline_ns;
  size_t audio_count;
  size_t other_count; /* datagrams sent that are no RTP */
};

static void send_frame(struct end *end, size_t index, uint64_t now_ns) {
  uint8_t data[PAYLOAD_BYTES];
  struct paw_audio_frame frame = make_frame(index, now_ns, data);
  watch(end->watched);
  int status = paw_rtc_send_audio(end->rtc, now_ns, &frame);
  watch(false);
  check(status == PAW_OK, "sending");
  end->is_to_drain = true;
}

static void feed(struct end *end, const struct paw_input *input) {
  watch(end->watched);
  int status = paw_rtc_handle_input(end->rtc, input);
  watch(false);
  check(status == PAW_OK, "a connection has ended");
  end->is_to_drain = true;
}

static bool is_rtp(const struct paw_transmit *transmit) { /* RFC 7983, RFC 5761 section 4 */
  return transmit->data[0] >> 6 == 2 && (transmit->data[1] < 192 || transmit->data[1] > 223);
}

/* True: a datagram to send. False: it has nothing more to say. */
static bool poll(struct end *end, struct paw_transmit *out) {
  for (;;) {
    struct paw_rtc_output output;
    watch(end->watched);
    paw_rtc_poll_output(end->rtc, &output);
    watch(false);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT:
      *out = output.transmit;
      end->other_count += !is_rtp(out);
      return true;
    case PAW_OUTPUT_EVENT:
      end->audio_count += output.event.kind == PAW_RTC_EVENT_AUDIO;
      break;
    case PAW_OUTPUT_TIMEOUT:
      end->deadline_ns = output.timeout.deadline_ns;
      return false;
    }
  }
}

static struct paw_input at_other_end(const struct paw_transmit *transmit, uint64_t now_ns) {
  return (struct paw_input){.kind = PAW_INPUT_RECEIVE,
                            .now_ns = now_ns,
                            .arrival_ns = now_ns, /* as the kernel tells */
                            .local = transmit->remote,
                            .remote = transmit->local,
                            .data = transmit->data,
                            .len = transmit->len};
}

static void check_periodic(const struct way *way, size_t other_count) {
  check(!way->alone || other_count == 0, "something periodic came due");
}

/* ---- two connections ---- */

static void drain(struct end *end, struct end *other, uint64_t now_ns) {
  struct paw_transmit transmit;
  while (end->is_to_drain && poll(end, &transmit)) {
    struct paw_input input = at_other_end(&transmit, now_ns);
    feed(other, &input);
  }
  end->is_to_drain = false;
}

static void let_act(struct end ends[2], uint64_t now_ns) {
  for (int i = 0; i < 2; i++) {
    struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns};
    if (ends[i].deadline_ns <= now_ns)
      feed(&ends[i], &input);
  }
  while (ends[0].is_to_drain || ends[1].is_to_drain) {
    drain(&ends[0], &ends[1], now_ns);
    drain(&ends[1], &ends[0], now_ns);
  }
}

/* ends[0] has pa-send's part, ends[1] pa-recv's: it is lite, and receives. */
static void run_pair(size_t frames, const struct way *way, int watched) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, 3);
  config.rtc[0].audio.direction = PAW_DIRECTION_SENDONLY;
  config.rtc[0].audio.red_distance = (int8_t)way->red_distance;
  config.rtc[1].audio.direction = PAW_DIRECTION_RECVONLY;
  config.rtc[1].ice_mode = PAW_ICE_LITE;
  struct kit_pair *pair = kit_pair_connect(&config, CONNECT_MS);
  kit_pair_run_ms(pair, FRAME_MS); /* what is on its way */
  struct end ends[2] = {{.rtc = pair->peers[0].rtc}, {.rtc = pair->peers[1].rtc}};
  ends[watched].watched = true;
  uint64_t now_ns = pair->clock.now_ns;
  for (size_t i = 0; i < FRAMES_BEFORE + frames; i++) {
    send_frame(&ends[0], i, now_ns);
    let_act(ends, now_ns);
    if (i == FRAMES_BEFORE) {
      ends[0].other_count = ends[1].other_count = 0;
      bench_callgrind_begin();
    }
    now_ns += get_pause_ns(way, i);
  }
  check(ends[1].audio_count == FRAMES_BEFORE + frames, "packets are missing");
  check_periodic(way, ends[0].other_count + ends[1].other_count);
  kit_pair_free(pair);
}

static void run_rtc_send(size_t frames, const struct way *way) {
  run_pair(frames, way, 0);
}

static void run_rtc_receive(size_t frames, const struct way *way) {
  run_pair(frames, way, 1);
}

/* ---- a hub, which is watched, and its peers ---- */

struct world {
  struct kit_crowd *crowd;
  struct end ends[HUB_PEERS];
  uint64_t now_ns;
  bool is_to_drain; /* something was done to the hub */
  uint64_t hub_deadline_ns;
  size_t audio_count; /* that the hub told of */
  size_t other_count; /* datagrams of the hub that are no RTP */
};

static void feed_hub(struct world *world, const struct paw_input *input) {
  watch(true);
  (void)paw_hub_handle_input(world->crowd->hub, input);
  watch(false);
  world->is_to_drain = true;
}

/* As kit_crowd_join gives addresses out. */
static struct end *end_at(struct world *world, const struct paw_address *address) {
  return &world->ends[address->ip[2] * 250 + address->ip[3] - 1];
}

/* In the order of the programs. */
static void drain_hub(struct world *world) {
  struct paw_transmit batch[BATCH];
  struct paw_rtc_event event;
  paw_hub_peer peer = 0;
  size_t count = 0;
  if (!world->is_to_drain)
    return;
  do {
    watch(true);
    paw_hub_poll_transmits(world->crowd->hub, batch, BATCH, &count);
    watch(false);
    for (size_t i = 0; i < count; i++) {
      struct paw_input input = at_other_end(&batch[i], world->now_ns);
      world->other_count += !is_rtp(&batch[i]);
      feed(end_at(world, &batch[i].remote), &input);
    }
  } while (count > 0);
  watch(true);
  while (paw_hub_poll_event(world->crowd->hub, &peer, &event))
    world->audio_count += event.kind == PAW_RTC_EVENT_AUDIO;
  world->hub_deadline_ns = paw_hub_next_timeout(world->crowd->hub).deadline_ns;
  watch(false);
  world->is_to_drain = false;
}

static void drain_end(struct world *world, struct end *end) {
  struct paw_transmit transmit;
  while (end->is_to_drain && poll(end, &transmit)) {
    struct paw_input input = at_other_end(&transmit, world->now_ns);
    feed_hub(world, &input);
  }
  end->is_to_drain = false;
}

static void let_world_act(struct world *world) {
  struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = world->now_ns};
  if (world->hub_deadline_ns <= world->now_ns)
    feed_hub(world, &time);
  for (size_t i = 0; i < HUB_PEERS; i++) {
    if (world->ends[i].deadline_ns <= world->now_ns)
      feed(&world->ends[i], &time);
  }
  do {
    drain_hub(world);
    for (size_t i = 0; i < HUB_PEERS; i++)
      drain_end(world, &world->ends[i]);
  } while (world->is_to_drain);
}

static void connect_world(struct world *world, const struct kit_crowd_config *config) {
  world->crowd = kit_crowd_new(config);
  check(kit_crowd_run_until(world->crowd, kit_crowd_all_connected, CONNECT_MS), "not connected");
  kit_crowd_run_ms(world->crowd, FRAME_MS); /* what is on its way */
  world->now_ns = world->crowd->clock.now_ns;
  for (size_t i = 0; i < HUB_PEERS; i++)
    world->ends[i].rtc = world->crowd->members[i].peer.rtc;
}

static void send_on_track(struct world *world, size_t index) {
  uint8_t data[PAYLOAD_BYTES];
  struct paw_audio_frame frame = make_frame(index, world->now_ns, data);
  watch(true);
  int status = paw_hub_track_send(world->crowd->hub, world->crowd->track, world->now_ns, &frame);
  watch(false);
  check(status == PAW_OK, "sending");
  world->is_to_drain = true;
}

static void count_others_anew(struct world *world) {
  world->other_count = 0;
  for (size_t i = 0; i < HUB_PEERS; i++)
    world->ends[i].other_count = 0;
}

static size_t get_other_count(const struct world *world) {
  size_t count = world->other_count;
  for (size_t i = 0; i < HUB_PEERS; i++)
    count += world->ends[i].other_count;
  return count;
}

static void run_hub_send(size_t frames, const struct way *way) {
  static struct world world;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 1, HUB_PEERS);
  config.hub_rtc.audio.red_distance = (int8_t)way->red_distance;
  connect_world(&world, &config);
  for (size_t i = 0; i < FRAMES_BEFORE + frames; i++) {
    send_on_track(&world, i);
    let_world_act(&world);
    if (i == FRAMES_BEFORE) {
      count_others_anew(&world);
      bench_callgrind_begin();
    }
    world.now_ns += get_pause_ns(way, i);
  }
  for (size_t i = 0; i < HUB_PEERS; i++)
    check(world.ends[i].audio_count == FRAMES_BEFORE + frames, "packets are missing");
  check_periodic(way, get_other_count(&world));
  kit_crowd_free(world.crowd);
}

static void run_hub_receive(size_t frames, const struct way *way) {
  static struct world world;
  struct kit_crowd_config config;
  kit_crowd_config_init(&config, 2, HUB_PEERS);
  config.hub_rtc.audio.direction = PAW_DIRECTION_RECVONLY;
  config.peer_rtc.audio.direction = PAW_DIRECTION_SENDONLY;
  config.peer_rtc.audio.red_distance = (int8_t)way->red_distance;
  config.peer_rtc.ice_mode = PAW_ICE_FULL;
  connect_world(&world, &config);
  for (size_t i = 0; i < FRAMES_BEFORE + frames; i++) {
    for (size_t k = 0; k < HUB_PEERS; k++)
      send_frame(&world.ends[k], i, world.now_ns);
    let_world_act(&world);
    if (i == FRAMES_BEFORE) {
      count_others_anew(&world);
      bench_callgrind_begin();
    }
    world.now_ns += get_pause_ns(way, i);
  }
  check(world.audio_count == (FRAMES_BEFORE + frames) * HUB_PEERS, "packets are missing");
  check_periodic(way, get_other_count(&world));
  kit_crowd_free(world.crowd);
}

/* ---- figures ---- */

struct figure {
  const char *name;
  const char *mode;
  void (*run)(size_t frames, const struct way *way);
  struct way way;
  size_t packets_a_frame;
  size_t watches_a_frame; /* calls of the library; 0: the empty run is not taken away */
  double bar;             /* 0: none */
};

#define ALONE(red)                                                                                 \
  { red, true }
#define ALL_IN(red)                                                                                \
  { red, false }

/* Of 100 packets: the sending, three batches, the last of them empty, and the rest. */
#define HUB_SEND_WATCHES 5
#define HUB_RECEIVE_WATCHES (HUB_PEERS + 2)
#define RTC_WATCHES 3 /* in, and twice out */

static const struct figure empty_figures[2] = {
    {"bench_call_instructions", "--nothing", run_nothing, ALL_IN(0), 1, 0, 0},
    {"bench_srtp_instructions", "--nothing-wrapped", run_nothing_wrapped, ALL_IN(0), 1, 0, 0},
};

static const struct figure figures[] = {
    {"hub_send_packet_instructions", "--hub-send", run_hub_send, ALONE(PAW_RED_OFF), HUB_PEERS,
     HUB_SEND_WATCHES, 300},
    {"hub_send_red_packet_instructions", "--hub-send-red", run_hub_send, ALONE(RED_DISTANCE),
     HUB_PEERS, HUB_SEND_WATCHES, 0},
    {"rtc_send_packet_instructions", "--rtc-send", run_rtc_send, ALONE(PAW_RED_OFF), 1, RTC_WATCHES,
     0},
    {"rtc_send_red_packet_instructions", "--rtc-send-red", run_rtc_send, ALONE(RED_DISTANCE), 1,
     RTC_WATCHES, 0},
    {"rtc_receive_packet_instructions", "--rtc-receive", run_rtc_receive, ALONE(PAW_RED_OFF), 1,
     RTC_WATCHES, 600},
    {"rtc_receive_red_packet_instructions", "--rtc-receive-red", run_rtc_receive,
     ALONE(RED_DISTANCE), 1, RTC_WATCHES, 0},
    {"hub_receive_packet_instructions", "--hub-receive", run_hub_receive, ALONE(PAW_RED_OFF),
     HUB_PEERS, HUB_RECEIVE_WATCHES, 600},
    {"hub_receive_red_packet_instructions", "--hub-receive-red", run_hub_receive,
     ALONE(RED_DISTANCE), HUB_PEERS, HUB_RECEIVE_WATCHES, 0},
    {"hub_send_all_in_instructions", "--hub-send-all-in", run_hub_send, ALL_IN(PAW_RED_OFF),
     HUB_PEERS, 0, 0},
    {"rtc_send_all_in_instructions", "--rtc-send-all-in", run_rtc_send, ALL_IN(PAW_RED_OFF), 1, 0,
     0},
    {"rtc_receive_all_in_instructions", "--rtc-receive-all-in", run_rtc_receive,
     ALL_IN(PAW_RED_OFF), 1, 0, 0},
    {"hub_receive_all_in_instructions", "--hub-receive-all-in", run_hub_receive,
     ALL_IN(PAW_RED_OFF), HUB_PEERS, 0, 0},
};

static double count_instructions(const struct figure *figure) {
  static const size_t counts[2] = {FRAMES_LESS, FRAMES_MORE};
  double instructions = 0;
  check(bench_callgrind_run(figure->mode, counts, &instructions), "callgrind");
  return instructions;
}

static void report_figure(struct bench_report *report, const struct figure *figure,
                          const double empty[2]) {
  double instructions = count_instructions(figure);
  if (figure->watches_a_frame > 0) {
    instructions -= (double)figure->watches_a_frame * empty[0];
    instructions -= (double)figure->packets_a_frame * empty[1];
  }
  instructions /= (double)figure->packets_a_frame;
  if (figure->bar > 0)
    bench_report_at_most(report, figure->name, instructions, figure->bar);
  else
    bench_report_add(report, figure->name, instructions);
}

static bool run_mode(const struct figure *all, size_t count, char **argv) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(argv[1], all[i].mode) == 0) {
      all[i].run(strtoul(argv[2], NULL, 10), &all[i].way);
      return true;
    }
  }
  return false;
}

/* ---- the program ---- */

static void usage(FILE *file) {
  fprintf(file,
          "Usage: bench_send_path [--json]\n"
          "  --json  one JSON object instead of a table\n"
          "Counts instructions under callgrind; takes some minutes.\n");
}

int main(int argc, char **argv) {
  size_t figure_count = sizeof figures / sizeof figures[0];
  if (argc == 3 && (run_mode(figures, figure_count, argv) || run_mode(empty_figures, 2, argv)))
    return 0;
  bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
  if (argc > 1 && !json) {
    bool help = strcmp(argv[1], "--help") == 0;
    usage(help ? stdout : stderr);
    return help ? 0 : 2;
  }
  struct bench_report report;
  bench_report_begin(
      &report, json, "bench_send_path",
      "instructions a packet of 160 bytes of payload, SRTP's left out; all-in: at 50 a "
      "second, with all that is periodic");
  double empty[2];
  for (size_t i = 0; i < 2; i++) {
    empty[i] = count_instructions(&empty_figures[i]);
    bench_report_add(&report, empty_figures[i].name, empty[i]);
  }
  for (size_t i = 0; i < figure_count; i++)
    report_figure(&report, &figures[i], empty);
  return bench_report_end(&report);
}
