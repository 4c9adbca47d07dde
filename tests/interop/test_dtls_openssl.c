/* SPDX-License-Identifier: MIT */
/* Our endpoint at rest, its context freed, against OpenSSL: what it still answers and says. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "kit/clock.h"
#include "kit/rng.h"

#include <pawebrtc/dtls.h>

#define QUEUE_MAX 32
#define DATAGRAM_MAX 2048
#define RETRANSMIT_MS 200

struct queue {
  size_t first;
  size_t count;
  size_t lens[QUEUE_MAX];
  uint8_t data[QUEUE_MAX][DATAGRAM_MAX];
};

struct meeting {
  SSL_CTX *context;
  SSL *ssl;
  struct queue to_peer;
  struct queue from_peer;
  struct kit_rng rng;
  struct paw_certificate *certificate;
  struct paw_dtls *dtls;
  unsigned connected;
  unsigned closed;
  enum paw_dtls_reason reason;
  uint64_t now_ns;
  uint64_t deadline_ns;
  unsigned lose; /* of our datagrams that begin with ChangeCipherSpec, so many */
  unsigned lost;
};

/* ---- datagrams ---- */

static void push(struct queue *queue, const uint8_t *data, size_t len) {
  assert_true(queue->count < QUEUE_MAX && len <= DATAGRAM_MAX);
  size_t at = (queue->first + queue->count++) % QUEUE_MAX;
  memcpy(queue->data[at], data, len);
  queue->lens[at] = len;
}

static size_t pop(struct queue *queue, uint8_t *out, size_t room) {
  if (queue->count == 0) {
    return 0;
  }
  size_t at = queue->first;
  size_t len = queue->lens[at] < room ? queue->lens[at] : room;
  memcpy(out, queue->data[at], len);
  queue->first = (at + 1) % QUEUE_MAX;
  queue->count--;
  return len;
}

static int bio_write(BIO *bio, const char *data, int len) {
  struct meeting *meeting = BIO_get_data(bio);
  push(&meeting->from_peer, (const uint8_t *)data, (size_t)len);
  return len;
}

static int bio_read(BIO *bio, char *out, int room) {
  struct meeting *meeting = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  size_t len = pop(&meeting->to_peer, (uint8_t *)out, (size_t)room);
  if (len == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  return (int)len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)bio;
  (void)number;
  (void)pointer;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO *make_bio(struct meeting *meeting) {
  static BIO_METHOD *method;
  if (method == NULL) {
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams in memory");
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_ctrl(method, bio_ctrl);
  }
  BIO *bio = BIO_new(method);
  BIO_set_data(bio, meeting);
  BIO_set_init(bio, 1);
  return bio;
}

/* ---- OpenSSL's end ---- */

static int accept_any(int ok, X509_STORE_CTX *store) {
  (void)ok;
  (void)store;
  return 1;
}

/* OpenSSL has a clock of its own, and waits for a second. */
static unsigned retransmit_us(SSL *ssl, unsigned previous_us) {
  (void)ssl;
  (void)previous_us;
  return RETRANSMIT_MS * 1000;
}

static void identify(SSL_CTX *context, struct paw_fingerprint *fingerprint) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  unsigned len = 0;
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_NAME *name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"peer", -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
  assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
  assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
  *fingerprint = (struct paw_fingerprint){.hash = PAW_HASH_SHA256};
  assert_int_equal(X509_digest(certificate, EVP_sha256(), fingerprint->value, &len), 1);
  fingerprint->len = (uint8_t)len;
  X509_free(certificate);
  EVP_PKEY_free(key);
}

static void make_peer(struct meeting *meeting, bool client, struct paw_fingerprint *fingerprint) {
  meeting->context = SSL_CTX_new(DTLS_method());
  assert_non_null(meeting->context);
  assert_int_equal(SSL_CTX_set_tlsext_use_srtp(meeting->context, "SRTP_AES128_CM_SHA1_80"), 0);
  SSL_CTX_set_verify(meeting->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     accept_any);
  identify(meeting->context, fingerprint);
  meeting->ssl = SSL_new(meeting->context);
  SSL_set_options(meeting->ssl, SSL_OP_NO_QUERY_MTU);
  assert_int_equal(DTLS_set_link_mtu(meeting->ssl, 1200), 1);
  DTLS_set_timer_cb(meeting->ssl, retransmit_us);
  BIO *bio = make_bio(meeting);
  SSL_set_bio(meeting->ssl, bio, bio);
  if (client) {
    SSL_set_connect_state(meeting->ssl);
  } else {
    SSL_set_accept_state(meeting->ssl);
  }
}

/* Go on with the handshake, or after it with reading; what SSL_get_error says. */
static int step_peer(struct meeting *meeting) {
  uint8_t nothing[16];
  ERR_clear_error();
  int ret = SSL_is_init_finished(meeting->ssl) ? SSL_read(meeting->ssl, nothing, sizeof nothing)
                                               : SSL_do_handshake(meeting->ssl);
  return SSL_get_error(meeting->ssl, ret);
}

static bool peer_was_told(const struct meeting *meeting) {
  return (SSL_get_shutdown(meeting->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

/* ---- ours ---- */

static bool is_last_flight(const uint8_t *data) {
  return data[0] == 20;
}

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
    if (output.kind == PAW_OUTPUT_EVENT) {
      meeting->connected += output.event.kind == PAW_DTLS_EVENT_CONNECTED;
      meeting->closed += output.event.kind == PAW_DTLS_EVENT_CLOSED;
      meeting->reason = output.event.reason;
    } else if (meeting->lost < meeting->lose && is_last_flight(output.transmit.data)) {
      meeting->lost++;
    } else {
      push(&meeting->to_peer, output.transmit.data, output.transmit.len);
    }
  }
}

static void give_all(struct meeting *meeting) {
  uint8_t data[DATAGRAM_MAX];
  while (meeting->from_peer.count > 0) {
    size_t len = pop(&meeting->from_peer, data, sizeof data);
    const struct paw_input input = {
        .kind = PAW_INPUT_RECEIVE, .now_ns = meeting->now_ns, .data = data, .len = len};
    (void)paw_dtls_handle_input(meeting->dtls, &input);
  }
}

/* Who was told that it is over reads no more. */
static void read_all(struct meeting *meeting) {
  do {
    (void)step_peer(meeting);
    meeting->to_peer.count = peer_was_told(meeting) ? 0 : meeting->to_peer.count;
  } while (meeting->to_peer.count > 0);
}

/* Until nobody has anything more to say. */
static void talk(struct meeting *meeting) {
  bool any = true;
  while (any) {
    any = drain(meeting) || meeting->to_peer.count > 0;
    read_all(meeting);
    any = meeting->from_peer.count > 0 || any;
    give_all(meeting);
  }
}

static void begin(struct meeting *meeting, bool peer_is_client) {
  static const struct paw_allocator plain;
  memset(meeting, 0, sizeof *meeting);
  meeting->now_ns = KIT_CLOCK_ORIGIN_NS;
  struct paw_fingerprint fingerprint;
  make_peer(meeting, peer_is_client, &fingerprint);
  kit_rng_init(&meeting->rng, 5);
  struct paw_rng rng = kit_rng_hook(&meeting->rng);
  assert_int_equal(paw_certificate_generate(&rng, &plain, &meeting->certificate), PAW_OK);
  struct paw_dtls_config own;
  paw_dtls_config_init(&own);
  own.certificate = meeting->certificate;
  own.rng = rng;
  assert_int_equal(paw_dtls_new(&own, &meeting->dtls), PAW_OK);
  assert_int_equal(paw_dtls_set_remote_fingerprints(meeting->dtls, &fingerprint, 1), PAW_OK);
  assert_int_equal(paw_dtls_start(meeting->dtls, peer_is_client ? PAW_DTLS_SERVER : PAW_DTLS_CLIENT,
                                  meeting->now_ns),
                   PAW_OK);
}

static void end(struct meeting *meeting) {
  paw_dtls_free(meeting->dtls);
  paw_certificate_free(meeting->certificate);
  SSL_free(meeting->ssl);
  SSL_CTX_free(meeting->context);
}

static void expect_connected(struct meeting *meeting, bool peer_is_client) {
  static const char label[] = "EXTRACTOR-dtls_srtp";
  struct paw_srtp_keys keys;
  uint8_t block[60];
  assert_int_equal(meeting->connected, 1);
  assert_int_equal(meeting->closed, 0);
  assert_true(SSL_is_init_finished(meeting->ssl));
  assert_int_equal(paw_dtls_get_keys(meeting->dtls, &keys), PAW_OK);
  assert_int_equal(SSL_export_keying_material(meeting->ssl, block, sizeof block, label,
                                              sizeof label - 1, NULL, 0, 0),
                   1);
  assert_memory_equal(peer_is_client ? keys.remote_key : keys.local_key, block, 16);
  assert_memory_equal(peer_is_client ? keys.local_key : keys.remote_key, block + 16, 16);
  assert_memory_equal(peer_is_client ? keys.remote_salt : keys.local_salt, block + 32, 14);
  assert_memory_equal(peer_is_client ? keys.local_salt : keys.remote_salt, block + 46, 14);
}

/* ---- cases ---- */

static void we_close(struct meeting *meeting) {
  assert_false(peer_was_told(meeting));
  paw_dtls_close(meeting->dtls);
  talk(meeting);
  assert_true(peer_was_told(meeting));
  assert_int_equal(step_peer(meeting), SSL_ERROR_ZERO_RETURN);
  assert_int_equal(meeting->reason, PAW_DTLS_REASON_LOCAL);
}

static void peer_closes(struct meeting *meeting) {
  assert_int_equal(SSL_shutdown(meeting->ssl), 0);
  talk(meeting);
  assert_int_equal(meeting->closed, 1);
  assert_int_equal(meeting->reason, PAW_DTLS_REASON_CLOSE_NOTIFY);
  assert_true(peer_was_told(meeting)); /* answered with our own */
}

static void either_closes(bool peer_is_client) {
  struct meeting meeting;
  begin(&meeting, peer_is_client);
  talk(&meeting);
  expect_connected(&meeting, peer_is_client);
  we_close(&meeting);
  end(&meeting);

  begin(&meeting, peer_is_client);
  talk(&meeting);
  expect_connected(&meeting, peer_is_client);
  peer_closes(&meeting);
  end(&meeting);
}

static void either_closes_in_either_role(void **state) {
  (void)state;
  either_closes(true);
  either_closes(false);
}

/* Until OpenSSL, which looks at the wall clock, has repeated its flight. */
static void await_repeat(SSL *ssl) {
  long repeated = DTLSv1_handle_timeout(ssl);
  while (repeated == 0) {
    struct timeval left = {0};
    assert_int_equal(DTLSv1_get_timeout(ssl, &left), 1);
    (void)poll(NULL, 0, (int)(left.tv_sec * 1000 + left.tv_usec / 1000 + 1));
    repeated = DTLSv1_handle_timeout(ssl);
  }
  assert_int_equal(repeated, 1);
}

/* Our context is gone when OpenSSL repeats its flight, for ours was lost, twice. */
static void our_last_flight_is_lost(void **state) {
  (void)state;
  struct meeting meeting;
  begin(&meeting, true);
  meeting.lose = 2;
  talk(&meeting);
  assert_int_equal(meeting.connected, 1);
  assert_int_equal(meeting.lost, 1);
  assert_false(SSL_is_init_finished(meeting.ssl));
  for (int i = 0; i < 2; i++) {
    await_repeat(meeting.ssl);
    meeting.now_ns += RETRANSMIT_MS * PAW_NS_PER_MS;
    talk(&meeting);
  }
  assert_int_equal(meeting.lost, 2);
  expect_connected(&meeting, true);
  we_close(&meeting);
  end(&meeting);
}

/* OpenSSL is connected, and hears our flight once more, for its own was lost. */
static void the_peers_last_flight_is_lost(void **state) {
  (void)state;
  struct meeting meeting;
  begin(&meeting, false);
  while (!SSL_is_init_finished(meeting.ssl)) {
    give_all(&meeting);
    assert_true(drain(&meeting));
    read_all(&meeting);
  }
  meeting.from_peer.count = 0;
  assert_int_equal(meeting.connected, 0);
  meeting.now_ns = meeting.deadline_ns;
  const struct paw_input time = {.kind = PAW_INPUT_TIMEOUT, .now_ns = meeting.now_ns};
  assert_int_equal(paw_dtls_handle_input(meeting.dtls, &time), PAW_OK);
  talk(&meeting);
  expect_connected(&meeting, false);
  peer_closes(&meeting);
  end(&meeting);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(either_closes_in_either_role),
      cmocka_unit_test(our_last_flight_is_lost),
      cmocka_unit_test(the_peers_last_flight_is_lost),
  };
  return cmocka_run_group_tests_name("dtls_openssl", tests, NULL, NULL);
}
