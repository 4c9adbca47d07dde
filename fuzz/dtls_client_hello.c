/* SPDX-License-Identifier: MIT */
/* Datagrams into the reassembly of ClientHellos, beside a simple one that must come to the same,
 * and into a server that waits for one.
 *
 * The first byte, in its lowest bit, says which of two scripts follows.
 *   0  datagrams, until the input ends, each with a head of two bytes. A head with the highest bit
 *      set is no datagram: the other 15 are milliseconds that pass at the server. Otherwise it is
 *      the length (modulo 1601) of the datagram that follows.
 *   1  a message and how it is cut: its length (two bytes, modulo 4096, and 1), then pairs of
 *      offset (two bytes, modulo the length) and length (two bytes): each is a fragment that is
 *      fed, the highest bit of its length puts it behind the one before, in one datagram. A pair
 *      with length 0 ends them; what follows are the bytes of the message, again and again if they
 *      are too few. At the end the message comes once more, whole in pieces of 500 bytes.
 */
#include "fuzz.h"

#include "base/wr.h"
#include "dtls/private.h"
#include "kit/alloc.h"
#include "kit/clock.h"
#include "kit/peer.h"

#define HEADERS_LEN (PAW_DTLS_RECORD_HEADER_LEN + PAW_DTLS_HANDSHAKE_HEADER_LEN)
#define DATAGRAM_MAX 1600 /* longer than any that is looked at */
#define PIECES_MAX 64

/* ---- what the reassembly must come to ---- */

struct reference {
  bool holds;
  uint32_t len;
  uint16_t message_sequence;
  uint8_t message[PAW_DTLS_CLIENT_HELLO_MAX];
  bool came[PAW_DTLS_CLIENT_HELLO_MAX];
};

static uint32_t number_at(const uint8_t *data, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes; i++) {
    value = value << 8 | data[i];
  }
  return value;
}

static bool is_whole(const struct reference *reference) {
  for (size_t i = 0; i < reference->len; i++) {
    if (!reference->came[i]) {
      return false;
    }
  }
  return reference->holds;
}

/* The bytes of one handshake record. */
static int reference_add_body(struct reference *reference, const uint8_t *body, size_t len) {
  size_t at = 0;
  while (at < len) {
    if (len - at < PAW_DTLS_HANDSHAKE_HEADER_LEN) {
      return PAW_ERR_MALFORMED;
    }
    uint32_t message_len = number_at(body + at + 1, 3);
    uint16_t message_sequence = (uint16_t)number_at(body + at + 4, 2);
    uint32_t offset = number_at(body + at + 6, 3);
    uint32_t part = number_at(body + at + 9, 3);
    bool fits = part <= len - at - PAW_DTLS_HANDSHAKE_HEADER_LEN && offset + part <= message_len;
    if (body[at] != PAW_DTLS_CLIENT_HELLO || !fits) {
      return PAW_ERR_MALFORMED;
    }
    if (!reference->holds || is_whole(reference) || message_len != reference->len ||
        message_sequence != reference->message_sequence) {
      memset(reference, 0, sizeof *reference);
      if (message_len > PAW_DTLS_CLIENT_HELLO_MAX) {
        return PAW_ERR_LIMIT;
      }
      reference->holds = true;
      reference->len = message_len;
      reference->message_sequence = message_sequence;
    }
    const uint8_t *bytes = body + at + PAW_DTLS_HANDSHAKE_HEADER_LEN;
    for (size_t i = 0; i < part; i++) {
      if (!reference->came[offset + i]) {
        reference->came[offset + i] = true;
        reference->message[offset + i] = bytes[i];
      }
    }
    at += PAW_DTLS_HANDSHAKE_HEADER_LEN + part;
  }
  return PAW_OK;
}

/* `head` becomes the header of the last record. */
static int reference_add(struct reference *reference, const uint8_t *data, size_t len,
                         const uint8_t **head) {
  size_t at = 0;
  while (at < len) {
    size_t left = len - at;
    if (left < PAW_DTLS_RECORD_HEADER_LEN) {
      return PAW_ERR_MALFORMED;
    }
    *head = data + at;
    uint32_t version = number_at(*head + 1, 2);
    size_t body_len = number_at(*head + 11, 2);
    if ((*head)[0] != PAW_DTLS_CONTENT_HANDSHAKE || (version != 0xfeff && version != 0xfefd) ||
        number_at(*head + 3, 2) != 0 || body_len > left - PAW_DTLS_RECORD_HEADER_LEN) {
      return PAW_ERR_MALFORMED;
    }
    int status = reference_add_body(reference, *head + PAW_DTLS_RECORD_HEADER_LEN, body_len);
    if (status != PAW_OK) {
      return status;
    }
    at += PAW_DTLS_RECORD_HEADER_LEN + body_len;
  }
  return PAW_OK;
}

/* ---- the reassembly ---- */

struct assembly {
  struct kit_allocator memory;
  struct paw_allocator allocator;
  struct paw_dtls_client_hello hello;
  struct reference reference;
};

static void check_whole(const struct reference *reference, struct paw_slice whole,
                        const uint8_t *head) {
  FUZZ_CHECK(whole.len == HEADERS_LEN + reference->len);
  FUZZ_CHECK(memcmp(whole.data, head, 11) == 0);
  FUZZ_CHECK(number_at(whole.data + 11, 2) == whole.len - PAW_DTLS_RECORD_HEADER_LEN);
  const uint8_t *handshake = whole.data + PAW_DTLS_RECORD_HEADER_LEN;
  FUZZ_CHECK(handshake[0] == PAW_DTLS_CLIENT_HELLO);
  FUZZ_CHECK(number_at(handshake + 1, 3) == reference->len);
  FUZZ_CHECK(number_at(handshake + 4, 2) == reference->message_sequence);
  FUZZ_CHECK(number_at(handshake + 6, 3) == 0);
  FUZZ_CHECK(number_at(handshake + 9, 3) == reference->len);
  FUZZ_CHECK(memcmp(whole.data + HEADERS_LEN, reference->message, reference->len) == 0);
  FUZZ_CHECK(!paw_dtls_client_hello_is_fragment(whole.data, whole.len));
}

/* Feeds both and returns what came out whole. */
static struct paw_slice assembly_add(struct assembly *assembly, const uint8_t *data, size_t len) {
  struct paw_slice whole;
  const uint8_t *head = NULL;
  int status = paw_dtls_client_hello_add(&assembly->hello, &assembly->allocator, data, len, &whole);
  FUZZ_CHECK(status == reference_add(&assembly->reference, data, len, &head));
  bool is_complete = status == PAW_OK && head != NULL && is_whole(&assembly->reference);
  FUZZ_CHECK(is_complete == (whole.len > 0) || head == NULL);
  if (is_complete) {
    check_whole(&assembly->reference, whole, head);
  }
  FUZZ_CHECK(assembly->memory.outstanding_bytes <=
             HEADERS_LEN + PAW_DTLS_CLIENT_HELLO_MAX + PAW_DTLS_CLIENT_HELLO_MAX / 8);
  return whole;
}

static void assembly_begin(struct assembly *assembly) {
  memset(assembly, 0, sizeof *assembly);
  assembly->allocator = kit_allocator_hook(&assembly->memory);
}

static void assembly_end(struct assembly *assembly) {
  paw_dtls_client_hello_wipe(&assembly->hello, &assembly->allocator);
  FUZZ_CHECK(assembly->memory.outstanding_bytes == 0);
}

/* ---- the server ---- */

/* What a server holds at most beside mbedTLS's own memory. */
#define SERVER_BYTES_MAX 65536

struct server {
  struct kit_allocator memory;
  struct kit_rng rng;
  struct kit_clock clock;
  struct paw_dtls *dtls;
};

static void server_drain(struct server *server) {
  struct paw_dtls_output output;
  size_t datagrams = 0;
  for (;;) {
    paw_dtls_poll_output(server->dtls, &output);
    if (output.kind == PAW_OUTPUT_TIMEOUT) {
      break;
    }
    if (output.kind == PAW_OUTPUT_TRANSMIT) {
      FUZZ_CHECK(output.transmit.len > 0 && output.transmit.len <= PAW_MTU);
      datagrams++;
    } else {
      FUZZ_CHECK(output.event.kind == PAW_DTLS_EVENT_CLOSED);
      FUZZ_CHECK(output.event.reason != PAW_DTLS_REASON_NONE);
    }
    FUZZ_CHECK(datagrams < PAW_DTLS_OUT_MAX_BYTES);
  }
  FUZZ_CHECK(output.timeout.deadline_ns > server->clock.now_ns);
  FUZZ_CHECK(server->memory.outstanding_bytes <= SERVER_BYTES_MAX);
}

static void server_begin(struct server *server) {
  *server = (struct server){0};
  kit_rng_init(&server->rng, 2);
  kit_clock_init(&server->clock);
  struct paw_dtls_config config;
  paw_dtls_config_init(&config);
  config.certificate = kit_certificate(0);
  config.allocator = kit_allocator_hook(&server->memory);
  config.rng = kit_rng_hook(&server->rng);
  FUZZ_CHECK(paw_dtls_new(&config, &server->dtls) == PAW_OK);
  const struct paw_fingerprint expected = {.hash = PAW_HASH_SHA256, .len = 32};
  FUZZ_CHECK(paw_dtls_set_remote_fingerprints(server->dtls, &expected, 1) == PAW_OK);
  FUZZ_CHECK(paw_dtls_start(server->dtls, PAW_DTLS_SERVER, server->clock.now_ns) == PAW_OK);
  server_drain(server);
}

static void server_end(struct server *server) {
  paw_dtls_free(server->dtls);
  FUZZ_CHECK(server->memory.outstanding_bytes == 0);
}

static void server_pass(struct server *server, uint64_t ms) {
  kit_clock_advance_ms(&server->clock, ms);
  int status = paw_dtls_handle_input(
      server->dtls, &(struct paw_input){.kind = PAW_INPUT_TIMEOUT, .now_ns = server->clock.now_ns});
  FUZZ_CHECK(status == PAW_OK || paw_dtls_get_state(server->dtls) == PAW_DTLS_STATE_CLOSED);
  server_drain(server);
}

/* Nobody here has a certificate of that fingerprint, so no keys ever come of it; and what nobody
 * would send to a server changes nothing but a counter. */
static void server_feed(struct server *server, const uint8_t *data, size_t len) {
  enum paw_dtls_state before = paw_dtls_get_state(server->dtls);
  struct paw_dtls_stats counted_before;
  struct paw_dtls_stats counted;
  paw_dtls_get_stats(server->dtls, &counted_before);
  int status = paw_dtls_handle_input(
      server->dtls,
      &(struct paw_input){
          .kind = PAW_INPUT_RECEIVE, .now_ns = server->clock.now_ns, .data = data, .len = len});
  paw_dtls_get_stats(server->dtls, &counted);
  FUZZ_CHECK(status == (before == PAW_DTLS_STATE_CLOSED ? PAW_ERR_STATE : PAW_OK));
  FUZZ_CHECK(paw_dtls_get_state(server->dtls) != PAW_DTLS_STATE_CONNECTED);
  bool is_clear_alert = len > 4 && data[0] == PAW_DTLS_CONTENT_ALERT && number_at(data + 3, 2) == 0;
  FUZZ_CHECK(!is_clear_alert || paw_dtls_get_state(server->dtls) == before);
  bool is_looked_at = before != PAW_DTLS_STATE_CLOSED && len <= PAW_DATAGRAM_MAX;
  if (!is_looked_at || !paw_dtls_datagram_is_expected(data, len, PAW_DTLS_SERVER, true)) {
    FUZZ_CHECK(paw_dtls_get_state(server->dtls) == before);
    FUZZ_CHECK(before == PAW_DTLS_STATE_CLOSED || counted.dropped == counted_before.dropped + 1);
  }
  struct paw_srtp_keys keys;
  FUZZ_CHECK(paw_dtls_get_keys(server->dtls, &keys) == PAW_ERR_STATE);
  server_drain(server);
}

/* ---- the two scripts ---- */

static void run_datagrams(struct fuzz_script *script) {
  struct assembly assembly;
  struct server server;
  assembly_begin(&assembly);
  server_begin(&server);
  while (!fuzz_script_ended(script)) {
    uint16_t head = fuzz_take_u16(script);
    if ((head & 0x8000) != 0) {
      server_pass(&server, head & 0x7fff);
      continue;
    }
    size_t len = 0;
    uint8_t *data = fuzz_take_bytes(script, head % (DATAGRAM_MAX + 1), &len);
    paw_dtls_client_hello_is_fragment(data, len);
    assembly_add(&assembly, data, len);
    server_feed(&server, data, len);
    free(data);
  }
  server_end(&server);
  assembly_end(&assembly);
}

struct piece {
  size_t from;
  size_t len;
  bool appended;
};

/* A record of one fragment. */
static void put_piece(struct paw_wr *wr, const uint8_t *message, size_t message_len,
                      const struct piece *piece, uint64_t sequence) {
  paw_wr_u8(wr, PAW_DTLS_CONTENT_HANDSHAKE);
  paw_wr_u16(wr, 0xfefd);
  paw_wr_u64(wr, sequence);
  paw_wr_u16(wr, (uint16_t)(PAW_DTLS_HANDSHAKE_HEADER_LEN + piece->len));
  paw_wr_u8(wr, PAW_DTLS_CLIENT_HELLO);
  paw_wr_u24(wr, (uint32_t)message_len);
  paw_wr_u16(wr, 0);
  paw_wr_u24(wr, (uint32_t)piece->from);
  paw_wr_u24(wr, (uint32_t)piece->len);
  paw_wr_bytes(wr, message + piece->from, piece->len);
}

static size_t take_pieces(struct fuzz_script *script, size_t message_len, struct piece *pieces) {
  size_t count = 0;
  while (count < PIECES_MAX) {
    struct piece piece = {.from = fuzz_take_u16(script) % message_len};
    uint16_t len = fuzz_take_u16(script);
    piece.appended = (len & 0x8000) != 0;
    piece.len = len & 0x7fff;
    if (piece.len == 0) {
      break;
    }
    if (piece.len > message_len - piece.from) {
      piece.len = message_len - piece.from;
    }
    pieces[count++] = piece;
  }
  return count;
}

/* Expects the message whole whenever everything of it has come, and no sooner. */
static bool feed_pieces(struct assembly *assembly, const uint8_t *message, size_t message_len,
                        const struct piece *pieces, size_t count) {
  static uint8_t datagram[PIECES_MAX * (HEADERS_LEN + PAW_DTLS_CLIENT_HELLO_MAX)];
  bool came_whole = false;
  for (size_t i = 0; i < count;) {
    struct paw_wr wr = paw_wr_init(datagram, sizeof datagram);
    do {
      put_piece(&wr, message, message_len, &pieces[i], i);
      i++;
    } while (i < count && pieces[i].appended);
    FUZZ_CHECK(!wr.bad);
    struct paw_slice whole = assembly_add(assembly, datagram, wr.len);
    if (whole.len > 0) {
      FUZZ_CHECK(whole.len == HEADERS_LEN + message_len);
      FUZZ_CHECK(memcmp(whole.data + HEADERS_LEN, message, message_len) == 0);
      came_whole = true;
    }
  }
  return came_whole;
}

static void run_message(struct fuzz_script *script) {
  struct piece pieces[PIECES_MAX];
  size_t message_len = fuzz_take_u16(script) % PAW_DTLS_CLIENT_HELLO_MAX + 1;
  size_t count = take_pieces(script, message_len, pieces);
  uint8_t *message = malloc(message_len);
  FUZZ_CHECK(message != NULL);
  for (size_t i = 0; i < message_len; i++) {
    message[i] = script->left > 0 ? script->data[i % script->left] : (uint8_t)i;
  }
  struct assembly assembly;
  assembly_begin(&assembly);
  feed_pieces(&assembly, message, message_len, pieces, count);
  count = 0;
  for (size_t from = 0; from < message_len; from += 500) {
    size_t left = message_len - from;
    pieces[count++] = (struct piece){.from = from, .len = left < 500 ? left : 500};
  }
  FUZZ_CHECK(feed_pieces(&assembly, message, message_len, pieces, count));
  assembly_end(&assembly);
  free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_script script = {.data = data, .left = size};
  if ((fuzz_take_u8(&script) & 1) == 0) {
    run_datagrams(&script);
  } else {
    run_message(&script);
  }
  return 0;
}
