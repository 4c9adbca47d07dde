/* SPDX-License-Identifier: MIT */
#include "bench/fanout/run.h"

#include <pawebrtc/hub.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/fanout/floor.h"
#include "bench/fanout/receivers.h"
#include "bench/measure.h"
#include "system.h"
#include "udp.h"

#define PAYLOAD_BYTES 160
#define FRAME_RTP 960
#define BATCH 64
/* Ours and the floor take turns so often in a repetition: what else the machine does meets both. */
#define SLICES 10
#define CONNECTING_MAX 16 /* at once, or handshakes wait for each other and are repeated */
#define CONNECT_MAX_S 120
#define IDLE_MS 500 /* so long without a datagram: what is missing does not come any more */

/* What the receiving process says when all that is in flight has come, or will not come. */
struct ack {
  uint64_t cpu_ns;
  uint64_t got;
};

struct fanout {
  struct fanout_config config;
  struct sockets sockets; /* of connections, then of the floor */
  struct receivers receivers;
  struct floor floor;
  int acks[2];
  pid_t receiving;

  /* The sender's. */
  struct udp *udp;
  struct paw_certificate *certificate;
  struct paw_hub *hub;
  struct paw_hub_track *track;
  struct paw_rtc **members;
  size_t connected;
  uint64_t media_rtp;
  uint64_t datagrams;
  uint64_t datagram_bytes; /* in all */

  /* The receiver's. */
  struct ack ack;
};

static void check(int status, const char *what) {
  if (status != PAW_OK) {
    (void)fprintf(stderr, "%s: %s\n", what, paw_strerror(status));
    exit(1);
  }
}

/* ---- the receiving process ---- */

static void note_event(void *user_data, size_t index, uint64_t now_ns,
                       const struct paw_rtc_event *event) {
  struct fanout *fanout = user_data;
  (void)index;
  (void)now_ns;
  fanout->ack.got += event->kind == PAW_RTC_EVENT_AUDIO && event->audio.len == PAYLOAD_BYTES;
}

static void take(void *user_data, size_t index, const struct paw_input *input) {
  struct fanout *fanout = user_data;
  size_t peers = fanout->config.peers;
  if (index < peers) {
    receivers_handle_input(&fanout->receivers, index, input);
  } else {
    fanout->ack.got += floor_receive(&fanout->floor, index - peers, input);
  }
}

static void acknowledge(struct fanout *fanout) {
  fanout->ack.cpu_ns = bench_cpu_ns();
  if (write(fanout->acks[1], &fanout->ack, sizeof fanout->ack) != (ssize_t)sizeof fanout->ack) {
    _exit(1);
  }
  fanout->ack.got = 0;
}

static void receive_for_ever(struct fanout *fanout) {
  uint64_t expected = fanout->config.peers * fanout->config.in_flight;
  uint64_t heard_ns = 0;
  for (;;) {
    bool heard = sockets_receive(&fanout->sockets, 10, take, fanout);
    uint64_t now_ns = bench_now_ns();
    (void)receivers_pass_time(&fanout->receivers, now_ns);
    heard_ns = heard ? now_ns : heard_ns;
    bool over = now_ns - heard_ns > IDLE_MS * PAW_NS_PER_MS && fanout->ack.got > 0;
    if (fanout->ack.got >= expected || over) {
      acknowledge(fanout);
    }
  }
}

/* ---- the sending process, as examples/pa-send/peers.c ---- */

static void send_all(struct fanout *fanout) {
  struct paw_transmit batch[BATCH];
  size_t count = 0;
  do {
    paw_hub_poll_transmits(fanout->hub, batch, BATCH, &count);
    udp_send(fanout->udp, batch, count);
    for (size_t i = 0; i < count; i++) {
      fanout->datagram_bytes += batch[i].len;
    }
    fanout->datagrams += count;
  } while (count > 0);
}

static void drain(struct fanout *fanout) {
  struct paw_rtc_event event;
  struct paw_encoder_advice advice;
  struct paw_hub_track *track = NULL;
  paw_hub_peer peer = 0;
  send_all(fanout);
  while (paw_hub_poll_event(fanout->hub, &peer, &event)) {
    fanout->connected += event.kind == PAW_RTC_EVENT_CONNECTED;
    if (event.kind == PAW_RTC_EVENT_CLOSED) {
      (void)fprintf(stderr, "a connection has closed: %s\n", paw_close_reason_text(event.reason));
      exit(1);
    }
  }
  while (paw_hub_poll_advice(fanout->hub, &track, &advice)) {
  }
  send_all(fanout);
}

static void feed(void *user_data, const struct paw_input *input) {
  struct fanout *fanout = user_data;
  (void)paw_hub_handle_input(fanout->hub, input);
}

/* What has come by now: reports and checks. */
static void serve(struct fanout *fanout) {
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = bench_now_ns()};
  udp_receive(fanout->udp, udp_get_fd(fanout->udp, PAW_FAMILY_IPV4), time.now_ns, feed, fanout);
  if (paw_hub_next_timeout(fanout->hub).deadline_ns <= time.now_ns) {
    (void)paw_hub_handle_input(fanout->hub, &time);
  }
  drain(fanout);
}

static void send_round(struct fanout *fanout) {
  static const uint8_t payload[PAYLOAD_BYTES] = {0xf8};
  uint64_t now_ns = bench_now_ns();
  const struct paw_audio_frame frame = {.data = payload,
                                        .len = sizeof payload,
                                        .media_rtp = fanout->media_rtp,
                                        .capture_ns = now_ns,
                                        .duration_rtp = FRAME_RTP,
                                        .level = PAW_AUDIO_LEVEL_NONE};
  fanout->media_rtp += FRAME_RTP;
  check(paw_hub_track_send(fanout->hub, fanout->track, now_ns, &frame), "frame");
  drain(fanout);
}

/* ---- connecting ---- */

static void negotiate(struct fanout *fanout, size_t index, uint64_t now_ns) {
  struct paw_rtc_config config;
  struct paw_description offer;
  struct paw_description answer;
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST,
                                    .address = fanout->sockets.locals[0]};
  candidate.address.port = udp_get_port(fanout->udp);
  paw_rtc_config_init(&config);
  config.certificate = fanout->certificate;
  config.rng = system_rng();
  config.wall = system_wall_anchor();
  config.audio.direction = PAW_DIRECTION_SENDONLY;
  struct paw_rtc *listener = receivers_make(&fanout->receivers, index, now_ns);
  check(paw_rtc_new(&config, now_ns, &fanout->members[index]), "connection");
  check(paw_rtc_add_local_candidate(fanout->members[index], &candidate), "candidate");
  check(paw_rtc_direct_offer(listener, &offer), "offer");
  /* The workload has headers of 12 bytes. */
  offer.audio.extension_mid = 0;
  offer.audio.extension_audio_level = 0;
  offer.audio.extension_abs_capture_time = 0;
  check(paw_rtc_direct_accept_offer(fanout->members[index], now_ns, &offer, &answer), "offer");
  check(paw_rtc_direct_accept_answer(listener, now_ns, &answer), "answer");
  receivers_drain(&fanout->receivers, index, now_ns);
}

static void join(struct fanout *fanout, size_t index) {
  paw_hub_peer peer = 0;
  check(paw_hub_add(fanout->hub, fanout->members[index], &peer), "hub");
  check(paw_hub_subscribe(fanout->hub, peer, fanout->track), "track");
}

static void connect_all(struct fanout *fanout) {
  size_t joined = 0;
  uint64_t begin_ns = bench_now_ns();
  while (fanout->connected < fanout->config.peers) {
    while (joined < fanout->config.peers && joined - fanout->connected < CONNECTING_MAX) {
      join(fanout, joined++);
    }
    serve(fanout);
    struct pollfd udp = {.fd = udp_get_fd(fanout->udp, PAW_FAMILY_IPV4), .events = POLLIN};
    (void)poll(&udp, 1, 1);
    if (bench_now_ns() - begin_ns > CONNECT_MAX_S * PAW_NS_PER_S) {
      (void)fprintf(stderr, "%zu of %zu have connected\n", fanout->connected, fanout->config.peers);
      exit(1);
    }
  }
}

/* ---- measuring ---- */

struct meter {
  uint64_t sender_ns;
  uint64_t receiver_ns;
  uint64_t lost;
};

/* The receiving process is to be waited for: returns its time. */
static uint64_t wait_for_ack(struct fanout *fanout, uint64_t *lost) {
  struct ack ack = {0};
  uint64_t expected = fanout->config.peers * fanout->config.in_flight;
  if (read(fanout->acks[0], &ack, sizeof ack) != (ssize_t)sizeof ack) {
    (void)fprintf(stderr, "the receiving process has ended\n");
    exit(1);
  }
  *lost += ack.got < expected ? expected - ack.got : 0;
  return ack.cpu_ns;
}

static void send_chunks(struct fanout *fanout, bool ours, size_t chunks, uint64_t *receiver_cpu_ns,
                        struct meter *meter) {
  uint64_t sender_ns = bench_cpu_ns();
  uint64_t receiver_ns = *receiver_cpu_ns;
  for (size_t chunk = 0; chunk < chunks; chunk++) {
    for (size_t i = 0; i < fanout->config.in_flight; i++) {
      if (ours) {
        send_round(fanout);
      } else {
        floor_send(&fanout->floor);
      }
    }
    *receiver_cpu_ns = wait_for_ack(fanout, &meter->lost);
    if (ours) {
      serve(fanout);
    }
  }
  meter->sender_ns += bench_cpu_ns() - sender_ns;
  meter->receiver_ns += *receiver_cpu_ns - receiver_ns;
}

static void measure(struct fanout *fanout, struct fanout_result *result) {
  size_t chunks = (fanout->config.rounds + fanout->config.in_flight - 1) / fanout->config.in_flight;
  size_t slices = chunks < SLICES ? chunks : SLICES;
  size_t per_slice = (chunks + slices - 1) / slices;
  uint64_t receiver_ns = 0;
  struct meter warm = {0};
  result->rounds = slices * per_slice * fanout->config.in_flight;
  double packets = (double)(result->rounds * fanout->config.peers);
  struct udp_stats before;
  struct udp_stats after;
  send_chunks(fanout, true, per_slice, &receiver_ns, &warm);
  send_chunks(fanout, false, per_slice, &receiver_ns, &warm);
  udp_get_stats(fanout->udp, &before);
  for (size_t i = 0; i < FANOUT_REPETITIONS; i++) {
    struct meter ours = {0};
    struct meter floor = {0};
    for (size_t slice = 0; slice < slices; slice++) {
      send_chunks(fanout, true, per_slice, &receiver_ns, &ours);
      send_chunks(fanout, false, per_slice, &receiver_ns, &floor);
    }
    result->sender.ours[i] = (double)ours.sender_ns / packets;
    result->sender.floor[i] = (double)floor.sender_ns / packets;
    result->receiver.ours[i] = (double)ours.receiver_ns / packets;
    result->receiver.floor[i] = (double)floor.receiver_ns / packets;
    result->lost += ours.lost;
    result->floor_lost += floor.lost;
  }
  udp_get_stats(fanout->udp, &after);
  result->others = after.sent + after.received - before.sent - before.received -
                   FANOUT_REPETITIONS * result->rounds * fanout->config.peers;
}

/* ---- beginning and end ---- */

static void open_fanout(struct fanout *fanout) {
  struct fault fault;
  struct paw_hub_config hub;
  struct paw_allocator heap = {0};
  struct paw_rng rng = system_rng();
  const struct udp_config udp = {.loopback_only = true};
  size_t peers = fanout->config.peers;
  sockets_open(&fanout->sockets, 2 * peers, false);
  receivers_init(&fanout->receivers, &fanout->sockets, peers);
  fanout->receivers.event = note_event;
  fanout->receivers.user_data = fanout;
  floor_init(&fanout->floor, fanout->sockets.locals + peers, peers);
  if (udp_open(&udp, &fanout->udp, &fault) != 0 || pipe(fanout->acks) != 0) {
    perror("socket");
    exit(1);
  }
  paw_hub_config_init(&hub);
  hub.max_peers = (uint32_t)peers;
  check(paw_certificate_generate(&rng, &heap, &fanout->certificate), "certificate");
  check(paw_hub_new(&hub, bench_now_ns(), &fanout->hub), "hub");
  check(paw_hub_track_new(fanout->hub, &fanout->track), "track");
  fanout->members = calloc(peers, sizeof fanout->members[0]);
  for (size_t i = 0; i < peers; i++) {
    negotiate(fanout, i, bench_now_ns());
  }
}

static void close_fanout(struct fanout *fanout) {
  kill(fanout->receiving, SIGKILL);
  waitpid(fanout->receiving, NULL, 0);
  paw_hub_free(fanout->hub);
  paw_certificate_free(fanout->certificate);
  udp_close(fanout->udp);
  floor_wipe(&fanout->floor);
  receivers_wipe(&fanout->receivers);
  sockets_close(&fanout->sockets);
  free(fanout->members);
  close(fanout->acks[0]);
  close(fanout->acks[1]);
}

void fanout_run(const struct fanout_config *config, struct fanout_result *result) {
  struct fanout fanout = {.config = *config};
  struct udp_stats stats;
  *result = (struct fanout_result){0};
  open_fanout(&fanout);
  fflush(stdout);
  fanout.receiving = fork();
  if (fanout.receiving == 0) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    receive_for_ever(&fanout);
  }
  uint64_t begin_ns = bench_now_ns();
  connect_all(&fanout);
  result->connect_s = (double)(bench_now_ns() - begin_ns) / 1e9;
  measure(&fanout, result);
  udp_get_stats(fanout.udp, &stats);
  result->dropped = stats.dropped_full + stats.dropped_error;
  result->datagram_bytes = (double)fanout.datagram_bytes / (double)fanout.datagrams;
  close_fanout(&fanout);
}
