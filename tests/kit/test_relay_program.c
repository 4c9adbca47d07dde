/* SPDX-License-Identifier: MIT */
/* The relay between real sockets of loopback. The environment names it: RELAY. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system.h"
#include "udp.h"

#define WAIT_MS 5000

extern char **environ;

struct got {
  struct paw_address remote;
  char text[64];
  uint64_t now_ns;
  unsigned count;
};

struct rig {
  pid_t pid;
  FILE *out; /* the relay's */
  struct paw_address relay;
  struct udp *target;
  struct udp *clients[2];
};

static struct paw_address loopback(uint16_t port) {
  struct paw_address address;
  assert_int_equal(paw_address_parse("127.0.0.1", &address), PAW_OK);
  address.port = port;
  return address;
}

static struct udp *open_socket(void) {
  struct udp *udp;
  struct fault fault;
  assert_int_equal(udp_open(&(struct udp_config){.loopback_only = true}, &udp, &fault), 0);
  return udp;
}

static void start(struct rig *rig, const char *option, const char *value) {
  char target[PAW_ADDRESS_TEXT_SIZE];
  char line[1024];
  int ends[2];
  unsigned port;
  rig->target = open_socket();
  rig->clients[0] = open_socket();
  rig->clients[1] = open_socket();
  (void)snprintf(target, sizeof target, "127.0.0.1:%u", udp_get_port(rig->target));
  const char *argv[] = {getenv("RELAY"), "--to", target, option, value, NULL};
  assert_non_null(argv[0]);
  assert_int_equal(pipe(ends), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  assert_int_equal(
      posix_spawn(&rig->pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  (void)close(ends[1]);
  rig->out = fdopen(ends[0], "r");
  assert_non_null(fgets(line, sizeof line, rig->out));
  const char *at = strstr(line, "\"listen\":");
  assert_non_null(at);
  assert_int_equal(sscanf(at, "\"listen\":%u", &port), 1);
  rig->relay = loopback((uint16_t)port);
}

/* The relay's last line. */
static void end(struct rig *rig, char *line, int size) {
  int status;
  assert_int_equal(kill(rig->pid, SIGTERM), 0);
  assert_non_null(fgets(line, size, rig->out));
  assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  (void)fclose(rig->out);
}

static void close_sockets(struct rig *rig) {
  udp_close(rig->target);
  udp_close(rig->clients[0]);
  udp_close(rig->clients[1]);
}

static void stop(struct rig *rig, char *line, int size) {
  end(rig, line, size);
  close_sockets(rig);
}

static void send_text(struct udp *udp, const struct paw_address *to, const char *text) {
  const struct paw_transmit transmit = {
      .remote = *to, .data = (const uint8_t *)text, .len = strlen(text)};
  udp_send(udp, &transmit, 1);
}

static void take(void *user_data, const struct paw_input *input) {
  struct got *got = user_data;
  assert_true(input->len < sizeof got->text);
  memcpy(got->text, input->data, input->len);
  got->text[input->len] = '\0';
  got->remote = input->remote;
  got->count++;
}

static struct got receive(struct udp *udp) {
  struct got got = {.count = 0};
  struct pollfd polled = {.fd = udp_get_fd(udp, PAW_FAMILY_IPV4), .events = POLLIN};
  assert_int_equal(poll(&polled, 1, WAIT_MS), 1);
  got.now_ns = system_now_ns();
  udp_receive(udp, polled.fd, got.now_ns, take, &got);
  assert_int_equal(got.count, 1);
  return got;
}

static void clients_are_apart(void **state) {
  (void)state;
  struct rig rig;
  char line[2048];
  start(&rig, "--seed", "3");
  send_text(rig.clients[0], &rig.relay, "from first");
  struct got first = receive(rig.target);
  assert_string_equal(first.text, "from first");
  send_text(rig.clients[1], &rig.relay, "from second");
  struct got second = receive(rig.target);
  assert_string_equal(second.text, "from second");
  assert_false(paw_address_equal(&first.remote, &second.remote));

  send_text(rig.target, &first.remote, "to first");
  struct got got = receive(rig.clients[0]);
  assert_string_equal(got.text, "to first");
  assert_true(paw_address_equal(&got.remote, &rig.relay));
  send_text(rig.target, &second.remote, "to second");
  assert_string_equal(receive(rig.clients[1]).text, "to second");

  /* A stranger on the relay's own socket upstream is not heard. */
  send_text(rig.clients[0], &second.remote, "by the back door");
  send_text(rig.target, &second.remote, "again");
  assert_string_equal(receive(rig.clients[1]).text, "again");

  stop(&rig, line, sizeof line);
  assert_non_null(strstr(line, "\"seed\":3"));
  assert_non_null(strstr(line, "\"up\":{\"received\":1,\"received_bytes\":10,"));
  assert_non_null(strstr(line, "\"down\":{\"received\":2,\"received_bytes\":14,"));
  assert_int_equal(line[strlen(line) - 1], '\n');
}

static void delays_each_way(void **state) {
  (void)state;
  struct rig rig;
  char line[2048];
  start(&rig, "--delay-ms", "30");
  uint64_t begin_ns = system_now_ns();
  send_text(rig.clients[0], &rig.relay, "there");
  struct got got = receive(rig.target);
  send_text(rig.target, &got.remote, "and back");
  got = receive(rig.clients[0]);
  assert_true(got.now_ns - begin_ns >= 60 * PAW_NS_PER_MS);
  stop(&rig, line, sizeof line);
}

static unsigned long long number_after(const char *text, const char *name) {
  unsigned long long value;
  const char *at = strstr(text, name);
  assert_non_null(at);
  assert_int_equal(sscanf(at + strlen(name), "%llu", &value), 1);
  return value;
}

static void count(void *user_data, const struct paw_input *input) {
  (void)input;
  (*(unsigned long long *)user_data)++;
}

/* What arrived and what was lost is what was sent. */
static void counts_what_it_loses(void **state) {
  (void)state;
  struct rig rig;
  char line[2048];
  unsigned long long sent = 0;
  unsigned long long arrived = 0;
  unsigned in_vain = 0;
  start(&rig, "--loss", "50");
  struct pollfd polled = {.fd = udp_get_fd(rig.target, PAW_FAMILY_IPV4), .events = POLLIN};
  /* Luck is the same for 1 ms: several good and bad ones. */
  while (in_vain < 10 || arrived < 10) {
    send_text(rig.clients[0], &rig.relay, "x");
    sent++;
    if (poll(&polled, 1, 2) == 1) {
      udp_receive(rig.target, polled.fd, system_now_ns(), count, &arrived);
    } else {
      in_vain++;
    }
    assert_true(sent < 100000);
  }
  end(&rig, line, sizeof line);
  udp_receive(rig.target, polled.fd, system_now_ns(), count, &arrived);
  unsigned long long lost = number_after(line, "\"lost\":");
  assert_int_equal(number_after(line, "\"received\":"), sent);
  assert_int_equal(number_after(line, "\"passed\":"), arrived);
  assert_int_equal(lost, sent - arrived);
  assert_true(lost > 0);
  close_sockets(&rig);
}

/* Also what it had no time to look at before it was told to end. */
static void what_has_come_goes_on_before_the_end(void **state) {
  (void)state;
  struct rig rig;
  char line[2048];
  unsigned long long arrived = 0;
  start(&rig, "--seed", "3");
  send_text(rig.clients[0], &rig.relay, "hello");
  (void)receive(rig.target);
  assert_int_equal(kill(rig.pid, SIGSTOP), 0);
  send_text(rig.clients[0], &rig.relay, "x");
  send_text(rig.clients[1], &rig.relay, "x");
  assert_int_equal(kill(rig.pid, SIGTERM), 0);
  assert_int_equal(kill(rig.pid, SIGCONT), 0);
  end(&rig, line, sizeof line);
  udp_receive(rig.target, udp_get_fd(rig.target, PAW_FAMILY_IPV4), system_now_ns(), count,
              &arrived);
  assert_int_equal(arrived, 2);
  assert_int_equal(number_after(line, "\"received\":"), 2);
  close_sockets(&rig);
}

static int run(const char *option, const char *value) {
  const char *argv[] = {getenv("RELAY"), option, value, NULL};
  pid_t pid;
  int status;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  assert_int_equal(
      posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void refuses_bad_options(void **state) {
  (void)state;
  assert_int_equal(run("--to", "nowhere"), EXIT_FAILURE);
  assert_int_equal(run("--seed", "1"), EXIT_FAILURE);
  assert_int_equal(run("--to=127.0.0.1:9", "--loss=90"), EXIT_FAILURE);
  assert_int_equal(run("--to=127.0.0.1:9", "--blackout=1,2"), EXIT_FAILURE);
  assert_int_equal(run("--to=127.0.0.1:9", "--listen=192.0.2.1:9"), EXIT_FAILURE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clients_are_apart),
      cmocka_unit_test(delays_each_way),
      cmocka_unit_test(counts_what_it_loses),
      cmocka_unit_test(what_has_come_goes_on_before_the_end),
      cmocka_unit_test(refuses_bad_options),
  };
  return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
