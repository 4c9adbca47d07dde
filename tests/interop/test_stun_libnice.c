/* SPDX-License-Identifier: MIT */
/* Our STUN codec and libnice's, message by message: each reads what the other writes, and both
 * refuse the same, but for the rows of `differences`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <stun/debug.h>
#include <stun/stunagent.h>
#include <stun/usages/bind.h>
#include <stun/usages/ice.h>

#include "kit/hmac.h"
#include "raw_stun.h"

#define PRIORITY 0x6e7f1eff
#define TIE_BREAKER UINT64_C(0x0123456789abcdef)
#define ROOM 1280

static const uint8_t *const password = (const uint8_t *)RAW_PASSWORD;
static const size_t password_len = sizeof RAW_PASSWORD - 1;

static void init_nice_with(StunAgent *nice, unsigned more_flags) {
  unsigned flags = STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT;
  stun_agent_init(nice, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
                  (StunAgentUsageFlags)(flags | more_flags));
}

/* As libnice's ICE agent does: indications need no integrity. */
static void init_nice(StunAgent *nice) {
  init_nice_with(nice, STUN_AGENT_USAGE_NO_INDICATION_AUTH);
}

static StunValidationStatus validate(StunAgent *nice, StunMessage *message, const uint8_t *data,
                                     size_t len) {
  StunDefaultValidaterData known[] = {{(uint8_t *)RAW_USERNAME, sizeof RAW_USERNAME - 1,
                                       (uint8_t *)RAW_PASSWORD, sizeof RAW_PASSWORD - 1},
                                      {NULL, 0, NULL, 0}};
  return stun_agent_validate(nice, message, data, len, stun_agent_default_validater, known);
}

static struct paw_slice text(const char *value) {
  return (struct paw_slice){.data = (const uint8_t *)value, .len = strlen(value)};
}

static void assert_text(struct paw_slice slice, const char *wanted) {
  assert_int_equal(slice.len, strlen(wanted));
  assert_memory_equal(slice.data, wanted, slice.len);
}

/* ---- both ways ---- */

/* Ours, written. The length. */
static size_t write_ours(const struct paw_stun_message *message, uint8_t data[ROOM]) {
  struct paw_wr wr = paw_wr_init(data, ROOM);
  assert_int_equal(paw_stun_write(&wr, message, KIT_HMAC_KEY(password, password_len)), PAW_OK);
  return wr.len;
}

/* libnice's, read and found right. */
static void read_ours(const uint8_t *data, size_t len, struct paw_stun_message *out) {
  assert_string_equal(paw_stun_fault_text(paw_stun_read(data, len, out)), "a STUN message");
  assert_true(paw_stun_check_fingerprint(out));
}

/* An ICE check of libnice, which libnice then waits to see answered. */
static size_t write_nice_check(StunAgent *nice, StunMessage *message, uint8_t data[ROOM],
                               bool controlling, bool nominate) {
  size_t len = stun_usage_ice_conncheck_create(
      nice, message, data, ROOM, (const uint8_t *)RAW_USERNAME, sizeof RAW_USERNAME - 1, password,
      password_len, nominate, controlling, PRIORITY, TIE_BREAKER, NULL,
      STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
  assert_true(len > 0);
  return len;
}

static void checks_of_libnice_are_read(void **state) {
  (void)state;
  for (int kind = 0; kind < 4; kind++) {
    bool controlling = (kind & 1) != 0;
    bool nominate = (kind & 2) != 0 && controlling;
    StunAgent nice;
    StunMessage request;
    uint8_t data[ROOM];
    init_nice(&nice);
    stun_agent_set_software(&nice, "libnice of old");
    size_t len = write_nice_check(&nice, &request, data, controlling, nominate);
    struct paw_stun_message message;
    read_ours(data, len, &message);
    assert_true(paw_stun_check_integrity(&message, KIT_HMAC_KEY(password, password_len)));
    assert_int_equal(message.class, PAW_STUN_REQUEST);
    assert_int_equal(message.method, PAW_STUN_METHOD_BINDING);
    assert_int_equal(message.unknown_count, 0);
    assert_text(message.username, RAW_USERNAME);
    assert_text(message.software, "libnice of old");
    assert_int_equal(message.priority, PRIORITY);
    assert_int_equal((message.has & PAW_STUN_HAS_USE_CANDIDATE) != 0, nominate);
    uint32_t role = controlling ? PAW_STUN_HAS_CONTROLLING : PAW_STUN_HAS_CONTROLLED;
    assert_int_equal(message.has & (PAW_STUN_HAS_CONTROLLING | PAW_STUN_HAS_CONTROLLED), role);
    assert_true((controlling ? message.controlling : message.controlled) == TIE_BREAKER);
    StunTransactionId id;
    stun_message_id(&request, id);
    assert_memory_equal(message.id, id + 4, PAW_STUN_ID_LEN);
  }
}

static void checks_of_ours_are_read(void **state) {
  (void)state;
  for (int kind = 0; kind < 4; kind++) {
    bool controlling = (kind & 1) != 0;
    bool nominate = (kind & 2) != 0;
    struct paw_stun_message message = {.class = PAW_STUN_REQUEST,
                                       .method = PAW_STUN_METHOD_BINDING,
                                       .id = "transaction1",
                                       .has = PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_SOFTWARE |
                                              PAW_STUN_HAS_PRIORITY | PAW_STUN_HAS_INTEGRITY |
                                              PAW_STUN_HAS_FINGERPRINT,
                                       .username = text(RAW_USERNAME),
                                       .software = text("odd"),
                                       .priority = PRIORITY,
                                       .controlling = TIE_BREAKER,
                                       .controlled = TIE_BREAKER};
    message.has |= controlling ? PAW_STUN_HAS_CONTROLLING : PAW_STUN_HAS_CONTROLLED;
    message.has |= nominate ? PAW_STUN_HAS_USE_CANDIDATE : 0;
    uint8_t data[ROOM];
    size_t len = write_ours(&message, data);
    StunAgent nice;
    StunMessage request;
    init_nice(&nice);
    assert_int_equal(validate(&nice, &request, data, len), STUN_VALIDATION_SUCCESS);
    assert_int_equal(stun_message_get_class(&request), STUN_REQUEST);
    assert_int_equal(stun_message_get_method(&request), STUN_BINDING);
    char value[64];
    assert_int_equal(stun_message_find_string(&request, STUN_ATTRIBUTE_USERNAME, value, 64), 0);
    assert_string_equal(value, RAW_USERNAME);
    assert_int_equal(stun_message_find_string(&request, STUN_ATTRIBUTE_SOFTWARE, value, 64), 0);
    assert_string_equal(value, "odd");
    assert_int_equal(stun_usage_ice_conncheck_priority(&request), PRIORITY);
    assert_int_equal(stun_usage_ice_conncheck_use_candidate(&request), nominate);
    uint64_t tie_breaker = 0;
    assert_int_equal(stun_message_find64(&request,
                                         controlling ? STUN_ATTRIBUTE_ICE_CONTROLLING
                                                     : STUN_ATTRIBUTE_ICE_CONTROLLED,
                                         &tie_breaker),
                     STUN_MESSAGE_RETURN_SUCCESS);
    assert_true(tie_breaker == TIE_BREAKER);
    assert_false(stun_message_has_attribute(
        &request, controlling ? STUN_ATTRIBUTE_ICE_CONTROLLED : STUN_ATTRIBUTE_ICE_CONTROLLING));
  }
}

static void indications_are_read(void **state) {
  (void)state;
  StunAgent nice;
  StunMessage nices;
  uint8_t data[ROOM];
  init_nice(&nice);
  size_t len = stun_usage_bind_keepalive(&nice, &nices, data, sizeof data);
  struct paw_stun_message ours;
  read_ours(data, len, &ours);
  assert_int_equal(ours.class, PAW_STUN_INDICATION);
  assert_int_equal(ours.has, PAW_STUN_HAS_FINGERPRINT);

  ours.has = PAW_STUN_HAS_FINGERPRINT;
  len = write_ours(&ours, data);
  assert_int_equal(validate(&nice, &nices, data, len), STUN_VALIDATION_SUCCESS);
  assert_int_equal(stun_message_get_class(&nices), STUN_INDICATION);
}

static socklen_t to_socket(const struct paw_address *address, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  if (address->family == PAW_FAMILY_IPV4) {
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)out;
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons(address->port);
    memcpy(&ipv4->sin_addr, address->ip, 4);
    return sizeof *ipv4;
  }
  struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)out;
  ipv6->sin6_family = AF_INET6;
  ipv6->sin6_port = htons(address->port);
  memcpy(&ipv6->sin6_addr, address->ip, 16);
  return sizeof *ipv6;
}

static const char *const addresses[] = {"192.0.2.1:1", "255.255.255.255:65535",
                                        "33.18.164.66:8466", /* the cookie: zeros when masked */
                                        "[2001:db8::1]:8443", "[fe80::1:2:3:4]:32853"};

static struct paw_address parse(const char *address) {
  struct paw_address out;
  assert_int_equal(paw_address_parse(address, &out), PAW_OK);
  return out;
}

static void answers_of_ours_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
    StunAgent nice;
    StunMessage request;
    StunMessage response;
    uint8_t asked[ROOM];
    uint8_t data[ROOM];
    init_nice(&nice);
    size_t len = write_nice_check(&nice, &request, asked, true, false);
    struct paw_stun_message message;
    read_ours(asked, len, &message);
    message.class = PAW_STUN_SUCCESS;
    message.has = PAW_STUN_HAS_XOR_MAPPED | PAW_STUN_HAS_MAPPED | PAW_STUN_HAS_INTEGRITY |
                  PAW_STUN_HAS_FINGERPRINT;
    message.xor_mapped = parse(addresses[i]);
    message.mapped = message.xor_mapped;
    len = write_ours(&message, data);
    assert_int_equal(validate(&nice, &response, data, len), STUN_VALIDATION_SUCCESS);
    struct sockaddr_storage wanted;
    struct sockaddr_storage got = {0};
    socklen_t wanted_len = to_socket(&message.xor_mapped, &wanted);
    socklen_t got_len = sizeof got;
    assert_int_equal(stun_usage_ice_conncheck_process(&response, &got, &got_len,
                                                      STUN_USAGE_ICE_COMPATIBILITY_RFC5245),
                     STUN_USAGE_ICE_RETURN_SUCCESS);
    assert_memory_equal(&got, &wanted, wanted_len);
    got_len = sizeof got;
    memset(&got, 0, sizeof got);
    assert_int_equal(
        stun_message_find_addr(&response, STUN_ATTRIBUTE_MAPPED_ADDRESS, &got, &got_len),
        STUN_MESSAGE_RETURN_SUCCESS);
    assert_memory_equal(&got, &wanted, wanted_len);
  }
}

/* A check of ours, in libnice's hands. */
static void hand_over_check(StunAgent *nice, StunMessage *request, uint8_t data[ROOM],
                            bool controlling) {
  const struct paw_stun_message message = {
      .class = PAW_STUN_REQUEST,
      .method = PAW_STUN_METHOD_BINDING,
      .id = "transaction1",
      .has = PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_PRIORITY | PAW_STUN_HAS_INTEGRITY |
             PAW_STUN_HAS_FINGERPRINT |
             (controlling ? PAW_STUN_HAS_CONTROLLING : PAW_STUN_HAS_CONTROLLED),
      .username = text(RAW_USERNAME),
      .priority = PRIORITY,
      .controlling = TIE_BREAKER,
      .controlled = TIE_BREAKER};
  size_t len = write_ours(&message, data);
  assert_int_equal(validate(nice, request, data, len), STUN_VALIDATION_SUCCESS);
}

static void answers_of_libnice_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
    StunAgent nice;
    StunMessage request;
    StunMessage response;
    uint8_t asked[ROOM];
    uint8_t data[ROOM];
    init_nice(&nice);
    hand_over_check(&nice, &request, asked, true);
    struct paw_address wanted = parse(addresses[i]);
    struct sockaddr_storage from;
    socklen_t from_len = to_socket(&wanted, &from);
    bool controlling = false;
    size_t len = sizeof data;
    assert_int_equal(stun_usage_ice_conncheck_create_reply(&nice, &request, &response, data, &len,
                                                           &from, from_len, &controlling, 1,
                                                           STUN_USAGE_ICE_COMPATIBILITY_RFC5245),
                     STUN_USAGE_ICE_RETURN_SUCCESS);
    struct paw_stun_message message;
    read_ours(data, len, &message);
    assert_true(paw_stun_check_integrity(&message, KIT_HMAC_KEY(password, password_len)));
    assert_int_equal(message.class, PAW_STUN_SUCCESS);
    assert_memory_equal(message.id, "transaction1", PAW_STUN_ID_LEN);
    assert_true((message.has & PAW_STUN_HAS_XOR_MAPPED) != 0);
    assert_true(paw_address_equal(&message.xor_mapped, &wanted));
  }
}

static const uint16_t error_codes[] = {300, 400, 401, 403, 420, 438, 487, 500, 508, 699};

static void errors_of_ours_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof error_codes / sizeof error_codes[0]; i++) {
    StunAgent nice;
    StunMessage request;
    StunMessage response;
    uint8_t asked[ROOM];
    uint8_t data[ROOM];
    init_nice(&nice);
    size_t len = write_nice_check(&nice, &request, asked, true, false);
    struct paw_stun_message message;
    read_ours(asked, len, &message);
    message.class = PAW_STUN_ERROR;
    message.has = PAW_STUN_HAS_ERROR | PAW_STUN_HAS_LISTED | PAW_STUN_HAS_INTEGRITY |
                  PAW_STUN_HAS_FINGERPRINT;
    message.error_code = error_codes[i];
    message.error_reason = text("odd reason");
    message.listed_count = 3;
    message.listed[0] = 0x7001;
    message.listed[2] = 0x7003;
    len = write_ours(&message, data);
    assert_int_equal(validate(&nice, &response, data, len), STUN_VALIDATION_SUCCESS);
    int code = 0;
    assert_int_equal(stun_message_find_error(&response, &code), STUN_MESSAGE_RETURN_SUCCESS);
    assert_int_equal(code, error_codes[i]);
    uint16_t listed_len = 0;
    const void *listed =
        stun_message_find(&response, STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES, &listed_len);
    assert_int_equal(listed_len, 6);
    assert_memory_equal(listed, "\x70\x01\0\0\x70\x03", 6);
  }
}

static void errors_of_libnice_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof error_codes / sizeof error_codes[0]; i++) {
    StunAgent nice;
    StunMessage request;
    StunMessage response;
    uint8_t asked[ROOM];
    uint8_t data[ROOM];
    init_nice(&nice);
    hand_over_check(&nice, &request, asked, false);
    StunError code = (StunError)error_codes[i];
    assert_true(stun_agent_init_error(&nice, &response, data, sizeof data, &request, code));
    size_t len = stun_agent_finish_message(&nice, &response, NULL, 0);
    struct paw_stun_message message;
    read_ours(data, len, &message);
    assert_true(paw_stun_check_integrity(&message, KIT_HMAC_KEY(password, password_len)));
    assert_int_equal(message.class, PAW_STUN_ERROR);
    assert_int_equal(message.error_code, error_codes[i]);
    assert_text(message.error_reason, stun_strerror(code));
  }
}

static void role_conflict_of_libnice_is_read(void **state) {
  (void)state;
  StunAgent nice;
  StunMessage request;
  StunMessage response;
  uint8_t asked[ROOM];
  uint8_t data[ROOM];
  init_nice(&nice);
  hand_over_check(&nice, &request, asked, true);
  struct paw_address here = parse(addresses[0]);
  struct sockaddr_storage from;
  socklen_t from_len = to_socket(&here, &from);
  bool controlling = true;
  size_t len = sizeof data;
  assert_int_equal(stun_usage_ice_conncheck_create_reply(&nice, &request, &response, data, &len,
                                                         &from, from_len, &controlling, UINT64_MAX,
                                                         STUN_USAGE_ICE_COMPATIBILITY_RFC5245),
                   STUN_USAGE_ICE_RETURN_ROLE_CONFLICT);
  assert_true(controlling);
  struct paw_stun_message message;
  read_ours(data, len, &message);
  assert_true(paw_stun_check_integrity(&message, KIT_HMAC_KEY(password, password_len)));
  assert_int_equal(message.error_code, 487);
}

static void both_name_unknown_attributes(void **state) {
  (void)state;
  struct raw raw;
  raw_begin(&raw, 0x0001);
  raw_text(&raw, 0x0006, RAW_USERNAME);
  raw_text(&raw, 0x7001, "one");
  raw_text(&raw, 0x7002, "");
  raw_text(&raw, 0xc057, "may be ignored");
  raw_integrity(&raw, RAW_PASSWORD);
  raw_fingerprint(&raw);
  struct paw_stun_message ours;
  read_ours(raw.data, raw.len, &ours);
  StunAgent nice;
  StunMessage request;
  StunMessage response;
  uint8_t data[ROOM];
  init_nice(&nice);
  assert_int_equal(validate(&nice, &request, raw.data, raw.len),
                   STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE);
  size_t len =
      stun_agent_build_unknown_attributes_error(&nice, &response, data, sizeof data, &request);
  struct paw_stun_message nices;
  read_ours(data, len, &nices);
  assert_int_equal(nices.error_code, 420);
  assert_int_equal(nices.listed_count, 2);
  assert_int_equal(ours.unknown_count, 2);
  assert_memory_equal(nices.listed, ours.unknown, 2 * sizeof ours.unknown[0]);
}

/* ---- what is refused ---- */

static bool taken_by_ours(const uint8_t *data, size_t len) {
  struct paw_stun_message message;
  return paw_stun_read(data, len, &message) == PAW_STUN_FAULT_NONE && message.unknown_count == 0 &&
         paw_stun_check_fingerprint(&message) &&
         paw_stun_check_integrity(&message, KIT_HMAC_KEY(password, password_len));
}

static bool taken_by_nice(const uint8_t *data, size_t len) {
  StunAgent nice;
  StunMessage message;
  init_nice_with(&nice, 0);
  return validate(&nice, &message, data, len) == STUN_VALIDATION_SUCCESS;
}

static void begin_check(struct raw *raw) {
  raw_begin(raw, 0x0001);
  raw_text(raw, 0x0006, RAW_USERNAME);
}

static void end_check(struct raw *raw) {
  raw_integrity(raw, RAW_PASSWORD);
  raw_fingerprint(raw);
}

static void make_check(struct raw *raw) {
  begin_check(raw);
  raw_attribute(raw, 0x0024, "\x6e\x7f\x1e\xff", 4);
  raw_attribute(raw, 0x802a, "tiebreak", 8);
  end_check(raw);
}

static void both_refuse_what_is_cut_off(void **state) {
  (void)state;
  struct raw raw;
  make_check(&raw);
  assert_true(taken_by_ours(raw.data, raw.len) && taken_by_nice(raw.data, raw.len));
  for (size_t len = 0; len < raw.len; len++) {
    struct raw cut = raw;
    assert_false(taken_by_ours(cut.data, len) || taken_by_nice(cut.data, len));
    if (len >= PAW_STUN_HEADER_LEN) {
      raw_set_length(&cut, len - PAW_STUN_HEADER_LEN);
      assert_false(taken_by_ours(cut.data, len) || taken_by_nice(cut.data, len));
    }
  }
}

static void both_refuse_every_turned_bit(void **state) {
  (void)state;
  struct raw raw;
  make_check(&raw);
  for (size_t bit = 0; bit < 8 * raw.len; bit++) {
    struct raw turned = raw;
    turned.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_false(taken_by_ours(turned.data, turned.len) || taken_by_nice(turned.data, turned.len));
    if (bit < 8 * (raw.len - 8)) {
      raw_mend_fingerprint(&turned);
      assert_false(taken_by_ours(turned.data, turned.len) ||
                   taken_by_nice(turned.data, turned.len));
    }
  }
}

/* A message with a flaw. */
enum flaw {
  WRONG_COOKIE,
  TOP_BIT,
  LENGTH_TOO_LONG,
  LENGTH_TOO_SHORT,
  LENGTH_ODD,
  TRAILING_BYTES,
  NO_INTEGRITY,
  OTHER_PASSWORD,
  OTHER_USERNAME,
  INTEGRITY_SHORT,
  NO_FINGERPRINT,
  WRONG_FINGERPRINT,
  FINGERPRINT_FIRST,
  AFTER_FINGERPRINT,
  AFTER_INTEGRITY,
  ATTRIBUTE_OVERRUN,
  UNKNOWN_REQUIRED,
  UNKNOWN_OPTIONAL,
  SHA256_INTEGRITY,
  OF_RFC_3489,
  OF_TURN,
  PADDING_NOT_ZERO,
  PRIORITY_OF_3_BYTES,
  PRIORITY_OF_8_BYTES,
  TIE_BREAKER_OF_4_BYTES,
  FLAG_WITH_VALUE,
  ADDRESS_OF_NO_FAMILY,
  ADDRESS_TOO_SHORT,
  ERROR_200,
  ERROR_NUMBER_100,
  USERNAME_513,
  TWO_PRIORITIES,
};

static void add_flaw(struct raw *raw, enum flaw flaw) {
  static const struct {
    enum flaw flaw;
    uint16_t type;
    uint16_t len;
    const char *value;
  } attributes[] = {
      {UNKNOWN_REQUIRED, 0x7001, 4, "what"},
      {UNKNOWN_OPTIONAL, 0xc057, 4, "what"},
      {SHA256_INTEGRITY, 0x001c, 32, "0123456789abcdef0123456789abcdef"},
      {OF_RFC_3489, 0x0003, 4, "\0\0\0"},
      {OF_TURN, 0x000d, 4, "\0\0\0"},
      {PRIORITY_OF_3_BYTES, 0x0024, 3, "\0\0\0"},
      {PRIORITY_OF_8_BYTES, 0x0024, 8, "\0\0\0\0\0\0\0"},
      {TIE_BREAKER_OF_4_BYTES, 0x8029, 4, "\0\0\0"},
      {FLAG_WITH_VALUE, 0x0025, 4, "\0\0\0"},
      {ADDRESS_OF_NO_FAMILY, 0x0020, 8, "\0\3\0\1\1\2\3\4"},
      {ADDRESS_TOO_SHORT, 0x0020, 8, "\0\2\0\1\1\2\3\4"},
      {ERROR_200, 0x0009, 4, "\0\0\2\0"},
      {ERROR_NUMBER_100, 0x0009, 4, "\0\0\4\x64"},
      {TWO_PRIORITIES, 0x0024, 4, "\0\0\0\1"},
      {TWO_PRIORITIES, 0x0024, 4, "\0\0\0\2"},
      {INTEGRITY_SHORT, 0x0008, 16, "0123456789abcdef"},
      {PADDING_NOT_ZERO, 0x8022, 3, "odd"},
  };
  for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
    if (attributes[i].flaw == flaw) {
      raw_attribute(raw, attributes[i].type, attributes[i].value, attributes[i].len);
    }
  }
  if (flaw == PADDING_NOT_ZERO) {
    raw->data[raw->len - 1] = 0xff;
  } else if (flaw == FINGERPRINT_FIRST) {
    raw_fingerprint(raw);
  }
}

/* What is wrong with the bytes as they go out, FINGERPRINT and integrity being right but for it. */
static void bend(struct raw *raw, enum flaw flaw) {
  size_t body_len = raw->len - PAW_STUN_HEADER_LEN;
  if (flaw == WRONG_COOKIE) {
    raw->data[4] ^= 1;
  } else if (flaw == TOP_BIT) {
    raw->data[0] |= 0x80;
  } else if (flaw == LENGTH_TOO_LONG) {
    raw_set_length(raw, body_len + 4);
  } else if (flaw == LENGTH_TOO_SHORT) {
    raw_set_length(raw, body_len - 4);
  } else if (flaw == LENGTH_ODD) {
    raw->len++;
    raw_set_length(raw, body_len + 1);
  } else if (flaw == TRAILING_BYTES) {
    raw->len += 4;
  } else if (flaw == WRONG_FINGERPRINT) {
    raw->data[raw->len - 1] ^= 1;
  } else if (flaw == AFTER_FINGERPRINT) {
    raw_text(raw, 0x8022, "late");
  } else if (flaw == ATTRIBUTE_OVERRUN) {
    raw->data[raw->len - 5] = 8;
  }
}

static void make_flawed(struct raw *raw, enum flaw flaw) {
  static char long_name[514];
  raw_begin(raw, 0x0001);
  memset(long_name, 'u', sizeof long_name - 1);
  raw_text(raw, 0x0006,
           flaw == USERNAME_513     ? long_name
           : flaw == OTHER_USERNAME ? "nobody:here"
                                    : RAW_USERNAME);
  add_flaw(raw, flaw);
  if (flaw != NO_INTEGRITY && flaw != INTEGRITY_SHORT) {
    raw_integrity(raw, flaw == OTHER_PASSWORD ? "another password of 22" : RAW_PASSWORD);
  }
  if (flaw == AFTER_INTEGRITY) {
    raw_attribute(raw, 0x0024, "\0\0\0\1", 4);
  }
  if (flaw != NO_FINGERPRINT) {
    raw_fingerprint(raw);
  }
  bend(raw, flaw);
  if (flaw == WRONG_COOKIE || flaw == TOP_BIT) {
    raw_mend_fingerprint(raw);
  }
}

static void both_refuse_the_same(void **state) {
  (void)state;
  static const struct {
    enum flaw flaw;
    bool taken;
  } rows[] = {
      {WRONG_COOKIE, false},     {TOP_BIT, false},           {LENGTH_TOO_LONG, false},
      {LENGTH_TOO_SHORT, false}, {LENGTH_ODD, false},        {TRAILING_BYTES, false},
      {NO_INTEGRITY, false},     {OTHER_PASSWORD, false},    {NO_FINGERPRINT, false},
      {INTEGRITY_SHORT, false},  {WRONG_FINGERPRINT, false}, {AFTER_FINGERPRINT, false},
      {AFTER_INTEGRITY, true},   {ATTRIBUTE_OVERRUN, false}, {UNKNOWN_REQUIRED, false},
      {UNKNOWN_OPTIONAL, true},  {SHA256_INTEGRITY, false},  {PADDING_NOT_ZERO, true},
      {TWO_PRIORITIES, true},    {FINGERPRINT_FIRST, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct raw raw;
    make_flawed(&raw, rows[i].flaw);
    bool ours = taken_by_ours(raw.data, raw.len);
    bool nices = taken_by_nice(raw.data, raw.len);
    if (ours != rows[i].taken || nices != rows[i].taken) {
      print_error("flaw %d: ours %d, libnice %d\n", (int)rows[i].flaw, ours, nices);
      fail();
    }
  }
}

/* Where the two differ, and why ours is as it is. */
static void differences_are_these(void **state) {
  (void)state;
  static const char asked_late[] =
      "libnice looks at a value's size when the value is asked for; ours reads all at once";
  static const struct {
    enum flaw flaw;
    bool ours;
    bool nices;
    const char *why;
  } differences[] = {
      {OTHER_USERNAME, true, false, "whose name it is, is for our ICE agent, not for the codec"},
      {USERNAME_513, true, false, "the same; two ufrags of 256 are read"},
      {OF_RFC_3489, false, true, "libnice still knows RFC 3489; RFC 8489 section 18.3 does not"},
      {OF_TURN, false, true, "no check has attributes of TURN: unknown is answered with 420"},
      {PRIORITY_OF_3_BYTES, false, true, asked_late},
      {PRIORITY_OF_8_BYTES, false, true, asked_late},
      {TIE_BREAKER_OF_4_BYTES, false, true, asked_late},
      {FLAG_WITH_VALUE, false, true, asked_late},
      {ADDRESS_OF_NO_FAMILY, false, true, asked_late},
      {ADDRESS_TOO_SHORT, false, true, asked_late},
      {ERROR_200, false, true, asked_late},
      {ERROR_NUMBER_100, false, true, asked_late},
  };
  for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
    struct raw raw;
    make_flawed(&raw, differences[i].flaw);
    bool ours = taken_by_ours(raw.data, raw.len);
    bool nices = taken_by_nice(raw.data, raw.len);
    if (ours != differences[i].ours || nices != differences[i].nices) {
      print_error("ours %d, libnice %d: %s\n", ours, nices, differences[i].why);
      fail();
    }
  }
}

/* And libnice does refuse those values when asked. */
static void libnice_refuses_values_when_asked(void **state) {
  (void)state;
  StunAgent nice;
  StunMessage message;
  struct raw raw;
  uint32_t priority;
  uint64_t tie_breaker;
  int code;
  struct sockaddr_storage address = {0};
  socklen_t address_len = sizeof address;
  init_nice(&nice);
  make_flawed(&raw, PRIORITY_OF_3_BYTES);
  (void)validate(&nice, &message, raw.data, raw.len);
  assert_int_equal(stun_message_find32(&message, STUN_ATTRIBUTE_PRIORITY, &priority),
                   STUN_MESSAGE_RETURN_INVALID);
  make_flawed(&raw, PRIORITY_OF_8_BYTES);
  (void)validate(&nice, &message, raw.data, raw.len);
  assert_int_equal(stun_message_find32(&message, STUN_ATTRIBUTE_PRIORITY, &priority),
                   STUN_MESSAGE_RETURN_INVALID);
  make_flawed(&raw, TIE_BREAKER_OF_4_BYTES);
  (void)validate(&nice, &message, raw.data, raw.len);
  assert_int_equal(stun_message_find64(&message, STUN_ATTRIBUTE_ICE_CONTROLLED, &tie_breaker),
                   STUN_MESSAGE_RETURN_INVALID);
  make_flawed(&raw, FLAG_WITH_VALUE);
  (void)validate(&nice, &message, raw.data, raw.len);
  assert_int_equal(stun_message_find_flag(&message, STUN_ATTRIBUTE_USE_CANDIDATE),
                   STUN_MESSAGE_RETURN_INVALID);
  make_flawed(&raw, ADDRESS_OF_NO_FAMILY);
  (void)validate(&nice, &message, raw.data, raw.len);
  assert_int_not_equal(stun_message_find_xor_addr(&message, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                                  &address, &address_len),
                       STUN_MESSAGE_RETURN_SUCCESS);
  make_flawed(&raw, ERROR_200);
  (void)validate(&nice, &message, raw.data, raw.len);
  assert_int_equal(stun_message_find_error(&message, &code), STUN_MESSAGE_RETURN_INVALID);
}

int main(void) {
  stun_debug_disable();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(checks_of_libnice_are_read),
      cmocka_unit_test(checks_of_ours_are_read),
      cmocka_unit_test(indications_are_read),
      cmocka_unit_test(answers_of_ours_are_read),
      cmocka_unit_test(answers_of_libnice_are_read),
      cmocka_unit_test(errors_of_ours_are_read),
      cmocka_unit_test(errors_of_libnice_are_read),
      cmocka_unit_test(role_conflict_of_libnice_is_read),
      cmocka_unit_test(both_name_unknown_attributes),
      cmocka_unit_test(both_refuse_what_is_cut_off),
      cmocka_unit_test(both_refuse_every_turned_bit),
      cmocka_unit_test(both_refuse_the_same),
      cmocka_unit_test(differences_are_these),
      cmocka_unit_test(libnice_refuses_values_when_asked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
