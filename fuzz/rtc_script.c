/* SPDX-License-Identifier: MIT */
/* Two connections, or four of which two share a hub, in a life that a script makes up: signalling
 * in any order, losses, forgeries, restarts, want of memory.
 *
 * The first byte: 1 they are connected before the script begins, 2 four ends of which the even ones
 * share a hub, 4 retransmissions have a stream of their own, 8 even ends are lite, 16 odd ends are,
 * 32 odd ends offer, 64 neither RED nor NACK, 128 described directly instead of in SDP.
 * Then, until the input ends, operations of one byte (modulo 29) with arguments:
 *    0  the network is good for a while: tens of ms (1)
 *    1  time jumps: ms (2)
 *    2  a datagram arrives: which of those on their way (1)
 *    3  one is lost: which (1)
 *    4  one will arrive twice: which (1)
 *    5  a byte of one is changed: which, at (of 256 parts), exclusive or (1 each)
 *    6  an offer is made: end (1)            7  the offer is accepted: end (1)
 *    8  the answer is accepted: end (1)      9  the offer is rolled back: end (1)
 *   10  ICE restart: end (1)
 *   11  a fragment is written: end (1)      12  the fragment is accepted: end (1)
 *   13  offer and answer at once: end, 1 = directly (1 each)
 *   14  frames are spoken, one each 20 ms: end, count (modulo 32; its high bits are their size)
 *   15  packets are asked for again: end, how far back, how many (1 each)
 *   16  a connection is closed: end (1)
 *   17  a local candidate comes or, with the highest bit, goes: end, which (1 each)
 *   18  a datagram arrives from another host: which, host (1 each)
 *   19  a remote candidate is added: end, which (1 each)
 *   20  a byte of a text is changed: which text (1), at (2), to (1)
 *   21  another direction is wished: end, which (1 each)
 *   22  redundancy: end, distance (1 each)
 *   23  statistics are asked for: end (1)
 *   24  an allocation fails: which from now on (2), 0 = none
 *   25  outputs of an end are polled no more, or again: end (1)
 *   26  the hub: an end is taken out, subscribed, unsubscribed; the track ends, begins, becomes
 *       redundant; a connection comes that nobody talks to: which of these, end (1 each)
 *   27  the random source of an end fails, or works again: end (1)
 *   28  a frame with these bytes is spoken: end, length (1 each), bytes
 */
#include "rtc_world.h"

#include "rtc/rtc_private.h"

enum {
  CONNECTED = 1,
  HUB = 2,
  RTX = 4,
  EVEN_LITE = 8,
  ODD_LITE = 16,
  ODD_OFFERS = 32,
  PLAIN = 64,
  DIRECT = 128,
};

#define BIT(status) (1u << -(status))

static size_t take_end(struct world *world, struct fuzz_script *script) {
  return fuzz_take_u8(script) % world->end_count;
}

static struct paw_candidate candidate_of(const struct world *world, size_t end, uint8_t which) {
  struct paw_candidate candidate = {.type = PAW_CANDIDATE_HOST};
  candidate.address = world->ends[end].address;
  candidate.address.ip[2] = which % 32;
  candidate.priority = which * UINT32_C(1000000) + 1;
  memcpy(candidate.foundation, "fuzz", sizeof "fuzz");
  return candidate;
}

/* ---- the network ---- */

static void arrive(struct world *world, struct fuzz_script *script, uint8_t operation) {
  struct world_datagram *datagram = world_take(world, fuzz_take_u8(script));
  uint8_t at = operation == 5 || operation == 18 ? fuzz_take_u8(script) : 0;
  uint8_t change = operation == 5 ? fuzz_take_u8(script) : 0;
  if (datagram == NULL) {
    return;
  }
  switch (operation) {
  case 4:
    world_put(world, &datagram->from, &datagram->to, datagram->data, datagram->len);
    world_put(world, &datagram->from, &datagram->to, datagram->data, datagram->len);
    break;
  case 5:
    datagram->data[at * datagram->len / 256] ^= change;
    world_put(world, &datagram->from, &datagram->to, datagram->data, datagram->len);
    break;
  case 18:
    datagram->from.ip[2] = at % 32;
    world_receive(world, &datagram->from, &datagram->to, datagram->data, datagram->len);
    break;
  case 2:
    world_receive(world, &datagram->from, &datagram->to, datagram->data, datagram->len);
    break;
  default: /* lost */
    break;
  }
  free(datagram);
}

/* ---- signalling ---- */

static int write_offer(struct world *world, struct paw_rtc *rtc, struct world_talk *talk) {
  size_t len = sizeof talk->offer;
  int status = paw_rtc_create_offer(rtc, talk->offer, &len);
  if (status == PAW_OK) {
    FUZZ_CHECK(len < sizeof talk->offer && strlen(talk->offer) == len);
    talk->offer_len = len;
  }
  world_check_status(world, status, BIT(PAW_ERR_STATE) | BIT(PAW_ERR_UNSUPPORTED));
  return status;
}

static int accept_offer(struct world *world, struct paw_rtc *rtc, struct world_talk *talk) {
  size_t len = sizeof talk->answer;
  char *exact = (char *)fuzz_copy((const uint8_t *)talk->offer, talk->offer_len);
  int status =
      paw_rtc_accept_offer(rtc, world->clock.now_ns, exact, talk->offer_len, talk->answer, &len);
  free(exact);
  if (status == PAW_OK) {
    FUZZ_CHECK(len < sizeof talk->answer && strlen(talk->answer) == len);
    talk->answer_len = len;
  }
  return status;
}

static void act_signalling(struct world *world, struct fuzz_script *script, uint8_t operation) {
  size_t end = take_end(world, script);
  struct paw_rtc *rtc = world_rtc(world, end);
  struct world_talk *talk = world->talks[end / 2];
  uint64_t now_ns = world->clock.now_ns;
  size_t len = sizeof talk->fragment;
  unsigned documented = BIT(PAW_ERR_STATE);
  int status = PAW_OK;
  if (rtc == NULL) {
    return;
  }
  switch (operation) {
  case 6:
    status = write_offer(world, rtc, talk);
    documented |= BIT(PAW_ERR_UNSUPPORTED);
    break;
  case 7:
    status = accept_offer(world, rtc, talk);
    documented |= BIT(PAW_ERR_MALFORMED) | BIT(PAW_ERR_UNSUPPORTED);
    break;
  case 8:
    status = paw_rtc_accept_answer(rtc, now_ns, talk->answer, talk->answer_len);
    documented |= BIT(PAW_ERR_MALFORMED) | BIT(PAW_ERR_UNSUPPORTED);
    break;
  case 9:
    status = paw_rtc_rollback(rtc);
    break;
  case 10:
    status = paw_rtc_ice_restart(rtc, now_ns);
    break;
  case 11:
    status = paw_rtc_write_ice_fragment(rtc, talk->fragment, &len);
    talk->fragment_len = status == PAW_OK ? len : talk->fragment_len;
    break;
  case 12:
    status = paw_rtc_accept_ice_fragment(rtc, now_ns, talk->fragment, talk->fragment_len, NULL);
    documented |= BIT(PAW_ERR_MALFORMED);
    break;
  default:
    break;
  }
  world_check_status(world, status, documented);
}

static void change_text(struct world *world, struct fuzz_script *script) {
  uint8_t which = fuzz_take_u8(script);
  uint16_t at = fuzz_take_u16(script);
  char byte = (char)fuzz_take_u8(script);
  struct world_talk *talk = world->talks[which / 3 % (world->end_count / 2)];
  char *texts[] = {talk->offer, talk->answer, talk->fragment};
  size_t lens[] = {talk->offer_len, talk->answer_len, talk->fragment_len};
  if (lens[which % 3] > 0) {
    texts[which % 3][at % lens[which % 3]] = byte;
  }
}

/* ---- the application ---- */

static void speak(struct world *world, struct fuzz_script *script) {
  size_t end = take_end(world, script);
  uint8_t how = fuzz_take_u8(script);
  for (size_t i = 0; i < how % 32; i++) {
    uint8_t frame[PAW_OPUS_PACKET_MAX] = {0xf8, (uint8_t)world->ends[end].media_rtp,
                                          (uint8_t)(world->ends[end].media_rtp >> 8), (uint8_t)end};
    world_speak(world, end, frame, 120 - i + how / 32 * (size_t)165);
    world_run(world, 20);
  }
}

static void speak_bytes(struct world *world, struct fuzz_script *script) {
  size_t end = take_end(world, script);
  size_t len = 0;
  uint8_t *data = fuzz_take_bytes(script, fuzz_take_u8(script) * (size_t)6, &len);
  world_speak(world, end, data, len);
  free(data);
}

static void ask_again(struct world *world, struct fuzz_script *script) {
  size_t end = take_end(world, script);
  uint8_t back = fuzz_take_u8(script);
  world_ask_again(world, end, back, fuzz_take_u8(script) % 80);
}

static void change_candidates(struct world *world, struct fuzz_script *script, uint8_t operation) {
  size_t end = take_end(world, script);
  uint8_t which = fuzz_take_u8(script);
  struct paw_rtc *rtc = world_rtc(world, end);
  if (rtc == NULL) {
    return;
  }
  int status = PAW_OK;
  if (operation == 19) {
    struct paw_candidate candidate = candidate_of(world, end ^ 1, which);
    status = paw_rtc_add_remote_candidate(rtc, &candidate);
  } else {
    struct paw_candidate candidate = candidate_of(world, end, which & 0x7f);
    status = (which & 0x80) != 0 ? paw_rtc_remove_local_candidate(rtc, &candidate.address)
                                 : paw_rtc_add_local_candidate(rtc, &candidate);
  }
  world_check_status(world, status,
                     BIT(PAW_ERR_STATE) | BIT(PAW_ERR_LIMIT) | BIT(PAW_ERR_UNSUPPORTED));
}

static void ask(struct world *world, struct paw_rtc *rtc, struct world_end *end) {
  struct paw_rtc_stats stats;
  struct paw_media_info media;
  paw_rtc_get_stats(rtc, &stats);
  FUZZ_CHECK(end->audio <= stats.packets_received);
  FUZZ_CHECK(!end->connected || stats.dtls_state != PAW_DTLS_STATE_NEW);
  (void)paw_rtc_get_rtt_ns(rtc);
  int status = paw_rtc_get_media(rtc, &media);
  world_check_status(world, status, BIT(PAW_ERR_STATE));
  FUZZ_CHECK(status != PAW_OK || memchr(media.mid, 0, sizeof media.mid) != NULL);
}

static void apply(struct world *world, struct fuzz_script *script, uint8_t operation) {
  size_t end = take_end(world, script);
  struct paw_rtc *rtc = world_rtc(world, end);
  uint8_t value = operation == 21 || operation == 22 ? fuzz_take_u8(script) : 0;
  int status = PAW_OK;
  if (rtc == NULL) {
    return;
  }
  switch (operation) {
  case 16:
    paw_rtc_close(rtc, world->clock.now_ns);
    break;
  case 21:
    status = paw_rtc_set_direction(rtc, (enum paw_direction)(value % 5));
    FUZZ_CHECK((status == PAW_ERR_INVALID) == (value % 5 > 3) || status == PAW_ERR_STATE);
    world_check_status(world, status, BIT(PAW_ERR_STATE) | BIT(PAW_ERR_INVALID));
    break;
  case 22:
    status = paw_rtc_set_red(rtc, (int8_t)value);
    FUZZ_CHECK((status == PAW_OK) ==
               ((int8_t)value >= PAW_RED_AUTO && (int8_t)value <= PAW_RED_DISTANCE_MAX));
    break;
  case 23:
    ask(world, rtc, &world->ends[end]);
    break;
  case 27:
    world->ends[end].rng.failing = !world->ends[end].rng.failing;
    break;
  default:
    break;
  }
}

static void change_hub(struct world *world, uint8_t what, size_t end) {
  paw_hub_peer peer = world->ends[end].peer;
  if (world->hub == NULL) {
    return;
  }
  bool there = paw_hub_get_rtc(world->hub, peer) != NULL;
  int status = PAW_OK;
  switch (what % 7) {
  case 0:
    paw_hub_remove(world->hub, peer);
    break;
  case 1:
    status = paw_hub_subscribe(world->hub, peer, world->track);
    FUZZ_CHECK((status == PAW_ERR_INVALID) == !there);
    break;
  case 2:
    status = paw_hub_subscribe(world->hub, peer, NULL);
    FUZZ_CHECK((status == PAW_ERR_INVALID) == !there);
    break;
  case 3:
    if (world->track != NULL) {
      paw_hub_track_free(world->hub, world->track);
    }
    world->track = NULL;
    break;
  case 4:
    if (world->track == NULL) {
      status = paw_hub_track_new(world->hub, &world->track);
      FUZZ_CHECK(status == PAW_OK || world->track == NULL);
    }
    break;
  case 5:
    status = paw_hub_set_red(world->hub, (int)end);
    FUZZ_CHECK(status == PAW_OK);
    break;
  case 6:
    status = world_add_idle(world);
    break;
  }
  world_check_status(world, status, BIT(PAW_ERR_INVALID) | BIT(PAW_ERR_LIMIT));
}

/* ---- the script ---- */

static void act(struct world *world, struct fuzz_script *script, uint8_t operation) {
  size_t end = 0;
  if (world_act_in_time(world, script, operation)) {
    return;
  }
  switch (operation) {
  case 13:
    end = take_end(world, script);
    (void)world_negotiate(world, end, fuzz_take_u8(script) == 1);
    break;
  case 14:
    speak(world, script);
    break;
  case 15:
    ask_again(world, script);
    break;
  case 17:
  case 19:
    change_candidates(world, script, operation);
    break;
  case 20:
    change_text(world, script);
    break;
  case 24:
    world->memory.fail_nth = fuzz_take_u16(script);
    break;
  case 25:
    world_toggle_drain(world, take_end(world, script));
    break;
  case 26: {
    uint8_t what = fuzz_take_u8(script);
    change_hub(world, what, take_end(world, script));
    break;
  }
  case 28:
    speak_bytes(world, script);
    break;
  default:
    if (operation >= 6 && operation <= 12) {
      act_signalling(world, script, operation);
    } else if (operation < 6 || operation == 18) {
      arrive(world, script, operation);
    } else {
      apply(world, script, operation);
    }
    break;
  }
}

static struct world *begin(uint8_t mode) {
  struct world_config config;
  world_config_init(&config, (mode & HUB) != 0, (mode & RTX) != 0);
  config.end_count = config.hub ? 4 : 2;
  for (size_t i = 0; i < 2; i++) {
    config.rtc[i].audio.red = (mode & PLAIN) == 0;
    config.rtc[i].audio.nack = (mode & PLAIN) == 0;
  }
  config.rtc[0].ice_mode = (mode & EVEN_LITE) != 0 ? PAW_ICE_LITE : PAW_ICE_FULL;
  config.rtc[1].ice_mode = (mode & ODD_LITE) != 0 ? PAW_ICE_LITE : PAW_ICE_FULL;
  struct world *world = world_new(&config);
  bool both_lite = (mode & EVEN_LITE) != 0 && (mode & ODD_LITE) != 0;
  if ((mode & CONNECTED) != 0) {
    for (size_t i = 0; i < world->end_count; i += 2) {
      size_t offerer = i + ((mode & ODD_OFFERS) != 0 ? 1 : 0);
      int status = world_negotiate(world, offerer, (mode & DIRECT) != 0);
      FUZZ_CHECK(status == PAW_OK || both_lite);
    }
    FUZZ_CHECK(world_connect(world) || both_lite);
  }
  return world;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_script script = {.data = data, .left = size};
  struct world *world = begin(fuzz_take_u8(&script));
  while (!fuzz_script_ended(&script)) {
    act(world, &script, fuzz_take_u8(&script) % 29);
    world_drain(world);
    world_check_limits(world);
  }
  world_free(world);
  return 0;
}
