/* SPDX-License-Identifier: MIT */
/* Our endpoint against mbedTLS itself, which was told other things than we tell it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/rd.h"
#include "dtls/hello.h"
#include "dtls/raw_peer.h"
#include "kit/clock.h"

struct meeting {
  struct raw_peer peer;
  struct kit_rng rng;
  struct paw_certificate *certificate;
  struct paw_dtls *dtls;
  unsigned connected;
  unsigned closed;
  enum paw_dtls_reason reason;
  uint64_t now_ns;
  uint64_t deadline_ns;
  struct raw_queue sent; /* everything that ours sent */
};

static const struct paw_allocator allocator = {NULL, NULL, NULL};

static enum paw_dtls_role other(enum paw_dtls_role role) {
  return role == PAW_DTLS_CLIENT ? PAW_DTLS_SERVER : PAW_DTLS_CLIENT;
}

static void begin_in(struct meeting *meeting, const struct raw_config *config,
                     const struct paw_allocator *memory) {
  memset(meeting, 0, sizeof *meeting);
  meeting->now_ns = KIT_CLOCK_ORIGIN_NS;
  raw_peer_init(&meeting->peer, config);
  kit_rng_init(&meeting->rng, 5);
  struct paw_rng rng = kit_rng_hook(&meeting->rng);
  assert_int_equal(paw_certificate_generate(&rng, &allocator, &meeting->certificate), PAW_OK);
  struct paw_dtls_config own;
  paw_dtls_config_init(&own);
  own.certificate = meeting->certificate;
  own.rng = rng;
  own.allocator = *memory;
  assert_int_equal(paw_dtls_new(&own, &meeting->dtls), PAW_OK);
  struct paw_fingerprint fingerprint;
  paw_certificate_get_fingerprint(meeting->peer.certificate, &fingerprint);
  assert_int_equal(paw_dtls_set_remote_fingerprints(meeting->dtls, &fingerprint, 1), PAW_OK);
  assert_int_equal(paw_dtls_start(meeting->dtls, other(config->role), meeting->now_ns), PAW_OK);
}

static void begin(struct meeting *meeting, const struct raw_config *config) {
  begin_in(meeting, config, &allocator);
}

static void end(struct meeting *meeting) {
  paw_dtls_free(meeting->dtls);
  paw_certificate_free(meeting->certificate);
  raw_peer_wipe(&meeting->peer);
}

static void give(struct meeting *meeting, const uint8_t *data, size_t len) {
  const struct paw_input input = {
      .kind = PAW_INPUT_RECEIVE, .now_ns = meeting->now_ns, .data = data, .len = len};
  (void)paw_dtls_handle_input(meeting->dtls, &input);
}

static void append(struct raw_queue *queue, const uint8_t *data, size_t len) {
  assert_true(queue->count < RAW_QUEUE_MAX && len <= sizeof queue->items[0].data);
  queue->items[queue->count].len = len;
  memcpy(queue->items[queue->count].data, data, len);
  queue->count++;
}

/* What ours has to say goes to the peer; true when there was something. */
static bool drain(struct meeting *meeting) {
  bool any = false;
  for (;;) {
    struct paw_dtls_output output;
    paw_dtls_poll_output(meeting->dtls, &output);
    if (output.kind == PAW_OUTPUT_TIMEOUT) {
      meeting->deadline_ns = output.timeout.deadline_ns;
      return any;
    }
    any = true;
    if (output.kind == PAW_OUTPUT_TRANSMIT) {
      append(&meeting->peer.in, output.transmit.data, output.transmit.len);
      append(&meeting->sent, output.transmit.data, output.transmit.len);
    } else if (output.event.kind == PAW_DTLS_EVENT_CONNECTED) {
      meeting->connected++;
    } else {
      meeting->closed++;
      meeting->reason = output.event.reason;
    }
  }
}

/* Until nobody has anything more to say. */
static void talk(struct meeting *meeting) {
  bool any = true;
  while (any) {
    any = drain(meeting);
    any = meeting->peer.in.count > 0 || any;
    raw_peer_step(&meeting->peer);
    for (size_t i = 0; i < meeting->peer.out.count; i++) {
      give(meeting, meeting->peer.out.items[i].data, meeting->peer.out.items[i].len);
      any = true;
    }
    meeting->peer.out.count = 0;
  }
}

/* And then let time pass, until ours has ended. */
static void talk_to_the_end(struct meeting *meeting) {
  talk(meeting);
  while (meeting->closed == 0) {
    assert_true(meeting->deadline_ns < KIT_CLOCK_ORIGIN_NS + 2 * PAW_NS_PER_S);
    meeting->now_ns = meeting->deadline_ns;
    const struct paw_input input = {.kind = PAW_INPUT_TIMEOUT, .now_ns = meeting->now_ns};
    assert_int_equal(paw_dtls_handle_input(meeting->dtls, &input), PAW_OK);
    talk(meeting);
  }
}

static void expect_same_keys(const struct meeting *meeting, enum paw_dtls_role own_role) {
  struct paw_srtp_keys keys;
  uint8_t block[60];
  assert_int_equal(paw_dtls_get_keys(meeting->dtls, &keys), PAW_OK);
  raw_peer_export(&meeting->peer, block);
  bool client = own_role == PAW_DTLS_CLIENT;
  assert_memory_equal(client ? keys.local_key : keys.remote_key, block, 16);
  assert_memory_equal(client ? keys.remote_key : keys.local_key, block + 16, 16);
  assert_memory_equal(client ? keys.local_salt : keys.remote_salt, block + 32, 14);
  assert_memory_equal(client ? keys.remote_salt : keys.local_salt, block + 46, 14);
}

static void expect_connected(struct meeting *meeting, enum paw_dtls_role own_role,
                             const char *suite) {
  talk(meeting);
  assert_int_equal(meeting->connected, 1);
  assert_int_equal(meeting->closed, 0);
  assert_int_equal(meeting->peer.result, 0);
  assert_string_equal(mbedtls_ssl_get_ciphersuite(&meeting->peer.ssl), suite);
  expect_same_keys(meeting, own_role);
}

static const int sha384[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, 0};
static const char aes128[] = "TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256";
static const char aes256[] = "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384";

/* Whatever the role and the suite: connected, with the same keys; the peer accepts our
 * close_notify, though it was made before the context was dropped. */
static void we_close(enum paw_dtls_role peer_role, const int *suites, const char *suite) {
  struct meeting meeting;
  begin(&meeting, &(struct raw_config){.role = peer_role, .suites = suites});
  expect_connected(&meeting, other(peer_role), suite);
  paw_dtls_close(meeting.dtls);
  meeting.sent.count = 0;
  talk(&meeting);
  assert_int_equal(meeting.peer.result, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
  assert_int_equal(meeting.reason, PAW_DTLS_REASON_LOCAL);
  assert_int_equal(meeting.sent.count, 2);
  assert_int_equal(meeting.sent.items[0].len, meeting.sent.items[1].len);
  assert_memory_equal(meeting.sent.items[0].data, meeting.sent.items[1].data,
                      meeting.sent.items[0].len);
  end(&meeting);
}

/* And we accept the peer's, and answer it. */
static void peer_closes(enum paw_dtls_role peer_role, const int *suites, const char *suite) {
  struct meeting meeting;
  begin(&meeting, &(struct raw_config){.role = peer_role, .suites = suites});
  expect_connected(&meeting, other(peer_role), suite);
  assert_int_equal(mbedtls_ssl_close_notify(&meeting.peer.ssl), 0);
  talk(&meeting);
  assert_int_equal(meeting.closed, 1);
  assert_int_equal(meeting.reason, PAW_DTLS_REASON_CLOSE_NOTIFY);
  assert_int_equal(meeting.peer.result, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
  end(&meeting);
}

static void both_roles_both_suites(void **state) {
  (void)state;
  static const enum paw_dtls_role roles[] = {PAW_DTLS_CLIENT, PAW_DTLS_SERVER};
  static const int sha256[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};
  for (size_t i = 0; i < 2; i++) {
    we_close(roles[i], sha256, aes128);
    we_close(roles[i], sha384, aes256);
    peer_closes(roles[i], sha256, aes128);
    peer_closes(roles[i], sha384, aes256);
  }
}

/* A server that may choose takes what we name first; a client that names all gets our first. */
static void the_lighter_suite_first(void **state) {
  (void)state;
  static const int both[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};
  struct meeting meeting;
  begin(&meeting, &(struct raw_config){.role = PAW_DTLS_CLIENT, .suites = both});
  expect_connected(&meeting, PAW_DTLS_SERVER, aes128);
  end(&meeting);
}

/* GStreamer 1.22 has such certificates. */
static void certificates_of_rsa(void **state) {
  (void)state;
  static const int rsa[][2] = {{MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 0},
                               {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0}};
  static const char *const names[] = {"TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256",
                                      "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384"};
  struct meeting meeting;
  for (size_t i = 0; i < 2; i++) {
    begin(&meeting, &(struct raw_config){.role = PAW_DTLS_SERVER, .suites = rsa[i], .rsa = true});
    expect_connected(&meeting, PAW_DTLS_CLIENT, names[i]);
    paw_dtls_close(meeting.dtls);
    talk(&meeting);
    assert_int_equal(meeting.peer.result, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    end(&meeting);
  }
  begin(&meeting, &(struct raw_config){.role = PAW_DTLS_CLIENT, .rsa = true});
  expect_connected(&meeting, PAW_DTLS_SERVER, aes128);
  end(&meeting);
}

static void warnings_and_fatal_alerts(void **state) {
  (void)state;
  struct meeting meeting;
  begin(&meeting, &(struct raw_config){.role = PAW_DTLS_SERVER});
  expect_connected(&meeting, PAW_DTLS_CLIENT, aes128);
  assert_int_equal(mbedtls_ssl_send_alert_message(&meeting.peer.ssl,
                                                  MBEDTLS_SSL_ALERT_LEVEL_WARNING,
                                                  MBEDTLS_SSL_ALERT_MSG_USER_CANCELED),
                   0);
  talk(&meeting);
  assert_int_equal(meeting.closed, 0);
  assert_int_equal(mbedtls_ssl_send_alert_message(&meeting.peer.ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                                  MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR),
                   0);
  talk(&meeting);
  assert_int_equal(meeting.closed, 1);
  assert_int_equal(meeting.reason, PAW_DTLS_REASON_ALERT);
  end(&meeting);
}

/* mbedTLS calls these handshakes a success. */
static void no_profile(const struct raw_config *config) {
  struct meeting meeting;
  struct paw_srtp_keys keys;
  begin(&meeting, config);
  talk(&meeting);
  assert_int_equal(meeting.connected, 0);
  assert_int_equal(meeting.closed, 1);
  assert_int_equal(meeting.reason, PAW_DTLS_REASON_NO_PROFILE);
  assert_int_equal(paw_dtls_get_keys(meeting.dtls, &keys), PAW_ERR_STATE);
  assert_int_equal(meeting.peer.result, MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
  end(&meeting);
}

static void no_profile_in_common(void **state) {
  (void)state;
  static const mbedtls_ssl_srtp_profile shorter[] = {MBEDTLS_TLS_SRTP_AES128_CM_HMAC_SHA1_32,
                                                     MBEDTLS_TLS_SRTP_UNSET};
  no_profile(&(struct raw_config){.role = PAW_DTLS_CLIENT, .no_srtp = true});
  no_profile(&(struct raw_config){.role = PAW_DTLS_SERVER, .no_srtp = true});
  no_profile(&(struct raw_config){.role = PAW_DTLS_CLIENT, .profiles = shorter});
  no_profile(&(struct raw_config){.role = PAW_DTLS_SERVER, .profiles = shorter});
}

static void fails(const struct raw_config *config, enum paw_dtls_reason reason) {
  struct meeting meeting;
  begin(&meeting, config);
  talk_to_the_end(&meeting);
  assert_int_equal(meeting.connected, 0);
  assert_int_equal(meeting.closed, 1);
  assert_int_equal(meeting.reason, reason);
  end(&meeting);
}

static void a_client_without_certificate(void **state) {
  (void)state;
  fails(&(struct raw_config){.role = PAW_DTLS_CLIENT, .no_certificate = true},
        PAW_DTLS_REASON_HANDSHAKE);
}

static void nothing_in_common(void **state) {
  (void)state;
  static const int rsa[] = {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 0};
  static const int cbc[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, 0};
  static const mbedtls_ecp_group_id other_curve[] = {MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE};
  fails(&(struct raw_config){.role = PAW_DTLS_CLIENT, .suites = rsa}, PAW_DTLS_REASON_HANDSHAKE);
  fails(&(struct raw_config){.role = PAW_DTLS_CLIENT, .suites = cbc}, PAW_DTLS_REASON_HANDSHAKE);
  fails(&(struct raw_config){.role = PAW_DTLS_SERVER, .suites = cbc}, PAW_DTLS_REASON_ALERT);
  fails(&(struct raw_config){.role = PAW_DTLS_CLIENT, .groups = other_curve},
        PAW_DTLS_REASON_HANDSHAKE);
}

/* ---- what our hellos say ---- */

/* Where the extensions of a whole hello in its own record begin, and its cipher suites; RFC 5246
 * sections 7.4.1.2 and 7.4.1.3, RFC 6347 section 4.3.2. */
struct hello {
  struct paw_slice suites;
  struct paw_slice extensions;
};

static struct hello read_hello(const struct raw_datagram *datagram, bool from_client) {
  struct hello hello;
  struct paw_rd rd = paw_rd_init(datagram->data, datagram->len);
  paw_rd_skip(&rd, 25 + 2 + 32);
  paw_rd_skip(&rd, paw_rd_u8(&rd)); /* session id */
  if (from_client) {
    paw_rd_skip(&rd, paw_rd_u8(&rd)); /* cookie */
    hello.suites = paw_rd_bytes(&rd, paw_rd_u16(&rd));
    paw_rd_skip(&rd, paw_rd_u8(&rd)); /* compression methods */
  } else {
    hello.suites = paw_rd_bytes(&rd, 2);
    paw_rd_skip(&rd, 1);
  }
  hello.extensions = paw_rd_bytes(&rd, paw_rd_u16(&rd));
  assert_false(rd.bad);
  return hello;
}

static bool has_extension(const struct hello *hello, uint16_t wanted, struct paw_slice *value) {
  struct paw_rd rd = paw_rd_init(hello->extensions.data, hello->extensions.len);
  while (rd.left > 0) {
    uint16_t type = paw_rd_u16(&rd);
    *value = paw_rd_bytes(&rd, paw_rd_u16(&rd));
    assert_false(rd.bad);
    if (type == wanted) {
      return true;
    }
  }
  return false;
}

static void expect_extension(const struct hello *hello, uint16_t type, const uint8_t *bytes,
                             size_t len) {
  struct paw_slice value;
  assert_true(has_extension(hello, type, &value));
  assert_int_equal(value.len, len);
  if (len > 0) {
    assert_memory_equal(value.data, bytes, len);
  }
}

#define SUPPORTED_GROUPS 10
#define USE_SRTP 14
#define EXTENDED_MASTER_SECRET 23
#define SESSION_TICKET 35

/* Suites and curves in the order of what they cost, the one SRTP profile without MKI (RFC 5764
 * section 4.1.1), extended master secret (RFC 7627), no tickets. */
static void our_hellos(void **state) {
  (void)state;
  static const uint8_t suites[] = {0xc0, 0x2b, 0xc0, 0x2c, 0xc0, 0x2f, 0xc0, 0x30};
  static const uint8_t groups[] = {0, 4, 0, 29, 0, 23}; /* X25519, P-256 */
  static const uint8_t profiles[] = {0, 2, 0, 1, 0};
  static const enum paw_dtls_role roles[] = {PAW_DTLS_SERVER, PAW_DTLS_CLIENT};
  for (size_t i = 0; i < 2; i++) {
    struct meeting meeting;
    struct paw_slice value;
    begin(&meeting, &(struct raw_config){.role = roles[i]});
    expect_connected(&meeting, other(roles[i]), aes128);
    struct hello hello = read_hello(&meeting.sent.items[0], roles[i] == PAW_DTLS_SERVER);
    expect_extension(&hello, USE_SRTP, profiles, sizeof profiles);
    expect_extension(&hello, EXTENDED_MASTER_SECRET, NULL, 0);
    assert_false(has_extension(&hello, SESSION_TICKET, &value));
    if (roles[i] == PAW_DTLS_SERVER) {
      assert_true(hello.suites.len >= sizeof suites);
      assert_memory_equal(hello.suites.data, suites, sizeof suites);
      expect_extension(&hello, SUPPORTED_GROUPS, groups, sizeof groups);
    }
    end(&meeting);
  }
}

/* ---- long ClientHellos ---- */

/* Names of protocols, some kilobytes of them. */
#define PROTOCOLS 10
static const char *protocols[PROTOCOLS + 1];

static void name_protocols(void) {
  static char names[PROTOCOLS][240];
  for (size_t i = 0; i < PROTOCOLS; i++) {
    memset(names[i], (int)('a' + i), sizeof names[i] - 1);
    protocols[i] = names[i];
  }
}

/* The order in which the pieces of a ClientHello come to our server. */
enum order { IN_ORDER, BACKWARDS, FIRST_LAST, EACH_TWICE };

static size_t piece_at(enum order order, size_t place, size_t count) {
  switch (order) {
  case IN_ORDER:
    return place;
  case BACKWARDS:
    return count - 1 - place;
  case FIRST_LAST:
    return (place + 1) % count;
  case EACH_TWICE:
    return place / 2;
  }
  return 0;
}

/* A real ClientHello of more than 2 kB in so many pieces, whose records have numbers that the
 * client does not use itself. */
static void long_client_hello(enum order order, size_t count) {
  struct meeting meeting;
  struct hello_datagram whole;
  name_protocols();
  begin(&meeting, &(struct raw_config){.role = PAW_DTLS_CLIENT, .protocols = protocols});
  raw_peer_step(&meeting.peer);
  assert_int_equal(meeting.peer.out.count, 1);
  whole.len = meeting.peer.out.items[0].len;
  memcpy(whole.data, meeting.peer.out.items[0].data, whole.len);
  meeting.peer.out.count = 0;
  size_t message_len = hello_message_len(whole.data, whole.len);
  assert_in_range(message_len, 2400, PAW_DTLS_CLIENT_HELLO_MAX);
  size_t places = order == EACH_TWICE ? 2 * count : count;
  for (size_t place = 0; place < places; place++) {
    size_t piece = piece_at(order, place, count);
    struct hello_datagram part = hello_cut(&whole, message_len * piece / count,
                                           message_len * (piece + 1) / count, 20 + piece);
    assert_int_equal(drain(&meeting), order == EACH_TWICE && place == places - 1);
    give(&meeting, part.data, part.len);
  }
  expect_connected(&meeting, PAW_DTLS_SERVER, aes128);
  end(&meeting);
}

static void client_hellos_of_two_kilobytes(void **state) {
  (void)state;
  static const enum order orders[] = {IN_ORDER, BACKWARDS, FIRST_LAST, EACH_TWICE};
  for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
    for (size_t count = 2; count <= 5; count++) {
      long_client_hello(orders[i], count);
    }
  }
}

/* ---- after the handshake ---- */

/* RFC 8827 section 6.5 and RFC 8842: there is no second handshake within an association. The peer's
 * asking is authentic, and changes nothing. */
static void renegotiation_is_refused(void **state) {
  (void)state;
  static const enum paw_dtls_role roles[] = {PAW_DTLS_CLIENT, PAW_DTLS_SERVER};
  for (size_t i = 0; i < 2; i++) {
    struct meeting meeting;
    struct paw_srtp_keys before;
    struct paw_srtp_keys after;
    begin(&meeting, &(struct raw_config){.role = roles[i], .renegotiates = true});
    expect_connected(&meeting, other(roles[i]), aes128);
    paw_dtls_note_peer_complete(meeting.dtls);
    assert_int_equal(paw_dtls_get_keys(meeting.dtls, &before), PAW_OK);
    size_t sent = meeting.sent.count;
    int asked = mbedtls_ssl_renegotiate(&meeting.peer.ssl);
    assert_true(asked == 0 || asked == MBEDTLS_ERR_SSL_WANT_READ);
    assert_true(meeting.peer.out.count > 0);
    for (size_t k = 0; k < meeting.peer.out.count; k++) {
      give(&meeting, meeting.peer.out.items[k].data, meeting.peer.out.items[k].len);
    }
    assert_false(drain(&meeting));
    assert_int_equal(meeting.sent.count, sent);
    assert_int_equal(meeting.connected, 1);
    assert_int_equal(meeting.closed, 0);
    assert_int_equal(paw_dtls_get_keys(meeting.dtls, &after), PAW_OK);
    assert_memory_equal(&before, &after, sizeof before);
    struct paw_dtls_stats stats;
    paw_dtls_get_stats(meeting.dtls, &stats);
    assert_int_equal(stats.dropped, meeting.peer.out.count);
    end(&meeting);
  }
}

/* Remembers what stood in every block when it was given back. */
struct watched {
  struct block *live;
  size_t freed_len;
  uint8_t freed[65536];
};

struct block {
  struct block *next;
  size_t len;
  uint8_t data[];
};

static void *watched_alloc(void *user_data, size_t len) {
  struct watched *watched = user_data;
  struct block *block = malloc(sizeof *block + len);
  assert_non_null(block);
  *block = (struct block){.next = watched->live, .len = len};
  watched->live = block;
  return block->data;
}

static void watched_free(void *user_data, void *memory) {
  struct watched *watched = user_data;
  struct block **at = &watched->live;
  while ((*at)->data != memory) {
    at = &(*at)->next;
  }
  struct block *block = *at;
  *at = block->next;
  assert_true(block->len <= sizeof watched->freed - watched->freed_len);
  memcpy(watched->freed + watched->freed_len, block->data, block->len);
  watched->freed_len += block->len;
  free(block);
}

static bool holds(const uint8_t *bytes, size_t len, const uint8_t *secret, size_t secret_len) {
  for (size_t at = 0; at + secret_len <= len; at++) {
    if (memcmp(bytes + at, secret, secret_len) == 0) {
      return true;
    }
  }
  return false;
}

static bool is_live(const struct watched *watched, const uint8_t *secret, size_t len) {
  for (const struct block *block = watched->live; block != NULL; block = block->next) {
    if (holds(block->data, block->len, secret, len)) {
      return true;
    }
  }
  return false;
}

/* No memory is given back with a key in it, nor with what a key can be made of. */
static void secrets_are_wiped(void **state) {
  (void)state;
  static const size_t parts[] = {0, 16, 32, 46, 60}; /* RFC 5764 section 4.2: keys, salts */
  static struct watched watched;
  const struct paw_allocator memory = {watched_alloc, watched_free, &watched};
  static const enum paw_dtls_role roles[] = {PAW_DTLS_CLIENT, PAW_DTLS_SERVER};
  for (size_t i = 0; i < 2; i++) {
    struct meeting meeting;
    uint8_t keys[60];
    memset(&watched, 0, sizeof watched);
    begin_in(&meeting, &(struct raw_config){.role = roles[i]}, &memory);
    expect_connected(&meeting, other(roles[i]), aes128);
    raw_peer_export(&meeting.peer, keys);
    for (size_t part = 0; part < 4; part++) {
      assert_true(is_live(&watched, keys + parts[part], parts[part + 1] - parts[part]));
    }
    assert_false(is_live(&watched, meeting.peer.master, sizeof meeting.peer.master));
    paw_dtls_free(meeting.dtls);
    meeting.dtls = NULL;
    assert_null(watched.live);
    assert_true(watched.freed_len > 1000);
    assert_false(holds(watched.freed, watched.freed_len, meeting.peer.master, 8));
    for (size_t part = 0; part < 4; part++) {
      assert_false(holds(watched.freed, watched.freed_len, keys + parts[part], 8));
    }
    end(&meeting);
  }
}

/* RFC 6347 section 4.2.4: the server repeats its last flight, as it was, until the client is known
 * to have it; a client that has it already is not disturbed. */
static void the_last_flight_is_repeated(void **state) {
  (void)state;
  struct meeting meeting;
  begin(&meeting, &(struct raw_config){.role = PAW_DTLS_CLIENT});
  raw_peer_step(&meeting.peer);
  struct raw_queue second = {0};
  while (meeting.connected == 0) {
    second = meeting.peer.out;
    meeting.peer.out.count = 0;
    for (size_t i = 0; i < second.count; i++) {
      give(&meeting, second.items[i].data, second.items[i].len);
    }
    (void)drain(&meeting);
    if (meeting.connected == 0) {
      raw_peer_step(&meeting.peer);
    }
  }
  struct raw_datagram last = meeting.peer.in.items[meeting.peer.in.count - 1];
  meeting.peer.in.count = 0; /* lost */
  raw_peer_step(&meeting.peer);
  assert_int_equal(meeting.peer.result, MBEDTLS_ERR_SSL_WANT_READ);
  for (size_t i = 0; i < second.count; i++) { /* repeated */
    give(&meeting, second.items[i].data, second.items[i].len);
  }
  (void)drain(&meeting);
  assert_int_equal(meeting.peer.in.count, 1);
  assert_memory_equal(meeting.peer.in.items[0].data, last.data, last.len);
  raw_peer_step(&meeting.peer);
  assert_int_equal(meeting.peer.result, 0);
  expect_same_keys(&meeting, PAW_DTLS_SERVER);

  append(&meeting.peer.in, last.data, last.len);
  raw_peer_step(&meeting.peer);
  assert_int_equal(meeting.peer.result, 0);
  paw_dtls_close(meeting.dtls);
  talk(&meeting);
  assert_int_equal(meeting.peer.result, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
  end(&meeting);
}

static void after_note_peer_complete_nothing_is_repeated(void **state) {
  (void)state;
  struct meeting meeting;
  begin(&meeting, &(struct raw_config){.role = PAW_DTLS_CLIENT});
  expect_connected(&meeting, PAW_DTLS_SERVER, aes128);
  paw_dtls_note_peer_complete(meeting.dtls);
  static const uint8_t change_cipher_spec[14] = {20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1};
  give(&meeting, change_cipher_spec, sizeof change_cipher_spec);
  assert_false(drain(&meeting));
  struct paw_dtls_stats stats;
  paw_dtls_get_stats(meeting.dtls, &stats);
  assert_int_equal(stats.dropped, 1);
  end(&meeting);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_roles_both_suites),
      cmocka_unit_test(the_lighter_suite_first),
      cmocka_unit_test(certificates_of_rsa),
      cmocka_unit_test(warnings_and_fatal_alerts),
      cmocka_unit_test(no_profile_in_common),
      cmocka_unit_test(a_client_without_certificate),
      cmocka_unit_test(nothing_in_common),
      cmocka_unit_test(our_hellos),
      cmocka_unit_test(client_hellos_of_two_kilobytes),
      cmocka_unit_test(renegotiation_is_refused),
      cmocka_unit_test(secrets_are_wiped),
      cmocka_unit_test(the_last_flight_is_repeated),
      cmocka_unit_test(after_note_peer_complete_nothing_is_repeated),
  };
  return cmocka_run_group_tests_name("dtls_peer", tests, NULL, NULL);
}
