/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/time.h"
#include "stream/history.h"

static const struct paw_allocator heap;

static struct paw_history *make_history(void) {
  struct paw_history *history = NULL;
  assert_int_equal(paw_history_new(&heap, &history), PAW_OK);
  return history;
}

static void push(struct paw_history *history, uint64_t now_ns, uint8_t fill, size_t len) {
  uint8_t data[PAW_OPUS_PACKET_MAX];
  memset(data, fill, sizeof data);
  struct paw_audio_frame frame = {
      .data = data, .len = len, .media_rtp = fill * 480u, .duration_rtp = 480, .level = 30};
  assert_int_equal(paw_history_push(history, now_ns, &frame), PAW_OK);
}

static void check_payload(const struct paw_history *history, uint64_t index, uint8_t fill,
                          size_t len) {
  const struct paw_history_frame *frame = paw_history_get(history, index);
  assert_non_null(frame);
  assert_int_equal(frame->len, len);
  const uint8_t *payload = paw_history_payload(history, frame);
  for (size_t i = 0; i < len; i++) {
    assert_int_equal(payload[i], fill);
  }
}

static void frames_are_found_by_index(void **state) {
  (void)state;
  struct paw_history *history = make_history();
  assert_null(paw_history_get(history, 0));
  push(history, 1000, 1, 100);
  push(history, 2000, 2, 50);
  check_payload(history, 0, 1, 100);
  check_payload(history, 1, 2, 50);
  assert_null(paw_history_get(history, 2));
  paw_mem_free(&heap, history);
}

static void half_a_second_is_kept(void **state) {
  (void)state;
  struct paw_history *history = make_history();
  uint64_t now_ns = 5 * PAW_NS_PER_S;
  for (uint8_t i = 0; i < 100; i++) {
    push(history, now_ns + i * 10 * PAW_NS_PER_MS, i, 160);
  }
  uint64_t kept = history->next_index - history->first_index;
  assert_in_range(kept, 50, 52);
  check_payload(history, 99, 99, 160);
  check_payload(history, history->first_index, (uint8_t)history->first_index, 160);
  assert_null(paw_history_get(history, history->first_index - 1));
  paw_mem_free(&heap, history);
}

static void the_number_of_frames_is_bounded(void **state) {
  (void)state;
  struct paw_history *history = make_history();
  for (unsigned i = 0; i < PAW_HISTORY_FRAMES + 10; i++) {
    push(history, 1000 + i, (uint8_t)i, 3);
  }
  assert_int_equal(history->next_index - history->first_index, PAW_HISTORY_FRAMES);
  check_payload(history, history->first_index, (uint8_t)history->first_index, 3);
  paw_mem_free(&heap, history);
}

/* Payloads of changing sizes go around the end of the bytes many times and never overlap. */
static void the_bytes_are_bounded(void **state) {
  (void)state;
  struct paw_history *history = make_history();
  size_t lens[4096];
  for (unsigned i = 0; i < 4096; i++) {
    lens[i] = 1 + (i * 7919u) % PAW_OPUS_PACKET_MAX;
    push(history, 1000 + i, (uint8_t)i, lens[i]);
    for (uint64_t index = history->first_index; index < history->next_index; index++) {
      check_payload(history, index, (uint8_t)index, lens[index]);
    }
    assert_true(history->next_index - history->first_index >= (i < 20 ? i + 1 : 20));
  }
  paw_mem_free(&heap, history);
}

static void bad_frames_are_refused(void **state) {
  (void)state;
  struct paw_history *history = make_history();
  uint8_t data[PAW_OPUS_PACKET_MAX + 1] = {0};
  struct paw_audio_frame frame = {.data = data, .len = 0, .duration_rtp = 480};
  assert_int_equal(paw_history_push(history, 1, &frame), PAW_ERR_INVALID);
  frame.len = PAW_OPUS_PACKET_MAX + 1;
  assert_int_equal(paw_history_push(history, 1, &frame), PAW_ERR_INVALID);
  frame.len = 10;
  frame.duration_rtp = 60;
  assert_int_equal(paw_history_push(history, 1, &frame), PAW_ERR_INVALID);
  frame.duration_rtp = 5761;
  assert_int_equal(paw_history_push(history, 1, &frame), PAW_ERR_INVALID);
  frame.duration_rtp = 480;
  frame.data = NULL;
  assert_int_equal(paw_history_push(history, 1, &frame), PAW_ERR_INVALID);
  assert_int_equal(history->next_index, 0);
  paw_mem_free(&heap, history);
}

static void capture_time_is_marked_once_a_second(void **state) {
  (void)state;
  struct paw_history *history = make_history();
  unsigned marks = 0;
  for (unsigned i = 0; i < 500; i++) {
    push(history, PAW_NS_PER_S + i * 10 * PAW_NS_PER_MS, (uint8_t)i, 10);
    marks += paw_history_get(history, i)->capture_mark;
  }
  assert_int_equal(marks, 5);
  paw_mem_free(&heap, history);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_are_found_by_index),
      cmocka_unit_test(half_a_second_is_kept),
      cmocka_unit_test(the_number_of_frames_is_bounded),
      cmocka_unit_test(the_bytes_are_bounded),
      cmocka_unit_test(bad_frames_are_refused),
      cmocka_unit_test(capture_time_is_marked_once_a_second),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
