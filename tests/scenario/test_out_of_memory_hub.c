/* SPDX-License-Identifier: MIT */
/* Every allocation on a hub's side fails in turn while peers join it, listen and leave: nothing
 * crashes, nothing leaks, somebody is told, whoever listened before goes on hearing every frame,
 * and whoever comes after hears as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pawebrtc/hub.h>
#include <stdio.h>
#include <string.h>

#include "kit/alloc.h"
#include "kit/clock.h"
#include "kit/peer.h"
#include "oom.h"

#define GUESTS 4
#define OLD 0 /* listens before memory becomes scarce */
#define NEW 3 /* comes afterwards */
#define FRAME_MS 20
#define FRAME_RTP 960

/* With the old guest as many as there is room for at first: the next one makes the hub grow. */
#define FILLERS 15

/* Longer than DTLS or consent take to give up. */
#define TO_THE_END_MS 45000

struct guest {
  struct kit_peer peer;
  paw_hub_peer name; /* 0: not in the hub */
  bool refused;
  bool ended; /* the hub told that it has closed by itself */
  uint16_t next_sequence;
};

struct house {
  struct kit_net *net;
  struct kit_clock clock;
  struct kit_rng rng;
  struct paw_allocator allocator;
  struct paw_address address;
  struct paw_hub *hub;
  struct paw_hub_track *track;
  uint64_t deadline_ns;
  uint64_t frames;
  uint64_t packets; /* RTP to guests that lose some */
  bool again;       /* whoever is refused asks once more */
  struct guest guests[GUESTS];
};

/* ---- the guests' side, which is spared ---- */

static bool is_there(const struct guest *guest) {
  return guest->peer.rtc != NULL;
}

/* The old guest and the new one have a path without loss. */
static bool lose_a_fifth(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct house *house = user_data;
  (void)now_ns;
  bool rtp = datagram->len >= 12 && datagram->data[0] >> 6 == 2 &&
             !(datagram->data[1] >= 192 && datagram->data[1] <= 223);
  bool loses = kit_peer_owns(&house->guests[1].peer, &datagram->to) ||
               kit_peer_owns(&house->guests[2].peer, &datagram->to);
  return !rtp || !loses || ++house->packets % 5 != 3;
}

static void ask_for_gaps(void *user_data, struct kit_peer *peer,
                         const struct paw_rtc_event *event) {
  struct guest *guest = user_data;
  if (event->kind != PAW_RTC_EVENT_AUDIO) {
    return;
  }
  uint16_t sequence = event->audio.sequence;
  if (guest->next_sequence != 0 && (int16_t)(uint16_t)(sequence - guest->next_sequence) < 0) {
    return;
  }
  while (guest->next_sequence != 0 && guest->next_sequence != sequence) {
    (void)paw_rtc_send_nack(peer->rtc, event->audio.arrival_ns, &guest->next_sequence, 1);
    guest->next_sequence++;
  }
  guest->next_sequence = (uint16_t)(sequence + 1);
}

static void make_guest(struct house *house, size_t index) {
  static const char *const addresses[GUESTS][2] = {{"10.0.0.1:5000", NULL},
                                                   {"10.0.0.2:5000", NULL},
                                                   {"10.0.0.3:5000", NULL},
                                                   {"10.0.0.4:5000", NULL}};
  struct guest *guest = &house->guests[index];
  struct paw_rtc_config config;
  paw_rtc_config_init(&config);
  config.audio.direction = PAW_DIRECTION_RECVONLY;
  config.ice_mode = PAW_ICE_LITE;
  config.certificate = kit_certificate(1);
  kit_peer_init(&guest->peer, &config, 10 + index, house->net, addresses[index],
                house->clock.now_ns);
  guest->peer.watcher = ask_for_gaps;
  guest->peer.watcher_data = guest;
}

static void wipe_guest(struct house *house, size_t index) {
  kit_malloc_spare(true);
  if (is_there(&house->guests[index])) {
    kit_peer_wipe(&house->guests[index].peer);
  }
  kit_malloc_spare(false);
}

/* ---- the hub's side ---- */

static struct guest *find_guest(struct house *house, paw_hub_peer name) {
  for (size_t i = 0; i < GUESTS; i++) {
    if (house->guests[i].name == name) {
      return &house->guests[i];
    }
  }
  fail_msg("the hub speaks of a peer that it does not have");
  return NULL;
}

static size_t send_batch(struct house *house) {
  struct paw_transmit batch[16];
  size_t count = 0;
  paw_hub_poll_transmits(house->hub, batch, 16, &count);
  for (size_t i = 0; i < count; i++) {
    kit_net_send(house->net, &batch[i].local, &batch[i].remote, batch[i].data, batch[i].len,
                 house->clock.now_ns);
  }
  return count;
}

static size_t take_events(struct house *house) {
  paw_hub_peer name = 0;
  struct paw_rtc_event event;
  size_t count = 0;
  while (paw_hub_poll_event(house->hub, &name, &event)) {
    count++;
    if (event.kind == PAW_RTC_EVENT_CLOSED) {
      struct guest *guest = find_guest(house, name);
      guest->ended = event.reason != PAW_CLOSE_LOCAL;
      guest->name = 0;
      paw_hub_remove(house->hub, name);
    }
  }
  return count;
}

static void drain_hub(struct house *house) {
  for (int i = 0; send_batch(house) > 0 || take_events(house) > 0; i++) {
    assert_true(i < 10000);
  }
  house->deadline_ns = paw_hub_next_timeout(house->hub).deadline_ns;
  assert_true(house->deadline_ns > house->clock.now_ns);
}

static void feed_hub(struct house *house, const struct paw_input *input) {
  assert_int_equal(paw_hub_handle_input(house->hub, input), PAW_OK);
  drain_hub(house);
}

static int make_rtc(struct house *house, struct paw_rtc **out) {
  struct paw_rtc_config config;
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST, .address = house->address};
  paw_rtc_config_init(&config);
  config.audio.direction = PAW_DIRECTION_SENDONLY;
  config.certificate = kit_certificate(0);
  config.rng = kit_rng_hook(&house->rng);
  config.allocator = house->allocator;
  int status = paw_rtc_new(&config, house->clock.now_ns, out);
  return status == PAW_OK ? paw_rtc_add_local_candidate(*out, &candidate) : status;
}

/* As a server does it at a request: all or nothing. */
static int admit(struct house *house, const char *offer, char *answer, paw_hub_peer *name) {
  struct paw_rtc *rtc = NULL;
  size_t len = KIT_SDP_MAX;
  int status = make_rtc(house, &rtc);
  if (status == PAW_OK) {
    status = paw_rtc_accept_offer(rtc, house->clock.now_ns, offer, strlen(offer), answer, &len);
  }
  if (status == PAW_OK) {
    status = paw_hub_add(house->hub, rtc, name);
  }
  if (status != PAW_OK) {
    paw_rtc_free(rtc);
    return status;
  }
  status = paw_hub_subscribe(house->hub, *name, house->track);
  if (status != PAW_OK) {
    paw_hub_remove(house->hub, *name);
    *name = 0;
  }
  return status;
}

/* A guest of whom memory does not allow leaves at once. */
static void join(struct house *house, size_t index) {
  static char offer[KIT_SDP_MAX];
  static char answer[KIT_SDP_MAX];
  struct guest *guest = &house->guests[index];
  size_t len = sizeof offer;
  kit_malloc_spare(true);
  make_guest(house, index);
  assert_int_equal(paw_rtc_create_offer(guest->peer.rtc, offer, &len), PAW_OK);
  kit_malloc_spare(false);
  int status = admit(house, offer, answer, &guest->name);
  if (status == PAW_ERR_NO_MEMORY) {
    guest->refused = true;
    status = house->again ? admit(house, offer, answer, &guest->name) : status;
  }
  drain_hub(house);
  if (status != PAW_OK) {
    assert_true(status == PAW_ERR_NO_MEMORY && !house->again);
    wipe_guest(house, index);
    return;
  }
  kit_malloc_spare(true);
  assert_int_equal(
      paw_rtc_accept_answer(guest->peer.rtc, house->clock.now_ns, answer, strlen(answer)), PAW_OK);
  kit_peer_drain(&guest->peer, house->clock.now_ns);
  kit_malloc_spare(false);
}

static int patch(struct house *house, struct guest *guest, char *fragment, size_t *len) {
  struct paw_rtc *rtc = paw_hub_get_rtc(house->hub, guest->name);
  size_t room = KIT_SDP_MAX;
  int status = paw_rtc_accept_ice_fragment(rtc, house->clock.now_ns, fragment, *len, NULL);
  if (status == PAW_OK) {
    status = paw_rtc_write_ice_fragment(rtc, fragment, &room);
    *len = room;
  }
  return status;
}

/* A guest restarts ICE. */
static void restart(struct house *house, size_t index) {
  static char fragment[KIT_SDP_MAX];
  struct guest *guest = &house->guests[index];
  size_t len = sizeof fragment;
  if (guest->name == 0 || guest->peer.seen.closed_ns != 0) {
    return;
  }
  kit_malloc_spare(true);
  assert_int_equal(paw_rtc_ice_restart(guest->peer.rtc, house->clock.now_ns), PAW_OK);
  assert_int_equal(paw_rtc_write_ice_fragment(guest->peer.rtc, fragment, &len), PAW_OK);
  kit_malloc_spare(false);
  int status = patch(house, guest, fragment, &len);
  if (status == PAW_ERR_NO_MEMORY && house->again) {
    status = patch(house, guest, fragment, &len);
  }
  drain_hub(house);
  assert_true(status == PAW_OK || (status == PAW_ERR_NO_MEMORY && !house->again));
  kit_malloc_spare(true);
  if (status == PAW_OK) {
    assert_int_equal(
        paw_rtc_accept_ice_fragment(guest->peer.rtc, house->clock.now_ns, fragment, len, NULL),
        PAW_OK);
  }
  kit_peer_drain(&guest->peer, house->clock.now_ns);
  kit_malloc_spare(false);
}

/* ---- time ---- */

static void deliver(struct house *house) {
  struct kit_datagram datagram;
  while (kit_net_deliver(house->net, house->clock.now_ns, &datagram)) {
    if (paw_address_equal(&datagram.to, &house->address)) {
      feed_hub(house, &(struct paw_input){.kind = PAW_INPUT_RECEIVE,
                                          .now_ns = house->clock.now_ns,
                                          .local = datagram.to,
                                          .remote = datagram.from,
                                          .data = datagram.data,
                                          .len = datagram.len});
    }
    kit_malloc_spare(true);
    for (size_t i = 0; i < GUESTS; i++) {
      struct kit_peer *peer = &house->guests[i].peer;
      if (peer->rtc != NULL && kit_peer_owns(peer, &datagram.to)) {
        kit_peer_receive(peer, &datagram, house->clock.now_ns);
      }
    }
    kit_malloc_spare(false);
  }
}

static void act(struct house *house) {
  uint64_t now_ns = house->clock.now_ns;
  deliver(house);
  kit_malloc_spare(true);
  for (size_t i = 0; i < GUESTS; i++) {
    struct kit_peer *peer = &house->guests[i].peer;
    if (peer->rtc != NULL && peer->deadline_ns <= now_ns) {
      kit_peer_timeout(peer, now_ns);
    }
  }
  kit_malloc_spare(false);
  if (house->deadline_ns <= now_ns) {
    feed_hub(house, &(struct paw_input){.kind = PAW_INPUT_TIMEOUT, .now_ns = now_ns});
  }
}

static uint64_t next_ns(const struct house *house) {
  uint64_t time_ns = kit_net_next_ns(house->net);
  time_ns = house->deadline_ns < time_ns ? house->deadline_ns : time_ns;
  for (size_t i = 0; i < GUESTS; i++) {
    const struct kit_peer *peer = &house->guests[i].peer;
    if (peer->rtc != NULL && peer->deadline_ns < time_ns) {
      time_ns = peer->deadline_ns;
    }
  }
  return time_ns;
}

static void run_ms(struct house *house, uint64_t ms) {
  uint64_t end_ns = house->clock.now_ns + ms * PAW_NS_PER_MS;
  while (house->clock.now_ns < end_ns) {
    uint64_t time_ns = next_ns(house);
    kit_clock_advance_to(&house->clock, time_ns < end_ns ? time_ns : end_ns);
    act(house);
  }
}

static void talk(struct house *house, unsigned frames) {
  for (unsigned i = 0; i < frames; i++) {
    uint8_t data[] = {0xf8, 0xff, 0xfe};
    struct paw_audio_frame frame = {.data = data,
                                    .len = sizeof data,
                                    .media_rtp = house->frames++ * FRAME_RTP,
                                    .capture_ns = house->clock.now_ns,
                                    .duration_rtp = FRAME_RTP,
                                    .level = PAW_AUDIO_LEVEL_NONE};
    assert_int_equal(paw_hub_track_send(house->hub, house->track, house->clock.now_ns, &frame),
                     PAW_OK);
    drain_hub(house);
    run_ms(house, FRAME_MS);
  }
}

/* ---- the evening ---- */

static uint64_t heard(const struct house *house, size_t index) {
  return house->guests[index].peer.seen.events[PAW_RTC_EVENT_AUDIO];
}

static void expect_to_hear(struct house *house, size_t index, unsigned frames) {
  uint64_t before = heard(house, index);
  talk(house, frames);
  assert_int_equal(heard(house, index) - before, frames);
}

static void fill(struct house *house) {
  for (size_t i = 0; i < FILLERS; i++) {
    struct paw_rtc *rtc = NULL;
    paw_hub_peer name = 0;
    assert_int_equal(make_rtc(house, &rtc), PAW_OK);
    assert_int_equal(paw_hub_add(house->hub, rtc, &name), PAW_OK);
    assert_int_equal(paw_hub_subscribe(house->hub, name, house->track), PAW_OK);
  }
}

static void open_house(struct house *house, struct paw_allocator allocator, bool again) {
  struct paw_hub_config config;
  memset(house, 0, sizeof *house);
  house->net = kit_net_new(1, &(struct kit_link_config){.delay_ns = 2 * PAW_NS_PER_MS});
  kit_net_set_filter(house->net, lose_a_fifth, house);
  kit_clock_init(&house->clock);
  kit_rng_init(&house->rng, 7);
  house->allocator = allocator;
  house->again = again;
  assert_int_equal(paw_address_parse("192.0.2.1:8443", &house->address), PAW_OK);
  paw_hub_config_init(&config);
  config.allocator = allocator;
  assert_int_equal(paw_hub_new(&config, house->clock.now_ns, &house->hub), PAW_OK);
  assert_int_equal(paw_hub_track_new(house->hub, &house->track), PAW_OK);
  fill(house);
  join(house, OLD);
  run_ms(house, 200);
  expect_to_hear(house, OLD, 10);
}

/* Two come, one of them restarts; then one is put out and the other is sent away. */
static void have_guests(struct house *house) {
  join(house, 1);
  talk(house, 5);
  join(house, 2);
  talk(house, 15);
  restart(house, 1);
  talk(house, 10);
}

/* Was each of the two heard, or somebody told? Otherwise wait for that. */
static bool is_settled(struct house *house) {
  for (size_t i = 1; i <= 2; i++) {
    const struct guest *guest = &house->guests[i];
    bool told = guest->refused || guest->ended;
    if (is_there(guest) && !told && guest->peer.seen.closed_ns == 0 && heard(house, i) == 0) {
      return false;
    }
  }
  return true;
}

static void see_off(struct house *house) {
  if (house->guests[1].name != 0) {
    paw_hub_remove(house->hub, house->guests[1].name);
    house->guests[1].name = 0;
  }
  if (house->guests[2].name != 0) {
    paw_rtc_close(paw_hub_get_rtc(house->hub, house->guests[2].name), house->clock.now_ns);
  }
  drain_hub(house);
  assert_true(house->guests[2].name == 0);
  run_ms(house, 50);
  wipe_guest(house, 1);
  wipe_guest(house, 2);
}

struct tally {
  uint64_t evenings;
  uint64_t refused;
  uint64_t ended;
  uint64_t heard; /* both heard at the end, refused at first or not */
};

static void spend_evening(struct house *house, struct tally *tally) {
  uint64_t before = heard(house, OLD);
  uint64_t frames = house->frames;
  have_guests(house);
  if (!is_settled(house)) {
    run_ms(house, TO_THE_END_MS);
    talk(house, 5);
  }
  assert_true(is_settled(house));
  tally->evenings++;
  tally->refused += house->guests[1].refused || house->guests[2].refused;
  tally->ended += house->guests[1].ended || house->guests[2].ended;
  tally->heard += heard(house, 1) > 0 && heard(house, 2) > 0;
  see_off(house);
  assert_int_equal(heard(house, OLD) - before, house->frames - frames);
}

static void expect_new_guest(struct house *house) {
  join(house, NEW);
  assert_true(house->guests[NEW].name != 0 && !house->guests[NEW].refused);
  run_ms(house, 200);
  expect_to_hear(house, NEW, 5);
}

static void close_house(struct house *house) {
  for (size_t i = 0; i < GUESTS; i++) {
    wipe_guest(house, i);
  }
  paw_hub_free(house->hub);
  kit_net_free(house->net);
}

static void end_evening(struct house *house) {
  expect_new_guest(house);
  paw_hub_remove(house->hub, house->guests[NEW].name);
  drain_hub(house);
  house->guests[NEW].name = 0;
  wipe_guest(house, NEW);
}

/* A house of its own for each: the hub grows in it. */
static bool evening_with_own_allocator(uint64_t nth, bool all_after, void *context) {
  struct kit_allocator allocator = {0};
  struct house house;
  open_house(&house, kit_allocator_hook(&allocator), !all_after);
  allocator.fail_nth = nth;
  allocator.fail_all_after = all_after;
  spend_evening(&house, context);
  allocator.fail_nth = 0;
  end_evening(&house);
  close_house(&house);
  assert_int_equal(allocator.outstanding_bytes, 0);
  assert_int_equal(allocator.allocations, allocator.frees);
  return allocator.failed > 0;
}

/* All in one house, which keeps its old guest and its tables. */
struct season {
  struct house house;
  struct tally tally;
};

static void forget_guests(struct house *house) {
  for (size_t i = 1; i < GUESTS; i++) {
    house->guests[i] = (struct guest){0};
  }
}

static bool evening_with_malloc(uint64_t nth, bool all_after, void *context) {
  struct season *season = context;
  season->house.again = !all_after;
  forget_guests(&season->house);
  kit_malloc_start();
  kit_malloc_fail(nth, all_after);
  spend_evening(&season->house, &season->tally);
  kit_malloc_fail(0, false);
  struct kit_malloc_counts counts = kit_malloc_stop();
  assert_int_equal(counts.outstanding, 0);
  return counts.failed > 0;
}

static void expect_next_guest(void *context) {
  struct season *season = context;
  forget_guests(&season->house);
  end_evening(&season->house);
}

static void expect_nothing_more(void *context) {
  (void)context;
}

static void tell(const char *what, const struct tally *tally) {
  print_message("%s: of %u evenings %u had one refused, %u one ended, %u all heard\n", what,
                (unsigned)tally->evenings, (unsigned)tally->refused, (unsigned)tally->ended,
                (unsigned)tally->heard);
}

static void own_allocator(void **state) {
  (void)state;
  struct tally once = {0};
  struct tally for_ever = {0};
  assert_false(evening_with_own_allocator(UINT64_MAX, false, &once));
  assert_true(once.heard == 1 && once.refused == 0 && once.ended == 0);
  oom_fail_each(evening_with_own_allocator, expect_nothing_more, false, &once, 1);
  oom_fail_each(evening_with_own_allocator, expect_nothing_more, true, &for_ever, 1);
  tell("own allocator", &once);
  if (!oom_tries_one()) {
    assert_true(once.refused > 0 && once.ended > 0 && once.heard > 0);
    assert_true(for_ever.refused > 0 && for_ever.ended > 0);
  }
}

static void malloc_fails(struct season *season, bool all_after, uint64_t step) {
  memset(&season->tally, 0, sizeof season->tally);
  oom_fail_each(evening_with_malloc, expect_next_guest, all_after, season, step);
  tell(all_after ? "malloc for ever" : "malloc", &season->tally);
  assert_true(oom_tries_one() || (season->tally.refused > 0 && season->tally.ended > 0));
}

static void at_malloc(void **state) {
  (void)state;
  uint64_t step = oom_step(499);
  static struct season season;
  open_house(&season.house, (struct paw_allocator){0}, true);
  /* What is set up once for the process, or for the house, is no leak. */
  spend_evening(&season.house, &season.tally);
  end_evening(&season.house);
  assert_true(season.tally.heard == 1 && season.tally.refused == 0 && season.tally.ended == 0);
  malloc_fails(&season, false, step);
  malloc_fails(&season, true, OOM_FOR_EVER_STEPS * step);
  close_house(&season.house);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(own_allocator),
      cmocka_unit_test(at_malloc),
  };
  oom_read_arguments(argc, argv);
  size_t count = kit_malloc_can_fail() ? 2 : 1;
  return _cmocka_run_group_tests("out_of_memory_hub", tests, count, NULL, NULL);
}
