/* SPDX-License-Identifier: MIT */
#include "duo.h"

static const char *const first_addresses[2] = {"192.0.2.1:8443", "192.0.2.2:40000"};

struct paw_address duo_address(const char *text) {
  struct paw_address address = {0};
  assert_int_equal(paw_address_parse(text, &address), PAW_OK);
  return address;
}

void duo_sync(struct duo *duo, int side) {
  struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = duo->clock.now_ns};
  duo->sides[side].fed_ns = duo->clock.now_ns;
  assert_int_equal(paw_ice_handle_input(duo->sides[side].ice, &input), PAW_OK);
}

void duo_remove_address(struct duo *duo, int side, size_t index) {
  struct duo_side *it = &duo->sides[side];
  struct paw_address gone = it->addresses[index];
  duo_sync(duo, side);
  assert_int_equal(paw_ice_remove_local_candidate(it->ice, &gone), PAW_OK);
  it->addresses[index] = (struct paw_address){0};
}

void duo_add_address(struct duo *duo, int side, const char *text) {
  duo_sync(duo, side);
  struct duo_side *it = &duo->sides[side];
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = duo_address(text)};
  assert_true(it->address_count < DUO_ADDRESSES_MAX);
  assert_int_equal(paw_ice_add_local_candidate(it->ice, &candidate), PAW_OK);
  it->addresses[it->address_count++] = candidate.address;
}

void duo_init(struct duo *duo, const struct duo_config *config) {
  memset(duo, 0, sizeof *duo);
  kit_clock_init(&duo->clock);
  kit_log_init(&duo->log);
  duo->start_ns = duo->clock.now_ns;
  duo->net = kit_net_new(config->seed, &config->link);
  for (int side = 0; side < 2; side++) {
    struct duo_side *it = &duo->sides[side];
    kit_rng_init(&it->rng, config->seed * 2 + (uint64_t)side);
    struct paw_ice_config ice_config;
    paw_ice_config_init(&ice_config);
    ice_config.mode = config->modes[side];
    ice_config.role = config->roles[side];
    ice_config.rng = kit_rng_hook(&it->rng);
    ice_config.log = kit_log_hook(&duo->log);
    ice_config.allocator = kit_allocator_hook(&it->memory);
    assert_int_equal(paw_ice_new(&ice_config, duo->clock.now_ns, &it->ice), PAW_OK);
    it->deadline_ns = PAW_TIME_NEVER;
    duo_add_address(duo, side, first_addresses[side]);
  }
}

void duo_wipe(struct duo *duo) {
  for (int side = 0; side < 2; side++) {
    paw_ice_free(duo->sides[side].ice);
    assert_int_equal(duo->sides[side].memory.outstanding_bytes, 0);
  }
  kit_net_free(duo->net);
}

void duo_tell_credentials(struct duo *duo, int to) {
  struct paw_ice *other = duo->sides[1 - to].ice;
  duo_sync(duo, to);
  bool lite = paw_ice_get_mode(other) == PAW_ICE_LITE;
  assert_int_equal(paw_ice_set_remote(duo->sides[to].ice, paw_ice_get_credentials(other), lite),
                   PAW_OK);
}

void duo_tell_candidates(struct duo *duo, int to) {
  struct paw_candidate candidates[PAW_DESCRIPTION_CANDIDATES_MAX];
  size_t count = paw_ice_get_local_candidates(duo->sides[1 - to].ice, candidates,
                                              PAW_DESCRIPTION_CANDIDATES_MAX);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(paw_ice_add_remote_candidate(duo->sides[to].ice, &candidates[i]), PAW_OK);
  }
}

void duo_negotiate(struct duo *duo) {
  for (int side = 0; side < 2; side++) {
    duo_tell_credentials(duo, side);
    duo_tell_candidates(duo, side);
  }
}

static void take_state(struct duo_side *it, const struct paw_ice_event *event, uint64_t now_ns) {
  enum paw_ice_state state = event->state;
  it->state_events++;
  it->reason = event->reason;
  if (state == PAW_ICE_STATE_CONNECTED && it->connected_ns == 0) {
    it->connected_ns = now_ns;
  } else if (state == PAW_ICE_STATE_DISCONNECTED && it->disconnected_ns == 0) {
    it->disconnected_ns = now_ns;
  } else if (state == PAW_ICE_STATE_FAILED && it->failed_ns == 0) {
    it->failed_ns = now_ns;
  }
}

static void take_event(struct duo_side *it, const struct paw_ice_event *event, uint64_t now_ns) {
  switch (event->kind) {
  case PAW_ICE_EVENT_STATE:
    take_state(it, event, now_ns);
    return;
  case PAW_ICE_EVENT_VALID_PAIR:
    it->valid_events++;
    it->valid_local = event->local;
    it->valid_remote = event->remote;
    return;
  case PAW_ICE_EVENT_SELECTED_PAIR:
    it->selected_events++;
    it->selected_ns = now_ns;
    it->local = event->local;
    it->remote = event->remote;
    return;
  }
}

static void take_transmit(struct duo *duo, struct duo_side *it,
                          const struct paw_transmit *transmit) {
  it->transmits++;
  it->last = *transmit;
  assert_true(transmit->len <= sizeof it->last_data);
  memcpy(it->last_data, transmit->data, transmit->len);
  it->last_len = transmit->len;
  kit_net_send(duo->net, &transmit->local, &transmit->remote, transmit->data, transmit->len,
               duo->clock.now_ns);
}

void duo_drain(struct duo *duo, int side) {
  struct duo_side *it = &duo->sides[side];
  struct paw_ice_output output;
  for (int outputs = 0; outputs < 1000; outputs++) {
    paw_ice_poll_output(it->ice, &output);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT:
      take_transmit(duo, it, &output.transmit);
      break;
    case PAW_OUTPUT_EVENT:
      take_event(it, &output.event, duo->clock.now_ns);
      break;
    case PAW_OUTPUT_TIMEOUT:
      assert_true(output.timeout.deadline_ns > it->fed_ns);
      it->deadline_ns = output.timeout.deadline_ns;
      return;
    }
  }
  fail_msg("polling does not end");
}

static int owner_of(const struct duo *duo, const struct paw_address *address) {
  for (int side = 0; side < 2; side++) {
    for (size_t i = 0; i < duo->sides[side].address_count; i++) {
      if (paw_address_equal(&duo->sides[side].addresses[i], address)) {
        return side;
      }
    }
  }
  return -1;
}

static void deliver_all(struct duo *duo) {
  struct kit_datagram datagram;
  while (kit_net_deliver(duo->net, duo->clock.now_ns, &datagram)) {
    int side = owner_of(duo, &datagram.to);
    if (side < 0) {
      continue;
    }
    struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                              .now_ns = duo->clock.now_ns,
                              .arrival_ns = datagram.arrival_ns,
                              .local = datagram.to,
                              .remote = datagram.from,
                              .data = datagram.data,
                              .len = datagram.len};
    duo->sides[side].fed_ns = duo->clock.now_ns;
    int status = paw_ice_handle_input(duo->sides[side].ice, &input);
    assert_true(status == PAW_OK ||
                paw_ice_get_state(duo->sides[side].ice) == PAW_ICE_STATE_CLOSED);
  }
}

static uint64_t next_ns(const struct duo *duo) {
  uint64_t next = kit_net_next_ns(duo->net);
  for (int side = 0; side < 2; side++) {
    next = duo->sides[side].deadline_ns < next ? duo->sides[side].deadline_ns : next;
  }
  return next;
}

static void wake(struct duo *duo, int side) {
  struct duo_side *it = &duo->sides[side];
  if (it->deadline_ns <= duo->clock.now_ns) {
    it->wake_ups++;
    duo_sync(duo, side);
  }
}

/* To the next thing that happens, or to `until_ns`; false when that is reached. */
static bool step(struct duo *duo, uint64_t until_ns) {
  duo_drain(duo, 0);
  duo_drain(duo, 1);
  uint64_t next = next_ns(duo);
  bool more = next <= until_ns;
  kit_clock_advance_to(&duo->clock, more ? next : until_ns);
  deliver_all(duo);
  wake(duo, 0);
  wake(duo, 1);
  return more;
}

void duo_run_ms(struct duo *duo, uint64_t ms) {
  uint64_t until_ns = duo->clock.now_ns + ms * PAW_NS_PER_MS;
  while (step(duo, until_ns)) {
  }
  duo_drain(duo, 0);
  duo_drain(duo, 1);
}

bool duo_run_connected(struct duo *duo, uint64_t ms) {
  uint64_t until_ns = duo->clock.now_ns + ms * PAW_NS_PER_MS;
  bool more = true;
  while (more && (duo->sides[0].connected_ns == 0 || duo->sides[1].connected_ns == 0)) {
    more = step(duo, until_ns);
  }
  return duo->sides[0].connected_ns != 0 && duo->sides[1].connected_ns != 0;
}

uint64_t duo_connected_ms(const struct duo *duo) {
  uint64_t first_ns = duo->sides[0].connected_ns;
  uint64_t second_ns = duo->sides[1].connected_ns;
  return ((first_ns > second_ns ? first_ns : second_ns) - duo->start_ns) / PAW_NS_PER_MS;
}

void duo_feed(struct duo *duo, int side, const struct paw_address *remote, const uint8_t *data,
              size_t len) {
  struct paw_input input = {.kind = PAW_INPUT_RECEIVE,
                            .now_ns = duo->clock.now_ns,
                            .local = duo->sides[side].addresses[0],
                            .remote = *remote,
                            .data = data,
                            .len = len};
  duo->sides[side].fed_ns = duo->clock.now_ns;
  assert_int_equal(paw_ice_handle_input(duo->sides[side].ice, &input), PAW_OK);
  duo_drain(duo, side);
}

void duo_note_data(struct duo *duo, int side, const char *local, const char *remote) {
  duo->sides[side].fed_ns = duo->clock.now_ns;
  struct paw_address here = duo_address(local);
  struct paw_address there = duo_address(remote);
  paw_ice_note_authenticated(duo->sides[side].ice, duo->clock.now_ns, &here, &there);
  duo_drain(duo, side);
}

struct paw_ice_stats duo_stats(const struct duo *duo, int side) {
  struct paw_ice_stats stats;
  paw_ice_get_stats(duo->sides[side].ice, &stats);
  return stats;
}

void duo_assert_selected(const struct duo *duo, int side, const char *local, const char *remote) {
  struct paw_address here;
  struct paw_address there;
  char text[PAW_ADDRESS_TEXT_SIZE];
  assert_true(paw_ice_get_selected_pair(duo->sides[side].ice, &here, &there));
  paw_address_format(&here, text);
  assert_string_equal(text, local);
  paw_address_format(&there, text);
  assert_string_equal(text, remote);
}
