/* SPDX-License-Identifier: MIT */
/* talk SETUP HZ SECONDS < ANSWER > OFFER: the client of WHIP without its HTTP. Writes an offer to
 * send with a=setup:SETUP (actpass or active), reads the answer, each ended by an empty line, and
 * sends a tone for that long. Fails when it does not connect. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pawebrtc/pawebrtc.h>

#include "system.h"
#include "tone.h"
#include "udp.h"

#define FRAME_FRAMES 960
#define FRAME_NS (20 * PAW_NS_PER_MS)
#define CONNECT_NS (10 * PAW_NS_PER_S)
#define SDP_SIZE 16384

struct talker {
  struct udp *udp;
  struct paw_rtc *rtc;
  struct paw_encoder *encoder;
  uint64_t deadline_ns;
  uint64_t frame_ns; /* when the next frame is due; PAW_TIME_NEVER: not connected */
  uint64_t media_rtp;
  bool closed;
};

static void check(int status, const char *what) {
  if (status != PAW_OK) {
    (void)fprintf(stderr, "%s: %s\n", what, paw_strerror(status));
    exit(1);
  }
}

static void handle_event(struct talker *talker, const struct paw_rtc_event *event) {
  if (event->kind == PAW_RTC_EVENT_CONNECTED) {
    talker->frame_ns = system_now_ns();
  } else if (event->kind == PAW_RTC_EVENT_CLOSED) {
    (void)fprintf(stderr, "%s\n", paw_close_reason_text(event->reason));
    talker->closed = true;
  }
}

static void drain(struct talker *talker) {
  struct paw_rtc_output output;
  do {
    paw_rtc_poll_output(talker->rtc, &output);
    if (output.kind == PAW_OUTPUT_TRANSMIT) {
      udp_send(talker->udp, &output.transmit, 1);
    } else if (output.kind == PAW_OUTPUT_EVENT) {
      handle_event(talker, &output.event);
    }
  } while (output.kind != PAW_OUTPUT_TIMEOUT);
  talker->deadline_ns = output.timeout.deadline_ns;
}

static void feed(void *user_data, const struct paw_input *input) {
  struct talker *talker = user_data;
  (void)paw_rtc_handle_input(talker->rtc, input);
  drain(talker);
}

static void wait_for_something(struct talker *talker) {
  int fd = udp_get_fd(talker->udp, PAW_FAMILY_IPV4);
  struct pollfd pollfd = {.fd = fd, .events = POLLIN};
  uint64_t now_ns = system_now_ns();
  uint64_t until_ns =
      talker->frame_ns < talker->deadline_ns ? talker->frame_ns : talker->deadline_ns;
  uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
  uint64_t wait_ms = (wait_ns + PAW_NS_PER_MS - 1) / PAW_NS_PER_MS;
  if (poll(&pollfd, 1, wait_ms < 100 ? (int)wait_ms : 100) > 0) {
    udp_receive(talker->udp, fd, system_now_ns(), feed, talker);
  }
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = system_now_ns()};
  feed(talker, &time);
}

static void send_frame(struct talker *talker, double hz) {
  int16_t pcm[FRAME_FRAMES];
  uint8_t packet[PAW_OPUS_PACKET_MAX];
  size_t len = sizeof packet;
  tone_render(hz, talker->media_rtp, pcm, FRAME_FRAMES);
  check(paw_encoder_encode(talker->encoder, pcm, packet, &len), "encoder");
  const struct paw_audio_frame frame = {.data = packet,
                                        .len = len,
                                        .media_rtp = talker->media_rtp,
                                        .capture_ns = talker->frame_ns,
                                        .duration_rtp = FRAME_FRAMES,
                                        .level = PAW_AUDIO_LEVEL_NONE};
  (void)paw_rtc_send_audio(talker->rtc, system_now_ns(), &frame);
  talker->media_rtp += FRAME_FRAMES;
  talker->frame_ns += FRAME_NS;
}

static void open_talker(struct talker *talker, const struct paw_certificate *certificate) {
  struct fault fault;
  const struct udp_config loopback = {.loopback_only = true};
  struct paw_rtc_config config;
  struct paw_encoder_config encoder;
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST,
                                    .address = {.ip = {127, 0, 0, 1}, .family = PAW_FAMILY_IPV4}};
  *talker = (struct talker){.frame_ns = PAW_TIME_NEVER};
  if (udp_open(&loopback, &talker->udp, &fault) != 0) {
    (void)fprintf(stderr, "%s\n", fault.text);
    exit(1);
  }
  paw_rtc_config_init(&config);
  config.certificate = certificate;
  config.rng = system_rng();
  config.audio.direction = PAW_DIRECTION_SENDONLY;
  check(paw_rtc_new(&config, system_now_ns(), &talker->rtc), "connection");
  candidate.address.port = udp_get_port(talker->udp);
  check(paw_rtc_add_local_candidate(talker->rtc, &candidate), "candidate");
  paw_encoder_config_init(&encoder);
  encoder.frame_frames = FRAME_FRAMES;
  check(paw_encoder_new(&encoder, &talker->encoder), "encoder");
}

/* The library itself always offers actpass. */
static void write_offer(struct talker *talker, const char *setup) {
  static const char line[] = "a=setup:actpass";
  char offer[SDP_SIZE];
  size_t len = sizeof offer;
  check(paw_rtc_create_offer(talker->rtc, offer, &len), "offer");
  const char *at = strstr(offer, line);
  if (at == NULL) {
    exit(1);
  }
  (void)printf("%.*sa=setup:%s%s\n", (int)(at - offer), offer, setup, at + sizeof line - 1);
  (void)fflush(stdout);
}

static void read_answer(struct talker *talker) {
  char answer[SDP_SIZE];
  size_t len = 0;
  while (len < sizeof answer && fgets(answer + len, (int)(sizeof answer - len), stdin) != NULL &&
         answer[len] != '\n') {
    len += strlen(answer + len);
  }
  check(paw_rtc_accept_answer(talker->rtc, system_now_ns(), answer, len), "answer");
}

int main(int argc, char **argv) {
  struct talker talker;
  struct paw_certificate *certificate = NULL;
  struct paw_allocator heap = {0};
  struct paw_rng rng = system_rng();
  if (argc != 4) {
    (void)fprintf(stderr, "usage: talk actpass|active HZ SECONDS\n");
    return 2;
  }
  check(paw_certificate_generate(&rng, &heap, &certificate), "certificate");
  open_talker(&talker, certificate);
  write_offer(&talker, argv[1]);
  read_answer(&talker);
  double hz = strtod(argv[2], NULL);
  uint64_t frames_left = strtoul(argv[3], NULL, 10) * PAW_NS_PER_S / FRAME_NS;
  uint64_t give_up_ns = system_now_ns() + CONNECT_NS;
  while (!talker.closed) {
    drain(&talker);
    wait_for_something(&talker);
    for (; talker.frame_ns <= system_now_ns() && frames_left > 0; frames_left--) {
      send_frame(&talker, hz);
    }
    if (frames_left == 0 || (talker.media_rtp == 0 && system_now_ns() > give_up_ns)) {
      talker.frame_ns = PAW_TIME_NEVER;
      paw_rtc_close(talker.rtc, system_now_ns());
    }
  }
  paw_encoder_free(talker.encoder);
  paw_rtc_free(talker.rtc);
  paw_certificate_free(certificate);
  udp_close(talker.udp);
  return frames_left == 0 ? 0 : 1;
}
