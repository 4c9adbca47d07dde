/* SPDX-License-Identifier: MIT */
/* An ICE agent, its time, its network and a peer that has the credentials, as a script has it.
 *
 * The first byte says what the agent is: 1 lite, 2 controlling at first, 4 the peer is lite, 8 its
 * credentials are known from the start. The next one says how many local candidates it begins with
 * (modulo 5). Then, until the input ends, operations of one byte (modulo 21) with arguments:
 *    0  time passes: milliseconds (2)
 *    1  time passes until the deadline
 *    2  a datagram comes: local, remote, length (1 each), bytes
 *    3  a request with integrity comes: local, remote, flags of enum request_flag (1 each)
 *    4  an answer to one of the last 16 requests comes: which, flags of enum answer_flag, code (1
 *       each; the code is of an error, and the address that a success tells)
 *    5  a local candidate is added: which, type (1 each)
 *    6  a local candidate is removed: which (1)
 *    7  a remote candidate is added: which, type (1 each), priority (4)
 *    8  ICE restart
 *    9  the peer's credentials are told: which (1)
 *   10  authentic data came: local, remote (1 each)
 *   11  the role is set: which (1)
 *   12  an indication comes: local, remote (1 each)
 *   13  the agent is closed, if the byte that follows is 13 too
 *   14  outputs are polled no more, or again
 *   15  the last datagram comes once more
 *   16  time seems to go back: milliseconds (1)
 *   17  an allocation fails: which from now on (1), 0 = none
 *   18  the random source fails, or works again
 *   19  the peer answers every request that it has not answered yet
 *   20  time passes, as in 1, and the peer answers everything, as in 19: hundreds of ms (1)
 * Which local address: 4 hosts and 8 ports; which remote one: 4 and 16, a source of the local one's
 * family.
 */
#include "fuzz.h"
#include "kit/hmac.h"

#include "base/limits.h"
#include "base/wr.h"
#include "ice/ice_private.h"
#include "kit/alloc.h"
#include "kit/clock.h"
#include "kit/rng.h"

enum mode_flag { MODE_LITE = 1, MODE_CONTROLLING = 2, MODE_PEER_LITE = 4, MODE_CREDENTIALS = 8 };

enum request_flag {
  REQUEST_USE_CANDIDATE = 1,
  REQUEST_CONTROLLED = 2, /* the peer says that it is; else controlling */
  REQUEST_HIGH = 4,       /* it has the greatest tie-breaker; else the least */
  REQUEST_WRONG_PASSWORD = 8,
  REQUEST_NO_PRIORITY = 16,
  REQUEST_PAST = 32, /* by the credentials of before the restart */
  REQUEST_WRONG_USERNAME = 64,
  REQUEST_HIGH_PRIORITY = 128,
};

enum answer_flag {
  ANSWER_ERROR = 1,
  ANSWER_WRONG_PASSWORD = 2,
  ANSWER_WRONG_SOURCE = 4,
  ANSWER_OTHER_MAPPED = 8, /* another address than that it was sent from */
  ANSWER_WITHOUT_MAPPED = 16,
  ANSWER_OPEN = 32, /* without integrity */
};

#define ASKED_MAX 16
#define DRAIN_MAX 1000
#define LOCALS_MAX (PAW_DESCRIPTION_CANDIDATES_MAX + PAW_ICE_LEARNT_MAX)

/* What the agent holds at most: itself, its tables while one of them moves, its answers, and the
 * credentials of before a restart. */
#define AGENT_BYTES_MAX 65536

/* A request that the agent has sent. */
struct asked {
  struct paw_address local;
  struct paw_address remote;
  uint8_t id[PAW_STUN_ID_LEN];
  bool answered;
};

struct world {
  struct kit_allocator memory;
  struct kit_rng rng;
  struct kit_clock clock; /* the greatest time that was told */
  struct paw_ice *ice;
  uint64_t deadline_ns;
  bool undrained;
  bool proven;                     /* somebody with a password has spoken */
  struct paw_ice_credentials past; /* the agent's of before the last restart */
  struct asked asked[ASKED_MAX];
  size_t asked_count; /* ever */
  struct paw_address last_local;
  struct paw_address last_remote;
  uint8_t last[PAW_DATAGRAM_MAX];
  size_t last_len;
};

/* ---- addresses and credentials ---- */

static struct paw_address address_of(const char *const *hosts, uint8_t which, uint16_t port) {
  struct paw_address address;
  FUZZ_CHECK(paw_address_parse(hosts[which % 4], &address) == PAW_OK);
  address.port = port;
  return address;
}

static struct paw_address local_of(uint8_t which) {
  static const char *const hosts[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1", "fe80::1%3"};
  return address_of(hosts, which, (uint16_t)(10000 + which / 4 % 8));
}

static struct paw_address remote_of(uint8_t which) {
  static const char *const hosts[] = {"192.0.2.9", "198.51.100.7", "2001:db8::9", "fe80::9%3"};
  return address_of(hosts, which, (uint16_t)(20000 + which / 4 % 16));
}

/* Nothing comes from an address of another family. */
static struct paw_address source_of(const struct paw_address *local, uint8_t which) {
  struct paw_address remote = remote_of(which);
  return remote.family == local->family ? remote : remote_of(which ^ 2);
}

static struct paw_ice_credentials peer_credentials(uint8_t which) {
  struct paw_ice_credentials credentials = {{0}, {0}};
  size_t ufrag_len = which % 4 == 2 ? PAW_ICE_CREDENTIAL_MAX : which % 4 == 3 ? 3 : 4;
  memset(credentials.ufrag, 'a' + which % 4, ufrag_len);
  memset(credentials.pwd, 'k' + which % 4, which % 4 == 2 ? PAW_ICE_CREDENTIAL_MAX : 22);
  return credentials;
}

/* ---- what comes out ---- */

static void check_containers(const struct world *world) {
  const struct paw_ice *ice = world->ice;
  FUZZ_CHECK(ice->locals.count <= LOCALS_MAX);
  FUZZ_CHECK(ice->remotes.count <= PAW_ICE_REMOTES_MAX);
  FUZZ_CHECK(ice->pairs.count <= PAW_ICE_PAIRS_MAX);
  FUZZ_CHECK(ice->answers.size <= PAW_ICE_ANSWERS_MAX_BYTES);
  FUZZ_CHECK(world->memory.outstanding_bytes <= AGENT_BYTES_MAX);
  for (int i = 0; i < ice->pairs.count; i++) {
    const struct ice_pair *pair = paw_ice_pair(ice, i);
    FUZZ_CHECK(pair->local < ice->locals.count && pair->remote < ice->remotes.count);
  }
  FUZZ_CHECK(ice->selected == ICE_PAIR_NONE || ice->selected < ice->pairs.count);
}

/* Without a password nobody gets anywhere. */
static void check_proof(const struct world *world) {
  struct paw_address local;
  struct paw_address remote;
  if (!world->proven) {
    FUZZ_CHECK(!paw_ice_get_selected_pair(world->ice, &local, &remote));
    for (uint8_t i = 0; i < 16; i++) {
      local = local_of(i % 4);
      remote = remote_of(i / 4);
      FUZZ_CHECK(!paw_ice_is_valid_pair(world->ice, &local, &remote));
    }
  }
}

static void note_transmit(struct world *world, const struct paw_transmit *transmit) {
  struct paw_stun_message message;
  FUZZ_CHECK(transmit->len > 0 && transmit->len <= PAW_ICE_MESSAGE_MAX);
  FUZZ_CHECK(transmit->local.family != PAW_FAMILY_NONE);
  FUZZ_CHECK(transmit->local.family == transmit->remote.family);
  uint8_t *copy = fuzz_copy(transmit->data, transmit->len);
  FUZZ_CHECK(paw_stun_read(copy, transmit->len, &message) == PAW_STUN_FAULT_NONE);
  FUZZ_CHECK(message.method == PAW_STUN_METHOD_BINDING && message.unknown_count == 0);
  FUZZ_CHECK(paw_stun_check_fingerprint(&message));
  if (message.class == PAW_STUN_REQUEST) {
    FUZZ_CHECK((message.has & PAW_STUN_HAS_INTEGRITY) != 0);
    struct asked *asked = &world->asked[world->asked_count++ % ASKED_MAX];
    *asked = (struct asked){.local = transmit->local, .remote = transmit->remote};
    memcpy(asked->id, message.id, sizeof asked->id);
  } else {
    FUZZ_CHECK(message.class == PAW_STUN_SUCCESS || message.class == PAW_STUN_ERROR);
  }
  free(copy);
}

static void drain(struct world *world) {
  struct paw_ice_output output;
  for (size_t i = 0;; i++) {
    FUZZ_CHECK(i < DRAIN_MAX);
    paw_ice_poll_output(world->ice, &output);
    switch (output.kind) {
    case PAW_OUTPUT_TRANSMIT:
      note_transmit(world, &output.transmit);
      break;
    case PAW_OUTPUT_EVENT:
      FUZZ_CHECK(output.event.kind == PAW_ICE_EVENT_STATE ||
                 output.event.local.family != PAW_FAMILY_NONE);
      break;
    case PAW_OUTPUT_TIMEOUT:
      world->deadline_ns = output.timeout.deadline_ns;
      FUZZ_CHECK(world->deadline_ns > world->clock.now_ns);
      return;
    }
  }
}

/* ---- what goes in ---- */

static void feed(struct world *world, const struct paw_input *input) {
  bool closed = paw_ice_get_state(world->ice) == PAW_ICE_STATE_CLOSED;
  if (input->kind == PAW_INPUT_RECEIVE) {
    (void)paw_ice_accepts(world->ice, input);
  }
  int status = paw_ice_handle_input(world->ice, input);
  FUZZ_CHECK(status == (closed ? PAW_ERR_STATE : PAW_OK));
}

static void pass_to(struct world *world, uint64_t time_ns) {
  kit_clock_advance_to(&world->clock, time_ns);
  feed(world, &(struct paw_input){.kind = PAW_INPUT_TIMEOUT, .now_ns = world->clock.now_ns});
}

/* What only somebody with a password can change. */
struct likeness {
  enum paw_ice_state state;
  enum paw_ice_role role;
  int selected;
  int locals;
  int remotes;
  int pairs;
  uint64_t life_ns;
  uint64_t pairs_summed; /* state, flags and when they were heard */
};

static struct likeness take_likeness(const struct world *world) {
  const struct paw_ice *ice = world->ice;
  struct likeness likeness = {.state = ice->state,
                              .role = ice->role,
                              .selected = ice->selected,
                              .locals = ice->locals.count,
                              .remotes = ice->remotes.count,
                              .pairs = ice->pairs.count,
                              .life_ns = ice->life_ns};
  for (int i = 0; i < ice->pairs.count; i++) {
    const struct ice_pair *pair = paw_ice_pair(ice, i);
    uint64_t one = (uint64_t)pair->state << 8 | pair->flags;
    likeness.pairs_summed = likeness.pairs_summed * 31 + one + pair->valid_ns + pair->heard_ns;
  }
  return likeness;
}

static void check_same(const struct likeness *a, const struct likeness *b) {
  FUZZ_CHECK(a->state == b->state && a->role == b->role && a->selected == b->selected);
  FUZZ_CHECK(a->locals == b->locals && a->remotes == b->remotes && a->pairs == b->pairs);
  FUZZ_CHECK(a->life_ns == b->life_ns && a->pairs_summed == b->pairs_summed);
}

static void deliver(struct world *world, const struct paw_address *local,
                    const struct paw_address *remote, const uint8_t *data, size_t len) {
  uint8_t *copy = fuzz_copy(data, len);
  feed(world, &(struct paw_input){.kind = PAW_INPUT_RECEIVE,
                                  .now_ns = world->clock.now_ns,
                                  .local = *local,
                                  .remote = *remote,
                                  .data = copy,
                                  .len = len});
  free(copy);
  world->last_local = *local;
  world->last_remote = *remote;
  world->last_len = len;
  if (len > 0) {
    memmove(world->last, data, len);
  }
}

static void deliver_message(struct world *world, const struct paw_address *local,
                            const struct paw_address *remote,
                            const struct paw_stun_message *message, const char *pwd) {
  uint8_t bytes[PAW_DATAGRAM_MAX];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  FUZZ_CHECK(paw_stun_write(&wr, message, KIT_HMAC_KEY((const uint8_t *)pwd, strlen(pwd))) ==
             PAW_OK);
  deliver(world, local, remote, bytes, wr.len);
}

/* ---- operations ---- */

/* Before the next datagram, so that it is the datagram alone that could change anything. */
static struct likeness settle(struct world *world) {
  pass_to(world, world->clock.now_ns);
  return take_likeness(world);
}

static void deliver_raw(struct world *world, struct fuzz_script *script) {
  struct paw_address local = local_of(fuzz_take_u8(script));
  struct paw_address remote = source_of(&local, fuzz_take_u8(script));
  size_t len = 0;
  uint8_t *data = fuzz_take_bytes(script, fuzz_take_u8(script), &len);
  struct likeness before = settle(world);
  deliver(world, &local, &remote, data, len);
  struct likeness after = take_likeness(world);
  check_same(&before, &after);
  free(data);
}

static void deliver_request(struct world *world, struct fuzz_script *script) {
  struct paw_address local = local_of(fuzz_take_u8(script));
  struct paw_address remote = source_of(&local, fuzz_take_u8(script));
  uint8_t flags = fuzz_take_u8(script);
  const struct paw_ice_credentials *own =
      (flags & REQUEST_PAST) != 0 ? &world->past : paw_ice_get_credentials(world->ice);
  char username[PAW_ICE_CREDENTIAL_MAX + 8];
  int username_len = snprintf(username, sizeof username, "%s:peer", own->ufrag);
  struct paw_stun_message message = {
      .class = PAW_STUN_REQUEST,
      .method = PAW_STUN_METHOD_BINDING,
      .has = PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_INTEGRITY | PAW_STUN_HAS_FINGERPRINT,
      .username = {(const uint8_t *)username, (size_t)username_len},
      .priority = (flags & REQUEST_HIGH_PRIORITY) != 0 ? UINT32_MAX : 0x6e0000ff,
  };
  kit_rng_bytes(&world->rng, message.id, sizeof message.id);
  uint64_t tie_breaker = (flags & REQUEST_HIGH) != 0 ? UINT64_MAX : 0;
  message.controlling = tie_breaker;
  message.controlled = tie_breaker;
  message.has |=
      (flags & REQUEST_CONTROLLED) != 0 ? PAW_STUN_HAS_CONTROLLED : PAW_STUN_HAS_CONTROLLING;
  if ((flags & REQUEST_USE_CANDIDATE) != 0) {
    message.has |= PAW_STUN_HAS_USE_CANDIDATE;
  }
  if ((flags & REQUEST_NO_PRIORITY) == 0) {
    message.has |= PAW_STUN_HAS_PRIORITY;
  }
  if ((flags & REQUEST_WRONG_USERNAME) != 0) {
    message.username.len--;
    message.username.data++;
  }
  bool wrong = (flags & REQUEST_WRONG_PASSWORD) != 0;
  world->proven = world->proven || !wrong;
  struct likeness before = settle(world);
  deliver_message(world, &local, &remote, &message, wrong ? "another password" : own->pwd);
  struct likeness after = take_likeness(world);
  if (wrong || (flags & REQUEST_WRONG_USERNAME) != 0) {
    check_same(&before, &after);
  }
}

/* By the password that the agent's peer has now. */
static void answer(struct world *world, struct asked *asked, uint8_t flags, uint8_t code) {
  const char *pwd = paw_ice_get_remote_credentials(world->ice)->pwd;
  bool open = (flags & ANSWER_OPEN) != 0;
  bool wrong = (flags & ANSWER_WRONG_PASSWORD) != 0;
  struct paw_stun_message message = {
      .class = PAW_STUN_SUCCESS,
      .method = PAW_STUN_METHOD_BINDING,
      .has = PAW_STUN_HAS_FINGERPRINT | (open ? 0 : PAW_STUN_HAS_INTEGRITY),
      .xor_mapped = asked->local,
      .error_code = (uint16_t)(300 + code),
  };
  memcpy(message.id, asked->id, sizeof message.id);
  if ((flags & ANSWER_ERROR) != 0) {
    message.class = PAW_STUN_ERROR;
    message.has |= PAW_STUN_HAS_ERROR;
  } else if ((flags & ANSWER_WITHOUT_MAPPED) == 0) {
    message.has |= PAW_STUN_HAS_XOR_MAPPED;
  }
  if ((flags & ANSWER_OTHER_MAPPED) != 0) {
    message.xor_mapped = local_of(code);
    message.xor_mapped.port = (uint16_t)(message.xor_mapped.port + 1000);
  }
  bool elsewhere = (flags & ANSWER_WRONG_SOURCE) != 0;
  bool was_valid = paw_ice_is_valid_pair(world->ice, &asked->local, &asked->remote);
  struct paw_address source = asked->remote;
  source.port = (uint16_t)(source.port + (elsewhere ? 1 : 0));
  world->proven = world->proven || (!open && !wrong);
  asked->answered = true;
  struct likeness before = settle(world);
  deliver_message(world, &asked->local, &source, &message, wrong ? "another password" : pwd);
  struct likeness after = take_likeness(world);
  if (open || wrong) {
    check_same(&before, &after);
  } else if (elsewhere && !was_valid) {
    FUZZ_CHECK(!paw_ice_is_valid_pair(world->ice, &asked->local, &asked->remote));
  }
}

static void answer_one(struct world *world, struct fuzz_script *script) {
  uint8_t which = fuzz_take_u8(script);
  uint8_t flags = fuzz_take_u8(script);
  uint8_t code = fuzz_take_u8(script);
  size_t known = world->asked_count < ASKED_MAX ? world->asked_count : ASKED_MAX;
  if (known > 0) {
    answer(world, &world->asked[(world->asked_count - 1 - which % known) % ASKED_MAX], flags, code);
  }
}

static void answer_all(struct world *world) {
  for (size_t i = 0; i < ASKED_MAX && i < world->asked_count; i++) {
    if (!world->asked[i].answered) {
      answer(world, &world->asked[i], 0, 0);
    }
  }
}

static void live_on(struct world *world, uint64_t ms) {
  uint64_t end_ns = world->clock.now_ns + ms * PAW_NS_PER_MS;
  while (world->clock.now_ns < end_ns) {
    drain(world);
    answer_all(world);
    drain(world);
    pass_to(world, world->deadline_ns < end_ns ? world->deadline_ns : end_ns);
  }
}

static void add_local(struct world *world, uint8_t which, uint8_t type) {
  struct paw_candidate candidate = {.type = (enum paw_candidate_type)(type % 4),
                                    .address = local_of(which)};
  if (candidate.type != PAW_CANDIDATE_HOST) {
    candidate.base = candidate.address;
    candidate.address.port = (uint16_t)(candidate.address.port + 1000);
  }
  int status = paw_ice_add_local_candidate(world->ice, &candidate);
  FUZZ_CHECK(status == PAW_OK || status == PAW_ERR_LIMIT || status == PAW_ERR_STATE ||
             status == PAW_ERR_NO_MEMORY || status == PAW_ERR_UNSUPPORTED);
  FUZZ_CHECK(status != PAW_ERR_NO_MEMORY || world->memory.failed > 0);
}

static void add_remote(struct world *world, struct fuzz_script *script) {
  struct paw_candidate candidate = {.address = remote_of(fuzz_take_u8(script))};
  candidate.type = (enum paw_candidate_type)(fuzz_take_u8(script) % 4);
  candidate.priority = fuzz_take_u32(script);
  int status = paw_ice_add_remote_candidate(world->ice, &candidate);
  FUZZ_CHECK(status == PAW_OK || status == PAW_ERR_LIMIT || status == PAW_ERR_STATE ||
             status == PAW_ERR_NO_MEMORY);
  FUZZ_CHECK(status != PAW_ERR_NO_MEMORY || world->memory.failed > 0);
}

static void restart(struct world *world) {
  struct paw_ice_credentials before = *paw_ice_get_credentials(world->ice);
  int status = paw_ice_restart(world->ice, world->clock.now_ns);
  FUZZ_CHECK(status == PAW_OK || status == PAW_ERR_STATE || status == PAW_ERR_RANDOM ||
             status == PAW_ERR_NO_MEMORY);
  if (status == PAW_OK) {
    world->past = before;
  }
}

static void set_remote(struct world *world, uint8_t which, bool lite) {
  struct paw_ice_credentials credentials = peer_credentials(which);
  int status = paw_ice_set_remote(world->ice, &credentials, lite);
  FUZZ_CHECK(which % 4 == 3 ? status == PAW_ERR_INVALID
                            : status == PAW_OK || status == PAW_ERR_STATE);
}

static void note_data(struct world *world, uint8_t local, uint8_t remote) {
  struct paw_address local_address = local_of(local);
  struct paw_address remote_address = source_of(&local_address, remote);
  paw_ice_note_authenticated(world->ice, world->clock.now_ns, &local_address, &remote_address);
}

static void deliver_indication(struct world *world, uint8_t local, uint8_t remote) {
  const struct paw_stun_message message = {.class = PAW_STUN_INDICATION,
                                           .method = PAW_STUN_METHOD_BINDING,
                                           .has = PAW_STUN_HAS_FINGERPRINT};
  struct paw_address local_address = local_of(local);
  struct paw_address remote_address = source_of(&local_address, remote);
  deliver_message(world, &local_address, &remote_address, &message, "");
}

static void go_back(struct world *world, uint64_t ms) {
  feed(world, &(struct paw_input){.kind = PAW_INPUT_TIMEOUT,
                                  .now_ns = world->clock.now_ns - ms * PAW_NS_PER_MS});
}

/* What comes from outside. */
static void act_outside(struct world *world, struct fuzz_script *script, uint8_t operation) {
  switch (operation) {
  case 0:
    pass_to(world, world->clock.now_ns + fuzz_take_u16(script) * PAW_NS_PER_MS);
    break;
  case 1:
    if (world->deadline_ns != PAW_TIME_NEVER) {
      pass_to(world, world->deadline_ns);
    }
    break;
  case 2:
    deliver_raw(world, script);
    break;
  case 3:
    deliver_request(world, script);
    break;
  case 4:
    answer_one(world, script);
    break;
  case 12: {
    uint8_t local = fuzz_take_u8(script);
    deliver_indication(world, local, fuzz_take_u8(script));
    break;
  }
  case 15:
    if (world->last_len > 0) {
      deliver(world, &world->last_local, &world->last_remote, world->last, world->last_len);
    }
    break;
  case 16:
    go_back(world, fuzz_take_u8(script));
    break;
  case 19:
    answer_all(world);
    break;
  case 20:
    live_on(world, fuzz_take_u8(script) * UINT64_C(100));
    break;
  default:
    break;
  }
}

/* What its owner does, and what befalls it. */
static void act_inside(struct world *world, struct fuzz_script *script, uint8_t operation) {
  uint8_t which = 0;
  switch (operation) {
  case 5:
    which = fuzz_take_u8(script);
    add_local(world, which, fuzz_take_u8(script));
    break;
  case 6: {
    struct paw_address local = local_of(fuzz_take_u8(script));
    int status = paw_ice_remove_local_candidate(world->ice, &local);
    FUZZ_CHECK(status == PAW_OK || status == PAW_ERR_STATE);
    break;
  }
  case 7:
    add_remote(world, script);
    break;
  case 8:
    restart(world);
    break;
  case 9:
    which = fuzz_take_u8(script);
    set_remote(world, which, (which & 4) != 0);
    break;
  case 10:
    which = fuzz_take_u8(script);
    note_data(world, which, fuzz_take_u8(script));
    break;
  case 11: {
    int status = paw_ice_set_role(world->ice, (enum paw_ice_role)(fuzz_take_u8(script) % 2));
    FUZZ_CHECK(status == PAW_OK || status == PAW_ERR_STATE);
    break;
  }
  case 13:
    if (fuzz_take_u8(script) == 13) {
      paw_ice_close(world->ice);
    }
    break;
  case 14:
    world->undrained = !world->undrained;
    break;
  case 17:
    world->memory.fail_nth = fuzz_take_u8(script);
    break;
  case 18:
    world->rng.failing = !world->rng.failing;
    break;
  default:
    break;
  }
}

static void begin(struct world *world, uint8_t mode, uint8_t locals) {
  struct paw_ice_config config;
  memset(world, 0, sizeof *world);
  kit_rng_init(&world->rng, 1);
  kit_clock_init(&world->clock);
  paw_ice_config_init(&config);
  config.mode = (mode & MODE_LITE) != 0 ? PAW_ICE_LITE : PAW_ICE_FULL;
  config.role = (mode & MODE_CONTROLLING) != 0 ? PAW_ICE_CONTROLLING : PAW_ICE_CONTROLLED;
  config.allocator = kit_allocator_hook(&world->memory);
  config.rng = kit_rng_hook(&world->rng);
  FUZZ_CHECK(paw_ice_new(&config, world->clock.now_ns, &world->ice) == PAW_OK);
  for (uint8_t i = 0; i < locals % 5; i++) {
    add_local(world, i, PAW_CANDIDATE_HOST);
  }
  if ((mode & MODE_CREDENTIALS) != 0) {
    set_remote(world, 0, (mode & MODE_PEER_LITE) != 0);
  }
  drain(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_script script = {.data = data, .left = size};
  struct world world;
  uint8_t mode = fuzz_take_u8(&script);
  begin(&world, mode, fuzz_take_u8(&script));
  while (!fuzz_script_ended(&script)) {
    uint8_t operation = fuzz_take_u8(&script) % 21;
    act_outside(&world, &script, operation);
    act_inside(&world, &script, operation);
    if (!world.undrained) {
      drain(&world);
    }
    check_containers(&world);
    check_proof(&world);
  }
  drain(&world);
  paw_ice_free(world.ice);
  FUZZ_CHECK(world.memory.outstanding_bytes == 0);
  return 0;
}
