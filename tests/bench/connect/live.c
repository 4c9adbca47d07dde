/* SPDX-License-Identifier: MIT */
#include "bench/connect/live.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/connect/floor.h"
#include "bench/measure.h"

#define SDP_MAX 4096
#define FRAME_NS (20 * PAW_NS_PER_MS)

/* What goes over the socket pair, one message each: offer and answer, then the receiver has heard
 * (or given up), and the sender says what it has spent. Or, between connections, a question for the
 * floor, and its answer. */
struct note {
  bool asks_floor;
  uint64_t floor_ns;
  bool new_certificate;      /* with the offer */
  struct endpoint_cost cost; /* with the end */
  size_t len;
  char sdp[SDP_MAX];
};

struct live {
  struct endpoint own;
  int fd;
  pid_t child;
};

static bool tell(int fd, const struct note *note) {
  return send(fd, note, sizeof *note, MSG_NOSIGNAL) == (ssize_t)sizeof *note;
}

static bool hear(int fd, struct note *note) {
  return recv(fd, note, sizeof *note, 0) == (ssize_t)sizeof *note;
}

/* ---- the child: answers and sends ---- */

static bool answer(struct endpoint *own, int fd, struct note *note) {
  char offer[SDP_MAX];
  size_t offer_len = note->len;
  own->cpu_begin_ns = bench_cpu_ns();
  memcpy(offer, note->sdp, offer_len);
  if ((note->new_certificate && !endpoint_renew_certificate(own)) ||
      !endpoint_begin(own, PAW_ICE_FULL, PAW_DIRECTION_SENDONLY)) {
    return false;
  }
  note->len = sizeof note->sdp;
  return paw_rtc_accept_offer(own->rtc, bench_now_ns(), offer, offer_len, note->sdp, &note->len) ==
             PAW_OK &&
         tell(fd, note);
}

/* Speaks as soon as it may, and every 20 ms from there, until the other end has heard. */
static void speak(struct endpoint *own, int fd) {
  uint64_t sent = 0;
  endpoint_drain(own);
  for (;;) {
    bool connected = own->connected_ns != 0;
    uint64_t due_ns = connected ? own->connected_ns + sent * FRAME_NS : PAW_TIME_NEVER;
    if (connected && bench_now_ns() >= due_ns) {
      endpoint_send_frame(own, sent++);
    } else if (endpoint_wait(own, fd, due_ns)) {
      return;
    }
  }
}

/* The socket is open before the offer comes. */
static bool serve_one(struct endpoint *own, struct floor *floor, int fd, bool *over) {
  struct note note;
  if (own->udp == NULL && !endpoint_open(own)) {
    return false;
  }
  *over = !hear(fd, &note);
  if (*over) {
    return true;
  }
  if (note.asks_floor) {
    note.floor_ns = floor_handshake_cpu_ns(floor);
    return tell(fd, &note);
  }
  if (!answer(own, fd, &note)) {
    return false;
  }
  speak(own, fd);
  *over = !hear(fd, &note);
  note.cost = own->cost;
  endpoint_end(own);
  endpoint_close(own);
  return *over || tell(fd, &note);
}

static int serve(int fd) {
  struct endpoint own = {0};
  bool over = false;
  struct floor *floor = floor_new();
  bool good = floor != NULL && endpoint_renew_certificate(&own);
  while (good && !over) {
    good = serve_one(&own, floor, fd, &over);
  }
  floor_free(floor);
  endpoint_end(&own);
  endpoint_close(&own);
  paw_certificate_free(own.certificate);
  close(fd);
  return good ? 0 : 1;
}

/* ---- the parent: offers and receives ---- */

struct live *live_new(void) {
  int fds[2];
  struct live *live = calloc(1, sizeof *live);
  if (live == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    free(live);
    return NULL;
  }
  live->fd = fds[0];
  live->child = fork();
  if (live->child == 0) {
    close(fds[0]);
    free(live);
    _exit(serve(fds[1]));
  }
  close(fds[1]);
  if (live->child < 0 || !endpoint_renew_certificate(&live->own)) {
    (void)live_free(live);
    return NULL;
  }
  return live;
}

bool live_free(struct live *live) {
  int status = -1;
  close(live->fd); /* which ends the child */
  bool reaped = live->child > 0 && waitpid(live->child, &status, 0) == live->child;
  paw_certificate_free(live->own.certificate);
  free(live);
  return reaped && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The time that everything is measured from is when the offer's text is there. */
static bool offer(struct live *live, const struct live_form *form, uint64_t *begin_ns) {
  struct note note = {.new_certificate = form->new_certificates, .len = sizeof note.sdp};
  struct endpoint *own = &live->own;
  if ((form->new_certificates && !endpoint_renew_certificate(own)) || !endpoint_open(own) ||
      !endpoint_begin(own, form->receiver, PAW_DIRECTION_RECVONLY) ||
      paw_rtc_create_offer(own->rtc, note.sdp, &note.len) != PAW_OK) {
    return false;
  }
  own->cpu_begin_ns = bench_cpu_ns();
  *begin_ns = bench_now_ns();
  return tell(live->fd, &note);
}

static bool listen_to(struct live *live, uint64_t begin_ns) {
  struct note note;
  struct endpoint *own = &live->own;
  if (!hear(live->fd, &note) ||
      paw_rtc_accept_answer(own->rtc, bench_now_ns(), note.sdp, note.len) != PAW_OK) {
    return false;
  }
  endpoint_drain(own);
  while (own->audio_ns == 0 && !own->closed && bench_now_ns() < begin_ns + LIVE_BUDGET_NS) {
    if (endpoint_wait(own, live->fd, begin_ns + LIVE_BUDGET_NS)) {
      return false; /* the child has nothing to say yet: it has died */
    }
  }
  return own->audio_ns != 0;
}

/* Both ends forget the connection before the next one begins. */
static bool settle(struct live *live, struct endpoint_cost *sender) {
  struct note note = {0};
  bool good = tell(live->fd, &note) && hear(live->fd, &note);
  *sender = note.cost;
  return good;
}

uint64_t live_floor_cpu_ns(struct live *live) {
  struct note note = {.asks_floor = true};
  return tell(live->fd, &note) && hear(live->fd, &note) ? note.floor_ns : 0;
}

bool live_connect(struct live *live, const struct live_form *form, struct live_times *out) {
  uint64_t begin_ns = 0;
  bool offered = offer(live, form, &begin_ns);
  bool heard = offered && listen_to(live, begin_ns);
  if (offered && !settle(live, &out->sender)) {
    heard = false;
  }
  if (heard) {
    out->connected_ns = live->own.connected_ns - begin_ns;
    out->first_audio_ns = live->own.audio_ns - begin_ns;
    out->receiver = live->own.cost;
  }
  endpoint_end(&live->own);
  endpoint_close(&live->own);
  return heard;
}
