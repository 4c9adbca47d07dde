/* SPDX-License-Identifier: MIT */
/* ClientHellos in fragments: the reassembly alone, and handshakes over a link that cuts them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/wr.h"
#include "dtls/hello.h"
#include "dtls/pair.h"
#include "dtls/private.h"
#include "kit/alloc.h"

/* As Chromium 156 sends it: 1413 bytes, the first 1175 in a datagram of 1200. */
#define CHROMIUM_LEN 1413
#define CHROMIUM_CUT 1175

struct assembly {
  struct paw_dtls_client_hello hello;
  struct kit_allocator memory;
  struct paw_allocator allocator;
  struct paw_slice whole;
};

static int setup(void **state) {
  static struct assembly assembly;
  memset(&assembly, 0, sizeof assembly);
  assembly.allocator = kit_allocator_hook(&assembly.memory);
  *state = &assembly;
  return 0;
}

static int teardown(void **state) {
  struct assembly *assembly = *state;
  paw_dtls_client_hello_wipe(&assembly->hello, &assembly->allocator);
  assert_int_equal(assembly->memory.outstanding_bytes, 0);
  return 0;
}

static int add(struct assembly *assembly, const struct hello_datagram *datagram) {
  return paw_dtls_client_hello_add(&assembly->hello, &assembly->allocator, datagram->data,
                                   datagram->len, &assembly->whole);
}

static void expect_part(struct assembly *assembly, const struct hello_datagram *datagram) {
  assert_true(paw_dtls_client_hello_is_fragment(datagram->data, datagram->len));
  assert_int_equal(add(assembly, datagram), PAW_OK);
  assert_int_equal(assembly->whole.len, 0);
}

/* Whole now, equal to the original but for the number of the record that completed it. */
static void expect_whole(struct assembly *assembly, const struct hello_datagram *datagram,
                         const struct hello_datagram *original, uint64_t sequence) {
  struct hello_datagram expected = hello_cut(original, 0, original->len - 25, sequence);
  assert_int_equal(add(assembly, datagram), PAW_OK);
  assert_int_equal(assembly->whole.len, expected.len);
  assert_memory_equal(assembly->whole.data, expected.data, expected.len);
  assert_false(paw_dtls_client_hello_is_fragment(assembly->whole.data, assembly->whole.len));
}

static void in_order(void **state) {
  struct hello_datagram original = hello_make(CHROMIUM_LEN, 0);
  struct hello_datagram first = hello_cut(&original, 0, CHROMIUM_CUT, 0);
  struct hello_datagram second = hello_cut(&original, CHROMIUM_CUT, CHROMIUM_LEN, 1);
  assert_int_equal(first.len, 1200);
  assert_int_equal(second.len, 263);
  expect_part(*state, &first);
  expect_whole(*state, &second, &original, 1);
}

static void swapped(void **state) {
  struct hello_datagram original = hello_make(CHROMIUM_LEN, 0);
  struct hello_datagram first = hello_cut(&original, 0, CHROMIUM_CUT, 0);
  struct hello_datagram second = hello_cut(&original, CHROMIUM_CUT, CHROMIUM_LEN, 1);
  expect_part(*state, &second);
  expect_whole(*state, &first, &original, 0);
}

static void duplicated(void **state) {
  struct hello_datagram original = hello_make(CHROMIUM_LEN, 0);
  struct hello_datagram first = hello_cut(&original, 0, CHROMIUM_CUT, 0);
  struct hello_datagram second = hello_cut(&original, CHROMIUM_CUT, CHROMIUM_LEN, 1);
  expect_part(*state, &first);
  expect_part(*state, &first);
  expect_part(*state, &first);
  expect_whole(*state, &second, &original, 1);
}

/* One is lost each time; the repetition has record numbers of its own. */
static void lost_and_repeated(void **state) {
  struct hello_datagram original = hello_make(CHROMIUM_LEN, 0);
  struct hello_datagram second = hello_cut(&original, CHROMIUM_CUT, CHROMIUM_LEN, 1);
  struct hello_datagram again = hello_cut(&original, 0, CHROMIUM_CUT, 2);
  expect_part(*state, &second);
  expect_whole(*state, &again, &original, 2);
  /* The next repetition is put together anew: the peer missed our answer. */
  struct hello_datagram third = hello_cut(&original, 0, CHROMIUM_CUT, 4);
  struct hello_datagram fourth = hello_cut(&original, CHROMIUM_CUT, CHROMIUM_LEN, 5);
  expect_part(*state, &third);
  expect_whole(*state, &fourth, &original, 5);
}

static void many_pieces_overlapping(void **state) {
  struct hello_datagram original = hello_make(1000, 0);
  for (size_t from = 900; from > 0; from -= 100) {
    struct hello_datagram piece = hello_cut(&original, from, from + 100, 100 - from / 100);
    expect_part(*state, &piece);
    struct hello_datagram over = hello_cut(&original, from - 7, from + 31, 200 - from / 100);
    expect_part(*state, &over);
  }
  struct hello_datagram last = hello_cut(&original, 0, 95, 300);
  expect_whole(*state, &last, &original, 300);
}

static void several_records_in_a_datagram(void **state) {
  struct hello_datagram original = hello_make(600, 0);
  struct hello_datagram datagram = hello_cut(&original, 0, 200, 0);
  struct hello_datagram middle = hello_cut(&original, 200, 400, 1);
  struct hello_datagram last = hello_cut(&original, 400, 600, 2);
  hello_append(&datagram, &middle);
  expect_part(*state, &datagram);
  expect_whole(*state, &last, &original, 2);
}

static void bytes_that_came_first_stay(void **state) {
  struct hello_datagram original = hello_make(CHROMIUM_LEN, 0);
  struct hello_datagram forged = hello_make(CHROMIUM_LEN, 99);
  struct hello_datagram first = hello_cut(&original, 0, CHROMIUM_CUT, 0);
  struct hello_datagram false_first = hello_cut(&forged, 0, CHROMIUM_CUT, 7);
  struct hello_datagram second = hello_cut(&original, CHROMIUM_CUT, CHROMIUM_LEN, 1);
  expect_part(*state, &first);
  expect_part(*state, &false_first);
  expect_whole(*state, &second, &original, 1);
}

/* A client that starts anew sends another ClientHello. */
static void another_message_takes_over(void **state) {
  struct hello_datagram old = hello_make(1300, 1);
  struct hello_datagram original = hello_make(CHROMIUM_LEN, 0);
  struct hello_datagram stale = hello_cut(&old, 0, 1000, 0);
  struct hello_datagram first = hello_cut(&original, 0, CHROMIUM_CUT, 0);
  struct hello_datagram second = hello_cut(&original, CHROMIUM_CUT, CHROMIUM_LEN, 1);
  expect_part(*state, &stale);
  expect_part(*state, &first);
  expect_whole(*state, &second, &original, 1);
}

static void memory_is_bounded(void **state) {
  struct assembly *assembly = *state;
  struct hello_datagram longest = hello_make(PAW_DTLS_CLIENT_HELLO_MAX, 0);
  struct hello_datagram too_long = hello_make(PAW_DTLS_CLIENT_HELLO_MAX + 1, 0);
  struct hello_datagram part = hello_cut(&longest, 0, 100, 0);
  expect_part(assembly, &part);
  assert_in_range(assembly->memory.outstanding_bytes, PAW_DTLS_CLIENT_HELLO_MAX,
                  PAW_DTLS_CLIENT_HELLO_MAX * 9 / 8 + 32);
  part = hello_cut(&too_long, 0, 100, 1);
  assert_int_equal(add(assembly, &part), PAW_ERR_LIMIT);
  assert_int_equal(assembly->memory.outstanding_bytes, 0);
  /* A message of 16 MB, said a header. */
  part.data[14] = 0xff;
  assert_int_equal(add(assembly, &part), PAW_ERR_LIMIT);
}

static void no_memory(void **state) {
  struct assembly *assembly = *state;
  struct hello_datagram original = hello_make(CHROMIUM_LEN, 0);
  struct hello_datagram first = hello_cut(&original, 0, CHROMIUM_CUT, 0);
  struct hello_datagram second = hello_cut(&original, CHROMIUM_CUT, CHROMIUM_LEN, 1);
  assembly->memory.fail_nth = 1;
  assert_int_equal(add(assembly, &first), PAW_ERR_NO_MEMORY);
  expect_part(assembly, &first);
  expect_whole(assembly, &second, &original, 1);
}

static void malformed(void **state) {
  struct hello_datagram original = hello_make(CHROMIUM_LEN, 0);
  struct hello_datagram first = hello_cut(&original, 0, CHROMIUM_CUT, 0);
  struct hello_datagram beyond = hello_cut(&original, CHROMIUM_CUT, CHROMIUM_LEN, 1);
  beyond.data[21] = 1; /* the offset now lies 256 bytes farther, past the end */
  beyond.data[20] = 5;
  assert_false(paw_dtls_client_hello_is_fragment(beyond.data, beyond.len));
  assert_int_equal(add(*state, &beyond), PAW_ERR_MALFORMED);
  for (size_t len = 0; len < first.len; len++) {
    struct hello_datagram cut = first;
    cut.len = len;
    int expected = len == 0 ? PAW_OK : PAW_ERR_MALFORMED;
    assert_int_equal(add(*state, &cut), expected);
    assert_false(paw_dtls_client_hello_is_fragment(cut.data, cut.len));
  }
}

/* ---- handshakes ---- */

/* Cuts each ClientHello of the client into `pieces`, and numbers its clear records anew as a
 * client would. */
struct cutter {
  struct pair *pair;
  size_t pieces;
  bool backwards;
  unsigned cut_count;
  uint64_t sequence;
  bool passing; /* what comes is from here */
};

static void renumber(struct cutter *cutter, struct hello_datagram *datagram) {
  struct paw_rd rd = paw_rd_init(datagram->data, datagram->len);
  while (rd.left > 0) {
    size_t at = datagram->len - rd.left;
    struct paw_dtls_record record;
    assert_true(paw_dtls_record_read(&rd, &record));
    if (record.epoch == 0) {
      struct paw_wr wr = paw_wr_init(datagram->data + at + 5, 6);
      paw_wr_u16(&wr, 0);
      paw_wr_u32(&wr, (uint32_t)cutter->sequence);
      cutter->sequence++;
    }
  }
}

static void send_on(struct cutter *cutter, struct hello_datagram *datagram, uint64_t now_ns) {
  renumber(cutter, datagram);
  cutter->passing = true;
  kit_net_send(cutter->pair->net, &cutter->pair->ends[PAIR_CLIENT].address,
               &cutter->pair->ends[PAIR_SERVER].address, datagram->data, datagram->len, now_ns);
  cutter->passing = false;
}

static bool cut(void *user_data, const struct kit_datagram *datagram, uint64_t now_ns) {
  struct cutter *cutter = user_data;
  if (cutter->passing ||
      !paw_address_equal(&datagram->from, &cutter->pair->ends[PAIR_CLIENT].address)) {
    return true;
  }
  struct hello_datagram whole = {.len = datagram->len};
  memcpy(whole.data, datagram->data, datagram->len);
  size_t message_len = hello_message_len(whole.data, whole.len);
  if (message_len == 0) {
    send_on(cutter, &whole, now_ns);
    return false;
  }
  cutter->cut_count++;
  for (size_t i = 0; i < cutter->pieces; i++) {
    size_t piece = cutter->backwards ? cutter->pieces - 1 - i : i;
    struct hello_datagram part = hello_cut(&whole, message_len * piece / cutter->pieces,
                                           message_len * (piece + 1) / cutter->pieces, 0);
    send_on(cutter, &part, now_ns);
  }
  return false;
}

static void connect_cut(size_t pieces, bool backwards, double loss, uint64_t seed) {
  struct pair pair;
  const struct kit_link_config link = {.delay_ns = PAW_NS_PER_MS,
                                       .jitter_ns = PAW_NS_PER_MS,
                                       .loss = loss,
                                       .duplicate = loss,
                                       .reorder = loss,
                                       .reorder_ns = 5 * PAW_NS_PER_MS};
  pair_init(&pair, seed, &link);
  struct cutter cutter = {.pair = &pair, .pieces = pieces, .backwards = backwards};
  kit_net_set_filter(pair.net, cut, &cutter);
  pair_start(&pair);
  pair_run(&pair, 20000);
  assert_true(cutter.cut_count > 0);
  pair_expect_connected(&pair);
  pair_wipe(&pair);
}

static void handshakes_over_a_cutting_link(void **state) {
  (void)state;
  connect_cut(2, false, 0, 1);
  connect_cut(2, true, 0, 1);
  connect_cut(3, false, 0, 1);
  connect_cut(3, true, 0, 1);
  connect_cut(20, true, 0, 1);
}

static void cut_and_lossy(uint64_t seed, void *context) {
  (void)context;
  connect_cut(2 + (size_t)(seed % 3), seed % 2 == 0, 0.2, seed);
}

static void handshakes_over_a_cutting_and_lossy_link(void **state) {
  (void)state;
  kit_seeds_run(cut_and_lossy, NULL, 20);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(in_order),
      TEST(swapped),
      TEST(duplicated),
      TEST(lost_and_repeated),
      TEST(many_pieces_overlapping),
      TEST(several_records_in_a_datagram),
      TEST(bytes_that_came_first_stay),
      TEST(another_message_takes_over),
      TEST(memory_is_bounded),
      TEST(no_memory),
      TEST(malformed),
      cmocka_unit_test(handshakes_over_a_cutting_link),
      cmocka_unit_test(handshakes_over_a_cutting_and_lossy_link),
  };
  return cmocka_run_group_tests_name("dtls_client_hello", tests, NULL, NULL);
}
