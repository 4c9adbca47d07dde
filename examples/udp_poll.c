/* SPDX-License-Identifier: MIT */
/* The whole contract of the library in one file: one UDP socket, poll(2), and paw_rtc.
 *
 *   mkfifo back; ./udp_poll recv < back | ./udp_poll send > back
 *
 * The receiver writes an SDP offer to standard output and reads the answer from standard input; the
 * sender reads the offer and writes the answer. An empty line ends each. Then audio flows by UDP
 * for five seconds. On two machines, give each its own address (udp_poll recv 192.0.2.1) and carry
 * the two texts over in any way you like. */
#include <arpa/inet.h>
#include <math.h>
#include <pawebrtc/pawebrtc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define FRAMES 480 /* 10 ms at 48 kHz */
#define TICK_NS (10 * PAW_NS_PER_MS)
#define RUN_NS (5 * PAW_NS_PER_S)

static int fd;
static struct paw_rtc *rtc;
static struct paw_address local;    /* of the socket: a true address, never 0.0.0.0 */
static struct paw_playout *playout; /* the receiver's */
static struct paw_encoder *encoder; /* the sender's */
static uint64_t deadline_ns;        /* when the library wants to be called at the latest */
static uint64_t tick_ns;            /* when the next 10 ms are due; 0: not connected yet */
static bool closed;

static void check(int status, const char *what) {
  if (status != PAW_OK) {
    (void)fprintf(stderr, "%s: %s\n", what, paw_strerror(status));
    exit(1);
  }
}

/* ---- what the library does not have: a clock, randomness, a socket ---- */

static uint64_t now(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * PAW_NS_PER_S + (uint64_t)time.tv_nsec;
}

static int fill_random(void *user_data, uint8_t *out, size_t len) {
  (void)user_data;
  return getrandom(out, len, 0) == (ssize_t)len ? 0 : -1;
}

static struct sockaddr_in to_socket(const struct paw_address *address) {
  struct sockaddr_in out = {.sin_family = AF_INET, .sin_port = htons(address->port)};
  memcpy(&out.sin_addr, address->ip, 4);
  return out;
}

static struct paw_address from_socket(const struct sockaddr_in *address) {
  struct paw_address out = {.family = PAW_FAMILY_IPV4, .port = ntohs(address->sin_port)};
  memcpy(out.ip, &address->sin_addr, 4);
  return out;
}

static void open_socket(const char *text) {
  check(paw_address_parse(text, &local), text);
  struct sockaddr_in address = to_socket(&local);
  socklen_t len = sizeof address;
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
    perror(text);
    exit(1);
  }
  local = from_socket(&address);
}

/* ---- output: do what the library says until it has nothing more to say ---- */

static void handle_event(const struct paw_rtc_event *event) {
  if (event->kind == PAW_RTC_EVENT_CONNECTED) {
    (void)fprintf(stderr, "connected\n");
    tick_ns = now();
  } else if (event->kind == PAW_RTC_EVENT_AUDIO && playout != NULL) {
    (void)paw_playout_handle_input(playout, now(), &event->audio);
  } else if (event->kind == PAW_RTC_EVENT_CLOSED) {
    (void)fprintf(stderr, "%s\n", paw_close_reason_text(event->reason));
    closed = true;
  }
}

static void drain(void) {
  for (;;) {
    struct paw_rtc_output output;
    paw_rtc_poll_output(rtc, &output);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT: {
      struct sockaddr_in remote = to_socket(&output.transmit.remote);
      /* A send that fails is a lost datagram, and the library is used to those. */
      (void)sendto(fd, output.transmit.data, output.transmit.len, 0, (struct sockaddr *)&remote,
                   sizeof remote);
      break;
    }
    case PAW_OUTPUT_EVENT:
      handle_event(&output.event);
      break;
    case PAW_OUTPUT_TIMEOUT:
      deadline_ns = output.timeout.deadline_ns;
      return;
    }
  }
}

/* ---- input: a datagram, or time ---- */

static void receive(void) {
  uint8_t data[1500];
  struct sockaddr_in remote;
  socklen_t remote_len = sizeof remote;
  ssize_t len =
      recvfrom(fd, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&remote, &remote_len);
  if (len >= 0) {
    const struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                                    .now_ns = now(),
                                    .local = local,
                                    .remote = from_socket(&remote),
                                    .data = data,
                                    .len = (size_t)len};
    (void)paw_rtc_handle_input(rtc, &input);
  }
}

static void wait_for_something(uint64_t until_ns) {
  struct pollfd pollfd = {.fd = fd, .events = POLLIN};
  uint64_t now_ns = now();
  uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
  /* Rounded up: waking early would only mean to wait again. */
  uint64_t wait_ms = (wait_ns + PAW_NS_PER_MS - 1) / PAW_NS_PER_MS;
  if (poll(&pollfd, 1, wait_ms < 1000 ? (int)wait_ms : 1000) > 0) {
    receive();
  }
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = now()};
  (void)paw_rtc_handle_input(rtc, &time);
}

/* ---- audio: 10 ms at a time ---- */

static void send_tone(void) {
  static uint64_t media_rtp;
  int16_t pcm[FRAMES];
  uint8_t packet[PAW_OPUS_PACKET_MAX];
  size_t len = sizeof packet;
  for (size_t i = 0; i < FRAMES; i++) {
    pcm[i] = (int16_t)(8192 * sin((double)(media_rtp + i) * 440 * 2 * 3.14159265358979 / 48000));
  }
  check(paw_encoder_encode(encoder, pcm, packet, &len), "encoder");
  const struct paw_audio_frame frame = {.data = packet,
                                        .len = len,
                                        .media_rtp = media_rtp,
                                        .capture_ns = tick_ns,
                                        .duration_rtp = FRAMES,
                                        .level = PAW_AUDIO_LEVEL_NONE};
  (void)paw_rtc_send_audio(rtc, now(), &frame);
  media_rtp += FRAMES;
}

static void play(void) {
  int16_t pcm[FRAMES * 2];
  static int peak;
  /* A sound card would take these samples. */
  paw_playout_render(playout, pcm, FRAMES, tick_ns);
  for (size_t i = 0; i < FRAMES * 2; i++) {
    if (abs(pcm[i]) > peak + 1024) {
      peak = abs(pcm[i]);
      (void)fprintf(stderr, "heard: peak %d\n", peak);
    }
  }
}

/* ---- offer and answer ---- */

static size_t read_sdp(char *out, size_t size) {
  size_t len = 0;
  while (len < size && fgets(out + len, (int)(size - len), stdin) != NULL && out[len] != '\n') {
    len += strlen(out + len);
  }
  return len;
}

static void negotiate(bool receiver) {
  char own[4096];
  char theirs[4096];
  size_t len = sizeof own;
  if (receiver) {
    check(paw_rtc_create_offer(rtc, own, &len), "offer");
  } else {
    size_t offer_len = read_sdp(theirs, sizeof theirs);
    check(paw_rtc_accept_offer(rtc, now(), theirs, offer_len, own, &len), "offer");
  }
  (void)printf("%s\n", own);
  (void)fflush(stdout);
  if (receiver) {
    check(paw_rtc_accept_answer(rtc, now(), theirs, read_sdp(theirs, sizeof theirs)), "answer");
  }
}

static void open_connection(const struct paw_certificate *certificate, bool receiver) {
  struct paw_rtc_config config;
  struct paw_playout_config playout_config;
  struct paw_encoder_config encoder_config;
  paw_rtc_config_init(&config);
  config.certificate = certificate;
  config.rng.fill = fill_random;
  config.audio.direction = receiver ? PAW_DIRECTION_RECVONLY : PAW_DIRECTION_SENDONLY;
  check(paw_rtc_new(&config, now(), &rtc), "connection");
  const struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = local};
  check(paw_rtc_add_local_candidate(rtc, &candidate), "candidate");
  paw_playout_config_init(&playout_config);
  paw_encoder_config_init(&encoder_config);
  if (receiver) {
    check(paw_playout_new(&playout_config, &playout), "player");
  } else {
    check(paw_encoder_new(&encoder_config, &encoder), "encoder");
  }
}

int main(int argc, char **argv) {
  bool receiver = argc > 1 && strcmp(argv[1], "recv") == 0;
  struct paw_certificate *certificate = NULL;
  const struct paw_rng rng = {.fill = fill_random};
  const struct paw_allocator allocator = {0};
  if (argc < 2 || (!receiver && strcmp(argv[1], "send") != 0)) {
    (void)fprintf(stderr, "usage: udp_poll send|recv [ADDRESS]\n");
    return 2;
  }
  open_socket(argc > 2 ? argv[2] : "127.0.0.1");
  check(paw_certificate_generate(&rng, &allocator, &certificate), "certificate");
  open_connection(certificate, receiver);
  negotiate(receiver);

  uint64_t end_ns = now() + RUN_NS;
  while (!closed) {
    drain();
    uint64_t next_ns = tick_ns != 0 && tick_ns < deadline_ns ? tick_ns : deadline_ns;
    wait_for_something(next_ns);
    for (; tick_ns != 0 && now() >= tick_ns; tick_ns += TICK_NS) {
      if (receiver) {
        play();
      } else {
        send_tone();
      }
    }
    if (receiver) {
      /* The player may ask for lost packets again. */
      (void)paw_rtc_serve_playout(rtc, now(), playout);
    }
    if (now() >= end_ns) {
      paw_rtc_close(rtc, now());
    }
  }
  paw_playout_free(playout);
  paw_encoder_free(encoder);
  paw_rtc_free(rtc);
  paw_certificate_free(certificate);
  (void)close(fd);
  return 0;
}
