/* SPDX-License-Identifier: MIT */
#include "bench/fanout/receivers.h"

#include <stdio.h>
#include <stdlib.h>

#include "system.h"

/* Deadlines are looked through at most so often: with a thousand that costs some microseconds. */
#define LOOK_NS PAW_NS_PER_MS

static void check(int status, const char *what) {
  if (status != PAW_OK) {
    (void)fprintf(stderr, "%s: %s\n", what, paw_strerror(status));
    exit(1);
  }
}

void receivers_init(struct receivers *receivers, struct sockets *sockets, size_t count) {
  struct paw_allocator heap = {0};
  struct paw_rng rng = system_rng();
  *receivers = (struct receivers){.sockets = sockets,
                                  .count = count,
                                  .rtcs = calloc(count, sizeof receivers->rtcs[0]),
                                  .deadlines_ns = calloc(count, sizeof receivers->deadlines_ns[0]),
                                  .earliest_ns = PAW_TIME_NEVER};
  if (receivers->rtcs == NULL || receivers->deadlines_ns == NULL) {
    check(PAW_ERR_NO_MEMORY, "receivers");
  }
  check(paw_certificate_generate(&rng, &heap, &receivers->certificate), "certificate");
}

void receivers_wipe(struct receivers *receivers) {
  for (size_t i = 0; i < receivers->count; i++) {
    paw_rtc_free(receivers->rtcs[i]);
  }
  paw_certificate_free(receivers->certificate);
  free(receivers->rtcs);
  free(receivers->deadlines_ns);
}

struct paw_rtc *receivers_make(struct receivers *receivers, size_t index, uint64_t now_ns) {
  struct paw_rtc_config config;
  paw_rtc_config_init(&config);
  config.certificate = receivers->certificate;
  config.rng = system_rng();
  config.wall = system_wall_anchor();
  config.ice_mode = PAW_ICE_LITE;
  config.audio.direction = PAW_DIRECTION_RECVONLY;
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST,
                                    .address = receivers->sockets->locals[index]};
  check(paw_rtc_new(&config, now_ns, &receivers->rtcs[index]), "connection");
  check(paw_rtc_add_local_candidate(receivers->rtcs[index], &candidate), "candidate");
  return receivers->rtcs[index];
}

void receivers_drain(struct receivers *receivers, size_t index, uint64_t now_ns) {
  struct paw_rtc_output output;
  do {
    paw_rtc_poll_output(receivers->rtcs[index], &output);
    if (output.kind == PAW_OUTPUT_TRANSMIT) {
      sockets_send(receivers->sockets, index, &output.transmit);
    } else if (output.kind == PAW_OUTPUT_EVENT) {
      receivers->event(receivers->user_data, index, now_ns, &output.event);
    }
  } while (output.kind != PAW_OUTPUT_TIMEOUT);
  uint64_t deadline_ns = output.timeout.deadline_ns;
  receivers->deadlines_ns[index] = deadline_ns;
  if (deadline_ns < receivers->earliest_ns) {
    receivers->earliest_ns = deadline_ns;
  }
}

void receivers_handle_input(struct receivers *receivers, size_t index,
                            const struct paw_input *input) {
  if (receivers->rtcs[index] != NULL) {
    (void)paw_rtc_handle_input(receivers->rtcs[index], input);
    receivers_drain(receivers, index, input->now_ns);
  }
}

uint64_t receivers_pass_time(struct receivers *receivers, uint64_t now_ns) {
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns};
  if (now_ns < receivers->earliest_ns) {
    return receivers->earliest_ns;
  }
  receivers->earliest_ns = PAW_TIME_NEVER;
  for (size_t i = 0; i < receivers->count; i++) {
    if (receivers->rtcs[i] != NULL && receivers->deadlines_ns[i] <= now_ns) {
      receivers_handle_input(receivers, i, &time);
    } else if (receivers->rtcs[i] != NULL && receivers->deadlines_ns[i] < receivers->earliest_ns) {
      receivers->earliest_ns = receivers->deadlines_ns[i];
    }
  }
  if (receivers->earliest_ns < now_ns + LOOK_NS) {
    receivers->earliest_ns = now_ns + LOOK_NS;
  }
  return receivers->earliest_ns;
}
