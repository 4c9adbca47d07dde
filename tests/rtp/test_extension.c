/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtp/rtp.h"

static struct paw_rtp_extension_reader reader_of(uint16_t profile, const uint8_t *data,
                                                 size_t len) {
  const struct paw_rtp_header header = {.extension_profile = profile,
                                        .extension = {.data = data, .len = len}};
  struct paw_rtp_extension_reader reader;
  paw_rtp_extension_reader_init(&reader, &header);
  return reader;
}

static void expect_element(struct paw_rtp_extension_reader *reader, uint8_t id, const void *value,
                           size_t len) {
  struct paw_rtp_extension element;
  assert_true(paw_rtp_extension_next(reader, &element));
  assert_int_equal(element.id, id);
  assert_int_equal(element.value.len, len);
  if (len > 0) {
    assert_memory_equal(element.value.data, value, len);
  }
}

static void expect_end(struct paw_rtp_extension_reader *reader) {
  struct paw_rtp_extension element;
  assert_false(paw_rtp_extension_next(reader, &element));
  assert_false(paw_rtp_extension_next(reader, &element));
}

static void test_one_byte_form(void **state) {
  (void)state;
  static const uint8_t block[] = {0x10, 0x7f, 0x00, 0x00, 0x42, 'a', 'b', 'c'};
  struct paw_rtp_extension_reader reader = reader_of(0xbede, block, sizeof block);
  expect_element(&reader, 1, "\x7f", 1);
  expect_element(&reader, 4, "abc", 3);
  expect_end(&reader);
  assert_false(reader.rd.bad);
}

static void test_one_byte_form_longest_element(void **state) {
  (void)state;
  uint8_t block[20] = {0xef};
  memset(block + 1, 0x5a, 16);
  struct paw_rtp_extension_reader reader = reader_of(0xbede, block, sizeof block);
  expect_element(&reader, 14, block + 1, 16);
  expect_end(&reader);
}

static void test_id_15_ends_a_one_byte_block(void **state) {
  (void)state;
  static const uint8_t block[] = {0x10, 0x01, 0xf0, 0x00, 0x20, 0x02, 0x00, 0x00};
  struct paw_rtp_extension_reader reader = reader_of(0xbede, block, sizeof block);
  expect_element(&reader, 1, "\x01", 1);
  expect_end(&reader);
}

static void test_id_0_with_a_length_ends_a_one_byte_block(void **state) {
  (void)state;
  static const uint8_t block[] = {0x10, 0x01, 0x03, 0x00, 0x20, 0x02, 0x00, 0x00};
  struct paw_rtp_extension_reader reader = reader_of(0xbede, block, sizeof block);
  expect_element(&reader, 1, "\x01", 1);
  expect_end(&reader);
}

static void test_two_byte_form(void **state) {
  (void)state;
  static const uint8_t block[] = {15, 2, 'h', 'i', 0, 0, 200, 0, 1, 3, 'x', 'y', 'z', 0, 0, 0};
  struct paw_rtp_extension_reader reader = reader_of(0x1000, block, sizeof block);
  expect_element(&reader, 15, "hi", 2);
  expect_element(&reader, 200, NULL, 0);
  expect_element(&reader, 1, "xyz", 3);
  expect_end(&reader);
  assert_false(reader.rd.bad);
}

static void test_two_byte_form_with_application_bits(void **state) {
  (void)state;
  static const uint8_t block[] = {7, 1, 'q', 0};
  struct paw_rtp_extension_reader reader = reader_of(0x100f, block, sizeof block);
  expect_element(&reader, 7, "q", 1);
  expect_end(&reader);
}

static void test_other_profiles_have_no_elements(void **state) {
  (void)state;
  static const uint8_t block[] = {0x10, 0x01, 0x10, 0x02};
  static const uint16_t profiles[] = {0, 0x1010, 0x0fff, 0xbedf, 0xbedd, 0xffff};
  for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
    struct paw_rtp_extension_reader reader = reader_of(profiles[i], block, sizeof block);
    expect_end(&reader);
  }
}

static void test_element_beyond_the_block_is_refused(void **state) {
  (void)state;
  uint8_t *block = malloc(4);
  assert_non_null(block);
  memcpy(block, (const uint8_t[]){0x10, 0x01, 0x21, 0x02}, 4);
  struct paw_rtp_extension_reader reader = reader_of(0xbede, block, 4);
  expect_element(&reader, 1, "\x01", 1);
  expect_end(&reader);
  assert_true(reader.rd.bad);
  memcpy(block, (const uint8_t[]){0, 0, 3, 1}, 4);
  reader = reader_of(0x1000, block, 4);
  expect_end(&reader);
  assert_true(reader.rd.bad);
  memcpy(block, (const uint8_t[]){0, 0, 0, 9}, 4); /* an id without its length */
  reader = reader_of(0x1000, block, 4);
  expect_end(&reader);
  assert_true(reader.rd.bad);
  free(block);
}

static void test_only_padding(void **state) {
  (void)state;
  static const uint8_t block[8] = {0};
  struct paw_rtp_extension_reader reader = reader_of(0xbede, block, sizeof block);
  expect_end(&reader);
  reader = reader_of(0x1000, block, sizeof block);
  expect_end(&reader);
  reader = reader_of(0xbede, block, 0);
  expect_end(&reader);
}

static size_t write_packet(uint8_t *bytes, size_t room, bool two_byte, const uint8_t *value,
                           size_t len) {
  struct paw_wr wr = paw_wr_init(bytes, room);
  const struct paw_rtp_header header = {.payload_type = 111, .ssrc = 1};
  struct paw_rtp_extension_writer writer;
  paw_rtp_write_header(&wr, &header, true);
  paw_rtp_extension_begin(&writer, &wr, two_byte);
  paw_rtp_extension_add(&writer, 1, "\x85", 1);
  paw_rtp_extension_add(&writer, 4, value, len);
  paw_rtp_extension_end(&writer);
  paw_wr_bytes(&wr, "opus", 4);
  return wr.bad ? 0 : wr.len;
}

static void test_written_blocks_read_back(void **state) {
  (void)state;
  uint8_t value[16];
  memset(value, 0xee, sizeof value);
  for (int two_byte = 0; two_byte < 2; two_byte++) {
    for (size_t len = 1; len <= sizeof value; len++) {
      uint8_t bytes[64];
      size_t total = write_packet(bytes, sizeof bytes, two_byte == 1, value, len);
      assert_true(total > 0);
      struct paw_rtp_header header;
      struct paw_slice payload;
      assert_int_equal(paw_rtp_read(bytes, total, &header, &payload), PAW_OK);
      assert_int_equal(header.extension_profile, two_byte == 1 ? 0x1000 : 0xbede);
      assert_int_equal(header.extension.len % 4, 0);
      assert_int_equal(payload.len, 4);
      assert_memory_equal(payload.data, "opus", 4);
      struct paw_rtp_extension_reader reader;
      paw_rtp_extension_reader_init(&reader, &header);
      expect_element(&reader, 1, "\x85", 1);
      expect_element(&reader, 4, value, len);
      expect_end(&reader);
    }
  }
}

static void test_writer_fails_in_every_shorter_buffer(void **state) {
  (void)state;
  static const uint8_t value[3] = {1, 2, 3};
  uint8_t bytes[64];
  size_t total = write_packet(bytes, sizeof bytes, false, value, sizeof value);
  assert_int_equal(total, 12 + 4 + 8 + 4);
  for (size_t room = 0; room < total; room++) {
    assert_int_equal(write_packet(bytes, room, false, value, sizeof value), 0);
  }
}

static void test_writer_refuses_what_the_form_cannot_say(void **state) {
  (void)state;
  static const uint8_t value[256] = {0};
  static const struct {
    bool two_byte;
    uint8_t id;
    size_t len;
    bool bad;
  } cases[] = {
      {false, 0, 1, true},  {false, 15, 1, true},    {false, 1, 0, true},
      {false, 1, 17, true}, {false, 14, 16, false},  {true, 0, 1, true},
      {true, 1, 256, true}, {true, 255, 255, false}, {true, 1, 0, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t bytes[512];
    struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
    struct paw_rtp_extension_writer writer;
    paw_rtp_extension_begin(&writer, &wr, cases[i].two_byte);
    paw_rtp_extension_add(&writer, cases[i].id, value, cases[i].len);
    paw_rtp_extension_end(&writer);
    assert_int_equal(wr.bad, cases[i].bad);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_byte_form),
      cmocka_unit_test(test_one_byte_form_longest_element),
      cmocka_unit_test(test_id_15_ends_a_one_byte_block),
      cmocka_unit_test(test_id_0_with_a_length_ends_a_one_byte_block),
      cmocka_unit_test(test_two_byte_form),
      cmocka_unit_test(test_two_byte_form_with_application_bits),
      cmocka_unit_test(test_other_profiles_have_no_elements),
      cmocka_unit_test(test_element_beyond_the_block_is_refused),
      cmocka_unit_test(test_only_padding),
      cmocka_unit_test(test_written_blocks_read_back),
      cmocka_unit_test(test_writer_fails_in_every_shorter_buffer),
      cmocka_unit_test(test_writer_refuses_what_the_form_cannot_say),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
