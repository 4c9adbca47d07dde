/* SPDX-License-Identifier: MIT */
/* flood KIND PER_SECOND SECONDS < ANSWER > OFFER: a listener that connects by WHEP, without its
 * HTTP, and then floods. Writes an offer, reads the answer, each ended by an empty line, floods for
 * that long, and writes to standard error what it sent and got. Fails when it does not connect, or
 * is cut off. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pawebrtc/pawebrtc.h>

#include "kit/hmac.h"
#include "rtc/rtc_private.h"
#include "rtcp/rtcp.h"
#include "stun/stun.h"
#include "system.h"
#include "udp.h"

#define CONNECT_NS (10 * PAW_NS_PER_S)
#define SDP_SIZE 16384
#define TICK_NS PAW_NS_PER_MS

struct flooder {
  struct udp *udp;
  struct udp *other; /* another address, that nobody knows */
  struct paw_rtc *rtc;
  struct paw_address local;
  struct paw_address remote;
  uint64_t deadline_ns;
  uint64_t sent;
  uint64_t got;
  uint64_t got_bytes;
  bool connected;
  bool closed;
};

static void check(int status, const char *what) {
  if (status != PAW_OK) {
    (void)fprintf(stderr, "%s: %s\n", what, paw_strerror(status));
    exit(1);
  }
}

/* ---- the connection ---- */

static void drain(struct flooder *flooder) {
  struct paw_rtc_output output;
  do {
    paw_rtc_poll_output(flooder->rtc, &output);
    if (output.kind == PAW_OUTPUT_TRANSMIT) {
      udp_send(flooder->udp, &output.transmit, 1);
    } else if (output.kind == PAW_OUTPUT_EVENT) {
      flooder->connected = flooder->connected || output.event.kind == PAW_RTC_EVENT_CONNECTED;
      flooder->closed = flooder->closed || output.event.kind == PAW_RTC_EVENT_CLOSED;
    }
  } while (output.kind != PAW_OUTPUT_TIMEOUT);
  flooder->deadline_ns = output.timeout.deadline_ns;
}

static void feed(void *user_data, const struct paw_input *input) {
  struct flooder *flooder = user_data;
  if (input->kind == PAW_INPUT_RECEIVE) {
    flooder->got++;
    flooder->got_bytes += input->len;
  }
  (void)paw_rtc_handle_input(flooder->rtc, input);
  drain(flooder);
}

static void wait_until_ns(struct flooder *flooder, uint64_t until_ns) {
  int fd = udp_get_fd(flooder->udp, PAW_FAMILY_IPV4);
  struct pollfd pollfd = {.fd = fd, .events = POLLIN};
  uint64_t now_ns = system_now_ns();
  uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
  if (poll(&pollfd, 1, (int)((wait_ns + PAW_NS_PER_MS - 1) / PAW_NS_PER_MS)) > 0) {
    udp_receive(flooder->udp, fd, system_now_ns(), feed, flooder);
  }
  if (flooder->deadline_ns <= system_now_ns()) {
    const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = system_now_ns()};
    feed(flooder, &time);
  }
}

static struct udp *open_udp(void) {
  struct fault fault;
  struct udp *udp = NULL;
  const struct udp_config loopback = {.loopback_only = true};
  if (udp_open(&loopback, &udp, &fault) != 0) {
    (void)fprintf(stderr, "%s\n", fault.text);
    exit(1);
  }
  return udp;
}

static void open_flooder(struct flooder *flooder, const struct paw_certificate *certificate) {
  struct paw_rtc_config config;
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST,
                                    .address = {.ip = {127, 0, 0, 1}, .family = PAW_FAMILY_IPV4}};
  *flooder = (struct flooder){.udp = open_udp(), .other = open_udp()};
  paw_rtc_config_init(&config);
  config.certificate = certificate;
  config.rng = system_rng();
  config.ice_mode = PAW_ICE_LITE;
  config.audio.direction = PAW_DIRECTION_RECVONLY;
  check(paw_rtc_new(&config, system_now_ns(), &flooder->rtc), "connection");
  candidate.address.port = udp_get_port(flooder->udp);
  check(paw_rtc_add_local_candidate(flooder->rtc, &candidate), "candidate");
}

static void negotiate(struct flooder *flooder) {
  char sdp[SDP_SIZE];
  size_t len = sizeof sdp;
  check(paw_rtc_create_offer(flooder->rtc, sdp, &len), "offer");
  (void)printf("%s\n", sdp);
  (void)fflush(stdout);
  len = 0;
  while (len < sizeof sdp && fgets(sdp + len, (int)(sizeof sdp - len), stdin) != NULL &&
         sdp[len] != '\n') {
    len += strlen(sdp + len);
  }
  check(paw_rtc_accept_answer(flooder->rtc, system_now_ns(), sdp, len), "answer");
}

/* ---- what it floods with ---- */

static void throw_from(struct flooder *flooder, struct udp *udp, const uint8_t *data, size_t len) {
  struct paw_transmit transmit = {
      .local = flooder->local, .remote = flooder->remote, .data = data, .len = len};
  transmit.local.port = udp_get_port(udp);
  flooder->sent++;
  udp_send(udp, &transmit, 1);
}

static void throw_check(struct flooder *flooder, const char *pwd) {
  const struct paw_ice_credentials *remote = paw_ice_get_remote_credentials(flooder->rtc->ice);
  uint8_t data[700];
  char username[600];
  (void)snprintf(username, sizeof username, "%s:%s", remote->ufrag,
                 paw_ice_get_credentials(flooder->rtc->ice)->ufrag);
  struct paw_stun_message message = {
      .class = PAW_STUN_REQUEST,
      .method = PAW_STUN_METHOD_BINDING,
      .has = PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_PRIORITY | PAW_STUN_HAS_CONTROLLED |
             PAW_STUN_HAS_INTEGRITY | PAW_STUN_HAS_FINGERPRINT,
      .username = {(const uint8_t *)username, strlen(username)},
      .priority = 0x6e7fffff,
      .controlled = 1,
  };
  memcpy(message.id, &flooder->sent, sizeof flooder->sent);
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  check(paw_stun_write(&wr, &message, KIT_HMAC_KEY((const uint8_t *)pwd, strlen(pwd))), "check");
  throw_from(flooder, flooder->udp, data, wr.len);
}

static void checks(struct flooder *flooder) {
  throw_check(flooder, paw_ice_get_remote_credentials(flooder->rtc->ice)->pwd);
}

static void bad_checks(struct flooder *flooder) {
  throw_check(flooder, "wrongwrongwrongwrongwr");
}

static void bad_media(struct flooder *flooder) {
  uint8_t data[172] = {0x80, flooder->rtc->local.opus_payload_type};
  memcpy(data + 2, &flooder->sent, sizeof flooder->sent);
  throw_from(flooder, flooder->udp, data, sizeof data);
}

static void throw_rtcp(struct flooder *flooder, struct paw_wr *wr) {
  check(paw_srtp_protect_rtcp(flooder->rtc->srtp, wr->data, &wr->len, PAW_DATAGRAM_MAX), "SRTCP");
  throw_from(flooder, flooder->udp, wr->data, wr->len);
}

static void nacks(struct flooder *flooder) {
  uint8_t plain[PAW_DATAGRAM_MAX];
  uint16_t sequences[PAW_RTCP_NACK_SEQUENCES_MAX];
  struct paw_wr wr = paw_wr_init(plain, PAW_DATAGRAM_MAX - PAW_SRTP_TRAILER_MAX);
  const struct paw_rtc *rtc = flooder->rtc;
  const struct paw_recv *recv = &rtc->recv[rtc->recv_count - 1];
  for (uint16_t i = 0; i < PAW_RTCP_NACK_SEQUENCES_MAX; i++) {
    sequences[i] = (uint16_t)(recv->highest_sequence - 1000 + i);
  }
  for (int i = 0; i < 5 && rtc->recv_count > 0; i++) {
    paw_rtcp_write_nack(&wr, rtc->local_ssrc, recv->ssrc, sequences, PAW_RTCP_NACK_SEQUENCES_MAX);
  }
  throw_rtcp(flooder, &wr);
}

static void reference_times(struct flooder *flooder) {
  uint8_t plain[PAW_DATAGRAM_MAX];
  struct paw_wr wr = paw_wr_init(plain, sizeof plain);
  paw_rtcp_write_rrtr(&wr, flooder->rtc->local_ssrc, flooder->sent + 1);
  throw_rtcp(flooder, &wr);
}

static void reports(struct flooder *flooder) {
  uint8_t plain[PAW_DATAGRAM_MAX];
  struct paw_wr wr = paw_wr_init(plain, PAW_DATAGRAM_MAX - PAW_SRTP_TRAILER_MAX);
  struct paw_rtcp_report report = {.ssrc = flooder->rtc->local_ssrc,
                                   .block_count = PAW_RTCP_REPORT_BLOCKS_MAX};
  for (size_t i = 0; i < report.block_count && flooder->rtc->recv_count > 0; i++) {
    report.blocks[i].ssrc = flooder->rtc->recv[flooder->rtc->recv_count - 1].ssrc;
  }
  paw_rtcp_write_receiver_report(&wr, &report);
  throw_rtcp(flooder, &wr);
}

/* What anybody can make: alerts in clear, handshakes, media, requests and answers. */
static void throw_forgery(struct flooder *flooder, struct udp *udp) {
  static const uint8_t fatal[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
  static const uint8_t close[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0};
  static const uint8_t hello[200] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 187, 1, 0, 0, 175};
  static const uint8_t media[172] = {0x80, 111, 1};
  static const uint8_t rtcp[60] = {0x81, 203, 0, 1};
  static const uint8_t request[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
  static const uint8_t success[20] = {1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
  static const struct paw_slice all[] = {{fatal, sizeof fatal},    {close, sizeof close},
                                         {hello, sizeof hello},    {media, sizeof media},
                                         {rtcp, sizeof rtcp},      {request, sizeof request},
                                         {success, sizeof success}};
  const struct paw_slice *one = &all[flooder->sent % (sizeof all / sizeof all[0])];
  throw_from(flooder, udp, one->data, one->len);
}

/* From an address that nobody knows. */
static void strangers(struct flooder *flooder) {
  throw_forgery(flooder, flooder->other);
}

/* As one would who forges the address of this listener. */
static void forgers(struct flooder *flooder) {
  throw_forgery(flooder, flooder->udp);
}

static const struct {
  const char *name;
  void (*throw)(struct flooder *flooder);
} kinds[] = {
    {"checks", checks},
    {"bad-checks", bad_checks},
    {"bad-media", bad_media},
    {"nacks", nacks},
    {"reference-times", reference_times},
    {"reports", reports},
    {"strangers", strangers},
    {"forgers", forgers},
};

/* ---- running ---- */

static void connect_flooder(struct flooder *flooder) {
  uint64_t give_up_ns = system_now_ns() + CONNECT_NS;
  drain(flooder);
  while ((!flooder->connected || flooder->rtc->recv_count == 0) && !flooder->closed &&
         system_now_ns() < give_up_ns) {
    wait_until_ns(flooder, system_now_ns() + 10 * TICK_NS);
  }
  if (!paw_ice_get_selected_pair(flooder->rtc->ice, &flooder->local, &flooder->remote)) {
    (void)fprintf(stderr, "not connected\n");
    exit(1);
  }
}

static void flood(struct flooder *flooder, size_t kind, uint64_t per_second, uint64_t seconds) {
  uint64_t begin_ns = system_now_ns();
  uint64_t next_ns = begin_ns;
  uint64_t tick = per_second / 1000 + 1;
  flooder->got = 0;
  flooder->got_bytes = 0;
  while (next_ns < begin_ns + seconds * PAW_NS_PER_S && !flooder->closed) {
    uint64_t due = (next_ns - begin_ns + TICK_NS) / TICK_NS * per_second / 1000;
    for (uint64_t i = 0; i < 2 * tick && flooder->sent < due; i++) { /* as fast as it can */
      kinds[kind].throw(flooder);
    }
    next_ns = system_now_ns() > next_ns + TICK_NS ? system_now_ns() : next_ns + TICK_NS;
    wait_until_ns(flooder, next_ns);
  }
}

int main(int argc, char **argv) {
  struct flooder flooder;
  struct paw_certificate *certificate = NULL;
  struct paw_allocator heap = {0};
  struct paw_rng rng = system_rng();
  size_t kind = 0;
  size_t count = sizeof kinds / sizeof kinds[0];
  while (argc == 4 && kind < count && strcmp(argv[1], kinds[kind].name) != 0) {
    kind++;
  }
  if (argc != 4 || kind == count) {
    (void)fprintf(stderr, "usage: flood KIND PER_SECOND SECONDS\n");
    return 2;
  }
  uint64_t seconds = strtoul(argv[3], NULL, 10);
  check(paw_certificate_generate(&rng, &heap, &certificate), "certificate");
  open_flooder(&flooder, certificate);
  negotiate(&flooder);
  connect_flooder(&flooder);
  flood(&flooder, kind, strtoul(argv[2], NULL, 10), seconds);
  (void)fprintf(stderr, "%llu %llu %llu\n", (unsigned long long)(flooder.sent / seconds),
                (unsigned long long)(flooder.got / seconds),
                (unsigned long long)(flooder.got_bytes / seconds));
  bool cut_off = flooder.closed;
  paw_rtc_close(flooder.rtc, system_now_ns());
  drain(&flooder);
  paw_rtc_free(flooder.rtc);
  paw_certificate_free(certificate);
  udp_close(flooder.udp);
  udp_close(flooder.other);
  return cut_off ? 1 : 0;
}
