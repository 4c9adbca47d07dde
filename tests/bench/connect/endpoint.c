/* SPDX-License-Identifier: MIT */
#include "bench/connect/endpoint.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#include "bench/measure.h"
#include "system.h"

#define FRAME_BYTES 160
#define FRAME_RTP 960 /* 20 ms */

/* ---- life ---- */

bool endpoint_open(struct endpoint *endpoint) {
  struct fault fault;
  const struct udp_config config = {.loopback_only = true};
  return udp_open(&config, &endpoint->udp, &fault) == 0;
}

void endpoint_close(struct endpoint *endpoint) {
  udp_close(endpoint->udp);
  endpoint->udp = NULL;
}

bool endpoint_renew_certificate(struct endpoint *endpoint) {
  struct paw_rng rng = system_rng();
  const struct paw_allocator allocator = {0};
  paw_certificate_free(endpoint->certificate);
  endpoint->certificate = NULL;
  return paw_certificate_generate(&rng, &allocator, &endpoint->certificate) == PAW_OK;
}

bool endpoint_begin(struct endpoint *endpoint, enum paw_ice_mode mode,
                    enum paw_direction direction) {
  struct paw_rtc_config config;
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST};
  candidate.address = (struct paw_address){
      .family = PAW_FAMILY_IPV4, .ip = {127, 0, 0, 1}, .port = udp_get_port(endpoint->udp)};
  paw_rtc_config_init(&config);
  config.certificate = endpoint->certificate;
  config.rng = system_rng();
  config.ice_mode = mode;
  config.audio.direction = direction;
  endpoint->connected_ns = endpoint->audio_ns = 0;
  endpoint->closed = false;
  endpoint->spent = endpoint->cost = (struct endpoint_cost){0};
  endpoint->deadline_ns = PAW_TIME_NEVER;
  return paw_rtc_new(&config, bench_now_ns(), &endpoint->rtc) == PAW_OK &&
         paw_rtc_add_local_candidate(endpoint->rtc, &candidate) == PAW_OK;
}

void endpoint_end(struct endpoint *endpoint) {
  paw_rtc_free(endpoint->rtc);
  endpoint->rtc = NULL;
}

/* ---- output ---- */

static void frame_bytes(uint8_t out[FRAME_BYTES]) {
  memset(out, 0x5a, FRAME_BYTES);
  out[0] = 0xfc; /* CELT, full band, one frame of 20 ms, stereo */
}

static void note_audio(struct endpoint *endpoint) {
  if (endpoint->audio_ns == 0) {
    endpoint->audio_ns = bench_now_ns();
    endpoint->cost = endpoint->spent;
    endpoint->cost.cpu_ns = bench_cpu_ns() - endpoint->cpu_begin_ns;
  }
}

/* RFC 7983, RFC 5761. */
static void count(struct endpoint *endpoint, const struct paw_transmit *transmit) {
  uint8_t first = transmit->data[0];
  bool rtcp = transmit->data[1] >= 192 && transmit->data[1] <= 223;
  if (first >= 128 && !rtcp) {
    note_audio(endpoint);
  }
  endpoint->spent.stun += first <= 3;
  endpoint->spent.dtls += first >= 20 && first <= 63;
  endpoint->spent.media += first >= 128;
  endpoint->spent.bytes += transmit->len;
}

static void handle_event(struct endpoint *endpoint, const struct paw_rtc_event *event) {
  uint8_t wanted[FRAME_BYTES];
  if (event->kind == PAW_RTC_EVENT_CONNECTED) {
    endpoint->connected_ns = bench_now_ns();
  } else if (event->kind == PAW_RTC_EVENT_CLOSED) {
    endpoint->closed = true;
  } else if (event->kind == PAW_RTC_EVENT_AUDIO && event->audio.len == FRAME_BYTES) {
    frame_bytes(wanted);
    if (memcmp(event->audio.data, wanted, FRAME_BYTES) == 0) {
      note_audio(endpoint);
    }
  }
}

void endpoint_drain(struct endpoint *endpoint) {
  struct paw_rtc_output output;
  for (;;) {
    paw_rtc_poll_output(endpoint->rtc, &output);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT:
      udp_send(endpoint->udp, &output.transmit, 1);
      count(endpoint, &output.transmit);
      break;
    case PAW_OUTPUT_EVENT:
      handle_event(endpoint, &output.event);
      break;
    case PAW_OUTPUT_TIMEOUT:
      endpoint->deadline_ns = output.timeout.deadline_ns;
      return;
    }
  }
}

void endpoint_send_frame(struct endpoint *endpoint, uint64_t index) {
  uint8_t data[FRAME_BYTES];
  frame_bytes(data);
  const struct paw_audio_frame frame = {.data = data,
                                        .len = sizeof data,
                                        .media_rtp = index * FRAME_RTP,
                                        .capture_ns = bench_now_ns(),
                                        .duration_rtp = FRAME_RTP,
                                        .level = PAW_AUDIO_LEVEL_NONE};
  (void)paw_rtc_send_audio(endpoint->rtc, bench_now_ns(), &frame);
  endpoint_drain(endpoint);
}

/* ---- input ---- */

/* What a datagram brings about goes out before the next one is fed. */
static void feed(void *user_data, const struct paw_input *input) {
  struct endpoint *endpoint = user_data;
  (void)paw_rtc_handle_input(endpoint->rtc, input);
  endpoint_drain(endpoint);
}

static struct timespec until(uint64_t time_ns) {
  uint64_t now_ns = bench_now_ns();
  uint64_t wait_ns = time_ns > now_ns ? time_ns - now_ns : 0;
  return (struct timespec){.tv_sec = (time_t)(wait_ns / PAW_NS_PER_S),
                           .tv_nsec = (long)(wait_ns % PAW_NS_PER_S)};
}

bool endpoint_wait(struct endpoint *endpoint, int other_fd, uint64_t until_ns) {
  int fd = udp_get_fd(endpoint->udp, PAW_FAMILY_IPV4);
  struct pollfd polled[2] = {{.fd = fd, .events = POLLIN}, {.fd = other_fd, .events = POLLIN}};
  struct timespec wait = until(endpoint->deadline_ns < until_ns ? endpoint->deadline_ns : until_ns);
  (void)ppoll(polled, 2, &wait, NULL);
  if (polled[0].revents != 0) {
    udp_receive(endpoint->udp, fd, bench_now_ns(), feed, endpoint);
  }
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = bench_now_ns()};
  if (time.now_ns >= endpoint->deadline_ns) {
    (void)paw_rtc_handle_input(endpoint->rtc, &time);
    endpoint_drain(endpoint);
  }
  return polled[1].revents != 0;
}
