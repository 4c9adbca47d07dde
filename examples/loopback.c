/* SPDX-License-Identifier: MIT */
/* Two connections in one process: no sockets, no threads, and the clock is a variable. One side
 * sends a tone, the other plays it; a datagram takes 2 ms and every tenth one is lost. The player
 * follows the network: it chooses its delay by itself and asks again for what is lost. Ten seconds
 * pass in an instant, and the program prints what was heard. */
#include <math.h>
#include <pawebrtc/pawebrtc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FRAMES ((size_t)480) /* 10 ms at 48 kHz */
#define SECONDS 10
#define DELAY_NS (2 * PAW_NS_PER_MS)
#define IN_FLIGHT_MAX 64

struct datagram {
  uint64_t arrival_ns; /* 0: this place is free */
  struct side *to;
  struct paw_address from;
  size_t len;
  uint8_t data[1500];
};

struct side {
  struct paw_rtc *rtc;
  struct paw_address address;
  uint64_t deadline_ns;
  struct side *other;
  struct paw_playout *playout; /* of the side that listens */
};

static struct datagram in_flight[IN_FLIGHT_MAX];

static void check(int status, const char *what) {
  if (status != PAW_OK) {
    (void)fprintf(stderr, "%s: %s\n", what, paw_strerror(status));
    exit(1);
  }
}

static int fill_random(void *user_data, uint8_t *out, size_t len) {
  (void)user_data;
  return getrandom(out, len, 0) == (ssize_t)len ? 0 : -1;
}

/* The network: keep the datagram for a while, or lose it. */
static void carry(struct side *from, uint64_t now_ns, const struct paw_transmit *transmit) {
  static unsigned count;
  if (++count % 10 == 0) {
    return;
  }
  for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
    if (in_flight[i].arrival_ns == 0) {
      in_flight[i].arrival_ns = now_ns + DELAY_NS;
      in_flight[i].to = from->other;
      in_flight[i].from = transmit->local;
      in_flight[i].len = transmit->len;
      memcpy(in_flight[i].data, transmit->data, transmit->len);
      return;
    }
  }
}

/* Everything that a connection has to say, until it says when to come back. */
static void drain(struct side *side, uint64_t now_ns) {
  for (;;) {
    struct paw_rtc_output output;
    paw_rtc_poll_output(side->rtc, &output);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT:
      carry(side, now_ns, &output.transmit);
      break;
    case PAW_OUTPUT_EVENT:
      if (output.event.kind == PAW_RTC_EVENT_CONNECTED) {
        printf("%s connected after %.1f ms\n", side->playout != NULL ? "listener" : "talker",
               (double)now_ns / PAW_NS_PER_MS);
      } else if (output.event.kind == PAW_RTC_EVENT_AUDIO && side->playout != NULL) {
        (void)paw_playout_handle_input(side->playout, now_ns, &output.event.audio);
      }
      break;
    case PAW_OUTPUT_TIMEOUT:
      side->deadline_ns = output.timeout.deadline_ns;
      return;
    }
  }
}

static void deliver(uint64_t now_ns) {
  for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
    struct datagram *datagram = &in_flight[i];
    if (datagram->arrival_ns == 0 || datagram->arrival_ns > now_ns) {
      continue;
    }
    const struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                                    .now_ns = now_ns,
                                    .local = datagram->to->address,
                                    .remote = datagram->from,
                                    .data = datagram->data,
                                    .len = datagram->len};
    (void)paw_rtc_handle_input(datagram->to->rtc, &input);
    datagram->arrival_ns = 0;
  }
}

static void open_side(struct side *side, struct side *other, const char *address,
                      const struct paw_certificate *certificate, enum paw_direction direction) {
  struct paw_rtc_config config;
  paw_rtc_config_init(&config);
  config.certificate = certificate;
  config.rng.fill = fill_random;
  config.audio.direction = direction;
  side->other = other;
  check(paw_address_parse(address, &side->address), "address");
  check(paw_rtc_new(&config, 1, &side->rtc), "connection");
  const struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = side->address};
  check(paw_rtc_add_local_candidate(side->rtc, &candidate), "candidate");
}

/* Offer and answer, which a program would carry by HTTP. */
static void negotiate(struct side *listener, struct side *talker) {
  char offer[4096];
  char answer[4096];
  size_t offer_len = sizeof offer;
  size_t answer_len = sizeof answer;
  check(paw_rtc_create_offer(listener->rtc, offer, &offer_len), "offer");
  check(paw_rtc_accept_offer(talker->rtc, 1, offer, offer_len, answer, &answer_len), "answer");
  check(paw_rtc_accept_answer(listener->rtc, 1, answer, answer_len), "negotiation");
}

/* Encode and send the next 10 ms of a 440 Hz tone at half of full scale. */
static void talk(struct side *talker, struct paw_encoder *encoder, uint64_t now_ns) {
  static uint64_t media_rtp;
  int16_t pcm[FRAMES];
  uint8_t packet[PAW_OPUS_PACKET_MAX];
  size_t len = sizeof packet;
  for (size_t i = 0; i < FRAMES; i++) {
    double t = (double)(media_rtp + i) / PAW_RTP_HZ;
    pcm[i] = (int16_t)(16384 * sin(2 * 3.14159265358979 * 440 * t));
  }
  check(paw_encoder_encode(encoder, pcm, packet, &len), "encoder");
  const struct paw_audio_frame frame = {.data = packet,
                                        .len = len,
                                        .media_rtp = media_rtp,
                                        .capture_ns = now_ns,
                                        .duration_rtp = FRAMES,
                                        .level = PAW_AUDIO_LEVEL_NONE};
  check(paw_rtc_send_audio(talker->rtc, now_ns, &frame), "sending");
  media_rtp += FRAMES;
}

static int listen_for_peak(struct side *listener, uint64_t now_ns) {
  int16_t pcm[FRAMES * 2];
  int peak = 0;
  paw_playout_render(listener->playout, pcm, FRAMES, now_ns);
  for (size_t i = 0; i < FRAMES * 2; i++) {
    peak = abs(pcm[i]) > peak ? abs(pcm[i]) : peak;
  }
  return peak;
}

int main(void) {
  struct side listener = {0};
  struct side talker = {0};
  struct paw_certificate *certificate = NULL;
  struct paw_encoder *encoder = NULL;
  struct paw_encoder_config encoder_config;
  struct paw_playout_config playout_config;
  struct paw_playout_stats heard;
  const struct paw_rng rng = {.fill = fill_random};
  const struct paw_allocator allocator = {0};
  int peak = 0;

  paw_encoder_config_init(&encoder_config);
  paw_playout_config_init(&playout_config);
  check(paw_certificate_generate(&rng, &allocator, &certificate), "certificate");
  check(paw_encoder_new(&encoder_config, &encoder), "encoder");
  check(paw_playout_new(&playout_config, &listener.playout), "player");
  open_side(&listener, &talker, "192.0.2.1:5000", certificate, PAW_DIRECTION_RECVONLY);
  open_side(&talker, &listener, "192.0.2.2:5000", certificate, PAW_DIRECTION_SENDONLY);
  negotiate(&listener, &talker);

  for (uint64_t ms = 1; ms <= (uint64_t)SECONDS * 1000; ms++) {
    uint64_t now_ns = ms * PAW_NS_PER_MS;
    const struct paw_input tick = {.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns};
    deliver(now_ns);
    if (now_ns >= listener.deadline_ns) {
      (void)paw_rtc_handle_input(listener.rtc, &tick);
    }
    if (now_ns >= talker.deadline_ns) {
      (void)paw_rtc_handle_input(talker.rtc, &tick);
    }
    if (ms % 10 == 0) {
      talk(&talker, encoder, now_ns);
      int now_peak = listen_for_peak(&listener, now_ns);
      peak = now_peak > peak ? now_peak : peak;
    }
    drain(&listener, now_ns);
    drain(&talker, now_ns);
    (void)paw_rtc_serve_playout(listener.rtc, now_ns, listener.playout);
  }

  paw_playout_get_stats(listener.playout, &heard);
  printf(
      "heard %llu packets of %d s, %llu lost, %.1f ms concealed, %llu saved by asking again, "
      "peak %.1f dBFS, %.1f ms after they came\n",
      (unsigned long long)heard.packets_received, SECONDS, (unsigned long long)heard.packets_lost,
      (double)heard.concealed_samples / 48, (unsigned long long)heard.recovered_nack,
      20 * log10(peak > 0 ? peak / 32768.0 : 1e-5), (double)heard.delay_ns / PAW_NS_PER_MS);
  paw_playout_free(listener.playout);
  paw_rtc_free(listener.rtc);
  paw_rtc_free(talker.rtc);
  paw_encoder_free(encoder);
  paw_certificate_free(certificate);
  return heard.packets_received > 0 && peak > 8192 ? 0 : 1;
}
