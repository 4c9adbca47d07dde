/* SPDX-License-Identifier: MIT */
#include "bench/peers/near.h"

#include <string.h>

#include "system.h"

#define ANSWER_MAX 8192

void near_init(struct near *near, int wire, const struct paw_address *address, size_t peers_max,
               uint64_t now_ns) {
  *near = (struct near){.wire = wire, .address = *address};
  struct paw_rng rng = system_rng();
  struct paw_allocator plain = {0};
  struct paw_hub_config config;
  paw_hub_config_init(&config);
  config.max_peers = (uint32_t)peers_max;
  if (paw_certificate_generate(&rng, &plain, &near->certificate) != PAW_OK ||
      paw_hub_new(&config, now_ns, &near->hub) != PAW_OK ||
      paw_hub_track_new(near->hub, &near->track) != PAW_OK) {
    wire_die("the hub cannot be made");
  }
}

void near_wipe(struct near *near) {
  paw_hub_free(near->hub);
  paw_certificate_free(near->certificate);
}

/* As pa-send does it. */
static struct paw_rtc *answer(const struct near *near, uint64_t now_ns,
                              const struct wire_message *offer, char *text, size_t *len) {
  struct paw_rtc_config config;
  paw_rtc_config_init(&config);
  config.certificate = near->certificate;
  config.rng = system_rng();
  config.wall = system_wall_anchor();
  config.audio.direction = PAW_DIRECTION_SENDONLY;
  config.audio.ptime_ms = 20;
  const struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = near->address};
  struct paw_rtc *rtc = NULL;
  if (paw_rtc_new(&config, now_ns, &rtc) != PAW_OK ||
      paw_rtc_add_local_candidate(rtc, &candidate) != PAW_OK ||
      paw_rtc_accept_offer(rtc, now_ns, (const char *)offer->data, offer->len, text, len) !=
          PAW_OK) {
    wire_die("the offer of receiver %u is not taken", offer->peer);
  }
  return rtc;
}

void near_join(struct near *near, size_t index, uint64_t now_ns) {
  char text[ANSWER_MAX];
  size_t len = sizeof text;
  paw_hub_peer name = 0;
  wire_send(near->wire, WIRE_JOIN, (uint32_t)index, now_ns, &near->address, sizeof near->address);
  struct paw_rtc *rtc = answer(near, now_ns, wire_expect(near->wire), text, &len);
  if (paw_hub_add(near->hub, rtc, &name) != PAW_OK ||
      paw_hub_subscribe(near->hub, name, near->track) != PAW_OK) {
    wire_die("receiver %zu cannot be added", index);
  }
  wire_send(near->wire, WIRE_ANSWER, (uint32_t)index, now_ns, text, len);
}

void near_take_events(struct near *near) {
  paw_hub_peer name = 0;
  struct paw_rtc_event event;
  while (paw_hub_poll_event(near->hub, &name, &event)) {
    if (event.kind == PAW_RTC_EVENT_CONNECTED) {
      near->connected++;
    } else if (event.kind == PAW_RTC_EVENT_CLOSED) {
      wire_die("a peer of the hub: %s", paw_close_reason_text(event.reason));
    }
  }
}

struct wire_figures near_ask(const struct near *near) {
  struct wire_figures figures;
  wire_send(near->wire, WIRE_ASK, 0, 0, NULL, 0);
  memcpy(&figures, wire_expect(near->wire)->data, sizeof figures);
  return figures;
}
