/* SPDX-License-Identifier: MIT */
/* What is written is read again; what cannot be written says why. And the cheap look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kit/hmac.h"
#include "stun/stun.h"

static const uint8_t key[] = "VOkJxbRl1RmTxUk/WvJxBt";
#define KEY_LEN 22

static struct paw_slice slice_of(const char *text) {
  return (struct paw_slice){(const uint8_t *)text, strlen(text)};
}

static struct paw_address address_of(const char *text) {
  struct paw_address address = {0};
  assert_int_equal(paw_address_parse(text, &address), PAW_OK);
  return address;
}

static struct paw_stun_message full_message(void) {
  struct paw_stun_message message = {
      .class = PAW_STUN_ERROR,
      .method = PAW_STUN_METHOD_BINDING,
      .id = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 255, 254},
      .has = (PAW_STUN_HAS_FINGERPRINT << 1) - 1,
      .username = slice_of("ab:cdefg"),
      .realm = slice_of("r"),
      .nonce = slice_of("no"),
      .software = slice_of("sof"),
      .priority = 0x12345678,
      .controlling = UINT64_C(0x0123456789abcdef),
      .controlled = UINT64_C(0xfedcba9876543210),
      .mapped = address_of("[2001:db8::5]:4242"),
      .xor_mapped = address_of("203.0.113.9:65535"),
      .error_code = 699,
      .error_reason = slice_of("strange"),
      .listed_count = 3,
      .listed = {1, 0x7fff, 0x0003},
  };
  return message;
}

static void assert_slices_equal(struct paw_slice a, struct paw_slice b) {
  assert_int_equal(a.len, b.len);
  assert_memory_equal(a.data, b.data, a.len);
}

static void test_round_trip(void **state) {
  (void)state;
  struct paw_stun_message in = full_message();
  struct paw_stun_message out;
  uint8_t data[512];
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  assert_int_equal(paw_stun_write(&wr, &in, KIT_HMAC_KEY(key, KEY_LEN)), PAW_OK);
  assert_int_equal(paw_stun_read(data, wr.len, &out), PAW_STUN_FAULT_NONE);
  assert_int_equal(out.class, in.class);
  assert_int_equal(out.method, in.method);
  assert_memory_equal(out.id, in.id, sizeof in.id);
  assert_int_equal(out.has, in.has);
  assert_slices_equal(out.username, in.username);
  assert_slices_equal(out.realm, in.realm);
  assert_slices_equal(out.nonce, in.nonce);
  assert_slices_equal(out.software, in.software);
  assert_int_equal(out.priority, in.priority);
  assert_true(out.controlling == in.controlling);
  assert_true(out.controlled == in.controlled);
  assert_true(paw_address_equal(&out.mapped, &in.mapped));
  assert_true(paw_address_equal(&out.xor_mapped, &in.xor_mapped));
  assert_int_equal(out.error_code, 699);
  assert_slices_equal(out.error_reason, in.error_reason);
  assert_int_equal(out.listed_count, 3);
  assert_memory_equal(out.listed, in.listed, sizeof in.listed);
  assert_int_equal(out.unknown_count, 0);
  assert_true(paw_stun_check_integrity(&out, KIT_HMAC_KEY(key, KEY_LEN)));
  assert_true(paw_stun_check_fingerprint(&out));
}

/* Each member alone, with an IPv6 address behind the mask too. */
static void test_each_alone(void **state) {
  (void)state;
  for (uint32_t has = 1; has <= PAW_STUN_HAS_FINGERPRINT; has <<= 1) {
    struct paw_stun_message in = full_message();
    in.has = has;
    in.xor_mapped = address_of("[2001:db8:1:2:3:4:5:6]:1");
    struct paw_stun_message out;
    uint8_t data[128];
    struct paw_wr wr = paw_wr_init(data, sizeof data);
    assert_int_equal(paw_stun_write(&wr, &in, KIT_HMAC_KEY(key, KEY_LEN)), PAW_OK);
    assert_int_equal(paw_stun_read(data, wr.len, &out), PAW_STUN_FAULT_NONE);
    assert_int_equal(out.has, has);
    if (has == PAW_STUN_HAS_XOR_MAPPED) {
      assert_true(paw_address_equal(&out.xor_mapped, &in.xor_mapped));
    }
  }
}

static void test_no_room(void **state) {
  (void)state;
  struct paw_stun_message message = full_message();
  uint8_t data[512];
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  assert_int_equal(paw_stun_write(&wr, &message, KIT_HMAC_KEY(key, KEY_LEN)), PAW_OK);
  size_t needed = wr.len;
  for (size_t room = 0; room < needed; room++) {
    wr = paw_wr_init(data, room);
    assert_int_equal(paw_stun_write(&wr, &message, KIT_HMAC_KEY(key, KEY_LEN)), PAW_ERR_NO_BUFFER);
  }
}

static int write_to_scratch(const struct paw_stun_message *message, size_t already) {
  uint8_t data[512];
  struct paw_wr wr = paw_wr_init(data, sizeof data);
  paw_wr_zeros(&wr, already);
  return paw_stun_write(&wr, message, KIT_HMAC_KEY(key, KEY_LEN));
}

static void test_invalid(void **state) {
  (void)state;
  struct paw_stun_message message = full_message();
  assert_int_equal(write_to_scratch(&message, 4), PAW_ERR_INVALID);
  message.error_code = 299;
  assert_int_equal(write_to_scratch(&message, 0), PAW_ERR_INVALID);
  message.error_code = 700;
  assert_int_equal(write_to_scratch(&message, 0), PAW_ERR_INVALID);
  message = full_message();
  message.method = 0x1000;
  assert_int_equal(write_to_scratch(&message, 0), PAW_ERR_INVALID);
  message = full_message();
  message.username.len = 514;
  assert_int_equal(write_to_scratch(&message, 0), PAW_ERR_INVALID);
  message = full_message();
  message.listed_count = PAW_STUN_UNKNOWN_MAX + 1;
  assert_int_equal(write_to_scratch(&message, 0), PAW_ERR_INVALID);
  message = full_message();
  message.mapped = (struct paw_address){0};
  assert_int_equal(write_to_scratch(&message, 0), PAW_ERR_INVALID);
}

/* ---- the cheap look ---- */

static size_t write_request(uint8_t *data, size_t room, uint32_t has, const char *username) {
  struct paw_stun_message message = full_message();
  message.class = PAW_STUN_REQUEST;
  message.has = has;
  message.username = slice_of(username);
  struct paw_wr wr = paw_wr_init(data, room);
  assert_int_equal(paw_stun_write(&wr, &message, KIT_HMAC_KEY(key, KEY_LEN)), PAW_OK);
  return wr.len;
}

static void test_peek(void **state) {
  (void)state;
  uint8_t data[256];
  struct paw_slice username;
  size_t len = write_request(data, sizeof data,
                             PAW_STUN_HAS_SOFTWARE | PAW_STUN_HAS_USERNAME | PAW_STUN_HAS_INTEGRITY,
                             "abcd:efgh");
  assert_true(paw_stun_is_message(data, len));
  assert_int_equal(paw_stun_peek_class(data), PAW_STUN_REQUEST);
  assert_memory_equal(paw_stun_peek_id(data), data + 8, PAW_STUN_ID_LEN);
  assert_true(paw_stun_peek_username(data, len, &username));
  assert_slices_equal(username, slice_of("abcd:efgh"));
  assert_slices_equal(paw_stun_username_ufrag(username), slice_of("abcd"));
  data[0] = 1; /* a response has no say in whose it is */
  assert_false(paw_stun_peek_username(data, len, &username));
  len = write_request(data, sizeof data, PAW_STUN_HAS_SOFTWARE | PAW_STUN_HAS_INTEGRITY, "");
  assert_false(paw_stun_peek_username(data, len, &username));
  data[23] = 200; /* an attribute past the end */
  assert_false(paw_stun_peek_username(data, len, &username));
  assert_false(paw_stun_peek_username(data, 19, &username));
}

/* What stands after MESSAGE-INTEGRITY does not count, here either. */
static void test_peek_stops_at_integrity(void **state) {
  (void)state;
  uint8_t data[256];
  struct paw_slice username;
  size_t len = write_request(data, sizeof data, PAW_STUN_HAS_INTEGRITY, "");
  struct paw_wr wr = {.data = data, .len = len, .room = sizeof data};
  const uint8_t late[] = {0, 6, 0, 4, 'a', ':', 'b', 'c'};
  paw_wr_bytes(&wr, late, sizeof late);
  paw_wr_patch_u16(&wr, 2, (uint16_t)(wr.len - PAW_STUN_HEADER_LEN));
  assert_true(paw_stun_is_message(data, wr.len));
  assert_false(paw_stun_peek_username(data, wr.len, &username));
}

static void test_ufrag(void **state) {
  (void)state;
  assert_int_equal(paw_stun_username_ufrag(slice_of("abcd")).len, 0);
  assert_int_equal(paw_stun_username_ufrag(slice_of("")).len, 0);
  assert_int_equal(paw_stun_username_ufrag(slice_of(":abcd")).len, 0);
  assert_int_equal(paw_stun_username_ufrag(slice_of("a:b:c")).len, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip), cmocka_unit_test(test_each_alone),
      cmocka_unit_test(test_no_room),    cmocka_unit_test(test_invalid),
      cmocka_unit_test(test_peek),       cmocka_unit_test(test_peek_stops_at_integrity),
      cmocka_unit_test(test_ufrag),
  };
  return cmocka_run_group_tests_name("stun_write", tests, NULL, NULL);
}
