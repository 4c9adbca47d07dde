/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtp/rtp.h"

static int read_exact(const uint8_t *bytes, size_t len, size_t *count) {
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX];
  uint8_t *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, len);
  int status = paw_red_read(copy, len, blocks, count);
  free(copy);
  return status;
}

/* RFC 2198 section 4: one redundant block of 3 bytes, 960 time units earlier, and a primary. */
static const uint8_t sample[] = {0x80 | 111, 0x0f, 0x00, 0x03, 111, 'o', 'l', 'd', 'n', 'e', 'w'};

static void test_reads_one_redundant_block(void **state) {
  (void)state;
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX];
  size_t count = 0;
  assert_int_equal(paw_red_read(sample, sizeof sample, blocks, &count), PAW_OK);
  assert_int_equal(count, 2);
  assert_int_equal(blocks[0].payload_type, 111);
  assert_int_equal(blocks[0].offset_rtp, 960);
  assert_int_equal(blocks[0].data.len, 3);
  assert_memory_equal(blocks[0].data.data, "old", 3);
  assert_int_equal(blocks[1].payload_type, 111);
  assert_int_equal(blocks[1].offset_rtp, 0);
  assert_int_equal(blocks[1].data.len, 3);
  assert_memory_equal(blocks[1].data.data, "new", 3);
}

static void test_reads_a_lone_primary(void **state) {
  (void)state;
  static const uint8_t payload[] = {111, 'x'};
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX];
  size_t count = 0;
  assert_int_equal(paw_red_read(payload, sizeof payload, blocks, &count), PAW_OK);
  assert_int_equal(count, 1);
  assert_int_equal(blocks[0].data.len, 1);
  assert_int_equal(paw_red_read(payload, 1, blocks, &count), PAW_OK);
  assert_int_equal(count, 1);
  assert_int_equal(blocks[0].data.len, 0);
}

static void test_refuses_truncations(void **state) {
  (void)state;
  size_t count = 99;
  for (size_t len = 0; len < 8; len++) {
    assert_int_equal(read_exact(sample, len, &count), PAW_ERR_MALFORMED);
    assert_int_equal(count, 0);
  }
  assert_int_equal(read_exact(sample, 8, &count), PAW_OK); /* the primary may be empty */
  assert_int_equal(count, 2);
}

static void test_chain_of_f_bits_without_a_primary(void **state) {
  (void)state;
  uint8_t payload[1500];
  memset(payload, 0xff, sizeof payload);
  size_t count = 99;
  for (size_t len = 0; len < 4 * PAW_RED_BLOCKS_MAX; len++) {
    assert_int_equal(read_exact(payload, len, &count), PAW_ERR_MALFORMED);
  }
  assert_int_equal(read_exact(payload, sizeof payload, &count), PAW_ERR_LIMIT);
  assert_int_equal(count, 0);
}

static size_t write_blocks(uint8_t *bytes, size_t room, size_t count) {
  struct paw_red_block blocks[PAW_RED_BLOCKS_MAX] = {{0}};
  for (size_t i = 0; i < count; i++) {
    blocks[i].payload_type = 111;
    blocks[i].offset_rtp = (uint16_t)((count - 1 - i) * 480);
    blocks[i].data = (struct paw_slice){.data = (const uint8_t *)"0123456789", .len = i % 11};
  }
  struct paw_wr wr = paw_wr_init(bytes, room);
  assert_int_equal(paw_red_write(&wr, blocks, count), PAW_OK);
  return wr.len;
}

static void test_round_trip_of_every_count(void **state) {
  (void)state;
  for (size_t wanted = 1; wanted <= PAW_RED_BLOCKS_MAX; wanted++) {
    uint8_t bytes[1200];
    size_t len = write_blocks(bytes, sizeof bytes, wanted);
    struct paw_red_block blocks[PAW_RED_BLOCKS_MAX];
    size_t count = 0;
    assert_int_equal(paw_red_read(bytes, len, blocks, &count), PAW_OK);
    assert_int_equal(count, wanted);
    for (size_t i = 0; i < count; i++) {
      assert_int_equal(blocks[i].payload_type, 111);
      assert_int_equal(blocks[i].offset_rtp, (count - 1 - i) * 480);
      assert_int_equal(blocks[i].data.len, i % 11);
      assert_memory_equal(blocks[i].data.data, "0123456789", i % 11);
    }
  }
}

static void test_one_block_too_many(void **state) {
  (void)state;
  uint8_t bytes[1200];
  size_t len = write_blocks(bytes + 4, sizeof bytes - 4, PAW_RED_BLOCKS_MAX);
  memcpy(bytes, (const uint8_t[]){0x80 | 111, 0, 0, 0}, 4);
  size_t count = 0;
  assert_int_equal(read_exact(bytes, len + 4, &count), PAW_ERR_LIMIT);
}

static void test_largest_offset_and_length(void **state) {
  (void)state;
  static const uint8_t data[1024] = {0};
  struct paw_red_block blocks[2] = {
      {.payload_type = 0, .offset_rtp = 16383, .data = {.data = data, .len = 1023}},
      {.payload_type = 127, .data = {.data = data, .len = 1024}}};
  uint8_t bytes[4096];
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  assert_int_equal(paw_red_write(&wr, blocks, 2), PAW_OK);
  struct paw_red_block read[PAW_RED_BLOCKS_MAX];
  size_t count = 0;
  assert_int_equal(paw_red_read(bytes, wr.len, read, &count), PAW_OK);
  assert_int_equal(read[0].offset_rtp, 16383);
  assert_int_equal(read[0].payload_type, 0);
  assert_int_equal(read[0].data.len, 1023);
  assert_int_equal(read[1].payload_type, 127);
  assert_int_equal(read[1].data.len, 1024);
}

static void test_writer_refuses_what_red_cannot_say(void **state) {
  (void)state;
  static const uint8_t data[1024] = {0};
  const struct paw_red_block primary = {.payload_type = 111};
  const struct {
    struct paw_red_block first;
    struct paw_red_block last;
  } cases[] = {
      {{.payload_type = 111, .offset_rtp = 16384}, primary},
      {{.payload_type = 111, .data = {.data = data, .len = 1024}}, primary},
      {{.payload_type = 128}, primary},
      {{.payload_type = 111}, {.payload_type = 128}},
      {{.payload_type = 111}, {.payload_type = 111, .offset_rtp = 1}},
  };
  uint8_t bytes[4096];
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct paw_red_block blocks[2] = {cases[i].first, cases[i].last};
    struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
    assert_int_equal(paw_red_write(&wr, blocks, 2), PAW_ERR_INVALID);
    assert_int_equal(wr.len, 0);
  }
  struct paw_red_block many[PAW_RED_BLOCKS_MAX + 1] = {{0}};
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  assert_int_equal(paw_red_write(&wr, many, 0), PAW_ERR_INVALID);
  assert_int_equal(paw_red_write(&wr, many, PAW_RED_BLOCKS_MAX + 1), PAW_ERR_INVALID);
}

static void test_writer_tells_a_short_buffer(void **state) {
  (void)state;
  const struct paw_red_block blocks[2] = {
      {.payload_type = 111, .offset_rtp = 960, .data = {.data = (const uint8_t *)"old", .len = 3}},
      {.payload_type = 111, .data = {.data = (const uint8_t *)"new", .len = 3}}};
  uint8_t bytes[sizeof sample];
  for (size_t room = 0; room < sizeof sample; room++) {
    struct paw_wr wr = paw_wr_init(bytes, room);
    assert_int_equal(paw_red_write(&wr, blocks, 2), PAW_ERR_NO_BUFFER);
  }
  struct paw_wr wr = paw_wr_init(bytes, sizeof bytes);
  assert_int_equal(paw_red_write(&wr, blocks, 2), PAW_OK);
  assert_memory_equal(bytes, sample, sizeof sample);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads_one_redundant_block),
      cmocka_unit_test(test_reads_a_lone_primary),
      cmocka_unit_test(test_refuses_truncations),
      cmocka_unit_test(test_chain_of_f_bits_without_a_primary),
      cmocka_unit_test(test_round_trip_of_every_count),
      cmocka_unit_test(test_one_block_too_many),
      cmocka_unit_test(test_largest_offset_and_length),
      cmocka_unit_test(test_writer_refuses_what_red_cannot_say),
      cmocka_unit_test(test_writer_tells_a_short_buffer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
