/* SPDX-License-Identifier: MIT */
/* The whole contract of the library in one file: one UDP socket, poll(2), and paw_rtc.
 *
 *   mkfifo back; ./udp_poll recv < back | ./udp_poll send > back
 *
 * The receiver writes an SDP offer to standard output and reads the answer from standard input; the
 * sender reads the offer and writes the answer. An empty line ends each. Then a tone flows by UDP
 * on the loopback interface for five seconds. */
#include <arpa/inet.h>
#include <math.h>
#include <pawebrtc/pawebrtc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define FRAMES ((size_t)480) /* 10 ms at 48 kHz */
#define TICK_NS (10 * PAW_NS_PER_MS)
#define RUN_NS (5 * PAW_NS_PER_S)

static int fd;
static struct paw_rtc *rtc;
static struct paw_address local;    /* of the socket: a true address, never 0.0.0.0 */
static struct paw_playout *playout; /* the receiver's */
static struct paw_encoder *encoder; /* the sender's */
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

static struct paw_address from_socket(const struct sockaddr_in *address) {
  struct paw_address out = {.family = PAW_FAMILY_IPV4, .port = ntohs(address->sin_port)};
  memcpy(out.ip, &address->sin_addr, 4);
  return out;
}

static void open_socket(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (bind(fd, (struct sockaddr *)&address, len) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
    perror("socket");
    exit(1);
  }
  local = from_socket(&address);
}

/* ---- output: do what the library says until it has nothing more to say ---- */

static void transmit(const struct paw_transmit *datagram) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(datagram->remote.port)};
  memcpy(&to.sin_addr, datagram->remote.ip, 4);
  /* A send that fails is a lost datagram, and the library is used to those. */
  (void)sendto(fd, datagram->data, datagram->len, 0, (struct sockaddr *)&to, sizeof to);
}

static void handle_event(const struct paw_rtc_event *event) {
  if (event->kind == PAW_RTC_EVENT_CONNECTED) {
    tick_ns = now();
  } else if (event->kind == PAW_RTC_EVENT_AUDIO && playout != NULL) {
    (void)paw_playout_handle_input(playout, now(), &event->audio);
  } else if (event->kind == PAW_RTC_EVENT_CLOSED) {
    (void)fprintf(stderr, "%s\n", paw_close_reason_text(event->reason));
    closed = true;
  }
}

/* Returns when the library wants to be called again at the latest. */
static uint64_t drain(void) {
  struct paw_rtc_output output;
  paw_rtc_poll_output(rtc, &output);
  while (output.kind != PAW_OUTPUT_TIMEOUT) {
    if (output.kind == PAW_OUTPUT_TRANSMIT) {
      transmit(&output.transmit);
    } else {
      handle_event(&output.event);
    }
    paw_rtc_poll_output(rtc, &output);
  }
  return output.timeout.deadline_ns;
}

/* ---- input: a datagram, or time ---- */

static void receive(void) {
  uint8_t data[1500];
  struct sockaddr_in from = {0};
  socklen_t from_len = sizeof from;
  ssize_t len = recvfrom(fd, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE, .now_ns = now(), .local = local};
  if (len >= 0) {
    input.remote = from_socket(&from);
    input.data = data;
    input.len = (size_t)len;
    (void)paw_rtc_handle_input(rtc, &input);
  }
}

static uint64_t earliest(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static void wait_until(uint64_t deadline_ns) {
  struct pollfd pollfd = {.fd = fd, .events = POLLIN};
  uint64_t now_ns = now();
  uint64_t wait_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
  wait_ns = wait_ns < PAW_NS_PER_S ? wait_ns : PAW_NS_PER_S;
  /* Rounded up: waking early would only mean to wait again. */
  if (poll(&pollfd, 1, (int)((wait_ns + PAW_NS_PER_MS - 1) / PAW_NS_PER_MS)) > 0) {
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
  struct paw_audio_frame frame = {.data = packet,
                                  .len = sizeof packet,
                                  .media_rtp = media_rtp,
                                  .capture_ns = tick_ns,
                                  .duration_rtp = FRAMES,
                                  .level = PAW_AUDIO_LEVEL_NONE};
  for (size_t i = 0; i < FRAMES; i++) {
    pcm[i] = (int16_t)(8192 * sin((double)(media_rtp + i) * 440 * 2 * 3.14159265358979 / 48000));
  }
  check(paw_encoder_encode(encoder, pcm, packet, &frame.len), "encoder");
  (void)paw_rtc_send_audio(rtc, now(), &frame);
  media_rtp += FRAMES;
}

static void play(void) {
  static int peak;
  int16_t pcm[FRAMES * 2];
  paw_playout_render(playout, pcm, FRAMES, tick_ns); /* a sound card would take these */
  for (size_t i = 0; i < FRAMES * 2; i++) {
    if (abs(pcm[i]) > peak + 1024) {
      peak = abs(pcm[i]);
      (void)fprintf(stderr, "heard: peak %d\n", peak);
    }
  }
}

/* The player has followed the network: nobody has told it a delay. */
static void tell_delay(void) {
  struct paw_playout_stats stats;
  paw_playout_get_stats(playout, &stats);
  (void)fprintf(stderr, "heard: %llu packets, %.1f ms after they came, %.1f ms made up\n",
                (unsigned long long)stats.packets_received, (double)stats.delay_ns / PAW_NS_PER_MS,
                (double)stats.concealed_samples * 1000 / PAW_RTP_HZ);
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
  char theirs[4096] = "";
  size_t len = sizeof own;
  size_t offer_len = receiver ? 0 : read_sdp(theirs, sizeof theirs);
  check(receiver ? paw_rtc_create_offer(rtc, own, &len)
                 : paw_rtc_accept_offer(rtc, now(), theirs, offer_len, own, &len),
        "offer");
  (void)printf("%s\n", own);
  (void)fflush(stdout);
  if (receiver) {
    size_t answer_len = read_sdp(theirs, sizeof theirs);
    check(paw_rtc_accept_answer(rtc, now(), theirs, answer_len), "answer");
  }
}

int main(int argc, char **argv) {
  bool receiver = argc == 2 && strcmp(argv[1], "recv") == 0;
  const struct paw_allocator allocator = {0}; /* malloc and free */
  struct paw_certificate *certificate = NULL;
  struct paw_rtc_config config;
  struct paw_playout_config playout_config;
  struct paw_encoder_config encoder_config;
  paw_rtc_config_init(&config);
  paw_playout_config_init(&playout_config);
  paw_encoder_config_init(&encoder_config);
  config.rng.fill = fill_random;
  config.audio.direction = receiver ? PAW_DIRECTION_RECVONLY : PAW_DIRECTION_SENDONLY;
  open_socket();
  const struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = local};
  check(paw_certificate_generate(&config.rng, &allocator, &certificate), "certificate");
  config.certificate = certificate;
  check(paw_rtc_new(&config, now(), &rtc), "connection");
  check(paw_rtc_add_local_candidate(rtc, &candidate), "candidate");
  check(receiver ? paw_playout_new(&playout_config, &playout)
                 : paw_encoder_new(&encoder_config, &encoder),
        "codec");
  negotiate(receiver);

  uint64_t end_ns = now() + RUN_NS;
  uint64_t player_ns = PAW_TIME_NEVER; /* when the player wants to be looked at again */
  while (!closed) {
    wait_until(earliest(tick_ns != 0 ? tick_ns : PAW_TIME_NEVER, earliest(player_ns, drain())));
    (void)drain(); /* what has come is heard now, not in the next 10 ms */
    for (; tick_ns != 0 && now() >= tick_ns; tick_ns += TICK_NS) {
      if (receiver) {
        play();
      } else {
        send_tone();
      }
    }
    if (receiver) {
      player_ns = paw_rtc_serve_playout(rtc, now(), playout); /* it may ask for packets again */
    }
    if (now() >= end_ns) {
      paw_rtc_close(rtc, now());
    }
  }
  if (receiver) {
    tell_delay();
  }
  paw_playout_free(playout);
  paw_encoder_free(encoder);
  paw_rtc_free(rtc);
  paw_certificate_free(certificate);
  return 0;
}
