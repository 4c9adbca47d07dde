/* SPDX-License-Identifier: MIT */
#include "bench/connect/lossy.h"

#include <stdio.h>

#include "kit/pair.h"

#define FRAME_FRAMES 960
#define FRAME_NS (20 * PAW_NS_PER_MS)

/* The offerer receives, as pa-recv does. */
static struct kit_pair *make(const struct lossy *lossy, size_t seed) {
  struct kit_pair_config config;
  kit_pair_config_init(&config, seed);
  config.link.delay_ns = PAW_NS_PER_MS;
  config.link.loss = lossy->loss;
  config.rtc[0].ice_mode = lossy->receiver_lite ? PAW_ICE_LITE : PAW_ICE_FULL;
  config.rtc[0].audio.direction = PAW_DIRECTION_RECVONLY;
  config.rtc[1].audio.direction = PAW_DIRECTION_SENDONLY;
  return kit_pair_new(&config);
}

static bool receiver_hears(const struct kit_pair *pair) {
  return pair->peers[0].seen.first_audio_ns != 0;
}

/* The programme does not wait for listeners: where it stands when one comes is chance. */
static bool connect(struct kit_pair *pair, size_t seed) {
  struct kit_rng rng;
  kit_rng_init(&rng, ~(uint64_t)seed);
  kit_pair_negotiate(pair);
  kit_peer_talk(&pair->peers[1], FRAME_FRAMES, pair->clock.now_ns + kit_rng_below(&rng, FRAME_NS));
  return kit_pair_run_until(pair, receiver_hears, LOSSY_BUDGET_MS);
}

void lossy_run(struct lossy *lossy) {
  lossy->count = 0;
  lossy->failures = 0;
  for (size_t seed = 1; seed <= lossy->seeds; seed++) {
    struct kit_pair *pair = make(lossy, seed);
    if (connect(pair, seed)) {
      uint64_t time_ns = pair->peers[0].seen.first_audio_ns - pair->begin_ns;
      lossy->first_audio_ms[lossy->count++] = (double)time_ns / PAW_NS_PER_MS;
    } else {
      lossy->failures++;
    }
    kit_pair_free(pair);
  }
}

/* ---- one of them, in full ---- */

struct trace {
  struct kit_pair *pair;
  uint64_t lost; /* on both links, as of the datagram before */
};

static const char *kind_of(const struct kit_datagram *datagram) {
  uint8_t first = datagram->data[0];
  if (first <= 3) {
    return datagram->data[0] == 0 ? "check" : "answer";
  }
  return first >= 128 ? "media" : "dtls";
}

/* What a datagram of DTLS consists of: the content types of its records. */
static void print_records(const struct kit_datagram *datagram) {
  for (size_t at = 0; at + 14 <= datagram->len;) {
    const uint8_t *record = datagram->data + at;
    printf(" %u/%u", record[0], record[0] == 22 && record[4] == 0 ? record[13] : 0);
    at += 13 + ((size_t)record[11] << 8) + record[12];
  }
}

static bool look(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct trace *trace = user_data;
  uint64_t lost = kit_net_sum(trace->pair->net).lost;
  if (lost != trace->lost) {
    printf("    that one was lost\n");
    trace->lost = lost;
  }
  bool receiver = kit_peer_owns(&trace->pair->peers[0], &datagram->from);
  printf("%9.3f ms  %s  %-6s %4zu", (double)(now_ns - trace->pair->begin_ns) / PAW_NS_PER_MS,
         receiver ? "receiver ->" : "  <- sender", kind_of(datagram), datagram->len);
  if (datagram->data[0] >= 20 && datagram->data[0] <= 63) {
    print_records(datagram);
  }
  printf("\n");
  return true;
}

void lossy_trace(const struct lossy *lossy, size_t seed) {
  struct trace trace = {.pair = make(lossy, seed)};
  kit_net_set_filter(trace.pair->net, look, &trace);
  bool heard = connect(trace.pair, seed);
  printf("%s after %.3f ms\n", heard ? "heard" : "not heard",
         (double)(trace.pair->clock.now_ns - trace.pair->begin_ns) / PAW_NS_PER_MS);
  kit_pair_free(trace.pair);
}
