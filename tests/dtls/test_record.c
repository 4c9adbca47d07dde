/* SPDX-License-Identifier: MIT */
/* Records and fragments, and which datagrams a handshake gets to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/wr.h"
#include "dtls/private.h"

struct datagram {
  size_t len;
  uint8_t data[256];
};

static void add_record(struct datagram *datagram, uint8_t content, uint16_t version, uint16_t epoch,
                       const uint8_t *body, size_t len) {
  struct paw_wr wr =
      paw_wr_init(datagram->data + datagram->len, sizeof datagram->data - datagram->len);
  paw_wr_u8(&wr, content);
  paw_wr_u16(&wr, version);
  paw_wr_u16(&wr, epoch);
  paw_wr_u16(&wr, 0x0102);
  paw_wr_u32(&wr, 0x03040506);
  paw_wr_u16(&wr, (uint16_t)len);
  paw_wr_bytes(&wr, body, len);
  assert_false(wr.bad);
  datagram->len += wr.len;
}

/* A whole message of four bytes. */
static struct datagram make_message(uint8_t type) {
  const uint8_t body[16] = {type, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4};
  struct datagram datagram = {0};
  add_record(&datagram, 22, 0xfefd, 0, body, sizeof body);
  return datagram;
}

static bool is_expected(const struct datagram *datagram, enum paw_dtls_role role, bool spoken) {
  return paw_dtls_datagram_is_expected(datagram->data, datagram->len, role, spoken);
}

static void reads_a_record(void **state) {
  (void)state;
  struct datagram datagram = make_message(1);
  struct paw_rd rd = paw_rd_init(datagram.data, datagram.len);
  struct paw_dtls_record record;
  assert_true(paw_dtls_record_read(&rd, &record));
  assert_true(paw_rd_end(&rd));
  assert_int_equal(record.content, 22);
  assert_int_equal(record.version, 0xfefd);
  assert_int_equal(record.epoch, 0);
  assert_true(record.sequence == UINT64_C(0x010203040506));
  assert_int_equal(record.body.len, 16);
  for (size_t len = 0; len < datagram.len; len++) {
    rd = paw_rd_init(datagram.data, len);
    assert_false(paw_dtls_record_read(&rd, &record));
  }
}

/* RFC 6347 section 4.1; 0xfefc is DTLS 1.3, which no record says. */
static void versions_and_contents(void **state) {
  (void)state;
  for (uint32_t version = 0; version < 0x10000; version++) {
    struct datagram datagram = {0};
    static const uint8_t one[1] = {1};
    add_record(&datagram, 20, (uint16_t)version, 0, one, 1);
    struct paw_rd rd = paw_rd_init(datagram.data, datagram.len);
    struct paw_dtls_record record;
    assert_int_equal(paw_dtls_record_read(&rd, &record), version == 0xfeff || version == 0xfefd);
  }
  for (unsigned content = 0; content < 256; content++) {
    struct datagram datagram = {0};
    add_record(&datagram, (uint8_t)content, 0xfefd, 0, NULL, 0);
    struct paw_rd rd = paw_rd_init(datagram.data, datagram.len);
    struct paw_dtls_record record;
    assert_int_equal(paw_dtls_record_read(&rd, &record), content >= 20 && content <= 23);
  }
}

static bool is_in(const uint8_t *list, size_t count, unsigned value) {
  for (size_t i = 0; i < count; i++) {
    if (list[i] == value) {
      return true;
    }
  }
  return false;
}

/* RFC 5246 section 7.4. */
static void each_role_hears_the_other(void **state) {
  (void)state;
  static const uint8_t for_client[] = {2, 3, 4, 11, 12, 13, 14, 22};
  static const uint8_t for_server[] = {1, 11, 15, 16};
  for (unsigned type = 0; type < 256; type++) {
    struct datagram message = make_message((uint8_t)type);
    assert_int_equal(is_expected(&message, PAW_DTLS_CLIENT, true),
                     is_in(for_client, sizeof for_client, type));
    assert_int_equal(is_expected(&message, PAW_DTLS_SERVER, true),
                     is_in(for_server, sizeof for_server, type));
    assert_int_equal(is_expected(&message, PAW_DTLS_SERVER, false), type == 1);
  }
}

static void one_bad_record_spoils_the_datagram(void **state) {
  (void)state;
  static const uint8_t one[1] = {1};
  struct datagram datagram = make_message(11);
  add_record(&datagram, 20, 0xfefd, 0, one, 1);
  add_record(&datagram, 22, 0xfefd, 1, one, 1); /* encrypted: whatever it is */
  assert_true(is_expected(&datagram, PAW_DTLS_SERVER, true));
  struct datagram spoiled = datagram;
  add_record(&spoiled, 23, 0xfefd, 0, one, 1); /* application data in clear */
  assert_false(is_expected(&spoiled, PAW_DTLS_SERVER, true));
  spoiled = datagram;
  spoiled.len--;
  assert_false(is_expected(&spoiled, PAW_DTLS_SERVER, true));
}

/* An alert in clear is never for mbedTLS, which would end over it; a fatal one is a refusal. */
static void alerts_and_change_cipher_spec(void **state) {
  (void)state;
  static const struct {
    uint8_t content;
    uint8_t body[3];
    size_t len;
    bool expected;
    bool refusal;
  } cases[] = {
      {21, {2, 40}, 2, false, true},  {21, {1, 0}, 2, false, false},
      {21, {2}, 1, false, false},     {21, {2, 40, 0}, 3, false, false},
      {21, {0}, 0, false, false},     {20, {1}, 1, true, false},
      {20, {2}, 1, false, false},     {20, {1, 1}, 2, false, false},
      {20, {0}, 0, false, false},     {22, {0}, 0, false, false},
      {22, {11, 0}, 2, false, false}, {22, {2, 40}, 2, false, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct datagram datagram = {0};
    add_record(&datagram, cases[i].content, 0xfefd, 0, cases[i].body, cases[i].len);
    assert_int_equal(is_expected(&datagram, PAW_DTLS_SERVER, true), cases[i].expected);
    assert_int_equal(is_expected(&datagram, PAW_DTLS_CLIENT, true), cases[i].expected);
    assert_false(is_expected(&datagram, PAW_DTLS_SERVER, false));
    assert_int_equal(paw_dtls_datagram_is_refusal(datagram.data, datagram.len), cases[i].refusal);
  }
  const struct datagram empty = {0};
  assert_false(is_expected(&empty, PAW_DTLS_CLIENT, true));
  assert_false(paw_dtls_datagram_is_refusal(empty.data, empty.len));
  static const uint8_t fatal[2] = {2, 40};
  struct datagram sealed = {0};
  add_record(&sealed, 21, 0xfefd, 1, fatal, 2); /* looks fatal, and is ciphertext */
  assert_true(is_expected(&sealed, PAW_DTLS_CLIENT, true));
  assert_false(paw_dtls_datagram_is_refusal(sealed.data, sealed.len));
}

/* Offset and length within the message, also where their sum would wrap. */
static void fragments(void **state) {
  (void)state;
  static const struct {
    uint8_t header[12];
    bool good;
  } cases[] = {
      {{1, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4}, true},
      {{1, 0, 0, 9, 0, 0, 0, 0, 5, 0, 0, 4}, true},
      {{1, 0, 0, 9, 0, 0, 0, 0, 6, 0, 0, 4}, false},
      {{1, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5}, false},
      {{1, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0, 0, 4}, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t bytes[16] = {0};
    memcpy(bytes, cases[i].header, sizeof cases[i].header);
    struct paw_rd rd = paw_rd_init(bytes, sizeof bytes);
    struct paw_dtls_fragment fragment;
    assert_int_equal(paw_dtls_fragment_read(&rd, &fragment), cases[i].good);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_a_record),
      cmocka_unit_test(versions_and_contents),
      cmocka_unit_test(each_role_hears_the_other),
      cmocka_unit_test(one_bad_record_spoils_the_datagram),
      cmocka_unit_test(alerts_and_change_cipher_spec),
      cmocka_unit_test(fragments),
  };
  return cmocka_run_group_tests_name("dtls_record", tests, NULL, NULL);
}
