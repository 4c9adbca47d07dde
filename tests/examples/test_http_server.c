/* SPDX-License-Identifier: MIT */
/* Clients that want to keep the HTTP server busy, on real sockets: each is cut at its total
 * deadline, and others are served meanwhile. The server runs in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http_server.h"
#include "system.h"

#define REQUEST_NS (400 * PAW_NS_PER_MS)
#define PAUSE_NS (900 * PAW_NS_PER_MS)
/* Longer than any test. */
#define PATIENT_NS (100 * PAW_NS_PER_S)
/* What a busy machine may add. */
#define LATE_NS (1500 * PAW_NS_PER_MS)
#define TICK_MS 20
#define BODY_MAX 1000
/* More than the buffers of a connection hold. */
#define BIG_BYTES (32u << 20)
/* Requests for "/slow", what each keeps the loop from all else, and how many are asked at once. */
#define SLOW_NS (50 * PAW_NS_PER_MS)
#define SLOW_REQUESTS 40

/* ---- the server ---- */

static size_t get_body_max(void *user_data, const char *path) {
  (void)user_data;
  return strcmp(path, "/post") == 0 ? BODY_MAX : 0;
}

static void keep_busy(uint64_t ns) {
  uint64_t begin_ns = system_now_ns();
  while (system_now_ns() - begin_ns < ns) {
  }
}

/* "/big" is long, "/slow" takes its time; else the client's address, and the length of the body or
 * "too long". */
static void answer(void *user_data, const struct http_request *request,
                   struct http_response *response) {
  char text[160];
  char client[PAW_ADDRESS_TEXT_SIZE];
  (void)user_data;
  if (strcmp(request->path, "/big") == 0) {
    response->status = 200;
    response->content_type = "text/plain";
    response->body = calloc(1, BIG_BYTES);
    response->body_len = response->body != NULL ? BIG_BYTES : 0;
    return;
  }
  if (strcmp(request->path, "/slow") == 0) {
    keep_busy(SLOW_NS);
  }
  struct paw_address address = {.family = request->client.family};
  memcpy(address.ip, request->client.ip, sizeof address.ip);
  paw_address_format(&address, client);
  if (request->body_too_long) {
    (void)snprintf(text, sizeof text, "%s too long", client);
  } else {
    (void)snprintf(text, sizeof text, "%s %zu", client, request->body_len);
  }
  http_response_say(response, 200, text);
}

static void on_signal(void *user_data, int number) {
  (void)number;
  loop_stop(user_data);
}

struct bench {
  pid_t child;
  uint16_t port;
};

static void remove_identity(const char *folder) {
  char path[64];
  (void)snprintf(path, sizeof path, "%s/cert", folder);
  (void)unlink(path);
  (void)snprintf(path, sizeof path, "%s/key", folder);
  (void)unlink(path);
  (void)rmdir(folder);
}

static int make_identity(struct tls_identity *out) {
  char folder[] = "/tmp/test_http_server.XXXXXX";
  char certificate[64];
  char key[64];
  struct fault fault;
  struct paw_rng rng = system_rng();
  if (mkdtemp(folder) == NULL) {
    return -1;
  }
  (void)snprintf(certificate, sizeof certificate, "%s/cert", folder);
  (void)snprintf(key, sizeof key, "%s/key", folder);
  int status = tls_identity_load(certificate, key, true, &rng, out, &fault);
  remove_identity(folder);
  return status;
}

static struct http_server *served;

/* Of its loop, shared with its process. */
static volatile unsigned *turns;

static void on_idle(void *user_data, uint64_t now_ns) {
  (void)user_data;
  *turns = *turns + 1;
  http_server_idle(served, now_ns);
}

/* Does not return: the exit status is 0 when all went well. */
static void serve(bool tls, uint64_t request_ns, uint64_t pause_ns, int tell) {
  struct loop *loop = NULL;
  struct fault fault;
  struct tls_identity identity = {0};
  struct http_server_config config = {.identity = tls ? &identity : NULL,
                                      .request_ns = request_ns,
                                      .pause_ns = pause_ns,
                                      .body_max = get_body_max,
                                      .handle = answer};
  if ((tls && make_identity(&identity) != 0) || loop_new(&loop, &fault) != 0 ||
      loop_catch_signals(loop, on_signal, loop, &fault) != 0 ||
      http_server_open(&config, loop, &served, &fault) != 0) {
    _exit(1);
  }
  uint16_t port = http_server_get_port(served);
  loop_set_idle(loop, on_idle, NULL);
  if (write(tell, &port, sizeof port) != sizeof port) {
    _exit(1);
  }
  int status = loop_run(loop, &fault);
  http_server_close(served);
  loop_free(loop);
  tls_identity_wipe(&identity);
  _exit(status == 0 ? 0 : 1);
}

static int start(void **state, bool tls, uint64_t request_ns, uint64_t pause_ns) {
  static struct bench bench;
  int tell[2];
  void *shared =
      mmap(NULL, sizeof *turns, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(shared != MAP_FAILED);
  turns = shared;
  assert_int_equal(pipe(tell), 0);
  bench.child = fork();
  assert_true(bench.child >= 0);
  if (bench.child == 0) {
    serve(tls, request_ns, pause_ns, tell[1]);
  }
  (void)close(tell[1]);
  assert_int_equal(read(tell[0], &bench.port, sizeof bench.port), sizeof bench.port);
  (void)close(tell[0]);
  *state = &bench;
  return 0;
}

static int start_plain(void **state) {
  return start(state, false, REQUEST_NS, PAUSE_NS);
}

static int start_patient(void **state) {
  return start(state, false, PATIENT_NS, PATIENT_NS);
}

static int start_tls(void **state) {
  return start(state, true, REQUEST_NS, PAUSE_NS);
}

static int stop(void **state) {
  struct bench *bench = *state;
  int status = -1;
  (void)munmap((void *)(uintptr_t)turns, sizeof *turns);
  (void)kill(bench->child, SIGTERM);
  return waitpid(bench->child, &status, 0) == bench->child && status == 0 ? 0 : -1;
}

/* ---- clients ---- */

/* From 127.0.0.`last`. */
static int connect_from(const struct bench *bench, uint8_t last) {
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000u | last)};
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons(bench->port),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int small = 4096;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
  assert_int_equal(bind(fd, (const struct sockaddr *)&own, sizeof own), 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
  return fd;
}

/* False once the server has closed. */
static bool put(int fd, const char *bytes) {
  return send(fd, bytes, strlen(bytes), MSG_NOSIGNAL) == (ssize_t)strlen(bytes);
}

/* All that comes until the server closes; the NUL counts to the size. */
static void take_all(int fd, char *out, size_t size) {
  size_t used = 0;
  ssize_t got = 1;
  while (got > 0 && used < size - 1) {
    got = read(fd, out + used, size - 1 - used);
    used += got > 0 ? (size_t)got : 0;
  }
  out[used] = '\0';
}

/* False when it is closed without an answer. */
static bool is_served(int fd, const char *client) {
  char answered[1024];
  char expected[32];
  bool asked = put(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  take_all(fd, answered, sizeof answered);
  (void)close(fd);
  if (!asked || answered[0] == '\0') {
    return false;
  }
  (void)snprintf(expected, sizeof expected, "\r\n\r\n%s 0\n", client);
  assert_int_equal(strncmp(answered, "HTTP/1.1 200 ", 13), 0);
  assert_non_null(strstr(answered, expected));
  return true;
}

static bool is_served_from(const struct bench *bench, uint8_t last) {
  char client[16];
  (void)snprintf(client, sizeof client, "127.0.0.%u", last);
  return is_served(connect_from(bench, last), client);
}

static void assert_served_from(const struct bench *bench, uint8_t last) {
  assert_true(is_served_from(bench, last));
}

static bool wait_closed(int fd, int timeout_ms) {
  struct pollfd polled = {.fd = fd, .events = POLLRDHUP};
  return poll(&polled, 1, timeout_ms) == 1;
}

struct attack {
  const char *begin;
  const char *drip;      /* NULL: silence */
  uint64_t deadline_ns;  /* 0: that of a request */
  bool others_see_plain; /* others can be asked in plain HTTP */
};

/* The connection ends at its deadline, and not before; others are served as long as it lasts. */
static void attack(const struct bench *bench, const struct attack *how) {
  uint64_t deadline_ns = how->deadline_ns > 0 ? how->deadline_ns : REQUEST_NS;
  uint64_t begin_ns = system_now_ns();
  int fd = connect_from(bench, 1);
  bool open = put(fd, how->begin);
  assert_true(open);
  for (unsigned tick = 0; open; tick++) {
    open = !wait_closed(fd, TICK_MS) && (how->drip == NULL || put(fd, how->drip));
    if (open && how->others_see_plain && tick % 8 == 0) {
      assert_served_from(bench, 2);
    }
    assert_true(system_now_ns() - begin_ns < deadline_ns + LATE_NS);
  }
  assert_true(system_now_ns() - begin_ns >= deadline_ns - 10 * PAW_NS_PER_MS);
  (void)close(fd);
}

#define POST "POST /post HTTP/1.1\r\nHost: x\r\n"

static void slow_requests_end_at_their_deadline(void **state) {
  static const struct attack attacks[] = {
      {"", NULL, 0, true},                                                /* not a byte */
      {"GET /", "x", 0, true},                                            /* the request line */
      {"GET / HTTP/1.1\r\nHost: x\r\nA: ", "x", 0, true},                 /* a field */
      {"GET / HTTP/1.1\r\nHost: x\r\n", "A: x\r\n", 0, true},             /* fields */
      {POST "Content-Length: 1000\r\n\r\n", "x", 0, true},                /* the body */
      {POST "Content-Length: 1000\r\n\r\n0123456789", NULL, 0, true},     /* less than said */
      {POST "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 0, true}, /* chunks */
      {POST "Transfer-Encoding: chunked\r\n\r\n1;", "x", 0, true},        /* an extension */
      {POST "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", NULL, 0, true}, /* no last one */
      {POST "Transfer-Encoding: chunked\r\n\r\n0\r\n", "A: x\r\n", 0, true},    /* trailers */
  };
  for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
    print_message("%zu\n", i);
    attack(*state, &attacks[i]);
  }
}

static void a_pause_is_bounded_too(void **state) {
  static const struct attack idle = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL, PAUSE_NS, true};
  attack(*state, &idle);
}

static void a_handshake_ends_at_its_deadline(void **state) {
  static const struct attack silent = {"", NULL, 0, false};
  static const struct attack record = {"\x16\x03\x01\x02", "\x01", 0, false};
  attack(*state, &silent);
  attack(*state, &record);
}

/* libmicrohttpd asks to be run again at once all the while. */
static void a_handshake_that_waits_costs_little(void **state) {
  int fd = connect_from(*state, 1);
  assert_true(put(fd, "\x16\x03\x01\x02"));
  assert_true(wait_closed(fd, 5000));
  (void)close(fd);
  assert_in_range(*turns, 1, 2 * REQUEST_NS / PAW_NS_PER_MS);
}

/* What is not read is not sent for ever: the rest of the response is missing. */
static void a_response_that_nobody_reads_is_given_up(void **state) {
  const struct bench *bench = *state;
  char piece[65536];
  size_t got = 0;
  ssize_t some = 1;
  int fd = connect_from(bench, 1);
  assert_true(put(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"));
  uint64_t begin_ns = system_now_ns();
  while (system_now_ns() - begin_ns < REQUEST_NS + 300 * PAW_NS_PER_MS) {
    assert_served_from(bench, 2);
  }
  while (some > 0) {
    some = read(fd, piece, sizeof piece);
    got += some > 0 ? (size_t)some : 0;
  }
  assert_in_range(got, 1, BIG_BYTES - 1);
  (void)close(fd);
}

static void bodies_are_cut_where_their_route_says(void **state) {
  static const struct {
    const char *path;
    unsigned len;
    const char *expected;
  } cases[] = {{"/post", 1000, " 1000\n"},
               {"/post", 1001, " too long\n"},
               {"/", 1, " too long\n"},
               {"/post", 20000000, " too long\n"}};
  static char body[1002];
  memset(body, 'x', sizeof body - 1);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[2048];
    int fd = connect_from(*state, 1);
    (void)snprintf(
        text, sizeof text,
        "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %u\r\n\r\n%.*s",
        cases[i].path, cases[i].len, cases[i].len < sizeof body ? (int)cases[i].len : 0, body);
    assert_true(put(fd, text));
    take_all(fd, text, sizeof text);
    assert_non_null(strstr(text, cases[i].expected));
    (void)close(fd);
  }
}

/* Fields without end are refused as soon as they are too many, not at the deadline. */
static void floods_of_fields_are_refused(void **state) {
  static const char *const floods[] = {"A: 0123456789012345678901234567890123456789\r\n",
                                       "01234567890123456789012345678901234567890123456789"};
  for (size_t i = 0; i < 2; i++) {
    char answered[1024];
    int fd = connect_from(*state, 1);
    size_t sent = 0;
    assert_true(put(fd, "GET / HTTP/1.1\r\nHost: x\r\nB: "));
    while (sent < 40000 && put(fd, floods[i])) {
      sent += strlen(floods[i]);
    }
    take_all(fd, answered, sizeof answered);
    assert_int_equal(strncmp(answered, "HTTP/1.1 431 ", 13), 0);
    (void)close(fd);
    assert_served_from(*state, 2);
  }
}

/* 64 of one client; another one has its own, also behind a listener for both families. */
static void one_client_cannot_take_all_connections(void **state) {
  const struct bench *bench = *state;
  int held[64];
  for (size_t i = 0; i < 64; i++) {
    held[i] = connect_from(bench, 1);
    assert_true(put(held[i], "GET / HT"));
  }
  assert_false(is_served_from(bench, 1));
  assert_served_from(bench, 2);
  for (size_t i = 0; i < 64; i++) {
    assert_false(wait_closed(held[i], 0));
    (void)close(held[i]);
  }
  /* The server may have to hear of it first. */
  uint64_t begin_ns = system_now_ns();
  while (!is_served_from(bench, 1)) {
    assert_true(system_now_ns() - begin_ns < 10 * PAW_NS_PER_S);
  }
}

/* A crowd's receivers keep their connections for a while: here none of them ends by itself. */
static void who_pauses_makes_room(void **state) {
  const struct bench *bench = *state;
  int held[64];
  for (size_t i = 0; i < 64; i++) {
    char answered[256];
    held[i] = connect_from(bench, 1);
    assert_true(put(held[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(read(held[i], answered, sizeof answered) > 0);
  }
  assert_served_from(bench, 1);
  assert_true(wait_closed(held[0], 5000)); /* the one that has paused for longest */
  assert_false(wait_closed(held[63], 0));
  for (size_t i = 0; i < 64; i++) {
    (void)close(held[i]);
  }
}

/* False once the server has closed. */
static bool drain(int fd) {
  char piece[4096];
  ssize_t got = 1;
  while (got > 0) {
    got = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
  }
  return got < 0 && errno == EAGAIN;
}

/* Requests that are all there at once leave the server no time of its own, until they are answered.
 * Somebody else is served before that. */
static void who_is_always_busy_keeps_nobody_out(void **state) {
  static const char request[] = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";
  struct pollfd polled[2] = {{.fd = connect_from(*state, 1), .events = POLLIN}, {.events = POLLIN}};
  for (size_t i = 1; i < SLOW_REQUESTS; i++) {
    assert_true(put(polled[0].fd, request));
  }
  assert_true(put(polled[0].fd, "GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  assert_int_equal(poll(polled, 1, -1), 1);
  polled[1].fd = connect_from(*state, 2);
  assert_true(put(polled[1].fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  while (polled[1].revents == 0) {
    assert_true(poll(polled, 2, -1) > 0);
    assert_true(drain(polled[0].fd));
  }
  (void)close(polled[0].fd);
  (void)close(polled[1].fd);
}

/* Its own network, of which each address is a client. */
static void a_neighbour_is_known_by_its_whole_address(void **state) {
  const struct bench *bench = *state;
  struct sockaddr_in6 to = {
      .sin6_family = AF_INET6, .sin6_port = htons(bench->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
  assert_true(is_served(fd, "::1"));
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, start_plain, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      SERVER_TEST(slow_requests_end_at_their_deadline),
      SERVER_TEST(a_pause_is_bounded_too),
      cmocka_unit_test_setup_teardown(a_handshake_ends_at_its_deadline, start_tls, stop),
      cmocka_unit_test_setup_teardown(a_handshake_that_waits_costs_little, start_tls, stop),
      SERVER_TEST(a_response_that_nobody_reads_is_given_up),
      SERVER_TEST(bodies_are_cut_where_their_route_says),
      SERVER_TEST(floods_of_fields_are_refused),
      cmocka_unit_test_setup_teardown(one_client_cannot_take_all_connections, start_patient, stop),
      cmocka_unit_test_setup_teardown(who_pauses_makes_room, start_patient, stop),
      cmocka_unit_test_setup_teardown(who_is_always_busy_keeps_nobody_out, start_patient, stop),
      SERVER_TEST(a_neighbour_is_known_by_its_whole_address),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
