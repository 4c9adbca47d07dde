/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/alloc.h"
#include "kit/rng.h"
#include "playout/playout.h"

#define CAPACITY 64

static void frames_come_out_in_the_order_of_media_time(uint64_t seed, void *context) {
  (void)context;
  struct paw_allocator none = {0};
  struct paw_playout_buffer buffer;
  struct kit_rng rng;
  kit_rng_init(&rng, seed);
  assert_int_equal(paw_playout_buffer_init(&buffer, &none, CAPACITY), PAW_OK);
  assert_null(paw_playout_buffer_front(&buffer));
  assert_null(paw_playout_buffer_back(&buffer));
  uint64_t taken_rtp = 0;
  size_t count = 0;
  for (int i = 0; i < 2000; i++) {
    uint64_t media_rtp = taken_rtp + 1 + kit_rng_below(&rng, 100000);
    if (!paw_playout_buffer_is_full(&buffer) && kit_rng_chance(&rng, 0.6)) {
      if (paw_playout_buffer_find(&buffer, media_rtp) == NULL) {
        paw_playout_buffer_insert(&buffer, media_rtp)->sequence = media_rtp * 3;
        count++;
      }
      assert_int_equal(paw_playout_buffer_find(&buffer, media_rtp)->sequence, media_rtp * 3);
    } else if (count > 0) {
      const struct paw_playout_frame *front = paw_playout_buffer_front(&buffer);
      assert_true(front->media_rtp > taken_rtp);
      assert_true(front->media_rtp <= paw_playout_buffer_back(&buffer)->media_rtp);
      assert_int_equal(front->sequence, front->media_rtp * 3);
      taken_rtp = front->media_rtp;
      paw_playout_buffer_pop(&buffer);
      assert_int_equal(front->media_rtp, taken_rtp); /* still to be read */
      assert_null(paw_playout_buffer_find(&buffer, taken_rtp));
      count--;
    }
    assert_int_equal(buffer.count, count);
  }
  assert_true(taken_rtp > 0);
  paw_playout_buffer_wipe(&buffer, &none);
}

static void any_order(void **state) {
  (void)state;
  kit_seeds_run(frames_come_out_in_the_order_of_media_time, NULL, 5);
}

/* Played ones stay in their order, late ones fall in between, and both leave the oldest first. */
static void played_frames_can_be_kept(void **state) {
  (void)state;
  struct paw_allocator none = {0};
  struct paw_playout_buffer buffer;
  assert_int_equal(paw_playout_buffer_init(&buffer, &none, CAPACITY), PAW_OK);
  static const uint64_t begins[] = {10, 20, 40, 50};
  for (size_t i = 0; i < 4; i++) {
    (void)paw_playout_buffer_insert(&buffer, begins[i]);
  }
  paw_playout_buffer_keep_before(&buffer, 41);
  assert_int_equal(buffer.kept, 3);
  assert_int_equal(paw_playout_buffer_front(&buffer)->media_rtp, 50);
  (void)paw_playout_buffer_insert(&buffer, 30);
  assert_int_equal(buffer.kept, 4);
  assert_int_equal(paw_playout_buffer_at(&buffer, 2)->media_rtp, 30);
  assert_non_null(paw_playout_buffer_find(&buffer, 20));
  paw_playout_buffer_release(&buffer, 2);
  assert_int_equal(buffer.kept, 2);
  assert_int_equal(paw_playout_buffer_at(&buffer, 0)->media_rtp, 30);
  paw_playout_buffer_pop(&buffer);
  assert_null(paw_playout_buffer_front(&buffer));
  assert_null(paw_playout_buffer_back(&buffer));
  assert_int_equal(buffer.count, 2);
  paw_playout_buffer_wipe(&buffer, &none);
}

static void few_places_are_touched(void **state) {
  (void)state;
  struct paw_allocator none = {0};
  struct paw_playout_buffer buffer;
  assert_int_equal(paw_playout_buffer_init(&buffer, &none, CAPACITY), PAW_OK);
  for (uint64_t i = 0; i < 1000; i++) {
    (void)paw_playout_buffer_insert(&buffer, i * 960);
    if (i >= 3) {
      paw_playout_buffer_pop(&buffer);
    }
  }
  for (size_t i = 4; i < CAPACITY; i++) {
    assert_int_equal(buffer.frames[i].media_rtp, 0);
  }
  paw_playout_buffer_wipe(&buffer, &none);
}

static void no_memory_is_told(void **state) {
  (void)state;
  for (uint64_t nth = 1; nth <= 2; nth++) {
    struct kit_allocator memory = {.fail_nth = nth};
    struct paw_allocator hook = kit_allocator_hook(&memory);
    struct paw_playout_buffer buffer;
    assert_int_equal(paw_playout_buffer_init(&buffer, &hook, CAPACITY), PAW_ERR_NO_MEMORY);
    assert_int_equal(memory.outstanding_bytes, 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_order),
      cmocka_unit_test(played_frames_can_be_kept),
      cmocka_unit_test(few_places_are_touched),
      cmocka_unit_test(no_memory_is_told),
  };
  return cmocka_run_group_tests_name("playout buffer", tests, NULL, NULL);
}
