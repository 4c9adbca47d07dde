/* SPDX-License-Identifier: MIT */
/* A path that is as bad as told, on real sockets: see --help. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/relay.h"
#include "loop.h"
#include "options.h"
#include "system.h"
#include "udp.h"

static const char *const trace_names[] = {"none", "quiet", "bunched", "busy", "spikes", NULL};

struct program {
  struct relay *relay;
  struct loop *loop;
  struct loop_timer due;
  struct loop_timer stats;
  uint64_t stats_ns; /* 0: at the end only */
  uint64_t start_ns;
  uint64_t seed;
  struct paw_address target;
  struct udp *listening;
  struct udp *upstream[RELAY_CLIENTS_MAX];
  uint64_t turned_away; /* datagrams of clients that there was no room for */
};

/* ---- options ---- */

struct settings {
  const char *listen_text;
  const char *target_text;
  struct paw_address listen;
  struct paw_address target;
  int64_t seed;
  double delay_ms;
  double jitter_ms;
  double loss_percent;
  double burst_ms;
  double reorder_percent;
  const char *blackout_text;
  int trace;
  double stats_s;
  struct relay_weather_config weather;
};

#define OPTIONS_MAX 16
/* Whoever waits longer has gone. */
#define DELAY_MAX_MS 10000

static size_t make_options(struct settings *s, struct option *out) {
  const struct option options[] = {
      {.name = "listen",
       .kind = OPTION_TEXT,
       .target = &s->listen_text,
       .value_name = "ADDR:PORT",
       .help = "where clients send to: an address of loopback, or 0.0.0.0 or [::] for all; port 0 "
               "= any free (127.0.0.1:0)"},
      {.name = "to",
       .kind = OPTION_TEXT,
       .target = &s->target_text,
       .value_name = "ADDR:PORT",
       .help = "where it goes on to"},
      {.name = "seed",
       .kind = OPTION_NUMBER,
       .target = &s->seed,
       .value_name = "N",
       .maximum = 1000000,
       .help = "repeats a run (1)"},
      {.name = "delay-ms",
       .kind = OPTION_DECIMAL,
       .target = &s->delay_ms,
       .value_name = "MS",
       .maximum = DELAY_MAX_MS,
       .help = "of each direction (0)"},
      {.name = "jitter-ms",
       .kind = OPTION_DECIMAL,
       .target = &s->jitter_ms,
       .value_name = "MS",
       .maximum = DELAY_MAX_MS,
       .help = "up to so much more, in order (0)"},
      {.name = "loss",
       .kind = OPTION_DECIMAL,
       .target = &s->loss_percent,
       .value_name = "PERCENT",
       .maximum = 100 * RELAY_LOSS_MAX,
       .help = "lost on average, each direction (0)"},
      {.name = "burst-ms",
       .kind = OPTION_DECIMAL,
       .target = &s->burst_ms,
       .value_name = "MS",
       .maximum = DELAY_MAX_MS,
       .help = "mean length of the times in which 90 % are lost, between those in which 1 % is; 0 "
               "= each for itself (0)"},
      {.name = "reorder",
       .kind = OPTION_DECIMAL,
       .target = &s->reorder_percent,
       .value_name = "PERCENT",
       .maximum = 100,
       .help = "held back by 25 ms while others pass (0)"},
      {.name = "blackout",
       .kind = OPTION_TEXT,
       .target = &s->blackout_text,
       .value_name = "EVERY,FOR",
       .help = "seconds: nothing passes for the last FOR of each EVERY"},
      {.name = "trace",
       .kind = OPTION_CHOICE,
       .target = &s->trace,
       .choices = trace_names,
       .help = "a shape of delay on top (none)"},
      {.name = "stats",
       .kind = OPTION_DECIMAL,
       .target = &s->stats_s,
       .value_name = "SECONDS",
       .minimum = 0.1,
       .maximum = 86400,
       .help = "print what was done so often, not only at the end"},
      {.name = "help", .kind = OPTION_HELP, .help = "this text"},
  };
  _Static_assert(sizeof options / sizeof options[0] <= OPTIONS_MAX, "room for every option");
  memcpy(out, options, sizeof options);
  return sizeof options / sizeof options[0];
}

static struct option_table make_table(const struct option *options, size_t count) {
  return (struct option_table){
      .program = "relay",
      .usage = "--to ADDR:PORT [options]",
      .about =
          "Passes datagrams on between any number of clients and one target, and does to them "
          "what a\nbad network does. What happens at one time happens to all clients alike. "
          "Prints, as JSON,\nwhere it listens, and at the end what it has done.",
      .options = options,
      .option_count = count};
}

static uint64_t ns_of_ms(double ms) {
  return (uint64_t)(ms * PAW_NS_PER_MS);
}

static int read_blackout(struct settings *settings, struct fault *fault) {
  if (settings->blackout_text == NULL) {
    return 0;
  }
  double every_s, for_s;
  char rest;
  if (sscanf(settings->blackout_text, "%lf,%lf%c", &every_s, &for_s, &rest) != 2 ||
      !(for_s > 0 && for_s < every_s && every_s <= 86400)) {
    return fault_set(fault, "--blackout %s: give EVERY,FOR in seconds, as 10,0.5",
                     settings->blackout_text);
  }
  settings->weather.blackout_every_ns = ns_of_ms(1000 * every_s);
  settings->weather.blackout_for_ns = ns_of_ms(1000 * for_s);
  return 0;
}

static bool is_any(const struct paw_address *address) {
  static const uint8_t none[sizeof address->ip];
  return memcmp(address->ip, none, sizeof none) == 0;
}

static int complete(struct settings *settings, struct fault *fault) {
  if (paw_address_parse(settings->listen_text, &settings->listen) != PAW_OK ||
      !(paw_address_is_loopback(&settings->listen) || is_any(&settings->listen))) {
    return fault_set(fault, "--listen %s: give ADDR:PORT with an address of loopback, or of none",
                     settings->listen_text);
  }
  if (settings->target_text == NULL ||
      paw_address_parse(settings->target_text, &settings->target) != PAW_OK ||
      settings->target.port == 0) {
    return fault_set(fault, "--to ADDR:PORT is missing, or not a numeric address with a port");
  }
  settings->weather = (struct relay_weather_config){.delay_ns = ns_of_ms(settings->delay_ms),
                                                    .jitter_ns = ns_of_ms(settings->jitter_ms),
                                                    .loss = settings->loss_percent / 100,
                                                    .burst_ns = ns_of_ms(settings->burst_ms),
                                                    .reorder = settings->reorder_percent / 100,
                                                    .trace = (enum relay_trace)settings->trace};
  return read_blackout(settings, fault);
}

static enum options_verdict read_settings(struct settings *settings, int argc, char **argv,
                                          struct fault *fault) {
  struct option options[OPTIONS_MAX];
  struct option_rest rest = {.count = 0};
  *settings = (struct settings){.listen_text = "127.0.0.1:0", .seed = 1};
  struct option_table table = make_table(options, make_options(settings, options));
  enum options_verdict verdict = options_parse(&table, argc, argv, &rest, fault);
  if (verdict == OPTIONS_WANT_HELP) {
    options_write_help(&table, stdout);
  }
  if (verdict != OPTIONS_OK) {
    return verdict;
  }
  if (rest.count > 0) {
    (void)fault_set(fault, "%s: not an option", rest.values[0]);
    return OPTIONS_BAD;
  }
  return complete(settings, fault) == 0 ? OPTIONS_OK : OPTIONS_BAD;
}

/* ---- what was done ---- */

static void print_counts(const char *name, const struct relay_counts *counts) {
  const struct {
    const char *name;
    uint64_t value;
  } fields[] = {
      {"received", counts->received},
      {"received_bytes", counts->received_bytes},
      {"received_rtp", counts->received_rtp},
      {"first_rtp", counts->first_rtp},
      {"first_rtp_lost", counts->first_rtp_lost},
      {"passed", counts->passed},
      {"passed_rtp", counts->passed_rtp},
      {"lost", counts->lost},
      {"blacked_out", counts->blacked_out},
      {"overflowed", counts->overflowed},
      {"reordered", counts->reordered},
  };
  (void)printf(",\"%s\":", name);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    (void)printf("%c\"%s\":%" PRIu64, i == 0 ? '{' : ',', fields[i].name, fields[i].value);
  }
  (void)printf("}");
}

static void print_object(const struct program *program, uint64_t now_ns) {
  (void)printf("{\"t_s\":%.3f,\"listen\":%u,\"seed\":%" PRIu64 ",\"turned_away\":%" PRIu64
               ",\"clients\":[",
               (double)(now_ns - program->start_ns) / PAW_NS_PER_S,
               udp_get_port(program->listening), program->seed, program->turned_away);
  for (size_t i = 0; i < relay_count_clients(program->relay); i++) {
    const struct relay_client *client = relay_get_client(program->relay, i);
    char text[PAW_ADDRESS_TEXT_SIZE];
    paw_address_format(&client->address, text);
    (void)printf("%s{\"address\":\"%s\",\"upstream\":%u", i > 0 ? "," : "", text,
                 udp_get_port(program->upstream[i]));
    print_counts("up", &client->counts[RELAY_UP]);
    print_counts("down", &client->counts[RELAY_DOWN]);
    (void)printf("}");
  }
  (void)printf("]}\n");
  (void)fflush(stdout);
}

static void print_again(void *user_data, uint64_t now_ns) {
  struct program *program = user_data;
  print_object(program, now_ns);
  loop_timer_set(&program->stats, now_ns + program->stats_ns);
}

/* ---- datagrams ---- */

static uint64_t arrival_of(const struct paw_input *input) {
  return input->arrival_ns != 0 ? input->arrival_ns : input->now_ns;
}

static void pass_on(void *user_data, uint64_t now_ns) {
  struct program *program = user_data;
  struct relay_parcel parcel;
  while (relay_take(program->relay, now_ns, &parcel)) {
    bool up = parcel.direction == RELAY_UP;
    const struct relay_client *client = relay_get_client(program->relay, parcel.client);
    const struct paw_transmit transmit = {
        .remote = up ? program->target : client->address, .data = parcel.data, .len = parcel.len};
    udp_send(up ? program->upstream[parcel.client] : program->listening, &transmit, 1);
  }
  loop_timer_set(&program->due, relay_next_ns(program->relay));
}

struct upstream_turn {
  struct program *program;
  size_t client;
};

/* The target alone is listened to. */
static void from_target(void *user_data, const struct paw_input *input) {
  const struct upstream_turn *turn = user_data;
  if (paw_address_equal(&input->remote, &turn->program->target)) {
    relay_put(turn->program->relay, RELAY_DOWN, turn->client, input->data, input->len,
              arrival_of(input));
  }
}

static void upstream_ready(void *user_data, int fd, short ready) {
  struct program *program = user_data;
  (void)ready;
  for (size_t i = 0; i < relay_count_clients(program->relay); i++) {
    if (udp_get_fd(program->upstream[i], (enum paw_family)program->target.family) == fd) {
      struct upstream_turn turn = {.program = program, .client = i};
      udp_receive(program->upstream[i], fd, system_now_ns(), from_target, &turn);
    }
  }
}

static int open_upstream(struct program *program, size_t client, struct fault *fault) {
  const struct udp_config config = {.loopback_only = paw_address_is_loopback(&program->target)};
  struct udp **udp = &program->upstream[client];
  if (udp_open(&config, udp, fault) != 0) {
    return -1;
  }
  int fd = udp_get_fd(*udp, (enum paw_family)program->target.family);
  return fd < 0 ? fault_set(fault, "no socket of the target's family")
                : loop_watch(program->loop, fd, POLLIN, upstream_ready, program);
}

static void from_client(void *user_data, const struct paw_input *input) {
  struct program *program = user_data;
  size_t client;
  if (!relay_find_client(program->relay, &input->remote, &client)) {
    program->turned_away++;
    return;
  }
  struct fault fault;
  if (program->upstream[client] == NULL && open_upstream(program, client, &fault) != 0) {
    (void)fprintf(stderr, "relay: %s\n", fault.text);
    exit(EXIT_FAILURE);
  }
  relay_put(program->relay, RELAY_UP, client, input->data, input->len, arrival_of(input));
}

static void listening_ready(void *user_data, int fd, short ready) {
  struct program *program = user_data;
  (void)ready;
  udp_receive(program->listening, fd, system_now_ns(), from_client, program);
}

/* ---- the program ---- */

static void signalled(void *user_data, int number) {
  struct program *program = user_data;
  (void)number;
  loop_stop(program->loop);
}

static int open_program(struct program *program, const struct settings *settings,
                        struct fault *fault) {
  const struct udp_config udp = {.port = settings->listen.port,
                                 .loopback_only = paw_address_is_loopback(&settings->listen)};
  const struct relay_config relay = {.target = settings->target,
                                     .weather = settings->weather,
                                     .seed = (uint64_t)settings->seed,
                                     .start_ns = system_now_ns()};
  *program = (struct program){.target = settings->target,
                              .seed = relay.seed,
                              .start_ns = relay.start_ns,
                              .stats_ns = ns_of_ms(1000 * settings->stats_s)};
  program->relay = relay_new(&relay);
  if (loop_new(&program->loop, fault) != 0 || udp_open(&udp, &program->listening, fault) != 0 ||
      loop_catch_signals(program->loop, signalled, program, fault) != 0) {
    return -1;
  }
  loop_timer_init(program->loop, &program->due, pass_on, program);
  loop_timer_init(program->loop, &program->stats, print_again, program);
  loop_set_idle(program->loop, pass_on, program);
  for (enum paw_family family = PAW_FAMILY_IPV4; family <= PAW_FAMILY_IPV6; family += 2) {
    int fd = udp_get_fd(program->listening, family);
    if (fd >= 0 && loop_watch(program->loop, fd, POLLIN, listening_ready, program) != 0) {
      return fault_set(fault, "too many sockets");
    }
  }
  return 0;
}

/* What had come when the signal did. */
static void finish(struct program *program) {
  for (enum paw_family family = PAW_FAMILY_IPV4; family <= PAW_FAMILY_IPV6; family += 2) {
    int fd = udp_get_fd(program->listening, family);
    if (fd >= 0) {
      listening_ready(program, fd, POLLIN);
    }
  }
  for (size_t i = 0; i < relay_count_clients(program->relay); i++) {
    upstream_ready(
        program, udp_get_fd(program->upstream[i], (enum paw_family)program->target.family), POLLIN);
  }
  pass_on(program, system_now_ns());
  print_object(program, system_now_ns());
}

static void close_program(struct program *program) {
  for (size_t i = 0; i < RELAY_CLIENTS_MAX; i++) {
    udp_close(program->upstream[i]);
  }
  udp_close(program->listening);
  loop_timer_wipe(program->loop, &program->stats);
  loop_timer_wipe(program->loop, &program->due);
  loop_free(program->loop);
  relay_free(program->relay);
}

int main(int argc, char **argv) {
  struct settings settings;
  struct program program;
  struct fault fault = {.text = ""};
  system_fill_standard_files();
  enum options_verdict verdict = read_settings(&settings, argc, argv, &fault);
  if (verdict == OPTIONS_WANT_HELP) {
    return 0;
  }
  if (verdict != OPTIONS_OK || open_program(&program, &settings, &fault) != 0) {
    (void)fprintf(stderr, "relay: %s\n", fault.text);
    return EXIT_FAILURE;
  }
  print_object(&program, program.start_ns);
  if (program.stats_ns > 0) {
    loop_timer_set(&program.stats, program.start_ns + program.stats_ns);
  }
  int status = loop_run(program.loop, &fault);
  finish(&program);
  close_program(&program);
  if (status != 0) {
    (void)fprintf(stderr, "relay: %s\n", fault.text);
    return EXIT_FAILURE;
  }
  return 0;
}
