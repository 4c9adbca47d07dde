/* SPDX-License-Identifier: MIT */
/* What a connected peer holds that is silent, at either end. Each end is a process of its own; time
 * and network are simulated. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pawebrtc/encoder.h>
#include <pawebrtc/playout.h>

#include "base/time.h"
#include "bench/measure.h"
#include "bench/peers/far.h"
#include "bench/peers/near.h"
#include "bench/report.h"
#include "kit/alloc.h"
#include "kit/talker.h"
#include "opus/decoder.h"

#define HEAP_BAR_BYTES 12000
#define PEERS_MAX 10000
#define CONNECT_MS 60000
#define SETTLE_MS 10000
#define TALK_MS 60000
#define FRAME_FRAMES 960
/* What is sent at one millisecond arrives at the next. */
#define STEP_NS PAW_NS_PER_MS

static const char help[] =
    "usage: bench_memory [OPTION]...\n"
    "\n"
    "Connects receivers to a hub, each end in a process of its own, in virtual time, and says "
    "what\n"
    "a connection that has settled holds there: the difference between N/10 and N of them. Bytes "
    "of\n"
    "the heap are those of malloc_usable_size, of all libraries. Then a minute of audio to all.\n"
    "\n"
    "  --peers N        at least 10 (100)\n"
    "  --json           one JSON object\n";

struct side {
  double heap_bytes; /* a peer, silent */
  double rss_bytes;
  double peak_bytes;    /* of the heap, while one connects */
  double playing_bytes; /* a peer, after a minute of audio */
  double allocations;   /* in this minute */
};

struct outcome {
  struct side sender;
  struct side receiver;
};

/* ---- time ---- */

struct world {
  struct near near;
  struct kit_talker talker; /* into the track */
  uint64_t now_ns;
  uint64_t far_ns; /* the receivers' next deadline */
  size_t far_connected;
};

static void send_all(struct world *world) {
  struct paw_transmit batch[16];
  size_t count = 0;
  do {
    paw_hub_poll_transmits(world->near.hub, batch, 16, &count);
    for (size_t i = 0; i < count; i++) {
      wire_send(world->near.wire, WIRE_DATAGRAM, (uint32_t)far_index(&batch[i].remote),
                world->now_ns, batch[i].data, batch[i].len);
    }
  } while (count > 0);
}

/* False when nothing came. */
static bool take_turn(struct world *world) {
  struct near *near = &world->near;
  bool any = false;
  wire_send(near->wire, WIRE_TURN, 0, world->now_ns, NULL, 0);
  for (;;) {
    const struct wire_message *message = wire_expect(near->wire);
    if (message->kind == WIRE_TURN) {
      world->far_ns = message->time_ns;
      world->far_connected = message->peer;
      return any;
    }
    const struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                                    .now_ns = world->now_ns,
                                    .arrival_ns = world->now_ns,
                                    .local = near->address,
                                    .remote = far_address(message->peer),
                                    .data = message->data,
                                    .len = message->len};
    (void)paw_hub_handle_input(near->hub, &input);
    any = true;
  }
}

static void speak(struct world *world) {
  uint8_t data[PAW_OPUS_PACKET_MAX];
  struct paw_audio_frame frame;
  if (kit_talker_next(&world->talker, world->now_ns, data, &frame) &&
      paw_hub_track_send(world->near.hub, world->near.track, world->now_ns, &frame) != PAW_OK) {
    wire_die("a frame cannot be sent");
  }
}

static void step(struct world *world) {
  struct paw_hub *hub = world->near.hub;
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = world->now_ns};
  (void)paw_hub_handle_input(hub, &time);
  speak(world);
  send_all(world);
  bool any = take_turn(world);
  near_take_events(&world->near);
  uint64_t next_ns = any ? 0 : paw_hub_next_timeout(hub).deadline_ns;
  uint64_t others_ns[] = {world->far_ns, kit_talker_next_ns(&world->talker)};
  for (size_t i = 0; i < 2; i++) {
    next_ns = others_ns[i] < next_ns ? others_ns[i] : next_ns;
  }
  uint64_t soonest_ns = world->now_ns + STEP_NS;
  world->now_ns = next_ns > soonest_ns ? next_ns : soonest_ns;
}

static void run_ms(struct world *world, uint64_t ms) {
  uint64_t end_ns = world->now_ns + ms * PAW_NS_PER_MS;
  while (world->now_ns < end_ns) {
    step(world);
  }
}

static void run_until_connected(struct world *world, size_t count) {
  uint64_t end_ns = world->now_ns + CONNECT_MS * PAW_NS_PER_MS;
  while (world->near.connected < count || world->far_connected < count) {
    if (world->now_ns > end_ns) {
      wire_die("%zu of %zu are connected after a minute", world->near.connected, count);
    }
    step(world);
  }
}

/* ---- one run ---- */

struct both {
  struct wire_figures sender;
  struct wire_figures receiver;
};

static struct both ask_both(const struct world *world) {
  return (struct both){.sender = wire_own_figures(), .receiver = near_ask(&world->near)};
}

static double peak_of(const struct wire_figures *before, const struct wire_figures *after) {
  return (double)(after->peak_bytes - before->heap_bytes);
}

/* One after the other; `peaks` holds the most that the last one needed. */
static void join_in_turn(struct world *world, size_t from, size_t to, struct outcome *peaks) {
  for (size_t i = from; i < to; i++) {
    struct both before = ask_both(world);
    near_join(&world->near, i, world->now_ns);
    run_until_connected(world, i + 1);
    struct both after = ask_both(world);
    peaks->sender.peak_bytes = peak_of(&before.sender, &after.sender);
    peaks->receiver.peak_bytes = peak_of(&before.receiver, &after.receiver);
  }
}

static void join_at_once(struct world *world, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    near_join(&world->near, i, world->now_ns);
  }
  run_until_connected(world, to);
}

static void fill_slope(struct side *side, const struct wire_figures *few,
                       const struct wire_figures *many, size_t more) {
  side->heap_bytes = (double)(many->heap_bytes - few->heap_bytes) / (double)more;
  side->rss_bytes = ((double)many->rss_bytes - (double)few->rss_bytes) / (double)more;
}

static void fill_playing(struct side *side, const struct wire_figures *silent,
                         const struct wire_figures *begun, const struct wire_figures *after,
                         size_t peers) {
  side->playing_bytes =
      side->heap_bytes + (double)(after->heap_bytes - silent->heap_bytes) / (double)peers;
  side->allocations = (double)(after->allocations - begun->allocations);
}

static void talk(struct world *world, const struct both *silent, size_t peers,
                 struct outcome *outcome) {
  struct wire_figures own_before = wire_own_figures();
  kit_talker_start(&world->talker, FRAME_FRAMES, world->now_ns);
  int64_t talker_bytes = wire_own_figures().heap_bytes - own_before.heap_bytes;
  run_ms(world, SETTLE_MS);
  struct both begun = ask_both(world);
  run_ms(world, TALK_MS);
  struct both after = ask_both(world);
  uint64_t heard = after.receiver.packets - begun.receiver.packets;
  if (heard < peers * (TALK_MS / 20) * 99 / 100) {
    wire_die("%llu packets were heard", (unsigned long long)heard);
  }
  after.sender.heap_bytes -= talker_bytes;
  fill_playing(&outcome->sender, &silent->sender, &begun.sender, &after.sender, peers);
  fill_playing(&outcome->receiver, &silent->receiver, &begun.receiver, &after.receiver, peers);
}

static struct outcome measure(size_t peers, bool storm) {
  struct outcome outcome = {0};
  struct paw_address address;
  static struct world world;
  int wire = -1;
  (void)far_start(peers, false, &wire);
  kit_malloc_start();
  (void)paw_address_parse("192.0.2.1:8443", &address);
  world.now_ns = PAW_NS_PER_S;
  near_init(&world.near, wire, &address, peers, world.now_ns);

  size_t few = peers / 10;
  if (storm) {
    join_at_once(&world, 0, few);
  } else {
    join_in_turn(&world, 0, few, &outcome);
  }
  run_ms(&world, SETTLE_MS);
  struct both low = ask_both(&world);
  if (storm) {
    join_at_once(&world, few, peers);
  } else {
    join_in_turn(&world, few, peers, &outcome);
  }
  run_ms(&world, SETTLE_MS);
  struct both high = ask_both(&world);
  fill_slope(&outcome.sender, &low.sender, &high.sender, peers - few);
  fill_slope(&outcome.receiver, &low.receiver, &high.receiver, peers - few);
  if (!storm) {
    talk(&world, &high, peers, &outcome);
  }
  return outcome;
}

/* In a process of its own, so that what is resident is of this run. */
static struct outcome run(size_t peers, bool storm) {
  struct outcome outcome;
  int fds[2];
  wire_pair(fds);
  pid_t pid = fork();
  if (pid == 0) {
    close(fds[0]);
    outcome = measure(peers, storm);
    wire_send(fds[1], WIRE_ASK, 0, 0, &outcome, sizeof outcome);
    _exit(0);
  }
  close(fds[1]);
  memcpy(&outcome, wire_expect(fds[0])->data, sizeof outcome);
  close(fds[0]);
  (void)waitpid(pid, NULL, 0);
  return outcome;
}

/* ---- apart: what plays and what encodes ---- */

static double heap_now(void) {
  return (double)kit_malloc_get_counts().outstanding_bytes;
}

static void add_codecs(struct bench_report *report) {
  const struct paw_allocator plain = {0};
  struct paw_playout_config playout_config;
  struct paw_encoder_config encoder_config;
  struct paw_playout *playout = NULL;
  struct paw_encoder *encoder = NULL;
  struct paw_opus_decoder decoder;
  paw_playout_config_init(&playout_config);
  paw_encoder_config_init(&encoder_config);
  encoder_config.channels = 2;
  kit_malloc_start();
  int status = paw_opus_decoder_init(&decoder, &plain, 2);
  double decoder_bytes = heap_now();
  status |= paw_playout_new(&playout_config, &playout);
  double playout_bytes = heap_now() - decoder_bytes;
  status |= paw_encoder_new(&encoder_config, &encoder);
  double encoder_bytes = heap_now() - decoder_bytes - playout_bytes;
  kit_malloc_stop();
  if (status != PAW_OK) {
    wire_die("%s", paw_strerror(status));
  }
  bench_report_add(report, "opus_decoder_bytes", decoder_bytes);
  bench_report_add(report, "playout_with_its_2_decoders_bytes", playout_bytes);
  bench_report_add(report, "encoder_bytes", encoder_bytes);
  paw_opus_decoder_wipe(&decoder, &plain);
  paw_playout_free(playout);
  paw_encoder_free(encoder);
}

/* ---- the program ---- */

static void add_side(struct bench_report *report, const char *name, const struct side *side,
                     const struct side *storm) {
  char text[64];
#define NAME(what) (snprintf(text, sizeof text, "%s_" what, name), text)
  bench_report_at_most(report, NAME("heap_bytes"), side->heap_bytes, HEAP_BAR_BYTES);
  bench_report_at_most(report, NAME("rss_bytes"), side->rss_bytes, HEAP_BAR_BYTES);
  bench_report_add(report, NAME("connecting_peak_bytes"), side->peak_bytes);
  bench_report_add(report, NAME("heap_after_audio_bytes"), side->playing_bytes);
  bench_report_at_most(report, NAME("allocations_in_60_s"), side->allocations, 0);
  bench_report_add(report, NAME("rss_bytes_when_all_came_at_once"), storm->rss_bytes);
#undef NAME
}

int main(int argc, char **argv) {
  static const struct option options[] = {{"peers", required_argument, NULL, 'p'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  long peers = 100;
  bool json = false;
  for (int c = 0; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    if (c == 'p') {
      peers = strtol(optarg, NULL, 10);
    } else if (c == 'j') {
      json = true;
    } else {
      fputs(help, c == 'h' ? stdout : stderr);
      return c == 'h' ? 0 : 2;
    }
  }
  if (peers < 10 || peers > PEERS_MAX || optind != argc) {
    fputs(help, stderr);
    return 2;
  }
  if (!kit_malloc_can_fail()) {
    wire_die("allocations cannot be counted in this build");
  }
  struct outcome in_turn = run((size_t)peers, false);
  struct outcome at_once = run((size_t)peers, true);
  struct bench_report report;
  bench_report_begin(&report, json, "bench_memory",
                     "what a connected, silent peer holds, without player and Opus");
  bench_report_add(&report, "peers", (double)peers);
  add_side(&report, "sender", &in_turn.sender, &at_once.sender);
  add_side(&report, "receiver", &in_turn.receiver, &at_once.receiver);
  add_codecs(&report);
  return bench_report_end(&report);
}
