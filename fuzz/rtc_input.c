/* SPDX-License-Identifier: MIT */
/* Datagrams into a connection that is up: of strangers, of somebody on its own path, and of its
 * peer, who has the keys and has gone mad.
 *
 * The first byte: 1 the victim is lite, 2 it stands behind a hub, 4 retransmissions have a stream
 * of their own, 8 it sends only, 16 it receives only, 32 both have spoken before, 64 it has a path
 * but no keys yet.
 * Then, until the input ends, operations of one byte (modulo 16) with arguments:
 *    0  the network is good for a while: tens of ms (1)
 *    1  time jumps: ms (2)
 *    2  a datagram comes: host (1; 0 is the peer's), length (2, modulo 1600), bytes
 *    3  RTP of the peer: host, which of its SSRCs (1, modulo 40; 0 is its own), the first two
 *       bytes, the sequence number (2), the time (2, in units of 64), length (1), what follows
 *    4  RTCP of the peer, as it is: host, length (1 each), bytes
 *    5  RTCP of the peer, with right lengths: host (1), how many packets (1, modulo 4, and 1), for
 *       each the first two bytes, how many words follow (1, modulo 64), these words
 *    6  a STUN request of the peer: host, flags of enum request_flag (1 each), one attribute more
 *       that stands before the integrity: type (2), length (1), bytes
 *    7  the last of 2 to 6 comes once more: host (1)
 *    8  the victim speaks: how many frames (1, modulo 32)
 *    9  the peer speaks: how many frames (1, modulo 32)
 *   10  the victim asks for packets again: how far back, how many (1 each)
 *   11  the peer closes
 *   12  the victim closes
 *   13  the victim's outputs are polled no more, or again
 *   14  a datagram that is on its way arrives: which (1)
 *   15  one is lost: which (1)
 * In RTCP the second word becomes the peer's SSRC; words of "VVVV" become that of the victim, words
 * of "PPPP" that of the peer.
 */
#include "kit/hmac.h"
#include "rtc_world.h"

#include "rtc/rtc_private.h"
#include "stun/stun.h"

enum {
  LITE = 1,
  HUB = 2,
  RTX = 4,
  SENDS_ONLY = 8,
  RECEIVES_ONLY = 16,
  HAS_SPOKEN = 32,
  NO_KEYS = 64,
};

enum request_flag {
  REQUEST_USE_CANDIDATE = 1,
  REQUEST_CONTROLLED = 2,
  REQUEST_HIGH = 4, /* tie-breaker */
  REQUEST_NO_PRIORITY = 8,
};

#define SSRCS_MAX 40

struct attack {
  struct world *world;
  size_t victim;
  size_t peer;
  bool connected;
  struct paw_srtp_keys keys; /* the peer's */
  struct paw_srtp *sessions[SSRCS_MAX];
  bool last_counted; /* the datagram below, as media or RTCP of the peer */
  size_t last_len;
  uint8_t last[PAW_DATAGRAM_MAX + 100];
};

static const struct paw_allocator heap;

/* ---- what must not change ---- */

struct likeness {
  enum paw_rtc_state state;
  enum paw_ice_state ice_state;
  enum paw_dtls_state dtls_state;
  bool has_pair;
  struct paw_address local;
  struct paw_address remote;
  size_t recv_count;
  size_t queued;
  uint32_t pending;
  uint64_t packets;
  uint64_t rtcp;
  uint64_t nacks;
  uint64_t rrtr_ntp;
};

static struct likeness take_likeness(struct attack *attack) {
  const struct paw_rtc *rtc = world_rtc(attack->world, attack->victim);
  struct likeness likeness = {
      .state = rtc->state,
      .ice_state = paw_ice_get_state(rtc->ice),
      .dtls_state = paw_dtls_get_state(rtc->dtls),
      .recv_count = rtc->recv_count,
      .queued = rtc->queue.used,
      .pending = rtc->pending,
      .packets = rtc->stats.packets_received,
      .rtcp = rtc->stats.rtcp_received,
      .nacks = rtc->send.nacks_received,
      .rrtr_ntp = rtc->rrtr_ntp,
  };
  likeness.has_pair = paw_ice_get_selected_pair(rtc->ice, &likeness.local, &likeness.remote);
  return likeness;
}

static void check_same(const struct likeness *a, const struct likeness *b) {
  FUZZ_CHECK(a->state == b->state && a->ice_state == b->ice_state);
  FUZZ_CHECK(a->dtls_state == b->dtls_state && a->has_pair == b->has_pair);
  FUZZ_CHECK(paw_address_equal(&a->local, &b->local) && paw_address_equal(&a->remote, &b->remote));
  FUZZ_CHECK(a->recv_count == b->recv_count && a->queued == b->queued);
  FUZZ_CHECK(a->pending == b->pending && a->packets == b->packets && a->rtcp == b->rtcp);
  FUZZ_CHECK(a->nacks == b->nacks && a->rrtr_ntp == b->rrtr_ntp);
}

/* ---- datagrams ---- */

static struct paw_address host_of(const struct attack *attack, uint8_t host) {
  struct paw_address address = attack->world->ends[attack->peer].address;
  address.ip[2] = host % 64 == 0 ? address.ip[2] : host % 64;
  return address;
}

static void deliver(struct attack *attack, uint8_t host, const uint8_t *data, size_t len) {
  struct world *world = attack->world;
  struct paw_address from = host_of(attack, host);
  world_receive(world, &from, &world->ends[attack->victim].address, data, len);
}

static void deliver_and_keep(struct attack *attack, uint8_t host, const uint8_t *data, size_t len) {
  attack->last_counted = false;
  attack->last_len = len;
  if (len > 0) {
    memcpy(attack->last, data, len);
  }
  deliver(attack, host, data, len);
}

/* The same time as before, so that it is the datagram alone that could change anything. */
static void feed_time(struct attack *attack) {
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = attack->world->clock.now_ns};
  if (attack->world->hub != NULL && attack->victim % 2 == 0) {
    (void)paw_hub_handle_input(attack->world->hub, &time);
  }
  (void)paw_rtc_handle_input(world_rtc(attack->world, attack->victim), &time);
  world_drain(attack->world);
}

/* Authentic, but it counts only where a check has validated the path. */
static void deliver_authentic(struct attack *attack, uint8_t host, const uint8_t *data,
                              size_t len) {
  struct world *world = attack->world;
  struct paw_address from = host_of(attack, host);
  feed_time(attack);
  bool valid = paw_rtc_is_valid_path(world_rtc(world, attack->victim),
                                     &world->ends[attack->victim].address, &from);
  struct likeness before = take_likeness(attack);
  deliver_and_keep(attack, host, data, len);
  struct likeness after = take_likeness(attack);
  if (!valid) {
    check_same(&before, &after);
  }
  attack->last_counted = before.packets != after.packets || before.rtcp != after.rtcp;
}

/* What counted once counts no more. */
static void deliver_again(struct attack *attack, uint8_t host) {
  feed_time(attack);
  struct likeness before = take_likeness(attack);
  deliver(attack, host, attack->last, attack->last_len);
  struct likeness after = take_likeness(attack);
  if (attack->last_counted) {
    check_same(&before, &after);
  }
}

static void come_raw(struct attack *attack, struct fuzz_script *script) {
  uint8_t host = fuzz_take_u8(script);
  size_t len = 0;
  uint8_t *data = fuzz_take_bytes(script, fuzz_take_u16(script) % sizeof attack->last, &len);
  feed_time(attack);
  struct likeness before = take_likeness(attack);
  deliver_and_keep(attack, host, data, len);
  struct likeness after = take_likeness(attack);
  /* While hands are shaken, DTLS in clear is believed, but for an alert. */
  bool is_alert = len > 0 && data[0] == 21;
  if (attack->connected || host % 64 != 0 || is_alert) {
    check_same(&before, &after);
  }
  free(data);
}

static struct paw_srtp *session_of(struct attack *attack, size_t which) {
  struct world_end *peer = &attack->world->ends[attack->peer];
  if (which == 0) {
    return peer->rtc->srtp;
  }
  if (attack->sessions[which] == NULL) {
    FUZZ_CHECK(paw_srtp_new(&heap, &attack->keys, peer->rtc->local_ssrc + (uint32_t)which,
                            &attack->sessions[which]) == PAW_OK);
  }
  return attack->sessions[which];
}

static void come_rtp(struct attack *attack, struct fuzz_script *script) {
  uint8_t packet[PAW_DATAGRAM_MAX];
  struct paw_wr wr = paw_wr_init(packet, sizeof packet);
  uint8_t host = fuzz_take_u8(script);
  size_t which = fuzz_take_u8(script) % SSRCS_MAX;
  paw_wr_u8(&wr, (fuzz_take_u8(script) & 0x3f) | 0x80);
  paw_wr_u8(&wr, fuzz_take_u8(script));
  paw_wr_u16(&wr, fuzz_take_u16(script));
  paw_wr_u32(&wr, fuzz_take_u16(script) * UINT32_C(64));
  paw_wr_u32(&wr, attack->world->ends[attack->peer].rtc->local_ssrc + (uint32_t)which);
  size_t len = 0;
  uint8_t *rest = fuzz_take_bytes(script, fuzz_take_u8(script), &len);
  paw_wr_bytes(&wr, rest, len);
  free(rest);
  len = wr.len;
  if (attack->connected &&
      paw_srtp_protect_rtp(session_of(attack, which), packet, &len, sizeof packet) == PAW_OK) {
    attack->world->forged = true;
    deliver_authentic(attack, host, packet, len);
  }
}

static void put_ssrc(uint8_t *packet, size_t at, uint32_t ssrc) {
  for (size_t i = 0; i < 4; i++) {
    packet[at + i] = (uint8_t)(ssrc >> (24 - 8 * i));
  }
}

/* `packet` has room for the trailer. */
static void come_rtcp(struct attack *attack, uint8_t host, uint8_t *packet, size_t len,
                      size_t room) {
  const struct paw_rtc *peer = attack->world->ends[attack->peer].rtc;
  uint32_t victim_ssrc = world_rtc(attack->world, attack->victim)->local_ssrc;
  for (size_t at = 4; at + 4 <= len; at += 4) {
    if (at == 4 || memcmp(packet + at, "PPPP", 4) == 0) {
      put_ssrc(packet, at, peer->local_ssrc);
    } else if (memcmp(packet + at, "VVVV", 4) == 0) {
      put_ssrc(packet, at, victim_ssrc);
    }
  }
  if (attack->connected &&
      paw_srtp_protect_rtcp(session_of(attack, 0), packet, &len, room) == PAW_OK) {
    deliver_authentic(attack, host, packet, len);
  }
}

static void come_rtcp_as_it_is(struct attack *attack, struct fuzz_script *script) {
  uint8_t packet[PAW_DATAGRAM_MAX];
  uint8_t host = fuzz_take_u8(script);
  size_t len = 0;
  uint8_t *bytes = fuzz_take_bytes(script, fuzz_take_u8(script), &len);
  if (len > 0) {
    memcpy(packet, bytes, len);
  }
  free(bytes);
  come_rtcp(attack, host, packet, len, sizeof packet);
}

static void come_compound(struct attack *attack, struct fuzz_script *script) {
  uint8_t packet[PAW_DATAGRAM_MAX];
  struct paw_wr wr = paw_wr_init(packet, sizeof packet - PAW_SRTP_TRAILER_MAX);
  uint8_t host = fuzz_take_u8(script);
  size_t count = fuzz_take_u8(script) % 4 + 1;
  for (size_t i = 0; i < count; i++) {
    size_t len = 0;
    paw_wr_u8(&wr, (fuzz_take_u8(script) & 0x3f) | 0x80);
    paw_wr_u8(&wr, fuzz_take_u8(script));
    size_t words = fuzz_take_u8(script) % 64;
    uint8_t *body = fuzz_take_bytes(script, words * 4, &len);
    paw_wr_u16(&wr, (uint16_t)words);
    paw_wr_bytes(&wr, body, len);
    paw_wr_zeros(&wr, words * 4 - len);
    free(body);
  }
  FUZZ_CHECK(!wr.bad);
  come_rtcp(attack, host, packet, wr.len, sizeof packet);
}

/* Integrity and fingerprint over all that is there by now. */
static void seal(struct paw_wr *wr, const char *pwd) {
  struct paw_slice covered = {wr->data, wr->len};
  paw_wr_u32(wr, 0x00080014);
  uint8_t *mac = paw_wr_claim(wr, PAW_HMAC_LEN);
  paw_wr_patch_u16(wr, 2, (uint16_t)(wr->len - PAW_STUN_HEADER_LEN));
  FUZZ_CHECK(kit_hmac((const uint8_t *)pwd, strlen(pwd), covered, mac) == PAW_OK);
  size_t summed = wr->len;
  paw_wr_patch_u16(wr, 2, (uint16_t)(wr->len + 8 - PAW_STUN_HEADER_LEN));
  uint32_t sum = paw_stun_crc32(wr->data, summed);
  paw_wr_u32(wr, 0x80280004);
  paw_wr_u32(wr, sum ^ UINT32_C(0x5354554e));
  FUZZ_CHECK(!wr->bad);
}

static void come_request(struct attack *attack, struct fuzz_script *script) {
  uint8_t host = fuzz_take_u8(script);
  uint8_t flags = fuzz_take_u8(script);
  const struct paw_rtc *victim = world_rtc(attack->world, attack->victim);
  const struct paw_ice_credentials *own = paw_ice_get_credentials(victim->ice);
  char username[PAW_ICE_CREDENTIAL_MAX + 8];
  int username_len = snprintf(username, sizeof username, "%s:peer", own->ufrag);
  uint64_t tie_breaker = (flags & REQUEST_HIGH) != 0 ? UINT64_MAX : 0;
  struct paw_stun_message message = {
      .class = PAW_STUN_REQUEST,
      .method = PAW_STUN_METHOD_BINDING,
      .id = {1, 2, 3, flags, host},
      .has = PAW_STUN_HAS_USERNAME,
      .username = {(const uint8_t *)username, (size_t)username_len},
      .priority = 0x6e0000ff,
      .controlling = tie_breaker,
      .controlled = tie_breaker,
  };
  message.has |=
      (flags & REQUEST_CONTROLLED) != 0 ? PAW_STUN_HAS_CONTROLLED : PAW_STUN_HAS_CONTROLLING;
  message.has |= (flags & REQUEST_USE_CANDIDATE) != 0 ? PAW_STUN_HAS_USE_CANDIDATE : 0;
  message.has |= (flags & REQUEST_NO_PRIORITY) == 0 ? PAW_STUN_HAS_PRIORITY : 0;
  uint8_t bytes[PAW_DATAGRAM_MAX];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  FUZZ_CHECK(paw_stun_write(&wr, &message, KIT_HMAC_KEY(NULL, 0)) == PAW_OK);
  uint16_t type = fuzz_take_u16(script);
  size_t len = 0;
  uint8_t *value = fuzz_take_bytes(script, fuzz_take_u8(script), &len);
  if (type != 0) {
    paw_wr_u16(&wr, type);
    paw_wr_u16(&wr, (uint16_t)len);
    paw_wr_bytes(&wr, value, len);
    paw_wr_zeros(&wr, (4 - len % 4) % 4);
  }
  free(value);
  seal(&wr, own->pwd);
  deliver_and_keep(attack, host, bytes, wr.len);
}

/* ---- the script ---- */

static void speak(struct attack *attack, size_t end, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint8_t frame[60] = {0xf8, (uint8_t)attack->world->ends[end].media_rtp, (uint8_t)end};
    world_speak(attack->world, end, frame, sizeof frame - i);
    world_run(attack->world, 20);
  }
}

static void act(struct attack *attack, struct fuzz_script *script, uint8_t operation) {
  struct world *world = attack->world;
  struct world_datagram *datagram = NULL;
  uint8_t which = 0;
  if (world_act_in_time(world, script, operation)) {
    return;
  }
  switch (operation) {
  case 2:
    come_raw(attack, script);
    break;
  case 3:
    come_rtp(attack, script);
    break;
  case 4:
    come_rtcp_as_it_is(attack, script);
    break;
  case 5:
    come_compound(attack, script);
    break;
  case 6:
    come_request(attack, script);
    break;
  case 7:
    deliver_again(attack, fuzz_take_u8(script));
    break;
  case 8:
  case 9:
    speak(attack, operation == 8 ? attack->victim : attack->peer, fuzz_take_u8(script) % 32);
    break;
  case 10:
    which = fuzz_take_u8(script);
    world_ask_again(world, attack->victim, which, fuzz_take_u8(script));
    break;
  case 11:
  case 12:
    paw_rtc_close(world_rtc(world, operation == 11 ? attack->peer : attack->victim),
                  world->clock.now_ns);
    break;
  case 13:
    world_toggle_drain(world, attack->victim);
    break;
  default:
    datagram = world_take(world, fuzz_take_u8(script));
    if (datagram != NULL && operation == 14) {
      world_receive(world, &datagram->from, &datagram->to, datagram->data, datagram->len);
    }
    free(datagram);
    break;
  }
}

static void note_keys(struct attack *attack) {
  const struct paw_rtc *peer = attack->world->ends[attack->peer].rtc;
  attack->connected = attack->connected || paw_dtls_get_keys(peer->dtls, &attack->keys) == PAW_OK;
}

static void begin(struct attack *attack, uint8_t mode) {
  struct world_config config;
  world_config_init(&config, (mode & HUB) != 0, (mode & RTX) != 0);
  *attack = (struct attack){.victim = config.hub ? 0 : 1, .peer = config.hub ? 1 : 0};
  struct paw_rtc_config *victim = &config.rtc[attack->victim];
  victim->ice_mode = (mode & LITE) != 0 ? PAW_ICE_LITE : PAW_ICE_FULL;
  if ((mode & SENDS_ONLY) != 0) {
    victim->audio.direction = PAW_DIRECTION_SENDONLY;
  } else if ((mode & RECEIVES_ONLY) != 0) {
    victim->audio.direction = PAW_DIRECTION_RECVONLY;
  }
  attack->world = world_new(&config);
  /* A lite one offers: the answerer would become full. */
  FUZZ_CHECK(world_negotiate(attack->world, attack->victim, false) == PAW_OK);
  if ((mode & NO_KEYS) != 0) {
    world_run(attack->world, 3);
    return;
  }
  FUZZ_CHECK(world_connect(attack->world));
  note_keys(attack);
  FUZZ_CHECK(attack->connected);
  if ((mode & HAS_SPOKEN) != 0) {
    speak(attack, attack->victim, 3);
    speak(attack, attack->peer, 3);
  }
}

/* Nothing that a peer can say ends a connection in any other way. */
static void check_reason(const struct attack *attack) {
  const struct world_end *victim = &attack->world->ends[attack->victim];
  if (attack->connected && victim->closed) {
    FUZZ_CHECK(victim->reason == PAW_CLOSE_LOCAL || victim->reason == PAW_CLOSE_PEER ||
               victim->reason == PAW_CLOSE_CONSENT || victim->reason == PAW_CLOSE_REVOKED ||
               victim->reason == PAW_CLOSE_ICE_FAILED);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_script script = {.data = data, .left = size};
  struct attack attack;
  begin(&attack, fuzz_take_u8(&script));
  while (!fuzz_script_ended(&script)) {
    act(&attack, &script, fuzz_take_u8(&script) % 16);
    world_drain(attack.world);
    note_keys(&attack);
    world_check_limits(attack.world);
  }
  check_reason(&attack);
  world_free(attack.world);
  for (size_t i = 0; i < SSRCS_MAX; i++) {
    paw_srtp_free(attack.sessions[i], &heap);
  }
  return 0;
}
