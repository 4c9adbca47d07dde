/* SPDX-License-Identifier: MIT */
#include "bench/playout/run.h"

#include <stdlib.h>

#include "base/time.h"

#define BEGIN_NS PAW_NS_PER_S

#define FLYING_MAX 4096 /* packets: twenty times what lies in the longest hold-up */
#define ASKING_MAX 1024

/* Packets that are held back come this long before the last of them is over: its end is played
 * late, all the others are of no use but for the decoder. */
#define GAP_EARLY_NS (5 * PAW_NS_PER_MS)
#define GAP_APART_NS (500 * PAW_NS_PER_MS)

/* First in, first out, each with its time of arrival. */
struct flying {
  struct sender_packet *packets;
  uint64_t *arrivals_ns;
  size_t first;
  size_t count;
};

struct asking {
  struct receiver_asks *asks;
  uint64_t *arrivals_ns;
  size_t first;
  size_t count;
};

struct flight {
  struct flying media;
  struct flying held; /* back by gap_packets */
  struct asking asks;
  uint64_t poll_ns;
  uint64_t render_ns;
  uint64_t now_ns;
};

static void flying_init(struct flying *flying) {
  flying->packets = calloc(FLYING_MAX, sizeof *flying->packets);
  flying->arrivals_ns = calloc(FLYING_MAX, sizeof *flying->arrivals_ns);
}

static void flying_add(struct flying *flying, const struct sender_packet *packet,
                       uint64_t arrival_ns) {
  if (flying->count < FLYING_MAX) {
    size_t at = (flying->first + flying->count++) % FLYING_MAX;
    flying->packets[at] = *packet;
    flying->packets[at].packet.data = flying->packets[at].data;
    flying->packets[at].packet.arrival_ns = arrival_ns;
    flying->arrivals_ns[at] = arrival_ns;
  }
}

static uint64_t flying_next_ns(const struct flying *flying) {
  return flying->count > 0 ? flying->arrivals_ns[flying->first] : PAW_TIME_NEVER;
}

bool run_is_held(const struct run_config *config, uint64_t frame_ns, uint64_t index) {
  uint64_t period = GAP_APART_NS / frame_ns;
  return config->gap_packets > 0 && index >= period && index % period < config->gap_packets;
}

/* When the last of the packets that are held back together is nearly over. */
static uint64_t held_until(const struct run *run, uint64_t index) {
  const struct sender *sender = &run->sender;
  uint64_t period = GAP_APART_NS / sender->frame_ns;
  uint64_t end = index - index % period + run->config.gap_packets;
  uint64_t delay_ns = (uint64_t)(run->config.receiver.fixed_ms * (double)PAW_NS_PER_MS);
  return sender->begin_ns + end * sender->frame_ns + run->config.air.rtt_ns / 2 + delay_ns -
         GAP_EARLY_NS;
}

static void send_next(struct run *run, struct flight *flight) {
  struct sender_packet packet;
  uint64_t index = run->sender.next;
  uint64_t arrival_ns = 0;
  sender_send(&run->sender, &packet);
  if (run_is_held(&run->config, run->sender.frame_ns, index)) {
    flying_add(&flight->held, &packet, held_until(run, index));
  } else if (air_carry(&run->air, AIR_MEDIA, flight->now_ns, &arrival_ns)) {
    flying_add(&flight->media, &packet, arrival_ns);
  }
}

static void arrive(struct run *run, struct flight *flight, struct flying *flying) {
  struct sender_packet *packet = &flying->packets[flying->first];
  run->receiver.kind->take(run->receiver.self, flight->now_ns, &packet->packet);
  flying->first = (flying->first + 1) % FLYING_MAX;
  flying->count--;
  flight->poll_ns = flight->now_ns;
}

/* The receiver's requests set out. */
static void poll(struct run *run, struct flight *flight) {
  struct receiver_asks *asks =
      &flight->asks.asks[(flight->asks.first + flight->asks.count) % ASKING_MAX];
  bool again = true;
  flight->poll_ns = PAW_TIME_NEVER;
  while (again) {
    asks->count = 0;
    again = run->receiver.kind->poll(run->receiver.self, flight->now_ns, asks, &flight->poll_ns);
    uint64_t arrival_ns = 0;
    if (asks->count == 0) {
      continue;
    }
    sender_count_asks(&run->sender, asks);
    if (air_carry(&run->air, AIR_BACK, flight->now_ns, &arrival_ns) &&
        flight->asks.count < ASKING_MAX - 1) {
      flight->asks.arrivals_ns[(flight->asks.first + flight->asks.count) % ASKING_MAX] = arrival_ns;
      flight->asks.count++;
      asks = &flight->asks.asks[(flight->asks.first + flight->asks.count) % ASKING_MAX];
    }
  }
}

/* Requests reach the sender, and the answers set out. */
static void answer(struct run *run, struct flight *flight) {
  const struct receiver_asks *asks = &flight->asks.asks[flight->asks.first];
  for (size_t i = 0; i < asks->count; i++) {
    struct sender_packet packet;
    uint64_t arrival_ns = 0;
    if (sender_repeat(&run->sender, asks->sequences[i], flight->now_ns, &packet) &&
        air_carry(&run->air, AIR_AGAIN, flight->now_ns, &arrival_ns)) {
      flying_add(&flight->media, &packet, arrival_ns);
    }
  }
  flight->asks.first = (flight->asks.first + 1) % ASKING_MAX;
  flight->asks.count--;
}

static uint64_t next_send_ns(const struct run *run) {
  return run->sender.begin_ns + run->sender.next * run->sender.frame_ns;
}

static uint64_t next_answer_ns(const struct flight *flight) {
  return flight->asks.count > 0 ? flight->asks.arrivals_ns[flight->asks.first] : PAW_TIME_NEVER;
}

static uint64_t earliest(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static void step(struct run *run, struct flight *flight) {
  uint64_t send_ns = next_send_ns(run);
  uint64_t media_ns = flying_next_ns(&flight->media);
  uint64_t held_ns = flying_next_ns(&flight->held);
  uint64_t answer_ns = next_answer_ns(flight);
  uint64_t now_ns = earliest(earliest(send_ns, answer_ns), earliest(media_ns, held_ns));
  now_ns = earliest(now_ns, earliest(flight->poll_ns, flight->render_ns));
  flight->now_ns = now_ns;
  if (send_ns == now_ns) {
    send_next(run, flight);
  } else if (media_ns == now_ns) {
    arrive(run, flight, &flight->media);
  } else if (held_ns == now_ns) {
    arrive(run, flight, &flight->held);
  } else if (flight->poll_ns == now_ns) {
    poll(run, flight);
  } else if (answer_ns == now_ns) {
    answer(run, flight);
  } else {
    run->receiver.kind->render(run->receiver.self, now_ns, &run->heard);
    flight->render_ns += run->receiver.chunk_frames * 125000 / 6;
    flight->poll_ns = now_ns;
  }
}

bool run_start(struct run *run, const struct run_config *config,
               const struct programme *programme) {
  struct kit_rng rng;
  kit_rng_init(&rng, config->seed);
  *run = (struct run){.config = *config};
  run->sender = (struct sender){
      .programme = programme,
      .first_sequence = (uint16_t)kit_rng_u64(&rng),
      .first_timestamp_rtp = (uint32_t)kit_rng_u64(&rng),
      .red_distance = config->red_distance,
      .frame_ns = programme->frame_frames * 125000 / 6,
      .begin_ns = BEGIN_NS,
      .rtt_ns = config->air.rtt_ns,
  };
  run->config.receiver.first_timestamp_rtp = run->sender.first_timestamp_rtp;
  run->config.receiver.frame_frames = programme->frame_frames;
  run->config.receiver.rtt_ns = config->air.rtt_ns;
  run->config.air.then_ns = paw_time_add(config->air.then_ns, BEGIN_NS);
  air_init(&run->air, &run->config.air, config->seed);
  size_t seconds = (size_t)(config->minutes * 60 + 0.5);
  heard_init(&run->heard, BEGIN_NS + config->air.rtt_ns / 2, seconds,
             config->keeps_sound ? seconds * PAW_RTP_HZ : 0);
  run->heard.wav = config->wav;
  return config->receiver_new(&run->receiver, &run->config.receiver);
}

void run_finish(struct run *run) {
  struct flight flight = {.poll_ns = PAW_TIME_NEVER};
  struct kit_rng rng;
  kit_rng_init(&rng, run->config.seed + 1);
  flying_init(&flight.media);
  flying_init(&flight.held);
  flight.asks.asks = calloc(ASKING_MAX, sizeof *flight.asks.asks);
  flight.asks.arrivals_ns = calloc(ASKING_MAX, sizeof *flight.asks.arrivals_ns);
  /* The sound device does not know of the sender's beat: it asks at any place in it. */
  flight.render_ns = BEGIN_NS + kit_rng_below(&rng, 20 * PAW_NS_PER_MS);
  uint64_t end_ns = BEGIN_NS + (uint64_t)(run->config.minutes * 60e9);
  while (flight.now_ns < end_ns) {
    step(run, &flight);
  }
  run->receiver.kind->count(run->receiver.self, &run->counts);
  free(flight.media.packets);
  free(flight.media.arrivals_ns);
  free(flight.held.packets);
  free(flight.held.arrivals_ns);
  free(flight.asks.asks);
  free(flight.asks.arrivals_ns);
}

void run_wipe(struct run *run) {
  if (run->receiver.kind != NULL) {
    run->receiver.kind->free(run->receiver.self);
  }
  heard_wipe(&run->heard);
}
